//! SmolLM 3 (`modeling_smollm3.py` of transformers 5): Llama's blocks, one in four of them without positions.

use super::config::{FLAG, RATE, config, optional};
use super::llama::{Block, Llama, Rotary, model_in_turn};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `SmolLM3Config`.
    SmolLm3 {
        ..llama: Llama {
            hidden_size = 2_048;
            num_hidden_layers = 36;
            num_attention_heads = 16;
            num_key_value_heads = 4;
            vocab_size = 128_256;
            max_position_embeddings = 32_768;
            tie_word_embeddings = 1;
        }
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        use_sliding_window: bool = 0, FLAG, "Sliding window in use";
        sliding_window: Option<u64> = 0, optional(1_000_000_000), "Sliding window";
    }
}

impl SmolLm3 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let Llama { num_hidden_layers: layers, vocab_size, tie_word_embeddings: tied, .. } = self.llama;
        let turned = Block { attention_dropout: self.attention_dropout, ..self.llama.block()? };
        let window = self.sliding_window.filter(|_| self.use_sliding_window);
        let plain = Block { rotary: Rotary::None, window, ..turned };
        model_in_turn(b, request, &[turned, turned, turned, plain], layers, (vocab_size, tied), 1);
        Ok(())
    }
}
