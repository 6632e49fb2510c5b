//! A line of a zone.

use crate::geometry::Rect;
use crate::layout::table::is_marker;
use crate::lines::{Segment, Word};

/// Where the bold words of a line stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BoldWords {
    /// Nowhere.
    None,
    /// At its start, and words that are not bold go on after a sign or not with a small letter.
    Start,
    /// All are.
    All,
    /// Elsewhere.
    Other,
}

impl BoldWords {
    /// Of words in reading order; bullets before them do not count.
    fn of(words: &[&Word]) -> BoldWords {
        let has_letters = |word: &&Word| word.text.contains(char::is_alphanumeric);
        let bullets = words
            .iter()
            .take_while(|word| !word.style.bold && !has_letters(word));
        let words = &words[bullets.count()..];
        let bold = words.iter().take_while(|word| word.style.bold).count();
        let (bold, rest) = words.split_at(bold);
        let (Some(last), Some(next)) = (bold.last(), rest.first()) else {
            let has_bold = rest.iter().any(|word| word.style.bold);
            return match (bold.is_empty(), has_bold) {
                (false, _) => BoldWords::All,
                (true, false) => BoldWords::None,
                (true, true) => BoldWords::Other,
            };
        };
        let is_divided = !last.text.ends_with(char::is_alphanumeric)
            || !next.text.starts_with(char::is_lowercase);
        match is_divided && !rest.iter().any(|word| word.style.bold) {
            true => BoldWords::Start,
            false => BoldWords::Other,
        }
    }
}

/// A line of a zone: segments side by side.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Indices of the segments in reading order.
    pub segments: Vec<usize>,
    /// Bounding box of the segments.
    pub bbox: Rect,
    /// Font size of most characters.
    pub size: f32,
    /// `true` if most characters are bold.
    pub bold: bool,
    /// Share of bold characters, 0 to 1.
    pub bold_share: f32,
    /// Where its bold words stand.
    pub bold_words: BoldWords,
    /// Font size of its words that are not bold, as far as the heights of words tell it.
    pub plain_size: f32,
    /// `true` if most characters are italic.
    pub italic: bool,
    /// `true` if most characters are of a fixed-pitch font.
    pub fixed_pitch: bool,
    /// Share of characters in math fonts.
    pub math: f32,
    /// Colour of most characters.
    pub color: [u8; 3],
    /// `true` if the script runs from right to left.
    pub right_to_left: bool,
    /// `true` if a word goes on in the next line.
    pub hyphenated: bool,
    /// Text without markup.
    pub text: String,
    /// Element that the line belongs to in a tagged PDF, and its heading level if it is a heading.
    pub tag: Option<(usize, Option<u8>)>,
    /// Number of the heading that it is part of, as seen in the picture of the page.
    pub seen_title: Option<usize>,
}

impl Line {
    /// Makes a line from segments that lie side by side.
    pub(crate) fn new(
        mut indices: Vec<usize>,
        all: &[Segment],
        tags: &dyn Fn(i32) -> Option<(usize, Option<u8>)>,
    ) -> Self {
        let rtl = indices.iter().filter(|i| all[**i].right_to_left).count() * 2 > indices.len();
        indices.sort_by(|&a, &b| all[a].bbox.x1.total_cmp(&all[b].bbox.x1));
        if rtl {
            indices.reverse();
        }
        let count = |f: &dyn Fn(&Segment) -> f32| -> f32 {
            indices
                .iter()
                .map(|i| f(&all[*i]) * all[*i].char_count() as f32)
                .sum()
        };
        let total = count(&|_| 1.0).max(1.0);
        let longest = indices
            .iter()
            .max_by_key(|i| all[**i].char_count())
            .map(|i| &all[*i]);
        let flag = |value: bool| if value { 1.0 } else { 0.0 };
        // Word by word: a label in bold and its value may be one segment.
        let words = indices.iter().flat_map(|i| &all[*i].words);
        let words: Vec<&Word> = words.collect();
        let (bold, plain): (Vec<&Word>, Vec<&Word>) =
            words.iter().copied().partition(|word| word.style.bold);
        let chars = |words: &[&Word]| -> usize {
            let counts = words.iter().map(|word| word.text.chars().count());
            counts.sum()
        };
        let height = |words: &[&Word]| {
            let heights = words.iter().map(|word| word.bbox.height());
            heights.fold(0.0, f32::max)
        };
        let size = longest.map_or(0.0, |s| s.style.font_size);
        // The size is that of most characters.
        let plain_size = match chars(&plain) < chars(&bold) {
            true => size * (height(&plain) / height(&bold).max(1.0)).min(1.0),
            false => size,
        };
        Line {
            bbox: Rect::union_all(indices.iter().map(|i| &all[*i].bbox)).unwrap_or_default(),
            size,
            bold: count(&|s| flag(s.style.bold)) * 2.0 > total,
            bold_share: chars(&bold) as f32 / total,
            bold_words: BoldWords::of(&words),
            plain_size,
            italic: count(&|s| flag(s.style.italic)) * 2.0 > total,
            fixed_pitch: count(&|s| flag(s.style.fixed_pitch)) * 2.0 > total,
            math: count(&|s| s.style.math) / total,
            color: longest.map_or([0; 3], |s| s.style.color),
            right_to_left: rtl,
            hyphenated: indices.last().is_some_and(|i| all[*i].hyphenated),
            text: indices
                .iter()
                .map(|i| all[*i].plain_text())
                .collect::<Vec<_>>()
                .join(" "),
            tag: longest.and_then(|s| tags(s.mcid)),
            seen_title: None,
            segments: indices,
        }
    }

    /// `true` if the tags or the bookmarks of the document call the line a heading, or it is seen as one.
    pub(crate) fn is_heading(&self) -> bool {
        self.tag.is_some_and(|(_, level)| level.is_some()) || self.seen_title.is_some()
    }

    /// `true` if the line starts with a bullet or a check box, which nothing else does.
    pub(crate) fn starts_bullet(&self) -> bool {
        let first = self.text.trim_start().chars().next();
        first.is_some_and(|c| "•◦▪▫■□●○‣⁃➢➤✓✔☐☑☒✗✘".contains(c))
    }

    /// `true` if the line starts with a list marker.
    pub(crate) fn starts_item(&self) -> bool {
        let mut words = self.text.split_whitespace();
        let first = words.next().unwrap_or("");
        self.starts_bullet() || (is_marker(first) && words.next().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bold_words_stand_at_the_start_if_the_others_go_on_after_them() {
        #[track_caller]
        fn check(words: &[(&str, bool)], expected: BoldWords) {
            let word = |(text, bold): &(&str, bool)| {
                let mut word = Word::of(Rect::new(0.0, 0.0, 10.0, 10.0), text);
                word.style.bold = *bold;
                word
            };
            let words: Vec<Word> = words.iter().map(word).collect();
            let words: Vec<&Word> = words.iter().collect();
            assert_eq!(BoldWords::of(&words), expected);
        }
        check(&[], BoldWords::None);
        check(&[("Tides", false), ("rise", false)], BoldWords::None);
        check(&[("Tides", true), ("rise", true)], BoldWords::All);
        check(&[("Scope.", true), ("all", false)], BoldWords::Start);
        check(&[("Scope", true), ("All", false)], BoldWords::Start);
        check(
            &[("\u{2022}", false), ("Scope.", true), ("all", false)],
            BoldWords::Start,
        );
        check(&[("Tides", true), ("rise", false)], BoldWords::Other);
        check(&[("The", false), ("tides", true)], BoldWords::Other);
        let question = [("Use", true), ("foo", false), ("?", true)];
        check(&question, BoldWords::Other);
    }
}
