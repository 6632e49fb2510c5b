//! Numbers of a recognizer in this process, for whoever watches it: how full its steps are, and how much of its KV cache
//! is in use. The scheduler adds up; readers see each number by itself, at most a step old.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The numbers, shared by the recognizer and those who watch it.
#[derive(Debug, Default)]
pub struct RecognizerCounters {
    steps: AtomicU64,
    step_rows: AtomicU64,
    step_slots: AtomicU64,
    preemptions: AtomicU64,
    slots: AtomicU64,
    active: AtomicU64,
    waiting: AtomicU64,
    cache_tokens: AtomicU64,
    used_cache_tokens: AtomicU64,
    peak_cache_tokens: AtomicU64,
}

/// The numbers at a moment. Sums count from the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecognizerNumbers {
    /// Steps so far.
    pub steps: u64,
    /// Sum over all steps of their rows: sequences that had a slot.
    pub step_rows: u64,
    /// Sum over all steps of the slots that there were.
    pub step_slots: u64,
    /// Sequences that lost their slot for want of cache, and started again later.
    pub preemptions: u64,
    /// Slots of a step.
    pub slots: u64,
    /// Sequences in slots; 0 while nothing is recognized.
    pub active: u64,
    /// Sequences that wait for a slot.
    pub waiting: u64,
    /// Tokens that the KV cache has room for.
    pub cache_tokens: u64,
    /// Tokens of the cache pages or slots that sequences hold.
    pub used_cache_tokens: u64,
    /// Most of those at once so far.
    pub peak_cache_tokens: u64,
}

impl RecognizerCounters {
    /// The numbers as they stand.
    pub fn read(&self) -> RecognizerNumbers {
        let number = |number: &AtomicU64| number.load(Ordering::Relaxed);
        RecognizerNumbers {
            steps: number(&self.steps),
            step_rows: number(&self.step_rows),
            step_slots: number(&self.step_slots),
            preemptions: number(&self.preemptions),
            slots: number(&self.slots),
            active: number(&self.active),
            waiting: number(&self.waiting),
            cache_tokens: number(&self.cache_tokens),
            used_cache_tokens: number(&self.used_cache_tokens),
            peak_cache_tokens: number(&self.peak_cache_tokens),
        }
    }
}

/// What a scheduler holds at a moment.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    /// Sequences in slots.
    pub active: usize,
    /// Sequences that wait for one.
    pub waiting: usize,
    /// Tokens of the cache pages or slots in use.
    pub cache_tokens: usize,
}

/// Counts for a scheduler. When the scheduler goes, it holds nothing any more.
#[derive(Debug, Default)]
pub(super) struct Meter(Arc<RecognizerCounters>);

impl Meter {
    /// Counts for a scheduler with so many slots and room for so many tokens.
    pub(super) fn new(counters: Arc<RecognizerCounters>, slots: usize, cache: usize) -> Meter {
        counters.slots.store(slots as u64, Ordering::Relaxed);
        counters.cache_tokens.store(cache as u64, Ordering::Relaxed);
        Meter(counters)
    }

    /// A step is about to run.
    pub(super) fn step(&self, held: Held, slots: usize) {
        let add = |to: &AtomicU64, number: usize| to.fetch_add(number as u64, Ordering::Relaxed);
        add(&self.0.steps, 1);
        add(&self.0.step_rows, held.active);
        add(&self.0.step_slots, slots);
        self.holds(held);
    }

    /// A sequence was preempted.
    pub(super) fn preempted(&self) {
        self.0.preemptions.fetch_add(1, Ordering::Relaxed);
    }

    /// What the scheduler holds now.
    pub(super) fn holds(&self, held: Held) {
        let set = |to: &AtomicU64, number: usize| to.store(number as u64, Ordering::Relaxed);
        set(&self.0.active, held.active);
        set(&self.0.waiting, held.waiting);
        set(&self.0.used_cache_tokens, held.cache_tokens);
        let used = held.cache_tokens as u64;
        self.0.peak_cache_tokens.fetch_max(used, Ordering::Relaxed);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.holds(Held::default());
    }
}
