//! The same scenario at other batch sizes.

use crate::{Bytes, EstimateError, Field, Fit, Scenario, Verdict, quick};

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
    let mut scenario = scenario.clone();
    batch_sizes
        .into_iter()
        .map(|batch_size| {
            scenario.batch_size = batch_size;
            SweepPoint { batch_size, total: quick::amounts(&scenario).map(|amounts| amounts.total) }
        })
        .collect()
}

/// The largest batch size that fits the device with the margin kept; none where even one sample does not.
pub fn largest_batch_that_fits(scenario: &Scenario) -> Option<u64> {
    let mut scenario = scenario.clone();
    let mut fits = |batch_size| {
        scenario.batch_size = batch_size;
        quick::amounts(&scenario).is_ok_and(|amounts| {
            matches!(Fit::of(scenario.device, &scenario.overheads, amounts.total).verdict, Verdict::Fits { .. })
        })
    };
    let limits = Field::BatchSize.count_limits()?;
    let (mut good, mut bad) = (*limits.start(), limits.end() + 1);
    if !fits(good) {
        return None;
    }
    // The total never falls as the batch grows.
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Some(good)
}
