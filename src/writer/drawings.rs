//! Drawings of pages as pictures, as the reference makes them (docs/reference.md, "Drawings").

use crate::document::{DetectedRegion, Label, Page, Preprocessing, Spotting};
use crate::fault::Fault;
use crate::geometry::Point;
use crate::layout::polygons::nearest_corner;
use crate::plan::PythonRandom;
use crate::preprocess::PreprocessSteps;
use crate::raster::Pixels;
use crate::raster::draw::{drawn_polygon, filled_polygon};
use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use image::{ExtendedColorType, ImageEncoder};
use std::io::Cursor;

/// Colours of labels (docs/reference.md, "Drawings").
pub(super) const COLORS: [u32; 20] = [
    0xFF0000, 0xCCFF00, 0x00FF66, 0x0066FF, 0xCC00FF, 0xFF4D00, 0x80FF00, 0x00FFB2, 0x001AFF,
    0xFF00E5, 0xFF9900, 0x33FF00, 0x00FFFF, 0x3300FF, 0xFF0099, 0xFFE500, 0x00FF1A, 0x00B2FF,
    0x8000FF, 0xFF004D,
];
/// Colour numbers with white text (docs/reference.md, "Drawings").
pub(super) const WHITE_TEXT: [usize; 9] = [0, 3, 4, 8, 9, 13, 14, 18, 19];
/// DejaVu Sans, Latin and Greek only: enough for labels, captions and most spotted text.
const FONT: &[u8] = include_bytes!("../../assets/fonts/DejaVuSans-subset.ttf");
/// Text on light colours.
const DARK: [u8; 3] = [20, 14, 53];
const RED: [u8; 3] = [255, 0, 0];
const BLACK: [u8; 3] = [0; 3];
/// Height added below compared pictures, and position of their captions.
const CAPTION_BAND: usize = 25;
const CAPTION_X: usize = 10;
const CAPTION_Y: usize = 2;
const CAPTION_SIZE: f32 = 16.0;

fn color(number: usize) -> [u8; 3] {
    let [_, r, g, b] = COLORS[number % COLORS.len()].to_be_bytes();
    [r, g, b]
}

fn text_color(number: usize) -> [u8; 3] {
    if WHITE_TEXT.contains(&(number % COLORS.len())) {
        [255; 3]
    } else {
        DARK
    }
}

/// Text of a given size in pixels.
pub(super) struct Lettering {
    font: FontRef<'static>,
    scale: PxScale,
}

impl Lettering {
    pub(super) fn new(size: f32) -> Self {
        let font = FontRef::try_from_slice(FONT).expect("the font is part of the program");
        let em = font.units_per_em().unwrap_or(2048.0);
        let scale = PxScale::from(size * font.height_unscaled() / em);
        Self { font, scale }
    }

    /// Width, and height from the top of the highest to the bottom of the lowest glyph.
    fn size(&self, text: &str) -> (i64, i64) {
        let (mut right, mut top, mut bottom) = (0f32, f32::INFINITY, 0f32);
        self.each_glyph(text, |x, glyph| {
            if let Some(outline) = self.font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                (top, bottom) = (top.min(bounds.min.y), bottom.max(bounds.max.y));
                right = right.max(x + bounds.max.x);
            }
        });
        let height = if top.is_finite() { bottom - top } else { 0.0 };
        (right.ceil() as i64, height.ceil() as i64)
    }

    fn each_glyph(&self, text: &str, mut take: impl FnMut(f32, ab_glyph::Glyph)) {
        let scaled = self.font.as_scaled(self.scale);
        let mut pen = 0.0;
        for c in text.chars() {
            let id = scaled.glyph_id(c);
            let glyph =
                id.with_scale_and_position(self.scale, ab_glyph::point(0.0, scaled.ascent()));
            take(pen, glyph);
            pen += scaled.h_advance(id).round();
        }
    }

    /// Draws a line of text whose ascender starts at a position.
    pub(super) fn write(&self, picture: &mut Pixels, text: &str, x: i64, y: i64, ink: [u8; 3]) {
        self.each_glyph(text, |pen, glyph| {
            let Some(outline) = self.font.outline_glyph(glyph) else {
                return;
            };
            let bounds = outline.px_bounds();
            outline.draw(|dx, dy, cover| {
                let px = x + pen as i64 + bounds.min.x as i64 + dx as i64;
                let py = y + bounds.min.y as i64 + dy as i64;
                if (0..picture.width as i64).contains(&px)
                    && (0..picture.height as i64).contains(&py)
                {
                    let under = picture.clamped_pixel(px, py);
                    let mixed = std::array::from_fn(|c| {
                        (under[c] as f32 * (1.0 - cover) + ink[c] as f32 * cover).round() as u8
                    });
                    picture.set(px as usize, py as usize, mixed);
                }
            });
        });
    }
}

/// Font size on a page.
fn letter_size(page: &Pixels) -> usize {
    (0.018 * page.width as f64) as usize + 2
}

/// Colour number of each label: the index of its first box.
fn color_numbers(regions: &[DetectedRegion]) -> impl Fn(Label) -> usize {
    let labels: Vec<Label> = regions.iter().map(|r| r.label).collect();
    move |label| labels.iter().position(|l| *l == label).unwrap_or(0)
}

/// `layout_det_res`: everything the detector returned.
pub(crate) fn layout(pixels: &Pixels, page: &Page) -> Pixels {
    let regions = &page.regions;
    match regions.first() {
        Some(first) if first.polygon.is_some() => layout_polygons(pixels, regions),
        _ => layout_boxes(pixels, regions),
    }
}

fn layout_boxes(pixels: &Pixels, regions: &[DetectedRegion]) -> Pixels {
    let mut out = pixels.clone();
    let thickness = (0.002 * pixels.width.max(pixels.height) as f64) as usize;
    let number_of = color_numbers(regions);
    for (i, region) in regions.iter().enumerate() {
        let number = number_of(region.label);
        let corners = region.bbox.to_pixels().map(i64::from);
        out.outline_rect(corners, thickness, color(number));
        tag(&mut out, region, number, [corners[0], corners[1]]);
        number_beside(&mut out, i + 1, [corners[2], corners[1]]);
    }
    out
}

fn layout_polygons(pixels: &Pixels, regions: &[DetectedRegion]) -> Pixels {
    let mut out = pixels.clone();
    let number_of = color_numbers(regions);
    for region in regions {
        let Some(polygon) = &region.polygon else {
            continue;
        };
        fill_half(&mut out, polygon, color(number_of(region.label)));
    }
    for region in regions {
        let Some(polygon) = &region.polygon else {
            continue;
        };
        let corner = |x: usize| {
            nearest_corner(
                polygon,
                Point {
                    x: x as f32,
                    y: 0.0,
                },
            )
        };
        if let Some(Point { x, y }) = corner(0) {
            tag(
                &mut out,
                region,
                number_of(region.label),
                [x as i64, y as i64],
            );
        }
        if let Some((order, Point { x, y })) = region.order.zip(corner(pixels.width)) {
            number_beside(&mut out, order, [x as i64, y as i64]);
        }
    }
    out
}

/// Label and score above a position, or below it at the page's upper edge.
fn tag(picture: &mut Pixels, region: &DetectedRegion, number: usize, [x, y]: [i64; 2]) {
    let lettering = Lettering::new(letter_size(picture) as f32);
    let text = format!("{} {:.2}", region.label.as_str(), region.score);
    let (width, height) = lettering.size(&text);
    let height = height + 4;
    let (top, bottom) = if y < height {
        (y, y + height + 1)
    } else {
        (y - height, y + 1)
    };
    picture.fill_rect([x, top, x + width + 4, bottom], color(number));
    lettering.write(picture, &text, x + 2, top - 2, text_color(number));
}

/// A red number to the right of a position, or to its left at the page's right edge.
fn number_beside(picture: &mut Pixels, number: usize, [x, y]: [i64; 2]) {
    let size = letter_size(picture);
    let at_border = picture.width as i64 - x < size as i64;
    let left = if at_border {
        (x as f64 - 1.1 * size as f64) as i64
    } else {
        x + 2
    };
    Lettering::new(size as f32).write(picture, &number.to_string(), left, y - size as i64 / 2, RED);
}

/// Fills a polygon at half opacity; values are truncated.
fn fill_half(picture: &mut Pixels, polygon: &[Point], ink: [u8; 3]) {
    let corners: Vec<[i64; 2]> = polygon.iter().map(|p| [p.x as i64, p.y as i64]).collect();
    let mask = filled_polygon(picture.width, picture.height, &corners);
    for (pixel, inside) in picture.data.chunks_exact_mut(3).zip(mask.cells) {
        if inside {
            for (value, ink) in pixel.iter_mut().zip(ink) {
                *value = ((*value as u16 + ink as u16) / 2) as u8;
            }
        }
    }
}

/// `preprocessed_img`: the page before preprocessing, rotated and rectified, side by side.
pub(crate) fn preprocessed(steps: &PreprocessSteps, done: &Preprocessing) -> Pixels {
    let switch = |on: bool| if on { "True" } else { "False" };
    let parts = [
        (&steps.original, "Original Image".to_string()),
        (
            &steps.rotated,
            format!(
                "Rotated Image ({}, {})",
                switch(done.use_doc_orientation_classify),
                done.angle
            ),
        ),
        (
            &steps.unwarped,
            format!("Unwarping Image ({})", switch(done.use_doc_unwarping)),
        ),
    ];
    let width = parts.iter().map(|(p, _)| p.width).sum();
    let tallest = parts.iter().map(|(p, _)| p.height).max().unwrap_or(0);
    let mut out = Pixels::white(width, tallest + CAPTION_BAND);
    let mut left = 0;
    for (picture, caption) in parts {
        out.paste(picture, left, 0);
        let fits = |size: f32| Lettering::new(size).size(&caption).0 as usize <= picture.width;
        let mut size = CAPTION_SIZE;
        while size > 1.0 && !fits(size) {
            size -= 1.0;
        }
        let (x, y) = ((left + CAPTION_X) as i64, (tallest + CAPTION_Y) as i64);
        Lettering::new(size).write(&mut out, &caption, x, y, BLACK);
        left += picture.width;
    }
    out
}

/// `spotting_res_img`: the boxes found on the page, and their texts beside it.
pub(crate) fn spotting(pixels: &Pixels, found: &Spotting) -> Pixels {
    let mut random = PythonRandom::new(0);
    let mut filled = pixels.clone();
    let mut right = Pixels::white(pixels.width, pixels.height);
    for (corners, text) in found.rec_polys.iter().zip(&found.rec_texts) {
        let ink = std::array::from_fn(|_| random.below(256) as u8);
        let corners = corners.map(|[x, y]| [x as i64, y as i64]);
        let mask = drawn_polygon(pixels.width, pixels.height, &corners);
        // Only where it can be: a page may have thousands of them.
        let within = |axis: usize, most: usize| {
            let values = corners.map(|corner| corner[axis].clamp(0, most as i64) as usize);
            let low = values.into_iter().min().unwrap_or(0);
            low..values
                .into_iter()
                .max()
                .map_or(0, |high| (high + 1).min(most))
        };
        for y in within(1, pixels.height) {
            for x in within(0, pixels.width) {
                if mask.cells[y * pixels.width + x] {
                    filled.set(x, y, ink);
                }
            }
        }
        write_into(&mut right, text, corners);
        for (i, a) in corners.iter().enumerate() {
            let b = corners[(i + 1) % 4];
            right.stroke(
                [a[0] as f64, a[1] as f64],
                [b[0] as f64, b[1] as f64],
                1.0,
                ink,
            );
        }
    }
    let mut out = Pixels::white(pixels.width * 2, pixels.height);
    for (value, over) in filled.data.iter_mut().zip(&pixels.data) {
        *value = ((*value as u16 + *over as u16) / 2) as u8;
    }
    out.paste(&filled, 0, 0);
    out.paste(&right, pixels.width, 0);
    out
}

/// Ratio of font size to box height.
const BOX_SHARE: f32 = 0.8;

/// Draws a text into a box as large as it fits; in tall boxes from top to bottom.
fn write_into(picture: &mut Pixels, text: &str, corners: [[i64; 2]; 4]) {
    let low = |axis: usize| corners.iter().map(|c| c[axis]).min().unwrap_or(0);
    let high = |axis: usize| corners.iter().map(|c| c[axis]).max().unwrap_or(0);
    let (x, y, width, height) = (low(0), low(1), high(0) - low(0), high(1) - low(1));
    let down = height > 2 * width && height > 30;
    let lines: Vec<String> = if down {
        text.chars().map(String::from).collect()
    } else {
        vec![text.replace('\n', " ")]
    };
    let room = height as f32 / lines.len().max(1) as f32;
    let widest = |size: f32| {
        let lettering = Lettering::new(size);
        lines.iter().map(|l| lettering.size(l).0).max().unwrap_or(0)
    };
    let tall = (BOX_SHARE * room).max(1.0);
    // Width is proportional to font size, so one measurement gives the size that fits.
    let fitting = tall * width as f32 / widest(tall).max(1) as f32;
    let lettering = Lettering::new(fitting.min(tall).max(1.0));
    for (i, line) in lines.iter().enumerate() {
        lettering.write(picture, line, x, y + (i as f32 * room) as i64, BLACK);
    }
}

/// `true` for file extensions of formats in which drawings can be written.
pub(crate) fn can_encode(extension: &str) -> bool {
    matches!(
        extension.to_lowercase().as_str(),
        "png" | "jpg" | "jpeg" | "jpe" | "bmp" | "tif" | "tiff" | "webp" | "ppm" | "pnm" | "pgm"
    )
}

/// JPEG quality of drawings (OpenCV's default).
const QUALITY: u8 = 95;

/// A picture in the format of a file extension; PNG for any other.
pub(crate) fn encoded(pixels: &Pixels, extension: &str) -> Result<Vec<u8>, Fault> {
    let failed =
        |e: &dyn std::fmt::Display| Fault::internal(format!("cannot encode the picture: {e}"));
    let (width, height) = (pixels.width as u32, pixels.height as u32);
    let mut out = Cursor::new(Vec::new());
    let (data, rgb) = (&pixels.data, ExtendedColorType::Rgb8);
    let written = match extension.to_lowercase().as_str() {
        "jpg" | "jpeg" | "jpe" => return pixels.to_jpeg(QUALITY).map_err(|e| failed(&e)),
        "tif" | "tiff" => {
            let mut encoder = tiff::encoder::TiffEncoder::new(&mut out).map_err(|e| failed(&e))?;
            encoder
                .write_image::<tiff::encoder::colortype::RGB8>(width, height, data)
                .map_err(|e| failed(&e))?;
            return Ok(out.into_inner());
        }
        "bmp" => {
            image::codecs::bmp::BmpEncoder::new(&mut out).write_image(data, width, height, rgb)
        }
        "webp" => image::codecs::webp::WebPEncoder::new_lossless(&mut out)
            .write_image(data, width, height, rgb),
        "ppm" | "pnm" => {
            image::codecs::pnm::PnmEncoder::new(&mut out).write_image(data, width, height, rgb)
        }
        "pgm" => {
            let gray = pixels.to_gray();
            image::codecs::pnm::PnmEncoder::new(&mut out).write_image(
                &gray,
                width,
                height,
                ExtendedColorType::L8,
            )
        }
        _ => image::codecs::png::PngEncoder::new(&mut out).write_image(data, width, height, rgb),
    };
    written.map_err(|e| failed(&e))?;
    Ok(out.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Rect;

    #[test]
    fn colors_follow_the_first_box_of_a_label() {
        let region = |label| DetectedRegion {
            label,
            bbox: Rect::new(10.0, 30.0, 90.0, 60.0),
            score: 0.5,
            order: None,
            polygon: None,
        };
        let regions = [
            region(Label::Text),
            region(Label::Text),
            region(Label::Table),
        ];
        let number_of = color_numbers(&regions);
        assert_eq!((number_of(Label::Text), number_of(Label::Table)), (0, 2));
        let drawn = layout_boxes(&Pixels::white(600, 100), &regions[..1]);
        assert_eq!(drawn.clamped_pixel(10, 50), RED);
    }

    #[test]
    fn every_format_can_be_read_again() {
        let mut picture = Pixels::white(9, 7);
        picture.set(3, 2, [10, 200, 30]);
        let folder = tempfile::tempdir().unwrap();
        for extension in ["png", "bmp", "tiff", "webp", "ppm"] {
            let path = folder.path().join(format!("a.{extension}"));
            std::fs::write(&path, encoded(&picture, extension).unwrap()).unwrap();
            assert!(
                crate::input::decode_all(&path).unwrap()[0] == picture,
                "{extension}"
            );
        }
    }

    #[test]
    fn odd_boxes_do_not_panic() {
        let mut picture = Pixels::white(20, 20);
        write_into(&mut picture, "", [[0, 0]; 4]);
        write_into(
            &mut picture,
            "a\nb",
            [[-50, -50], [90, -50], [90, 90], [-50, 90]],
        );
        write_into(&mut picture, "tall", [[0, 0], [5, 0], [5, 90], [0, 90]]);
    }
}
