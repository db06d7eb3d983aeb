//! What the form has for described models; that of every model and of one by its size is beside this module.

mod blame;
mod by_hand;
mod pasted;
mod read;
mod search;
mod switching;
mod texts;

use nn_memory::architecture::ConfigField;
use nn_memory::{
    Attention, Checkpointing, Config, ConfigError, Estimate, Family, Field, Head, Implementation, Loss, Model,
    ModelKind, PrecisionMode, Run, Scenario,
};

use super::field::Control::{Number, Own, Segments, Select, Switch, Words};
use super::field::{Spec, options};
use super::groups::{explained, spec};
use super::read::{FieldError, Reader};
use super::texts::{Context, Texts};
use crate::built::Built;
use crate::page::Page;
use pasted::{pasted, take_file};
use search::search;

/// The form's part for described models, see [`crate::described`].
pub struct Form {
    /// The inputs.
    pub inputs: fn(Part) -> &'static [Spec],
    /// The inputs of the family that is described by hand.
    pub by_hand: fn(Page) -> Built,
    /// The fields of a family.
    pub fields: fn(Family) -> &'static [ConfigField],
    /// Whether an input plays a part.
    pub applies: fn(&Context, Field) -> bool,
    /// The configuration of a model by name or of a pasted one.
    pub config: fn(&Texts) -> Option<Result<Config, ConfigError>>,
    /// Reads the model.
    pub model: fn(&mut Reader) -> Model,
    /// Reads its run.
    pub run: fn(&mut Reader) -> Run,
    /// Reads an input for what is wrong with it; false where it is one like any other, a number, or on or off.
    pub check: fn(&mut Reader, Field) -> bool,
    /// The same of the family's field at this place.
    pub check_config: fn(&mut Reader, usize),
    /// Writes model and run.
    pub write: fn(&mut Texts, &Scenario),
    /// Describes a family by hand, as published.
    pub describe_family: fn(&mut Texts, Family),
    /// Reads a file that was dropped on the page.
    pub take_file: fn(Page, web_sys::File),
    /// The texts with the model given in another way.
    pub switched: fn(Texts, ModelKind, &Scenario, &Estimate) -> Texts,
    /// The texts with another family described by hand.
    pub with_family: fn(Texts, Family) -> Texts,
    /// Which input is to change where a network cannot be followed.
    pub blame: fn(ConfigError, &Texts, &Scenario) -> FieldError,
    /// Puts back what contradicts a field of the family that stands as published.
    pub mend_contradicted: fn(&mut Texts, FieldError) -> (FieldError, String),
}

/// All of it.
pub static FORM: Form = Form {
    inputs,
    by_hand: by_hand::by_hand,
    fields: |family| family.fields(),
    applies: texts::applies,
    config: texts::config,
    model: |reader| reader.model(),
    run: |reader| reader.run(),
    check: |reader, field| reader.check_described(field),
    check_config: |reader, place| reader.check_config(place),
    write: texts::write_described,
    describe_family: |texts, family| texts.describe(&Config::of(family)),
    take_file,
    switched: switching::switched,
    with_family: switching::with_family,
    blame: blame::blame,
    mend_contradicted: blame::mend_contradicted,
};

/// Inputs that stand together among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Which model it is.
    Model,
    /// What its run reads, and in which types.
    Run,
    /// How its step is done.
    Step,
}

/// The inputs of a part.
fn inputs(part: Part) -> &'static [Spec] {
    match part {
        Part::Model => MODEL,
        Part::Run => RUN,
        Part::Step => STEP,
    }
}

#[rustfmt::skip]
static MODEL: &[Spec] = &[
    explained(spec(Field::Model, "Name", "", Own(search),
        "Type a part of the name or of the family, then choose with the arrow keys and Enter.")),
    explained(spec(Field::ModelType, "Family", "", Select(options::<Family>),
        "The model_type of config.json. Its fields follow, with the family's published defaults.")),
    explained(spec(Field::Config, "config.json", "", Own(pasted),
        "Paste the file from Hugging Face, choose it, or drop it anywhere on the page. Fields that do not bear on memory are left \
         alone; of a network that reads images as well, the language model counts.")),
];

#[rustfmt::skip]
static RUN: &[Spec] = &[
    spec(Field::TargetLength, "Target length", "tokens", Number,
        "Tokens that the decoder reads; the sequence length is the encoder's."),
    spec(Field::PrecisionMode, "Precision", "", Select(options::<PrecisionMode>),
        "In which types weights and operators work. Autocast keeps FP32 weights and casts copies of them."),
];

#[rustfmt::skip]
static STEP: &[Spec] = &[
    spec(Field::OptimizerImplementation, "Implementation", "", Segments(options::<Implementation>),
        "foreach, the default on CUDA, makes temporaries as large as all weights; fused makes none."),
    spec(Field::Checkpointing, "Activation checkpointing", "", Select(options::<Checkpointing>),
        "What is computed again in backward instead of kept: less memory, about a third more work."),
    spec(Field::CheckpointEvery, "Blocks per checkpoint", "blocks", Number,
        "Only the input of each group is kept; one group at a time is computed again."),
    spec(Field::Attention, "Attention", "", Select(options::<Attention>),
        "The kernel of scaled_dot_product_attention, or attention written out, which keeps every score."),
    spec(Field::Head, "Trained for", "", Select(options::<Head>),
        "Logits over the vocabulary for each token, or one label for the sequence."),
    spec(Field::Loss, "Loss", "", Select(options::<Loss>),
        "Cross-entropy for one class of many, squares for numbers, binary cross-entropy for any of the classes."),
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
        "Turn it off to count every rate as 0: no masks are kept."),
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
];
