//! Holds the engine against measured runs.
//!
//! `cargo run --release -p nn-memory --example accuracy -- [--json | --csv | --page] [--quick] FILE.jsonl…` reads rows as
//! `measure/` writes them and prints, by family and over all, how far the estimates are from the measurements; `--page` prints what
//! `src/accuracy.csv` of the page holds.

#![allow(clippy::print_stdout, reason = "a command line tool")]

#[path = "accuracy/row.rs"]
mod row;
#[path = "accuracy/score.rs"]
mod score;

use std::process::ExitCode;

use row::Row;
use score::Score;

fn main() -> ExitCode {
    let (mut json, mut csv, mut page, mut quick, mut files) = (false, false, false, false, Vec::new());
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--json" => json = true,
            "--csv" => csv = true,
            "--page" => page = true,
            "--quick" => quick = true,
            option if option.starts_with("--") => {
                eprintln!("no option {option}; there are --json, --csv, --page and --quick");
                return ExitCode::FAILURE;
            }
            file => files.push(file.to_owned()),
        }
    }
    if files.is_empty() {
        eprintln!("which rows? Give one or more files of measured rows (.jsonl)");
        return ExitCode::FAILURE;
    }
    let mut rows = Vec::new();
    for file in files {
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                rows.extend(text.lines().filter(|line| !line.trim().is_empty()).map(|line| Row::read(line, quick)));
            }
            Err(error) => {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let score = Score::of(&rows);
    if json {
        println!("{}", score.json());
    } else if csv {
        score.print_csv();
    } else if page {
        score.print_for_page();
    } else {
        score.print();
    }
    ExitCode::SUCCESS
}
