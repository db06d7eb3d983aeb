//! An input: label, help, control and message, tied together.

use leptos::either::Either;
use leptos::html::Input as InputElement;
use leptos::prelude::*;
use nn_memory::{Bytes, Choice, Field, format_count, parse_count};

use super::input::Input;
use super::step::{Number, Step, stepped};
use super::texts::{FLAG, words};
use crate::built::{Built, built};
use crate::page::Page;
use crate::reactive::{Flag, disclosure, effect, flag, optional, text};

/// The most characters that an input of one line takes: more than any value needs, and little enough to lay out at once.
pub const LONGEST: &str = "1000";

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
    /// A few words.
    Words,
    /// One option of many.
    Select(fn() -> Options),
    /// One of these names.
    Names(&'static [&'static str]),
    /// One option of a few, side by side.
    Segments(fn() -> Options),
    /// Yes or no.
    Switch,
    /// A control of its own.
    Own(fn(&Shown, Page) -> Built),
}

/// Key and name of each option.
pub type Options = Vec<(&'static str, &'static str)>;

/// Key and name of every option of a choice.
pub fn options<T: Choice>() -> Options {
    T::ALL.iter().map(|option| (option.key(), option.label())).collect()
}

/// An input with everything that ties it together.
pub struct Shown {
    /// Which one.
    pub input: Input,
    /// Name in ids.
    pub slug: String,
    /// What it is called.
    pub label: &'static str,
    /// What it is called within a sentence.
    pub about: &'static str,
    /// Unit behind the number.
    pub unit: &'static str,
    /// What it means.
    pub help: String,
    /// Whether the help is in sight from the start.
    pub help_in_sight: bool,
    /// How it is given.
    pub control: Control,
    /// What kind of number.
    pub number: Number,
}

impl Spec {
    /// The input with its label, help and message; hidden where it plays no part.
    pub fn view(&'static self, page: Page) -> Built {
        let Self { field, label, unit, help, help_in_sight, control } = *self;
        Shown {
            input: field.into(),
            slug: field.key().replace('_', "-"),
            label,
            about: field.name(),
            unit,
            help: help.to_owned(),
            help_in_sight,
            control,
            number: Number::of(field),
        }
        .view(page)
    }
}

impl Shown {
    /// The id of the control, which is its test id.
    pub fn id(&self) -> String {
        match self.input {
            Input::Field(Field::ModelKind) => "model-kind".to_owned(),
            Input::Field(Field::Model) => "model-search".to_owned(),
            Input::Field(Field::Config) => "model-config".to_owned(),
            _ => format!("input-{}", self.slug),
        }
    }

    /// Ids of what describes the control.
    pub fn described_by(&self) -> String {
        format!("error-{0} help-{0}", self.slug)
    }

    /// The input with its label, help and message; hidden where it plays no part.
    pub fn view(self, page: Page) -> Built {
        let (input, id) = (self.input, self.id());
        let fields = page.fields;
        if let Control::Switch = self.control {
            let (form, value) = (page.form, page.form.text(input));
            let [on, off] = match input {
                Input::Field(field) => words(field).unwrap_or(FLAG),
                Input::Config(_) => FLAG,
            };
            return switch(
                id,
                self.label,
                self.help,
                flag(move || value.with(|value| value == on)),
                Box::new(move |is_on| form.set(input, if is_on { on } else { off })),
                flag(move || fields.with(|fields| fields.applies(input))),
            );
        }
        let open = RwSignal::new(self.help_in_sight);
        let slug = self.slug.clone();
        let label = if let Control::Segments(_) = self.control {
            Either::Left(view! { <span class="label" id=format!("label-{slug}")>{self.label}</span> })
        } else {
            Either::Right(view! { <label for=id>{self.label}</label> })
        };
        let info = (!self.help_in_sight).then(|| {
            disclosure(
                "info",
                format!("about-{slug}"),
                format!("About {}", self.about),
                format!("help-{slug}"),
                open,
                built(view! { "i" }),
            )
        });
        let control = match self.control {
            Control::Select(options) => self.select(page, options()),
            Control::Names(names) => self.select(page, names.iter().map(|name| (*name, *name)).collect()),
            Control::Segments(options) => self.segments(page, options()),
            Control::Own(control) => control(&self, page),
            Control::Number | Control::Words | Control::Switch => self.number(page),
        };
        let (value, number) = (page.form.text(input), self.number);
        built(view! {
            <div
                class="field"
                class:field-bad=flag(move || fields.with(|fields| fields.error(input).is_some()))
                hidden=flag(move || !fields.with(|fields| fields.applies(input)))
            >
                <div class="field-head">
                    {label}
                    {info}
                    <div class="reading"><span>{text(move || value.with(|value| reading(&number, value)))}</span></div>
                </div>
                <p class="help" id=format!("help-{slug}") hidden=flag(move || !open.get())>{self.help}</p>
                {control}
                <p
                    class="field-error"
                    id=format!("error-{slug}")
                    data-testid=format!("error-{slug}")
                    hidden=flag(move || fields.with(|fields| fields.error(input).is_none()))
                >
                    {text(move || fields.with(|fields| fields.error(input).unwrap_or_default().to_owned()))}
                </p>
            </div>
        })
    }

    /// Whether the input cannot be read, as an attribute says it.
    pub fn invalid(&self, page: Page) -> impl FnMut() -> Option<&'static str> + Send + 'static {
        let input = self.input;
        move || page.fields.with(|fields| fields.error(input).map(|_| "true"))
    }

    fn number(&self, page: Page) -> Built {
        let (form, input) = (page.form, self.input);
        let value = form.text(input);
        let element = NodeRef::<InputElement>::new();
        let number = self.number.clone();
        let press = move |event: leptos::ev::KeyboardEvent| {
            let up = match event.key().as_str() {
                "ArrowUp" => true,
                "ArrowDown" => false,
                _ => return,
            };
            let step = Step { up, large: event.shift_key() };
            if let Some(next) = value.with_untracked(|value| stepped(&number, value, step)) {
                event.prevent_default();
                form.set(input, &next);
            }
        };
        let select_all = move |_| {
            if let Some(input) = element.get_untracked() {
                input.select();
            }
        };
        shown_in(element, value);
        let id = self.id();
        built(view! {
            <div class="control">
                <input
                    type="text"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    maxlength=LONGEST
                    id=id.clone()
                    data-testid=id
                    node_ref=element
                    aria-invalid=optional(self.invalid(page))
                    aria-describedby=self.described_by()
                    on:input:target=move |event| form.set(input, &event.target().value())
                    on:keydown=press
                    on:focus=select_all
                />
                <span class="unit">{self.unit}</span>
            </div>
        })
    }

    fn select(&self, page: Page, options: Options) -> Built {
        let (input, id) = (self.input, self.id());
        let value = page.form.text(input);
        let options = options
            .into_iter()
            .map(|(key, name)| {
                view! { <option value=key prop:selected=flag(move || value.with(|value| value == key))>{name}</option> }
            })
            .collect_view();
        built(view! {
            <select
                id=id.clone()
                data-testid=id
                aria-invalid=optional(self.invalid(page))
                aria-describedby=self.described_by()
                on:change:target=move |event| page.choose(input, &event.target().value())
            >
                {options}
            </select>
        })
    }

    fn segments(&self, page: Page, options: Options) -> Built {
        let input = self.input;
        let value = page.form.text(input);
        let slug = self.slug.clone();
        let segments = options
            .into_iter()
            .map(|(key, name)| {
                built(view! {
                    <label class="segment">
                        <input
                            type="radio"
                            name=slug.clone()
                            value=key
                            prop:checked=flag(move || value.with(|value| value == key))
                            on:change=move |_| page.choose(input, key)
                        />
                        <span>{name}</span>
                    </label>
                })
            })
            .collect_view();
        built(view! {
            <div
                class="segments"
                role="radiogroup"
                data-testid=self.id()
                aria-labelledby=format!("label-{}", self.slug)
                aria-describedby=self.described_by()
            >
                {segments}
            </div>
        })
    }
}

/// Shows a text in its control, unless it was typed there and is there already.
fn shown_in(element: NodeRef<InputElement>, value: ReadSignal<String>) {
    effect(move || {
        value.with(|value| {
            if let Some(element) = element.get().filter(|element| element.value() != *value) {
                element.set_value(value);
            }
        });
    });
}

/// How a number was read, where that is not plain from the text.
fn reading(number: &Number, text: &str) -> String {
    let read = match number {
        Number::Count(..) => parse_count(text).ok().map(format_count),
        Number::Memory => text.parse::<Bytes>().ok().map(|bytes| bytes.to_string()),
        Number::Decimal(_) | Number::None => None,
    };
    match read {
        Some(read) if read != text.trim() => format!("= {read}"),
        _ => String::new(),
    }
}

/// Yes or no.
pub fn switch(
    id: String,
    label: &'static str,
    help: String,
    on: Flag,
    set: Box<dyn Fn(bool)>,
    mut applies: Flag,
) -> Built {
    built(view! {
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
    })
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
            assert_eq!(reading(&Number::of(field), text), shown, "{text}");
        }
    }
}
