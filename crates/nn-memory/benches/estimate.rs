//! What one estimate costs, and the sweep behind a chart.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nn_memory::{
    Config, Model, Overheads, PrecisionMode, Run, Scenario, catalog, estimate, largest_batch_that_fits, sweep_batch,
};

fn benches(criterion: &mut Criterion) {
    let scenario = Scenario { overheads: Overheads::REALISTIC, ..Scenario::default() };
    criterion.bench_function("estimate", |bencher| bencher.iter(|| estimate(black_box(&scenario))));
    criterion.bench_function("sweep_batch of 11 sizes", |bencher| {
        bencher.iter(|| sweep_batch(black_box(&scenario), (0..=10).map(|power| 1 << power)));
    });
    criterion.bench_function("largest_batch_that_fits", |bencher| {
        bencher.iter(|| largest_batch_that_fits(black_box(&scenario)));
    });

    for layers in [8, 80, 800] {
        let scenario = llama_2_70b(layers);
        criterion.bench_function(&format!("estimate of a Llama 2 70B step, {layers} layers"), |bencher| {
            bencher.iter(|| estimate(black_box(&scenario)));
        });
    }
    let scenario = llama_2_70b(80);
    criterion.bench_function("sweep_batch of 1,000 sizes, Llama 2 70B", |bencher| {
        bencher.iter(|| sweep_batch(black_box(&scenario), 1..=1_000));
    });
    criterion.bench_function("largest_batch_that_fits, Llama 2 70B", |bencher| {
        bencher.iter(|| largest_batch_that_fits(black_box(&scenario)));
    });
}

/// One step of a network of Llama 2 70B's shape in BF16 with as many layers.
fn llama_2_70b(layers: u64) -> Scenario {
    let model = catalog::model("llama-2-70b").expect("a row of the catalogue");
    let mut config = Config::from_json(model.config).expect("a config that its tests read");
    config.set("num_hidden_layers", layers).expect("a number of layers");
    Scenario {
        model: Model::Described(config),
        run: Run { precision: PrecisionMode::Bf16, ..Run::default() },
        batch_size: 1,
        sequence_length: 4_096,
        ..Scenario::default()
    }
}

criterion_group!(estimating, benches);
criterion_main!(estimating);
