//! Cuts the characters of a PDF's text layer into words and pieces of lines.
//!
//! Words follow the order of the layer, which is the order in which the program that made the PDF wrote them;
//! lines are put together by geometry, since that order often jumps. Steps: [`words`], then [`link`] finds each
//! word's right neighbour, and [`segment`] makes one piece of every chain.

use super::page_text::{
    Direction, PageText, Segment, SegmentStyle, Shift, Word, is_cjk, is_right_to_left,
};
use crate::deadline;
use crate::document::TextSource;
use crate::geometry::Rect;
use crate::input::pdf::page::{PdfPage, PdfRun};
use std::collections::BTreeMap;
use unicode_normalization::UnicodeNormalization;

/// Gap inside a word, in ems. Letter-spaced headings reach 0.25.
const WORD_GAP: f32 = 0.3;
/// Gap between words of a line, in ems. Justified lines reach 0.9, gutters and table columns start at 1.
const LINE_GAP: f32 = 0.95;
/// Gap that stands for a blank when the layer has none, in ems.
const BLANK_GAP: f32 = 0.15;
/// Two words share a line when the lower one covers this share of the other's height.
const LINE_OVERLAP: f32 = 0.5;
/// Raised or lowered words are at most this large against their line...
const SHIFT_SIZE: f32 = 0.82;
/// ...and their middle is off by this share of the line's size at least.
const SHIFT_OFFSET: f32 = 0.12;

/// A word of the layer before it has a line.
struct RawWord {
    bbox: Rect,
    text: String,
    space_before: bool,
    /// Ends with a hyphen that was put there to break a line.
    hyphenated: bool,
    /// Position in the order of the layer.
    order: usize,
    run: u32,
    size: f32,
    direction: Direction,
    right_to_left: bool,
}

/// The text of a page from its layer. Characters that are not shown are left out.
pub fn page_text(content: &PdfPage) -> PageText {
    let raw = words(content);
    let fixed_pitch = fixed_pitch_fonts(content);
    let chains = link(&raw);
    let mut raw: Vec<Option<RawWord>> = raw.into_iter().map(Some).collect();
    let segments = chains
        .into_iter()
        .map(|chain| {
            chain
                .into_iter()
                .filter_map(|i| raw[i].take())
                .collect::<Vec<_>>()
        })
        .filter(|words| !words.is_empty())
        .map(|words| segment(words, content, &fixed_pitch))
        .collect();
    PageText {
        source: TextSource::TextLayer,
        segments,
    }
}

/// Whether the code is one of those that pdfium and programs use for a hyphen at a line's end.
fn is_soft_hyphen(code: u32) -> bool {
    matches!(code, 0x02 | 0xAD | 0xFFFE)
}

fn words(content: &PdfPage) -> Vec<RawWord> {
    let mut words: Vec<RawWord> = Vec::new();
    let mut open: Option<RawWord> = None;
    let mut last_box = Rect::default();
    let mut space = true;
    for c in &content.chars {
        let character = char::from_u32(c.code).unwrap_or('\u{FFFD}');
        let run = content.runs.get(c.run as usize);
        let visible = run.is_none_or(|run| run.visible);
        let soft_hyphen = is_soft_hyphen(c.code);
        if soft_hyphen {
            if let Some(word) = &mut open {
                word.hyphenated = true;
            }
            continue;
        }
        if run.is_none() || !visible || character.is_whitespace() || character.is_control() {
            space |= visible;
            words.extend(open.take());
            continue;
        }
        let run = run.expect("checked above");
        let [x1, y1, x2, y2] = c.bbox;
        let bbox = Rect { x1, y1, x2, y2 };
        let size = if run.size > 0.5 {
            run.size
        } else {
            bbox.height().max(1.0)
        };
        let step = open
            .as_ref()
            .map_or(Step::Apart, |word| step(word, &last_box, &bbox, run, size));
        if step == Step::Apart || open.as_ref().is_some_and(|w| w.hyphenated) {
            words.extend(open.take());
        }
        let word = open.get_or_insert_with(|| RawWord {
            bbox,
            text: String::new(),
            space_before: std::mem::replace(&mut space, false),
            hyphenated: false,
            order: 0,
            run: c.run,
            size,
            direction: if run.angle.abs() > 20.0 {
                Direction::Turned
            } else {
                Direction::Horizontal
            },
            right_to_left: false,
        });
        if step == Step::Down {
            word.direction = Direction::Vertical;
        }
        word.right_to_left |= is_right_to_left(character);
        word.bbox = word.bbox.union(&bbox);
        push_normalized(&mut word.text, character);
        last_box = bbox;
    }
    words.extend(open);
    for (order, word) in words.iter_mut().enumerate() {
        word.order = order;
    }
    words
}

/// How a character follows the one before it.
#[derive(PartialEq)]
enum Step {
    /// In the same word.
    Beside,
    /// In the same word, below.
    Down,
    /// In another word.
    Apart,
}

fn step(word: &RawWord, last: &Rect, next: &Rect, run: &PdfRun, size: f32) -> Step {
    let em = size.max(word.size);
    let turned = run.angle.abs() > 20.0;
    if turned || word.direction == Direction::Turned {
        let same = turned && word.direction == Direction::Turned;
        return if same && last.near(next, WORD_GAP * em) {
            Step::Beside
        } else {
            Step::Apart
        };
    }
    let gap_x = (next.x1 - last.x2).max(last.x1 - next.x2);
    let overlap_y = last.overlap_y(next) / last.height().min(next.height()).max(0.1);
    // A change of size is where an index mark starts.
    let same_size = (size - word.size).abs() <= 0.12 * em;
    if overlap_y > LINE_OVERLAP && gap_x <= WORD_GAP * em && same_size {
        return if word.direction == Direction::Vertical {
            Step::Apart
        } else {
            Step::Beside
        };
    }
    let gap_y = next.y1 - last.y2;
    let below = last.overlap_x(next) > 0.6 * last.width().min(next.width());
    let single = word.text.chars().count() == 1 || word.direction == Direction::Vertical;
    let square = |r: &Rect| r.width() > 0.6 * em;
    if below
        && single
        && gap_y.abs() < 0.35 * em
        && square(last)
        && square(next)
        && word.text.chars().all(is_cjk)
    {
        return Step::Down;
    }
    Step::Apart
}

/// Adds a character; ligatures, presentation forms and letters in mathematical dress become plain letters.
fn push_normalized(text: &mut String, c: char) {
    match c as u32 {
        0xFB00..=0xFDFF | 0xFE70..=0xFEFC | 0x1D400..=0x1D7FF => {
            text.extend(std::iter::once(c).nfkc())
        }
        0xFEFF | 0x200B..=0x200F | 0x202A..=0x202E => {}
        _ => text.push(c),
    }
}

/// Whether a character says nothing: the replacement character, or one for private use.
fn is_meaningless(c: char) -> bool {
    matches!(c as u32, 0xFFFD | 0xE000..=0xF8FF | 0xF0000..=0x10FFFF)
}

/// Chains of words that make a piece of a line, each from left to right.
fn link(words: &[RawWord]) -> Vec<Vec<usize>> {
    let mut by_top: Vec<usize> = (0..words.len()).collect();
    by_top.sort_by(|&a, &b| {
        words[a]
            .bbox
            .y1
            .total_cmp(&words[b].bbox.y1)
            .then(a.cmp(&b))
    });
    let mut next: Vec<Option<(usize, f32)>> = vec![None; words.len()];
    let mut previous: Vec<Option<usize>> = vec![None; words.len()];
    for (at, &i) in by_top.iter().enumerate() {
        deadline::check();
        for &j in &by_top[at + 1..] {
            if words[j].bbox.y1 > words[i].bbox.y2 {
                break;
            }
            consider(words, i, j, &mut next);
            consider(words, j, i, &mut next);
        }
    }
    // A word has one left neighbour: the nearest of those that claim it.
    let mut claims: Vec<(f32, usize, usize)> = next
        .iter()
        .enumerate()
        .filter_map(|(i, n)| n.map(|(j, gap)| (gap, i, j)))
        .collect();
    claims.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut following: Vec<Option<usize>> = vec![None; words.len()];
    for (_, i, j) in claims {
        if previous[j].is_none() {
            previous[j] = Some(i);
            following[i] = Some(j);
        }
    }
    let mut chains = Vec::new();
    for start in (0..words.len()).filter(|&i| previous[i].is_none()) {
        let mut chain = vec![start];
        while let Some(j) = following[*chain.last().expect("never empty")] {
            chain.push(j);
        }
        chains.push(chain);
    }
    chains
}

/// Makes `right` the neighbour of `left` if it follows in the line and is nearer than the one known so far.
fn consider(words: &[RawWord], left: usize, right: usize, next: &mut [Option<(usize, f32)>]) {
    let (a, b) = (&words[left], &words[right]);
    if a.direction != Direction::Horizontal || b.direction != Direction::Horizontal {
        return;
    }
    let em = a.size.max(b.size);
    let gap = b.bbox.x1 - a.bbox.x2;
    if gap < -0.35 * em || b.bbox.center_x() <= a.bbox.center_x() {
        return;
    }
    let ratio = a.size.min(b.size) / em;
    // Different sizes belong together only when they touch: drop caps and index marks, not captions beside text.
    let limit = if ratio < 0.75 {
        0.3 * em
    } else {
        LINE_GAP * em
    };
    let overlap = a.bbox.overlap_y(&b.bbox) / a.bbox.height().min(b.bbox.height()).max(0.1);
    if gap > limit || overlap < LINE_OVERLAP || (ratio < 0.4) {
        return;
    }
    if next[left].is_none_or(|(_, known)| gap < known) {
        next[left] = Some((right, gap));
    }
}

/// Makes a segment of a chain of words.
fn segment(mut raw: Vec<RawWord>, content: &PdfPage, fixed_pitch: &[bool]) -> Segment {
    let letters = |f: &dyn Fn(char) -> bool| {
        raw.iter()
            .flat_map(|w| w.text.chars())
            .filter(|c| f(*c))
            .count()
    };
    let right_to_left =
        letters(&is_right_to_left) > letters(&|c| c.is_alphabetic() && !is_right_to_left(c));
    let line_size = raw.iter().map(|w| w.size).fold(0.0, f32::max);
    if right_to_left {
        // The layer's order is the logical one, blanks included; numbers inside run the other way.
        raw.sort_by_key(|w| w.order);
    }
    // A glyph without meaning that opens a line is the bullet of some symbol font.
    if let Some(first) = raw
        .first_mut()
        .filter(|w| w.text.chars().all(is_meaningless))
    {
        first.text = "•".into();
    }
    let bbox = Rect::union_all(raw.iter().map(|w| &w.bbox)).unwrap_or_default();
    let main_middle = raw
        .iter()
        .filter(|w| w.size > SHIFT_SIZE * line_size)
        .map(|w| w.bbox.center_y())
        .fold((0.0, 0.0), |(sum, n), y| (sum + y, n + 1.0));
    let middle = if main_middle.1 > 0.0 {
        main_middle.0 / main_middle.1
    } else {
        bbox.center_y()
    };
    let style = style(&raw, content, fixed_pitch);
    let hyphenated = raw.last().is_some_and(|w| w.hyphenated);
    let mcid = raw
        .first()
        .and_then(|w| content.runs.get(w.run as usize))
        .map_or(-1, |run| run.mcid);
    let direction = raw.first().map_or(Direction::Horizontal, |w| w.direction);
    let mut words: Vec<Word> = Vec::with_capacity(raw.len());
    let mut last: Option<(usize, Rect)> = None;
    for word in raw {
        let shift = match word.bbox.center_y() - middle {
            _ if word.size > SHIFT_SIZE * line_size || direction != Direction::Horizontal => {
                Shift::None
            }
            offset if offset < -SHIFT_OFFSET * line_size => Shift::Super,
            offset if offset > SHIFT_OFFSET * line_size => Shift::Sub,
            _ => Shift::None,
        };
        let space_before = match &last {
            None => false,
            Some((order, bbox)) => {
                let gap = (word.bbox.x1 - bbox.x2).max(bbox.x1 - word.bbox.x2);
                // Around index marks pdfium makes up blanks that nobody sees.
                let shifted = shift != Shift::None
                    || words.last().is_some_and(|w: &Word| w.shift != Shift::None);
                let stated = *order + 1 == word.order && !shifted;
                if stated {
                    word.space_before
                } else {
                    gap > BLANK_GAP * word.size
                }
            }
        };
        last = Some((word.order, word.bbox));
        let mcid = content
            .runs
            .get(word.run as usize)
            .map_or(-1, |run| run.mcid);
        words.push(Word {
            bbox: word.bbox,
            text: word.text,
            space_before,
            shift,
            mcid,
        });
    }
    Segment {
        bbox,
        words,
        style,
        direction,
        right_to_left,
        hyphenated,
        confidence: None,
        mcid,
    }
}

fn style(raw: &[RawWord], content: &PdfPage, fixed_pitch: &[bool]) -> SegmentStyle {
    let mut style = SegmentStyle::default();
    let (mut total, mut bold, mut italic, mut fixed, mut math) =
        (0usize, 0usize, 0usize, 0usize, 0usize);
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    let mut colors: BTreeMap<[u8; 3], usize> = BTreeMap::new();
    for word in raw {
        let Some(run) = content.runs.get(word.run as usize) else {
            continue;
        };
        let count = word.text.chars().count();
        let font = FontTraits::of(
            content
                .fonts
                .get(run.font as usize)
                .map_or("", String::as_str),
        );
        total += count;
        bold += if font.bold || run.weight >= 600 {
            count
        } else {
            0
        };
        italic += if font.italic || run.italic { count } else { 0 };
        let measured = fixed_pitch.get(run.font as usize).copied().unwrap_or(false);
        fixed += if font.fixed_pitch || run.fixed_pitch || measured {
            count
        } else {
            0
        };
        math += if font.math { count } else { 0 };
        *sizes.entry((word.size * 8.0).round() as u32).or_default() += count;
        *colors.entry(run.color).or_default() += count;
    }
    let most = |n: usize| n * 2 > total;
    style.font_size = sizes
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map_or(0.0, |(s, _)| s as f32 / 8.0);
    style.color = colors
        .into_iter()
        .max_by_key(|(_, n)| *n)
        .map_or([0; 3], |(c, _)| c);
    (style.bold, style.italic, style.fixed_pitch) = (most(bold), most(italic), most(fixed));
    style.math = math as f32 / total.max(1) as f32;
    style
}

/// For every font of the page whether all its letters are equally wide, where enough were used to tell.
fn fixed_pitch_fonts(content: &PdfPage) -> Vec<bool> {
    /// Narrow and wide letters: in other fonts their widths differ by more than a half.
    const NARROW: &str = "iljtfrI1.,;:'!()";
    const WIDE: &str = "mwMWABCDEGHKNOPQRSTUVXYZ";
    let mut widths =
        vec![([f32::INFINITY, f32::NEG_INFINITY], 0usize, 0usize); content.fonts.len()];
    for c in &content.chars {
        let (Some(run), Some(letter)) = (content.runs.get(c.run as usize), char::from_u32(c.code))
        else {
            continue;
        };
        let (narrow, wide) = (NARROW.contains(letter), WIDE.contains(letter));
        let Some(entry) = widths.get_mut(run.font as usize).filter(|_| narrow || wide) else {
            continue;
        };
        let width = (c.bbox[2] - c.bbox[0]) / run.size.max(0.1);
        entry.0 = [entry.0[0].min(width), entry.0[1].max(width)];
        entry.1 += usize::from(narrow);
        entry.2 += usize::from(wide);
    }
    widths
        .iter()
        .map(|([min, max], narrow, wide)| *narrow >= 4 && *wide >= 4 && max - min < 0.03)
        .collect()
}

/// What the name of a font says about it.
struct FontTraits {
    bold: bool,
    italic: bool,
    fixed_pitch: bool,
    math: bool,
}

impl FontTraits {
    fn of(name: &str) -> Self {
        // A subset's name starts with six capitals and a plus sign.
        let name = name
            .split_once('+')
            .map_or(name, |(_, rest)| rest)
            .to_ascii_lowercase();
        let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
        let starts = |parts: &[&str]| parts.iter().any(|part| name.starts_with(part));
        FontTraits {
            bold: has(&["bold", "black", "heavy", "demi", "-medi"])
                || starts(&["cmbx", "cmb1", "sfbx"]),
            italic: has(&["italic", "oblique", "slanted", "-it", "ital"])
                || starts(&["cmti", "cmsl", "sfti"]),
            fixed_pitch: has(&[
                "mono",
                "courier",
                "consol",
                "menlo",
                "typewriter",
                "-code",
                "sourcecode",
            ]) || starts(&["cmtt", "sftt", "lmtt", "lmmono"]),
            math: has(&["math", "stixsize", "mathematicalpi"])
                || starts(&[
                    "cmmi", "cmsy", "cmex", "msbm", "msam", "cmmib", "eufm", "euex", "rsfs",
                ])
                || name == "symbol"
                || name.starts_with("symbolmt"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::pdf::page::PdfChar;

    /// A page with one line for each `(x, y, size, text)`; a character is half an em wide, `|` a hyphen that
    /// breaks a line.
    fn page(lines: &[(f32, f32, f32, &str)]) -> PdfPage {
        let mut page = PdfPage {
            fonts: vec!["ABCDEF+Serif".into()],
            ..PdfPage::default()
        };
        for (index, &(x, y, size, text)) in lines.iter().enumerate() {
            page.runs.push(PdfRun {
                font: 0,
                size,
                weight: 400,
                italic: false,
                fixed_pitch: false,
                color: [0; 3],
                visible: true,
                angle: 0.0,
                mcid: index as i32,
            });
            for (i, c) in text.chars().enumerate() {
                let left = x + i as f32 * size / 2.0;
                let code = if c == '|' { 0x02 } else { c as u32 };
                let bbox = [left, y, left + size / 2.0, y + size];
                page.chars.push(PdfChar {
                    code,
                    bbox,
                    run: index as u32,
                    unmapped: false,
                });
            }
            page.chars.push(PdfChar {
                code: '\n' as u32,
                bbox: [0.0; 4],
                run: u32::MAX,
                unmapped: false,
            });
        }
        page
    }

    fn texts(page: &PdfPage) -> Vec<String> {
        page_text(page).segments.iter().map(Segment::text).collect()
    }

    #[test]
    fn words_and_columns_are_told_apart_by_gaps() {
        let page = page(&[
            (0.0, 0.0, 10.0, "left column"),
            (100.0, 0.5, 10.0, "right one"),
        ]);
        assert_eq!(texts(&page), ["left column", "right one"]);
    }

    #[test]
    fn pieces_written_apart_make_one_line() {
        let page = page(&[(54.0, 0.0, 10.0, "end"), (0.0, 0.0, 10.0, "the other")]);
        assert_eq!(texts(&page), ["the other end"]);
    }

    #[test]
    fn index_marks_are_raised_and_lowered() {
        let page = page(&[
            (0.0, 4.0, 10.0, "x"),
            (5.0, 2.0, 6.0, "2"),
            (20.0, 4.0, 10.0, "H"),
            (25.0, 10.0, 6.0, "2"),
        ]);
        let segments = page_text(&page).segments;
        let all: Vec<_> = segments.iter().map(Segment::text).collect();
        assert!(all.join(" ").contains("x<sup>2</sup>"), "{all:?}");
        assert!(all.join(" ").contains("H<sub>2</sub>"), "{all:?}");
    }

    #[test]
    fn hyphens_at_line_ends_are_remembered_not_kept() {
        let segments = page_text(&page(&[
            (0.0, 0.0, 10.0, "hyphen|"),
            (0.0, 12.0, 10.0, "ation"),
        ]))
        .segments;
        assert_eq!(segments[0].text(), "hyphen");
        assert!(segments[0].hyphenated && !segments[1].hyphenated);
    }

    #[test]
    fn ligatures_are_taken_apart() {
        assert_eq!(
            texts(&page(&[(0.0, 0.0, 10.0, "e\u{FB03}cient")])),
            ["efficient"]
        );
    }

    #[test]
    fn upright_characters_below_each_other_are_vertical_text() {
        let mut page = page(&[(0.0, 0.0, 10.0, "縦書")]);
        for (i, c) in page.chars.iter_mut().take(2).enumerate() {
            c.bbox = [0.0, i as f32 * 10.0, 10.0, i as f32 * 10.0 + 10.0];
        }
        let segments = page_text(&page).segments;
        assert_eq!(
            (segments.len(), segments[0].direction),
            (1, Direction::Vertical)
        );
        assert_eq!(segments[0].text(), "縦書");
    }

    #[test]
    fn right_to_left_lines_keep_the_order_of_the_layer() {
        let mut page = page(&[(0.0, 0.0, 10.0, "אב גד")]);
        for (i, c) in page.chars.iter_mut().take(5).enumerate() {
            c.bbox = [40.0 - i as f32 * 5.0, 0.0, 45.0 - i as f32 * 5.0, 10.0];
        }
        let segments = page_text(&page).segments;
        assert_eq!(segments[0].text(), "אב גד");
        assert!(segments[0].right_to_left);
    }

    #[test]
    fn fonts_of_equal_widths_are_fixed_pitch() {
        let code = page(&[(0.0, 0.0, 10.0, "WHEN MATCHED THEN print(til);")]);
        assert!(page_text(&code).segments[0].style.fixed_pitch);
        assert!(
            !page_text(&page(&[(0.0, 0.0, 10.0, "til")])).segments[0]
                .style
                .fixed_pitch
        );
    }

    #[test]
    fn a_glyph_without_meaning_at_the_start_is_a_bullet() {
        assert_eq!(
            texts(&page(&[(0.0, 0.0, 10.0, "\u{F0B7} first")])),
            ["• first"]
        );
    }

    #[test]
    fn hidden_characters_are_left_out() {
        let mut page = page(&[(0.0, 0.0, 10.0, "seen"), (0.0, 20.0, 10.0, "hidden")]);
        page.runs[1].visible = false;
        assert_eq!(texts(&page), ["seen"]);
    }
}
