//! What families do with queries and keys before attention, and attention of families that have their own.

use crate::program::build::{Output, Rule};
use crate::program::{AttentionCall, Builder, ElementType, Grad, Mask, Shape, Tensor, round};

/// What is done to the scores of [`Builder::attend_in_fp32`] before the mask is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scores {
    /// They are divided by a number.
    Scaled,
    /// `torch.where` hides what the layer's own mask hides.
    Where,
}

impl Builder {
    /// `x · table` with a table of cosines or sines that may be of a wider type.
    pub(super) fn times_table(&mut self, x: Tensor, table: ElementType) -> Tensor {
        let element = if table.bytes() > x.element.bytes() { table } else { x.element };
        // The gradient is a product in the wider type before it is cast.
        let scratch = if element == x.element { 0 } else { self.size(x.shape, element) };
        let inputs = [(x, Grad::New)];
        let rule = Rule::new("mul", &inputs, Output::Fresh(x.shape, element));
        self.run(Rule { backward_scratch: scratch, backward_factors: true, ..rule })
    }

    /// x · cos + rotate_half(x) · sin, the tables of type `table`.
    pub(crate) fn rotated(&mut self, x: Tensor, table: ElementType) -> Tensor {
        let with_cosine = self.times_table(x, table);
        let turned = self.rotated_half(x);
        let with_sine = self.times_table(turned, table);
        self.add(with_cosine, with_sine)
    }

    /// `rotate_half`: −x₂ and x₁ of the halves x₁ and x₂.
    fn rotated_half(&mut self, x: Tensor) -> Tensor {
        let half = x.shape.with_width(x.shape.width() / 2);
        self.module("", &[x], |b| {
            let first = b.slice(x, half);
            let second = b.slice(x, half);
            let negative = b.map("neg", second);
            b.local(negative);
            b.concatenate(&[negative, first], x.shape)
        })
    }

    /// The same of neighbours instead of halves: of those with even and with odd places, x₁ · cos − x₂ · sin and
    /// x₂ · cos + x₁ · sin, one behind the other.
    pub(crate) fn rotated_neighbours(&mut self, x: Tensor, table: ElementType) -> Tensor {
        let half = x.shape.with_width(x.shape.width() / 2);
        let (even, odd) = (self.slice(x, half), self.slice(x, half));
        let [first, second] = [even, odd].map(|part| self.times_table(part, table));
        let difference = self.subtract(first, second);
        let [first, second] = [odd, even].map(|part| self.times_table(part, table));
        let sum = self.add(first, second);
        self.concatenate(&[difference, sum], x.shape)
    }

    /// Queries and keys as complex numbers in FP32, times such a table: what is widened is held until both are done.
    pub(crate) fn rotated_as_complex(&mut self, both: [Tensor; 2]) -> [Tensor; 2] {
        self.module("", &both, |b| {
            let wide = both.map(|x| {
                let wide = b.to(x, ElementType::Fp32);
                b.local(wide);
                wide
            });
            wide.map(|x| {
                // The gradient must lie in pairs: a copy of it.
                let scratch = b.bytes(x);
                let turned = b.times_complex(x, scratch);
                let turned = b.to(turned, both[0].element);
                b.local(turned);
                turned
            })
        })
    }

    /// The same where both products are there before either takes the type that it had, and gradients lie in pairs.
    pub(crate) fn rotated_as_complex_at_once(&mut self, both: [Tensor; 2]) -> [Tensor; 2] {
        self.module("", &both, |b| {
            let wide = both.map(|x| {
                let wide = b.to(x, ElementType::Fp32);
                b.local(wide)
            });
            let turned = wide.map(|x| {
                let turned = b.times_complex(x, 0);
                b.local(turned)
            });
            turned.map(|turned| b.to(turned, both[0].element))
        })
    }

    /// Pairs of FP32 as complex numbers, times a table of them.
    fn times_complex(&mut self, x: Tensor, backward_scratch: u64) -> Tensor {
        let inputs = [(x, Grad::New)];
        let rule = Rule::new("mul", &inputs, Output::Fresh(x.shape, x.element));
        self.run(Rule { backward_scratch, ..rule })
    }

    /// The same of what is widened to FP32 for each of the two products, under tables of its own type.
    pub(crate) fn rotated_widened(&mut self, x: Tensor) -> Tensor {
        let table = x.element;
        let wide = self.to(x, ElementType::Fp32);
        let with_cosine = self.times_table(wide, table);
        let wide = self.to(x, ElementType::Fp32);
        let turned = self.rotated_half(wide);
        let with_sine = self.times_table(turned, table);
        self.add(with_cosine, with_sine)
    }

    /// x · cos + rotate_every_two(x) · sin under tables of their own, which the products keep.
    pub(crate) fn rotated_in_pairs(&mut self, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor {
        let with_cosine = self.multiply(x, cosine);
        let turned = self.module("", &[x], |b| {
            let half = x.shape.with_width(x.shape.width() / 2);
            let (first, second) = (b.slice(x, half), b.slice(x, half));
            let negative = b.map("neg", second);
            b.concatenate(&[negative, first], x.shape)
        });
        let with_sine = self.multiply(turned, sine);
        self.add(with_cosine, with_sine)
    }

    /// The first `rotary` elements of each head, to be rotated, and the rest.
    pub(crate) fn parted_heads(&mut self, x: Tensor, rotary: u64) -> (Tensor, Tensor) {
        let width = x.shape.width();
        let first = if rotary >= width { self.view(x, x.shape) } else { self.slice(x, x.shape.with_width(rotary)) };
        let rest = self.slice(x, x.shape.with_width(width - rotary.min(width)));
        (first, rest)
    }

    /// Both again as one head, heads before positions in memory.
    pub(crate) fn joined_heads(&mut self, rotated: Tensor, rest: Tensor) -> Tensor {
        let width = rotated.shape.width() + rest.shape.width();
        self.concatenate(&[rotated, rest], rotated.shape.with_width(width))
    }

    /// `x[..., [i], :]`: a copy; backward adds it into zeros of the size of `x`, after sorting indices.
    pub(crate) fn picked(&mut self, x: Tensor, shape: Shape) -> Tensor {
        self.run(Rule::new("index", &[(x, Grad::New)], Output::Fresh(shape, x.element)))
    }

    /// `alibi.baddbmm(q, kᵀ)`: both are kept; backward multiplies each product by alpha.
    pub(crate) fn biased_scores(&mut self, alibi: Tensor, query: Tensor, key: Tensor, shape: Shape) -> Tensor {
        let (key, query, alibi) = (self.autocast(key), self.autocast(query), self.autocast(alibi));
        let scratch = self.bytes(key);
        let inputs = [(alibi, Grad::None), (query, Grad::New), (key, Grad::New)];
        let rule = Rule::new("baddbmm", &inputs, Output::Fresh(shape, query.element));
        self.run(Rule { saved: &[query, key], matmul: true, backward_scratch: scratch, ..rule })
    }

    /// Bloom's gelu: an `autograd.Function` over operators written out, which keeps its input alone.
    pub(crate) fn bloom_gelu(&mut self, x: Tensor) -> Tensor {
        let size = self.bytes(x);
        self.module("", &[x], |b| {
            // x · 0.5 · (1 + tanh(0.8 · x · (1 + 0.04 · x · x))), from the left.
            let half = b.make("mul", x.shape, x.element);
            b.local(half);
            let outer = b.make("mul", x.shape, x.element);
            let cube = b.make("mul", x.shape, x.element);
            let cube = b.map("mul", cube);
            let sum = b.map("add", cube);
            let angle = b.map("mul", sum);
            b.release(outer);
            let bent = b.map("tanh", angle);
            let factor = b.map("add", bent);
            b.local(factor);
            let inputs = [(x, Grad::New)];
            let rule = Rule::new("GeLUFunction", &inputs, Output::Fresh(x.shape, x.element));
            b.run(Rule { saved: &[x], backward_scratch: 4 * size, backward_pieces: 4, backward_factors: true, ..rule })
        })
    }

    /// `x.reshape(batch · heads, length, size)`: a view, or a copy of what does not lie so.
    pub(crate) fn flat_heads(&mut self, x: Tensor) -> Tensor {
        if self.lies_heads_first(x) { self.view(x, x.shape) } else { self.contiguous(x, x.shape) }
    }

    /// Takes apart what a product over samples and heads has given, batch × heads × length × size: a view. Its gradient comes
    /// back by positions, and is copied unless one view merges samples and heads again.
    pub(crate) fn unflat_heads(&mut self, x: Tensor) -> Tensor {
        let [batch, heads, length, _] = x.shape.0;
        let merges = batch == 1 || heads == 1 || length == 1;
        if merges { self.view(x, x.shape) } else { self.view_copied_back(x, x.shape) }
    }

    /// Whether batch and heads are one dimension in memory, as of one sample, one head, one token and in the cache. A
    /// projection leaves heads behind positions.
    pub(super) fn lies_heads_first(&self, x: Tensor) -> bool {
        let [batch, heads, length, _] = x.shape.0;
        batch == 1 || heads == 1 || length == 1 || self.is_cached(x)
    }

    /// Falcon's own attention: the scale in place, softmax in the type of the hidden states.
    pub(crate) fn falcon_scores(&mut self, call: AttentionCall, softmax: ElementType) -> Tensor {
        let AttentionCall { query, key, value, mask, .. } = call;
        let [batch, heads, length, _] = query.shape.0;
        let (there, width) = (key.shape.0[2], value.shape.width());
        let shape = Shape([batch, heads, length, there]);
        let key = self.repeat_heads(key, heads);
        let value = self.repeat_heads(value, heads);
        let (key, query) = (self.autocast(key), self.autocast(query));
        let (query, key) = (self.flat_heads(query), self.flat_heads(key));
        let scores = self.batched_matmul(query, key, shape);
        self.local(scores);
        let scores = self.run(Rule::new("div_", &[(scores, Grad::New)], Output::View(scores, shape)));
        let masked = match mask {
            Mask::Tensor(mask) => self.add_constant(scores, mask),
            Mask::Full | Mask::Causal => scores,
        };
        let masked = self.to(masked, softmax);
        let weights = self.softmax(masked);
        self.local(weights);
        self.attention_weights = Some(weights);
        let value = self.autocast(value);
        let weights = self.autocast(weights);
        let value = self.flat_heads(value);
        let context = self.batched_matmul(weights, value, Shape([batch, heads, length, width]));
        self.contiguous(context, Shape::of3(batch, length, heads * width))
    }

    /// GPT-J's and GPT-Neo's own attention: queries and keys in FP32, weights in the type of the values; the result, and
    /// the weights. Autocast casts back for the product what was widened.
    pub(crate) fn attend_in_fp32(&mut self, call: AttentionCall, scores: Scores) -> (Tensor, Tensor) {
        let AttentionCall { query, key, value, .. } = call;
        let [batch, heads, length, _] = query.shape.0;
        let weights_shape = Shape([batch, heads, length, key.shape.0[2]]);
        let [query_first, key_first, value_first] = [query, key, value].map(|x| self.lies_heads_first(x));
        self.module("attention", &[query, key, value], |b| {
            let (query, key) = (b.to(query, ElementType::Fp32), b.to(key, ElementType::Fp32));
            b.local(query);
            b.local(key);
            let (key, query) = (b.autocast(key), b.autocast(query));
            let (query, key) = (b.heads_first(query, query_first), b.heads_first(key, key_first));
            let product = b.batched_matmul(query, key, weights_shape);
            let masked = match scores {
                Scores::Scaled => b.scale(product),
                Scores::Where => {
                    let least = b.make("tensor", Shape::SCALAR, product.element);
                    b.local(least);
                    b.map("where", product)
                }
            };
            let masked = match call.mask {
                Mask::Tensor(mask) => b.add_constant(masked, mask),
                Mask::Full | Mask::Causal => masked,
            };
            let weights = b.softmax_in_fp32(masked);
            let weights = b.to(weights, value.element);
            let weights = b.dropout(weights, call.dropout);
            b.local(weights);
            let value = b.autocast(value);
            let factor = b.autocast(weights);
            let value = b.heads_first(value, value_first);
            let context = b.batched_matmul(factor, value, Shape([batch, heads, length, value.shape.width()]));
            let context = b.unflat_heads(context);
            let joined = Shape::of3(batch, length, heads * value.shape.width());
            let context = if length == 1 { b.view(context, joined) } else { b.contiguous(context, joined) };
            (context, weights)
        })
    }

    /// A view where heads lie first, otherwise a copy in which they do.
    fn heads_first(&mut self, x: Tensor, lies_so: bool) -> Tensor {
        if lies_so { self.view(x, x.shape) } else { self.contiguous(x, x.shape) }
    }

    /// OLMo's norm: a layer norm without weights, in FP32.
    pub(crate) fn plain_layer_norm(&mut self, x: Tensor) -> Tensor {
        self.module("", &[x], |b| {
            let wide = b.to(x, ElementType::Fp32);
            let normal = b.layer_norm(wide, None, None);
            b.to(normal, x.element)
        })
    }

    /// `x.clamp(…)`: keeps its input.
    pub(crate) fn clamp(&mut self, x: Tensor) -> Tensor {
        let inputs = [(x, Grad::New)];
        let rule = Rule::new("clamp", &inputs, Output::Fresh(x.shape, x.element));
        // The mask of what is within the limits.
        let scratch = round(x.shape.elements().unwrap_or(0));
        self.run(Rule { saved: &[x], backward_scratch: scratch, ..rule })
    }

    /// `x.masked_fill_(mask, …)`: keeps the mask.
    pub(crate) fn masked_fill_in_place(&mut self, x: Tensor, mask: Tensor) -> Tensor {
        let inputs = [(x, Grad::New), (mask, Grad::None)];
        let rule = Rule::new("masked_fill_", &inputs, Output::View(x, x.shape));
        self.run(Rule { saved: &[mask], ..rule })
    }

    /// `x.masked_fill(mask, …)`: keeps the mask.
    pub(crate) fn masked_fill(&mut self, x: Tensor, mask: Tensor) -> Tensor {
        let inputs = [(x, Grad::New), (mask, Grad::None)];
        let rule = Rule::new("masked_fill", &inputs, Output::Fresh(x.shape, x.element));
        self.run(Rule { saved: &[mask], ..rule })
    }

    /// `x.clamp_(…)`: autograd keeps a copy of what was there.
    pub(crate) fn clamp_in_place(&mut self, x: Tensor) -> Tensor {
        let inputs = [(x, Grad::New)];
        let rule = Rule::new("clamp_", &inputs, Output::View(x, x.shape));
        // The mask of what is within the limits.
        let scratch = round(x.shape.elements().unwrap_or(0));
        self.run(Rule { statistics: &[(x.shape, x.element)], backward_scratch: scratch, ..rule })
    }
}
