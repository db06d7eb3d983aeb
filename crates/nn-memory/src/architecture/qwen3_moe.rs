//! Qwen 3 with experts (`modeling_qwen3_moe.py` of transformers 5).

use super::config::{FLAG, WIDTH, config, count, optional};
use super::decoder::experts_chosen;
use super::llama::{Block, model};
use super::qwen3::Qwen3Base;
use super::{ConfigError, Request};
use crate::program::{Builder, ExpertTargets, Experts};

config! {
    /// Fields of `Qwen3MoeConfig`.
    Qwen3Moe {
        ..qwen3: Qwen3Base {
            hidden_size = 2_048;
            intermediate_size = 6_144;
            num_hidden_layers = 24;
            num_key_value_heads = 4;
            head_dim = 0;
        }
        use_sliding_window: bool = 0, FLAG, "Sliding window in use";
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
        num_experts: u64 = 128, count(100_000), "Experts";
        num_experts_per_tok: u64 = 8, count(100_000), "Experts per token";
        moe_intermediate_size: u64 = 768, WIDTH, "Intermediate size of an expert";
        norm_topk_prob: bool = 0, FLAG, "Weights of experts sum to one";
    }
}

impl Qwen3Moe {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let block = self.qwen3.block()?;
        let experts = Experts {
            count: self.num_experts,
            per_token: experts_chosen(self.num_experts_per_tok, "num_experts", self.num_experts)?,
            hidden: block.hidden,
            intermediate: self.moe_intermediate_size,
            activation: block.activation,
            normalized: self.norm_topk_prob,
            narrowed: true,
            targets: Some(ExpertTargets::QWEN),
        };
        let window = self.sliding_window.filter(|_| self.use_sliding_window);
        let base = self.qwen3;
        model(
            b,
            request,
            &Block { experts: Some(experts), window, ..block },
            base.num_hidden_layers,
            base.vocab_size,
            base.tie_word_embeddings,
        );
        Ok(())
    }
}
