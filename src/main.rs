//! Starts the calculator in its place on the page.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::mount::mount_to;
use leptos::prelude::{document, set_timeout};
use nn_memory_calculator::{App, described, details, link, platform};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;

/// Whoever has waited for less gets everything in one go. Whoever has waited longer gets the total at once.
const SOON: Duration = Duration::from_millis(600);

/// How long the total waits to come together with what stands under it.
const PATIENCE: Duration = Duration::from_millis(300);

fn main() {
    let query = platform::query();
    let view = link::from_query(&query).view;
    let followed = link::describes(&query) && described::get().is_none();
    let detailed = view.has_details() && details::get().is_none();
    // Futures of wasm-bindgen's own: Leptos has not begun to run tasks yet. Where a file cannot be loaded, the page says what
    // is missing.
    if followed || detailed && view.embedded {
        // A frame in a page of documentation should grow to its height once.
        spawn_local(async move {
            if detailed {
                details::load().await;
            }
            if followed {
                described::load().await;
            }
            start();
        });
    } else if detailed && platform::since_navigation() < SOON {
        let started = Rc::new(Cell::new(false));
        let start_once = move || {
            if !started.replace(true) {
                start();
            }
        };
        set_timeout(start_once.clone(), PATIENCE);
        spawn_local(async move {
            details::load().await;
            start_once();
        });
    } else {
        start();
    }
}

fn start() {
    let app = document().get_element_by_id("app").and_then(|app| app.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(app) = app {
        app.set_inner_html("");
        mount_to(app, App).forget();
    }
}
