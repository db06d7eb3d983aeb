//! Phi 3 and 4 (`modeling_phi3.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{blocks, embed, language_head};
use super::gpt_neox::rotary_width;
use super::llama::{attend_cached, causal_mask, grouped_heads};
use super::phi::Around;
use super::positions::rotary_table;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, Linear, Shape, Softmax, Tensor};

config! {
    /// Fields of `Phi3Config`.
    Phi3 {
        hidden_size: u64 = 3_072, WIDTH, "Hidden size";
        intermediate_size: u64 = 8_192, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 0, optional(1_000_000), "Key-value heads";
        vocab_size: u64 = 32_064, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 4_096, POSITIONS, "Positions";
        sliding_window: Option<u64> = 0, optional(1_000_000_000), "Sliding window";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        partial_rotary_factor: Decimal = 1_000_000, RATE, "Rotary part of a head";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        resid_pdrop: Decimal = 0, RATE, "Residual dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

impl Phi3 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let heads = self.num_attention_heads;
        let (kv_heads, head_dim) = grouped_heads(self.hidden_size, heads, self.num_key_value_heads, None)?;
        let rotary = rotary_width(head_dim, self.partial_rotary_factor);
        let (table, embedded) = embed(b, request, "embed_tokens", self.vocab_size, self.hidden_size);
        let hidden = b.module("", &[embedded], |b| {
            let mask = causal_mask(b, request, embedded, self.sliding_window);
            rotary_table(b, request, embedded, rotary);
            let around = Around { mask, heads, kv_heads, head_dim, rotary, table: embedded.element };
            let hidden = blocks(b, request, self.num_hidden_layers, embedded, |b, x| self.block(b, request, x, around));
            b.rms_norm(hidden)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around) -> Tensor {
        let normal = b.rms_norm(x);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, normal, around));
        b.hold_attention_weights();
        let dropped = b.dropout(attended, self.resid_pdrop);
        let x = b.add(x, dropped);
        b.local(x);
        let normal = b.rms_norm(x);
        let out = b.gated_together(normal, self.hidden_act, self.hidden_size, self.intermediate_size);
        let dropped = b.dropout(out, self.resid_pdrop);
        b.add(x, dropped)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around) -> Tensor {
        let Around { mask, heads, kv_heads, head_dim, rotary, table } = around;
        let input = self.hidden_size;
        let (q, k) = (heads * head_dim, kv_heads * head_dim);
        let all = b.linear(x, Linear { name: "qkv_proj", input, output: q + 2 * k, bias: false });
        b.local(all);
        let [_, batch, length, _] = all.shape.0;
        let query = b.slice(all, all.shape.with_width(q));
        let key = b.slice(all, all.shape.with_width(k));
        let value = b.slice(all, all.shape.with_width(k));
        let query = b.view_copied_back(query, Shape([batch, heads, length, head_dim]));
        let key = b.view_copied_back(key, Shape([batch, kv_heads, length, head_dim]));
        let value = b.split_heads(value, Shape([batch, kv_heads, length, head_dim]), heads, mask, false);
        let (query, key) = b.module("", &[query, key], |b| {
            let (query, query_rest) = b.parted_heads(query, rotary);
            let (key, key_rest) = b.parted_heads(key, rotary);
            let query = b.rotated(query, table);
            let query = b.joined_heads(query, query_rest);
            let key = b.rotated(key, table);
            (query, b.joined_heads(key, key_rest))
        });
        let call = AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax: Softmax::Wide,
            softcap: false,
            projected: false,
        };
        let context = attend_cached(b, request, call, self.sliding_window);
        b.linear(context, Linear { name: "o_proj", input: q, output: input, bias: false })
    }
}
