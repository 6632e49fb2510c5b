//! Resampling to another size with the results of the libraries the models were trained with.
//!
//! * OpenCV 4.10: bilinear and bicubic (a = -0.75) without antialiasing, weights in 11 bits.
//! * Pillow: bicubic (a = -0.5) and Lanczos (three lobes), antialiased when shrinking, weights in 22 bits,
//!   rows before columns, rounded to 8 bits in between.

use super::Pixels;
use rayon::prelude::*;
use std::ops::Range;

/// Fractional bits of OpenCV's weights.
const CV_BITS: u32 = 11;
/// Fractional bits of Pillow's weights: 32 bits less 8 of value and 2 of headroom.
const PILLOW_BITS: u32 = 32 - 8 - 2;

/// The sources of an output position: two source positions and their weights.
struct SourceTaps {
    at: [usize; 2],
    weights: [i32; 2],
}

/// OpenCV's bilinear taps for the output positions `wanted`, out of `to`, along one side. Beyond the first
/// and last source position, columns copy that position; rows blend it with itself, which loses a bit.
fn linear_taps(from: usize, to: usize, wanted: Range<usize>, are_columns: bool) -> Vec<SourceTaps> {
    let scale = 1.0 / (to as f64 / from as f64);
    let last = from as i64 - 1;
    wanted
        .map(|i| {
            let at = ((i as f64 + 0.5) * scale - 0.5) as f32;
            let low = at.floor() as i64;
            let beyond = are_columns && (low < 0 || low >= last);
            let fraction = if beyond { 0.0 } else { at - low as f32 };
            let fixed = |w: f32| (w * (1 << CV_BITS) as f32).round_ties_even() as i32;
            SourceTaps {
                at: [low, low + 1].map(|at| at.clamp(0, last) as usize),
                weights: [fixed(1.0 - fraction), fixed(fraction)],
            }
        })
        .collect()
}

/// Weights of the four neighbours at -1, 0, 1, 2 for a fraction in 0..1, a = -0.75.
pub(super) fn cubic_weights(f: f32) -> [f32; 4] {
    // OpenCV 4.10, interpolateCubic
    const A: f32 = -0.75;
    let w0 = ((A * (f + 1.0) - 5.0 * A) * (f + 1.0) + 8.0 * A) * (f + 1.0) - 4.0 * A;
    let w1 = ((A + 2.0) * f - (A + 3.0)) * f * f + 1.0;
    let g = 1.0 - f;
    let w2 = ((A + 2.0) * g - (A + 3.0)) * g * g + 1.0;
    [w0, w1, w2, 1.0 - w0 - w1 - w2]
}

/// The same weights, computed in double precision.
fn exact_cubic_weights(f: f64) -> [f32; 4] {
    const A: f64 = -0.75;
    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    [far(1.0 + f), near(f), near(1.0 - f), far(2.0 - f)].map(|w| w as f32)
}

/// The part at `columns` and `rows` of the picture resampled to `size` (width, height) as `cv2.resize(...,
/// interpolation=cv2.INTER_LINEAR)`; the rest is not computed.
pub(super) fn bilinear(
    picture: &Pixels,
    size: (usize, usize),
    columns: Range<usize>,
    rows: Range<usize>,
) -> Pixels {
    let (width, height) = (columns.len(), rows.len());
    let columns = linear_taps(picture.width, size.0, columns, true);
    let rows = linear_taps(picture.height, size.1, rows, false);
    let stride = width * 3;
    let mut data = vec![0u8; stride * height];
    data.par_chunks_exact_mut(stride)
        .zip(&rows)
        .for_each(|(out, row)| {
            let [top, bottom] = row
                .at
                .map(|at| &picture.data[at * picture.width * 3..][..picture.width * 3]);
            for (column, out) in columns.iter().zip(out.chunks_exact_mut(3)) {
                let [left, right] = column.at.map(|at| at * 3);
                let across = |row: &[u8], c: usize| {
                    row[left + c] as i32 * column.weights[0]
                        + row[right + c] as i32 * column.weights[1]
                };
                for (c, out) in out.iter_mut().enumerate() {
                    // OpenCV's order of shifts, which loses some bits.
                    let down = |sum: i32, weight: i32| ((sum >> 4) * weight) >> 16;
                    let sum = down(across(top, c), row.weights[0])
                        + down(across(bottom, c), row.weights[1]);
                    *out = ((sum + 2) >> 2) as u8;
                }
            }
        });
    Pixels {
        width,
        height,
        data,
    }
}

/// Resampled as `cv2.resize(..., interpolation=cv2.INTER_CUBIC)` with weights in floating point, as OpenCV
/// builds with Intel's IPP do, which the reference runs on. Equal but for one value in a million.
pub(super) fn bicubic(picture: &Pixels, width: usize, height: usize) -> Pixels {
    let taps = |from: usize, to: usize| -> Vec<([usize; 4], [f32; 4])> {
        let scale = from as f64 / to as f64;
        (0..to)
            .map(|i| {
                let at = (i as f64 + 0.5) * scale - 0.5;
                let low = at.floor();
                let neighbour =
                    |k: usize| (low as i64 + k as i64 - 1).clamp(0, from as i64 - 1) as usize;
                (
                    std::array::from_fn(neighbour),
                    exact_cubic_weights(at - low),
                )
            })
            .collect()
    };
    let (columns, rows) = (taps(picture.width, width), taps(picture.height, height));
    let stride = width * 3;
    // Only source rows that contribute to the result: of a tall picture, very few.
    let mut used: Vec<usize> = rows.iter().flat_map(|(at, _)| *at).collect();
    used.sort_unstable();
    used.dedup();
    let mut narrowed = vec![0f32; stride * used.len()];
    narrowed
        .par_chunks_exact_mut(stride)
        .zip(&used)
        .for_each(|(out, y)| {
            let row = &picture.data[y * picture.width * 3..][..picture.width * 3];
            for ((at, weights), out) in columns.iter().zip(out.chunks_exact_mut(3)) {
                for (c, out) in out.iter_mut().enumerate() {
                    *out = (0..4).map(|k| row[at[k] * 3 + c] as f32 * weights[k]).sum();
                }
            }
        });
    let mut data = vec![0u8; stride * height];
    data.par_chunks_exact_mut(stride)
        .zip(&rows)
        .for_each(|(out, (at, weights))| {
            let narrowed_row = |y: usize| {
                used.binary_search(&y)
                    .expect("every row of the taps is in the list")
            };
            let [a, b, c, d] = at.map(|at| &narrowed[narrowed_row(at) * stride..][..stride]);
            for (i, out) in out.iter_mut().enumerate() {
                let sum =
                    a[i] * weights[0] + b[i] * weights[1] + c[i] * weights[2] + d[i] * weights[3];
                *out = sum.round_ties_even().clamp(0.0, 255.0) as u8;
            }
        });
    Pixels {
        width,
        height,
        data,
    }
}

/// Pillow's filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// `Image.BICUBIC`.
    Bicubic,
    /// `Image.LANCZOS`.
    Lanczos,
}

impl Filter {
    fn support(self) -> f64 {
        match self {
            Filter::Bicubic => 2.0,
            Filter::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        match self {
            Filter::Bicubic => {
                const A: f64 = -0.5;
                let x = x.abs();
                if x < 1.0 {
                    ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
                } else if x < 2.0 {
                    (((x - 5.0) * x + 8.0) * x - 4.0) * A
                } else {
                    0.0
                }
            }
            Filter::Lanczos => {
                let sinc = |x: f64| {
                    let x = x * std::f64::consts::PI;
                    if x == 0.0 { 1.0 } else { x.sin() / x }
                };
                if (-3.0..3.0).contains(&x) {
                    sinc(x) * sinc(x / 3.0)
                } else {
                    0.0
                }
            }
        }
    }
}

/// For every output position, the first source position and the weights from there on.
fn pillow_taps(from: usize, to: usize, filter: Filter) -> Vec<(usize, Vec<i32>)> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = filter.support() * stretch;
    (0..to)
        .map(|i| {
            let center = (i as f64 + 0.5) * scale;
            let first = ((center - support + 0.5) as i64).max(0) as usize;
            let end = ((center + support + 0.5) as i64).min(from as i64) as usize;
            let weights: Vec<f64> = (first..end)
                .map(|x| filter.weight((x as f64 - center + 0.5) * (1.0 / stretch)))
                .collect();
            let sum: f64 = weights.iter().sum();
            let fixed = |w: &f64| {
                let w = if sum != 0.0 { w * (1.0 / sum) } else { *w };
                let scaled = w * (1u32 << PILLOW_BITS) as f64;
                (if w < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i32
            };
            (first, weights.iter().map(fixed).collect())
        })
        .collect()
}

#[inline(always)]
fn to_byte(sum: i32) -> u8 {
    (sum >> PILLOW_BITS).clamp(0, 255) as u8
}

/// One row resampled along its length.
#[inline(always)]
fn pillow_row(row: &[u8], taps: &[(usize, Vec<i32>)], out: &mut [u8]) {
    for ((first, weights), out) in taps.iter().zip(out.chunks_exact_mut(3)) {
        let mut sums = [1i32 << (PILLOW_BITS - 1); 3];
        for (pixel, weight) in row[first * 3..].chunks_exact(3).zip(weights) {
            for c in 0..3 {
                sums[c] += pixel[c] as i32 * weight;
            }
        }
        out.copy_from_slice(&sums.map(to_byte));
    }
}

/// One output row as the weighted sum of source rows of `stride` bytes.
#[inline(always)]
fn pillow_blend(rows: &[u8], stride: usize, weights: &[i32], sums: &mut [i32], out: &mut [u8]) {
    sums.fill(1 << (PILLOW_BITS - 1));
    for (row, weight) in rows.chunks_exact(stride).zip(weights) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += *value as i32 * weight;
        }
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = to_byte(*sum);
    }
}

/// The same two loops, compiled for processors with 256-bit integer vectors.
#[cfg(target_arch = "x86_64")]
mod wide {
    #[target_feature(enable = "avx2")]
    pub(super) fn row(row: &[u8], taps: &[(usize, Vec<i32>)], out: &mut [u8]) {
        super::pillow_row(row, taps, out);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn blend(
        rows: &[u8],
        stride: usize,
        weights: &[i32],
        sums: &mut [i32],
        out: &mut [u8],
    ) {
        super::pillow_blend(rows, stride, weights, sums, out);
    }
}

fn row(row: &[u8], taps: &[(usize, Vec<i32>)], out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor supports AVX2.
        return unsafe { wide::row(row, taps, out) };
    }
    pillow_row(row, taps, out)
}

fn blend(rows: &[u8], stride: usize, weights: &[i32], sums: &mut [i32], out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor supports AVX2.
        return unsafe { wide::blend(rows, stride, weights, sums, out) };
    }
    pillow_blend(rows, stride, weights, sums, out)
}

/// Resampled as `PIL.Image.resize` (Pillow 13); a side that keeps its length is not filtered.
pub(super) fn pillow(picture: &Pixels, width: usize, height: usize, filter: Filter) -> Pixels {
    // Found by comparing with Pillow: rows go first unless columns lose more than twice as many pixels.
    let lost = |from: usize, to: usize| from as i64 - to as i64;
    let (lost_x, lost_y) = (lost(picture.width, width), lost(picture.height, height));
    if lost_y > 0 && lost_y > 2 * lost_x {
        let shortened = pillow_columns(picture, height, filter);
        pillow_rows(&shortened, width, filter).unwrap_or(shortened)
    } else {
        match pillow_rows(picture, width, filter) {
            Some(narrowed) if height == narrowed.height => narrowed,
            Some(narrowed) => pillow_columns(&narrowed, height, filter),
            None => pillow_columns(picture, height, filter),
        }
    }
}

/// Rows resampled to another width; `None` if they already have it.
fn pillow_rows(picture: &Pixels, width: usize, filter: Filter) -> Option<Pixels> {
    if width == picture.width {
        return None;
    }
    let taps = pillow_taps(picture.width, width, filter);
    let mut data = vec![0u8; width * picture.height * 3];
    data.par_chunks_exact_mut(width * 3)
        .zip(picture.data.par_chunks_exact(picture.width * 3))
        .for_each(|(out, source)| row(source, &taps, out));
    Some(Pixels {
        width,
        height: picture.height,
        data,
    })
}

/// Columns resampled to another height.
fn pillow_columns(picture: &Pixels, height: usize, filter: Filter) -> Pixels {
    if height == picture.height {
        return picture.clone();
    }
    let stride = picture.width * 3;
    let taps = pillow_taps(picture.height, height, filter);
    let mut data = vec![0u8; stride * height];
    data.par_chunks_exact_mut(stride).zip(&taps).for_each_init(
        || vec![0i32; stride],
        |sums, (out, (first, weights))| {
            blend(&picture.data[first * stride..], stride, weights, sums, out);
        },
    );
    Pixels {
        width: picture.width,
        height,
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(width: usize, height: usize) -> Pixels {
        let data = (0..width * height * 3)
            .map(|i| (i * i * 7919 % 251) as u8)
            .collect();
        Pixels {
            width,
            height,
            data,
        }
    }

    #[test]
    fn plain_pictures_stay_plain() {
        let gray = Pixels {
            width: 7,
            height: 5,
            data: vec![99; 105],
        };
        for filter in [Filter::Bicubic, Filter::Lanczos] {
            assert!(pillow(&gray, 13, 4, filter).data.iter().all(|v| *v == 99));
        }
        assert!(bicubic(&gray, 20, 3).data.iter().all(|v| *v == 99));
        assert!(
            bilinear(&gray, (20, 3), 0..20, 0..3)
                .data
                .iter()
                .all(|v| *v == 99)
        );
    }

    #[test]
    fn wide_and_plain_loops_agree() {
        let picture = noise(37, 11);
        let taps = pillow_taps(37, 18, Filter::Bicubic);
        let (mut a, mut b) = (vec![0; 54], vec![0; 54]);
        row(&picture.data[..111], &taps, &mut a);
        pillow_row(&picture.data[..111], &taps, &mut b);
        assert_eq!(a, b);
        let weights = &pillow_taps(11, 5, Filter::Lanczos)[2];
        let (mut a, mut b, mut sums) = (vec![0; 111], vec![0; 111], vec![0; 111]);
        blend(
            &picture.data[weights.0 * 111..],
            111,
            &weights.1,
            &mut sums,
            &mut a,
        );
        pillow_blend(
            &picture.data[weights.0 * 111..],
            111,
            &weights.1,
            &mut sums,
            &mut b,
        );
        assert_eq!(a, b);
    }

    #[test]
    fn a_part_of_the_result_is_that_part() {
        let picture = noise(37, 11);
        let whole = bilinear(&picture, (50, 40), 0..50, 0..40);
        let part = bilinear(&picture, (50, 40), 5..25, 30..40);
        assert!(Some(part) == whole.part(5, 30, 20, 10));
    }

    #[test]
    fn a_size_that_stays_changes_nothing() {
        let picture = noise(9, 4);
        assert!(pillow(&picture, 9, 4, Filter::Lanczos) == picture);
        assert!(bicubic(&picture, 9, 4) == picture);
    }
}
