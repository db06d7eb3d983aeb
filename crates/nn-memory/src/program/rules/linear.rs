//! Linear layers, embeddings, matrix products, and the adapters that go with them.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

/// A linear layer of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Linear {
    pub(crate) name: &'static str,
    pub(crate) input: u64,
    pub(crate) output: u64,
    pub(crate) bias: bool,
}

impl Builder {
    /// `torch.nn.functional.linear`: keeps the input for the weight's gradient, the weight for the input's.
    pub(crate) fn matmul(&mut self, x: Tensor, weight: Tensor, bias: Option<Tensor>, output: u64) -> Tensor {
        let x = self.autocast(x);
        let weight = self.autocast(weight);
        let bias = bias.map(|bias| self.autocast(bias));
        let mut saved = [x, weight];
        let mut count = 0;
        if weight.requires_grad {
            saved[count] = x;
            count += 1;
        }
        if x.requires_grad {
            saved[count] = weight;
            count += 1;
        }
        let shape = x.shape.with_width(output);
        // Batches are flattened by a view, and the weight is transposed by one, which gradients pass on their way back.
        let flat = Grad::NewView;
        let (label, with_bias);
        let inputs: &[_] = match bias {
            Some(bias) => {
                self.uses_biased_matmul();
                label = "addmm";
                with_bias = [(bias, Grad::New), (x, flat), (weight, Grad::NewView)];
                &with_bias
            }
            None => {
                label = "mm";
                with_bias = [(weight, Grad::NewView), (x, flat), (x, Grad::None)];
                &with_bias[..2]
            }
        };
        let rule = Rule::new(label, inputs, Output::Fresh(shape, x.element));
        self.run(Rule { saved: &saved[..count], matmul: true, ..rule })
    }

    /// A linear layer, with a LoRA adapter where it is a target.
    pub(crate) fn linear(&mut self, x: Tensor, linear: Linear) -> Tensor {
        let Linear { name, input, output, bias } = linear;
        let weight = self.parameter(name, Shape::matrix(output, input), 2);
        let bias = bias.then(|| self.parameter(name, Shape::vector(output), 1));
        match self.lora {
            Some(lora) if lora.targets.contains(name) => self.adapted(x, weight, bias, linear, &lora),
            _ => self.matmul(x, weight, bias, output),
        }
    }

    /// peft's `lora.Linear`: result + B(A(dropout(x.to(A)))) · scaling.
    fn adapted(
        &mut self,
        x: Tensor,
        weight: Tensor,
        bias: Option<Tensor>,
        linear: Linear,
        lora: &crate::Lora,
    ) -> Tensor {
        let element = if lora.fp32 { ElementType::Fp32 } else { self.mode.parameters };
        let down = self.parameter_of(linear.name, Shape::matrix(lora.rank, linear.input), 2, element, true);
        let up = self.parameter_of(linear.name, Shape::matrix(linear.output, lora.rank), 2, element, true);
        self.module("lora", &[x], |b| {
            let result = b.matmul(x, weight, bias, linear.output);
            let cast = b.to(x, element);
            let dropped = b.dropout(cast, lora.dropout);
            let low = b.matmul(dropped, down, None, lora.rank);
            let high = b.matmul(low, up, None, linear.output);
            let scaled = b.scale(high);
            let sum = b.add(result, scaled);
            b.to(sum, result.element)
        })
    }

    /// `torch.nn.functional.embedding`: the gradient is as large as the table; sorting takes two lists of ids.
    pub(crate) fn embedding(&mut self, ids: Tensor, table: Tensor) -> Tensor {
        let shape = Shape::of3(ids.shape.0[2], ids.shape.0[3], table.shape.width());
        let many = ids.shape.elements().is_none_or(|elements| elements > 3_072);
        let scratch = if many { 4 * self.bytes(ids) } else { 0 };
        let inputs = [(ids, Grad::None), (table, Grad::New)];
        let rule = Rule::new("embedding", &inputs, Output::Fresh(shape, table.element));
        self.run(Rule { saved: &[ids], backward_scratch: scratch, ..rule })
    }

    /// `a @ b` of two batches of matrices, each kept for the other.
    pub(crate) fn batched_matmul(&mut self, a: Tensor, b: Tensor, shape: Shape) -> Tensor {
        let (a, b) = (self.autocast(a), self.autocast(b));
        let both = [a, b];
        let saved = match (a.requires_grad, b.requires_grad) {
            (true, true) => &both[..],
            (true, false) => &both[1..],
            (false, true) => &both[..1],
            (false, false) => &[],
        };
        let inputs = [(a, Grad::New), (b, Grad::New)];
        let rule = Rule::new("bmm", &inputs, Output::Fresh(shape, a.element));
        self.run(Rule { saved, matmul: true, ..rule })
    }
}
