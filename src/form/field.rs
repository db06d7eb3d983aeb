//! An input: label, help, control and message, tied together.

use leptos::either::{Either, EitherOf3};
use leptos::html::Input;
use leptos::prelude::*;
use nn_memory::{Bytes, Choice, Field, format_count, parse_count};

use super::state::{Fields, Form};
use super::step::{Step, stepped};
use crate::reactive::{Flag, disclosure, flag, optional, text};

/// An input as the page shows it.
pub struct Spec {
    /// Which one.
    pub field: Field,
    /// What it is called.
    pub label: &'static str,
    /// Unit behind the number.
    pub unit: &'static str,
    /// What it means, in one sentence or two.
    pub help: &'static str,
    /// Whether the help is in sight from the start, not behind a button.
    pub help_in_sight: bool,
    /// How it is given.
    pub control: Control,
}

/// How an input is given.
#[derive(Clone, Copy)]
pub enum Control {
    /// A number as people write it, stepped by the arrow keys.
    Number,
    /// One option of many.
    Select(fn() -> Options),
    /// One option of a few, side by side.
    Segments(fn() -> Options),
    /// Yes or no.
    Switch,
}

/// Key and name of each option.
pub type Options = Vec<(&'static str, &'static str)>;

/// Key and name of every option of a choice.
pub fn options<T: Choice>() -> Options {
    T::ALL.iter().map(|option| (option.key(), option.label())).collect()
}

/// Name of an input in ids and test ids.
fn slug(field: Field) -> String {
    field.key().replace('_', "-")
}

impl Spec {
    /// The input with its label, help and message; hidden where it plays no part.
    pub fn view(&'static self, form: Form, fields: Memo<Fields>) -> impl IntoView + use<> {
        let field = self.field;
        if let Control::Switch = self.control {
            let value = form.text(field);
            return Either::Left(switch(
                format!("input-{}", slug(field)),
                self.label,
                self.help,
                flag(move || value.with(|value| value == "yes")),
                Box::new(move |on| value.set(if on { "yes" } else { "no" }.to_owned())),
                flag(move || fields.with(|fields| fields.applies(field))),
            ));
        }
        let id = slug(field);
        let open = RwSignal::new(self.help_in_sight);
        let label = if let Control::Segments(_) = self.control {
            Either::Left(view! { <span class="label" id=format!("label-{id}")>{self.label}</span> })
        } else {
            Either::Right(view! { <label for=format!("input-{id}")>{self.label}</label> })
        };
        let info = (!self.help_in_sight).then(|| {
            disclosure("info", format!("about-{id}"), format!("About {field}"), format!("help-{id}"), open, "i")
        });
        let control = match self.control {
            Control::Select(options) => EitherOf3::A(select(field, form, fields, options())),
            Control::Segments(options) => EitherOf3::B(segments(field, form, options())),
            Control::Number | Control::Switch => EitherOf3::C(number(field, self.unit, form, fields)),
        };
        let value = form.text(field);
        Either::Right(view! {
            <div
                class="field"
                class:field-bad=flag(move || fields.with(|fields| fields.error(field).is_some()))
                hidden=flag(move || !fields.with(|fields| fields.applies(field)))
            >
                <div class="field-head">
                    {label}
                    {info}
                    <span class="reading">{text(move || value.with(|value| reading(field, value)))}</span>
                </div>
                <p class="help" id=format!("help-{id}") hidden=flag(move || !open.get())>{self.help}</p>
                {control}
                <p
                    class="field-error"
                    id=format!("error-{id}")
                    data-testid=format!("error-{id}")
                    hidden=flag(move || fields.with(|fields| fields.error(field).is_none()))
                >
                    {text(move || fields.with(|fields| fields.error(field).unwrap_or_default().to_owned()))}
                </p>
            </div>
        })
    }
}

/// Ids of what describes an input.
fn described_by(field: Field) -> String {
    let id = slug(field);
    format!("error-{id} help-{id}")
}

fn invalid(field: Field, fields: Memo<Fields>) -> impl FnMut() -> Option<&'static str> + Send + 'static {
    move || fields.with(|fields| fields.error(field).map(|_| "true"))
}

fn number(field: Field, unit: &'static str, form: Form, fields: Memo<Fields>) -> impl IntoView {
    let value = form.text(field);
    let element = NodeRef::<Input>::new();
    let press = move |event: leptos::ev::KeyboardEvent| {
        let up = match event.key().as_str() {
            "ArrowUp" => true,
            "ArrowDown" => false,
            _ => return,
        };
        let step = Step { up, large: event.shift_key() };
        if let Some(next) = value.with_untracked(|value| stepped(field, value, step)) {
            event.prevent_default();
            value.set(next);
        }
    };
    let select_all = move |_| {
        if let Some(input) = element.get_untracked() {
            input.select();
        }
    };
    let id = format!("input-{}", slug(field));
    view! {
        <div class="control">
            <input
                type="text"
                autocomplete="off"
                autocapitalize="off"
                spellcheck="false"
                id=id.clone()
                data-testid=id
                node_ref=element
                prop:value=text(move || value.get())
                aria-invalid=optional(invalid(field, fields))
                aria-describedby=described_by(field)
                on:input:target=move |event| value.set(event.target().value())
                on:keydown=press
                on:focus=select_all
            />
            <span class="unit">{unit}</span>
        </div>
    }
}

/// How a number was read, where that is not plain from the text.
fn reading(field: Field, text: &str) -> String {
    let read = if field.count_limits().is_some() {
        parse_count(text).ok().map(format_count)
    } else if field.memory_limits().is_some() {
        text.parse::<Bytes>().ok().map(|bytes| bytes.to_string())
    } else {
        None
    };
    match read {
        Some(read) if read != text.trim() => format!("= {read}"),
        _ => String::new(),
    }
}

fn select(field: Field, form: Form, fields: Memo<Fields>, options: Options) -> impl IntoView {
    let value = form.text(field);
    let id = format!("input-{}", slug(field));
    let options = options
        .into_iter()
        .map(|(key, name)| {
            view! { <option value=key prop:selected=flag(move || value.with(|value| value == key))>{name}</option> }
        })
        .collect_view();
    view! {
        <select
            id=id.clone()
            data-testid=id
            aria-invalid=optional(invalid(field, fields))
            aria-describedby=described_by(field)
            on:change:target=move |event| value.set(event.target().value())
        >
            {options}
        </select>
    }
}

fn segments(field: Field, form: Form, options: Options) -> impl IntoView {
    let value = form.text(field);
    let id = slug(field);
    let segments = options
        .into_iter()
        .map(|(key, name)| {
            view! {
                <label class="segment">
                    <input
                        type="radio"
                        name=field.key()
                        value=key
                        prop:checked=flag(move || value.with(|value| value == key))
                        on:change=move |_| value.set(key.to_owned())
                    />
                    <span>{name}</span>
                </label>
            }
        })
        .collect_view();
    view! {
        <div
            class="segments"
            role="radiogroup"
            data-testid=format!("input-{id}")
            aria-labelledby=format!("label-{id}")
            aria-describedby=described_by(field)
        >
            {segments}
        </div>
    }
}

/// Yes or no.
pub fn switch(
    id: String,
    label: &'static str,
    help: &'static str,
    on: Flag,
    set: Box<dyn Fn(bool)>,
    mut applies: Flag,
) -> impl IntoView {
    view! {
        <div class="field switch" hidden=flag(move || !applies())>
            <label class="switch-row">
                <input
                    type="checkbox"
                    role="switch"
                    id=id.clone()
                    data-testid=id.clone()
                    aria-describedby=format!("help-{id}")
                    prop:checked=on
                    on:change:target=move |event| set(event.target().checked())
                />
                <span>{label}</span>
            </label>
            <p class="help" id=format!("help-{id}")>{help}</p>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_shown_where_the_text_is_short_for_it() {
        for (field, text, shown) in [
            (Field::Parameters, "7B", "= 7,000,000,000"),
            (Field::Parameters, "7,000", ""),
            (Field::BatchSize, "32", ""),
            (Field::BatchSize, "many", ""),
            (Field::DeviceMemory, "24GiB", "= 25,769,803,776 B"),
            (Field::Workspace, "10", ""),
        ] {
            assert_eq!(reading(field, text), shown, "{text}");
        }
    }
}
