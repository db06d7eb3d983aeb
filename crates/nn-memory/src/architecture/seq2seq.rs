//! What encoder-decoders of transformers have in common: two stacks, labels that become the decoder's input, a loss.

use std::cell::RefCell;

use super::Request;
use super::labels::hold;
use super::llama::added_to_scores;
use crate::program::{Builder, Cache, ElementType, Mask, Shape, Tensor};

/// Token ids of the encoder.
pub(super) fn encoder_tokens(b: &mut Builder, request: &Request) -> Tensor {
    b.input(Shape::matrix(request.batch, request.length), ElementType::Int64)
}

/// Labels in training, token ids of the decoder otherwise.
pub(super) fn targets(b: &mut Builder, request: &Request) -> Tensor {
    b.input(Shape::matrix(request.batch, request.run.target_length), ElementType::Int64)
}

/// Labels shifted to the right: what the decoder is given in training.
pub(super) fn shifted(b: &mut Builder, request: &Request, targets: Tensor) -> Tensor {
    if !request.pass.trains() {
        return targets;
    }
    let ids = b.make("new_zeros", targets.shape, ElementType::Int64);
    b.local(ids)
}

/// The mask over padded source tokens, `queries` × source; none where the batch is not padded.
pub(super) fn source_mask(b: &mut Builder, request: &Request, hidden: Tensor, queries: u64) -> Mask {
    if !request.run.padding {
        return Mask::Full;
    }
    let seen = b.make("mask", Shape([request.batch, 1, queries, request.length]), ElementType::Byte);
    let eager = request.run.attention == crate::Attention::Eager;
    let mask = if eager { added_to_scores(b, seen, seen.shape, hidden.element) } else { seen };
    Mask::Tensor(b.local(mask))
}

/// The mask over later target tokens: a tensor where attention is written out.
pub(super) fn target_mask(b: &mut Builder, request: &Request, hidden: Tensor) -> Mask {
    let length = hidden.shape.0[2];
    if request.run.attention != crate::Attention::Eager {
        return if length > 1 { Mask::Causal } else { Mask::Full };
    }
    let seen = b.make("mask", Shape([request.batch, 1, length, length]), ElementType::Byte);
    let mask = added_to_scores(b, seen, seen.shape, hidden.element);
    Mask::Tensor(b.local(mask))
}

/// What a stack's layers share, besides what they make themselves: checkpoints hold it.
pub(super) fn shared(encoded: Option<Tensor>, masks: &[Mask]) -> RefCell<Vec<Tensor>> {
    let masks = masks.iter().filter_map(|mask| match mask {
        Mask::Tensor(mask) => Some(*mask),
        Mask::Full | Mask::Causal => None,
    });
    RefCell::new(encoded.into_iter().chain(masks).collect())
}

/// Keys and values as the cache holds them in inference.
pub(super) fn cached(b: &mut Builder, request: &Request, key: Tensor, value: Tensor) -> (Tensor, Tensor) {
    if request.pass.trains() || !request.run.kv_cache {
        return (key, value);
    }
    b.module("", &[key, value], |b| b.extend_cache(key, value, Cache { tokens: 0, window: None }))
}

/// The loss in training; what the caller is given.
pub(super) fn finish(b: &mut Builder, request: &Request, logits: Tensor, encoded: Tensor) {
    b.set_logits(logits);
    if request.pass.trains() {
        b.module("loss", &[logits], |b| b.cross_entropy(logits));
        hold(b, request, &[logits, encoded]);
    } else {
        b.keep(logits);
        b.keep(encoded);
    }
}
