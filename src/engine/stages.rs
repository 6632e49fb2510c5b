//! The stage threads. Each takes from its inbox until that closes and passes on exactly one thing for each taken:
//! to the next stage, or a failure to the coordinator.

use super::LinePreparer;
use super::assemble::PlannedPage;
use super::coordinator::{Message, Opened, RecognizerEnds, ToOpen};
use super::guard::{error_chain, guarded};
use super::illustrate::illustrate;
use super::job::{JobContext, JobSettings, LayoutChoice};
use crate::deadline::{self, CancelToken, Deadline, Stopped};
use crate::document::{TextDecision, TextSource};
use crate::input::{InputError, PageSource, SourcePage};
use crate::layout::postprocess::LayoutOptions;
use crate::layout::{LayoutDetector, Region, whole_page};
use crate::lines::memory::PAGE_PIXEL;
use crate::lines::{PreparedPage, decide_text, prepare_layer};
use crate::plan::{self, PageName, PagePlan, PlanOptions};
use crate::raster::Pixels;
use crate::recognize::{BlockRequest, DocumentState, Recognizer, Ticket};
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A page on its way through the stages.
pub(crate) struct PageJob {
    /// Its number, which no other page ever has.
    pub(super) serial: u64,
    pub(super) context: Arc<JobContext>,
    pub(super) source: Arc<dyn PageSource>,
    pub(super) page_index: usize,
    timings: Vec<(&'static str, f64)>,
    /// The time spent on it.
    spent: Duration,
}

/// Tells the coordinator that a stage has ended, however it does.
pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) out: Sender<Message>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Without a coordinator the engine has ended too.
        drop(self.out.send(Message::StageEnded { name: self.name }));
    }
}

/// A page that needs its lines read.
pub(crate) struct ToRead {
    job: PageJob,
    page: SourcePage,
    decision: TextDecision,
}

/// Runs work by a deadline; also how long it took, without what it waited for its turn.
fn by_deadline<T>(
    deadline: Deadline,
    limit: Option<Duration>,
    what: &str,
    work: impl FnOnce() -> Result<T, String>,
) -> (Result<T, String>, Duration) {
    let start = Instant::now();
    let ((result, is_over), waited) = deadline.run(|| {
        let result = guarded(what, work);
        (result, deadline::stopped() == Some(Stopped::TimeUp))
    });
    // Whatever it says itself: what is wrong is that its time is up.
    let result = match (result, limit) {
        (Err(_), Some(limit)) if is_over => Err(deadline::time_up(limit)),
        (result, _) => result,
    };
    (result, start.elapsed().saturating_sub(waited))
}

impl PageJob {
    pub(super) fn new(
        serial: u64,
        context: Arc<JobContext>,
        source: Arc<dyn PageSource>,
        page_index: usize,
    ) -> PageJob {
        PageJob {
            serial,
            context,
            source,
            page_index,
            timings: Vec::new(),
            spent: Duration::ZERO,
        }
    }

    fn count(&mut self, stage: &'static str, took: Duration) {
        self.spent += took;
        self.timings.push((stage, took.as_secs_f64() * 1000.0));
    }

    fn is_cancelled(&self) -> bool {
        self.context.cancel.is_cancelled()
    }

    /// What is left of its time; an error where that is nothing.
    fn left(&self) -> Result<Option<Duration>, String> {
        let Some(limit) = self.context.settings.page_timeout else {
            return Ok(None);
        };
        match limit.checked_sub(self.spent) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(deadline::time_up(limit)),
        }
    }

    /// Does a stage's work on it.
    fn work<T>(
        &mut self,
        (stage, what): (&'static str, &str),
        work: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        let deadline = Deadline::of_all(vec![self.context.cancel.clone()], self.left()?);
        let (result, took) = by_deadline(deadline, self.context.settings.page_timeout, what, work);
        self.count(stage, took);
        result
    }

    /// Tells that it failed; after a cancel that says nothing about the page.
    fn fail(&self, out: &Sender<Message>, reason: String) {
        let serial = self.serial;
        // The coordinator is gone only when the engine has ended, and then nobody needs to hear of the page.
        drop(out.send(match self.is_cancelled() {
            true => Message::Interrupted { serial },
            false => Message::Failed {
                serial,
                page_index: self.page_index,
                reason,
            },
        }));
    }

    /// Whether its job was cancelled; then that is told.
    fn passes(&self, out: &Sender<Message>) -> bool {
        let is_cancelled = self.is_cancelled();
        if is_cancelled {
            drop(out.send(Message::Interrupted {
                serial: self.serial,
            }));
        }
        is_cancelled
    }
}

/// Bytes of a page beside its pixels: its text and drawn lines.
const PAGE_CONTENT: u64 = 1 << 20;

/// Bytes that a page of so many pixels may take.
pub(super) fn page_memory(pixels: u64) -> u64 {
    pixels
        .saturating_mul(PAGE_PIXEL)
        .saturating_add(PAGE_CONTENT)
}

/// Opens documents.
pub(super) fn open(inbox: Receiver<ToOpen>, stage: Stage) {
    for ToOpen {
        context,
        source,
        pages,
        max_pages,
    } in inbox
    {
        let deadline = Deadline::of_all(vec![context.cancel.clone()], None);
        let (opened, _) = deadline.run(|| {
            guarded("opening the file", || {
                deadline::check();
                let source = source().map_err(|InputError { reason, .. }| reason)?;
                let mut selected = pages.of(source.page_count());
                let wanted = selected.len();
                selected.truncate(max_pages.unwrap_or(usize::MAX));
                let document = Arc::new(document(&context, &*source));
                let context = Arc::new(JobContext {
                    document,
                    ..(*context).clone()
                });
                Ok(Box::new(Opened {
                    source,
                    context,
                    selected,
                    wanted,
                }))
            })
        });
        drop(stage.out.send(Message::Opened {
            key: context.key,
            opened,
        }));
    }
}

/// What the blocks of a document have in common.
fn document(context: &JobContext, source: &dyn PageSource) -> DocumentState {
    let settings = &context.settings;
    // Only what recognizers choose by chance depends on it, and it takes a reading of the file.
    let fingerprint = match settings.plan {
        PlanOptions::Vl(_) => source.fingerprint(),
        PlanOptions::PageText => 0,
    };
    DocumentState {
        fingerprint,
        cancel: context.cancel.clone(),
        takes_own_text: settings.own_text.is_some(),
        own_text: Default::default(),
    }
}

/// Reads pages; those with a trusted text layer are prepared at once, the others go to the line reader.
pub(super) fn read(
    inbox: Receiver<PageJob>,
    to_lines: Sender<ToRead>,
    to_layout: Sender<(PageJob, PreparedPage)>,
    stage: Stage,
) {
    for mut job in inbox {
        if job.passes(&stage.out) {
            continue;
        }
        let (source, settings) = (job.source.clone(), job.context.settings.clone());
        let index = job.page_index;
        let read = job.work(("read", "reading the page"), || {
            let page = source
                .read_page(index, settings.pixels_wanted())
                .map_err(|e| error_chain(&e))?;
            let decision = match settings.reads_pictures {
                true => picture_decision(),
                false => decide_text(&page, settings.text_layer),
            };
            Ok((page, decision))
        });
        match read {
            Err(reason) => job.fail(&stage.out, reason),
            Ok((page, decision))
                if decision.source == TextSource::Lines || settings.reads_pictures =>
            {
                drop(to_lines.send(ToRead {
                    job,
                    page,
                    decision,
                }));
            }
            Ok((page, decision)) => {
                let prepared = job.work(("text_layer", "reading the text layer"), || {
                    Ok(prepare_layer(page, decision))
                });
                match prepared {
                    Ok(prepared) => drop(to_layout.send((job, prepared))),
                    Err(reason) => job.fail(&stage.out, reason),
                }
            }
        }
    }
}

/// Of pages that are looked at as pictures no text is taken.
fn picture_decision() -> TextDecision {
    TextDecision {
        source: TextSource::None,
        reason: "the pipeline reads the page's picture".into(),
    }
}

/// Reads the lines of pages without a usable text layer.
pub(super) fn lines(
    inbox: Receiver<ToRead>,
    preparer: &mut dyn LinePreparer,
    to_layout: Sender<(PageJob, PreparedPage)>,
    stage: Stage,
) {
    for ToRead {
        mut job,
        page,
        decision,
    } in inbox
    {
        if job.passes(&stage.out) {
            continue;
        }
        let (source, settings) = (job.source.clone(), job.context.settings.clone());
        let prepared = job.work(("lines", "reading lines"), || {
            preparer
                .prepare(source.as_ref(), page, decision, &settings)
                .map_err(|e| error_chain(&e))
        });
        match prepared {
            Ok(prepared) => drop(to_layout.send((job, prepared))),
            Err(reason) => job.fail(&stage.out, reason),
        }
    }
}

/// Finds regions, plans them, cuts pictures, and sends a request for every block that is read.
///
/// Pages that wait, whatever document they are of, are shown to the detector together where their options are the same, up
/// to its batch size; it never waits for more: while it works the next ones gather.
pub(super) fn layout(
    inbox: Receiver<(PageJob, PreparedPage)>,
    detector: &mut dyn LayoutDetector,
    stage: Stage,
) {
    let mut detector = Restarted {
        detector,
        since: PAGES_BETWEEN_RESTARTS,
        restarting: Duration::ZERO,
    };
    let mut held = None;
    while let Some(first) = held.take().or_else(|| inbox.recv().ok()) {
        let others = detector.detector.batch_size().max(1) - 1;
        let settings = first.0.context.settings.clone();
        let mut batch = vec![first];
        while batch.len() <= others && held.is_none() {
            match inbox.try_recv() {
                Ok(next) if asks_alike(&next.0, &settings) => batch.push(next),
                Ok(next) => held = Some(next),
                Err(_) => break,
            }
        }
        // Of the pages that are left the one with the least time ends the work; it then costs the others nothing more.
        let mut least = None;
        batch.retain(|(job, _)| match job.left() {
            _ if job.passes(&stage.out) => false,
            Ok(left) => {
                least = least.into_iter().chain(left).min();
                true
            }
            Err(reason) => {
                job.fail(&stage.out, reason);
                false
            }
        });
        if batch.is_empty() {
            continue;
        }
        let start = Instant::now();
        let pages: Vec<_> = batch.iter().map(|(_, prepared)| prepared).collect();
        let found = match &settings.layout {
            LayoutChoice::WholePage(label) => pages
                .iter()
                .map(|page| Ok(vec![whole_page(*label, page.width, page.height)]))
                .collect(),
            LayoutChoice::Detect(options) => {
                let cancels = batch
                    .iter()
                    .map(|(job, _)| job.context.cancel.clone())
                    .collect();
                let ends = BatchEnd {
                    cancels,
                    left: least,
                    limit: settings.page_timeout,
                };
                detector.detect(&pages, options, &ends)
            }
        };
        let restarting = std::mem::take(&mut detector.restarting);
        let share = start.elapsed().saturating_sub(restarting) / batch.len() as u32;
        for ((mut job, prepared), found) in batch.into_iter().zip(found) {
            job.count("layout", share);
            match found {
                Ok(regions) => plan(job, prepared, regions, &stage.out),
                Err(reason) => job.fail(&stage.out, reason),
            }
        }
    }
}

/// Whether a page may be shown to the detector together with those of these settings.
fn asks_alike(page: &PageJob, settings: &Arc<JobSettings>) -> bool {
    let own = &page.context.settings;
    Arc::ptr_eq(own, settings)
        || (own.layout == settings.layout && own.page_timeout == settings.page_timeout)
}

/// When a batch's work ends: when all its pages are cancelled, or the time is up.
struct BatchEnd {
    cancels: Vec<CancelToken>,
    left: Option<Duration>,
    /// The time of a page, for what is told.
    limit: Option<Duration>,
}

impl BatchEnd {
    fn deadline(&self) -> Deadline {
        Deadline::of_all(self.cancels.clone(), self.left)
    }

    fn is_cancelled(&self) -> bool {
        self.cancels.iter().all(CancelToken::is_cancelled)
    }
}

/// Pages for which a detector has to work before it may be started again once more.
const PAGES_BETWEEN_RESTARTS: usize = 100;

/// A detector that is started again where it fails.
struct Restarted<'a> {
    detector: &'a mut dyn LayoutDetector,
    /// Pages since it was started again.
    since: usize,
    /// Time that starting took, which is none of a page.
    restarting: Duration,
}

impl Restarted<'_> {
    /// The regions of every page. Pages that fail together are tried in halves, so that a page, or the lack of memory
    /// for many at once, costs no other page; the time for all is that of each half again. Where a page fails alone the
    /// detector is started again, and the page tried once more: the fault may be the detector's own.
    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        options: &LayoutOptions,
        ends: &BatchEnd,
    ) -> Vec<Result<Vec<Region>, String>> {
        let (found, _) = by_deadline(ends.deadline(), ends.limit, "finding the layout", || {
            let regions = self
                .detector
                .detect(pages, options)
                .map_err(|e| e.to_string())?;
            match regions.len() == pages.len() {
                true => Ok(regions),
                false => Err(format!(
                    "{} pages were answered with {} layouts",
                    pages.len(),
                    regions.len()
                )),
            }
        });
        match found {
            Ok(regions) => {
                self.since = self.since.saturating_add(pages.len());
                regions.into_iter().map(Ok).collect()
            }
            Err(reason)
                if ends
                    .limit
                    .is_some_and(|limit| reason == deadline::time_up(limit))
                    && pages.len() < 2 =>
            {
                vec![Err(reason)]
            }
            Err(reason) if ends.is_cancelled() => {
                pages.iter().map(|_| Err(reason.clone())).collect()
            }
            Err(reason) if pages.len() < 2 => match self.restart(&reason) {
                true => self.detect(pages, options, ends),
                false => vec![Err(reason)],
            },
            Err(_) => {
                let (a, b) = pages.split_at(pages.len() / 2);
                let mut found = self.detect(a, options, ends);
                found.extend(self.detect(b, options, ends));
                found
            }
        }
    }

    /// Starts the detector again, if it was not a short while before.
    fn restart(&mut self, reason: &str) -> bool {
        if self.since < PAGES_BETWEEN_RESTARTS {
            return false;
        }
        self.since = 0;
        let start = Instant::now();
        let what = "starting layout detection";
        let restarted = guarded(what, || self.detector.restart().map_err(|e| e.to_string()));
        self.restarting += start.elapsed();
        restarted.unwrap_or_else(|error| {
            tracing::warn!(
                "layout detection failed ({reason}) and cannot be started again: {error}"
            );
            false
        })
    }
}

/// Plans a page's regions, cuts pictures and asks for its blocks.
fn plan(mut job: PageJob, mut prepared: PreparedPage, regions: Vec<Region>, out: &Sender<Message>) {
    let (source, context) = (job.source.clone(), job.context.clone());
    let settings = &context.settings;
    let planned = job.work(
        ("pictures", "planning the page and cutting pictures"),
        || {
            let name = PageName {
                folder: &context.job.picture_folder,
                page_index: prepared.page_index,
            };
            let plan = plan::plan_page(regions, name, &settings.plan);
            let cut = illustrate(&mut prepared, &plan, source.as_ref(), settings)?;
            Ok((plan, cut))
        },
    );
    let (plan, mut cut) = match planned {
        Ok(planned) => planned,
        Err(reason) => return job.fail(out, reason),
    };
    let steps = prepared.preprocess_steps.take();
    let prepared = Arc::new(prepared);
    let crops = std::mem::take(&mut cut.crops);
    let time_left = settings
        .page_timeout
        .map(|limit| limit.saturating_sub(job.spent));
    let requests = requests(&job, &plan, &prepared, &crops, time_left);
    let waiting = requests.iter().map(|r| r.ticket.block).collect();
    let (serial, timings) = (job.serial, job.timings);
    let page = Box::new(PlannedPage {
        serial,
        context,
        prepared,
        plan,
        cut,
        steps,
        timings,
        waiting,
    });
    drop(out.send(Message::Planned { page, requests }));
}

/// What is asked of the recognizer about a page.
fn requests(
    job: &PageJob,
    plan: &PagePlan,
    prepared: &Arc<PreparedPage>,
    crops: &BTreeMap<usize, Arc<Pixels>>,
    time_left: Option<Duration>,
) -> Vec<BlockRequest> {
    let spent = Arc::default();
    let asked = plan
        .blocks
        .iter()
        .enumerate()
        .filter_map(|(block, planned)| {
            Some(BlockRequest {
                ticket: Ticket {
                    page: job.serial,
                    block,
                },
                document: job.context.document.clone(),
                page: prepared.clone(),
                region: Arc::new(planned.region.clone()),
                request: Arc::new(planned.request.clone()?),
                crop: crops.get(&block).cloned(),
                time_left,
                time_spent: Arc::clone(&spent),
            })
        });
    asked.collect()
}

/// Runs the recognizer, each time with the channels that it is handed. When it ends early it is made ready for another run.
pub(super) fn recognize(
    inbox: Receiver<RecognizerEnds>,
    recognizer: &mut dyn Recognizer,
    shutdown: CancelToken,
    stage: Stage,
) {
    for (requests, answers) in inbox {
        let watch = requests.clone();
        let deadline = Deadline::of_all(vec![shutdown.clone()], None);
        let (ended, _) = deadline.run(|| {
            guarded("recognizing", || {
                recognizer.run(requests, answers).map_err(|e| e.to_string())
            })
        });
        let is_over = matches!(watch.try_recv(), Err(TryRecvError::Disconnected));
        if shutdown.is_cancelled() || (ended.is_ok() && is_over) {
            continue;
        }
        let reason = ended
            .err()
            .unwrap_or_else(|| "the recognizer ended early".to_string());
        let restarted = guarded("starting the recognizer", || {
            recognizer.restart().map_err(|e| e.to_string())
        });
        if let Err(error) = &restarted {
            tracing::error!("the recognizer cannot be started again: {error}");
        }
        drop(stage.out.send(Message::RecognizerEnded {
            reason,
            restarts: restarted.is_ok(),
        }));
    }
}
