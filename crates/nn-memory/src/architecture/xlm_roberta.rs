//! XLM-RoBERTa (`modeling_xlm_roberta.py` of transformers 5): RoBERTa's code.

use super::config::config;
use super::roberta::Roberta;
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `XLMRobertaConfig`.
    XlmRoberta {
        ..roberta: Roberta { vocab_size = 30_522; }
    }
}

impl XlmRoberta {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        self.roberta.lower(b, request)
    }
}
