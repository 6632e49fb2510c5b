//! Vectors of configuration and of page sizes.

use super::Context;
use super::compare::exactly;
use crate::config::{Pipeline, Settings};
use crate::input::pdf::render_scale;
use serde_json::{Map, Value};

use super::compare::Checked;
pub(super) fn pdf_scale(v: &Value, _: &Context) -> Checked {
    let number = |key: &str| v[key].as_f64().unwrap_or(0.0);
    let (min, max) = (number("min_scale"), number("max_pixels") as u64);
    let scale = render_scale(
        number("page_width"),
        number("page_height"),
        number("requested_scale"),
        min,
        max,
    );
    exactly("scale", &v["scale"], scale.ok_or("no scale fits")?)
}

pub(super) fn pipeline_configs(value: &Value) -> Vec<Checked> {
    let configs = value.as_object().into_iter().flatten();
    let check = |(version, config): (&String, &Value)| {
        let pipeline = Pipeline::from_version(version).ok_or(format!("no pipeline {version}"))?;
        exactly(version, config, Settings::defaults(pipeline).to_json())
    };
    configs.map(check).collect()
}

pub(super) fn config_overrides(v: &Value, _: &Context) -> Checked {
    let version = v["pipeline_version"].as_str().unwrap_or("");
    let pipeline = Pipeline::from_version(version).ok_or(format!("no pipeline {version}"))?;
    let before = Settings::defaults(pipeline);
    let mut after = before.clone();
    let flags = v["flags"].as_object().ok_or("no flags")?;
    after.apply_parameters(flags).map_err(|e| e.to_string())?;
    let mut changed = Map::new();
    difference(
        "",
        &with_secrets(&before),
        &with_secrets(&after),
        &mut changed,
    );
    exactly("changed", &v["changed"], Value::Object(changed))
}

/// The tree with secrets unmasked.
fn with_secrets(settings: &Settings) -> Value {
    let mut value = settings.to_json();
    let key = "SubModules.VLRecognition.genai_config.client_kwargs.api_key";
    if let Some(secret) = settings.get(key) {
        value["SubModules"]["VLRecognition"]["genai_config"]["client_kwargs"]["api_key"] =
            secret.clone();
    }
    value
}

/// Values in which two trees differ, by dotted path.
fn difference(path: &str, before: &Value, after: &Value, out: &mut Map<String, Value>) {
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in b {
                let full = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                match a.get(key) {
                    Some(before) => difference(&full, before, value, out),
                    None => drop(out.insert(full, value.clone())),
                }
            }
        }
        (a, b) if a != b => drop(out.insert(path.to_string(), b.clone())),
        _ => {}
    }
}
