//! Plays one step of a program with autograd's rules and says what is alive when.
//!
//! The step is the second of a run: optimizer states exist, gradients were set to none. Forward runs the program's
//! instructions; backward takes its operators in reverse, as autograd's engine does, since the one recorded last is
//! always ready; then the optimizer. Layers that a section skips are added as repetitions of its second one, forward and
//! backward, so that the peak, a maximum of sums that are linear in the number of layers, is that of the whole network.
//!
//! What the caching allocator takes from the device for that is another question, asked apart: the player then hands
//! each allocation to a model of the allocator, over two steps, every layer written out.

mod allocator;
mod heap;
mod history;
mod ledger;
mod optimize;
mod play;
#[cfg(test)]
mod tests;

pub(crate) use heap::{Heaped, heap, history};
pub use history::{Allocation, HistoryEvent};
pub(crate) use ledger::{Ledger, Line};
pub(crate) use optimize::{Optimize, stored};
pub(crate) use play::{Amounts, Outcome, Setting, Watch, play};

use crate::Choice;

/// A part of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "lowercase"))]
pub enum Phase {
    /// The forward pass and the loss.
    Forward,
    /// The backward pass, and the clipping of gradients.
    Backward,
    /// The optimizer's step.
    Step,
    /// One token more with a key-value cache.
    Decode,
}

impl Choice for Phase {
    const ALL: &'static [Self] = &[Self::Forward, Self::Backward, Self::Step, Self::Decode];

    fn key(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Step => "step",
            Self::Decode => "decode",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Backward => "backward",
            Self::Step => "optimizer step",
            Self::Decode => "decode step",
        }
    }
}

/// What allocated memory holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub(crate) enum Kind {
    /// Weights, buffers and the batch.
    Parameters,
    /// FP32 copies of weights that an optimizer works on.
    MasterWeights,
    /// What the optimizer remembers.
    OptimizerState,
    /// Gradients of weights.
    Gradients,
    /// What autograd keeps for backward.
    Activations,
    /// Keys and values of earlier tokens.
    KvCache,
    /// What an operator, the backward pass or the optimizer needs for a moment.
    Temporary,
    /// Workspaces of cuBLAS.
    Workspace,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Parameters,
        Self::MasterWeights,
        Self::OptimizerState,
        Self::Gradients,
        Self::Activations,
        Self::KvCache,
        Self::Temporary,
        Self::Workspace,
    ];
}
