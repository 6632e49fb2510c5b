//! GitHub's Markdown, from the bodies of blocks: what is structure comes from types, and text goes through `escape`.
//!
//! A caption stays a paragraph where it stands, and also describes its picture. The footnotes of a page that something refers to
//! follow its other blocks, as definitions; the others stay paragraphs.

mod inline;
mod lists;
mod notes;
mod tables;

use super::escape::{description, normalized};
use super::html;
use super::links::PictureSources;
use super::reference::title_parts;
use super::safe::{code, comment, safe_formula};
use crate::document::inline::{Inline, Script, TextRun};
use crate::document::{Block, Body, Document, Label, Page, Paragraph};
use crate::writer::figures::{captions, chart_table, is_blank};
use crate::writer::options::MarkdownOptions;
use inline::{LabelOf, Place, paragraph};
pub(in crate::writer) use lists::is_bullet;
use lists::{Item, LastNumber, list};
use notes::{Marks, Notes};
use std::cell::Cell;

/// Deepest heading of Markdown.
const MAX_DEPTH: usize = 6;
/// Characters of the description of a picture: a long caption is text below it, and its start is enough to tell it.
const LONGEST_DESCRIPTION: usize = 120;
/// Dots in a row that lead to the page of a title. An omission has three, and a full stop before it.
const LEAST_LEADER: usize = 5;
/// First words of blocks that are a heading of their own.
const OPENINGS: [&str; 4] = ["abstract", "摘要", "references", "参考文献"];

/// Writes the pages of a document.
pub(super) struct GfmWriter<'a> {
    options: &'a MarkdownOptions,
    pictures: &'a PictureSources<'a>,
    notes: Notes,
    /// The last number of the list that the page before ends with: a list goes on over pages.
    last_number: Cell<LastNumber>,
}

impl<'a> GfmWriter<'a> {
    /// A writer for a document.
    pub(super) fn new(
        document: &Document,
        options: &'a MarkdownOptions,
        pictures: &'a PictureSources<'a>,
    ) -> Self {
        GfmWriter {
            options,
            pictures,
            notes: Notes::of(document, options),
            last_number: Cell::default(),
        }
    }

    /// A writer for blocks whose document is not known.
    pub(super) fn of_blocks(
        options: &'a MarkdownOptions,
        pictures: &'a PictureSources<'a>,
    ) -> Self {
        GfmWriter {
            options,
            pictures,
            notes: Notes::default(),
            last_number: Cell::default(),
        }
    }

    /// Markdown of a page; `number` is its position in the document's list.
    pub(super) fn page(&self, page: &Page, number: usize) -> String {
        let marks = Marks::of(page);
        let label_in = |block: usize| {
            let marks = &marks;
            move |mark: &str, page: Option<usize>| {
                let (number, place) = match page {
                    Some(page) => self.notes.elsewhere(page, mark)?,
                    None => (number, marks.place(mark, block)?),
                };
                self.notes.label(number, place).map(String::from)
            }
        };
        let blocks = page.blocks.iter().enumerate();
        let shown: Vec<(usize, &Block)> = blocks
            .filter(|(_, block)| !self.options.is_left_out(block.label))
            .collect();
        let (notes, shown): (Vec<_>, Vec<_>) = shown
            .into_iter()
            .partition(|(at, _)| self.notes.label(number, *at).is_some());
        let captions = captions(&shown);
        let labels: Vec<_> = shown.iter().map(|(at, _)| label_in(*at)).collect();
        let mut pieces: Vec<String> = Vec::new();
        let mut items: Vec<Item> = Vec::new();
        let mut last_number = self.last_number.take();
        for (at, (_, block)) in shown.iter().enumerate() {
            // The layout has a block for each item of a list.
            if let Body::List { items: more } = &block.body {
                let label: LabelOf = &labels[at];
                items.extend(more.iter().map(|item| Item { item, label }));
                continue;
            }
            // The number of a formula that is a picture stands beside it.
            let before = at.checked_sub(1).map(|before| &shown[before].1.body);
            if let (Label::FormulaNumber, Some(Body::Picture { path: Some(_), .. }), Some(last)) = (
                block.label,
                before,
                pieces.iter_mut().rfind(|piece| !piece.is_empty()),
            ) {
                last.extend([" ", &self.block(block, None, &labels[at])]);
                continue;
            }
            let caption = captions[at].map(|of| &shown[of].1.body);
            let caption = caption.and_then(|body| match body {
                Body::Caption { text } => Some(text),
                _ => None,
            });
            let piece = self.block(block, caption, &labels[at]);
            if !piece.is_empty() {
                pieces.push(list(&items, &mut last_number));
                items.clear();
                last_number = None;
                pieces.push(piece);
            }
        }
        pieces.push(list(&items, &mut last_number));
        for (at, block) in notes {
            last_number = None;
            if let Body::Footnote { paragraphs, .. } = &block.body {
                let label = self.notes.label(number, at).unwrap_or_default();
                pieces.push(definition(label, paragraphs));
            }
        }
        self.last_number.set(last_number);
        joined(pieces)
    }

    /// Markdown of a block alone, whose footnotes are not known; `None` if it is left out.
    pub(super) fn alone(&self, block: &Block) -> Option<String> {
        if self.options.is_left_out(block.label) {
            return None;
        }
        Some(match &block.body {
            Body::List { items } => {
                let items = items.iter().map(|item| Item {
                    item,
                    label: &|_, _| None,
                });
                list(&items.collect::<Vec<Item>>(), &mut None)
            }
            _ => self.block(block, None, &|_, _| None),
        })
    }

    /// Markdown of a block that is no list.
    fn block(&self, block: &Block, caption: Option<&Paragraph>, label: LabelOf) -> String {
        if let Some(reason) = block.hidden {
            return comment(&format!("hidden ({}): {}", reason.name(), block.content));
        }
        match &block.body {
            Body::Empty | Body::Joined { .. } | Body::List { .. } => String::new(),
            Body::Text { paragraphs } => match block.label {
                Label::Abstract | Label::Reference => opened(paragraphs, label),
                _ => self.paragraphs(paragraphs, label),
            },
            Body::Running { paragraphs } => self.paragraphs(paragraphs, label),
            Body::Heading { depth, text } => heading(*depth, text, label),
            Body::Contents { entries } => {
                let entries = entries.iter();
                let entries = entries.map(without_leaders);
                let entries = entries.map(|entry| paragraph(&entry, Place::Line, label));
                let entries = entries.filter(|entry| !entry.is_empty());
                let entries: Vec<String> = entries.map(|entry| format!("- {entry}")).collect();
                entries.join("\n")
            }
            // A recognizer said more than the table.
            Body::Table { .. } if !is_one_table(&block.content) => {
                html::table(&block.content, self.pictures, false, block.markup)
                    .trim()
                    .to_string()
            }
            Body::Table { table, is_cut } => {
                let mut out = tables::table(table, block.markup, self.pictures);
                if *is_cut {
                    out.push_str(
                        "\n\n<!-- The table is too large; its last cells are left out. -->",
                    );
                }
                out
            }
            Body::Code { language, text } => code(text, language.as_deref()),
            Body::Formula { latex, number } => formula(latex, number.as_deref()),
            Body::Picture { .. } => self.picture(block, caption, label),
            Body::Caption { text } => paragraph(text, Place::Line, label),
            Body::Footnote { mark, paragraphs } => {
                let mut paragraphs = paragraphs.clone();
                if let Some(mark) = mark {
                    if paragraphs.is_empty() {
                        paragraphs.push(Vec::new());
                    }
                    let mark = TextRun {
                        text: mark.clone(),
                        script: Some(Script::Sup),
                        ..TextRun::default()
                    };
                    let blank = TextRun {
                        text: " ".into(),
                        ..TextRun::default()
                    };
                    paragraphs[0].splice(0..0, [mark, blank].map(Inline::Text));
                }
                self.paragraphs(&paragraphs, &|_, _| None)
            }
        }
    }

    fn paragraphs(&self, paragraphs: &[Paragraph], label: LabelOf) -> String {
        let texts = paragraphs.iter();
        joined(
            texts
                .map(|text| paragraph(text, Place::Block, label))
                .collect(),
        )
    }

    fn picture(&self, block: &Block, caption: Option<&Paragraph>, label: LabelOf) -> String {
        let Body::Picture {
            path,
            alt,
            paragraphs,
        } = &block.body
        else {
            return String::new();
        };
        let mut pieces = Vec::new();
        if let Some(path) = path {
            let text = alt.clone().filter(|alt| !alt.trim().is_empty());
            let text = text.or(caption.filter(|text| !is_blank(text)).map(words));
            let text = text.unwrap_or_else(|| name(block.label).to_string());
            let source = self.pictures.source(path);
            pieces.push(format!("![{}]({source})", description(&shortened(&text))));
        }
        if self.options.shows_text_of(block.label) {
            let is_table = block.label == Label::Chart && self.options.use_chart_recognition;
            pieces.push(match is_table && !paragraphs.iter().all(is_blank) {
                true => tables::table(&chart_table(paragraphs), block.markup, self.pictures),
                false => self.paragraphs(paragraphs, label),
            });
        }
        joined(pieces)
    }
}

/// Pieces with something in them, with blank lines between.
pub(super) fn joined(pieces: Vec<String>) -> String {
    let pieces: Vec<String> = pieces.into_iter().filter(|p| !p.is_empty()).collect();
    pieces.join("\n\n")
}

/// A heading; the depth of one that has none follows from the dots in its numbering.
fn heading(depth: Option<u8>, text: &Paragraph, label: LabelOf) -> String {
    let shown = paragraph(text, Place::Heading, label);
    if shown.is_empty() {
        return shown;
    }
    let depth = depth.map_or_else(|| title_parts(&Inline::plain_of(text)).0, usize::from);
    format!("{} {shown}", "#".repeat((depth + 1).min(MAX_DEPTH)))
}

/// `true` if an answer holds a table and nothing else.
fn is_one_table(content: &str) -> bool {
    let content = content.to_ascii_lowercase();
    let mut parts = content.split("<table");
    let before = parts.next().unwrap_or_default();
    let (inside, others) = (parts.next().unwrap_or_default(), parts.next());
    let after = inside.split_once("</table>").map_or("", |(_, after)| after);
    let is_wrapper = |text: &str| {
        let tags = ["<html>", "<body>", "</body>", "</html>"];
        let rest = tags
            .iter()
            .fold(text.to_string(), |rest, tag| rest.replace(tag, ""));
        rest.trim().is_empty()
    };
    others.is_none() && is_wrapper(before) && is_wrapper(after)
}

/// A line of a table of contents, with the dots between its title and its page as one.
fn without_leaders(entry: &Paragraph) -> Paragraph {
    let mut entry = entry.clone();
    for inline in &mut entry {
        if let Inline::Text(run) = inline {
            run.text = shorter_leaders(&run.text);
        }
    }
    entry
}

/// Shortens runs of dots with or without blanks between them.
fn shorter_leaders(text: &str) -> String {
    let is_leader = |c: char| matches!(c, '.' | ' ' | '\u{b7}' | '\u{2026}');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_leader) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest.find(|c| !is_leader(c)).unwrap_or(rest.len());
        let run = &rest[..end];
        match run.chars().filter(|c| *c != ' ').count() {
            0..LEAST_LEADER => out.push_str(run),
            _ => out.push_str(" \u{2026} "),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// Paragraphs whose first word may be a heading.
fn opened(paragraphs: &[Paragraph], label: LabelOf) -> String {
    let mut rest = paragraphs.to_vec();
    let mut pieces = Vec::new();
    if let Some(Inline::Text(run)) = rest.first_mut().and_then(|text| text.first_mut()) {
        let text = run.text.trim_start();
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        if OPENINGS.contains(&text[..end].to_lowercase().as_str()) {
            let opening = TextRun {
                text: text[..end].to_string(),
                ..TextRun::default()
            };
            run.text = text[end..].trim_start().to_string();
            pieces.push(heading(Some(1), &vec![Inline::Text(opening)], label));
        }
    }
    let texts = rest.iter();
    pieces.extend(texts.map(|text| paragraph(text, Place::Block, label)));
    joined(pieces)
}

/// A formula on lines of its own. Brackets around its number are those that TeX writes itself.
fn formula(latex: &str, number: Option<&str>) -> String {
    let mut latex = safe_formula(latex.trim());
    if latex.trim().is_empty() {
        return number.map_or_else(String::new, |number| {
            let run = TextRun {
                text: number.to_string(),
                ..TextRun::default()
            };
            paragraph(&[Inline::Text(run)], Place::Line, &|_, _| None)
        });
    }
    if let Some(number) = number {
        let is_meant = |c: &char| !matches!(c, '$' | '{' | '}' | '\\' | '^' | '~');
        let number: String = normalized(number).chars().filter(is_meant).collect();
        let number = number.replace('\n', " ");
        let inner = number.strip_prefix('(').and_then(|n| n.strip_suffix(')'));
        let (tag, number) = match inner {
            Some(inner) => ("\\tag", inner),
            None => ("\\tag*", number.as_str()),
        };
        let number = ['#', '%', '&', '_']
            .iter()
            .fold(number.to_string(), |number, sign| {
                number.replace(*sign, &format!("\\{sign}"))
            });
        latex.push_str(&format!(" {tag}{{{}}}", safe_formula(&number)));
    }
    format!("$${latex}$$")
}

/// The definition of a footnote.
fn definition(label: &str, paragraphs: &[Paragraph]) -> String {
    let texts = paragraphs.iter();
    let texts = texts.map(|text| paragraph(text, Place::Line, &|_, _| None));
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    format!("[^{label}]: {}", texts.join("\n\n    "))
}

/// The words of a caption, without its marks of footnotes.
fn words(paragraph: &Paragraph) -> String {
    let words = paragraph.iter();
    let words = words.filter(|inline| !matches!(inline, Inline::FootnoteReference { .. }));
    words.map(Inline::plain).collect()
}

/// A text on one line, cut after a word where it is long.
fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = text.char_indices().nth(LONGEST_DESCRIPTION) else {
        return text;
    };
    let end = text[..end].rfind(' ').unwrap_or(end);
    format!("{}\u{2026}", text[..end].trim_end())
}

/// The description of a picture without any.
fn name(label: Label) -> &'static str {
    match label {
        Label::Chart => "Chart",
        Label::Seal => "Seal",
        Label::DisplayFormula | Label::Formula | Label::InlineFormula => "Formula",
        _ => "Image",
    }
}

#[cfg(test)]
mod tests;
