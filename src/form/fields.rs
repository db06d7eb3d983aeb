//! The kinds of input. Each ties its label, help and message to its control, and takes no space that it may need later.

use leptos::html::Input;
use leptos::prelude::*;
use nn_memory::{Bytes, Choice, Field, format_count, parse_count};

use super::state::{Form, Outcome};
use super::step::{Step, stepped};

/// The id of an input, its test id too.
fn input_id(field: Field) -> String {
    format!("input-{}", slug(field))
}

fn slug(field: Field) -> String {
    field.key().replace('_', "-")
}

/// The help of an input: in sight, or behind a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Help {
    /// One sentence under the label.
    Shown(&'static str),
    /// Behind the info button.
    Folded(&'static str),
}

/// Label, help and message around a control.
#[component]
fn Labelled(
    /// The input.
    field: Field,
    /// What it is called.
    label: &'static str,
    /// What it means.
    help: Help,
    /// What is wrong with it.
    error: Signal<Option<String>>,
    /// How it was read.
    #[prop(into)]
    reading: Signal<String>,
    /// Whether the input plays a part.
    #[prop(into)]
    applies: Signal<bool>,
    /// The control.
    children: Children,
) -> impl IntoView {
    let open = RwSignal::new(matches!(help, Help::Shown(_)));
    let (Help::Shown(text) | Help::Folded(text)) = help;
    let id = slug(field);
    let help_id = format!("help-{id}");
    view! {
        <div class="field" class:field-bad=move || error.with(Option::is_some) hidden=move || !applies.get()>
            <div class="field-head">
                <label for=input_id(field)>{label}</label>
                {matches!(help, Help::Folded(_)).then(|| view! {
                    <button
                        type="button"
                        class="info"
                        aria-label=format!("About {}", field.name())
                        aria-expanded=move || open.get().to_string()
                        aria-controls=help_id.clone()
                        on:click=move |_| open.update(|open| *open = !*open)
                    >
                        "i"
                    </button>
                })}
                <span class="reading">{reading}</span>
            </div>
            <p class="help" id=format!("help-{id}") hidden=move || !open.get()>{text}</p>
            {children()}
            <p class="field-error" id=format!("error-{id}") data-testid=format!("error-{id}") hidden=move || error.with(Option::is_none)>
                {move || error.get().unwrap_or_default()}
            </p>
        </div>
    }
}

/// What the message says of an input, as a signal.
fn error_of(outcome: Memo<Outcome>, field: Field) -> Signal<Option<String>> {
    Memo::new(move |_| outcome.with(|outcome| outcome.error(field))).into()
}

fn applies_of(form: Form, field: Field) -> Memo<bool> {
    Memo::new(move |_| form.texts().applies(field))
}

/// A number as people write it, stepped by the arrow keys.
#[component]
pub fn NumberField(
    /// The form.
    form: Form,
    /// What follows from it.
    outcome: Memo<Outcome>,
    /// The input.
    field: Field,
    /// What it is called.
    label: &'static str,
    /// Unit behind the number.
    #[prop(default = "")]
    unit: &'static str,
    /// What it means.
    help: Help,
) -> impl IntoView {
    let text = form.text(field);
    let error = error_of(outcome, field);
    let element = NodeRef::<Input>::new();
    let id = slug(field);
    let reading = move || text.with(|text| reading(field, text));
    let press = move |event: leptos::ev::KeyboardEvent| {
        let up = match event.key().as_str() {
            "ArrowUp" => true,
            "ArrowDown" => false,
            _ => return,
        };
        let step = Step { up, large: event.shift_key() };
        if let Some(next) = text.with_untracked(|text| stepped(field, text, step)) {
            event.prevent_default();
            text.set(next);
        }
    };
    view! {
        <Labelled field label help error reading=Signal::derive(reading) applies=applies_of(form, field)>
            <div class="control">
                <input
                    type="text"
                    inputmode="text"
                    autocomplete="off"
                    autocapitalize="off"
                    spellcheck="false"
                    id=input_id(field)
                    data-testid=input_id(field)
                    node_ref=element
                    prop:value=text
                    aria-invalid=move || error.with(Option::is_some).then_some("true")
                    aria-describedby=format!("error-{id} help-{id}")
                    on:input:target=move |event| text.set(event.target().value())
                    on:keydown=press
                    on:focus=move |_| if let Some(input) = element.get_untracked() { input.select() }
                />
                {(!unit.is_empty()).then(|| view! { <span class="unit">{unit}</span> })}
            </div>
        </Labelled>
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

/// A few options side by side.
#[component]
pub fn SegmentedField<T: Choice + Send + Sync>(
    /// The form.
    form: Form,
    /// What follows from it.
    outcome: Memo<Outcome>,
    /// The input.
    field: Field,
    /// What it is called.
    label: &'static str,
    /// What it means.
    help: Help,
    /// Which options there are.
    #[prop(optional)]
    _options: std::marker::PhantomData<T>,
) -> impl IntoView {
    let text = form.text(field);
    let error = error_of(outcome, field);
    let id = slug(field);
    let (Help::Shown(help) | Help::Folded(help)) = help;
    view! {
        <fieldset
            class="field segmented"
            data-testid=input_id(field)
            hidden=move || !form.texts().applies(field)
            aria-describedby=format!("help-{id} error-{id}")
        >
            <legend>{label}</legend>
            <p class="help" id=format!("help-{id}")>{help}</p>
            <div class="segments">
                {T::ALL
                    .iter()
                    .map(|option| {
                        let key = option.key();
                        view! {
                            <label class="segment">
                                <input
                                    type="radio"
                                    name=field.key()
                                    value=key
                                    prop:checked=move || text.with(|text| text == key)
                                    on:change=move |_| text.set(key.to_owned())
                                />
                                <span>{option.label()}</span>
                            </label>
                        }
                    })
                    .collect_view()}
            </div>
            <p class="field-error" id=format!("error-{id}") data-testid=format!("error-{id}") hidden=move || error.with(Option::is_none)>
                {move || error.get().unwrap_or_default()}
            </p>
        </fieldset>
    }
}

/// One option of many.
#[component]
pub fn SelectField(
    /// The form.
    form: Form,
    /// What follows from it.
    outcome: Memo<Outcome>,
    /// The input.
    field: Field,
    /// What it is called.
    label: &'static str,
    /// What it means.
    help: Help,
    /// Key and name of each option.
    options: Vec<(&'static str, &'static str)>,
) -> impl IntoView {
    let text = form.text(field);
    let error = error_of(outcome, field);
    let id = slug(field);
    view! {
        <Labelled field label help error reading=Signal::derive(String::new) applies=applies_of(form, field)>
            <select
                id=input_id(field)
                data-testid=input_id(field)
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=format!("error-{id} help-{id}")
                on:change:target=move |event| text.set(event.target().value())
            >
                {options
                    .into_iter()
                    .map(|(key, name)| view! {
                        <option value=key prop:selected=move || text.with(|text| text == key)>{name}</option>
                    })
                    .collect_view()}
            </select>
        </Labelled>
    }
}

/// Key and name of every option of a choice.
pub fn options<T: Choice>() -> Vec<(&'static str, &'static str)> {
    T::ALL.iter().map(|option| (option.key(), option.label())).collect()
}

/// Yes or no.
#[component]
pub fn SwitchField(
    /// Id and test id.
    id: &'static str,
    /// What it is called.
    label: &'static str,
    /// What it does.
    help: &'static str,
    /// Whether it is on.
    #[prop(into)]
    on: Signal<bool>,
    /// Called with the new state.
    set: impl Fn(bool) + 'static,
    /// Whether the input plays a part.
    #[prop(into, default = true.into())]
    applies: Signal<bool>,
) -> impl IntoView {
    view! {
        <div class="field switch" hidden=move || !applies.get()>
            <label class="switch-row">
                <input
                    type="checkbox"
                    role="switch"
                    id=id
                    data-testid=id
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
