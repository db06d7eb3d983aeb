//! Layout and wiring: form → scenario → estimate → views.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use nn_memory::UnitSystem;

use crate::built::{Built, built};
use crate::details::{self, Details};
use crate::examples::EXAMPLES;
use crate::form::{Fields, Texts, essentials, rest};
use crate::link::{self, Opened, View};
use crate::page::Page;
use crate::platform::{self, Theme};
use crate::quiet::once_quiet;
use crate::reactive::{action, button, effect, flag, plain_button, text};
use crate::results::{copy_link, head, open_full};

/// How long the address waits for typing to pause.
const ADDRESS_DELAY: Duration = Duration::from_millis(250);

/// The calculator.
#[component]
pub fn App() -> impl IntoView {
    let Opened { texts, view, notices } = link::from_query(&platform::query());
    let page = Page::new(&texts, units(&view));
    let notice = RwSignal::new(notices.join("\n"));
    let open = move |query: &str, over: Option<&Texts>| {
        let mut opened = link::from_query(query);
        match over {
            Some(before) => link::keep_device(query, &mut opened.texts, before),
            None => page.system.set(units(&opened.view)),
        }
        page.form.fill(&opened.texts);
        page.can_undo.set(false);
        notice.set(opened.notices.join("\n"));
    };
    keep_address(page);
    // What a link describes may have to be loaded first.
    let open = move |query: String, over: Option<Texts>| {
        if link::describes(&query) {
            page.once_described(move |_| open(&query, over.as_ref()));
        } else {
            open(&query, over.as_ref());
        }
    };
    platform::on_history(move |query| open(query.to_owned(), None));
    platform::on_scenario_link(move |query| {
        platform::push_query(&query);
        page.status.set("Opened the example. Your browser's back button returns to your inputs.".to_owned());
        // An example is a job: the device it should fit and the units stay.
        open(query, Some(untrack(|| page.form.texts())));
        platform::scroll_to_calculator();
    });
    follow_appearance(page, view.embedded);
    // A reset leaves nothing of what a link said.
    effect(move || {
        if page.can_undo.get() {
            notice.set(String::new());
        }
    });
    let notice = view! {
        <div class="notice" hidden=flag(move || notice.with(String::is_empty))>
            <p role="status" data-testid="notice">{text(move || notice.get())}</p>
            {plain_button("close-notice", "Close", action(move || notice.set(String::new())))}
        </div>
    };
    if view.embedded {
        built(view! { {notice}{embedded(page, view)} })
    } else {
        built(view! { {tools(page)}{notice}{examples()}{full(page)} })
    }
}

fn units(view: &View) -> UnitSystem {
    if view.decimal { UnitSystem::Decimal } else { UnitSystem::Binary }
}

/// The page as a person opens it.
fn full(page: Page) -> Built {
    let fields = page.fields;
    built(view! {
        <div class="layout">
            <div class="essentials">{essentials(page)}</div>
            <div class="rest">{rest(page)}</div>
            <section class="answer" class:stale=flag(move || fields.with(Fields::any_error)) aria-labelledby="answer-title">
                <h2 class="visually-hidden" id="answer-title">"Memory needed"</h2>
                {head(page)}
                {once_there(page, move |details| (details.full)(page))}
            </section>
        </div>
    })
}

/// The compact view for an iframe.
fn embedded(page: Page, view: View) -> Built {
    let fields = page.fields;
    built(view! {
        <div class="layout">
            <details class="embed-inputs">
                <summary>"Inputs"</summary>
                {essentials(page)}
                {rest(page)}
            </details>
            <section class="answer" class:stale=flag(move || fields.with(Fields::any_error)) aria-labelledby="answer-title">
                <h2 class="visually-hidden" id="answer-title">"Memory needed"</h2>
                {view.shows("total").then(|| head(page))}
                {view.has_details().then(|| once_there(page, move |details| (details.embedded)(page, &view)))}
                {open_full(page)}
            </section>
        </div>
    })
}

/// What stands under the total, loaded where it is not there yet; where that fails, a way to try again.
fn once_there(page: Page, view: impl Fn(&'static Details) -> Built + Send + 'static) -> Built {
    let missing = RwSignal::new(false);
    let load = move || {
        missing.set(false);
        spawn_local(async move {
            missing.set(!page.load_details().await);
        });
    };
    if !page.has_details.get_untracked() {
        load();
    }
    let shown = move || match page.has_details.get().then(details::get).flatten() {
        Some(details) => untrack(|| view(details)),
        None => built(view! {
            <div class="room" data-testid="details-room">
                <p class="on-its-way" hidden=flag(move || missing.get())>"The table and the charts are on their way."</p>
                <p class="notice" role="alert" hidden=flag(move || !missing.get())>
                    "The table and the charts could not be loaded. Check the connection, then try again. "
                    {plain_button("load-details", "Try again", action(load))}
                </p>
                <p class="status" role="status" data-testid="status">{text(move || page.status.get())}</p>
            </div>
        }),
    };
    built(shown)
}

/// Writes the scenario into the address once typing pauses; what cannot be read is not written.
fn keep_address(page: Page) {
    let watched = move || {
        page.system.track();
        page.outcome.track();
    };
    let write = move || {
        let decimal = page.system.get_untracked() == UnitSystem::Decimal;
        page.outcome.with_untracked(|outcome| {
            if !outcome.fields.any_error() {
                let query = link::to_query(&outcome.scenario, decimal);
                platform::replace_query(&link::with_view_of(&query, &platform::query()));
            }
        });
    };
    // The address that the page was opened with already says what it shows.
    once_quiet(ADDRESS_DELAY, watched, write);
}

/// Redraws the charts when colours or sizes change, and tells the page around an embedded view its height.
fn follow_appearance(page: Page, embedded: bool) {
    let changed = move || page.appearance.update(|count| *count = count.wrapping_add(1));
    platform::on_display_change(changed);
    platform::on_print(changed);
    platform::on_resize(move || {
        changed();
        if embedded {
            platform::report_height();
        }
    });
}

/// Units, theme and link, in the header.
fn tools(page: Page) -> Built {
    let Page { system, status, appearance, .. } = page;
    let theme = RwSignal::new(platform::theme());
    let next_theme = move || {
        let next = theme.get_untracked().next();
        platform::set_theme(next);
        // What a link asks for no longer holds.
        platform::replace_query(&link::without_theme(&platform::query()));
        theme.set(next);
        appearance.update(|count| *count = count.wrapping_add(1));
        let done = match next {
            Theme::System => "Colours follow the system.",
            Theme::Light => "Light colours, remembered.",
            Theme::Dark => "Dark colours, remembered.",
        };
        status.set(done.to_owned());
    };
    let next_units = move || {
        let (next, done) = match system.get_untracked() {
            UnitSystem::Binary => (UnitSystem::Decimal, "Sizes in kB, MB, GB: powers of 1,000."),
            UnitSystem::Decimal => (UnitSystem::Binary, "Sizes in KiB, MiB, GiB: powers of 1,024."),
        };
        system.set(next);
        status.set(done.to_owned());
    };
    let units_label = move || match system.get() {
        UnitSystem::Binary => "Units: GiB".to_owned(),
        UnitSystem::Decimal => "Units: GB".to_owned(),
    };
    built(view! {
        <div class="tools">
            {button("toggle-units".to_owned(), text(units_label), action(next_units))}
            {button("toggle-theme".to_owned(), text(move || format!("Theme: {}", theme.get().key())), action(next_theme))}
            {copy_link(page)}
        </div>
    })
}

/// The worked cases, as links that fill the form.
fn examples() -> Built {
    let links = EXAMPLES.iter().map(|example| {
        built(view! {
            <li><a href=example.query data-testid=format!("example-{}", example.slug)>{example.label}</a></li>
        })
    });
    built(view! {
        <nav class="examples" aria-label="Examples">
            <span class="examples-label">"Examples"</span>
            <ul>{links.collect_view()}</ul>
        </nav>
    })
}
