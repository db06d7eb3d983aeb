//! What is answered: the head with the verdict, the table with its work, the notes, and ways to take it along.

mod actions;
pub mod export;
mod head;
mod notes;
mod table;

use nn_memory::{DeviceChoice, PartKind, Scenario, UnitSystem};

pub use actions::{Actions, CopyLink};
pub use head::Head;
pub use notes::Notes;
pub use table::{TABLE_ID, Table};

/// Name of a part in test ids and custom properties.
pub const fn slug(kind: PartKind) -> &'static str {
    match kind {
        PartKind::Parameters => "parameters",
        PartKind::OptimizerState => "optimizer-state",
        PartKind::Gradients => "gradients",
        PartKind::MasterWeights => "master-weights",
        PartKind::Activations => "activations",
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

/// A text with a capital first letter.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
