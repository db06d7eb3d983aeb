//! Mixtures of experts: routing to the top k, and the experts' matrix products over sorted rows.

use crate::architecture::Activation;
use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

/// A mixture of gated experts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Experts {
    pub(crate) count: u64,
    pub(crate) per_token: u64,
    pub(crate) hidden: u64,
    pub(crate) intermediate: u64,
    pub(crate) activation: Activation,
    /// Whether the weights of the chosen experts are made to sum to one.
    pub(crate) normalized: bool,
    /// Whether these weights are cast to the type of the router's logits: else they, and all rows with them, are FP32 (Mixtral).
    pub(crate) narrowed: bool,
}

impl Builder {
    /// Routing and experts over rows of tokens, with grouped matrix products (`grouped_mm_experts_forward`).
    pub(crate) fn experts(&mut self, x: Tensor, experts: Experts) -> Tensor {
        let Experts { count, per_token, hidden, .. } = experts;
        let tokens = x.shape.elements().unwrap_or(0) / hidden.max(1);
        let rows = tokens.saturating_mul(per_token);
        let router = self.parameter("gate", Shape::matrix(count, hidden), 2);
        let gate_up = self.parameter("experts.gate_up_proj", Shape::of3(count, 2 * experts.intermediate, hidden), 3);
        let down = self.parameter("experts.down_proj", Shape::of3(count, hidden, experts.intermediate), 3);
        let (weights, _) = self.module("gate", &[x], |b| {
            let flat = b.view(x, Shape::matrix(tokens, hidden));
            let logits = b.matmul(flat, router, None, count);
            let probabilities = if experts.narrowed {
                b.softmax_in_fp32(logits)
            } else {
                let wide = b.to(logits, ElementType::Fp32);
                b.softmax(wide)
            };
            let (weights, places) = b.top_k(probabilities, per_token, experts.normalized);
            (if experts.narrowed { b.to(weights, logits.element) } else { weights }, places)
        });
        self.module("experts", &[x, weights], |b| {
            let index = Shape::vector(rows);
            let permutation = b.make("sort", index, ElementType::Int64);
            b.local(permutation);
            let gathered = b.gather(x, Shape::matrix(rows, hidden), permutation);
            b.local(gathered);
            let offsets = b.make("offsets", Shape::vector(count), ElementType::Int32);
            b.local(offsets);
            let mask = b.make("sentinels", index, ElementType::Byte);
            b.local(mask);
            let both = b.grouped_matmul(gathered, gate_up, 2 * experts.intermediate);
            let both = b.map("masked_fill", both);
            let half = b.split(both, &[experts.intermediate, experts.intermediate]);
            let product = b.module("", &half, |b| {
                let gate = b.activation(experts.activation, half[0]);
                b.multiply(gate, half[1])
            });
            let out = b.grouped_matmul(product, down, hidden);
            let out = b.map("masked_fill", out);
            b.local(out);
            let sorted = b.view(weights, Shape::matrix(rows, 1));
            let weighted = b.multiply(out, sorted);
            let inverse = b.make("inverse permutation", index, ElementType::Int64);
            b.local(inverse);
            let ordered = b.gather(weighted, Shape::matrix(rows, hidden), inverse);
            b.local(ordered);
            // Backward writes the sum's gradient out for each of the k.
            let element = ordered.element;
            let sum =
                b.run(Rule::new("sum", &[(ordered, Grad::New)], Output::Fresh(Shape::matrix(tokens, hidden), element)));
            b.to(sum, x.element)
        })
    }

    /// `torch.topk`: values and their places.
    fn top_k(&mut self, probabilities: Tensor, k: u64, normalized: bool) -> (Tensor, Tensor) {
        let shape = probabilities.shape.with_width(k);
        let places = self.make("topk", shape, ElementType::Int64);
        self.keep_until_return(places);
        let inputs = [(probabilities, Grad::New), (places, Grad::None)];
        let values = self.run(Rule::new("topk", &inputs, Output::Fresh(shape, probabilities.element)));
        let values = if normalized { self.map_saving_output("div_", values) } else { values };
        (values, places)
    }

    fn keep_until_return(&mut self, tensor: Tensor) {
        self.local(tensor);
    }

    /// `x[index]`: backward adds into zeros, sorting the index.
    fn gather(&mut self, x: Tensor, shape: Shape, index: Tensor) -> Tensor {
        let scratch = 5 * self.bytes(index);
        let inputs = [(x, Grad::New), (index, Grad::None)];
        let rule = Rule::new("index", &inputs, Output::Fresh(shape, x.element));
        self.run(Rule { saved: &[index], backward_scratch: scratch, ..rule })
    }

    /// `torch.nn.functional.grouped_mm`: each row times its expert's weight.
    fn grouped_matmul(&mut self, x: Tensor, weight: Tensor, output: u64) -> Tensor {
        // No operator of autocast's lists: it runs in the type of the weights.
        let x = self.to(x, weight.element);
        let both = [x, weight];
        let saved = match (weight.requires_grad, x.requires_grad) {
            (true, true) => &both[..],
            (true, false) => &both[..1],
            (false, true) => &both[1..],
            (false, false) => &[],
        };
        let inputs = [(weight, Grad::NewView), (x, Grad::New)];
        let rule = Rule::new("grouped_mm", &inputs, Output::Fresh(x.shape.with_width(output), x.element));
        self.run(Rule { saved, matmul: true, ..rule })
    }
}
