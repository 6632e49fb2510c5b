//! Middles of lines as the detector sees them: each connected area of its probability map, followed column by column.
//!
//! The box of a curved line says little of the line, and its mean probability is low, because most of the box is not
//! the line. Its area is a band as high as the small letters, which follows the curve. Only lines that run across are
//! followed. Areas are made of runs of rows, of which a page has some thousands, so that this costs a look at each value.

use super::thresholds::straighten::*;
use crate::geometry::Point;
use std::ops::Range;

/// The middle of a line, from left to right.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Midline {
    /// Points on the middle of its small letters, each the mean of about as many columns as the band is high.
    pub points: Vec<Point>,
    /// Height of the band, about that of small letters without what reaches up or down.
    pub height: f32,
}

impl Midline {
    /// Distance from its first point to the last across the page; 0 without points.
    pub(super) fn length(&self) -> f32 {
        match (self.points.first(), self.points.last()) {
            (Some(first), Some(last)) => last.x - first.x,
            _ => 0.0,
        }
    }

    /// The line with its points placed by `place`, and its height multiplied by `scale`.
    pub(super) fn mapped(&self, scale: f32, place: impl Fn(Point) -> Point) -> Midline {
        Midline {
            points: self.points.iter().map(|p| place(*p)).collect(),
            height: self.height * scale,
        }
    }
}

/// A run of a row above the threshold.
struct Run {
    y: usize,
    columns: Range<usize>,
}

/// The middles of the lines in a probability map, rows from the top, `width` values each, in its pixels; values above
/// `thresh` belong to lines.
pub(super) fn midlines(map: &[f32], width: usize, thresh: f32) -> Vec<Midline> {
    let mut found: Vec<Midline> = areas(map, width, thresh)
        .iter()
        .filter_map(|area| midline(area))
        .collect();
    found.sort_by(|a, b| b.length().total_cmp(&a.length()));
    found.truncate(MOST_LINES);
    found
}

/// The connected areas (8-connected) of a map as runs.
fn areas(map: &[f32], width: usize, thresh: f32) -> Vec<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    // For each run, a run of its area that was found before it, or itself.
    let mut parents: Vec<usize> = Vec::new();
    let mut above = 0..0;
    for (y, row) in map.chunks_exact(width.max(1)).enumerate() {
        let first = runs.len();
        let mut near = above.start;
        let mut x = 0;
        while let Some(start) = row[x..].iter().position(|v| *v > thresh).map(|n| x + n) {
            let end = row[start..]
                .iter()
                .position(|v| *v <= thresh)
                .map_or(row.len(), |n| start + n);
            x = end;
            let index = runs.len();
            parents.push(index);
            while near < above.end && runs[near].columns.end < start {
                near += 1;
            }
            let touching = runs[near..above.end]
                .iter()
                .take_while(|run| run.columns.start <= end)
                .count();
            (near..near + touching).for_each(|other| join(&mut parents, other, index));
            runs.push(Run {
                y,
                columns: start..end,
            });
        }
        above = first..runs.len();
    }
    let roots: Vec<usize> = (0..runs.len()).map(|run| root(&mut parents, run)).collect();
    let mut places = vec![usize::MAX; runs.len()];
    let mut areas: Vec<Vec<Run>> = Vec::new();
    for (run, root) in runs.into_iter().zip(roots) {
        if places[root] == usize::MAX {
            places[root] = areas.len();
            areas.push(Vec::new());
        }
        areas[places[root]].push(run);
    }
    areas
}

/// The first run of a run's area; shortens the way to it.
fn root(parents: &mut [usize], mut run: usize) -> usize {
    while parents[run] != run {
        parents[run] = parents[parents[run]];
        run = parents[run];
    }
    run
}

fn join(parents: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parents, a), root(parents, b));
    parents[a.max(b)] = a.min(b);
}

/// What an area has in one column.
#[derive(Clone, Copy)]
struct Column {
    count: usize,
    top: usize,
    bottom: usize,
}

/// The middle of an area, if it is a line: several times as long as high, measured in its columns.
fn midline(area: &[Run]) -> Option<Midline> {
    let left = area.iter().map(|run| run.columns.start).min()?;
    let right = area.iter().map(|run| run.columns.end).max()?;
    if right - left < LEAST_LENGTH {
        return None;
    }
    let none = Column {
        count: 0,
        top: usize::MAX,
        bottom: 0,
    };
    let mut columns = vec![none; right - left];
    for run in area {
        for column in &mut columns[run.columns.start - left..run.columns.end - left] {
            column.count += 1;
            column.top = column.top.min(run.y);
            column.bottom = run.y;
        }
    }
    let mut counts: Vec<usize> = columns.iter().map(|column| column.count).collect();
    let middle = counts.len() / 2;
    let height = *counts.select_nth_unstable(middle).1;
    if ((right - left) as f32) < LONG * height as f32 {
        return None;
    }
    // Round ends say nothing of the middle, nor do columns where neighbouring lines touch.
    let end = height / 2;
    let is_sound = |at: usize, column: &Column| {
        let reach = (column.bottom + 1).saturating_sub(column.top);
        at >= end
            && at + end < columns.len()
            && reach as f32 <= MAX_REACH * height as f32 + 1.0
            && column.count as f32 >= MIN_REACH * height as f32
    };
    let step = height.max(LEAST_STEP);
    let points: Vec<Point> = columns
        .chunks(step)
        .enumerate()
        .filter_map(|(part, chunk)| {
            let sound = chunk
                .iter()
                .enumerate()
                .map(|(i, column)| (part * step + i, column))
                .filter(|(at, column)| is_sound(*at, column));
            let (mut count, mut x, mut y) = (0, 0.0, 0.0);
            for (at, column) in sound {
                count += 1;
                x += (left + at) as f32;
                y += (column.top + column.bottom) as f32 / 2.0;
            }
            (count * 2 >= step).then(|| Point {
                x: x / count as f32 + 0.5,
                y: y / count as f32 + 0.5,
            })
        })
        .collect();
    (points.len() >= LEAST_POINTS).then_some(Midline {
        points,
        height: height as f32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map with bands whose middles are given for each column from 20 to `width` - 20.
    fn bands(width: usize, height: usize, middles: &[&dyn Fn(f32) -> f32]) -> Vec<f32> {
        let mut map = vec![0.0; width * height];
        for middle in middles {
            for x in 20..width - 20 {
                let y = middle(x as f32).round() as usize;
                (y - 3..=y + 3).for_each(|y| map[y * width + x] = 0.9);
            }
        }
        map
    }

    #[test]
    fn a_curved_line_is_followed() {
        let bow = |x: f32| 40.0 + 20.0 * (x / 200.0).sin();
        let found = midlines(&bands(640, 100, &[&bow]), 640, 0.3);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].height, 7.0);
        assert!(found[0].length() > 580.0);
        for p in &found[0].points {
            assert!((p.y - 0.5 - bow(p.x - 0.5)).abs() < 0.6, "{p:?}");
        }
    }

    #[test]
    fn lines_that_touch_are_followed_where_they_are_apart() {
        let mut map = bands(640, 100, &[&|_| 30.0, &|_| 50.0]);
        (30..50).for_each(|y| map[y * 640 + 300..y * 640 + 304].fill(0.9));
        // One area, whose columns reach over both lines.
        assert!(midlines(&map, 640, 0.3).is_empty());
        // Where only a part of them has both, the rest counts.
        let mut map = bands(640, 100, &[&|_| 30.0]);
        (26..60).for_each(|y| map[y * 640 + 300..y * 640 + 360].fill(0.9));
        let found = midlines(&map, 640, 0.3);
        assert_eq!(found.len(), 1);
        assert!(found[0].points.iter().all(|p| (p.y - 30.5).abs() < 0.01));
        assert!(
            !found[0]
                .points
                .iter()
                .any(|p| (305.0..355.0).contains(&p.x))
        );
    }

    #[test]
    fn words_specks_and_nothing_are_no_lines() {
        let mut map = vec![0.0; 100 * 50];
        assert!(midlines(&map, 100, 0.3).is_empty());
        (10..18).for_each(|y| map[y * 100 + 20..y * 100 + 40].fill(0.9));
        map[4000] = 1.0;
        assert!(midlines(&map, 100, 0.3).is_empty());
        assert!(midlines(&[], 0, 0.3).is_empty());
    }
}
