//! Convolution of patches, and normalization over the batch.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};
use crate::{Lora, Targets};

/// Weights of a convolution of patches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patches {
    weight: Tensor,
    bias: Tensor,
    /// The adapter's own: to its rank, and from there.
    adapter: Option<(Lora, [Tensor; 2])>,
}

impl Builder {
    /// The weights of [`Self::patches`]: output and input channels, then the kernel. `name` is the convolution's own, by
    /// which adapters find it; none where no adapter can.
    pub(crate) fn patch_weights(&mut self, module: &'static str, name: Option<&str>, kernel: Shape) -> Patches {
        let [output, input, ..] = kernel.0;
        let weight = self.parameter(module, kernel, 4);
        let bias = self.parameter(module, Shape::vector(output), 1);
        // To peft, all linear layers are no convolutions.
        let named = |lora: &Lora| lora.targets != Targets::ALL && name.is_some_and(|name| lora.targets.contains(name));
        let adapter = self.lora.filter(named).map(|lora| {
            let element = self.adapter_element(&lora);
            let [_, _, height, width] = kernel.0;
            let shapes = [Shape([lora.rank, input, height, width]), Shape([output, lora.rank, 1, 1])];
            (lora, shapes.map(|shape| self.parameter_of(module, shape, 4, element, true)))
        });
        Patches { weight, bias, adapter }
    }

    /// A convolution whose stride is its kernel: patches of an image to vectors; with peft's `lora.Conv2d` where it is a
    /// target. cuDNN's own workspace counts as none.
    pub(crate) fn patches(&mut self, image: Tensor, patches: Patches, shape: Shape) -> Tensor {
        let Patches { weight, bias, adapter } = patches;
        let Some((lora, [down, up])) = adapter else { return self.convolution(image, weight, Some(bias), shape) };
        self.beside(
            image,
            &lora,
            |b| b.convolution(image, weight, Some(bias), shape),
            |b, image| {
                let [_, batch, count, _] = shape.0;
                let low = b.convolution(image, down, None, Shape::of3(batch, count, lora.rank));
                b.convolution(low, up, None, shape)
            },
        )
    }

    fn convolution(&mut self, image: Tensor, weight: Tensor, bias: Option<Tensor>, shape: Shape) -> Tensor {
        let bias = bias.map(|bias| self.autocast(bias));
        let (weight, image) = (self.autocast(weight), self.autocast(image));
        let inputs = [(image, Grad::New), (weight, Grad::New), (bias.unwrap_or(weight), Grad::New)];
        let inputs = if bias.is_some() { &inputs[..] } else { &inputs[..2] };
        let rule = Rule::new("convolution", inputs, Output::Fresh(shape, image.element));
        self.run(Rule { saved: &[image, weight], ..rule })
    }

    /// `torch.nn.BatchNorm1d` in training: keeps its input, and mean and deviation of each feature in FP32.
    pub(crate) fn batch_norm(&mut self, x: Tensor) -> Tensor {
        let features = Shape::vector(x.shape.width());
        let weight = self.parameter("norm", features, 1);
        let bias = self.parameter("norm", features, 1);
        for _ in ["running_mean", "running_var"] {
            let element = self.mode.parameters;
            self.buffer(features, element);
        }
        self.buffer(Shape::SCALAR, ElementType::Int64);
        let inputs = [(x, Grad::New), (weight, Grad::New), (bias, Grad::New)];
        let rule = Rule::new("batch_norm", &inputs, Output::Fresh(x.shape, x.element));
        let fp32 = ElementType::Fp32;
        self.run(Rule { saved: &[x], statistics: &[(features, fp32), (features, fp32)], ..rule })
    }

    /// `x.mean(dim=…)` over all positions of a sample: its gradient is as large as `x`.
    pub(crate) fn mean_of_rows(&mut self, x: Tensor, shape: Shape) -> Tensor {
        self.run(Rule::new("mean", &[(x, Grad::New)], Output::Fresh(shape, x.element)))
    }

    /// `relu_`: the output takes the input's place.
    pub(crate) fn relu_in_place(&mut self, x: Tensor) -> Tensor {
        let rule = Rule::new("relu_", &[], Output::View(x, x.shape));
        let inputs = [(x, Grad::New)];
        self.run(Rule { inputs: &inputs, saves_output: true, ..rule })
    }
}
