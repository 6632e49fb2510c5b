//! Drawing into pixels: lines, filled polygons and strokes of letters, pixel for pixel as OpenCV 4.10.

use super::Pixels;
use crate::geometry::contour::Mask;

/// Fractional bits of horizontal positions while polygons are filled (OpenCV 4.10, `fillPoly`).
const X_BITS: u32 = 16;

/// The cells of a filled polygon with integer corners, its border line included; corners may lie outside the
/// mask.
///
/// Rows are filled between pairs of edges (even-odd); an edge covers the rows from its upper end to just
/// above its lower end.
pub(crate) fn filled_polygon(width: usize, height: usize, corners: &[[i64; 2]]) -> Mask {
    let mut mask = Mask::new(width, height);
    let mut edges: Vec<(i64, i64, i64, i64)> = Vec::new();
    let mut previous = corners.last().copied().unwrap_or_default();
    for &corner in corners {
        line(&mut mask, previous, corner);
        if previous[1] != corner[1] {
            edges.push(edge(previous, corner, width as i64, height as i64));
        }
        previous = corner;
    }
    for y in 0..height as i64 {
        let crossing = edges
            .iter()
            .filter(|(top, bottom, ..)| *top <= y && y < *bottom);
        let mut xs: Vec<i64> = crossing
            .map(|(top, _, x, slope)| x + slope * (y - top))
            .collect();
        xs.sort_unstable();
        for pair in xs.chunks_exact(2) {
            let (from, to) = (pair[0] >> X_BITS, pair[1] >> X_BITS);
            for x in from.max(0)..=to.min(width as i64 - 1) {
                mask.cells[y as usize * width + x as usize] = true;
            }
        }
    }
    mask
}

/// The cells of a filled polygon as Pillow draws it: rows between pairs of edges, rounded inwards to the
/// nearest cells, both ends of every edge included.
pub(crate) fn drawn_polygon(width: usize, height: usize, corners: &[[i64; 2]]) -> Mask {
    let mut mask = Mask::new(width, height);
    let mut span = |y: i64, from: i64, to: i64| {
        if (0..height as i64).contains(&y) {
            for x in from.max(0)..=to.min(width as i64 - 1) {
                mask.cells[y as usize * width + x as usize] = true;
            }
        }
    };
    let next = corners.iter().cycle().skip(1);
    let edges: Vec<([i64; 2], [i64; 2])> = corners
        .iter()
        .zip(next)
        .map(|(a, b)| if a[1] <= b[1] { (*a, *b) } else { (*b, *a) })
        .collect();
    let last = edges.iter().map(|e| e.1[1]).max().unwrap_or(-1);
    for y in edges.iter().map(|e| e.0[1]).min().unwrap_or(0).max(0)..=last.min(height as i64) {
        let mut xs: Vec<f32> = Vec::new();
        for (top, bottom) in &edges {
            if top[1] == bottom[1] {
                if y == top[1] {
                    span(y, top[0].min(bottom[0]), top[0].max(bottom[0]));
                }
            } else if (top[1]..=bottom[1]).contains(&y) {
                let slope = (bottom[0] - top[0]) as f32 / (bottom[1] - top[1]) as f32;
                let x = (y - top[1]) as f32 * slope + top[0] as f32;
                xs.push(x);
                // Twice at its lower end, so that the edge below is paired with it.
                if y == bottom[1] && y < last {
                    xs.push(x);
                }
            }
        }
        xs.sort_by(f32::total_cmp);
        let away = |x: f32| x.signum() * (x.abs() + 0.5).floor();
        let towards = |x: f32| x.signum() * (x.abs() - 0.5).ceil();
        xs.chunks_exact(2)
            .for_each(|pair| span(y, away(pair[0]) as i64, towards(pair[1]) as i64));
    }
    mask
}

/// An edge: the rows of its upper and lower end, the horizontal position at the upper end and its change from
/// row to row.
///
/// An edge that leaves the mask gets the slope of its part inside, in whole pixels.
fn edge(a: [i64; 2], b: [i64; 2], width: i64, height: i64) -> (i64, i64, i64, i64) {
    let outside = |p: [i64; 2]| p[0] < 0 || p[0] >= width || p[1] < 0 || p[1] >= height;
    let half = 1 << (X_BITS - 1);
    let (from, to, shift) = if outside(a) || outside(b) {
        let (cut_a, cut_b) = clip(a, b, width - 1, height - 1).0;
        if cut_a[1] != cut_b[1] {
            (cut_a, cut_b, 0)
        } else {
            (a, b, 0)
        }
    } else {
        (a, b, half)
    };
    let slope = ((to[0] - from[0]) << X_BITS) / (to[1] - from[1]);
    let (top, bottom, start) = if a[1] < b[1] {
        (a, b, from)
    } else {
        (b, a, to)
    };
    (
        top[1],
        bottom[1],
        (start[0] << X_BITS) + shift + (top[1] - start[1]) * slope,
        slope,
    )
}

/// Sets the cells of a line, both ends included; parts outside are clipped.
fn line(mask: &mut Mask, a: [i64; 2], b: [i64; 2]) {
    let ((mut a, mut b), visible) = clip(a, b, mask.width as i64 - 1, mask.height as i64 - 1);
    if !visible {
        return;
    }
    if a[0] > b[0] {
        std::mem::swap(&mut a, &mut b);
    }
    // Bresenham, from left to right.
    let (dx, dy) = (b[0] - a[0], (b[1] - a[1]).abs());
    let down = (b[1] - a[1]).signum();
    let steep = dy > dx;
    let (long, short) = if steep { (dy, dx) } else { (dx, dy) };
    let mut error = long - 2 * short;
    let [mut x, mut y] = a;
    for _ in 0..=long {
        mask.cells[y as usize * mask.width + x as usize] = true;
        let aside = error < 0;
        error += if aside {
            2 * long - 2 * short
        } else {
            -2 * short
        };
        if steep || aside {
            y += down;
        }
        if !steep || aside {
            x += 1;
        }
    }
}

/// A line clipped to `0..=right`, `0..=bottom`, and `true` if any of it lies inside.
///
/// Computed in integers, rounded towards zero, top and bottom before left and right, as OpenCV's `clipLine`;
/// the ends of a line that lies outside may have been moved.
fn clip(mut a: [i64; 2], mut b: [i64; 2], right: i64, bottom: i64) -> (([i64; 2], [i64; 2]), bool) {
    let limits = [right, bottom];
    let side = |p: [i64; 2], axis: usize| {
        if p[axis] < 0 {
            -1
        } else {
            (p[axis] > limits[axis]) as i64
        }
    };
    let same_side = |a, b| {
        [0, 1]
            .iter()
            .any(|axis| side(a, *axis) * side(b, *axis) > 0)
    };
    for axis in [1, 0] {
        if same_side(a, b) {
            return ((a, b), false);
        }
        for first in [true, false] {
            let (p, q) = if first { (a, b) } else { (b, a) };
            let limit = match side(p, axis) {
                0 => continue,
                -1 => 0,
                _ => limits[axis],
            };
            let other = 1 - axis;
            let share = (limit - p[axis]) as f64 * (q[other] - p[other]) as f64
                / (q[axis] - p[axis]) as f64;
            let mut cut = p;
            cut[other] += share as i64;
            cut[axis] = limit;
            if first { a = cut } else { b = cut }
        }
    }
    ((a, b), !(side(a, 0) != 0 || side(b, 0) != 0))
}

impl Pixels {
    /// Fills a rectangle, both corners included, clipped to the picture.
    pub fn fill_rect(&mut self, [x1, y1, x2, y2]: [i64; 4], color: [u8; 3]) {
        for y in y1.max(0)..=y2.min(self.height as i64 - 1) {
            for x in x1.max(0)..=x2.min(self.width as i64 - 1) {
                self.set(x as usize, y as usize, color);
            }
        }
    }

    /// Draws the outline of a rectangle, `thickness` pixels inwards, both corners included.
    pub fn outline_rect(&mut self, [x1, y1, x2, y2]: [i64; 4], thickness: usize, color: [u8; 3]) {
        for i in 0..thickness as i64 {
            let [left, top, right, bottom] = [x1 + i, y1 + i, x2 - i, y2 - i];
            self.fill_rect([left, top, right, top], color);
            self.fill_rect([left, bottom, right, bottom], color);
            self.fill_rect([left, top, left, bottom], color);
            self.fill_rect([right, top, right, bottom], color);
        }
    }

    /// Sets a pixel, which must lie in the picture.
    #[inline]
    pub fn set(&mut self, x: usize, y: usize, color: [u8; 3]) {
        self.data[(y * self.width + x) * 3..][..3].copy_from_slice(&color);
    }

    /// Draws an antialiased stroke of a given width between two points, with round ends.
    pub fn stroke(&mut self, a: [f64; 2], b: [f64; 2], width: f64, color: [u8; 3]) {
        let reach = width / 2.0 + 1.0;
        let span = |i: usize, limit: usize| {
            let low = (a[i].min(b[i]) - reach).floor().max(0.0) as usize;
            let high = (a[i].max(b[i]) + reach).ceil().min(limit as f64 - 1.0);
            low..if high < 0.0 { 0 } else { high as usize + 1 }
        };
        let d = [b[0] - a[0], b[1] - a[1]];
        let length = d[0] * d[0] + d[1] * d[1];
        for y in span(1, self.height) {
            for x in span(0, self.width) {
                let p = [x as f64 - a[0], y as f64 - a[1]];
                let along = if length > 0.0 {
                    ((p[0] * d[0] + p[1] * d[1]) / length).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                let distance = (p[0] - along * d[0]).hypot(p[1] - along * d[1]);
                let cover = (width / 2.0 + 0.5 - distance).clamp(0.0, 1.0);
                let at = (y * self.width + x) * 3;
                for (value, ink) in self.data[at..at + 3].iter_mut().zip(color) {
                    *value = (*value as f64 * (1.0 - cover) + ink as f64 * cover).round() as u8;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(mask: &Mask) -> Vec<String> {
        let row = |row: &[bool]| row.iter().map(|c| if *c { '#' } else { '.' }).collect();
        mask.cells.chunks(mask.width).map(row).collect()
    }

    #[test]
    fn a_triangle_with_its_border() {
        let mask = filled_polygon(5, 5, &[[2, 0], [4, 4], [0, 4]]);
        assert_eq!(shown(&mask), ["..#..", ".###.", ".###.", "#####", "#####"]);
    }

    #[test]
    fn polygons_may_lie_outside() {
        let mask = filled_polygon(3, 2, &[[-5, -5], [9, -5], [9, 9], [-5, 9]]);
        assert!(mask.cells.iter().all(|c| *c));
        assert!(filled_polygon(3, 2, &[[5, 5], [9, 5], [9, 9]]).is_empty());
        assert!(filled_polygon(3, 2, &[]).is_empty());
    }

    #[test]
    fn drawn_polygons_take_the_nearest_cells() {
        let mask = drawn_polygon(5, 4, &[[2, 0], [4, 3], [0, 3]]);
        assert_eq!(shown(&mask), ["..#..", ".###.", ".###.", "#####"]);
        assert!(drawn_polygon(3, 2, &[[5, 5], [9, 5], [9, 9]]).is_empty());
        assert!(drawn_polygon(3, 2, &[]).is_empty());
    }

    #[test]
    fn outlines_grow_inwards() {
        let mut picture = Pixels::white(5, 5);
        picture.outline_rect([0, 0, 4, 4], 2, [0; 3]);
        assert_eq!(picture.clamped_pixel(2, 2), [255; 3]);
        assert_eq!(picture.clamped_pixel(1, 2), [0; 3]);
    }
}
