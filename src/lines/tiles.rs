//! Tiling for the line detector: a page is detected whole or in overlapping tiles, whose results are merged.
//!
//! rapidocr downscales a picture until its longer side has 2000 pixels and then upscales it until its shorter
//! one has 736. This suits pages, but not strips: a screenshot of 800x30000 pixels loses every letter in the
//! first step and becomes 17 million pixels of nothing in the second. Such a picture is scaled as a
//! page-shaped piece of it would be, and cut into tiles: an input of the network never has more pixels than
//! [`most_pixels`](super::memory::most_pixels) allows, whatever the page's size, proportions and settings.
//!
//! All sizes are `(width, height)`. "Network pixels" are page pixels times the scale.

use super::options::{DetectOptions, LimitType};
use crate::geometry::{Point, Quad, Rect};

/// rapidocr 3.10.0, `config.yaml`, `Global.max_side_len`: larger pictures are shrunk before anything else.
pub(super) const MAX_SIDE: usize = 2000;
/// rapidocr 3.10.0, `config.yaml`, `Global.min_side_len`.
pub(super) const MIN_SIDE: usize = 30;
/// rapidocr 3.10.0, `config.yaml`, `Global.width_height_ratio`: flatter pictures are padded above and below.
pub(super) const MAX_FLATNESS: usize = 8;
/// Aspect ratio from which an oversized picture is a strip: rapidocr's two steps conflict from 2000 / 736 =
/// 2.7 on; at 3 the downscaled picture still has nine tenths of the size that it is upscaled to.
const STRIP: usize = 3;
/// Longer side from which an aspect ratio of 2 is a strip too: rapidocr leaves 5 pixels of screen letters.
const VERY_LONG: usize = 6000;
/// Aspect ratio of the pages that a strip is assumed to consist of: that of paper.
const PAGE_ASPECT: f64 = std::f64::consts::SQRT_2;
/// Pictures with a shorter side below this contain no legible text.
pub(super) const LEAST_SIDE: usize = 5;
/// Network pixels of a tile, about those of an ordinary page (A4 at 144 dpi), so memory is the same.
const TILE_PIXELS: usize = 2_200_000;
/// Minimum side of the network's input: in smaller ones it sees only the border.
pub(super) const LEAST_INPUT: usize = 96;
/// Minimum height of tiles that must cut lines, so that most lines are whole in one of two tiles.
const LEAST_TILE: usize = 768;
/// Longest side of a tile in network pixels.
const LONGEST_TILE: usize = 8192;
/// Height of letters in network pixels that is enough ([`letter_height`](super::letter_height)). Measured with
/// `tests/pictures`: at 13 the results are those of the full size but for lines of dots; at 11 the lines are all found, too, but
/// boxes are so coarse that a table of nine is lost and cells run together; at 7 columns do.
const LETTERS: f32 = 14.0;
/// Least shorter side of a picture that is scaled by its letters.
const LEAST_SIDE_BY_LETTERS: f32 = 192.0;
/// Pixels to which a picture is shrunk by its letters at most: less saves little time, and coarse boxes hide which lines are
/// headings.
const LEAST_PIXELS_BY_LETTERS: f32 = 1e6;
/// Overlap of neighbouring tiles as a fraction of a tile: an eighth.
const OVERLAP: usize = 8;
/// Limit of network pixels over all tiles of a page; larger pages are downscaled. Equals the largest accepted
/// picture at its own scale, plus half as much for overlaps.
const ALL_PIXELS: f64 = 268e6;

/// A part of the page that is passed to the detector by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    /// Left edge in page pixels.
    pub x: usize,
    /// Upper edge in page pixels.
    pub y: usize,
    /// Width in page pixels.
    pub width: usize,
    /// Height in page pixels.
    pub height: usize,
    /// Width and height after resampling, multiples of 32.
    pub input: (usize, usize),
}

/// Division of a page into inputs of the detector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// No input: nothing on the page could be read.
    Nothing,
    /// One input, as in rapidocr; its size.
    Whole(usize, usize),
    /// In tiles, row by row.
    Tiles(Vec<Tile>),
}

/// Inputs of the detector for a page of `width` x `height` pixels, none with more than `most` pixels.
///
/// `letters`: their height on the page in pixels, after its sides were clamped ([`within_bounds`]), if it is known. Tiles cover
/// the page, and several ones overlap by an eighth of their length.
pub(super) fn shown(
    width: usize,
    height: usize,
    options: &DetectOptions,
    letters: Option<f32>,
    most: usize,
) -> Shown {
    if width.min(height) < LEAST_SIDE {
        return Shown::Nothing;
    }
    let whole = whole_input(width, height, options, letters);
    let strip = is_strip(width, height);
    if !strip && whole.0.saturating_mul(whole.1) <= most {
        return Shown::Whole(whole.0, whole.1);
    }
    let (mut sx, mut sy) = match strip {
        true => [strip_scale(width, height, options); 2].into(),
        false => (
            whole.0 as f64 / width as f64,
            whole.1 as f64 / height as f64,
        ),
    };
    let all = width as f64 * sx * (height as f64 * sy);
    let fit = (ALL_PIXELS / all).sqrt().min(1.0);
    (sx, sy) = (sx * fit, sy * fit);
    let side = |n: usize, scale: f64| ((n as f64 * scale).round() as usize).max(1);
    let (w, h) = (side(width, sx), side(height, sy));
    let (most_w, most_h) = tile_limits(w, h, most.min(TILE_PIXELS));
    let (columns, rows) = (cuts(width, w, most_w), cuts(height, h, most_h));
    let tile = |&(y, height, input_height): &(usize, usize, usize)| {
        let of = move |&(x, width, input_width): &(usize, usize, usize)| Tile {
            x,
            y,
            width,
            height,
            input: (input_width, input_height),
        };
        columns.iter().map(of).collect::<Vec<_>>()
    };
    Shown::Tiles(rows.iter().flat_map(tile).collect())
}

/// `true` if rapidocr's rule would scale a picture of these proportions uselessly.
pub(super) fn is_strip(width: usize, height: usize) -> bool {
    let (long, short) = (width.max(height), width.min(height).max(1));
    let is_long = long > MAX_SIDE && long > short * STRIP;
    let is_very_long = long > VERY_LONG && long > short * 2;
    // The rule pads flat pictures, but not tall ones.
    is_long || is_very_long || height > width * MAX_FLATNESS
}

/// Network pixels per page pixel of a strip: the scale of a page-shaped piece of it; thinner strips are
/// padded as rapidocr pads flat pictures (a quarter as high as wide).
fn strip_scale(width: usize, height: usize, options: &DetectOptions) -> f64 {
    let (long, short) = (width.max(height) as f64, width.min(height) as f64);
    let piece = long.min((short * PAGE_ASPECT).max(MAX_SIDE as f64));
    let shrunk = (MAX_SIDE as f64 / piece).min(1.0);
    let limit = f64::from(options.limit_side_len);
    match options.limit_type {
        LimitType::Min | LimitType::Letters => {
            shrunk * (limit / (shrunk * short.max(piece / 4.0))).max(1.0)
        }
        LimitType::Max => shrunk * (limit / (shrunk * piece)).min(1.0),
    }
}

/// Size of the input for a whole page by rapidocr's rule, or a smaller one that its letters allow; its pixels are not bounded.
fn whole_input(
    width: usize,
    height: usize,
    options: &DetectOptions,
    letters: Option<f32>,
) -> (usize, usize) {
    let (width, height) = within_bounds(width, height);
    let padded = height + 2 * padding(width, height);
    network_size(width, padded, options, letters)
}

/// Size of a picture after clamping its sides (rapidocr 3.10.0, `resize_image_within_bounds`).
pub(super) fn within_bounds(width: usize, height: usize) -> (usize, usize) {
    let longest = width.max(height);
    let shortest = width.min(height).max(1);
    let ratio = if longest > MAX_SIDE {
        MAX_SIDE as f32 / longest as f32
    } else if shortest < MIN_SIDE {
        MIN_SIDE as f32 / shortest as f32
    } else {
        return (width, height);
    };
    let side = |n: usize| to_32(n as f32 * ratio);
    (side(width), side(height))
}

/// Rows of black padding above a flat picture, and as many below; 0 for others.
pub(super) fn padding(width: usize, height: usize) -> usize {
    if height > MIN_SIDE && width <= height * MAX_FLATNESS {
        return 0;
    }
    let target = (width / MAX_FLATNESS).max(MIN_SIDE) * 2;
    target.abs_diff(height) / 2
}

/// Size of the network's input for a picture of `width` x `height` with letters of a height in pixels, if known (rapidocr
/// 3.10.0, `DetPreProcess`).
pub(super) fn network_size(
    width: usize,
    height: usize,
    options: &DetectOptions,
    letters: Option<f32>,
) -> (usize, usize) {
    let limit = options.limit_side_len as f32;
    let side = match options.limit_type {
        LimitType::Min | LimitType::Letters => width.min(height) as f32,
        LimitType::Max => width.max(height) as f32,
    };
    let ratio = match options.limit_type {
        LimitType::Min | LimitType::Letters if side < limit => limit / side,
        LimitType::Max if side > limit => limit / side,
        _ => 1.0,
    };
    let ratio = match (options.limit_type, letters) {
        (LimitType::Letters, Some(letters)) => {
            let whole = (LEAST_PIXELS_BY_LETTERS / (width as f32 * height as f32)).sqrt();
            let least = (LEAST_SIDE_BY_LETTERS / side).max(whole.min(1.0));
            ratio.min((LETTERS / letters).max(least))
        }
        _ => ratio,
    };
    (to_32(width as f32 * ratio), to_32(height as f32 * ratio))
}

/// Rounds to a multiple of 32, at least 32.
fn to_32(side: f32) -> usize {
    ((side.floor() / 32.0).round_ties_even() as usize * 32).max(32)
}

/// Largest tile of a picture of `width` x `height` network pixels: as wide as possible, so that few lines are
/// cut, unless the picture is a flat strip.
fn tile_limits(width: usize, height: usize, most: usize) -> (usize, usize) {
    let floor = |n: usize| (n / 32 * 32).clamp(32, LONGEST_TILE);
    let up = |n: usize| n.next_multiple_of(32).max(LEAST_INPUT);
    let square = floor((most as f64).sqrt() as usize);
    if up(height) <= square {
        return (floor(most / up(height)), up(height));
    }
    let wide = up(width).min(floor(most / LEAST_TILE.min(square)));
    (wide, floor(most / wide))
}

/// Splits a side of `length` page pixels, scaled to `seen` network pixels, into parts of at most `most`:
/// start and length in page pixels, and length in network pixels, a multiple of 32.
fn cuts(length: usize, seen: usize, most: usize) -> Vec<(usize, usize, usize)> {
    let input = |seen: usize| (seen.next_multiple_of(32)).min(most).max(32);
    if seen <= most {
        return vec![(0, length, input(seen))];
    }
    let overlap = most / OVERLAP;
    let count = (seen - overlap).div_ceil(most - overlap);
    let part = (seen + (count - 1) * overlap).div_ceil(count).min(most);
    // In page pixels, the first part at the start and the last at the end.
    let share = (length as u128 * part as u128).div_ceil(seen as u128) as usize;
    let share = share.min(length);
    let start = |i: usize| ((length - share) as u128 * i as u128 / (count - 1) as u128) as usize;
    (0..count).map(|i| (start(i), share, input(part))).collect()
}

/// A line found in a tile.
#[derive(Debug, Clone, Copy)]
pub(super) struct TileLine {
    /// Quadrilateral in page pixels.
    pub quad: Quad,
    /// Score.
    pub score: f32,
    /// Index of the tile; `None` if merged from several.
    pub tile: Option<usize>,
}

/// Share of the thinner line's height that two lines must have in common to be one.
const SAME_BAND: f32 = 0.6;
/// Length that they must have in common, in heights of the thinner line or shares of the shorter, whichever
/// is less: boxes are grown, so boxes of neighbours on a line may touch.
const SAME_PIECE: f32 = 0.5;

/// Merges the lines of overlapping tiles: a line in two tiles is kept once, a line cut by a seam becomes
/// whole.
///
/// Two lines of different tiles are one if they lie in the same band and share a part of it. `along_x`: the
/// tiles are arranged from left to right.
pub(super) fn merged(mut found: Vec<TileLine>, along_x: bool) -> Vec<(Quad, f32)> {
    let reach = |f: &TileLine| {
        let bounds = f.quad.bounds();
        if along_x {
            (bounds.x1, bounds.x2)
        } else {
            (bounds.y1, bounds.y2)
        }
    };
    found.sort_by(|a, b| reach(a).0.total_cmp(&reach(b).0).then(a.tile.cmp(&b.tile)));
    let mut lines: Vec<Option<TileLine>> = Vec::with_capacity(found.len());
    // Indices of lines that later ones may still reach.
    let mut open: Vec<usize> = Vec::new();
    for mut line in found {
        let start = reach(&line).0;
        open.retain(|&i| {
            lines[i]
                .as_ref()
                .is_some_and(|other| reach(other).1 >= start)
        });
        for &i in &open {
            let Some(other) = &lines[i] else { continue };
            if let Some(joined) = (other.tile.is_none() || other.tile != line.tile)
                .then(|| joined(other, &line))
                .flatten()
            {
                lines[i] = None;
                line = joined;
            }
        }
        open.push(lines.len());
        lines.push(Some(line));
    }
    lines
        .into_iter()
        .flatten()
        .map(|f| (f.quad, f.score))
        .collect()
}

/// Two lines merged; `None` if they are not the same line.
fn joined(a: &TileLine, b: &TileLine) -> Option<TileLine> {
    let (ba, bb) = (a.quad.bounds(), b.quad.bounds());
    if !ba.near(&bb, 0.0) {
        return None;
    }
    // Along the longer line, horizontal or vertical.
    let long = |f: &TileLine| f.quad.width().max(f.quad.height());
    let quad = if long(a) >= long(b) { &a.quad } else { &b.quad };
    let [p0, p1, _, p3] = quad.0;
    let runs_down = quad.height() > quad.width();
    let angle = match runs_down {
        false => (p1.y - p0.y).atan2(p1.x - p0.x),
        true => (p3.y - p0.y).atan2(p3.x - p0.x) - std::f32::consts::FRAC_PI_2,
    };
    let (sin, cos) = angle.sin_cos();
    // Relative to the longer line's first corner: far from the origin single precision is too coarse.
    let turned = |p: Point| Point {
        x: (p.x - p0.x) * cos + (p.y - p0.y) * sin,
        y: (p.y - p0.y) * cos - (p.x - p0.x) * sin,
    };
    let (ra, rb) = (
        Quad(a.quad.0.map(turned)).bounds(),
        Quad(b.quad.0.map(turned)).bounds(),
    );
    let (x, y) = (ra.overlap_x(&rb), ra.overlap_y(&rb));
    let (width, height) = (ra.width().min(rb.width()), ra.height().min(rb.height()));
    let (along, across) = if runs_down { (y, x) } else { (x, y) };
    let (length, thickness) = if runs_down {
        (height, width)
    } else {
        (width, height)
    };
    if along < SAME_PIECE * length.min(thickness) || across < SAME_BAND * thickness {
        return None;
    }
    let Rect { x1, y1, x2, y2 } = ra.union(&rb);
    let back = |x: f32, y: f32| Point {
        x: p0.x + x * cos - y * sin,
        y: p0.y + x * sin + y * cos,
    };
    let quad = Quad([back(x1, y1), back(x2, y1), back(x2, y2), back(x1, y2)]);
    Some(TileLine {
        quad,
        score: a.score.max(b.score),
        tile: None,
    })
}

#[cfg(test)]
mod tests;
