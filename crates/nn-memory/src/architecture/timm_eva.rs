//! EVA-02 of timm (`eva.py` of timm 1.0): ViT with rotary positions and SwiGLU.

use super::config::{FLAG, RATE, config};
use super::decoder::{blocks, divisible};
use super::image::{Library, Vision, drop_path};
use super::labels::labels;
use super::vit::Vit;
use super::{Activation, ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `Eva` as EVA-02 sets them. `scale_mlp` stands for the larger models: a norm within the MLP, and a linear
    /// layer each for queries, keys and values.
    TimmEva {
        ..vit: Vit { hidden_size = 192; intermediate_size = 512; num_attention_heads = 3; patch_size = 14; num_labels = 1_000; }
        scale_mlp: bool = 0, FLAG, "Norm in the MLP";
        drop_path_rate: Decimal = 0, RATE, "Stochastic depth";
    }
}

impl TimmEva {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let vision = Vision { library: Library::Timm, ..self.vit.vision() };
        let head_dim = divisible("hidden_size", vision.hidden, "num_attention_heads", vision.heads)?;
        let side = divisible("image_size", vision.image, "patch_size", vision.patch)?;
        let patches = side.saturating_mul(side);
        let pixels = Shape([request.batch, vision.channels, vision.image, vision.image]);
        let pixels = b.input(pixels, b.mode.parameters);
        let labels = labels(b, request, vision.labels);
        // Sines and cosines of each patch.
        b.buffer(Shape::matrix(patches, 2 * head_dim), b.mode.parameters);
        let hidden = b.module("model", &[], |b| {
            let [.., x] = vision.embeddings(b, request, pixels, patches);
            // The first block never skips a sample.
            let block = |b: &mut Builder, x: Tensor, rate: Decimal| self.block(b, x, &vision, head_dim, rate);
            let x = blocks(b, request, 1, x, |b, x| block(b, x, Decimal::whole(0)));
            blocks(b, request, vision.layers - 1, x, |b, x| block(b, x, self.drop_path_rate))
        });
        vision.average_head(b, request, hidden, labels);
        Ok(())
    }

    fn block(&self, b: &mut Builder, x: Tensor, vision: &Vision, head_dim: u64, rate: Decimal) -> Tensor {
        let normal = b.layer_norm_module(x, true);
        let attended = b.module("attn", &[normal], |b| self.attention(b, normal, vision, head_dim));
        b.local(attended);
        let attended = drop_path(b, attended, rate);
        let x = b.add(x, attended);
        b.local(x);
        let normal = b.layer_norm_module(x, true);
        let out = b.module("mlp", &[normal], |b| self.mlp(b, normal, vision));
        b.local(out);
        let out = drop_path(b, out, rate);
        b.add(x, out)
    }

    fn attention(&self, b: &mut Builder, x: Tensor, vision: &Vision, head_dim: u64) -> Tensor {
        let Vision { hidden, heads, .. } = *vision;
        let [_, batch, length, _] = x.shape.0;
        let shape = Shape([batch, heads, length, head_dim]);
        let parts = if self.scale_mlp {
            [("q_proj", vision.qkv_bias), ("k_proj", false), ("v_proj", vision.qkv_bias)]
                .map(|(name, bias)| b.linear(x, Linear { name, input: hidden, output: hidden, bias }))
                .to_vec()
        } else {
            let parts = vision.packed_projections(b, x);
            b.local(parts[0]);
            parts
        };
        let [query, key, value] = [0, 1, 2].map(|part| b.view(parts[part], shape));
        // The token of the class has no place.
        let table = b.mode.parameters;
        let [query, key] = [query, key].map(|all| {
            let class = b.slice(all, Shape([batch, heads, 1, head_dim]));
            let patches = b.slice(all, Shape([batch, heads, length - 1, head_dim]));
            let turned = b.module("", &[], |b| {
                let turned = b.rotated(patches, table);
                b.to(turned, patches.element)
            });
            b.concatenate(&[class, turned], shape)
        });
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let (mask, dropout, softmax) = (Mask::Full, vision.attention_dropout, Softmax::Own);
        let context =
            b.attend(AttentionCall { query, key, value, mask, dropout, softmax, softcap: false, projected: false });
        let out = b.linear(context, Linear { name: "proj", input: hidden, output: hidden, bias: true });
        b.dropout(out, vision.dropout)
    }

    fn mlp(&self, b: &mut Builder, x: Tensor, vision: &Vision) -> Tensor {
        let Vision { hidden, intermediate, .. } = *vision;
        let linear = |name, input, output| Linear { name, input, output, bias: true };
        let [gate, up] = if self.scale_mlp {
            let gate = b.linear(x, linear("fc1_g", hidden, intermediate));
            b.local(gate);
            [gate, b.linear(x, linear("fc1_x", hidden, intermediate))]
        } else {
            let both = b.linear(x, linear("fc1", hidden, 2 * intermediate));
            let parts = b.split(both, &[intermediate; 2]);
            b.local(parts[0]);
            [parts[0], parts[1]]
        };
        let active = b.activation(Activation::Silu, gate);
        let product = b.multiply(active, up);
        let product = b.dropout(product, vision.dropout);
        let product =
            if self.scale_mlp { b.module("", &[product], |b| b.layer_norm_module(product, true)) } else { product };
        let down = b.linear(product, linear("fc2", intermediate, hidden));
        b.dropout(down, vision.dropout)
    }
}
