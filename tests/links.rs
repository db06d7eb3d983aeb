//! Links, whatever stands in them: a scenario survives being written into one, and every query at all opens a page.
#![cfg(not(target_arch = "wasm32"))]

#[path = "../crates/nn-memory/tests/strategies/mod.rs"]
mod strategies;

use nn_memory::{
    ActivationUnits, Bytes, Choice, Decimal, DeviceChoice, Field, Optimizer, Precision, Scenario, StatePrecision, Task,
    Training, estimate,
};
use nn_memory_calculator::link::{from_query, to_query};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use strategies::{any_choice, scenario};

fn limited(value: u64, field: Field) -> u64 {
    field.count_limits().map_or(value, |limits| value.clamp(*limits.start(), *limits.end()))
}

fn limited_decimal(value: Decimal, field: Field) -> Decimal {
    field.decimal_limits().map_or(value, |limits| value.clamp(*limits.start(), *limits.end()))
}

fn limited_memory(value: Bytes, field: Field) -> Bytes {
    field.memory_limits().map_or(value, |limits| value.clamp(*limits.start(), *limits.end()))
}

/// The scenario with each input within its limits and without what the form does not ask for.
fn as_the_form_says_it(mut scenario: Scenario) -> Scenario {
    scenario.parameters = limited(scenario.parameters, Field::Parameters);
    scenario.batch_size = limited(scenario.batch_size, Field::BatchSize);
    scenario.sequence_length = limited(scenario.sequence_length, Field::SequenceLength);
    scenario.activation_units = match scenario.activation_units {
        ActivationUnits::PerLayer { layers, hidden_size, multiple } => ActivationUnits::PerLayer {
            layers: limited(layers, Field::Layers),
            hidden_size: limited(hidden_size, Field::HiddenSize),
            multiple: limited_decimal(multiple, Field::ActivationMultiple),
        },
        ActivationUnits::PerToken { units } => {
            ActivationUnits::PerToken { units: limited(units, Field::UnitsPerToken) }
        }
    };
    let overheads = &mut scenario.overheads;
    overheads.workspace_percent = limited_decimal(overheads.workspace_percent, Field::Workspace);
    overheads.fragmentation_percent = limited_decimal(overheads.fragmentation_percent, Field::Fragmentation);
    overheads.context_mib = limited(overheads.context_mib, Field::Context);
    if let DeviceChoice::Custom(bytes) = scenario.device {
        scenario.device = DeviceChoice::Custom(limited_memory(bytes, Field::DeviceMemory));
    }
    if let Task::Training(training) = scenario.task {
        scenario.task = Task::Training(training_as_the_form_says_it(training, scenario.parameter_precision));
    }
    scenario
}

fn training_as_the_form_says_it(training: Training, parameter_precision: Precision) -> Training {
    let optimizer = match training.optimizer {
        Optimizer::Custom(values) => Optimizer::Custom(limited_decimal(values, Field::OptimizerFactor)),
        named => named,
    };
    Training {
        optimizer,
        // 8-bit Adam has a format of its own.
        state_precision: if optimizer == Optimizer::Adam8bit {
            StatePrecision::SameAsParameters
        } else {
            training.state_precision
        },
        // A copy in FP32 is only of use beside narrower parameters.
        master_weights: training.master_weights && parameter_precision.bits() < 32,
        ..training
    }
}

/// What a query may hold of its own: keys, and values close to what is accepted.
fn pair() -> impl Strategy<Value = String> {
    let fields: Vec<_> = Field::ALL.into_iter().map(Field::key).collect();
    let key = prop_oneof![
        8 => select(fields).prop_map(str::to_owned),
        2 => select(vec!["v", "bytes", "embed", "theme", "show"]).prop_map(str::to_owned),
        1 => "[a-z_%+=]{0,12}",
    ];
    let number =
        prop_oneof!["[-+]?[0-9]{0,30}([.,_ ][0-9]{0,9}){0,3}", "[0-9.]{1,8}(e[-+]?[0-9]{0,4})?[kKMBT]?[iB%]{0,2}"];
    let word = select(vec![
        "",
        "fp32",
        "FP32",
        "fp16",
        "int4",
        "training",
        "inference",
        "units",
        "layers",
        "custom",
        "adamw",
        "adam8bit",
        "same",
        "yes",
        "no",
        "true",
        "decimal",
        "1",
        "0",
        "NaN",
        "inf",
        "-0",
        "1e309",
        "18446744073709551616",
        "48GB",
        "48 GiB",
        "%31%36",
        "%",
        "%zz",
        "%f0%9f",
        "rtx-4090-24gb",
        "∞",
        "１２",
        "<script>",
    ]);
    let value = prop_oneof![4 => number, 4 => word.prop_map(str::to_owned), 1 => "\\PC{0,40}", 1 => any::<String>()];
    (key, value, any::<bool>()).prop_map(|(key, value, assigned)| if assigned { format!("{key}={value}") } else { key })
}

fn near_miss() -> impl Strategy<Value = String> {
    (any::<bool>(), vec(pair(), 0..24))
        .prop_map(|(mark, pairs)| format!("{}{}", if mark { "?" } else { "" }, pairs.join("&")))
}

/// A query opens: its inputs can be read, have an estimate, and are written into a link that opens to the same.
fn assert_opens(query: &str) {
    let opened = from_query(query);
    let scenario = opened.texts.read().unwrap_or_else(|errors| panic!("{query:?}: {errors:?}"));
    if let Err(error) = estimate(&scenario) {
        panic!("{query:?}: {error}");
    }
    let written = to_query(&scenario, opened.view.decimal);
    let again = from_query(&written);
    assert_eq!(again.notices, [""; 0], "{query:?} as {written}");
    assert_eq!(again.texts.read(), Ok(scenario), "{query:?} as {written}");
    assert_eq!(again.view.decimal, opened.view.decimal, "{query:?} as {written}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_scenario_survives_a_link(scenario in scenario(), decimal in any::<bool>()) {
        let scenario = as_the_form_says_it(scenario);
        // What passes 64 bits has no estimate: such a link opens with a notice, as the test below says.
        if estimate(&scenario).is_ok() {
            let query = to_query(&scenario, decimal);
            let opened = from_query(&query);
            prop_assert_eq!(&opened.notices, &[""; 0], "{}", query);
            prop_assert_eq!(opened.texts.read(), Ok(scenario), "{}", query);
            prop_assert_eq!(opened.view.decimal, decimal);
        }
    }

    #[test]
    fn a_scenario_outside_the_limits_opens_with_a_notice(scenario in scenario()) {
        let query = to_query(&scenario, false);
        assert_opens(&query);
        if estimate(&scenario).is_err() {
            prop_assert!(!from_query(&query).notices.is_empty(), "{}", query);
        }
    }

    #[test]
    fn a_link_needs_no_escapes_for_what_people_write(scenario in scenario()) {
        let query = to_query(&as_the_form_says_it(scenario), true);
        prop_assert!(query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=&._-".contains(&byte)), "{}", query);
    }

    #[test]
    fn any_text_at_all_opens(query in any::<String>()) {
        assert_opens(&query);
    }

    #[test]
    fn any_printable_text_opens(query in "\\PC{0,400}") {
        assert_opens(&query);
    }

    #[test]
    fn a_near_miss_opens(query in near_miss()) {
        assert_opens(&query);
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named(field in select(&Field::ALL[..]), value in "[a-z!]{1,12}") {
        // Whichever input it is, a link that turns everything on asks for it; these words mean nothing to any of them.
        let everything = "optimizer=custom&precision=fp16&device=custom";
        let outright = if field == Field::UnitsPerToken { "&activation_mode=units" } else { "" };
        let query = format!("?{everything}{outright}&{}={value}!", field.key());
        let opened = from_query(&query);
        let named = opened.notices.iter().any(|notice| notice.starts_with(&format!("{}: ", field.key())));
        prop_assert!(named, "{query}: {:?}", opened.notices);
    }

    #[test]
    fn an_option_is_read_by_its_key(precision in any_choice::<Precision>()) {
        let opened = from_query(&format!("precision={0}&activation_precision={0}", precision.key()));
        let scenario = opened.texts.read().expect("keys of the list");
        prop_assert_eq!(scenario.parameter_precision, precision);
        prop_assert_eq!(scenario.activation_precision, precision);
    }
}

#[test]
fn a_device_counted_in_bytes_survives_a_link() {
    // 20 TB written out in bytes: in millionths of a byte, as decimals are read, it passes 64 bits.
    for bytes in [20_000_000_000_001, 18_446_744_073_710, 1_048_577] {
        let scenario = Scenario { device: DeviceChoice::Custom(Bytes::new(bytes)), ..Scenario::default() };
        let opened = from_query(&to_query(&scenario, false));
        assert_eq!(opened.notices, [""; 0], "{bytes} B");
        assert_eq!(opened.texts.read(), Ok(scenario), "{bytes} B");
    }
}

#[test]
fn a_query_of_a_million_characters_opens() {
    assert_opens(&format!("?params={}", "9".repeat(1_000_000)));
    assert_opens(&format!("?{}", "batch=7&".repeat(125_000)));
    assert_opens(&"%".repeat(1_000_000));
}
