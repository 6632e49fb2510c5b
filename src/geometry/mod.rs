//! Points, rectangles and quadrilaterals in page pixels, and measures of their overlap.
//!
//! A [`Rect`] always lies in page pixels: origin top left, x to the right, y down. Other spaces (PDF points,
//! model inputs) have their own types where they occur and one conversion function each.

pub(crate) mod contour;
pub(crate) mod polygon;

use serde::{Deserialize, Serialize};

/// A point in page pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Distance from the left edge.
    pub x: f32,
    /// Distance from the top edge.
    pub y: f32,
}

/// An upright rectangle in page pixels; `x1 <= x2` and `y1 <= y2` for every non-empty one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge.
    pub x1: f32,
    /// Top edge.
    pub y1: f32,
    /// Right edge.
    pub x2: f32,
    /// Bottom edge.
    pub y2: f32,
}

impl Rect {
    /// The rectangle between two corners given in any order.
    pub fn new(x1: f32, y1: f32, x2: f32, y2: f32) -> Self {
        Self {
            x1: x1.min(x2),
            y1: y1.min(y2),
            x2: x1.max(x2),
            y2: y1.max(y2),
        }
    }

    /// Width, never negative.
    pub fn width(&self) -> f32 {
        (self.x2 - self.x1).max(0.0)
    }

    /// Height, never negative.
    pub fn height(&self) -> f32 {
        (self.y2 - self.y1).max(0.0)
    }

    /// Area in square pixels.
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// Horizontal middle.
    pub fn center_x(&self) -> f32 {
        (self.x1 + self.x2) / 2.0
    }

    /// Vertical middle.
    pub fn center_y(&self) -> f32 {
        (self.y1 + self.y2) / 2.0
    }

    /// The bounding box of both.
    pub fn union(&self, other: &Rect) -> Rect {
        Rect {
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
            x2: self.x2.max(other.x2),
            y2: self.y2.max(other.y2),
        }
    }

    /// The bounding box of all; `None` if there are none.
    pub fn union_all<'a>(rects: impl IntoIterator<Item = &'a Rect>) -> Option<Rect> {
        rects.into_iter().copied().reduce(|a, b| a.union(&b))
    }

    /// The common part; empty (zero area) if there is none.
    pub fn intersection(&self, other: &Rect) -> Rect {
        let x1 = self.x1.max(other.x1);
        let y1 = self.y1.max(other.y1);
        Rect {
            x1,
            y1,
            x2: self.x2.min(other.x2).max(x1),
            y2: self.y2.min(other.y2).max(y1),
        }
    }

    /// Share of this rectangle's own area that lies in `other`, 0 to 1; 0 for an empty rectangle.
    pub fn share_inside(&self, other: &Rect) -> f32 {
        let area = self.area();
        if area <= 0.0 {
            0.0
        } else {
            self.intersection(other).area() / area
        }
    }

    /// Length of the common part of the two horizontal extents.
    pub fn overlap_x(&self, other: &Rect) -> f32 {
        (self.x2.min(other.x2) - self.x1.max(other.x1)).max(0.0)
    }

    /// Length of the common part of the two vertical extents.
    pub fn overlap_y(&self, other: &Rect) -> f32 {
        (self.y2.min(other.y2) - self.y1.max(other.y1)).max(0.0)
    }

    /// `true` if the two touch or overlap once one of them is grown by `margin` on every side.
    pub fn near(&self, other: &Rect, margin: f32) -> bool {
        self.x1 - margin <= other.x2
            && other.x1 - margin <= self.x2
            && self.y1 - margin <= other.y2
            && other.y1 - margin <= self.y2
    }

    /// `true` if the point lies inside or on the edge.
    pub fn contains(&self, x: f32, y: f32) -> bool {
        x >= self.x1 && x <= self.x2 && y >= self.y1 && y <= self.y2
    }

    /// Growth by `dx` to the left and right and by `dy` up and down.
    pub fn expanded(&self, dx: f32, dy: f32) -> Rect {
        Rect {
            x1: self.x1 - dx,
            y1: self.y1 - dy,
            x2: self.x2 + dx,
            y2: self.y2 + dy,
        }
    }

    /// Clipped to a page of `width` x `height` pixels.
    pub fn clamped(&self, width: f32, height: f32) -> Rect {
        Rect {
            x1: self.x1.clamp(0.0, width),
            y1: self.y1.clamp(0.0, height),
            x2: self.x2.clamp(0.0, width),
            y2: self.y2.clamp(0.0, height),
        }
    }

    /// Growth outward to whole pixels, `[x1, y1, x2, y2]`.
    pub fn to_pixels(&self) -> [i32; 4] {
        [
            self.x1.floor() as i32,
            self.y1.floor() as i32,
            self.x2.ceil() as i32,
            self.y2.ceil() as i32,
        ]
    }
}

/// Groups boxes into rows from top to bottom: a box belongs to the row above it if they share more than half
/// of the lower one's height. Returns for each row the indices of its boxes, by vertical middle, and its
/// extent.
///
/// `extent` computes the new extent of a row when a box is added to it.
pub(crate) fn rows_by_overlap(
    boxes: &[Rect],
    extent: impl Fn(&Rect, &Rect) -> Rect,
) -> Vec<(Vec<usize>, Rect)> {
    let mut sorted: Vec<usize> = (0..boxes.len()).collect();
    sorted.sort_by(|&a, &b| {
        boxes[a]
            .center_y()
            .total_cmp(&boxes[b].center_y())
            .then(a.cmp(&b))
    });
    let mut rows: Vec<(Vec<usize>, Rect)> = Vec::new();
    for i in sorted {
        let bbox = &boxes[i];
        match rows.last_mut() {
            Some((row, reach))
                if reach.overlap_y(bbox) > 0.5 * bbox.height().min(reach.height()) =>
            {
                row.push(i);
                *reach = extent(reach, bbox);
            }
            _ => rows.push((vec![i], *bbox)),
        }
    }
    rows
}

/// Four corners in page pixels in reading direction: top left, top right, bottom right, bottom left of the
/// text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quad(pub [Point; 4]);

impl Quad {
    /// The bounding box of the corners.
    pub fn bounds(&self) -> Rect {
        let xs = self.0.map(|p| p.x);
        let ys = self.0.map(|p| p.y);
        let min = |v: [f32; 4]| v.into_iter().fold(f32::INFINITY, f32::min);
        let max = |v: [f32; 4]| v.into_iter().fold(f32::NEG_INFINITY, f32::max);
        Rect {
            x1: min(xs),
            y1: min(ys),
            x2: max(xs),
            y2: max(ys),
        }
    }

    /// Length in pixels of the longer of the two edges along the reading direction.
    pub fn width(&self) -> f32 {
        distance(self.0[0], self.0[1]).max(distance(self.0[2], self.0[3]))
    }

    /// Length in pixels of the longer of the two edges across the reading direction.
    pub fn height(&self) -> f32 {
        distance(self.0[0], self.0[3]).max(distance(self.0[1], self.0[2]))
    }
}

/// Distance between two points.
pub(crate) fn distance(a: Point, b: Point) -> f32 {
    (a.x - b.x).hypot(a.y - b.y)
}

/// The convex hull of the points, counter-clockwise in a y-up plane, without collinear points.
///
/// Andrew's monotone chain. Fewer than three distinct points are returned as they are.
pub(crate) fn convex_hull(points: &[Point]) -> Vec<Point> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let half = |points: &mut dyn Iterator<Item = Point>| {
        let mut chain: Vec<Point> = Vec::new();
        for p in points {
            while chain.len() >= 2
                && cross(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0.0
            {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut sorted.iter().copied());
    hull.extend(half(&mut sorted.iter().rev().copied()));
    hull
}

fn cross(o: Point, a: Point, b: Point) -> f64 {
    (a.x - o.x) as f64 * (b.y - o.y) as f64 - (a.y - o.y) as f64 * (b.x - o.x) as f64
}

/// A rotated rectangle: its middle, its two side lengths and the angle of the first side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TiltedRect {
    /// Middle of the rectangle.
    pub center: Point,
    /// Length along `angle`, in pixels.
    pub width: f32,
    /// Length across `angle`, in pixels.
    pub height: f32,
    /// Direction of the width, in radians, clockwise on the page.
    pub angle: f32,
}

impl TiltedRect {
    /// The four corners in circular order.
    pub(crate) fn corners(&self) -> [Point; 4] {
        let (sin, cos) = self.angle.sin_cos();
        let (w, h) = (self.width / 2.0, self.height / 2.0);
        [(-w, -h), (w, -h), (w, h), (-w, h)].map(|(x, y)| Point {
            x: self.center.x + x * cos - y * sin,
            y: self.center.y + x * sin + y * cos,
        })
    }
}

/// The rectangle of least area around the points; `None` if there are no points.
///
/// One of its sides lies on an edge of the convex hull, so every edge is tried.
pub(crate) fn min_area_rect(points: &[Point]) -> Option<TiltedRect> {
    let hull = convex_hull(points);
    let first = *hull.first()?;
    if hull.len() == 1 {
        return Some(TiltedRect {
            center: first,
            width: 0.0,
            height: 0.0,
            angle: 0.0,
        });
    }
    let mut best: Option<TiltedRect> = None;
    for i in 0..hull.len() {
        let (a, b) = (hull[i], hull[(i + 1) % hull.len()]);
        let angle = (b.y - a.y).atan2(b.x - a.x);
        let (sin, cos) = angle.sin_cos();
        let (mut u, mut v) = (
            [f32::INFINITY, f32::NEG_INFINITY],
            [f32::INFINITY, f32::NEG_INFINITY],
        );
        for p in &hull {
            let along = p.x * cos + p.y * sin;
            let across = p.y * cos - p.x * sin;
            u = [u[0].min(along), u[1].max(along)];
            v = [v[0].min(across), v[1].max(across)];
        }
        let (width, height) = (u[1] - u[0], v[1] - v[0]);
        if best.is_none_or(|r| width * height < r.width * r.height) {
            let (cu, cv) = ((u[0] + u[1]) / 2.0, (v[0] + v[1]) / 2.0);
            let center = Point {
                x: cu * cos - cv * sin,
                y: cu * sin + cv * cos,
            };
            best = Some(TiltedRect {
                center,
                width,
                height,
                angle,
            });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(x: f32, y: f32) -> Point {
        Point { x, y }
    }

    #[test]
    fn overlap_is_measured_against_the_rectangle_asked() {
        let small = Rect::new(0.0, 0.0, 10.0, 10.0);
        let large = Rect::new(5.0, 0.0, 105.0, 10.0);
        assert_eq!(small.share_inside(&large), 0.5);
        assert_eq!(large.share_inside(&small), 0.05);
        assert_eq!(Rect::default().share_inside(&large), 0.0);
    }

    #[test]
    fn rows_take_what_stands_beside_them() {
        let boxes = [(30.0, 40.0), (0.0, 10.0), (4.0, 12.0), (33.0, 39.0)]
            .map(|(y1, y2)| Rect::new(0.0, y1, 5.0, y2));
        let rows = rows_by_overlap(&boxes, Rect::union);
        assert_eq!(
            rows.iter().map(|r| r.0.clone()).collect::<Vec<_>>(),
            [vec![1, 2], vec![0, 3]]
        );
        assert_eq!((rows[0].1.y1, rows[0].1.y2), (0.0, 12.0));
        assert!(rows_by_overlap(&[], Rect::union).is_empty());
    }

    #[test]
    fn disjoint_rectangles_have_an_empty_intersection() {
        let a = Rect::new(0.0, 0.0, 1.0, 1.0);
        let b = Rect::new(5.0, 5.0, 6.0, 6.0);
        assert_eq!(a.intersection(&b).area(), 0.0);
        assert!(!a.near(&b, 3.9) && a.near(&b, 4.0));
    }

    #[test]
    fn least_rectangle_follows_a_turned_square() {
        let rect = min_area_rect(&[
            p(0.0, 2.0),
            p(2.0, 0.0),
            p(4.0, 2.0),
            p(2.0, 4.0),
            p(2.0, 2.0),
        ])
        .unwrap();
        assert!(
            (rect.width - 8f32.sqrt()).abs() < 1e-4 && (rect.height - 8f32.sqrt()).abs() < 1e-4
        );
        assert!((rect.center.x - 2.0).abs() < 1e-4 && (rect.center.y - 2.0).abs() < 1e-4);
    }

    #[test]
    fn least_rectangle_of_a_segment_has_no_height() {
        let rect = min_area_rect(&[p(1.0, 1.0), p(4.0, 5.0)]).unwrap();
        assert!((rect.width - 5.0).abs() < 1e-4 && rect.height.abs() < 1e-4);
        assert!(min_area_rect(&[]).is_none());
    }
}
