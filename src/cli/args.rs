//! All command-line types. Flags have the reference's names; help shows hyphens, underscores work as well.

use super::models_args::ModelsCommand;
use super::parameter_args::ParameterArgs;
use super::serve_args::ServeArgs;
use super::values::{LogFormat, pipeline_versions};
use crate::config::machine;
use crate::config::parameters::Heading;
use crate::input::fetch::DEFAULT_TIMEOUT;
use crate::input::spool::MAX_INPUT_SIZE;
use crate::proof::exchanges::Dialect;
use crate::writer::Formats;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing::Level;

/// Maximum number of threads of each kind.
const MOST_THREADS: usize = 256;

/// Parses PDFs, scans and photos into Markdown, HTML, JSON, pictures, workbooks and layout drawings.
#[derive(Debug, Parser)]
#[command(
    name = "docparse",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Every flag may be written with underscores, shortened to an unambiguous prefix, and set in the \
                  environment as DOCPARSE_<FLAG>.\nExit codes: 0 done, 1 nothing could be done, 2 wrong usage, \
                  3 done but an input, page or block failed, 130 interrupted."
)]
pub(crate) struct Cli {
    /// Subcommand to run instead of parsing.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Inputs to parse, and how.
    #[command(flatten)]
    pub parse: ParseArgs,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Parse documents, as without a subcommand; for command lines of `paddleocr doc_parser`
    #[command(name = "doc_parser", alias = "doc-parser")]
    DocParser(Box<ParseArgs>),
    /// Serve documents over HTTP: jobs on disk, a page for people, and the routes of the reference's service
    Serve(Box<ServeArgs>),
    /// Check that libraries and models are installed and work
    Doctor(DoctorArgs),
    /// Measure pages a second, and the time of each stage, on pages that the program makes
    Bench(BenchArgs),
    /// Say recorded exchanges to a running server, and tell which of its answers differ
    Conform(ConformArgs),
    /// List, fetch, check, find and remove the models of the PaddleOCR-VL pipelines
    Models {
        /// Action on the models
        #[command(subcommand)]
        command: ModelsCommand,
    },
    /// Print a completion script for a shell
    Completions {
        /// Shell to print the script for
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
    /// Read files as a worker process; started by docparse itself
    #[command(hide = true)]
    Worker {
        /// Path of the pdfium library
        #[arg(long)]
        pdfium: Option<PathBuf>,
        /// Memory limit in bytes, in addition to the program's own size
        #[arg(long)]
        memory: u64,
        /// Limit on CPU time in seconds
        #[arg(long)]
        cpu_seconds: u64,
    },
    /// Run networks on a device as a process of its own; started by docparse itself
    #[command(hide = true)]
    DeviceProcess {
        /// Least level of log lines
        level: Level,
        /// Format of log lines
        format: LogFormat,
    },
}

/// Flags of `bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Number of pages; every second one is a picture, like a scan
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub pages: u32,
    /// Device that networks run on: auto, cpu, gpu, gpu:N
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Folder of the native libraries and line recognition models
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
    /// Flags of parsing, after --, such as: -- --pipeline-version v1.6 --vl-rec-slots 32
    #[arg(last = true, value_name = "FLAG")]
    pub flags: Vec<OsString>,
}

/// Flags of `conform`.
#[derive(Debug, Args)]
pub(crate) struct ConformArgs {
    /// Address of the server, such as http://127.0.0.1:8080
    pub url: String,
    /// Exchanges of these services only: reference, ppocr, docling [default: all]
    #[arg(long, value_name = "NAME", value_parser = dialect)]
    pub dialect: Vec<Dialect>,
    /// Key for servers that need one, sent as Authorization and as X-API-Key
    #[arg(long, value_name = "KEY", env = "DOCPARSE_API_KEY", hide_env = true)]
    pub api_key: Option<String>,
    /// Time limit for each exchange in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: u64,
    /// Print the table as JSON
    #[arg(long)]
    pub json: bool,
}

/// A service by its name.
fn dialect(name: &str) -> Result<Dialect, String> {
    let found = Dialect::ALL.into_iter().find(|known| known.name() == name);
    found.ok_or_else(|| {
        format!(
            "the services are {}",
            Dialect::ALL.map(Dialect::name).join(", ")
        )
    })
}

/// Flags of `golden`.
#[derive(Debug, Args)]
pub(crate) struct GoldenArgs {
    /// Folder of recorded outputs
    pub dir: PathBuf,
    /// Folder of the native libraries and line recognition models
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
}

/// Flags of `parity`.
#[derive(Debug, Args)]
pub(crate) struct ParityArgs {
    /// Folder of checkpoints with expected numbers
    pub dir: PathBuf,
    /// Device that networks run on: auto, cpu, gpu, gpu:N
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Number of CPU threads for the networks
    #[arg(long, value_name = "N")]
    pub cpu_threads: Option<usize>,
    /// Folder of the native libraries and line recognition models
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
}

/// Flags of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Load the model in this folder, describe it, and run it once
    #[arg(long, value_name = "DIR")]
    pub model: Option<PathBuf>,
    /// Look at driver, libraries and cards, and compare networks on the GPU with the CPU; with --device cpu, only try
    /// the comparison itself
    #[arg(long, conflicts_with = "model")]
    pub gpu: bool,
    /// Print what --gpu finds as JSON
    #[arg(long, requires = "gpu")]
    pub json: bool,
    /// Device that networks run on: auto, cpu, gpu, gpu:N; line recognition is tried on each of a list
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Number of CPU threads for ONNX Runtime [default: all cores]
    #[arg(long, value_name = "N")]
    pub cpu_threads: Option<usize>,
    /// Folder of a further line recognizer, to be checked as well; may be given several times
    #[arg(long, value_name = "DIR", conflicts_with_all = ["model", "gpu"])]
    pub rec_model_dir: Vec<PathBuf>,
    /// Folder of the native libraries and line recognition models
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
}

/// Flags of parsing: those from the table of parameters, and those that concern the command line itself.
#[derive(Debug, Args, Default)]
pub(crate) struct ParseArgs {
    /// The same as --input; a file with the name of a subcommand needs a path, such as ./doctor
    #[arg(value_name = "INPUT", value_hint = ValueHint::AnyPath, help_heading = Heading::InputAndOutput.text())]
    pub files: Vec<OsString>,
    /// Files, directories, glob patterns, named pipes, http(s) URLs, or - for standard input
    #[arg(short, long, num_args = 1.., value_name = "INPUT", value_hint = ValueHint::AnyPath, help_heading = Heading::InputAndOutput.text())]
    pub input: Vec<OsString>,
    /// File that lists further inputs, one per line; - reads the list from standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = Heading::InputAndOutput.text())]
    pub files_from: Vec<OsString>,
    /// Names in --files-from are separated by NUL, as written by find -print0
    #[arg(
        short = '0',
        long,
        requires = "files_from",
        help_heading = Heading::InputAndOutput.text()
    )]
    pub null: bool,
    /// Directory for the output files
    #[arg(
        short = 'o',
        long,
        value_name = "DIR",
        help_heading = Heading::InputAndOutput.text()
    )]
    pub save_path: Option<PathBuf>,
    /// Print results instead of writing files, in the order of the inputs: JSON as one value per document, Markdown
    /// and HTML with a line `<!-- document: NAME -->` before each of several documents
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        help_heading = Heading::InputAndOutput.text()
    )]
    pub stdout: Option<StdoutFormat>,
    #[arg(
        long,
        help = formats_help(),
        value_delimiter = ',',
        value_name = "LIST",
        help_heading = Heading::InputAndOutput.text()
    )]
    pub formats: Vec<String>,
    /// Write tables in another form, too: csv, one file a table beside the workbook (as `csv` in --formats)
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        help_heading = Heading::InputAndOutput.text()
    )]
    pub tables: Option<TableForm>,

    /// Pipeline: v1, v1.5, v1.6 (PaddleOCR-VL), lite (embedded), auto
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = pipeline_versions(), help_heading = Heading::Pipeline.text())]
    pub pipeline_version: String,
    /// YAML settings file; its values override those of the pipeline
    #[arg(
        long,
        visible_alias = "config",
        value_name = "FILE",
        help_heading = Heading::Pipeline.text()
    )]
    pub paddlex_config: Option<PathBuf>,
    /// Flags from the table of parameters.
    #[command(flatten)]
    pub parameters: ParameterArgs,
    /// File that contains the API key, instead of --vl-rec-api-key
    #[arg(long, value_name = "FILE", help_heading = Heading::PaddleOcrVl.text())]
    pub vl_rec_api_key_file: Option<PathBuf>,
    /// Fetch missing models that the run needs, as docparse models pull does
    #[arg(
        long,
        conflicts_with = "offline",
        help_heading = Heading::PaddleOcrVl.text()
    )]
    pub download: bool,
    /// Source of --download: huggingface, modelscope, or a URL [default: huggingface]
    #[arg(long, value_name = "SOURCE", help_heading = Heading::PaddleOcrVl.text())]
    pub model_source: Option<String>,
    /// Forbid all network access: no URLs as inputs, no downloads, no servers except on this machine
    #[arg(long, help_heading = Heading::PaddleOcrVl.text())]
    pub offline: bool,

    /// Use recorded answers instead of networks
    #[arg(long, value_name = "CASE.json", hide = true)]
    pub replay: Option<PathBuf>,
    /// Draw how the tables of each document were found, as DOCUMENT_tables.pdf (docs/tables.md)
    #[arg(long, hide = true)]
    pub draw_tables: bool,
    /// Record decisions and requests in this folder
    #[arg(long, value_name = "DIR", hide = true)]
    pub trace: Option<PathBuf>,

    /// List what a run would do, and write nothing
    #[arg(long, help_heading = Heading::Running.text())]
    pub dry_run: bool,
    /// Write a JSON report of the run to this file, also if the run is interrupted
    #[arg(long, value_name = "FILE", help_heading = Heading::Running.text())]
    pub report: Option<PathBuf>,
    /// Print only errors, and no closing line
    #[arg(short, long, conflicts_with = "verbose", help_heading = Heading::Running.text())]
    pub quiet: bool,
    /// Print progress page by page
    #[arg(long, help_heading = Heading::Running.text())]
    pub verbose: bool,
    /// Format of messages on stderr: text, or json (one object per line with level, code, message, file and page)
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        default_value_t,
        help_heading = Heading::Running.text()
    )]
    pub log_format: LogFormat,
}

impl ParseArgs {
    /// `true` if the reference's files are written.
    pub(crate) fn compat(&self) -> bool {
        self.parameters.0.is_on("compat")
    }

    /// `true` if the run stops at the first failure.
    pub(crate) fn fail_fast(&self) -> bool {
        self.parameters.0.is_on("fail_fast")
    }

    /// The requested pages, as given.
    pub(crate) fn pages(&self) -> Option<&str> {
        self.parameters.0.text("pages")
    }

    /// Maximum number of pages per document.
    pub(crate) fn max_pages(&self) -> Option<u64> {
        self.parameters.0.count("max_pages")
    }

    /// The device of the networks, as given.
    pub(crate) fn device(&self) -> Option<&str> {
        self.parameters.0.text("device")
    }

    /// The folder of libraries and models.
    pub(crate) fn runtime_dir(&self) -> Option<&Path> {
        self.parameters.0.folder("runtime_dir")
    }

    /// Size limit in bytes of an input that is not a file.
    pub(crate) fn max_input_size(&self) -> u64 {
        let given = self.parameters.0.count("max_input_size");
        given.unwrap_or(MAX_INPUT_SIZE)
    }

    /// Time limit for downloading an input.
    pub(crate) fn fetch_timeout(&self) -> Duration {
        let given = self.parameters.0.count("fetch_timeout");
        given.map_or(DEFAULT_TIMEOUT, Duration::from_secs)
    }

    /// A number of threads; by default the number of processors.
    pub(crate) fn thread_count(&self, name: &str) -> usize {
        let given = self.parameters.0.count(name);
        let given = given.map_or_else(machine::cores, |n| usize::try_from(n).unwrap_or(usize::MAX));
        given.clamp(1, MOST_THREADS)
    }
}

/// Formats of `--stdout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StdoutFormat {
    /// Markdown
    Md,
    /// HTML
    Html,
    /// JSON
    Json,
}

/// Another form of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableForm {
    /// A file of comma-separated values for each table.
    Csv,
}

/// Help of `--formats`, with the names of all formats.
fn formats_help() -> String {
    let default = Formats::by_default().chosen_names().join(",");
    format!(
        "Formats to write: {}; those that show pictures bring them, and a minus removes a format, as in \
         md,-images (Markdown without pictures) or --formats=-vis [default: {default}]",
        Formats::names().join(", ")
    )
}
