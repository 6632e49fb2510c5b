//! Judgement: whether the grid of an area is a table, and if not, why.

use super::areas::Part;
use super::evidence::{Evidence, FixedPitch};
use super::grid::{Facts, Grid};
use super::reason::{Reason, Verdict};
use super::rules::between;
use super::thresholds::drawn::{BORDER_SHARE, SNAP};
use super::thresholds::{aligned, framed, ruled};
use crate::document::is_number;
use crate::geometry::Rect;
use crate::lines::Segment;

/// `Err` with a reason if something holds.
pub(super) fn unless(is_so: bool, reason: Reason) -> Verdict {
    match is_so {
        true => Err(reason),
        false => Ok(()),
    }
}

/// Whether the part of an area whose lines meet is a table. `is_divided`: lines divide it within, and some are drawn.
pub(super) fn on_drawn(evidence: &Evidence, part: &Part, is_divided: bool) -> Verdict {
    let facts = &part.grid.facts;
    // Columns of text with lines between them.
    let long = facts
        .cell_words
        .iter()
        .filter(|n| **n >= framed::PROSE_WORDS);
    let is_prose = facts.lines > ruled::PROSE_LINES * facts.bands
        && (long.count() * 4 > facts.cell_words.len() * 3 || is_prose(evidence, &part.segments));
    is_drawn_table(&part.grid, &part.area, evidence.body)?;
    no_chart(part, is_divided)?;
    unless(is_prose || is_torn(facts), Reason::Prose)?;
    match is_divided {
        true => Ok(()),
        false => looks_like_table(facts).and_then(|()| no_listing(evidence, part)),
    }
}

/// Whether the part of an area between horizontal lines is a table. `frame` is the area before it was widened to its text.
pub(super) fn on_framed(evidence: &Evidence, part: &Part, frame: &Rect) -> Verdict {
    let facts = &part.grid.facts;
    let words = &facts.cell_words;
    let long = words.iter().filter(|n| **n > framed::CELL_WORDS).count();
    let is_headed = has_ruled_head(evidence, part);
    let share = match is_headed {
        true => framed::HEADED_PROSE,
        false => framed::PROSE_SHARE,
    };
    let is_prose = share.is_passed(long, words.len())
        || facts.prose > 0 && ruled::DESIGN_PROSE.is_reached(facts.prose, facts.filled);
    let rules = between(
        &evidence.horizontal,
        part.area.y1 - SNAP,
        part.area.y2 + SNAP,
    );
    let has_lines = rules
        .iter()
        .any(|r| r.is_line && r.from < frame.x2 && frame.x1 < r.to);
    unless(part.grid.rows.len() < 2, Reason::SingleRow)?;
    no_chart(part, false)?;
    if !is_headed && facts.bands < framed::LISTING_BANDS {
        no_listing(evidence, part)?;
    }
    unless(facts.is_contents, Reason::Contents)?;
    unless(is_prose || is_torn(facts), Reason::Prose)?;
    match has_lines || facts.numbers * 4 >= words.len() {
        true => Ok(()),
        false => looks_like_table(facts),
    }
}

/// Whether rows of several pieces are surely a table, wherever their page is cut: columns of numbers.
pub(super) fn on_numeric(part: &Part) -> Verdict {
    let facts = &part.grid.facts;
    let (columns, cells) = (facts.lines_of_column.len(), facts.cell_words.len());
    unless(columns < 3, Reason::FewColumns(columns))?;
    let is_numeric = aligned::SURE_NUMBERS.is_reached(facts.numbers, cells);
    unless(!is_numeric, Reason::FewNumbers(facts.numbers, cells))
}

/// Whether rows without lines are a table.
pub(super) fn on_open(evidence: &Evidence, part: &Part) -> Verdict {
    looks_like_table(&part.grid.facts)?;
    no_listing(evidence, part)?;
    no_formula(evidence, part)?;
    no_chart(part, false)?;
    let facts = &part.grid.facts;
    unless(part.grid.rows.len() < 2, Reason::SingleRow)?;
    let is_justified = aligned::STRETCHED.is_reached(facts.stretched, facts.several.max(1));
    unless(is_justified || is_torn(facts), Reason::Prose)?;
    let are_marks =
        !facts.has_labels && aligned::MARKS.is_passed(facts.marks, facts.cell_words.len());
    unless(are_marks, Reason::Marks)?;
    unless(super::areas::has_figure(&part.grid), Reason::FigureCaption)
}

/// `true` if many rows begin within a sentence: columns of text.
fn is_torn(facts: &Facts) -> bool {
    let (torn, all) = facts.torn;
    torn >= aligned::TORN_ROWS && aligned::TORN.is_passed(torn, all)
}

/// Whether a drawn grid is a table: no diagram, no chart, and not the design of a page.
fn is_drawn_table(grid: &Grid, area: &Rect, body: f32) -> Verdict {
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
    let few_several = facts.several < 2 && facts.lines > ruled::FEW_LINES;
    let few_cells = facts.filled < ruled::MIN_FILLED_CELLS;
    unless(is_design, Reason::Design)?;
    unless(facts.is_contents, Reason::Contents)?;
    unless(grid.rows.len() < 2, Reason::SingleRow)?;
    unless(few_several, Reason::FewSeveral(facts.several, facts.lines))?;
    unless(
        ruled::EMPTY.is_reached(empty, all),
        Reason::Chart(empty, all),
    )?;
    unless(few_cells, Reason::FewCells(facts.filled, cells))?;
    unless(columns.len() < 2, Reason::SingleColumn)
}

/// `true` if the first row has a short title for every column, and a line below it.
fn has_ruled_head(evidence: &Evidence, part: &Part) -> bool {
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

/// `true` if segments are lines of several columns of prose: most of those with others beside them are long. Spaces of
/// justified lines are as wide as gaps, so pieces do not tell.
pub(super) fn is_prose(evidence: &Evidence, indices: &[usize]) -> bool {
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

/// `true` if most of the text has a font with equal widths, and the rest of the page has not: code, or what a program
/// writes.
pub(crate) fn is_listing(evidence: &Evidence, indices: &[usize]) -> bool {
    evidence.fixed_pitch != FixedPitch::All && is_fixed(evidence, indices)
}

fn is_fixed(evidence: &Evidence, indices: &[usize]) -> bool {
    let chars = |i: &usize| evidence.segments[*i].char_count();
    let is_fixed = |i: &&usize| evidence.segments[**i].style.fixed_pitch;
    let fixed: usize = indices.iter().filter(is_fixed).map(chars).sum();
    fixed * 2 >= indices.iter().map(chars).sum::<usize>()
}

/// `Err` for the numbers of an axis, unless lines are drawn around cells that are full, and for what mostly has no text.
fn no_chart(part: &Part, is_boxed: bool) -> Verdict {
    let (facts, cells) = (&part.grid.facts, part.grid.table.cells.len());
    let is_full = is_boxed && ruled::FULL.is_reached(facts.filled, cells);
    unless(facts.has_axis && !is_full, Reason::Axis)?;
    let is_empty = (facts.filled as f32) < ruled::MIN_FILLED * cells as f32;
    unless(is_empty, Reason::FewCells(facts.filled, cells))
}

/// `Err` for formulas below each other: signs of relations in a column, brackets alone, or most letters of fonts of
/// mathematics.
fn no_formula(evidence: &Evidence, part: &Part) -> Verdict {
    let facts = &part.grid.facts;
    let own = part.segments.iter().map(|i| &evidence.segments[*i]);
    let (mut math, mut all) = (0.0, 0.0);
    for segment in own {
        math += segment.style.math * segment.char_count() as f32;
        all += segment.char_count() as f32;
    }
    let is_math = math >= aligned::MATH * all;
    let is_matrix = aligned::BRACKETS.is_reached(facts.bracket_lines, facts.lines);
    let is_formula = is_math || is_matrix || facts.has_relations;
    unless(is_formula, Reason::Formula)
}

/// `Err` for code, and for what a program writes: on a page of nothing else columns of numbers are a table.
fn no_listing(evidence: &Evidence, part: &Part) -> Verdict {
    let facts = &part.grid.facts;
    let is_numeric = facts.lines_of_column.len() >= 3
        && aligned::SURE_NUMBERS.is_reached(facts.numbers, facts.cell_words.len());
    let may_be_table = match evidence.fixed_pitch {
        FixedPitch::All => true,
        FixedPitch::Most => is_numeric,
        FixedPitch::Some => false,
    };
    let is_art = aligned::ART_LINES.is_reached(facts.art_lines, facts.lines);
    let is_listing = is_fixed(evidence, &part.segments) && (is_art || !may_be_table);
    unless(is_listing, Reason::Listing)
}

/// Whether rows without rules are a table rather than columns of prose.
fn looks_like_table(facts: &Facts) -> Verdict {
    use aligned::*;
    let columns = facts.lines_of_column.len();
    // Lines that go on with a cell say nothing.
    let lines = facts.lines - facts.wrapped;
    let (needed, fill, limit) = match columns {
        2 => (MIN_ROWS_TWO_COLUMNS, FILLED_OF_TWO, CELL_WORDS_OF_TWO),
        _ => (MIN_ROWS, FILLED, CELL_WORDS),
    };
    let several = facts.several;
    unless(several < needed, Reason::FewRows(several, needed))?;
    let are_several = SEVERAL_PIECES.is_reached(several, lines);
    unless(!are_several, Reason::FewSeveral(several, lines))?;
    for (column, count) in facts.lines_of_column.iter().enumerate() {
        let is_filled = fill.is_reached(*count, lines);
        unless(!is_filled, Reason::SparseColumn(column + 1, *count, lines))?;
    }
    // A narrow first column of markers beside prose is a list.
    let (markers, firsts) = facts.markers;
    let is_list =
        columns == 2 && MARKER_SHARE.is_passed(markers, firsts) && facts.first_width < MARKER_WIDTH;
    unless(is_list, Reason::List)?;
    unless(facts.is_contents, Reason::Contents)?;
    unless(facts.has_rising_pages, Reason::RisingPages)?;
    // Prose fills its columns: lines of many words with the same right end.
    let long = facts.cell_words.iter().filter(|n| **n > limit).count();
    let is_prose = PROSE_SHARE.is_reached(long, facts.cell_words.len());
    unless(is_prose, Reason::Prose)
}
