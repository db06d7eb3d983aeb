//! What decoders of transformers have in common: embedding, blocks one after another, a norm, logits, a loss.

use std::cell::RefCell;

use super::{Pass, Request};
use crate::program::{Builder, ElementType, Shape, Tensor};
use crate::{Checkpointing, ConfigError};

/// A field that must be a multiple of another.
pub(super) fn divisible(field: &'static str, given: u64, by: &'static str, divisor: u64) -> Result<u64, ConfigError> {
    if divisor == 0 || !given.is_multiple_of(divisor) {
        return Err(ConfigError::NotDivisible { field, given, by, divisor });
    }
    Ok(given / divisor)
}

/// Token ids of the pass: all of them, or the one that decoding adds.
pub(super) fn tokens(b: &mut Builder, request: &Request) -> Tensor {
    let length = if request.pass == Pass::Decode { 1 } else { request.length };
    b.input(Shape::matrix(request.batch, length), ElementType::Int64)
}

/// The output of an embedding: adapters in checkpointed blocks ask for its gradient, `enable_input_require_grads`.
pub(super) fn embedded(b: &mut Builder, request: &Request, tokens: Tensor) -> Tensor {
    if request.pass == Pass::Lora && request.run.checkpointing != Checkpointing::None {
        b.require_grad(tokens)
    } else {
        tokens
    }
}

/// A run of blocks, each checkpointed as the run asks.
pub(super) fn blocks(
    b: &mut Builder,
    request: &Request,
    count: u64,
    first: Tensor,
    block: impl Fn(&mut Builder, Tensor) -> Tensor,
) -> Tensor {
    blocks_sharing(b, request, count, first, &RefCell::default(), block)
}

/// The same where blocks are also given tensors that they share; a block may add to these.
pub(super) fn blocks_sharing(
    b: &mut Builder,
    request: &Request,
    count: u64,
    first: Tensor,
    shared: &RefCell<Vec<Tensor>>,
    mut block: impl FnMut(&mut Builder, Tensor) -> Tensor,
) -> Tensor {
    let first = embedded(b, request, first);
    // Python's loop holds a block's input until the block returns.
    let mut call = |b: &mut Builder, x: Tensor| b.module("block", &[x], |b| block(b, x));
    let inputs = |x: Tensor| [&[x], shared.borrow().as_slice()].concat();
    match request.run.checkpointing {
        _ if !request.pass.trains() => b.repeat(count, first, call),
        Checkpointing::None => b.repeat(count, first, call),
        Checkpointing::Block => b.repeat(count, first, |b, x| b.checkpoint(&inputs(x), false, |b| call(b, x))),
        Checkpointing::Selective => b.repeat(count, first, |b, x| b.checkpoint(&inputs(x), true, |b| call(b, x))),
        Checkpointing::Every(group) => {
            let group = group.clamp(1, count);
            let whole = b.repeat(count / group, first, |b, x| {
                b.checkpoint(&inputs(x), false, |b| b.repeat(group, x, &mut call))
            });
            match count % group {
                0 => whole,
                rest => b.checkpoint(&inputs(whole), false, |b| b.repeat(rest, whole, &mut call)),
            }
        }
    }
}

/// The language model's head: logits of all tokens or the last, and the loss where there is one.
pub(super) fn language_head(
    b: &mut Builder,
    request: &Request,
    hidden: Tensor,
    tied: Option<Tensor>,
    vocabulary: u64,
    finish: impl Fn(&mut Builder, Tensor) -> Tensor,
) {
    let trains = request.pass.trains();
    let width = hidden.shape.width();
    let weight = match tied {
        Some(weight) => weight,
        None => b.parameter("lm_head", Shape::matrix(vocabulary, width), 2),
    };
    let labels = trains.then(|| b.input(Shape::matrix(request.batch, request.length), ElementType::Int64));
    let [_, batch, length, _] = hidden.shape.0;
    let last = !trains && request.run.last_logits && length > 1;
    let rows = if last { b.slice(hidden, Shape::of3(batch, 1, width)) } else { hidden };
    b.module("head", &[hidden], |b| {
        let logits = b.matmul(rows, weight, None, vocabulary);
        let logits = finish(b, logits);
        b.set_logits(logits);
        match labels {
            Some(labels) => {
                b.causal_loss(logits, labels);
                if request.run.hold_outputs {
                    b.keep(logits);
                }
            }
            None => b.keep(logits),
        }
    });
}
