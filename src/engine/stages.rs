//! The stage threads. Each takes from its inbox until that closes and passes on exactly one thing for each taken:
//! to the next stage, or a failure to the assembler.

use super::assemble::{Outcome, PlannedPage};
use super::illustrate::illustrate;
use super::repeats::{LeftOut, Repeats};
use super::{CANCELLED, Job, LinePreparer, Opener, PageJob, Run};
use crate::deadline::{self, Deadline, Stopped};
use crate::document::{TextDecision, TextSource};
use crate::input::{InputError, SourcePage};
use crate::layout::{LayoutDetector, Region};
use crate::lines::memory::PAGE_PIXEL;
use crate::lines::{PreparedPage, decide_text, prepare_layer};
use crate::plan::{self, PageName, PagePlan};
use crate::raster::Pixels;
use crate::recognize::{BlockAnswer, BlockRequest, Recognizer, Ticket};
use crossbeam_channel::{Receiver, Sender};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A page that needs its lines read.
pub(crate) struct ToRead {
    job: PageJob,
    page: SourcePage,
    decision: TextDecision,
}

/// Runs `work`, turning a panic into an error; `what` names the stage.
pub(super) fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| match deadline::why(panic.as_ref()) {
        Some(Stopped::Cancelled) => Err(CANCELLED.to_string()),
        Some(Stopped::TimeUp) => Err(format!("the time is up while {what}")),
        None => {
            let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(format!("internal error while {what}: {text}"))
        }
    })
}

impl Run {
    /// What is left of a page's time; an error where that is nothing.
    fn left(&self, job: &PageJob) -> Result<Option<Duration>, String> {
        let Some(limit) = self.options.page_timeout else { return Ok(None) };
        match limit.checked_sub(job.spent) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(deadline::time_up(limit)),
        }
    }

    /// Runs work by a deadline; also how long it took, without what it waited for its turn.
    fn by_deadline<T>(
        &self,
        left: Option<Duration>,
        what: &str,
        work: impl FnOnce() -> Result<T, String>,
    ) -> (Result<T, String>, Duration) {
        let start = Instant::now();
        let deadline = Deadline::new(self.cancel.clone(), left);
        let ((result, is_over), waited) = deadline.run(|| {
            let result = guarded(what, work);
            (result, deadline::stopped() == Some(Stopped::TimeUp))
        });
        // Whatever it says itself: what is wrong is that its time is up.
        let result = match (result, self.options.page_timeout) {
            (Err(_), Some(limit)) if is_over => Err(deadline::time_up(limit)),
            (result, _) => result,
        };
        (result, start.elapsed().saturating_sub(waited))
    }

    /// Does a stage's work on a page.
    fn work<T>(
        &self,
        job: &mut PageJob,
        (stage, what): (&'static str, &str),
        work: impl FnOnce() -> Result<T, String>,
    ) -> Result<T, String> {
        let left = self.left(job)?;
        let (result, took) = self.by_deadline(left, what, work);
        job.count(stage, took);
        result
    }

    /// Tells that a page failed; after a cancel that says nothing about the page.
    fn fail(&self, outcomes: &Sender<Outcome>, job: &PageJob, reason: String) {
        let serial = job.serial;
        // The assembler is gone only after a cancel, and then nobody needs to hear of the page.
        drop(outcomes.send(match self.is_cancelled() {
            true => Outcome::Interrupted { serial },
            false => Outcome::Failed { serial, page_index: job.page_index, reason },
        }));
    }

    /// Whether the run was cancelled; then the page is told.
    fn passes(&self, outcomes: &Sender<Outcome>, job: &PageJob) -> bool {
        let is_cancelled = self.is_cancelled();
        if is_cancelled {
            drop(outcomes.send(Outcome::Interrupted { serial: job.serial }));
        }
        is_cancelled
    }
}

impl PageJob {
    fn count(&mut self, stage: &'static str, took: Duration) {
        self.spent += took;
        self.timings.push((stage, took.as_secs_f64() * 1000.0));
    }
}

/// Bytes of a page beside its pixels: its text and drawn lines.
const PAGE_CONTENT: u64 = 1 << 20;

/// Bytes that a page of so many pixels may take.
fn page_memory(pixels: u64) -> u64 {
    pixels.saturating_mul(PAGE_PIXEL).saturating_add(PAGE_CONTENT)
}

/// Opens documents one after the other and sends their pages, each with a permit.
pub(crate) fn open(
    jobs: Vec<Arc<Job>>,
    open: &Opener,
    run: &Run,
    to_readers: Sender<PageJob>,
    outcomes: Sender<Outcome>,
) {
    let mut serial = 0;
    // A closed channel means that the assembler is gone, which it never is before all pages are, but after a cancel.
    let tell = |outcome| outcomes.send(outcome).is_ok();
    for job in jobs {
        if run.is_stopped() {
            tell(Outcome::NotTried { job });
            continue;
        }
        let deadline = Deadline::new(run.cancel.clone(), None);
        let (opened, _) = deadline.run(|| guarded("opening the file", || Ok((open)(&job))));
        let opened = opened.unwrap_or_else(|reason| Err(InputError::new(&job.file.given, reason)));
        let source = match opened {
            Ok(source) => source,
            // Its worker may have been ended.
            Err(_) if run.is_cancelled() => {
                tell(Outcome::NotTried { job });
                continue;
            }
            Err(error) => {
                tell(Outcome::GivenUp { job, reason: error.reason });
                continue;
            }
        };
        let mut selected = run.options.pages.of(source.page_count());
        let wanted = selected.len();
        selected.truncate(run.options.max_pages.unwrap_or(usize::MAX));
        let is_cut = selected.len() < wanted;
        if is_cut {
            let message = format!("only {} of {wanted} pages are parsed (--max-pages)", selected.len());
            tracing::warn!(code = "max_pages", file = job.file.given, "{message}");
        }
        if selected.is_empty() {
            let reason = format!("none of the {} pages was asked for", source.page_count());
            tell(Outcome::GivenUp { job, reason });
            continue;
        }
        let (page_count, is_paged) = (source.page_count(), source.is_paged());
        let (first, end) = (serial, serial + selected.len() as u64);
        serial = end;
        let (told, selected_count) = (job.clone(), selected.len());
        tell(Outcome::Opened { job: told, page_count, is_paged, first, selected: selected_count, is_cut });
        let mut repeats = Repeats::new(run.options.most_repeats);
        let mut left_out: Option<LeftOut> = None;
        for (serial, page_index) in (first..end).zip(selected) {
            if let Some(earlier) = repeats.left_out(&*source, page_index) {
                if let Some(row) = left_out.take_if(|row| row.ends_before(page_index)) {
                    tell(row.outcome());
                }
                let row = left_out.get_or_insert_with(|| LeftOut::from(serial, page_index));
                row.add(earlier);
                continue;
            }
            if let Some(row) = left_out.take() {
                tell(row.outcome());
            }
            let bytes = page_memory(source.page_pixels(page_index));
            if !run.permits.take(serial, bytes, &|| run.is_stopped()) {
                tell(Outcome::Unread { serials: serial..end });
                break;
            }
            let (job, source) = (job.clone(), source.clone());
            let page =
                PageJob { serial, job, source, page_index, timings: Vec::new(), spent: Duration::ZERO };
            if let Err(lost) = to_readers.send(page) {
                run.fail(&outcomes, &lost.0, "the readers are gone".to_string());
            }
        }
        if let Some(row) = left_out {
            tell(row.outcome());
        }
    }
}

/// Reads pages; those with a trusted text layer are prepared at once, the others go to the line reader.
pub(crate) fn read(
    inbox: Receiver<PageJob>,
    run: &Run,
    to_lines: Sender<ToRead>,
    to_layout: Sender<(PageJob, PreparedPage)>,
    outcomes: Sender<Outcome>,
) {
    let options = &run.options;
    for mut job in inbox {
        if run.passes(&outcomes, &job) {
            continue;
        }
        let source = job.source.clone();
        let index = job.page_index;
        let read = run.work(&mut job, ("read", "reading the page"), || {
            let page = source.read_page(index, options.pixels_wanted()).map_err(|e| error_chain(&e))?;
            let decision = match options.reads_pictures {
                true => picture_decision(),
                false => decide_text(&page, options.text_layer),
            };
            Ok((page, decision))
        });
        match read {
            Err(reason) => run.fail(&outcomes, &job, reason),
            Ok((page, decision)) if decision.source == TextSource::Lines || options.reads_pictures => {
                drop(to_lines.send(ToRead { job, page, decision }));
            }
            Ok((page, decision)) => {
                let prepared = run.work(&mut job, ("text_layer", "reading the text layer"), || {
                    Ok(prepare_layer(page, decision))
                });
                match prepared {
                    Ok(prepared) => drop(to_layout.send((job, prepared))),
                    Err(reason) => run.fail(&outcomes, &job, reason),
                }
            }
        }
    }
}

/// Of pages that are looked at as pictures no text is taken.
fn picture_decision() -> TextDecision {
    TextDecision { source: TextSource::None, reason: "the pipeline reads the page's picture".into() }
}

/// An error and its causes in one line.
pub(super) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// Reads the lines of pages without a usable text layer.
pub(crate) fn lines(
    inbox: Receiver<ToRead>,
    preparer: &mut dyn LinePreparer,
    run: &Run,
    to_layout: Sender<(PageJob, PreparedPage)>,
    outcomes: Sender<Outcome>,
) {
    for ToRead { mut job, page, decision } in inbox {
        if run.passes(&outcomes, &job) {
            continue;
        }
        let source = job.source.clone();
        let prepared = run.work(&mut job, ("lines", "reading lines"), || {
            preparer.prepare(source.as_ref(), page, decision).map_err(|e| error_chain(&e))
        });
        match prepared {
            Ok(prepared) => drop(to_layout.send((job, prepared))),
            Err(reason) => run.fail(&outcomes, &job, reason),
        }
    }
}

/// Finds regions, plans them, cuts pictures, and sends a request for every block that is read.
///
/// Pages that wait, whatever document they are of, are shown to the detector together, up to its batch size; it never
/// waits for more: while it works the next ones gather.
pub(crate) fn layout(
    inbox: Receiver<(PageJob, PreparedPage)>,
    detector: &mut dyn LayoutDetector,
    run: &Run,
    to_recognizer: Sender<BlockRequest>,
    outcomes: Sender<Outcome>,
) {
    while let Ok(first) = inbox.recv() {
        let others = detector.batch_size().max(1) - 1;
        let mut batch: Vec<_> = std::iter::once(first).chain(inbox.try_iter().take(others)).collect();
        // Of the pages that are left the one with the least time ends the work; it then costs the others nothing more.
        let mut least = None;
        batch.retain(|(job, _)| match run.left(job) {
            _ if run.passes(&outcomes, job) => false,
            Ok(left) => {
                least = least.into_iter().chain(left).min();
                true
            }
            Err(reason) => {
                run.fail(&outcomes, job, reason);
                false
            }
        });
        if batch.is_empty() {
            continue;
        }
        let pages: Vec<_> = batch.iter().map(|(_, prepared)| prepared).collect();
        let start = Instant::now();
        let found = detect(detector, &pages, run, least);
        let share = start.elapsed() / batch.len() as u32;
        for ((mut job, prepared), found) in batch.into_iter().zip(found) {
            job.count("layout", share);
            match found {
                Ok(regions) => plan(job, prepared, regions, run, &to_recognizer, &outcomes),
                Err(reason) => run.fail(&outcomes, &job, reason),
            }
        }
    }
}

/// The regions of every page. Pages that fail together are tried in halves, so that a page, or the lack of memory
/// for many at once, costs no other page. `left`: the time for all, and for each half again.
fn detect(
    detector: &mut dyn LayoutDetector,
    pages: &[&PreparedPage],
    run: &Run,
    left: Option<Duration>,
) -> Vec<Result<Vec<Region>, String>> {
    let (found, _) = run.by_deadline(left, "finding the layout", || {
        let regions = detector.detect(pages).map_err(|e| e.to_string())?;
        match regions.len() == pages.len() {
            true => Ok(regions),
            false => Err(format!("{} pages were answered with {} layouts", pages.len(), regions.len())),
        }
    });
    match found {
        Ok(regions) => regions.into_iter().map(Ok).collect(),
        Err(reason) if pages.len() < 2 || run.is_cancelled() => {
            pages.iter().map(|_| Err(reason.clone())).collect()
        }
        Err(_) => {
            let (a, b) = pages.split_at(pages.len() / 2);
            let mut found = detect(detector, a, run, left);
            found.extend(detect(detector, b, run, left));
            found
        }
    }
}

/// Plans a page's regions, cuts pictures and sends its requests.
fn plan(
    mut job: PageJob,
    mut prepared: PreparedPage,
    regions: Vec<Region>,
    run: &Run,
    to_recognizer: &Sender<BlockRequest>,
    outcomes: &Sender<Outcome>,
) {
    let options = &run.options;
    let source = job.source.clone();
    let folder = job.job.picture_folder.clone();
    let planned = run.work(&mut job, ("pictures", "planning the page and cutting pictures"), || {
        let name = PageName { folder: &folder, page_index: prepared.page_index };
        let plan = plan::plan_page(regions, name, &options.plan);
        let cut = illustrate(&mut prepared, &plan, source.as_ref(), options)?;
        Ok((plan, cut))
    });
    let (plan, mut cut) = match planned {
        Ok(planned) => planned,
        Err(reason) => return run.fail(outcomes, &job, reason),
    };
    let steps = prepared.preprocess_steps.take();
    let prepared = Arc::new(prepared);
    let crops = std::mem::take(&mut cut.crops);
    let time_left = options.page_timeout.map(|limit| limit.saturating_sub(job.spent));
    let requests = requests(&job, &plan, &prepared, &crops, time_left);
    let waiting = requests.iter().map(|r| r.ticket.block).collect();
    let planned =
        PlannedPage { prepared, plan, cut, steps, timings: job.timings, waiting, serial: job.serial };
    // The assembler hears of the page before the recognizer does: no answer comes to an unknown page.
    drop(outcomes.send(Outcome::Planned(Box::new(planned))));
    requests.into_iter().for_each(|request| drop(to_recognizer.send(request)));
}

/// What is asked of the recognizer about a page.
fn requests(
    job: &PageJob,
    plan: &PagePlan,
    prepared: &Arc<PreparedPage>,
    crops: &BTreeMap<usize, Arc<Pixels>>,
    time_left: Option<Duration>,
) -> Vec<BlockRequest> {
    let asked = plan.blocks.iter().enumerate().filter_map(|(block, planned)| {
        Some(BlockRequest {
            ticket: Ticket { page: job.serial, block },
            document: job.job.id,
            page: prepared.clone(),
            region: Arc::new(planned.region.clone()),
            request: Arc::new(planned.request.clone()?),
            crop: crops.get(&block).cloned(),
            time_left,
        })
    });
    asked.collect()
}

/// Hands the recognizer's answers to the assembler; `_open` closes when all are there.
pub(crate) fn forward(answers: Receiver<BlockAnswer>, outcomes: Sender<Outcome>, _open: Sender<()>) {
    for answer in answers {
        drop(outcomes.send(Outcome::Answer(answer)));
    }
}

/// Runs the recognizer; when it ends early, answers for it what it leaves behind.
///
/// `forwarded` closes when all that was sent to `answers` lies in the assembler's inbox.
pub(crate) fn recognize(
    inbox: Receiver<BlockRequest>,
    recognizer: &mut dyn Recognizer,
    run: &Run,
    (answers, forwarded): (Sender<BlockAnswer>, Receiver<()>),
    outcomes: Sender<Outcome>,
) {
    let requests = inbox.clone();
    let deadline = Deadline::new(run.cancel.clone(), None);
    let (ended, _) = deadline
        .run(|| guarded("recognizing", || recognizer.run(requests, answers).map_err(|e| e.to_string())));
    // Nothing is sent: it only closes.
    let _ = forwarded.recv();
    let reason = match ended {
        Ok(()) => "the recognizer ended early".to_string(),
        Err(reason) => reason,
    };
    drop(outcomes.send(Outcome::RecognizerEnded { reason: reason.clone() }));
    for request in inbox {
        let answer = BlockAnswer { ticket: request.ticket, result: Err(reason.clone()) };
        drop(outcomes.send(Outcome::Answer(answer)));
    }
}
