//! How a page is turned, by the boxes of its lines: across or along, and its skew.

use super::thresholds::skew::*;
use crate::geometry::{Point, Quad};

/// The lines that tell how a page is turned.
pub(super) fn longest(lines: &[(Quad, f32)]) -> Vec<&Quad> {
    let mut longest: Vec<&Quad> = lines.iter().map(|(quad, _)| quad).collect();
    longest.sort_by(|a, b| {
        b.width()
            .max(b.height())
            .total_cmp(&a.width().max(a.height()))
    });
    longest.truncate(ORIENTATION_LINES);
    longest
}

/// `true` if most of these lines run along the page.
pub(super) fn are_tall(lines: &[&Quad]) -> bool {
    let tall = lines.iter().filter(|q| q.height() > q.width() * TALL);
    tall.count() * 2 > lines.len()
}

/// Skew of the page in radians clockwise: the median of the lines' angles, weighted by length; 0 if it is too
/// small or too large to be a skew.
pub(super) fn skew(quads: &[Quad]) -> f32 {
    let mut angles: Vec<(f32, f32)> = quads
        .iter()
        .filter(|q| q.width() > LONG * q.height())
        .map(|q| ((q.0[1].y - q.0[0].y).atan2(q.0[1].x - q.0[0].x), q.width()))
        .collect();
    angles.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f32 = angles.iter().map(|a| a.1).sum();
    let mut passed = 0.0;
    let median = angles.iter().find(|(_, weight)| {
        passed += weight;
        passed * 2.0 >= total
    });
    median
        .map(|(angle, _)| *angle)
        .filter(|a| (MIN_SKEW..MAX_SKEW).contains(&a.abs()))
        .unwrap_or(0.0)
}

/// A point turned clockwise by `angle` radians about a centre.
pub(super) fn rotate_point(p: Point, angle: f32, cx: f32, cy: f32) -> Point {
    let (sin, cos) = angle.sin_cos();
    let (dx, dy) = (p.x - cx, p.y - cy);
    Point {
        x: cx + dx * cos - dy * sin,
        y: cy + dx * sin + dy * cos,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_at(angle: f32) -> Quad {
        let p = |x: f32, y: f32| rotate_point(Point { x, y }, angle, 0.0, 0.0);
        Quad([p(0.0, 0.0), p(200.0, 0.0), p(200.0, 20.0), p(0.0, 20.0)])
    }

    #[test]
    fn skew_is_what_most_lines_have() {
        let quads = [line_at(0.02), line_at(0.021), line_at(0.019), line_at(-0.2)];
        assert!((skew(&quads) - 0.02).abs() < 0.002);
        assert_eq!(skew(&[line_at(0.001)]), 0.0);
        assert_eq!(skew(&[]), 0.0);
    }
}
