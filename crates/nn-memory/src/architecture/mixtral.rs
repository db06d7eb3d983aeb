//! Mixtral (`modeling_mixtral.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count, optional,
};
use super::llama::{Block, grouped_heads, model};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, Experts};

config! {
    /// Fields of `MixtralConfig`.
    Mixtral {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 14_336, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 8, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 0, optional(1_000_000), "Head size";
        vocab_size: u64 = 32_000, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 131_072, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        sliding_window: Option<u64> = 0, optional(1_000_000_000), "Sliding window";
        num_local_experts: u64 = 8, count(100_000), "Experts";
        num_experts_per_tok: u64 = 2, count(100_000), "Experts per token";
    }
}

impl Mixtral {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, self.head_dim)?;
        let block = Block {
            activation: self.hidden_act,
            attention_dropout: self.attention_dropout,
            window: self.sliding_window,
            experts: Some(Experts {
                count: self.num_local_experts,
                per_token: self.num_experts_per_tok.min(self.num_local_experts),
                hidden: self.hidden_size,
                intermediate: self.intermediate_size,
                activation: self.hidden_act,
                normalized: true,
            }),
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        };
        model(b, request, &block, self.num_hidden_layers, self.vocab_size, self.tie_word_embeddings);
        Ok(())
    }
}
