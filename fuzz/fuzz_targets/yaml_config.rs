//! Any configuration file is settings or an error with a line, and settings give options or an error.
#![no_main]

use docparse::internals::config::vl::VlConfig;
use docparse::internals::config::{Config, Pipeline, Settings};
use libfuzzer_sys::fuzz_target;
use serde_json::Map;

fuzz_target!(|text: &str| {
    let Ok(file) = Settings::parse(text, "fuzz.yaml") else { return };
    for pipeline in [Pipeline::Lite, Pipeline::V1, Pipeline::V16] {
        let mut settings = Settings::defaults(pipeline);
        settings.merge(file.clone());
        if pipeline == Pipeline::Lite {
            let _ = Config::lite(&settings);
        } else {
            let _ = VlConfig::new(&settings, &Map::new(), true);
        }
    }
});
