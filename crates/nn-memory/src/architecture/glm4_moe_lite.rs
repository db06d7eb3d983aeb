//! GLM-4.7-Flash (`modeling_glm4_moe_lite.py` of transformers 5): the blocks of DeepSeek-V3.

use super::config::config;
use super::deepseek_v3::DeepseekV3;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `Glm4MoeLiteConfig`, whose list `mlp_layer_types` is counted as `first_k_dense_replace`.
    Glm4MoeLite {
        ..deepseek: DeepseekV3 {
            hidden_size = 2_048;
            intermediate_size = 10_240;
            moe_intermediate_size = 1_536;
            num_hidden_layers = 47;
            first_k_dense_replace = 1;
            num_attention_heads = 20;
            q_lora_rank = 768;
            qk_nope_head_dim = 192;
            v_head_dim = 256;
            n_routed_experts = 64;
            num_experts_per_tok = 4;
            n_group = 1;
            topk_group = 1;
            vocab_size = 154_880;
            max_position_embeddings = 202_752;
        }
    }
}

impl Glm4MoeLite {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        self.deepseek.lower(b, request)
    }
}
