//! The inputs by name: one word for each in errors, links and labels.

use std::fmt;
use std::ops::RangeInclusive;

use crate::{Bytes, Decimal, EstimateError, UnitSystem, format_count};

/// An input of a [`Scenario`](crate::Scenario).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// Whether the model is known by its size, by name, by its fields or by a pasted `config.json`.
    ModelKind,
    /// Number of parameters.
    Parameters,
    /// Format of the parameters.
    ParameterPrecision,
    /// A model of the catalogue.
    Model,
    /// The family of a model described by hand.
    ModelType,
    /// A pasted `config.json`.
    Config,
    /// Training, adapters or inference.
    Task,
    /// Samples per step.
    BatchSize,
    /// Tokens per sample.
    SequenceLength,
    /// Tokens of the decoder of an encoder-decoder.
    TargetLength,
    /// In which types a described network works.
    PrecisionMode,
    /// Whether activations follow from the layers or are given per token.
    ActivationMode,
    /// Layers.
    Layers,
    /// Hidden size.
    HiddenSize,
    /// Activation values per token and layer, as a multiple of the hidden size.
    ActivationMultiple,
    /// Activation values per token, in all.
    UnitsPerToken,
    /// Format of the activations.
    ActivationPrecision,
    /// Optimizer.
    Optimizer,
    /// State values per parameter of a custom optimizer.
    OptimizerFactor,
    /// Format of the optimizer state.
    StatePrecision,
    /// Format of the gradients.
    GradientPrecision,
    /// Whether an FP32 copy of 16-bit parameters is kept.
    MasterWeights,
    /// How the optimizer goes over the weights.
    OptimizerImplementation,
    /// What is computed again in backward.
    Checkpointing,
    /// Blocks of one group of checkpointing.
    CheckpointEvery,
    /// How attention is computed.
    Attention,
    /// What an encoder is trained for.
    Head,
    /// The loss of a network that ends in one label per sample.
    Loss,
    /// Whether dropout drops.
    Dropout,
    /// Whether the batch is padded.
    Padding,
    /// Micro-batches before each step.
    Accumulation,
    /// What `zero_grad` sets gradients to.
    ZeroGrad,
    /// Whether the norm of the gradients is clipped.
    Clip,
    /// Whether the model's outputs are held until the next step.
    HoldOutputs,
    /// Whether inference keeps keys and values.
    KvCache,
    /// For which tokens inference computes logits.
    Logits,
    /// Rank of each adapter.
    LoraRank,
    /// Scale of each adapter.
    LoraAlpha,
    /// Rate of dropout on the adapters' inputs.
    LoraDropout,
    /// Linear layers that get an adapter.
    LoraTargets,
    /// Type of the adapters.
    LoraPrecision,
    /// Workspace in percent of the total.
    Workspace,
    /// Fragmentation in percent of the device's memory.
    Fragmentation,
    /// Driver context in MiB.
    Context,
    /// Device.
    Device,
    /// Size of a custom device.
    DeviceMemory,
}

impl Field {
    // A new input is a variant, a row here and a place in ALL.
    const fn row(self) -> (&'static str, &'static str) {
        match self {
            Self::ModelKind => ("model_kind", "model kind"),
            Self::Parameters => ("params", "parameters"),
            Self::ParameterPrecision => ("precision", "parameter precision"),
            Self::Model => ("model", "model"),
            Self::ModelType => ("model_type", "model type"),
            Self::Config => ("config", "config"),
            Self::Task => ("task", "task"),
            Self::BatchSize => ("batch", "batch size"),
            Self::SequenceLength => ("sequence_length", "sequence length"),
            Self::TargetLength => ("target_length", "target length"),
            Self::PrecisionMode => ("precision_mode", "precision mode"),
            Self::ActivationMode => ("activation_mode", "activation mode"),
            Self::Layers => ("layers", "layers"),
            Self::HiddenSize => ("hidden_size", "hidden size"),
            Self::ActivationMultiple => ("activation_multiple", "activation multiple"),
            Self::UnitsPerToken => ("units_per_token", "units per token"),
            Self::ActivationPrecision => ("activation_precision", "activation precision"),
            Self::Optimizer => ("optimizer", "optimizer"),
            Self::OptimizerFactor => ("optimizer_factor", "optimizer factor"),
            Self::StatePrecision => ("state_precision", "state precision"),
            Self::GradientPrecision => ("gradient_precision", "gradient precision"),
            Self::MasterWeights => ("master_weights", "master weights"),
            Self::OptimizerImplementation => ("optimizer_implementation", "optimizer implementation"),
            Self::Checkpointing => ("checkpointing", "checkpointing"),
            Self::CheckpointEvery => ("checkpoint_every", "blocks per checkpoint"),
            Self::Attention => ("attention", "attention"),
            Self::Head => ("head", "head"),
            Self::Loss => ("loss", "loss"),
            Self::Dropout => ("dropout", "dropout"),
            Self::Padding => ("padding", "padding"),
            Self::Accumulation => ("accumulation", "accumulation steps"),
            Self::ZeroGrad => ("zero_grad", "zero_grad"),
            Self::Clip => ("clip", "clipping"),
            Self::HoldOutputs => ("hold_outputs", "held outputs"),
            Self::KvCache => ("kv_cache", "key-value cache"),
            Self::Logits => ("logits", "logits"),
            Self::LoraRank => ("lora_rank", "LoRA rank"),
            Self::LoraAlpha => ("lora_alpha", "LoRA alpha"),
            Self::LoraDropout => ("lora_dropout", "LoRA dropout"),
            Self::LoraTargets => ("lora_targets", "LoRA targets"),
            Self::LoraPrecision => ("lora_precision", "LoRA precision"),
            Self::Workspace => ("workspace", "workspace"),
            Self::Fragmentation => ("fragmentation", "fragmentation"),
            Self::Context => ("context", "context"),
            Self::Device => ("device", "device"),
            Self::DeviceMemory => ("device_memory", "device memory"),
        }
    }

    /// Every input, in the order of the form.
    pub const ALL: [Self; 46] = [
        Self::ModelKind,
        Self::Parameters,
        Self::ParameterPrecision,
        Self::Model,
        Self::ModelType,
        Self::Config,
        Self::Task,
        Self::BatchSize,
        Self::SequenceLength,
        Self::TargetLength,
        Self::PrecisionMode,
        Self::ActivationMode,
        Self::Layers,
        Self::HiddenSize,
        Self::ActivationMultiple,
        Self::UnitsPerToken,
        Self::ActivationPrecision,
        Self::Optimizer,
        Self::OptimizerFactor,
        Self::StatePrecision,
        Self::GradientPrecision,
        Self::MasterWeights,
        Self::OptimizerImplementation,
        Self::Checkpointing,
        Self::CheckpointEvery,
        Self::Attention,
        Self::Head,
        Self::Loss,
        Self::Dropout,
        Self::Padding,
        Self::Accumulation,
        Self::ZeroGrad,
        Self::Clip,
        Self::HoldOutputs,
        Self::KvCache,
        Self::Logits,
        Self::LoraRank,
        Self::LoraAlpha,
        Self::LoraDropout,
        Self::LoraTargets,
        Self::LoraPrecision,
        Self::Workspace,
        Self::Fragmentation,
        Self::Context,
        Self::Device,
        Self::DeviceMemory,
    ];

    /// Stable key, as written in links.
    pub const fn key(self) -> &'static str {
        self.row().0
    }

    /// Name as written in messages.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// Limits of an input that is counted, both ends allowed.
    pub const fn count_limits(self) -> Option<RangeInclusive<u64>> {
        Some(match self {
            Self::Parameters => 1..=1_000_000_000_000_000,
            Self::BatchSize => 1..=1_000_000_000,
            Self::SequenceLength | Self::TargetLength => 1..=1_000_000_000,
            Self::CheckpointEvery | Self::LoraRank | Self::LoraAlpha | Self::Accumulation => 1..=1_000_000,
            Self::Layers => 1..=1_000_000,
            Self::HiddenSize => 1..=1_000_000_000,
            Self::UnitsPerToken => 0..=1_000_000_000_000_000,
            Self::Context => 0..=1_000_000,
            _ => return None,
        })
    }

    /// Limits of an input that takes decimal places, both ends allowed.
    pub const fn decimal_limits(self) -> Option<RangeInclusive<Decimal>> {
        Some(match self {
            Self::ActivationMultiple => Decimal::whole(0)..=Decimal::whole(1_000_000),
            Self::LoraDropout => Decimal::whole(0)..=Decimal::whole(1),
            Self::OptimizerFactor => Decimal::whole(0)..=Decimal::whole(100),
            Self::Workspace | Self::Fragmentation => Decimal::whole(0)..=Decimal::whole(95),
            _ => return None,
        })
    }

    /// Limits of an input that is an amount of memory, both ends allowed.
    pub const fn memory_limits(self) -> Option<RangeInclusive<Bytes>> {
        match self {
            Self::DeviceMemory => Some(Bytes::mib(1)..=Bytes::gib(1 << 30)),
            _ => None,
        }
    }

    /// Holds a count against the limits.
    ///
    /// # Errors
    /// [`EstimateError::OutOfRange`].
    pub fn check_count(self, value: u64) -> Result<(), EstimateError> {
        self.check(&value, self.count_limits(), |&value| format_count(value))
    }

    /// Holds a number against the limits.
    ///
    /// # Errors
    /// [`EstimateError::OutOfRange`].
    pub fn check_decimal(self, value: Decimal) -> Result<(), EstimateError> {
        self.check(&value, self.decimal_limits(), Decimal::to_string)
    }

    /// Holds an amount of memory against the limits.
    ///
    /// # Errors
    /// [`EstimateError::OutOfRange`].
    pub fn check_memory(self, value: Bytes) -> Result<(), EstimateError> {
        self.check(&value, self.memory_limits(), |bytes| bytes.display(UnitSystem::Binary).to_string())
    }

    fn check<T: PartialOrd>(
        self,
        value: &T,
        limits: Option<RangeInclusive<T>>,
        write: impl Fn(&T) -> String,
    ) -> Result<(), EstimateError> {
        match limits {
            Some(limits) if !limits.contains(value) => Err(EstimateError::OutOfRange {
                field: self,
                given: write(value),
                minimum: write(limits.start()),
                maximum: write(limits.end()),
            }),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_stand_at_their_place() {
        for (place, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(field as usize, place);
        }
    }
}
