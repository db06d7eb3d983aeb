//! The parts as a table: the truth of which the charts are pictures.

use leptos::prelude::*;
use nn_memory::{Bytes, Choice, Estimate, Explanation, Formula, PartKind, PartLine, Unit, UnitSystem, format_count};

use super::{capitalized, slug};
use crate::built::{Built, built};
use crate::described;
use crate::form::Outcome;
use crate::page::Page;
use crate::reactive::{effect, flag, named_disclosure, put, text};

/// Lines of tensors that are shown of a part.
const MOST_LINES: usize = 24;

/// Id of the table, for what describes it.
pub const TABLE_ID: &str = "breakdown-table";

/// The parts, each with its work on demand.
pub fn table(page: Page) -> Built {
    // Worked out only while a row that is open asks for it.
    let explained = Memo::new(move |_| {
        page.outcome.with(|outcome| described::engine().explain(&outcome.scenario).and_then(Result::ok))
    });
    let Page { outcome, system, .. } = page;
    let cells =
        move || outcome.with(|outcome| Row::all().map(|row| row.cells(outcome, system.get())).collect::<Vec<_>>());
    // Most rows stay as they are when one input changes; what shows them is not asked then.
    let shown: Vec<_> = untrack(cells).into_iter().map(RwSignal::new).collect();
    let mut rows = Row::all().zip(shown.clone()).map(|(row, cells)| row.view(page, cells, explained));
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
    fn view(self, page: Page, cells: RwSignal<Cells>, explained: Memo<Option<Explanation>>) -> Built {
        let Page { outcome, system, .. } = page;
        let open = RwSignal::new(false);
        // Worked out only while it can be seen.
        let work = move |line: fn(Row, &Outcome) -> String| {
            text(move || if open.get() { outcome.with(|outcome| line(self, outcome)) } else { String::new() })
        };
        let tensors = move || match self {
            Self::Part(kind) if open.get() => {
                explained.with(|explained| explained.as_ref().map(|explained| tensors(explained, kind, system.get())))
            }
            _ => None,
        };
        let tensors = move || tensors().unwrap_or_default();
        let along = move || match self {
            Self::Part(kind) if open.get() => outcome.with(|outcome| along(&outcome.estimate, kind, system.get())),
            _ => String::new(),
        };
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
                    <p class="operands" data-testid=format!("tensors-{slug}")>{text(tensors)}</p>
                    <p class="operands" data-testid=format!("along-{slug}")>{text(along)}</p>
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

/// Tensors of a part at the peak, a line for those that are alike, the largest first, and their sum.
fn tensors(explained: &Explanation, kind: PartKind, system: UnitSystem) -> String {
    let lines: Vec<_> = explained.lines.iter().filter(|line| line.part == kind).collect();
    let sum =
        |lines: &[&PartLine]| Bytes::new(lines.iter().fold(0_u64, |sum, line| sum.saturating_add(line.bytes.get())));
    let (shown, rest) = lines.split_at(lines.len().min(MOST_LINES));
    let mut text: Vec<_> = shown
        .iter()
        .map(|line| {
            let PartLine { module, label, count, bytes, .. } = line;
            let separator = if module.is_empty() { "" } else { ": " };
            let (count, size, holds) = (format_count(*count), bytes.display(system), line.holds());
            let comma = if holds.starts_with('[') { "" } else { "," };
            format!("{count} × {module}{separator}{label}{comma} {holds} = {size}")
        })
        .collect();
    if !rest.is_empty() {
        text.push(format!("and {} more lines = {}", rest.len(), sum(rest).display(system)));
    }
    if !lines.is_empty() {
        let all = sum(&lines);
        text.push(format!("in all {} = {all}", all.display(system)));
    }
    text.join("\n")
}

/// When the figures of a part are so, and the most of it in each phase.
fn along(estimate: &Estimate, kind: PartKind, system: UnitSystem) -> String {
    let Some(report) = &estimate.report else { return String::new() };
    let phases = estimate.most_in_phases(kind);
    let phases: Vec<_> =
        phases.iter().map(|(phase, most)| format!("{} {}", phase.label(), most.display(system))).collect();
    format!(
        "This is at the peak, in the {} phase. The most of it along the step: {}.",
        report.peak_phase.label(),
        phases.join(", ")
    )
}

/// The figure, or that it is too small to be one.
fn figure(bytes: Bytes, unit: Unit) -> String {
    let figure = bytes.in_unit(unit);
    if figure == "0.00" && bytes > Bytes::ZERO { "< 0.01".to_owned() } else { figure }
}

/// Whether the work of a row is the list of its tensors.
fn is_listed(row: Row, outcome: &Outcome) -> bool {
    matches!(row, Row::Part(_)) && outcome.estimate.report.is_some()
}

fn symbols(row: Row, outcome: &Outcome) -> String {
    if is_listed(row, outcome) { String::new() } else { row.formula(outcome).terms() }
}

/// The formula with the numbers put in, and what comes out.
fn result(row: Row, outcome: &Outcome) -> String {
    if is_listed(row, outcome) {
        return String::new();
    }
    format!("{} = {}", row.formula(outcome).numbers(), row.bytes(outcome))
}

/// What the symbols stand for.
fn operands(row: Row, outcome: &Outcome) -> String {
    let operands = row.formula(outcome).operands.iter();
    if is_listed(row, outcome) {
        if row.bytes(outcome) == Bytes::ZERO {
            return "Nothing of it stands at the peak.".to_owned();
        }
        return operands.map(|operand| format!("{}: {}", capitalized(operand.name), operand.value)).collect();
    }
    operands
        .map(|operand| format!("{}: {}, {}", operand.symbol, operand.name, operand.value))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use nn_memory::{Model, PrecisionMode, Run, Scenario, catalog};

    use super::*;

    #[test]
    fn the_tensors_of_a_part_are_listed_the_largest_first() {
        let model = Model::Named(catalog::model("gpt2").expect("a row"));
        let scenario = Scenario { model, batch_size: 4, sequence_length: 512, ..Scenario::default() };
        let explained = nn_memory::explain(&scenario).expect("described").expect("explained");
        let text = tensors(&explained, PartKind::Activations, UnitSystem::Binary);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "24 × mlp: mul [4 × 512 × 3072] float32 = 576.00 MiB");
        assert!(lines.len() <= MOST_LINES + 2);
        let activations = nn_memory::estimate(&scenario).expect("an estimate").part(PartKind::Activations).bytes;
        let sum = format!("in all {} = {activations}", activations.display(UnitSystem::Binary));
        assert_eq!(lines.last(), Some(&sum.as_str()));
        assert_eq!(tensors(&explained, PartKind::KvCache, UnitSystem::Binary), "");
    }

    fn llama() -> Scenario {
        let model = Model::Named(catalog::model("llama-2-7b").expect("a row"));
        let run = Run { precision: PrecisionMode::Bf16, ..Run::default() };
        Scenario { model, run, batch_size: 1, sequence_length: 4_096, ..Scenario::default() }
    }

    /// They stood there as uint8.
    #[test]
    fn what_the_optimizer_holds_for_a_moment_has_its_type() {
        let explained = nn_memory::explain(&llama()).expect("described").expect("explained");
        let text = tensors(&explained, PartKind::Temporary, UnitSystem::Binary);
        assert!(text.contains("1 × sqrt(exp_avg_sq) [6738415616] bfloat16 = 12.55 GiB"), "{text}");
        assert!(!text.contains("uint8"), "{text}");
    }

    /// Activations are gone at the peak, and nothing told that they had been most of it.
    #[test]
    fn a_part_tells_what_it_takes_in_other_phases() {
        let estimate = nn_memory::estimate(&llama()).expect("an estimate");
        // The batch alone.
        assert_eq!(estimate.part(PartKind::Activations).bytes, Bytes::kib(64));
        let text = along(&estimate, PartKind::Activations, UnitSystem::Binary);
        assert!(text.starts_with("This is at the peak, in the optimizer step phase. "), "{text}");
        assert!(text.contains(": forward 23.") && text.ends_with("optimizer step 64.00 KiB."), "{text}");
    }

    #[test]
    fn what_is_not_nothing_never_reads_as_nothing() {
        assert_eq!(figure(Bytes::ZERO, Unit::GIB), "0.00");
        assert_eq!(figure(Bytes::new(1), Unit::GIB), "< 0.01");
        assert_eq!(figure(Bytes::gib(3), Unit::GIB), "3.00");
    }
}
