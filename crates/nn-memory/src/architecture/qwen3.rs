//! Qwen 3 (`modeling_qwen3.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::llama::{Block, QueryKeyNorm, grouped_heads};
use super::qwen2::Windows;
use super::{ConfigError, FieldKind, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `Qwen3Config` without its sliding window.
    Qwen3Base {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 22_016, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 32, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 128, optional(1_000_000), "Head size";
        vocab_size: u64 = 151_936, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 32_768, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        attention_bias: bool = 0, FLAG, "Attention bias";
    }
}

config! {
    /// Fields of `Qwen3Config`.
    Qwen3 {
        ..base: Qwen3Base {}
        use_sliding_window: bool = 0, FLAG, "Sliding window in use";
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
        max_window_layers: u64 = 28, FieldKind::Count { minimum: 0, maximum: 1_000_000 }, "Layers without a window";
    }
}

impl Qwen3 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let Self { use_sliding_window: in_use, sliding_window: window, max_window_layers: before, base } = *self;
        let windows = Windows { in_use, window, before };
        let (layers, tied) = (base.num_hidden_layers, base.tie_word_embeddings);
        windows.model(b, request, base.block()?, layers, base.vocab_size, tied);
        Ok(())
    }
}

impl Qwen3Base {
    /// Qwen3's own, without experts.
    pub(super) fn block(&self) -> Result<Block, ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, self.head_dim)?;
        Ok(Block {
            activation: self.hidden_act,
            attention_dropout: self.attention_dropout,
            qkv_bias: self.attention_bias,
            output_bias: self.attention_bias,
            query_key_norm: QueryKeyNorm::Heads,
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        })
    }
}
