//! Linear layers: rows of inputs times a packed weight matrix, with a fused epilogue.
//!
//! A row's dot products are accumulated input by input (quantized: block by block) in a fixed order, so its
//! result depends on nothing but the row. Rows are processed in tiles that fit the registers; a job is a
//! block of rows times a group of panels, and threads share the jobs.

use super::math::{WHOLE, exp, gelu_tanh, mul_add, silu};
use super::quantize::{
    BLOCK, Bytes, INT4_OFFSET, INT8_OFFSET, LANES, PANEL, WeightFormat, from_bf16,
};
use super::{InstructionSet, Parallel, SharedBuffer, level};

/// Rows of a tile with unquantized weights: 12 x 2 accumulators, two weights and an input fill 32 registers.
const ROWS: usize = 12;
/// Rows of a tile with quantized weights: each row needs two integer accumulators besides.
const QUANTIZED_ROWS: usize = 6;
/// Rows of a job: four tiles, which stay in the L2 cache beside a panel.
const JOB_ROWS: usize = 48;
/// Least number of jobs of a layer, if it has as many panels.
const JOBS: usize = 32;

/// Epilogue applied to the dot products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// Nothing.
    Plain,
    /// GELU, tanh approximation.
    GeluTanh,
    /// Panels hold 16 gates and 16 values: silu(gate) * value, half as many outputs.
    SiluGate,
}

/// A linear layer.
pub(crate) struct Linear {
    /// Number of inputs.
    pub from: usize,
    /// Number of rows of the weight matrix.
    pub to: usize,
    /// Number of outputs: `to`; with [`Finish::SiluGate`] half of it, or less if the last panels are partial.
    pub outputs: usize,
    /// Format of the weights.
    pub form: WeightFormat,
    /// Packed weights (see [`super::quantize::pack`]).
    pub weights: Bytes,
    /// Bias, `[to]`; empty for none.
    pub bias: Vec<f32>,
    /// Epilogue.
    pub finish: Finish,
}

/// Working memory of a call, kept for the next one.
#[derive(Default)]
pub(crate) struct Scratch {
    floats: Vec<f32>,
    levels: Vec<i8>,
    starts: Vec<i32>,
}

/// The packed inputs of a call.
#[derive(Clone, Copy)]
struct Inputs {
    /// Unquantized: tiles of rows, `[inputs, rows of the tile]`. Quantized: scales, `[rows, blocks]`.
    floats: SharedBuffer<f32>,
    /// Quantized inputs, `[rows, inputs]`, padded to whole blocks.
    levels: SharedBuffer<i8>,
    /// Initial value of each block's accumulator, which cancels the offset of the weights. `[rows, blocks]`.
    starts: SharedBuffer<i32>,
    blocks: usize,
}

impl Linear {
    /// Computes `output[rows, outputs]` from `input[rows, from]`; `residual`, of the output's shape, is
    /// added.
    ///
    /// # Panics
    ///
    /// If sizes do not match.
    pub(crate) fn run(
        &self,
        input: &[f32],
        residual: Option<&[f32]>,
        output: &mut [f32],
        scratch: &mut Scratch,
        parallel: Parallel<'_>,
    ) {
        let rows = input.len() / self.from;
        assert!(input.len() == rows * self.from && output.len() == rows * self.outputs);
        assert!(residual.is_none_or(|r| r.len() == output.len()));
        assert!(self.weights.len() == self.form.bytes(self.from, self.to));
        assert!(self.bias.is_empty() || self.bias.len() == self.to);
        if rows == 0 {
            return;
        }
        let inputs = self.packed(input, rows, scratch, parallel);
        let row_jobs = rows.div_ceil(JOB_ROWS);
        let panels = self.to.div_ceil(PANEL);
        let group = panels.div_ceil(JOBS.div_ceil(row_jobs)).max(1);
        let groups = panels.div_ceil(group);
        let output = SharedBuffer(output.as_mut_ptr());
        parallel(row_jobs * groups, &|job| {
            let (row_job, part) = (job / groups, job % groups);
            let first = row_job * JOB_ROWS;
            let job = PanelJob {
                inputs,
                rows: first..(first + JOB_ROWS).min(rows),
                panels: part * group..((part + 1) * group).min(panels),
                residual,
                output,
            };
            // SAFETY: sizes were checked above; jobs write to disjoint rows or columns; `level` names
            // instructions that the machine has.
            unsafe {
                match level() {
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Vnni => x86::job_vnni(self, &job),
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx512 => x86::job_avx512(self, &job),
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx2 => x86::job_avx2(self, &job),
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Plain => job_portable::<false>(self, &job),
                    // Other supported architectures have fused multiply-add.
                    #[cfg(not(target_arch = "x86_64"))]
                    _ => job_portable::<true>(self, &job),
                }
            }
        });
    }

    /// Packs the inputs, and quantizes them if the weights are quantized.
    fn packed(
        &self,
        input: &[f32],
        rows: usize,
        scratch: &mut Scratch,
        parallel: Parallel<'_>,
    ) -> Inputs {
        let from = self.from;
        let blocks = from.div_ceil(BLOCK);
        let quantized = self.form.is_quantized();
        let floats = if quantized {
            rows * blocks
        } else {
            rows * from
        };
        if scratch.floats.len() < floats {
            scratch.floats.resize(floats, 0.0);
        }
        if quantized && scratch.starts.len() < rows * blocks {
            scratch.starts.resize(rows * blocks, 0);
            scratch.levels.resize(rows * blocks * BLOCK, 0);
        }
        let inputs = Inputs {
            floats: SharedBuffer(scratch.floats.as_mut_ptr()),
            levels: SharedBuffer(scratch.levels.as_mut_ptr()),
            starts: SharedBuffer(scratch.starts.as_mut_ptr()),
            blocks,
        };
        let offset = if self.form == WeightFormat::Int8 {
            INT8_OFFSET
        } else {
            INT4_OFFSET
        };
        let pack = |job: usize| {
            let first = job * JOB_ROWS;
            // SAFETY: the buffers are as large as set above, and jobs write to disjoint rows.
            unsafe {
                match quantized {
                    true => {
                        let rows = first..(first + JOB_ROWS).min(rows);
                        quantize_rows(input, rows, from, offset, inputs);
                    }
                    false => {
                        for (start, tile) in tiles(first..(first + JOB_ROWS).min(rows), ROWS) {
                            let to = inputs.floats.get().add(start * from);
                            transpose(&input[start * from..(start + tile) * from], tile, from, to);
                        }
                    }
                }
            }
        };
        match rows.div_ceil(JOB_ROWS) {
            1 => pack(0),
            jobs => parallel(jobs, &pack),
        }
        inputs
    }
}

/// Splits rows into tiles of nearly equal size, at most `most` rows: first row and number of rows.
fn tiles(rows: std::ops::Range<usize>, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = rows.len().div_ceil(most).max(1);
    let at = move |tile: usize| rows.start + tile * rows.len() / count;
    (0..count)
        .map(move |tile| (at(tile), at(tile + 1) - at(tile)))
        .filter(|(_, n)| *n > 0)
}

/// `[rows, from]` to `[from, rows]`.
unsafe fn transpose(input: &[f32], rows: usize, from: usize, to: *mut f32) {
    for (row, values) in input.chunks_exact(from).enumerate() {
        for (k, value) in values.iter().enumerate() {
            // SAFETY: by the caller.
            unsafe { *to.add(k * rows + row) = *value };
        }
    }
}

/// Quantizes inputs to -127..=127 block by block, with each block's scale and initial accumulator.
unsafe fn quantize_rows(
    input: &[f32],
    rows: std::ops::Range<usize>,
    from: usize,
    offset: i32,
    inputs: Inputs,
) {
    // SAFETY: by the caller; the machine has the instructions.
    unsafe {
        match level() {
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx512 | InstructionSet::Vnni => {
                x86::quantize_avx512(input, rows, from, offset, inputs)
            }
            #[cfg(target_arch = "x86_64")]
            InstructionSet::Avx2 => x86::quantize_avx2(input, rows, from, offset, inputs),
            _ => quantize_portable(input, rows, from, offset, inputs),
        }
    }
}

#[inline(always)]
unsafe fn quantize_portable(
    input: &[f32],
    rows: std::ops::Range<usize>,
    from: usize,
    offset: i32,
    inputs: Inputs,
) {
    for row in rows {
        for (block, values) in input[row * from..(row + 1) * from]
            .chunks(BLOCK)
            .enumerate()
        {
            let mut padded = [0f32; BLOCK];
            padded[..values.len()].copy_from_slice(values);
            let mut largest = [0f32; LANES];
            for half in padded.as_chunks::<LANES>().0 {
                for lane in 0..LANES {
                    let size = half[lane].abs();
                    largest[lane] = if size > largest[lane] {
                        size
                    } else {
                        largest[lane]
                    };
                }
            }
            let largest = largest
                .iter()
                .fold(0f32, |a, b| if *b > a { *b } else { a });
            let inverse = if largest == 0.0 { 0.0 } else { 127.0 / largest };
            let at = row * inputs.blocks + block;
            let mut sums = [0i32; LANES];
            let mut levels = [0i8; BLOCK];
            for (half, levels) in padded
                .as_chunks::<LANES>()
                .0
                .iter()
                .zip(levels.as_chunks_mut::<LANES>().0)
            {
                for lane in 0..LANES {
                    let shifted = half[lane] * inverse + WHOLE;
                    let whole = shifted.to_bits() as i32 - 0x4b40_0000;
                    levels[lane] = whole as i8;
                    sums[lane] += i32::from(levels[lane]);
                }
            }
            // SAFETY: by the caller.
            unsafe {
                let to = inputs.levels.get().add(at * BLOCK).cast::<[i8; BLOCK]>();
                to.write(levels);
                *inputs.floats.get().add(at) = largest / 127.0;
                *inputs.starts.get().add(at) = -offset * sums.iter().sum::<i32>();
            }
        }
    }
}

/// One job: a part of the result.
struct PanelJob<'a> {
    inputs: Inputs,
    rows: std::ops::Range<usize>,
    panels: std::ops::Range<usize>,
    residual: Option<&'a [f32]>,
    output: SharedBuffer<f32>,
}

/// Accumulators of a tile and a panel, row by row.
type Sums = [[f32; PANEL]; ROWS];

/// Adds bias and residual, applies the epilogue, and writes a tile's part of the result.
#[inline(always)]
unsafe fn finish<const FMA: bool>(
    layer: &Linear,
    job: &PanelJob<'_>,
    sums: &Sums,
    first: usize,
    rows: usize,
    panel: usize,
) {
    let width = layer.outputs;
    let per_panel = if layer.finish == Finish::SiluGate {
        LANES
    } else {
        PANEL
    };
    let column = panel * per_panel;
    let count = per_panel.min(width - column);
    let mut biases = [0f32; PANEL];
    if !layer.bias.is_empty() {
        let columns = panel * PANEL..((panel + 1) * PANEL).min(layer.to);
        biases[..columns.len()].copy_from_slice(&layer.bias[columns]);
    }
    for (i, sums) in sums[..rows].iter().enumerate() {
        let mut values = [0f32; PANEL];
        for n in 0..PANEL {
            values[n] = sums[n] + biases[n];
        }
        match layer.finish {
            Finish::Plain => {}
            // A loop: the closure of a `map` would not be compiled for these instructions.
            Finish::GeluTanh => values.iter_mut().for_each(|v| *v = gelu_tanh::<FMA>(*v)),
            Finish::SiluGate => {
                for n in 0..LANES {
                    values[n] = silu::<FMA>(values[n]) * values[n + LANES];
                }
            }
        }
        let at = (first + i) * width + column;
        // SAFETY: by the caller: rows and columns lie in the result, and no other job writes there.
        let to = unsafe { std::slice::from_raw_parts_mut(job.output.get().add(at), count) };
        match job.residual {
            Some(residual) => {
                for ((to, value), other) in to.iter_mut().zip(values).zip(&residual[at..at + count])
                {
                    *to = value + other;
                }
            }
            None => to.copy_from_slice(&values[..count]),
        }
    }
}

/// Runs a job; `tile` accumulates one tile and panel, given first row, number of rows, panel.
#[inline(always)]
unsafe fn each_tile<const FMA: bool>(
    layer: &Linear,
    job: &PanelJob<'_>,
    tile: impl Fn(usize, usize, usize, &mut Sums),
) {
    let most = if layer.form.is_quantized() {
        QUANTIZED_ROWS
    } else {
        ROWS
    };
    let mut sums = [[0f32; PANEL]; ROWS];
    for panel in job.panels.clone() {
        for (first, rows) in tiles(job.rows.clone(), most) {
            tile(first, rows, panel, &mut sums);
            // SAFETY: by the caller.
            unsafe { finish::<FMA>(layer, job, &sums, first, rows, panel) };
        }
    }
}

/// A job without intrinsics: the compiler vectorizes it.
#[inline(always)]
unsafe fn job_portable<const FMA: bool>(layer: &Linear, job: &PanelJob<'_>) {
    // SAFETY: by the caller.
    unsafe {
        each_tile::<FMA>(layer, job, |first, rows, panel, sums| {
            if layer.form.is_quantized() {
                portable_quantized::<FMA>(layer, job, first, rows, panel, sums);
            } else {
                portable_exact::<FMA>(layer, job, first, rows, panel, sums);
            }
        })
    }
}

#[inline(always)]
unsafe fn portable_exact<const FMA: bool>(
    layer: &Linear,
    job: &PanelJob<'_>,
    first: usize,
    rows: usize,
    panel: usize,
    sums: &mut Sums,
) {
    let size = layer.form.panel_bytes(layer.from);
    let weights = &layer.weights[panel * size..(panel + 1) * size];
    // SAFETY: by the caller.
    let x = unsafe {
        std::slice::from_raw_parts(
            job.inputs.floats.get().add(first * layer.from),
            rows * layer.from,
        )
    };
    let mut line = [0f32; PANEL];
    *sums = [[0.0; PANEL]; ROWS];
    for (bytes, x) in weights
        .chunks_exact(size / layer.from)
        .zip(x.chunks_exact(rows))
    {
        let words = bytes.as_chunks::<4>().0;
        if layer.form == WeightFormat::Bf16 {
            for (n, word) in words.iter().enumerate() {
                let word = u32::from_le_bytes(*word);
                line[n] = f32::from_bits(word << 16);
                line[n + LANES] = f32::from_bits(word & 0xffff_0000);
            }
        } else {
            line.iter_mut()
                .zip(words)
                .for_each(|(value, word)| *value = f32::from_le_bytes(*word));
        }
        for (sums, x) in sums.iter_mut().zip(x) {
            for n in 0..PANEL {
                sums[n] = mul_add::<FMA>(*x, line[n], sums[n]);
            }
        }
    }
}

#[inline(always)]
unsafe fn portable_quantized<const FMA: bool>(
    layer: &Linear,
    job: &PanelJob<'_>,
    first: usize,
    rows: usize,
    panel: usize,
    sums: &mut Sums,
) {
    let (weights, factors) = quantized_panel(layer, panel);
    let blocks = job.inputs.blocks;
    *sums = [[0.0; PANEL]; ROWS];
    for half in 0..2 {
        for block in 0..blocks {
            let mut levels = [[0i32; LANES]; BLOCK];
            for (k, line) in levels.iter_mut().enumerate() {
                for (lane, level) in line.iter_mut().enumerate() {
                    let place = lane * 4 + k % 4;
                    *level = i32::from(match layer.form {
                        WeightFormat::Int8 => {
                            weights[(half * blocks + block) * 512 + k / 4 * 64 + place]
                        }
                        _ => {
                            let byte = weights[(half * blocks + block) * 256 + k / 8 * 64 + place];
                            if k / 4 % 2 == 0 { byte & 15 } else { byte >> 4 }
                        }
                    });
                }
            }
            for (i, sums) in sums[..rows].iter_mut().enumerate() {
                let at = (first + i) * blocks + block;
                // SAFETY: by the caller.
                let (x, x_factor, start) = unsafe {
                    let x =
                        std::slice::from_raw_parts(job.inputs.levels.get().add(at * BLOCK), BLOCK);
                    (
                        x,
                        *job.inputs.floats.get().add(at),
                        *job.inputs.starts.get().add(at),
                    )
                };
                let mut whole = [start; LANES];
                for (line, x) in levels.iter().zip(x) {
                    for (whole, level) in whole.iter_mut().zip(line) {
                        *whole += level * i32::from(*x);
                    }
                }
                for (lane, whole) in whole.iter().enumerate() {
                    let at = ((half * blocks + block) * LANES + lane) * 2;
                    let factor = from_bf16(u16::from_le_bytes([factors[at], factors[at + 1]]));
                    let sum = &mut sums[half * LANES + lane];
                    *sum = mul_add::<FMA>(*whole as f32, factor * x_factor, *sum);
                }
            }
        }
    }
}

/// Weights and scales of a quantized panel.
#[inline(always)]
fn quantized_panel(layer: &Linear, panel: usize) -> (&[u8], &[u8]) {
    let (weights, factors) = (
        layer.form.panel_bytes(layer.from),
        layer.form.factor_bytes(layer.from),
    );
    let all = layer.to.div_ceil(PANEL) * weights;
    let at = all + panel * factors;
    (
        &layer.weights[panel * weights..(panel + 1) * weights],
        &layer.weights[at..at + factors],
    )
}

/// Index and log-probability of each row's largest logit; ties go to the first.
pub(crate) fn choose(
    logits: &[f32],
    vocabulary: usize,
    output: &mut [f32],
    parallel: Parallel<'_>,
) {
    let rows = logits.len() / vocabulary;
    assert!(logits.len() == rows * vocabulary && output.len() == rows * 2);
    let output = SharedBuffer(output.as_mut_ptr());
    parallel(rows, &|row| {
        let logits = &logits[row * vocabulary..(row + 1) * vocabulary];
        // SAFETY: the machine has the instructions.
        let (best, log_probability) = unsafe {
            match level() {
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx512 | InstructionSet::Vnni => x86::best_avx512(logits),
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Avx2 => x86::best_avx2(logits),
                #[cfg(target_arch = "x86_64")]
                InstructionSet::Plain => best::<false>(logits),
                #[cfg(not(target_arch = "x86_64"))]
                _ => best::<true>(logits),
            }
        };
        // SAFETY: every job writes to its own row.
        unsafe {
            *output.get().add(row * 2) = best as f32;
            *output.get().add(row * 2 + 1) = log_probability;
        }
    });
}

#[inline(always)]
fn best<const FMA: bool>(logits: &[f32]) -> (usize, f32) {
    let (lines, rest) = logits.as_chunks::<LANES>();
    let mut largest = [f32::NEG_INFINITY; LANES];
    for line in lines {
        for lane in 0..LANES {
            largest[lane] = if line[lane] > largest[lane] {
                line[lane]
            } else {
                largest[lane]
            };
        }
    }
    let largest = largest
        .iter()
        .chain(rest)
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0f32; LANES];
    for line in lines {
        for lane in 0..LANES {
            sums[lane] += exp::<FMA>(line[lane] - largest);
        }
    }
    let total: f32 =
        sums.iter().sum::<f32>() + rest.iter().map(|v| exp::<FMA>(v - largest)).sum::<f32>();
    // If all logits are NaN there is no largest; the first stands in.
    (
        logits.iter().position(|v| *v == largest).unwrap_or(0),
        -total.ln(),
    )
}

#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;
