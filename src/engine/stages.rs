//! The stage threads. Each takes items from its inbox until that closes, and for each sends exactly one on:
//! to the next stage, or a failure to the coordinator.

mod cut;
mod layout;

pub(super) use cut::cut;
pub(super) use layout::layout;

use super::LinePreparer;
use super::coordinator::{Message, Opened, RecognizerEnds, ToOpen};
use super::job::JobContext;
use super::turns::Turn;
use crate::deadline::guarded;
use crate::deadline::{self, CancelToken, Deadline, Stopped};
use crate::document::TextSource;
use crate::fault::{Fault, Reason};
use crate::input::{InputError, PageSource, SourcePage};
use crate::lines::memory::PAGE_PIXEL;
use crate::lines::{Beside, PreparedPage, Readings, Verdict, decide_text, prepare_layer};
use crate::plan::PlanOptions;
use crate::recognize::{DocumentState, Recognizer};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A page passing through the stages.
pub(crate) struct PageJob {
    /// Its serial number, unique within the engine.
    pub(super) serial: u64,
    pub(super) context: Arc<JobContext>,
    pub(super) source: Arc<dyn PageSource>,
    pub(super) page_index: usize,
    turn: Turn,
    timings: Vec<(&'static str, f64)>,
    /// Time spent on it by all stages so far.
    spent: Duration,
}

/// Reports to the coordinator when a stage ends, for whatever reason.
pub(super) struct Stage {
    pub(super) name: &'static str,
    pub(super) out: Sender<Message>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        // If the coordinator is gone, the engine has ended too.
        drop(self.out.send(Message::StageEnded { name: self.name }));
    }
}

/// A page that needs line recognition.
pub(crate) struct ToRead {
    job: PageJob,
    page: SourcePage,
    verdict: Verdict,
    beside: Beside,
}

/// Runs work under a deadline; also returns the time it took, without waiting for its turn.
fn by_deadline<T>(
    deadline: Deadline,
    limit: Option<Duration>,
    what: &str,
    work: impl FnOnce() -> Result<T, Fault>,
) -> (Result<T, Fault>, Duration) {
    let start = Instant::now();
    let ((result, is_over), waited) = deadline.run(|| {
        let result = guarded(what, work);
        (result, deadline::stopped() == Some(Stopped::TimeUp))
    });
    // Replaces the work's own error: the cause is the passed deadline.
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
            turn: Turn::of(&context.turns, serial),
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

    /// Time left before its deadline; an error if there is none.
    fn left(&self) -> Result<Option<Duration>, Fault> {
        let Some(limit) = self.context.settings.page_timeout else {
            return Ok(None);
        };
        match limit.checked_sub(self.spent) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(deadline::time_up(limit)),
        }
    }

    /// Runs a stage's work on it.
    fn work<T>(
        &mut self,
        (stage, what): (&'static str, &str),
        work: impl FnOnce() -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let deadline = Deadline::of_all(vec![self.context.cancel.clone()], self.left()?);
        let (result, took) = by_deadline(deadline, self.context.settings.page_timeout, what, work);
        self.count(stage, took);
        result
    }

    /// Reports its failure; after a cancellation the fault says nothing about the page.
    fn fail(&self, out: &Sender<Message>, fault: Fault) {
        let serial = self.serial;
        // The coordinator is gone only if the engine has ended; then nobody waits for the page.
        drop(out.send(match self.is_cancelled() {
            true => Message::Interrupted { serial },
            false => Message::Failed {
                serial,
                page_index: self.page_index,
                fault,
            },
        }));
    }

    /// `true` if its job was cancelled, which is then reported.
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

/// Estimated bytes of a page besides its pixels: its text and vector lines.
const PAGE_CONTENT: u64 = 1 << 20;

/// Estimated bytes of a page with this many pixels.
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
                let source = source().map_err(|InputError { fault, .. }| fault)?;
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

/// State shared by the blocks of a document.
fn document(context: &JobContext, source: &dyn PageSource) -> DocumentState {
    let settings = &context.settings;
    // Only random sampling depends on the fingerprint, and it requires reading the whole file.
    let fingerprint = match settings.plan {
        PlanOptions::Vl(_) => source.fingerprint(),
        PlanOptions::PageText => 0,
    };
    DocumentState {
        fingerprint,
        cancel: context.cancel.clone(),
        takes_own_text: settings.own_text.is_some(),
        trace_context: settings.trace_context.clone(),
        own_text: Default::default(),
    }
}

/// Reads pages; those with a trusted text layer are prepared at once, the others go to line recognition.
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
            let mut page = source
                .read_page(index, settings.pixels_wanted())
                .map_err(Fault::from)?;
            let verdict = match settings.reads_pictures {
                true => picture_verdict(),
                false => decide_text(&page, settings.text_layer),
            };
            let beside = Beside::take(&mut page, settings.hidden_text);
            Ok((page, verdict, beside))
        });
        match read {
            Err(fault) => job.fail(&stage.out, fault),
            Ok((page, verdict, beside)) if verdict.needs_lines() || settings.reads_pictures => {
                drop(to_lines.send(ToRead {
                    job,
                    page,
                    verdict,
                    beside,
                }));
            }
            Ok((page, verdict, beside)) => {
                let prepared = job.work(("text_layer", "reading the text layer"), || {
                    let mut prepared = prepare_layer(page, verdict.decision);
                    beside.give(&mut prepared);
                    Ok(prepared)
                });
                job.turn.settle();
                match prepared {
                    Ok(prepared) => drop(to_layout.send((job, prepared))),
                    Err(fault) => job.fail(&stage.out, fault),
                }
            }
        }
    }
}

/// The verdict on pages treated as pictures: no text is taken from them.
fn picture_verdict() -> Verdict {
    Verdict::sure(TextSource::None, "the pipeline reads the page's picture")
}

/// Recognizes the lines of pages without a text layer that is usable as it is.
pub(super) fn lines(
    inbox: Receiver<ToRead>,
    preparer: &mut dyn LinePreparer,
    to_layout: Sender<(PageJob, PreparedPage)>,
    stage: Stage,
) {
    let mut held = Held::default();
    loop {
        // A fault in it leaves the thread as it is: the next page tells what is wrong.
        let rest = || {
            let rested = guarded("giving memory back", || {
                preparer.rest();
                Ok(())
            });
            drop(rested);
        };
        let Some(next) = held.next(&inbox, rest) else {
            return;
        };
        let ToRead {
            mut job,
            page,
            verdict,
            beside,
        } = next;
        if job.passes(&stage.out) {
            continue;
        }
        let (source, settings) = (job.source.clone(), job.context.settings.clone());
        let turns = job.context.turns.clone();
        let prepared = job.work(("lines", "reading lines"), || {
            // Pages without a doubt look at no readings, so they need not wait for each other.
            let (mut none, mut shared) = (Readings::default(), None);
            let readings = match verdict.is_doubted() {
                true => &mut **shared.insert(turns.readings()),
                false => &mut none,
            };
            let mut prepared = preparer
                .prepare(source.as_ref(), page, verdict, &settings, readings)
                .map_err(Fault::from)?;
            beside.give(&mut prepared);
            Ok(prepared)
        });
        job.turn.settle();
        match prepared {
            Ok(prepared) => drop(to_layout.send((job, prepared))),
            Err(fault) => job.fail(&stage.out, fault),
        }
    }
}

/// What the thread of the line networks does next.
#[derive(Default)]
struct Held {
    /// Pages in doubt that wait for those before them.
    pages: Vec<ToRead>,
    /// `true` from a page on until the preparer rests.
    is_tired: bool,
}

impl Held {
    /// The next page to read; `None` when the inbox is closed and empty. `rest` is called if none comes for
    /// [`REST_AFTER`] after one.
    fn next(&mut self, inbox: &Receiver<ToRead>, mut rest: impl FnMut()) -> Option<ToRead> {
        loop {
            let is_next = |page: &ToRead| page.job.turn.has_come() || page.job.is_cancelled();
            if let Some(at) = self.pages.iter().position(is_next) {
                return Some(self.pages.remove(at));
            }
            let patience = match self.pages.is_empty() {
                true => REST_AFTER,
                false => LOOK_AGAIN,
            };
            let came = match self.pages.is_empty() && !self.is_tired {
                true => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
                false => inbox.recv_timeout(patience),
            };
            let page = match came {
                Ok(page) => page,
                Err(RecvTimeoutError::Timeout) if self.pages.is_empty() => {
                    self.is_tired = false;
                    rest();
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) if self.pages.is_empty() => return None,
                // No page before them is under way any more.
                Err(RecvTimeoutError::Disconnected) => return Some(self.pages.remove(0)),
            };
            self.is_tired = true;
            if !page.verdict.is_doubted() || page.job.is_cancelled() {
                return Some(page);
            }
            self.pages.push(page);
        }
    }
}

/// Time without a page after which the preparer rests: short for people, long beside what it takes to have its memory
/// again.
const REST_AFTER: Duration = Duration::from_secs(1);

/// Time after which a page that waits for another one is looked at again: nothing but its flag says that a job is
/// cancelled.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Runs the recognizer on the channels it is sent; if it ends early, prepares it for another run.
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
                recognizer.run(requests, answers).map_err(Fault::from)
            })
        });
        let is_over = matches!(watch.try_recv(), Err(TryRecvError::Disconnected));
        if shutdown.is_cancelled() || (ended.is_ok() && is_over) {
            continue;
        }
        let early = || Fault::internal("the recognizer ended early");
        let fault = ended.err().unwrap_or_else(early);
        let restarted = match fault.reason {
            // It could not run in this process, on no device that it was meant for.
            Reason::DeviceLost => Err(fault.clone()),
            _ => guarded("starting the recognizer", || {
                recognizer.restart().map_err(Fault::from)
            }),
        };
        if let Err(error) = &restarted
            && *error != fault
        {
            tracing::error!("the recognizer cannot be started again: {error}");
        }
        drop(stage.out.send(Message::RecognizerEnded {
            fault,
            restarts: restarted.is_ok(),
        }));
    }
}
