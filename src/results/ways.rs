//! What to change where a described model does not fit: as few ways to need less as it takes, and what each comes to alone.

use std::time::Duration;

use leptos::prelude::*;
use nn_memory::{Choice, Reduced, Scenario, UnitSystem, Verdict, Way};

use super::{capitalized, device_name};
use crate::built::{Built, built};
use crate::form::{Input, Outcome, Texts};
use crate::page::Page;
use crate::quiet::worked_out;
use crate::reactive::{action, flag, plain_button, text};
use crate::{described, link, platform};

/// How long typing pauses before they are looked for: what the device shows comes first.
const DELAY: Duration = Duration::from_millis(400);

/// Less than this of the total is not worth a row, in tenths of a percent.
const LEAST: u16 = 10;

/// The heading, for what names the section and for who has pressed what is gone.
const TITLE_ID: &str = "ways-title";

/// The ways, as found for an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ways {
    scenario: Scenario,
    verdict: Verdict,
    /// Those that make it fit together, or come as near as it gets.
    together: Option<Reduced>,
    /// Those that help by themselves.
    alone: Vec<Reduced>,
}

impl Ways {
    fn of(outcome: &Outcome) -> Self {
        let (engine, scenario) = (described::engine(), &outcome.scenario);
        let worth = |reduced: &Reduced| reduced.saved.tenths_of_percent >= LEAST;
        Self {
            scenario: scenario.clone(),
            verdict: outcome.estimate.fit.verdict,
            // What makes it fit is worth it however little it saves.
            together: engine.ways_to_fit(scenario).filter(|reduced| reduced.fits() || worth(reduced)),
            alone: engine.ways_to_need_less(scenario).into_iter().filter(worth).collect(),
        }
    }

    fn alone(&self, way: Way) -> Option<&Reduced> {
        self.alone.iter().find(|reduced| reduced.ways == [way])
    }

    /// The finding, as charts have it for a title.
    fn title(&self, system: UnitSystem) -> String {
        let device = device_name(&self.scenario, system);
        let Some(together) = &self.together else {
            return match self.verdict {
                Verdict::Fits { .. } => "What would need less".to_owned(),
                Verdict::Tight { .. } => "No way of running it needs much less".to_owned(),
                Verdict::DoesNotFit { .. } => format!("No way of running it makes it fit {device}"),
            };
        };
        let list = listed(together);
        match (together.verdict, self.verdict) {
            (Verdict::Fits { .. }, Verdict::Tight { .. }) => format!("It fits with room to spare with {list}"),
            (Verdict::Fits { .. }, _) => format!("It fits {device} with {list}"),
            (Verdict::Tight { .. }, _) => format!("It fits {device}, tightly, with {list}"),
            (Verdict::DoesNotFit { .. }, _) => format!("It does not fit {device} even with {list}"),
        }
    }

    /// What they come to together, and what each costs, a line each.
    fn explanation(&self, system: UnitSystem) -> String {
        let Some(together) = &self.together else { return String::new() };
        let total = together.total.display(system);
        let left = match together.verdict {
            Verdict::Fits { free } | Verdict::Tight { free } => format!("{} free", free.display(system)),
            Verdict::DoesNotFit { missing } => format!("{} missing", missing.display(system)),
        };
        let mut text = format!("It takes {total} then, {left}.");
        if let (false, Some(device)) = (together.fits(), together.smallest_device) {
            text += &format!(" The smallest listed device that holds it with room to spare: {}.", device.name);
        }
        for way in &together.ways {
            text += &format!("\n{}: {}", capitalized(&way.words(&together.scenario)), way.cost());
        }
        text
    }

    /// Whether it does not fit whatever is done here.
    fn too_much(&self) -> bool {
        let last = self.together.as_ref().map_or(self.verdict, |together| together.verdict);
        matches!(last, Verdict::DoesNotFit { .. })
    }
}

/// Its ways in a row, with “and” before the last.
fn listed(reduced: &Reduced) -> String {
    let words: Vec<_> = reduced.ways.iter().map(|way| way.words(&reduced.scenario)).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

/// The inputs in which two scenarios differ, with their texts in the second.
fn changes(from: &Outcome, to: &Reduced) -> Vec<(Input, String)> {
    let (before, after) = (Texts::from(&from.scenario), Texts::from(&to.scenario));
    let differs = Input::all().filter(|&input| before[input] != after[input]);
    differs.map(|input| (input, after[input].clone())).collect()
}

/// Fills the form with it; the browser's back button undoes it.
fn apply(page: Page, reduced: &Reduced) {
    let decimal = page.system.get_untracked() == UnitSystem::Decimal;
    let query = link::to_query(&reduced.scenario, decimal);
    platform::push_query(&link::with_view_of(&query, &platform::query()));
    for (input, text) in page.outcome.with_untracked(|outcome| changes(outcome, reduced)) {
        page.form.set(input, &text);
    }
    page.status.set(format!("Applied: {}. Your browser's back button returns to your inputs.", listed(reduced)));
    // Its button may go.
    platform::focus(TITLE_ID);
}

/// What to change.
pub fn ways(page: Page) -> Built {
    let Page { outcome, system, .. } = page;
    let look = move || outcome.with_untracked(Ways::of);
    let (ways, stale) = worked_out(DELAY, move || outcome.track(), look);
    // What is pressed is what is asked now, not what was asked a moment ago.
    let press = move |which: &dyn Fn(&Ways) -> Option<Reduced>| {
        if !ways.with_untracked(|ways| outcome.with_untracked(|now| now.scenario == ways.scenario)) {
            ways.set(look());
        }
        if let Some(reduced) = ways.with_untracked(which) {
            apply(page, &reduced);
        }
    };

    let title = move || ways.with(|ways| ways.title(system.get()));
    let explanation = Memo::new(move |_| ways.with(|ways| ways.explanation(system.get())));
    let rows = Way::ALL.iter().map(|&way| {
        let shown = Memo::new(move |_| ways.with(|ways| ways.alone(way).cloned()));
        let of = move |read: fn(&Reduced, UnitSystem) -> String| {
            text(move || {
                shown.with(|reduced| reduced.as_ref().map(|reduced| read(reduced, system.get())).unwrap_or_default())
            })
        };
        let name = of(|reduced, _| reduced.ways.iter().map(|way| capitalized(&way.words(&reduced.scenario))).collect());
        let total = of(|reduced, system| reduced.total.display(system).to_string());
        let saved = of(|reduced, _| format!("{} %", reduced.saved));
        let label = of(|reduced, _| format!("Apply {}", listed(reduced)));
        // Where all do, it need not be said of each.
        let fits = move || {
            let fits = shown.with(|reduced| reduced.as_ref().is_some_and(Reduced::fits));
            let all = ways.with(|ways| matches!(ways.verdict, Verdict::Fits { .. }));
            if fits && !all { "✓ fits".to_owned() } else { String::new() }
        };
        built(view! {
            <tr hidden=flag(move || shown.with(Option::is_none)) data-testid=format!("way-{}", way.key())>
                <th scope="row">{name}<span class="way-cost">{way.cost()}</span></th>
                <td class="number">{total}<span class="way-fits">{text(fits)}</span></td>
                <td class="number">{saved}</td>
                <td>
                    <button
                        type="button"
                        class="work-button"
                        data-testid=format!("apply-{}", way.key())
                        aria-label=label
                        on:click=action(move || press(&|ways| ways.alone(way).cloned()))
                    >
                        "Apply"
                    </button>
                </td>
            </tr>
        })
    });
    let none = move || ways.with(|ways| ways.alone.is_empty());
    let nothing_together = move || ways.with(|ways| ways.together.is_none());
    let too_much = move || ways.with(Ways::too_much);
    // Where it fits and nothing saves, there is nothing to say.
    let nothing = move || none() && nothing_together() && !too_much();
    built(view! {
        <section class="ways" class:stale=flag(move || stale.get()) hidden=flag(nothing) aria-labelledby=TITLE_ID data-testid="ways">
            <h3 id=TITLE_ID tabindex="-1">{text(title)}</h3>
            <p class="ways-together" data-testid="ways-together" hidden=flag(move || explanation.with(String::is_empty))>
                {text(move || explanation.get())}
            </p>
            <p hidden=flag(nothing_together)>
                {plain_button("apply-together", "Apply", action(move || press(&|ways| ways.together.clone())))}
            </p>
            <p class="ways-together" hidden=flag(move || !too_much())>
                "Beyond how it is run: quantization, offloading, several devices. "
                <a href="#reduce">"What each costs"</a>
            </p>
            <div class="table-scroll" role="region" aria-label="Ways to need less" tabindex="0" hidden=flag(none)>
                <table class="parts">
                    <caption>"Each by itself"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"Way"</th>
                            <th scope="col" class="number">"Total then"</th>
                            <th scope="col" class="number">"Saves"</th>
                            <th scope="col"><span class="visually-hidden">"Apply"</span></th>
                        </tr>
                    </thead>
                    <tbody>{rows.collect_view()}</tbody>
                </table>
            </div>
        </section>
    })
}
