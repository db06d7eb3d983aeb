//! The inputs in their order: the model, the run, what comes on top, the device.

use leptos::prelude::*;
use nn_memory::{
    ActivationMode, Field, Model, ModelKind, Optimizer, Overheads, Precision, StatePrecision, TaskKind, catalog,
};

use super::described::Part;
use super::field::Control::{Number, Segments, Select, Switch};
use super::field::{Control, Options, Spec, options, switch};
use super::state::Fields;
use super::texts::{CUSTOM_DEVICE, Texts};
use crate::built::{Built, built};
use crate::described;
use crate::page::Page;
use crate::reactive::flag;

pub(super) const fn spec(
    field: Field,
    label: &'static str,
    unit: &'static str,
    control: Control,
    help: &'static str,
) -> Spec {
    Spec { field, label, unit, help, help_in_sight: false, control }
}

/// The same with its help in sight.
pub(super) const fn explained(spec: Spec) -> Spec {
    Spec { help_in_sight: true, ..spec }
}

/// Inputs that come and go together.
enum Block {
    /// Whatever the model.
    Always(&'static [Spec]),
    /// Of a model known by its size.
    Sized(&'static [Spec]),
    /// Of a described model, see [`super::described`].
    Described(Part),
    /// The fields of a family.
    ByHand,
}

// A new input is a row here, beside its row in `nn_memory::Field` and its place in the scenario.
#[rustfmt::skip]
static MODEL: &[Block] = &[
    Block::Always(&[
        explained(spec(Field::ModelKind, "Model", "", Segments(options::<ModelKind>),
            "By its size for a quick estimate; the others follow PyTorch operator by operator.")),
    ]),
    Block::Sized(&[
        explained(spec(Field::Parameters, "Parameters", "", Number,
            "Weights and biases in all: 7B, 110M, 1.5e9 or 25,000,000.")),
        explained(spec(Field::ParameterPrecision, "Parameter precision", "", Select(options::<Precision>),
            "How the device stores each parameter.")),
    ]),
    Block::Described(Part::Model),
    Block::ByHand,
    Block::Always(&[
        explained(spec(Field::Task, "Task", "", Segments(options::<TaskKind>),
            "Training adds gradients, optimizer state and kept activations; LoRA trains adapters alone.")),
    ]),
];

#[rustfmt::skip]
static RUN: &[Block] = &[
    Block::Always(&[
        explained(spec(Field::BatchSize, "Batch size", "samples", Number,
            "Samples in one step on one device; what you accumulate does not count.")),
        spec(Field::SequenceLength, "Sequence length", "tokens", Number,
            "Tokens in each sample. 1 for images, tables and whatever else is no sequence."),
    ]),
    Block::Sized(&[
        spec(Field::ActivationMode, "Activations", "", Segments(options::<ActivationMode>),
            "From the shape of the network, or as values per token given outright."),
        spec(Field::Layers, "Layers", "", Number,
            "Blocks that repeat. In inference one layer's activations stand at a time."),
        spec(Field::HiddenSize, "Hidden size", "", Number,
            "Width of the stream between layers, d_model."),
        spec(Field::ActivationMultiple, "Values per layer", "× hidden size", Number,
            "Activation values kept per token and layer, as a multiple of the hidden size. 4 is a rule of thumb; a transformer layer in 16 bits keeps about 17, more without fused attention."),
        spec(Field::UnitsPerToken, "Units per token", "values", Number,
            "Activation values per token over the whole network; per sample where the sequence length is 1."),
        spec(Field::ActivationPrecision, "Activation precision", "", Select(options::<Precision>),
            "How layers store their outputs. Autocast keeps many of them in 16 bits beside FP32 parameters."),
    ]),
    Block::Described(Part::Run),
    Block::Always(&[
        spec(Field::Optimizer, "Optimizer", "", Select(options::<Optimizer>),
            "What it keeps for every parameter between steps: AdamW two values, SGD none. As PyTorch does."),
        spec(Field::OptimizerFactor, "State values per parameter", "", Number,
            "How many values the optimizer keeps for each parameter; a fraction for factored states."),
    ]),
    Block::Sized(&[
        spec(Field::StatePrecision, "Optimizer state precision", "", Select(options::<StatePrecision>),
            "PyTorch stores states like the parameters; frameworks with master weights store them in FP32."),
        spec(Field::GradientPrecision, "Gradient precision", "", Select(options::<Precision>),
            "PyTorch stores gradients like the parameters; Megatron accumulates them in FP32."),
        spec(Field::MasterWeights, "FP32 master weights", "", Switch,
            "A full-precision copy of narrower parameters, as DeepSpeed and Megatron keep."),
    ]),
    Block::Described(Part::Step),
];

#[rustfmt::skip]
static OVERHEADS: &[Block] = &[
    Block::Sized(&[spec(Field::Workspace, "Workspace", "% of the total", Number,
        "Temporary buffers of kernels, as a share of the total: 10 to 20 % is published advice.")]),
    Block::Always(&[spec(Field::Fragmentation, "Fragmentation", "% of the device", Number,
        "Device memory that the allocator cannot use: 15 to 20 % is published advice. It makes the device smaller, not the job larger."),
    spec(Field::Context, "CUDA context", "MiB", Number,
        "The driver's context and loaded kernels, which nvidia-smi counts: 480 MiB on an A100 with lazy loading, 900 and more without.")]),
];

#[rustfmt::skip]
static DEVICE: &[Block] = &[
    Block::Always(&[spec(Field::Device, "Device", "", Select(devices),
        "What the job should fit. The memory that the driver reports counts, not the one on the box."),
    spec(Field::DeviceMemory, "Device memory", "", Number,
        "What the driver reports, with its unit: 24 GiB, 24576 MiB or 25.8 GB.")]),
];

fn devices() -> Options {
    let listed = catalog::DEVICES.iter().map(|device| (device.id, device.name));
    listed.chain([(CUSTOM_DEVICE, "Custom size")]).collect()
}

/// The inputs that come first: on a phone they stand above the answer.
pub fn essentials(page: Page) -> Built {
    group("Model", MODEL, page)
}

/// The other inputs.
pub fn rest(page: Page) -> Built {
    let groups = [("Run", RUN), (OVERHEADS_TITLE, OVERHEADS), ("Device", DEVICE)];
    built(groups.map(|(title, specs)| group(title, specs, page)).into_iter().collect_view())
}

const OVERHEADS_TITLE: &str = "Overheads";

fn group(title: &'static str, blocks: &'static [Block], page: Page) -> Built {
    let preset = (title == OVERHEADS_TITLE).then(|| realistic_overheads(page));
    let described = Memo::new(move |_| page.fields.with(Fields::described));
    let views = move |specs: &'static [Spec]| built(specs.iter().map(|spec| spec.view(page)).collect_view());
    // What a model has no use for is not there, rather than out of sight: it need not follow what is typed.
    let only = move |of_described: bool, views: Box<dyn Fn() -> Option<Built> + Send>| {
        built(move || (described.get() == of_described).then(&views).flatten())
    };
    let blocks = blocks
        .iter()
        .map(|block| match block {
            Block::Always(specs) => views(specs),
            Block::Sized(specs) => only(false, Box::new(move || Some(views(specs)))),
            Block::Described(part) => {
                only(true, Box::new(move || described::get().map(|has| views((has.form.inputs)(*part)))))
            }
            Block::ByHand => only(true, Box::new(move || described::get().map(|has| (has.form.by_hand)(page)))),
        })
        .collect_view();
    built(view! {
        <section class="group" aria-label=title>
            <h2>{title}</h2>
            {preset}
            {blocks}
        </section>
    })
}

fn realistic_overheads(page: Page) -> Built {
    let Page { form, outcome, .. } = page;
    switch(
        "realistic-overheads".to_owned(),
        "Realistic overheads",
        "Sets fragmentation 15 %, context 500 MiB and, by size, workspace 10 %; off sets them to 0.".to_owned(),
        flag(move || {
            outcome.with(|outcome| {
                let workspace_percent = match outcome.scenario.model {
                    Model::Size => outcome.scenario.overheads.workspace_percent,
                    _ => Overheads::REALISTIC.workspace_percent,
                };
                Overheads { workspace_percent, ..outcome.scenario.overheads } == Overheads::REALISTIC
            })
        }),
        Box::new(move |on| {
            let mut texts = form.texts();
            set_overheads(&mut texts, if on { Overheads::REALISTIC } else { Overheads::NONE });
            form.fill(&texts);
        }),
        flag(|| true),
    )
}

fn set_overheads(texts: &mut Texts, overheads: Overheads) {
    texts[Field::Workspace] = overheads.workspace_percent.to_string();
    texts[Field::Fragmentation] = overheads.fragmentation_percent.to_string();
    texts[Field::Context] = overheads.context_mib.to_string();
}
