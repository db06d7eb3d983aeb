//! GLM-4-0414 and GLM-Z1 (`modeling_glm4.py` of transformers 5): GLM with norms after attention and MLP as well.

use super::config::config;
use super::glm::Glm;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `Glm4Config`.
    Glm4 {
        ..glm: Glm {}
    }
}

impl Glm4 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        self.glm.model(b, request, true)
    }
}
