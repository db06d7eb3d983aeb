//! Numbers as people write them, read exactly: `7B`, `1.5e9`, `25_000_000`, `25,000,000`, `0.5`.

use std::fmt;
use std::str::FromStr;

/// Why a text is not the number that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberError {
    /// Nothing but spaces.
    Empty,
    /// Not a number in any accepted form.
    Unreadable,
    /// A minus sign in front.
    Negative,
    /// A fraction where whole things are counted.
    NotWhole,
    /// More decimal places than are kept.
    TooPrecise,
    /// Larger than the type holds.
    TooLarge,
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::Unreadable => "is not a number",
            Self::Negative => "is negative",
            Self::NotWhole => "is not a whole number",
            Self::TooPrecise => "has more than 6 decimal places",
            Self::TooLarge => "is too large",
        })
    }
}

impl std::error::Error for NumberError {}

/// Reads a count: digits, grouped by `,`, `_`, `'` or spaces if at all, with a fraction or an exponent if the result is
/// whole, and with a suffix: K (thousand), M (million), B or G (billion), T (trillion).
///
/// ```
/// use nn_memory::parse_count;
///
/// for (text, count) in [("7B", 7_000_000_000), ("110M", 110_000_000), ("1.5e9", 1_500_000_000), ("25_000_000", 25_000_000), ("25,000,000", 25_000_000), (" 1.5 k ", 1_500)] {
///     assert_eq!(parse_count(text), Ok(count), "{text}");
/// }
/// ```
///
/// # Errors
/// What is wrong with the text; see [`NumberError`].
pub fn parse_count(text: &str) -> Result<u64, NumberError> {
    u64::try_from(parse_scaled(text, 0)?).map_err(|_| NumberError::TooLarge)
}

/// A number of zero or more with up to six decimal places, kept exactly.
///
/// ```
/// use nn_memory::Decimal;
///
/// let factor: Decimal = "2.031".parse()?;
/// assert_eq!(factor.to_string(), "2.031");
/// assert_eq!(Decimal::whole(4).to_string(), "4");
/// # Ok::<(), nn_memory::NumberError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal {
    millionths: u64,
}

impl Decimal {
    const PLACES: u32 = 6;
    /// The denominator of [`Decimal::millionths`].
    pub const ONE: u64 = 10_u64.pow(Self::PLACES);

    /// A whole number.
    pub const fn whole(number: u32) -> Self {
        Self { millionths: number as u64 * Self::ONE }
    }

    /// A number of millionths.
    pub const fn from_millionths(millionths: u64) -> Self {
        Self { millionths }
    }

    /// The number times one million.
    pub const fn millionths(self) -> u64 {
        self.millionths
    }
}

impl FromStr for Decimal {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let millionths = parse_scaled(text, Self::PLACES)?;
        u64::try_from(millionths).map(Self::from_millionths).map_err(|_| NumberError::TooLarge)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.millionths / Self::ONE, self.millionths % Self::ONE);
        if fraction == 0 {
            return write!(f, "{whole}");
        }
        f.write_str(format!("{whole}.{fraction:06}").trim_end_matches('0'))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Writes a count in groups of three: `25,000,000`.
pub fn format_count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Writes a count as short as it can be read back without loss: `110M`, `11.4M`, `8388608`.
///
/// ```
/// use nn_memory::format_count_short;
///
/// for (count, text) in [(110_000_000, "110M"), (11_400_000, "11.4M"), (8_388_608, "8388608"), (2_048, "2048"), (0, "0")] {
///     assert_eq!(format_count_short(count), text);
/// }
/// ```
pub fn format_count_short(count: u64) -> String {
    for (suffix, size) in [('T', 1_000_000_000_000), ('B', 1_000_000_000), ('M', 1_000_000)] {
        if count >= size && count.is_multiple_of(size / 1_000) {
            let (whole, thousandths) = (count / size, count % size / (size / 1_000));
            if thousandths == 0 {
                return format!("{whole}{suffix}");
            }
            let fraction = format!("{thousandths:03}");
            return format!("{whole}.{}{suffix}", fraction.trim_end_matches('0'));
        }
    }
    count.to_string()
}

/// Reads a number times `10^places`, exactly.
pub(crate) fn parse_scaled(text: &str, places: u32) -> Result<u128, NumberError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(NumberError::Empty);
    }
    match text.strip_prefix(['-', '−']) {
        Some(magnitude) => parse_magnitude(magnitude, places).and(Err(NumberError::Negative)),
        None => parse_magnitude(text.strip_prefix('+').unwrap_or(text), places),
    }
}

/// The same of what stands behind the sign.
fn parse_magnitude(text: &str, places: u32) -> Result<u128, NumberError> {
    let (text, suffix) = split_suffix(text.trim_start());
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NumberError::Unreadable);
    }
    let digits = ungroup(whole)? + fraction.trim_end_matches('0');
    let fraction_places = i32::try_from(fraction.trim_end_matches('0').len()).map_err(|_| NumberError::TooPrecise)?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Ok(0);
    }
    let significant = digits.trim_end_matches('0');
    let dropped = i32::try_from(digits.len() - significant.len()).map_err(|_| NumberError::TooLarge)?;
    let power = exponent + suffix + places.cast_signed() - fraction_places + dropped;
    if power < 0 {
        return Err(if places == 0 { NumberError::NotWhole } else { NumberError::TooPrecise });
    }
    let value = significant.parse::<u128>().map_err(|_| NumberError::TooLarge)?;
    10_u128.checked_pow(power.cast_unsigned()).and_then(|scale| value.checked_mul(scale)).ok_or(NumberError::TooLarge)
}

fn split_suffix(text: &str) -> (&str, i32) {
    for (word, power) in [("thousand", 3), ("million", 6), ("billion", 9), ("trillion", 12)] {
        if let Some(text) = text.strip_suffix(word) {
            return (text.trim_end(), power);
        }
    }
    let power = match text.as_bytes().last() {
        Some(b'k' | b'K') => 3,
        Some(b'm' | b'M') => 6,
        Some(b'b' | b'B' | b'g' | b'G') => 9,
        Some(b't' | b'T') => 12,
        _ => return (text, 0),
    };
    (text[..text.len() - 1].trim_end(), power)
}

fn parse_exponent(text: &str) -> Result<i32, NumberError> {
    let exponent: i32 = text.parse().map_err(|_| NumberError::Unreadable)?;
    if exponent.unsigned_abs() > 100 {
        return Err(if exponent > 0 { NumberError::TooLarge } else { NumberError::TooPrecise });
    }
    Ok(exponent)
}

/// Takes the separators out of a grouped number; after the first group each must have three digits, so that a decimal
/// comma is not read as a thousand.
fn ungroup(text: &str) -> Result<String, NumberError> {
    let is_separator = |c: char| matches!(c, ',' | '_' | '\'' | '’' | ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}');
    let mut digits = String::with_capacity(text.len());
    for (index, group) in text.split(is_separator).enumerate() {
        let grouped = text.len() != group.len();
        let length_is_right = if index == 0 { !grouped || (1..=3).contains(&group.len()) } else { group.len() == 3 };
        if !length_is_right || !group.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NumberError::Unreadable);
        }
        digits.push_str(group);
    }
    Ok(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_decimal(text: &str, written: &str) {
        assert_eq!(text.parse::<Decimal>().map(|decimal| decimal.to_string()), Ok(written.to_owned()), "{text}");
    }

    #[test]
    fn counts_are_read_as_people_write_them() {
        for (text, count) in [
            ("0", 0),
            ("007", 7),
            ("+5", 5),
            ("7B", 7_000_000_000),
            ("7b", 7_000_000_000),
            ("0.5T", 500_000_000_000),
            ("7 billion", 7_000_000_000),
            ("1.5 million", 1_500_000),
            ("1.76e12", 1_760_000_000_000),
            ("1E+3", 1_000),
            ("25e-1k", 2_500),
            ("1 000 000", 1_000_000),
            ("1'000", 1_000),
            ("1,000.5k", 1_000_500),
            (".5k", 500),
            ("5.", 5),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_count(text), Ok(count), "{text}");
        }
    }

    #[test]
    fn what_is_no_count_says_why() {
        use NumberError::*;
        for (text, error) in [
            ("", Empty),
            ("   ", Empty),
            (".", Unreadable),
            ("M", Unreadable),
            ("7BB", Unreadable),
            ("1,5", Unreadable),
            ("1,,000", Unreadable),
            ("12,34,567", Unreadable),
            ("1.2.3", Unreadable),
            ("0x10", Unreadable),
            ("NaN", Unreadable),
            ("inf", Unreadable),
            ("7e", Unreadable),
            ("1e9999999999", Unreadable),
            ("٣", Unreadable),
            ("-1", Negative),
            ("−7B", Negative),
            ("--1", Unreadable),
            ("1.5e-2147483648", TooPrecise),
            ("1.5", NotWhole),
            ("1e-101", TooPrecise),
            ("1e400", TooLarge),
            ("18446744073709551616", TooLarge),
            ("99999999999999T", TooLarge),
        ] {
            assert_eq!(parse_count(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn signs_without_end_are_no_number() {
        assert_eq!(parse_count(&"-".repeat(1_000_000)), Err(NumberError::Unreadable));
    }

    #[test]
    fn decimals_keep_their_places() {
        assert_decimal("17.5", "17.5");
        assert_decimal("0.000001", "0.000001");
        assert_decimal("10.10", "10.1");
        assert_decimal("1e2", "100");
        assert_eq!("0.0000001".parse::<Decimal>(), Err(NumberError::TooPrecise));
    }
}
