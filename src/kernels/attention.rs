//! Attention of new tokens over cached keys and values, for sequences of any length in one call.
//!
//! Keys and values lie in pages of 16 tokens, which a sequence owns in any order: it grows page by page, and
//! its pages are free as soon as it ends. A batch may mix prefills and decode steps. Keys are stored
//! transposed, so that 16 scores are computed at a time; query heads that share keys are computed together.

use super::math::{exp, mul_add};
use super::{InstructionSet, Parallel, SharedBuffer, level};
use std::cell::RefCell;
use std::ops::Range;

/// Tokens per page.
pub(crate) const PAGE: usize = 16;
/// Queries computed together: eight sums of one or two 16-lane vectors stay in registers.
const QUERIES: usize = 8;
/// Queries per job.
const JOB_QUERIES: usize = 64;
/// Value columns computed together; half as many at the end.
const COLUMNS: usize = 32;
/// Tokens per job that writes to the cache.
const JOB_TOKENS: usize = 32;

/// Dimensions of a network's attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heads {
    /// Layers.
    pub layers: usize,
    /// Query heads.
    pub query: usize,
    /// Key/value heads; their number divides that of the query heads.
    pub key_value: usize,
    /// Head size; even.
    pub size: usize,
}

impl Heads {
    /// Elements of a token's queries, keys and values, concatenated.
    pub fn width(&self) -> usize {
        (self.query + 2 * self.key_value) * self.size
    }

    /// Elements of a head's values as stored.
    fn stored(&self) -> usize {
        self.size.next_multiple_of(PAGE)
    }

    /// Bytes of a page, over all layers.
    pub fn page_bytes(&self) -> usize {
        self.layers * self.key_value * (self.size + self.stored()) * PAGE * size_of::<f32>()
    }
}

/// New tokens of a sequence, and its pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its tokens in the call's batch.
    pub tokens: Range<usize>,
    /// Number of its tokens already cached.
    pub past: usize,
    /// Its pages; enough for the cached and the new tokens.
    pub pages: Vec<u32>,
}

/// KV cache of all layers, and the rows of the current call.
pub(crate) struct Cache {
    heads: Heads,
    pages: usize,
    /// Per layer, `[heads, pages, size, 16]`.
    keys: Vec<Vec<f32>>,
    /// Per layer, `[heads, pages, 16, size]`, with the size padded.
    values: Vec<Vec<f32>>,
    /// See [`Cache::begin`].
    rows: Vec<Row>,
    /// Queries, rotated and scaled.
    queries: Vec<f32>,
}

thread_local! {
    /// Score buffer of a job, reused by the next one.
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

impl Cache {
    /// A cache with this many pages; the system commits memory when a page is first written.
    pub(crate) fn new(heads: Heads, pages: usize) -> Cache {
        // Zeroed by the system, so unused pages take no memory.
        let layer = |numbers: usize| vec![0f32; pages * heads.key_value * numbers * PAGE];
        let all = |numbers: usize| (0..heads.layers).map(|_| layer(numbers)).collect();
        Cache {
            heads,
            pages,
            keys: all(heads.size),
            values: all(heads.stored()),
            rows: Vec::new(),
            queries: Vec::new(),
        }
    }

    /// Sets the rows of the calls that follow, one call per layer.
    ///
    /// # Panics
    ///
    /// If a row has too few pages, or one that does not exist.
    pub(crate) fn begin(&mut self, rows: Vec<Row>) {
        for row in &rows {
            assert!(row.pages.len() * PAGE >= row.past + row.tokens.len());
            assert!(row.pages.iter().all(|page| (*page as usize) < self.pages));
        }
        self.rows = rows;
    }

    /// Attention of a layer: rotates queries and keys, caches keys and values, writes `[tokens, heads *
    /// size]`.
    ///
    /// `input`: `[tokens, width]`; `cosines` and `sines`: `[tokens, size / 2]`; a pair to rotate is one
    /// element of each half of a head.
    ///
    /// # Panics
    ///
    /// If sizes do not match.
    pub(crate) fn run(
        &mut self,
        layer: usize,
        input: &[f32],
        [cosines, sines]: [&[f32]; 2],
        output: &mut [f32],
        parallel: Parallel<'_>,
    ) {
        let heads = self.heads;
        let tokens = input.len() / heads.width();
        let half = heads.size / 2;
        assert!(
            input.len() == tokens * heads.width()
                && output.len() == tokens * heads.query * heads.size
        );
        assert!(cosines.len() == tokens * half && sines.len() == tokens * half);
        assert!(self.rows.iter().all(|row| row.tokens.end <= tokens));
        self.queries.resize(tokens * heads.query * heads.size, 0.0);
        let call = AttentionCall {
            heads,
            pages: self.pages,
            input,
            cosines,
            sines,
            queries: SharedBuffer(self.queries.as_mut_ptr()),
            keys: SharedBuffer(self.keys[layer].as_mut_ptr()),
            values: SharedBuffer(self.values[layer].as_mut_ptr()),
            output: SharedBuffer(output.as_mut_ptr()),
        };
        let rows = &self.rows;
        let parts = |size: usize| -> Vec<(usize, Range<usize>)> {
            let of = |i: usize| {
                let n = rows[i].tokens.len();
                (0..n)
                    .step_by(size)
                    .map(move |first| (i, first..(first + size).min(n)))
            };
            (0..rows.len()).flat_map(of).collect()
        };
        let writes = parts(JOB_TOKENS);
        // SAFETY: jobs write to different tokens; rows own different pages.
        shared_out(&writes, parallel, &|(row, tokens)| unsafe {
            call.store(&rows[*row], tokens.clone())
        });
        let group = heads.query / heads.key_value;
        let mut reads = Vec::new();
        for (row, tokens) in parts((JOB_QUERIES / group).max(1)) {
            reads.extend((0..heads.key_value).map(|head| (row, tokens.clone(), head)));
        }
        shared_out(&reads, parallel, &|(row, tokens, head)| {
            SCORES.with_borrow_mut(|scores| {
                // SAFETY: as above; the machine has the instructions.
                unsafe {
                    match level() {
                        #[cfg(target_arch = "x86_64")]
                        InstructionSet::Avx512 | InstructionSet::Vnni => {
                            x86::attend_avx512(&call, &rows[*row], tokens.clone(), *head, scores)
                        }
                        #[cfg(target_arch = "x86_64")]
                        InstructionSet::Avx2 => {
                            x86::attend_avx2(&call, &rows[*row], tokens.clone(), *head, scores)
                        }
                        #[cfg(target_arch = "x86_64")]
                        InstructionSet::Plain => call.attend::<Portable<false>>(
                            &rows[*row],
                            tokens.clone(),
                            *head,
                            scores,
                        ),
                        #[cfg(not(target_arch = "x86_64"))]
                        _ => call.attend::<Portable<true>>(
                            &rows[*row],
                            tokens.clone(),
                            *head,
                            scores,
                        ),
                    }
                }
            });
        });
    }

    /// A layer's cached keys and values, `[heads, tokens, size]` each, of `tokens` tokens in `pages`.
    pub(crate) fn read(&self, layer: usize, pages: &[u32], tokens: usize) -> [Vec<f32>; 2] {
        let Heads {
            key_value, size, ..
        } = self.heads;
        let stored = self.heads.stored();
        let place = |token: usize, head: usize| head * self.pages + pages[token / PAGE] as usize;
        let each = |at: &dyn Fn(usize, usize, usize) -> f32| {
            let mut numbers = Vec::with_capacity(key_value * tokens * size);
            for head in 0..key_value {
                for token in 0..tokens {
                    numbers.extend((0..size).map(|d| at(place(token, head), token % PAGE, d)));
                }
            }
            numbers
        };
        [
            each(&|place, slot, d| self.keys[layer][(place * size + d) * PAGE + slot]),
            each(&|place, slot, d| self.values[layer][(place * PAGE + slot) * stored + d]),
        ]
    }
}

/// Runs several jobs in parallel, a single one on this thread.
fn shared_out<T: Sync>(jobs: &[T], parallel: Parallel<'_>, run: &(dyn Fn(&T) + Sync)) {
    match jobs {
        [job] => run(job),
        _ => parallel(jobs.len(), &|i| run(&jobs[i])),
    }
}

/// Attention of one layer in progress.
struct AttentionCall<'a> {
    heads: Heads,
    pages: usize,
    input: &'a [f32],
    cosines: &'a [f32],
    sines: &'a [f32],
    queries: SharedBuffer<f32>,
    keys: SharedBuffer<f32>,
    values: SharedBuffer<f32>,
    output: SharedBuffer<f32>,
}

impl AttentionCall<'_> {
    /// Rotates queries and keys of tokens (numbered within the row) and caches keys and values.
    unsafe fn store(&self, row: &Row, tokens: Range<usize>) {
        let Heads {
            query,
            key_value,
            size,
            ..
        } = self.heads;
        let (half, stored) = (size / 2, self.heads.stored());
        let scale = 1.0 / (size as f32).sqrt();
        let mut turned = vec![0f32; size];
        for token in tokens {
            let (at, position) = (row.tokens.start + token, row.past + token);
            let line = &self.input[at * self.heads.width()..(at + 1) * self.heads.width()];
            let (cosines, sines) = (
                &self.cosines[at * half..][..half],
                &self.sines[at * half..][..half],
            );
            let turn = |head: &[f32], to: &mut [f32]| {
                let (first, second) = head.split_at(half);
                for j in 0..half {
                    to[j] = first[j] * cosines[j] - second[j] * sines[j];
                    to[half + j] = second[j] * cosines[j] + first[j] * sines[j];
                }
            };
            // SAFETY: by the caller: the token is this job's alone, and its page the row's.
            unsafe {
                let queries = self.queries.get().add(at * query * size);
                let queries = std::slice::from_raw_parts_mut(queries, query * size);
                for (head, to) in line.chunks_exact(size).zip(queries.chunks_exact_mut(size)) {
                    turn(head, to);
                    to.iter_mut().for_each(|value| *value *= scale);
                }
                let (page, slot) = (row.pages[position / PAGE] as usize, position % PAGE);
                for head in 0..key_value {
                    turn(&line[(query + head) * size..][..size], &mut turned);
                    let keys = self
                        .keys
                        .get()
                        .add((head * self.pages + page) * size * PAGE + slot);
                    turned
                        .iter()
                        .enumerate()
                        .for_each(|(d, value)| *keys.add(d * PAGE) = *value);
                    let values = &line[(query + key_value + head) * size..][..size];
                    let to = self
                        .values
                        .get()
                        .add(((head * self.pages + page) * PAGE + slot) * stored);
                    std::ptr::copy_nonoverlapping(values.as_ptr(), to, size);
                }
            }
        }
    }

    /// Attention of tokens (numbered within the row) for the query heads that share one key/value head.
    #[inline(always)]
    unsafe fn attend<P: Products>(
        &self,
        row: &Row,
        tokens: Range<usize>,
        head: usize,
        scores: &mut Vec<f32>,
    ) {
        let Heads {
            query,
            key_value,
            size,
            ..
        } = self.heads;
        let stored = self.heads.stored();
        let group = query / key_value;
        let count = tokens.len() * group;
        // Pages visible to the last of these tokens; earlier ones see less.
        let pages = (row.past + tokens.end).div_ceil(PAGE);
        let width = pages * PAGE;
        // Padded to a multiple; the padding's values do not matter.
        let padded = count.next_multiple_of(QUERIES);
        scores.clear();
        scores.resize(padded * (width + size + COLUMNS), 0.0);
        let (scores, rest) = scores.split_at_mut(padded * width);
        let (queries, sums) = rest.split_at_mut(padded * size);
        for i in 0..count {
            let token = row.tokens.start + tokens.start + i / group;
            let at = (token * query + head * group + i % group) * size;
            // SAFETY: by the caller.
            let query = unsafe { std::slice::from_raw_parts(self.queries.get().add(at), size) };
            let to = queries[i / QUERIES * QUERIES * size + i % QUERIES..]
                .iter_mut()
                .step_by(QUERIES);
            to.zip(query).for_each(|(to, value)| *to = *value);
        }
        let place = |page: usize| head * self.pages + row.pages[page] as usize;
        // Pages in the outer loop: a page stays in the L1 cache for all queries.
        for page in 0..pages {
            // SAFETY: by the caller.
            let keys = unsafe {
                let at = self.keys.get().add(place(page) * size * PAGE);
                std::slice::from_raw_parts(at, size * PAGE)
            };
            for (chunk, queries) in queries.chunks_exact(QUERIES * size).enumerate() {
                let mut sums = [[0f32; PAGE]; QUERIES];
                // SAFETY: by the caller, who requires these instructions; the slices are long enough.
                unsafe { P::scores(&mut sums, queries, keys) };
                for (i, sums) in sums.iter().enumerate() {
                    scores[(chunk * QUERIES + i) * width + page * PAGE..][..PAGE]
                        .copy_from_slice(sums);
                }
            }
        }
        for (i, scores) in scores.chunks_exact_mut(width).take(count).enumerate() {
            P::softmax(scores, row.past + tokens.start + i / group + 1);
        }
        let (sums, _) = sums.as_chunks_mut::<COLUMNS>();
        let (sums, _) = sums.as_chunks_mut::<QUERIES>();
        for column in (0..stored).step_by(COLUMNS) {
            sums.as_flattened_mut().as_flattened_mut().fill(0.0);
            for page in 0..pages {
                // SAFETY: by the caller.
                let values = unsafe {
                    let at = self.values.get().add(place(page) * PAGE * stored);
                    std::slice::from_raw_parts(at, PAGE * stored)
                };
                for (chunk, sums) in sums.iter_mut().enumerate() {
                    let shares = &scores[chunk * QUERIES * width + page * PAGE..];
                    let is_half = column + COLUMNS > stored;
                    // SAFETY: as above.
                    unsafe { P::mix(sums, shares, width, &values[column..], stored, is_half) };
                }
            }
            for (i, sums) in sums.as_flattened().iter().take(count).enumerate() {
                let token = row.tokens.start + tokens.start + i / group;
                let at = (token * query + head * group + i % group) * size + column;
                let columns = COLUMNS.min(size - column);
                // SAFETY: by the caller: the token and these heads are this job's alone.
                let to =
                    unsafe { std::slice::from_raw_parts_mut(self.output.get().add(at), columns) };
                to.copy_from_slice(&sums[..columns]);
            }
        }
    }
}

/// The innermost products. Unsafe to call if the CPU lacks the instructions, or slices are too short.
trait Products {
    /// Scores of queries `[size, 8]` against a page's keys `[size, 16]`.
    unsafe fn scores(sums: &mut [[f32; PAGE]; QUERIES], queries: &[f32], keys: &[f32]);

    /// Adds a page's values (row stride `stored`), weighted by `shares` (stride per query `width`);
    /// `is_half`: only the first half of the columns.
    unsafe fn mix(
        sums: &mut [[f32; COLUMNS]; QUERIES],
        shares: &[f32],
        width: usize,
        values: &[f32],
        stored: usize,
        is_half: bool,
    );

    /// See [`softmax`].
    fn softmax(scores: &mut [f32], seen: usize);
}

/// Portable code, vectorized by the compiler.
struct Portable<const FMA: bool>;

impl<const FMA: bool> Products for Portable<FMA> {
    #[inline(always)]
    unsafe fn scores(sums: &mut [[f32; PAGE]; QUERIES], queries: &[f32], keys: &[f32]) {
        let (keys, queries) = (keys.as_chunks::<PAGE>().0, queries.as_chunks::<QUERIES>().0);
        for (keys, queries) in keys.iter().zip(queries) {
            for (sums, value) in sums.iter_mut().zip(queries) {
                for lane in 0..PAGE {
                    sums[lane] = mul_add::<FMA>(*value, keys[lane], sums[lane]);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn mix(
        sums: &mut [[f32; COLUMNS]; QUERIES],
        shares: &[f32],
        width: usize,
        values: &[f32],
        stored: usize,
        is_half: bool,
    ) {
        let columns = if is_half { COLUMNS / 2 } else { COLUMNS };
        for slot in 0..PAGE {
            let values = &values[slot * stored..][..columns];
            for (i, sums) in sums.iter_mut().enumerate() {
                let share = shares[i * width + slot];
                for lane in 0..columns {
                    sums[lane] = mul_add::<FMA>(share, values[lane], sums[lane]);
                }
            }
        }
    }

    #[inline(always)]
    fn softmax(scores: &mut [f32], seen: usize) {
        softmax::<FMA>(scores, seen);
    }
}

/// Softmax over the first `seen` scores; the rest become zero.
#[inline(always)]
fn softmax<const FMA: bool>(scores: &mut [f32], seen: usize) {
    scores[seen..].fill(f32::NEG_INFINITY);
    let lines = scores.as_chunks_mut::<PAGE>().0;
    let mut largest = [f32::NEG_INFINITY; PAGE];
    for line in lines.iter() {
        for lane in 0..PAGE {
            largest[lane] = largest[lane].max(line[lane]);
        }
    }
    let largest = largest.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0f32; PAGE];
    for line in lines.iter_mut() {
        for lane in 0..PAGE {
            line[lane] = exp::<FMA>(line[lane] - largest);
            sums[lane] += line[lane];
        }
    }
    let total = sums.into_iter().sum::<f32>();
    let inverse = 1.0 / total;
    scores[..seen]
        .iter_mut()
        .for_each(|score| *score *= inverse);
    scores[seen..].fill(0.0);
}

#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests;
