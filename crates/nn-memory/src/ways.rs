//! Ways in which a described network needs less: each alone, and as few as make it fit together.

use crate::catalog::Device;
use crate::{
    Attention, Bytes, Checkpointing, Choice, Engine, Field, Fit, Implementation, Model, Note, Optimizer, PrecisionMode,
    Scenario, Share, Task, Verdict, fit, format_count,
};

/// A change of the run, not of the model or the device, after which it needs less.
///
/// In the order worth trying: first those that leave every result as it was, then those that take time, then those that
/// round more, then those that train or read something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Way {
    /// Attention by the fastest kernel of PyTorch instead of written out.
    FastestAttention,
    /// Outputs go after the loss.
    ReleaseOutputs,
    /// `zero_grad` sets gradients to none.
    GradientsToNone,
    /// The optimizer's fused kernel.
    FusedOptimizer,
    /// In inference, logits of the last token alone.
    LastLogits,
    /// The batch in as few micro-batches as fit, each half as large as the one tried before.
    MicroBatches,
    /// In inference, as many samples at once as fit, halved and halved again.
    SmallerBatch,
    /// The optimizer weight by weight, where it has no fused kernel.
    OptimizerInTurn,
    /// Blocks are computed again in backward.
    CheckpointBlocks,
    /// Products in BF16, weights in FP32.
    AutocastBf16,
    /// Adam's states in 8 bits.
    EightBitOptimizer,
    /// Everything in BF16.
    Bf16,
    /// Adapters are trained, and the network is frozen.
    TrainAdapters,
    /// sequences half as long.
    HalfSequence,
}

/// What is known of a way.
struct Row {
    key: &'static str,
    label: &'static str,
    cost: &'static str,
    /// The scenario after it; none where it does not apply.
    take: fn(&Scenario) -> Option<Scenario>,
}

/// Scenarios with another run.
fn run(scenario: &Scenario, applies: bool, change: impl FnOnce(&mut Scenario)) -> Option<Scenario> {
    applies.then(|| {
        let mut changed = scenario.clone();
        change(&mut changed);
        changed
    })
}

impl Way {
    // A new way is a variant, a row here and a place in ALL.
    fn row(self) -> Row {
        match self {
            Self::FastestAttention => Row {
                key: "fastest_attention",
                label: "SDPA's fastest kernel for attention",
                cost: "The same result, faster.",
                take: |scenario| {
                    run(scenario, scenario.run.attention != Attention::Sdpa, |changed| {
                        changed.run.attention = Attention::Sdpa;
                    })
                },
            },
            Self::ReleaseOutputs => Row {
                key: "release_outputs",
                label: "outputs let go after the loss",
                cost: "Nothing, where nothing reads them later.",
                take: |scenario| {
                    let holds = scenario.run.hold_outputs && scenario.task != Task::Inference;
                    run(scenario, holds, |changed| changed.run.hold_outputs = false)
                },
            },
            Self::GradientsToNone => Row {
                key: "gradients_to_none",
                label: "gradients set to none",
                cost: "Nothing: it is PyTorch's default.",
                take: |scenario| {
                    let zeroes = !scenario.run.set_to_none && scenario.task != Task::Inference;
                    run(scenario, zeroes, |changed| changed.run.set_to_none = true)
                },
            },
            Self::FusedOptimizer => Row {
                key: "fused_optimizer",
                label: "the fused optimizer",
                cost: "The same update, faster.",
                take: |scenario| implemented(scenario, Implementation::Fused),
            },
            Self::LastLogits => Row {
                key: "last_logits",
                label: "logits of the last token alone",
                cost: "Nothing for generation, which reads no other.",
                take: |scenario| {
                    let all = !scenario.run.last_logits && scenario.task == Task::Inference;
                    run(scenario, all, |changed| changed.run.last_logits = true)
                },
            },
            Self::MicroBatches => Row {
                key: "micro_batches",
                label: "micro-batches",
                cost: "The same gradient, summed over passes that run one after another.",
                take: |scenario| {
                    // What cannot be halved goes sample by sample: as many as before are to be summed.
                    let batch = scenario.batch_size;
                    let parts = if batch.is_multiple_of(2) { 2 } else { batch };
                    let steps = scenario.run.accumulation_steps.checked_mul(parts)?;
                    let some = batch > 1 && Field::Accumulation.check_count(steps).is_ok();
                    run(scenario, some && scenario.task != Task::Inference, |changed| {
                        (changed.batch_size, changed.run.accumulation_steps) = (batch / parts, steps);
                    })
                },
            },
            Self::SmallerBatch => Row {
                key: "smaller_batch",
                label: "a smaller batch",
                cost: "More passes for as many samples.",
                take: |scenario| {
                    let several = scenario.batch_size > 1 && scenario.task == Task::Inference;
                    run(scenario, several, |changed| changed.batch_size /= 2)
                },
            },
            Self::OptimizerInTurn => Row {
                key: "optimizer_in_turn",
                label: "the optimizer's loop over weights",
                cost: "The same update, slower: kernels for each weight.",
                take: |scenario| {
                    let fused = implemented(scenario, Implementation::Fused).is_some();
                    if fused { None } else { implemented(scenario, Implementation::Loop) }
                },
            },
            Self::CheckpointBlocks => Row {
                key: "checkpoint_blocks",
                label: "checkpointing of each block",
                // 20 % by Korthikanti et al. 2022 (arXiv:2205.05198), one forward pass of three in all by Chen et al. 2016
                // (arXiv:1604.06174).
                cost: "One more forward pass: 20 to 33 % more compute.",
                take: |scenario| {
                    let keeps = scenario.run.checkpointing != Checkpointing::Block && scenario.task != Task::Inference;
                    run(scenario, keeps, |changed| changed.run.checkpointing = Checkpointing::Block)
                },
            },
            Self::AutocastBf16 => Row {
                key: "autocast_bf16",
                label: "autocast to BF16",
                cost: "Products round to 8 bits of mantissa; weights and updates stay in FP32.",
                take: |scenario| {
                    let wide = scenario.run.precision == PrecisionMode::Fp32 && scenario.task != Task::Inference;
                    run(scenario, wide, |changed| changed.run.precision = PrecisionMode::AutocastBf16)
                },
            },
            Self::EightBitOptimizer => Row {
                key: "eight_bit_optimizer",
                label: "8-bit Adam",
                // Dettmers et al. 2022 (arXiv:2110.02861).
                cost: "States round block by block; bitsandbytes comes along.",
                take: |scenario| {
                    let adam = |optimizer| matches!(optimizer, Optimizer::Adam | Optimizer::AdamW);
                    let applies = scenario.task.training().is_some_and(|training| adam(training.optimizer));
                    run(scenario, applies, |changed| {
                        if let Task::Training(training) | Task::Lora(training) = &mut changed.task {
                            training.optimizer = Optimizer::Adam8bit;
                        }
                    })
                },
            },
            Self::Bf16 => Row {
                key: "bf16",
                label: "BF16 throughout",
                cost: "In training, small updates round away; for inference most models are published in it.",
                take: |scenario| {
                    let wider = !matches!(scenario.run.precision, PrecisionMode::Bf16 | PrecisionMode::Fp16);
                    run(scenario, wider, |changed| changed.run.precision = PrecisionMode::Bf16)
                },
            },
            Self::TrainAdapters => Row {
                key: "train_adapters",
                label: "LoRA adapters",
                cost: "Adapters are trained, the network's weights are not.",
                take: |scenario| match scenario.task {
                    Task::Training(training) => run(scenario, true, |changed| changed.task = Task::Lora(training)),
                    Task::Lora(_) | Task::Inference => None,
                },
            },
            Self::HalfSequence => Row {
                key: "half_sequence",
                label: "sequences half as long",
                cost: "What is cut off is not read.",
                take: |scenario| run(scenario, scenario.sequence_length > 1, |changed| changed.sequence_length /= 2),
            },
        }
    }

    /// Its name within a sentence, in a scenario that has taken it: `4 micro-batches of 8`.
    pub fn words(self, taken: &Scenario) -> String {
        let batch = format_count(taken.batch_size);
        match self {
            Self::MicroBatches => format!("{} micro-batches of {batch}", format_count(taken.run.accumulation_steps)),
            Self::SmallerBatch => format!("a batch of {batch}"),
            Self::HalfSequence => format!("sequences of {}", format_count(taken.sequence_length)),
            _ => self.label().to_owned(),
        }
    }

    /// What it costs, in a sentence.
    pub fn cost(self) -> &'static str {
        self.row().cost
    }

    /// Whether it may be taken again and again.
    const fn repeats(self) -> bool {
        matches!(self, Self::MicroBatches | Self::SmallerBatch)
    }

    /// Whether it changes neither results nor the time they take, but for the better.
    const fn is_free(self) -> bool {
        matches!(
            self,
            Self::FastestAttention
                | Self::ReleaseOutputs
                | Self::GradientsToNone
                | Self::FusedOptimizer
                | Self::LastLogits
        )
    }

    /// Whether it does what was asked for, if at a price: a sequence of half the length is another job.
    const fn does_the_job(self) -> bool {
        !matches!(self, Self::HalfSequence)
    }
}

/// The optimizer's step in another way, where it has that and does not run so already.
fn implemented(scenario: &Scenario, implementation: Implementation) -> Option<Scenario> {
    let optimizer = scenario.task.training()?.optimizer;
    let has = optimizer.implementation(implementation) == implementation;
    let runs = optimizer.implementation(scenario.run.implementation) == implementation;
    run(scenario, has && !runs, |changed| changed.run.implementation = implementation)
}

impl Choice for Way {
    const ALL: &'static [Self] = &[
        Self::FastestAttention,
        Self::ReleaseOutputs,
        Self::GradientsToNone,
        Self::FusedOptimizer,
        Self::LastLogits,
        Self::MicroBatches,
        Self::SmallerBatch,
        Self::OptimizerInTurn,
        Self::CheckpointBlocks,
        Self::AutocastBf16,
        Self::EightBitOptimizer,
        Self::Bf16,
        Self::TrainAdapters,
        Self::HalfSequence,
    ];

    fn key(self) -> &'static str {
        self.row().key
    }

    fn label(self) -> &'static str {
        self.row().label
    }
}

/// A scenario that needs less.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reduced {
    /// The ways taken, in the order of [`Way::ALL`].
    pub ways: Vec<Way>,
    /// The scenario after them.
    pub scenario: Scenario,
    /// Its total.
    pub total: Bytes,
    /// What is saved of the total as asked.
    pub saved: Share,
    /// Whether that fits the device.
    pub verdict: Verdict,
    /// The smallest device that holds it, as [`Estimate::smallest_device`](crate::Estimate::smallest_device).
    pub smallest_device: Option<&'static Device>,
}

impl Reduced {
    /// Whether it fits with the margin kept.
    pub const fn fits(&self) -> bool {
        matches!(self.verdict, Verdict::Fits { .. })
    }
}

/// Each way by itself that makes a described network need less, in the order of [`Way::ALL`].
pub fn ways_to_need_less(scenario: &Scenario) -> Vec<Reduced> {
    Engine::FULL.ways_to_need_less(scenario)
}

/// Ways that together make a described network fit its device with the margin kept, none of which could be left out.
pub fn ways_to_fit(scenario: &Scenario) -> Option<Reduced> {
    Engine::FULL.ways_to_fit(scenario)
}

impl Engine {
    /// Each way by itself that makes a described network need less, in the order of [`Way::ALL`]; those that go step by
    /// step as far as it takes to fit, or as they go. None for a network known by its size alone.
    ///
    /// ```
    /// use nn_memory::{Engine, Model, Scenario, Way, catalog};
    ///
    /// let model = Model::Named(catalog::model("gpt2").expect("a row of the catalogue"));
    /// let ways = Engine::FULL.ways_to_need_less(&Scenario { model, sequence_length: 1_024, ..Scenario::default() });
    /// let checkpointed = ways.iter().find(|reduced| reduced.ways == [Way::CheckpointBlocks]);
    /// assert!(checkpointed.is_some());
    /// ```
    pub fn ways_to_need_less(&self, scenario: &Scenario) -> Vec<Reduced> {
        let Some(search) = Search::of(self, scenario) else { return Vec::new() };
        let alone = |&way: &Way| search.with(&[way]);
        Way::ALL.iter().filter_map(alone).filter(|reduced| reduced.total < search.total).collect()
    }

    /// Ways that together make a described network fit its device with the margin kept, none of which could be left out;
    /// where no ways do, all that help. None where it fits as it is, where nothing helps, and for a network known by its
    /// size alone.
    pub fn ways_to_fit(&self, scenario: &Scenario) -> Option<Reduced> {
        let search = Search::of(self, scenario)?;
        if search.fits(search.total) {
            return None;
        }
        let mut taken = search.with(&[])?;
        for &way in Way::ALL.iter().filter(|way| way.does_the_job()) {
            let ways = [&taken.ways[..], &[way]].concat();
            // One that costs nothing may help once others have lowered what stands above it.
            let most = if way.is_free() { nearly(taken.total) } else { taken.total };
            if let Some(reduced) = search.with(&ways).filter(|reduced| reduced.total <= most) {
                taken = reduced;
            }
            if taken.fits() {
                break;
            }
        }
        // What the others have made needless goes, the costliest first.
        for way in taken.ways.clone().into_iter().rev() {
            let ways: Vec<_> = taken.ways.iter().copied().filter(|&other| other != way).collect();
            let as_good = |fewer: &Reduced| {
                // One that costs nothing may spare micro-batches.
                let whole = !way.is_free() || fewer.scenario.batch_size >= taken.scenario.batch_size;
                match (fewer.verdict, taken.verdict) {
                    (Verdict::Fits { .. }, _) => whole,
                    (_, Verdict::Fits { .. }) | (Verdict::DoesNotFit { .. }, Verdict::Tight { .. }) => false,
                    _ => fewer.total <= nearly(taken.total),
                }
            };
            if let Some(fewer) = search.with(&ways).filter(as_good) {
                taken = fewer;
            }
        }
        (!taken.ways.is_empty()).then_some(taken)
    }
}

/// What counts as no more than a total: up to a hundredth above it.
fn nearly(total: Bytes) -> Bytes {
    Bytes::new(total.get().saturating_add(total.get() / 100))
}

/// What ways are looked for from.
struct Search<'a> {
    engine: &'a Engine,
    /// As asked, and with its model read.
    asked: &'a Scenario,
    read: Scenario,
    total: Bytes,
}

impl<'a> Search<'a> {
    fn of(engine: &'a Engine, asked: &'a Scenario) -> Option<Self> {
        if asked.model == Model::Size {
            return None;
        }
        let read = engine.read_once(asked);
        let total = engine.total(&read).ok()?;
        Some(Self { engine, asked, read, total })
    }

    fn verdict(&self, total: Bytes) -> Verdict {
        Fit::of(self.asked.device, &self.asked.overheads, total).verdict
    }

    fn fits(&self, total: Bytes) -> bool {
        matches!(self.verdict(total), Verdict::Fits { .. })
    }

    /// The scenario after these ways, all of which must apply.
    fn with(&self, ways: &[Way]) -> Option<Reduced> {
        let mut scenario = self.read.clone();
        for way in ways.iter().filter(|way| !way.repeats()) {
            scenario = (way.row().take)(&scenario)?;
        }
        // Last, so that they go no further than the others leave them to.
        for way in ways.iter().filter(|way| way.repeats()) {
            let steps: Vec<_> = std::iter::successors((way.row().take)(&scenario), way.row().take).collect();
            let fits = |scenario: &Scenario| self.total_of(scenario).is_some_and(|total| self.fits(total));
            // Mostly as far as it goes is not far enough, and all tries before it are spared.
            let (last, before) = steps.split_last()?;
            let first = if fits(last) { before.partition_point(|scenario| !fits(scenario)) } else { before.len() };
            scenario = steps[first].clone();
        }
        let total = self.total_of(&scenario)?;
        if matches!(scenario.task, Task::Lora(_)) && scenario.task != self.asked.task && !self.adapts(&scenario) {
            return None;
        }
        Some(Reduced {
            ways: ways.to_vec(),
            scenario: Scenario { model: self.asked.model, ..scenario },
            total,
            saved: Share::of(self.total.saturating_sub(total), self.total),
            verdict: self.verdict(total),
            smallest_device: fit::smallest_device(self.asked.device, &self.asked.overheads, total),
        })
    }

    fn total_of(&self, scenario: &Scenario) -> Option<Bytes> {
        self.engine.total(scenario).ok()
    }

    /// Whether adapters are made, as asked for.
    fn adapts(&self, scenario: &Scenario) -> bool {
        let refused = |note: &Note| matches!(note, Note::NothingAdapted { .. } | Note::AdaptersRefused(_));
        self.engine.estimate(scenario).is_ok_and(|estimate| !estimate.notes.iter().any(refused))
    }
}
