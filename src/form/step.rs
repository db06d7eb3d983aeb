//! What the arrow keys do to a number.

use nn_memory::{Decimal, Field, format_count_short, parse_count};

/// A press of an arrow key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Up or down.
    pub up: bool,
    /// Whether shift is held.
    pub large: bool,
}

/// The text one step away, within the limits of the input; none where the text is no number.
///
/// Batch, sequence and hidden size double and halve (eightfold with shift), counts of parameters move in their second
/// digit (tenfold with shift), the rest move by one (ten with shift).
pub fn stepped(field: Field, text: &str, step: Step) -> Option<String> {
    if let Some(limits) = field.count_limits() {
        let value = parse_count(text).ok()?;
        let next = match field {
            Field::BatchSize | Field::SequenceLength | Field::HiddenSize => {
                scaled(value, if step.large { 8 } else { 2 }, step.up)
            }
            Field::Parameters | Field::UnitsPerToken if step.large => scaled(value, 10, step.up),
            Field::Parameters | Field::UnitsPerToken => moved(value, second_digit(value), step.up),
            _ => moved(value, if step.large { 10 } else { 1 }, step.up),
        };
        return Some(format_count_short(next.clamp(*limits.start(), *limits.end())));
    }
    let limits = field.decimal_limits()?;
    let value: Decimal = text.parse().ok()?;
    let next = moved(value.millionths(), if step.large { 10 } else { 1 } * Decimal::ONE, step.up);
    let next = next.clamp(limits.start().millionths(), limits.end().millionths());
    Some(Decimal::from_millionths(next).to_string())
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
        let press = |up, large| stepped(field, text, Step { up, large });
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
        assert_steps(Field::Workspace, "12.5", ["11.5", "13.5", "2.5", "22.5"]);
    }

    #[test]
    fn steps_stay_within_the_limits() {
        assert_steps(Field::BatchSize, "1", ["1", "2", "1", "8"]);
        assert_steps(Field::Workspace, "0", ["0", "1", "0", "10"]);
        assert_eq!(stepped(Field::Workspace, "95", Step { up: true, large: false }).as_deref(), Some("95"));
        assert_eq!(stepped(Field::Layers, "many", Step { up: true, large: false }), None);
    }
}
