//! The state of the form: one signal an input, and what follows from all of them.

use leptos::prelude::*;
use nn_memory::{Estimate, Field, Scenario, estimate};

use super::texts::{FieldError, Texts};
use crate::charts::sweep::Sweep;

/// The inputs. Each holds the text that was typed or the key of the option that was picked.
#[derive(Clone, Copy)]
pub struct Form {
    texts: [RwSignal<String>; Field::ALL.len()],
}

impl Form {
    /// Fills a new form.
    pub fn new(texts: &Texts) -> Self {
        Self { texts: Field::ALL.map(|field| RwSignal::new(texts[field].clone())) }
    }

    /// The text of an input.
    pub fn text(self, field: Field) -> RwSignal<String> {
        self.texts[field as usize]
    }

    /// The texts of all inputs, tracked.
    pub fn texts(self) -> Texts {
        Texts::from_fn(|field| self.text(field).get())
    }

    /// Replaces every text that differs.
    pub fn fill(self, texts: &Texts) {
        for field in Field::ALL {
            self.set(field, &texts[field]);
        }
    }

    /// Replaces a text, if it differs.
    pub fn set(self, field: Field, text: &str) {
        if self.text(field).with_untracked(|current| current != text) {
            self.text(field).set(text.to_owned());
        }
    }
}

/// What follows from the inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What is known of each input as it is.
    pub fields: Fields,
    /// The last scenario that could be read.
    pub scenario: Scenario,
    /// Its estimate.
    pub estimate: Estimate,
    /// The same at other batch sizes.
    pub sweep: Sweep,
}

/// What is known of each input beside its text. Rarely changes, so what follows it rarely runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    errors: Vec<FieldError>,
    applies: [bool; Field::ALL.len()],
}

impl Fields {
    fn of(texts: &Texts, errors: Vec<FieldError>) -> Self {
        Self { errors, applies: Field::ALL.map(|field| texts.applies(field)) }
    }

    /// What is wrong with this input.
    pub fn error(&self, field: Field) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// Whether the input plays a part.
    pub fn applies(&self, field: Field) -> bool {
        self.applies[field as usize]
    }

    /// Whether any input is in the way of an estimate.
    pub fn any_error(&self) -> bool {
        !self.errors.is_empty()
    }
}

impl Outcome {
    /// The outcome of these inputs; where there is none, the last one with what is wrong now.
    pub fn of(texts: &Texts, last: Option<&Self>) -> Self {
        let errors = match texts.read() {
            Ok(scenario) => match estimate(&scenario) {
                Ok(estimate) => {
                    let sweep = Sweep::of(&scenario, estimate.fit.usable);
                    return Self { fields: Fields::of(texts, Vec::new()), scenario, estimate, sweep };
                }
                Err(error) => vec![error.into()],
            },
            Err(errors) => errors,
        };
        match last {
            Some(last) => Self { fields: Fields::of(texts, errors), ..last.clone() },
            None => Self { fields: Fields::of(texts, errors), ..Self::of(&Texts::default(), None) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_good_result_stays_while_an_input_cannot_be_read() {
        let mut texts = Texts::default();
        texts[Field::Parameters] = "7B".into();
        let good = Outcome::of(&texts, None);
        assert!(!good.fields.any_error());
        texts[Field::BatchSize] = "many".into();
        let bad = Outcome::of(&texts, Some(&good));
        assert_eq!(bad.estimate, good.estimate);
        assert_eq!(bad.fields.error(Field::BatchSize), Some("“many” is not a number. Try 7B, 1.5e9 or 25,000,000."));
        texts[Field::BatchSize] = "64".into();
        assert!(!Outcome::of(&texts, Some(&bad)).fields.any_error());
    }

    #[test]
    fn without_a_good_result_the_default_stands() {
        let mut texts = Texts::default();
        texts[Field::Parameters] = String::new();
        assert_eq!(Outcome::of(&texts, None).scenario, Scenario::default());
    }
}
