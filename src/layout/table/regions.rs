//! Hypotheses: areas of a page that may be tables, and the choice among them.
//!
//! Three kinds of evidence propose areas: lines that meet, horizontal lines of equal extent above each other ([`frames`]),
//! and rows of several pieces. Each area gets the grid that fits it best ([`grid`]) and is judged ([`judge`]); areas that
//! overlap compete. What comes of each is noted in the [trace](super::trace).

use super::areas::{self, Part};
use super::evidence::Evidence;
use super::frames::frames;
use super::grid::Facts;
use super::judge::{self, unless};
use super::pieces::is_leader;
use super::reason::{Reason, Verdict};
use super::rules::Rule;
use super::thresholds::choice::*;
use super::thresholds::ends::TABLE;
use super::thresholds::{aligned, framed, ruled};
use super::trace::{Considered, Origin, Outline};
use super::{FoundTable, TextRow};
use crate::deadline;
use crate::document;
use crate::geometry::Rect;
use crate::lines::Direction;

/// An area that is a table, if no other one wins.
#[derive(Debug)]
struct Candidate {
    part: Part,
    origin: Origin,
    /// What it is worth: areas of more value win.
    value: f32,
}

impl Candidate {
    /// The area with its grid for the trace.
    fn considered(&self, refused: Option<Reason>) -> Considered {
        Considered {
            value: Some(self.value),
            grid: Outline::of(&self.part.grid.table),
            ..Considered::bare(self.origin, self.part.area, refused)
        }
    }

    fn shares_text(&self, other: &Candidate) -> bool {
        let (own, other) = (&self.part, &other.part);
        let common = own.area.intersection(&other.area);
        common.area() >= 1.0 || own.segments.iter().any(|i| other.segments.contains(i))
    }

    fn choose(self, evidence: &Evidence) -> FoundTable {
        evidence.trace.consider(|| self.considered(None));
        FoundTable {
            bbox: self.part.area,
            table: self.part.grid.table,
            segments: self.part.segments,
        }
    }
}

/// Tables that lines are drawn for: grids, and rows between lines of equal extent. `free` are the segments that belong to
/// no other region.
pub(crate) fn find_drawn(evidence: &Evidence, free: &[usize]) -> Vec<FoundTable> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for (horizontal, vertical) in evidence.groups() {
        deadline::check();
        candidates.extend(of_group(evidence, &horizontal, &vertical, free));
    }
    // What stands between lines inside a box that is a table is a part of that.
    let is_winning_box = |own: &&Candidate| {
        let is_more = |other: &Candidate| other.value > own.value && other.shares_text(own);
        is_boxed(evidence, &own.part.area) && !candidates.iter().any(is_more)
    };
    let boxes: Vec<(Rect, f32)> = candidates
        .iter()
        .filter(is_winning_box)
        .map(|candidate| (candidate.part.area, candidate.value))
        .collect();
    for area in frames(evidence, free) {
        for candidate in of_frame(evidence, &area, free) {
            let own = &candidate.part.area;
            let around = |(area, _): &&(Rect, f32)| own.share_inside(area) > MOSTLY;
            match boxes.iter().find(around) {
                Some((_, value)) => note_refused(evidence, &candidate, Reason::Lost(*value)),
                None => candidates.push(candidate),
            }
        }
    }
    choose(evidence, candidates)
}

/// The candidates of most value that share no text. One loses against several that are worth more together.
fn choose(evidence: &Evidence, mut candidates: Vec<Candidate>) -> Vec<FoundTable> {
    candidates.sort_by(|a, b| b.value.total_cmp(&a.value));
    for at in (0..candidates.len()).rev() {
        deadline::check();
        let together = together(&candidates, at).filter(|sum| *sum > candidates[at].value);
        if let Some(together) = together {
            let candidate = candidates.remove(at);
            note_refused(evidence, &candidate, Reason::Lost(together));
        }
    }
    let mut chosen: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        deadline::check();
        match chosen.iter().find(|other| candidate.shares_text(other)) {
            Some(winner) => note_refused(evidence, &candidate, Reason::Lost(winner.value)),
            None => chosen.push(candidate),
        }
    }
    let chosen = chosen.into_iter();
    chosen.map(|candidate| candidate.choose(evidence)).collect()
}

/// What the candidates of less value within one of `candidates` are worth, if there are several beside each other.
fn together(candidates: &[Candidate], at: usize) -> Option<f32> {
    let area = &candidates[at].part.area;
    let is_within = |other: &&Candidate| {
        other.part.area.share_inside(area) > WITHIN && other.part.grid.rows.len() >= 2
    };
    let mut inside: Vec<&Candidate> = Vec::new();
    for other in candidates[at + 1..].iter().filter(is_within) {
        if !inside.iter().any(|one| one.shares_text(other)) {
            inside.push(other);
        }
    }
    match inside.len() {
        0 | 1 => None,
        more => {
            let sum: f32 = inside.iter().map(|other| other.value).sum();
            Some(sum - TABLE * (more - 1) as f32)
        }
    }
}

/// `true` if lines are drawn along all sides of an area.
fn is_boxed(evidence: &Evidence, area: &Rect) -> bool {
    let is_drawn = |x: f32| evidence.has_upright_line(x, area.y1, area.y2);
    let is_level = |y: f32| evidence.has_level(y, area.x1, area.x2);
    [area.x1, area.x2].into_iter().all(is_drawn) && [area.y1, area.y2].into_iter().all(is_level)
}

fn candidate(part: Part, origin: Origin) -> Candidate {
    Candidate {
        value: value(&part.grid.facts) - part.grid.cost.max(0.0),
        part,
        origin,
    }
}

/// The area with its grid if it was judged to be a table.
fn judged(evidence: &Evidence, part: Part, origin: Origin, verdict: Verdict) -> Option<Candidate> {
    let candidate = candidate(part, origin);
    let is_taken = evidence.is_taken(&candidate.part.area);
    match verdict.and(unless(is_taken, Reason::Taken)) {
        Ok(()) => Some(candidate),
        Err(reason) => {
            note_refused(evidence, &candidate, reason);
            None
        }
    }
}

/// Notes an area that is no table.
fn note_refused(evidence: &Evidence, candidate: &Candidate, reason: Reason) {
    let refused = || candidate.considered(Some(reason));
    evidence.trace.consider(refused);
}

/// Notes an area that has no grid.
fn refuse(evidence: &Evidence, area: Rect, origin: Origin, reason: Reason) {
    let refused = || Considered::bare(origin, area, Some(reason));
    evidence.trace.consider(refused);
}

/// What a table is worth: cells that hold one thing, less those that hold many words.
fn value(facts: &Facts) -> f32 {
    facts.filled as f32 + facts.numbers as f32 - 4.0 * facts.prose as f32
}

/// Tables of lines that meet.
fn of_group(
    evidence: &Evidence,
    horizontal: &[Rule],
    vertical: &[Rule],
    free: &[usize],
) -> Vec<Candidate> {
    if vertical.is_empty() {
        return Vec::new();
    }
    let segments = evidence.segments;
    let area = area_of(horizontal, vertical, evidence.body);
    if horizontal.len() < 2 {
        refuse(evidence, area, Origin::Meeting, Reason::FewRules);
        return Vec::new();
    }
    let inside: Vec<usize> = free
        .iter()
        .copied()
        .filter(|&i| segments[i].bbox.intersection(&area).area() > 0.0)
        .filter(|&i| {
            segments[i].direction != Direction::Turned
                || segments[i].bbox.share_inside(&area) > ruled::TURNED_INSIDE
        })
        .filter(|&i| {
            let words = &segments[i].words;
            let within = words
                .iter()
                .filter(|w| area.contains(w.bbox.center_x(), w.bbox.center_y()));
            within.count() * 2 > words.len()
        })
        .collect();
    // A frame alone says nothing about what is in it.
    let is_inner = |rule: &Rule, low: f32, high: f32| {
        let slack = ruled::INNER * evidence.body;
        low + slack < rule.at && rule.at < high - slack
    };
    let is_divided = vertical.iter().any(|v| is_inner(v, area.x1, area.x2))
        || horizontal
            .iter()
            .filter(|h| is_inner(h, area.y1, area.y2))
            .count()
            >= 2
            && !judge::is_listing(evidence, &inside);
    // Borders of shaded areas one above the other may be those of panels.
    let has_lines = horizontal.iter().chain(vertical).any(|rule| rule.is_line)
        || vertical.iter().any(|v| is_inner(v, area.x1, area.x2));
    parts(evidence, area, inside, free, Origin::Meeting)
        .into_iter()
        .filter_map(|part| {
            let verdict = judge::on_drawn(evidence, &part, is_divided && has_lines);
            judged(evidence, part, Origin::Meeting, verdict)
        })
        .collect()
}

/// The parts of an area; none, which is noted, if it has no grid.
fn parts(
    evidence: &Evidence,
    area: Rect,
    inside: Vec<usize>,
    free: &[usize],
    origin: Origin,
) -> Vec<Part> {
    areas::parts(evidence, area, inside, free).unwrap_or_else(|reason| {
        refuse(evidence, area, origin, reason);
        Vec::new()
    })
}

/// The area of lines that meet. Outer borders are often missing: the ends of the perpendicular lines stand for them.
fn area_of(horizontal: &[Rule], vertical: &[Rule], body: f32) -> Rect {
    let bounds = |across: &[Rule], along: &[Rule]| {
        let low = across.iter().map(|r| r.from).fold(f32::INFINITY, f32::min);
        let high = across
            .iter()
            .map(|r| r.to)
            .fold(f32::NEG_INFINITY, f32::max);
        let first = along.iter().map(|r| r.at).fold(f32::INFINITY, f32::min);
        let last = along.iter().map(|r| r.at).fold(f32::NEG_INFINITY, f32::max);
        let slack = ruled::OPEN_SIDE * body;
        (
            if low < first - slack { low } else { first },
            if high > last + slack { high } else { last },
        )
    };
    let (x1, x2) = bounds(horizontal, vertical);
    let (y1, y2) = bounds(vertical, horizontal);
    Rect { x1, y1, x2, y2 }
}

/// Tables between horizontal lines.
fn of_frame(evidence: &Evidence, area: &Rect, free: &[usize]) -> Vec<Candidate> {
    let wide = area.expanded(evidence.body, 0.0);
    let inside: Vec<usize> = free
        .iter()
        .copied()
        .filter(|&i| evidence.segments[i].bbox.share_inside(&wide) > framed::TEXT_INSIDE)
        .collect();
    let Some(text) = Rect::union_all(inside.iter().map(|i| &evidence.segments[*i].bbox)) else {
        return Vec::new();
    };
    let all = Rect {
        x1: area.x1.min(text.x1),
        x2: area.x2.max(text.x2),
        ..*area
    };
    parts(evidence, all, inside, free, Origin::Between)
        .into_iter()
        .filter_map(|part| {
            let verdict = judge::on_framed(evidence, &part, area);
            judged(evidence, part, Origin::Between, verdict)
        })
        .collect()
}

/// Tables without lines that are sure to be tables wherever their page is cut: columns of numbers.
pub(crate) fn find_numbers(evidence: &Evidence, free: &[usize]) -> Vec<FoundTable> {
    let level: Vec<usize> = free
        .iter()
        .copied()
        .filter(|i| evidence.segments[*i].direction == Direction::Horizontal)
        .collect();
    let rows = super::rows(&level, evidence.segments);
    runs(evidence, &rows)
        .into_iter()
        .filter_map(|run| longest(evidence, &rows[run], Origin::Numbers))
        .filter_map(|part| {
            let verdict = judge::on_numeric(&part);
            judged(evidence, part, Origin::Numbers, verdict)
        })
        .flat_map(|mut candidate| {
            areas::extend(evidence, &mut candidate.part, free);
            choose_beside(evidence, candidate.part, Origin::Numbers)
        })
        .collect()
}

/// Finds the tables without lines among the rows of a column of the page.
pub(crate) fn find_open(evidence: &Evidence, rows: &[TextRow]) -> Vec<FoundTable> {
    runs(evidence, rows)
        .into_iter()
        .filter_map(|run| longest(evidence, &rows[run], Origin::Open))
        .flat_map(|part| choose_beside(evidence, part, Origin::Open))
        .collect()
}

/// A table without lines, or those side by side that it is.
fn choose_beside(evidence: &Evidence, part: Part, origin: Origin) -> Vec<FoundTable> {
    let is_open = |part: &Part| judge::on_open(evidence, part).is_ok();
    match areas::beside(evidence, &part) {
        Some((left, right)) if is_open(&left) && is_open(&right) => {
            let mut found = choose_beside(evidence, left, origin);
            found.extend(choose_beside(evidence, right, origin));
            found
        }
        _ => vec![candidate(part, origin).choose(evidence)],
    }
}

/// The longest part of a run of rows that makes a table; rows are dropped at its ends. If none does, the longest part with a grid is noted.
fn longest(evidence: &Evidence, rows: &[TextRow], origin: Origin) -> Option<Part> {
    let mut whole = None;
    // A heading or the end of a paragraph may be attached to either end of the run.
    for (head, tail) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2)] {
        if rows.len() <= head + tail + 1 {
            continue;
        }
        let rows = &rows[head..rows.len() - tail];
        let Some(part) = of_rows(evidence, rows) else {
            continue;
        };
        let is_taken = evidence.is_taken(&part.area);
        match judge::on_open(evidence, &part).and(unless(is_taken, Reason::Taken)) {
            Ok(()) => return Some(without_text(evidence, rows, part)),
            Err(reason) => {
                // What the whole run is, its parts are, too.
                let is_sure = reason.holds_for_parts();
                whole = whole.or(Some((part, reason)));
                if is_sure {
                    break;
                }
            }
        }
    }
    match whole {
        Some((part, reason)) => note_refused(evidence, &candidate(part, origin), reason),
        None => {
            let area = Rect::union_all(rows.iter().map(|row| &row.bbox))?;
            refuse(evidence, area, origin, Reason::NoGrid);
        }
    }
    None
}

/// A table of rows without lines of text that run across its columns at its ends.
fn without_text(evidence: &Evidence, mut rows: &[TextRow], mut part: Part) -> Part {
    let is_across = |part: &Part, row: usize| {
        let table = &part.grid.table;
        let mut cells = table.cells.iter().filter(|cell| cell.row == row);
        cells.any(|cell| {
            let words = cell.text.split_whitespace().count();
            cell.column_span == table.columns && words >= aligned::TEXT_WORDS
        })
    };
    for _ in 0..MOST_ACROSS {
        let [first, last] = [0, part.grid.table.rows - 1].map(|row| is_across(&part, row));
        let shorter = match (first, last) {
            (_, true) => &rows[..rows.len() - 1],
            (true, false) => &rows[1..],
            (false, false) => return part,
        };
        match of_rows(evidence, shorter).filter(|part| judge::on_open(evidence, part).is_ok()) {
            Some(found) => (rows, part) = (shorter, found),
            None => return part,
        }
    }
    part
}

/// The grid of rows.
fn of_rows(evidence: &Evidence, rows: &[TextRow]) -> Option<Part> {
    let area = Rect::union_all(rows.iter().map(|r| &r.bbox))?;
    let segments = rows.iter().flat_map(|row| row.segments.iter().copied());
    areas::part(evidence, area, segments.collect())
}

/// Runs of rows that may be a table without rules: rows of several pieces, the lines that go on with their cells, and at
/// most one other single-piece row between two of them.
fn runs(evidence: &Evidence, rows: &[TextRow]) -> Vec<std::ops::Range<usize>> {
    let is_row = |row| is_several(evidence, row) && !is_heading(evidence, row);
    let is_several: Vec<bool> = rows.iter().map(is_row).collect();
    let mut found = Vec::new();
    let mut start = 0;
    while start < rows.len() {
        if !is_several[start] {
            start += 1;
            continue;
        }
        let (mut end, mut last, mut count) = (start + 1, start, 1);
        while end < rows.len() {
            let step = rows[end].bbox.center_y() - rows[end - 1].bbox.center_y();
            let goes_on = !is_several[end] && goes_on(evidence, &rows[last], &rows[end - 1..=end]);
            let is_single = !is_several[end] && !goes_on;
            if is_heading(evidence, &rows[end]) {
                break;
            }
            if step > aligned::MAX_ROW_STEP * evidence.body || is_single && end - last > 1 {
                break;
            }
            count += usize::from(is_several[end]);
            if is_several[end] || goes_on && last + 1 == end {
                last = end;
            }
            end += 1;
        }
        if count > 1 {
            found.push(start..last + 1);
        }
        start = end.max(last + 1);
    }
    found
}

/// `true` for a numbered heading of the text: a number of a section, in bold or larger than text.
fn is_heading(evidence: &Evidence, row: &TextRow) -> bool {
    let Some(first) = row.segments.first().map(|i| &evidence.segments[*i]) else {
        return false;
    };
    let number = first.words.first().map_or("", |word| word.text.as_str());
    let parts: Vec<&str> = number.trim_end_matches('.').split('.').collect();
    let is_number =
        |part: &&str| (1..=2).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    let is_large = first.style.font_size > aligned::HEADING_SIZE * evidence.body;
    let is_title =
        parts.len() >= 2 && parts.iter().all(is_number) && (is_large || first.style.bold);
    // Rows of a table have values.
    let words = row
        .segments
        .iter()
        .flat_map(|i| &evidence.segments[*i].words);
    let mut rest = words.skip(1).map(|word| word.text.as_str()).peekable();
    let is_short = row.segments.len() <= 2 && rest.peek().is_some();
    is_title && is_short && !rest.any(document::is_number)
}

/// `true` if the second of two rows, a single piece right below the first, goes on with a cell other than the first one
/// of the row `above`, or of a line that does.
fn goes_on(evidence: &Evidence, above: &TextRow, pair: &[TextRow]) -> bool {
    let [before, row] = pair else { return false };
    let own = &row.bbox;
    let is_close = own.y1 - before.bbox.y2 < aligned::NEXT_LINE * own.height();
    let left = |i: &usize| evidence.segments[*i].bbox.x1;
    let slack = aligned::SAME_LEFT * own.height();
    let is_below = |x: f32| (x - own.x1).abs() < slack;
    let cells = above.segments.iter().skip(1);
    let is_again = above.segments.len() == 1 && is_below(above.bbox.x1);
    is_close && (is_again || cells.into_iter().any(|i| is_below(left(i))))
}

/// `true` if a row has several pieces: segments, or a label and a value with leader dots between them.
fn is_several(evidence: &Evidence, row: &TextRow) -> bool {
    let words = || {
        row.segments
            .iter()
            .flat_map(|i| &evidence.segments[*i].words)
    };
    let mut pairs = words().zip(words().skip(1));
    row.segments.len() > 1 || pairs.any(|(a, b)| is_leader(&a.text) && !is_leader(&b.text))
}
