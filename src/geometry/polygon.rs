//! Polygons in page pixels: areas, overlaps, and rectangles around them.
//!
//! Exact intersections come from `i_overlay`. Of a ring that crosses itself, the parts count that it winds
//! around in the direction of its signed area, as GEOS repairs it with a zero-width buffer.

use super::{Point, cross};
use i_overlay::core::fill_rule::FillRule;
use i_overlay::core::overlay_rule::OverlayRule;
use i_overlay::float::single::SingleFloatOverlay;

/// Area inside the ring; positive when it runs clockwise on the page.
pub(crate) fn signed_area(ring: &[Point]) -> f64 {
    let Some(mut previous) = ring.last() else {
        return 0.0;
    };
    let mut twice = 0.0;
    for point in ring {
        twice += previous.x as f64 * point.y as f64 - previous.y as f64 * point.x as f64;
        previous = point;
    }
    twice / 2.0
}

/// Common area of two polygons, and their own areas.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Overlap {
    /// Area of the intersection.
    pub common: f64,
    /// Area of the first.
    pub first: f64,
    /// Area of the second.
    pub second: f64,
}

impl Overlap {
    /// Measures the overlap of two polygons.
    pub(crate) fn of(a: &[Point], b: &[Point]) -> Overlap {
        let (a, b) = (repaired(a), repaired(b));
        let common = area(&a.overlay(&b, OverlayRule::Intersect, FillRule::NonZero));
        Overlap {
            common,
            first: area(&a),
            second: area(&b),
        }
    }

    /// Common area divided by the area of the union.
    pub(crate) fn of_union(&self) -> f64 {
        ratio(self.common, self.first + self.second - self.common)
    }

    /// Common area divided by the smaller area.
    pub(crate) fn of_smaller(&self) -> f64 {
        ratio(self.common, self.first.min(self.second))
    }

    /// Common area divided by the larger area.
    pub(crate) fn of_larger(&self) -> f64 {
        ratio(self.common, self.first.max(self.second))
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

type Shapes = Vec<Vec<Vec<[f64; 2]>>>;

/// The polygon without self-crossings.
fn repaired(ring: &[Point]) -> Shapes {
    let mut points: Vec<[f64; 2]> = ring.iter().map(|p| [p.x as f64, p.y as f64]).collect();
    if signed_area(ring) < 0.0 {
        points.reverse();
    }
    if is_convex(&points) {
        return vec![vec![points]];
    }
    let nothing: Vec<[f64; 2]> = Vec::new();
    vec![points].overlay(&vec![nothing], OverlayRule::Subject, FillRule::Positive)
}

/// `true` if the ring turns in one direction only and goes round once, so that it needs no repair.
fn is_convex(ring: &[[f64; 2]]) -> bool {
    let count = ring.len();
    let at = |i: usize| ring[i % count];
    let turn = |i: usize| {
        let (a, b, c) = (at(i), at(i + 1), at(i + 2));
        (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
    };
    // Going round once, the horizontal direction changes twice.
    let right = |i: usize| at(i + 1)[0] > at(i)[0];
    let changes = (0..count).filter(|i| right(*i) != right(i + 1)).count();
    count > 2 && (0..count).all(|i| turn(i) > 0.0) && changes == 2
}

fn area(shapes: &Shapes) -> f64 {
    // The first ring of a shape is its outline; the others are holes, which run the other way.
    let ring_area = |ring: &Vec<[f64; 2]>| -> f64 {
        let next = ring.iter().cycle().skip(1);
        ring.iter()
            .zip(next)
            .map(|(a, b)| a[0] * b[1] - a[1] * b[0])
            .sum::<f64>()
            / 2.0
    };
    shapes
        .iter()
        .map(|shape| shape.iter().map(ring_area).sum::<f64>().abs())
        .sum()
}

/// The rectangle of least area around the points; its corners in circular order, starting anywhere.
///
/// Rotating calipers in single precision as `cv2.minAreaRect` and `cv2.boxPoints` (OpenCV 4.10) do it:
/// corners are later truncated to whole pixels, so even their rounding noise is reproduced. `None` if the
/// points have no area (fewer than three, or all on a line).
pub(crate) fn min_area_quad(points: &[Point]) -> Option<[Point; 4]> {
    let hull = hull_in_order(points);
    let count = hull.len();
    if count < 3 {
        return None;
    }
    let edge = |i: usize| {
        let (a, b) = (hull[i], hull[(i + 1) % count]);
        Point {
            x: b.x - a.x,
            y: b.y - a.y,
        }
    };
    let first_by = |better: &dyn Fn(Point, Point) -> bool| {
        (1..count).fold(
            0,
            |best, i| if better(hull[i], hull[best]) { i } else { best },
        )
    };
    // Positions of the calipers: below, right, above, left.
    let mut at = [
        first_by(&|a, b| a.y < b.y),
        first_by(&|a, b| a.x > b.x),
        first_by(&|a, b| a.y > b.y),
        first_by(&|a, b| a.x < b.x),
    ];
    let mut best: Option<Fit> = None;
    for _ in 0..count {
        // The edge that the rotating calipers reach first, all rotated into the frame of the lowest side.
        let turned = [
            edge(at[0]),
            Point {
                x: edge(at[1]).y,
                y: -edge(at[1]).x,
            },
            Point {
                x: -edge(at[2]).x,
                y: -edge(at[2]).y,
            },
            Point {
                x: -edge(at[3]).y,
                y: edge(at[3]).x,
            },
        ];
        let is_right_of = |a: Point, b: Point| (a.y * b.x) < (a.x * b.y);
        let side = (1..4).fold(0, |main, i| {
            if is_right_of(turned[i], turned[main]) {
                i
            } else {
                main
            }
        });
        let vector = edge(at[side]);
        let length = (vector.x as f64 * vector.x as f64 + vector.y as f64 * vector.y as f64).sqrt();
        let inverse = (1.0 / length) as f32;
        let (x, y) = (vector.x * inverse, vector.y * inverse);
        let [a, b] = [[x, y], [y, -x], [-x, -y], [-y, x]][side];
        at[side] = (at[side] + 1) % count;
        let across =
            |from: usize, to: usize| (hull[to].x - hull[from].x, hull[to].y - hull[from].y);
        let (dx, dy) = across(at[3], at[1]);
        let width = dx * a + dy * b;
        let (dx, dy) = across(at[0], at[2]);
        let height = -dx * b + dy * a;
        let area = width * height;
        if best.as_ref().is_none_or(|fit| area <= fit.area) {
            best = Some(Fit {
                area,
                direction: [a, b],
                width,
                height,
                left: hull[at[3]],
                lowest: hull[at[0]],
            });
        }
    }
    best.map(|fit| fit.corners())
}

/// A rectangle that touches the hull: its direction and size, and two points on its sides.
struct Fit {
    area: f32,
    direction: [f32; 2],
    width: f32,
    height: f32,
    left: Point,
    lowest: Point,
}

impl Fit {
    /// The corners, computed from the middle, the size and the angle in degrees.
    fn corners(&self) -> [Point; 4] {
        let Fit {
            direction: [a, b],
            width,
            height,
            left,
            lowest: bottom,
            ..
        } = *self;
        let c1 = a * left.x + left.y * b;
        let c2 = -b * bottom.x + bottom.y * a;
        let idet = 1.0 / (a * a + b * b);
        let (px, py) = ((c1 * a - c2 * b) * idet, (a * c2 + b * c1) * idet);
        let (u, v) = ([a * width, b * width], [-b * height, a * height]);
        let center = [px + (u[0] + v[0]) * 0.5, py + (u[1] + v[1]) * 0.5];
        let length =
            |v: [f32; 2]| (v[0] as f64 * v[0] as f64 + v[1] as f64 * v[1] as f64).sqrt() as f32;
        let (width, height) = (length(u), length(v));
        let radians = (u[1] as f64).atan2(u[0] as f64) as f32;
        let degrees = (radians as f64 * 180.0 / std::f64::consts::PI) as f32;
        let angle = degrees as f64 * std::f64::consts::PI / 180.0;
        let (cos, sin) = (angle.cos() as f32 * 0.5, angle.sin() as f32 * 0.5);
        let p0 = Point {
            x: center[0] - sin * height - cos * width,
            y: center[1] + cos * height - sin * width,
        };
        let p1 = Point {
            x: center[0] + sin * height - cos * width,
            y: center[1] - cos * height - sin * width,
        };
        let opposite = |p: Point| Point {
            x: 2.0 * center[0] - p.x,
            y: 2.0 * center[1] - p.y,
        };
        [p0, p1, opposite(p0), opposite(p1)]
    }
}

/// The convex hull, clockwise on the page (x to y), without points on its edges.
///
/// Starts where `cv2.convexHull` does, since the order decides between rectangles of equal area: at the first
/// or last of the given points if the hull visits them in their order, else at the rightmost.
fn hull_in_order(points: &[Point]) -> Vec<Point> {
    let mut hull = super::convex_hull(points);
    let area: f64 = (1..hull.len().saturating_sub(1))
        .map(|i| cross(hull[0], hull[i], hull[i + 1]))
        .sum();
    if area < 0.0 {
        hull.reverse();
    }
    let given: Vec<usize> = hull
        .iter()
        .map(|p| points.iter().position(|q| q == p).unwrap_or(usize::MAX))
        .collect();
    let position = |best: &dyn Fn(usize, usize) -> bool| {
        (1..given.len()).fold(0, |at, i| if best(given[i], given[at]) { i } else { at })
    };
    let runs_from = |start: usize, ordered: &dyn Fn(usize, usize) -> bool| {
        (0..given.len().saturating_sub(1)).all(|i| {
            ordered(
                given[(start + i) % given.len()],
                given[(start + i + 1) % given.len()],
            )
        })
    };
    let (lowest, highest) = (position(&|a, b| a < b), position(&|a, b| a > b));
    let rightmost = (0..hull.len())
        .max_by(|&a, &b| {
            hull[a]
                .x
                .total_cmp(&hull[b].x)
                .then(hull[a].y.total_cmp(&hull[b].y))
        })
        .unwrap_or(0);
    let start = if runs_from(lowest, &|a, b| a < b) {
        lowest
    } else if runs_from(highest, &|a, b| a > b) {
        highest
    } else {
        rightmost
    };
    hull.rotate_left(start);
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(points: &[[f32; 2]]) -> Vec<Point> {
        points.iter().map(|p| Point { x: p[0], y: p[1] }).collect()
    }

    #[test]
    fn overlaps_of_squares() {
        let a = ring(&[[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]]);
        let b = ring(&[[5.0, 0.0], [25.0, 0.0], [25.0, 10.0], [5.0, 10.0]]);
        let overlap = Overlap::of(&a, &b);
        assert!(
            (overlap.of_smaller() - 0.5).abs() < 1e-9 && (overlap.of_union() - 0.2).abs() < 1e-9
        );
        assert!((overlap.of_larger() - 0.25).abs() < 1e-9);
        assert_eq!(Overlap::of(&a, &[]).of_smaller(), 0.0);
    }

    #[test]
    fn the_least_rectangle_of_a_turned_square_touches_its_corners() {
        let quad = min_area_quad(&ring(&[[0.0, 2.0], [2.0, 0.0], [4.0, 2.0], [2.0, 4.0]])).unwrap();
        for corner in quad {
            assert!((corner.x - 2.0).abs() + (corner.y - 2.0).abs() - 2.0 < 1e-5);
        }
        assert!(min_area_quad(&ring(&[[0.0, 0.0], [5.0, 5.0]])).is_none());
    }
}
