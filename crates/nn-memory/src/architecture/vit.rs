//! ViT (`modeling_vit.py` of transformers 5).

use super::config::{ACTIVATION, Activation, FLAG, HEADS, LAYERS, RATE, WIDTH, config, count};
use super::image::{Library, Vision};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::Builder;

config! {
    /// Fields of `ViTConfig`.
    Vit {
        hidden_size: u64 = 768, WIDTH, "Hidden size";
        intermediate_size: u64 = 3_072, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 12, LAYERS, "Layers";
        num_attention_heads: u64 = 12, HEADS, "Attention heads";
        image_size: u64 = 224, count(1_000_000), "Image size";
        patch_size: u64 = 16, count(1_000_000), "Patch size";
        num_channels: u64 = 3, count(100_000), "Channels";
        hidden_act: Activation = Activation::Gelu as u64, ACTIVATION, "Activation";
        hidden_dropout_prob: Decimal = 0, RATE, "Dropout";
        attention_probs_dropout_prob: Decimal = 0, RATE, "Attention dropout";
        qkv_bias: bool = 1, FLAG, "Attention bias";
        num_labels: u64 = 2, count(1_000_000), "Labels";
    }
}

impl Vit {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        self.vision().lower(b, request)
    }

    /// ViT's own, without what other families change.
    pub(super) const fn vision(&self) -> Vision {
        Vision {
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            activation: self.hidden_act,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            image: self.image_size,
            patch: self.patch_size,
            channels: self.num_channels,
            qkv_bias: self.qkv_bias,
            labels: self.num_labels,
            tokens: 1,
            library: Library::Transformers,
        }
    }
}
