//! Ways to need less: what they come to, and that they are as few as it takes.

use nn_memory::{
    Attention, Bytes, Checkpointing, DeviceChoice, Implementation, Model, Optimizer, PrecisionMode, Reduced, Run,
    Scenario, Task, Training, UnitSystem, Verdict, Way, catalog, estimate, ways_to_fit, ways_to_need_less,
};

/// A model of the catalogue on a device of the list, in BF16.
fn scenario(model: &str, device: &str, task: Task, [batch_size, sequence_length]: [u64; 2]) -> Scenario {
    Scenario {
        model: Model::Named(catalog::model(model).expect("a row of the models")),
        device: DeviceChoice::Catalog(catalog::device(device).expect("a row of the devices")),
        run: Run { precision: PrecisionMode::Bf16, ..Run::default() },
        task,
        batch_size,
        sequence_length,
        ..Scenario::default()
    }
}

const TRAINING: Task = Task::Training(Training {
    optimizer: Optimizer::AdamW,
    state_precision: nn_memory::StatePrecision::SameAsParameters,
    gradient_precision: nn_memory::Precision::Fp32,
    master_weights: false,
});

/// What the estimate says of the scenario after the ways is what they were said to come to.
#[track_caller]
fn assert_as_estimated(reduced: &Reduced) {
    let estimate = estimate(&reduced.scenario).expect("an estimate");
    assert_eq!((reduced.total, reduced.verdict), (estimate.total, estimate.fit.verdict), "{:?}", reduced.ways);
    assert_eq!(reduced.smallest_device.map(|device| device.id), estimate.smallest_device.map(|device| device.id));
}

fn words(reduced: &Reduced) -> Vec<String> {
    reduced.ways.iter().map(|way| way.words(&reduced.scenario)).collect()
}

#[test]
fn fewer_samples_at_once_make_bert_fit_a_small_card() {
    let mut scenario = scenario("bert-base", "rtx-3060-12gb", TRAINING, [64, 512]);
    scenario.run.precision = PrecisionMode::Fp32;
    let reduced = ways_to_fit(&scenario).expect("it does not fit as it is");
    assert_as_estimated(&reduced);
    assert_eq!(words(&reduced), ["4 micro-batches of 16"]);
    assert_eq!(reduced.total.display(UnitSystem::Binary).to_string(), "9.21 GiB");
    // Half as many would do no longer.
    let twice = Scenario { batch_size: 32, ..reduced.scenario };
    assert!(!matches!(estimate(&twice).expect("an estimate").fit.verdict, Verdict::Fits { .. }));
    // By itself it is the same.
    let alone = ways_to_need_less(&scenario).into_iter().find(|alone| alone.ways == reduced.ways);
    assert_eq!(alone, Some(reduced));
}

#[test]
fn what_costs_nothing_goes_before_what_costs_time_and_that_before_what_rounds() {
    let scenario = scenario("llama-3.1-8b", "h100-80gb", TRAINING, [8, 4_096]);
    let reduced = ways_to_fit(&scenario).expect("it does not fit as it is");
    assert_as_estimated(&reduced);
    assert!(reduced.fits());
    assert_eq!(words(&reduced), ["the fused optimizer", "8 micro-batches of 1", "checkpointing of each block"]);
    // None of them could be left out.
    let run = reduced.scenario.run;
    for (batch_size, run) in [
        (1, Run { implementation: Implementation::Foreach, ..run }),
        (8, Run { accumulation_steps: 1, ..run }),
        (1, Run { checkpointing: Checkpointing::None, ..run }),
    ] {
        let without = Scenario { run, batch_size, ..reduced.scenario.clone() };
        let verdict = estimate(&without).expect("an estimate").fit.verdict;
        assert!(!matches!(verdict, Verdict::Fits { .. }), "{run:?}");
    }
}

#[test]
fn where_no_way_fits_all_that_help_are_told_with_the_device_that_would_hold_it() {
    let scenario = scenario("llama-3.1-8b", "rtx-3060-12gb", TRAINING, [8, 4_096]);
    let reduced = ways_to_fit(&scenario).expect("some ways help");
    assert_as_estimated(&reduced);
    assert!(matches!(reduced.verdict, Verdict::DoesNotFit { .. }));
    assert!(reduced.ways.contains(&Way::CheckpointBlocks) && reduced.ways.contains(&Way::TrainAdapters));
    // Adapters have no optimizer state to speak of, and the weights are in BF16.
    assert!(!reduced.ways.contains(&Way::Bf16) && !reduced.ways.contains(&Way::FusedOptimizer));
    assert!(reduced.smallest_device.is_some_and(|device| device.reported > reduced.total));
}

#[test]
fn weights_alone_need_as_much_whatever_is_done() {
    let scenario = scenario("llama-2-70b", "h100-80gb", Task::Inference, [1, 1]);
    assert_eq!(ways_to_fit(&scenario), None);
    assert_eq!(ways_to_need_less(&scenario), []);
}

#[test]
fn nothing_is_to_be_done_where_it_fits() {
    let scenario = scenario("gpt2", "h100-80gb", TRAINING, [8, 1_024]);
    assert_eq!(ways_to_fit(&scenario), None);
    assert!(ways_to_need_less(&scenario).iter().all(Reduced::fits));
}

#[test]
fn of_a_network_known_by_its_size_nothing_is_said() {
    let scenario = Scenario { device: DeviceChoice::Custom(Bytes::gib(1)), ..Scenario::default() };
    assert_eq!(ways_to_fit(&scenario), None);
    assert_eq!(ways_to_need_less(&scenario), []);
}

#[test]
fn a_setting_that_only_takes_memory_is_the_first_to_go() {
    let mut scenario = scenario("gpt2", "rtx-3060-12gb", TRAINING, [16, 1_024]);
    scenario.run.attention = Attention::Eager;
    scenario.run.hold_outputs = true;
    scenario.run.set_to_none = false;
    let alone = ways_to_need_less(&scenario);
    for way in [Way::FastestAttention, Way::ReleaseOutputs] {
        let reduced = alone.iter().find(|reduced| reduced.ways == [way]).expect("it takes memory");
        assert_as_estimated(reduced);
        assert!(reduced.total < estimate(&scenario).expect("an estimate").total);
    }
}

#[test]
fn samples_that_cannot_be_halved_go_one_by_one() {
    let scenario = scenario("llama-3.2-1b", "rtx-3060-12gb", TRAINING, [6, 4_096]);
    let alone = ways_to_need_less(&scenario);
    let reduced = alone.iter().find(|reduced| reduced.ways == [Way::MicroBatches]).expect("it saves");
    // 3, then 1: as many as six are summed.
    assert_eq!((reduced.scenario.batch_size, reduced.scenario.run.accumulation_steps), (1, 6));
    assert_as_estimated(reduced);
}

#[test]
fn what_reads_the_last_token_alone_reads_larger_batches() {
    let mut scenario = scenario("qwen2.5-0.5b", "rtx-3060-12gb", Task::Inference, [64, 2_048]);
    scenario.run.kv_cache = true;
    let reduced = ways_to_fit(&scenario).expect("logits of all tokens do not fit");
    assert_as_estimated(&reduced);
    assert!(reduced.fits() && reduced.ways.contains(&Way::LastLogits));
    let without = Scenario { run: Run { last_logits: false, ..scenario.run }, ..reduced.scenario.clone() };
    assert!(!matches!(estimate(&without).expect("an estimate").fit.verdict, Verdict::Fits { .. }));
}
