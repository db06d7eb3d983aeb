//! StarCoder2 (`modeling_starcoder2.py` of transformers 5).

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count, optional,
};
use super::decoder::{blocks, embed, language_head};
use super::llama::{Block, causal_mask, grouped_heads};
use super::positions::rotary_table;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, Linear, Mask, Tensor};

config! {
    /// Fields of `Starcoder2Config`.
    Starcoder2 {
        hidden_size: u64 = 3_072, WIDTH, "Hidden size";
        intermediate_size: u64 = 12_288, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 30, LAYERS, "Layers";
        num_attention_heads: u64 = 24, HEADS, "Attention heads";
        num_key_value_heads: u64 = 2, count(1_000_000), "Key-value heads";
        vocab_size: u64 = 49_152, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 4_096, POSITIONS, "Positions";
        sliding_window: Option<u64> = 0, optional(1_000_000_000), "Sliding window";
        hidden_act: Activation = Activation::GeluTanh as u64, ACTIVATION, "Activation";
        use_bias: bool = 1, FLAG, "Biases";
        tie_word_embeddings: bool = 1, FLAG, "Tied embeddings";
        embedding_dropout: Decimal = 0, RATE, "Embedding dropout";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        residual_dropout: Decimal = 0, RATE, "Residual dropout";
    }
}

impl Starcoder2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let (kv_heads, head_dim) =
            grouped_heads(self.hidden_size, self.num_attention_heads, Some(self.num_key_value_heads), None)?;
        let attention = Block {
            qkv_bias: self.use_bias,
            output_bias: self.use_bias,
            attention_dropout: self.attention_dropout,
            window: self.sliding_window,
            ..Block::llama(self.hidden_size, self.num_attention_heads, kv_heads, head_dim, self.intermediate_size)
        };
        let (table, embedded) = embed(b, request, "embed_tokens", self.vocab_size, self.hidden_size);
        let hidden = b.module("", &[embedded], |b| {
            let mask = causal_mask(b, request, embedded, self.sliding_window);
            let hidden = b.dropout(embedded, self.embedding_dropout);
            rotary_table(b, request, hidden, head_dim);
            let hidden =
                blocks(b, request, self.num_hidden_layers, hidden, |b, x| self.block(b, request, x, mask, &attention));
            b.layer_norm_module(hidden, true)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, mask: Mask, attention: &Block) -> Tensor {
        let normal = b.layer_norm_module(x, true);
        let attended = b.module("self_attn", &[normal], |b| {
            let attended = attention.attention(b, request, normal, mask);
            b.dropout(attended, self.residual_dropout)
        });
        b.hold_attention_weights();
        let x = b.add(x, attended);
        b.local(x);
        let normal = b.layer_norm_module(x, true);
        let (narrow, wide, bias) = (self.hidden_size, self.intermediate_size, self.use_bias);
        let out = b.module("mlp", &[normal], |b| {
            let up = b.linear(normal, Linear { name: "c_fc", input: narrow, output: wide, bias });
            let active = b.activation(self.hidden_act, up);
            let down = b.linear(active, Linear { name: "c_proj", input: wide, output: narrow, bias });
            b.dropout(down, self.residual_dropout)
        });
        b.add(x, out)
    }
}
