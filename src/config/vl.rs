//! Settings of the PaddleOCR-VL pipelines: from the tree of keys to the options of each stage.

use super::server::ServerConfig;
use super::{ConfigError, Settings, SettingsReader};
use crate::document::Label;
use crate::layout::polygons::ShapeMode;
use crate::layout::postprocess::{LayoutOptions, MergeMode, MergeModes, Threshold, Unclip};
use crate::plan::{PictureNames, RequestOptions, VlOptions};
use crate::preprocess::PreprocessOptions;
use crate::writer::markdown::MarkdownOptions;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The settings of a PaddleOCR-VL pipeline, ready for use.
#[derive(Debug, Clone, PartialEq)]
pub struct VlConfig {
    /// Layout detection.
    pub layout: LayoutOptions,
    /// Merging of regions and requests to the recognizer.
    pub plan: VlOptions,
    /// Document preprocessing.
    pub preprocess: PreprocessOptions,
    /// Markdown output.
    pub markdown: MarkdownOptions,
    /// Label of the whole page if no layout is detected.
    pub prompt_label: Label,
    /// `format_block_content`.
    pub format_block_content: bool,
    /// Names and folders of the networks.
    pub models: ModelChoices,
    /// Pages per batch of the layout network.
    pub layout_batch_size: usize,
    /// Recognition servers, if used in place of the local recognizer.
    pub server: Option<ServerConfig>,
}

/// Name and folder of a network, if given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelChoice {
    /// `model_name`.
    pub name: Option<String>,
    /// `model_dir`.
    pub dir: Option<PathBuf>,
    /// The user gave the name, so the folder must hold that network; otherwise it is the pipeline's default.
    pub is_name_given: bool,
}

impl ModelChoice {
    /// `true` if no folder is named, and no other network than this one.
    pub(crate) fn is_without_folder(&self, network: &str) -> bool {
        self.dir.is_none() && self.name.as_ref().is_none_or(|name| name == network)
    }
}

/// Choices of all networks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelChoices {
    /// Layout detection.
    pub layout: ModelChoice,
    /// Page orientation.
    pub orientation: ModelChoice,
    /// Unwarping.
    pub unwarping: ModelChoice,
    /// The recognizer.
    pub recognizer: ModelChoice,
}

/// Largest batch of a layout network; larger ones only take more memory.
const MAX_BATCH: u64 = 64;

/// Parameters of a run besides the configuration (docs/reference.md, "Flags and configuration"), by the reference's names:
/// `layout_shape_mode`, `prompt_label`, `min_pixels`, ... and, for its Python call, `layout_threshold` and
/// others.
pub(crate) type PredictParams = Map<String, Value>;

/// Labels allowed for pages without layout detection.
const PROMPT_LABELS: [Label; 6] = [
    Label::Ocr,
    Label::Formula,
    Label::Table,
    Label::Chart,
    Label::Seal,
    Label::Spotting,
];

impl VlConfig {
    /// Builds the options of a run; `compat` as in `--compat`.
    pub fn new(
        settings: &Settings,
        predict: &PredictParams,
        compat: bool,
    ) -> Result<VlConfig, ConfigError> {
        let read = SettingsReader(settings);
        let layout = layout_options(settings, predict, compat)?;
        let use_layout_detection = read.bool("use_layout_detection");
        let prompt_label = prompt_label(predict)?;
        // With the prompt label `chart` or `seal`, the whole page is recognized as such.
        let whole = (!use_layout_detection).then_some(prompt_label);
        let switch = |key: &str, label: Label| read.bool(key) || whole == Some(label);
        let ignored = settings
            .get("markdown_ignore_labels")
            .and_then(Value::as_array);
        let ignore_labels: BTreeSet<String> = ignored
            .into_iter()
            .flatten()
            .filter_map(|v| v.as_str().map(String::from))
            .collect();
        let preprocessor = "SubPipelines.DocPreprocessor";
        let plan = VlOptions {
            use_layout_detection,
            merge_layout_blocks: read.bool("merge_layout_blocks"),
            use_chart_recognition: switch("use_chart_recognition", Label::Chart),
            use_seal_recognition: switch("use_seal_recognition", Label::Seal),
            use_ocr_for_image_block: read.bool("use_ocr_for_image_block"),
            shape_mode: layout.shape_mode,
            request: request_options(predict),
            picture_names: match compat {
                true => PictureNames::Reference,
                false => PictureNames::Own,
            },
        };
        Ok(VlConfig {
            layout,
            preprocess: PreprocessOptions {
                use_doc_preprocessor: read.bool("use_doc_preprocessor"),
                use_doc_orientation_classify: read
                    .bool(&format!("{preprocessor}.use_doc_orientation_classify")),
                use_doc_unwarping: read.bool(&format!("{preprocessor}.use_doc_unwarping")),
            },
            markdown: MarkdownOptions {
                ignore_labels,
                use_layout_detection,
                use_chart_recognition: plan.use_chart_recognition,
                use_seal_recognition: plan.use_seal_recognition,
                use_ocr_for_image_block: plan.use_ocr_for_image_block,
                ..MarkdownOptions::default()
            },
            plan,
            prompt_label,
            format_block_content: read.bool("format_block_content"),
            models: ModelChoices {
                layout: model_choice(settings, "SubModules.LayoutDetection"),
                orientation: model_choice(
                    settings,
                    &format!("{preprocessor}.SubModules.DocOrientationClassify"),
                ),
                unwarping: model_choice(
                    settings,
                    &format!("{preprocessor}.SubModules.DocUnwarping"),
                ),
                recognizer: model_choice(settings, "SubModules.VLRecognition"),
            },
            layout_batch_size: batch_size(settings)?,
            server: ServerConfig::new(settings)?,
        })
    }
}

fn model_choice(settings: &Settings, section: &str) -> ModelChoice {
    let text = |key: &str| {
        Some(
            settings
                .get(&format!("{section}.{key}"))?
                .as_str()?
                .to_string(),
        )
    };
    let dir = text("model_dir").map(PathBuf::from);
    ModelChoice {
        name: text("model_name"),
        dir,
        is_name_given: false,
    }
}

fn batch_size(settings: &Settings) -> Result<usize, ConfigError> {
    let key = "SubModules.LayoutDetection.batch_size";
    let value = settings.get(key).unwrap_or(&Value::Null);
    match value.as_u64() {
        None if value.is_null() => Ok(1),
        Some(size) if (1..=MAX_BATCH).contains(&size) => Ok(size as usize),
        _ => Err(bad(key, &format!("from 1 to {MAX_BATCH}"), value)),
    }
}

fn bad(key: &str, expected: &str, value: &Value) -> ConfigError {
    ConfigError::Range {
        key: key.to_string(),
        expected: expected.to_string(),
        value: value.to_string(),
    }
}

/// Options of layout detection: parameters of the run, else the configuration.
fn layout_options(
    settings: &Settings,
    predict: &PredictParams,
    compat: bool,
) -> Result<LayoutOptions, ConfigError> {
    let value = |name: &str| {
        let given = predict
            .get(&format!("layout_{name}"))
            .filter(|v| !v.is_null());
        let key = if name == "threshold" {
            name.to_string()
        } else {
            format!("layout_{name}")
        };
        let key = format!("SubModules.LayoutDetection.{key}");
        given
            .or_else(|| settings.get(&key))
            .cloned()
            .unwrap_or(Value::Null)
    };
    let shape_mode = match predict.get("layout_shape_mode").filter(|v| !v.is_null()) {
        None => ShapeMode::Auto,
        Some(mode) => mode
            .as_str()
            .and_then(ShapeMode::from_name)
            .ok_or_else(|| bad("layout_shape_mode", "rect, quad, poly or auto", mode))?,
    };
    let merge = value("merge_bboxes_mode");
    Ok(LayoutOptions {
        threshold: threshold(&value("threshold"), compat),
        nms: value("nms").as_bool().unwrap_or(true),
        unclip_ratio: unclip_ratio(&value("unclip_ratio")),
        merge_bboxes_mode: merge_modes(&merge)
            .ok_or_else(|| bad("layout_merge_bboxes_mode", "union, large or small", &merge))?,
        shape_mode,
    })
}

/// Label of the whole page, in any case.
fn prompt_label(predict: &PredictParams) -> Result<Label, ConfigError> {
    let word = predict
        .get("prompt_label")
        .and_then(Value::as_str)
        .unwrap_or("ocr")
        .to_lowercase();
    Label::from_name(&word)
        .filter(|label| PROMPT_LABELS.contains(label))
        .ok_or_else(|| {
            bad(
                "prompt_label",
                "ocr, formula, table, chart, seal or spotting",
                &word.into(),
            )
        })
}

/// Entries by class id; other keys are ignored.
fn by_class<T>(
    map: &Map<String, Value>,
    value: impl Fn(&Value) -> Option<T>,
) -> BTreeMap<usize, T> {
    map.iter()
        .filter_map(|(k, v)| Some((k.parse().ok()?, value(v)?)))
        .collect()
}

/// `threshold`. An integer disables the filter in the reference (docs/reference.md,
/// "Configuration files"); here only with `compat`.
pub(crate) fn threshold(value: &Value, compat: bool) -> Threshold {
    let number = |v: &Value| v.as_f64().map(|v| v as f32);
    match value {
        Value::Number(n) if n.is_f64() || !compat => Threshold::All(number(value).unwrap_or(0.0)),
        Value::Object(map) => Threshold::ByClass(by_class(map, number)),
        _ => Threshold::Off,
    }
}

/// `layout_unclip_ratio`: a number, a pair, or either by class id.
pub(crate) fn unclip_ratio(value: &Value) -> Unclip {
    let pair = |value: &Value| match value {
        Value::Array(pair) => match pair.as_slice() {
            [x, y] => Some([x.as_f64()? as f32, y.as_f64()? as f32]),
            _ => None,
        },
        number => number.as_f64().map(|r| [r as f32; 2]),
    };
    match value {
        Value::Object(map) => Unclip::ByClass(by_class(map, pair)),
        value => pair(value).map_or(Unclip::Off, Unclip::All),
    }
}

/// `layout_merge_bboxes_mode`: a word, or words by class id; `None` for an unknown word.
pub(crate) fn merge_modes(value: &Value) -> Option<MergeModes> {
    let mode = |value: &Value| match value.as_str()? {
        "union" => Some(MergeMode::Union),
        "large" => Some(MergeMode::Large),
        "small" => Some(MergeMode::Small),
        _ => None,
    };
    match value {
        Value::Null => Some(MergeModes::Off),
        Value::Object(map) if map.values().all(|v| mode(v).is_some()) => {
            Some(MergeModes::ByClass(by_class(map, mode)))
        }
        value => mode(value).map(MergeModes::All),
    }
}

fn request_options(predict: &PredictParams) -> RequestOptions {
    let whole = |key: &str| predict.get(key).and_then(Value::as_u64);
    let number = |key: &str| predict.get(key).and_then(Value::as_f64);
    let mut options = RequestOptions {
        min_pixels: whole("min_pixels"),
        max_pixels: whole("max_pixels"),
        max_new_tokens: whole("max_new_tokens"),
        temperature: number("temperature"),
        top_p: number("top_p"),
        repetition_penalty: number("repetition_penalty"),
        ..RequestOptions::default()
    };
    let limits = ["ocr", "table", "chart", "formula", "seal"]
        .map(|task| ["min", "max"].map(|end| format!("{task}_{end}_pixels")));
    for (key, value) in predict
        .get("vlm_extra_args")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        match value
            .as_u64()
            .filter(|_| limits.iter().flatten().any(|limit| limit == key))
        {
            Some(limit) => drop(options.task_limits.insert(key.clone(), limit)),
            None => drop(options.other_arguments.insert(key.clone(), value.clone())),
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Pipeline;
    use serde_json::json;

    fn config(predict: Value, compat: bool) -> Result<VlConfig, ConfigError> {
        let settings = Settings::defaults(Pipeline::V16);
        VlConfig::new(&settings, predict.as_object().unwrap(), compat)
    }

    #[test]
    fn defaults_are_those_of_the_file() {
        let config = config(json!({}), false).unwrap();
        assert_eq!(config.layout.threshold, Threshold::All(0.3));
        assert!(
            config.layout.nms
                && config.plan.merge_layout_blocks
                && !config.plan.use_chart_recognition
        );
        assert!(matches!(
            config.layout.merge_bboxes_mode,
            MergeModes::ByClass(_)
        ));
        assert!(!config.preprocess.use_doc_preprocessor);
    }

    #[test]
    fn a_whole_threshold_filters_unless_compatible() {
        assert_eq!(threshold(&json!(1), false), Threshold::All(1.0));
        assert_eq!(threshold(&json!(1), true), Threshold::Off);
    }

    #[test]
    fn wrong_words_are_named() {
        let error = config(json!({"layout_shape_mode": "round"}), false)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "`layout_shape_mode` must be rect, quad, poly or auto, not `\"round\"`"
        );
        assert!(config(json!({"prompt_label": "text"}), false).is_err());
        assert!(config(json!({"layout_merge_bboxes_mode": "huge"}), false).is_err());
    }
}
