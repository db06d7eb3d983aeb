//! MPT (`modeling_mpt.py` of transformers 5).

use super::config::{FLAG, HEADS, LAYERS, POSITIONS, VOCABULARY, WIDTH, config, optional};
use super::decoder::{blocks_with_weights, divisible, embed, language_head};
use super::llama::{added_to_scores, cached, hold_for_blocks, seen_positions};
use super::{ConfigError, Request};
use crate::program::{Builder, ElementType, Linear, Shape, Tensor};

config! {
    /// Fields of `MptConfig`, `clip_qkv` of its `attn_config` among them. Its `expansion_ratio`, `emb_pdrop` and
    /// `resid_pdrop` change nothing: the code widens by 4 and drops at one rate, `attn_pdrop`, which the class takes as a
    /// whole number alone.
    Mpt {
        d_model: u64 = 2_048, WIDTH, "Hidden size";
        n_layers: u64 = 24, LAYERS, "Layers";
        n_heads: u64 = 16, HEADS, "Attention heads";
        vocab_size: u64 = 50_368, VOCABULARY, "Vocabulary";
        max_seq_len: u64 = 2_048, POSITIONS, "Positions";
        clip_qkv: Option<u64> = 0, optional(1_000_000), "Clamp on queries, keys and values";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
    }
}

/// What the model gives to each block.
#[derive(Debug, Clone, Copy)]
struct Given {
    /// What is added to scores for each head and key, of as many positions as there can be.
    alibi: Tensor,
    /// Which scores are hidden.
    mask: Tensor,
}

impl Mpt {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("d_model", self.d_model, "n_heads", self.n_heads)?;
        let (table, embedded) = embed(b, request, "wte", self.vocab_size, self.d_model);
        let [_, batch, length, _] = embedded.shape.0;
        let hidden = b.module("", &[embedded], |b| {
            let alibi = b.make("alibi", Shape::of3(self.n_heads, 1, self.max_seq_len), ElementType::Fp32);
            hold_for_blocks(b, request, alibi);
            // Scores of more keys than it has are no sum with it.
            b.ends_at(self.max_seq_len, request.positions());
            let seen = seen_positions(b, request.run.padding.then_some(batch), [length, request.positions()], false);
            let shape = Shape([batch, 1, length, request.positions()]);
            let mask = added_to_scores(b, seen, shape, embedded.element);
            let mask = b.to(mask, ElementType::Byte);
            hold_for_blocks(b, request, mask);
            let given = Given { alibi, mask };
            let hidden =
                blocks_with_weights(b, request, self.n_layers, embedded, |b, x| self.block(b, request, x, given));
            b.layer_norm_module(hidden, false)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, given: Given) -> (Tensor, Tensor) {
        let normal = b.layer_norm_module(x, false);
        // The name of what was normalized first goes over to the second.
        let (attended, x, normal, weights) = b.module("", &[normal], |b| {
            let (attended, weights) = b.module("attn", &[normal], |b| self.attention(b, request, normal, given));
            let x = b.add(attended, x);
            (attended, x, b.layer_norm_module(x, false), weights)
        });
        b.local(attended);
        b.local(x);
        let (narrow, wide) = (self.d_model, 4 * self.d_model);
        let out = b.module("ffn", &[normal], |b| {
            let up = b.linear(normal, Linear { name: "up_proj", input: narrow, output: wide, bias: false });
            let active = b.map_saving_input("gelu", up);
            b.local(active);
            let down = b.linear(active, Linear { name: "down_proj", input: wide, output: narrow, bias: false });
            b.local(down);
            b.add(down, x)
        });
        (out, weights)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, given: Given) -> (Tensor, Tensor) {
        let (width, heads) = (self.d_model, self.n_heads);
        let all = b.linear(x, Linear { name: "Wqkv", input: width, output: 3 * width, bias: false });
        let all = if self.clip_qkv.is_some() { b.clamp(all) } else { all };
        b.local(all);
        let [_, batch, length, _] = all.shape.0;
        let shape = Shape([batch, heads, length, width / heads]);
        let parts = b.split(all, &[width, width, width]);
        let [query, key, value] = [0, 1, 2].map(|part| b.view_copied_back(parts[part], shape));
        let (key, value) = cached(b, request, key, value, None);
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let (flat_query, flat_key) = (b.flat_heads(query), b.flat_heads(key));
        let scores = b.batched_matmul(flat_query, flat_key, Shape([batch, heads, length, key.shape.0[2]]));
        let scores = b.scale(scores);
        // The bias is in FP32, and so are scores from here on.
        let scores = b.add_constant(scores, given.alibi);
        let scores = b.masked_fill(scores, given.mask);
        b.local(scores);
        let weights = b.softmax(scores);
        let weights = b.to(weights, value.element);
        b.local(weights);
        let flat_value = b.flat_heads(value);
        let context = b.batched_matmul(weights, flat_value, shape);
        let context = b.unflat_heads(context);
        let context = b.contiguous(context, Shape::of3(batch, length, width));
        b.local(context);
        (b.linear(context, Linear { name: "out_proj", input: width, output: width, bias: false }), weights)
    }
}
