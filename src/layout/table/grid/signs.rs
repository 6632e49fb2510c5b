//! Signs that a grid is none of a table: the pages of contents and indexes, the axis of a chart, formulas, boxes drawn by
//! characters, prose.

use super::super::pieces::{Piece, is_leader};
use super::super::thresholds::signs::*;
use super::bands::RuledBand;
use super::rows::{self, Placed, PlacedLine};
use crate::document::is_number;

/// `true` for the figures of a page's number.
fn is_page_figure(text: &str) -> bool {
    (1..=PAGE_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `true` if leader dots lead to numbers of pages in most lines: contents or an index, of one column or several.
pub(super) fn leads_to_pages(bands: &[RuledBand]) -> bool {
    let lines = || bands.iter().flat_map(|band| &band.lines);
    let is_page = |text: &str| {
        let text = text.trim_end_matches([',', '.', 'f', 'n']);
        let is_roman = text.chars().all(|c| "ivxlc".contains(c));
        !text.is_empty() && (is_roman || text.split(['–', '-']).all(is_page_figure))
    };
    let leads = |line: &&PlacedLine| {
        let words: Vec<&str> = line
            .pieces
            .iter()
            .flat_map(|p| &p.piece.words)
            .map(|(_, word)| word.text.as_str())
            .collect();
        let mut ends = words
            .windows(2)
            .filter(|pair| is_leader(pair[0]) && !is_leader(pair[1]));
        let first = ends.next();
        first.is_some_and(|pair| is_page(pair[1])) && ends.all(|pair| is_page(pair[1]))
    };
    let count = lines().filter(leads).count();
    count > 1 && count as f32 > LEADER_SHARE * lines().count() as f32
}

/// `true` for titles and rising numbers of pages without leader dots: words in every line, no head above the numbers, and
/// the first page among the first ones of a book.
pub(super) fn has_rising_pages(bands: &[RuledBand], columns: usize) -> bool {
    let lines = || bands.iter().flat_map(|band| &band.lines);
    let last = |line: &PlacedLine| {
        let p = line
            .pieces
            .last()
            .filter(|p| p.last + 1 == columns && line.pieces.len() > 1)?;
        let (_, word) = p.piece.words.last()?;
        word.text.parse::<u32>().ok()
    };
    let has_title = |line: &PlacedLine| {
        let titles = line.pieces.iter().rev().skip(1);
        let words = titles.flat_map(|p| &p.piece.words);
        let letters = words.flat_map(|(_, word)| word.text.chars());
        letters.filter(|c| c.is_alphabetic()).count() >= TITLE_LETTERS
    };
    let pages: Vec<u32> = lines().filter_map(last).collect();
    let has_titles = columns <= CONTENTS_COLUMNS
        && pages.len() * 4 > lines().count() * 3
        && lines().filter(|line| has_title(line)).count() * 4 > lines().count() * 3;
    let has_head = lines().next().is_none_or(|line| last(line).is_none());
    let is_rising = pages.windows(2).all(|pair| pair[0] <= pair[1]);
    let is_early = pages.first().is_some_and(|page| *page <= FIRST_PAGE);
    has_titles && !has_head && is_rising && is_early && pages.len() >= CONTENTS_LINES
}

/// `true` if one of the last lines holds the numbers of an axis: nothing else, in equal steps at equal distances.
pub(super) fn has_axis(bands: &[RuledBand]) -> bool {
    let lines: Vec<&PlacedLine> = bands.iter().flat_map(|band| &band.lines).collect();
    let is_axis = |line: &&&PlacedLine| {
        let words = line.pieces.iter().flat_map(|p| &p.piece.words);
        let places = words.map(|(_, word)| {
            let text = word.text.trim_end_matches('%').replace('−', "-");
            let value = text.replace(',', "").parse::<f32>().ok()?;
            Some((value, word.bbox.center_x()))
        });
        let Some(places) = places.collect::<Option<Vec<(f32, f32)>>>() else {
            return false;
        };
        let steps: Vec<(f32, f32)> = places
            .windows(2)
            .map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1))
            .collect();
        let Some(&(value, width)) = steps.first() else {
            return false;
        };
        let is_equal = |a: f32, b: f32| (a - b).abs() < AXIS_SLACK * b.abs();
        places.len() >= AXIS_NUMBERS
            && value != 0.0
            && steps
                .iter()
                .all(|step| is_equal(step.0, value) && is_equal(step.1, width))
    };
    // In a calendar all lines are such numbers.
    let count = lines.iter().filter(is_axis).count();
    lines.len() > AXIS_LINES
        && count * 2 <= lines.len()
        && lines
            .iter()
            .rev()
            .take(AXIS_LINES)
            .any(|line| is_axis(&line))
}

/// `true` for a mark alone: a dot, a box, a cross.
pub(super) fn is_mark(piece: &Piece) -> bool {
    let text = piece.words.iter().flat_map(|(_, word)| word.text.chars());
    text.into_iter().all(|c| "●○◦•■□▲△▼▽◆◇×✕+*".contains(c))
}

/// `true` if a word of a line is a bracket alone, other than the pair around a number.
pub(super) fn has_bracket(line: &PlacedLine) -> bool {
    let is_bracket = |text: &str| text.chars().all(|c| "[](){}⎡⎢⎣⎤⎥⎦⎛⎜⎝⎞⎟⎠⎧⎨⎩⎫⎬⎭".contains(c));
    let words = line.pieces.iter().flat_map(|p| &p.piece.words);
    let words: Vec<&str> = words.map(|(_, word)| word.text.as_str()).collect();
    let is_pair = |at: usize| {
        let around = words.get(at..at + 3);
        around.is_some_and(|w| w[0] == "(" && is_number(w[1]) && w[2] == ")")
    };
    (0..words.len())
        .any(|at| is_bracket(words[at]) && !is_pair(at) && !at.checked_sub(2).is_some_and(is_pair))
}

/// `true` if most lines of a column between others are one sign of a relation each.
pub(super) fn has_relations(bands: &[RuledBand], columns: usize) -> bool {
    let is_relation = |p: &Placed| match &p.piece.words[..] {
        [(_, word)] => {
            let mut chars = word.text.chars();
            let sign = chars.next().is_some_and(|c| "=≤≥<>≈≡→∼≠⇒⇔∈⊂⊆:".contains(c));
            sign && chars.as_str().chars().all(|c| c == '=') && word.text != ":"
        }
        _ => false,
    };
    (1..columns.saturating_sub(1)).any(|column| {
        let lines = bands.iter().flat_map(|band| &band.lines);
        let own = lines.flat_map(|line| line.pieces.iter().find(|p| p.covers(column)));
        let (mut relations, mut all) = (0, 0);
        for p in own {
            relations += usize::from(is_relation(p));
            all += 1;
        }
        all >= 2 && RELATIONS.is_reached(relations, all)
    })
}

/// `true` if characters of a line draw a box: bars, and long runs of signs.
pub(super) fn is_art(line: &PlacedLine) -> bool {
    let words = line.pieces.iter().flat_map(|p| &p.piece.words);
    words.into_iter().any(|(_, word)| {
        let is_run = word.text.chars().count() >= ART_RUN;
        word.text.contains('|') || is_run && word.text.chars().all(|c| "-=+_~*#/\\".contains(c))
    })
}

/// `true` for an index in several columns: names that rise through all of them, each with the number of a page, and no head.
pub(super) fn is_paired_index(bands: &[RuledBand], columns: usize) -> bool {
    let lines: Vec<&PlacedLine> = bands.iter().flat_map(|band| &band.lines).collect();
    let needed = if columns == 2 {
        INDEX_LINES
    } else {
        CONTENTS_LINES
    };
    if !columns.is_multiple_of(2) || lines.len() < needed {
        return false;
    }
    let text = |line: &PlacedLine, column: usize| -> Option<String> {
        let words = line.single(column)?.piece.words.iter();
        let words: Vec<&str> = words.map(|(_, word)| word.text.as_str()).collect();
        Some(words.join(" ").to_lowercase())
    };
    let (mut pages, mut numbers, mut rising, mut pairs) = (0, 0, 0, 0);
    for column in (0..columns).step_by(2) {
        let own: Vec<String> = lines.iter().filter_map(|line| text(line, column)).collect();
        pairs += own.len().saturating_sub(1);
        rising += own.windows(2).filter(|pair| pair[0] <= pair[1]).count();
        let own: Vec<String> = lines
            .iter()
            .filter_map(|line| text(line, column + 1))
            .collect();
        numbers += own.len();
        pages += own.iter().filter(|text| is_page_figure(text)).count();
    }
    numbers > 0 && pages * 10 >= numbers * 9 && rising * 10 >= pairs * 9
}

/// Rows that begin within a sentence of a column: its text had no room above and goes on with a small letter. And all
/// beginnings of rows that no line draws.
pub(super) fn torn(bands: &[RuledBand], columns: &[(f32, f32)]) -> (usize, usize) {
    let (mut torn, mut all) = (0, 0);
    for band in bands {
        let lines: Vec<(usize, &PlacedLine)> = band.numbered().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].0 != pair[1].0) {
            all += 1;
            let is_torn =
                |column: usize| rows::is_torn(pair[0].1, pair[1].1, column, columns[column]);
            torn += usize::from((0..columns.len()).any(is_torn));
        }
    }
    (torn, all)
}

/// `true` if the gaps of a line are as wide as the spaces within its pieces: a justified line of text.
pub(super) fn is_stretched(line: &PlacedLine) -> bool {
    let mut spaces: Vec<f32> = Vec::new();
    for p in &line.pieces {
        let pairs = p.piece.words.windows(2);
        spaces.extend(pairs.map(|pair| pair[1].1.bbox.x1 - pair[0].1.bbox.x2));
    }
    let gaps = line.pieces.windows(2);
    let widest = gaps
        .map(|pair| pair[1].piece.bbox.x1 - pair[0].piece.bbox.x2)
        .fold(0.0, f32::max);
    let least = spaces.iter().copied().fold(f32::INFINITY, f32::min);
    line.pieces.len() >= 2 && spaces.len() >= 2 && widest < STRETCHED_GAP * least
}
