//! DeepSeek-V3 and R1 (`modeling_deepseek_v3.py` of transformers 5), without the modules that predict further tokens,
//! which no step runs.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count, optional,
};
use super::decoder::{divisible, experts_chosen};
use super::latent::{Latent, Positions};
use super::llama::Block;
use super::sparse::Sparse;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, ExpertTargets, Experts, Groups, Shape};

config! {
    /// Fields of `DeepseekV3Config`.
    DeepseekV3 {
        hidden_size: u64 = 7_168, WIDTH, "Hidden size";
        intermediate_size: u64 = 18_432, WIDTH, "Intermediate size";
        moe_intermediate_size: u64 = 2_048, WIDTH, "Intermediate size of an expert";
        num_hidden_layers: u64 = 61, LAYERS, "Layers";
        first_k_dense_replace: Option<u64> = 3, optional(1_000_000), "Layers without experts";
        num_attention_heads: u64 = 128, HEADS, "Attention heads";
        q_lora_rank: Option<u64> = 1_536, optional(10_000_000), "Latent size of queries";
        kv_lora_rank: u64 = 512, WIDTH, "Latent size of keys and values";
        qk_nope_head_dim: u64 = 128, WIDTH, "Head size without positions";
        qk_rope_head_dim: u64 = 64, WIDTH, "Head size with positions";
        v_head_dim: u64 = 128, WIDTH, "Head size of values";
        n_routed_experts: u64 = 256, count(100_000), "Experts";
        num_experts_per_tok: u64 = 8, count(100_000), "Experts per token";
        n_shared_experts: u64 = 1, count(100_000), "Shared experts";
        n_group: u64 = 8, count(100_000), "Groups of experts";
        topk_group: u64 = 4, count(100_000), "Groups per token";
        norm_topk_prob: bool = 1, FLAG, "Weights of experts sum to one";
        vocab_size: u64 = 129_280, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 4_096, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        rope_interleave: bool = 1, FLAG, "Positions turn neighbours";
        attention_bias: bool = 0, FLAG, "Attention bias";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
    }
}

impl DeepseekV3 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("n_routed_experts", self.n_routed_experts, "n_group", self.n_group)?;
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        let block = Block {
            activation: self.hidden_act,
            qkv_bias: self.attention_bias,
            output_bias: self.attention_bias,
            attention_dropout: self.attention_dropout,
            ..Block::llama(hidden, heads, heads, self.qk_nope_head_dim + self.qk_rope_head_dim, self.intermediate_size)
        };
        let decoder = Sparse {
            block,
            layers: self.num_hidden_layers,
            dense: self.first_k_dense_replace.unwrap_or(0),
            experts: Experts {
                count: self.n_routed_experts,
                per_token: experts_chosen(self.num_experts_per_tok, "n_routed_experts", self.n_routed_experts)?,
                hidden: self.hidden_size,
                intermediate: self.moe_intermediate_size,
                activation: self.hidden_act,
                normalized: self.norm_topk_prob,
                narrowed: false,
                targets: Some(ExpertTargets::QWEN),
            },
            shared_experts: self.n_shared_experts,
            vocabulary: self.vocab_size,
            tied: self.tie_word_embeddings,
        };
        let model = Latent {
            decoder,
            latent_of_queries: self.q_lora_rank,
            latent: self.kv_lora_rank,
            still: self.qk_nope_head_dim,
            turned: self.qk_rope_head_dim,
            values: self.v_head_dim,
            positions: if self.rope_interleave { Positions::Neighbours } else { Positions::Halves },
        };
        let groups = Groups {
            count: self.n_routed_experts,
            groups: self.n_group,
            chosen: self.topk_group.min(self.n_group),
            per_token: decoder.experts.per_token,
            normalized: self.norm_topk_prob,
        };
        model.lower(b, request, |b, x, router| {
            let bias = b.buffer(Shape::vector(groups.count), b.mode.parameters);
            b.route_in_groups(x, router, bias, &groups)
        })
    }
}
