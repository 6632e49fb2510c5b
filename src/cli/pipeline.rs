//! From arguments and configuration files to a pipeline with its settings.

use super::Failure;
use super::args::{ChannelOrder, ParseArgs};
use super::models;
use crate::config::vl::{PredictParams, VlConfig};
use crate::config::{Config, ConfigError, Pipeline, Settings};
use crate::document::Label;
use crate::lines::TextLayerMode;
use crate::net::Origin;
use crate::recognize::paddleocr_vl::backend::RunOptions;
use crate::replay::Case;
use crate::shown;
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What to do about a flag of another pipeline.
const LITE_ONLY: &str = "leave the flag out, or name the networks: --layout-detection-model-dir DIR with --vl-rec-model-dir DIR, or with --vl-rec-backend lines";
/// The key that says what reads blocks.
const BACKEND: &str = "SubModules.VLRecognition.genai_config.backend";
/// Pixels of a page that the reference renders at most (Pillow's limit).
const REFERENCE_PAGE_PIXELS: u64 = 178_956_970;
/// Arguments of the reference that are no part of its configuration (specification, section 1.3).
const PREDICT_PARAMS: [&str; 8] = [
    "layout_shape_mode",
    "prompt_label",
    "repetition_penalty",
    "temperature",
    "top_p",
    "min_pixels",
    "max_pixels",
    "max_new_tokens",
];

/// What a PaddleOCR-VL pipeline runs on.
#[derive(Clone)]
pub enum Parts {
    /// Recorded answers in place of networks and recognizer.
    Recorded(Arc<Case>),
    /// The networks; blocks are cut out of the text that pages have or that is read from their pictures.
    PageText,
    /// The networks and the recognizer.
    Model(ModelRun),
    /// The networks, and servers that read blocks.
    Server,
}

/// How the recognizer runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRun {
    /// What its weights are kept in; `None`: what suits the device.
    pub precision: Option<Precision>,
    /// Whether the vision encoder is quantized.
    pub is_vision_int8: bool,
    /// Bytes for keys and values on the CPU.
    pub kv_cache: usize,
    /// Blocks that decode together; `None`: what suits the device.
    pub slots: Option<usize>,
    /// Whether a folder without a chat template is of version 1.0.
    pub is_first_version: bool,
    /// How blocks are read.
    pub run: RunOptions,
    /// Where drafts come from.
    pub draft: DraftMode,
}

/// A precision that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Single precision: exact.
    Fp32,
    /// Half precision, on GPUs.
    Fp16,
    /// bfloat16, on GPUs.
    Bf16,
    /// Eight bits.
    Int8,
    /// Four bits.
    Int4,
}

/// Where drafts of answers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DraftMode {
    /// The text of PDFs, where it can be trusted.
    Auto,
    /// Text read from pictures as well.
    Lines,
    /// Nowhere.
    Off,
}

/// Bytes for keys and values where nothing else is asked for: some 28,000 tokens.
const KV_CACHE: usize = 1 << 30;
/// Share of the blocks taken from a PDF's text that are recognized as well.
const CHECKED_SHARE: f64 = 0.02;
/// Blocks that decode together.
const SLOTS: usize = 16;

/// A pipeline, ready to run.
pub struct Resolved {
    /// Settings of reading pages and lines.
    pub config: Config,
    /// Settings of a PaddleOCR-VL pipeline, and what it runs on.
    pub vl: Option<(VlConfig, Parts)>,
    /// The labels left out of Markdown, in the order given.
    pub ignore_labels: Vec<String>,
    /// What the user is told.
    pub notes: Vec<String>,
    /// Whether a pipeline that looks at pictures takes plain text from PDFs first, and the share of it that is checked.
    pub own_text: Option<OwnText>,
}

/// How text of PDFs is taken before blocks are recognized.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnText {
    /// Which pages have some.
    pub mode: TextLayerMode,
    /// Share of the blocks that are recognized as well, 0 to 1.
    pub check: f64,
}

/// What the flags and the file say of it; nothing without a word, since the reference reads everything.
fn own_text(args: &ParseArgs, file: Option<&Settings>) -> Option<OwnText> {
    let in_file = file.and_then(|file| file.get("text_layer")).and_then(Value::as_str);
    let mode = match args.text_layer.as_deref().or(in_file)? {
        "auto" => TextLayerMode::Auto,
        "always" => TextLayerMode::Always,
        _ => return None,
    };
    Some(OwnText { mode, check: args.text_layer_check.unwrap_or(CHECKED_SHARE) })
}

impl Resolved {
    /// The settings of a pipeline that looks at pages as pictures, recorded or for real; `None` for one that reads text.
    pub fn looks_at_pictures(&self) -> Option<&VlConfig> {
        match &self.vl {
            Some((vl, Parts::Recorded(_) | Parts::Model(_) | Parts::Server)) => Some(vl),
            Some((_, Parts::PageText)) | None => None,
        }
    }
}

fn config_error(error: ConfigError) -> Failure {
    Failure::usage(error.to_string(), "docparse --help lists the flags")
}

/// The settings from all layers, and notes for the user.
pub fn resolve(args: &ParseArgs) -> Result<Resolved, Failure> {
    let file = args.paddlex_config.as_deref().map(Settings::from_file).transpose().map_err(config_error)?;
    let case = args.replay.as_deref().map(Case::load).transpose();
    let case = case.map_err(|e| Failure::usage(e.to_string(), "give a file of recorded answers"))?;
    let mut notes = Vec::new();
    let ignored = args.ignored.given();
    if !ignored.is_empty() {
        notes.push(format!("{}: for the reference's engines, without effect here", ignored.join(", ")));
    }
    match case {
        Some(case) => resolve_recorded(args, file, case, notes),
        None => match reader(args, file.as_ref())? {
            Reader::Server => resolve_server(args, file, notes),
            Reader::PageText => resolve_page_text(args, file, notes),
            Reader::Model => resolve_model(args, file, notes),
            Reader::Lite => resolve_lite(args, file, notes),
        },
    }
}

/// What reads blocks.
enum Reader {
    Lite,
    PageText,
    Model,
    Server,
}

/// The backend that is asked for.
fn backend<'a>(args: &'a ParseArgs, file: Option<&'a Settings>) -> Option<&'a str> {
    let in_file = file.and_then(|file| file.get(BACKEND)).and_then(Value::as_str);
    args.later.vl_rec_backend.as_deref().or(in_file)
}

/// What is asked for, by flags, the file, and the networks that are named.
fn reader(args: &ParseArgs, file: Option<&Settings>) -> Result<Reader, Failure> {
    let in_file = |key: &str| file.and_then(|file| file.get(key)).and_then(Value::as_str);
    let named = |flag: &Option<PathBuf>, module: &str| {
        flag.is_some() || in_file(&format!("SubModules.{module}.model_dir")).is_some()
    };
    let backend = backend(args, file);
    let is_server = backend.is_some_and(|name| name.ends_with("-server"));
    if let Some(flag) = args.later.needs_server().filter(|_| !is_server) {
        let reason = format!("--{flag} is about a server, and no server reads blocks");
        return Err(Failure::usage(
            reason,
            "add --vl-rec-backend vllm-server (or another), or leave the flag out",
        ));
    }
    Ok(match backend {
        _ if is_server => Reader::Server,
        Some("lines" | "text_layer") => Reader::PageText,
        Some("native") if args.later.vl_rec_backend.is_some() => Reader::Model,
        _ if named(&args.later.vl_rec_model_dir, "VLRecognition") => Reader::Model,
        _ if named(&args.later.layout_detection_model_dir, "LayoutDetection") => Reader::Model,
        _ => match named_pipeline(args, file) {
            None | Some(Pipeline::Lite) => Reader::Lite,
            Some(_) => Reader::Model,
        },
    })
}

/// The key for servers, from its flag or its file.
fn api_key(args: &ParseArgs) -> Result<Option<String>, Failure> {
    let later = &args.later;
    match (&later.vl_rec_api_key, &later.vl_rec_api_key_file) {
        (Some(key), _) => Ok(Some(key.clone())),
        (None, None) => Ok(None),
        (None, Some(path)) => match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text.trim().to_string())),
            Err(error) => {
                let reason = format!("--vl-rec-api-key-file `{}` cannot be read: {error}", path.display());
                Err(Failure::usage(reason, "give the file that holds the key, and nothing else"))
            }
        },
    }
}

/// Settings of reading pages and lines, of the file and the flags.
fn page_config(args: &ParseArgs, file: Option<&Settings>) -> Result<Config, Failure> {
    let mut base = Settings::defaults(Pipeline::Lite);
    if let Some(file) = file {
        base.merge(file.clone());
    }
    base.apply_flags(&lite_flags(args)).map_err(config_error)?;
    Config::lite(&base).map_err(config_error)
}

/// Layout network and servers.
fn resolve_server(args: &ParseArgs, file: Option<Settings>, notes: Vec<String>) -> Result<Resolved, Failure> {
    let pipeline = named_pipeline(args, file.as_ref()).unwrap_or(Pipeline::V16);
    if pipeline == Pipeline::Lite {
        let reason = "the pipeline `lite` asks no server";
        return Err(Failure::usage(reason, "leave --pipeline-version out, or name v1, v1.5 or v1.6"));
    }
    if let Some(flag) = args.later.needs_own_recognizer() {
        let reason = format!("--{flag} is about the recognizer in this process, and a server reads blocks");
        return Err(Failure::usage(reason, "leave the flag out, or use --vl-rec-backend native"));
    }
    let config = page_config(args, file.as_ref())?;
    let parts = (Map::new(), PredictParams::new(), Parts::Server);
    let mut resolved = resolve_vl(args, file.clone(), pipeline, config, parts, notes)?;
    if let Some((vl, _)) = &mut resolved.vl {
        find_models(vl, args, file.as_ref(), false)?;
        if let Some(server) = &mut vl.server {
            let is_here = |url: &String| Origin::of(url).is_some_and(|origin| origin.is_loopback());
            if args.later.offline && !server.client.urls.iter().all(is_here) {
                let reason = "--offline makes no network call, and the recognition server is another machine";
                return Err(Failure::usage(reason, "leave --offline out"));
            }
            server.client.deadline = args.later.block_timeout.map(Duration::from_secs);
        }
    }
    Ok(resolved)
}

/// Layout network and recognizer.
fn resolve_model(args: &ParseArgs, file: Option<Settings>, notes: Vec<String>) -> Result<Resolved, Failure> {
    let pipeline = named_pipeline(args, file.as_ref()).unwrap_or(Pipeline::V16);
    if pipeline == Pipeline::Lite {
        let reason = "the pipeline `lite` runs without a layout network and a recognizer";
        return Err(Failure::usage(reason, "leave --pipeline-version out, or name v1, v1.5 or v1.6"));
    }
    let later = &args.later;
    let precision = match later.precision.as_deref() {
        Some("fp32") => Some(Precision::Fp32),
        Some("fp16") => Some(Precision::Fp16),
        Some("bf16") => Some(Precision::Bf16),
        Some("int8") => Some(Precision::Int8),
        Some("int4") => Some(Precision::Int4),
        _ => None,
    };
    let draft = match later.draft.as_deref() {
        Some("off") => DraftMode::Off,
        Some("lines") => DraftMode::Lines,
        _ => DraftMode::Auto,
    };
    let run = RunOptions {
        slots: later.vl_rec_slots.unwrap_or(SLOTS).clamp(1, 1024),
        repetition_stop: later.repetition_stop.as_deref() != Some("off"),
        timeout: later.block_timeout.map(Duration::from_secs),
        drafts: draft != DraftMode::Off,
        seed: later.seed.unwrap_or(0),
    };
    let model = ModelRun {
        precision,
        is_vision_int8: later.vision_precision.as_deref() == Some("int8"),
        kv_cache: later.kv_cache.unwrap_or(KV_CACHE),
        slots: later.vl_rec_slots.map(|slots| slots.clamp(1, 1024)),
        is_first_version: pipeline == Pipeline::V1,
        run,
        draft,
    };
    let config = page_config(args, file.as_ref())?;
    let parts = (Map::new(), PredictParams::new(), Parts::Model(model));
    let mut resolved = resolve_vl(args, file.clone(), pipeline, config, parts, notes)?;
    if let Some((vl, _)) = &mut resolved.vl {
        find_models(vl, args, file.as_ref(), true)?;
    }
    Ok(resolved)
}

fn resolve_lite(
    args: &ParseArgs,
    file: Option<Settings>,
    mut notes: Vec<String>,
) -> Result<Resolved, Failure> {
    let wanted = named_pipeline(args, file.as_ref());
    // The embedded pipeline shows no pictures to a recognizer, so only the default asks for nothing.
    let swapped = args.vl_rec_channel_order == ChannelOrder::Bgr;
    if let Some(flag) = args.later.refused_by_lite().or(swapped.then_some("vl-rec-channel-order")) {
        return Err(Failure::usage(format!("--{flag} belongs to the PaddleOCR-VL pipelines"), LITE_ONLY));
    }
    if wanted.is_none() {
        notes.insert(0, "using the embedded pipeline `lite`; --vl-rec-model-dir and --layout-detection-model-dir run PaddleOCR-VL, --pipeline-version lite silences this".to_string());
    }
    let mut settings = Settings::defaults(Pipeline::Lite);
    if let Some(file) = file {
        settings.merge(file);
    }
    settings.apply_flags(&lite_flags(args)).map_err(config_error)?;
    settings.apply_flags(&common_flags(args)).map_err(config_error)?;
    let ignore_labels = ignore_labels(&settings)?;
    let config = Config::lite(&settings).map_err(config_error)?;
    Ok(Resolved { config, vl: None, ignore_labels, notes, own_text: None })
}

/// A PaddleOCR-VL pipeline that runs on recorded answers: the case's settings lie below the flags.
fn resolve_recorded(
    args: &ParseArgs,
    file: Option<Settings>,
    case: Case,
    notes: Vec<String>,
) -> Result<Resolved, Failure> {
    let pipeline = named_pipeline(args, file.as_ref()).or(Pipeline::from_version(&case.pipeline_version));
    let pipeline = pipeline.filter(|p| *p != Pipeline::Lite).ok_or_else(|| {
        let reason = format!("recorded answers are for v1, v1.5 or v1.6, not `{}`", case.pipeline_version);
        Failure::usage(reason, "name one with --pipeline-version")
    })?;
    let mut base = Settings::defaults(Pipeline::Lite);
    base.apply_flags(&lite_flags(args)).map_err(config_error)?;
    let config = Config::lite(&base).map_err(config_error)?;
    let config = Config { max_page_pixels: REFERENCE_PAGE_PIXELS, ..config };
    let predict = case.api_predict_params.clone();
    let recorded = (case.params.clone(), predict, Parts::Recorded(Arc::new(case)));
    resolve_vl(args, file, pipeline, config, recorded, notes)
}

/// A layout network, and blocks that are cut out of the page's text.
fn resolve_page_text(
    args: &ParseArgs,
    file: Option<Settings>,
    notes: Vec<String>,
) -> Result<Resolved, Failure> {
    // The embedded reading shows no pictures to a recognizer, so only the default asks for nothing.
    let swapped = args.vl_rec_channel_order == ChannelOrder::Bgr;
    if let Some(flag) = args.later.needs_recognizer().or(swapped.then_some("vl-rec-channel-order")) {
        let reason = format!("--{flag} belongs to the PaddleOCR-VL recognizer, and blocks are read as text");
        return Err(Failure::usage(reason, "leave the flag out, or use --vl-rec-backend native"));
    }
    if named_pipeline(args, file.as_ref()) == Some(Pipeline::Lite) {
        let reason = "the pipeline `lite` finds layouts without a network";
        return Err(Failure::usage(reason, "leave --pipeline-version out, or name v1, v1.5 or v1.6"));
    }
    let pipeline = named_pipeline(args, file.as_ref()).unwrap_or(Pipeline::V16);
    let config = page_config(args, file.as_ref())?;
    let nothing = (Map::new(), PredictParams::new(), Parts::PageText);
    let mut resolved = resolve_vl(args, file.clone(), pipeline, config, nothing, notes)?;
    if let Some((vl, _)) = &mut resolved.vl {
        find_models(vl, args, file.as_ref(), false)?;
        resolved.config.text_layer = match backend(args, file.as_ref()) {
            // The places of a PDF's text are those of the page before it is turned and flattened.
            _ if vl.preprocess.use_doc_preprocessor => TextLayerMode::Never,
            Some("text_layer") => TextLayerMode::Always,
            _ => resolved.config.text_layer,
        };
    }
    Ok(resolved)
}

/// Looks for the networks that no folder was given for, and fetches them if that is wanted.
fn find_models(
    vl: &mut VlConfig,
    args: &ParseArgs,
    file: Option<&Settings>,
    recognizer: bool,
) -> Result<(), Failure> {
    models::take_folders(vl, &args.later);
    let names = vl.models.clone();
    forget_default_names(vl, args, file);
    let source = args.later.model_source.as_deref().unwrap_or("huggingface");
    let download = (args.later.download && !args.dry_run).then_some(source);
    models::provide(vl, &names, models::Wanted { recognizer, download })
}

/// The folder tells which network it is; only a name that somebody gave must be that one.
fn forget_default_names(vl: &mut VlConfig, args: &ParseArgs, file: Option<&Settings>) {
    let later = &args.later;
    let doc = "SubPipelines.DocPreprocessor.SubModules";
    let models = &mut vl.models;
    for (choice, flag, key) in [
        (
            &mut models.layout,
            &later.layout_detection_model_name,
            "SubModules.LayoutDetection.model_name".to_string(),
        ),
        (
            &mut models.orientation,
            &later.doc_orientation_classify_model_name,
            format!("{doc}.DocOrientationClassify.model_name"),
        ),
        (&mut models.unwarping, &later.doc_unwarping_model_name, format!("{doc}.DocUnwarping.model_name")),
        (&mut models.recognizer, &later.vl_rec_model_name, "SubModules.VLRecognition.model_name".to_string()),
    ] {
        if flag.is_none() && file.and_then(|file| file.get(&key)).is_none() {
            choice.name = None;
        }
    }
}

/// The pipeline that the flag or the file names.
fn named_pipeline(args: &ParseArgs, file: Option<&Settings>) -> Option<Pipeline> {
    Pipeline::from_version(&args.pipeline_version).or(file.and_then(Settings::pipeline))
}

/// The settings of a PaddleOCR-VL pipeline: its own, those of the file, those recorded, those of the flags.
fn resolve_vl(
    args: &ParseArgs,
    file: Option<Settings>,
    pipeline: Pipeline,
    base: Config,
    (recorded, recorded_predict, parts): (Map<String, Value>, PredictParams, Parts),
    notes: Vec<String>,
) -> Result<Resolved, Failure> {
    let mut settings = Settings::defaults(pipeline);
    if let Some(file) = &file {
        settings.merge(file.clone());
    }
    let given = with_other_switch_off(later_flags(args)?, args, file_switches(file.as_ref()));
    let is_predict = |key: &str| PREDICT_PARAMS.contains(&key);
    let split = |flags: &Map<String, Value>, predict: bool| -> Map<String, Value> {
        let wanted = flags.iter().filter(|(k, v)| is_predict(k) == predict && !v.is_null());
        wanted.map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    for flags in [&split(&recorded, false), &split(&given, false), &common_flags(args)] {
        settings.apply_flags(flags).map_err(config_error)?;
    }
    let mut predict: PredictParams = split(&recorded, true);
    predict.extend(recorded_predict);
    predict.extend(split(&given, true));
    let mut vl = VlConfig::new(&settings, &predict, args.compat).map_err(config_error)?;
    vl.plan.request.swap_channels = args.vl_rec_channel_order == ChannelOrder::Bgr;
    let config = Config {
        pipeline,
        markdown: vl.markdown.clone(),
        format_block_content: vl.format_block_content,
        settings: settings.to_json(),
        ..base
    };
    let ignore_labels = ignore_labels(&settings)?;
    let own_text = match &parts {
        Parts::PageText => None,
        Parts::Recorded(_) | Parts::Model(_) | Parts::Server => own_text(args, file.as_ref()),
    };
    Ok(Resolved { config, vl: Some((vl, parts)), ignore_labels, notes, own_text })
}

/// Flags of the two steps of document preprocessing.
const SWITCHES: [&str; 2] = ["use_doc_orientation_classify", "use_doc_unwarping"];

/// Which of the two a file sets.
fn file_switches(file: Option<&Settings>) -> [bool; 2] {
    let key = |switch: &str| format!("SubPipelines.DocPreprocessor.{switch}");
    SWITCHES.map(|switch| file.is_some_and(|file| file.get(&key(switch)).is_some()))
}

/// One step that is asked for does not bring the other with it. In the reference it does, since the pipelines' files
/// switch both on (specification, section 1.3); `--compat` keeps that.
fn with_other_switch_off(
    mut flags: Map<String, Value>,
    args: &ParseArgs,
    in_file: [bool; 2],
) -> Map<String, Value> {
    for (asked, other) in [(0, 1), (1, 0)] {
        let is_asked = flags.get(SWITCHES[asked]) == Some(&Value::Bool(true));
        if is_asked && !args.compat && !in_file[other] && !flags.contains_key(SWITCHES[other]) {
            flags.insert(SWITCHES[other].into(), false.into());
        }
    }
    flags
}

/// The labels left out of Markdown; a word that is no label is an error.
fn ignore_labels(settings: &Settings) -> Result<Vec<String>, Failure> {
    let labels = settings.get("markdown_ignore_labels").and_then(Value::as_array).into_iter().flatten();
    let checked = labels.map(|label| {
        let name = label.as_str().unwrap_or_default();
        Label::from_name(name).map(|_| name.to_string()).ok_or_else(|| {
            let reason = format!("markdown_ignore_labels: `{name}` is no label");
            Failure::usage(reason, "see the list of labels in README.md")
        })
    });
    checked.collect()
}

/// Values that were given, by the names of their flags.
fn given<const N: usize>(values: [(&str, Option<Value>); N]) -> Map<String, Value> {
    values.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))).collect()
}

/// Flags that all pipelines have as settings.
fn common_flags(args: &ParseArgs) -> Map<String, Value> {
    let labels = &args.markdown_ignore_labels;
    given([
        ("format_block_content", args.format_block_content.map(Value::from)),
        ("markdown_ignore_labels", (!labels.is_empty()).then(|| Value::from(labels.clone()))),
    ])
}

/// Flags that are settings of reading pages and lines.
fn lite_flags(args: &ParseArgs) -> Map<String, Value> {
    given([
        ("text_layer", args.text_layer.clone().map(Value::from)),
        ("page_timeout", args.page_timeout.map(Value::from)),
        ("det_limit_side_len", args.det_limit_side_len.map(Value::from)),
        ("det_limit_type", args.det_limit_type.clone().map(Value::from)),
        ("det_db_thresh", args.det_db_thresh.map(Value::from)),
        ("det_db_box_thresh", args.det_db_box_thresh.map(Value::from)),
        ("det_db_unclip_ratio", args.det_db_unclip_ratio.map(Value::from)),
        ("rec_batch_num", args.rec_batch_num.map(Value::from)),
        ("drop_score", args.drop_score.map(Value::from)),
        ("use_textline_orientation", args.use_textline_orientation.map(Value::from)),
    ])
}

/// Flags of the PaddleOCR-VL pipelines.
fn later_flags(args: &ParseArgs) -> Result<Map<String, Value>, Failure> {
    let later = &args.later;
    let text = |value: &Option<String>| value.clone().map(Value::from);
    // For whoever reads the settings; the networks are looked for under the names themselves.
    let folder = |path: &Option<PathBuf>| path.as_ref().map(|path| shown::name(path).into());
    let flags = given([
        ("use_doc_orientation_classify", later.use_doc_orientation_classify.map(Value::from)),
        ("use_doc_unwarping", later.use_doc_unwarping.map(Value::from)),
        ("use_layout_detection", later.use_layout_detection.map(Value::from)),
        ("use_chart_recognition", later.use_chart_recognition.map(Value::from)),
        ("use_seal_recognition", later.use_seal_recognition.map(Value::from)),
        ("use_ocr_for_image_block", later.use_ocr_for_image_block.map(Value::from)),
        ("merge_layout_blocks", later.merge_layout_blocks.map(Value::from)),
        ("layout_detection_model_name", text(&later.layout_detection_model_name)),
        ("layout_detection_model_dir", folder(&later.layout_detection_model_dir)),
        ("doc_orientation_classify_model_name", text(&later.doc_orientation_classify_model_name)),
        ("doc_orientation_classify_model_dir", folder(&later.doc_orientation_classify_model_dir)),
        ("doc_unwarping_model_name", text(&later.doc_unwarping_model_name)),
        ("doc_unwarping_model_dir", folder(&later.doc_unwarping_model_dir)),
        ("vl_rec_backend", text(&later.vl_rec_backend)),
        ("vl_rec_server_url", text(&later.vl_rec_server_url)),
        ("vl_rec_max_concurrency", later.vl_rec_max_concurrency.map(Value::from)),
        ("vl_rec_api_model_name", text(&later.vl_rec_api_model_name)),
        ("vl_rec_api_key", api_key(args)?.map(Value::from)),
        ("vl_rec_model_name", text(&later.vl_rec_model_name)),
        ("vl_rec_model_dir", folder(&later.vl_rec_model_dir)),
        ("layout_threshold", later.layout_threshold.map(Value::from)),
        ("layout_nms", later.layout_nms.map(Value::from)),
        ("layout_unclip_ratio", later.layout_unclip_ratio.map(Value::from)),
        ("layout_merge_bboxes_mode", later.layout_merge_bboxes_mode.clone().map(Value::from)),
        ("layout_shape_mode", later.layout_shape_mode.clone().map(Value::from)),
        ("prompt_label", later.prompt_label.clone().map(Value::from)),
        ("repetition_penalty", later.repetition_penalty.map(Value::from)),
        ("temperature", later.temperature.map(Value::from)),
        ("top_p", later.top_p.map(Value::from)),
        ("min_pixels", later.min_pixels.map(Value::from)),
        ("max_pixels", later.max_pixels.map(Value::from)),
        ("max_new_tokens", later.max_new_tokens.map(Value::from)),
    ]);
    for key in ["min_pixels", "max_pixels", "max_new_tokens"] {
        if flags.get(key).and_then(Value::as_i64).is_some_and(|n| n <= 0) {
            let name = key.replace('_', "-");
            return Err(Failure::usage(format!("--{name} must be above 0"), "leave it out for the default"));
        }
    }
    Ok(flags)
}
