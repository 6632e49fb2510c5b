//! Flags of `docparse serve`.

use super::outbound_args::OutboundArgs;
use super::parameter_args::ServerParameterArgs;
use super::values::{LogFormat, parse_public_url, pipeline_versions};
use crate::config::parameters::Heading;
use crate::config::schema::parse_size;
use clap::{Args, ValueHint, value_parser};
use std::path::PathBuf;

const SERVER: &str = "Server";
const LIMITS: &str = "Limits";

/// Flags of `serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address to listen at; 0.0.0.0 for all
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", help_heading = SERVER)]
    pub host: String,
    /// Port to listen at; 0 for any that is free
    #[arg(long, value_name = "N", default_value_t = 8080, help_heading = SERVER)]
    pub port: u16,
    /// Folder of jobs, which several servers may share [default: docparse/spool in the user's state directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = SERVER)]
    pub spool: Option<PathBuf>,
    /// File of API keys, one a line; read again at SIGHUP. Without it everybody who reaches the port may use it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SERVER)]
    pub api_keys_file: Option<PathBuf>,
    /// Give addresses of pictures in answers of /layout-parsing in place of base64; so does Serving.return_urls of the
    /// settings file
    #[arg(long, help_heading = SERVER)]
    pub return_urls: bool,
    /// What these addresses begin with, as https://example.org/docs [default: the host that the request was sent to]
    #[arg(long, value_name = "URL", value_parser = parse_public_url, help_heading = SERVER)]
    pub public_url: Option<String>,
    /// Seconds until these addresses end [default: Serving.extra.url_expires_in of the settings file, else when the result goes]
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u64).range(1..=3_162_240_000), help_heading = SERVER)]
    pub url_expires_in: Option<u64>,
    /// PEM file of the certificate for HTTPS, with those between it and one that clients trust; read again at SIGHUP
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_key", help_heading = SERVER)]
    pub tls_cert: Option<PathBuf>,
    /// PEM file of the certificate's private key, without a passphrase; read again at SIGHUP
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_cert", help_heading = SERVER)]
    pub tls_key: Option<PathBuf>,
    /// Remove a result once it was fetched as a whole
    #[arg(long, help_heading = SERVER)]
    pub single_use_results: bool,
    /// Ask the server at this host and port whether it lives, and exit with 0 or 1; for container health checks
    #[arg(long, help_heading = SERVER)]
    pub check_health: bool,

    /// Flags about other machines.
    #[command(flatten)]
    pub outbound: OutboundArgs,

    /// Bytes of all files of a request together
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = parse_size, help_heading = LIMITS)]
    pub max_upload_size: usize,
    /// Files of a request
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = LIMITS)]
    pub max_files: u64,
    /// Pages of a document; larger ones are refused, never cut
    #[arg(long, value_name = "N", default_value_t = 5000, help_heading = LIMITS)]
    pub max_document_pages: u64,
    /// Seconds that a job may be worked on
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = value_parser!(u64).range(1..), help_heading = LIMITS)]
    pub job_timeout: u64,
    /// Seconds that a request waits for its result before it is told where to find it
    #[arg(long, value_name = "SECONDS", default_value_t = 600, help_heading = LIMITS)]
    pub sync_timeout: u64,
    /// Jobs that are worked on at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = value_parser!(u64).range(1..=64), help_heading = LIMITS)]
    pub concurrency: u64,
    /// Jobs that have not ended; more get 429
    #[arg(long, value_name = "N", default_value_t = 1000, help_heading = LIMITS)]
    pub max_queued_jobs: u64,
    /// Pages of jobs that have not ended; more get 429
    #[arg(long, value_name = "N", default_value_t = 20_000, help_heading = LIMITS)]
    pub max_queued_pages: u64,
    /// Bytes of jobs that have not ended; more get 429
    #[arg(long, value_name = "SIZE", default_value = "4G", value_parser = parse_size, help_heading = LIMITS)]
    pub max_queued_size: usize,
    /// Open connections; further ones wait
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = value_parser!(u64).range(1..=65536), help_heading = LIMITS)]
    pub max_connections: u64,
    /// Seconds that a client may pause while it sends a request
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u64).range(1..), help_heading = LIMITS)]
    pub read_timeout: u64,
    /// Seconds that results stay
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, help_heading = LIMITS)]
    pub result_ttl: u64,
    /// Bytes of all results together; the oldest go first
    #[arg(long, value_name = "SIZE", default_value = "20G", value_parser = parse_size, help_heading = LIMITS)]
    pub max_results_size: usize,
    /// Seconds for the work under way to end after SIGTERM; what has not ended goes back to the queue
    #[arg(long, value_name = "SECONDS", default_value_t = 25, help_heading = LIMITS)]
    pub drain_timeout: u64,

    /// Pipeline: v1, v1.5, v1.6 (PaddleOCR-VL), lite (embedded), auto
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = pipeline_versions(), help_heading = Heading::Pipeline.text())]
    pub pipeline_version: String,
    /// YAML settings file; its values override those of the pipeline
    #[arg(long, visible_alias = "config", value_name = "FILE", help_heading = Heading::Pipeline.text())]
    pub paddlex_config: Option<PathBuf>,
    /// Flags from the table of parameters.
    #[command(flatten)]
    pub parameters: ServerParameterArgs,
    /// File that contains the API key of the recognition server, instead of --vl-rec-api-key
    #[arg(long, value_name = "FILE", help_heading = Heading::PaddleOcrVl.text())]
    pub vl_rec_api_key_file: Option<PathBuf>,
    /// Fetch missing models, as docparse models pull does
    #[arg(long, conflicts_with = "offline", help_heading = Heading::PaddleOcrVl.text())]
    pub download: bool,
    /// Source of --download: huggingface, modelscope, or a URL [default: huggingface]
    #[arg(long, value_name = "SOURCE", help_heading = Heading::PaddleOcrVl.text())]
    pub model_source: Option<String>,
    /// Forbid all network access besides that of clients: no downloads, no servers except on this machine
    #[arg(long, help_heading = Heading::PaddleOcrVl.text())]
    pub offline: bool,
    /// Use recorded answers instead of networks
    #[arg(long, value_name = "CASE.json", hide = true)]
    pub replay: Option<PathBuf>,

    /// Print only warnings and errors
    #[arg(short, long, conflicts_with = "verbose", help_heading = Heading::Running.text())]
    pub quiet: bool,
    /// Print what is useful to find a fault
    #[arg(long, help_heading = Heading::Running.text())]
    pub verbose: bool,
    /// Format of messages on stderr: text, or json (one object per line)
    #[arg(long, value_enum, value_name = "FORM", default_value_t, help_heading = Heading::Running.text())]
    pub log_format: LogFormat,
}
