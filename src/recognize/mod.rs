//! Recognition: a block's request in, its content out.
//!
//! [`Recognizer`] is the seam. A backend owns its batching: it takes requests when it has room and answers each
//! exactly once, in any order. [`page_text`] is the backend of the embedded default; [`paddleocr_vl`] looks at pictures,
//! with [`scheduler`], [`draft`], [`sampling`] and [`repetition`] around its steps; [`server`] lets a server look at them;
//! [`text_first`] takes the page's own text where it can, before either.

pub mod draft;
pub mod paddleocr_vl;
pub mod page_text;
pub mod repetition;
pub mod sampling;
pub mod scheduler;
pub mod server;
pub mod text_first;

use crate::document::{Generation, Markup, ReadLine, TextDecision};
use crate::layout::Region;
use crate::lines::PreparedPage;
use crate::plan::Request;
use crate::raster::Pixels;
use crossbeam_channel::{Receiver, Sender};
use std::sync::Arc;
use std::time::Duration;

/// Names a block of a page that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// The page, numbered over the whole run.
    pub page: u64,
    /// The block's position on the page.
    pub block: usize,
}

/// What is asked of a recognizer.
#[derive(Debug, Clone)]
pub struct BlockRequest {
    /// Which block.
    pub ticket: Ticket,
    /// The document, by the number of its job.
    pub document: usize,
    /// The page it stands on.
    pub page: Arc<PreparedPage>,
    /// The region.
    pub region: Arc<Region>,
    /// What is asked.
    pub request: Arc<Request>,
    /// What is shown; backends that read the page's text need no picture.
    pub crop: Option<Arc<Pixels>>,
    /// Time that is left to the page, for backends that read its text; `None`: as much as they need. Others have a time
    /// of their own for every block.
    pub time_left: Option<Duration>,
}

/// What a recognizer says of a block.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recognition {
    /// The content.
    pub content: String,
    /// What in the content is markup; for a model's own words the engine says it.
    pub markup: Markup,
    /// Whether `content` is a model's own words, which have still to be cleaned.
    pub is_raw: bool,
    /// Mean confidence, where the backend has one.
    pub confidence: Option<f32>,
    /// Lines with boxes and confidence, where the backend has them.
    pub lines: Vec<ReadLine>,
    /// How the content was come by, where a model wrote it.
    pub generation: Option<Generation>,
    /// Where the text came from, where a recognizer might have read it instead.
    pub text: Option<TextDecision>,
    /// What is to be told about it: a code and words.
    pub warning: Option<(&'static str, String)>,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockAnswer {
    /// Which block.
    pub ticket: Ticket,
    /// Its content, or why there is none.
    pub result: Result<Recognition, String>,
}

/// A fault after which the backend cannot go on.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct RecognizeError(pub String);

/// Reads blocks.
pub trait Recognizer: Send {
    /// Answers requests until their channel closes.
    ///
    /// An error is final: requests without an answer then count as failed with its message.
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError>;
}
