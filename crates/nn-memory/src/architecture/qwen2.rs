//! Qwen 1.5, 2 and 2.5 (`modeling_qwen2.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::llama::{Block, grouped_heads, model_with_windows};
use super::{ConfigError, FieldKind, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `Qwen2Config` without its sliding window.
    Qwen2Base {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 22_016, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 32, optional(1_000_000), "Key-value heads";
        vocab_size: u64 = 151_936, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 32_768, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

config! {
    /// Fields of `Qwen2Config`.
    Qwen2 {
        ..base: Qwen2Base {}
        use_sliding_window: bool = 0, FLAG, "Sliding window in use";
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
        max_window_layers: u64 = 28, FieldKind::Count { minimum: 0, maximum: 1_000_000 }, "Layers without a window";
    }
}

/// Which layers have a window: where it is in use, those after the first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) in_use: bool,
    pub(super) window: Option<u64>,
    /// Layers without one, before the others.
    pub(super) before: u64,
}

impl Windows {
    /// The whole model around such blocks.
    pub(super) fn model(
        self,
        b: &mut Builder,
        request: &Request,
        block: Block,
        layers: u64,
        vocabulary: u64,
        tied: bool,
    ) {
        let window = self.window.filter(|_| self.in_use && self.before < layers);
        let windowless = window.map_or(0, |_| self.before);
        model_with_windows(b, request, &Block { window, ..block }, layers, vocabulary, tied, windowless);
    }
}

impl Qwen2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let Self { use_sliding_window: in_use, sliding_window: window, max_window_layers: before, base } = *self;
        let windows = Windows { in_use, window, before };
        let (layers, tied) = (base.num_hidden_layers, base.tie_word_embeddings);
        windows.model(b, request, base.block()?, layers, base.vocab_size, tied);
        Ok(())
    }
}

impl Qwen2Base {
    /// Qwen2's own, without experts.
    pub(super) fn block(&self) -> Result<Block, ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, None)?;
        Ok(Block {
            activation: self.hidden_act,
            attention_dropout: self.attention_dropout,
            qkv_bias: true,
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        })
    }
}
