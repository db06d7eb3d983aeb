//! Decoders of DeepSeek: attention over latents, and blocks with experts after some without.

use super::decoder::even;
use super::llama::cached;
use super::positions::{complex_table, rotary_table};
use super::sparse::Sparse;
use super::{ConfigError, Request};
use crate::program::{AttentionCall, Builder, Linear, Mask, Shape, Softmax, Tensor};

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
    /// Its block has as many heads for keys as for queries, each of a part without positions and one with them.
    pub(super) decoder: Sparse,
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
}

impl Latent {
    /// The whole network, whose router returns what `route` tells.
    pub(super) fn lower(
        &self,
        b: &mut Builder,
        request: &Request,
        route: impl Fn(&mut Builder, Tensor, Tensor) -> [Tensor; 3],
    ) -> Result<(), ConfigError> {
        even("qk_rope_head_dim", self.turned)?;
        let tables = |b: &mut Builder, hidden| {
            if self.positions == Positions::Complex {
                complex_table(b, request, hidden, self.turned);
            } else {
                rotary_table(b, request, hidden, self.turned);
            }
        };
        self.decoder.lower(b, request, tables, |b, x, mask| self.attention(b, request, x, mask), route)
    }

    /// The cache holds latents and the part of the keys that all heads share, which each layer expands to keys and values
    /// of all heads.
    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let block = &self.decoder.block;
        let (heads, latent, bias) = (block.heads, self.latent, block.qkv_bias);
        let (still, turned) = (self.still, self.turned);
        let [_, batch, length, input] = x.shape.0;
        let queries = self.queries(b, x);
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
        let whole = b.concatenate(&[query[0], query_turned], query_turned.shape.with_width(block.head_dim));
        b.local(whole);
        let (key, value) = self.expanded(b, latents, key_turned);
        b.local(key);
        b.local(value);
        let context = b.attend(AttentionCall {
            query: whole,
            key,
            value,
            mask,
            dropout: block.attention_dropout,
            softmax: Softmax::Wide,
            softcap: false,
            projected: false,
        });
        b.linear(context, Linear { name: "o_proj", input: heads * self.values, output: input, bias })
    }

    /// Queries of all heads, by way of latents of their own or not.
    fn queries(&self, b: &mut Builder, x: Tensor) -> Tensor {
        let block = &self.decoder.block;
        let (input, output) = (block.hidden, block.heads * block.head_dim);
        let Some(latent) = self.latent_of_queries else {
            return b.linear(x, Linear { name: "q_proj", input, output, bias: false });
        };
        let low = b.linear(x, Linear { name: "q_a_proj", input, output: latent, bias: block.qkv_bias });
        let low = block.norm(b, low);
        b.linear(low, Linear { name: "q_b_proj", input: latent, output, bias: false })
    }

    /// Keys and values of all heads.
    fn expanded(&self, b: &mut Builder, latents: Tensor, key_turned: Tensor) -> (Tensor, Tensor) {
        let (heads, still, turned, values) = (self.decoder.block.heads, self.still, self.turned, self.values);
        let [batch, _, length, input] = latents.shape.0;
        let both = Linear { name: "kv_b_proj", input, output: heads * (still + values), bias: false };
        let both = b.linear(latents, both);
        let both = b.view_copied_back(both, Shape([batch, heads, length, still + values]));
        let parts = b.split(both, &[still, values]);
        let turned_of_heads = b.expand(key_turned, Shape([batch, heads, length, turned]));
        let shape = Shape([batch, heads, length, still + turned]);
        (b.copied_side_by_side(&[parts[0], turned_of_heads], shape, both.element), parts[1])
    }
}
