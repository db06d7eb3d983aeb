//! Any text read as a `config.json` gives a configuration or an error, and any configuration an estimate or an error.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_memory::{Config, Model, Scenario, estimate};

fuzz_target!(|text: &str| {
    match Config::from_json(text) {
        Ok(config) => {
            assert_eq!(Config::from_json(&config.to_json()).as_ref(), Ok(&config), "written and read back");
            let scenario = Scenario { model: Model::Described(config), sequence_length: 16, ..Scenario::default() };
            if let Err(error) = estimate(&scenario) {
                assert!(!error.to_string().is_empty());
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    for remark in Config::remarks(text) {
        assert!(!remark.to_string().is_empty());
    }
});
