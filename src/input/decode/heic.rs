//! HEIC: still pictures compressed as HEVC, as phones take them.
//!
//! The container's own turns and crops are applied; the orientation in its EXIF data repeats them and is not.

use super::pixels::to_pixels;
use super::{DecodeError, DecodeOptions, Decoded, FileKind, check_memory, check_size, profile};
use heic_decoder::{HeifError, ImageInfo};
use image::DynamicImage;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::path::Path;

/// Bytes that decoding takes for each sample: 8 measured of a single picture; of a grid, the parts lie beside the whole.
const SAMPLE_BYTES: u64 = 14;

/// Width and height in pixels.
pub(super) fn size(path: &Path, memory: u64) -> Result<(u64, u64), DecodeError> {
    let info = probe(&read(path, memory)?)?;
    Ok((info.width as u64, info.height as u64))
}

/// Decodes the picture, or the first one of several.
pub(super) fn decode(path: &Path, options: DecodeOptions) -> Result<Decoded, DecodeError> {
    let data = read(path, options.memory)?;
    let info = probe(&data)?;
    check_size(info.coded_width as u64, info.coded_height as u64)?;
    let count = info.coded_width as u64 * info.coded_height as u64;
    // Halves of a sample: luma, and both differences of colour.
    let halves = match info.chroma_format_idc {
        0 => 2,
        1 => 3,
        2 => 4,
        _ => 6,
    } + if info.alpha_bit_depth.is_some() { 2 } else { 0 };
    let needs = count.saturating_mul(halves * SAMPLE_BYTES / 2);
    check_memory(needs.saturating_add(data.len() as u64), options.memory)?;
    // One thread: the process has little address space, and pages are read side by side.
    let pool = one_thread().map_err(|error| damaged(HeifError::Unsupported(error)))?;
    let (picture, color) = pool
        .install(|| {
            let image = heic_decoder::decode(&data)?;
            let picture = match image.alpha.is_some() && !options.as_reference {
                true => {
                    let rgba = image.to_rgba8()?;
                    let (width, height) = (rgba.width as u32, rgba.height as u32);
                    image::RgbaImage::from_raw(width, height, rgba.data)
                        .map(DynamicImage::ImageRgba8)
                }
                false => {
                    let rgb = image.to_rgb8()?;
                    let (width, height) = (rgb.width as u32, rgb.height as u32);
                    image::RgbImage::from_raw(width, height, rgb.data).map(DynamicImage::ImageRgb8)
                }
            };
            let picture = picture.ok_or(HeifError::MalformedHevc("it has too few samples"))?;
            Ok((picture, image.metadata.icc_profile))
        })
        .map_err(damaged)?;
    let mut pixels = to_pixels(picture, !options.as_reference);
    if let Some(color) = color.filter(|_| !options.as_reference) {
        profile::to_srgb(&mut pixels, &color);
    }
    Ok(Decoded::whole(pixels))
}

fn one_thread() -> Result<ThreadPool, &'static str> {
    let builder = ThreadPoolBuilder::new().num_threads(1);
    builder.build().map_err(|_| "no thread can be started")
}

fn read(path: &Path, memory: u64) -> Result<Vec<u8>, DecodeError> {
    check_memory(std::fs::metadata(path)?.len(), memory)?;
    Ok(std::fs::read(path)?)
}

fn probe(data: &[u8]) -> Result<ImageInfo, DecodeError> {
    heic_decoder::probe(data).map_err(damaged)
}

fn damaged(error: HeifError) -> DecodeError {
    let (format, reason) = (FileKind::Heic.name(), error.to_string());
    match error {
        HeifError::Unsupported(_) => DecodeError::Unread {
            format,
            reason,
            advice: super::unread::CONVERT_BOXED,
        },
        _ => DecodeError::Damaged { format, reason },
    }
}
