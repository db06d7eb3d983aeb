//! Views, copies, and tensors put together or taken apart.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

impl Builder {
    /// `view`, `reshape`, `transpose`: nothing forward, a view of the gradient backward.
    pub(crate) fn view(&mut self, x: Tensor, shape: Shape) -> Tensor {
        self.run(Rule::new("view", &[(x, Grad::Pass)], Output::View(x, shape)))
    }

    /// A view whose gradient comes in another order of memory, and is copied back.
    pub(crate) fn view_copied_back(&mut self, x: Tensor, shape: Shape) -> Tensor {
        self.run(Rule::new("view", &[(x, Grad::New)], Output::View(x, shape)))
    }

    /// A view onto a part of `x`: backward writes its gradient into zeros of the size of `x`.
    pub(crate) fn slice(&mut self, x: Tensor, shape: Shape) -> Tensor {
        self.run(Rule::new("slice", &[(x, Grad::New)], Output::View(x, shape)))
    }

    /// `contiguous`, `reshape` of what no view can express: a copy; its gradient is a view.
    pub(crate) fn contiguous(&mut self, x: Tensor, shape: Shape) -> Tensor {
        self.run(Rule::new("clone", &[(x, Grad::Pass)], Output::Fresh(shape, x.element)))
    }

    /// `torch.nn.functional.pad` with zeros: a copy even where nothing is added; its gradient is one too.
    pub(crate) fn pad(&mut self, x: Tensor, shape: Shape) -> Tensor {
        self.run(Rule::new("pad", &[(x, Grad::New)], Output::Fresh(shape, x.element)))
    }

    /// A part of `x` as a copy of its own: `x[…].contiguous()`.
    pub(crate) fn cut(&mut self, x: Tensor, shape: Shape) -> Tensor {
        let part = self.slice(x, shape);
        self.contiguous(part, shape)
    }

    /// `split` along the last dimension into views; backward puts the gradients together.
    pub(crate) fn split(&mut self, x: Tensor, widths: &[u64]) -> Vec<Tensor> {
        let mut parts = Vec::with_capacity(widths.len());
        let (first, rest) = match widths {
            [first, rest @ ..] => (*first, rest),
            [] => return parts,
        };
        parts.push(self.run(Rule::new("split", &[(x, Grad::New)], Output::View(x, x.shape.with_width(first)))));
        for width in rest {
            parts.push(self.another_output(Output::View(x, x.shape.with_width(*width))));
        }
        parts
    }

    /// `torch.cat` along any dimension, in the widest type of the parts; gradients are views of the output's, cast for
    /// narrower parts.
    pub(crate) fn concatenate(&mut self, parts: &[Tensor], shape: Shape) -> Tensor {
        let elements = parts.iter().map(|part| part.element);
        let element = elements.max_by_key(|element| element.bytes()).unwrap_or(self.mode.parameters);
        let grad = |part: &Tensor| if part.element == element { Grad::Pass } else { Grad::New };
        let inputs: Vec<_> = parts.iter().map(|part| (*part, grad(part))).collect();
        self.run(Rule::new("cat", &inputs, Output::Fresh(shape, element)))
    }

    /// Parts side by side in a tensor made for them, `whole[..., a:b].copy_(part)`. Backward takes the parts' gradients
    /// out of a copy of the whole one, which is handed on until the first part's is out.
    pub(crate) fn copied_side_by_side(&mut self, parts: &[Tensor], shape: Shape, element: ElementType) -> Tensor {
        let mut whole = self.make("new_empty", shape, element);
        for &part in parts {
            // The gradient of the slice, before it is cast; and zeros in its place in the whole one.
            let slice = self.size(part.shape, element);
            let cut = if part.requires_grad && part.element == element { 0 } else { slice };
            let rest = if whole.requires_grad { slice } else { self.size(shape, element) };
            let inputs = [(whole, Grad::New), (part, Grad::New)];
            let rule = Rule::new("copy_", &inputs, Output::View(whole, shape));
            whole = self.run(Rule { backward_scratch: cut + rest, ..rule });
        }
        whole
    }

    /// `repeat_kv`: expand and reshape, which copies; backward sums.
    pub(crate) fn repeat_heads(&mut self, x: Tensor, heads: u64) -> Tensor {
        let [batch, there, length, width] = x.shape.0;
        if there == heads {
            return x;
        }
        let shape = Shape([batch, heads, length, width]);
        if there == 1 {
            // One head expands to many without a copy.
            return self.expand(x, shape);
        }
        self.run(Rule::new("repeat_kv", &[(x, Grad::New)], Output::Fresh(shape, x.element)))
    }

    /// `torch.repeat_interleave` along the heads: a copy, even of one.
    pub(crate) fn repeat_interleave(&mut self, x: Tensor, heads: u64) -> Tensor {
        let [batch, _, length, width] = x.shape.0;
        let shape = Shape([batch, heads, length, width]);
        self.run(Rule::new("repeat_interleave", &[(x, Grad::New)], Output::Fresh(shape, x.element)))
    }

    /// `repeat` of one sample: a copy, even for one; backward sums over more.
    pub(crate) fn repeat_samples(&mut self, x: Tensor, samples: u64) -> Tensor {
        let [_, heads, length, width] = x.shape.0;
        let grad = if samples == 1 { Grad::Pass } else { Grad::New };
        let shape = Shape([samples, heads, length, width]);
        self.run(Rule::new("repeat", &[(x, grad)], Output::Fresh(shape, x.element)))
    }

    /// `torch.gather` along the last dimension: keeps its input and the index; backward adds its gradient into zeros of the
    /// size of `x`.
    pub(crate) fn gather_along_rows(&mut self, x: Tensor, index: Tensor, shape: Shape) -> Tensor {
        let inputs = [(x, Grad::New), (index, Grad::None)];
        let rule = Rule::new("gather", &inputs, Output::Fresh(shape, x.element));
        self.run(Rule { saved: &[index, x], ..rule })
    }

    /// `expand`, `broadcast_to`: a view, whose gradient is summed.
    pub(crate) fn expand(&mut self, x: Tensor, shape: Shape) -> Tensor {
        self.run(Rule::new("expand", &[(x, Grad::New)], Output::View(x, shape)))
    }

    /// A tensor made without inputs: `arange`, `zeros`, a mask.
    pub(crate) fn make(&mut self, label: &'static str, shape: Shape, element: ElementType) -> Tensor {
        self.run(Rule::new(label, &[], Output::Fresh(shape, element)))
    }
}
