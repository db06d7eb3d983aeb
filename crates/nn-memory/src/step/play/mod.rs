//! The player: forward, backward, step.

mod alive;
mod backward;
mod forward;
mod update;

use super::heap::Heap;
use super::optimize::Optimize;
use super::{Kind, Ledger, Phase};
use crate::Choice as _;
use crate::program::Program;

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

pub(super) const NONE: u32 = u32::MAX;

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
        if let Some(heap) = &mut self.heap {
            heap.replace_loss();
        }
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
    pub(super) fn standing(&self) -> impl Iterator<Item = (usize, Kind, u32)> {
        let live = self.live.iter().enumerate();
        live.filter(|(_, live)| live.references > 0).map(|(number, live)| (number, live.kind, live.line))
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
