//! Recognition: a block's request in, its content out.
//!
//! [`Recognizer`] is the seam. A backend owns its batching: it takes requests when it has room and answers
//! each exactly once, in any order. [`page_text`] is the backend of the embedded default; [`paddleocr_vl`]
//! runs the vision-language model on crops, with [`scheduler`], [`draft`], [`sampling`] and [`repetition`]
//! around its steps, which [`counters`] adds up; [`server`] sends crops to a server; [`text_first`] wraps either and uses the page's own
//! text where it can.

pub(crate) mod counters;
pub(crate) mod draft;
pub mod paddleocr_vl;
pub(crate) mod page_text;
pub(crate) mod repetition;
pub(crate) mod sampling;
pub(crate) mod scheduler;
pub(crate) mod server;
pub(crate) mod text_first;

use crate::deadline::{CancelToken, Stopped};
use crate::document::{CellFacts, Code, Generation, Markup, ReadLine, Span, TextDecision};
use crate::fault::Fault;
use crate::layout::Region;
use crate::lines::PreparedPage;
use crate::net::TraceContext;
use crate::plan::Request;
use crate::raster::Pixels;
pub(crate) use counters::RecognizerCounters;
pub use counters::RecognizerNumbers;
use crossbeam_channel::{Receiver, Sender};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
pub(crate) use text_first::OwnTextRecord;

/// Identifies a block in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// Number of the page within the whole run.
    pub page: u64,
    /// Index of the block on its page.
    pub block: usize,
}

/// Request for one block.
#[derive(Debug, Clone)]
pub struct BlockRequest {
    /// Identifies the block.
    pub ticket: Ticket,
    /// State shared by the blocks of its document.
    pub document: Arc<DocumentState>,
    /// The page of the block.
    pub page: Arc<PreparedPage>,
    /// The region.
    pub region: Arc<Region>,
    /// Task, prompt and limits.
    pub request: Arc<Request>,
    /// Crop of the block; backends that read the page's text need none.
    pub crop: Option<Arc<Pixels>>,
    /// Its text in the page's own text, where it was looked up already: a page that comes from another process has none.
    pub draft: Option<Arc<str>>,
    /// Time left to the page, for backends that read its text; `None` for no limit. Other backends have a
    /// time limit per block.
    pub time_left: Option<Duration>,
    /// Nanoseconds that such backends have spent on the page; shared by all its blocks.
    pub time_spent: Arc<AtomicU64>,
}

impl BlockRequest {
    /// `true` if the document was cancelled and nobody waits for the answer.
    pub fn is_cancelled(&self) -> bool {
        self.document.cancel.is_cancelled()
    }

    /// Seed for random choices about the block: depends on document, page and block only, not on what is
    /// processed before it or beside it.
    pub fn seed(&self) -> u64 {
        let place = ((self.page.page_index as u64) << 32) ^ self.ticket.block as u64;
        self.document.fingerprint ^ place
    }
}

/// Error of a block whose document was cancelled.
pub(crate) fn cancelled() -> Fault {
    Stopped::Cancelled.into()
}

/// Fault of a block that needs a crop but has none.
pub(crate) fn no_crop() -> Fault {
    Fault::internal("there is no crop")
}

/// State shared by the blocks of a document.
#[derive(Debug, Default)]
pub struct DocumentState {
    /// Hash of the file's content: the same for equal files.
    pub fingerprint: u64,
    /// Cancels recognition of its blocks.
    pub cancel: CancelToken,
    /// `true` if the PDF's own text may replace recognition where it can be trusted.
    pub takes_own_text: bool,
    /// The trace that servers which are asked about its blocks are told.
    pub trace_context: Option<Arc<TraceContext>>,
    /// Results of checking that text.
    pub own_text: Mutex<OwnTextRecord>,
}

/// Result of recognizing a block.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recognition {
    /// The content.
    pub content: String,
    /// Markup in the content; for a model's own words the engine sets it.
    pub markup: Markup,
    /// Parts of the content whose style differs from that of the block.
    pub spans: Vec<Span>,
    /// What the HTML of a table does not tell of its cells.
    pub cells: Vec<CellFacts>,
    /// `true` if `content` is a model's raw answer, still to be post-processed.
    pub is_raw: bool,
    /// Mean confidence, if the backend has one.
    pub confidence: Option<f32>,
    /// Lines with boxes and confidence, if the backend has them.
    pub lines: Vec<ReadLine>,
    /// Statistics of the answer's generation, if a model wrote it.
    pub generation: Option<Generation>,
    /// Source of the text, if a recognizer could have read it instead.
    pub text: Option<TextDecision>,
    /// Warning about the block: a code and a message.
    pub warning: Option<(Code, String)>,
}

/// The answer to one request.
#[derive(Debug, Clone, PartialEq)]
pub struct BlockAnswer {
    /// Identifies the block.
    pub ticket: Ticket,
    /// The content, or the reason why there is none.
    pub result: Result<Recognition, Fault>,
}

/// An error after which the backend cannot continue.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct RecognizeError(pub Fault);

impl RecognizeError {
    /// The system refuses a thread.
    fn no_thread(error: std::io::Error) -> RecognizeError {
        RecognizeError(Fault::io("no thread can be started", &error))
    }
}

impl From<RecognizeError> for Fault {
    fn from(error: RecognizeError) -> Fault {
        error.0
    }
}

/// Recognizes blocks.
pub trait Recognizer: Send {
    /// Answers requests until their channel closes.
    ///
    /// After an error or an early end, unanswered requests are sent again if [`Recognizer::restart`] works.
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError>;

    /// Prepares another run after one that ended early.
    fn restart(&mut self) -> Result<(), RecognizeError> {
        Ok(())
    }

    /// Its numbers, where it decodes in this process.
    fn counters(&self) -> Option<Arc<RecognizerCounters>> {
        None
    }
}
