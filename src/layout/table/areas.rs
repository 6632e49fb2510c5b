//! Where tables begin and end: titles and notes that lines enclose stay outside, heads above the first line join, and
//! tables of unlike columns below each other are divided.

use super::evidence::Evidence;
use super::grid::{self, Grid, RowText};
use super::is_marker;
use super::pieces::{Piece, lines};
use super::reason::Reason;
use super::rules::{Rule, between};
use super::thresholds::columns::{CROSSING, SEPARATOR};
use super::thresholds::drawn::{BORDER_SHARE, SNAP};
use super::thresholds::ends::*;
use crate::document::is_number;
use crate::geometry::Rect;
use crate::layout::captions::{caption_kind, is_of_figure};
use crate::lines::Direction;
use std::collections::HashSet;

/// First words of a note below a table.
const NOTE_WORDS: [&str; 12] = [
    "source",
    "sources",
    "note",
    "notes",
    "quelle",
    "quellen",
    "fuente",
    "fonte",
    "источник",
    "примечание",
    "注",
    "资料来源",
];

/// An area with its grid.
#[derive(Debug)]
pub(super) struct Part {
    /// Its box.
    pub area: Rect,
    /// Its text.
    pub segments: Vec<usize>,
    /// Its grid.
    pub grid: Grid,
}

/// The tables of an area, or why there are none. `free` are the segments that may be added to it.
pub(super) fn parts(
    evidence: &Evidence,
    area: Rect,
    segments: Vec<usize>,
    free: &[usize],
) -> Result<Vec<Part>, Reason> {
    let whole = part(evidence, area, segments).ok_or(Reason::NoGrid)?;
    if has_figure(&whole.grid) {
        return Err(Reason::FigureCaption);
    }
    let mut open = tables_by_head(evidence, trimmed(evidence, whole));
    open.reverse();
    let mut done = Vec::new();
    while let Some(part) = open.pop() {
        match divided(evidence, &part) {
            Some((above, below)) => {
                open.push(trimmed(evidence, below));
                open.push(trimmed(evidence, above));
            }
            None => match beside(evidence, &part) {
                Some((left, right)) => open.extend([right, left]),
                None => done.push(part),
            },
        }
    }
    let mut taken: HashSet<usize> = HashSet::new();
    taken.extend(done.iter().flat_map(|part| &part.segments));
    let mut free: Vec<usize> = free.to_vec();
    free.retain(|i| !taken.contains(i));
    for part in &mut done {
        let count = part.segments.len();
        extend(evidence, part, &free);
        if part.segments.len() > count {
            taken.extend(&part.segments);
            free.retain(|i| !taken.contains(i));
        }
    }
    Ok(done)
}

/// `true` if there is the caption of a figure in it.
pub(super) fn has_figure(grid: &Grid) -> bool {
    let mut captions = grid.rows.iter().filter_map(RowText::alone);
    captions.any(is_of_figure)
}

/// An area with the grid of its text, if that has two columns.
pub(super) fn part(evidence: &Evidence, area: Rect, segments: Vec<usize>) -> Option<Part> {
    let grid = grid::fit(evidence, &area, &segments)?;
    Some(Part {
        area,
        segments,
        grid,
    })
}

/// The part of an area between two heights.
fn within(evidence: &Evidence, whole: &Part, top: f32, bottom: f32) -> Option<Part> {
    let segments = whole.segments.iter().copied().filter(|i| {
        let y = evidence.segments[*i].bbox.center_y();
        top < y && y < bottom
    });
    let area = Rect {
        y1: top,
        y2: bottom,
        ..whole.area
    };
    part(evidence, area, segments.collect())
}

/// Leaves out titles above the first row, and notes below the last one.
fn trimmed(evidence: &Evidence, whole: Part) -> Part {
    let rows = &whole.grid.rows;
    let first: Vec<&str> = rows.iter().map_while(RowText::alone).collect();
    let last: Vec<&str> = rows.iter().rev().map_while(RowText::alone).collect();
    // Text that no line encloses at its sides, before the head has begun.
    let sides = (whole.area.x1, whole.area.x2);
    let is_open = |row: &RowText| {
        let is_drawn = |x: f32| evidence.has_upright(x, row.top, row.bottom);
        !is_drawn(sides.0) && !is_drawn(sides.1)
    };
    let is_text = |text: &&str| text.split_whitespace().count() >= TEXT_WORDS;
    let has_caption = first
        .first()
        .is_some_and(|text| caption_kind(text).is_some());
    let has_text = || is_open(&rows[0]) && first.iter().any(is_text);
    // A heading of the text below the rule of a running header.
    let is_heading = |row: &RowText| row.size > HEADING_SIZE * evidence.body && is_open(row);
    let has_heading =
        || rows.len() > first.len() && is_heading(&rows[0]) && !is_heading(&rows[first.len()]);
    let titles = match !first.is_empty() && (has_caption || has_text() || has_heading()) {
        true => first.len(),
        false => 0,
    };
    let is_below = |at: &usize| {
        let text = last[rows.len() - 1 - at];
        is_note(text) || is_open(&rows[*at]) && is_text(&text)
    };
    let notes = (rows.len() - last.len()..rows.len()).find(is_below);
    let end = notes.unwrap_or(rows.len());
    if titles == 0 && end == rows.len() || titles >= end {
        return whole;
    }
    // The rule between title and head, if there is one, else the middle.
    let side = |above: f32, below: f32| {
        let rules = between(&evidence.horizontal, above, below);
        rules.last().map_or((above + below) / 2.0, |rule| rule.at)
    };
    let top = match titles {
        0 => whole.area.y1,
        _ => side(rows[titles - 1].bottom, rows[titles].top),
    };
    let bottom = match rows.get(end) {
        None => whole.area.y2,
        Some(note) => side(rows[end - 1].bottom, note.top),
    };
    within(evidence, &whole, top, bottom).unwrap_or(whole)
}

fn is_note(text: &str) -> bool {
    let lower = text.trim_start().to_lowercase();
    NOTE_WORDS.iter().any(|word| {
        let rest = lower.strip_prefix(word);
        rest.is_some_and(|rest| rest.trim_start().starts_with([':', '：', '.']))
    })
}

/// Two tables in an area that are cheaper than one: with a title between them and columns of their own.
fn divided(evidence: &Evidence, whole: &Part) -> Option<(Part, Part)> {
    let rows = &whole.grid.rows;
    let titles = (1..rows.len().saturating_sub(1)).filter(|at| rows[*at].is_alone);
    let mut best: Option<(f32, Part, Part)> = None;
    for at in titles.take(MAX_CUTS) {
        let above = within(evidence, whole, whole.area.y1, rows[at].top);
        let below = within(evidence, whole, rows[at].bottom, whole.area.y2);
        let (Some(above), Some(below)) = (above, below) else {
            continue;
        };
        let cost = above.grid.cost + below.grid.cost + TABLE;
        let is_better = best.as_ref().is_none_or(|(least, ..)| cost < *least);
        if cost < whole.grid.cost && is_better {
            best = Some((cost, above, below));
        }
    }
    best.map(|(_, above, below)| (above, below))
}

/// Two tables side by side: lines or shades of their own begin and end at the same heights, none runs through the space
/// between, and each has labels in its first column.
pub(super) fn beside(evidence: &Evidence, whole: &Part) -> Option<(Part, Part)> {
    let (area, sides) = (whole.area, &whole.grid.sides);
    let boxes = || whole.segments.iter().map(|i| &evidence.segments[*i].bbox);
    let rules = between(&evidence.horizontal, area.y1 - SNAP, area.y2 + SNAP);
    let at_middle = |at: &usize| {
        let x = sides[*at];
        let left = boxes().filter(|own| own.center_x() < x).map(|own| own.x2);
        let right = boxes().filter(|own| own.center_x() > x).map(|own| own.x1);
        let (left, right) = (left.fold(area.x1, f32::max), right.fold(area.x2, f32::min));
        let middle = (left + right) / 2.0;
        (left < right).then_some(middle)
    };
    let is_between = |middle: f32| {
        let covers = |rule: &Rule, from: f32, to: f32| {
            let covered = rule.to.min(to) - rule.from.max(from);
            covered > BORDER_SHARE * (to - from)
        };
        let lefts = rules.iter().filter(|rule| covers(rule, area.x1, middle));
        let mut pairs = lefts.flat_map(|left| {
            let same = between(rules, left.at - SNAP, left.at + SNAP).iter();
            same.filter(|rule| covers(rule, middle, area.x2))
        });
        let crosses = |rule: &Rule| rule.from < middle && middle < rule.to;
        pairs.next().is_some() && !rules.iter().any(crosses)
    };
    let has_labels = |column: usize| {
        let cells = whole.grid.table.cells.iter();
        let filled = cells.filter(|cell| cell.column == column && !cell.text.is_empty());
        let numbers = filled.clone().filter(|cell| is_number(&cell.text)).count();
        let filled = filled.count();
        LABELED_ROWS.is_reached(filled - numbers, whole.grid.table.rows)
    };
    let middle = (2..(sides.len() - 1).saturating_sub(1))
        .filter(|at| has_labels(0) && has_labels(*at))
        .filter_map(|at| at_middle(&at))
        .find(|middle| is_between(*middle))?;
    let half = |is_left: bool| {
        let own = |i: &usize| (evidence.segments[*i].bbox.center_x() < middle) == is_left;
        let segments: Vec<usize> = whole.segments.iter().copied().filter(own).collect();
        let text = Rect::union_all(segments.iter().map(|i| &evidence.segments[*i].bbox))?;
        let area = match is_left {
            true => Rect {
                x2: text.x2,
                ..area
            },
            false => Rect {
                x1: text.x1,
                ..area
            },
        };
        part(evidence, area, segments)
    };
    Some((half(true)?, half(false)?))
}

/// The tables of an area in which the head comes again below titles; the titles are none of them.
fn tables_by_head(evidence: &Evidence, whole: Part) -> Vec<Part> {
    let rows = &whole.grid.rows;
    // Two pieces with a number may be a row that comes again, such as a day with its hours.
    let is_sure =
        |row: &RowText| row.pieces >= 3 || !row.text.contains(|c: char| c.is_ascii_digit());
    let head = rows
        .iter()
        .find(|row| !row.is_alone)
        .filter(|row| is_sure(row));
    let is_title = |at: &usize| {
        let (title, next) = (&rows[*at], &rows[at + 1]);
        title.is_alone && !next.is_alone && head.is_some_and(|head| head.text == next.text)
    };
    let titles: Vec<usize> = (1..rows.len().saturating_sub(1)).filter(is_title).collect();
    if titles.is_empty() {
        return vec![whole];
    }
    let tops = std::iter::once(whole.area.y1).chain(titles.iter().map(|at| rows[*at].bottom));
    let ends = titles.iter().map(|at| rows[*at].top).chain([whole.area.y2]);
    let parts = tops
        .zip(ends)
        .map(|(top, bottom)| within(evidence, &whole, top, bottom));
    let parts: Option<Vec<Part>> = parts.collect();
    match parts {
        Some(parts) => parts
            .into_iter()
            .map(|part| trimmed(evidence, part))
            .collect(),
        None => vec![whole],
    }
}

/// Adds the lines right above the first rule, and below the last one, whose pieces stand in its columns: a head that is
/// not ruled above, a last row that is not ruled below.
pub(super) fn extend(evidence: &Evidence, part: &mut Part, free: &[usize]) {
    for is_above in [true, false] {
        for _ in 0..MORE_LINES {
            match extended(evidence, part, free, is_above) {
                Some(larger) => *part = larger,
                None => break,
            }
        }
    }
}

fn extended(evidence: &Evidence, part: &Part, free: &[usize], is_above: bool) -> Option<Part> {
    let (area, reach) = (part.area, NEXT_LINE * evidence.body);
    let is_near = |i: &usize| {
        let bbox = &evidence.segments[*i].bbox;
        let gap = match is_above {
            true => area.y1 - bbox.y2,
            false => bbox.y1 - area.y2,
        };
        (-0.5 * evidence.body..reach).contains(&gap) && bbox.overlap_x(&area) > 0.5 * bbox.width()
    };
    let mut near: Vec<usize> = free
        .iter()
        .copied()
        .filter(|i| is_near(i) && !part.segments.contains(i))
        .collect();
    if is_above {
        add_turned(evidence, &mut near, free);
    }
    let found = lines(evidence, &near);
    let line = match is_above {
        true => found.last(),
        false => found.first(),
    }?;
    let sides = &part.grid.sides;
    let fits = line
        .pieces
        .iter()
        .all(|piece| piece.bbox.x1 > area.x1 - line.size && piece.bbox.x2 < area.x2 + line.size);
    // The number of a heading is no cell.
    let has_number = match &line.pieces[0].words[..] {
        [(_, word)] => is_above && is_marker(&word.text),
        _ => false,
    };
    let count = line.pieces.len() - usize::from(has_number);
    let is_row = count >= 2 && count * 2 >= sides.len() - 1;
    let has_number = line.pieces.iter().any(|piece| piece.is_number());
    // Headings over groups of columns, none over the labels; a sum at the right with its name.
    let is_short = |piece: &Piece| piece.words.len() <= GROUP_WORDS;
    let is_over = |piece: &Piece| piece.bbox.x1 > sides[1] && is_short(piece);
    let words = line.pieces.iter().flat_map(|piece| &piece.words);
    let words: Vec<&str> = words.map(|(_, word)| word.text.as_str()).collect();
    let is_caption = caption_kind(&words.join(" ")).is_some();
    let are_groups = count >= 2 && !is_caption && line.pieces.iter().all(is_over);
    let is_sum = match &line.pieces[..] {
        [name, .., sum] => {
            sum.is_number() && is_short(name) && sum.bbox.x1 > sides[sides.len() - 2] - line.size
        }
        _ => false,
    };
    let belongs = match is_above {
        true => is_row || are_groups,
        false => (is_row || is_sum) && has_number,
    };
    if !fits || !belongs {
        return None;
    }
    let mut segments = part.segments.clone();
    segments.extend(
        near.into_iter()
            .filter(|i| line.bbox.overlap_y(&evidence.segments[*i].bbox) > 0.0),
    );
    let area = match is_above {
        true => Rect {
            y1: line.bbox.y1 - 1.0,
            ..area
        },
        false => Rect {
            y2: line.bbox.y2 + 1.0,
            ..area
        },
    };
    // Its pieces stand in the columns, which may shift a little.
    self::part(evidence, area, segments).filter(|larger| {
        let (old, new) = (sides.len(), larger.grid.sides.len());
        // A heading at the middle of its group stands over a separator.
        let crossings = if are_groups { count as f32 } else { 0.0 };
        let more = MORE_COST + CROSSING * crossings + SEPARATOR * new.saturating_sub(old) as f32;
        new >= old && larger.grid.cost <= part.grid.cost + more
    })
}

/// Adds the other words of rotated headings.
fn add_turned(evidence: &Evidence, near: &mut Vec<usize>, free: &[usize]) {
    let is_turned = |i: &usize| evidence.segments[*i].direction == Direction::Turned;
    let reach = NEXT_LINE * evidence.body;
    let mut at = 0;
    while at < near.len() {
        let own = near[at];
        at += 1;
        if !is_turned(&own) {
            continue;
        }
        let own = evidence.segments[own].bbox;
        let next = free.iter().filter(|i| is_turned(i)).filter(|i| {
            let bbox = &evidence.segments[**i].bbox;
            let gap = own.y1 - bbox.y2;
            bbox.overlap_x(&own) > 0.5 * bbox.width().min(own.width()) && gap.abs() < reach
        });
        let next: Vec<usize> = next.copied().filter(|i| !near.contains(i)).collect();
        near.extend(next);
    }
}
