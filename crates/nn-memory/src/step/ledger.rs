//! What is alive, line by line: kept only when the work behind a peak is asked for.

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

impl Line {
    /// Bytes of which no more is known than what they are for.
    pub(crate) const fn of_bytes(kind: Kind, label: &'static str, bytes: u64) -> Self {
        Self { kind, module: "", label, element: ElementType::Byte, shape: Shape::vector(bytes), bytes }
    }
}

/// What a gradient is that was cast for master weights.
pub(crate) const FP32_GRADIENT: &str = "FP32 gradient";

/// How many of each line are alive. A list, searched from its end: a program has some hundred lines, the latest ones go
/// first, and a tree would cost more code than it saves time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    lines: Vec<(Line, i64)>,
}

impl Ledger {
    pub(crate) fn add(&mut self, line: Line, count: i64) {
        match self.lines.iter().rposition(|(known, _)| *known == line) {
            Some(place) => {
                self.lines[place].1 += count;
                if self.lines[place].1 == 0 {
                    self.lines.swap_remove(place);
                }
            }
            None => self.lines.push((line, count)),
        }
    }

    /// Takes back so many gradients of that size, as backward left them.
    pub(crate) fn remove_gradients(&mut self, bytes: u64, mut count: i64) {
        let left = |line: &Line| line.kind == Kind::Gradients && line.label != FP32_GRADIENT && line.bytes == bytes;
        while count > 0
            && let Some((line, stands)) = self.lines.iter().copied().find(|(line, stands)| left(line) && *stands > 0)
        {
            let gone = stands.min(count);
            self.add(line, -gone);
            count -= gone;
        }
    }

    fn count(&self, line: &Line) -> i64 {
        self.lines.iter().find(|(known, _)| known == line).map_or(0, |(_, count)| *count)
    }

    /// Adds `times` what has come since `earlier`.
    pub(crate) fn repeat_since(&mut self, earlier: &Self, times: i64) {
        let now = self.clone();
        for (line, count) in &now.lines {
            self.add(*line, times * (count - earlier.count(line)));
        }
        for (line, count) in &earlier.lines {
            if now.count(line) == 0 {
                self.add(*line, -times * count);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Line, i64)> + '_ {
        self.lines.iter().copied()
    }
}
