//! Cohere's Command R and Aya (`modeling_cohere.py` of transformers 5): attention and MLP side by side.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{embed, language_head};
use super::llama::{Block, Norm, QueryKeyNorm, Rotary, grouped_heads, trunk};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields that `CohereConfig` and `Cohere2Config` share.
    Command {
        hidden_size: u64 = 8_192, WIDTH, "Hidden size";
        intermediate_size: u64 = 22_528, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 40, LAYERS, "Layers";
        num_attention_heads: u64 = 64, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 0, optional(1_000_000), "Key-value heads";
        vocab_size: u64 = 256_000, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 8_192, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        attention_bias: bool = 0, FLAG, "Attention bias";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

config! {
    /// Fields of `CohereConfig`.
    Cohere {
        ..command: Command {}
        use_qk_norm: bool = 0, FLAG, "Norm on queries and keys";
    }
}

impl Cohere {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let query_key_norm = if self.use_qk_norm { QueryKeyNorm::ProjectedHeads } else { QueryKeyNorm::None };
        let block = Block { query_key_norm, ..self.command.block()? };
        self.command.model(b, request, &[block]);
        Ok(())
    }
}

impl Command {
    pub(super) fn block(&self) -> Result<Block, ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, self.num_key_value_heads, None)?;
        Ok(Block {
            activation: self.hidden_act,
            qkv_bias: self.attention_bias,
            output_bias: self.attention_bias,
            attention_dropout: self.attention_dropout,
            norm: Norm::Cohere,
            rotary: Rotary::Wide,
            parallel: true,
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        })
    }

    /// The whole model around blocks whose kinds take turns.
    pub(super) fn model(&self, b: &mut Builder, request: &Request, kinds: &[Block]) {
        let (table, hidden) = embed(b, request, "embed_tokens", self.vocab_size, self.hidden_size);
        let hidden = trunk(b, request, hidden, kinds, self.num_hidden_layers, 1);
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |b, logits| b.scale(logits));
    }
}
