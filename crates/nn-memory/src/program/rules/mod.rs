//! One rule per kind of operator: what it makes, what autograd keeps of it, what its backward makes.
//!
//! Source of each: PyTorch 2.11, `tools/autograd/derivatives.yaml` for what is saved and the CUDA operators for what
//! they allocate, checked against allocation histories of its caching allocator.

mod attention;
mod bias;
mod biased_experts;
mod elementwise;
mod every_expert;
mod experts;
mod heads;
mod linear;
mod loss;
mod norm;
mod reduce;
mod routing;
mod shape;
mod sinks;
mod vision;

pub(crate) use attention::{AttentionCall, Cache, Kernel, Mask, Softmax};
pub(crate) use biased_experts::BiasedExperts;
pub(crate) use experts::{ExpertTargets, Experts};
pub(crate) use heads::Scores;
pub(crate) use linear::Linear;
pub(crate) use reduce::reduction;
pub(crate) use routing::Groups;
