//! What is asked: the inputs, and the scenario that follows from them.

mod field;
mod groups;
mod state;
mod step;
mod texts;

pub use groups::{essentials, rest};
pub use state::{Fields, Form, Outcome};
pub use texts::{Texts, excerpt};
