//! Gemma 3 without its vision tower (`Gemma3ForCausalLM` of `modeling_gemma3.py`, transformers 5).

use super::config::{Activation, TURNS, config, optional};
use super::decoder::language_head;
use super::gemma::Gemma;
use super::llama::{Block, Norms, QueryKeyNorm, trunk};
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
            hidden_act as hidden_activation = Activation::GeluTanh as u64;
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
        let block = Block { norms: Norms::Around, query_key_norm: QueryKeyNorm::ProjectedHeads, ..self.gemma.block()? };
        let windowed = Block { window: self.sliding_window, ..block };
        let (table, hidden) = self.gemma.embed(b, request);
        // The last of each turn has no window. Layers with one have tables of their own.
        let kinds = windowed.before(block, self.sliding_window_pattern);
        let hidden = trunk(b, request, hidden, &kinds, layers, 2);
        language_head(b, request, hidden, tied.then_some(table), vocab_size, |_, logits| logits);
        Ok(())
    }
}
