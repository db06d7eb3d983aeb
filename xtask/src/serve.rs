//! The page on localhost, rebuilt and reloaded at every save.

use std::env;

use crate::{Result, process::run, tools};

/// Builds the page and serves it until stopped; `arguments` go to `trunk serve`.
pub(crate) fn run_server(arguments: &[String]) -> Result {
    tools::for_site()?;
    // Apart from dist/, which holds the release build.
    let mut line = vec!["serve", "--skip-version-check", "--dist", "target/serve"];
    if has_screen() {
        line.push("--open");
    }
    line.extend(arguments.iter().map(String::as_str));
    run("trunk", &line)
}

/// Whether there is someone to open a browser for.
fn has_screen() -> bool {
    let is_set = |variable: &str| env::var_os(variable).is_some_and(|value| !value.is_empty());
    let display = !cfg!(target_os = "linux") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY");
    display && !is_set("CI")
}
