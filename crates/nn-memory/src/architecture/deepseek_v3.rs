//! DeepSeek-V3 and R1 (`modeling_deepseek_v3.py` of transformers 5), without the modules that predict further tokens,
//! which no step runs.

use super::config::{
    ACTIVATION, Activation, FLAG, HEADS, LAYERS, POSITIONS, RATE, VOCABULARY, WIDTH, config, count, optional,
};
use super::decoder::{blocks, divisible, embed, language_head};
use super::llama::{Block, cached, causal_mask, rotary_table};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, ExpertTargets, Experts, Groups, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `DeepseekV3Config`.
    DeepseekV3 {
        hidden_size: u64 = 7_168, WIDTH, "Hidden size";
        intermediate_size: u64 = 18_432, WIDTH, "Intermediate size";
        moe_intermediate_size: u64 = 2_048, WIDTH, "Intermediate size of an expert";
        num_hidden_layers: u64 = 61, LAYERS, "Layers";
        first_k_dense_replace: Option<u64> = 3, optional(1_000_000), "Layers without experts";
        num_attention_heads: u64 = 128, HEADS, "Attention heads";
        q_lora_rank: Option<u64> = 1_536, optional(10_000_000), "Latent size of queries";
        kv_lora_rank: u64 = 512, WIDTH, "Latent size of keys and values";
        qk_nope_head_dim: u64 = 128, WIDTH, "Head size without positions";
        qk_rope_head_dim: u64 = 64, WIDTH, "Head size with positions";
        v_head_dim: u64 = 128, WIDTH, "Head size of values";
        n_routed_experts: u64 = 256, count(100_000), "Experts";
        num_experts_per_tok: u64 = 8, count(100_000), "Experts per token";
        n_shared_experts: u64 = 1, count(100_000), "Shared experts";
        n_group: u64 = 8, count(100_000), "Groups of experts";
        topk_group: u64 = 4, count(100_000), "Groups per token";
        norm_topk_prob: bool = 1, FLAG, "Weights of experts sum to one";
        vocab_size: u64 = 129_280, VOCABULARY, "Vocabulary";
        max_position_embeddings: u64 = 4_096, POSITIONS, "Positions";
        hidden_act: Activation = Activation::Silu as u64, ACTIVATION, "Activation";
        rope_interleave: bool = 1, FLAG, "Positions turn neighbours";
        attention_bias: bool = 0, FLAG, "Attention bias";
        attention_dropout: Decimal = 0, RATE, "Attention dropout";
        tie_word_embeddings: bool = 0, FLAG, "Tied embeddings";
    }
}

impl DeepseekV3 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        divisible("n_routed_experts", self.n_routed_experts, "n_group", self.n_group)?;
        if self.qk_rope_head_dim % 2 == 1 {
            let (field, given) = ("qk_rope_head_dim", self.qk_rope_head_dim);
            return Err(ConfigError::NotDivisible { field, given, by: "2", divisor: 2 });
        }
        let (heads, head_dim) = (self.num_attention_heads, self.qk_nope_head_dim + self.qk_rope_head_dim);
        let block = Block {
            activation: self.hidden_act,
            ..Block::llama(self.hidden_size, heads, heads, head_dim, self.intermediate_size)
        };
        let (table, hidden) = embed(b, request, "embed_tokens", self.vocab_size, self.hidden_size);
        // The model's frame holds what it embedded until it returns.
        let hidden = b.module("", &[hidden], |b| {
            let mask = causal_mask(b, request, hidden, None);
            rotary_table(b, request, hidden, self.qk_rope_head_dim);
            let dense = self.first_k_dense_replace.unwrap_or(0).min(self.num_hidden_layers);
            let mut hidden = hidden;
            if dense > 0 {
                hidden = blocks(b, request, dense, hidden, |b, x| self.layer(b, request, &block, x, mask, false));
            }
            let sparse = self.num_hidden_layers - dense;
            if sparse > 0 {
                hidden = blocks(b, request, sparse, hidden, |b, x| self.layer(b, request, &block, x, mask, true));
            }
            block.norm(b, hidden)
        });
        let tied = self.tie_word_embeddings.then_some(table);
        language_head(b, request, hidden, tied, self.vocab_size, |_, logits| logits);
        Ok(())
    }

    fn layer(&self, b: &mut Builder, request: &Request, block: &Block, x: Tensor, mask: Mask, sparse: bool) -> Tensor {
        let normal = block.norm(b, x);
        let attended = b.module("self_attn", &[normal], |b| self.attention(b, request, block, normal, mask));
        b.hold_attention_weights();
        let x = b.add(x, attended);
        b.local(x);
        let normal = block.norm(b, x);
        let out = if sparse {
            b.module("mlp", &[normal], |b| self.mixture(b, block, normal))
        } else {
            // peft takes the names of an MLP's layers for those of the experts.
            b.without_adapters(|b| block.gated_mlp(b, normal, self.intermediate_size))
        };
        b.add(x, out)
    }

    /// Attention over latents: the cache holds these and the part of the keys that all heads share, which each layer
    /// expands to keys and values of all heads.
    fn attention(&self, b: &mut Builder, request: &Request, block: &Block, x: Tensor, mask: Mask) -> Tensor {
        let (heads, latent, bias) = (self.num_attention_heads, self.kv_lora_rank, self.attention_bias);
        let (still, turned) = (self.qk_nope_head_dim, self.qk_rope_head_dim);
        let [_, batch, length, input] = x.shape.0;
        let queries = self.queries(b, block, x);
        b.local(queries);
        let split = b.view_copied_back(queries, Shape([batch, heads, length, block.head_dim]));
        let query = b.split(split, &[still, turned]);
        let compressed = Linear { name: "kv_a_proj_with_mqa", input, output: latent + turned, bias };
        let compressed = b.linear(x, compressed);
        b.local(compressed);
        let key = b.split(compressed, &[latent, turned]);
        let normal = block.norm(b, key[0]);
        let shared =
            [(normal, latent), (key[1], turned)].map(|(part, width)| b.view(part, Shape([batch, 1, length, width])));
        // Positions are of the hidden states' type.
        let [query_turned, key_turned] = [query[1], shared[1]].map(|part| {
            if self.rope_interleave { b.rotated_neighbours(part, x.element) } else { b.rotated(part, x.element) }
        });
        b.local(query_turned);
        let (latents, key_turned) = cached(b, request, shared[0], key_turned, None);
        b.local(latents);
        b.local(key_turned);
        let whole = b.module("", &[], |b| {
            // Autocast puts together in the widest type.
            let still = b.to(query[0], query_turned.element);
            b.local(still);
            b.concatenate(&[still, query_turned], query_turned.shape.with_width(block.head_dim))
        });
        b.local(whole);
        let (key, value) = self.expanded(b, latents, key_turned);
        b.local(key);
        b.local(value);
        let context = b.attend(AttentionCall {
            query: whole,
            key,
            value,
            mask,
            dropout: self.attention_dropout,
            softmax: Softmax::Wide,
            softcap: false,
            projected: false,
        });
        b.linear(context, Linear { name: "o_proj", input: heads * self.v_head_dim, output: input, bias })
    }

    /// Queries of all heads, by way of latents of their own or not.
    fn queries(&self, b: &mut Builder, block: &Block, x: Tensor) -> Tensor {
        let (input, output) = (self.hidden_size, self.num_attention_heads * block.head_dim);
        let Some(latent) = self.q_lora_rank else {
            return b.linear(x, Linear { name: "q_proj", input, output, bias: false });
        };
        let low = b.linear(x, Linear { name: "q_a_proj", input, output: latent, bias: self.attention_bias });
        let low = block.norm(b, low);
        b.linear(low, Linear { name: "q_b_proj", input: latent, output, bias: false })
    }

    /// Keys and values of all heads.
    fn expanded(&self, b: &mut Builder, latents: Tensor, key_turned: Tensor) -> (Tensor, Tensor) {
        let heads = self.num_attention_heads;
        let (still, turned, values) = (self.qk_nope_head_dim, self.qk_rope_head_dim, self.v_head_dim);
        let [batch, _, length, input] = latents.shape.0;
        let both = Linear { name: "kv_b_proj", input, output: heads * (still + values), bias: false };
        let both = b.linear(latents, both);
        let both = b.view_copied_back(both, Shape([batch, heads, length, still + values]));
        let parts = b.split(both, &[still, values]);
        let turned_of_heads = b.broadcast(key_turned, Shape([batch, heads, length, turned]));
        let shape = Shape([batch, heads, length, still + turned]);
        (b.copied_side_by_side(&[parts[0], turned_of_heads], shape, both.element), parts[1])
    }

    /// Experts that tokens are sent to, and an MLP that all pass.
    fn mixture(&self, b: &mut Builder, block: &Block, x: Tensor) -> Tensor {
        let experts = Experts {
            count: self.n_routed_experts,
            per_token: self.num_experts_per_tok.min(self.n_routed_experts),
            hidden: self.hidden_size,
            intermediate: self.moe_intermediate_size,
            activation: self.hidden_act,
            normalized: self.norm_topk_prob,
            narrowed: false,
            targets: Some(ExpertTargets::QWEN),
        };
        let groups = Groups {
            count: experts.count,
            groups: self.n_group,
            chosen: self.topk_group.min(self.n_group),
            per_token: experts.per_token,
            normalized: experts.normalized,
        };
        let weights_of_experts = b.weights_of_experts(&experts);
        let router = b.parameter("gate", Shape::matrix(experts.count, self.hidden_size), 2);
        let bias = b.buffer(Shape::vector(experts.count), b.mode.parameters);
        let weights = b.module("", &[], |b| {
            let router = b.adapted_router(router, experts.targets);
            b.route_in_groups(x, router, bias, &groups)
        });
        let routed = b.module("", &[], |b| {
            let weights_of_experts = b.adapted_stacks(weights_of_experts, experts.targets);
            b.grouped_experts(x, weights, weights_of_experts, &experts)
        });
        b.local(routed);
        let shared = self.moe_intermediate_size * self.n_shared_experts;
        let shared = b.without_adapters(|b| block.gated_mlp(b, x, shared));
        b.add(routed, shared)
    }
}
