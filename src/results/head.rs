//! The head of the answer: total, verdict, the smallest device. It never scrolls out of view.

use leptos::prelude::*;
use nn_memory::{Unit, UnitSystem, Verdict};

use super::device_name;
use crate::form::Outcome;

/// Total and verdict.
#[component]
pub fn Head(
    /// What follows from the form.
    outcome: Memo<Outcome>,
    /// The units.
    system: RwSignal<UnitSystem>,
) -> impl IntoView {
    let total = move || outcome.with(|outcome| outcome.estimate.total.display(system.get()));
    let detail = move || {
        outcome.with(|outcome| {
            let total = outcome.estimate.total;
            let unit = total.table_unit(system.get());
            let shown = total.display(system.get());
            if unit == shown.unit || unit == Unit::BYTE {
                total.to_string()
            } else {
                format!("{} = {total}", total.size_in(unit))
            }
        })
    };
    let fit = Memo::new(move |_| outcome.with(|outcome| fit_words(outcome, system.get())));
    let smallest = move || {
        outcome.with(|outcome| match outcome.estimate.smallest_device {
            Some(device) => format!("Smallest listed device that fits: {}.", device.name),
            None => "No single device of the list holds it.".to_owned(),
        })
    };
    view! {
        <div class="head" class:stale=move || outcome.with(Outcome::is_stale)>
            <div class="head-total">
                <output class="total" data-testid="total" aria-label="Total memory">
                    <span class="figure">{move || total().figure}</span>
                    " "
                    <span class="total-unit">{move || total().unit.name()}</span>
                </output>
                <span class="total-detail" data-testid="total-detail">{detail}</span>
            </div>
            <p class="fit" data-testid="fit" data-verdict=move || fit.with(|fit| fit.verdict) role="status">
                <span class="fit-sign" aria-hidden="true">{move || fit.with(|fit| fit.sign)}</span>
                <span class="fit-text">{move || fit.with(|fit| fit.text.clone())}</span>
            </p>
            <p class="smallest" data-testid="smallest-device">{smallest}</p>
            <p class="stale-label" data-testid="stale" hidden=move || !outcome.with(Outcome::is_stale)>
                "Last result: an input cannot be read."
            </p>
        </div>
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FitWords {
    verdict: &'static str,
    sign: &'static str,
    text: String,
}

fn fit_words(outcome: &Outcome, system: UnitSystem) -> FitWords {
    let device = device_name(&outcome.scenario, system);
    let (verdict, sign, text) = match outcome.estimate.fit.verdict {
        Verdict::Fits { free } => ("fits", "✓", format!("Fits {device}: {} free", free.display(system))),
        Verdict::Tight { free } => {
            ("tight", "!", format!("Tight on {device}: {} free, less than the margin", free.display(system)))
        }
        Verdict::DoesNotFit { missing } => {
            ("does-not-fit", "✗", format!("Does not fit {device}: {} missing", missing.display(system)))
        }
    };
    FitWords { verdict, sign, text }
}
