//! Reads a [`Scenario`] out of the texts, or says what is wrong with which of them.

use nn_memory::{
    ActivationMode, ActivationUnits, Bytes, Choice, Decimal, DeviceChoice, EstimateError, Field, Model, ModelKind,
    NumberError, Optimizer, Overheads, Precision, Run, Scenario, StatePrecision, Task, TaskKind, Training, catalog,
    parse_count,
};

use super::input::Input;
use super::texts::{CUSTOM_DEVICE, Context, Texts, words};
use crate::described;
use crate::results::capitalized;

/// What a count of this input may look like.
const fn examples_of(field: Field) -> &'static str {
    match field {
        Field::Parameters => "7B, 1.5e9 or 25,000,000",
        Field::Context => "500",
        _ => "32 or 4,096",
    }
}

/// What is wrong with the text of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The input.
    pub input: Input,
    /// What was read and what would be accepted, as a sentence.
    pub message: String,
}

impl From<EstimateError> for FieldError {
    fn from(error: EstimateError) -> Self {
        Self { input: error.field().into(), message: format!("{}.", capitalized(&error.to_string())) }
    }
}

impl FieldError {
    /// What stands in the way of an estimate of a scenario that could be read.
    fn of(error: EstimateError, texts: &Texts, scenario: &Scenario) -> Self {
        match (error, described::get()) {
            (EstimateError::Config(error), Some(has)) => (has.form.blame)(error, texts, scenario),
            (error, _) => error.into(),
        }
    }
}

/// The input that a model is chosen by.
pub(super) fn of_model(kind: ModelKind) -> Input {
    Input::Field(match kind {
        ModelKind::Size => Field::Parameters,
        ModelKind::Named => Field::Model,
        ModelKind::Described => Field::ModelType,
        ModelKind::Pasted => Field::Config,
    })
}

impl Texts {
    /// The scenario that the texts describe.
    ///
    /// # Errors
    /// One for each input that cannot be read or lies outside its limits.
    pub fn read(&self) -> Result<Scenario, Vec<FieldError>> {
        self.read_in(&self.context())
    }

    /// The same, where what decides which inputs play a part is known.
    ///
    /// # Errors
    /// As [`Texts::read`].
    pub fn read_in(&self, context: &Context) -> Result<Scenario, Vec<FieldError>> {
        let mut reader = Reader { texts: self, context, every: false, errors: Vec::new() };
        let scenario = reader.scenario();
        if reader.errors.is_empty() { Ok(scenario) } else { Err(reader.errors) }
    }

    /// The scenario's estimate, or what is wrong with the inputs.
    ///
    /// # Errors
    /// As [`Texts::read`], and what stands in the way of an estimate.
    pub fn estimated(&self, context: &Context) -> Result<(Scenario, nn_memory::Estimate), Vec<FieldError>> {
        let scenario = self.read_in(context)?;
        match described::engine().estimate(&scenario) {
            Ok(estimate) => Ok((scenario, estimate)),
            Err(error) => Err(vec![FieldError::of(error, self, &scenario)]),
        }
    }

    /// Puts back the published defaults of the family that is described by hand.
    fn describe_default(&mut self) {
        if let Some(has) = described::get() {
            (has.form.describe_family)(self, self.family());
        }
    }

    /// What is wrong with one input, whether it plays a part or not.
    fn check(&self, input: Input, context: &Context) -> Option<FieldError> {
        let mut reader = Reader { texts: self, context, every: true, errors: Vec::new() };
        match input {
            Input::Field(field) => reader.check(field),
            Input::Config(place) => {
                if let (ModelKind::Described, Some(has)) = (context.kind, described::get()) {
                    (has.form.check_config)(&mut reader, place);
                }
            }
        }
        reader.errors.into_iter().find(|error| error.input == input)
    }

    /// Puts back the default of each input that cannot be read or stands in the way of an estimate, and says what was
    /// wrong with it; without a model that can be read, the model is again known by its size.
    pub fn repair(&mut self) -> Vec<(FieldError, String)> {
        let mut repaired = Vec::new();
        let defaults = Self::default();
        for input in Input::all() {
            // A default needs no mending; those of described models are not even known before what describes them is there.
            if self[input] == defaults[input] {
                continue;
            }
            let error = self.check(input, &self.context());
            repaired.extend(error.map(|error| self.mend(error)));
        }
        // Each round mends an input that differs from its default, so it ends.
        for _ in Input::all() {
            let Err(errors) = self.estimated(&self.context()) else { break };
            for error in errors {
                let (input, default) = (error.input, self.default_text(error.input));
                let (error, refused) = self.mend(error);
                repaired.push(match (refused == default, input, described::get()) {
                    // It stands as published and contradicts another field of the family.
                    (true, Input::Config(_), Some(has)) if self.kind() == ModelKind::Described => {
                        (has.form.mend_contradicted)(self, error)
                    }
                    (true, ..) => {
                        *self = Self::default();
                        (error, refused)
                    }
                    (false, ..) => (error, refused),
                });
            }
        }
        repaired
    }

    fn mend(&mut self, error: FieldError) -> (FieldError, String) {
        let default = self.default_text(error.input);
        let refused = std::mem::replace(&mut self[error.input], default);
        if let Input::Field(field @ (Field::Model | Field::ModelType | Field::Config)) = error.input {
            if of_model(self.kind()) == Input::Field(field) {
                self[Field::ModelKind] = ModelKind::Size.key().to_owned();
            }
            if field == Field::ModelType {
                self.describe_default();
            }
        }
        (error, refused)
    }
}

/// Reads inputs one by one, and keeps what is wrong with them.
pub struct Reader<'a> {
    pub(super) texts: &'a Texts,
    pub(super) context: &'a Context<'a>,
    /// Whether inputs that play no part are read too.
    every: bool,
    errors: Vec<FieldError>,
}

impl Reader<'_> {
    fn scenario(&mut self) -> Scenario {
        let otherwise = Scenario::default();
        let described = described::get().filter(|_| self.context.kind != ModelKind::Size);
        let task = match self.choice(Field::Task, TaskKind::Training) {
            TaskKind::Training => Task::Training(self.training()),
            TaskKind::Lora => Task::Lora(self.training()),
            TaskKind::Inference => Task::Inference,
        };
        Scenario {
            model: described.map_or(Model::Size, |has| (has.form.model)(self)),
            run: described.map_or_else(Run::default, |has| (has.form.run)(self)),
            parameters: self.count(Field::Parameters, otherwise.parameters),
            parameter_precision: self.choice(Field::ParameterPrecision, otherwise.parameter_precision),
            batch_size: self.count(Field::BatchSize, otherwise.batch_size),
            sequence_length: self.count(Field::SequenceLength, otherwise.sequence_length),
            activation_units: self.activation_units(otherwise.activation_units),
            activation_precision: self.choice(Field::ActivationPrecision, otherwise.activation_precision),
            task,
            overheads: Overheads {
                workspace_percent: self.decimal(Field::Workspace, Decimal::whole(0)),
                fragmentation_percent: self.decimal(Field::Fragmentation, Decimal::whole(0)),
                context_mib: self.count(Field::Context, 0),
            },
            device: self.device(),
        }
    }

    fn activation_units(&mut self, otherwise: ActivationUnits) -> ActivationUnits {
        if !self.context.applies(Field::ActivationMode) {
            return otherwise;
        }
        match self.choice(Field::ActivationMode, ActivationMode::Layers) {
            ActivationMode::Layers => ActivationUnits::PerLayer {
                layers: self.count(Field::Layers, 1),
                hidden_size: self.count(Field::HiddenSize, 1),
                multiple: self.decimal(Field::ActivationMultiple, Decimal::whole(0)),
            },
            ActivationMode::Units => ActivationUnits::PerToken { units: self.count(Field::UnitsPerToken, 0) },
        }
    }

    fn training(&mut self) -> Training {
        let otherwise = Training::default();
        let optimizer = match self.choice(Field::Optimizer, otherwise.optimizer) {
            Optimizer::Custom(_) => Optimizer::Custom(self.decimal(Field::OptimizerFactor, Decimal::whole(0))),
            named => named,
        };
        Training {
            optimizer,
            state_precision: self.choice(Field::StatePrecision, otherwise.state_precision),
            gradient_precision: self.choice(Field::GradientPrecision, otherwise.gradient_precision),
            master_weights: self.is_on(Field::MasterWeights, otherwise.master_weights),
        }
    }

    fn check(&mut self, field: Field) {
        match field {
            Field::ModelKind => _ = self.choice(field, ModelKind::Size),
            Field::ParameterPrecision | Field::ActivationPrecision | Field::GradientPrecision => {
                self.choice(field, Precision::Fp32);
            }
            Field::Task => _ = self.choice(field, TaskKind::Training),
            Field::ActivationMode => _ = self.choice(field, ActivationMode::Layers),
            Field::Optimizer => _ = self.choice(field, Optimizer::AdamW),
            Field::StatePrecision => _ = self.choice(field, StatePrecision::SameAsParameters),
            Field::Device => _ = self.device(),
            Field::DeviceMemory => _ = self.memory(field),
            // Before what reads it is there, nothing can be said of it.
            _ if !Input::from(field).is_of_size()
                && described::get().is_none_or(|has| (has.form.check)(self, field)) => {}
            _ if words(field).is_some() => _ = self.is_on(field, false),
            _ if field.count_limits().is_some() => _ = self.count(field, 0),
            _ => _ = self.decimal(field, Decimal::default()),
        }
    }

    pub(super) fn reads(&self, field: Field) -> bool {
        self.every || self.context.applies(field)
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

    pub(super) fn count(&mut self, field: Field, otherwise: u64) -> u64 {
        if !self.reads(field) {
            return otherwise;
        }
        let read = parse_count(without_unit(&self.texts[field], if field == Field::Context { "MiB" } else { "" }));
        self.number(field, read, Field::check_count, examples_of(field))
    }

    pub(super) fn decimal(&mut self, field: Field, otherwise: Decimal) -> Decimal {
        if !self.reads(field) {
            return otherwise;
        }
        let read = without_unit(&self.texts[field], "%").parse();
        self.number(field, read, Field::check_decimal, "2 or 12.5")
    }

    fn memory(&mut self, field: Field) -> Bytes {
        let text = self.texts[field].trim();
        let digits = text.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.').is_empty() && !text.is_empty();
        let read = text.parse();
        if digits || matches!(read, Err(NumberError::Unreadable)) {
            let (wrong, given) = (if digits { "has no unit" } else { "is not a size" }, excerpt(text));
            let size = if digits { text } else { "12" };
            self.refuse(field, format!("“{given}” {wrong}. Try {size} GB, {size} GiB or 12288 MiB."));
            return Bytes::default();
        }
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
            Err(error) => {
                self.unreadable(field.into(), error, examples);
                T::default()
            }
        }
    }

    pub(super) fn unreadable(&mut self, input: Input, error: NumberError, examples: &str) {
        let message = match error {
            NumberError::Empty => format!("Needs a value. Try {examples}."),
            error => format!("“{}” {error}. Try {examples}.", excerpt(&self.texts[input])),
        };
        self.refuse(input, message);
    }

    pub(super) fn choice<T: Choice>(&mut self, field: Field, otherwise: T) -> T {
        if !self.reads(field) {
            return otherwise;
        }
        let key = &self.texts[field];
        T::from_key(key).unwrap_or_else(|| {
            let keys: Vec<_> = T::ALL.iter().map(|option| option.key()).collect();
            self.refuse(field, format!("“{}” is none of {}.", excerpt(key), keys.join(", ")));
            otherwise
        })
    }

    pub(super) fn is_on(&mut self, field: Field, otherwise: bool) -> bool {
        let (true, Some([on, off])) = (self.reads(field), words(field)) else { return otherwise };
        let text = self.texts[field].as_str();
        if text != on && text != off {
            self.refuse(field, format!("“{}” is neither {on} nor {off}.", excerpt(text)));
        }
        text == on
    }

    pub(super) fn refuse(&mut self, input: impl Into<Input>, message: String) {
        self.errors.push(FieldError { input: input.into(), message });
    }
}

/// A number without the unit that stands beside its field, where it was typed too.
fn without_unit<'a>(text: &'a str, unit: &str) -> &'a str {
    let text = text.trim();
    text.strip_suffix(unit).unwrap_or(text).trim_end()
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
    use nn_memory::{Config, Family, estimate};

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
        let messages: Vec<_> = errors.iter().map(|error| (error.input, error.message.as_str())).collect();
        assert_eq!(
            messages,
            [
                (Field::Parameters.into(), "“12x” is not a number. Try 7B, 1.5e9 or 25,000,000."),
                (Field::BatchSize.into(), "Batch size must be 1 to 1,000,000,000, got 0."),
                (Field::Workspace.into(), "Workspace must be 0 to 95, got 99."),
            ]
        );
    }

    #[test]
    fn units_that_stand_beside_a_field_may_be_typed_too() {
        let mut texts = Texts::default();
        texts[Field::Workspace] = "10 %".into();
        texts[Field::Context] = "500 MiB".into();
        let overheads = texts.read().expect("readable").overheads;
        assert_eq!((overheads.workspace_percent, overheads.context_mib), (Decimal::whole(10), 500));
    }

    #[test]
    fn a_size_needs_a_unit() {
        let mut texts = Texts::default();
        texts[Field::Device] = CUSTOM_DEVICE.into();
        for (text, message) in [
            ("24", "“24” has no unit. Try 24 GB, 24 GiB or 12288 MiB."),
            ("12 GBs", "“12 GBs” is not a size. Try 12 GB, 12 GiB or 12288 MiB."),
            ("", "Needs a value. Try 12 GB, 12 GiB or 12288 MiB."),
        ] {
            texts[Field::DeviceMemory] = text.into();
            let errors = texts.read().expect_err("no size");
            assert_eq!(errors[0].message, message);
        }
    }

    #[test]
    fn what_makes_a_network_too_large_is_named() {
        let mut texts = Texts::default();
        texts[Field::ModelKind] = "name".into();
        texts[Field::Model] = "t5-small".into();
        texts[Field::TargetLength] = "1e9".into();
        let errors = texts.estimated(&texts.context()).expect_err("beyond 64 bits");
        assert_eq!(errors[0].input, Field::TargetLength.into());
    }

    #[test]
    fn one_field_that_contradicts_the_others_goes_back_alone() {
        let mut texts = Texts::default();
        texts[Field::ModelKind] = "hand".into();
        texts.describe(&Config::of(Family::Bert));
        let place = |key| Family::Bert.fields().iter().position(|field| field.key == key).expect("a field");
        for (key, text) in [("num_attention_heads", "7"), ("num_hidden_layers", "3"), ("vocab_size", "5000")] {
            texts[Input::Config(place(key))] = text.into();
        }
        let repaired: Vec<_> = texts.repair().into_iter().map(|(error, text)| (error.input, text)).collect();
        assert_eq!(repaired, [(Input::Config(place("num_attention_heads")), "7".to_owned())]);
        assert_eq!(texts[Input::Config(place("num_hidden_layers"))], "3");
    }

    #[test]
    fn fields_of_a_family_say_what_they_take() {
        let mut texts = Texts::default();
        texts[Field::ModelKind] = "hand".into();
        texts.describe(&Config::of(Family::Llama));
        let place = |key| Family::Llama.fields().iter().position(|field| field.key == key).expect("a field");
        let message = |texts: &Texts, key| {
            let error = texts.check(Input::Config(place(key)), &texts.context());
            error.map(|error| error.message).unwrap_or_default()
        };
        for (key, text, expected) in [
            ("num_hidden_layers", "0", "Layers must be 1 to 1,000,000, got 0."),
            ("num_hidden_layers", "many", "“many” is not a number. Try 4096 or 32k."),
            ("num_hidden_layers", "", "Needs a value. Try 4096 or 32k."),
            ("num_key_value_heads", "", ""),
            ("tie_word_embeddings", "perhaps", "“perhaps” is not a number. Try true or false."),
        ] {
            texts[Input::Config(place(key))] = text.into();
            assert_eq!(message(&texts, key), expected, "{key} as {text:?}");
        }
        texts.describe(&Config::of(Family::Llama));
        texts[Input::Config(place("hidden_size"))] = "4100".into();
        let errors = texts.estimated(&texts.context()).expect_err("32 heads do not divide it");
        let expected = "hidden_size must be divisible by num_attention_heads (32), got 4100.".to_owned();
        assert_eq!(errors, [FieldError { input: Input::Config(place("hidden_size")), message: expected }]);
    }

    #[test]
    fn repair_leaves_what_can_be_read() {
        let mut texts = Texts::default();
        texts[Field::Parameters] = "7B".into();
        texts[Field::BatchSize] = "1e9".into();
        texts[Field::SequenceLength] = "1e9".into();
        texts[Field::Device] = "abacus".into();
        texts[Field::UnitsPerToken] = "not in use".into();
        let repaired: Vec<_> = texts.repair().into_iter().map(|(error, text)| (error.input, text)).collect();
        let expected =
            [(Field::UnitsPerToken, "not in use"), (Field::Device, "abacus"), (Field::SequenceLength, "1e9")];
        assert_eq!(repaired, expected.map(|(field, text)| (field.into(), text.to_owned())));
        assert_eq!(texts[Field::Parameters], "7B");
        assert!(estimate(&texts.read().expect("repaired")).is_ok());
    }
}
