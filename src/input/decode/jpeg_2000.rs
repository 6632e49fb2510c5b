//! JPEG 2000: JP2 and JPX files, and bare codestreams.

use super::pixels::to_pixels;
use super::profile::{self, Inks};
use super::{DecodeError, DecodeOptions, Decoded, FileKind, check_memory, check_size};
use crate::raster::Pixels;
use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image};
use image::DynamicImage;
use std::path::Path;

/// Bytes that decoding takes for each sample: 8 measured of three, 15 of one.
const SAMPLE_BYTES: u64 = 16;

/// Most tiles of a codestream (ISO/IEC 15444-1, A.4.2: their numbers have 16 bits).
const MAX_TILES: u64 = 65535;

/// Width and height in pixels.
pub(super) fn size(path: &Path, memory: u64) -> Result<(u64, u64), DecodeError> {
    let data = read(path, memory)?;
    let image = parse(&data)?;
    Ok((image.width().into(), image.height().into()))
}

/// Decodes a picture. Where it is cut off, what is missing is less sharp.
pub(super) fn decode(path: &Path, options: DecodeOptions) -> Result<Decoded, DecodeError> {
    let data = read(path, options.memory)?;
    let image = parse(&data)?;
    let (width, height) = (image.width(), image.height());
    let count = u64::from(width) * u64::from(height);
    check_size(width.into(), height.into())?;
    let space = image.color_space().clone();
    let samples = u64::from(space.num_channels()) + u64::from(image.has_alpha());
    let needs = count.saturating_mul(samples).saturating_mul(SAMPLE_BYTES);
    check_memory(needs.saturating_add(data.len() as u64), options.memory)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(damaged)?;
    let is_whole = (decoded.components().iter()).all(|c| c.samples().len() as u64 == count);
    if !is_whole || decoded.components().len() as u64 != samples {
        return Err(damaged("its components have different sizes"));
    }
    let bytes = decoded.data_u8();
    drop(context);
    let profile = match &space {
        ColorSpace::Icc { profile, .. } if !options.as_reference => Some(profile.as_slice()),
        _ => None,
    };
    let mut pixels = match space.num_channels() {
        1 | 3 => {
            let picture = match samples {
                1 => image::GrayImage::from_raw(width, height, bytes).map(DynamicImage::ImageLuma8),
                2 => image::ImageBuffer::from_raw(width, height, bytes)
                    .map(DynamicImage::ImageLumaA8),
                3 => image::RgbImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgb8),
                _ => image::RgbaImage::from_raw(width, height, bytes).map(DynamicImage::ImageRgba8),
            };
            let picture = picture.ok_or_else(|| damaged("it has too few samples"))?;
            to_pixels(picture, !options.as_reference)
        }
        4 => from_inks(
            &bytes,
            (width as usize, height as usize),
            samples as usize,
            profile,
        ),
        channels => {
            return Err(DecodeError::Unsupported {
                format: FileKind::Jpeg2000.name(),
                reason: format!("colours of {channels} channels"),
            });
        }
    };
    if let Some(profile) = profile.filter(|_| space.num_channels() == 3) {
        profile::to_srgb(&mut pixels, profile);
    }
    Ok(Decoded::whole(pixels))
}

/// Pixels of cyan, magenta, yellow and black.
fn from_inks(
    bytes: &[u8],
    (width, height): (usize, usize),
    samples: usize,
    profile: Option<&[u8]>,
) -> Pixels {
    let inks = profile.and_then(Inks::new);
    let mut pixels = Pixels::white(width, height);
    for (pixel, ink) in (pixels.data.chunks_exact_mut(3)).zip(bytes.chunks_exact(samples)) {
        let is_converted = inks
            .as_ref()
            .is_some_and(|inks| inks.to_srgb(&ink[..4], pixel));
        if !is_converted {
            pixel.copy_from_slice(&profile::plain_inks(&ink[..4]));
        }
    }
    pixels
}

fn read(path: &Path, memory: u64) -> Result<Vec<u8>, DecodeError> {
    check_memory(std::fs::metadata(path)?.len(), memory)?;
    Ok(std::fs::read(path)?)
}

/// Parses a file. The decoder makes room for every tile that the header promises, however small; the codestream can only
/// number so many.
fn parse(data: &[u8]) -> Result<Image<'_>, DecodeError> {
    let starts = data.windows(4).enumerate();
    let starts = starts.filter(|(_, bytes)| *bytes == [0xff, 0x4f, 0xff, 0x51]);
    if starts
        .into_iter()
        .any(|(at, _)| tiles(&data[at..]) > MAX_TILES)
    {
        return Err(damaged("it has more tiles than there are numbers for"));
    }
    Image::new(data, &DecodeSettings::default()).map_err(damaged)
}

/// Tiles that a codestream's header promises; 0 if it is cut off (ISO/IEC 15444-1, A.5.1).
fn tiles(stream: &[u8]) -> u64 {
    let word = |i: usize| {
        let bytes = stream.get(8 + i * 4..12 + i * 4)?;
        Some(u64::from(u32::from_be_bytes(bytes.try_into().ok()?)))
    };
    // Ends of the picture, its offset, the size of a tile, the offset of the tiles; each across and down.
    let along = |i: usize| {
        let (end, size, offset) = (word(i)?, word(4 + i)?, word(6 + i)?);
        Some(end.saturating_sub(offset).div_ceil(size.max(1)))
    };
    let across_and_down = along(0).zip(along(1));
    across_and_down.map_or(0, |(across, down)| across.saturating_mul(down))
}

fn damaged(reason: impl ToString) -> DecodeError {
    DecodeError::Damaged {
        format: FileKind::Jpeg2000.name(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_that_nothing_can_number_are_refused() {
        let head = |width: u32, tile: u32| {
            let mut head = vec![0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0];
            for word in [width, width, 0, 0, tile, tile, 0, 0] {
                head.extend(word.to_be_bytes());
            }
            head
        };
        assert_eq!(tiles(&head(5000, 1)), 25_000_000);
        assert_eq!(tiles(&head(5000, 0)), 25_000_000);
        assert_eq!(tiles(&head(5000, 4096)), 4);
        assert_eq!(tiles(&head(5000, 1)[..20]), 0);
        let error = parse(&head(5000, 1)).err().unwrap().to_string();
        assert!(error.contains("more tiles"), "{error}");
    }
}
