//! StableLM (`modeling_stablelm.py` of transformers 5).

use super::config::{ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count};
use super::decoder::{blocks, embed, language_head};
use super::gpt_neox::rotary_width;
use super::llama::{Block, attend_cached, causal_mask, grouped_heads};
use super::phi::Around;
use super::positions::rotary_table;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, Linear, Shape, Softmax, Tensor};

config! {
    /// Fields of `StableLmConfig`.
    StableLm {
        hidden_size: u64 = 2_560, WIDTH, "Hidden size";
        intermediate_size: u64 = 6_912, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: u64 = 32, count(1_000_000), "Key-value heads";
        vocab_size: u64 = 50_304, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 4_096, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        partial_rotary_factor: Decimal = 250_000, RATE, "Rotary part of a head";
        use_qkv_bias: bool = 0, FLAG, "Bias of queries, keys and values";
        qk_layernorm: bool = 0, FLAG, "Norms on queries and keys";
        use_parallel_residual: bool = 0, FLAG, "Attention and MLP side by side";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        hidden_dropout: Decimal = 0, RATE, "Residual dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

impl StableLm {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let heads = self.num_attention_heads;
        let (kv_heads, head_dim) = grouped_heads(self.hidden_size, heads, Some(self.num_key_value_heads), None)?;
        let rotary = rotary_width(head_dim, self.partial_rotary_factor);
        let (table, embedded) = embed(b, request, "embed_tokens", self.vocab_size, self.hidden_size);
        let hidden = b.module("", &[embedded], |b| {
            let mask = causal_mask(b, request, embedded, None);
            rotary_table(b, request, embedded, rotary);
            let around = Around { mask, heads, kv_heads, head_dim, rotary, table: embedded.element };
            let hidden = blocks(b, request, self.num_hidden_layers, embedded, |b, x| self.block(b, request, x, around));
            b.layer_norm_module(hidden, true)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around) -> Tensor {
        let normal = b.layer_norm_module(x, true);
        b.local(normal);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, normal, around));
        b.hold_attention_weights();
        b.local(attended);
        let (residual, normal) = if self.use_parallel_residual {
            (x, normal)
        } else {
            let sum = b.add(x, attended);
            b.local(sum);
            (sum, b.layer_norm_module(sum, true))
        };
        let (width, inner) = (self.hidden_size, self.intermediate_size);
        let llama = Block::llama(width, around.heads, around.kv_heads, around.head_dim, inner);
        let out = Block { activation: self.hidden_act, ..llama }.gated_mlp(b, normal, inner);
        let out = b.dropout(out, self.hidden_dropout);
        b.local(out);
        if self.use_parallel_residual {
            let sum = b.add(residual, attended);
            b.add(sum, out)
        } else {
            b.add(residual, out)
        }
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around) -> Tensor {
        let Around { mask, heads, kv_heads, head_dim, .. } = around;
        let input = self.hidden_size;
        let [_, batch, length, _] = x.shape.0;
        let project = |b: &mut Builder, name, heads| {
            b.linear(x, Linear { name, input, output: heads * head_dim, bias: self.use_qkv_bias })
        };
        let query = project(b, "q_proj", heads);
        let key = project(b, "k_proj", kv_heads);
        let value = project(b, "v_proj", kv_heads);
        let mut query = b.view_copied_back(query, Shape([batch, heads, length, head_dim]));
        let mut key = b.view_copied_back(key, Shape([batch, kv_heads, length, head_dim]));
        let value = b.split_heads(value, Shape([batch, kv_heads, length, head_dim]), heads, mask, false);
        if self.qk_layernorm {
            query = norm_by_head(b, query);
            key = norm_by_head(b, key);
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
        b.linear(context, Linear { name: "o_proj", input, output: input, bias: false })
    }
}

/// A norm of its own for each head, put together again.
fn norm_by_head(b: &mut Builder, x: Tensor) -> Tensor {
    let weight = b.parameter("norm", Shape::matrix(x.shape.0[1], x.shape.width()), 1);
    let normal = b.layer_norm(x, Some(weight), None);
    b.contiguous(normal, normal.shape)
}
