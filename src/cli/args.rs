//! All command-line types. Flags have the reference's names; help shows hyphens, underscores work as well.

use super::fetch_args::FetchArgs;
use super::ignored_args::IgnoredArgs;
use super::models::ModelsCommand;
use crate::config::schema::parse_size;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// Parses PDFs, scans and photos into Markdown, JSON, pictures, workbooks and layout drawings.
#[derive(Debug, Parser)]
#[command(
    name = "docparse",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Every flag may be written with underscores, shortened to an unambiguous prefix, and set in the \
                  environment as DOCPARSE_<FLAG>.\nExit codes: 0 done, 1 nothing could be done, 2 wrong usage, \
                  3 done but an input, page or block failed, 130 interrupted."
)]
pub struct Cli {
    /// What to do instead of parsing.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What to parse and how.
    #[command(flatten)]
    pub parse: ParseArgs,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Parse documents: the same as without a subcommand, as `paddleocr doc_parser` is called
    #[command(name = "doc_parser", alias = "doc-parser")]
    DocParser(Box<ParseArgs>),
    /// Check that libraries and models are there and work
    Doctor(DoctorArgs),
    /// List, fetch, check, find and remove the models of the PaddleOCR-VL pipelines
    Models {
        /// What to do
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
    /// Check the build against recorded outputs of the reference
    #[command(hide = true)]
    Golden(GoldenArgs),
    /// Check the networks against expected numbers
    #[command(hide = true)]
    Parity(ParityArgs),
    /// Read files; started by docparse itself
    #[command(hide = true)]
    Worker {
        /// The pdfium library
        #[arg(long)]
        pdfium: Option<PathBuf>,
        /// Bytes that it may take beside the program
        #[arg(long)]
        memory: u64,
        /// Seconds of work
        #[arg(long)]
        cpu_seconds: u64,
    },
}

/// Flags of `golden`.
#[derive(Debug, Args)]
pub struct GoldenArgs {
    /// The golden folder
    pub dir: PathBuf,
    /// Folder of libraries and models
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
}

/// Flags of `parity`.
#[derive(Debug, Args)]
pub struct ParityArgs {
    /// Folder of checkpoints with expected numbers
    pub dir: PathBuf,
    /// Where networks run: auto, cpu, gpu, gpu:N
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// CPU threads of the networks
    #[arg(long, value_name = "N")]
    pub cpu_threads: Option<usize>,
    /// Folder of libraries and models
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
}

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Load the model of a folder, tell what it is, and run it once
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Where the model runs: auto, cpu, gpu, gpu:N
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Threads of ONNX Runtime [default: all cores]
    #[arg(long, value_name = "N")]
    pub cpu_threads: Option<usize>,
    /// Folder of libraries and models
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
}

/// Flags of parsing.
#[derive(Debug, Args, Default)]
pub struct ParseArgs {
    /// The same as --input; a file that is called as a subcommand is written ./doctor
    #[arg(value_name = "INPUT", value_hint = ValueHint::AnyPath, help_heading = "Input and output")]
    pub files: Vec<OsString>,
    /// Files, directories, glob patterns, named pipes, http(s) URLs, or - for standard input
    #[arg(short, long, num_args = 1.., value_name = "INPUT", value_hint = ValueHint::AnyPath, help_heading = "Input and output")]
    pub input: Vec<OsString>,
    /// Take the inputs in a file as well, one a line; - reads the list from standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Input and output")]
    pub files_from: Vec<OsString>,
    /// The names in --files-from end with NUL, as find -print0 writes them
    #[arg(short = '0', long, requires = "files_from", help_heading = "Input and output")]
    pub null: bool,
    /// Where files are written
    #[arg(short = 'o', long, value_name = "DIR", help_heading = "Input and output")]
    pub save_path: Option<PathBuf>,
    /// Print the result instead of writing files: in the order of the inputs, JSON one value a document, Markdown with a
    /// line `<!-- document: NAME -->` before each of several documents
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Input and output")]
    pub stdout: Option<StdoutFormat>,
    /// Files to write: md (with the pictures that it shows), json, xlsx, images, vis; a minus takes one away, as in
    /// md,-images (Markdown without pictures) or --formats=-vis [default: all]
    #[arg(long, value_delimiter = ',', value_name = "LIST", help_heading = "Input and output")]
    pub formats: Vec<String>,
    /// Pages to parse, from 1, such as 1-3,7,10-
    #[arg(long, value_name = "RANGES", help_heading = "Input and output")]
    pub pages: Option<String>,
    /// Most pages of a document; what is left out is told, with exit code 3 [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Input and output")]
    pub max_pages: Option<u64>,
    /// Password for encrypted PDFs; may be given several times
    #[arg(long, value_name = "TEXT", help_heading = "Input and output")]
    pub password: Vec<String>,
    /// Write documents again that were written before: the default
    #[arg(long, overrides_with = "skip_existing", help_heading = "Input and output")]
    pub overwrite: bool,
    /// Leave out documents that were written before
    #[arg(long, overrides_with = "overwrite", help_heading = "Input and output")]
    pub skip_existing: bool,
    /// Flags of inputs that are fetched or read from a stream.
    #[command(flatten)]
    pub fetch: FetchArgs,
    /// Labels left out of Markdown
    #[arg(long, num_args = 1.., value_name = "LABEL", help_heading = "Input and output")]
    pub markdown_ignore_labels: Vec<String>,
    /// Write block contents in the JSON as Markdown
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Input and output")]
    pub format_block_content: Option<bool>,

    /// v1, v1.5, v1.6 (PaddleOCR-VL), lite (embedded), auto
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = ["auto", "lite", "v1", "v1.5", "v1.6"], help_heading = "Pipeline")]
    pub pipeline_version: String,
    /// YAML file of settings, put over those of the pipeline
    #[arg(long, visible_alias = "config", value_name = "FILE", help_heading = "Pipeline")]
    pub paddlex_config: Option<PathBuf>,
    /// Where the text of PDF pages comes from: auto, always (the PDF's own), never. With PaddleOCR-VL, blocks of plain text
    /// are taken from pages whose text passes all checks [default: auto; with PaddleOCR-VL never]
    #[arg(long, value_name = "MODE", value_parser = ["auto", "always", "never"], help_heading = "Pipeline")]
    pub text_layer: Option<String>,
    /// Share of the blocks taken from a PDF's text that PaddleOCR-VL reads as well, to compare, such as 5% [default: 2%]
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent, help_heading = "Pipeline")]
    pub text_layer_check: Option<f64>,

    /// Line detection: length in pixels that the limit type speaks of
    #[arg(long, value_name = "N", help_heading = "Line recognition")]
    pub det_limit_side_len: Option<i64>,
    /// Line detection: min (shorter side at least) or max (longer side at most)
    #[arg(long, value_name = "TYPE", value_parser = ["min", "max"], help_heading = "Line recognition")]
    pub det_limit_type: Option<String>,
    /// Line detection: probability above which a pixel is text
    #[arg(long, value_name = "P", help_heading = "Line recognition")]
    pub det_db_thresh: Option<f64>,
    /// Line detection: mean probability below which a box is dropped
    #[arg(long, value_name = "P", help_heading = "Line recognition")]
    pub det_db_box_thresh: Option<f64>,
    /// Line detection: how far boxes are grown
    #[arg(long, value_name = "RATIO", help_heading = "Line recognition")]
    pub det_db_unclip_ratio: Option<f64>,
    /// Lines recognized at once
    #[arg(long, value_name = "N", help_heading = "Line recognition")]
    pub rec_batch_num: Option<i64>,
    /// Confidence below which a line is dropped
    #[arg(long, value_name = "P", help_heading = "Line recognition")]
    pub drop_score: Option<f64>,
    /// Turn lines that stand on their heads
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Line recognition")]
    pub use_textline_orientation: Option<bool>,

    /// Write the files that the reference writes, with its names, page by page
    #[arg(long, help_heading = "Input and output")]
    pub compat: bool,
    /// Join tables that go on on the next page [default: true, with --compat false]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Input and output")]
    pub merge_tables: Option<bool>,
    /// Find the depths of headings over the whole document [default: true, with --compat false]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Input and output")]
    pub relevel_titles: Option<bool>,
    /// Join all pages into one result [default: false]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Input and output")]
    pub concatenate_pages: Option<bool>,
    /// Recorded answers instead of networks
    #[arg(long, value_name = "CASE.json", hide = true)]
    pub replay: Option<PathBuf>,
    /// Write down what was decided and asked
    #[arg(long, value_name = "DIR", hide = true)]
    pub trace: Option<PathBuf>,
    /// Order of colours that the recognizer sees; the reference's native backend has bgr
    #[arg(long, value_enum, value_name = "ORDER", default_value_t, help_heading = "PaddleOCR-VL pipelines")]
    pub vl_rec_channel_order: ChannelOrder,

    /// Where networks run: auto, cpu, gpu, gpu:N
    #[arg(long, value_name = "DEVICE", help_heading = "Running")]
    pub device: Option<String>,
    /// Threads of ONNX Runtime [default: all cores]
    #[arg(long, value_name = "N", help_heading = "Running")]
    pub cpu_threads: Option<usize>,
    /// Most GPU memory that a network may take, such as 8G or 500M [default: as much as there is; the recognizer takes 8G
    /// beside its weights]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Running")]
    pub gpu_memory: Option<usize>,
    /// Threads and PDF processes for everything else [default: all cores]
    #[arg(long, value_name = "N", help_heading = "Running")]
    pub threads: Option<usize>,
    /// Seconds that may be spent on a page, all steps together, before it is given up
    #[arg(long, value_name = "SECONDS", help_heading = "Running")]
    pub page_timeout: Option<i64>,
    /// Memory that a run may take, all its processes together, such as 4G; pages in flight, worker processes and networks are
    /// planned within it [default: what the machine or its control group has, less a quarter]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Running")]
    pub memory_limit: Option<usize>,
    /// Folder of libraries and models
    #[arg(long, value_name = "DIR", help_heading = "Running")]
    pub runtime_dir: Option<PathBuf>,
    /// Stop at the first input, page or block that fails
    #[arg(long, help_heading = "Running")]
    pub fail_fast: bool,
    /// List what would be done, and do nothing
    #[arg(long, help_heading = "Running")]
    pub dry_run: bool,
    /// Write a JSON report of the run, also of one that is interrupted
    #[arg(long, value_name = "FILE", help_heading = "Running")]
    pub report: Option<PathBuf>,
    /// Print errors only, and no closing line
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Running")]
    pub quiet: bool,
    /// Print what is done, page by page
    #[arg(long, help_heading = "Running")]
    pub verbose: bool,
    /// Form of messages on stderr: text, or json: a record a line with level, code, message, file and page
    #[arg(long, value_enum, value_name = "FORM", default_value_t, help_heading = "Running")]
    pub log_format: LogFormat,

    /// Flags of the reference without effect here.
    #[command(flatten)]
    pub ignored: IgnoredArgs,
    /// Flags of the reference for parts that this version does not have.
    #[command(flatten)]
    pub later: LaterArgs,
}

/// Flags of the PaddleOCR-VL pipelines. Refused where they ask for what is not there: by the embedded pipeline all,
/// unless the value asks for what it does anyway; where blocks are read as text those of the recognizer; those of servers
/// where no server is asked, and those of the recognizer in this process where one is.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "PaddleOCR-VL pipelines")]
pub struct LaterArgs {
    /// Turn pages upright with a network [default: false]; the embedded pipeline does without
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub use_doc_orientation_classify: Option<bool>,
    /// Flatten photographed pages with a network [default: false]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub use_doc_unwarping: Option<bool>,
    /// Detect the layout
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub use_layout_detection: Option<bool>,
    /// Read charts as tables
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub use_chart_recognition: Option<bool>,
    /// Read seals
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub use_seal_recognition: Option<bool>,
    /// Read pictures as text
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub use_ocr_for_image_block: Option<bool>,
    /// Merge neighbouring text blocks before recognition
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub merge_layout_blocks: Option<bool>,
    /// Layout network: PP-DocLayoutV2 or PP-DocLayoutV3
    #[arg(long, value_name = "NAME")]
    pub layout_detection_model_name: Option<String>,
    /// Folder of the layout network: config.json with model.safetensors, or inference.onnx with inference.yml
    #[arg(long, value_name = "DIR")]
    pub layout_detection_model_dir: Option<PathBuf>,
    /// Score threshold of the layout network
    #[arg(long, value_name = "P")]
    pub layout_threshold: Option<f64>,
    /// Drop overlapping boxes
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL")]
    pub layout_nms: Option<bool>,
    /// Factor by which boxes are grown
    #[arg(long, value_name = "RATIO")]
    pub layout_unclip_ratio: Option<f64>,
    /// union, large or small
    #[arg(long, value_name = "MODE", value_parser = ["union", "large", "small"])]
    pub layout_merge_bboxes_mode: Option<String>,
    /// rect, quad, poly or auto
    #[arg(long, value_name = "MODE", value_parser = ["rect", "quad", "poly", "auto"])]
    pub layout_shape_mode: Option<String>,
    /// Recognizer: PaddleOCR-VL-0.9B, PaddleOCR-VL-1.5-0.9B or PaddleOCR-VL-1.6-0.9B
    #[arg(long, value_name = "NAME")]
    pub vl_rec_model_name: Option<String>,
    /// Folder of the recognizer: config.json, model.safetensors, tokenizer.json and what goes with them
    #[arg(long, value_name = "DIR")]
    pub vl_rec_model_dir: Option<PathBuf>,
    /// What reads blocks: native (PaddleOCR-VL in this process); over a layout network also lines (the page's own text, read
    /// from its picture where it has none) and text_layer (the text of PDFs only); or a server with --vl-rec-server-url
    /// [default: native]
    #[arg(long, value_name = "NAME", value_parser = ["native", "lines", "text_layer", "vllm-server", "sglang-server", "fastdeploy-server", "mlx-vlm-server", "llama-cpp-server"])]
    pub vl_rec_backend: Option<String>,
    /// Address of the recognizer's server, such as http://localhost:8118/v1; of several, separated by commas, the one with the
    /// fewest requests in flight is asked
    #[arg(long, value_name = "URL")]
    pub vl_rec_server_url: Option<String>,
    /// Requests in flight, to all servers together [default: 200]
    #[arg(long, value_name = "N")]
    pub vl_rec_max_concurrency: Option<i64>,
    /// Model name sent to the server [default: that of the pipeline, such as PaddleOCR-VL-1.6-0.9B]
    #[arg(long, value_name = "NAME")]
    pub vl_rec_api_model_name: Option<String>,
    /// Key sent to the server; better in the environment or a file
    #[arg(long, value_name = "KEY", hide_env_values = true)]
    pub vl_rec_api_key: Option<String>,
    /// File that holds the key
    #[arg(long, value_name = "FILE")]
    pub vl_rec_api_key_file: Option<PathBuf>,
    /// Orientation network
    #[arg(long, value_name = "NAME")]
    pub doc_orientation_classify_model_name: Option<String>,
    /// Folder of the orientation network
    #[arg(long, value_name = "DIR")]
    pub doc_orientation_classify_model_dir: Option<PathBuf>,
    /// Unwarping network
    #[arg(long, value_name = "NAME")]
    pub doc_unwarping_model_name: Option<String>,
    /// Folder of the unwarping network
    #[arg(long, value_name = "DIR")]
    pub doc_unwarping_model_dir: Option<PathBuf>,
    /// Task for whole pages without layout detection
    #[arg(long, value_name = "LABEL", value_parser = ["ocr", "formula", "table", "chart", "seal", "spotting"], ignore_case = true)]
    pub prompt_label: Option<String>,
    /// Penalty on repeated tokens
    #[arg(long, value_name = "X")]
    pub repetition_penalty: Option<f64>,
    /// Sampling temperature
    #[arg(long, value_name = "X")]
    pub temperature: Option<f64>,
    /// Sampling mass
    #[arg(long, value_name = "P")]
    pub top_p: Option<f64>,
    /// Lower pixel limit of crops
    #[arg(long, value_name = "N")]
    pub min_pixels: Option<i64>,
    /// Upper pixel limit of crops
    #[arg(long, value_name = "N")]
    pub max_pixels: Option<i64>,
    /// Token limit of a block
    #[arg(long, value_name = "N")]
    pub max_new_tokens: Option<i64>,
    /// Precision of the recognizer: auto (int8 on the CPU, bf16 on a GPU), fp32 (exact), bf16 and fp16 (GPU), int8 and
    /// int4 (CPU; the decoder only; int4 is experimental); see docs/precision.md [default: auto]
    #[arg(long, value_name = "PRECISION", value_parser = ["auto", "fp32", "fp16", "bf16", "int8", "int4"])]
    pub precision: Option<String>,
    /// Precision of the recognizer's vision encoder on the CPU: fp32, or int8, twice as fast [default: fp32]
    #[arg(long, value_name = "PRECISION", value_parser = ["fp32", "int8"])]
    pub vision_precision: Option<String>,
    /// Drafts that the recognizer only verifies: auto (the text of PDFs, where it can be trusted), lines (text read from
    /// pictures as well), off; they change the speed and never the result [default: auto]
    #[arg(long, value_name = "MODE", value_parser = ["auto", "lines", "off"])]
    pub draft: Option<String>,
    /// End answers early that repeat themselves without end: on, or off to decode them to the limit [default: on]
    #[arg(long, value_name = "SWITCH", value_parser = ["on", "off"])]
    pub repetition_stop: Option<String>,
    /// Seconds after which the answer for a block is cut, or a server's is given up [default: none]
    #[arg(long, value_name = "SECONDS")]
    pub block_timeout: Option<u64>,
    /// Seed of --temperature [default: 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Blocks that are decoded together [default: 16; on a GPU 64]
    #[arg(long, value_name = "N")]
    pub vl_rec_slots: Option<usize>,
    /// Memory for the recognizer's keys and values on the CPU: what it keeps of the blocks under way, such as 2G
    /// [default: 1G, less where --memory-limit wants it]
    #[arg(long, alias = "memory", value_name = "SIZE", value_parser = parse_size)]
    pub kv_cache: Option<usize>,
    /// Fetch the models that a run needs and that are not on this machine, as docparse models pull does
    #[arg(long, conflicts_with = "offline")]
    pub download: bool,
    /// Where --download fetches from: huggingface, modelscope, or an address [default: huggingface]
    #[arg(long, value_name = "SOURCE")]
    pub model_source: Option<String>,
    /// Make no network call at all: no address as input, nothing fetched, no server but on this machine
    #[arg(long)]
    pub offline: bool,
}

/// What `--stdout` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StdoutFormat {
    /// Markdown
    Md,
    /// JSON
    Json,
}

/// Order of colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum ChannelOrder {
    /// Red, green, blue
    #[default]
    Rgb,
    /// Blue, green, red
    Bgr,
}

/// Form of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// A JSON object a line
    Json,
}

/// The words that the reference takes for true and false, in any case.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "t" | "y" | "1" => Ok(true),
        "false" | "no" | "f" | "n" | "0" => Ok(false),
        _ => Err("expected true, yes, t, y, 1 or false, no, f, n, 0".into()),
    }
}

/// A share in percent, with or without its sign, as 0 to 1.
pub fn parse_percent(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end().parse::<f64>().ok();
    let share = number.filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| percent / 100.0);
    share.ok_or_else(|| "expected a share such as 2%".into())
}

impl LaterArgs {
    /// The first flag that asks for something the embedded pipeline cannot do.
    ///
    /// Switches set to what it does anyway ask for nothing.
    pub fn refused_by_lite(&self) -> Option<&'static str> {
        let on = |value: Option<bool>| value == Some(true);
        let off = |value: Option<bool>| value == Some(false);
        let shape = self.layout_shape_mode.as_deref();
        first_asked([
            ("use-doc-orientation-classify", on(self.use_doc_orientation_classify)),
            ("use-doc-unwarping", on(self.use_doc_unwarping)),
            ("use-layout-detection", off(self.use_layout_detection)),
            ("layout-detection-model-name", self.layout_detection_model_name.is_some()),
            ("layout-detection-model-dir", self.layout_detection_model_dir.is_some()),
            ("layout-threshold", self.layout_threshold.is_some()),
            ("layout-nms", self.layout_nms.is_some()),
            ("layout-unclip-ratio", self.layout_unclip_ratio.is_some()),
            ("layout-merge-bboxes-mode", self.layout_merge_bboxes_mode.is_some()),
            ("layout-shape-mode", shape.is_some_and(|mode| mode != "auto" && mode != "rect")),
            ("vl-rec-backend", self.vl_rec_backend.is_some()),
            ("doc-orientation-classify-model-name", self.doc_orientation_classify_model_name.is_some()),
            ("doc-orientation-classify-model-dir", self.doc_orientation_classify_model_dir.is_some()),
            ("doc-unwarping-model-name", self.doc_unwarping_model_name.is_some()),
            ("doc-unwarping-model-dir", self.doc_unwarping_model_dir.is_some()),
        ])
        .or(self.needs_recognizer())
    }

    /// The first flag that asks for something only a recognizer that sees pictures can do.
    pub fn needs_recognizer(&self) -> Option<&'static str> {
        let on = |value: Option<bool>| value == Some(true);
        let prompt = self.prompt_label.as_deref();
        first_asked([
            ("use-chart-recognition", on(self.use_chart_recognition)),
            ("use-seal-recognition", on(self.use_seal_recognition)),
            ("use-ocr-for-image-block", on(self.use_ocr_for_image_block)),
            ("merge-layout-blocks", on(self.merge_layout_blocks)),
            ("vl-rec-model-name", self.vl_rec_model_name.is_some()),
            ("vl-rec-model-dir", self.vl_rec_model_dir.is_some()),
            ("prompt-label", prompt.is_some_and(|label| !label.eq_ignore_ascii_case("ocr"))),
            ("repetition-penalty", self.repetition_penalty.is_some()),
            ("temperature", self.temperature.is_some()),
            ("top-p", self.top_p.is_some()),
            ("min-pixels", self.min_pixels.is_some()),
            ("max-pixels", self.max_pixels.is_some()),
            ("max-new-tokens", self.max_new_tokens.is_some()),
            ("precision", self.precision.as_deref().is_some_and(|p| p != "fp32" && p != "auto")),
            ("vision-precision", self.vision_precision.as_deref() == Some("int8")),
            ("draft", self.draft.is_some()),
            ("repetition-stop", self.repetition_stop.is_some()),
            ("block-timeout", self.block_timeout.is_some()),
            ("seed", self.seed.is_some()),
            ("vl-rec-slots", self.vl_rec_slots.is_some()),
            ("kv-cache", self.kv_cache.is_some()),
        ])
        .or(self.needs_server())
    }

    /// The first flag that is about a server.
    pub fn needs_server(&self) -> Option<&'static str> {
        first_asked([
            ("vl-rec-backend", self.vl_rec_backend.as_deref().is_some_and(|name| name.ends_with("-server"))),
            ("vl-rec-server-url", self.vl_rec_server_url.is_some()),
            ("vl-rec-max-concurrency", self.vl_rec_max_concurrency.is_some()),
            ("vl-rec-api-model-name", self.vl_rec_api_model_name.is_some()),
            ("vl-rec-api-key", self.vl_rec_api_key.is_some()),
            ("vl-rec-api-key-file", self.vl_rec_api_key_file.is_some()),
        ])
    }

    /// The first flag that is about the recognizer in this process.
    pub fn needs_own_recognizer(&self) -> Option<&'static str> {
        first_asked([
            ("vl-rec-model-dir", self.vl_rec_model_dir.is_some()),
            ("precision", self.precision.as_deref().is_some_and(|p| p != "fp32" && p != "auto")),
            ("vision-precision", self.vision_precision.as_deref() == Some("int8")),
            ("draft", self.draft.as_deref().is_some_and(|mode| mode != "off")),
            ("repetition-stop", self.repetition_stop.is_some()),
            ("seed", self.seed.is_some()),
            ("vl-rec-slots", self.vl_rec_slots.is_some()),
            ("kv-cache", self.kv_cache.is_some()),
        ])
    }
}

fn first_asked<const N: usize>(checks: [(&'static str, bool); N]) -> Option<&'static str> {
    checks.into_iter().find(|(_, asked)| *asked).map(|(name, _)| name)
}
