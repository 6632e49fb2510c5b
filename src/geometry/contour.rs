//! Contours of masks: border following and curve simplification, with the results of OpenCV 4.10.
//!
//! [`external_contours`] is Suzuki and Abe's border following (1985) restricted to outer borders, with
//! straight runs shortened to their ends; [`simplify`] is the Douglas-Peucker reduction of a closed curve as
//! `approxPolyDP` does it, including its choice of starting points and its final clean-up.

use super::Point;

/// A binary image: `width * height` flags, rows from the top.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row; `true` if the cell belongs to the shape.
    pub cells: Vec<bool>,
}

impl Mask {
    /// A mask without any cell set.
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            cells: vec![false; width * height],
        }
    }

    /// The part at columns `x1..x2` and rows `y1..y2`; both ranges must lie within the mask.
    pub fn cut(&self, x1: usize, y1: usize, x2: usize, y2: usize) -> Mask {
        let cells = (y1..y2)
            .flat_map(|y| &self.cells[y * self.width + x1..y * self.width + x2])
            .copied();
        Mask {
            width: x2 - x1,
            height: y2 - y1,
            cells: cells.collect(),
        }
    }

    /// `true` if no cell is set.
    pub fn is_empty(&self) -> bool {
        !self.cells.contains(&true)
    }

    /// Resampled by taking the nearest cell, as `cv2.INTER_NEAREST`: cell `floor(i * from / to)`.
    pub fn resize_nearest(&self, width: usize, height: usize) -> Mask {
        let taps = |from: usize, to: usize| -> Vec<usize> {
            let scale = 1.0 / (to as f64 / from as f64);
            (0..to)
                .map(|i| ((i as f64 * scale).floor() as usize).min(from - 1))
                .collect()
        };
        let (columns, rows) = (taps(self.width, width), taps(self.height, height));
        let mut cells: Vec<bool> = Vec::with_capacity(width * height);
        let mut last = None;
        for y in rows {
            // Enlarging repeats rows, and most masks are enlarged.
            if last == Some(y) {
                cells.extend_from_within(cells.len() - width..);
            } else {
                let row = &self.cells[y * self.width..(y + 1) * self.width];
                cells.extend(columns.iter().map(|x| row[*x]));
            }
            last = Some(y);
        }
        Mask {
            width,
            height,
            cells,
        }
    }
}

/// The eight neighbours, counter-clockwise from the right one (y down).
const STEPS: [(i32, i32); 8] = [
    (1, 0),
    (1, -1),
    (0, -1),
    (-1, -1),
    (-1, 0),
    (-1, 1),
    (0, 1),
    (1, 1),
];

/// Marks of border cells while contours are followed.
const UNSEEN: i8 = 1;
const BORDER: i8 = 2;
/// A border cell whose right neighbour is empty: to the right of it the scan is outside the shape again.
const RIGHT_BORDER: i8 = -2;

/// The outer borders of all 8-connected shapes, in OpenCV's order: the one that a scan by rows finds last
/// comes first. Each runs down the left side first; points inside straight runs are left out.
pub(crate) fn external_contours(mask: &Mask) -> Vec<Vec<[i32; 2]>> {
    // A frame of empty cells makes bounds checks unnecessary.
    let stride = mask.width + 2;
    let mut cells = vec![0i8; stride * (mask.height + 2)];
    for (y, row) in mask.cells.chunks_exact(mask.width.max(1)).enumerate() {
        let start = (y + 1) * stride + 1;
        for (cell, set) in cells[start..start + mask.width].iter_mut().zip(row) {
            *cell = *set as i8;
        }
    }
    let mut contours = Vec::new();
    for y in 1..=mask.height {
        let (mut previous, mut inside) = (0i8, false);
        for x in 1..=mask.width {
            let at = y * stride + x;
            if cells[at] == UNSEEN && previous == 0 && !inside {
                contours.push(follow(&mut cells, stride, at));
            }
            previous = cells[at];
            if previous == BORDER || previous == RIGHT_BORDER {
                inside = previous == BORDER;
            }
        }
    }
    contours.reverse();
    contours
}

/// Follows the border that starts at a cell whose left neighbour is empty, and marks it.
fn follow(cells: &mut [i8], stride: usize, start: usize) -> Vec<[i32; 2]> {
    let neighbour = |at: usize, step: usize| {
        let (dx, dy) = STEPS[step & 7];
        (at as isize + dx as isize + dy as isize * stride as isize) as usize
    };
    let point = |at: usize| [(at % stride) as i32 - 1, (at / stride) as i32 - 1];
    // The last cell of the border: the first set one clockwise from the left neighbour.
    let Some(mut direction) = (1..8)
        .map(|k| (4 + 8 - k) & 7)
        .find(|s| cells[neighbour(start, *s)] != 0)
    else {
        cells[start] = RIGHT_BORDER;
        return vec![point(start)];
    };
    let last = neighbour(start, direction);
    let (mut at, mut written) = (start, direction ^ 4);
    let mut contour = Vec::new();
    loop {
        let from = direction;
        let turn = (from + 1..from + 9).find(|s| cells[neighbour(at, *s)] != 0);
        let next = turn.expect("the cell this one was reached from is set");
        direction = next & 7;
        // The search passed over the right neighbour, so it is empty.
        if direction.wrapping_sub(1) < from {
            cells[at] = RIGHT_BORDER;
        } else if cells[at] == UNSEEN {
            cells[at] = BORDER;
        }
        if direction != written {
            contour.push(point(at));
            written = direction;
        }
        let next = neighbour(at, direction);
        if next == start && at == last {
            return contour;
        }
        at = next;
        direction = (direction + 4) & 7;
    }
}

/// The closed curve with fewer points; no dropped point lies further than `epsilon` from it.
pub(crate) fn simplify(contour: &[[i32; 2]], epsilon: f64) -> Vec<[i32; 2]> {
    let count = contour.len();
    if count == 0 {
        return Vec::new();
    }
    let limit = epsilon * epsilon;
    let squared = |a: [i32; 2], b: [i32; 2]| {
        let (dx, dy) = ((a[0] - b[0]) as f64, (a[1] - b[1]) as f64);
        dx * dx + dy * dy
    };
    // Two points far from each other: three times, the point farthest from the last one.
    let (mut from, mut farthest) = (0, 0);
    let mut distance = 0.0;
    for _ in 0..3 {
        from = (from + farthest) % count;
        (farthest, distance) = (0, 0.0);
        for j in 1..count {
            let d = squared(contour[(from + j) % count], contour[from]);
            if d > distance {
                (farthest, distance) = (j, d);
            }
        }
    }
    if distance <= limit {
        return vec![contour[from]];
    }
    let to = (from + farthest) % count;
    let mut kept = Vec::new();
    let mut stack = vec![(to, from), (from, to)];
    while let Some((start, end)) = stack.pop() {
        match split(contour, start, end, limit) {
            Some(middle) => stack.extend([(middle, end), (start, middle)]),
            None => kept.push(contour[start]),
        }
    }
    drop_points_on_lines(kept, limit)
}

/// The point between two others that lies farthest from the line through them, if that exceeds the limit.
fn split(contour: &[[i32; 2]], start: usize, end: usize, limit: f64) -> Option<usize> {
    let count = contour.len();
    let (a, b) = (contour[start], contour[end]);
    let (dx, dy) = ((b[0] - a[0]) as f64, (b[1] - a[1]) as f64);
    let (mut farthest, mut distance) = (None, 0.0);
    let mut at = (start + 1) % count;
    while at != end {
        let p = contour[at];
        let d = ((p[1] - a[1]) as f64 * dx - (p[0] - a[0]) as f64 * dy).abs();
        if d > distance {
            (farthest, distance) = (Some(at), d);
        }
        at = (at + 1) % count;
    }
    farthest.filter(|_| distance * distance > limit * (dx * dx + dy * dy))
}

/// Drops points that lie almost on the line between their neighbours, except on lines along an axis.
fn drop_points_on_lines(mut points: Vec<[i32; 2]>, limit: f64) -> Vec<[i32; 2]> {
    let count = points.len();
    let mut left = count;
    let (mut read, mut write) = (0, 0);
    let mut next = |points: &[[i32; 2]]| {
        let p = points[read];
        read = (read + 1) % count;
        p
    };
    let mut previous = points[count - 1];
    let mut current = next(&points);
    let mut i = 0;
    while i < count && left > 2 {
        let following = next(&points);
        let (dx, dy) = (
            (following[0] - previous[0]) as f64,
            (following[1] - previous[1]) as f64,
        );
        let (ax, ay) = (
            (current[0] - previous[0]) as f64,
            (current[1] - previous[1]) as f64,
        );
        let (bx, by) = (
            (following[0] - current[0]) as f64,
            (following[1] - current[1]) as f64,
        );
        let distance = (ax * dy - ay * dx).abs();
        let on_line = distance * distance <= 0.5 * limit * (dx * dx + dy * dy);
        let dropped = on_line && dx != 0.0 && dy != 0.0 && ax * bx + ay * by >= 0.0;
        previous = if dropped { following } else { current };
        points[write] = previous;
        write = (write + 1) % count;
        if dropped {
            left -= 1;
            current = next(&points);
            i += 1;
        } else {
            current = following;
        }
        i += 1;
    }
    points.truncate(left);
    points
}

/// Length of the closed curve, summed in single precision as `cv2.arcLength` does.
pub(crate) fn arc_length(contour: &[[i32; 2]]) -> f64 {
    let Some(mut previous) = contour.last() else {
        return 0.0;
    };
    let mut length = 0.0;
    for point in contour {
        let (dx, dy) = (
            (point[0] - previous[0]) as f32,
            (point[1] - previous[1]) as f32,
        );
        length += (dx * dx + dy * dy).sqrt() as f64;
        previous = point;
    }
    length
}

/// Area inside the closed curve through the points.
pub(crate) fn contour_area(contour: &[[i32; 2]]) -> f64 {
    let points: Vec<Point> = contour
        .iter()
        .map(|p| Point {
            x: p[0] as f32,
            y: p[1] as f32,
        })
        .collect();
    super::polygon::signed_area(&points).abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> Mask {
        let cells = rows
            .iter()
            .flat_map(|r| r.bytes().map(|b| b == b'#'))
            .collect();
        Mask {
            width: rows[0].len(),
            height: rows.len(),
            cells,
        }
    }

    #[test]
    fn a_rectangle_is_four_corners_down_the_left_side_first() {
        let contours = external_contours(&mask(&[".....", ".###.", ".#.#.", ".###."]));
        assert_eq!(contours, [vec![[1, 1], [1, 3], [3, 3], [3, 1]]]);
    }

    #[test]
    fn shapes_inside_holes_are_not_external() {
        let rows = [
            "#######", "#.....#", "#..#..#", "#.....#", "#######", ".......", "..#....",
        ];
        let contours = external_contours(&mask(&rows));
        assert_eq!(
            contours,
            [vec![[2, 6]], vec![[0, 0], [0, 4], [6, 4], [6, 0]]]
        );
    }

    #[test]
    fn small_steps_are_smoothed_away() {
        let stairs = [[0, 0], [0, 20], [10, 20], [11, 19], [20, 19], [20, 0]];
        assert_eq!(simplify(&stairs, 2.0), [[0, 0], [0, 20], [20, 19], [20, 0]]);
        assert_eq!(simplify(&stairs, 100.0).len(), 1);
    }

    #[test]
    fn nearest_cells_are_found_by_rounding_down() {
        let resized = mask(&["#.", ".#"]).resize_nearest(5, 2);
        assert_eq!(resized, mask(&["###..", "...##"]));
    }

    proptest::proptest! {
        #[test]
        fn contours_of_any_mask_are_closed_walks_on_it(width in 1usize..12, bits in proptest::collection::vec(proptest::bool::ANY, 1..144)) {
            let height = bits.len().div_ceil(width);
            let mut any = Mask::new(width, height);
            any.cells[..bits.len()].copy_from_slice(&bits);
            let contours = external_contours(&any);
            proptest::prop_assert_eq!(contours.is_empty(), any.is_empty());
            for point in contours.iter().flatten() {
                proptest::prop_assert!(any.cells[point[1] as usize * width + point[0] as usize]);
            }
            for contour in &contours {
                let fewer = simplify(contour, 1.0);
                proptest::prop_assert!(!fewer.is_empty() && fewer.iter().all(|p| contour.contains(p)));
            }
        }
    }
}
