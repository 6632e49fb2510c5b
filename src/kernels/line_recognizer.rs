//! PP-OCRv6's small line recognizer, with its convolutions and its last layer in eight bits ([`int8`]).
//!
//! A line goes through four stages, its maps with channels last:
//!
//! | stage | from | to |
//! |---|---|---|
//! | stem: convolutions | `[48, width, 3]` | `[12, width / 4, 96]` |
//! | 13 blocks: depthwise convolution, squeeze and excitation in some, two 1x1 convolutions with GELU between them | | `[3, width / 4, 384]` |
//! | sequence: mean over the height, two transformer layers of width 120, in single precision | | `[width / 8, 120]` |
//! | choice of the likeliest class | | `[width / 8, 2]` |
//!
//! Lines are read one by one, so that a line's result does not depend on those beside it.
//!
//! [`int8`]: super::int8

mod blocks;
mod map;
mod steps;
mod weights;

use super::int8::{Finish, Int8Layer, JOB_ROWS, PANEL, QuantizedRows, Windows};
use super::linear::{self, Linear};
use super::math::exp;
use super::{Parallel, SharedBuffer};
use blocks::{Block, Tile, each_pixel, run_pair, with_tile};
use map::Map;

/// Height of the input.
const HEIGHT: usize = 48;
/// Channels of the first convolution.
const STEM: usize = 48;
/// Channels of the last block.
const LAST: usize = 384;
/// Heads of the transformer layers.
const HEADS: usize = 8;
/// Width of a head.
const HEAD: usize = 15;
/// Width of the transformer layers.
const WIDTH: usize = HEADS * HEAD;
/// Classes: the blank, the characters, the space.
const CLASSES: usize = 18_710;
/// Panels of classes in a job: its results stay in the L2 cache.
const JOB_PANELS: usize = 32;

/// A layer norm: scales and shifts.
type Norm = (Vec<f32>, Vec<f32>);

/// A transformer layer.
struct Layer {
    norm: Norm,
    query_key_value: Linear,
    output: Linear,
    second_norm: Norm,
    up: Linear,
    down: Linear,
}

/// The network.
pub(crate) struct LineRecognizer {
    /// 3x3, stride 2: `[channel and tap, 48]`.
    first: Vec<f32>,
    first_bias: Vec<f32>,
    /// 2x2, to 24 and 48 channels, beside a pooling.
    small: [Int8Layer; 2],
    /// 3x3, stride 2.
    third: Int8Layer,
    /// 1x1.
    fourth: Int8Layer,
    blocks: Vec<Block>,
    /// From the last block past the transformer layers.
    shortcut: Linear,
    /// From the last block to them.
    entry: Linear,
    /// Depthwise over seven steps: `[7, 120]`.
    mix: Vec<f32>,
    mix_bias: Vec<f32>,
    layers: Vec<Layer>,
    norm: Norm,
    head: Int8Layer,
}

/// Working memory of a call: about 11 KiB for each column of the widest line.
#[derive(Default)]
struct Scratch {
    stem: [Map; 3],
    maps: [Map; 2],
    /// A block's depthwise convolution.
    depthwise: Vec<f32>,
    /// Sums of its lines, `[height, channels]`.
    sums: Vec<f32>,
    /// Rows of the sequence.
    rows: [Vec<f32>; 4],
    linear: linear::Scratch,
    /// Best classes of each step and job.
    best: Vec<steps::Best>,
}

impl LineRecognizer {
    /// Steps of a line of `width` columns.
    pub(crate) fn steps(width: usize) -> usize {
        width.div_ceil(2).div_ceil(2) / 2
    }

    /// Reads lines `[lines, 3, 48, width]` with values from -1 to 1: for each step the likeliest class and its
    /// probability, `[lines, steps, 2]`.
    ///
    /// # Panics
    ///
    /// If sizes do not match.
    pub(crate) fn run(
        &self,
        input: &[f32],
        width: usize,
        output: &mut [f32],
        parallel: Parallel<'_>,
    ) {
        let (size, steps) = (3 * HEIGHT * width, Self::steps(width));
        if steps == 0 {
            return;
        }
        assert!(input.len().is_multiple_of(size) && output.len() == input.len() / size * steps * 2);
        let mut scratch = Scratch::default();
        for (line, output) in input
            .chunks_exact(size)
            .zip(output.chunks_exact_mut(steps * 2))
        {
            self.stem(line, width, &mut scratch, parallel);
            for block in &self.blocks {
                block.run(&mut scratch, parallel);
            }
            self.sequence(steps, &mut scratch, parallel);
            self.choose(output, &mut scratch, parallel);
        }
    }

    /// `[3, 48, width]` to the first of `maps`.
    fn stem(&self, input: &[f32], width: usize, scratch: &mut Scratch, parallel: Parallel<'_>) {
        let [start, small, both] = &mut scratch.stem;
        let (height, width_2) = (HEIGHT / 2, width.div_ceil(2));
        start.resize(height, width_2, STEM);
        small.resize(height, width_2, STEM / 2);
        both.resize(height, width_2, STEM * 2);
        start.each_line(parallel, |y, line| {
            let weights = (self.first.as_slice(), self.first_bias.as_slice());
            steps::first(input, width, y, weights.0, weights.1, line);
        });
        // Windows of two by two reach over the right and the lower border.
        each_pixel(&self.small[0], &start.windows(2, 1), small, 0, parallel);
        each_pixel(&self.small[1], &small.windows(2, 1), both, STEM, parallel);
        let source = &*start;
        both.each_line(parallel, |y, line| {
            steps::pool(source.lines(y + 1, 2), line)
        });
        let both = &*both;
        let map = &mut scratch.maps[0];
        map.resize(height.div_ceil(2), width_2.div_ceil(2), self.fourth.to);
        let windows = Windows {
            width: map.width,
            step: 2 * both.channels,
            line: 2 * both.line(),
            ..both.windows(3, 0)
        };
        let layers = [(&self.third, Finish::Relu), (&self.fourth, Finish::Relu)];
        run_pair(layers, &windows, None, map, parallel);
    }

    /// The first of `maps` to the first of `rows`, `[steps, 120]`.
    fn sequence(&self, steps: usize, scratch: &mut Scratch, parallel: Parallel<'_>) {
        let Scratch {
            maps, rows, linear, ..
        } = scratch;
        let [x, shortcut, a, b] = rows;
        let sized = |rows: &mut Vec<f32>, width: usize| {
            rows.clear();
            rows.resize(steps * width, 0.0);
        };
        sized(a, LAST);
        steps::mean(maps[0].lines(1, 3), maps[0].line(), a);
        sized(shortcut, WIDTH);
        self.shortcut.run(a, None, shortcut, linear, parallel);
        steps::all_silu(shortcut);
        sized(b, WIDTH);
        self.entry.run(a, None, b, linear, parallel);
        steps::all_silu(b);
        sized(x, WIDTH);
        steps::mix(b, &self.mix, &self.mix_bias, x);
        steps::all_silu(x);
        x.iter_mut().zip(&*b).for_each(|(x, b)| *x += b);
        for layer in &self.layers {
            sized(a, WIDTH);
            steps::norm(x, &layer.norm.0, &layer.norm.1, 1e-5, a);
            sized(b, WIDTH * 3);
            layer.query_key_value.run(a, None, b, linear, parallel);
            let (to, source) = (SharedBuffer(a.as_mut_ptr()), &*b);
            // Each head writes columns of its own.
            parallel(HEADS, &|head| steps::attention(source, head, to));
            sized(b, WIDTH);
            layer.output.run(a, Some(x), b, linear, parallel);
            std::mem::swap(x, b);
            steps::norm(x, &layer.second_norm.0, &layer.second_norm.1, 1e-5, a);
            sized(b, WIDTH * 2);
            layer.up.run(a, None, b, linear, parallel);
            steps::all_silu(b);
            layer.down.run(b, Some(x), a, linear, parallel);
            std::mem::swap(x, a);
        }
        sized(a, WIDTH);
        steps::norm(x, &self.norm.0, &self.norm.1, 1e-6, a);
        for ((x, a), shortcut) in x.iter_mut().zip(&*a).zip(&*shortcut) {
            *x = a + shortcut;
        }
    }

    /// The likeliest class of each step and its probability.
    fn choose(&self, output: &mut [f32], scratch: &mut Scratch, parallel: Parallel<'_>) {
        let rows = &scratch.rows[0];
        let steps = rows.len() / WIDTH;
        let panels = self.head.panels();
        let parts = panels.div_ceil(JOB_PANELS);
        scratch.best.clear();
        scratch.best.resize(steps * parts, steps::Best::default());
        let best = SharedBuffer(scratch.best.as_mut_ptr());
        parallel(steps.div_ceil(JOB_ROWS) * parts, &|job| {
            let (job, part) = (job / parts, job % parts);
            let range = job * JOB_ROWS..((job + 1) * JOB_ROWS).min(steps);
            let panels = part * JOB_PANELS..((part + 1) * JOB_PANELS).min(panels);
            let first = panels.start * PANEL;
            let count = (panels.end * PANEL).min(CLASSES) - first;
            with_tile(JOB_ROWS * JOB_PANELS * PANEL, |tile| {
                let Tile {
                    rows: levels,
                    middle,
                } = tile;
                levels.fill(&Windows::dense(rows, WIDTH), range.clone());
                let logits = middle.as_mut_ptr();
                // The layer counts outputs from the first class of all.
                let row = |i: usize| logits.wrapping_add(i * count).wrapping_sub(first);
                let places = super::int8::Places {
                    output: std::array::from_fn(row),
                    residual: None,
                };
                // SAFETY: there is room for the logits of JOB_ROWS steps and JOB_PANELS panels.
                unsafe {
                    self.head
                        .run(levels, panels.clone(), Finish::Plain, &places)
                };
                for (step, logits) in range.clone().zip(middle.chunks_exact(count)) {
                    let mut found = steps::Best::default();
                    steps::best(logits, &mut found);
                    found.class += first;
                    // SAFETY: steps and parts of jobs differ.
                    unsafe { *best.get().add(step * parts + part) = found };
                }
            });
        });
        for (parts, output) in scratch
            .best
            .chunks_exact(parts)
            .zip(output.chunks_exact_mut(2))
        {
            // The first of equal ones.
            let top = parts[1..].iter().fold(parts[0], |top, other| {
                if other.logit > top.logit { *other } else { top }
            });
            let sum: f32 = parts
                .iter()
                .map(|part| part.sum * exp::<false>(part.logit - top.logit))
                .sum();
            (output[0], output[1]) = (top.class as f32, 1.0 / sum);
        }
    }
}

#[cfg(test)]
mod tests;
