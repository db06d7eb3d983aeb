//! Number formats and what one value of each takes.

use crate::Choice;

/// The format in which a value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Precision {
    /// IEEE 754 double, 64 bits.
    Fp64,
    /// IEEE 754 single, 32 bits.
    Fp32,
    /// TensorFloat-32: 19 bits inside the matrix units, stored in 32.
    Tf32,
    /// bfloat16: the exponent of FP32 in 16 bits.
    Bf16,
    /// IEEE 754 half, 16 bits.
    Fp16,
    /// 8-bit floating point, E4M3 or E5M2.
    Fp8,
    /// 8-bit integer.
    Int8,
    /// 4-bit integer or NF4; the statistics of each block come on top.
    Int4,
}

struct Row {
    key: &'static str,
    label: &'static str,
    bits: u64,
    floating: bool,
}

impl Precision {
    // A new format is a variant, a row here and a place in ALL.
    const fn row(self) -> Row {
        let (key, label, bits, floating) = match self {
            Self::Fp64 => ("fp64", "FP64", 64, true),
            Self::Fp32 => ("fp32", "FP32", 32, true),
            Self::Tf32 => ("tf32", "TF32", 32, true),
            Self::Bf16 => ("bf16", "BF16", 16, true),
            Self::Fp16 => ("fp16", "FP16", 16, true),
            Self::Fp8 => ("fp8", "FP8", 8, true),
            Self::Int8 => ("int8", "INT8", 8, false),
            Self::Int4 => ("int4", "INT4 / NF4", 4, false),
        };
        Row { key, label, bits, floating }
    }

    /// Bits that one stored value takes.
    ///
    /// ```
    /// use nn_memory::Precision;
    ///
    /// for (precision, bits) in [(Precision::Fp32, 32), (Precision::Tf32, 32), (Precision::Bf16, 16), (Precision::Int4, 4)] {
    ///     assert_eq!(precision.bits(), bits);
    /// }
    /// ```
    pub const fn bits(self) -> u64 {
        self.row().bits
    }

    /// Whether the format is a floating-point one, which gradients need in PyTorch.
    pub const fn is_floating(self) -> bool {
        self.row().floating
    }
}

impl Choice for Precision {
    const ALL: &'static [Self] =
        &[Self::Fp64, Self::Fp32, Self::Tf32, Self::Bf16, Self::Fp16, Self::Fp8, Self::Int8, Self::Int4];

    fn key(self) -> &'static str {
        self.row().key
    }

    fn label(self) -> &'static str {
        self.row().label
    }
}
