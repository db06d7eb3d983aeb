//! Held against figures that others measured on real GPUs and published; `docs/real-gpus.md` tells them row by row.

#![allow(clippy::print_stdout, reason = "prints the table of the document")]

use nn_memory::{
    Bytes, Checkpointing, DeviceChoice, Lora, Model, PrecisionMode, Report, Run, Scenario, Targets, Task, Training,
    catalog,
};

/// A published figure whose setting is fully known.
struct Published {
    model: &'static str,
    lora: bool,
    batch_size: u64,
    figure: Figure,
    bytes: u64,
    /// Where it stands in `scripts/benchmarks/refs/` of github.com/foundation-model-stack/fms-acceleration, at 876e2ed6.
    place: &'static str,
    /// How far off the engine is, in hundredths of a percent.
    error: i64,
}

#[derive(Clone, Copy)]
enum Figure {
    /// `torch.cuda.max_memory_allocated` during training.
    Peak,
    /// `torch.cuda.memory_allocated` at the end of training.
    End,
}

const fn row(
    model: &'static str,
    lora: bool,
    batch_size: u64,
    figure: Figure,
    bytes: u64,
    place: &'static str,
    error: i64,
) -> Published {
    Published { model, lora, batch_size, figure, bytes, place, error }
}

use Figure::{End, Peak};

/// One A100 80 GB, BF16, AdamW of Hugging Face's Trainer (foreach), 4,096 tokens, gradient checkpointing, flash attention;
/// adapters of rank 16 on q, k, v and o. Full fine-tunes with fused kernels are among them, since the step sets their peak.
#[rustfmt::skip]
const ROWS: &[Published] = &[
    row("mistral-7b-v0.1", false, 4, Peak, 72_434_837_504, "a100_80gb.csv line 10", 0),
    row("mistral-7b-v0.1", false, 4, End, 43_467_876_352, "a100_80gb.csv line 10", 0),
    row("mistral-7b-v0.1", false, 8, Peak, 72_435_230_720, "a100_80gb.csv line 12", 0),
    row("mistral-7b-v0.1", false, 8, End, 43_468_269_568, "a100_80gb.csv line 12", 0),
    row("mistral-7b-v0.1", false, 4, Peak, 72_432_707_584, "a100_80gb.csv line 14, fused kernels", 0),
    row("mistral-7b-v0.1", false, 8, Peak, 72_433_100_800, "a100_80gb.csv line 16, fused kernels", 0),
    row("llama-3-8b", false, 4, Peak, 80_318_097_408, "a100_80gb_liger.csv line 2, fused kernels", 0),
    row("llama-3-8b", false, 4, End, 48_198_051_840, "a100_80gb_liger.csv line 2, fused kernels", 0),
    row("llama-3-8b", false, 8, End, 48_198_445_056, "a100_80gb_liger.csv line 7, fused kernels and loss", 0),
    row("mistral-7b-v0.1", true, 4, Peak, 26_704_571_904, "a100_80gb.csv line 34", -436),
    row("mistral-7b-v0.1", true, 4, End, 14_664_493_056, "a100_80gb.csv line 34", 0),
    row("mistral-7b-v0.1", true, 8, Peak, 38_742_912_512, "a100_80gb.csv line 36", -606),
    row("mistral-7b-v0.1", true, 8, End, 14_664_886_272, "a100_80gb.csv line 36", 0),
    row("llama-3-8b", true, 4, End, 16_241_584_128, "a100_80gb_liger.csv line 10", 0),
    row("llama-3-8b", true, 8, End, 16_241_977_344, "a100_80gb_liger.csv line 11", 0),
];

fn scenario(row: &Published) -> Scenario {
    let training = Training::default();
    let targets = Targets::parse("q_proj,k_proj,v_proj,o_proj").expect("modules of both models");
    Scenario {
        model: Model::Named(catalog::model(row.model).expect("in the catalogue")),
        run: Run {
            precision: PrecisionMode::Bf16,
            checkpointing: Checkpointing::Block,
            lora: Lora { rank: 16, targets, ..Lora::default() },
            ..Run::default()
        },
        task: if row.lora { Task::Lora(training) } else { Task::Training(training) },
        batch_size: row.batch_size,
        sequence_length: 4_096,
        device: DeviceChoice::Catalog(catalog::device("a100-80gb").expect("in the catalogue")),
        ..Scenario::default()
    }
}

fn estimated(row: &Published) -> Bytes {
    let report = Report::of(&scenario(row)).expect("described").expect("an estimate");
    match row.figure {
        Figure::Peak => report.allocated,
        Figure::End => report.before,
    }
}

#[test]
fn published_figures_of_an_a100_are_met() {
    for row in ROWS {
        let estimated = estimated(row);
        let (given, measured) = (i128::from(estimated.get()), i128::from(row.bytes));
        let error = i64::try_from((given - measured) * 10_000 / measured).expect("a small share");
        println!(
            "| {} | {} | {} | {} | {} | {} | {:+.2} % |",
            row.model,
            if row.lora { "LoRA" } else { "full" },
            row.batch_size,
            match row.figure {
                Figure::Peak => "peak",
                Figure::End => "end",
            },
            row.bytes,
            estimated.get(),
            f64::from(i32::try_from(error).expect("small")) / 100.0
        );
        assert_eq!(error, row.error, "{}: in hundredths of a percent", row.place);
    }
}
