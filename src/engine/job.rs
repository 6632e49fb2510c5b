//! Jobs: documents that a client submits, their settings, and the events that it receives.

use super::coordinator::Message;
use super::turns::Turns;
use super::{FinishedPage, PageSelection};
use crate::deadline::CancelToken;
use crate::document::{DocumentInfo, HiddenMode, Label};
use crate::fault::{Fault, Reason};
use crate::input::{InputError, InputFile, PageSource, PixelsWanted};
use crate::layout::postprocess::LayoutOptions;
use crate::lines::TextLayerMode;
use crate::net::TraceContext;
use crate::plan::PlanOptions;
use crate::preprocess::PreprocessOptions;
use crate::recognize::DocumentState;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A document to parse.
#[derive(Debug, Clone)]
pub struct Job {
    /// Number of the job, which identifies its events.
    pub id: usize,
    /// File of the document.
    pub file: InputFile,
    /// Folder of its pictures below `imgs/`.
    pub picture_folder: String,
}

/// Settings of a job. Jobs in the engine at the same time may have different ones.
#[derive(Debug, Clone, PartialEq)]
pub struct JobSettings {
    /// Number of repeated pages (the same object of the file as an earlier page) that are still parsed; each
    /// run of further ones becomes one page without content. `None`: all are parsed.
    pub most_repeats: Option<usize>,
    /// Source of the text of PDF pages.
    pub text_layer: TextLayerMode,
    /// What becomes of text that a reader does not see.
    pub hidden_text: HiddenMode,
    /// Text layer mode for the PDF's own text before a recognizer; `None` to recognize all blocks.
    pub own_text: Option<TextLayerMode>,
    /// `true` to treat pages as pictures, whatever text they contain.
    pub reads_pictures: bool,
    /// `true` if the detector needs the pixels of pages.
    pub detector_sees_pixels: bool,
    /// Steps of document preprocessing.
    pub preprocess: PreprocessOptions,
    /// Source of the regions of pages.
    pub layout: LayoutChoice,
    /// Planning of pages, and options for generating blocks.
    pub plan: PlanOptions,
    /// `true` to deliver the pixels of pages.
    pub keep_pixels: bool,
    /// `true` to deliver the plan, requests and answers of pages.
    pub trace: bool,
    /// `true` to deliver the pictures of pages as JPEG, for drawings.
    pub page_pictures: bool,
    /// `true` to cut pictures out of pages.
    pub block_pictures: bool,
    /// `true` to deliver what was considered while tables were looked for in the text of pages.
    pub trace_tables: bool,
    /// Limit of the time spent on a page by all stages together; `None` for no limit.
    pub page_timeout: Option<Duration>,
    /// The trace that the job belongs to, for servers that are asked about its blocks.
    pub trace_context: Option<Arc<TraceContext>>,
    /// `true` if pages are final when delivered; otherwise whole-document steps may change their labels.
    pub pages_are_final: bool,
}

impl JobSettings {
    /// `true` if the page after every step of document preprocessing is needed for drawings.
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

/// Source of the regions of a page.
#[derive(Debug, Clone, PartialEq)]
pub enum LayoutChoice {
    /// Layout detection.
    Detect(LayoutOptions),
    /// The page as a whole is one region with this label.
    WholePage(Label),
}

/// Opens a job's file.
pub type OpenSource = Box<dyn FnOnce() -> Result<Arc<dyn PageSource>, InputError> + Send>;

/// A job as it is submitted.
pub struct Submission {
    /// The document.
    pub job: Arc<Job>,
    /// Opens the file, on a thread of the engine.
    pub source: OpenSource,
    /// Selected pages.
    pub pages: PageSelection,
    /// Most pages; `None` for all.
    pub max_pages: Option<usize>,
    /// Settings.
    pub settings: Arc<JobSettings>,
    /// Set by the client to cancel the job: it is given up at once, and running work ends at its next check.
    pub cancel: Arc<AtomicBool>,
    /// Set by the client to call off the rest: if pages have not been started, the job is given up.
    pub stop: Arc<AtomicBool>,
    /// Receives the job's events. Jobs may share it.
    pub events: EventSender,
}

/// Reason why a job is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The limit of jobs is reached.
    #[error("{jobs} documents are under way, and no more are taken")]
    Overloaded {
        /// Number of jobs in the engine.
        jobs: usize,
    },
    /// The settings need a part that was not loaded.
    #[error("the settings need {0}, which is not loaded")]
    NotLoaded(&'static str),
    /// The GPU is lost: no page can be parsed in this process any more.
    #[error("{0}")]
    Lost(Fault),
    /// The engine has ended.
    #[error("the engine has ended")]
    Ended,
}

impl SubmitError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            SubmitError::Overloaded { .. } => Reason::Overloaded,
            SubmitError::NotLoaded(_) => Reason::Settings,
            SubmitError::Lost(fault) => fault.reason,
            SubmitError::Ended => Reason::Internal,
        }
    }
}

impl From<SubmitError> for Fault {
    fn from(error: SubmitError) -> Fault {
        Fault::new(error.reason(), error.to_string())
    }
}

/// Reason why a job is given up.
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
    Open(Fault),
    /// None of its pages is selected.
    #[error("none of the {count} pages was asked for")]
    NoPages {
        /// Number of pages of the document.
        count: usize,
    },
    /// A part of the engine ended early.
    #[error("internal error: a part of the engine ended early ({0})")]
    Internal(String),
}

impl JobFault {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            JobFault::Cancelled => Reason::Cancelled,
            JobFault::CalledOff => Reason::NotTried,
            JobFault::Open(fault) => fault.reason,
            JobFault::NoPages { .. } => Reason::Settings,
            JobFault::Internal(_) => Reason::Internal,
        }
    }
}

impl From<JobFault> for Fault {
    fn from(fault: JobFault) -> Fault {
        Fault::new(fault.reason(), fault.to_string())
    }
}

/// A document that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedDocument {
    /// Number of pages of the document.
    pub page_count: usize,
    /// Number of pages that will be delivered.
    pub selected: usize,
    /// Number of pages requested; more than `selected` if `max_pages` cuts them.
    pub wanted: usize,
    /// `true` if the reference numbers the pages of this kind of input.
    pub is_paged: bool,
    /// What the file says about itself.
    pub info: DocumentInfo,
}

/// Events of a job. The last one is [`Event::Finished`] or [`Event::GivenUp`].
#[derive(Debug)]
pub enum Event {
    /// The file was opened.
    Opened(Box<OpenedDocument>),
    /// The next page, in order.
    Page {
        /// The page.
        page: Box<FinishedPage>,
        /// `true` if nothing later changes it.
        is_final: bool,
    },
    /// All pages were started; the job takes no more turns from others.
    AllStarted,
    /// All its pages were delivered.
    Finished,
    /// The job was given up; no further pages come.
    GivenUp(JobFault),
}

/// An event in transit to the client.
///
/// A page counts as received when this is dropped; until then it takes up room of the job's next pages.
#[derive(Debug)]
pub struct Delivery {
    /// Number of the job.
    pub job: usize,
    /// The event.
    pub event: Event,
    /// Reports the page as received when dropped.
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
        // Fails only if the engine has ended.
        drop(self.to.send(Message::Received {
            receiver: self.receiver,
            serial: self.serial,
        }));
    }
}

/// Creates a channel for events. The unreceived pages of all jobs that send into it are bounded together, by
/// the engine's limit of pages in flight: a client that receives slowly, or not at all, holds back only its
/// own jobs.
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
    /// Number of the receiving end.
    pub(super) receiver: u64,
    sender: Sender<Delivery>,
    is_gone: Arc<AtomicBool>,
}

impl EventSender {
    /// `true` if the receiving end was dropped.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone.load(Ordering::Relaxed)
    }

    /// Sends an event; `false` if the receiver is gone.
    pub(super) fn send(&self, job: usize, event: Event) -> bool {
        self.sender
            .send(Delivery {
                job,
                event,
                _receipt: None,
            })
            .is_ok()
    }

    /// Sends a page that occupies room until it is received.
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

/// The client's end of a channel for events. Dropping it cancels its jobs.
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
    /// Waits for the next event; `None` on timeout.
    ///
    /// Fails if no sender is left: no job sends into the channel, and the client cannot submit another.
    pub fn receive(&self, timeout: Duration) -> Result<Option<Delivery>, RecvTimeoutError> {
        match self.receiver.recv_timeout(timeout) {
            Ok(delivery) => Ok(Some(delivery)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A job as the stages see it.
#[derive(Debug, Clone)]
pub(crate) struct JobContext {
    /// Number that is unique within the engine.
    pub(super) key: u64,
    pub(super) job: Arc<Job>,
    pub(super) settings: Arc<JobSettings>,
    pub(super) cancel: CancelToken,
    /// State shared by its blocks.
    pub(super) document: Arc<DocumentState>,
    /// Turns of its pages, and what they share of what was read.
    pub(super) turns: Arc<Turns>,
}
