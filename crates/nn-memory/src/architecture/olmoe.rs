//! OLMoE (`modeling_olmoe.py` of transformers 5).

use super::config::{FLAG, config, count};
use super::decoder::experts_chosen;
use super::llama::{Block, QueryKeyNorm, grouped_heads, model};
use super::olmo::Olmo;
use super::{ConfigError, Request};
use crate::program::{Builder, ExpertTargets, Experts};

config! {
    /// Fields of `OlmoeConfig`.
    Olmoe {
        ..olmo: Olmo {
            hidden_size = 2_048;
            intermediate_size = 2_048;
            num_hidden_layers = 16;
            num_attention_heads = 16;
            max_position_embeddings = 4_096;
        }
        num_experts: u64 = 64, count(100_000), "Experts";
        num_experts_per_tok: u64 = 8, count(100_000), "Experts per token";
        norm_topk_prob: bool = 0, FLAG, "Weights of experts sum to one";
    }
}

impl Olmoe {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let olmo = &self.olmo;
        let (kv_heads, head_dim) =
            grouped_heads(olmo.hidden_size, olmo.num_attention_heads, olmo.num_key_value_heads, None)?;
        let experts = Experts {
            count: self.num_experts,
            per_token: experts_chosen(self.num_experts_per_tok, "num_experts", self.num_experts)?,
            hidden: olmo.hidden_size,
            intermediate: olmo.intermediate_size,
            activation: olmo.hidden_act,
            normalized: self.norm_topk_prob,
            narrowed: true,
            targets: Some(ExpertTargets::QWEN),
        };
        let block = Block {
            activation: olmo.hidden_act,
            qkv_bias: olmo.attention_bias,
            output_bias: olmo.attention_bias,
            attention_dropout: olmo.attention_dropout,
            query_key_norm: QueryKeyNorm::Whole,
            clamped: olmo.clip_qkv.is_some(),
            experts: Some(experts),
            ..Block::llama(olmo.hidden_size, olmo.num_attention_heads, kv_heads, head_dim, olmo.intermediate_size)
        };
        model(b, request, &block, olmo.num_hidden_layers, olmo.vocab_size, olmo.tie_word_embeddings);
        Ok(())
    }
}
