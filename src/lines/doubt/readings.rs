//! What was read of a document's fonts from the pictures of its pages: a font that several pages share is read once,
//! and the number of lines that are read for that is bounded.

use super::thresholds::document::{MOST_GLYPHS, MOST_LINES, MOST_TRIES};
use crate::input::pdf::page::PdfPage;
use std::collections::BTreeMap;

/// A glyph of a font: the font's key, the code, and whether its letter was in doubt rather than unknown.
pub(super) type GlyphKey = (u64, u32, bool);

/// What is known about a glyph.
#[derive(Debug)]
enum Reading {
    Text(String),
    /// It was looked at so often without an agreement.
    Unread(u32),
}

/// What is known of the fonts of a document, from the pages so far.
#[derive(Debug, Default)]
pub struct Readings {
    glyphs: BTreeMap<GlyphKey, Reading>,
    /// Whether the letters of fonts with odd ones are right.
    fonts: BTreeMap<u64, bool>,
    lines: usize,
    is_short: bool,
}

impl Readings {
    /// The key of a font of a page by its index; `None` if other pages cannot be told to have the same.
    pub(super) fn key(content: &PdfPage, font: u16) -> Option<u64> {
        let key = content.font_keys.get(usize::from(font)).copied();
        key.filter(|key| *key != 0)
    }

    /// The text of a glyph that was read.
    pub(super) fn text(&self, glyph: GlyphKey) -> Option<&str> {
        match self.glyphs.get(&glyph)? {
            Reading::Text(text) => Some(text),
            Reading::Unread(_) => None,
        }
    }

    /// `true` for a glyph that is not looked at any more.
    pub(super) fn is_given_up(&self, glyph: GlyphKey) -> bool {
        matches!(self.glyphs.get(&glyph), Some(Reading::Unread(tries)) if *tries >= MOST_TRIES)
    }

    /// Notes what a glyph was read as on a page; `None` without agreement.
    pub(super) fn note(&mut self, glyph: GlyphKey, text: Option<String>) {
        if self.glyphs.len() >= MOST_GLYPHS && !self.glyphs.contains_key(&glyph) {
            return;
        }
        match (text, self.glyphs.get_mut(&glyph)) {
            (Some(text), _) => drop(self.glyphs.insert(glyph, Reading::Text(text))),
            (None, Some(Reading::Unread(tries))) => *tries += 1,
            (None, Some(Reading::Text(_))) => {}
            (None, None) => drop(self.glyphs.insert(glyph, Reading::Unread(1))),
        }
    }

    /// Whether the letters of a font are right, if that is known.
    pub(super) fn is_right(&self, font: Option<u64>) -> Option<bool> {
        self.fonts.get(&font?).copied()
    }

    /// Remembers whether the letters of a font are right.
    pub(super) fn note_font(&mut self, font: Option<u64>, is_right: bool) {
        if let Some(font) = font.filter(|_| self.fonts.len() < MOST_GLYPHS) {
            self.fonts.insert(font, is_right);
        }
    }

    /// Lines that may be read, of these; those are counted.
    pub(super) fn take(&mut self, lines: usize) -> usize {
        let taken = lines.min(MOST_LINES - self.lines);
        self.lines += taken;
        self.is_short |= taken < lines;
        taken
    }

    /// `true` if all of these lines may be read; else none of them is counted, so that pages with fewer can have those
    /// that are left.
    pub(super) fn take_all(&mut self, lines: usize) -> bool {
        let is_enough = lines <= MOST_LINES - self.lines;
        match is_enough {
            true => self.lines += lines,
            false => self.is_short = true,
        }
        is_enough
    }

    /// As after a page that needed more lines than were left.
    #[cfg(test)]
    pub(in crate::lines) fn use_up(&mut self) {
        self.take(usize::MAX);
    }

    /// The number of lines of a document that are read, if the page before needed more than were left.
    pub(in crate::lines) fn take_shortage(&mut self) -> Option<usize> {
        std::mem::take(&mut self.is_short).then_some(MOST_LINES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_tries_are_bounded() {
        let mut readings = Readings::default();
        assert_eq!(readings.take(MOST_LINES - 1), MOST_LINES - 1);
        assert_eq!(readings.take_shortage(), None);
        assert!(!readings.take_all(2));
        assert_eq!(readings.take_shortage(), Some(MOST_LINES));
        assert_eq!((readings.take(5), readings.take(5)), (1, 0));
        assert_eq!(readings.take_shortage(), Some(MOST_LINES));
        assert_eq!(readings.take_shortage(), None, "of one page");
        let glyph = (1, 2, false);
        for _ in 0..MOST_TRIES {
            assert!(!readings.is_given_up(glyph));
            readings.note(glyph, None);
        }
        assert!(readings.is_given_up(glyph));
        readings.note(glyph, Some("a".into()));
        readings.note(glyph, None);
        assert_eq!(readings.text(glyph), Some("a"));
    }
}
