//! From a request to the settings of a pipeline and of its recognition backend.

use super::{NotTaken, RequestError, RunRequest};
use crate::config::parameters::{About, Destination, PARAMETERS};
use crate::config::vl::{PredictParams, VlConfig};
use crate::config::{Config, ConfigError, NotUsed, Pipeline, Settings};
use crate::document::Label;
use crate::lines::TextLayerMode;
use crate::proof::replay::Case;
use crate::recognize::paddleocr_vl::backend::RunOptions;
use crate::writer::options::MarkdownOptions;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// The key that names the pipeline.
const PIPELINE_NAME: &str = "pipeline_name";
/// The key that selects the backend.
const BACKEND: &str = "SubModules.VLRecognition.genai_config.backend";
/// The key of the labels that are left out of Markdown.
const IGNORE_LABELS: &str = "markdown_ignore_labels";
/// Pixel limit of pages that the reference renders (Pillow's limit).
const REFERENCE_PAGE_PIXELS: u64 = 178_956_970;
/// Default size of the KV cache on the CPU in bytes: some 28,000 tokens.
const KV_CACHE: usize = 1 << 30;
/// Default share of the blocks with text from the PDF that are recognized as well, as a check.
const CHECKED_SHARE: f64 = 0.02;
/// Default number of slots: blocks that are decoded together.
const SLOTS: usize = 16;
/// Largest number of slots.
const MOST_SLOTS: u64 = 1024;

/// Recognition backend of a PaddleOCR-VL pipeline.
#[derive(Clone)]
pub(crate) enum Backend {
    /// Recorded answers instead of networks and recognizer.
    Recorded(Arc<Case>),
    /// Layout networks; contents of blocks are cut from the page's text layer or recognized lines.
    PageText,
    /// Layout networks and the recognizer in this process.
    Native(NativeOptions),
    /// Layout networks, and servers as recognizer.
    Server,
}

/// Options of the recognizer in this process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NativeOptions {
    /// Precision of the weights; `None` for the device's default.
    pub precision: Option<Precision>,
    /// The vision encoder is quantized.
    pub is_vision_int8: bool,
    /// Size of the KV cache on the CPU in bytes.
    pub kv_cache: usize,
    /// The user gave that size.
    pub is_kv_cache_given: bool,
    /// Slots: blocks that are decoded together; `None` for the device's default.
    pub slots: Option<usize>,
    /// A folder without a chat template is version 1.0.
    pub is_first_version: bool,
    /// Options of decoding.
    pub run: RunOptions,
    /// Source of drafts.
    pub draft: DraftMode,
}

/// A requested precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Precision {
    /// Single precision: exact.
    Fp32,
    /// Half precision, on GPUs.
    Fp16,
    /// bfloat16, on GPUs.
    Bf16,
    /// 8-bit integers.
    Int8,
    /// 4-bit integers.
    Int4,
}

/// Source of draft tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DraftMode {
    /// The text layer of PDFs, if it is reliable.
    Auto,
    /// Also lines recognized in images.
    Lines,
    /// No drafts.
    Off,
}

/// The settings of a pipeline, ready to load.
#[derive(Clone)]
pub(crate) struct Resolved {
    /// Settings of reading pages and of line recognition.
    pub config: Config,
    /// Settings of a PaddleOCR-VL pipeline, and its recognition backend.
    pub vl: Option<(VlConfig, Backend)>,
    /// The labels left out of Markdown, in the order given.
    pub ignore_labels: Vec<String>,
    /// No pipeline was named, so the embedded one is used.
    pub is_default: bool,
    /// Keys of the file of settings that the run does not use.
    pub not_used: Vec<NotUsed>,
    /// If set, a pipeline that works on images takes plain text from PDFs first.
    pub own_text: Option<OwnText>,
}

/// Use of the PDF's own text before recognition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct OwnText {
    /// Criterion for pages with usable text.
    pub mode: TextLayerMode,
    /// Share of these blocks that are recognized as well, as a check, 0 to 1.
    pub check: f64,
}

impl Resolved {
    /// The settings of a pipeline that works on page images, recorded or for real; `None` for one that reads
    /// page text.
    pub(crate) fn looks_at_pictures(&self) -> Option<&VlConfig> {
        match &self.vl {
            Some((vl, Backend::Recorded(_) | Backend::Native(_) | Backend::Server)) => Some(vl),
            Some((_, Backend::PageText)) | None => None,
        }
    }
}

/// The settings of a run, from all layers. Models without a folder are not located yet.
pub(crate) fn resolve(request: &RunRequest) -> Result<Resolved, RequestError> {
    request.check_pipeline_name()?;
    let mut resolved = match &request.recorded {
        Some(case) => request.recorded_answers(case),
        None => match request.reader()? {
            PipelineKind::Server => request.servers(),
            PipelineKind::PageText => request.page_text(),
            PipelineKind::Native => request.native(),
            PipelineKind::Lite => request.lite(),
        },
    }?;
    resolved.config.markdown.form.ignores_footnotes = request.names(IGNORE_LABELS);
    if let Some(settings) = &request.settings {
        resolved.not_used = settings.not_used(resolved.config.pipeline);
    }
    Ok(resolved)
}

/// Kind of pipeline.
enum PipelineKind {
    Lite,
    PageText,
    Native,
    Server,
}

impl RunRequest {
    fn in_settings(&self, key: &str) -> Option<&Value> {
        self.settings
            .as_ref()
            .and_then(|settings| settings.get(key))
    }

    /// The user gave this setting, which has its own name as its key.
    fn names(&self, name: &str) -> bool {
        self.parameters.has(name) || self.in_settings(name).is_some()
    }

    /// The requested backend.
    fn backend(&self) -> Option<&str> {
        self.parameters
            .text("vl_rec_backend")
            .or(self.in_settings(BACKEND).and_then(Value::as_str))
    }

    /// A file of settings names a pipeline that there is, or none.
    fn check_pipeline_name(&self) -> Result<(), ConfigError> {
        match self.in_settings(PIPELINE_NAME) {
            Some(name) if name.as_str().and_then(Pipeline::from_name).is_none() => {
                Err(ConfigError::Range {
                    key: PIPELINE_NAME.into(),
                    expected: format!("one of {}", Pipeline::ALL.map(Pipeline::name).join(", ")),
                    value: name.to_string(),
                })
            }
            _ => Ok(()),
        }
    }

    /// The named pipeline.
    fn named_pipeline(&self) -> Option<Pipeline> {
        self.pipeline
            .or(self.settings.as_ref().and_then(Settings::pipeline))
    }

    /// A PaddleOCR-VL pipeline: the named one, or the newest; for `lite` an error with `not_of_lite` as its
    /// reason.
    fn vl_pipeline(&self, not_of_lite: &'static str) -> Result<Pipeline, RequestError> {
        match self.named_pipeline().unwrap_or(Pipeline::V16) {
            Pipeline::Lite => Err(RequestError::NotOfLite(not_of_lite)),
            pipeline => Ok(pipeline),
        }
    }

    /// The requested kind of pipeline, from parameters, settings, and the networks that are named.
    fn reader(&self) -> Result<PipelineKind, RequestError> {
        let named = |parameter: &str, module: &str| {
            let key = format!("SubModules.{module}.model_dir");
            self.parameters.has(parameter)
                || self.in_settings(&key).and_then(Value::as_str).is_some()
        };
        let backend = self.backend();
        let is_server = backend.is_some_and(|name| name.ends_with("-server"));
        if !is_server {
            self.check_taken(NotTaken::WithoutServer, |about| about != About::Server)?;
        }
        Ok(match backend {
            _ if is_server => PipelineKind::Server,
            Some("lines" | "text_layer") => PipelineKind::PageText,
            Some("native") if self.parameters.has("vl_rec_backend") => PipelineKind::Native,
            _ if named("vl_rec_model_dir", "VLRecognition") => PipelineKind::Native,
            _ if named("layout_detection_model_dir", "LayoutDetection") => PipelineKind::Native,
            _ => match self.named_pipeline() {
                None | Some(Pipeline::Lite) => PipelineKind::Lite,
                Some(_) => PipelineKind::Native,
            },
        })
    }

    fn check_taken(
        &self,
        why: NotTaken,
        takes: impl Fn(About) -> bool,
    ) -> Result<(), RequestError> {
        match self.parameters.first_not_taken(takes) {
            Some(parameter) => Err(RequestError::NotTaken {
                parameter: parameter.name,
                why,
            }),
            None => Ok(()),
        }
    }

    /// Values of parameters that have a key in the settings and concern a selected part.
    fn keyed(&self, about: impl Fn(About) -> bool) -> Map<String, Value> {
        let mut values = self
            .parameters
            .at(|place| matches!(place, Destination::Key(_)));
        values.retain(|name, _| PARAMETERS.iter().any(|p| p.name == *name && about(p.about)));
        values
    }

    /// Settings of reading pages and of line recognition.
    fn page_config(&self) -> Result<Config, RequestError> {
        let mut base = Settings::defaults(Pipeline::Lite);
        if let Some(settings) = &self.settings {
            base.merge(settings.clone());
        }
        base.apply_parameters(&self.keyed(|about| about == About::Documents))?;
        Ok(Config::lite(&base)?)
    }

    fn lite(&self) -> Result<Resolved, RequestError> {
        self.check_taken(NotTaken::ByLite, |about| about == About::Documents)?;
        let mut settings = Settings::defaults(Pipeline::Lite);
        if let Some(file) = &self.settings {
            settings.merge(file.clone());
        }
        settings.apply_parameters(&self.keyed(|about| about == About::Documents))?;
        let ignore_labels = ignore_labels(&settings)?;
        let config = Config::lite(&settings)?;
        let is_default = self.named_pipeline().is_none();
        Ok(Resolved {
            config,
            vl: None,
            ignore_labels,
            is_default,
            not_used: Vec::new(),
            own_text: None,
        })
    }

    /// Layout network and servers.
    fn servers(&self) -> Result<Resolved, RequestError> {
        let pipeline = self.vl_pipeline("asks no server")?;
        self.check_taken(NotTaken::ByServer, |about| about != About::OwnRecognizer)?;
        let mut resolved = self.vl(pipeline, self.page_config()?, Backend::Server)?;
        if let Some((
            VlConfig {
                server: Some(server),
                ..
            },
            _,
        )) = &mut resolved.vl
        {
            server.client.deadline = self
                .parameters
                .count("block_timeout")
                .map(Duration::from_secs);
        }
        Ok(resolved)
    }

    /// Layout network and recognizer.
    fn native(&self) -> Result<Resolved, RequestError> {
        let pipeline = self.vl_pipeline("runs without a layout network and a recognizer")?;
        let native = self.native_options(pipeline);
        self.vl(pipeline, self.page_config()?, Backend::Native(native))
    }

    fn native_options(&self, pipeline: Pipeline) -> NativeOptions {
        let given = &self.parameters;
        let precision = match given.text("precision") {
            Some("fp32") => Some(Precision::Fp32),
            Some("fp16") => Some(Precision::Fp16),
            Some("bf16") => Some(Precision::Bf16),
            Some("int8") => Some(Precision::Int8),
            Some("int4") => Some(Precision::Int4),
            _ => None,
        };
        let draft = match given.text("draft") {
            Some("off") => DraftMode::Off,
            Some("lines") => DraftMode::Lines,
            _ => DraftMode::Auto,
        };
        let slots = given
            .count("vl_rec_slots")
            .map(|slots| slots.clamp(1, MOST_SLOTS) as usize);
        let kv_cache = given.count("kv_cache");
        NativeOptions {
            precision,
            is_vision_int8: given.text("vision_precision") == Some("int8"),
            kv_cache: kv_cache.map_or(KV_CACHE, |bytes| bytes as usize),
            is_kv_cache_given: kv_cache.is_some(),
            slots,
            is_first_version: pipeline == Pipeline::V1,
            run: RunOptions {
                slots: slots.unwrap_or(SLOTS),
                repetition_stop: given.text("repetition_stop") != Some("off"),
                timeout: given.count("block_timeout").map(Duration::from_secs),
                drafts: draft != DraftMode::Off,
                seed: given.count("seed").unwrap_or(0),
            },
            draft,
        }
    }

    /// A layout network, and contents of blocks cut from the page's text.
    fn page_text(&self) -> Result<Resolved, RequestError> {
        let takes = |about| matches!(about, About::Documents | About::Networks);
        self.check_taken(NotTaken::ByPageText, takes)?;
        let pipeline = self.vl_pipeline("finds layouts without a network")?;
        let mut resolved = self.vl(pipeline, self.page_config()?, Backend::PageText)?;
        if let Some((vl, _)) = &resolved.vl {
            resolved.config.text_layer = match self.backend() {
                // The text layer's coordinates refer to the page before it is rotated and unwarped.
                _ if vl.preprocess.use_doc_preprocessor => TextLayerMode::Never,
                Some("text_layer") => TextLayerMode::Always,
                _ => resolved.config.text_layer,
            };
        }
        Ok(resolved)
    }

    /// A PaddleOCR-VL pipeline on recorded answers; parameters override the settings of the case.
    fn recorded_answers(&self, case: &Arc<Case>) -> Result<Resolved, RequestError> {
        let version = &case.pipeline_version;
        let pipeline = self.named_pipeline().or(Pipeline::from_version(version));
        let pipeline = pipeline.filter(|pipeline| *pipeline != Pipeline::Lite);
        let pipeline = pipeline.ok_or_else(|| RequestError::Recorded(version.clone()))?;
        let mut base = Settings::defaults(Pipeline::Lite);
        base.apply_parameters(&self.keyed(|about| about == About::Documents))?;
        let config = Config {
            max_page_pixels: REFERENCE_PAGE_PIXELS,
            ..Config::lite(&base)?
        };
        self.vl(pipeline, config, Backend::Recorded(case.clone()))
    }

    /// The settings of a PaddleOCR-VL pipeline, in rising priority: its defaults, the file's, those recorded,
    /// the parameters.
    fn vl(
        &self,
        pipeline: Pipeline,
        base: Config,
        backend: Backend,
    ) -> Result<Resolved, RequestError> {
        let given = &self.parameters;
        for name in ["min_pixels", "max_pixels", "max_new_tokens"] {
            if given
                .get(name)
                .and_then(Value::as_i64)
                .is_some_and(|n| n <= 0)
            {
                return Err(RequestError::NotPositive(name));
            }
        }
        let mut settings = Settings::defaults(pipeline);
        if let Some(file) = &self.settings {
            settings.merge(file.clone());
        }
        let mut predict = PredictParams::new();
        if let Backend::Recorded(case) = &backend {
            let is_predict = |name: &str| {
                PARAMETERS
                    .iter()
                    .any(|p| p.name == name && p.place == Destination::Predict)
            };
            let recorded = case
                .params
                .clone()
                .into_iter()
                .filter(|(_, value)| !value.is_null());
            let (called, set): (Map<_, _>, Map<_, _>) =
                recorded.partition(|(name, _)| is_predict(name));
            settings.apply_parameters(&set)?;
            predict = called;
            predict.extend(case.api_predict_params.clone());
        }
        // Of the parameters common to all pipelines, those that this one has a key for.
        let mut common = self.keyed(|about| about == About::Documents);
        common.retain(|name, _| settings.get(name).is_some());
        let own = self.keyed(|about| about != About::Documents);
        settings.apply_parameters(&self.with_other_switch_off(own))?;
        settings.apply_parameters(&common)?;
        predict.extend(given.at(|place| place == Destination::Predict));
        let mut vl = VlConfig::new(&settings, &predict, self.as_reference)?;
        vl.plan.request.swap_channels = given.text("vl_rec_channel_order") == Some("bgr");
        self.take_models(&mut vl, &backend);
        let config = Config {
            pipeline,
            markdown: MarkdownOptions {
                form: base.markdown.form,
                ..vl.markdown.clone()
            },
            format_block_content: vl.format_block_content,
            settings: settings.to_json(),
            ..base
        };
        let ignore_labels = ignore_labels(&settings)?;
        let own_text = match &backend {
            Backend::PageText => None,
            Backend::Recorded(_) | Backend::Native(_) | Backend::Server => self.own_text(),
        };
        Ok(Resolved {
            config,
            vl: Some((vl, backend)),
            ignore_labels,
            is_default: false,
            not_used: Vec::new(),
            own_text,
        })
    }

    /// Requesting one step of document preprocessing does not enable the other. In the reference it does,
    /// since the pipelines' files enable both (docs/reference.md,
    /// "Document preprocessing switches").
    fn with_other_switch_off(&self, mut values: Map<String, Value>) -> Map<String, Value> {
        const SWITCHES: [&str; 2] = ["use_doc_orientation_classify", "use_doc_unwarping"];
        let is_in_file = |switch: &str| {
            self.in_settings(&format!("SubPipelines.DocPreprocessor.{switch}"))
                .is_some()
        };
        for (asked, other) in [(0, 1), (1, 0)].map(|(a, b)| (SWITCHES[a], SWITCHES[b])) {
            let is_asked = values.get(asked) == Some(&Value::Bool(true));
            if is_asked && !self.as_reference && !is_in_file(other) && !values.contains_key(other) {
                values.insert(other.into(), false.into());
            }
        }
        values
    }

    /// Sets the folders named by parameters, with their original bytes, and marks names that are only the
    /// pipeline's defaults: the folder determines the network, which must match only a name that the user
    /// gave.
    fn take_models(&self, vl: &mut VlConfig, backend: &Backend) {
        if matches!(backend, Backend::Recorded(_)) {
            return;
        }
        let models = &mut vl.models;
        for (choice, parameter) in [
            (&mut models.layout, "layout_detection_model"),
            (&mut models.orientation, "doc_orientation_classify_model"),
            (&mut models.unwarping, "doc_unwarping_model"),
            (&mut models.recognizer, "vl_rec_model"),
        ] {
            if let Some(folder) = self.parameters.folder(&format!("{parameter}_dir")) {
                choice.dir = Some(folder.to_path_buf());
            }
            let name = format!("{parameter}_name");
            let key = PARAMETERS.iter().find(|p| p.name == name).map(|p| p.place);
            let is_in_file =
                matches!(key, Some(Destination::Key(key)) if self.in_settings(key).is_some());
            choice.is_name_given = self.parameters.has(&name) || is_in_file;
        }
    }

    /// Use of the PDF's own text before recognition; off by default, since the reference recognizes
    /// everything.
    fn own_text(&self) -> Option<OwnText> {
        let in_file = self.in_settings("text_layer").and_then(Value::as_str);
        let mode = match self.parameters.text("text_layer").or(in_file)? {
            "auto" => TextLayerMode::Auto,
            "always" => TextLayerMode::Always,
            _ => return None,
        };
        Some(OwnText {
            mode,
            check: self
                .parameters
                .float("text_layer_check")
                .unwrap_or(CHECKED_SHARE),
        })
    }
}

/// The labels left out of Markdown; an unknown label is an error.
fn ignore_labels(settings: &Settings) -> Result<Vec<String>, RequestError> {
    let labels = settings
        .get(IGNORE_LABELS)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let checked = labels.map(|label| {
        let name = label.as_str().unwrap_or_default();
        let known = Label::from_name(name).map(|_| name.to_string());
        known.ok_or_else(|| RequestError::UnknownLabel(name.to_string()))
    });
    checked.collect()
}

#[cfg(test)]
mod tests;
