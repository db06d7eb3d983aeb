//! The state of the form: one signal an input, and what follows from all of them.

use leptos::prelude::*;
use nn_memory::{Choice, Estimate, Family, Field, ModelKind, Scenario};

use super::input::Input;
use super::read::FieldError;
use super::texts::{Context, Texts};
use crate::reactive::put;

/// The inputs. Each holds the text that was typed or the key of the option that was picked.
#[derive(Clone, Copy)]
pub struct Form {
    texts: [RwSignal<String>; Input::COUNT],
    /// Told of every change: what follows from all inputs need not follow each.
    changed: Trigger,
    /// What was offered last and not taken, until the next change.
    refused: RwSignal<Option<FieldError>>,
}

impl Form {
    /// Fills a new form.
    pub fn new(texts: &Texts) -> Self {
        let mut inputs = Input::all();
        Self {
            texts: std::array::from_fn(|_| {
                RwSignal::new(inputs.next().map_or_else(String::new, |input| texts[input].clone()))
            }),
            changed: Trigger::new(),
            refused: RwSignal::new(None),
        }
    }

    fn signal(self, input: impl Into<Input>) -> RwSignal<String> {
        self.texts[input.into().place()]
    }

    /// The text of an input.
    pub fn text(self, input: impl Into<Input>) -> ReadSignal<String> {
        self.signal(input).read_only()
    }

    /// The texts of all inputs, not tracked.
    pub fn texts(self) -> Texts {
        Texts::from_fn(|input| self.signal(input).get_untracked())
    }

    /// Replaces every text that differs.
    pub fn fill(self, texts: &Texts) {
        for input in Input::all() {
            self.set(input, &texts[input]);
        }
    }

    /// The texts that can bear on the outcome, tracked; those of described models are empty where the model is known by its
    /// size.
    pub fn texts_in_use(self) -> Texts {
        self.changed.track();
        let by_size = self.signal(Field::ModelKind).with_untracked(|kind| kind == ModelKind::Size.key());
        Texts::from_fn(
            |input| {
                if by_size && !input.is_of_size() { String::new() } else { self.signal(input).get_untracked() }
            },
        )
    }

    /// Gives the inputs of described models their defaults, once these are known; see [`Texts::complete`].
    pub fn complete(self, missing: &Texts) {
        let mut texts = self.texts();
        texts.complete(missing);
        self.fill(&texts);
    }

    /// Says why what was offered to an input is not taken; what stood there stands.
    pub fn refuse(self, input: impl Into<Input>, message: String) {
        self.refused.set(Some(FieldError { input: input.into(), message }));
    }

    /// What was offered last and not taken, tracked.
    pub fn refused(self) -> Option<FieldError> {
        self.refused.get()
    }

    /// Replaces a text, if it differs.
    pub fn set(self, input: impl Into<Input>, text: &str) {
        put(self.refused, None);
        let signal = self.signal(input);
        if signal.with_untracked(|current| current != text) {
            signal.set(text.to_owned());
            self.changed.notify();
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
}

/// What is known of each input beside its text. Rarely changes, so what follows it rarely runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    errors: Vec<FieldError>,
    refused: Option<FieldError>,
    applies: [bool; Field::ALL.len()],
    kind: ModelKind,
    family: Family,
}

impl Fields {
    fn of(context: &Context, errors: Vec<FieldError>) -> Self {
        let applies = Field::ALL.map(|field| context.applies(field));
        Self { errors, refused: None, applies, kind: context.kind, family: context.family }
    }

    /// The same after something was offered that is not taken.
    pub fn with_refused(self, refused: Option<FieldError>) -> Self {
        Self { refused, ..self }
    }

    /// What is wrong with this input, or with what was offered to it last.
    pub fn error(&self, input: impl Into<Input>) -> Option<&str> {
        let input = input.into();
        let mut known = self.refused.iter().chain(&self.errors);
        known.find(|error| error.input == input).map(|error| error.message.as_str())
    }

    /// Whether the input plays a part.
    pub fn applies(&self, input: impl Into<Input>) -> bool {
        match input.into() {
            Input::Field(field) => self.applies[field as usize],
            Input::Config(_) => self.kind == ModelKind::Described,
        }
    }

    /// Whether the network is described, whichever way.
    pub fn described(&self) -> bool {
        self.kind != ModelKind::Size
    }

    /// The family whose fields are given by hand.
    pub fn by_hand(&self) -> Option<Family> {
        (self.kind == ModelKind::Described).then_some(self.family)
    }

    /// Whether any input is in the way of an estimate.
    pub fn any_error(&self) -> bool {
        !self.errors.is_empty()
    }
}

impl Outcome {
    /// The outcome of these inputs; where there is none, the last one with what is wrong now.
    pub fn of(texts: &Texts, last: Option<&Self>) -> Self {
        let context = texts.context();
        match (texts.estimated(&context), last) {
            (Ok((scenario, estimate)), _) => Self { fields: Fields::of(&context, Vec::new()), scenario, estimate },
            (Err(errors), Some(last)) => Self { fields: Fields::of(&context, errors), ..last.clone() },
            (Err(errors), None) => Self { fields: Fields::of(&context, errors), ..Self::of(&Texts::default(), None) },
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
        assert_eq!(bad.fields.error(Field::BatchSize), Some("“many” is not a number. Try 32 or 4,096."));
        texts[Field::BatchSize] = "64".into();
        assert!(!Outcome::of(&texts, Some(&bad)).fields.any_error());
    }

    #[test]
    fn by_size_only_the_inputs_of_a_size_play_a_part() {
        let texts = Texts::default();
        let context = texts.context();
        let mut played = Field::ALL.into_iter().filter(|field| context.applies(*field));
        assert!(played.clone().count() > 12);
        assert_eq!(played.find(|field| !Input::from(*field).is_of_size()), None);
        let mut bare = texts.clone();
        for input in Input::all().filter(|input| !input.is_of_size()) {
            bare[input] = String::new();
        }
        assert_eq!(Outcome::of(&bare, None), Outcome::of(&texts, None));
    }

    #[test]
    fn without_a_good_result_the_default_stands() {
        let mut texts = Texts::default();
        texts[Field::Parameters] = String::new();
        assert_eq!(Outcome::of(&texts, None).scenario, Scenario::default());
    }
}
