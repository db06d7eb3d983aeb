//! The work shown for each part of the quick estimate, and the notes that go with it.

use super::{Amounts, keeps_master_weights, state_bits};
use crate::{ActivationUnits, Bytes, Formula, Note, Operand, Overheads, PartKind, Precision};
use crate::{Scenario, Task, Training, Value};

const fn operand(symbol: &'static str, name: &'static str, value: Value) -> Operand {
    Operand { symbol, name, value }
}

/// The formula of a part.
pub(crate) fn formula(scenario: &Scenario, kind: PartKind, amounts: &Amounts) -> Formula {
    let parameters = operand("P", "parameters", Value::Count(scenario.parameters));
    let training = match scenario.task {
        Task::Training(training) => Some(training),
        Task::Lora(_) | Task::Inference => None,
    };
    match (kind, training) {
        (PartKind::Parameters, _) => Formula::new(
            "P × b_P",
            vec![parameters, operand("b_P", "bytes per parameter", bytes_of(scenario.parameter_precision))],
        ),
        (PartKind::OptimizerState, Some(training)) => Formula::new(
            "P × k × b_S",
            vec![
                parameters,
                operand("k", "state values per parameter", Value::Factor(training.optimizer.state_values())),
                operand("b_S", "bytes per state value", Value::ValueBits(state_bits(scenario, &training))),
            ],
        ),
        (PartKind::Gradients, Some(training)) => Formula::new(
            "P × b_G",
            vec![parameters, operand("b_G", "bytes per gradient", bytes_of(training.gradient_precision))],
        ),
        (PartKind::MasterWeights, Some(training)) if keeps_master_weights(scenario, &training) => Formula::new(
            "P × b_M",
            vec![parameters, operand("b_M", "bytes per master weight, FP32", Value::ValueBits(32))],
        ),
        (PartKind::Activations, _) => activations(scenario),
        (PartKind::Context, _) => Formula::new(
            "C",
            vec![operand("C", "context of the driver", Value::Mebibytes(scenario.overheads.context_mib))],
        ),
        (PartKind::Workspace, _) => {
            let rest = amounts.total.saturating_sub(amounts.parts[PartKind::Workspace as usize]);
            Formula::new(
                "R × w ÷ (1 − w)",
                vec![
                    operand("R", "everything else", Value::Amount(rest)),
                    operand("w", "workspace, share of the total", Value::Percent(scenario.overheads.workspace_percent)),
                ],
            )
        }
        (PartKind::KvCache | PartKind::Temporary, _)
        | (PartKind::OptimizerState | PartKind::Gradients | PartKind::MasterWeights, None | Some(_)) => {
            Formula::new("0", Vec::new())
        }
    }
}

fn bytes_of(precision: Precision) -> Value {
    Value::ValueBits(precision.bits())
}

fn activations(scenario: &Scenario) -> Formula {
    let mut operands = vec![
        operand("B", "batch size", Value::Count(scenario.batch_size)),
        operand("S", "sequence length", Value::Count(scenario.sequence_length)),
    ];
    let expression = match scenario.activation_units {
        ActivationUnits::PerToken { units } => {
            operands.push(operand("U", "units per token", Value::Count(units)));
            "B × S × U × b_A"
        }
        ActivationUnits::PerLayer { layers, hidden_size, multiple } => {
            let expression = match scenario.task {
                Task::Training(_) | Task::Lora(_) => {
                    operands.push(operand("L", "layers", Value::Count(layers)));
                    "B × S × L × H × m × b_A"
                }
                Task::Inference => "B × S × H × m × b_A",
            };
            operands.push(operand("H", "hidden size", Value::Count(hidden_size)));
            operands.push(operand("m", "values per token and layer, multiple of H", Value::Factor(multiple)));
            expression
        }
    };
    operands.push(operand("b_A", "bytes per activation", bytes_of(scenario.activation_precision)));
    Formula::new(expression, operands)
}

/// What to know about this estimate, warnings first.
pub(crate) fn notes(scenario: &Scenario) -> Vec<Note> {
    let mut notes = Vec::new();
    match (scenario.activation_units, scenario.task) {
        (ActivationUnits::PerLayer { multiple, .. }, Task::Training(_) | Task::Lora(_)) => {
            notes.push(Note::ActivationsAreARuleOfThumb { multiple });
        }
        (ActivationUnits::PerLayer { .. }, Task::Inference) => notes.push(Note::OneLayerStands),
        (ActivationUnits::PerToken { .. }, _) => notes.push(Note::ActivationsAsGiven),
    }
    let integer_parameters = !scenario.parameter_precision.is_floating();
    match scenario.task {
        Task::Training(training) => {
            notes.push(Note::OptimizerState(training.optimizer));
            notes.extend(integer_parameters.then_some(Note::IntegerParametersInTraining));
            notes.extend((!training.gradient_precision.is_floating()).then_some(Note::IntegerGradients));
            let needless = training.master_weights && !keeps_master_weights(scenario, &training);
            notes.extend(needless.then_some(Note::MasterWeightsNeedless));
        }
        Task::Lora(_) => notes.push(Note::AdaptersNotCounted),
        Task::Inference => {
            let sequential = scenario.sequence_length > 1;
            notes.extend(sequential.then(|| Note::KeyValueCacheNotCounted { at_most: full_key_value_cache(scenario) }));
        }
    }
    let four_bits = scenario.parameter_precision == Precision::Int4;
    notes.extend(four_bits.then_some(Note::BlockStatisticsNotCounted));
    let tf32 = [scenario.parameter_precision, scenario.activation_precision].contains(&Precision::Tf32)
        || matches!(scenario.task, Task::Training(Training { gradient_precision: Precision::Tf32, .. }));
    notes.extend(tf32.then_some(Note::Tf32IsStoredAsFp32));
    notes.extend((scenario.overheads == Overheads::NONE).then_some(Note::OverheadsNotCounted));
    let (mut warnings, assumptions): (Vec<_>, Vec<_>) =
        notes.into_iter().partition(|note| note.level() == crate::Level::Warning);
    warnings.extend(assumptions);
    warnings
}

/// Keys and values of every token in every layer, as wide as the hidden size: 2 × L × H × B × S × b_A.
fn full_key_value_cache(scenario: &Scenario) -> Option<Bytes> {
    let ActivationUnits::PerLayer { layers, hidden_size, .. } = scenario.activation_units else {
        return None;
    };
    let bits = [2, layers, hidden_size, scenario.batch_size, scenario.sequence_length]
        .into_iter()
        .try_fold(scenario.activation_precision.bits(), u64::checked_mul)?;
    Some(Bytes::new(bits.div_ceil(8)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decimal, Optimizer, estimate};

    #[test]
    fn the_work_shown_names_every_number_used() {
        let scenario = Scenario {
            parameter_precision: Precision::Bf16,
            task: Task::Training(Training {
                optimizer: Optimizer::Custom("1.5".parse().expect("a decimal")),
                master_weights: true,
                ..Training::default()
            }),
            overheads: Overheads::REALISTIC,
            ..Scenario::default()
        };
        let estimate = estimate(&scenario).expect("within limits");
        let work: Vec<_> = estimate.parts.iter().map(|part| (part.formula.symbols(), part.formula.numbers())).collect();
        assert_eq!(
            work,
            [
                ("P × b_P", "110,000,000 × 2 B".to_owned()),
                ("P × k × b_S", "110,000,000 × 1.5 × 2 B".to_owned()),
                ("P × b_G", "110,000,000 × 4 B".to_owned()),
                ("P × b_M", "110,000,000 × 4 B".to_owned()),
                ("B × S × L × H × m × b_A", "32 × 128 × 12 × 768 × 4 × 2 B".to_owned()),
                ("0", "0".to_owned()),
                ("0", "0".to_owned()),
                ("C", "500 MiB".to_owned()),
                ("R × w ÷ (1 − w)", "2,256,277,888 B × 10 % ÷ (1 − 10 %)".to_owned()),
            ]
        );
    }

    #[test]
    fn every_operand_stands_in_its_formula() {
        let scenario = Scenario::default();
        let estimate = estimate(&scenario).expect("within limits");
        for part in &estimate.parts {
            for operand in &part.formula.operands {
                assert!(part.formula.symbols().contains(operand.symbol), "{:?}", part.formula);
            }
        }
    }

    #[test]
    fn four_bits_in_inference_are_warned_about() {
        let scenario = Scenario {
            parameter_precision: Precision::Int4,
            task: Task::Inference,
            overheads: Overheads { workspace_percent: Decimal::whole(1), ..Overheads::NONE },
            ..Scenario::default()
        };
        let cache = Note::KeyValueCacheNotCounted { at_most: Some(Bytes::new(2 * 12 * 768 * 32 * 128 * 2)) };
        assert_eq!(notes(&scenario), [cache, Note::BlockStatisticsNotCounted, Note::OneLayerStands]);
    }
}
