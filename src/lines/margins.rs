//! Slant of the margins of columns on a page whose lines are level: both ends of lines that stand below each other.
//!
//! A camera that looks at a page from above or from the side lets margins lean, more so the farther they are from the
//! middle. The slant that puts most pairs of ends exactly below each other is searched on a grid, then on a finer one.

use super::midlines::Midline;
use super::thresholds::straighten::*;
use crate::geometry::Point;

/// Lines below an end that are looked at, the nearest first.
const MOST_BELOW: usize = 8;
/// Most pairs that are looked at.
const MOST_PAIRS: usize = 10_000;
/// Steps of the coarse and the fine grid to either side.
const COARSE: i32 = 15;
const FINE: i32 = 5;

/// Slant of margins: pixels across per pixel down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slant {
    /// In the middle of the page.
    pub middle: f32,
    /// Growth from there to a place a page's width to the right.
    pub growth: f32,
    /// The page's width and height.
    pub size: (f32, f32),
}

/// An end of a line and one below it.
struct Pair {
    x: f32,
    across: f32,
    down: f32,
    /// Distance across in which both stand below each other.
    near: f32,
}

impl Slant {
    /// Margins that stand upright.
    pub(super) fn none(size: (f32, f32)) -> Slant {
        Slant {
            middle: 0.0,
            growth: 0.0,
            size,
        }
    }

    /// The slant of the margins of these lines, whose places on the level page are `level`; none unless it brings clearly more
    /// ends below each other.
    pub(super) fn of(lines: &[Midline], level: impl Fn(Point) -> Point, size: (f32, f32)) -> Slant {
        let none = Slant::none(size);
        let pairs = pairs(lines, level);
        let best = |around: Slant, step: f32, steps: i32| {
            let mut best = (around, score(&pairs, &around));
            for i in -steps..=steps {
                for j in -steps..=steps {
                    let tried = Slant {
                        middle: around.middle + i as f32 * step,
                        growth: around.growth + j as f32 * step,
                        ..around
                    };
                    let score = score(&pairs, &tried);
                    if score > best.1 {
                        best = (tried, score);
                    }
                }
            }
            best
        };
        let step = MOST_SLANT / COARSE as f32;
        let (coarse, _) = best(none, step, COARSE);
        let (found, found_score) = best(coarse, step / FINE as f32, FINE);
        match found_score > score(&pairs, &none) * CLEARLY_UPRIGHT {
            true => found,
            false => none,
        }
    }

    /// Where a place of the page with upright margins lies on the level page, across.
    pub(super) fn origin(&self, x: f32, y: f32) -> f32 {
        let (width, height) = self.size;
        let down = y - height / 2.0;
        let off = x - width / 2.0;
        width / 2.0 + off * (1.0 + self.growth * down / width) + self.middle * down
    }

    /// The opposite of [`Slant::origin`].
    pub(super) fn upright(&self, x: f32, y: f32) -> f32 {
        let (width, height) = self.size;
        let down = y - height / 2.0;
        let off = x - width / 2.0 - self.middle * down;
        width / 2.0 + off / (1.0 + self.growth * down / width).max(0.5)
    }
}

/// Ends of lines and those below them, at either side.
fn pairs(lines: &[Midline], level: impl Fn(Point) -> Point) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for of in [<[Point]>::first, <[Point]>::last] {
        let mut ends: Vec<(Point, f32)> = lines
            .iter()
            .filter_map(|line| Some((level(*of(&line.points)?), line.height)))
            .collect();
        ends.sort_by(|a, b| a.0.y.total_cmp(&b.0.y));
        for (i, (end, height)) in ends.iter().enumerate() {
            let below = ends[i + 1..].iter().filter_map(|(other, other_height)| {
                let (across, down) = (other.x - end.x, other.y - end.y);
                let is_below = down > *height && across.abs() < height + MOST_SLANT * down;
                is_below.then(|| Pair {
                    x: (end.x + other.x) / 2.0,
                    across,
                    down,
                    near: SAME_MARGIN * height.min(*other_height),
                })
            });
            pairs.extend(below.take(MOST_BELOW));
        }
    }
    // Evenly, so that no part of the page is left out.
    let every = pairs.len().div_ceil(MOST_PAIRS).max(1);
    pairs.into_iter().step_by(every).collect()
}

/// How many pairs stand below each other.
fn score(pairs: &[Pair], slant: &Slant) -> f32 {
    let (width, _) = slant.size;
    let one = |pair: &Pair| {
        let lean = slant.middle + slant.growth * (pair.x - width / 2.0) / width;
        let off = (pair.across - lean * pair.down) / pair.near;
        1.0 / (1.0 + off * off)
    };
    pairs.iter().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns with indents and short last lines, whose places are `place`.
    fn columns(place: impl Fn(f32, f32) -> f32) -> Vec<Midline> {
        let line = |i: usize| {
            let (row, column) = (i / 2, i % 2);
            let y = 100.0 + 24.0 * row as f32;
            let from = 80.0 + 330.0 * column as f32 + if row % 5 == 0 { 20.0 } else { 0.0 };
            let to = if row % 5 == 4 {
                from + 100.0 + row as f32
            } else {
                380.0 + 330.0 * column as f32
            };
            let points = [from, (from + to) / 2.0, to];
            Midline {
                points: points.map(|x| Point { x: place(x, y), y }).to_vec(),
                height: 8.0,
            }
        };
        (0..60).map(line).collect()
    }

    #[test]
    fn leaning_margins_are_found() {
        let size = (800.0, 1000.0);
        for (middle, growth) in [(0.03, 0.0), (-0.02, 0.06), (0.0, -0.05)] {
            let leaning = Slant {
                middle,
                growth,
                size,
            };
            let lines = columns(|x, y| leaning.origin(x, y));
            let found = Slant::of(&lines, |p| p, size);
            assert!((found.middle - middle).abs() < 0.003, "{found:?}");
            assert!((found.growth - growth).abs() < 0.012, "{found:?}");
            let p = found.origin(found.upright(123.0, 456.0), 456.0);
            assert!((p - 123.0).abs() < 0.01);
        }
    }

    #[test]
    fn upright_margins_and_ragged_lines_have_no_slant() {
        let size = (800.0, 1000.0);
        assert_eq!(
            Slant::of(&columns(|x, _| x), |p| p, size),
            Slant::none(size)
        );
        assert_eq!(Slant::of(&[], |p| p, size), Slant::none(size));
    }
}
