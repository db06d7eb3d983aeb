//! The end of networks whose logits are held against labels as they are.

use super::Request;
use crate::program::{Builder, Tensor};

/// Returns the logits; in training, takes their loss.
pub(super) fn finish(b: &mut Builder, request: &Request, logits: Tensor) {
    b.set_logits(logits);
    if !request.pass.trains() {
        b.keep(logits);
        return;
    }
    if request.run.hold_outputs {
        b.keep(logits);
        b.hold_from_before(logits);
    }
    b.label_loss(logits);
}
