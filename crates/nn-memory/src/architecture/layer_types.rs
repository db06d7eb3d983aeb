//! Which layers have a window, as files list them since transformers 4.53 (`layer_types`), and which have experts
//! (`mlp_layer_types`).
//!
//! Families are followed with the order that their fields give. A list in such an order sets those fields; of any other the
//! reader is told that it is not followed.

use super::{Config, Family};

/// The field that lists those with a window.
pub(super) const LAYER_TYPES: &str = "layer_types";

/// The field that lists those with experts.
pub(super) const MLP_LAYER_TYPES: &str = "mlp_layer_types";

/// The field that counts the first of them, which have none.
const DENSE_LAYERS: &str = "first_k_dense_replace";

/// The field that counts a turn of them, of which the last has no window.
pub(super) const WINDOW_PATTERN: &str = "sliding_window_pattern";

/// Whether this is such a turn by its letters, `L` for a layer with a window and `G` for one that sees all.
pub(super) fn is_turn(letters: &str) -> bool {
    letters.strip_suffix('G').is_some_and(|windowed| windowed.chars().all(|letter| letter == 'L'))
}

/// Whether a layer of this type has a window, or experts; none of types that no family here has.
pub(super) fn has_window_or_experts(layer_type: &str) -> Option<bool> {
    match layer_type {
        "sliding_attention" | "sparse" => Some(true),
        "full_attention" | "dense" => Some(false),
        _ => None,
    }
}

impl Config {
    /// Sets the fields of the order in which layers have windows.
    pub(super) fn take_windows(&mut self, listed: &[Option<bool>]) {
        let first = |windowed: bool, from: usize| listed.iter().skip(from).position(|layer| *layer == Some(windowed));
        let found = match self.family() {
            Family::Gemma3 | Family::Cohere2 | Family::Exaone4 => {
                first(false, 0).map(|place| (WINDOW_PATTERN, place + 1))
            }
            Family::ModernBert => first(false, 1).map(|place| ("global_attn_every_n_layers", place + 1)),
            Family::Qwen2 | Family::Qwen3 if self.get("use_sliding_window") == Some(1) => {
                Some(("max_window_layers", first(true, 0).unwrap_or(listed.len())))
            }
            _ => None,
        };
        if let Some((field, code)) = found {
            // An order that the field's limits rule out leaves it as it is; the list then disagrees.
            let _ = self.set(field, code as u64);
        }
    }

    /// Sets how many layers have no experts.
    pub(super) fn take_experts(&mut self, listed: &[Option<bool>]) {
        if self.family() == Family::Glm4MoeLite {
            let dense = listed.iter().position(|layer| *layer == Some(true)).unwrap_or(listed.len());
            // What the field's limits rule out leaves it as it is; the list then disagrees.
            let _ = self.set(DENSE_LAYERS, dense as u64);
        }
    }

    /// How many layers are counted without experts, where others are listed so.
    pub(super) fn other_experts(&self, listed: &[Option<bool>]) -> Option<u64> {
        if self.family() != Family::Glm4MoeLite {
            return None;
        }
        let code = |key| self.get(key).unwrap_or_default();
        let dense = code(DENSE_LAYERS);
        (!agree(listed, code("num_hidden_layers"), |place| place >= dense)).then_some(dense)
    }

    /// Whether its layers have windows as they are listed.
    pub(super) fn has_windows(&self, listed: &[Option<bool>]) -> bool {
        let code = |key| self.get(key).unwrap_or_default();
        let layers = code("num_hidden_layers");
        let turn = |length: u64| move |place: u64| !(place + 1).is_multiple_of(length);
        match self.family() {
            Family::Gemma2 | Family::GptOss => agree(listed, layers, turn(2)),
            Family::Olmo3 => agree(listed, layers, turn(4)),
            // Without a window the list says nothing.
            Family::Exaone4 if code("sliding_window") == 0 => true,
            Family::Gemma3 | Family::Cohere2 | Family::Exaone4 => agree(listed, layers, turn(code(WINDOW_PATTERN))),
            Family::ModernBert => {
                let every = code("global_attn_every_n_layers");
                agree(listed, layers, |place| !place.is_multiple_of(every))
            }
            // Without windows in use the list says nothing.
            Family::Qwen2 | Family::Qwen3 if code("use_sliding_window") == 1 => {
                agree(listed, layers, |place| place >= code("max_window_layers"))
            }
            Family::SmolLm3 if code("use_sliding_window") == 1 => {
                agree(listed, layers, |place| (place + 1).is_multiple_of(4))
            }
            _ => true,
        }
    }
}

fn agree(listed: &[Option<bool>], layers: u64, special: impl Fn(u64) -> bool) -> bool {
    listed.len() as u64 == layers && (0..).zip(listed).all(|(place, layer)| *layer == Some(special(place)))
}

#[cfg(test)]
mod tests {
    use super::super::Remark;
    use super::*;

    /// What is read of a file that lists its layers, `f` one that sees all and `s` one with a window.
    #[track_caller]
    fn read(fields: &str, listed: &str) -> (Config, Vec<Remark>) {
        let name = |kind| match kind {
            'f' => "\"full_attention\"",
            's' => "\"sliding_attention\"",
            _ => "\"linear_attention\"",
        };
        let names: Vec<_> = listed.chars().map(name).collect();
        let text = format!("{{{fields},\"layer_types\":[{}],\"num_hidden_layers\":6}}", names.join(","));
        (Config::from_json(&text).expect("a configuration"), Config::remarks(&text))
    }

    #[test]
    fn an_order_that_the_fields_can_say_is_taken_over() {
        for (fields, listed, field, code) in [
            (r#""model_type":"gemma3_text""#, "ssfssf", "sliding_window_pattern", 3),
            (r#""model_type":"gemma3_text""#, "ffffff", "sliding_window_pattern", 1),
            (r#""model_type":"cohere2""#, "sssssf", "sliding_window_pattern", 6),
            (r#""model_type":"exaone4","sliding_window_pattern":"LLLG""#, "sssfss", "sliding_window_pattern", 4),
            (
                r#""model_type":"exaone4","sliding_window":null,"sliding_window_pattern":null"#,
                "ffffff",
                "sliding_window",
                0,
            ),
            (r#""model_type":"modernbert""#, "fsfsfs", "global_attn_every_n_layers", 2),
            (r#""model_type":"qwen2","use_sliding_window":true"#, "ffffss", "max_window_layers", 4),
            (r#""model_type":"qwen3","use_sliding_window":true"#, "ffffff", "max_window_layers", 6),
            // No window is in use: the list says nothing.
            (r#""model_type":"qwen3""#, "ffffff", "max_window_layers", 28),
            (r#""model_type":"gemma2""#, "sfsfsf", "num_hidden_layers", 6),
            (r#""model_type":"gpt_oss""#, "sfsfsf", "num_hidden_layers", 6),
            (r#""model_type":"olmo3""#, "sssfss", "num_hidden_layers", 6),
            (r#""model_type":"smollm3""#, "ffffff", "num_hidden_layers", 6),
            (r#""model_type":"smollm3","use_sliding_window":true"#, "fffsff", "num_hidden_layers", 6),
            (r#""model_type":"llama""#, "ffffff", "num_hidden_layers", 6),
        ] {
            let (config, remarks) = read(fields, listed);
            assert_eq!((config.get(field), remarks), (Some(code), vec![]), "{fields} {listed}");
        }
    }

    #[test]
    fn layers_with_experts_are_those_listed() {
        let read = |listed: &str| {
            let text = format!(
                r#"{{"model_type":"glm4_moe_lite","num_hidden_layers":4,"mlp_layer_types":[{}]}}"#,
                listed.split(' ').map(|kind| format!("{kind:?}")).collect::<Vec<_>>().join(",")
            );
            let dense = Config::from_json(&text).expect("a configuration").get(DENSE_LAYERS);
            (dense, Config::remarks(&text).iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(read("dense sparse sparse sparse"), (Some(1), vec![]));
        assert_eq!(read("sparse sparse sparse sparse"), (Some(0), vec![]));
        assert_eq!(read("dense dense dense dense"), (Some(4), vec![]));
        let said = "mlp_layer_types is not followed: counted as experts in all layers but the first 1.";
        assert_eq!(read("dense sparse dense sparse"), (Some(1), vec![said.to_owned()]));
        assert_eq!(read("dense sparse sparse"), (Some(1), vec![said.to_owned()]));
    }

    #[test]
    fn a_turn_may_be_written_in_letters() {
        let of = |turn| Config::from_json(&format!(r#"{{"model_type":"exaone4","sliding_window_pattern":{turn}}}"#));
        assert_eq!(of("\"LLG\"").expect("a turn").get("sliding_window_pattern"), Some(3));
        assert_eq!(of("\"G\"").expect("a turn").get("sliding_window_pattern"), Some(1));
        for turn in ["\"LLGL\"", "\"LGLG\"", "\"\"", "\"L\"", "\"LLLLLLLLLLLLG\""] {
            let error = of(turn).expect_err(turn);
            assert_eq!(error.field(), Some("sliding_window_pattern"), "{turn}: {error}");
        }
    }

    #[test]
    fn an_order_that_is_not_followed_is_told() {
        for (fields, listed) in [
            (r#""model_type":"gemma3_text""#, "fssfss"),
            (r#""model_type":"gemma3_text""#, "ssssss"),
            (r#""model_type":"gemma3_text""#, "ssfss"),
            (r#""model_type":"gemma2""#, "ssssss"),
            (r#""model_type":"gpt_oss""#, "fsfsfs"),
            (r#""model_type":"qwen2","use_sliding_window":true"#, "sfsfsf"),
            (r#""model_type":"modernbert""#, "fsslss"),
            (r#""model_type":"olmo3""#, "ffffff"),
            (r#""model_type":"exaone4""#, "sssfsf"),
        ] {
            let (_, remarks) = read(fields, listed);
            assert_eq!(remarks, [Remark::LayerTypes], "{fields} {listed}");
        }
        let said = Remark::LayerTypes.to_string();
        assert!(said.starts_with("layer_types gives a window to other layers"), "{said}");
    }
}
