//! What can be wrong with a scenario.

use std::fmt;

use crate::{ConfigError, Field, PartKind};

/// Why there is no estimate. Each names the input to change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EstimateError {
    /// An input lies outside its limits.
    OutOfRange {
        /// The input.
        field: Field,
        /// What was given.
        given: String,
        /// The least that is accepted.
        minimum: String,
        /// The most that is accepted.
        maximum: String,
    },
    /// The bytes of a part do not fit in 64 bits; the input named is the largest of its factors.
    TooLarge {
        /// The input.
        field: Field,
        /// The part of memory.
        part: PartKind,
    },
    /// The description of the network cannot be followed.
    Config(ConfigError),
    /// The network is described, and [`Engine::BY_SIZE`](crate::Engine::BY_SIZE) was asked.
    NotFollowed,
}

impl From<ConfigError> for EstimateError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl EstimateError {
    /// The input to change.
    pub const fn field(&self) -> Field {
        match self {
            Self::OutOfRange { field, .. } | Self::TooLarge { field, .. } => *field,
            // The input that stands for the model.
            Self::Config(_) | Self::NotFollowed => Field::Parameters,
        }
    }
}

impl fmt::Display for EstimateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { field, given, minimum, maximum } => {
                write!(f, "{} must be {minimum} to {maximum}, got {given}", field.name())
            }
            Self::TooLarge { field, part } => {
                write!(f, "{} is too large: the bytes of the {} pass 64 bits", field.name(), part.name())
            }
            Self::Config(error) => write!(f, "{error}"),
            Self::NotFollowed => f.write_str("described networks are not followed here"),
        }
    }
}

impl std::error::Error for EstimateError {}
