//! Mixtral (`modeling_mixtral.py` of transformers 5).

use super::config::{config, count};
use super::decoder::experts_chosen;
use super::llama::Block;
use super::mistral::Mistral;
use super::{ConfigError, Request};
use crate::program::{Builder, ExpertTargets, Experts};

config! {
    /// Fields of `MixtralConfig`.
    Mixtral {
        ..mistral: Mistral { sliding_window = 0; }
        num_local_experts: u64 = 8, count(100_000), "Experts";
        num_experts_per_tok: u64 = 2, count(100_000), "Experts per token";
    }
}

impl Mixtral {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let block = self.mistral.block()?;
        let experts = Experts {
            count: self.num_local_experts,
            per_token: experts_chosen(self.num_experts_per_tok, "num_local_experts", self.num_local_experts)?,
            hidden: block.hidden,
            intermediate: block.intermediate,
            activation: block.activation,
            normalized: true,
            narrowed: false,
            targets: Some(ExpertTargets::MIXTRAL),
        };
        self.mistral.model(b, request, &Block { experts: Some(experts), ..block });
        Ok(())
    }
}
