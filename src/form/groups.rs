//! The inputs in their order: the model, the run, what comes on top, the device.

use leptos::prelude::*;
use nn_memory::{ActivationMode, Field, Optimizer, Overheads, Precision, StatePrecision, TaskKind, catalog};

use super::fields::{Help, NumberField, SegmentedField, SelectField, SwitchField, options};
use super::state::{Form, Outcome};
use super::texts::{CUSTOM_DEVICE, Texts};

/// The inputs that come first: on a phone they stand above the answer.
#[component]
pub fn Essentials(
    /// The form.
    form: Form,
    /// What follows from it.
    outcome: Memo<Outcome>,
) -> impl IntoView {
    view! {
        <section class="group" aria-labelledby="group-model">
            <h2 id="group-model">"Model"</h2>
            <NumberField
                form outcome field=Field::Parameters label="Parameters"
                help=Help::Shown("Weights and biases in all: 7B, 110M, 1.5e9 or 25,000,000.")
            />
            <SelectField
                form outcome field=Field::ParameterPrecision label="Parameter precision"
                help=Help::Shown("How the device stores each parameter.")
                options={options::<Precision>()}
            />
            <SegmentedField<TaskKind>
                form outcome field=Field::Task label="Task"
                help=Help::Shown("Training adds gradients, optimizer state and kept activations.")
            />
        </section>
    }
}

/// The other inputs.
#[component]
pub fn Rest(
    /// The form.
    form: Form,
    /// What follows from it.
    outcome: Memo<Outcome>,
) -> impl IntoView {
    view! {
        <section class="group" aria-labelledby="group-run">
            <h2 id="group-run">"Run"</h2>
            <NumberField
                form outcome field=Field::BatchSize label="Batch size" unit="samples"
                help=Help::Shown("Samples in one step on one device; what you accumulate does not count.")
            />
            <NumberField
                form outcome field=Field::SequenceLength label="Sequence length" unit="tokens"
                help=Help::Folded("Tokens in each sample. 1 for images, tables and whatever else is no sequence.")
            />
            <Activations form outcome/>
            <Optimization form outcome/>
        </section>
        <section class="group" aria-labelledby="group-overheads">
            <h2 id="group-overheads">"Overheads"</h2>
            <OverheadFields form outcome/>
        </section>
        <section class="group" aria-labelledby="group-device">
            <h2 id="group-device">"Device"</h2>
            <SelectField
                form outcome field=Field::Device label="Device"
                help=Help::Folded("What the job should fit. The memory that the driver reports counts, not the one on the box.")
                options={devices()}
            />
            <NumberField
                form outcome field=Field::DeviceMemory label="Device memory"
                help=Help::Folded("What the driver reports, with its unit: 24 GiB, 24576 MiB or 25.8 GB.")
            />
        </section>
    }
}

#[component]
fn Activations(form: Form, outcome: Memo<Outcome>) -> impl IntoView {
    view! {
        <SegmentedField<ActivationMode>
            form outcome field=Field::ActivationMode label="Activations"
            help=Help::Folded("From the shape of the network, or as values per token given outright.")
        />
        <NumberField
            form outcome field=Field::Layers label="Layers"
            help=Help::Folded("Blocks that repeat. In inference one layer's activations stand at a time.")
        />
        <NumberField
            form outcome field=Field::HiddenSize label="Hidden size"
            help=Help::Folded("Width of the stream between layers, d_model.")
        />
        <NumberField
            form outcome field=Field::ActivationMultiple label="Values per layer" unit="× hidden size"
            help=Help::Folded("Activation values kept per token and layer, as a multiple of the hidden size. 4 is a rule of thumb; a transformer layer in 16 bits keeps about 17, more without fused attention.")
        />
        <NumberField
            form outcome field=Field::UnitsPerToken label="Units per token" unit="values"
            help=Help::Folded("Activation values per token over the whole network; per sample where the sequence length is 1.")
        />
        <SelectField
            form outcome field=Field::ActivationPrecision label="Activation precision"
            help=Help::Folded("How layers store their outputs. Autocast keeps many of them in 16 bits beside FP32 parameters.")
            options={options::<Precision>()}
        />
    }
}

#[component]
fn Optimization(form: Form, outcome: Memo<Outcome>) -> impl IntoView {
    let master = form.text(Field::MasterWeights);
    view! {
        <SelectField
            form outcome field=Field::Optimizer label="Optimizer"
            help=Help::Folded("What it keeps for every parameter between steps: AdamW two values, SGD none. As PyTorch does.")
            options={options::<Optimizer>()}
        />
        <NumberField
            form outcome field=Field::OptimizerFactor label="State values per parameter"
            help=Help::Folded("How many values the optimizer keeps for each parameter; a fraction for factored states.")
        />
        <SelectField
            form outcome field=Field::StatePrecision label="Optimizer state precision"
            help=Help::Folded("PyTorch stores states like the parameters; frameworks with master weights store them in FP32.")
            options={options::<StatePrecision>()}
        />
        <SelectField
            form outcome field=Field::GradientPrecision label="Gradient precision"
            help=Help::Folded("PyTorch stores gradients like the parameters; Megatron accumulates them in FP32.")
            options={options::<Precision>()}
        />
        <SwitchField
            id="input-master-weights"
            label="FP32 master weights"
            help="A full-precision copy of narrower parameters, as DeepSpeed and Megatron keep."
            on=Signal::derive(move || master.with(|text| text == "yes"))
            set=move |on| master.set(if on { "yes" } else { "no" }.to_owned())
            applies=Memo::new(move |_| form.texts().applies(Field::MasterWeights))
        />
    }
}

#[component]
fn OverheadFields(form: Form, outcome: Memo<Outcome>) -> impl IntoView {
    let realistic = Memo::new(move |_| {
        let mut expected = Texts::default();
        let texts = form.texts();
        set_overheads(&mut expected, Overheads::REALISTIC);
        [Field::Workspace, Field::Fragmentation, Field::Context].into_iter().all(|field| texts[field] == expected[field])
    });
    view! {
        <SwitchField
            id="realistic-overheads"
            label="Realistic overheads"
            help="Sets workspace 10 %, fragmentation 15 % and context 500 MiB; off sets all three to 0."
            on=realistic
            set=move |on| {
                let mut texts = form.texts();
                set_overheads(&mut texts, if on { Overheads::REALISTIC } else { Overheads::NONE });
                form.fill(&texts);
            }
        />
        <NumberField
            form outcome field=Field::Workspace label="Workspace" unit="% of the total"
            help=Help::Folded("Temporary buffers of kernels, as a share of the total: 10 to 20 % is published advice.")
        />
        <NumberField
            form outcome field=Field::Fragmentation label="Fragmentation" unit="% of the device"
            help=Help::Folded("Device memory that the allocator cannot use: 15 to 20 % is published advice. It makes the device smaller, not the job larger.")
        />
        <NumberField
            form outcome field=Field::Context label="CUDA context" unit="MiB"
            help=Help::Folded("The driver's context and loaded kernels, which nvidia-smi counts: 480 MiB on an A100 with lazy loading, 900 and more without.")
        />
    }
}

fn set_overheads(texts: &mut Texts, overheads: Overheads) {
    texts[Field::Workspace] = overheads.workspace_percent.to_string();
    texts[Field::Fragmentation] = overheads.fragmentation_percent.to_string();
    texts[Field::Context] = overheads.context_mib.to_string();
}

fn devices() -> Vec<(&'static str, &'static str)> {
    let listed = catalog::DEVICES.iter().map(|device| (device.id, device.name));
    listed.chain([(CUSTOM_DEVICE, "Custom size")]).collect()
}
