//! What a sweep over 1,000 batch sizes takes in a browser, for a network followed operator by operator. It prints the time
//! and judges none: `cargo xtask bench` runs it, built as the page is.
#![cfg(target_arch = "wasm32")]

use nn_memory::{Model, Scenario, catalog, sweep_batch};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const ROUNDS: u32 = 20;

#[wasm_bindgen_test]
fn sweep() {
    let model = Model::Named(catalog::model("llama-2-70b").expect("a model of the catalogue"));
    let scenario = Scenario { model, sequence_length: 4_096, ..Scenario::default() };
    let start = js_sys::Date::now();
    for _ in 0..ROUNDS {
        let points = sweep_batch(&scenario, 1..=1_000);
        assert!(points.len() == 1_000 && points.iter().all(|point| point.total.is_ok()));
    }
    let each = (js_sys::Date::now() - start) / f64::from(ROUNDS);
    console_log!("sweep of Llama 2 70B over 1,000 batch sizes in the browser: {each:.1} ms (goal 100 ms)");
}
