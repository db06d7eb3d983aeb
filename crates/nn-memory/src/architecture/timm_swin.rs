//! Swin of timm (`swin_transformer.py` of timm 1.0): attention within windows, shifted in every other block, over stages
//! of which each has half the side and twice the width of the one before.

use super::config::{FLAG, RATE, WIDTH, config, count};
use super::decoder::{alternating_blocks, blocks, divisible};
use super::image::drop_path;
use super::labels::{classify, finish, labels};
use super::{Activation, ConfigError, FieldKind, Request};
use crate::Decimal;
use crate::program::{Builder, ElementType, Linear, Shape, Tensor};

/// Blocks of a stage.
const DEPTH: FieldKind = count(100_000);

config! {
    /// Fields of `SwinTransformer`; `depths` is one field for each stage.
    TimmSwin {
        embed_dim: u64 = 96, WIDTH, "Width of the first stage";
        head_dim: u64 = 32, count(1_000_000), "Head size";
        depths_1: u64 = 2, DEPTH, "Blocks, stage 1";
        depths_2: u64 = 2, DEPTH, "Blocks, stage 2";
        depths_3: u64 = 6, DEPTH, "Blocks, stage 3";
        depths_4: u64 = 2, DEPTH, "Blocks, stage 4";
        window_size: u64 = 7, count(100_000), "Window size";
        image_size: u64 = 224, count(1_000_000), "Image size";
        patch_size: u64 = 4, count(1_000_000), "Patch size";
        num_channels: u64 = 3, count(100_000), "Channels";
        mlp_ratio: u64 = 4, count(1_000), "MLP ratio";
        qkv_bias: bool = 1, FLAG, "Attention bias";
        drop_path_rate: Decimal = 100_000, RATE, "Stochastic depth";
        num_labels: u64 = 1_000, count(1_000_000), "Labels";
    }
}

impl TimmSwin {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let mut heads = divisible("embed_dim", self.embed_dim, "head_dim", self.head_dim)?;
        let mut side = divisible("image_size", self.image_size, "patch_size", self.patch_size)?;
        let mut width = self.embed_dim;
        let pixels = Shape([request.batch, self.num_channels, self.image_size, self.image_size]);
        let pixels = b.input(pixels, b.mode.parameters);
        let labels = labels(b, request, self.num_labels);
        let hidden = b.module("model", &[], |b| {
            let mut x = self.embeddings(b, request, pixels, side);
            // The caller's frame holds what was embedded until the stages have run, each stage's what it was given.
            b.local(x);
            for (place, depth) in [self.depths_1, self.depths_2, self.depths_3, self.depths_4].into_iter().enumerate() {
                x = b.module("", &[x], |b| {
                    if place > 0 {
                        x = merged(b, x, side);
                        b.local(x);
                        side = side.div_ceil(2);
                        (heads, width) = (heads.saturating_mul(2), width.saturating_mul(2));
                    }
                    let stage =
                        Stage { side, window: side.min(self.window_size), heads, width, drops: true, swin: self };
                    stage.lower(b, request, x, depth, place == 0)
                });
            }
            b.layer_norm_module(x, true)
        });
        b.module("head", &[hidden], |b| {
            let pooled = b.mean_of_rows(hidden, Shape::matrix(request.batch, width));
            let logits = classify(b, pooled, self.num_labels);
            finish(b, request, logits, request.run.loss, request.pass.trains().then_some(labels));
        });
        Ok(())
    }

    fn embeddings(&self, b: &mut Builder, request: &Request, pixels: Tensor, side: u64) -> Tensor {
        let width = self.embed_dim;
        let kernel = Shape([width, self.num_channels, self.patch_size, self.patch_size]);
        let weights = b.patch_weights("patch_embed", Some("proj"), kernel);
        b.module("patch_embed", &[], |b| {
            let shape = Shape::of3(request.batch, side.saturating_mul(side), width);
            let projected = b.patches(pixels, weights, shape);
            // Channels lie first in memory: the norm works on a copy.
            b.layer_norm_of_strided(projected, [true, false])
        })
    }
}

/// Four neighbours side by side, normalized and projected to twice the width.
fn merged(b: &mut Builder, x: Tensor, side: u64) -> Tensor {
    b.module("downsample", &[x], |b| {
        let [_, batch, _, width] = x.shape.0;
        let half = side.div_ceil(2);
        let padded = b.pad(x, Shape::of3(batch, 4 * half.saturating_mul(half), width));
        let neighbours = b.contiguous(padded, Shape::of3(batch, half.saturating_mul(half), 4 * width));
        let normal = b.layer_norm_module(neighbours, true);
        b.linear(normal, Linear { name: "reduction", input: 4 * width, output: 2 * width, bias: false })
    })
}

/// Blocks of one side and width.
#[derive(Debug, Clone, Copy)]
struct Stage<'a> {
    side: u64,
    window: u64,
    heads: u64,
    width: u64,
    /// Whether a sample may skip a block.
    drops: bool,
    swin: &'a TimmSwin,
}

impl Stage<'_> {
    /// Blocks without and with a shift take turns; the very first never skips a sample.
    fn lower(&self, b: &mut Builder, request: &Request, x: Tensor, depth: u64, first: bool) -> Tensor {
        if !first {
            return alternating_blocks(b, request, depth, 2, x, |b, x, place| self.block(b, x, place == 1));
        }
        let steady = Self { drops: false, ..*self };
        let x = blocks(b, request, 1, x, |b, x| steady.block(b, x, false));
        alternating_blocks(b, request, depth - 1, 2, x, |b, x, place| self.block(b, x, place == 0))
    }

    fn block(&self, b: &mut Builder, x: Tensor, shifts: bool) -> Tensor {
        let Self { width, .. } = *self;
        let normal = b.layer_norm_module(x, true);
        let attended = b.module("attn", &[normal], |b| self.windows(b, normal, shifts && self.window < self.side));
        let attended = self.drop_path(b, attended);
        let x = b.add(x, attended);
        b.local(x);
        let normal = b.layer_norm_module(x, true);
        let inner = width.saturating_mul(self.swin.mlp_ratio);
        let out = b.module("mlp", &[normal], |b| {
            let up = b.linear(normal, Linear { name: "fc1", input: width, output: inner, bias: true });
            let active = b.activation(Activation::Gelu, up);
            b.linear(active, Linear { name: "fc2", input: inner, output: width, bias: true })
        });
        let out = self.drop_path(b, out);
        b.add(x, out)
    }

    fn drop_path(&self, b: &mut Builder, x: Tensor) -> Tensor {
        if self.drops { drop_path(b, x, self.swin.drop_path_rate) } else { x }
    }

    /// Windows of the image, each attended by itself, put together again.
    fn windows(&self, b: &mut Builder, x: Tensor, shifts: bool) -> Tensor {
        let Self { side, window, width, .. } = *self;
        let batch = x.shape.0[1];
        let across = side.div_ceil(window);
        let area = window.saturating_mul(window);
        let count = across.saturating_mul(across);
        let whole = Shape::of3(batch, count.saturating_mul(area), width);
        let parts = Shape::of3(batch.saturating_mul(count), area, width);
        let table = 2 * window - 1;
        let table = b.parameter("relative_position_bias", Shape::matrix(table.saturating_mul(table), self.heads), 2);
        b.buffer(Shape::matrix(area, area), ElementType::Int64);
        let mask = shifts.then(|| b.buffer(Shape::of3(count, area, area), b.mode.parameters));

        let shifted = if shifts { b.map("roll", x) } else { x };
        let padded = b.pad(shifted, whole);
        // A single window lies as the image does.
        let windows = if count > 1 { b.contiguous(padded, parts) } else { b.view(padded, parts) };
        b.local(windows);
        let attended = b.module("", &[windows], |b| self.attention(b, windows, table, mask));
        b.local(attended);
        let joined = if count > 1 { b.contiguous(attended, whole) } else { b.view(attended, whole) };
        b.release(padded);
        let joined = if whole == x.shape { joined } else { b.cut(joined, x.shape) };
        if shifts {
            b.local(joined);
            b.map("roll", joined)
        } else {
            joined
        }
    }

    /// Written out: timm keeps Swin away from the fused kernels.
    fn attention(&self, b: &mut Builder, x: Tensor, table: Tensor, mask: Option<Tensor>) -> Tensor {
        let Self { heads, width, .. } = *self;
        let [_, windows, area, _] = x.shape.0;
        let shape = Shape([windows, heads, area, self.swin.head_dim]);
        let scores = Shape([windows, heads, area, area]);
        let all = b.linear(x, Linear { name: "qkv", input: width, output: 3 * width, bias: self.swin.qkv_bias });
        let all = b.view_copied_back(all, all.shape);
        b.local(all);
        let parts = b.split(all, &[width, width, width]);
        let [query, key, value] = [0, 1, 2].map(|part| b.view(parts[part], shape));
        let query = b.scale(query);
        b.local(query);
        let (query, key) = (b.flat_heads(query), b.flat_heads(key));
        let weights = b.batched_matmul(query, key, scores);
        let bias = b.module("", &[], |b| {
            let picked = b.picked(table, Shape::matrix(area.saturating_mul(area), heads));
            b.contiguous(picked, Shape([1, heads, area, area]))
        });
        let mut weights = b.add_broadcast(weights, bias);
        if let Some(mask) = mask {
            weights = b.add_constant(weights, mask);
        }
        let weights = if b.mode.autocast.is_some() { b.softmax_in_fp32(weights) } else { b.softmax(weights) };
        b.local(weights);
        let (weights, value) = (b.autocast(weights), b.flat_heads(value));
        let context = b.batched_matmul(weights, value, shape);
        let context = b.unflat_heads(context);
        let context = b.contiguous(context, x.shape);
        b.linear(context, Linear { name: "proj", input: width, output: width, bias: true })
    }
}
