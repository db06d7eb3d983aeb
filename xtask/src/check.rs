//! What needs no test run: formatting, lints, documentation, licences.

use crate::{
    Result,
    process::{command, run_command},
    tools,
};

type Step = (&'static str, &'static [&'static str]);

/// In the order of how fast each answers.
const STEPS: [Step; 5] = [
    ("formatting", &["fmt", "--all", "--check"]),
    // Security advisories are not among these: their database has to come over the network.
    ("licences and sources", &["deny", "check", "licenses", "bans", "sources"]),
    ("lints", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    (
        "lints of the page in wasm",
        &[
            "clippy",
            "--target",
            "wasm32-unknown-unknown",
            "--package",
            "nn-memory-calculator",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    ),
    ("documentation", &["doc", "--workspace", "--no-deps"]),
];

/// Runs every step, also after one has failed.
pub(crate) fn run() -> Result {
    tools::components()?;
    tools::wasm_target()?;
    tools::cargo_deny()?;
    let mut failed = Vec::new();
    for (name, arguments) in STEPS {
        println!("\n== {name}: cargo {}", arguments.join(" "));
        let mut cargo = command("cargo", arguments);
        cargo.env("RUSTDOCFLAGS", "-D warnings");
        if let Err(error) = run_command(cargo) {
            println!("{error}");
            failed.push(name);
        }
    }
    println!();
    if failed.is_empty() {
        println!("check: all {} steps are clean", STEPS.len());
        Ok(())
    } else {
        Err(format!("check found something in: {}", failed.join(", ")))
    }
}
