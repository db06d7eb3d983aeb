//! Gemma 2 (`modeling_gemma2.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{alternating_blocks, language_head, tokens};
use super::llama::{Block, causal_mask, grouped_heads, rotary_table};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, Shape};

config! {
    /// Fields of `Gemma2Config`.
    Gemma2 {
        hidden_size: u64 = 2_304, WIDTH, "Hidden size";
        intermediate_size: u64 = 9_216, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 26, LAYERS, "Layers";
        num_attention_heads: u64 = 8, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 4, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 256, optional(1_000_000), "Head size";
        vocab_size: u64 = 256_000, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 8_192, POSITIONS, "Positions";
        hidden_act: Activation = Activation::GeluTanh as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        attention_bias: bool = 0, FLAG, "Attention bias";
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
    }
}

impl Gemma2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, self.head_dim)?;
        let block = Block {
            activation: self.hidden_act,
            attention_dropout: self.attention_dropout,
            qkv_bias: self.attention_bias,
            output_bias: self.attention_bias,
            gemma_norm: true,
            sandwich: true,
            softcap: true,
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        };
        let windowed = Block { window: self.sliding_window, ..block };
        let ids = tokens(b, request);
        let table = b.parameter("embed_tokens", Shape::matrix(self.vocab_size, self.hidden_size), 2);
        let hidden = b.module("embeddings", &[], |b| {
            let embedded = b.embedding(ids, table);
            b.scale(embedded)
        });
        // The model's frame holds what it embedded until it returns.
        let hidden = b.module("", &[hidden], |b| {
            let full = causal_mask(b, request, hidden, None);
            let sliding = causal_mask(b, request, hidden, self.sliding_window);
            rotary_table(b, hidden, head_dim);
            // Layers with a window and without take turns, one with a window first.
            let hidden = alternating_blocks(b, request, self.num_hidden_layers, 2, hidden, |b, x, place| {
                if place == 0 { windowed.lower(b, request, x, sliding) } else { block.lower(b, request, x, full) }
            });
            block.norm(b, hidden)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |b, logits| {
            let scaled = b.scale(logits);
            let capped = b.map_saving_output("tanh", scaled);
            b.scale(capped)
        });
        Ok(())
    }
}
