//! Layout and wiring: form → scenario → estimate → views.

use std::time::Duration;

use leptos::leptos_dom::helpers::{TimeoutHandle, set_timeout_with_handle};
use leptos::prelude::*;
use nn_memory::UnitSystem;

use crate::charts::{Chart, breakdown, sweep::Sweep};
use crate::examples::EXAMPLES;
use crate::form::{Essentials, Form, Outcome, Rest, Texts};
use crate::link::{self, Opened};
use crate::platform::{self, Theme};
use crate::results::{Actions, CopyLink, Head, Notes, TABLE_ID, Table, device_name};

/// How long the address waits for typing to pause.
const ADDRESS_DELAY: Duration = Duration::from_millis(250);

/// The calculator.
#[component]
pub fn App() -> impl IntoView {
    let Opened { texts, view, notices } = link::from_query(&platform::query());
    let form = Form::new(&texts);
    let notices = RwSignal::new(notices);
    let system = RwSignal::new(if view.decimal { UnitSystem::Decimal } else { UnitSystem::Binary });
    let status = RwSignal::new(String::new());
    let undo = RwSignal::new(None::<Texts>);
    let outcome = Memo::new(move |last| Outcome::of(&form.texts(), last));

    let open = move |query: &str| {
        let opened = link::from_query(query);
        form.fill(&opened.texts);
        system.set(if opened.view.decimal { UnitSystem::Decimal } else { UnitSystem::Binary });
        notices.set(opened.notices);
        undo.set(None);
    };
    keep_address(outcome, system);
    platform::on_history(move || open(&platform::query()));
    platform::on_scenario_link(move |query| {
        platform::push_query(&query);
        open(&query);
        status.set("Opened the example. Your browser's back button returns to your inputs.".to_owned());
        platform::scroll_to_calculator();
    });

    let shows = {
        let show = view.show.clone();
        move |part: &str| show.is_empty() || show.iter().any(|shown| shown == part)
    };
    let appearance = RwSignal::new(0);
    platform::on_display_change(move || appearance.update(|count| *count += 1));
    Effect::new(move || {
        if let Some(app) = document().get_element_by_id("app") {
            platform::on_resize(&app, move || {
                appearance.update(|count| *count += 1);
                if view.embedded {
                    platform::report_height();
                }
            });
        }
    });

    let device = move || outcome.with(|outcome| device_name(&outcome.scenario, system.get()));
    let sweep = Memo::new(move |_| {
        outcome.with(|outcome| Sweep::of(&outcome.scenario, outcome.estimate.fit.usable, &device()))
    });
    let breakdown_chart = move || {
        view! {
            <Chart
                slug="breakdown"
                table=TABLE_ID
                title=Signal::derive(move || outcome.with(|outcome| breakdown::title(&outcome.estimate)))
                description=Signal::derive(move || outcome.with(|outcome| breakdown::description(&outcome.estimate, system.get())))
                layout=move |area, measure| outcome.with(|outcome| breakdown::layout(&outcome.estimate, &device(), system.get(), area, measure))
                appearance
                status
            />
        }
    };
    let sweep_chart = move || {
        view! {
            <Chart
                slug="sweep"
                table=TABLE_ID
                title=Signal::derive(move || sweep.with(Sweep::title))
                description=Signal::derive(move || sweep.with(|sweep| sweep.description(system.get())))
                layout=move |area, measure| sweep.with(|sweep| sweep.layout(system.get(), area, measure))
                appearance
                status
            />
        }
    };
    view! {
        {(!view.embedded).then(|| view! { <Tools outcome system status appearance/> })}
        <p class="notice" role="status" data-testid="notice" hidden=move || notices.with(Vec::is_empty)>
            {move || notices.get().into_iter().map(|notice| view! { <span>{notice}</span> }).collect_view()}
        </p>
        {(!view.embedded).then(|| view! { <Examples/> })}
        <div class="layout">
            {if view.embedded {
                view! {
                    <details class="embed-inputs">
                        <summary>"Inputs"</summary>
                        <div class="form"><Essentials form outcome/><Rest form outcome/></div>
                    </details>
                }.into_any()
            } else {
                view! {
                    <div class="form essentials"><Essentials form outcome/></div>
                    <div class="form rest"><Rest form outcome/></div>
                }.into_any()
            }}
            <section class="answer" aria-label="Memory needed">
                {shows("total").then(|| view! { <Head outcome system/> })}
                {shows("breakdown").then(breakdown_chart)}
                {shows("table").then(|| view! { <Table outcome system/> })}
                {(!view.embedded).then(|| view! { <Actions form outcome system undo status/> })}
                {(!view.embedded).then(|| view! { <p class="status" role="status" data-testid="status">{status}</p> })}
                {shows("sweep").then(sweep_chart)}
                {(!view.embedded).then(|| view! { <Notes outcome system/> })}
                {view.embedded.then(|| view! { <OpenFull outcome system/> })}
            </section>
        </div>
    }
}

/// Writes the scenario into the address once typing pauses; what cannot be read is not written.
fn keep_address(outcome: Memo<Outcome>, system: RwSignal<UnitSystem>) {
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    Effect::new(move |first: Option<()>| {
        let decimal = system.get() == UnitSystem::Decimal;
        let query = outcome.with(|outcome| (!outcome.is_stale()).then(|| link::to_query(&outcome.scenario, decimal)));
        if let Some(handle) = waiting.try_update_value(Option::take).flatten() {
            handle.clear();
        }
        // The address that the page was opened with says what it shows.
        let (Some(()), Some(query)) = (first, query) else { return };
        let write = move || {
            platform::replace_query(&link::with_view_of(&query, &platform::query()));
        };
        waiting.set_value(set_timeout_with_handle(write, ADDRESS_DELAY).ok());
    });
}

/// Units, theme and link, in the header.
#[component]
fn Tools(
    outcome: Memo<Outcome>,
    system: RwSignal<UnitSystem>,
    status: RwSignal<String>,
    appearance: RwSignal<u32>,
) -> impl IntoView {
    let theme = RwSignal::new(platform::theme());
    let next_theme = move |_| {
        let next = theme.get_untracked().next();
        platform::set_theme(next);
        theme.set(next);
        appearance.update(|count| *count += 1);
        status.set(match next {
            Theme::System => "Colours follow the system.".to_owned(),
            Theme::Light => "Light colours, remembered.".to_owned(),
            Theme::Dark => "Dark colours, remembered.".to_owned(),
        });
    };
    let toggle_units = move |_| {
        let next = match system.get_untracked() {
            UnitSystem::Binary => UnitSystem::Decimal,
            UnitSystem::Decimal => UnitSystem::Binary,
        };
        system.set(next);
        status.set(match next {
            UnitSystem::Binary => "Sizes in KiB, MiB, GiB: powers of 1,024.".to_owned(),
            UnitSystem::Decimal => "Sizes in kB, MB, GB: powers of 1,000.".to_owned(),
        });
    };
    view! {
        <div class="tools">
            <button type="button" data-testid="toggle-units" on:click=toggle_units>
                {move || match system.get() {
                    UnitSystem::Binary => "Units: GiB",
                    UnitSystem::Decimal => "Units: GB",
                }}
            </button>
            <button type="button" data-testid="toggle-theme" on:click=next_theme>
                {move || match theme.get() {
                    Theme::System => "Theme: system",
                    Theme::Light => "Theme: light",
                    Theme::Dark => "Theme: dark",
                }}
            </button>
            <CopyLink outcome system status/>
        </div>
    }
}

/// The worked cases, as links that fill the form.
#[component]
fn Examples() -> impl IntoView {
    view! {
        <nav class="examples" aria-label="Examples">
            <span class="examples-label">"Examples"</span>
            <ul>
                {EXAMPLES
                    .iter()
                    .map(|example| view! {
                        <li><a href=example.query data-testid=format!("example-{}", example.slug)>{example.label}</a></li>
                    })
                    .collect_view()}
            </ul>
        </nav>
    }
}

/// The way from an embedded view to the page.
#[component]
fn OpenFull(outcome: Memo<Outcome>, system: RwSignal<UnitSystem>) -> impl IntoView {
    let address = move || {
        let query = outcome.with(|outcome| link::to_query(&outcome.scenario, system.get() == UnitSystem::Decimal));
        format!("{}?{query}", platform::address())
    };
    view! {
        <p class="open-full">
            <a href=address target="_blank" rel="noopener" data-testid="open-full">"Open in the full calculator"</a>
        </p>
    }
}
