//! What reductions and split kernels need in device memory for a moment.
//!
//! Where one block of threads cannot take all values of an output, several do, and leave their parts in a buffer:
//! `ATen/native/cuda/Reduce.cuh` (`setReduceConfig`) decides how many, as many as the device can run at once.

use crate::catalog::Multiprocessors;

/// Bytes of the buffer for `outputs` sums of `inputs` values each; `along_rows` where the values of a sum lie together.
pub(crate) fn reduction(device: Multiprocessors, outputs: u64, inputs: u64, along_rows: bool) -> u64 {
    let (mut first, second) = if along_rows { (inputs, outputs) } else { (outputs, inputs) };
    let mut vector = 1;
    if along_rows {
        if first >= 128 {
            first /= 4;
        }
    } else {
        vector = 4;
        while !outputs.is_multiple_of(vector) {
            vector /= 2;
        }
        first /= vector;
    }
    let most = 512 / vector;
    let power = |size: u64| if size < most { 1 << size.max(1).ilog2() } else { most };
    let (first, second) = (power(first), power(second));
    let mut width = first.min(32);
    let height = second.min(most / width);
    width = first.min(most / height);
    let threads = width * height;
    let (mut step_in, mut step_out) = if along_rows { (width, 1) } else { (1, width) };
    let per_thread = |step: u64| inputs.div_ceil(step);
    let by_height = per_thread(step_in) >= (height * 16).min(256);
    if by_height {
        step_in *= height;
    } else {
        step_out *= height;
    }
    let target = device.count * (device.threads / threads);
    let grid = (outputs / vector).div_ceil(step_out).max(1);
    let each = per_thread(step_in);
    if !by_height || each < 256 || grid > target {
        return 0;
    }
    let blocks = target.div_ceil(grid).min(each.div_ceil(16)).max(each.div_ceil(256));
    if blocks <= 1 {
        return 0;
    }
    let places = if along_rows { 1 } else { width * vector };
    4_u64.saturating_mul(outputs).saturating_mul(blocks).saturating_mul(places)
}

/// Into how many parts flash attention splits the keys when queries alone would leave the device idle
/// (`num_splits_heuristic` of `flash_api.cpp`); `work` counts batch × heads × blocks of queries.
pub(super) fn key_splits(device: Multiprocessors, work: u64, key_blocks: u64) -> u64 {
    let slots = 2 * device.count;
    // work ≥ 0.8 × slots
    if work.saturating_mul(5) >= slots * 4 || key_blocks <= 1 {
        return 1;
    }
    let most = 128.min(slots).min(key_blocks);
    let sensible = |splits: u64| splits == 1 || key_blocks.div_ceil(splits) != key_blocks.div_ceil(splits - 1);
    // Efficiency of n splits: work × n over the slots of the waves that they take, as a fraction.
    let efficiency = |splits: u64| (work * splits, (work * splits).div_ceil(slots).max(1) * slots);
    let mut best = (0, 1);
    for splits in (1..=most).filter(|splits| sensible(*splits)) {
        let (part, whole) = efficiency(splits);
        if part * best.1 > best.0 * whole {
            best = (part, whole);
        }
    }
    // The least that reaches 85 % of the best.
    (1..=most)
        .filter(|splits| sensible(*splits))
        .find(|splits| {
            let (part, whole) = efficiency(*splits);
            part * best.1 * 100 >= best.0 * whole * 85
        })
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Buffers read off the allocator's history under torch 2.11.
    #[test]
    fn buffers_of_column_sums() {
        // sum over 1,024 rows of 2,048 BF16 values: 16 MiB.
        assert_eq!(reduction(Multiprocessors::HOPPER, 2_048, 1_024, false), 16 << 20);
        assert_eq!(reduction(Multiprocessors::HOPPER, 1_024, 2_048, true), 0);
    }

    /// The same of sums over 4,096 rows of 768 FP32 values and of the mean of 40,960,000, on devices of other sizes.
    #[test]
    fn buffers_shrink_with_the_device() {
        for (count, threads, columns, mean) in [
            (132, 2_048, 24 << 20, 2_112),
            (108, 2_048, 24 << 20, 1_728),
            (40, 1_024, 21_233_664, 1_252),
            (28, 1_536, 21 << 20, 1_252),
        ] {
            let device = Multiprocessors { count, threads };
            assert_eq!(reduction(device, 768, 4_096, false), columns, "{device:?}");
            assert_eq!(reduction(device, 1, 40_960_000, true), mean, "{device:?}");
        }
    }
}
