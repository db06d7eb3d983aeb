//! Times and sizes beside the goals they are held to. It prints; no time ever fails it.

use crate::{
    Result,
    process::{command, run, run_command},
    site, tools,
};

/// The engine by Criterion, its sweep in a browser, the size of what is sent, the page in a slowed-down browser.
pub(crate) fn run_all() -> Result {
    run("cargo", &["bench", "--package", "nn-memory"])?;
    sweep_in_browser()?;
    site::build()?;
    run("node", &["tests/browser/sizes.mjs"])?;
    let browser = tools::browser()?;
    let mut measure = command("node", &["tests/browser/measure.mjs"]);
    measure.env("CHROMIUM", browser.chromium);
    run_command(measure)
}

/// Built as the page is, so not with the profile of benches.
fn sweep_in_browser() -> Result {
    tools::wasm_target()?;
    tools::wasm_bindgen()?;
    let page = ["test", "--release", "--target", "wasm32-unknown-unknown", "--package", "nn-memory-calculator"];
    let mut cargo = command("cargo", &[&page[..], &["--bench", "sweep", "--", "--nocapture"]].concat());
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner");
    cargo.env("CHROMEDRIVER", tools::browser()?.chromedriver);
    run_command(cargo)
}
