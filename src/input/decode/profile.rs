//! Colour profiles in pictures (ICC).
//!
//! Pictures come out in sRGB. A profile that cannot be read, or that hardly changes a colour, is left aside.

use crate::raster::Pixels;
use moxcms::{ColorProfile, DataColorSpace, Layout, Transform8BitExecutor, TransformOptions};
use std::sync::Arc;

/// Bytes of the largest profile that is read; those of printing presses have up to two megabytes.
const MAX_BYTES: usize = 8 << 20;
/// Levels by which a profile must move some colour to be applied: sRGB itself comes in many roundings.
const NOTABLE: u8 = 4;

/// Converts RGB pixels to sRGB, in place.
pub(super) fn to_srgb(pixels: &mut Pixels, profile: &[u8]) {
    let Some(transform) = transform(profile, DataColorSpace::Rgb, Layout::Rgb) else {
        return;
    };
    let levels = [0u8, 64, 128, 192, 255];
    let corners: Vec<u8> = (0..125)
        .flat_map(|i| [levels[i / 25], levels[i / 5 % 5], levels[i % 5]])
        .collect();
    let mut moved = vec![0; corners.len()];
    let is_notable = transform.transform(&corners, &mut moved).is_ok()
        && (corners.iter().zip(&moved)).any(|(a, b)| a.abs_diff(*b) >= NOTABLE);
    if !is_notable || pixels.width == 0 {
        return;
    }
    let mut row = vec![0; pixels.width * 3];
    for target in pixels.data.chunks_exact_mut(row.len()) {
        row.copy_from_slice(target);
        // Rows are of one size: the first would have failed as well.
        let _ = transform.transform(&row, target);
    }
}

/// A profile of cyan, magenta, yellow and black inks.
pub(super) struct Inks(Arc<Transform8BitExecutor>);

impl Inks {
    /// `None` if the profile is of other colours or cannot be read.
    pub(super) fn new(profile: &[u8]) -> Option<Inks> {
        transform(profile, DataColorSpace::Cmyk, Layout::Rgba).map(Inks)
    }

    /// Converts pixels of four bytes, 255 the most ink, to sRGB. `false` if that fails.
    pub(super) fn to_srgb(&self, inks: &[u8], rgb: &mut [u8]) -> bool {
        self.0.transform(inks, rgb).is_ok()
    }
}

/// Light that inks leave without a profile, as if each took its part of one colour, and black of all. 255: most ink.
pub(super) fn plain_inks(ink: &[u8]) -> [u8; 3] {
    let light = |c: usize| (255 - u32::from(ink[c])) * (255 - u32::from(ink[3]));
    [0, 1, 2].map(|c| ((light(c) + 127) / 255) as u8)
}

fn transform(
    profile: &[u8],
    space: DataColorSpace,
    layout: Layout,
) -> Option<Arc<Transform8BitExecutor>> {
    if profile.len() > MAX_BYTES {
        return None;
    }
    let profile = ColorProfile::new_from_slice(profile).ok()?;
    if profile.color_space != space {
        return None;
    }
    let target = ColorProfile::new_srgb();
    profile
        .create_transform_8bit(layout, &target, Layout::Rgb, TransformOptions::default())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_take_light() {
        assert_eq!(plain_inks(&[0, 0, 0, 0]), [255; 3]);
        assert_eq!(plain_inks(&[0, 0, 0, 255]), [0; 3]);
        assert_eq!(plain_inks(&[255, 0, 0, 0]), [0, 255, 255]);
    }

    fn picture(color: [u8; 3]) -> Pixels {
        Pixels {
            width: 2,
            height: 1,
            data: [color, color].concat(),
        }
    }

    #[test]
    fn colours_of_a_wide_profile_become_those_of_srgb() {
        let profile = ColorProfile::new_adobe_rgb().encode().unwrap();
        let mut pixels = picture([100, 200, 100]);
        to_srgb(&mut pixels, &profile);
        assert_eq!(pixels.data[..3], pixels.data[3..]);
        // Adobe RGB's green is out of the reach of sRGB's: red comes out lower.
        assert!(
            pixels.data[0] < 60 && pixels.data[1] >= 200,
            "{:?}",
            pixels.data
        );
    }

    #[test]
    fn srgb_and_rubbish_change_nothing() {
        let profile = ColorProfile::new_srgb().encode().unwrap();
        for profile in [&profile[..], b"rubbish", &[]] {
            let mut pixels = picture([100, 200, 100]);
            to_srgb(&mut pixels, profile);
            assert_eq!(pixels, picture([100, 200, 100]));
        }
    }
}
