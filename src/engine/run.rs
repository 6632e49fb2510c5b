//! A run of the command line: sends documents through an engine into a sink, in order. The first client of
//! [`super::Engine`].

use super::job::{
    Event, EventReceiver, EventSender, Job, JobFault, JobSettings, OpenedDocument, Submission,
    events,
};
use super::{Engine, FinishedPage, GRACE, Limits, PageSelection, Stages, StartError};
use crate::deadline::Stopped;
use crate::deadline::guarded;
use crate::document::Code;
use crate::fault::{Fault, Reason};
use crate::input::{InputError, PageSource};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Interval at which cancellation is checked.
const LOOK: Duration = Duration::from_millis(20);
/// Name of the sink's work in messages.
const WRITING: &str = "writing the document";

/// Options of a run.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Limits of the engine.
    pub limits: Limits,
    /// Settings of every document.
    pub settings: JobSettings,
    /// Selected pages.
    pub pages: PageSelection,
    /// Most pages of a document; `None` for all.
    pub max_pages: Option<usize>,
    /// Stop at the first failed page or document.
    pub fail_fast: bool,
}

/// Opens a job's file.
pub type Opener = dyn Fn(&Job) -> Result<Arc<dyn PageSource>, InputError> + Send + Sync;

/// The documents of a run.
pub struct Batch {
    /// The documents, in order.
    pub jobs: Vec<Job>,
    /// Opens files.
    pub open: Arc<Opener>,
    /// Called once when the run is cancelled, to end whatever a stage may be waiting for. It must not block.
    pub on_cancel: Box<dyn FnOnce()>,
}

/// Completeness of a document's outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentEnd {
    /// All outputs were written.
    Whole,
    /// Some outputs could not be made.
    Partial,
}

/// Receives the engine's results, on the thread that calls [`run`].
///
/// A panic counts as an error of the document of the call.
pub trait DocumentSink {
    /// A document was opened.
    fn begin(&mut self, job: &Job, opened: OpenedDocument);
    /// The next page of a document, in order. An error fails the document.
    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), Fault>;
    /// All pages were delivered. An error fails the document.
    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, Fault>;
    /// The document was given up: it could not be opened or written, or the run ended before
    /// ([`Reason::Cancelled`], [`Reason::NotTried`]).
    fn failed(&mut self, job: &Job, fault: &Fault);
}

/// Outcome of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunOutcome {
    /// Documents finished without any failed page or block.
    pub done: usize,
    /// Documents finished with failed pages or blocks.
    pub partial: usize,
    /// Documents that were given up.
    pub failed: usize,
    /// `true` if the run was cancelled.
    pub cancelled: bool,
}

/// Processes all documents, or until `cancel` is set: then unfinished documents are given up, and stages have
/// a moment ([`GRACE`]) to end. Blocks; the sink is called on this thread.
///
/// The next document begins when all pages of the previous one were started. Fails if the system refuses a
/// thread that is needed, before any work is done.
pub fn run(
    batch: Batch,
    stages: Stages,
    options: &EngineOptions,
    sink: &mut dyn DocumentSink,
    cancel: &Arc<AtomicBool>,
) -> Result<RunOutcome, StartError> {
    let engine = Engine::start(stages, options.limits)?;
    let outcome = run_on(&engine, batch, options, sink, cancel);
    let is_waited_for = !outcome.cancelled && !engine.has_ended();
    engine.end((!is_waited_for).then_some(GRACE));
    Ok(outcome)
}

/// The same with an engine that goes on living and may have other clients; the limits in `options` do not count.
pub fn run_on(
    engine: &Engine,
    batch: Batch,
    options: &EngineOptions,
    sink: &mut dyn DocumentSink,
    cancel: &Arc<AtomicBool>,
) -> RunOutcome {
    let (events, received) = events();
    let mut run = Run {
        engine,
        open: batch.open,
        options,
        settings: Arc::new(options.settings.clone()),
        events,
        sink,
        cancel,
        todo: batch.jobs.into_iter().map(Arc::new).collect(),
        under_way: BTreeMap::new(),
        starting: None,
        is_stopped: false,
        outcome: RunOutcome::default(),
    };
    run.all(&received, batch.on_cancel);
    run.outcome
}

/// The fault of a document skipped after another one failed, under `fail_fast`.
fn not_tried() -> Fault {
    let message = "not done, since something else failed before (`fail_fast`)";
    Fault::new(Reason::NotTried, message)
}

/// A document in the engine.
struct UnderWay {
    job: Arc<Job>,
    stop: Arc<AtomicBool>,
    /// Reason why it was given up, if it was; its further pages are dropped.
    broken: Option<Fault>,
    has_errors: bool,
}

/// State of [`run`].
struct Run<'a> {
    engine: &'a Engine,
    open: Arc<Opener>,
    options: &'a EngineOptions,
    settings: Arc<JobSettings>,
    events: EventSender,
    sink: &'a mut dyn DocumentSink,
    cancel: &'a Arc<AtomicBool>,
    todo: VecDeque<Arc<Job>>,
    under_way: BTreeMap<usize, UnderWay>,
    /// The document whose pages are being started; the next one waits for it.
    starting: Option<usize>,
    /// `true` if no further documents begin because of a failure.
    is_stopped: bool,
    outcome: RunOutcome,
}

impl Run<'_> {
    fn all(&mut self, received: &EventReceiver, on_cancel: Box<dyn FnOnce()>) {
        let mut on_cancel = Some(on_cancel);
        let mut deadline = None;
        while !(self.todo.is_empty() && self.under_way.is_empty()) {
            if let Some(on_cancel) = on_cancel.take_if(|_| self.cancel.load(Ordering::Relaxed)) {
                self.outcome.cancelled = true;
                deadline = Some(Instant::now() + GRACE);
                on_cancel();
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline)
                || self.engine.has_ended()
            {
                break;
            }
            self.submit_next();
            // The channel stays open because this holds a sender.
            let Ok(Some(delivery)) = received.receive(LOOK) else {
                continue;
            };
            let (id, event) = (delivery.job, delivery.event);
            self.take(id, event);
        }
        // Reached only if the engine did not answer in time, or has ended.
        let fault = match self.outcome.cancelled {
            true => Stopped::Cancelled.into(),
            false => Fault::internal("internal error: the engine has ended"),
        };
        for (_, UnderWay { job, broken, .. }) in std::mem::take(&mut self.under_way) {
            self.give_up(&job, broken.as_ref().unwrap_or(&fault));
        }
        self.give_up_todo(&fault);
        self.outcome.cancelled |= self.cancel.load(Ordering::Relaxed);
    }

    fn submit_next(&mut self) {
        if self.outcome.cancelled || self.is_stopped {
            // Documents that were begun are reported first.
            if self.under_way.is_empty() {
                self.give_up_todo(&match self.outcome.cancelled {
                    true => Stopped::Cancelled.into(),
                    false => not_tried(),
                });
            }
            return;
        }
        while self.starting.is_none()
            && let Some(job) = self.todo.pop_front()
        {
            let (open, opened) = (self.open.clone(), job.clone());
            let stop = Arc::<AtomicBool>::default();
            let submission = Submission {
                job: job.clone(),
                source: Box::new(move || open(&opened)),
                pages: self.options.pages.clone(),
                max_pages: self.options.max_pages,
                settings: self.settings.clone(),
                cancel: self.cancel.clone(),
                stop: stop.clone(),
                events: self.events.clone(),
            };
            match self.engine.submit(submission) {
                Ok(()) => {
                    self.starting = Some(job.id);
                    self.under_way.insert(
                        job.id,
                        UnderWay {
                            job,
                            stop,
                            broken: None,
                            has_errors: false,
                        },
                    );
                }
                Err(error) => self.give_up(&job, &error.into()),
            }
        }
    }

    fn take(&mut self, id: usize, event: Event) {
        let Some(under_way) = self.under_way.get_mut(&id) else {
            return;
        };
        let (sink, job) = (&mut self.sink, &under_way.job);
        match event {
            Event::Opened(opened) => {
                let (selected, wanted) = (opened.selected, opened.wanted);
                if selected < wanted {
                    let message =
                        format!("only {selected} of {wanted} pages are parsed (`max_pages`)");
                    tracing::warn!(
                        code = Code::MaxPages.name(),
                        file = job.file.given,
                        "{message}"
                    );
                    under_way.has_errors = true;
                }
                let begun = guarded(WRITING, || {
                    sink.begin(job, *opened);
                    Ok(())
                });
                self.broken(id, begun.err());
            }
            Event::Page { page, .. } if under_way.broken.is_none() => {
                let has_error = page.page.has_error();
                under_way.has_errors |= has_error;
                let taken = guarded(WRITING, || sink.page(job, *page));
                self.broken(id, taken.err());
                if has_error && self.options.fail_fast {
                    self.stop();
                }
            }
            Event::Page { .. } => {}
            Event::AllStarted => drop(self.starting.take_if(|starting| *starting == id)),
            Event::Finished => self.ended(id, None),
            Event::GivenUp(fault) => self.ended(id, Some(fault)),
        }
    }

    /// Records that a document cannot be written; no further page of it is started.
    fn broken(&mut self, id: usize, fault: Option<Fault>) {
        if let (Some(fault), Some(under_way)) = (fault, self.under_way.get_mut(&id)) {
            under_way.broken.get_or_insert(fault);
            under_way.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Stops the run: documents and pages not started yet are skipped.
    fn stop(&mut self) {
        self.is_stopped = true;
        for under_way in self.under_way.values() {
            under_way.stop.store(true, Ordering::Relaxed);
        }
    }

    fn ended(&mut self, id: usize, fault: Option<JobFault>) {
        self.starting.take_if(|starting| *starting == id);
        let Some(UnderWay {
            job,
            broken,
            has_errors,
            ..
        }) = self.under_way.remove(&id)
        else {
            return;
        };
        let sink = &mut self.sink;
        let result = match (broken, fault) {
            (Some(fault), _) => Err(fault),
            (None, Some(JobFault::CalledOff)) => Err(not_tried()),
            (None, Some(fault)) => Err(fault.into()),
            (None, None) => guarded(WRITING, || sink.finish(&job)),
        };
        match result {
            Err(fault) => self.give_up(&job, &fault),
            Ok(DocumentEnd::Whole) if !has_errors => self.outcome.done += 1,
            Ok(_) => self.outcome.partial += 1,
        }
    }

    fn give_up_todo(&mut self, fault: &Fault) {
        for job in std::mem::take(&mut self.todo) {
            self.give_up(&job, fault);
        }
    }

    fn give_up(&mut self, job: &Job, fault: &Fault) {
        self.outcome.failed += 1;
        let sink = &mut self.sink;
        let told = guarded(WRITING, || {
            sink.failed(job, fault);
            Ok(())
        });
        if let Err(untold) = told {
            tracing::error!("{}: {untold}", job.file.given);
        }
        if self.options.fail_fast {
            self.stop();
        }
    }
}
