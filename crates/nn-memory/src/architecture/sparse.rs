//! Decoders in which experts take the place of the MLP, in all layers but the first few.

use super::decoder::{blocks, embed, language_head};
use super::llama::{Block, causal_mask};
use super::{ConfigError, Request};
use crate::program::{Builder, Experts, Mask, Shape, Tensor};

/// Such a decoder; `block` is that of the layers without experts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sparse {
    pub(super) block: Block,
    pub(super) layers: u64,
    /// How many of them, the first, have no experts.
    pub(super) dense: u64,
    pub(super) experts: Experts,
    /// How many of their size the MLP is that all tokens pass, if any.
    pub(super) shared_experts: u64,
    pub(super) vocabulary: u64,
    pub(super) tied: bool,
}

impl Sparse {
    /// The whole network. `tables` makes those of positions for what is embedded, `attention` is what a block attends with,
    /// and `route` what the router returns by its weight: logits, weights of the experts that tokens are sent to, their
    /// places.
    pub(super) fn lower(
        &self,
        b: &mut Builder,
        request: &Request,
        tables: impl Fn(&mut Builder, Tensor),
        attention: impl Fn(&mut Builder, Tensor, Mask) -> Tensor,
        route: impl Fn(&mut Builder, Tensor, Tensor) -> [Tensor; 3],
    ) -> Result<(), ConfigError> {
        let block = &self.block;
        let (table, hidden) = embed(b, request, "embed_tokens", self.vocabulary, block.hidden);
        // The model's frame holds what it embedded until it returns.
        let hidden = b.module("", &[hidden], |b| {
            let mask = causal_mask(b, request, hidden, None);
            tables(b, hidden);
            let attention = |b: &mut Builder, x| attention(b, x, mask);
            let dense = self.dense.min(self.layers);
            let mut hidden = hidden;
            if dense > 0 {
                // peft takes the names of an MLP's layers for those of the experts.
                let mlp = |b: &mut Builder, x| b.without_adapters(|b| block.gated_mlp(b, x, block.intermediate));
                hidden = blocks(b, request, dense, hidden, |b, x| layer(b, block, x, attention, mlp));
            }
            let sparse = self.layers - dense;
            if sparse > 0 {
                let mixture = |b: &mut Builder, x| b.module("mlp", &[x], |b| self.mixture(b, x, &route));
                hidden = blocks(b, request, sparse, hidden, |b, x| layer(b, block, x, attention, mixture));
            }
            block.norm(b, hidden)
        });
        language_head(b, request, hidden, self.tied.then_some(table), self.vocabulary, |_, logits| logits);
        Ok(())
    }

    /// Experts that tokens are sent to, and an MLP that all pass.
    fn mixture(
        &self,
        b: &mut Builder,
        x: Tensor,
        route: impl Fn(&mut Builder, Tensor, Tensor) -> [Tensor; 3],
    ) -> Tensor {
        let experts = &self.experts;
        let weights_of_experts = b.weights_of_experts(experts);
        let router = b.parameter("gate", Shape::matrix(experts.count, self.block.hidden), 2);
        let routed = b.module("", &[], |b| {
            let router = b.adapted_router(router, experts.targets);
            route(b, x, router)
        });
        let [_, weights, _] = routed.map(|tensor| b.local(tensor));
        let routed = b.module("", &[], |b| {
            let weights_of_experts = b.adapted_stacks(weights_of_experts, experts.targets);
            b.grouped_experts(x, weights, weights_of_experts, experts)
        });
        if self.shared_experts == 0 {
            return routed;
        }
        b.local(routed);
        let shared = experts.intermediate * self.shared_experts;
        let shared = b.without_adapters(|b| self.block.gated_mlp(b, x, shared));
        b.add(routed, shared)
    }
}

fn layer(
    b: &mut Builder,
    block: &Block,
    x: Tensor,
    attention: impl Fn(&mut Builder, Tensor) -> Tensor,
    mlp: impl Fn(&mut Builder, Tensor) -> Tensor,
) -> Tensor {
    let normal = block.norm(b, x);
    let attended = b.module("self_attn", &[normal], |b| attention(b, normal));
    b.hold_attention_weights();
    let x = b.add(x, attended);
    b.local(x);
    let normal = block.norm(b, x);
    let out = mlp(b, normal);
    b.add(x, out)
}
