//! Headings that only their numbers tell: `2.1 Template styles` in the type of text, between 2 and 2.2.
//!
//! A number alone says little, since items of lists, steps and values have one too. A chain of them does: each heading
//! follows one with the number before or is the first below its chapter, stands alone on its line, and text comes after it.

use super::thresholds::numbered::{MAX_CHARS, MAX_LINES, SAME_SIZE, SHARE_WITH_TEXT};
use crate::document::{Block, BlockStyle, Label, Page};
use crate::layout::geometric::headings;
use std::collections::{BTreeMap, BTreeSet};

/// Letters that number appendices come after all figures.
const LETTERS: u32 = 10_000;

/// The number of a heading, part by part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Number(Vec<u32>);

impl Number {
    fn of(text: &str) -> Option<Number> {
        let (number, title) = text.trim().split_once(char::is_whitespace)?;
        let parts = number.trim_end_matches('.').split('.').enumerate();
        let part = |(at, part): (usize, &str)| match part.as_bytes() {
            [letter @ b'A'..=b'Z'] if at == 0 => Some(LETTERS + u32::from(*letter)),
            digits if digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit) => {
                part.parse().ok()
            }
            _ => None,
        };
        let parts: Option<Vec<u32>> = parts.map(part).collect();
        let first = title.trim_start().chars().next()?;
        first.is_alphabetic().then_some(Number(parts?))
    }

    fn is_top(&self) -> bool {
        self.0.len() == 1
    }

    fn parent(&self) -> Number {
        Number(self.0[..self.0.len() - 1].to_vec())
    }

    /// The number that is larger by one, or smaller, on the same level.
    fn beside(&self, step: i32) -> Option<Number> {
        let mut parts = self.0.clone();
        let last = parts.last_mut()?;
        *last = last.checked_add_signed(step)?;
        Some(Number(parts))
    }
}

/// A block that may be a heading, or is one.
struct Candidate {
    /// Positions of its page and block.
    place: (usize, usize),
    number: Number,
    is_heading: bool,
    /// Another candidate follows at once, as in lists.
    is_followed: bool,
}

/// Labels as headings what the chain of their numbers makes some.
pub(super) fn promote(pages: &mut [Page]) {
    let found = candidates(pages);
    if found.iter().all(|candidate| candidate.is_heading) {
        return;
    }
    let mut firsts: BTreeMap<&Number, usize> = BTreeMap::new();
    for (at, candidate) in found.iter().enumerate() {
        firsts.entry(&candidate.number).or_insert(at);
    }
    // A running header may have the number of its section.
    let headings: BTreeSet<&Number> = found
        .iter()
        .filter(|candidate| candidate.is_heading)
        .map(|candidate| &candidate.number)
        .collect();
    let style = |candidate: &Candidate| &pages[candidate.place.0].blocks[candidate.place.1].style;
    let is_before = |number: &Number, at: usize| firsts.get(number).is_some_and(|of| *of < at);
    let in_chain = |at: usize| {
        let candidate = &found[at];
        let number = &candidate.number;
        let has_next = number.beside(1).is_some_and(|next| {
            let next = firsts.get(&next).filter(|next| **next > at);
            next.is_some_and(|next| same_look(style(candidate), style(&found[*next])))
        });
        let follows = number
            .beside(-1)
            .is_some_and(|before| is_before(&before, at));
        let is_first = number
            .0
            .last()
            .is_some_and(|last| *last <= 1 || *last == LETTERS + 65);
        if !number.is_top() && headings.contains(number) {
            return false;
        }
        match number.is_top() {
            true if is_first => has_next,
            true => follows,
            false => follows || is_first && (is_before(&number.parent(), at) || has_next),
        }
    };
    let chosen: Vec<usize> = (0..found.len())
        .filter(|at| !found[*at].is_heading && in_chain(*at))
        .collect();
    // Of a list most items follow each other.
    let mut levels: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for at in &chosen {
        let (all, followed) = levels.entry(found[*at].number.0.len()).or_default();
        *all += 1;
        *followed += usize::from(found[*at].is_followed);
    }
    let places: Vec<(usize, usize)> = chosen
        .into_iter()
        .filter(|at| {
            let (all, followed) = levels[&found[*at].number.0.len()];
            (all - followed) as f32 >= SHARE_WITH_TEXT * all as f32
        })
        .map(|at| found[at].place)
        .collect();
    for (page, block) in places {
        pages[page].blocks[block].label = Label::ParagraphTitle;
    }
}

fn candidates(pages: &[Page]) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for (page, blocks) in pages.iter().map(|page| &page.blocks).enumerate() {
        let mut last: Option<usize> = None;
        for (at, block) in blocks.iter().enumerate() {
            let is_heading = block.label == Label::ParagraphTitle;
            let next = blocks.get(at + 1);
            let number = Number::of(&block.content)
                .filter(|number| is_heading || may_be(block, number) && !goes_on(block, next));
            let Some(number) = number else {
                continue;
            };
            // A heading below a heading is usual, one beside it is not.
            if let Some(before) = last.filter(|before| before + 1 == at)
                && let Some(before) = found.last_mut().filter(|c| c.place == (page, before))
            {
                before.is_followed = before.number.0.len() == number.0.len();
            }
            found.push(Candidate {
                place: (page, at),
                number,
                is_heading,
                is_followed: false,
            });
            last = Some(at);
        }
    }
    found
}

/// `true` if a block is text that a number may make a heading.
fn may_be(block: &Block, number: &Number) -> bool {
    let text = block.content.trim();
    let (mark, title) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    // Items of lists have a full stop after a single number, and steps and values begin with small letters.
    let is_plain = || {
        let first = title.trim_start().chars().next();
        !mark.ends_with('.') && first.is_some_and(|c| !c.is_lowercase())
    };
    block.label == Label::Text
        && block.hidden.is_none()
        && block.style.line_count <= MAX_LINES
        && text.chars().count() <= MAX_CHARS
        && !text.ends_with(['.', ',', ';', ':', '-', '。', '；', '，'])
        && !headings::is_code_like(text)
        && !is_caption(title.trim_start())
        && (!number.is_top() || is_plain())
}

/// `true` if a block is the first line of a paragraph, whose first words are its heading.
fn goes_on(block: &Block, next: Option<&Block>) -> bool {
    let first = next.and_then(|next| next.content.trim_start().chars().next());
    block.style.is_open && first.is_some_and(char::is_lowercase)
}

/// `true` for a caption that has its number before its word: `2.1. ábra. The tides`.
fn is_caption(title: &str) -> bool {
    let word = title.split_whitespace().next().unwrap_or_default();
    word.ends_with('.') && word.starts_with(char::is_lowercase)
}

fn same_look(a: &BlockStyle, b: &BlockStyle) -> bool {
    (a.font_size - b.font_size).abs() <= SAME_SIZE * a.font_size.max(b.font_size)
        && (a.bold, a.italic) == (b.bold, b.italic)
}

/// Takes back bold items of lists that are numbered with a full stop in a document whose chapters have none.
pub(super) fn demote(pages: &mut [Page]) {
    let blocks = pages.iter().flat_map(|page| &page.blocks);
    let all: Vec<(Number, bool, f32)> = blocks
        .filter(|block| block.label == Label::ParagraphTitle)
        .filter_map(|block| {
            let number = Number::of(&block.content)?;
            Some((number, has_stop(&block.content), block.style.font_size))
        })
        .collect();
    let plain: BTreeSet<&Number> = all
        .iter()
        .filter(|(number, has_stop, _)| number.is_top() && !has_stop)
        .map(|(number, ..)| number)
        .collect();
    let lower = all.iter().filter(|(number, ..)| !number.is_top());
    let smallest = lower.clone().map(|h| h.2).fold(f32::INFINITY, f32::min);
    if plain.len() < 2 || lower.count() < 2 {
        return;
    }
    let blocks = pages.iter_mut().flat_map(|page| &mut page.blocks);
    for block in blocks.filter(|block| block.label == Label::ParagraphTitle) {
        let is_item = Number::of(&block.content).is_some_and(|number| number.is_top())
            && has_stop(&block.content)
            && block.style.tagged_level.is_none()
            && block.style.font_size <= smallest * (1.0 + SAME_SIZE);
        if is_item {
            block.label = Label::Text;
        }
    }
}

fn has_stop(text: &str) -> bool {
    let number = text.split_whitespace().next();
    number.is_some_and(|number| number.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::geometry::Rect;

    /// A page of blocks, a heading where `true`.
    fn page(blocks: &[(&str, bool)]) -> Page {
        let mut page = Page::failed(0, Fault::internal(""));
        for (at, (text, is_heading)) in blocks.iter().enumerate() {
            let label = match is_heading {
                true => Label::ParagraphTitle,
                false => Label::Text,
            };
            let y = at as f32 * 30.0;
            let mut block = Block::new(label, Rect::new(0.0, y, 500.0, y + 20.0), 0.9);
            block.content = text.to_string();
            block.style = BlockStyle {
                font_size: 20.0,
                line_count: 1,
                ..BlockStyle::default()
            };
            page.blocks.push(block);
        }
        page
    }

    fn headings(blocks: &[(&str, bool)], change: fn(&mut [Page])) -> Vec<String> {
        let mut pages = [page(blocks)];
        change(&mut pages);
        let blocks = pages[0].blocks.iter();
        let found = blocks.filter(|block| block.label == Label::ParagraphTitle);
        found.map(|block| block.content.clone()).collect()
    }

    #[test]
    fn a_chain_of_numbers_makes_headings() {
        let text = ("Words of a paragraph.", false);
        let blocks = [
            ("2 Tides", true),
            ("2.1 Ebb", false),
            text,
            ("2.2 flow of water", false),
            text,
            ("2.4 Alone", false),
            text,
            ("A.1 Tables", false),
            text,
            ("A.2 More tables", false),
        ];
        let expected = [
            "2 Tides",
            "2.1 Ebb",
            "2.2 flow of water",
            "A.1 Tables",
            "A.2 More tables",
        ];
        assert_eq!(headings(&blocks, promote), expected);
        let chapters = [
            ("1 Ebb", false),
            text,
            ("2 Flow", false),
            text,
            ("3 Gale", false),
            text,
        ];
        assert_eq!(headings(&chapters, promote).len(), 3);
    }

    #[test]
    fn lists_and_sentences_are_none() {
        let text = ("Words of a paragraph.", false);
        let items = [("1 Ebb", false), ("2 Flow", false), ("3 Gale", false), text];
        assert!(headings(&items, promote).is_empty(), "a list");
        let stops = [("1. Ebb", false), text, ("2. Flow", false), text];
        assert!(
            headings(&stops, promote).is_empty(),
            "items with paragraphs"
        );
        let clauses = [
            ("1.1 The tenant pays.", false),
            text,
            ("1.2 The owner, too.", false),
        ];
        assert!(headings(&clauses, promote).is_empty(), "clauses");
        let captions = [
            ("2.1. ábra. Ebb", false),
            text,
            ("2.2. ábra. Flow", false),
            text,
        ];
        assert!(headings(&captions, promote).is_empty(), "captions");
        let twice = [
            ("2 Tides", true),
            ("2.1 Ebb", true),
            text,
            ("2.1 Ebb", false),
            text,
        ];
        assert_eq!(
            headings(&twice, promote),
            ["2 Tides", "2.1 Ebb"],
            "a running header"
        );
        let values = [("2.5 Metres", false), text, ("7.3 Metres", false), text];
        assert!(headings(&values, promote).is_empty(), "values");
    }

    #[test]
    fn bold_items_are_no_chapters() {
        let blocks = [
            ("1 Ebb", true),
            ("1.1 Spring", true),
            ("1. Encoding", true),
            ("2. Header", true),
            ("1.2 Neap", true),
            ("2 Flow", true),
        ];
        assert_eq!(
            headings(&blocks, demote),
            ["1 Ebb", "1.1 Spring", "1.2 Neap", "2 Flow"]
        );
        let chapters = [
            ("1. Ebb", true),
            ("1.1 Spring", true),
            ("1.2 Neap", true),
            ("2. Flow", true),
        ];
        assert_eq!(headings(&chapters, demote).len(), 4);
    }
}
