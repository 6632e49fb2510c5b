//! Allocation of the KV cache: pages that sequences take as they grow, or slots of fixed lengths.

use std::collections::BTreeSet;

/// Layout of a model's KV cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheLayout {
    /// Cache pages of a fixed number of tokens; a sequence takes as many as it needs.
    Pages {
        /// Number of pages.
        count: usize,
        /// Tokens per page.
        tokens: usize,
    },
    /// Slots that each hold a whole sequence, numbered across all buckets, shortest first.
    Slots(Vec<Bucket>),
}

/// Slots of equal length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// Number of slots.
    pub slots: usize,
    /// Tokens per slot.
    pub tokens: usize,
}

/// Plans slots for sequences of up to `longest` tokens within a budget of tokens.
///
/// All slots have that length if the budget allows it. Otherwise most are for sequences of `common` tokens,
/// since few get longer, and as many as fit are long; if not even one long slot fits, there is a single one
/// of the budget's length.
pub(crate) fn slots_within(
    budget: usize,
    slots: usize,
    longest: usize,
    common: usize,
) -> Vec<Bucket> {
    let (slots, common) = (slots.max(1), common.min(longest));
    let long = match budget.checked_sub(slots * common) {
        Some(left) if longest > common => left / (longest - common),
        Some(_) => slots,
        None => 0,
    };
    let long = long.clamp(1, slots);
    let Some(left) = budget.checked_sub(long * longest) else {
        return vec![Bucket {
            slots: 1,
            tokens: budget.clamp(1, longest),
        }];
    };
    let short = (slots - long).min(left / common.max(1));
    let buckets = [
        Bucket {
            slots: short,
            tokens: common,
        },
        Bucket {
            slots: long,
            tokens: longest,
        },
    ];
    buckets
        .into_iter()
        .filter(|bucket| bucket.slots > 0)
        .collect()
}

/// Result of growing a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Growth {
    /// It keeps its place and has the memory.
    InPlace,
    /// It has moved to a longer slot, which is still empty.
    Moved,
    /// No memory at the moment.
    Full,
}

/// The cache and its free pages or slots.
pub(super) struct KvCache {
    cache_layout: CacheLayout,
    /// Free numbers: one set for all pages, or one per bucket.
    free: Vec<BTreeSet<u32>>,
}

impl KvCache {
    pub(super) fn new(cache_layout: CacheLayout) -> Self {
        let counts = match &cache_layout {
            CacheLayout::Pages { count, .. } => vec![*count],
            CacheLayout::Slots(buckets) => buckets.iter().map(|bucket| bucket.slots).collect(),
        };
        let mut first = 0;
        let each = counts.into_iter().map(|count| {
            let range = first..first + count as u32;
            first = range.end;
            range.collect()
        });
        let free = each.collect();
        KvCache { cache_layout, free }
    }

    /// `true` if that many tokens fit into an empty cache.
    pub(super) fn holds(&self, tokens: usize) -> bool {
        match &self.cache_layout {
            CacheLayout::Pages {
                count,
                tokens: size,
            } => tokens <= count * size,
            CacheLayout::Slots(buckets) => buckets.iter().any(|bucket| tokens <= bucket.tokens),
        }
    }

    /// `true` if sequences take more as they grow, so that each must leave some for the others.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self.cache_layout, CacheLayout::Pages { .. })
    }

    /// Allocates memory for a new sequence if `spare` pages remain free after it.
    pub(super) fn take(&mut self, tokens: usize, spare: usize) -> Option<Vec<u32>> {
        match &self.cache_layout {
            CacheLayout::Pages { tokens: size, .. } => {
                let needed = tokens.div_ceil(*size);
                (needed + spare <= self.free[0].len()).then(|| self.first_pages(needed))
            }
            CacheLayout::Slots(buckets) => {
                let fitting = buckets
                    .iter()
                    .zip(&mut self.free)
                    .filter(|(bucket, _)| tokens <= bucket.tokens);
                // The first slot of the shortest bucket: a step covers all slots up to the last in use.
                fitting
                    .into_iter()
                    .find_map(|(_, free)| free.pop_first())
                    .map(|slot| vec![slot])
            }
        }
    }

    /// Extends the memory of a sequence that holds `held` to `tokens`.
    pub(super) fn grow(&mut self, held: &mut Vec<u32>, tokens: usize) -> Growth {
        match &self.cache_layout {
            CacheLayout::Pages { tokens: size, .. } => {
                let missing = tokens.div_ceil(*size).saturating_sub(held.len());
                if missing > self.free[0].len() {
                    return Growth::Full;
                }
                held.extend(self.first_pages(missing));
                Growth::InPlace
            }
            CacheLayout::Slots(buckets) => {
                let bucket = held.first().map(|slot| buckets[bucket_of(buckets, *slot)]);
                if bucket.is_some_and(|bucket| tokens <= bucket.tokens) {
                    return Growth::InPlace;
                }
                match self.take(tokens, 0) {
                    Some(longer) => {
                        self.give(&std::mem::replace(held, longer));
                        Growth::Moved
                    }
                    None => Growth::Full,
                }
            }
        }
    }

    /// Frees the pages or the slot of a sequence.
    pub(super) fn give(&mut self, held: &[u32]) {
        for number in held {
            let bucket = match &self.cache_layout {
                CacheLayout::Pages { .. } => 0,
                CacheLayout::Slots(buckets) => bucket_of(buckets, *number),
            };
            self.free[bucket].insert(*number);
        }
    }

    /// Tokens that there is room for.
    pub(super) fn tokens(&self) -> usize {
        match &self.cache_layout {
            CacheLayout::Pages { count, tokens } => count * tokens,
            CacheLayout::Slots(buckets) => buckets.iter().map(|b| b.slots * b.tokens).sum(),
        }
    }

    /// Tokens of the pages or slots that sequences hold.
    pub(super) fn used_tokens(&self) -> usize {
        let free: usize = match &self.cache_layout {
            CacheLayout::Pages { tokens, .. } => self.free[0].len() * tokens,
            CacheLayout::Slots(buckets) => {
                let free = buckets.iter().zip(&self.free);
                free.map(|(bucket, free)| free.len() * bucket.tokens).sum()
            }
        };
        self.tokens() - free
    }

    /// Number of free pages or slots.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.free.iter().map(BTreeSet::len).sum()
    }

    /// Takes the first free pages; there must be enough.
    fn first_pages(&mut self, count: usize) -> Vec<u32> {
        (0..count)
            .filter_map(|_| self.free[0].pop_first())
            .collect()
    }
}

/// Index of a slot's bucket.
pub(crate) fn bucket_of(buckets: &[Bucket], slot: u32) -> usize {
    let mut end = 0;
    let is_before = |bucket: &&Bucket| {
        end += bucket.slots;
        end <= slot as usize
    };
    buckets.iter().take_while(is_before).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(budget: usize, slots: usize) -> Vec<[usize; 2]> {
        slots_within(budget, slots, 800, 200)
            .iter()
            .map(|b| [b.slots, b.tokens])
            .collect()
    }

    #[test]
    fn slots_never_take_more_than_the_budget() {
        assert_eq!(buckets(8 * 800, 8), [[8, 800]]);
        assert_eq!(buckets(6 * 200 + 2 * 800, 8), [[6, 200], [2, 800]]);
        assert_eq!(buckets(6 * 200 + 2 * 800 - 1, 8), [[7, 200], [1, 800]]);
        assert_eq!(buckets(1_300, 8), [[2, 200], [1, 800]]);
        assert_eq!(buckets(900, 8), [[1, 800]]);
        assert_eq!(buckets(700, 8), [[1, 700]]);
        for budget in (0..8_000).step_by(37) {
            for slots in 1..10 {
                let taken: usize = buckets(budget, slots)
                    .iter()
                    .map(|[slots, tokens]| slots * tokens)
                    .sum();
                assert!(
                    taken <= budget.max(1),
                    "{slots} slots take {taken} of {budget}"
                );
            }
        }
    }

    #[test]
    fn a_slot_belongs_to_its_bucket() {
        let buckets = [
            Bucket {
                slots: 2,
                tokens: 4,
            },
            Bucket {
                slots: 1,
                tokens: 9,
            },
        ];
        assert_eq!([0, 1, 2].map(|slot| bucket_of(&buckets, slot)), [0, 0, 1]);
    }

    #[test]
    fn who_outgrows_a_slot_gets_a_longer_one() {
        let short = Bucket {
            slots: 1,
            tokens: 4,
        };
        let mut cache = KvCache::new(CacheLayout::Slots(vec![
            short,
            Bucket {
                slots: 1,
                tokens: 9,
            },
        ]));
        let mut held = cache.take(3, 0).unwrap();
        assert_eq!(
            (held.as_slice(), cache.grow(&mut held.clone(), 4)),
            (&[0][..], Growth::InPlace)
        );
        assert_eq!(
            (cache.grow(&mut held, 5), held.as_slice()),
            (Growth::Moved, &[1][..])
        );
        // The short slot is free again, and the only one.
        let mut other = cache.take(1, 0).unwrap();
        assert_eq!((other.as_slice(), cache.take(1, 0)), (&[0][..], None));
        assert_eq!(
            (cache.grow(&mut other, 5), other.as_slice()),
            (Growth::Full, &[0][..])
        );
        assert!(cache.holds(9) && !cache.holds(10));
    }
}
