//! The stage threads. Each takes from its inbox until that closes and passes on exactly one thing for each taken:
//! to the next stage, or a failure to the assembler.

use super::assemble::{Outcome, PlannedPage};
use super::illustrate::illustrate;
use super::permits::Permits;
use super::{EngineOptions, Job, LinePreparer, Opener, PageJob};
use crate::document::{TextDecision, TextSource};
use crate::input::{InputError, SourcePage};
use crate::layout::{LayoutDetector, Region};
use crate::lines::{PreparedPage, decide_text, prepare_layer};
use crate::plan::{self, PageName, PagePlan};
use crate::raster::Pixels;
use crate::recognize::{BlockAnswer, BlockRequest, Recognizer, Ticket};
use crossbeam_channel::{Receiver, Sender};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// A page that needs its lines read.
pub(crate) struct ToRead {
    job: PageJob,
    page: SourcePage,
    decision: TextDecision,
}

/// Runs `work`, turning a panic into an error; `what` names the stage.
pub(super) fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Err(format!("internal error while {what}: {text}"))
    })
}

fn timed<T>(job: &mut PageJob, stage: &'static str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    job.timings.push((stage, start.elapsed().as_secs_f64() * 1000.0));
    result
}

/// Opens documents one after the other and sends their pages, each with a permit.
pub(crate) fn open(
    jobs: Vec<Job>,
    open: &Opener<'_>,
    options: &EngineOptions,
    permits: &Permits,
    stopped: &(dyn Fn() -> bool + Sync),
    to_readers: Sender<PageJob>,
    outcomes: Sender<Outcome>,
) {
    let mut serial = 0;
    // A closed channel means that the assembler is gone, which it never is before all pages are.
    let tell = |outcome| outcomes.send(outcome).is_ok();
    for job in jobs {
        let job = Arc::new(job);
        if stopped() {
            tell(Outcome::GivenUp { job, reason: "cancelled".into() });
            continue;
        }
        let opened = guarded("opening the file", || Ok(open(&job)))
            .unwrap_or_else(|reason| Err(InputError::new(&job.file.given, reason)));
        let source = match opened {
            Ok(source) => source,
            Err(error) => {
                tell(Outcome::GivenUp { job, reason: error.reason });
                continue;
            }
        };
        let selected = options.pages.of(source.page_count());
        if selected.is_empty() {
            let reason = format!("none of the {} pages was asked for", source.page_count());
            tell(Outcome::GivenUp { job, reason });
            continue;
        }
        let (page_count, is_paged) = (source.page_count(), source.is_paged());
        tell(Outcome::Opened {
            job: job.clone(),
            page_count,
            is_paged,
            first: serial,
            pages: selected.clone(),
        });
        for page_index in selected {
            if !permits.take(stopped) {
                tell(Outcome::Failed { serial, page_index, reason: None });
                serial += 1;
                continue;
            }
            let page =
                PageJob { serial, job: job.clone(), source: source.clone(), page_index, timings: Vec::new() };
            serial += 1;
            if let Err(lost) = to_readers.send(page) {
                let reason = Some("the readers are gone".to_string());
                tell(Outcome::Failed { serial: lost.0.serial, page_index, reason });
            }
        }
    }
}

/// Reads pages; those with a trusted text layer are prepared at once, the others go to the line reader.
pub(crate) fn read(
    inbox: Receiver<PageJob>,
    options: &EngineOptions,
    to_lines: Sender<ToRead>,
    to_layout: Sender<(PageJob, PreparedPage)>,
    outcomes: Sender<Outcome>,
) {
    for mut job in inbox {
        let source = job.source.clone();
        let index = job.page_index;
        let read = timed(&mut job, "read", || {
            guarded("reading the page", || {
                let page = source.read_page(index, options.pixels_wanted()).map_err(|e| error_chain(&e))?;
                let decision = match options.reads_pictures {
                    true => picture_decision(),
                    false => decide_text(&page, options.text_layer),
                };
                Ok((page, decision))
            })
        });
        match read {
            Err(reason) => fail(&outcomes, &job, reason),
            Ok((page, decision)) if decision.source == TextSource::Lines || options.reads_pictures => {
                drop(to_lines.send(ToRead { job, page, decision }));
            }
            Ok((page, decision)) => {
                let prepared = timed(&mut job, "text_layer", || {
                    guarded("reading the text layer", || Ok(prepare_layer(page, decision)))
                });
                match prepared {
                    Ok(prepared) => drop(to_layout.send((job, prepared))),
                    Err(reason) => fail(&outcomes, &job, reason),
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

fn fail(outcomes: &Sender<Outcome>, job: &PageJob, reason: String) {
    drop(outcomes.send(Outcome::Failed {
        serial: job.serial,
        page_index: job.page_index,
        reason: Some(reason),
    }));
}

/// Reads the lines of pages without a usable text layer.
pub(crate) fn lines(
    inbox: Receiver<ToRead>,
    preparer: &mut dyn LinePreparer,
    to_layout: Sender<(PageJob, PreparedPage)>,
    outcomes: Sender<Outcome>,
) {
    for ToRead { mut job, page, decision } in inbox {
        let source = job.source.clone();
        let prepared = timed(&mut job, "lines", || {
            guarded("reading lines", || {
                preparer.prepare(source.as_ref(), page, decision).map_err(|e| error_chain(&e))
            })
        });
        match prepared {
            Ok(prepared) => drop(to_layout.send((job, prepared))),
            Err(reason) => fail(&outcomes, &job, reason),
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
    options: &EngineOptions,
    to_recognizer: Sender<BlockRequest>,
    outcomes: Sender<Outcome>,
) {
    while let Ok(first) = inbox.recv() {
        let others = detector.batch_size().max(1) - 1;
        let batch: Vec<_> = std::iter::once(first).chain(inbox.try_iter().take(others)).collect();
        let start = Instant::now();
        let found = detect(detector, &batch.iter().map(|(_, prepared)| prepared).collect::<Vec<_>>());
        let share = start.elapsed().as_secs_f64() * 1000.0 / batch.len() as f64;
        for ((mut job, prepared), found) in batch.into_iter().zip(found) {
            job.timings.push(("layout", share));
            match found {
                Ok(regions) => plan(job, prepared, regions, options, &to_recognizer, &outcomes),
                Err(reason) => fail(&outcomes, &job, reason),
            }
        }
    }
}

/// The regions of every page. Pages that fail together are tried in halves, so that a page, or the lack of memory
/// for many at once, costs no other page.
fn detect(detector: &mut dyn LayoutDetector, pages: &[&PreparedPage]) -> Vec<Result<Vec<Region>, String>> {
    let found = guarded("finding the layout", || {
        let regions = detector.detect(pages).map_err(|e| e.to_string())?;
        match regions.len() == pages.len() {
            true => Ok(regions),
            false => Err(format!("{} pages were answered with {} layouts", pages.len(), regions.len())),
        }
    });
    match found {
        Ok(regions) => regions.into_iter().map(Ok).collect(),
        Err(reason) if pages.len() < 2 => pages.iter().map(|_| Err(reason.clone())).collect(),
        Err(_) => {
            let (a, b) = pages.split_at(pages.len() / 2);
            let mut found = detect(detector, a);
            found.extend(detect(detector, b));
            found
        }
    }
}

/// Plans a page's regions, cuts pictures and sends its requests.
fn plan(
    mut job: PageJob,
    mut prepared: PreparedPage,
    regions: Vec<Region>,
    options: &EngineOptions,
    to_recognizer: &Sender<BlockRequest>,
    outcomes: &Sender<Outcome>,
) {
    let source = job.source.clone();
    let folder = job.job.picture_folder.clone();
    let planned = timed(&mut job, "pictures", || {
        guarded("planning the page and cutting pictures", || {
            let name = PageName { folder: &folder, page_index: prepared.page_index };
            let plan = plan::plan_page(regions, name, &options.plan);
            let cut = illustrate(&mut prepared, &plan, source.as_ref(), options)?;
            Ok((plan, cut))
        })
    });
    let (plan, mut cut) = match planned {
        Ok(planned) => planned,
        Err(reason) => return fail(outcomes, &job, reason),
    };
    let steps = prepared.preprocess_steps.take();
    let prepared = Arc::new(prepared);
    let crops = std::mem::take(&mut cut.crops);
    let requests = requests((job.serial, job.job.id), &plan, &prepared, &crops);
    let waiting = requests.iter().map(|r| r.ticket.block).collect();
    let planned =
        PlannedPage { prepared, plan, cut, steps, timings: job.timings, waiting, serial: job.serial };
    // The assembler hears of the page before the recognizer does: no answer comes to an unknown page.
    drop(outcomes.send(Outcome::Planned(Box::new(planned))));
    requests.into_iter().for_each(|request| drop(to_recognizer.send(request)));
}

/// What is asked of the recognizer about a page.
fn requests(
    (page, document): (u64, usize),
    plan: &PagePlan,
    prepared: &Arc<PreparedPage>,
    crops: &BTreeMap<usize, Arc<Pixels>>,
) -> Vec<BlockRequest> {
    let asked = plan.blocks.iter().enumerate().filter_map(|(block, planned)| {
        Some(BlockRequest {
            ticket: Ticket { page, block },
            document,
            page: prepared.clone(),
            region: Arc::new(planned.region.clone()),
            request: Arc::new(planned.request.clone()?),
            crop: crops.get(&block).cloned(),
        })
    });
    asked.collect()
}

/// Runs the recognizer; when it ends early, answers for it what it leaves behind.
pub(crate) fn recognize(
    inbox: Receiver<BlockRequest>,
    recognizer: &mut dyn Recognizer,
    outcomes: Sender<Outcome>,
) {
    let (answers, from_recognizer) = crossbeam_channel::unbounded::<BlockAnswer>();
    let requests = inbox.clone();
    let forward = outcomes.clone();
    let ended = std::thread::scope(|scope| {
        scope.spawn(move || {
            for answer in from_recognizer {
                drop(forward.send(Outcome::Answer(answer)));
            }
        });
        guarded("recognizing", || recognizer.run(requests, answers).map_err(|e| e.to_string()))
    });
    // The forwarding thread has ended: all answers given lie in the assembler's inbox before this.
    let reason = match ended {
        Ok(()) => "the recognizer ended early".to_string(),
        Err(reason) => reason,
    };
    drop(outcomes.send(Outcome::RecognizerEnded { reason: reason.clone() }));
    for request in inbox {
        drop(
            outcomes
                .send(Outcome::Answer(BlockAnswer { ticket: request.ticket, result: Err(reason.clone()) })),
        );
    }
}
