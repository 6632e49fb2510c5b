//! Requests to the recognizer: task, prompt, limits (docs/reference.md, "Prompts and generation parameters"
//! and "Image processor").

use super::figures::TableFigure;
use crate::document::Label;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Task that the recognizer performs on a crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Task {
    /// Read text.
    Ocr,
    /// Read a table.
    Table,
    /// Read a formula.
    Formula,
    /// Read a chart as a table.
    Chart,
    /// Read a seal.
    Seal,
    /// Find all pieces of text with their positions.
    Spotting,
}

impl Task {
    /// The prompt that the recognizer was trained with.
    pub fn prompt(self) -> &'static str {
        match self {
            Task::Ocr => "OCR:",
            Task::Table => "Table Recognition:",
            Task::Formula => "Formula Recognition:",
            Task::Chart => "Chart Recognition:",
            Task::Seal => "Seal Recognition:",
            Task::Spotting => "Spotting:",
        }
    }

    /// The task for blocks of a label.
    pub fn of(label: Label) -> Task {
        match label {
            Label::Table => Task::Table,
            Label::Chart => Task::Chart,
            Label::Seal => Task::Seal,
            Label::Spotting => Task::Spotting,
            Label::DisplayFormula | Label::InlineFormula | Label::Formula => Task::Formula,
            _ => Task::Ocr,
        }
    }

    /// The task's key in `vlm_extra_args`; spotting has no limits of its own.
    fn key(self) -> Option<&'static str> {
        match self {
            Task::Ocr => Some("ocr"),
            Task::Table => Some("table"),
            Task::Formula => Some("formula"),
            Task::Chart => Some("chart"),
            Task::Seal => Some("seal"),
            Task::Spotting => None,
        }
    }
}

/// Limits of a crop's number of pixels after resizing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelLimits {
    /// Minimum.
    pub min: u64,
    /// Maximum.
    pub max: u64,
}

/// Limits of all tasks but spotting, then of spotting.
const LIMITS: PixelLimits = PixelLimits {
    min: 112_896,
    max: 1_003_520,
};
const SPOTTING_LIMITS: PixelLimits = PixelLimits {
    min: 112_896,
    max: 1_605_632,
};
/// Most tokens of an answer (reference, `max_new_tokens`).
pub(crate) const MAX_NEW_TOKENS: u64 = 4096;

/// Options of every request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RequestOptions {
    /// `min_pixels`, instead of the default.
    pub min_pixels: Option<u64>,
    /// `max_pixels`, instead of the default.
    pub max_pixels: Option<u64>,
    /// `max_new_tokens`, instead of the default.
    pub max_new_tokens: Option<u64>,
    /// `temperature`.
    pub temperature: Option<f64>,
    /// `top_p`.
    pub top_p: Option<f64>,
    /// `repetition_penalty`.
    pub repetition_penalty: Option<f64>,
    /// Limits per task, by `<task>_min_pixels` and `<task>_max_pixels`.
    pub task_limits: BTreeMap<String, u64>,
    /// Further arguments for the recognizer.
    pub other_arguments: Map<String, Value>,
    /// `vl_rec_channel_order`: sends crops with red and blue swapped, as the reference's native backend does.
    pub swap_channels: bool,
}

/// Preparation of a crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preparation {
    /// Nothing.
    None,
    /// The empty margin is cut off.
    TrimMargin,
    /// A small picture is doubled in size.
    Double,
}

/// Request about a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The task.
    pub task: Task,
    /// Preparation of the crop.
    pub preparation: Preparation,
    /// Limits of its pixels after resizing.
    pub limits: PixelLimits,
    /// Most tokens of the answer.
    pub max_new_tokens: u64,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling: probability mass.
    pub top_p: Option<f64>,
    /// Penalty on repeated tokens.
    pub repetition_penalty: Option<f64>,
    /// `true` if special tokens, such as those of locations, are left out of the answer.
    pub skip_special_tokens: bool,
    /// Further arguments for the recognizer.
    pub other_arguments: Map<String, Value>,
    /// `true` if red and blue are swapped.
    pub swap_channels: bool,
    /// Pictures inside the crop to paint tokens over.
    pub figures: Vec<TableFigure>,
}

impl Request {
    /// The request for a block whose text comes from the page's text.
    pub fn page_text() -> Request {
        Request::of(Label::Text, &RequestOptions::default())
    }

    /// The request for a block by its label.
    pub fn of(label: Label, options: &RequestOptions) -> Request {
        let task = Task::of(label);
        let limit = |name: &str, given: Option<u64>, default: u64| {
            let own = task
                .key()
                .and_then(|key| options.task_limits.get(&format!("{key}_{name}")));
            own.copied().or(given).unwrap_or(default)
        };
        let limits = match task {
            Task::Spotting => SPOTTING_LIMITS,
            _ => PixelLimits {
                min: limit("min_pixels", options.min_pixels, LIMITS.min),
                max: limit("max_pixels", options.max_pixels, LIMITS.max),
            },
        };
        Request {
            task,
            preparation: match task {
                Task::Formula => Preparation::TrimMargin,
                Task::Spotting => Preparation::Double,
                _ => Preparation::None,
            },
            limits,
            max_new_tokens: options.max_new_tokens.unwrap_or(MAX_NEW_TOKENS),
            temperature: options.temperature,
            top_p: options.top_p,
            repetition_penalty: options.repetition_penalty,
            skip_special_tokens: task != Task::Spotting,
            other_arguments: options.other_arguments.clone(),
            swap_channels: options.swap_channels,
            figures: Vec::new(),
        }
    }
}

/// Side in pixels of the area of one vision token: patches of 14, merged two by two.
pub const FACTOR: usize = 28;
/// Ratio of the longer to the shorter side above which a crop cannot be sent.
const MAX_ASPECT: f64 = 200.0;

/// The size to which the recognizer's image processor resizes a crop (docs/reference.md, "Image processor").
///
/// Both sides are multiples of `factor` (released recognizers: [`FACTOR`]), and the area is within the limits
/// as far as the shape allows; `None` for pictures more than 200 times as long as wide. Extreme strips can
/// get a side of 0 in the reference, which only `compat` keeps.
pub fn smart_resize(
    width: usize,
    height: usize,
    factor: usize,
    limits: PixelLimits,
    compat: bool,
) -> Option<(usize, usize)> {
    let factor = factor as f64;
    let (mut w, mut h) = (width as f64, height as f64);
    if h < factor {
        w = (w * factor / h).round_ties_even();
        h = factor;
    }
    if w < factor {
        h = (h * factor / w).round_ties_even();
        w = factor;
    }
    if w.max(h) / w.min(h) > MAX_ASPECT {
        return None;
    }
    let (min, max) = (limits.min as f64, limits.max as f64);
    let (mut rows, mut columns) = (
        (h / factor).round_ties_even() * factor,
        (w / factor).round_ties_even() * factor,
    );
    if rows * columns > max {
        let beta = (h * w / max).sqrt();
        rows = (h / beta / factor).floor() * factor;
        columns = (w / beta / factor).floor() * factor;
    } else if rows * columns < min {
        let beta = (min / (h * w)).sqrt();
        rows = (h * beta / factor).ceil() * factor;
        columns = (w * beta / factor).ceil() * factor;
    }
    let least = if compat { 0.0 } else { factor };
    Some((columns.max(least) as usize, rows.max(least) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_multiples_within_limits() {
        assert_eq!(
            smart_resize(480, 120, FACTOR, LIMITS, true),
            Some((672, 168))
        );
        assert_eq!(smart_resize(1, 1, FACTOR, LIMITS, false), Some((336, 336)));
        assert_eq!(smart_resize(6000, 20, FACTOR, LIMITS, true), None);
        let narrow = PixelLimits {
            min: 1,
            max: 100_000,
        };
        assert_eq!(
            smart_resize(28, 5550, FACTOR, narrow, true),
            Some((0, 4452))
        );
        assert_eq!(
            smart_resize(28, 5550, FACTOR, narrow, false),
            Some((28, 4452))
        );
    }

    #[test]
    fn limits_of_a_task_win_over_general_ones() {
        let options = RequestOptions {
            min_pixels: Some(5),
            task_limits: [("table_min_pixels".to_string(), 7)].into(),
            ..RequestOptions::default()
        };
        let min = |label| Request::of(label, &options).limits.min;
        assert_eq!(
            (min(Label::Table), min(Label::Text), min(Label::Spotting)),
            (7, 5, 112_896)
        );
    }
}
