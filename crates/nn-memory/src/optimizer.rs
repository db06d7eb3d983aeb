//! Optimizers and the values each keeps for every parameter between steps.

use crate::{Choice, Decimal};

/// An optimizer, by the state that it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Optimizer {
    /// Plain stochastic gradient descent.
    Sgd,
    /// SGD with momentum, Nesterov or not.
    SgdMomentum,
    /// RMSprop, neither centered nor with momentum.
    #[cfg_attr(feature = "serde", serde(rename = "rmsprop"))]
    RmsProp,
    /// Adagrad.
    Adagrad,
    /// Adam.
    Adam,
    /// AdamW.
    #[cfg_attr(feature = "serde", serde(rename = "adamw"))]
    AdamW,
    /// Adam with `amsgrad=True`.
    #[cfg_attr(feature = "serde", serde(rename = "amsgrad"))]
    AmsGrad,
    /// Adam with 8-bit block-wise states.
    #[cfg_attr(feature = "serde", serde(rename = "adam8bit"))]
    Adam8bit,
    /// Any other: state values per parameter.
    Custom(Decimal),
}

struct Row {
    key: &'static str,
    label: &'static str,
    values: Decimal,
    value_bits: Option<u64>,
    source: &'static str,
}

impl Optimizer {
    // A new optimizer is a variant, a row here and a place in ALL.
    const fn row(self) -> Row {
        let (key, label, values, value_bits, source) = match self {
            Self::Sgd => ("sgd", "SGD", Decimal::whole(0), None, "torch.optim.SGD keeps no state without momentum"),
            Self::SgdMomentum => {
                ("sgd_momentum", "SGD with momentum", Decimal::whole(1), None, "torch.optim.SGD keeps momentum_buffer")
            }
            Self::RmsProp => (
                "rmsprop",
                "RMSprop",
                Decimal::whole(1),
                None,
                "torch.optim.RMSprop keeps square_avg; centered and momentum add one each",
            ),
            Self::Adagrad => ("adagrad", "Adagrad", Decimal::whole(1), None, "torch.optim.Adagrad keeps sum"),
            Self::Adam => ("adam", "Adam", Decimal::whole(2), None, "torch.optim.Adam keeps exp_avg and exp_avg_sq"),
            Self::AdamW => {
                ("adamw", "AdamW", Decimal::whole(2), None, "torch.optim.AdamW keeps exp_avg and exp_avg_sq")
            }
            Self::AmsGrad => (
                "amsgrad",
                "AMSGrad",
                Decimal::whole(3),
                None,
                "torch.optim.Adam with amsgrad=True adds max_exp_avg_sq",
            ),
            Self::Adam8bit => (
                "adam8bit",
                "8-bit Adam",
                Decimal::whole(2),
                Some(8),
                "bitsandbytes keeps two states of one byte; 4 bytes per block of 256 values and tensors under 4,096 values, kept in 32 bits, come on top",
            ),
            Self::Custom(values) => ("custom", "Custom", values, None, "state values per parameter as given"),
        };
        Row { key, label, values, value_bits, source }
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
}

impl Choice for Optimizer {
    const ALL: &'static [Self] = &[
        Self::AdamW,
        Self::Adam,
        Self::AmsGrad,
        Self::Adam8bit,
        Self::RmsProp,
        Self::Adagrad,
        Self::SgdMomentum,
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
