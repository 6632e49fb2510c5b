//! Parameters of line reading.

use super::memory;
use serde::{Deserialize, Serialize};

/// Parameters of the detector, under their usual names.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DetectOptions {
    /// Side length in pixels; `limit_type` says which side.
    pub limit_side_len: u32,
    /// Side that the limit applies to.
    pub limit_type: LimitType,
    /// Probability above which a pixel belongs to a line.
    pub thresh: f32,
    /// Mean probability below which a box is dropped.
    pub box_thresh: f32,
    /// Factor by which boxes grow.
    pub unclip_ratio: f32,
}

/// Side of the picture that is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LimitType {
    /// The shorter side has at least this length.
    Min,
    /// The longer side has at most this length.
    Max,
    /// As small as the page's letters allow; `Min` where they cannot be measured, and never larger than it.
    Letters,
}

impl Default for DetectOptions {
    /// rapidocr 3.10.0, `config.yaml`, section `Det`, but for the size, which follows the letters.
    fn default() -> Self {
        Self {
            limit_side_len: 736,
            limit_type: LimitType::Letters,
            thresh: 0.3,
            box_thresh: 0.5,
            unclip_ratio: 1.6,
        }
    }
}

/// Precision of the line recognizer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecognizerPrecision {
    /// Eight bits where they are faster, else single precision.
    Auto,
    /// Single precision.
    #[default]
    F32,
    /// Weights and activations of eight bits, unless the model file is unknown or runs on a GPU.
    Int8,
}

/// Parameters of line reading, under their usual names.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LineOptions {
    /// Parameters of the detector.
    pub detect: DetectOptions,
    /// Batch size of the recognizer.
    pub rec_batch_num: usize,
    /// Precision of the recognizer.
    pub precision: RecognizerPrecision,
    /// Confidence below which lines are dropped.
    pub drop_score: f32,
    /// `true` to detect upside-down lines.
    pub use_textline_orientation: bool,
    /// `true` to look which way up the page is before its lines are detected, if the network for this is there.
    pub use_page_orientation: bool,
    /// Memory budget of the line networks in bytes, for sessions and runs; at least [`memory::LEAST_BUDGET`].
    /// With less than [`memory::DEFAULT_BUDGET`] pages are read in more tiles, and lines in smaller batches.
    pub memory: u64,
}

impl Default for LineOptions {
    /// rapidocr 3.10.0, `config.yaml`.
    fn default() -> Self {
        Self {
            detect: DetectOptions::default(),
            rec_batch_num: 6,
            precision: RecognizerPrecision::F32,
            drop_score: 0.5,
            use_textline_orientation: true,
            use_page_orientation: false,
            memory: memory::DEFAULT_BUDGET,
        }
    }
}
