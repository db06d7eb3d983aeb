//! DeiT (`modeling_deit.py` of transformers 5).

use super::config::config;
use super::image::Vision;
use super::vit::Vit;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `DeiTConfig`.
    Deit {
        ..vit: Vit {}
    }
}

impl Deit {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        Vision { tokens: 2, ..self.vit.vision() }.lower(b, request)
    }
}
