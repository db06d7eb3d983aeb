//! LG's EXAONE 4 (`modeling_exaone4.py` of transformers 5): norms after attention and MLP, and where some layers have a window
//! no positions in the others.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, TURNS, VOCABULARY, WIDTH, config, optional,
};
use super::llama::{Block, Norms, QueryKeyNorm, Rotary, grouped_heads, model_in_turn};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `Exaone4Config`.
    Exaone4 {
        hidden_size: u64 = 4_096, WIDTH, "Hidden size";
        intermediate_size: u64 = 16_384, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 32, LAYERS, "Layers";
        num_attention_heads: u64 = 32, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 32, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 0, optional(1_000_000), "Head size";
        vocab_size: u64 = 102_400, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 2_048, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
        sliding_window_pattern: u64 = 4, TURNS, "Every which layer has no window";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
    }
}

impl Exaone4 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let heads = self.num_attention_heads;
        let (kv_heads, head_dim) = grouped_heads(self.hidden_size, heads, self.num_key_value_heads, self.head_dim)?;
        let turned = Block {
            activation: self.hidden_act,
            attention_dropout: self.attention_dropout,
            query_key_norm: QueryKeyNorm::ProjectedHeads,
            norms: Norms::After,
            window: self.sliding_window,
            ..Block::llama(self.hidden_size, heads, kv_heads, head_dim, self.intermediate_size)
        };
        let kinds = match self.sliding_window {
            None => vec![turned],
            Some(_) => {
                turned.before(Block { window: None, rotary: Rotary::None, ..turned }, self.sliding_window_pattern)
            }
        };
        let embeddings = (self.vocab_size, self.tie_word_embeddings);
        model_in_turn(b, request, &kinds, self.num_hidden_layers, embeddings, 1);
        Ok(())
    }
}
