//! Which rows of a packed call run together: single tokens in the slots of the KV cache, in steps of a few sizes, and
//! prompts with prompts of similar length, beside the slots.

use super::decoder::Packed;
use crate::kernels::attention::Row;
use crate::recognize::scheduler::kv_cache::{Bucket, bucket_of};
use std::ops::Range;

/// Most tokens, padding included, of prompts that run together.
pub(super) const TOGETHER: usize = 4096;

/// Rows that run together, padded to the longest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Together {
    /// The cache that they run in.
    pub place: Place,
    /// Index in the packed call of each row; `None` for an idle slot.
    pub rows: Vec<Option<usize>>,
    /// Tokens that each row is padded to.
    pub tokens: usize,
}

/// The cache that rows run in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Neighbouring slots of a bucket.
    Slots {
        /// Index of the bucket.
        bucket: usize,
        /// Slots within the bucket.
        slots: Range<usize>,
    },
    /// A cache of their own, for prompts whose slots are anywhere.
    Beside,
}

impl Together {
    /// A step over the first slots of a bucket, all of them idle.
    pub(super) fn idle(bucket: usize, slots: usize) -> Together {
        Together {
            place: Place::Slots {
                bucket,
                slots: 0..slots,
            },
            rows: vec![None; slots],
            tokens: 1,
        }
    }
}

/// A slot: the index of its bucket and its number within it.
pub(super) fn slot_of(buckets: &[Bucket], slot: u32) -> (usize, usize) {
    let bucket = bucket_of(buckets, slot);
    let first: usize = buckets[..bucket].iter().map(|bucket| bucket.slots).sum();
    (bucket, slot as usize - first)
}

/// Groups rows into calls.
pub(super) fn plan(rows: &[Row], buckets: &[Bucket]) -> Vec<Together> {
    let place = |row: usize| slot_of(buckets, rows[row].pages[0]);
    let of_tokens = |row: &usize| rows[*row].tokens.len();
    let (single, several): (Vec<usize>, Vec<usize>) =
        (0..rows.len()).partition(|row| of_tokens(row) == 1);
    let mut all: Vec<Together> = Vec::new();
    for (bucket, size) in buckets.iter().enumerate() {
        let own = single.iter().map(|row| (place(*row), *row));
        let own: Vec<(usize, usize)> = own
            .filter(|((of, _), _)| *of == bucket)
            .map(|((_, slot), row)| (slot, row))
            .collect();
        if let Some(last) = own.iter().map(|(slot, _)| *slot).max() {
            let count = (last + 1).next_power_of_two().min(size.slots);
            let mut step = Together::idle(bucket, count);
            own.iter()
                .for_each(|(slot, row)| step.rows[*slot] = Some(*row));
            all.push(step);
        }
    }
    let (mut prompts, drafted): (Vec<usize>, Vec<usize>) =
        several.into_iter().partition(|row| rows[*row].past == 0);
    // By length, so that neighbours can be padded to each other. Equal ones stay in their order.
    prompts.sort_by_key(of_tokens);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for row in prompts {
        match groups.last_mut() {
            Some(group) if is_worth_padding(group.len(), of_tokens(&group[0]), of_tokens(&row)) => {
                group.push(row)
            }
            _ => groups.push(vec![row]),
        }
    }
    groups.extend(drafted.into_iter().map(|row| vec![row]));
    all.extend(groups.into_iter().map(|group| {
        let place = match group[..] {
            [row] => {
                let (bucket, slot) = place(row);
                Place::Slots {
                    bucket,
                    slots: slot..slot + 1,
                }
            }
            _ => Place::Beside,
        };
        Together {
            place,
            tokens: group.iter().map(of_tokens).max().unwrap_or(0),
            rows: group.into_iter().map(Some).collect(),
        }
    }));
    all
}

/// `true` if a prompt of `tokens` may join a group of `count` shorter ones, the shortest of `shortest` tokens: if they are so
/// similar in length, and so short, that padding costs less than a call of its own.
fn is_worth_padding(count: usize, shortest: usize, tokens: usize) -> bool {
    tokens * (count + 1) <= TOGETHER && shortest * 4 >= tokens * 3
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
                let size = planned[0].rows.len();
                assert!(step_sizes(slots).contains(&size), "{slots} slots, {size}");
            }
            assert_eq!(step_sizes(slots).last(), Some(&slots));
        }
    }

    #[test]
    fn single_tokens_decode_together_and_prompts_with_similar_ones() {
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
            // Two similar prompts in slots of different lengths, a much shorter one, and a drafted run.
            row(2, 0, 2..42),
            row(8, 0, 42..80),
            row(3, 0, 80..85),
            row(5, 7, 85..95),
            row(7, 200, 95..96),
        ];
        let in_slots = |bucket, slots, rows: &[Option<usize>], tokens| Together {
            place: Place::Slots { bucket, slots },
            rows: rows.to_vec(),
            tokens,
        };
        assert_eq!(
            plan(&rows, &buckets),
            [
                in_slots(0, 0..6, &[Some(1), None, None, None, Some(0), None], 1),
                in_slots(1, 0..2, &[None, Some(6)], 1),
                in_slots(0, 3..4, &[Some(4)], 5),
                Together {
                    place: Place::Beside,
                    rows: vec![Some(3), Some(2)],
                    tokens: 40,
                },
                in_slots(0, 5..6, &[Some(5)], 10),
            ]
        );
    }

    #[test]
    fn prompts_run_together_within_the_room_for_them() {
        let buckets = [Bucket {
            slots: 8,
            tokens: 3000,
        }];
        let prompts: Vec<Row> = (0..8)
            .map(|slot| row(slot, 0, slot as usize * 1000..(slot as usize + 1) * 1000))
            .collect();
        let planned = plan(&prompts, &buckets);
        let sizes: Vec<usize> = planned.iter().map(|group| group.rows.len()).collect();
        assert_eq!(sizes, [4, 4]);
        assert!(
            planned
                .iter()
                .all(|group| group.rows.len() * group.tokens <= TOGETHER)
        );
    }
}
