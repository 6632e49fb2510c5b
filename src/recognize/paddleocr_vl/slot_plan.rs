//! Which rows of a packed call run together in the slots of the KV cache: single tokens in steps of a few sizes, prompts
//! with prompts of similar length in neighbouring slots.

use super::decoder::Packed;
use crate::kernels::attention::Row;
use crate::recognize::scheduler::kv_cache::{Bucket, bucket_of};
use std::ops::Range;

/// Most tokens, padding included, of prompts that run together.
pub(super) const TOGETHER: usize = 4096;

/// Rows of neighbouring slots that run together, padded to the longest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Together {
    /// Index of the bucket.
    pub bucket: usize,
    /// Slots within the bucket.
    pub slots: Range<usize>,
    /// Index in the packed call of the row in each slot; `None` for an idle slot.
    pub rows: Vec<Option<usize>>,
    /// Tokens that each row is padded to.
    pub tokens: usize,
}

impl Together {
    /// A step over the first slots of a bucket, all of them idle.
    pub(super) fn idle(bucket: usize, slots: usize) -> Together {
        Together {
            bucket,
            slots: 0..slots,
            rows: vec![None; slots],
            tokens: 1,
        }
    }
}

/// Groups rows into calls.
pub(super) fn plan(rows: &[Row], buckets: &[Bucket]) -> Vec<Together> {
    // Sorted by slot: bucket, slot within it, row.
    let mut placed: Vec<(usize, usize, usize)> = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let bucket = bucket_of(buckets, row.pages[0]);
        let first: usize = buckets[..bucket].iter().map(|bucket| bucket.slots).sum();
        placed.push((bucket, row.pages[0] as usize - first, number));
    }
    placed.sort_unstable();
    let mut all: Vec<Together> = Vec::new();
    for (bucket, size) in buckets.iter().enumerate() {
        let own = placed.iter().filter(|(of, _, _)| *of == bucket);
        let (single, several): (Vec<_>, Vec<_>) =
            own.partition(|(_, _, row)| rows[*row].tokens.len() == 1);
        if let Some((_, last, _)) = single.last() {
            let count = (last + 1).next_power_of_two().min(size.slots);
            let mut in_slots = vec![None; count];
            single
                .iter()
                .for_each(|(_, slot, row)| in_slots[*slot] = Some(*row));
            all.push(Together {
                bucket,
                slots: 0..count,
                rows: in_slots,
                tokens: 1,
            });
        }
        let mut open: Option<Together> = None;
        for (_, slot, row) in several {
            let tokens = rows[row].tokens.len();
            if let Some(group) = &mut open
                && rows[row].past == 0
                && group.rows.iter().flatten().all(|row| rows[*row].past == 0)
                && group.slots.end == slot
                && is_worth_padding(group, tokens)
            {
                group.slots.end += 1;
                group.rows.push(Some(row));
                group.tokens = group.tokens.max(tokens);
            } else {
                all.extend(open.take());
                open = Some(Together {
                    bucket,
                    slots: slot..slot + 1,
                    rows: vec![Some(row)],
                    tokens,
                });
            }
        }
        all.extend(open);
    }
    all
}

/// `true` if prompts are so similar in length, and so short, that padding costs less than separate calls.
fn is_worth_padding(group: &Together, tokens: usize) -> bool {
    let (short, long) = (group.tokens.min(tokens), group.tokens.max(tokens));
    long * (group.rows.len() + 1) <= TOGETHER && short * 4 >= long * 3
}

/// Numbers of slots that decode steps go over, of a bucket with so many.
pub(super) fn step_sizes(slots: usize) -> Vec<usize> {
    let powers = (0..).map(|n| 1 << n).take_while(|size| *size < slots);
    powers.chain([slots]).collect()
}

/// The wanted tokens of rows that run together: index among all wanted ones, position in the padded output.
pub(super) fn wanted_places(call: &Packed, together: &Together) -> Vec<(usize, usize)> {
    let place = |(number, token): (usize, &usize)| {
        together.rows.iter().enumerate().find_map(|(slot, row)| {
            let own = &call.rows[(*row)?].tokens;
            own.contains(token)
                .then(|| (number, slot * together.tokens + token - own.start))
        })
    };
    call.wanted.iter().enumerate().filter_map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(slot: u32, past: usize, tokens: Range<usize>) -> Row {
        Row {
            tokens,
            past,
            pages: vec![slot],
        }
    }

    #[test]
    fn there_is_a_step_for_every_number_of_slots_that_is_planned() {
        for slots in [1, 2, 3, 5, 6, 64, 100] {
            let buckets = [Bucket { slots, tokens: 9 }];
            for last in 0..slots as u32 {
                let planned = plan(&[row(last, 3, 0..1)], &buckets);
                let size = planned[0].slots.len();
                assert!(step_sizes(slots).contains(&size), "{slots} slots, {size}");
            }
            assert_eq!(step_sizes(slots).last(), Some(&slots));
        }
    }

    #[test]
    fn single_tokens_decode_together_and_prompts_with_their_neighbours() {
        let buckets = [
            Bucket {
                slots: 6,
                tokens: 100,
            },
            Bucket {
                slots: 3,
                tokens: 400,
            },
        ];
        let rows = [
            row(4, 9, 0..1),
            row(0, 30, 1..2),
            // Two similar prompts in neighbouring slots, a much shorter one, and a drafted run.
            row(2, 0, 2..42),
            row(1, 0, 42..80),
            row(3, 0, 80..85),
            row(5, 7, 85..95),
            row(7, 200, 95..96),
        ];
        let planned = plan(&rows, &buckets);
        let together = |bucket, slots: Range<usize>, rows: &[Option<usize>], tokens| Together {
            bucket,
            slots,
            rows: rows.to_vec(),
            tokens,
        };
        assert_eq!(
            planned,
            [
                together(0, 0..6, &[Some(1), None, None, None, Some(0), None], 1),
                together(0, 1..3, &[Some(3), Some(2)], 40),
                together(0, 3..4, &[Some(4)], 5),
                together(0, 5..6, &[Some(5)], 10),
                together(1, 0..2, &[None, Some(6)], 1),
            ]
        );
    }
}
