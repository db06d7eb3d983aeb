//! OLMo 3 (`modeling_olmo3.py` of transformers 5): OLMo 2 with a window in three of four layers.

use super::config::{config, optional};
use super::llama::{Block, model_in_turn};
use super::olmo2::Olmo2;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `Olmo3Config`.
    Olmo3 {
        ..olmo2: Olmo2 {}
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
    }
}

impl Olmo3 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let Olmo2 { num_hidden_layers: layers, vocab_size, tie_word_embeddings: tied, .. } = self.olmo2;
        let full = self.olmo2.block()?;
        let windowed = Block { window: self.sliding_window, ..full };
        model_in_turn(b, request, &[windowed, windowed, windowed, full], layers, (vocab_size, tied), 2);
        Ok(())
    }
}
