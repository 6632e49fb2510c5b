//! Paragraphs that go on in another block: below a figure, in the next column, on the next page.
//!
//! [`find`] looks for them once labels are final, [`apply`] puts the text together in the bodies of blocks.
//! Blocks keep their own contents, so that boxes and contents agree.

use super::hyphens::{self, Vocabulary};
use super::thresholds::joins::*;
use crate::document::inline::{Inline, TextRun};
use crate::document::{Block, Body, LINE_HYPHEN, Label, Page, Paragraph};
use crate::layout::geometric::headings;
use crate::lines::{is_cjk, is_hangul};

/// A paragraph that goes on in another block; blocks as positions of a page and in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Join {
    /// The block whose last paragraph goes on.
    from: (usize, usize),
    /// The block that it goes on in.
    to: (usize, usize),
    /// A word is divided between both: `true` if it has a hyphen there.
    hyphen: Option<bool>,
}

/// Finds the paragraphs that go on in another block. Contents still have their soft hyphens.
pub(super) fn find(pages: &[Page], words: &Vocabulary) -> Vec<Join> {
    let mut found = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    let mut is_apart = false;
    for (page, blocks) in pages
        .iter()
        .enumerate()
        .map(|(at, page)| (at, &page.blocks))
    {
        for (at, block) in blocks.iter().enumerate() {
            let is_captioned = || {
                let next = blocks.get(at + 1).map(|next| next.label);
                next == Some(Label::FigureTitle) && is_label(block)
            };
            if is_beside_text(block.label) || block.hidden.is_some() || is_captioned() {
                is_apart = true;
                continue;
            }
            let here = (page, at);
            if let Some(from) = open.take() {
                let before = &pages[from.0].blocks[from.1];
                // Below it in the same column only a small letter tells that a sentence goes on.
                is_apart |=
                    from.0 != page || block.bbox.y1 < before.bbox.y2 - before.style.font_size;
                if goes_on(before, block, is_apart) {
                    let hyphen = before.content.trim_end().ends_with(LINE_HYPHEN).then(|| {
                        let text = before.content.trim_end();
                        hyphens::settle(text, Some(&block.content), words).ends_with('-')
                    });
                    found.push(Join {
                        from,
                        to: here,
                        hyphen,
                    });
                }
            }
            is_apart = false;
            open = is_running(block.label).then_some(here);
        }
    }
    found
}

/// `true` for running text, which may go on elsewhere.
fn is_running(label: Label) -> bool {
    matches!(
        label,
        Label::Text | Label::Abstract | Label::ReferenceContent
    )
}

/// `true` for what stands between the parts of a paragraph without ending it: floats and furniture.
pub(super) fn is_beside_text(label: Label) -> bool {
    use Label::*;
    matches!(
        label,
        Image
            | Chart
            | Seal
            | Table
            | FigureTitle
            | VisionFootnote
            | Footnote
            | Header
            | Footer
            | HeaderImage
            | FooterImage
            | Number
            | AsideText
    )
}

/// `true` for a few words without a full stop: labels of a figure, if a caption follows.
fn is_label(block: &Block) -> bool {
    block.label == Label::Text
        && block.style.line_count < LEAST_LINES
        && !ends_sentence(&block.content)
}

/// `true` if the last paragraph of `before` goes on in `after`; `is_apart`: there is a float, a column or a page between.
fn goes_on(before: &Block, after: &Block, is_apart: bool) -> bool {
    let (a, b) = (&before.style, &after.style);
    let size = a.font_size.max(b.font_size);
    let is_alike = (a.font_size - b.font_size).abs() <= SAME_SIZE * size;
    if !is_running(after.label)
        || !is_alike
        || after.markup.list_item
        || starts_item(&after.content)
    {
        return false;
    }
    let text = before.content.trim_end();
    let start = after
        .content
        .trim_start()
        .chars()
        .find(|c| !matches!(c, '(' | '"' | '“' | '‘' | '\''));
    let Some(start) = start else { return false };
    if text.ends_with(LINE_HYPHEN) {
        let is_next = is_apart || after.bbox.y1 - before.bbox.y2 < NEXT_LINE * size;
        return start.is_alphanumeric() && is_next;
    }
    // Without a text layer nothing is known about a block's last line.
    let is_open = a.is_open || a.line_count == 0;
    if text.is_empty() || !is_open || ends_sentence(text) {
        return false;
    }
    let is_small = start.is_lowercase();
    let is_long = text.chars().count() >= LEAST_CHARS
        && a.bold == b.bold
        && !headings::is_numbered(&after.content);
    is_small || is_apart && is_long && !is_cased_apart(text, start)
}

/// `true` if a capital after this text rather starts something new: only within a sentence is one expected.
fn is_cased_apart(text: &str, start: char) -> bool {
    !(start.is_alphanumeric() || start == '$') || text.ends_with(')') && start.is_uppercase()
}

/// `true` if a text begins with the marker of a list's item.
fn starts_item(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or("");
    first.starts_with(['•', '◦', '▪', '–', '—', '☐', '☑', '☒'])
        || first
            .strip_suffix(['.', ')'])
            .is_some_and(|mark| mark.chars().count() <= 3)
            && first
                .chars()
                .next()
                .is_some_and(|c| c.is_ascii_digit() || c == '(')
}

/// `true` if a text ends as sentences do, the marks of notes left out.
fn ends_sentence(text: &str) -> bool {
    let mut text = text;
    if let Some(at) = text
        .strip_suffix("</sup>")
        .and_then(|text| text.rfind("<sup>"))
    {
        text = text[..at].trim_end();
    }
    let closing = |c: char| matches!(c, '"' | '\'' | ')' | '”' | '’' | ']' | '»' | '*');
    let text = text.trim_end_matches(closing);
    text.ends_with([
        '.', '!', '?', ':', ';', '…', '。', '！', '？', '：', '；', '۔', '؟',
    ])
}

/// Moves the text of blocks in which a paragraph goes on to the block where it starts, in the bodies.
pub(super) fn apply(pages: &mut [Page], joins: &[Join]) {
    let mut starts = std::collections::BTreeMap::new();
    for join in joins {
        let start = starts.get(&join.from).copied().unwrap_or(join.from);
        let mut after = std::mem::take(&mut pages[join.to.0].blocks[join.to.1].body);
        if start.0 != join.to.0 {
            // The footnotes of a page are its own.
            let paragraphs = after.paragraphs_mut();
            let inlines = paragraphs.into_iter().flatten();
            let of = pages[join.to.0].page_index;
            inlines.for_each(|inline| name_page(inline, of));
        }
        let place = Body::Joined {
            page: pages[start.0].page_index,
            block: start.1,
        };
        let (body, rest) = match (&mut pages[start.0].blocks[start.1].body, after) {
            (Body::Text { paragraphs }, Body::Text { paragraphs: more })
                if !paragraphs.is_empty() =>
            {
                join_paragraphs(paragraphs, more, join.hyphen);
                (place, true)
            }
            (Body::List { items, .. }, Body::Text { paragraphs: more })
                if items
                    .last()
                    .is_some_and(|item| item.items.is_empty() && !item.paragraphs.is_empty()) =>
            {
                let last = items.last_mut().expect("looked at above");
                join_paragraphs(&mut last.paragraphs, more, join.hyphen);
                (place, true)
            }
            (_, after) => (after, false),
        };
        pages[join.to.0].blocks[join.to.1].body = body;
        if rest {
            starts.insert(join.to, start);
        }
    }
}

/// Makes a reference to a footnote say whose page's it is; it goes to the text of an earlier page.
pub(super) fn name_page(inline: &mut Inline, of: usize) {
    if let Inline::FootnoteReference { page, .. } = inline {
        page.get_or_insert(of);
    }
}

fn join_paragraphs(paragraphs: &mut Vec<Paragraph>, more: Vec<Paragraph>, hyphen: Option<bool>) {
    let mut more = more.into_iter();
    let (Some(last), Some(first)) = (paragraphs.last_mut(), more.next()) else {
        return;
    };
    let mut first = first.into_iter().peekable();
    let ends = (
        last.last()
            .and_then(|inline| inline.plain().chars().next_back()),
        first
            .peek()
            .and_then(|inline| inline.plain().chars().next()),
    );
    let is_wide = |c: Option<char>| c.is_some_and(|c| is_cjk(c) || is_hangul(c));
    let has_blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let is_joined = hyphen.is_some() || is_wide(ends.0) && is_wide(ends.1);
    let needs_blank = !is_joined && !has_blank(ends.0) && !has_blank(ends.1);
    match last.last_mut() {
        Some(Inline::Text(run)) if run.script.is_none() && run.link.is_none() => {
            run.text.extend(needs_blank.then_some(' '));
        }
        _ if needs_blank => last.push(Inline::Text(TextRun {
            text: " ".into(),
            ..TextRun::default()
        })),
        _ => {}
    }
    if let Some(Inline::Text(run)) = last.last_mut() {
        // Outside of a joined paragraph a divided word keeps its hyphen.
        if hyphen == Some(false) && run.text.ends_with('-') {
            run.text.pop();
        }
        if let Some(Inline::Text(next)) = first.peek() {
            let is_alike = (run.bold, run.italic, run.code, run.script, &run.link)
                == (next.bold, next.italic, next.code, next.script, &next.link);
            if is_alike {
                run.text.push_str(&next.text);
                first.next();
            }
        }
    }
    last.extend(first);
    paragraphs.extend(more);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::BlockStyle;
    use crate::fault::Fault;
    use crate::geometry::Rect;
    use crate::restructure::body;

    /// A block of two lines, the second of which fills its column; `y` in pixels.
    fn block(label: Label, y: f32, content: &str) -> Block {
        let mut block = Block::new(label, Rect::new(100.0, y, 500.0, y + 50.0), 0.9);
        block.content = content.into();
        block.style = BlockStyle {
            font_size: 20.0,
            line_count: 2,
            is_open: true,
            ..BlockStyle::default()
        };
        block
    }

    /// Texts of the bodies; `<page> <block>` for those that went into another.
    fn bodies(pages: Vec<Vec<Block>>) -> Vec<String> {
        let page = |(index, blocks)| Page {
            blocks,
            ..Page::failed(index, Fault::internal(""))
        };
        let mut pages: Vec<Page> = pages.into_iter().enumerate().map(page).collect();
        let words = Vocabulary::default();
        let joins = find(&pages, &words);
        for block in pages.iter_mut().flat_map(|page| &mut page.blocks) {
            block.content = hyphens::settle(&block.content, None, &words).into_owned();
        }
        body::fill(&mut pages);
        apply(&mut pages, &joins);
        let text = |body: &Body| match body {
            Body::Joined { page, block } => format!("{page} {block}"),
            body => {
                let paragraphs = body.paragraphs().into_iter();
                let plain = paragraphs.map(|p| p.iter().map(Inline::plain).collect::<String>());
                plain.collect::<Vec<_>>().join("|")
            }
        };
        let blocks = pages.iter().flat_map(|page| &page.blocks);
        blocks.map(|block| text(&block.body)).collect()
    }

    #[test]
    fn a_sentence_goes_on_over_floats_columns_and_pages() {
        let mut figure = block(Label::FigureTitle, 200.0, "Figure 1");
        figure.style.is_open = false;
        let found = bodies(vec![
            vec![
                block(Label::Text, 100.0, "The water rises and"),
                figure,
                block(
                    Label::Text,
                    300.0,
                    "falls twice a day, as it does along all of the coast between the two great rivers and in the",
                ),
                block(Label::Text, 100.0, "United Provinces and on the is\u{ad}"),
                block(Label::Number, 900.0, "1"),
            ],
            vec![block(Label::Text, 100.0, "lands. That is all.")],
        ]);
        let whole = "The water rises and falls twice a day, as it does along all of the coast between the two great \
                     rivers and in the United Provinces and on the islands. That is all.";
        assert_eq!(found, [whole, "Figure 1", "0 0", "0 0", "1", "0 0"]);
    }

    #[test]
    fn what_ends_or_begins_anew_stays_apart() {
        let apart = |before: Block, after: Block| {
            let found = bodies(vec![vec![before], vec![after]]);
            assert!(!found[1].starts_with("0 "), "{found:?}");
        };
        let text = |content: &str| block(Label::Text, 100.0, content);
        apart(text("It ends here."), text("it begins here"));
        apart(text("It ends (here.)<sup>1</sup>"), text("it begins here"));
        apart(text("It goes on and"), text("2. An item of a list"));
        apart(
            text("It goes on and"),
            block(Label::ParagraphTitle, 100.0, "a heading"),
        );
        let mut short = text("A line with room after it");
        short.style.is_open = false;
        apart(short, text("so that this is another"));
        let mut small = text("a note of another size");
        small.style.font_size = 16.0;
        apart(text("It goes on and"), small);
        apart(text("Name of the company"), text("Street and number"));
    }

    #[test]
    fn below_each_other_only_a_small_letter_joins() {
        let two = |after: &str| {
            bodies(vec![vec![
                block(Label::Text, 100.0, "The law of the land of"),
                block(Label::Text, 160.0, after),
            ]])
        };
        assert_eq!(two("tides")[1], "0 0");
        assert_eq!(two("Holland")[1], "Holland");
    }
}
