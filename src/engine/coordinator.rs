//! The coordinator: the engine's own thread. It schedules jobs page by page and block by block, assigns
//! answers to pages, puts pages in order, and sends events to clients.
//!
//! All counters are changed by it alone, so nothing here is locked; it never waits for a client or a stage.
//! `jobs` handles jobs, `pages` their pages and blocks.

mod jobs;
mod pages;

use super::assemble::{Answers, PlannedPage};
use super::blocks::Blocks;
use super::job::{Event, EventSender, JobContext, JobFault, OpenSource, Submission};
use super::permits::Permits;
use super::repeats::Repeats;
use super::stages::PageJob;
use super::{FinishedPage, Limits};
use crate::deadline::CancelToken;
use crate::document::Page;
use crate::fault::{Fault, Reason};
use crate::input::PageSource;
use crate::recognize::{BlockAnswer, BlockRequest};
use crossbeam_channel::{Receiver, Sender};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Interval at which jobs are checked for cancellation.
const LOOK: Duration = Duration::from_millis(20);

/// Messages to the coordinator.
pub(crate) enum Message {
    /// A client submits a job.
    Submitted(Box<Submission>),
    /// A job's file was opened, or could not be.
    Opened {
        key: u64,
        opened: Result<Box<Opened>, Fault>,
    },
    /// A page is abandoned because its job was cancelled.
    Interrupted { serial: u64 },
    /// A page failed.
    Failed {
        serial: u64,
        page_index: usize,
        fault: Fault,
    },
    /// A page is planned; its blocks can be recognized.
    Planned {
        page: Box<PlannedPage>,
        requests: Vec<BlockRequest>,
    },
    /// The recognizer ended, or could not be restarted; all its answers were sent before.
    RecognizerEnded { fault: Fault, restarts: bool },
    /// A client has received a page.
    Received { receiver: u64, serial: u64 },
    /// A stage has ended.
    StageEnded { name: &'static str },
    /// Shuts the engine down.
    Shutdown,
}

/// A file to be opened.
pub(crate) struct ToOpen {
    pub(super) context: Arc<JobContext>,
    pub(super) source: OpenSource,
    pub(super) pages: super::PageSelection,
    pub(super) max_pages: Option<usize>,
}

/// An open document.
pub(crate) struct Opened {
    pub(super) source: Arc<dyn PageSource>,
    /// The job, with its document set.
    pub(super) context: Arc<JobContext>,
    /// Indices of the pages to parse.
    pub(super) selected: Vec<usize>,
    /// Number of pages requested.
    pub(super) wanted: usize,
}

/// A recognizer's ends of its channels: requests to receive, answers to send.
pub(crate) type RecognizerEnds = (Receiver<BlockRequest>, Sender<BlockAnswer>);

/// A job that has not ended.
struct OpenJob {
    context: Arc<JobContext>,
    events: EventSender,
    stop: Arc<AtomicBool>,
    source: Option<Arc<dyn PageSource>>,
    selected: Vec<usize>,
    /// Number of selected pages that were started or left out.
    started: usize,
    /// Number of selected pages that were delivered.
    delivered: usize,
    /// Finished pages that wait for earlier ones, by index among the selected: the page, the number of pages
    /// that it stands for, and its serial number.
    ready: BTreeMap<usize, (Box<FinishedPage>, usize, Option<u64>)>,
    repeats: Repeats,
    /// The page to start next, if known.
    next_page: Option<usize>,
    /// Blocks waiting for their turn.
    blocks: VecDeque<BlockRequest>,
    /// Pages started but not delivered.
    undelivered: BTreeSet<u64>,
}

/// A page started but not finished.
struct Under {
    key: u64,
    /// Its index among the selected pages.
    place: usize,
}

/// See the module documentation.
pub(super) struct Coordinator {
    pub(super) limits: Limits,
    pub(super) inbox: Receiver<Message>,
    /// Its own inbox, for receipts.
    pub(super) address: Sender<Message>,
    pub(super) to_open: Sender<ToOpen>,
    pub(super) to_readers: Sender<PageJob>,
    /// Number of jobs that have not ended, for the limit on submissions.
    pub(super) open_jobs: Arc<AtomicUsize>,
    /// Set when the engine shuts down.
    pub(super) shutdown: CancelToken,
    /// Why the device of the networks is lost, if it is.
    pub(super) lost: Arc<OnceLock<Fault>>,
    pub(super) state: State,
}

/// Mutable state.
pub(super) struct State {
    jobs: BTreeMap<u64, OpenJob>,
    next_key: u64,
    next_serial: u64,
    /// Jobs with pages to start, in round-robin order.
    page_turns: VecDeque<u64>,
    /// Jobs with blocks to recognize, in round-robin order.
    block_turns: VecDeque<u64>,
    pages: HashMap<u64, Under>,
    /// Pages whose blocks are being recognized.
    planned: HashMap<u64, (PlannedPage, Answers)>,
    permits: Permits,
    /// Per client, pages not received yet, and number of jobs.
    windows: HashMap<u64, (Permits, usize)>,
    blocks: Blocks,
    /// Name of the stage that has ended, if one has.
    fault: Option<&'static str>,
}

impl Coordinator {
    /// Runs until shutdown; then all jobs that have not ended are given up.
    pub(super) fn run(&mut self) {
        let mut looked = Instant::now();
        loop {
            let answers = self.state.blocks.answers();
            crossbeam_channel::select! {
                recv(self.inbox) -> message => match message {
                    Ok(Message::Shutdown) | Err(_) => break,
                    Ok(message) => self.take(message),
                },
                recv(answers) -> answer => match answer {
                    Ok(answer) if self.state.blocks.answered(answer.ticket) => self.answered(vec![answer]),
                    Ok(_) => {}
                    Err(_) => self.state.blocks.no_more_answers(),
                },
                default(LOOK) => {}
            }
            if self.state.fault.is_some() {
                break;
            }
            if looked.elapsed() >= LOOK {
                self.look_for_cancels();
                looked = Instant::now();
            }
            self.start_pages();
            self.ask();
        }
        let fault = match self.state.fault {
            Some(name) => JobFault::Internal(name.to_string()),
            None => JobFault::Cancelled,
        };
        let keys: Vec<u64> = self.state.jobs.keys().copied().collect();
        for key in keys {
            self.give_up(key, fault.clone());
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Submitted(submission) => self.submitted(*submission),
            Message::Opened { key, opened } => self.opened(key, opened),
            Message::Interrupted { serial } => self.interrupted(serial),
            Message::Failed {
                serial,
                page_index,
                fault,
            } => {
                self.note_lost(&fault);
                self.page_done(serial, FinishedPage::of(Page::failed(page_index, fault)));
            }
            Message::Planned { page, requests } => self.planned(*page, requests),
            Message::RecognizerEnded { fault, restarts } => {
                self.note_lost(&fault);
                self.recognizer_ended(&fault, restarts);
            }
            Message::Received { receiver, serial } => self.received(receiver, serial),
            // Nothing can be parsed without the stage.
            Message::StageEnded { name } => self.state.fault = Some(name),
            Message::Shutdown => {}
        }
    }

    /// Records that the device of the networks is lost, if that is the fault.
    fn note_lost(&self, fault: &Fault) {
        if fault.reason == Reason::DeviceLost && self.lost.set(fault.clone()).is_ok() {
            tracing::error!("{fault}");
        }
    }
}

impl Drop for Coordinator {
    /// However it ends, parsing stops and clients waiting for a job are notified, including those whose jobs
    /// were submitted meanwhile.
    fn drop(&mut self) {
        self.shutdown.cancel();
        let fault = JobFault::Internal("the engine has ended".into());
        for (_, job) in std::mem::take(&mut self.state.jobs) {
            job.context.cancel.cancel();
            job.events
                .send(job.context.job.id, Event::GivenUp(fault.clone()));
        }
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Submitted(submission) = message {
                submission
                    .events
                    .send(submission.job.id, Event::GivenUp(JobFault::Cancelled));
            }
        }
    }
}

impl State {
    /// Empty state; starts the recognizer.
    pub(super) fn new(limits: &Limits, to_recognizer: Sender<RecognizerEnds>) -> State {
        State {
            jobs: BTreeMap::new(),
            next_key: 0,
            next_serial: 0,
            page_turns: VecDeque::new(),
            block_turns: VecDeque::new(),
            pages: HashMap::new(),
            planned: HashMap::new(),
            permits: limits.permits(),
            windows: HashMap::new(),
            blocks: Blocks::new(limits.blocks_in_flight, to_recognizer),
            fault: None,
        }
    }
}
