//! What decoders give, as RGB pixels.

use super::alpha::{self, on_ground};
use crate::raster::{Pixels, gray_level};
use image::DynamicImage;
use image::metadata::Orientation;

/// Drops the low byte of 16-bit channels, and alpha; with `uses_alpha`, pictures whose alpha carries what is on them
/// are laid on a ground before.
pub(super) fn to_pixels(picture: DynamicImage, uses_alpha: bool) -> Pixels {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let ground = if uses_alpha { ground(&picture) } else { None };
    let laid = |value: u8, alpha: u8| match ground {
        Some(ground) => on_ground(value, alpha, ground, false),
        None => value,
    };
    let data = match picture {
        DynamicImage::ImageRgb8(p) => p.into_raw(),
        DynamicImage::ImageLuma8(p) => colors(p.iter().map(|v| [*v; 3]), width * height),
        DynamicImage::ImageLumaA8(p) => colors(
            p.pixels().map(|v| [laid(v.0[0], v.0[1]); 3]),
            width * height,
        ),
        DynamicImage::ImageRgba8(mut p) => {
            if ground.is_some() {
                p.pixels_mut()
                    .for_each(|v| (0..3).for_each(|c| v.0[c] = laid(v.0[c], v.0[3])));
            }
            without_alpha(p.into_raw())
        }
        DynamicImage::ImageLuma16(p) => colors(p.iter().map(|v| [top(*v); 3]), width * height),
        DynamicImage::ImageLumaA16(p) => {
            let color = |[light, alpha]: [u16; 2]| [laid(top(light), top(alpha)); 3];
            colors(p.pixels().map(|v| color(v.0)), width * height)
        }
        DynamicImage::ImageRgb16(p) => p.iter().map(|v| top(*v)).collect(),
        DynamicImage::ImageRgba16(p) => {
            let color = |[r, g, b, alpha]: [u16; 4]| [r, g, b].map(|c| laid(top(c), top(alpha)));
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

/// The upper 8 bits.
fn top(value: u16) -> u8 {
    (value >> 8) as u8
}

/// The ground for a picture whose alpha carries what is on it.
fn ground(picture: &DynamicImage) -> Option<u8> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let size = (width, width * height);
    match picture {
        DynamicImage::ImageLumaA8(p) => {
            let data = p.as_raw();
            alpha::ground(size, |at| (data[at * 2], data[at * 2 + 1]), false)
        }
        DynamicImage::ImageRgba8(p) => {
            let data = p.as_raw();
            let color = |at: usize| [data[at * 4], data[at * 4 + 1], data[at * 4 + 2]];
            alpha::ground(
                size,
                |at| (gray_level(color(at).map(u32::from)), data[at * 4 + 3]),
                false,
            )
        }
        DynamicImage::ImageLumaA16(p) => {
            let data = p.as_raw();
            alpha::ground(size, |at| (top(data[at * 2]), top(data[at * 2 + 1])), false)
        }
        DynamicImage::ImageRgba16(p) => {
            let data = p.as_raw();
            let color = |at: usize| [0, 1, 2].map(|c| top(data[at * 4 + c]));
            alpha::ground(
                size,
                |at| (gray_level(color(at).map(u32::from)), top(data[at * 4 + 3])),
                false,
            )
        }
        _ => None,
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

/// The picture turned as its file says.
pub(super) fn oriented(pixels: Pixels, orientation: Orientation) -> Pixels {
    let (width, height) = (pixels.width as u32, pixels.height as u32);
    match image::RgbImage::from_raw(width, height, pixels.data) {
        Some(buffer) => {
            let mut picture = DynamicImage::ImageRgb8(buffer);
            picture.apply_orientation(orientation);
            to_pixels(picture, false)
        }
        None => Pixels::white(width as usize, height as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_is_dropped_in_place() {
        assert_eq!(
            without_alpha(vec![1, 2, 3, 9, 4, 5, 6, 9, 7, 8, 9, 9]),
            [1, 2, 3, 4, 5, 6, 7, 8, 9]
        );
        assert!(without_alpha(Vec::new()).is_empty());
    }
}
