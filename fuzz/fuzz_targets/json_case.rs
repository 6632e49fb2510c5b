//! Any file of recorded answers is refused or gives boxes that can be post-processed and planned.
#![no_main]

use docparse::internals::config::vl::VlConfig;
use docparse::internals::config::{Pipeline, Settings};
use docparse::internals::layout::postprocess::postprocess;
use docparse::internals::plan::{PageName, PlanOptions, plan_page};
use docparse::internals::proof::replay::Case;
use libfuzzer_sys::fuzz_target;
use serde_json::Map;

fuzz_target!(|text: &str| {
    let Ok(case) = Case::parse(text) else { return };
    let settings = Settings::defaults(Pipeline::V16);
    let Ok(config) = VlConfig::new(&settings, &Map::new(), true) else { return };
    for index in 0..case.pages.len().min(4) {
        let Some(raw) = case.raw_layout(index) else { continue };
        if raw.boxes.len() > 64 {
            continue;
        }
        let regions = postprocess(&raw, 300, 200, &config.layout);
        let name = PageName { folder: "fuzz", page_index: index };
        plan_page(regions, name, &PlanOptions::Vl(Box::new(config.plan.clone())));
    }
});
