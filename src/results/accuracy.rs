//! How far the engine is from measured runs: of the family chosen, and of the runs nearest to the scenario.

use std::sync::LazyLock;

use leptos::prelude::*;
use nn_memory::{Choice, Config, Family, Model, ModelKind, Scenario, catalog};

use crate::built::{Built, built};
use crate::described;
use crate::form::Outcome;
use crate::page::Page;
use crate::quiet::{OUT_OF_SIGHT, once_quiet};
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

/// The settings of a scenario as rows have them.
fn setting(scenario: &Scenario) -> [&'static str; 5] {
    let run = scenario.run;
    let optimizer = scenario.task.training().map_or("", |training| training.optimizer.key());
    [scenario.task.kind().key(), run.precision.key(), optimizer, run.attention.key(), run.checkpointing.key()]
}

/// A name without what catalogue and runs write differently: `llama-3.2-1b` and `llama3.2-1b`.
fn plain(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(|byte| !matches!(byte, b'-' | b'_'))
}

/// Parameters of a measured model: by the catalogue, else as its name says, `410m` or `1.4b`.
fn parameters(name: &str) -> Option<u64> {
    let known = catalog::MODELS.iter().find(|model| plain(model.key).eq(plain(name)));
    known.and_then(|model| model.parameters).or_else(|| {
        name.split(['-', '_']).find_map(|word| {
            let (number, scale) = match word.strip_suffix('b') {
                Some(number) => (number, 1_000_000_000),
                None => (word.strip_suffix('m')?, 1_000_000),
            };
            let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
            let tenths = tenths.get(..1)?.parse::<u64>().ok()?;
            Some(whole.parse::<u64>().ok()?.checked_mul(scale)?.saturating_add(tenths * (scale / 10)))
        })
    })
}

fn doublings(a: u64, b: u64) -> u32 {
    a.max(1).ilog2().abs_diff(b.max(1).ilog2())
}

/// How far a measured model is from the scenario's, of so many parameters: none where they are the same, else by size.
fn unlike_model(name: &str, scenario: &Scenario, count: u64) -> u32 {
    const ANOTHER: u32 = 1_000;
    if matches!(scenario.model, Model::Named(model) if plain(model.key).eq(plain(name))) {
        return 0;
    }
    match parameters(name) {
        Some(parameters) if parameters == count => 0,
        Some(parameters) => ANOTHER + 8 * doublings(parameters, count),
        None => ANOTHER + 200,
    }
}

/// How unlike the scenario's the settings of a run are: those that change most count most, sizes by how often they double.
fn unlike_setting(row: &Row, scenario: &Scenario) -> u32 {
    let setting = setting(scenario);
    let weights = [16, 8, 2, 4, 4];
    let unlike: u32 = (0..5).filter(|&place| row.setting[place] != setting[place]).map(|place| weights[place]).sum();
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
pub fn measured(outcome: &Outcome) -> (String, Vec<String>) {
    let parameters = outcome.estimate.report.as_ref().map_or(0, |report| report.parameters);
    words(&MEASURED, &outcome.scenario, parameters)
}

fn words(measured: &[Row], scenario: &Scenario, parameters: u64) -> (String, Vec<String>) {
    let Some(family) = family(scenario) else { return Default::default() };
    let of_family: Vec<_> = measured.iter().filter(|row| row.family == family).collect();
    let name = family.label();
    if of_family.is_empty() {
        return (format!("{name}: not measured."), Vec::new());
    }
    let count = of_family.len();
    let runs = if count == 1 { "run" } else { "runs" };
    let sentence = format!(
        "{name}: held against {count} measured {runs}: {}. Followed in whole blocks, as PyTorch's allocator hands memory out (worked out above): {}. {}The runs nearest to yours, + where the estimate is too high:",
        spread(of_family.iter().map(|row| row.error.size)),
        spread(of_family.iter().map(|row| row.blocks.size)),
        unmeasured(measured, &of_family, scenario)
    );
    let mut last = ("", 0);
    let mut rows: Vec<_> = of_family
        .into_iter()
        .map(|row| {
            if last.0 != row.name {
                last = (row.name, unlike_model(row.name, scenario, parameters));
            }
            (last.1 + unlike_setting(row, scenario), row)
        })
        .collect();
    let mut lines = Vec::new();
    while lines.len() < NEAREST && !rows.is_empty() {
        let nearest = (0..rows.len()).min_by_key(|&place| rows[place].0).unwrap_or(0);
        let line = line(rows.remove(nearest).1);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    (sentence, lines)
}

/// Names settings of the scenario that no run of the family has, and those that no run has at all.
fn unmeasured(measured: &[Row], of_family: &[&Row], scenario: &Scenario) -> String {
    let run = scenario.run;
    let optimizer = scenario.task.training().map_or("", |training| training.optimizer.label());
    let names = [
        scenario.task.kind().label().to_owned(),
        run.precision.label().to_owned(),
        optimizer.to_owned(),
        format!("attention “{}”", run.attention.label()),
        format!("checkpointing “{}”", run.checkpointing.label()),
    ];
    let mut missing = [const { Vec::new() }; 2];
    for (place, (key, name)) in setting(scenario).into_iter().zip(names).enumerate() {
        if measured.iter().all(|row| row.setting[place] != key) {
            missing[0].push(name);
        } else if of_family.iter().all(|row| row.setting[place] != key) {
            missing[1].push(name);
        }
    }
    let mut text = String::new();
    for (runs, names) in ["No measured run", "No run of this family"].into_iter().zip(missing) {
        if !names.is_empty() {
            text.push_str(&format!("{runs} has your setting: {}. ", names.join("; ")));
        }
    }
    text
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
    let [.., checkpointing] = row.setting;
    for word in row.setting[..4].iter().filter(|word| !word.is_empty()) {
        text.push_str(", ");
        text.push_str(&word.replace('_', " "));
    }
    match checkpointing {
        "none" => {}
        "block" => text.push_str(", each block checkpointed"),
        other => text.push_str(&format!(", checkpointing {other}")),
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
            described.map_or_else(|| (BY_SIZE.to_owned(), Vec::new()), |has| (has.accuracy)(outcome))
        })
    };
    let words = RwSignal::new(of_outcome());
    once_quiet(OUT_OF_SIGHT, move || page.outcome.track(), move || put(words, of_outcome()));
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
    use nn_memory::{Checkpointing, Optimizer, PrecisionMode, Run, Task, Training};

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
        let (sentence, lines) = words(&rows(FEW), &scenario("gpt2", PrecisionMode::Bf16), 0);
        assert_eq!(
            sentence,
            "GPT-2: held against 4 measured runs: median error 0.25 %, worst 1.75 %. \
             Followed in whole blocks, as PyTorch's allocator hands memory out (worked out above): median error 0.02 %, worst 0.10 %. \
             The runs nearest to yours, + where the estimate is too high:"
        );
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0], "+0.25 %: b, batch 8 × 512, training, bf16, adamw, sdpa");
        let (_, lines) = words(&rows(FEW), &scenario("gpt2", PrecisionMode::Fp32), 0);
        assert_eq!(lines[0], "−0.50 %: a, batch 1 × 128, training, fp32, adamw, sdpa");
    }

    /// Three rows of a small model stood there although the model itself was measured.
    #[test]
    fn the_same_model_comes_first_then_the_nearest_in_size() {
        for (key, nearest) in [("llama-3.2-1b", "llama3.2-1b"), ("llama-2-70b", "llama2-70b"), ("gpt2-xl", "gpt2-xl")] {
            let (_, lines) = words(&MEASURED, &scenario(key, PrecisionMode::Fp32), 0);
            assert!(lines[0].contains(&format!(" {nearest}, ")), "{key}: {lines:?}");
        }
        let (_, lines) = words(&MEASURED, &scenario("llama-3.1-70b", PrecisionMode::Bf16), 70_553_706_496);
        assert!(lines[0].contains(" llama2-70b, "), "{lines:?}");
        let (_, lines) = words(&MEASURED, &scenario("gpt-3-175b", PrecisionMode::Fp32), 175_000_000_000);
        assert!(lines[0].contains(" gpt2-xl, "), "{lines:?}");
        // Given by its fields, a model is known by its parameters.
        let mut by_hand = scenario("llama-3.2-1b", PrecisionMode::Bf16);
        by_hand.model = Model::Described(by_hand.model.config().expect("fields").expect("a configuration"));
        let (_, lines) = words(&MEASURED, &by_hand, 1_235_814_400);
        assert!(lines.iter().all(|line| line.contains(" llama3.2-1b, ")), "{lines:?}");
    }

    #[test]
    fn names_tell_parameters() {
        let told = ["llama3.2-1b", "pythia-410m", "olmo2-32b-4l", "stablelm-1.6b", "mixtral-small"].map(parameters);
        let known = [Some(1_235_814_400), catalog::model("pythia-410m").and_then(|model| model.parameters)];
        assert_eq!(told[..2], known);
        assert_eq!(told[2..], [Some(32_000_000_000), Some(1_600_000_000), None]);
    }

    #[test]
    fn equal_lines_stand_once() {
        for model in catalog::MODELS {
            let (_, lines) = words(&MEASURED, &scenario(model.key, PrecisionMode::AutocastBf16), 0);
            assert!(lines.iter().enumerate().all(|(place, line)| !lines[..place].contains(line)), "{lines:?}");
        }
    }

    #[test]
    fn settings_that_no_run_has_are_named() {
        let mut scenario = scenario("gpt2", PrecisionMode::Fp16Master);
        scenario.run.checkpointing = Checkpointing::Selective;
        scenario.task = Task::Training(Training { optimizer: Optimizer::Lamb, ..Training::default() });
        let (sentence, _) = words(&rows(FEW), &scenario, 0);
        let named = "No measured run has your setting: FP16, FP32 master weights; LAMB";
        assert!(sentence.contains(named), "{sentence}");
        assert!(sentence.contains("checkpointing “Selective (matrix products kept)”. The runs"), "{sentence}");
        scenario.run.precision = PrecisionMode::Fp32;
        let few = FEW.replace("llama,training,bf16,adamw,sdpa,none", "llama,training,bf16,lamb,sdpa,selective");
        let (sentence, _) = words(&rows(&few), &scenario, 0);
        assert!(sentence.contains("No run of this family has your setting: LAMB"), "{sentence}");
        assert!(!sentence.contains("No measured run has"), "{sentence}");
    }

    #[test]
    fn what_was_not_measured_says_so() {
        let (sentence, lines) = words(&rows(FEW), &scenario("gemma-2b", PrecisionMode::Bf16), 0);
        assert_eq!((sentence.as_str(), lines.len()), ("Gemma: not measured.", 0));
    }

    #[test]
    fn every_line_of_the_committed_table_is_read() {
        assert_eq!(MEASURED.len(), TABLE.lines().skip(1).count());
        assert!(MEASURED.len() > 3);
    }
}
