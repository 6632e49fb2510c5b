//! Decoding of image files to RGB pixels as in the reference (docs/reference.md, "Decoding
//! images").
//!
//! The format is detected from the content. Alpha is dropped, grey becomes three equal channels, of 16 bits
//! the top byte is kept, EXIF orientation is applied except for WebP. Unless pictures are to come out as in the
//! reference, `alpha` lays some on a ground, `profile` applies colour profiles, and grey TIFFs of 16 bits are scaled
//! instead of clipped.
//!
//! Of a picture that is damaged or cut off, the rows that are there are used (`partial`).
//!
//! Decoders read untrusted files: a run calls them in worker processes only. The memory for a picture is
//! computed from its header and checked before it is allocated.

mod alpha;
mod animation;
mod bare_pdf;
mod frames;
mod heic;
mod jpeg;
mod jpeg_2000;
mod partial;
mod pixels;
mod profile;
mod sun_raster;
mod unread;

pub(crate) use animation::Animation;
pub(crate) use frames::TiffFrames;

use crate::fault::{Fault, Reason};
use crate::raster::Pixels;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use jpeg::Marks;
use pixels::to_pixels;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use sun_raster::{SunHeader, decode_sun_raster};

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
    /// A GIF.
    Gif,
    /// A WebP.
    WebP,
    /// A PBM, PGM, PPM or PAM.
    Pnm,
    /// A Sun raster file.
    SunRaster,
    /// A JPEG 2000: JP2, JPX or a bare codestream.
    Jpeg2000,
    /// A HEIC; its main picture is used.
    Heic,
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
            FileKind::Jpeg2000 => "JPEG 2000",
            FileKind::Heic => "HEIC",
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
            FileKind::Pdf
            | FileKind::Tiff
            | FileKind::SunRaster
            | FileKind::Jpeg2000
            | FileKind::Heic => return None,
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
    /// The file may be in order; what is in it is not read here.
    #[error("the {format} picture is not read: {reason}. The file need not be damaged; {advice}")]
    Unread {
        /// Name of the format.
        format: &'static str,
        /// What is not read.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// It has no pixels.
    #[error("the picture has a width or a height of 0 pixels")]
    NoArea,
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
            DecodeError::Empty | DecodeError::NoArea | DecodeError::Damaged { .. } => {
                Reason::Damaged
            }
            DecodeError::UnknownKind(_)
            | DecodeError::Unsupported { .. }
            | DecodeError::Unread { .. } => Reason::Unsupported,
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

/// What is read of pictures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureOptions {
    /// Pixels as in the reference, whatever that hides: alpha is dropped, colour profiles are ignored, grey TIFFs of 16
    /// bits are clipped.
    pub as_reference: bool,
    /// Every frame of an animated GIF, PNG or WebP is a page; else its first one is the only page.
    pub all_frames: bool,
}

/// How pictures are decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecodeOptions {
    /// Limit in bytes.
    pub memory: u64,
    /// [`PictureOptions::as_reference`].
    pub as_reference: bool,
}

/// A decoded picture.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// Its pixels; missing rows are white, or those above again where rows come interlaced.
    pub pixels: Pixels,
    /// Rows that are not in the file, or cannot be read.
    pub missing_rows: usize,
}

/// A picture of which fewer than one in so many rows are there counts as damaged: nothing can be read of it, and a few
/// bytes must not make a page of the largest size.
const LEAST_ROWS: usize = 100;

/// `true` if too few rows are there for a picture.
fn are_too_few(there: usize, height: usize) -> bool {
    there.saturating_mul(LEAST_ROWS) < height.max(1)
}

impl Decoded {
    fn whole(pixels: Pixels) -> Decoded {
        Decoded {
            pixels,
            missing_rows: 0,
        }
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
    if let Some(error) = unread::recognize(&head) {
        return Err(error);
    }
    let looks_like = if std::str::from_utf8(&head[..head.len().min(200)]).is_ok() {
        "plain text"
    } else {
        "of an unknown kind"
    };
    Err(DecodeError::UnknownKind(format!(
        "the file is {looks_like}; expected a PDF, PNG, JPEG, JPEG 2000, HEIC, BMP, GIF, WebP, TIFF, PNM or Sun raster file"
    )))
}

fn sniff_bytes(head: &[u8]) -> Option<FileKind> {
    if head.windows(5).any(|w| w == b"%PDF-") {
        return Some(FileKind::Pdf);
    }
    if head.starts_with(&[0x59, 0xa6, 0x6a, 0x95]) {
        return Some(FileKind::SunRaster);
    }
    if head.starts_with(b"\0\0\0\x0cjP  ") || head.starts_with(&[0xff, 0x4f, 0xff, 0x51]) {
        return Some(FileKind::Jpeg2000);
    }
    // BigTIFF; `image` knows the small one only.
    if head.starts_with(b"II\x2b\0") || head.starts_with(b"MM\0\x2b") {
        return Some(FileKind::Tiff);
    }
    if unread::is_heic(head) {
        return Some(FileKind::Heic);
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

/// Width and height of an image other than TIFF, from its header. `memory`: limit in bytes.
pub(crate) fn picture_size(
    path: &Path,
    kind: FileKind,
    memory: u64,
) -> Result<(u64, u64), DecodeError> {
    match kind {
        FileKind::SunRaster => {
            let (width, height) = SunHeader::read(&mut BufReader::new(File::open(path)?))?.size;
            Ok((width as u64, height as u64))
        }
        FileKind::Jpeg2000 => jpeg_2000::size(path, memory),
        FileKind::Heic => heic::size(path, memory),
        _ => {
            let (width, height) = header(path, kind, u64::MAX)?.dimensions();
            Ok((width.into(), height.into()))
        }
    }
}

/// Decodes an image other than TIFF, or the first frame of an animation.
pub(crate) fn decode_picture(
    path: &Path,
    kind: FileKind,
    options: DecodeOptions,
) -> Result<Decoded, DecodeError> {
    let DecodeOptions {
        memory,
        as_reference,
    } = options;
    match kind {
        FileKind::SunRaster => return decode_sun_raster(path, memory),
        FileKind::Jpeg2000 => return jpeg_2000::decode(path, options),
        FileKind::Heic => return heic::decode(path, options),
        _ => {}
    }
    let mut decoder = header(path, kind, memory)?;
    let (width, height) = decoder.dimensions();
    check_size(width.into(), height.into())?;
    let orientation = match kind {
        FileKind::WebP => Orientation::NoTransforms,
        _ => decoder.orientation().unwrap_or(Orientation::NoTransforms),
    };
    let profile = match as_reference {
        true => None,
        false => decoder.icc_profile().unwrap_or_default(),
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
    let (mut picture, mut missing_rows) = match DynamicImage::from_decoder(decoder) {
        Ok(picture) => (picture, 0),
        Err(error) => (check_memory(decoded.saturating_mul(3), memory).ok())
            .and_then(|()| partial::decode(|| header(path, kind, memory).ok()))
            .ok_or_else(|| damaged(kind, error, memory))?,
    };
    if kind == FileKind::Jpeg {
        let marks = Marks::read(path)?;
        if missing_rows == 0 {
            missing_rows = marks.missing_rows(&mut picture, !as_reference);
        }
        if !as_reference {
            jpeg::repaint_inks(path, &marks, profile.as_deref(), &mut picture, memory);
        }
    }
    picture.apply_orientation(orientation);
    let mut pixels = to_pixels(picture, !as_reference);
    if let Some(profile) = profile {
        profile::to_srgb(&mut pixels, &profile);
    }
    Ok(Decoded {
        pixels,
        missing_rows,
    })
}

fn check_size(width: u64, height: u64) -> Result<(), DecodeError> {
    if width == 0 || height == 0 {
        return Err(DecodeError::NoArea);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_content() {
        assert_eq!(sniff_bytes(b"junk before\n%PDF-1.4"), Some(FileKind::Pdf));
        assert_eq!(sniff_bytes(b"II*\0\x08\0\0\0"), Some(FileKind::Tiff));
        assert_eq!(sniff_bytes(b"MM\0\x2b\0\x08\0\0"), Some(FileKind::Tiff));
        assert_eq!(sniff_bytes(b"\xff\x4f\xff\x51\0"), Some(FileKind::Jpeg2000));
        assert_eq!(sniff_bytes(b"GIF89a......"), Some(FileKind::Gif));
        assert_eq!(sniff_bytes(b"hello, this is text"), None);
    }
}
