//! What is answered: the head with the verdict, the table with its work, the notes, and ways to take it along.

mod accuracy;
mod actions;
pub mod export;
mod head;
mod notes;
mod reserve;
mod table;
mod ways;
mod work;

use nn_memory::{DeviceChoice, PartKind, Scenario, UnitSystem};

use crate::form::Outcome;
pub use accuracy::{accuracy, measured};
pub use actions::{actions, copy_link, open_full};
pub use head::head;
pub use notes::notes;
pub use reserve::reserve;
pub use table::{TABLE_ID, table};
pub use ways::ways;
pub use work::work;

/// Name of a part in test ids and custom properties.
pub const fn slug(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Parameters => "parameters",
        PartKind::OptimizerState => "optimizer-state",
        PartKind::Gradients => "gradients",
        PartKind::MasterWeights => "master-weights",
        PartKind::Activations => "activations",
        PartKind::KvCache => "kv-cache",
        PartKind::Temporary => "temporary",
        PartKind::Context => "context",
        PartKind::Workspace => "workspace",
        // The engine may learn of parts that this page has no colour for.
        _ => "other",
    }
}

/// Name of the device of a scenario.
pub fn device_name(scenario: &Scenario, system: UnitSystem) -> String {
    match scenario.device {
        DeviceChoice::Catalog(device) => device.name.to_owned(),
        DeviceChoice::Custom(bytes) => format!("a {} device", bytes.display(system).short()),
    }
}

/// The smallest device of the list that holds the job, in a sentence.
pub fn smallest(outcome: &Outcome) -> String {
    match outcome.estimate.smallest_device {
        Some(device) => format!("Smallest listed device that fits: {}.", device.name),
        None => "No single device of the list holds it.".to_owned(),
    }
}

/// A text with a capital first letter.
pub fn capitalized(text: &str) -> String {
    let mut text = text.to_owned();
    // The engine's names begin with an ASCII letter; tables for all others weigh 8 kB.
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}
