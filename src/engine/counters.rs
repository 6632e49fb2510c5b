//! Numbers of an engine for whoever watches it: its layout batches, and its recognizer's steps and KV cache.

use crate::recognize::RecognizerCounters;
pub use crate::recognize::RecognizerNumbers;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts batches of the layout stage.
#[derive(Debug, Default)]
pub(super) struct LayoutCounters {
    batches: AtomicU64,
    pages: AtomicU64,
    places: AtomicU64,
}

impl LayoutCounters {
    /// A batch of `pages`, where there was room for `places`.
    pub(super) fn batch(&self, pages: usize, places: usize) {
        let add = |to: &AtomicU64, number: usize| to.fetch_add(number as u64, Ordering::Relaxed);
        add(&self.batches, 1);
        add(&self.pages, pages);
        add(&self.places, places);
    }
}

/// Reads the numbers of an engine, also after it has ended.
#[derive(Debug, Clone, Default)]
pub struct EngineCounters {
    pub(super) layout: Arc<LayoutCounters>,
    recognizer: Option<Arc<RecognizerCounters>>,
}

/// The numbers at a moment. Sums count from the start of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EngineNumbers {
    /// Batches of pages that the detector was given.
    pub layout_batches: u64,
    /// Sum over all batches of their pages.
    pub layout_pages: u64,
    /// Sum over all batches of the pages that there was room for.
    pub layout_places: u64,
    /// Those of the recognizer; `None` if it does not run in this process.
    pub recognizer: Option<RecognizerNumbers>,
}

impl EngineCounters {
    /// Counters of an engine that has begun nothing, with those of its recognizer.
    pub(crate) fn of(recognizer: Option<Arc<RecognizerCounters>>) -> EngineCounters {
        EngineCounters {
            layout: Arc::default(),
            recognizer,
        }
    }

    /// The numbers as they stand.
    pub fn read(&self) -> EngineNumbers {
        let number = |number: &AtomicU64| number.load(Ordering::Relaxed);
        EngineNumbers {
            layout_batches: number(&self.layout.batches),
            layout_pages: number(&self.layout.pages),
            layout_places: number(&self.layout.places),
            recognizer: self.recognizer.as_deref().map(RecognizerCounters::read),
        }
    }
}
