//! The text of a page as segments of lines with boxes, from any source.

use crate::document::{SpanStyle, TextSource};
use crate::geometry::Rect;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A word and its position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Bounding box in page pixels.
    pub bbox: Rect,
    /// Its characters in reading order.
    pub text: String,
    /// `true` if a space precedes it in its line.
    pub space_before: bool,
    /// Superscript, subscript or neither.
    pub shift: Shift,
    /// Marked content id in a tagged PDF, -1 for none.
    pub mcid: i32,
    /// Its typographic style, and the link that it is.
    pub style: SpanStyle,
}

/// Position of a word relative to its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Shift {
    /// On the line.
    #[default]
    None,
    /// Superscript.
    Super,
    /// Subscript.
    Sub,
}

/// Writing direction of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// From left to right or right to left.
    Horizontal,
    /// Upright characters from top to bottom.
    Vertical,
    /// Horizontal text rotated by about a quarter turn, or slanted.
    Turned,
}

/// Typographic style of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SegmentStyle {
    /// Height of an em in page pixels.
    pub font_size: f32,
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Fixed pitch.
    pub fixed_pitch: bool,
    /// Share of its characters in math fonts, 0 to 1.
    pub math: f32,
    /// Colour of most characters.
    pub color: [u8; 3],
}

/// A part of a line without large gaps: at most the part within one column or table cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Bounding box in page pixels.
    pub bbox: Rect,
    /// Its words in reading order.
    pub words: Vec<Word>,
    /// Style.
    pub style: SegmentStyle,
    /// Writing direction.
    pub direction: Direction,
    /// `true` if its script runs from right to left.
    pub right_to_left: bool,
    /// `true` if the last word is split by a hyphen that is dropped when it is rejoined with the next line.
    pub hyphenated: bool,
    /// `true` if the text layer has a space after it, not only a line's end: Korean divides words without a hyphen.
    pub has_space_after: bool,
    /// Recognition confidence, 0 to 1; `None` for a text layer.
    pub confidence: Option<f32>,
    /// Marked content id in a tagged PDF, -1 for none.
    pub mcid: i32,
    /// Position of its first word among those of the text layer, in the layer's order; `None` for recognized text.
    pub order: Option<usize>,
}

#[cfg(test)]
impl Word {
    /// A word with default properties.
    pub(crate) fn of(bbox: Rect, text: &str) -> Self {
        Self {
            bbox,
            text: text.into(),
            space_before: false,
            shift: Shift::None,
            mcid: -1,
            style: SpanStyle::default(),
        }
    }
}

#[cfg(test)]
impl Segment {
    /// A horizontal segment of these words with default properties.
    pub(crate) fn of(words: Vec<Word>, font_size: f32) -> Self {
        Self {
            bbox: Rect::union_all(words.iter().map(|w| &w.bbox)).unwrap_or_default(),
            words,
            style: SegmentStyle {
                font_size,
                ..SegmentStyle::default()
            },
            direction: Direction::Horizontal,
            right_to_left: false,
            hyphenated: false,
            has_space_after: false,
            confidence: None,
            mcid: -1,
            order: None,
        }
    }
}

impl Segment {
    /// Text with superscripts in `<sup>` and subscripts in `<sub>`.
    pub fn text(&self) -> String {
        words_text(&self.words)
    }

    /// Text without markup.
    pub fn plain_text(&self) -> String {
        let mut text = String::new();
        for word in &self.words {
            if word.space_before && !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&word.text);
        }
        text
    }

    /// Number of characters other than spaces.
    pub fn char_count(&self) -> usize {
        self.words.iter().map(|w| w.text.chars().count()).sum()
    }
}

/// Joins words, with spaces where the page has them.
pub(crate) fn words_text(words: &[Word]) -> String {
    let mut text = String::new();
    for word in words {
        if word.space_before && !text.is_empty() {
            text.push(' ');
        }
        match word.shift {
            Shift::None => text.push_str(&word.text),
            Shift::Super => text.extend(["<sup>", &word.text, "</sup>"]),
            Shift::Sub => text.extend(["<sub>", &word.text, "</sub>"]),
        }
    }
    text
}

/// Size of body text assumed for a page without text, in pixels: 10 points at 144 dpi.
pub(crate) const DEFAULT_BODY: f32 = 20.0;

/// The text of a prepared page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageText {
    /// Source of the text.
    pub source: TextSource,
    /// Segments of lines, in no particular order.
    pub segments: Vec<Segment>,
}

impl PageText {
    /// A page without text.
    pub fn empty() -> Self {
        Self {
            source: TextSource::None,
            segments: Vec::new(),
        }
    }

    /// The font size of most characters, in page pixels; `None` without text.
    pub fn body_size(&self) -> Option<f32> {
        let level = |s: &&Segment| s.direction == Direction::Horizontal;
        main_size(self.segments.iter().filter(level))
    }

    /// The same, or [`DEFAULT_BODY`] without text or if the size is implausible: a pixel or less.
    pub fn body_size_or_default(&self) -> f32 {
        self.body_size()
            .filter(|size| *size > 1.0)
            .unwrap_or(DEFAULT_BODY)
    }
}

/// Font size of most of the characters of some text, in pixels; `None` without text.
pub(crate) fn main_size<'a>(segments: impl Iterator<Item = &'a Segment>) -> Option<f32> {
    let mut by_size: BTreeMap<u32, usize> = BTreeMap::new();
    for segment in segments {
        // Half pixels: rounding varies the size of one font; sizes of two fonts differ by two pixels (a point).
        let size = (segment.style.font_size * 2.0).round() as u32;
        *by_size.entry(size).or_default() += segment.char_count();
    }
    let most = by_size
        .into_iter()
        .max_by_key(|(size, count)| (*count, Reverse(*size)));
    most.map(|(size, _)| size as f32 / 2.0)
}

/// `true` if a character belongs to a script written from right to left.
pub(crate) fn is_right_to_left(c: char) -> bool {
    matches!(c as u32, 0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x10800..=0x10FFF | 0x1E800..=0x1EFFF)
}

/// `true` if a character is a syllable or letter of Korean.
pub(crate) fn is_hangul(c: char) -> bool {
    matches!(c as u32, 0x1100..=0x11FF | 0x3130..=0x318F | 0xA960..=0xA97F | 0xAC00..=0xD7FF)
}

/// `true` if a character belongs to a script written without spaces between words.
pub(crate) fn is_cjk(c: char) -> bool {
    matches!(c as u32,
        0x2E80..=0x303F | 0x3040..=0x30FF | 0x3100..=0x312F | 0x31A0..=0x31FF | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6
        | 0x20000..=0x3FFFF)
}
