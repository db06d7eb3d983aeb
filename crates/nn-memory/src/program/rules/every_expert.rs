//! Experts that all see every token, as Llama 4 has them: tokens times the sigmoid of their score, which is 0 where an expert
//! was not chosen.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

impl Builder {
    /// Sigmoids of the `per_token` highest logits of each row in the logits' type, zero elsewhere (`Llama4Router`).
    pub(crate) fn scores_of_chosen(&mut self, logits: Tensor, per_token: u64) -> Tensor {
        let (values, places) = self.top_k(logits, per_token, false);
        self.local(values);
        self.local(places);
        let scores = self.make("full_like", logits.shape, logits.element);
        let inputs = [(scores, Grad::None), (values, Grad::New), (places, Grad::None)];
        let rule = Rule::new("scatter_", &inputs, Output::View(scores, logits.shape));
        let scores = self.run(Rule { saved: &[places], ..rule });
        self.local(scores);
        let wide = self.to(scores, ElementType::Fp32);
        let scores = self.map_saving_output("sigmoid", wide);
        self.to(scores, logits.element)
    }

    /// Rows of tokens, once for each column of scores and times that, those of one column together.
    pub(crate) fn repeated_for_each(&mut self, x: Tensor, scores: Tensor) -> Tensor {
        let [_, _, tokens, count] = scores.shape.0;
        let rows = Shape::matrix(tokens.saturating_mul(count), x.shape.width());
        let repeated = self.run(Rule::new("repeat", &[(x, Grad::New)], Output::Fresh(rows, x.element)));
        // Columns do not lie one behind the other.
        let factors = self.contiguous(scores, rows.with_width(1));
        self.multiply(repeated, factors)
    }

    /// `x.sum(dim=0)` over the matrices of a batch.
    pub(crate) fn summed_over_first(&mut self, x: Tensor, shape: Shape) -> Tensor {
        // The gradient is expanded, without a copy.
        self.run(Rule::new("sum", &[(x, Grad::Pass)], Output::Fresh(shape, x.element)))
    }
}
