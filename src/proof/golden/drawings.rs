//! Comparison of pictures: exact if only our own arithmetic is involved, tolerant if fonts, encoders and the
//! noise of corners are.

use super::compare::{numbers, polygon};
use crate::raster::Pixels;
use serde_json::Value;

use super::compare::Checked;
/// Levels by which a pixel of a drawing may differ.
const LEVELS: u8 = 8;
/// Mean difference in levels of pictures that were encoded or contain rendered text.
const ALIKE: f64 = 6.0;
/// Pixels along an edge whose whitening may differ.
const EDGE: i64 = 2;

fn same_size(a: &Pixels, b: &Pixels) -> Checked {
    if (a.width, a.height) == (b.width, b.height) {
        return Ok(());
    }
    Err(format!(
        "expected {}x{} pixels, got {}x{}",
        a.width, a.height, b.width, b.height
    ))
}

fn differ(a: &[u8], b: &[u8]) -> bool {
    a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > LEVELS)
}

/// Compares two pictures by mean difference.
pub(super) fn alike(expected: &Pixels, got: &Pixels) -> Checked {
    same_size(expected, got)?;
    let sum: u64 = expected
        .data
        .iter()
        .zip(&got.data)
        .map(|(a, b)| a.abs_diff(*b) as u64)
        .sum();
    let mean = sum as f64 / expected.data.len().max(1) as f64;
    if mean <= ALIKE {
        Ok(())
    } else {
        Err(format!("pixels differ by {mean:.1} levels on average"))
    }
}

/// Compares two crops, ignoring pixels near the border of the whitened area.
pub(super) fn same_but_for_borders(expected: &Pixels, got: &Pixels) -> Checked {
    same_size(expected, got)?;
    let white = |x: i64, y: i64| expected.clamped_pixel(x, y) == [255; 3];
    let near_border = |x: i64, y: i64| {
        (-EDGE..=EDGE).any(|dy| (-EDGE..=EDGE).any(|dx| white(x + dx, y + dy) != white(x, y)))
    };
    let wrong = places(expected, got, |a, b| a != b)
        .filter(|(x, y)| !near_border(*x, *y))
        .count();
    if wrong == 0 {
        Ok(())
    } else {
        Err(format!("{wrong} pixels differ inside the crop"))
    }
}

/// Positions at which two pictures of equal size differ.
fn places<'a>(
    a: &'a Pixels,
    b: &'a Pixels,
    differs: impl Fn(&[u8], &[u8]) -> bool + 'a,
) -> impl Iterator<Item = (i64, i64)> + 'a {
    let pairs = a
        .data
        .chunks_exact(3)
        .zip(b.data.chunks_exact(3))
        .enumerate();
    pairs
        .filter(move |(_, (a, b))| differs(a, b))
        .map(|(i, _)| ((i % a.width) as i64, (i / a.width) as i64))
}

fn none_outside(expected: &Pixels, got: &Pixels, is_text: impl Fn(i64, i64) -> bool) -> Checked {
    let mut wrong = places(expected, got, differ).filter(|(x, y)| !is_text(*x, *y));
    match wrong.next() {
        None => Ok(()),
        Some((x, y)) => Err(format!(
            "{} pixels differ outside text, first at ({x}, {y})",
            wrong.count() + 1
        )),
    }
}

/// Compares drawings of a layout, ignoring labels and numbers.
///
/// Labels are at the top left corner (of polygons: the vertex nearest to it), numbers at the top right one.
pub(super) fn same_layout(expected: &Pixels, got: &Pixels, boxes: &Value) -> Checked {
    same_size(expected, got)?;
    // Font height, plus the amount by which small sizes are rounded up.
    let size = (0.018 * expected.width as f64) + 3.0;
    let mut text: Vec<[f64; 4]> = Vec::new();
    let mut edges: Vec<[f64; 4]> = Vec::new();
    for found in boxes.as_array().into_iter().flatten() {
        let b = numbers(&found["coordinate"]);
        let points = found.get("polygon_points").map(polygon);
        // Corners are truncated to whole pixels, so noise can move an edge.
        let ring = points
            .iter()
            .flat_map(|p| p.iter().zip(p.iter().cycle().skip(1)));
        edges.extend(ring.map(|(a, b)| [a.x, a.y, b.x, b.y].map(f64::from)));
        let corner = |x: f64| match &points {
            Some(points) => {
                let to = crate::geometry::Point {
                    x: x as f32,
                    y: 0.0,
                };
                let near = crate::layout::polygons::nearest_corner(points, to);
                near.map_or([0.0; 2], |p| [p.x as f64, p.y as f64])
            }
            None => [if x > 0.0 { b[2] } else { b[0] }, b[1]],
        };
        // Letters are at most as wide as the font height.
        let letters = found["label"].as_str().map_or(0, str::len) as f64 + 5.0;
        let [x, y] = corner(0.0);
        text.push([x - 2.0, y - 2.0 * size, x + letters * size, y + 2.0 * size]);
        let [x, y] = corner(expected.width as f64);
        text.push([
            x - 2.0 * size,
            y - 2.0 * size,
            x + 2.0 * size,
            y + 2.0 * size,
        ]);
    }
    none_outside(expected, got, |x, y| {
        let (x, y) = (x as f64, y as f64);
        text.iter()
            .any(|t| x >= t[0] && x <= t[2] && y >= t[1] && y <= t[3])
            || edges.iter().any(|e| distance_to([x, y], e) <= EDGE as f64)
    })
}

/// Distance of a point from a line segment.
fn distance_to([x, y]: [f64; 2], [x1, y1, x2, y2]: &[f64; 4]) -> f64 {
    let (dx, dy) = (x2 - x1, y2 - y1);
    let along = ((x - x1) * dx + (y - y1) * dy) / (dx * dx + dy * dy).max(1e-9);
    let along = along.clamp(0.0, 1.0);
    (x - x1 - along * dx).hypot(y - y1 - along * dy)
}

/// Compares drawings of spotted text, ignoring the right half, which is rendered text.
pub(super) fn same_left_half(expected: &Pixels, got: &Pixels) -> Checked {
    same_size(expected, got)?;
    let half = expected.width as i64 / 2;
    none_outside(expected, got, |x, _| x >= half)
}

/// Height of the band with captions.
const CAPTION_BAND: i64 = 25;

/// Compares drawings of preprocessing steps, ignoring captions.
pub(super) fn same_above_captions(expected: &Pixels, got: &Pixels) -> Checked {
    same_size(expected, got)?;
    let captions = expected.height as i64 - CAPTION_BAND;
    none_outside(expected, got, |_, y| y >= captions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_seen_where_they_matter() {
        let white = Pixels::white(40, 40);
        let mut spotted = white.clone();
        spotted.set(30, 10, [0; 3]);
        assert!(same_left_half(&white, &spotted).is_ok());
        spotted.set(10, 10, [0; 3]);
        assert!(
            same_left_half(&white, &spotted)
                .unwrap_err()
                .contains("(10, 10)")
        );
        assert!(same_above_captions(&white, &spotted).is_err());
        assert!(alike(&white, &spotted).is_ok());
        assert!(alike(&white, &Pixels::white(40, 41)).is_err());
        assert!(same_but_for_borders(&white, &spotted).is_err());
    }
}
