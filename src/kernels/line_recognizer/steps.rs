//! The steps of the recognizer in single precision, compiled for each instruction set.

use super::{HEAD, HEIGHT, LAST, STEM, WIDTH};
use crate::kernels::math::{exp, mul_add, silu};
use crate::kernels::{InstructionSet, SharedBuffer, level};

const LANES: usize = 16;
/// Pixels of a line whose depthwise convolutions are computed together, so that they share their weights.
const PIXELS: usize = 4;

/// The likeliest of some classes.
#[derive(Clone, Copy, Default)]
pub(super) struct Best {
    /// Its index.
    pub class: usize,
    /// Its logit.
    pub logit: f32,
    /// Sum of the exponentials of all logits less that one.
    pub sum: f32,
}

/// Compiles functions for the instruction sets and calls the best; `FMA` is a constant in their bodies.
macro_rules! vectorized {
    ($($(#[$doc:meta])* fn $name:ident($($argument:ident: $kind:ty),* $(,)?) $body:block)*) => {$(
        $(#[$doc])*
        pub(super) fn $name($($argument: $kind),*) {
            #[inline(always)]
            fn body<const FMA: bool>($($argument: $kind),*) $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,fma")]
            fn avx512($($argument: $kind),*) {
                body::<true>($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $kind),*) {
                body::<true>($($argument),*)
            }
            match level() {
                // SAFETY: the machine has the instructions.
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx512 | InstructionSet::Vnni => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx2 => unsafe { avx2($($argument),*) },
                // Other supported architectures have fused multiply-add.
                _ => body::<{ cfg!(not(target_arch = "x86_64")) }>($($argument),*),
            }
        }
    )*};
}

/// 16 channels of `N` pixels of a depthwise convolution, from the pixel and channel that begin at `start` in a
/// line of the result.
///
/// # Safety
///
/// Sizes are those of [`depthwise`], and `N` pixels are left in the line.
#[inline(always)]
unsafe fn tile<const FMA: bool, const N: usize>(
    lines: &[f32],
    weights: &[f32],
    bias: &[f32],
    output: &mut [f32],
    sums: &mut [f32],
    start: usize,
    channel: usize,
) {
    type Lanes = [f32; LANES];
    let (channels, line) = (bias.len(), lines.len() / 3);
    // SAFETY: by the caller. Checks at each of these would take as long as the products.
    unsafe {
        let at = |floats: &[f32], at: usize| floats.as_ptr().add(at).cast::<Lanes>();
        let mut totals = [at(bias, channel).read_unaligned(); N];
        for y in 0..3 {
            for x in 0..3 {
                let weight = at(weights, (y * 3 + x) * channels + channel).read_unaligned();
                for (pixel, total) in totals.iter_mut().enumerate() {
                    let from =
                        at(lines, y * line + start + (x + pixel) * channels).read_unaligned();
                    for n in 0..LANES {
                        total[n] = mul_add::<FMA>(from[n], weight[n], total[n]);
                    }
                }
            }
        }
        let mut sum = at(sums, channel).read_unaligned();
        for (pixel, total) in totals.iter().enumerate() {
            let to = output.as_mut_ptr().add(start + pixel * channels);
            to.cast::<Lanes>().write_unaligned(*total);
            for n in 0..LANES {
                sum[n] += total[n];
            }
        }
        sums.as_mut_ptr()
            .add(channel)
            .cast::<Lanes>()
            .write_unaligned(sum);
    }
}

vectorized! {
    /// Line `y` of the first convolution with ReLU, 3x3 with stride 2, from `[3, 48, width]`.
    fn first(
        input: &[f32],
        width: usize,
        y: usize,
        weights: &[f32],
        bias: &[f32],
        output: &mut [f32],
    ) {
        let weights = weights.as_chunks::<STEM>().0;
        let bias = bias.as_chunks::<STEM>().0;
        for (x, output) in output.as_chunks_mut::<STEM>().0.iter_mut().enumerate() {
            let mut sums = bias[0];
            for (channel, dy) in (0..9).map(|n| (n / 3, n % 3)) {
                let at = y * 2 + dy;
                if at == 0 || at > HEIGHT {
                    continue;
                }
                let line = &input[(channel * HEIGHT + at - 1) * width..][..width];
                for dx in 0..3 {
                    let at = x * 2 + dx;
                    if at == 0 || at > width {
                        continue;
                    }
                    let (value, weights) = (line[at - 1], &weights[channel * 9 + dy * 3 + dx]);
                    for n in 0..STEM {
                        sums[n] = mul_add::<FMA>(value, weights[n], sums[n]);
                    }
                }
            }
            for n in 0..STEM {
                output[n] = if sums[n] > 0.0 { sums[n] } else { 0.0 };
            }
        }
    }

    /// A line of the pooling: maxima of two by two pixels, written beside as many other channels. The border
    /// counts as zero, which is never more than a result of ReLU.
    fn pool(lines: &[f32], output: &mut [f32]) {
        let (upper, lower) = lines.split_at(lines.len() / 2);
        let (upper, lower) = (upper.as_chunks::<STEM>().0, lower.as_chunks::<STEM>().0);
        for (x, output) in output.chunks_exact_mut(STEM * 2).enumerate() {
            let larger = |a: f32, b: f32| if a > b { a } else { b };
            let (a, b, c, d) = (&upper[x + 1], &upper[x + 2], &lower[x + 1], &lower[x + 2]);
            for n in 0..STEM {
                output[n] = larger(larger(a[n], b[n]), larger(c[n], d[n]));
            }
        }
    }

    /// A line of a depthwise convolution from three lines with borders, and the sums of its channels.
    fn depthwise(
        lines: &[f32],
        weights: &[f32],
        bias: &[f32],
        output: &mut [f32],
        sums: &mut [f32],
    ) {
        let channels = bias.len();
        let width = output.len() / channels;
        let line = (width + 2) * channels;
        assert!(channels.is_multiple_of(LANES) && output.len() == width * channels);
        assert!(weights.len() == 9 * channels && lines.len() == 3 * line && sums.len() == channels);
        let mut x = 0;
        while x < width {
            let whole = x + PIXELS <= width;
            for channel in (0..channels).step_by(LANES) {
                let start = x * channels + channel;
                // SAFETY: the sizes were checked above, and so many pixels are left.
                unsafe {
                    match whole {
                        true => tile::<FMA, PIXELS>(lines, weights, bias, output, sums, start, channel),
                        false => tile::<FMA, 1>(lines, weights, bias, output, sums, start, channel),
                    }
                }
            }
            x += if whole { PIXELS } else { 1 };
        }
    }

    /// Multiplies the channels of pixels.
    fn scale(pixels: &mut [f32], factors: &[f32]) {
        for pixel in pixels.chunks_exact_mut(factors.len()) {
            for (value, factor) in pixel.iter_mut().zip(factors) {
                *value *= factor;
            }
        }
    }

    /// Means over three lines with borders and two columns: `[steps, channels]`.
    fn mean(lines: &[f32], line: usize, output: &mut [f32]) {
        for (step, output) in output.chunks_exact_mut(LAST).enumerate() {
            output.fill(0.0);
            for y in 0..3 {
                let pair = &lines[y * line + (1 + step * 2) * LAST..][..2 * LAST];
                let (left, right) = pair.split_at(LAST);
                for n in 0..LAST {
                    output[n] += left[n] + right[n];
                }
            }
            output.iter_mut().for_each(|sum| *sum /= 6.0);
        }
    }

    /// SiLU of all values.
    fn all_silu(values: &mut [f32]) {
        for value in values {
            *value = silu::<FMA>(*value);
        }
    }

    /// A depthwise convolution over seven steps.
    fn mix(input: &[f32], weights: &[f32], bias: &[f32], output: &mut [f32]) {
        let steps = input.len() / WIDTH;
        for (step, output) in output.chunks_exact_mut(WIDTH).enumerate() {
            output.copy_from_slice(bias);
            for (tap, weights) in weights.chunks_exact(WIDTH).enumerate() {
                let Some(at) = (step + tap).checked_sub(3).filter(|at| *at < steps) else {
                    continue;
                };
                let values = &input[at * WIDTH..][..WIDTH];
                for n in 0..WIDTH {
                    output[n] = mul_add::<FMA>(values[n], weights[n], output[n]);
                }
            }
        }
    }

    /// Layer norm of every row.
    fn norm(input: &[f32], scales: &[f32], shifts: &[f32], epsilon: f32, output: &mut [f32]) {
        const PART: usize = 8;
        for (row, output) in input.chunks_exact(WIDTH).zip(output.chunks_exact_mut(WIDTH)) {
            let mut sums = [0f32; PART];
            for part in row.as_chunks::<PART>().0 {
                for n in 0..PART {
                    sums[n] += part[n];
                }
            }
            let mean = sums.iter().sum::<f32>() / WIDTH as f32;
            let mut squares = [0f32; PART];
            for part in row.as_chunks::<PART>().0 {
                for n in 0..PART {
                    squares[n] += (part[n] - mean) * (part[n] - mean);
                }
            }
            let variance = squares.iter().sum::<f32>() / WIDTH as f32;
            let factor = 1.0 / (variance + epsilon).sqrt();
            for n in 0..WIDTH {
                output[n] = (row[n] - mean) * factor * scales[n] + shifts[n];
            }
        }
    }

    /// A head of attention: from `[steps, 360]` (queries, keys and values of all heads) to its columns of
    /// `[steps, 120]`.
    fn attention(rows: &[f32], head: usize, output: SharedBuffer<f32>) {
        let steps = rows.len() / (3 * WIDTH);
        let padded = steps.next_multiple_of(LANES);
        let mut keys = vec![0f32; HEAD * padded];
        let mut values = vec![[0f32; LANES]; steps];
        for (step, row) in rows.chunks_exact(3 * WIDTH).enumerate() {
            for d in 0..HEAD {
                keys[d * padded + step] = row[WIDTH + head * HEAD + d];
                values[step][d] = row[2 * WIDTH + head * HEAD + d];
            }
        }
        let mut scores = vec![0f32; padded];
        for (step, row) in rows.chunks_exact(3 * WIDTH).enumerate() {
            let query = &row[head * HEAD..(head + 1) * HEAD];
            for (at, scores) in scores.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let mut sums = [0f32; LANES];
                for (query, keys) in query.iter().zip(keys.chunks_exact(padded)) {
                    // One by the root of the head's width, as the model file has it.
                    let query = query * 0.258_198_9;
                    let keys = &keys[at * LANES..(at + 1) * LANES];
                    for n in 0..LANES {
                        sums[n] = mul_add::<FMA>(query, keys[n], sums[n]);
                    }
                }
                *scores = sums;
            }
            let largest = scores[..steps].iter().copied().fold(f32::NEG_INFINITY, f32::max);
            for score in &mut scores {
                *score = exp::<FMA>(*score - largest);
            }
            let (mut total, mut sums) = (0f32, [0f32; LANES]);
            for (score, value) in scores[..steps].iter().zip(&values) {
                total += score;
                for n in 0..LANES {
                    sums[n] = mul_add::<FMA>(*score, value[n], sums[n]);
                }
            }
            for (d, sum) in sums[..HEAD].iter().enumerate() {
                // SAFETY: the result has as many rows, and nobody else writes to this head's columns.
                unsafe { *output.get().add(step * WIDTH + head * HEAD + d) = sum / total };
            }
        }
    }

    /// The largest logit, the first of equal ones.
    fn best(logits: &[f32], found: &mut Best) {
        let (lines, rest) = logits.as_chunks::<LANES>();
        let mut largest = [f32::NEG_INFINITY; LANES];
        for line in lines {
            for n in 0..LANES {
                largest[n] = if line[n] > largest[n] { line[n] } else { largest[n] };
            }
        }
        let logit = largest.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sums = [0f32; LANES];
        for line in lines {
            for n in 0..LANES {
                sums[n] += exp::<FMA>(line[n] - logit);
            }
        }
        let last: f32 = rest.iter().map(|value| exp::<FMA>(value - logit)).sum();
        *found = Best {
            // If all are NaN there is no largest; the first stands in.
            class: logits.iter().position(|value| *value == logit).unwrap_or(0),
            logit,
            sum: sums.iter().sum::<f32>() + last,
        };
    }
}
