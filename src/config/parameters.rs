//! The settings that a run may be given by name, in one table: name, place in the settings, kind of value, who takes it, and
//! help.
//!
//! The command line makes its flags, environment variables, help, completions and manual page of it
//! ([`crate::cli`]), the pipeline its check of what it accepts. A new setting is one more entry here, and one line where its
//! value is read.

use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the value of a parameter goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A dotted key of the settings, which YAML files have as well.
    Key(&'static str),
    /// An argument of the reference's `predict` call, which has no key (specification, section 1.3).
    Predict,
    /// Nothing but the run itself.
    Run,
}

/// Kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    /// `true` or `false`; a flag alone is `true`.
    Bool,
    /// A whole number.
    Int,
    /// A whole number from 0.
    Count,
    /// A number.
    Float,
    /// A number of bytes, with K, M or G for powers of 1024.
    Size,
    /// A share such as `2%`, kept as 0 to 1.
    Percent,
    /// A text.
    Text,
    /// A text that is nobody's business, such as a key.
    Secret,
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// One of some words, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// Several texts.
    Texts,
    /// A folder.
    Folder,
}

/// What a parameter is about; a pipeline takes those of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// Reading documents and writing results: every pipeline.
    Documents,
    /// Layout detection by a network, and the networks of document preprocessing.
    Networks,
    /// A recognizer that sees pictures of blocks.
    Recognizer,
    /// The recognizer that runs in this process.
    OwnRecognizer,
    /// Recognition servers.
    Server,
}

/// Headings of the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    /// Input and output.
    InputAndOutput,
    /// Pipeline.
    Pipeline,
    /// Line recognition.
    LineRecognition,
    /// PaddleOCR-VL pipelines.
    PaddleOcrVl,
    /// Running.
    Running,
}

impl Heading {
    /// As help shows it.
    pub fn text(self) -> &'static str {
        match self {
            Heading::InputAndOutput => "Input and output",
            Heading::Pipeline => "Pipeline",
            Heading::LineRecognition => "Line recognition",
            Heading::PaddleOcrVl => "PaddleOCR-VL pipelines",
            Heading::Running => "Running",
        }
    }
}

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, with underscores; the flag has hyphens.
    pub name: &'static str,
    /// An older name, still accepted.
    pub alias: Option<&'static str>,
    /// Where its value goes.
    pub place: Place,
    /// The kind of its value.
    pub kind: ValueKind,
    /// What it is about.
    pub about: About,
    /// Values that ask for nothing: pipelines without the part take them.
    pub neutral: &'static [&'static str],
    /// Where help shows it.
    pub heading: Heading,
    /// The word for its value in help.
    pub value_name: &'static str,
    /// What it does, with its default.
    pub help: &'static str,
}

/// Of the embedded pipeline.
const LINES: Parameter = Parameter {
    name: "",
    alias: None,
    place: Place::Run,
    kind: ValueKind::Float,
    about: About::Documents,
    neutral: &[],
    heading: Heading::LineRecognition,
    value_name: "N",
    help: "",
};
const OUTPUT: Parameter =
    Parameter { kind: ValueKind::Bool, heading: Heading::InputAndOutput, value_name: "BOOL", ..LINES };
const PIPELINE: Parameter = Parameter { heading: Heading::Pipeline, value_name: "MODE", ..LINES };
const NETWORKS: Parameter = Parameter {
    kind: ValueKind::Bool,
    about: About::Networks,
    heading: Heading::PaddleOcrVl,
    value_name: "BOOL",
    ..LINES
};
const NETWORK_NAME: Parameter = Parameter { kind: ValueKind::Text, value_name: "NAME", ..NETWORKS };
const NETWORK_DIR: Parameter = Parameter { kind: ValueKind::Folder, value_name: "DIR", ..NETWORKS };
const RECOGNIZER: Parameter = Parameter { about: About::Recognizer, ..NETWORKS };
const SAMPLING: Parameter =
    Parameter { place: Place::Predict, kind: ValueKind::Float, value_name: "X", ..RECOGNIZER };
const PIXELS: Parameter =
    Parameter { place: Place::Predict, kind: ValueKind::Int, value_name: "N", ..RECOGNIZER };
const OWN: Parameter =
    Parameter { about: About::OwnRecognizer, kind: ValueKind::Count, value_name: "N", ..RECOGNIZER };
const SERVER: Parameter =
    Parameter { about: About::Server, kind: ValueKind::Text, value_name: "NAME", ..RECOGNIZER };

/// All parameters, in the order of the help.
pub const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "markdown_ignore_labels",
        place: Place::Key("markdown_ignore_labels"),
        kind: ValueKind::Texts,
        value_name: "LABEL",
        help: "Labels left out of Markdown",
        ..OUTPUT
    },
    Parameter {
        name: "format_block_content",
        place: Place::Key("format_block_content"),
        help: "Write block contents in the JSON as Markdown",
        ..OUTPUT
    },
    Parameter {
        name: "merge_tables",
        help: "Join tables that go on on the next page [default: true, with --compat false]",
        ..OUTPUT
    },
    Parameter {
        name: "relevel_titles",
        help: "Find the depths of headings over the whole document [default: true, with --compat false]",
        ..OUTPUT
    },
    Parameter {
        name: "concatenate_pages",
        help: "Join all pages into one result [default: false]",
        ..OUTPUT
    },
    Parameter {
        name: "text_layer",
        place: Place::Key("text_layer"),
        kind: ValueKind::OneOf(&["auto", "always", "never"]),
        help: "Where the text of PDF pages comes from: auto, always (the PDF's own), never. With PaddleOCR-VL, blocks of \
               plain text are taken from pages whose text passes all checks [default: auto; with PaddleOCR-VL never]",
        ..PIPELINE
    },
    Parameter {
        name: "text_layer_check",
        kind: ValueKind::Percent,
        value_name: "PERCENT",
        help: "Share of the blocks taken from a PDF's text that PaddleOCR-VL reads as well, to compare, such as 5% \
               [default: 2%]",
        ..PIPELINE
    },
    Parameter {
        name: "det_limit_side_len",
        place: Place::Key("SubModules.LineDetection.det_limit_side_len"),
        kind: ValueKind::Int,
        help: "Line detection: side length in pixels; --det-limit-type says which side",
        ..LINES
    },
    Parameter {
        name: "det_limit_type",
        place: Place::Key("SubModules.LineDetection.det_limit_type"),
        kind: ValueKind::OneOf(&["min", "max"]),
        value_name: "TYPE",
        help: "Line detection: min (shorter side at least) or max (longer side at most)",
        ..LINES
    },
    Parameter {
        name: "det_db_thresh",
        place: Place::Key("SubModules.LineDetection.det_db_thresh"),
        value_name: "P",
        help: "Line detection: probability above which a pixel is text",
        ..LINES
    },
    Parameter {
        name: "det_db_box_thresh",
        place: Place::Key("SubModules.LineDetection.det_db_box_thresh"),
        value_name: "P",
        help: "Line detection: mean probability below which a box is dropped",
        ..LINES
    },
    Parameter {
        name: "det_db_unclip_ratio",
        place: Place::Key("SubModules.LineDetection.det_db_unclip_ratio"),
        value_name: "RATIO",
        help: "Line detection: how far boxes are grown",
        ..LINES
    },
    Parameter {
        name: "rec_batch_num",
        place: Place::Key("SubModules.LineRecognition.rec_batch_num"),
        kind: ValueKind::Int,
        help: "Lines recognized at once",
        ..LINES
    },
    Parameter {
        name: "drop_score",
        place: Place::Key("SubModules.LineRecognition.drop_score"),
        value_name: "P",
        help: "Confidence below which a line is dropped",
        ..LINES
    },
    Parameter {
        name: "use_textline_orientation",
        place: Place::Key("SubModules.LineRecognition.use_textline_orientation"),
        kind: ValueKind::Bool,
        value_name: "BOOL",
        help: "Rotate upside-down lines",
        ..LINES
    },
    Parameter {
        name: "use_doc_orientation_classify",
        place: Place::Key("SubPipelines.DocPreprocessor.use_doc_orientation_classify"),
        neutral: &["false"],
        help: "Turn pages upright with a network [default: false]; the embedded pipeline does without",
        ..NETWORKS
    },
    Parameter {
        name: "use_doc_unwarping",
        place: Place::Key("SubPipelines.DocPreprocessor.use_doc_unwarping"),
        neutral: &["false"],
        help: "Flatten photographed pages with a network [default: false]",
        ..NETWORKS
    },
    Parameter {
        name: "use_layout_detection",
        place: Place::Key("use_layout_detection"),
        neutral: &["true"],
        help: "Detect the layout",
        ..NETWORKS
    },
    Parameter {
        name: "use_chart_recognition",
        place: Place::Key("use_chart_recognition"),
        neutral: &["false"],
        help: "Read charts as tables",
        ..RECOGNIZER
    },
    Parameter {
        name: "use_seal_recognition",
        place: Place::Key("use_seal_recognition"),
        neutral: &["false"],
        help: "Read seals",
        ..RECOGNIZER
    },
    Parameter {
        name: "use_ocr_for_image_block",
        place: Place::Key("use_ocr_for_image_block"),
        neutral: &["false"],
        help: "Read pictures as text",
        ..RECOGNIZER
    },
    Parameter {
        name: "merge_layout_blocks",
        place: Place::Key("merge_layout_blocks"),
        neutral: &["false"],
        help: "Merge neighbouring text blocks before recognition",
        ..RECOGNIZER
    },
    Parameter {
        name: "layout_detection_model_name",
        place: Place::Key("SubModules.LayoutDetection.model_name"),
        help: "Layout network: PP-DocLayoutV2 or PP-DocLayoutV3",
        ..NETWORK_NAME
    },
    Parameter {
        name: "layout_detection_model_dir",
        place: Place::Key("SubModules.LayoutDetection.model_dir"),
        help: "Folder of the layout network: config.json with model.safetensors, or inference.onnx with inference.yml",
        ..NETWORK_DIR
    },
    Parameter {
        name: "layout_threshold",
        place: Place::Key("SubModules.LayoutDetection.threshold"),
        kind: ValueKind::Float,
        value_name: "P",
        help: "Score threshold of the layout network",
        ..NETWORKS
    },
    Parameter {
        name: "layout_nms",
        place: Place::Key("SubModules.LayoutDetection.layout_nms"),
        help: "Drop overlapping boxes",
        ..NETWORKS
    },
    Parameter {
        name: "layout_unclip_ratio",
        place: Place::Key("SubModules.LayoutDetection.layout_unclip_ratio"),
        kind: ValueKind::Float,
        value_name: "RATIO",
        help: "Factor by which boxes are grown",
        ..NETWORKS
    },
    Parameter {
        name: "layout_merge_bboxes_mode",
        place: Place::Key("SubModules.LayoutDetection.layout_merge_bboxes_mode"),
        kind: ValueKind::OneOf(&["union", "large", "small"]),
        value_name: "MODE",
        help: "union, large or small",
        ..NETWORKS
    },
    Parameter {
        name: "layout_shape_mode",
        place: Place::Predict,
        kind: ValueKind::OneOf(&["rect", "quad", "poly", "auto"]),
        neutral: &["auto", "rect"],
        value_name: "MODE",
        help: "rect, quad, poly or auto",
        ..NETWORKS
    },
    Parameter {
        name: "vl_rec_model_name",
        place: Place::Key("SubModules.VLRecognition.model_name"),
        kind: ValueKind::Text,
        value_name: "NAME",
        help: "Recognizer: PaddleOCR-VL-0.9B, PaddleOCR-VL-1.5-0.9B or PaddleOCR-VL-1.6-0.9B",
        ..RECOGNIZER
    },
    Parameter {
        name: "vl_rec_model_dir",
        place: Place::Key("SubModules.VLRecognition.model_dir"),
        kind: ValueKind::Folder,
        value_name: "DIR",
        help: "Folder of the recognizer: config.json, model.safetensors, tokenizer.json and what goes with them",
        ..OWN
    },
    Parameter {
        name: "vl_rec_backend",
        place: Place::Key("SubModules.VLRecognition.genai_config.backend"),
        kind: ValueKind::OneOf(&[
            "native",
            "lines",
            "text_layer",
            "vllm-server",
            "sglang-server",
            "fastdeploy-server",
            "mlx-vlm-server",
            "llama-cpp-server",
        ]),
        value_name: "NAME",
        help: "What reads blocks: native (PaddleOCR-VL in this process); over a layout network also lines (the page's own \
               text, read from its picture where it has none) and text_layer (the text of PDFs only); or a server with \
               --vl-rec-server-url [default: native]",
        ..NETWORKS
    },
    Parameter {
        name: "vl_rec_server_url",
        place: Place::Key("SubModules.VLRecognition.genai_config.server_url"),
        value_name: "URL",
        help: "Address of the recognizer's server, such as http://localhost:8118/v1; of several, separated by commas, the \
               one with the fewest requests in flight is asked",
        ..SERVER
    },
    Parameter {
        name: "vl_rec_max_concurrency",
        place: Place::Key("SubModules.VLRecognition.genai_config.max_concurrency"),
        kind: ValueKind::Int,
        value_name: "N",
        help: "Requests in flight, to all servers together [default: 200]",
        ..SERVER
    },
    Parameter {
        name: "vl_rec_api_model_name",
        place: Place::Key("SubModules.VLRecognition.genai_config.client_kwargs.model_name"),
        help: "Model name sent to the server [default: that of the pipeline, such as PaddleOCR-VL-1.6-0.9B]",
        ..SERVER
    },
    Parameter {
        name: "vl_rec_api_key",
        place: Place::Key("SubModules.VLRecognition.genai_config.client_kwargs.api_key"),
        kind: ValueKind::Secret,
        value_name: "KEY",
        help: "Key sent to the server; better in the environment or a file",
        ..SERVER
    },
    Parameter {
        name: "doc_orientation_classify_model_name",
        place: Place::Key("SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.model_name"),
        help: "Orientation network",
        ..NETWORK_NAME
    },
    Parameter {
        name: "doc_orientation_classify_model_dir",
        place: Place::Key("SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.model_dir"),
        help: "Folder of the orientation network",
        ..NETWORK_DIR
    },
    Parameter {
        name: "doc_unwarping_model_name",
        place: Place::Key("SubPipelines.DocPreprocessor.SubModules.DocUnwarping.model_name"),
        help: "Unwarping network",
        ..NETWORK_NAME
    },
    Parameter {
        name: "doc_unwarping_model_dir",
        place: Place::Key("SubPipelines.DocPreprocessor.SubModules.DocUnwarping.model_dir"),
        help: "Folder of the unwarping network",
        ..NETWORK_DIR
    },
    Parameter {
        name: "prompt_label",
        place: Place::Predict,
        kind: ValueKind::OneOfAnyCase(&["ocr", "formula", "table", "chart", "seal", "spotting"]),
        neutral: &["ocr"],
        value_name: "LABEL",
        help: "Task for whole pages without layout detection",
        ..RECOGNIZER
    },
    Parameter { name: "repetition_penalty", help: "Penalty on repeated tokens", ..SAMPLING },
    Parameter { name: "temperature", help: "Sampling temperature", ..SAMPLING },
    Parameter { name: "top_p", value_name: "P", help: "Sampling mass", ..SAMPLING },
    Parameter { name: "min_pixels", help: "Lower pixel limit of crops", ..PIXELS },
    Parameter { name: "max_pixels", help: "Upper pixel limit of crops", ..PIXELS },
    Parameter { name: "max_new_tokens", help: "Token limit of a block", ..PIXELS },
    Parameter {
        name: "vl_rec_channel_order",
        kind: ValueKind::OneOf(&["rgb", "bgr"]),
        neutral: &["rgb"],
        value_name: "ORDER",
        help: "Order of colours that the recognizer sees: rgb, or bgr as the reference's native backend has it \
               [default: rgb]",
        ..RECOGNIZER
    },
    Parameter {
        name: "precision",
        kind: ValueKind::OneOf(&["auto", "fp32", "fp16", "bf16", "int8", "int4"]),
        neutral: &["auto", "fp32"],
        value_name: "PRECISION",
        help: "Precision of the recognizer: auto (int8 on the CPU, bf16 on a GPU), fp32 (exact), bf16 and fp16 (GPU), int8 \
               and int4 (CPU; the decoder only; int4 is experimental); see docs/precision.md [default: auto]",
        ..OWN
    },
    Parameter {
        name: "vision_precision",
        kind: ValueKind::OneOf(&["fp32", "int8"]),
        neutral: &["fp32"],
        value_name: "PRECISION",
        help: "Precision of the recognizer's vision encoder on the CPU: fp32, or int8, twice as fast [default: fp32]",
        ..OWN
    },
    Parameter {
        name: "draft",
        kind: ValueKind::OneOf(&["auto", "lines", "off"]),
        neutral: &["off"],
        value_name: "MODE",
        help: "Drafts that the recognizer only verifies: auto (the text of PDFs, where it can be trusted), lines (text read \
               from pictures as well), off; they change the speed and never the result [default: auto]",
        ..OWN
    },
    Parameter {
        name: "repetition_stop",
        kind: ValueKind::OneOf(&["on", "off"]),
        value_name: "SWITCH",
        help: "Stop runaway repetition early, once the token limit is certain to cut it: on, or off to decode to the limit \
               [default: on]",
        ..OWN
    },
    Parameter {
        name: "block_timeout",
        kind: ValueKind::Count,
        value_name: "SECONDS",
        help: "Seconds after which the answer for a block is cut, or a server's is given up [default: none]",
        ..RECOGNIZER
    },
    Parameter { name: "seed", help: "Seed of --temperature [default: 0]", ..OWN },
    Parameter {
        name: "vl_rec_slots",
        help: "Blocks that are decoded together [default: 16; on a GPU 64]",
        ..OWN
    },
    Parameter {
        name: "kv_cache",
        alias: Some("memory"),
        kind: ValueKind::Size,
        value_name: "SIZE",
        help: "Memory of the recognizer's KV cache on the CPU, shared by the blocks under way, such as 2G [default: 1G, \
               less where --memory-limit wants it]",
        ..OWN
    },
    Parameter {
        name: "page_timeout",
        place: Place::Key("page_timeout"),
        kind: ValueKind::Int,
        heading: Heading::Running,
        value_name: "SECONDS",
        help: "Seconds that may be spent on a page, all steps together, before it is given up",
        ..LINES
    },
];

/// The parameter of a name.
pub fn parameter(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

/// The key that a parameter sets. The reference's own parameters that are not in the table are keys themselves.
pub fn key_of(name: &str) -> &str {
    match parameter(name).map(|parameter| parameter.place) {
        Some(Place::Key(key)) => key,
        _ => name,
    }
}

/// Values by the names of their parameters.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    values: Map<String, Value>,
    /// Folders as they were given: in the settings they are text, and names may have any bytes.
    folders: BTreeMap<String, PathBuf>,
}

impl Parameters {
    /// Gives a parameter a value of its kind.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.to_string(), value.into());
    }

    /// Gives a parameter a folder.
    pub fn set_folder(&mut self, name: &str, folder: PathBuf) {
        self.values.insert(name.to_string(), crate::shown::name(&folder).into());
        self.folders.insert(name.to_string(), folder);
    }

    /// The value of a parameter, where one was given.
    pub fn get(&self, name: &str) -> Option<&Value> {
        debug_assert!(parameter(name).is_some(), "{name} is in the table");
        self.values.get(name)
    }

    /// Whether a value was given.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// A value that is true or false.
    pub fn bool(&self, name: &str) -> Option<bool> {
        self.get(name)?.as_bool()
    }

    /// A value that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// A value that is a whole number from 0.
    pub fn count(&self, name: &str) -> Option<u64> {
        self.get(name)?.as_u64()
    }

    /// A value that is a number.
    pub fn float(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// A folder.
    pub fn folder(&self, name: &str) -> Option<&Path> {
        self.folders.get(name).map(PathBuf::as_path)
    }

    /// The values of one kind of place, by name.
    pub fn at(&self, wanted: impl Fn(Place) -> bool) -> Map<String, Value> {
        let is_wanted = |name: &str| parameter(name).is_some_and(|parameter| wanted(parameter.place));
        let values = self.values.iter().filter(|(name, value)| !value.is_null() && is_wanted(name));
        values.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The first parameter, in the order of the table, that has a value which is not neutral, and is about something that
    /// `takes` says no to.
    pub fn first_not_taken(&self, takes: impl Fn(About) -> bool) -> Option<&'static Parameter> {
        let is_neutral = |parameter: &Parameter, value: &Value| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_lowercase);
            parameter.neutral.contains(&text.as_str())
        };
        PARAMETERS.iter().find(|parameter| {
            let value = self.values.get(parameter.name).filter(|value| !value.is_null());
            value.is_some_and(|value| !takes(parameter.about) && !is_neutral(parameter, value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    #[test]
    fn every_parameter_has_one_name_a_help_and_a_key_that_exists() {
        for (at, parameter) in PARAMETERS.iter().enumerate() {
            let name = parameter.name;
            assert!(!name.is_empty() && !parameter.help.is_empty(), "{name}");
            assert!(PARAMETERS[..at].iter().all(|before| before.name != name), "{name} stands twice");
            if let Place::Key(key) = parameter.place {
                assert!(schema::kind_of(key).is_some(), "{name}: no key {key}");
            }
            let words: &[&str] = match parameter.kind {
                ValueKind::OneOf(words) | ValueKind::OneOfAnyCase(words) => words,
                ValueKind::Bool => &["true", "false"],
                _ => &[],
            };
            assert!(parameter.neutral.iter().all(|value| words.contains(value)), "{name}");
        }
    }

    #[test]
    fn what_a_pipeline_has_no_part_for_is_found_unless_it_asks_for_nothing() {
        let mut given = Parameters::default();
        given.set("use_chart_recognition", false);
        given.set("prompt_label", "OCR");
        given.set("text_layer", "never");
        let lite = |about| about == About::Documents;
        assert_eq!(given.first_not_taken(lite), None);
        given.set("temperature", 0.5);
        given.set("layout_nms", true);
        assert_eq!(given.first_not_taken(lite).map(|p| p.name), Some("layout_nms"));
        assert_eq!(
            given.first_not_taken(|about| about != About::Recognizer).map(|p| p.name),
            Some("temperature")
        );
    }

    #[test]
    fn folders_keep_their_bytes() {
        use std::os::unix::ffi::OsStringExt;
        let folder = PathBuf::from(std::ffi::OsString::from_vec(b"models-\xe9".to_vec()));
        let mut given = Parameters::default();
        given.set_folder("vl_rec_model_dir", folder.clone());
        assert_eq!(given.folder("vl_rec_model_dir"), Some(folder.as_path()));
        assert!(given.text("vl_rec_model_dir").is_some());
    }
}
