//! The answer as text, Markdown, CSV and JSON.

use nn_memory::{Bytes, Estimate, Scenario, UnitSystem};
use serde::Serialize;

use super::head::fit;
use crate::form::Outcome;

/// A way to write the answer down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns.
    Text,
    /// A table for an issue or a README.
    Markdown,
    /// What was asked and answered, whole.
    Json,
    /// A row a part.
    Csv,
}

impl Format {
    /// Every format, in the order of the buttons.
    pub const ALL: [Self; 4] = [Self::Text, Self::Markdown, Self::Json, Self::Csv];

    /// Name on the button.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Markdown => "Markdown",
            Self::Json => "JSON",
            Self::Csv => "CSV",
        }
    }

    /// What is copied, in words.
    pub const fn what(self) -> &'static str {
        match self {
            Self::Text => "the results as text",
            Self::Markdown => "the results as a Markdown table",
            Self::Json => "the results as JSON",
            Self::Csv => "the results as CSV",
        }
    }

    /// Name in test ids.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

/// Writes the answer, sizes in these units, with the address that opens the question.
pub type Write = fn(&Outcome, UnitSystem, &str) -> String;

/// What writes this format. It is there as soon as its button: browsers allow copying only while a press is handled.
pub fn writer(format: Format) -> Write {
    match format {
        Format::Text => text,
        Format::Markdown => markdown,
        Format::Csv => csv,
        Format::Json => json,
    }
}

struct Row {
    name: String,
    bytes: Bytes,
    percent: String,
    symbols: &'static str,
    numbers: String,
}

fn rows(estimate: &Estimate) -> Vec<Row> {
    let parts = estimate.parts.iter().filter(|part| part.bytes > Bytes::ZERO).map(|part| Row {
        name: part.kind.name().to_owned(),
        bytes: part.bytes,
        percent: part.share.to_string(),
        symbols: part.formula.symbols(),
        numbers: part.formula.numbers(),
    });
    let total = Row {
        name: "total".to_owned(),
        bytes: estimate.total,
        percent: "100.0".to_owned(),
        symbols: "",
        numbers: String::new(),
    };
    parts.chain([total]).collect()
}

fn text(outcome: &Outcome, system: UnitSystem, address: &str) -> String {
    let estimate = &outcome.estimate;
    let unit = estimate.total.table_unit(system);
    let mut text = String::new();
    for row in rows(estimate) {
        let size = row.bytes.size_in(unit).to_string();
        text.push_str(format!("{:<16} {size:>16} {:>6} %  {}", row.name, row.percent, row.numbers).trim_end());
        text.push('\n');
    }
    text.push_str(&format!("device           {}\ninputs           {address}\n", fit(outcome, system)));
    text
}

fn markdown(outcome: &Outcome, system: UnitSystem, address: &str) -> String {
    let estimate = &outcome.estimate;
    let unit = estimate.total.table_unit(system);
    let mut text = format!("| Component | {} | % | Formula |\n|---|---:|---:|---|\n", unit.name());
    for row in rows(estimate) {
        let work = if row.symbols.is_empty() { String::new() } else { format!("{} = {}", row.symbols, row.numbers) };
        text.push_str(&format!("| {} | {} | {} | {work} |\n", row.name, row.bytes.in_unit(unit), row.percent));
    }
    text.push_str(&format!("\n{}. [Inputs]({address})\n", fit(outcome, system)));
    text
}

fn csv(outcome: &Outcome, system: UnitSystem, _: &str) -> String {
    let estimate = &outcome.estimate;
    let unit = estimate.total.table_unit(system);
    let mut text = format!("component,bytes,{},percent,formula\n", unit.name());
    for row in rows(estimate) {
        let figure = row.bytes.in_unit(unit).replace(',', "");
        text.push_str(&format!("{},{},{figure},{},\"{}\"\n", row.name, row.bytes.get(), row.percent, row.numbers));
    }
    text
}

fn json(outcome: &Outcome, _: UnitSystem, _: &str) -> String {
    let Outcome { scenario, estimate, .. } = outcome;
    #[derive(Serialize)]
    struct Document<'a> {
        scenario: &'a Scenario,
        estimate: &'a Estimate,
    }
    // No map with other keys than text stands in either, so writing them cannot fail.
    serde_json::to_string_pretty(&Document { scenario, estimate }).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use nn_memory::ActivationUnits;

    use super::*;
    use crate::form::Texts;

    fn written(format: Format) -> String {
        let scenario =
            Scenario { activation_units: ActivationUnits::PerToken { units: 37_000 }, ..Scenario::default() };
        let outcome = Outcome::of(&Texts::from(&scenario), None);
        writer(format)(&outcome, UnitSystem::Binary, "https://example.org/?v=1&units_per_token=37000")
    }

    #[test]
    fn text_lines_up() {
        assert_eq!(
            written(Format::Text),
            "\
parameters             419.62 MiB   21.3 %  110,000,000 × 4 B
optimizer state        839.23 MiB   42.7 %  110,000,000 × 2 × 4 B
gradients              419.62 MiB   21.3 %  110,000,000 × 4 B
activations            289.06 MiB   14.7 %  32 × 128 × 37,000 × 2 B
total                1,967.53 MiB  100.0 %
device           Fits RTX 3060 12 GB: 10.08 GiB free
inputs           https://example.org/?v=1&units_per_token=37000
"
        );
    }

    #[test]
    fn markdown_is_a_table() {
        let table = written(Format::Markdown);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[2], "| parameters | 419.62 | 21.3 | P × b_P = 110,000,000 × 4 B |");
        let [total, empty, device] = lines[lines.len() - 3..] else { panic!("{table}") };
        assert_eq!((total, empty), ("| total | 1,967.53 | 100.0 |  |", ""));
        let inputs = "[Inputs](https://example.org/?v=1&units_per_token=37000)";
        assert_eq!(device, format!("Fits RTX 3060 12 GB: 10.08 GiB free. {inputs}"));
    }

    #[test]
    fn csv_quotes_what_holds_commas() {
        let table = written(Format::Csv);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines[0], "component,bytes,MiB,percent,formula");
        assert_eq!(lines[5], "total,2063104000,1967.53,100.0,\"\"");
        assert_eq!(lines[1], "parameters,440000000,419.62,21.3,\"110,000,000 × 4 B\"");
    }

    #[test]
    fn json_holds_the_question_and_the_answer() {
        let document: serde_json::Value = serde_json::from_str(&written(Format::Json)).expect("valid JSON");
        assert_eq!(document["estimate"]["total"], 2_063_104_000_u64);
        assert_eq!(document["estimate"]["parts"][0]["formula"]["symbols"], "P × b_P");
        let scenario: Scenario = serde_json::from_value(document["scenario"].clone()).expect("a scenario");
        assert_eq!(scenario.parameters, 110_000_000);
    }
}
