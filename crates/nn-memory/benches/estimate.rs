//! What one estimate costs, and the sweep behind a chart.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use nn_memory::{Overheads, Scenario, estimate, largest_batch_that_fits, sweep_batch};

fn benches(criterion: &mut Criterion) {
    let scenario = Scenario { overheads: Overheads::REALISTIC, ..Scenario::default() };
    criterion.bench_function("estimate", |bencher| bencher.iter(|| estimate(black_box(&scenario))));
    criterion.bench_function("sweep_batch of 11 sizes", |bencher| {
        bencher.iter(|| sweep_batch(black_box(&scenario), (0..=10).map(|power| 1 << power)));
    });
    criterion.bench_function("largest_batch_that_fits", |bencher| {
        bencher.iter(|| largest_batch_that_fits(black_box(&scenario)));
    });
}

criterion_group!(estimating, benches);
criterion_main!(estimating);
