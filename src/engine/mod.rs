//! The engine: long-lived stages, and jobs that share them.
//!
//! ```text
//! clients -> coordinator -> openers
//!                        -> readers (several) -> lines -> layout -> cutters (several) -> coordinator
//!                        -> recognizer -> coordinator -> clients
//! ```
//!
//! [`Engine::start`] starts the threads of the stages; [`Engine::submit`] hands over a job with its settings
//! and the channel for its events, and returns at once. [`run`] is the client that processes the documents of
//! a command line in order.
//!
//! * Only the coordinator does the bookkeeping. A page holds a permit from before it is read until it is
//!   finished, so memory is bounded by the number and pixels of the pages in flight, not by the length of
//!   documents or the number of jobs. Jobs take turns, page by page and block by block: a book does not hold
//!   up a letter.
//! * Finished pages that a client has not received are bounded in the same way, but per client: a slow client
//!   holds back its own jobs, and one that is gone ends them. With many slow clients more pages may wait than
//!   are in flight; those hold no pixels unless they were requested.
//! * Every page that was started has exactly one outcome; consecutive pages that repeat earlier ones share
//!   one. A page that fails, or makes a stage panic, becomes a page with a diagnostic.
//! * A recognizer that ends early is restarted and gets its blocks in flight again, one by one; only a block
//!   with which it ends a second time fails. If it cannot be restarted, or gives no answer after several
//!   restarts, blocks fail with the reason until it is tried again after a while. A detector that fails is
//!   restarted, at most once every hundred pages.
//! * If the device of the networks is lost ([`Reason::DeviceLost`](crate::fault::Reason::DeviceLost)), nothing is
//!   restarted: all pages that are not finished fail with that fault at once, and further jobs are refused.
//! * A stage keeps emptying its inbox until that closes, even after a fault. Every channel between stages has
//!   room for all pages in flight, so sending never blocks.
//! * The time of a page is the time that all stages together spend on it; waiting for a turn does not count.
//!   A page whose deadline passes fails.
//! * Cancellation is a flag of each job. The job is given up at once; stages forward its pages without work,
//!   and running work ends at its next check of `deadline`. Nothing waits for work that does not:
//!   the threads of an engine that ends are joined for a moment ([`GRACE`]) and then abandoned. The process
//!   should then end without the destructors of its libraries.
//! * The results of a job do not depend on the jobs beside it or before it.

mod assemble;
mod blocks;
mod coordinator;
mod counters;
mod illustrate;
mod job;
mod permits;
mod repeats;
mod run;
mod stages;
#[cfg(test)]
mod tests;
mod threads;
mod turns;

use crate::deadline::CancelToken;
use crate::document::Page;
use crate::fault::Fault;

use crate::layout::{LayoutDetector, TableTrace};
use crate::lines::{PrepareError, PreparedPage, Readings, Verdict};
use crate::plan::PagePlan;
use crate::preprocess::PreprocessSteps;
use crate::raster::Pixels;
use crate::recognize::Recognizer;
use coordinator::{Coordinator, Message, State};
pub use counters::{EngineCounters, EngineNumbers, RecognizerNumbers};
use crossbeam_channel::Sender;
// Types of the settings and sources of jobs, which clients need to name.
pub use crate::document::HiddenMode;
pub use crate::input::{InputError, InputFile, PageError, PageSource, PixelsWanted, SourcePage};
pub use crate::layout::polygons::ShapeMode;
pub use crate::layout::postprocess::{LayoutOptions, MergeMode, MergeModes, Threshold, Unclip};
pub use crate::lines::TextLayerMode;
pub use crate::plan::{PlanOptions, RequestOptions, VlOptions};
pub use crate::preprocess::PreprocessOptions;
pub use job::{
    Delivery, Event, EventReceiver, EventSender, Job, JobFault, JobSettings, LayoutChoice,
    OpenSource, OpenedDocument, Submission, SubmitError, events,
};
use permits::Permits;
pub use run::{Batch, DocumentEnd, DocumentSink, EngineOptions, Opener, RunOutcome, run, run_on};
use sha2::{Digest, Sha256};
use stages::Stage;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
pub use threads::StartError;
use threads::Threads;

/// Time for stages to end their work after a cancellation.
pub const GRACE: Duration = Duration::from_millis(800);

/// Selected pages of every document, as ranges from 1; empty for all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageSelection(pub Vec<RangeInclusive<usize>>);

impl PageSelection {
    /// Parses ranges such as `1-3,7,10-`. The error is the part that is none.
    pub fn parse(text: &str) -> Result<PageSelection, String> {
        let number = |n: &str| n.trim().parse::<usize>().ok().filter(|n| *n > 0);
        let range = |part: &str| -> Option<RangeInclusive<usize>> {
            match part.split_once('-') {
                None => number(part).map(|n| n..=n),
                Some((a, "")) => number(a).map(|a| a..=usize::MAX),
                Some(("", b)) => number(b).map(|b| 1..=b),
                Some((a, b)) => number(a)
                    .zip(number(b))
                    .filter(|(a, b)| a <= b)
                    .map(|(a, b)| a..=b),
            }
        };
        let parts = text.split(',').map(str::trim);
        let ranges = parts.map(|part| range(part).ok_or_else(|| part.to_string()));
        ranges.collect::<Result<Vec<_>, _>>().map(PageSelection)
    }

    /// Selected page indices, from 0, of a document with `count` pages, in order and each once.
    pub fn of(&self, count: usize) -> Vec<usize> {
        (0..count)
            .filter(|i| self.0.is_empty() || self.0.iter().any(|r| r.contains(&(i + 1))))
            .collect()
    }
}

/// Limits on the work in the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most jobs that have not ended.
    pub jobs: usize,
    /// Number of threads that open files.
    pub openers: usize,
    /// Number of threads that read pages, and of those that cut pictures out of them.
    pub readers: usize,
    /// Most pages in flight, and for each client most pages that it has not received.
    pub pages_in_flight: usize,
    /// Most bytes of the pages in flight together; a single page may take more.
    pub page_memory: u64,
    /// Most blocks in flight at the recognizer.
    pub blocks_in_flight: usize,
}

impl Limits {
    fn permits(&self) -> Permits {
        Permits::new(self.pages_in_flight.max(1), self.page_memory)
    }
}

/// Prepares pages whose text is read from their picture.
pub trait LinePreparer: Send {
    /// Prepares a page. `readings`: what was read of its document's fonts, from the pages before.
    fn prepare(
        &mut self,
        source: &dyn PageSource,
        page: SourcePage,
        verdict: Verdict,
        settings: &JobSettings,
        readings: &mut Readings,
    ) -> Result<PreparedPage, PrepareError>;

    /// Called once no page has come for a while, if one has come before: what is kept for the next page alone, and
    /// can be had again soon, should be given up.
    fn rest(&mut self) {}
}

/// The components that do the work of the stages.
pub struct Stages {
    /// Read lines, each a page at a time beside the others; at least one.
    pub lines: Vec<Box<dyn LinePreparer>>,
    /// Detect regions, each a batch of pages at a time beside the others; at least one.
    pub detectors: Vec<Box<dyn LayoutDetector>>,
    /// Recognizes blocks.
    pub recognizer: Box<dyn Recognizer>,
    /// The loaded parts, which limit the settings of jobs.
    pub loaded: LoadedParts,
}

/// Parts that the settings of jobs may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadedParts {
    /// A layout detector.
    pub layout: bool,
    /// The orientation classifier.
    pub orientation: bool,
    /// The unwarping network.
    pub unwarping: bool,
    /// A recognizer for pictures.
    pub recognizer: bool,
    /// A recognizer that takes blocks from the page's text.
    pub page_text: bool,
    /// The PDF's own text before the recognizer.
    pub own_text: bool,
}

impl LoadedParts {
    /// All of them.
    pub const ALL: LoadedParts = LoadedParts {
        layout: true,
        orientation: true,
        unwarping: true,
        recognizer: true,
        page_text: true,
        own_text: true,
    };

    /// The first part that the settings need and that was not loaded.
    fn lacks(&self, settings: &JobSettings) -> Option<&'static str> {
        let preprocess = &settings.preprocess;
        let detects = matches!(settings.layout, LayoutChoice::Detect(_));
        let recognizes = matches!(settings.plan, PlanOptions::Vl(_));
        let wants = |step| preprocess.use_doc_preprocessor && step;
        let asked = [
            (detects, self.layout, "layout detection"),
            (
                wants(preprocess.use_doc_orientation_classify),
                self.orientation,
                "the orientation classifier",
            ),
            (
                wants(preprocess.use_doc_unwarping),
                self.unwarping,
                "the unwarping network",
            ),
            (recognizes, self.recognizer, "a recognizer"),
            (
                !recognizes,
                self.page_text,
                "a recognizer of the page's text",
            ),
            (
                settings.own_text.is_some(),
                self.own_text,
                "the PDF's own text before the recognizer",
            ),
        ];
        asked
            .into_iter()
            .find_map(|(asked, loaded, what)| (asked && !loaded).then_some(what))
    }
}

/// A finished page with its optional extras.
#[derive(Debug)]
pub struct FinishedPage {
    /// The page.
    pub page: Page,
    /// Its picture as JPEG with width and height in pixels, if requested.
    pub picture: Option<(Arc<[u8]>, usize, usize)>,
    /// Its pixels, if requested.
    pub pixels: Option<Arc<Pixels>>,
    /// The page after every step of document preprocessing, if requested.
    pub steps: Option<PreprocessSteps>,
    /// Its plan, requests and answers, if requested.
    pub trace: Option<Box<PageTrace>>,
    /// What was considered while its tables were looked for, if requested.
    pub(crate) tables: Option<Box<TableTrace>>,
}

impl FinishedPage {
    /// A page without extras.
    pub fn of(page: Page) -> Self {
        FinishedPage {
            page,
            picture: None,
            pixels: None,
            steps: None,
            trace: None,
            tables: None,
        }
    }
}

/// Record of a page's plan, its requests and the recognizer's answers.
#[derive(Debug, Clone)]
pub struct PageTrace {
    /// The plan.
    pub plan: PagePlan,
    /// Crops for the recognizer by block index, `true` if a crop is the unchanged page.
    pub crops: BTreeMap<usize, (Arc<Pixels>, bool)>,
    /// Pictures that belong to the page, by path.
    pub pictures: BTreeMap<String, TracedPicture>,
    /// Answers of the recognizer, by block index.
    pub answers: BTreeMap<usize, String>,
}

/// A picture before encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedPicture {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// SHA-256 of its rows of R, G, B bytes, in hexadecimal.
    pub rgb_sha256: String,
}

impl TracedPicture {
    /// Describes pixels.
    pub fn of(pixels: &Pixels) -> Self {
        let hash = Sha256::digest(&pixels.data);
        let rgb_sha256 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        TracedPicture {
            width: pixels.width,
            height: pixels.height,
            rgb_sha256,
        }
    }
}

/// The engine. Dropping it ends it with all its jobs.
pub struct Engine {
    address: Sender<Message>,
    limits: Limits,
    loaded: LoadedParts,
    open_jobs: Arc<AtomicUsize>,
    shutdown: CancelToken,
    /// Why the device of the networks is lost, if it is; see [`Engine::lost`].
    lost: Arc<OnceLock<Fault>>,
    counters: EngineCounters,
    threads: Threads,
}

impl Engine {
    /// Starts the threads of the stages. Fails if the system refuses one that is needed.
    pub fn start(stages: Stages, limits: Limits) -> Result<Engine, StartError> {
        let capacity = limits.pages_in_flight.max(1);
        let Stages {
            lines,
            detectors,
            mut recognizer,
            loaded,
        } = stages;
        let (address, inbox) = crossbeam_channel::unbounded();
        let (to_open, opener_inbox) = crossbeam_channel::unbounded();
        let (to_readers, reader_inbox) = crossbeam_channel::bounded(capacity);
        let (to_lines, lines_inbox) = crossbeam_channel::bounded(capacity);
        let (to_layout, layout_inbox) = crossbeam_channel::bounded(capacity);
        let (to_cutters, cutter_inbox) = crossbeam_channel::bounded(capacity);
        let (to_recognizer, recognizer_inbox) = crossbeam_channel::unbounded();
        let shutdown = CancelToken::default();
        let open_jobs = Arc::<AtomicUsize>::default();
        let counters = EngineCounters::of(recognizer.counters());
        let mut threads = Threads::default();
        let stage = |name| Stage {
            name,
            out: address.clone(),
        };
        let (at, ends) = (stage("recognition"), shutdown.clone());
        threads.start("recognize", move || {
            stages::recognize(recognizer_inbox, recognizer.as_mut(), ends, at);
        })?;
        for (number, mut detector) in detectors.into_iter().enumerate() {
            let (at, counted) = (stage("layout detection"), counters.layout.clone());
            let (inbox, to_cutters) = (layout_inbox.clone(), to_cutters.clone());
            threads.start(&format!("layout-{number}"), move || {
                stages::layout(inbox, detector.as_mut(), to_cutters, &counted, at)
            })?;
        }
        drop((layout_inbox, to_cutters));
        threads.start_several("cut", limits.readers, || {
            let (inbox, at) = (cutter_inbox.clone(), stage("cutting pictures"));
            move || stages::cut(inbox, at)
        })?;
        for (number, mut lines) in lines.into_iter().enumerate() {
            let (inbox, layout, at) = (
                lines_inbox.clone(),
                to_layout.clone(),
                stage("line recognition"),
            );
            threads.start(&format!("lines-{number}"), move || {
                stages::lines(inbox, lines.as_mut(), layout, at)
            })?;
        }
        drop(lines_inbox);
        threads.start_several("read", limits.readers, || {
            let (inbox, lines, layout) =
                (reader_inbox.clone(), to_lines.clone(), to_layout.clone());
            let at = stage("reading pages");
            move || stages::read(inbox, lines, layout, at)
        })?;
        threads.start_several("open", limits.openers, || {
            let (inbox, at) = (opener_inbox.clone(), stage("opening files"));
            move || stages::open(inbox, at)
        })?;
        let lost = Arc::<OnceLock<Fault>>::default();
        let mut coordinator = Coordinator {
            limits,
            inbox,
            address: address.clone(),
            to_open,
            to_readers,
            open_jobs: open_jobs.clone(),
            shutdown: shutdown.clone(),
            lost: lost.clone(),
            state: State::new(&limits, to_recognizer),
        };
        // Started last: the engine does no work until all other threads exist.
        threads.start("engine", move || coordinator.run())?;
        Ok(Engine {
            address,
            limits,
            loaded,
            open_jobs,
            shutdown,
            lost,
            counters,
            threads,
        })
    }

    /// Fails if the settings need a part that was not loaded.
    pub fn check(&self, settings: &JobSettings) -> Result<(), SubmitError> {
        match self.loaded.lacks(settings) {
            Some(what) => Err(SubmitError::NotLoaded(what)),
            None => Ok(()),
        }
    }

    /// Submits a job. Its progress is reported by its events.
    pub fn submit(&self, submission: Submission) -> Result<(), SubmitError> {
        self.check(&submission.settings)?;
        if let Some(fault) = self.lost() {
            return Err(SubmitError::Lost(fault.clone()));
        }
        let most = self.limits.jobs.max(1);
        let counted = self
            .open_jobs
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |jobs| {
                (jobs < most).then_some(jobs + 1)
            });
        if let Err(jobs) = counted {
            return Err(SubmitError::Overloaded { jobs });
        }
        let message = Message::Submitted(Box::new(submission));
        self.address.send(message).map_err(|_| {
            self.open_jobs.fetch_sub(1, Ordering::SeqCst);
            SubmitError::Ended
        })
    }

    /// Its numbers, for whoever watches it.
    pub fn counters(&self) -> EngineCounters {
        self.counters.clone()
    }

    /// `true` if the engine has ended by itself, because of an internal error.
    pub fn has_ended(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// Why the device of the networks can run nothing any more in this process, if it is so
    /// ([`Reason::DeviceLost`](crate::fault::Reason::DeviceLost)). Pages that were not finished before have failed with
    /// this fault, and no further job is taken.
    pub fn lost(&self) -> Option<&Fault> {
        self.lost.get()
    }

    /// Stops the engine: open jobs are given up, and threads are joined within `grace`; `None` for no limit.
    pub fn end(mut self, grace: Option<Duration>) {
        self.end_within(grace);
    }

    fn end_within(&mut self, grace: Option<Duration>) {
        // Fails only if the coordinator has ended already.
        drop(self.address.send(Message::Shutdown));
        self.shutdown.cancel();
        std::mem::take(&mut self.threads).join(grace.map(|grace| Instant::now() + grace));
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.end_within(Some(GRACE));
    }
}
