//! Estimates of described networks: that the answer and its work agree.

use std::collections::BTreeSet;

use nn_memory::{
    Attention, Bytes, Checkpointing, Choice, Config, ConfigError, Decimal, EstimateError, Family, Field, HistoryEvent,
    Implementation, Lora, Model, Note, Optimizer, PartKind, Phase, PrecisionMode, Refusal, Report, Run, Scenario,
    TARGET_MODULES, Targets, Task, Training, catalog, estimate, explain, largest_batch_that_fits, sweep_batch,
};

fn small(family: Family) -> Config {
    let mut config = Config::of(family);
    for key in ["num_hidden_layers", "n_layer", "encoder_layers", "decoder_layers", "num_layers", "n_layers"] {
        if config.get(key).is_some() {
            config.set(key, 6).expect("a number of layers");
        }
    }
    config
}

fn scenarios() -> impl Iterator<Item = (Family, Scenario)> {
    let training = Task::Training(Training { optimizer: Optimizer::AdamW, ..Training::default() });
    let tasks = [training, Task::Lora(Training::default()), Task::Inference];
    Family::ALL.iter().flat_map(move |family| {
        tasks.into_iter().flat_map(move |task| {
            [Checkpointing::None, Checkpointing::Block, Checkpointing::Every(2), Checkpointing::Selective].map(
                |checkpointing| {
                    let run = Run { checkpointing, precision: PrecisionMode::AutocastBf16, ..Run::default() };
                    let model = Model::Described(small(*family));
                    (*family, Scenario { model, run, task, batch_size: 2, sequence_length: 256, ..Scenario::default() })
                },
            )
        })
    })
}

#[test]
fn parts_at_the_peak_sum_to_the_peak_and_lines_to_their_parts() {
    for (family, scenario) in scenarios() {
        let estimate = estimate(&scenario).unwrap_or_else(|error| panic!("{family:?}: {error}"));
        let sum: u64 = estimate.parts.iter().map(|part| part.bytes.get()).sum();
        assert_eq!(sum, estimate.total.get(), "{family:?}");
        let report = estimate.report.as_ref().expect("a report");
        assert_eq!(estimate.total, report.allocated, "{family:?}");
        let explanation = explain(&scenario).expect("a described network").expect("an explanation");
        assert_eq!(explanation.phase, report.peak_phase);
        for kind in PartKind::ALL {
            let lines: u64 =
                explanation.lines.iter().filter(|line| line.part == kind).map(|line| line.bytes.get()).sum();
            assert_eq!(lines, estimate.part(kind).bytes.get(), "{family:?} {:?} {kind:?}", scenario.run.checkpointing);
        }
    }
}

#[test]
fn lines_sum_to_their_parts_in_the_step_of_every_optimizer() {
    let mut in_step = 0;
    for &optimizer in Optimizer::ALL {
        for &implementation in Implementation::ALL {
            for precision in [PrecisionMode::Fp32, PrecisionMode::Bf16, PrecisionMode::Bf16Master] {
                let run = Run { implementation, precision, ..Run::default() };
                let task = Task::Training(Training { optimizer, ..Training::default() });
                let model = Model::Described(small(Family::Bert));
                let scenario = Scenario { model, run, task, batch_size: 1, sequence_length: 8, ..Scenario::default() };
                let what = format!("{optimizer:?} {implementation:?} {precision:?}");
                let estimate = estimate(&scenario).expect("an estimate");
                let explanation = explain(&scenario).expect("a described network").expect("an explanation");
                in_step += u32::from(explanation.phase == Phase::Step);
                for kind in PartKind::ALL {
                    let lines = explanation.lines.iter().filter(|line| line.part == kind);
                    let lines: u64 = lines.map(|line| line.bytes.get()).sum();
                    assert_eq!(lines, estimate.part(kind).bytes.get(), "{what} {kind:?}");
                }
            }
        }
    }
    assert!(in_step > 40, "{in_step}");
}

#[test]
fn the_timeline_reaches_the_peak_and_no_higher() {
    for (family, scenario) in scenarios() {
        let estimate = estimate(&scenario).expect("an estimate");
        let highest = estimate.timeline.iter().map(|point| point.total()).max().unwrap_or(Bytes::ZERO);
        assert_eq!(highest, estimate.total, "{family:?} {:?} {:?}", scenario.task, scenario.run.checkpointing);
        assert!(estimate.timeline.is_sorted_by_key(|point| point.position), "{family:?}");
    }
}

#[test]
fn every_model_of_the_catalogue_is_read_and_has_its_parameters() {
    for model in catalog::MODELS {
        let config = Config::from_json(model.config).unwrap_or_else(|error| panic!("{}: {error}", model.key));
        let scenario =
            Scenario { model: Model::Described(config), batch_size: 1, sequence_length: 64, ..Scenario::default() };
        let report = estimate(&scenario).unwrap_or_else(|error| panic!("{}: {error}", model.key)).report;
        if let Some(parameters) = model.parameters {
            assert_eq!(report.map(|report| report.parameters), Some(parameters), "{}", model.key);
        }
    }
}

#[test]
fn targets_that_no_layer_has_are_told_with_those_that_there_are() {
    let scenario = |targets: &str| {
        let targets = Targets::parse(targets).expect("names of layers");
        let run = Run { lora: Lora { targets, ..Lora::default() }, ..Run::default() };
        let model = Model::Described(Config::of(Family::Gpt2));
        Scenario { model, run, task: Task::Lora(Training::default()), ..Scenario::default() }
    };
    let noted = |targets: &str| {
        let notes = estimate(&scenario(targets)).expect("an estimate").notes;
        notes.into_iter().find(|note| matches!(note, Note::NothingAdapted { .. })).map(|note| note.to_string())
    };
    let note = noted("q_proj,v_proj").expect("GPT-2 has other layers");
    assert!(note.ends_with("Its layers are c_attn, c_proj, c_fc."), "{note}");
    assert_eq!(noted("q_proj,c_attn"), None);
    assert_eq!(noted("all"), None);
}

#[test]
fn adapters_that_never_run_are_told() {
    let noted = |family: Family, targets: &str, task: Task| {
        let targets = Targets::parse(targets).expect("names of layers");
        let run = Run { lora: Lora { targets, ..Lora::default() }, ..Run::default() };
        let scenario = Scenario { model: Model::Described(Config::of(family)), run, task, ..Scenario::default() };
        let notes = estimate(&scenario).expect("an estimate").notes;
        notes.into_iter().find(|note| matches!(note, Note::AdaptersNeverRun { .. })).map(|note| note.to_string())
    };
    let lora = Task::Lora(Training::default());
    for (family, layer) in [(Family::TorchvisionVit, "out_proj"), (Family::TimmBeit, "qkv")] {
        for targets in ["all", layer] {
            let note = noted(family, targets, lora).expect("an adapter that does nothing");
            assert!(note.starts_with(&format!("LoRA does nothing on {layer} here")), "{note}");
        }
        assert_eq!(noted(family, "all", Task::Training(Training::default())), None);
    }
    assert_eq!(noted(Family::TimmBeit, "proj", lora), None);
    assert_eq!(noted(Family::Vit, "all", lora), None);
}

#[test]
fn adapters_on_experts_that_peft_refuses_are_told() {
    let noted = |family: Family, targets: &str, dropout: Decimal| {
        let lora = Lora { targets: Targets::parse(targets).expect("names of layers"), dropout, ..Lora::default() };
        let (model, task) = (Model::Described(Config::of(family)), Task::Lora(Training::default()));
        let scenario = Scenario { model, run: Run { lora, ..Run::default() }, task, ..Scenario::default() };
        let notes = estimate(&scenario).expect("an estimate").notes;
        notes.into_iter().find(|note| matches!(note, Note::AdaptersRefused(_)))
    };
    let (none, some) = (Decimal::whole(0), Decimal::from_millionths(50_000));
    let (dropout, apart) =
        (Note::AdaptersRefused(Refusal::Dropout), |names| Note::AdaptersRefused(Refusal::Apart(names)));
    let families = [
        Family::Qwen3Moe,
        Family::Olmoe,
        Family::Mixtral,
        Family::DeepseekV2,
        Family::DeepseekV3,
        Family::Glm4Moe,
        Family::Glm4MoeLite,
        Family::MiniMaxM2,
    ];
    for family in families {
        assert_eq!(noted(family, "all", some), Some(dropout));
        assert_eq!(noted(family, "all", none), None);
        assert_eq!(noted(family, "q_proj,o_proj", some), None);
    }
    assert_eq!(noted(Family::Qwen3Moe, "up_proj,q_proj", none), Some(apart(["gate_proj", "up_proj"])));
    assert_eq!(noted(Family::Mixtral, "w1,w2", none), Some(apart(["w1", "w3"])));
    // The router of this one is a linear layer.
    assert_eq!(noted(Family::Llama4, "all", none), Some(Note::AdaptersRefused(Refusal::Router)));
    assert_eq!(noted(Family::Llama4, "q_proj,gate_proj", some), None);
    // peft leaves the experts of these alone.
    assert_eq!(noted(Family::Qwen2Moe, "all", some), None);
    assert_eq!(noted(Family::GptOss, "all", some), None);
}

#[test]
fn experts_that_are_written_out_are_told() {
    let noted = |targets: &str, checkpointing: Checkpointing| {
        let lora = Lora { targets: Targets::parse(targets).expect("names of layers"), ..Lora::default() };
        let run = Run { lora, checkpointing, precision: PrecisionMode::Bf16, ..Run::default() };
        let model = Model::Named(catalog::model("qwen3-30b-a3b").expect("in the catalogue"));
        let scenario = Scenario { model, run, task: Task::Lora(Training::default()), ..Scenario::default() };
        let notes = estimate(&scenario).expect("an estimate").notes;
        notes.into_iter().find(|note| matches!(note, Note::ExpertsWrittenOut { .. }))
    };
    // 48 layers of 128 experts, each three matrices of 2,048 × 768; 2 bytes each.
    let bytes = Bytes::new(2 * 48 * 128 * 3 * 2_048 * 768);
    assert_eq!(noted("all", Checkpointing::None), Some(Note::ExpertsWrittenOut { bytes }));
    assert_eq!(noted("all", Checkpointing::Block), None);
    assert_eq!(noted("q_proj,v_proj", Checkpointing::None), None);
}

#[test]
fn copies_that_autocast_may_keep_in_inference_are_told() {
    let noted = |precision: PrecisionMode, task: Task| {
        let model = Model::Named(catalog::model("llama-2-7b").expect("in the catalogue"));
        let scenario = Scenario { model, task, run: Run { precision, ..Run::default() }, ..Scenario::default() };
        let notes = estimate(&scenario).expect("an estimate").notes;
        notes.into_iter().find(|note| matches!(note, Note::CopiesOfWeights { .. }))
    };
    // 32 layers of 4 matrices of 4,096 × 4,096 and 3 of 4,096 × 11,008, the head of 32,000 × 4,096; 2 bytes each.
    let at_most = Bytes::new(2 * (32 * (4 * 4_096 * 4_096 + 3 * 4_096 * 11_008) + 32_000 * 4_096));
    assert_eq!(noted(PrecisionMode::AutocastBf16, Task::Inference), Some(Note::CopiesOfWeights { at_most }));
    assert_eq!(noted(PrecisionMode::Bf16, Task::Inference), None);
    assert_eq!(noted(PrecisionMode::AutocastBf16, Task::Training(Training::default())), None);
}

#[test]
fn the_kernel_of_attention_matters_where_it_is_a_choice_and_nowhere_else() {
    for &family in Family::ALL {
        let mut config = small(family);
        for key in ["max_position_embeddings", "n_positions"] {
            // GPT-2 and its like may have fewer positions than the tokens asked for.
            let _ = config.set(key, 2_048);
        }
        let peaks: BTreeSet<_> = Attention::ALL
            .iter()
            .map(|&attention| {
                let run = Run { attention, precision: PrecisionMode::Bf16, ..Run::default() };
                let model = Model::Described(config);
                let scenario = Scenario { model, run, batch_size: 4, sequence_length: 1_024, ..Scenario::default() };
                let report = Report::of(&scenario).expect("a described network");
                let report = report.unwrap_or_else(|error| panic!("{family:?}: {error}"));
                report.phase_peaks.iter().map(|(_, most)| *most).collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(peaks.len() > 1, family.chooses_attention(), "{family:?}: {peaks:?}");
    }
}

#[test]
fn the_largest_batch_is_the_last_that_fits() {
    let model = catalog::model("llama-3.2-1b").expect("in the catalogue");
    let scenario = Scenario {
        model: Model::Named(model),
        run: Run { precision: PrecisionMode::Bf16, ..Run::default() },
        sequence_length: 512,
        device: nn_memory::DeviceChoice::Catalog(catalog::device("a100-80gb").expect("in the catalogue")),
        ..Scenario::default()
    };
    let largest = largest_batch_that_fits(&scenario).expect("one sample fits");
    let totals = sweep_batch(&scenario, [largest, largest + 1]);
    let limit = estimate(&scenario).expect("an estimate").fit;
    let most = limit.usable.get() - limit.margin.get();
    assert!(totals[0].total.as_ref().is_ok_and(|total| total.get() <= most));
    assert!(totals[1].total.as_ref().is_ok_and(|total| total.get() > most));
}

#[test]
fn the_step_of_adam_in_bf16_peaks_at_ten_bytes_per_parameter() {
    // Published: full fine-tunes of Mistral-7B peak at 10.0 bytes per parameter while 6.0 stay.
    let scenario = Scenario {
        model: Model::Named(catalog::model("mistral-7b-v0.1").expect("in the catalogue")),
        run: Run { precision: PrecisionMode::Bf16, checkpointing: Checkpointing::Block, ..Run::default() },
        batch_size: 4,
        sequence_length: 4_096,
        ..Scenario::default()
    };
    let report = estimate(&scenario).expect("an estimate").report.expect("a report");
    assert_eq!(report.peak_phase, Phase::Step);
    let per_parameter = |bytes: Bytes| bytes.get() * 100 / report.parameters;
    assert_eq!((per_parameter(report.allocated), per_parameter(report.before)), (1_000, 600));
}

#[test]
fn one_layer_of_llama_2_7b_by_hand() {
    // As the guide works it out: hidden size 4,096, intermediate size 11,008, 32 heads, BF16, 4,096 tokens.
    let (tokens, hidden, inner, heads) = (4_096, 4_096, 11_008, 32);
    // A norm keeps its input in FP32, the root of the variance, and its output before and after the weight.
    let norm = tokens * (4 * hidden + 4 + 2 * hidden + 2 * hidden);
    // Attention keeps queries, keys, values, output, and the logarithm of the sum of each row; two seeds.
    let attention = tokens * (4 * 2 * hidden + heads * 4) + 2 * 512;
    // The MLP keeps gate, its activation, up, and their product.
    let mlp = tokens * 4 * 2 * inner;
    let kept = 2 * norm + attention + mlp;
    assert_eq!(kept, 763_921_408);

    let scenario = Scenario {
        model: Model::Named(catalog::model("llama-2-7b").expect("in the catalogue")),
        run: Run { precision: PrecisionMode::Bf16, ..Run::default() },
        batch_size: 1,
        sequence_length: tokens,
        ..Scenario::default()
    };
    let layers = estimate(&scenario).expect("an estimate").layers;
    assert_eq!((layers[0].layers, layers[0].kept_after_forward), (32, Bytes::new(kept)));
}

#[test]
fn no_token_is_sent_to_more_experts_than_there_are() {
    for (family, experts) in [
        (Family::Mixtral, "num_local_experts"),
        (Family::GptOss, "num_local_experts"),
        (Family::Olmoe, "num_experts"),
        (Family::Qwen2Moe, "num_experts"),
        (Family::Qwen3Moe, "num_experts"),
        (Family::DeepseekV2, "n_routed_experts"),
        (Family::DeepseekV3, "n_routed_experts"),
    ] {
        let mut config = Config::of(family);
        for (field, value) in [(experts, 8), ("num_experts_per_tok", 9)] {
            config.set(field, value).expect("a value within the limits");
        }
        let scenario = Scenario { model: Model::Described(config), ..Scenario::default() };
        let told = estimate(&scenario).expect_err("more than there are").to_string();
        assert_eq!(told, format!("num_experts_per_tok must be no more than {experts} (8), got 9"));
    }
}

#[test]
fn the_cache_of_deepseek_v3_holds_latents_alone() {
    // 70.272 KB a token: table 1 of https://arxiv.org/abs/2505.09343.
    let scenario = Scenario {
        model: Model::Named(catalog::model("deepseek-v3").expect("in the catalogue")),
        run: Run { precision: PrecisionMode::Bf16, ..Run::default() },
        task: Task::Inference,
        batch_size: 1,
        sequence_length: 1_000,
        ..Scenario::default()
    };
    let cache = estimate(&scenario).expect("an estimate").part(PartKind::KvCache).bytes.get();
    // The prefill's, each tensor rounded up to 512 bytes.
    assert_eq!(cache / 100_000, 702);
}

#[test]
fn adapters_on_experts_are_those_of_all_experts() {
    let added = |targets: &str| {
        let lora = Lora { rank: 16, targets: Targets::parse(targets).expect("names of layers"), ..Lora::default() };
        let mut config = Config::of(Family::DeepseekV3);
        for (field, value) in [("num_hidden_layers", 5), ("first_k_dense_replace", 1), ("hidden_size", 768)] {
            config.set(field, value).expect("a value within the limits");
        }
        for (field, value) in [("moe_intermediate_size", 384), ("n_routed_experts", 16)] {
            config.set(field, value).expect("a value within the limits");
        }
        let parameters = |task| {
            let run = Run { lora, ..Run::default() };
            let scenario = Scenario { model: Model::Described(config), run, task, ..Scenario::default() };
            Report::of(&scenario).expect("a described network").expect("a report").parameters
        };
        parameters(Task::Lora(Training::default())) - parameters(Task::Inference)
    };
    assert_eq!(added("gate_proj"), 0);
    // Four layers of 16 experts: gates and ups together have twice the rank.
    assert_eq!(added("gate_proj,up_proj"), 4 * 16 * 32 * (768 + 2 * 384));
    assert_eq!(added("down_proj"), 4 * 16 * 16 * (384 + 768));
}

#[test]
fn albert_has_no_more_groups_than_layers() {
    let config = |groups, layers| {
        let json =
            format!("{{\"model_type\":\"albert\",\"num_hidden_groups\":{groups},\"num_hidden_layers\":{layers}}}");
        let model = Model::Described(Config::from_json(&json).expect("fields of the family"));
        estimate(&Scenario { model, ..Scenario::default() })
    };
    assert!(config(3, 3).is_ok());
    let error = config(4, 3).expect_err("a group is left without a layer").to_string();
    assert!(error.contains("num_hidden_groups must be 1 to 3, got 4"), "{error}");
}

#[test]
fn a_network_beyond_64_bits_is_an_error_and_never_a_wrong_total() {
    // Every module that LoRA may adapt: what is kept of a layer differs by it.
    let lora = TARGET_MODULES
        .iter()
        .map(|name| Lora { targets: Targets::parse(name).expect("a module of the list"), ..Lora::default() });
    let tasks = lora.map(|lora| (Task::Lora(Training::default()), lora));
    let tasks: Vec<_> = [Task::Training(Training::default()), Task::Inference]
        .map(|task| (task, Lora::default()))
        .into_iter()
        .chain(tasks)
        .collect();
    for &family in Family::ALL {
        let mut config = Config::of(family);
        for field in family.fields().iter().filter(|field| field.key.contains("layer")) {
            // A field that is no number of layers, or takes no more of them, stays as it is.
            let _ = config.set(field.key, 999_987);
        }
        for &(task, lora) in &tasks {
            let run = Run { lora, ..Run::default() };
            let mut last = Some(Bytes::ZERO);
            for batch_size in (1..30).map(|power| 1 << power) {
                let model = Model::Described(config);
                let scenario =
                    Scenario { model, run, task, batch_size, sequence_length: 37_497, ..Scenario::default() };
                let total = match estimate(&scenario) {
                    Ok(estimate) => Some(estimate.total),
                    Err(EstimateError::Config(ConfigError::TooLarge)) => None,
                    // No layer has that module.
                    Err(_) => break,
                };
                let report = Report::of(&scenario).expect("a described network");
                assert_eq!(total, report.ok().map(|report| report.allocated), "{family:?} {lora:?} batch {batch_size}");
                let grows = total.is_none_or(|total| last.is_some_and(|last| last <= total));
                assert!(grows, "{family:?} {lora:?} batch {batch_size}: {total:?} after {last:?}");
                last = total;
            }
        }
    }
}

#[test]
fn a_field_of_any_size_is_an_estimate_or_an_error() {
    let sizes: Vec<u64> = (12..32).step_by(2).map(|power| (1 << power) - 1).collect();
    for &family in Family::ALL {
        let mut many = Config::of(family);
        for field in family.fields().iter().filter(|field| field.key.contains("layer")) {
            // As above.
            let _ = many.set(field.key, 999_987);
        }
        for field in family.fields() {
            for &size in &sizes {
                let mut config = many;
                if config.set(field.key, size).is_err() {
                    continue;
                }
                let model = Model::Described(config);
                for task in [Task::Training(Training::default()), Task::Inference] {
                    let scenario = Scenario { model, task, ..Scenario::default() };
                    let report = Report::of(&scenario).expect("a described network").ok();
                    let total = estimate(&scenario).ok().map(|estimate| estimate.total);
                    assert_eq!(total, report.map(|report| report.allocated), "{family:?} {} {size}", field.key);
                }
            }
        }
    }
}

#[test]
fn inputs_beyond_their_limits_are_errors_whatever_is_asked() {
    type Input = (Field, fn(&mut Scenario, u64));
    let inputs: [Input; 7] = [
        (Field::BatchSize, |scenario, value| scenario.batch_size = value),
        (Field::SequenceLength, |scenario, value| scenario.sequence_length = value),
        (Field::TargetLength, |scenario, value| scenario.run.target_length = value),
        (Field::Accumulation, |scenario, value| scenario.run.accumulation_steps = value),
        (Field::CheckpointEvery, |scenario, value| scenario.run.checkpointing = Checkpointing::Every(value)),
        (Field::LoraRank, |scenario, value| scenario.run.lora.rank = value),
        (Field::LoraAlpha, |scenario, value| scenario.run.lora.alpha = value),
    ];
    let tasks = [Task::Training(Training::default()), Task::Lora(Training::default()), Task::Inference];
    for &family in Family::ALL {
        for task in tasks {
            for (field, set) in inputs {
                let limits = field.count_limits().expect("a count");
                for value in [0, *limits.start(), *limits.end(), limits.end() + 1, u64::MAX] {
                    let model = Model::Described(Config::of(family));
                    let mut scenario = Scenario { model, task, ..Scenario::default() };
                    set(&mut scenario, value);
                    let what = format!("{family:?} {task:?} {field:?} {value}");
                    let errors = [
                        estimate(&scenario).err(),
                        explain(&scenario).expect("a described network").err(),
                        Report::of(&scenario).expect("a described network").err(),
                    ];
                    let reserved = Report::reserved(&scenario).expect("a described network").err();
                    if limits.contains(&value) {
                        assert!(errors.iter().all(|error| *error == errors[0]), "{what}: {errors:?}");
                    } else {
                        for error in errors.into_iter().chain([reserved]) {
                            let outside =
                                matches!(error, Some(EstimateError::OutOfRange { field: of, .. }) if of == field);
                            assert!(outside, "{what}: {error:?}");
                        }
                    }
                }
            }
        }
    }
}

/// The note on positions that a sequence goes beyond, in words.
fn beyond_positions(model: &str, task: Task, sequence_length: u64, target_length: u64) -> Option<String> {
    let model = Model::Described(Config::from_json(model).expect("a configuration"));
    let run = Run { target_length, ..Run::default() };
    let scenario = Scenario { model, task, run, batch_size: 1, sequence_length, ..Scenario::default() };
    let mut notes = estimate(&scenario).expect("an estimate").notes.into_iter();
    let note = notes.find(|note| matches!(note, Note::BeyondPositions { .. } | Note::NoSuchPosition { .. }));
    note.map(|note| note.to_string())
}

#[test]
fn a_sequence_beyond_a_table_of_positions_is_told_to_fail() {
    let training = Task::Training(Training::default());
    // The last length that runs; every family whose positions stand in a table.
    for (model, longest) in [
        (r#"{"model_type":"gpt2","n_layer":2}"#, 1_024),
        (r#"{"model_type":"gpt_neo","num_layers":2}"#, 2_048),
        (r#"{"model_type":"gptj","n_layer":2,"n_embd":256,"rotary_dim":16}"#, 2_048),
        (r#"{"model_type":"mpt","n_layers":2}"#, 2_048),
        // Two rows more than positions.
        (r#"{"model_type":"opt","num_hidden_layers":2}"#, 2_048),
        (r#"{"model_type":"bart","encoder_layers":2,"decoder_layers":2}"#, 1_024),
        (r#"{"model_type":"bert"}"#, 512),
        (r#"{"model_type":"distilbert"}"#, 512),
        (r#"{"model_type":"electra"}"#, 512),
        (r#"{"model_type":"albert","hidden_size":768,"num_attention_heads":12}"#, 512),
        // The first two rows are those before the first token.
        (r#"{"model_type":"roberta","max_position_embeddings":514}"#, 512),
        (r#"{"model_type":"xlm-roberta","max_position_embeddings":514}"#, 512),
        (r#"{"model_type":"camembert","max_position_embeddings":514}"#, 512),
    ] {
        assert_eq!(beyond_positions(model, training, longest, 16), None, "{model}");
        let told = beyond_positions(model, training, longest + 1, 16).expect(model);
        assert!(told.starts_with("The model has ") && told.ends_with(": its code fails there."), "{told}");
    }
    let told = |model, task, length, target| beyond_positions(model, task, length, target).expect(model);
    let roberta = r#"{"model_type":"roberta","max_position_embeddings":514}"#;
    assert_eq!(
        told(roberta, training, 513, 16),
        "The model has 512 positions and none for token 513: its code fails there."
    );
    // The decoder has as many, and of both that is told which lacks more.
    let bart = r#"{"model_type":"bart","encoder_layers":2,"decoder_layers":2}"#;
    for task in [training, Task::Inference] {
        for (length, target, asked) in [(128, 4_000, "4,000"), (2_000, 4_000, "4,000"), (2_000, 1_025, "2,000")] {
            let told = told(bart, task, length, target);
            assert_eq!(
                told,
                format!("The model has 1,024 positions and none for token {asked}: its code fails there.")
            );
        }
    }
    // With a cache the next token is decoded too.
    let gpt2 = r#"{"model_type":"gpt2","n_layer":2}"#;
    assert_eq!(beyond_positions(gpt2, Task::Inference, 1_023, 16), None);
    assert_eq!(
        told(gpt2, Task::Inference, 1_024, 16),
        "The model has 1,024 positions and none for token 1,025: its code fails there."
    );
}

#[test]
fn a_sequence_beyond_the_positions_that_heads_were_turned_by_is_told_to_be_long() {
    let llama = r#"{"model_type":"llama","num_hidden_layers":2,"hidden_size":512,"intermediate_size":512}"#;
    let training = Task::Training(Training::default());
    assert_eq!(beyond_positions(llama, training, 2_048, 16), None);
    assert_eq!(
        beyond_positions(llama, training, 2_049, 16).expect("a note"),
        "The sequence of 2,049 tokens is longer than the 2,048 positions that the model was made for."
    );
    // Neither biases by distance nor T5's buckets end anywhere.
    for model in [r#"{"model_type":"bloom"}"#, r#"{"model_type":"t5","num_layers":2}"#] {
        assert_eq!(beyond_positions(model, training, 9_000, 16), None, "{model}");
    }
}

#[test]
fn heads_of_odd_size_are_told_by_a_field_that_was_given() {
    let told = |config: &str| {
        let model = Model::Described(Config::from_json(config).expect("fields of the family"));
        match estimate(&Scenario { model, ..Scenario::default() }) {
            Err(EstimateError::Config(error)) => (error.to_string(), error.field().map(str::to_owned)),
            other => panic!("{config}: {other:?}"),
        }
    };
    let share = "hidden_size divided by num_attention_heads, the size of a head, must be even, got 3";
    for (config, expected, field) in [
        (r#"{"model_type":"llama","hidden_size":96,"num_attention_heads":32}"#, share, "hidden_size"),
        (r#"{"model_type":"modernbert","hidden_size":96,"num_attention_heads":32}"#, share, "hidden_size"),
        (r#"{"model_type":"falcon","hidden_size":96,"num_attention_heads":32}"#, share, "hidden_size"),
        (r#"{"model_type":"llama","head_dim":63}"#, "head_dim must be even, got 63", "head_dim"),
        (
            r#"{"model_type":"deepseek_v3","qk_rope_head_dim":63}"#,
            "qk_rope_head_dim must be even, got 63",
            "qk_rope_head_dim",
        ),
        (r#"{"model_type":"gptj","rotary_dim":63}"#, "rotary_dim must be even, got 63", "rotary_dim"),
    ] {
        assert_eq!(told(config), (expected.to_owned(), Some(field.to_owned())), "{config}");
    }
    // Without positions that turn heads, any size will do.
    let alibi = r#"{"model_type":"falcon","hidden_size":96,"num_attention_heads":32,"alibi":true}"#;
    let model = Model::Described(Config::from_json(alibi).expect("fields of the family"));
    assert!(estimate(&Scenario { model, ..Scenario::default() }).is_ok());
}

#[test]
fn the_history_ends_in_what_is_reserved() {
    for (family, scenario) in scenarios() {
        let what = format!("{family:?} {:?} {:?}", scenario.task, scenario.run.checkpointing);
        let history = Report::history(&scenario).expect("a described network").expect("a history");
        let reserved = Report::reserved(&scenario).expect("a described network").expect("figures");
        let (mut passes, mut segments, mut standing, mut highest) = (0, 0, 0, 0);
        let mut freed = BTreeSet::new();
        for (place, event) in history.iter().enumerate() {
            match event {
                HistoryEvent::Pass => (passes, highest) = (passes + 1, standing),
                HistoryEvent::Segment(bytes) => segments += bytes.get(),
                HistoryEvent::Allocate(block) => {
                    standing += block.bytes.get();
                    highest = highest.max(standing);
                }
                HistoryEvent::Free(taken) => {
                    let Some(HistoryEvent::Allocate(block)) = history.get(*taken) else { panic!("{what}: {taken}") };
                    assert!(*taken < place && freed.insert(*taken), "{what}: {taken} goes twice");
                    standing -= block.bytes.get();
                }
            }
        }
        // Two steps; two forward passes, and a token more where there is a cache.
        let decodes = reserved.phase_peaks.iter().any(|(phase, _)| *phase == Phase::Decode);
        assert_eq!(passes, 2 + usize::from(decodes), "{what}");
        assert_eq!(segments, reserved.reserved.get(), "{what}");
        let (last, most) = reserved
            .phase_peaks
            .iter()
            .fold((Bytes::ZERO, Bytes::ZERO), |(_, most), (_, peak)| (*peak, most.max(*peak)));
        let blocks = if decodes { last } else { most };
        assert!(highest <= blocks.get(), "{what}: {highest} of {blocks:?}");
    }
}
