//! ByteDance's Seed-OSS (`modeling_seed_oss.py` of transformers 5): Llama's block, with dropout after attention and MLP.

use super::config::{FLAG, RATE, config};
use super::llama::{Block, Llama, model};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `SeedOssConfig`.
    SeedOss {
        ..llama: Llama {
            intermediate_size = 27_648;
            num_hidden_layers = 64;
            num_attention_heads = 80;
            num_key_value_heads = 8;
            head_dim = 128;
            vocab_size = 155_136;
            max_position_embeddings = 524_288;
            attention_bias = 1;
        }
        attention_out_bias: bool = 0, FLAG, "Bias of attention's output";
        attention_dropout: Decimal = 100_000, RATE, "Attention dropout";
        residual_dropout: Decimal = 100_000, RATE, "Residual dropout";
    }
}

impl SeedOss {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let Llama { num_hidden_layers: layers, vocab_size, tie_word_embeddings: tied, .. } = self.llama;
        let block = Block {
            output_bias: self.attention_out_bias,
            attention_dropout: self.attention_dropout,
            residual_dropout: self.residual_dropout,
            ..self.llama.block()?
        };
        model(b, request, &block, layers, vocab_size, tied);
        Ok(())
    }
}
