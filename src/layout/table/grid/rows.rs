//! Rows: which lines of text begin a row, and which go on with the cells of the line above.
//!
//! Each pair of neighbouring lines is judged by what would share a cell: two numbers never do, the end of a wrapped line
//! and the next one's beginning do.

use super::super::pieces::Piece;
use super::super::thresholds::rows::*;
use crate::geometry::Rect;
use crate::lines::{Segment, Word};
use std::collections::BTreeMap;

/// A piece with its first and last column.
#[derive(Debug, Clone)]
pub(super) struct Placed<'a> {
    pub first: usize,
    pub last: usize,
    pub piece: Piece<'a>,
}

impl Placed<'_> {
    /// `true` if it stands in a column.
    pub(super) fn covers(&self, column: usize) -> bool {
        self.first <= column && column <= self.last
    }
}

/// A line whose pieces have their columns.
#[derive(Debug, Clone)]
pub(super) struct PlacedLine<'a> {
    /// Its extent.
    pub bbox: Rect,
    /// Height of an em in pixels.
    pub size: f32,
    pub pieces: Vec<Placed<'a>>,
}

impl<'a> PlacedLine<'a> {
    /// Adds a line of the same row: what ends each column so far.
    fn add(&mut self, below: &PlacedLine<'a>) {
        self.pieces.retain(|p| {
            let mut covered = below.pieces.iter();
            !covered.any(|q| q.first <= p.last && p.first <= q.last)
        });
        self.pieces.extend(below.pieces.iter().cloned());
        self.pieces.sort_by_key(|p| p.first);
        (self.bbox, self.size) = (below.bbox, below.size);
    }

    /// The piece that stands in a column and in no other.
    pub(super) fn single(&self, column: usize) -> Option<&Placed<'a>> {
        self.pieces
            .iter()
            .find(|p| p.first == column && p.last == column)
    }

    /// `true` if there is text in a column.
    pub(super) fn is_filled(&self, column: usize) -> bool {
        self.pieces.iter().any(|p| p.covers(column))
    }

    /// Number of columns with text.
    fn count(&self, columns: usize) -> usize {
        (0..columns).filter(|c| self.is_filled(*c)).count()
    }

    /// `true` if there is a label, and most cells behind it are numbers.
    pub(super) fn is_data(&self) -> bool {
        if !self.is_filled(0) {
            return false;
        }
        let values = self.pieces.iter().filter(|p| p.first > 0);
        let numbers = values.clone().filter(|p| p.piece.is_number()).count();
        numbers > 0 && numbers * 2 >= values.count()
    }
}

/// What is known of the lines between two ruling lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band<'a> {
    /// Left and right side of each column.
    pub columns: &'a [(f32, f32)],
    /// `true` if ruling lines divide the rows of this table.
    pub is_ruled: bool,
    /// `true` if lines are drawn around every cell.
    pub is_boxed: bool,
    /// `true` if all lines fill the same columns.
    pub is_even: bool,
    /// Number of lines, from the first one, that belong to the head.
    pub head: usize,
}

/// Number of labels in the first column: texts that do not go on with the one right above.
pub(super) fn labels(lines: &[PlacedLine], side: (f32, f32)) -> usize {
    let has_label = |line: &PlacedLine| line.pieces.iter().any(|p| p.first == 0);
    let is_new = |at: &usize| {
        let above = at.checked_sub(1).and_then(|above| lines[above].single(0));
        let pair = above.zip(lines[*at].single(0));
        let goes_on = |(a, b): (&Placed, &Placed)| {
            let are_text = !a.piece.is_number() && !b.piece.is_number();
            let has_room = has_room(&a.piece, &b.piece, side, lines[*at].size);
            let is_long = a.piece.words.len() >= LABEL_WORDS && begins_small(&b.piece);
            are_text && (is_hyphenated(&a.piece) || !has_room || is_long)
        };
        has_label(&lines[*at]) && !pair.is_some_and(goes_on)
    };
    (0..lines.len()).filter(is_new).count()
}

/// `true` if all of several lines fill the same columns, two at least. Two lines may be a label and a value in each cell.
pub(super) fn is_even(lines: &[PlacedLine], columns: usize) -> bool {
    let filled =
        |line: &PlacedLine| -> Vec<usize> { (0..columns).filter(|c| line.is_filled(*c)).collect() };
    match lines {
        [first, rest @ ..] if rest.len() >= 2 => {
            let own = filled(first);
            own.len() >= 2 && rest.iter().all(|line| filled(line) == own)
        }
        _ => false,
    }
}

/// For each line but the first, how much speaks for going on with the row of the line above: it does if more than 0.
pub(super) fn continued(lines: &[PlacedLine], band: Band) -> Vec<f32> {
    let steps: Vec<f32> = lines
        .windows(2)
        .map(|pair| pair[1].bbox.center_y() - pair[0].bbox.center_y())
        .collect();
    let values: Vec<f32> = lines
        .windows(2)
        .enumerate()
        .map(|(at, pair)| evidence(&pair[0], &pair[1], band, at + 1 < band.head))
        .collect();
    let sure = steps
        .iter()
        .zip(&values)
        .filter(|(_, value)| **value < SURE_ROWS);
    let pitch = match median(sure.map(|(step, _)| *step).collect()) {
        Some(row) => {
            let is_close = |step: &f32| *step < CLOSER * row;
            steps
                .iter()
                .any(is_close)
                .then_some((CLOSER * row, row * 0.95))
        }
        None => pitches(&steps),
    };
    // Once more, line by line, against all lines of the row so far.
    let mut out = Vec::new();
    let mut row = lines.first().cloned();
    for (at, below) in lines.iter().enumerate().skip(1) {
        let Some(above) = row.as_mut() else { break };
        let mut value = evidence(above, below, band, at < band.head);
        if let Some((tight, loose)) = pitch {
            // Between rules a line of one cell may be its next paragraph.
            let is_row = !band.is_ruled || below.count(band.columns.len()) > 1;
            if steps[at - 1] <= tight {
                value += TIGHT;
            } else if steps[at - 1] >= loose && is_row {
                value -= LOOSE;
            }
        }
        out.push(value);
        match value > 0.0 {
            true => above.add(below),
            false => row = Some(below.clone()),
        }
    }
    out
}

fn median(mut values: Vec<f32>) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Steps up to which lines belong together, and from which they do not, if the steps are of two kinds.
fn pitches(steps: &[f32]) -> Option<(f32, f32)> {
    let mut sorted: Vec<f32> = steps.to_vec();
    sorted.sort_by(f32::total_cmp);
    let least = *sorted.first()?;
    // The widest jump from one step to the next larger one.
    let jump = sorted
        .windows(2)
        .map(|pair| (pair[1] / pair[0].max(1.0), pair));
    let (ratio, pair) = jump.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let few = sorted.iter().filter(|s| **s <= pair[0]).count();
    let is_split = ratio > PITCH_RATIO && few >= 1 && pair[0] < PITCH_SPREAD * least.max(1.0);
    is_split.then_some((pair[0], pair[1]))
}

/// How much speaks for two lines being one row: more than 0 for one row.
fn evidence(above: &PlacedLine, below: &PlacedLine, band: Band, is_head: bool) -> f32 {
    let columns = band.columns.len();
    let mut value = -DEFAULT;
    if band.is_ruled {
        value += RULED;
    }
    if is_head && !band.is_even {
        value += HEAD;
    }
    // A heading over several columns, or under several cells.
    let spans = |line: &PlacedLine, other: &PlacedLine| {
        line.pieces.iter().any(|p| {
            let beside = other
                .pieces
                .iter()
                .filter(|q| p.first <= q.first && q.last <= p.last);
            p.last > p.first && beside.count() >= 2
        })
    };
    let is_spanned = spans(above, below) || spans(below, above);
    if is_spanned {
        value -= SPANNED;
    }
    // Cells of several lines, each set at the middle of its row. Rows set solid overlap, too, and so do label and value
    // in the box of a form.
    let [a, b] = [above, below].map(|line| &line.bbox);
    let is_alike = |c: usize| match (above.single(c), below.single(c)) {
        (Some(a), Some(b)) => {
            let [a, b] = [a, b].map(|p| p.piece.size());
            a.max(b) < OTHER_SIZE * a.min(b)
        }
        _ => false,
    };
    let may_be_rows = !band.is_boxed && (0..columns).any(is_alike);
    if a.overlap_y(b) > OVERLAPPING * a.height().min(b.height()) && !may_be_rows {
        value += OVERLAP;
    }
    let is_title =
        |line: &PlacedLine| line.pieces.len() == 1 && line.pieces[0].last > line.pieces[0].first;
    if !is_head && is_title(above) && !is_title(below) {
        value -= TITLE;
    }
    let mut shared = (0.0, 0.0);
    let mut has_numbers = false;
    for column in 0..columns {
        if let (Some(a), Some(b)) = (above.single(column), below.single(column)) {
            shared.0 += same_cell(&a.piece, &b.piece, band.columns[column], below.size);
            shared.1 += 1.0;
            has_numbers |= a.piece.is_number() && b.piece.is_number();
        }
    }
    if shared.1 > 0.0 {
        value += shared.0 / shared.1;
    }
    if has_numbers {
        value -= ANY_NUMBERS;
    }
    let (up, down) = (above.count(columns), below.count(columns));
    if band.is_boxed && !band.is_even {
        value += BOXED;
    } else if (!is_head || band.is_even) && up >= 2 && down >= up {
        value -= COMPLETE;
    }
    let [up_stub, down_stub] = [above.is_filled(0), below.is_filled(0)];
    let is_within = (0..columns).all(|c| !below.is_filled(c) || above.is_filled(c));
    let is_lone = band.is_ruled && down == 1 && !below.pieces[0].piece.is_number();
    if is_within && down < up && !is_spanned {
        if up_stub && !down_stub {
            value += CONTINUED;
        } else if is_lone {
            value += LONE;
        }
    }
    if !up_stub && down_stub && !is_head {
        value -= NEW_STUB;
    }
    // A label alone over values is a heading unless it was wrapped.
    if up == 1 && up_stub && down > 1 && down_stub && !is_head {
        value -= LABEL;
    }
    if up > 1 && down == 1 && down_stub && up_stub {
        let [a, b] = [above, below].map(|line| &line.pieces[0].piece);
        let (is_other, is_larger) = (a.is_bold() != b.is_bold(), b.size() > OTHER_SIZE * a.size());
        value -= match (is_other, is_larger) {
            (true, true) if b.is_bold() => HEADING,
            (false, false) => 0.0,
            _ => LABEL + STYLE,
        };
    }
    value
}

/// `true` if the heading of a column goes on in the next row, beside one over several columns.
pub(super) fn goes_on(
    above: &PlacedLine,
    below: &PlacedLine,
    column: usize,
    side: (f32, f32),
) -> bool {
    let pair = above.single(column).zip(below.single(column));
    pair.is_some_and(|(a, b)| same_cell(&a.piece, &b.piece, side, below.size) >= LOWER)
}

/// `true` if a sentence of a column goes on in the next line: it had no room, and the line begins with a small letter, or
/// a word is divided.
pub(super) fn is_torn(
    above: &PlacedLine,
    below: &PlacedLine,
    column: usize,
    side: (f32, f32),
) -> bool {
    let pair = above.single(column).zip(below.single(column));
    pair.is_some_and(|(a, b)| {
        let is_long = a.piece.words.len() >= SENTENCE_WORDS;
        is_long && same_cell(&a.piece, &b.piece, side, below.size) >= LOWER_FULL
    })
}

/// How much speaks for two pieces of one column, one above the other, being one cell.
fn same_cell(above: &Piece, below: &Piece, (left, right): (f32, f32), size: f32) -> f32 {
    match (above.is_number(), below.is_number()) {
        (true, true) => return -NUMBERS,
        (true, false) | (false, true) => return -MIXED,
        (false, false) => {}
    }
    if is_hyphenated(above) {
        return HYPHEN;
    }
    let is_full = !has_room(above, below, (left, right), size);
    match (is_full, begins_small(below)) {
        (true, true) => LOWER_FULL,
        (false, true) => LOWER,
        (true, false) => FULL,
        (false, false) => -ROOM,
    }
}

fn is_hyphenated(piece: &Piece) -> bool {
    let is_cut =
        |(segment, word): &(&Segment, &Word)| segment.hyphenated || word.text.ends_with('-');
    piece.words.last().is_some_and(is_cut)
}

/// `true` if a piece begins with a small letter, or a sign that goes on.
fn begins_small(piece: &Piece) -> bool {
    let first = piece.words.first();
    let begins = first.and_then(|(_, word)| word.text.chars().next());
    begins.is_some_and(|c| c.is_lowercase() || "(&/+".contains(c))
}

/// `true` if the first word of the lower piece had room in the upper one's line.
fn has_room(above: &Piece, below: &Piece, (left, right): (f32, f32), size: f32) -> bool {
    let first = below.words.first();
    let next = first.map_or(0.0, |(_, word)| word.bbox.width());
    let room = (right - left) - above.bbox.width();
    room >= next + SPACE * size
}

/// Numbers of rows for lines: equal for lines of one row.
pub(super) fn numbers(continued: &[f32], first: usize) -> Vec<usize> {
    let mut row = first;
    let mut out = vec![first];
    for value in continued {
        row += usize::from(*value <= 0.0);
        out.push(row);
    }
    out
}

/// Lines that stand between the others, in columns of their own: values for several rows, set at their middle.
///
/// Returns for each such line its columns.
pub(super) fn floating(lines: &[PlacedLine]) -> BTreeMap<usize, Vec<usize>> {
    let mut found = BTreeMap::new();
    for at in 1..lines.len().saturating_sub(1) {
        let (above, own, below) = (&lines[at - 1], &lines[at], &lines[at + 1]);
        let touches = |other: &PlacedLine| {
            let (a, b) = (&own.bbox, &other.bbox);
            a.overlap_y(b) > TOUCHING * a.height().min(b.height())
        };
        let columns: Vec<usize> = own.pieces.iter().map(|p| p.first).collect();
        let is_alone = lines
            .iter()
            .enumerate()
            .all(|(other, line)| other == at || !columns.iter().any(|c| line.is_filled(*c)));
        if touches(above) && touches(below) && is_alone {
            found.insert(at, columns);
        }
    }
    found
}
