//! Jobs: scheduled, opened, given up, ended.

use super::{Coordinator, OpenJob, Opened, ToOpen};
use crate::deadline::CancelToken;
use crate::engine::job::{Event, JobContext, JobFault, OpenedDocument, Submission};
use crate::engine::permits::Permits;
use crate::engine::repeats::Repeats;
use crate::fault::Fault;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Coordinator {
    pub(super) fn submitted(&mut self, submission: Submission) {
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
            turns: Arc::default(),
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

    pub(super) fn opened(&mut self, key: u64, opened: Result<Box<Opened>, Fault>) {
        let Some(job) = self.state.jobs.get_mut(&key) else {
            return;
        };
        let opened = match opened {
            _ if job.context.cancel.is_cancelled() => {
                return self.give_up(key, JobFault::Cancelled);
            }
            _ if job.stop.load(Ordering::Relaxed) => return self.give_up(key, JobFault::CalledOff),
            Err(fault) => return self.give_up(key, JobFault::Open(fault)),
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
        let opened = OpenedDocument {
            page_count,
            selected: selected.len(),
            wanted,
            is_paged: source.is_paged(),
            info: source.info(),
        };
        let event = Event::Opened(Box::new(opened));
        (job.context, job.source, job.selected) = (context, Some(source), selected);
        if !job.events.send(job.context.job.id, event) {
            return self.give_up(key, JobFault::Cancelled);
        }
        self.state.page_turns.push_back(key);
    }

    /// Gives a job up; running work on it ends at its next check.
    pub(super) fn give_up(&mut self, key: u64, fault: JobFault) {
        let Some(job) = self.state.jobs.remove(&key) else {
            return;
        };
        job.context.cancel.cancel();
        let state = &mut self.state;
        state.page_turns.retain(|turn| *turn != key);
        state.block_turns.retain(|turn| *turn != key);
        for serial in &job.undelivered {
            // Blocks at the recognizer are answered at its next check; their page no longer waits for them.
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

    pub(super) fn job_ended(&mut self, job: &OpenJob, event: Event) {
        // Counted first: a client may submit its next job on receiving the event.
        self.open_jobs.fetch_sub(1, Ordering::SeqCst);
        job.events.send(job.context.job.id, event);
        if let Some((_, jobs)) = self.state.windows.get_mut(&job.events.receiver) {
            *jobs -= 1;
        }
        self.forget_window(job.events.receiver);
    }

    pub(super) fn look_for_cancels(&mut self) {
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

    pub(super) fn received(&mut self, receiver: u64, serial: u64) {
        if let Some((window, _)) = self.state.windows.get_mut(&receiver) {
            window.give_back(serial);
        }
        self.forget_window(receiver);
    }

    /// Removes a client that has neither jobs nor pages.
    pub(super) fn forget_window(&mut self, receiver: u64) {
        let is_idle = |(window, jobs): &(Permits, usize)| *jobs == 0 && window.is_unused();
        if self.state.windows.get(&receiver).is_some_and(is_idle) {
            self.state.windows.remove(&receiver);
        }
    }
}
