//! Gemma 1 (`modeling_gemma.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{embedded, language_head, tokens};
use super::llama::{Block, Norm, grouped_heads, trunk};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, Shape, Tensor};

config! {
    /// Fields of `GemmaConfig`.
    Gemma {
        hidden_size: u64 = 3_072, WIDTH, "Hidden size";
        intermediate_size: u64 = 24_576, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 28, LAYERS, "Layers";
        num_attention_heads: u64 = 16, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 16, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 256, optional(1_000_000), "Head size";
        vocab_size: u64 = 256_000, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 8_192, POSITIONS, "Positions";
        hidden_act: Activation = Activation::GeluTanh as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        attention_bias: bool = 0, FLAG, "Attention bias";
    }
}

impl Gemma {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let block = self.block()?;
        let (table, hidden) = self.embed(b, request);
        let hidden = trunk(b, request, hidden, &[block], self.num_hidden_layers, 1);
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    /// Gemma's own, without what Gemma 2 adds.
    pub(super) fn block(&self) -> Result<Block, ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, self.head_dim)?;
        Ok(Block {
            activation: self.hidden_act,
            attention_dropout: self.attention_dropout,
            qkv_bias: self.attention_bias,
            output_bias: self.attention_bias,
            norm: Norm::Gemma,
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        })
    }

    /// The table of tokens, and what the tokens of the pass are there, scaled.
    pub(super) fn embed(&self, b: &mut Builder, request: &Request) -> (Tensor, Tensor) {
        let ids = tokens(b, request);
        let table = b.parameter("embed_tokens", Shape::matrix(self.vocab_size, self.hidden_size), 2);
        let hidden = b.module("embeddings", &[], |b| {
            let tokens = b.embedding(ids, table);
            let tokens = b.scale(tokens);
            embedded(b, request, tokens)
        });
        (table, hidden)
    }
}
