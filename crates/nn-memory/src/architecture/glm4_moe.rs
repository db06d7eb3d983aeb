//! GLM-4.5 and 4.6 (`modeling_glm4_moe.py` of transformers 5): Llama's attention with a part of each head turned, experts as
//! DeepSeek-V3 chooses them; without the modules that predict further tokens, which no step runs.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count, optional,
};
use super::decoder::{divisible, experts_chosen};
use super::gpt_neox::rotary_width;
use super::llama::{Block, QueryKeyNorm, Rotary, grouped_heads};
use super::sparse::Sparse;
use super::{ConfigError, FieldKind, Request};
use crate::Decimal;
use crate::program::{Builder, ElementType, ExpertTargets, Experts, Groups, Shape};

config! {
    /// Fields of `Glm4MoeConfig`, with the size of a head that all published files give: the class has none.
    Glm4Moe {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 10_944, WIDTH, "Intermediate size";
        moe_intermediate_size: u64 = 1_408, WIDTH, "Intermediate size of an expert";
        num_hidden_layers: u64 = 46, LAYERS, "Layers";
        first_k_dense_replace: u64 = 1, FieldKind::Count { minimum: 0, maximum: 1_000_000 }, "Layers without experts";
        num_attention_heads: u64 = 96, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 8, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 128, optional(1_000_000), "Head size";
        use_qk_norm: bool = 0, FLAG, "Queries and keys normalized";
        n_routed_experts: u64 = 128, count(100_000), "Experts";
        num_experts_per_tok: u64 = 8, count(100_000), "Experts per token";
        n_shared_experts: u64 = 1, count(100_000), "Shared experts";
        n_group: u64 = 1, count(100_000), "Groups of experts";
        topk_group: u64 = 1, count(100_000), "Groups per token";
        norm_topk_prob: bool = 1, FLAG, "Weights of experts sum to one";
        vocab_size: u64 = 151_552, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 131_072, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        partial_rotary_factor: Decimal = 500_000, RATE, "Rotary part of a head";
        attention_bias: bool = 0, FLAG, "Attention bias";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
    }
}

impl Glm4Moe {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("n_routed_experts", self.n_routed_experts, "n_group", self.n_group)?;
        let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
        let (kv_heads, head_dim) = grouped_heads(hidden, heads, self.num_key_value_heads, self.head_dim)?;
        let block = Block {
            activation: self.hidden_act,
            qkv_bias: self.attention_bias,
            attention_dropout: self.attention_dropout,
            query_key_norm: if self.use_qk_norm { QueryKeyNorm::ProjectedHeads } else { QueryKeyNorm::None },
            rotary: Rotary::Part(rotary_width(head_dim, self.partial_rotary_factor)),
            ..Block::llama(hidden, heads, kv_heads, head_dim, self.intermediate_size)
        };
        let experts = Experts {
            count: self.n_routed_experts,
            per_token: experts_chosen(self.num_experts_per_tok, "n_routed_experts", self.n_routed_experts)?,
            hidden,
            intermediate: self.moe_intermediate_size,
            activation: self.hidden_act,
            normalized: self.norm_topk_prob,
            narrowed: false,
            targets: Some(ExpertTargets::QWEN),
        };
        let decoder = Sparse {
            block,
            layers: self.num_hidden_layers,
            dense: self.first_k_dense_replace,
            experts,
            shared_experts: self.n_shared_experts,
            vocabulary: self.vocab_size,
            tied: self.tie_word_embeddings,
        };
        let groups = Groups {
            count: experts.count,
            groups: self.n_group,
            chosen: self.topk_group.min(self.n_group),
            per_token: experts.per_token,
            normalized: experts.normalized,
        };
        decoder.lower(
            b,
            request,
            |b, hidden| block.rotary_table(b, request, hidden),
            |b, x, mask| block.attention(b, request, x, mask),
            |b, x, router| {
                let bias = b.buffer(Shape::vector(groups.count), ElementType::Fp32);
                b.route_in_groups(x, router, bias, &groups)
            },
        )
    }
}
