//! Which input stands in the way of a followed network.

use nn_memory::{ConfigError, Field, ModelKind, Scenario};

use super::super::input::Input;
use super::super::read::{FieldError, of_model};
use super::super::texts::Texts;
use crate::described;
use crate::results::capitalized;

/// Above this many, a count is more likely to blame for a network that is too large than the model is.
const MANY: u64 = 65_536;

/// The input to change, and what is wrong.
pub fn blame(error: ConfigError, texts: &Texts, scenario: &Scenario) -> FieldError {
    let context = texts.context();
    let Some(field) = error.field() else {
        let counts = [
            (scenario.run.target_length, Field::TargetLength),
            (scenario.run.lora.rank, Field::LoraRank),
            (scenario.sequence_length, Field::SequenceLength),
            (scenario.batch_size, Field::BatchSize),
        ];
        let largest = counts.into_iter().filter(|(_, field)| context.applies(*field)).max_by_key(|(count, _)| *count);
        let input = match largest {
            Some((MANY.., field)) => field.into(),
            _ => of_model(context.kind),
        };
        return FieldError { input, message: format!("{}.", capitalized(&error.to_string())) };
    };
    let slot = described::fields(context.family).iter().position(|known| known.key == field);
    let input = match (context.kind, slot) {
        (ModelKind::Described, Some(place)) => Input::Config(place),
        (kind, _) => of_model(kind),
    };
    FieldError { input, message: format!("{error}.") }
}

/// Puts back the one field of the family whose default goes with all others; where there is none, every field.
pub fn mend_contradicted(texts: &mut Texts, error: FieldError) -> (FieldError, String) {
    for input in Input::all().filter(|input| matches!(input, Input::Config(_))) {
        let default = texts.default_text(input);
        if texts[input] == default {
            continue;
        }
        let given = std::mem::replace(&mut texts[input], default);
        if texts.estimated(&texts.context()).is_ok() {
            return (FieldError { input, ..error }, given);
        }
        texts[input] = given;
    }
    let refused = texts[error.input].clone();
    let family = texts.family();
    texts.describe(&nn_memory::Config::of(family));
    let message = format!("{} So every field of the family goes back.", error.message);
    (FieldError { message, ..error }, refused)
}
