//! Jobs for x86 instruction sets. Unsafe to call if the machine lacks them; otherwise with the contract of
//! the portable ones.

use super::*;
use std::arch::x86_64::*;

#[target_feature(enable = "avx512f,avx512bw,avx512vl,fma")]
pub(super) unsafe fn quantize_avx512(
    input: &[f32],
    rows: std::ops::Range<usize>,
    from: usize,
    offset: i32,
    inputs: Inputs,
) {
    // SAFETY: by the caller.
    unsafe { quantize_portable(input, rows, from, offset, inputs) }
}

#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn quantize_avx2(
    input: &[f32],
    rows: std::ops::Range<usize>,
    from: usize,
    offset: i32,
    inputs: Inputs,
) {
    // SAFETY: by the caller.
    unsafe { quantize_portable(input, rows, from, offset, inputs) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,fma")]
pub(super) unsafe fn best_avx512(logits: &[f32]) -> (usize, f32) {
    best::<true>(logits)
}

#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn best_avx2(logits: &[f32]) -> (usize, f32) {
    best::<true>(logits)
}

#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn job_avx2(layer: &Linear, job: &PanelJob<'_>) {
    // SAFETY: by the caller.
    unsafe { job_portable::<true>(layer, job) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,fma")]
pub(super) unsafe fn job_avx512(layer: &Linear, job: &PanelJob<'_>) {
    // SAFETY: by the caller.
    unsafe {
        match layer.form {
            WeightFormat::Bf16 | WeightFormat::F32 => {
                each_tile::<true>(layer, job, |first, rows, panel, sums| {
                    exact(layer, job, first, rows, panel, sums)
                })
            }
            _ => job_portable::<true>(layer, job),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
pub(super) unsafe fn job_vnni(layer: &Linear, job: &PanelJob<'_>) {
    // SAFETY: by the caller.
    unsafe {
        match layer.form {
            WeightFormat::Bf16 | WeightFormat::F32 => job_avx512(layer, job),
            _ => each_tile::<true>(layer, job, |first, rows, panel, sums| {
                quantized(layer, job, first, rows, panel, sums)
            }),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,fma")]
unsafe fn exact(
    layer: &Linear,
    job: &PanelJob<'_>,
    first: usize,
    rows: usize,
    panel: usize,
    sums: &mut Sums,
) {
    // SAFETY: by the caller.
    unsafe {
        let weights = layer
            .weights
            .as_ptr()
            .add(panel * layer.form.panel_bytes(layer.from));
        let x = job.inputs.floats.get().add(first * layer.from).cast_const();
        let half = layer.form == WeightFormat::Bf16;
        macro_rules! by_rows {
            ($($n:literal)*) => {
                match rows {
                    $($n if half => exact_tile::<$n, true>(x, weights, layer.from, sums),
                    $n => exact_tile::<$n, false>(x, weights, layer.from, sums),)*
                    _ => unreachable!("a tile has 1 to 12 rows"),
                }
            };
        }
        by_rows!(1 2 3 4 5 6 7 8 9 10 11 12)
    }
}

/// `sums[rows, 32] = x[from, rows]^T * weights[from, 32]`; `HALF`: weights are bfloat16.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,fma")]
unsafe fn exact_tile<const N: usize, const HALF: bool>(
    x: *const f32,
    weights: *const u8,
    from: usize,
    sums: &mut Sums,
) {
    let mut totals = [[_mm512_setzero_ps(); 2]; N];
    let high = _mm512_set1_epi32(0xffff_0000u32 as i32);
    for k in 0..from {
        // SAFETY: by the caller.
        let pair = unsafe {
            if HALF {
                let words = _mm512_loadu_si512(weights.add(k * PANEL * 2).cast());
                let second = _mm512_and_si512(words, high);
                [
                    _mm512_castsi512_ps(_mm512_slli_epi32::<16>(words)),
                    _mm512_castsi512_ps(second),
                ]
            } else {
                let at = weights.add(k * PANEL * 4).cast::<f32>();
                [_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(LANES))]
            }
        };
        for (row, total) in totals.iter_mut().enumerate() {
            // SAFETY: by the caller.
            let value = _mm512_set1_ps(unsafe { *x.add(k * N + row) });
            total[0] = _mm512_fmadd_ps(value, pair[0], total[0]);
            total[1] = _mm512_fmadd_ps(value, pair[1], total[1]);
        }
    }
    for (total, sums) in totals.iter().zip(sums) {
        // SAFETY: a row of sums holds two registers.
        unsafe {
            _mm512_storeu_ps(sums.as_mut_ptr(), total[0]);
            _mm512_storeu_ps(sums.as_mut_ptr().add(LANES), total[1]);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
unsafe fn quantized(
    layer: &Linear,
    job: &PanelJob<'_>,
    first: usize,
    rows: usize,
    panel: usize,
    sums: &mut Sums,
) {
    let (weights, factors) = quantized_panel(layer, panel);
    let blocks = job.inputs.blocks;
    // SAFETY: by the caller.
    unsafe {
        let tile = RegisterTile {
            x: job
                .inputs
                .levels
                .get()
                .add(first * blocks * BLOCK)
                .cast_const(),
            x_factors: job.inputs.floats.get().add(first * blocks).cast_const(),
            starts: job.inputs.starts.get().add(first * blocks).cast_const(),
            weights: [weights.as_ptr(), weights.as_ptr().add(weights.len() / 2)],
            factors: [factors.as_ptr(), factors.as_ptr().add(factors.len() / 2)],
            blocks,
        };
        let is_int8 = layer.form == WeightFormat::Int8;
        macro_rules! by_rows {
            ($($n:literal)*) => {
                match rows {
                    $($n if is_int8 => quantized_tile::<$n, true>(&tile, sums),
                    $n => quantized_tile::<$n, false>(&tile, sums),)*
                    _ => unreachable!("a tile has 1 to 6 rows"),
                }
            };
        }
        by_rows!(1 2 3 4 5 6)
    }
}

struct RegisterTile {
    x: *const i8,
    x_factors: *const f32,
    starts: *const i32,
    weights: [*const u8; 2],
    factors: [*const u8; 2],
    blocks: usize,
}

/// Accumulates a tile and a panel; `INT8`: weights have eight bits, else four.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
unsafe fn quantized_tile<const N: usize, const INT8: bool>(tile: &RegisterTile, sums: &mut Sums) {
    let blocks = tile.blocks;
    let mut totals = [[_mm512_setzero_ps(); 2]; N];
    let low = _mm512_set1_epi8(15);
    for block in 0..blocks {
        let mut whole = [[_mm512_setzero_si512(); 2]; N];
        // SAFETY: by the caller.
        unsafe {
            for (row, whole) in whole.iter_mut().enumerate() {
                *whole = [_mm512_set1_epi32(*tile.starts.add(row * blocks + block)); 2];
            }
            for step in 0..if INT8 { 8 } else { 4 } {
                let load = |half: usize| {
                    let at = block * if INT8 { 512 } else { 256 } + step * 64;
                    _mm512_loadu_si512(tile.weights[half].add(at).cast())
                };
                let bytes = [load(0), load(1)];
                let x_at = |row: usize, group: usize| {
                    let at = (row * blocks + block) * BLOCK + group * 4;
                    _mm512_set1_epi32(tile.x.add(at).cast::<i32>().read_unaligned())
                };
                if INT8 {
                    for (row, whole) in whole.iter_mut().enumerate() {
                        let x = x_at(row, step);
                        whole[0] = _mm512_dpbusd_epi32(whole[0], bytes[0], x);
                        whole[1] = _mm512_dpbusd_epi32(whole[1], bytes[1], x);
                    }
                } else {
                    let first = bytes.map(|b| _mm512_and_si512(b, low));
                    let second = bytes.map(|b| _mm512_and_si512(_mm512_srli_epi16::<4>(b), low));
                    for (row, whole) in whole.iter_mut().enumerate() {
                        let (a, b) = (x_at(row, step * 2), x_at(row, step * 2 + 1));
                        for half in 0..2 {
                            whole[half] = _mm512_dpbusd_epi32(whole[half], first[half], a);
                            whole[half] = _mm512_dpbusd_epi32(whole[half], second[half], b);
                        }
                    }
                }
            }
            let factors = tile.factors.map(|factors| {
                let bits = _mm256_loadu_si256(factors.add(block * LANES * 2).cast());
                _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(bits)))
            });
            for (row, (whole, total)) in whole.iter().zip(&mut totals).enumerate() {
                let x_factor = _mm512_set1_ps(*tile.x_factors.add(row * blocks + block));
                for half in 0..2 {
                    let factor = _mm512_mul_ps(factors[half], x_factor);
                    let value = _mm512_cvtepi32_ps(whole[half]);
                    total[half] = _mm512_fmadd_ps(value, factor, total[half]);
                }
            }
        }
    }
    for (total, sums) in totals.iter().zip(sums) {
        // SAFETY: a row of sums holds two registers.
        unsafe {
            _mm512_storeu_ps(sums.as_mut_ptr(), total[0]);
            _mm512_storeu_ps(sums.as_mut_ptr().add(LANES), total[1]);
        }
    }
}
