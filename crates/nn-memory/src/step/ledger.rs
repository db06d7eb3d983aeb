//! What is alive, line by line: kept only when the work behind a peak is asked for.

use std::collections::BTreeMap;

use super::Kind;
use crate::program::{ElementType, Shape};

/// Tensors alike: of one kind, made by one operator of one module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Line {
    pub(crate) kind: Kind,
    pub(crate) module: &'static str,
    pub(crate) label: &'static str,
    pub(crate) element: ElementType,
    pub(crate) shape: Shape,
    pub(crate) bytes: u64,
}

/// How many of each line are alive.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    lines: BTreeMap<Line, i64>,
}

impl Ledger {
    pub(crate) fn add(&mut self, line: Line, count: i64) {
        let entry = self.lines.entry(line).or_insert(0);
        *entry += count;
        if *entry == 0 {
            self.lines.remove(&line);
        }
    }

    /// Adds `times` what has come since `earlier`.
    pub(crate) fn repeat_since(&mut self, earlier: &Self, times: i64) {
        let now = self.lines.clone();
        for (line, count) in &now {
            let before = earlier.lines.get(line).copied().unwrap_or(0);
            self.add(*line, times * (count - before));
        }
        for (line, count) in &earlier.lines {
            if !now.contains_key(line) {
                self.add(*line, -times * count);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Line, i64)> + '_ {
        self.lines.iter().map(|(line, count)| (*line, *count))
    }
}
