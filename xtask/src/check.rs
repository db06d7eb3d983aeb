//! What needs no test run: formatting, lints, documentation, licences, the accuracy that the page tells.

use std::{fs, process::Stdio};

use crate::{
    Result,
    process::{command, root, run_command},
    tools,
};

/// The measured rows, and what the page tells of them.
const MEASURED: &str = "crates/nn-memory/tests/measured";
const ACCURACY: &str = "src/accuracy.csv";

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
    println!("\n== accuracy of the page: {ACCURACY}");
    if let Err(error) = accuracy() {
        println!("{error}");
        failed.push("accuracy of the page");
    }
    println!();
    if failed.is_empty() {
        println!("check: all {} steps are clean", STEPS.len() + 1);
        Ok(())
    } else {
        Err(format!("check found something in: {}", failed.join(", ")))
    }
}

/// Whether the page tells what the engine is off by today, in whatever order of the files.
fn accuracy() -> Result {
    let failed = |error: std::io::Error| format!("{MEASURED}: {error}");
    let mut files = Vec::new();
    for file in fs::read_dir(root().join(MEASURED)).map_err(failed)? {
        let name = file.map_err(failed)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".jsonl") {
            files.push(format!("{MEASURED}/{name}"));
        }
    }
    let mut arguments = vec!["run", "--release", "--package", "nn-memory", "--example", "accuracy", "--", "--page"];
    arguments.extend(files.iter().map(String::as_str));
    let output = command("cargo", &arguments).stderr(Stdio::inherit()).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("the accuracy example failed ({})", output.status));
    }
    let told = fs::read_to_string(root().join(ACCURACY)).map_err(|error| format!("{ACCURACY}: {error}"))?;
    if same_lines(&String::from_utf8_lossy(&output.stdout), &told) {
        return Ok(());
    }
    Err(format!(
        "{ACCURACY} is not what the engine gives: write it anew with `cargo {} > {ACCURACY}`",
        arguments.join(" ")
    ))
}

fn same_lines(one: &str, other: &str) -> bool {
    let [one, other] = [one, other].map(|text| {
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        lines
    });
    one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_in_any_order_and_as_often() {
        assert!(same_lines("a\nb\nb\n", "b\na\nb"));
        assert!(!same_lines("a\nb\n", "a\nb\nb"));
        assert!(!same_lines("a\n", "a 1\n"));
    }
}
