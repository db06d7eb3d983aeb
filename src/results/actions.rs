//! Ways to take the answer along. Each says what it did.

use leptos::prelude::*;
use nn_memory::UnitSystem;

use super::export::{self, Format};
use crate::form::{Form, Outcome, Texts};
use crate::{link, platform};

/// Copies a text and says so.
fn copy(text: String, what: &'static str, status: RwSignal<String>) {
    platform::copy(text, move |copied| {
        status.set(if copied {
            format!("Copied {what}.")
        } else {
            format!("The browser did not allow copying {what}.")
        });
    });
}

/// The address that opens this scenario.
fn address(outcome: &Outcome, system: UnitSystem) -> String {
    let query = link::to_query(&outcome.scenario, system == UnitSystem::Decimal);
    format!("{}?{query}", platform::address())
}

/// Copies the link.
#[component]
pub fn CopyLink(
    /// What follows from the form.
    outcome: Memo<Outcome>,
    /// The units.
    system: RwSignal<UnitSystem>,
    /// Says what was done.
    status: RwSignal<String>,
) -> impl IntoView {
    let copy_link = move |_| {
        let address = outcome.with_untracked(|outcome| address(outcome, system.get_untracked()));
        copy(address, "the link", status);
    };
    view! { <button type="button" data-testid="copy-link" on:click=copy_link>"Copy link"</button> }
}

/// Copy, embed, reset.
#[component]
pub fn Actions(
    /// The form.
    form: Form,
    /// What follows from it.
    outcome: Memo<Outcome>,
    /// The units.
    system: RwSignal<UnitSystem>,
    /// The inputs before the last reset.
    undo: RwSignal<Option<Texts>>,
    /// Says what was done.
    status: RwSignal<String>,
) -> impl IntoView {
    let copy_as = move |format: Format| {
        let text = outcome.with_untracked(|outcome| {
            export::write(format, &outcome.scenario, &outcome.estimate, system.get_untracked())
        });
        let what = match format {
            Format::Text => "the results as text",
            Format::Markdown => "the results as a Markdown table",
            Format::Json => "the results as JSON",
            Format::Csv => "the results as CSV",
        };
        copy(text, what, status);
    };
    let copy_embed = move |_| {
        let address = outcome.with_untracked(|outcome| address(outcome, system.get_untracked()));
        let address = address.replace('&', "&amp;");
        copy(
            format!(
                "<iframe src=\"{address}&amp;embed=1\" title=\"Neural network memory\" width=\"100%\" height=\"640\" loading=\"lazy\"></iframe>"
            ),
            "the embed code",
            status,
        );
    };
    let reset = move |_| {
        undo.set(Some(untrack(|| form.texts())));
        form.fill(&Texts::default());
        status.set("Reset every input to its default.".to_owned());
    };
    let take_back = move |_| {
        if let Some(texts) = undo.get_untracked() {
            form.fill(&texts);
            undo.set(None);
            status.set("Put your inputs back.".to_owned());
        }
    };
    view! {
        <div class="actions">
            <span class="actions-label" id="copy-label">"Copy as"</span>
            <div class="button-row" role="group" aria-labelledby="copy-label">
                {Format::ALL
                    .into_iter()
                    .map(|format| view! {
                        <button type="button" data-testid=format!("copy-{}", format.slug()) on:click=move |_| copy_as(format)>
                            {format.label()}
                        </button>
                    })
                    .collect_view()}
                <button type="button" data-testid="copy-embed" on:click=copy_embed>"Embed code"</button>
            </div>
            <div class="button-row actions-end">
                <button type="button" data-testid="undo" hidden=move || undo.with(Option::is_none) on:click=take_back>"Undo reset"</button>
                <button type="button" data-testid="reset" on:click=reset>"Reset"</button>
            </div>
        </div>
    }
}
