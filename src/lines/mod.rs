//! The text of a page: from a PDF's text layer if it can be trusted ([`trust`]), else read from the picture
//! by the PP-OCR detector, direction classifier and recognizer ([`LineReader`]). Doubts in a layer are settled
//! by reading single lines of it ([`doubt`]).
//!
//! Either way the result is a [`PreparedPage`]: upright and straight, with its [`PageText`] (segments of
//! lines with boxes), its ruling lines and its pictures. `prepare` makes the calls in order.

mod beside;
mod detect;
mod diagnostics;
mod dictionary;
mod doubt;
mod grain;
mod int8_recognizer;
mod letter_height;
mod letters;
mod line_text;
mod margins;
pub mod memory;
mod midlines;
mod options;
mod page_orientation;
mod page_text;
mod pieces;
mod prepare;
mod read;
mod reader;
mod reader_error;
mod recognizer_folder;
mod recognizers;
mod rows;
mod scan;
mod skew;
mod straighten;
mod text_layer;
mod thresholds;
mod tiles;
pub(crate) mod trust;
mod unread;
mod visual_order;

pub(crate) use beside::Beside;
pub(crate) use doubt::Readings;
pub(crate) use line_text::LineText;
pub(crate) use options::{DetectOptions, LimitType};
pub use options::{LineOptions, RecognizerPrecision};
#[cfg(test)]
pub(crate) use page_text::SegmentStyle;
pub(crate) use page_text::{
    DEFAULT_BODY, Direction, PageText, Segment, Shift, Word, is_cjk, is_hangul, main_size,
    words_text,
};
pub use prepare::PreparedPage;
pub use prepare::prepare_layer;
pub(crate) use prepare::{
    PrepareError, Preprocessor, decide_text, prepare_by_lines, prepare_picture,
};
pub use reader::LineReader;
pub(crate) use reader::{LineNetworks, ReadPage};
pub(crate) use recognizer_folder::check as check_recognizer;
pub(crate) use text_layer::page_text as text_layer;
pub use trust::TextLayerMode;
pub(crate) use trust::Verdict;
pub(crate) use unread::Tally;
