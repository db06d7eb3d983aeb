//! Attention: written out, or by one of the kernels of `scaled_dot_product_attention`.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Role, Shape, Tensor};
use crate::{Attention, Decimal};

use super::reduce::key_splits;

/// What attention is given besides queries, keys and values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttentionCall {
    /// Queries: batch × heads × length × head size.
    pub(crate) query: Tensor,
    /// Keys: batch × key-value heads × length × head size.
    pub(crate) key: Tensor,
    /// Values, as keys.
    pub(crate) value: Tensor,
    pub(crate) mask: Mask,
    pub(crate) dropout: Decimal,
    /// How the code that is written out takes the softmax.
    pub(crate) softmax: Softmax,
    /// Whether scores are capped by a tanh.
    pub(crate) softcap: bool,
    /// Whether queries lie in memory as the projections left them, batch × length × heads × size: the flash kernel
    /// lays out its result likewise.
    pub(crate) projected: bool,
}

/// How attention that is written out makes weights of scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Softmax {
    /// As it comes: in the scores' type, in FP32 under autocast.
    Own,
    /// The same, then in the type of the values.
    AsValues,
    /// In FP32 whatever the type, then in that of the queries.
    Wide,
    /// In the scores' type beside one more score, which each head learns and nothing is attended for; then in the type of
    /// the values.
    BesideSinks(Tensor),
}

/// Which positions are hidden.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mask {
    /// None.
    Full,
    /// Later ones: kernels know this without a tensor.
    Causal,
    /// Those of a tensor.
    Tensor(Tensor),
}

/// What a layer's key-value cache holds before the pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cache {
    /// Tokens whose keys and values stand.
    pub(crate) tokens: u64,
    /// Tokens that each sees, itself among them, where the layer has a sliding window.
    pub(crate) window: Option<u64>,
}

/// A kernel of `scaled_dot_product_attention`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    Flash,
    Efficient,
    Math,
}

/// How the factors of the fallback's products come to lie heads first.
#[derive(Debug, Clone, Copy)]
enum Layout {
    /// As many heads on both sides: some are copied.
    Copied(Copied),
    /// One key-value head, which the products spread over all queries.
    Spread,
    /// Queries, keys and values lie length × batch × heads × size: heads of all samples follow one another.
    Merged,
}

/// Which factors do not lie heads first, so that a batched product copies them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copied {
    pub(super) query: bool,
    pub(super) key: bool,
    pub(super) value: bool,
}

impl AttentionCall {
    fn heads(&self) -> u64 {
        self.query.shape.0[1]
    }

    fn grouped(&self) -> bool {
        self.key.shape.0[1] != self.heads()
    }

    /// Which kernel PyTorch picks of those that are allowed.
    pub(crate) fn kernel(&self, attention: Attention) -> Kernel {
        let half = self.query.element.is_half();
        let mask = matches!(self.mask, Mask::Tensor(_));
        let (wide, same) = (self.query.shape.width(), self.query.shape.width() == self.value.shape.width());
        let flash = half && !mask && wide <= 256 && same;
        let efficient = !self.grouped();
        match attention {
            Attention::Sdpa | Attention::SdpaFlash if flash => Kernel::Flash,
            Attention::Sdpa | Attention::SdpaEfficient if efficient => Kernel::Efficient,
            _ => Kernel::Math,
        }
    }
}

/// A head's width as the flash kernels pad it.
fn padded_width(width: u64) -> u64 {
    width.next_multiple_of(if width <= 128 { 32 } else { 64 })
}

/// Bytes of a head's gradients that the memory-efficient kernel sums in FP32 (`kernel_backward.h`): the queries' in tiles,
/// each with a lock and a counter, 16 bytes; in half types keys' and values' too where `widths` are large. `lengths` of
/// queries and keys, `widths` of queries and values.
const fn summed_per_head(half: bool, lengths: [u64; 2], widths: [u64; 2]) -> u64 {
    let wide = if widths[0] > widths[1] { widths[0] } else { widths[1] };
    let (rows, columns) = match (half, wide) {
        (_, 0..=64) => (64, 64),
        (true, 65..=128) => (128, 128),
        _ => (128, 64),
    };
    let tiles = lengths[0].div_ceil(rows).saturating_mul(widths[0].div_ceil(columns));
    let of_queries = tiles.saturating_mul(4 * rows * columns + 16);
    if !half || wide <= 128 {
        return of_queries;
    }
    let columns = widths[0].next_multiple_of(128) + widths[1].next_multiple_of(128);
    of_queries.saturating_add(lengths[1].next_multiple_of(64).saturating_mul(4 * columns))
}

impl Builder {
    /// Attention over heads; the result is batch × length × width.
    pub(crate) fn attend(&mut self, call: AttentionCall) -> Tensor {
        self.attend_by(call, self.attention)
    }

    /// The same, done in this way.
    pub(crate) fn attend_by(&mut self, call: AttentionCall, attention: Attention) -> Tensor {
        let arguments = [call.query, call.key, call.value];
        self.module("attention", &arguments, |b| match attention {
            Attention::Eager => b.eager(call),
            kernel => b.scaled_dot_product(call, kernel),
        })
    }

    fn scaled_dot_product(&mut self, mut call: AttentionCall, attention: Attention) -> Tensor {
        let layout = Layout::Copied(self.copied(&call));
        if let Mask::Tensor(_) = call.mask {
            // transformers lets the kernels group heads only where there is no mask.
            let heads = call.heads();
            call.key = self.repeat_heads(call.key, heads);
            call.value = self.repeat_heads(call.value, heads);
            // Its frame holds both until the kernel returns.
            self.local(call.key);
            self.local(call.value);
        }
        self.by_kernel(call, layout, attention)
    }

    /// A projection as heads that go into attention as they are, beside so many heads of queries. The kernels hand back
    /// gradients by positions; the products of attention that is written out and of the fallback hand them back heads first,
    /// as do sums over heads that were repeated, so that they are copied. `keys` get theirs transposed, which of one sample one
    /// view brings together.
    pub(crate) fn split_heads(
        &mut self,
        projected: Tensor,
        shape: Shape,
        heads: u64,
        mask: Mask,
        keys: bool,
    ) -> Tensor {
        let element = self.mode.autocast.unwrap_or(projected.element);
        let key = Tensor { shape, element, ..projected };
        let [batch, own, length, width] = shape.0;
        let query = Tensor { shape: Shape([batch, heads, length, width]), ..key };
        let (dropout, softmax) = (crate::Decimal::whole(0), Softmax::Own);
        let call = AttentionCall { query, key, value: key, mask, dropout, softmax, softcap: false, projected: true };
        let first = match self.attention {
            Attention::Eager => true,
            attention => {
                let repeated = call.grouped() && matches!(mask, Mask::Tensor(_));
                repeated || call.kernel(attention) == Kernel::Math
            }
        };
        // One head alone, or one position, lies in both orders.
        let transposed = keys && batch == 1 && own == heads;
        if first && own > 1 && length > 1 && !transposed {
            self.view_copied_back(projected, shape)
        } else {
            self.view(projected, shape)
        }
    }

    /// The same with one key-value head for all queries, which no kernel takes: the fallback's products spread it.
    pub(crate) fn attend_one_head(&mut self, call: AttentionCall) -> Tensor {
        let arguments = [call.query, call.key, call.value];
        self.module("attention", &arguments, |b| b.by_kernel(call, Layout::Spread, Attention::SdpaMath))
    }

    /// `nn.MultiheadAttention`'s use of it: queries, keys and values of one projection, length × batch × width. So does
    /// the result lie, which only the flash kernel need not copy for that; and so do gradients.
    pub(crate) fn attend_length_first(&mut self, parts: [Tensor; 3], shape: Shape, dropout: Decimal) -> Tensor {
        let attention = self.attention.fused();
        let [query, key, value] = parts.map(|part| Tensor { shape, ..part });
        let (mask, softmax) = (Mask::Full, Softmax::Own);
        let call = AttentionCall { query, key, value, mask, dropout, softmax, softcap: false, projected: true };
        let kernel = call.kernel(attention);
        let many = shape.0[0] > 1;
        // Views to heads of all samples, then to samples; which gradients come back through them only as copies.
        let copied = match kernel {
            Kernel::Flash => [[false; 3]; 2],
            Kernel::Efficient => [[many; 3]; 2],
            // The product hands back the keys' gradient transposed.
            Kernel::Math => [[true, false, true], [false; 3]],
        };
        let mut parts = parts;
        for copied in copied {
            for (part, copied) in parts.iter_mut().zip(copied) {
                *part = if copied { self.view_copied_back(*part, shape) } else { self.view(*part, shape) };
            }
        }
        let [query, key, value] = parts;
        let call = AttentionCall { query, key, value, ..call };
        let context = self.module("attention", &parts, |b| b.by_kernel(call, Layout::Merged, attention));
        if kernel == Kernel::Efficient && many { self.contiguous(context, context.shape) } else { context }
    }

    /// `_native_multi_head_attention` where no kernel applies: the projection with its bias heads first, scores, and the
    /// result, which takes the place of the queries until it is transposed.
    pub(crate) fn native_attention(&mut self, product: Tensor, shape: Shape) -> Tensor {
        let [batch, heads, length, width] = shape.0;
        let made = |b: &mut Self, of: Tensor, shape: Shape| {
            b.run(Rule::new("native attention", &[(of, Grad::None)], Output::Fresh(shape, of.element)))
        };
        let parts = made(self, product, product.shape);
        self.local(parts);
        made(self, parts, Shape([batch, heads, length, length]));
        made(self, parts, Shape::of3(batch, length, heads * width))
    }

    fn by_kernel(&mut self, mut call: AttentionCall, layout: Layout, attention: Attention) -> Tensor {
        let (output, kernel) = self.module("", &[], |b| {
            if b.mode.autocast.is_some() {
                // Autocast calls the function on its copies, and holds them meanwhile.
                if let Mask::Tensor(added) = &mut call.mask
                    && added.element != ElementType::Byte
                {
                    *added = b.autocast(*added);
                    b.local(*added);
                }
                for tensor in [&mut call.value, &mut call.key, &mut call.query] {
                    *tensor = b.autocast(*tensor);
                    b.local(*tensor);
                }
            }
            let kernel = call.kernel(attention);
            let output = match kernel {
                Kernel::Flash => b.flash(call, layout),
                Kernel::Efficient => b.efficient(call, layout),
                Kernel::Math => {
                    // The function as a whole is one of autocast's; its own operators run as they are called.
                    let autocast = b.mode.autocast.take();
                    let output = b.math(call, layout);
                    b.mode.autocast = autocast;
                    output
                }
            };
            (output, kernel)
        });
        let [batch, heads, length, width] = output.shape.0;
        let copied = match kernel {
            Kernel::Flash => !call.projected && length > 1,
            Kernel::Efficient => false,
            Kernel::Math => true,
        };
        if copied { self.contiguous(output, Shape::of3(batch, length, heads * width)) } else { self.joined(output) }
    }

    /// batch × heads × length × size, as the kernels lay it out, to batch × length × width.
    fn joined(&mut self, output: Tensor) -> Tensor {
        let [batch, heads, length, width] = output.shape.0;
        self.view(output, Shape::of3(batch, length, heads * width))
    }

    /// Bytes that a kernel's backward copies of each tensor that does not lie as its own results do.
    fn copied_in_backward(&mut self, call: &AttentionCall, layout: Layout) -> u64 {
        match layout {
            Layout::Merged if call.query.shape.0[0] > 1 => self.bytes(call.query),
            _ => 0,
        }
    }

    fn flash(&mut self, call: AttentionCall, layout: Layout) -> Tensor {
        let AttentionCall { query, key, value, .. } = call;
        let [batch, heads, length, width] = query.shape.0;
        let rounded = length.next_multiple_of(128);
        let accumulator = self.size(Shape([batch, heads, rounded, padded_width(width)]), ElementType::Fp32);
        let delta = self.size(Shape([batch, heads, rounded, 1]), ElementType::Fp32);
        let splits = self.split_scratch(&call);
        // Of keys and of values, or of the gradient and the output.
        let copied = if call.grouped() {
            let there = key.shape.0[2];
            self.size(Shape([batch, heads, there, width]), query.element)
        } else {
            self.copied_in_backward(&call, layout)
        };
        // Queries that lie heads first have an output that does, too: backward takes it by positions.
        let behind = !call.projected && heads > 1 && length > 1;
        let backward_copy = if behind { self.bytes(query) } else { 0 };
        let inputs = [(query, Grad::NewView), (key, Grad::NewView), (value, Grad::NewView)];
        let rule = Rule::new("flash attention", &inputs, Output::Fresh(query.shape, query.element));
        self.run(Rule {
            saved: &[query, key, value],
            saves_output: true,
            statistics: &[
                (Shape([batch, heads, length, 1]), ElementType::Fp32),
                (Shape::vector(2), ElementType::Int64),
                (Shape::SCALAR, ElementType::Int64),
            ],
            forward_scratch: splits,
            backward_copy,
            backward_parts: [delta, accumulator, copied, copied],
            ..rule
        })
    }

    /// Parts of the output that flash attention keeps in FP32 where it splits the keys: never with dropout.
    fn split_scratch(&mut self, call: &AttentionCall) -> u64 {
        let [batch, heads, length, width] = call.query.shape.0;
        if self.mode.training && call.dropout != Decimal::whole(0) {
            return 0;
        }
        let (kv_heads, there) = (call.key.shape.0[1], call.key.shape.0[2]);
        // One query over grouped heads: groups take the place of queries.
        let (rows, queries) = match length {
            1 if kv_heads < heads && width % 8 == 0 => (kv_heads, heads / kv_heads.max(1)),
            _ => (heads, length),
        };
        let block = match width {
            0..=64 => 256,
            65..=128 => 128,
            _ => 64,
        };
        let work = batch.saturating_mul(rows).saturating_mul(queries.div_ceil(64));
        let splits = key_splits(self.mode.multiprocessors, work.min(1 << 20), there.div_ceil(block));
        if splits <= 1 {
            return 0;
        }
        self.size(Shape([splits, batch * rows, queries, 1]), ElementType::Fp32)
            + self.size(Shape([splits, batch * rows, queries, padded_width(width)]), ElementType::Fp32)
    }

    fn efficient(&mut self, call: AttentionCall, layout: Layout) -> Tensor {
        let AttentionCall { query, key, value, mask, .. } = call;
        let copied = self.copied_in_backward(&call, layout);
        let [batch, heads, length, width] = query.shape.0;
        let there = key.shape.0[2];
        let fp32 = ElementType::Fp32;
        let mask = match mask {
            Mask::Tensor(mask) if mask.element == query.element && there.is_multiple_of(8) => Some(mask),
            Mask::Tensor(mask) if mask.element == query.element && mask.requires_grad => {
                // What is learned is padded likewise, and cut to a view; so is its gradient.
                let padded = self.pad(mask, mask.shape.with_width(there.next_multiple_of(8)));
                let cut = self.slice(padded, mask.shape);
                Some(self.local(cut))
            }
            Mask::Tensor(mask) => {
                // The kernel takes the mask in the type of the queries, its rows aligned to eight elements. What
                // tells which positions count is spread over the samples before.
                let [samples, per_head, ..] = mask.shape.0;
                let samples = if mask.element == ElementType::Byte { batch } else { samples };
                let shape = Shape([samples, per_head, length, there.next_multiple_of(8)]);
                let cast = self.make("mask", shape, query.element);
                self.touch_only(mask);
                Some(self.local(cast))
            }
            Mask::Full | Mask::Causal => None,
        };
        let delta = self.size(Shape([batch, heads, length, 1]), fp32);
        let shape = query.shape.with_width(value.shape.width());
        let split = query.element.is_half() && width.max(value.shape.width()) > 128;
        let per_head = summed_per_head(query.element.is_half(), [length, there], [width, value.shape.width()]);
        let summed = self.size(Shape::of3(batch, heads, per_head), ElementType::Byte);
        // In FP32 what is summed over a head goes before the kernel runs.
        let product = if query.element.is_half() { 0 } else { self.size(shape, fp32) };
        let forward_scratch = if split { self.size(shape, fp32) } else { 0 };
        let mut inputs = vec![(query, Grad::NewView), (key, Grad::NewView), (value, Grad::NewView)];
        let mut of_mask = 0;
        if let Some(mask) = mask.filter(|mask| mask.requires_grad) {
            inputs.push((mask, Grad::New));
            // In full, then summed to the mask's shape.
            of_mask = self.size(Shape([batch, heads, length, there.next_multiple_of(16)]), query.element);
        }
        let rule = Rule::new("efficient attention", &inputs, Output::Fresh(shape, query.element));
        let all = [query, key, value, mask.unwrap_or(query)];
        self.run(Rule {
            saved: if mask.is_some() { &all } else { &all[..3] },
            saves_output: true,
            statistics: &[(Shape([batch, heads, length.next_multiple_of(32), 1]), fp32)],
            forward_scratch,
            backward_scratch: product,
            backward_parts: [delta, summed, of_mask, copied],
            ..rule
        })
    }

    /// What the fallback copies of this call. Repeated heads are a copy already, and so is what was cast while it was
    /// expanded from one.
    pub(super) fn copied(&self, call: &AttentionCall) -> Copied {
        let grouped = call.grouped();
        let cast = call.query.element.is_half() || self.mode.autocast.is_some();
        let expanded = matches!(call.mask, Mask::Tensor(_)) && call.key.shape.0[1] == 1;
        let behind = |x| !self.lies_heads_first(x);
        Copied {
            query: call.projected && behind(call.query),
            key: call.projected && !grouped && behind(call.key),
            value: if grouped { expanded && !cast } else { behind(call.value) },
        }
    }

    /// PyTorch's fallback: both factors scaled, scores and softmax as tensors; half types in FP32. The result is batch ×
    /// heads × length × size.
    fn math(&mut self, call: AttentionCall, layout: Layout) -> Tensor {
        let heads = call.heads();
        let [batch, _, length, _] = call.query.shape.0;
        let there = call.key.shape.0[2];
        let element = call.query.element;
        let wide = if element.is_half() { ElementType::Fp32 } else { element };
        self.module("", &[], |b| {
            // What tells which positions count becomes what is added to the scores.
            if let Mask::Tensor(mask) = call.mask
                && mask.element == ElementType::Byte
            {
                let added = b.make("mask", Shape([batch, mask.shape.0[1], length, there]), element);
                b.touch_only(mask);
                b.local(added);
            }
            let (query, mut key, mut value) = (b.to(call.query, wide), b.to(call.key, wide), b.to(call.value, wide));
            for tensor in [query, key, value] {
                b.local(tensor);
            }
            let query = b.scale(query);
            b.local(query);
            if let Mask::Causal = call.mask {
                let square = Shape::matrix(length, there);
                let ones = b.make("ones", square, ElementType::Byte);
                let lower = b.make("tril", square, ElementType::Byte);
                b.release(ones);
                let mask = b.make("causal mask", square, wide);
                b.release(lower);
                b.local(mask);
            }
            if let (true, Layout::Copied(_)) = (call.grouped(), layout) {
                key = b.repeat_interleave(key, heads);
                value = b.repeat_interleave(value, heads);
                b.local(key);
            }
            let scaled = b.scale(key);
            let (query, key) = match layout {
                Layout::Copied(copied) => (b.copy_if(copied.query, query), b.copy_if(copied.key, scaled)),
                Layout::Merged => (query, scaled),
                Layout::Spread => {
                    let spread = b.repeat_heads(scaled, heads);
                    (b.flat_heads(query), b.flat_heads(spread))
                }
            };
            let scores = b.batched_matmul(query, key, Shape([batch, heads, length, there]));
            if key.id != scaled.id {
                b.release(scaled);
            }
            let scores = match call.mask {
                Mask::Tensor(added) if added.element != ElementType::Byte => b.add_bias(scores, added, true),
                _ => scores,
            };
            let weights = b.safe_softmax(scores);
            let weights = b.dropout(weights, call.dropout);
            b.local(weights);
            b.returned_weights(weights, element);
            let value = match layout {
                Layout::Copied(copied) => b.copy_if(copied.value, value),
                Layout::Merged => value,
                Layout::Spread => {
                    let spread = b.repeat_heads(value, heads);
                    b.flat_heads(spread)
                }
            };
            let context = b.batched_matmul(weights, value, Shape([batch, heads, length, value.shape.width()]));
            let context = match layout {
                Layout::Merged => b.view(context, context.shape),
                _ => b.unflat_heads(context),
            };
            b.to(context, element)
        })
    }

    fn copy_if(&mut self, copied: bool, x: Tensor) -> Tensor {
        if copied { self.contiguous(x, x.shape) } else { x }
    }

    /// `_safe_softmax`: keeps its output; asks which scores are hidden, and of which rows all are.
    fn safe_softmax(&mut self, scores: Tensor) -> Tensor {
        self.module("attention", &[scores], |b| {
            let product = b.bytes(scores);
            let inputs = [(scores, Grad::New)];
            let rule = Rule::new("safe_softmax", &inputs, Output::Fresh(scores.shape, scores.element));
            let weights = b.run(Rule { saves_output: true, backward_scratch: product, ..rule });
            let hidden = b.make("isneginf", scores.shape, ElementType::Byte);
            b.local(hidden);
            b.make("all", scores.shape.with_width(1), ElementType::Byte);
            weights
        })
    }

    /// What the fallback returns beside its result: the weights in the type that it was given.
    fn returned_weights(&mut self, weights: Tensor, element: ElementType) {
        if weights.element != element {
            let inputs = [(weights, Grad::None)];
            let returned = self.run(Rule::new("to", &inputs, Output::Fresh(weights.shape, element)));
            self.local(returned);
        }
    }

    /// Written out as in transformers: scores, mask, softmax, dropout, context.
    fn eager(&mut self, call: AttentionCall) -> Tensor {
        let heads = call.heads();
        let [batch, _, length, _] = call.query.shape.0;
        let there = call.key.shape.0[2];
        // What is expanded from one head is no copy yet: the products make one, of more than one sample.
        let grouped = call.grouped();
        let expanded = grouped && call.key.shape.0[1] == 1 && batch > 1;
        let (key_states, value_states) = (self.repeat_heads(call.key, heads), self.repeat_heads(call.value, heads));
        self.local(key_states);
        self.local(value_states);
        let key = self.autocast(key_states);
        let query = self.autocast(call.query);
        // Autocast calls the product on its copies, and holds them meanwhile.
        let scores = self.module("attention", &[query, key], |b| {
            let query = if call.projected { b.flat_heads(query) } else { b.view(query, query.shape) };
            let key = if !grouped && call.projected {
                b.flat_heads(key)
            } else {
                // A cast is a copy already.
                b.copy_if(expanded && key == key_states, key)
            };
            b.batched_matmul(query, key, Shape([batch, heads, length, there]))
        });
        let mut scores = self.scale(scores);
        if call.softcap {
            let scaled = self.scale(scores);
            let capped = self.map_saving_output("tanh", scaled);
            scores = self.scale(capped);
        }
        if let Mask::Tensor(mask) = call.mask {
            // Under autocast the mask is wider than the scores, and so is their sum.
            scores = self.add_constant(scores, mask);
        }
        let weights = self.weights_of(scores, &call);
        self.local(weights);
        self.attention_weights = Some(weights);
        let value = self.autocast(value_states);
        let weights = self.autocast(weights);
        let context = self.module("attention", &[weights, value], |b| {
            let value = if grouped { b.copy_if(expanded && value == value_states, value) } else { b.flat_heads(value) };
            b.batched_matmul(weights, value, Shape([batch, heads, length, value.shape.width()]))
        });
        let context = self.unflat_heads(context);
        let shape = Shape::of3(batch, length, heads * value.shape.width());
        self.contiguous(context, shape)
    }

    /// The weights that attention makes of scores, which take over their name.
    fn weights_of(&mut self, scores: Tensor, call: &AttentionCall) -> Tensor {
        if let Softmax::BesideSinks(sinks) = call.softmax {
            let weights = self.softmax_beside_sinks(scores, sinks);
            let weights = self.dropout(weights, call.dropout);
            let weights = self.to(weights, call.value.element);
            self.release(scores);
            return weights;
        }
        let wide = call.softmax == Softmax::Wide || self.mode.autocast.is_some();
        let weights = if wide { self.softmax_in_fp32(scores) } else { self.softmax(scores) };
        let weights = match call.softmax {
            Softmax::Own | Softmax::BesideSinks(_) => weights,
            Softmax::AsValues => self.to(weights, call.value.element),
            Softmax::Wide => self.to(weights, call.query.element),
        };
        self.release(scores);
        self.dropout(weights, call.dropout)
    }

    /// `torch.nn.functional.softmax`: keeps its output; backward makes the product first.
    pub(crate) fn softmax(&mut self, scores: Tensor) -> Tensor {
        let scratch = self.bytes(scores);
        let inputs = [(scores, Grad::New)];
        let rule = Rule::new("softmax", &inputs, Output::Fresh(scores.shape, scores.element));
        self.run(Rule { saves_output: true, backward_scratch: scratch, ..rule })
    }

    /// The same in FP32, as `dtype=torch.float32` or autocast asks: FP16 goes in as it is, BF16 is widened first.
    pub(crate) fn softmax_in_fp32(&mut self, scores: Tensor) -> Tensor {
        if scores.element != ElementType::Fp16 {
            let wide = self.to(scores, ElementType::Fp32);
            return self.softmax(wide);
        }
        let scratch = self.size(scores.shape, ElementType::Fp32);
        let inputs = [(scores, Grad::New)];
        let rule = Rule::new("softmax", &inputs, Output::Fresh(scores.shape, ElementType::Fp32));
        self.run(Rule { saves_output: true, backward_scratch: scratch, ..rule })
    }

    /// Adds keys and values to the cache: a copy with those of earlier tokens before them, of which nothing else is left. A
    /// layer with a sliding window takes the last ones alone, and afterwards keeps a view of as many: all that stands
    /// behind it stays until the next copy.
    pub(crate) fn extend_cache(&mut self, key: Tensor, value: Tensor, earlier: Cache) -> (Tensor, Tensor) {
        let used = earlier.window.map_or(earlier.tokens, |window| earlier.tokens.min(window.saturating_sub(1)));
        // The cache begins with two empty tensors in the type of the first keys.
        let element = |tensor: Tensor| if key.element == ElementType::Fp32 { key.element } else { tensor.element };
        let before = |tensor: Tensor| {
            let [batch, heads, _, width] = tensor.shape.0;
            (Shape([batch, heads, earlier.tokens, width]), element(tensor))
        };
        // Both are arguments of `update`, and go when it returns.
        let copies = self.module("", &[key, value], |b| {
            [key, value].map(|tensor| {
                let [batch, heads, length, width] = tensor.shape.0;
                let shape = Shape([batch, heads, used + length, width]);
                let whole = b.run(Rule::new("cat", &[(tensor, Grad::None)], Output::Fresh(shape, element(tensor))));
                b.mark(whole, Role::KvCache);
                b.keep(whole);
                if earlier.tokens > 0 && earlier.window.is_none() {
                    b.replace_earlier(&[before(tensor)]);
                }
                whole
            })
        });
        if earlier.tokens > 0 && earlier.window.is_some() {
            // Both copies are there before the cache lets go.
            self.replace_earlier(&[before(key), before(value)]);
        }
        let [key, value] = copies;
        (key, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Workspaces of one head read off the allocator's history under torch 2.11.
    #[test]
    fn gradients_are_summed_in_tiles() {
        for (half, lengths, widths, bytes) in [
            (true, [1_056, 1_024], [40, 40], 278_800),
            (true, [1_056, 1_024], [80, 80], 589_968),
            (true, [1_056, 1_024], [192, 192], 2_982_320),
            (true, [1_056, 1_024], [192, 128], 2_458_032),
            (true, [1_024, 1_056], [256, 256], 3_277_312),
            (false, [1_056, 1_024], [64, 64], 278_800),
            (false, [1_056, 1_024], [64, 96], 295_056),
            (false, [1_024, 1_056], [192, 128], 786_816),
        ] {
            assert_eq!(summed_per_head(half, lengths, widths), bytes, "{half} {lengths:?} {widths:?}");
        }
    }
}
