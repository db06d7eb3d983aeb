//! What is answered.

use std::fmt;

use crate::catalog::Device;
use crate::described::{LayerShare, TimelinePoint};
use crate::formula::{Operand, Value};
use crate::{Bytes, Fit, Formula, Note, Phase, Report, Scenario, fit};

/// The memory that a scenario takes, part by part, with its work.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Estimate {
    /// Every part in the order of [`PartKind::ALL`], those of zero bytes included.
    pub parts: Vec<Part>,
    /// The sum of the parts: of a described network, at the peak of the step.
    pub total: Bytes,
    /// The work behind the total.
    pub total_formula: Formula,
    /// Whether it fits the device asked for.
    pub fit: Fit,
    /// The device of the catalogue with the least memory that holds the job with the margin kept: one of the platform asked
    /// for, or any where none of those does.
    pub smallest_device: Option<&'static Device>,
    /// Memory that the host should have.
    pub system_memory: Bytes,
    /// The work behind it.
    pub system_memory_formula: Formula,
    /// What was assumed, and what to beware of.
    pub notes: Vec<Note>,
    /// What a step of a described network takes, phase by phase; none of a network known by its size alone.
    pub report: Option<Report>,
    /// What is allocated from the first operator of the step to the last; empty where there is no report.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub timeline: Vec<TimelinePoint>,
    /// What one of each run of identical layers holds.
    pub layers: Vec<LayerShare>,
}

impl Estimate {
    /// What follows from the parts, whatever they were counted by. Notes, and what is known of described networks alone,
    /// come on top.
    pub(crate) fn of(
        scenario: &Scenario,
        amounts: [Bytes; PartKind::ALL.len()],
        total: Bytes,
        formula: &dyn Fn(PartKind) -> Formula,
    ) -> Self {
        let parts = PartKind::ALL.into_iter().zip(shares(amounts, total)).map(|(kind, share)| Part {
            kind,
            bytes: amounts[kind as usize],
            share,
            formula: formula(kind),
        });
        Self {
            parts: parts.collect(),
            total,
            total_formula: total_formula(amounts),
            fit: Fit::of(scenario.device, &scenario.overheads, total),
            smallest_device: fit::smallest_device(scenario.device, &scenario.overheads, total),
            system_memory: fit::system_memory(fit::device_memory(scenario.device, total)),
            system_memory_formula: fit::system_memory_formula(scenario.device, total),
            notes: Vec::new(),
            report: None,
            timeline: Vec::new(),
            layers: Vec::new(),
        }
    }

    /// The part of this kind.
    pub fn part(&self, kind: PartKind) -> &Part {
        // `parts` holds one part of each kind in the order of the variants.
        &self.parts[kind as usize]
    }

    /// The most that a part takes along each phase of the step, in their order; empty where there is no timeline.
    pub fn most_in_phases(&self, kind: PartKind) -> Vec<(Phase, Bytes)> {
        let mut most: Vec<(Phase, Bytes)> = Vec::new();
        for point in &self.timeline {
            let bytes = point.parts[kind as usize];
            match most.iter_mut().find(|(phase, _)| *phase == point.phase) {
                Some((_, most)) => *most = bytes.max(*most),
                None => most.push((point.phase, bytes)),
            }
        }
        most
    }
}

/// One part of the memory.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// What it takes.
    pub bytes: Bytes,
    /// Its share of the total; all shares sum to 100.0 %.
    pub share: Share,
    /// The work behind it.
    pub formula: Formula,
}

/// What memory is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PartKind {
    /// Weights and biases.
    Parameters,
    /// What the optimizer remembers between steps.
    OptimizerState,
    /// One gradient per parameter.
    Gradients,
    /// FP32 copy of narrower parameters.
    MasterWeights,
    /// Outputs of layers, kept for the backward pass.
    Activations,
    /// Keys and values of earlier tokens.
    KvCache,
    /// What operators, the backward pass or the optimizer need for a moment.
    Temporary,
    /// Driver context.
    Context,
    /// Temporary buffers.
    Workspace,
}

impl PartKind {
    /// Every kind, in the order of tables and charts.
    pub const ALL: [Self; 9] = [
        Self::Parameters,
        Self::OptimizerState,
        Self::Gradients,
        Self::MasterWeights,
        Self::Activations,
        Self::KvCache,
        Self::Temporary,
        Self::Context,
        Self::Workspace,
    ];

    /// Name within a sentence: `optimizer state`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parameters => "parameters",
            Self::OptimizerState => "optimizer state",
            Self::Gradients => "gradients",
            Self::MasterWeights => "master weights",
            Self::Activations => "activations",
            Self::KvCache => "key-value cache",
            Self::Temporary => "temporary tensors",
            Self::Context => "context",
            Self::Workspace => "workspace",
        }
    }
}

/// A share of the total in tenths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(transparent))]
pub struct Share {
    /// Tenths of a percent, 0 to 1,000.
    pub tenths_of_percent: u16,
}

impl Share {
    /// The share of a whole, rounded down; zero of nothing.
    pub(crate) fn of(part: Bytes, whole: Bytes) -> Self {
        let tenths = (u128::from(part.get()) * 1_000).checked_div(u128::from(whole.get())).unwrap_or(0);
        Self { tenths_of_percent: u16::try_from(tenths).unwrap_or(1_000).min(1_000) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.tenths_of_percent / 10, self.tenths_of_percent % 10)
    }
}

/// The formula of the total: the parts that are not zero.
fn total_formula(amounts: [Bytes; PartKind::ALL.len()]) -> Formula {
    const SYMBOLS: [&str; PartKind::ALL.len()] = ["M_P", "M_S", "M_G", "M_M", "M_A", "M_K", "M_T", "M_C", "M_W"];
    let operand = |kind: PartKind| Operand {
        symbol: SYMBOLS[kind as usize],
        name: kind.name(),
        value: Value::Amount(amounts[kind as usize]),
    };
    Formula::sum(PartKind::ALL.into_iter().map(operand).collect())
}

/// Shares of the total that sum to exactly 100.0 % (largest remainders are rounded up); all zero if the total is.
fn shares<const N: usize>(amounts: [Bytes; N], total: Bytes) -> [Share; N] {
    let total = u128::from(total.get());
    if total == 0 {
        return [Share::default(); N];
    }
    let exact = amounts.map(|bytes| u128::from(bytes.get()) * 1_000);
    // Each is at most 1,000, since no part is larger than the total.
    let mut shares = exact.map(|value| Share { tenths_of_percent: u16::try_from(value / total).unwrap_or(1_000) });
    let given: u16 = shares.iter().map(|share| share.tenths_of_percent).sum();
    let mut remainders = exact.map(|value| Some(value % total));
    for _ in given..1_000 {
        // The largest remainder, the first of equal ones; fewer tenths are missing than there are parts.
        let largest = (0..N).rev().max_by_key(|&index| remainders[index]).unwrap_or(0);
        shares[largest].tenths_of_percent += 1;
        remainders[largest] = None;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_stand_at_the_place_of_their_kind() {
        for (place, kind) in PartKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
        }
    }

    #[test]
    fn shares_sum_to_one_hundred_percent() {
        let thirds = shares([Bytes::new(1), Bytes::new(1), Bytes::new(1)], Bytes::new(3));
        assert_eq!(thirds.map(|share| share.to_string()), ["33.4", "33.3", "33.3"]);
        assert_eq!(shares([Bytes::ZERO; 2], Bytes::ZERO), [Share::default(); 2]);
    }
}
