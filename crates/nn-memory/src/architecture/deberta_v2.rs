//! DeBERTa-v2 and v3 (`modeling_deberta_v2.py` of transformers 5): scores of contents against contents, of contents against
//! relative positions, and of those against contents.
//!
//! The loss of a class is followed where `problem_type` says so; where none is said, transformers picks out the labels that
//! are there first, which takes a few numbers for each sample.

use super::config::{
    ACTIVATION, Activation, Coded, FLAG, FieldKind, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count,
    optional,
};
use super::decoder::{blocks, divisible, embedded};
use super::encoder::{Classifier, Encoder, Names, TokensHead};
use super::llama::hold_for_blocks;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, ElementType, Linear, Shape, Tensor};

config! {
    /// Fields of `DebertaV2Config`.
    DebertaV2 {
        hidden_size: u64 = 1_536, WIDTH, "Hidden size";
        embedding_size: Option<u64> = 0, optional(10_000_000), "Width of the embeddings";
        intermediate_size: u64 = 6_144, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 24, LAYERS, "Layers";
        num_attention_heads: u64 = 24, HEADS, "Attention heads";
        vocab_size: u64 = 128_100, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 512, POSITIONS, "Positions";
        type_vocab_size: Option<u64> = 0, optional(1_000_000), "Kinds of tokens";
        hidden_act: Activation = Activation::Gelu as u64, ACTIVATION, "Activation";
        hidden_dropout_prob: Decimal = 100_000, RATE, "Dropout";
        attention_probs_dropout_prob: Decimal = 100_000, RATE, "Attention dropout";
        position_biased_input: bool = 1, FLAG, "Absolute positions";
        relative_attention: bool = 0, FLAG, "Relative positions";
        position_buckets: Option<u64> = 0, optional(1_000_000), "Relative position buckets";
        norm_rel_ebd: TableNorm = 0, FieldKind::Choice(TableNorm::NAMES), "Norm of relative positions";
        share_att_key: bool = 0, FLAG, "Positions share projections";
        pooler_hidden_act: Activation = Activation::Gelu as u64, ACTIVATION, "Pooler activation";
        pooler_dropout: Decimal = 0, RATE, "Pooler dropout";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        num_labels: u64 = 2, count(1_000_000), "Labels";
    }
}

/// Whether the table of relative positions is normalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableNorm {
    /// As it is.
    None,
    /// By a layer norm of its own.
    Layer,
}

impl TableNorm {
    const NAMES: &'static [&'static str] = &["none", "layer_norm"];
}

impl Coded for TableNorm {
    fn decode(code: u64) -> Self {
        if code == 0 { Self::None } else { Self::Layer }
    }
}

/// What relative positions are to every layer.
#[derive(Debug, Clone, Copy)]
struct Relative {
    /// A bucket for each pair of positions,
    buckets: Tensor,
    /// and a row for each bucket.
    table: Tensor,
}

/// Weights of the projections, once they are made: positions may go through them as well.
#[derive(Debug, Default)]
struct Projections {
    query: Vec<Tensor>,
    key: Vec<Tensor>,
}

impl DebertaV2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("hidden_size", self.hidden_size, "num_attention_heads", self.num_attention_heads)?;
        let encoder = self.encoder();
        let tokens = Shape::matrix(request.batch, request.length);
        let ids = b.input(tokens, ElementType::Int64);
        let words = b.parameter("word_embeddings", Shape::matrix(self.vocab_size, encoder.embedding), 2);
        let hidden = b.module("model", &[], |b| {
            let seen = if request.run.padding {
                b.input(tokens, ElementType::Int64)
            } else {
                b.make("ones", tokens, ElementType::Fp32)
            };
            b.local(seen);
            let kinds = b.make("token types", tokens, ElementType::Int64);
            b.local(kinds);
            let hidden = self.embeddings(b, request, [ids, kinds, seen], words);
            b.local(hidden);
            self.layers(b, request, &encoder, hidden, seen)
        });
        encoder.head(b, request, hidden, words);
        Ok(())
    }

    /// What is as in BERT.
    fn encoder(&self) -> Encoder {
        Encoder {
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings,
            offset: 0,
            token_types: self.type_vocab_size,
            embedding: self.embedding_size.unwrap_or(self.hidden_size),
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            activation: self.hidden_act,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            own_outputs: true,
            labels: self.num_labels,
            names: Names { query: "query_proj", key: "key_proj", value: "value_proj", ..Names::BERT },
            tokens_head: TokensHead { activation: self.hidden_act, tied: self.tie_word_embeddings, ties_bias: true },
            classifier: Classifier::Context {
                before: self.pooler_dropout,
                activation: self.pooler_hidden_act,
                after: self.hidden_dropout_prob,
            },
        }
    }

    /// The sum of the embeddings there are, projected and normalized; zeros where a token is padding.
    fn embeddings(&self, b: &mut Builder, request: &Request, [ids, kinds, seen]: [Tensor; 3], words: Tensor) -> Tensor {
        let (width, hidden) = (words.shape.width(), self.hidden_size);
        let [_, _, batch, length] = ids.shape.0;
        let places = b.buffer(Shape::matrix(1, self.max_position_embeddings), ElementType::Int64);
        b.module("embeddings", &[], |b| {
            let tokens = b.embedding(ids, words);
            let tokens = embedded(b, request, tokens);
            b.local(tokens);
            let mut sum = tokens;
            if self.position_biased_input {
                b.ends_at(self.max_position_embeddings, length);
                let table = b.parameter("position_embeddings", Shape::matrix(self.max_position_embeddings, width), 2);
                let places = b.slice(places, Shape::matrix(1, length));
                let position = b.embedding(places, table);
                b.local(position);
                sum = b.add_broadcast(sum, position);
            } else {
                let nothing = b.make("zeros_like", tokens.shape, tokens.element);
                b.local(nothing);
            }
            if let Some(types) = self.type_vocab_size {
                let table = b.parameter("token_type_embeddings", Shape::matrix(types, width), 2);
                let kind = b.embedding(kinds, table);
                b.local(kind);
                sum = b.add(sum, kind);
            }
            if width != hidden {
                sum = b.linear(sum, Linear { name: "embed_proj", input: width, output: hidden, bias: false });
            }
            let normal = b.layer_norm_module(sum, true);
            let mask = b.view(seen, Shape::of3(batch, length, 1));
            let mask = b.to(mask, normal.element);
            b.local(mask);
            let masked = b.multiply(normal, mask);
            b.dropout(masked, self.hidden_dropout_prob)
        })
    }

    fn layers(&self, b: &mut Builder, request: &Request, encoder: &Encoder, hidden: Tensor, seen: Tensor) -> Tensor {
        let [_, batch, length, _] = hidden.shape.0;
        // A product of flags, as wide as they are.
        let mask = b.make("mask", Shape([batch, 1, length, length]), seen.element);
        hold_for_blocks(b, request, mask);
        let width = Shape::vector(self.hidden_size);
        // Where no position is relative, the norm stands unused.
        let norm = (self.norm_rel_ebd == TableNorm::Layer).then(|| [0; 2].map(|_| b.parameter("norm", width, 1)));
        let rows = Shape::matrix(2 * self.reach(), self.hidden_size);
        let table = self.relative_attention.then(|| b.parameter("rel_embeddings", rows, 2));
        let relative = table.map(|table| {
            let buckets = relative_buckets(b, length, self.position_buckets.is_some());
            hold_for_blocks(b, request, buckets);
            let table = norm.map_or(table, |[weight, bias]| b.layer_norm(table, Some(weight), Some(bias)));
            hold_for_blocks(b, request, table);
            Relative { buckets, table }
        });
        let mut states = Vec::new();
        let last = blocks(b, request, self.num_hidden_layers, hidden, |b, x| {
            let state = encoder.block_around(b, x, &mut |b| self.attention(b, encoder, x, mask, relative));
            states.push(state);
            state
        });
        for weight in table.into_iter().chain(norm.into_iter().flatten()) {
            b.made_last(weight);
        }
        // The model collects every layer's output, and lets go of all when it returns.
        for state in states {
            b.local(state);
        }
        last
    }

    /// Rows of the table of relative positions to each side.
    fn reach(&self) -> u64 {
        self.position_buckets.unwrap_or(self.max_position_embeddings)
    }

    /// `DisentangledSelfAttention`.
    fn attention(
        &self,
        b: &mut Builder,
        encoder: &Encoder,
        x: Tensor,
        mask: Tensor,
        relative: Option<Relative>,
    ) -> Tensor {
        let mut projections = Projections::default();
        let query = self.heads(b, x, encoder.names.query, &mut projections.query);
        let key = self.heads(b, x, encoder.names.key, &mut projections.key);
        let value = self.heads(b, x, encoder.names.value, &mut Vec::new());
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let [batch, heads, length, width] = query.shape.0;
        let weights_shape = Shape([batch, heads, length, length]);
        let scaled = b.scale(key);
        let mut scores = b.batched_matmul(query, scaled, weights_shape);
        if let Some(Relative { buckets, table }) = relative {
            let table = b.dropout(table, self.hidden_dropout_prob);
            let bias = b.module("positions", &[table], |b| {
                self.position_scores(b, [query, key], Relative { buckets, table }, &mut projections)
            });
            b.local(table);
            b.local(bias);
            scores = b.add(scores, bias);
        }
        let flags = b.make("to", mask.shape, ElementType::Byte);
        b.local(flags);
        let unseen = b.make("bitwise_not", mask.shape, ElementType::Byte);
        let masked = b.masked_fill(scores, unseen);
        b.local(masked);
        let weights = if b.mode.autocast.is_some() { b.softmax_in_fp32(masked) } else { b.softmax(masked) };
        let weights = b.dropout(weights, self.attention_probs_dropout_prob);
        b.local(weights);
        let context = b.batched_matmul(weights, value, Shape([batch, heads, length, width]));
        let context = b.unflat_heads(context);
        b.contiguous(context, Shape::of3(batch, length, heads * width))
    }

    /// A projection, heads first: a copy.
    fn heads(&self, b: &mut Builder, x: Tensor, name: &'static str, weights: &mut Vec<Tensor>) -> Tensor {
        let (width, heads) = (self.hidden_size, self.num_attention_heads);
        let projected = b.sharing(weights, |b| b.linear(x, Linear { name, input: width, output: width, bias: true }));
        let [_, batch, length, _] = projected.shape.0;
        let shape = Shape([batch, heads, length, width / heads]);
        b.module("", &[projected], |b| {
            if heads == 1 || length == 1 {
                return b.view(projected, shape);
            }
            let split = b.view_copied_back(projected, shape);
            b.contiguous(split, shape)
        })
    }

    /// `disentangled_attention_bias`: scores of contents against positions, and of positions against contents.
    fn position_scores(
        &self,
        b: &mut Builder,
        [query, key]: [Tensor; 2],
        relative: Relative,
        projections: &mut Projections,
    ) -> Tensor {
        let Relative { buckets, table } = relative;
        let rows = b.view(table, Shape::of3(1, table.shape.0[2], table.shape.width()));
        let [samples, heads, length, _] = query.shape.0;
        let weights_shape = Shape([samples, heads, length, length]);
        let repeated = |b: &mut Builder, name, weights: &mut Vec<Tensor>| {
            let once = self.heads(b, rows, name, weights);
            let every = b.repeat_samples(once, samples);
            b.local(every);
            every
        };
        let (position_key, position_query) = if self.share_att_key {
            let position_query = repeated(b, "query_proj", &mut projections.query);
            (repeated(b, "key_proj", &mut projections.key), position_query)
        } else {
            let position_key = repeated(b, "pos_key_proj", &mut Vec::new());
            (position_key, repeated(b, "pos_query_proj", &mut Vec::new()))
        };

        // Which bucket each pair takes is worked out between product and choice, then before the product.
        let product = self.scores_of_buckets(b, query, position_key);
        let index = b.map("add", buckets);
        let index = b.map("clamp", index);
        b.local(index);
        let near = b.gather_along_rows(product, index, weights_shape);
        b.local(near);
        let scaled = b.scale(near);
        let sum = b.map_passing("add", scaled);

        let index = b.map("neg", buckets);
        let index = b.map("add", index);
        let index = b.map("clamp", index);
        b.local(index);
        let product = self.scores_of_buckets(b, key, position_query);
        let near = b.gather_along_rows(product, index, weights_shape);
        b.local(near);
        let scaled = b.scale(near);
        b.add_in_place(sum, scaled)
    }

    /// Scores against all rows of the table.
    fn scores_of_buckets(&self, b: &mut Builder, x: Tensor, positions: Tensor) -> Tensor {
        let [batch, heads, length, _] = x.shape.0;
        b.batched_matmul(x, positions, Shape([batch, heads, length, 2 * self.reach()]))
    }
}

/// `build_relative_position`: differences of places, in buckets that widen with distance.
fn relative_buckets(b: &mut Builder, length: u64, bucketed: bool) -> Tensor {
    b.module("relative positions", &[], |b| {
        let pairs = Shape::matrix(length, length);
        let difference = b.make("sub", pairs, ElementType::Int64);
        if !bucketed {
            return difference;
        }
        let bucket = b.module("", &[difference], |b| {
            for element in [ElementType::Int64, ElementType::Fp32, ElementType::Int64] {
                let step = b.make("bucket", pairs, element);
                b.local(step);
            }
            b.make("log", pairs, ElementType::Fp32);
            b.make("where", pairs, ElementType::Fp32)
        });
        b.to(bucket, ElementType::Int64)
    })
}
