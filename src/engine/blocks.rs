//! The blocks that the recognizer has, and those that it is asked again because it ended early with them.

use super::coordinator::RecognizerEnds;
use crate::recognize::{BlockAnswer, BlockRequest, Ticket};
use crossbeam_channel::{Receiver, Sender};
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Starts of the recognizer in a row without an answer, after which blocks fail.
const MOST_STARTS: usize = 8;
/// How long they do before it is tried again.
const REST: Duration = Duration::from_secs(60);

/// See the module text.
pub(super) struct Blocks {
    /// Blocks that the recognizer has at most.
    most: usize,
    /// Hands a recognizer that is started again its channels.
    to_recognizer: Sender<RecognizerEnds>,
    requests: Option<Sender<BlockRequest>>,
    answers: Option<Receiver<BlockAnswer>>,
    asked: HashMap<Ticket, Asked>,
    /// Blocks that the recognizer had when it died: asked again, one at a time, before all others.
    suspects: VecDeque<BlockRequest>,
    /// Starts of the recognizer since its last answer.
    starts: usize,
    /// Why blocks cannot be read, and since when.
    fault: Option<(String, Instant)>,
}

/// A block that the recognizer has.
struct Asked {
    request: BlockRequest,
    /// Whether the recognizer died with it before.
    is_suspect: bool,
}

fn failed(ticket: Ticket, reason: &str) -> BlockAnswer {
    BlockAnswer {
        ticket,
        result: Err(reason.to_string()),
    }
}

impl Blocks {
    /// None yet; the recognizer has `most` at once. It is started.
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
        // Where its stage has ended that is told, and everything is given up.
        drop(self.to_recognizer.send((requests, to_answers)));
        (self.requests, self.answers) = (Some(to_requests), Some(answers));
    }

    /// Where answers come from.
    pub(super) fn answers(&self) -> Receiver<BlockAnswer> {
        self.answers
            .clone()
            .unwrap_or_else(crossbeam_channel::never)
    }

    /// Notes that no further answers come. Why is told by the stage.
    pub(super) fn no_more_answers(&mut self) {
        self.answers = None;
    }

    /// Asks for blocks, as many as the recognizer may have; `next` gives one. Returns the answers of those that cannot be
    /// asked for any more.
    pub(super) fn ask(
        &mut self,
        mut next: impl FnMut() -> Option<BlockRequest>,
    ) -> Vec<BlockAnswer> {
        if self
            .fault
            .take_if(|(_, since)| since.elapsed() >= REST)
            .is_some()
        {
            // Once: without an answer blocks fail again.
            self.start();
        }
        if let Some((reason, _)) = &self.fault {
            let suspects = std::mem::take(&mut self.suspects);
            return suspects
                .into_iter()
                .chain(std::iter::from_fn(next))
                .map(|request| failed(request.ticket, reason))
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
            // Where nobody takes it the recognizer has ended, and it is asked again when that is told.
            drop(requests.send(request));
        }
        Vec::new()
    }

    fn next_to_ask(
        &mut self,
        next: &mut impl FnMut() -> Option<BlockRequest>,
    ) -> Option<(BlockRequest, bool)> {
        // Suspects alone, so that it is known which one it dies of.
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

    /// Notes an answer; whether it was asked for.
    pub(super) fn answered(&mut self, ticket: Ticket) -> bool {
        let was_asked = self.asked.remove(&ticket).is_some();
        if was_asked {
            self.starts = 0;
        }
        was_asked
    }

    /// Forgets blocks that are to be asked again, but for those of pages that are wanted.
    pub(super) fn forget(&mut self, is_wanted: impl Fn(u64) -> bool) {
        self.suspects
            .retain(|request| is_wanted(request.ticket.page));
    }

    /// Starts the recognizer again, which has ended. The wanted blocks that it had are asked for once more, each alone: one
    /// with which it ends a second time fails, and no other. Returns the last answers that it gave, and those of blocks that
    /// failed.
    pub(super) fn ended(
        &mut self,
        reason: &str,
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
            self.fault = Some((reason.to_string(), Instant::now()));
            answers.extend(asked.iter().map(|(ticket, _)| failed(*ticket, reason)));
            return answers;
        }
        tracing::warn!("the recognizer ended ({reason}) and is started again");
        for (ticket, asked) in asked.into_iter().rev() {
            match asked.is_suspect {
                true => answers.push(failed(ticket, reason)),
                // Where its job has ended nobody waits for it.
                false if !is_wanted(ticket.page) => {}
                false => self.suspects.push_front(asked.request),
            }
        }
        self.start();
        answers
    }
}
