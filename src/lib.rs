//! The page of the neural network memory calculator: a form, the answer of [`nn_memory`] to it, and ways to take the
//! answer along. It does no arithmetic of its own.

pub mod app;
pub mod built;
pub mod charts;
pub mod described;
pub mod details;
pub mod examples;
pub mod form;
mod later;
pub mod link;
pub mod page;
pub mod platform;
pub mod quiet;
pub mod reactive;
pub mod results;

pub use app::App;
