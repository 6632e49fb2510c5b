//! Settings of a job: which parameters a client may set, and from their JSON to the settings that the job is parsed
//! with.

use crate::config::parameters::{PARAMETERS, Parameter, ValueKind, parameter};
use crate::engine::PageSelection;
use crate::pipeline::resolve::resolve;
use crate::pipeline::{RequestError, Resolved, RunRequest};
use crate::writer::Formats;
use serde_json::{Map, Value};

/// Parameters that a job may set. Others choose what is loaded, where files are or which servers are asked: those belong
/// to whoever runs the server.
pub(crate) const OF_JOBS: &[&str] = &[
    "concatenate_pages",
    "embed_images",
    "format_block_content",
    "front_matter",
    "hidden_text",
    "layout_merge_bboxes_mode",
    "layout_nms",
    "layout_shape_mode",
    "layout_threshold",
    "layout_unclip_ratio",
    "markdown_ignore_labels",
    "markdown_style",
    "max_new_tokens",
    "max_pixels",
    "merge_layout_blocks",
    "merge_tables",
    "min_pixels",
    "page_breaks",
    "password",
    "prompt_label",
    "relevel_titles",
    "repetition_penalty",
    "temperature",
    "text_layer",
    "top_p",
    "use_chart_recognition",
    "use_doc_orientation_classify",
    "use_doc_unwarping",
    "use_layout_detection",
    "use_ocr_for_image_block",
    "use_seal_recognition",
];

/// Reason why settings are refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingError {
    /// There is no such setting, or jobs may not have it.
    #[error("`{0}` is no setting of a job; GET /v1/capabilities lists those")]
    Unknown(String),
    /// The value is of another type.
    #[error("`{name}` must be {expected}")]
    Type {
        /// The setting.
        name: String,
        /// What it must be.
        expected: String,
    },
    /// There is no such format.
    #[error("`{0}` is no format; use some of {names}", names = Formats::names().join(", "))]
    Format(String),
    /// These are no ranges of pages.
    #[error("`{0}` is no range of pages; write 1-3,7,10-")]
    Pages(String),
    /// The settings do not go together.
    #[error(transparent)]
    Request(#[from] RequestError),
}

/// The parameter that a name or a key of a file of settings stands for.
fn named(name: &str) -> Option<&'static Parameter> {
    let found = parameter(name).or_else(|| PARAMETERS.iter().find(|p| p.key() == Some(name)))?;
    OF_JOBS.contains(&found.name).then_some(found)
}

/// Settings by the name of their parameter. They may be given by that name, or as in a YAML file: by dotted keys, or
/// sections in sections.
pub(crate) fn checked(given: &Map<String, Value>) -> Result<Map<String, Value>, SettingError> {
    let mut settings = Map::new();
    collect("", given, &mut settings)?;
    Ok(settings)
}

fn collect(
    section: &str,
    given: &Map<String, Value>,
    settings: &mut Map<String, Value>,
) -> Result<(), SettingError> {
    for (key, value) in given {
        let path = match section {
            "" => key.clone(),
            section => format!("{section}.{key}"),
        };
        match (named(&path), value) {
            (_, Value::Null) => {}
            (Some(parameter), value) => {
                check(parameter, value)?;
                settings.insert(parameter.name.into(), value.clone());
            }
            (None, Value::Object(below)) if PARAMETERS.iter().any(|p| is_below(p, &path)) => {
                collect(&path, below, settings)?;
            }
            (None, _) => return Err(SettingError::Unknown(path)),
        }
    }
    Ok(())
}

fn is_below(parameter: &Parameter, section: &str) -> bool {
    let rest = parameter.key().and_then(|key| key.strip_prefix(section));
    rest.is_some_and(|rest| rest.starts_with('.'))
}

fn check(parameter: &Parameter, value: &Value) -> Result<(), SettingError> {
    let is_text = |value: &Value| value.is_string();
    // By class, too: numbers, pairs and words.
    let has_classes = matches!(
        parameter.name,
        "layout_threshold" | "layout_unclip_ratio" | "layout_merge_bboxes_mode"
    );
    let (fits, expected) = match parameter.kind {
        ValueKind::Bool | ValueKind::Switch { .. } => (value.is_boolean(), "true or false".into()),
        ValueKind::Int => (value.is_i64(), "a whole number".into()),
        ValueKind::Count | ValueKind::Size => {
            (value.is_u64(), "a whole number, not below 0".into())
        }
        ValueKind::Within(least, most) => (
            value.as_u64().is_some_and(|n| (least..=most).contains(&n)),
            format!("a whole number from {least} to {most}"),
        ),
        ValueKind::Float | ValueKind::Percent => (
            value.is_number() || (has_classes && (value.is_object() || value.is_array())),
            "a number".into(),
        ),
        ValueKind::OneOf(words) => (
            value.as_str().is_some_and(|word| words.contains(&word))
                || (has_classes && value.is_object()),
            format!("one of {}", words.join(", ")),
        ),
        ValueKind::OneOfAnyCase(words) => (
            value
                .as_str()
                .is_some_and(|word| words.iter().any(|known| known.eq_ignore_ascii_case(word))),
            format!("one of {}", words.join(", ")),
        ),
        ValueKind::Texts | ValueKind::Repeated => (
            value
                .as_array()
                .is_some_and(|list| list.iter().all(is_text)),
            "a list of texts".into(),
        ),
        ValueKind::Text | ValueKind::Secret => (is_text(value), "a text".into()),
        ValueKind::Folder => (false, "left out".into()),
    };
    match fits {
        true => Ok(()),
        false => Err(SettingError::Type {
            name: parameter.name.into(),
            expected,
        }),
    }
}

/// The settings of a job, over those of the server.
pub(crate) fn resolved(
    base: &RunRequest,
    settings: &Map<String, Value>,
) -> Result<(RunRequest, Resolved), SettingError> {
    let mut request = base.clone();
    for (name, value) in settings {
        request.parameters.set(name, value.clone());
    }
    let resolved = resolve(&request)?;
    Ok((request, resolved))
}

/// Formats by their names; the default without any.
pub(crate) fn formats(names: &[String], embeds: bool) -> Result<Formats, SettingError> {
    if names.is_empty() {
        return Ok(Formats::by_default());
    }
    Formats::from_names(names.iter().map(String::as_str), !embeds).map_err(SettingError::Format)
}

/// Parses `1-3,7,10-` into ranges from 1.
pub(crate) fn pages(text: Option<&str>) -> Result<PageSelection, SettingError> {
    let Some(text) = text else {
        return Ok(PageSelection::default());
    };
    PageSelection::parse(text).map_err(SettingError::Pages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(given: Value) -> Result<Value, String> {
        let given = given.as_object().unwrap();
        let settings = checked(given).map_err(|error| error.to_string())?;
        Ok(Value::Object(settings))
    }

    #[test]
    fn settings_are_named_by_parameter_key_or_section() {
        let threshold = json!({"layout_threshold": 0.5});
        for given in [
            json!({"layout_threshold": 0.5}),
            json!({"SubModules.LayoutDetection.threshold": 0.5}),
            json!({"SubModules": {"LayoutDetection": {"threshold": 0.5}}}),
        ] {
            assert_eq!(check(given), Ok(threshold.clone()));
        }
        assert_eq!(check(json!({"layout_nms": null})), Ok(json!({})));
    }

    #[test]
    fn what_belongs_to_the_server_is_refused() {
        for name in [
            "vl_rec_server_url",
            "vl_rec_model_dir",
            "rec_model_dir",
            "runtime_dir",
            "memory_limit",
            "device",
        ] {
            assert!(
                check(json!({name: "x"})).unwrap_err().contains(name),
                "{name}"
            );
        }
        let nested = json!({"SubModules": {"VLRecognition": {"model_dir": "/"}}});
        assert!(check(nested).is_err());
        let recognizers = json!({"SubModules": {"LineRecognition": {"model_dirs": ["/"]}}});
        assert!(check(recognizers).is_err());
    }

    #[test]
    fn values_have_the_types_of_their_parameters() {
        assert!(
            check(json!({"merge_tables": "yes"}))
                .unwrap_err()
                .contains("true or false")
        );
        assert!(
            check(json!({"text_layer": "sometimes"}))
                .unwrap_err()
                .contains("one of")
        );
        assert!(check(json!({"markdown_ignore_labels": ["text", 1]})).is_err());
        assert!(check(json!({"layout_threshold": {"1": 0.5}})).is_ok());
    }

    #[test]
    fn every_setting_of_jobs_is_a_parameter() {
        for name in OF_JOBS {
            assert!(parameter(name).is_some(), "{name}");
        }
    }
}
