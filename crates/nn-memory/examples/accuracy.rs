//! Holds the engine against measured runs.
//!
//! `cargo run --release -p nn-memory --example accuracy -- [--json | --csv | --page] [--quick] FILE.jsonl…` reads rows as
//! `measure/` writes them and prints, by family and over all, how far the estimates are from the measurements; `--page` prints what
//! `src/accuracy.csv` of the page holds.

#[path = "accuracy/row.rs"]
mod row;
#[path = "accuracy/score.rs"]
mod score;

use std::io::Write as _;
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
    let out = &mut std::io::stdout().lock();
    let printed = if json {
        writeln!(out, "{}", score.json())
    } else if csv {
        score.print_csv(out)
    } else if page {
        score.print_for_page(out)
    } else {
        score.print(out)
    };
    match printed {
        // Whoever reads, such as `head`, has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}
