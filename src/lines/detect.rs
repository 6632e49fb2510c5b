//! Line detection: PP-OCR's differentiable-binarization network and its post-processing.
//!
//! In: a page picture. Out: a quadrilateral and a score for every line. Preprocessing, thresholds and box
//! rules are those of rapidocr 3.10.0 (`ch_ppocr_det`): both sides are resized to multiples of 32, mean and
//! standard deviation are 0.5; the probability map is thresholded at `det_db_thresh` and dilated by 2x2, and
//! every connected component becomes its minimum-area rectangle, grown by area x ratio / perimeter.

use super::letter_height::{letter_bounds, letter_height};
use super::midlines::{Midline, midlines};
use super::options::{DetectOptions, LimitType};
use super::tiles::{self, Shown, Tile, TileLine};
use crate::geometry::{Point, Quad, TiltedRect, min_area_rect};
use crate::onnx::{OnnxError, TensorModel};
use crate::raster::Pixels;
use std::borrow::Cow;

/// rapidocr 3.10.0, `config.yaml`, `Det.max_candidates`.
const MAX_CANDIDATES: usize = 1000;
/// rapidocr 3.10.0, `DBPostProcess.min_size`: thinner areas are noise.
const MIN_AREA_SIDE: f32 = 3.0;

/// What is detected on a page or a part of it, in its pixels.
#[derive(Debug, Default)]
pub(super) struct Detected {
    /// Lines as quadrilaterals, corners in reading order of the text, and the mean probability of each.
    pub lines: Vec<(Quad, f32)>,
    /// Middles of the lines that run across, those among them whose box is dropped or cut by a tile.
    pub midlines: Vec<Midline>,
}

/// Finds the lines of a page, sorted from top to bottom.
///
/// No input of the network has more than `most` pixels: larger pages and strips are cut into tiles
/// ([`tiles`](super::tiles)). If nothing is found on a page, the part of it that has letters is searched: the network misses
/// a short line on an empty page.
pub(super) fn detect_lines(
    model: &mut TensorModel,
    page: &Pixels,
    options: &DetectOptions,
    most: usize,
) -> Result<Detected, OnnxError> {
    let is_strip = tiles::is_strip(page.width, page.height);
    let within = tiles::within_bounds(page.width, page.height);
    let shrunk = match is_strip || within == (page.width, page.height) {
        true => Cow::Borrowed(page),
        false => Cow::Owned(page.resize_bilinear(within.0, within.1)),
    };
    let mut found = lines_of(model, page, &shrunk, options, most)?;
    if found.lines.is_empty()
        && !is_strip
        && let Some((part, x, y)) = part_with_letters(page, &shrunk)
    {
        drop(shrunk);
        let within = tiles::within_bounds(part.width, part.height);
        let shrunk = part.resize_bilinear(within.0, within.1);
        found = lines_of(model, &part, &shrunk, options, most)?;
        let to_page = |p: Point| Point {
            x: p.x + x,
            y: p.y + y,
        };
        let lines = found.lines.iter_mut();
        lines.for_each(|(quad, _)| *quad = Quad(quad.0.map(to_page)));
        let midlines = found.midlines.iter_mut();
        midlines.for_each(|line| *line = line.mapped(1.0, to_page));
    }
    found.lines.sort_by(|a, b| {
        a.0.0[0]
            .y
            .total_cmp(&b.0.0[0].y)
            .then(a.0.0[0].x.total_cmp(&b.0.0[0].x))
    });
    Ok(found)
}

/// The part of a page that has letters, and its left and upper edge; `None` if it is most of the page. `shrunk`: the page
/// within the bounds of its sides.
fn part_with_letters(page: &Pixels, shrunk: &Pixels) -> Option<(Pixels, f32, f32)> {
    let bounds = letter_bounds(shrunk)?;
    let (width, height) = (bounds.right - bounds.left, bounds.bottom - bounds.top);
    if width * height * 2 > shrunk.width * shrunk.height {
        return None;
    }
    let x = |x: usize| x * page.width / shrunk.width;
    let y = |y: usize| y * page.height / shrunk.height;
    let (left, top) = (x(bounds.left), y(bounds.top));
    let part = page.part(left, top, x(bounds.right) - left, y(bounds.bottom) - top)?;
    Some((part, left as f32, top as f32))
}

/// The lines of a page, in no order. `shrunk`: the page within the bounds of its sides, or as it is if it is a strip.
fn lines_of(
    model: &mut TensorModel,
    page: &Pixels,
    shrunk: &Pixels,
    options: &DetectOptions,
    most: usize,
) -> Result<Detected, OnnxError> {
    let letters = match options.limit_type {
        LimitType::Letters if !tiles::is_strip(page.width, page.height) => letter_height(shrunk),
        _ => None,
    };
    match tiles::shown(page.width, page.height, options, letters, most) {
        Shown::Nothing => Ok(Detected::default()),
        Shown::Whole(width, height) => in_whole(model, page, shrunk, (width, height), options),
        Shown::Tiles(tiles) => in_tiles(model, page, &tiles, options),
    }
}

/// The lines of a page that is detected whole; `shrunk` is the page within the bounds of its sides.
fn in_whole(
    model: &mut TensorModel,
    page: &Pixels,
    shrunk: &Pixels,
    (width, height): (usize, usize),
    options: &DetectOptions,
) -> Result<Detected, OnnxError> {
    let top = tiles::padding(shrunk.width, shrunk.height);
    let (shrunk_width, shrunk_height) = (shrunk.width as f32, shrunk.height as f32);
    let padded = if top == 0 {
        Cow::Borrowed(shrunk)
    } else {
        Cow::Owned(padded(shrunk, 0, top))
    };
    let (sx, sy) = (
        padded.width as f32 / width as f32,
        padded.height as f32 / height as f32,
    );
    let found = boxes(model, &padded.resize_bilinear(width, height), options)?;
    let (rx, ry) = (
        page.width as f32 / shrunk_width,
        page.height as f32 / shrunk_height,
    );
    let to_page = |p: Point| Point {
        x: ((p.x * sx).round() * rx).clamp(0.0, page.width as f32),
        y: (((p.y * sy).round() - top as f32) * ry).clamp(0.0, page.height as f32),
    };
    // Middles are not rounded to whole pixels.
    let to_middle = |p: Point| Point {
        x: p.x * sx * rx,
        y: (p.y * sy - top as f32) * ry,
    };
    let midlines = found.midlines.iter();
    Ok(Detected {
        midlines: midlines
            .map(|line| line.mapped(sy * ry, to_middle))
            .collect(),
        lines: found
            .lines
            .into_iter()
            .map(|(q, score)| (Quad(q.0.map(to_page)), score))
            .collect(),
    })
}

/// The lines of a page that is detected in tiles; uniform tiles are skipped.
fn in_tiles(
    model: &mut TensorModel,
    page: &Pixels,
    tiles: &[Tile],
    options: &DetectOptions,
) -> Result<Detected, OnnxError> {
    let mut found = Vec::new();
    let mut midlines = Vec::new();
    for (number, tile) in tiles.iter().enumerate() {
        let Some(part) = page
            .part(tile.x, tile.y, tile.width, tile.height)
            .filter(|part| !part.is_plain())
        else {
            continue;
        };
        let (width, height) = tile.input;
        let input = part.resize_bilinear(width, height);
        drop(part);
        let margin = |side: usize| tiles::LEAST_INPUT.saturating_sub(side).div_ceil(64) * 32;
        let (left, top) = (margin(width), margin(height));
        let input = if (left, top) == (0, 0) {
            input
        } else {
            padded(&input, left, top)
        };
        let (sx, sy) = (
            tile.width as f32 / width as f32,
            tile.height as f32 / height as f32,
        );
        let to_page = |p: Point| Point {
            x: tile.x as f32
                + ((p.x - left as f32) * sx)
                    .round()
                    .clamp(0.0, tile.width as f32),
            y: tile.y as f32
                + ((p.y - top as f32) * sy)
                    .round()
                    .clamp(0.0, tile.height as f32),
        };
        let to_middle = |p: Point| Point {
            x: tile.x as f32 + (p.x - left as f32) * sx,
            y: tile.y as f32 + (p.y - top as f32) * sy,
        };
        let boxes = boxes(model, &input, options)?;
        let lines = boxes.midlines.iter();
        midlines.extend(lines.map(|line| line.mapped(sy, to_middle)));
        found.extend(boxes.lines.into_iter().map(|(q, score)| TileLine {
            quad: Quad(q.0.map(to_page)),
            score,
            tile: Some(number),
        }));
    }
    Ok(Detected {
        lines: tiles::merged(found, page.width > page.height),
        midlines,
    })
}

/// The boxes in one input of the network.
fn boxes(
    model: &mut TensorModel,
    input: &Pixels,
    options: &DetectOptions,
) -> Result<Detected, OnnxError> {
    model.run(
        &[1, 3, input.height, input.width],
        normalized(input),
        |shape, map| {
            let (h, w) = (shape[shape.len() - 2], shape[shape.len() - 1]);
            Detected {
                lines: boxes_from_map(map, w, h, options),
                midlines: midlines(map, w, options.thresh),
            }
        },
    )
}

/// A picture with a black margin: `left` columns on both sides, `top` rows above and below.
fn padded(picture: &Pixels, left: usize, top: usize) -> Pixels {
    let (width, height) = (picture.width + 2 * left, picture.height + 2 * top);
    let mut out = Pixels {
        width,
        height,
        data: vec![0; width * height * 3],
    };
    out.paste(picture, left, top);
    out
}

/// `[3, height, width]`, (v / 255 - 0.5) / 0.5, channels B, G, R, as the networks were trained.
pub(super) fn normalized(picture: &Pixels) -> Vec<f32> {
    let count = picture.width * picture.height;
    let mut data = vec![0f32; count * 3];
    for (i, pixel) in picture.data.chunks_exact(3).enumerate() {
        for c in 0..3 {
            data[c * count + i] = pixel[2 - c] as f32 / 127.5 - 1.0;
        }
    }
    data
}

/// The boxes in a probability map of `width` x `height`.
fn boxes_from_map(
    map: &[f32],
    width: usize,
    height: usize,
    options: &DetectOptions,
) -> Vec<(Quad, f32)> {
    let mask = dilated(map, width, height, options.thresh);
    let mut boxes = Vec::new();
    for border in components(mask, width, height)
        .into_iter()
        .take(MAX_CANDIDATES)
    {
        let Some(rect) = min_area_rect(&border) else {
            continue;
        };
        if rect.width.min(rect.height) < MIN_AREA_SIDE {
            continue;
        }
        let score = mean_inside(map, width, height, &rect);
        if score < options.box_thresh {
            continue;
        }
        let grow =
            rect.width * rect.height * options.unclip_ratio / (2.0 * (rect.width + rect.height));
        let grown = TiltedRect {
            width: rect.width + 2.0 * grow,
            height: rect.height + 2.0 * grow,
            ..rect
        };
        if grown.width.min(grown.height) < MIN_AREA_SIDE + 2.0 {
            continue;
        }
        boxes.push((reading_quad(grown.corners()), score));
    }
    boxes
}

/// The thresholded map, every pixel spread to its right and lower neighbours (2x2 kernel, anchored at its
/// lower right as in OpenCV).
fn dilated(map: &[f32], width: usize, height: usize, thresh: f32) -> Vec<bool> {
    let mut mask = vec![false; width * height];
    for y in 0..height {
        for x in 0..width {
            if map[y * width + x] > thresh {
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    if x + dx < width && y + dy < height {
                        mask[(y + dy) * width + x + dx] = true;
                    }
                }
            }
        }
    }
    mask
}

/// The border pixels of every connected component (8-connected), the lowest first as in OpenCV.
fn components(mut mask: Vec<bool>, width: usize, height: usize) -> Vec<Vec<Point>> {
    let mut found = Vec::new();
    let mut stack = Vec::new();
    for start in 0..mask.len() {
        if !mask[start] {
            continue;
        }
        let mut extremes: std::collections::BTreeMap<usize, (usize, usize)> = Default::default();
        mask[start] = false;
        stack.push(start);
        while let Some(at) = stack.pop() {
            let (x, y) = (at % width, at / width);
            let row = extremes.entry(y).or_insert((x, x));
            *row = (row.0.min(x), row.1.max(x));
            for ny in y.saturating_sub(1)..(y + 2).min(height) {
                for nx in x.saturating_sub(1)..(x + 2).min(width) {
                    let next = ny * width + nx;
                    if mask[next] {
                        mask[next] = false;
                        stack.push(next);
                    }
                }
            }
        }
        // The first and last pixel of every row suffice for the convex hull.
        let point = |x: usize, y: usize| Point {
            x: x as f32,
            y: y as f32,
        };
        found.push(
            extremes
                .into_iter()
                .flat_map(|(y, (a, b))| [point(a, y), point(b, y)])
                .collect(),
        );
    }
    found.reverse();
    found
}

/// Mean probability inside a rectangle.
fn mean_inside(map: &[f32], width: usize, height: usize, rect: &TiltedRect) -> f32 {
    let bounds = Quad(rect.corners()).bounds();
    let (sin, cos) = rect.angle.sin_cos();
    let (mut sum, mut count) = (0f64, 0u32);
    let clamp = |v: f32, n: usize| v.clamp(0.0, n as f32 - 1.0) as usize;
    for y in clamp(bounds.y1.floor(), height)..=clamp(bounds.y2.ceil(), height) {
        for x in clamp(bounds.x1.floor(), width)..=clamp(bounds.x2.ceil(), width) {
            let (dx, dy) = (x as f32 - rect.center.x, y as f32 - rect.center.y);
            let (u, v) = (dx * cos + dy * sin, dy * cos - dx * sin);
            if u.abs() <= rect.width / 2.0 + 0.5 && v.abs() <= rect.height / 2.0 + 0.5 {
                sum += map[y * width + x] as f64;
                count += 1;
            }
        }
    }
    if count == 0 {
        0.0
    } else {
        (sum / count as f64) as f32
    }
}

/// Corners in reading order: top left, top right, bottom right, bottom left.
fn reading_quad(mut corners: [Point; 4]) -> Quad {
    corners.sort_by(|a, b| a.x.total_cmp(&b.x));
    let [a, b, c, d] = corners;
    let (top_left, bottom_left) = if b.y > a.y { (a, b) } else { (b, a) };
    let (top_right, bottom_right) = if d.y > c.y { (c, d) } else { (d, c) };
    Quad([top_left, top_right, bottom_right, bottom_left])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_becomes_a_grown_box() {
        let (width, height) = (64, 32);
        let mut map = vec![0f32; width * height];
        for y in 10..18 {
            map[y * width + 10..y * width + 50].fill(0.9);
        }
        let boxes = boxes_from_map(&map, width, height, &DetectOptions::default());
        assert_eq!(boxes.len(), 1);
        let bounds = boxes[0].0.bounds();
        // 40 x 8 after dilation and on pixel centres, grown by 40 * 8 * 1.6 / 96 = 5.3
        assert!(
            (bounds.x1 - 4.7).abs() < 0.1 && (bounds.x2 - 55.3).abs() < 0.1,
            "{bounds:?}"
        );
        assert!(
            (bounds.y1 - 4.7).abs() < 0.1 && (bounds.y2 - 23.3).abs() < 0.1,
            "{bounds:?}"
        );
        assert!(boxes[0].1 > 0.7);
    }

    #[test]
    fn faint_and_tiny_areas_are_dropped() {
        let (width, height) = (64, 32);
        let mut map = vec![0f32; width * height];
        for y in 10..18 {
            map[y * width + 10..y * width + 30].fill(0.4);
        }
        map[0] = 1.0;
        assert!(boxes_from_map(&map, width, height, &DetectOptions::default()).is_empty());
    }
}
