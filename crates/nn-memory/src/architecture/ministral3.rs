//! Ministral 3 (`modeling_ministral3.py` of transformers 5): Mistral with queries that grow with their position.

use super::config::config;
use super::llama::Block;
use super::mistral::Mistral;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `Ministral3Config`.
    Ministral3 {
        ..mistral: Mistral {
            num_hidden_layers = 34;
            head_dim = 128;
            vocab_size = 131_072;
            max_position_embeddings = 262_144;
            sliding_window = 0;
        }
    }
}

impl Ministral3 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let block = Block { scaled_queries: true, ..self.mistral.block()? };
        self.mistral.model(b, request, &block);
        Ok(())
    }
}
