//! Which experts a token is sent to, and with what weights.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

/// How DeepSeek chooses experts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Groups {
    /// Experts.
    pub(crate) count: u64,
    /// Groups of them.
    pub(crate) groups: u64,
    /// Groups that a token may choose from.
    pub(crate) chosen: u64,
    /// Experts that it chooses.
    pub(crate) per_token: u64,
    /// Whether the weights of these are made to sum to one.
    pub(crate) normalized: bool,
}

impl Builder {
    /// DeepSeek's routing of rows of tokens, in FP32 but for autocast: sigmoids, a bias that only chooses, first of groups
    /// and then of experts in these. What the router returns: logits, the weights of the chosen experts, their places.
    pub(crate) fn route_in_groups(&mut self, x: Tensor, router: Tensor, bias: Tensor, groups: &Groups) -> [Tensor; 3] {
        let Groups { count, groups, chosen, per_token, normalized } = *groups;
        let width = router.shape.width();
        let tokens = x.shape.elements().unwrap_or(0) / width.max(1);
        let [each, of_groups] = [count, groups].map(|width| Shape::matrix(tokens, width));
        let (fp32, int64) = (ElementType::Fp32, ElementType::Int64);
        self.module("gate", &[x], |b| {
            let flat = b.view(x, Shape::matrix(tokens, width));
            let flat = b.to(flat, fp32);
            let router = b.to(router, fp32);
            let logits = b.matmul(flat, router, None, count);
            b.local(logits);
            let scores = b.map_saving_output("sigmoid", logits);
            b.local(scores);
            // Gradients flow through none of what chooses; it is held until the function returns.
            let inputs = [(scores, Grad::None), (bias, Grad::None)];
            let shifted = b.run(Rule::new("add", &inputs, Output::Fresh(each, fp32)));
            let two = Shape::of3(tokens, groups, 2);
            let best = b.make("topk", two, fp32);
            let places = b.make("topk", two, int64);
            if scores.requires_grad {
                b.local(places);
            }
            let of_group = b.run(Rule::new("sum", &[(best, Grad::None)], Output::Fresh(of_groups, fp32)));
            b.local(of_group);
            b.top_places(Shape::matrix(tokens, chosen));
            let mask = b.make("zeros_like", of_groups, fp32);
            b.local(mask);
            if groups > 1 && groups < count {
                let mask = b.make("expand", each, fp32);
                b.local(mask);
            }
            let shown = b.make("bool", each, ElementType::Byte);
            let hidden = b.run(Rule::new("not", &[(shown, Grad::None)], Output::Fresh(each, ElementType::Byte)));
            if scores.requires_grad {
                b.local(hidden);
            }
            let inputs = [(shifted, Grad::None), (hidden, Grad::None)];
            let shifted = b.run(Rule::new("masked_fill", &inputs, Output::Fresh(each, fp32)));
            b.local(shifted);
            let shape = Shape::matrix(tokens, per_token);
            let places = b.top_places(shape);
            let inputs = [(scores, Grad::New), (places, Grad::None)];
            let rule = Rule::new("gather", &inputs, Output::Fresh(shape, scores.element));
            let weights = b.run(Rule { saved: &[scores, places], ..rule });
            let weights = if normalized { b.divided_by_sum(weights) } else { weights };
            [logits, b.scale(weights), places]
        })
    }

    /// MiniMax's routing: sigmoids in FP32, a bias that only chooses, weights that sum to one. What the router returns: logits,
    /// weights, places.
    pub(crate) fn route_by_sigmoid(&mut self, x: Tensor, router: Tensor, bias: Tensor, per_token: u64) -> [Tensor; 3] {
        let [_, _, count, width] = router.shape.0;
        let tokens = x.shape.elements().unwrap_or(0) / width.max(1);
        let fp32 = ElementType::Fp32;
        self.module("gate", &[x], |b| {
            let flat = b.view(x, Shape::matrix(tokens, width));
            let flat = b.to(flat, router.element);
            let logits = b.matmul(flat, router, None, count);
            b.local(logits);
            let wide = b.to(logits, fp32);
            let scores = b.map_saving_output("sigmoid", wide);
            b.local(scores);
            let inputs = [(scores, Grad::None), (bias, Grad::None)];
            let shifted = b.run(Rule::new("add", &inputs, Output::Fresh(scores.shape, fp32)));
            b.local(shifted);
            let shape = Shape::matrix(tokens, per_token);
            let places = b.top_places(shape);
            let inputs = [(scores, Grad::New), (places, Grad::None)];
            let rule = Rule::new("gather", &inputs, Output::Fresh(shape, fp32));
            let weights = b.run(Rule { saved: &[scores, places], ..rule });
            [logits, b.divided_by_sum(weights), places]
        })
    }

    /// DeepSeek-V2's routing: the most likely `per_token` experts by a softmax, where limited those of the best groups alone
    /// (groups, and how many of them). What the router returns: logits, weights, places.
    pub(crate) fn route_to_best(
        &mut self,
        x: Tensor,
        router: Tensor,
        per_token: u64,
        limited: Option<(u64, u64)>,
    ) -> [Tensor; 3] {
        let [_, _, count, width] = router.shape.0;
        let tokens = x.shape.elements().unwrap_or(0) / width.max(1);
        self.module("gate", &[x], |b| {
            let flat = b.view(x, Shape::matrix(tokens, width));
            let flat = b.to(flat, ElementType::Fp32);
            let router = b.to(router, ElementType::Fp32);
            let logits = b.matmul(flat, router, None, count);
            b.local(logits);
            let scores = b.softmax_in_fp32(logits);
            b.local(scores);
            let scores = match limited {
                Some((groups, chosen)) => {
                    let hidden = b.outside_best_groups(scores, groups, chosen);
                    b.masked_fill(scores, hidden)
                }
                None => scores,
            };
            b.local(scores);
            let (weights, places) = b.top_k(scores, per_token, false);
            [logits, b.scale(weights), places]
        })
    }

    /// Which experts stand in none of the groups whose best score is among the highest: no gradient flows through it, and
    /// what it is made of is held until the caller's frame is left.
    fn outside_best_groups(&mut self, scores: Tensor, groups: u64, chosen: u64) -> Tensor {
        let [_, _, tokens, count] = scores.shape.0;
        let (fp32, int64) = (ElementType::Fp32, ElementType::Int64);
        let [of_groups, of_chosen] = [groups, chosen].map(|width| Shape::matrix(tokens, width));
        let best = self.make("max", of_groups, fp32);
        self.local(best);
        let places = self.make("max", of_groups, int64);
        if scores.requires_grad {
            self.local(places);
        }
        self.top_places(of_chosen);
        let mask = self.make("zeros_like", of_groups, fp32);
        self.local(mask);
        if groups > 1 && groups < count {
            let mask = self.make("expand", scores.shape, fp32);
            self.local(mask);
        }
        let shown = self.make("bool", scores.shape, ElementType::Byte);
        self.run(Rule::new("not", &[(shown, Grad::None)], Output::Fresh(scores.shape, ElementType::Byte)))
    }

    /// `x /= x.sum(-1, keepdim=True) + epsilon`: autograd keeps a copy of what was there.
    fn divided_by_sum(&mut self, x: Tensor) -> Tensor {
        let element = if self.mode.autocast.is_some() { ElementType::Fp32 } else { x.element };
        let sum = self.run(Rule::new("sum", &[(x, Grad::New)], Output::Fresh(x.shape.rows(), element)));
        let sum = self.map_passing("add", sum);
        self.local(sum);
        let before = [(x.shape, x.element)];
        let inputs = [(x, Grad::New), (sum, Grad::New)];
        let rule = Rule::new("div_", &inputs, Output::View(x, x.shape));
        self.run(Rule { saved: &[sum], statistics: if x.requires_grad { &before } else { &[] }, ..rule })
    }

    /// `torch.topk(…)[1]` of FP32 values.
    fn top_places(&mut self, shape: Shape) -> Tensor {
        let values = self.make("topk", shape, ElementType::Fp32);
        let places = self.make("topk", shape, ElementType::Int64);
        self.release(values);
        self.local(places)
    }

    /// `torch.topk`: values and their places.
    pub(super) fn top_k(&mut self, probabilities: Tensor, k: u64, normalized: bool) -> (Tensor, Tensor) {
        let shape = probabilities.shape.with_width(k);
        let places = self.make("topk", shape, ElementType::Int64);
        self.local(places);
        let inputs = [(probabilities, Grad::New), (places, Grad::None)];
        let rule = Rule::new("topk", &inputs, Output::Fresh(shape, probabilities.element));
        let values = self.run(Rule { saved: &[places], ..rule });
        let values = if normalized { self.map_saving_output("div_", values) } else { values };
        (values, places)
    }
}
