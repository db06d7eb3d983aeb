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
    /// The inputs as they are.
    texts: Texts,
    /// What is wrong with them.
    errors: Vec<FieldError>,
    /// The last scenario that could be read.
    pub scenario: Scenario,
    /// Its estimate.
    pub estimate: Estimate,
    /// The same at other batch sizes.
    pub sweep: Sweep,
}

impl Outcome {
    /// Whether the estimate is older than the inputs.
    pub fn is_stale(&self) -> bool {
        !self.errors.is_empty()
    }

    /// What is wrong with this input.
    pub fn error(&self, field: Field) -> Option<&str> {
        self.errors.iter().find(|error| error.field == field).map(|error| error.message.as_str())
    }

    /// Whether the input plays a part.
    pub fn applies(&self, field: Field) -> bool {
        self.texts.applies(field)
    }

    /// The outcome of these inputs; where there is none, the last one with what is wrong now.
    pub fn of(texts: Texts, last: Option<&Self>) -> Self {
        let errors = match texts.read() {
            Ok(scenario) => match estimate(&scenario) {
                Ok(estimate) => {
                    let sweep = Sweep::of(&scenario, estimate.fit.usable);
                    return Self { texts, errors: Vec::new(), scenario, estimate, sweep };
                }
                Err(error) => vec![error.into()],
            },
            Err(errors) => errors,
        };
        match last {
            Some(last) => Self { texts, errors, ..last.clone() },
            None => Self { texts, errors, ..Self::of(Texts::default(), None) },
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
        let good = Outcome::of(texts.clone(), None);
        assert!(!good.is_stale());
        texts[Field::BatchSize] = "many".into();
        let bad = Outcome::of(texts.clone(), Some(&good));
        assert_eq!(bad.estimate, good.estimate);
        assert_eq!(bad.error(Field::BatchSize), Some("“many” is not a number. Try 7B, 1.5e9 or 25,000,000."));
        texts[Field::BatchSize] = "64".into();
        assert!(!Outcome::of(texts.clone(), Some(&bad)).is_stale());
    }

    #[test]
    fn without_a_good_result_the_default_stands() {
        let mut texts = Texts::default();
        texts[Field::Parameters] = String::new();
        assert_eq!(Outcome::of(texts.clone(), None).scenario, Scenario::default());
    }
}
