//! What is asked: the inputs, and the scenario that follows from them.

mod fields;
mod groups;
mod state;
mod step;
mod texts;

pub use groups::{Essentials, Rest};
pub use state::{Form, Outcome};
pub use texts::{Texts, excerpt};
