//! The coordinator: the engine's own thread. It opens the turns of jobs, page by page and block by block, puts answers to
//! their pages and pages into order, and tells clients.
//!
//! It alone changes what is counted, so nothing here is locked; it never waits for a client or a stage.

use super::assemble::{self, Answers, PlannedPage};
use super::blocks::Blocks;
use super::job::{Event, EventSender, JobContext, JobFault, OpenSource, Submission};
use super::permits::Permits;
use super::repeats::{LeftOut, Repeats};
use super::stages::{PageJob, page_memory};
use super::{FinishedPage, Limits};
use crate::deadline::CancelToken;
use crate::document::Page;
use crate::input::PageSource;
use crate::recognize::{BlockAnswer, BlockRequest};
use crossbeam_channel::{Receiver, Sender};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How often it is looked whether a job was cancelled.
const LOOK: Duration = Duration::from_millis(20);

/// What the coordinator is told.
pub(crate) enum Message {
    /// A client hands a job over.
    Submitted(Box<Submission>),
    /// A job's file was opened, or could not be.
    Opened {
        key: u64,
        opened: Result<Box<Opened>, String>,
    },
    /// A page will not be done, since its job was cancelled.
    Interrupted { serial: u64 },
    /// A page failed.
    Failed {
        serial: u64,
        page_index: usize,
        reason: String,
    },
    /// A page is planned; its blocks are to be read.
    Planned {
        page: Box<PlannedPage>,
        requests: Vec<BlockRequest>,
    },
    /// The recognizer ended, or could not be started again; all its answers were sent before.
    RecognizerEnded { reason: String, restarts: bool },
    /// A client has received a page.
    Received { receiver: u64, serial: u64 },
    /// A stage has ended.
    StageEnded { name: &'static str },
    /// The engine is to end.
    Shutdown,
}

/// A file to be opened.
pub(crate) struct ToOpen {
    pub(super) context: Arc<JobContext>,
    pub(super) source: OpenSource,
    pub(super) pages: super::PageSelection,
    pub(super) max_pages: Option<usize>,
}

/// An open document.
pub(crate) struct Opened {
    pub(super) source: Arc<dyn PageSource>,
    /// The job, which knows its document now.
    pub(super) context: Arc<JobContext>,
    /// Positions of the pages to be parsed.
    pub(super) selected: Vec<usize>,
    /// Pages that were asked for.
    pub(super) wanted: usize,
}

/// A recognizer's channels: requests to it, answers from it.
pub(crate) type RecognizerEnds = (Receiver<BlockRequest>, Sender<BlockAnswer>);

/// A job that has not ended.
struct OpenJob {
    context: Arc<JobContext>,
    events: EventSender,
    stop: Arc<AtomicBool>,
    source: Option<Arc<dyn PageSource>>,
    selected: Vec<usize>,
    /// Of the selected pages, those that were started or left out.
    started: usize,
    /// Of the selected pages, those that were delivered.
    delivered: usize,
    /// Finished pages that wait for those before them, by their place among the selected: the page, for how many it
    /// stands, and its number.
    ready: BTreeMap<usize, (Box<FinishedPage>, usize, Option<u64>)>,
    repeats: Repeats,
    /// The page that is started next, where it is known.
    next_page: Option<usize>,
    /// Blocks that wait for their turn.
    blocks: VecDeque<BlockRequest>,
    /// Pages that were started and not delivered.
    undelivered: BTreeSet<u64>,
}

/// A page that was started and is not finished.
struct Under {
    key: u64,
    /// Its place among the selected pages.
    place: usize,
}

/// What a job's next page waits for.
enum Turn {
    Started,
    /// That the client receives.
    WaitsForClient,
    /// That other pages are finished.
    WaitsForPermit,
    /// Nothing: there is none.
    Over,
}

/// See the module text.
pub(super) struct Coordinator {
    pub(super) limits: Limits,
    pub(super) inbox: Receiver<Message>,
    /// Its own address, for receipts.
    pub(super) address: Sender<Message>,
    pub(super) to_open: Sender<ToOpen>,
    pub(super) to_readers: Sender<PageJob>,
    /// Jobs that have not ended, for the count of those that may be submitted.
    pub(super) open_jobs: Arc<AtomicUsize>,
    /// Set when the engine ends.
    pub(super) shutdown: CancelToken,
    pub(super) state: State,
}

/// What changes.
pub(super) struct State {
    jobs: BTreeMap<u64, OpenJob>,
    next_key: u64,
    next_serial: u64,
    /// Jobs that have pages to be started, in turn.
    page_turns: VecDeque<u64>,
    /// Jobs that have blocks to be read, in turn.
    block_turns: VecDeque<u64>,
    pages: HashMap<u64, Under>,
    /// Pages whose blocks are read.
    planned: HashMap<u64, (PlannedPage, Answers)>,
    permits: Permits,
    /// Pages that clients have not received, and how many jobs each client has.
    windows: HashMap<u64, (Permits, usize)>,
    blocks: Blocks,
    /// The stage that has ended, if one has.
    fault: Option<&'static str>,
}

impl Coordinator {
    /// Works until the engine is to end; then all jobs that have not ended are given up.
    pub(super) fn run(&mut self) {
        let mut looked = Instant::now();
        loop {
            let answers = self.state.blocks.answers();
            crossbeam_channel::select! {
                recv(self.inbox) -> message => match message {
                    Ok(Message::Shutdown) | Err(_) => break,
                    Ok(message) => self.take(message),
                },
                recv(answers) -> answer => match answer {
                    Ok(answer) if self.state.blocks.answered(answer.ticket) => self.answered(vec![answer]),
                    Ok(_) => {}
                    Err(_) => self.state.blocks.no_more_answers(),
                },
                default(LOOK) => {}
            }
            if self.state.fault.is_some() {
                break;
            }
            if looked.elapsed() >= LOOK {
                self.look_for_cancels();
                looked = Instant::now();
            }
            self.start_pages();
            self.ask();
        }
        let fault = match self.state.fault {
            Some(name) => JobFault::Internal(name.to_string()),
            None => JobFault::Cancelled,
        };
        let keys: Vec<u64> = self.state.jobs.keys().copied().collect();
        for key in keys {
            self.give_up(key, fault.clone());
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Submitted(submission) => self.submitted(*submission),
            Message::Opened { key, opened } => self.opened(key, opened),
            Message::Interrupted { serial } => self.interrupted(serial),
            Message::Failed {
                serial,
                page_index,
                reason,
            } => {
                self.page_done(serial, FinishedPage::of(Page::failed(page_index, reason)));
            }
            Message::Planned { page, requests } => self.planned(*page, requests),
            Message::RecognizerEnded { reason, restarts } => {
                self.recognizer_ended(&reason, restarts)
            }
            Message::Received { receiver, serial } => self.received(receiver, serial),
            // Nothing can be parsed any more.
            Message::StageEnded { name } => self.state.fault = Some(name),
            Message::Shutdown => {}
        }
    }

    // Jobs.

    fn submitted(&mut self, submission: Submission) {
        let Submission {
            job,
            source,
            pages,
            max_pages,
            settings,
            cancel,
            stop,
            events,
        } = submission;
        let key = self.state.next_key;
        self.state.next_key += 1;
        let cancel = CancelToken::new(cancel);
        let context = JobContext {
            key,
            job,
            settings,
            cancel,
            document: Arc::default(),
        };
        let context = Arc::new(context);
        let limits = &self.limits;
        let window = || (limits.permits(), 0);
        self.state
            .windows
            .entry(events.receiver)
            .or_insert_with(window)
            .1 += 1;
        self.state.jobs.insert(
            key,
            OpenJob {
                repeats: Repeats::new(context.settings.most_repeats),
                context: context.clone(),
                events,
                stop,
                source: None,
                selected: Vec::new(),
                started: 0,
                delivered: 0,
                ready: BTreeMap::new(),
                next_page: None,
                blocks: VecDeque::new(),
                undelivered: BTreeSet::new(),
            },
        );
        if self
            .to_open
            .send(ToOpen {
                context,
                source,
                pages,
                max_pages,
            })
            .is_err()
        {
            self.give_up(
                key,
                JobFault::Internal("files are not opened any more".into()),
            );
        }
    }

    fn opened(&mut self, key: u64, opened: Result<Box<Opened>, String>) {
        let Some(job) = self.state.jobs.get_mut(&key) else {
            return;
        };
        let opened = match opened {
            _ if job.context.cancel.is_cancelled() => {
                return self.give_up(key, JobFault::Cancelled);
            }
            _ if job.stop.load(Ordering::Relaxed) => return self.give_up(key, JobFault::CalledOff),
            Err(reason) => return self.give_up(key, JobFault::Open(reason)),
            Ok(opened) => *opened,
        };
        let Opened {
            source,
            context,
            selected,
            wanted,
        } = opened;
        let page_count = source.page_count();
        if selected.is_empty() {
            return self.give_up(key, JobFault::NoPages { count: page_count });
        }
        let event = Event::Opened {
            page_count,
            selected: selected.len(),
            wanted,
            is_paged: source.is_paged(),
        };
        (job.context, job.source, job.selected) = (context, Some(source), selected);
        if !job.events.send(job.context.job.id, event) {
            return self.give_up(key, JobFault::Cancelled);
        }
        self.state.page_turns.push_back(key);
    }

    /// Ends a job; whatever works on it ends as soon as that looks.
    fn give_up(&mut self, key: u64, fault: JobFault) {
        let Some(job) = self.state.jobs.remove(&key) else {
            return;
        };
        job.context.cancel.cancel();
        let state = &mut self.state;
        state.page_turns.retain(|turn| *turn != key);
        state.block_turns.retain(|turn| *turn != key);
        for serial in &job.undelivered {
            // Blocks that the recognizer has are answered when it looks; their page waits for nothing any more.
            if state.planned.remove(serial).is_some() {
                state.pages.remove(serial);
                state.permits.give_back(*serial);
            }
            if let Some((window, _)) = state.windows.get_mut(&job.events.receiver) {
                window.give_back(*serial);
            }
        }
        state.blocks.forget(|page| state.pages.contains_key(&page));
        self.job_ended(&job, Event::GivenUp(fault));
    }

    fn job_ended(&mut self, job: &OpenJob, event: Event) {
        // Counted first: who hears of the end may submit the next.
        self.open_jobs.fetch_sub(1, Ordering::SeqCst);
        job.events.send(job.context.job.id, event);
        if let Some((_, jobs)) = self.state.windows.get_mut(&job.events.receiver) {
            *jobs -= 1;
        }
        self.forget_window(job.events.receiver);
    }

    fn look_for_cancels(&mut self) {
        let fault = |job: &OpenJob| {
            let is_over = job.context.cancel.is_cancelled() || job.events.is_gone();
            let is_called_off =
                job.stop.load(Ordering::Relaxed) && job.started < job.selected.len();
            is_over
                .then_some(JobFault::Cancelled)
                .or(is_called_off.then_some(JobFault::CalledOff))
        };
        let ended = self
            .state
            .jobs
            .iter()
            .filter_map(|(key, job)| Some((*key, fault(job)?)));
        for (key, fault) in ended.collect::<Vec<_>>() {
            self.give_up(key, fault);
        }
    }

    fn received(&mut self, receiver: u64, serial: u64) {
        if let Some((window, _)) = self.state.windows.get_mut(&receiver) {
            window.give_back(serial);
        }
        self.forget_window(receiver);
    }

    /// Forgets a client that has neither jobs nor pages.
    fn forget_window(&mut self, receiver: u64) {
        let is_idle = |(window, jobs): &(Permits, usize)| *jobs == 0 && window.is_unused();
        if self.state.windows.get(&receiver).is_some_and(is_idle) {
            self.state.windows.remove(&receiver);
        }
    }

    // Pages.

    /// Starts pages, one of each job in turn, as long as there are permits.
    fn start_pages(&mut self) {
        let mut waiting = 0;
        while waiting < self.state.page_turns.len()
            && let Some(key) = self.state.page_turns.front().copied()
        {
            match self.start_page(key) {
                Turn::WaitsForPermit => break,
                Turn::Started => waiting = 0,
                Turn::WaitsForClient => waiting += 1,
                Turn::Over => {
                    self.state.page_turns.retain(|turn| *turn != key);
                    continue;
                }
            }
            if let Some(first) = self.state.page_turns.pop_front() {
                self.state.page_turns.push_back(first);
            }
        }
    }

    /// Starts a job's next page.
    fn start_page(&mut self, key: u64) -> Turn {
        let Some(job) = self.state.jobs.get_mut(&key) else {
            return Turn::Over;
        };
        let Some(source) = job.source.clone() else {
            return Turn::Over;
        };
        if job.next_page.is_none() {
            job.next_page = job.leave_out_repeats(&*source);
            let is_over = job.next_page.is_none();
            if is_over {
                job.events.send(job.context.job.id, Event::AllStarted);
            }
            self.deliver(key);
            if is_over {
                return Turn::Over;
            }
        }
        let state = &mut self.state;
        let Some(job) = state.jobs.get_mut(&key) else {
            return Turn::Over;
        };
        let Some(page_index) = job.next_page else {
            return Turn::Over;
        };
        if job.stop.load(Ordering::Relaxed) {
            self.give_up(key, JobFault::CalledOff);
            return Turn::Over;
        }
        let bytes = page_memory(source.page_pixels(page_index));
        let Some((window, _)) = state.windows.get_mut(&job.events.receiver) else {
            return Turn::Over;
        };
        if !window.has(bytes) {
            return Turn::WaitsForClient;
        }
        if !state.permits.has(bytes) {
            return Turn::WaitsForPermit;
        }
        job.next_page = None;
        let serial = state.next_serial;
        state.next_serial += 1;
        state.permits.take(serial, bytes);
        window.take(serial, bytes);
        state.pages.insert(
            serial,
            Under {
                key,
                place: job.started,
            },
        );
        job.undelivered.insert(serial);
        job.started += 1;
        let page = PageJob::new(serial, job.context.clone(), source, page_index);
        if self.to_readers.send(page).is_err() {
            self.page_done(
                serial,
                FinishedPage::of(Page::failed(page_index, "the readers are gone".into())),
            );
        }
        Turn::Started
    }

    fn interrupted(&mut self, serial: u64) {
        if let Some(key) = self.end_page(serial).map(|page| page.key) {
            self.give_up(key, JobFault::Cancelled);
        }
    }

    /// Takes the permit of a page back; the page, where it was not heard of before.
    fn end_page(&mut self, serial: u64) -> Option<Under> {
        let page = self.state.pages.remove(&serial)?;
        self.state.permits.give_back(serial);
        Some(page)
    }

    fn page_done(&mut self, serial: u64, page: FinishedPage) {
        // A second outcome of a page would be a fault of a stage, and must not count twice.
        let Some(Under { key, place }) = self.end_page(serial) else {
            return;
        };
        let Some(job) = self.state.jobs.get_mut(&key) else {
            return;
        };
        // What fails after a cancel fails because of it.
        if page.page.has_error() && job.context.cancel.is_cancelled() {
            return self.give_up(key, JobFault::Cancelled);
        }
        job.ready.insert(place, (Box::new(page), 1, Some(serial)));
        self.deliver(key);
    }

    /// Delivers the pages of a job that come next.
    fn deliver(&mut self, key: u64) {
        let Some(job) = self.state.jobs.get_mut(&key) else {
            return;
        };
        let is_final = job.context.settings.pages_are_final;
        let mut is_heard = true;
        while is_heard && let Some((page, count, serial)) = job.ready.remove(&job.delivered) {
            job.delivered += count;
            let (id, event) = (job.context.job.id, Event::Page { page, is_final });
            is_heard = match serial {
                None => job.events.send(id, event),
                Some(serial) => {
                    job.undelivered.remove(&serial);
                    job.events
                        .send_page(id, event, serial, self.address.clone())
                }
            };
        }
        if !is_heard {
            return self.give_up(key, JobFault::Cancelled);
        }
        if job.source.is_some()
            && job.delivered == job.selected.len()
            && let Some(job) = self.state.jobs.remove(&key)
        {
            self.job_ended(&job, Event::Finished);
        }
    }

    // Blocks.

    fn planned(&mut self, page: PlannedPage, requests: Vec<BlockRequest>) {
        let serial = page.serial;
        let Some(key) = self.state.pages.get(&serial).map(|under| under.key) else {
            return;
        };
        let Some(job) = self.state.jobs.get_mut(&key) else {
            self.end_page(serial);
            return;
        };
        if !requests.is_empty() && job.blocks.is_empty() {
            self.state.block_turns.push_back(key);
        }
        job.blocks.extend(requests);
        self.state.planned.insert(serial, (page, BTreeMap::new()));
        self.finish_if_complete(serial);
    }

    /// Hands blocks to the recognizer, one of each job in turn, as many as it may have.
    fn ask(&mut self) {
        let State {
            blocks,
            block_turns,
            jobs,
            ..
        } = &mut self.state;
        let failed = blocks.ask(|| next_block(block_turns, jobs));
        self.answered(failed);
    }

    fn recognizer_ended(&mut self, reason: &str, restarts: bool) {
        let State { blocks, pages, .. } = &mut self.state;
        let answers = blocks.ended(reason, restarts, |page| pages.contains_key(&page));
        self.answered(answers);
    }

    /// Puts answers to their pages.
    fn answered(&mut self, answers: Vec<BlockAnswer>) {
        for BlockAnswer { ticket, result } in answers {
            if let Some((page, answers)) = self.state.planned.get_mut(&ticket.page)
                && page.waiting.remove(&ticket.block)
            {
                answers.insert(ticket.block, result);
                self.finish_if_complete(ticket.page);
            }
        }
    }

    fn finish_if_complete(&mut self, serial: u64) {
        if !self
            .state
            .planned
            .get(&serial)
            .is_some_and(|(page, _)| page.waiting.is_empty())
        {
            return;
        }
        let Some((page, answers)) = self.state.planned.remove(&serial) else {
            return;
        };
        self.page_done(serial, assemble::page(page, answers));
    }
}

impl Drop for Coordinator {
    /// However it ends: nothing is parsed any more, and who waits for a job hears of it. Those that were submitted meanwhile
    /// have come to nothing, too.
    fn drop(&mut self) {
        self.shutdown.cancel();
        let fault = JobFault::Internal("the engine has ended".into());
        for (_, job) in std::mem::take(&mut self.state.jobs) {
            job.context.cancel.cancel();
            job.events
                .send(job.context.job.id, Event::GivenUp(fault.clone()));
        }
        while let Ok(message) = self.inbox.try_recv() {
            if let Message::Submitted(submission) = message {
                submission
                    .events
                    .send(submission.job.id, Event::GivenUp(JobFault::Cancelled));
            }
        }
    }
}

impl State {
    /// Nothing yet; the recognizer is started.
    pub(super) fn new(limits: &Limits, to_recognizer: Sender<RecognizerEnds>) -> State {
        State {
            jobs: BTreeMap::new(),
            next_key: 0,
            next_serial: 0,
            page_turns: VecDeque::new(),
            block_turns: VecDeque::new(),
            pages: HashMap::new(),
            planned: HashMap::new(),
            permits: limits.permits(),
            windows: HashMap::new(),
            blocks: Blocks::new(limits.blocks_in_flight, to_recognizer),
            fault: None,
        }
    }
}

/// The next block of the job whose turn it is.
fn next_block(
    turns: &mut VecDeque<u64>,
    jobs: &mut BTreeMap<u64, OpenJob>,
) -> Option<BlockRequest> {
    while let Some(key) = turns.pop_front() {
        let Some(job) = jobs.get_mut(&key) else {
            continue;
        };
        let request = job.blocks.pop_front();
        if !job.blocks.is_empty() {
            turns.push_back(key);
        }
        if request.is_some() {
            return request;
        }
    }
    None
}

impl OpenJob {
    /// The next page to be started; those before it that repeat earlier ones too often are done.
    fn leave_out_repeats(&mut self, source: &dyn PageSource) -> Option<usize> {
        let mut row: Option<LeftOut> = None;
        let next = loop {
            let Some(page_index) = self.selected.get(self.started).copied() else {
                break None;
            };
            let Some(earlier) = self.repeats.left_out(source, page_index) else {
                break Some(page_index);
            };
            if let Some(row) = row.take_if(|row| row.ends_before(page_index)) {
                self.leave_out(row);
            }
            row.get_or_insert_with(|| LeftOut::from(self.started, page_index))
                .add(earlier);
            self.started += 1;
        };
        row.into_iter().for_each(|row| self.leave_out(row));
        next
    }

    /// One page stands for those in a row.
    fn leave_out(&mut self, row: LeftOut) {
        let (place, count, page) = row.page();
        self.ready
            .insert(place, (Box::new(FinishedPage::of(page)), count, None));
    }
}
