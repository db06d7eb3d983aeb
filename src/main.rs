//! Starts the calculator in its place on the page.

use leptos::mount::mount_to;
use leptos::prelude::document;
use nn_memory_calculator::App;
use wasm_bindgen::JsCast;

fn main() {
    let app = document().get_element_by_id("app").and_then(|app| app.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(app) = app {
        app.set_inner_html("");
        mount_to(app, App).forget();
    }
}
