//! The assembler: puts answers to their pages, pages into order, and hands both to the sink.

use super::illustrate::Illustrations;
use super::stages::guarded;
use super::{CANCELLED, DocumentEnd, DocumentSink, FinishedPage, GRACE, Job, NOT_TRIED, Run, RunOutcome};
use crate::content;
use crate::deadline::{self, Stopped};
use crate::document::{Block, Diagnostic, FinishReason, Markup, Page, Picture, Severity, Spotting};
use crate::lines::PreparedPage;
use crate::plan::{Figure, PagePlan};
use crate::preprocess::PreprocessSteps;
use crate::recognize::{BlockAnswer, Recognition};
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often a cancel is looked for while nothing comes.
const LOOK: Duration = Duration::from_millis(20);
/// What the sink is at, for messages.
const WRITING: &str = "writing the document";

/// What stages tell the assembler.
pub(crate) enum Outcome {
    /// A document was opened; its pages, `selected` of them, have the numbers from `first` on.
    Opened { job: Arc<Job>, page_count: usize, is_paged: bool, first: u64, selected: usize, is_cut: bool },
    /// A document has no pages to come.
    GivenUp { job: Arc<Job>, reason: String },
    /// The run was stopped before the document was opened.
    NotTried { job: Arc<Job> },
    /// The run was stopped before these pages were started. They hold no permit.
    Unread { serials: Range<u64> },
    /// Pages in a row that repeat earlier ones. They hold no permit.
    Repeated { serials: Range<u64>, page: Box<Page> },
    /// The run was cancelled before the page was done.
    Interrupted { serial: u64 },
    /// A page failed.
    Failed { serial: u64, page_index: usize, reason: String },
    /// A page is planned; answers for its blocks follow.
    Planned(Box<PlannedPage>),
    /// A block was answered.
    Answer(BlockAnswer),
    /// No block that was asked before and is still waiting will be answered.
    RecognizerEnded { reason: String },
}

/// What was answered for the blocks of a page.
type Answers = BTreeMap<usize, Result<Recognition, String>>;

/// A page that waits for answers.
pub(crate) struct PlannedPage {
    pub(super) serial: u64,
    pub(super) prepared: Arc<PreparedPage>,
    pub(super) plan: PagePlan,
    pub(super) cut: Illustrations,
    pub(super) steps: Option<PreprocessSteps>,
    pub(super) timings: Vec<(&'static str, f64)>,
    pub(super) waiting: BTreeSet<usize>,
}

/// A document of which pages are still to come.
struct OpenDocument {
    job: Arc<Job>,
    next: u64,
    end: u64,
    ready: BTreeMap<u64, Finished>,
    /// Why it was given up, if it was; its pages are then only counted.
    broken: Option<String>,
    has_errors: bool,
}

enum Finished {
    /// A page that stands for so many in a row.
    Pages(Box<FinishedPage>, u64),
    /// Not done, because the run was cancelled.
    Interrupted,
}

/// See the module text.
pub(crate) struct Assembler<'a> {
    sink: &'a mut dyn DocumentSink,
    run: &'a Run,
    /// Jobs that nothing was heard of, by their position in the run.
    unheard: BTreeMap<usize, Arc<Job>>,
    waiting: BTreeMap<u64, (PlannedPage, Answers)>,
    open: Vec<OpenDocument>,
    outcome: RunOutcome,
}

impl<'a> Assembler<'a> {
    pub(crate) fn new(sink: &'a mut dyn DocumentSink, run: &'a Run, jobs: Vec<Arc<Job>>) -> Self {
        let unheard = jobs.into_iter().map(|job| (job.id, job)).collect();
        let outcome = RunOutcome::default();
        Self { sink, run, unheard, waiting: BTreeMap::new(), open: Vec::new(), outcome }
    }

    pub(crate) fn outcome(self) -> RunOutcome {
        self.outcome
    }

    /// Takes outcomes until every stage has ended, or the run is cancelled and the time for that is over. Then every
    /// document is done or given up. Returns until when stages may go on, where the run was cancelled.
    pub(crate) fn run(&mut self, inbox: Receiver<Outcome>, on_cancel: Box<dyn FnOnce()>) -> Option<Instant> {
        let mut on_cancel = Some(on_cancel);
        let mut deadline = None;
        loop {
            match inbox.recv_timeout(LOOK) {
                Ok(outcome) => self.take(outcome),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Some(on_cancel) = on_cancel.take_if(|_| self.run.is_cancelled()) {
                deadline = Some(Instant::now() + GRACE);
                on_cancel();
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                break;
            }
        }
        self.outcome.cancelled = self.run.is_cancelled();
        self.give_up_the_rest();
        deadline
    }

    fn take(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Opened { job, page_count, is_paged, first, selected, is_cut } => {
                self.unheard.remove(&job.id);
                let sink = &mut self.sink;
                let begun = guarded(WRITING, || {
                    sink.begin(&job, page_count, selected, is_paged);
                    Ok(())
                });
                self.open.push(OpenDocument {
                    job,
                    next: first,
                    end: first + selected as u64,
                    ready: BTreeMap::new(),
                    broken: begun.err(),
                    has_errors: is_cut,
                });
            }
            Outcome::GivenUp { job, reason } => self.give_up(&job, &reason),
            Outcome::NotTried { job } => self.give_up(&job, self.why_stopped()),
            Outcome::Unread { serials } => self.unread(serials),
            Outcome::Repeated { serials, page } => {
                let count = serials.end - serials.start;
                let page = Box::new(FinishedPage::of(*page));
                self.page_done(serials.start, Finished::Pages(page, count));
            }
            Outcome::Interrupted { serial } => self.page_done(serial, Finished::Interrupted),
            Outcome::Failed { serial, page_index, reason } => {
                let page = Page::failed(page_index, reason);
                self.page_done(serial, Finished::Pages(Box::new(FinishedPage::of(page)), 1));
            }
            Outcome::Planned(page) => self.planned(*page),
            Outcome::Answer(answer) => self.answer(answer),
            Outcome::RecognizerEnded { reason } => self.end_of_answers(reason),
        }
    }

    /// Why what was not done is given up.
    fn why_stopped(&self) -> &'static str {
        if self.run.is_cancelled() { CANCELLED } else { NOT_TRIED }
    }

    fn give_up(&mut self, job: &Job, reason: &str) {
        self.unheard.remove(&job.id);
        self.outcome.failed += 1;
        let sink = &mut self.sink;
        let told = guarded(WRITING, || {
            sink.failed(job, reason);
            Ok(())
        });
        if let Err(fault) = told {
            tracing::error!("{}: {fault}", job.file.given);
        }
        if self.run.options.fail_fast {
            self.run.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Gives up what nothing more will be heard of: after a cancel; else only where a stage died.
    fn give_up_the_rest(&mut self) {
        let reason = if self.outcome.cancelled {
            CANCELLED
        } else {
            "internal error: a part of the engine ended early"
        };
        self.waiting.clear();
        for document in std::mem::take(&mut self.open) {
            let reason = document.broken.unwrap_or_else(|| reason.to_string());
            self.give_up(&document.job, &reason);
        }
        for (_, job) in std::mem::take(&mut self.unheard) {
            self.give_up(&job, reason);
        }
    }

    fn planned(&mut self, page: PlannedPage) {
        let serial = page.serial;
        self.waiting.insert(serial, (page, BTreeMap::new()));
        self.hand_over_if_complete(serial);
    }

    fn answer(&mut self, answer: BlockAnswer) {
        if let Some((page, answers)) = self.waiting.get_mut(&answer.ticket.page)
            && page.waiting.remove(&answer.ticket.block)
        {
            answers.insert(answer.ticket.block, answer.result);
            self.hand_over_if_complete(answer.ticket.page);
        }
    }

    fn end_of_answers(&mut self, reason: String) {
        for serial in self.waiting.keys().copied().collect::<Vec<_>>() {
            if let Some((page, answers)) = self.waiting.get_mut(&serial) {
                for block in std::mem::take(&mut page.waiting) {
                    answers.insert(block, Err(reason.clone()));
                }
                self.hand_over_if_complete(serial);
            }
        }
    }

    fn hand_over_if_complete(&mut self, serial: u64) {
        if self.waiting.get(&serial).is_some_and(|(page, _)| page.waiting.is_empty())
            && let Some((page, answers)) = self.waiting.remove(&serial)
        {
            // What fails after a cancel fails because of it.
            let is_interrupted = self.run.is_cancelled() && answers.values().any(Result::is_err);
            let page = match is_interrupted {
                true => Finished::Interrupted,
                false => Finished::Pages(Box::new(self.finished(page, answers)), 1),
            };
            self.page_done(serial, page);
        }
    }

    /// The page; a failed one where its time was up while its blocks were read.
    fn finished(&self, page: PlannedPage, answers: Answers) -> FinishedPage {
        let index = page.prepared.page_index;
        let failed = |reason: String| FinishedPage::of(Page::failed(index, reason));
        let time_up = Err(Stopped::TimeUp.to_string());
        match self.run.options.page_timeout.filter(|_| answers.values().any(|answer| *answer == time_up)) {
            Some(limit) => failed(deadline::time_up(limit)),
            None => {
                guarded("putting the page together", || Ok(finished(page, answers))).unwrap_or_else(failed)
            }
        }
    }

    fn page_done(&mut self, serial: u64, page: Finished) {
        let Some(at) = self.open.iter().position(|d| (d.next..d.end).contains(&serial)) else { return };
        // A second outcome would be a fault of a stage, and must not give a permit back twice.
        if self.open[at].ready.insert(serial, page).is_some() {
            return;
        }
        loop {
            let document = &mut self.open[at];
            let next = document.next;
            let Some(page) = document.ready.remove(&next) else { break };
            document.next += 1;
            match page {
                Finished::Interrupted => drop(document.broken.get_or_insert_with(|| CANCELLED.into())),
                Finished::Pages(page, count) => {
                    document.next += count - 1;
                    let failed = page.page.has_error();
                    document.has_errors |= failed;
                    if failed && self.run.options.fail_fast {
                        self.run.stop.store(true, Ordering::Relaxed);
                    }
                    let (sink, job) = (&mut self.sink, &document.job);
                    if document.broken.is_none()
                        && let Err(reason) = guarded(WRITING, || sink.page(job, *page))
                    {
                        document.broken = Some(reason);
                    }
                }
            }
            self.run.permits.give_back(next);
        }
        self.end_if_done(at);
    }

    /// Takes the last pages off a document, which were not started.
    fn unread(&mut self, serials: Range<u64>) {
        let why = self.why_stopped();
        if let Some(at) = self.open.iter().position(|d| (d.next..d.end).contains(&serials.start)) {
            let document = &mut self.open[at];
            document.end = serials.start;
            document.broken.get_or_insert_with(|| why.into());
            self.end_if_done(at);
        }
    }

    fn end_if_done(&mut self, at: usize) {
        if self.open[at].next == self.open[at].end {
            let document = self.open.remove(at);
            self.document_done(document);
        }
    }

    fn document_done(&mut self, document: OpenDocument) {
        let sink = &mut self.sink;
        let result = match document.broken {
            Some(reason) => Err(reason),
            None => guarded(WRITING, || sink.finish(&document.job)),
        };
        match result {
            Err(reason) => self.give_up(&document.job, &reason),
            Ok(DocumentEnd::Whole) if !document.has_errors => self.outcome.done += 1,
            Ok(_) => self.outcome.partial += 1,
        }
    }
}

/// Puts a page together from its plan and the answers.
fn finished(planned: PlannedPage, mut answers: Answers) -> FinishedPage {
    let PlannedPage { prepared, plan, mut cut, steps, timings, .. } = planned;
    let mut pictures: BTreeMap<usize, Picture> = cut.pictures.into_iter().collect();
    let mut diagnostics = prepared.diagnostics.clone();
    let mut blocks = Vec::with_capacity(plan.blocks.len());
    let mut figures = Vec::new();
    let mut spotting = None;
    for (index, planned) in plan.blocks.into_iter().enumerate() {
        if cut.blank.contains(&index) {
            continue;
        }
        let region = planned.region;
        let mut block = Block::new(region.label, region.bbox, region.score);
        block.style = region.style;
        block.alt = region.alt;
        block.polygon = region.polygon;
        block.group_id = planned.group_id;
        block.picture = pictures.remove(&index);
        let answer = answers.remove(&index);
        if let (Some(trace), Some(Ok(answer))) = (&mut cut.trace, &answer) {
            trace.answers.insert(index, answer.content.clone());
        }
        if let Some(Ok(Recognition { warning: Some((code, message)), .. })) = &answer {
            let block_id = Some(blocks.len());
            let message = message.clone();
            diagnostics.push(Diagnostic { severity: Severity::Warning, code, block_id, message });
        }
        let mut notes = Vec::new();
        let filled = answer.map(|answer| answer.and_then(|answer| fill(&mut block, answer, &mut notes)));
        let block_id = Some(blocks.len());
        let warnings = notes.into_iter().map(|(code, message)| Diagnostic {
            severity: Severity::Warning,
            code,
            block_id,
            message,
        });
        diagnostics.extend(warnings);
        match filled {
            Some(Ok(found)) => {
                spotting = found.or(spotting);
                diagnostics.extend(cut_off(&block, blocks.len()));
            }
            Some(Err(message)) => diagnostics.push(Diagnostic {
                severity: Severity::Error,
                code: "block_failed",
                block_id: Some(blocks.len()),
                message,
            }),
            None => {}
        }
        figures.push(planned.request.map(|r| r.figures).unwrap_or_default());
        blocks.push(block);
    }
    let table_pictures = restore_table_pictures(&mut blocks, &mut diagnostics, &figures);
    let page = Page {
        page_index: prepared.page_index,
        width: prepared.width,
        height: prepared.height,
        size_points: prepared.size_points,
        rotation_quarters: prepared.rotation_quarters,
        skew_degrees: prepared.skew_degrees,
        regions: plan.detected,
        blocks,
        pictures: cut.page_pictures,
        table_pictures,
        spotting,
        preprocessed: prepared.preprocessed,
        text_decision: prepared.decision.clone(),
        diagnostics,
        timings,
        through: None,
    };
    FinishedPage { page, picture: cut.page_picture, pixels: cut.pixels, steps, trace: cut.trace }
}

/// What is told of a block whose answer did not come to its own end.
fn cut_off(block: &Block, index: usize) -> Option<Diagnostic> {
    let generation = block.generation.as_ref()?;
    let (code, what) = match generation.finish_reason {
        FinishReason::Eos => return None,
        FinishReason::Length => ("block_cut", "the answer was cut at its limit"),
        FinishReason::Repetition => ("block_repetition", "the answer repeated itself and was ended"),
        FinishReason::Timeout => ("block_timeout", "the answer was cut because its time was up"),
    };
    let message = format!("{what}, after {} tokens", generation.token_count);
    Some(Diagnostic { severity: Severity::Warning, code, block_id: Some(index), message })
}

/// Puts an answer into its block, cleaned if it is a model's own words; returns what text spotting found. `notes` hear of
/// what was left out.
///
/// Places in an answer refer to the block's box, whatever was done to the crop that was shown.
fn fill(
    block: &mut Block,
    answer: Recognition,
    notes: &mut Vec<(&'static str, String)>,
) -> Result<Option<Spotting>, String> {
    block.confidence = answer.confidence;
    block.lines = answer.lines;
    block.generation = answer.generation;
    block.text = answer.text;
    block.content = answer.content;
    block.markup = answer.markup;
    if !answer.is_raw {
        return Ok(None);
    }
    // Models mark formulas and raised text as the pipelines' own recognizer does; all else they say is text.
    block.markup = Markup { formulas: true, scripts: true, list_item: false };
    let size = (block.bbox.width() as usize, block.bbox.height() as usize);
    let reading = guarded("reading the answer", || Ok(content::read(&block.content, block.label, size)))?;
    block.content = reading.content;
    notes.extend(reading.notes);
    Ok(reading.spotting.filter(|found| !found.rec_texts.is_empty()))
}

/// Puts the pictures inside tables back into them, and takes them out of the page's blocks; returns their paths.
fn restore_table_pictures(
    blocks: &mut Vec<Block>,
    diagnostics: &mut [Diagnostic],
    figures: &[Vec<Figure>],
) -> Vec<String> {
    let in_tables: Vec<String> = figures.iter().flatten().map(|f| f.path.clone()).collect();
    if in_tables.is_empty() {
        return in_tables;
    }
    let path_of = |block: &Block| block.picture.as_ref().map(|p| p.path.clone());
    let known: BTreeMap<String, String> =
        blocks.iter().filter_map(|b| Some((path_of(b)?, b.content.clone()))).collect();
    for (block, figures) in blocks.iter_mut().zip(figures).filter(|(_, figures)| !figures.is_empty()) {
        block.content = content::restore_figures(&block.content, |token| {
            let figure = figures.iter().find(|f| f.painted && f.token == token)?;
            if known.is_empty() {
                return Some((String::new(), String::new())); // no pictures are kept, so none is shown
            }
            Some((figure.path.clone(), known.get(&figure.path)?.clone()))
        });
    }
    // Diagnostics name blocks by their position, which changes.
    let stays: Vec<bool> =
        blocks.iter().map(|b| path_of(b).is_none_or(|path| !in_tables.contains(&path))).collect();
    for diagnostic in diagnostics {
        diagnostic.block_id =
            diagnostic.block_id.filter(|i| stays[*i]).map(|i| stays[..i].iter().filter(|s| **s).count());
    }
    let mut stays = stays.into_iter();
    blocks.retain(|_| stays.next().unwrap_or(true));
    in_tables
}
