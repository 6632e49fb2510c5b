//! Tables between horizontal rules of equal extent, as books print them.

use super::super::FoundTable;
use super::super::thresholds::framed::*;
use super::{TextRow, build, columns, pieces, rows};
use crate::deadline;
use crate::geometry::Rect;
use crate::lines::Segment;

/// Finds tables between horizontal rules of equal extent.
///
/// `free` are the segments that belong to no other table.
pub(crate) fn find_framed(
    free: &[usize],
    segments: &[Segment],
    rulings: &[Rect],
    body: f32,
) -> Vec<FoundTable> {
    let mut found = Vec::new();
    for frame in frames(free, segments, rulings, body) {
        let inside: Vec<usize> = free
            .iter()
            .copied()
            .filter(|&i| segments[i].bbox.share_inside(&frame.expanded(body, 0.0)) > TEXT_INSIDE)
            .collect();
        if let Some(table) = build(
            &rows(&inside, segments),
            segments,
            rulings,
            body,
            Some(frame),
        ) {
            found.push(table);
        }
    }
    found
}

/// Boxes between rules of equal extent that contain rows of several pieces.
fn frames(free: &[usize], segments: &[Segment], rulings: &[Rect], body: f32) -> Vec<Rect> {
    let mut rules: Vec<&Rect> = rulings
        .iter()
        .filter(|r| r.width() > RULE_WIDTH * body && r.height() < RULE_THICKNESS * body)
        .collect();
    rules.sort_by(|a, b| a.y1.total_cmp(&b.y1));
    let mut used = vec![false; rules.len()];
    let mut found = Vec::new();
    for i in 0..rules.len() {
        deadline::check();
        if used[i] {
            continue;
        }
        let same = |r: &Rect| {
            (r.x1 - rules[i].x1).abs() < RULE_SNAP * body
                && (r.x2 - rules[i].x2).abs() < RULE_SNAP * body
        };
        let group: Vec<usize> = (i..rules.len())
            .filter(|&j| !used[j] && same(rules[j]))
            .collect();
        group.iter().for_each(|&j| used[j] = true);
        let mut open: Option<Rect> = None;
        for pair in group.windows(2) {
            let (top, bottom) = (rules[pair[0]], rules[pair[1]]);
            let between = Rect {
                x1: top.x1.min(bottom.x1),
                y1: top.y1,
                x2: top.x2.max(bottom.x2),
                y2: bottom.y2,
            };
            if is_tabular(&between, free, segments, body) {
                open = Some(open.map_or(between, |o| o.union(&between)));
            } else {
                found.extend(open.take());
            }
        }
        found.extend(open);
    }
    found
}

/// `true` if the text between two rules forms table rows.
fn is_tabular(between: &Rect, free: &[usize], segments: &[Segment], body: f32) -> bool {
    let inside: Vec<usize> = free
        .iter()
        .copied()
        .filter(|&i| between.contains(segments[i].bbox.center_x(), segments[i].bbox.center_y()))
        .collect();
    // Text that extends beyond the rules is not framed by them.
    if inside
        .iter()
        .any(|&i| segments[i].bbox.share_inside(&between.expanded(body, body)) < TEXT_WITHIN)
    {
        return false;
    }
    let fixed = inside
        .iter()
        .filter(|i| segments[**i].style.fixed_pitch)
        .count();
    if fixed * 2 > inside.len() {
        return false; // a listing
    }
    let rows = rows(&inside, segments);
    if rows.is_empty() {
        return between.height() < EMPTY_HEIGHT * body;
    }
    let multi = rows
        .iter()
        .filter(|r| pieces(r, segments, body).len() >= 2)
        .count();
    let bullets = inside
        .iter()
        .filter(|&&i| segments[i].plain_text().starts_with(['•', '▪', '●', '■']));
    if bullets.count() >= LIST_BULLETS {
        return false; // a list, or a page's design around lists
    }
    if between.height() > TALL_FRAME * body && !TALL_FRAME_ROWS.is_reached(multi, rows.len()) {
        return false;
    }
    if is_prose(&rows, segments, body) {
        return false; // columns of text between two rules of the page
    }
    let narrow = rows
        .iter()
        .all(|r| r.bbox.width() < NARROW_ROW * between.width());
    multi * 2 >= rows.len() || (rows.len() == 1 && narrow)
}

/// `true` if rows are lines of several columns of prose: most lines of at least two columns are full and of several words.
fn is_prose(rows: &[TextRow], segments: &[Segment], body: f32) -> bool {
    let columns = columns(rows, segments, body);
    if columns.len() < 2 {
        return false;
    }
    let mut counts = vec![(0usize, 0usize); columns.len()];
    for segment in rows
        .iter()
        .flat_map(|row| &row.segments)
        .map(|i| &segments[*i])
    {
        let middle = segment.bbox.center_x();
        let Some(at) = columns.iter().position(|c| c.0 <= middle && middle <= c.1) else {
            continue;
        };
        let width = columns[at].1 - columns[at].0;
        let is_full =
            segment.words.len() >= PROSE_WORDS && segment.bbox.width() > PROSE_FILL * width;
        counts[at].0 += 1;
        counts[at].1 += usize::from(is_full);
    }
    let prose = counts
        .iter()
        .filter(|(lines, full)| *lines >= PROSE_LINES && full * 2 > *lines);
    prose.count() >= 2
}
