//! Layers of eight bits with AVX-512, VNNI and AMX. Unsafe to call if the machine lacks them; otherwise with
//! the contract of the portable forms.

use super::*;
use crate::kernels::math::GELU;
use std::arch::asm;
use std::arch::x86_64::*;
use std::sync::OnceLock;

/// Rows of a tile of registers: 12 x 2 accumulators, two weights and an input.
const TILE: usize = 12;

/// Sums of a job and a panel.
#[repr(C, align(64))]
struct Sums([[i32; PANEL]; JOB_ROWS]);

/// The operand of `ldtilecfg`.
#[repr(C, align(64))]
struct TileConfig {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Whether the machine has AMX for bytes and the system lets this process use it.
pub(super) fn has_amx() -> bool {
    /// `arch_prctl`: asks for a part of the registers' state, here that of the tiles.
    const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    static HAS: OnceLock<bool> = OnceLock::new();
    *HAS.get_or_init(|| {
        let features = __cpuid_count(7, 0).edx;
        let (tiles, bytes) = (features >> 24 & 1 == 1, features >> 25 & 1 == 1);
        // SAFETY: the call takes two numbers. It fails where the system does not know tiles.
        tiles
            && bytes
            && unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA) == 0 }
    })
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,fma")]
pub(super) unsafe fn fill_avx512(
    to: &mut QuantizedRows,
    windows: &Windows<'_>,
    rows: Range<usize>,
) {
    let bytes = padded(to.from);
    let whole = windows.length / LANES * LANES;
    let rest: __mmask16 = (1 << (windows.length - whole)) - 1;
    for (i, row) in rows.enumerate() {
        // If a value is no number, these keep the other operand, which stands second.
        let mut least = [_mm512_set1_ps(f32::INFINITY); 2];
        let mut most = [_mm512_set1_ps(f32::NEG_INFINITY); 2];
        for run in 0..windows.runs {
            let values = windows.run(row, run).as_ptr();
            // SAFETY: within the run.
            unsafe {
                for at in (0..whole).step_by(2 * LANES) {
                    // An odd number of registers: the last one twice, which changes nothing.
                    let next = if at + 2 * LANES <= whole {
                        at + LANES
                    } else {
                        at
                    };
                    let pair = [
                        _mm512_loadu_ps(values.add(at)),
                        _mm512_loadu_ps(values.add(next)),
                    ];
                    least[0] = _mm512_min_ps(pair[0], least[0]);
                    most[0] = _mm512_max_ps(pair[0], most[0]);
                    least[1] = _mm512_min_ps(pair[1], least[1]);
                    most[1] = _mm512_max_ps(pair[1], most[1]);
                }
                if rest != 0 {
                    let value = _mm512_maskz_loadu_ps(rest, values.add(whole));
                    least[0] = _mm512_mask_min_ps(least[0], rest, value, least[0]);
                    most[0] = _mm512_mask_max_ps(most[0], rest, value, most[0]);
                }
            }
        }
        let least = _mm512_reduce_min_ps(_mm512_min_ps(least[0], least[1]));
        let most = _mm512_reduce_max_ps(_mm512_max_ps(most[0], most[1]));
        let (step, inverse) = steps_of(least, most);
        (to.steps[i], to.least[i]) = (step, least);
        let (least, inverse) = (_mm512_set1_ps(least), _mm512_set1_ps(inverse));
        for run in 0..windows.runs {
            let values = windows.run(row, run).as_ptr();
            // SAFETY: within the run and its place among the levels.
            unsafe {
                let levels = to.levels.as_mut_ptr().add(i * bytes + run * windows.length);
                let sums = to.mean.as_mut_ptr().add(run * windows.length);
                for at in (0..whole).step_by(LANES) {
                    let value = _mm512_loadu_ps(values.add(at));
                    let sum = _mm512_add_ps(_mm512_loadu_ps(sums.add(at)), value);
                    _mm512_storeu_ps(sums.add(at), sum);
                    _mm_storeu_si128(levels.add(at).cast(), levels_of(value, least, inverse));
                }
                if rest != 0 {
                    let value = _mm512_maskz_loadu_ps(rest, values.add(whole));
                    let sum = _mm512_add_ps(_mm512_maskz_loadu_ps(rest, sums.add(whole)), value);
                    _mm512_mask_storeu_ps(sums.add(whole), rest, sum);
                    let levels_16 = levels_of(value, least, inverse);
                    _mm_mask_storeu_epi8(levels.add(whole).cast(), rest, levels_16);
                }
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn levels_of(values: __m512, least: __m512, inverse: __m512) -> __m128i {
    let scaled = _mm512_mul_ps(_mm512_sub_ps(values, least), inverse);
    _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(scaled))
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
pub(super) unsafe fn run_vnni(
    layer: &Int8Layer,
    rows: &QuantizedRows,
    panels: Range<usize>,
    finish: Finish,
    places: &Places,
) {
    let bytes = padded(layer.from);
    let mut all = Sums([[0; PANEL]; JOB_ROWS]);
    for panel in panels {
        // SAFETY: weights and levels have whole groups; levels have JOB_ROWS rows, a multiple of TILE.
        unsafe {
            let weights = layer.weights.as_ptr().add(panel * PANEL * bytes);
            for first in (0..rows.count).step_by(TILE) {
                let levels = rows.levels.as_ptr().add(first * bytes);
                let mut sums = [[_mm512_setzero_si512(); 2]; TILE];
                for four in 0..layer.from.div_ceil(4) {
                    let weights = weights.add(four * GROUP);
                    let pair = [
                        _mm512_loadu_si512(weights.cast()),
                        _mm512_loadu_si512(weights.add(LANES * bytes).cast()),
                    ];
                    for (row, sums) in sums.iter_mut().enumerate() {
                        let x = levels.add(row * bytes + four * 4).cast::<i32>();
                        let x = _mm512_set1_epi32(x.read_unaligned());
                        sums[0] = _mm512_dpbusd_epi32(sums[0], x, pair[0]);
                        sums[1] = _mm512_dpbusd_epi32(sums[1], x, pair[1]);
                    }
                }
                for (sums, to) in sums.iter().zip(&mut all.0[first..]) {
                    _mm512_storeu_si512(to.as_mut_ptr().cast(), sums[0]);
                    _mm512_storeu_si512(to.as_mut_ptr().add(LANES).cast(), sums[1]);
                }
            }
            finish_panel(layer, rows, &all, panel, finish, places);
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
pub(super) unsafe fn run_amx(
    layer: &Int8Layer,
    rows: &QuantizedRows,
    panels: Range<usize>,
    finish: Finish,
    places: &Places,
) {
    let bytes = padded(layer.from);
    let mut config = TileConfig {
        palette: 1,
        start: 0,
        reserved: [0; 14],
        row_bytes: [0; 16],
        rows: [0; 16],
    };
    config.row_bytes[..8].fill(64);
    config.rows[..8].fill(16);
    let mut sums = Sums([[0; PANEL]; JOB_ROWS]);
    // SAFETY: weights and levels have whole groups, and levels JOB_ROWS rows, a multiple of three tiles. The compiler uses
    // no tiles.
    unsafe {
        asm!("ldtilecfg [{}]", in(reg) &config, options(nostack, readonly));
        for panel in panels {
            let weights = layer.weights.as_ptr().add(panel * PANEL * bytes);
            for first in (0..rows.count).step_by(3 * 16) {
                // Tiles 0 to 5 hold the sums of three times 16 rows and twice 16 outputs.
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "tilezero tmm4",
                    "tilezero tmm5",
                    options(nostack, nomem),
                );
                for group in 0..bytes / GROUP {
                    let levels = rows.levels.as_ptr().add(first * bytes + group * GROUP);
                    let weights = weights.add(group * GROUP * LANES);
                    asm!(
                        "tileloadd tmm7, [{left} + {line}]",
                        "tileloadd tmm6, [{x0} + {bytes}]",
                        "tdpbusd tmm0, tmm6, tmm7",
                        "tileloadd tmm6, [{x1} + {bytes}]",
                        "tdpbusd tmm2, tmm6, tmm7",
                        "tileloadd tmm6, [{x2} + {bytes}]",
                        "tdpbusd tmm4, tmm6, tmm7",
                        "tileloadd tmm7, [{right} + {line}]",
                        "tdpbusd tmm5, tmm6, tmm7",
                        "tileloadd tmm6, [{x0} + {bytes}]",
                        "tdpbusd tmm1, tmm6, tmm7",
                        "tileloadd tmm6, [{x1} + {bytes}]",
                        "tdpbusd tmm3, tmm6, tmm7",
                        left = in(reg) weights,
                        right = in(reg) weights.add(LANES * bytes),
                        line = in(reg) GROUP,
                        x0 = in(reg) levels,
                        x1 = in(reg) levels.add(16 * bytes),
                        x2 = in(reg) levels.add(32 * bytes),
                        bytes = in(reg) bytes,
                        options(nostack, readonly),
                    );
                }
                let to = sums.0.as_mut_ptr().add(first);
                asm!(
                    "tilestored [{y0} + {line}], tmm0",
                    "tilestored [{y0} + {line} + 64], tmm1",
                    "tilestored [{y1} + {line}], tmm2",
                    "tilestored [{y1} + {line} + 64], tmm3",
                    "tilestored [{y2} + {line}], tmm4",
                    "tilestored [{y2} + {line} + 64], tmm5",
                    y0 = in(reg) to,
                    y1 = in(reg) to.add(16),
                    y2 = in(reg) to.add(32),
                    line = in(reg) PANEL * 4,
                    options(nostack),
                );
            }
            finish_panel(layer, rows, &sums, panel, finish, places);
        }
        asm!("tilerelease", options(nostack, nomem));
    }
}

/// What every row of half a panel starts from: the bias, and the mean of the rows times what was rounded off.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
unsafe fn starts_of(layer: &Int8Layer, rows: &QuantizedRows, at: usize) -> __m512 {
    let bytes = padded(layer.from);
    let mut sums = [_mm512_setzero_si512(); 4];
    // SAFETY: what belongs to outputs is padded to whole panels, and inputs to whole groups, 16 times four.
    unsafe {
        let (rests, levels) = (
            layer.rests.as_ptr().add(at * bytes),
            rows.mean_levels.as_ptr(),
        );
        for four in (0..bytes / 4).step_by(4) {
            for (k, sum) in sums.iter_mut().enumerate() {
                let x = levels.add((four + k) * 4).cast::<i32>().read_unaligned();
                let rests = _mm512_loadu_si512(rests.add((four + k) * GROUP).cast());
                *sum = _mm512_dpbusd_epi32(*sum, _mm512_set1_epi32(x), rests);
            }
        }
        let [a, b, c, d] = sums;
        let sum = _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_add_epi32(c, d));
        let steps = _mm512_loadu_ps(layer.steps.as_ptr().add(at));
        let step = _mm512_mul_ps(steps, _mm512_set1_ps(rows.mean_step / REST));
        let rest_sums = _mm512_loadu_ps(layer.rest_sums.as_ptr().add(at));
        let bias = _mm512_loadu_ps(layer.bias.as_ptr().add(at));
        let start = _mm512_fmadd_ps(_mm512_set1_ps(rows.mean_least), rest_sums, bias);
        _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), step, start)
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
unsafe fn finish_panel(
    layer: &Int8Layer,
    rows: &QuantizedRows,
    sums: &Sums,
    panel: usize,
    finish: Finish,
    places: &Places,
) {
    // SAFETY: by the caller.
    unsafe {
        match finish {
            Finish::Plain => finish_by::<0>(layer, rows, sums, panel, places),
            Finish::Relu => finish_by::<1>(layer, rows, sums, panel, places),
            Finish::Gelu => finish_by::<2>(layer, rows, sums, panel, places),
        }
    }
}

/// Scales a panel's sums and writes the results; `FINISH`: 1 for ReLU, 2 for GELU.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni,fma")]
unsafe fn finish_by<const FINISH: u8>(
    layer: &Int8Layer,
    rows: &QuantizedRows,
    sums: &Sums,
    panel: usize,
    places: &Places,
) {
    let first = panel * PANEL;
    let count = PANEL.min(layer.to - first);
    let mask = (u32::MAX >> (PANEL - count)) as __mmask32;
    let masks = [mask as __mmask16, (mask >> LANES) as __mmask16];
    // SAFETY: what belongs to outputs is padded to whole panels; places as the caller says.
    unsafe {
        let load = |values: &[f32], half: usize| {
            _mm512_loadu_ps(values.as_ptr().add(first + half * LANES))
        };
        let steps = [load(&layer.steps, 0), load(&layer.steps, 1)];
        let weight_sums = [load(&layer.sums, 0), load(&layer.sums, 1)];
        let starts = [
            starts_of(layer, rows, first),
            starts_of(layer, rows, first + LANES),
        ];
        // Both halves of a row together: its places are a line or two of the cache.
        for (row, sums) in sums.0[..rows.count].iter().enumerate() {
            let (row_step, row_least) = (rows.steps[row], rows.least[row]);
            for half in 0..2 {
                let sum = _mm512_loadu_si512(sums.as_ptr().add(half * LANES).cast());
                let least = _mm512_set1_ps(row_least);
                let start = _mm512_fmadd_ps(least, weight_sums[half], starts[half]);
                let step = _mm512_mul_ps(steps[half], _mm512_set1_ps(row_step));
                let mut value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), step, start);
                value = match FINISH {
                    1 => _mm512_max_ps(value, _mm512_setzero_ps()),
                    2 => gelu_of(value),
                    _ => value,
                };
                let at = first + half * LANES;
                if let Some(residual) = &places.residual {
                    let from = residual[row].wrapping_add(at);
                    value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(masks[half], from));
                }
                _mm512_mask_storeu_ps(places.output[row].wrapping_add(at), masks[half], value);
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn gelu_of(x: __m512) -> __m512 {
    let z = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(4.2)), _mm512_set1_ps(-4.2));
    let square = _mm512_mul_ps(z, z);
    let mut sum = _mm512_set1_ps(GELU[0]);
    for factor in &GELU[1..] {
        sum = _mm512_fmadd_ps(sum, square, _mm512_set1_ps(*factor));
    }
    _mm512_mul_ps(x, _mm512_fmadd_ps(sum, z, _mm512_set1_ps(0.5)))
}
