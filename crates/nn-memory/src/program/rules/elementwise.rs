//! Operators that work element by element.

use crate::architecture::Activation;
use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor, round};

use super::reduce::reduction;

/// The type of an operator's result over two tensors.
fn wider(a: Tensor, b: Tensor) -> ElementType {
    if a.element.bytes() >= b.element.bytes() { a.element } else { b.element }
}

impl Builder {
    /// `a + b`, both of the output's shape: gradients are those of the sum.
    pub(crate) fn add(&mut self, a: Tensor, b: Tensor) -> Tensor {
        let element = wider(a, b);
        let grad = |tensor: Tensor| if tensor.element == element { Grad::Pass } else { Grad::New };
        let inputs = [(a, grad(a)), (b, grad(b))];
        self.run(Rule::new("add", &inputs, Output::Fresh(a.shape, element)))
    }

    /// `a + b` with `b` smaller, and summed over in backward.
    pub(crate) fn add_broadcast(&mut self, a: Tensor, b: Tensor) -> Tensor {
        let element = wider(a, b);
        let grad = if element == a.element { Grad::Pass } else { Grad::New };
        self.run(Rule::new("add", &[(a, grad), (b, Grad::New)], Output::Fresh(a.shape, element)))
    }

    /// `a - b` with `b` smaller: its gradient is negated, then summed.
    pub(crate) fn subtract_broadcast(&mut self, a: Tensor, b: Tensor) -> Tensor {
        let scratch = self.bytes(a);
        let inputs = [(a, Grad::Pass), (b, Grad::New)];
        let rule = Rule::new("sub", &inputs, Output::Fresh(a.shape, a.element));
        self.run(Rule { backward_scratch: scratch, backward_factors: true, ..rule })
    }

    /// `x + c` with what takes no gradient, smaller or as large.
    pub(crate) fn add_constant(&mut self, x: Tensor, constant: Tensor) -> Tensor {
        let element = wider(x, constant);
        let grad = if element == x.element { Grad::Pass } else { Grad::New };
        self.run(Rule::new("add", &[(x, grad), (constant, Grad::None)], Output::Fresh(x.shape, element)))
    }

    /// `a.add_(b)`.
    pub(crate) fn add_in_place(&mut self, a: Tensor, b: Tensor) -> Tensor {
        self.run(Rule::new("add_", &[(a, Grad::Pass), (b, Grad::Pass)], Output::View(a, a.shape)))
    }

    /// `a · b`: each is kept where the other needs it.
    pub(crate) fn multiply(&mut self, a: Tensor, b: Tensor) -> Tensor {
        let element = wider(a, b);
        let both = [a, b];
        let saved = match (a.requires_grad, b.requires_grad) {
            (true, true) => &both[..],
            (true, false) => &both[1..],
            (false, true) => &both[..1],
            (false, false) => &[],
        };
        let full = a.shape.elements().max(b.shape.elements());
        let shape = if a.shape.elements() == full { a.shape } else { b.shape };
        // The gradient of the smaller one is a full product first, then summed.
        let (mut unreduced, mut reduction_scratch) = (0, 0);
        for tensor in both {
            if tensor.requires_grad && tensor.shape.elements() != full {
                let (all, sums) = (full.unwrap_or(0), tensor.shape.elements().unwrap_or(0).max(1));
                let along_rows = tensor.shape.width() == 1;
                unreduced += self.size(shape, element);
                reduction_scratch = round(reduction(self.mode.multiprocessors, sums, all / sums, along_rows));
            }
        }
        let grad = |of: Tensor| {
            let narrows = of.element != element && of.shape.elements() == full;
            if narrows { Grad::Narrowed } else { Grad::New }
        };
        // Autograd works through the arguments by their names: `other` before `self`.
        let inputs = [(b, grad(b)), (a, grad(a))];
        let rule = Rule::new("mul", &inputs, Output::Fresh(shape, element));
        self.run(Rule { saved, unreduced, reduction_scratch, ..rule })
    }

    /// `x · s` or `x / s` with a number.
    pub(crate) fn scale(&mut self, x: Tensor) -> Tensor {
        self.run(Rule::new("mul", &[(x, Grad::New)], Output::Fresh(x.shape, x.element)))
    }

    /// Queries times `1 + beta · log(1 + floor(position / length))`, which is worked out for each layer and kept.
    pub(crate) fn scaled_by_position(&mut self, query: Tensor) -> Tensor {
        let scale = self.scales_by_position(query.shape.0[2]);
        let scale = self.to(scale, query.element);
        let inputs = [(query, Grad::New), (scale, Grad::None)];
        self.run(Rule { saved: &[scale], ..Rule::new("mul", &inputs, Output::Fresh(query.shape, query.element)) })
    }

    /// That factor of each of `length` positions, in FP32.
    pub(crate) fn scales_by_position(&mut self, length: u64) -> Tensor {
        let rows = Shape([1, 1, length, 1]);
        let mut scale = self.make("div", rows, ElementType::Fp32);
        for step in ["floor", "add", "log", "mul", "add"] {
            scale = self.run(Rule::new(step, &[(scale, Grad::None)], Output::Fresh(rows, ElementType::Fp32)));
        }
        scale
    }

    /// An operator with one input that needs neither input nor output in backward, and allocates its gradient.
    pub(crate) fn map(&mut self, label: &'static str, x: Tensor) -> Tensor {
        self.run(Rule::new(label, &[(x, Grad::New)], Output::Fresh(x.shape, x.element)))
    }

    /// An operator with one input, which it keeps.
    pub(crate) fn map_saving_input(&mut self, label: &'static str, x: Tensor) -> Tensor {
        let inputs = [(x, Grad::New)];
        let rule = Rule::new(label, &inputs, Output::Fresh(x.shape, x.element));
        self.run(Rule { saved: &[x], ..rule })
    }

    /// An operator with one input that keeps its output.
    pub(crate) fn map_saving_output(&mut self, label: &'static str, x: Tensor) -> Tensor {
        let inputs = [(x, Grad::New)];
        let rule = Rule::new(label, &inputs, Output::Fresh(x.shape, x.element));
        self.run(Rule { saves_output: true, ..rule })
    }

    /// `x.pow(n)`: backward takes the power n − 1, its multiple and the product.
    pub(crate) fn power(&mut self, x: Tensor) -> Tensor {
        let scratch = 2 * self.bytes(x);
        let inputs = [(x, Grad::New)];
        let rule = Rule::new("pow", &inputs, Output::Fresh(x.shape, x.element));
        self.run(Rule { saved: &[x], backward_scratch: scratch, backward_pieces: 2, backward_factors: true, ..rule })
    }

    /// `torch.erf`: backward holds the square, its negative, the exponential and a multiple of that until the product.
    fn error_function(&mut self, x: Tensor) -> Tensor {
        let scratch = 4 * self.bytes(x);
        let inputs = [(x, Grad::New)];
        let rule = Rule::new("erf", &inputs, Output::Fresh(x.shape, x.element));
        self.run(Rule { saved: &[x], backward_scratch: scratch, backward_pieces: 4, backward_factors: true, ..rule })
    }

    /// `x.to(element)`: nothing where it is of that type.
    pub(crate) fn to(&mut self, x: Tensor, element: ElementType) -> Tensor {
        self.named_to("to", x, element)
    }

    /// The same under a name of its own.
    pub(crate) fn named_to(&mut self, label: &'static str, x: Tensor, element: ElementType) -> Tensor {
        if x.element == element {
            return x;
        }
        self.run(Rule::new(label, &[(x, Grad::New)], Output::Fresh(x.shape, element)))
    }

    /// `torch.nn.functional.dropout`: nothing at rate zero or in evaluation; keeps a mask of one byte an element.
    pub(crate) fn dropout(&mut self, x: Tensor, rate: crate::Decimal) -> Tensor {
        if !self.mode.training || rate == crate::Decimal::whole(0) {
            return x;
        }
        let inputs = [(x, Grad::New)];
        let rule = Rule::new("native_dropout", &inputs, Output::Fresh(x.shape, x.element));
        self.run(Rule { statistics: &[(x.shape, ElementType::Byte)], statistics_first: true, ..rule })
    }

    /// An activation function as PyTorch or transformers has it.
    pub(crate) fn activation(&mut self, activation: Activation, x: Tensor) -> Tensor {
        match activation {
            Activation::Relu => self.map_saving_output("relu", x),
            Activation::Tanh => self.map_saving_output("tanh", x),
            Activation::Gelu | Activation::GeluTanh => self.map_saving_input("gelu", x),
            Activation::Silu => self.map_saving_input("silu", x),
            Activation::GeluNew => self.module("", &[x], |b| {
                // 0.5 * x * (1.0 + tanh(sqrt(2 / pi) * (x + 0.044715 * pow(x, 3))))
                let half = b.scale(x);
                let wide = b.autocast_to_fp32(x);
                let cube = b.power(wide);
                let cube = b.scale(cube);
                let sum = b.add(x, cube);
                let scaled = b.scale(sum);
                let tanh = b.map_saving_output("tanh", scaled);
                let one_plus = b.map_passing("add", tanh);
                b.multiply(half, one_plus)
            }),
            Activation::GeluPython => self.module("", &[x], |b| {
                // input * 0.5 * (1.0 + erf(input / sqrt(2.0)))
                let half = b.scale(x);
                let scaled = b.scale(x);
                let erf = b.error_function(scaled);
                let one_plus = b.map_passing("add", erf);
                b.multiply(half, one_plus)
            }),
            Activation::GeluFast => self.module("", &[x], |b| {
                // 0.5 * input * (1.0 + tanh(input * 0.7978845608 * (1.0 + 0.044715 * input * input)))
                let half = b.scale(x);
                let scaled = b.scale(x);
                let square = b.scale(x);
                let square = b.multiply(square, x);
                let one_plus = b.map_passing("add", square);
                let product = b.multiply(scaled, one_plus);
                let tanh = b.map_saving_output("tanh", product);
                let one_plus = b.map_passing("add", tanh);
                b.multiply(half, one_plus)
            }),
            Activation::QuickGelu => self.module("", &[x], |b| {
                let scaled = b.scale(x);
                let sigmoid = b.map_saving_output("sigmoid", scaled);
                b.multiply(x, sigmoid)
            }),
            Activation::Relu2 => self.module("", &[x], |b| {
                let relu = b.map_saving_output("relu", x);
                let wide = b.autocast_to_fp32(relu);
                b.power(wide)
            }),
        }
    }

    /// An operator with one input whose gradient is that of the output: `x + 1`.
    pub(crate) fn map_passing(&mut self, label: &'static str, x: Tensor) -> Tensor {
        self.run(Rule::new(label, &[(x, Grad::Pass)], Output::Fresh(x.shape, x.element)))
    }

    /// What autocast runs in FP32 (`pow`, `softmax`, norms, losses) casts its input first.
    pub(crate) fn autocast_to_fp32(&mut self, x: Tensor) -> Tensor {
        if self.mode.autocast.is_some() { self.to(x, ElementType::Fp32) } else { x }
    }
}
