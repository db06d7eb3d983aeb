//! Scenarios to try: what the property tests of the engine and of the page's links draw from.

use nn_memory::catalog::{self, DEVICES};
use nn_memory::{
    ActivationUnits, Bytes, Choice, Decimal, DeviceChoice, Model, Optimizer, Overheads, Precision, Run, Scenario,
    StatePrecision, Task, Training,
};
use proptest::prelude::*;

/// Any option.
pub fn any_choice<T: Choice + std::fmt::Debug>() -> impl Strategy<Value = T> {
    proptest::sample::select(T::ALL)
}

fn decimal(millionths: u64) -> Decimal {
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000).parse().expect("a decimal")
}

/// Mostly values that people use, now and then any at all.
fn count(usual: u64) -> impl Strategy<Value = u64> {
    prop_oneof![8 => 1..=usual, 1 => 0..=u64::MAX, 1 => Just(0)]
}

fn activation_units() -> impl Strategy<Value = ActivationUnits> {
    prop_oneof![
        (count(200), count(20_000), count(50_000_000)).prop_map(|(layers, hidden_size, millionths)| {
            ActivationUnits::PerLayer { layers, hidden_size, multiple: decimal(millionths) }
        }),
        count(10_000_000).prop_map(|units| ActivationUnits::PerToken { units }),
    ]
}

fn task() -> impl Strategy<Value = Task> {
    let optimizer = prop_oneof![
        any_choice::<Optimizer>(),
        count(4_000_000).prop_map(|millionths| Optimizer::Custom(decimal(millionths)))
    ];
    let training = (optimizer, any_choice::<StatePrecision>(), any_choice::<Precision>(), any::<bool>()).prop_map(
        |(optimizer, state_precision, gradient_precision, master_weights)| {
            Task::Training(Training { optimizer, state_precision, gradient_precision, master_weights })
        },
    );
    prop_oneof![3 => training, 1 => Just(Task::Inference)]
}

fn overheads() -> impl Strategy<Value = Overheads> {
    (count(90_000_000), count(90_000_000), count(4_096)).prop_map(|(workspace, fragmentation, context_mib)| Overheads {
        workspace_percent: decimal(workspace),
        fragmentation_percent: decimal(fragmentation),
        context_mib,
    })
}

fn device() -> impl Strategy<Value = DeviceChoice> {
    prop_oneof![
        proptest::sample::select(DEVICES)
            .prop_map(|device| { DeviceChoice::Catalog(catalog::device(device.id).expect("a row of the table")) }),
        count(1 << 40).prop_map(|bytes| DeviceChoice::Custom(Bytes::new(bytes))),
    ]
}

prop_compose! {
    /// Mostly scenarios that people ask about; now and then an input lies outside its limits.
    pub fn scenario()(
        parameters in count(1_000_000_000_000),
        parameter_precision in any_choice::<Precision>(),
        batch_size in count(4_096),
        sequence_length in count(131_072),
        activation_units in activation_units(),
        activation_precision in any_choice::<Precision>(),
        task in task(),
        overheads in overheads(),
        device in device(),
    ) -> Scenario {
        Scenario {
            model: Model::Size,
            run: Run::default(),
            parameters,
            parameter_precision,
            batch_size,
            sequence_length,
            activation_units,
            activation_precision,
            task,
            overheads,
            device,
        }
    }
}
