//! Decoding of image files to RGB pixels as in the reference (docs/reference.md, "Decoding
//! images").
//!
//! The format is detected from the content. Alpha is dropped, grey becomes three equal channels, of 16 bits
//! the top byte is kept (TIFF grey: clipped), EXIF orientation is applied except for WebP.
//!
//! Decoders read untrusted files: a run calls them in worker processes only. The memory for a picture is
//! computed from its header and checked before it is allocated.

mod bare_pdf;
mod sun_raster;

use crate::fault::{Fault, Reason};
use crate::raster::Pixels;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use sun_raster::{SunHeader, decode_sun_raster};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

/// Pixel limit of pictures: decoded, a larger one would not fit in memory beside the pages in flight.
pub(crate) const MAX_PICTURE_PIXELS: u64 = 178_956_970;
/// Bytes examined to detect the file type; PDF allows its header within the first 1024.
const SNIFF_BYTES: usize = 1024;

/// File type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// A PDF document.
    Pdf,
    /// A TIFF; every frame is a page.
    Tiff,
    /// A PNG.
    Png,
    /// A JPEG.
    Jpeg,
    /// A Windows bitmap.
    Bmp,
    /// A GIF; only its first frame is used.
    Gif,
    /// A WebP.
    WebP,
    /// A PBM, PGM, PPM or PAM.
    Pnm,
    /// A Sun raster file.
    SunRaster,
}

impl FileKind {
    /// Name for messages.
    pub fn name(self) -> &'static str {
        match self {
            FileKind::Pdf => "PDF",
            FileKind::Tiff => "TIFF",
            FileKind::Png => "PNG",
            FileKind::Jpeg => "JPEG",
            FileKind::Bmp => "BMP",
            FileKind::Gif => "GIF",
            FileKind::WebP => "WebP",
            FileKind::Pnm => "PNM",
            FileKind::SunRaster => "Sun raster",
        }
    }

    /// The `image` crate's format, if that crate decodes it.
    fn format(self) -> Option<ImageFormat> {
        Some(match self {
            FileKind::Png => ImageFormat::Png,
            FileKind::Jpeg => ImageFormat::Jpeg,
            FileKind::Bmp => ImageFormat::Bmp,
            FileKind::Gif => ImageFormat::Gif,
            FileKind::WebP => ImageFormat::WebP,
            FileKind::Pnm => ImageFormat::Pnm,
            FileKind::Pdf | FileKind::Tiff | FileKind::SunRaster => return None,
        })
    }
}

/// Reason why an image file cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It cannot be opened or read.
    #[error("cannot read the file: {0}")]
    Io(#[from] std::io::Error),
    /// The file is empty.
    #[error("the file is empty")]
    Empty,
    /// Unknown file type.
    #[error("{0}")]
    UnknownKind(String),
    /// The decoder failed.
    #[error("the {format} picture is damaged or cut off: {reason}")]
    Damaged {
        /// Name of the format.
        format: &'static str,
        /// Message of the decoder.
        reason: String,
    },
    /// The decoder has no way to read what the file holds. (Decoders cannot always tell that from damage, so it is told alike.)
    #[error("the {format} picture is damaged or cut off: {reason}")]
    Unsupported {
        /// Name of the format.
        format: &'static str,
        /// Message of the decoder.
        reason: String,
    },
    /// It exceeds the pixel limit.
    #[error(
        "the picture has {width}x{height} pixels, more than the limit of {MAX_PICTURE_PIXELS}; scale it down first"
    )]
    TooLarge {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
    },
    /// Decoding it takes too much memory.
    #[error("the picture takes {} MB to be decoded, more than the {} MB that it may", .needs >> 20, .memory >> 20)]
    Memory {
        /// Bytes that it takes.
        needs: u64,
        /// The limit in bytes.
        memory: u64,
    },
}

impl DecodeError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            DecodeError::Io(error) => error.into(),
            DecodeError::Empty | DecodeError::Damaged { .. } => Reason::Damaged,
            DecodeError::UnknownKind(_) | DecodeError::Unsupported { .. } => Reason::Unsupported,
            DecodeError::TooLarge { .. } => Reason::TooLarge,
            DecodeError::Memory { .. } => Reason::OutOfMemory,
        }
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Fault {
        Fault::new(error.reason(), error.to_string())
    }
}

/// Detects the file type from the first bytes; of a PDF without header, also from the last ones.
pub(crate) fn sniff(path: &Path) -> Result<FileKind, DecodeError> {
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    File::open(path)?
        .take(SNIFF_BYTES as u64)
        .read_to_end(&mut head)?;
    if let Some(kind) = sniff_bytes(&head) {
        return Ok(kind);
    }
    if head.is_empty() {
        return Err(DecodeError::Empty);
    }
    if bare_pdf::is_bare_pdf(path)? {
        return Ok(FileKind::Pdf);
    }
    let looks_like = if std::str::from_utf8(&head[..head.len().min(200)]).is_ok() {
        "plain text"
    } else {
        "of an unknown kind"
    };
    Err(DecodeError::UnknownKind(format!(
        "the file is {looks_like}; expected a PDF, PNG, JPEG, BMP, GIF, WebP, TIFF, PNM or Sun raster file"
    )))
}

fn sniff_bytes(head: &[u8]) -> Option<FileKind> {
    if head.windows(5).any(|w| w == b"%PDF-") {
        return Some(FileKind::Pdf);
    }
    if head.starts_with(&[0x59, 0xa6, 0x6a, 0x95]) {
        return Some(FileKind::SunRaster);
    }
    Some(match image::guess_format(head).ok()? {
        ImageFormat::Tiff => FileKind::Tiff,
        ImageFormat::Png => FileKind::Png,
        ImageFormat::Jpeg => FileKind::Jpeg,
        ImageFormat::Bmp => FileKind::Bmp,
        ImageFormat::Gif => FileKind::Gif,
        ImageFormat::WebP => FileKind::WebP,
        ImageFormat::Pnm => FileKind::Pnm,
        _ => return None,
    })
}

/// A decoder that has read the header of an image.
fn header(path: &Path, kind: FileKind, memory: u64) -> Result<impl ImageDecoder, DecodeError> {
    let Some(format) = kind.format() else {
        return Err(DecodeError::UnknownKind(format!(
            "a {} has no decoder here",
            kind.name()
        )));
    };
    let mut reader = ImageReader::new(BufReader::new(File::open(path)?));
    reader.set_format(format);
    let mut limits = image::Limits::no_limits();
    limits.max_alloc = Some(memory);
    reader.limits(limits);
    reader
        .into_decoder()
        .map_err(|error| damaged(kind, error, memory))
}

fn damaged(kind: FileKind, error: ImageError, memory: u64) -> DecodeError {
    match error {
        ImageError::Limits(_) => DecodeError::Memory {
            needs: memory,
            memory,
        },
        ImageError::Unsupported(_) => DecodeError::Unsupported {
            format: kind.name(),
            reason: error.to_string(),
        },
        error => DecodeError::Damaged {
            format: kind.name(),
            reason: error.to_string(),
        },
    }
}

/// Width and height of an image other than TIFF, from its header.
pub(crate) fn picture_size(path: &Path, kind: FileKind) -> Result<(u64, u64), DecodeError> {
    if kind == FileKind::SunRaster {
        let (width, height) = SunHeader::read(&mut BufReader::new(File::open(path)?))?.size;
        return Ok((width as u64, height as u64));
    }
    let (width, height) = header(path, kind, u64::MAX)?.dimensions();
    Ok((width.into(), height.into()))
}

/// Decodes an image other than TIFF, or the first frame of an animation. `memory`: limit in bytes.
pub(crate) fn decode_picture(
    path: &Path,
    kind: FileKind,
    memory: u64,
) -> Result<Pixels, DecodeError> {
    if kind == FileKind::SunRaster {
        return decode_sun_raster(path, memory);
    }
    let mut decoder = header(path, kind, memory)?;
    let (width, height) = decoder.dimensions();
    check_size(width.into(), height.into())?;
    let orientation = match kind {
        FileKind::WebP => Orientation::NoTransforms,
        _ => decoder.orientation().unwrap_or(Orientation::NoTransforms),
    };
    let rgb = u64::from(width) * u64::from(height) * 3;
    let decoded = decoder.total_bytes();
    let beside = match decoder.color_type() {
        // The WebP decoder keeps a copy of four bytes per pixel.
        _ if kind == FileKind::WebP => rgb / 3 * 4,
        _ if orientation != Orientation::NoTransforms => decoded.max(rgb), // turned into a copy
        image::ColorType::Rgb8 | image::ColorType::Rgba8 => 0,
        _ => rgb,
    };
    check_memory(decoded.saturating_add(beside), memory)?;
    let mut picture =
        DynamicImage::from_decoder(decoder).map_err(|error| damaged(kind, error, memory))?;
    picture.apply_orientation(orientation);
    Ok(to_pixels(picture))
}

fn check_size(width: u64, height: u64) -> Result<(), DecodeError> {
    if width.saturating_mul(height) > MAX_PICTURE_PIXELS {
        return Err(DecodeError::TooLarge { width, height });
    }
    Ok(())
}

fn check_memory(needs: u64, memory: u64) -> Result<(), DecodeError> {
    if needs > memory {
        return Err(DecodeError::Memory { needs, memory });
    }
    Ok(())
}

/// Drops alpha and the low byte of 16-bit channels.
fn to_pixels(picture: DynamicImage) -> Pixels {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let data = match picture {
        DynamicImage::ImageRgb8(p) => p.into_raw(),
        DynamicImage::ImageLuma8(p) => colors(p.iter().map(|v| [*v; 3]), width * height),
        DynamicImage::ImageLumaA8(p) => colors(p.pixels().map(|v| [v.0[0]; 3]), width * height),
        DynamicImage::ImageRgba8(p) => without_alpha(p.into_raw()),
        DynamicImage::ImageLuma16(p) => {
            colors(p.iter().map(|v| [(v >> 8) as u8; 3]), width * height)
        }
        DynamicImage::ImageLumaA16(p) => {
            colors(p.pixels().map(|v| [(v.0[0] >> 8) as u8; 3]), width * height)
        }
        DynamicImage::ImageRgb16(p) => p.iter().map(|v| (v >> 8) as u8).collect(),
        DynamicImage::ImageRgba16(p) => {
            let color = |v: [u16; 4]| [v[0], v[1], v[2]].map(|c| (c >> 8) as u8);
            colors(p.pixels().map(|v| color(v.0)), width * height)
        }
        other => other.into_rgb8().into_raw(),
    };
    Pixels {
        width,
        height,
        data,
    }
}

/// The bytes of `count` colours, in an allocation of exactly that size: a growing vector could take twice as
/// much.
fn colors(pixels: impl Iterator<Item = [u8; 3]>, count: usize) -> Vec<u8> {
    let mut data = Vec::with_capacity(count * 3);
    pixels.for_each(|color| data.extend_from_slice(&color));
    data
}

/// RGB from RGBA pixels, in place.
fn without_alpha(mut data: Vec<u8>) -> Vec<u8> {
    let count = data.len() / 4;
    (1..count).for_each(|i| data.copy_within(i * 4..i * 4 + 3, i * 3));
    data.truncate(count * 3);
    data.shrink_to_fit();
    data
}

/// An open TIFF whose frames are decoded one at a time.
///
/// It remembers the offsets of the frames, so reading them in order takes constant time per frame.
pub(crate) struct TiffFrames {
    decoder: Decoder<BufReader<File>>,
    memory: u64,
}

impl TiffFrames {
    /// Opens the file; `memory`: limit in bytes for decoding a frame.
    pub(crate) fn open(path: &Path, memory: u64) -> Result<Self, DecodeError> {
        let mut limits = Limits::default();
        let most = (MAX_PICTURE_PIXELS * 8).min(memory) as usize;
        limits.decoding_buffer_size = most;
        limits.intermediate_buffer_size = most;
        let decoder = Decoder::new(BufReader::new(File::open(path)?));
        let decoder = decoder.map_err(|error| tiff_damaged(error, memory))?;
        Ok(Self {
            decoder: decoder.with_limits(limits),
            memory,
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
    pub(crate) fn frame(&mut self, index: usize) -> Result<Pixels, DecodeError> {
        let memory = self.memory;
        let tiff_damaged = |error| tiff_damaged(error, memory);
        self.decoder.seek_to_image(index).map_err(tiff_damaged)?;
        let (width, height) = self.decoder.dimensions().map_err(tiff_damaged)?;
        check_size(width.into(), height.into())?;
        let color = self.decoder.colortype().map_err(tiff_damaged)?;
        let orientation = self.decoder.get_tag_u32(Tag::Orientation).ok();
        let planar = self.decoder.get_tag_u32(Tag::PlanarConfiguration).ok() == Some(2);
        let sample_bytes = u64::from(color.bit_depth()).div_ceil(8);
        let pixel_bytes = u64::from(color.num_samples()) * sample_bytes;
        let turned = if orientation.is_some_and(|o| o > 1) {
            3
        } else {
            0
        };
        let count = u64::from(width) * u64::from(height);
        check_memory(count.saturating_mul(pixel_bytes + 3 + turned), memory)?;
        let data = match self.decoder.read_image().map_err(tiff_damaged)? {
            DecodingResult::U8(v) => v,
            DecodingResult::U16(v) if color.num_samples() == 1 => {
                v.into_iter().map(|v| v.min(255) as u8).collect()
            }
            DecodingResult::U16(v) => v.into_iter().map(|v| (v >> 8) as u8).collect(),
            _ => {
                return Err(DecodeError::Unsupported {
                    format: "TIFF",
                    reason: "unsupported kind of samples".into(),
                });
            }
        };
        let (width, height) = (width as usize, height as usize);
        let data = tiff_rgb(&data, width, height, color, planar)?;
        Ok(oriented(
            Pixels {
                width,
                height,
                data,
            },
            orientation.and_then(|o| Orientation::from_exif(o as u8)),
        ))
    }
}

fn tiff_damaged(error: tiff::TiffError, memory: u64) -> DecodeError {
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

/// Samples of any supported colour type as RGB.
fn tiff_rgb(
    data: &[u8],
    width: usize,
    height: usize,
    color: tiff::ColorType,
    planar: bool,
) -> Result<Vec<u8>, DecodeError> {
    use tiff::ColorType::*;
    let count = width * height;
    let unsupported = || DecodeError::Unsupported {
        format: "TIFF",
        reason: format!("unsupported colour type {color:?}"),
    };
    let samples = color.num_samples() as usize;
    let rgb = match color {
        Gray(bits) if bits < 8 => {
            // Rows of packed samples, the first in the high bits.
            let (bits, per_byte) = (bits as usize, 8 / bits as usize);
            let stride = width.div_ceil(per_byte);
            let top = (1u32 << bits) - 1;
            let places = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
            let color = |(y, x): (usize, usize)| {
                let byte = data.get(y * stride + x / per_byte).copied().unwrap_or(0) as u32;
                let value = byte >> (8 - bits * (x % per_byte + 1)) & top;
                [(value * 255 / top) as u8; 3]
            };
            colors(places.map(color), count)
        }
        _ if data.len() < count * samples => return Err(unsupported()),
        Gray(_) => colors(data.iter().take(count).map(|v| [*v; 3]), count),
        GrayA(_) => colors(data.chunks_exact(2).take(count).map(|v| [v[0]; 3]), count),
        RGB(_) | RGBA(_) if planar => colors(
            (0..count).map(|i| [data[i], data[count + i], data[2 * count + i]]),
            count,
        ),
        RGB(_) | RGBA(_) => colors(
            data.chunks_exact(samples)
                .take(count)
                .map(|v| [v[0], v[1], v[2]]),
            count,
        ),
        CMYK(_) => {
            let ink = |v: &[u8], c: usize| {
                (((255 - v[c] as u32) * (255 - v[3] as u32) + 127) / 255) as u8
            };
            colors(
                data.chunks_exact(4)
                    .take(count)
                    .map(|v| [0, 1, 2].map(|c| ink(v, c))),
                count,
            )
        }
        Palette(_) => return Err(unsupported()),
        _ => return Err(unsupported()),
    };
    Ok(rgb)
}

fn oriented(pixels: Pixels, orientation: Option<Orientation>) -> Pixels {
    let Some(orientation) = orientation.filter(|o| *o != Orientation::NoTransforms) else {
        return pixels;
    };
    let (width, height) = (pixels.width as u32, pixels.height as u32);
    match image::RgbImage::from_raw(width, height, pixels.data) {
        Some(buffer) => {
            let mut picture = DynamicImage::ImageRgb8(buffer);
            picture.apply_orientation(orientation);
            to_pixels(picture)
        }
        None => Pixels::white(width as usize, height as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_content() {
        assert_eq!(sniff_bytes(b"junk before\n%PDF-1.4"), Some(FileKind::Pdf));
        assert_eq!(sniff_bytes(b"II*\0\x08\0\0\0"), Some(FileKind::Tiff));
        assert_eq!(sniff_bytes(b"GIF89a......"), Some(FileKind::Gif));
        assert_eq!(sniff_bytes(b"hello, this is text"), None);
    }

    #[test]
    fn alpha_is_dropped_in_place() {
        assert_eq!(
            without_alpha(vec![1, 2, 3, 9, 4, 5, 6, 9, 7, 8, 9, 9]),
            [1, 2, 3, 4, 5, 6, 7, 8, 9]
        );
        assert!(without_alpha(Vec::new()).is_empty());
    }

    #[test]
    fn packed_bilevel_rows_start_on_bytes() {
        let rgb = tiff_rgb(
            &[0b1000_0000, 0b0100_0000],
            2,
            2,
            tiff::ColorType::Gray(1),
            false,
        )
        .unwrap();
        assert_eq!(rgb, [[255; 3], [0; 3], [0; 3], [255; 3]].concat());
    }
}
