//! Running headers, footers and page numbers: what repeats in the margins of pages, or stands where others do.

use super::thresholds::running;
use crate::document::{Block, Label, Page};
use crate::geometry::Rect;
use crate::layout::geometric::labels;
use std::collections::{BTreeMap, BTreeSet};

/// A block's text with all digits made equal, so that `Page 3` and `Page 4` match.
fn shape_of(text: &str) -> String {
    let mut out = String::new();
    for c in text.trim().chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if !(c == '#' && out.ends_with('#')) {
            out.extend(c.to_lowercase());
        }
    }
    out
}

/// Labels repeated blocks at the top and bottom of pages as headers and footers, and page numbers as such.
pub(super) fn find(pages: &mut [Page], body: f32) {
    let mut seen: BTreeMap<(bool, String), Vec<(usize, f32)>> = BTreeMap::new();
    for (index, page) in pages.iter().enumerate() {
        for (at, top) in margin_blocks(page) {
            let block = &page.blocks[at];
            let place = block.bbox.center_y() / page.height.max(1) as f32;
            seen.entry((top, shape_of(&block.content)))
                .or_default()
                .push((index, place));
        }
    }
    let mut times: BTreeMap<(bool, i32, String), usize> = BTreeMap::new();
    for ((top, shape), all) in &seen {
        for (_, place) in all {
            let (top, place) = place_of(*top, *place);
            *times.entry((top, place, shape.clone())).or_default() += 1;
        }
    }
    let places = margin_places(pages);
    let titles = titles(pages);
    let several = pages.len() > 1;
    for (index, page) in pages.iter_mut().enumerate() {
        let numbers: Vec<Rect> = page
            .blocks
            .iter()
            .filter(|block| block.label == Label::Number)
            .map(|block| block.bbox)
            .collect();
        for (at, top) in margin_blocks(page) {
            let height = page.height.max(1) as f32;
            let block = &mut page.blocks[at];
            let place = block.bbox.center_y() / height;
            // One match suffices: counting all would take quadratic time in the number of pages.
            let key = (top, shape_of(&block.content));
            let is_elsewhere = seen.get(&key).is_some_and(|all| {
                all.iter()
                    .any(|(i, p)| *i != index && (p - place).abs() < running::SAME_PLACE)
            });
            let repeats = several && is_elsewhere && !block.content.trim().is_empty();
            if !is_in_margin(&block.bbox, top, height) {
                // Wide margins are those of pages smaller than their paper: only what many pages have runs there.
                let shape = key.1;
                let (top, at) = place_of(top, place);
                let count: usize = (at - 1..=at + 1)
                    .filter_map(|at| times.get(&(top, at, shape.clone())))
                    .sum();
                let is_long = shape.chars().count() >= running::SURE_CHARS;
                if is_long && count >= running::SURE_PAGES && block.style.font_size <= body {
                    block.label = if top { Label::Header } else { Label::Footer };
                }
                continue;
            }
            if matches!(block.label, Label::Header | Label::Footer) && !repeats {
                // What a page alone takes for a header is content unless other pages have something there, or a page
                // number stands beside it.
                let is_beside = |number: &Rect| number.overlap_y(&block.bbox) > 0.0;
                let has_place = places
                    .get(&place_of(top, place))
                    .is_some_and(|n| *n >= running::LEAST_PLACES);
                let is_numbered = numbers.iter().any(is_beside)
                    && (several || block.style.font_size < running::SURE_SIZE * body);
                let is_sure = !several
                    && block.style.font_size < running::SURE_SIZE * body
                    && is_outer(&block.bbox, height);
                if !has_place
                    && !is_numbered
                    && !is_sure
                    && !repeats_title(&block.content, index, &titles)
                {
                    block.label = Label::Text;
                }
                continue;
            }
            let number = labels::is_page_number(&block.content)
                && (repeats || labels::in_margin(&block.bbox, height));
            let small = block.style.font_size <= running::MAX_SIZE * body;
            if number && small {
                block.label = Label::Number;
            } else if (repeats
                || is_outer(&block.bbox, height) && tells_page(&block.content, index))
                && small
            {
                block.label = if top { Label::Header } else { Label::Footer };
            }
        }
    }
}

/// Headings of the document in small letters, with their pages.
fn titles(pages: &[Page]) -> Vec<(usize, String)> {
    let mut titles = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        let headings = page
            .blocks
            .iter()
            .filter(|b| b.label == Label::ParagraphTitle);
        let texts = headings.map(|b| b.content.trim().to_lowercase());
        let long = texts.filter(|text| text.chars().count() >= running::TITLE_CHARS);
        titles.extend(long.map(|text| (index, text)));
        if titles.len() > running::MAX_TITLES {
            break;
        }
    }
    titles
}

/// `true` if a text holds a heading of an earlier page: the title of the document, or of a chapter.
fn repeats_title(text: &str, index: usize, titles: &[(usize, String)]) -> bool {
    let text = text.to_lowercase();
    titles
        .iter()
        .any(|(page, title)| *page < index && text.contains(title.as_str()))
}

/// `true` if a box lies at the very top or bottom of a page.
fn is_outer(bbox: &Rect, height: f32) -> bool {
    bbox.y2 < running::OUTER * height || bbox.y1 > (1.0 - running::OUTER) * height
}

/// `true` if a text ends with the number of its page, set off from other words: `Minutes, page 1 of 2`, `The mill | 3`.
fn tells_page(text: &str, index: usize) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = (index + 1).to_string();
    match words[..] {
        [.., word, page, "of" | "von" | "de" | "/", last] => {
            page == number
                && last.parse::<usize>().is_ok_and(|last| last > index)
                && names_page(word)
        }
        [.., word, last] => {
            last == number
                && (names_page(word)
                    || word.ends_with([',', '|', '\u{b7}', '\u{2013}', '\u{2014}', '-']))
        }
        _ => false,
    }
}

/// `true` for the word for a page in the languages of most documents.
fn names_page(word: &str) -> bool {
    let word = word.trim_start_matches(['(', ',']).to_lowercase();
    matches!(
        word.as_str(),
        "page"
            | "p."
            | "pg."
            | "seite"
            | "s."
            | "p\u{e1}gina"
            | "pagina"
            | "strona"
            | "sida"
            | "side"
    )
}

/// A place in the margins of a page, coarse enough for the rounding of positions.
fn place_of(top: bool, place: f32) -> (bool, i32) {
    (top, (place / running::SAME_PLACE).round() as i32)
}

/// Number of pages that have a header, footer or page number at a place.
fn margin_places(pages: &[Page]) -> BTreeMap<(bool, i32), usize> {
    let mut places: BTreeMap<(bool, i32), usize> = BTreeMap::new();
    for page in pages {
        let runs = |at: &usize| {
            matches!(
                page.blocks[*at].label,
                Label::Header | Label::Footer | Label::Number
            )
        };
        let height = page.height.max(1) as f32;
        let of_page: BTreeSet<(bool, i32)> = margin_blocks(page)
            .into_iter()
            .filter(|(at, _)| runs(at))
            .map(|(at, top)| place_of(top, page.blocks[at].bbox.center_y() / height))
            .collect();
        for place in of_page {
            *places.entry(place).or_default() += 1;
        }
    }
    places
}

/// `true` if a box lies in the share of the page that usually is its margin.
fn is_in_margin(bbox: &Rect, top: bool, height: f32) -> bool {
    match top {
        true => bbox.y2 < running::MARGIN_SHARE * height,
        false => bbox.y1 > (1.0 - running::MARGIN_SHARE) * height,
    }
}

/// Indices of the blocks in the margins of a page, wide ones included, `true` for those at the top.
fn margin_blocks(page: &Page) -> Vec<(usize, bool)> {
    let height = page.height.max(1) as f32;
    let text = |b: &Block| {
        matches!(
            b.label,
            Label::Text
                | Label::ParagraphTitle
                | Label::Header
                | Label::Footer
                | Label::Number
                | Label::Footnote
        ) && b.style.line_count <= running::MAX_LINES
    };
    let mut order: Vec<usize> = (0..page.blocks.len())
        .filter(|&i| text(&page.blocks[i]))
        .collect();
    order.sort_by(|&a, &b| page.blocks[a].bbox.y1.total_cmp(&page.blocks[b].bbox.y1));
    let top = order
        .iter()
        .take(running::MARGIN_BLOCKS)
        .filter(|&&i| page.blocks[i].bbox.y2 < running::WIDE_SHARE * height);
    let bottom = order
        .iter()
        .rev()
        .take(running::MARGIN_BLOCKS)
        .filter(|&&i| page.blocks[i].bbox.y1 > (1.0 - running::WIDE_SHARE) * height);
    top.map(|i| (*i, true))
        .chain(bottom.map(|i| (*i, false)))
        .collect()
}
