//! What is asked of the recognizer: task, prompt, limits (docs/reference.md, "Prompts and generation parameters" and
//! "Image processor").

use super::figures::Figure;
use crate::document::Label;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is asked about a crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Find all pieces of text and say where they are.
    Spotting,
}

impl Task {
    /// The words that the recognizer was trained with.
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

    /// How `vlm_extra_args` calls it; spotting has no limits of its own.
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

/// Pixels of a crop after resizing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelLimits {
    /// At least.
    pub min: u64,
    /// At most.
    pub max: u64,
}

/// Limits of all tasks but spotting, and of spotting.
const LIMITS: PixelLimits = PixelLimits {
    min: 112_896,
    max: 1_003_520,
};
const SPOTTING_LIMITS: PixelLimits = PixelLimits {
    min: 112_896,
    max: 1_605_632,
};
/// Tokens of an answer (reference, `max_new_tokens`).
pub const MAX_NEW_TOKENS: u64 = 4096;

/// What goes with every request.
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
    /// Limits of single tasks, by `<task>_min_pixels` and `<task>_max_pixels`.
    pub task_limits: BTreeMap<String, u64>,
    /// Further arguments of the recognizer.
    pub other_arguments: Map<String, Value>,
    /// `vl_rec_channel_order`: show crops with red and blue swapped, as the reference's native backend does.
    pub swap_channels: bool,
}

/// What is done to a crop before it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preparation {
    /// Nothing.
    None,
    /// The empty margin is cut off.
    TrimMargin,
    /// A small picture is enlarged to twice its size.
    Double,
}

/// What is asked about a block.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The task.
    pub task: Task,
    /// What is done to the crop.
    pub preparation: Preparation,
    /// Pixels after resizing.
    pub limits: PixelLimits,
    /// Tokens of the answer at most.
    pub max_new_tokens: u64,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Sampling mass.
    pub top_p: Option<f64>,
    /// Penalty on repeated tokens.
    pub repetition_penalty: Option<f64>,
    /// Whether marks such as those of places are left out of the answer.
    pub skip_special_tokens: bool,
    /// Further arguments.
    pub other_arguments: Map<String, Value>,
    /// Whether red and blue change places.
    pub swap_channels: bool,
    /// Pictures inside the crop that tokens are painted over.
    pub figures: Vec<Figure>,
}

impl Request {
    /// The request for a block that is cut out of the page's text.
    pub fn page_text() -> Request {
        Request::of(Label::Text, &RequestOptions::default())
    }

    /// The request for a block of a label.
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

/// Side in pixels of what becomes one token of the recognizer: patches of 14, merged two by two.
pub const FACTOR: usize = 28;
/// Longer by shorter side from which a crop cannot be shown.
const MAX_ASPECT: f64 = 200.0;

/// The size that the recognizer's image processor gives a crop (docs/reference.md, "Image processor").
///
/// Both sides are multiples of `factor` (the released recognizers': [`FACTOR`]) and the area lies within the limits as far as the shape allows; `None` for
/// pictures more than 200 times as long as wide. Extreme strips can get a side of 0 in the reference, which only `compat` keeps.
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
