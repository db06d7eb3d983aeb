//! The work behind a figure: the formula in symbols, and the same with the numbers put in.

use crate::number::format_count;
use crate::{Bytes, Decimal};

/// A formula with its operands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Formula {
    expression: &'static str,
    /// What the symbols of the formula stand for, in order of appearance.
    pub operands: Vec<Operand>,
}

/// One symbol of a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operand {
    /// As it stands in the formula: `b_P`.
    pub symbol: &'static str,
    /// What it means: `bytes per parameter`.
    pub name: &'static str,
    /// Its value here.
    pub value: Value,
}

/// The value of an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// Things counted.
    Count(u64),
    /// A factor with decimal places.
    Factor(Decimal),
    /// A share in percent.
    Percent(Decimal),
    /// An amount of memory.
    Amount(Bytes),
    /// An amount of memory given in MiB.
    Mebibytes(u64),
    /// Bits of one stored value; written as bytes.
    ValueBits(u64),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => f.write_str(&format_count(*count)),
            Self::Factor(factor) => write!(f, "{factor}"),
            Self::Percent(percent) => write!(f, "{percent} %"),
            Self::Amount(bytes) => write!(f, "{bytes}"),
            Self::Mebibytes(mebibytes) => write!(f, "{} MiB", format_count(*mebibytes)),
            Self::ValueBits(bits) => write!(f, "{} B", Decimal::from_millionths(bits * (Decimal::ONE / 8))),
        }
    }
}

/// What a sum of all operands stands under.
const SUM: &str = "Σ";

impl Formula {
    /// The sum of these amounts; those of nothing are left out.
    pub(crate) fn sum(mut operands: Vec<Operand>) -> Self {
        operands.retain(|operand| operand.value != Value::Amount(Bytes::ZERO));
        Self { expression: SUM, operands }
    }

    /// In symbols, a sum term by term: `M_P + M_S`.
    pub fn terms(&self) -> String {
        if self.is_sum() { self.joined(|operand| operand.symbol.to_owned()) } else { self.expression.to_owned() }
    }

    fn is_sum(&self) -> bool {
        self.expression == SUM && self.operands.iter().all(|operand| operand.symbol != SUM)
    }

    fn joined(&self, text: fn(&Operand) -> String) -> String {
        let texts: Vec<_> = self.operands.iter().map(text).collect();
        if texts.is_empty() { "0".to_owned() } else { texts.join(" + ") }
    }

    pub(crate) fn new(expression: &'static str, operands: Vec<Operand>) -> Self {
        Self { expression, operands }
    }

    /// In symbols: `P × b_P`; `Σ` of a sum.
    pub fn symbols(&self) -> &'static str {
        self.expression
    }

    /// With the numbers put in: `110,000,000 × 4 B`.
    pub fn numbers(&self) -> String {
        if self.is_sum() {
            return self.joined(|operand| operand.value.to_string());
        }
        let mut text = String::with_capacity(2 * self.expression.len());
        let mut rest = self.expression;
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let same_kind = |c: char| is_word(c) == is_word(first);
            let end = rest.find(|c| !same_kind(c)).unwrap_or(rest.len());
            let (token, tail) = rest.split_at(end);
            match self.operands.iter().find(|operand| operand.symbol == token) {
                Some(operand) => text.push_str(&operand.value.to_string()),
                None => text.push_str(token),
            }
            rest = tail;
        }
        text
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Formula {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;

        let mut formula = serializer.serialize_struct("Formula", 2)?;
        formula.serialize_field("symbols", &self.terms())?;
        formula.serialize_field("numbers", &self.numbers())?;
        formula.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_leaves_out_what_is_nothing() {
        let amounts = |amounts: [u64; 3]| {
            let symbols = ["M_P", "M_S", "M_G"].into_iter().zip(amounts);
            let operand = |(symbol, bytes)| Operand { symbol, name: "", value: Value::Amount(Bytes::new(bytes)) };
            let formula = Formula::sum(symbols.map(operand).collect());
            (formula.terms(), formula.numbers())
        };
        assert_eq!(amounts([4_000, 0, 12]), ("M_P + M_G".to_owned(), "4,000 B + 12 B".to_owned()));
        assert_eq!(amounts([0; 3]), ("0".to_owned(), "0".to_owned()));
    }

    #[test]
    fn only_whole_symbols_are_replaced() {
        let formula = Formula::new(
            "P × b_P + b",
            vec![
                Operand { symbol: "P", name: "", value: Value::Count(7_000) },
                Operand { symbol: "b_P", name: "", value: Value::ValueBits(4) },
                Operand { symbol: "b", name: "", value: Value::Percent(Decimal::whole(10)) },
            ],
        );
        assert_eq!(formula.numbers(), "7,000 × 0.5 B + 10 %");
    }
}
