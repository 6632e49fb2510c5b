//! Whole-document passes for regions that were found in the text.
//!
//! In order: running headers, footers and page numbers ([`running`], [`single`]), headings compared with the body size
//! of all pages (`settle_headings`), headings by their numbers ([`numbered`]), terms that are none ([`terms`]), the
//! document's title, numbers of chapters ([`chapters`]), sections that label their contents (abstract, references), and
//! heading levels ([`depths`]).

use super::depths::{self, rank, same_look};
use super::thresholds::{sections, title};
use super::{chapters, numbered, running, single, terms};
use crate::document::{Block, Document, Label, Page, TextSource};
use crate::layout::geometric::headings;
use crate::lines::DEFAULT_BODY;
use std::collections::BTreeMap;

/// Runs all passes over a document; heading levels only if `relevel_titles`.
pub(crate) fn restructure(document: &mut Document, relevel_titles: bool) {
    let body = body_size(&document.pages);
    running::find(&mut document.pages, body);
    single::find(&mut document.pages, body);
    let tables = size_of(&document.pages, Label::Table);
    settle_headings(&mut document.pages, body, tables);
    numbered::demote(&mut document.pages);
    numbered::promote(&mut document.pages);
    terms::demote(&mut document.pages, body);
    find_title(&mut document.pages, body);
    demote_authors(&mut document.pages);
    chapters::find(&mut document.pages);
    label_sections(&mut document.pages);
    if relevel_titles {
        depths::set(&mut document.pages);
        chapters::level(&mut document.pages);
    }
}

/// Font size of most text, in pixels.
fn body_size(pages: &[Page]) -> f32 {
    size_of(pages, Label::Text).map_or(DEFAULT_BODY, |(size, _)| size)
}

/// Font size of most of what has a label, in pixels, and the number of its characters; `None` if there is none.
fn size_of(pages: &[Page], label: Label) -> Option<(f32, usize)> {
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for block in pages
        .iter()
        .flat_map(|p| &p.blocks)
        .filter(|b| b.label == label)
    {
        *sizes
            .entry((block.style.font_size * 2.0).round() as u32)
            .or_default() += block.content.chars().count();
    }
    let all = sizes.values().sum();
    let most = sizes.into_iter().max_by_key(|(_, n)| *n);
    most.map(|(size, _)| (size as f32 / 2.0, all))
}

/// Demotes headings that are none relative to the body size of all pages, and promotes large text that is no
/// heading relative to its own page alone. On forms and invoices the text is in `tables`, of a size and a number of
/// characters, and what is left beside them is small print.
fn settle_headings(pages: &mut [Page], body: f32, tables: Option<(f32, usize)>) {
    let text = size_of(pages, Label::Text).map_or(0, |(_, count)| count);
    let main = match tables {
        Some((size, count)) if count > text => body.max(size),
        _ => body,
    };
    for page in pages {
        let recognized = page.text_decision.source == TextSource::Lines;
        for block in &mut page.blocks {
            let (text, style) = (&block.content, &block.style);
            match block.label {
                Label::ParagraphTitle if !headings::is_still_one(text, style, body, recognized) => {
                    block.label = Label::Text;
                }
                Label::Text if headings::is_one_after_all(text, style, main, recognized) => {
                    block.label = Label::ParagraphTitle;
                }
                _ => {}
            }
        }
    }
}

/// Labels the largest heading in the upper part of the first page as the document's title.
fn find_title(pages: &mut [Page], body: f32) {
    let Some(page) = pages.iter_mut().find(|p| !p.blocks.is_empty()) else {
        return;
    };
    let height = page.height as f32;
    let mut candidates: Vec<(usize, f32)> = page
        .blocks
        .iter()
        .enumerate()
        .filter(|(_, b)| b.label == Label::ParagraphTitle && b.bbox.y1 < title::PLACE * height)
        .filter(|(_, b)| {
            b.style.font_size >= title::SIZE * body && !headings::is_numbered(&b.content)
        })
        .map(|(i, b)| (i, b.style.font_size))
        .collect();
    // Ties go to the first: later ones are sections.
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let text_before = |index: usize| {
        page.blocks[..index]
            .iter()
            .any(|b| b.label == Label::Text && b.style.line_count > title::TEXT_LINES)
    };
    // Names of authors may be as large as a title in bold or capitals.
    let weight = |index: usize| {
        let style = &page.blocks[index].style;
        (style.bold, style.capitals)
    };
    let equals = |index: usize, size: f32| {
        candidates
            .iter()
            .filter(|c| c.1 > title::EQUAL_SIZE * size && weight(c.0) == weight(index))
            .count()
    };
    let found = candidates
        .iter()
        .find(|(index, size)| !text_before(*index) && equals(*index, *size) <= title::MAX_EQUALS)
        .map(|c| c.0);
    let (Some(index), number) = (found, page.page_index) else {
        return;
    };
    // Chapters that begin later look like the first one.
    let look = rank(&page.blocks[index]);
    let is_chapter = pages
        .iter()
        .filter(|page| page.page_index != number)
        .flat_map(|page| &page.blocks)
        .any(|block| block.label == Label::ParagraphTitle && same_look(&rank(block), &look));
    let page = pages.iter_mut().find(|page| page.page_index == number);
    // A paper has an abstract, and an appendix may be set like its title.
    let is_paper = |page: &Page| {
        let after = page.blocks[index..].iter();
        after
            .into_iter()
            .any(|block| is_abstract(&block.content) || opens_abstract(&block.content))
    };
    if let Some(page) = page.filter(|page| !is_chapter || is_paper(page)) {
        page.blocks[index].label = Label::DocTitle;
    }
}

/// Turns the large lines between a paper's title and its first section into text: names, addresses, the date.
///
/// Only where an abstract or a numbered section follows on the title's page: elsewhere they may be headings.
fn demote_authors(pages: &mut [Page]) {
    let Some(page) = pages
        .iter_mut()
        .find(|page| page.blocks.iter().any(|b| b.label == Label::DocTitle))
    else {
        return;
    };
    let title = page.blocks.iter().position(|b| b.label == Label::DocTitle);
    let Some(start) = title.map(|title| title + 1) else {
        return;
    };
    let opens = |block: &Block| {
        let text = &block.content;
        block.label == Label::ParagraphTitle
            && (headings::is_special(text) || headings::is_numbered(text))
            || block.label == Label::Text && opens_abstract(text)
    };
    let Some(length) = page.blocks[start..].iter().position(opens) else {
        return;
    };
    let before = &mut page.blocks[start..start + length];
    // A paragraph between the title and that section is an abstract without a heading, or belongs to another section: then
    // only what looks like no heading of a section is none.
    let paragraph = before
        .iter()
        .position(|b| b.label == Label::Text && b.style.line_count > title::TEXT_LINES);
    let end = paragraph.unwrap_or(length);
    for (at, block) in before[..end].iter_mut().enumerate() {
        let heads_it = paragraph == Some(at + 1) && !has_author_mark(&block.content);
        let is_light = !block.style.bold && !block.style.capitals && !heads_it;
        if block.label == Label::ParagraphTitle && (paragraph.is_none() || is_light) {
            block.label = Label::Text;
        }
    }
}

/// `true` for a line with marks of affiliations or an address of mail.
fn has_author_mark(text: &str) -> bool {
    text.contains("<sup>") || text.contains(['@', '\u{2217}', '\u{2020}', '\u{2021}'])
}

/// Labels the text after the headings `Abstract` and `References`.
fn label_sections(pages: &mut [Page]) {
    let mut section = Label::Text;
    for page in pages {
        if section == Label::Abstract {
            section = Label::Text; // an abstract ends with its page
        }
        let mut abstract_chars = 0;
        for block in &mut page.blocks {
            if section == Label::Abstract && block.label == Label::Text {
                abstract_chars += block.content.chars().count();
                if abstract_chars > sections::MAX_ABSTRACT {
                    section = Label::Text;
                }
            }
            match block.label {
                Label::ParagraphTitle | Label::DocTitle => {
                    let heading = block
                        .content
                        .trim()
                        .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                    let heading = heading.trim().trim_end_matches([':', '.']).to_lowercase();
                    section = match heading.as_str() {
                        "abstract" | "摘要" => Label::Abstract,
                        "references" | "bibliography" | "参考文献" | "literatur" => {
                            Label::ReferenceContent
                        }
                        _ => Label::Text,
                    };
                }
                Label::Text if section != Label::Text => block.label = section,
                Label::Text if opens_abstract(&block.content) => block.label = Label::Abstract,
                _ => {}
            }
        }
    }
}

/// `true` for the heading of an abstract.
fn is_abstract(text: &str) -> bool {
    let text = text
        .trim()
        .trim_end_matches([':', '.', '\u{ff1a}'])
        .to_lowercase();
    [
        "abstract",
        "\u{6458}\u{8981}",
        "zusammenfassung",
        "r\u{e9}sum\u{e9}",
        "resumen",
    ]
    .contains(&text.as_str())
}

fn opens_abstract(text: &str) -> bool {
    let start: String = text.chars().take(12).collect::<String>().to_lowercase();
    [
        "abstract.",
        "abstract:",
        "abstract—",
        "abstract –",
        "摘要：",
        "摘要:",
    ]
    .iter()
    .any(|w| start.starts_with(w))
        && text.chars().count() > sections::MIN_ABSTRACT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{BlockStyle, TextDecision};
    use crate::fault::Fault;
    use crate::geometry::Rect;

    fn block(label: Label, y: f32, size: f32, content: &str) -> Block {
        let mut block = Block::new(label, Rect::new(100.0, y, 900.0, y + size), 0.9);
        block.content = content.into();
        block.style = BlockStyle {
            font_size: size,
            line_count: 1,
            ..Default::default()
        };
        block
    }

    fn document(pages: Vec<Vec<Block>>) -> Document {
        let page = |(index, blocks): (usize, Vec<Block>)| {
            let mut page = Page::failed(index, Fault::internal(""));
            page.diagnostics.clear();
            page.text_decision = TextDecision {
                source: TextSource::TextLayer,
                reason: String::new(),
            };
            (page.width, page.height, page.blocks) = (1000, 1400, blocks);
            page
        };
        let pages = pages.into_iter().enumerate().map(page).collect();
        Document {
            input_path: "x.pdf".into(),
            pages,
            page_count: None,
            info: Default::default(),
        }
    }

    fn labels_of(document: &Document) -> Vec<Label> {
        document
            .pages
            .iter()
            .flat_map(|p| &p.blocks)
            .map(|b| b.label)
            .collect()
    }

    #[test]
    fn what_repeats_in_the_margins_runs() {
        let page = |n: usize| {
            vec![
                block(Label::Text, 50.0, 18.0, "The Journal of Tides"),
                block(
                    Label::Text,
                    400.0,
                    20.0,
                    &format!("Body text of page {n} that is long enough to count."),
                ),
                block(Label::Text, 1340.0, 18.0, &n.to_string()),
            ]
        };
        let mut document = document(vec![page(1), page(2), page(3)]);
        restructure(&mut document, true);
        assert_eq!(
            labels_of(&document)[..3],
            [Label::Header, Label::Text, Label::Number]
        );
    }

    #[test]
    fn what_stands_in_a_margin_once_is_text() {
        let body = || {
            block(
                Label::Text,
                400.0,
                20.0,
                "Body text that is long enough to count as such.",
            )
        };
        let header = |text: &str| block(Label::Header, 50.0, 18.0, text);
        let mut once = document(vec![
            vec![body()],
            vec![header("A word to the reader"), body()],
        ]);
        restructure(&mut once, true);
        assert_eq!(labels_of(&once)[1], Label::Text);
        // The title again, and a line that other pages have as well.
        let title = || block(Label::ParagraphTitle, 100.0, 40.0, "On the Tides");
        let mut again = document(vec![
            vec![title(), body()],
            vec![header("On the Tides, part 1"), body()],
        ]);
        restructure(&mut again, true);
        assert_eq!(labels_of(&again)[2], Label::Header);
        let pages = ["One thing", "Another", "Third"].map(|text| vec![header(text), body()]);
        let mut chapters = document(pages.into());
        restructure(&mut chapters, true);
        assert_eq!(labels_of(&chapters)[0], Label::Header);
    }

    #[test]
    fn one_page_has_no_running_header() {
        let mut document = document(vec![vec![
            block(Label::Text, 50.0, 20.0, "Dear reader"),
            block(
                Label::Text,
                400.0,
                20.0,
                "Body text that is long enough to count as such.",
            ),
        ]]);
        restructure(&mut document, true);
        assert_eq!(labels_of(&document), [Label::Text, Label::Text]);
    }

    #[test]
    fn beside_tables_as_large_as_itself_a_line_is_no_heading() {
        let labels = |table: f32| {
            let cells =
                "<table><tr><td>Closing balance of the account</td><td>2,436.69</td></tr></table>";
            let mut document = document(vec![vec![
                block(Label::Text, 300.0, 26.0, "Almond Close"),
                block(Label::Table, 400.0, table, cells),
                block(
                    Label::Text,
                    900.0,
                    14.0,
                    "Deposits are protected up to the limit.",
                ),
            ]]);
            restructure(&mut document, true);
            labels_of(&document)[0]
        };
        assert_eq!([26.0, 14.0].map(labels), [Label::Text, Label::DocTitle]);
    }

    #[test]
    fn titles_headings_and_depths() {
        let mut document = document(vec![vec![
            block(Label::ParagraphTitle, 100.0, 40.0, "On Tides"),
            block(Label::ParagraphTitle, 300.0, 26.0, "1 Introduction"),
            block(
                Label::Text,
                400.0,
                20.0,
                "Body text that is long enough to count as such.",
            ),
            block(Label::ParagraphTitle, 500.0, 23.0, "1.2 Ebb"),
            block(Label::ParagraphTitle, 600.0, 20.0, "No heading at all"),
            block(Label::ParagraphTitle, 700.0, 26.0, "References"),
            block(Label::Text, 800.0, 20.0, "A. Author, A Title."),
        ]]);
        restructure(&mut document, true);
        use Label::*;
        assert_eq!(
            labels_of(&document),
            [
                DocTitle,
                ParagraphTitle,
                Text,
                ParagraphTitle,
                Text,
                ParagraphTitle,
                ReferenceContent
            ]
        );
        let levels: Vec<_> = document.pages[0]
            .blocks
            .iter()
            .map(|b| b.title_level)
            .collect();
        assert_eq!(levels, [None, Some(1), None, Some(2), None, Some(1), None]);
    }
}
