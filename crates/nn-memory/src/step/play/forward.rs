//! Forward: runs the operators, keeps what autograd keeps, and lets go of what Python does not hold.

use super::{EARLIER, Keep, NONE, Player, index, signed};
use crate::program::{Checkpoint, Earlier, Instruction, Node, Role, Section, Span};
use crate::step::{Kind, Line, Phase};

impl Player<'_> {
    pub(super) fn forward(&mut self) {
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
    pub(super) fn is_computed_again(&self, block: &Checkpoint) -> bool {
        let program = self.program;
        program.instructions[block.begin as usize..block.end as usize].iter().any(|instruction| match *instruction {
            Instruction::Node(node) => {
                let node = &program.nodes[node as usize];
                node.differentiable && node.saves
            }
            _ => false,
        })
    }

    pub(super) fn cross_forward(&mut self, section: u32, iteration: u32) {
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

    pub(super) fn cross_backward(&mut self, section: u32, iteration: u32) {
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

    pub(super) fn let_go(&mut self, span: Span, at: u32) {
        let program = self.program;
        for &tensor in &program.held[span.indices()] {
            if program.last_use[tensor as usize] == at {
                self.python_drops(tensor);
            }
        }
    }

    pub(super) fn python_drops(&mut self, tensor: u32) {
        if std::mem::replace(&mut self.python[tensor as usize], false) {
            let live = self.current[self.program.storage_of[tensor as usize] as usize];
            self.drop(live);
        }
    }

    pub(super) fn run(&mut self, which: u32, at: u32, keep: Keep) {
        let program = self.program;
        let node = &program.nodes[which as usize];
        self.node = which;
        if node.saves_first && node.differentiable {
            self.save_first(node, keep);
        } else if node.saves_first {
            self.make_outputs_around(node, node.forward_scratch + node.forward_parts.iter().sum::<u64>());
        } else {
            if !self.outputs_exist(node, keep) {
                self.make_outputs(node);
                self.multiplies(node, node.biased);
            }
            let statistics = self.take(node.forward_parts);
            self.scratch(node.forward_scratch);
            self.drop_all(statistics);
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
        self.make_outputs_around(node, bytes);
    }

    /// Makes the outputs while this much stands for a moment.
    fn make_outputs_around(&mut self, node: &Node, bytes: u64) {
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

    pub(super) fn multiplies(&mut self, node: &Node, biased: bool) {
        if node.matmul
            && let Some(heap) = &mut self.heap
        {
            heap.multiply(self.setting, self.phase, biased);
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

    pub(super) fn save(&mut self, node: &Node, keep: Keep) {
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
}
