//! ELECTRA (`modeling_electra.py` of transformers 5).

use super::bert::Bert;
use super::config::{Activation, WIDTH, config};
use super::encoder::{Classifier, Encoder, TokensHead};
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `ElectraConfig`.
    Electra {
        embedding_size: u64 = 128, WIDTH, "Width of the embeddings";
        ..bert: Bert { hidden_size = 256; intermediate_size = 1_024; num_attention_heads = 4; }
    }
}

impl Electra {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let encoder = self.bert.encoder();
        Encoder {
            embedding: self.embedding_size,
            // Whatever the blocks' own activation is.
            tokens_head: TokensHead { activation: Activation::Gelu, ties_bias: false, ..encoder.tokens_head },
            classifier: Classifier::Head(Activation::Gelu),
            ..encoder
        }
        .lower(b, request)
    }
}
