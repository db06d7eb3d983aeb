//! Charts: laid out as plain data, then drawn on a canvas by plotters.

pub mod breakdown;
mod canvas;
pub mod picture;
pub mod sweep;

pub use canvas::{Kind, chart};
