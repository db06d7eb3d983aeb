//! A perceptron of linear layers, and logistic regression: one of them.

use super::config::{ACTIVATION, Activation, FLAG, LAYERS, RATE, WIDTH, config, optional};
use super::labels::{finish, labels};
use super::{ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, Linear, Shape, Tensor};

/// Widest that features may be: one-hot encoded text has millions.
const FEATURES: super::FieldKind = super::config::count(1_000_000_000);

config! {
    /// Fields of a multilayer perceptron.
    Mlp {
        input_size: u64 = 784, FEATURES, "Features";
        hidden_size: u64 = 256, WIDTH, "Hidden size";
        num_hidden_layers: u64 = 2, LAYERS, "Hidden layers";
        hidden_size_2: Option<u64> = 0, optional(10_000_000), "Size of the second";
        hidden_size_3: Option<u64> = 0, optional(10_000_000), "Size of the third";
        hidden_size_4: Option<u64> = 0, optional(10_000_000), "Size of the fourth";
        hidden_size_5: Option<u64> = 0, optional(10_000_000), "Size of the fifth";
        hidden_size_6: Option<u64> = 0, optional(10_000_000), "Size of the sixth";
        output_size: u64 = 10, FEATURES, "Classes";
        hidden_act: Activation = Activation::Relu as u64, ACTIVATION, "Activation";
        inplace: bool = 0, FLAG, "Activation in place";
        batch_norm: bool = 0, FLAG, "Batch normalization";
        bias: bool = 1, FLAG, "Bias";
        dropout: Decimal = 0, RATE, "Dropout";
    }
}

config! {
    /// Fields of a logistic regression.
    LogisticRegression {
        input_size: u64 = 784, FEATURES, "Features";
        output_size: u64 = 10, FEATURES, "Classes";
        bias: bool = 1, FLAG, "Bias";
    }
}

/// A batch: features, and their labels.
fn vectors(b: &mut Builder, request: &Request, features: u64, classes: u64) -> (Tensor, Tensor) {
    let element = b.mode.parameters;
    (b.input(Shape::matrix(request.batch, features), element), labels(b, request, classes))
}

impl Mlp {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let (mut x, labels) = vectors(b, request, self.input_size, self.output_size);
        let told = [
            Some(self.hidden_size),
            self.hidden_size_2,
            self.hidden_size_3,
            self.hidden_size_4,
            self.hidden_size_5,
            self.hidden_size_6,
        ];
        let mut width = self.hidden_size;
        for size in told.into_iter().take(usize::try_from(self.num_hidden_layers).unwrap_or(usize::MAX)) {
            width = size.unwrap_or(width);
            x = self.layer(b, x, width);
        }
        // The rest are alike.
        x = b.repeat(self.num_hidden_layers.saturating_sub(6), x, &mut |b, x| self.layer(b, x, width));
        let last = Linear { name: "output", input: x.shape.width(), output: self.output_size, bias: self.bias };
        let logits = b.linear(x, last);
        finish(b, request, logits, request.run.loss, request.pass.trains().then_some(labels));
        Ok(())
    }

    fn layer(&self, b: &mut Builder, x: Tensor, width: u64) -> Tensor {
        let linear = Linear { name: "linear", input: x.shape.width(), output: width, bias: self.bias };
        let mut out = b.linear(x, linear);
        if self.batch_norm {
            out = b.batch_norm(out);
        }
        let out = match self.hidden_act {
            Activation::Relu if self.inplace => b.relu_in_place(out),
            activation => b.activation(activation, out),
        };
        b.dropout(out, self.dropout)
    }
}

impl LogisticRegression {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let (x, labels) = vectors(b, request, self.input_size, self.output_size);
        let linear = Linear { name: "linear", input: self.input_size, output: self.output_size, bias: self.bias };
        let logits = b.linear(x, linear);
        finish(b, request, logits, request.run.loss, request.pass.trains().then_some(labels));
        Ok(())
    }
}
