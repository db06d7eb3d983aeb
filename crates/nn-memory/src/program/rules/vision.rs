//! Convolution of patches, and normalization over the batch.

use crate::program::build::{Output, Rule};
use crate::program::{Builder, ElementType, Grad, Shape, Tensor};

impl Builder {
    /// A convolution whose stride is its kernel: patches of an image to vectors. cuDNN's own workspace counts as none.
    pub(crate) fn patches(&mut self, image: Tensor, weight: Tensor, bias: Tensor, shape: Shape) -> Tensor {
        let (bias, weight, image) = (self.autocast(bias), self.autocast(weight), self.autocast(image));
        let inputs = [(image, Grad::New), (weight, Grad::New), (bias, Grad::New)];
        let rule = Rule::new("convolution", &inputs, Output::Fresh(shape, image.element));
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
