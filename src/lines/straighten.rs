//! Straightens pages whose lines are curved, as those of an open book, or run in several directions, as on a page
//! photographed at an angle.
//!
//! In: the middles of a page's lines. Out, if enough of them are bent: a mesh that samples the page so that its lines
//! are level. After the page's skew is undone, a smooth field says for every place how far it has to move up or down. It
//! is piecewise linear between the nodes of a grid over the text. The nodes' values minimize, over all points of all
//! lines, the squared distance to a level line whose height is free, plus penalties on bends of the field. Points
//! that do not follow the field lose their weight step by step (iteratively reweighted least squares with Cauchy weights).
//! Then margins that lean are put upright ([`margins`](super::margins)).

use super::margins::Slant;
use super::midlines::Midline;
use super::skew::rotate_point;
use super::thresholds::straighten::*;
use crate::geometry::{Point, Rect};
use crate::raster::{Mesh, Pixels};

/// Nodes of the field across and down.
const COLUMNS: usize = 25;
const ROWS: usize = 6;
const NODES: usize = COLUMNS * ROWS;
/// Weights of the penalties, in points of lines per node: on bends across and down, and on the values themselves, which
/// keeps lines at their mean heights.
const BEND_ACROSS: f64 = 0.03;
const BEND_DOWN: f64 = 0.5;
const VALUE: f64 = 1e-4;
/// Steps of reweighting.
const STEPS: usize = 6;
/// Distance in heights of the line at which a point has half its weight.
const HALF_WEIGHT: f32 = 0.5;
/// Room around lines on the straight page, in heights.
const ROOM: f32 = 3.0;
/// Distance of the mesh's points in pixels.
const MESH_STEP: usize = 16;
/// Steps in which the place of a row is found; each halves the error at least ([`MAX_STRETCH`]).
const ROW_STEPS: usize = 16;

/// How a page is made straight.
pub(super) struct Straightening {
    /// Skew that is undone with it, in radians clockwise.
    pub skew: f32,
    field: Field,
    slant: Slant,
    /// Width and height of the page.
    size: (f32, f32),
    /// Place of the straight page's first pixel.
    first: Point,
    /// Columns and rows of the straight page.
    count: (usize, usize),
}

impl Straightening {
    /// How to straighten a page of `width` x `height` pixels with these lines; `None` if it need not or cannot be.
    pub(super) fn of(lines: &[Midline], width: f32, height: f32) -> Option<Straightening> {
        let text: f32 = lines.iter().map(Midline::length).sum();
        if text < LEAST_TEXT * width || !Bend::of(lines).is_bent() {
            return None;
        }
        let slopes = lines
            .iter()
            .filter_map(|line| Some((slope(line)?, line.length())));
        let skew = weighted_median(slopes.collect())?.atan();
        let level = |p: Point| rotate_point(p, -skew, width / 2.0, height / 2.0);
        let lines: Vec<Midline> = lines.iter().map(|line| line.mapped(1.0, level)).collect();
        let field = Field::fitted(&lines)?;
        if field.most_stretch() > MAX_STRETCH {
            return None;
        }
        let level = |p: Point| Point {
            x: p.x,
            y: p.y - field.at(p.x, p.y),
        };
        let slant = Slant::of(&lines, level, (width, height));
        // Where the page begins and ends so that no line is cut.
        let mut bounds = Rect {
            x1: 0.0,
            y1: 0.0,
            x2: width,
            y2: height,
        };
        for line in &lines {
            let room = ROOM * line.height;
            for p in line.points.iter().map(|p| level(*p)) {
                let x = slant.upright(p.x, p.y);
                bounds.x1 = bounds.x1.min((x - room).floor());
                bounds.x2 = bounds.x2.max((x + room).ceil());
                bounds.y1 = bounds.y1.min((p.y - room).floor());
                bounds.y2 = bounds.y2.max((p.y + room).ceil());
            }
        }
        let fits = bounds.width() <= width * (1.0 + MAX_GROWTH)
            && bounds.height() <= height * (1.0 + MAX_GROWTH);
        fits.then(|| Straightening {
            skew,
            field,
            slant,
            size: (width, height),
            first: Point {
                x: bounds.x1,
                y: bounds.y1,
            },
            count: (bounds.width() as usize, bounds.height() as usize),
        })
    }

    /// The straight page.
    pub(super) fn applied(&self, page: &Pixels) -> Pixels {
        page.warped(&self.mesh(), self.count.0, self.count.1)
    }

    /// Where the pixels of the straight page lie on the page.
    fn mesh(&self) -> Mesh {
        let (width, height) = self.size;
        let columns = self.count.0.div_ceil(MESH_STEP) + 1;
        let rows = self.count.1.div_ceil(MESH_STEP) + 1;
        let share = |at: usize, of: usize| at as f32 / (of - 1) as f32;
        let place = |at: usize| {
            let x = self.first.x + share(at % columns, columns) * (self.count.0 as f32 - 1.0);
            let y = self.first.y + share(at / columns, rows) * (self.count.1 as f32 - 1.0);
            let x = self.slant.origin(x, y);
            let p = Point {
                x,
                y: self.field.origin(x, y),
            };
            let p = rotate_point(p, self.skew, width / 2.0, height / 2.0);
            [
                p.x / (width - 1.0) * 2.0 - 1.0,
                p.y / (height - 1.0) * 2.0 - 1.0,
            ]
        };
        Mesh {
            columns,
            rows,
            places: (0..columns * rows).map(place).collect(),
        }
    }
}

/// How bent the lines of a page are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bend {
    /// Share of the lines, by length, that rise or bow by more than [`BENT`] heights beside the slope of most.
    share: f32,
    /// How far the slopes of most of many lines are from that of most; 0 with few lines, some of which may be notes.
    spread: f32,
}

impl Bend {
    /// Measures lines.
    pub(super) fn of(lines: &[Midline]) -> Bend {
        let slopes: Vec<(f32, f32)> = lines
            .iter()
            .filter_map(|line| Some((slope(line)?, line.length())))
            .collect();
        let Some(middle) = weighted_median(slopes.clone()) else {
            return Bend {
                share: 0.0,
                spread: 0.0,
            };
        };
        let (mut bent, mut all) = (0.0, 0.0);
        for line in lines {
            let rows = line.points.iter().map(|p| p.y - middle * p.x);
            let (low, high) = rows.fold((f32::MAX, f32::MIN), |(a, b), y| (a.min(y), b.max(y)));
            all += line.length();
            if high - low > BENT * line.height {
                bent += line.length();
            }
        }
        let off = slopes.iter().map(|(slope, w)| ((slope - middle).abs(), *w));
        let spread = match lines.len() >= MANY_LINES {
            true => weighted_median(off.collect()).unwrap_or(0.0),
            false => 0.0,
        };
        Bend {
            share: if all > 0.0 { bent / all } else { 0.0 },
            spread,
        }
    }

    fn is_bent(&self) -> bool {
        self.share >= BENT_SHARE || self.spread >= UNEVEN
    }

    /// `true` if lines were bent more before they were straightened.
    pub(super) fn is_less_than(&self, before: &Bend) -> bool {
        let amount = |bend: &Bend| bend.share / BENT_SHARE + bend.spread / UNEVEN;
        amount(self) < amount(before)
    }
}

/// The median of values with weights; `None` without any.
fn weighted_median(mut values: Vec<(f32, f32)>) -> Option<f32> {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f32 = values.iter().map(|(_, weight)| weight).sum();
    let mut passed = 0.0;
    let median = values.iter().find(|(_, weight)| {
        passed += weight;
        passed * 2.0 >= total
    });
    median.map(|(value, _)| *value)
}

/// Slope of the straight line that fits a line best.
fn slope(line: &Midline) -> Option<f32> {
    let count = line.points.len() as f32;
    let x = line.points.iter().map(|p| p.x).sum::<f32>() / count;
    let y = line.points.iter().map(|p| p.y).sum::<f32>() / count;
    let (mut xx, mut xy) = (0.0, 0.0);
    for p in &line.points {
        xx += (p.x - x) * (p.x - x);
        xy += (p.x - x) * (p.y - y);
    }
    (xx > 0.0).then_some(xy / xx)
}

/// How far places lie below the level line that they belong to.
struct Field {
    /// The text, which the grid covers; outside of it the field is that of the nearest edge.
    bounds: Rect,
    /// Values of the nodes in pixels, row by row.
    nodes: Vec<f32>,
}

/// Nodes around a place and their weights.
type Taps = [(usize, f32); 4];

impl Field {
    /// The field that makes lines level; `None` if it is not determined.
    fn fitted(lines: &[Midline]) -> Option<Field> {
        let points = || lines.iter().flat_map(|line| &line.points);
        let first = points().next()?;
        let mut bounds = Rect {
            x1: first.x,
            y1: first.y,
            x2: first.x,
            y2: first.y,
        };
        for p in points() {
            bounds.x1 = bounds.x1.min(p.x);
            bounds.x2 = bounds.x2.max(p.x);
            bounds.y1 = bounds.y1.min(p.y);
            bounds.y2 = bounds.y2.max(p.y);
        }
        let mut field = Field {
            bounds,
            nodes: vec![0.0; NODES],
        };
        let mut weights: Vec<Vec<f32>> = lines
            .iter()
            .map(|line| vec![1.0; line.points.len()])
            .collect();
        for _ in 0..STEPS {
            field.nodes = field.solved(lines, &weights)?;
            for (line, weights) in lines.iter().zip(&mut weights) {
                field.reweigh(line, weights);
            }
        }
        Some(field)
    }

    /// Gives the points of a line their weights by their distances to the level line.
    fn reweigh(&self, line: &Midline, weights: &mut [f32]) {
        let rows = || line.points.iter().map(|p| p.y - self.at(p.x, p.y));
        let all: f32 = weights.iter().sum();
        let level: f32 = rows().zip(weights.iter()).map(|(y, w)| y * w).sum::<f32>() / all;
        for (y, weight) in rows().zip(weights) {
            let distance = (y - level) / (HALF_WEIGHT * line.height);
            *weight = 1.0 / (1.0 + distance * distance);
        }
    }

    /// The nodes' values for these weights of points.
    fn solved(&self, lines: &[Midline], weights: &[Vec<f32>]) -> Option<Vec<f32>> {
        let mut normal = Normal::new(NODES);
        let mut total = 0.0;
        for (line, weights) in lines.iter().zip(weights) {
            // The line's own height is free: it is eliminated by taking the weighted means away.
            let mut sums = vec![0.0f64; NODES];
            let (mut sum, mut sum_y) = (0.0f64, 0.0f64);
            for (p, weight) in line.points.iter().zip(weights) {
                let taps = self.taps(p.x, p.y);
                let weight = f64::from(*weight);
                normal.add(&taps, f64::from(p.y), weight);
                taps.iter()
                    .for_each(|(node, share)| sums[*node] += weight * f64::from(*share));
                sum += weight;
                sum_y += weight * f64::from(p.y);
            }
            let mean: Vec<(usize, f32)> = sums
                .iter()
                .enumerate()
                .filter(|(_, v)| **v != 0.0)
                .map(|(node, v)| (node, (v / sum) as f32))
                .collect();
            normal.add(&mean, sum_y / sum, -sum);
            total += sum;
        }
        let per_node = total / NODES as f64;
        let at = |column: usize, row: usize| row * COLUMNS + column;
        for row in 0..ROWS {
            for column in 0..COLUMNS {
                normal.add(&[(at(column, row), 1.0)], 0.0, VALUE * per_node);
                if (1..COLUMNS - 1).contains(&column) {
                    let bend = [(-1.0, column - 1), (2.0, column), (-1.0, column + 1)];
                    let bend = bend.map(|(share, column)| (at(column, row), share));
                    normal.add(&bend, 0.0, BEND_ACROSS * per_node);
                }
                if (1..ROWS - 1).contains(&row) {
                    let bend = [(-1.0, row - 1), (2.0, row), (-1.0, row + 1)];
                    let bend = bend.map(|(share, row)| (at(column, row), share));
                    normal.add(&bend, 0.0, BEND_DOWN * per_node);
                }
            }
        }
        normal.solved()
    }

    /// The nodes around a place.
    fn taps(&self, x: f32, y: f32) -> Taps {
        let tap = |v: f32, from: f32, to: f32, count: usize| {
            let place = ((v - from) / (to - from).max(1.0)).clamp(0.0, 1.0) * (count - 1) as f32;
            let first = (place as usize).min(count - 2);
            (first, place - first as f32)
        };
        let (column, u) = tap(x, self.bounds.x1, self.bounds.x2, COLUMNS);
        let (row, v) = tap(y, self.bounds.y1, self.bounds.y2, ROWS);
        let at = row * COLUMNS + column;
        [
            (at, (1.0 - u) * (1.0 - v)),
            (at + 1, u * (1.0 - v)),
            (at + COLUMNS, (1.0 - u) * v),
            (at + COLUMNS + 1, u * v),
        ]
    }

    /// The value at a place.
    fn at(&self, x: f32, y: f32) -> f32 {
        let taps = self.taps(x, y);
        taps.iter()
            .map(|(node, share)| self.nodes[*node] * share)
            .sum()
    }

    /// Height of the place that comes to the height `y`.
    fn origin(&self, x: f32, y: f32) -> f32 {
        (0..ROW_STEPS).fold(y, |at, _| y + self.at(x, at))
    }

    /// The most by which the field changes from one row to the next.
    fn most_stretch(&self) -> f32 {
        let step = ((self.bounds.y2 - self.bounds.y1) / (ROWS - 1) as f32).max(1.0);
        let below = self.nodes.iter().skip(COLUMNS);
        let steps = self.nodes.iter().zip(below);
        steps.map(|(a, b)| (b - a).abs() / step).fold(0.0, f32::max)
    }
}

/// Normal equations of a least-squares problem.
struct Normal {
    size: usize,
    /// The lower half of the symmetric matrix, row by row.
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl Normal {
    fn new(size: usize) -> Self {
        Normal {
            size,
            matrix: vec![0.0; size * size],
            right: vec![0.0; size],
        }
    }

    /// Adds the equation that the unknowns times their shares are `value`.
    fn add(&mut self, shares: &[(usize, f32)], value: f64, weight: f64) {
        for (i, a) in shares {
            let a = f64::from(*a) * weight;
            self.right[*i] += a * value;
            for (j, b) in shares {
                self.matrix[i * self.size + j] += a * f64::from(*b);
            }
        }
    }

    /// The solution by Cholesky decomposition; `None` if there is none.
    fn solved(mut self) -> Option<Vec<f32>> {
        let n = self.size;
        let m = &mut self.matrix;
        for i in 0..n {
            for j in 0..=i {
                let sum: f64 = (0..j).map(|k| m[i * n + k] * m[j * n + k]).sum();
                let rest = m[i * n + j] - sum;
                if i != j {
                    m[i * n + j] = rest / m[j * n + j];
                } else if rest > 0.0 && rest.is_finite() {
                    m[i * n + i] = rest.sqrt();
                } else {
                    return None;
                }
            }
        }
        let mut x = self.right;
        for i in 0..n {
            let sum: f64 = (0..i).map(|k| m[i * n + k] * x[k]).sum();
            x[i] = (x[i] - sum) / m[i * n + i];
        }
        for i in (0..n).rev() {
            let sum: f64 = (i + 1..n).map(|k| m[k * n + i] * x[k]).sum();
            x[i] = (x[i] - sum) / m[i * n + i];
        }
        Some(x.into_iter().map(|v| v as f32).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Middles of lines with words of a page of 800 x 1000 pixels, 30 pixels apart, bent by `bend`.
    fn page(bend: impl Fn(f32, f32) -> f32) -> Vec<Midline> {
        let line = |row: usize| {
            let y = 100.0 + 30.0 * row as f32;
            let point = |i: usize| {
                let x = 80.0 + 8.0 * i as f32;
                Point {
                    x,
                    y: y + bend(x, y),
                }
            };
            Midline {
                // The last line of a paragraph is short.
                points: (0..if row % 6 == 5 { 30 } else { 80 }).map(point).collect(),
                height: 8.0,
            }
        };
        (0..26).map(line).collect()
    }

    /// The largest rise of a line after the straightening, and the largest before it.
    fn rises(lines: &[Midline]) -> (f32, f32) {
        let straight = Straightening::of(lines, 800.0, 1000.0).unwrap();
        let rise = |line: &Midline, place: &dyn Fn(Point) -> f32| {
            let rows = line.points.iter().map(|p| place(*p));
            let (low, high) = rows.fold((f32::MAX, f32::MIN), |(a, b), y| (a.min(y), b.max(y)));
            high - low
        };
        let after = |p: Point| {
            let p = rotate_point(p, -straight.skew, 400.0, 500.0);
            p.y - straight.field.at(p.x, p.y)
        };
        let most = |place: &dyn Fn(Point) -> f32| {
            lines
                .iter()
                .map(|line| rise(line, place))
                .fold(0.0, f32::max)
        };
        (most(&after), most(&|p| p.y))
    }

    #[test]
    fn curves_of_either_side_fans_and_folds_are_straightened() {
        let bow = |x: f32| 25.0 * (x / 800.0 * std::f32::consts::PI).sin().powi(2);
        type Curve<'a> = &'a dyn Fn(f32, f32) -> f32;
        // With the largest rise that may be left. At a fold it is less than the height of the letters.
        let bends: [(&str, f32, Curve); 5] = [
            ("up", 4.0, &|x, _| -bow(x)),
            ("down, less at the foot", 4.0, &|x, y| {
                bow(x) * (1.0 - 0.4 * y / 1000.0)
            }),
            ("fan", 4.0, &|x, y| (x - 400.0) * (y - 500.0) * 1.2e-4),
            ("fold", 8.0, &|x, _| {
                60.0 * (-(x - 400.0f32).abs() / 90.0).exp()
            }),
            ("turned and bent", 4.0, &|x, _| 0.06 * x - bow(x)),
        ];
        for (name, most, bend) in bends {
            let (after, before) = rises(&page(bend));
            assert!(after < most && before > 20.0, "{name}: {after} of {before}");
        }
    }

    #[test]
    fn short_lines_of_many_columns_tell_a_curve() {
        // Five columns: no line rises by its height, but their slopes differ.
        let bow = |x: f32| -18.0 * (x / 800.0 * std::f32::consts::PI).sin().powi(2);
        let columns = |bend: &dyn Fn(f32) -> f32| -> Vec<Midline> {
            let line = |i: usize| {
                let (from, y) = (60.0 + 140.0 * (i % 5) as f32, 100.0 + 20.0 * (i / 5) as f32);
                let point = |k: usize| {
                    let x = from + 8.0 * k as f32;
                    Point { x, y: y + bend(x) }
                };
                Midline {
                    points: (0..15).map(point).collect(),
                    height: 9.0,
                }
            };
            (0..200).map(line).collect()
        };
        let lines = columns(&bow);
        assert!(Bend::of(&lines).share < BENT_SHARE);
        let (after, before) = rises(&lines);
        assert!(after < 2.0 && before > 6.0, "{after} of {before}");
        assert!(Straightening::of(&columns(&|_| 0.0), 800.0, 1000.0).is_none());
    }

    #[test]
    fn lines_that_belong_to_nothing_do_not_bend_the_field() {
        let bow = |x: f32| -25.0 * (x / 800.0 * std::f32::consts::PI).sin().powi(2);
        let mut lines = page(|x, _| bow(x));
        let sound = lines.len();
        // A slanted stamp.
        lines.extend((0..2).map(|i| {
            Midline {
                points: (0..15)
                    .map(|k| Point {
                        x: 300.0 + 8.0 * k as f32,
                        y: 500.0 + 40.0 * i as f32 + 4.0 * k as f32,
                    })
                    .collect(),
                height: 8.0,
            }
        }));
        let straight = Straightening::of(&lines, 800.0, 1000.0).unwrap();
        for line in &lines[..sound] {
            let rows = line.points.iter().map(|p| {
                let p = rotate_point(*p, -straight.skew, 400.0, 500.0);
                p.y - straight.field.at(p.x, p.y)
            });
            let (low, high) = rows.fold((f32::MAX, f32::MIN), |(a, b), y| (a.min(y), b.max(y)));
            assert!(high - low < 5.0, "{}", high - low);
        }
    }

    #[test]
    fn straight_pages_and_pages_with_little_text_stay() {
        let of = |lines: &[Midline]| Straightening::of(lines, 800.0, 1000.0).is_some();
        assert!(!of(&page(|_, _| 0.0)));
        assert!(!of(&page(|x, _| 0.08 * x)));
        assert!(!of(&[]));
        let bent = page(|x, _| 60.0 * (x / 300.0).sin());
        assert!(of(&bent) && !of(&bent[..1]));
        // A note along the page.
        let mut noted = page(|_, _| 0.0);
        noted.extend(page(|x, _| 0.3 * x).drain(..3));
        assert!(!of(&noted));
    }

    #[test]
    fn a_curved_rule_becomes_level() {
        let bow = |x: f32| 30.0 * (x / 800.0 * std::f32::consts::PI).sin();
        let lines = page(|x, _| bow(x));
        let mut picture = Pixels::white(800, 1000);
        for x in 0..800 {
            let y = (400.0 + bow(x as f32)).round() as usize;
            (y..y + 4).for_each(|y| picture.data[(y * 800 + x) * 3..][..3].fill(0));
        }
        let straight = Straightening::of(&lines, 800.0, 1000.0).unwrap();
        let picture = straight.applied(&picture);
        let row = |x: usize| {
            (0..picture.height).find(|y| picture.data[(y * picture.width + x) * 3] < 128)
        };
        let rows: Vec<usize> = (100..700).filter_map(row).collect();
        let (low, high) = (rows.iter().min().unwrap(), rows.iter().max().unwrap());
        assert!(rows.len() == 600 && high - low <= 2, "{low} to {high}");
    }
}
