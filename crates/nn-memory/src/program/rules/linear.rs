//! Linear layers, embeddings, matrix products, and the adapters that go with them.

use crate::Lora;
use crate::architecture::Activation;
use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor, round};

use super::reduce::reduction;

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
        self.product(x, weight, bias, output, Grad::NewView)
    }

    /// transformers' `Conv1D`: the weight as it lies, so that its gradient is no view.
    pub(crate) fn conv1d(&mut self, x: Tensor, linear: Linear) -> Tensor {
        let Linear { name, input, output, .. } = linear;
        let weight = self.parameter(name, Shape::matrix(input, output), 2);
        let bias = self.parameter(name, Shape::vector(output), 1);
        match self.lora {
            Some(lora) if lora.targets.contains(name) => self.adapted(x, weight, Some(bias), linear, &lora),
            _ => self.product(x, weight, Some(bias), output, Grad::New),
        }
    }

    fn product(&mut self, x: Tensor, weight: Tensor, bias: Option<Tensor>, output: u64, of_weight: Grad) -> Tensor {
        let given = x;
        let bias = bias.map(|bias| self.autocast(bias));
        let weight = self.autocast(weight);
        let x = self.autocast(x);
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
        // Batches are flattened and weights transposed by views, which gradients pass on their way back.
        let flat = Grad::NewView;
        let mut scratch = 0;
        let (label, with_bias);
        let inputs: &[_] = match bias {
            Some(bias) => {
                label = "addmm";
                if bias.requires_grad {
                    let rows = x.shape.elements().unwrap_or(0) / x.shape.width().max(1);
                    scratch = round(reduction(self.mode.multiprocessors, output, rows, false));
                }
                with_bias = [(bias, Grad::Summed), (x, flat), (weight, of_weight)];
                &with_bias
            }
            None => {
                label = "mm";
                with_bias = [(weight, of_weight), (x, flat), (x, Grad::None)];
                &with_bias[..2]
            }
        };
        let rule = Rule::new(label, inputs, Output::Fresh(shape, x.element));
        // `aten/src/ATen/native/cuda/Blas.cpp` leaves a matrix of one column to cuBLAS.
        let biased = bias.is_some() && output > 1;
        let out = self.run(Rule { saved: &saved[..count], matmul: true, biased, reduction_scratch: scratch, ..rule });
        if x.id != given.id {
            // The module's frame holds what it was given until it returns.
            self.release(given);
        }
        out
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

    /// `x @ weight.T`: autocast casts the view anew each time, and keeps none of its casts. An adapter's layer is taken as any.
    pub(crate) fn linear_by_view(&mut self, x: Tensor, linear: Linear) -> Tensor {
        let Linear { name, input, output, .. } = linear;
        let element = match self.mode.autocast {
            Some(element) if !self.lora.is_some_and(|lora| lora.targets.contains(name)) => element,
            _ => return self.linear(x, linear),
        };
        let weight = self.parameter(name, Shape::matrix(output, input), 2);
        let cast = self.to(weight, element);
        self.matmul(x, cast, None, output)
    }

    /// A linear layer of what does not lie row by row: no kernel adds the bias as it multiplies. Where the weight asks for
    /// a gradient rows are made one matrix first (`should_fold` of ATen's `LinearAlgebra.cpp`), which `copies` them if no
    /// view can; any other weight multiplies each of the matrices.
    pub(crate) fn linear_of_strided(&mut self, x: Tensor, linear: Linear, copies: bool) -> Tensor {
        let Linear { name, input, output, .. } = linear;
        if self.lora.is_some_and(|lora| lora.targets.contains(name)) {
            return self.linear(x, linear);
        }
        let weight = self.parameter(name, Shape::matrix(output, input), 2);
        let bias = self.parameter(name, Shape::vector(output), 1);
        self.module("", &[x], |b| {
            let (bias, weight, x) = (b.autocast(bias), b.autocast(weight), b.autocast(x));
            b.local(x);
            let rows = if copies && weight.requires_grad { b.contiguous(x, x.shape) } else { x };
            let product = b.matmul(rows, weight, None, output);
            let count = x.shape.elements().unwrap_or(0) / input.max(1);
            let scratch = round(reduction(b.mode.multiprocessors, output, count, false));
            let inputs = [(product, Grad::Pass), (bias, Grad::New)];
            let rule = Rule::new("add_", &inputs, Output::View(product, product.shape));
            b.run(Rule { reduction_scratch: scratch, ..rule })
        })
    }

    /// A gated MLP whose gate and what it lets through come of one layer.
    pub(crate) fn gated_together(&mut self, x: Tensor, activation: Activation, narrow: u64, wide: u64) -> Tensor {
        self.module("mlp", &[x], |b| {
            let both = b.linear(x, Linear { name: "gate_up_proj", input: narrow, output: 2 * wide, bias: false });
            let parts = b.split(both, &[wide, wide]);
            let (gate, up) = (parts[0], parts[1]);
            b.local(gate);
            let gate = b.activation(activation, gate);
            let product = b.multiply(up, gate);
            b.linear(product, Linear { name: "down_proj", input: wide, output: narrow, bias: false })
        })
    }

    /// One of peft's `modules_to_save`: the layer stays as it is, and a copy of it is trained and run.
    pub(crate) fn saved_module(&mut self, x: Tensor, linear: Linear) -> Tensor {
        let Linear { name, input, output, .. } = linear;
        let element = self.mode.parameters;
        let [(weight, bias), _] = [true, false].map(|trainable| {
            let weight = self.parameter_of(name, Shape::matrix(output, input), 2, element, trainable);
            (weight, self.parameter_of(name, Shape::vector(output), 1, element, trainable))
        });
        self.matmul(x, weight, Some(bias), output)
    }

    /// Runs layers that never get an adapter, whatever their names.
    pub(crate) fn without_adapters<T>(&mut self, layers: impl FnOnce(&mut Self) -> T) -> T {
        let lora = self.lora.take();
        let result = layers(self);
        self.lora = lora;
        result
    }

    /// A linear layer whose weight its network multiplies by itself: an adapter of it holds weights that never run.
    pub(crate) fn unused_adapter(&mut self, linear: Linear) {
        if let Some(lora) = self.lora.filter(|lora| lora.targets.contains(linear.name)) {
            self.adapter(linear, &lora);
            self.leaves_adapter_idle(linear.name);
        }
    }

    fn adapter(&mut self, linear: Linear, lora: &Lora) -> [Tensor; 2] {
        let Linear { name, input, output, .. } = linear;
        let element = self.adapter_element(lora);
        [Shape::matrix(lora.rank, input), Shape::matrix(output, lora.rank)]
            .map(|shape| self.parameter_of(name, shape, 2, element, true))
    }

    /// peft's `lora.Linear`: result + B(A(dropout(x.to(A)))) · scaling.
    fn adapted(&mut self, x: Tensor, weight: Tensor, bias: Option<Tensor>, linear: Linear, lora: &Lora) -> Tensor {
        let [down, up] = self.adapter(linear, lora);
        self.beside(
            x,
            lora,
            |b| b.matmul(x, weight, bias, linear.output),
            |b, x| {
                let low = b.matmul(x, down, None, lora.rank);
                b.matmul(low, up, None, linear.output)
            },
        )
    }

    /// What a layer makes of its input, and what peft adds to it: that of the adapter's two layers, scaled.
    pub(super) fn beside(
        &mut self,
        x: Tensor,
        lora: &Lora,
        layer: impl FnOnce(&mut Self) -> Tensor,
        adapter: impl FnOnce(&mut Self, Tensor) -> Tensor,
    ) -> Tensor {
        let element = self.adapter_element(lora);
        self.module("lora", &[x], |b| {
            let result = layer(b);
            let cast = b.to(x, element);
            b.local(cast);
            let dropped = b.dropout(cast, lora.dropout);
            let high = adapter(b, dropped);
            let scaled = b.scale(high);
            let sum = b.add(result, scaled);
            b.to(sum, result.element)
        })
    }

    /// The type of an adapter's weights.
    pub(super) const fn adapter_element(&self, lora: &Lora) -> ElementType {
        if lora.fp32 { ElementType::Fp32 } else { self.mode.parameters }
    }

    /// `torch.nn.functional.embedding`: the gradient is as large as the table; sorting takes two lists of ids.
    pub(crate) fn embedding(&mut self, ids: Tensor, table: Tensor) -> Tensor {
        let shape = Shape::of3(ids.shape.0[2], ids.shape.0[3], table.shape.width());
        let count = ids.shape.elements().unwrap_or(0);
        let (vocabulary, width) = (table.shape.0[2], table.shape.width());
        let scratch = if count > 3_072 {
            // Sums of up to ten rows each, in FP32, before those of a token are put together.
            let parts = count.div_ceil(10) + count.min(vocabulary) - 1;
            3 * self.bytes(ids) + self.size(Shape::matrix(parts, width), ElementType::Fp32)
        } else {
            0
        };
        let inputs = [(ids, Grad::None), (table, Grad::New)];
        let rule = Rule::new("embedding", &inputs, Output::Fresh(shape, table.element));
        self.run(Rule { saved: &[ids], backward_scratch: scratch, ..rule })
    }

    /// A column times a row that nothing trains, in FP32: rows × columns.
    pub(crate) fn outer_product(&mut self, label: &'static str, rows: u64, columns: u64) -> Tensor {
        let output = Output::Fresh(Shape::of3(1, rows, columns), ElementType::Fp32);
        self.run(Rule { matmul: true, ..Rule::new(label, &[], output) })
    }

    /// `a @ b` of two batches of matrices, each kept for the other.
    pub(crate) fn batched_matmul(&mut self, a: Tensor, b: Tensor, shape: Shape) -> Tensor {
        let (b, a) = (self.autocast(b), self.autocast(a));
        let both = [a, b];
        let saved = match (a.requires_grad, b.requires_grad) {
            (true, true) => &both[..],
            (true, false) => &both[1..],
            (false, true) => &both[..1],
            (false, false) => &[],
        };
        // Autograd works through the arguments by their names: `mat2` before `self`.
        let inputs = [(b, Grad::New), (a, Grad::New)];
        let rule = Rule::new("bmm", &inputs, Output::Fresh(shape, a.element));
        self.run(Rule { saved, matmul: true, ..rule })
    }
}
