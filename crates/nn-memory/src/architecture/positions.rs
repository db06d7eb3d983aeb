//! Tables of positions, for heads that are turned by them: cosines and sines, or complex numbers.
//!
//! Shared by all blocks: the model's frame holds them, in training every block does until its backward. They are made in
//! FP32 whatever the network computes in, by the first product of the pass, which so brings the workspace.
//!
//! Source: `LlamaRotaryEmbedding.forward` of transformers 5.17, and those that differ from it as said below.

use super::Request;
use crate::program::{Builder, ElementType, Shape, Tensor};

/// How wide the angles are beside the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Angles {
    /// Half as wide: they stand in it twice.
    Twice,
    /// As wide.
    Once,
}

/// Cosines and sines of all positions in the type of `hidden`, length × width.
pub(super) fn rotary_table(b: &mut Builder, request: &Request, hidden: Tensor, width: u64) {
    rotary_table_in(b, request, hidden, width, hidden.element);
}

/// The same in another type.
pub(super) fn rotary_table_in(b: &mut Builder, request: &Request, hidden: Tensor, width: u64, element: ElementType) {
    for table in tables(b, hidden, width, element, Angles::Twice) {
        share(b, request, table);
    }
}

/// Cosines and sines of each angle once, as GPT-OSS takes them.
pub(super) fn rotary_table_of_angles(b: &mut Builder, request: &Request, hidden: Tensor, width: u64) {
    for table in tables(b, hidden, width, hidden.element, Angles::Once) {
        share(b, request, table);
    }
}

/// Cosines and sines that no block's product keeps; who holds them is up to the caller.
pub(super) fn cosines_and_sines(b: &mut Builder, hidden: Tensor, width: u64) -> [Tensor; 2] {
    tables(b, hidden, width, hidden.element, Angles::Twice)
}

/// One table of complex numbers, two FP32 each, as in DeepSeek-V2 and Llama 4.
pub(super) fn complex_table(b: &mut Builder, request: &Request, hidden: Tensor, width: u64) {
    let length = hidden.shape.0[2];
    let table = b.module("", &[], |b| {
        let angles = b.outer_product("freqs", length, width / 2);
        b.local(angles);
        let ones = b.make("ones_like", angles.shape, ElementType::Fp32);
        let polar = b.make("freqs_cis", Shape::of3(1, length, width), ElementType::Fp32);
        b.release(ones);
        b.map("freqs_cis", polar)
    });
    share(b, request, table);
}

fn tables(b: &mut Builder, hidden: Tensor, width: u64, element: ElementType, angles: Angles) -> [Tensor; 2] {
    let length = hidden.shape.0[2];
    b.module("", &[], |b| {
        let all = match angles {
            Angles::Twice => {
                let half = b.outer_product("freqs", length, width / 2);
                b.local(half);
                b.make("emb", Shape::of3(1, length, width), ElementType::Fp32)
            }
            Angles::Once => b.outer_product("freqs", length, width),
        };
        b.local(all);
        let wide = ["cos", "sin"].map(|label| {
            let turned = b.make(label, all.shape, ElementType::Fp32);
            // Times the scale of attention.
            let scaled = b.map(label, turned);
            b.local(scaled)
        });
        let [cosine, sine] = wide;
        [b.named_to("cos", cosine, element), b.named_to("sin", sine, element)]
    })
}

fn share(b: &mut Builder, request: &Request, table: Tensor) {
    if request.pass.trains() {
        b.keep(table);
    } else {
        b.local(table);
    }
}
