//! DeepSeek-V2 (`modeling_deepseek_v2.py` of transformers 5): the blocks of V3, positions as complex numbers, experts
//! chosen by a softmax.

use super::config::{
    ACTIVATION, Activation, FLAG, FieldKind, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count, optional,
};
use super::decoder::{divisible, experts_chosen};
use super::latent::{Latent, Positions};
use super::llama::Block;
use super::sparse::Sparse;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, ExpertTargets, Experts};

config! {
    /// Fields of `DeepseekV2Config`. Its experts per token have no default: 6 are those of DeepSeek-V2-Lite.
    DeepseekV2 {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 11_008, WIDTH, "Intermediate size";
        moe_intermediate_size: u64 = 1_407, WIDTH, "Intermediate size of an expert";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        first_k_dense_replace: Option<u64> = 0, optional(1_000_000), "Layers without experts";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        q_lora_rank: Option<u64> = 1_536, optional(10_000_000), "Latent size of queries";
        kv_lora_rank: u64 = 512, WIDTH, "Latent size of keys and values";
        qk_nope_head_dim: u64 = 128, WIDTH, "Head size without positions";
        qk_rope_head_dim: u64 = 64, WIDTH, "Head size with positions";
        v_head_dim: u64 = 128, WIDTH, "Head size of values";
        n_routed_experts: u64 = 64, count(100_000), "Experts";
        num_experts_per_tok: u64 = 6, count(100_000), "Experts per token";
        n_shared_experts: u64 = 2, count(100_000), "Shared experts";
        topk_method: Method = 0, FieldKind::Choice(Method::NAMES), "Choice of experts";
        n_group: Option<u64> = 0, optional(100_000), "Groups of experts";
        topk_group: Option<u64> = 0, optional(100_000), "Groups per token";
        vocab_size: u64 = 102_400, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        attention_bias: bool = 0, FLAG, "Attention bias";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
    }
}

/// How experts are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// The best of all.
    Greedy,
    /// The best of those in the best groups.
    GroupLimited,
}

impl Method {
    const NAMES: &'static [&'static str] = &["greedy", "group_limited_greedy"];
}

impl super::config::Coded for Method {
    fn decode(code: u64) -> Self {
        if code == 0 { Self::Greedy } else { Self::GroupLimited }
    }
}

impl DeepseekV2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let groups = self.n_group.unwrap_or(1);
        let limited = self.topk_method == Method::GroupLimited;
        if limited {
            divisible("n_routed_experts", self.n_routed_experts, "n_group", groups)?;
        }
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
                normalized: false,
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
            positions: Positions::Complex,
        };
        let limits = limited.then(|| (groups, self.topk_group.unwrap_or(1).min(groups)));
        let per_token = decoder.experts.per_token;
        model.lower(b, request, |b, x, router| b.route_to_best(x, router, per_token, limits))
    }
}
