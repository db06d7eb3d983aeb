//! A network as operators on tensors, in the order in which they run.
//!
//! A [`Program`] says of each operator what its rule decides: what it allocates, what autograd keeps of it, what its
//! backward allocates. [`crate::step`] plays it. Identical layers are a [`Section`]: the first two and the last two are
//! written out, those between are repetitions of the second and are counted, not played.

mod build;
mod rules;
mod tensor;

pub(crate) use build::{Builder, Layers, Mode};
pub(crate) use rules::{
    AttentionCall, BiasedExperts, Cache, ExpertTargets, Experts, Groups, Kernel, Linear, Mask, Scores, Softmax,
    reduction,
};
pub(crate) use tensor::Tensor;
pub use tensor::{ElementType, Shape};

use crate::Refusal;
use crate::run::Targets;

/// What a rule says of the gradient of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grad {
    /// There is none.
    None,
    /// The gradient of the output, or a view of it.
    Pass,
    /// A new tensor of the input's size.
    New,
    /// The same, handed on as a view: autograd cannot add to it in place.
    NewView,
    /// A new tensor of the output's size, which autograd's engine casts to the input's type after the operator's own
    /// backward.
    Narrowed,
    /// A sum of the output's gradient, which autograd's engine takes after the operator's own backward.
    Summed,
}

/// An input of an operator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub(crate) tensor: u32,
    pub(crate) grad: Grad,
}

/// A range of one of the program's tables.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn indices(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// One operator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// What it is, in PyTorch's words.
    pub(crate) label: &'static str,
    /// The module around it.
    pub(crate) module: &'static str,
    pub(crate) edges: Span,
    /// Tensors that it makes.
    pub(crate) outputs: Span,
    /// Storages that autograd keeps of it, in [`Program::saved`].
    pub(crate) saved: Span,
    /// How many of these are outputs: they are kept after it ran, inputs before.
    pub(crate) saves_output: bool,
    /// Whether what it keeps, nothing else, is there before its output.
    pub(crate) saves_first: bool,
    /// Keys and values that it takes the place of, in [`Program::earlier`].
    pub(crate) replaces: Span,
    /// Whether autograd keeps anything of it, weights and inputs of the network too. Where a checkpoint drops that, it is
    /// asked for again.
    pub(crate) saves: bool,
    /// Whether gradients flow through it.
    pub(crate) differentiable: bool,
    /// Whether the output is a view, as its gradient then is.
    pub(crate) view: bool,
    /// Whether selective checkpointing keeps its output.
    pub(crate) matmul: bool,
    /// Whether it is one that adds a bias, which cuBLASLt runs.
    pub(crate) biased: bool,
    /// Whether it only asks for a gradient, as weights do: tensor and gradient stay as long as the loss.
    pub(crate) leaf: bool,
    /// What forward needs for a moment beside the outputs.
    pub(crate) forward_scratch: u64,
    /// Statistics that nothing keeps.
    pub(crate) forward_parts: [u64; 4],
    /// What backward needs for a moment beside the gradients.
    pub(crate) backward_scratch: u64,
    /// How many tensors of one size that is, four at the most.
    pub(crate) backward_pieces: u8,
    /// Whether these are factors of the gradient, and there before it.
    pub(crate) backward_factors: bool,
    /// A copy that backward makes before the gradients and works on.
    pub(crate) backward_copy: u64,
    /// Tensors of other sizes that backward makes as well, of which the first stays until it has returned.
    pub(crate) backward_parts: [u64; 4],
    /// Gradients of the output's size that autograd's engine then sums, for inputs that were broadcast.
    pub(crate) unreduced: u64,
    /// What the sums need for a moment.
    pub(crate) reduction_scratch: u64,
}

/// One step of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Instruction {
    /// An operator runs.
    Node(u32),
    /// A checkpointed block uses what autocast had cast before: where it is computed again, this operator runs again.
    CastAgain(u32),
    /// A Python frame returns, and lets go of what it held ([`Program::held`]).
    Return(Span),
    /// Iteration `iteration` of a section begins (or the section ends, after the last).
    Mark { section: u32, iteration: u32 },
    /// A checkpointed block begins.
    CheckpointBegin(u32),
    /// It ends.
    CheckpointEnd(u32),
}

/// Memory that tensors share: a storage, of which views are taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Storage {
    /// As the allocator rounds them.
    pub(crate) bytes: u64,
    pub(crate) role: Role,
    pub(crate) shape: Shape,
    pub(crate) element: ElementType,
    /// The operator that makes it.
    pub(crate) node: u32,
}

/// What a storage is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Index into [`Program::parameters`].
    Parameter(u32),
    /// There before the step, and not counted by it.
    Outside,
    /// Made by an operator.
    Made,
    /// Made by an operator, keys or values of the cache.
    KvCache,
    /// Made by the first layer, and kept for the checkpoints of those after it.
    Shared,
    /// Made by autocast: a weight in the narrower type.
    CastWeight,
}

/// A weight.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) element: ElementType,
    pub(crate) trainable: bool,
    /// In how many layers there is one like it.
    pub(crate) copies: u64,
    /// How many operators use each of them: its gradient is whole after as many contributions.
    pub(crate) uses: u32,
    pub(crate) dimensions: u8,
}

impl Parameter {
    pub(crate) fn elements(&self) -> u64 {
        // The builder has checked the product.
        self.shape.elements().unwrap_or(u64::MAX)
    }

    /// Whether it gets a gradient, and with it a state: not where nothing uses it.
    pub(crate) fn is_updated(&self) -> bool {
        self.trainable && self.uses > 0
    }

    /// Bytes of one copy.
    pub(crate) fn bytes(&self) -> u64 {
        round(self.elements().saturating_mul(self.element.bytes()))
    }
}

/// A buffer that hides later positions, made between weights: what it is made of leaves gaps that weights then fill.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Triangle {
    /// How many weights are made before it.
    pub(crate) after: u32,
    pub(crate) bytes: u64,
    /// Whether it hides positions long before as well.
    pub(crate) windowed: bool,
}

/// A run of identical layers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section {
    /// Its layers.
    pub(crate) layers: u64,
    /// Which layer, from 0, stands for those that are counted and not played.
    pub(crate) repeated: u32,
    /// Layers that are counted as that one, and not played.
    pub(crate) skipped: u64,
    /// Parameters of one layer.
    pub(crate) parameters: Span,
}

impl Section {
    /// Layers of which one can stand for others: what comes before it in forward, itself, and backward's first two.
    pub(crate) const fn written_out(repeated: u32) -> u32 {
        repeated + 3
    }
}

/// Keys or values of one layer that stand in the cache before the pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Earlier {
    pub(crate) shape: Shape,
    pub(crate) element: ElementType,
    pub(crate) bytes: u64,
    /// In how many layers there are such.
    pub(crate) copies: u64,
}

/// A block whose activations are computed again in backward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checkpoint {
    pub(crate) begin: u32,
    pub(crate) end: u32,
    /// Tensors that it is given, in [`Program::held`].
    pub(crate) inputs: Span,
    /// Whether outputs of matrix products are kept.
    pub(crate) keep_matmuls: bool,
}

/// Positions that a network has rows for, and those that it is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Positions {
    pub(crate) there: u64,
    pub(crate) asked: u64,
}

impl Positions {
    pub(crate) const fn missing(self) -> u64 {
        self.asked.saturating_sub(self.there)
    }
}

/// A network lowered for one kind of run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
    pub(crate) saved: Vec<u32>,
    pub(crate) held: Vec<u32>,
    /// The storage of each tensor.
    pub(crate) storage_of: Vec<u32>,
    /// The bytes of each tensor, rounded: less than its storage's where it is a part of it.
    pub(crate) sizes: Vec<u64>,
    /// The instruction after which Python holds a tensor no more.
    pub(crate) last_use: Vec<u32>,
    pub(crate) storages: Vec<Storage>,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) sections: Vec<Section>,
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// What the cache holds of earlier tokens.
    pub(crate) earlier: Vec<Earlier>,
    /// Buffers of the modules: there all the time.
    pub(crate) buffers: u64,
    /// Those among them that are triangles, of the layers that are written out.
    pub(crate) triangles: Vec<Triangle>,
    /// Batch as the training loop puts it on the device.
    pub(crate) inputs: u64,
    /// The same tensor by tensor.
    pub(crate) batch: Vec<u64>,
    /// Outputs of the step before that the training loop still holds.
    pub(crate) held_outputs: u64,
    /// Their storages in this step.
    pub(crate) outputs: Vec<u32>,
    /// Bytes of autocast's copies of weights, of all layers together: those of frozen ones go as they were used.
    pub(crate) cast_weights: u64,
    /// Layers whose adapters never run.
    pub(crate) idle_adapters: Targets,
    /// Bytes of experts' weights that are written out with what adapters add, of all layers together.
    pub(crate) written_out: u64,
    /// Positions beyond which the network's code fails; of several stacks, those of the one that lacks most.
    pub(crate) positions: Option<Positions>,
    /// Why peft would make no such adapters.
    pub(crate) refusal: Option<Refusal>,
    /// The scalar that backward starts from.
    pub(crate) loss: Option<u32>,
    /// The logits that inference returns.
    pub(crate) logits: Option<u32>,
    /// Whether a linear layer with a bias ran: cuBLASLt then takes a workspace of its own.
    pub(crate) biased_matmul: bool,
    /// Whether any matrix product ran.
    pub(crate) matmul: bool,
}

impl Program {
    /// Bytes of the gradient of a tensor: its own, even where it is a view of a larger storage.
    pub(crate) fn gradient_bytes(&self, tensor: u32) -> u64 {
        self.sizes[tensor as usize]
    }
}

/// The allocator's granule.
pub(crate) const GRANULE: u64 = 512;

/// Bytes rounded up as the caching allocator does.
pub(crate) const fn round(bytes: u64) -> u64 {
    match bytes.checked_next_multiple_of(GRANULE) {
        Some(rounded) => rounded,
        None => u64::MAX,
    }
}
