//! Every test of the project, counted in one place.

use std::fs;

use crate::{
    Result,
    process::{command, root, run_reading},
    site,
    tools::{self, Browser},
};

/// How many tests of a suite passed and failed.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

struct Suite {
    name: &'static str,
    what: &'static str,
    run: fn(&mut Count) -> Result,
}

const SUITES: [Suite; 4] = [
    Suite { name: "host", what: "the engine, the page's logic, xtask: on this machine", run: host },
    Suite { name: "wasm", what: "the page's components in headless Chromium", run: wasm },
    Suite { name: "browser", what: "the built page as a person uses it", run: browser },
    Suite { name: "size", what: "what a first visit transfers", run: size },
];

/// Runs all suites, or the one named, each whatever became of the one before. The last line is the count of all.
pub(crate) fn run(arguments: &[String]) -> Result {
    let chosen: Vec<&Suite> = match arguments {
        [] => SUITES.iter().collect(),
        [name] => SUITES.iter().filter(|suite| suite.name == name).collect(),
        _ => Vec::new(),
    };
    if chosen.is_empty() {
        let names = SUITES.map(|suite| suite.name).join(", ");
        return Err(format!("`{}` is no suite: name one of {names}, or none for all", arguments.join(" ")));
    }
    let mut report = Vec::new();
    for suite in chosen {
        println!("\n== {}: {}", suite.name, suite.what);
        let mut count = Count::default();
        let outcome = (suite.run)(&mut count);
        let note = settle(&mut count, outcome);
        report.push((suite.name, count, note));
    }
    println!();
    let mut total = Count::default();
    for (name, count, note) in &report {
        println!("{name:<8} {:>5} passed, {} failed{note}", count.passed, count.failed);
        total.passed += count.passed;
        total.failed += count.failed;
    }
    println!("{} passed, {} failed", total.passed, total.failed);
    // The count is the last word on a terminal and in a log, so a failure adds no line of its own.
    if total.failed == 0 { Ok(()) } else { std::process::exit(1) }
}

/// A suite that breaks off or runs nothing has failed, whatever its lines say. Returns the words for that.
fn settle(count: &mut Count, outcome: Result) -> String {
    match outcome {
        Err(error) => {
            count.failed = count.failed.max(1);
            format!("  ({error})")
        }
        Ok(()) if count.passed + count.failed == 0 => {
            count.failed = 1;
            "  (no test ran)".into()
        }
        Ok(()) => String::new(),
    }
}

fn host(count: &mut Count) -> Result {
    run_reading(command("cargo", &["test", "--workspace", "--no-fail-fast"]), |line| add_libtest(count, line))
}

fn wasm(count: &mut Count) -> Result {
    tools::wasm_target()?;
    tools::wasm_bindgen()?;
    let Browser { chromedriver, .. } = tools::browser()?;
    let page = ["test", "--target", "wasm32-unknown-unknown", "--package", "nn-memory-calculator"];
    let mut cargo = command("cargo", &[&page[..], &["--test", "*", "--no-fail-fast"]].concat());
    cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner");
    cargo.env("CHROMEDRIVER", chromedriver);
    if std::env::var_os("WASM_BINDGEN_TEST_TIMEOUT").is_none() {
        // Seconds for a whole file of tests; the runner's own 20 are short on a busy machine.
        cargo.env("WASM_BINDGEN_TEST_TIMEOUT", "180");
    }
    run_reading(cargo, |line| add_libtest(count, line))
}

fn browser(count: &mut Count) -> Result {
    site::build()?;
    let Browser { chromium, .. } = tools::browser()?;
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join("tests/browser")).map_err(|error| format!("tests/browser: {error}"))? {
        let name = entry.map_err(|error| format!("tests/browser: {error}"))?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".test.mjs") {
            files.push(format!("tests/browser/{name}"));
        }
    }
    if files.is_empty() {
        // Given no file, Node would go and look for tests everywhere.
        return Ok(());
    }
    files.sort();
    let mut node = command("node", &["--test", "--test-reporter=spec"]);
    node.args(files).env("CHROMIUM", chromium).env_remove("FORCE_COLOR");
    run_reading(node, |line| add_node(count, line))
}

fn size(count: &mut Count) -> Result {
    site::build()?;
    let outcome = run_reading(command("node", &["tests/browser/sizes.mjs", "--check"]), |_| {});
    *if outcome.is_ok() { &mut count.passed } else { &mut count.failed } += 1;
    outcome
}

/// Adds what a line such as `test result: ok. 12 passed; 0 failed; 0 ignored` says.
fn add_libtest(count: &mut Count, line: &str) {
    if let Some((_, numbers)) = line.split_once("test result: ") {
        count.passed += number_before(numbers, " passed");
        count.failed += number_before(numbers, " failed");
    }
}

/// Adds what the closing lines of Node's test runner say: `ℹ pass 12`, or `# pass 12` in TAP.
fn add_node(count: &mut Count, line: &str) {
    let Some(rest) = line.strip_prefix("ℹ ").or_else(|| line.strip_prefix("# ")) else { return };
    let Some((what, number)) = rest.trim().split_once(' ') else { return };
    let number = number.parse().unwrap_or(0);
    match what {
        "pass" => count.passed += number,
        "fail" | "cancelled" => count.failed += number,
        _ => {}
    }
}

fn number_before(text: &str, word: &str) -> u64 {
    let Some((before, _)) = text.split_once(word) else { return 0 };
    before.rsplit(' ').next().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Count, add_libtest, add_node, settle};

    #[track_caller]
    fn check(add: fn(&mut Count, &str), lines: &[&str], passed: u64, failed: u64) {
        let mut count = Count::default();
        for line in lines {
            add(&mut count, line);
        }
        assert_eq!(count, Count { passed, failed });
    }

    #[test]
    fn libtest_results_of_several_files_add_up() {
        let lines = [
            "running 12 tests",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ];
        check(add_libtest, &lines, 15, 2);
    }

    #[test]
    fn node_results_are_read_in_both_of_its_formats() {
        check(
            add_node,
            &["✔ a test (3 ms)", "ℹ tests 5", "ℹ pass 3", "ℹ fail 1", "ℹ cancelled 1", "ℹ skipped 0"],
            3,
            2,
        );
        check(add_node, &["ok 1 - a test", "1..2", "# tests 2", "# pass 2", "# fail 0", "# a pass 7"], 2, 0);
    }

    #[test]
    fn a_suite_that_runs_no_test_has_failed() {
        let mut count = Count::default();
        assert_eq!(settle(&mut count, Ok(())), "  (no test ran)");
        assert_eq!(count.failed, 1);
    }

    #[test]
    fn a_suite_that_breaks_off_has_failed_even_without_a_failed_test() {
        let mut count = Count { passed: 4, failed: 0 };
        settle(&mut count, Err("`cargo test` failed".into()));
        assert_eq!(count, Count { passed: 4, failed: 1 });
    }

    #[test]
    fn a_failed_test_is_counted_once() {
        let mut count = Count { passed: 4, failed: 2 };
        settle(&mut count, Err("`cargo test` failed".into()));
        assert_eq!(count.failed, 2);
    }
}
