//! DistilBERT (`modeling_distilbert.py` of transformers 5).

use super::config::{ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count};
use super::encoder::{Classifier, Encoder, Names, TokensHead};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `DistilBertConfig`.
    DistilBert {
        dim: u64 = 768, WIDTH, "Hidden size";
        hidden_dim: u64 = 3_072, WIDTH, "Intermediate size";
        n_layers: u64 = 6, LAYERS, "Layers";
        n_heads: u64 = 12, HEADS, "Attention heads";
        vocab_size: u64 = 30_522, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 512, POSITIONS, "Positions";
        activation: Activation = Activation::Gelu as u64, ACTIVATION, "Activation";
        dropout: Decimal = 100_000, RATE, "Dropout";
        attention_dropout: Decimal = 100_000, RATE, "Attention dropout";
        seq_classif_dropout: Decimal = 200_000, RATE, "Dropout of the classifier";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        num_labels: u64 = 2, count(1_000_000), "Labels";
    }
}

impl DistilBert {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        Encoder {
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings,
            offset: 0,
            token_types: None,
            embedding: self.dim,
            hidden: self.dim,
            intermediate: self.hidden_dim,
            layers: self.n_layers,
            heads: self.n_heads,
            activation: self.activation,
            dropout: self.dropout,
            attention_dropout: self.attention_dropout,
            own_outputs: false,
            labels: self.num_labels,
            names: Names {
                query: "q_lin",
                key: "k_lin",
                value: "v_lin",
                output: "out_lin",
                up: "lin1",
                down: "lin2",
                pooler: "pre_classifier",
                transform: "vocab_transform",
            },
            tokens_head: TokensHead { activation: self.activation, tied: self.tie_word_embeddings, ties_bias: false },
            classifier: Classifier::Relu(self.seq_classif_dropout),
        }
        .lower(b, request)
    }
}
