//! Blocks in flight at the recognizer, including those requested again after it ended early.

use super::coordinator::RecognizerEnds;
use crate::fault::{Fault, Reason};
use crate::recognize::{BlockAnswer, BlockRequest, Ticket};
use crossbeam_channel::{Receiver, Sender};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Consecutive starts of the recognizer without an answer, after which blocks fail.
const MOST_STARTS: usize = 8;
/// Time after which a failing recognizer is tried again.
const REST: Duration = Duration::from_secs(60);

/// Bookkeeping of the recognizer's blocks; see the module documentation.
pub(super) struct Blocks {
    /// Most blocks in flight.
    most: usize,
    /// Gives a restarted recognizer its channels.
    to_recognizer: Sender<RecognizerEnds>,
    requests: Option<Sender<BlockRequest>>,
    answers: Option<Receiver<BlockAnswer>>,
    asked: HashMap<Ticket, Asked>,
    /// Blocks that were in flight when the recognizer died: requested again before all others, one at a time.
    suspects: VecDeque<BlockRequest>,
    /// Number of starts since the recognizer's last answer.
    starts: usize,
    /// Reason why blocks fail at present, and since when.
    fault: Option<(Fault, Instant)>,
}

/// A block in flight.
struct Asked {
    request: BlockRequest,
    /// `true` if the recognizer already died once with this block in flight.
    is_suspect: bool,
}

fn failed(ticket: Ticket, fault: &Fault) -> BlockAnswer {
    BlockAnswer {
        ticket,
        result: Err(fault.clone()),
    }
}

impl Blocks {
    /// Starts the recognizer, which gets at most `most` blocks at once.
    pub(super) fn new(most: usize, to_recognizer: Sender<RecognizerEnds>) -> Blocks {
        let mut blocks = Blocks {
            most: most.max(1),
            to_recognizer,
            requests: None,
            answers: None,
            asked: HashMap::new(),
            suspects: VecDeque::new(),
            starts: 0,
            fault: None,
        };
        blocks.start();
        blocks
    }

    fn start(&mut self) {
        let (to_requests, requests) = crossbeam_channel::unbounded();
        let (to_answers, answers) = crossbeam_channel::unbounded();
        self.starts += 1;
        // If sending fails, the recognizer's stage has ended and reports it; all jobs are given up.
        drop(self.to_recognizer.send((requests, to_answers)));
        (self.requests, self.answers) = (Some(to_requests), Some(answers));
    }

    /// Channel of the recognizer's answers.
    pub(super) fn answers(&self) -> Receiver<BlockAnswer> {
        self.answers
            .clone()
            .unwrap_or_else(crossbeam_channel::never)
    }

    /// Records that no further answers come. The stage reports the reason.
    pub(super) fn no_more_answers(&mut self) {
        self.answers = None;
    }

    /// Requests blocks from `next` up to the limit. Returns failed answers for those that cannot be
    /// requested.
    pub(super) fn ask(
        &mut self,
        mut next: impl FnMut() -> Option<BlockRequest>,
    ) -> Vec<BlockAnswer> {
        if self
            .fault
            .take_if(|(fault, since)| since.elapsed() >= REST && fault.reason != Reason::DeviceLost)
            .is_some()
        {
            // One attempt: without an answer, blocks fail again.
            self.start();
        }
        if let Some((fault, _)) = &self.fault {
            let suspects = std::mem::take(&mut self.suspects);
            return suspects
                .into_iter()
                .chain(std::iter::from_fn(next))
                .map(|request| failed(request.ticket, fault))
                .collect();
        }
        while let Some(requests) = self.requests.clone()
            && let Some((request, is_suspect)) = self.next_to_ask(&mut next)
        {
            self.asked.insert(
                request.ticket,
                Asked {
                    request: request.clone(),
                    is_suspect,
                },
            );
            // If sending fails, the recognizer has ended; the block is requested again when that is reported.
            drop(requests.send(request));
        }
        Vec::new()
    }

    fn next_to_ask(
        &mut self,
        next: &mut impl FnMut() -> Option<BlockRequest>,
    ) -> Option<(BlockRequest, bool)> {
        // Suspects go alone, to find out which of them the recognizer dies of.
        if !self.suspects.is_empty() {
            let next = self.asked.is_empty().then(|| self.suspects.pop_front());
            return next.flatten().map(|request| (request, true));
        }
        let is_full =
            self.asked.len() >= self.most || self.asked.values().any(|asked| asked.is_suspect);
        if is_full {
            None
        } else {
            next().map(|request| (request, false))
        }
    }

    /// Records an answer; `true` if the block was in flight.
    pub(super) fn answered(&mut self, ticket: Ticket) -> bool {
        let was_asked = self.asked.remove(&ticket).is_some();
        if was_asked {
            self.starts = 0;
        }
        was_asked
    }

    /// Drops suspects of pages that are no longer wanted.
    pub(super) fn forget(&mut self, is_wanted: impl Fn(u64) -> bool) {
        self.suspects
            .retain(|request| is_wanted(request.ticket.page));
    }

    /// Restarts the recognizer after it ended. Its wanted blocks are requested again, each alone: only a
    /// block with which it ends a second time fails. Returns its last answers and those of failed blocks.
    pub(super) fn ended(
        &mut self,
        fault: &Fault,
        restarts: bool,
        is_wanted: impl Fn(u64) -> bool,
    ) -> Vec<BlockAnswer> {
        let left = self
            .answers
            .take()
            .map(|answers| answers.try_iter().collect::<Vec<_>>());
        let mut answers: Vec<BlockAnswer> = left
            .unwrap_or_default()
            .into_iter()
            .filter(|answer| self.answered(answer.ticket))
            .collect();
        self.requests = None;
        let mut asked: Vec<(Ticket, Asked)> = self.asked.drain().collect();
        asked.sort_by_key(|(ticket, _)| *ticket);
        if !restarts || self.starts >= MOST_STARTS {
            self.fault = Some((fault.clone(), Instant::now()));
            answers.extend(asked.iter().map(|(ticket, _)| failed(*ticket, fault)));
            return answers;
        }
        tracing::warn!("the recognizer ended ({fault}) and is started again");
        for (ticket, asked) in asked.into_iter().rev() {
            match asked.is_suspect {
                true => answers.push(failed(ticket, fault)),
                // Nobody waits for blocks of a job that has ended.
                false if !is_wanted(ticket.page) => {}
                false => self.suspects.push_front(asked.request),
            }
        }
        self.start();
        answers
    }
}
