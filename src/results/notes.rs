//! What the figures rest on.

use leptos::prelude::*;
use nn_memory::{Level, MARGIN_PERCENT, UnitSystem};

use super::{capitalized, device_name};
use crate::form::Outcome;
use crate::page::Page;

/// Assumptions and warnings, warnings first.
pub fn notes(page: Page) -> impl IntoView {
    let Page { outcome, system, .. } = page;
    let list = move || {
        let system = system.get();
        let notes = outcome.with(|outcome| {
            let notes = outcome.estimate.notes.iter();
            let mut texts: Vec<_> = notes.map(|note| (note.level() == Level::Warning, note.text(system))).collect();
            texts.push((false, device_note(outcome, system)));
            texts
        });
        let items = notes.into_iter().map(|(warning, text)| {
            view! { <li><strong>{if warning { "Beware: " } else { "" }}</strong>{text}</li> }
        });
        items.collect_view()
    };
    view! {
        <section class="notes" aria-labelledby="notes-title">
            <h3 id="notes-title">"What this rests on"</h3>
            <ul data-testid="notes">{list}</ul>
        </section>
    }
}

fn device_note(outcome: &Outcome, system: UnitSystem) -> String {
    let fit = &outcome.estimate.fit;
    format!(
        "{} reports {}; usable: {} = {}. A job that leaves less than {MARGIN_PERCENT} % of the memory free ({}) is called tight: the allocator reserves more than it hands out.",
        capitalized(&device_name(&outcome.scenario, system)),
        fit.reported.display(system),
        fit.formula.numbers(),
        fit.usable.display(system),
        fit.margin.display(system),
    )
}
