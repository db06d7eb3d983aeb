//! Llama (`modeling_llama.py` of transformers 5).

use super::config::{ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, VOCABULARY, WIDTH, config, optional};
use super::decoder::{blocks, divisible, language_head, tokens};
use super::{ConfigError, Pass, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Shape, Tensor};

config! {
    /// Fields of `LlamaConfig`.
    Llama {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 11_008, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 0, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 0, optional(1_000_000), "Head size";
        vocab_size: u64 = 32_000, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        attention_bias: bool = 0, FLAG, "Attention bias";
        mlp_bias: bool = 0, FLAG, "MLP bias";
    }
}

/// A block of the Llama kind: RMSNorm, rotary attention over grouped heads, gated MLP.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) hidden: u64,
    pub(super) heads: u64,
    pub(super) kv_heads: u64,
    pub(super) head_dim: u64,
    pub(super) intermediate: u64,
    pub(super) activation: Activation,
    pub(super) qkv_bias: bool,
    pub(super) output_bias: bool,
    pub(super) mlp_bias: bool,
    /// RMSNorm on queries and keys, by head.
    pub(super) qk_norm: bool,
    pub(super) attention_dropout: Decimal,
}

impl Llama {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let kv_heads = self.num_key_value_heads.unwrap_or(self.num_attention_heads);
        divisible("num_attention_heads", self.num_attention_heads, "num_key_value_heads", kv_heads)?;
        let head_dim = match self.head_dim {
            Some(size) => size,
            None => divisible("hidden_size", self.hidden_size, "num_attention_heads", self.num_attention_heads)?,
        };
        let block = Block {
            hidden: self.hidden_size,
            heads: self.num_attention_heads,
            kv_heads,
            head_dim,
            intermediate: self.intermediate_size,
            activation: self.hidden_act,
            qkv_bias: self.attention_bias,
            output_bias: self.attention_bias,
            mlp_bias: self.mlp_bias,
            qk_norm: false,
            attention_dropout: Decimal::whole(0),
        };
        model(b, request, &block, self.num_hidden_layers, self.vocab_size, self.tie_word_embeddings, None);
        Ok(())
    }
}

/// The whole model around blocks of the Llama kind.
pub(super) fn model(
    b: &mut Builder,
    request: &Request,
    block: &Block,
    layers: u64,
    vocabulary: u64,
    tied: bool,
    window: Option<u64>,
) {
    let ids = tokens(b, request);
    let table = b.parameter("embed_tokens", Shape::matrix(vocabulary, block.hidden), 2);
    let hidden = b.module("embeddings", &[], |b| b.embedding(ids, table));
    let mask = causal_mask(b, request, hidden, window);
    rotary_table(b, hidden, block.head_dim);
    let hidden = blocks(b, request, layers, hidden, |b, x| block.lower(b, request, x, mask));
    let hidden = b.rms_norm(hidden);
    language_head(b, request, hidden, tied.then_some(table), vocabulary, |_, logits| logits);
}

/// Cosines and sines of all positions, shared by all blocks.
pub(super) fn rotary_table(b: &mut Builder, hidden: Tensor, head_dim: u64) {
    let length = hidden.shape.0[2];
    for label in ["cos", "sin"] {
        let table = b.make(label, Shape::of3(1, length, head_dim), hidden.element);
        b.keep(table);
    }
}

/// The mask that transformers builds: none where the kernel knows that attention is causal.
pub(super) fn causal_mask(b: &mut Builder, request: &Request, hidden: Tensor, window: Option<u64>) -> Mask {
    let [_, batch, length, _] = hidden.shape.0;
    let eager = request.run.attention == crate::Attention::Eager;
    let there = if request.pass == Pass::Decode { request.length + 1 } else { length };
    let windowed = window.is_some_and(|window| window < there);
    if !(eager || request.run.padding || windowed) {
        return if request.pass == Pass::Decode { Mask::Full } else { Mask::Causal };
    }
    let shape = Shape([batch, 1, length, there]);
    let mask = if eager {
        let element = b.mode.autocast.map_or(hidden.element, |_| hidden.element);
        b.make("mask", shape, element)
    } else {
        b.make("mask", shape, ElementType::Byte)
    };
    b.keep(mask);
    Mask::Tensor(mask)
}

impl Block {
    fn lower(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let normal = b.rms_norm(x);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, normal, mask));
        let x = b.add(x, attended);
        b.local(x);
        let normal = b.rms_norm(x);
        let out = self.gated_mlp(b, normal);
        b.add(x, out)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let (q, k) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        let query = b.linear(x, Linear { name: "q_proj", input: self.hidden, output: q, bias: self.qkv_bias });
        let query = self.heads_of(b, query, self.heads);
        let key = b.linear(x, Linear { name: "k_proj", input: self.hidden, output: k, bias: self.qkv_bias });
        let key = self.heads_of(b, key, self.kv_heads);
        let value = b.linear(x, Linear { name: "v_proj", input: self.hidden, output: k, bias: self.qkv_bias });
        let [_, batch, length, _] = value.shape.0;
        let value = b.view(value, Shape([batch, self.kv_heads, length, self.head_dim]));
        let (query, key) = (b.rotary_embedding(query), b.rotary_embedding(key));
        let (key, value) = cached(b, request, key, value);
        b.local(query);
        b.local(key);
        b.local(value);
        let context = b.attend(AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax_in_fp32: true,
            softcap: false,
            projected: true,
        });
        b.linear(context, Linear { name: "o_proj", input: q, output: self.hidden, bias: self.output_bias })
    }

    /// Queries or keys by head, normalized where the family does.
    fn heads_of(&self, b: &mut Builder, projected: Tensor, heads: u64) -> Tensor {
        let [_, batch, length, _] = projected.shape.0;
        let shape = Shape([batch, heads, length, self.head_dim]);
        if self.qk_norm {
            let split = b.view_copied_back(projected, shape);
            b.rms_norm(split)
        } else {
            b.view_copied_back(projected, shape)
        }
    }

    fn gated_mlp(&self, b: &mut Builder, x: Tensor) -> Tensor {
        let Self { hidden, intermediate, mlp_bias: bias, .. } = *self;
        b.module("mlp", &[x], |b| {
            let gate = b.linear(x, Linear { name: "gate_proj", input: hidden, output: intermediate, bias });
            let gate = b.activation(self.activation, gate);
            let up = b.linear(x, Linear { name: "up_proj", input: hidden, output: intermediate, bias });
            let product = b.multiply(gate, up);
            b.linear(product, Linear { name: "down_proj", input: intermediate, output: hidden, bias })
        })
    }
}

/// Keys and values with those of earlier tokens before them, kept for later ones.
pub(super) fn cached(b: &mut Builder, request: &Request, key: Tensor, value: Tensor) -> (Tensor, Tensor) {
    if request.pass.trains() || !request.run.kv_cache {
        return (key, value);
    }
    b.extend_cache(key, value, if request.pass == Pass::Decode { request.length } else { 0 })
}
