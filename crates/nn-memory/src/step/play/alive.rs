//! What is alive: storages that come, go and change their kind, and the most of them.

use super::{EARLIER, Live, NESTED, NONE, Player, Point, Watch, index, signed};
use crate::program::{Earlier, ElementType, GRANULE, Shape};
use crate::step::allocator::rest_of_segment;
use crate::step::optimize;
use crate::step::{Kind, Line};

impl Player<'_> {
    /// What is there before the step.
    pub(super) fn stand(&mut self) {
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

    pub(super) fn peak(&mut self) {
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
    pub(super) fn allocate(&mut self, bytes: u64, kind: Kind, storage: u32) -> u32 {
        self.live.push(Live { bytes, references: 1, kind, line: storage, repeated: self.repeated });
        let recorded = self.heap.as_ref().is_some_and(|heap| heap.records());
        let line = (recorded || self.ledger.is_some()).then(|| self.line(storage, kind, bytes));
        if let Some(heap) = &mut self.heap {
            heap.allocate(bytes, self.phase, line.as_ref());
        }
        self.amounts[kind as usize] = self.amounts[kind as usize].saturating_add(signed(bytes));
        self.total = self.total.saturating_add(signed(bytes));
        if let Some(line) = line {
            self.enter(line, 1);
        }
        self.peak();
        index(self.live.len() - 1)
    }

    pub(super) fn enter(&mut self, line: Line, count: i64) {
        if let Some(ledger) = &mut self.ledger
            && line.bytes > 0
        {
            ledger.add(line, count);
        }
    }

    pub(super) fn hold(&mut self, live: u32) {
        self.live[live as usize].references += 1;
    }

    pub(super) fn drop(&mut self, live: u32) {
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
    pub(super) fn becomes(&mut self, live: u32, kind: Kind) {
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

    pub(super) fn scratch(&mut self, bytes: u64) {
        self.scratches(bytes, 1);
    }

    /// Takes this many bytes for a moment, in pieces of one size.
    pub(super) fn scratches(&mut self, bytes: u64, pieces: u8) {
        let taken = self.pieces(bytes, pieces);
        self.drop_all(taken);
    }

    /// Takes this many bytes in pieces of one size.
    pub(super) fn pieces(&mut self, bytes: u64, pieces: u8) -> [u32; 4] {
        let each = bytes / u64::from(pieces.max(1));
        let mut taken = [NONE; 4];
        if each > 0 {
            for slot in taken.iter_mut().take(pieces.into()) {
                *slot = self.allocate(each, Kind::Temporary, NONE);
            }
        }
        taken
    }

    /// Takes tensors of these sizes, lets go of them again but of the first, and returns that.
    pub(super) fn parts(&mut self, sizes: [u64; 4]) -> u32 {
        let [first, others @ ..] = self.take(sizes);
        self.drop_all(others);
        first
    }

    /// Takes tensors of these sizes.
    pub(super) fn take(&mut self, sizes: [u64; 4]) -> [u32; 4] {
        sizes.map(|bytes| if bytes > 0 { self.allocate(bytes, Kind::Temporary, NONE) } else { NONE })
    }

    /// Lets go of those that are there.
    pub(super) fn drop_all<const N: usize>(&mut self, taken: [u32; N]) {
        for live in taken {
            if live != NONE {
                self.drop(live);
            }
        }
    }

    pub(super) fn point(&mut self) {
        self.position += 1;
        if self.watch == Watch::Timeline {
            let node = &self.program.nodes[self.node as usize];
            self.write_point(node.module, node.label);
        }
    }

    pub(super) fn write_point(&mut self, module: &'static str, label: &'static str) {
        let amounts = if self.high.0 > self.total { self.high.1 } else { self.amounts };
        self.high = (self.total, self.amounts);
        let (position, phase) = (self.position, self.phase);
        self.outcome.points.push(Point { position, phase, module, label, amounts });
    }
}
