//! What travels with an estimate in words: assumptions and warnings.

use std::fmt;

use crate::catalog::Platform;
use crate::{Bytes, Choice, Decimal, Optimizer, Phase, Targets, UnitSystem, format_count};

/// Something to know about an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The activations of a transformer are likely more.
    ActivationsAreARuleOfThumb {
        /// Values per hidden unit and layer, as given.
        multiple: Decimal,
    },
    /// Units per token were given, so nothing is known of the network behind them.
    ActivationsAsGiven,
    /// In inference only one layer's activations stand at a time.
    OneLayerStands,
    /// The key-value cache is not counted.
    KeyValueCacheNotCounted {
        /// What it takes with full multi-head attention, if the shape is known.
        at_most: Option<Bytes>,
    },
    /// Where the state values of the optimizer come from.
    OptimizerState(Optimizer),
    /// Integer parameters take no gradients.
    IntegerParametersInTraining,
    /// Gradients are floating-point in PyTorch.
    IntegerGradients,
    /// 4-bit formats keep statistics for each block.
    BlockStatisticsNotCounted,
    /// TF32 saves no memory.
    Tf32IsStoredAsFp32,
    /// Adapters of a network known by its size alone.
    AdaptersNotCounted,
    /// The step was followed operator by operator.
    FollowedStepByStep(Phase),
    /// How many multiprocessors the device has is not known.
    MultiprocessorsAssumed,
    /// What the device shows is more than what is allocated.
    AllocatedNotReserved,
    /// The device has other kernels and another allocator than those that were followed.
    OtherKernels(Platform),
    /// Autocast would keep copies of weights that were not frozen.
    CopiesOfWeights {
        /// All of them.
        at_most: Bytes,
    },
    /// A sequence longer than the positions that the model was made for.
    BeyondPositions {
        /// Tokens asked for.
        length: u64,
        /// Positions that the model has.
        positions: u64,
    },
    /// A sequence longer than the positions that the network's code has.
    NoSuchPosition {
        /// Tokens asked for; of a decoder that goes on after the sequence, the next one included.
        length: u64,
        /// Positions that the model has.
        positions: u64,
    },
    /// No layer of the network is among those that are to get adapters.
    NothingAdapted {
        /// The layers that it has.
        layers: Targets,
    },
    /// Adapters of layers whose weight the network multiplies by itself.
    AdaptersNeverRun {
        /// Those layers.
        layers: Targets,
    },
    /// The weights of experts are written out with what their adapters add, and kept for backward.
    ExpertsWrittenOut {
        /// Those of all layers.
        bytes: Bytes,
    },
    /// Adapters that peft does not make.
    AdaptersRefused(Refusal),
    /// FP32 parameters need no master copy.
    MasterWeightsNeedless,
    /// All overheads are zero.
    OverheadsNotCounted,
}

/// Why peft makes no adapters on experts (`ParamWrapper` and `_convert_peft_config_moe` of peft 0.21).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// They are to drop out.
    Dropout,
    /// Of two layers that are one weight, one alone is to get them.
    Apart([&'static str; 2]),
    /// The router, which returns more than a tensor, is to get one.
    Router,
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What the figures rest on.
    Assumption,
    /// The figures may mislead.
    Warning,
}

impl Note {
    /// How much it matters.
    pub const fn level(self) -> Level {
        match self {
            Self::ActivationsAsGiven
            | Self::OneLayerStands
            | Self::OptimizerState(_)
            | Self::FollowedStepByStep(_)
            | Self::MultiprocessorsAssumed
            | Self::Tf32IsStoredAsFp32 => Level::Assumption,
            Self::ActivationsAreARuleOfThumb { .. }
            | Self::KeyValueCacheNotCounted { .. }
            | Self::IntegerParametersInTraining
            | Self::IntegerGradients
            | Self::BlockStatisticsNotCounted
            | Self::AdaptersNotCounted
            | Self::AllocatedNotReserved
            | Self::OtherKernels(_)
            | Self::CopiesOfWeights { .. }
            | Self::BeyondPositions { .. }
            | Self::NoSuchPosition { .. }
            | Self::NothingAdapted { .. }
            | Self::AdaptersNeverRun { .. }
            | Self::ExpertsWrittenOut { .. }
            | Self::AdaptersRefused(_)
            | Self::MasterWeightsNeedless
            | Self::OverheadsNotCounted => Level::Warning,
        }
    }

    /// The note in words, sizes in these units.
    pub fn text(self, system: UnitSystem) -> String {
        match self {
            Self::ActivationsAreARuleOfThumb { multiple } => format!(
                "Activations are a rule of thumb: {multiple} values per hidden unit and layer. A transformer layer in 16 bits keeps 17 or more, and without fused attention the scores on top (Korthikanti et al. 2022, arXiv:2205.05198)."
            ),
            Self::ActivationsAsGiven => "Activations are counted as given: units per token, whatever the network.".into(),
            Self::OneLayerStands => {
                "Without autograd nothing is kept for a backward pass: one layer's activations are counted, not all.".into()
            }
            Self::KeyValueCacheNotCounted { at_most: Some(bytes) } => format!(
                "The key-value cache of a decoder is not counted: up to {} more here (2 × layers × hidden size × tokens), less with grouped-query attention.",
                bytes.display(system)
            ),
            Self::KeyValueCacheNotCounted { at_most: None } => {
                "The key-value cache of a decoder is not counted: 2 × layers × key-value width × tokens comes on top.".into()
            }
            Self::OptimizerState(optimizer) => format!("Optimizer state: {}.", optimizer.source()),
            Self::IntegerParametersInTraining => {
                "Integer parameters take no gradients in PyTorch: this holds for quantization-aware schemes that keep a floating-point copy elsewhere.".into()
            }
            Self::IntegerGradients => "PyTorch keeps gradients in a floating-point format: integer gradients are hypothetical.".into(),
            Self::BlockStatisticsNotCounted => {
                "4-bit formats keep a scale for each block of values: 4.13 to 4.5 bits per parameter in all with NF4. The scales are not counted.".into()
            }
            Self::Tf32IsStoredAsFp32 => "TF32 is a mode of the matrix units: values are stored in 4 bytes, as FP32.".into(),
            Self::FollowedStepByStep(phase) => format!(
                "Followed operator by operator as PyTorch 2.11 and transformers 5.17 run it; the most is allocated in the {} phase. Kernels are those of an H100 or H200.",
                phase.label()
            ),
            Self::MultiprocessorsAssumed => {
                "How many multiprocessors the device has is not known: buffers of sums that are shared out among them are those of an H100's 132.".into()
            }
            Self::AllocatedNotReserved => {
                "This is what PyTorch allocates. What nvidia-smi shows, the allocator's reserve and the driver's context included, has a panel of its own.".into()
            }
            Self::OtherKernels(Platform::Metal) => {
                "What was followed is CUDA. Metal has other kernels and another allocator: tensors are as large, the rest is a guide.".into()
            }
            Self::OtherKernels(_) => {
                "What was followed is CUDA. ROCm has other kernels, whose buffers may differ. rocm-smi shows more than PyTorch allocates.".into()
            }
            Self::CopiesOfWeights { at_most } => format!(
                "Counted under torch.inference_mode(). Under torch.no_grad(), autocast keeps a 16-bit copy of every linear weight that requires a gradient until its context ends: up to {} more.",
                at_most.display(system)
            ),
            Self::BeyondPositions { length, positions } => format!(
                "The sequence of {} tokens is longer than the {} positions that the model was made for.",
                format_count(length),
                format_count(positions)
            ),
            Self::NoSuchPosition { length, positions } => format!(
                "The model has {} positions and none for token {}: its code fails there.",
                format_count(positions),
                format_count(length)
            ),
            Self::NothingAdapted { layers: Targets::NONE } => {
                "None of the LoRA targets is a layer of this network, so that nothing is trained: give all.".into()
            }
            Self::NothingAdapted { layers } => format!(
                "None of the LoRA targets is a layer of this network, so that nothing is trained in its blocks; peft refuses that. Its layers are {}.",
                layers.to_string().replace(',', ", ")
            ),
            Self::AdaptersNeverRun { layers } => format!(
                "LoRA does nothing on {layers} here: the network multiplies by the weight of that layer itself, past its adapter. The adapter's weights are counted; they get no gradient.",
            ),
            Self::ExpertsWrittenOut { bytes } => format!(
                "For adapters on experts peft writes the experts' weights out anew, {} in all layers, which stay until backward. Checkpointing keeps those of one layer at a time; targets of attention alone, none.",
                bytes.display(system)
            ),
            Self::AdaptersRefused(Refusal::Dropout) => {
                "peft makes no adapters with dropout on experts and raises an error: set LoRA dropout to 0, or name other targets.".into()
            }
            Self::AdaptersRefused(Refusal::Apart([one, other])) => format!(
                "peft makes adapters on experts for {one} and {other} together, or raises an error: name both. None are counted for one alone.",
            ),
            Self::AdaptersRefused(Refusal::Router) => {
                "peft puts adapters on every linear layer, the router too, and fails when it runs, since the router returns two tensors: name the targets. None is counted for the router.".into()
            }
            Self::AdaptersNotCounted => {
                "Adapters follow from the layers that get them, which a network known by its size alone does not tell: none are counted, and the network is frozen.".into()
            }
            Self::MasterWeightsNeedless => {
                "Parameters of 32 bits or more are their own master copy: no second one is counted.".into()
            }
            Self::OverheadsNotCounted => {
                "No overheads are counted: nvidia-smi will show more. Workspace, fragmentation and the driver's context come on top.".into()
            }
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(UnitSystem::Binary))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Note {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
