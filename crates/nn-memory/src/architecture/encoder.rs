//! What encoders of the BERT kind have in common: summed embeddings, blocks that normalize after each residual, a head.

use super::decoder::{blocks, divisible, embedded};
use super::labels::{classify, finish, labels, of_the_task};
use super::llama::{added_to_scores, hold_for_blocks};
use super::{Activation, Request};
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Shape, Softmax, Tensor};
use crate::{Attention, ConfigError, Decimal, Head, Loss};

/// An encoder of the BERT kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoder {
    pub(super) vocabulary: u64,
    /// Rows of the table of positions,
    pub(super) positions: u64,
    /// and those among them that come before that of the first token.
    pub(super) offset: u64,
    /// Kinds of tokens; none where there is no such embedding.
    pub(super) token_types: Option<u64>,
    /// Width of the embeddings, projected where it is not the hidden size.
    pub(super) embedding: u64,
    pub(super) hidden: u64,
    pub(super) intermediate: u64,
    pub(super) layers: u64,
    pub(super) heads: u64,
    pub(super) activation: Activation,
    pub(super) dropout: Decimal,
    pub(super) attention_dropout: Decimal,
    /// Whether modules of their own project what attention and the activation put out, which the block holds meanwhile;
    /// they drop what attention puts out as well.
    pub(super) own_outputs: bool,
    pub(super) labels: u64,
    pub(super) names: Names,
    pub(super) tokens_head: TokensHead,
    pub(super) classifier: Classifier,
}

/// The positions of tokens that are no padding, counted in each sample: `create_position_ids_from_input_ids`.
fn count_without_padding(b: &mut Builder, ids: Tensor) -> Tensor {
    let seen = b.make("ne", ids.shape, ElementType::Byte);
    let mask = b.named_to("int", seen, ElementType::Int32);
    b.local(mask);
    let wide = b.named_to("cumsum", mask, ElementType::Int64);
    let sum = b.map("cumsum", wide);
    let sum = b.named_to("type_as", sum, ElementType::Int32);
    let sum = b.map("add", sum);
    let sum = b.map("mul", sum);
    b.local(sum);
    let sum = b.named_to("long", sum, ElementType::Int64);
    b.map("add", sum)
}

/// What names the masked tokens: a linear layer, an activation, a norm, the table of words with a bias.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokensHead {
    pub(super) activation: Activation,
    /// Whether the table is that of the embeddings.
    pub(super) tied: bool,
    /// Whether the bias is tied too. Untied, the other one stands unused: no gradient, no state.
    pub(super) ties_bias: bool,
}

/// Names of a block's linear layers, which LoRA targets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) query: &'static str,
    pub(super) key: &'static str,
    pub(super) value: &'static str,
    pub(super) output: &'static str,
    pub(super) up: &'static str,
    pub(super) down: &'static str,
    /// Those of the heads: what pools, and what goes into the logits of tokens.
    pub(super) pooler: &'static str,
    pub(super) transform: &'static str,
}

impl Names {
    pub(super) const BERT: Self = Self {
        query: "query",
        key: "key",
        value: "value",
        output: "dense",
        up: "dense",
        down: "dense",
        pooler: "dense",
        transform: "dense",
    };
}

/// How the first token's state becomes logits.
#[derive(Debug, Clone, Copy)]
pub(super) enum Classifier {
    /// A pooler with tanh, dropout of this rate, a linear layer.
    Pooler(Decimal),
    /// Dropout, a linear layer, an activation, dropout, a linear layer.
    Head(Activation),
    /// A linear layer, ReLU, dropout of this rate, a linear layer.
    Relu(Decimal),
    /// A pooler of dropout, a linear layer and an activation; dropout, a linear layer.
    Context { before: Decimal, activation: Activation, after: Decimal },
}

impl Encoder {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        self.lower_with(b, request, &mut |b, hidden| {
            let Self { embedding: input, hidden: output, .. } = *self;
            let project = Linear { name: "embeddings_project", input, output, bias: true };
            let hidden = if input == output { hidden } else { b.linear(hidden, project) };
            // The model's frame holds what it embedded until it returns.
            b.local(hidden);
            let mask = self.mask(b, request, hidden);
            blocks(b, request, self.layers, hidden, |b, x| self.block(b, x, mask))
        })
    }

    /// The same with what `encode` makes of the embeddings.
    pub(super) fn lower_with(
        &self,
        b: &mut Builder,
        request: &Request,
        encode: &mut dyn FnMut(&mut Builder, Tensor) -> Tensor,
    ) -> Result<(), ConfigError> {
        divisible("hidden_size", self.hidden, "num_attention_heads", self.heads)?;
        let ids = b.input(Shape::matrix(request.batch, request.length), ElementType::Int64);
        let table = b.parameter("word_embeddings", Shape::matrix(self.vocabulary, self.embedding), 2);
        let hidden = b.module("model", &[], |b| {
            let hidden = self.embeddings(b, request, ids, table);
            encode(b, hidden)
        });
        self.head(b, request, hidden, table);
        Ok(())
    }

    /// What the encoder ends in.
    pub(super) fn head(&self, b: &mut Builder, request: &Request, hidden: Tensor, table: Tensor) {
        match request.run.head {
            Head::LanguageModel => self.masked_language_model(b, request, hidden, table),
            Head::Classification => self.classification(b, request, hidden),
        }
    }

    fn embeddings(&self, b: &mut Builder, request: &Request, ids: Tensor, table: Tensor) -> Tensor {
        let width = self.embedding;
        let positions = b.parameter("position_embeddings", Shape::matrix(self.positions, width), 2);
        b.ends_at(self.positions.saturating_sub(self.offset), ids.shape.width());
        let types = self.token_types.map(|types| b.parameter("token_type_embeddings", Shape::matrix(types, width), 2));
        let every = Shape::matrix(1, self.positions);
        let all = b.buffer(every, ElementType::Int64);
        if types.is_some() {
            b.buffer(every, ElementType::Int64);
        }
        b.module("embeddings", &[], |b| {
            let places = if self.offset == 0 {
                b.slice(all, Shape::matrix(1, ids.shape.width()))
            } else {
                let counted = b.module("", &[], |b| count_without_padding(b, ids));
                b.local(counted)
            };
            let kinds = types.map(|types| {
                let gathered = b.make("gather", places.shape, ElementType::Int64);
                (b.local(gathered), types)
            });
            let tokens = b.embedding(ids, table);
            let tokens = embedded(b, request, tokens);
            b.local(tokens);
            let mut sum = tokens;
            if let Some((kinds, types)) = kinds {
                let kinds = b.expand(kinds, ids.shape);
                let kind = b.embedding(kinds, types);
                b.local(kind);
                sum = b.add(sum, kind);
            }
            let position = b.embedding(places, positions);
            b.local(position);
            let sum = b.add_broadcast(sum, position);
            let normal = b.layer_norm_module(sum, true);
            if self.offset > 0 {
                b.made_last(positions);
            }
            b.dropout(normal, self.dropout)
        })
    }

    /// Attention sees every token: no mask but one for padding.
    pub(super) fn mask(&self, b: &mut Builder, request: &Request, hidden: Tensor) -> Mask {
        if !request.run.padding {
            return Mask::Full;
        }
        let [_, batch, length, _] = hidden.shape.0;
        let seen = b.make("mask", Shape([batch, 1, length, length]), ElementType::Byte);
        let eager = request.run.attention == Attention::Eager;
        let mask = if eager { added_to_scores(b, seen, seen.shape, hidden.element) } else { seen };
        hold_for_blocks(b, request, mask);
        Mask::Tensor(mask)
    }

    fn block(&self, b: &mut Builder, x: Tensor, mask: Mask) -> Tensor {
        let Self { hidden, names, .. } = *self;
        self.block_around(b, x, &mut |b| {
            let [query, key, value] = [names.query, names.key, names.value].map(|name| {
                let projected = b.linear(x, Linear { name, input: hidden, output: hidden, bias: true });
                let [_, batch, length, _] = projected.shape.0;
                let shape = Shape([batch, self.heads, length, hidden / self.heads]);
                let split = b.split_heads(projected, shape, self.heads, mask, name == names.key);
                b.local(split)
            });
            b.attend(AttentionCall {
                query,
                key,
                value,
                mask,
                dropout: self.attention_dropout,
                softmax: Softmax::Own,
                softcap: false,
                projected: true,
            })
        })
    }

    /// A block around what makes contexts of its input.
    pub(super) fn block_around(
        &self,
        b: &mut Builder,
        x: Tensor,
        attend: &mut dyn FnMut(&mut Builder) -> Tensor,
    ) -> Tensor {
        let Self { hidden, intermediate, names, .. } = *self;
        let attended = b.module("attention", &[x], |b| {
            let project = Linear { name: names.output, input: hidden, output: hidden, bias: true };
            let of_self = b.module("self", &[x], |b| {
                let context = attend(b);
                // Queries, keys and values are there until it returns.
                if self.own_outputs { context } else { b.linear(context, project) }
            });
            let held = if self.own_outputs { &[of_self, x][..] } else { &[x] };
            b.module("output", held, |b| {
                let out = if self.own_outputs {
                    let out = b.linear(of_self, project);
                    b.dropout(out, self.dropout)
                } else {
                    of_self
                };
                let sum = b.add(out, x);
                b.local(out);
                b.layer_norm_module(sum, true)
            })
        });
        b.local(attended);
        b.hold_attention_weights();
        let up = b.linear(attended, Linear { name: names.up, input: hidden, output: intermediate, bias: true });
        let active = b.activation(self.activation, up);
        let held = if self.own_outputs { &[active, attended][..] } else { &[attended] };
        b.module("output", held, |b| {
            let out = b.linear(active, Linear { name: names.down, input: intermediate, output: hidden, bias: true });
            let out = b.dropout(out, self.dropout);
            let sum = b.add(out, attended);
            b.local(out);
            b.layer_norm_module(sum, true)
        })
    }

    /// The loss is in the type of the logits.
    fn masked_language_model(&self, b: &mut Builder, request: &Request, hidden: Tensor, table: Tensor) {
        let tokens =
            request.pass.trains().then(|| b.input(Shape::matrix(request.batch, request.length), ElementType::Int64));
        let TokensHead { activation, tied, ties_bias } = self.tokens_head;
        b.module("head", &[hidden], |b| {
            let transform =
                Linear { name: self.names.transform, input: self.hidden, output: self.embedding, bias: true };
            let out = b.linear(hidden, transform);
            let out = b.activation(activation, out);
            let out = b.layer_norm_module(out, true);
            let weight =
                if tied { table } else { b.parameter("decoder", Shape::matrix(self.vocabulary, self.embedding), 2) };
            let bias = b.parameter("decoder", Shape::vector(self.vocabulary), 1);
            if ties_bias && !tied {
                b.parameter("bias", Shape::vector(self.vocabulary), 1);
            }
            let logits = b.matmul(out, weight, Some(bias), self.vocabulary);
            finish(b, request, logits, Loss::CrossEntropy, tokens);
        });
    }

    fn classification(&self, b: &mut Builder, request: &Request, hidden: Tensor) {
        let labels = request.pass.trains().then(|| labels(b, request, self.labels));
        let Self { hidden: width, dropout, .. } = *self;
        let dense = Linear { name: "dense", input: width, output: width, bias: true };
        b.module("head", &[hidden], |b| {
            let first = b.slice(hidden, Shape::matrix(request.batch, width));
            let state = match self.classifier {
                Classifier::Pooler(rate) => {
                    let pooled = b.linear(first, Linear { name: self.names.pooler, ..dense });
                    let pooled = b.activation(Activation::Tanh, pooled);
                    b.dropout(pooled, rate)
                }
                Classifier::Head(activation) => {
                    let state = b.dropout(first, dropout);
                    let state = of_the_task(b, state, dense);
                    let state = b.activation(activation, state);
                    b.dropout(state, dropout)
                }
                Classifier::Context { before, activation, after } => {
                    let state = b.dropout(first, before);
                    let pooled = b.linear(state, Linear { name: self.names.pooler, ..dense });
                    let pooled = b.activation(activation, pooled);
                    b.dropout(pooled, after)
                }
                Classifier::Relu(rate) => {
                    let state = of_the_task(b, first, Linear { name: self.names.pooler, ..dense });
                    let state = b.activation(Activation::Relu, state);
                    b.dropout(state, rate)
                }
            };
            let logits = classify(b, state, self.labels);
            finish(b, request, logits, request.run.loss, labels);
        });
    }
}
