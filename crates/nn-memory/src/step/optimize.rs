//! The optimizer's step: what it keeps for each tensor, and what it needs for a moment.
//!
//! Sources: the code of `torch.optim` (2.11) for its optimizers, of transformers for its Adafactor, of bitsandbytes for
//! 8-bit Adam, of timm for LAMB; Lion as published (arXiv:2302.06675), one tensor after the other.

use super::Kind;
use super::ledger::{FP32_GRADIENT, Line};
use super::play::signed;
use crate::catalog::Multiprocessors;
use crate::optimizer::{Loop, States};
use crate::program::{ElementType, GRANULE, Parameter, Program, Shape, reduction, round};
use crate::{Implementation, Optimizer};

/// Which optimizer, and how it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Optimize {
    pub(crate) optimizer: Optimizer,
    pub(crate) implementation: Implementation,
    /// Whether it works on FP32 copies of narrower weights.
    pub(crate) master_weights: bool,
    /// What the device shares sums out to.
    pub(crate) multiprocessors: Multiprocessors,
}

/// A tensor as the optimizer sees it.
#[derive(Debug, Clone, Copy)]
struct Target {
    shape: Shape,
    element: ElementType,
    dimensions: u8,
    copies: u64,
}

impl Target {
    fn elements(&self) -> u64 {
        self.shape.elements().unwrap_or(u64::MAX)
    }

    fn stored(&self, element: ElementType) -> u64 {
        self.elements().saturating_mul(element.bytes())
    }

    fn of(&self, element: ElementType) -> u64 {
        round(self.stored(element))
    }

    fn bytes(&self) -> u64 {
        self.of(self.element)
    }

    /// Whether 8-bit Adam keeps its states in bytes.
    fn is_quantized(&self) -> bool {
        self.elements() >= 4_096
    }
}

/// What the optimizer was given, weights without a gradient among them.
fn given(optimize: &Optimize, program: &Program) -> impl Iterator<Item = (Parameter, Target)> {
    let master = optimize.master_weights;
    program.parameters.iter().filter(|parameter| parameter.trainable).map(move |parameter| {
        let element = if master { ElementType::Fp32 } else { parameter.element };
        let Parameter { shape, dimensions, copies, .. } = *parameter;
        (*parameter, Target { shape, element, dimensions, copies })
    })
}

/// What its step works on.
fn targets(optimize: &Optimize, program: &Program) -> impl Iterator<Item = (Parameter, Target)> {
    given(optimize, program).filter(|(parameter, _)| parameter.is_updated())
}

/// What happens in the optimizer's step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Action<'a> {
    /// Tensors come or go, so many bytes in all, and of how many bytes how many.
    Change { kind: Kind, label: &'static str, bytes: i64, tensors: &'a [(i64, i64)] },
    /// States are made that are not there yet.
    MakeStates(Begun),
}

/// Which weights' states are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    All,
    Matrices,
    /// Those of one weight, by its place among those that the optimizer was given.
    One(usize),
}

impl Begun {
    /// Whether the states of this weight are among them.
    pub(super) fn takes(self, place: usize, dimensions: u8) -> bool {
        match self {
            Self::All => true,
            Self::Matrices => dimensions == 2,
            Self::One(other) => place == other,
        }
    }
}

/// A tensor that the optimizer keeps, and in how many layers there is one like it.
struct State {
    /// The place of the weight that it is kept for, and that weight's dimensions.
    place: usize,
    dimensions: u8,
    kind: Kind,
    /// The weight that it is kept for.
    name: &'static str,
    label: &'static str,
    element: ElementType,
    shape: Shape,
    /// As it stores them, before the allocator rounds up.
    bytes: u64,
    copies: u64,
}

/// Tells `keeps` all that the optimizer keeps between steps.
fn each_kept(optimize: &Optimize, program: &Program, mut keeps: impl FnMut(State)) {
    let eight_bit = optimize.optimizer.states() == States::EightBit;
    if eight_bit && targets(optimize, program).any(|(_, target)| target.is_quantized()) {
        let (kind, element, shape) = (Kind::OptimizerState, ElementType::Fp32, Shape::vector(256));
        for label in ["signed values of a byte", "unsigned values of a byte"] {
            let bytes = 256 * element.bytes();
            keeps(State { place: 0, dimensions: 0, kind, name: "", label, element, shape, bytes, copies: 1 });
        }
    }
    for (place, (parameter, target)) in given(optimize, program).enumerate() {
        let Target { shape, element, dimensions, copies } = target;
        let name = parameter.name;
        if optimize.master_weights {
            let (kind, label) = (Kind::MasterWeights, "FP32 copy");
            keeps(State {
                place,
                dimensions,
                kind,
                name,
                label,
                element,
                shape,
                bytes: target.stored(element),
                copies,
            });
        }
        if parameter.is_updated() || optimize.optimizer.begins_with_states() {
            each_state(optimize, &target, |label, element, bytes| {
                let kind = Kind::OptimizerState;
                keeps(State { place, dimensions, kind, name, label, element, shape, bytes, copies });
            });
        }
    }
}

/// Tells `stands` what the optimizer keeps between steps.
pub(super) fn state(
    optimize: &Optimize,
    program: &Program,
    mut stands: impl FnMut(Kind, &'static str, &'static str, ElementType, Shape, u64, u64),
) {
    each_kept(optimize, program, |State { kind, name, label, element, shape, bytes, copies, .. }| {
        stands(kind, name, label, element, shape, round(bytes), copies);
    });
}

/// The same of its states alone, in a list: each with the place and the dimensions of the weight that it is kept for.
pub(super) fn states(optimize: &Optimize, program: &Program) -> Vec<(usize, u8, Line)> {
    let mut all = Vec::new();
    each_kept(optimize, program, |kept| {
        let State { place, dimensions, kind, name: module, label, element, shape, bytes, .. } = kept;
        if kind == Kind::OptimizerState {
            all.push((place, dimensions, Line { kind, module, label, element, shape, bytes: round(bytes) }));
        }
    });
    all
}

/// Bytes that all of that stores, before the allocator rounds each tensor's up.
pub(crate) fn stored(optimize: &Optimize, program: &Program) -> u64 {
    let mut all = 0_u64;
    each_kept(optimize, program, |kept| all = all.saturating_add(kept.bytes.saturating_mul(kept.copies)));
    all
}

/// The states of one tensor: name, type and bytes of each, as it stores them.
fn each_state(optimize: &Optimize, target: &Target, mut state: impl FnMut(&'static str, ElementType, u64)) {
    let optimizer = optimize.optimizer;
    if optimizer.counts_steps_on_the_device(optimize.implementation) {
        state("step", ElementType::Fp32, ElementType::Fp32.bytes());
    }
    // Along the last dimension and along the one before it.
    let [.., height, width] = target.shape.0;
    let (rows, columns) = (target.elements() / width.max(1), target.elements() / height.max(1));
    match optimizer.states() {
        States::Tensors(names) => {
            for name in names {
                state(name, target.element, target.stored(target.element));
            }
        }
        States::Factored { element, scalar } => {
            let element = if element { ElementType::Fp32 } else { target.element };
            if target.dimensions > 1 {
                state("row statistics", element, rows * element.bytes());
                state("column statistics", element, columns * element.bytes());
            } else {
                state("variance", element, target.stored(element));
            }
            if scalar {
                state("root mean square", ElementType::Fp32, ElementType::Fp32.bytes());
            }
        }
        States::EightBit => {
            for name in ["exp_avg", "exp_avg_sq"] {
                if target.is_quantized() {
                    state(name, ElementType::Byte, target.stored(ElementType::Byte));
                    state("block statistics", ElementType::Fp32, 4 * target.elements().div_ceil(256));
                } else {
                    state(name, ElementType::Fp32, target.stored(ElementType::Fp32));
                }
            }
        }
        States::Muon => {
            let names: &[&'static str] =
                if target.dimensions == 2 { &["momentum_buffer"] } else { &["exp_avg", "exp_avg_sq"] };
            for name in names {
                state(name, target.element, target.stored(target.element));
            }
        }
        States::Values(values) => {
            let bits = signed(target.elements()).unsigned_abs().saturating_mul(target.element.bytes());
            let bytes = u128::from(bits) * u128::from(values.millionths()) / u128::from(crate::Decimal::ONE);
            state("state", target.element, u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }
}

/// Tells `change` what `clip_grad_norm_` allocates and frees.
pub(super) fn clip(program: &Program, mut change: impl FnMut(i64)) {
    let trainable = || program.parameters.iter().filter(|parameter| parameter.is_updated());
    let tensors: u64 = trainable().map(|parameter| parameter.copies).fold(0, u64::saturating_add);
    let chunks = trainable().map(|parameter| parameter.elements().div_ceil(65_536)).max().unwrap_or(0);
    let partial = signed(round(tensors.saturating_mul(chunks).saturating_mul(4)));
    let norms = signed(tensors.saturating_mul(GRANULE));
    change(partial.saturating_add(norms));
    change(-partial);
    change(-norms);
}

/// Tells `act` what happens in the step, in order. Lists of tensors come `separately`, or in one.
pub(super) fn step(optimize: &Optimize, program: &Program, separately: bool, mut act: impl FnMut(Action<'_>)) {
    let optimizer = optimize.optimizer;

    if optimize.master_weights {
        for (parameter, target) in targets(optimize, program) {
            // Cast up one by one: each gradient goes when its copy is there.
            let (wide, narrow) = (signed(target.bytes()), signed(parameter.bytes()));
            let copies = signed(target.copies) - 1;
            let (kind, label) = (Kind::Gradients, FP32_GRADIENT);
            let mut cast = |bytes: i64, tensors: &[(i64, i64)]| act(Action::Change { kind, label, bytes, tensors });
            cast((wide - narrow).saturating_mul(copies), &[(wide, copies), (narrow, -copies)]);
            cast(wide, &[(wide, 1)]);
            cast(-narrow, &[(narrow, -1)]);
        }
    }
    // Muon leaves what is no matrix (vectors, experts in one tensor) to AdamW, whose step follows.
    let muon = optimizer == Optimizer::Muon;
    if !optimizer.makes_states_in_turn() {
        act(Action::MakeStates(if muon { Begun::Matrices } else { Begun::All }));
    }
    let mut act = act;
    let list = |label: &'static str, sign: i64, act: &mut dyn FnMut(Action<'_>)| {
        let each = || {
            targets(optimize, program)
                .filter(|(_, target)| !muon || target.dimensions != 2)
                .map(|(_, target)| signed(target.bytes()).saturating_mul(signed(target.copies)).saturating_mul(sign))
        };
        if separately {
            each().for_each(|bytes| temporary(act, label, bytes));
        } else {
            temporary(act, label, each().fold(0, i64::saturating_add));
        }
    };
    match optimize.optimizer.implementation(optimize.implementation) {
        Implementation::Fused => temporary(&mut act, "fused", 0),
        Implementation::Foreach => {
            let chunk = largest_chunk(optimize, program);
            for sign in [1, -1] {
                for label in optimize.optimizer.foreach_temporaries() {
                    match chunk {
                        Some(bytes) => temporary(&mut act, label, sign * signed(bytes)),
                        None => list(label, sign, &mut act),
                    }
                }
            }
        }
        Implementation::Loop => {
            one_by_one(optimize, program, &mut act);
            if muon {
                act(Action::MakeStates(Begun::All));
                for sign in [1, -1] {
                    for label in Optimizer::AdamW.foreach_temporaries() {
                        list(label, sign, &mut act);
                    }
                }
            }
        }
    }
}

/// A tensor that the step makes for a moment, or several, come or go.
fn temporary(act: &mut dyn FnMut(Action<'_>), label: &'static str, bytes: i64) {
    let tensors = &[(bytes.saturating_abs(), bytes.signum())];
    act(Action::Change { kind: Kind::Temporary, label, bytes, tensors });
}

/// L2 cache of an H200. An A100 has 40 MiB, an H100 50, which leads to one list or to chunks in the same cases.
const CACHE: u64 = 60 << 20;

/// Bytes of the largest part of the weights that a foreach step in chunks works on at once; none where it takes all of them
/// in one list.
///
/// timm (`optim/_helpers.py`) fills chunks with as many values as let four tensors of them fit the cache, and has none where
/// that is less than 2^22: on these devices in FP32. A tensor that is larger is a chunk of its own.
fn largest_chunk(optimize: &Optimize, program: &Program) -> Option<u64> {
    let bytes_of = |target: &Target| target.bytes().saturating_mul(target.copies);
    let (_, first) = targets(optimize, program).next().filter(|_| optimize.optimizer.in_chunks())?;
    let values = CACHE / (4 * first.element.bytes());
    let most = values * first.element.bytes();
    let all = targets(optimize, program).fold(0, |sum: u64, (_, target)| sum.saturating_add(bytes_of(&target)));
    let largest = targets(optimize, program).map(|(_, target)| target.bytes()).max()?;
    (values >= 1 << 22 && all > most).then_some(most.max(largest))
}

/// What the update of one tensor allocates, in order; the first ones stay until the next tensor's are there.
#[derive(Debug, Clone, Copy, Default)]
struct Pieces {
    sizes: [u64; 6],
    count: usize,
    stay: usize,
    /// How many of those give way one by one, each to the next tensor's of its name.
    give_way: usize,
    /// The buffer in which the sums over columns are put together: ahead of everything else, or beside what stays.
    sums: Option<u64>,
    sums_last: bool,
}

impl Pieces {
    fn new(sizes: &[u64], stay: usize) -> Self {
        let mut pieces = Self { stay, ..Self::default() };
        for (slot, size) in pieces.sizes.iter_mut().zip(sizes) {
            *slot = *size;
            pieces.count += 1;
        }
        pieces
    }

    fn of(optimize: &Optimize, target: &Target) -> Self {
        let optimizer = optimize.optimizer;
        if optimizer == Optimizer::Muon {
            return muon(target);
        }
        let of_transformers = optimizer == Optimizer::AdafactorHf;
        let pieces = if of_transformers && target.element != ElementType::Fp32 {
            // The gradient and the weight in FP32 beside the two of the update.
            Self { give_way: 2, ..Self::new(&[target.of(ElementType::Fp32); 4], 3) }
        } else {
            let Loop { during, after } = optimizer.loop_temporaries();
            let [count, stay] = [during, after].map(|count| usize::try_from(count).unwrap_or(0).min(6));
            // Where all of it stays, each piece has a name of its own.
            let give_way = if stay == count { stay } else { 0 };
            Self { give_way, ..Self::new(&[target.bytes(); 6][..count], stay) }
        };
        let sums = match optimizer.states() {
            States::Factored { .. } if target.dimensions == 2 => {
                let columns = target.shape.width();
                let rows = target.elements() / columns.max(1);
                round(reduction(optimize.multiprocessors, columns, rows, false))
            }
            _ => 0,
        };
        let sums = Some(sums).filter(|sums| *sums > 0);
        Self { sums, sums_last: of_transformers, ..pieces }
    }

    fn all(&self) -> &[u64] {
        &self.sizes[..self.count]
    }

    fn giving_way(&self) -> &[u64] {
        &self.sizes[..self.give_way.min(self.count)]
    }

    fn staying(&self) -> &[u64] {
        &self.sizes[..self.stay.min(self.count)]
    }

    fn going(&self) -> &[u64] {
        &self.sizes[self.stay.min(self.count)..self.count]
    }
}

fn one_by_one(optimize: &Optimize, program: &Program, act: &mut dyn FnMut(Action<'_>)) {
    let in_turn = optimize.optimizer.makes_states_in_turn();
    let mut held = Pieces::default();
    let given = given(optimize, program).enumerate().filter(|(_, (parameter, _))| parameter.is_updated());
    let targets: Vec<_> = given.map(|(place, (_, target))| (place, target)).collect();
    // Tensors of layers that are alike come layer by layer: twice is as often as makes a difference.
    for layer in targets.chunk_by(|(_, one), (_, next)| one.copies == next.copies) {
        let times = layer[0].1.copies.min(2);
        for (place, target) in (0..times).flat_map(|_| layer) {
            if in_turn {
                act(Action::MakeStates(Begun::One(*place)));
            }
            let mut changes = |sizes: &[u64], sign: i64| {
                sizes.iter().for_each(|size| temporary(act, "update", sign * signed(*size)));
            };
            let pieces = Pieces::of(optimize, target);
            let sums = |last: bool| if pieces.sums_last == last { pieces.sums.as_slice() } else { &[] };
            for sign in [1, -1] {
                changes(sums(false), sign);
            }
            // What the tensor before left under its names goes as they are given new values.
            for place in 0..pieces.give_way {
                changes(pieces.giving_way().get(place..=place).unwrap_or(&[]), 1);
                changes(held.giving_way().get(place..=place).unwrap_or(&[]), -1);
            }
            changes(&pieces.all()[pieces.give_way..], 1);
            changes(pieces.going(), -1);
            changes(held.staying().get(held.give_way..).unwrap_or(&[]), -1);
            for sign in [1, -1] {
                changes(sums(true), sign);
            }
            held = pieces;
        }
    }
    held.staying().iter().for_each(|size| temporary(act, "update", -signed(*size)));
}

/// What Muon's orthogonalization needs for a moment, and what stays until the next tensor's.
fn muon(target: &Target) -> Pieces {
    if target.dimensions != 2 {
        return Pieces::default();
    }
    let columns = target.shape.width();
    let rows = target.elements() / columns.max(1);
    let gram = round(2 * rows.min(columns).saturating_mul(rows.min(columns)));
    let half = target.of(ElementType::Bf16);
    Pieces::new(&[target.bytes(), half, half, gram, gram], 2)
}
