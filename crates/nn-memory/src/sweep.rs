//! The same scenario at other batch sizes.

use crate::{Bytes, Engine, EstimateError, Field, Fit, Scenario, Verdict};

/// The total at one batch size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepPoint {
    /// Samples per step.
    pub batch_size: u64,
    /// The total there.
    pub total: Result<Bytes, EstimateError>,
}

/// The totals at these batch sizes.
pub fn sweep_batch(scenario: &Scenario, batch_sizes: impl IntoIterator<Item = u64>) -> Vec<SweepPoint> {
    Engine::FULL.sweep_batch(scenario, batch_sizes)
}

/// The largest batch size that fits the device with the margin kept; none where even one sample does not.
pub fn largest_batch_that_fits(scenario: &Scenario) -> Option<u64> {
    Engine::FULL.largest_batch_that_fits(scenario)
}

impl Engine {
    /// The totals at these batch sizes.
    pub fn sweep_batch(&self, scenario: &Scenario, batch_sizes: impl IntoIterator<Item = u64>) -> Vec<SweepPoint> {
        let mut scenario = self.read_once(scenario);
        batch_sizes
            .into_iter()
            .map(|batch_size| {
                scenario.batch_size = batch_size;
                SweepPoint { batch_size, total: self.total(&scenario) }
            })
            .collect()
    }

    /// The largest batch size that fits the device with the margin kept; none where even one sample does not.
    pub fn largest_batch_that_fits(&self, scenario: &Scenario) -> Option<u64> {
        let mut scenario = self.read_once(scenario);
        // What is missing to the limit, or over it, in bytes.
        let mut room = |batch_size| {
            scenario.batch_size = batch_size;
            let total = self.total(&scenario).ok()?;
            match Fit::of(scenario.device, &scenario.overheads, total) {
                Fit { verdict: Verdict::Fits { free }, margin, .. } => {
                    Some(i128::from(free.get()) - i128::from(margin.get()))
                }
                Fit { usable, margin, .. } => {
                    Some(i128::from(usable.get()) - i128::from(margin.get()) - i128::from(total.get()))
                }
            }
        };
        let limits = Field::BatchSize.count_limits()?;
        let (mut good, mut bad) = (*limits.start(), limits.end() + 1);
        let mut spare = room(good).filter(|spare| *spare >= 0)?;
        let mut excess = None;
        // The total never falls as the batch grows, and is close to a line: the next try lies where the line through the last
        // good and bad ones meets the limit, kept away from both ends, in turn with halving.
        let mut halve = false;
        while bad - good > 1 {
            let middle = good + (bad - good) / 2;
            let guess = match excess {
                Some(excess) if !halve => {
                    let share = i128::from(bad - good) * spare / (spare + excess);
                    good + u64::try_from(share).unwrap_or(0)
                }
                // Nothing is known above: in steps that grow.
                None => good.saturating_mul(4),
                Some(_) => middle,
            };
            let next = guess.clamp(good + 1, bad - 1);
            halve = !halve;
            match room(next) {
                Some(left) if left >= 0 => (good, spare) = (next, left),
                other => (bad, excess) = (next, other.map(|left: i128| -left).or(Some(i128::from(u64::MAX)))),
            }
        }
        Some(good)
    }
}
