//! Phi 1, 1.5 and 2 (`modeling_phi.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{biased_language_head, blocks, embed};
use super::gpt_neox::rotary_width;
use super::llama::{attend_cached, causal_mask, grouped_heads};
use super::positions::rotary_table;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `PhiConfig`.
    Phi {
        hidden_size: u64 = 2_048, WIDTH, "Hidden size";
        intermediate_size: u64 = 8_192, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 24, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 0, optional(1_000_000), "Key-value heads";
        vocab_size: u64 = 51_200, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        hidden_act: Activation = Activation::GeluNew as u64, ACTIVATION, "Activation";
        partial_rotary_factor: Decimal = 500_000, RATE, "Rotary part of a head";
        qk_layernorm: bool = 0, FLAG, "Norms on queries and keys";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        embd_pdrop: Decimal = 0, RATE, "Embedding dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        resid_pdrop: Decimal = 0, RATE, "Residual dropout";
    }
}

/// What a block's attention is told by the model, where part of each head is rotated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Around {
    pub(super) mask: Mask,
    pub(super) heads: u64,
    pub(super) kv_heads: u64,
    pub(super) head_dim: u64,
    pub(super) rotary: u64,
    /// The type of the tables of cosines and sines.
    pub(super) table: ElementType,
}

impl Around {
    /// Queries and keys, rotated in part within attention's own function: it names the parts.
    pub(super) fn rotated(&self, b: &mut Builder, query: Tensor, key: Tensor) -> (Tensor, Tensor) {
        let (query_part, query_rest) = b.parted_heads(query, self.rotary);
        let (key_part, key_rest) = b.parted_heads(key, self.rotary);
        let (query_part, key_part) = (b.rotated(query_part, self.table), b.rotated(key_part, self.table));
        for tensor in [query_part, query_rest, key_part, key_rest] {
            b.local(tensor);
        }
        (b.joined_heads(query_part, query_rest), b.joined_heads(key_part, key_rest))
    }
}

impl Phi {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let heads = self.num_attention_heads;
        let (kv_heads, head_dim) = grouped_heads(self.hidden_size, heads, self.num_key_value_heads, None)?;
        let rotary = rotary_width(head_dim, self.partial_rotary_factor);
        let (table, embedded) = embed(b, request, "embed_tokens", self.vocab_size, self.hidden_size);
        let hidden = b.module("", &[embedded], |b| {
            let mask = causal_mask(b, request, embedded, None);
            let hidden = b.dropout(embedded, self.embd_pdrop);
            rotary_table(b, request, hidden, rotary);
            let around = Around { mask, heads, kv_heads, head_dim, rotary, table: hidden.element };
            let hidden = blocks(b, request, self.num_hidden_layers, hidden, |b, x| self.block(b, request, x, around));
            b.layer_norm_module(hidden, true)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        biased_language_head(b, request, hidden, tied, self.vocab_size, true, &|_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around) -> Tensor {
        let normal = b.layer_norm_module(x, true);
        b.local(normal);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, normal, around));
        b.hold_attention_weights();
        let attended = b.dropout(attended, self.resid_pdrop);
        b.local(attended);
        let (narrow, wide) = (self.hidden_size, self.intermediate_size);
        let out = b.module("mlp", &[normal], |b| {
            let up = b.linear(normal, Linear { name: "fc1", input: narrow, output: wide, bias: true });
            let active = b.activation(self.hidden_act, up);
            b.linear(active, Linear { name: "fc2", input: wide, output: narrow, bias: true })
        });
        let out = b.dropout(out, self.resid_pdrop);
        b.local(out);
        let sum = b.add(attended, out);
        b.add(sum, x)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around) -> Tensor {
        let Around { mask, heads, kv_heads, head_dim, .. } = around;
        let input = self.hidden_size;
        let [_, batch, length, _] = x.shape.0;
        let project = |b: &mut Builder, name, own| {
            let projected = b.linear(x, Linear { name, input, output: own * head_dim, bias: true });
            let shape = Shape([batch, own, length, head_dim]);
            // Gradients of what is sliced come with heads before positions.
            if name == "v_proj" {
                b.split_heads(projected, shape, heads, mask, false)
            } else {
                b.view_copied_back(projected, shape)
            }
        };
        let mut query = project(b, "q_proj", heads);
        let mut key = project(b, "k_proj", kv_heads);
        let value = project(b, "v_proj", kv_heads);
        if self.qk_layernorm {
            query = b.layer_norm_module(query, true);
            key = b.layer_norm_module(key, true);
        }
        let (query, key) = around.rotated(b, query, key);
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
        let context = attend_cached(b, request, call, None);
        b.linear(context, Linear { name: "dense", input: heads * head_dim, output: input, bias: true })
    }
}
