//! Gemma 3 without its vision tower (`Gemma3ForCausalLM` of `modeling_gemma3.py`, transformers 5).

use super::config::{TURNS, config, optional};
use super::decoder::{alternating_blocks, language_head};
use super::gemma::Gemma;
use super::llama::{Block, Norms, QueryKeyNorm, causal_mask, rotary_table};
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `Gemma3TextConfig`.
    Gemma3 {
        ..gemma: Gemma {
            hidden_size = 2_304;
            intermediate_size = 9_216;
            num_hidden_layers = 26;
            num_attention_heads = 8;
            num_key_value_heads = 4;
            vocab_size = 262_208;
            max_position_embeddings = 131_072;
        }
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
        sliding_window_pattern: u64 = 6, TURNS, "Every which layer has no window";
    }
}

impl Gemma3 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let Gemma { num_hidden_layers: layers, vocab_size, tie_word_embeddings: tied, .. } = self.gemma;
        let block = Block { norms: Norms::Around, query_key_norm: QueryKeyNorm::Heads, ..self.gemma.block()? };
        let windowed = Block { window: self.sliding_window, ..block };
        let period = self.sliding_window_pattern;
        let (table, hidden) = self.gemma.embed(b, request);
        // The model's frame holds what it embedded until it returns.
        let hidden = b.module("", &[hidden], |b| {
            let full = causal_mask(b, request, hidden, None);
            let sliding = causal_mask(b, request, hidden, self.sliding_window);
            // Layers with a window have tables of their own.
            rotary_table(b, hidden, block.head_dim);
            rotary_table(b, hidden, block.head_dim);
            let hidden = alternating_blocks(b, request, layers, period, hidden, |b, x, place| {
                if place + 1 < period {
                    windowed.lower(b, request, x, sliding)
                } else {
                    block.lower(b, request, x, full)
                }
            });
            block.norm(b, hidden)
        });
        language_head(b, request, hidden, tied.then_some(table), vocab_size, |_, logits| logits);
        Ok(())
    }
}
