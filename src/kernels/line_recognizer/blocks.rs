//! The blocks of the recognizer, and layers applied to the pixels of maps.

use super::map::Map;
use super::{Finish, Int8Layer, JOB_ROWS, QuantizedRows, Scratch, Windows, steps};
use crate::kernels::int8::Places;
use crate::kernels::{Parallel, SharedBuffer};
use std::cell::RefCell;

/// A depthwise 3x3 convolution, squeeze and excitation in some blocks, and two 1x1 convolutions with GELU
/// between them, to whose result their input is added unless the stride is two.
pub(super) struct Block {
    pub channels: usize,
    /// `[9, channels]`.
    pub depthwise: Vec<f32>,
    pub bias: Vec<f32>,
    pub squeeze: Option<Squeeze>,
    pub up: Int8Layer,
    pub down: Int8Layer,
    /// Vertical stride.
    pub stride: usize,
}

/// Squeeze and excitation: two layers from the means of channels to factors of channels, each with weights
/// `[outputs, inputs]` and bias.
pub(super) struct Squeeze {
    pub down: (Vec<f32>, Vec<f32>),
    pub up: (Vec<f32>, Vec<f32>),
}

/// Working memory of a job.
pub(super) struct Tile {
    pub rows: QuantizedRows,
    pub middle: Vec<f32>,
}

thread_local! {
    static TILE: RefCell<Tile> = const {
        RefCell::new(Tile { rows: QuantizedRows::new(), middle: Vec::new() })
    };
}

/// Runs a job with this thread's working memory, at least `size` floats.
pub(super) fn with_tile(size: usize, job: impl FnOnce(&mut Tile)) {
    TILE.with_borrow_mut(|tile| {
        if tile.middle.len() < size {
            tile.middle.resize(size, 0.0);
        }
        job(tile);
    });
}

/// Applies a layer with ReLU to windows, one for each pixel of a map, whose channels from `channel` on it
/// writes.
pub(super) fn each_pixel(
    layer: &Int8Layer,
    windows: &Windows<'_>,
    to: &mut Map,
    channel: usize,
    parallel: Parallel<'_>,
) {
    assert!(channel + layer.to <= to.channels);
    each_job(to, parallel, |map, data, pixels| {
        with_tile(0, |tile| {
            tile.rows.fill(windows, pixels.clone());
            let place = |i: usize| data.wrapping_add(map.at(pixels.start + i) + channel);
            let places = Places {
                output: std::array::from_fn(place),
                residual: None,
            };
            // SAFETY: pixels of the map have room for the outputs, and jobs have different pixels.
            unsafe { layer.run(&tile.rows, 0..layer.panels(), Finish::Relu, &places) };
        });
    });
}

/// Applies two layers to windows, one for each pixel of a map, which it writes; `residual`, `[pixels,
/// channels]`, is added.
pub(super) fn run_pair(
    [(first, first_finish), (second, second_finish)]: [(&Int8Layer, Finish); 2],
    windows: &Windows<'_>,
    residual: Option<&[f32]>,
    to: &mut Map,
    parallel: Parallel<'_>,
) {
    let width = second.to;
    assert!(width == to.channels);
    assert!(residual.is_none_or(|r| r.len() == to.height * to.width * width));
    each_job(to, parallel, |map, data, pixels| {
        with_tile(JOB_ROWS * first.to, |tile| {
            let middle = tile.middle.as_mut_ptr();
            tile.rows.fill(windows, pixels.clone());
            let places = Places {
                output: std::array::from_fn(|i| middle.wrapping_add(i * first.to)),
                residual: None,
            };
            // SAFETY: there is room for JOB_ROWS rows.
            unsafe { first.run(&tile.rows, 0..first.panels(), first_finish, &places) };
            let between = Windows::dense(&tile.middle, first.to);
            tile.rows.fill(&between, 0..pixels.len());
            let of = |r: &[f32], i: usize| r.as_ptr().wrapping_add((pixels.start + i) * width);
            let places = Places {
                output: std::array::from_fn(|i| data.wrapping_add(map.at(pixels.start + i))),
                residual: residual.map(|r| std::array::from_fn(|i| of(r, i))),
            };
            // SAFETY: pixels of the map have room for the outputs, and jobs have different pixels.
            unsafe { second.run(&tile.rows, 0..second.panels(), second_finish, &places) };
        });
    });
}

/// Runs a job for every [`JOB_ROWS`] pixels of a map, given the map, where its floats lie, and the pixels.
fn each_job(
    map: &mut Map,
    parallel: Parallel<'_>,
    job: impl Fn(&Map, *mut f32, std::ops::Range<usize>) + Sync,
) {
    let pixels = map.height * map.width;
    assert!(pixels == 0 || map.at(pixels - 1) + map.channels <= map.data.len());
    let data = SharedBuffer(map.data.as_mut_ptr());
    let map = &*map;
    parallel(pixels.div_ceil(JOB_ROWS), &|number| {
        let first = number * JOB_ROWS;
        job(map, data.get(), first..(first + JOB_ROWS).min(pixels));
    });
}

impl Block {
    /// From the first of `maps` to the second, which then change places.
    pub(super) fn run(&self, scratch: &mut Scratch, parallel: Parallel<'_>) {
        let Scratch {
            maps: [from, to],
            depthwise,
            sums,
            ..
        } = scratch;
        let (height, channels) = (from.height.div_ceil(self.stride), self.channels);
        let (pixels, line) = (height * from.width, from.width * channels);
        let size = pixels * channels;
        if depthwise.len() < size {
            depthwise.resize(size, 0.0);
        }
        sums.clear();
        sums.resize(height * channels, 0.0);
        let (data, line_sums) = (
            SharedBuffer(depthwise.as_mut_ptr()),
            SharedBuffer(sums.as_mut_ptr()),
        );
        let source = &*from;
        parallel(height, &|y| {
            // SAFETY: both are as large as set above, and every job has its own line.
            let (to, sums) = unsafe {
                (
                    std::slice::from_raw_parts_mut(data.get().add(y * line), line),
                    std::slice::from_raw_parts_mut(line_sums.get().add(y * channels), channels),
                )
            };
            let lines = source.lines(y * self.stride, 3);
            steps::depthwise(lines, &self.depthwise, &self.bias, to, sums);
        });
        if let Some(squeeze) = &self.squeeze {
            let factors = squeeze.factors(sums, pixels);
            parallel(height, &|y| {
                // SAFETY: as above.
                let line =
                    unsafe { std::slice::from_raw_parts_mut(data.get().add(y * line), line) };
                steps::scale(line, &factors);
            });
        }
        let input = &depthwise[..size];
        to.resize(height, from.width, self.down.to);
        let layers = [(&self.up, Finish::Gelu), (&self.down, Finish::Plain)];
        let residual = (self.stride == 1).then_some(input);
        run_pair(
            layers,
            &Windows::dense(input, channels),
            residual,
            to,
            parallel,
        );
        std::mem::swap(from, to);
    }
}

impl Squeeze {
    /// The factor of each channel, from the sums of lines, `[lines, channels]`.
    fn factors(&self, sums: &[f32], pixels: usize) -> Vec<f32> {
        let channels = self.up.1.len();
        let mut means = vec![0f32; channels];
        for line in sums.chunks_exact(channels) {
            means.iter_mut().zip(line).for_each(|(m, s)| *m += s);
        }
        means.iter_mut().for_each(|m| *m /= pixels as f32);
        let layer = |(weights, bias): &(Vec<f32>, Vec<f32>), input: &[f32]| -> Vec<f32> {
            let dot = |row: &[f32]| row.iter().zip(input).map(|(w, x)| w * x).sum::<f32>();
            let rows = weights.chunks_exact(input.len()).zip(bias);
            rows.map(|(row, bias)| dot(row) + bias).collect()
        };
        let mut hidden = layer(&self.down, &means);
        hidden.iter_mut().for_each(|h| *h = h.max(0.0));
        let mut factors = layer(&self.up, &hidden);
        // Hard sigmoid, its slope as the model file has it.
        let sigmoid = |x: f32| (0.166_666_7 * x + 0.5).clamp(0.0, 1.0);
        factors.iter_mut().for_each(|f| *f = sigmoid(*f));
        factors
    }
}
