//! RoBERTa (`modeling_roberta.py` of transformers 5).

use super::bert::Bert;
use super::config::{Activation, config};
use super::encoder::{Classifier, Encoder, TokensHead};
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `RobertaConfig`.
    Roberta {
        ..bert: Bert { vocab_size = 50_265; }
    }
}

impl Roberta {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let encoder = self.bert.encoder();
        Encoder {
            // Positions begin after that of padding, whose token is 1 in all published ones.
            offset: 2,
            // Whatever the blocks' own activation is.
            tokens_head: TokensHead { activation: Activation::Gelu, ..encoder.tokens_head },
            classifier: Classifier::Head(Activation::Tanh),
            ..encoder
        }
        .lower(b, request)
    }
}
