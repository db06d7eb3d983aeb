//! The inputs as text: what the form shows, what a link holds, and how both become a [`Scenario`].

use std::ops::{Index, IndexMut};

use nn_memory::{
    ActivationMode, ActivationUnits, Bytes, Choice, Decimal, DeviceChoice, EstimateError, Field, Model, NumberError,
    Optimizer, Overheads, Precision, Run, Scenario, StatePrecision, Task, TaskKind, Training, catalog, estimate,
    format_count_short, parse_count,
};

use crate::results::capitalized;

/// The key of a device that is not in the catalogue.
pub const CUSTOM_DEVICE: &str = "custom";

/// The text of every input, typed or picked (then the key of the option).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts([String; Field::ALL.len()]);

impl Index<Field> for Texts {
    type Output = String;

    fn index(&self, field: Field) -> &String {
        &self.0[field as usize]
    }
}

impl IndexMut<Field> for Texts {
    fn index_mut(&mut self, field: Field) -> &mut String {
        &mut self.0[field as usize]
    }
}

impl Default for Texts {
    fn default() -> Self {
        Self::from(&Scenario::default())
    }
}

impl Texts {
    /// Builds the texts field by field.
    pub fn from_fn(mut text: impl FnMut(Field) -> String) -> Self {
        Self(Field::ALL.map(&mut text))
    }

    /// Whether the input plays a part in the scenario.
    pub fn applies(&self, field: Field) -> bool {
        let training = self[Field::Task] == TaskKind::Training.key();
        let layers = self[Field::ActivationMode] == ActivationMode::Layers.key();
        match field {
            Field::Layers | Field::HiddenSize | Field::ActivationMultiple => layers,
            Field::UnitsPerToken => !layers,
            Field::Optimizer | Field::GradientPrecision => training,
            Field::OptimizerFactor => training && self[Field::Optimizer] == Optimizer::Custom(Decimal::default()).key(),
            Field::StatePrecision => training && self[Field::Optimizer] != Optimizer::Adam8bit.key(),
            Field::MasterWeights => {
                training
                    && Precision::from_key(&self[Field::ParameterPrecision])
                        .is_some_and(|precision| precision.bits() < 32)
            }
            Field::DeviceMemory => self[Field::Device] == CUSTOM_DEVICE,
            _ => true,
        }
    }

    /// The scenario that the texts describe.
    ///
    /// # Errors
    /// One for each input that cannot be read or lies outside its limits.
    pub fn read(&self) -> Result<Scenario, Vec<FieldError>> {
        let mut reader = Reader { texts: self, errors: Vec::new() };
        let scenario = reader.scenario();
        if reader.errors.is_empty() { Ok(scenario) } else { Err(reader.errors) }
    }

    /// What is wrong with one input, whether it plays a part or not.
    fn check(&self, field: Field) -> Option<FieldError> {
        let mut reader = Reader { texts: self, errors: Vec::new() };
        match field {
            Field::ParameterPrecision | Field::ActivationPrecision | Field::GradientPrecision => {
                reader.choice(field, Precision::Fp32);
            }
            Field::Task => _ = reader.choice(field, TaskKind::Training),
            Field::ActivationMode => _ = reader.choice(field, ActivationMode::Layers),
            Field::Optimizer => _ = reader.choice(field, Optimizer::AdamW),
            Field::StatePrecision => _ = reader.choice(field, StatePrecision::SameAsParameters),
            Field::MasterWeights => _ = reader.yes(field),
            Field::Device => _ = reader.device(),
            Field::DeviceMemory => _ = reader.memory(field),
            _ if field.count_limits().is_some() => _ = reader.count(field),
            _ => _ = reader.decimal(field),
        }
        reader.errors.into_iter().find(|error| error.field == field)
    }

    /// Puts back the default of each input that cannot be read or stands in the way of an estimate, and says what was
    /// wrong with it.
    pub fn repair(&mut self) -> Vec<(FieldError, String)> {
        let defaults = Self::default();
        let mut repaired = Vec::new();
        for field in Field::ALL {
            if let Some(error) = self.check(field) {
                repaired.push((error, std::mem::replace(&mut self[field], defaults[field].clone())));
            }
        }
        // Each round mends an input that differs from its default, so it ends.
        for _ in Field::ALL {
            let errors = match self.read() {
                Err(errors) => errors,
                Ok(scenario) => match estimate(&scenario) {
                    Ok(_) => break,
                    Err(error) => vec![FieldError::from(error)],
                },
            };
            for error in errors {
                let refused = std::mem::replace(&mut self[error.field], defaults[error.field].clone());
                repaired.push((error, refused));
            }
        }
        repaired
    }
}

impl From<&Scenario> for Texts {
    fn from(scenario: &Scenario) -> Self {
        let mut texts = Self(Field::ALL.map(|field| inactive_text(field).to_owned()));
        let mut set = |field, text: String| texts[field] = text;
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
            set(Field::MasterWeights, if training.master_weights { "yes" } else { "no" }.into());
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

/// What an input shows that plays no part in the scenario it was filled from.
fn inactive_text(field: Field) -> &'static str {
    match field {
        Field::Layers => "12",
        Field::HiddenSize => "768",
        Field::ActivationMultiple => "4",
        Field::UnitsPerToken => "37000",
        Field::Optimizer => "adamw",
        Field::OptimizerFactor => "2",
        Field::StatePrecision => "same",
        Field::GradientPrecision => "fp32",
        Field::MasterWeights => "no",
        Field::DeviceMemory => "24GiB",
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

/// What is wrong with the text of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The input.
    pub field: Field,
    /// What was read and what would be accepted, as a sentence.
    pub message: String,
}

impl From<EstimateError> for FieldError {
    fn from(error: EstimateError) -> Self {
        Self { field: error.field(), message: format!("{}.", capitalized(&error.to_string())) }
    }
}

struct Reader<'a> {
    texts: &'a Texts,
    errors: Vec<FieldError>,
}

impl Reader<'_> {
    fn scenario(&mut self) -> Scenario {
        let task = match self.choice(Field::Task, TaskKind::Training) {
            TaskKind::Training => Task::Training(self.training()),
            TaskKind::Lora => Task::Lora(self.training()),
            TaskKind::Inference => Task::Inference,
        };
        let activation_units = match self.choice(Field::ActivationMode, ActivationMode::Layers) {
            ActivationMode::Layers => ActivationUnits::PerLayer {
                layers: self.count(Field::Layers),
                hidden_size: self.count(Field::HiddenSize),
                multiple: self.decimal(Field::ActivationMultiple),
            },
            ActivationMode::Units => ActivationUnits::PerToken { units: self.count(Field::UnitsPerToken) },
        };
        Scenario {
            model: Model::Size,
            run: Run::default(),
            parameters: self.count(Field::Parameters),
            parameter_precision: self.choice(Field::ParameterPrecision, Precision::Fp32),
            batch_size: self.count(Field::BatchSize),
            sequence_length: self.count(Field::SequenceLength),
            activation_units,
            activation_precision: self.choice(Field::ActivationPrecision, Precision::Fp32),
            task,
            overheads: Overheads {
                workspace_percent: self.decimal(Field::Workspace),
                fragmentation_percent: self.decimal(Field::Fragmentation),
                context_mib: self.count(Field::Context),
            },
            device: self.device(),
        }
    }

    fn training(&mut self) -> Training {
        let optimizer = match self.choice(Field::Optimizer, Optimizer::AdamW) {
            Optimizer::Custom(_) => Optimizer::Custom(self.decimal(Field::OptimizerFactor)),
            named => named,
        };
        Training {
            optimizer,
            state_precision: if self.texts.applies(Field::StatePrecision) {
                self.choice(Field::StatePrecision, StatePrecision::SameAsParameters)
            } else {
                StatePrecision::SameAsParameters
            },
            gradient_precision: self.choice(Field::GradientPrecision, Precision::Fp32),
            master_weights: self.texts.applies(Field::MasterWeights) && self.yes(Field::MasterWeights),
        }
    }

    fn device(&mut self) -> DeviceChoice {
        let id = self.texts[Field::Device].as_str();
        if id == CUSTOM_DEVICE {
            return DeviceChoice::Custom(self.memory(Field::DeviceMemory));
        }
        match catalog::device(id) {
            Some(device) => DeviceChoice::Catalog(device),
            None => {
                self.refuse(Field::Device, format!("“{}” is not a device of the list.", excerpt(id)));
                Scenario::default().device
            }
        }
    }

    fn count(&mut self, field: Field) -> u64 {
        let read = parse_count(&self.texts[field]);
        self.number(field, read, Field::check_count, "7B, 1.5e9 or 25,000,000")
    }

    fn decimal(&mut self, field: Field) -> Decimal {
        let read = self.texts[field].parse();
        self.number(field, read, Field::check_decimal, "2 or 12.5")
    }

    fn memory(&mut self, field: Field) -> Bytes {
        let read = self.texts[field].parse();
        self.number(field, read, Field::check_memory, "12 GB, 12 GiB or 12288 MiB")
    }

    fn number<T: Copy + Default>(
        &mut self,
        field: Field,
        read: Result<T, NumberError>,
        check: impl Fn(Field, T) -> Result<(), EstimateError>,
        examples: &str,
    ) -> T {
        match read {
            Ok(value) => {
                if let Err(error) = check(field, value) {
                    self.errors.push(error.into());
                }
                value
            }
            Err(NumberError::Empty) => {
                self.refuse(field, format!("Needs a value. Try {examples}."));
                T::default()
            }
            Err(error) => {
                let text = excerpt(&self.texts[field]);
                self.refuse(field, format!("“{text}” {error}. Try {examples}."));
                T::default()
            }
        }
    }

    fn choice<T: Choice>(&mut self, field: Field, otherwise: T) -> T {
        let key = &self.texts[field];
        T::from_key(key).unwrap_or_else(|| {
            let keys: Vec<_> = T::ALL.iter().map(|option| option.key()).collect();
            self.refuse(field, format!("“{}” is none of {}.", excerpt(key), keys.join(", ")));
            otherwise
        })
    }

    fn yes(&mut self, field: Field) -> bool {
        match self.texts[field].as_str() {
            "yes" => true,
            "no" => false,
            other => {
                self.refuse(field, format!("“{}” is neither yes nor no.", excerpt(other)));
                false
            }
        }
    }

    fn refuse(&mut self, field: Field, message: String) {
        self.errors.push(FieldError { field, message });
    }
}

/// The beginning of a text, for a message.
pub fn excerpt(text: &str) -> String {
    const LIMIT: usize = 24;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_texts_read_as_the_default_scenario() {
        assert_eq!(Texts::default().read(), Ok(Scenario::default()));
    }

    #[test]
    fn every_bad_input_is_named_at_once() {
        let mut texts = Texts::default();
        texts[Field::Parameters] = "12x".into();
        texts[Field::BatchSize] = "0".into();
        texts[Field::Workspace] = "99".into();
        texts[Field::UnitsPerToken] = "not in use".into();
        let errors = texts.read().expect_err("three inputs are bad");
        let messages: Vec<_> = errors.iter().map(|error| (error.field, error.message.as_str())).collect();
        assert_eq!(
            messages,
            [
                (Field::Parameters, "“12x” is not a number. Try 7B, 1.5e9 or 25,000,000."),
                (Field::BatchSize, "Batch size must be 1 to 1,000,000,000, got 0."),
                (Field::Workspace, "Workspace must be 0 to 95, got 99."),
            ]
        );
    }

    #[test]
    fn repair_leaves_what_can_be_read() {
        let mut texts = Texts::default();
        texts[Field::Parameters] = "7B".into();
        texts[Field::BatchSize] = "1e9".into();
        texts[Field::SequenceLength] = "1e9".into();
        texts[Field::Device] = "abacus".into();
        texts[Field::UnitsPerToken] = "not in use".into();
        let repaired: Vec<_> = texts.repair().into_iter().map(|(error, text)| (error.field, text)).collect();
        let expected =
            [(Field::UnitsPerToken, "not in use"), (Field::Device, "abacus"), (Field::SequenceLength, "1e9")];
        assert_eq!(repaired, expected.map(|(field, text)| (field, text.to_owned())));
        assert_eq!(texts[Field::Parameters], "7B");
        assert!(estimate(&texts.read().expect("repaired")).is_ok());
    }

    #[test]
    fn memory_is_written_so_that_it_reads_back() {
        for (bytes, text) in
            [(Bytes::gib(24), "24GiB"), (Bytes::gb(48), "48GB"), (Bytes::mib(3), "3MiB"), (Bytes::new(7), "7B")]
        {
            assert_eq!(write_memory(bytes), text);
            assert_eq!(text.parse(), Ok(bytes));
        }
    }
}
