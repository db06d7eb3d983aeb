//! Ways to take the answer along. Each says what it did.

use leptos::prelude::*;
use nn_memory::UnitSystem;

use super::export::{self, Format};
use crate::built::{Built, built};
use crate::form::Fields;
use crate::page::Page;
use crate::reactive::{action, flag, plain_button};
use crate::{link, platform};

/// Copies a text and says so: where an input cannot be read, it is that of the last good result.
fn copy(text: String, what: &'static str, page: Page) {
    platform::copy(text, move |copied| {
        let last_good = page.fields.with_untracked(Fields::any_error);
        page.status.set(match (copied, last_good) {
            (false, _) => format!("The browser did not allow copying {what}."),
            (true, false) => format!("Copied {what}."),
            (true, true) => format!("Copied {what} of the last good result: an input cannot be read."),
        });
    });
}

/// Where a frame hears its height, as `tests/embed.html` does.
const LISTENER: &str = "<script>addEventListener('message',({source,data})=>{if(data?.type==='nn-memory:height')\
for(const frame of document.querySelectorAll('iframe'))if(frame.contentWindow===source)frame.style.height=data.height+'px'})</script>";

/// The address that opens this scenario.
fn address(page: Page) -> String {
    let decimal = page.system.get() == UnitSystem::Decimal;
    let query = page.outcome.with(|outcome| link::to_query(&outcome.scenario, decimal));
    format!("{}?{query}", platform::address())
}

/// Copies the link.
pub fn copy_link(page: Page) -> Built {
    plain_button("copy-link", "Copy link", action(move || copy(untrack(|| address(page)), "the link", page)))
}

/// Copy, embed, reset.
pub fn actions(page: Page) -> Built {
    let copy_as = move |format: Format| {
        let (write, system) = (export::writer(format), page.system.get_untracked());
        let address = untrack(|| address(page));
        let text = page.outcome.with_untracked(|outcome| write(outcome, system, &address));
        copy(text, format.what(), page);
    };
    let copy_embed = move || {
        let address = untrack(|| address(page)).replace('&', "&amp;");
        let code = format!(
            "<iframe src=\"{address}&amp;embed=1\" title=\"Neural network memory\" width=\"100%\" height=\"640\" loading=\"lazy\"></iframe>\n{LISTENER}"
        );
        copy(code, "the embed code", page);
    };
    let formats = Format::ALL
        .map(|format| plain_button(&format!("copy-{}", format.slug()), format.label(), action(move || copy_as(format))))
        .collect_view();
    built(view! {
        <div class="actions">
            <span class="actions-label" id="copy-label">"Copy as"</span>
            <div class="button-row" role="group" aria-labelledby="copy-label">
                {formats}
                {plain_button("copy-embed", "Embed code", action(copy_embed))}
            </div>
            <div class="button-row actions-end">
                <span hidden=flag(move || !page.can_undo.get())>
                    {plain_button("undo", "Undo reset", action(move || page.undo_reset()))}
                </span>
                <button type="button" id="reset" data-testid="reset" on:click=move |_| page.reset()>"Reset"</button>
            </div>
        </div>
    })
}

/// The way from an embedded view to the page.
pub fn open_full(page: Page) -> Built {
    built(view! {
        <p class="open-full">
            <a href=crate::reactive::text(move || address(page)) target="_blank" rel="noopener" data-testid="open-full">
                "Open in the full calculator"
            </a>
        </p>
    })
}
