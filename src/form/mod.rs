//! What is asked: the inputs, and the scenario that follows from them.

mod described;
mod field;
mod groups;
mod input;
mod model;
mod read;
mod search;
mod state;
mod step;
mod switching;
mod texts;

pub use described::{Part, described_inputs};
pub use field::Spec;
pub use groups::{essentials, rest};
pub use input::Input;
pub use model::by_hand;
pub use read::{FieldError, excerpt};
pub use state::{Fields, Form, Outcome};
pub use switching::{switched, with_family};
pub use texts::{Texts, default_text};
