//! The inputs in their order: the model, the run, what comes on top, the device.

use leptos::prelude::*;
use nn_memory::{
    ActivationMode, Attention, Checkpointing, Family, Field, Head, Implementation, Model, ModelKind, Optimizer,
    Overheads, Precision, PrecisionMode, StatePrecision, TaskKind, catalog,
};

use super::field::Control::{Area, Number, Search, Segments, Select, Switch, Words};
use super::field::{Control, Options, Spec, options, switch};
use super::model::by_hand;
use super::state::Fields;
use super::texts::{CUSTOM_DEVICE, Texts};
use crate::page::Page;
use crate::reactive::flag;

const fn spec(field: Field, label: &'static str, unit: &'static str, control: Control, help: &'static str) -> Spec {
    Spec { field, label, unit, help, help_in_sight: false, control }
}

/// The same with its help in sight.
const fn explained(spec: Spec) -> Spec {
    Spec { help_in_sight: true, ..spec }
}

/// Inputs that come and go together.
enum Block {
    /// Whatever the model.
    Always(&'static [Spec]),
    /// Of a model known by its size.
    Sized(&'static [Spec]),
    /// Of a described model.
    Described(&'static [Spec]),
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
    Block::Described(&[
        explained(spec(Field::Model, "Name", "", Search,
            "Type a part of the name or of the family, then choose with the arrow keys and Enter.")),
        explained(spec(Field::ModelType, "Family", "", Select(options::<Family>),
            "The model_type of config.json. Its fields follow, with the family's published defaults.")),
        explained(spec(Field::Config, "config.json", "", Area,
            "Paste the file from Hugging Face. Fields that do not bear on memory are left alone.")),
    ]),
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
    Block::Described(&[
        spec(Field::TargetLength, "Target length", "tokens", Number,
            "Tokens that the decoder reads; the sequence length is the encoder's."),
        spec(Field::PrecisionMode, "Precision", "", Select(options::<PrecisionMode>),
            "In which types weights and operators work. Autocast keeps FP32 weights and casts copies of them."),
    ]),
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
    Block::Described(&[
        spec(Field::OptimizerImplementation, "Optimizer's loop", "", Segments(options::<Implementation>),
            "foreach, the default on CUDA, makes temporaries as large as all weights; fused makes none."),
        spec(Field::Checkpointing, "Activation checkpointing", "", Select(options::<Checkpointing>),
            "What is computed again in backward instead of kept: less memory, about a third more work."),
        spec(Field::CheckpointEvery, "Blocks per checkpoint", "blocks", Number,
            "Only the input of each group is kept; one group at a time is computed again."),
        spec(Field::Attention, "Attention", "", Select(options::<Attention>),
            "The kernel of scaled_dot_product_attention, or attention written out, which keeps every score."),
        spec(Field::Head, "Trained for", "", Segments(options::<Head>),
            "Logits over the vocabulary for each token, or one label for the sequence."),
        spec(Field::LoraRank, "LoRA rank", "", Number,
            "Inner width of each adapter, r."),
        spec(Field::LoraAlpha, "LoRA alpha", "", Number,
            "Scale of the adapters; no memory depends on it."),
        spec(Field::LoraDropout, "LoRA dropout", "", Number,
            "Rate of dropout on the adapters' inputs, from 0 to 1. Above 0 each adapter keeps its own input."),
        spec(Field::LoraTargets, "LoRA targets", "", Words,
            "Linear layers that get an adapter, with commas: q_proj,v_proj. Or all."),
        spec(Field::LoraPrecision, "Adapters in FP32", "", Switch,
            "As peft does by default; otherwise in the type of the weights."),
        spec(Field::Accumulation, "Accumulation", "micro-batches", Number,
            "Micro-batches whose gradients are added up before each step; their batch size is the one above."),
        spec(Field::Dropout, "Dropout", "", Switch,
            "Off for rates of 0: no masks are kept."),
        spec(Field::Padding, "Padded batch", "", Switch,
            "Samples of different lengths: a mask is built, and flash attention steps aside."),
        spec(Field::ZeroGrad, "zero_grad to zeros", "", Switch,
            "set_to_none=False: gradients stay through the forward pass."),
        spec(Field::Clip, "Gradient clipping", "", Switch,
            "clip_grad_norm_ before each step."),
        spec(Field::HoldOutputs, "Outputs held", "", Switch,
            "The loop keeps the model's outputs, logits among them, until the next step."),
        spec(Field::KvCache, "Key-value cache", "", Switch,
            "Keys and values of all tokens are kept for the next one."),
        spec(Field::Logits, "Last token's logits only", "", Switch,
            "As generate() asks for; otherwise logits of every token."),
    ]),
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
pub fn essentials(page: Page) -> impl IntoView {
    group("Model", MODEL, page)
}

/// The other inputs.
pub fn rest(page: Page) -> impl IntoView {
    [("Run", RUN), (OVERHEADS_TITLE, OVERHEADS), ("Device", DEVICE)]
        .map(|(title, specs)| group(title, specs, page))
        .collect_view()
}

const OVERHEADS_TITLE: &str = "Overheads";

fn group(title: &'static str, blocks: &'static [Block], page: Page) -> impl IntoView {
    let preset = (title == OVERHEADS_TITLE).then(|| realistic_overheads(page));
    let described = Memo::new(move |_| page.fields.with(Fields::described));
    let views = move |specs: &'static [Spec]| specs.iter().map(|spec| spec.view(page)).collect_view();
    // What a model has no use for is not there, rather than out of sight: it need not follow what is typed.
    let only = move |specs: &'static [Spec], of_described: bool| {
        (move || (described.get() == of_described).then(|| views(specs))).into_any()
    };
    let blocks = blocks
        .iter()
        .map(|block| match block {
            Block::Always(specs) => views(specs).into_any(),
            Block::Sized(specs) => only(specs, false),
            Block::Described(specs) => only(specs, true),
            Block::ByHand => by_hand(page).into_any(),
        })
        .collect_view();
    view! {
        <section class="group" aria-label=title>
            <h2>{title}</h2>
            {preset}
            {blocks}
        </section>
    }
}

fn realistic_overheads(page: Page) -> impl IntoView {
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
            let mut texts = untrack(|| form.texts());
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
