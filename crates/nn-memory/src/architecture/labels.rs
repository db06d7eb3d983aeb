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

/// The layer that ends in one logit per label.
pub(super) fn classify(b: &mut Builder, x: Tensor, labels: u64) -> Tensor {
    of_the_task(b, x, Linear { name: "classifier", input: x.shape.width(), output: labels, bias: true })
}

/// A layer that is new with the task: adapters train a copy of it. To peft (`modules_to_save` of `SEQ_CLS`) that is every
/// module whose name ends in `classifier` or `score`, with all that is in it.
pub(super) fn of_the_task(b: &mut Builder, x: Tensor, linear: Linear) -> Tensor {
    if b.lora.is_some() { b.saved_module(x, linear) } else { b.linear(x, linear) }
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
    finish_with(b, request, logits, loss, labels, |_, logits| logits);
}

/// The same with the loss of what is made of the logits, which are returned as they are.
pub(super) fn finish_with(
    b: &mut Builder,
    request: &Request,
    logits: Tensor,
    loss: Loss,
    labels: Option<Tensor>,
    of: impl Fn(&mut Builder, Tensor) -> Tensor,
) {
    b.set_logits(logits);
    let Some(labels) = labels else {
        b.keep(logits);
        return;
    };
    hold(b, request, &[logits]);
    let taken = of(b, logits);
    b.label_loss(loss, taken, labels);
}
