//! Worked cases, as links: one click fills the form.

/// A worked case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// Stable name, in test ids.
    pub slug: &'static str,
    /// Name on the chip.
    pub label: &'static str,
    /// The scenario, as the query of a link.
    pub query: &'static str,
}

/// The cases, in the order of the chips.
#[rustfmt::skip]
pub const EXAMPLES: &[Example] = &[
    Example { slug: "bert-base",             label: "BERT-base",             query: "?v=1&units_per_token=37000" },
    Example { slug: "resnet-50",             label: "ResNet-50",             query: "?v=1&params=25M&precision=fp16&batch=64&sequence_length=1&units_per_token=8388608&optimizer=adam&state_precision=fp32&gradient_precision=fp16" },
    Example { slug: "gpt-3-175b-inference",  label: "GPT-3 175B inference",  query: "?v=1&params=175B&precision=fp16&task=inference&batch=1&sequence_length=2048&layers=96&hidden_size=12288" },
    Example { slug: "gpt-3-175b-training",   label: "GPT-3 175B training",   query: "?v=1&params=175B&precision=fp16&batch=1&sequence_length=2048&layers=96&hidden_size=12288&state_precision=fp32&gradient_precision=fp16&master_weights=yes" },
    Example { slug: "llama-2-70b-inference", label: "LLaMA-2 70B inference", query: "?v=1&params=70B&precision=fp16&task=inference&batch=1&sequence_length=2048&layers=80&hidden_size=8192" },
    // The largest output of one layer: 32 × 320 × 320 values.
    Example { slug: "yolov8",                label: "YOLOv8",                query: "?v=1&params=11.4M&task=inference&batch=1&sequence_length=1&units_per_token=3276800&activation_precision=fp32" },
    // The largest output of one layer: 64 × 112 × 112 values.
    Example { slug: "mobilenetv3-int8",      label: "MobileNetV3 INT8",      query: "?v=1&params=5483032&precision=int8&task=inference&batch=1&sequence_length=1&units_per_token=802816&activation_precision=int8" },
    // 784 inputs and 10 outputs for each sample.
    Example { slug: "logistic-regression",   label: "Logistic regression",   query: "?v=1&params=7850&batch=64&sequence_length=1&units_per_token=794&activation_precision=fp32&optimizer=sgd" },
];
