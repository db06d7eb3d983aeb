//! ViT and DeiT of timm (`vision_transformer.py` of timm 1.0).

use super::config::config;
use super::image::Vision;
use super::vit::Vit;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `VisionTransformer`.
    TimmVit {
        ..vit: Vit { num_labels = 1_000; }
    }
}

impl TimmVit {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        Vision { fused_qkv: true, ..self.vit.vision() }.lower(b, request)
    }
}
