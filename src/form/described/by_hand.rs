//! The fields of a family, given by hand.

use leptos::prelude::*;
use nn_memory::Field;
use nn_memory::architecture::{ConfigField, FieldKind};

use super::super::field::{Control, Shown};
use super::super::input::Input;
use super::super::step::Number;
use crate::built::{Built, built};
use crate::page::Page;

/// The fields of the family that is described by hand; none while the model is given in another way.
pub fn by_hand(page: Page) -> Built {
    let family = Memo::new(move |_| page.fields.with(|fields| fields.by_hand()));
    let inputs = move || {
        family.get().map(|family| {
            let fields = family.fields().iter().enumerate();
            fields.map(|(place, field)| shown(place, field).view(page)).collect_view()
        })
    };
    built(inputs)
}

/// Name in ids: the key, but for the one that the run has too.
fn slug(key: &str) -> String {
    let prefix = if key == Field::Dropout.key() { "config-" } else { "" };
    format!("{prefix}{}", key.replace('_', "-"))
}

fn shown(place: usize, field: &ConfigField) -> Shown {
    let control = match field.kind {
        FieldKind::Flag => Control::Switch,
        FieldKind::Choice(names) => Control::Names(names),
        _ => Control::Number,
    };
    let help = match field.kind {
        FieldKind::OptionalCount { .. } => format!("{}; empty where it follows from the others.", field.key),
        FieldKind::Rate => format!("{}, from 0 to 1.", field.key),
        _ => format!("{}.", field.key),
    };
    Shown {
        input: Input::Config(place),
        slug: slug(field.key),
        label: field.label,
        about: field.key,
        unit: "",
        help,
        help_in_sight: false,
        control,
        number: Number::of_kind(field.kind),
    }
}
