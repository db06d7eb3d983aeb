//! GPT-2 (`modeling_gpt2.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{blocks, divisible, embedded, language_head, tokens};
use super::llama::{attend_cached, causal_mask};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `GPT2Config`.
    Gpt2 {
        n_embd: u64 = 768, WIDTH, "Hidden size";
        n_inner: Option<u64> = 0, optional(10_000_000), "Intermediate size";
        n_layer: u64 = 12, LAYERS, "Layers";
        n_head: u64 = 12, HEADS, "Attention heads";
        vocab_size: u64 = 50_257, VOCABULARY, "Vocabulary";
        n_positions: u64 = 1_024, POSITIONS, "Positions";
        activation_function: Activation = Activation::GeluNew as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        embd_pdrop: Decimal = 100_000, RATE, "Embedding dropout";
        attn_pdrop: Decimal = 100_000, RATE, "Attention dropout";
        resid_pdrop: Decimal = 100_000, RATE, "Residual dropout";
    }
}

impl Gpt2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("n_embd", self.n_embd, "n_head", self.n_head)?;
        let ids = tokens(b, request);
        let table = b.parameter("wte", Shape::matrix(self.vocab_size, self.n_embd), 2);
        let positions = b.parameter("wpe", Shape::matrix(self.n_positions, self.n_embd), 2);
        b.ends_at(self.n_positions, request.positions());
        let hidden = b.module("model", &[], |b| {
            let (tokens, position) = b.module("embeddings", &[], |b| {
                let tokens = b.embedding(ids, table);
                let tokens = embedded(b, request, tokens);
                let position_ids = b.make("arange", Shape::matrix(1, ids.shape.width()), ElementType::Int64);
                (tokens, b.embedding(position_ids, positions))
            });
            b.local(tokens);
            b.local(position);
            let hidden = b.add_broadcast(tokens, position);
            let mask = causal_mask(b, request, hidden, None);
            let hidden = b.dropout(hidden, self.embd_pdrop);
            let hidden = blocks(b, request, self.n_layer, hidden, |b, x| self.block(b, request, x, mask));
            b.layer_norm_module(hidden, true)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let normal = b.layer_norm_module(x, true);
        let attended = b.module("attn", &[normal], |b| self.attention(b, request, normal, mask));
        b.hold_attention_weights();
        b.local(attended);
        let x = b.add(attended, x);
        b.local(x);
        // The sum takes over its name.
        b.release(normal);
        let normal = b.layer_norm_module(x, true);
        b.local(normal);
        let inner = self.n_inner.unwrap_or(4 * self.n_embd);
        let out = b.module("mlp", &[normal], |b| {
            let up = b.conv1d(normal, Linear { name: "c_fc", input: self.n_embd, output: inner, bias: true });
            let active = b.activation(self.activation_function, up);
            let down = b.conv1d(active, Linear { name: "c_proj", input: inner, output: self.n_embd, bias: true });
            b.dropout(down, self.resid_pdrop)
        });
        b.add(x, out)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> Tensor {
        let width = self.n_embd;
        let all = b.conv1d(x, Linear { name: "c_attn", input: width, output: 3 * width, bias: true });
        let [_, batch, length, _] = all.shape.0;
        let heads = Shape([batch, self.n_head, length, width / self.n_head]);
        let parts = b.split(all, &[width, width, width]);
        b.local(all);
        let [query, key, value] = [(0, false), (1, true), (2, false)]
            .map(|(part, keys)| b.split_heads(parts[part], heads, self.n_head, mask, keys));
        let call = AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attn_pdrop,
            softmax: Softmax::AsValues,
            softcap: false,
            projected: true,
        };
        let context = attend_cached(b, request, call, None);
        let out = b.conv1d(context, Linear { name: "c_proj", input: width, output: width, bias: true });
        b.dropout(out, self.resid_pdrop)
    }
}
