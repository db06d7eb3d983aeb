//! ViT of torchvision (`vision_transformer.py` of torchvision 0.26), whose attention is `nn.MultiheadAttention`.

use super::config::{HEADS, LAYERS, RATE, WIDTH, config, count};
use super::decoder::blocks;
use super::image::{Library, Vision};
use super::{Activation, ConfigError, Request};
use crate::Decimal;
use crate::program::{AttentionCall, Builder, Kernel, Linear, Mask, Shape, Softmax, Tensor};

config! {
    /// Fields of `VisionTransformer`.
    TorchvisionVit {
        hidden_size: u64 = 768, WIDTH, "Hidden size";
        intermediate_size: u64 = 3_072, WIDTH, "Intermediate size";
        num_hidden_layers: u64 = 12, LAYERS, "Layers";
        num_attention_heads: u64 = 12, HEADS, "Attention heads";
        image_size: u64 = 224, count(1_000_000), "Image size";
        patch_size: u64 = 16, count(1_000_000), "Patch size";
        hidden_dropout_prob: Decimal = 0, RATE, "Dropout";
        attention_probs_dropout_prob: Decimal = 0, RATE, "Attention dropout";
        num_labels: u64 = 1_000, count(1_000_000), "Labels";
    }
}

impl TorchvisionVit {
    pub(super) fn lower(&self, b: &mut Builder, request: &Request) -> Result<(), ConfigError> {
        let vision = Vision {
            hidden: self.hidden_size,
            intermediate: self.intermediate_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            activation: Activation::Gelu,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            image: self.image_size,
            patch: self.patch_size,
            channels: 3,
            qkv_bias: true,
            labels: self.num_labels,
            tokens: 1,
            library: Library::Torchvision,
        };
        vision.lower(b, request)
    }
}

impl Vision {
    pub(super) fn encoder(&self, b: &mut Builder, request: &Request, x: Tensor, head_dim: u64) -> Tensor {
        // Where nothing trains and nothing is cast, attention is one function. Else it puts positions before samples,
        // and all that is added to its result lies likewise.
        let native = !b.mode.autograd && b.mode.autocast.is_none() && self.heads.is_multiple_of(2);
        let strided = !native && request.batch > 1;
        let block = |b: &mut Builder, x: Tensor, after_another: bool| {
            let normal = b.layer_norm_of_strided(x, [strided && after_another, strided]);
            let attended = b.module("attention", &[normal], |b| {
                // It multiplies by its weights itself: no adapter runs, and that of its second layer holds weights alone.
                let out = b.without_adapters(|b| {
                    if native { self.native(b, normal, head_dim) } else { self.multihead(b, normal, head_dim) }
                });
                b.unused_adapter(self.projections()[1]);
                out
            });
            let attended = b.dropout(attended, self.dropout);
            let x = b.add(attended, x);
            b.local(x);
            let normal = b.layer_norm_of_strided(x, [strided, false]);
            let out = self.mlp(b, normal);
            b.add(x, out)
        };
        let x = blocks(b, request, 1, x, |b, x| block(b, x, false));
        let x = blocks(b, request, self.layers - 1, x, |b, x| block(b, x, true));
        b.layer_norm_of_strided(x, [strided, false])
    }

    const fn projections(&self) -> [Linear; 2] {
        let input = self.hidden;
        [
            Linear { name: "in_proj", input, output: 3 * input, bias: true },
            Linear { name: "out_proj", input, output: input, bias: true },
        ]
    }

    /// `multi_head_attention_forward` without weights to return.
    fn multihead(&self, b: &mut Builder, x: Tensor, head_dim: u64) -> Tensor {
        let [_, batch, length, _] = x.shape.0;
        let [into, out_of] = self.projections();
        let all = if batch > 1 { b.linear_of_strided(x, into, true) } else { b.linear(x, into) };
        let packed = b.map("clone", all);
        let parts = [(); 3].map(|()| b.slice(packed, x.shape));
        b.local(packed);
        let shape = Shape([batch, self.heads, length, head_dim]);
        let context = b.attend_length_first(parts, shape, self.attention_dropout);
        let out = b.linear(context, out_of);
        if batch > 1 { b.view_copied_back(out, out.shape) } else { out }
    }

    /// `_native_multi_head_attention`, which holds all that it makes until it returns.
    fn native(&self, b: &mut Builder, x: Tensor, head_dim: u64) -> Tensor {
        let [_, batch, length, width] = x.shape.0;
        let [into, out_of] = self.projections();
        let shape = Shape([batch, self.heads, length, head_dim]);
        let [query, key, value] = [Tensor { shape, ..x }; 3];
        let call = AttentionCall {
            query,
            key,
            value,
            mask: Mask::Full,
            dropout: Decimal::whole(0),
            softmax: Softmax::Own,
            softcap: false,
            projected: true,
        };
        let attention = b.attention.fused();
        let context = if call.kernel(attention) != Kernel::Math && head_dim.is_multiple_of(8) {
            let all = b.linear(x, into);
            b.local(all);
            let parts = b.split(all, &[width; 3]);
            let [query, key, value] = [0, 1, 2].map(|part| b.view(parts[part], shape));
            b.attend_by(AttentionCall { query, key, value, ..call }, attention)
        } else {
            let product = b.linear(x, Linear { bias: false, ..into });
            b.parameter(into.name, Shape::vector(into.output), 1);
            b.native_attention(product, shape)
        };
        b.local(context);
        b.linear(context, out_of)
    }
}
