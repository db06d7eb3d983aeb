//! Fields that change what a network takes and are not followed, each with the value that it is counted with.
//!
//! They are those which the modelling code of transformers 5 reads and no family here has. Fields that say only how a value
//! is scaled, or which tokens are special, change no memory.

use std::fmt;

use super::Family;
use super::read::Value;

/// What a field must be for the network to be the one that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    No,
    Yes,
    Zero,
    One,
    MinusOne,
    Empty,
    Null,
    Number,
    /// Both kinds of scores against positions.
    PositionTerms,
}

impl Counted {
    fn holds(self, value: &Value) -> bool {
        match (self, value) {
            (Self::No, Value::Flag(flag)) => !flag,
            (Self::Yes, Value::Flag(flag)) => *flag,
            (Self::MinusOne, value) => *value == Value::Negative(-1),
            (Self::PositionTerms, Value::Text(terms)) => matches!(terms.as_str(), "p2c|c2p" | "c2p|p2c"),
            (Self::PositionTerms, Value::List(terms)) => terms.len() == 2,
            (Self::Zero, Value::Number(number)) => *number == 0.0,
            (Self::Zero, Value::Count(count)) => *count == 0,
            (Self::One, Value::Count(count)) => *count == 1,
            (Self::Empty, Value::List(elements)) => elements.is_empty(),
            (Self::Number, value) => matches!(value, Value::Count(_) | Value::Number(_)),
            (_, value) => *value == Value::Null,
        }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "false",
            Self::Yes => "true",
            Self::MinusOne => "-1",
            Self::PositionTerms => "p2c|c2p",
            Self::Zero => "0",
            Self::One => "1",
            Self::Empty => "[]",
            Self::Null => "null",
            Self::Number => "a number",
        })
    }
}

const BERTS: &[Family] = &[Family::Bert, Family::Roberta, Family::XlmRoberta, Family::Camembert, Family::Electra];
const EXPERTS: &[Family] =
    &[Family::Mixtral, Family::Qwen2Moe, Family::Qwen3Moe, Family::Olmoe, Family::GptOss, Family::MiniMaxM2];

const FIELDS: &[(&str, Counted, &[Family])] = &[
    // Cross-attention in each block, and a mask of a decoder.
    ("add_cross_attention", Counted::No, BERTS),
    ("add_cross_attention", Counted::No, &[Family::Gpt2]),
    ("is_decoder", Counted::No, BERTS),
    // Feed-forward layers of one part of the tokens after the other.
    ("chunk_size_feed_forward", Counted::Zero, BERTS),
    ("chunk_size_feed_forward", Counted::Zero, &[Family::DistilBert, Family::Albert]),
    // Scores in FP32.
    ("reorder_and_upcast_attn", Counted::No, &[Family::Gpt2]),
    // Projections in slices, as they were trained in parallel.
    ("slow_but_exact", Counted::No, &[Family::Bloom]),
    // The loss that balances the load of the experts.
    ("output_router_logits", Counted::No, EXPERTS),
    ("router_jitter_noise", Counted::Zero, &[Family::Mixtral, Family::MiniMaxM2]),
    // Layers without experts.
    ("decoder_sparse_step", Counted::One, &[Family::Qwen2Moe, Family::Qwen3Moe]),
    ("mlp_only_layers", Counted::Empty, &[Family::Qwen2Moe, Family::Qwen3Moe]),
    // A bound of the scores, or of the logits, by operators of its own.
    ("attn_logit_softcapping", Counted::Number, &[Family::Gemma2]),
    ("final_logit_softcapping", Counted::Number, &[Family::Gemma2]),
    ("attn_logit_softcapping", Counted::Null, &[Family::Gemma3]),
    ("final_logit_softcapping", Counted::Null, &[Family::Gemma3]),
    ("use_bidirectional_attention", Counted::No, &[Family::Gemma2, Family::Gemma3]),
    // Logits of masked tokens alone.
    ("sparse_prediction", Counted::No, &[Family::ModernBert]),
    // A convolution beside the first layer, scores against positions of one kind alone, a span of positions other than that
    // of the absolute ones, dropout of the classifier's own, another head of masked tokens.
    ("conv_kernel_size", Counted::Zero, &[Family::DebertaV2]),
    ("pos_att_type", Counted::PositionTerms, &[Family::DebertaV2]),
    ("max_relative_positions", Counted::MinusOne, &[Family::DebertaV2]),
    ("cls_dropout", Counted::Null, &[Family::DebertaV2]),
    ("legacy", Counted::Yes, &[Family::DebertaV2]),
];

/// The fields of a file that are not followed, each with the value that is counted.
pub(super) fn unfollowed<'a>(
    family: Family,
    get: impl Fn(&str) -> Option<&'a Value>,
) -> impl Iterator<Item = (&'static str, Counted)> {
    let of_family = FIELDS.iter().filter(move |(.., families)| families.contains(&family));
    of_family
        .filter(move |(field, counted, _)| get(field).is_some_and(|value| !counted.holds(value)))
        .map(|(field, counted, _)| (*field, *counted))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Remark};

    #[track_caller]
    fn told(text: &str) -> Vec<String> {
        Config::from_json(text).expect("a configuration");
        Config::remarks(text).iter().map(Remark::to_string).collect()
    }

    #[test]
    fn what_is_not_followed_is_told_with_what_is_counted() {
        for (text, said) in [
            (
                r#"{"model_type":"qwen3_moe","decoder_sparse_step":2}"#,
                "decoder_sparse_step is not followed: counted as 1.",
            ),
            (
                r#"{"model_type":"qwen2_moe","mlp_only_layers":[0,5]}"#,
                "mlp_only_layers is not followed: counted as [].",
            ),
            (
                r#"{"model_type":"bert","add_cross_attention":true}"#,
                "add_cross_attention is not followed: counted as false.",
            ),
            (
                r#"{"model_type":"gemma2","attn_logit_softcapping":null}"#,
                "attn_logit_softcapping is not followed: counted as a number.",
            ),
            (
                r#"{"model_type":"gemma3_text","final_logit_softcapping":30.0}"#,
                "final_logit_softcapping is not followed: counted as null.",
            ),
            (
                r#"{"model_type":"minimax_m2","output_router_logits":true}"#,
                "output_router_logits is not followed: counted as false.",
            ),
            (
                r#"{"model_type":"mixtral","router_jitter_noise":0.01}"#,
                "router_jitter_noise is not followed: counted as 0.",
            ),
            (
                r#"{"model_type":"deberta-v2","conv_kernel_size":3,"pos_att_type":["c2p","p2c"]}"#,
                "conv_kernel_size is not followed: counted as 0.",
            ),
            (
                r#"{"model_type":"deberta-v2","max_relative_positions":-1,"pos_att_type":"c2p"}"#,
                "pos_att_type is not followed: counted as p2c|c2p.",
            ),
            (
                r#"{"model_type":"deberta-v2","max_relative_positions":128,"legacy":true}"#,
                "max_relative_positions is not followed: counted as -1.",
            ),
            (r#"{"model_type":"deberta-v2","legacy":false}"#, "legacy is not followed: counted as true."),
        ] {
            assert_eq!(told(text), [said], "{text}");
        }
    }

    #[test]
    fn of_what_is_counted_nothing_is_told() {
        for text in [
            r#"{"model_type":"qwen3_moe","decoder_sparse_step":1,"mlp_only_layers":[],"output_router_logits":false}"#,
            r#"{"model_type":"bert","add_cross_attention":false,"is_decoder":false,"chunk_size_feed_forward":0}"#,
            r#"{"model_type":"gemma2","attn_logit_softcapping":50.0,"final_logit_softcapping":30}"#,
            r#"{"model_type":"gemma3_text","attn_logit_softcapping":null,"use_bidirectional_attention":false}"#,
            r#"{"model_type":"mixtral","router_jitter_noise":0.0,"output_router_logits":null}"#,
            // No field of this family.
            r#"{"model_type":"llama","decoder_sparse_step":2,"is_decoder":true}"#,
        ] {
            assert!(told(text).is_empty(), "{text}: {:?}", told(text));
        }
    }
}
