//! ModernBERT (`modeling_modernbert.py` of transformers 5): rotary positions, gated MLPs, windows in two of three layers.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, TURNS, VOCABULARY, WIDTH, config, count, optional,
};
use super::decoder::{alternating_blocks, blocks, embedded, evenly_divisible};
use super::labels::{classify, finish, finish_with, labels};
use super::llama::{added_to_scores, hold_for_blocks};
use super::positions::rotary_table;
use super::{ConfigError, FieldKind, Request};
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Shape, Softmax, Tensor};
use crate::{Attention, Decimal, Head, Loss};

config! {
    /// Fields of `ModernBertConfig`.
    ModernBert {
        hidden_size: u64 = 768, WIDTH, "Hidden size";
        intermediate_size: u64 = 1_152, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 22, LAYERS, "Layers";
        num_attention_heads: u64 = 12, HEADS, "Attention heads";
        vocab_size: u64 = 50_368, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 8_192, POSITIONS, "Positions";
        hidden_activation: Activation = Activation::Gelu as u64, ACTIVATION, "Activation";
        local_attention: Option<u64> = 128, optional(1_000_000_000), "Local attention";
        global_attn_every_n_layers: u64 = 3, TURNS, "Every which layer sees all";
        attention_bias: bool = 0, FLAG, "Attention bias";
        mlp_bias: bool = 0, FLAG, "MLP bias";
        norm_bias: bool = 0, FLAG, "Norm bias";
        classifier_bias: bool = 0, FLAG, "Head bias";
        decoder_bias: bool = 1, FLAG, "Logits bias";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        embedding_dropout: Decimal = 0, RATE, "Embedding dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        mlp_dropout: Decimal = 0, RATE, "MLP dropout";
        classifier_dropout: Decimal = 0, RATE, "Classifier dropout";
        classifier_pooling: Pooling = 0, FieldKind::Choice(Pooling::NAMES), "Pooling";
        num_labels: u64 = 2, count(1_000_000), "Labels";
    }
}

/// What stands for the sequence where it is classified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The first token.
    First,
    /// The mean of all.
    Mean,
}

impl Pooling {
    const NAMES: &'static [&'static str] = &["cls", "mean"];
}

impl super::config::Coded for Pooling {
    fn decode(code: u64) -> Self {
        if code == 0 { Self::First } else { Self::Mean }
    }
}

impl ModernBert {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let head_dim =
            evenly_divisible("hidden_size", self.hidden_size, "num_attention_heads", self.num_attention_heads)?;
        let ids = b.input(Shape::matrix(request.batch, request.length), ElementType::Int64);
        let table = b.parameter("tok_embeddings", Shape::matrix(self.vocab_size, self.hidden_size), 2);
        let hidden = b.module("model", &[], |b| {
            let hidden = b.module("embeddings", &[], |b| {
                let tokens = b.embedding(ids, table);
                let tokens = embedded(b, request, tokens);
                let normal = b.layer_norm_module(tokens, self.norm_bias);
                b.dropout(normal, self.embedding_dropout)
            });
            // The model's frame holds what it embedded until it returns.
            b.local(hidden);
            let full = bidirectional_mask(b, request, hidden, None);
            let local = bidirectional_mask(b, request, hidden, self.local_attention.map(|window| window / 2));
            // Layers of both kinds have tables of their own.
            rotary_table(b, request, hidden, head_dim);
            rotary_table(b, request, hidden, head_dim);
            let period = self.global_attn_every_n_layers;
            let mask = |place: u64| if place.is_multiple_of(period) { full } else { local };
            // What is embedded has been normalized already.
            let hidden = blocks(b, request, 1, hidden, |b, x| self.block(b, x, full, false));
            let rest = self.num_hidden_layers - 1;
            let hidden = alternating_blocks(b, request, rest, period, hidden, |b, x, place| {
                self.block(b, x, mask(place + 1), true)
            });
            b.layer_norm_module(hidden, self.norm_bias)
        });
        match request.run.head {
            Head::LanguageModel => self.masked_language_model(b, request, hidden, table),
            Head::Classification => self.classification(b, request, hidden),
        }
        Ok(())
    }

    fn block(&self, b: &mut Builder, x: Tensor, mask: Mask, normalizes: bool) -> Tensor {
        let normal = if normalizes { b.layer_norm_module(x, self.norm_bias) } else { x };
        let attended = b.module("attn", &[normal], |b| self.attention(b, normal, mask));
        b.hold_attention_weights();
        b.local(attended);
        let x = b.add(x, attended);
        b.local(x);
        let normal = b.layer_norm_module(x, self.norm_bias);
        let (width, inner, bias) = (self.hidden_size, self.intermediate_size, self.mlp_bias);
        let out = b.module("mlp", &[normal], |b| {
            let both = b.linear(normal, Linear { name: "Wi", input: width, output: 2 * inner, bias });
            b.local(both);
            let half = b.split(both, &[inner, inner]);
            let active = b.activation(self.hidden_activation, half[0]);
            let product = b.multiply(active, half[1]);
            let product = b.dropout(product, self.mlp_dropout);
            b.linear(product, Linear { name: "Wo", input: inner, output: width, bias })
        });
        b.add(x, out)
    }

    fn attention(&self, b: &mut Builder, x: Tensor, mask: Mask) -> Tensor {
        let (width, heads, bias) = (self.hidden_size, self.num_attention_heads, self.attention_bias);
        let all = b.linear(x, Linear { name: "Wqkv", input: width, output: 3 * width, bias });
        b.local(all);
        let [_, batch, length, _] = x.shape.0;
        let parts = b.split(all, &[width, width, width]);
        let [query, key, value] =
            [0, 1, 2].map(|part| b.view(parts[part], Shape([batch, heads, length, width / heads])));
        let (query, key) = b.module("", &[query, key], |b| {
            let turned = [query, key].map(|part| {
                let turned = b.rotated_widened(part);
                b.local(turned)
            });
            (b.to(turned[0], query.element), b.to(turned[1], key.element))
        });
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let context = b.attend(AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax: Softmax::Wide,
            softcap: false,
            projected: true,
        });
        let out = b.linear(context, Linear { name: "Wo", input: width, output: width, bias });
        b.dropout(out, self.attention_dropout)
    }

    /// A linear layer, an activation, a norm.
    fn head(&self, b: &mut Builder, x: Tensor) -> Tensor {
        let (width, bias) = (self.hidden_size, self.classifier_bias);
        let out = b.linear(x, Linear { name: "dense", input: width, output: width, bias });
        let out = b.activation(Activation::Gelu, out);
        b.layer_norm_module(out, self.norm_bias)
    }

    /// The head, and the table of words; the loss in FP32.
    fn masked_language_model(&self, b: &mut Builder, request: &Request, hidden: Tensor, table: Tensor) {
        let trains = request.pass.trains();
        let tokens = trains.then(|| b.input(Shape::matrix(request.batch, request.length), ElementType::Int64));
        b.module("head", &[hidden], |b| {
            let state = self.head(b, hidden);
            let weight = if self.tie_word_embeddings {
                table
            } else {
                b.parameter("decoder", Shape::matrix(self.vocab_size, self.hidden_size), 2)
            };
            let bias = self.decoder_bias.then(|| b.parameter("decoder", Shape::vector(self.vocab_size), 1));
            let logits = b.matmul(state, weight, bias, self.vocab_size);
            b.local(logits);
            let widened = |b: &mut Builder, logits| b.to(logits, ElementType::Fp32);
            finish_with(b, request, logits, Loss::CrossEntropy, tokens, widened);
        });
    }

    fn classification(&self, b: &mut Builder, request: &Request, hidden: Tensor) {
        let labels = request.pass.trains().then(|| labels(b, request, self.num_labels));
        let width = self.hidden_size;
        b.module("head", &[hidden], |b| {
            let pooled = Shape::matrix(request.batch, width);
            let state = match self.classifier_pooling {
                Pooling::First => b.slice(hidden, pooled),
                Pooling::Mean => {
                    let seen = b.make("mask", Shape::matrix(request.batch, request.length), ElementType::Byte);
                    b.local(seen);
                    let masked = b.multiply(hidden, seen);
                    let sum = b.mean_of_rows(masked, pooled);
                    b.scale(sum)
                }
            };
            let state = self.head(b, state);
            let state = b.dropout(state, self.classifier_dropout);
            let logits = classify(b, state, self.num_labels);
            finish(b, request, logits, request.run.loss, labels);
        });
    }
}

/// The mask of padding and of a window to both sides, in which a token sees `reach` before it and after it.
fn bidirectional_mask(b: &mut Builder, request: &Request, hidden: Tensor, reach: Option<u64>) -> Mask {
    let [_, batch, length, _] = hidden.shape.0;
    if !request.run.padding && reach.is_none_or(|reach| length < reach) {
        return Mask::Full;
    }
    let eager = request.run.attention == Attention::Eager;
    // Samples share one mask where none is padded.
    let samples = if request.run.padding { batch } else { 1 };
    let seen = b.make("mask", Shape([samples, 1, length, length]), ElementType::Byte);
    let mask = if eager { added_to_scores(b, seen, Shape([batch, 1, length, length]), hidden.element) } else { seen };
    hold_for_blocks(b, request, mask);
    Mask::Tensor(mask)
}
