//! Division of a run's memory among worker processes, networks and pages in flight.
//!
//! Nothing is measured during a run: every part gets its share before anything is loaded, and keeps to it.
//! The constants were measured on x86-64 with ONNX Runtime 1.31.1.

use crate::input::decode::MAX_PICTURE_PIXELS;
use crate::lines::memory::{DEFAULT_BUDGET, LEAST_BUDGET, PAGE_PIXEL};

/// Bytes of the main process itself, including the state of documents in progress.
pub(crate) const BASE: u64 = 64 << 20;
/// Bytes of an idle worker process: 11 MiB measured.
pub(crate) const WORKER_BASE: u64 = 12 << 20;
/// Least bytes of a worker that can read ordinary pages: a page at 144 dpi, its fonts, and a scan on it.
pub(crate) const LEAST_WORKER: u64 = 160 << 20;
/// Least bytes for pages in flight: one of 6.7 million pixels, or three of A4 at 144 dpi.
pub(crate) const LEAST_PAGES: u64 = 64 << 20;
/// Most bytes for pages in flight that are useful: the largest picture that is ever decoded.
pub(crate) const MOST_PAGES: u64 = MAX_PICTURE_PIXELS * PAGE_PIXEL;
/// If the parts get less than this share of what they could use beyond their least, the number of workers is
/// reduced.
const FEW: f64 = 0.25;

/// Memory that a run would use if there were no limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Number of worker processes.
    pub workers: usize,
    /// Bytes of one worker, besides the program.
    pub worker: u64,
    /// Number of processes in which lines may have to be recognized in images; 0 if there are no such images.
    pub line_readers: usize,
    /// Bytes of networks that are loaded at the start and stay.
    pub networks: u64,
    /// Bytes of the recognizer's KV cache: least and wanted.
    pub kv_cache: (u64, u64),
}

/// Memory that each part may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shares {
    /// Number of worker processes.
    pub workers: usize,
    /// Bytes of one worker, besides the program.
    pub worker: u64,
    /// Budget of the line networks of a process in bytes; `None` if there is no room for them.
    pub lines: Option<u64>,
    /// Bytes of the pages in flight.
    pub pages: u64,
    /// Bytes of the recognizer's KV cache.
    pub kv_cache: u64,
}

impl Shares {
    /// Pixel limit of a page.
    pub(crate) fn page_pixels(&self) -> u64 {
        self.pages / PAGE_PIXEL
    }

    /// Bytes of all parts together, each at its limit.
    #[cfg(test)]
    pub(crate) fn total(&self, wants: &Wants) -> u64 {
        let workers = self.workers as u64 * (self.worker + WORKER_BASE);
        let lines = self.lines.unwrap_or(0) * wants.line_readers as u64;
        BASE + wants.networks + workers + lines + self.pages + self.kv_cache
    }
}

impl Wants {
    /// Least bytes of a run, without and with line recognition in images.
    pub(crate) fn least(&self) -> (u64, u64) {
        let worker = self.worker.min(LEAST_WORKER) + WORKER_BASE;
        let least = BASE + self.networks + worker + LEAST_PAGES + self.kv_cache.0;
        let lines = LEAST_BUDGET * self.line_readers as u64;
        (least, least.saturating_add(lines))
    }

    /// Divides `limit` bytes. If that is too little, every part gets its least: [`Shares::total`] then
    /// exceeds the limit.
    pub(crate) fn share(&self, limit: u64) -> Shares {
        let readers = match self.least().1 <= limit {
            true => self.line_readers as u64,
            false => 0,
        };
        let parts = |workers: usize| {
            let n = workers as u64;
            [
                (n * self.worker.min(LEAST_WORKER), n * self.worker),
                (LEAST_PAGES, MOST_PAGES),
                (readers * LEAST_BUDGET, readers * DEFAULT_BUDGET),
                self.kv_cache,
            ]
        };
        // Available share of what the parts could use beyond their least; `None` if not even that fits.
        let share = |workers: usize| {
            let steady = BASE + self.networks + workers as u64 * WORKER_BASE;
            let least: u64 = steady + parts(workers).iter().map(|part| part.0).sum::<u64>();
            let more: u64 = parts(workers).iter().map(|part| part.1 - part.0).sum();
            limit
                .checked_sub(least)
                .map(|left| (left as f64 / more.max(1) as f64).min(1.0))
        };
        let mut workers = self.workers.max(1);
        while workers > 1 && share(workers).is_none_or(|share| share < FEW) {
            workers -= 1;
        }
        let share = share(workers).unwrap_or(0.0);
        let [all_workers, pages, lines, kv_cache] =
            parts(workers).map(|(least, most)| least + ((most - least) as f64 * share) as u64);
        Shares {
            workers,
            worker: all_workers / workers as u64,
            lines: (readers > 0).then(|| lines / readers),
            pages,
            kv_cache,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GIB: u64 = 1 << 30;

    fn lite(workers: usize) -> Wants {
        Wants {
            workers,
            worker: GIB,
            line_readers: 1,
            networks: 0,
            kv_cache: (0, 0),
        }
    }

    #[test]
    fn who_has_enough_gets_all_that_is_of_use() {
        let shares = lite(2).share(8 * GIB);
        let all = Shares {
            workers: 2,
            worker: GIB,
            lines: Some(DEFAULT_BUDGET),
            pages: MOST_PAGES,
            kv_cache: 0,
        };
        assert_eq!(shares, all);
        assert!(shares.page_pixels() >= MAX_PICTURE_PIXELS);
    }

    #[test]
    fn with_less_the_parts_shrink_then_workers_go_then_lines_are_not_read() {
        let two_gib = lite(2).share(2 * GIB);
        assert_eq!(two_gib.workers, 2);
        assert!(
            two_gib
                .lines
                .is_some_and(|lines| lines > LEAST_BUDGET && lines < DEFAULT_BUDGET)
        );
        // Eight processes would leave nothing for the other parts.
        assert!((1..4).contains(&lite(8).share(2 * GIB).workers));
        let little = lite(2).share(600 << 20);
        assert_eq!((little.workers, little.lines), (1, None));
        assert!(little.worker >= LEAST_WORKER && little.pages >= LEAST_PAGES);
        let (text, lines) = lite(2).least();
        assert!(
            text < 350 << 20 && lines > 600 << 20 && lines < 720 << 20,
            "{text} {lines}"
        );
    }

    #[test]
    fn a_cache_that_was_asked_for_is_kept() {
        let wants = Wants {
            networks: GIB,
            kv_cache: (GIB, GIB),
            line_readers: 0,
            ..lite(2)
        };
        assert_eq!(wants.share(3 * GIB).kv_cache, GIB);
        let by_default = Wants {
            kv_cache: (GIB / 8, GIB),
            ..wants
        };
        assert!((GIB / 8..GIB).contains(&by_default.share(3 * GIB).kv_cache));
    }

    proptest! {
        #[test]
        fn the_shares_never_add_up_to_more(
            limit in 0..64 * GIB,
            workers in 1usize..300,
            worker in 1u64 << 20..4 * GIB,
            line_readers in 0usize..5,
            networks in 0..8 * GIB,
            least_cache in 0..GIB,
            more_cache in 0..4 * GIB,
        ) {
            let kv_cache = (least_cache, least_cache + more_cache);
            let wants = Wants { workers, worker, line_readers, networks, kv_cache };
            let shares = wants.share(limit);
            let (least, with_lines) = wants.least();
            prop_assert!(shares.total(&wants) <= limit.max(least));
            prop_assert_eq!(shares.lines.is_some(), line_readers > 0 && with_lines <= limit);
            prop_assert!((1..=workers).contains(&shares.workers));
            prop_assert!(shares.pages >= LEAST_PAGES && shares.worker >= worker.min(LEAST_WORKER));
        }
    }
}
