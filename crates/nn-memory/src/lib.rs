//! How much memory a neural network takes to train or to serve.
//!
//! One verb: [`estimate`] turns a [`Scenario`] (what you ask) into an [`Estimate`] (what it takes, part by part, each
//! figure with the formula behind it). It is a pure function of plain data: no clock, no I/O, no globals, and no input
//! makes it panic or wrap.
//!
//! ```
//! use nn_memory::{ActivationUnits, PartKind, Scenario, UnitSystem, estimate};
//!
//! let bert_base = Scenario {
//!     parameters: 110_000_000,
//!     batch_size: 32,
//!     sequence_length: 128,
//!     activation_units: ActivationUnits::PerToken { units: 37_000 },
//!     ..Scenario::default()
//! };
//! let estimate = estimate(&bert_base)?;
//!
//! assert_eq!(estimate.total.display(UnitSystem::Binary).to_string(), "1.92 GiB");
//! let gradients = estimate.part(PartKind::Gradients);
//! assert_eq!(gradients.bytes.get(), 440_000_000);
//! assert_eq!(gradients.formula.symbols(), "P × b_G");
//! assert_eq!(gradients.formula.numbers(), "110,000,000 × 4 B");
//! # Ok::<(), nn_memory::EstimateError>(())
//! ```
//!
//! Symbols, units and sources of the formulas: see [`quick`].

#![forbid(unsafe_code)]

// What the integration tests draw scenarios from names the crate as they do.
#[cfg(test)]
extern crate self as nn_memory;

pub mod architecture;
mod bytes;
pub mod catalog;
mod choice;
mod described;
mod engine;
mod error;
mod estimate;
mod field;
mod fit;
mod formula;
mod note;
mod number;
mod optimizer;
mod precision;
mod program;
pub mod quick;
mod run;
mod scenario;
mod step;
mod sweep;
mod ways;

pub use architecture::{Config, ConfigError, Family, LmHead, Remark};
pub use bytes::{Bytes, Size, Unit, UnitSystem};
pub use choice::Choice;
pub use described::{Explanation, LayerShare, PartLine, Report, Reserved, Room, TimelinePoint};
pub use engine::{Engine, estimate, explain};
pub use error::EstimateError;
pub use estimate::{Estimate, Part, PartKind, Share};
pub use field::Field;
pub use fit::{Fit, MARGIN_PERCENT, Verdict, system_memory};
pub use formula::{Formula, Operand, Value};
pub use note::{Level, Note, Refusal};
pub use number::{Decimal, NumberError, format_count, format_count_short, parse_count};
pub use optimizer::{Implementation, Optimizer};
pub use precision::Precision;
pub use program::{ElementType, Shape};
pub use run::{Attention, Checkpointing, Head, Lora, Loss, PrecisionMode, Run, TARGET_MODULES, Targets};
pub use scenario::{
    ActivationMode, ActivationUnits, DeviceChoice, Model, ModelKind, Overheads, Scenario, StatePrecision, Task,
    TaskKind, Training,
};
pub use step::{Allocation, HistoryEvent, Phase};
pub use sweep::{SweepPoint, largest_batch_that_fits, sweep_batch};
pub use ways::{Reduced, Way, ways_to_fit, ways_to_need_less};
