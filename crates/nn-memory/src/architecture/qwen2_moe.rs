//! Qwen 1.5 and 2 with experts (`modeling_qwen2_moe.py` of transformers 5).

use super::config::{FLAG, WIDTH, config, count};
use super::decoder::experts_chosen;
use super::llama::{Block, model};
use super::qwen2::Qwen2Base;
use super::{ConfigError, Request};
use crate::program::{Builder, Experts};

config! {
    /// Fields of `Qwen2MoeConfig`.
    Qwen2Moe {
        ..qwen2: Qwen2Base {
            hidden_size = 2_048;
            intermediate_size = 5_632;
            num_hidden_layers = 24;
            num_attention_heads = 16;
            num_key_value_heads = 16;
        }
        num_experts: u64 = 60, count(100_000), "Experts";
        num_experts_per_tok: u64 = 4, count(100_000), "Experts per token";
        moe_intermediate_size: u64 = 1_408, WIDTH, "Intermediate size of an expert";
        shared_expert_intermediate_size: u64 = 5_632, WIDTH, "Intermediate size of the shared expert";
        norm_topk_prob: bool = 0, FLAG, "Weights of experts sum to one";
        qkv_bias: bool = 1, FLAG, "Attention bias";
    }
}

impl Qwen2Moe {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let block = self.qwen2.block()?;
        let experts = Experts {
            count: self.num_experts,
            per_token: experts_chosen(self.num_experts_per_tok, "num_experts", self.num_experts)?,
            hidden: block.hidden,
            intermediate: self.moe_intermediate_size,
            activation: block.activation,
            normalized: self.norm_topk_prob,
            narrowed: true,
            // peft leaves the experts of this one family alone.
            targets: None,
        };
        let block = Block {
            qkv_bias: self.qkv_bias,
            experts: Some(experts),
            shared_expert: Some(self.shared_expert_intermediate_size),
            ..block
        };
        let base = self.qwen2;
        model(b, request, &block, base.num_hidden_layers, base.vocab_size, base.tie_word_embeddings);
        Ok(())
    }
}
