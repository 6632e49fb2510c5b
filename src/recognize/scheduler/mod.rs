//! Continuous batching: sequences of many pages decode together, each in a slot; when one ends, the next
//! takes its slot in the following step.
//!
//! In a step every sequence in a slot contributes the tokens that the model has not seen: a new one its whole
//! prompt (prefill), any other its last token (decode step) and drafted tokens to be verified. The KV cache
//! is divided into cache pages that sequences take as they grow, or into slots of fixed lengths (see
//! [`kv_cache`]). If no cache page is free, the sequence that came last is preempted: it gives its pages back and
//! waits. A sequence that outgrows its slot gets a longer one, or waits for one. Both start again with all
//! tokens generated so far. The planned memory is therefore never exceeded, and no sequence waits for ever.
//!
//! The scheduler knows the model only as [`Steps`].

pub(crate) mod kv_cache;

use super::cancelled;
use super::counters::{Held, Meter, RecognizerCounters};
use super::draft::Draft;
use super::sampling::Sampling;
use crate::deadline::CancelToken;
use crate::document::{FinishReason, Generation};
use crate::fault::{Fault, Reason};
use kv_cache::{CacheLayout, Growth, KvCache};
use rand_mt::Mt64;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Interval in tokens at which an answer is checked for repetition.
const LOOK: usize = 64;
/// The share of all slots that are free before prompts are run, as a divisor: prompts run together, and few slots idle.
const GATHERED: usize = 8;
/// Steps for which sequences wait for more slots to be free, at most: those of others may be long.
const MOST_HELD: usize = 32;
/// Tokens of a step up to which drafts may fill it; more would cost as much as they save.
const DRAFTED: usize = 48;

/// A sequence's contribution to a step: all tokens of prompt and answer after the first `past`.
#[derive(Debug)]
pub struct StepRow<'a, P> {
    /// The prompt.
    pub prompt: &'a P,
    /// Tokens generated and drafted.
    pub tokens: &'a [u32],
    /// Number of tokens, prompt included, that the model has seen.
    pub past: usize,
    /// Number of trailing tokens for which the model's next token is wanted.
    pub wanted: usize,
    /// Location of its keys and values: its cache pages, or its slot.
    pub pages: &'a [u32],
    /// `true` if the logits are wanted.
    pub wants_logits: bool,
}

/// The model's predictions for one row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictions {
    /// Likeliest next token after each wanted token, and its log-probability.
    pub next: Vec<(u32, f32)>,
    /// Logits after the last token, if wanted.
    pub logits: Vec<f32>,
}

/// A model that runs steps.
pub trait Steps {
    /// A prompt in the model's form.
    type Prompt;

    /// Number of tokens of a prompt.
    fn prompt_tokens(&self, prompt: &Self::Prompt) -> usize;

    /// Layout of its KV cache.
    fn cache_layout(&self) -> CacheLayout;

    /// Tells the model that the contents of these cache pages or slots are no longer needed.
    fn release(&mut self, pages: &[u32]) {
        let _ = pages;
    }

    /// Runs a step; returns the predictions for every row, in order.
    fn step(&mut self, rows: &[StepRow<'_, Self::Prompt>]) -> Result<Vec<Predictions>, Fault>;
}

/// Check for ending an answer early: given all its tokens, its final text if it is to end.
pub(crate) type EarlyEnd = Box<dyn Fn(&[u32]) -> Option<String> + Send>;

/// A request to generate an answer.
pub struct GenerationTask<P, T> {
    /// Identifies it to the caller.
    pub tag: T,
    /// The prompt.
    pub prompt: P,
    /// Most tokens of the answer.
    pub max_new_tokens: usize,
    /// Tokens that end the answer.
    pub eos: Vec<u32>,
    /// Sampling state; `None` for greedy decoding.
    pub sampling: Option<(Sampling, Mt64)>,
    /// Check that may end it early.
    pub early_end: Option<EarlyEnd>,
    /// Draft for speculative decoding.
    pub draft: Draft,
    /// Start of its time, before vision encoding.
    pub started: Instant,
    /// Time limit.
    pub timeout: Option<Duration>,
    /// Cancels it before the next step.
    pub cancel: CancelToken,
}

/// A finished answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The tokens, without the end token.
    pub ids: Vec<u32>,
    /// The text, if the early end supplied it.
    pub text: Option<String>,
    /// Statistics and the reason of its end.
    pub generation: Generation,
}

struct Sequence<P, T> {
    task: GenerationTask<P, T>,
    prompt_tokens: usize,
    tokens: Vec<u32>,
    logs: Vec<f32>,
    past: usize,
    pages: Vec<u32>,
    /// Number of drafted tokens in the current step.
    proposed: usize,
}

impl<P, T> Sequence<P, T> {
    fn length(&self) -> usize {
        self.prompt_tokens + self.tokens.len()
    }

    fn forget_draft(&mut self) {
        self.tokens.truncate(self.tokens.len() - self.proposed);
        self.proposed = 0;
    }

    fn answer(self, reason: FinishReason, text: Option<String>) -> (T, Answer) {
        let count = self.logs.len();
        let sum: f64 = self.logs.iter().map(|v| f64::from(*v)).sum();
        let generation = Generation {
            token_count: count,
            mean_log_probability: Some((sum / count.max(1) as f64) as f32),
            min_log_probability: Some(self.logs.iter().copied().fold(0.0, f32::min)),
            finish_reason: reason,
            milliseconds: self.task.started.elapsed().as_secs_f64() * 1000.0,
            drafted_share: (!self.task.draft.is_empty())
                .then(|| self.task.draft.accepted() as f32 / count.max(1) as f32),
        };
        (
            self.task.tag,
            Answer {
                ids: self.tokens,
                text,
                generation,
            },
        )
    }
}

/// Reason of a sequence's end, and its text if that differs from its tokens'; or an error.
type End = Result<(FinishReason, Option<String>), Fault>;

/// A sequence's tag and its answer or error.
pub(crate) type Done<T> = (T, Result<Answer, Fault>);

/// Continuous batching over a model; see the module documentation.
pub struct Scheduler<S: Steps, T> {
    /// The model.
    pub steps: S,
    slots: usize,
    cache: KvCache,
    waiting: VecDeque<Sequence<S::Prompt, T>>,
    active: Vec<Sequence<S::Prompt, T>>,
    /// Steps for which a sequence has been waiting although a slot may be free.
    held_steps: usize,
    meter: Meter,
}

impl<S: Steps, T> Scheduler<S, T> {
    /// A scheduler with a number of slots, all empty.
    pub fn new(steps: S, slots: usize) -> Self {
        let cache = KvCache::new(steps.cache_layout());
        Scheduler {
            steps,
            slots: slots.max(1),
            cache,
            waiting: VecDeque::new(),
            active: Vec::new(),
            held_steps: 0,
            meter: Meter::default(),
        }
    }

    /// Adds its steps and what it holds to `counters`.
    pub fn counted(mut self, counters: Arc<RecognizerCounters>) -> Self {
        self.meter = Meter::new(counters, self.slots, self.cache.tokens());
        self
    }

    fn held(&self) -> Held {
        Held {
            active: self.active.len(),
            waiting: self.waiting.len(),
            cache_tokens: self.cache.used_tokens(),
        }
    }

    /// Queues a sequence until a slot is free.
    pub fn push(&mut self, task: GenerationTask<S::Prompt, T>) {
        let prompt_tokens = self.steps.prompt_tokens(&task.prompt);
        self.waiting.push_back(Sequence {
            task,
            prompt_tokens,
            tokens: Vec::new(),
            logs: Vec::new(),
            past: 0,
            pages: Vec::new(),
            proposed: 0,
        });
    }

    /// Number of sequences, active and waiting.
    pub fn load(&self) -> usize {
        self.waiting.len() + self.active.len()
    }

    /// `true` if another sequence would find a slot in the next step or soon.
    pub fn wants_more(&self) -> bool {
        self.load() < self.slots + 1
    }

    /// Runs a step with all sequences in slots; returns those that ended.
    pub fn step(&mut self) -> Vec<Done<T>> {
        let mut done = Vec::new();
        self.end_cancelled(&mut done);
        self.admit(&mut done);
        self.propose();
        self.make_room(&mut done);
        if self.active.is_empty() {
            self.meter.holds(self.held());
            return done;
        }
        self.meter.step(self.held(), self.slots);
        let results = self.run(0..self.active.len());
        // From the last to the first, so that removing one keeps the indices of the others.
        let mut ended = Vec::new();
        for (index, result) in results.into_iter().enumerate().rev() {
            if let Some(end) = self.take(index, result) {
                let mut sequence = self.active.remove(index);
                self.free(std::mem::take(&mut sequence.pages));
                ended.push(match end {
                    Ok((reason, text)) => {
                        let (tag, answer) = sequence.answer(reason, text);
                        (tag, Ok(answer))
                    }
                    Err(error) => (sequence.task.tag, Err(error)),
                });
            }
        }
        done.extend(ended.into_iter().rev());
        self.meter.holds(self.held());
        done
    }

    /// Ends cancelled sequences, which frees their slots for this step.
    fn end_cancelled(&mut self, done: &mut Vec<Done<T>>) {
        let is_cancelled = |sequence: &Sequence<S::Prompt, T>| sequence.task.cancel.is_cancelled();
        if !self.active.iter().chain(&self.waiting).any(is_cancelled) {
            return;
        }
        let (ended, active): (Vec<_>, _) = std::mem::take(&mut self.active)
            .into_iter()
            .partition(is_cancelled);
        let (unstarted, waiting): (VecDeque<_>, _) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(is_cancelled);
        (self.active, self.waiting) = (active, waiting);
        for sequence in ended.into_iter().chain(unstarted) {
            self.free(sequence.pages);
            done.push((sequence.task.tag, Err(cancelled())));
        }
    }

    fn free(&mut self, pages: Vec<u32>) {
        self.steps.release(&pages);
        self.cache.give(&pages);
    }

    /// Admits waiting sequences to free slots. A model with slots runs prompts together, which costs it little more than
    /// one: while others decode, sequences wait for some steps until more slots are free.
    fn admit(&mut self, done: &mut Vec<Done<T>>) {
        let free = self.slots.saturating_sub(self.active.len());
        let is_held = !self.cache.is_shared()
            && !self.active.is_empty()
            && !self.waiting.is_empty()
            && free < self.slots / GATHERED
            && self.held_steps < MOST_HELD;
        if is_held {
            self.held_steps += 1;
            return;
        }
        self.held_steps = 0;
        while self.active.len() < self.slots
            && let Some(next) = self.waiting.front()
        {
            let tokens = next.length() + 1;
            if !self.cache.holds(tokens) {
                if let Some(sequence) = self.waiting.pop_front() {
                    done.push(match sequence.tokens.is_empty() {
                        true => {
                            let reason = format!(
                                "its picture takes {} tokens, more than there is memory for",
                                sequence.prompt_tokens
                            );
                            (
                                sequence.task.tag,
                                Err(Fault::new(Reason::OutOfMemory, reason)),
                            )
                        }
                        false => {
                            let (tag, answer) = sequence.answer(FinishReason::Length, None);
                            (tag, Ok(answer))
                        }
                    });
                }
                continue;
            }
            // Leaves one free cache page per active sequence to grow into; otherwise the new one would be
            // preempted at once.
            let Some(pages) = self.cache.take(tokens, self.active.len()) else {
                break;
            };
            let Some(next) = self.waiting.pop_front() else {
                break;
            };
            self.active.push(Sequence { pages, ..next });
        }
    }

    /// Fills the step with drafted tokens.
    ///
    /// A model with slots runs each row of several tokens in a call of its own, which costs more than a step over one
    /// token of every sequence: there only a sequence that is alone has drafted tokens.
    fn propose(&mut self) {
        let drafting = self
            .active
            .iter()
            .filter(|s| !s.task.draft.is_empty() && s.past > 0)
            .count();
        let most = match self.cache.is_shared() || self.active.len() == 1 {
            true => DRAFTED.saturating_sub(self.active.len()) / drafting.max(1),
            false => 0,
        };
        for sequence in &mut self.active {
            sequence.proposed = 0;
            let left = sequence
                .task
                .max_new_tokens
                .saturating_sub(sequence.tokens.len() + 1);
            if sequence.past > 0 && sequence.task.sampling.is_none() {
                let proposal = sequence.task.draft.propose(most.min(left));
                sequence.proposed = proposal.len();
                sequence.tokens.extend_from_slice(proposal);
            }
        }
    }

    /// Gives every sequence the cache pages that it needs in this step.
    fn make_room(&mut self, done: &mut Vec<Done<T>>) {
        let mut index = 0;
        while index < self.active.len() {
            let sequence = &mut self.active[index];
            let before = sequence.pages.clone();
            let length = sequence.length();
            match self.cache.grow(&mut sequence.pages, length) {
                Growth::InPlace => index += 1,
                Growth::Moved => {
                    sequence.past = 0;
                    self.steps.release(&before);
                    index += 1;
                }
                // It may fit without the drafted tokens.
                Growth::Full if sequence.proposed > 0 => sequence.forget_draft(),
                Growth::Full if self.active.len() > 1 => {
                    // If pages are shared, the last sequence is preempted; it may be this one.
                    let waiting = if self.cache.is_shared() {
                        self.active.len() - 1
                    } else {
                        index
                    };
                    let mut sequence = self.active.remove(waiting);
                    sequence.forget_draft();
                    sequence.past = 0;
                    self.free(std::mem::take(&mut sequence.pages));
                    self.waiting.push_front(sequence);
                    self.meter.preempted();
                }
                Growth::Full => {
                    let mut only = self.active.remove(index);
                    self.free(std::mem::take(&mut only.pages));
                    let (tag, answer) = only.answer(FinishReason::Length, None);
                    done.push((tag, Ok(answer)));
                }
            }
        }
    }

    /// Runs a step over some of the sequences. If it fails, halves are tried, so that a sequence that cannot
    /// be run, or too little memory for all at once, affects no other.
    fn run(&mut self, range: std::ops::Range<usize>) -> Vec<Result<Predictions, Fault>> {
        let rows: Vec<StepRow<'_, S::Prompt>> = self.active[range.clone()]
            .iter()
            .map(|sequence| StepRow {
                prompt: &sequence.task.prompt,
                tokens: &sequence.tokens,
                past: sequence.past,
                wanted: sequence.proposed + 1,
                pages: &sequence.pages,
                wants_logits: sequence.task.sampling.is_some(),
            })
            .collect();
        let result = match self.steps.step(&rows) {
            Ok(followers) if followers.len() != rows.len() => Err(Fault::internal(format!(
                "a step of {} rows gave {} results",
                rows.len(),
                followers.len()
            ))),
            result => result,
        };
        match result {
            Ok(followers) => followers.into_iter().map(Ok).collect(),
            Err(error) if range.len() < 2 => vec![Err(error)],
            // Nothing can run any more: halves would fail as well.
            Err(error) if error.reason == Reason::DeviceLost => vec![Err(error); range.len()],
            Err(error) => {
                tracing::warn!(
                    %error,
                    "a step of {} blocks failed, trying them in halves",
                    range.len()
                );
                let middle = range.start + range.len() / 2;
                let mut results = self.run(range.start..middle);
                results.extend(self.run(middle..range.end));
                results
            }
        }
    }

    /// Accepts a sequence's next tokens; returns its end, if it has ended.
    fn take(&mut self, index: usize, result: Result<Predictions, Fault>) -> Option<End> {
        let sequence = &mut self.active[index];
        let followers = match result {
            Ok(followers) => followers,
            Err(error) => return Some(Err(error)),
        };
        if followers.next.len() != sequence.proposed + 1 {
            return Some(Err(Fault::internal("a step gave too few tokens")));
        }
        let said = sequence.tokens.len() - sequence.proposed;
        let drafted = sequence.tokens.split_off(said);
        let right = drafted
            .iter()
            .zip(&followers.next)
            .take_while(|(d, (id, _))| *d == id)
            .count();
        sequence.past = sequence.prompt_tokens + said + right;
        let looked = said / LOOK;
        let mut kept = 0;
        let mut end = None;
        for place in 0..=right {
            let (id, log) = match &mut sequence.task.sampling {
                None => followers.next[place],
                Some((sampling, random)) => {
                    sampling.choose(&followers.logits, &sequence.tokens, random)
                }
            };
            sequence.logs.push(log);
            if sequence.task.eos.contains(&id) {
                end = Some((FinishReason::Eos, None));
                break;
            }
            sequence.tokens.push(id);
            kept += 1;
            if sequence.tokens.len() >= sequence.task.max_new_tokens {
                end = Some((FinishReason::Length, None));
                break;
            }
        }
        sequence
            .task
            .draft
            .observe(drafted.len(), right.min(kept), &sequence.tokens);
        if end.is_none() && sequence.tokens.len() / LOOK > looked {
            let text = sequence
                .task
                .early_end
                .as_ref()
                .and_then(|early_end| early_end(&sequence.tokens));
            end = text.map(|text| (FinishReason::Repetition, Some(text)));
        }
        let is_late = sequence
            .task
            .timeout
            .is_some_and(|timeout| sequence.task.started.elapsed() >= timeout);
        end.or(is_late.then_some((FinishReason::Timeout, None)))
            .map(Ok)
    }
}

#[cfg(test)]
mod tests;
