//! Converts masks of a layout network to polygons, rectangles and quadrilaterals (docs/reference.md,
//! "Polygons from masks").

use crate::geometry::contour::{Mask, arc_length, contour_area, external_contours, simplify};
use crate::geometry::polygon::{Overlap, min_area_quad};
use crate::geometry::{Point, distance};
use serde::{Deserialize, Serialize};

/// Shape of regions (`layout_shape_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ShapeMode {
    /// Upright rectangles; masks are ignored.
    Rect,
    /// Quadrilaterals.
    Quad,
    /// Polygons.
    Poly,
    /// The simplest shape that fits.
    #[default]
    Auto,
}

impl ShapeMode {
    /// The mode with this name.
    pub fn from_name(name: &str) -> Option<ShapeMode> {
        Some(match name {
            "rect" => ShapeMode::Rect,
            "quad" => ShapeMode::Quad,
            "poly" => ShapeMode::Poly,
            "auto" => ShapeMode::Auto,
            _ => return None,
        })
    }
}

/// Distance from the outline that a left out point may have, as a share of the outline's length.
const SIMPLIFY: f64 = 0.004;
/// Longest stretch without a corner, as a share of the box's width or of the widest box's.
const MAX_STRETCH: f64 = 0.3;
/// Share of the widest box from which a box counts as wide.
const WIDE: f64 = 0.6;
/// Degrees from which a dent is kept, and the angle of corners that are sharpened, with its tolerance.
const FLAT_DENT: f64 = 120.0;
const SHARP: f64 = 45.0;
const SHARP_TOLERANCE: f64 = 1.0;
/// Overlaps from which `auto` is content with a rectangle and with a quadrilateral.
const RECT_FITS: f64 = 0.95;
const QUAD_FITS: f64 = 0.8;
/// Overlap with the polygon before from which a quadrilateral would get into its way.
const IN_THE_WAY: f64 = 0.01;

/// The polygons of boxes on a page of `width` x `height` pixels, one per box.
///
/// `boxes` are `[x1, y1, x2, y2]` with integer values; `masks` cover the whole page.
pub(crate) fn polygons(
    boxes: &[[f32; 4]],
    masks: &[&Mask],
    width: usize,
    height: usize,
    mode: ShapeMode,
) -> Vec<Vec<Point>> {
    // The reference has x2 - y1 by mistake for x2 - x1; output must match (docs/reference.md, "Polygons from
    // masks").
    let widest = boxes
        .iter()
        .map(|b| b[2] as f64 - b[1] as f64)
        .fold(f64::NEG_INFINITY, f64::max);
    let mut shapes: Vec<Vec<Point>> = Vec::with_capacity(boxes.len());
    for (bbox, mask) in boxes.iter().zip(masks) {
        let scale = [
            mask.width as f64 / width as f64,
            mask.height as f64 / height as f64,
        ];
        let outline = outline(bbox, mask, scale, widest);
        let shape = normalized(bbox, outline, mode, shapes.last().map(Vec::as_slice));
        shapes.push(shape);
    }
    shapes
}

fn rectangle(bbox: &[f32; 4]) -> Vec<Point> {
    let [x1, y1, x2, y2] = bbox.map(f32::trunc);
    [(x1, y1), (x2, y1), (x2, y2), (x1, y2)]
        .map(|(x, y)| Point { x, y })
        .to_vec()
}

/// The outline of a mask's largest component inside a box; `None` if it is empty.
fn outline(bbox: &[f32; 4], mask: &Mask, scale: [f64; 2], widest: f64) -> Option<Vec<Point>> {
    let [x1, y1, x2, y2] = bbox.map(|v| v as i64);
    let (width, height) = (x2 - x1, y2 - y1);
    if width <= 0 || height <= 0 {
        return None;
    }
    let cell = |v: i64, axis: usize, limit: usize| {
        (v as f64 * scale[axis])
            .round_ties_even()
            .clamp(0.0, limit as f64) as usize
    };
    let (left, right) = (cell(x1, 0, mask.width), cell(x2, 0, mask.width));
    let (top, bottom) = (cell(y1, 1, mask.height), cell(y2, 1, mask.height));
    if right <= left || bottom <= top {
        return None;
    }
    let cut = mask.cut(left, top, right, bottom);
    if cut.is_empty() {
        return None;
    }
    let contours = external_contours(&cut.resize_nearest(width as usize, height as usize));
    let largest = contours.into_iter().reduce(|a, b| {
        if contour_area(&b) > contour_area(&a) {
            b
        } else {
            a
        }
    })?;
    let corners = simplify(&largest, SIMPLIFY * arc_length(&largest));
    let reach = if width as f64 > WIDE * widest {
        width as f64
    } else {
        widest
    };
    let shifted = custom_vertices(&corners, reach)
        .into_iter()
        .map(|[x, y]| Point {
            x: (x + x1 as f64) as f32,
            y: (y + y1 as f64) as f32,
        });
    Some(shifted.collect())
}

/// Selects the corners of an outline to keep: convex ones and flat dents; others are restored where a side
/// longer than 0.3 times `reach` would have no corner (docs/reference.md, "Polygons from masks", step 3).
pub(crate) fn custom_vertices(corners: &[[i32; 2]], reach: f64) -> Vec<[f64; 2]> {
    let limit = MAX_STRETCH * reach;
    let count = corners.len();
    if count == 0 {
        return Vec::new();
    }
    let views: Vec<Corner> = (0..count).map(|i| Corner::of(corners, i)).collect();
    let dents: Vec<usize> = (0..count).filter(|i| !views[*i].convex).collect();
    let groups = runs_of_dents(&dents, count);
    let mut kept: Vec<usize> = (0..count).filter(|i| views[*i].convex).collect();
    kept.extend(groups.into_iter().filter(|i| views[*i].angle >= FLAT_DENT));
    kept.sort_unstable();
    let between = |from: usize, to: usize| {
        (1..count)
            .map(move |k| (from + k) % count)
            .take_while(move |i| *i != to)
    };
    let mut back = Vec::new();
    for (k, &from) in kept.iter().enumerate() {
        let to = kept[(k + 1) % kept.len()];
        let (dx, dy) = (
            (corners[to][0] - corners[from][0]) as f64,
            (corners[to][1] - corners[from][1]) as f64,
        );
        let length = (dx * dx + dy * dy).sqrt();
        if length <= limit || limit <= 0.0 {
            continue;
        }
        let candidates: Vec<usize> = between(from, to).collect();
        let need = ((length / limit).ceil() as usize).saturating_sub(1);
        if candidates.len() <= need {
            back.extend(candidates);
        } else {
            let step = candidates.len() as f64 / need as f64;
            back.extend((0..need).map(|k| candidates[(k as f64 * step) as usize]));
        }
    }
    kept.extend(back);
    kept.sort_unstable();
    kept.dedup();
    kept.into_iter().map(|i| views[i].place).collect()
}

/// Dents next to other dents. A run that wraps around the start counts only if both its ends have neighbours.
fn runs_of_dents(dents: &[usize], count: usize) -> Vec<usize> {
    let runs = dents
        .chunk_by(|a, b| b - a == 1)
        .filter(|run| run.len() > 1);
    let grouped: Vec<usize> = runs.flatten().copied().collect();
    let wraps = dents.len() > 1 && dents.first() == Some(&0) && dents.last() == Some(&(count - 1));
    if wraps && !(grouped.contains(&0) && grouped.contains(&(count - 1))) {
        Vec::new()
    } else {
        grouped
    }
}

/// A corner in relation to its neighbours.
struct Corner {
    convex: bool,
    /// Angle between its two sides in degrees.
    angle: f64,
    /// Final position: sharp convex corners are moved outwards.
    place: [f64; 2],
}

impl Corner {
    fn of(corners: &[[i32; 2]], i: usize) -> Corner {
        let count = corners.len();
        let at = |i: usize| corners[i % count].map(f64::from);
        let (before, here, after) = (at(i + count - 1), at(i), at(i + 1));
        let a = [before[0] - here[0], before[1] - here[1]];
        let b = [after[0] - here[0], after[1] - here[1]];
        let cross = -a[0] * b[1] + a[1] * b[0];
        let convex = cross < 0.0;
        let (la, lb) = (a[0].hypot(a[1]), b[0].hypot(b[1]));
        let cos = (a[0] * b[0] + a[1] * b[1]) / (la * lb);
        let angle = cos.clamp(-1.0, 1.0).acos().to_degrees();
        let mut place = here;
        if convex && (angle - SHARP).abs() < SHARP_TOLERANCE {
            let bisector = [a[0] / la + b[0] / lb, a[1] / la + b[1] / lb];
            let length = bisector[0].hypot(bisector[1]);
            let reach = (la + lb) / 2.0;
            place = [
                here[0] + bisector[0] / length * reach,
                here[1] + bisector[1] / length * reach,
            ];
        }
        Corner {
            convex,
            angle,
            place,
        }
    }
}

/// The shape for the mode (docs/reference.md, "Polygons from masks", step 4).
fn normalized(
    bbox: &[f32; 4],
    outline: Option<Vec<Point>>,
    mode: ShapeMode,
    previous: Option<&[Point]>,
) -> Vec<Point> {
    let rectangle = rectangle(bbox);
    let Some(outline) = outline.filter(|o| o.len() >= 4) else {
        return rectangle;
    };
    if mode == ShapeMode::Poly {
        return outline;
    }
    let Some(quad) = quad(&outline) else {
        return rectangle;
    };
    match mode {
        ShapeMode::Rect => rectangle,
        ShapeMode::Quad => quad,
        _ if Overlap::of(&rectangle, &quad).of_union() >= RECT_FITS => rectangle,
        _ => {
            let in_the_way = previous.map_or(0.0, |p| Overlap::of(p, &rectangle).of_smaller());
            let fits = Overlap::of(&outline, &quad).of_union() >= QUAD_FITS;
            if fits && in_the_way < IN_THE_WAY {
                quad
            } else {
                outline
            }
        }
    }
}

/// The minimum-area rectangle of a polygon, clockwise from the corner nearest to the page's top left.
pub(crate) fn quad(polygon: &[Point]) -> Option<Vec<Point>> {
    let mut corners = min_area_quad(polygon)?;
    let middle = Point {
        x: corners.iter().map(|p| p.x).sum::<f32>() / 4.0,
        y: corners.iter().map(|p| p.y).sum::<f32>() / 4.0,
    };
    let angle = |p: &Point| (p.y - middle.y).atan2(p.x - middle.x);
    corners.sort_by(|a, b| angle(a).total_cmp(&angle(b)));
    let first = (1..4).fold(0, |best, i| {
        let sum = |i: usize| corners[i].x + corners[i].y;
        if sum(i) < sum(best) { i } else { best }
    });
    corners.rotate_left(first);
    Some(corners.to_vec())
}

/// The corner of a polygon nearest to a point.
pub(crate) fn nearest_corner(polygon: &[Point], to: Point) -> Option<Point> {
    polygon.iter().copied().reduce(|a, b| {
        if distance(b, to) < distance(a, to) {
            b
        } else {
            a
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_mask_gives_the_box() {
        let mask = Mask::new(200, 200);
        let shapes = polygons(
            &[[10.0, 10.0, 50.0, 30.0]],
            &[&mask],
            100,
            100,
            ShapeMode::Poly,
        );
        assert_eq!(shapes[0], rectangle(&[10.0, 10.0, 50.0, 30.0]));
    }

    #[test]
    fn a_full_mask_is_a_rectangle() {
        let mut mask = Mask::new(200, 200);
        mask.cells.fill(true);
        let shapes = polygons(
            &[[10.0, 10.0, 50.0, 30.0]],
            &[&mask],
            100,
            100,
            ShapeMode::Poly,
        );
        let corners: Vec<_> = shapes[0].iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(
            corners,
            [(10.0, 10.0), (10.0, 29.0), (49.0, 29.0), (49.0, 10.0)]
        );
    }

    #[test]
    fn single_dents_are_filled() {
        let star = [[0, 0], [0, 20], [10, 15], [20, 20], [20, 0]];
        assert_eq!(custom_vertices(&star, 100.0).len(), 4);
        assert_eq!(custom_vertices(&[], 5.0).len(), 0);
        assert_eq!(custom_vertices(&[[3, 3]], 5.0).len(), 0);
    }
}
