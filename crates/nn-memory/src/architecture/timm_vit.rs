//! ViT and DeiT of timm (`vision_transformer.py` and `deit.py` of timm 1.0).

use super::config::{FLAG, config};
use super::image::{Library, Vision};
use super::vit::Vit;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `VisionTransformer`, and whether it is a `VisionTransformerDistilled`.
    TimmVit {
        ..vit: Vit { num_labels = 1_000; }
        distilled: bool = 0, FLAG, "Distillation token";
    }
}

impl TimmVit {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let tokens = if self.distilled { 2 } else { 1 };
        Vision { library: Library::Timm, tokens, ..self.vit.vision() }.lower(b, request)
    }
}
