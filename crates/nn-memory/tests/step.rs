//! What holds for every step of every described network.

use nn_memory::architecture::FieldKind;
use nn_memory::{
    Attention, Bytes, Checkpointing, Choice, Config, Decimal, DeviceChoice, Family, Lora, Loss, Model, Optimizer,
    PrecisionMode, Report, Run, Scenario, Task, Training, Verdict, Way, estimate, ways_to_fit, ways_to_need_less,
};
use proptest::prelude::*;

/// Any option.
fn any_choice<T: Choice + std::fmt::Debug>() -> impl Strategy<Value = T> {
    proptest::sample::select(T::ALL)
}

/// What a field is for, as far as these tests change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Width,
    Heads,
    Layers,
    Vocabulary,
    Option,
    /// Left at the family's default: image and patch sizes, experts, windows.
    Other,
}

fn use_of(key: &str, kind: FieldKind) -> Use {
    match kind {
        FieldKind::Flag | FieldKind::Rate | FieldKind::Choice(_) => Use::Option,
        FieldKind::Count { .. } if key.contains("head") => Use::Heads,
        FieldKind::Count { .. } if key.contains("layer") => Use::Layers,
        FieldKind::Count { .. } if key == "vocab_size" => Use::Vocabulary,
        FieldKind::Count { maximum: 10_000_000, .. } => Use::Width,
        _ => Use::Other,
    }
}

/// The configuration with the fields of one use changed.
fn change(mut config: Config, which: Use, value: impl Fn(u64) -> u64) -> Config {
    let fields: Vec<_> = config.fields().filter(|(field, _)| use_of(field.key, field.kind) == which).collect();
    for (field, code) in fields {
        // A value outside the field's limits leaves it as it is.
        let _ = config.set(field.key, value(code));
    }
    config
}

prop_compose! {
    /// A small network of any family; the seed picks among its options.
    fn config()(
        family in any_choice::<Family>(),
        width in proptest::sample::select(vec![64_u64, 128, 256]),
        heads in proptest::sample::select(vec![1_u64, 2, 4]),
        layers in 1_u64..=7,
        vocabulary in 100_u64..=3_000,
        seed in any::<u64>(),
    ) -> Config {
        let mut config = Config::of(family);
        config = change(config, Use::Width, |_| width);
        config = change(config, Use::Heads, |_| heads);
        config = change(config, Use::Layers, |_| layers);
        config = change(config, Use::Vocabulary, |_| vocabulary);
        let options: Vec<_> = config.fields().filter(|(field, _)| use_of(field.key, field.kind) == Use::Option).collect();
        for (place, (field, code)) in options.into_iter().enumerate() {
            let random = seed.rotate_left(7 * u32::try_from(place).expect("few fields"));
            let value = match field.kind {
                FieldKind::Flag => random % 2,
                FieldKind::Rate => random % 2 * 100_000,
                FieldKind::Choice(names) => random % names.len() as u64,
                _ => code,
            };
            config.set(field.key, value).expect("an option is within the limits");
        }
        config
    }
}

prop_compose! {
    fn run()(
        precision in any_choice::<PrecisionMode>(),
        attention in any_choice::<Attention>(),
        loss in any_choice::<Loss>(),
        (dropout, set_to_none, clip, hold_outputs) in any::<(bool, bool, bool, bool)>(),
        padding in any::<bool>(),
        accumulation_steps in 1_u64..=2,
        target_length in 1_u64..=64,
        rank in 1_u64..=4,
        lora_dropout in proptest::sample::select(vec![0_u64, 1]),
    ) -> Run {
        let dropout_rate: Decimal = if lora_dropout == 1 { "0.1".parse().expect("a decimal") } else { Decimal::whole(0) };
        Run {
            precision,
            attention,
            loss,
            dropout,
            set_to_none,
            clip,
            hold_outputs,
            padding,
            accumulation_steps,
            target_length,
            lora: Lora { rank, dropout: dropout_rate, ..Lora::default() },
            ..Run::default()
        }
    }
}

fn checkpointing() -> impl Strategy<Value = Checkpointing> {
    prop_oneof![
        Just(Checkpointing::None),
        Just(Checkpointing::Block),
        Just(Checkpointing::Selective),
        (1_u64..=4).prop_map(Checkpointing::Every),
    ]
}

fn task() -> impl Strategy<Value = Task> {
    let training = || any_choice().prop_map(|optimizer| Training { optimizer, ..Training::default() });
    prop_oneof![
        3 => training().prop_map(Task::Training),
        1 => training().prop_map(Task::Lora),
        1 => Just(Task::Inference),
    ]
}

prop_compose! {
    fn scenario()(
        config in config(),
        run in run(),
        checkpointing in checkpointing(),
        task in task(),
        batch_size in 1_u64..=4,
        sequence_length in 8_u64..=128,
    ) -> Scenario {
        Scenario {
            model: Model::Described(config),
            run: Run { checkpointing, ..run },
            task,
            batch_size,
            sequence_length,
            ..Scenario::default()
        }
    }
}

/// The report; none where the fields drawn contradict one another.
fn report(scenario: &Scenario) -> Option<Report> {
    Report::of(scenario).expect("a described network").ok()
}

fn described(scenario: &Scenario) -> Config {
    match scenario.model {
        Model::Described(config) => config,
        _ => unreachable!("these scenarios are of described networks"),
    }
}

/// More of something never lowers the peak; where either contradicts itself there is nothing to compare.
#[track_caller]
fn assert_never_lower(smaller: &Scenario, larger: &Scenario) {
    if let (Some(less), Some(more)) = (report(smaller), report(larger)) {
        if less.allocated > more.allocated && matches!(smaller.run.attention, Attention::Sdpa | Attention::SdpaFlash) {
            // The flash kernel splits keys where multiprocessors would idle, into fewer parts the more there is to do
            // (`num_splits_heuristic`): all but its scratch never shrinks.
            let [smaller, larger] = [smaller, larger].map(by_math);
            return assert_never_lower(&smaller, &larger);
        }
        assert!(
            less.allocated <= more.allocated,
            "{} > {}\n{smaller:?}\n{}\n{larger:?}\n{}",
            less.allocated.get(),
            more.allocated.get(),
            described(smaller).to_json(),
            described(larger).to_json(),
        );
    }
}

fn by_math(scenario: &Scenario) -> Scenario {
    Scenario { run: Run { attention: Attention::SdpaMath, ..scenario.run }, ..scenario.clone() }
}

#[test]
fn keys_are_split_into_fewer_parts_for_more_samples() {
    // 28 multiprocessors; two heads of 128 elements, 197 tokens of an image.
    let text = r#"{"model_type":"timm_eva","hidden_size":256,"intermediate_size":256,"num_hidden_layers":1,"num_attention_heads":2}"#;
    let of = |batch_size: u64| Scenario {
        model: Model::Described(Config::from_json(text).expect("a configuration")),
        task: Task::Inference,
        run: Run { attention: Attention::SdpaFlash, precision: PrecisionMode::Bf16, ..Run::default() },
        batch_size,
        ..Scenario::default()
    };
    let allocated = |scenario: &Scenario| report(scenario).expect("fields that agree").allocated;
    assert!(allocated(&of(3)) > allocated(&of(4)));
    assert!(allocated(&by_math(&of(3))) < allocated(&by_math(&of(4))));
    assert_never_lower(&of(3), &of(4));
}

fn with_config(scenario: &Scenario, config: Config) -> Scenario {
    Scenario { model: Model::Described(config), ..scenario.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn the_peak_is_no_less_than_what_stands_at_the_end_of_a_phase(scenario in scenario()) {
        if let Some(report) = report(&scenario) {
            prop_assert!(report.allocated >= report.before);
            prop_assert!(report.allocated.get() >= report.before.get() + report.kept_after_forward.get());
            prop_assert!(report.allocated >= report.after_backward);
            // Backward frees what forward kept, once.
            prop_assert!(scenario.task.training().is_none() || report.after_backward >= report.before);
            let most = report.phase_peaks.iter().max_by_key(|(_, bytes)| *bytes).expect("a phase");
            prop_assert_eq!(report.allocated, most.1);
            prop_assert!(report.phase_peaks.contains(&(report.peak_phase, report.allocated)));
            prop_assert!(report.parameters >= report.trainable_parameters);
        }
    }

    #[test]
    fn checkpointing_keeps_no_more_activations(scenario in scenario(), every in 0_u64..=4) {
        // Not selective checkpointing: it keeps products that a frozen or a pointwise layer would not.
        let checkpointing = if every == 0 { Checkpointing::Block } else { Checkpointing::Every(every) };
        let [with, without] = [checkpointing, Checkpointing::None]
            .map(|checkpointing| report(&Scenario { run: Run { checkpointing, ..scenario.run }, ..scenario.clone() }));
        if let (Some(with), Some(without)) = (with, without) {
            prop_assert!(
                with.kept_after_forward <= without.kept_after_forward,
                "{} > {}\n{}", with.kept_after_forward.get(), without.kept_after_forward.get(), described(&scenario).to_json()
            );
            prop_assert_eq!(with.parameters, without.parameters);
            prop_assert_eq!(with.optimizer_state, without.optimizer_state);
        }
    }

    #[test]
    fn ways_to_need_less_come_to_what_they_are_said_to(scenario in scenario(), percent in 1_u64..=120) {
        let Ok(near) = estimate(&scenario) else { return Ok(()) };
        let device = DeviceChoice::Custom(Bytes::new(near.total.get() * percent / 100).max(Bytes::mib(1)));
        let scenario = Scenario { device, ..scenario };
        let asked = estimate(&scenario).expect("an estimate");
        let fit = ways_to_fit(&scenario);
        let fits = matches!(asked.fit.verdict, Verdict::Fits { .. });
        prop_assert!(!fits || fit.is_none());
        for reduced in ways_to_need_less(&scenario).iter().chain(&fit) {
            let estimate = estimate(&reduced.scenario).expect("an estimate");
            prop_assert_eq!(reduced.total, estimate.total);
            prop_assert_eq!(reduced.verdict, estimate.fit.verdict);
            prop_assert!(reduced.total < asked.total);
            prop_assert_eq!(reduced.scenario.model, scenario.model);
            prop_assert_eq!(reduced.scenario.device, scenario.device);
            let samples = |scenario: &Scenario| scenario.batch_size * scenario.run.accumulation_steps;
            prop_assert!(samples(&reduced.scenario) == samples(&scenario) || reduced.ways.contains(&Way::SmallerBatch));
            let places = reduced.ways.iter().map(|way| Way::ALL.iter().position(|other| other == way));
            prop_assert!(places.is_sorted());
        }
    }

    #[test]
    fn a_larger_batch_takes_no_less(scenario in scenario(), more in 1_u64..=4) {
        assert_never_lower(&scenario, &Scenario { batch_size: scenario.batch_size + more, ..scenario.clone() });
    }

    #[test]
    fn a_longer_sequence_takes_no_less(scenario in scenario(), more in 1_u64..=128) {
        let sequence_length = scenario.sequence_length + more;
        assert_never_lower(&scenario, &Scenario { sequence_length, ..scenario.clone() });
    }

    #[test]
    fn more_layers_take_no_less(scenario in scenario(), more in 1_u64..=8) {
        let config = described(&scenario);
        // Layers that share weights wait with their gradients for one another, and a last group of fewer makes them wait with
        // less: PyTorch's own backward of three layers in groups of two takes 75,098,624 B, of four 74,968,064 B.
        let by = match scenario.run.checkpointing {
            Checkpointing::Every(blocks) if config.family() == Family::Albert => more * blocks,
            _ => more,
        };
        let config = change(config, Use::Layers, |layers| layers + by);
        assert_never_lower(&scenario, &with_config(&scenario, config));
    }

    #[test]
    fn a_wider_network_takes_no_less(scenario in scenario(), factor in 2_u64..=3) {
        let config = change(described(&scenario), Use::Width, |width| width * factor);
        assert_never_lower(&scenario, &with_config(&scenario, config));
    }

    #[test]
    fn a_larger_vocabulary_takes_no_less(scenario in scenario(), more in 1_u64..=3_000) {
        let config = change(described(&scenario), Use::Vocabulary, |vocabulary| vocabulary + more);
        assert_never_lower(&scenario, &with_config(&scenario, config));
    }

    #[test]
    fn frozen_weights_take_no_more_before_the_step(scenario in scenario(), optimizer in any_choice::<Optimizer>()) {
        // Two small factors have more row and column statistics than one large matrix, and states of 32 bits where those
        // of a large one have 8.
        let by_shape = matches!(optimizer, Optimizer::Adafactor | Optimizer::AdafactorHf | Optimizer::Adam8bit);
        // Outputs that are held keep the graph, in which checkpointed adapters have made what was embedded a leaf.
        let held_graph = scenario.run.hold_outputs && scenario.run.checkpointing != Checkpointing::None;
        let training = Training { optimizer, ..Training::default() };
        let [full, lora] = [Task::Training(training), Task::Lora(training)]
            .map(|task| report(&Scenario { task, ..scenario.clone() }));
        if let (Some(full), Some(lora)) = (full, lora)
            && !by_shape
            // Adapters of a tiny layer may be larger than the layer.
            && lora.trainable_parameters <= full.parameters
        {
            let adapters = lora.parameter_bytes.get() - full.parameter_bytes.get();
            prop_assert!(held_graph || lora.before.get() - adapters <= full.before.get());
            prop_assert!(lora.optimizer_state <= full.optimizer_state);
            prop_assert_eq!(full.parameters, full.trainable_parameters);
            prop_assert_eq!(lora.parameters - lora.trainable_parameters, full.parameters);
        }
    }
}

/// What was embedded and its gradient, which held outputs keep through the next step where checkpointed adapters ask for
/// that gradient.
#[test]
fn held_outputs_keep_what_was_made_a_leaf() {
    let text = r#"{"model_type":"llama","hidden_size":256,"intermediate_size":512,"num_hidden_layers":2,
        "num_attention_heads":4,"vocab_size":1000}"#;
    let config = Config::from_json(text).expect("a configuration");
    let before = |checkpointing, hold_outputs| {
        let run = Run { checkpointing, hold_outputs, precision: PrecisionMode::Fp32, ..Run::default() };
        let task = Task::Lora(Training::default());
        let scenario = Scenario { model: Model::Described(config), run, task, batch_size: 4, ..Scenario::default() };
        (report(&scenario).expect("no contradiction").before.get(), scenario.sequence_length)
    };
    let more = |checkpointing| before(checkpointing, true).0 - before(checkpointing, false).0;
    let embedded = 4 * before(Checkpointing::None, false).1 * 256 * 4;
    assert_eq!(more(Checkpointing::Block) - more(Checkpointing::None), 2 * embedded);
}

/// Halves of tensors of the logits' size in FP32 that a step keeps, and that stand at the peaks of forward and backward
/// beside labels and weights, where the logits are all that is large: by the allocator's history under PyTorch 2.11.
#[test]
fn losses_make_as_many_tensors_as_in_pytorch() {
    let text = r#"{"model_type":"logistic_regression","input_size":1,"output_size":10000,"bias":false}"#;
    let config = Config::from_json(text).expect("a configuration");
    for (loss, precision, expected) in [
        (Loss::CrossEntropy, PrecisionMode::Fp32, [2, 4, 6]),
        // What it returns stands on memory as large as the logits.
        (Loss::Mse, PrecisionMode::Fp32, [4, 6, 6]),
        (Loss::BceWithLogits, PrecisionMode::Fp32, [2, 6, 4]),
        (Loss::Mse, PrecisionMode::Bf16, [2, 3, 3]),
        (Loss::BceWithLogits, PrecisionMode::Bf16, [1, 3, 2]),
        // The logits are cast, and gone after forward.
        (Loss::Mse, PrecisionMode::AutocastBf16, [4, 7, 6]),
        (Loss::BceWithLogits, PrecisionMode::AutocastBf16, [2, 7, 4]),
    ] {
        let run = Run { loss, precision, ..Run::default() };
        let scenario = Scenario { model: Model::Described(config), run, batch_size: 4_096, ..Scenario::default() };
        let report = report(&scenario).expect("no contradiction");
        let before = report.before.get();
        let [forward, backward] = [0, 1].map(|phase| report.phase_peaks[phase].1.get() - before);
        let halves = [report.kept_after_forward.get(), forward, backward].map(|bytes| bytes / (4_096 * 10_000 * 2));
        assert_eq!(halves, expected, "{loss:?} {precision:?}");
    }
}

/// Counts of `sum(p.numel() for p in model.parameters())` in transformers 5.17.
#[test]
fn encoder_decoders_have_the_published_numbers_of_parameters() {
    for (text, parameters) in [
        (r#"{"model_type":"t5"}"#, 60_506_624),
        (r#"{"model_type":"t5","d_model":768,"d_ff":3072,"num_layers":12,"num_heads":12}"#, 222_903_552),
        (r#"{"model_type":"t5","d_model":1024,"d_ff":4096,"num_layers":24,"num_heads":16}"#, 737_668_096),
        (
            r#"{"model_type":"bart","d_model":768,"encoder_layers":6,"decoder_layers":6,"encoder_attention_heads":12,
                "decoder_attention_heads":12,"encoder_ffn_dim":3072,"decoder_ffn_dim":3072}"#,
            139_420_416,
        ),
        (r#"{"model_type":"bart"}"#, 406_291_456),
    ] {
        let config = Config::from_json(text).expect("a configuration");
        let scenario = Scenario { model: Model::Described(config), ..Scenario::default() };
        assert_eq!(report(&scenario).expect("no contradiction").parameters, parameters, "{text}");
    }
}
