//! The texts of what only described models have, and which of their inputs play a part.

use nn_memory::{
    Checkpointing, Choice, Config, ConfigError, Family, Field, Head, Implementation, Model, ModelKind, Optimizer,
    PrecisionMode, Scenario, TaskKind, catalog, format_count_short,
};

use super::super::input::Input;
use super::super::texts::{Context, Texts, word, write};

impl Texts {
    /// Describes this configuration by hand.
    pub fn describe(&mut self, config: &Config) {
        self[Field::ModelType] = config.family().key().to_owned();
        let mut fields = config.fields();
        for place in 0..Input::COUNT - Field::ALL.len() {
            self[Input::Config(place)] = fields.next().map_or_else(String::new, |(field, code)| write(field, code));
        }
    }
}

/// The configuration of a model by name or of a pasted one.
pub fn config(texts: &Texts) -> Option<Result<Config, ConfigError>> {
    match texts.kind() {
        ModelKind::Size | ModelKind::Described => None,
        ModelKind::Named => catalog::model(&texts[Field::Model]).map(|model| Config::from_json(model.config)),
        ModelKind::Pasted => Some(Config::from_json(&texts[Field::Config])),
    }
}

/// Whether an input plays a part in the scenario of a described model.
pub fn applies(context: &Context, field: Field) -> bool {
    let Context { texts, kind, family, task, .. } = *context;
    let trains = task != TaskKind::Inference;
    match field {
        Field::Parameters
        | Field::ParameterPrecision
        | Field::ActivationMode
        | Field::ActivationPrecision
        | Field::Layers
        | Field::HiddenSize
        | Field::ActivationMultiple
        | Field::UnitsPerToken
        | Field::GradientPrecision
        | Field::StatePrecision
        | Field::MasterWeights
        | Field::Workspace => false,
        Field::Model => kind == ModelKind::Named,
        Field::ModelType => kind == ModelKind::Described,
        Field::Config => kind == ModelKind::Pasted,
        Field::SequenceLength | Field::Padding => family.reads_tokens(),
        Field::TargetLength => family.has_target(),
        Field::Optimizer | Field::Accumulation | Field::Clip | Field::HoldOutputs => trains,
        // With master weights gradients go in the step.
        Field::ZeroGrad => {
            trains && !PrecisionMode::from_key(&texts[Field::PrecisionMode]).is_some_and(PrecisionMode::master_weights)
        }
        Field::OptimizerFactor => trains && context.custom_optimizer(),
        Field::OptimizerImplementation => trains && has_implementations(&texts[Field::Optimizer]),
        Field::Checkpointing => trains && family.attends(),
        Field::CheckpointEvery => {
            trains && family.attends() && texts[Field::Checkpointing] == Checkpointing::Every(1).key()
        }
        Field::Attention => family.chooses_attention(),
        Field::Head => family.takes_head(),
        Field::Loss => trains && Head::from_key(&texts[Field::Head]).is_some_and(|head| family.labels_samples(head)),
        Field::Dropout => trains && family.drops(),
        Field::KvCache | Field::Logits => !trains && family.decodes(),
        Field::LoraRank | Field::LoraAlpha | Field::LoraDropout | Field::LoraTargets | Field::LoraPrecision => {
            task == TaskKind::Lora
        }
        Field::DeviceMemory => context.custom_device(),
        _ => true,
    }
}

/// Whether an optimizer runs in more ways than one.
fn has_implementations(key: &str) -> bool {
    Optimizer::from_key(key)
        .is_some_and(|optimizer| optimizer.implementation(Implementation::Foreach) != Implementation::Loop)
}

/// Writes what only described models have.
pub fn write_described(texts: &mut Texts, scenario: &Scenario) {
    let first = Config::of(Family::ALL[0]);
    texts[Field::Config] = first.to_json();
    texts.describe(&first);
    match scenario.model {
        Model::Named(model) => texts[Field::Model] = model.key.into(),
        Model::Described(config) => texts.describe(&config),
        _ => {}
    }
    let run = &scenario.run;
    let mut set = |field: Field, text: String| texts[field] = text;
    set(Field::PrecisionMode, run.precision.key().into());
    set(Field::OptimizerImplementation, run.implementation.key().into());
    set(Field::Checkpointing, run.checkpointing.key().into());
    if let Checkpointing::Every(blocks) = run.checkpointing {
        set(Field::CheckpointEvery, format_count_short(blocks));
    }
    set(Field::Attention, run.attention.key().into());
    set(Field::Head, run.head.key().into());
    set(Field::Loss, run.loss.key().into());
    set(Field::Accumulation, format_count_short(run.accumulation_steps));
    set(Field::TargetLength, format_count_short(run.target_length));
    set(Field::LoraRank, format_count_short(run.lora.rank));
    set(Field::LoraAlpha, format_count_short(run.lora.alpha));
    set(Field::LoraDropout, run.lora.dropout.to_string());
    set(Field::LoraTargets, run.lora.targets.to_string());
    for (field, on) in [
        (Field::Dropout, run.dropout),
        (Field::ZeroGrad, !run.set_to_none),
        (Field::Clip, run.clip),
        (Field::HoldOutputs, run.hold_outputs),
        (Field::Padding, run.padding),
        (Field::KvCache, run.kv_cache),
        (Field::Logits, run.last_logits),
        (Field::LoraPrecision, run.lora.fp32),
    ] {
        set(field, word(field, on));
    }
}
