//! What is asked.

use crate::catalog::{self, Device, Multiprocessors, Platform};
use crate::{Bytes, Choice, Config, Decimal, Optimizer, Precision, Run};

/// A network, what is done with it, and the device it should fit. Links, the page, and tests all speak of this one type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Scenario {
    /// The network: by its size alone, or described.
    #[cfg_attr(feature = "serde", serde(default))]
    pub model: Model,
    /// How a described network is run.
    #[cfg_attr(feature = "serde", serde(default))]
    pub run: Run,
    /// Weights and biases, counted.
    pub parameters: u64,
    /// How each is stored.
    pub parameter_precision: Precision,
    /// Samples that go through at once, on one device.
    pub batch_size: u64,
    /// Tokens per sample; 1 for what is no sequence.
    pub sequence_length: u64,
    /// Activation values that stand for each token.
    pub activation_units: ActivationUnits,
    /// How each of them is stored.
    pub activation_precision: Precision,
    /// What is done.
    pub task: Task,
    /// What comes on top.
    pub overheads: Overheads,
    /// What it should fit.
    pub device: DeviceChoice,
}

/// The network that is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[expect(
    clippy::large_enum_variant,
    reason = "a scenario is copied a few times a keystroke; in a box it would be no `Copy`"
)]
pub enum Model {
    /// By its size: the fields of the scenario, multiplied.
    #[default]
    Size,
    /// One of the catalogue, followed operator by operator.
    Named(&'static catalog::Model),
    /// Described by the fields of its family, followed operator by operator.
    Described(Config),
}

/// [`Model`] without its configuration, and how that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelKind {
    /// [`Model::Size`].
    Size,
    /// [`Model::Named`].
    Named,
    /// [`Model::Described`], field by field.
    Described,
    /// [`Model::Described`], by a pasted `config.json`.
    Pasted,
}

impl Choice for ModelKind {
    const ALL: &'static [Self] = &[Self::Size, Self::Named, Self::Described, Self::Pasted];

    fn key(self) -> &'static str {
        match self {
            Self::Size => "size",
            Self::Named => "name",
            Self::Described => "hand",
            Self::Pasted => "config",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Size => "By size",
            Self::Named => "By name",
            Self::Described => "By hand",
            Self::Pasted => "config.json",
        }
    }
}

impl Model {
    /// Which it is.
    pub const fn kind(&self) -> ModelKind {
        match self {
            Self::Size => ModelKind::Size,
            Self::Named(_) => ModelKind::Named,
            Self::Described(_) => ModelKind::Described,
        }
    }

    /// The configuration of a described network.
    ///
    /// # Errors
    /// Where that of the catalogue cannot be read, which its tests rule out.
    pub fn config(&self) -> Option<Result<Config, crate::ConfigError>> {
        match self {
            Self::Size => None,
            Self::Named(model) => Some(Config::from_json(model.config)),
            Self::Described(config) => Some(Ok(*config)),
        }
    }
}

/// Activation values per token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum ActivationUnits {
    /// From the shape of the network.
    PerLayer {
        /// Layers.
        layers: u64,
        /// Width of the residual stream.
        hidden_size: u64,
        /// Values kept per token and layer, as a multiple of the hidden size.
        multiple: Decimal,
    },
    /// Given outright, over all layers.
    PerToken {
        /// Values.
        units: u64,
    },
}

/// [`ActivationUnits`] without its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationMode {
    /// [`ActivationUnits::PerLayer`].
    Layers,
    /// [`ActivationUnits::PerToken`].
    Units,
}

impl Choice for ActivationMode {
    const ALL: &'static [Self] = &[Self::Layers, Self::Units];

    fn key(self) -> &'static str {
        match self {
            Self::Layers => "layers",
            Self::Units => "units",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Layers => "From layers",
            Self::Units => "Units per token",
        }
    }
}

/// What is done with the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Task {
    /// Forward, backward and optimizer step.
    Training(Training),
    /// Forward, backward and optimizer step of low-rank adapters ([`Run::lora`]); the network is frozen.
    Lora(Training),
    /// Forward only, without autograd.
    Inference,
}

/// What training adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Training {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// How its state is stored.
    pub state_precision: StatePrecision,
    /// How gradients are stored.
    pub gradient_precision: Precision,
    /// Whether an FP32 copy of narrower parameters is kept, as Megatron and DeepSpeed do.
    pub master_weights: bool,
}

/// How optimizer state is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum StatePrecision {
    /// As the parameters, as PyTorch's optimizers do.
    #[cfg_attr(feature = "serde", serde(rename = "same"))]
    SameAsParameters,
    /// In FP32.
    Fp32,
}

impl Choice for StatePrecision {
    const ALL: &'static [Self] = &[Self::SameAsParameters, Self::Fp32];

    fn key(self) -> &'static str {
        match self {
            Self::SameAsParameters => "same",
            Self::Fp32 => "fp32",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::SameAsParameters => "As parameters",
            Self::Fp32 => "FP32",
        }
    }
}

/// [`Task`] without its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskKind {
    /// [`Task::Training`].
    Training,
    /// [`Task::Lora`].
    Lora,
    /// [`Task::Inference`].
    Inference,
}

impl Choice for TaskKind {
    const ALL: &'static [Self] = &[Self::Training, Self::Lora, Self::Inference];

    fn key(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Lora => "lora",
            Self::Inference => "inference",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Training => "Training",
            Self::Lora => "LoRA",
            Self::Inference => "Inference",
        }
    }
}

impl Task {
    /// The settings of training, of the network or of adapters.
    pub const fn training(self) -> Option<Training> {
        match self {
            Self::Training(training) | Self::Lora(training) => Some(training),
            Self::Inference => None,
        }
    }

    /// Which it is.
    pub const fn kind(self) -> TaskKind {
        match self {
            Self::Training(_) => TaskKind::Training,
            Self::Lora(_) => TaskKind::Lora,
            Self::Inference => TaskKind::Inference,
        }
    }
}

/// Memory that is neither the network's nor the optimizer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Overheads {
    /// Temporary buffers, in percent of the total.
    pub workspace_percent: Decimal,
    /// Memory lost between allocations, in percent of the device's memory.
    pub fragmentation_percent: Decimal,
    /// The driver's context and loaded kernels, in MiB.
    pub context_mib: u64,
}

impl Overheads {
    /// None: only what the formulas of the parts say.
    pub const NONE: Self =
        Self { workspace_percent: Decimal::whole(0), fragmentation_percent: Decimal::whole(0), context_mib: 0 };

    /// What to expect of PyTorch on a current data-centre card: workspace 10 % (published advice: 10 to 20), fragmentation
    /// 15 % (published advice: 15 to 20), context 500 MiB (0.47 GiB measured on an A100 with lazily loaded kernels,
    /// PyTorch 2.1; 0.92 GiB when all are loaded at once).
    pub const REALISTIC: Self =
        Self { workspace_percent: Decimal::whole(10), fragmentation_percent: Decimal::whole(15), context_mib: 500 };
}

/// The device to hold the job against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceChoice {
    /// One of the catalogue.
    Catalog(&'static Device),
    /// Any other, by the memory that its driver reports.
    Custom(Bytes),
}

impl DeviceChoice {
    /// Memory as advertised.
    pub const fn advertised(self) -> Bytes {
        match self {
            Self::Catalog(device) => device.advertised,
            Self::Custom(bytes) => bytes,
        }
    }

    /// Its multiprocessors, where they are known.
    pub const fn multiprocessors(self) -> Option<Multiprocessors> {
        match self {
            Self::Catalog(device) => device.multiprocessors,
            Self::Custom(_) => None,
        }
    }

    /// What runs PyTorch's kernels on it; a device that is not of the catalogue counts as NVIDIA's.
    pub fn platform(self) -> Platform {
        match self {
            Self::Catalog(device) => device.platform(),
            Self::Custom(_) => Platform::Cuda,
        }
    }

    /// Memory that the driver reports.
    pub const fn reported(self) -> Bytes {
        match self {
            Self::Catalog(device) => device.reported,
            Self::Custom(bytes) => bytes,
        }
    }
}

impl Default for Scenario {
    /// BERT-base in training: 110 M FP32 parameters, AdamW, batch 32 of 128 tokens, 12 layers of 768.
    fn default() -> Self {
        Self {
            model: Model::Size,
            run: Run::default(),
            parameters: 110_000_000,
            parameter_precision: Precision::Fp32,
            batch_size: 32,
            sequence_length: 128,
            activation_units: ActivationUnits::PerLayer { layers: 12, hidden_size: 768, multiple: Decimal::whole(4) },
            activation_precision: Precision::Fp16,
            task: Task::Training(Training::default()),
            overheads: Overheads::NONE,
            device: DeviceChoice::Catalog(catalog::default_device()),
        }
    }
}

impl Default for Training {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::AdamW,
            state_precision: StatePrecision::SameAsParameters,
            gradient_precision: Precision::Fp32,
            master_weights: false,
        }
    }
}

#[cfg(feature = "serde")]
mod model_serde {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Model;
    use crate::{Config, catalog};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Written<'a> {
        Size,
        Named(std::borrow::Cow<'a, str>),
        Described(std::borrow::Cow<'a, str>),
    }

    impl Serialize for Model {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match *self {
                Self::Size => Written::Size,
                Self::Named(model) => Written::Named(model.key.into()),
                Self::Described(config) => Written::Described(config.to_json().into()),
            }
            .serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for Model {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match Written::deserialize(deserializer)? {
                Written::Size => Ok(Self::Size),
                Written::Named(key) => catalog::model(&key)
                    .map(Self::Named)
                    .ok_or_else(|| D::Error::custom(format_args!("no model with the key {key:?}"))),
                Written::Described(text) => Config::from_json(&text).map(Self::Described).map_err(D::Error::custom),
            }
        }
    }
}

#[cfg(feature = "serde")]
mod device_choice_serde {
    use serde::de::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::DeviceChoice;
    use crate::{Bytes, catalog};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Written<'a> {
        Catalog(std::borrow::Cow<'a, str>),
        Custom(Bytes),
    }

    impl Serialize for DeviceChoice {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match *self {
                Self::Catalog(device) => Written::Catalog(device.id.into()),
                Self::Custom(bytes) => Written::Custom(bytes),
            }
            .serialize(serializer)
        }
    }

    impl<'de> Deserialize<'de> for DeviceChoice {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match Written::deserialize(deserializer)? {
                Written::Catalog(id) => catalog::device(&id)
                    .map(Self::Catalog)
                    .ok_or_else(|| D::Error::custom(format_args!("no device with the id {id:?}"))),
                Written::Custom(bytes) => Ok(Self::Custom(bytes)),
            }
        }
    }
}
