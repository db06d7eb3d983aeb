//! Labels, and the end of networks whose logits are held against them as they are.

use super::Request;
use crate::Loss;
use crate::program::{Builder, ElementType, Linear, Shape, Tensor};

/// Labels of a batch: a class for each sample, or a number for each logit, as wide as the weights.
pub(super) fn labels(b: &mut Builder, request: &Request, classes: u64) -> Tensor {
    match request.run.loss {
        Loss::CrossEntropy => b.input(Shape::vector(request.batch), ElementType::Int64),
        Loss::Mse | Loss::BceWithLogits => b.input(Shape::matrix(request.batch, classes), b.mode.parameters),
    }
}

/// The layer that ends in one logit per label. Adapters train a copy of it: it is new with the task.
pub(super) fn classify(b: &mut Builder, x: Tensor, labels: u64) -> Tensor {
    let last = Linear { name: "classifier", input: x.shape.width(), output: labels, bias: true };
    if b.lora.is_some() { b.saved_module(x, last) } else { b.linear(x, last) }
}

/// Keeps the outputs through the step, and those of the step before, where the training loop holds them.
pub(super) fn hold(b: &mut Builder, request: &Request, outputs: &[Tensor]) {
    if request.run.hold_outputs {
        for &output in outputs {
            b.keep(output);
            b.hold_from_before(output);
        }
    }
}

/// Returns the logits; where there are labels to train with, takes their loss.
pub(super) fn finish(b: &mut Builder, request: &Request, logits: Tensor, loss: Loss, labels: Option<Tensor>) {
    b.set_logits(logits);
    let Some(labels) = labels else {
        b.keep(logits);
        return;
    };
    hold(b, request, &[logits]);
    b.label_loss(loss, logits, labels);
}
