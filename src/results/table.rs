//! The parts as a table: the truth of which the charts are pictures.

use leptos::prelude::*;
use nn_memory::{Bytes, Formula, PartKind, Unit, UnitSystem};

use super::{capitalized, slug};
use crate::form::Outcome;
use crate::page::Page;
use crate::reactive::{disclosure, flag, text};

/// Id of the table, for what describes it.
pub const TABLE_ID: &str = "breakdown-table";

/// The parts, each with its work on demand.
pub fn table(page: Page) -> impl IntoView {
    let parts = PartKind::ALL.map(|kind| Row::Part(kind).view(page)).collect_view();
    view! {
        <div
            class="table-scroll"
            role="region"
            aria-label="Memory by component"
            tabindex="0"
        >
            <table class="parts" id=TABLE_ID data-testid="table">
                <thead>
                    <tr>
                        <th scope="col">"Component"</th>
                        <th scope="col" class="number">"Size"</th>
                        <th scope="col" class="number">"%"</th>
                        <th scope="col">"Formula"</th>
                    </tr>
                </thead>
                <tbody>{parts}</tbody>
                <tfoot>{Row::Total.view(page)}{Row::SystemMemory.view(page)}</tfoot>
            </table>
        </div>
    }
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
    fn view(self, page: Page) -> impl IntoView {
        let Page { outcome, system, .. } = page;
        let open = RwSignal::new(false);
        // Most rows stay as they are when one input changes: then nothing below this runs.
        let cells = Memo::new(move |_| outcome.with(|outcome| self.cells(outcome, system.get())));
        // Worked out only while it can be seen.
        let work = move |line: fn(Row, &Outcome) -> String| {
            text(move || if open.get() { outcome.with(|outcome| line(self, outcome)) } else { String::new() })
        };
        let slug = self.slug();
        let test_id = if self == Self::SystemMemory { slug.to_owned() } else { format!("row-{slug}") };
        view! {
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
                    <span class="figure">{text(move || cells.with(|cells| cells.figure.clone()))}</span>
                    "\u{2009}"
                    <span class="cell-unit">{text(move || cells.with(|cells| cells.unit.to_owned()))}</span>
                </td>
                <td class="number">{text(move || cells.with(|cells| cells.share.clone()))}</td>
                <td>
                    {disclosure(
                        "quiet work-button",
                        format!("show-work-{slug}"),
                        format!("Show the work: {}", self.name()),
                        format!("work-{slug}"),
                        open,
                        view! {
                            <span class="work-verb">"Show the "</span>
                            "work"
                        },
                    )}
                </td>
            </tr>
            <tr class="work" id=format!("work-{slug}") data-testid=format!("work-{slug}") hidden=flag(move || !open.get())>
                <td colspan="4">
                    <p class="formula"><code>{work(|row, outcome| row.formula(outcome).symbols().to_owned())}</code></p>
                    <p class="formula"><code>{work(result)}</code></p>
                    <p class="operands">{work(operands)}</p>
                </td>
            </tr>
        }
    }
}

/// The figure, or that it is too small to be one.
fn figure(bytes: Bytes, unit: Unit) -> String {
    let figure = bytes.in_unit(unit);
    if figure == "0.00" && bytes > Bytes::ZERO { "< 0.01".to_owned() } else { figure }
}

/// The formula with the numbers put in, and what comes out.
fn result(row: Row, outcome: &Outcome) -> String {
    format!("{} = {}", row.formula(outcome).numbers(), row.bytes(outcome))
}

/// What the symbols stand for.
fn operands(row: Row, outcome: &Outcome) -> String {
    let operands = row.formula(outcome).operands.iter();
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
