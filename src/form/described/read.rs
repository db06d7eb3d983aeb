//! Reads what only described models have out of the texts: the model itself, and its run.

use nn_memory::architecture::{ConfigField, FieldKind};
use nn_memory::{
    Attention, Checkpointing, Choice, Config, ConfigError, Decimal, Family, Field, Head, Implementation, Lora, Loss,
    Model, ModelKind, NumberError, PrecisionMode, Run, Targets, catalog, format_count, parse_count,
};

use super::super::input::Input;
use super::super::read::{Reader, excerpt};
use super::super::texts::FLAG;
use crate::results::capitalized;

impl Reader<'_> {
    /// The model, in the way that it is given.
    pub fn model(&mut self) -> Model {
        match self.context.kind {
            ModelKind::Size => Model::Size,
            ModelKind::Named => self.named(),
            ModelKind::Described => Model::Described(self.described()),
            ModelKind::Pasted => match &self.context.config {
                Some(Ok(config)) => Model::Described(*config),
                Some(Err(error)) => {
                    self.refuse_config(error);
                    Model::Size
                }
                None => Model::Size,
            },
        }
    }

    fn refuse_config(&mut self, error: &ConfigError) {
        let message =
            if error.field().is_some() { format!("{error}.") } else { format!("{}.", capitalized(&error.to_string())) };
        self.refuse(Field::Config, message);
    }

    fn named(&mut self) -> Model {
        let key = &self.texts[Field::Model];
        // Of the catalogue, only what the engine can describe.
        match catalog::model(key).filter(|model| Config::from_json(model.config).is_ok()) {
            Some(model) => Model::Named(model),
            None => {
                self.refuse(Field::Model, format!("“{}” is not a model of the list.", excerpt(key)));
                Model::Size
            }
        }
    }

    fn described(&mut self) -> Config {
        let family = self.choice(Field::ModelType, Family::ALL[0]);
        let mut config = Config::of(family);
        for (place, field) in family.fields().iter().enumerate() {
            if let Some(code) = self.code(place, field) {
                // The limits have been checked, so that the message has the form's words.
                let _ = config.set(field.key, code);
            }
        }
        config
    }

    /// The coded value of a field of a configuration.
    fn code(&mut self, place: usize, field: &ConfigField) -> Option<u64> {
        let input = Input::Config(place);
        let text = self.texts[input].as_str();
        let limits = field.kind.limits();
        let (read, examples) = match field.kind {
            FieldKind::OptionalCount { .. } if text.trim().is_empty() => return Some(0),
            FieldKind::Flag => match FLAG.iter().position(|word| *word == text) {
                Some(place) => return Some(u64::from(place == 0)),
                None => (Err(NumberError::Unreadable), "true or false"),
            },
            FieldKind::Rate => (text.parse::<Decimal>().map(Decimal::millionths), "0.1"),
            FieldKind::Choice(names) => match names.iter().position(|name| *name == text) {
                Some(place) => return Some(place as u64),
                None => {
                    self.refuse(input, format!("“{}” is none of {}.", excerpt(text), names.join(", ")));
                    return None;
                }
            },
            _ => (parse_count(text), "4096 or 32k"),
        };
        match read {
            Ok(code) if limits.contains(&code) => return Some(code),
            Ok(code) => {
                let write = |code| match field.kind {
                    FieldKind::Rate => Decimal::from_millionths(code).to_string(),
                    _ => format_count(code),
                };
                let (least, most) = (write(*limits.start()), write(*limits.end()));
                self.refuse(input, format!("{} must be {least} to {most}, got {}.", field.label, write(code)));
            }
            Err(error) => self.unreadable(input, error, examples),
        }
        None
    }

    fn targets(&mut self, otherwise: Targets) -> Targets {
        let field = Field::LoraTargets;
        if !self.reads(field) {
            return otherwise;
        }
        match Targets::parse(&self.texts[field]) {
            Ok(Targets::NONE) => self.refuse(field, "Needs a value. Try all or q_proj,v_proj.".to_owned()),
            Ok(targets) => return targets,
            Err(name) => {
                let message = format!("“{}” is no layer of any family. Try all or q_proj,v_proj.", excerpt(&name));
                self.refuse(field, message);
            }
        }
        otherwise
    }

    /// How it is run.
    pub fn run(&mut self) -> Run {
        let otherwise = Run::default();
        let checkpointing = match self.choice(Field::Checkpointing, otherwise.checkpointing) {
            Checkpointing::Every(_) => Checkpointing::Every(self.count(Field::CheckpointEvery, 1)),
            other => other,
        };
        Run {
            precision: self.choice(Field::PrecisionMode, otherwise.precision),
            implementation: self.choice(Field::OptimizerImplementation, otherwise.implementation),
            checkpointing,
            attention: self.choice(Field::Attention, otherwise.attention),
            dropout: self.is_on(Field::Dropout, otherwise.dropout),
            accumulation_steps: self.count(Field::Accumulation, otherwise.accumulation_steps),
            set_to_none: !self.is_on(Field::ZeroGrad, !otherwise.set_to_none),
            clip: self.is_on(Field::Clip, otherwise.clip),
            hold_outputs: self.is_on(Field::HoldOutputs, otherwise.hold_outputs),
            padding: self.is_on(Field::Padding, otherwise.padding),
            head: self.choice(Field::Head, otherwise.head),
            loss: self.choice(Field::Loss, otherwise.loss),
            target_length: self.count(Field::TargetLength, otherwise.target_length),
            kv_cache: self.is_on(Field::KvCache, otherwise.kv_cache),
            last_logits: self.is_on(Field::Logits, otherwise.last_logits),
            lora: Lora {
                rank: self.count(Field::LoraRank, otherwise.lora.rank),
                alpha: self.count(Field::LoraAlpha, otherwise.lora.alpha),
                dropout: self.decimal(Field::LoraDropout, otherwise.lora.dropout),
                targets: self.targets(otherwise.lora.targets),
                fp32: self.is_on(Field::LoraPrecision, otherwise.lora.fp32),
            },
        }
    }

    /// Reads an input of these for what is wrong with it.
    ///
    /// False where it is one like any other: a number, or on or off.
    pub fn check_described(&mut self, field: Field) -> bool {
        match field {
            Field::Model => _ = self.named(),
            Field::ModelType => _ = self.choice(field, Family::ALL[0]),
            Field::Config => {
                if let Err(error) = Config::from_json(&self.texts[field]) {
                    self.refuse_config(&error);
                }
            }
            Field::PrecisionMode => _ = self.choice(field, PrecisionMode::Fp32),
            Field::OptimizerImplementation => _ = self.choice(field, Implementation::Foreach),
            Field::Checkpointing => _ = self.choice(field, Checkpointing::None),
            Field::Attention => _ = self.choice(field, Attention::Sdpa),
            Field::Head => _ = self.choice(field, Head::LanguageModel),
            Field::Loss => _ = self.choice(field, Loss::CrossEntropy),
            Field::LoraTargets => _ = self.targets(Targets::ALL),
            _ => return false,
        }
        true
    }

    /// Reads a field of the family that is described by hand.
    pub fn check_config(&mut self, place: usize) {
        if let Some(field) = self.texts.family().fields().get(place) {
            self.code(place, field);
        }
    }
}
