//! OpenAI's gpt-oss (`modeling_gpt_oss.py` of transformers 5).
//!
//! Every other layer has a window, the first among them. Each head learns a score for attending to nothing, which no kernel
//! of `scaled_dot_product_attention` knows: attention is written out.

use super::config::{FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count, optional};
use super::decoder::{alternating_blocks, embed, experts_chosen, language_head};
use super::llama::{attend_cached, causal_mask, grouped_heads};
use super::positions::rotary_table_of_angles;
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, BiasedExperts, Builder, ElementType, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `GptOssConfig`.
    GptOss {
        hidden_size: u64 = 2_880, WIDTH, "Hidden size";
        intermediate_size: u64 = 2_880, WIDTH, "Intermediate size of an expert";
        num_hidden_layers: u64 = 36, LAYERS, "Layers";
        num_attention_heads: u64 = 64, HEADS, "Attention heads";
        num_key_value_heads: Option<u64> = 8, optional(1_000_000), "Key-value heads";
        head_dim: Option<u64> = 64, optional(1_000_000), "Head size";
        vocab_size: u64 = 201_088, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 131_072, POSITIONS, "Positions";
        num_local_experts: u64 = 128, count(100_000), "Experts";
        num_experts_per_tok: u64 = 4, count(100_000), "Experts per token";
        sliding_window: u64 = 128, count(1_000_000_000), "Sliding window";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
        attention_bias: bool = 1, FLAG, "Attention bias";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
    }
}

/// What all blocks of a kind share.
#[derive(Clone, Copy)]
struct Around {
    mask: Mask,
    window: Option<u64>,
    kv_heads: u64,
    head_dim: u64,
    /// The type of the tables of positions.
    table: ElementType,
}

impl GptOss {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        experts_chosen(self.num_experts_per_tok, "num_local_experts", self.num_local_experts)?;
        let heads = self.num_attention_heads;
        let (kv_heads, head_dim) = grouped_heads(self.hidden_size, heads, self.num_key_value_heads, self.head_dim)?;
        let (table, embedded) = embed(b, request, "embed_tokens", self.vocab_size, self.hidden_size);
        let hidden = b.module("", &[embedded], |b| {
            let full = causal_mask(b, request, embedded, None);
            let window = Some(self.sliding_window);
            let sliding = causal_mask(b, request, embedded, window);
            rotary_table_of_angles(b, request, embedded, head_dim / 2);
            let full = Around { mask: full, window: None, kv_heads, head_dim, table: embedded.element };
            let sliding = Around { mask: sliding, window, ..full };
            let hidden = alternating_blocks(b, request, self.num_hidden_layers, 2, embedded, |b, x, place| {
                self.block(b, request, x, if place == 0 { sliding } else { full })
            });
            b.rms_norm_olmo2(hidden)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn block(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around) -> Tensor {
        let normal = b.rms_norm_olmo2(x);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, normal, around));
        let weights = b.attention_weights.take();
        let x = b.add(x, attended);
        b.local(x);
        let normal = b.rms_norm_olmo2(x);
        let experts = BiasedExperts {
            count: self.num_local_experts,
            per_token: self.num_experts_per_tok,
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
        };
        let (out, of_experts) = b.biased_experts(normal, experts);
        b.local(of_experts);
        // The weights of the experts take over the name of those of attention.
        if let Some(weights) = weights {
            b.release(weights);
        }
        b.add(x, out)
    }

    fn attention(&self, b: &mut Builder, request: &Request, x: Tensor, around: Around) -> Tensor {
        let Around { mask, window, kv_heads, head_dim, table } = around;
        let (input, bias) = (self.hidden_size, self.attention_bias);
        let heads = self.num_attention_heads;
        let (q, k) = (heads * head_dim, kv_heads * head_dim);
        let [_, batch, length, _] = x.shape.0;
        let projected =
            |b: &mut Builder, name: &'static str, output: u64| b.linear(x, Linear { name, input, output, bias });
        let query = projected(b, "q_proj", q);
        let query = b.view_copied_back(query, Shape([batch, heads, length, head_dim]));
        let key = projected(b, "k_proj", k);
        let key = b.view_copied_back(key, Shape([batch, kv_heads, length, head_dim]));
        let value = projected(b, "v_proj", k);
        let value = b.split_heads(value, Shape([batch, kv_heads, length, head_dim]), heads, mask, false);
        let (query, key) =
            b.module("", &[query, key], |b| (b.rotated_halves(query, table), b.rotated_halves(key, table)));
        let sinks = b.parameter("sinks", Shape::vector(heads), 1);
        let call = AttentionCall {
            query,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax: Softmax::BesideSinks(sinks),
            softcap: false,
            projected: false,
        };
        let context = attend_cached(b, request, call, window);
        b.linear(context, Linear { name: "o_proj", input: q, output: input, bias })
    }
}
