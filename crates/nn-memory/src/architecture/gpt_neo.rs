//! GPT-Neo (`modeling_gpt_neo.py` of transformers 5).
//!
//! Layers attend to all earlier tokens and to the nearest ones in turn (`attention_types`, here as in all published
//! models), which changes what is made for a moment while the network is built, and nothing else: each hides what it hides
//! by a table of its own, as large as that of the other kind, in scores between all tokens.

use std::cell::Cell;

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{blocks_with_weights, divisible, embedded, language_head, tokens};
use super::llama::{cached, causal_mask};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Scores, Shape, Softmax, Tensor};

config! {
    /// Fields of `GPTNeoConfig`.
    GptNeo {
        hidden_size: u64 = 2_048, WIDTH, "Hidden size";
        intermediate_size: Option<u64> = 0, optional(10_000_000), "Intermediate size";
        num_layers: u64 = 24, LAYERS, "Layers";
        num_heads: u64 = 16, HEADS, "Attention heads";
        vocab_size: u64 = 50_257, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        activation_function: Activation = Activation::GeluNew as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        embed_dropout: Decimal = 0, RATE, "Embedding dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        resid_dropout: Decimal = 0, RATE, "Residual dropout";
    }
}

impl GptNeo {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("hidden_size", self.hidden_size, "num_heads", self.num_heads)?;
        let width = self.hidden_size;
        let ids = tokens(b, request);
        let table = b.parameter("wte", Shape::matrix(self.vocab_size, width), 2);
        let positions = b.parameter("wpe", Shape::matrix(self.max_position_embeddings, width), 2);
        b.ends_at(self.max_position_embeddings, request.positions());
        let hidden = b.module("", &[], |b| {
            let tokens = b.embedding(ids, table);
            let tokens = embedded(b, request, tokens);
            b.local(tokens);
            let position_ids = b.make("arange", Shape::matrix(1, ids.shape.width()), ElementType::Int64);
            b.local(position_ids);
            let mask = causal_mask(b, request, tokens, None);
            let position = b.embedding(position_ids, positions);
            b.local(position);
            let hidden = b.add_broadcast(tokens, position);
            let hidden = b.dropout(hidden, self.embed_dropout);
            let local = Cell::new(true);
            let hidden = blocks_with_weights(b, request, self.num_layers, hidden, |b, x| {
                local.set(!local.get());
                self.block(b, request, x, mask, local.get())
            });
            b.layer_norm_module(hidden, true)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask, local: bool) -> (Tensor, Tensor) {
        let normal = b.layer_norm_module(x, true);
        let (attended, weights) = b.module("attn", &[normal], |b| self.attention(b, request, normal, mask, local));
        b.local(attended);
        let residual = b.add(attended, x);
        b.local(residual);
        // The sum takes over its name.
        b.release(normal);
        let normal = b.layer_norm_module(residual, true);
        b.local(normal);
        let (narrow, wide) = (self.hidden_size, self.intermediate_size.unwrap_or(4 * self.hidden_size));
        let out = b.module("mlp", &[normal], |b| {
            let up = b.linear(normal, Linear { name: "c_fc", input: narrow, output: wide, bias: true });
            let active = b.activation(self.activation_function, up);
            let down = b.linear(active, Linear { name: "c_proj", input: wide, output: narrow, bias: true });
            b.dropout(down, self.resid_dropout)
        });
        (b.add(residual, out), weights)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask, local: bool) -> (Tensor, Tensor) {
        let width = self.hidden_size;
        let [_, batch, length, _] = x.shape.0;
        let heads = Shape([batch, self.num_heads, length, width / self.num_heads]);
        // What the layer hides: all later tokens, and in a local one those long before.
        b.triangle(self.max_position_embeddings, local);
        let [query, key, value] = ["q_proj", "k_proj", "v_proj"]
            .map(|name| b.linear(x, Linear { name, input: width, output: width, bias: false }))
            .map(|projected| b.view_copied_back(projected, heads));
        let (key, value) = cached(b, request, key, value, None);
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let call = AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax: Softmax::AsValues,
            softcap: false,
            projected: true,
        };
        let (context, weights) = b.attend_in_fp32(call, Scores::Where);
        b.local(weights);
        let out = b.linear(context, Linear { name: "out_proj", input: width, output: width, bias: true });
        (b.dropout(out, self.resid_dropout), weights)
    }
}
