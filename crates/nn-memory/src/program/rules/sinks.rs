//! gpt-oss's own attention: scores beside a learned one that nothing is attended for, and positions turned by tables half
//! as wide as a head.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

impl Builder {
    /// Softmax of scores and each head's sink, whose weight is then dropped: a view of what the softmax keeps. The caller's
    /// frame holds what the softmax is taken of, and its result.
    pub(super) fn softmax_beside_sinks(&mut self, scores: Tensor, sinks: Tensor) -> Tensor {
        let [batch, heads, length, there] = scores.shape.0;
        let sinks = self.expand(sinks, Shape([batch, heads, length, 1]));
        let both = self.concatenate(&[scores, sinks], Shape([batch, heads, length, there + 1]));
        let most = self.greatest(both);
        let shifted = self.subtract_broadcast(both, most);
        self.local(shifted);
        let weights = self.softmax(shifted);
        self.local(weights);
        self.slice(weights, scores.shape)
    }

    /// `x.max(dim=-1, keepdim=True).values`: keeps where they are; backward writes the gradient there into zeros.
    fn greatest(&mut self, x: Tensor) -> Tensor {
        let rows = x.shape.rows();
        let inputs = [(x, Grad::New)];
        let rule = Rule::new("max", &inputs, Output::Fresh(rows, x.element));
        self.run(Rule { statistics: &[(rows, ElementType::Int64)], ..rule })
    }

    /// x₁ · cos − x₂ · sin and x₂ · cos + x₁ · sin of the halves of each head, put together heads first.
    pub(crate) fn rotated_halves(&mut self, x: Tensor, table: ElementType) -> Tensor {
        let half = x.shape.width() / 2;
        self.module("", &[x], |b| {
            let halves = b.split(x, &[half, half]);
            let product = |b: &mut Self, x: Tensor| b.times_table(x, table);
            let (with_cosine, with_sine) = (product(b, halves[0]), product(b, halves[1]));
            let first = b.subtract(with_cosine, with_sine);
            b.local(first);
            let (with_cosine, with_sine) = (product(b, halves[1]), product(b, halves[0]));
            let second = b.add(with_cosine, with_sine);
            b.local(second);
            b.concatenate(&[first, second], x.shape)
        })
    }

    /// `a - b`: the gradient of the second is negated.
    pub(super) fn subtract(&mut self, a: Tensor, b: Tensor) -> Tensor {
        self.run(Rule::new("sub", &[(a, Grad::Pass), (b, Grad::New)], Output::Fresh(a.shape, a.element)))
    }
}
