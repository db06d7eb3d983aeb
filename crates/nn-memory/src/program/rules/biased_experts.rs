//! gpt-oss's mixture of experts: weights of the chosen ones alone sum to one, experts have biases, and gates and what they
//! let through are clamped.

use super::experts::Sorted;
use crate::program::{Builder, Grad, Shape, Tensor};

/// A mixture of experts with biases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BiasedExperts {
    pub(crate) count: u64,
    pub(crate) per_token: u64,
    pub(crate) hidden: u64,
    pub(crate) intermediate: u64,
}

impl Builder {
    /// `GptOssMLP`: routing and experts over rows of tokens, and the weights of the experts, which it returns too.
    pub(crate) fn biased_experts(&mut self, x: Tensor, experts: BiasedExperts) -> (Tensor, Tensor) {
        let BiasedExperts { count, per_token, hidden, .. } = experts;
        let tokens = x.shape.elements().unwrap_or(0) / hidden.max(1);
        self.module("mlp", &[x], |b| {
            let (logits, weights, places) = b.module("router", &[x], |b| {
                let weight = b.parameter("router", Shape::matrix(count, hidden), 2);
                let bias = b.parameter("router", Shape::vector(count), 1);
                let flat = b.view(x, Shape::matrix(tokens, hidden));
                let logits = b.matmul(flat, weight, Some(bias), count);
                let (values, places) = b.top_k(logits, per_token, false);
                b.local(values);
                (logits, b.softmax(values), places)
            });
            for tensor in [logits, weights, places] {
                b.local(tensor);
            }
            (b.grouped_biased_experts(x, weights, experts), weights)
        })
    }

    /// `grouped_mm_experts_forward` with biases.
    fn grouped_biased_experts(&mut self, x: Tensor, weights: Tensor, experts: BiasedExperts) -> Tensor {
        let BiasedExperts { count, per_token, hidden, intermediate } = experts;
        let both = 2 * intermediate;
        let tokens = weights.shape.elements().unwrap_or(0) / per_token.max(1);
        let rows = tokens.saturating_mul(per_token);
        let gate_up = self.parameter("experts.gate_up_proj", Shape::of3(count, hidden, both), 3);
        let gate_up_bias = self.parameter("experts.gate_up_proj_bias", Shape::matrix(count, both), 2);
        let down = self.parameter("experts.down_proj", Shape::of3(count, intermediate, hidden), 3);
        let down_bias = self.parameter("experts.down_proj_bias", Shape::matrix(count, hidden), 2);
        self.module("experts", &[x, weights], |b| {
            let sorted = b.sorted_by_expert(x, weights, count, per_token);
            let Sorted { experts, offsets, mask, .. } = sorted;
            let bias = b.gather(gate_up_bias, Shape::matrix(rows, both), experts);
            let gathered = b.masked_fill_in_place(sorted.rows, mask);
            let product = b.grouped_matmul(gathered, (gate_up, Grad::New), offsets, both);
            let product = b.add_in_place(product, bias);
            let product = b.masked_fill(product, mask);
            let gated = b.module("", &[product], |b| b.clamped_gate(product, intermediate));
            let next = b.gather(down_bias, Shape::matrix(rows, hidden), experts);
            b.release(bias);
            b.local(next);
            let product = b.grouped_matmul(gated, (down, Grad::New), offsets, hidden);
            let product = b.add_in_place(product, next);
            // The sum takes over its name.
            b.release(gated);
            let product = b.masked_fill(product, mask);
            b.local(product);
            b.summed_by_token(product, sorted, x)
        })
    }

    /// `_apply_gate`: (up + 1) · gate · sigmoid(1.702 gate), both clamped, of columns that take turns.
    fn clamped_gate(&mut self, product: Tensor, intermediate: u64) -> Tensor {
        let part = product.shape.with_width(intermediate);
        let (gate, up) = (self.slice(product, part), self.slice(product, part));
        let gate = self.clamp(gate);
        self.local(gate);
        let up = self.clamp(up);
        self.local(up);
        let scaled = self.scale(gate);
        let sigmoid = self.map_saving_output("sigmoid", scaled);
        let glu = self.multiply(gate, sigmoid);
        self.local(glu);
        let shifted = self.map_passing("add", up);
        self.multiply(shifted, glu)
    }
}
