//! What decoders of transformers have in common: embedding, blocks one after another, a norm, logits, a loss.

use std::cell::{Cell, RefCell};

use super::labels::hold;
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

/// How many experts each token is sent to, of those in the field `by`.
pub(super) fn experts_chosen(per_token: u64, by: &'static str, experts: u64) -> Result<u64, ConfigError> {
    if per_token > experts {
        return Err(ConfigError::MoreThan { field: "num_experts_per_tok", given: per_token, by, limit: experts });
    }
    Ok(per_token)
}

/// A field that must be even: positions turn one half against the other.
pub(super) fn even(field: &'static str, given: u64) -> Result<(), ConfigError> {
    if given.is_multiple_of(2) { Ok(()) } else { Err(ConfigError::Odd { field, by: None, given }) }
}

/// A field that must be an even multiple of another.
pub(super) fn evenly_divisible(
    field: &'static str,
    given: u64,
    by: &'static str,
    divisor: u64,
) -> Result<u64, ConfigError> {
    let share = divisible(field, given, by, divisor)?;
    if share.is_multiple_of(2) { Ok(share) } else { Err(ConfigError::Odd { field, by: Some(by), given: share }) }
}

/// Token ids of the pass: all of them, or the one that decoding adds.
pub(super) fn tokens(b: &mut Builder, request: &Request) -> Tensor {
    let length = if request.pass == Pass::Decode { 1 } else { request.length };
    b.input(Shape::matrix(request.batch, length), ElementType::Int64)
}

/// The table of tokens, and what the tokens of the pass are there.
pub(super) fn embed(
    b: &mut Builder,
    request: &Request,
    name: &'static str,
    vocabulary: u64,
    width: u64,
) -> (Tensor, Tensor) {
    let ids = tokens(b, request);
    let table = b.parameter(name, Shape::matrix(vocabulary, width), 2);
    let tokens = b.embedding(ids, table);
    (table, embedded(b, request, tokens))
}

/// The output of an embedding: adapters in checkpointed blocks ask for its gradient, `enable_input_require_grads`.
pub(super) fn embedded(b: &mut Builder, request: &Request, tokens: Tensor) -> Tensor {
    if request.pass == Pass::Lora && request.run.checkpointing != Checkpointing::None {
        require_grad(b, request, tokens)
    } else {
        tokens
    }
}

/// `requires_grad_`: outputs that the training loop still holds keep the graph of the step before, and so this tensor and
/// its gradient.
pub(super) fn require_grad(b: &mut Builder, request: &Request, tensor: Tensor) -> Tensor {
    if request.run.hold_outputs {
        b.hold_from_before(tensor);
        b.hold_from_before(tensor);
    }
    b.require_grad(tensor)
}

/// A run of blocks, each checkpointed as the run asks.
pub(super) fn blocks(
    b: &mut Builder,
    request: &Request,
    count: u64,
    first: Tensor,
    mut block: impl FnMut(&mut Builder, Tensor) -> Tensor,
) -> Tensor {
    lower_blocks(b, request, count, 1, first, &RefCell::default(), &mut |b, x, _| block(b, x))
}

/// The same where a block returns weights of attention too: Python's loop holds what a block returned until the next one
/// returns, and what the last one did until the model returns.
pub(super) fn blocks_with_weights(
    b: &mut Builder,
    request: &Request,
    count: u64,
    first: Tensor,
    block: impl Fn(&mut Builder, Tensor) -> (Tensor, Tensor),
) -> Tensor {
    let before = Cell::new(None);
    b.settled_from = 2;
    let last = blocks(b, request, count, first, |b, x| {
        let (x, weights) = block(b, x);
        if let Some(weights) = before.replace(Some(weights)) {
            b.release(weights);
        }
        x
    });
    if let Some(weights) = before.take() {
        b.local(weights);
    }
    last
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
    lower_blocks(b, request, count, 1, first, shared, &mut |b, x, _| block(b, x))
}

/// The same where kinds of blocks take turns: `block` is told its place among `period` of them.
pub(super) fn alternating_blocks(
    b: &mut Builder,
    request: &Request,
    count: u64,
    period: u64,
    first: Tensor,
    block: impl Fn(&mut Builder, Tensor, u64) -> Tensor,
) -> Tensor {
    lower_blocks(b, request, count, period, first, &RefCell::default(), &mut |b, x, place| block(b, x, place))
}

/// A block by its place among those that take turns. Behind a pointer, so that this is compiled once.
type Block<'a> = dyn FnMut(&mut Builder, Tensor, u64) -> Tensor + 'a;

fn lower_blocks(
    b: &mut Builder,
    request: &Request,
    count: u64,
    period: u64,
    first: Tensor,
    shared: &RefCell<Vec<Tensor>>,
    block: &mut Block<'_>,
) -> Tensor {
    let checkpointing = if request.pass.trains() { request.run.checkpointing } else { Checkpointing::None };
    // Python's loop holds a block's input until the block returns.
    let mut call = |b: &mut Builder, x: Tensor, place: u64| b.module("block", &[x], |b| block(b, x, place));
    let inputs = |x: Tensor| [&[x], shared.borrow().as_slice()].concat();
    match checkpointing {
        Checkpointing::None => in_turn(b, count, period, 0, first, &mut call),
        Checkpointing::Block | Checkpointing::Selective => {
            let keep_matmuls = checkpointing == Checkpointing::Selective;
            in_turn(b, count, period, 0, first, &mut |b: &mut Builder, x: Tensor, place: u64| {
                b.checkpoint(&inputs(x), keep_matmuls, &mut |b| call(b, x, place))
            })
        }
        Checkpointing::Every(group) => {
            let group = group.clamp(1, count.max(1));
            let mut groups = |b: &mut Builder, x: Tensor, length: u64, start: u64| {
                b.checkpoint(&inputs(x), false, &mut |b| in_turn(b, length, period, start, x, &mut call))
            };
            // Groups begin with the kinds in turn as well.
            let whole = in_turn(b, count / group, period, 0, first, &mut |b: &mut Builder, x: Tensor, turn: u64| {
                groups(b, x, group, turn * group)
            });
            match count % group {
                0 => whole,
                rest => groups(b, whole, rest, count - rest),
            }
        }
    }
}

/// `count` blocks whose kinds take turns, beginning with the kind of place `start`.
fn in_turn(b: &mut Builder, count: u64, period: u64, start: u64, first: Tensor, block: &mut Block<'_>) -> Tensor {
    let whole = b.repeat(count / period, first, &mut |b, x| {
        (0..period).fold(x, |x, place| block(b, x, (start + place) % period))
    });
    (0..count % period).fold(whole, |x, place| block(b, x, (start + place) % period))
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
    biased_language_head(b, request, hidden, tied, vocabulary, false, &finish);
}

/// The same with a bias on the logits.
pub(super) fn biased_language_head(
    b: &mut Builder,
    request: &Request,
    hidden: Tensor,
    tied: Option<Tensor>,
    vocabulary: u64,
    bias: bool,
    finish: &dyn Fn(&mut Builder, Tensor) -> Tensor,
) {
    let trains = request.pass.trains();
    let width = hidden.shape.width();
    let weight = match tied {
        Some(weight) => weight,
        None => b.parameter("lm_head", Shape::matrix(vocabulary, width), 2),
    };
    let bias = bias.then(|| b.parameter("lm_head", Shape::vector(vocabulary), 1));
    let labels = trains.then(|| b.input(Shape::matrix(request.batch, request.length), ElementType::Int64));
    let [_, batch, length, _] = hidden.shape.0;
    let last = !trains && request.run.last_logits && length > 1;
    let rows = if last { b.slice(hidden, Shape::of3(batch, 1, width)) } else { hidden };
    b.module("head", &[hidden], |b| {
        let logits = b.matmul(rows, weight, bias, vocabulary);
        let logits = finish(b, logits);
        b.set_logits(logits);
        match labels {
            Some(labels) => {
                b.causal_loss(logits, labels);
                hold(b, request, &[logits]);
            }
            None => b.keep(logits),
        }
    });
}
