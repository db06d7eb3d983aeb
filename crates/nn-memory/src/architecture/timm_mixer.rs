//! MLP-Mixer of timm (`mlp_mixer.py` of timm 1.0): perceptrons across patches and across channels take turns.

use super::config::{LAYERS, RATE, WIDTH, config, count};
use super::decoder::{blocks, divisible};
use super::labels::{classify, finish, labels};
use super::{Activation, ConfigError, Request};
use crate::Decimal;
use crate::program::{Builder, Linear, Shape, Tensor};

config! {
    /// Fields of `MlpMixer`.
    TimmMixer {
        hidden_size: u64 = 768, WIDTH, "Hidden size";
        tokens_mlp_dim: u64 = 384, WIDTH, "MLP size across patches";
        channels_mlp_dim: u64 = 3_072, WIDTH, "MLP size across channels";
        num_hidden_layers: u64 = 12, LAYERS, "Layers";
        image_size: u64 = 224, count(1_000_000), "Image size";
        patch_size: u64 = 16, count(1_000_000), "Patch size";
        num_channels: u64 = 3, count(100_000), "Channels";
        dropout: Decimal = 0, RATE, "Dropout";
        num_labels: u64 = 1_000, count(1_000_000), "Labels";
    }
}

impl TimmMixer {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let side = divisible("image_size", self.image_size, "patch_size", self.patch_size)?;
        let patches = side.saturating_mul(side);
        let pixels = Shape([request.batch, self.num_channels, self.image_size, self.image_size]);
        let pixels = b.input(pixels, b.mode.parameters);
        let labels = labels(b, request, self.num_labels);
        let hidden = b.module("model", &[], |b| {
            let kernel = Shape([self.hidden_size, self.num_channels, self.patch_size, self.patch_size]);
            let weights = b.patch_weights("stem", Some("proj"), kernel);
            let x = b.module("stem", &[], |b| {
                b.patches(pixels, weights, Shape::of3(request.batch, patches, self.hidden_size))
            });
            // The caller's frame holds what was embedded until the blocks have run.
            let hidden = blocks(b, request, self.num_hidden_layers, x, |b, x| self.block(b, x));
            b.release(x);
            let x = hidden;
            b.layer_norm_of_strided(x, [true, false])
        });
        b.module("head", &[hidden], |b| {
            let pooled = b.mean_of_rows(hidden, Shape::matrix(request.batch, self.hidden_size));
            let logits = classify(b, pooled, self.num_labels);
            finish(b, request, logits, request.run.loss, request.pass.trains().then_some(labels));
        });
        Ok(())
    }

    /// Channels lie before patches as the convolution leaves them, and so does every sum with what it made.
    fn block(&self, b: &mut Builder, x: Tensor) -> Tensor {
        let [_, batch, patches, width] = x.shape.0;
        // The patches of one sample are columns of a matrix.
        let many = batch > 1;
        let normal = b.layer_norm_of_strided(x, [true, many]);
        let mixed = b.module("mlp_tokens", &[normal], |b| {
            let turned = b.view(normal, Shape::of3(batch, width, patches));
            let [into, out_of] = perceptron(patches, self.tokens_mlp_dim);
            let up = b.linear_of_strided(turned, into, many);
            let down = self.activated(b, up, out_of);
            if many { b.view_copied_back(down, x.shape) } else { b.view(down, x.shape) }
        });
        let mixed = b.dropout(mixed, self.dropout);
        let x = b.add(x, mixed);
        b.local(x);
        let normal = b.layer_norm_of_strided(x, [true, false]);
        let out = b.module("mlp_channels", &[normal], |b| {
            let [into, out_of] = perceptron(width, self.channels_mlp_dim);
            let up = b.linear(normal, into);
            let down = self.activated(b, up, out_of);
            b.dropout(down, self.dropout)
        });
        b.add(x, out)
    }

    fn activated(&self, b: &mut Builder, up: Tensor, out_of: Linear) -> Tensor {
        let active = b.activation(Activation::Gelu, up);
        let active = b.dropout(active, self.dropout);
        b.linear(active, out_of)
    }
}

const fn perceptron(width: u64, inner: u64) -> [Linear; 2] {
    [
        Linear { name: "fc1", input: width, output: inner, bias: true },
        Linear { name: "fc2", input: inner, output: width, bias: true },
    ]
}
