//! Jobs: what a client hands to the engine, what each is parsed with, and the events that it gets back.

use super::coordinator::Message;
use super::{FinishedPage, PageSelection};
use crate::deadline::CancelToken;
use crate::document::Label;
use crate::input::{InputError, InputFile, PageSource, PixelsWanted};
use crate::layout::postprocess::LayoutOptions;
use crate::lines::TextLayerMode;
use crate::plan::PlanOptions;
use crate::preprocess::PreprocessOptions;
use crate::recognize::DocumentState;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A document to be parsed.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its number; what its events are told apart by.
    pub id: usize,
    /// Its file.
    pub file: InputFile,
    /// Folder of its pictures below `imgs/`.
    pub picture_folder: String,
}

/// What a job is parsed with. Jobs in the engine at the same time may have different settings.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSettings {
    /// Pages of a document, of those that are the same object of the file as earlier ones, that are parsed all the same; the
    /// others become one page without content for all in a row. `None`: all are parsed.
    pub most_repeats: Option<usize>,
    /// Where the text of PDF pages comes from.
    pub text_layer: TextLayerMode,
    /// Whether a recognizer with the PDF's own text before it may take that; which pages have some.
    pub own_text: Option<TextLayerMode>,
    /// Whether pages are looked at as pictures, whatever text they hold.
    pub reads_pictures: bool,
    /// Whether the detector sees the pixels of pages.
    pub detector_sees_pixels: bool,
    /// Steps of document preprocessing.
    pub preprocess: PreprocessOptions,
    /// Where the regions of pages come from.
    pub layout: LayoutChoice,
    /// How pages are planned, and with what blocks are generated.
    pub plan: PlanOptions,
    /// Whether the pixels of pages come with them.
    pub keep_pixels: bool,
    /// Whether what was decided and asked comes with pages.
    pub trace: bool,
    /// Whether the pictures of pages are wanted, as JPEG, for drawings.
    pub page_pictures: bool,
    /// Whether pictures are cut out of pages.
    pub block_pictures: bool,
    /// Longest time that is spent on a page, all stages together; `None`: as long as it takes.
    pub page_timeout: Option<Duration>,
    /// Whether a page is final when it comes; else what the whole document tells may still change its labels.
    pub pages_are_final: bool,
}

impl JobSettings {
    /// Whether the page at every step of document preprocessing is wanted: where anybody draws it.
    pub fn keep_steps(&self) -> bool {
        self.keep_pixels || self.page_pictures
    }

    pub(super) fn pixels_wanted(&self) -> PixelsWanted {
        if self.page_pictures
            || self.reads_pictures
            || self.detector_sees_pixels
            || self.keep_pixels
        {
            PixelsWanted::Full
        } else {
            PixelsWanted::Preview
        }
    }
}

/// Where the regions of a page come from.
#[derive(Debug, Clone, PartialEq)]
pub enum LayoutChoice {
    /// The detector finds them.
    Detect(LayoutOptions),
    /// The page as a whole is one region with this label.
    WholePage(Label),
}

/// Opens a job's file.
pub type OpenSource = Box<dyn FnOnce() -> Result<Arc<dyn PageSource>, InputError> + Send>;

/// A job with all that belongs to it.
pub struct Submission {
    /// The document.
    pub job: Arc<Job>,
    /// Opens its file, in a thread of the engine.
    pub source: OpenSource,
    /// Which of its pages are wanted.
    pub pages: PageSelection,
    /// How many pages at most; `None`: all.
    pub max_pages: Option<usize>,
    /// What it is parsed with.
    pub settings: Arc<JobSettings>,
    /// Set by the client to end the job: it is given up at once, and whatever works on it ends as soon as that looks.
    pub cancel: Arc<AtomicBool>,
    /// Set by the client to call the rest off: where pages have not been started the job is given up.
    pub stop: Arc<AtomicBool>,
    /// Where its events go. Jobs may share it.
    pub events: EventSender,
}

/// Why a job is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// As many jobs as may be are under way.
    #[error("{jobs} documents are under way, and no more are taken")]
    Overloaded {
        /// How many.
        jobs: usize,
    },
    /// The settings need a part that was not loaded.
    #[error("the settings need {0}, which is not loaded")]
    NotLoaded(&'static str),
    /// The engine has ended.
    #[error("the engine has ended")]
    Ended,
}

/// Why a job is given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobFault {
    /// It was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The rest of it was called off.
    #[error("called off")]
    CalledOff,
    /// Its file cannot be opened.
    #[error("{0}")]
    Open(String),
    /// None of its pages is wanted.
    #[error("none of the {count} pages was asked for")]
    NoPages {
        /// Its pages.
        count: usize,
    },
    /// A part of the engine ended early.
    #[error("internal error: a part of the engine ended early ({0})")]
    Internal(String),
}

/// What happens to a job. The last event of each job is [`Event::Finished`] or [`Event::GivenUp`].
#[derive(Debug)]
pub enum Event {
    /// It was opened.
    Opened {
        /// Pages of the document.
        page_count: usize,
        /// Pages that will come.
        selected: usize,
        /// Pages that were asked for; more than `selected` where `max_pages` cuts.
        wanted: usize,
        /// Whether the reference numbers the pages of this kind of input.
        is_paged: bool,
    },
    /// The next page, in order.
    Page {
        /// The page.
        page: Box<FinishedPage>,
        /// Whether nothing that comes later changes it.
        is_final: bool,
    },
    /// All its pages were started; it takes no more of the turns of others.
    AllStarted,
    /// All its pages were delivered.
    Finished,
    /// It has no further pages.
    GivenUp(JobFault),
}

/// An event on its way to the client.
///
/// A page counts as received when this is dropped: until then it takes up room that the job's next pages need.
#[derive(Debug)]
pub struct Delivery {
    /// The number of the job.
    pub job: usize,
    /// What happened.
    pub event: Event,
    /// Tells the engine that a page was received.
    _receipt: Option<Receipt>,
}

#[derive(Debug)]
struct Receipt {
    receiver: u64,
    serial: u64,
    to: Sender<Message>,
}

impl Drop for Receipt {
    fn drop(&mut self) {
        // Without an engine nobody counts.
        drop(self.to.send(Message::Received {
            receiver: self.receiver,
            serial: self.serial,
        }));
    }
}

/// A channel for events. The pages of all jobs that send into it and were not received yet are bounded together, by what the
/// engine allows to be in flight: a client that receives slowly, or not at all, holds back its own jobs only.
pub fn events() -> (EventSender, EventReceiver) {
    static RECEIVERS: AtomicU64 = AtomicU64::new(0);
    let (sender, receiver) = crossbeam_channel::unbounded();
    let number = RECEIVERS.fetch_add(1, Ordering::Relaxed);
    let is_gone = Arc::<AtomicBool>::default();
    let sender = EventSender {
        receiver: number,
        sender,
        is_gone: is_gone.clone(),
    };
    (sender, EventReceiver { receiver, is_gone })
}

/// The engine's end of a channel for events.
#[derive(Debug, Clone)]
pub struct EventSender {
    /// The number of the other end.
    pub(super) receiver: u64,
    sender: Sender<Delivery>,
    is_gone: Arc<AtomicBool>,
}

impl EventSender {
    /// Whether the other end was dropped.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed)
    }

    /// Sends an event; false where nobody receives any more.
    pub(super) fn send(&self, job: usize, event: Event) -> bool {
        self.sender
            .send(Delivery {
                job,
                event,
                _receipt: None,
            })
            .is_ok()
    }

    /// Sends a page that holds room until it is received.
    pub(super) fn send_page(
        &self,
        job: usize,
        event: Event,
        serial: u64,
        to: Sender<Message>,
    ) -> bool {
        let receipt = Receipt {
            receiver: self.receiver,
            serial,
            to,
        };
        self.sender
            .send(Delivery {
                job,
                event,
                _receipt: Some(receipt),
            })
            .is_ok()
    }
}

/// The client's end of a channel for events. Where it is dropped, its jobs are cancelled.
#[derive(Debug)]
pub struct EventReceiver {
    receiver: Receiver<Delivery>,
    is_gone: Arc<AtomicBool>,
}

impl Drop for EventReceiver {
    fn drop(&mut self) {
        self.is_gone.store(true, Ordering::Relaxed);
    }
}

impl EventReceiver {
    /// The next event; `None` where none came in time.
    ///
    /// Fails where no sender is left: no job sends into the channel, and the client has none to submit another with.
    pub fn receive(&self, timeout: Duration) -> Result<Option<Delivery>, RecvTimeoutError> {
        match self.receiver.recv_timeout(timeout) {
            Ok(delivery) => Ok(Some(delivery)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What stages know of a job.
#[derive(Debug, Clone)]
pub(crate) struct JobContext {
    /// Its number in the engine, which no other job ever has.
    pub(super) key: u64,
    pub(super) job: Arc<Job>,
    pub(super) settings: Arc<JobSettings>,
    pub(super) cancel: CancelToken,
    /// What its blocks have in common.
    pub(super) document: Arc<DocumentState>,
}
