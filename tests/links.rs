//! Links, whatever stands in them: a scenario survives being written into one, and every query at all opens a page.
#![cfg(not(target_arch = "wasm32"))]

#[path = "../crates/nn-memory/tests/strategies/mod.rs"]
mod strategies;

use nn_memory::{
    ActivationUnits, Bytes, Checkpointing, Choice, Config, Decimal, DeviceChoice, Family, Field, Implementation, Model,
    Optimizer, Precision, Run, Scenario, StatePrecision, Task, Training, catalog, estimate,
};
use nn_memory_calculator::link::{from_query, to_query};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use strategies::{any_choice, any_scenario};

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
    match scenario.model.config() {
        None => {
            scenario.run = Run::default();
            scenario.task = match scenario.task {
                Task::Training(training) => {
                    Task::Training(training_as_the_form_says_it(training, scenario.parameter_precision))
                }
                // Adapters of a network known by its size alone are not counted.
                Task::Lora(_) => Task::Lora(Training::default()),
                other => other,
            };
            scenario
        }
        Some(config) => described_as_the_form_says_it(scenario, config.expect("a configuration").family()),
    }
}

/// What the form asks for a described model.
fn described_as_the_form_says_it(scenario: Scenario, family: Family) -> Scenario {
    let (given, otherwise, unset) = (scenario.run, Scenario::default(), Run::default());
    let trains = scenario.task != Task::Inference;
    let adapts = matches!(scenario.task, Task::Lora(_));
    let optimizer = scenario.task.training().map(|training| match training.optimizer {
        Optimizer::Custom(values) => Optimizer::Custom(limited_decimal(values, Field::OptimizerFactor)),
        named => named,
    });
    let training = Training { optimizer: optimizer.unwrap_or(Optimizer::AdamW), ..Training::default() };
    let foreach = training.optimizer.implementation(Implementation::Foreach) == Implementation::Foreach;
    let checkpointing = match given.checkpointing {
        Checkpointing::Every(blocks) => Checkpointing::Every(limited(blocks, Field::CheckpointEvery)),
        other => other,
    };
    let mut lora = given.lora;
    lora.rank = limited(lora.rank, Field::LoraRank);
    lora.alpha = limited(lora.alpha, Field::LoraAlpha);
    let answers = !trains && family.decodes();
    let keep = |applies: bool, given: bool, unset: bool| if applies { given } else { unset };
    let run = Run {
        precision: given.precision,
        implementation: if trains && foreach { given.implementation } else { unset.implementation },
        checkpointing: if trains && family.attends() { checkpointing } else { unset.checkpointing },
        attention: if family.chooses_attention() { given.attention } else { unset.attention },
        dropout: keep(trains && family.drops(), given.dropout, unset.dropout),
        accumulation_steps: if trains { limited(given.accumulation_steps, Field::Accumulation) } else { 1 },
        set_to_none: keep(trains && !given.precision.master_weights(), given.set_to_none, unset.set_to_none),
        clip: keep(trains, given.clip, unset.clip),
        hold_outputs: keep(trains, given.hold_outputs, unset.hold_outputs),
        padding: keep(family.reads_tokens(), given.padding, unset.padding),
        head: if family.takes_head() { given.head } else { unset.head },
        loss: if trains && family.labels_samples(given.head) { given.loss } else { unset.loss },
        target_length: if family.has_target() { limited(given.target_length, Field::TargetLength) } else { 128 },
        kv_cache: keep(answers, given.kv_cache, unset.kv_cache),
        last_logits: keep(answers, given.last_logits, unset.last_logits),
        lora: if adapts { lora } else { unset.lora },
    };
    let task = match scenario.task {
        Task::Training(_) => Task::Training(training),
        Task::Lora(_) => Task::Lora(training),
        other => other,
    };
    let mut overheads = scenario.overheads;
    overheads.workspace_percent = Decimal::whole(0);
    let sequence_length = if family.reads_tokens() { scenario.sequence_length } else { otherwise.sequence_length };
    Scenario {
        model: scenario.model,
        batch_size: scenario.batch_size,
        device: scenario.device,
        sequence_length,
        run,
        task,
        overheads,
        ..otherwise
    }
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
    let mut fields: Vec<_> = Field::ALL.into_iter().map(Field::key).collect();
    fields.extend(Family::ALL.iter().flat_map(|family| family.fields()).map(|field| field.key));
    // A model first: what else is in the query depends on it.
    fields.extend(["model", "model_type", "model_type", "config"]);
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
        "lora",
        "gpt2",
        "llama",
        "llama-2-7b",
        "name",
        "hand",
        "config",
        "{\"model_type\":\"llama\"}",
        "{\"model_type\":\"llama\",\"hidden_size\":0}",
        "every",
        "block",
        "autocast_bf16",
        "eager",
        "all",
        "q_proj,v_proj",
        "last",
        "on",
        "off",
        "gelu_new",
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
    fn a_scenario_survives_a_link(scenario in any_scenario(), decimal in any::<bool>()) {
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
    fn a_scenario_outside_the_limits_opens_with_a_notice(scenario in any_scenario()) {
        let query = to_query(&scenario, false);
        assert_opens(&query);
        // What the form does not ask of such a model does not come through a link.
        let asked = scenario.model == Model::Size && !matches!(scenario.task, Task::Lora(_));
        if asked && estimate(&scenario).is_err() {
            prop_assert!(!from_query(&query).notices.is_empty(), "{}", query);
        }
    }

    #[test]
    fn a_link_needs_no_escapes_for_what_people_write(scenario in any_scenario()) {
        let query = to_query(&as_the_form_says_it(scenario), true);
        prop_assert!(query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=&._-,".contains(&byte)), "{}", query);
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
fn a_model_is_chosen_by_name_by_hand_or_by_its_config() {
    let model = |query: &str| {
        let opened = from_query(query);
        assert_eq!(opened.notices, [""; 0], "{query}");
        opened.texts.read().expect("readable").model
    };
    assert_eq!(model("?model=llama-2-7b"), Model::Named(catalog::model("llama-2-7b").expect("a row")));
    let mut config = Config::of(Family::Llama);
    config.set("hidden_size", 2_048).expect("a width");
    assert_eq!(model("?hidden_size=2048&model_type=llama"), Model::Described(config));
    assert_eq!(model("?config={\"model_type\":\"llama\",\"hidden_size\":2048}"), Model::Described(config));
    assert_eq!(model("?hidden_size=2048"), Model::Size);
}

#[test]
fn a_model_that_cannot_be_read_gives_way_to_one_by_size() {
    for (query, notice) in [
        ("?model=no-such", "model: “no-such” is not a model of the list."),
        ("?model_type=alexnet", "model_type: “alexnet” is none of gpt2, "),
        ("?config={", "config: Not a JSON object: "),
        ("?model_type=llama&hidden_size=wide", "hidden_size: “wide” is not a number."),
        (
            "?model_type=llama&num_attention_heads=7",
            "num_attention_heads: hidden_size must be divisible by num_attention_heads",
        ),
        ("?model=t5-small&target_length=1e9", "target_length: The network is too large"),
        ("?model=gpt2&batch=1e9&sequence_length=1e9", "batch: The network is too large"),
    ] {
        assert_opens(query);
        let notices = from_query(query).notices;
        assert!(notices.iter().any(|given| given.starts_with(notice)), "{query}: {notices:?}");
    }
}

#[test]
fn a_query_of_a_million_characters_opens() {
    assert_opens(&format!("?params={}", "9".repeat(1_000_000)));
    assert_opens(&format!("?params={}", "-".repeat(1_000_000)));
    assert_opens(&format!("?{}", "batch=7&".repeat(125_000)));
    assert_opens(&"%".repeat(1_000_000));
}
