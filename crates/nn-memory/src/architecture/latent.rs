//! Decoders of DeepSeek: attention over latents, and blocks with experts after some without.

use super::decoder::{blocks, embed, even, language_head};
use super::llama::{Block, cached, causal_mask, complex_table, rotary_table};
use super::{Activation, ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, Experts, Linear, Mask, Shape, Softmax, Tensor};

/// How the parts of heads with positions are turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Positions {
    /// One half against the other.
    Halves,
    /// Neighbours against each other.
    Neighbours,
    /// The same as complex numbers.
    Complex,
}

/// Such a decoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct Latent {
    pub(super) hidden: u64,
    /// Of layers without experts.
    pub(super) intermediate: u64,
    pub(super) activation: Activation,
    pub(super) layers: u64,
    /// How many of them, the first, have no experts.
    pub(super) dense: u64,
    pub(super) heads: u64,
    /// Size of the latents that queries are made of, where they are.
    pub(super) latent_of_queries: Option<u64>,
    /// Size of those that keys and values are made of.
    pub(super) latent: u64,
    /// Elements of a head's query and key without positions,
    pub(super) still: u64,
    /// and with them.
    pub(super) turned: u64,
    /// Elements of a head's value.
    pub(super) values: u64,
    pub(super) positions: Positions,
    pub(super) bias: bool,
    /// Of attention.
    pub(super) dropout: Decimal,
    pub(super) experts: Experts,
    /// How many of their size the MLP is that all tokens pass.
    pub(super) shared_experts: u64,
    pub(super) vocabulary: u64,
    pub(super) tied: bool,
}

impl Latent {
    /// The whole network; `route` is what the router returns by its weight: logits, weights of the experts that tokens
    /// are sent to, their places.
    pub(super) fn lower(
        &self,
        b: &mut Builder,
        request: &Request,
        route: impl Fn(&mut Builder, Tensor, Tensor) -> [Tensor; 3],
    ) -> Result<(), ConfigError> {
        even("qk_rope_head_dim", self.turned)?;
        let block = Block {
            activation: self.activation,
            ..Block::llama(self.hidden, self.heads, self.heads, self.still + self.turned, self.intermediate)
        };
        let (table, hidden) = embed(b, request, "embed_tokens", self.vocabulary, self.hidden);
        // The model's frame holds what it embedded until it returns.
        let hidden = b.module("", &[hidden], |b| {
            let mask = causal_mask(b, request, hidden, None);
            if self.positions == Positions::Complex {
                complex_table(b, request, hidden, self.turned);
            } else {
                rotary_table(b, request, hidden, self.turned);
            }
            let dense = self.dense.min(self.layers);
            let mut hidden = hidden;
            if dense > 0 {
                // peft takes the names of an MLP's layers for those of the experts.
                let mlp = |b: &mut Builder, x| b.without_adapters(|b| block.gated_mlp(b, x, self.intermediate));
                hidden = blocks(b, request, dense, hidden, |b, x| self.layer(b, request, &block, x, mask, mlp));
            }
            let sparse = self.layers - dense;
            if sparse > 0 {
                let mixture = |b: &mut Builder, x| b.module("mlp", &[x], |b| self.mixture(b, &block, x, &route));
                hidden = blocks(b, request, sparse, hidden, |b, x| self.layer(b, request, &block, x, mask, mixture));
            }
            block.norm(b, hidden)
        });
        language_head(b, request, hidden, self.tied.then_some(table), self.vocabulary, |_, logits| logits);
        Ok(())
    }

    fn layer(
        &self,
        b: &mut Builder,
        request: &Request,
        block: &Block,
        x: Tensor,
        mask: Mask,
        mlp: impl Fn(&mut Builder, Tensor) -> Tensor,
    ) -> Tensor {
        let normal = block.norm(b, x);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, block, normal, mask));
        b.hold_attention_weights();
        let x = b.add(x, attended);
        b.local(x);
        let normal = block.norm(b, x);
        let out = mlp(b, normal);
        b.add(x, out)
    }

    /// The cache holds latents and the part of the keys that all heads share, which each layer expands to keys and values
    /// of all heads.
    fn attention(&self, b: &mut Builder, request: &Request, block: &Block, x: Tensor, mask: Mask) -> Tensor {
        let (heads, latent, bias) = (self.heads, self.latent, self.bias);
        let (still, turned) = (self.still, self.turned);
        let [_, batch, length, input] = x.shape.0;
        let queries = self.queries(b, block, x);
        b.local(queries);
        let split = b.view_copied_back(queries, Shape([batch, heads, length, block.head_dim]));
        let query = b.split(split, &[still, turned]);
        let compressed = Linear { name: "kv_a_proj_with_mqa", input, output: latent + turned, bias };
        let compressed = b.linear(x, compressed);
        b.local(compressed);
        let key = b.split(compressed, &[latent, turned]);
        let normal = block.norm(b, key[0]);
        let shared =
            [(normal, latent), (key[1], turned)].map(|(part, width)| b.view(part, Shape([batch, 1, length, width])));
        let turning = [query[1], shared[1]];
        // Tables are of the hidden states' type.
        let [query_turned, key_turned] = match self.positions {
            Positions::Halves => turning.map(|part| b.rotated(part, x.element)),
            Positions::Neighbours => turning.map(|part| b.rotated_neighbours(part, x.element)),
            Positions::Complex => b.rotated_as_complex(turning),
        };
        b.local(query_turned);
        let (latents, key_turned) = cached(b, request, shared[0], key_turned, None);
        b.local(latents);
        b.local(key_turned);
        let whole = b.module("", &[], |b| {
            // Autocast puts together in the widest type.
            let still = b.to(query[0], query_turned.element);
            b.local(still);
            b.concatenate(&[still, query_turned], query_turned.shape.with_width(block.head_dim))
        });
        b.local(whole);
        let (key, value) = self.expanded(b, latents, key_turned);
        b.local(key);
        b.local(value);
        let context = b.attend(AttentionCall {
            query: whole,
            key,
            value,
            mask,
            dropout: self.dropout,
            softmax: Softmax::Wide,
            softcap: false,
            projected: false,
        });
        b.linear(context, Linear { name: "o_proj", input: heads * self.values, output: input, bias })
    }

    /// Queries of all heads, by way of latents of their own or not.
    fn queries(&self, b: &mut Builder, block: &Block, x: Tensor) -> Tensor {
        let (input, output) = (self.hidden, self.heads * block.head_dim);
        let Some(latent) = self.latent_of_queries else {
            return b.linear(x, Linear { name: "q_proj", input, output, bias: false });
        };
        let low = b.linear(x, Linear { name: "q_a_proj", input, output: latent, bias: self.bias });
        let low = block.norm(b, low);
        b.linear(low, Linear { name: "q_b_proj", input: latent, output, bias: false })
    }

    /// Keys and values of all heads.
    fn expanded(&self, b: &mut Builder, latents: Tensor, key_turned: Tensor) -> (Tensor, Tensor) {
        let (heads, still, turned, values) = (self.heads, self.still, self.turned, self.values);
        let [batch, _, length, input] = latents.shape.0;
        let both = Linear { name: "kv_b_proj", input, output: heads * (still + values), bias: false };
        let both = b.linear(latents, both);
        let both = b.view_copied_back(both, Shape([batch, heads, length, still + values]));
        let parts = b.split(both, &[still, values]);
        let turned_of_heads = b.expand(key_turned, Shape([batch, heads, length, turned]));
        let shape = Shape([batch, heads, length, still + turned]);
        (b.copied_side_by_side(&[parts[0], turned_of_heads], shape, both.element), parts[1])
    }

    /// Experts that tokens are sent to, and an MLP that all pass.
    fn mixture(
        &self,
        b: &mut Builder,
        block: &Block,
        x: Tensor,
        route: impl Fn(&mut Builder, Tensor, Tensor) -> [Tensor; 3],
    ) -> Tensor {
        let experts = &self.experts;
        let weights_of_experts = b.weights_of_experts(experts);
        let router = b.parameter("gate", Shape::matrix(experts.count, self.hidden), 2);
        let routed = b.module("", &[], |b| {
            let router = b.adapted_router(router, experts.targets);
            route(b, x, router)
        });
        let [_, weights, _] = routed.map(|tensor| b.local(tensor));
        let routed = b.module("", &[], |b| {
            let weights_of_experts = b.adapted_stacks(weights_of_experts, experts.targets);
            b.grouped_experts(x, weights, weights_of_experts, experts)
        });
        b.local(routed);
        let shared = experts.intermediate * self.shared_experts;
        let shared = b.without_adapters(|b| block.gated_mlp(b, x, shared));
        b.add(routed, shared)
    }
}
