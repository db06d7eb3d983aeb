//! What stays when the model is given in another way.

use nn_memory::architecture::ConfigField;
use nn_memory::{
    Choice, Config, ElementType, Estimate, Family, Field, Model, ModelKind, Precision, PrecisionMode, Scenario,
    StatePrecision, catalog, format_count_short,
};

use super::super::input::Input;
use super::super::texts::{FIRST_MODEL, Texts, default_text};

/// Names of the same thing in the families' configurations.
const LAYERS: &[&str] = &["num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "layers"];
const WIDTH: &[&str] = &["hidden_size", "n_embd", "d_model", "dim", "word_embed_proj_dim"];

/// The texts with the model given in another way, as far as it goes the same model.
pub fn switched(mut texts: Texts, kind: ModelKind, scenario: &Scenario, estimate: &Estimate) -> Texts {
    let described = scenario.model.config().and_then(Result::ok).filter(|_| texts.kind() != ModelKind::Size);
    if let Some(config) = described {
        match kind {
            // A model that nobody chose takes the place of none.
            ModelKind::Size if texts.kind() == ModelKind::Named && texts[Field::Model] == FIRST_MODEL => {}
            ModelKind::Size => by_size(&mut texts, &config, scenario, estimate),
            ModelKind::Named => by_name(&mut texts, scenario.model, &config),
            ModelKind::Described => texts.describe(&config),
            // What cannot be read yet is not lost.
            ModelKind::Pasted if is_unreadable(&texts[Field::Config]) => {}
            ModelKind::Pasted => texts[Field::Config] = indented(&config.to_json()),
        }
    } else if texts.kind() == ModelKind::Size {
        followed_precision(&mut texts, scenario);
    }
    texts[Field::ModelKind] = kind.key().to_owned();
    texts
}

/// The texts with another family described by hand; fields of the same name keep what was given.
pub fn with_family(mut texts: Texts, family: Family) -> Texts {
    let old = texts.clone();
    let before = old.family();
    texts.describe(&Config::of(family));
    for (place, field) in family.fields().iter().enumerate() {
        let same = |other: &ConfigField| other.kind == field.kind && means_the_same(other.key, field.key);
        let kept = before.fields().iter().position(same);
        if let Some(kept) = kept
            && old[Input::Config(kept)] != default_text(&before.fields()[kept])
        {
            texts[Input::Config(place)].clone_from(&old[Input::Config(kept)]);
        }
    }
    texts
}

fn means_the_same(one: &str, other: &str) -> bool {
    one == other || [LAYERS, WIDTH].iter().any(|names| names.contains(&one) && names.contains(&other))
}

fn is_unreadable(json: &str) -> bool {
    !json.trim().is_empty() && Config::from_json(json).is_err()
}

/// What is stored in 16 bits by size is so where it is followed. FP32 parameters may be those of autocast or not.
fn followed_precision(texts: &mut Texts, scenario: &Scenario) {
    let master = scenario.task.training().is_some_and(|training| training.master_weights);
    let mode = match (scenario.parameter_precision, master) {
        (Precision::Bf16, false) => PrecisionMode::Bf16,
        (Precision::Bf16, true) => PrecisionMode::Bf16Master,
        (Precision::Fp16, false) => PrecisionMode::Fp16,
        (Precision::Fp16, true) => PrecisionMode::Fp16Master,
        _ => return,
    };
    texts[Field::PrecisionMode] = mode.key().to_owned();
}

fn by_size(texts: &mut Texts, config: &Config, scenario: &Scenario, estimate: &Estimate) {
    let mode = scenario.run.precision;
    let precision = |element| match element {
        ElementType::Bf16 => Precision::Bf16,
        ElementType::Fp16 => Precision::Fp16,
        _ => Precision::Fp32,
    };
    let stored = precision(mode.parameters()).key();
    for field in [Field::ParameterPrecision, Field::GradientPrecision] {
        texts[field] = stored.to_owned();
    }
    texts[Field::ActivationPrecision] = mode.autocast().map_or(stored, |cast| precision(cast).key()).to_owned();
    let master = mode.master_weights();
    texts[Field::MasterWeights] = if master { "yes" } else { "no" }.to_owned();
    let state = if master { StatePrecision::Fp32 } else { StatePrecision::SameAsParameters };
    texts[Field::StatePrecision] = state.key().to_owned();
    if let Some(report) = &estimate.report {
        texts[Field::Parameters] = format_count_short(report.parameters);
    }
    for (names, field) in [(LAYERS, Field::Layers), (WIDTH, Field::HiddenSize)] {
        if let Some(count) = names.iter().find_map(|name| config.get(name)).filter(|count| *count > 0) {
            texts[field] = format_count_short(count);
        }
    }
}

fn by_name(texts: &mut Texts, model: Model, config: &Config) {
    let same = |row: &&catalog::Model| Config::from_json(row.config).is_ok_and(|other| other == *config);
    let row = match model {
        Model::Named(row) => Some(row),
        _ => catalog::MODELS.iter().find(same),
    };
    if let Some(row) = row {
        texts[Field::Model] = row.key.to_owned();
    }
}

/// A configuration with a line for each of its fields: none of their values holds a comma.
fn indented(json: &str) -> String {
    json.replace("{\"", "{\n  \"").replace(",\"", ",\n  \"").replace("\":", "\": ").replace('}', "\n}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn switch(texts: &Texts, kind: ModelKind) -> Texts {
        let (scenario, estimate) = texts.estimated(&texts.context()).expect("an estimate");
        switched(texts.clone(), kind, &scenario, &estimate)
    }

    fn named(key: &str) -> Texts {
        let mut texts = Texts::default();
        texts[Field::ModelKind] = "name".into();
        texts[Field::Model] = key.into();
        texts[Field::BatchSize] = "2".into();
        texts
    }

    #[test]
    fn a_model_by_name_goes_on_by_hand_and_comes_back() {
        let texts = named("llama-3.2-1b");
        let model = texts.read().expect("readable").model;
        let by_hand = switch(&texts, ModelKind::Described);
        assert_eq!(by_hand.read().expect("readable").model.config(), model.config());
        assert_eq!(by_hand[Field::BatchSize], "2");
        let pasted = switch(&by_hand, ModelKind::Pasted);
        assert!(pasted[Field::Config].starts_with("{\n  \"model_type\": \"llama\",\n  \"hidden_size\": 2048,\n"));
        assert_eq!(pasted.read().expect("readable").model.config(), model.config());
        assert_eq!(switch(&pasted, ModelKind::Named)[Field::Model], "llama-3.2-1b");
    }

    #[test]
    fn a_described_model_goes_on_by_its_size() {
        let texts = switch(&named("gpt2"), ModelKind::Size);
        let shown = [Field::Parameters, Field::Layers, Field::HiddenSize].map(|field| texts[field].as_str());
        assert_eq!(shown, ["124439808", "12", "768"]);
    }

    #[test]
    fn a_model_that_nobody_chose_takes_no_place() {
        let texts = Texts::default();
        let mut sized = texts.clone();
        sized[Field::Parameters] = "3B".into();
        let named = switch(&sized, ModelKind::Named);
        assert_eq!(switch(&named, ModelKind::Size)[Field::Parameters], "3B");
    }

    #[test]
    fn sixteen_bits_stay_sixteen_bits() {
        let mut texts = named("llama-2-7b");
        for mode in ["bf16", "fp16", "bf16_master"] {
            texts[Field::PrecisionMode] = mode.into();
            let sized = switch(&texts, ModelKind::Size);
            let scenario = sized.read().expect("readable");
            let training = scenario.task.training().expect("training");
            assert_eq!(scenario.parameter_precision, training.gradient_precision);
            assert_eq!(training.master_weights, mode.ends_with("master"));
            let mut back = sized.clone();
            back[Field::PrecisionMode] = "fp32".into();
            assert_eq!(switch(&back, ModelKind::Named)[Field::PrecisionMode], mode);
        }
    }

    #[test]
    fn a_text_that_cannot_be_read_yet_is_kept() {
        let mut texts = named("gpt2");
        texts[Field::Config] = "{\"model_type\":".into();
        assert_eq!(switch(&texts, ModelKind::Pasted)[Field::Config], "{\"model_type\":");
    }

    #[test]
    fn another_family_keeps_the_fields_that_it_shares() {
        let mut texts = named("llama-3.2-1b");
        texts.describe(&Config::of(Family::Llama));
        let place = |family: Family, key| family.fields().iter().position(|field| field.key == key).expect("a field");
        texts[Input::Config(place(Family::Llama, "num_hidden_layers"))] = "7".into();
        let texts = with_family(texts, Family::Mistral);
        assert_eq!(texts[Field::ModelType], "mistral");
        assert_eq!(texts[Input::Config(place(Family::Mistral, "num_hidden_layers"))], "7");
        assert_eq!(texts[Input::Config(place(Family::Mistral, "num_key_value_heads"))], "8");
        // The same under another name.
        let texts = with_family(texts, Family::Gpt2);
        assert_eq!(texts[Input::Config(place(Family::Gpt2, "n_layer"))], "7");
    }
}
