//! The device's memory over the first two steps, as the caching allocator hands it out.
//!
//! What a step reserves is decided by the steps before it: the first one runs without optimizer states, and these then
//! take what its activations have left. So the run is followed from the model on: weights one by one, the batch, a step in
//! which workspaces and optimizer states appear, a second step.

use std::collections::VecDeque;

use super::allocator::{Allocator, Handle};
use super::history::HistoryEvent;
use super::optimize::{self, Begun};
use super::play::{NONE, Player, Setting, Watch};
use super::{Kind, Line, Phase};
use crate::Choice as _;
use crate::program::{GRANULE, Program, Triangle};

/// What the allocator's own figures are after two steps.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Heaped {
    /// Bytes of segments: they only grow.
    pub(crate) reserved: u64,
    /// The most bytes of blocks in use in each phase of the second step.
    pub(crate) phase_peaks: [u64; Phase::ALL.len()],
    /// The same by what was asked for, rounded.
    pub(crate) asked: [i64; Phase::ALL.len()],
}

impl Heaped {
    /// The most that was asked for in any phase.
    pub(crate) fn most_asked(&self) -> i64 {
        self.asked.into_iter().max().unwrap_or(0)
    }
}

/// What outlives the player of a pass.
#[derive(Debug, Default)]
pub(super) struct Heap {
    allocator: Allocator,
    /// The block behind each of the player's live storages.
    blocks: Vec<Handle>,
    /// Blocks that the optimizer's step holds for a moment, in the order in which it took them.
    moment: VecDeque<(Kind, u64, Handle)>,
    /// Keys and values of earlier passes, layer by layer.
    cache: VecDeque<Handle>,
    /// Gradients of the pass before, that of the first weight last.
    gradients: Vec<Handle>,
    /// What the graph of this pass holds after backward, by the player's numbers: what was made to require a gradient, and
    /// that gradient.
    in_graph: Vec<u32>,
    /// The same of the micro-batch before, whose loss has a name until the next one takes it, and its outputs where the
    /// training loop holds them.
    before: Vec<Handle>,
    /// Outputs of the step before, with what their graph holds.
    outputs: Vec<Handle>,
    /// Weights whose gradients the pass has made, and the player's storages of these.
    made: Vec<(u32, u32)>,
    /// Whether the forward thread has its workspace, and backward's.
    workspaces: [bool; 2],
    workspaces_of_lt: [bool; 2],
    /// States that the optimizer has not made yet, from its first step on.
    states: Option<Vec<(usize, u8, Line)>>,
    phase_peaks: [u64; Phase::ALL.len()],
    asked: [i64; Phase::ALL.len()],
}

impl Heap {
    fn high(&mut self, phase: Phase) {
        let peak = &mut self.phase_peaks[phase as usize];
        *peak = self.allocator.allocated().max(*peak);
    }

    /// Whether it is written down what the allocator does, so that blocks want names.
    pub(super) const fn records(&self) -> bool {
        self.allocator.records()
    }

    /// A block that no operator makes.
    fn take(&mut self, kind: Kind, label: &'static str, bytes: u64) -> Handle {
        self.allocator.name(&Line::of_bytes(kind, label, bytes));
        self.allocator.allocate(bytes)
    }

    /// `tril(ones)`, and with a window what is in that and not in `tril(…, -window)`.
    fn triangle(&mut self, Triangle { bytes, windowed, .. }: Triangle) {
        let ones = self.take(Kind::Temporary, "ones", bytes);
        let lower = self.take(Kind::Parameters, "tril", bytes);
        self.allocator.free(ones);
        if windowed {
            let before = self.take(Kind::Temporary, "tril", bytes);
            self.take(Kind::Parameters, "bitwise_xor", bytes);
            self.allocator.free(before);
            self.allocator.free(lower);
        }
    }

    /// The storage that the player has numbered last.
    pub(super) fn allocate(&mut self, bytes: u64, phase: Phase, line: Option<&Line>) {
        if let Some(line) = line {
            self.allocator.name(line);
        }
        let block = self.allocator.allocate(bytes);
        self.blocks.push(block);
        self.high(phase);
    }

    pub(super) fn free(&mut self, live: u32) {
        let block = std::mem::replace(&mut self.blocks[live as usize], Handle::NONE);
        self.allocator.free(block);
    }

    /// The graph holds a storage until its loss goes.
    pub(super) fn graph_holds(&mut self, live: u32) {
        if live != NONE {
            self.in_graph.push(live);
        }
    }

    /// The loss of this pass takes the name of the one before, whose graph goes.
    pub(super) fn replace_loss(&mut self) {
        for block in std::mem::take(&mut self.before) {
            self.allocator.free(block);
        }
    }

    /// The gradient of a weight is whole.
    pub(super) fn gradient(&mut self, parameter: u32, live: u32) {
        self.made.push((parameter, live));
    }

    /// The player's storages of the pass' gradients, that of the first weight last.
    pub(super) fn gradients_of_pass(&mut self) -> Vec<u32> {
        self.made.sort_unstable_by(|a, b| b.cmp(a));
        self.made.iter().map(|(_, live)| *live).collect()
    }

    /// A gradient goes in the step: the player's storage, or one of the pass before.
    pub(super) fn free_gradient(&mut self, live: Option<u32>) {
        match live {
            Some(live) => self.free(live),
            None => {
                if let Some(block) = self.gradients.pop() {
                    self.allocator.free(block);
                }
            }
        }
    }

    /// `zero_grad` lets go of all of them.
    fn free_gradients(&mut self) {
        while let Some(block) = self.gradients.pop() {
            self.allocator.free(block);
        }
    }

    /// A matrix product begins: its thread's workspace appears with the first one, and cuBLASLt's of 1 MiB with the first
    /// that adds a bias.
    pub(super) fn multiply(&mut self, setting: &Setting, phase: Phase, biased: bool) {
        if setting.workspace_each == 0 {
            return;
        }
        let thread = usize::from(phase == Phase::Backward);
        if !std::mem::replace(&mut self.workspaces[thread], true) {
            self.take(Kind::Workspace, "cuBLAS workspace", setting.workspace_each);
        }
        if biased && !std::mem::replace(&mut self.workspaces_of_lt[thread], true) {
            self.take(Kind::Workspace, "cuBLASLt workspace", 1 << 20);
        }
    }

    /// Keys and values of earlier tokens go as those with the new token are there.
    pub(super) fn replace_cache(&mut self) {
        if let Some(block) = self.cache.pop_front() {
            self.allocator.free(block);
        }
    }

    /// Optimizer states appear in the first step.
    pub(super) fn states(&mut self, program: &Program, setting: &Setting, phase: Phase, begun: Begun) {
        let Some(optimize) = setting.optimize else { return };
        let states = self.states.get_or_insert_with(|| optimize::states(&optimize, program));
        let mut left = Vec::new();
        for (place, dimensions, line) in std::mem::take(states) {
            if begun.takes(place, dimensions) {
                self.allocator.name(&line);
                self.allocator.allocate(line.bytes);
            } else {
                left.push((place, dimensions, line));
            }
        }
        self.states = Some(left);
        self.high(phase);
    }

    /// Something that the optimizer's step takes, or gives back, for a moment.
    pub(super) fn change(&mut self, kind: Kind, bytes: i64, phase: Phase) {
        let size = bytes.unsigned_abs();
        if bytes > 0 {
            let block = self.take(kind, "optimizer step", size);
            self.moment.push_back((kind, size, block));
            self.high(phase);
        } else if let Some(place) = self.moment.iter().position(|(of, taken, _)| (*of, *taken) == (kind, size))
            && let Some((.., block)) = self.moment.remove(place)
        {
            self.allocator.free(block);
        }
    }

    /// The pass that counts begins.
    fn begin(&mut self) {
        (self.phase_peaks, self.asked) = ([0; Phase::ALL.len()], [0; Phase::ALL.len()]);
    }

    /// The pass is over: what stands of this kind stays, and outputs with what the graph holds if the loop holds them, or
    /// that alone if more micro-batches follow; the rest goes.
    fn leave(&mut self, program: &Program, stays: Option<Kind>, more: bool, standing: &[(usize, Kind, u32)]) {
        if stays == Some(Kind::KvCache) {
            for &(live, ..) in standing.iter().filter(|(_, kind, _)| *kind == Kind::KvCache) {
                if let Some(block) = self.blocks.get_mut(live) {
                    self.cache.push_back(std::mem::replace(block, Handle::NONE));
                }
            }
        }
        if stays == Some(Kind::Gradients) {
            for live in self.gradients_of_pass() {
                let block = std::mem::replace(&mut self.blocks[live as usize], Handle::NONE);
                // The step may have let go of it.
                if block != Handle::NONE {
                    self.gradients.push(block);
                }
            }
        }
        self.made.clear();
        let holds = !program.outputs.is_empty();
        let mut held = Vec::new();
        for live in std::mem::take(&mut self.in_graph) {
            if more || holds {
                held.push(std::mem::replace(&mut self.blocks[live as usize], Handle::NONE));
            }
        }
        for &(live, ..) in standing.iter().filter(|(.., storage)| program.outputs.contains(storage)) {
            held.push(std::mem::replace(&mut self.blocks[live], Handle::NONE));
        }
        let before = if more { &mut self.before } else { &mut self.outputs };
        let gone = std::mem::replace(before, held);
        let moment = self.moment.drain(..).map(|(.., block)| block);
        for block in moment.chain(self.blocks.drain(..)).chain(gone) {
            self.allocator.free(block);
        }
    }
}

/// What the allocator's figures are after two steps of training, or two forward passes and a token more.
pub(crate) fn heap(passes: &[(Program, Setting)]) -> Heaped {
    let heap = follow(passes, Heap::default());
    Heaped { reserved: heap.allocator.reserved(), phase_peaks: heap.phase_peaks, asked: heap.asked }
}

/// What the allocator does until then.
pub(crate) fn history(passes: &[(Program, Setting)]) -> Vec<HistoryEvent> {
    let heap = Heap { allocator: Allocator::recording(), ..Heap::default() };
    follow(passes, heap).allocator.history()
}

/// Follows a run.
fn follow(passes: &[(Program, Setting)], mut heap: Heap) -> Heap {
    let Some((program, setting)) = passes.first() else { return heap };
    let mut triangles = program.triangles.iter().peekable();
    // Adapters come after the network that they are put into: there they alone are trained.
    for trainable in [false, true] {
        for (place, parameter) in (0..).zip(&program.parameters).filter(|(_, made)| made.trainable == trainable) {
            while let Some(triangle) = triangles.next_if(|triangle| triangle.after <= place) {
                heap.triangle(*triangle);
            }
            let (label, bytes) = ("weight", parameter.bytes());
            let (kind, module, element, shape) = (Kind::Parameters, parameter.name, parameter.element, parameter.shape);
            heap.allocator.name(&Line { kind, module, label, element, shape, bytes });
            heap.allocator.allocate(bytes);
        }
    }
    let among: u64 = program.triangles.iter().map(|triangle| triangle.bytes).sum();
    heap.take(Kind::Parameters, "buffers", program.buffers.saturating_sub(among));
    for &tensor in &program.batch {
        heap.take(Kind::Activations, "batch", tensor);
    }
    if let Some(optimize) = setting.optimize {
        optimize::state(&optimize, program, |kind, module, label, element, shape, bytes, _| {
            if kind == Kind::MasterWeights {
                heap.allocator.name(&Line { kind, module, label, element, shape, bytes });
                heap.allocator.allocate(bytes);
            }
        });
        if optimize.optimizer.begins_with_states() {
            heap.states(program, setting, Phase::Forward, Begun::All);
        }
        if setting.scaler {
            heap.take(Kind::OptimizerState, "gradient scaler", GRANULE);
            heap.take(Kind::OptimizerState, "gradient scaler", GRANULE);
        }
        let stays = setting.gradients_stand.then_some(Kind::Gradients);
        let first = Setting { gradients_stand: false, ..*setting };
        if setting.accumulates {
            heap = play(program, &first, heap, stays, Part::MicroBatch);
            heap = run(program, setting, heap, None);
        } else {
            heap = run(program, &first, heap, stays);
        }
        if !setting.zeroes_gradients {
            heap.free_gradients();
        }
        if setting.accumulates {
            let next = if setting.zeroes_gradients { setting } else { &first };
            heap = play(program, next, heap, stays, Part::MicroBatch);
        }
        heap.begin();
        heap = run(program, setting, heap, None);
    } else {
        heap = run(program, setting, heap, None);
        heap.begin();
        let decode = passes.get(1);
        heap = run(program, setting, heap, decode.map(|_| Kind::KvCache));
        if let Some((program, setting)) = decode {
            heap = run(program, setting, heap, None);
        }
    }
    heap
}

/// What is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Pass,
    /// Forward and backward, after which more of the batch follows.
    MicroBatch,
}

/// Plays all of a pass; what stands of a kind stays when it is over.
fn run(program: &Program, setting: &Setting, heap: Heap, stays: Option<Kind>) -> Heap {
    play(program, setting, heap, stays, Part::Pass)
}

fn play(program: &Program, setting: &Setting, mut heap: Heap, stays: Option<Kind>, part: Part) -> Heap {
    let mut player = Player::new(program, setting, Watch::Peak);
    heap.allocator.pass();
    player.heap = Some(Box::new(heap));
    match part {
        Part::Pass => player.pass(),
        Part::MicroBatch => player.micro_batch(),
    }
    let mut heap = player.heap.take().map_or_else(Heap::default, |heap| *heap);
    for (most, peak) in heap.asked.iter_mut().zip(player.phase_peaks()) {
        *most = peak.max(*most);
    }
    let standing: Vec<_> = player.standing().collect();
    heap.leave(program, stays, part == Part::MicroBatch, &standing);
    heap
}
