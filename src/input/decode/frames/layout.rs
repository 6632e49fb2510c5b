//! What the tags of a TIFF frame say about where its samples lie and what they mean.

use super::super::DecodeError;
use super::compression::Compression;
use std::fs::File;
use std::io::BufReader;
use tiff::decoder::Decoder;
use tiff::decoder::ifd::Value;
use tiff::tags::{ByteOrder, PhotometricInterpretation, Predictor, SampleFormat, Tag};

/// Most bits of a sample.
const MAX_BITS: u32 = 64;
/// TIFF 6.0 (1992), section 21: the weights of red, green and blue in luma where the tag is missing (ITU-R BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// The numbers that samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Unsigned,
    Signed,
    Float,
}

/// What the samples of a pixel mean.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Colors {
    /// Grey; `is_inverted`: 0 is white.
    Gray { is_inverted: bool },
    /// Red, green, blue.
    Rgb,
    /// Numbers of colours in a list.
    Palette(Vec<[u8; 3]>),
    /// Cyan, magenta, yellow, black.
    Cmyk,
    /// Luma and two differences of colour, with the weights of red, green and blue in luma.
    YCbCr([f32; 3]),
    /// L*a*b*; `is_offset`: a* and b* are stored with 128 added, else as signed numbers.
    Lab { is_offset: bool },
}

impl Colors {
    /// Samples of a pixel that carry its colour.
    pub(super) fn samples(&self) -> usize {
        match self {
            Colors::Gray { .. } | Colors::Palette(_) => 1,
            Colors::Rgb | Colors::YCbCr(_) | Colors::Lab { .. } => 3,
            Colors::Cmyk => 4,
        }
    }
}

/// Where a frame's samples lie and what they mean.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    /// Width and height in pixels.
    pub(super) size: (usize, usize),
    /// Bits of a sample.
    pub(super) bits: u32,
    /// Samples of a pixel, those beside its colour included.
    pub(super) samples: usize,
    pub(super) format: Format,
    pub(super) colors: Colors,
    pub(super) compression: Compression,
    pub(super) predictor: Predictor,
    /// Each sample of the pixels has its own chunks.
    pub(super) is_planar: bool,
    /// The first pixel of a byte lies in its lowest bits.
    pub(super) is_reversed: bool,
    pub(super) is_big_endian: bool,
    /// Width and height of a chunk in pixels: a tile, or a strip as wide as the frame.
    pub(super) chunk: (usize, usize),
    /// Offset and length in bytes of each chunk.
    pub(super) places: Vec<(u64, u64)>,
    /// The sample that is alpha, and whether the colours are multiplied by it already.
    pub(super) alpha: Option<(usize, bool)>,
    /// Pixels that share one sample of each difference of colour, across and down; (1, 1) if none do.
    pub(super) subsampling: (usize, usize),
    /// Options of CCITT Group 3.
    pub(super) fax_options: u32,
    /// Tables that all JPEG chunks share.
    pub(super) jpeg_tables: Vec<u8>,
    /// The colour profile.
    pub(super) profile: Option<Vec<u8>>,
    /// The orientation, as in EXIF.
    pub(super) orientation: Option<u32>,
}

impl Layout {
    /// Reads the tags of the frame that `decoder` is at.
    pub(super) fn read(decoder: &mut Decoder<BufReader<File>>) -> Result<Layout, DecodeError> {
        let (width, height) = decoder.dimensions().map_err(damaged)?;
        let size = (width as usize, height as usize);
        let samples = number(decoder, Tag::SamplesPerPixel, 1)?.max(1) as usize;
        let bits = numbers(decoder, Tag::BitsPerSample)?
            .first()
            .copied()
            .unwrap_or(1);
        if bits > MAX_BITS {
            return Err(unsupported(format!("{bits} bits a sample")));
        }
        let format = match numbers(decoder, Tag::SampleFormat)?.first() {
            None => Format::Unsigned,
            Some(&code) => match SampleFormat::from_u16_exhaustive(code as u16) {
                SampleFormat::Uint | SampleFormat::Void => Format::Unsigned,
                SampleFormat::Int => Format::Signed,
                SampleFormat::IEEEFP => Format::Float,
                _ => return Err(unsupported(format!("samples of kind {code}"))),
            },
        };
        if format == Format::Float && !matches!(bits, 16 | 32 | 64)
            || format == Format::Signed && !matches!(bits, 8 | 16 | 32)
        {
            return Err(unsupported(format!(
                "samples of kind {format:?} of {bits} bits"
            )));
        }
        let code = number(decoder, Tag::Compression, 1)?;
        let compression = Compression::of(code)
            .ok_or_else(|| unsupported(format!("compression {code}{}", named(code))))?;
        let colors = colors(decoder, bits)?;
        if samples < colors.samples() {
            return Err(damaged("a pixel has too few samples for its colour"));
        }
        let alpha = alpha(decoder, &colors, samples)?;
        let is_planar = number(decoder, Tag::PlanarConfiguration, 1)? == 2 && samples > 1;
        let subsampling = match (&colors, compression) {
            // JPEG's decoder brings all pixels their colour.
            (Colors::YCbCr(_), Compression::Jpeg) => (1, 1),
            (Colors::YCbCr(_), _) => match numbers(decoder, Tag::ChromaSubsampling)?.as_slice() {
                [] => (2, 2),
                [across @ (1 | 2 | 4), down @ (1 | 2 | 4)] => (*across as usize, *down as usize),
                other => return Err(unsupported(format!("subsampling {other:?}"))),
            },
            _ => (1, 1),
        };
        if subsampling != (1, 1) && (is_planar || bits != 8 || samples != 3) {
            return Err(unsupported("subsampling of such samples".into()));
        }
        let is_tiled = decoder.get_chunk_type() == tiff::decoder::ChunkType::Tile;
        let (chunk_width, chunk_height) = decoder.chunk_dimensions();
        let chunk = match is_tiled {
            true => (chunk_width as usize, chunk_height as usize),
            false => (size.0, (chunk_height as usize).min(size.1)),
        };
        let (offsets, lengths) = match is_tiled {
            true => (Tag::TileOffsets, Tag::TileByteCounts),
            false => (Tag::StripOffsets, Tag::StripByteCounts),
        };
        let offsets = decoder.get_tag_u64_vec(offsets).map_err(damaged)?;
        let lengths = decoder.get_tag_u64_vec(lengths).map_err(damaged)?;
        let predictor = number(decoder, Tag::Predictor, 1)? as u16;
        let profile = decoder.get_tag_u8_vec(Tag::IccProfile).ok();
        Ok(Layout {
            size,
            bits,
            samples,
            format,
            colors,
            compression,
            predictor: Predictor::from_u16(predictor)
                .ok_or_else(|| unsupported(format!("predictor {predictor}")))?,
            is_planar,
            is_reversed: number(decoder, Tag::FillOrder, 1)? == 2,
            is_big_endian: decoder.byte_order() == ByteOrder::BigEndian,
            chunk,
            places: offsets.into_iter().zip(lengths).collect(),
            alpha,
            subsampling,
            fax_options: number(decoder, Tag::Unknown(292), 0)?,
            jpeg_tables: match compression {
                Compression::Jpeg => decoder.get_tag_u8_vec(Tag::JPEGTables).unwrap_or_default(),
                _ => Vec::new(),
            },
            profile,
            orientation: decoder.get_tag_u32(Tag::Orientation).ok(),
        })
    }

    /// Samples of a pixel that lie together in a chunk.
    pub(super) fn chunk_samples(&self) -> usize {
        if self.is_planar { 1 } else { self.samples }
    }

    /// The planes that are read: those of the colour and of alpha, or the one that holds all samples.
    pub(super) fn planes(&self) -> Vec<usize> {
        match self.is_planar {
            false => vec![0],
            true => (0..self.colors.samples())
                .chain(self.alpha.map(|(sample, _)| sample))
                .collect(),
        }
    }

    /// Chunks side by side, and below each other.
    pub(super) fn grid(&self) -> (usize, usize) {
        (
            self.size.0.div_ceil(self.chunk.0),
            self.size.1.div_ceil(self.chunk.1),
        )
    }

    /// Bytes of a row of a chunk; of as many rows as share differences of colour, if some do.
    pub(super) fn row_bytes(&self) -> u64 {
        let (across, down) = self.subsampling;
        if self.subsampling != (1, 1) {
            return self.chunk.0.div_ceil(across) as u64 * (across * down + 2) as u64;
        }
        let bits = u64::from(self.bits) * self.chunk_samples() as u64;
        (self.chunk.0 as u64).saturating_mul(bits).div_ceil(8)
    }
}

fn colors(decoder: &mut Decoder<BufReader<File>>, bits: u32) -> Result<Colors, DecodeError> {
    use PhotometricInterpretation::*;
    let code = number(decoder, Tag::PhotometricInterpretation, 1)? as u16;
    Ok(match PhotometricInterpretation::from_u16(code) {
        Some(WhiteIsZero) => Colors::Gray { is_inverted: true },
        Some(BlackIsZero | TransparencyMask) => Colors::Gray { is_inverted: false },
        Some(RGB) => Colors::Rgb,
        Some(RGBPalette) => Colors::Palette(palette(decoder, bits)?),
        Some(CMYK) => Colors::Cmyk,
        Some(YCbCr) => Colors::YCbCr(luma(decoder)),
        Some(CIELab) => Colors::Lab { is_offset: false },
        Some(IccLab) => Colors::Lab { is_offset: true },
        _ => return Err(unsupported(format!("colours of kind {code}"))),
    })
}

/// The colours of the list: all reds, all greens, all blues, of 16 bits.
fn palette(decoder: &mut Decoder<BufReader<File>>, bits: u32) -> Result<Vec<[u8; 3]>, DecodeError> {
    if bits > 16 {
        return Err(unsupported(format!("a list of colours for {bits} bits")));
    }
    let map = decoder.get_tag_u16_vec(Tag::ColorMap).map_err(damaged)?;
    let count = map.len() / 3;
    // Some writers store 8 bits; libtiff recognizes that in the same way.
    let shift = if map.iter().all(|value| *value < 256) {
        0
    } else {
        8
    };
    let value = |at: usize| (map[at] >> shift) as u8;
    Ok((0..count)
        .map(|i| [value(i), value(count + i), value(2 * count + i)])
        .collect())
}

fn luma(decoder: &mut Decoder<BufReader<File>>) -> [f32; 3] {
    let Ok(Some(Value::List(values))) = decoder.find_tag(Tag::Unknown(529)) else {
        return LUMA;
    };
    let weight = |value: &Value| match value {
        Value::Rational(over, under) => *over as f32 / *under as f32,
        Value::Float(value) => *value,
        _ => f32::NAN,
    };
    match values.iter().map(weight).collect::<Vec<f32>>().as_slice() {
        // Green's weight is divided by.
        [red, green, blue] if *green > 0.01 && red.is_finite() && blue.is_finite() => {
            [*red, *green, *blue]
        }
        _ => LUMA,
    }
}

/// The sample that is alpha, and whether the colours are multiplied by it.
fn alpha(
    decoder: &mut Decoder<BufReader<File>>,
    colors: &Colors,
    samples: usize,
) -> Result<Option<(usize, bool)>, DecodeError> {
    let first = colors.samples();
    let kinds = numbers(decoder, Tag::ExtraSamples)?;
    let found = kinds.iter().position(|kind| matches!(kind, 1 | 2));
    Ok(found
        .map(|at| (first + at, kinds[at] == 1))
        .filter(|(sample, _)| *sample < samples))
}

fn number(
    decoder: &mut Decoder<BufReader<File>>,
    tag: Tag,
    default: u32,
) -> Result<u32, DecodeError> {
    let found = decoder.find_tag_unsigned(tag).map_err(damaged)?;
    Ok(found.unwrap_or(default))
}

fn numbers(decoder: &mut Decoder<BufReader<File>>, tag: Tag) -> Result<Vec<u32>, DecodeError> {
    let found = decoder.find_tag_unsigned_vec(tag).map_err(damaged)?;
    Ok(found.unwrap_or_default())
}

fn damaged(reason: impl ToString) -> DecodeError {
    DecodeError::Damaged {
        format: "TIFF",
        reason: reason.to_string(),
    }
}

fn unsupported(reason: String) -> DecodeError {
    DecodeError::Unread {
        format: "TIFF",
        reason,
        advice: "convert it with `tiffcp -c none IN OUT` or ImageMagick first",
    }
}

/// Names of compressions that are not read.
fn named(code: u32) -> &'static str {
    match code {
        6 => " (JPEG of TIFF 6.0)",
        33003 | 33005 | 34712 => " (JPEG 2000)",
        34676 | 34677 => " (SGI LogLuv)",
        34887 => " (LERC)",
        50001 => " (WebP)",
        50002 | 52546 => " (JPEG XL)",
        _ => "",
    }
}
