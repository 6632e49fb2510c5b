//! Levels of samples as RGB.

use super::layout::{Colors, Format, Layout};
use super::samples::{Scale, levels, number};
use crate::input::decode::profile::{Inks, plain_inks};

/// Turns rows of samples into RGB.
pub(super) struct Painter<'a> {
    layout: &'a Layout,
    scale: Scale,
    /// The profile by which inks are converted.
    inks: Option<Inks>,
    /// Levels of each plane's row.
    levels: Vec<Vec<u8>>,
    /// Inks of a row.
    row: Vec<u8>,
}

impl<'a> Painter<'a> {
    pub(super) fn new(layout: &'a Layout, scale: Scale, inks: Option<Inks>) -> Self {
        Painter {
            layout,
            scale,
            inks,
            levels: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Paints a row: `rows` are the bytes of each plane in the order of [`Layout::planes`], `rgb` the pixels, and
    /// `alpha` one byte for each pixel.
    pub(super) fn paint(&mut self, rows: &[Vec<u8>], rgb: &mut [u8], alpha: Option<&mut [u8]>) {
        let (layout, width) = (self.layout, rgb.len() / 3);
        let stride = layout.chunk_samples();
        let palette = match &layout.colors {
            Colors::Palette(palette) => Some(palette),
            _ => None,
        };
        if let Some(palette) = palette {
            for (x, pixel) in rgb.chunks_exact_mut(3).enumerate() {
                let index = number(&rows[0], x * stride, layout) as usize;
                pixel.copy_from_slice(&palette.get(index).copied().unwrap_or_default());
            }
            // Alpha beside numbers of colours has the size of the numbers.
            if let Some(alpha) = alpha {
                alpha.fill(255);
            }
            return;
        }
        self.levels.resize_with(rows.len(), Vec::new);
        for (row, out) in rows.iter().zip(&mut self.levels) {
            levels(row, width * stride, layout, self.scale, out);
        }
        let planes = &self.levels;
        let is_planar = layout.is_planar;
        let sample = |x: usize, c: usize| match is_planar {
            true => planes.get(c).and_then(|row| row.get(x)),
            false => planes[0].get(x * stride + c),
        };
        let level = |x: usize, c: usize| sample(x, c).copied().unwrap_or(0);
        if let (Some(alpha), Some((at, _))) = (alpha, layout.alpha) {
            // Of a planar frame, alpha is the plane behind those of the colour.
            let at = if is_planar {
                layout.colors.samples()
            } else {
                at
            };
            let is_gray = layout.colors == Colors::Gray { is_inverted: true };
            let turned = |level: u8| if is_gray { 255 - level } else { level };
            (alpha.iter_mut().enumerate()).for_each(|(x, a)| *a = turned(level(x, at)));
        }
        let pixels = rgb.chunks_exact_mut(3).enumerate();
        match &layout.colors {
            Colors::Gray { .. } | Colors::Palette(_) => {
                pixels.for_each(|(x, p)| p.fill(level(x, 0)))
            }
            Colors::Rgb => pixels
                .for_each(|(x, p)| p.copy_from_slice(&[level(x, 0), level(x, 1), level(x, 2)])),
            Colors::YCbCr(luma) => pixels.for_each(|(x, p)| {
                p.copy_from_slice(&from_ycbcr([level(x, 0), level(x, 1), level(x, 2)], *luma));
            }),
            Colors::Lab { is_offset } => pixels.for_each(|(x, p)| {
                let signed = |level: u8| match *is_offset
                    || layout.format == Format::Signed && layout.bits != 8
                {
                    true => f32::from(level) - 128.0,
                    false => f32::from(level as i8),
                };
                let lightness = f32::from(level(x, 0)) / 2.55;
                p.copy_from_slice(&from_lab([
                    lightness,
                    signed(level(x, 1)),
                    signed(level(x, 2)),
                ]));
            }),
            Colors::Cmyk => {
                let row = &mut self.row;
                row.clear();
                (0..width).for_each(|x| row.extend((0..4).map(|c| level(x, c))));
                match &self.inks {
                    Some(inks) if inks.to_srgb(row, rgb) => {}
                    _ => rgb
                        .chunks_exact_mut(3)
                        .zip(row.chunks_exact(4))
                        .for_each(|(p, ink)| p.copy_from_slice(&plain_inks(ink))),
                }
            }
        }
    }
}

/// TIFF 6.0 (1992), section 21, with the whole range of levels.
fn from_ycbcr([y, cb, cr]: [u8; 3], [red, green, blue]: [f32; 3]) -> [u8; 3] {
    let (y, cb, cr) = (f32::from(y), f32::from(cb) - 128.0, f32::from(cr) - 128.0);
    let r = y + (2.0 - 2.0 * red) * cr;
    let b = y + (2.0 - 2.0 * blue) * cb;
    let g = (y - blue * b - red * r) / green;
    [r, g, b].map(|value| value.round().clamp(0.0, 255.0) as u8)
}

/// L*a*b* of white D50 as sRGB.
fn from_lab([lightness, a, b]: [f32; 3]) -> [u8; 3] {
    let middle = (lightness + 16.0) / 116.0;
    let cube = |f: f32| match f > 6.0 / 29.0 {
        true => f * f * f,
        false => (f - 4.0 / 29.0) * 108.0 / 841.0,
    };
    let x = 0.9642 * cube(middle + a / 500.0);
    let y = cube(middle);
    let z = 0.8249 * cube(middle - b / 200.0);
    // XYZ of D50 to linear sRGB, adapted after Bradford.
    let linear = [
        3.1339 * x - 1.6169 * y - 0.4906 * z,
        -0.9788 * x + 1.9161 * y + 0.0335 * z,
        0.0719 * x - 0.2290 * y + 1.4052 * z,
    ];
    linear.map(|value| {
        let curve = match value > 0.003_130_8 {
            true => 1.055 * value.powf(1.0 / 2.4) - 0.055,
            false => 12.92 * value,
        };
        (curve * 255.0).round().clamp(0.0, 255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: [u8; 3], expected: [u8; 3]) {
        let is_near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1);
        assert!(is_near, "{found:?}, expected {expected:?}");
    }

    #[test]
    fn luma_and_differences_of_colour() {
        let luma = [0.299, 0.587, 0.114];
        near(from_ycbcr([76, 85, 255], luma), [254, 0, 0]);
        near(from_ycbcr([200, 128, 128], luma), [200; 3]);
    }

    #[test]
    fn lab_of_known_colours() {
        near(from_lab([100.0, 0.0, 0.0]), [255; 3]);
        near(from_lab([0.0, 0.0, 0.0]), [0; 3]);
        // sRGB red and blue, from the ICC's profile of sRGB.
        near(from_lab([54.29, 80.81, 69.89]), [255, 0, 0]);
        near(from_lab([29.57, 68.30, -112.03]), [0, 0, 255]);
    }
}
