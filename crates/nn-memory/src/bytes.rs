//! Amounts of memory, exact, and the two families of units in which they are written.

use std::fmt;
use std::str::FromStr;

use crate::NumberError;
use crate::number::{Decimal, format_count, parse_scaled};

/// An amount of memory in bytes. Arithmetic is checked: nothing wraps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Bytes(u64);

impl Bytes {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many bytes.
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// This many KiB of 1,024 bytes.
    pub const fn kib(kibibytes: u32) -> Self {
        Self(kibibytes as u64 * 1_024)
    }

    /// This many MiB of 1,048,576 bytes.
    pub const fn mib(mebibytes: u32) -> Self {
        Self(mebibytes as u64 * Unit::MIB.bytes)
    }

    /// This many GiB of 1,073,741,824 bytes.
    pub const fn gib(gibibytes: u32) -> Self {
        Self(gibibytes as u64 * Unit::GIB.bytes)
    }

    /// This many GB of 1,000,000,000 bytes.
    pub const fn gb(gigabytes: u32) -> Self {
        Self(gigabytes as u64 * Unit::GB.bytes)
    }

    /// The number of bytes.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sum, unless it is too large.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(bytes) => Some(Self(bytes)),
            None => None,
        }
    }

    /// The difference, or zero where it would be negative.
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self × numerator ÷ denominator`, rounded up, unless it is too large. The denominator must not be zero.
    pub(crate) fn scaled_up(self, numerator: u64, denominator: u64) -> Option<Self> {
        let bytes = (u128::from(self.0) * u128::from(numerator)).div_ceil(u128::from(denominator));
        u64::try_from(bytes).ok().map(Self)
    }

    /// The figure in this unit with two decimal places, rounded half up: `1,967.53`.
    pub fn in_unit(self, unit: Unit) -> String {
        if unit.bytes == 1 {
            return format_count(self.0);
        }
        let unit_bytes = u128::from(unit.bytes);
        let hundredths = (u128::from(self.0) * 100 + unit_bytes / 2) / unit_bytes;
        let whole = u64::try_from(hundredths / 100).unwrap_or(u64::MAX);
        let fraction = u8::try_from(hundredths % 100).unwrap_or_default();
        format!("{}.{fraction:02}", format_count(whole))
    }

    /// The figure with the largest unit in which it is one or more.
    ///
    /// ```
    /// use nn_memory::{Bytes, UnitSystem};
    ///
    /// let bytes = Bytes::new(2_063_104_000);
    /// assert_eq!(bytes.display(UnitSystem::Binary).to_string(), "1.92 GiB");
    /// assert_eq!(bytes.display(UnitSystem::Decimal).to_string(), "2.06 GB");
    /// ```
    pub fn display(self, system: UnitSystem) -> Size {
        let unit = system.units().iter().rev().find(|unit| self.0 >= unit.bytes).unwrap_or(&Unit::BYTE);
        self.size_in(*unit)
    }

    /// The figure and this unit.
    pub fn size_in(self, unit: Unit) -> Size {
        Size { figure: self.in_unit(unit), unit }
    }

    /// The unit for a table whose total is this: the largest of which it is ten or more, so that small parts keep
    /// their figures.
    pub fn table_unit(self, system: UnitSystem) -> Unit {
        let unit = system.units().iter().rev().find(|unit| self.0 / 10 >= unit.bytes);
        *unit.unwrap_or(&Unit::BYTE)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} B", format_count(self.0))
    }
}

impl FromStr for Bytes {
    type Err = NumberError;

    /// Reads a size with its unit: `48 GB`, `48GiB`, `12288 MiB`, `1.5 TiB`; without one, bytes.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let text = text.trim();
        let letters = text.bytes().rev().take_while(u8::is_ascii_alphabetic).count();
        let (number, name) = text.split_at(text.len() - letters);
        let unit = if name.is_empty() { Unit::BYTE } else { Unit::from_name(name).ok_or(NumberError::Unreadable)? };
        let one = u128::from(Decimal::ONE);
        let rounded = parse_scaled(number, 6)?
            .checked_mul(u128::from(unit.bytes))
            .and_then(|millionths| millionths.checked_add(one / 2))
            .map(|millionths| millionths / one);
        rounded.and_then(|bytes| u64::try_from(bytes).ok()).map(Self).ok_or(NumberError::TooLarge)
    }
}

/// Whether units are powers of 1,024 or of 1,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnitSystem {
    /// KiB, MiB, GiB: powers of 1,024, as `nvidia-smi` and PyTorch count.
    #[default]
    Binary,
    /// kB, MB, GB: powers of 1,000, as papers and file sizes count.
    Decimal,
}

impl UnitSystem {
    fn units(self) -> &'static [Unit] {
        match self {
            Self::Binary => &Unit::BINARY,
            Self::Decimal => &Unit::DECIMAL,
        }
    }
}

/// A unit of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    name: &'static str,
    bytes: u64,
}

impl Unit {
    /// One byte.
    pub const BYTE: Self = Self { name: "B", bytes: 1 };
    /// 2^20 bytes.
    pub const MIB: Self = Self { name: "MiB", bytes: 1 << 20 };
    /// 2^30 bytes.
    pub const GIB: Self = Self { name: "GiB", bytes: 1 << 30 };
    /// 10^9 bytes.
    pub const GB: Self = Self { name: "GB", bytes: 1_000_000_000 };

    const BINARY: [Self; 7] = [
        Self::BYTE,
        Self { name: "KiB", bytes: 1 << 10 },
        Self::MIB,
        Self::GIB,
        Self { name: "TiB", bytes: 1 << 40 },
        Self { name: "PiB", bytes: 1 << 50 },
        Self { name: "EiB", bytes: 1 << 60 },
    ];
    const DECIMAL: [Self; 7] = [
        Self::BYTE,
        Self { name: "kB", bytes: 1_000 },
        Self { name: "MB", bytes: 1_000_000 },
        Self::GB,
        Self { name: "TB", bytes: 1_000_000_000_000 },
        Self { name: "PB", bytes: 1_000_000_000_000_000 },
        Self { name: "EB", bytes: 1_000_000_000_000_000_000 },
    ];

    /// Short name: `MiB`.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Bytes in one.
    pub const fn bytes(self) -> u64 {
        self.bytes
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::BINARY.iter().chain(&Self::DECIMAL).copied().find(|unit| unit.name.eq_ignore_ascii_case(name))
    }
}

/// A figure with its unit, ready to be shown: `419.62` and `MiB`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// Grouped digits, two decimal places (none for bytes).
    pub figure: String,
    /// The unit of the figure.
    pub unit: Unit,
}

impl Size {
    /// Without a fraction of zeros: `24 GiB`, `1.5 TiB`.
    pub fn short(&self) -> String {
        let figure = match self.figure.split_once('.') {
            Some((whole, fraction)) if fraction.bytes().all(|digit| digit == b'0') => whole,
            Some(_) => self.figure.trim_end_matches('0'),
            None => &self.figure,
        };
        format!("{figure} {}", self.unit.name)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.figure, self.unit.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_and_decimal_units_are_told_apart() {
        for (bytes, binary, decimal) in [
            (0, "0 B", "0 B"),
            (999, "999 B", "999 B"),
            (1_000, "1,000 B", "1.00 kB"),
            (1_024, "1.00 KiB", "1.02 kB"),
            (440_000_000, "419.62 MiB", "440.00 MB"),
            (350_000_000_000, "325.96 GiB", "350.00 GB"),
            (u64::MAX, "16.00 EiB", "18.45 EB"),
        ] {
            assert_eq!(Bytes::new(bytes).display(UnitSystem::Binary).to_string(), binary);
            assert_eq!(Bytes::new(bytes).display(UnitSystem::Decimal).to_string(), decimal);
        }
    }

    #[test]
    fn a_fraction_of_zeros_is_left_out() {
        for (bytes, short) in [(10, "10 B"), (24 << 30, "24 GiB"), (3 << 29, "1.5 GiB"), (100 << 10, "100 KiB")] {
            assert_eq!(Bytes::new(bytes).display(UnitSystem::Binary).short(), short);
        }
    }

    #[test]
    fn sizes_are_read_with_their_unit() {
        for (text, bytes) in [
            ("48GB", 48_000_000_000),
            ("48 GiB", 48 << 30),
            ("12288 MiB", 12 << 30),
            ("1.5tib", 3 << 39),
            ("0.3 GiB", 322_122_547),
            ("1,024", 1_024),
            ("10 B", 10),
            ("20000000000000 B", 20_000_000_000_000),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Bytes::new(bytes)), "{text}");
        }
        for (text, error) in [
            ("12 GBs", NumberError::Unreadable),
            ("GB", NumberError::Empty),
            ("", NumberError::Empty),
            ("-1 GB", NumberError::Negative),
            ("99999 EiB", NumberError::TooLarge),
        ] {
            assert_eq!(text.parse::<Bytes>(), Err(error), "{text}");
        }
    }

    #[test]
    fn a_table_keeps_the_figures_of_small_parts() {
        let unit = |bytes: u64| Bytes::new(bytes).table_unit(UnitSystem::Binary).name();
        assert_eq!(unit(2_063_104_000), "MiB");
        assert_eq!(unit(10 << 30), "GiB");
        assert_eq!(unit((10 << 30) - 10), "MiB");
        assert_eq!(unit(7), "B");
    }
}
