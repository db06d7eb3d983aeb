//! A measured row, and what the engine says of its case.

use nn_memory::{
    ActivationUnits, Attention, Bytes, Checkpointing, Choice, Config, Decimal, DeviceChoice, ElementType, Head,
    Implementation, Lora, Loss, Model, Optimizer, PartKind, Phase, Precision, PrecisionMode, Report, Run, Scenario,
    StatePrecision, Targets, Task, Training, catalog,
};
use serde_json::Value;

/// One measured run.
pub struct Row {
    pub id: String,
    pub family: String,
    /// The model's.
    pub name: String,
    /// What was run, where the engine knows it.
    pub scenario: Option<Scenario>,
    pub outcome: Result<Held, String>,
}

/// Measurement and estimate side by side; amounts in bytes.
#[derive(Clone)]
pub struct Held {
    pub peak: Pair,
    pub phase_is_right: bool,
    pub parameters_are_exact: bool,
    /// Training alone has these. The optimizer's tensors are counted as they store, not as the allocator rounds them.
    pub optimizer_state: Option<Pair>,
    pub kept_after_forward: Option<Pair>,
    /// The peak in blocks, as the allocator counts them.
    pub blocks: Option<Pair>,
    pub reserved: Option<Pair>,
    /// One token more after the prefill, in blocks as well.
    #[allow(dead_code, reason = "the tests ask for it")]
    pub decode: Option<Pair>,
    pub phases: (String, String),
}

/// A measured figure and the estimated one.
#[derive(Clone, Copy)]
pub struct Pair {
    pub measured: f64,
    pub estimated: f64,
}

impl Pair {
    fn new(measured: Option<&Value>, estimated: Bytes) -> Option<Self> {
        #[expect(clippy::cast_precision_loss, reason = "errors are printed to hundredths of a percent")]
        let estimated = estimated.get() as f64;
        Some(Self { measured: measured?.as_f64()?, estimated })
    }

    /// Signed, in percent of the measurement; one of zero against zero is none, and what was not there at all is 100.
    pub fn error(&self) -> f64 {
        let difference = self.estimated - self.measured;
        match (difference.abs() < 0.5, self.measured > 0.0) {
            (true, _) => 0.0,
            (false, true) => 100.0 * difference / self.measured,
            (false, false) => 100.0,
        }
    }
}

impl Row {
    pub fn read(line: &str, quick: bool) -> Self {
        match serde_json::from_str::<Value>(line) {
            Ok(row) => {
                let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
                let (id, family) = (text(&row["id"]), text(&row["case"]["family"]));
                let case = &row["case"];
                let name = text(
                    [&case["name"], &case["model"]].into_iter().find(|name| name.is_string()).unwrap_or(&row["id"]),
                );
                Self { id, family, name, scenario: scenario(&row).ok(), outcome: hold(&row, quick) }
            }
            Err(error) => {
                let outcome = Err(format!("no JSON: {error}"));
                Self { id: "?".into(), family: "?".into(), name: "?".into(), scenario: None, outcome }
            }
        }
    }
}

fn hold(row: &Value, quick: bool) -> Result<Held, String> {
    let (case, truth) = (&row["case"], &row["truth"]);
    let scenario = scenario(row)?;
    if quick {
        return held_quickly(&scenario, truth);
    }
    let report = Report::of(&scenario).ok_or("no described network")?.map_err(|error| error.to_string())?;
    let reserved = Report::reserved(&scenario).and_then(Result::ok);
    let trains = case["mode"] == "train";
    let peak_phase = match truth["peak_phase"].as_str() {
        Some("fwd") => Phase::Forward,
        // Clipping counts as a part of the backward pass.
        Some("bwd" | "clip") => Phase::Backward,
        Some("step") => Phase::Step,
        other => return Err(format!("a peak in the phase {other:?}")),
    };
    // A row's peak is that of its prefill; decoding has a figure of its own.
    let (allocated, estimated_phase) = report
        .phase_peaks
        .iter()
        .filter(|(phase, _)| *phase != Phase::Decode)
        .max_by_key(|(_, most)| *most)
        .map_or((report.allocated, report.peak_phase), |(phase, most)| (*most, *phase));
    Ok(Held {
        peak: Pair::new(truth.get("peak_alloc"), allocated).ok_or("no peak_alloc")?,
        phase_is_right: peak_phase == estimated_phase,
        parameters_are_exact: truth["params_count"].as_u64() == Some(report.parameters),
        optimizer_state: trains.then(|| Pair::new(truth.get("optimizer_bytes"), report.optimizer_stored)).flatten(),
        kept_after_forward: trains
            .then(|| Pair::new(truth.get("kept_after_forward"), report.kept_after_forward))
            .flatten(),
        blocks: reserved.as_ref().and_then(|reserved| {
            let phases = reserved.phase_peaks.iter().filter(|(phase, _)| *phase != Phase::Decode);
            Pair::new(truth.get("peak_alloc"), phases.map(|(_, most)| *most).max()?)
        }),
        decode: reserved.as_ref().and_then(|reserved| {
            let (_, most) = reserved.phase_peaks.iter().find(|(phase, _)| *phase == Phase::Decode)?;
            Pair::new(truth.get("decode_peak_alloc"), *most)
        }),
        reserved: reserved.and_then(|reserved| Pair::new(truth.get("peak_reserved"), reserved.reserved)),
        phases: (format!("{peak_phase:?}"), format!("{estimated_phase:?}")),
    })
}

/// The same by the quick estimate, from the numbers that its form asks for and its own rule of thumb for activations.
fn held_quickly(scenario: &Scenario, truth: &Value) -> Result<Held, String> {
    let report = Report::of(scenario).ok_or("no described network")?.map_err(|error| error.to_string())?;
    let Model::Described(config) = scenario.model else { return Err("no described network".into()) };
    let field = |names: &[&str]| names.iter().find_map(|name| config.get(name)).filter(|value| *value > 0).unwrap_or(1);
    let precision = |element| match element {
        ElementType::Bf16 => Precision::Bf16,
        ElementType::Fp16 => Precision::Fp16,
        _ => Precision::Fp32,
    };
    let mode = scenario.run.precision;
    let parameter_precision = precision(mode.parameters());
    let training = |training: Training| Training {
        gradient_precision: parameter_precision,
        master_weights: mode.master_weights(),
        state_precision: if mode.master_weights() { StatePrecision::Fp32 } else { StatePrecision::SameAsParameters },
        ..training
    };
    let quick = Scenario {
        model: Model::Size,
        parameters: report.parameters,
        parameter_precision,
        activation_precision: precision(mode.autocast().unwrap_or(mode.parameters())),
        activation_units: ActivationUnits::PerLayer {
            layers: field(&["num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers"]),
            hidden_size: field(&["hidden_size", "n_embd", "d_model", "dim"]),
            multiple: Decimal::whole(4),
        },
        task: match scenario.task {
            Task::Training(settings) => Task::Training(training(settings)),
            Task::Lora(settings) => Task::Lora(training(settings)),
            other => other,
        },
        ..scenario.clone()
    };
    let estimate = nn_memory::estimate(&quick).map_err(|error| error.to_string())?;
    let trains = quick.task.training().is_some();
    let part = |key, kind| trains.then(|| Pair::new(truth.get(key), estimate.part(kind).bytes)).flatten();
    Ok(Held {
        peak: Pair::new(truth.get("peak_alloc"), estimate.total).ok_or("no peak_alloc")?,
        phase_is_right: false,
        parameters_are_exact: true,
        optimizer_state: part("optimizer_bytes", PartKind::OptimizerState),
        kept_after_forward: part("kept_after_forward", PartKind::Activations),
        blocks: None,
        reserved: None,
        decode: None,
        phases: ("any".into(), "none".into()),
    })
}

fn scenario(row: &Value) -> Result<Scenario, String> {
    let case = &row["case"];
    let config = config(case)?;
    let number = |key: &str| case[key].as_u64();
    let flag = |key: &str| case[key].as_bool().unwrap_or(false);
    let mut run = Run {
        precision: precision(case)?,
        implementation: implementation(&case["optimizer"]),
        checkpointing: if flag("ckpt") { Checkpointing::Block } else { Checkpointing::None },
        attention: attention(case)?,
        dropout: true,
        // The norm to clip to, or none.
        clip: case["clip"].as_f64().is_some() || flag("clip"),
        accumulation_steps: number("accumulation_steps").unwrap_or(1),
        set_to_none: case["set_to_none"].as_bool().unwrap_or(true),
        hold_outputs: flag("hold_outputs"),
        padding: case["mask"] == "padded",
        kv_cache: case["use_cache"].as_bool().unwrap_or(case["mode"] == "infer"),
        last_logits: case["logits"] == "last",
        head: if case["input"] == "cls" { Head::Classification } else { Head::LanguageModel },
        loss: loss(case)?,
        // Labels are as long as the input where a case does not say; inference starts with one token.
        target_length: number("tgt").or(number("seq").filter(|_| case["mode"] == "train")).unwrap_or(1),
        ..Run::default()
    };
    let training = Training {
        optimizer: if case["mode"] == "train" { optimizer(&case["optimizer"])? } else { Optimizer::Sgd },
        ..Training::default()
    };
    let mut task = if case["mode"] == "train" { Task::Training(training) } else { Task::Inference };
    if let Some(lora) = case["lora"].as_object() {
        let names = match lora.get("targets") {
            Some(Value::String(all)) if all == "all-linear" => vec!["all"],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => return Err("LoRA without targets".into()),
        };
        run.lora = Lora {
            rank: lora.get("r").and_then(Value::as_u64).ok_or("LoRA without a rank")?,
            dropout: rate(lora.get("dropout").and_then(Value::as_f64).unwrap_or(0.0)),
            targets: Targets::parse(&names.join(",")).map_err(|name| format!("LoRA on {name}"))?,
            fp32: lora.get("fp32").and_then(Value::as_bool).unwrap_or(true),
            ..Lora::default()
        };
        task = Task::Lora(training);
    }
    let ampere = row["versions"]["capability"][0].as_u64() == Some(8);
    let device = catalog::device(if ampere { "a100-80gb" } else { "h200-141gb" }).ok_or("no such device")?;
    Ok(Scenario {
        model: Model::Described(config),
        run,
        task,
        batch_size: number("batch").ok_or("no batch")?,
        sequence_length: number("seq").unwrap_or(1),
        device: DeviceChoice::Catalog(device),
        ..Scenario::default()
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
fn rate(rate: f64) -> Decimal {
    Decimal::from_millionths((rate * 1e6).round() as u64)
}

/// The configuration, with `model_type` told by the config class.
fn config(case: &Value) -> Result<Config, String> {
    let mut fields = case["config"].as_object().cloned().unwrap_or_default();
    let model_type = match (case["source"].as_str(), case["config_class"].as_str(), case["model"].as_str()) {
        (Some("transformers"), Some(class), _) => model_type(class).ok_or_else(|| format!("config class {class}"))?,
        (Some("timm"), _, Some(model)) => timm(model, &mut fields).ok_or_else(|| format!("timm model {model}"))?,
        (Some("torchvision"), _, Some(model)) => {
            torchvision(model, &mut fields).ok_or_else(|| format!("torchvision model {model}"))?
        }
        (Some("custom"), ..) if case["model_class"] == "MLP" => mlp(&mut fields),
        (source, class, model) => {
            return Err(format!(
                "{} {}",
                source.unwrap_or("?"),
                class.or(model).or(case["model_class"].as_str()).unwrap_or("?")
            ));
        }
    };
    fields.insert("model_type".into(), model_type.into());
    if let (true, Some(image)) = (model_type.ends_with("it"), case["image"].as_u64()) {
        fields.insert("image_size".into(), image.into());
    }
    Config::from_json(&Value::Object(fields).to_string()).map_err(|error| error.to_string())
}

fn model_type(class: &str) -> Option<&'static str> {
    Some(match class {
        "GPT2Config" => "gpt2",
        "GPTNeoConfig" => "gpt_neo",
        "GPTJConfig" => "gptj",
        "GPTNeoXConfig" => "gpt_neox",
        "GptOssConfig" => "gpt_oss",
        "OPTConfig" => "opt",
        "BloomConfig" => "bloom",
        "MptConfig" => "mpt",
        "LlamaConfig" => "llama",
        "Llama4TextConfig" => "llama4_text",
        "MistralConfig" => "mistral",
        "Ministral3Config" => "ministral3",
        "Qwen2Config" => "qwen2",
        "Qwen3Config" => "qwen3",
        "GemmaConfig" => "gemma",
        "Gemma2Config" => "gemma2",
        "PhiConfig" => "phi",
        "Phi3Config" => "phi3",
        "MixtralConfig" => "mixtral",
        "Qwen2MoeConfig" => "qwen2_moe",
        "Starcoder2Config" => "starcoder2",
        "FalconConfig" => "falcon",
        "OlmoConfig" => "olmo",
        "Olmo2Config" => "olmo2",
        "Olmo3Config" => "olmo3",
        "SmolLM3Config" => "smollm3",
        "Exaone4Config" => "exaone4",
        "OlmoeConfig" => "olmoe",
        "Qwen3MoeConfig" => "qwen3_moe",
        "DeepseekV2Config" => "deepseek_v2",
        "DeepseekV3Config" => "deepseek_v3",
        "Gemma3TextConfig" => "gemma3_text",
        "GraniteConfig" => "granite",
        "CohereConfig" => "cohere",
        "Cohere2Config" => "cohere2",
        "GlmConfig" => "glm",
        "Glm4Config" => "glm4",
        "Glm4MoeConfig" => "glm4_moe",
        "Glm4MoeLiteConfig" => "glm4_moe_lite",
        "MiniMaxM2Config" => "minimax_m2",
        "SeedOssConfig" => "seed_oss",
        "StableLmConfig" => "stablelm",
        "BertConfig" => "bert",
        "RobertaConfig" => "roberta",
        "XLMRobertaConfig" => "xlm-roberta",
        "CamembertConfig" => "camembert",
        "DistilBertConfig" => "distilbert",
        "ElectraConfig" => "electra",
        "AlbertConfig" => "albert",
        "ModernBertConfig" => "modernbert",
        "DebertaV2Config" => "deberta-v2",
        "T5Config" => "t5",
        "MT5Config" => "mt5",
        "BartConfig" => "bart",
        "ViTConfig" => "vit",
        "DeiTConfig" => "deit",
        _ => return None,
    })
}

/// The shape that a name of timm stands for: `vit_base_patch16_224`.
fn timm(model: &str, fields: &mut serde_json::Map<String, Value>) -> Option<&'static str> {
    if let Some(name) = model.strip_prefix("swin_") {
        return swin(name, fields);
    }
    if let Some(name) = model.strip_prefix("mixer_") {
        return mixer(name, fields);
    }
    let mut words = model.split('_');
    let (family, size) = (words.next()?, words.next()?);
    let mut next = words.next()?;
    let distilled = next == "distilled";
    if distilled {
        next = words.next()?;
    }
    let (patch, image) = (next, words.next()?);
    let (width, layers, heads) = match size {
        "tiny" => (192, 12, 3),
        "small" => (384, 12, 6),
        "base" => (768, 12, 12),
        "large" => (1_024, 24, 16),
        "huge" => (1_280, 32, 16),
        _ => return None,
    };
    let model_type = match family {
        "vit" | "deit" => "timm_vit",
        "beit" | "beitv2" if !distilled => "timm_beit",
        // Those of 224 pixels have no classifier unless asked for.
        "eva02" if !distilled && (image != "224" || fields.contains_key("num_classes")) => "timm_eva",
        _ => return None,
    };
    if words.next().is_some() {
        return None;
    }
    let patch: u64 = patch.strip_prefix("patch")?.parse().ok()?;
    let image: u64 = image.parse().ok()?;
    rename(fields, &[("proj_drop_rate", "hidden_dropout_prob"), ("attn_drop_rate", "attention_probs_dropout_prob")]);
    if distilled {
        fields.insert("distilled".into(), distilled.into());
    }
    for (key, value) in [
        ("hidden_size", width),
        ("num_hidden_layers", layers),
        ("num_attention_heads", heads),
        ("intermediate_size", 4 * width),
        ("patch_size", patch),
        ("image_size", image),
    ] {
        fields.insert(key.into(), value.into());
    }
    if model_type == "timm_eva" {
        // SwiGLU is two thirds as wide, the larger models put a norm in it.
        fields.insert("intermediate_size".into(), (width * 8 / 3).into());
        fields.insert("scale_mlp".into(), (width >= 768).into());
    }
    Some(model_type)
}

/// The fields of timm and torchvision under the names that they have here.
fn rename(fields: &mut serde_json::Map<String, Value>, names: &[(&str, &str)]) {
    for (name, key) in [("num_classes", "num_labels")].iter().chain(names) {
        if let Some(value) = fields.remove(*name) {
            fields.insert((*key).into(), value);
        }
    }
}

/// The shape that a name of torchvision stands for: `vit_b_16`.
fn torchvision(model: &str, fields: &mut serde_json::Map<String, Value>) -> Option<&'static str> {
    let (size, patch) = model.strip_prefix("vit_")?.split_once('_')?;
    let (width, layers, heads) = match size {
        "b" => (768, 12, 12),
        "l" => (1_024, 24, 16),
        "h" => (1_280, 32, 16),
        _ => return None,
    };
    let patch: u64 = patch.parse().ok()?;
    rename(fields, &[("dropout", "hidden_dropout_prob"), ("attention_dropout", "attention_probs_dropout_prob")]);
    for (key, value) in [
        ("hidden_size", width),
        ("num_hidden_layers", layers),
        ("num_attention_heads", heads),
        ("intermediate_size", 4 * width),
        ("patch_size", patch),
    ] {
        fields.insert(key.into(), value.into());
    }
    Some("torchvision_vit")
}

/// The same of MLP-Mixer: `b16_224`.
fn mixer(name: &str, fields: &mut serde_json::Map<String, Value>) -> Option<&'static str> {
    let (size, image) = name.split_once('_')?;
    let (size, patch) = size.split_at_checked(1)?;
    let (width, layers) = match size {
        "s" => (512, 8),
        "b" => (768, 12),
        "l" => (1_024, 24),
        _ => return None,
    };
    rename(fields, &[("proj_drop_rate", "dropout")]);
    for (key, value) in [
        ("hidden_size", width),
        ("tokens_mlp_dim", width / 2),
        ("channels_mlp_dim", 4 * width),
        ("num_hidden_layers", layers),
        ("patch_size", patch.parse().ok()?),
        ("image_size", image.parse().ok()?),
    ] {
        fields.insert(key.into(), value.into());
    }
    Some("timm_mixer")
}

/// The same of Swin: `tiny_patch4_window7_224`.
fn swin(name: &str, fields: &mut serde_json::Map<String, Value>) -> Option<&'static str> {
    let [size, patch, window, image] = name.split('_').collect::<Vec<_>>().try_into().ok()?;
    let (width, third) = match size {
        "tiny" => (96, 6),
        "small" => (96, 18),
        "base" => (128, 18),
        "large" => (192, 18),
        _ => return None,
    };
    for (key, value) in [
        ("embed_dim", width),
        ("depths_3", third),
        ("patch_size", patch.strip_prefix("patch")?.parse().ok()?),
        ("window_size", window.strip_prefix("window")?.parse().ok()?),
        ("image_size", image.parse().ok()?),
    ] {
        fields.insert(key.into(), value.into());
    }
    Some("timm_swin")
}

/// `sizes` and the rest as the fields of the family.
fn mlp(fields: &mut serde_json::Map<String, Value>) -> &'static str {
    let sizes: Vec<u64> = fields
        .get("sizes")
        .and_then(Value::as_array)
        .map(|sizes| sizes.iter().filter_map(Value::as_u64).collect())
        .unwrap_or_default();
    let [first, hidden @ .., last] = sizes.as_slice() else { return "mlp" };
    fields.insert("input_size".into(), (*first).into());
    fields.insert("output_size".into(), (*last).into());
    if hidden.is_empty() {
        return "logistic_regression";
    }
    fields.insert("num_hidden_layers".into(), hidden.len().into());
    for (place, width) in hidden.iter().enumerate() {
        let key = if place == 0 { "hidden_size".into() } else { format!("hidden_size_{}", place + 1) };
        fields.insert(key, (*width).into());
    }
    let (activation, inplace) = match fields.get("act").and_then(Value::as_str).unwrap_or("relu") {
        "relu_" => ("relu", true),
        other => (other, false),
    };
    let activation = Value::from(activation);
    fields.insert("hidden_act".into(), activation);
    fields.insert("inplace".into(), inplace.into());
    let batch_norm = fields.get("norm").is_some_and(|norm| norm == "bn");
    fields.insert("batch_norm".into(), batch_norm.into());
    "mlp"
}

fn precision(case: &Value) -> Result<PrecisionMode, String> {
    let master = case["master"] == "fp32";
    match (case["param_dtype"].as_str(), case["amp"].as_str(), master) {
        (Some("fp32"), None, false) => Ok(PrecisionMode::Fp32),
        (Some("bf16"), None, false) => Ok(PrecisionMode::Bf16),
        (Some("fp16"), None, false) => Ok(PrecisionMode::Fp16),
        (Some("fp32"), Some("bf16"), false) => Ok(PrecisionMode::AutocastBf16),
        (Some("fp32"), Some("fp16"), false) => Ok(PrecisionMode::AutocastFp16),
        (Some("bf16"), None, true) => Ok(PrecisionMode::Bf16Master),
        (Some("fp16"), None, true) => Ok(PrecisionMode::Fp16Master),
        other => Err(format!("precision {other:?}")),
    }
}

fn loss(case: &Value) -> Result<Loss, String> {
    let Some(key) = case["loss"].as_str() else { return Ok(Loss::default()) };
    Loss::from_key(key).ok_or_else(|| format!("loss {key}"))
}

fn attention(case: &Value) -> Result<Attention, String> {
    match case["attn"].as_str() {
        None | Some("sdpa_auto" | "sdpa") => Ok(Attention::Sdpa),
        Some("sdpa_flash") => Ok(Attention::SdpaFlash),
        Some("sdpa_efficient") => Ok(Attention::SdpaEfficient),
        Some("sdpa_math") => Ok(Attention::SdpaMath),
        Some("eager") => Ok(Attention::Eager),
        Some(other) => Err(format!("attention {other}")),
    }
}

fn implementation(optimizer: &Value) -> Implementation {
    if optimizer["fused"] == true {
        Implementation::Fused
    } else if optimizer["foreach"] == false {
        Implementation::Loop
    } else {
        Implementation::Foreach
    }
}

fn optimizer(optimizer: &Value) -> Result<Optimizer, String> {
    let momentum = optimizer["momentum"].as_f64().is_some_and(|momentum| momentum > 0.0);
    let flag = |key: &str| optimizer[key] == true;
    Ok(match optimizer["name"].as_str().unwrap_or("?") {
        "sgd" if flag("nesterov") => Optimizer::SgdNesterov,
        "sgd" if momentum => Optimizer::SgdMomentum,
        "sgd" => Optimizer::Sgd,
        "adam" | "adamw" if flag("amsgrad") => Optimizer::AmsGrad,
        "adam" => Optimizer::Adam,
        "adamw" => Optimizer::AdamW,
        "rmsprop" => match (flag("centered"), momentum) {
            (false, false) => Optimizer::RmsProp,
            (false, true) => Optimizer::RmsPropMomentum,
            (true, false) => Optimizer::RmsPropCentered,
            (true, true) => Optimizer::RmsPropCenteredMomentum,
        },
        "adagrad" => Optimizer::Adagrad,
        "adadelta" => Optimizer::Adadelta,
        "adamax" => Optimizer::Adamax,
        "nadam" => Optimizer::NAdam,
        "radam" => Optimizer::RAdam,
        "adafactor" => Optimizer::Adafactor,
        "hf_adafactor" => Optimizer::AdafactorHf,
        "lion" => Optimizer::Lion,
        "muon" => Optimizer::Muon,
        "lamb" => Optimizer::Lamb,
        "adam8bit" => Optimizer::Adam8bit,
        other => return Err(format!("optimizer {other}")),
    })
}
