//! The engine: stages that live as long as it does, and jobs that share them.
//!
//! ```text
//! clients -> coordinator -> openers
//!                        -> readers (several) -> lines -> layout -> coordinator
//!                        -> recognizer -> coordinator -> clients
//! ```
//!
//! [`Engine::start`] starts the threads of the stages; [`Engine::submit`] hands a job over, with its settings and the channel
//! for its events, and returns at once. [`run`] is the client that takes the documents of a command line one after the
//! other.
//!
//! * The coordinator alone counts. A page holds a permit from before it is read until it is finished, so memory is bounded by
//!   the pages in flight, by their number and their pixels, and not by the length of documents or the number of jobs. Jobs
//!   take turns, page by page and block by block: a book does not stop a letter.
//! * Finished pages that a client has not received yet are bounded in the same way, but for each client by itself: one that is
//!   slow holds back its own jobs, and one that is gone ends them. So with many slow clients more pages may wait than are in
//!   flight; those hold no pixels unless they were asked for.
//! * Every page that was started has exactly one outcome; pages in a row that repeat earlier ones have one together. A page
//!   that fails, or makes a stage panic, becomes a page with a diagnostic.
//! * A recognizer that ends early is started again, and asked again for the blocks that it had, one by one; only a block with
//!   which it ends a second time fails. Where it cannot be started, or gives no answer however often it is, blocks fail with
//!   the reason, until it is tried once more after a while. A detector that fails is started again, not more often than
//!   every hundred pages.
//! * A stage keeps emptying its inbox until that closes, also after a fault. Every channel between stages has room for all
//!   pages in flight: sending never blocks.
//! * The time of a page is what is spent on it, by all stages together; what it waits for its turn does not count. A
//!   page whose time is up fails.
//! * Cancelling is a flag of each job. The job is given up at once; stages pass on what they take of it from then on, and end
//!   the work at hand where that looks at its [`crate::deadline`]. Nobody waits for one that does not: the threads of an
//!   engine that ends are joined for a moment ([`GRACE`]), and left behind after it. The process should then end without
//!   the destructors of its libraries.
//! * What a job's pages come out as does not depend on the jobs beside it or before it.

mod assemble;
mod blocks;
mod coordinator;
mod illustrate;
mod job;
mod permits;
mod repeats;
mod run;
mod stages;
#[cfg(test)]
mod tests;
mod threads;

use crate::deadline::CancelToken;
use crate::document::{Page, TextDecision};
use crate::input::{PageSource, SourcePage};
use crate::layout::LayoutDetector;
use crate::lines::{PrepareError, PreparedPage};
use crate::plan::{PagePlan, PlanOptions};
use crate::preprocess::PreprocessSteps;
use crate::raster::Pixels;
use crate::recognize::Recognizer;
use coordinator::{Coordinator, Message, State};
use crossbeam_channel::Sender;
pub use job::{
    Delivery, Event, EventReceiver, EventSender, Job, JobFault, JobSettings, LayoutChoice,
    OpenSource, Submission, SubmitError, events,
};
use permits::Permits;
pub use run::{Batch, DocumentEnd, DocumentSink, EngineOptions, Opener, RunOutcome, run};
use sha2::{Digest, Sha256};
use stages::Stage;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
pub use threads::StartError;
use threads::Threads;

/// After a cancel, how long stages have to end what they are at.
pub const GRACE: Duration = Duration::from_millis(800);
/// Why a document is given up when the run is cancelled.
pub const CANCELLED: &str = "cancelled";
/// Why a document is given up after another fault, where one is enough.
pub const NOT_TRIED: &str = "not done, since something else failed before (--fail-fast)";

/// Which pages of every document are wanted, as ranges from 1; none: all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageSelection(pub Vec<RangeInclusive<usize>>);

impl PageSelection {
    /// The wanted positions, from 0, of a document with `count` pages, in order and each once.
    pub fn of(&self, count: usize) -> Vec<usize> {
        (0..count)
            .filter(|i| self.0.is_empty() || self.0.iter().any(|r| r.contains(&(i + 1))))
            .collect()
    }
}

/// What may be in the engine at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Jobs that have not ended.
    pub jobs: usize,
    /// Threads that open files.
    pub openers: usize,
    /// Threads that read pages.
    pub readers: usize,
    /// Pages in flight at most; of each client as many that it has not received.
    pub pages_in_flight: usize,
    /// Bytes that the pages in flight may take together; one page alone may take more.
    pub page_memory: u64,
    /// Blocks that the recognizer has at once.
    pub blocks_in_flight: usize,
}

impl Limits {
    fn permits(&self) -> Permits {
        Permits::new(self.pages_in_flight.max(1), self.page_memory)
    }
}

/// Prepares pages whose text has to be read from their picture.
pub trait LinePreparer: Send {
    /// The prepared page.
    fn prepare(
        &mut self,
        source: &dyn PageSource,
        page: SourcePage,
        decision: TextDecision,
        settings: &JobSettings,
    ) -> Result<PreparedPage, PrepareError>;
}

/// The parts that do the work of the stages.
pub struct Stages {
    /// Reads lines.
    pub lines: Box<dyn LinePreparer>,
    /// Finds regions.
    pub detector: Box<dyn LayoutDetector>,
    /// Reads blocks.
    pub recognizer: Box<dyn Recognizer>,
    /// What of it was loaded: what the settings of a job may ask for.
    pub loaded: LoadedParts,
}

/// The parts that jobs may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadedParts {
    /// The detector finds layouts.
    pub layout: bool,
    /// The orientation classifier.
    pub orientation: bool,
    /// The unwarping network.
    pub unwarping: bool,
    /// A recognizer that looks at pictures.
    pub recognizer: bool,
    /// One that cuts blocks out of the page's text.
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

    /// What settings ask for beyond what was loaded.
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

/// A finished page with what goes beside it.
#[derive(Debug)]
pub struct FinishedPage {
    /// The page.
    pub page: Page,
    /// Its picture as JPEG with its size in pixels, where it was asked for.
    pub picture: Option<(Arc<[u8]>, usize, usize)>,
    /// Its pixels, where they were asked for.
    pub pixels: Option<Arc<Pixels>>,
    /// The page at every step of document preprocessing, where it was asked for.
    pub steps: Option<PreprocessSteps>,
    /// What was decided and asked, where it was asked for.
    pub trace: Option<Box<PageTrace>>,
}

impl FinishedPage {
    /// A page with nothing beside it.
    pub fn of(page: Page) -> Self {
        FinishedPage {
            page,
            picture: None,
            pixels: None,
            steps: None,
            trace: None,
        }
    }
}

/// What was decided about a page and asked of the recognizer.
#[derive(Debug, Clone)]
pub struct PageTrace {
    /// The plan.
    pub plan: PagePlan,
    /// What the recognizer was shown, by position of the block, and whether that is the page as it is.
    pub crops: BTreeMap<usize, (Arc<Pixels>, bool)>,
    /// The pictures that go with the page, by path.
    pub pictures: BTreeMap<String, TracedPicture>,
    /// What the recognizer said, by position of the block.
    pub answers: BTreeMap<usize, String>,
}

/// A picture as it was before encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracedPicture {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// SHA-256 of its rows of R, G, B bytes, in hexadecimal digits.
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

/// The engine. It ends, with all its jobs, when it is dropped.
pub struct Engine {
    address: Sender<Message>,
    limits: Limits,
    loaded: LoadedParts,
    open_jobs: Arc<AtomicUsize>,
    shutdown: CancelToken,
    threads: Threads,
}

impl Engine {
    /// Starts the threads of the stages. Fails where the system refuses one that is needed.
    pub fn start(stages: Stages, limits: Limits) -> Result<Engine, StartError> {
        let capacity = limits.pages_in_flight.max(1);
        let Stages {
            mut lines,
            mut detector,
            mut recognizer,
            loaded,
        } = stages;
        let (address, inbox) = crossbeam_channel::unbounded();
        let (to_open, opener_inbox) = crossbeam_channel::unbounded();
        let (to_readers, reader_inbox) = crossbeam_channel::bounded(capacity);
        let (to_lines, lines_inbox) = crossbeam_channel::bounded(capacity);
        let (to_layout, layout_inbox) = crossbeam_channel::bounded(capacity);
        let (to_recognizer, recognizer_inbox) = crossbeam_channel::unbounded();
        let shutdown = CancelToken::default();
        let open_jobs = Arc::<AtomicUsize>::default();
        let mut threads = Threads::default();
        let stage = |name| Stage {
            name,
            out: address.clone(),
        };
        let (at, ends) = (stage("recognition"), shutdown.clone());
        threads.start("recognize", move || {
            stages::recognize(recognizer_inbox, recognizer.as_mut(), ends, at);
        })?;
        let at = stage("layout detection");
        threads.start("layout", move || {
            stages::layout(layout_inbox, detector.as_mut(), at)
        })?;
        let (layout, at) = (to_layout.clone(), stage("line recognition"));
        threads.start("lines", move || {
            stages::lines(lines_inbox, lines.as_mut(), layout, at)
        })?;
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
        let mut coordinator = Coordinator {
            limits,
            inbox,
            address: address.clone(),
            to_open,
            to_readers,
            open_jobs: open_jobs.clone(),
            shutdown: shutdown.clone(),
            state: State::new(&limits, to_recognizer),
        };
        // The last that is needed: nothing is done before all others are there.
        threads.start("engine", move || coordinator.run())?;
        Ok(Engine {
            address,
            limits,
            loaded,
            open_jobs,
            shutdown,
            threads,
        })
    }

    /// Hands a job over. All that happens to it is told through its events.
    pub fn submit(&self, submission: Submission) -> Result<(), SubmitError> {
        if let Some(what) = self.loaded.lacks(&submission.settings) {
            return Err(SubmitError::NotLoaded(what));
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

    /// Whether it has ended by itself, by a fault of its own.
    pub fn has_ended(&self) -> bool {
        self.shutdown.is_cancelled()
    }

    /// Ends the engine: jobs that have not ended are given up, and its threads are waited for, at most so long; `None`: until
    /// they have ended.
    pub fn end(mut self, grace: Option<Duration>) {
        self.end_within(grace);
    }

    fn end_within(&mut self, grace: Option<Duration>) {
        // Where it is gone there is nothing to be told.
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
