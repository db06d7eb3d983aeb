//! What the figures rest on.

use leptos::prelude::*;
use nn_memory::{DeviceChoice, Level, MARGIN_PERCENT, UnitSystem};

use super::{capitalized, device_name, smallest};
use crate::built::{Built, built};
use crate::form::Outcome;
use crate::page::Page;
use crate::reactive::{effect, flag, put, settled, text};

/// Assumptions and warnings, warnings first.
pub fn notes(page: Page) -> Built {
    let Page { outcome, system, .. } = page;
    let [about, read] =
        settled(move || outcome.with(|outcome| [device_note(outcome, system.get()), source(outcome).to_owned()]));
    let list = move || outcome.with(|outcome| list(outcome, system.get()));
    let shown = RwSignal::new(untrack(list));
    effect(move || put(shown, list()));
    let items = move || {
        let items = shown.get().into_iter().map(|(warning, text)| {
            view! { <li><strong>{if warning { "Beware: " } else { "" }}</strong>{text}</li> }
        });
        items.collect_view()
    };
    built(view! {
        <section class="notes" aria-labelledby="notes-title">
            <h3 id="notes-title">"What this rests on"</h3>
            <ul data-testid="notes">{items}</ul>
            <p class="device-note" data-testid="device-note">
                {text(move || about.get())}
                " "
                <a
                    href=text(move || read.get())
                    hidden=flag(move || read.with(String::is_empty))
                    target="_blank"
                    rel="noopener"
                >
                    "Where this was read"
                </a>
            </p>
        </section>
    })
}

/// The notes in words, each with whether it is a warning.
fn list(outcome: &Outcome, system: UnitSystem) -> Vec<(bool, String)> {
    let notes = outcome.estimate.notes.iter();
    notes.map(|note| (note.level() == Level::Warning, note.text(system))).collect()
}

/// Where the memory that the device reports was read.
fn source(outcome: &Outcome) -> &'static str {
    match outcome.scenario.device {
        DeviceChoice::Catalog(device) => device.source,
        DeviceChoice::Custom(_) => "",
    }
}

fn device_note(outcome: &Outcome, system: UnitSystem) -> String {
    let fit = &outcome.estimate.fit;
    format!(
        "{}: advertised {}, reported by the driver {}; usable: {} = {}. A job that leaves less than {MARGIN_PERCENT} % of the memory free ({}) is called tight: the allocator reserves more than it hands out. {}",
        capitalized(&device_name(&outcome.scenario, system)),
        outcome.scenario.device.advertised().display(system),
        fit.reported.display(system),
        fit.formula.numbers(),
        fit.usable.display(system),
        fit.margin.display(system),
        smallest(outcome),
    )
}
