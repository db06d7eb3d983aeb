//! Gemma 2 (`modeling_gemma2.py` of transformers 5).

use super::config::{Activation, config, optional};
use super::decoder::language_head;
use super::gemma::Gemma;
use super::llama::{Block, Norms, trunk};
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `Gemma2Config`.
    Gemma2 {
        ..gemma: Gemma {
            hidden_size = 2_304;
            intermediate_size = 9_216;
            num_hidden_layers = 26;
            num_attention_heads = 8;
            num_key_value_heads = 4;
            hidden_act as hidden_activation = Activation::GeluTanh as u64;
        }
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
    }
}

impl Gemma2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let Gemma { num_hidden_layers: layers, vocab_size, tie_word_embeddings: tied, .. } = self.gemma;
        let block = Block { norms: Norms::Around, softcap: true, ..self.gemma.block()? };
        let windowed = Block { window: self.sliding_window, ..block };
        let (table, hidden) = self.gemma.embed(b, request);
        // Layers with a window and without take turns, one with a window first.
        let hidden = trunk(b, request, hidden, &[windowed, block], layers, 1);
        language_head(b, request, hidden, tied.then_some(table), vocab_size, |b, logits| {
            let scaled = b.scale(logits);
            let capped = b.map_saving_output("tanh", scaled);
            b.scale(capped)
        });
        Ok(())
    }
}
