//! Optimizers: the state that each keeps for every parameter between steps, and what its step needs for a moment.

use crate::{Choice, Decimal};

/// An optimizer, by the state that it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Optimizer {
    /// Plain stochastic gradient descent.
    Sgd,
    /// SGD with momentum.
    SgdMomentum,
    /// SGD with Nesterov's momentum.
    SgdNesterov,
    /// RMSprop, neither centered nor with momentum.
    #[cfg_attr(feature = "serde", serde(rename = "rmsprop"))]
    RmsProp,
    /// RMSprop with momentum.
    #[cfg_attr(feature = "serde", serde(rename = "rmsprop_momentum"))]
    RmsPropMomentum,
    /// Centered RMSprop.
    #[cfg_attr(feature = "serde", serde(rename = "rmsprop_centered"))]
    RmsPropCentered,
    /// Centered RMSprop with momentum.
    #[cfg_attr(feature = "serde", serde(rename = "rmsprop_centered_momentum"))]
    RmsPropCenteredMomentum,
    /// Adagrad.
    Adagrad,
    /// Adadelta.
    Adadelta,
    /// Adam.
    Adam,
    /// AdamW.
    #[cfg_attr(feature = "serde", serde(rename = "adamw"))]
    AdamW,
    /// Adam or AdamW with `amsgrad=True`.
    #[cfg_attr(feature = "serde", serde(rename = "amsgrad"))]
    AmsGrad,
    /// Adamax.
    Adamax,
    /// Adam with Nesterov's momentum.
    #[cfg_attr(feature = "serde", serde(rename = "nadam"))]
    NAdam,
    /// Rectified Adam.
    #[cfg_attr(feature = "serde", serde(rename = "radam"))]
    RAdam,
    /// Adafactor as PyTorch has it.
    Adafactor,
    /// Adafactor as transformers has it, without a first moment.
    #[cfg_attr(feature = "serde", serde(rename = "adafactor_hf"))]
    AdafactorHf,
    /// Lion.
    Lion,
    /// Muon for matrices, AdamW for the rest.
    Muon,
    /// LAMB.
    Lamb,
    /// Adam with 8-bit block-wise states.
    #[cfg_attr(feature = "serde", serde(rename = "adam8bit"))]
    Adam8bit,
    /// Any other: state values per parameter.
    Custom(Decimal),
}

/// How an optimizer goes over the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Implementation {
    /// All tensors at once, operator by operator: PyTorch's default on CUDA. Temporaries are as large as all weights.
    Foreach,
    /// One kernel for the whole update, without temporaries.
    Fused,
    /// One tensor after the other.
    Loop,
}

impl Choice for Implementation {
    const ALL: &'static [Self] = &[Self::Foreach, Self::Fused, Self::Loop];

    fn key(self) -> &'static str {
        match self {
            Self::Foreach => "foreach",
            Self::Fused => "fused",
            Self::Loop => "loop",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Foreach => "foreach",
            Self::Fused => "fused",
            Self::Loop => "for-loop",
        }
    }
}

/// The states of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum States {
    /// As large as the tensor, by name.
    Tensors(&'static [&'static str]),
    /// A row and a column of statistics for a matrix, a whole variance for a vector.
    Factored {
        /// Whether in FP32 whatever the weights are.
        element: bool,
        /// Whether a number for the tensor's size is kept beside them.
        scalar: bool,
    },
    /// Two states of one byte with statistics for each block of 256.
    EightBit,
    /// One state for a matrix, two for the rest.
    Muon,
    /// As many values per parameter.
    Values(Decimal),
}

/// What a loop needs for each tensor, in multiples of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Loop {
    /// At most, while it works on the tensor.
    pub(crate) during: u64,
    /// What stays under a name until the next tensor's update takes it.
    pub(crate) after: u64,
}

struct Row {
    key: &'static str,
    label: &'static str,
    /// State values per parameter, for the quick estimate.
    values: Decimal,
    value_bits: Option<u64>,
    states: States,
    foreach: Option<&'static [&'static str]>,
    /// Whether the foreach step goes over the tensors in parts that fit the device's cache.
    in_chunks: bool,
    fused: bool,
    during: u64,
    after: u64,
    source: &'static str,
}

impl Optimizer {
    // A new optimizer is a variant, a row here and a place in ALL.
    #[expect(clippy::too_many_lines, reason = "one row per optimizer")]
    const fn row(self) -> Row {
        const fn row(key: &'static str, label: &'static str, source: &'static str) -> Row {
            Row {
                key,
                label,
                values: Decimal::whole(0),
                value_bits: None,
                states: States::Tensors(&[]),
                foreach: Some(&[]),
                in_chunks: false,
                fused: false,
                during: 0,
                after: 0,
                source,
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "three at most")]
        const fn tensors(row: Row, names: &'static [&'static str]) -> Row {
            Row { values: Decimal::whole(names.len() as u32), states: States::Tensors(names), ..row }
        }
        const fn steps(row: Row, foreach: &'static [&'static str], during: u64, after: u64) -> Row {
            Row { foreach: Some(foreach), during, after, ..row }
        }
        match self {
            Self::Sgd => Row { fused: true, ..row("sgd", "SGD", "torch.optim.SGD keeps no state without momentum") },
            Self::SgdMomentum => Row {
                fused: true,
                ..tensors(
                    row("sgd_momentum", "SGD with momentum", "torch.optim.SGD keeps momentum_buffer"),
                    &["momentum_buffer"],
                )
            },
            Self::SgdNesterov => Row {
                fused: true,
                ..steps(
                    tensors(
                        row("sgd_nesterov", "SGD with Nesterov momentum", "torch.optim.SGD keeps momentum_buffer"),
                        &["momentum_buffer"],
                    ),
                    &[],
                    1,
                    0,
                )
            },
            Self::RmsProp => steps(
                tensors(
                    row(
                        "rmsprop",
                        "RMSprop",
                        "torch.optim.RMSprop keeps square_avg; centered and momentum add one each",
                    ),
                    &["square_avg"],
                ),
                &["sqrt(square_avg)"],
                1,
                1,
            ),
            Self::RmsPropMomentum => steps(
                tensors(
                    row(
                        "rmsprop_momentum",
                        "RMSprop with momentum",
                        "torch.optim.RMSprop keeps square_avg and momentum_buffer",
                    ),
                    &["square_avg", "momentum_buffer"],
                ),
                &["sqrt(square_avg)"],
                1,
                1,
            ),
            Self::RmsPropCentered => steps(
                tensors(
                    row("rmsprop_centered", "RMSprop, centered", "torch.optim.RMSprop keeps square_avg and grad_avg"),
                    &["square_avg", "grad_avg"],
                ),
                &["sqrt(square_avg)"],
                1,
                1,
            ),
            Self::RmsPropCenteredMomentum => steps(
                tensors(
                    row(
                        "rmsprop_centered_momentum",
                        "RMSprop, centered with momentum",
                        "torch.optim.RMSprop keeps square_avg, momentum_buffer and grad_avg",
                    ),
                    &["square_avg", "momentum_buffer", "grad_avg"],
                ),
                &["sqrt(square_avg)"],
                1,
                1,
            ),
            // Its fused kernel is one of processors alone.
            Self::Adagrad => steps(
                tensors(row("adagrad", "Adagrad", "torch.optim.Adagrad keeps sum"), &["sum"]),
                &["sqrt(sum)", "gradient × rate"],
                1,
                1,
            ),
            Self::Adadelta => steps(
                tensors(
                    row("adadelta", "Adadelta", "torch.optim.Adadelta keeps square_avg and acc_delta"),
                    &["square_avg", "acc_delta"],
                ),
                &["std", "delta"],
                2,
                2,
            ),
            Self::Adam => Row {
                fused: true,
                ..steps(
                    tensors(
                        row("adam", "Adam", "torch.optim.Adam keeps exp_avg and exp_avg_sq"),
                        &["exp_avg", "exp_avg_sq"],
                    ),
                    &["sqrt(exp_avg_sq)"],
                    2,
                    1,
                )
            },
            Self::AdamW => Row {
                fused: true,
                ..steps(
                    tensors(
                        row("adamw", "AdamW", "torch.optim.AdamW keeps exp_avg and exp_avg_sq"),
                        &["exp_avg", "exp_avg_sq"],
                    ),
                    &["sqrt(exp_avg_sq)"],
                    2,
                    1,
                )
            },
            Self::AmsGrad => Row {
                fused: true,
                ..steps(
                    tensors(
                        row("amsgrad", "AMSGrad", "torch.optim.Adam with amsgrad=True adds max_exp_avg_sq"),
                        &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"],
                    ),
                    &["sqrt(max_exp_avg_sq)"],
                    2,
                    1,
                )
            },
            Self::Adamax => steps(
                tensors(
                    row("adamax", "Adamax", "torch.optim.Adamax keeps exp_avg and exp_inf"),
                    &["exp_avg", "exp_inf"],
                ),
                &["abs(gradient)"],
                1,
                0,
            ),
            Self::NAdam => steps(
                tensors(
                    row("nadam", "NAdam", "torch.optim.NAdam keeps exp_avg and exp_avg_sq"),
                    &["exp_avg", "exp_avg_sq"],
                ),
                &["sqrt(exp_avg_sq)"],
                2,
                1,
            ),
            Self::RAdam => steps(
                tensors(
                    row("radam", "RAdam", "torch.optim.RAdam keeps exp_avg and exp_avg_sq"),
                    &["exp_avg", "exp_avg_sq"],
                ),
                &["sqrt(exp_avg_sq)"],
                2,
                1,
            ),
            Self::Adafactor => Row {
                states: States::Factored { element: false, scalar: false },
                foreach: None,
                during: 1,
                after: 1,
                ..row(
                    "adafactor",
                    "Adafactor",
                    "torch.optim.Adafactor keeps a row and a column of variances per matrix, a whole one per vector",
                )
            },
            Self::AdafactorHf => Row {
                states: States::Factored { element: true, scalar: true },
                foreach: None,
                during: 2,
                after: 1,
                ..row(
                    "adafactor_hf",
                    "Adafactor (transformers)",
                    "transformers' Adafactor keeps a row and a column of variances per matrix in FP32, a whole one per vector",
                )
            },
            Self::Lion => Row {
                foreach: None,
                during: 1,
                after: 1,
                ..tensors(row("lion", "Lion", "Lion keeps exp_avg (arXiv:2302.06675)"), &["exp_avg"])
            },
            Self::Muon => Row {
                values: Decimal::whole(1),
                states: States::Muon,
                foreach: None,
                ..row(
                    "muon",
                    "Muon, AdamW for the rest",
                    "torch.optim.Muon keeps momentum_buffer for matrices; AdamW keeps two for vectors",
                )
            },
            Self::Lamb => Row {
                in_chunks: true,
                ..steps(
                    tensors(
                        row("lamb", "LAMB", "timm's Lamb keeps exp_avg and exp_avg_sq (arXiv:1904.00962)"),
                        &["exp_avg", "exp_avg_sq"],
                    ),
                    &["gradient / norm", "sqrt(exp_avg_sq)", "update"],
                    3,
                    2,
                )
            },
            Self::Adam8bit => Row {
                values: Decimal::whole(2),
                value_bits: Some(8),
                states: States::EightBit,
                foreach: None,
                ..row(
                    "adam8bit",
                    "8-bit Adam",
                    "bitsandbytes keeps two states of one byte; 4 bytes per block of 256 values and tensors under 4,096 values, kept in 32 bits, come on top",
                )
            },
            Self::Custom(values) => Row {
                values,
                states: States::Values(values),
                ..row("custom", "Custom", "state values per parameter as given")
            },
        }
    }

    /// State values kept per parameter.
    pub const fn state_values(self) -> Decimal {
        self.row().values
    }

    /// Bits of a state value where the optimizer fixes them, whatever the parameters' precision.
    pub const fn fixed_state_bits(self) -> Option<u64> {
        self.row().value_bits
    }

    /// Where the number of state values comes from.
    pub const fn source(self) -> &'static str {
        self.row().source
    }

    pub(crate) const fn states(self) -> States {
        self.row().states
    }

    /// Whether its states are made with it, for weights that never get a gradient too.
    pub(crate) const fn begins_with_states(self) -> bool {
        matches!(self, Self::Adagrad)
    }

    /// Whether the states of each weight are made as its turn comes in the loop, not those of all at once.
    pub(crate) const fn makes_states_in_turn(self) -> bool {
        matches!(self, Self::Lion | Self::AdafactorHf)
    }

    /// Whether each weight has a number of steps beside its states: the fused kernels of Adam read it on the device.
    pub(crate) fn counts_steps_on_the_device(self, asked: Implementation) -> bool {
        matches!(self, Self::Adam | Self::AdamW | Self::AmsGrad) && self.implementation(asked) == Implementation::Fused
    }

    /// How it runs when asked to run like this: what it does not have becomes what it has.
    pub fn implementation(self, asked: Implementation) -> Implementation {
        let row = self.row();
        match asked {
            Implementation::Fused if row.fused => Implementation::Fused,
            Implementation::Foreach | Implementation::Fused if row.foreach.is_some() => Implementation::Foreach,
            Implementation::Loop | Implementation::Foreach | Implementation::Fused => Implementation::Loop,
        }
    }

    /// Tensors as large as all weights, or those of a chunk, that the foreach step makes, in order; they go together.
    pub(crate) fn foreach_temporaries(self) -> &'static [&'static str] {
        self.row().foreach.unwrap_or(&[])
    }

    pub(crate) const fn in_chunks(self) -> bool {
        self.row().in_chunks
    }

    pub(crate) const fn loop_temporaries(self) -> Loop {
        let row = self.row();
        Loop { during: row.during, after: row.after }
    }
}

impl Choice for Optimizer {
    const ALL: &'static [Self] = &[
        Self::AdamW,
        Self::Adam,
        Self::AmsGrad,
        Self::Adam8bit,
        Self::Adafactor,
        Self::AdafactorHf,
        Self::Lion,
        Self::Muon,
        Self::Lamb,
        Self::NAdam,
        Self::RAdam,
        Self::Adamax,
        Self::Adadelta,
        Self::Adagrad,
        Self::RmsProp,
        Self::RmsPropMomentum,
        Self::RmsPropCentered,
        Self::RmsPropCenteredMomentum,
        Self::SgdMomentum,
        Self::SgdNesterov,
        Self::Sgd,
        Self::Custom(Decimal::whole(2)),
    ];

    fn key(self) -> &'static str {
        self.row().key
    }

    fn label(self) -> &'static str {
        self.row().label
    }
}
