//! How far the engine is from measured runs: of the family chosen, and of the runs nearest to the scenario.

use std::sync::LazyLock;

use leptos::prelude::*;
use nn_memory::{Choice, Config, Family, Model, ModelKind, Scenario};

use crate::built::{Built, built};
use crate::described;
use crate::form::Outcome;
use crate::page::Page;
use crate::quiet::{From, OUT_OF_SIGHT, once_quiet};
use crate::reactive::{put, text};

/// Rows of measured runs with the error of the peak, as `cargo run --release -p nn-memory --example accuracy -- --page
/// FILE.jsonl…` prints them.
const TABLE: &str = include_str!("../accuracy.csv");

/// The rows of [`TABLE`], read once.
static MEASURED: LazyLock<Vec<Row>> = LazyLock::new(|| rows(TABLE));

/// Rows that are shown.
const NEAREST: usize = 3;

/// A measured run.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Row<'a> {
    name: &'a str,
    family: Family,
    /// Task, precision mode, optimizer, attention, checkpointing, by their keys.
    setting: [&'a str; 5],
    batch: u64,
    length: u64,
    /// Of the peak.
    error: Error,
    /// Of the peak in whole blocks of the allocator.
    blocks: Error,
}

/// How far an estimate is off.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Error {
    /// Whether it is too low.
    low: bool,
    /// Hundredths of a percent of what was measured.
    size: u64,
}

impl Error {
    /// Reads percent with two decimal places, always.
    fn read(cell: &str) -> Option<Self> {
        let size = cell.trim_start_matches('-');
        let (whole, hundredths) = size.split_once('.')?;
        let low = size.len() < cell.len();
        Some(Self { low, size: whole.parse::<u64>().ok()? * 100 + hundredths.parse::<u64>().ok()? })
    }

    fn words(self) -> String {
        let sign = match (self.size, self.low) {
            (0, _) => "",
            (_, true) => "−",
            (_, false) => "+",
        };
        format!("{sign}{} %", hundredths(self.size))
    }
}

/// The rows of a table. A line that is none, as the header, is left out.
fn rows(table: &str) -> Vec<Row<'_>> {
    let row = |line| {
        let mut cells = str::split(line, ',');
        let (name, key) = (cells.next()?, cells.next()?);
        let family = Family::from_key(key)?;
        let mut setting = [""; 5];
        for word in &mut setting {
            *word = cells.next()?;
        }
        let (batch, length) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
        let (error, blocks) = (Error::read(cells.next()?)?, Error::read(cells.next()?)?);
        Some(Row { name, family, setting, batch, length, error, blocks })
    };
    table.lines().filter_map(row).collect()
}

/// How unlike the scenario a run is: the settings that change most count most, sizes by how often they double.
fn distance(row: &Row, scenario: &Scenario) -> u32 {
    let run = scenario.run;
    let optimizer = scenario.task.training().map_or("", |training| training.optimizer.key());
    let setting =
        [scenario.task.kind().key(), run.precision.key(), optimizer, run.attention.key(), run.checkpointing.key()];
    let weights = [16, 8, 2, 4, 4];
    let unlike: u32 = (0..5).filter(|&place| row.setting[place] != setting[place]).map(|place| weights[place]).sum();
    let doublings = |a: u64, b: u64| a.max(1).ilog2().abs_diff(b.max(1).ilog2());
    unlike + doublings(row.batch, scenario.batch_size) + doublings(row.length, scenario.sequence_length)
}

fn family(scenario: &Scenario) -> Option<Family> {
    match scenario.model {
        Model::Size => None,
        _ => scenario.model.config().and_then(Result::ok).as_ref().map(Config::family),
    }
}

const BY_SIZE: &str = "By size, the figures are rules of thumb: not held against measured runs. Choose the model by name or by hand for figures that are.";

/// The errors of a described model's family in a sentence, and the nearest runs, a line each.
pub fn measured(scenario: &Scenario) -> (String, Vec<String>) {
    words(&MEASURED, scenario)
}

fn words(measured: &[Row], scenario: &Scenario) -> (String, Vec<String>) {
    let Some(family) = family(scenario) else { return Default::default() };
    let of_family = measured.iter().filter(|row| row.family == family);
    let mut rows: Vec<_> = of_family.map(|row| (distance(row, scenario), row)).collect();
    let name = family.label();
    if rows.is_empty() {
        return (format!("{name}: not measured."), Vec::new());
    }
    let count = rows.len();
    let runs = if count == 1 { "run" } else { "runs" };
    let sentence = format!(
        "{name}: held against {count} measured {runs}: {}. In whole blocks of the allocator: {}.",
        spread(rows.iter().map(|(_, row)| row.error.size)),
        spread(rows.iter().map(|(_, row)| row.blocks.size))
    );
    let mut lines = Vec::new();
    while lines.len() < NEAREST && !rows.is_empty() {
        let nearest = (0..rows.len()).min_by_key(|&place| rows[place].0).unwrap_or(0);
        lines.push(line(rows.remove(nearest).1));
    }
    (sentence, lines)
}

/// The least error that half of the runs stay within, and the largest.
fn spread(errors: impl Iterator<Item = u64>) -> String {
    let mut errors: Vec<u64> = errors.collect();
    errors.sort_unstable();
    let median = errors.get(errors.len().div_ceil(2).saturating_sub(1)).copied().unwrap_or(0);
    let worst = errors.last().copied().unwrap_or(0);
    format!("median error {} %, worst {} %", hundredths(median), hundredths(worst))
}

fn line(row: &Row) -> String {
    let mut text = format!("{}: {}, batch {} × {}", row.error.words(), row.name, row.batch, row.length);
    for word in row.setting.into_iter().filter(|word| !word.is_empty()) {
        text.push_str(", ");
        text.push_str(&word.replace('_', " "));
    }
    text
}

/// Hundredths of a percent as percent.
fn hundredths(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// What the family was held against.
pub fn accuracy(page: Page) -> Built {
    let of_outcome = move || {
        page.outcome.with_untracked(|outcome: &Outcome| {
            let described = described::get().filter(|_| outcome.scenario.model.kind() != ModelKind::Size);
            described.map_or_else(|| (BY_SIZE.to_owned(), Vec::new()), |has| (has.accuracy)(&outcome.scenario))
        })
    };
    let words = RwSignal::new(of_outcome());
    once_quiet(OUT_OF_SIGHT, From::FirstChange, move || page.outcome.track(), move || put(words, of_outcome()));
    let nearest = move || {
        let lines = words.with(|(_, lines)| lines.clone());
        lines.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()
    };
    built(view! {
        <section class="accuracy" aria-labelledby="accuracy-title" data-testid="accuracy">
            <h3 id="accuracy-title">"How accurate this is"</h3>
            <p>{text(move || words.with(|(sentence, _)| sentence.clone()))}</p>
            <ul data-testid="accuracy-nearest" aria-label="The measured runs nearest to yours">{nearest}</ul>
        </section>
    })
}

#[cfg(test)]
mod tests {
    use nn_memory::{PrecisionMode, Run, catalog};

    use super::*;

    const FEW: &str = "\
name,model_type,task,precision_mode,optimizer,attention,checkpointing,batch,sequence_length,error_percent,blocks_error_percent
a,gpt2,training,fp32,adamw,sdpa,none,1,128,-0.50,0.00
b,gpt2,training,bf16,adamw,sdpa,none,8,512,0.25,-0.10
c,gpt2,training,bf16,adamw,eager,none,8,512,1.75,0.02
d,gpt2,inference,bf16,,sdpa,none,8,512,0.10,0.03
e,llama,training,bf16,adamw,sdpa,none,8,512,9.00,1.00
";

    fn scenario(key: &str, precision: PrecisionMode) -> Scenario {
        let model = Model::Named(catalog::model(key).expect("a row"));
        let run = Run { precision, ..Run::default() };
        Scenario { model, run, batch_size: 8, sequence_length: 512, ..Scenario::default() }
    }

    #[test]
    fn a_family_has_its_median_its_worst_and_the_nearest_runs() {
        let (sentence, lines) = words(&rows(FEW), &scenario("gpt2", PrecisionMode::Bf16));
        assert_eq!(
            sentence,
            "GPT-2: held against 4 measured runs: median error 0.25 %, worst 1.75 %. \
             In whole blocks of the allocator: median error 0.02 %, worst 0.10 %."
        );
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], "+0.25 %: b, batch 8 × 512, training, bf16, adamw, sdpa, none");
        let (_, lines) = words(&rows(FEW), &scenario("gpt2", PrecisionMode::Fp32));
        assert_eq!(lines[0], "−0.50 %: a, batch 1 × 128, training, fp32, adamw, sdpa, none");
    }

    #[test]
    fn what_was_not_measured_says_so() {
        let (sentence, lines) = words(&rows(FEW), &scenario("gemma-2b", PrecisionMode::Bf16));
        assert_eq!((sentence.as_str(), lines.len()), ("Gemma: not measured.", 0));
    }

    #[test]
    fn every_line_of_the_committed_table_is_read() {
        assert_eq!(MEASURED.len(), TABLE.lines().skip(1).count());
        assert!(MEASURED.len() > 3);
    }
}
