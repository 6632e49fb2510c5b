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
pub mod trust;

pub use options::{DetectOptions, LimitType, LineOptions};
pub use page_text::{
    DEFAULT_BODY, Direction, PageText, Segment, SegmentStyle, Shift, Word, is_cjk,
    is_right_to_left, words_text,
};
pub use prepare::{
    PrepareError, PreparedPage, Preprocessor, decide_text, prepare_layer, prepare_lines,
    prepare_picture,
};
pub use reader::{LineReader, ReadPage, ReaderError};
pub use text_layer::page_text as text_layer;
pub use trust::TextLayerMode;
