//! OLMo 2 (`modeling_olmo2.py` of transformers 5): norms after attention and MLP, and on all queries and keys.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::llama::{Block, Norm, Norms, QueryKeyNorm, Rotary, grouped_heads, model};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `Olmo2Config`.
    Olmo2 {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 11_008, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 0, optional(1_000_000), "Key-value heads";
        vocab_size: u64 = 50_304, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        attention_bias: bool = 0, FLAG, "Attention bias";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

impl Olmo2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let block = self.block()?;
        model(b, request, &block, self.num_hidden_layers, self.vocab_size, self.tie_word_embeddings);
        Ok(())
    }

    /// OLMo 2's own, without windows.
    pub(super) fn block(&self) -> Result<Block, ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, None)?;
        Ok(Block {
            activation: self.hidden_act,
            qkv_bias: self.attention_bias,
            output_bias: self.attention_bias,
            attention_dropout: self.attention_dropout,
            norm: Norm::Olmo2,
            norms: Norms::After,
            query_key_norm: QueryKeyNorm::Whole,
            rotary: Rotary::WideTables,
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        })
    }
}
