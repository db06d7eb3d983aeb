//! A pasted `config.json`, and what of it does not count.

use js_sys::{Array, JsString, Reflect};
use leptos::html::{Input, Textarea};
use leptos::prelude::*;
use leptos::task::spawn_local;
use nn_memory::{Choice, Config, ConfigError, Field, ModelKind};
use wasm_bindgen::JsCast;
use web_sys::{Blob, File, HtmlInputElement, HtmlTextAreaElement, InputEvent};

use super::super::field::Shown;
use super::super::state::Form;
use crate::built::{Built, built};
use crate::page::Page;
use crate::platform;
use crate::reactive::{optional, text};
use crate::results::capitalized;

/// A field for the file, with what its reader should know under it.
pub fn pasted(shown: &Shown, page: Page) -> Built {
    let (form, input) = (page.form, shown.input);
    let value = form.text(input);
    let element = NodeRef::<Textarea>::new();
    let chooser = NodeRef::<Input>::new();
    let select_all = move |_| {
        if let Some(area) = element.get_untracked() {
            area.select();
        }
    };
    let remarks = move || {
        let remarks = value.with(|value| Config::remarks(value));
        remarks.into_iter().map(|remark| view! { <p>{remark.to_string()}</p> }).collect_view()
    };
    let id = shown.id();
    built(view! {
        <textarea
            rows="8"
            autocomplete="off"
            autocapitalize="off"
            spellcheck="false"
            id=id.clone()
            data-testid=id
            node_ref=element
            prop:value=text(move || value.get())
            aria-invalid=optional(shown.invalid(page))
            aria-describedby=format!("{} config-remarks", shown.described_by())
            on:beforeinput=move |event| {
                // The browser would lay the whole text out, line by line, before it asked anyone.
                if let Some(bytes) = inserted(&event).and_then(|text| too_long(&text)) {
                    event.prevent_default();
                    refuse(form, &ConfigError::TooLong { bytes });
                }
            }
            on:input:target=move |event| take(form, &event.target())
            on:focus=select_all
        ></textarea>
        <button
            type="button"
            class="choose-file"
            data-testid="choose-file"
            on:click=move |_| {
                if let Some(chooser) = chooser.get_untracked() {
                    chooser.click();
                }
            }
        >
            "Choose a file"
        </button>
        <input
            type="file"
            hidden
            accept=".json,application/json"
            data-testid="file"
            node_ref=chooser
            on:change:target=move |event| {
                if let Some(file) = chosen(&event.target()) {
                    take_file(page, file);
                }
            }
        />
        <div class="remarks" role="status" id="config-remarks" data-testid="config-remarks">{remarks}</div>
    })
}

/// The file that was chosen; the same one may be chosen again.
fn chosen(chooser: &HtmlInputElement) -> Option<File> {
    let file = chooser.files()?.get(0);
    chooser.set_value("");
    file
}

/// What the browser is about to insert.
fn inserted(event: &InputEvent) -> Option<JsString> {
    // `InputEvent::data` would copy it first, however long it is.
    Reflect::get(event, &"data".into()).ok()?.dyn_into().ok()
}

/// The length in bytes of a text that is too long to be read.
fn too_long(text: &JsString) -> Option<u64> {
    if u64::from(text.length()) <= Config::LONGEST {
        return None;
    }
    let blob = Blob::new_with_str_sequence(&Array::of1(text)).ok();
    Some(blob.map_or_else(|| text.length().into(), |blob| size(&blob)))
}

/// The length of a file in bytes.
fn size(blob: &Blob) -> u64 {
    // A length is whole, and below 2^53.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a length is a whole number, never negative"
    )]
    let bytes = blob.size() as u64;
    bytes
}

/// Takes over what stands in the area, unless a script has put too much there.
fn take(form: Form, area: &HtmlTextAreaElement) {
    let text = Reflect::get(area, &"value".into()).ok().and_then(|text| text.dyn_into::<JsString>().ok());
    match text.as_ref().and_then(too_long) {
        Some(bytes) => {
            area.set_value(&form.text(Field::Config).get_untracked());
            refuse(form, &ConfigError::TooLong { bytes });
        }
        None => form.set(Field::Config, &area.value()),
    }
}

fn refuse(form: Form, error: &ConfigError) {
    form.refuse(Field::Config, format!("{}. What stood here is kept.", capitalized(&error.to_string())));
}

/// Reads a file that was chosen, or dropped on the page, as if its text had been pasted. One that is no JSON object, or too long, is
/// refused: what stood there is kept.
pub fn take_file(page: Page, file: File) {
    let form = page.form;
    if form.text(Field::ModelKind).with_untracked(|kind| kind != ModelKind::Pasted.key()) {
        page.choose(Field::ModelKind.into(), ModelKind::Pasted.key());
    }
    let bytes = size(&file);
    if bytes > Config::LONGEST {
        return refuse(form, &ConfigError::TooLong { bytes });
    }
    spawn_local(async move {
        let text = wasm_bindgen_futures::JsFuture::from(file.text()).await;
        let text = text.ok().and_then(|text| text.as_string());
        match text.map(|text| (Config::from_json(&text), text)) {
            Some((Err(error @ (ConfigError::NotJson { .. } | ConfigError::TooLong { .. })), _)) => refuse(form, &error),
            Some((_, text)) => form.set(Field::Config, &text),
            None => form.refuse(Field::Config, format!("{} cannot be read. What stood here is kept.", file.name())),
        }
        platform::focus("model-config");
    });
}
