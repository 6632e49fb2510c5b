//! Tests of attention against a double-precision reference.

use super::*;
use crate::kernels::one_after_the_other;

const HEADS: Heads = Heads {
    layers: 1,
    query: 6,
    key_value: 2,
    size: 24,
};

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count)
        .map(|i| ((i * 7919 + seed * 104_729) % 1009) as f32 / 500.0 - 1.0)
        .collect()
}

/// Attention output of the last of `tokens` tokens in double precision, without rotary embedding.
fn expected(input: &[f32], tokens: usize) -> Vec<f64> {
    let Heads {
        query,
        key_value,
        size,
        ..
    } = HEADS;
    let at = |token: usize, head: usize, d: usize| {
        f64::from(input[token * HEADS.width() + head * size + d])
    };
    let mut out = Vec::new();
    for head in 0..query {
        let shared = head / (query / key_value);
        let score = |token: usize| {
            let sum: f64 = (0..size)
                .map(|d| at(tokens - 1, head, d) * at(token, query + shared, d))
                .sum();
            (sum / (size as f64).sqrt()).exp()
        };
        let total: f64 = (0..tokens).map(score).sum();
        for d in 0..size {
            let sum: f64 = (0..tokens)
                .map(|t| score(t) * at(t, query + key_value + shared, d))
                .sum();
            out.push(sum / total);
        }
    }
    out
}

fn run(cache: &mut Cache, rows: Vec<Row>, input: &[f32]) -> Vec<f32> {
    let tokens = input.len() / HEADS.width();
    let (cosines, sines) = (vec![1.0; tokens * 12], vec![0.0; tokens * 12]);
    let mut output = vec![0.0; tokens * HEADS.query * HEADS.size];
    cache.begin(rows);
    cache.run(
        0,
        input,
        [&cosines, &sines],
        &mut output,
        &one_after_the_other,
    );
    output
}

#[test]
fn rows_of_any_length_see_their_own_past() {
    let (long, short) = (
        numbers(41 * HEADS.width(), 1),
        numbers(3 * HEADS.width(), 2),
    );
    let mut cache = Cache::new(HEADS, 6);
    // A prompt of 40 tokens batched with one of 2, then one decode step of both; cache pages out of order.
    let (long_pages, short_pages) = (vec![4, 0, 3], vec![1]);
    let split = |row: &[f32], at: usize| {
        let (a, b) = row.split_at(at * HEADS.width());
        (a.to_vec(), b.to_vec())
    };
    let ((long_prompt, long_token), (short_prompt, short_token)) =
        (split(&long, 40), split(&short, 2));
    let row = |tokens, past, pages: &Vec<u32>| Row {
        tokens,
        past,
        pages: pages.clone(),
    };
    let prompts = [short_prompt, long_prompt].concat();
    let first = run(
        &mut cache,
        vec![row(0..2, 0, &short_pages), row(2..42, 0, &long_pages)],
        &prompts,
    );
    let second = run(
        &mut cache,
        vec![row(0..1, 40, &long_pages), row(1..2, 2, &short_pages)],
        &[long_token, short_token].concat(),
    );
    let width = HEADS.query * HEADS.size;
    for (got, wanted) in [
        (&first[41 * width..], expected(&long, 40)),
        (&first[width..2 * width], expected(&short, 2)),
        (&second[..width], expected(&long, 41)),
        (&second[width..], expected(&short, 3)),
    ] {
        let worst = got
            .iter()
            .zip(&wanted)
            .map(|(a, b)| (f64::from(*a) - b).abs())
            .fold(0.0, f64::max);
        assert!(worst < 1e-6, "{worst}");
    }
    let [keys, values] = cache.read(0, &long_pages, 41);
    assert_eq!(
        keys[41 * 24 + 40 * 24 + 5],
        long[40 * HEADS.width() + 7 * 24 + 5]
    );
    assert_eq!(values[17 * 24 + 3], long[17 * HEADS.width() + 8 * 24 + 3]);
}

#[test]
fn a_prompt_in_pieces_is_the_same_to_the_last_bit() {
    let input = numbers(50 * HEADS.width(), 3);
    let whole = run(
        &mut Cache::new(HEADS, 4),
        vec![Row {
            tokens: 0..50,
            past: 0,
            pages: vec![0, 1, 2, 3],
        }],
        &input,
    );
    let mut cache = Cache::new(HEADS, 4);
    let mut pieces = Vec::new();
    let mut past = 0;
    for size in [1, 20, 7, 22] {
        let part = &input[past * HEADS.width()..(past + size) * HEADS.width()];
        let row = Row {
            tokens: 0..size,
            past,
            pages: vec![2, 0, 3, 1],
        };
        pieces.extend(run(&mut cache, vec![row], part));
        past += size;
    }
    assert_eq!(pieces, whole);
}
