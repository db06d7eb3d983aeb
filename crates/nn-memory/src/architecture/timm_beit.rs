//! BEiT of timm (`beit.py` of timm 1.0): ViT with a learned bias for each distance of two patches, and with layers scaled.

use super::config::{RATE, config};
use super::decoder::{blocks, divisible};
use super::image::{Library, Vision, drop_path};
use super::labels::{classify, finish, labels};
use super::vit::Vit;
use super::{ConfigError, Request};
use crate::program::{AttentionCall, Builder, ElementType, Linear, Mask, Shape, Softmax, Tensor};
use crate::{Attention, Decimal};

config! {
    /// Fields of `Beit`.
    TimmBeit {
        ..vit: Vit { num_labels = 1_000; }
        drop_path_rate: Decimal = 0, RATE, "Stochastic depth";
    }
}

impl TimmBeit {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let vision = Vision { library: Library::Timm, ..self.vit.vision() };
        let head_dim = divisible("hidden_size", vision.hidden, "num_attention_heads", vision.heads)?;
        let side = divisible("image_size", vision.image, "patch_size", vision.patch)?;
        let patches = side.saturating_mul(side);
        let pixels = Shape([request.batch, vision.channels, vision.image, vision.image]);
        let pixels = b.input(pixels, b.mode.parameters);
        let labels = labels(b, request, vision.labels);
        let hidden = b.module("model", &[], |b| {
            let x = self.embeddings(b, request, &vision, pixels, patches);
            // The first block never skips a sample.
            let block = |b: &mut Builder, x: Tensor, rate: Decimal| self.block(b, x, &vision, [head_dim, side], rate);
            let x = blocks(b, request, 1, x, |b, x| block(b, x, Decimal::whole(0)));
            blocks(b, request, vision.layers - 1, x, |b, x| block(b, x, self.drop_path_rate))
        });
        vision.average_head(b, request, hidden, labels);
        Ok(())
    }

    fn embeddings(&self, b: &mut Builder, request: &Request, vision: &Vision, pixels: Tensor, patches: u64) -> Tensor {
        let (batch, hidden) = (request.batch, vision.hidden);
        let kernel = Shape([hidden, vision.channels, vision.patch, vision.patch]);
        let class = b.parameter("cls_token", Shape::of3(1, 1, hidden), 3);
        let weights = b.patch_weights("patch_embed", Some("proj"), kernel);
        b.module("embeddings", &[], |b| {
            let projected = b.patches(pixels, weights, Shape::of3(batch, patches, hidden));
            let before = b.expand(class, Shape::of3(batch, 1, hidden));
            let joined = b.concatenate(&[before, projected], Shape::of3(batch, patches + 1, hidden));
            b.dropout(joined, vision.dropout)
        })
    }

    fn block(&self, b: &mut Builder, x: Tensor, vision: &Vision, shape: [u64; 2], rate: Decimal) -> Tensor {
        let gammas = [(); 2].map(|()| b.parameter("gamma", Shape::vector(vision.hidden), 1));
        let normal = b.layer_norm_module(x, true);
        let attended = b.module("attn", &[normal], |b| self.attention(b, normal, vision, shape));
        let scaled = b.multiply(gammas[0], attended);
        let scaled = drop_path(b, scaled, rate);
        let x = b.add(x, scaled);
        b.local(x);
        let normal = b.layer_norm_module(x, true);
        let out = vision.mlp(b, normal);
        let scaled = b.multiply(gammas[1], out);
        let scaled = drop_path(b, scaled, rate);
        b.add(x, scaled)
    }

    fn attention(&self, b: &mut Builder, x: Tensor, vision: &Vision, [head_dim, side]: [u64; 2]) -> Tensor {
        let Vision { hidden, heads, .. } = *vision;
        let [_, batch, length, _] = x.shape.0;
        let shape = Shape([batch, heads, length, head_dim]);
        let parts = vision.packed_projections(b, x);
        let [query, key, value] = [0, 1, 2].map(|part| b.view(parts[part], shape));
        for tensor in [query, key, value] {
            b.local(tensor);
        }
        let across = 2 * side - 1;
        // Three more rows: from the token of the class, to it, and of it to itself.
        let distances = across.saturating_mul(across).saturating_add(3);
        let table = b.parameter("relative_position_bias_table", Shape::matrix(distances, heads), 2);
        b.buffer(Shape::matrix(length, length), ElementType::Int64);
        let bias = b.module("", &[], |b| {
            let picked = b.picked(table, Shape::matrix(length.saturating_mul(length), heads));
            b.contiguous(picked, Shape([1, heads, length, length]))
        });
        b.local(bias);
        let (mask, dropout, softmax) = (Mask::Tensor(bias), vision.attention_dropout, Softmax::Own);
        let call = AttentionCall { query, key, value, mask, dropout, softmax, softcap: false, projected: true };
        let context = if b.attention == Attention::Eager {
            b.attend_with_bias(AttentionCall { mask: Mask::Full, ..call }, bias)
        } else {
            b.attend(call)
        };
        let out = b.linear(context, Linear { name: "proj", input: hidden, output: hidden, bias: true });
        b.dropout(out, vision.dropout)
    }
}

impl Vision {
    /// The mean of all patches, normalized and classified.
    pub(super) fn average_head(&self, b: &mut Builder, request: &Request, hidden: Tensor, labels: Tensor) {
        let [_, batch, length, width] = hidden.shape.0;
        b.module("head", &[hidden], |b| {
            let seen = b.slice(hidden, Shape::of3(batch, length - 1, width));
            let pooled = b.mean_of_rows(seen, Shape::matrix(batch, width));
            let normal = b.layer_norm_module(pooled, true);
            let logits = classify(b, normal, self.labels);
            finish(b, request, logits, request.run.loss, request.pass.trains().then_some(labels));
        });
    }

    /// Queries, keys and values of one weight and of a bias that is put together for each pass, that of the keys a buffer.
    pub(super) fn packed_projections(&self, b: &mut Builder, x: Tensor) -> Vec<Tensor> {
        let hidden = self.hidden;
        let packed = Linear { name: "qkv", input: hidden, output: 3 * hidden, bias: false };
        let all = if self.qkv_bias {
            // The network multiplies by the layer's weight, past whatever adapter it has.
            let weight = b.parameter(packed.name, Shape::matrix(packed.output, packed.input), 2);
            b.unused_adapter(packed);
            let [query, value] = [(); 2].map(|()| b.parameter(packed.name, Shape::vector(hidden), 1));
            let key = b.buffer(Shape::vector(hidden), b.mode.parameters);
            let bias = b.concatenate(&[query, key, value], Shape::vector(3 * hidden));
            b.local(bias);
            b.matmul(x, weight, Some(bias), packed.output)
        } else {
            b.linear(x, packed)
        };
        let all = b.view_copied_back(all, all.shape);
        b.split(all, &[hidden; 3])
    }
}
