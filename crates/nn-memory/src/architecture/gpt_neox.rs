//! GPT-NeoX and Pythia (`modeling_gpt_neox.py` of transformers 5).

use super::config::{ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config};
use super::decoder::{blocks, divisible, embed, language_head};
use super::llama::{attend_cached, causal_mask};
use super::positions::rotary_table;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `GPTNeoXConfig`.
    GptNeoX {
        hidden_size: u64 = 6_144, WIDTH, "Hidden size";
        intermediate_size: u64 = 24_576, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 44, LAYERS, "Layers";
        num_attention_heads: u64 = 64, HEADS, "Attention heads";
        vocab_size: u64 = 50_432, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Gelu as u64, ACTIVATION, "Activation";
        rotary_pct: Decimal = 250_000, RATE, "Rotary part of a head";
        use_parallel_residual: bool = 1, FLAG, "Attention and MLP side by side";
        attention_bias: bool = 1, FLAG, "Attention bias";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        hidden_dropout: Decimal = 0, RATE, "Residual dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

/// The even number of elements of a head that are rotated.
pub(super) fn rotary_width(head_dim: u64, part: Decimal) -> u64 {
    let width = head_dim.saturating_mul(part.millionths()) / Decimal::ONE;
    (width - width % 2).min(head_dim)
}

impl GptNeoX {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let head_dim = divisible("hidden_size", self.hidden_size, "num_attention_heads", self.num_attention_heads)?;
        let rotary = rotary_width(head_dim, self.rotary_pct);
        let (table, embedded) = embed(b, request, "embed_in", self.vocab_size, self.hidden_size);
        let hidden = b.module("", &[embedded], |b| {
            let mask = causal_mask(b, request, embedded, None);
            let hidden = b.dropout(embedded, self.hidden_dropout);
            rotary_table(b, request, hidden, rotary);
            let hidden =
                blocks(b, request, self.num_hidden_layers, hidden, |b, x| self.block(b, request, x, mask, rotary));
            b.layer_norm_module(hidden, true)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask, rotary: u64) -> Tensor {
        let normal = b.layer_norm_module(x, true);
        let attended = b.module("attention", &[normal], |b| self.attention(b, request, normal, mask, rotary, x));
        b.hold_attention_weights();
        let attended = b.dropout(attended, self.hidden_dropout);
        let residual = if self.use_parallel_residual { x } else { b.add(attended, x) };
        if !self.use_parallel_residual {
            b.local(residual);
        }
        let normal = b.layer_norm_module(residual, true);
        let (narrow, wide) = (self.hidden_size, self.intermediate_size);
        let out = b.module("mlp", &[normal], |b| {
            let up = b.linear(normal, Linear { name: "dense_h_to_4h", input: narrow, output: wide, bias: true });
            let active = b.activation(self.hidden_act, up);
            b.linear(active, Linear { name: "dense_4h_to_h", input: wide, output: narrow, bias: true })
        });
        let out = b.dropout(out, self.hidden_dropout);
        b.local(out);
        if self.use_parallel_residual {
            b.local(attended);
            let sum = b.add(out, attended);
            b.add(sum, x)
        } else {
            b.add(out, residual)
        }
    }

    fn attention(
        &self,
        b: &mut Builder,
        request: &Request,
        x: Tensor,
        mask: Mask,
        rotary: u64,
        hidden: Tensor,
    ) -> Tensor {
        let (width, heads, bias) = (self.hidden_size, self.num_attention_heads, self.attention_bias);
        let head = width / heads;
        let all = b.linear(x, Linear { name: "query_key_value", input: width, output: 3 * width, bias });
        let [_, batch, length, _] = all.shape.0;
        let all = b.view_copied_back(all, Shape([batch, heads, length, 3 * head]));
        b.local(all);
        let parts = b.split(all, &[head, head, head]);
        let (query, key, value) = (parts[0], parts[1], parts[2]);
        // Tables are of the type of the hidden states.
        let table = hidden.element;
        let (query, key) = b.module("", &[query, key], |b| {
            let (query, query_rest) = b.parted_heads(query, rotary);
            let (key, key_rest) = b.parted_heads(key, rotary);
            let (query, key) = (b.rotated(query, table), b.rotated(key, table));
            (b.joined_heads(query, query_rest), b.joined_heads(key, key_rest))
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
        let context = attend_cached(b, request, call, None);
        b.linear(context, Linear { name: "dense", input: width, output: width, bias })
    }
}
