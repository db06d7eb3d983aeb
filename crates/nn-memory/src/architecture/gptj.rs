//! GPT-J (`modeling_gptj.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, optional,
};
use super::decoder::{biased_language_head, blocks_with_weights, divisible, embed, even};
use super::llama::{cached, causal_mask, hold_for_blocks};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Scores, Shape, Softmax, Tensor};

config! {
    /// Fields of `GPTJConfig`.
    GptJ {
        n_embd: u64 = 4_096, WIDTH, "Hidden size";
        n_inner: Option<u64> = 0, optional(10_000_000), "Intermediate size";
        n_layer: u64 = 28, LAYERS, "Layers";
        n_head: u64 = 16, HEADS, "Attention heads";
        vocab_size: u64 = 50_400, VOCABULARY, "Vocabulary";
        n_positions: u64 = 2_048, POSITIONS, "Positions";
        rotary_dim: u64 = 64, WIDTH, "Rotated elements of a head";
        activation_function: Activation = Activation::GeluNew as u64, ACTIVATION, "Activation";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        embd_pdrop: Decimal = 0, RATE, "Embedding dropout";
        attn_pdrop: Decimal = 0, RATE, "Attention dropout";
        resid_pdrop: Decimal = 0, RATE, "Residual dropout";
    }
}

impl GptJ {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let head_dim = divisible("n_embd", self.n_embd, "n_head", self.n_head)?;
        even("rotary_dim", self.rotary_dim)?;
        if self.rotary_dim > head_dim {
            return Err(ConfigError::OutOfRange { field: "rotary_dim", given: self.rotary_dim, limits: 2..=head_dim });
        }
        let (table, embedded) = embed(b, request, "wte", self.vocab_size, self.n_embd);
        // Sines and cosines are looked up in tables.
        b.ends_at(self.n_positions, request.positions());
        let hidden = b.module("", &[embedded], |b| {
            let length = embedded.shape.0[2];
            let positions = b.make("arange", Shape::vector(length), ElementType::Int64);
            hold_for_blocks(b, request, positions);
            let mask = causal_mask(b, request, embedded, None);
            let hidden = b.dropout(embedded, self.embd_pdrop);
            let hidden = blocks_with_weights(b, request, self.n_layer, hidden, |b, x| self.block(b, request, x, mask));
            b.layer_norm_module(hidden, true)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        biased_language_head(b, request, hidden, tied, self.vocab_size, true, &|_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> (Tensor, Tensor) {
        let normal = b.layer_norm_module(x, true);
        b.local(normal);
        let (attended, weights) = b.module("attn", &[normal], |b| self.attention(b, request, normal, mask));
        b.local(attended);
        let (narrow, wide) = (self.n_embd, self.n_inner.unwrap_or(4 * self.n_embd));
        let out = b.module("mlp", &[normal], |b| {
            let up = b.linear(normal, Linear { name: "fc_in", input: narrow, output: wide, bias: true });
            let active = b.activation(self.activation_function, up);
            let down = b.linear(active, Linear { name: "fc_out", input: wide, output: narrow, bias: true });
            b.dropout(down, self.resid_pdrop)
        });
        b.local(out);
        let sum = b.add(attended, out);
        (b.add(sum, x), weights)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask) -> (Tensor, Tensor) {
        let width = self.n_embd;
        let [_, batch, length, _] = x.shape.0;
        let heads = Shape([batch, self.n_head, length, width / self.n_head]);
        let [query, key, value] = ["q_proj", "k_proj", "v_proj"]
            .map(|name| b.linear(x, Linear { name, input: width, output: width, bias: false }));
        // Sums of gradients of slices lie as the projections do; those of values come heads first.
        let (query, key) = (b.view(query, heads), b.view(key, heads));
        let value = b.view_copied_back(value, heads);
        let table = self.table(b, length, key.element);
        let (key, key_rest) = b.parted_heads(key, self.rotary_dim);
        let (query, query_rest) = b.parted_heads(query, self.rotary_dim);
        let (key, query) = (rotated(b, key, table), rotated(b, query, table));
        for tensor in [key, key_rest, query, query_rest] {
            b.local(tensor);
        }
        let (key, query) = (b.joined_heads(key, key_rest), b.joined_heads(query, query_rest));
        let (key, value) = cached(b, request, key, value, None);
        for tensor in [query, key, value] {
            b.local(tensor);
        }
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
        let (context, weights) = b.attend_in_fp32(call, Scores::Scaled);
        b.local(weights);
        let out = b.linear(context, Linear { name: "out_proj", input: width, output: width, bias: false });
        (b.dropout(out, self.resid_pdrop), weights)
    }

    /// Sines and cosines of the pass' positions side by side, out of the layer's own table: each layer makes them anew.
    fn table(&self, b: &mut Builder, length: u64, element: ElementType) -> Tensor {
        let all = Shape::matrix(self.n_positions, self.rotary_dim);
        b.buffer(all, ElementType::Fp32);
        let repeated = b.make("repeat", all, ElementType::Fp32);
        b.local(repeated);
        let rows = Shape::matrix(length, self.rotary_dim);
        let indices = b.make("repeat", rows, ElementType::Int64);
        b.local(indices);
        let gathered = b.make("gather", rows, ElementType::Fp32);
        let table = b.to(gathered, element);
        b.local(table)
    }
}

/// x · cos + rotate_every_two(x) · sin, for which both tables are repeated: each product keeps its own.
fn rotated(b: &mut Builder, x: Tensor, table: Tensor) -> Tensor {
    let rows = Shape::matrix(x.shape.0[2], x.shape.width());
    b.module("", &[x], |b| {
        let [sine, cosine] = ["sin", "cos"].map(|label| b.make(label, rows, table.element));
        b.local(sine);
        b.local(cosine);
        b.rotated_in_pairs(x, cosine, sine)
    })
}
