//! Llama 4 without its vision tower (`Llama4ForCausalLM` of `modeling_llama4.py`, transformers 5): attention within chunks and
//! without positions in every fourth layer, experts that all see every token, most of them times zero.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, TURNS, VOCABULARY, WIDTH, config, count, optional,
};
use super::decoder::{alternating_blocks, embed, experts_chosen, language_head};
use super::llama::{Block, attend_cached, causal_mask, chunked_mask, grouped_heads};
use super::positions::complex_table;
use super::{ConfigError, Request};
use crate::program::{AttentionCall, Builder, Linear, Mask, Shape, Softmax, Tensor};
use crate::{Decimal, Refusal};

config! {
    /// Fields of `Llama4TextConfig`.
    Llama4 {
        hidden_size: u64 = 5_120, WIDTH, "Hidden size";
        intermediate_size: u64 = 8_192, WIDTH, "Intermediate size of an expert";
        intermediate_size_mlp: u64 = 16_384, WIDTH, "Intermediate size without experts";
        num_hidden_layers: u64 = 48, LAYERS, "Layers";
        interleave_moe_layer_step: u64 = 1, count(4), "Every which layer has experts";
        num_local_experts: u64 = 16, count(100_000), "Experts";
        num_experts_per_tok: u64 = 1, count(100_000), "Experts per token";
        num_attention_heads: u64 = 40, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 8, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 128, optional(1_000_000), "Head size";
        use_qk_norm: bool = 1, FLAG, "Queries and keys normalized";
        no_rope_layer_interval: u64 = 4, TURNS, "Every which layer has no positions";
        attention_chunk_size: u64 = 8_192, count(1_000_000_000), "Tokens of a chunk";
        attn_temperature_tuning: bool = 1, FLAG, "Scores grow with the position";
        vocab_size: u64 = 202_048, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 131_072, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        attention_bias: bool = 0, FLAG, "Attention bias";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
    }
}

/// What a layer does by its place.
#[derive(Debug, Clone, Copy)]
struct Layer {
    /// Whether positions turn its queries and keys, which then see their chunk alone.
    turned: bool,
    experts: bool,
}

impl Llama4 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        experts_chosen(self.num_experts_per_tok, "num_local_experts", self.num_local_experts)?;
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        let (kv_heads, head_dim) = grouped_heads(hidden, heads, self.num_key_value_heads, self.head_dim)?;
        let block = Block {
            activation: self.hidden_act,
            qkv_bias: self.attention_bias,
            output_bias: self.attention_bias,
            attention_dropout: self.attention_dropout,
            window: Some(self.attention_chunk_size),
            ..Block::llama(hidden, heads, kv_heads, head_dim, self.intermediate_size)
        };
        let (table, embedded) = embed(b, request, "embed_tokens", self.vocab_size, hidden);
        let (interval, step) = (self.no_rope_layer_interval, self.interleave_moe_layer_step);
        let turn = (interval..=interval * step).find(|turn| turn % interval == 0 && turn % step == 0);
        let hidden = b.module("", &[embedded], |b| {
            let full = causal_mask(b, request, embedded, None);
            let chunked = chunked_mask(b, request, embedded, self.attention_chunk_size);
            complex_table(b, request, embedded, head_dim);
            let layers = (self.num_hidden_layers, turn.unwrap_or(1));
            let last = alternating_blocks(b, request, layers.0, layers.1, embedded, |b, x, place| {
                let layer =
                    Layer { turned: !(place + 1).is_multiple_of(interval), experts: (place + 1).is_multiple_of(step) };
                self.layer(b, request, &block, x, layer, if layer.turned { chunked } else { full })
            });
            b.rms_norm(last)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn layer(&self, b: &mut Builder, request: &Request, block: &Block, x: Tensor, layer: Layer, mask: Mask) -> Tensor {
        let normal = b.rms_norm(x);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, block, normal, layer, mask));
        b.hold_attention_weights();
        b.local(attended);
        let x = b.add(x, attended);
        b.local(x);
        let normal = b.rms_norm(x);
        let out = if layer.experts {
            b.module("feed_forward", &[normal], |b| self.mixture(b, block, normal))
        } else {
            block.gated_mlp(b, normal, self.intermediate_size_mlp)
        };
        b.add(x, out)
    }

    fn attention(
        &self,
        b: &mut Builder,
        request: &Request,
        block: &Block,
        x: Tensor,
        layer: Layer,
        mask: Mask,
    ) -> Tensor {
        let Block { heads, kv_heads, head_dim, qkv_bias: bias, .. } = *block;
        let input = self.hidden_size;
        let [_, batch, length, _] = x.shape.0;
        let project = |b: &mut Builder, name, heads| {
            let projected = b.linear(x, Linear { name, input, output: heads * head_dim, bias });
            b.view_copied_back(projected, Shape([batch, heads, length, head_dim]))
        };
        let query = project(b, "q_proj", heads);
        let key = project(b, "k_proj", kv_heads);
        let value = project(b, "v_proj", kv_heads);
        let [query, key] = if layer.turned { b.rotated_as_complex_at_once([query, key]) } else { [query, key] };
        let normalized = self.use_qk_norm && layer.turned;
        let [query, key] =
            if normalized { [query, key].map(|part| b.rms_norm_without_weight(part)) } else { [query, key] };
        let query = if self.attn_temperature_tuning && !layer.turned {
            let scale = b.scales_by_position(length);
            b.local(scale);
            let scaled = b.multiply(query, scale);
            b.to(scaled, query.element)
        } else {
            query
        };
        let call = AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax: Softmax::Own,
            softcap: false,
            projected: true,
        };
        let context = attend_cached(b, request, call, block.window.filter(|_| layer.turned));
        b.linear(context, Linear { name: "o_proj", input: heads * head_dim, output: input, bias: block.output_bias })
    }

    /// Every token times its score of each expert goes through all of them (`Llama4TextMoe`).
    fn mixture(&self, b: &mut Builder, block: &Block, x: Tensor) -> Tensor {
        let (count, hidden, wide) = (self.num_local_experts, self.hidden_size, self.intermediate_size);
        let weights = [
            b.parameter("experts.gate_up_proj", Shape::of3(count, hidden, 2 * wide), 3),
            b.parameter("experts.down_proj", Shape::of3(count, wide, hidden), 3),
        ];
        let tokens = x.shape.elements().unwrap_or(0) / hidden.max(1);
        let flat = b.view(x, Shape::matrix(tokens, hidden));
        let [scores, logits] = b.module("router", &[flat], |b| {
            let router = Linear { name: "router", input: hidden, output: count, bias: false };
            if b.lora.is_some_and(|lora| lora.targets.contains(router.name)) {
                b.refuses_adapters(Refusal::Router);
            }
            let logits = b.without_adapters(|b| b.linear(flat, router));
            [b.scores_of_chosen(logits, self.num_experts_per_tok), logits]
        });
        b.local(scores);
        b.local(logits);
        let routed = b.repeated_for_each(flat, scores);
        b.local(routed);
        let out = b.module("experts", &[routed], |b| {
            let rows = b.view(routed, Shape::of3(count, tokens, hidden));
            let both = b.batched_matmul(rows, weights[0], Shape::of3(count, tokens, 2 * wide));
            b.local(both);
            let half = b.split(both, &[wide, wide]);
            let gate = b.activation(self.hidden_act, half[0]);
            let product = b.multiply(half[1], gate);
            b.batched_matmul(product, weights[1], Shape::of3(count, tokens, hidden))
        });
        b.local(out);
        let shared = block.gated_mlp(b, x, wide);
        let sum = b.summed_over_first(out, shared.shape);
        b.add_in_place(shared, sum)
    }
}
