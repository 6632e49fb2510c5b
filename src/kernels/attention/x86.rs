//! The same with x86 intrinsics. Unsafe to call if the CPU lacks them, and as [`AttentionCall::attend`] is.

use super::*;
use std::arch::x86_64::*;

/// With AVX-512.
struct Avx512;

impl Products for Avx512 {
    #[inline(always)]
    unsafe fn scores(sums: &mut [[f32; PAGE]; QUERIES], queries: &[f32], keys: &[f32]) {
        // SAFETY: by the caller.
        unsafe { scores(sums, queries.as_ptr(), keys.as_ptr(), keys.len() / PAGE) }
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
        // SAFETY: by the caller.
        unsafe {
            match is_half {
                true => mix::<1>(sums, shares.as_ptr(), width, values.as_ptr(), stored),
                false => mix::<2>(sums, shares.as_ptr(), width, values.as_ptr(), stored),
            }
        }
    }

    #[inline(always)]
    fn softmax(scores: &mut [f32], seen: usize) {
        super::softmax::<true>(scores, seen);
    }
}

#[target_feature(enable = "avx512f")]
unsafe fn scores(
    sums: &mut [[f32; PAGE]; QUERIES],
    queries: *const f32,
    keys: *const f32,
    size: usize,
) {
    let mut totals = [_mm512_setzero_ps(); QUERIES];
    for d in 0..size {
        // SAFETY: by the caller.
        let line = unsafe { _mm512_loadu_ps(keys.add(d * PAGE)) };
        for (i, total) in totals.iter_mut().enumerate() {
            // SAFETY: by the caller.
            let value = _mm512_set1_ps(unsafe { *queries.add(d * QUERIES + i) });
            *total = _mm512_fmadd_ps(value, line, *total);
        }
    }
    for (sums, total) in sums.iter_mut().zip(totals) {
        // SAFETY: a row holds one register.
        unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), total) };
    }
}

/// `N`: registers per row of columns.
#[target_feature(enable = "avx512f")]
unsafe fn mix<const N: usize>(
    sums: &mut [[f32; COLUMNS]; QUERIES],
    shares: *const f32,
    width: usize,
    values: *const f32,
    stored: usize,
) {
    let mut totals = [[_mm512_setzero_ps(); N]; QUERIES];
    for (total, sums) in totals.iter_mut().zip(sums.iter()) {
        for (n, total) in total.iter_mut().enumerate() {
            // SAFETY: a row holds two registers.
            *total = unsafe { _mm512_loadu_ps(sums.as_ptr().add(n * PAGE)) };
        }
    }
    for slot in 0..PAGE {
        let mut line = [_mm512_setzero_ps(); N];
        for (n, line) in line.iter_mut().enumerate() {
            // SAFETY: by the caller.
            *line = unsafe { _mm512_loadu_ps(values.add(slot * stored + n * PAGE)) };
        }
        for (i, total) in totals.iter_mut().enumerate() {
            // SAFETY: by the caller.
            let share = _mm512_set1_ps(unsafe { *shares.add(i * width + slot) });
            for (total, line) in total.iter_mut().zip(line) {
                *total = _mm512_fmadd_ps(share, line, *total);
            }
        }
    }
    for (total, sums) in totals.iter().zip(sums) {
        for (n, total) in total.iter().enumerate() {
            // SAFETY: as above.
            unsafe { _mm512_storeu_ps(sums.as_mut_ptr().add(n * PAGE), *total) };
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,fma")]
pub(super) unsafe fn attend_avx512(
    call: &AttentionCall<'_>,
    row: &Row,
    tokens: Range<usize>,
    head: usize,
    scores: &mut Vec<f32>,
) {
    // SAFETY: by the caller.
    unsafe { call.attend::<Avx512>(row, tokens, head, scores) }
}

#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn attend_avx2(
    call: &AttentionCall<'_>,
    row: &Row,
    tokens: Range<usize>,
    head: usize,
    scores: &mut Vec<f32>,
) {
    // SAFETY: by the caller.
    unsafe { call.attend::<Portable<true>>(row, tokens, head, scores) }
}
