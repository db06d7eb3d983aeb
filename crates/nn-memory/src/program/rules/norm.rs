//! Normalizations.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

/// What becomes of the variance that a norm takes the root of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variance {
    /// It has a name, so that the norm's frame holds it.
    Named,
    /// It stands within an expression.
    Passing,
}

impl Builder {
    /// `torch.nn.functional.layer_norm`: keeps its input, and mean and deviation of each row in FP32.
    pub(crate) fn layer_norm(&mut self, x: Tensor, weight: Option<Tensor>, bias: Option<Tensor>) -> Tensor {
        self.layer_norm_with(x, weight, bias, [false; 2])
    }

    /// `strided`: whether the input, and whether the gradient of the output, lie in another order of memory.
    fn layer_norm_with(
        &mut self,
        x: Tensor,
        weight: Option<Tensor>,
        bias: Option<Tensor>,
        strided: [bool; 2],
    ) -> Tensor {
        let x = self.autocast_to_fp32(x);
        let rows = x.shape.rows();
        let statistic = if x.element == ElementType::Fp64 { ElementType::Fp64 } else { ElementType::Fp32 };
        let mut inputs = vec![(x, Grad::New)];
        inputs.extend(weight.into_iter().chain(bias).map(|parameter| (parameter, Grad::New)));
        let [copy, of_gradient] = strided.map(|strided| if strided { self.bytes(x) } else { 0 });
        let lies_so = strided[0].then(|| self.make("contiguous", x.shape, x.element));
        let rule = Rule::new("native_layer_norm", &inputs, Output::Fresh(x.shape, x.element));
        let normal = self.run(Rule {
            saved: &[x],
            statistics: &[(rows, statistic), (rows, statistic)],
            backward_parts: [0, of_gradient, copy, 0],
            ..rule
        });
        if let Some(copy) = lies_so {
            self.release(copy);
        }
        normal
    }

    /// A layer norm with its own weight and bias.
    pub(crate) fn layer_norm_module(&mut self, x: Tensor, bias: bool) -> Tensor {
        let (weight, bias) = self.norm_parameters(x, bias);
        // Its frame holds what autocast widens.
        self.module("", &[x], |b| b.layer_norm(x, Some(weight), bias))
    }

    /// The same where the input, or the gradient of the output, lies in another order of memory: the kernel works on
    /// copies, of the input forward and backward.
    pub(crate) fn layer_norm_of_strided(&mut self, x: Tensor, strided: [bool; 2]) -> Tensor {
        let (weight, bias) = self.norm_parameters(x, true);
        self.layer_norm_with(x, Some(weight), bias, strided)
    }

    fn norm_parameters(&mut self, x: Tensor, bias: bool) -> (Tensor, Option<Tensor>) {
        let width = Shape::vector(x.shape.width());
        let weight = self.parameter("norm", width, 1);
        (weight, bias.then(|| self.parameter("norm", width, 1)))
    }

    /// RMSNorm as transformers writes it out: in FP32, back to the input's type, times the weight.
    pub(crate) fn rms_norm(&mut self, x: Tensor) -> Tensor {
        let weight = self.parameter("norm", Shape::vector(x.shape.width()), 1);
        self.module("", &[x], |b| {
            let wide = b.to(x, ElementType::Fp32);
            let inverse = b.inverse_deviation(wide, Variance::Named);
            let normal = b.multiply(wide, inverse);
            let narrow = b.to(normal, x.element);
            b.local(normal);
            b.multiply(weight, narrow)
        })
    }

    /// The same without a weight.
    pub(crate) fn rms_norm_without_weight(&mut self, x: Tensor) -> Tensor {
        self.module("", &[x], |b| {
            let wide = b.to(x, ElementType::Fp32);
            let inverse = b.inverse_deviation(wide, Variance::Passing);
            let normal = b.multiply(wide, inverse);
            b.to(normal, x.element)
        })
    }

    /// RMSNorm as Gemma has it: the weight plus one, times the FP32 result.
    pub(crate) fn rms_norm_gemma(&mut self, x: Tensor) -> Tensor {
        let weight = self.parameter("norm", Shape::vector(x.shape.width()), 1);
        self.module("", &[x], |b| {
            let wide = b.to(x, ElementType::Fp32);
            let inverse = b.inverse_deviation(wide, Variance::Passing);
            let normal = b.multiply(wide, inverse);
            let factor = b.to(weight, ElementType::Fp32);
            let factor = b.map_passing("add", factor);
            let output = b.multiply(normal, factor);
            b.to(output, x.element)
        })
    }

    /// RMSNorm as OLMo 2 has it: the weight times the FP32 result.
    pub(crate) fn rms_norm_olmo2(&mut self, x: Tensor) -> Tensor {
        let weight = self.parameter("norm", Shape::vector(x.shape.width()), 1);
        self.module("", &[x], |b| {
            let wide = b.to(x, ElementType::Fp32);
            let inverse = b.inverse_deviation(wide, Variance::Named);
            let normal = b.multiply(wide, inverse);
            b.local(normal);
            let output = b.multiply(weight, normal);
            b.to(output, x.element)
        })
    }

    /// Layer norm as Cohere writes it out, without a bias: in FP32, the weight too, which may be one for each head.
    pub(crate) fn layer_norm_cohere(&mut self, x: Tensor, heads: Option<u64>) -> Tensor {
        let width = x.shape.width();
        let weight = match heads {
            None => self.parameter("norm", Shape::vector(width), 1),
            Some(heads) => self.parameter("norm", Shape::matrix(heads, width), 2),
        };
        self.module("", &[x], |b| {
            let wide = b.to(x, ElementType::Fp32);
            let rows = x.shape.rows();
            let mean = |b: &mut Self, of: Tensor| {
                b.run(Rule::new("mean", &[(of, Grad::New)], Output::Fresh(rows, ElementType::Fp32)))
            };
            let middle = mean(b, wide);
            b.local(middle);
            let apart = b.subtract_broadcast(wide, middle);
            let square = b.power(apart);
            let variance = mean(b, square);
            b.local(variance);
            let apart = b.subtract_broadcast(wide, middle);
            let shifted = b.map_passing("add", variance);
            let inverse = b.map_saving_output("rsqrt", shifted);
            let normal = b.multiply(apart, inverse);
            b.release(wide);
            let factor = b.to(weight, ElementType::Fp32);
            let output = b.multiply(factor, normal);
            b.release(normal);
            b.to(output, x.element)
        })
    }

    /// RMSNorm as T5 has it: the deviation in FP32, times the input as it is, to the weight's type where that is half.
    pub(crate) fn rms_norm_t5(&mut self, x: Tensor) -> Tensor {
        let weight = self.parameter("norm", Shape::vector(x.shape.width()), 1);
        self.module("", &[x], |b| {
            let wide = b.to(x, ElementType::Fp32);
            let inverse = b.inverse_deviation(wide, Variance::Named);
            let normal = b.multiply(x, inverse);
            let narrow = if weight.element.is_half() { b.to(normal, weight.element) } else { normal };
            b.multiply(weight, narrow)
        })
    }

    /// `torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps)`.
    fn inverse_deviation(&mut self, x: Tensor, variance: Variance) -> Tensor {
        let square = self.power(x);
        let mean = self.run(Rule::new("mean", &[(square, Grad::New)], Output::Fresh(x.shape.rows(), x.element)));
        if variance == Variance::Named {
            self.local(mean);
        }
        let shifted = self.map_passing("add", mean);
        self.map_saving_output("rsqrt", shifted)
    }
}
