//! Maps of pixels with channels last, within a border of zeros.

use super::Windows;
use crate::kernels::{Parallel, SharedBuffer};

/// A map: `[height + 2, width + 2, channels]`, the outermost pixels zero.
#[derive(Default)]
pub(super) struct Map {
    pub data: Vec<f32>,
    pub height: usize,
    pub width: usize,
    pub channels: usize,
}

impl Map {
    /// Makes room for a map. Its border becomes zero; the rest is undefined.
    pub(super) fn resize(&mut self, height: usize, width: usize, channels: usize) {
        (self.height, self.width, self.channels) = (height, width, channels);
        let line = self.line();
        let size = (height + 2) * line;
        if self.data.len() < size {
            self.data.resize(size, 0.0);
        }
        self.data[..line].fill(0.0);
        self.data[size - line..size].fill(0.0);
        for line in self.data[..size].chunks_exact_mut(line) {
            line[..channels].fill(0.0);
            let last = line.len() - channels;
            line[last..].fill(0.0);
        }
    }

    /// Floats of a line, border included.
    pub(super) fn line(&self) -> usize {
        (self.width + 2) * self.channels
    }

    /// Where a pixel begins; pixels count line by line without the border.
    pub(super) fn at(&self, pixel: usize) -> usize {
        let (y, x) = (pixel / self.width, pixel % self.width);
        (y + 1) * self.line() + (x + 1) * self.channels
    }

    /// Lines one below the other, borders included; the upper border is line 0.
    pub(super) fn lines(&self, first: usize, count: usize) -> &[f32] {
        &self.data[first * self.line()..(first + count) * self.line()]
    }

    /// Square windows at every pixel, the first of which begins `first` pixels right of and below the corner
    /// of the border.
    pub(super) fn windows(&self, side: usize, first: usize) -> Windows<'_> {
        Windows {
            data: &self.data,
            first: first * (self.line() + self.channels),
            width: self.width,
            step: self.channels,
            line: self.line(),
            runs: side,
            length: side * self.channels,
            stride: self.line(),
        }
    }

    /// Computes every line, given its number and its pixels without the border.
    pub(super) fn each_line(
        &mut self,
        parallel: Parallel<'_>,
        compute: impl Fn(usize, &mut [f32]) + Sync,
    ) {
        let size = self.width * self.channels;
        let starts: Vec<usize> = (0..self.height).map(|y| self.at(y * self.width)).collect();
        assert!(
            starts
                .last()
                .is_none_or(|last| last + size <= self.data.len())
        );
        let data = SharedBuffer(self.data.as_mut_ptr());
        parallel(self.height, &|y| {
            // SAFETY: the line lies in the map, and every job writes to its own.
            let line = unsafe { std::slice::from_raw_parts_mut(data.get().add(starts[y]), size) };
            compute(y, line);
        });
    }
}
