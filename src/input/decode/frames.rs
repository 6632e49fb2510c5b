//! Frames of TIFF files.
//!
//! The `tiff` crate reads the directories. Samples are read here, row by row, since what scanners and fax programs
//! write goes beyond what that crate decodes, and since the rows before a damage are to be kept.

mod colors;
mod compression;
mod fax;
mod layout;
mod samples;

use super::alpha;
use super::pixels::oriented;
use super::profile::{self, Inks};
use super::{
    DecodeError, DecodeOptions, Decoded, MAX_PICTURE_PIXELS, are_too_few, check_memory, check_size,
};
use crate::raster::Pixels;
use colors::Painter;
use image::metadata::Orientation;
use layout::{Colors, Layout};
use samples::Scale;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use tiff::decoder::{Decoder, Limits};

/// An open TIFF whose frames are decoded one at a time.
///
/// It remembers the offsets of the frames, so reading them in order takes constant time per frame.
pub(crate) struct TiffFrames {
    decoder: Decoder<BufReader<File>>,
    file: File,
    options: DecodeOptions,
}

impl TiffFrames {
    /// Opens the file.
    pub(crate) fn open(path: &Path, options: DecodeOptions) -> Result<Self, DecodeError> {
        let mut limits = Limits::default();
        let most = (MAX_PICTURE_PIXELS * 8).min(options.memory) as usize;
        limits.decoding_buffer_size = most;
        limits.intermediate_buffer_size = most;
        let file = File::open(path)?;
        let decoder = Decoder::new(BufReader::new(file.try_clone()?));
        let decoder = decoder.map_err(|error| damaged(error, options.memory))?;
        Ok(Self {
            decoder: decoder.with_limits(limits),
            file,
            options,
        })
    }

    /// Width and height of all frames, found by following the chain of directories. If the chain breaks, the
    /// last entry has size zero: the frame that cannot be decoded.
    pub(crate) fn sizes(&mut self) -> Vec<(u32, u32)> {
        let mut sizes = vec![self.decoder.dimensions().unwrap_or_default()];
        while self.decoder.more_images() {
            if self.decoder.next_image().is_err() {
                sizes.push((0, 0));
                break;
            }
            sizes.push(self.decoder.dimensions().unwrap_or_default());
        }
        sizes
    }

    /// Decodes a frame and applies its orientation.
    pub(crate) fn frame(&mut self, index: usize) -> Result<Decoded, DecodeError> {
        let DecodeOptions {
            memory,
            as_reference,
        } = self.options;
        let damaged = |error| damaged(error, memory);
        self.decoder.seek_to_image(index).map_err(damaged)?;
        let (width, height) = self.decoder.dimensions().map_err(damaged)?;
        check_size(width.into(), height.into())?;
        let layout = Layout::read(&mut self.decoder)?;
        let orientation = (layout.orientation)
            .and_then(|code| Orientation::from_exif(code as u8))
            .filter(|orientation| *orientation != Orientation::NoTransforms);
        let keeps_alpha = layout.alpha.is_some() && !as_reference;
        let count = u64::from(width) * u64::from(height);
        let pixel_bytes = 3 + u64::from(keeps_alpha) + if orientation.is_some() { 3 } else { 0 };
        let taken = count.saturating_mul(pixel_bytes);
        // Each plane has a row as it lies in the file, a copy of it, and a level for each sample.
        let levels = (layout.chunk.0 as u64).saturating_mul(layout.chunk_samples() as u64);
        let row = (layout.row_bytes().saturating_mul(2)).saturating_add(levels);
        let rows = row.saturating_mul(layout.planes().len() as u64);
        check_memory(taken.saturating_add(rows), memory)?;
        let rows = Rows {
            file: &self.file,
            layout: &layout,
            memory: memory - taken,
        };
        let scale = match Scale::of_layout(&layout, as_reference) {
            Some(scale) => scale,
            None => rows.scale()?,
        };
        let colors = layout.profile.as_deref().filter(|_| !as_reference);
        let inks = colors.filter(|_| layout.colors == Colors::Cmyk);
        let painter = Painter::new(&layout, scale, inks.and_then(Inks::new));
        let mut decoded = rows.paint(painter, keeps_alpha)?;
        if let Some(profile) = colors.filter(|_| layout.colors == Colors::Rgb) {
            profile::to_srgb(&mut decoded.pixels, profile);
        }
        if let Some(orientation) = orientation {
            decoded.pixels = oriented(decoded.pixels, orientation);
        }
        Ok(decoded)
    }
}

fn damaged(error: tiff::TiffError, memory: u64) -> DecodeError {
    let (format, reason) = ("TIFF", error.to_string());
    match error {
        tiff::TiffError::LimitsExceeded => DecodeError::Memory {
            needs: memory,
            memory,
        },
        tiff::TiffError::UnsupportedError(_) => DecodeError::Unsupported { format, reason },
        _ => DecodeError::Damaged { format, reason },
    }
}

/// Rows of a frame, decompressed.
struct Rows<'a> {
    file: &'a File,
    layout: &'a Layout,
    /// Bytes that decompressing a chunk may take.
    memory: u64,
}

/// Where a row of a chunk lies: the first pixel, the row, and the pixels of it that are part of the frame.
#[derive(Clone, Copy)]
struct Place {
    x: usize,
    y: usize,
    width: usize,
}

impl Rows<'_> {
    /// The scale that the frame's numbers need.
    fn scale(&self) -> Result<Scale, DecodeError> {
        let layout = self.layout;
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        self.each(|place, planes| {
            for row in planes {
                for at in 0..place.width * layout.chunk_samples() {
                    let number = samples::number(row, at, layout);
                    if number.is_finite() {
                        (low, high) = (low.min(number), high.max(number));
                    }
                }
            }
        })?;
        Ok(Scale::of_range(layout.format, low, high))
    }

    /// The frame as RGB. Missing rows are white; fails if too few are there.
    fn paint(&self, mut painter: Painter, keeps_alpha: bool) -> Result<Decoded, DecodeError> {
        let (width, height) = self.layout.size;
        let mut pixels = Pixels::white(width, height);
        let mut alpha = vec![255u8; if keeps_alpha { width * height } else { 0 }];
        let (missing_rows, reason) = self.each(|place, planes| {
            let at = place.y * width + place.x;
            let row = &mut pixels.data[at * 3..(at + place.width) * 3];
            let alpha = keeps_alpha.then(|| &mut alpha[at..at + place.width]);
            painter.paint(planes, row, alpha);
        })?;
        if are_too_few(height - missing_rows.min(height), height) {
            return Err(DecodeError::Damaged {
                format: "TIFF",
                reason,
            });
        }
        if keeps_alpha {
            let is_multiplied = self.layout.alpha.is_some_and(|(_, is)| is);
            alpha::lay_on_ground(&mut pixels, &alpha, is_multiplied);
        }
        Ok(Decoded {
            pixels,
            missing_rows,
        })
    }

    /// Calls `each` with every row of every chunk, all planes of it. Returns how many rows of the frame are missing,
    /// in whole or in part, and why the first one is.
    fn each(
        &self,
        mut each: impl FnMut(Place, &[Vec<u8>]),
    ) -> Result<(usize, String), DecodeError> {
        let layout = self.layout;
        let ((across, down), planes) = (layout.grid(), layout.planes());
        let (mut missing, mut why) = (0, String::new());
        for band in 0..down {
            let y = band * layout.chunk.1;
            let height = layout.chunk.1.min(layout.size.1 - y);
            let mut missing_here = 0;
            for column in 0..across {
                let x = column * layout.chunk.0;
                let place = Place {
                    x,
                    y,
                    width: layout.chunk.0.min(layout.size.0 - x),
                };
                let index = band * across + column;
                let indices = planes.iter().map(|plane| plane * across * down + index);
                if let Err((rows, reason)) = self.chunk(indices, place, height, &mut each)? {
                    if why.is_empty() {
                        why = reason;
                    }
                    missing_here = missing_here.max(rows);
                }
            }
            missing += missing_here;
        }
        Ok((missing, why))
    }

    /// Calls `each` with the rows of one chunk in each plane. `Ok(Err)`: so many rows are missing, for this reason.
    fn chunk(
        &self,
        indices: impl Iterator<Item = usize>,
        place: Place,
        height: usize,
        each: &mut impl FnMut(Place, &[Vec<u8>]),
    ) -> Result<Result<(), (usize, String)>, DecodeError> {
        let layout = self.layout;
        let mut readers = Vec::new();
        let indices: Vec<usize> = indices.collect();
        let share = self.memory / indices.len().max(1) as u64;
        for index in indices {
            readers.push(compression::open(self.file, layout, index, height, share)?);
        }
        let mut rows = vec![vec![0u8; layout.row_bytes() as usize]; readers.len()];
        let step = layout.subsampling.1;
        for y in (0..height).step_by(step) {
            for (reader, row) in readers.iter_mut().zip(&mut rows) {
                row.resize(layout.row_bytes() as usize, 0);
                if let Err(error) = reader.read_exact(row) {
                    return Ok(Err((height - y, error.to_string())));
                }
            }
            if layout.subsampling != (1, 1) {
                for line in 0..step.min(height - y) {
                    let row = [unshared(&rows[0], layout, line)];
                    let y = place.y + y + line;
                    each(Place { y, ..place }, &row);
                }
                continue;
            }
            for row in &mut rows {
                if let Err(reason) = samples::unpredict(row, layout) {
                    return Ok(Err((height - y, reason.into())));
                }
            }
            let y = place.y + y;
            each(Place { y, ..place }, &rows);
        }
        Ok(Ok(()))
    }
}

/// One row out of units of pixels that share their differences of colour, each with its own.
fn unshared(units: &[u8], layout: &Layout, line: usize) -> Vec<u8> {
    let (across, down) = layout.subsampling;
    let mut row = Vec::with_capacity(layout.chunk.0 * 3);
    for unit in units.chunks_exact(across * down + 2) {
        let shared = &unit[across * down..];
        for luma in &unit[line * across..][..across] {
            row.extend_from_slice(&[*luma, shared[0], shared[1]]);
        }
    }
    row
}

#[cfg(test)]
mod tests;
