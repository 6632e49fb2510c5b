//! Lines such as `Chapter 1` and `PART TWO` above a title: headings of the title's depth.

use super::thresholds::chapters::*;
use crate::document::{Block, Label, Page};
use crate::layout::geometric::headings::NUMBER_WORDS;

/// Labels the lines above titles that number a chapter as headings. Labels of headings are known but for these.
pub(super) fn find(pages: &mut [Page]) {
    for page in pages {
        for at in 0..page.blocks.len() {
            if opens_chapter(&page.blocks, at) {
                page.blocks[at].label = Label::ParagraphTitle;
            }
        }
    }
}

/// Gives these lines the depth of the titles below them; depths of headings are known.
pub(super) fn level(pages: &mut [Page]) {
    for page in pages {
        for at in (0..page.blocks.len()).rev() {
            if opens_chapter(&page.blocks, at) {
                page.blocks[at].title_level = page.blocks[at + 1].title_level;
            }
        }
    }
}

/// `true` if a block numbers a chapter and the next one is its title, right below.
fn opens_chapter(blocks: &[Block], at: usize) -> bool {
    let (block, Some(title)) = (&blocks[at], blocks.get(at + 1)) else {
        return false;
    };
    let size = title.style.font_size;
    let gap = title.bbox.y1 - block.bbox.y2;
    matches!(block.label, Label::Text | Label::ParagraphTitle)
        && matches!(title.label, Label::ParagraphTitle | Label::DocTitle)
        && block.style.line_count == 1
        && block.style.font_size <= size
        && block.hidden.is_none()
        && gap < TITLE_GAP * size
        && gap > -size
        && numbers_chapter(&block.content)
}

/// `true` for the word for a part of a book with its number, and nothing else.
fn numbers_chapter(text: &str) -> bool {
    const NUMBERS: &[&str] = &[
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    let text = text.trim().trim_end_matches(['.', ':']).to_lowercase();
    let Some((word, number)) = text.split_once(char::is_whitespace) else {
        return false;
    };
    let number = number.trim();
    let is_number = !number.is_empty()
        && number.len() <= NUMBER_CHARS
        && (number.chars().all(|c| c.is_ascii_digit())
            || number.chars().all(|c| "ivxlc".contains(c))
            || number.len() == 1 && number.chars().all(|c| c.is_ascii_lowercase()));
    let is_word = number.split(['-', ' ']).all(|part| NUMBERS.contains(&part));
    NUMBER_WORDS.contains(&word) && (is_number || is_word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::geometry::Rect;

    fn block(label: Label, y: f32, size: f32, content: &str) -> Block {
        let mut block = Block::new(label, Rect::new(100.0, y, 500.0, y + size), 0.9);
        block.content = content.into();
        block.style.font_size = size;
        block.style.line_count = 1;
        block
    }

    /// Label and level of the first of two blocks, the second of which is a heading of level 2 at `y`.
    fn first(content: &str, y: f32) -> (Label, Option<i32>) {
        let mut title = block(Label::ParagraphTitle, y, 30.0, "The kiln");
        title.title_level = Some(2);
        let mut pages = [Page {
            blocks: vec![block(Label::Text, 100.0, 20.0, content), title],
            ..Page::failed(0, Fault::internal(""))
        }];
        find(&mut pages);
        level(&mut pages);
        (pages[0].blocks[0].label, pages[0].blocks[0].title_level)
    }

    #[test]
    fn numbers_of_chapters_are_headings_above_their_titles() {
        for text in [
            "Chapter 1",
            "CHAPTER ONE",
            "Part II.",
            "Appendix B",
            "Chapter Twenty-two",
        ] {
            assert_eq!(
                first(text, 150.0),
                (Label::ParagraphTitle, Some(2)),
                "{text}"
            );
        }
        for text in [
            "Chapter 1 tells of kilns",
            "Chapter",
            "Part of it",
            "Tides 1",
        ] {
            assert_eq!(first(text, 150.0), (Label::Text, None), "{text}");
        }
        assert_eq!(first("Chapter 1", 600.0).0, Label::Text);
    }
}
