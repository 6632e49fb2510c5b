//! All command-line types. Flags have the reference's names; help shows hyphens, underscores work as well.

use super::fetch_args::FetchArgs;
use super::ignored_args::IgnoredArgs;
use super::models::ModelsCommand;
use super::parameter_args::ParameterArgs;
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
    #[arg(
        short = '0',
        long,
        requires = "files_from",
        help_heading = "Input and output"
    )]
    pub null: bool,
    /// Where files are written
    #[arg(
        short = 'o',
        long,
        value_name = "DIR",
        help_heading = "Input and output"
    )]
    pub save_path: Option<PathBuf>,
    /// Print the result instead of writing files: in the order of the inputs, JSON one value a document, Markdown with a
    /// line `<!-- document: NAME -->` before each of several documents
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        help_heading = "Input and output"
    )]
    pub stdout: Option<StdoutFormat>,
    /// Files to write: md (with the pictures that it shows), json, xlsx, images, vis; a minus takes one away, as in
    /// md,-images (Markdown without pictures) or --formats=-vis [default: all]
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "LIST",
        help_heading = "Input and output"
    )]
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
    #[arg(
        long,
        overrides_with = "skip_existing",
        help_heading = "Input and output"
    )]
    pub overwrite: bool,
    /// Leave out documents that were written before
    #[arg(long, overrides_with = "overwrite", help_heading = "Input and output")]
    pub skip_existing: bool,
    /// Flags of inputs that are fetched or read from a stream.
    #[command(flatten)]
    pub fetch: FetchArgs,

    /// v1, v1.5, v1.6 (PaddleOCR-VL), lite (embedded), auto
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = ["auto", "lite", "v1", "v1.5", "v1.6"], help_heading = "Pipeline")]
    pub pipeline_version: String,
    /// YAML file of settings, put over those of the pipeline
    #[arg(
        long,
        visible_alias = "config",
        value_name = "FILE",
        help_heading = "Pipeline"
    )]
    pub paddlex_config: Option<PathBuf>,
    /// Flags of the settings.
    #[command(flatten)]
    pub parameters: ParameterArgs,
    /// File that holds the key of --vl-rec-api-key
    #[arg(long, value_name = "FILE", help_heading = "PaddleOCR-VL pipelines")]
    pub vl_rec_api_key_file: Option<PathBuf>,
    /// Fetch the models that a run needs and that are not on this machine, as docparse models pull does
    #[arg(
        long,
        conflicts_with = "offline",
        help_heading = "PaddleOCR-VL pipelines"
    )]
    pub download: bool,
    /// Where --download fetches from: huggingface, modelscope, or an address [default: huggingface]
    #[arg(long, value_name = "SOURCE", help_heading = "PaddleOCR-VL pipelines")]
    pub model_source: Option<String>,
    /// Make no network call at all: no address as input, nothing fetched, no server but on this machine
    #[arg(long, help_heading = "PaddleOCR-VL pipelines")]
    pub offline: bool,

    /// Write the files that the reference writes, with its names, page by page
    #[arg(long, help_heading = "Input and output")]
    pub compat: bool,
    /// Recorded answers instead of networks
    #[arg(long, value_name = "CASE.json", hide = true)]
    pub replay: Option<PathBuf>,
    /// Write down what was decided and asked
    #[arg(long, value_name = "DIR", hide = true)]
    pub trace: Option<PathBuf>,

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
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        default_value_t,
        help_heading = "Running"
    )]
    pub log_format: LogFormat,

    /// Flags of the reference without effect here.
    #[command(flatten)]
    pub ignored: IgnoredArgs,
}

/// Formats of `--stdout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StdoutFormat {
    /// Markdown
    Md,
    /// JSON
    Json,
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

/// A percentage, with or without its sign, as 0 to 1.
pub fn parse_percent(text: &str) -> Result<f64, String> {
    let number = text
        .trim()
        .trim_end_matches('%')
        .trim_end()
        .parse::<f64>()
        .ok();
    let share = number
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0);
    share.ok_or_else(|| "expected a share such as 2%".into())
}
