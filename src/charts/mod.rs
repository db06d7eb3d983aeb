//! Charts: laid out as plain data, then drawn on a canvas by plotters.

pub mod breakdown;
mod canvas;
pub mod picture;
pub mod sweep;
pub mod timeline;

pub use breakdown::breakdown;
pub use canvas::{Chart, chart};
pub use sweep::sweep;
pub use timeline::timeline;
