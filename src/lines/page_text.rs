//! The text of a page as pieces of lines with boxes, whoever read it.

use crate::document::TextSource;
use crate::geometry::Rect;

/// A word with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// Where it is.
    pub bbox: Rect,
    /// Its characters in reading order.
    pub text: String,
    /// Whether a blank stands before it in its line.
    pub space_before: bool,
    /// Raised, lowered or neither.
    pub shift: Shift,
    /// Marked content in a tagged PDF, -1 for none.
    pub mcid: i32,
}

/// Position of a word against its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shift {
    /// On the line.
    #[default]
    None,
    /// Superscript.
    Super,
    /// Subscript.
    Sub,
}

/// Which way a segment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From left to right or right to left.
    Horizontal,
    /// Upright characters from top to bottom.
    Vertical,
    /// Horizontal text turned by about a quarter circle, or slanted.
    Turned,
}

/// How a segment looks.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SegmentStyle {
    /// Height of an em in page pixels.
    pub font_size: f32,
    /// Heavier than regular.
    pub bold: bool,
    /// Leaning.
    pub italic: bool,
    /// All glyphs equally wide.
    pub fixed_pitch: bool,
    /// Share of its characters that are set in a font for formulas, 0 to 1.
    pub math: f32,
    /// Colour of most of it.
    pub color: [u8; 3],
}

/// A piece of a line without large gaps: at most what one column or table cell holds of the line.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    /// Where it is.
    pub bbox: Rect,
    /// Its words in reading order.
    pub words: Vec<Word>,
    /// How it looks.
    pub style: SegmentStyle,
    /// Which way it is written.
    pub direction: Direction,
    /// Whether its script runs from right to left.
    pub right_to_left: bool,
    /// Whether the last word is cut by a hyphen that the next line does not keep.
    pub hyphenated: bool,
    /// How sure the recognizer is, 0 to 1; none for a text layer.
    pub confidence: Option<f32>,
    /// Marked content in a tagged PDF, -1 for none.
    pub mcid: i32,
}

#[cfg(test)]
impl Word {
    /// A word on its line with nothing special about it.
    pub(crate) fn of(bbox: Rect, text: &str) -> Self {
        Self {
            bbox,
            text: text.into(),
            space_before: false,
            shift: Shift::None,
            mcid: -1,
        }
    }
}

#[cfg(test)]
impl Segment {
    /// A horizontal piece of these words with nothing special about it.
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
            confidence: None,
            mcid: -1,
        }
    }
}

impl Segment {
    /// Its words as text, raised and lowered ones in `<sup>` and `<sub>`.
    pub fn text(&self) -> String {
        words_text(&self.words)
    }

    /// Its words as text without any marks.
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

    /// Number of characters that are no blanks.
    pub fn char_count(&self) -> usize {
        self.words.iter().map(|w| w.text.chars().count()).sum()
    }
}

/// Words joined by blanks where they had some.
pub fn words_text(words: &[Word]) -> String {
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

/// All text of a prepared page.
#[derive(Debug, Clone, PartialEq)]
pub struct PageText {
    /// Who read it.
    pub source: TextSource,
    /// Pieces of lines, in no particular order.
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
        let mut by_size: std::collections::BTreeMap<u32, usize> = Default::default();
        for segment in self
            .segments
            .iter()
            .filter(|s| s.direction == Direction::Horizontal)
        {
            // Half pixels: sizes of one font vary by rounding, sizes of two fonts by a point, that is two pixels.
            *by_size
                .entry((segment.style.font_size * 2.0).round() as u32)
                .or_default() += segment.char_count();
        }
        by_size
            .into_iter()
            .max_by_key(|(size, count)| (*count, std::cmp::Reverse(*size)))
            .map(|(s, _)| s as f32 / 2.0)
    }
}

/// Whether a character belongs to a script written from right to left.
pub fn is_right_to_left(c: char) -> bool {
    matches!(c as u32, 0x0590..=0x08FF | 0xFB1D..=0xFDFF | 0xFE70..=0xFEFF | 0x10800..=0x10FFF | 0x1E800..=0x1EFFF)
}

/// Whether a character belongs to a script written without blanks between words.
pub fn is_cjk(c: char) -> bool {
    matches!(c as u32,
        0x2E80..=0x303F | 0x3040..=0x30FF | 0x3100..=0x312F | 0x31A0..=0x31FF | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0xFE30..=0xFE4F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6
        | 0x20000..=0x3FFFF)
}
