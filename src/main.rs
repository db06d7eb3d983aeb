//! Starts the calculator in its place on the page.

use leptos::mount::mount_to;
use leptos::prelude::document;
use nn_memory_calculator::{App, described, link, platform};
use wasm_bindgen::JsCast;

fn main() {
    if link::describes(&platform::query()) && described::get().is_none() {
        // Before Leptos has begun to run tasks of its own.
        wasm_bindgen_futures::spawn_local(async {
            // Where it cannot be loaded, the page says which of the link's values it could not use.
            described::load().await;
            start();
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
