//! BLOOM (`modeling_bloom.py` of transformers 5).

use super::config::{FLAG, HEADS, LAYERS, RATE, VOCABULARY, WIDTH, config};
use super::decoder::{blocks_with_weights, divisible, embed, language_head};
use super::llama::{cached, causal_mask};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, ElementType, Linear, Mask, Shape, Tensor};

config! {
    /// Fields of `BloomConfig`.
    Bloom {
        hidden_size: u64 = 64, WIDTH, "Hidden size";
        n_layer: u64 = 2, LAYERS, "Layers";
        n_head: u64 = 8, HEADS, "Attention heads";
        vocab_size: u64 = 250_880, VOCABULARY, "Vocabulary";
        apply_residual_connection_post_layernorm: bool = 0, FLAG, "Residuals after the norms";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        hidden_dropout: Decimal = 0, RATE, "Residual dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

impl Bloom {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("hidden_size", self.hidden_size, "n_head", self.n_head)?;
        let (table, embedded) = embed(b, request, "word_embeddings", self.vocab_size, self.hidden_size);
        let batch = embedded.shape.0[1];
        let hidden = b.module("", &[embedded], |b| {
            let hidden = b.layer_norm_module(embedded, true);
            let there = request.positions();
            let attended = b.make("ones", Shape::matrix(batch, there), ElementType::Fp32);
            b.local(attended);
            let alibi = b.make("alibi", Shape::of3(batch * self.n_head, 1, there), hidden.element);
            b.local(alibi);
            let mask = causal_mask(b, request, embedded, None);
            let hidden =
                blocks_with_weights(b, request, self.n_layer, hidden, |b, x| self.block(b, request, x, alibi, mask));
            b.layer_norm_module(hidden, true)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, alibi: Tensor, mask: Mask) -> (Tensor, Tensor) {
        let after_norm = self.apply_residual_connection_post_layernorm;
        let normal = b.layer_norm_module(x, true);
        let residual = if after_norm { normal } else { x };
        let (attended, weights) = b.module("self_attention", &[normal, residual], |b| {
            self.attention(b, request, normal, residual, alibi, mask)
        });
        b.local(attended);
        let again = b.layer_norm_module(attended, true);
        // The second takes over its name.
        b.release(normal);
        let normal = b.local(again);
        let residual = if after_norm { normal } else { attended };
        let (narrow, wide) = (self.hidden_size, 4 * self.hidden_size);
        let out = b.module("mlp", &[normal, residual], |b| {
            let up = b.linear(normal, Linear { name: "dense_h_to_4h", input: narrow, output: wide, bias: true });
            let active = b.bloom_gelu(up);
            b.local(active);
            let down = b.linear(active, Linear { name: "dense_4h_to_h", input: wide, output: narrow, bias: true });
            b.local(down);
            self.dropout_add(b, down, residual)
        });
        (out, weights)
    }

    fn dropout_add(&self, b: &mut Builder, x: Tensor, residual: Tensor) -> Tensor {
        b.module("", &[x, residual], |b| {
            let dropped = b.dropout(x, self.hidden_dropout);
            b.add(residual, dropped)
        })
    }

    fn attention(
        &self,
        b: &mut Builder,
        request: &Request,
        x: Tensor,
        residual: Tensor,
        alibi: Tensor,
        mask: Mask,
    ) -> (Tensor, Tensor) {
        let (width, heads) = (self.hidden_size, self.n_head);
        let head = width / heads;
        let all = b.linear(x, Linear { name: "query_key_value", input: width, output: 3 * width, bias: true });
        b.local(all);
        let [_, batch, length, _] = all.shape.0;
        let part = Shape([batch, heads, length, head]);
        let [query, key, value] = [b.slice(all, part), b.slice(all, part), b.slice(all, part)];
        let (key, value) = cached(b, request, key, value, None);
        let [query, key, value] = [query, key, value].map(|tensor| b.flat_heads(tensor));
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let shape = Shape([batch, heads, length, key.shape.0[2]]);
        let scores = b.biased_scores(alibi, query, key, shape);
        b.local(scores);
        let scores = match mask {
            Mask::Tensor(mask) => b.add_constant(scores, mask),
            Mask::Full | Mask::Causal => scores,
        };
        b.local(scores);
        let weights = b.softmax_in_fp32(scores);
        let weights = b.to(weights, query.element);
        let weights = b.dropout(weights, self.attention_dropout);
        b.local(weights);
        let context = b.batched_matmul(weights, value, part);
        let context = b.contiguous(context, Shape::of3(batch, length, width));
        b.local(context);
        let out = b.linear(context, Linear { name: "dense", input: width, output: width, bias: true });
        (self.dropout_add(b, out, residual), weights)
    }
}
