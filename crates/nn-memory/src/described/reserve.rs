//! What the caching allocator takes from the device for a described network.

use super::{Lowered, Report, bytes, lower, play};
use crate::program::Layers;
use crate::step::{self, Heaped, Watch};
use crate::{Bytes, Config, ConfigError, Phase, Scenario};

/// The caching allocator's own figures after two steps.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Reserved {
    /// What it has taken from the device: segments, whether in use or not.
    pub reserved: Bytes,
    /// The most in use at once in the second step, with what blocks have beyond what was asked.
    pub allocated: Bytes,
    /// The most in each phase.
    pub phase_peaks: Vec<(Phase, Bytes)>,
}

impl Report {
    /// What the allocator takes from the device; none where the network is known by its size alone.
    ///
    /// # Errors
    /// As [`Report::of`].
    pub fn reserved(scenario: &Scenario) -> Option<Result<Reserved, ConfigError>> {
        Some(scenario.model.config()?.and_then(|config| reserved(scenario, &config)))
    }
}

fn reserved(scenario: &Scenario, config: &Config) -> Result<Reserved, ConfigError> {
    let lowered = lower(scenario, config, Layers::AtMost(u64::MAX))?;
    let heaped = step::heap(&lowered.passes);
    let phase_peaks: Vec<_> = [Phase::Forward, Phase::Backward, Phase::Step, Phase::Decode]
        .into_iter()
        .map(|phase| (phase, Bytes::new(heaped.phase_peaks[phase as usize])))
        .filter(|(_, most)| *most > Bytes::ZERO)
        .collect();
    let allocated = phase_peaks.iter().map(|(_, most)| *most).max().unwrap_or(Bytes::ZERO);
    Ok(Reserved { reserved: Bytes::new(heaped.reserved), allocated, phase_peaks })
}
