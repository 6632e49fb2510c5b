//! Hypotheses: areas of a page that may be tables, and the choice among them.
//!
//! Three kinds of evidence propose areas: lines that meet, horizontal lines of equal extent above each other, and rows
//! of several pieces. Each area gets the grid that fits it best ([`grid`]); areas that overlap compete.

use super::evidence::{Evidence, Rule, between};
use super::grid::{self, Facts, Grid};
use super::pieces::{TextLine, is_leader, lines};
use super::thresholds::drawn::{BORDER_SHARE, SNAP};
use super::thresholds::{aligned, framed, ruled};
use super::{FoundTable, TextRow, areas};
use crate::deadline;
use crate::document::is_number;
use crate::geometry::Rect;
use crate::layout::captions::caption_kind;
use crate::lines::{Direction, Segment};

/// An area with its grid.
#[derive(Debug)]
struct Candidate {
    found: FoundTable,
    /// What it is worth: areas of more value win.
    value: f32,
}

/// Tables that lines are drawn for: grids, and rows between lines of equal extent. `free` are the segments that belong to
/// no other region.
pub(crate) fn find_drawn(evidence: &Evidence, free: &[usize]) -> Vec<FoundTable> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for (horizontal, vertical) in evidence.groups() {
        deadline::check();
        candidates.extend(of_group(evidence, &horizontal, &vertical, free));
    }
    for area in frames(evidence, free) {
        candidates.extend(of_frame(evidence, &area, free));
    }
    choose(candidates)
}

/// The candidates of most value that share no text.
fn choose(mut candidates: Vec<Candidate>) -> Vec<FoundTable> {
    candidates.sort_by(|a, b| b.value.total_cmp(&a.value));
    let mut chosen: Vec<FoundTable> = Vec::new();
    for candidate in candidates {
        let own = &candidate.found;
        let is_free = chosen.iter().all(|other| {
            let common = own.bbox.intersection(&other.bbox);
            common.area() < 1.0 && !own.segments.iter().any(|i| other.segments.contains(i))
        });
        if is_free {
            chosen.push(candidate.found);
        }
    }
    chosen
}

fn candidate(grid: Grid, bbox: Rect, segments: Vec<usize>) -> Candidate {
    let value = value(&grid.facts) - grid.cost.max(0.0);
    let table = grid.table;
    Candidate {
        value,
        found: FoundTable {
            bbox,
            table,
            segments,
        },
    }
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
    if horizontal.len() < 2 || vertical.is_empty() {
        return Vec::new();
    }
    let segments = evidence.segments;
    let area = area_of(horizontal, vertical, evidence.body);
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
            && !is_listing(evidence, &inside);
    // Borders of shaded areas one above the other may be those of panels.
    let has_lines = horizontal.iter().chain(vertical).any(|rule| rule.is_line)
        || vertical.iter().any(|v| is_inner(v, area.x1, area.x2));
    areas::parts(evidence, area, inside, free)
        .into_iter()
        .filter(|part| {
            let looks =
                || looks_like_table(&part.grid.facts) && !is_listing(evidence, &part.segments);
            let facts = &part.grid.facts;
            // Columns of text with lines between them.
            let long = facts
                .cell_words
                .iter()
                .filter(|n| **n >= framed::PROSE_WORDS);
            let is_prose = facts.lines > ruled::PROSE_LINES * facts.bands
                && (long.count() * 4 > facts.cell_words.len() * 3
                    || is_prose(evidence, &part.segments));
            is_drawn_table(&part.grid, &part.area, evidence.body)
                && !is_prose
                && (is_divided && has_lines || looks())
        })
        .map(|part| candidate(part.grid, part.area, part.segments))
        .collect()
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

/// `true` unless a drawn grid is a diagram, a chart or the design of a page.
fn is_drawn_table(grid: &Grid, area: &Rect, body: f32) -> bool {
    let (facts, cells) = (&grid.facts, grid.table.cells.len());
    let is_design = area.height() > ruled::DESIGN_HEIGHT * body
        && facts.filled <= ruled::DESIGN_CELLS
        && ruled::DESIGN_PROSE.is_reached(facts.prose, facts.filled);
    let mut columns: Vec<usize> = grid.table.cells.iter().map(|cell| cell.column).collect();
    columns.sort_unstable();
    columns.dedup();
    let empty = facts.lines_of_column.iter().filter(|n| **n == 0).count();
    let empty = empty + facts.rows - grid.rows.len().min(facts.rows);
    let all = facts.lines_of_column.len() + facts.rows;
    !is_design
        && !facts.is_contents
        && grid.rows.len() >= 2
        && (facts.several >= 2 || facts.lines <= ruled::FEW_LINES)
        && !ruled::EMPTY.is_reached(empty, all)
        && facts.filled >= ruled::MIN_FILLED_CELLS
        && facts.filled as f32 >= ruled::MIN_FILLED * cells as f32
        && columns.len() >= 2
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
    areas::parts(evidence, all, inside, free)
        .into_iter()
        .filter(|part| {
            let facts = &part.grid.facts;
            let words = &facts.cell_words;
            let long = words.iter().filter(|n| **n > framed::CELL_WORDS).count();
            let share = match has_ruled_head(evidence, part) {
                true => framed::HEADED_PROSE,
                false => framed::PROSE_SHARE,
            };
            let is_prose = share.is_passed(long, words.len())
                || facts.prose > 0 && ruled::DESIGN_PROSE.is_reached(facts.prose, facts.filled);
            let is_listing = is_listing(evidence, &part.segments) || facts.is_contents;
            let rules = between(
                &evidence.horizontal,
                part.area.y1 - SNAP,
                part.area.y2 + SNAP,
            );
            let has_lines = rules
                .iter()
                .any(|r| r.is_line && r.from < area.x2 && area.x1 < r.to);
            part.grid.rows.len() >= 2
                && !is_listing
                && !is_prose
                && (has_lines || facts.numbers * 4 >= words.len() || looks_like_table(facts))
        })
        .map(|part| candidate(part.grid, part.area, part.segments))
        .collect()
}

/// `true` if the first row has a short title for every column, and a line below it.
fn has_ruled_head(evidence: &Evidence, part: &areas::Part) -> bool {
    let [head, next, ..] = &part.grid.rows[..] else {
        return false;
    };
    let middle = between(&evidence.horizontal, head.bottom - SNAP, next.top + SNAP)
        .iter()
        .any(|rule| {
            let (from, to) = (rule.from.max(part.area.x1), rule.to.min(part.area.x2));
            to - from > BORDER_SHARE * part.area.width()
        });
    let table = &part.grid.table;
    let is_title = |text: &str| {
        let words = text.split_whitespace().count();
        (1..=framed::TITLE_WORDS).contains(&words)
    };
    let titles = table.cells.iter().filter(|cell| cell.row == 0);
    middle
        && titles.clone().count() == table.columns
        && titles.clone().all(|cell| is_title(&cell.text))
}

/// Areas between horizontal lines of equal extent that contain rows of several pieces.
fn frames(evidence: &Evidence, free: &[usize]) -> Vec<Rect> {
    let body = evidence.body;
    let rules: Vec<&Rule> = evidence
        .horizontal
        .iter()
        .filter(|r| r.to - r.from > framed::RULE_WIDTH * body)
        .collect();
    let mut used = vec![false; rules.len()];
    let mut found = Vec::new();
    for i in 0..rules.len() {
        deadline::check();
        if used[i] {
            continue;
        }
        let same = |r: &Rule| {
            (r.from - rules[i].from).abs() < framed::RULE_SNAP * body
                && (r.to - rules[i].to).abs() < framed::RULE_SNAP * body
        };
        let group: Vec<usize> = (i..rules.len())
            .filter(|&j| !used[j] && same(rules[j]))
            .collect();
        group.iter().for_each(|&j| used[j] = true);
        let mut open: Option<Rect> = None;
        // Lower end of a band that is a row of titles.
        let mut head: Option<f32> = None;
        // Bars with a heading each, and the sections between them, are a form.
        let (mut own, mut headings, mut bands) = (Vec::new(), 0, 0);
        for pair in group.windows(2) {
            deadline::check();
            let (top, bottom) = (rules[pair[0]], rules[pair[1]]);
            let between = Rect {
                x1: top.from.min(bottom.from),
                y1: top.at,
                x2: top.to.max(bottom.to),
                y2: bottom.at,
            };
            let inside = texts_in(evidence, &between, free);
            let rows = lines(evidence, &inside);
            let is_bars = !top.is_line && !bottom.is_line;
            bands += usize::from(is_bars);
            headings += usize::from(is_bars && inside.len() == 1);
            // The space between two boxes, not a row without text.
            let is_closed = |from: f32, to: f32| {
                let sides = [between.x1, between.x2];
                sides.iter().all(|x| evidence.has_upright(*x, from, to))
            };
            let is_gap = open.as_ref().is_some_and(|above| {
                inside.is_empty()
                    && between.height() > framed::BOX_GAP * body
                    && is_closed(above.y1, above.y2)
                    && !is_closed(between.y1, between.y2)
            });
            let follows_head = head.is_some_and(|y| (y - between.y1).abs() < SNAP);
            head = is_head(&rows).then_some(between.y2);
            if !is_gap && is_tabular(evidence, &between, &inside, &rows, follows_head) {
                open = Some(open.map_or(between, |o| o.union(&between)));
            } else {
                own.extend(open.take());
            }
        }
        own.extend(open);
        if headings * 3 <= bands {
            found.extend(own);
        }
    }
    found
}

/// The segments in a band.
fn texts_in(evidence: &Evidence, band: &Rect, free: &[usize]) -> Vec<usize> {
    let is_in = |i: &&usize| {
        let bbox = &evidence.segments[**i].bbox;
        band.contains(bbox.center_x(), bbox.center_y())
    };
    free.iter().filter(is_in).copied().collect()
}

/// `true` if the lines of a band are one row of several short pieces.
fn is_head(rows: &[TextLine]) -> bool {
    let [row] = rows else { return false };
    row.pieces.len() >= 2
        && row
            .pieces
            .iter()
            .all(|piece| piece.words.len() <= framed::TITLE_WORDS)
}

/// `true` if the text between two lines, `inside` in lines `rows`, forms rows of a table. Below a row of titles rows may
/// wrap: fewer of their lines have several pieces.
fn is_tabular(
    evidence: &Evidence,
    between: &Rect,
    inside: &[usize],
    rows: &[TextLine],
    follows_head: bool,
) -> bool {
    let (segments, body) = (evidence.segments, evidence.body);
    // Text that extends beyond the rules is not framed by them.
    let around = between.expanded(body, body);
    if inside
        .iter()
        .any(|&i| segments[i].bbox.share_inside(&around) < framed::TEXT_WITHIN)
    {
        return false;
    }
    let fixed = inside
        .iter()
        .filter(|i| segments[**i].style.fixed_pitch)
        .count();
    if rows.is_empty() {
        return between.height() < framed::EMPTY_HEIGHT * body;
    }
    let multi = rows.iter().filter(|r| r.pieces.len() >= 2).count();
    if fixed * 2 > inside.len() && multi * 2 < rows.len() {
        return false; // a listing
    }
    let bullets = inside.iter().filter(|&&i| {
        segments[i]
            .plain_text()
            .starts_with(['•', '▪', '●', '■', '☐', '☑', '☒'])
    });
    if bullets.count() >= framed::LIST_BULLETS {
        return false; // a list, or a page's design around lists
    }
    if between.height() > framed::TALL_FRAME * body
        && !framed::TALL_FRAME_ROWS.is_reached(multi, rows.len())
    {
        return false;
    }
    if rows.iter().any(is_caption) {
        return false; // the space between two tables
    }
    if is_prose(evidence, inside) {
        return false; // columns of text between two rules of the page
    }
    let narrow = rows
        .iter()
        .all(|r| r.bbox.width() < framed::NARROW_ROW * between.width());
    let needed = match follows_head {
        true => framed::WRAPPED_ROWS,
        false => framed::SEVERAL_ROWS,
    };
    needed.is_reached(multi, rows.len()) || (rows.len() == 1 && narrow)
}

/// `true` if a line begins the caption of another table or figure.
fn is_caption(line: &TextLine) -> bool {
    let words = line.pieces.iter().flat_map(|piece| &piece.words);
    let words: Vec<&str> = words.map(|(_, word)| word.text.as_str()).collect();
    caption_kind(&words.join(" ")).is_some()
}

/// `true` if segments are lines of several columns of prose: most of those with others beside them are long. Spaces of
/// justified lines are as wide as gaps, so pieces do not tell.
fn is_prose(evidence: &Evidence, indices: &[usize]) -> bool {
    let segments = evidence.segments;
    let rows = super::rows(indices, segments);
    let beside = || rows.iter().filter(|row| row.segments.len() >= 2);
    let parts = || {
        beside()
            .flat_map(|row| &row.segments)
            .map(|i| &segments[*i])
    };
    let is_long = |segment: &&Segment| {
        let words = segment.words.len();
        let numbers = segment.words.iter().filter(|word| is_number(&word.text));
        words >= framed::PROSE_WORDS && numbers.count() * 2 < words
    };
    beside().count() >= framed::PROSE_LINES
        && parts().filter(is_long).count() * 4 > parts().count() * 3
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
        .filter_map(|run| longest(evidence, &rows[run]))
        .filter(|part| {
            let facts = &part.grid.facts;
            let columns = facts.lines_of_column.len();
            let is_numeric =
                aligned::SURE_NUMBERS.is_reached(facts.numbers, facts.cell_words.len());
            columns >= 3 && is_numeric
        })
        .map(|mut part| {
            areas::extend(evidence, &mut part, free);
            candidate(part.grid, part.area, part.segments).found
        })
        .collect()
}

/// Finds the tables without lines among the rows of a column of the page.
pub(crate) fn find_open(evidence: &Evidence, rows: &[TextRow]) -> Vec<FoundTable> {
    runs(evidence, rows)
        .into_iter()
        .filter_map(|run| longest(evidence, &rows[run]))
        .map(|part| candidate(part.grid, part.area, part.segments).found)
        .collect()
}

/// The longest part of a run of rows that makes a table; rows are dropped at its ends.
fn longest(evidence: &Evidence, rows: &[TextRow]) -> Option<areas::Part> {
    // A heading or the end of a paragraph may be attached to either end of the run.
    for (head, tail) in [(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2)] {
        if rows.len() > head + tail + 1
            && let Some(part) = of_rows(evidence, &rows[head..rows.len() - tail])
        {
            return Some(part);
        }
    }
    None
}

fn of_rows(evidence: &Evidence, rows: &[TextRow]) -> Option<areas::Part> {
    let area = Rect::union_all(rows.iter().map(|r| &r.bbox))?;
    let segments: Vec<usize> = rows
        .iter()
        .flat_map(|row| row.segments.iter().copied())
        .collect();
    let grid = grid::fit(evidence, &area, &segments)?;
    let is_table = looks_like_table(&grid.facts)
        && !is_listing(evidence, &segments)
        && !areas::has_figure(&grid);
    is_table.then_some(areas::Part {
        area,
        segments,
        grid,
    })
}

/// `true` if most of the text has a font with equal widths, and the rest of the page has not: code, or what a program
/// writes.
fn is_listing(evidence: &Evidence, indices: &[usize]) -> bool {
    let chars = |i: &usize| evidence.segments[*i].char_count();
    let is_fixed = |i: &&usize| evidence.segments[**i].style.fixed_pitch;
    let fixed: usize = indices.iter().filter(is_fixed).map(chars).sum();
    fixed * 2 >= indices.iter().map(chars).sum::<usize>() && !evidence.is_typewritten
}

/// Runs of rows that may be a table without rules: rows of several pieces, with at most one single-piece row between two
/// of them.
fn runs(evidence: &Evidence, rows: &[TextRow]) -> Vec<std::ops::Range<usize>> {
    let is_several: Vec<bool> = rows.iter().map(|row| is_several(evidence, row)).collect();
    let mut found = Vec::new();
    let mut start = 0;
    while start < rows.len() {
        if !is_several[start] {
            start += 1;
            continue;
        }
        let (mut end, mut last) = (start + 1, start);
        while end < rows.len() {
            let step = rows[end].bbox.center_y() - rows[end - 1].bbox.center_y();
            if step > aligned::MAX_ROW_STEP * evidence.body || !is_several[end] && end - last > 1 {
                break;
            }
            if is_several[end] {
                last = end;
            }
            end += 1;
        }
        if last > start {
            found.push(start..last + 1);
        }
        start = end.max(last + 1);
    }
    found
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

/// `true` if rows without rules are a table rather than columns of prose.
fn looks_like_table(facts: &Facts) -> bool {
    use aligned::*;
    let columns = facts.lines_of_column.len();
    let (needed, fill, limit) = match columns {
        2 => (MIN_ROWS_TWO_COLUMNS, FILLED_OF_TWO, CELL_WORDS_OF_TWO),
        _ => (MIN_ROWS, FILLED, CELL_WORDS),
    };
    if facts.several < needed || !SEVERAL_PIECES.is_reached(facts.several, facts.lines) {
        return false;
    }
    if facts
        .lines_of_column
        .iter()
        .any(|count| !fill.is_reached(*count, facts.lines))
    {
        return false;
    }
    // A narrow first column of markers beside prose is a list.
    let (markers, firsts) = facts.markers;
    if columns == 2 && MARKER_SHARE.is_passed(markers, firsts) && facts.first_width < MARKER_WIDTH {
        return false;
    }
    if facts.is_contents || facts.has_rising_pages {
        return false;
    }
    // Prose fills its columns: lines of many words with the same right end.
    let long = facts.cell_words.iter().filter(|n| **n > limit).count();
    !PROSE_SHARE.is_reached(long, facts.cell_words.len())
}
