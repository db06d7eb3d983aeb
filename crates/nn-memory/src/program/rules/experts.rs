//! Mixtures of experts: routing to the top k, and the experts' matrix products over sorted rows.

use crate::architecture::Activation;
use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};
use crate::{Decimal, Lora, Refusal};

/// A mixture of gated experts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Experts {
    pub(crate) count: u64,
    pub(crate) per_token: u64,
    pub(crate) hidden: u64,
    pub(crate) intermediate: u64,
    pub(crate) activation: Activation,
    /// Whether the weights of the chosen experts are made to sum to one.
    pub(crate) normalized: bool,
    /// Whether these weights are cast to the type of the router's logits: else they, and all rows with them, are FP32 (Mixtral).
    pub(crate) narrowed: bool,
    /// The names by which peft adapts them; without any it adapts none of them.
    pub(crate) targets: Option<ExpertTargets>,
}

/// Names of the layers that experts had before transformers stacked their weights, by which peft still adapts these
/// (`_MOE_TARGET_MODULE_MAPPING` of peft 0.21): the router is its `gate`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ExpertTargets {
    gate_up: [&'static str; 2],
    down: &'static str,
}

impl ExpertTargets {
    pub(crate) const MIXTRAL: Self = Self { gate_up: ["w1", "w3"], down: "w2" };
    pub(crate) const QWEN: Self = Self { gate_up: ["gate_proj", "up_proj"], down: "down_proj" };
}

/// One of the weights of all experts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stack {
    weight: Tensor,
    /// What an adapter adds to it is their product.
    factors: Option<[Tensor; 2]>,
}

/// Rows of tokens by the experts that they were sent to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sorted {
    /// The expert of each.
    pub(super) experts: Tensor,
    pub(super) rows: Tensor,
    /// The weight of each.
    weights: Tensor,
    /// Where the rows of each expert end.
    pub(super) offsets: Tensor,
    /// Which rows no expert here takes.
    pub(super) mask: Tensor,
}

/// Values that `torch.sort` takes in one block of threads.
const SORTED_AT_ONCE: u64 = 4_096;

/// Bytes beside the results in which `torch.sort` sorts more 64-bit integers: CUB's radix sort has keys and places once more,
/// 256 counters for each tile of 4,608 values, and the histograms of eight digits. Read off the allocator's history under
/// torch 2.11 for 4,097 to 1,000,000 values.
fn sort_scratch(values: u64) -> u64 {
    let once_more = values.saturating_mul(8).checked_next_multiple_of(256).unwrap_or(values);
    let counters = values.div_ceil(4_608).saturating_mul(1_024);
    once_more.saturating_mul(2).saturating_add(counters).saturating_add(16_895)
}

impl Builder {
    /// Routing and experts over rows of tokens.
    pub(crate) fn experts(&mut self, x: Tensor, experts: Experts) -> Tensor {
        let Experts { count, per_token, hidden, .. } = experts;
        let tokens = x.shape.elements().unwrap_or(0) / hidden.max(1);
        let router = self.parameter("gate", Shape::matrix(count, hidden), 2);
        let weights_of_experts = self.weights_of_experts(&experts);
        let returned = self.module("gate", &[x], |b| {
            let router = b.adapted_router(router, experts.targets);
            let flat = b.view(x, Shape::matrix(tokens, hidden));
            let logits = b.matmul(flat, router, None, count);
            let probabilities = if experts.narrowed {
                b.softmax_in_fp32(logits)
            } else {
                let wide = b.to(logits, ElementType::Fp32);
                b.softmax(wide)
            };
            let (weights, places) = b.top_k(probabilities, per_token, experts.normalized);
            [logits, if experts.narrowed { b.to(weights, logits.element) } else { weights }, places]
        });
        let [_, weights, _] = returned.map(|tensor| self.local(tensor));
        self.module("", &[], |b| {
            let weights_of_experts = b.adapted_stacks(weights_of_experts, experts.targets);
            b.grouped_experts(x, weights, weights_of_experts, &experts)
        })
    }

    /// The experts' own weights, stacked.
    pub(crate) fn weights_of_experts(&mut self, experts: &Experts) -> [Stack; 2] {
        let Experts { count, hidden, intermediate, .. } = *experts;
        let gate_up = self.parameter("experts.gate_up_proj", Shape::of3(count, 2 * intermediate, hidden), 3);
        let down = self.parameter("experts.down_proj", Shape::of3(count, hidden, intermediate), 3);
        [gate_up, down].map(|weight| Stack { weight, factors: None })
    }

    /// What peft makes of adapters on experts whose weights are stacked (`_convert_peft_config_moe`, `ParamWrapper`): those
    /// of all experts side by side in two matrices, gates and what they let through taken together.
    pub(crate) fn adapted_stacks(&mut self, stacks: [Stack; 2], targets: Option<ExpertTargets>) -> [Stack; 2] {
        let (Some(lora), Some(targets)) = (self.lora, targets) else { return stacks };
        let [gate_up, down] = stacks;
        [
            self.adapted_stack(gate_up, targets.gate_up, 2 * lora.rank, &lora),
            self.adapted_stack(down, [targets.down; 2], lora.rank, &lora),
        ]
    }

    /// The router's weight with what its adapter adds, `W + B(A) · scaling` (`ParamWrapper` of two dimensions).
    pub(crate) fn adapted_router(&mut self, router: Tensor, targets: Option<ExpertTargets>) -> Tensor {
        let lora = self.lora.filter(|lora| targets.is_some() && lora.targets.contains("gate"));
        let Some(lora) = lora else { return router };
        let [_, _, count, hidden] = router.shape.0;
        let element = self.adapter_element(&lora);
        let low = self.parameter_of("gate", Shape::matrix(lora.rank, hidden), 2, element, true);
        let high = self.parameter_of("gate", Shape::matrix(count, lora.rank), 2, element, true);
        let product = self.matmul(high, low, None, hidden);
        let scaled = self.scale(product);
        let added = self.to(scaled, router.element);
        self.local(added);
        let whole = self.add(router, added);
        self.local(whole)
    }

    /// The same of one of them, where all `names` are targets: its two matrices are told by these.
    fn adapted_stack(&mut self, stack: Stack, names: [&'static str; 2], rank: u64, lora: &Lora) -> Stack {
        match names.map(|name| lora.targets.contains(name)) {
            [true, true] => {}
            [false, false] => return stack,
            _ => {
                self.refuses_adapters(Refusal::Apart(names));
                return stack;
            }
        }
        if lora.dropout != Decimal::whole(0) {
            self.refuses_adapters(Refusal::Dropout);
        }
        let [_, count, output, input] = stack.weight.shape.0;
        let (element, ranks) = (self.adapter_element(lora), rank.saturating_mul(count));
        let low = self.parameter_of(names[0], Shape::matrix(ranks, input), 2, element, true);
        let high = self.parameter_of(names[1], Shape::matrix(output, ranks), 2, element, true);
        let low = self.view(low, Shape::of3(count, rank, input));
        let high = self.view_copied_back(high, Shape::of3(count, output, rank));
        let factors = [high, low].map(|factor| self.to(factor, stack.weight.element));
        Stack { factors: Some(factors), ..stack }
    }

    /// The stacked weights with what adapters add to them, `torch.baddbmm` outside of autocast.
    fn whole_stack(&mut self, Stack { weight, factors }: Stack) -> Tensor {
        let Some(factors) = factors else { return weight };
        let [high, low] = factors;
        // The kernel takes a copy of what does not lie row by row.
        let copied = self.bytes(high);
        let whole = self.bytes(weight);
        self.writes_out(whole);
        let scaled = self.bytes(low);
        let inputs = [(weight, Grad::None), (low, Grad::New), (high, Grad::New)];
        let rule = Rule::new("baddbmm", &inputs, Output::Fresh(weight.shape, weight.element));
        let saved = [low, high];
        self.run(Rule {
            saved: &saved,
            forward_scratch: copied,
            backward_scratch: scaled.max(copied),
            matmul: true,
            ..rule
        })
    }

    /// Experts over rows of tokens, each with those that it was sent to, by grouped matrix products
    /// (`grouped_mm_experts_forward`).
    pub(crate) fn grouped_experts(
        &mut self,
        x: Tensor,
        weights: Tensor,
        [gate_up, down]: [Stack; 2],
        experts: &Experts,
    ) -> Tensor {
        let Experts { count, per_token, hidden, .. } = *experts;
        self.module("experts", &[x, weights], |b| {
            let sorted = b.sorted_by_expert(x, weights, count, per_token);
            let Sorted { offsets, mask, .. } = sorted;
            let rows = b.masked_fill_in_place(sorted.rows, mask);
            let gate_up = b.whole_stack(gate_up);
            b.local(gate_up);
            let both = b.grouped_matmul(rows, (gate_up, Grad::NewView), offsets, 2 * experts.intermediate);
            let both = b.masked_fill(both, mask);
            let half = b.split(both, &[experts.intermediate, experts.intermediate]);
            let product = b.module("", &half, |b| {
                let gate = b.activation(experts.activation, half[0]);
                b.multiply(gate, half[1])
            });
            let down = b.whole_stack(down);
            b.local(down);
            let out = b.grouped_matmul(product, (down, Grad::NewView), offsets, hidden);
            let out = b.masked_fill(out, mask);
            b.local(out);
            b.summed_by_token(out, sorted, x)
        })
    }

    /// Rows of tokens `x`, each once for every expert that it was sent to, those of one expert together; the caller's frame
    /// holds them and what they were sorted by.
    pub(super) fn sorted_by_expert(&mut self, x: Tensor, weights: Tensor, count: u64, per_token: u64) -> Sorted {
        let hidden = x.shape.width();
        let tokens = x.shape.elements().unwrap_or(0) / hidden.max(1);
        let rows = tokens.saturating_mul(per_token);
        let (index, int32, int64) = (Shape::vector(rows), ElementType::Int32, ElementType::Int64);
        let experts = self.make("sort", index, int64);
        self.local(experts);
        let permutation = self.make("sort", index, int64);
        self.local(permutation);
        let places = self.make("sort", index, int64);
        if rows > SORTED_AT_ONCE {
            self.make("sort", Shape::vector(sort_scratch(rows)), ElementType::Byte);
        }
        self.release(places);
        let of_tokens = self.make("floor_divide", index, int64);
        let gathered = self.gather(x, Shape::matrix(rows, hidden), of_tokens);
        self.local(gathered);
        let weights = self.gather(weights, Shape::matrix(rows, 1), permutation);
        self.local(weights);
        let bins = self.make("to", index, int32);
        self.local(bins);
        let offsets = self.make("cumsum", Shape::vector(count), int32);
        self.local(offsets);
        let mask = self.make("sentinels", Shape::matrix(rows, 1), ElementType::Byte);
        self.local(mask);
        Sorted { experts, rows: gathered, weights, offsets, mask }
    }

    /// What experts made of sorted rows, weighted, in the order of the tokens `x` again and summed over each one's.
    pub(super) fn summed_by_token(&mut self, out: Tensor, sorted: Sorted, x: Tensor) -> Tensor {
        let (rows, index) = (out.shape, Shape::vector(out.shape.elements().unwrap_or(0) / out.shape.width().max(1)));
        let weighted = self.multiply(out, sorted.weights);
        let inverse = self.make("inverse permutation", index, ElementType::Int64);
        self.local(inverse);
        let places = self.make("arange", index, ElementType::Int64);
        self.release(places);
        let ordered = self.gather(weighted, rows, inverse);
        self.local(ordered);
        let width = x.shape.width();
        let tokens = Shape::matrix(x.shape.elements().unwrap_or(0) / width.max(1), width);
        // Backward writes the sum's gradient out for each of the k.
        let sum = self.run(Rule::new("sum", &[(ordered, Grad::New)], Output::Fresh(tokens, ordered.element)));
        self.to(sum, x.element)
    }

    /// `x[index]`: backward adds into zeros, sorting the index.
    pub(super) fn gather(&mut self, x: Tensor, shape: Shape, index: Tensor) -> Tensor {
        let scratch = 5 * self.bytes(index);
        let inputs = [(x, Grad::New), (index, Grad::None)];
        let rule = Rule::new("index", &inputs, Output::Fresh(shape, x.element));
        self.run(Rule { saved: &[index], backward_scratch: scratch, ..rule })
    }

    /// `torch.nn.functional.grouped_mm`: each row times its expert's weight, as it lies or transposed by a view, which its
    /// gradient passes on its way back.
    pub(super) fn grouped_matmul(
        &mut self,
        x: Tensor,
        (weight, of_weight): (Tensor, Grad),
        offsets: Tensor,
        output: u64,
    ) -> Tensor {
        // No operator of autocast's lists: it runs in the type of the weights.
        let x = self.to(x, weight.element);
        let all = [x, offsets, weight];
        let saved = match (weight.requires_grad, x.requires_grad) {
            (true, true) => &all[..],
            (true, false) => &all[..2],
            (false, true) => &all[1..],
            (false, false) => &[],
        };
        let inputs = [(weight, of_weight), (x, Grad::New)];
        let rule = Rule::new("grouped_mm", &inputs, Output::Fresh(x.shape.with_width(output), x.element));
        // The kernel of Hopper has what describes tensors in device memory, 512 B for each multiprocessor.
        let scratch = if x.element == ElementType::Bf16 { 512 * self.mode.multiprocessors.count } else { 0 };
        self.run(Rule { saved, matmul: true, forward_scratch: scratch, backward_scratch: scratch, ..rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_takes_what_the_history_says() {
        for (values, bytes) in [
            (4_097, 83_967),
            (6_000, 115_199),
            (8_192, 150_015),
            (24_576, 416_255),
            (100_000, 1_639_423),
            (1_000_000, 16_240_127),
        ] {
            assert_eq!(sort_scratch(values), bytes, "{values}");
        }
    }
}
