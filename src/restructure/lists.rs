//! Lists: which numbered paragraphs are items, and how deep items are nested.
//!
//! Layout makes a block of every item. A paragraph that begins with a number is an item if the one before or after it
//! has the number that goes with it; bullets and check boxes need no company.

use super::joins::{is_beside_text, name_page};
use super::thresholds::lists::*;
use crate::document::inline::Inline;
use crate::document::{Block, Body, Label, ListItem, Page, Paragraph};
use std::collections::BTreeMap;

/// How an item is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Bullet,
    Digits,
    Letters { upper: bool },
    Roman { upper: bool },
}

/// The mark at the start of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    style: Style,
    /// Position in its list, from 1; 0 for bullets.
    number: usize,
    /// What stands around the number: `(`, `)`, `.`.
    around: (Option<char>, char),
    /// Bytes of the mark as it stands.
    length: usize,
}

/// Turns paragraphs that are items into lists, and puts nested items below those that they belong to.
pub(super) fn fill(pages: &mut [Page]) {
    let mut numbered = numbered(pages);
    numbered.extend(dashed(pages));
    let mut stack: Vec<Level> = Vec::new();
    let mut last: Option<(usize, f32)> = None;
    // The block of the last item that is in no other.
    let mut root = (0, 0);
    for at in 0..pages.len() {
        for index in 0..pages[at].blocks.len() {
            let block = &mut pages[at].blocks[index];
            if matches!(block.body, Body::Joined { .. } | Body::Empty)
                || is_beside(block.label)
                || block.hidden.is_some()
            {
                continue;
            }
            let mark = numbered
                .get(&(at, index))
                .cloned()
                .or_else(|| bullet(block));
            let Some(mark) = mark else {
                stack.clear();
                last = None;
                continue;
            };
            let jumps = last.is_some_and(|(page, y)| page != at || block.bbox.y1 < y);
            let depth = depth(&mut stack, &mark, block, jumps);
            last = Some((at, block.bbox.y1));
            into_item(block, &mark);
            match depth {
                0 => root = (at, index),
                _ => nest(pages, root, (at, index), depth),
            }
        }
    }
}

/// Makes every block whose text is part of another one name the block that has it at last.
pub(super) fn settle(pages: &mut [Page]) {
    let at_of: BTreeMap<usize, usize> = pages
        .iter()
        .enumerate()
        .map(|(at, page)| (page.page_index, at))
        .collect();
    for at in 0..pages.len() {
        for index in 0..pages[at].blocks.len() {
            let Body::Joined { page, block } = pages[at].blocks[index].body else {
                continue;
            };
            // Blocks that it may name come before it and are settled.
            let target = at_of
                .get(&page)
                .and_then(|at| pages[*at].blocks.get(block))
                .map(|block| &block.body);
            if let Some(Body::Joined { page, block }) = target {
                let (page, block) = (*page, *block);
                pages[at].blocks[index].body = Body::Joined { page, block };
            }
        }
    }
}

/// Moves the items of a block below the last one of `root` that is one level higher.
fn nest(pages: &mut [Page], root: (usize, usize), from: (usize, usize), depth: usize) {
    let place = Body::Joined {
        page: pages[root.0].page_index,
        block: root.1,
    };
    let mut body = std::mem::replace(&mut pages[from.0].blocks[from.1].body, place);
    if root.0 != from.0 {
        // The footnotes of a page are its own.
        let paragraphs = body.paragraphs_mut();
        let of = pages[from.0].page_index;
        let inlines = paragraphs.into_iter().flatten();
        inlines.for_each(|inline| name_page(inline, of));
    }
    let Body::List { items: nested } = body else {
        pages[from.0].blocks[from.1].body = body;
        return;
    };
    if let Body::List { items } = &mut pages[root.0].blocks[root.1].body {
        let mut level = items;
        for _ in 0..depth {
            let Some(at) = level.len().checked_sub(1) else {
                break;
            };
            level = &mut level[at].items;
        }
        level.extend(nested);
    }
}

/// A level of the list at hand.
struct Level {
    /// Left edge of its items in pixels.
    left: f32,
    style: Style,
    number: usize,
}

/// Depth of an item, from 0; `jumps` tells that it stands in another column or on another page than the one before.
fn depth(stack: &mut Vec<Level>, mark: &Mark, block: &Block, jumps: bool) -> usize {
    let left = block.bbox.x1;
    let em = block.style.font_size.max(1.0);
    if jumps {
        // On the next page an item has the left edge of its level. Left edges of two columns have nothing in common: there
        // the level is that of the number before, or of the last item marked alike.
        let is_below = |level: &Level| (left - level.left).abs() <= SAME_LEFT * em;
        let goes_on = |level: &Level| {
            level.style == mark.style && (mark.number == 0 || level.number + 1 == mark.number)
        };
        if !stack.iter().any(is_below) {
            let same = stack.iter().rposition(goes_on).unwrap_or(0);
            stack.truncate(same + 1);
            let shift = stack.last().map_or(0.0, |level| left - level.left);
            stack.iter_mut().for_each(|level| level.left += shift);
        }
    }
    while stack.len() > 1
        && stack
            .last()
            .is_some_and(|level| left < level.left - SAME_LEFT * em)
    {
        stack.pop();
    }
    let is_full = stack.len() >= MAX_DEPTH;
    match stack.last_mut() {
        Some(level) if left <= level.left + SAME_LEFT * em => {
            level.left = left;
            (level.style, level.number) = (mark.style, mark.number);
        }
        _ if is_full => {}
        _ => stack.push(Level {
            left,
            style: mark.style,
            number: mark.number,
        }),
    }
    stack.len() - 1
}

/// What stands between the items of a list without ending it: as between the parts of a paragraph, but no table or seal.
fn is_beside(label: Label) -> bool {
    is_beside_text(label) && !matches!(label, Label::Table | Label::Seal)
}

/// The numbered paragraphs that are items, by page and block.
fn numbered(pages: &[Page]) -> BTreeMap<(usize, usize), Mark> {
    let mut items = BTreeMap::new();
    // The numbers seen since the last heading, the latest last.
    let mut open: Vec<((usize, usize), Mark)> = Vec::new();
    for (at, page) in pages.iter().enumerate() {
        for (index, block) in page.blocks.iter().enumerate() {
            match block.label {
                Label::ParagraphTitle | Label::DocTitle => open.clear(),
                Label::Text => {}
                _ => continue,
            }
            let Body::Text { paragraphs } = &block.body else {
                continue;
            };
            let [paragraph] = &paragraphs[..] else {
                continue;
            };
            let here = (at, index);
            for mark in marks(paragraph) {
                let before = open.iter().rposition(|(_, known)| {
                    (known.style, known.around) == (mark.style, mark.around)
                        && known.number + 1 == mark.number
                });
                if let Some(before) = before {
                    let (place, known) = open[before].clone();
                    items.entry(place).or_insert(known);
                    items.entry(here).or_insert_with(|| mark.clone());
                    // Lists within that one have ended.
                    open.truncate(before);
                }
                open.push((here, mark));
                if open.len() > MAX_OPEN {
                    open.remove(0);
                }
            }
        }
    }
    items
}

/// The paragraphs that begin with a dash and are items: two or more in a row with one left edge. A single one is speech, or a
/// sentence that goes on; long dashes mark speech.
fn dashed(pages: &[Page]) -> BTreeMap<(usize, usize), Mark> {
    let mut items = BTreeMap::new();
    for (at, page) in pages.iter().enumerate() {
        let mut last: Option<(usize, Mark)> = None;
        for (index, block) in page.blocks.iter().enumerate() {
            let Some(mark) = dash(block) else {
                last = last.filter(|_| is_beside(block.label));
                continue;
            };
            if let Some((before, known)) = last.take() {
                let em = block.style.font_size.max(1.0);
                let left = page.blocks[before].bbox.x1;
                if (left - block.bbox.x1).abs() <= SAME_LEFT * em {
                    items.insert((at, before), known);
                    items.insert((at, index), mark.clone());
                }
            }
            last = Some((index, mark));
        }
    }
    items
}

/// The dash that a block begins with.
fn dash(block: &Block) -> Option<Mark> {
    let Body::Text { paragraphs } = &block.body else {
        return None;
    };
    let (Label::Text, Inline::Text(run)) = (block.label, paragraphs.first()?.first()?) else {
        return None;
    };
    let dash = run.text.chars().next().filter(|c| DASHES.contains(c))?;
    let rest = &run.text[dash.len_utf8()..];
    let is_set_off = rest.starts_with(char::is_whitespace) || rest.is_empty();
    is_set_off.then(|| Mark {
        style: Style::Bullet,
        number: 0,
        around: (None, ' '),
        length: dash.len_utf8(),
    })
}

/// The numbers that a paragraph may begin with: "i." is a letter and a Roman number.
fn marks(paragraph: &Paragraph) -> Vec<Mark> {
    let Some(Inline::Text(run)) = paragraph.first() else {
        return Vec::new();
    };
    if run.script.is_some() {
        return Vec::new();
    }
    let text = run.text.as_str();
    let before = text.chars().next().filter(|c| *c == '(');
    let inner = &text[before.map_or(0, char::len_utf8)..];
    let core: String = inner
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .take(MAX_MARK + 1)
        .collect();
    let rest = &inner[core.len()..];
    let Some(after) = rest.chars().next().filter(|c| matches!(c, '.' | ')')) else {
        return Vec::new();
    };
    // What follows in another style is another run.
    let next = paragraph.get(1).map(|next| match next {
        Inline::Text(next) => next.text.starts_with(char::is_whitespace),
        _ => false,
    });
    let is_set_off = match rest[1..].trim().is_empty() {
        true => next.is_some_and(|is_apart| is_apart || rest.len() > 1),
        false => rest[1..].starts_with(char::is_whitespace),
    };
    if core.is_empty() || core.len() > MAX_MARK || !is_set_off {
        return Vec::new();
    }
    let upper = core.chars().all(|c| c.is_ascii_uppercase());
    let is_cased = upper || core.chars().all(|c| c.is_ascii_lowercase());
    let mut found = Vec::new();
    let mut add = |style, number: usize| {
        let length = text.len() - rest.len() + 1;
        found.push(Mark {
            style,
            number,
            around: (before, after),
            length,
        });
    };
    if let Ok(number) = core.parse::<usize>() {
        add(Style::Digits, number);
    } else if is_cased {
        if let Some(number) = roman(&core.to_ascii_lowercase()) {
            add(Style::Roman { upper }, number);
        }
        if let [letter] = core.to_ascii_lowercase().as_bytes() {
            add(Style::Letters { upper }, usize::from(letter - b'a') + 1);
        }
    }
    found
}

/// The value of a Roman number in small letters, up to 39.
fn roman(text: &str) -> Option<usize> {
    const ONES: [&str; 10] = ["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"];
    let tens = text.chars().take_while(|c| *c == 'x').count();
    let ones = ONES.iter().position(|ones| *ones == &text[tens..])?;
    (tens <= 3 && tens * 10 + ones > 0).then_some(tens * 10 + ones)
}

/// The bullet or check box that a block begins with.
fn bullet(block: &Block) -> Option<Mark> {
    let length = match &block.body {
        Body::List { .. } => 0,
        Body::Text { paragraphs } if block.label == Label::Text => {
            match paragraphs.first()?.first()? {
                Inline::Text(run) => run
                    .text
                    .chars()
                    .next()
                    .filter(|c| BOXES.contains(c))?
                    .len_utf8(),
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Mark {
        style: Style::Bullet,
        number: 0,
        around: (None, ' '),
        length,
    })
}

/// Dashes that are bullets; longer ones are not.
const DASHES: [char; 3] = ['-', '\u{2013}', '\u{2212}'];

/// Check boxes: empty, ticked, crossed.
const BOXES: [char; 3] = ['\u{2610}', '\u{2611}', '\u{2612}'];

/// Makes the body of a block an item, without its mark in the text.
fn into_item(block: &mut Block, mark: &Mark) {
    match std::mem::take(&mut block.body) {
        Body::List { mut items } => {
            // A check box may stand behind a bullet.
            for item in items.iter_mut().filter(|item| item.marker.is_none()) {
                let first = item.paragraphs.first_mut();
                item.marker = first.and_then(|paragraph| take(paragraph, None));
            }
            block.body = Body::List { items };
        }
        Body::Text { mut paragraphs } => {
            let marker = paragraphs
                .first_mut()
                .and_then(|first| take(first, Some(mark.length)));
            // A dash is a bullet like any other.
            let marker = marker.filter(|marker| !marker.starts_with(DASHES));
            let item = ListItem {
                marker,
                paragraphs,
                items: Vec::new(),
            };
            let items = vec![item];
            block.body = Body::List { items };
        }
        other => block.body = other,
    }
}

/// Removes the first bytes of a paragraph and the space after them; without a length, a check box if it begins with one.
fn take(paragraph: &mut Paragraph, length: Option<usize>) -> Option<String> {
    let Some(Inline::Text(run)) = paragraph.first_mut() else {
        return None;
    };
    let start = run.text.chars().next()?;
    let length = length.or(BOXES.contains(&start).then_some(start.len_utf8()))?;
    let rest = run.text[length..].trim_start().to_string();
    let mark = run.text[..length].to_string();
    run.text = rest;
    if run.text.is_empty() && paragraph.len() > 1 {
        paragraph.remove(0);
        if let Some(Inline::Text(next)) = paragraph.first_mut() {
            next.text = next.text.trim_start().to_string();
        }
    }
    Some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Markup;
    use crate::fault::Fault;
    use crate::geometry::Rect;
    use crate::restructure::body;

    /// Depths and markers of the items, in order, of texts at left edges; `None` for a text that is no item.
    fn items(texts: &[(f32, &str)]) -> Vec<Option<(usize, Option<String>)>> {
        let mut page = Page::failed(0, Fault::internal(""));
        for (i, (left, text)) in texts.iter().enumerate() {
            let y = 40.0 * i as f32;
            let mut block = Block::new(Label::Text, Rect::new(*left, y, 500.0, y + 30.0), 0.9);
            block.content = text.to_string();
            block.style.font_size = 20.0;
            block.markup = Markup {
                list_item: text.starts_with("- "),
                ..Markup::default()
            };
            page.blocks.push(block);
        }
        let mut pages = [page];
        body::fill(&mut pages);
        fill(&mut pages);
        let mut found = Vec::new();
        for block in &pages[0].blocks {
            match &block.body {
                Body::List { items } => collect(items, 0, &mut found),
                Body::Joined { .. } => {}
                _ => found.push(None),
            }
        }
        found
    }

    fn collect(items: &[ListItem], depth: usize, found: &mut Vec<Option<(usize, Option<String>)>>) {
        for item in items {
            found.push(Some((depth, item.marker.clone())));
            collect(&item.items, depth + 1, found);
        }
    }

    #[test]
    fn numbers_in_a_row_are_a_list() {
        let found = items(&[(0.0, "1. one"), (0.0, "2. two"), (0.0, "3. three")]);
        let marker = |text: &str| Some((0, Some(text.to_string())));
        assert_eq!(found, [marker("1."), marker("2."), marker("3.")]);
        assert_eq!(
            items(&[(0.0, "1. one"), (0.0, "a text"), (0.0, "7. seven")]),
            [None, None, None]
        );
        assert_eq!(
            items(&[(0.0, "12.5 percent"), (0.0, "13.5 percent")]),
            [None, None]
        );
    }

    #[test]
    fn dashes_in_a_row_are_a_list() {
        let item = || Some((0, None));
        let dashes = [
            (0.0, "\u{2013} one"),
            (0.0, "\u{2013} two"),
            (0.0, "a text"),
        ];
        assert_eq!(items(&dashes), [item(), item(), None]);
        assert_eq!(
            items(&[(0.0, "\u{2013} one"), (0.0, "a text")]),
            [None, None]
        );
        let speech = [(0.0, "\u{2014} Bonjour."), (0.0, "\u{2014} Bonsoir.")];
        assert_eq!(items(&speech), [None, None]);
    }

    #[test]
    fn lists_nest_by_their_indents() {
        let found = items(&[
            (0.0, "1. one"),
            (30.0, "a) first"),
            (30.0, "b) second"),
            (60.0, "- below it"),
            (0.0, "2. two"),
            (30.0, "(i) one"),
            (30.0, "(ii) two"),
        ]);
        let depths: Vec<_> = found
            .into_iter()
            .map(|item| item.map(|(depth, _)| depth))
            .collect();
        assert_eq!(depths, [0, 1, 1, 2, 0, 1, 1].map(Some));
    }

    #[test]
    fn lists_go_on_over_pages() {
        let page = |index: usize, texts: &[(f32, &str)]| {
            let mut page = Page::failed(index, Fault::internal(""));
            for (i, (left, text)) in texts.iter().enumerate() {
                let y = 40.0 * i as f32;
                let mut block = Block::new(Label::Text, Rect::new(*left, y, 500.0, y + 30.0), 0.9);
                block.content = text.to_string();
                block.style.font_size = 20.0;
                block.markup.list_item = true;
                page.blocks.push(block);
            }
            page
        };
        let mut pages = [
            page(0, &[(0.0, "- first"), (30.0, "- nested")]),
            page(
                1,
                &[(0.0, "- second"), (30.0, "- nested"), (0.0, "- third")],
            ),
        ];
        body::fill(&mut pages);
        fill(&mut pages);
        let mut found = Vec::new();
        for block in pages.iter().flat_map(|page| &page.blocks) {
            if let Body::List { items } = &block.body {
                collect(items, 0, &mut found);
            }
        }
        let depths: Vec<usize> = found
            .into_iter()
            .flatten()
            .map(|(depth, _)| depth)
            .collect();
        assert_eq!(depths, [0, 1, 0, 1, 0]);
    }

    #[test]
    fn check_boxes_are_markers() {
        let found = items(&[(0.0, "\u{2611} done"), (0.0, "- \u{2610} to do")]);
        let marker = |text: &str| Some((0, Some(text.to_string())));
        assert_eq!(found, [marker("\u{2611}"), marker("\u{2610}")]);
    }
}
