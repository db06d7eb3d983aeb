//! Holds the engine against measured runs.
//!
//! `cargo run --release -p nn-memory --example accuracy -- [--json | --csv | --page] [--quick] FILE.jsonl…` reads rows as
//! `measure/` writes them and prints, by family and over all, how far the estimates are from the measurements; `--page` prints what
//! `src/accuracy.csv` of the page holds. `--history ID` prints instead what the allocator does in the run of that row, for
//! `measure/history.py` to lay beside what it does on the device.

#[path = "accuracy/history.rs"]
mod history;
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
    let mut recorded = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--history" => match arguments.next() {
                Some(id) => recorded = Some(id),
                None => {
                    eprintln!("the history of which row? Give its id after --history");
                    return ExitCode::FAILURE;
                }
            },
            "--json" => json = true,
            "--csv" => csv = true,
            "--page" => page = true,
            "--quick" => quick = true,
            option if option.starts_with("--") => {
                eprintln!("no option {option}; there are --json, --csv, --page, --quick and --history ID");
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
                let lines = text.lines().filter(|line| !line.trim().is_empty());
                let wanted = |line: &&str| recorded.as_ref().is_none_or(|id| line.contains(id));
                rows.extend(lines.filter(wanted).map(|line| Row::read(line, quick)));
            }
            Err(error) => {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let out = &mut std::io::BufWriter::new(std::io::stdout().lock());
    if let Some(id) = &recorded {
        let Some(row) = rows.iter().find(|row| row.id == *id) else {
            eprintln!("no row {id}");
            return ExitCode::FAILURE;
        };
        return exit(history::print(row, out).and_then(|()| out.flush()));
    }
    let score = Score::of(&rows);
    let printed = if json {
        writeln!(out, "{}", score.json())
    } else if csv {
        score.print_csv(out)
    } else if page {
        score.print_for_page(out)
    } else {
        score.print(out)
    };
    exit(printed.and_then(|()| out.flush()))
}

fn exit(printed: std::io::Result<()>) -> ExitCode {
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
