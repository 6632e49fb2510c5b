//! What a run is made of, without a terminal: a [`RunRequest`] is resolved to settings ([`resolve`]), its models are found,
//! memory is planned, and the stages of the engine are loaded.
//!
//! Nothing here knows flags, the environment or exit codes; messages name parameters as the table in
//! [`crate::config::parameters`] does.

pub mod job;
pub mod memory;
pub mod networks;
pub mod resolve;
pub mod stages;

use crate::config::parameters::Parameters;
use crate::config::{ConfigError, Pipeline, Settings};
use crate::replay::Case;
use crate::restructure::RestructureOptions;
use std::sync::Arc;

pub use resolve::{Backend, DraftMode, NativeOptions, OwnText, Precision, Resolved};

/// What somebody wants of a run.
#[derive(Clone, Default)]
pub struct RunRequest {
    /// The pipeline; `None`: the one that the settings name, or else the one that what is asked for needs.
    pub pipeline: Option<Pipeline>,
    /// Settings of a file, put over those of the pipeline.
    pub settings: Option<Settings>,
    /// Parameters, put over the settings.
    pub parameters: Parameters,
    /// Recorded answers in place of networks and recognizer.
    pub recorded: Option<Arc<Case>>,
    /// Whether results are to be the reference's in every detail.
    pub as_reference: bool,
}

/// What is put together over pages: what is asked for, else tables and headings, or for results like the reference's nothing.
pub fn restructure_options(parameters: &Parameters, as_reference: bool) -> RestructureOptions {
    RestructureOptions {
        merge_tables: parameters.bool("merge_tables").unwrap_or(!as_reference),
        relevel_titles: parameters.bool("relevel_titles").unwrap_or(!as_reference),
        concatenate_pages: parameters.bool("concatenate_pages").unwrap_or(false),
    }
}

/// Why a request cannot be resolved.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A parameter asks for something that this run has no part for.
    #[error("`{parameter}` {}", .why.text())]
    NotTaken {
        /// The parameter.
        parameter: &'static str,
        /// Which part that is.
        why: NotTaken,
    },
    /// The pipeline `lite` was named together with something that it has no part for.
    #[error("the pipeline `lite` {0}")]
    NotOfLite(&'static str),
    /// Recorded answers are of a pipeline that asks no recognizer.
    #[error("recorded answers are for v1, v1.5 or v1.6, not `{0}`")]
    Recorded(String),
    /// A number must be above 0.
    #[error("`{0}` must be above 0")]
    NotPositive(&'static str),
    /// A word is no label.
    #[error("markdown_ignore_labels: `{0}` is no label")]
    UnknownLabel(String),
}

/// Why a parameter is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// The pipeline `lite` has neither networks nor a recognizer.
    ByLite,
    /// Blocks are cut out of the page's text.
    ByPageText,
    /// No server reads blocks.
    WithoutServer,
    /// A server reads blocks, and not this process.
    ByServer,
}

impl NotTaken {
    /// How it goes on after the parameter's name.
    pub fn text(self) -> &'static str {
        match self {
            NotTaken::ByLite => "belongs to the PaddleOCR-VL pipelines",
            NotTaken::ByPageText => {
                "belongs to the PaddleOCR-VL recognizer, and blocks are read as text"
            }
            NotTaken::WithoutServer => "is about a server, and no server reads blocks",
            NotTaken::ByServer => {
                "is about the recognizer in this process, and a server reads blocks"
            }
        }
    }
}

/// The networks of a PaddleOCR-VL pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkRole {
    /// Layout detection.
    Layout,
    /// Page orientation.
    Orientation,
    /// Unwarping.
    Unwarping,
    /// The recognizer.
    Recognizer,
}

impl NetworkRole {
    /// What it does.
    pub fn what(self) -> &'static str {
        match self {
            NetworkRole::Layout => "layout detection",
            NetworkRole::Orientation => "page orientation",
            NetworkRole::Unwarping => "unwarping",
            NetworkRole::Recognizer => "recognition",
        }
    }

    /// The parameter that names its folder.
    pub fn folder_parameter(self) -> &'static str {
        match self {
            NetworkRole::Layout => "layout_detection_model_dir",
            NetworkRole::Orientation => "doc_orientation_classify_model_dir",
            NetworkRole::Unwarping => "doc_unwarping_model_dir",
            NetworkRole::Recognizer => "vl_rec_model_dir",
        }
    }
}

/// Why the parts of a run cannot be loaded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SetupError {
    /// The memory limit is less than the least.
    #[error(
        "the memory limit of {limit_mib} MB is too little: this run takes at least {least_mib} MB"
    )]
    Memory {
        /// The limit in MiB.
        limit_mib: u64,
        /// What is needed in MiB.
        least_mib: u64,
    },
    /// The runtime of the networks cannot be loaded.
    #[error("{0}")]
    Runtime(String),
    /// No folder of a network is known.
    #[error("{} needs a network, and no folder of one was given", .0.what())]
    NoFolder(NetworkRole),
    /// A name is that of no recognizer.
    #[error("`{0}` is no recognizer of docparse")]
    UnknownRecognizer(String),
    /// A folder holds no recognizer.
    #[error("`{0}` holds no config.json, and so no recognizer")]
    NoRecognizer(String),
    /// A folder holds another network than the one that was named.
    #[error("`{folder}` holds {holds}, not {named}")]
    OtherName {
        /// The folder.
        folder: String,
        /// What it holds.
        holds: String,
        /// What was asked for.
        named: String,
    },
    /// A folder holds a network that does something else.
    #[error("{holds} is no network for {}", .role.what())]
    OtherRole {
        /// What it holds.
        holds: String,
        /// What it should do.
        role: NetworkRole,
    },
    /// A model cannot be loaded; the text names the file and what to do.
    #[error("{0}")]
    Model(String),
    /// The device has no kernels for the precision that was asked for.
    #[error("{0}")]
    Precision(PrecisionError),
    /// The GPU memory that is allowed does not hold the weights.
    #[error(
        "{limit_mib} MB of GPU memory leave no room beside the recognizer's weights of {weights_mib} MB"
    )]
    GpuMemory {
        /// The limit in MiB.
        limit_mib: usize,
        /// The weights in MiB.
        weights_mib: usize,
    },
    /// No server is named.
    #[error("no server is named")]
    NoServer,
    /// No server answers.
    #[error("no recognition server answers: {0}")]
    Server(String),
}

/// Precisions that a device does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PrecisionError {
    /// The recognizer on the CPU.
    #[error("on the CPU the recognizer runs in fp32, int8 or int4")]
    OnCpu,
    /// The recognizer on a GPU.
    #[error("on a GPU the recognizer runs in bf16, fp16 or fp32")]
    OnGpu,
    /// The vision encoder on a GPU.
    #[error("a vision encoder in int8 is for the CPU")]
    VisionOnGpu,
}
