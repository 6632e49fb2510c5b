//! Groups the lines of a zone into paragraphs, headings, list items and code.

use super::line::Line;
use super::thresholds::captions::{ENTRIES_AROUND, ENTRIES_SHARE, LEAST_ENTRIES};
use super::thresholds::formulas;
use super::thresholds::headings::{ALL_BOLD, FREE_SHARE};
use super::thresholds::paragraphs::*;
use super::{headings, labels, seen};
use crate::deadline;
use crate::geometry::{Rect, rows_by_overlap};
use crate::layout::captions::caption_kind;
use crate::lines::{Direction, Segment};

/// Common measures of a zone's lines.
struct ZoneShape {
    left: f32,
    right: f32,
    /// Usual line spacing, in ems.
    pitch: f32,
    /// The same in pixels: sizes of recognized lines vary with their letters.
    step: f32,
    /// It has several full lines: prose.
    has_prose: bool,
    recognized: bool,
    /// The body text of the page has a font with equal widths.
    fixed_pitch: bool,
}

/// Groups the lines of a zone, given from top to bottom, into paragraphs.
///
/// `recognized`: the lines come from a recognizer, so that sizes vary with the letters in a line. `fixed_pitch`: the page's
/// body text has a font with equal widths, which is no sign of code then.
pub(super) fn paragraphs(
    mut lines: Vec<Line>,
    recognized: bool,
    fixed_pitch: bool,
) -> Vec<Vec<Line>> {
    let shape = ZoneShape {
        recognized,
        fixed_pitch,
        ..shape(&lines)
    };
    if recognized && shape.has_prose {
        mark_headings(&mut lines, &shape);
    }
    let mut out: Vec<Vec<Line>> = Vec::new();
    let in_index = in_index(&lines);
    for (line, in_index) in lines.into_iter().zip(in_index) {
        let ends_entry = |block: &[Line]| in_index && ends_entry(&block[block.len() - 1], &shape);
        match out.last_mut() {
            Some(block) if !breaks(block, &line, &shape) && !ends_entry(block) => block.push(line),
            _ => out.push(vec![line]),
        }
    }
    out
}

fn shape(lines: &[Line]) -> ZoneShape {
    let min = lines
        .iter()
        .map(|l| l.bbox.x1)
        .fold(f32::INFINITY, f32::min);
    // One line that extends further must not make all others look short.
    let mut ends: Vec<f32> = lines.iter().map(|l| l.bbox.x2).collect();
    ends.sort_by(f32::total_cmp);
    let max = ends
        .get(((ends.len() as f32 - 1.0) * RIGHT_EDGE) as usize)
        .copied()
        .unwrap_or(min);
    let mut pitches: Vec<f32> = lines
        .windows(2)
        .filter(|pair| (pair[0].size - pair[1].size).abs() < PITCH_SIZES * pair[0].size)
        .map(|pair| (pair[1].bbox.center_y() - pair[0].bbox.center_y()) / pair[0].size.max(1.0))
        .filter(|pitch| PITCHES.contains(pitch))
        .collect();
    pitches.sort_by(f32::total_cmp);
    // The lower quartile, so that spacing between paragraphs does not count as line spacing.
    let pitch = pitches
        .get(pitches.len() / 4)
        .copied()
        .unwrap_or(DEFAULT_PITCH);
    let mut steps: Vec<f32> = lines
        .windows(2)
        .map(|pair| pair[1].bbox.center_y() - pair[0].bbox.center_y())
        .filter(|step| *step > 0.0)
        .collect();
    steps.sort_by(f32::total_cmp);
    let step = steps.get(steps.len() / 4).copied().unwrap_or(0.0);
    let is_full = |l: &&Line| max - l.bbox.x2 <= EARLY_END * (max - min);
    ZoneShape {
        left: min,
        right: max,
        pitch,
        step,
        has_prose: lines.iter().filter(is_full).count() >= PROSE_LINES,
        recognized: false,
        fixed_pitch: false,
    }
}

/// Marks headings of recognized prose, whose lines have no weight: short lines with room above them, and full lines below.
fn mark_headings(lines: &mut [Line], shape: &ZoneShape) {
    let is_full = |line: &Line| !ends_early(shape.right - line.bbox.x2, shape);
    let is_heading = |at: usize| {
        let [line, next, third] = &lines[at..at + 3] else {
            return false;
        };
        let before = at.checked_sub(1).map(|before| &lines[before]);
        let room = |above: &Line| line.bbox.center_y() - above.bbox.center_y();
        let begins = before.is_none_or(|above| {
            above.is_heading()
                || ends_sentence(&above.text) && room(above) > STEP_SENTENCE * shape.step
        });
        let text = line.text.trim_end();
        let is_name = seen::may_be_heading(&[text])
            && text.starts_with(|c: char| c.is_alphabetic() && !c.is_lowercase())
            && !ends_sentence(text)
            && !text.ends_with(['\u{2013}', '\u{2014}']);
        let is_near =
            |a: &Line, b: &Line| b.bbox.center_y() - a.bbox.center_y() < MAX_STEP * b.size;
        begins
            && is_name
            && line.tag.is_none()
            && line.seen_title.is_none()
            && line.segments.len() == 1
            && line.size >= SMALLEST * next.size
            && (line.bbox.x1 - next.bbox.x1).abs() < INDENT.0 * next.size
            && shape.right - line.bbox.x2 > SHORT_FIRST * (shape.right - shape.left)
            && is_full(next)
            && starts_sentence(&next.text)
            && is_near(line, next)
            && is_near(next, third)
    };
    let found: Vec<usize> = (0..lines.len().saturating_sub(2))
        .filter(|at| is_heading(*at))
        .collect();
    for at in found {
        // Not one of the numbers of those that a network sees.
        lines[at].seen_title = Some(usize::MAX - at);
    }
}

/// `true` if a line starts a new block after `block`.
fn breaks(block: &[Line], line: &Line, shape: &ZoneShape) -> bool {
    let last = &block[block.len() - 1];
    let em = last.size.max(line.size).max(1.0);
    // Limits and denominators of a recognized formula are separate lines of any size.
    let in_formula = is_formula_line(&block[0], shape);
    let is_formula = is_formula_line(line, shape);
    let piece = in_formula
        && line.text.chars().count() <= formulas::PIECE_CHARS
        && line.bbox.x1 > shape.left + formulas::SET_IN * em;
    if piece && line.bbox.y1 - last.bbox.y2 < em {
        return false;
    }
    if in_formula != is_formula {
        return true;
    }
    let (size_slack, most_step) = match shape.recognized {
        true => (SIZE_SLACK_RECOGNIZED, STEP_RECOGNIZED),
        false => (SIZE_SLACK, STEP),
    };
    if (last.size - line.size).abs() > size_slack * em || last.fixed_pitch != line.fixed_pitch {
        return true;
    }
    if line.starts_bullet() {
        return true; // also within an element: items of nested lists
    }
    if last.is_heading() != line.is_heading() {
        return true;
    }
    if last.seen_title.is_some() || line.seen_title.is_some() {
        return last.seen_title != line.seen_title;
    }
    if let (Some(a), Some(b)) = (last.tag, line.tag) {
        // Tags decide: lines of one element belong together, lines of two elements do not.
        if a.0 != b.0 {
            return true;
        }
        if line.bbox.center_y() - last.bbox.center_y() < TAGGED_STEP * em {
            return false;
        }
    }
    let mut step = (line.bbox.center_y() - last.bbox.center_y()) / em;
    if last.hyphenated && goes_on(last, line) && step < DIVIDED_STEP {
        return false;
    }
    let is_tall = |l: &Line| l.bbox.height() > TALL * l.size && l.segments.len() > 1;
    if is_tall(last) || is_tall(line) {
        step = step.min((line.bbox.y1 - last.bbox.y2) / em + SOLID_PITCH);
    }
    let local_pitch = match block.len() {
        1 => shape.pitch,
        n => ((last.bbox.center_y() - block[n - 2].bbox.center_y()) / em)
            .min(shape.pitch * OWN_PITCH)
            .max(shape.pitch),
    };
    if step > local_pitch * most_step || step < -MAX_RISE {
        return true;
    }
    // A little more room says it together with the words.
    let room = line.bbox.center_y() - last.bbox.center_y();
    if shape.recognized
        && shape.step > 0.0
        && room > shape.step * STEP_SENTENCE
        && ends_sentence(&last.text)
        && starts_sentence(&line.text)
    {
        return true;
    }
    if line.fixed_pitch && !shape.fixed_pitch {
        // A heading after a listing may be set in its font.
        return line.bold && !last.bold && step > local_pitch * HEADING_STEP;
    }
    // A line that is bold in part begins a paragraph, or is a label with its value.
    let heading = |l: &Line| l.bold_share > ALL_BOLD && !shape.recognized;
    if heading(last) != heading(line) && (heading(line) || block.iter().all(heading)) {
        return true;
    }
    let starts_left = line.bbox.x1 < shape.left + CENTERED_ROOM * em;
    let are_two = headings::is_numbered(&line.text) || is_centered(last, shape, em) && starts_left;
    if heading(line) && block.iter().all(heading) && are_two {
        return true;
    }
    // Recognized lines have no weight: a heading is recognized by its wording.
    if shape.recognized
        && (is_short_heading(last, shape) && block.len() == 1 || is_short_heading(line, shape))
    {
        return true;
    }
    // A short line above a full one is a heading, a salutation or a whole paragraph.
    if shape.recognized
        && shape.has_prose
        && block.len() == 1
        && !last.hyphenated
        && shape.right - last.bbox.x2 > SHORT_FIRST * (shape.right - shape.left)
        && !ends_early(shape.right - line.bbox.x2, shape)
        && starts_sentence(&line.text)
    {
        return true;
    }
    let caption = caption_kind(&block[0].text) == Some(true);
    if caption && last.bbox.x1 - line.bbox.x1 > CAPTION_OUTDENT * em {
        return true;
    }
    // A number that a sentence goes on with may look like that of an item.
    let is_within = shape.recognized
        && line.text.starts_with(|c: char| c.is_alphanumeric())
        && !ends_sentence(&last.text)
        && !block[0].starts_item()
        && !ends_early(shape.right - last.bbox.x2, shape);
    if line.starts_item() && !is_within || color_differs(last.color, line.color) {
        return true;
    }
    if line.right_to_left {
        return ends_early(last.bbox.x1 - shape.left, shape) && ends_sentence(&last.text);
    }
    let indent = (line.bbox.x1 - last.bbox.x1) / em;
    if block[0].starts_item() {
        // An item continues after a full line, at its text indent; a line further left is not part of it.
        let reach = match block.len() {
            1 => ITEM_OUTDENT,
            _ => ITEM_LATER_OUTDENT,
        };
        let outdented = line.bbox.x1 < last.bbox.x1 - reach * em;
        return outdented || ends_early(shape.right - last.bbox.x2, shape);
    }
    if is_centered(line, shape, em) && is_centered(last, shape, em) {
        return false;
    }
    // A first line is indented; with a hanging indent it is outdented.
    let starts_in =
        indent > INDENT.0 && indent < INDENT.1 && line.bbox.x1 > shape.left + INDENT.0 * em;
    if starts_in && block.len() > 1 {
        return true;
    }
    if starts_in && ends_early(shape.right - last.bbox.x2, shape) {
        return true;
    }
    ends_early(shape.right - last.bbox.x2, shape)
        && ends_sentence(&last.text)
        && starts_sentence(&line.text)
}

/// `true` if a line may have the rest of a word that the one before it divides.
fn goes_on(last: &Line, line: &Line) -> bool {
    let starts_small = line.text.chars().next().is_some_and(char::is_lowercase);
    starts_small && last.bold == line.bold && last.bbox.overlap_x(&line.bbox) > 0.0
}

/// `true` if a line has the same white space at both sides of its zone.
fn is_centered(line: &Line, shape: &ZoneShape, em: f32) -> bool {
    ((line.bbox.x1 - shape.left) - (shape.right - line.bbox.x2)).abs() < CENTERED_SLACK * em
        && line.bbox.x1 > shape.left + CENTERED_ROOM * em
}

/// For each line whether it is in an index: most lines around it, itself included, end with numbers of pages.
fn in_index(lines: &[Line]) -> Vec<bool> {
    let entries: Vec<bool> = lines.iter().map(|l| labels::is_entry(&l.text)).collect();
    let is_one = |at: usize| {
        let around = at.saturating_sub(ENTRIES_AROUND)..(at + ENTRIES_AROUND + 1).min(lines.len());
        let all = around.len();
        let found = entries[around].iter().filter(|entry| **entry).count();
        found >= LEAST_ENTRIES && found as f32 >= ENTRIES_SHARE * all as f32
    };
    (0..lines.len()).map(is_one).collect()
}

/// `true` if an entry of an index ends with a line: it has its numbers, or room for another word.
fn ends_entry(line: &Line, shape: &ZoneShape) -> bool {
    let is_open = line.text.trim_end().ends_with([',', '\u{2013}', '-']);
    !is_open && (labels::is_entry(&line.text) || ends_early(shape.right - line.bbox.x2, shape))
}

/// `true` if a line is a heading by its number or wording and does not fill its column.
fn is_short_heading(line: &Line, shape: &ZoneShape) -> bool {
    let short = shape.right - line.bbox.x2 > FREE_SHARE * (shape.right - shape.left);
    short
        && (headings::is_numbered(&line.text) || headings::is_special(&line.text))
        && !ends_sentence(&line.text)
}

/// `true` if a line is indented and has formula signs but no words.
fn is_formula_line(line: &Line, shape: &ZoneShape) -> bool {
    let is_sign = |c| matches!(c, '=' | '≤' | '≥' | '±' | '∑' | '∏' | '∫' | '√' | '≈' | '≠');
    if !line.text.chars().any(is_sign) {
        return false;
    }
    let words = line
        .text
        .split(|c: char| !c.is_alphabetic())
        .filter(|w| w.chars().count() >= formulas::WORD_LETTERS)
        .count();
    let set_in = line.bbox.x1 > shape.left + formulas::SET_IN * line.size;
    words <= usize::from(shape.recognized)
        && set_in
        && !line.fixed_pitch
        && line.text.chars().count() <= formulas::MAX_LINE_CHARS
}

/// `true` if a line leaves so much room at its end that the next word would have fit.
fn ends_early(room: f32, shape: &ZoneShape) -> bool {
    room > EARLY_END * (shape.right - shape.left)
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end_matches(['"', '\'', ')', '”', '’', ']'])
        .ends_with(['.', '!', '?', ':', ';', '。', '！', '？', '：', '۔', '؟'])
}

fn starts_sentence(text: &str) -> bool {
    text.chars()
        .find(|c| c.is_alphanumeric())
        .is_none_or(|c| !c.is_lowercase())
}

fn color_differs(a: [u8; 3], b: [u8; 3]) -> bool {
    a.iter()
        .zip(b)
        .map(|(x, y)| x.abs_diff(y) as u32)
        .sum::<u32>()
        > COLOR_DIFFERENCE
}

/// Groups segments into lines, from top to bottom.
pub(super) fn lines_of(
    indices: &[usize],
    all: &[Segment],
    tags: &dyn Fn(i32) -> Option<(usize, Option<u8>)>,
) -> Vec<Line> {
    let level: Vec<usize> = indices
        .iter()
        .copied()
        .filter(|i| all[*i].direction == Direction::Horizontal)
        .collect();
    let boxes: Vec<Rect> = level.iter().map(|i| all[*i].bbox).collect();
    // The row keeps the extent of its tallest segment, so that a raised one does not stretch it.
    let tallest = |row: &Rect, bbox: &Rect| {
        if bbox.height() > row.height() {
            *bbox
        } else {
            *row
        }
    };
    let groups = rows_by_overlap(&boxes, tallest);
    let of_all = |row: Vec<usize>| row.into_iter().map(|i| level[i]).collect();
    let mut rows: Vec<Vec<usize>> = groups.into_iter().map(|(row, _)| of_all(row)).collect();
    gather_parts(&mut rows, all);
    rows.into_iter()
        .map(|row| Line::new(row, all, tags))
        .collect()
}

/// Puts limits, numerators and denominators that are rows of their own into the line that they belong to: the text layer
/// has them within it or right before it.
fn gather_parts(rows: &mut Vec<Vec<usize>>, all: &[Segment]) {
    struct Extent {
        bbox: Rect,
        /// Where the layer enters its pieces, and their numbers of words.
        starts: Vec<(usize, usize)>,
        chars: usize,
        size: f32,
    }
    let extent = |row: &Vec<usize>| {
        let segments = || row.iter().map(|i| &all[*i]);
        let starts = segments().filter_map(|s| Some((s.order?, s.words.len())));
        let starts: Vec<(usize, usize)> = starts.collect();
        Some(Extent {
            bbox: Rect::union_all(segments().map(|s| &s.bbox)).filter(|_| !starts.is_empty())?,
            starts,
            chars: segments().map(Segment::char_count).sum(),
            size: segments().map(|s| s.style.font_size).fold(0.0, f32::max),
        })
    };
    let mut at = 0;
    while at < rows.len() {
        deadline::check();
        let Some(part) = extent(&rows[at]).filter(|part| part.chars <= PART_CHARS) else {
            at += 1;
            continue;
        };
        // The lines around it; what lies between is parts, too.
        let around = at.saturating_sub(2)..(at + 3).min(rows.len());
        let line = around.filter(|other| *other != at).find(|&other| {
            let Some(line) = extent(&rows[other]).filter(|line| line.chars > part.chars) else {
                return false;
            };
            // Less than nothing if there is room between them.
            let common = part.bbox.y2.min(line.bbox.y2) - part.bbox.y1.max(line.bbox.y1);
            let least = part.bbox.height().min(line.bbox.height());
            let first = part.starts[0].0;
            let last = part
                .starts
                .iter()
                .map(|(at, words)| at + words)
                .max()
                .unwrap_or(first);
            let comes =
                |start: &(usize, usize)| start.0 < first && first <= start.0 + start.1 + PART_WORDS;
            let goes = |start: &(usize, usize)| start.0 >= last && start.0 <= last + PART_WORDS;
            let (is_after, is_before) = (
                line.starts.iter().any(comes),
                line.starts.iter().any(goes) && part.bbox.x2 <= line.bbox.x1 + part.size,
            );
            let is_within = is_after && line.starts.iter().any(goes);
            is_within && common > -PART_OVERLAP * least
                || is_before && common > PART_OVERLAP * least
        });
        match line {
            Some(line) => {
                let part = rows.remove(at);
                let line = if line > at { line - 1 } else { line };
                rows[line].extend(part);
                at = at.min(line).saturating_sub(2);
            }
            None => at += 1,
        }
    }
}

#[cfg(test)]
mod tests;
