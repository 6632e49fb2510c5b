//! The engine: stage threads, channels, permits, page order, cancelling and the failure policy.
//!
//! ```text
//! opener -> readers (several) -> lines -> layout -> recognizer -> assembler (the calling thread) -> sink
//! ```
//!
//! * A page holds a permit from before it is read until it is handed to the sink, so memory is bounded by the
//!   pages in flight, by their number and their pixels, and not by the length of documents. Permits are taken in page order. Every channel has room
//!   for all pages in flight: sending never blocks.
//! * Every page that was asked for has exactly one outcome; pages in a row that repeat earlier ones have one together. A page that fails, or makes a stage panic, becomes a
//!   page with a diagnostic. A recognizer that ends early fails the blocks that it still owes.
//! * A stage keeps emptying its inbox until that closes, also after a fault.
//! * The time of a page is what is spent on it, by all stages together; what it waits for its turn does not count. A
//!   page whose time is up fails.
//! * Cancelling is a flag. Stages pass on what they take from then on, and end the work at hand where that looks at
//!   its [`crate::deadline`]. Nobody waits for one that does not: after a moment ([`GRACE`]) every document that is not
//!   finished is given up, the run returns, and the thread is left behind. The process should then end without the
//!   destructors of its libraries.

mod assemble;
mod illustrate;
mod permits;
mod repeats;
mod stages;
#[cfg(test)]
mod tests;
mod threads;

use crate::document::{Page, TextDecision};
use crate::input::{InputError, InputFile, PageSource, PixelsWanted, SourcePage};
use crate::layout::LayoutDetector;
use crate::lines::{PrepareError, PreparedPage, TextLayerMode};
use crate::plan::{PagePlan, PlanOptions};
use crate::preprocess::PreprocessSteps;
use crate::raster::Pixels;
use crate::recognize::Recognizer;
use permits::Permits;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
pub use threads::StartError;
use threads::Threads;

/// After a cancel, how long stages have to end what they are at.
pub const GRACE: Duration = Duration::from_millis(800);
/// Why a document is given up when the run is cancelled.
pub const CANCELLED: &str = "cancelled";
/// Why a document is given up after another fault, where one is enough.
pub const NOT_TRIED: &str = "not done, since something else failed before (--fail-fast)";

/// A document to be parsed.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its position in the run.
    pub id: usize,
    /// Its file.
    pub file: InputFile,
    /// Folder of its pictures below `imgs/`.
    pub picture_folder: String,
}

/// Which pages of every document are wanted, as ranges from 1; none: all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageSelection(pub Vec<RangeInclusive<usize>>);

impl PageSelection {
    /// The wanted positions, from 0, of a document with `count` pages, in order and each once.
    pub fn of(&self, count: usize) -> Vec<usize> {
        (0..count).filter(|i| self.0.is_empty() || self.0.iter().any(|r| r.contains(&(i + 1)))).collect()
    }
}

/// What the engine needs to know.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Threads that read pages.
    pub readers: usize,
    /// Pages in flight at most.
    pub pages_in_flight: usize,
    /// Bytes that the pages in flight may take together; one page alone may take more.
    pub page_memory: u64,
    /// Which pages are wanted.
    pub pages: PageSelection,
    /// How many pages of a document at most; `None`: all.
    pub max_pages: Option<usize>,
    /// Pages of a document, of those that are the same object of the file as earlier ones, that are parsed all the same; the
    /// others become one page without content for all in a row. `None`: all are parsed.
    pub most_repeats: Option<usize>,
    /// Where the text of PDF pages comes from.
    pub text_layer: TextLayerMode,
    /// Whether pages are looked at as pictures, whatever text they hold.
    pub reads_pictures: bool,
    /// Whether the detector sees the pixels of pages.
    pub detector_sees_pixels: bool,
    /// How pages are planned.
    pub plan: PlanOptions,
    /// Whether the pixels of pages are handed to the sink.
    pub keep_pixels: bool,
    /// Whether what was decided and asked is handed to the sink.
    pub trace: bool,
    /// Whether the pictures of pages are wanted, as JPEG, for drawings.
    pub page_pictures: bool,
    /// Whether pictures are cut out of pages.
    pub block_pictures: bool,
    /// Stop at the first failed page or document.
    pub fail_fast: bool,
    /// Longest time that is spent on a page, all stages together; `None`: as long as it takes.
    pub page_timeout: Option<Duration>,
}

impl EngineOptions {
    /// Whether the page at every step of document preprocessing is wanted: where anybody draws it.
    pub fn keep_steps(&self) -> bool {
        self.keep_pixels || self.page_pictures
    }

    fn pixels_wanted(&self) -> PixelsWanted {
        if self.page_pictures || self.reads_pictures || self.detector_sees_pixels || self.keep_pixels {
            PixelsWanted::Full
        } else {
            PixelsWanted::Preview
        }
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
    ) -> Result<PreparedPage, PrepareError>;
}

/// Opens a job's file.
pub type Opener = dyn Fn(&Job) -> Result<Arc<dyn PageSource>, InputError> + Send + Sync;

/// The parts that do the work of the stages.
pub struct Stages {
    /// Opens files.
    pub open: Box<Opener>,
    /// Reads lines.
    pub lines: Box<dyn LinePreparer>,
    /// Finds regions.
    pub detector: Box<dyn LayoutDetector>,
    /// Reads blocks.
    pub recognizer: Box<dyn Recognizer>,
    /// Called once when the run is cancelled, to end whatever a stage may be waiting for. It must not wait itself.
    pub on_cancel: Box<dyn FnOnce()>,
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
        FinishedPage { page, picture: None, pixels: None, steps: None, trace: None }
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
        TracedPicture { width: pixels.width, height: pixels.height, rgb_sha256 }
    }
}

/// How a document's outputs came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentEnd {
    /// All of them are there.
    Whole,
    /// Some could not be made.
    Partial,
}

/// Takes what the engine makes. Called from the thread that runs the engine.
///
/// A panic counts as an error of the document that the call was about.
pub trait DocumentSink {
    /// A document was opened; `page_count` is that of the whole input, `selected` of what is wanted.
    fn begin(&mut self, job: &Job, page_count: usize, selected: usize, is_paged: bool);
    /// The next page of a document, in order. An error fails the document.
    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), String>;
    /// All pages were handed over. An error fails the document.
    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, String>;
    /// The document was given up: it could not be opened or written, or the run ended before it ([`CANCELLED`],
    /// [`NOT_TRIED`]).
    fn failed(&mut self, job: &Job, reason: &str);
}

/// How a run ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOutcome {
    /// Documents finished without any failed page or block.
    pub done: usize,
    /// Documents finished with failed pages or blocks.
    pub partial: usize,
    /// Documents that were given up.
    pub failed: usize,
    /// Whether the run was cancelled.
    pub cancelled: bool,
}

/// A page on its way.
pub(crate) struct PageJob {
    /// Number over the whole run.
    serial: u64,
    job: Arc<Job>,
    source: Arc<dyn PageSource>,
    page_index: usize,
    timings: Vec<(&'static str, f64)>,
    /// The time spent on it.
    spent: Duration,
}

/// What stages know of the run.
pub(crate) struct Run {
    options: EngineOptions,
    permits: Permits,
    /// Set where a fault ends the run.
    stop: AtomicBool,
    cancel: Arc<AtomicBool>,
}

impl Run {
    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    fn is_stopped(&self) -> bool {
        self.is_cancelled() || self.stop.load(Ordering::Relaxed)
    }
}

/// Runs all jobs to their end, or until `cancel` is set and [`GRACE`] is over. Blocks; the sink is called from this thread.
///
/// Fails where the system refuses a thread that is needed, before anything is done.
pub fn run(
    jobs: Vec<Job>,
    stages: Stages,
    options: &EngineOptions,
    sink: &mut dyn DocumentSink,
    cancel: &Arc<AtomicBool>,
) -> Result<RunOutcome, StartError> {
    let capacity = options.pages_in_flight.max(1);
    let run = Arc::new(Run {
        options: options.clone(),
        permits: Permits::new(capacity, options.page_memory),
        stop: AtomicBool::new(false),
        cancel: cancel.clone(),
    });
    let jobs: Vec<Arc<Job>> = jobs.into_iter().map(Arc::new).collect();
    let (to_readers, reader_inbox) = crossbeam_channel::bounded::<PageJob>(capacity);
    let (to_lines, lines_inbox) = crossbeam_channel::bounded(capacity);
    let (to_layout, layout_inbox) = crossbeam_channel::bounded(capacity);
    // A page has any number of blocks; the pages in flight bound them.
    let (to_recognizer, recognizer_inbox) = crossbeam_channel::unbounded();
    let (outcomes, inbox) = crossbeam_channel::unbounded();
    let Stages { open, mut lines, mut detector, mut recognizer, on_cancel } = stages;
    let mut threads = Threads::default();
    let (shared, out) = (run.clone(), outcomes.clone());
    let (answers, from_recognizer) = crossbeam_channel::unbounded();
    let (forwarding, forwarded) = crossbeam_channel::bounded(0);
    threads.start("answers", move || stages::forward(from_recognizer, out, forwarding))?;
    let out = outcomes.clone();
    threads.start("recognize", move || {
        stages::recognize(recognizer_inbox, recognizer.as_mut(), &shared, (answers, forwarded), out)
    })?;
    let (shared, out) = (run.clone(), outcomes.clone());
    threads.start("layout", move || {
        stages::layout(layout_inbox, detector.as_mut(), &shared, to_recognizer, out)
    })?;
    let (shared, layout, out) = (run.clone(), to_layout.clone(), outcomes.clone());
    threads.start("lines", move || stages::lines(lines_inbox, lines.as_mut(), &shared, layout, out))?;
    let mut readers = (0..options.readers.max(1)).map(|number| {
        let (shared, inbox) = (run.clone(), reader_inbox.clone());
        let (lines, layout, out) = (to_lines.clone(), to_layout.clone(), outcomes.clone());
        (format!("read-{number}"), move || stages::read(inbox, &shared, lines, layout, out))
    });
    if let Some((name, body)) = readers.next() {
        threads.start(&name, body)?;
    }
    // The last that is needed: nothing is done before all others are there.
    let (shared, to_open, out) = (run.clone(), jobs.clone(), outcomes.clone());
    threads.start("open", move || stages::open(to_open, &*open, &shared, to_readers, out))?;
    for (number, (name, body)) in (1..).zip(&mut readers) {
        // Fewer do it too.
        if let Err(error) = threads.start(&name, body) {
            tracing::warn!("{error}; {number} read pages instead of {}", options.readers);
            break;
        }
    }
    drop(readers);
    drop((reader_inbox, to_lines, to_layout, outcomes));
    let mut assembler = assemble::Assembler::new(sink, &run, jobs);
    let deadline = assembler.run(inbox, on_cancel);
    threads.join(deadline);
    Ok(assembler.outcome())
}
