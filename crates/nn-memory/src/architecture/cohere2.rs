//! Cohere's Command R7B and Command A (`modeling_cohere2.py` of transformers 5): Command R's block, with a window in most
//! layers and no positions in the others.

use super::cohere::Command;
use super::config::{TURNS, config, optional};
use super::llama::{Block, Rotary};
use super::{ConfigError, Request};
use crate::program::Builder;

config! {
    /// Fields of `Cohere2Config`.
    Cohere2 {
        ..command: Command {}
        sliding_window: Option<u64> = 4_096, optional(1_000_000_000), "Sliding window";
        sliding_window_pattern: u64 = 4, TURNS, "Every which layer has no window";
    }
}

impl Cohere2 {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let block = self.command.block()?;
        let windowed = Block { window: self.sliding_window, ..block };
        // The last of each turn sees all tokens, and no positions.
        let kinds = windowed.before(Block { rotary: Rotary::None, ..block }, self.sliding_window_pattern);
        self.command.model(b, request, &kinds);
        Ok(())
    }
}
