//! What the caching allocator takes from the device for a described network.

use super::answer::context;
use super::{Lowered, Report, lower, play};
use crate::program::{Instruction, Layers, Section};
use crate::step::{self, Heaped, Outcome, Watch};
use crate::{Bytes, Choice as _, Config, ConfigError, EstimateError, HistoryEvent, Phase, Scenario, Task};

/// The caching allocator's own figures after two steps.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Reserved {
    /// What it has taken from the device: segments, whether in use or not.
    pub reserved: Bytes,
    /// The most in use at once in the second step, with what blocks have beyond what was asked.
    pub allocated: Bytes,
    /// The most in each phase.
    pub phase_peaks: Vec<(Phase, Bytes)>,
    /// What the driver keeps beside them, as the scenario counts it.
    pub context: Bytes,
    /// What the device shows of the process: what is reserved, and the context.
    pub device: Bytes,
}

impl Report {
    /// What the allocator takes from the device; none where the network is known by its size alone.
    ///
    /// # Errors
    /// As [`Report::of`].
    pub fn reserved(scenario: &Scenario) -> Option<Result<Reserved, EstimateError>> {
        let config = scenario.model.config()?.map_err(EstimateError::from);
        Some(config.and_then(|config| reserved(scenario, &config)))
    }
}

impl Report {
    /// What the allocator does over two steps of training, or two forward passes and a token more, of which
    /// [`Report::reserved`] tells the end: every layer written out. None where the network is known by its size alone.
    ///
    /// # Errors
    /// As [`Report::of`], and where the network has more than a hundred thousand operators.
    pub fn history(scenario: &Scenario) -> Option<Result<Vec<HistoryEvent>, EstimateError>> {
        let config = scenario.model.config()?.map_err(EstimateError::from);
        Some(config.and_then(|config| history(scenario, &config)))
    }
}

/// Whether a device has what the allocator would take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// All of it.
    Enough,
    /// Not all, but what is in use at once: the allocator gives back what it keeps in reserve.
    GivesBack,
    /// Not even what is in use at once.
    TooLittle,
}

/// The driver's context at the least, where the scenario counts none.
const LEAST_CONTEXT: Bytes = Bytes::mib(512);

impl Reserved {
    /// Whether a device with this much memory has room for it and the driver's context.
    ///
    /// Where `cudaMalloc` fails, PyTorch's allocator returns segments of which nothing is in use and tries again
    /// (`release_cached_blocks` in `c10/cuda/CUDACachingAllocator.cpp`).
    pub fn room(&self, reported: Bytes) -> Room {
        let context = if self.context == Bytes::ZERO { LEAST_CONTEXT } else { self.context };
        let left = reported.saturating_sub(context);
        if self.reserved <= left {
            Room::Enough
        } else if self.allocated <= left {
            Room::GivesBack
        } else {
            Room::TooLittle
        }
    }
}

/// Operators of training that are followed at most, counted in forward: with these the answer takes 2 ms. Inference
/// takes half the time for each.
const OPERATORS: u64 = 3_500;

/// Addresses stay within 64 bits where less than this is asked for, however far apart blocks lie.
const LIMIT: i64 = 1 << 58;

/// Operators of a history at the most.
const RECORDED: u64 = 100_000;

fn history(scenario: &Scenario, config: &Config) -> Result<Vec<HistoryEvent>, EstimateError> {
    let counted = lower(scenario, config, Layers::Counted)?;
    if operators(&counted) > RECORDED || too_large(&play(&counted, Watch::Peak)) {
        return Err(ConfigError::TooLarge.into());
    }
    let layers = sections(&counted).map(|section| section.layers).max().unwrap_or(0);
    Ok(step::history(&lower(scenario, config, Layers::AtMost(layers))?.passes))
}

/// Whether addresses might not stay within 64 bits.
fn too_large(outcomes: &[Outcome]) -> bool {
    outcomes.iter().any(|outcome| outcome.peak >= LIMIT)
}

fn reserved(scenario: &Scenario, config: &Config) -> Result<Reserved, EstimateError> {
    let counted = lower(scenario, config, Layers::Counted)?;
    let outcomes = play(&counted, Watch::Peak);
    if too_large(&outcomes) {
        return Err(ConfigError::TooLarge.into());
    }
    let layers = sections(&counted).map(|section| section.layers).max().unwrap_or(0);
    let most = if scenario.task == Task::Inference { 2 * OPERATORS } else { OPERATORS };
    if operators(&counted) <= most {
        let whole = lower(scenario, config, Layers::AtMost(layers))?;
        return Ok(Reserved::new(&step::heap(&whole.passes), scenario));
    }
    // Fragmentation differs from layer to layer: what is beyond the bytes asked for goes on as between two networks that
    // are cut short, and the bytes asked for are known.
    let asked = outcomes.iter().fold([0; Phase::ALL.len()], |most: [i64; Phase::ALL.len()], outcome| {
        let mut most = most;
        for (most, peak) in most.iter_mut().zip(outcome.phase_peaks) {
            *most = peak.max(*most);
        }
        most
    });
    let each = (operators(&counted) / layers.max(1)).max(1);
    let mut longer = (most / 5 * 2 / each).clamp(3, 64).min(layers);
    let long = loop {
        let long = lower(scenario, config, Layers::AtMost(longer))?;
        let written: usize = long.passes.iter().map(|(program, _)| program.nodes.len()).sum();
        // Two fifths for this network, the shorter one beside it.
        if written as u64 <= most / 5 * 2 || longer <= 3 {
            break long;
        }
        longer -= longer.div_ceil(8);
    };
    let shorter = longer - longer.div_ceil(3);
    let short = lower(scenario, config, Layers::AtMost(shorter))?;
    let (short, long) = (step::heap(&short.passes), step::heap(&long.passes));
    let steps = Steps { short: shorter, long: longer, whole: layers };
    let mut heaped = Heaped { asked, ..long };
    for (phase, most) in heaped.phase_peaks.iter_mut().enumerate() {
        let (short, long) = ((short.phase_peaks[phase], short.asked[phase]), (*most, long.asked[phase]));
        *most = steps.go_on(short, long, asked[phase]);
    }
    let reserved =
        steps.go_on((short.reserved, short.most_asked()), (long.reserved, long.most_asked()), heaped.most_asked());
    // Two lines of their own may cross; what is in use never passes what is taken.
    heaped.reserved = heaped.phase_peaks.into_iter().fold(reserved, u64::max);
    Ok(Reserved::new(&heaped, scenario))
}

fn sections(lowered: &Lowered) -> impl Iterator<Item = &Section> {
    lowered.passes.iter().flat_map(|(program, _)| &program.sections)
}

/// Operators of all layers, those that are counted and not written out among them.
fn operators(lowered: &Lowered) -> u64 {
    let mut all = 0_u64;
    for (program, _) in &lowered.passes {
        all = all.saturating_add(program.nodes.len() as u64);
        let mut begun = vec![0_u64; program.sections.len()];
        let mut nodes = 0;
        for instruction in &program.instructions {
            match *instruction {
                Instruction::Node(_) => nodes += 1,
                Instruction::Mark { section, iteration: 1 } => begun[section as usize] = nodes,
                Instruction::Mark { section, iteration: 2 } => {
                    let each: u64 = nodes - begun[section as usize];
                    let skipped = program.sections[section as usize].skipped;
                    all = all.saturating_add(each.saturating_mul(skipped));
                }
                _ => {}
            }
        }
    }
    all
}

/// Layers of two networks that are cut short, and of the whole.
#[derive(Debug, Clone, Copy)]
struct Steps {
    short: u64,
    long: u64,
    whole: u64,
}

impl Steps {
    /// What the whole takes where it asks for `asked`; the others are given as what they take and ask for.
    fn go_on(self, short: (u64, i64), long: (u64, i64), asked: i64) -> u64 {
        let beyond = |(takes, asks): (u64, i64)| i128::from(takes) - i128::from(asks);
        let (short, long) = (beyond(short), beyond(long));
        let rise = (long - short) * i128::from(self.whole - self.long) / i128::from((self.long - self.short).max(1));
        let whole = i128::from(asked) + (long + rise).max(0);
        u64::try_from(whole).unwrap_or(u64::MAX)
    }
}

impl Reserved {
    fn new(heaped: &Heaped, scenario: &Scenario) -> Self {
        let phase_peaks: Vec<_> = Phase::ALL
            .iter()
            .map(|&phase| (phase, Bytes::new(heaped.phase_peaks[phase as usize])))
            .filter(|(_, most)| *most > Bytes::ZERO)
            .collect();
        let allocated = phase_peaks.iter().map(|(_, most)| *most).max().unwrap_or(Bytes::ZERO);
        let (reserved, context) = (Bytes::new(heaped.reserved), context(&scenario.overheads));
        let device = Bytes::new(reserved.get().saturating_add(context.get()));
        Self { reserved, allocated, phase_peaks, context, device }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Checkpointing, DeviceChoice, Family, Model, Optimizer, PrecisionMode, Run, Training};

    fn training(layers: u64) -> (Scenario, Config) {
        let mut config = Config::of(Family::Gpt2);
        config.set("n_layer", layers).expect("a number of layers");
        let task = Task::Training(Training { optimizer: Optimizer::AdamW, ..Training::default() });
        let model = Model::Described(config);
        (Scenario { model, task, batch_size: 1, sequence_length: 128, ..Scenario::default() }, config)
    }

    #[test]
    fn a_line_through_two_networks_goes_on_to_the_third() {
        let steps = Steps { short: 4, long: 6, whole: 10 };
        // 10 and 14 beyond what is asked for, so 22 at ten layers.
        assert_eq!(steps.go_on((50, 40), (74, 60), 100), 122);
        // Never less than is asked for.
        assert_eq!(steps.go_on((60, 40), (70, 60), 100), 100);
    }

    #[test]
    fn what_is_taken_is_at_least_what_is_in_use_and_that_what_is_asked_for() {
        for &family in Family::ALL {
            for checkpointing in [Checkpointing::None, Checkpointing::Block, Checkpointing::Every(2)] {
                for precision in [PrecisionMode::AutocastFp16, PrecisionMode::Bf16Master] {
                    for task in [Task::Training(Training::default()), Task::Lora(Training::default()), Task::Inference]
                    {
                        let run = Run { checkpointing, precision, ..Run::default() };
                        let model = Model::Described(Config::of(family));
                        let scenario = Scenario { model, task, run, sequence_length: 64, ..Scenario::default() };
                        let whole = Report::of(&scenario).expect("described").expect("a report");
                        let Reserved { reserved, allocated, .. } =
                            Report::reserved(&scenario).expect("described").expect("figures");
                        let what = || format!("{family:?} {checkpointing:?} {precision:?} {task:?}");
                        assert!(reserved >= allocated, "{}", what());
                        assert!(allocated >= whole.allocated, "{}", what());
                    }
                }
            }
        }
    }

    #[test]
    fn many_layers_are_followed_in_part_and_come_near_those_in_full() {
        let (scenario, config) = training(160);
        let counted = lower(&scenario, &config, Layers::Counted).expect("a program");
        assert!(operators(&counted) > OPERATORS);
        let whole = lower(&scenario, &config, Layers::AtMost(160)).expect("a program");
        let written: usize = whole.passes.iter().map(|(program, _)| program.nodes.len()).sum();
        assert_eq!(operators(&counted), written as u64);
        let whole = Reserved::new(&step::heap(&whole.passes), &scenario);
        let part = reserved(&scenario, &config).expect("figures");
        let near = |a: Bytes, b: Bytes, percent: u64| a.get().abs_diff(b.get()) * 100 <= b.get() * percent;
        assert!(near(part.reserved, whole.reserved, 3), "{part:?} {whole:?}");
        assert!(near(part.allocated, whole.allocated, 1), "{part:?} {whole:?}");
    }

    #[test]
    fn kinds_of_layers_that_take_turns_are_followed_in_part_too() {
        let mut config = Config::of(Family::Gemma3);
        config.set("num_hidden_layers", 1_000_000).expect("a number of layers");
        config.set("sliding_window_pattern", 12).expect("a pattern");
        let scenario = Scenario { model: Model::Described(config), batch_size: 1, ..Scenario::default() };
        let counted = lower(&scenario, &config, Layers::Counted).expect("a program");
        let written: usize = counted.passes.iter().map(|(program, _)| program.nodes.len()).sum();
        assert!(written < 10_000, "{written} operators are written out");
        let figures = reserved(&scenario, &config).expect("figures");
        assert!(figures.reserved >= figures.allocated);
        assert!(config.set("sliding_window_pattern", 13).is_err(), "more would be written out");
    }

    #[test]
    fn a_full_device_gets_back_what_is_not_in_use() {
        let gib = |reserved, allocated, context| {
            let [reserved, allocated, context] = [reserved, allocated, context].map(Bytes::gib);
            let device = reserved.checked_add(context).expect("small");
            Reserved { reserved, allocated, phase_peaks: Vec::new(), context, device }
        };
        for (figures, room) in [
            (gib(47, 30, 1), Room::Enough),
            (gib(47, 30, 2), Room::GivesBack),
            (gib(60, 47, 0), Room::GivesBack),
            (gib(48, 48, 0), Room::TooLittle),
            (gib(60, 47, 2), Room::TooLittle),
        ] {
            assert_eq!(figures.room(Bytes::gib(48)), room, "{figures:?}");
        }
    }

    #[test]
    fn the_first_network_of_the_measured_rows_is_met_to_the_byte() {
        // GPT-2 in FP32 with AdamW, one sample of 128 tokens, as measured.
        let (mut scenario, _) = training(12);
        scenario.run.precision = PrecisionMode::Fp32;
        scenario.device = DeviceChoice::Catalog(crate::catalog::device("h200-141gb").expect("a device"));
        let figures = Report::reserved(&scenario).expect("described").expect("figures");
        assert_eq!(figures.reserved.get(), 2_936_012_800);
        assert_eq!(figures.allocated.get(), 2_561_872_384);
    }
}
