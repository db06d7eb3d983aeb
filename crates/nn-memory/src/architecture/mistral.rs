//! Mistral (`modeling_mistral.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::llama::{Block, grouped_heads, model};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `MistralConfig`.
    Mistral {
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
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
    }
}

impl Mistral {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let block = self.block()?;
        self.model(b, request, &block);
        Ok(())
    }

    /// Mistral's own, without Mixtral's experts.
    pub(super) fn block(&self) -> Result<Block, ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, self.head_dim)?;
        Ok(Block {
            activation: self.hidden_act,
            attention_dropout: self.attention_dropout,
            window: self.sliding_window,
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        })
    }

    pub(super) fn model(&self, b: &mut Builder, request: &Request, block: &Block) {
        let Self { num_hidden_layers: layers, vocab_size, tie_word_embeddings: tied, .. } = *self;
        model(b, request, block, layers, vocab_size, tied);
    }
}
