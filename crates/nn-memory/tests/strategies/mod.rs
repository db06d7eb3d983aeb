//! Scenarios to try: what the property tests of the engine and of the page's links draw from.

use nn_memory::catalog::{self, DEVICES};
use nn_memory::{
    ActivationUnits, Attention, Bytes, Checkpointing, Choice, Config, Decimal, DeviceChoice, Family, Head,
    Implementation, Lora, Loss, Model, Optimizer, Overheads, Precision, PrecisionMode, Run, Scenario, StatePrecision,
    TARGET_MODULES, Targets, Task, Training,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

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

/// A configuration: the family's defaults with some fields changed, seldom to what contradicts the others.
#[allow(dead_code, reason = "each test binary has a use of its own for this file")]
pub fn config() -> impl Strategy<Value = Config> {
    let change = (any::<Index>(), prop_oneof![6 => 0..=64_u64, 1 => any::<u64>()]);
    (any_choice::<Family>(), vec(change, 0..6)).prop_map(|(family, changes)| {
        let mut config = Config::of(family);
        for (place, given) in changes {
            let field = &family.fields()[place.index(family.fields().len())];
            let limits = field.kind.limits();
            // Most published fields are multiples of 64.
            let code = if given <= 64 && *limits.end() > 1_000_000 { given * 64 } else { given };
            config.set(field.key, code.clamp(*limits.start(), *limits.end())).expect("within the limits");
        }
        config
    })
}

fn lora() -> impl Strategy<Value = Lora> {
    let targets = prop_oneof![
        Just(Targets::ALL),
        subsequence(TARGET_MODULES, 1..TARGET_MODULES.len())
            .prop_map(|names| Targets::parse(&names.join(",")).expect("names of the list")),
    ];
    (count(256), count(512), 0..=1_000_000_u64, targets, any::<bool>()).prop_map(
        |(rank, alpha, dropout, targets, fp32)| Lora { rank, alpha, dropout: decimal(dropout), targets, fp32 },
    )
}

prop_compose! {
    /// Settings of a run; now and then an input lies outside its limits.
    #[allow(dead_code, reason = "each test binary has a use of its own for this file")]
    pub fn run()(
        precision in any_choice::<PrecisionMode>(),
        implementation in any_choice::<Implementation>(),
        checkpointing in prop_oneof![any_choice::<Checkpointing>(), count(64).prop_map(Checkpointing::Every)],
        attention in any_choice::<Attention>(),
        head in any_choice::<Head>(),
        loss in any_choice::<Loss>(),
        flags in any::<[bool; 7]>(),
        accumulation_steps in count(64),
        target_length in count(4_096),
        lora in lora(),
    ) -> Run {
        let [dropout, set_to_none, clip, hold_outputs, padding, kv_cache, last_logits] = flags;
        Run {
            precision, implementation, checkpointing, attention, dropout, accumulation_steps, set_to_none, clip,
            hold_outputs, padding, head, loss, target_length, kv_cache, last_logits, lora,
        }
    }
}

fn model() -> impl Strategy<Value = Model> {
    let named: Vec<_> = catalog::MODELS.iter().filter(|model| Config::from_json(model.config).is_ok()).collect();
    prop_oneof![2 => Just(Model::Size), 1 => select(named).prop_map(Model::Named), 2 => config().prop_map(Model::Described)]
}

prop_compose! {
    /// Scenarios of models known in any way.
    #[allow(dead_code, reason = "each test binary has a use of its own for this file")]
    pub fn any_scenario()(scenario in scenario(), model in model(), run in run(), lora in any::<bool>()) -> Scenario {
        let task = match scenario.task {
            Task::Training(training) if lora => Task::Lora(training),
            other => other,
        };
        Scenario { model, run, task, ..scenario }
    }
}
