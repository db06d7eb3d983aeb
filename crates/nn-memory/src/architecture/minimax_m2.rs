//! MiniMax-M2 (`modeling_minimax_m2.py` of transformers 5): experts in all layers, chosen by sigmoids, without the modules
//! that predict further tokens, which no step runs.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count, optional,
};
use super::decoder::experts_chosen;
use super::gpt_neox::rotary_width;
use super::llama::{Block, QueryKeyNorm, Rotary, grouped_heads};
use super::sparse::Sparse;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, ExpertTargets, Experts, Shape};

config! {
    /// Fields of `MiniMaxM2Config`.
    MiniMaxM2 {
        hidden_size: u64 = 3_072, WIDTH, "Hidden size";
        intermediate_size: u64 = 1_536, WIDTH, "Intermediate size of an expert";
        num_hidden_layers: u64 = 62, LAYERS, "Layers";
        num_attention_heads: u64 = 48, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 8, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 128, optional(1_000_000), "Head size";
        num_local_experts: u64 = 256, count(100_000), "Experts";
        num_experts_per_tok: u64 = 8, count(100_000), "Experts per token";
        vocab_size: u64 = 200_064, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 196_608, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        partial_rotary_factor: Decimal = 1_000_000, RATE, "Rotary part of a head";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
    }
}

impl MiniMaxM2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        let (kv_heads, head_dim) = grouped_heads(hidden, heads, self.num_key_value_heads, self.head_dim)?;
        let block = Block {
            activation: self.hidden_act,
            attention_dropout: self.attention_dropout,
            query_key_norm: QueryKeyNorm::Whole,
            rotary: Rotary::Part(rotary_width(head_dim, self.partial_rotary_factor)),
            ..Block::llama(hidden, heads, kv_heads, head_dim, self.intermediate_size)
        };
        let experts = Experts {
            count: self.num_local_experts,
            per_token: experts_chosen(self.num_experts_per_tok, "num_local_experts", self.num_local_experts)?,
            hidden,
            intermediate: self.intermediate_size,
            activation: self.hidden_act,
            normalized: true,
            narrowed: false,
            targets: Some(ExpertTargets::MIXTRAL),
        };
        let decoder = Sparse {
            block,
            layers: self.num_hidden_layers,
            dense: 0,
            experts,
            shared_experts: 0,
            vocabulary: self.vocab_size,
            tied: self.tie_word_embeddings,
        };
        decoder.lower(
            b,
            request,
            |b, hidden| block.rotary_table(b, request, hidden),
            |b, x, mask| block.attention(b, request, x, mask),
            |b, x, router| {
                let bias = b.buffer(Shape::vector(experts.count), b.mode.parameters);
                b.route_by_sigmoid(x, router, bias, experts.per_token)
            },
        )
    }
}
