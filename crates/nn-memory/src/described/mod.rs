//! The estimate of a described network: its program, played.

mod answer;
mod reserve;

pub use answer::{Explanation, LayerShare, PartLine, TimelinePoint};
pub(crate) use answer::{estimate, explain, read_once, total};
pub use reserve::{Reserved, Room};

use crate::architecture::{Pass, Request};
use crate::catalog::Multiprocessors;
use crate::program::{Layers, Program};
use crate::step::{self, Amounts, Kind, Optimize, Outcome, Setting, Watch};
use crate::{
    Bytes, Checkpointing, Choice as _, Config, ConfigError, DeviceChoice, EstimateError, Field, Phase, Scenario, Task,
    quick,
};

/// What a step of a described network takes, phase by phase.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Report {
    /// Weights and biases, counted; shared ones once.
    pub parameters: u64,
    /// Those that are trained.
    pub trainable_parameters: u64,
    /// The most that is allocated at once, in bytes rounded as the caching allocator does.
    pub allocated: Bytes,
    /// When that is.
    pub peak_phase: Phase,
    /// The most in each phase.
    pub phase_peaks: Vec<(Phase, Bytes)>,
    /// What stands before the step.
    pub before: Bytes,
    /// What the forward pass leaves: activations kept for backward, and what else is still held.
    pub kept_after_forward: Bytes,
    /// What stands after the backward pass.
    pub after_backward: Bytes,
    /// Weights, FP32 copies of them excepted.
    pub parameter_bytes: Bytes,
    /// What the optimizer keeps between steps, FP32 copies of weights included.
    pub optimizer_state: Bytes,
    /// The same as its tensors store it, before the allocator rounds each up; a gradient scaler's not among them.
    pub optimizer_stored: Bytes,
    /// Keys and values after the prefill.
    pub kv_cache: Bytes,
    /// Workspaces of cuBLAS, included in all of the above.
    pub workspace: Bytes,
}

/// A scenario lowered: programs and how each is played.
pub(crate) struct Lowered {
    pub(crate) passes: Vec<(Program, Setting)>,
}

pub(crate) fn bytes(amount: i64) -> Bytes {
    Bytes::new(u64::try_from(amount).unwrap_or(0))
}

pub(crate) fn sum(amounts: &Amounts) -> i64 {
    amounts.iter().fold(0, |sum, amount| sum.saturating_add(*amount))
}

/// Limits of the inputs that are no fields of the configuration.
fn check(scenario: &Scenario) -> Result<(), EstimateError> {
    Field::BatchSize.check_count(scenario.batch_size)?;
    Field::SequenceLength.check_count(scenario.sequence_length)?;
    Field::TargetLength.check_count(scenario.run.target_length)?;
    Field::Accumulation.check_count(scenario.run.accumulation_steps)?;
    if let Checkpointing::Every(blocks) = scenario.run.checkpointing {
        Field::CheckpointEvery.check_count(blocks)?;
    }
    let lora = scenario.run.lora;
    Field::LoraRank.check_count(lora.rank)?;
    Field::LoraAlpha.check_count(lora.alpha)?;
    Field::LoraDropout.check_decimal(lora.dropout)?;
    quick::check_overheads(scenario)
}

/// Lowers a described network for what is done with it. All that plays one comes through here, so that limits are
/// checked here.
pub(crate) fn lower(scenario: &Scenario, config: &Config, layers: Layers) -> Result<Lowered, EstimateError> {
    check(scenario)?;
    let run = scenario.run;
    let kinds: &[Pass] = match scenario.task {
        Task::Training(_) => &[Pass::Train],
        Task::Lora(_) => &[Pass::Lora],
        Task::Inference if run.kv_cache && config.family().decodes() => &[Pass::Infer, Pass::Decode],
        Task::Inference => &[Pass::Infer],
    };
    let mut passes = Vec::with_capacity(kinds.len());
    for &pass in kinds {
        let multiprocessors = multiprocessors(scenario);
        let (batch, length) = (scenario.batch_size, scenario.sequence_length);
        let request = Request { run, pass, batch, length, layers, multiprocessors };
        let program = config.lower(&request)?;
        let setting = setting(scenario, pass, &program);
        passes.push((program, setting));
    }
    Ok(Lowered { passes })
}

fn multiprocessors(scenario: &Scenario) -> Multiprocessors {
    scenario.device.multiprocessors().unwrap_or(Multiprocessors::HOPPER)
}

fn setting(scenario: &Scenario, pass: Pass, program: &Program) -> Setting {
    let run = &scenario.run;
    let optimize = scenario.task.training().map(|training| Optimize {
        optimizer: training.optimizer,
        implementation: run.implementation,
        master_weights: run.precision.master_weights(),
        multiprocessors: multiprocessors(scenario),
    });
    // With master weights each gradient goes in the step, as soon as it is cast.
    let zeroes_gradients = !run.set_to_none && !run.precision.master_weights();
    Setting {
        optimize,
        gradients_stand: pass.trains() && (run.accumulation_steps > 1 || zeroes_gradients),
        zeroes_gradients,
        accumulates: run.accumulation_steps > 1,
        clip: run.clip,
        scaler: run.precision == crate::PrecisionMode::AutocastFp16 && pass.trains(),
        workspace: workspace(scenario.device, program, pass, !program.checkpoints.is_empty()),
        workspace_each: workspace_each(scenario.device),
        phase: if pass == Pass::Decode { Phase::Decode } else { Phase::Forward },
    }
}

/// cuBLAS takes a workspace for each thread that multiplies (forward, and backward's), cuBLASLt 1 MiB more for each that
/// adds a bias.
fn workspace(device: DeviceChoice, program: &Program, pass: Pass, recomputes: bool) -> u64 {
    if !program.matmul {
        return 0;
    }
    let each = workspace_each(device);
    if each == 0 {
        return 0;
    }
    let threads = if pass.trains() { 2 } else { 1 };
    let biased = match (program.biased_matmul, recomputes) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    threads * each + biased * Bytes::mib(1).get()
}

fn workspace_each(device: DeviceChoice) -> u64 {
    match device {
        DeviceChoice::Catalog(device) => device.cublas_workspace.get(),
        DeviceChoice::Custom(_) => Bytes::mib(32).get(),
    }
}

/// Plays all passes.
pub(crate) fn play(lowered: &Lowered, watch: Watch) -> Vec<Outcome> {
    lowered.passes.iter().map(|(program, setting)| step::play(program, setting, watch)).collect()
}

/// The outcome with the highest peak. One of 2^62 bytes and more is too large: sums stop at 2^63 instead of wrapping, and
/// what is taken off such a sum is no total any more.
fn highest(outcomes: &[Outcome]) -> Result<&Outcome, ConfigError> {
    let highest = outcomes.iter().max_by_key(|outcome| outcome.peak);
    highest.filter(|outcome| outcome.peak < i64::MAX / 2).ok_or(ConfigError::TooLarge)
}

impl Report {
    /// What the engine says of a described scenario; none where the network is known by its size alone.
    ///
    /// # Errors
    /// An input outside its limits, a configuration whose fields contradict one another, or one that is too large.
    pub fn of(scenario: &Scenario) -> Option<Result<Self, EstimateError>> {
        let config = scenario.model.config()?.map_err(EstimateError::from);
        Some(config.and_then(|config| {
            let lowered = lower(scenario, &config, Layers::Counted)?;
            let outcomes = play(&lowered, Watch::Peak);
            Ok(Self::from(&lowered, &outcomes, highest(&outcomes)?))
        }))
    }

    fn from(lowered: &Lowered, outcomes: &[Outcome], peak: &Outcome) -> Self {
        let (program, setting) = &lowered.passes[0];
        let first = &outcomes[0];
        let count = |trainable: bool| {
            program
                .parameters
                .iter()
                .filter(|parameter| !trainable || parameter.trainable)
                .map(|parameter| parameter.elements().saturating_mul(parameter.copies))
                .fold(0, u64::saturating_add)
        };
        let weights = program
            .parameters
            .iter()
            .map(|parameter| parameter.bytes().saturating_mul(parameter.copies))
            .fold(0, u64::saturating_add);
        let mut phase_peaks = Vec::new();
        for outcome in outcomes {
            for &phase in Phase::ALL {
                let most = outcome.phase_peaks[phase as usize];
                if most > 0 {
                    phase_peaks.push((phase, bytes(most)));
                }
            }
        }
        let at = |amounts: &Amounts, kind: Kind| amounts[kind as usize];
        Self {
            parameters: count(false),
            trainable_parameters: count(true),
            allocated: bytes(peak.peak),
            peak_phase: peak.peak_phase,
            phase_peaks,
            before: bytes(sum(&first.before)),
            kept_after_forward: bytes(sum(&first.after_forward) - sum(&first.before)),
            after_backward: bytes(sum(&first.after_backward)),
            parameter_bytes: Bytes::new(weights),
            optimizer_state: bytes(at(&first.before, Kind::OptimizerState) + at(&first.before, Kind::MasterWeights)),
            optimizer_stored: Bytes::new(setting.optimize.map_or(0, |optimize| step::stored(&optimize, program))),
            kv_cache: bytes(at(&first.after_forward, Kind::KvCache)),
            workspace: bytes(at(&first.before, Kind::Workspace)),
        }
    }
}
