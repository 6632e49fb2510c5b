//! How the memory that a run may take is shared out among what takes some: worker processes, networks, pages in flight.
//!
//! Nothing is measured while a run goes on: every part is told its share before anything is loaded, and keeps to it. Numbers
//! were measured on x86-64 with ONNX Runtime 1.31.1.

use crate::input::decode::MAX_PICTURE_PIXELS;
use crate::lines::memory::{DEFAULT_BUDGET, LEAST_BUDGET, PAGE_PIXEL};

/// Bytes of the main process itself, with what is known of the documents under way.
pub const BASE: u64 = 64 << 20;
/// Bytes of a worker process before it reads anything: 11 MiB measured.
pub const WORKER_BASE: u64 = 12 << 20;
/// Bytes that a worker must be able to take to read ordinary pages: a page at 144 dpi, its fonts, and a scan on it.
pub const LEAST_WORKER: u64 = 160 << 20;
/// Bytes for the pages in flight, at least: one of 6.7 million pixels, or three of A4 at 144 dpi.
pub const LEAST_PAGES: u64 = 64 << 20;
/// As many are of use: the largest picture that is ever decoded.
pub const MOST_PAGES: u64 = MAX_PICTURE_PIXELS * PAGE_PIXEL;
/// Of all that the parts could use beyond their least, the share below which fewer workers get more each.
const FEW: f64 = 0.25;

/// What a run would take if memory were no question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wants {
    /// Worker processes.
    pub workers: usize,
    /// Bytes that one may take beside the program.
    pub worker: u64,
    /// Whether lines may have to be read from pictures.
    pub reads_lines: bool,
    /// Bytes of networks that are loaded at the start, and stay.
    pub networks: u64,
    /// Bytes for the recognizer's keys and values: at least, and wanted.
    pub kv_cache: (u64, u64),
}

/// What each part may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// Worker processes.
    pub workers: usize,
    /// Bytes that one may take beside the program.
    pub worker: u64,
    /// Budget of the line networks; none where there is no room for them beside the rest.
    pub lines: Option<u64>,
    /// Bytes of the pages in flight.
    pub pages: u64,
    /// Bytes for the recognizer's keys and values.
    pub kv_cache: u64,
}

impl Shares {
    /// Pixels that a page may have.
    pub fn page_pixels(&self) -> u64 {
        self.pages / PAGE_PIXEL
    }

    /// Bytes that all take together, if each takes what it may.
    pub fn total(&self, wants: &Wants) -> u64 {
        let workers = self.workers as u64 * (self.worker + WORKER_BASE);
        BASE + wants.networks + workers + self.lines.unwrap_or(0) + self.pages + self.kv_cache
    }
}

impl Wants {
    /// Least bytes of a run that reads no lines from pictures, and of one that does.
    pub fn least(&self) -> (u64, u64) {
        let worker = self.worker.min(LEAST_WORKER) + WORKER_BASE;
        let least = BASE + self.networks + worker + LEAST_PAGES + self.kv_cache.0;
        (
            least,
            least.saturating_add(if self.reads_lines { LEAST_BUDGET } else { 0 }),
        )
    }

    /// Shares out `limit` bytes. Where that is less than the least, every part gets its least: [`Shares::total`] is then more.
    pub fn share(&self, limit: u64) -> Shares {
        let reads_lines = self.reads_lines && self.least().1 <= limit;
        let parts = |workers: usize| {
            let n = workers as u64;
            [
                (n * self.worker.min(LEAST_WORKER), n * self.worker),
                (LEAST_PAGES, MOST_PAGES),
                if reads_lines {
                    (LEAST_BUDGET, DEFAULT_BUDGET)
                } else {
                    (0, 0)
                },
                self.kv_cache,
            ]
        };
        // How much of what every part could use beyond its least there is.
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
            lines: reads_lines.then_some(lines),
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
            reads_lines: true,
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
        // Eight processes would leave nothing for anybody else.
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
            reads_lines: false,
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
            reads_lines: bool,
            networks in 0..8 * GIB,
            least_cache in 0..GIB,
            more_cache in 0..4 * GIB,
        ) {
            let kv_cache = (least_cache, least_cache + more_cache);
            let wants = Wants { workers, worker, reads_lines, networks, kv_cache };
            let shares = wants.share(limit);
            let (least, with_lines) = wants.least();
            prop_assert!(shares.total(&wants) <= limit.max(least));
            prop_assert_eq!(shares.lines.is_some(), reads_lines && with_lines <= limit);
            prop_assert!((1..=workers).contains(&shares.workers));
            prop_assert!(shares.pages >= LEAST_PAGES && shares.worker >= worker.min(LEAST_WORKER));
        }
    }
}
