//! The fields of a family, and a configuration that holds their values.

use std::fmt;
use std::ops::RangeInclusive;

use super::ConfigError;
use super::Family;
use crate::{Choice, Decimal};

/// Most fields that a family has.
pub const MOST_FIELDS: usize = 24;

/// A field of a family's configuration.
#[derive(Debug, Clone, Copy)]
pub struct ConfigField {
    /// As `config.json` writes it: `num_hidden_layers`.
    pub key: &'static str,
    /// As the form writes it: `Layers`.
    pub label: &'static str,
    /// What it takes.
    pub kind: FieldKind,
    /// The family's published default, coded as in [`Config::get`].
    pub default: u64,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// A count within these limits.
    Count {
        /// The least that is accepted.
        minimum: u64,
        /// The most.
        maximum: u64,
    },
    /// A count, or nothing (0), which leaves it to the other fields.
    OptionalCount {
        /// The most that is accepted.
        maximum: u64,
    },
    /// Yes (1) or no (0).
    Flag,
    /// A probability in millionths.
    Rate,
    /// One of these names, by its place.
    Choice(&'static [&'static str]),
}

impl FieldKind {
    /// The limits of its coded values.
    pub const fn limits(self) -> RangeInclusive<u64> {
        match self {
            Self::Count { minimum, maximum } => minimum..=maximum,
            Self::OptionalCount { maximum } => 0..=maximum,
            Self::Flag => 0..=1,
            Self::Rate => 0..=Decimal::ONE,
            Self::Choice(names) => 0..=names.len() as u64 - 1,
        }
    }
}

pub(super) const fn count(maximum: u64) -> FieldKind {
    FieldKind::Count { minimum: 1, maximum }
}

pub(super) const fn optional(maximum: u64) -> FieldKind {
    FieldKind::OptionalCount { maximum }
}

pub(super) const RATE: FieldKind = FieldKind::Rate;
pub(super) const FLAG: FieldKind = FieldKind::Flag;
pub(super) const ACTIVATION: FieldKind = FieldKind::Choice(Activation::NAMES);
/// Limits that the page and links share: larger than anything published, small enough for 64 bits.
pub(super) const VOCABULARY: FieldKind = count(100_000_000);
pub(super) const WIDTH: FieldKind = count(10_000_000);
pub(super) const LAYERS: FieldKind = count(1_000_000);
pub(super) const HEADS: FieldKind = count(1_000_000);
pub(super) const POSITIONS: FieldKind = count(1_000_000_000);
/// Kinds of layers that take turns: each of them is written out, and published models have three to six.
pub(super) const TURNS: FieldKind = count(12);

/// An activation function by its name in `config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `torch.nn.functional.relu`.
    Relu,
    /// The exact one, `torch.nn.functional.gelu`.
    Gelu,
    /// The tanh approximation, written out in Python: eight operators.
    GeluNew,
    /// The tanh approximation in one kernel.
    GeluTanh,
    /// x · sigmoid(1.702 x), written out.
    QuickGelu,
    /// `torch.nn.functional.silu`.
    Silu,
    /// relu(x)², written out.
    Relu2,
    /// `torch.tanh`.
    Tanh,
    /// The exact one written out in Python, around `torch.erf`.
    GeluPython,
    /// Another tanh approximation written out, with products in place of a power.
    GeluFast,
}

impl Activation {
    /// Names as `config.json` writes them, in the order of the variants.
    pub const NAMES: &'static [&'static str] = &[
        "relu",
        "gelu",
        "gelu_new",
        "gelu_pytorch_tanh",
        "quick_gelu",
        "silu",
        "relu2",
        "tanh",
        "gelu_python",
        "gelu_fast",
    ];
}

/// Names of the same operators in the same order (`activations.py` of transformers 5).
const SAME: [(&str, &str); 3] = [("swish", "silu"), ("gelu_accurate", "gelu_new"), ("gelu_python_tanh", "gelu_new")];

/// A value of a typed field, decoded from how a [`Config`] holds it.
pub(super) trait Coded {
    fn decode(code: u64) -> Self;
}

impl Coded for u64 {
    fn decode(code: u64) -> Self {
        code
    }
}

impl Coded for bool {
    fn decode(code: u64) -> Self {
        code != 0
    }
}

impl Coded for Option<u64> {
    fn decode(code: u64) -> Self {
        (code != 0).then_some(code)
    }
}

impl Coded for Decimal {
    fn decode(code: u64) -> Self {
        Self::from_millionths(code)
    }
}

impl Coded for Activation {
    fn decode(code: u64) -> Self {
        match code {
            0 => Self::Relu,
            1 => Self::Gelu,
            2 => Self::GeluNew,
            3 => Self::GeluTanh,
            4 => Self::QuickGelu,
            5 => Self::Silu,
            6 => Self::Relu2,
            7 => Self::Tanh,
            8 => Self::GeluPython,
            _ => Self::GeluFast,
        }
    }
}

/// A family's configuration: a struct of typed fields, and the table that reads, checks and shows them. The fields of
/// another family, with other defaults where given, may stand among its own.
macro_rules! config {
    (@row $field:ident, $default:expr, $kind:expr, $label:literal) => {
        crate::architecture::ConfigField { key: stringify!($field), label: $label, kind: $kind, default: $default }
    };
    (@key $field:ident) => {
        stringify!($field)
    };
    (@key $field:ident $key:ident) => {
        stringify!($key)
    };
    ($(#[$doc:meta])* $name:ident {
        $($field:ident: $type:ty = $default:expr, $kind:expr, $label:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        #[allow(dead_code, reason = "some fields decide a note, not memory")]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)*
        }

        impl $name {
            /// Its fields in the order of the form.
            pub(crate) const FIELDS: &'static [crate::architecture::ConfigField] =
                &[$(config!(@row $field, $default, $kind, $label),)*];

            /// The fields of a configuration, in their order.
            pub(crate) fn decode(codes: &mut std::slice::Iter<'_, u64>) -> Self {
                Self { $($field: crate::architecture::config::next(codes),)* }
            }
        }
    };
    ($(#[$doc:meta])* $name:ident {
        $($field:ident: $type:ty = $default:expr, $kind:expr, $label:literal;)*
        ..$other:ident: $family:ident { $($set:ident $(as $key:ident)? = $to:expr;)* }
        $($after:ident: $after_type:ty = $after_default:expr, $after_kind:expr, $after_label:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)*
            pub(crate) $other: $family,
            $(pub(crate) $after: $after_type,)*
        }

        impl $name {
            /// Its fields in the order of the form.
            pub(crate) const FIELDS: &'static [crate::architecture::ConfigField] = {
                use crate::architecture::{ConfigField, config::joined};

                const BEFORE: &[ConfigField] = &[$(config!(@row $field, $default, $kind, $label),)*];
                const AFTER: &[ConfigField] = &[$(config!(@row $after, $after_default, $after_kind, $after_label),)*];
                const COUNT: usize = BEFORE.len() + $family::FIELDS.len() + AFTER.len();
                &joined::<COUNT>(BEFORE, $family::FIELDS, AFTER, &[$((stringify!($set), config!(@key $set $($key)?), $to),)*])
            };

            /// The fields of a configuration, in their order.
            pub(crate) fn decode(codes: &mut std::slice::Iter<'_, u64>) -> Self {
                Self {
                    $($field: crate::architecture::config::next(codes),)*
                    $other: $family::decode(codes),
                    $($after: crate::architecture::config::next(codes),)*
                }
            }
        }
    };
}
pub(super) use config;

/// The next field's value.
pub(super) fn next<T: Coded>(codes: &mut std::slice::Iter<'_, u64>) -> T {
    T::decode(codes.next().copied().unwrap_or(0))
}

/// A family's own fields around those of another, some with another key or default (`changes`: key there, key here,
/// default). Told while this is compiled, a key that no field has is an error of the compiler.
pub(super) const fn joined<const COUNT: usize>(
    before: &[ConfigField],
    other: &[ConfigField],
    after: &[ConfigField],
    changes: &[(&str, &'static str, u64)],
) -> [ConfigField; COUNT] {
    let mut fields = [other[0]; COUNT];
    let (own, rest) = fields.split_at_mut(before.len());
    own.copy_from_slice(before);
    let (others, own) = rest.split_at_mut(other.len());
    others.copy_from_slice(other);
    own.copy_from_slice(after);
    let mut next = 0;
    while next < changes.len() {
        let (there, key, default) = changes[next];
        let place = place_of(there, &fields);
        fields[place].key = key;
        fields[place].default = default;
        next += 1;
    }
    fields
}

const fn place_of(key: &str, fields: &[ConfigField]) -> usize {
    let mut place = 0;
    while !same(fields[place].key.as_bytes(), key.as_bytes()) {
        place += 1;
    }
    place
}

/// `==` of slices cannot be called while this is compiled.
const fn same(one: &[u8], other: &[u8]) -> bool {
    match (one, other) {
        ([], []) => true,
        ([first, one @ ..], [second, other @ ..]) => *first == *second && same(one, other),
        _ => false,
    }
}

/// A described network: a family and a value for each of its fields.
#[derive(Clone, Copy)]
pub struct Config {
    family: Family,
    /// Those of the family: what only writes a configuration need not link the tables of all of them.
    fields: &'static [ConfigField],
    codes: [u64; MOST_FIELDS],
}

impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        (self.family, self.codes) == (other.family, other.codes)
    }
}

impl Eq for Config {}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}

impl Config {
    /// The family's published defaults.
    pub fn of(family: Family) -> Self {
        let (fields, mut codes) = (family.fields(), [0; MOST_FIELDS]);
        for (code, field) in codes.iter_mut().zip(fields) {
            *code = field.default;
        }
        Self { family, fields, codes }
    }

    /// Its family.
    pub const fn family(&self) -> Family {
        self.family
    }

    /// The fields with their coded values: counts as they are, nothing as 0, yes as 1, rates in millionths, choices by
    /// their place.
    pub fn fields(&self) -> impl Iterator<Item = (&'static ConfigField, u64)> + '_ {
        self.fields.iter().zip(self.codes)
    }

    pub(super) fn codes(&self) -> &[u64] {
        &self.codes
    }

    /// The coded value of a field; none where the family has none of this name.
    pub fn get(&self, key: &str) -> Option<u64> {
        self.fields().find(|(field, _)| field.key == key).map(|(_, code)| code)
    }

    /// Gives a field another coded value.
    ///
    /// # Errors
    /// [`ConfigError::OutOfRange`] outside the field's limits, [`ConfigError::UnknownField`] where there is none.
    pub fn set(&mut self, key: &str, code: u64) -> Result<(), ConfigError> {
        let fields = self.fields;
        let place = fields.iter().position(|field| field.key == key);
        let place = place.ok_or_else(|| ConfigError::UnknownField { field: key.to_owned() })?;
        let limits = fields[place].kind.limits();
        if !limits.contains(&code) {
            return Err(ConfigError::OutOfRange { field: fields[place].key, given: code, limits });
        }
        self.codes[place] = code;
        Ok(())
    }

    /// As `config.json` writes it: `model_type`, then the fields that differ from the family's defaults.
    pub fn to_json(&self) -> String {
        use std::fmt::Write as _;

        let mut text = format!("{{\"model_type\":\"{}\"", self.family.model_type());
        for (field, code) in self.fields().filter(|(field, code)| *code != field.default) {
            let _ = write!(text, ",\"{}\":", field.key);
            let _ = match field.kind {
                FieldKind::OptionalCount { .. } if code == 0 => write!(text, "null"),
                FieldKind::Count { .. } | FieldKind::OptionalCount { .. } => write!(text, "{code}"),
                FieldKind::Flag => write!(text, "{}", code != 0),
                FieldKind::Rate => write!(text, "{}", Decimal::from_millionths(code)),
                FieldKind::Choice(names) => {
                    // `set` keeps codes within the names.
                    write!(text, "\"{}\"", usize::try_from(code).ok().and_then(|place| names.get(place)).unwrap_or(&""))
                }
            };
        }
        text.push('}');
        text
    }

    /// The code of a name among a field's choices, synonyms included.
    pub(super) fn place(names: &[&str], name: &str) -> Option<u64> {
        let name = SAME.iter().find(|(synonym, _)| *synonym == name).map_or(name, |(_, name)| name);
        names.iter().position(|known| *known == name).map(|place| place as u64)
    }
}

impl Choice for Family {
    const ALL: &'static [Self] = Self::EVERY;

    fn key(self) -> &'static str {
        self.model_type()
    }

    fn label(self) -> &'static str {
        self.name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(fields: &[ConfigField]) -> Vec<(&str, &str, FieldKind, u64)> {
        fields.iter().map(|field| (field.key, field.label, field.kind, field.default)).collect()
    }

    #[test]
    fn a_family_has_anothers_fields_among_its_own_with_its_own_defaults() {
        let electra = rows(Family::Electra.fields());
        let bert = rows(Family::Bert.fields());
        assert_eq!(electra[0], ("embedding_size", "Width of the embeddings", WIDTH, 128));
        assert_eq!(electra[1], ("hidden_size", "Hidden size", WIDTH, 256));
        assert_eq!(electra[3], bert[2]);
        assert_eq!(electra.len(), bert.len() + 1);

        let gemma2 = rows(Family::Gemma2.fields());
        assert_eq!(gemma2.len(), Family::Gemma.fields().len() + 1);
        assert_eq!(gemma2.last().map(|row| row.0), Some("sliding_window"));
    }

    #[test]
    fn values_reach_the_fields_before_among_and_after_anothers() {
        let codes: Vec<u64> = (1..).take(Family::Electra.fields().len()).collect();
        let electra = crate::architecture::electra::Electra::decode(&mut codes.iter());
        assert_eq!((electra.embedding_size, electra.bert.hidden_size, electra.bert.num_labels), (1, 2, 13));

        let codes: Vec<u64> = (1..).take(Family::Gemma2.fields().len()).collect();
        let gemma2 = crate::architecture::gemma2::Gemma2::decode(&mut codes.iter());
        assert_eq!((gemma2.gemma.hidden_size, gemma2.sliding_window), (1, Some(13)));
    }
}
