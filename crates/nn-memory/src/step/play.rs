//! The player: forward, backward, step.

use super::allocator::rest_of_segment;
use super::heap::Heap;
use super::optimize::{self, Optimize};
use super::{Kind, Ledger, Line, Phase};
use crate::Choice as _;
use crate::program::{
    Checkpoint, Earlier, ElementType, GRANULE, Grad, Instruction, Node, Program, Role, Section, Shape, Span,
};

/// Bytes by [`Kind`].
pub(crate) type Amounts = [i64; Kind::ALL.len()];

/// How a program is stepped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The optimizer and how it runs; none in inference.
    pub(crate) optimize: Option<Optimize>,
    /// Whether gradients of earlier micro-batches, or zeroed ones, are there before the step.
    pub(crate) gradients_stand: bool,
    /// Whether `zero_grad` leaves zeros instead of nothing.
    pub(crate) zeroes_gradients: bool,
    /// Whether micro-batches come before the one that counts.
    pub(crate) accumulates: bool,
    /// Whether gradients are clipped by their norm.
    pub(crate) clip: bool,
    /// Whether a gradient scaler is at work.
    pub(crate) scaler: bool,
    /// Bytes of cuBLAS workspaces.
    pub(crate) workspace: u64,
    /// Bytes of one of them.
    pub(crate) workspace_each: u64,
    /// The phase that the instructions are counted to.
    pub(crate) phase: Phase,
}

/// A moment of the step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    /// Operators of the step up to here, those of skipped layers among them.
    pub(crate) position: u64,
    pub(crate) phase: Phase,
    pub(crate) module: &'static str,
    pub(crate) label: &'static str,
    /// What stands while the operator runs, at most.
    pub(crate) amounts: Amounts,
}

/// What came out.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) peak: i64,
    pub(crate) peak_phase: Phase,
    /// What stood at the peak.
    pub(crate) at_peak: Amounts,
    /// The number of the allocation that made it.
    pub(crate) peak_event: u64,
    /// The peak of each phase.
    pub(crate) phase_peaks: [i64; Phase::ALL.len()],
    /// What stood before, after forward, and after backward.
    pub(crate) before: Amounts,
    pub(crate) after_forward: Amounts,
    pub(crate) after_backward: Amounts,
    /// The timeline, if asked for.
    pub(crate) points: Vec<Point>,
    /// What the forward pass of one layer of each section adds.
    pub(crate) layers: Vec<Amounts>,
    /// What stood line by line at the event asked for.
    pub(crate) ledger: Option<Ledger>,
}

const NONE: u32 = u32::MAX;

/// What the ledger calls keys and values that stand before the pass.
const EARLIER: &str = "earlier tokens";

#[derive(Debug, Clone, Copy)]
struct Live {
    bytes: u64,
    references: u32,
    kind: Kind,
    line: u32,
    /// The sections whose repeated layer made it; every layer that they skip made one too.
    repeated: [u32; NESTED],
}

/// Sections inside one another: blocks in groups.
const NESTED: usize = 2;

/// What to write down while playing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    /// The peak alone.
    Peak,
    /// A point per operator.
    Timeline,
    /// What stands at this event.
    Event(u64),
}

/// Plays a step.
pub(crate) fn play(program: &Program, setting: &Setting, watch: Watch) -> Outcome {
    let mut player = Player::new(program, setting, watch);
    player.pass();
    player.outcome.ledger = player.found;
    player.outcome
}

pub(super) struct Player<'p> {
    program: &'p Program,
    setting: &'p Setting,
    watch: Watch,
    amounts: Amounts,
    total: i64,
    events: u64,
    position: u64,
    /// The most since the last point, where a timeline is written.
    high: (i64, Amounts),
    phase: Phase,
    node: u32,
    live: Vec<Live>,
    /// The live storage behind each of the program's.
    current: Vec<u32>,
    /// Whether Python holds a tensor.
    python: Vec<bool>,
    /// The live storage behind each saved entry.
    saved: Vec<u32>,
    /// Gradients under way, by tensor.
    gradients: Vec<u32>,
    /// Whether these are views, by tensor.
    views: Vec<bool>,
    /// Contributions still to come, by parameter.
    pending: Vec<u32>,
    /// Weights whose gradients the operator has made whole: parameter, what is live, its storage.
    whole: Vec<(u32, u32, u32)>,
    marks: Vec<Marks>,
    /// The sections in whose repeated layer forward is, outermost first.
    repeated: [u32; NESTED],
    /// Which sections forward, or a recomputation, has left behind.
    passed: Vec<bool>,
    ledger: Option<Ledger>,
    found: Option<Ledger>,
    /// The allocator, where its own figures are asked for.
    pub(super) heap: Option<Box<Heap>>,
    outcome: Outcome,
}

#[derive(Debug, Clone, Default)]
struct Marks {
    amounts: Amounts,
    ledger: Option<Ledger>,
    position: u64,
}

impl<'p> Player<'p> {
    pub(super) fn new(program: &'p Program, setting: &'p Setting, watch: Watch) -> Self {
        let tensors = program.storage_of.len();
        let mut player = Self {
            program,
            setting,
            watch,
            amounts: Amounts::default(),
            total: 0,
            events: 0,
            position: 0,
            high: (0, Amounts::default()),
            phase: setting.phase,
            node: 0,
            live: Vec::with_capacity(2 * program.storages.len()),
            current: vec![NONE; program.storages.len()],
            python: vec![false; tensors],
            saved: vec![NONE; program.saved.len()],
            gradients: vec![NONE; if setting.optimize.is_some() { tensors } else { 0 }],
            views: vec![false; if setting.optimize.is_some() { tensors } else { 0 }],
            pending: program.parameters.iter().map(|parameter| parameter.uses).collect(),
            whole: Vec::new(),
            marks: vec![Marks::default(); program.sections.len()],
            repeated: [NONE; NESTED],
            passed: vec![false; program.sections.len()],
            ledger: matches!(watch, Watch::Event(_)).then(Ledger::default),
            found: None,
            heap: None,
            outcome: Outcome {
                peak: 0,
                peak_phase: setting.phase,
                at_peak: Amounts::default(),
                peak_event: 0,
                phase_peaks: [0; Phase::ALL.len()],
                before: Amounts::default(),
                after_forward: Amounts::default(),
                after_backward: Amounts::default(),
                points: Vec::new(),
                layers: vec![Amounts::default(); program.sections.len()],
                ledger: None,
            },
        };
        player.stand();
        player.outcome.before = player.amounts;
        player
    }

    /// All of the pass.
    pub(super) fn pass(&mut self) {
        self.micro_batch();
        if self.setting.optimize.is_some() {
            self.clip();
            self.step();
        }
    }

    /// The pass as far as more of the batch may follow.
    pub(super) fn micro_batch(&mut self) {
        self.forward();
        self.outcome.after_forward = self.amounts;
        if self.setting.optimize.is_some() {
            self.backward();
            self.outcome.after_backward = self.amounts;
        }
    }

    /// The most in each phase.
    pub(super) const fn phase_peaks(&self) -> [i64; Phase::ALL.len()] {
        self.outcome.phase_peaks
    }

    /// What stands: the number of each storage, and its kind.
    pub(super) fn standing(&self) -> impl Iterator<Item = (usize, Kind)> {
        let live = self.live.iter().enumerate();
        live.filter(|(_, live)| live.references > 0).map(|(number, live)| (number, live.kind))
    }

    /// What is there before the step.
    fn stand(&mut self) {
        let program = self.program;
        for parameter in &program.parameters {
            let (bytes, copies) = (parameter.bytes(), parameter.copies);
            let name = parameter.name;
            self.stands(Kind::Parameters, name, "weight", parameter.element, parameter.shape, bytes, copies);
            let (rest, byte) = (rest_of_segment(bytes), ElementType::Byte);
            self.stands(Kind::Parameters, name, "rest of its segment", byte, Shape::vector(rest), rest, copies);
            if self.setting.gradients_stand && parameter.is_updated() {
                self.stands(Kind::Gradients, name, "gradient", parameter.element, parameter.shape, bytes, copies);
            }
        }
        let (scalar, byte) = (Shape::SCALAR, ElementType::Byte);
        self.stands(Kind::Parameters, "", "buffers", byte, Shape::vector(program.buffers), program.buffers, 1);
        self.stands(Kind::Activations, "", "batch", byte, Shape::vector(program.inputs), program.inputs, 1);
        let outputs = program.held_outputs;
        self.stands(Kind::Temporary, "", "outputs of the step before", byte, Shape::vector(outputs), outputs, 1);
        let workspace = self.setting.workspace;
        self.stands(Kind::Workspace, "", "cuBLAS workspace", byte, Shape::vector(workspace), workspace, 1);
        if let Some(optimize) = self.setting.optimize {
            optimize::state(&optimize, program, |kind, name, label, element, shape, bytes, copies| {
                self.stands(kind, name, label, element, shape, bytes, copies);
            });
        }
        for earlier in &program.earlier {
            let Earlier { shape, element, bytes, copies } = *earlier;
            self.stands(Kind::KvCache, "", EARLIER, element, shape, bytes, copies);
        }
        if self.setting.scaler {
            self.stands(Kind::OptimizerState, "", "gradient scaler", ElementType::Fp32, scalar, 2 * GRANULE, 1);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "a line of the ledger, spelt out")]
    fn stands(
        &mut self,
        kind: Kind,
        module: &'static str,
        label: &'static str,
        element: ElementType,
        shape: Shape,
        bytes: u64,
        copies: u64,
    ) {
        if bytes == 0 {
            return;
        }
        let all = signed(bytes).saturating_mul(signed(copies));
        self.amounts[kind as usize] = self.amounts[kind as usize].saturating_add(all);
        self.total = self.total.saturating_add(all);
        if let Some(ledger) = &mut self.ledger {
            ledger.add(Line { kind, module, label, element, shape, bytes }, signed(copies));
        }
    }

    fn peak(&mut self) {
        self.events += 1;
        let phase_peak = &mut self.outcome.phase_peaks[self.phase as usize];
        if self.total > *phase_peak {
            *phase_peak = self.total;
            if self.total > self.outcome.peak {
                self.outcome.peak = self.total;
                self.outcome.peak_phase = self.phase;
                self.outcome.at_peak = self.amounts;
                self.outcome.peak_event = self.events;
            }
        }
        if self.watch == Watch::Timeline && self.total > self.high.0 {
            self.high = (self.total, self.amounts);
        }
        if self.watch == Watch::Event(self.events) {
            self.found.clone_from(&self.ledger);
        }
    }

    fn line(&self, storage: u32, kind: Kind, bytes: u64) -> Line {
        let (module, label, element, shape) = if storage == NONE {
            let node = &self.program.nodes[self.node as usize];
            (node.module, node.label, ElementType::Byte, Shape::vector(bytes))
        } else {
            let storage = &self.program.storages[storage as usize];
            match self.program.nodes.get(storage.node as usize) {
                Some(node) => (node.module, node.label, storage.element, storage.shape),
                None => ("", "", storage.element, storage.shape),
            }
        };
        Line { kind, module, label, element, shape, bytes }
    }

    /// Allocates `bytes`; what it is for is told by a storage of the program.
    fn allocate(&mut self, bytes: u64, kind: Kind, storage: u32) -> u32 {
        self.live.push(Live { bytes, references: 1, kind, line: storage, repeated: self.repeated });
        if let Some(heap) = &mut self.heap {
            heap.allocate(bytes, self.phase);
        }
        self.amounts[kind as usize] = self.amounts[kind as usize].saturating_add(signed(bytes));
        self.total = self.total.saturating_add(signed(bytes));
        if self.ledger.is_some() {
            let line = self.line(storage, kind, bytes);
            self.enter(line, 1);
        }
        self.peak();
        index(self.live.len() - 1)
    }

    fn enter(&mut self, line: Line, count: i64) {
        if let Some(ledger) = &mut self.ledger
            && line.bytes > 0
        {
            ledger.add(line, count);
        }
    }

    fn hold(&mut self, live: u32) {
        self.live[live as usize].references += 1;
    }

    fn drop(&mut self, live: u32) {
        let entry = &mut self.live[live as usize];
        entry.references -= 1;
        if entry.references == 0 {
            let Live { bytes, kind, line, repeated, .. } = *entry;
            let count = self.stands_for(repeated);
            let all = signed(bytes).saturating_mul(count);
            self.amounts[kind as usize] = self.amounts[kind as usize].saturating_sub(all);
            self.total = self.total.saturating_sub(all);
            if let Some(heap) = &mut self.heap {
                heap.free(live);
            }
            if self.ledger.is_some() {
                let line = self.line(line, kind, bytes);
                self.enter(line, -count);
            }
        }
    }

    /// How many go at once: what outlives its layer and then its section, as the weights that autocast has cast, goes
    /// together with those of the layers that were skipped.
    fn stands_for(&self, repeated: [u32; NESTED]) -> i64 {
        let passed = repeated.into_iter().filter(|&section| section != NONE && self.passed[section as usize]);
        passed.fold(1, |count: i64, section| {
            count.saturating_mul(1 + signed(self.program.sections[section as usize].skipped))
        })
    }

    /// The storage becomes something else: an output becomes an activation, a gradient that of a weight.
    fn becomes(&mut self, live: u32, kind: Kind) {
        let Live { bytes, kind: before, line, .. } = self.live[live as usize];
        if before == kind {
            return;
        }
        self.live[live as usize].kind = kind;
        self.amounts[before as usize] = self.amounts[before as usize].saturating_sub(signed(bytes));
        self.amounts[kind as usize] = self.amounts[kind as usize].saturating_add(signed(bytes));
        if self.ledger.is_some() {
            let (from, to) = (self.line(line, before, bytes), self.line(line, kind, bytes));
            self.enter(from, -1);
            self.enter(to, 1);
        }
    }

    fn scratch(&mut self, bytes: u64) {
        self.scratches(bytes, 1);
    }

    /// Takes this many bytes for a moment, in pieces of one size.
    fn scratches(&mut self, bytes: u64, pieces: u8) {
        let each = bytes / u64::from(pieces.max(1));
        let mut taken = [NONE; 4];
        if each > 0 {
            for slot in taken.iter_mut().take(pieces.into()) {
                *slot = self.allocate(each, Kind::Temporary, NONE);
            }
        }
        for live in taken {
            if live != NONE {
                self.drop(live);
            }
        }
    }

    fn point(&mut self) {
        self.position += 1;
        if self.watch == Watch::Timeline {
            let node = &self.program.nodes[self.node as usize];
            self.write_point(node.module, node.label);
        }
    }

    fn write_point(&mut self, module: &'static str, label: &'static str) {
        let amounts = if self.high.0 > self.total { self.high.1 } else { self.amounts };
        self.high = (self.total, self.amounts);
        let (position, phase) = (self.position, self.phase);
        self.outcome.points.push(Point { position, phase, module, label, amounts });
    }

    // ---- forward

    fn forward(&mut self) {
        let program = self.program;
        let mut checkpoint = None;
        for (at, instruction) in program.instructions.iter().enumerate() {
            match *instruction {
                Instruction::Node(node) => {
                    let keeps = match checkpoint {
                        None => Keep::All,
                        Some(false) => Keep::Nothing,
                        Some(true) => Keep::Matmuls,
                    };
                    self.run(node, index(at), keeps);
                }
                Instruction::Return(span) => self.let_go(span, index(at)),
                Instruction::Mark { section, iteration } => self.cross_forward(section, iteration),
                Instruction::CheckpointBegin(which) => {
                    let block = &program.checkpoints[which as usize];
                    let again = self.is_computed_again(block);
                    checkpoint = Some(block.keep_matmuls && again);
                    for &tensor in &program.held[block.inputs.indices()] {
                        let live = self.current[program.storage_of[tensor as usize] as usize];
                        if again && live != NONE {
                            self.hold(live);
                            self.becomes(live, Kind::Activations);
                        }
                    }
                }
                Instruction::CheckpointEnd(_) => checkpoint = None,
                Instruction::CastAgain(_) => {}
            }
        }
        // The loss is held by the training loop; logits of inference by its caller.
    }

    /// A block that keeps nothing for a gradient is never computed again: its checkpoint goes with its call.
    fn is_computed_again(&self, block: &Checkpoint) -> bool {
        let program = self.program;
        program.instructions[block.begin as usize..block.end as usize].iter().any(|instruction| match *instruction {
            Instruction::Node(node) => {
                let node = &program.nodes[node as usize];
                node.differentiable && node.saves
            }
            _ => false,
        })
    }

    fn cross_forward(&mut self, section: u32, iteration: u32) {
        let Section { repeated, skipped, .. } = self.program.sections[section as usize];
        if skipped == 0 {
            return;
        }
        if iteration == repeated {
            self.remember(section);
            if let Some(free) = self.repeated.iter_mut().find(|open| **open == NONE) {
                *free = section;
            }
        } else if iteration == repeated + 1 {
            self.repeat(section, signed(skipped));
            for open in self.repeated.iter_mut().filter(|open| **open == section) {
                *open = NONE;
            }
        } else {
            self.passed[section as usize] = iteration == Section::written_out(repeated);
        }
    }

    fn cross_backward(&mut self, section: u32, iteration: u32) {
        let Section { repeated, skipped, .. } = self.program.sections[section as usize];
        if skipped == 0 {
            return;
        }
        if iteration == repeated + 2 {
            self.remember(section);
        } else if iteration == repeated + 1 {
            self.repeat(section, signed(skipped));
        }
    }

    fn remember(&mut self, section: u32) {
        let marks = &mut self.marks[section as usize];
        marks.amounts = self.amounts;
        marks.ledger.clone_from(&self.ledger);
        marks.position = self.position;
    }

    fn repeat(&mut self, section: u32, skipped: i64) {
        let marks = &mut self.marks[section as usize];
        let (amounts, earlier) = (marks.amounts, marks.ledger.take());
        let mut total = 0_i64;
        for (now, before) in self.amounts.iter_mut().zip(amounts) {
            *now = now.saturating_add(now.saturating_sub(before).saturating_mul(skipped));
            total = total.saturating_add(*now);
        }
        self.total = total;
        if let (Some(ledger), Some(before)) = (&mut self.ledger, &earlier) {
            ledger.repeat_since(before, skipped);
        }
        if self.phase == Phase::Forward {
            let layer = &mut self.outcome.layers[section as usize];
            for ((each, now), before) in layer.iter_mut().zip(self.amounts).zip(amounts) {
                *each = now.saturating_sub(before) / (1 + skipped);
            }
        }
        let played = self.position - self.marks[section as usize].position;
        self.position = self.position.saturating_add(played.saturating_mul(skipped.unsigned_abs()));
        self.high = (self.total, self.amounts);
        self.point();
    }

    fn let_go(&mut self, span: Span, at: u32) {
        let program = self.program;
        for &tensor in &program.held[span.indices()] {
            if program.last_use[tensor as usize] == at {
                self.python_drops(tensor);
            }
        }
    }

    fn python_drops(&mut self, tensor: u32) {
        if std::mem::replace(&mut self.python[tensor as usize], false) {
            let live = self.current[self.program.storage_of[tensor as usize] as usize];
            self.drop(live);
        }
    }

    fn run(&mut self, which: u32, at: u32, keep: Keep) {
        let program = self.program;
        let node = &program.nodes[which as usize];
        self.node = which;
        if node.saves_first && node.differentiable {
            self.save_first(node, keep);
        } else {
            if !self.outputs_exist(node, keep) {
                self.make_outputs(node);
                self.multiplies(node);
            }
            self.scratch(node.forward_scratch);
            for earlier in &program.earlier[node.replaces.indices()] {
                self.replace(earlier);
            }
            if node.differentiable {
                self.save(node, keep);
            }
            if keep == Keep::Matmuls && node.matmul {
                self.keep_outputs(node);
            }
        }
        self.point();
        for edge in &program.edges[node.edges.indices()] {
            if program.last_use[edge.tensor as usize] == at {
                self.python_drops(edge.tensor);
            }
        }
        for tensor in node.outputs.indices() {
            if program.last_use[tensor] == at {
                self.python_drops(index(tensor));
            }
        }
    }

    /// Runs an operator that makes what it keeps for backward ahead of its output.
    fn save_first(&mut self, node: &Node, keep: Keep) {
        if keep == Keep::All || keep == Keep::AllButMatmuls {
            self.save(node, keep);
            self.make_outputs(node);
            return;
        }
        let storages = self.program.saved[node.saved.indices()].iter();
        let bytes = storages.map(|storage| self.program.storages[*storage as usize].bytes).sum();
        let live = self.allocate(bytes, Kind::Temporary, NONE);
        self.make_outputs(node);
        self.drop(live);
    }

    /// What the cache held goes: the operator has made what it holds from now on.
    fn replace(&mut self, earlier: &Earlier) {
        let Earlier { shape, element, bytes, .. } = *earlier;
        let kind = Kind::KvCache;
        self.amounts[kind as usize] = self.amounts[kind as usize].saturating_sub(signed(bytes));
        self.total = self.total.saturating_sub(signed(bytes));
        if let Some(heap) = &mut self.heap {
            heap.replace_cache();
        }
        if self.ledger.is_some() {
            self.enter(Line { kind, module: "", label: EARLIER, element, shape, bytes }, -1);
        }
    }

    fn multiplies(&mut self, node: &Node) {
        if node.matmul
            && let Some(heap) = &mut self.heap
        {
            heap.multiply(self.setting, self.phase);
        }
    }

    /// In a recomputation, what selective checkpointing has kept.
    fn outputs_exist(&mut self, node: &Node, keep: Keep) -> bool {
        if keep != Keep::AllButMatmuls || !node.matmul {
            return false;
        }
        for tensor in node.outputs.indices() {
            // What forward kept becomes what Python holds.
            self.python[tensor] = true;
        }
        true
    }

    fn make_outputs(&mut self, node: &Node) {
        let program = self.program;
        for tensor in node.outputs.indices() {
            let storage = program.storage_of[tensor];
            let entry = &program.storages[storage as usize];
            if entry.node == self.node && !matches!(entry.role, Role::Parameter(_) | Role::Outside) {
                let kind = match entry.role {
                    Role::KvCache => Kind::KvCache,
                    Role::Shared => Kind::Activations,
                    _ => Kind::Temporary,
                };
                self.current[storage as usize] = self.allocate(entry.bytes, kind, storage);
                self.python[tensor] = true;
            } else if self.current[storage as usize] != NONE {
                self.hold(self.current[storage as usize]);
                self.python[tensor] = true;
            }
        }
    }

    fn save(&mut self, node: &Node, keep: Keep) {
        let program = self.program;
        for entry in node.saved.indices() {
            let storage = program.saved[entry];
            let record = &program.storages[storage as usize];
            let statistic =
                record.node == self.node && !node.outputs.indices().any(|t| program.storage_of[t] == storage);
            if statistic {
                let live = self.allocate(record.bytes, Kind::Temporary, storage);
                self.current[storage as usize] = live;
                if keep == Keep::All || keep == Keep::AllButMatmuls {
                    self.becomes(live, Kind::Activations);
                    self.saved[entry] = live;
                } else {
                    self.drop(live);
                }
            } else if keep == Keep::All || keep == Keep::AllButMatmuls {
                let live = self.current[storage as usize];
                self.hold(live);
                self.becomes(live, Kind::Activations);
                self.saved[entry] = live;
            }
        }
    }

    /// What selective checkpointing keeps, whether a gradient passes it or not.
    fn keep_outputs(&mut self, node: &Node) {
        for tensor in node.outputs.indices() {
            let live = self.current[self.program.storage_of[tensor] as usize];
            self.hold(live);
            self.becomes(live, Kind::Activations);
        }
    }

    // ---- backward

    fn backward(&mut self) {
        let program = self.program;
        let Some(loss) = program.loss else { return };
        self.phase = Phase::Backward;
        // What backward lets go of, it lets go of layer by layer.
        self.passed.fill(false);
        self.gradients[loss as usize] = self.allocate(GRANULE, Kind::Temporary, program.storage_of[loss as usize]);
        let mut at = program.instructions.len();
        // The checkpoint whose block backward is in, until it is computed again.
        let mut block = None;
        let mut inside = false;
        while at > 0 {
            at -= 1;
            match program.instructions[at] {
                Instruction::Node(node) => {
                    let entry = &program.nodes[node as usize];
                    if entry.differentiable {
                        if block.is_some() && entry.saves {
                            self.compute_again(block.take().unwrap_or_default(), at);
                        }
                        self.node = node;
                        self.undo(entry, inside);
                    }
                }
                Instruction::Return(_) | Instruction::CastAgain(_) => {}
                Instruction::Mark { section, iteration } => self.cross_backward(section, iteration),
                Instruction::CheckpointEnd(which) => {
                    block = Some(which);
                    inside = true;
                }
                Instruction::CheckpointBegin(which) => {
                    block = None;
                    inside = false;
                    let block = &program.checkpoints[which as usize];
                    let again = self.is_computed_again(block);
                    for &tensor in &program.held[block.inputs.indices()] {
                        let live = self.current[program.storage_of[tensor as usize] as usize];
                        if again && live != NONE {
                            self.drop(live);
                        }
                    }
                }
            }
        }
    }

    /// Runs a checkpointed block again, up to the last tensor that backward needs.
    fn compute_again(&mut self, which: u32, last: usize) {
        let program = self.program;
        let checkpoint = &program.checkpoints[which as usize];
        let begin = checkpoint.begin as usize + 1;
        let keep = if checkpoint.keep_matmuls { Keep::AllButMatmuls } else { Keep::All };
        let mut made = Vec::new();
        for at in begin..=last {
            match program.instructions[at] {
                Instruction::Node(node) => {
                    let entry = &program.nodes[node as usize];
                    if at == last && !entry.saves_output {
                        // Inputs are kept before the operator runs: it does not.
                        self.node = node;
                        self.save(entry, keep);
                    } else {
                        self.run(node, index(at), keep);
                    }
                    made.extend(entry.outputs.indices());
                }
                Instruction::CastAgain(node) => {
                    self.run(node, index(at), keep);
                    made.extend(program.nodes[node as usize].outputs.indices());
                }
                Instruction::Return(span) => self.let_go(span, index(at)),
                Instruction::Mark { section, iteration } => self.cross_forward(section, iteration),
                Instruction::CheckpointBegin(_) | Instruction::CheckpointEnd(_) => {}
            }
        }
        // The recomputation stops early; what it leaves of sections inside the block goes with that of the layers skipped.
        for instruction in &program.instructions[begin..checkpoint.end as usize] {
            if let Instruction::Mark { section, .. } = *instruction {
                self.passed[section as usize] = true;
            }
        }
        for tensor in made {
            self.python_drops(index(tensor));
        }
        if checkpoint.keep_matmuls {
            self.drop_matmuls(last, checkpoint.end as usize);
        }
        self.passed.fill(false);
    }

    /// Lets go of what selective checkpointing kept of operators that need not run again.
    fn drop_matmuls(&mut self, from: usize, to: usize) {
        let program = self.program;
        for instruction in &program.instructions[from..to] {
            if let Instruction::Node(node) = *instruction {
                let node = &program.nodes[node as usize];
                if node.matmul && !node.saves_output {
                    for tensor in node.outputs.indices() {
                        let live = self.current[program.storage_of[tensor] as usize];
                        self.drop(live);
                    }
                }
            }
        }
    }

    /// The backward of an operator.
    fn undo(&mut self, node: &Node, recomputed: bool) {
        let program = self.program;
        let outputs = node.outputs.indices();
        let mut given = [NONE; 4];
        let (mut any, mut view) = (NONE, node.view);
        for (slot, tensor) in given.iter_mut().zip(outputs) {
            *slot = std::mem::replace(&mut self.gradients[tensor], NONE);
            if any == NONE {
                any = *slot;
                view |= self.views[tensor];
            }
        }
        if node.leaf {
            if any != NONE {
                self.becomes(any, Kind::Gradients);
            }
        } else if any != NONE {
            let edges = &program.edges[node.edges.indices()];
            let mut made = [NONE; 24];
            for (slot, edge) in made.iter_mut().zip(edges) {
                *slot = match edge.grad {
                    Grad::None => NONE,
                    Grad::Pass => {
                        self.hold(any);
                        any
                    }
                    Grad::New | Grad::NewView => self.gradient(edge.tensor),
                    Grad::Narrowed => self.gradient(node.outputs.start),
                };
            }
            self.multiplies(node);
            self.scratches(node.backward_scratch, node.backward_pieces);
            let mut unreduced = (node.unreduced > 0).then(|| self.allocate(node.unreduced, Kind::Temporary, NONE));
            if recomputed {
                // What was computed again goes with the operator's own backward, what forward kept after the sums.
                self.release_saved(node);
            }
            // The engine then goes through the inputs in their order: what is too large it sums, what is too wide it casts.
            let smaller = program.gradient_bytes(node.outputs.start);
            let summed = edges
                .iter()
                .position(|edge| edge.grad == Grad::New && program.gradient_bytes(edge.tensor) < smaller)
                .filter(|_| unreduced.is_some());
            for (place, (slot, edge)) in made.iter_mut().zip(edges).enumerate().rev() {
                if edge.grad == Grad::Narrowed {
                    let wide = std::mem::replace(slot, self.gradient(edge.tensor));
                    self.drop(wide);
                }
                if summed == Some(place) {
                    self.sum(node, unreduced.take());
                }
            }
            if summed.is_none() {
                self.sum(node, unreduced.take());
            }
            for live in given {
                if live != NONE {
                    self.drop(live);
                }
            }
            self.release_saved(node);
            for (live, edge) in made.into_iter().zip(edges) {
                if live != NONE {
                    let view = edge.grad == Grad::NewView || edge.grad == Grad::Pass && view;
                    self.accumulate(edge.tensor, live, view);
                }
            }
            // Weights come next, once every input has its gradient.
            for place in 0..self.whole.len() {
                let (parameter, live, storage) = self.whole[place];
                self.leaf(parameter, live, storage);
            }
            self.whole.clear();
        } else {
            self.release_saved(node);
        }
        self.point();
    }

    /// Sums a product to a smaller input's shape.
    fn sum(&mut self, node: &Node, unreduced: Option<u32>) {
        self.scratch(node.reduction_scratch);
        if let Some(live) = unreduced {
            self.drop(live);
        }
    }

    /// A new gradient of a tensor.
    fn gradient(&mut self, tensor: u32) -> u32 {
        let storage = self.program.storage_of[tensor as usize];
        self.allocate(self.program.gradient_bytes(tensor), Kind::Temporary, storage)
    }

    fn release_saved(&mut self, node: &Node) {
        for entry in node.saved.indices() {
            let live = std::mem::replace(&mut self.saved[entry], NONE);
            if live != NONE {
                self.drop(live);
            }
        }
    }

    /// Adds to the gradient of a tensor, in place where nothing else holds it.
    fn accumulate(&mut self, tensor: u32, live: u32, view: bool) {
        let storage = self.program.storage_of[tensor as usize];
        let there = self.gradients[tensor as usize];
        let sum = if there == NONE {
            self.views[tensor as usize] = view;
            live
        } else if self.live[there as usize].references == 1 && !self.views[tensor as usize] {
            self.drop(live);
            there
        } else {
            self.views[tensor as usize] = false;
            let bytes = self.live[there as usize].bytes;
            let sum = self.allocate(bytes, Kind::Temporary, storage);
            self.drop(there);
            self.drop(live);
            sum
        };
        self.gradients[tensor as usize] = sum;
        if let Role::Parameter(parameter) = self.program.storages[storage as usize].role {
            self.pending[parameter as usize] -= 1;
            if self.pending[parameter as usize] == 0 {
                self.gradients[tensor as usize] = NONE;
                self.whole.push((parameter, sum, storage));
            }
        }
    }

    /// A weight's gradient is whole: it is kept, or added to the one of the micro-batches before.
    fn leaf(&mut self, parameter: u32, live: u32, storage: u32) {
        if self.setting.gradients_stand {
            self.drop(live);
        } else if self.live[live as usize].references == 1 {
            self.becomes(live, Kind::Gradients);
        } else {
            let bytes = self.program.parameters[parameter as usize].bytes();
            self.allocate(bytes, Kind::Gradients, storage);
            self.drop(live);
        }
    }

    // ---- step

    fn clip(&mut self) {
        if self.setting.clip {
            let program = self.program;
            optimize::clip(program, |bytes| {
                self.amounts[Kind::Temporary as usize] = self.amounts[Kind::Temporary as usize].saturating_add(bytes);
                self.total = self.total.saturating_add(bytes);
                if bytes > 0 {
                    self.peak();
                }
                if let Some(heap) = &mut self.heap {
                    heap.change(bytes, self.phase);
                }
            });
        }
    }

    fn step(&mut self) {
        self.phase = Phase::Step;
        let Some(optimize) = self.setting.optimize else { return };
        let program = self.program;
        // Gradients in the order of their weights: backward has made them in reverse.
        let mut gradients = Vec::new();
        if self.heap.is_some() {
            let live = self.live.iter().enumerate();
            gradients = live
                .filter(|(_, live)| live.references > 0 && live.kind == Kind::Gradients)
                .map(|(number, _)| index(number))
                .collect();
        }
        let separately = self.heap.is_some();
        optimize::step(&optimize, program, separately, |kind: Kind, label: &'static str, bytes: i64, tensors| {
            self.amounts[kind as usize] = self.amounts[kind as usize].saturating_add(bytes);
            self.total = self.total.saturating_add(bytes);
            if let Some(ledger) = &mut self.ledger {
                for &(each, count) in tensors {
                    let bytes = each.unsigned_abs();
                    if kind == Kind::Gradients && count < 0 {
                        ledger.remove_gradients(bytes, -count);
                    } else if bytes > 0 && count != 0 {
                        let (element, shape) = (ElementType::Byte, Shape::vector(bytes));
                        ledger.add(Line { kind, module: "", label, element, shape, bytes }, count);
                    }
                }
            }
            self.peak();
            if let Some(heap) = &mut self.heap {
                let gone = kind == Kind::Gradients && bytes < 0;
                // Gradients are cast before the optimizer is called.
                if kind != Kind::Gradients {
                    heap.states(program, self.setting, self.phase);
                }
                if gone { heap.free_gradient(gradients.pop()) } else { heap.change(bytes, self.phase) }
            }
            self.position += 1;
            if self.watch == Watch::Timeline {
                self.write_point("optimizer", label);
            }
        });
        if let Some(heap) = &mut self.heap {
            heap.states(program, self.setting, self.phase);
        }
    }
}

/// What autograd keeps of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// All that its rule says.
    All,
    /// Nothing: a checkpointed block in forward.
    Nothing,
    /// Outputs of matrix products alone: selective checkpointing in forward.
    Matmuls,
    /// The rest: selective checkpointing in backward.
    AllButMatmuls,
}

/// Sizes and counts stay far under 2^63: the builder refuses a tensor of 2^50 bytes.
pub(super) fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE)
}
