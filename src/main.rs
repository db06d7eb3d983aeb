//! Starts the calculator in its place on the page.

use leptos::mount::mount_to;
use leptos::prelude::document;
use nn_memory_calculator::{App, described, details, link, platform};
use wasm_bindgen::JsCast;

fn main() {
    let query = platform::query();
    let view = link::from_query(&query).view;
    // A frame in a page of documentation should grow to its height once.
    let detailed = view.embedded && view.has_details() && details::get().is_none();
    let followed = link::describes(&query) && described::get().is_none();
    if !detailed && !followed {
        return start();
    }
    // Before Leptos has begun to run tasks of its own. Where a file cannot be loaded, the page says what is missing.
    wasm_bindgen_futures::spawn_local(async move {
        if detailed {
            details::load().await;
        }
        if followed {
            described::load().await;
        }
        start();
    });
}

fn start() {
    let app = document().get_element_by_id("app").and_then(|app| app.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(app) = app {
        app.set_inner_html("");
        mount_to(app, App).forget();
    }
}
