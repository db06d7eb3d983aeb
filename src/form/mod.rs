//! What is asked: the inputs, and the scenario that follows from them.

mod described;
mod field;
mod groups;
mod input;
mod read;
mod state;
mod step;
mod texts;

pub use described::{FORM, Form as DescribedForm, Part};
pub use field::Spec;
pub use groups::{essentials, rest};
pub use input::Input;
pub use read::{FieldError, excerpt};
pub use state::{Fields, Form, Outcome};
pub use texts::{Texts, default_text};
