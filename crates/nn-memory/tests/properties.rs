//! What holds for every scenario, within the limits or not.

mod strategies;

use nn_memory::catalog::{DEVICES, Device};
use nn_memory::{
    ActivationUnits, Bytes, Choice, Decimal, DeviceChoice, EstimateError, Field, Optimizer, PartKind, Precision,
    Scenario, StatePrecision, Task, Training, Verdict, Way, estimate, format_count_short, largest_batch_that_fits,
    parse_count, sweep_batch,
};
use proptest::prelude::*;
use strategies::{any_choice, scenario};

fn total(scenario: &Scenario) -> Result<Bytes, EstimateError> {
    estimate(scenario).map(|estimate| estimate.total)
}

/// More of something never takes less; where the larger is refused there is nothing to compare.
fn assert_never_less(smaller: &Scenario, larger: &Scenario) {
    if let (Ok(less), Ok(more)) = (total(smaller), total(larger)) {
        assert!(less <= more, "{less} > {more}\n{smaller:?}\n{larger:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn parts_sum_to_the_total_and_shares_to_one_hundred(scenario in scenario()) {
        match estimate(&scenario) {
            Ok(estimate) => {
                let sum: u128 = estimate.parts.iter().map(|part| u128::from(part.bytes.get())).sum();
                prop_assert_eq!(sum, u128::from(estimate.total.get()));
                let shares: u32 = estimate.parts.iter().map(|part| u32::from(part.share.tenths_of_percent)).sum();
                prop_assert_eq!(shares, if sum == 0 { 0 } else { 1_000 });
                for part in &estimate.parts {
                    prop_assert!(!part.formula.numbers().is_empty());
                }
            }
            Err(error) => prop_assert!(error.to_string().contains(error.field().name())),
        }
    }

    #[test]
    fn the_verdict_agrees_with_the_amounts(scenario in scenario()) {
        if let Ok(estimate) = estimate(&scenario) {
            let fit = &estimate.fit;
            prop_assert!(fit.usable <= fit.reported);
            match fit.verdict {
                Verdict::Fits { free } => {
                    prop_assert_eq!(free.get() + estimate.total.get(), fit.usable.get());
                    prop_assert!(free >= fit.margin);
                }
                Verdict::Tight { free } => {
                    prop_assert_eq!(free.get() + estimate.total.get(), fit.usable.get());
                    prop_assert!(free < fit.margin);
                }
                Verdict::DoesNotFit { missing } => {
                    prop_assert!(missing > Bytes::ZERO);
                    prop_assert_eq!(estimate.total.get() - missing.get(), fit.usable.get());
                }
            }
        }
    }

    #[test]
    fn a_larger_batch_never_takes_less(scenario in scenario(), more in 1_u64..1_000) {
        let larger = Scenario { batch_size: scenario.batch_size.saturating_add(more), ..scenario.clone() };
        assert_never_less(&scenario, &larger);
    }

    #[test]
    fn more_parameters_never_take_less(scenario in scenario(), more in 1_u64..1_000_000_000) {
        let larger = Scenario { parameters: scenario.parameters.saturating_add(more), ..scenario.clone() };
        assert_never_less(&scenario, &larger);
    }

    #[test]
    fn wider_values_never_take_less(scenario in scenario(), wider in any_choice::<Precision>()) {
        let mut scenario = scenario;
        // A master copy goes as its parameters become FP32: 2 + 4 bytes turn into 4.
        if let Task::Training(training) = &mut scenario.task {
            training.master_weights = false;
        }
        if wider.bits() >= scenario.parameter_precision.bits() {
            assert_never_less(&scenario, &Scenario { parameter_precision: wider, ..scenario.clone() });
        }
        if wider.bits() >= scenario.activation_precision.bits() {
            assert_never_less(&scenario, &Scenario { activation_precision: wider, ..scenario.clone() });
        }
        if let Task::Training(training) = scenario.task
            && wider.bits() >= training.gradient_precision.bits()
        {
            let task = Task::Training(Training { gradient_precision: wider, ..training });
            assert_never_less(&scenario, &Scenario { task, ..scenario.clone() });
        }
    }

    #[test]
    fn training_never_takes_less_than_inference(scenario in scenario()) {
        let inference = Scenario { task: Task::Inference, ..scenario.clone() };
        assert_never_less(&inference, &scenario);
    }

    #[test]
    fn the_largest_batch_fits_and_the_next_does_not(scenario in scenario()) {
        let fits = |batch_size| {
            estimate(&Scenario { batch_size, ..scenario.clone() })
                .is_ok_and(|estimate| matches!(estimate.fit.verdict, Verdict::Fits { .. }))
        };
        match largest_batch_that_fits(&scenario) {
            Some(batch) => {
                prop_assert!(fits(batch));
                prop_assert!(!fits(batch + 1));
            }
            None => prop_assert!(!fits(1)),
        }
    }

    #[test]
    fn the_sweep_agrees_with_single_estimates(scenario in scenario()) {
        for point in sweep_batch(&scenario, [1, 32, 1_024]) {
            prop_assert_eq!(point.total, total(&Scenario { batch_size: point.batch_size, ..scenario.clone() }));
        }
    }

    #[test]
    fn the_smallest_device_fits_and_no_smaller_one_does(scenario in scenario()) {
        if let Ok(answer) = estimate(&scenario) {
            let fits = |device: &&Device| {
                let device = DeviceChoice::Catalog(nn_memory::catalog::device(device.id).expect("a row of the table"));
                estimate(&Scenario { device, ..scenario.clone() })
                    .is_ok_and(|estimate| matches!(estimate.fit.verdict, Verdict::Fits { .. }))
            };
            let platform = scenario.device.platform();
            let alike = DEVICES.iter().filter(|device| device.platform() == platform).find(fits);
            prop_assert_eq!(alike.or_else(|| DEVICES.iter().find(fits)), answer.smallest_device);
        }
    }

    #[test]
    fn counts_survive_being_written_short(count in any::<u64>(), millions in 0_u64..1_000_000) {
        prop_assert_eq!(parse_count(&format_count_short(count)), Ok(count));
        prop_assert_eq!(parse_count(&format_count_short(millions * 1_000_000)), Ok(millions * 1_000_000));
        prop_assert_eq!(parse_count(&nn_memory::format_count(count)), Ok(count));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC*", near_miss in "[-+0-9.,_ eEkMBT]{0,24}") {
        for text in [text, near_miss] {
            let _ = parse_count(&text);
            let _ = text.parse::<Decimal>();
            let _ = text.parse::<Bytes>();
        }
    }
}

#[cfg(feature = "serde")]
proptest! {
    #[test]
    fn a_scenario_survives_json(scenario in scenario()) {
        let json = serde_json::to_string(&scenario).expect("a scenario has no unserializable part");
        prop_assert_eq!(serde_json::from_str::<Scenario>(&json).expect("read back"), scenario);
    }
}

#[test]
fn limits_are_errors_that_name_the_input() {
    let none = Scenario { parameters: 0, ..Scenario::default() };
    let error = estimate(&none).expect_err("no parameters");
    assert_eq!(error.field(), Field::Parameters);
    assert_eq!(error.to_string(), "parameters must be 1 to 1,000,000,000,000,000, got 0");

    let huge = Scenario {
        batch_size: 1_000_000_000,
        sequence_length: 1_000_000_000,
        activation_units: ActivationUnits::PerToken { units: 1_000_000_000_000 },
        ..Scenario::default()
    };
    let error = estimate(&huge).expect_err("does not fit in 64 bits");
    assert_eq!(error, EstimateError::TooLarge { field: Field::UnitsPerToken, part: PartKind::Activations });
}

#[test]
fn keys_of_options_are_unique() {
    fn assert_unique<T: Choice>() {
        let mut keys: Vec<_> = T::ALL.iter().map(|option| option.key()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), T::ALL.len());
    }
    assert_unique::<Precision>();
    assert_unique::<Optimizer>();
    assert_unique::<StatePrecision>();
    assert_unique::<Way>();
    let mut keys: Vec<_> = Field::ALL.iter().map(|field| field.key()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), Field::ALL.len());
}
