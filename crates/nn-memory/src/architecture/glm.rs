//! GLM-4 of 2024 (`modeling_glm.py` of transformers 5), and what its successors share with it.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{blocks, embed, language_head};
use super::gpt_neox::rotary_width;
use super::llama::{attend_cached, causal_mask, grouped_heads, hold_for_blocks};
use super::phi::Around;
use super::positions::cosines_and_sines;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, Linear, Shape, Softmax, Tensor};

config! {
    /// Fields of `GlmConfig`.
    Glm {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 13_696, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 40, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 2, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 128, optional(1_000_000), "Head size";
        vocab_size: u64 = 151_552, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 131_072, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        partial_rotary_factor: Decimal = 500_000, RATE, "Rotary part of a head";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        attention_bias: bool = 1, FLAG, "Attention bias";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

impl Glm {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        self.model(b, request, false)
    }

    /// The whole model; `norms_after` where attention and MLP are followed by norms as well.
    pub(super) fn model(&self, b: &mut Builder, request: &Request, norms_after: bool) -> Result<(), ConfigError> {
        let heads = self.num_attention_heads;
        let (kv_heads, head_dim) = grouped_heads(self.hidden_size, heads, self.num_key_value_heads, self.head_dim)?;
        let rotary = rotary_width(head_dim, self.partial_rotary_factor);
        let (table, embedded) = embed(b, request, "embed_tokens", self.vocab_size, self.hidden_size);
        let hidden = b.module("", &[embedded], |b| {
            let mask = causal_mask(b, request, embedded, None);
            // No product keeps these tables: blocks make their own of them.
            for table in cosines_and_sines(b, embedded, rotary) {
                hold_for_blocks(b, request, table);
            }
            let around = Around { mask, heads, kv_heads, head_dim, rotary, table: embedded.element };
            let hidden = blocks(b, request, self.num_hidden_layers, embedded, |b, x| {
                self.block(b, request, x, around, norms_after)
            });
            b.rms_norm(hidden)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around, norms_after: bool) -> Tensor {
        let after = |b: &mut Builder, out: Tensor| if norms_after { b.rms_norm(out) } else { out };
        let normal = b.rms_norm(x);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, normal, around));
        b.hold_attention_weights();
        let attended = after(b, attended);
        let x = b.add(x, attended);
        b.local(x);
        let normal = b.rms_norm(x);
        let out = b.gated_together(normal, self.hidden_act, self.hidden_size, self.intermediate_size);
        let out = after(b, out);
        b.add(x, out)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around) -> Tensor {
        let Around { mask, heads, kv_heads, head_dim, .. } = around;
        let (input, bias) = (self.hidden_size, self.attention_bias);
        let [_, batch, length, _] = x.shape.0;
        let project = |b: &mut Builder, name, own| {
            let projected = b.linear(x, Linear { name, input, output: own * head_dim, bias });
            let shape = Shape([batch, own, length, head_dim]);
            if name == "v_proj" {
                b.split_heads(projected, shape, heads, mask, false)
            } else {
                b.view_copied_back(projected, shape)
            }
        };
        let query = project(b, "q_proj", heads);
        let key = project(b, "k_proj", kv_heads);
        let value = project(b, "v_proj", kv_heads);
        let (query, key) = b.module("", &[query, key], |b| turned(b, query, key, around));
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
        b.linear(context, Linear { name: "o_proj", input: heads * head_dim, output: input, bias: false })
    }
}

/// Queries and keys, of which the first part of each head is turned two neighbours at a time: each layer repeats the tables
/// for that, and its products keep them.
fn turned(b: &mut Builder, query: Tensor, key: Tensor, around: Around) -> (Tensor, Tensor) {
    let rows = Shape::matrix(query.shape.0[2], around.rotary);
    let [cosine, sine] = ["cos", "sin"].map(|label| b.make(label, rows, around.table));
    b.local(cosine);
    b.local(sine);
    let (query_part, query_rest) = b.parted_heads(query, around.rotary);
    let (key_part, key_rest) = b.parted_heads(key, around.rotary);
    let [query_part, key_part] = [query_part, key_part].map(|part| b.rotated_in_pairs(part, cosine, sine));
    (b.joined_heads(query_part, query_rest), b.joined_heads(key_part, key_rest))
}
