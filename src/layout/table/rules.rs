//! Ruling lines and borders: where they stand, which of them are one, and which meet.

use super::thresholds::drawn::{SNAP, TOUCH};
use crate::deadline;
use crate::geometry::Rect;

/// A horizontal or vertical line: position across it, and extent along it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rule {
    /// Vertical position of a horizontal line, horizontal one of a vertical line.
    pub at: f32,
    /// Where it begins.
    pub from: f32,
    /// Where it ends.
    pub to: f32,
    /// `true` for a line, `false` for the border of a shaded area.
    pub is_line: bool,
}

impl Rule {
    pub(super) fn level(r: &Rect, is_line: bool) -> Self {
        Self {
            at: r.center_y(),
            from: r.x1,
            to: r.x2,
            is_line,
        }
    }

    pub(super) fn upright(r: &Rect, is_line: bool) -> Self {
        Self {
            at: r.center_x(),
            from: r.y1,
            to: r.y2,
            is_line,
        }
    }

    fn length(&self) -> f32 {
        self.to - self.from
    }
}

/// Rules, sorted by position, with a position between two values.
pub(super) fn between(rules: &[Rule], from: f32, to: f32) -> &[Rule] {
    let first = rules.partition_point(|r| r.at < from);
    let count = rules[first..].partition_point(|r| r.at <= to);
    &rules[first..first + count]
}

/// Share of `from..to` that rules near `at` cover.
pub(super) fn share(rules: &[Rule], at: f32, from: f32, to: f32, lines_only: bool) -> f32 {
    let near = between(rules, at - SNAP, at + SNAP);
    let mut covered: Vec<(f32, f32)> = near
        .iter()
        .filter(|r| r.is_line || !lines_only)
        .map(|r| (r.from.max(from), r.to.min(to)))
        .filter(|(a, b)| a < b)
        .collect();
    covered.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut sum, mut end) = (0.0, from);
    for (a, b) in covered {
        sum += (b - a.max(end)).max(0.0);
        end = end.max(b);
    }
    sum / (to - from).max(1.0)
}

/// Merges collinear pieces of lines.
pub(super) fn merged(lines: impl Iterator<Item = Rule>) -> Vec<Rule> {
    let mut lines: Vec<Rule> = lines.collect();
    lines.sort_by(|a, b| a.at.total_cmp(&b.at).then(a.from.total_cmp(&b.from)));
    let mut out: Vec<Rule> = Vec::new();
    for line in lines {
        let same = out
            .iter_mut()
            .rev()
            .take_while(|o| line.at - o.at < SNAP)
            .find(|o| line.from <= o.to + TOUCH && o.from <= line.to + TOUCH);
        match same {
            Some(o) => {
                // The longer one tells the place better than an end of a border that meets it.
                if line.length() > o.length() {
                    o.at = line.at;
                }
                (o.from, o.to) = (o.from.min(line.from), o.to.max(line.to));
                o.is_line |= line.is_line;
            }
            None => out.push(line),
        }
    }
    out.sort_by(|a, b| a.at.total_cmp(&b.at));
    out
}

/// Groups of lines that meet, as `(horizontal, vertical)`.
pub(super) fn groups(horizontal: &[Rule], vertical: &[Rule]) -> Vec<(Vec<Rule>, Vec<Rule>)> {
    // The lines of the other direction that a line reaches.
    let meeting = |own: &Rule, others: &[Rule]| -> Vec<usize> {
        let first = others.partition_point(|other| other.at < own.from - TOUCH);
        let near = between(others, own.from - TOUCH, own.to + TOUCH);
        let reaches = |other: &Rule| other.from - TOUCH <= own.at && own.at <= other.to + TOUCH;
        (first..)
            .zip(near)
            .filter(|(_, other)| reaches(other))
            .map(|(at, _)| at)
            .collect()
    };
    let mut is_taken_v: Vec<bool> = vec![false; vertical.len()];
    let mut is_taken_h: Vec<bool> = vec![false; horizontal.len()];
    let mut found = Vec::new();
    for start in 0..horizontal.len() {
        if is_taken_h[start] {
            continue;
        }
        is_taken_h[start] = true;
        let (mut level, mut upright) = (vec![start], Vec::new());
        let mut next = 0;
        while next < level.len() {
            deadline::check();
            for v in meeting(&horizontal[level[next]], vertical) {
                if std::mem::replace(&mut is_taken_v[v], true) {
                    continue;
                }
                upright.push(v);
                for h in meeting(&vertical[v], horizontal) {
                    if !std::mem::replace(&mut is_taken_h[h], true) {
                        level.push(h);
                    }
                }
            }
            next += 1;
        }
        let pick = |mut at: Vec<usize>, rules: &[Rule]| -> Vec<Rule> {
            at.sort_unstable();
            at.into_iter().map(|i| rules[i]).collect()
        };
        found.push((pick(level, horizontal), pick(upright, vertical)));
    }
    found
}

/// Distinct positions; those closer than the snap distance are averaged.
pub(super) fn positions(values: impl Iterator<Item = f32>) -> Vec<f32> {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    let mut clusters: Vec<(f32, f32)> = Vec::new();
    for value in values {
        match clusters.last_mut() {
            Some((sum, n)) if value - *sum / *n < SNAP => (*sum, *n) = (*sum + value, *n + 1.0),
            _ => clusters.push((value, 1.0)),
        }
    }
    clusters.into_iter().map(|(sum, n)| sum / n).collect()
}
