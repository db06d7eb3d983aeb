//! The inputs as text: what the form shows and what a link holds.

use std::ops::{Index, IndexMut};

use nn_memory::architecture::{ConfigField, FieldKind};
use nn_memory::{
    ActivationMode, ActivationUnits, Bytes, Choice, Config, ConfigError, Decimal, DeviceChoice, Family, Field,
    ModelKind, Optimizer, Precision, Scenario, TaskKind, format_count_short,
};

use super::input::Input;
use crate::described;

/// The key of a device that is not in the catalogue.
pub const CUSTOM_DEVICE: &str = "custom";

/// The model that a form starts with when one is chosen by name.
pub(super) const FIRST_MODEL: &str = "bert-base";

/// The text of every input, typed or picked (then the key of the option).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts([String; Input::COUNT]);

impl<I: Into<Input>> Index<I> for Texts {
    type Output = String;

    fn index(&self, input: I) -> &String {
        &self.0[input.into().place()]
    }
}

impl<I: Into<Input>> IndexMut<I> for Texts {
    fn index_mut(&mut self, input: I) -> &mut String {
        &mut self.0[input.into().place()]
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self::from(&Scenario::default())
    }
}

impl Texts {
    /// Builds the texts input by input.
    pub fn from_fn(mut text: impl FnMut(Input) -> String) -> Self {
        let mut texts = Self(std::array::from_fn(|_| String::new()));
        for input in Input::all() {
            texts[input] = text(input);
        }
        texts
    }

    /// Fills in the defaults that were missing, as `missing` shows: those of described models, until what describes them
    /// was loaded.
    pub fn complete(&mut self, missing: &Self) {
        let defaults = Self::default();
        for input in Input::all() {
            if missing[input].is_empty() && self[input].is_empty() {
                self[input].clone_from(&defaults[input]);
            }
        }
    }

    /// How the model is given.
    pub fn kind(&self) -> ModelKind {
        ModelKind::from_key(&self[Field::ModelKind]).unwrap_or(ModelKind::Size)
    }

    /// The family that is described by hand.
    pub fn family(&self) -> Family {
        Family::from_key(&self[Field::ModelType]).unwrap_or(Family::ALL[0])
    }

    /// What an input holds as long as nobody has changed it; of a family's field, its published default.
    pub fn default_text(&self, input: Input) -> String {
        match input {
            Input::Config(place) => described::fields(self.family()).get(place).map_or_else(String::new, default_text),
            Input::Field(_) => Self::default()[input].clone(),
        }
    }

    /// What decides which inputs play a part.
    pub fn context(&self) -> Context<'_> {
        let kind = self.kind();
        let described = described::get().filter(|_| kind != ModelKind::Size);
        let config = described.and_then(|has| (has.form.config)(self));
        let family = match &config {
            Some(Ok(config)) => config.family(),
            _ => self.family(),
        };
        let task = TaskKind::from_key(&self[Field::Task]).unwrap_or(TaskKind::Training);
        Context { texts: self, kind, family, task, config }
    }
}

/// What decides which inputs play a part: how the model is given, its family, and what is done with it.
pub struct Context<'a> {
    pub(super) texts: &'a Texts,
    /// How the model is given.
    pub kind: ModelKind,
    /// The family of a described model; where that cannot be read, of the one described by hand.
    pub family: Family,
    pub(super) task: TaskKind,
    /// The configuration of a model by name or of a pasted one.
    pub config: Option<Result<Config, ConfigError>>,
}

impl Context<'_> {
    /// Whether the input plays a part in the scenario.
    pub fn applies(&self, field: Field) -> bool {
        match (self.kind, described::get()) {
            (ModelKind::Size, _) => self.applies_by_size(field),
            (_, has) => has.is_some_and(|has| (has.form.applies)(self, field)),
        }
    }

    fn applies_by_size(&self, field: Field) -> bool {
        let texts = self.texts;
        let trains = self.task == TaskKind::Training;
        let layers = texts[Field::ActivationMode] == ActivationMode::Layers.key();
        match field {
            Field::Layers | Field::HiddenSize | Field::ActivationMultiple => layers,
            Field::UnitsPerToken => !layers,
            Field::Optimizer | Field::GradientPrecision => trains,
            Field::OptimizerFactor => trains && self.custom_optimizer(),
            Field::StatePrecision => trains && texts[Field::Optimizer] != Optimizer::Adam8bit.key(),
            Field::MasterWeights => {
                let precision = Precision::from_key(&texts[Field::ParameterPrecision]);
                trains && precision.is_some_and(|precision| precision.bits() < 32)
            }
            Field::DeviceMemory => self.custom_device(),
            _ => Input::from(field).is_of_size(),
        }
    }

    pub(super) fn custom_optimizer(&self) -> bool {
        self.texts[Field::Optimizer] == Optimizer::Custom(Decimal::default()).key()
    }

    pub(super) fn custom_device(&self) -> bool {
        self.texts[Field::Device] == CUSTOM_DEVICE
    }
}

/// The words of an input that is on or off.
pub const fn words(field: Field) -> Option<[&'static str; 2]> {
    Some(match field {
        Field::MasterWeights | Field::Clip | Field::HoldOutputs | Field::Padding | Field::KvCache => ["yes", "no"],
        Field::Dropout => ["on", "off"],
        Field::ZeroGrad => ["zeros", "none"],
        Field::Logits => ["last", "all"],
        Field::LoraPrecision => ["fp32", "weights"],
        _ => return None,
    })
}

/// The words of a flag of a configuration.
pub const FLAG: [&str; 2] = ["true", "false"];

/// The text of a coded value.
pub(super) fn write(field: &ConfigField, code: u64) -> String {
    match field.kind {
        FieldKind::OptionalCount { .. } if code == 0 => String::new(),
        FieldKind::Flag => FLAG[usize::from(code == 0)].to_owned(),
        FieldKind::Rate => Decimal::from_millionths(code).to_string(),
        FieldKind::Choice(names) => usize::try_from(code)
            .ok()
            .and_then(|place| names.get(place))
            .map_or_else(String::new, |name| (*name).into()),
        _ => format_count_short(code),
    }
}

/// The text of the family's published default.
pub fn default_text(field: &ConfigField) -> String {
    write(field, field.default)
}

impl From<&Scenario> for Texts {
    fn from(scenario: &Scenario) -> Self {
        let mut texts = Self::from_fn(|input| match input {
            Input::Field(field) => inactive_text(field).to_owned(),
            Input::Config(_) => String::new(),
        });
        if let Some(has) = described::get() {
            (has.form.write)(&mut texts, scenario);
        }
        let mut set = |field: Field, text: String| texts[field] = text;
        set(Field::ModelKind, scenario.model.kind().key().into());
        set(Field::Parameters, format_count_short(scenario.parameters));
        set(Field::ParameterPrecision, scenario.parameter_precision.key().into());
        set(Field::Task, scenario.task.kind().key().into());
        set(Field::BatchSize, format_count_short(scenario.batch_size));
        set(Field::SequenceLength, format_count_short(scenario.sequence_length));
        set(Field::ActivationPrecision, scenario.activation_precision.key().into());
        set(Field::Workspace, scenario.overheads.workspace_percent.to_string());
        set(Field::Fragmentation, scenario.overheads.fragmentation_percent.to_string());
        set(Field::Context, scenario.overheads.context_mib.to_string());
        match scenario.activation_units {
            ActivationUnits::PerLayer { layers, hidden_size, multiple } => {
                set(Field::ActivationMode, ActivationMode::Layers.key().into());
                set(Field::Layers, format_count_short(layers));
                set(Field::HiddenSize, format_count_short(hidden_size));
                set(Field::ActivationMultiple, multiple.to_string());
            }
            ActivationUnits::PerToken { units } => {
                set(Field::ActivationMode, ActivationMode::Units.key().into());
                set(Field::UnitsPerToken, format_count_short(units));
            }
        }
        if let Some(training) = scenario.task.training() {
            set(Field::Optimizer, training.optimizer.key().into());
            set(Field::StatePrecision, training.state_precision.key().into());
            set(Field::GradientPrecision, training.gradient_precision.key().into());
            set(Field::MasterWeights, word(Field::MasterWeights, training.master_weights));
            if let Optimizer::Custom(values) = training.optimizer {
                set(Field::OptimizerFactor, values.to_string());
            }
        }
        match scenario.device {
            DeviceChoice::Catalog(device) => set(Field::Device, device.id.into()),
            DeviceChoice::Custom(bytes) => {
                set(Field::Device, CUSTOM_DEVICE.into());
                set(Field::DeviceMemory, write_memory(bytes));
            }
        }
        texts
    }
}

/// The word of an input that is on or off.
pub(super) fn word(field: Field, on: bool) -> String {
    words(field).map_or_else(String::new, |words| words[usize::from(!on)].to_owned())
}

/// What an input shows that plays no part in the scenario it was filled from.
fn inactive_text(field: Field) -> &'static str {
    match field {
        Field::Layers => "12",
        Field::HiddenSize => "768",
        Field::ActivationMultiple => "4",
        Field::UnitsPerToken => "37000",
        Field::Optimizer => "adamw",
        Field::OptimizerFactor | Field::CheckpointEvery => "2",
        Field::StatePrecision => "same",
        Field::GradientPrecision => "fp32",
        Field::MasterWeights => "no",
        Field::DeviceMemory => "24GiB",
        Field::Model => FIRST_MODEL,
        _ => "",
    }
}

/// The shortest way to write an amount that reads back the same.
fn write_memory(bytes: Bytes) -> String {
    use nn_memory::Unit;
    let unit = [Unit::GIB, Unit::GB, Unit::MIB].into_iter().find(|unit| bytes.get().is_multiple_of(unit.bytes()));
    let unit = unit.unwrap_or(Unit::BYTE);
    format!("{}{}", bytes.get() / unit.bytes(), unit.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_written_so_that_it_reads_back() {
        for (bytes, text) in
            [(Bytes::gib(24), "24GiB"), (Bytes::gb(48), "48GB"), (Bytes::mib(3), "3MiB"), (Bytes::new(7), "7B")]
        {
            assert_eq!(write_memory(bytes), text);
            assert_eq!(text.parse(), Ok(bytes));
        }
    }

    #[test]
    fn what_does_not_apply_is_not_asked() {
        let mut texts = Texts::default();
        let asked = |texts: &Texts, field| texts.context().applies(field);
        assert!(asked(&texts, Field::Parameters) && !asked(&texts, Field::PrecisionMode));
        texts[Field::ModelKind] = "hand".into();
        assert!(!asked(&texts, Field::Parameters) && asked(&texts, Field::PrecisionMode));
        assert!(asked(&texts, Field::Optimizer) && asked(&texts, Field::Checkpointing));
        assert!(!asked(&texts, Field::CheckpointEvery) && !asked(&texts, Field::LoraRank));
        assert!(!asked(&texts, Field::TargetLength) && !asked(&texts, Field::Head) && !asked(&texts, Field::Loss));
        texts[Field::Task] = "lora".into();
        texts[Field::Checkpointing] = "every".into();
        assert!(asked(&texts, Field::CheckpointEvery) && asked(&texts, Field::LoraRank));
        texts[Field::Task] = "inference".into();
        assert!(asked(&texts, Field::KvCache) && !asked(&texts, Field::Optimizer));
    }

    #[test]
    fn the_loss_is_asked_where_one_label_per_sample_is_trained() {
        for (family, head, task, expected) in [
            ("mlp", "language_model", "training", true),
            ("vit", "language_model", "lora", true),
            ("vit", "language_model", "inference", false),
            ("bert", "classification", "training", true),
            ("bert", "language_model", "training", false),
            ("llama", "classification", "training", false),
            ("t5", "classification", "training", false),
        ] {
            let mut texts = Texts::default();
            texts[Field::ModelKind] = "hand".into();
            texts[Field::ModelType] = family.into();
            texts[Field::Head] = head.into();
            texts[Field::Task] = task.into();
            assert_eq!(texts.context().applies(Field::Loss), expected, "{family} {head} {task}");
        }
    }
}
