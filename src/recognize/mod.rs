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

use crate::deadline::{CancelToken, Stopped};
use crate::document::{Code, Generation, Markup, ReadLine, TextDecision};
use crate::layout::Region;
use crate::lines::PreparedPage;
use crate::plan::Request;
use crate::raster::Pixels;
use crossbeam_channel::{Receiver, Sender};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
pub use text_first::OwnTextRecord;

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
    /// The document, which all its blocks share.
    pub document: Arc<DocumentState>,
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
    /// Nanoseconds that such backends have spent on blocks of the page; all its blocks share it.
    pub time_spent: Arc<AtomicU64>,
}

impl BlockRequest {
    /// Whether nobody waits for the answer any more.
    pub fn is_cancelled(&self) -> bool {
        self.document.cancel.is_cancelled()
    }

    /// A seed for whatever is chosen by chance about the block: of the document, the page and the block, and of nothing that
    /// stands before it or beside it.
    pub fn seed(&self) -> u64 {
        let place = ((self.page.page_index as u64) << 32) ^ self.ticket.block as u64;
        self.document.fingerprint ^ place
    }
}

/// Why a block of a cancelled document has no answer.
pub(crate) fn cancelled() -> String {
    Stopped::Cancelled.to_string()
}

/// What the blocks of a document have in common.
#[derive(Debug, Default)]
pub struct DocumentState {
    /// Of the content of its file: the same for equal files.
    pub fingerprint: u64,
    /// Ends the reading of its blocks.
    pub cancel: CancelToken,
    /// Whether the PDF's own text may be taken where it can be trusted.
    pub takes_own_text: bool,
    /// What is known of that text.
    pub own_text: Mutex<OwnTextRecord>,
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
    pub warning: Option<(Code, String)>,
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
    /// After an error, or an early end, requests without an answer are asked again where [`Recognizer::restart`] makes that
    /// possible.
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError>;

    /// Makes it ready for another run after one that ended early.
    fn restart(&mut self) -> Result<(), RecognizeError> {
        Ok(())
    }
}
