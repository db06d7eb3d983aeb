//! mT5 (`modeling_mt5.py` of transformers 5): T5's code without the scale on the logits.

use super::config::config;
use super::t5::T5Base;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `MT5Config`.
    Mt5 {
        ..base: T5Base { d_ff = 1_024; num_heads = 6; num_layers = 8; vocab_size = 250_112; feed_forward_proj = 1; }
    }
}

impl Mt5 {
    // Result as families have it: no field contradicts another here.
    #[expect(clippy::unnecessary_wraps, reason = "families share this signature")]
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        self.base.lower(b, request, false);
        Ok(())
    }
}
