//! The resolved settings: `configs/<pipeline>.yaml` < `--paddlex_config` file < environment < flags.
//!
//! Settings are stored as one tree of keys, as in the reference's YAML files, so that every layer can
//! override every key; [`Config`] is built from the tree at the end.

pub(crate) mod machine;
pub(crate) mod memory;
pub(crate) mod parameters;
pub(crate) mod schema;
pub(crate) mod server;
mod serving;
pub(crate) mod vl;
mod yaml;

pub(crate) use serving::ServingConfig;

use crate::document::HiddenMode;
use crate::layout::picture::PictureOptions;
use crate::lines::{DetectOptions, LimitType, LineOptions, RecognizerPrecision, TextLayerMode};
use crate::net::shown_address;
use crate::runtime::{
    LINE_DETECTOR, LINE_RECOGNIZER, PAGE_LAYOUT, PAGE_ORIENTATION, TABLE_STRUCTURE,
};
use crate::writer::options::{MarkdownForm, MarkdownOptions, MarkdownStyle, PageBreaks};
use serde_json::{Map, Value};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Errors in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{file}: cannot be read: {message}")]
    Read {
        /// The file.
        file: String,
        /// The cause.
        message: String,
    },
    /// It is not valid YAML.
    #[error("{file}, line {line}: not valid YAML: {message}")]
    Syntax {
        /// The file.
        file: String,
        /// Line number.
        line: usize,
        /// Message of the parser.
        message: String,
    },
    /// An unknown key.
    #[error("{file}, line {line}: unknown key `{key}`{}", .hint.as_ref().map(|h| format!("; did you mean `{h}`?")).unwrap_or_default())]
    UnknownKey {
        /// The file.
        file: String,
        /// Line number.
        line: usize,
        /// The key.
        key: String,
        /// A known key with a similar name.
        hint: Option<String>,
    },
    /// A value of the wrong type.
    #[error("{file}, line {line}: `{key}` must be {expected}")]
    Value {
        /// The file.
        file: String,
        /// Line number.
        line: usize,
        /// The key.
        key: String,
        /// Description of valid values.
        expected: &'static str,
    },
    /// A parameter's value of the wrong type.
    #[error("`{name}` must be {expected}, not `{value}`")]
    Parameter {
        /// The parameter.
        name: String,
        /// Description of valid values.
        expected: String,
        /// The value given.
        value: String,
    },
    /// A value out of range, from any layer.
    #[error("`{key}` must be {expected}, not `{value}`")]
    Range {
        /// The key.
        key: String,
        /// Description of valid values.
        expected: String,
        /// The value given.
        value: String,
    },
}

/// The pipelines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pipeline {
    /// The embedded default.
    Lite,
    /// PaddleOCR-VL.
    V1,
    /// PaddleOCR-VL-1.5.
    V15,
    /// PaddleOCR-VL-1.6.
    V16,
}

impl Pipeline {
    /// All of them.
    pub const ALL: [Pipeline; 4] = [Pipeline::Lite, Pipeline::V1, Pipeline::V15, Pipeline::V16];

    /// The name in configuration files.
    pub fn name(self) -> &'static str {
        match self {
            Pipeline::Lite => "lite",
            Pipeline::V1 => "PaddleOCR-VL",
            Pipeline::V15 => "PaddleOCR-VL-1.5",
            Pipeline::V16 => "PaddleOCR-VL-1.6",
        }
    }

    /// The name on the command line.
    pub fn version(self) -> &'static str {
        match self {
            Pipeline::Lite => "lite",
            Pipeline::V1 => "v1",
            Pipeline::V15 => "v1.5",
            Pipeline::V16 => "v1.6",
        }
    }

    /// The pipeline with this name on the command line.
    pub fn from_version(version: &str) -> Option<Pipeline> {
        Self::ALL.into_iter().find(|p| p.version() == version)
    }

    /// The pipeline with this name in configuration files.
    pub fn from_name(name: &str) -> Option<Pipeline> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    fn defaults(self) -> &'static str {
        match self {
            Pipeline::Lite => include_str!("../../configs/lite.yaml"),
            Pipeline::V1 => include_str!("../../configs/PaddleOCR-VL.yaml"),
            Pipeline::V15 => include_str!("../../configs/PaddleOCR-VL-1.5.yaml"),
            Pipeline::V16 => include_str!("../../configs/PaddleOCR-VL-1.6.yaml"),
        }
    }
}

/// Keys of a file that a run does not use, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotUsed {
    /// The keys.
    pub keys: Vec<&'static str>,
    /// Why.
    pub reason: &'static str,
}

impl fmt::Display for NotUsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (keys, reason) = (self.keys.join(", "), self.reason);
        write!(f, "{keys}: accepted and not used by docparse ({reason})")
    }
}

/// The tree of settings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// The defaults of a pipeline.
    pub fn defaults(pipeline: Pipeline) -> Settings {
        let file = format!("configs/{}.yaml", pipeline.name());
        Settings(
            yaml::parse(pipeline.defaults(), &file)
                .expect("the built-in configurations are tested"),
        )
    }

    /// Reads a user's configuration file.
    pub fn from_file(path: &Path) -> Result<Settings, ConfigError> {
        let file = path.display().to_string();
        let read = |error: std::io::Error| ConfigError::Read {
            file: file.clone(),
            message: error.to_string(),
        };
        Settings::parse(&std::fs::read_to_string(path).map_err(read)?, &file)
    }

    /// Parses the text of a configuration file; `file` is its name in messages.
    pub fn parse(text: &str, file: &str) -> Result<Settings, ConfigError> {
        yaml::parse(text, file).map(Settings)
    }

    /// The pipeline that the settings name.
    pub fn pipeline(&self) -> Option<Pipeline> {
        Pipeline::from_name(self.get("pipeline_name")?.as_str()?)
    }

    /// Merges other settings over these: maps are merged, other values are replaced.
    pub fn merge(&mut self, over: Settings) {
        merge(&mut self.0, over.0);
    }

    /// The keys that are here and that a run with `pipeline` does not use, by the reason; in the order of all keys.
    pub fn not_used(&self, pipeline: Pipeline) -> Vec<NotUsed> {
        let lite = (pipeline == Pipeline::Lite).then(|| Settings::defaults(pipeline));
        let mut all: Vec<NotUsed> = Vec::new();
        for (key, _) in schema::KEYS
            .iter()
            .filter(|(key, _)| self.get(key).is_some())
        {
            let is_others = lite.as_ref().is_some_and(|lite| lite.get(key).is_none());
            let reason = match schema::unused(key) {
                Some(reason) => reason,
                None if schema::is_of_service(key) => "only the service reads it",
                None if is_others => "for the PaddleOCR-VL pipelines",
                None => continue,
            };
            match all.iter_mut().find(|group| group.reason == reason) {
                Some(group) => group.keys.push(key),
                None => all.push(NotUsed {
                    keys: vec![key],
                    reason,
                }),
            }
        }
        all
    }

    /// The value at a dotted path.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let mut parts = path.split('.');
        let mut value = self.0.get(parts.next()?)?;
        for part in parts {
            value = value.as_object()?.get(part)?;
        }
        Some(value)
    }

    /// Sets the value at a dotted path, creating the maps on the way.
    pub fn set(&mut self, path: &str, value: Value) {
        let (sections, key) = path.rsplit_once('.').unwrap_or(("", path));
        let mut map = &mut self.0;
        for part in sections.split('.').filter(|p| !p.is_empty()) {
            let entry = map.entry(part).or_insert(Value::Null);
            if !entry.is_object() {
                *entry = Value::Object(Map::new());
            }
            map = entry.as_object_mut().expect("made a map above");
        }
        map.insert(key.to_string(), value);
    }

    /// Sets the values of parameters (docs/reference.md, "Flags and configuration").
    pub fn apply_parameters(&mut self, values: &Map<String, Value>) -> Result<(), ConfigError> {
        for (name, value) in values {
            let key = parameters::key_of(name);
            yaml::check(key, value).map_err(|expected| ConfigError::Parameter {
                name: name.clone(),
                expected: expected.to_string(),
                value: value.to_string(),
            })?;
            self.set(key, value.clone());
        }
        let switch = |name: &str| values.get(name).and_then(Value::as_bool);
        let (orientation, unwarping) = (
            switch("use_doc_orientation_classify"),
            switch("use_doc_unwarping"),
        );
        if orientation == Some(true) || unwarping == Some(true) {
            self.set("use_doc_preprocessor", true.into());
        } else if unwarping == Some(false) {
            self.set("use_doc_preprocessor", false.into());
        }
        Ok(())
    }

    /// The tree as JSON, without secrets.
    pub fn to_json(&self) -> Value {
        let mut copy = self.clone();
        let key = "SubModules.VLRecognition.genai_config.client_kwargs.api_key";
        if copy.get(key).is_some() {
            copy.set(key, "(hidden)".into());
        }
        // Addresses and headers may contain keys as well.
        let key = "SubModules.VLRecognition.genai_config.server_url";
        if let Some(urls) = copy.get(key).and_then(Value::as_str).map(str::to_string) {
            let shown: Vec<String> = urls
                .split(',')
                .map(|url| shown_address(url.trim()))
                .collect();
            copy.set(key, shown.join(",").into());
        }
        let key = "SubModules.VLRecognition.genai_config.client_kwargs.default_headers";
        if copy.get(key).is_some() {
            copy.set(key, "(hidden)".into());
        }
        Value::Object(copy.0)
    }
}

fn merge(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(base)), Value::Object(over)) => merge(base, over),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

/// Settings of the embedded default pipeline.
#[derive(Debug, Clone)]
pub struct Config {
    /// The pipeline.
    pub pipeline: Pipeline,
    /// Source of the text of PDF pages.
    pub text_layer: TextLayerMode,
    /// What becomes of text that a reader does not see.
    pub hidden_text: HiddenMode,
    /// Every frame of an animated GIF, PNG or WebP is a page; else its first one is the only page.
    pub all_frames: bool,
    /// Pixel limit of a rendered page; larger pages are rendered at a lower scale.
    pub max_page_pixels: u64,
    /// Time limit of a page.
    pub page_timeout: Duration,
    /// Memory limit of a worker process in bytes, besides the program itself.
    pub worker_memory: u64,
    /// Memory limit of a run in bytes, all its processes together; `None`: three quarters of the machine's
    /// memory.
    pub memory_limit: Option<u64>,
    /// Line recognition.
    pub lines: LineOptions,
    /// Folders of line recognizers that are used beside the embedded one.
    pub rec_model_dirs: Vec<PathBuf>,
    /// Networks that look at pictures of pages.
    pub pictures: PictureOptions,
    /// Markdown output.
    pub markdown: MarkdownOptions,
    /// Block contents in the JSON are Markdown.
    pub format_block_content: bool,
    /// Answers of the service.
    pub serving: ServingConfig,
    /// The settings tree, for the JSON output.
    pub settings: Value,
}

impl Config {
    /// Builds the settings of the embedded default from a tree; fails on values out of range.
    pub fn lite(settings: &Settings) -> Result<Config, ConfigError> {
        let read = SettingsReader(settings);
        let detect = "SubModules.LineDetection";
        let recognize = "SubModules.LineRecognition";
        // There is one network for each.
        let (layout, tables) = ("SubModules.PageLayout", "SubModules.TableStructure");
        for (module, model) in [
            (detect, LINE_DETECTOR),
            (recognize, LINE_RECOGNIZER),
            ("SubModules.PageOrientation", PAGE_ORIENTATION),
            (layout, PAGE_LAYOUT),
            (tables, TABLE_STRUCTURE),
        ] {
            read.one_of(
                &format!("{module}.model_name"),
                &[model.trim_end_matches(".onnx")],
            )?;
        }
        let labels = settings
            .get("markdown_ignore_labels")
            .and_then(Value::as_array);
        let ignore_labels = labels
            .into_iter()
            .flatten()
            .filter_map(|v| v.as_str().map(String::from))
            .collect();
        Ok(Config {
            pipeline: Pipeline::Lite,
            text_layer: match read.one_of("text_layer", &["auto", "always", "never"])? {
                0 => TextLayerMode::Auto,
                1 => TextLayerMode::Always,
                _ => TextLayerMode::Never,
            },
            hidden_text: match read.one_of("hidden_text", &["drop", "keep", "mark"])? {
                0 => HiddenMode::Drop,
                1 => HiddenMode::Keep,
                _ => HiddenMode::Mark,
            },
            all_frames: read.one_of("animation_frames", &["first", "all"])? == 1,
            max_page_pixels: read.int("max_page_pixels", 10_000, 178_956_970)? as u64,
            page_timeout: Duration::from_secs(read.int("page_timeout", 1, 86_400)? as u64),
            worker_memory: (read.int("worker_memory", 256, 1 << 20)? as u64) << 20,
            memory_limit: settings.get("memory_limit").and_then(schema::size),
            lines: LineOptions {
                detect: DetectOptions {
                    limit_side_len: read.int(&format!("{detect}.det_limit_side_len"), 32, 10_000)?
                        as u32,
                    limit_type: match read.one_of(
                        &format!("{detect}.det_limit_type"),
                        &["letters", "min", "max"],
                    )? {
                        0 => LimitType::Letters,
                        1 => LimitType::Min,
                        _ => LimitType::Max,
                    },
                    thresh: read.float(&format!("{detect}.det_db_thresh"), 0.0, 1.0)?,
                    box_thresh: read.float(&format!("{detect}.det_db_box_thresh"), 0.0, 1.0)?,
                    unclip_ratio: read.float(
                        &format!("{detect}.det_db_unclip_ratio"),
                        0.1,
                        10.0,
                    )?,
                },
                rec_batch_num: read.int(&format!("{recognize}.rec_batch_num"), 1, 256)? as usize,
                precision: match read
                    .one_of(&format!("{recognize}.precision"), &["auto", "f32", "int8"])?
                {
                    0 => RecognizerPrecision::Auto,
                    1 => RecognizerPrecision::F32,
                    _ => RecognizerPrecision::Int8,
                },
                drop_score: read.float(&format!("{recognize}.drop_score"), 0.0, 1.0)?,
                use_textline_orientation: read
                    .bool(&format!("{recognize}.use_textline_orientation")),
                use_page_orientation: read.bool("SubModules.PageOrientation.use_page_orientation"),
                ..LineOptions::default()
            },
            rec_model_dirs: read.folders(&format!("{recognize}.model_dirs")),
            pictures: PictureOptions {
                use_page_layout: read.bool(&format!("{layout}.use_page_layout")),
                use_table_structure: read.bool(&format!("{tables}.use_table_structure")),
            },
            markdown: MarkdownOptions {
                ignore_labels,
                form: MarkdownForm {
                    style: match read.one_of("markdown_style", &["gfm", "html"])? {
                        0 => MarkdownStyle::Gfm,
                        _ => MarkdownStyle::Html,
                    },
                    page_breaks: match read.one_of("page_breaks", &["none", "comment", "rule"])? {
                        0 => PageBreaks::None,
                        1 => PageBreaks::Comment,
                        _ => PageBreaks::Rule,
                    },
                    front_matter: read.bool("front_matter"),
                    embed_images: read.bool("embed_images"),
                    ignores_footnotes: false,
                },
                ..MarkdownOptions::default()
            },
            format_block_content: read.bool("format_block_content"),
            serving: ServingConfig::of(settings)?,
            settings: settings.to_json(),
        })
    }
}

/// Reads values and checks their ranges. Types were checked when the values were set.
struct SettingsReader<'a>(&'a Settings);

impl SettingsReader<'_> {
    fn range(&self, key: &str, expected: String) -> ConfigError {
        let value = self
            .0
            .get(key)
            .map_or("nothing".to_string(), Value::to_string);
        ConfigError::Range {
            key: key.into(),
            expected,
            value,
        }
    }

    fn int(&self, key: &str, low: i64, high: i64) -> Result<i64, ConfigError> {
        let value = self
            .0
            .get(key)
            .and_then(Value::as_i64)
            .filter(|v| (low..=high).contains(v));
        value.ok_or_else(|| self.range(key, format!("a whole number from {low} to {high}")))
    }

    fn float(&self, key: &str, low: f64, high: f64) -> Result<f32, ConfigError> {
        let value = self
            .0
            .get(key)
            .and_then(Value::as_f64)
            .filter(|v| (low..=high).contains(v));
        value
            .map(|v| v as f32)
            .ok_or_else(|| self.range(key, format!("a number from {low} to {high}")))
    }

    fn bool(&self, key: &str) -> bool {
        self.0.get(key).and_then(Value::as_bool).unwrap_or(false)
    }

    fn folders(&self, key: &str) -> Vec<PathBuf> {
        let list = self.0.get(key).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(PathBuf::from).collect()
    }

    fn one_of(&self, key: &str, words: &[&str]) -> Result<usize, ConfigError> {
        let value = self.0.get(key).and_then(Value::as_str);
        let position = words.iter().position(|w| value == Some(w));
        position.ok_or_else(|| self.range(key, format!("one of {}", words.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pipeline_has_its_defaults() {
        for pipeline in Pipeline::ALL {
            assert_eq!(Settings::defaults(pipeline).pipeline(), Some(pipeline));
        }
        let lite = Config::lite(&Settings::defaults(Pipeline::Lite)).unwrap();
        assert_eq!(lite.lines.detect.limit_type, LimitType::Letters);
        assert_eq!(lite.lines.precision, RecognizerPrecision::Auto);
    }

    #[test]
    fn later_layers_win_key_by_key() {
        let mut settings = Settings::defaults(Pipeline::Lite);
        settings.merge(Settings(
            yaml::parse("SubModules: {LineRecognition: {drop_score: 0.25}}", "x").unwrap(),
        ));
        let values = serde_json::json!({"text_layer": "never"})
            .as_object()
            .unwrap()
            .clone();
        settings.apply_parameters(&values).unwrap();
        let config = Config::lite(&settings).unwrap();
        assert_eq!(
            (config.lines.drop_score, config.text_layer),
            (0.25, TextLayerMode::Never)
        );
        assert_eq!(config.lines.rec_batch_num, 6);
    }

    #[test]
    fn values_out_of_range_are_named() {
        let mut settings = Settings::defaults(Pipeline::Lite);
        settings.set("text_layer", "sometimes".into());
        let error = Config::lite(&settings).unwrap_err().to_string();
        assert_eq!(
            error,
            "`text_layer` must be one of auto, always, never, not `\"sometimes\"`"
        );
    }

    #[test]
    fn keys_of_servers_are_never_shown() {
        let mut settings = Settings::default();
        settings.set(
            "SubModules.VLRecognition.genai_config.client_kwargs.api_key",
            "secret".into(),
        );
        assert!(!settings.to_json().to_string().contains("secret"));
    }
}
