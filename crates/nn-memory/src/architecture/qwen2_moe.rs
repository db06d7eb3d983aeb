//! Qwen 1.5 and 2 with experts (`modeling_qwen2_moe.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count, optional,
};
use super::llama::{Block, grouped_heads, model};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, Experts};

config! {
    /// Fields of `Qwen2MoeConfig`.
    Qwen2Moe {
        hidden_size: u64 = 2_048, WIDTH, "Hidden size";
        intermediate_size: u64 = 5_632, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 24, LAYERS, "Layers";
        num_attention_heads: u64 = 16, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 16, optional(1_000_000), "Key-value heads";
        vocab_size: u64 = 151_936, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 32_768, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        num_experts: u64 = 60, count(100_000), "Experts";
        num_experts_per_tok: u64 = 4, count(100_000), "Experts per token";
        moe_intermediate_size: u64 = 1_408, WIDTH, "Intermediate size of an expert";
        shared_expert_intermediate_size: u64 = 5_632, WIDTH, "Intermediate size of the shared expert";
        norm_topk_prob: bool = 0, FLAG, "Weights of experts sum to one";
        qkv_bias: bool = 1, FLAG, "Attention bias";
    }
}

impl Qwen2Moe {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, None)?;
        let block = Block {
            activation: self.hidden_act,
            attention_dropout: self.attention_dropout,
            qkv_bias: self.qkv_bias,
            experts: Some(Experts {
                count: self.num_experts,
                per_token: self.num_experts_per_tok.min(self.num_experts),
                hidden: self.hidden_size,
                intermediate: self.moe_intermediate_size,
                activation: self.hidden_act,
                normalized: self.norm_topk_prob,
            }),
            shared_expert: Some(self.shared_expert_intermediate_size),
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        };
        model(b, request, &block, self.num_hidden_layers, self.vocab_size, self.tie_word_embeddings);
        Ok(())
    }
}
