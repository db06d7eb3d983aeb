//! What the arrow keys do to a number.

use std::ops::RangeInclusive;

use nn_memory::architecture::FieldKind;
use nn_memory::{Decimal, Field, format_count_short, parse_count};

/// A press of an arrow key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Up or down.
    pub up: bool,
    /// Whether shift is held.
    pub large: bool,
}

/// How far an arrow key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stride {
    /// To the double or the half, eightfold with shift.
    Double,
    /// One in the second digit, tenfold with shift.
    Digit,
    /// By one, by ten with shift.
    One,
}

/// The kind of number that an input takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// Counted.
    Count(RangeInclusive<u64>, Stride),
    /// With decimal places, in millionths.
    Decimal(RangeInclusive<u64>),
    /// An amount of memory.
    Memory,
    /// No number.
    None,
}

impl Number {
    /// Of an input that the engine names.
    pub fn of(field: Field) -> Self {
        if let Some(limits) = field.count_limits() {
            let stride = match field {
                Field::BatchSize | Field::SequenceLength | Field::TargetLength | Field::HiddenSize => Stride::Double,
                Field::LoraRank | Field::LoraAlpha | Field::Accumulation => Stride::Double,
                Field::Parameters | Field::UnitsPerToken => Stride::Digit,
                _ => Stride::One,
            };
            Self::Count(limits, stride)
        } else if let Some(limits) = field.decimal_limits() {
            Self::Decimal(limits.start().millionths()..=limits.end().millionths())
        } else if field.memory_limits().is_some() {
            Self::Memory
        } else {
            Self::None
        }
    }

    /// Of a field of a family's configuration.
    pub fn of_kind(kind: FieldKind) -> Self {
        match kind {
            FieldKind::Count { .. } | FieldKind::OptionalCount { .. } => {
                let wide = *kind.limits().end() >= 10_000_000;
                Self::Count(kind.limits(), if wide { Stride::Double } else { Stride::One })
            }
            FieldKind::Rate => Self::Decimal(kind.limits()),
            _ => Self::None,
        }
    }
}

/// The text one step away, within the limits of the input; none where the text is no number.
///
/// Batch, sequence and hidden size double and halve (eightfold with shift), counts of parameters move in their second
/// digit (tenfold with shift), rates move by 0.05 (0.1 with shift), the rest by one (ten with shift).
pub fn stepped(number: &Number, text: &str, Step { up, large }: Step) -> Option<String> {
    match number {
        Number::Count(limits, stride) => {
            let value = parse_count(text).ok()?;
            let next = match stride {
                Stride::Double => scaled(value, if large { 8 } else { 2 }, up),
                Stride::Digit if large => scaled(value, 10, up),
                Stride::Digit => moved(value, second_digit(value), up),
                Stride::One => moved(value, if large { 10 } else { 1 }, up),
            };
            Some(format_count_short(next.clamp(*limits.start(), *limits.end())))
        }
        Number::Decimal(limits) => {
            let value: Decimal = text.parse().ok()?;
            let unit = if *limits.end() == Decimal::ONE { Decimal::ONE / 20 } else { Decimal::ONE };
            let distance = match (large, unit) {
                (false, _) => unit,
                (true, Decimal::ONE) => 10 * unit,
                (true, _) => 2 * unit,
            };
            let next = moved(value.millionths(), distance, up).clamp(*limits.start(), *limits.end());
            Some(Decimal::from_millionths(next).to_string())
        }
        Number::Memory | Number::None => None,
    }
}

fn scaled(value: u64, factor: u64, up: bool) -> u64 {
    if up { value.saturating_mul(factor) } else { value / factor }
}

fn moved(value: u64, distance: u64, up: bool) -> u64 {
    if up { value.saturating_add(distance) } else { value.saturating_sub(distance) }
}

/// One in the second digit of the number.
fn second_digit(value: u64) -> u64 {
    10_u64.pow(value.max(1).ilog10().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_steps(field: Field, text: &str, [down, up, large_down, large_up]: [&str; 4]) {
        let press = |up, large| stepped(&Number::of(field), text, Step { up, large });
        assert_eq!(press(false, false).as_deref(), Some(down));
        assert_eq!(press(true, false).as_deref(), Some(up));
        assert_eq!(press(false, true).as_deref(), Some(large_down));
        assert_eq!(press(true, true).as_deref(), Some(large_up));
    }

    #[test]
    fn each_input_steps_as_people_think_of_it() {
        assert_steps(Field::BatchSize, "32", ["16", "64", "4", "256"]);
        assert_steps(Field::Parameters, "110M", ["100M", "120M", "11M", "1.1B"]);
        assert_steps(Field::Layers, "12", ["11", "13", "2", "22"]);
        assert_steps(Field::LoraDropout, "0.1", ["0.05", "0.15", "0", "0.2"]);
        assert_steps(Field::Workspace, "12.5", ["11.5", "13.5", "2.5", "22.5"]);
    }

    #[test]
    fn steps_stay_within_the_limits() {
        assert_steps(Field::BatchSize, "1", ["1", "2", "1", "8"]);
        assert_steps(Field::Workspace, "0", ["0", "1", "0", "10"]);
        assert_eq!(
            stepped(&Number::of(Field::Workspace), "95", Step { up: true, large: false }).as_deref(),
            Some("95")
        );
        assert_eq!(stepped(&Number::of(Field::Layers), "many", Step { up: true, large: false }), None);
    }
}
