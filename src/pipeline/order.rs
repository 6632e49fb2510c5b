//! What is to be loaded, for this process or for that of a device.

use super::NativeOptions;
use crate::config::vl::{ModelChoices, VlConfig};
use crate::lines::LineOptions;
use crate::onnx::SessionOptions;
use crate::preprocess::PreprocessOptions;
use crate::runtime::RuntimeDirs;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The networks that a run needs, and what they are loaded with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NetworkChoices {
    /// Names and folders.
    pub models: ModelChoices,
    /// Layout detection is needed.
    pub use_layout_detection: bool,
    /// Steps of document preprocessing.
    pub preprocess: PreprocessOptions,
    /// Pages per batch of the layout network, on a GPU.
    pub layout_batch_size: usize,
    /// Most tokens of an answer, if given.
    pub max_new_tokens: Option<u64>,
}

impl NetworkChoices {
    /// Those of a pipeline.
    pub(crate) fn of(config: &VlConfig) -> NetworkChoices {
        NetworkChoices {
            models: config.models.clone(),
            use_layout_detection: config.plan.use_layout_detection,
            preprocess: config.preprocess,
            layout_batch_size: config.layout_batch_size,
            max_new_tokens: config.plan.request.max_new_tokens,
        }
    }
}

/// What the process of a device loads. It is told by the main process, which has checked all settings.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LoadOrder {
    /// Folders of libraries and line networks.
    pub dirs: RuntimeDirs,
    /// Session options of the networks, with the device.
    pub session: SessionOptions,
    /// Folder for quantized weights; `None` to not store them.
    pub quantized: Option<PathBuf>,
    /// Options of line reading.
    pub lines: LineOptions,
    /// The networks of a PaddleOCR-VL pipeline.
    pub networks: Option<NetworkChoices>,
    /// The recognizer, if it runs in this process.
    pub recognizer: Option<NativeOptions>,
}
