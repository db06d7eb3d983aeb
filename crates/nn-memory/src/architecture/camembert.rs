//! CamemBERT (`modeling_camembert.py` of transformers 5): RoBERTa's code.

use super::config::config;
use super::roberta::Roberta;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `CamembertConfig`.
    Camembert {
        ..roberta: Roberta { vocab_size = 30_522; }
    }
}

impl Camembert {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        self.roberta.lower(b, request)
    }
}
