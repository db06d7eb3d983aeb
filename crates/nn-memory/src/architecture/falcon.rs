//! Falcon (`modeling_falcon.py` of transformers 5).

use std::cell::Cell;

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{blocks, divisible, embed, evenly_divisible, language_head};
use super::llama::{added_to_scores, cached, hold_for_blocks, seen_positions};
use super::positions::rotary_table;
use super::{ConfigError, Request};
use crate::program::{AttentionCall, Builder, Linear, Mask, Shape, Softmax, Tensor};
use crate::{Attention, Decimal};

config! {
    /// Fields of `FalconConfig`.
    Falcon {
        hidden_size: u64 = 4_544, WIDTH, "Hidden size";
        ffn_hidden_size: Option<u64> = 0, optional(10_000_000), "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 71, HEADS, "Attention heads";
        num_kv_heads: Option<u64> = 0, optional(1_000_000), "Key-value heads";
        vocab_size: u64 = 65_024, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        activation: Activation = Activation::Gelu as u64, ACTIVATION, "Activation";
        new_decoder_architecture: bool = 0, FLAG, "New decoder architecture";
        multi_query: bool = 1, FLAG, "One key-value head";
        parallel_attn: bool = 1, FLAG, "Attention and MLP side by side";
        num_ln_in_parallel_attn: Option<u64> = 0, optional(2), "Norms before attention and MLP";
        bias: bool = 0, FLAG, "Biases";
        alibi: bool = 0, FLAG, "Biases by distance instead of rotary positions";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        hidden_dropout: Decimal = 0, RATE, "Residual dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

impl Falcon {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let heads = self.num_attention_heads;
        let whole = if self.alibi { divisible } else { evenly_divisible };
        let head_dim = whole("hidden_size", self.hidden_size, "num_attention_heads", heads)?;
        if self.new_decoder_architecture {
            divisible("num_attention_heads", heads, "num_kv_heads", self.num_kv_heads.unwrap_or(heads))?;
        }
        let (table, embedded) = embed(b, request, "word_embeddings", self.vocab_size, self.hidden_size);
        let hidden = b.module("", &[embedded], |b| {
            let mask = self.mask(b, request, embedded);
            rotary_table(b, request, embedded, head_dim);
            // The loop holds what a block returned, weights of attention too, until the next one returns.
            let before = Cell::new(None);
            if request.run.attention == Attention::Eager {
                b.settled_from = 2;
            }
            let hidden = blocks(b, request, self.num_hidden_layers, embedded, |b, x| {
                let x = self.block(b, request, x, mask);
                if let Some(weights) = before.replace(b.attention_weights.take()) {
                    b.release(weights);
                }
                x
            });
            let hidden = b.layer_norm_module(hidden, true);
            if let Some(weights) = before.take() {
                b.release(weights);
            }
            hidden
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    /// The mask, which is built whether kernels need it or not.
    fn mask(&self, b: &mut Builder, request: &Request, hidden: Tensor) -> Mask {
        let [_, batch, length, _] = hidden.shape.0;
        let there = request.positions();
        let padded = request.run.padding.then_some(batch);
        let mask = if self.alibi {
            b.make("mask", Shape([batch, self.num_attention_heads, length, there]), hidden.element)
        } else {
            let seen = seen_positions(b, padded, [length, there], false);
            let eager = request.run.attention == Attention::Eager;
            let shape = Shape([batch, 1, length, there]);
            if eager { added_to_scores(b, seen, shape, hidden.element) } else { seen }
        };
        hold_for_blocks(b, request, mask);
        Mask::Tensor(mask)
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let two_norms = self.new_decoder_architecture && self.num_ln_in_parallel_attn.unwrap_or(2) == 2;
        let first = b.layer_norm_module(x, true);
        b.local(first);
        let second = if two_norms { b.layer_norm_module(x, true) } else { first };
        b.local(second);
        let attended = b.module("self_attention", &[first], |b| self.attention(b, request, first, mask));
        b.local(attended);
        let side_by_side = self.new_decoder_architecture || self.parallel_attn;
        let (residual, second) = if side_by_side {
            (x, second)
        } else {
            let dropped = b.dropout(attended, self.attention_dropout);
            let residual = b.add(x, dropped);
            b.local(residual);
            let normal = b.layer_norm_module(residual, true);
            (residual, b.local(normal))
        };
        let (narrow, wide) = (self.hidden_size, self.ffn_hidden_size.unwrap_or(4 * self.hidden_size));
        let mut out = b.module("mlp", &[second], |b| {
            let up = self.linear(b, second, "dense_h_to_4h", narrow, wide);
            let active = b.activation(self.activation, up);
            b.local(active);
            self.linear(b, active, "dense_4h_to_h", wide, narrow)
        });
        b.local(out);
        if side_by_side {
            out = b.add_in_place(out, attended);
            b.local(out);
        }
        let dropped = b.dropout(out, self.hidden_dropout);
        b.add(residual, dropped)
    }

    /// `FalconLinear`: the weight's transpose, which autocast's cache does not know, and the bias by an operator of its own.
    fn linear(&self, b: &mut Builder, x: Tensor, name: &'static str, input: u64, output: u64) -> Tensor {
        let projected = b.linear_by_view(x, Linear { name, input, output, bias: false });
        if !self.bias {
            return projected;
        }
        let bias = b.parameter(name, Shape::vector(output), 1);
        b.add_broadcast(projected, bias)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let (width, heads) = (self.hidden_size, self.num_attention_heads);
        let head = width / heads;
        let kv_heads = self.num_kv_heads.unwrap_or(heads);
        let output = if self.new_decoder_architecture {
            (2 * kv_heads + heads) * head
        } else if self.multi_query {
            width + 2 * head
        } else {
            3 * width
        };
        let all = self.linear(b, x, "query_key_value", width, output);
        b.local(all);
        let [_, batch, length, _] = all.shape.0;
        let by_head = |heads| Shape([batch, heads, length, head]);
        let (query, key, value) = if self.new_decoder_architecture {
            let query = b.slice(all, by_head(heads));
            let (key, value) = (b.picked(all, by_head(kv_heads)), b.picked(all, by_head(kv_heads)));
            // The names go over to the copies once all are there.
            b.module("", &[key, value], |b| {
                let [key, value] = [key, value].map(|tensor| b.expand(tensor, by_head(heads)));
                let [query, key, value] = [query, key, value].map(|tensor| b.contiguous(tensor, by_head(heads)));
                (query, key, value)
            })
        } else if self.multi_query {
            (b.slice(all, by_head(heads)), b.picked(all, by_head(1)), b.picked(all, by_head(1)))
        } else {
            (b.slice(all, by_head(heads)), b.slice(all, by_head(heads)), b.slice(all, by_head(heads)))
        };
        let (query, key) = if self.alibi {
            (query, key)
        } else {
            b.module("", &[query, key], |b| (b.rotated(query, x.element), b.rotated(key, x.element)))
        };
        let (key, value) = cached(b, request, key, value, None);
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let call = AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: if self.alibi { self.attention_dropout } else { Decimal::whole(0) },
            softmax: Softmax::Own,
            softcap: false,
            projected: true,
        };
        let context = if request.run.attention == Attention::Eager {
            b.falcon_scores(call, x.element)
        } else if key.shape.0[1] != heads {
            b.attend_one_head(call)
        } else {
            b.attend(call)
        };
        self.linear(b, context, "dense", width, width)
    }
}
