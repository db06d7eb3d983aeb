//! What can be typed into or picked: the inputs of every scenario, and the fields of a family described by hand.

use nn_memory::architecture::MOST_FIELDS;
use nn_memory::{Family, Field};

use crate::described;

/// An input of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// One that the engine names.
    Field(Field),
    /// A field of the family's configuration, by its place.
    Config(usize),
}

impl Input {
    /// How many there are.
    pub const COUNT: usize = Field::ALL.len() + MOST_FIELDS;

    /// Every input.
    pub fn all() -> impl Iterator<Item = Self> {
        Field::ALL.into_iter().map(Self::Field).chain((0..MOST_FIELDS).map(Self::Config))
    }

    /// Its place among all.
    pub const fn place(self) -> usize {
        match self {
            Self::Field(field) => field as usize,
            Self::Config(place) => Field::ALL.len() + place,
        }
    }

    /// Its key in links, where this family is described.
    pub fn key(self, family: Family) -> &'static str {
        match self {
            Self::Field(field) => field.key(),
            Self::Config(place) => described::fields(family).get(place).map_or("", |field| field.key),
        }
    }
}

impl From<Field> for Input {
    fn from(field: Field) -> Self {
        Self::Field(field)
    }
}
