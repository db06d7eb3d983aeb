//! A scenario as the query of a link, and back. Keys and meanings never change within a version: stored links are tested.
//!
//! `?v=1&params=7B&precision=bf16&batch=8`: the version, then only what differs from the defaults of that version.

use nn_memory::{ActivationMode, Choice, Family, Field, ModelKind, Scenario};

use crate::described;
use crate::form::{Input, Texts, default_text, excerpt};

/// The version that is written.
const VERSION: &str = "1";
const VERSION_KEY: &str = "v";
/// What an embedded view can show.
const PARTS: &[&str] = &["total", "breakdown", "table", "timeline", "sweep"];

/// How the page is to be shown; not part of the scenario.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// Sizes in powers of 1,000.
    pub decimal: bool,
    /// The compact view for an iframe.
    pub embedded: bool,
    /// What an embedded view shows; empty for all.
    pub show: Vec<String>,
}

impl View {
    /// Whether an embedded view shows this part.
    pub fn shows(&self, part: &str) -> bool {
        self.show.is_empty() || self.show.iter().any(|shown| shown == part)
    }

    /// Whether anything stands under the total.
    pub fn has_details(&self) -> bool {
        !self.embedded || self.show.is_empty() || self.show.iter().any(|shown| shown != "total")
    }
}

/// What a query says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The inputs, all readable.
    pub texts: Texts,
    /// How to show them.
    pub view: View,
    /// What was in the query and could not be used, a sentence each.
    pub notices: Vec<String>,
}

/// The query of a scenario, without the question mark.
pub fn to_query(scenario: &Scenario, decimal: bool) -> String {
    let (texts, defaults) = (Texts::from(scenario), Texts::default());
    let context = texts.context();
    let mut query = format!("{VERSION_KEY}={VERSION}");
    let mut write = |key: &str, value: &str| {
        query.push('&');
        query.push_str(key);
        query.push('=');
        push_escaped(&mut query, value);
    };
    for field in Field::ALL {
        let given = match field {
            // Said by the presence of what they choose.
            Field::ModelKind | Field::ActivationMode | Field::Config => false,
            Field::Model | Field::ModelType | Field::UnitsPerToken | Field::DeviceMemory => true,
            _ => texts[field] != defaults[field],
        };
        if given && context.applies(field) {
            write(field.key(), &texts[field]);
        }
    }
    if context.kind == ModelKind::Described {
        for (place, field) in described::fields(context.family).iter().enumerate() {
            let text = &texts[Input::Config(place)];
            if *text != default_text(field) {
                write(field.key, text);
            }
        }
    }
    if decimal {
        query.push_str("&bytes=decimal");
    }
    query
}

/// The query with those keys of the old one that say how an embedded view is to be shown.
pub fn with_view_of(query: &str, old: &str) -> String {
    let kept = |pair: &&str| ["embed=", "theme=", "show="].iter().any(|key| pair.starts_with(key));
    let mut whole = query.to_owned();
    for pair in old.trim_start_matches('?').split('&').filter(kept) {
        whole.push('&');
        whole.push_str(pair);
    }
    whole
}

/// The query without the key that says in which colours it is shown.
pub fn without_theme(query: &str) -> String {
    let pairs = query.trim_start_matches('?').split('&').filter(|pair| !pair.starts_with("theme="));
    pairs.collect::<Vec<_>>().join("&")
}

/// The inputs of a query opened over others: a device that it does not name stays as it was chosen.
pub fn keep_device(query: &str, opened: &mut Texts, before: &Texts) {
    let names_one = query.trim_start_matches('?').split('&').any(|pair| pair.starts_with("device"));
    if !names_one {
        for field in [Field::Device, Field::DeviceMemory] {
            opened[field].clone_from(&before[field]);
        }
    }
}

/// Whether a query asks for a described model.
pub fn describes(query: &str) -> bool {
    let described = [Field::Model, Field::ModelType, Field::Config, Field::ModelKind].map(Field::key);
    let mut pairs = query.trim_start_matches('?').split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.any(|(key, value)| described.contains(&key) && value != ModelKind::Size.key())
}

/// Reads any query at all: unknown keys are left alone, a bad value gives way to the default and is named.
pub fn from_query(query: &str) -> Opened {
    let mut texts = Texts::default();
    let mut view = View::default();
    let mut notices = Vec::new();
    let pairs: Vec<_> = query
        .trim_start_matches('?')
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (unescape(key), unescape(value)))
        .collect();
    let family = pairs.iter().rfind(|(key, _)| key == Field::ModelType.key());
    let family = family.and_then(|(_, family)| Family::from_key(family.trim()));
    if let (Some(family), Some(has)) = (family, described::get()) {
        (has.form.describe_family)(&mut texts, family);
    }
    for (key, value) in pairs {
        if let Some(input) = input_of(&key, &value, family) {
            texts[input] = value.trim().to_owned();
            let implied = match input {
                Input::Field(Field::UnitsPerToken) => (Field::ActivationMode, ActivationMode::Units.key()),
                Input::Field(Field::Model) => (Field::ModelKind, ModelKind::Named.key()),
                Input::Field(Field::ModelType) => (Field::ModelKind, ModelKind::Described.key()),
                Input::Field(Field::Config) => (Field::ModelKind, ModelKind::Pasted.key()),
                _ => continue,
            };
            texts[implied.0] = implied.1.to_owned();
            continue;
        }
        match key.as_str() {
            VERSION_KEY if value != VERSION => notices.push(format!(
                "This link says it is of version {}; this page knows version {VERSION} and read what it could.",
                excerpt(&value)
            )),
            "bytes" => view.decimal = value == "decimal",
            "embed" => view.embedded = value == "1",
            "show" => view.show = value.split(',').filter(|part| PARTS.contains(part)).map(str::to_owned).collect(),
            _ => {}
        }
        let known: &[&str] = match key.as_str() {
            "bytes" => &["decimal", "binary"],
            "embed" => &["1", "0"],
            "theme" => &["light", "dark", "system"],
            "show" => PARTS,
            _ => continue,
        };
        let mut given = value.split(',').filter(|part| key == "show" || part.len() == value.len());
        if let Some(part) = given.find(|part| !known.contains(part)) {
            notices.push(format!("{key}: “{}” is none of {}.", excerpt(part), known.join(", ")));
        }
    }
    let family = texts.family();
    for (error, _) in texts.repair() {
        notices.push(format!("{}: {} The default stands instead.", error.input.key(family), error.message));
    }
    if describes(query) && described::get().is_none() {
        texts[Field::ModelKind] = ModelKind::Size.key().to_owned();
        notices = vec![described::NOT_LOADED.to_owned()];
    }
    Opened { texts, view, notices }
}

/// The input that a key of a link means: where a family is described, first of all its field.
fn input_of(key: &str, value: &str, family: Option<Family>) -> Option<Input> {
    let field = Field::ALL.into_iter().find(|field| field.key() == key);
    let place = family.and_then(|family| described::fields(family).iter().position(|field| field.key == key));
    match (field, place) {
        // Of the run, dropout is on or off; of a configuration, it is a rate.
        (Some(field @ Field::Dropout), Some(_)) if matches!(value.trim(), "on" | "off") => Some(field.into()),
        (_, Some(place)) => Some(Input::Config(place)),
        (field, None) => field.map(Input::Field),
    }
}

/// Writes a value so that it stays readable: only what would end or change it is escaped.
fn push_escaped(query: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            query.push(char::from(byte));
        } else {
            query.push_str(&format!("%{byte:02X}"));
        }
    }
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high * 16 + low),
            _ => None,
        };
        match (escaped, first) {
            (Some(byte), _) => {
                bytes.push(byte);
                rest = &tail[2..];
                continue;
            }
            (None, b'+') => bytes.push(b' '),
            (None, other) => bytes.push(*other),
        }
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use nn_memory::estimate;

    use super::*;
    use crate::examples::EXAMPLES;

    /// Links that people have stored, and what they must give for as long as version 1 is read: add, never change.
    const STORED: &[(&str, u64)] = &[
        ("", 2_061_989_888),
        ("?v=1", 2_061_989_888),
        ("?params=110M&precision=fp32&batch=32", 2_061_989_888),
        ("?v=1&units_per_token=37000", 2_063_104_000),
        (
            "?v=1&params=25M&precision=fp16&batch=64&sequence_length=1&units_per_token=8388608&optimizer=adam&state_precision=fp32&gradient_precision=fp16",
            1_373_741_824,
        ),
        ("?v=1&params=70B&precision=fp16&task=inference&batch=1&sequence_length=1&units_per_token=0", 140_000_000_000),
        ("?v=1&params=7B&precision=int4&task=inference&units_per_token=0", 3_500_000_000),
        (
            "?v=1&params=7B&precision=bf16&batch=8&sequence_length=4096&layers=32&hidden_size=4096&activation_multiple=17.5&activation_precision=bf16&optimizer=custom&optimizer_factor=1.5&state_precision=fp32&gradient_precision=bf16&master_weights=yes&workspace=10&fragmentation=15&context=500&device=custom&device_memory=640GB",
            276_497_937_067,
        ),
        (
            "?v=1&params=1.5e9&optimizer=adam8bit&device=h100-80gb&bytes=decimal&embed=1&theme=dark&show=total",
            15_301_989_888,
        ),
    ];

    #[test]
    fn stored_links_keep_their_numbers() {
        for (query, total) in STORED {
            let opened = from_query(query);
            assert_eq!(opened.notices, [""; 0], "{query}");
            let estimate = estimate(&opened.texts.read().expect("readable")).expect("within limits");
            assert_eq!(estimate.total.get(), *total, "{query}");
        }
    }

    #[test]
    fn a_link_holds_what_differs_from_the_defaults() {
        let scenario = Scenario { parameters: 7_000_000_000, batch_size: 8, ..Scenario::default() };
        assert_eq!(to_query(&scenario, false), "v=1&params=7B&batch=8");
        assert_eq!(to_query(&Scenario::default(), true), "v=1&bytes=decimal");
    }

    #[test]
    fn an_embedded_view_stays_one_while_its_inputs_change() {
        let old = "?embed=1&params=7B&show=total,table&theme=dark&bytes=decimal";
        assert_eq!(with_view_of("v=1&params=8B", old), "v=1&params=8B&embed=1&show=total,table&theme=dark");
        assert_eq!(with_view_of("v=1", ""), "v=1");
    }

    #[test]
    fn bad_values_are_named_and_the_rest_is_kept() {
        let opened = from_query("?v=1&params=lots&batch=64&precision=fp12&device=abacus&colour=red&sequence_length=-4");
        assert_eq!(
            opened.notices,
            [
                "params: “lots” is not a number. Try 7B, 1.5e9 or 25,000,000. The default stands instead.",
                "precision: “fp12” is none of fp64, fp32, tf32, bf16, fp16, fp8, int8, int4. The default stands instead.",
                "sequence_length: “-4” is negative. Try 32 or 4,096. The default stands instead.",
                "device: “abacus” is not a device of the list. The default stands instead.",
            ]
        );
        assert_eq!(opened.texts[Field::BatchSize], "64");
        assert_eq!(opened.texts[Field::Parameters], "110M");
    }

    #[test]
    fn bad_values_of_inputs_that_are_not_in_use_are_named_too() {
        let opened = from_query("?task=inference&optimizer=bogus&layers=1e99");
        let keys: Vec<_> = opened.notices.iter().filter_map(|notice| notice.split(':').next()).collect();
        assert_eq!(keys, ["layers", "optimizer"]);
        assert_eq!(opened.texts[Field::Optimizer], "adamw");
    }

    #[test]
    fn a_link_says_whether_it_describes_a_model() {
        for query in ["?v=1&model=gpt2", "model_type=llama", "?batch=2&config=%7B%7D", "?model_kind=name"] {
            assert!(describes(query), "{query}");
        }
        for query in ["", "?", "?v=1&params=7B", "?model_kind=size", "?models=gpt2&batch=model"] {
            assert!(!describes(query), "{query}");
        }
    }

    #[test]
    fn a_view_that_cannot_be_shown_is_named() {
        let opened = from_query("?bytes=foo&embed=yes&theme=pink&show=total,foo");
        assert_eq!(
            opened.notices,
            [
                "bytes: “foo” is none of decimal, binary.",
                "embed: “yes” is none of 1, 0.",
                "theme: “pink” is none of light, dark, system.",
                "show: “foo” is none of total, breakdown, table, timeline, sweep.",
            ]
        );
        assert_eq!(opened.view.show, ["total"]);
        assert_eq!(from_query("?embed=1&show=foo").view.show, [""; 0]);
        assert_eq!(from_query("?embed=1&show=total,table&theme=dark&bytes=decimal").notices, [""; 0]);
    }

    #[test]
    fn an_example_keeps_the_device_unless_it_names_one() {
        let mut before = Texts::default();
        before[Field::Device] = "h100-80gb".into();
        let device = |query| {
            let mut opened = from_query(query).texts;
            keep_device(query, &mut opened, &before);
            opened[Field::Device].clone()
        };
        assert_eq!(device("?v=1&params=7B"), "h100-80gb");
        assert_eq!(device("?v=1&params=7B&device=a100-80gb"), "a100-80gb");
    }

    #[test]
    fn a_theme_is_taken_out_of_an_address() {
        assert_eq!(without_theme("?v=1&theme=dark&batch=8"), "v=1&batch=8");
    }

    #[test]
    fn a_newer_version_is_announced() {
        let opened = from_query("?v=2&params=7B");
        assert_eq!(opened.notices.len(), 1);
        assert_eq!(opened.texts[Field::Parameters], "7B");
    }

    #[test]
    fn escapes_are_read_whether_needed_or_not() {
        let opened = from_query("params=%37B&batch=1+000&device_memory=48%20GB&device=custom");
        assert_eq!(opened.notices, [""; 0]);
        assert_eq!(opened.texts[Field::Parameters], "7B");
        assert_eq!(opened.texts[Field::DeviceMemory], "48 GB");
        assert_eq!(unescape("%zz%4%e4%"), "%zz%4\u{fffd}%");
    }

    #[test]
    fn every_example_opens_without_a_notice() {
        for example in EXAMPLES {
            let opened = from_query(example.query);
            assert_eq!(opened.notices, [""; 0], "{}", example.slug);
            let scenario = opened.texts.read().expect("readable");
            assert_eq!(to_query(&scenario, false), example.query.trim_start_matches('?'), "{}", example.slug);
        }
    }
}
