//! Tensors by shape and element type.

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ElementType {
    /// Double precision.
    Fp64,
    /// Single precision.
    Fp32,
    /// bfloat16.
    Bf16,
    /// Half precision.
    Fp16,
    /// 64-bit integers: token ids, labels, positions.
    Int64,
    /// 32-bit integers: the offsets of grouped matrix products.
    Int32,
    /// One byte: masks, 8-bit optimizer states.
    Byte,
}

impl ElementType {
    /// Bytes of one element.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Fp64 | Self::Int64 => 8,
            Self::Fp32 | Self::Int32 => 4,
            Self::Bf16 | Self::Fp16 => 2,
            Self::Byte => 1,
        }
    }

    /// Name as PyTorch writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fp64 => "float64",
            Self::Fp32 => "float32",
            Self::Bf16 => "bfloat16",
            Self::Fp16 => "float16",
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Byte => "uint8",
        }
    }

    /// Whether PyTorch upcasts it in losses and norms that are written for FP32.
    pub(crate) const fn is_half(self) -> bool {
        matches!(self, Self::Bf16 | Self::Fp16)
    }
}

/// Up to four dimensions, the last one fastest; missing leading ones are 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape(pub [u64; 4]);

impl Shape {
    pub(crate) const SCALAR: Self = Self([1; 4]);

    pub(crate) const fn vector(length: u64) -> Self {
        Self([1, 1, 1, length])
    }

    pub(crate) const fn matrix(rows: u64, columns: u64) -> Self {
        Self([1, 1, rows, columns])
    }

    pub(crate) const fn of3(a: u64, b: u64, c: u64) -> Self {
        Self([1, a, b, c])
    }

    /// The last dimension.
    pub(crate) const fn width(self) -> u64 {
        self.0[3]
    }

    /// The same with another last dimension.
    pub(crate) const fn with_width(self, width: u64) -> Self {
        Self([self.0[0], self.0[1], self.0[2], width])
    }

    /// Elements; none where they pass 64 bits.
    pub(crate) fn elements(self) -> Option<u64> {
        self.0[0].checked_mul(self.0[1])?.checked_mul(self.0[2])?.checked_mul(self.0[3])
    }

    /// Elements without the last dimension.
    pub(crate) const fn rows(self) -> Self {
        self.with_width(1)
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut separator = "";
        let leading = self.0.iter().take(3).take_while(|&&length| length == 1).count();
        for length in &self.0[leading..] {
            write!(f, "{separator}{length}")?;
            separator = " × ";
        }
        Ok(())
    }
}

/// A tensor of a program: a copyable handle with what rules ask of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) id: u32,
    pub(crate) shape: Shape,
    pub(crate) element: ElementType,
    pub(crate) requires_grad: bool,
}
