//! What the figures rest on.

use leptos::prelude::*;
use nn_memory::{Level, MARGIN_PERCENT, UnitSystem};

use super::device_name;
use crate::form::Outcome;

/// Assumptions and warnings, warnings first.
#[component]
pub fn Notes(
    /// What follows from the form.
    outcome: Memo<Outcome>,
    /// The units.
    system: RwSignal<UnitSystem>,
) -> impl IntoView {
    let notes = Memo::new(move |_| outcome.with(|outcome| outcome.estimate.notes.clone()));
    let device = move || {
        outcome.with(|outcome| {
            let (fit, system) = (&outcome.estimate.fit, system.get());
            format!(
                "{} reports {}; {} usable = {}. A job that leaves less than {MARGIN_PERCENT} % of it free ({}) is called tight: the allocator reserves more than it hands out.",
                super::capitalized(&device_name(&outcome.scenario, system)),
                fit.reported.display(system),
                fit.usable.display(system),
                fit.formula.numbers(),
                fit.margin.display(system),
            )
        })
    };
    view! {
        <section class="notes" aria-labelledby="notes-title">
            <h3 id="notes-title">"What this rests on"</h3>
            <ul data-testid="notes">
                {move || {
                    let system = system.get();
                    notes
                        .get()
                        .into_iter()
                        .map(|note| {
                            let warning = note.level() == Level::Warning;
                            view! {
                                <li class:warning=warning>
                                    {warning.then(|| view! { <strong>"Beware: "</strong> })}
                                    {note.text(system)}
                                </li>
                            }
                        })
                        .collect_view()
                }}
                <li>{device}</li>
            </ul>
        </section>
    }
}
