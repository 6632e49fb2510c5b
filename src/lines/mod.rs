//! The text of a page: from a PDF's text layer if it can be trusted ([`trust`]), else read from the picture
//! by the PP-OCR detector, direction classifier and recognizer ([`LineReader`]).
//!
//! Either way the result is a [`PreparedPage`]: upright and straight, with its [`PageText`] (segments of
//! lines with boxes), its ruling lines and its pictures. `prepare` makes the calls in order.

mod detect;
mod line_text;
pub mod memory;
mod options;
mod page_text;
mod pieces;
mod prepare;
mod read;
mod reader;
mod scan;
mod text_layer;
mod thresholds;
mod tiles;
pub(crate) mod trust;

pub use options::LineOptions;
pub(crate) use options::{DetectOptions, LimitType};
#[cfg(test)]
pub(crate) use page_text::SegmentStyle;
pub(crate) use page_text::{
    DEFAULT_BODY, Direction, PageText, Segment, Shift, Word, is_cjk, is_hangul, words_text,
};
pub use prepare::PreparedPage;
pub use prepare::prepare_layer;
pub(crate) use prepare::{PrepareError, Preprocessor, decide_text, prepare_lines, prepare_picture};
pub use reader::LineReader;
pub(crate) use text_layer::page_text as text_layer;
pub use trust::TextLayerMode;
