//! The parts as a table: the truth of which the charts are pictures.

use leptos::prelude::*;
use nn_memory::{Bytes, Choice, Formula, PartKind, Unit, UnitSystem};

use super::{capitalized, slug};
use crate::built::{Built, built};
use crate::described;
use crate::form::Outcome;
use crate::page::Page;
use crate::reactive::{effect, flag, named_disclosure, put, text};

/// Id of the table, for what describes it.
pub const TABLE_ID: &str = "breakdown-table";

/// The parts, each with its work on demand.
pub fn table(page: Page) -> Built {
    let Page { outcome, system, .. } = page;
    let cells =
        move || outcome.with(|outcome| Row::all().map(|row| row.cells(outcome, system.get())).collect::<Vec<_>>());
    // Most rows stay as they are when one input changes; what shows them is not asked then.
    let shown: Vec<_> = untrack(cells).into_iter().map(RwSignal::new).collect();
    let mut rows = Row::all().zip(shown.clone()).map(|(row, cells)| row.view(page, cells));
    effect(move || shown.iter().zip(cells()).for_each(|(shown, cells)| put(*shown, cells)));
    let parts = rows.by_ref().take(PartKind::ALL.len()).collect_view();
    built(view! {
        <div
            class="table-scroll"
            role="region"
            aria-label="Memory by component"
            tabindex="0"
        >
            <table class="parts" id=TABLE_ID data-testid="table">
                <caption data-testid="peak-phase" hidden=flag(move || page.outcome.with(|outcome| peak(outcome).is_empty()))>
                    {text(move || page.outcome.with(peak))}
                </caption>
                <thead>
                    <tr>
                        <th scope="col">"Component"</th>
                        <th scope="col" class="number">"Size"</th>
                        <th scope="col" class="number">"%"</th>
                        <th scope="col">"Formula"</th>
                    </tr>
                </thead>
                <tbody>{parts}</tbody>
                <tfoot>{rows.collect_view()}</tfoot>
            </table>
        </div>
    })
}

/// What a row shows beside its name.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cells {
    figure: String,
    unit: &'static str,
    share: String,
    zero: bool,
}

/// A row and the work behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Part(PartKind),
    Total,
    SystemMemory,
}

impl Row {
    /// Every row, in the order of the table.
    fn all() -> impl Iterator<Item = Self> {
        PartKind::ALL.into_iter().map(Self::Part).chain([Self::Total, Self::SystemMemory])
    }

    const fn slug(self) -> &'static str {
        match self {
            Self::Part(kind) => slug(kind),
            Self::Total => "total",
            Self::SystemMemory => "system-memory",
        }
    }

    fn name(self) -> String {
        match self {
            Self::Part(kind) => capitalized(kind.name()),
            Self::Total => "Total".to_owned(),
            Self::SystemMemory => "System RAM to have".to_owned(),
        }
    }

    fn bytes(self, outcome: &Outcome) -> Bytes {
        match self {
            Self::Part(kind) => outcome.estimate.part(kind).bytes,
            Self::Total => outcome.estimate.total,
            Self::SystemMemory => outcome.estimate.system_memory,
        }
    }

    fn formula(self, outcome: &Outcome) -> &Formula {
        match self {
            Self::Part(kind) => &outcome.estimate.part(kind).formula,
            Self::Total => &outcome.estimate.total_formula,
            Self::SystemMemory => &outcome.estimate.system_memory_formula,
        }
    }

    fn unit(self, outcome: &Outcome, system: UnitSystem) -> Unit {
        match self {
            Self::SystemMemory => outcome.estimate.system_memory.display(system).unit,
            Self::Part(_) | Self::Total => outcome.estimate.total.table_unit(system),
        }
    }

    fn share(self, outcome: &Outcome) -> String {
        match self {
            Self::Part(kind) => outcome.estimate.part(kind).share.to_string(),
            Self::Total if outcome.estimate.total == Bytes::ZERO => "0.0".to_owned(),
            Self::Total => "100.0".to_owned(),
            Self::SystemMemory => String::new(),
        }
    }

    fn cells(self, outcome: &Outcome, system: UnitSystem) -> Cells {
        let (bytes, unit) = (self.bytes(outcome), self.unit(outcome, system));
        Cells { figure: figure(bytes, unit), unit: unit.name(), share: self.share(outcome), zero: bytes == Bytes::ZERO }
    }

    /// The row, and under it the row with its work.
    fn view(self, page: Page, cells: RwSignal<Cells>) -> Built {
        let Page { outcome, system, .. } = page;
        let open = RwSignal::new(false);
        // Worked out only while it can be seen.
        let work = move |line: fn(Row, &Outcome, UnitSystem) -> String| {
            text(move || match open.get() {
                true => outcome.with(|outcome| line(self, outcome, system.get())),
                false => String::new(),
            })
        };
        let tensors = work(|row, outcome, system| match (row, described::get()) {
            (Self::Part(kind), Some(has)) => (has.work)(outcome, kind, system),
            _ => String::new(),
        });
        let verb = move || if open.get() { "Hide the" } else { "Show the" };
        let name = self.name();
        let label = text(move || format!("{} work: {name}", verb()));
        let slug = self.slug();
        let test_id = if self == Self::SystemMemory { slug.to_owned() } else { format!("row-{slug}") };
        built(view! {
            <tr
                class=format!("row row-{slug}")
                class:zero=flag(move || cells.with(|cells| cells.zero))
                data-testid=test_id
            >
                <th scope="row">
                    <span class=format!("dot dot-{slug}") aria-hidden="true"></span>
                    {self.name()}
                </th>
                <td class="number">
                    <div class="cell">
                        <span class="figure">{text(move || cells.with(|cells| cells.figure.clone()))}</span>
                        "\u{2009}"
                        <span class="cell-unit">{text(move || cells.with(|cells| cells.unit.to_owned()))}</span>
                    </div>
                </td>
                <td class="number"><div class="cell">{text(move || cells.with(|cells| cells.share.clone()))}</div></td>
                <td>
                    {named_disclosure(
                        "quiet work-button",
                        format!("show-work-{slug}"),
                        label,
                        format!("work-{slug}"),
                        open,
                        built(view! {
                            <span class="work-verb">{text(move || format!("{} ", verb()))}</span>
                            "work"
                        }),
                    )}
                </td>
            </tr>
            <tr class="work" id=format!("work-{slug}") data-testid=format!("work-{slug}") hidden=flag(move || !open.get())>
                <td colspan="4">
                    <p class="formula"><code>{work(symbols)}</code></p>
                    <p class="formula"><code>{work(result)}</code></p>
                    <p class="operands">{work(operands)}</p>
                    <p class="operands" data-testid=format!("tensors-{slug}")>{tensors}</p>
                </td>
            </tr>
        })
    }
}

/// When the parts are as the table says.
fn peak(outcome: &Outcome) -> String {
    match &outcome.estimate.report {
        Some(report) => format!("What stands at the peak, in the {} phase", report.peak_phase.label()),
        None => String::new(),
    }
}

/// The figure, or that it is too small to be one.
fn figure(bytes: Bytes, unit: Unit) -> String {
    let figure = bytes.in_unit(unit);
    if figure == "0.00" && bytes > Bytes::ZERO { "< 0.01".to_owned() } else { figure }
}

/// Whether the work of a row is a formula: of a part of a described model it is the list of its tensors.
fn has_formula(row: Row, outcome: &Outcome) -> bool {
    !matches!(row, Row::Part(_)) || outcome.estimate.report.is_none()
}

/// The formula in symbols.
fn symbols(row: Row, outcome: &Outcome, _: UnitSystem) -> String {
    if has_formula(row, outcome) { row.formula(outcome).terms() } else { String::new() }
}

/// The formula with the numbers put in, and what comes out.
fn result(row: Row, outcome: &Outcome, _: UnitSystem) -> String {
    if has_formula(row, outcome) {
        format!("{} = {}", row.formula(outcome).numbers(), row.bytes(outcome))
    } else {
        String::new()
    }
}

/// What the symbols stand for.
fn operands(row: Row, outcome: &Outcome, _: UnitSystem) -> String {
    let operands = row.formula(outcome).operands.iter().filter(|_| has_formula(row, outcome));
    operands
        .map(|operand| format!("{}: {}, {}", operand.symbol, operand.name, operand.value))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_nothing_never_reads_as_nothing() {
        assert_eq!(figure(Bytes::ZERO, Unit::GIB), "0.00");
        assert_eq!(figure(Bytes::new(1), Unit::GIB), "< 0.01");
        assert_eq!(figure(Bytes::gib(3), Unit::GIB), "3.00");
    }
}
