//! Gemma 2 (`modeling_gemma2.py` of transformers 5).

use super::config::{config, optional};
use super::decoder::{alternating_blocks, language_head};
use super::gemma::Gemma;
use super::llama::{Block, Norms, causal_mask, rotary_table};
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
        // The model's frame holds what it embedded until it returns.
        let hidden = b.module("", &[hidden], |b| {
            let full = causal_mask(b, request, hidden, None);
            let sliding = causal_mask(b, request, hidden, self.sliding_window);
            rotary_table(b, hidden, block.head_dim);
            // Layers with a window and without take turns, one with a window first.
            let hidden = alternating_blocks(b, request, layers, 2, hidden, |b, x, place| {
                if place == 0 { windowed.lower(b, request, x, sliding) } else { block.lower(b, request, x, full) }
            });
            block.norm(b, hidden)
        });
        language_head(b, request, hidden, tied.then_some(table), vocab_size, |b, logits| {
            let scaled = b.scale(logits);
            let capped = b.map_saving_output("tanh", scaled);
            b.scale(capped)
        });
        Ok(())
    }
}
