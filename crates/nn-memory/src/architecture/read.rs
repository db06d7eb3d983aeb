//! Reads a `config.json`.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::layer_types::{LAYER_TYPES, MLP_LAYER_TYPES, WINDOW_PATTERN, has_window_or_experts, is_turn};
use super::unfollowed::unfollowed;
use super::{Config, Family, FieldKind};
use crate::{Choice, Decimal, format_count};

/// What can be wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The text is no JSON object.
    NotJson {
        /// What the reader stumbled over, and where.
        reason: String,
    },
    /// The text is longer than any configuration.
    TooLong {
        /// Bytes given.
        bytes: u64,
    },
    /// There is no `model_type`.
    NoModelType,
    /// The family is not supported.
    UnknownModelType {
        /// As it was given.
        model_type: String,
    },
    /// A field holds something of another type.
    WrongType {
        /// The field.
        field: &'static str,
        /// What was given, in words.
        given: String,
        /// What it takes, in words.
        expected: String,
    },
    /// A value lies outside the field's limits.
    OutOfRange {
        /// The field.
        field: &'static str,
        /// What was given.
        given: u64,
        /// What is accepted.
        limits: RangeInclusive<u64>,
    },
    /// The family has no such field.
    UnknownField {
        /// As it was given.
        field: String,
    },
    /// One field must be a multiple of another.
    NotDivisible {
        /// The field to change.
        field: &'static str,
        /// Its value.
        given: u64,
        /// The field that must divide it.
        by: &'static str,
        /// The value of that.
        divisor: u64,
    },
    /// One field may be no more than another.
    MoreThan {
        /// The field to change.
        field: &'static str,
        /// Its value.
        given: u64,
        /// The field that limits it.
        by: &'static str,
        /// The value of that.
        limit: u64,
    },
    /// A field, or its quotient by another, must be even.
    Odd {
        /// The field to change.
        field: &'static str,
        /// The field that divides it, where one does.
        by: Option<&'static str>,
        /// The field's value, or the quotient.
        given: u64,
    },
    /// A tensor of the network passes the limits of 64 bits.
    TooLarge,
}

impl ConfigError {
    /// The field to change, where it is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::NotJson { .. } | Self::TooLong { .. } | Self::TooLarge => None,
            Self::NoModelType | Self::UnknownModelType { .. } => Some("model_type"),
            Self::WrongType { field, .. }
            | Self::OutOfRange { field, .. }
            | Self::NotDivisible { field, .. }
            | Self::MoreThan { field, .. }
            | Self::Odd { field, .. } => Some(field),
            Self::UnknownField { field } => Some(field),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { reason } => write!(f, "not a JSON object: {reason}"),
            Self::TooLong { bytes } => {
                let (given, limit) = (format_count(*bytes), format_count(Config::LONGEST));
                write!(f, "{given} bytes are too many for a config.json; at most {limit} are read")
            }
            Self::NoModelType => f.write_str("model_type is missing: it names the family, such as \"llama\""),
            Self::UnknownModelType { model_type } => {
                write!(f, "model_type {:?} is not supported; supported are ", shown(model_type))?;
                for (place, family) in Family::ALL.iter().enumerate() {
                    if place > 0 {
                        f.write_str(", ")?;
                    }
                    f.write_str(family.model_type())?;
                }
                Ok(())
            }
            Self::WrongType { field, given, expected } => write!(f, "{field} must be {expected}, got {given}"),
            Self::OutOfRange { field, given, limits } => {
                let [least, most, given] = [*limits.start(), *limits.end(), *given].map(format_count);
                write!(f, "{field} must be {least} to {most}, got {given}")
            }
            Self::UnknownField { field } => write!(f, "{field} is no field of this family"),
            Self::NotDivisible { field, given, by, divisor } => {
                write!(f, "{field} must be divisible by {by} ({divisor}), got {given}")
            }
            Self::MoreThan { field, given, by, limit } => {
                write!(f, "{field} must be no more than {by} ({limit}), got {given}")
            }
            Self::Odd { field, by: None, given } => write!(f, "{field} must be even, got {given}"),
            Self::Odd { field, by: Some(by), given } => {
                write!(f, "{field} divided by {by}, the size of a head, must be even, got {given}")
            }
            Self::TooLarge => f.write_str("the network is too large: a tensor passes 2^50 bytes"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// A value, as far as configurations need it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Null,
    Flag(bool),
    Count(u64),
    /// No field takes one but -1, which is none.
    Negative(i64),
    Number(f64),
    Text(String),
    /// Of each element, where it is a type of layers, whether those have a window, or experts.
    List(Vec<Option<bool>>),
    /// How many entries it has, and those that were read.
    Object(u64, Entries),
}

impl Value {
    fn words(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Flag(flag) => flag.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Negative(count) => count.to_string(),
            // As a file writes it: 4096.0 is no whole number there.
            Self::Number(number) => format!("{number:?}"),
            Self::Text(text) => format!("{:?}", shown(text)),
            Self::List(_) => "a list".into(),
            Self::Object(..) => "an object".into(),
        }
    }
}

/// The entries of an object in their order; of equal keys, all.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entries(Vec<(String, Value)>);

impl Entries {
    /// The last of a key: that is the one which counts.
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().rfind(|(other, _)| other == key).map(|(_, value)| value)
    }

    fn name(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Value::Text(name)) => Some(name),
            _ => None,
        }
    }

    /// The field by which layers are left out at random, where the family does that.
    fn layer_drop(&self, family: Family) -> Option<&'static str> {
        let fields: &[_] = match family {
            Family::Bart => &["encoder_layerdrop", "decoder_layerdrop"],
            Family::Opt => &["layerdrop"],
            _ => &[],
        };
        let drops = |field: &&str| match self.get(field) {
            Some(Value::Number(rate)) => *rate > 0.0,
            Some(Value::Count(rate)) => *rate > 0,
            _ => false,
        };
        fields.iter().copied().find(drops)
    }

    fn list(&self, key: &str) -> Option<&[Option<bool>]> {
        match self.get(key) {
            Some(Value::List(listed)) => Some(listed),
            _ => None,
        }
    }

    fn family(&self) -> Result<Family, ConfigError> {
        match self.get("model_type") {
            Some(Value::Text(model_type)) => Family::from_key(model_type)
                .or_else(|| in_blocks_of(model_type))
                .ok_or_else(|| ConfigError::UnknownModelType { model_type: model_type.clone() }),
            Some(other) => {
                let (given, expected) = (other.words(), "a name".into());
                Err(ConfigError::WrongType { field: "model_type", given, expected })
            }
            None => Err(ConfigError::NoModelType),
        }
    }
}

/// The family whose blocks a published network has under a `model_type` of its own, which transformers does not know. Kimi K2
/// names itself so that servers can tell it from DeepSeek-V3, as which it is to be run where they cannot
/// (<https://github.com/MoonshotAI/Kimi-K2/blob/main/docs/deploy_guidance.md>).
fn in_blocks_of(model_type: &str) -> Option<Family> {
    (model_type == "kimi_k2").then_some(Family::DeepseekV3)
}

/// Where the language model of a network stands that reads more than text.
const TEXT_CONFIG: &str = "text_config";

/// Our own field of T5 and mT5, for what weights hold and no file of theirs says.
const SEPARATE_LM_HEAD: &str = "separate_lm_head";

/// Where MPT's attention is described.
const ATTENTION_CONFIG: &str = "attn_config";

/// Where transformers 5 writes how positions turn.
const ROTARY_CONFIG: &str = "rope_parameters";

/// Reads a value: of objects the outermost, and so many of those within that describe the text part, attention or
/// positions. All others are counted, however deep they nest.
#[derive(Clone, Copy, Default)]
struct Read {
    objects: u8,
    /// Whether the elements of a list are read.
    lists: bool,
}

impl<'de> DeserializeSeed<'de> for Read {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Read {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_u64<E>(self, count: u64) -> Result<Value, E> {
        Ok(Value::Count(count))
    }

    fn visit_i64<E>(self, count: i64) -> Result<Value, E> {
        Ok(u64::try_from(count).map_or(Value::Negative(count), Value::Count))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut kinds = Vec::new();
        if self.lists {
            while let Some(value) = list.next_element_seed(Self::default())? {
                kinds.push(match value {
                    Value::Text(layer_type) => has_window_or_experts(&layer_type),
                    _ => None,
                });
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::List(kinds))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (mut length, mut entries) = (0, Vec::new());
        let Some(within) = self.objects.checked_sub(1) else {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                length += 1;
            }
            return Ok(Value::Object(length, Entries::default()));
        };
        while let Some(key) = map.next_key::<String>()? {
            let read = [TEXT_CONFIG, ATTENTION_CONFIG, ROTARY_CONFIG].contains(&key.as_str());
            let objects = if read { within } else { 0 };
            let value = map.next_value_seed(Self { objects, lists: true })?;
            entries.push((key, value));
            length += 1;
        }
        Ok(Value::Object(length, Entries(entries)))
    }
}

/// What a file describes.
struct Described {
    family: Family,
    entries: Entries,
    /// What stands around them, where they are those of a text part.
    around: Option<Entries>,
}

impl Described {
    fn of(text: &str) -> Result<Self, ConfigError> {
        let bytes = text.len() as u64;
        if bytes > Config::LONGEST {
            return Err(ConfigError::TooLong { bytes });
        }
        // Some editors begin a file with a mark of its byte order.
        let text = text.trim_start_matches('\u{feff}');
        let mut json = serde_json::Deserializer::from_str(text);
        let read =
            Read { objects: 2, lists: false }.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
        let entries = match read {
            Ok(Value::Object(_, entries)) => entries,
            Ok(other) => return Err(ConfigError::NotJson { reason: format!("it is {}", other.words()) }),
            Err(error) => return Err(ConfigError::NotJson { reason: stumbled(text, &error) }),
        };
        match (entries.family(), entries.get(TEXT_CONFIG)) {
            (Err(unknown @ ConfigError::UnknownModelType { .. }), Some(Value::Object(_, text))) => {
                let family = match text.family() {
                    Err(ConfigError::NoModelType) => Err(unknown),
                    family => family,
                }?;
                Ok(Self { family, entries: text.clone(), around: Some(entries) })
            }
            (family, _) => Ok(Self { family: family?, entries, around: None }),
        }
    }
}

impl Described {
    /// Whether fields of the family stand within this one.
    fn nests(&self, key: &str) -> bool {
        key == ROTARY_CONFIG || self.family == Family::Mpt && key == ATTENTION_CONFIG
    }

    fn config(&self) -> Result<Config, ConfigError> {
        let mut config = Config::of(self.family);
        for (key, value) in &self.entries.0 {
            match value {
                Value::Object(_, Entries(within)) if self.nests(key) => {
                    within.iter().try_for_each(|(key, value)| config.read(key, value))?;
                }
                _ => config.read(key, value)?,
            }
        }
        if let Some(listed) = self.entries.list(LAYER_TYPES) {
            config.take_windows(listed);
        }
        if let Some(listed) = self.entries.list(MLP_LAYER_TYPES) {
            config.take_experts(listed);
        }
        if self.lm_head() == Some(LmHead::Separate) {
            config.set(SEPARATE_LM_HEAD, 1)?;
        }
        Ok(config)
    }

    /// What becomes of the head where a file says that it is not tied and the network's code ties it all the same; nothing
    /// where the file says of itself which it is. The weights of T5 v1.1, on which FLAN-T5 and mT5 are built, hold one apart
    /// (<https://huggingface.co/docs/transformers/model_doc/t5v1.1>).
    fn lm_head(&self) -> Option<LmHead> {
        let untied = self.entries.get("tie_word_embeddings") == Some(&Value::Flag(false));
        let told = self.entries.get(SEPARATE_LM_HEAD).is_some();
        if !untied || told || !matches!(self.family, Family::T5 | Family::Mt5) {
            return None;
        }
        // A file that was saved with a model names its class.
        Some(if self.entries.get("architectures").is_some() { LmHead::Separate } else { LmHead::Tied })
    }
}

/// What is counted of a head that a file says is not tied, in T5 and mT5.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LmHead {
    /// The file was saved with a model, whose head `from_pretrained` keeps apart.
    Separate,
    /// The file describes a network without weights: `from_config` ties the head.
    Tied,
}

/// What a file says that its [`Config`] does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remark {
    /// The network has other parts beside its `text_config`, which alone is read.
    TextPart {
        /// The whole network's.
        model_type: String,
    },
    /// It has the blocks of a family under another name.
    BlocksOf {
        /// As it was given: `kimi_k2`.
        model_type: String,
        /// As which it is read.
        family: Family,
    },
    /// Its weights are stored quantized.
    Quantized,
    /// It leaves out layers at random while it trains.
    LayerDrop {
        /// The field that says so.
        field: &'static str,
    },
    /// It lists layers with a window in another order than is followed.
    LayerTypes,
    /// A field that changes memory is not followed.
    Unfollowed {
        /// The field.
        field: &'static str,
        /// What is counted in place of its value.
        counted: String,
    },
    /// It says that the head is not tied.
    LmHead(LmHead),
    /// It was published in this type.
    Published {
        /// As it was given: `bfloat16`.
        dtype: String,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TextPart { model_type } => write!(
                f,
                "This is the language model of {} alone: what reads images or sound is not counted.",
                shown(model_type)
            ),
            Self::BlocksOf { model_type, family } => {
                write!(f, "{} has the blocks of {}, as which it is read.", shown(model_type), family.model_type())
            }
            Self::Quantized => f.write_str(
                "Its weights are stored quantized (quantization_config), which is not counted: they take the type of the \
                 chosen precision.",
            ),
            Self::LayerDrop { field } => write!(
                f,
                "{field} leaves out layers at random while it trains: a step is followed in which none is."
            ),
            Self::LayerTypes => f.write_str(
                "layer_types gives a window to other layers than the fields of this family say, which are followed: masks and \
                 the key-value cache may be off.",
            ),
            Self::Unfollowed { field, counted } => write!(f, "{field} is not followed: counted as {counted}."),
            Self::LmHead(LmHead::Separate) => f.write_str(
                "Counted with an lm_head of its own, which the published weights have and from_pretrained keeps; from_config \
                 ties it to the embeddings.",
            ),
            Self::LmHead(LmHead::Tied) => f.write_str(
                "lm_head is counted as tied to the embeddings, as from_config makes it although tie_word_embeddings is false. \
                 Published weights may hold one of its own, which from_pretrained keeps: say so in separate_lm_head.",
            ),
            Self::Published { dtype } => {
                write!(f, "Published in {}, which is not taken over: choose the precision of the run.", shown(dtype))
            }
        }
    }
}

/// What the reader stumbled over, with what stands there.
fn stumbled(text: &str, error: &serde_json::Error) -> String {
    let line = text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default();
    // The column counts bytes, and may lie within a character.
    let place = line.floor_char_boundary(error.column().saturating_sub(1));
    let there = line.get(place..).unwrap_or_default().trim();
    if there.is_empty() { error.to_string() } else { format!("{error}, at “{}”", shown(there)) }
}

/// As much of a name as a message has room for.
fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

/// Names that other members of a family, or older versions, have for a field.
const SYNONYMS: [(&str, &str); 12] = [
    ("n_ctx", "n_positions"),
    ("max_position_embeddings", "n_positions"),
    ("num_attention_heads", "n_head"),
    ("num_attention_heads", "num_heads"),
    ("num_hidden_layers", "n_layer"),
    ("num_hidden_layers", "num_layers"),
    ("hidden_size", "n_embd"),
    ("n_layer", "num_hidden_layers"),
    ("n_head", "num_attention_heads"),
    ("n_embed", "hidden_size"),
    ("activation_function", "hidden_act"),
    ("partial_rotary_factor", "rotary_pct"),
];

impl Config {
    /// The longest text that is read, in bytes: published configurations have a few thousand.
    pub const LONGEST: u64 = 1 << 20;

    /// Reads a `config.json`: `model_type` picks the family, unknown fields are ignored, missing ones get the family's
    /// published defaults. Of a network that reads images or sound as well, the language model is read, which stands
    /// in its `text_config`; [`Self::remarks`] tells. Of MPT, `attn_config` is read as well. `layer_types` counts where
    /// the family's fields can say which layers have a window. T5 and mT5 that were saved with a model, and say that the
    /// head is not tied, have one of their own, unless `separate_lm_head` says otherwise.
    ///
    /// ```
    /// use nn_memory::Config;
    ///
    /// let config = Config::from_json(r#"{"model_type": "llama", "hidden_size": 2048, "torch_dtype": "bfloat16"}"#)?;
    /// assert_eq!((config.get("hidden_size"), config.get("num_hidden_layers")), (Some(2_048), Some(32)));
    ///
    /// let error = Config::from_json(r#"{"model_type": "llama", "hidden_size": "large"}"#).unwrap_err();
    /// assert_eq!(error.to_string(), "hidden_size must be a whole number from 1 to 10,000,000, got \"large\"");
    /// # Ok::<(), nn_memory::ConfigError>(())
    /// ```
    ///
    /// # Errors
    /// Text that is no JSON object or longer than 1 MiB, a family that is not supported, a field of a wrong type or
    /// outside its limits: the error names the field.
    pub fn from_json(text: &str) -> Result<Self, ConfigError> {
        Described::of(text)?.config()
    }

    /// What a `config.json` says that the configuration read from it does not hold; nothing of a text that is none.
    ///
    /// ```
    /// use nn_memory::Config;
    ///
    /// let text = r#"{"model_type": "llava", "text_config": {"model_type": "llama"}, "dtype": "float16"}"#;
    /// let remarks: Vec<_> = Config::remarks(text).iter().map(ToString::to_string).collect();
    /// assert_eq!(
    ///     remarks,
    ///     [
    ///         "This is the language model of llava alone: what reads images or sound is not counted.",
    ///         "Published in float16, which is not taken over: choose the precision of the run.",
    ///     ]
    /// );
    /// ```
    pub fn remarks(text: &str) -> Vec<Remark> {
        let Ok(described) = Described::of(text) else { return Vec::new() };
        let config = described.config().ok();
        let listed = |key| config.as_ref().zip(described.entries.list(key));
        let windows = listed(LAYER_TYPES)
            .and_then(|(config, listed)| (!config.has_windows(listed)).then_some(Remark::LayerTypes));
        let experts = listed(MLP_LAYER_TYPES).and_then(|(config, listed)| config.other_experts(listed)).map(|dense| {
            let counted = format!("experts in all layers but the first {}", format_count(dense));
            Remark::Unfollowed { field: MLP_LAYER_TYPES, counted }
        });
        let head = described.lm_head().map(Remark::LmHead);
        let Described { family, entries, around } = described;
        let whole = around.as_ref().unwrap_or(&entries);
        // The name before and since transformers 5.
        let dtype =
            [whole, &entries].into_iter().find_map(|part| part.name("dtype").or_else(|| part.name("torch_dtype")));
        let text_part = around.as_ref().and_then(|around| around.name("model_type"));
        let text_part = text_part.map(|model_type| Remark::TextPart { model_type: model_type.to_owned() });
        let blocks_of = entries.name("model_type").filter(|model_type| *model_type != family.model_type());
        let blocks_of = blocks_of.map(|model_type| Remark::BlocksOf { model_type: model_type.to_owned(), family });
        let quantized = [whole, &entries]
            .into_iter()
            .any(|part| matches!(part.get("quantization_config"), Some(Value::Object(..))))
            .then_some(Remark::Quantized);
        let published = dtype.map(|dtype| Remark::Published { dtype: dtype.to_owned() });
        let dropped = entries.layer_drop(family).map(|field| Remark::LayerDrop { field });
        let unfollowed = unfollowed(family, |key| entries.get(key))
            .map(|(field, counted)| Remark::Unfollowed { field, counted: counted.to_string() });
        let before = [text_part, blocks_of, quantized, dropped, windows, experts, head].into_iter().flatten();
        before.chain(unfollowed).chain(published).collect()
    }

    fn read(&mut self, key: &str, value: &Value) -> Result<(), ConfigError> {
        let fields = self.family().fields();
        let find = |key: &str| fields.iter().find(|field| field.key == key);
        let synonym = || SYNONYMS.iter().filter(|(other, _)| *other == key).find_map(|(_, name)| find(name));
        // The labels of a classifier are listed, not counted.
        let labels = || (key == "id2label").then(|| find("num_labels")).flatten();
        let Some(field) = find(key).or_else(synonym).or_else(labels) else { return Ok(()) };
        let wrong = |expected: &str| ConfigError::WrongType {
            field: field.key,
            given: value.words(),
            expected: expected.to_owned(),
        };
        let code = match (field.kind, value) {
            (FieldKind::Count { .. } | FieldKind::OptionalCount { .. }, Value::Count(count)) => *count,
            (FieldKind::Count { .. }, Value::Object(length, _)) if key == "id2label" => *length,
            // EXAONE's files write a turn out: "LLLG".
            (FieldKind::Count { .. }, Value::Text(turn)) if key == WINDOW_PATTERN && is_turn(turn) => turn.len() as u64,
            // DeBERTa writes -1 for none.
            (FieldKind::OptionalCount { .. }, Value::Null | Value::Negative(-1)) => 0,
            // Fields that a configuration leaves out are sometimes written as null.
            (_, Value::Null) => field.default,
            (FieldKind::Count { minimum, maximum }, _) => {
                let [least, most] = [minimum, maximum].map(format_count);
                return Err(wrong(&format!("a whole number from {least} to {most}")));
            }
            // Some limits are written as 8.0.
            (FieldKind::OptionalCount { .. }, Value::Number(number)) if *number >= 0.0 && *number <= 1e6 => {
                whole_at_least(*number)
            }
            (FieldKind::OptionalCount { .. }, _) => return Err(wrong("a whole number or null")),
            (FieldKind::Flag, Value::Flag(flag)) => u64::from(*flag),
            (FieldKind::Flag, _) => return Err(wrong("true or false")),
            (FieldKind::Rate, Value::Number(rate)) if (0.0..=1.0).contains(rate) => millionths(*rate),
            (FieldKind::Rate, Value::Count(rate)) if *rate <= 1 => rate * Decimal::ONE,
            (FieldKind::Rate, _) => return Err(wrong("a number from 0 to 1")),
            (FieldKind::Choice(names), Value::Text(name)) => {
                Self::place(names, name).ok_or_else(|| wrong(&format!("one of {}", names.join(", "))))?
            }
            (FieldKind::Choice(names), _) => return Err(wrong(&format!("one of {}", names.join(", ")))),
        };
        self.set(field.key, code)
    }
}

/// The whole number that is at least as large.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
fn whole_at_least(number: f64) -> u64 {
    number.ceil() as u64
}

/// A rate from 0 to 1 in millionths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000,000")]
fn millionths(rate: f64) -> u64 {
    (rate * 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::Activation;

    #[track_caller]
    fn error(text: &str) -> String {
        match Config::from_json(text) {
            Ok(config) => panic!("read as {config:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn messages_name_the_field_and_what_it_takes() {
        assert!(error("{").starts_with("not a JSON object: EOF"));
        assert!(error("[1]").starts_with("not a JSON object: it is a list"));
        assert_eq!(error("{}"), "model_type is missing: it names the family, such as \"llama\"");
        assert!(
            error(r#"{"model_type":"resnet"}"#)
                .starts_with("model_type \"resnet\" is not supported; supported are gpt2, ")
        );
        assert_eq!(error(r#"{"model_type":7}"#), "model_type must be a name, got 7");
        assert_eq!(
            error(r#"{"model_type":"llama","num_hidden_layers":0}"#),
            "num_hidden_layers must be 1 to 1,000,000, got 0"
        );
        assert_eq!(
            error(r#"{"model_type":"llama","num_hidden_layers":-3}"#),
            "num_hidden_layers must be a whole number from 1 to 1,000,000, got -3"
        );
        assert_eq!(
            error(r#"{"model_type":"llama","hidden_size":4096.0}"#),
            "hidden_size must be a whole number from 1 to 10,000,000, got 4096.0"
        );
        for (text, there) in [
            ("https://huggingface.co/gpt2", "“https://huggingface.co/gpt2”"),
            ("{\"model_type\":\"gpt2\",\n\"loss\": NaN}", "aN}”"),
            ("{\"é\": é}", "”"),
        ] {
            let told = error(text);
            assert!(told.starts_with("not a JSON object: ") && told.ends_with(there), "{told}");
        }
        assert_eq!(
            error(r#"{"model_type":"llama","tie_word_embeddings":"yes"}"#),
            "tie_word_embeddings must be true or false, got \"yes\""
        );
    }

    #[test]
    fn activations_of_other_operators_are_no_synonyms() {
        let read = |name: &str| {
            let config = Config::from_json(&format!(r#"{{"model_type":"bert","hidden_act":"{name}"}}"#));
            config.map(|config| config.get("hidden_act").expect("a field of BERT"))
        };
        for (place, name) in (0..).zip(Activation::NAMES) {
            assert_eq!(read(name), Ok(place), "{name}");
        }
        for (same, name) in [("swish", "silu"), ("gelu_accurate", "gelu_new"), ("gelu_python_tanh", "gelu_new")] {
            assert_eq!(read(same), read(name), "{same}");
        }
        // Names that transformers has too, and one that it has not.
        for name in ["gelu_10", "mish", "linear", "sigmoid", "relu6", "leaky_relu", "laplace", "hardswish", "golu"] {
            let told = read(name).expect_err(name).to_string();
            assert_eq!(
                told,
                format!(
                    "hidden_act must be one of relu, gelu, gelu_new, gelu_pytorch_tanh, quick_gelu, silu, relu2, tanh, \
                     gelu_python, gelu_fast, got \"{name}\""
                )
            );
        }
    }

    #[test]
    fn a_mark_of_the_byte_order_is_no_part_of_a_file() {
        let marked = "\u{feff}{\"model_type\":\"gpt2\"}";
        assert_eq!(Config::from_json(marked), Ok(Config::of(Family::Gpt2)));
    }

    #[test]
    fn of_a_network_that_reads_images_the_language_model_is_read() {
        let gemma = r#"{"model_type":"gemma3","text_config":{"model_type":"gemma3_text","hidden_size":2560,
            "intermediate_size":10240,"num_hidden_layers":34,"sliding_window":1024},"vision_config":{"hidden_size":1152}}"#;
        let row = crate::catalog::model("gemma-3-4b").expect("a row");
        assert_eq!(Config::from_json(gemma), Config::from_json(row.config));
        assert_eq!(Config::remarks(gemma), [Remark::TextPart { model_type: "gemma3".into() }]);
        assert_eq!(Config::remarks(row.config), []);
        assert_eq!(
            Config::remarks(r#"{"model_type":"llama","quantization_config":{"bits":4},"torch_dtype":"float16"}"#),
            [Remark::Quantized, Remark::Published { dtype: "float16".into() }]
        );
        // A family's own file is read as it is, whatever it nests.
        let config = Config::from_json(r#"{"model_type":"llama","text_config":{"model_type":"gemma"}}"#);
        assert_eq!(config.map(|config| config.family()), Ok(Family::Llama));
        let nested = |inner: &str| error(&format!(r#"{{"model_type":"mllama","text_config":{inner}}}"#));
        assert!(nested(r#"{"model_type":"mllama_text_model"}"#).starts_with("model_type \"mllama_text_model\" is not"));
        assert!(nested("{}").starts_with("model_type \"mllama\" is not supported"));
        assert!(nested("null").starts_with("model_type \"mllama\" is not supported"));
        assert!(nested("[1]").starts_with("model_type \"mllama\" is not supported"));
        assert_eq!(
            Config::remarks(r#"{"model_type":"bart","encoder_layerdrop":0.0,"decoder_layerdrop":0.1}"#),
            [Remark::LayerDrop { field: "decoder_layerdrop" }]
        );
        assert_eq!(Config::remarks(r#"{"model_type":"llama","layerdrop":0.1}"#), []);
        assert_eq!(Config::remarks("{"), []);
        let deep = format!("{}{{}}{}", r#"{"model_type":"a","text_config":"#.repeat(10_000), "}".repeat(10_000));
        assert!(error(&deep).contains("is not supported"));
    }

    /// FLAN-T5 base was counted with 222,903,552 parameters, without the 24,674,304 of its head.
    #[test]
    fn a_head_that_is_published_apart_is_counted() {
        let shape = r#""model_type":"t5","d_model":768,"tie_word_embeddings":false"#;
        let saved = r#""architectures":["T5ForConditionalGeneration"]"#;
        for (text, separate, told) in [
            (format!("{{{shape},{saved}}}"), 1, Some("with an lm_head of its own")),
            (format!("{{{shape}}}"), 0, Some("as tied to the embeddings")),
            (format!(r#"{{{shape},"separate_lm_head":true}}"#), 1, None),
            (format!(r#"{{{shape},{saved},"separate_lm_head":false}}"#), 0, None),
        ] {
            let config = Config::from_json(&text).expect("reads");
            assert_eq!(config.get(SEPARATE_LM_HEAD), Some(separate), "{text}");
            let remarks: Vec<_> = Config::remarks(&text).iter().map(ToString::to_string).collect();
            assert_eq!(remarks.len(), usize::from(told.is_some()), "{text}: {remarks:?}");
            assert!(remarks.iter().zip(told).all(|(remark, told)| remark.contains(told)), "{text}: {remarks:?}");
        }
        let bart = r#"{"model_type":"bart","tie_word_embeddings":false,"architectures":["BartModel"]}"#;
        assert_eq!(Config::remarks(bart), []);
    }

    #[test]
    fn of_mpt_what_stands_in_its_attn_config_is_read() {
        let published = r#"{"architectures":["MPTForCausalLM"],"attn_config":{"alibi":true,"alibi_bias_max":8,
            "attn_impl":"torch","attn_pdrop":0,"attn_type":"multihead_attention","attn_uses_sequence_id":false,
            "clip_qkv":null,"prefix_lm":false,"qk_ln":false,"softmax_scale":null},"d_model":4096,"emb_pdrop":0,
            "expansion_ratio":4,"init_config":{"emb_init_std":null,"init_std":0.02,"name":"kaiming_normal_"},
            "learned_pos_emb":true,"max_seq_len":2048,"model_type":"mpt","n_heads":32,"n_layers":32,"no_bias":true,
            "resid_pdrop":0,"torch_dtype":"bfloat16","use_cache":false,"vocab_size":50432}"#;
        let row = crate::catalog::model("mpt-7b").expect("a row");
        assert_eq!(Config::from_json(published), Config::from_json(row.config));

        let clamped = r#"{"model_type":"mpt","attn_config":{"clip_qkv":6.0}}"#;
        let config = Config::from_json(clamped).expect("a configuration");
        assert_eq!(config.get("clip_qkv"), Some(6));
        assert_eq!(Config::from_json(&config.to_json()), Ok(config));
        let wrong = r#"{"model_type":"mpt","attn_config":{"clip_qkv":"six"}}"#;
        assert_eq!(error(wrong), "clip_qkv must be a whole number or null, got \"six\"");
        // Other families nest nothing of theirs there.
        let olmo = Config::from_json(r#"{"model_type":"olmo","attn_config":{"clip_qkv":6.0}}"#);
        assert_eq!(olmo, Ok(Config::of(Family::Olmo)));
    }

    #[test]
    fn of_rope_parameters_the_rotary_part_is_read() {
        let read = |text| Config::from_json(text).expect("a configuration");
        let phi = read(r#"{"model_type":"phi","rope_parameters":{"partial_rotary_factor":0.4,"rope_theta":10000.0}}"#);
        assert_eq!(phi.get("partial_rotary_factor"), Some(400_000));
        let neox = read(r#"{"model_type":"gpt_neox","rope_parameters":{"partial_rotary_factor":0.4}}"#);
        assert_eq!(neox.get("rotary_pct"), Some(400_000));
        // By type of layer, as Gemma 3 has them: nothing there is a field.
        let gemma = r#"{"model_type":"gemma3_text","rope_parameters":{"full_attention":{"rope_theta":1e6}}}"#;
        assert_eq!(read(gemma), Config::of(Family::Gemma3));
        let wrong = error(r#"{"model_type":"phi","rope_parameters":{"partial_rotary_factor":"half"}}"#);
        assert_eq!(wrong, "partial_rotary_factor must be a number from 0 to 1, got \"half\"");
    }

    #[test]
    fn a_count_that_may_be_left_out_is_left_out_by_minus_one() {
        let read = |text| Config::from_json(text).expect("a configuration");
        let config = read(r#"{"model_type":"deberta-v2","position_buckets":-1,"max_relative_positions":-1}"#);
        assert_eq!(config, Config::of(Family::DebertaV2));
        let wrong = error(r#"{"model_type":"deberta-v2","position_buckets":-2}"#);
        assert_eq!(wrong, "position_buckets must be a whole number or null, got -2");
    }

    #[test]
    fn published_files_are_read_whole() {
        let same_as = |key, text| {
            let row = crate::catalog::model(key).expect("a row");
            assert_eq!(Config::from_json(text), Config::from_json(row.config), "{key}");
        };
        same_as(
            "gpt-j-6b",
            r#"{"activation_function":"gelu_new","architectures":["GPTJForCausalLM"],"attn_pdrop":0.0,"bos_token_id":50256,
            "embd_pdrop":0.0,"eos_token_id":50256,"gradient_checkpointing":false,"initializer_range":0.02,
            "layer_norm_epsilon":1e-05,"model_type":"gptj","n_embd":4096,"n_head":16,"n_inner":null,"n_layer":28,
            "n_positions":2048,"resid_pdrop":0.0,"rotary":true,"rotary_dim":64,"scale_attn_weights":true,
            "summary_activation":null,"summary_first_dropout":0.1,"summary_proj_to_labels":true,
            "summary_type":"cls_index","summary_use_proj":true,"task_specific_params":{"text-generation":
            {"do_sample":true,"max_length":50,"temperature":1.0}},"tie_word_embeddings":false,
            "tokenizer_class":"GPT2Tokenizer","transformers_version":"4.18.0.dev0","use_cache":true,"vocab_size":50400}"#,
        );
        same_as(
            "deberta-v3-base",
            r#"{"model_type":"deberta-v2","attention_probs_dropout_prob":0.1,"hidden_act":"gelu","hidden_dropout_prob":0.1,
            "hidden_size":768,"initializer_range":0.02,"intermediate_size":3072,"max_position_embeddings":512,
            "relative_attention":true,"position_buckets":256,"norm_rel_ebd":"layer_norm","share_att_key":true,
            "pos_att_type":"p2c|c2p","layer_norm_eps":1e-7,"max_relative_positions":-1,"position_biased_input":false,
            "num_attention_heads":12,"num_hidden_layers":12,"type_vocab_size":0,"vocab_size":128100}"#,
        );
        same_as(
            "gpt-neo-125m",
            r#"{"activation_function":"gelu_new","architectures":["GPTNeoForCausalLM"],"attention_dropout":0,
            "attention_layers":["global","local","global","local","global","local","global","local","global","local",
            "global","local"],"attention_types":[[["global","local"],6]],"bos_token_id":50256,"embed_dropout":0,
            "eos_token_id":50256,"gradient_checkpointing":false,"hidden_size":768,"initializer_range":0.02,
            "intermediate_size":null,"layer_norm_epsilon":1e-05,"max_position_embeddings":2048,"model_type":"gpt_neo",
            "num_heads":12,"num_layers":12,"resid_dropout":0,"summary_activation":null,"summary_first_dropout":0.1,
            "summary_proj_to_labels":true,"summary_type":"cls_index","summary_use_proj":true,
            "transformers_version":"4.9.0.dev0","use_cache":true,"vocab_size":50257,"window_size":256}"#,
        );
    }

    #[test]
    fn a_network_in_the_blocks_of_another_is_read_as_that_and_says_so() {
        let text = r#"{"model_type":"kimi_k2","n_routed_experts":384}"#;
        let config = Config::from_json(text).expect("a configuration");
        assert_eq!((config.family(), config.get("n_routed_experts")), (Family::DeepseekV3, Some(384)));
        let said: Vec<_> = Config::remarks(text).iter().map(Remark::to_string).collect();
        assert_eq!(said, ["kimi_k2 has the blocks of deepseek_v3, as which it is read."]);

        let text = r#"{"model_type":"kimi_k25","vision_config":{},"text_config":{"model_type":"kimi_k2",
            "quantization_config":{"quant_method":"compressed-tensors"}}}"#;
        let said: Vec<_> = Config::remarks(text).iter().map(Remark::to_string).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].starts_with("This is the language model of kimi_k25 alone"), "{said:?}");
        assert!(said[2].starts_with("Its weights are stored quantized"), "{said:?}");
    }

    #[test]
    fn deep_texts_are_skipped_and_long_ones_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(error(&deep), error("{}"));
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(10_000_000));
        assert_eq!(error(&long), "10,000,008 bytes are too many for a config.json; at most 1,048,576 are read");
    }
}
