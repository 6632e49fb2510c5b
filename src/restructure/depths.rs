//! Levels of headings in a document whose regions were found in the text: what the bookmarks and tags say, then the
//! numbers of the headings, then their looks among those of the others.

use super::thresholds::levels;
use crate::document::{Block, Label, Page};
use crate::layout::geometric::headings;
use std::collections::{BTreeMap, BTreeSet};

/// Headings get at most this level.
const MAX_LEVEL: i32 = 5;

/// Appearance of a heading, for ranking levels: larger first, then capitals, then bold.
pub(super) fn rank(block: &Block) -> (f32, bool, bool) {
    (
        block.style.font_size,
        block.style.capitals,
        block.style.bold,
    )
}

/// `true` if two headings look alike.
pub(super) fn same_look(a: &(f32, bool, bool), b: &(f32, bool, bool)) -> bool {
    (a.0 - b.0).abs() <= levels::SAME_SIZE * a.0.max(b.0) && a.1 == b.1 && a.2 == b.2
}

fn headings_of(pages: &[Page]) -> impl Iterator<Item = &Block> {
    let blocks = pages.iter().flat_map(|page| &page.blocks);
    blocks.filter(|block| block.label == Label::ParagraphTitle)
}

/// Sets the level of every heading: from its bookmark or tag, else its number, else its appearance among the others.
pub(super) fn set(pages: &mut [Page]) {
    let numbers = Numbers::of(pages);
    let sure = |block: &Block| {
        let given = block.style.tagged_level.map(i32::from);
        given.or_else(|| numbers.level(&block.content))
    };
    let mut looks: Vec<(f32, bool, bool)> = Vec::new();
    for block in headings_of(pages) {
        let look = rank(block);
        if !looks.iter().any(|l| same_look(l, &look)) {
            looks.push(look);
        }
    }
    looks.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(b.2.cmp(&a.2)));
    // Appearances of which no heading has a sure level are ranked among those of which one has.
    let look_of = |block: &Block| looks.iter().position(|l| same_look(l, &rank(block)));
    let mut known: Vec<Option<i32>> = vec![None; looks.len()];
    for block in headings_of(pages) {
        if let (Some(level), Some(at)) = (sure(block), look_of(block)) {
            known[at] = Some(known[at].map_or(level, |other| other.min(level)));
        }
    }
    let of_looks: Vec<i32> = (0..looks.len())
        .map(|at| {
            known[at].unwrap_or_else(|| match known[..at].iter().rev().flatten().next() {
                Some(level) => level + 1,
                None => at as i32 + 1,
            })
        })
        .collect();
    let has_sure = known.iter().any(Option::is_some);
    let level_of = |block: &Block| {
        let look = look_of(block).unwrap_or(0);
        // `Abstract`, `References` and the like are beside the chapters, whatever they look like.
        let is_beside = has_sure && known[look].is_none() && headings::is_special(&block.content);
        let otherwise = match is_beside {
            true => 1 + numbers.offset,
            false => of_looks[look],
        };
        sure(block).unwrap_or(otherwise).max(1)
    };
    let used: BTreeSet<i32> = headings_of(pages).map(level_of).collect();
    let first = match headings_of(pages).any(|block| block.style.tagged_level.is_some()) {
        true => 1,
        false => used.first().copied().unwrap_or(1),
    };
    // Levels without a heading are left out: the first of a tagged document is often its title.
    let levels: BTreeMap<i32, i32> = used.into_iter().zip(first..).collect();
    let found: Vec<i32> = headings_of(pages)
        .map(|block| levels[&level_of(block)])
        .collect();
    let blocks = pages.iter_mut().flat_map(|page| &mut page.blocks);
    let headings = blocks.filter(|block| block.label == Label::ParagraphTitle);
    for (block, level) in headings.zip(found) {
        block.title_level = Some(level.clamp(1, MAX_LEVEL));
    }
}

/// How the headings of a document are numbered.
struct Numbers {
    /// Letters number what is below Roman numbers: `II. Bells`, `A. Gongs`.
    letters_are_below: bool,
    /// What bookmarks and tags add to the levels that numbers give, as most headings that have both say: 1 where chapters
    /// are below parts.
    offset: i32,
}

impl Numbers {
    fn of(pages: &[Page]) -> Numbers {
        let numbers = headings_of(pages)
            .filter(|block| headings::is_numbered(&block.content))
            .filter_map(|block| heading_number(&block.content));
        // One letter may be either.
        let is_roman = |number: &str| number.len() > 1 && number.chars().all(|c| "IVX".contains(c));
        let mut found = Numbers {
            letters_are_below: numbers.into_iter().any(is_roman),
            offset: 0,
        };
        let mut offsets: BTreeMap<i32, usize> = BTreeMap::new();
        for block in headings_of(pages) {
            if let (Some(given), Some(level)) =
                (block.style.tagged_level, found.level(&block.content))
            {
                *offsets.entry(i32::from(given) - level).or_default() += 1;
            }
        }
        let most = offsets.into_iter().max_by_key(|(_, count)| *count);
        found.offset = most.map_or(0, |(offset, _)| offset);
        found
    }

    /// Level given by a heading's number: `2` is 1, `2.1` is 2.
    fn level(&self, text: &str) -> Option<i32> {
        let number = heading_number(text)?;
        // A number of several parts is one whatever follows: `2.10 .FUNC`, `2.2.1 babel`.
        let parts = number.split('.');
        let is_dotted = parts.clone().count() > 1
            && parts
                .clone()
                .all(|part| !part.is_empty() && part.len() <= 3)
            && parts
                .skip(1)
                .all(|part| part.bytes().all(|b| b.is_ascii_digit()))
            && number.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !headings::is_numbered(text) && !is_dotted {
            return None;
        }
        let is_letter = number.len() == 1
            && number
                .chars()
                .all(|c| c.is_ascii_uppercase() && !"IVX".contains(c));
        // `A. N. Author, Institute` has initials.
        let next = text.split_whitespace().nth(1).unwrap_or_default();
        if number.len() == 1 && !number.starts_with(|c: char| c.is_ascii_digit()) {
            let is_initial = next.ends_with('.') && next.chars().count() == 2;
            if is_initial || text.contains(',') {
                return None;
            }
        }
        let below = i32::from(self.letters_are_below && is_letter);
        Some(number.split('.').count() as i32 + below + self.offset)
    }
}

fn heading_number(text: &str) -> Option<&str> {
    Some(text.split_whitespace().next()?.trim_end_matches(['.', ')']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::BlockStyle;
    use crate::fault::Fault;
    use crate::geometry::Rect;

    /// Levels that headings of a text, a font size and a level of a tag get.
    fn levels_of(headings: &[(&str, f32, Option<u8>)]) -> Vec<i32> {
        let mut page = Page::failed(0, Fault::internal(""));
        for (at, (text, size, tag)) in headings.iter().enumerate() {
            let y = at as f32 * 50.0;
            let bbox = Rect::new(100.0, y, 900.0, y + size);
            let mut block = Block::new(Label::ParagraphTitle, bbox, 0.9);
            block.content = text.to_string();
            block.style = BlockStyle {
                font_size: *size,
                line_count: 1,
                tagged_level: *tag,
                ..Default::default()
            };
            page.blocks.push(block);
        }
        let mut pages = [page];
        set(&mut pages);
        let blocks = pages[0].blocks.iter();
        blocks.map(|block| block.title_level.unwrap_or(0)).collect()
    }

    #[test]
    fn levels_without_a_heading_are_left_out() {
        // The title had level 1 of the tags; numbers begin where they begin.
        let tagged = [
            ("Ebb", 30.0, Some(2)),
            ("Flow", 20.0, Some(4)),
            ("Gale", 30.0, Some(2)),
        ];
        assert_eq!(levels_of(&tagged), [1, 2, 1]);
        assert_eq!(
            levels_of(&[("2.1 Ebb", 30.0, None), ("2.1.1.1 Flow", 20.0, None)]),
            [2, 3]
        );
    }

    #[test]
    fn numbers_are_below_the_parts_that_bookmarks_name() {
        let found = levels_of(&[
            ("Part One", 40.0, Some(1)),
            ("1 Ebb", 30.0, Some(2)),
            ("1.1 Moon", 20.0, None),
            ("2 Flow", 30.0, Some(2)),
            ("Part Two", 40.0, Some(1)),
            ("Plain", 15.0, None),
        ]);
        assert_eq!(found, [1, 2, 3, 2, 1, 4]);
    }

    #[test]
    fn numbers_of_several_parts_count_whatever_follows() {
        let found = levels_of(&[
            ("2 Commands", 30.0, None),
            ("2.9 Print", 20.0, None),
            ("2.10 .func", 18.0, None),
            ("2.10.1 babel", 20.0, None),
        ]);
        assert_eq!(found, [1, 2, 2, 3]);
    }

    #[test]
    fn looks_rank_what_has_no_number() {
        let plain = [
            ("Ebb", 30.0, None),
            ("Moon", 20.0, None),
            ("Flow", 30.5, None),
        ];
        assert_eq!(levels_of(&plain), [1, 2, 1]);
    }
}
