//! What vision transformers have in common: patches, tokens before them, blocks, a classifier on the first token.

use super::decoder::{blocks, divisible, embedded};
use super::labels::{classify, finish, labels};
use super::{Activation, Request};
use crate::program::{AttentionCall, Builder, Linear, Mask, Shape, Softmax, Tensor};
use crate::{ConfigError, Decimal};

/// A vision transformer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vision {
    pub(super) hidden: u64,
    pub(super) intermediate: u64,
    pub(super) layers: u64,
    pub(super) heads: u64,
    pub(super) activation: Activation,
    pub(super) dropout: Decimal,
    pub(super) attention_dropout: Decimal,
    pub(super) image: u64,
    pub(super) patch: u64,
    pub(super) channels: u64,
    pub(super) qkv_bias: bool,
    pub(super) labels: u64,
    /// Tokens before the patches: for the class, for distillation.
    pub(super) tokens: u64,
    pub(super) library: Library,
}

/// A sample goes on without a layer at random: `DropPath` of timm.
pub(super) fn drop_path(b: &mut Builder, x: Tensor, rate: Decimal) -> Tensor {
    if !b.mode.training || rate == Decimal::whole(0) {
        return x;
    }
    b.module("", &[x], |b| {
        let kept = b.make("bernoulli_", Shape::matrix(x.shape.0[1], 1), x.element);
        b.multiply(x, kept)
    })
}

/// Whose code it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Library {
    /// A linear layer each for queries, keys and values; one classifier, whatever the tokens.
    Transformers,
    /// One linear layer for all three; a classifier for each token, of which the logits are averaged.
    Timm,
    /// `nn.MultiheadAttention`.
    Torchvision,
}

impl Vision {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let head_dim = divisible("hidden_size", self.hidden, "num_attention_heads", self.heads)?;
        let side = divisible("image_size", self.image, "patch_size", self.patch)?;
        let element = b.mode.parameters;
        let pixels = b.input(Shape([request.batch, self.channels, self.image, self.image]), element);
        let labels = labels(b, request, self.labels);
        let hidden = b.module("model", &[], |b| {
            let [joined, placed, hidden] = self.embeddings(b, request, pixels, side.saturating_mul(side));
            // The caller's frame holds what was embedded until the blocks have run.
            b.local(hidden);
            if self.library == Library::Torchvision {
                // Those of the model and the encoder, what it was made of as well.
                b.local(joined);
                b.local(placed);
                return self.encoder(b, request, hidden, head_dim);
            }
            let hidden = blocks(b, request, self.layers, hidden, |b, x| self.block(b, x, head_dim));
            b.layer_norm_module(hidden, true)
        });
        b.module("head", &[hidden], |b| {
            let logits = self.logits(b, hidden);
            finish(b, request, logits, request.run.loss, request.pass.trains().then_some(labels));
        });
        Ok(())
    }

    fn logits(&self, b: &mut Builder, hidden: Tensor) -> Tensor {
        let of = Shape::matrix(hidden.shape.0[1], self.hidden);
        let first = b.slice(hidden, of);
        if self.library != Library::Timm || self.tokens == 1 {
            return classify(b, first, self.labels);
        }
        b.module("", &[], |b| {
            let second = b.slice(hidden, of);
            let logits = [first, second].map(|token| classify(b, token, self.labels));
            for tensor in logits {
                b.local(tensor);
            }
            let sum = b.add(logits[0], logits[1]);
            b.scale(sum)
        })
    }

    /// Tokens and patches, the same with positions, and what dropout leaves of it.
    pub(super) fn embeddings(&self, b: &mut Builder, request: &Request, pixels: Tensor, patches: u64) -> [Tensor; 3] {
        let Self { hidden, tokens, .. } = *self;
        let batch = pixels.shape.0[0];
        let kernel = Shape([hidden, self.channels, self.patch, self.patch]);
        let name = (self.library == Library::Timm).then_some("proj");
        let weights = b.patch_weights("patch_embeddings", name, kernel);
        let tokens_before: Vec<_> = (0..tokens).map(|_| b.parameter("token", Shape::of3(1, 1, hidden), 3)).collect();
        let all = patches.saturating_add(tokens);
        let positions = b.parameter("position_embeddings", Shape::of3(1, all, hidden), 3);
        b.module("embeddings", &[], |b| {
            let projected = b.patches(pixels, weights, Shape::of3(batch, patches, hidden));
            let asks = self.library == Library::Transformers;
            let projected = if asks { embedded(b, request, projected) } else { projected };
            let mut parts: Vec<_> =
                tokens_before.iter().map(|token| b.expand(*token, Shape::of3(batch, 1, hidden))).collect();
            parts.push(projected);
            let joined = b.concatenate(&parts, Shape::of3(batch, all, hidden));
            let sum = b.add_broadcast(joined, positions);
            [joined, sum, b.dropout(sum, self.dropout)]
        })
    }

    fn block(&self, b: &mut Builder, x: Tensor, head_dim: u64) -> Tensor {
        let normal = b.layer_norm_module(x, true);
        let attended = b.module("attention", &[normal], |b| self.attention(b, normal, head_dim));
        if self.library == Library::Transformers {
            b.hold_attention_weights();
        }
        let x = b.add(attended, x);
        b.local(x);
        let normal = b.layer_norm_module(x, true);
        let out = self.mlp(b, normal);
        b.add(out, x)
    }

    pub(super) fn mlp(&self, b: &mut Builder, normal: Tensor) -> Tensor {
        let Self { hidden, intermediate, .. } = *self;
        b.module("mlp", &[normal], |b| {
            let up = b.linear(normal, Linear { name: "fc1", input: hidden, output: intermediate, bias: true });
            let mut active = b.activation(self.activation, up);
            if self.library != Library::Transformers {
                active = b.dropout(active, self.dropout);
            }
            let down = b.linear(active, Linear { name: "fc2", input: intermediate, output: hidden, bias: true });
            b.dropout(down, self.dropout)
        })
    }

    fn attention(&self, b: &mut Builder, x: Tensor, head_dim: u64) -> Tensor {
        let hidden = self.hidden;
        let fused = self.library == Library::Timm;
        let [_, batch, length, _] = x.shape.0;
        let shape = Shape([batch, self.heads, length, head_dim]);
        let [query, key, value] = if fused {
            let all = b.linear(x, Linear { name: "qkv", input: hidden, output: 3 * hidden, bias: self.qkv_bias });
            let all = b.view_copied_back(all, all.shape);
            let parts = b.split(all, &[hidden, hidden, hidden]);
            [0, 1, 2].map(|part| b.view(parts[part], shape))
        } else {
            ["q_proj", "k_proj", "v_proj"].map(|name| {
                let projected = b.linear(x, Linear { name, input: hidden, output: hidden, bias: self.qkv_bias });
                b.split_heads(projected, shape, self.heads, Mask::Full, name == "k_proj")
            })
        };
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let context = b.attend(AttentionCall {
            query,
            key,
            value,
            mask: Mask::Full,
            dropout: self.attention_dropout,
            softmax: if fused { Softmax::Own } else { Softmax::Wide },
            softcap: false,
            projected: true,
        });
        let name = if fused { "proj" } else { "o_proj" };
        let out = b.linear(context, Linear { name, input: hidden, output: hidden, bias: true });
        b.dropout(out, self.dropout)
    }
}
