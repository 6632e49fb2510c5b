//! Lines of text in pieces: what stands apart in its line, by a gap or by a line drawn between.

use super::PlacedWords;
use super::evidence::Evidence;
use super::thresholds::gaps::*;
use super::trace::SeenLine;
use crate::document::is_number;
use crate::geometry::{Rect, rows_by_overlap};
use crate::lines::{Direction, Segment, Word};

/// A part of a line that no gap divides.
#[derive(Debug, Clone)]
pub(super) struct Piece<'a> {
    /// Its extent.
    pub bbox: Rect,
    /// Its words from left to right; those of rotated text in writing order.
    pub words: PlacedWords<'a>,
    /// `true` for rotated text.
    pub is_turned: bool,
}

impl Piece<'_> {
    /// `true` if it is a number, with its signs and units.
    pub(super) fn is_number(&self) -> bool {
        // A value with its tolerance is one.
        let has_tolerance = || self.words.get(1).is_some_and(|(_, word)| word.text == "±");
        let most = NUMBER_WORDS + usize::from(has_tolerance());
        self.words.len() <= most && self.words.iter().all(|(_, word)| is_number(&word.text))
    }

    /// Height of an em of its first word in pixels.
    pub(super) fn size(&self) -> f32 {
        self.words
            .first()
            .map_or(0.0, |(segment, _)| segment.style.font_size)
    }

    /// `true` if it is set in bold.
    pub(super) fn is_bold(&self) -> bool {
        self.words.iter().all(|(segment, _)| segment.style.bold)
    }
}

/// Pieces side by side.
#[derive(Debug, Clone)]
pub(super) struct TextLine<'a> {
    /// Its extent.
    pub bbox: Rect,
    /// Height of an em in pixels.
    pub size: f32,
    /// Its pieces from left to right.
    pub pieces: Vec<Piece<'a>>,
}

/// The white space between two words of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Gap {
    /// Where the left word ends.
    pub from: f32,
    /// Where the right word begins.
    pub to: f32,
    /// How surely it divides columns, 0 to 1.
    pub weight: f32,
}

/// `true` for dots, or other marks, that lead from a label to its value.
pub(super) fn is_leader(word: &str) -> bool {
    let mut chars = word.chars();
    let is_dot = |c: char| matches!(c, '.' | '·' | '…' | '‥' | '．' | '․' | '_');
    match (chars.next(), word.chars().count()) {
        (Some('.' | '…' | '·' | '․'), 1) => true,
        (Some(_), n) => n >= 3 && word.chars().all(is_dot),
        (None, _) => false,
    }
}

fn is_bullet(word: &str) -> bool {
    word.chars().all(|c| "•◦▪▫■□●○‣⁃➢➤✓✔❖".contains(c))
}

/// `true` if the right word goes on with the number of the left one: groups of three digits.
fn is_group(left: &str, right: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let head = right.split(['.', ',']).next().unwrap_or_default();
    let sign = left.trim_start_matches(['-', '−', '–', '(', '+', '$', '€', '£']);
    head.len() == 3 && digits(head) && digits(sign) && sign.len() <= 3
}

/// The gap between two neighbouring words; `em` is the larger of their font sizes.
fn gap(left: (&Segment, &Word), right: (&Segment, &Word)) -> Gap {
    let em = left.0.style.font_size.max(right.0.style.font_size).max(1.0);
    let (from, to) = (left.1.bbox.x2, right.1.bbox.x1);
    let width = (to - from) / em;
    let blank = match left.0.style.fixed_pitch && right.0.style.fixed_pitch {
        true => FIXED_BLANK,
        false => BLANK,
    };
    let mut weight = ((width - blank) / SURE_GAP).clamp(0.0, 1.0);
    // The mark of an item in a list; marks beside each other are values.
    if is_bullet(&left.1.text) && !is_bullet(&right.1.text) && width < ITEM_GAP {
        weight = 0.0;
    }
    // Leader dots belong to the text before them.
    match (is_leader(&left.1.text), is_leader(&right.1.text)) {
        (_, true) => weight = 0.0,
        (true, false) => weight = LEADER_GAP,
        (false, false) => {}
    }
    let is_space = is_group(&left.1.text, &right.1.text) && width < GROUP_GAP;
    let are_numbers = [left, right]
        .iter()
        .all(|(_, word)| is_number(&word.text) && !is_leader(&word.text));
    if are_numbers && !is_space && width > NUMBER_BLANK {
        weight = weight.max(NUMBER_GAP);
    }
    Gap { from, to, weight }
}

/// The gaps of a line that may divide columns.
pub(super) fn gaps(line: &TextLine) -> Vec<Gap> {
    let mut found = Vec::new();
    let mut last: Option<(&Segment, &Word)> = None;
    let mut end: Option<(f32, bool)> = None;
    for piece in &line.pieces {
        // Rotated headings stand over a column each.
        if let Some((from, was_turned)) = end
            && (was_turned || piece.is_turned)
            && piece.bbox.x1 > from
        {
            let to = piece.bbox.x1;
            found.push(Gap {
                from,
                to,
                weight: 1.0,
            });
            last = None;
        }
        end = Some((piece.bbox.x2, piece.is_turned));
        for &(segment, word) in piece.words.iter().filter(|_| !piece.is_turned) {
            if let Some(left) = last {
                let gap = gap(left, (segment, word));
                if gap.weight > 0.0 {
                    found.push(gap);
                }
            }
            // A raised mark above the end of a word.
            if last.is_none_or(|(_, left)| word.bbox.x2 > left.bbox.x2) {
                last = Some((segment, word));
            }
        }
    }
    found
}

/// The greatest weight of the gaps within a piece.
pub(super) fn widest_gap(piece: &Piece) -> f32 {
    let words = piece.words.iter().zip(piece.words.iter().skip(1));
    let weights = words
        .filter(|_| !piece.is_turned)
        .map(|(left, right)| gap(*left, *right).weight);
    weights.fold(0.0, f32::max)
}

/// The lines of some segments, from top to bottom.
pub(super) fn lines<'a>(evidence: &Evidence<'a>, indices: &[usize]) -> Vec<TextLine<'a>> {
    let segments = evidence.segments;
    let (turned, level): (Vec<usize>, Vec<usize>) = indices
        .iter()
        .partition(|i| segments[**i].direction == Direction::Turned);
    let boxes: Vec<Rect> = level.iter().map(|i| segments[*i].bbox).collect();
    // A line is as high as its highest piece: cells set at other heights must not chain lines together.
    let extent = |a: &Rect, b: &Rect| match a.height() >= b.height() {
        true => *a,
        false => *b,
    };
    let mut lines: Vec<TextLine> = rows_by_overlap(&boxes, extent)
        .into_iter()
        .map(|(row, _)| {
            let bbox = Rect::union_all(row.iter().map(|at| &boxes[*at])).unwrap_or_default();
            let mut words: PlacedWords = row
                .into_iter()
                .map(|at| &segments[level[at]])
                .flat_map(|segment| segment.words.iter().map(move |word| (segment, word)))
                .collect();
            words.sort_by(|a, b| a.1.bbox.x1.total_cmp(&b.1.bbox.x1));
            text_line(evidence, words, bbox)
        })
        .collect();
    add_turned(&mut lines, &turned, segments);
    lines
}

/// Notes the pieces and gaps of some segments in the trace.
pub(crate) fn note_text(evidence: &Evidence, indices: &[usize]) {
    evidence.trace.note(|trace| {
        let seen = lines(evidence, indices).into_iter().map(|line| {
            let place = |gap: Gap| {
                let (x1, x2) = (gap.from.min(gap.to), gap.from.max(gap.to));
                (Rect::new(x1, line.bbox.y1, x2, line.bbox.y2), gap.weight)
            };
            SeenLine {
                gaps: gaps(&line).into_iter().map(place).collect(),
                pieces: line.pieces.iter().map(|piece| piece.bbox).collect(),
            }
        });
        trace.lines.extend(seen);
    });
}

fn text_line<'a>(evidence: &Evidence, words: PlacedWords<'a>, bbox: Rect) -> TextLine<'a> {
    let size = words.iter().map(|(segment, _)| segment.style.font_size);
    let size = size.fold(1.0, f32::max);
    let mut pieces: Vec<Piece> = Vec::new();
    for (segment, word) in words {
        let is_next = pieces
            .last()
            .and_then(|piece| piece.words.last())
            .is_some_and(|left| {
                let gap = gap(*left, (segment, word));
                let is_drawn = || is_divided(evidence, &gap, &bbox);
                gap.weight == 0.0 && !is_drawn()
            });
        match pieces.last_mut().filter(|_| is_next) {
            Some(piece) => {
                piece.bbox = piece.bbox.union(&word.bbox);
                piece.words.push((segment, word));
            }
            None => pieces.push(Piece {
                bbox: word.bbox,
                words: vec![(segment, word)],
                is_turned: false,
            }),
        }
    }
    TextLine { bbox, size, pieces }
}

/// `true` if a vertical line is drawn between two words of a line.
fn is_divided(evidence: &Evidence, gap: &Gap, line: &Rect) -> bool {
    let slack = DRAWN_SLACK * line.height();
    let (low, high) = (gap.from.min(gap.to) - slack, gap.from.max(gap.to) + slack);
    super::rules::between(&evidence.vertical, low, high)
        .iter()
        .any(|rule| rule.from <= line.center_y() && line.center_y() <= rule.to)
}

/// Adds rotated text: pieces as high as many lines, which stand beside the line at their foot if there is one.
fn add_turned<'a>(lines: &mut Vec<TextLine<'a>>, turned: &[usize], segments: &'a [Segment]) {
    let mut columns: Vec<Piece> = Vec::new();
    // Rotated words come one by one, in writing order; lines of one heading stand side by side.
    for &i in turned {
        let segment = &segments[i];
        let em = segment.style.font_size;
        let words = segment.words.iter().map(|word| (segment, word));
        let is_beside = |bbox: &Rect| {
            let reach = bbox.expanded(TURNED_GAP * em, TURNED_GAP * em);
            reach.intersection(&segment.bbox).area() > 0.0
        };
        // Boxes of slanted headings overlap: only their order tells them apart.
        let is_slanted = segment.bbox.width() > SLANTED * em;
        let last = columns.last_mut().filter(|piece| {
            let word = piece.words.last().map_or(piece.bbox, |(_, word)| word.bbox);
            is_beside(&word) && segment.bbox.center_y() < word.center_y()
        });
        let same = match last {
            Some(last) => Some(last),
            None if is_slanted => None,
            None => columns.iter_mut().find(|piece| is_beside(&piece.bbox)),
        };
        match same {
            Some(piece) => {
                piece.bbox = piece.bbox.union(&segment.bbox);
                piece.words.extend(words);
            }
            None => columns.push(Piece {
                bbox: segment.bbox,
                words: words.collect(),
                is_turned: true,
            }),
        }
    }
    // A slanted heading belongs to the column at its foot.
    for piece in &mut columns {
        let Some((segment, foot)) = piece.words.first() else {
            continue;
        };
        let em = segment.style.font_size;
        if piece
            .words
            .iter()
            .any(|(_, word)| word.bbox.width() > SLANTED * em)
        {
            piece.bbox.x1 = foot.bbox.x1;
            piece.bbox.x2 = foot.bbox.x1 + em;
        }
    }
    for piece in columns {
        let beside = lines.iter_mut().find(|line| {
            line.bbox.overlap_y(&piece.bbox) > 0.5 * line.bbox.height().min(piece.bbox.height())
        });
        match beside {
            Some(line) => {
                line.bbox = line.bbox.union(&piece.bbox);
                line.pieces.push(piece);
                line.pieces.sort_by(|a, b| a.bbox.x1.total_cmp(&b.bbox.x1));
            }
            None => lines.push(TextLine {
                bbox: piece.bbox,
                size: piece.words[0].0.style.font_size,
                pieces: vec![piece],
            }),
        }
    }
    lines.sort_by(|a, b| a.bbox.center_y().total_cmp(&b.bbox.center_y()));
}
