//! A repeated block against the same blocks written out.

use proptest::prelude::*;
use proptest::sample::select;

use crate::architecture::FieldKind;
use crate::described::{lower, play};
use crate::program::Layers;
use crate::{
    Attention, Checkpointing, Choice as _, Config, Family, Implementation, Lora, Model, Optimizer, PrecisionMode, Run,
    Scenario, TARGET_MODULES, Targets, Task, Training,
};

use super::Watch;

#[path = "../../tests/strategies/mod.rs"]
mod strategies;

const CHECKPOINTING: [Checkpointing; 6] = [
    Checkpointing::None,
    Checkpointing::Block,
    Checkpointing::Selective,
    Checkpointing::Every(2),
    Checkpointing::Every(5),
    Checkpointing::Every(7),
];

/// The family's defaults with `layers` layers in each of its stacks.
fn with_layers(family: Family, layers: u64) -> Config {
    layered(Config::of(family), layers)
}

fn layered(mut config: Config, layers: u64) -> Config {
    let keys: Vec<_> = config
        .fields()
        .filter(|(field, _)| {
            // Not those that say every which layer is another.
            let turns = field.key.contains("interval") || field.key.contains("step");
            field.key.contains("layer")
                && !turns
                && matches!(field.kind, FieldKind::Count { .. } | FieldKind::OptionalCount { .. })
        })
        .map(|(field, _)| field.key)
        .collect();
    for key in keys {
        config.set(key, layers).expect("a number of layers is within the limits");
    }
    config
}

#[track_caller]
fn agrees(scenario: &Scenario, config: &Config) {
    let what = || format!("{} {:?} {:?}", config.to_json(), scenario.task, scenario.run);
    let [repeated, unrolled] = [Layers::Counted, Layers::AtMost(u64::MAX)].map(|layers| {
        let lowered = lower(scenario, config, layers).unwrap_or_else(|error| panic!("{error}: {}", what()));
        play(&lowered, Watch::Peak)
    });
    for (repeated, unrolled) in repeated.iter().zip(&unrolled) {
        assert_eq!(repeated.before, unrolled.before, "before: {}", what());
        assert_eq!(repeated.after_forward, unrolled.after_forward, "after forward: {}", what());
        assert_eq!(repeated.after_backward, unrolled.after_backward, "after backward: {}", what());
        assert_eq!(repeated.phase_peaks, unrolled.phase_peaks, "peaks: {}", what());
        assert_eq!(repeated.at_peak, unrolled.at_peak, "at the peak: {}", what());
        assert_eq!(repeated.peak_phase, unrolled.peak_phase, "phase: {}", what());
    }
}

/// Every family, 1 to 9 layers, every way of checkpointing.
fn over_all(task: Task, runs: &[Run]) {
    for &family in Family::ALL {
        for layers in 1..=9 {
            let config = with_layers(family, layers);
            for run in runs {
                for checkpointing in CHECKPOINTING {
                    let run = Run { checkpointing, target_length: 64, ..*run };
                    let scenario = Scenario {
                        model: Model::Described(config),
                        task,
                        run,
                        batch_size: 2,
                        sequence_length: 96,
                        ..Scenario::default()
                    };
                    agrees(&scenario, &config);
                    if task.training().is_none() {
                        break;
                    }
                }
            }
        }
    }
}

fn layers_in_all(scenario: &Scenario, config: &Config) -> u64 {
    let lowered = lower(scenario, config, Layers::Counted).expect("it has an estimate");
    let sections = lowered.passes.iter().flat_map(|(program, _)| &program.sections);
    sections.map(|section| section.layers).fold(0, u64::saturating_add)
}

#[test]
fn layers_that_share_their_weights_cost_the_same_however_many() {
    let precision = PrecisionMode::AutocastBf16;
    let run = Run { precision, checkpointing: Checkpointing::Block, ..Run::default() };
    let scenario = |task| Scenario { task, run, batch_size: 2, sequence_length: 96, ..Scenario::default() };
    for task in [Task::Training(Training::default()), Task::Inference] {
        let scenario = scenario(task);
        let [few, many] = [12, 100_000].map(|layers| {
            let config = with_layers(Family::Albert, layers);
            let lowered = lower(&scenario, &config, Layers::Counted).expect("it has an estimate");
            let outcome = play(&lowered, Watch::Peak).remove(0);
            let program = &lowered.passes[0].0;
            let weights: u64 = program.parameters.iter().map(|weight| weight.bytes() * weight.copies).sum();
            (program.instructions.len(), weights, program.cast_weights, outcome.before)
        });
        assert_eq!(few, many);
    }
}

#[test]
fn groups_that_share_weights_are_repeated_as_if_written_out() {
    for (groups, inner) in [(1, 2), (2, 1), (3, 2)] {
        for layers in [3, 7, 12, 17] {
            let mut config = with_layers(Family::Albert, layers);
            config.set("num_hidden_groups", groups).expect("a number within the limits");
            config.set("inner_group_num", inner).expect("a number within the limits");
            for (task, run) in [Task::Training(Training::default()), Task::Lora(Training::default()), Task::Inference]
                .into_iter()
                .flat_map(|task| runs().into_iter().map(move |run| (task, run)))
            {
                for checkpointing in CHECKPOINTING {
                    let model = Model::Described(config);
                    let run = Run { checkpointing, ..run };
                    let scenario =
                        Scenario { model, task, run, batch_size: 2, sequence_length: 96, ..Scenario::default() };
                    agrees(&scenario, &config);
                }
            }
        }
    }
}

fn runs() -> Vec<Run> {
    let precisions = [PrecisionMode::Fp32, PrecisionMode::Bf16, PrecisionMode::AutocastBf16, PrecisionMode::Bf16Master];
    let mut runs: Vec<_> = precisions.into_iter().map(|precision| Run { precision, ..Run::default() }).collect();
    runs.push(Run { attention: Attention::Eager, padding: true, ..Run::default() });
    runs.push(Run { attention: Attention::SdpaMath, precision: PrecisionMode::AutocastFp16, ..Run::default() });
    runs.push(Run { accumulation_steps: 4, clip: true, hold_outputs: true, dropout: false, ..Run::default() });
    runs
}

#[test]
fn repeated_layers_are_trained_as_if_written_out() {
    for optimizer in [Optimizer::Sgd, Optimizer::AdamW] {
        over_all(Task::Training(Training { optimizer, ..Training::default() }), &runs());
    }
}

#[test]
fn repeated_layers_are_updated_one_by_one_as_if_written_out() {
    let run = Run { implementation: Implementation::Loop, ..Run::default() };
    let runs = [PrecisionMode::Bf16, PrecisionMode::Bf16Master].map(|precision| Run { precision, ..run });
    for optimizer in [Optimizer::AdamW, Optimizer::RAdam, Optimizer::Adafactor, Optimizer::AdafactorHf, Optimizer::Muon]
    {
        over_all(Task::Training(Training { optimizer, ..Training::default() }), &runs);
    }
}

#[test]
fn repeated_layers_get_adapters_as_if_written_out() {
    over_all(Task::Lora(Training::default()), &runs());
}

#[test]
fn adapters_of_one_module_are_repeated_as_if_written_out() {
    for &family in Family::ALL {
        for name in TARGET_MODULES {
            let targets = Targets::parse(name).expect("a module of the list");
            let (fp32, autocast) = (PrecisionMode::Fp32, PrecisionMode::AutocastBf16);
            for (layers, checkpointing, attention, precision) in [
                (7, Checkpointing::None, Attention::Sdpa, fp32),
                (7, Checkpointing::None, Attention::Sdpa, autocast),
                (7, Checkpointing::None, Attention::Eager, fp32),
                (9, Checkpointing::Block, Attention::Eager, autocast),
                (9, Checkpointing::Every(7), Attention::Sdpa, fp32),
            ] {
                let config = with_layers(family, layers);
                let lora = Lora { targets, ..Lora::default() };
                let run = Run { lora, checkpointing, attention, precision, target_length: 64, ..Run::default() };
                let scenario = Scenario {
                    model: Model::Described(config),
                    task: Task::Lora(Training::default()),
                    run,
                    batch_size: 2,
                    sequence_length: 96,
                    ..Scenario::default()
                };
                agrees(&scenario, &config);
            }
        }
    }
}

#[test]
fn repeated_layers_infer_as_if_written_out() {
    over_all(Task::Inference, &runs());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn any_network_is_repeated_as_if_written_out(
        config in strategies::config(),
        run in strategies::run(),
        layers in 1_u64..=12,
        (batch_size, sequence_length) in (1_u64..=4, 1_u64..=128),
        task in select(vec![Task::Training(Training::default()), Task::Lora(Training::default()), Task::Inference]),
    ) {
        let config = layered(config, layers);
        let model = Model::Described(config);
        let Run { accumulation_steps, target_length, lora, .. } = run;
        let lora = Lora { rank: lora.rank.clamp(1, 64), alpha: 1, ..lora };
        let run = Run {
            accumulation_steps: accumulation_steps.clamp(1, 8),
            target_length: target_length.clamp(1, 128),
            lora,
            ..run
        };
        let scenario = Scenario { model, run, task, batch_size, sequence_length, ..Scenario::default() };
        // Fields that contradict one another, or a module that no layer has, have no estimate; stacks that are not called
        // layers may be too deep to be written out.
        if crate::estimate(&scenario).is_ok() && layers_in_all(&scenario, &config) <= 100 {
            agrees(&scenario, &config);
        }
    }
}
