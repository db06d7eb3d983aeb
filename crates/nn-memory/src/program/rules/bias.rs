//! Attention with a learned bias on its scores, which asks for a gradient: T5's relative positions.

use super::{AttentionCall, Mask};
use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

impl Builder {
    /// T5's `compute_bias`: a bucket for each pair of positions, and a learned number for each bucket and head.
    pub(crate) fn relative_position_bias(&mut self, table: Tensor, queries: u64, keys: u64) -> Tensor {
        self.module("relative positions", &[], |b| {
            let heads = table.shape.width();
            let pairs = Shape::matrix(queries, keys);
            let relative = b.make("sub", pairs, ElementType::Int64);
            b.local(relative);
            let buckets = b.module("", &[], |b| b.relative_position_buckets(relative));
            let values = b.embedding(buckets, table);
            b.view_copied_back(values, Shape([1, heads, queries, keys]))
        })
    }

    /// `_relative_position_bucket`: exact for near positions, by logarithm for far ones.
    fn relative_position_buckets(&mut self, relative: Tensor) -> Tensor {
        let step = |b: &mut Self, from: Tensor, element: ElementType| {
            b.run(Rule::new("bucket", &[(from, Grad::None)], Output::Fresh(from.shape, element)))
        };
        let later = step(self, relative, ElementType::Byte);
        let later = step(self, later, ElementType::Int64);
        let later = step(self, later, ElementType::Int64);
        let buckets = step(self, later, ElementType::Int64);
        let distance = step(self, relative, ElementType::Int64);
        self.local(distance);
        let near = step(self, distance, ElementType::Byte);
        self.local(near);
        let mut far = step(self, distance, ElementType::Fp32);
        for _ in 0..4 {
            far = step(self, far, ElementType::Fp32);
        }
        let far = step(self, far, ElementType::Int64);
        let far = step(self, far, ElementType::Int64);
        let last = self.make("full_like", far.shape, ElementType::Int64);
        let nothing = [(far, Grad::None), (last, Grad::None)];
        let far = self.run(Rule::new("minimum", &nothing, Output::Fresh(far.shape, ElementType::Int64)));
        self.local(far);
        let either = [(near, Grad::None), (distance, Grad::None), (far, Grad::None)];
        let chosen = self.run(Rule::new("where", &either, Output::Fresh(far.shape, ElementType::Int64)));
        let both = [(buckets, Grad::None), (chosen, Grad::None)];
        self.run(Rule::new("add_", &both, Output::View(buckets, buckets.shape)))
    }

    /// `torch.where(mask, bias, minimum)`: keeps the mask; the gradient is masked, then summed to the bias' shape.
    pub(crate) fn masked_bias(&mut self, mask: Tensor, bias: Tensor) -> Tensor {
        let [batch, _, queries, keys] = mask.shape.0;
        let shape = Shape([batch, bias.shape.0[1], queries, keys]);
        let whole = self.size(shape, bias.element);
        let scratch = if bias.requires_grad && whole != self.bytes(bias) { whole } else { 0 };
        let inputs = [(mask, Grad::None), (bias, Grad::New)];
        let rule = Rule::new("where", &inputs, Output::Fresh(shape, bias.element));
        self.run(Rule { saved: &[mask], backward_scratch: scratch, backward_factors: true, ..rule })
    }

    /// Attention written out whose scores get `bias` added; the result is batch × length × width.
    pub(crate) fn attend_with_bias(&mut self, call: AttentionCall, bias: Tensor) -> Tensor {
        self.module("attention", &[call.query, call.key, call.value], |b| b.eager_with_bias(call, bias))
    }

    fn eager_with_bias(&mut self, call: AttentionCall, bias: Tensor) -> Tensor {
        let copied = self.copied(&call);
        let (value, key) = (self.autocast(call.value), self.autocast(call.key));
        let query = self.autocast(call.query);
        let [batch, heads, length, width] = query.shape.0;
        let there = key.shape.0[2];
        let query = if copied.query { self.contiguous(query, query.shape) } else { query };
        let key = if copied.key { self.contiguous(key, key.shape) } else { key };
        let scores = self.batched_matmul(query, key, Shape([batch, heads, length, there]));
        let scores = self.scale(scores);
        let mut scores = self.add_bias(scores, bias, false);
        if let Mask::Tensor(mask) = call.mask {
            let inputs = [(scores, Grad::Pass), (mask, Grad::None)];
            scores = self.run(Rule::new("add", &inputs, Output::Fresh(scores.shape, scores.element)));
        }
        let weights = if self.mode.autocast.is_some() { self.softmax_in_fp32(scores) } else { self.softmax(scores) };
        let weights = self.dropout(weights, call.dropout);
        self.local(weights);
        self.attention_weights = Some(weights);
        let weights = self.autocast(weights);
        let value = if copied.value { self.contiguous(value, value.shape) } else { value };
        let context = self.batched_matmul(weights, value, Shape([batch, heads, length, width]));
        let context = self.unflat_heads(context);
        self.contiguous(context, Shape::of3(batch, length, heads * width))
    }

    /// Adds the bias of all samples to scores; its gradient is the scores', summed over samples.
    pub(super) fn add_bias(&mut self, scores: Tensor, bias: Tensor, in_place: bool) -> Tensor {
        let widens = bias.element.bytes() > scores.element.bytes();
        let element = if widens { bias.element } else { scores.element };
        let narrows = bias.element != element;
        let same = bias.shape.elements() == scores.shape.elements();
        // A sum is taken in the scores' type, then cast.
        let scratch = if bias.requires_grad && narrows { self.size(bias.shape, element) } else { 0 };
        let of_bias = if same && !narrows { Grad::Pass } else { Grad::New };
        let of_scores = if scores.element == element { Grad::Pass } else { Grad::New };
        let output = if in_place { Output::View(scores, scores.shape) } else { Output::Fresh(scores.shape, element) };
        let inputs = [(scores, of_scores), (bias, of_bias)];
        self.run(Rule { backward_scratch: scratch, backward_factors: true, ..Rule::new("add", &inputs, output) })
    }
}
