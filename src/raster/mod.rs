//! RGB pixels: cutting, resampling, rotating, warping and encoding.
//!
//! [`Pixels`] is the only image type: 8-bit RGB, rows from the top, no padding. Resampling and rotation are
//! bit-identical with the libraries that the models were trained with (`resample`, `rotate`).

pub(crate) mod draw;
mod resample;
mod rotate;
mod warp;

pub use resample::Filter;
pub(crate) use warp::{Mesh, aligned_taps};

use crate::fault::{Fault, Reason};
use crate::geometry::{Point, Quad, Rect};
use resample::cubic_weights;
use std::borrow::Cow;
use std::ops::Range;

/// An 8-bit RGB picture, `[height, width, 3]`, rows from the top, channels in the order R, G, B.
#[derive(Clone, PartialEq)]
pub struct Pixels {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `height * width * 3` bytes.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for Pixels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pixels({}x{})", self.width, self.height)
    }
}

impl Pixels {
    /// A white picture.
    pub fn white(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            data: vec![255; width * height * 3],
        }
    }

    /// The colour at a position; positions outside take that of the nearest pixel.
    #[inline]
    pub fn clamped_pixel(&self, x: i64, y: i64) -> [u8; 3] {
        let x = x.clamp(0, self.width as i64 - 1) as usize;
        let y = y.clamp(0, self.height as i64 - 1) as usize;
        let at = (y * self.width + x) * 3;
        [self.data[at], self.data[at + 1], self.data[at + 2]]
    }

    /// The part of the picture inside `rect`, grown to whole pixels and clipped to the picture.
    ///
    /// `None` if it does not overlap the picture.
    pub fn crop(&self, rect: &Rect) -> Option<Pixels> {
        let [x1, y1, x2, y2] = rect
            .clamped(self.width as f32, self.height as f32)
            .to_pixels();
        // Single precision may round the width of a very wide picture up.
        let (x2, y2) = (
            (x2 as usize).min(self.width),
            (y2 as usize).min(self.height),
        );
        self.part(
            x1 as usize,
            y1 as usize,
            x2.saturating_sub(x1 as usize),
            y2.saturating_sub(y1 as usize),
        )
    }

    /// The part of `width` x `height` pixels with its upper left corner at `x`, `y`; `None` if it is empty or
    /// sticks out.
    pub fn part(&self, x: usize, y: usize, width: usize, height: usize) -> Option<Pixels> {
        if width == 0 || height == 0 || x + width > self.width || y + height > self.height {
            return None;
        }
        let mut data = Vec::with_capacity(width * height * 3);
        for row in y..y + height {
            data.extend_from_slice(&self.data[(row * self.width + x) * 3..][..width * 3]);
        }
        Some(Pixels {
            width,
            height,
            data,
        })
    }

    /// Copies another picture onto this one with its upper left corner at `x`, `y`; parts that stick out are
    /// dropped.
    pub fn paste(&mut self, picture: &Pixels, x: usize, y: usize) {
        let width = picture.width.min(self.width.saturating_sub(x));
        for row in 0..picture.height.min(self.height.saturating_sub(y)) {
            let to = ((y + row) * self.width + x) * 3;
            let from = row * picture.width * 3;
            self.data[to..to + width * 3].copy_from_slice(&picture.data[from..from + width * 3]);
        }
    }

    /// Resampled to `width` x `height` as `cv2.INTER_LINEAR` (OpenCV 4.10).
    pub fn resize_bilinear(&self, width: usize, height: usize) -> Pixels {
        self.resized(width, height, |picture| {
            resample::bilinear(picture, (width, height), 0..width, 0..height)
        })
    }

    /// The part at `columns` and `rows` of the result of [`Pixels::resize_bilinear`] to `width` x `height`,
    /// without computing the rest, which may be many times as large. Ranges are clipped to the size.
    pub fn resize_bilinear_part(
        &self,
        (width, height): (usize, usize),
        columns: Range<usize>,
        rows: Range<usize>,
    ) -> Pixels {
        let cut = |range: Range<usize>, side: usize| range.start.min(side)..range.end.min(side);
        let (columns, rows) = (cut(columns, width), cut(rows, height));
        if self.data.is_empty() || columns.is_empty() || rows.is_empty() {
            return Pixels::white(columns.len(), rows.len());
        }
        resample::bilinear(self, (width, height), columns, rows)
    }

    /// Resampled to `width` x `height` as `cv2.INTER_CUBIC` (OpenCV 4.10): a = -0.75, no antialiasing.
    pub fn resize_bicubic(&self, width: usize, height: usize) -> Pixels {
        self.resized(width, height, |picture| {
            resample::bicubic(picture, width, height)
        })
    }

    /// Resampled to `width` x `height` as Pillow does.
    pub fn resize_pillow(&self, width: usize, height: usize, filter: Filter) -> Pixels {
        self.resized(width, height, |picture| {
            resample::pillow(picture, width, height, filter)
        })
    }

    /// Resampled if there is anything to resample; an empty side gives white pixels.
    fn resized(&self, width: usize, height: usize, resample: impl Fn(&Pixels) -> Pixels) -> Pixels {
        if (width, height) == (self.width, self.height) {
            self.clone()
        } else if self.data.is_empty() || width * height == 0 {
            Pixels::white(width, height)
        } else {
            resample(self)
        }
    }

    /// Rotated counter-clockwise by 0, 90, 180 or 270 degrees as the reference rotates pages; see `rotate`.
    pub fn rotate_page(&self, angle: u32) -> Pixels {
        if self.data.is_empty() {
            self.clone()
        } else {
            rotate::rotate_page(self, angle)
        }
    }

    /// Rotated clockwise by `quarters` times 90 degrees.
    pub fn rotate_quarters(&self, quarters: u32) -> Pixels {
        let (w, h) = (self.width, self.height);
        let (width, height) = if quarters % 2 == 1 { (h, w) } else { (w, h) };
        let mut data = vec![0u8; self.data.len()];
        for y in 0..height {
            for x in 0..width {
                let (sx, sy) = match quarters % 4 {
                    0 => (x, y),
                    1 => (y, h - 1 - x),
                    2 => (w - 1 - x, h - 1 - y),
                    _ => (w - 1 - y, x),
                };
                let (to, from) = ((y * width + x) * 3, (sy * w + sx) * 3);
                data[to..to + 3].copy_from_slice(&self.data[from..from + 3]);
            }
        }
        Pixels {
            width,
            height,
            data,
        }
    }

    /// Rotated counter-clockwise by a small angle (radians) about its middle, at the same size; bilinear,
    /// uncovered corners white.
    pub fn rotate_small(&self, angle: f32) -> Pixels {
        let (sin, cos) = angle.sin_cos();
        let (cx, cy) = (self.width as f32 / 2.0, self.height as f32 / 2.0);
        let mut out = Pixels::white(self.width, self.height);
        for y in 0..self.height {
            for x in 0..self.width {
                let (dx, dy) = (x as f32 + 0.5 - cx, y as f32 + 0.5 - cy);
                let (sx, sy) = (
                    cx + dx * cos - dy * sin - 0.5,
                    cy + dx * sin + dy * cos - 0.5,
                );
                if sx < -0.5
                    || sy < -0.5
                    || sx > self.width as f32 - 0.5
                    || sy > self.height as f32 - 0.5
                {
                    continue;
                }
                let (x0, y0) = (sx.floor(), sy.floor());
                let (fx, fy) = (sx - x0, sy - y0);
                let p = |dx: i64, dy: i64| self.clamped_pixel(x0 as i64 + dx, y0 as i64 + dy);
                let (a, b, c, d) = (p(0, 0), p(1, 0), p(0, 1), p(1, 1));
                let at = (y * self.width + x) * 3;
                for k in 0..3 {
                    let top = a[k] as f32 * (1.0 - fx) + b[k] as f32 * fx;
                    let bottom = c[k] as f32 * (1.0 - fx) + d[k] as f32 * fx;
                    out.data[at + k] = (top * (1.0 - fy) + bottom * fy).round() as u8;
                }
            }
        }
        out
    }

    /// The content of a quadrilateral, rectified to `width` x `height` pixels; perspective, bicubic with a =
    /// -0.75 and replicated borders as OpenCV's `warpPerspective` with `INTER_CUBIC`.
    ///
    /// `None` if the quadrilateral or the target is degenerate.
    pub fn warp_quad(&self, quad: &Quad, width: usize, height: usize) -> Option<Pixels> {
        if width == 0 || height == 0 {
            return None;
        }
        let m = square_to_quad(width as f64, height as f64, &quad.0)?;
        let mut out = Pixels {
            width,
            height,
            data: vec![0; width * height * 3],
        };
        for y in 0..height {
            for x in 0..width {
                let (fx, fy) = (x as f64, y as f64);
                let w = m[6] * fx + m[7] * fy + 1.0;
                let sx = (m[0] * fx + m[1] * fy + m[2]) / w;
                let sy = (m[3] * fx + m[4] * fy + m[5]) / w;
                let value = self.bicubic(sx as f32, sy as f32);
                out.data[(y * width + x) * 3..][..3].copy_from_slice(&value);
            }
        }
        Some(out)
    }

    /// The colour at a fractional position (pixel centres at whole numbers), bicubic with a = -0.75.
    fn bicubic(&self, x: f32, y: f32) -> [u8; 3] {
        let (x0, y0) = (x.floor(), y.floor());
        let (wx, wy) = (cubic_weights(x - x0), cubic_weights(y - y0));
        let mut sum = [0f32; 3];
        for (j, &weight_y) in wy.iter().enumerate() {
            for (i, &weight_x) in wx.iter().enumerate() {
                let p = self.clamped_pixel(x0 as i64 + i as i64 - 1, y0 as i64 + j as i64 - 1);
                let weight = weight_x * weight_y;
                for k in 0..3 {
                    sum[k] += p[k] as f32 * weight;
                }
            }
        }
        sum.map(|v| v.round().clamp(0.0, 255.0) as u8)
    }

    /// Luma of every pixel, 0 to 255, rows from the top (ITU-R BT.601 weights, as OpenCV's grey).
    pub fn to_gray(&self) -> Vec<u8> {
        self.gray_levels().collect()
    }

    /// The same, one value at a time, without a copy of the picture.
    pub fn gray_levels(&self) -> impl Iterator<Item = u8> + '_ {
        let pixels = self.data.chunks_exact(3);
        pixels.map(|pixel| gray_level([pixel[0], pixel[1], pixel[2]].map(u32::from)))
    }

    /// `true` if the picture is practically uniform: every channel varies by less than 12 levels.
    pub fn is_plain(&self) -> bool {
        let channel = |c: usize| self.data.iter().skip(c).step_by(3);
        let range = |c| channel(c).fold((255u8, 0u8), |(a, b), &v| (a.min(v), b.max(v)));
        (0..3)
            .map(range)
            .all(|(min, max)| max.saturating_sub(min) < 12)
    }

    /// Largest factor of [`Pixels::shrunk_gray`].
    pub const MOST_SHRUNK: usize = 64;

    /// Gray levels of the picture made smaller by a whole factor, each the mean of a square; with width and height.
    /// Factors are at most [`Pixels::MOST_SHRUNK`].
    pub fn shrunk_gray(&self, factor: usize) -> (Vec<u8>, usize, usize) {
        let factor = factor.clamp(1, Self::MOST_SHRUNK);
        let (width, height) = (self.width.div_ceil(factor), self.height.div_ceil(factor));
        if factor == 1 || self.data.is_empty() {
            return (self.to_gray(), self.width, self.height);
        }
        let mut out = Vec::with_capacity(width * height);
        // Rows are added first, channel by channel, which processors do many at a time: at most 64 times 255.
        let mut sums = vec![0u16; self.width * 3];
        for rows in self.data.chunks(factor * self.width * 3) {
            sums.fill(0);
            for row in rows.chunks_exact(self.width * 3) {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += u16::from(*value);
                }
            }
            let count = rows.len() / (self.width * 3);
            out.extend(sums.chunks(factor * 3).map(|square| {
                let mut sum = [0u32; 3];
                for pixel in square.chunks_exact(3) {
                    (0..3).for_each(|c| sum[c] += u32::from(pixel[c]));
                }
                let pixels = (square.len() / 3 * count) as u32;
                gray_level(sum.map(|channel| channel / pixels))
            }));
        }
        (out, width, height)
    }

    /// The picture, shrunk if a side is longer than `longest` pixels: for formats with a size limit.
    pub fn within(&self, longest: usize) -> Cow<'_, Pixels> {
        let side = self.width.max(self.height);
        if side <= longest {
            return Cow::Borrowed(self);
        }
        let shrunk = |n: usize| ((n as f64 * longest as f64 / side as f64).round() as usize).max(1);
        Cow::Owned(self.resize_bilinear(shrunk(self.width), shrunk(self.height)))
    }

    /// Encoded as JPEG with 4:2:0 chroma, quality 1 to 100.
    ///
    /// Fails for a picture without pixels or with a side above 65535, the limit of JPEG.
    pub fn to_jpeg(&self, quality: u8) -> Result<Vec<u8>, RasterError> {
        self.encode_jpeg(&self.data, jpeg_encoder::ColorType::Rgb, quality)
    }

    /// The same with one channel if there is no colour, as on most pages of text: a third of the work.
    pub fn to_jpeg_gray_if_colorless(&self, quality: u8) -> Result<Vec<u8>, RasterError> {
        let mut pixels = self.data.chunks_exact(3);
        if !pixels.all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]) {
            return self.to_jpeg(quality);
        }
        let gray: Vec<u8> = self.data.iter().step_by(3).copied().collect();
        self.encode_jpeg(&gray, jpeg_encoder::ColorType::Luma, quality)
    }

    fn encode_jpeg(
        &self,
        data: &[u8],
        color: jpeg_encoder::ColorType,
        quality: u8,
    ) -> Result<Vec<u8>, RasterError> {
        let side = |n: usize| u16::try_from(n).ok().filter(|n| *n > 0);
        let (Some(width), Some(height)) = (side(self.width), side(self.height)) else {
            return Err(RasterError::JpegSize {
                width: self.width,
                height: self.height,
            });
        };
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, quality);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
        encoder.encode(data, width, height, color)?;
        Ok(bytes)
    }

    /// Encoded as PNG.
    pub fn to_png(&self) -> Result<Vec<u8>, RasterError> {
        use image::ImageEncoder;
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        let (width, height) = (self.width as u32, self.height as u32);
        encoder.write_image(&self.data, width, height, image::ExtendedColorType::Rgb8)?;
        Ok(bytes)
    }
}

/// Lightness of a colour, from 0 to 255 (ITU-R BT.601, rounded as OpenCV does).
pub(crate) fn gray_level([r, g, b]: [u32; 3]) -> u8 {
    ((r * 4899 + g * 9617 + b * 1868 + 8192) >> 14) as u8
}

/// The longest side of a JPEG, in pixels.
pub(crate) const JPEG_SIDE: usize = 65_535;

/// Errors of encoding pixels.
#[derive(Debug, thiserror::Error)]
pub enum RasterError {
    /// The picture is empty or too large for the format.
    #[error("a picture of {width}x{height} pixels cannot be stored as JPEG")]
    JpegSize {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The JPEG encoder failed.
    #[error("failed to encode JPEG")]
    Jpeg(#[from] jpeg_encoder::EncodingError),
    /// The PNG encoder failed.
    #[error("failed to encode PNG")]
    Png(#[from] image::ImageError),
}

impl RasterError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            RasterError::JpegSize { .. } => Reason::TooLarge,
            RasterError::Jpeg(_) | RasterError::Png(_) => Reason::Internal,
        }
    }
}

impl From<RasterError> for Fault {
    fn from(error: RasterError) -> Fault {
        Fault::of(error.reason(), &error)
    }
}

/// The eight coefficients of the projective map from the corners of a `w` x `h` rectangle to `quad`.
///
/// Heckbert, "Fundamentals of Texture Mapping and Image Warping" (1989), section 2.2.3. `None` if degenerate.
fn square_to_quad(w: f64, h: f64, quad: &[Point; 4]) -> Option<[f64; 8]> {
    let [p0, p1, p2, p3] = quad.map(|p| (p.x as f64, p.y as f64));
    let (dx1, dx2, sx) = (p1.0 - p2.0, p3.0 - p2.0, p0.0 - p1.0 + p2.0 - p3.0);
    let (dy1, dy2, sy) = (p1.1 - p2.1, p3.1 - p2.1, p0.1 - p1.1 + p2.1 - p3.1);
    let det = dx1 * dy2 - dx2 * dy1;
    if det.abs() < 1e-9 {
        return None;
    }
    let g = (sx * dy2 - dx2 * sy) / det;
    let k = (dx1 * sy - sx * dy1) / det;
    Some([
        (p1.0 - p0.0 + g * p1.0) / w,
        (p3.0 - p0.0 + k * p3.0) / h,
        p0.0,
        (p1.1 - p0.1 + g * p1.1) / w,
        (p3.1 - p0.1 + k * p3.1) / h,
        p0.1,
        g / w,
        k / h,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient(width: usize, height: usize) -> Pixels {
        let data = (0..width * height)
            .flat_map(|i| [(i % width * 10) as u8, (i / width * 10) as u8, 7])
            .collect();
        Pixels {
            width,
            height,
            data,
        }
    }

    #[test]
    fn four_quarter_turns_change_nothing() {
        let picture = gradient(5, 3);
        let turned = picture.rotate_quarters(1);
        assert_eq!((turned.width, turned.height), (3, 5));
        assert_eq!(turned.clamped_pixel(2, 0), picture.clamped_pixel(0, 0));
        assert!(turned.rotate_quarters(3) == picture);
        assert!(picture.rotate_quarters(2).rotate_quarters(2) == picture);
    }

    #[test]
    fn warping_the_whole_picture_is_the_identity() {
        let picture = gradient(9, 6);
        let p = |x: f32, y: f32| Point { x, y };
        let quad = Quad([p(0.0, 0.0), p(9.0, 0.0), p(9.0, 6.0), p(0.0, 6.0)]);
        assert!(picture.warp_quad(&quad, 9, 6).unwrap() == picture);
        assert!(picture.warp_quad(&Quad([p(1.0, 1.0); 4]), 9, 6).is_none());
    }

    #[test]
    fn crops_are_cut_to_the_picture() {
        let picture = gradient(5, 3);
        let crop = picture.crop(&Rect::new(3.0, 1.0, 9.0, 9.0)).unwrap();
        assert_eq!((crop.width, crop.height), (2, 2));
        assert_eq!(crop.clamped_pixel(0, 0), [30, 10, 7]);
        assert!(picture.crop(&Rect::new(6.0, 0.0, 9.0, 3.0)).is_none());
    }

    #[test]
    fn halving_averages_pairs() {
        let picture = gradient(4, 2);
        assert_eq!(picture.resize_bilinear(2, 1).data, vec![5, 5, 7, 25, 5, 7]);
    }

    #[test]
    fn gray_levels_of_squares_are_their_means_at_the_ends_too() {
        let mut picture = Pixels::white(5, 3);
        // Black in the first square of two by two pixels, and in the corner, which is a square of one.
        for at in [0, 1, 5, 6, 14] {
            picture.data[at * 3..][..3].fill(0);
        }
        assert_eq!(
            picture.shrunk_gray(2),
            (vec![0, 255, 255, 255, 255, 0], 3, 2)
        );
        picture.data[..3].fill(255);
        assert_eq!(picture.shrunk_gray(2).0[0], 63);
        assert_eq!(picture.shrunk_gray(1).0, picture.to_gray());
        assert_eq!(Pixels::white(0, 0).shrunk_gray(4), (Vec::new(), 0, 0));
    }

    #[test]
    fn a_jpeg_has_one_channel_only_if_there_is_no_colour() {
        let mut picture = Pixels::white(20, 20);
        picture.data[300..900].fill(90);
        let channels = |picture: &Pixels| {
            let jpeg = picture.to_jpeg_gray_if_colorless(90).unwrap();
            let decoded = image::load_from_memory(&jpeg).unwrap();
            (
                decoded.color().channel_count(),
                decoded.to_luma8().get_pixel(5, 10).0[0],
            )
        };
        let (count, level) = channels(&picture);
        assert!(count == 1 && level.abs_diff(90) < 12, "{count} {level}");
        picture.data[0] = 0;
        assert_eq!(channels(&picture).0, 3);
    }

    #[test]
    fn a_picture_too_long_for_a_format_is_shrunk() {
        let picture = Pixels::white(70_000, 3);
        assert!(picture.to_jpeg(80).is_err());
        let shrunk = picture.within(JPEG_SIDE);
        assert_eq!((shrunk.width, shrunk.height), (JPEG_SIDE, 3));
        assert!(shrunk.to_jpeg(80).is_ok() && matches!(shrunk.within(JPEG_SIDE), Cow::Borrowed(_)));
    }

    #[test]
    fn a_picture_without_pixels_is_an_error_not_a_panic() {
        assert!(Pixels::white(0, 5).to_jpeg(80).is_err());
    }
}
