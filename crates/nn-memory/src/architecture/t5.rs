//! T5 and FLAN-T5 (`modeling_t5.py` of transformers 5), for conditional generation.

use super::config::{
    Activation, Coded, FLAG, FieldKind, HEADS, LAYERS, RATE, VOCABULARY, WIDTH, config, count, optional,
};
use super::decoder::{blocks_sharing, embedded, require_grad};
use super::seq2seq::{cached, encoder_tokens, finish, shared, shifted, source_mask, target_mask, targets};
use super::{ConfigError, Request};
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Role, Shape, Softmax, Tensor};
use crate::{Attention, Checkpointing, Decimal};

/// The feed-forward layer: `{activation}` or `gated-{activation}`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FeedForward {
    activation: Activation,
    gated: bool,
}

impl FeedForward {
    const NAMES: &'static [&'static str] =
        &["relu", "gated-gelu", "gated-silu", "gated-relu", "gelu", "gelu_new", "silu", "gated-gelu_new"];
}

impl Coded for FeedForward {
    fn decode(code: u64) -> Self {
        let (activation, gated) = match code {
            0 => (Activation::Relu, false),
            // The original's, which transformers keeps: not the exact one.
            1 => (Activation::GeluNew, true),
            2 => (Activation::Silu, true),
            3 => (Activation::Relu, true),
            4 => (Activation::Gelu, false),
            5 => (Activation::GeluNew, false),
            6 => (Activation::Silu, false),
            _ => (Activation::GeluNew, true),
        };
        Self { activation, gated }
    }
}

config! {
    /// Fields of `T5Config` that mT5 has as well.
    T5Base {
        d_model: u64 = 512, WIDTH, "Hidden size";
        d_ff: u64 = 2_048, WIDTH, "Intermediate size";
        d_kv: u64 = 64, WIDTH, "Head size";
        num_heads: u64 = 8, HEADS, "Attention heads";
        num_layers: u64 = 6, LAYERS, "Encoder layers";
        num_decoder_layers: Option<u64> = 0, optional(1_000_000), "Decoder layers";
        vocab_size: u64 = 32_128, VOCABULARY, "Vocabulary";
        relative_attention_num_buckets: u64 = 32, count(1_000_000), "Relative position buckets";
        feed_forward_proj: FeedForward = 0, FieldKind::Choice(FeedForward::NAMES), "Feed-forward layer";
        dropout_rate: Decimal = 100_000, RATE, "Dropout";
        separate_lm_head: bool = 0, FLAG, "Separate lm_head (as v1.1, FLAN and mT5 are published)";
    }
}

config! {
    /// Fields of `T5Config`.
    T5 {
        ..base: T5Base {}
        tie_word_embeddings: bool = 1, FLAG, "Scaled logits (tied embeddings)";
    }
}

/// What a stack's layers share: the first of them makes the biases.
#[derive(Debug, Clone, Copy, Default)]
struct Biases {
    own: Option<Tensor>,
    cross: Option<Tensor>,
}

/// One attention of a layer.
#[derive(Debug, Clone, Copy)]
struct Attend {
    /// Where keys and values come from, if not from the layer's own input.
    encoded: Option<Tensor>,
    mask: Mask,
    /// Whether it is the decoder's.
    decodes: bool,
}

impl T5 {
    // Result as families have it: no field contradicts another here.
    #[expect(clippy::unnecessary_wraps, reason = "families share this signature")]
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        // Without it the original did not scale. Whether the head is tied, the weights say: a configuration alone always
        // ties it (`T5Config.__post_init__`), a checkpoint that holds another one does not (`tie_weights`).
        self.base.lower(b, request, self.tie_word_embeddings);
        Ok(())
    }
}

impl T5Base {
    /// The network; `scaled` is whether what goes into the logits is.
    pub(super) fn lower(&self, b: &mut Builder, request: &Request, scaled: bool) {
        let ids = encoder_tokens(b, request);
        let targets = targets(b, request);
        let table = b.parameter("shared", Shape::matrix(self.vocab_size, self.d_model), 2);
        b.module("", &[], |b| {
            let encoded = b.module("encoder", &[], |b| self.stack(b, request, ids, table, None));
            b.local(encoded);
            let target_ids = shifted(b, request, targets);
            let decoded = b.module("decoder", &[], |b| self.stack(b, request, target_ids, table, Some(encoded)));
            b.local(decoded);
            let rows = if scaled { b.scale(decoded) } else { decoded };
            b.local(rows);
            let logits = if self.separate_lm_head {
                b.linear(rows, Linear { name: "lm_head", input: self.d_model, output: self.vocab_size, bias: false })
            } else {
                b.matmul(rows, table, None, self.vocab_size)
            };
            b.local(logits);
            finish(b, request, logits, encoded);
        });
    }

    fn stack(&self, b: &mut Builder, request: &Request, ids: Tensor, table: Tensor, encoded: Option<Tensor>) -> Tensor {
        let tokens = b.embedding(ids, table);
        let tokens = embedded(b, request, tokens);
        b.local(tokens);
        let length = ids.shape.width();
        let own = match encoded {
            Some(_) => target_mask(b, request, tokens),
            None => source_mask(b, request, tokens, length),
        };
        let own = Attend { encoded: None, mask: own, decodes: encoded.is_some() };
        let cross = encoded.map(|_| Attend { encoded, mask: source_mask(b, request, tokens, length), decodes: true });
        let hidden = b.dropout(tokens, self.dropout_rate);
        let layers = match encoded {
            Some(_) => self.num_decoder_layers.unwrap_or(self.num_layers),
            None => self.num_layers,
        };
        let shared = shared(encoded, &[own.mask, cross.map_or(Mask::Full, |cross| cross.mask)]);
        let mut biases = Biases::default();
        let hidden = blocks_sharing(b, request, layers, hidden, &shared, |b, x| {
            let made = biases.own.is_some();
            let x = self.attention_layer(b, request, x, own, &mut biases.own);
            let mut x = clamped(b, x);
            if let Some(cross) = cross {
                let weights = b.attention_weights.take();
                let of_cross = self.attention_layer(b, request, x, cross, &mut biases.cross);
                b.release(x);
                x = of_cross;
                // The name goes over to those of the encoder's output.
                weights.into_iter().for_each(|weights| b.release(weights));
                x = clamped(b, x);
            }
            b.hold_attention_weights();
            if !made {
                for bias in biases.own.into_iter().chain(biases.cross) {
                    shared.borrow_mut().push(bias);
                    if request.pass.trains() && request.run.checkpointing != Checkpointing::None {
                        b.mark(bias, Role::Shared);
                    }
                }
            }
            b.local(x);
            let x = self.feed_forward_layer(b, x);
            clamped(b, x)
        });
        for bias in biases.own.into_iter().chain(biases.cross) {
            b.local(bias);
        }
        let normal = b.rms_norm_t5(hidden);
        b.dropout(normal, self.dropout_rate)
    }

    fn attention_layer(
        &self,
        b: &mut Builder,
        request: &Request,
        x: Tensor,
        attend: Attend,
        bias: &mut Option<Tensor>,
    ) -> Tensor {
        b.module("", &[x], |b| {
            let normal = b.rms_norm_t5(x);
            b.local(normal);
            let name = if attend.encoded.is_some() { "EncDecAttention" } else { "SelfAttention" };
            let attended = b.module(name, &[normal], |b| self.attention(b, request, normal, attend, bias));
            let dropped = b.dropout(attended, self.dropout_rate);
            b.local(attended);
            b.add(x, dropped)
        })
    }

    fn attention(
        &self,
        b: &mut Builder,
        request: &Request,
        x: Tensor,
        attend: Attend,
        bias: &mut Option<Tensor>,
    ) -> Tensor {
        let Attend { encoded, mask, decodes } = attend;
        let (heads, width) = (self.num_heads, self.num_heads * self.d_kv);
        // Kernels hand back gradients in the order of the projections; bias' fallback does not.
        let fused = encoded.is_some() && !matches!(b.attention, Attention::Eager | Attention::SdpaMath);
        let project = |b: &mut Builder, name, x: Tensor| {
            let projected = b.linear(x, Linear { name, input: self.d_model, output: width, bias: false });
            let [_, batch, length, _] = projected.shape.0;
            let shape = Shape([batch, heads, length, self.d_kv]);
            if fused { b.view(projected, shape) } else { b.view_copied_back(projected, shape) }
        };
        let query = project(b, "q", x);
        let source = encoded.unwrap_or(x);
        let key = project(b, "k", source);
        let value = project(b, "v", source);
        let (key, value) = if decodes { cached(b, request, key, value) } else { (key, value) };
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let (queries, keys) = (query.shape.0[2], key.shape.0[2]);
        let scores = match *bias {
            Some(bias) => bias,
            None if encoded.is_some() => {
                let zeros = b.make("zeros", Shape([1, heads, queries, keys]), query.element);
                // So that the first block's output has a gradient, whatever is trained.
                let learns = request.pass.trains() && request.run.checkpointing != Checkpointing::None;
                if learns { require_grad(b, request, zeros) } else { zeros }
            }
            None => {
                let shape = Shape::matrix(self.relative_attention_num_buckets, heads);
                let table = b.parameter("relative_attention_bias", shape, 2);
                b.relative_position_bias(table, queries, keys)
            }
        };
        *bias = Some(scores);
        let mut call = AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.dropout_rate,
            softmax: Softmax::Own,
            softcap: false,
            projected: true,
        };
        let context = if b.attention == Attention::Eager {
            b.attend_with_bias(call, scores)
        } else {
            b.module("attention", &[], |b| {
                let scores = match mask {
                    Mask::Full => scores,
                    Mask::Causal => {
                        let causal = b.make("ge", Shape([1, 1, queries, keys]), ElementType::Byte);
                        b.local(causal);
                        b.masked_bias(causal, scores)
                    }
                    Mask::Tensor(mask) => b.masked_bias(mask, scores),
                };
                b.local(scores);
                call.mask = Mask::Tensor(scores);
                // The bias lies in memory by position first, which no fused kernel takes.
                b.attend_by(call, if fused { b.attention } else { Attention::SdpaMath })
            })
        };
        b.linear(context, Linear { name: "o", input: width, output: self.d_model, bias: false })
    }

    fn feed_forward_layer(&self, b: &mut Builder, x: Tensor) -> Tensor {
        b.module("", &[x], |b| {
            let normal = b.rms_norm_t5(x);
            let out = b.module("DenseReluDense", &[normal], |b| self.feed_forward(b, normal));
            b.local(out);
            let dropped = b.dropout(out, self.dropout_rate);
            b.add(x, dropped)
        })
    }

    fn feed_forward(&self, b: &mut Builder, x: Tensor) -> Tensor {
        let (input, output) = (self.d_model, self.d_ff);
        let FeedForward { activation, gated } = self.feed_forward_proj;
        let inner = if gated {
            let gate = b.linear(x, Linear { name: "wi_0", input, output, bias: false });
            let gate = b.activation(activation, gate);
            b.local(gate);
            let up = b.linear(x, Linear { name: "wi_1", input, output, bias: false });
            b.local(up);
            b.multiply(gate, up)
        } else {
            let up = b.linear(x, Linear { name: "wi", input, output, bias: false });
            b.activation(activation, up)
        };
        let dropped = b.dropout(inner, self.dropout_rate);
        // `hidden_states.to(self.wo.weight.dtype)`
        let cast = b.to(dropped, b.mode.parameters);
        b.local(cast);
        b.linear(cast, Linear { name: "wo", input: output, output: input, bias: false })
    }
}

/// In FP16, `torch.clamp` to what is finite: `isinf` makes the magnitude and a mask first.
fn clamped(b: &mut Builder, x: Tensor) -> Tensor {
    if x.element != ElementType::Fp16 {
        return x;
    }
    b.module("", &[x], |b| {
        let magnitude = b.make("abs", x.shape, x.element);
        b.make("eq", x.shape, ElementType::Byte);
        b.release(magnitude);
        b.map_saving_input("clamp", x)
    })
}
