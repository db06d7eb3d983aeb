//! The engine against measured runs: every row of a supported family within its tolerance.

#[allow(dead_code, reason = "the accuracy example uses the rest")]
#[path = "../examples/accuracy/row.rs"]
mod row;

use std::collections::BTreeSet;

use row::{Held, Row};

/// Most that the peak may be off in percent, by family of the rows. Written down once; never to be loosened.
const TOLERANCES: &[(&str, f64)] = &[
    ("cnn", 0.7),
    ("decoder", 3.0),
    ("decoder-infer", 2.0),
    ("encdec", 2.5),
    ("encoder", 2.5),
    ("lora", 0.5),
    ("mlp", 2.0),
    ("vit", 1.5),
];

/// Bytes of optimizer states that a row lacks: StableLM's norms of heads are counted as one tensor a layer, so that of
/// Adafactor's sizes, 4 bytes a tensor, there are too few.
const MERGED_STATES: [(&str, f64); 1] = [("m2-456-stablelm-1.6b-train", 3_072.0)];

/// Most that any peak may be above the measured one. What the total leaves out, the ends of blocks, makes it too small;
/// what makes it too large is a rule that is wrong.
const ABOVE: f64 = 0.3;

/// Of all rows together: the median, and what 95 % of them stay within.
const MEDIAN: f64 = 0.5;
const P95: f64 = 2.0;

/// The same of the peak in blocks, as the allocator counts them: the worst, the median, what 95 % stay within.
const BLOCKS: [f64; 3] = [0.7, 0.001, 0.06];
/// The same of the activations that stand after forward.
const KEPT: [f64; 3] = [0.07, 0.001, 0.01];
/// And of what the allocator takes from the device, by family over all files. Five in six rows are met to the byte, but
/// 15 of 4,320 are off by more than a tenth, nearly all of them built in FP32 on the device and then cast.
const RESERVED: &[(&str, [f64; 3])] = &[
    ("cnn", [1.3, 1.3, 1.3]),
    ("decoder", [7.1, 0.001, 0.3]),
    ("decoder-infer", [4.3, 0.001, 0.2]),
    ("encdec", [5.7, 0.001, 0.3]),
    ("encoder", [3.2, 0.001, 0.1]),
    ("lora", [23.2, 0.001, 0.5]),
    ("mlp", [24.9, 0.001, 0.1]),
    ("vit", [16.9, 0.001, 4.7]),
];
/// The same of all families together, of the files that are held to a tolerance, in blocks, and mixed.
const RESERVED_OF_FILES: [[f64; 3]; 3] = [[14.1, 0.001, 0.5], [24.9, 0.001, 0.5], [23.2, 0.001, 0.2]];
/// And the worst of what one token more after the prefill takes.
const DECODE: f64 = 0.6;

/// The same of the rows of [`IN_BLOCKS`]. The worst are of timm in 16 bits: they were built in FP32 on the device and then
/// cast, so that weights lie where wider ones were.
const OTHERS_IN_BLOCKS: [f64; 3] = [1.5, 0.001, 0.08];

/// The same of their activations that stand after forward. The worst is BART in FP16, which looks at values to see
/// whether any are infinite: there were none to look at.
const OTHERS_KEPT: [f64; 3] = [1.3, 0.001, 0.01];

/// The same of the rows of [`MIXED`].
const MIXED_IN_BLOCKS: [f64; 3] = [1.1, 0.001, 0.04];

/// And of their activations that stand after forward: BART in FP16 again.
const MIXED_KEPT: [f64; 3] = [1.6, 0.001, 0.01];

const FILES: [&str; 2] = [include_str!("measured/public.jsonl"), include_str!("measured/own.jsonl")];

/// Rows that are held to a tolerance in blocks alone: runs drawn at random, small ones among them, and others in which the
/// ends of blocks take more than the tolerance of their family.
const IN_BLOCKS: [&str; 3] = [
    include_str!("measured/random.jsonl"),
    include_str!("measured/swept.jsonl"),
    include_str!("measured/blocks.jsonl"),
];

/// Runs in which everything was drawn at once, held in blocks as well.
const MIXED: [&str; 1] = [include_str!("measured/mixed.jsonl")];

/// A row that the engine follows.
#[derive(Clone)]
struct HeldRow {
    id: String,
    family: String,
    held: Held,
}

/// The models of measured rows that the engine does not follow.
const NOT_FOLLOWED: &[&str] = &[
    // Recurrences, convolutions and denoising.
    "custom ConvNet",
    "custom LM",
    "custom UNet",
    "diffusers UNet2DConditionModel",
    "timm model convnext_tiny",
    "timm model convnextv2_tiny",
    "torchvision model alexnet",
    "torchvision model convnext_tiny",
    "torchvision model deeplabv3_resnet50",
    "torchvision model densenet121",
    "torchvision model efficientnet_b0",
    "torchvision model efficientnet_b3",
    "torchvision model fcn_resnet50",
    "torchvision model googlenet",
    "torchvision model mobilenet_v2",
    "torchvision model mobilenet_v3_small",
    "torchvision model regnet_y_400mf",
    "torchvision model resnet101",
    "torchvision model resnet18",
    "torchvision model resnet34",
    "torchvision model resnet50",
    "torchvision model resnext50_32x4d",
    "torchvision model shufflenet_v2_x1_0",
    "torchvision model squeezenet1_1",
    "torchvision model vgg11_bn",
    "torchvision model vgg16",
    "torchvision model wide_resnet50_2",
    // EVA-02 without a classifier, and Swin as torchvision has it.
    "timm model eva02_tiny_patch14_224",
    "torchvision model swin_t",
];

fn rows(files: &'static [&'static str]) -> impl Iterator<Item = Row> {
    files.iter().flat_map(|file| file.lines()).map(|line| Row::read(line, false))
}

fn held(files: &'static [&'static str]) -> Vec<HeldRow> {
    let held = |row: Row| Some(HeldRow { id: row.id, family: row.family, held: row.outcome.ok()? });
    rows(files).filter_map(held).collect()
}

#[test]
fn peaks_are_within_the_tolerance_of_their_family() {
    for HeldRow { id, family, held } in held(&FILES) {
        let error = held.peak.error();
        let tolerance = TOLERANCES.iter().find(|(other, _)| *other == family);
        let tolerance = tolerance.unwrap_or_else(|| panic!("{id}: no tolerance for {family}")).1;
        assert!(error.abs() <= tolerance, "{id}: {error:+.2} %, {tolerance} % allowed");
    }
}

#[test]
fn no_peak_is_far_above_the_measured_one() {
    for HeldRow { id, held, .. } in [&FILES[..], &IN_BLOCKS, &MIXED].into_iter().flat_map(held) {
        let error = held.peak.error();
        assert!(error <= ABOVE, "{id}: {error:+.2} %");
    }
}

#[test]
fn what_stands_after_forward_is_right() {
    worst_median_and_tail(&held(&FILES), |held| held.kept_after_forward, KEPT);
    worst_median_and_tail(&held(&IN_BLOCKS), |held| held.kept_after_forward, OTHERS_KEPT);
    worst_median_and_tail(&held(&MIXED), |held| held.kept_after_forward, MIXED_KEPT);
}

#[test]
fn the_median_and_the_tail_of_all_rows_are_kept() {
    let mut errors: Vec<f64> = held(&FILES).iter().map(|row| row.held.peak.error().abs()).collect();
    errors.sort_by(f64::total_cmp);
    let (median, tail) = (errors[errors.len() / 2], errors[errors.len() * 95 / 100]);
    assert!(median <= MEDIAN, "median {median:.2} %");
    assert!(tail <= P95, "95 % within {tail:.2} %");
}

#[track_caller]
fn worst_median_and_tail(
    held: &[HeldRow],
    figure: impl Fn(&Held) -> Option<row::Pair>,
    [worst, median, tail]: [f64; 3],
) {
    let mut errors: Vec<f64> = held.iter().filter_map(|row| Some(figure(&row.held)?.error().abs())).collect();
    errors.sort_by(f64::total_cmp);
    let at = |percent: usize| errors[errors.len() * percent / 100];
    assert!(at(50) <= median, "median {:.3} %", at(50));
    assert!(at(95) <= tail, "95 % within {:.2} %", at(95));
    assert!(errors.last().is_none_or(|error| *error <= worst), "worst {:?} %", errors.last());
}

#[test]
fn the_peak_in_blocks_is_nearer_than_the_peak() {
    worst_median_and_tail(&held(&FILES), |held| held.blocks, BLOCKS);
    worst_median_and_tail(&held(&IN_BLOCKS), |held| held.blocks, OTHERS_IN_BLOCKS);
    worst_median_and_tail(&held(&MIXED), |held| held.blocks, MIXED_IN_BLOCKS);
}

#[test]
fn what_the_allocator_takes_from_the_device_is_within_a_few_percent() {
    let [files, in_blocks, mixed] = [held(&FILES), held(&IN_BLOCKS), held(&MIXED)];
    for (held, tolerances) in [&files, &in_blocks, &mixed].into_iter().zip(RESERVED_OF_FILES) {
        worst_median_and_tail(held, |held| held.reserved, tolerances);
    }
    let all = [files, in_blocks, mixed].concat();
    for (family, tolerances) in RESERVED {
        let of_family: Vec<_> = all.iter().filter(|row| row.family == *family).cloned().collect();
        worst_median_and_tail(&of_family, |held| held.reserved, *tolerances);
    }
    let listed = |family: &str| RESERVED.iter().any(|(other, _)| *other == family);
    assert!(all.iter().all(|row| listed(&row.family)), "a family without a tolerance");
}

#[test]
fn what_the_optimizer_keeps_is_exact() {
    for HeldRow { id, held, .. } in [&FILES[..], &IN_BLOCKS, &MIXED].into_iter().flat_map(held) {
        let Some(state) = held.optimizer_state else { continue };
        let allowed = MERGED_STATES.iter().find(|(row, _)| *row == id).map_or(0.0, |(_, bytes)| *bytes);
        let missing = state.measured - state.estimated;
        assert!((missing - allowed).abs() < 0.5, "{id}: {missing} bytes are missing");
    }
}

#[test]
fn a_token_more_after_the_prefill_is_as_near() {
    // Elsewhere the measurement held keys and values of the prefill while it decoded.
    for HeldRow { id, held, .. } in held(&FILES).into_iter().filter(|row| row.id.contains("window")) {
        let Some(decode) = held.decode else { continue };
        assert!(decode.error().abs() <= DECODE, "{id}: {:+.2} %", decode.error());
    }
}

#[test]
fn parameters_are_exact_in_every_row() {
    for HeldRow { id, held, .. } in [&FILES[..], &IN_BLOCKS, &MIXED].into_iter().flat_map(held) {
        assert!(held.parameters_are_exact, "{id}");
    }
}

#[test]
fn the_peak_lies_in_the_right_phase_in_95_of_100_rows() {
    for files in [&FILES[..], &IN_BLOCKS, &MIXED] {
        let held = held(files);
        let right = held.iter().filter(|row| row.held.phase_is_right).count();
        assert!(100 * right >= 95 * held.len(), "{right} of {}", held.len());
    }
}

#[test]
fn every_row_is_followed_but_those_of_the_models_listed() {
    let rows = [&FILES[..], &IN_BLOCKS, &MIXED].into_iter().flat_map(rows);
    let refused: BTreeSet<String> = rows.filter_map(|row| row.outcome.err()).collect();
    let listed: BTreeSet<String> = NOT_FOLLOWED.iter().map(|&model| model.to_owned()).collect();
    assert_eq!(refused, listed);
}
