//! BERT (`modeling_bert.py` of transformers 5).

use super::config::{ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count};
use super::encoder::{Classifier, Encoder, Names, TokensHead};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `BertConfig`.
    Bert {
        hidden_size: u64 = 768, WIDTH, "Hidden size";
        intermediate_size: u64 = 3_072, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 12, LAYERS, "Layers";
        num_attention_heads: u64 = 12, HEADS, "Attention heads";
        vocab_size: u64 = 30_522, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 512, POSITIONS, "Positions";
        type_vocab_size: u64 = 2, count(1_000_000), "Kinds of tokens";
        hidden_act: Activation = Activation::Gelu as u64, ACTIVATION, "Activation";
        hidden_dropout_prob: Decimal = 100_000, RATE, "Dropout";
        attention_probs_dropout_prob: Decimal = 100_000, RATE, "Attention dropout";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        num_labels: u64 = 2, count(1_000_000), "Labels";
    }
}

impl Bert {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        self.encoder().lower(b, request)
    }

    /// BERT's own, without what later families change.
    pub(super) const fn encoder(&self) -> Encoder {
        Encoder {
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings,
            offset: 0,
            token_types: Some(self.type_vocab_size),
            embedding: self.hidden_size,
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            activation: self.hidden_act,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            own_outputs: true,
            labels: self.num_labels,
            names: Names::BERT,
            tokens_head: TokensHead { activation: self.hidden_act, tied: self.tie_word_embeddings, ties_bias: true },
            classifier: Classifier::Pooler(self.hidden_dropout_prob),
        }
    }
}
