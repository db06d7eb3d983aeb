//! OPT (`modeling_opt.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{blocks, divisible, embedded, language_head, tokens};
use super::llama::{attend_cached, causal_mask};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `OPTConfig`.
    Opt {
        hidden_size: u64 = 768, WIDTH, "Hidden size";
        ffn_dim: u64 = 3_072, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 12, LAYERS, "Layers";
        num_attention_heads: u64 = 12, HEADS, "Attention heads";
        word_embed_proj_dim: Option<u64> = 0, optional(10_000_000), "Embedding size";
        vocab_size: u64 = 50_272, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        activation_function: Activation = Activation::Relu as u64, ACTIVATION, "Activation";
        do_layer_norm_before: bool = 1, FLAG, "Norms before attention and MLP";
        enable_bias: bool = 1, FLAG, "Biases";
        layer_norm_elementwise_affine: bool = 1, FLAG, "Norms with weights";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        dropout: Decimal = 100_000, RATE, "Dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

/// Rows of the table of positions that come before that of the first token.
const OFFSET: u64 = 2;

impl Opt {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("hidden_size", self.hidden_size, "num_attention_heads", self.num_attention_heads)?;
        let ids = tokens(b, request);
        let [_, _, batch, length] = ids.shape.0;
        let width = self.word_embed_proj_dim.unwrap_or(self.hidden_size);
        let table = b.parameter("embed_tokens", Shape::matrix(self.vocab_size, width), 2);
        let positions =
            b.parameter("embed_positions", Shape::matrix(self.max_position_embeddings + OFFSET, self.hidden_size), 2);
        b.ends_at(self.max_position_embeddings, request.positions());
        // The one at the end is made first.
        let project = (width != self.hidden_size).then(|| {
            let out = b.parameter("project_out", Shape::matrix(width, self.hidden_size), 2);
            (b.parameter("project_in", Shape::matrix(self.hidden_size, width), 2), out)
        });
        let tokens = b.embedding(ids, table);
        let embedded = embedded(b, request, tokens);
        let hidden = b.module("", &[embedded], |b| {
            let there = request.positions();
            let attended = b.make("ones", Shape::matrix(batch, there), ElementType::Fp32);
            b.local(attended);
            let position_ids = b.make("cumsum", Shape::matrix(batch, there), ElementType::Int64);
            b.local(position_ids);
            let mask = causal_mask(b, request, embedded, None);
            let position = b.module("embed_positions", &[position_ids], |b| {
                let ids = b.make("add", Shape::matrix(batch, length), ElementType::Int64);
                b.embedding(ids, positions)
            });
            b.local(position);
            let embedded = match project {
                None => embedded,
                Some((project_in, _)) => {
                    let projected = b.matmul(embedded, project_in, None, self.hidden_size);
                    b.local(projected)
                }
            };
            let hidden = b.add(embedded, position);
            let hidden = blocks(b, request, self.num_hidden_layers, hidden, |b, x| self.block(b, request, x, mask));
            let hidden = if self.do_layer_norm_before { self.norm(b, hidden) } else { hidden };
            project.map_or(hidden, |(_, project_out)| b.matmul(hidden, project_out, None, width))
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn norm(&self, b: &mut Builder, x: Tensor) -> Tensor {
        if self.layer_norm_elementwise_affine { b.layer_norm_module(x, true) } else { b.layer_norm(x, None, None) }
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let first = if self.do_layer_norm_before { self.norm(b, x) } else { x };
        let attended = b.module("self_attn", &[first], |b| self.attention(b, request, first, mask));
        b.hold_attention_weights();
        let attended = b.dropout(attended, self.dropout);
        let sum = b.add(x, attended);
        let residual = if self.do_layer_norm_before { sum } else { self.norm(b, sum) };
        b.local(residual);
        let second = if self.do_layer_norm_before { self.norm(b, residual) } else { residual };
        let bias = self.enable_bias;
        let up = b.linear(second, Linear { name: "fc1", input: self.hidden_size, output: self.ffn_dim, bias });
        let active = b.activation(self.activation_function, up);
        let down = b.linear(active, Linear { name: "fc2", input: self.ffn_dim, output: self.hidden_size, bias });
        let down = b.dropout(down, self.dropout);
        let sum = b.add(residual, down);
        if self.do_layer_norm_before { sum } else { self.norm(b, sum) }
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let width = self.hidden_size;
        let linear = |name| Linear { name, input: width, output: width, bias: self.enable_bias };
        let [_, batch, length, _] = x.shape.0;
        let heads = Shape([batch, self.num_attention_heads, length, width / self.num_attention_heads]);
        let query = b.linear(x, linear("q_proj"));
        let query = b.scale(query);
        let query = b.split_heads(query, heads, self.num_attention_heads, mask, false);
        let key = b.linear(x, linear("k_proj"));
        let value = b.linear(x, linear("v_proj"));
        let key = b.split_heads(key, heads, self.num_attention_heads, mask, true);
        let value = b.split_heads(value, heads, self.num_attention_heads, mask, false);
        let call = AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax: Softmax::Wide,
            softcap: false,
            projected: true,
        };
        let context = attend_cached(b, request, call, None);
        b.linear(context, linear("out_proj"))
    }
}
