//! What the allocator does, one after another, to be laid beside what PyTorch records of itself.

use crate::program::{ElementType, Shape};
use crate::{Bytes, step::Line};

/// Something that the caching allocator does.
///
/// PyTorch writes the same down of itself (`torch.cuda.memory._record_memory_history`): `measure/history.py` lays the two
/// side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryEvent {
    /// A pass begins: a step of training or a micro-batch, a forward pass, or one token more. What comes before the first one
    /// is there when the run begins.
    Pass,
    /// The device is asked for a segment.
    Segment(Bytes),
    /// A block is handed out.
    Allocate(Allocation),
    /// The block of this event, counted from the first of the history, comes back.
    Free(usize),
}

/// A block that is handed out, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// What was asked for, rounded up to 512 B.
    pub bytes: Bytes,
    /// The module that works on it; empty of what belongs to none.
    pub module: &'static str,
    /// The operator, or what the block is.
    pub label: &'static str,
    /// What it holds: bytes, where only a size is known.
    pub element: ElementType,
    /// The tensor's shape.
    pub shape: Shape,
}

/// The history as it is written.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    events: Vec<HistoryEvent>,
    /// What the next block is for.
    name: Option<(&'static str, &'static str, ElementType, Shape)>,
    /// The event that handed out the block at this place.
    taken: Vec<usize>,
}

impl History {
    pub(super) fn name(&mut self, line: &Line) {
        self.name = Some((line.module, line.label, line.element, line.shape));
    }

    pub(super) fn pass(&mut self) {
        self.events.push(HistoryEvent::Pass);
    }

    pub(super) fn segment(&mut self, bytes: u64) {
        self.events.push(HistoryEvent::Segment(Bytes::new(bytes)));
    }

    pub(super) fn allocate(&mut self, place: u32, bytes: u64) {
        let unnamed = ("", "", ElementType::Byte, Shape::vector(bytes));
        let (module, label, element, shape) = self.name.take().unwrap_or(unnamed);
        let place = place as usize;
        if self.taken.len() <= place {
            self.taken.resize(place + 1, 0);
        }
        self.taken[place] = self.events.len();
        let bytes = Bytes::new(bytes);
        self.events.push(HistoryEvent::Allocate(Allocation { bytes, module, label, element, shape }));
    }

    pub(super) fn free(&mut self, place: u32) {
        self.events.push(HistoryEvent::Free(self.taken[place as usize]));
    }

    pub(super) fn events(self) -> Vec<HistoryEvent> {
        self.events
    }
}
