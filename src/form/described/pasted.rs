//! A pasted `config.json`, and what of it does not count.

use leptos::html::Textarea;
use leptos::prelude::*;
use nn_memory::Config;

use super::super::field::Shown;
use crate::built::{Built, built};
use crate::page::Page;
use crate::reactive::{optional, text};

/// A field for the file, with what its reader should know under it.
pub fn pasted(shown: &Shown, page: Page) -> Built {
    let (form, input) = (page.form, shown.input);
    let value = form.text(input);
    let element = NodeRef::<Textarea>::new();
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
            on:input:target=move |event| form.set(input, &event.target().value())
            on:focus=select_all
        ></textarea>
        <div class="remarks" role="status" id="config-remarks" data-testid="config-remarks">{remarks}</div>
    })
}
