//! Backward: takes the operators in reverse, computes checkpointed blocks again, and makes gradients whole.

use super::{Keep, NONE, Player, index};
use crate::program::{GRANULE, Grad, Instruction, Node, Role};
use crate::step::{Kind, Phase};

impl Player<'_> {
    pub(super) fn backward(&mut self) {
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
        // The block whose inputs are held until its first operator that keeps something lets go of that.
        let mut holds = None;
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
                        let ends = holds.take_if(|(_, first)| *first == at);
                        self.undo(entry, inside, ends.map(|(which, _)| which));
                    }
                }
                Instruction::Return(_) | Instruction::CastAgain(_) => {}
                Instruction::Mark { section, iteration } => self.cross_backward(section, iteration),
                Instruction::CheckpointEnd(which) => {
                    block = Some(which);
                    inside = true;
                    holds = Some((which, self.first_that_saves(which)));
                }
                Instruction::CheckpointBegin(which) => {
                    block = None;
                    inside = false;
                    if holds.take().is_some() {
                        self.drop_inputs(which);
                    }
                }
            }
        }
    }

    /// Where the first operator of a checkpointed block stands that keeps something for backward.
    fn first_that_saves(&self, which: u32) -> usize {
        let checkpoint = &self.program.checkpoints[which as usize];
        let mut places = checkpoint.begin as usize..checkpoint.end as usize;
        let saves = |at: &usize| match self.program.instructions[*at] {
            Instruction::Node(node) => {
                let node = &self.program.nodes[node as usize];
                node.differentiable && node.saves
            }
            _ => false,
        };
        places.find(saves).unwrap_or(usize::MAX)
    }

    /// Nothing of a checkpointed block is to be computed again: what it was given goes.
    fn drop_inputs(&mut self, which: u32) {
        let program = self.program;
        let block = &program.checkpoints[which as usize];
        if self.is_computed_again(block) {
            for &tensor in &program.held[block.inputs.indices()] {
                let live = self.current[program.storage_of[tensor as usize] as usize];
                if live != NONE {
                    self.drop(live);
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
    ///
    /// `ends`: the checkpointed block that nothing is kept of once this operator has let go.
    fn undo(&mut self, node: &Node, recomputed: bool, ends: Option<u32>) {
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
                if let Some(heap) = &mut self.heap {
                    heap.graph_holds(any);
                    for entry in node.saved.indices() {
                        heap.graph_holds(self.saved[entry]);
                    }
                }
            }
        } else if any != NONE {
            let edges = &program.edges[node.edges.indices()];
            let [copy, ..] = self.take([node.backward_copy, 0, 0, 0]);
            let factors = if node.backward_factors {
                self.pieces(node.backward_scratch, node.backward_pieces)
            } else {
                [NONE; 4]
            };
            let mut made = [NONE; 24];
            let whole = program.gradient_bytes(node.outputs.start);
            let summed = edges
                .iter()
                .position(|edge| edge.grad == Grad::New && program.gradient_bytes(edge.tensor) < whole)
                .filter(|_| node.unreduced > 0);
            let mut unreduced = None;
            for (place, (slot, edge)) in made.iter_mut().zip(edges).enumerate() {
                *slot = match edge.grad {
                    // A product as large as the output, of which the sum is taken once all products are there.
                    _ if summed == Some(place) => {
                        unreduced = Some(self.allocate(node.unreduced, Kind::Temporary, NONE));
                        continue;
                    }
                    Grad::None | Grad::Summed => NONE,
                    Grad::Pass => {
                        self.hold(any);
                        any
                    }
                    Grad::New | Grad::NewView => self.gradient(edge.tensor),
                    Grad::Narrowed => self.gradient(node.outputs.start),
                };
                if *slot != NONE && *slot != any {
                    // Gradients are products without a bias.
                    self.multiplies(node, false);
                }
            }
            for (slot, edge) in made.iter_mut().zip(edges).filter(|(_, edge)| edge.grad == Grad::Summed) {
                *slot = self.gradient(edge.tensor);
            }
            if node.backward_factors {
                self.drop_all(factors);
            } else {
                self.scratches(node.backward_scratch, node.backward_pieces);
            }
            let returned = self.parts(node.backward_parts);
            self.drop_all([copy]);
            if unreduced.is_none() && node.unreduced > 0 {
                unreduced = Some(self.allocate(node.unreduced, Kind::Temporary, NONE));
            }
            if recomputed {
                // What was computed again goes with the operator's own backward, what forward kept after the sums.
                self.release_saved(node);
                if let Some(which) = ends {
                    self.drop_inputs(which);
                }
            }
            // The engine then goes through the inputs in their order: what is too large it sums, what is too wide it casts.
            for (place, (slot, edge)) in made.iter_mut().zip(edges).enumerate().rev() {
                if edge.grad == Grad::Narrowed {
                    let wide = std::mem::replace(slot, self.gradient(edge.tensor));
                    self.drop(wide);
                }
                if summed == Some(place) {
                    *slot = self.gradient(edge.tensor);
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
            if returned != NONE {
                self.drop(returned);
            }
            let both = made.into_iter().zip(edges).filter(|(live, _)| *live != NONE);
            for (live, edge) in both.clone().filter(|(_, edge)| edge.grad != Grad::NewView) {
                self.accumulate(edge.tensor, live, edge.grad == Grad::Pass && view);
            }
            // Views are operators of their own, which autograd works through thereafter, those taken last first.
            for (live, edge) in both.rev().filter(|(_, edge)| edge.grad == Grad::NewView) {
                self.accumulate(edge.tensor, live, true);
            }
            // Weights come next, once every input has its gradient.
            for place in 0..self.whole.len() {
                let (parameter, live, storage) = self.whole[place];
                self.leaf(parameter, live, storage);
            }
            self.whole.clear();
        } else {
            self.release_saved(node);
            if let Some(which) = ends {
                self.drop_inputs(which);
            }
        }
        self.point();
    }

    /// Sums a product to a smaller input's shape.
    fn sum(&mut self, node: &Node, unreduced: Option<u32>) {
        let counters = if node.reduction_scratch > 0 { GRANULE } else { 0 };
        self.parts([0, node.reduction_scratch, counters, 0]);
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
            return;
        }
        let mut kept = live;
        if self.live[live as usize].references == 1 {
            self.becomes(live, Kind::Gradients);
        } else {
            let bytes = self.program.parameters[parameter as usize].bytes();
            kept = self.allocate(bytes, Kind::Gradients, storage);
            self.drop(live);
        }
        if let Some(heap) = &mut self.heap {
            heap.gradient(parameter, kept);
        }
    }
}
