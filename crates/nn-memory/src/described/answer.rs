//! The estimate of a described network, in the parts and words of every estimate.

use super::{Lowered, Report, bytes, highest, lower, play, sum};
use crate::catalog::Platform;
use crate::formula::{Operand, Value};
use crate::program::{Layers, Positions, Program};
use crate::step::{Amounts, Kind, Line, Outcome, Setting, Watch};
use crate::{
    Bytes, Checkpointing, Config, ConfigError, ElementType, Estimate, EstimateError, Formula, Model, Note, Overheads,
    PartKind, Phase, Scenario, Shape, Targets, Task,
};

/// What stands at a moment of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelinePoint {
    /// Operators up to here.
    pub position: u64,
    /// The phase of the step.
    pub phase: Phase,
    /// The module that runs.
    pub module: &'static str,
    /// The operator, in PyTorch's words.
    pub label: &'static str,
    /// What stands while it runs, at most, by the place of each [`PartKind`].
    pub parts: [Bytes; PartKind::ALL.len()],
}

impl TimelinePoint {
    /// The sum of the parts.
    pub fn total(&self) -> Bytes {
        self.parts.iter().fold(Bytes::ZERO, |sum, part| Bytes::new(sum.get().saturating_add(part.get())))
    }
}

/// What one of a run of identical layers holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct LayerShare {
    /// Layers of the run.
    pub layers: u64,
    /// Weights of one of them.
    pub parameters: Bytes,
    /// What the forward pass of one of them leaves.
    pub kept_after_forward: Bytes,
}

/// Tensors alike that stand at the peak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PartLine {
    /// The part that they belong to.
    pub part: PartKind,
    /// The module that made them.
    pub module: &'static str,
    /// The operator that made them, or what they are.
    pub label: &'static str,
    /// The type of their elements.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub element: ElementType,
    /// The shape of each.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub shape: Shape,
    /// How many there are.
    pub count: u64,
    /// Bytes of each, rounded up to 512.
    pub each: Bytes,
    /// Bytes of all.
    pub bytes: Bytes,
}

impl PartLine {
    /// What each holds: shape and type of a tensor, or what else it is for; nothing where its name says so.
    pub fn holds(&self) -> String {
        let bytes_alone = self.element == ElementType::Byte && self.shape == Shape::vector(self.each.get());
        match (bytes_alone, self.part) {
            (true, PartKind::Temporary) => "working memory, while it runs".to_owned(),
            (true, PartKind::Parameters) if self.label.starts_with("rest") => {
                "too small for the allocator to give away".to_owned()
            }
            (true, PartKind::Parameters | PartKind::Activations) => String::new(),
            _ => format!("[{}] {}", self.shape, self.element.name()),
        }
    }
}

/// What stands at the peak, down to tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Explanation {
    /// The phase of the peak.
    pub phase: Phase,
    /// The largest first.
    pub lines: Vec<PartLine>,
}

fn part_of(kind: Kind) -> PartKind {
    match kind {
        Kind::Parameters => PartKind::Parameters,
        Kind::MasterWeights => PartKind::MasterWeights,
        Kind::OptimizerState => PartKind::OptimizerState,
        Kind::Gradients => PartKind::Gradients,
        Kind::Activations => PartKind::Activations,
        Kind::KvCache => PartKind::KvCache,
        Kind::Temporary => PartKind::Temporary,
        Kind::Workspace => PartKind::Workspace,
    }
}

fn parts(amounts: &Amounts, context: Bytes) -> [Bytes; PartKind::ALL.len()] {
    let mut parts = [Bytes::ZERO; PartKind::ALL.len()];
    for kind in Kind::ALL {
        parts[part_of(kind) as usize] = bytes(amounts[kind as usize]);
    }
    parts[PartKind::Context as usize] = context;
    parts
}

pub(super) fn context(overheads: &Overheads) -> Bytes {
    Bytes::mib(1).scaled_up(overheads.context_mib, 1).unwrap_or(Bytes::ZERO)
}

/// The configuration of a scenario that is known to have one.
fn config(scenario: &Scenario) -> Result<Config, EstimateError> {
    scenario.model.config().ok_or(EstimateError::NotFollowed)?.map_err(EstimateError::from)
}

/// The scenario with its model read, so that each total need not read it again.
pub(crate) fn read_once(scenario: &Scenario) -> Scenario {
    let mut scenario = scenario.clone();
    if let Some(Ok(config)) = scenario.model.config() {
        scenario.model = Model::Described(config);
    }
    scenario
}

/// The total alone.
pub(crate) fn total(scenario: &Scenario) -> Result<Bytes, EstimateError> {
    let lowered = lower(scenario, &config(scenario)?, Layers::Counted)?;
    let outcomes = play(&lowered, Watch::Peak);
    let peak = bytes(highest(&outcomes)?.peak);
    peak.checked_add(context(&scenario.overheads)).ok_or(EstimateError::Config(ConfigError::TooLarge))
}

pub(crate) fn estimate(scenario: &Scenario) -> Result<Estimate, EstimateError> {
    let config = config(scenario)?;
    let lowered = lower(scenario, &config, Layers::Counted)?;
    let outcomes = play(&lowered, Watch::Timeline);
    let highest = highest(&outcomes)?;
    let report = Report::from(&lowered, &outcomes, highest);
    let amounts = parts(&highest.at_peak, context(&scenario.overheads));
    let total = amounts.iter().fold(Bytes::ZERO, |sum, part| Bytes::new(sum.get().saturating_add(part.get())));
    let formula = |kind: PartKind| formula(kind, amounts[kind as usize]);
    Ok(Estimate {
        notes: notes(scenario, &config, &lowered, &report),
        timeline: timeline(scenario, &outcomes),
        layers: layers(&lowered, &outcomes),
        report: Some(report),
        ..Estimate::of(scenario, amounts, total, &formula)
    })
}

fn formula(kind: PartKind, bytes: Bytes) -> Formula {
    let name = match kind {
        PartKind::Context => "context of the driver",
        PartKind::Workspace => "workspaces of cuBLAS, by device generation",
        _ => "tensors of this part that stand at the peak, each rounded up to 512 B",
    };
    Formula::new("Σ", vec![Operand { symbol: "Σ", name, value: Value::Amount(bytes) }])
}

fn timeline(scenario: &Scenario, outcomes: &[Outcome]) -> Vec<TimelinePoint> {
    let context = context(&scenario.overheads);
    let mut points = Vec::with_capacity(outcomes.iter().map(|outcome| outcome.points.len()).sum());
    let mut start = 0;
    for outcome in outcomes {
        for point in &outcome.points {
            points.push(TimelinePoint {
                position: start + point.position,
                phase: point.phase,
                module: point.module,
                label: point.label,
                parts: parts(&point.amounts, context),
            });
        }
        start = points.last().map_or(0, |point| point.position);
    }
    points
}

fn layers(lowered: &Lowered, outcomes: &[Outcome]) -> Vec<LayerShare> {
    let (Some((program, _)), Some(outcome)) = (lowered.passes.first(), outcomes.first()) else { return Vec::new() };
    let each = |place: usize| program.sections[place].parameters;
    (0..program.sections.len())
        .map(|place| LayerShare {
            layers: program.sections[place].layers,
            parameters: Bytes::new(
                program.parameters[each(place).indices()].iter().map(crate::program::Parameter::bytes).sum(),
            ),
            kept_after_forward: bytes(sum(&outcome.layers[place])),
        })
        .collect()
}

fn notes(scenario: &Scenario, config: &Config, lowered: &Lowered, report: &Report) -> Vec<Note> {
    let mut notes = Vec::new();
    let named = matches!(scenario.task, Task::Lora(_)) && scenario.run.lora.targets != Targets::ALL;
    if named && adapted(lowered) == Targets::NONE {
        let mut all = scenario.clone();
        all.run.lora.targets = Targets::ALL;
        let layers = lower(&all, config, Layers::Counted).map_or(Targets::NONE, |lowered| adapted(&lowered));
        notes.push(Note::NothingAdapted { layers });
    }
    if let Some((program, _)) = lowered.passes.first()
        && program.idle_adapters != Targets::NONE
    {
        notes.push(Note::AdaptersNeverRun { layers: program.idle_adapters });
    }
    let written_out = lowered.passes.first().map_or(0, |(program, _)| program.written_out);
    if written_out > 0 && scenario.run.checkpointing == Checkpointing::None {
        notes.push(Note::ExpertsWrittenOut { bytes: Bytes::new(written_out) });
    }
    if let Some(refusal) = lowered.passes.first().and_then(|(program, _)| program.refusal) {
        notes.push(Note::AdaptersRefused(refusal));
    }
    notes.extend(beyond_positions(scenario, config, lowered));
    if let (Task::Inference, Some((program, _))) = (scenario.task, lowered.passes.first())
        && program.cast_weights > 0
    {
        notes.push(Note::CopiesOfWeights { at_most: Bytes::new(program.cast_weights) });
    }
    notes.push(match scenario.device.platform() {
        Platform::Cuda => Note::AllocatedNotReserved,
        other => Note::OtherKernels(other),
    });
    notes.push(Note::FollowedStepByStep(report.peak_phase));
    if scenario.device.multiprocessors().is_none() && scenario.device.platform() == Platform::Cuda {
        notes.push(Note::MultiprocessorsAssumed);
    }
    if let Some(training) = scenario.task.training() {
        notes.push(Note::OptimizerState(training.optimizer));
    }
    notes
}

/// What is wrong with a sequence that is too long: the code fails, or positions turn heads further than they were
/// trained to.
fn beyond_positions(scenario: &Scenario, config: &Config, lowered: &Lowered) -> Option<Note> {
    let mut fixed = lowered.passes.iter().filter_map(|(program, _)| program.positions).peekable();
    if fixed.peek().is_some() {
        let Positions { there, asked } = fixed.find(|positions| positions.missing() > 0)?;
        return Some(Note::NoSuchPosition { length: asked, positions: there });
    }
    let (length, positions) = (scenario.sequence_length, config.get("max_position_embeddings")?);
    (length > positions).then_some(Note::BeyondPositions { length, positions })
}

/// Layers of a network that got adapters.
fn adapted(lowered: &Lowered) -> Targets {
    let parameters = lowered.passes.iter().flat_map(|(program, _)| &program.parameters);
    let names = parameters.filter(|parameter| parameter.trainable).map(|parameter| parameter.name);
    names.fold(Targets::NONE, |targets, name| targets.with(name).unwrap_or(targets))
}

/// What stands at the peak, line by line; none of a network known by its size alone.
pub(crate) fn explain(scenario: &Scenario) -> Option<Result<Explanation, EstimateError>> {
    Some(scenario.model.config()?.map_err(EstimateError::from).and_then(|config| explain_config(scenario, &config)))
}

fn explain_config(scenario: &Scenario, config: &Config) -> Result<Explanation, EstimateError> {
    let lowered = lower(scenario, config, Layers::Counted)?;
    let outcomes = play(&lowered, Watch::Peak);
    let highest = highest(&outcomes)?;
    let place = outcomes.iter().position(|outcome| std::ptr::eq(outcome, highest)).unwrap_or(0);
    let (program, setting) = &lowered.passes[place];
    let again = crate::step::play(program, setting, Watch::Event(highest.peak_event));
    let updated = updated_element(program, setting);
    let mut lines: Vec<PartLine> = Vec::new();
    for (line, count) in again.ledger.iter().flat_map(crate::step::Ledger::iter) {
        if let Some(line) = part_line(typed(line, updated), count) {
            let place = lines.partition_point(|other| other.bytes >= line.bytes);
            lines.insert(place, line);
        }
    }
    Ok(Explanation { phase: highest.peak_phase, lines })
}

/// The type in which the optimizer works, where that is one.
fn updated_element(program: &Program, setting: &Setting) -> Option<ElementType> {
    if setting.optimize?.master_weights {
        return Some(ElementType::Fp32);
    }
    let mut elements = program.parameters.iter().filter(|made| made.is_updated()).map(|made| made.element);
    let first = elements.next()?;
    elements.all(|element| element == first).then_some(first)
}

/// The optimizer's step counts bytes: what its lists of tensors hold is of the type in which it works.
fn typed(line: Line, updated: Option<ElementType>) -> Line {
    let of_step = line.module.is_empty() && line.element == ElementType::Byte;
    let element = match line.kind {
        Kind::Gradients if of_step => Some(ElementType::Fp32),
        // The loop over tensors has some of other types among them.
        Kind::Temporary if of_step && line.label != "update" => updated,
        _ => None,
    };
    match element {
        Some(element) => Line { element, shape: Shape::vector(line.bytes / element.bytes()), ..line },
        None => line,
    }
}

fn part_line(line: Line, count: i64) -> Option<PartLine> {
    let Line { kind, module, label, element, shape, bytes } = line;
    let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
    let all = Bytes::new(bytes.saturating_mul(count));
    Some(PartLine { part: part_of(kind), module, label, element, shape, count, each: Bytes::new(bytes), bytes: all })
}
