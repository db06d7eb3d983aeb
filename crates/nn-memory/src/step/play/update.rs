//! What follows backward: clipping, and the optimizer's step.

use super::{Player, Watch};
use crate::program::{ElementType, Shape};
use crate::step::optimize::{self, Action, Begun};
use crate::step::{Kind, Line, Phase};

impl Player<'_> {
    pub(super) fn clip(&mut self) {
        if self.setting.clip {
            let program = self.program;
            optimize::clip(program, |bytes| {
                self.amounts[Kind::Temporary as usize] = self.amounts[Kind::Temporary as usize].saturating_add(bytes);
                self.total = self.total.saturating_add(bytes);
                if bytes > 0 {
                    self.peak();
                }
                if let Some(heap) = &mut self.heap {
                    heap.change(Kind::Temporary, bytes, self.phase);
                }
            });
        }
    }

    pub(super) fn step(&mut self) {
        self.phase = Phase::Step;
        let Some(optimize) = self.setting.optimize else { return };
        let program = self.program;
        let mut gradients = self.heap.as_mut().map_or_else(Vec::new, |heap| heap.gradients_of_pass());
        let separately = self.heap.is_some();
        optimize::step(&optimize, program, separately, |action| {
            let Action::Change { kind, label, bytes, tensors } = action else {
                if let (Action::MakeStates(begun), Some(heap)) = (action, &mut self.heap) {
                    heap.states(program, self.setting, self.phase, begun);
                }
                return;
            };
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
                if gone { heap.free_gradient(gradients.pop()) } else { heap.change(kind, bytes, self.phase) }
            }
            self.position += 1;
            if self.watch == Watch::Timeline {
                self.write_point("optimizer", label);
            }
        });
        if let Some(heap) = &mut self.heap {
            heap.states(program, self.setting, self.phase, Begun::All);
        }
    }
}
