//! The stage threads. Each takes from its inbox until that closes and passes on exactly one thing for each taken:
//! to the next stage, or a failure to the assembler.

use super::assemble::{Outcome, PlannedPage};
use super::permits::Permits;
use super::{EngineOptions, Job, LinePreparer, Opener, PageJob};
use crate::document::{TextDecision, TextSource};
use crate::input::{InputError, SourcePage};
use crate::layout::LayoutDetector;
use crate::lines::{PreparedPage, decide_text, prepare_layer};
use crate::plan::{self, Action, PagePlan};
use crate::recognize::{BlockAnswer, BlockRequest, Recognizer, Ticket};
use crossbeam_channel::{Receiver, Sender};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

/// JPEG quality of page pictures in drawings: crisp enough to read at a width of 144 dpi.
const PAGE_QUALITY: u8 = 72;
/// JPEG quality of pictures cut out (specification, section 1.5: OpenCV's default).
const BLOCK_QUALITY: u8 = 95;

/// A page that needs its lines read.
pub(crate) struct ToRead {
    job: PageJob,
    page: SourcePage,
    decision: TextDecision,
}

/// Runs `work`, turning a panic into an error; `what` names the stage.
fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
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
                let decision = decide_text(&page, options.text_layer);
                Ok((page, decision))
            })
        });
        match read {
            Err(reason) => fail(&outcomes, &job, reason),
            Ok((page, decision)) if decision.source == TextSource::Lines => {
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

/// An error and its causes in one line.
fn error_chain(error: &dyn std::error::Error) -> String {
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
pub(crate) fn layout(
    inbox: Receiver<(PageJob, PreparedPage)>,
    detector: &mut dyn LayoutDetector,
    options: &EngineOptions,
    to_recognizer: Sender<BlockRequest>,
    outcomes: Sender<Outcome>,
) {
    for (mut job, mut prepared) in inbox {
        let found = timed(&mut job, "layout", || {
            guarded("finding the layout", || {
                detector.detect(&prepared).map(plan::plan_page).map_err(|e| e.to_string())
            })
        });
        let plan = match found {
            Ok(plan) => plan,
            Err(reason) => {
                fail(&outcomes, &job, reason);
                continue;
            }
        };
        let source = job.source.clone();
        let folder = job.job.picture_folder.clone();
        let illustrated = timed(&mut job, "pictures", || {
            guarded("cutting pictures", || {
                illustrate(&mut prepared, &plan, source.as_ref(), &folder, options)
            })
        });
        let Illustrations { pictures, blank, page_picture } = match illustrated {
            Ok(illustrated) => illustrated,
            Err(reason) => {
                fail(&outcomes, &job, reason);
                continue;
            }
        };
        let prepared = Arc::new(prepared);
        let requests: Vec<BlockRequest> = plan
            .blocks
            .iter()
            .enumerate()
            .filter(|(_, block)| block.action == Action::Read)
            .map(|(block, planned)| BlockRequest {
                ticket: Ticket { page: job.serial, block },
                page: prepared.clone(),
                region: Arc::new(planned.region.clone()),
            })
            .collect();
        let waiting = requests.iter().map(|r| r.ticket.block).collect();
        let planned = PlannedPage {
            prepared,
            plan,
            pictures,
            blank,
            page_picture,
            timings: job.timings,
            waiting,
            serial: job.serial,
        };
        // The assembler hears of the page before the recognizer does: no answer comes to an unknown page.
        drop(outcomes.send(Outcome::Planned(Box::new(planned))));
        requests.into_iter().for_each(|request| drop(to_recognizer.send(request)));
    }
}

/// A picture as JPEG with its size.
pub(crate) type PagePicture = (Arc<[u8]>, usize, usize);

/// What was cut out of a page.
#[derive(Default)]
struct Illustrations {
    /// The pictures of blocks, by position.
    pictures: Vec<(usize, crate::document::Picture)>,
    /// Blocks that would be pictures of nothing.
    blank: Vec<usize>,
    /// The picture of the whole page.
    page_picture: Option<PagePicture>,
}

/// Cuts out and encodes all pictures of a page, then lets go of its pixels.
fn illustrate(
    prepared: &mut PreparedPage,
    plan: &PagePlan,
    source: &dyn crate::input::PageSource,
    folder: &str,
    options: &EngineOptions,
) -> Result<Illustrations, String> {
    let kept: Vec<usize> =
        (0..plan.blocks.len()).filter(|&i| plan.blocks[i].action == Action::KeepPicture).collect();
    let cut = options.block_pictures && !kept.is_empty();
    if cut && prepared.pixels.is_none() {
        let pixels = source.render_page(prepared.page_index).map_err(|e| error_chain(&e))?;
        prepared.pixels = Some(pixels.rotate_quarters((4 - prepared.rotation_quarters) % 4));
    }
    let Some(pixels) = prepared.pixels.take() else { return Ok(Illustrations::default()) };
    let (mut pictures, mut blank) = (Vec::new(), Vec::new());
    for i in kept.into_iter().filter(|_| cut) {
        let region = &plan.blocks[i].region;
        let crop = pixels.crop(&plan::picture_area(region.label, &region.bbox));
        let Some(crop) = crop.filter(|crop| !crop.is_plain()) else {
            blank.push(i);
            continue;
        };
        let mut picture = plan::picture(folder, prepared.page_index, region.label, &region.bbox);
        picture.jpeg = Some(crop.to_jpeg(BLOCK_QUALITY).map_err(|e| error_chain(&e))?.into());
        pictures.push((i, picture));
    }
    let page_picture = match options.page_pictures {
        true => {
            let jpeg = pixels.to_jpeg(PAGE_QUALITY).map_err(|e| error_chain(&e))?;
            Some((jpeg.into(), pixels.width, pixels.height))
        }
        false => None,
    };
    Ok(Illustrations { pictures, blank, page_picture })
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
