//! The verbs of this crate, as values.

use crate::described::{self, Explanation, Report, Reserved};
use crate::{Bytes, Estimate, EstimateError, Model, Scenario, quick};

/// What turns scenarios into answers: for networks known by their size alone, or for described ones too.
///
/// The functions of this crate ([`estimate`](crate::estimate), [`explain`](crate::explain) and the like) are those of
/// [`Engine::FULL`]. A program that has to load quickly can begin with [`Engine::BY_SIZE`], which a linker can keep apart
/// from everything that follows described networks, and go over to the other once that is there.
///
/// ```
/// use nn_memory::{Engine, Scenario};
///
/// let scenario = Scenario::default();
/// assert_eq!(Engine::BY_SIZE.estimate(&scenario), Engine::FULL.estimate(&scenario));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Engine {
    followed: Option<&'static Followed>,
}

/// What follows a described network.
#[derive(Debug)]
struct Followed {
    estimate: fn(&Scenario) -> Result<Estimate, EstimateError>,
    total: fn(&Scenario) -> Result<Bytes, EstimateError>,
    explain: fn(&Scenario) -> Option<Result<Explanation, EstimateError>>,
    reserved: fn(&Scenario) -> Option<Result<Reserved, EstimateError>>,
    read: fn(&Scenario) -> Scenario,
}

impl Engine {
    /// For networks known by their size alone; of a described one it knows nothing and says so.
    pub const BY_SIZE: &'static Self = &Self { followed: None };

    /// For every network.
    pub const FULL: &'static Self = &Self {
        followed: Some(&Followed {
            estimate: described::estimate,
            total: described::total,
            explain: described::explain,
            reserved: Report::reserved,
            read: described::read_once,
        }),
    };

    /// How much memory a scenario takes.
    ///
    /// # Errors
    /// When an input lies outside its limits or a part does not fit in 64 bits; the error names the input.
    pub fn estimate(&self, scenario: &Scenario) -> Result<Estimate, EstimateError> {
        match scenario.model {
            Model::Size => quick::estimate(scenario),
            _ => (self.followed()?.estimate)(scenario),
        }
    }

    /// The total alone, for many scenarios.
    pub(crate) fn total(&self, scenario: &Scenario) -> Result<Bytes, EstimateError> {
        match scenario.model {
            Model::Size => quick::amounts(scenario).map(|amounts| amounts.total),
            _ => (self.followed()?.total)(scenario),
        }
    }

    /// What stands at the peak, down to tensors; none of a network known by its size alone.
    ///
    /// # Errors
    /// As [`Engine::estimate`].
    pub fn explain(&self, scenario: &Scenario) -> Option<Result<Explanation, EstimateError>> {
        (self.followed?.explain)(scenario)
    }

    /// What the caching allocator takes from the device; none of a network known by its size alone.
    ///
    /// # Errors
    /// As [`Report::of`].
    pub fn reserved(&self, scenario: &Scenario) -> Option<Result<Reserved, EstimateError>> {
        (self.followed?.reserved)(scenario)
    }

    /// The scenario with its model read, so that each of many totals need not read it again.
    pub(crate) fn read_once(&self, scenario: &Scenario) -> Scenario {
        self.followed.map_or_else(|| scenario.clone(), |followed| (followed.read)(scenario))
    }

    fn followed(&self) -> Result<&'static Followed, EstimateError> {
        self.followed.ok_or(EstimateError::NotFollowed)
    }
}

/// How much memory a scenario takes.
///
/// # Errors
/// When an input lies outside its limits or a part does not fit in 64 bits; the error names the input.
pub fn estimate(scenario: &Scenario) -> Result<Estimate, EstimateError> {
    Engine::FULL.estimate(scenario)
}

/// What stands at the peak, down to tensors; none of a network known by its size alone.
///
/// # Errors
/// As [`estimate`].
pub fn explain(scenario: &Scenario) -> Option<Result<Explanation, EstimateError>> {
    Engine::FULL.explain(scenario)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog;

    #[test]
    fn by_size_alone_a_described_network_is_refused() {
        let model = Model::Named(catalog::model("gpt2").expect("a row"));
        let scenario = Scenario { model, ..Scenario::default() };
        assert_eq!(Engine::BY_SIZE.estimate(&scenario), Err(EstimateError::NotFollowed));
        assert!(Engine::BY_SIZE.explain(&scenario).is_none() && Engine::BY_SIZE.reserved(&scenario).is_none());
        assert!(Engine::FULL.estimate(&scenario).is_ok());
    }
}
