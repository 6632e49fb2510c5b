//! Chains of 3x3 convolutions by Winograd's minimal filtering, F(4x4, 3x3), in AVX-512: ONNX Runtime's
//! convolutions do the full number of multiplications, this kernel a quarter.
//!
//! The input is cut into 6x6 tiles that overlap by two cells. Each tile is transformed to 36 values per
//! channel, 36 matrix products mix the channels, and the inverse transform gives tiles of 4x4 cells.
//! Consecutive convolutions stay in the layout in between, channels last. Source of the transforms: A. Lavin
//! and S. Gray, Fast Algorithms for Convolutional Neural Networks, 2015. Errors are about 2e-6 of the largest
//! value.

use super::{Parallel, SharedBuffer};

/// Lanes of a register.
const LANES: usize = 16;
/// Values of a transformed 6x6 tile.
const POINTS: usize = 36;
/// Side of an output tile, in cells.
const TILE: usize = 4;
/// Tiles and channels of the innermost product: 12 x 2 accumulators, 2 weights and a value fill 32 registers.
const ROWS: usize = 12;
const COLUMNS: usize = 2 * LANES;
/// Jobs that the output channels of one matrix product are split into.
const PARTS: usize = 2;

/// `true` if this machine has the instructions and the number of channels fits them.
pub fn is_supported(channels: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    let has_instructions = std::arch::is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    let has_instructions = false;
    has_instructions && channels.is_multiple_of(COLUMNS * PARTS)
}

/// A 3x3 convolution with zero padding of one cell and as many channels out as in; weights are transformed.
pub struct ConvFilter {
    channels: usize,
    /// `[36, channels out / 32, channels in, 32]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl ConvFilter {
    /// Transforms weights `[channels, channels, 3, 3]`.
    pub fn new(channels: usize, weight: &[f64], bias: &[f64]) -> ConvFilter {
        const G: [[f64; 3]; 6] = [
            [1.0 / 4.0, 0.0, 0.0],
            [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
            [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
            [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
            [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
            [0.0, 0.0, 1.0],
        ];
        let mut weights = vec![0f32; POINTS * channels * channels];
        for (pair, kernel) in weight.chunks_exact(9).enumerate() {
            let (out, from) = (pair / channels, pair % channels);
            for point in 0..POINTS {
                let (gy, gx) = (G[point / 6], G[point % 6]);
                let sum: f64 = (0..9).map(|i| gy[i / 3] * gx[i % 3] * kernel[i]).sum();
                let group = point * (channels / COLUMNS) + out / COLUMNS;
                weights[(group * channels + from) * COLUMNS + out % COLUMNS] = sum as f32;
            }
        }
        ConvFilter {
            channels,
            weights,
            bias: bias.iter().map(|b| *b as f32).collect(),
        }
    }
}

/// Working memory of a chain, kept for the next call.
#[derive(Default)]
pub struct ConvScratch {
    map: Vec<f32>,
    sums: Vec<f32>,
    products: Vec<f32>,
}

/// Sizes of a map and of its tiles.
#[derive(Clone, Copy)]
struct Sizes {
    channels: usize,
    height: usize,
    width: usize,
    /// Columns of tiles.
    columns: usize,
    /// Number of tiles, rounded up to a multiple of `ROWS`.
    tiles: usize,
    /// Width of the zero-padded map, in cells.
    line: usize,
}

/// Runs convolutions, each followed by SiLU, on a map `[channels, height, width]`.
///
/// # Panics
///
/// If sizes do not match, or [`is_supported`] is `false`.
pub fn chain(
    filters: &[ConvFilter],
    input: &[f32],
    output: &mut [f32],
    [height, width]: [usize; 2],
    scratch: &mut ConvScratch,
    parallel: Parallel<'_>,
) {
    let channels = filters[0].channels;
    assert!(is_supported(channels) && filters.iter().all(|filter| filter.channels == channels));
    assert!(input.len() == channels * height * width && output.len() == input.len());
    let (rows, columns) = (height.div_ceil(TILE), width.div_ceil(TILE));
    let tiles = (rows * columns).next_multiple_of(ROWS);
    let sizes = Sizes {
        channels,
        height,
        width,
        columns,
        tiles,
        line: columns * TILE + 2,
    };
    let fit = |buffer: &mut Vec<f32>, length: usize| {
        buffer.resize(length, 0.0);
        SharedBuffer(buffer.as_mut_ptr())
    };
    // The padding around the map must be zero, and so must the cells that tiles reach beyond it.
    scratch.map.clear();
    let map = fit(&mut scratch.map, (rows * TILE + 2) * sizes.line * channels);
    let sums = fit(&mut scratch.sums, POINTS * tiles * channels);
    let products = fit(&mut scratch.products, POINTS * tiles * channels);
    let output = SharedBuffer(output.as_mut_ptr());
    #[cfg(target_arch = "x86_64")]
    {
        use kernels::*;
        // SAFETY: the instructions are there, buffers have the sizes that the kernels expect, and each job
        // writes to its own row, column or matrix.
        parallel(height, &|y| unsafe {
            channels_last(input.as_ptr(), map.get(), y, sizes)
        });
        for filter in filters {
            // SAFETY: as above.
            parallel(rows, &|row| unsafe {
                transform_input(map.get(), sums.get(), row, sizes)
            });
            let groups = channels / COLUMNS;
            parallel(POINTS * PARTS, &|job| {
                let (point, part) = (job / PARTS, job % PARTS);
                let offset = point * tiles * channels;
                for group in part * groups / PARTS..(part + 1) * groups / PARTS {
                    let weights = &filter.weights[(point * groups + group) * channels * COLUMNS..];
                    // SAFETY: as above.
                    unsafe {
                        let to = products.get().add(offset + group * COLUMNS);
                        multiply(
                            sums.get().add(offset),
                            weights.as_ptr(),
                            to,
                            tiles,
                            channels,
                        );
                    }
                }
            });
            let bias = filter.bias.as_ptr();
            let bias = SharedBuffer(bias.cast_mut());
            // SAFETY: as above.
            parallel(rows, &|row| unsafe {
                transform_output(products.get(), map.get(), bias.get(), row, sizes);
            });
        }
        // SAFETY: as above.
        parallel(height, &|y| unsafe {
            channels_first(map.get(), output.get(), y, sizes)
        });
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (map, sums, products, output, parallel);
}

#[cfg(target_arch = "x86_64")]
mod kernels {
    //! The parts written in intrinsics. All are unsafe to call: buffers must have the sizes that
    //! [`super::chain`] gives them, and the machine must have AVX-512.

    use super::{COLUMNS, LANES, ROWS, Sizes, TILE};
    use std::arch::x86_64::*;

    type Vector = __m512;

    /// Copies a line of the map to channels last.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn channels_last(input: *const f32, map: *mut f32, y: usize, sizes: Sizes) {
        let Sizes {
            channels,
            height,
            width,
            line,
            ..
        } = sizes;
        for first in (0..width).step_by(LANES) {
            for channel in (0..channels).step_by(LANES) {
                for c in channel..channel + LANES {
                    for x in first..(first + LANES).min(width) {
                        // SAFETY: by the caller.
                        unsafe {
                            let value = *input.add((c * height + y) * width + x);
                            *map.add(((y + 1) * line + 1 + x) * channels + c) = value;
                        }
                    }
                }
            }
        }
    }

    /// Copies a line of the map to channels first.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn channels_first(map: *const f32, output: *mut f32, y: usize, sizes: Sizes) {
        let Sizes {
            channels,
            height,
            width,
            line,
            ..
        } = sizes;
        for first in (0..width).step_by(LANES) {
            for channel in (0..channels).step_by(LANES) {
                for c in channel..channel + LANES {
                    for x in first..(first + LANES).min(width) {
                        // SAFETY: by the caller.
                        unsafe {
                            let value = *map.add(((y + 1) * line + 1 + x) * channels + c);
                            *output.add((c * height + y) * width + x) = value;
                        }
                    }
                }
            }
        }
    }

    /// Input transform of six cells.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn sums(d: [Vector; 6]) -> [Vector; 6] {
        let [two, four, five] = [2.0, 4.0, 5.0].map(|n| _mm512_set1_ps(n));
        let even = _mm512_fnmadd_ps(four, d[2], d[4]);
        let odd = _mm512_fnmadd_ps(four, d[1], d[3]);
        let near = _mm512_sub_ps(d[4], d[2]);
        let far = _mm512_mul_ps(two, _mm512_sub_ps(d[3], d[1]));
        [
            _mm512_fmadd_ps(four, d[0], _mm512_fnmadd_ps(five, d[2], d[4])),
            _mm512_add_ps(even, odd),
            _mm512_sub_ps(even, odd),
            _mm512_add_ps(near, far),
            _mm512_sub_ps(near, far),
            _mm512_fmadd_ps(four, d[1], _mm512_fnmadd_ps(five, d[3], d[5])),
        ]
    }

    /// Output transform of six products.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn cells(m: [Vector; 6]) -> [Vector; 4] {
        let [two, four, eight] = [2.0, 4.0, 8.0].map(|n| _mm512_set1_ps(n));
        let (sum, difference) = (_mm512_add_ps(m[1], m[2]), _mm512_sub_ps(m[1], m[2]));
        let (far_sum, far_difference) = (_mm512_add_ps(m[3], m[4]), _mm512_sub_ps(m[3], m[4]));
        [
            _mm512_add_ps(_mm512_add_ps(m[0], sum), far_sum),
            _mm512_fmadd_ps(two, far_difference, difference),
            _mm512_fmadd_ps(four, far_sum, sum),
            _mm512_add_ps(_mm512_fmadd_ps(eight, far_difference, difference), m[5]),
        ]
    }

    /// Transposes.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn turned<const N: usize>(columns: [[Vector; N]; 6]) -> [[Vector; 6]; N] {
        std::array::from_fn(|y| std::array::from_fn(|x| columns[x][y]))
    }

    /// Input transform of a row of tiles, to `[36, tiles, channels]`.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn transform_input(map: *const f32, to: *mut f32, row: usize, sizes: Sizes) {
        let Sizes {
            channels,
            columns,
            tiles,
            line,
            ..
        } = sizes;
        for column in 0..columns {
            let tile = row * columns + column;
            for c in (0..channels).step_by(LANES) {
                let mut halves = [[_mm512_setzero_ps(); 6]; 6];
                for (x, half) in halves.iter_mut().enumerate() {
                    let mut cells = [_mm512_setzero_ps(); 6];
                    for (y, cell) in cells.iter_mut().enumerate() {
                        let at = ((row * TILE + y) * line + column * TILE + x) * channels + c;
                        // SAFETY: by the caller.
                        *cell = unsafe { _mm512_loadu_ps(map.add(at)) };
                    }
                    *half = sums(cells);
                }
                for (y, cells) in turned(halves).into_iter().enumerate() {
                    for (x, value) in sums(cells).into_iter().enumerate() {
                        let at = ((y * 6 + x) * tiles + tile) * channels + c;
                        // SAFETY: by the caller.
                        unsafe { _mm512_storeu_ps(to.add(at), value) };
                    }
                }
            }
        }
    }

    /// `to[rows, 32 of channels] = values[rows, channels] * weights[channels, 32]`.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn multiply(
        values: *const f32,
        weights: *const f32,
        to: *mut f32,
        rows: usize,
        channels: usize,
    ) {
        for row in (0..rows).step_by(ROWS) {
            let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
            for c in 0..channels {
                // SAFETY: by the caller.
                let pair = unsafe {
                    let at = weights.add(c * COLUMNS);
                    [_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(LANES))]
                };
                for (r, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: by the caller.
                    let value = _mm512_set1_ps(unsafe { *values.add((row + r) * channels + c) });
                    sum[0] = _mm512_fmadd_ps(value, pair[0], sum[0]);
                    sum[1] = _mm512_fmadd_ps(value, pair[1], sum[1]);
                }
            }
            for (r, sum) in sums.iter().enumerate() {
                // SAFETY: by the caller.
                unsafe {
                    let to = to.add((row + r) * channels);
                    _mm512_storeu_ps(to, sum[0]);
                    _mm512_storeu_ps(to.add(LANES), sum[1]);
                }
            }
        }
    }

    /// x / (1 + exp(-x)); the exponential is a power of two times a polynomial, relative error below 2e-7
    /// (Cephes mathematical library, expf).
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn silu(x: Vector) -> Vector {
        let number = |n: f32| _mm512_set1_ps(n);
        let negative = _mm512_sub_ps(_mm512_setzero_ps(), x);
        let power = _mm512_min_ps(_mm512_max_ps(negative, number(-87.0)), number(88.0));
        let whole =
            _mm512_roundscale_ps::<0x08>(_mm512_mul_ps(power, number(std::f32::consts::LOG2_E)));
        // ln 2 in two parts; products of the first with integers are exact.
        let rest = _mm512_fnmadd_ps(whole, number(0.693_359_4), power);
        let rest = _mm512_fnmadd_ps(whole, number(-2.121_944_4e-4), rest);
        let coefficients = [
            1.398_199_9e-3,
            8.333_452e-3,
            4.166_579_6e-2,
            1.666_666_5e-1,
            0.5,
        ];
        let mut polynomial = number(1.987_569_1e-4);
        for coefficient in coefficients {
            polynomial = _mm512_fmadd_ps(polynomial, rest, number(coefficient));
        }
        let linear = _mm512_add_ps(rest, number(1.0));
        let fraction = _mm512_fmadd_ps(_mm512_mul_ps(polynomial, rest), rest, linear);
        let exponential = _mm512_scalef_ps(fraction, whole);
        _mm512_div_ps(x, _mm512_add_ps(number(1.0), exponential))
    }

    /// Output transform of a row of tiles, with bias and SiLU, back into the map.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn transform_output(
        products: *const f32,
        map: *mut f32,
        bias: *const f32,
        row: usize,
        sizes: Sizes,
    ) {
        let Sizes {
            channels,
            height,
            width,
            columns,
            tiles,
            line,
            ..
        } = sizes;
        for column in 0..columns {
            let tile = row * columns + column;
            for c in (0..channels).step_by(LANES) {
                // SAFETY: by the caller.
                let bias = unsafe { _mm512_loadu_ps(bias.add(c)) };
                let mut halves = [[_mm512_setzero_ps(); TILE]; 6];
                for (x, half) in halves.iter_mut().enumerate() {
                    let mut column = [_mm512_setzero_ps(); 6];
                    for (y, product) in column.iter_mut().enumerate() {
                        let at = ((y * 6 + x) * tiles + tile) * channels + c;
                        // SAFETY: by the caller.
                        *product = unsafe { _mm512_loadu_ps(products.add(at)) };
                    }
                    *half = cells(column);
                }
                // Cells beyond the map stay zero for the next convolution.
                let end = [height - row * TILE, width - column * TILE].map(|n| TILE.min(n));
                for (y, products) in turned(halves).into_iter().enumerate().take(end[0]) {
                    for (x, value) in cells(products).into_iter().enumerate().take(end[1]) {
                        let at = (row * TILE + y + 1) * line + column * TILE + x + 1;
                        let value = silu(_mm512_add_ps(value, bias));
                        // SAFETY: by the caller.
                        unsafe { _mm512_storeu_ps(map.add(at * channels + c), value) };
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deterministic numbers from -1 to 1.
    fn numbers(count: usize, scale: f64, mut seed: u64) -> Vec<f64> {
        let mut next = || {
            seed = seed
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            ((seed >> 40) as f64 / (1u64 << 23) as f64 - 1.0) * scale
        };
        (0..count).map(|_| next()).collect()
    }

    /// Direct convolution in double precision, with SiLU.
    fn by_definition(
        map: &[f64],
        weight: &[f64],
        bias: &[f64],
        [height, width]: [usize; 2],
    ) -> Vec<f64> {
        let channels = bias.len();
        let mut out = Vec::with_capacity(map.len());
        for o in 0..channels {
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let mut sum = bias[o];
                for i in 0..channels {
                    for (dy, dx) in (0..3).flat_map(|dy| (0..3).map(move |dx| (dy, dx))) {
                        let (v, u) = (y + dy, x + dx);
                        if (1..=height).contains(&v) && (1..=width).contains(&u) {
                            let cell = map[(i * height + v - 1) * width + u - 1];
                            sum += weight[(o * channels + i) * 9 + dy * 3 + dx] * cell;
                        }
                    }
                }
                out.push(sum / (1.0 + (-sum).exp()));
            }
        }
        out
    }

    #[test]
    fn a_chain_is_what_its_convolutions_are() {
        let channels = 64;
        if !is_supported(channels) {
            return;
        }
        // Sizes that are multiples of the tile, and sizes that are not.
        for size in [[8, 12], [9, 14], [1, 3]] {
            let mut map = numbers(channels * size[0] * size[1], 1.0, 1);
            let input: Vec<f32> = map.iter().map(|v| *v as f32).collect();
            let mut filters = Vec::new();
            for seed in [2, 3] {
                let weight = numbers(channels * channels * 9, 0.06, seed);
                let bias = numbers(channels, 1.0, seed + 10);
                map = by_definition(&map, &weight, &bias, size);
                filters.push(ConvFilter::new(channels, &weight, &bias));
            }
            let mut output = vec![0.0; input.len()];
            let parallel = |count: usize, job: &(dyn Fn(usize) + Sync)| (0..count).for_each(job);
            let mut scratch = ConvScratch::default();
            // Twice: what the first call leaves in the working memory must not matter.
            for _ in 0..2 {
                chain(&filters, &input, &mut output, size, &mut scratch, &parallel);
                let largest = map.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
                let worst = map
                    .iter()
                    .zip(&output)
                    .map(|(a, b)| (a - f64::from(*b)).abs())
                    .fold(0.0, f64::max);
                assert!(worst < 1e-5 * largest, "{size:?}: {worst} of {largest}");
            }
        }
    }
}
