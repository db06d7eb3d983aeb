//! Whole estimates against figures worked out by hand from published inputs, to the digit.

use nn_memory::{
    ActivationUnits, Bytes, DeviceChoice, Estimate, Optimizer, PartKind, Precision, Scenario, StatePrecision, Task,
    Training, Unit, UnitSystem, estimate, system_memory,
};

fn weights_only(parameters: u64, precision: Precision) -> Scenario {
    Scenario {
        parameters,
        parameter_precision: precision,
        activation_units: ActivationUnits::PerToken { units: 0 },
        task: Task::Inference,
        ..Scenario::default()
    }
}

fn estimated(scenario: &Scenario) -> Estimate {
    estimate(scenario).expect("within limits")
}

#[track_caller]
fn assert_mib(estimate: &Estimate, expected: &[(PartKind, &str)], total: &str) {
    for &(kind, figure) in expected {
        assert_eq!(estimate.part(kind).bytes.in_unit(Unit::MIB), figure, "{kind:?}");
    }
    assert_eq!(estimate.total.in_unit(Unit::MIB), total);
}

#[test]
fn bert_base_in_fp32_with_adamw() {
    let scenario = Scenario { activation_units: ActivationUnits::PerToken { units: 37_000 }, ..Scenario::default() };
    let estimate = estimated(&scenario);
    assert_mib(
        &estimate,
        &[
            (PartKind::Parameters, "419.62"),
            (PartKind::OptimizerState, "839.23"),
            (PartKind::Gradients, "419.62"),
            (PartKind::Activations, "289.06"),
            (PartKind::MasterWeights, "0.00"),
            (PartKind::Workspace, "0.00"),
            (PartKind::Context, "0.00"),
        ],
        "1,967.53",
    );
    // The source adds its rounded parts up to 1.94.
    assert_eq!(estimate.total.display(UnitSystem::Binary).to_string(), "1.92 GiB");
    let shares: Vec<String> = estimate.parts.iter().map(|part| part.share.to_string()).collect();
    assert_eq!(shares, ["21.3", "42.7", "21.3", "0.0", "14.7", "0.0", "0.0", "0.0", "0.0"]);
}

#[test]
fn resnet_50_in_fp16_with_fp32_states() {
    let scenario = Scenario {
        parameters: 25_000_000,
        parameter_precision: Precision::Fp16,
        batch_size: 64,
        sequence_length: 1,
        activation_units: ActivationUnits::PerToken { units: 8_388_608 },
        task: Task::Training(Training {
            optimizer: Optimizer::Adam,
            state_precision: StatePrecision::Fp32,
            gradient_precision: Precision::Fp16,
            master_weights: false,
        }),
        ..Scenario::default()
    };
    let estimate = estimated(&scenario);
    assert_mib(
        &estimate,
        &[
            (PartKind::Parameters, "47.68"),
            (PartKind::OptimizerState, "190.73"),
            (PartKind::Gradients, "47.68"),
            (PartKind::Activations, "1,024.00"),
        ],
        "1,310.10",
    );
    assert_eq!(estimate.total.display(UnitSystem::Binary).to_string(), "1.28 GiB");
}

#[test]
fn weights_alone() {
    for (parameters, precision, decimal, binary) in [
        (175_000_000_000, Precision::Fp16, "350.00 GB", "325.96 GiB"),
        (70_000_000_000, Precision::Fp16, "140.00 GB", "130.39 GiB"),
        (11_400_000, Precision::Fp32, "45.60 MB", "43.49 MiB"),
        (100_000_000, Precision::Fp16, "200.00 MB", "190.73 MiB"),
        (7_000_000_000, Precision::Int4, "3.50 GB", "3.26 GiB"),
    ] {
        let total = estimated(&weights_only(parameters, precision)).total;
        assert_eq!(total.display(UnitSystem::Decimal).to_string(), decimal);
        assert_eq!(total.display(UnitSystem::Binary).to_string(), binary);
    }
}

#[test]
fn activations_of_a_wide_transformer() {
    let scenario = Scenario {
        batch_size: 32,
        sequence_length: 2_048,
        activation_units: ActivationUnits::PerLayer {
            layers: 96,
            hidden_size: 5_120,
            multiple: "1".parse().expect("a decimal"),
        },
        activation_precision: Precision::Fp16,
        ..Scenario::default()
    };
    let activations = estimated(&scenario).part(PartKind::Activations).bytes;
    assert_eq!(activations, Bytes::new(64_424_509_440));
    assert_eq!(activations.display(UnitSystem::Decimal).to_string(), "64.42 GB");

    let inference = Scenario { task: Task::Inference, ..scenario };
    let one_layer = estimated(&inference).part(PartKind::Activations).bytes;
    assert_eq!(one_layer.get(), 64_424_509_440 / 96);
}

#[test]
fn system_memory_is_a_quarter_more_than_the_devices() {
    // The source's table says 448 GB, which is 1.28 times, beside its own rule of 1.25.
    assert_eq!(system_memory(Bytes::gb(350)).display(UnitSystem::Decimal).to_string(), "437.50 GB");
    let gpt_3 =
        Scenario { device: DeviceChoice::Custom(Bytes::gb(80)), ..weights_only(175_000_000_000, Precision::Fp16) };
    assert_eq!(estimated(&gpt_3).system_memory, Bytes::new(437_500_000_000));
    assert_eq!(estimated(&gpt_3).system_memory_formula.numbers(), "max(80,000,000,000 B, 350,000,000,000 B) × 1.25");
}

#[test]
fn workspace_is_a_share_of_the_total() {
    let mut scenario = weights_only(1_000_000, Precision::Fp32);
    scenario.overheads.workspace_percent = "20".parse().expect("a decimal");
    let estimate = estimated(&scenario);
    assert_eq!(estimate.total, Bytes::new(5_000_000));
    assert_eq!(estimate.part(PartKind::Workspace).share.to_string(), "20.0");
}

#[test]
fn optimizers_keep_what_pytorch_keeps() {
    for (optimizer, precision, bytes) in [
        (Optimizer::Sgd, StatePrecision::SameAsParameters, 0),
        (Optimizer::SgdMomentum, StatePrecision::SameAsParameters, 2_000),
        (Optimizer::RmsProp, StatePrecision::SameAsParameters, 2_000),
        (Optimizer::Adagrad, StatePrecision::Fp32, 4_000),
        (Optimizer::Adam, StatePrecision::SameAsParameters, 4_000),
        (Optimizer::AdamW, StatePrecision::Fp32, 8_000),
        (Optimizer::AmsGrad, StatePrecision::Fp32, 12_000),
        (Optimizer::Adam8bit, StatePrecision::Fp32, 2_000),
        (Optimizer::Custom("0.25".parse().expect("a decimal")), StatePrecision::Fp32, 1_000),
    ] {
        let training = Training { optimizer, state_precision: precision, ..Training::default() };
        let scenario = Scenario {
            parameters: 1_000,
            parameter_precision: Precision::Bf16,
            task: Task::Training(training),
            ..Scenario::default()
        };
        assert_eq!(estimated(&scenario).part(PartKind::OptimizerState).bytes.get(), bytes, "{optimizer:?}");
    }
}

#[test]
fn mixed_precision_adam_takes_sixteen_bytes_a_parameter() {
    // BF16 weights 2 + BF16 gradients 2 + FP32 master 4 + FP32 states 8, as Rajbhandari et al. 2020 (ZeRO) count.
    let scenario = Scenario {
        parameters: 1_000,
        parameter_precision: Precision::Bf16,
        activation_units: ActivationUnits::PerToken { units: 0 },
        task: Task::Training(Training {
            optimizer: Optimizer::Adam,
            state_precision: StatePrecision::Fp32,
            gradient_precision: Precision::Bf16,
            master_weights: true,
        }),
        ..Scenario::default()
    };
    assert_eq!(estimated(&scenario).total, Bytes::new(16_000));
}
