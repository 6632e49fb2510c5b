//! Setup of a run, without a terminal: a [`RunRequest`] is resolved to settings ([`resolve`]), its models are
//! located, memory is planned, and the stages of the engine are loaded.
//!
//! This module knows no flags, environment or exit codes; messages name parameters as in the table of
//! [`crate::config::parameters`].

mod gpu_slots;
pub(crate) mod job;
pub(crate) mod memory;
pub(crate) mod networks;
mod order;
pub(crate) mod parts;
pub(crate) mod resolve;
pub(crate) mod stages;

use crate::config::parameters::Parameters;
use crate::config::{ConfigError, Pipeline, Settings};
use crate::fault::{Fault, Reason};
use crate::proof::replay::Case;
use crate::restructure::RestructureOptions;
use std::sync::Arc;

pub(crate) use resolve::{Backend, DraftMode, NativeOptions, OwnText, Precision, Resolved};

/// Request for a run.
#[derive(Clone, Default)]
pub struct RunRequest {
    /// The pipeline; `None`: the one named in the settings, or else the one that the other fields require.
    pub pipeline: Option<Pipeline>,
    /// Settings of a file, which override those of the pipeline.
    pub settings: Option<Settings>,
    /// Parameters, which override the settings.
    pub parameters: Parameters,
    /// Recorded answers instead of networks and recognizer.
    pub recorded: Option<Arc<Case>>,
    /// Results must match the reference in every detail.
    pub as_reference: bool,
}

/// Restructuring across pages: as requested; by default tables and headings, or nothing for results like the
/// reference's.
pub(crate) fn restructure_options(
    parameters: &Parameters,
    as_reference: bool,
) -> RestructureOptions {
    RestructureOptions {
        merge_tables: parameters.bool("merge_tables").unwrap_or(!as_reference),
        relevel_titles: parameters.bool("relevel_titles").unwrap_or(!as_reference),
        concatenate_pages: parameters.bool("concatenate_pages").unwrap_or(false),
    }
}

/// Reason why a request cannot be resolved.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// A setting is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A parameter needs a part that this run does not have.
    #[error("`{parameter}` {}", .why.text())]
    NotTaken {
        /// The parameter.
        parameter: &'static str,
        /// The reason why.
        why: NotTaken,
    },
    /// The pipeline `lite` was named together with something that it does not support.
    #[error("the pipeline `lite` {0}")]
    NotOfLite(&'static str),
    /// The recorded answers belong to a pipeline without a recognizer.
    #[error("recorded answers are for v1, v1.5 or v1.6, not `{0}`")]
    Recorded(String),
    /// A number must be above 0.
    #[error("`{0}` must be above 0")]
    NotPositive(&'static str),
    /// Unknown label.
    #[error("markdown_ignore_labels: `{0}` is no label")]
    UnknownLabel(String),
}

/// Reason why a parameter is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// The pipeline `lite` has neither networks nor a recognizer.
    ByLite,
    /// Contents of blocks are cut from the page's text.
    ByPageText,
    /// No server is used for recognition.
    WithoutServer,
    /// Servers are used for recognition, not this process.
    ByServer,
}

impl NotTaken {
    /// Second half of a message that starts with the parameter's name.
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
    /// Task of the network, for messages.
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

/// Reason why the parts of a run cannot be loaded.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SetupError {
    /// The memory limit is below the minimum.
    #[error(
        "the memory limit of {limit_mib} MB is too little: this run takes at least {least_mib} MB"
    )]
    Memory {
        /// The limit in MiB.
        limit_mib: u64,
        /// Needed memory in MiB.
        least_mib: u64,
    },
    /// The runtime of the networks cannot be loaded.
    #[error("{0}")]
    Runtime(Fault),
    /// A network is needed, but no folder of it is known.
    #[error("{} needs a network, and no folder of one was given", .0.what())]
    NoFolder(NetworkRole),
    /// The name is not that of a recognizer.
    #[error("`{0}` is no recognizer of docparse")]
    UnknownRecognizer(String),
    /// The folder holds no recognizer.
    #[error("`{0}` holds no config.json, and so no recognizer")]
    NoRecognizer(String),
    /// The folder holds another network than the one named.
    #[error("`{folder}` holds {holds}, not {named}")]
    OtherName {
        /// The folder.
        folder: String,
        /// Name of the network in the folder.
        holds: String,
        /// Name requested.
        named: String,
    },
    /// The folder holds a network for another task.
    #[error("{holds} is no network for {}", .role.what())]
    OtherRole {
        /// Name of the network in the folder.
        holds: String,
        /// Task requested.
        role: NetworkRole,
    },
    /// A model cannot be loaded; the text names the file and says what to do.
    #[error("{0}")]
    Model(Fault),
    /// One of several devices cannot be used.
    #[error("{0}")]
    Devices(Fault),
    /// The device does not support the requested precision.
    #[error("{0}")]
    Precision(PrecisionError),
    /// The GPU memory limit is too low for the networks.
    #[error(
        "the limit of {limit_mib} MB of GPU memory is too low: weights and runs of the networks take {taken_mib} MB, and the recognizer's KV cache 64 MB or more; raise `gpu_memory`"
    )]
    GpuMemory {
        /// The limit in MiB.
        limit_mib: usize,
        /// What everything but the cache takes, in MiB.
        taken_mib: usize,
    },
    /// No server is named.
    #[error("no server is named")]
    NoServer,
    /// No server answers.
    #[error("no recognition server answers: {0}")]
    Server(Fault),
}

impl SetupError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            SetupError::Memory { .. } | SetupError::GpuMemory { .. } => Reason::OutOfMemory,
            SetupError::Runtime(fault)
            | SetupError::Model(fault)
            | SetupError::Devices(fault)
            | SetupError::Server(fault) => fault.reason,
            SetupError::NoRecognizer(_)
            | SetupError::OtherName { .. }
            | SetupError::OtherRole { .. } => Reason::Model,
            SetupError::NoFolder(_)
            | SetupError::UnknownRecognizer(_)
            | SetupError::Precision(_)
            | SetupError::NoServer => Reason::Settings,
        }
    }
}

impl From<SetupError> for Fault {
    fn from(error: SetupError) -> Fault {
        Fault::new(error.reason(), error.to_string())
    }
}

/// Precisions that a device does not support.
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
