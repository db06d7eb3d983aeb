//! How a described network is run: what the engine knows beyond the quick estimate.

use crate::program::ElementType;
use crate::{Choice, Decimal, Implementation};

/// Settings of a run of a described network, named as in PyTorch and Hugging Face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Run {
    /// In which types weights, activations and optimizer work.
    pub precision: PrecisionMode,
    /// How the optimizer goes over the weights.
    pub implementation: Implementation,
    /// What is computed again in backward instead of kept.
    pub checkpointing: Checkpointing,
    /// How attention is computed.
    pub attention: Attention,
    /// Whether dropout drops, at the rates of the configuration.
    pub dropout: bool,
    /// Micro-batches whose gradients are added up before each step.
    pub accumulation_steps: u64,
    /// Whether `zero_grad` sets gradients to none, PyTorch's default; otherwise to zeros, which stay.
    pub set_to_none: bool,
    /// Whether the norm of the gradients is clipped.
    pub clip: bool,
    /// Whether the training loop holds the model's outputs, logits among them, until the next step.
    pub hold_outputs: bool,
    /// Whether the batch is padded: a mask is built.
    pub padding: bool,
    /// What an encoder is trained for.
    pub head: Head,
    /// What training makes smaller, where the network ends in one label per sample.
    #[cfg_attr(feature = "serde", serde(default))]
    pub loss: Loss,
    /// Tokens of the decoder of an encoder-decoder.
    pub target_length: u64,
    /// Whether inference keeps keys and values.
    pub kv_cache: bool,
    /// Whether inference computes the last token's logits only.
    pub last_logits: bool,
    /// The adapters of a LoRA run.
    pub lora: Lora,
}

impl Default for Run {
    /// FP32, foreach, SDPA, dropout as configured, one micro-batch, no checkpointing.
    fn default() -> Self {
        Self {
            precision: PrecisionMode::Fp32,
            implementation: Implementation::Foreach,
            checkpointing: Checkpointing::None,
            attention: Attention::Sdpa,
            dropout: true,
            accumulation_steps: 1,
            set_to_none: true,
            clip: false,
            hold_outputs: false,
            padding: false,
            head: Head::LanguageModel,
            loss: Loss::CrossEntropy,
            target_length: 128,
            kv_cache: true,
            last_logits: false,
            lora: Lora::default(),
        }
    }
}

/// In which types a run works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PrecisionMode {
    /// Everything in FP32.
    Fp32,
    /// Everything in BF16.
    Bf16,
    /// Everything in FP16.
    Fp16,
    /// FP32 weights, `torch.autocast` to BF16.
    AutocastBf16,
    /// FP32 weights, `torch.autocast` to FP16, a gradient scaler.
    AutocastFp16,
    /// BF16 weights, FP32 copies of them in the optimizer.
    Bf16Master,
    /// FP16 weights, FP32 copies of them in the optimizer.
    Fp16Master,
}

impl PrecisionMode {
    /// The type of the weights.
    pub const fn parameters(self) -> ElementType {
        match self {
            Self::Fp32 | Self::AutocastBf16 | Self::AutocastFp16 => ElementType::Fp32,
            Self::Bf16 | Self::Bf16Master => ElementType::Bf16,
            Self::Fp16 | Self::Fp16Master => ElementType::Fp16,
        }
    }

    /// The type that autocast casts to.
    pub const fn autocast(self) -> Option<ElementType> {
        match self {
            Self::AutocastBf16 => Some(ElementType::Bf16),
            Self::AutocastFp16 => Some(ElementType::Fp16),
            Self::Fp32 | Self::Bf16 | Self::Fp16 | Self::Bf16Master | Self::Fp16Master => None,
        }
    }

    /// Whether the optimizer works on FP32 copies.
    pub const fn master_weights(self) -> bool {
        matches!(self, Self::Bf16Master | Self::Fp16Master)
    }
}

impl Choice for PrecisionMode {
    const ALL: &'static [Self] = &[
        Self::Fp32,
        Self::AutocastBf16,
        Self::AutocastFp16,
        Self::Bf16,
        Self::Fp16,
        Self::Bf16Master,
        Self::Fp16Master,
    ];

    fn key(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Bf16 => "bf16",
            Self::Fp16 => "fp16",
            Self::AutocastBf16 => "autocast_bf16",
            Self::AutocastFp16 => "autocast_fp16",
            Self::Bf16Master => "bf16_master",
            Self::Fp16Master => "fp16_master",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Fp32 => "FP32",
            Self::Bf16 => "BF16",
            Self::Fp16 => "FP16",
            Self::AutocastBf16 => "autocast to BF16",
            Self::AutocastFp16 => "autocast to FP16, scaler",
            Self::Bf16Master => "BF16, FP32 master weights",
            Self::Fp16Master => "FP16, FP32 master weights",
        }
    }
}

/// What is computed again in backward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Checkpointing {
    /// Nothing.
    None,
    /// Each block, one by one, but its input.
    Block,
    /// Blocks in groups of this many.
    Every(u64),
    /// Each block but its input and the outputs of its matrix products.
    Selective,
}

impl Choice for Checkpointing {
    const ALL: &'static [Self] = &[Self::None, Self::Block, Self::Every(2), Self::Selective];

    fn key(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Block => "block",
            Self::Every(_) => "every",
            Self::Selective => "selective",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Block => "Each block",
            Self::Every(_) => "Every k blocks",
            Self::Selective => "Selective (matrix products kept)",
        }
    }
}

/// How attention is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Attention {
    /// `scaled_dot_product_attention` with the fastest kernel that applies: flash, memory-efficient, else math.
    Sdpa,
    /// Its flash kernel; math where flash does not apply.
    SdpaFlash,
    /// Its memory-efficient kernel; math where that does not apply.
    SdpaEfficient,
    /// Its math fallback.
    SdpaMath,
    /// Written out in Python.
    Eager,
}

impl Attention {
    /// What it is where no code writes attention out: the fastest kernel.
    pub(crate) fn fused(self) -> Self {
        if self == Self::Eager { Self::Sdpa } else { self }
    }
}

impl Choice for Attention {
    const ALL: &'static [Self] = &[Self::Sdpa, Self::SdpaFlash, Self::SdpaEfficient, Self::SdpaMath, Self::Eager];

    fn key(self) -> &'static str {
        match self {
            Self::Sdpa => "sdpa",
            Self::SdpaFlash => "sdpa_flash",
            Self::SdpaEfficient => "sdpa_efficient",
            Self::SdpaMath => "sdpa_math",
            Self::Eager => "eager",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Sdpa => "SDPA, fastest kernel",
            Self::SdpaFlash => "SDPA, flash",
            Self::SdpaEfficient => "SDPA, memory-efficient",
            Self::SdpaMath => "SDPA, math",
            Self::Eager => "Written out (eager)",
        }
    }
}

/// What an encoder ends in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Head {
    /// Logits over the vocabulary for each token: a causal or masked language model.
    LanguageModel,
    /// One label for the sequence.
    Classification,
}

impl Choice for Head {
    const ALL: &'static [Self] = &[Self::LanguageModel, Self::Classification];

    fn key(self) -> &'static str {
        match self {
            Self::LanguageModel => "language_model",
            Self::Classification => "classification",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::LanguageModel => "Masked language model",
            Self::Classification => "Classification",
        }
    }
}

/// What logits and labels are held against one another by; in transformers, `problem_type` says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Loss {
    /// `CrossEntropyLoss`: one class of each sample (`single_label_classification`).
    #[default]
    CrossEntropy,
    /// `MSELoss`: numbers (`regression`).
    Mse,
    /// `BCEWithLogitsLoss`: any of the classes (`multi_label_classification`).
    BceWithLogits,
}

impl Choice for Loss {
    const ALL: &'static [Self] = &[Self::CrossEntropy, Self::Mse, Self::BceWithLogits];

    fn key(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::Mse => "mse",
            Self::BceWithLogits => "bce_with_logits",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::CrossEntropy => "Cross-entropy",
            Self::Mse => "Mean squared error",
            Self::BceWithLogits => "Binary cross-entropy with logits",
        }
    }
}

/// Low-rank adapters as peft adds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lora {
    /// Rank of each adapter.
    pub rank: u64,
    /// Its scale; no memory depends on it.
    pub alpha: u64,
    /// The rate of dropout on the adapters' inputs.
    pub dropout: Decimal,
    /// The linear layers that get one.
    pub targets: Targets,
    /// Whether adapters are kept in FP32, peft's default, or in the weights' type.
    pub fp32: bool,
}

impl Default for Lora {
    fn default() -> Self {
        Self { rank: 16, alpha: 32, dropout: Decimal::whole(0), targets: Targets::ALL, fp32: true }
    }
}

/// Names of linear layers inside blocks, as families have them.
pub const TARGET_MODULES: &[&str] = &[
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
    "qkv_proj",
    "gate_up_proj",
    "out_proj",
    "fc1",
    "fc2",
    "c_attn",
    "c_proj",
    "c_fc",
    "query_key_value",
    "dense",
    "dense_h_to_4h",
    "dense_4h_to_h",
    "query",
    "key",
    "value",
    "q_lin",
    "k_lin",
    "v_lin",
    "out_lin",
    "lin1",
    "lin2",
    "q",
    "k",
    "v",
    "o",
    "wi",
    "wo",
    "att_proj",
    "qkv",
    "proj",
    "wi_0",
    "wi_1",
    "Wqkv",
    "Wi",
    "Wo",
    "reduction",
    "shared_expert_gate",
    "fc_in",
    "fc_out",
    "ffn",
    "ffn_output",
    "q_a_proj",
    "q_b_proj",
    "kv_a_proj_with_mqa",
    "kv_b_proj",
    "gate",
    "w1",
    "w2",
    "w3",
    "query_proj",
    "key_proj",
    "value_proj",
    "pos_key_proj",
    "pos_query_proj",
];

/// A set of [`TARGET_MODULES`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Targets(u64);

// A bit each, and one left for those of no name.
const _: () = assert!(TARGET_MODULES.len() < 64);

/// As people write them, `q_proj,v_proj` or `all`.
#[cfg(feature = "serde")]
impl serde::Serialize for Targets {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Targets {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|name| serde::de::Error::custom(format_args!("{name:?} is no layer of any family")))
    }
}

impl Targets {
    /// Every linear layer of every block.
    pub const ALL: Self = Self(u64::MAX);

    /// None at all.
    pub const NONE: Self = Self(0);

    /// The set with this module in it; none where no family has a module of this name.
    pub fn with(self, module: &str) -> Option<Self> {
        let place = TARGET_MODULES.iter().position(|name| *name == module)?;
        Some(Self(self.0 | 1 << place))
    }

    /// Whether the module is in the set.
    pub fn contains(self, module: &str) -> bool {
        self == Self::ALL
            || TARGET_MODULES.iter().position(|name| *name == module).is_some_and(|p| self.0 >> p & 1 == 1)
    }

    /// Reads names with commas between them, or `all`.
    ///
    /// # Errors
    /// The first name that no family has.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().eq_ignore_ascii_case("all") {
            return Ok(Self::ALL);
        }
        let mut set = Self::NONE;
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            set = set.with(name).ok_or_else(|| name.to_owned())?;
        }
        Ok(set)
    }
}

impl std::fmt::Display for Targets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if *self == Self::ALL {
            return f.write_str("all");
        }
        let mut separator = "";
        for name in TARGET_MODULES.iter().filter(|name| self.contains(name)) {
            write!(f, "{separator}{name}")?;
            separator = ",";
        }
        Ok(())
    }
}
