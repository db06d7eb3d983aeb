//! Losses.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

impl Builder {
    /// `torch.nn.functional.cross_entropy`: log-softmax in the type of the logits, whose output is kept, and the negative
    /// log-likelihood, which autocast runs in FP32 and whose gradient is as large as the logits.
    pub(crate) fn cross_entropy(&mut self, logits: Tensor) -> Tensor {
        let log = self.map_saving_output("log_softmax", logits);
        let log = self.autocast_to_fp32(log);
        let inputs = [(log, Grad::New)];
        let rule = Rule::new("nll_loss", &inputs, Output::Fresh(Shape::SCALAR, log.element));
        let loss = self.run(Rule { saved: &[log], statistics: &[(Shape::SCALAR, log.element)], ..rule });
        self.keep(loss);
        self.set_loss(loss);
        loss
    }

    /// The loss of a causal language model in transformers: logits in FP32, labels padded and shifted.
    pub(crate) fn causal_loss(&mut self, logits: Tensor, labels: Tensor) -> Tensor {
        self.module("loss", &[logits, labels], |b| {
            let wide = b.to(logits, ElementType::Fp32);
            b.local(wide);
            let [one, batch, length, width] = wide.shape.0;
            let padded = b.make("pad", Shape::matrix(batch, length + 1), ElementType::Int64);
            let shifted = b.contiguous(padded, Shape::matrix(batch, length));
            b.local(shifted);
            let rows = b.view(wide, Shape::matrix(one * batch * length, width));
            b.local(rows);
            b.cross_entropy(rows)
        })
    }

    /// `torch.nn.functional.cross_entropy` of logits as they are.
    pub(crate) fn label_loss(&mut self, logits: Tensor) -> Tensor {
        self.module("loss", &[logits], |b| b.cross_entropy(logits))
    }
}
