//! Writes programs: rules push operators, families call rules as a model's Python code calls functions.
//!
//! Lifetimes follow Python. A tensor lives until the last operator that takes it; arguments of a module live until the
//! module returns, as its caller's frame holds them; so do locals that a module keeps by name ([`Builder::local`]).

use crate::catalog::Multiprocessors;
use crate::{Attention, Lora, Refusal};

use super::tensor::{ElementType, Shape, Tensor};
use super::{
    Checkpoint, Earlier, Edge, Grad, Instruction, Node, Parameter, Positions, Program, Role, Section, Span, Storage,
    Triangle, round,
};

/// How many layers of a section are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layers {
    /// The first ones and the last; more are counted as the second.
    Counted,
    /// So many, and there are no more: a network cut short.
    AtMost(u64),
}

/// How a program is run: what changes which operators there are, and what they keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode {
    /// Whether autograd records.
    pub(crate) autograd: bool,
    /// Whether the network's own weights are trained.
    pub(crate) trains_weights: bool,
    /// Whether modules are in training mode: dropout drops.
    pub(crate) training: bool,
    /// The type that autocast casts to.
    pub(crate) autocast: Option<ElementType>,
    /// The type of the weights.
    pub(crate) parameters: ElementType,
    /// How many layers are written out.
    pub(crate) layers: Layers,
    /// What the device shares sums out to.
    pub(crate) multiprocessors: Multiprocessors,
}

/// What an operator makes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Output {
    /// A tensor of its own.
    Fresh(Shape, ElementType),
    /// A view of a tensor.
    View(Tensor, Shape),
}

/// An operator as a rule states it.
pub(crate) struct Rule<'a> {
    pub(crate) label: &'static str,
    pub(crate) inputs: &'a [(Tensor, Grad)],
    pub(crate) output: Output,
    /// Inputs that autograd keeps.
    pub(crate) saved: &'a [Tensor],
    /// Whether it keeps the output.
    pub(crate) saves_output: bool,
    /// Tensors made for backward alone.
    pub(crate) statistics: &'a [(Shape, ElementType)],
    /// Whether these, which are all that it keeps, are there before the output.
    pub(crate) statistics_first: bool,
    pub(crate) forward_scratch: u64,
    pub(crate) backward_scratch: u64,
    /// How many tensors that is.
    pub(crate) backward_pieces: u8,
    /// Whether these are factors of the gradient, and there before it.
    pub(crate) backward_factors: bool,
    /// A copy that backward makes before the gradients and works on.
    pub(crate) backward_copy: u64,
    /// Tensors of other sizes that backward makes as well, of which the first stays until it has returned.
    pub(crate) backward_parts: [u64; 4],
    pub(crate) unreduced: u64,
    pub(crate) reduction_scratch: u64,
    pub(crate) matmul: bool,
    /// Whether cuBLASLt runs it, with its bias.
    pub(crate) biased: bool,
}

impl Rule<'_> {
    /// An operator that keeps nothing and passes gradients to new tensors.
    pub(crate) const fn new<'a>(label: &'static str, inputs: &'a [(Tensor, Grad)], output: Output) -> Rule<'a> {
        Rule {
            label,
            inputs,
            output,
            saved: &[],
            saves_output: false,
            statistics: &[],
            statistics_first: false,
            forward_scratch: 0,
            backward_scratch: 0,
            backward_pieces: 1,
            backward_factors: false,
            backward_copy: 0,
            backward_parts: [0; 4],
            unreduced: 0,
            reduction_scratch: 0,
            matmul: false,
            biased: false,
        }
    }
}

/// A weight that autocast has cast.
#[derive(Debug, Clone, Copy)]
struct Cast {
    weight: u32,
    cast: Tensor,
    /// The operator.
    node: u32,
    /// How many checkpoints there were when it last ran: what is computed again casts again, once a block.
    checkpoints: usize,
}

/// A program in the making.
pub(crate) struct Builder {
    pub(crate) mode: Mode,
    /// How attention is computed.
    pub(crate) attention: Attention,
    /// The adapters, if there are any.
    pub(crate) lora: Option<Lora>,
    /// What the last attention that is written out returned beside its result; the caller's frame may hold it.
    pub(crate) attention_weights: Option<Tensor>,
    /// The first layer of a section, from 0, that changes what stands as every later one does: the second, as the first is
    /// given what no layer returned, or one further on where a layer lets go of what the one before made.
    pub(crate) settled_from: u32,
    program: Program,
    module: &'static str,
    /// Locals of the modules that run, innermost last.
    frames: Vec<u32>,
    /// What every checkpointed block is given besides its input.
    shared: Vec<u32>,
    /// What autocast has cast.
    casts: Vec<Cast>,
    /// The weights of the layer that runs, where it shares them, and how many of them it has asked for.
    given: Option<(Vec<Tensor>, usize)>,
    /// Layers that the parameter being made stands for.
    copies: u64,
    too_large: bool,
}

impl Builder {
    pub(crate) fn new(mode: Mode) -> Self {
        let mut program = Program::default();
        program.instructions.reserve(512);
        program.nodes.reserve(384);
        program.edges.reserve(768);
        program.saved.reserve(512);
        program.storage_of.reserve(768);
        program.last_use.reserve(768);
        program.storages.reserve(768);
        program.parameters.reserve(64);
        Self {
            mode,
            attention: Attention::Sdpa,
            lora: None,
            attention_weights: None,
            settled_from: 1,
            program,
            module: "",
            frames: Vec::new(),
            shared: Vec::new(),
            casts: Vec::new(),
            given: None,
            copies: 1,
            too_large: false,
        }
    }

    /// The program; none where a tensor passes the limits of 64 bits.
    pub(crate) fn finish(mut self) -> Option<Program> {
        self.end_autocast();
        (!self.too_large).then_some(self.program)
    }

    /// Bytes of a tensor of this shape as the allocator rounds them.
    pub(crate) fn size(&mut self, shape: Shape, element: ElementType) -> u64 {
        // 2^50 B a tensor leaves room to add up all of them in 64 bits.
        match shape.elements().and_then(|elements| elements.checked_mul(element.bytes())) {
            Some(bytes) if bytes < 1 << 50 => round(bytes),
            _ => {
                self.too_large = true;
                0
            }
        }
    }

    pub(crate) fn bytes(&mut self, tensor: Tensor) -> u64 {
        self.size(tensor.shape, tensor.element)
    }

    fn storage(&mut self, shape: Shape, element: ElementType, role: Role) -> u32 {
        let bytes = self.size(shape, element);
        let node = u32_of(self.program.nodes.len());
        self.program.storages.push(Storage { bytes, role, shape, element, node });
        u32_of(self.program.storages.len() - 1)
    }

    fn tensor(&mut self, storage: u32, shape: Shape, element: ElementType, requires_grad: bool) -> Tensor {
        let id = u32_of(self.program.storage_of.len());
        self.program.storage_of.push(storage);
        let bytes = self.size(shape, element);
        self.program.sizes.push(bytes);
        self.program.last_use.push(self.now());
        Tensor { id, shape, element, requires_grad }
    }

    /// The instruction that comes next.
    fn now(&self) -> u32 {
        u32_of(self.program.instructions.len())
    }

    /// A weight, or a bias: made once, used by any number of operators.
    pub(crate) fn parameter(&mut self, name: &'static str, shape: Shape, dimensions: u8) -> Tensor {
        self.parameter_of(name, shape, dimensions, self.mode.parameters, self.mode.trains_weights)
    }

    /// A weight that need not be of the model's type or trained.
    pub(crate) fn parameter_of(
        &mut self,
        name: &'static str,
        shape: Shape,
        dimensions: u8,
        element: ElementType,
        trainable: bool,
    ) -> Tensor {
        if let Some((weights, next)) = &mut self.given {
            *next += 1;
            if let Some(weight) = weights.get(*next - 1) {
                return *weight;
            }
        }
        let index = u32_of(self.program.parameters.len());
        self.program.parameters.push(Parameter {
            name,
            shape,
            element,
            trainable,
            copies: self.copies,
            uses: 0,
            dimensions,
        });
        let storage = self.storage(shape, element, Role::Parameter(index));
        let weight = self.tensor(storage, shape, element, trainable && self.mode.autograd);
        if let Some((weights, _)) = &mut self.given {
            weights.push(weight);
        }
        weight
    }

    /// Says that a weight comes after all that are there: weights lie in memory as modules made them, which need not be the
    /// order in which they are used.
    pub(crate) fn made_last(&mut self, weight: Tensor) {
        let Some(index) = self.is_parameter(weight) else { return };
        let Program { parameters, storages, sections, triangles, .. } = &mut self.program;
        let parameter = parameters.remove(index as usize);
        parameters.push(parameter);
        let last = u32_of(parameters.len() - 1);
        let moved = |place: &mut u32| *place -= u32::from(*place > index);
        for storage in storages {
            match &mut storage.role {
                Role::Parameter(place) if *place == index => *place = last,
                Role::Parameter(place) => moved(place),
                Role::Outside | Role::Made | Role::KvCache | Role::Shared | Role::CastWeight => {}
            }
        }
        for section in sections {
            moved(&mut section.parameters.start);
            moved(&mut section.parameters.end);
        }
        triangles.iter_mut().for_each(|triangle| moved(&mut triangle.after));
    }

    /// Runs a layer whose weights are those of others too: the first of them makes them, the next are given the same.
    pub(crate) fn sharing<T>(&mut self, weights: &mut Vec<Tensor>, layer: impl FnOnce(&mut Self) -> T) -> T {
        self.given = Some((std::mem::take(weights), 0));
        let result = layer(self);
        if let Some((given, _)) = self.given.take() {
            *weights = given;
        }
        result
    }

    /// Makes gradients flow to a tensor whatever it was made of: `requires_grad_`. The graph holds it from then on.
    pub(crate) fn require_grad(&mut self, tensor: Tensor) -> Tensor {
        if tensor.requires_grad {
            return tensor;
        }
        let inputs = [(tensor, Grad::None)];
        let rule = Rule::new("requires_grad_", &inputs, Output::View(tensor, tensor.shape));
        let leaf = self.run_with(Rule { saved: &[tensor], ..rule }, self.mode.autograd);
        if let Some(node) = self.program.nodes.last_mut() {
            node.leaf = true;
        }
        leaf
    }

    /// A tensor that is there before the step: token ids, images, labels.
    pub(crate) fn input(&mut self, shape: Shape, element: ElementType) -> Tensor {
        let bytes = self.size(shape, element);
        self.program.inputs += bytes;
        self.program.batch.push(bytes);
        self.outside(shape, element)
    }

    /// Holds what attention that is written out returned beside its result: the block has a name for it, used or not.
    pub(crate) fn hold_attention_weights(&mut self) {
        if let Some(weights) = self.attention_weights.take() {
            self.local(weights);
        }
    }

    /// Says that code of the network fails beyond `there` positions, and to how many it is asked to go.
    pub(crate) fn ends_at(&mut self, there: u64, asked: u64) {
        let positions = Positions { there, asked };
        if self.program.positions.is_none_or(|other| other.missing() <= positions.missing()) {
            self.program.positions = Some(positions);
        }
    }

    /// What the training loop still holds of the step before.
    pub(crate) fn hold_from_before(&mut self, tensor: Tensor) {
        self.program.held_outputs += self.bytes(tensor);
        let storage = self.program.storage_of[tensor.id as usize];
        self.program.outputs.push(storage);
    }

    /// A buffer of a module.
    pub(crate) fn buffer(&mut self, shape: Shape, element: ElementType) -> Tensor {
        let every = self.size(shape, element).checked_mul(self.copies);
        match every.and_then(|bytes| self.program.buffers.checked_add(bytes)) {
            Some(buffers) => self.program.buffers = buffers,
            None => self.too_large = true,
        }
        self.outside(shape, element)
    }

    /// A buffer that hides later positions, one byte for each pair of them.
    pub(crate) fn triangle(&mut self, positions: u64, windowed: bool) {
        let triangle = self.buffer(Shape::matrix(positions, positions), ElementType::Byte);
        let bytes = self.bytes(triangle);
        let after = u32_of(self.program.parameters.len());
        self.program.triangles.push(Triangle { after, bytes, windowed });
    }

    fn outside(&mut self, shape: Shape, element: ElementType) -> Tensor {
        let storage = self.storage(shape, element, Role::Outside);
        self.tensor(storage, shape, element, false)
    }

    fn storage_of(&self, tensor: Tensor) -> usize {
        self.program.storage_of[tensor.id as usize] as usize
    }

    fn is_parameter(&self, tensor: Tensor) -> Option<u32> {
        match self.program.storages[self.storage_of(tensor)].role {
            Role::Parameter(index) => Some(index),
            _ => None,
        }
    }

    /// Whether a tensor lies in the key-value cache.
    pub(crate) fn is_cached(&self, tensor: Tensor) -> bool {
        self.program.storages[self.storage_of(tensor)].role == Role::KvCache
    }

    fn touch(&mut self, tensor: Tensor) {
        let now = self.now();
        let last_use = &mut self.program.last_use[tensor.id as usize];
        *last_use = now.max(*last_use);
    }

    /// Says that a tensor is in use here, without an operator of its own.
    pub(crate) fn touch_only(&mut self, tensor: Tensor) {
        self.touch(tensor);
    }

    /// Keeps a tensor to the end: what a model returns to its caller.
    pub(crate) fn keep(&mut self, tensor: Tensor) {
        self.program.last_use[tensor.id as usize] = u32::MAX;
    }

    /// Runs an operator.
    pub(crate) fn run(&mut self, rule: Rule<'_>) -> Tensor {
        let requires_grad =
            self.mode.autograd && rule.inputs.iter().any(|(tensor, grad)| tensor.requires_grad && *grad != Grad::None);
        self.run_with(rule, requires_grad)
    }

    fn run_with(&mut self, rule: Rule<'_>, requires_grad: bool) -> Tensor {
        let edges = u32_of(self.program.edges.len());
        for &(tensor, grad) in rule.inputs {
            self.touch(tensor);
            let grad = if tensor.requires_grad { grad } else { Grad::None };
            if grad != Grad::None
                && let Some(index) = self.is_parameter(tensor)
            {
                self.program.parameters[index as usize].uses += 1;
            }
            self.program.edges.push(Edge { tensor: tensor.id, grad });
        }
        let edges = Span { start: edges, end: u32_of(self.program.edges.len()) };
        let first = u32_of(self.program.storage_of.len());
        let output = match rule.output {
            Output::Fresh(shape, element) => {
                let storage = self.storage(shape, element, Role::Made);
                self.tensor(storage, shape, element, requires_grad)
            }
            Output::View(of, shape) => {
                let storage = u32_of(self.storage_of(of));
                self.tensor(storage, shape, of.element, requires_grad)
            }
        };
        let saved_start = u32_of(self.program.saved.len());
        let mut forward_parts = [0; 4];
        if requires_grad {
            for &tensor in rule.saved {
                let storage = self.storage_of(tensor);
                // Weights and inputs are there anyway.
                if !matches!(self.program.storages[storage].role, Role::Outside | Role::Parameter(_)) {
                    self.program.saved.push(u32_of(storage));
                }
            }
            if rule.saves_output {
                self.program.saved.push(u32_of(self.storage_of(output)));
            }
            for &(shape, element) in rule.statistics {
                let storage = self.storage(shape, element, Role::Made);
                self.program.saved.push(storage);
            }
        } else {
            for (part, &(shape, element)) in forward_parts.iter_mut().zip(rule.statistics) {
                *part = self.size(shape, element);
            }
        }
        let saved = Span { start: saved_start, end: u32_of(self.program.saved.len()) };
        let outputs = Span { start: first, end: u32_of(self.program.storage_of.len()) };
        self.program.nodes.push(Node {
            label: rule.label,
            module: self.module,
            edges,
            outputs,
            saved,
            saves_output: rule.saves_output || !rule.statistics.is_empty(),
            saves_first: rule.statistics_first,
            saves: requires_grad && (!rule.saved.is_empty() || rule.saves_output || !rule.statistics.is_empty()),
            replaces: Span::default(),
            differentiable: requires_grad,
            view: matches!(rule.output, Output::View(..)),
            matmul: rule.matmul,
            biased: rule.biased,
            leaf: false,
            forward_scratch: rule.forward_scratch,
            forward_parts,
            backward_scratch: rule.backward_scratch,
            backward_pieces: rule.backward_pieces,
            backward_factors: rule.backward_factors,
            backward_copy: rule.backward_copy,
            backward_parts: rule.backward_parts,
            unreduced: rule.unreduced,
            reduction_scratch: rule.reduction_scratch,
        });
        self.program.matmul |= rule.matmul;
        self.program.biased_matmul |= rule.biased;
        let node = u32_of(self.program.nodes.len() - 1);
        self.program.instructions.push(Instruction::Node(node));
        output
    }

    /// A second output of the operator that ran last, which saves nothing and takes gradients of its own.
    pub(crate) fn another_output(&mut self, output: Output) -> Tensor {
        let last = self.program.nodes.len() - 1;
        let requires_grad = self.program.nodes[last].differentiable;
        let tensor = match output {
            Output::Fresh(shape, element) => {
                let storage = self.storage(shape, element, Role::Made);
                self.program.storages[storage as usize].node = u32_of(last);
                self.tensor(storage, shape, element, requires_grad)
            }
            Output::View(of, shape) => {
                let storage = u32_of(self.storage_of(of));
                self.tensor(storage, shape, of.element, requires_grad)
            }
        };
        // The instruction is there already: unused, the output goes with it.
        self.program.last_use[tensor.id as usize] = self.now() - 1;
        self.program.nodes[last].outputs.end += 1;
        tensor
    }

    /// Marks what the operator that ran last made.
    pub(crate) fn mark(&mut self, tensor: Tensor, role: Role) {
        let storage = self.storage_of(tensor);
        self.program.storages[storage].role = role;
    }

    /// Says that what the operator that ran last made takes the place of these in the cache.
    pub(crate) fn replace_earlier(&mut self, earlier: &[(Shape, ElementType)]) {
        let start = u32_of(self.program.earlier.len());
        for &(shape, element) in earlier {
            let bytes = self.size(shape, element);
            self.program.earlier.push(Earlier { shape, element, bytes, copies: self.copies });
        }
        let end = u32_of(self.program.earlier.len());
        if let Some(node) = self.program.nodes.last_mut() {
            node.replaces = Span { start, end };
        }
    }

    /// Says that peft refuses the adapters asked for.
    pub(crate) const fn refuses_adapters(&mut self, refusal: Refusal) {
        self.program.refusal = Some(refusal);
    }

    /// Says that a weight is written out with what its adapter adds.
    pub(crate) const fn writes_out(&mut self, bytes: u64) {
        self.program.written_out = self.program.written_out.saturating_add(bytes.saturating_mul(self.copies));
    }

    /// The adapter of this layer never runs.
    pub(crate) fn leaves_adapter_idle(&mut self, name: &str) {
        let idle = self.program.idle_adapters;
        self.program.idle_adapters = idle.with(name).unwrap_or(idle);
    }

    /// Keeps a tensor until the module that runs returns.
    pub(crate) fn local(&mut self, tensor: Tensor) -> Tensor {
        self.frames.push(tensor.id);
        tensor
    }

    /// Runs a module: its arguments, and what it keeps by name, live until it returns.
    pub(crate) fn module<T>(
        &mut self,
        name: &'static str,
        arguments: &[Tensor],
        body: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let (frame, around) = self.enter(name, arguments);
        let result = body(self);
        self.leave(frame, around);
        result
    }

    /// What every call of a module has in common, written once: code for the browser is small.
    #[inline(never)]
    fn enter(&mut self, name: &'static str, arguments: &[Tensor]) -> (usize, &'static str) {
        let around = self.module;
        if !name.is_empty() {
            self.module = name;
        }
        let frame = self.frames.len();
        self.frames.extend(arguments.iter().map(|argument| argument.id));
        (frame, around)
    }

    #[inline(never)]
    fn leave(&mut self, frame: usize, around: &'static str) {
        self.returns(frame);
        self.module = around;
    }

    fn returns(&mut self, frame: usize) {
        let now = self.now();
        let start = u32_of(self.program.held.len());
        for id in self.frames.split_off(frame) {
            let last_use = &mut self.program.last_use[id as usize];
            *last_use = now.max(*last_use);
            self.program.held.push(id);
        }
        let end = u32_of(self.program.held.len());
        if end > start {
            self.program.instructions.push(Instruction::Return(Span { start, end }));
        }
    }

    /// Lets go of a tensor now, unless a frame holds it: `del`, or a name that is given another value.
    pub(crate) fn release(&mut self, tensor: Tensor) {
        let frame = self.frames.len();
        self.frames.push(tensor.id);
        self.returns(frame);
    }

    /// `count` identical layers in a row, each given what the one before returned.
    pub(crate) fn repeat(
        &mut self,
        count: u64,
        first: Tensor,
        layer: &mut dyn FnMut(&mut Self, Tensor) -> Tensor,
    ) -> Tensor {
        let repeated = self.settled_from;
        let (count, written) = match self.mode.layers {
            Layers::Counted => (count, count.min(Section::written_out(repeated).into())),
            Layers::AtMost(most) => (count.min(most), count.min(most)),
        };
        let section = u32_of(self.program.sections.len());
        self.program.sections.push(Section {
            layers: count,
            repeated,
            skipped: count - written,
            parameters: Span::default(),
        });
        let copies = self.copies;
        let mut state = first;
        for iteration in 0..small(written) {
            self.program.instructions.push(Instruction::Mark { section, iteration });
            if iteration == repeated {
                self.copies = copies.saturating_mul(1 + count - written);
            }
            let start = u32_of(self.program.parameters.len());
            state = layer(self, state);
            let end = u32_of(self.program.parameters.len());
            // Layers that share their weights make none after the first.
            if end > start {
                self.program.sections[section as usize].parameters = Span { start, end };
            }
            self.copies = copies;
        }
        self.program.instructions.push(Instruction::Mark { section, iteration: small(written) });
        state
    }

    /// Gives a tensor to every checkpointed block from here on: each holds it until its backward is over.
    pub(crate) fn give_to_checkpoints(&mut self, tensor: Tensor) {
        self.shared.push(tensor.id);
    }

    /// A block that keeps only its inputs, and computes the rest again in backward.
    pub(crate) fn checkpoint(
        &mut self,
        inputs: &[Tensor],
        keep_matmuls: bool,
        block: &mut dyn FnMut(&mut Self) -> Tensor,
    ) -> Tensor {
        let index = u32_of(self.program.checkpoints.len());
        let start = u32_of(self.program.held.len());
        self.program.held.extend(inputs.iter().map(|tensor| tensor.id));
        self.program.held.extend(&self.shared);
        let inputs = Span { start, end: u32_of(self.program.held.len()) };
        let begin = self.now();
        self.program.checkpoints.push(Checkpoint { begin, end: begin, inputs, keep_matmuls });
        self.program.instructions.push(Instruction::CheckpointBegin(index));
        let output = block(self);
        self.program.checkpoints[index as usize].end = self.now();
        self.program.instructions.push(Instruction::CheckpointEnd(index));
        output
    }

    /// Autocast's copy of a tensor: kept for the forward pass if it is a trained FP32 weight.
    pub(crate) fn autocast(&mut self, tensor: Tensor) -> Tensor {
        match self.mode.autocast {
            Some(element) if tensor.element == ElementType::Fp32 => {
                let checkpoints = self.program.checkpoints.len();
                let known = self.casts.iter_mut().find(|known| known.weight == tensor.id);
                let first = known.is_none();
                if let Some(known) = known
                    && tensor.requires_grad
                {
                    if std::mem::replace(&mut known.checkpoints, checkpoints) != checkpoints {
                        self.program.instructions.push(Instruction::CastAgain(known.node));
                    }
                    return known.cast;
                }
                let cast = self.to(tensor, element);
                if self.is_parameter(tensor).is_some() {
                    self.mark(cast, Role::CastWeight);
                    if first {
                        let bytes = self.bytes(cast).saturating_mul(self.copies);
                        self.program.cast_weights = self.program.cast_weights.saturating_add(bytes);
                        let node = u32_of(self.program.nodes.len() - 1);
                        self.casts.push(Cast { weight: tensor.id, cast, node, checkpoints });
                    }
                }
                cast
            }
            _ => tensor,
        }
    }

    /// `with torch.autocast` ends: its cache goes.
    pub(crate) fn end_autocast(&mut self) {
        let frame = self.frames.len();
        self.frames
            .extend(self.casts.drain(..).map(|known| known.cast).filter(|cast| cast.requires_grad).map(|cast| cast.id));
        self.returns(frame);
    }

    pub(crate) fn set_loss(&mut self, loss: Tensor) {
        self.program.loss = Some(loss.id);
    }

    pub(crate) fn set_logits(&mut self, logits: Tensor) {
        self.program.logits = Some(logits.id);
    }
}

/// Layers that are written out, which limits of fields keep under 2^32.
fn small(layers: u64) -> u32 {
    u32::try_from(layers).unwrap_or(u32::MAX)
}

/// Tables of a program hold fewer than 2^32 rows: layers are written out four times at most, or as a test asks.
fn u32_of(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
