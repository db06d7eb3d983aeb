//! BART (`modeling_bart.py` of transformers 5), for conditional generation.

use super::config::{ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config};
use super::decoder::{blocks_sharing, divisible, embedded};
use super::seq2seq::{cached, encoder_tokens, finish, shared, shifted, source_mask, target_mask, targets};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `BartConfig`.
    Bart {
        d_model: u64 = 1_024, WIDTH, "Hidden size";
        encoder_ffn_dim: u64 = 4_096, WIDTH, "Encoder's intermediate size";
        decoder_ffn_dim: u64 = 4_096, WIDTH, "Decoder's intermediate size";
        encoder_layers: u64 = 12, LAYERS, "Encoder layers";
        decoder_layers: u64 = 12, LAYERS, "Decoder layers";
        encoder_attention_heads: u64 = 16, HEADS, "Encoder's attention heads";
        decoder_attention_heads: u64 = 16, HEADS, "Decoder's attention heads";
        vocab_size: u64 = 50_265, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 1_024, POSITIONS, "Positions";
        activation_function: Activation = Activation::Gelu as u64, ACTIVATION, "Activation";
        dropout: Decimal = 100_000, RATE, "Dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        activation_dropout: Decimal = 0, RATE, "Activation dropout";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
    }
}

/// Positions that the table holds beyond those of the configuration.
const OFFSET: u64 = 2;

/// One attention of a layer.
#[derive(Debug, Clone, Copy)]
struct Attend {
    /// Where keys and values come from, if not from the layer's own input.
    encoded: Option<Tensor>,
    heads: u64,
    mask: Mask,
    /// Whether it is the decoder's.
    decodes: bool,
}

impl Bart {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("d_model", self.d_model, "encoder_attention_heads", self.encoder_attention_heads)?;
        divisible("d_model", self.d_model, "decoder_attention_heads", self.decoder_attention_heads)?;
        let ids = encoder_tokens(b, request);
        let targets = targets(b, request);
        let table = |b: &mut Builder, name| b.parameter(name, Shape::matrix(self.vocab_size, self.d_model), 2);
        let shared = table(b, "shared");
        // Untied, each has its own, and the shared one stands unused: no gradient, no state.
        let own = |b: &mut Builder, name| if self.tie_word_embeddings { shared } else { table(b, name) };
        let bias = b.buffer(Shape::matrix(1, self.vocab_size), b.mode.parameters);
        b.module("", &[], |b| {
            let target_ids = shifted(b, request, targets);
            let of_sources = own(b, "encoder.embed_tokens");
            let encoded = b.module("encoder", &[], |b| self.encoder(b, request, ids, of_sources));
            b.local(encoded);
            let of_targets = own(b, "decoder.embed_tokens");
            let decoded = b.module("decoder", &[], |b| self.decoder(b, request, target_ids, of_targets, encoded));
            b.local(decoded);
            let head = own(b, "lm_head");
            let logits = b.matmul(decoded, head, None, self.vocab_size);
            let logits = b.add_broadcast(logits, bias);
            b.local(logits);
            finish(b, request, logits, encoded);
        });
        Ok(())
    }

    /// Tokens and positions, a norm, dropout. Position ids are as many as tokens in the encoder, one row in the decoder.
    /// What `masks` makes of the tokens comes between.
    fn embeddings<T>(
        &self,
        b: &mut Builder,
        request: &Request,
        [ids, table]: [Tensor; 2],
        rows: u64,
        masks: impl FnOnce(&mut Builder, Tensor) -> T,
    ) -> (Tensor, T) {
        let tokens = b.embedding(ids, table);
        let tokens = b.scale(tokens);
        let tokens = embedded(b, request, tokens);
        b.local(tokens);
        let positions =
            b.parameter("embed_positions", Shape::matrix(self.max_position_embeddings + OFFSET, self.d_model), 2);
        b.ends_at(self.max_position_embeddings, ids.shape.width());
        let masks = masks(b, tokens);
        let position_ids = b.make("add", Shape::matrix(rows, ids.shape.width()), ElementType::Int64);
        let position = b.embedding(position_ids, positions);
        b.local(position);
        let sum =
            if position.shape == tokens.shape { b.add(tokens, position) } else { b.add_broadcast(tokens, position) };
        let normal = b.layer_norm_module(sum, true);
        (b.dropout(normal, self.dropout), masks)
    }

    fn encoder(&self, b: &mut Builder, request: &Request, ids: Tensor, table: Tensor) -> Tensor {
        let (hidden, ()) = self.embeddings(b, request, [ids, table], request.batch, |_, _| ());
        let mask = source_mask(b, request, hidden, request.length);
        let own = Attend { encoded: None, heads: self.encoder_attention_heads, mask, decodes: false };
        let shared = shared(None, &[mask]);
        blocks_sharing(b, request, self.encoder_layers, hidden, &shared, |b, x| {
            let x = self.attention_layer(b, request, x, own);
            b.hold_attention_weights();
            let x = self.feed_forward(b, x, self.encoder_ffn_dim);
            finite(b, x);
            x
        })
    }

    fn decoder(&self, b: &mut Builder, request: &Request, ids: Tensor, table: Tensor, encoded: Tensor) -> Tensor {
        let (hidden, [own, mask]) = self.embeddings(b, request, [ids, table], 1, |b, tokens| {
            [target_mask(b, request, tokens), source_mask(b, request, tokens, request.run.target_length)]
        });
        let (heads, decodes) = (self.decoder_attention_heads, true);
        let own = Attend { encoded: None, heads, mask: own, decodes };
        let cross = Attend { encoded: Some(encoded), heads, mask, decodes };
        let shared = shared(Some(encoded), &[own.mask, cross.mask]);
        blocks_sharing(b, request, self.decoder_layers, hidden, &shared, |b, x| {
            let x = self.attention_layer(b, request, x, own);
            let weights = b.attention_weights.take();
            // The residual's name goes over to the next one.
            let x = b.module("", &[x], |b| self.attention_layer(b, request, x, cross));
            // The name goes over to those of the encoder's output.
            weights.into_iter().for_each(|weights| b.release(weights));
            b.hold_attention_weights();
            self.feed_forward(b, x, self.decoder_ffn_dim)
        })
    }

    /// Attention over the layer's own input or the encoder's output, the residual, the norm after it.
    fn attention_layer(&self, b: &mut Builder, request: &Request, x: Tensor, attend: Attend) -> Tensor {
        let name = if attend.encoded.is_some() { "encoder_attn" } else { "self_attn" };
        let attended = b.module(name, &[x], |b| self.attention(b, request, x, attend));
        let dropped = b.dropout(attended, self.dropout);
        let sum = b.add(x, dropped);
        b.layer_norm_module(sum, true)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, attend: Attend) -> Tensor {
        let Attend { encoded, heads, mask, decodes } = attend;
        let source = encoded.unwrap_or(x);
        let width = self.d_model;
        let project = |b: &mut Builder, name, x| {
            let projected = b.linear(x, Linear { name, input: width, output: width, bias: true });
            let [_, batch, length, _] = projected.shape.0;
            let shape = Shape([batch, heads, length, width / heads]);
            b.split_heads(projected, shape, heads, mask, name == "k_proj")
        };
        let query = project(b, "q_proj", x);
        let key = project(b, "k_proj", source);
        let value = project(b, "v_proj", source);
        let (key, value) = if decodes { cached(b, request, key, value) } else { (key, value) };
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let context = b.attend(AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax: Softmax::Own,
            softcap: false,
            projected: true,
        });
        b.linear(context, Linear { name: "out_proj", input: width, output: width, bias: true })
    }

    fn feed_forward(&self, b: &mut Builder, x: Tensor, inner: u64) -> Tensor {
        b.local(x);
        let up = b.linear(x, Linear { name: "fc1", input: self.d_model, output: inner, bias: true });
        let active = b.activation(self.activation_function, up);
        let dropped = b.dropout(active, self.activation_dropout);
        let down = b.linear(dropped, Linear { name: "fc2", input: inner, output: self.d_model, bias: true });
        let dropped = b.dropout(down, self.dropout);
        let sum = b.add(x, dropped);
        b.layer_norm_module(sum, true)
    }
}

/// `torch.isfinite(x).all()`, which the encoder asks in FP16.
fn finite(b: &mut Builder, x: Tensor) {
    if x.element == ElementType::Fp16 {
        b.module("", &[x], |b| {
            // `(x == x) * (x.abs() != inf)`, of which the right side is taken first.
            let magnitude = b.make("abs", x.shape, x.element);
            b.local(magnitude);
            let finite = b.make("ne", x.shape, ElementType::Byte);
            b.local(finite);
            let same = b.make("eq", x.shape, ElementType::Byte);
            b.local(same);
            b.make("mul", x.shape, ElementType::Byte);
        });
    }
}
