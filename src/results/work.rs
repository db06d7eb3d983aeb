//! The work behind a part of a described model: the tensors that stand at the peak, and the most in each phase.

use std::cell::RefCell;

use nn_memory::{Bytes, Choice, Explanation, PartKind, PartLine, Scenario, UnitSystem, explain, format_count};

use super::capitalized;
use crate::form::Outcome;

/// Lines of tensors that are shown of a part.
const MOST_LINES: usize = 24;

thread_local! {
    /// What was explained last: rows that are open ask for the same.
    static LAST: RefCell<Option<(Scenario, Explanation)>> = const { RefCell::new(None) };
}

/// Tensors of a part, when they stand so, and what it takes in other phases; nothing of a model known by its size.
pub fn work(outcome: &Outcome, kind: PartKind, system: UnitSystem) -> String {
    let Some(report) = &outcome.estimate.report else { return String::new() };
    let part = outcome.estimate.part(kind);
    let tensors = LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|(scenario, _)| *scenario != outcome.scenario) {
            let explained = explain(&outcome.scenario).and_then(Result::ok);
            *last = explained.map(|explained| (outcome.scenario.clone(), explained));
        }
        last.as_ref().map(|(_, explained)| tensors(explained, kind, system)).unwrap_or_default()
    });
    let standing = match part.bytes {
        Bytes::ZERO => "Nothing of it stands at the peak.".to_owned(),
        _ if tensors.is_empty() => {
            let operands = part.formula.operands.iter();
            operands.map(|operand| format!("{}: {}", capitalized(operand.name), operand.value)).collect()
        }
        _ => tensors,
    };
    let phases = outcome.estimate.most_in_phases(kind);
    let phases: Vec<_> =
        phases.iter().map(|(phase, most)| format!("{} {}", phase.label(), most.display(system))).collect();
    format!(
        "{standing}\nThe peak is in the {} phase. The most of it along the step: {}.",
        report.peak_phase.label(),
        phases.join(", ")
    )
}

/// A line for tensors that are alike, the largest first, and their sum.
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
            let comma = match holds.as_bytes() {
                [] => "",
                [b'[', ..] => " ",
                _ => ", ",
            };
            format!("{count} × {module}{separator}{label}{comma}{holds} = {size}")
        })
        .collect();
    if !rest.is_empty() {
        text.push(format!("and {} more lines = {}", rest.len(), sum(rest).display(system)));
    }
    if !lines.is_empty() {
        let all = sum(&lines);
        text.push(format!("in all {} = {all}, each tensor rounded up to 512 B", all.display(system)));
    }
    text.join("\n")
}

#[cfg(test)]
mod tests {
    use nn_memory::{Model, PrecisionMode, Run, Scenario, catalog};

    use super::*;
    use crate::form::Texts;

    fn worked(scenario: &Scenario, kind: PartKind) -> String {
        let estimate = nn_memory::estimate(scenario).expect("an estimate");
        let outcome = Outcome { scenario: scenario.clone(), estimate, ..Outcome::of(&Texts::default(), None) };
        work(&outcome, kind, UnitSystem::Binary)
    }

    #[test]
    fn the_tensors_of_a_part_are_listed_the_largest_first() {
        let model = Model::Named(catalog::model("gpt2").expect("a row"));
        let scenario = Scenario { model, batch_size: 4, sequence_length: 512, ..Scenario::default() };
        let text = worked(&scenario, PartKind::Activations);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "24 × mlp: mul [4 × 512 × 3072] float32 = 576.00 MiB");
        assert!(lines.len() <= MOST_LINES + 3);
        let activations = nn_memory::estimate(&scenario).expect("an estimate").part(PartKind::Activations).bytes;
        let sum = format!("in all {} = {activations}", activations.display(UnitSystem::Binary));
        assert!(lines[lines.len() - 2].starts_with(&sum), "{text}");
        assert!(worked(&scenario, PartKind::KvCache).starts_with("Nothing of it stands at the peak."));
    }

    fn llama() -> Scenario {
        let model = Model::Named(catalog::model("llama-2-7b").expect("a row"));
        let run = Run { precision: PrecisionMode::Bf16, ..Run::default() };
        Scenario { model, run, batch_size: 1, sequence_length: 4_096, ..Scenario::default() }
    }

    /// They stood there as uint8.
    #[test]
    fn what_the_optimizer_holds_for_a_moment_has_its_type() {
        let text = worked(&llama(), PartKind::Temporary);
        assert!(text.contains("1 × sqrt(exp_avg_sq) [6738415616] bfloat16 = 12.55 GiB"), "{text}");
        assert!(!text.contains("uint8"), "{text}");
        assert!(worked(&llama(), PartKind::Activations).contains("1 × batch = 64.00 KiB\n"));
    }

    /// Activations are gone at the peak, and nothing told that they had been most of it.
    #[test]
    fn a_part_tells_what_it_takes_in_other_phases() {
        let estimate = nn_memory::estimate(&llama()).expect("an estimate");
        // The batch alone.
        assert_eq!(estimate.part(PartKind::Activations).bytes, Bytes::kib(64));
        let text = worked(&llama(), PartKind::Activations);
        assert!(text.contains("\nThe peak is in the optimizer step phase. "), "{text}");
        assert!(text.contains(": forward 23.") && text.ends_with("optimizer step 64.00 KiB."), "{text}");
    }
}
