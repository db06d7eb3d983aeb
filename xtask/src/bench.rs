//! Times and sizes beside the goals they are held to. It prints; no time ever fails it.

use crate::{
    Result,
    process::{command, run, run_command},
    site, tools,
};

/// The engine by Criterion, the size of what is sent, the page in a slowed-down browser.
pub(crate) fn run_all() -> Result {
    run("cargo", &["bench", "--package", "nn-memory"])?;
    site::build()?;
    run("node", &["tests/browser/sizes.mjs"])?;
    let browser = tools::browser()?;
    let mut measure = command("node", &["tests/browser/measure.mjs"]);
    measure.env("CHROMIUM", browser.chromium);
    run_command(measure)
}
