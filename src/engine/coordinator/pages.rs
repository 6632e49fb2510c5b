//! Scheduling of pages and blocks: started, planned, answered, finished, and delivered in order.

use super::{Coordinator, OpenJob, State, Under};
use crate::document::Page;
use crate::engine::FinishedPage;
use crate::engine::assemble::{self, PlannedPage};
use crate::engine::job::{Event, JobFault};
use crate::engine::repeats::RepeatedPages;
use crate::engine::stages::{PageJob, page_memory};
use crate::fault::Fault;
use crate::input::PageSource;
use crate::recognize::{BlockAnswer, BlockRequest};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;

/// State of a job's next page.
enum Turn {
    Started,
    /// Waits until the client receives pages.
    WaitsForClient,
    /// Waits until other pages are finished.
    WaitsForPermit,
    /// There is no further page.
    Over,
}

impl Coordinator {
    // Pages.

    /// Starts pages round-robin, one per job, while there are permits.
    pub(super) fn start_pages(&mut self) {
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
        if let Some(fault) = self.lost.get() {
            let page = Page::failed(page_index, fault.clone());
            self.page_done(serial, FinishedPage::of(page));
            return Turn::Started;
        }
        let page = PageJob::new(serial, job.context.clone(), source, page_index);
        if self.to_readers.send(page).is_err() {
            self.page_done(
                serial,
                FinishedPage::of(Page::failed(
                    page_index,
                    Fault::internal("the readers are gone"),
                )),
            );
        }
        Turn::Started
    }

    pub(super) fn interrupted(&mut self, serial: u64) {
        if let Some(key) = self.end_page(serial).map(|page| page.key) {
            self.give_up(key, JobFault::Cancelled);
        }
    }

    /// Returns a page's permit, and the page if this is its first outcome.
    pub(super) fn end_page(&mut self, serial: u64) -> Option<Under> {
        let page = self.state.pages.remove(&serial)?;
        self.state.permits.give_back(serial);
        Some(page)
    }

    pub(super) fn page_done(&mut self, serial: u64, page: FinishedPage) {
        // A second outcome of a page would be a bug of a stage, and must not count twice.
        let Some(Under { key, place }) = self.end_page(serial) else {
            return;
        };
        let Some(job) = self.state.jobs.get_mut(&key) else {
            return;
        };
        // An error after a cancellation is a consequence of it.
        if page.page.has_error() && job.context.cancel.is_cancelled() {
            return self.give_up(key, JobFault::Cancelled);
        }
        job.ready.insert(place, (Box::new(page), 1, Some(serial)));
        self.deliver(key);
    }

    /// Delivers a job's finished pages that are next in order.
    pub(super) fn deliver(&mut self, key: u64) {
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

    pub(super) fn planned(&mut self, page: PlannedPage, requests: Vec<BlockRequest>) {
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

    /// Sends blocks to the recognizer round-robin, one per job, up to its limit.
    pub(super) fn ask(&mut self) {
        let State {
            blocks,
            block_turns,
            jobs,
            ..
        } = &mut self.state;
        let failed = blocks.ask(|| next_block(block_turns, jobs));
        self.answered(failed);
    }

    pub(super) fn recognizer_ended(&mut self, fault: &Fault, restarts: bool) {
        let State { blocks, pages, .. } = &mut self.state;
        let answers = blocks.ended(fault, restarts, |page| pages.contains_key(&page));
        self.answered(answers);
    }

    /// Assigns answers to their pages.
    pub(super) fn answered(&mut self, answers: Vec<BlockAnswer>) {
        for BlockAnswer { ticket, result } in answers {
            if let Some((page, answers)) = self.state.planned.get_mut(&ticket.page)
                && page.waiting.remove(&ticket.block)
            {
                answers.insert(ticket.block, result);
                self.finish_if_complete(ticket.page);
            }
        }
    }

    pub(super) fn finish_if_complete(&mut self, serial: u64) {
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
    /// The next page to start; preceding ones that exceed the limit of repeated pages are left out.
    fn leave_out_repeats(&mut self, source: &dyn PageSource) -> Option<usize> {
        let mut row: Option<RepeatedPages> = None;
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
            row.get_or_insert_with(|| RepeatedPages::from(self.started, page_index))
                .add(earlier);
            self.started += 1;
        };
        row.into_iter().for_each(|row| self.leave_out(row));
        next
    }

    /// Leaves out a run of repeated pages, for which one page stands.
    fn leave_out(&mut self, row: RepeatedPages) {
        let (place, count, page) = row.page();
        self.ready
            .insert(place, (Box::new(FinishedPage::of(page)), count, None));
    }
}
