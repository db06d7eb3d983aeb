//! The quick estimate: closed formulas over a few numbers.
//!
//! | part | training | inference |
//! |---|---|---|
//! | parameters | P × b_P | P × b_P |
//! | optimizer state | P × k × b_S | |
//! | gradients | P × b_G | |
//! | master weights | P × 4 B, where P is stored in less than 32 bits | |
//! | activations | B × S × L × H × m × b_A, or B × S × U × b_A | B × S × H × m × b_A, or B × S × U × b_A |
//! | context | C | C |
//! | workspace | R × w ÷ (1 − w) | R × w ÷ (1 − w) |
//!
//! P parameters; b bytes of one value: b_P of a parameter, b_S of an optimizer state, b_G of a gradient, b_A of an
//! activation; k state values per parameter; B batch size; S sequence length; L layers; H hidden size; m activation values
//! per token and layer as a multiple of H; U units per token; C context; R everything but the workspace; w workspace as a
//! share of the total, so that total = R ÷ (1 − w).
//!
//! Sources: parameters, gradients and optimizer state are what PyTorch stores (one value per parameter each, `torch.optim`
//! for k). Activations are a rule of thumb. Bytes that come out as a fraction are rounded up, once per part.

mod work;

use work::{formula, notes};

use crate::{
    ActivationUnits, Bytes, Decimal, DeviceChoice, Estimate, EstimateError, Field, Optimizer, PartKind, Scenario,
    StatePrecision, Task, Training,
};

/// The bytes of every part, in the order of [`PartKind::ALL`], and their sum.
pub(crate) struct Amounts {
    pub(crate) parts: [Bytes; PartKind::ALL.len()],
    pub(crate) total: Bytes,
}

/// The estimate of a network by its size.
pub(crate) fn estimate(scenario: &Scenario) -> Result<Estimate, EstimateError> {
    let amounts = amounts(scenario)?;
    let formula = |kind| formula(scenario, kind, &amounts);
    Ok(Estimate { notes: notes(scenario), ..Estimate::of(scenario, amounts.parts, amounts.total, &formula) })
}

/// A factor of a product with the input that it stands for.
type Factor = (Field, u64);

pub(crate) fn amounts(scenario: &Scenario) -> Result<Amounts, EstimateError> {
    check(scenario)?;
    let mut parts = [Bytes::ZERO; PartKind::ALL.len()];
    let mut rest = Bytes::ZERO;
    for kind in PartKind::ALL {
        let bytes = match kind {
            PartKind::Workspace => workspace(rest, scenario.overheads.workspace_percent),
            _ => bytes_before_workspace(scenario, kind)?,
        };
        let sum = bytes.and_then(|bytes| rest.checked_add(bytes));
        let (Some(bytes), Some(sum)) = (bytes, sum) else {
            return Err(EstimateError::TooLarge { field: largest_field(scenario), part: kind });
        };
        parts[kind as usize] = bytes;
        rest = sum;
    }
    Ok(Amounts { parts, total: rest })
}

fn bytes_before_workspace(scenario: &Scenario, kind: PartKind) -> Result<Option<Bytes>, EstimateError> {
    let per_parameter = |bits: u64| product(kind, &[(Field::Parameters, scenario.parameters)], Decimal::whole(1), bits);
    // Of a network known by its size alone, adapters are not known: nothing is trained.
    let training = match scenario.task {
        Task::Training(training) => Some(training),
        Task::Lora(_) | Task::Inference => None,
    };
    Ok(Some(match (kind, training) {
        (PartKind::Parameters, _) => per_parameter(scenario.parameter_precision.bits())?,
        (PartKind::OptimizerState, Some(training)) => product(
            kind,
            &[(Field::Parameters, scenario.parameters)],
            training.optimizer.state_values(),
            state_bits(scenario, &training),
        )?,
        (PartKind::Gradients, Some(training)) => per_parameter(training.gradient_precision.bits())?,
        (PartKind::MasterWeights, Some(training)) if keeps_master_weights(scenario, &training) => per_parameter(32)?,
        (PartKind::Activations, _) => activations(scenario)?,
        (PartKind::Context, _) => return Ok(Bytes::mib(1).scaled_up(scenario.overheads.context_mib, 1)),
        (PartKind::KvCache | PartKind::Temporary, _) => Bytes::ZERO,
        (
            PartKind::OptimizerState | PartKind::Gradients | PartKind::MasterWeights | PartKind::Workspace,
            None | Some(_),
        ) => Bytes::ZERO,
    }))
}

fn activations(scenario: &Scenario) -> Result<Bytes, EstimateError> {
    let (batch, sequence) =
        ((Field::BatchSize, scenario.batch_size), (Field::SequenceLength, scenario.sequence_length));
    let bits = scenario.activation_precision.bits();
    let one = Decimal::whole(1);
    match scenario.activation_units {
        ActivationUnits::PerToken { units } => {
            product(PartKind::Activations, &[batch, sequence, (Field::UnitsPerToken, units)], one, bits)
        }
        ActivationUnits::PerLayer { layers, hidden_size, multiple } => {
            let standing_layers = match scenario.task {
                Task::Training(_) | Task::Lora(_) => layers,
                Task::Inference => 1,
            };
            let (layers, hidden) = ((Field::Layers, standing_layers), (Field::HiddenSize, hidden_size));
            product(PartKind::Activations, &[batch, sequence, layers, hidden], multiple, bits)
        }
    }
}

/// What an optimizer state takes, per value.
pub(crate) fn state_bits(scenario: &Scenario, training: &Training) -> u64 {
    training.optimizer.fixed_state_bits().unwrap_or(match training.state_precision {
        StatePrecision::SameAsParameters => scenario.parameter_precision.bits(),
        StatePrecision::Fp32 => 32,
    })
}

pub(crate) fn keeps_master_weights(scenario: &Scenario, training: &Training) -> bool {
    training.master_weights && scenario.parameter_precision.bits() < 32
}

/// rest × w ÷ (1 − w), rounded up.
fn workspace(rest: Bytes, percent: Decimal) -> Option<Bytes> {
    let all = 100 * Decimal::ONE;
    // `check` keeps the percentage under 100.
    rest.scaled_up(percent.millionths(), all - percent.millionths())
}

/// factors × multiple × bits ÷ 8, rounded up.
fn product(part: PartKind, factors: &[Factor], multiple: Decimal, bits: u64) -> Result<Bytes, EstimateError> {
    let too_large = || EstimateError::TooLarge { field: largest(factors), part };
    let eighths = factors
        .iter()
        .map(|&(_, value)| value)
        .chain([multiple.millionths(), bits])
        .try_fold(1_u128, |product, factor| product.checked_mul(u128::from(factor)))
        .ok_or_else(too_large)?;
    u64::try_from(eighths.div_ceil(8 * u128::from(Decimal::ONE))).map(Bytes::new).map_err(|_| too_large())
}

fn largest(factors: &[Factor]) -> Field {
    factors.iter().max_by_key(|&&(_, value)| value).map_or(Field::Parameters, |&(field, _)| field)
}

/// The input to name when the sum of the parts is too large.
fn largest_field(scenario: &Scenario) -> Field {
    largest(&count_fields(scenario))
}

fn count_fields(scenario: &Scenario) -> Vec<Factor> {
    let mut fields = vec![
        (Field::Parameters, scenario.parameters),
        (Field::BatchSize, scenario.batch_size),
        (Field::SequenceLength, scenario.sequence_length),
    ];
    match scenario.activation_units {
        ActivationUnits::PerLayer { layers, hidden_size, .. } => {
            fields.extend([(Field::Layers, layers), (Field::HiddenSize, hidden_size)]);
        }
        ActivationUnits::PerToken { units } => fields.push((Field::UnitsPerToken, units)),
    }
    fields
}

fn check(scenario: &Scenario) -> Result<(), EstimateError> {
    for (field, value) in count_fields(scenario) {
        field.check_count(value)?;
    }
    if let ActivationUnits::PerLayer { multiple, .. } = scenario.activation_units {
        Field::ActivationMultiple.check_decimal(multiple)?;
    }
    check_overheads(scenario)
}

/// Limits of the inputs that every scenario has, whatever its model.
pub(crate) fn check_overheads(scenario: &Scenario) -> Result<(), EstimateError> {
    Field::Context.check_count(scenario.overheads.context_mib)?;
    Field::Workspace.check_decimal(scenario.overheads.workspace_percent)?;
    Field::Fragmentation.check_decimal(scenario.overheads.fragmentation_percent)?;
    if let Some(Training { optimizer: Optimizer::Custom(values), .. }) = scenario.task.training() {
        Field::OptimizerFactor.check_decimal(values)?;
    }
    if let DeviceChoice::Custom(bytes) = scenario.device {
        Field::DeviceMemory.check_memory(bytes)?;
    }
    Ok(())
}
