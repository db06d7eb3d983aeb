//! The head of the answer: total, verdict, the smallest device. It never scrolls out of view.

use leptos::prelude::*;
use nn_memory::{Unit, UnitSystem, Verdict};

use super::{device_name, smallest};
use crate::built::{Built, built};
use crate::form::{Fields, Outcome};
use crate::page::Page;
use crate::reactive::{flag, settled, text};

/// Total and verdict.
pub fn head(page: Page) -> Built {
    let Page { outcome, fields, system, .. } = page;
    let words = settled(move || outcome.with(|outcome| words(outcome, system.get())));
    let [figure, unit, detail, verdict, sign, fit, smallest] = words.map(|words| text(move || words.get()));
    built(view! {
        <div class="head">
            <div class="head-total">
                <output class="total" data-testid="total" aria-label="Total memory">
                    <span class="figure">{figure}</span>
                    " "
                    <span class="total-unit">{unit}</span>
                </output>
                <span class="total-detail" data-testid="total-detail">{detail}</span>
            </div>
            <p class="fit" data-testid="fit" data-verdict=verdict role="status">
                <span class="fit-sign" aria-hidden="true">{sign}</span>
                <span class="fit-text">{fit}</span>
            </p>
            <p class="smallest" data-testid="smallest-device">
                {smallest}
                " "
                <a href="#ways-title">"What to change"</a>
            </p>
            <p class="stale-label" data-testid="stale" hidden=flag(move || !fields.with(Fields::any_error))>
                "Last result: an input cannot be read."
            </p>
        </div>
    })
}

/// Total and its unit, the total in detail, the verdict for the style sheet, as a sign and in words, the smallest device.
fn words(outcome: &Outcome, system: UnitSystem) -> [String; 7] {
    let total = outcome.estimate.total.display(system);
    let (verdict, sign) = verdict(outcome);
    let unit = total.unit.name().to_owned();
    let (detail, fit) = (detail(outcome, system), fit(outcome, system));
    [total.figure, unit, detail, verdict.to_owned(), sign.to_owned(), fit, smallest(outcome)]
}

/// The total in the table's unit and in bytes.
fn detail(outcome: &Outcome, system: UnitSystem) -> String {
    let total = outcome.estimate.total;
    let unit = total.table_unit(system);
    if unit == total.display(system).unit || unit == Unit::BYTE {
        total.to_string()
    } else {
        format!("{} = {total}", total.size_in(unit))
    }
}

/// The verdict as a word for the style sheet, and as a sign.
fn verdict(outcome: &Outcome) -> (&'static str, &'static str) {
    match outcome.estimate.fit.verdict {
        Verdict::Fits { .. } => ("fits", "✓"),
        Verdict::Tight { .. } => ("tight", "!"),
        Verdict::DoesNotFit { .. } => ("does-not-fit", "✗"),
    }
}

pub(super) fn fit(outcome: &Outcome, system: UnitSystem) -> String {
    let device = device_name(&outcome.scenario, system);
    match outcome.estimate.fit.verdict {
        Verdict::Fits { free } => format!("Fits {device}: {} free", free.display(system)),
        Verdict::Tight { free } => format!("Tight on {device}: {} free, less than the margin", free.display(system)),
        Verdict::DoesNotFit { missing } => format!("Does not fit {device}: {} missing", missing.display(system)),
    }
}
