//! Granite 3 (`modeling_granite.py` of transformers 5): Llama's blocks, with numbers that embeddings, residuals and logits are
//! multiplied by.

use super::config::{RATE, config};
use super::decoder::{embedded, language_head, tokens};
use super::llama::{Block, Llama, trunk};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, Shape};

config! {
    /// Fields of `GraniteConfig`.
    Granite {
        ..llama: Llama {}
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

impl Granite {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let Llama { num_hidden_layers: layers, vocab_size, tie_word_embeddings: tied, .. } = self.llama;
        let block = Block { attention_dropout: self.attention_dropout, scaled_residual: true, ..self.llama.block()? };
        let ids = tokens(b, request);
        let table = b.parameter("embed_tokens", Shape::matrix(vocab_size, block.hidden), 2);
        let hidden = b.module("embeddings", &[], |b| {
            let tokens = b.embedding(ids, table);
            let tokens = embedded(b, request, tokens);
            b.scale(tokens)
        });
        let hidden = trunk(b, request, hidden, &[block], layers, 1);
        language_head(b, request, hidden, tied.then_some(table), vocab_size, |b, logits| b.scale(logits));
        Ok(())
    }
}
