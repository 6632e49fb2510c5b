//! Linear layers with weights of eight bits, on rows that are quantized as they come: the convolutions of
//! networks whose maps have their channels last.
//!
//! The values of a row become 256 levels from its least to its greatest, the weights of an output 255 levels
//! symmetric about zero. Sums of their products are exact integers, so AMX gives the same bits as VNNI.
//!
//! Rounding the weights errs in the same direction for all rows that are alike, as the pixels of a line are: of
//! the letters that came out otherwise than in single precision most were due to it. So what was rounded off is
//! kept, in eight bits more, and multiplied with the mean of a job's rows; the result is added to all of them.
//! A row's result depends on the rows of its job, therefore, and jobs must not mix lines.

use super::math::{WHOLE, gelu, rounded};
use super::{InstructionSet, level};
use std::ops::Range;

/// Outputs of a panel of weights: two registers.
pub(super) const PANEL: usize = 32;
/// Rows of a job: twice four tiles of registers, or twice three of AMX.
pub(super) const JOB_ROWS: usize = 96;
const LANES: usize = 16;
/// Steps of the rests in a step of the weights: half a step is 127 of them.
const REST: f32 = 254.0;
/// Inputs are padded with weights of zero to a multiple of this: the bytes of a row of an AMX tile.
const GROUP: usize = 64;

/// Epilogue applied to the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// Nothing.
    Plain,
    /// Negative sums become zero.
    Relu,
    /// GELU.
    Gelu,
}

/// A linear layer.
pub(super) struct Int8Layer {
    /// Number of inputs.
    pub from: usize,
    /// Number of outputs.
    pub to: usize,
    /// Both halves of each panel: for every four inputs, the weights of 16 outputs.
    weights: Vec<i8>,
    /// What was rounded off the weights, in steps [`REST`] times smaller.
    rests: Vec<i8>,
    /// Step between levels of each output's weights. Padded to whole panels, like the next two.
    steps: Vec<f32>,
    /// Sum of each output's weights.
    sums: Vec<f32>,
    /// Sum of what was rounded off.
    rest_sums: Vec<f32>,
    bias: Vec<f32>,
}

/// Where the rows of a layer's input come from: each row consists of `runs` runs of `length` floats, which
/// begin `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Windows<'a> {
    /// The floats.
    pub data: &'a [f32],
    /// Where the first row begins.
    pub first: usize,
    /// Rows in a line.
    pub width: usize,
    /// Distance of the beginnings of rows in a line.
    pub step: usize,
    /// Distance of the beginnings of lines.
    pub line: usize,
    /// Runs of a row.
    pub runs: usize,
    /// Floats of a run.
    pub length: usize,
    /// Distance of the beginnings of runs.
    pub stride: usize,
}

impl<'a> Windows<'a> {
    /// Rows of `from` floats, one behind the other.
    pub(super) fn dense(data: &'a [f32], from: usize) -> Self {
        Windows {
            data,
            first: 0,
            width: usize::MAX,
            step: from,
            line: 0,
            runs: 1,
            length: from,
            stride: 0,
        }
    }

    #[inline(always)]
    fn run(&self, row: usize, run: usize) -> &'a [f32] {
        let (line, place) = (row / self.width, row % self.width);
        let at = self.first + line * self.line + place * self.step + run * self.stride;
        &self.data[at..at + self.length]
    }
}

/// The quantized rows of a job.
pub(super) struct QuantizedRows {
    /// Number of rows.
    count: usize,
    /// Number of inputs.
    from: usize,
    /// Levels, each row padded to whole groups.
    levels: Vec<u8>,
    /// Step between the levels of each row.
    steps: [f32; JOB_ROWS],
    /// Least value of each row.
    least: [f32; JOB_ROWS],
    /// The mean of the rows: its values, its levels, their step and its least value.
    mean: Vec<f32>,
    mean_levels: Vec<u8>,
    mean_step: f32,
    mean_least: f32,
}

/// Where the rows of a job's result are written, and what is added to them.
pub(super) struct Places {
    /// Beginning of each row.
    pub output: [*mut f32; JOB_ROWS],
    /// Beginning of the row that is added to each.
    pub residual: Option<[*const f32; JOB_ROWS]>,
}

/// Bytes of a row.
fn padded(from: usize) -> usize {
    from.next_multiple_of(GROUP)
}

/// Whether this machine has byte products, without which single precision is faster.
pub(crate) fn is_fast() -> bool {
    level() == InstructionSet::Vnni
}

impl QuantizedRows {
    /// No rows.
    pub(super) const fn new() -> Self {
        Self {
            count: 0,
            from: 0,
            levels: Vec::new(),
            steps: [0.0; JOB_ROWS],
            least: [0.0; JOB_ROWS],
            mean: Vec::new(),
            mean_levels: Vec::new(),
            mean_step: 0.0,
            mean_least: 0.0,
        }
    }

    /// Quantizes rows, at most [`JOB_ROWS`].
    pub(super) fn fill(&mut self, windows: &Windows<'_>, rows: Range<usize>) {
        assert!(rows.len() <= JOB_ROWS);
        self.from = windows.length * windows.runs;
        self.count = rows.len();
        // What lies beyond the inputs meets weights of zero.
        let size = padded(self.from) * JOB_ROWS;
        if self.levels.len() < size {
            self.levels.resize(size, 0);
        }
        self.mean.clear();
        self.mean.resize(self.from, 0.0);
        match level() {
            // SAFETY: the machine has the instructions, and `levels` was made large enough.
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 | InstructionSet::Vnni => unsafe {
                x86::fill_avx512(self, windows, rows)
            },
            _ => fill_portable(self, windows, rows),
        }
        self.fill_mean();
    }

    /// Quantizes the mean of the rows, whose sum was computed.
    fn fill_mean(&mut self) {
        const LINE: usize = 16;
        let factor = 1.0 / self.count.max(1) as f32;
        let (mut least, mut most) = ([f32::INFINITY; LINE], [f32::NEG_INFINITY; LINE]);
        for values in self.mean.chunks_mut(LINE) {
            for ((value, least), most) in values.iter_mut().zip(&mut least).zip(&mut most) {
                *value *= factor;
                *least = if *value < *least { *value } else { *least };
                *most = if *value > *most { *value } else { *most };
            }
        }
        let least = least.into_iter().fold(f32::INFINITY, f32::min);
        let most = most.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let (step, inverse) = steps_of(least, most);
        (self.mean_step, self.mean_least) = (step, least);
        self.mean_levels.resize(padded(self.from), 0);
        for (level, value) in self.mean_levels.iter_mut().zip(&self.mean) {
            *level = ((value - least) * inverse + WHOLE).to_bits() as u8;
        }
    }
}

fn fill_portable(to: &mut QuantizedRows, windows: &Windows<'_>, rows: Range<usize>) {
    let bytes = padded(to.from);
    for (i, row) in rows.enumerate() {
        let (mut least, mut most) = (f32::INFINITY, f32::NEG_INFINITY);
        for run in 0..windows.runs {
            for value in windows.run(row, run) {
                (least, most) = (value.min(least), value.max(most));
            }
        }
        let (step, inverse) = steps_of(least, most);
        (to.steps[i], to.least[i]) = (step, least);
        for run in 0..windows.runs {
            let levels = &mut to.levels[i * bytes + run * windows.length..];
            let sums = &mut to.mean[run * windows.length..];
            for ((level, value), sum) in levels.iter_mut().zip(windows.run(row, run)).zip(sums) {
                *sum += value;
                *level = ((value - least) * inverse).round_ties_even() as u8;
            }
        }
    }
}

/// The step between the levels of a row, and its inverse; both are zero if all values are equal.
fn steps_of(least: f32, most: f32) -> (f32, f32) {
    let range = most - least;
    if range > 0.0 {
        (range / 255.0, 255.0 / range)
    } else {
        (0.0, 0.0)
    }
}

impl Int8Layer {
    /// Quantizes a layer; `weights` are `[to, from]`, `bias` is `[to]`.
    ///
    /// # Panics
    ///
    /// If sizes do not match.
    pub(super) fn new(weights: &[f32], bias: &[f32], from: usize, to: usize) -> Self {
        assert!(weights.len() == from * to && bias.len() == to);
        let outputs = to.next_multiple_of(PANEL);
        let mut layer = Int8Layer {
            from,
            to,
            weights: vec![0; outputs * padded(from)],
            rests: vec![0; outputs * padded(from)],
            steps: vec![0.0; outputs],
            sums: vec![0.0; outputs],
            rest_sums: vec![0.0; outputs],
            bias: vec![0.0; outputs],
        };
        layer.bias[..to].copy_from_slice(bias);
        for (n, row) in weights.chunks_exact(from).enumerate() {
            let largest = row.iter().fold(0f32, |a, v| a.max(v.abs()));
            let step = largest / 127.0;
            let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
            let (mut sum, mut rest_sum) = (0i32, 0i32);
            let first = n / LANES * LANES * padded(from) + n % LANES * 4;
            for (k, value) in row.iter().enumerate() {
                let scaled = value * inverse;
                let whole = rounded(scaled);
                let rest = rounded((scaled - whole) * REST).clamp(-127.0, 127.0) as i8;
                (sum, rest_sum) = (sum + whole as i32, rest_sum + i32::from(rest));
                let at = first + k / 4 * GROUP + k % 4;
                (layer.weights[at], layer.rests[at]) = (whole as i8, rest);
            }
            (layer.steps[n], layer.sums[n]) = (step, sum as f32 * step);
            layer.rest_sums[n] = rest_sum as f32 * step / REST;
        }
        layer
    }

    /// Number of panels.
    pub(super) fn panels(&self) -> usize {
        self.to.div_ceil(PANEL)
    }

    /// Computes the outputs of some panels for rows.
    ///
    /// # Safety
    ///
    /// For each row, `places` has room for all outputs of these panels, where nobody else reads or writes,
    /// and holds as many to add.
    ///
    /// # Panics
    ///
    /// If the rows are not as wide as the layer.
    pub(super) unsafe fn run(
        &self,
        rows: &QuantizedRows,
        panels: Range<usize>,
        finish: Finish,
        places: &Places,
    ) {
        assert!(rows.from == self.from && panels.end <= self.panels());
        // SAFETY: by the caller; the machine has the instructions.
        unsafe {
            match level() {
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Vnni if x86::has_amx() => {
                    x86::run_amx(self, rows, panels, finish, places)
                }
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Vnni => x86::run_vnni(self, rows, panels, finish, places),
                _ => run_portable(self, rows, panels, finish, places),
            }
        }
    }
}

/// [`Int8Layer::run`] without special instructions, and with its contract.
unsafe fn run_portable(
    layer: &Int8Layer,
    rows: &QuantizedRows,
    panels: Range<usize>,
    finish: Finish,
    places: &Places,
) {
    let bytes = padded(layer.from);
    for half in panels.start * 2..panels.end * 2 {
        let outputs = half * LANES..((half + 1) * LANES).min(layer.to);
        let weights = half * LANES * bytes..(half + 1) * LANES * bytes;
        let (rests, weights) = (&layer.rests[weights.clone()], &layer.weights[weights]);
        let rest_sums = sums_of(&rows.mean_levels, rests);
        let starts: [f32; LANES] = std::array::from_fn(|lane| {
            let n = half * LANES + lane;
            let step = layer.steps[n] / REST * rows.mean_step;
            let start = rows.mean_least * layer.rest_sums[n] + layer.bias[n];
            rest_sums[lane] as f32 * step + start
        });
        for row in 0..rows.count {
            let sums = sums_of(&rows.levels[row * bytes..(row + 1) * bytes], weights);
            for ((n, sum), start) in outputs.clone().zip(sums).zip(starts) {
                let start = rows.least[row] * layer.sums[n] + start;
                let value = sum as f32 * (layer.steps[n] * rows.steps[row]) + start;
                let value = match finish {
                    Finish::Plain => value,
                    Finish::Relu => value.max(0.0),
                    Finish::Gelu => gelu(value),
                };
                // SAFETY: by the caller.
                unsafe {
                    let other = places
                        .residual
                        .map_or(0.0, |residual| *residual[row].add(n));
                    *places.output[row].add(n) = value + other;
                }
            }
        }
    }
}

/// Sums of products of a row with the weights of half a panel.
fn sums_of(levels: &[u8], weights: &[i8]) -> [i32; LANES] {
    let mut sums = [0i32; LANES];
    let groups = weights.as_chunks::<GROUP>().0;
    for (x, weights) in levels.as_chunks::<4>().0.iter().zip(groups) {
        for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
            for (x, weight) in x.iter().zip(weights) {
                *sum += i32::from(*x) * i32::from(*weight);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;
