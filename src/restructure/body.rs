//! The bodies of blocks: the contents of a finished document by kind, derived from the reference's strings.

use super::spans::Styles;
use crate::document::inline::{Inline, Script, TextRun, has_formula};
use crate::document::{
    Block, Body, CellFacts, Label, ListItem, Markup, Page, Paragraph, Table, soft_newlines,
};

use std::collections::BTreeSet;

/// Footnote marks other than numbers.
const SIGNS: [char; 6] = ['*', '†', '‡', '§', '¶', '#'];
/// Those of them that begin a footnote also where they are not raised; the others begin paragraphs of laws and code.
const PLAIN_SIGNS: [char; 3] = ['*', '†', '‡'];
/// Letters of the shortest word behind which a raised number is no exponent: units have fewer.
const SHORTEST_WORD: usize = 4;
/// Limit of digits in a footnote's mark: more are a year or an amount.
const MOST_DIGITS: usize = 3;

/// Builds the bodies of all blocks. Contents must not change after that.
pub(super) fn fill(pages: &mut [Page]) {
    for page in pages {
        for at in 0..page.blocks.len() {
            let cells = std::mem::take(&mut page.blocks[at].cells);
            let before = at.checked_sub(1).map(|before| &page.blocks[before].body);
            let is_taken = matches!(
                before,
                Some(Body::Formula {
                    number: Some(_),
                    ..
                })
            );
            let after = page.blocks.get(at + 1);
            let number = after.filter(|next| next.label == Label::FormulaNumber);
            let number = number.map(|next| without_dollars(&next.content).to_string());
            let body = match page.blocks[at].label {
                Label::FormulaNumber if is_taken => Body::Empty,
                _ => body(
                    &page.blocks[at],
                    cells,
                    number.filter(|number| !number.is_empty()),
                ),
            };
            page.blocks[at].body = body;
        }
        refer_to_footnotes(&mut page.blocks);
    }
}

fn is_formula(label: Label) -> bool {
    matches!(
        label,
        Label::DisplayFormula | Label::Formula | Label::InlineFormula
    )
}

fn body(block: &Block, cells: Vec<CellFacts>, number: Option<String>) -> Body {
    let content = block.content.replace("\r\n", "\n");
    let text = Text {
        content: &content,
        markup: block.markup,
        styles: Styles::new(&block.content, &block.spans),
        style: TextRun {
            bold: block.style.bold,
            italic: block.style.italic,
            ..TextRun::default()
        },
    };
    let is_empty = content.trim().is_empty();
    match block.label {
        Label::Image
        | Label::HeaderImage
        | Label::FooterImage
        | Label::Chart
        | Label::Seal
        | Label::DisplayFormula
        | Label::Formula
        | Label::InlineFormula
            if block.picture.is_some() || !is_formula(block.label) && !is_empty =>
        {
            Body::Picture {
                path: block.picture.as_ref().map(|picture| picture.path.clone()),
                alt: block.alt.clone(),
                paragraphs: text.by_blank_lines(),
            }
        }
        _ if is_empty => Body::Empty,
        Label::DocTitle => Body::Heading {
            depth: Some(0),
            text: text.joined(),
        },
        Label::ParagraphTitle => Body::Heading {
            depth: block
                .title_level
                .map(|level| level.clamp(1, i32::from(u8::MAX)) as u8),
            text: text.joined(),
        },
        Label::FigureTitle => Body::Caption {
            text: text.joined(),
        },
        Label::Text
        | Label::Ocr
        | Label::VerticalText
        | Label::ReferenceContent
        | Label::Image
        | Label::HeaderImage
        | Label::FooterImage
        | Label::Chart
        | Label::Seal => text.running(),
        Label::Abstract | Label::Reference | Label::Spotting | Label::FormulaNumber => Body::Text {
            paragraphs: text.by_blank_lines(),
        },
        Label::Content => Body::Contents {
            entries: text.by_lines(),
        },
        Label::Table => match Table::read_html(&content) {
            Some((mut table, is_cut)) => {
                table.set_facts(cells);
                Body::Table { table, is_cut }
            }
            None => text.running(),
        },
        Label::Algorithm if block.markup.formulas && has_formula(&content) => Body::Text {
            paragraphs: text.by_blank_lines(),
        },
        Label::Algorithm => Body::Code {
            language: None,
            text: content.trim_matches('\n').to_string(),
        },
        Label::DisplayFormula | Label::Formula | Label::InlineFormula => {
            text.formula(number, block.markup)
        }
        Label::Footnote | Label::VisionFootnote => text.footnote(),
        Label::Header | Label::Footer | Label::Number | Label::AsideText => Body::Running {
            paragraphs: text.by_blank_lines(),
        },
    }
}

/// The text of a block, with its markup and style.
struct Text<'a> {
    content: &'a str,
    markup: Markup,
    style: TextRun,
    styles: Styles<'a>,
}

impl Text<'_> {
    fn inline(&self, text: &str) -> Paragraph {
        self.styles
            .put_on(Inline::parse(text, self.markup, &self.style))
    }

    /// The whole text on one line.
    fn joined(&self) -> Paragraph {
        self.inline(soft_newlines(self.content.trim()).trim())
    }

    fn by_lines(&self) -> Vec<Paragraph> {
        let lines = self.content.split('\n').map(str::trim);
        let lines = lines.filter(|line| !line.is_empty());
        lines.map(|line| self.inline(line)).collect()
    }

    fn by_blank_lines(&self) -> Vec<Paragraph> {
        paragraphs_of(self.content)
            .iter()
            .map(|paragraph| self.inline(paragraph))
            .collect()
    }

    /// Running text: a line end of recognizers or the text layer ends a paragraph, except in `$$` formulas.
    fn running(&self) -> Body {
        let mut paragraphs: Vec<String> = Vec::new();
        let mut is_open = false;
        for line in self.content.split('\n').map(str::trim) {
            match paragraphs.last_mut() {
                Some(last) if is_open && !line.is_empty() => {
                    last.push('\n');
                    last.push_str(line);
                }
                _ if line.is_empty() => is_open = false,
                _ => paragraphs.push(line.to_string()),
            }
            let marks = line.matches("$$").count();
            if self.markup.formulas && marks % 2 == 1 {
                is_open = !is_open;
            }
        }
        let item = paragraphs.first().and_then(|first| {
            let item = first.strip_prefix("- ")?;
            self.markup.list_item.then(|| item.trim().to_string())
        });
        let mut found: Vec<Paragraph> = Vec::new();
        let skipped = usize::from(item.is_some());
        let rest = paragraphs.iter().skip(skipped);
        found.extend(item.iter().map(|item| self.inline(item)));
        found.extend(rest.map(|paragraph| self.inline(paragraph)));
        match item {
            Some(_) => Body::List {
                items: vec![ListItem {
                    marker: None,
                    paragraphs: found,
                    items: Vec::new(),
                }],
            },
            None => Body::Text { paragraphs: found },
        }
    }

    fn formula(&self, number: Option<String>, markup: Markup) -> Body {
        let inner = without_dollars(self.content);
        if markup.formulas && !inner.contains('$') && inner.len() < self.content.trim().len() {
            let latex = inner.to_string();
            return Body::Formula { latex, number };
        }
        Body::Text {
            paragraphs: self.by_blank_lines(),
        }
    }

    fn footnote(&self) -> Body {
        let mut paragraphs = self.by_blank_lines();
        let mark = paragraphs.first_mut().and_then(take_mark);
        Body::Footnote { mark, paragraphs }
    }
}

/// Paragraphs separated by blank lines, with their line breaks kept.
fn paragraphs_of(content: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in content.split('\n').map(str::trim) {
        match found.last_mut() {
            _ if line.is_empty() => is_open = false,
            Some(last) if is_open => {
                last.push('\n');
                last.push_str(line);
            }
            _ => {
                found.push(line.to_string());
                is_open = true;
            }
        }
    }
    found
}

fn without_dollars(content: &str) -> &str {
    let trimmed = content.trim();
    for mark in ["$$", "$"] {
        let inner = trimmed
            .strip_prefix(mark)
            .and_then(|text| text.strip_suffix(mark));
        if let Some(inner) = inner.filter(|inner| !inner.trim().is_empty()) {
            return inner.trim();
        }
    }
    trimmed
}

/// Removes the mark at the start of a footnote's first paragraph and returns it.
fn take_mark(paragraph: &mut Paragraph) -> Option<String> {
    let Some(Inline::Text(first)) = paragraph.first_mut() else {
        return None;
    };
    let text = first.text.trim_start();
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let length = match text.chars().next()? {
        sign if SIGNS.contains(&sign) => sign.len_utf8(),
        _ if (1..=MOST_DIGITS).contains(&digits) => digits,
        _ => return None,
    };
    let (mark, rest) = (text[..length].to_string(), &text[length..]);
    if first.script == Some(Script::Sup) && rest.trim().is_empty() {
        paragraph.remove(0);
        if let Some(Inline::Text(next)) = paragraph.first_mut() {
            next.text = next.text.trim_start().to_string();
        }
        return Some(mark);
    }
    let is_sign = text.starts_with(PLAIN_SIGNS);
    // `1 See`, `1) See` and `1. See`, but no amount (`1.5 percent`) and no part of a word.
    let after = rest.strip_prefix([')', '.']).unwrap_or(rest);
    let is_number = digits > 0 && mark != "0" && after.starts_with([' ', '\u{a0}']);
    // Office programs write `1See`, but `1st` and `3D` are words.
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect();
    let is_ordinal = matches!(word.as_str(), "st" | "nd" | "rd" | "th" | "D" | "x" | "G");
    let is_glued = digits > 0
        && mark != "0"
        && word.chars().count() > 1
        && !is_ordinal
        && word.chars().all(char::is_alphabetic);
    if first.script.is_some() || !(is_sign || is_number || is_glued) {
        return None;
    }
    let rest = if is_number { after } else { rest };
    let rest = rest.trim_start().to_string();
    first.text = rest;
    Some(mark)
}

/// Turns superscripts in a page's text into references if a footnote of the page has that mark.
fn refer_to_footnotes(blocks: &mut [Block]) {
    let marks: BTreeSet<String> = blocks
        .iter()
        .filter_map(|block| match &block.body {
            Body::Footnote { mark, .. } if block.label == Label::Footnote => mark.clone(),
            _ => None,
        })
        .collect();
    if marks.is_empty() {
        return;
    }
    let is_text = |body: &Body| {
        matches!(
            body,
            Body::Text { .. } | Body::List { .. } | Body::Heading { .. } | Body::Caption { .. }
        )
    };
    let texts = blocks.iter_mut().filter(|block| is_text(&block.body));
    for paragraph in texts.flat_map(|block| block.body.paragraphs_mut()) {
        for at in 0..paragraph.len() {
            let before = at.checked_sub(1).map(|before| &paragraph[before]);
            let is_exponent = before.is_some_and(may_have_exponent);
            if let Inline::Text(run) = &paragraph[at]
                && run.script == Some(Script::Sup)
                && marks.contains(run.text.trim())
                && !(is_exponent && run.text.trim().starts_with(|c: char| c.is_ascii_digit()))
            {
                let mark = run.text.trim().to_string();
                paragraph[at] = Inline::FootnoteReference { mark, page: None };
            }
        }
    }
}

/// `true` if a superscript number after this run may be an exponent: after a formula, a number, a unit or a
/// variable.
fn may_have_exponent(before: &Inline) -> bool {
    let Inline::Text(run) = before else {
        return true;
    };
    let word = run.text.chars().rev().take_while(|c| c.is_alphanumeric());
    let (mut length, mut has_digit) = (0, false);
    for c in word {
        length += 1;
        has_digit |= c.is_numeric();
    }
    (1..SHORTEST_WORD).contains(&length) || has_digit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::geometry::Rect;

    const MARKED: Markup = Markup {
        formulas: true,
        scripts: true,
        list_item: false,
    };

    fn block(label: Label, content: &str, markup: Markup) -> Block {
        let mut block = Block::new(label, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
        block.content = content.into();
        block.markup = markup;
        block
    }

    fn bodies(blocks: Vec<Block>) -> Vec<Body> {
        let mut page = Page::failed(0, Fault::internal(""));
        page.blocks = blocks;
        fill(std::slice::from_mut(&mut page));
        page.blocks.into_iter().map(|block| block.body).collect()
    }

    fn text(text: &str) -> Inline {
        Inline::Text(TextRun {
            text: text.into(),
            ..TextRun::default()
        })
    }

    #[test]
    fn raised_marks_refer_to_the_footnotes_of_their_page() {
        let found = bodies(vec![
            block(
                Label::Text,
                "The tides<sup>2</sup> and tide<sup>3</sup>",
                MARKED,
            ),
            block(Label::Footnote, "2 A note.", MARKED),
            block(Label::Footnote, "<sup>4</sup> Another.", MARKED),
            block(Label::Footnote, "2024 was a year.", MARKED),
        ]);
        let raised = Inline::Text(TextRun {
            text: "3".into(),
            script: Some(Script::Sup),
            ..TextRun::default()
        });
        let reference = Inline::FootnoteReference {
            mark: "2".into(),
            page: None,
        };
        let footnote = |mark: Option<&str>, content: &str| Body::Footnote {
            mark: mark.map(String::from),
            paragraphs: vec![vec![text(content)]],
        };
        assert_eq!(
            found,
            [
                Body::Text {
                    paragraphs: vec![vec![
                        text("The tides"),
                        reference,
                        text(" and tide"),
                        raised
                    ]]
                },
                footnote(Some("2"), "A note."),
                footnote(Some("4"), "Another."),
                footnote(None, "2024 was a year."),
            ]
        );
    }

    #[test]
    fn exponents_are_no_references_and_amounts_no_marks() {
        let found = bodies(vec![
            block(
                Label::Text,
                "300 m<sup>2</sup>, x<sup>2</sup>, 10<sup>2</sup>",
                MARKED,
            ),
            block(Label::Footnote, "2 See the annex.", MARKED),
            block(Label::Footnote, "1.5 percent of them.", MARKED),
            block(Label::Footnote, "0 is the mean sea level.", MARKED),
            block(Label::Footnote, "\u{a7} 12 of the law.", MARKED),
            block(Label::Footnote, "3. See there.", MARKED),
            block(Label::Footnote, "* Both.", MARKED),
            block(Label::Footnote, "4An otter.", MARKED),
            block(Label::Footnote, "1st edition.", MARKED),
        ]);
        let references = found[0].paragraphs()[0].iter();
        let references = references.filter(|i| matches!(i, Inline::FootnoteReference { .. }));
        assert_eq!(references.count(), 0);
        let marks = found[1..].iter().map(|body| match body {
            Body::Footnote { mark, paragraphs } => {
                (mark.as_deref(), paragraphs[0][0].plain().to_string())
            }
            other => panic!("{other:?}"),
        });
        let expected = [
            (Some("2"), "See the annex."),
            (None, "1.5 percent of them."),
            (None, "0 is the mean sea level."),
            (None, "\u{a7} 12 of the law."),
            (Some("3"), "See there."),
            (Some("*"), "Both."),
            (Some("4"), "An otter."),
            (None, "1st edition."),
        ];
        let expected = expected.map(|(mark, text)| (mark, text.to_string()));
        assert_eq!(marks.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_number_beside_a_formula_that_is_a_picture_stays() {
        let mut formula = block(Label::DisplayFormula, "", MARKED);
        formula.picture = Some(crate::document::Picture {
            path: "imgs/a.jpg".into(),
            jpeg: None,
        });
        let found = bodies(vec![formula, block(Label::FormulaNumber, "(3)", MARKED)]);
        let paragraphs = vec![vec![text("(3)")]];
        assert_eq!(found[1], Body::Text { paragraphs });
    }

    #[test]
    fn formulas_have_their_numbers() {
        let found = bodies(vec![
            block(Label::DisplayFormula, "$$ a^2 $$", MARKED),
            block(Label::FormulaNumber, "(3)", MARKED),
            block(Label::DisplayFormula, "not read", Markup::default()),
        ]);
        let formula = Body::Formula {
            latex: "a^2".into(),
            number: Some("(3)".into()),
        };
        let paragraphs = vec![vec![text("not read")]];
        assert_eq!(found, [formula, Body::Empty, Body::Text { paragraphs }]);
    }

    #[test]
    fn lines_are_paragraphs_but_for_those_of_a_formula() {
        let item = Markup {
            list_item: true,
            ..MARKED
        };
        let found = bodies(vec![
            block(Label::Text, "one\n$$\na\n$$\ntwo", MARKED),
            block(Label::Text, "- one\ntwo", item),
            block(Label::Text, "- one", MARKED),
            block(Label::Content, "1 One ... 3\n2 Two ... 4", MARKED),
            block(Label::DocTitle, "A long ti-\ntle of\ntwo", MARKED),
        ]);
        let formula = Inline::Formula {
            latex: "a".into(),
            display: true,
        };
        let line = |content: &str| vec![text(content)];
        assert_eq!(
            found,
            [
                Body::Text {
                    paragraphs: vec![line("one"), vec![formula], line("two")]
                },
                Body::List {
                    items: vec![ListItem {
                        marker: None,
                        paragraphs: vec![line("one"), line("two")],
                        items: Vec::new()
                    }]
                },
                Body::Text {
                    paragraphs: vec![line("- one")]
                },
                Body::Contents {
                    entries: vec![line("1 One ... 3"), line("2 Two ... 4")]
                },
                Body::Heading {
                    depth: Some(0),
                    text: line("A long title of two")
                },
            ]
        );
    }

    #[test]
    fn pictures_code_tables_and_furniture_are_apart() {
        let found = bodies(vec![
            block(Label::Image, "", Markup::default()),
            block(Label::Image, "in it", Markup::default()),
            block(Label::Algorithm, "\nlet a = 1;\n", Markup::default()),
            block(Label::Table, "<table><tr><th>a<td>b</table>", MARKED),
            block(Label::Header, "Chapter 1", MARKED),
            block(Label::FigureTitle, "Figure 1. A\nB", MARKED),
        ]);
        assert_eq!(found[0], Body::Empty);
        assert!(
            matches!(&found[1], Body::Picture { path: None, paragraphs, .. } if paragraphs.len() == 1)
        );
        assert!(matches!(&found[2], Body::Code { text, .. } if text == "let a = 1;"));
        assert!(
            matches!(&found[3], Body::Table { table, is_cut: false } if table.columns == 2 && table.cells[0].header)
        );
        assert!(matches!(&found[4], Body::Running { .. }));
        let caption = vec![text("Figure 1. A B")];
        assert_eq!(found[5], Body::Caption { text: caption });
    }
}
