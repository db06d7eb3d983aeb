//! Losses.

use crate::Loss;
use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor, round};

use super::reduce::reduction;

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

    /// The loss of logits as they are against labels.
    pub(crate) fn label_loss(&mut self, loss: Loss, logits: Tensor, labels: Tensor) -> Tensor {
        self.module("loss", &[logits, labels], |b| match loss {
            Loss::CrossEntropy => b.cross_entropy(logits),
            Loss::Mse => b.mse_loss(logits, labels),
            Loss::BceWithLogits => b.binary_cross_entropy_with_logits(logits, labels),
        })
    }

    /// `torch.nn.functional.mse_loss`, in FP32 under autocast: the squares, of which the mean is taken. What it returns was
    /// made as large as the logits and resized to a number, which leaves its memory as it was.
    fn mse_loss(&mut self, logits: Tensor, labels: Tensor) -> Tensor {
        let (x, y) = (self.autocast_to_fp32(logits), self.autocast_to_fp32(labels));
        let forward_scratch = self.bytes(x) + self.mean_buffer(x);
        let inputs = [(x, Grad::New), (y, Grad::None)];
        let rule = Rule::new("mse_loss", &inputs, Output::Fresh(x.shape, x.element));
        let loss = self.run(Rule { saved: &[x, y], forward_scratch, ..rule });
        self.keep(loss);
        self.set_loss(loss);
        loss
    }

    /// `torch.nn.functional.binary_cross_entropy_with_logits`, in FP32 under autocast: `log_sigmoid(x)`, and `(1 − y) · x`
    /// less it, of which the mean is taken. Backward works in place on `sigmoid(x)`.
    fn binary_cross_entropy_with_logits(&mut self, logits: Tensor, labels: Tensor) -> Tensor {
        let (x, y) = (self.autocast_to_fp32(logits), self.autocast_to_fp32(labels));
        let log = self.make("log_sigmoid", x.shape, x.element);
        let difference = self.make("sub_", x.shape, x.element);
        let inputs = [(x, Grad::New), (y, Grad::None), (log, Grad::None), (difference, Grad::None)];
        let output = Output::Fresh(Shape::SCALAR, x.element);
        let rule = Rule::new("binary_cross_entropy_with_logits", &inputs, output);
        let loss = self.run(Rule { saved: &[x, y], forward_scratch: self.mean_buffer(x), ..rule });
        self.keep(loss);
        self.set_loss(loss);
        loss
    }

    /// What the mean over all of a tensor needs for a moment.
    fn mean_buffer(&self, x: Tensor) -> u64 {
        round(reduction(self.mode.multiprocessors, 1, x.shape.elements().unwrap_or(0), true))
    }
}
