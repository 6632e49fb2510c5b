//! The text of a Word document: the blocks of its pages.

use super::direction::is_right_to_left;
use super::links::Links;
use super::numbering::{self, LEVELS, Mark, Numbering};
use super::parts::{self, Paper};
use super::pictures::{Pictures, Size};
use super::tables;
use super::texts::{self, Look, Place, Texts, Weight, page_name, plain};
use super::xml::Stream;
use crate::document::inline::{Inline, TextRun};
use crate::document::{Block, Body, Label, ListItem, Markup, Page, Paragraph, Table};
use crate::writer::figures::{captions, chart_table, is_blank};
use crate::writer::notes::{Notes, footnote};
use crate::writer::options::MarkdownOptions;
use std::collections::BTreeSet;
use std::io;

/// Deepest heading of Word's styles that is written.
const MAX_DEPTH: u8 = 6;
/// Depth of headings whose depth is not known.
const UNKNOWN_DEPTH: u8 = 1;

/// What the other parts need of the text.
pub(super) struct Written<'a> {
    /// The pictures that it shows.
    pub pictures: Pictures<'a>,
    /// Its links.
    pub links: Links,
    /// The links of footnotes.
    pub note_links: Links,
    /// The footnotes that it refers to.
    pub footnotes: String,
    /// The part of its lists.
    pub numbering: String,
}

/// Writes the text of some pages.
pub(super) fn write_pages<'a>(
    pages: &'a [Page],
    options: &'a MarkdownOptions,
    paper: Paper,
    pictures: Pictures<'a>,
    stream: Stream,
) -> io::Result<Written<'a>> {
    let has_notes = !options.is_left_out(Label::Footnote);
    let mut writer = BlockWriter {
        stream,
        options,
        paper,
        texts: Texts::new(Notes::of(pages, has_notes)),
        pictures,
        numbering: Numbering::default(),
        footnotes: String::new(),
        is_below_table: false,
    };
    writer.stream.push(&[parts::DOCUMENT_START]);
    for page in pages {
        writer.page(page);
    }
    writer.end_table();
    writer.stream.push(&[&paper.document_end()]);
    writer.stream.finish()?;
    Ok(Written {
        pictures: writer.pictures,
        links: writer.texts.links,
        note_links: writer.texts.note_links,
        footnotes: writer.footnotes,
        numbering: writer.numbering.xml(),
    })
}

/// `true` if a block is part of the text of its page; footnotes are not, they are written at its end.
fn is_shown(block: &Block, options: &MarkdownOptions) -> bool {
    match &block.body {
        Body::Empty | Body::Joined { .. } => false,
        Body::Picture { path: None, .. } if !options.shows_text_of(block.label) => false,
        _ if footnote(block).is_some() || block.hidden.is_some() => false,
        _ => !options.is_left_out(block.label),
    }
}

/// Writes pages.
struct BlockWriter<'a, 's> {
    stream: Stream<'s>,
    options: &'a MarkdownOptions,
    paper: Paper,
    texts: Texts<'a>,
    pictures: Pictures<'a>,
    numbering: Numbering,
    /// The footnotes that something refers to.
    footnotes: String,
    /// The last thing written is a table.
    is_below_table: bool,
}

impl<'a> BlockWriter<'a, '_> {
    fn page(&mut self, page: &'a Page) {
        let (name, id) = (page_name(page.page_index), page.page_index);
        let mark = format!(
            "<w:bookmarkStart w:id=\"{id}\" w:name=\"{name}\"/><w:bookmarkEnd w:id=\"{id}\"/>"
        );
        self.stream.push(&[&mark]);
        let first_note = self.texts.notes.start(page);
        let options = self.options;
        let blocks = page.blocks.iter().enumerate();
        let shown: Vec<(usize, &Block)> = blocks
            .filter(|(_, block)| is_shown(block, options))
            .collect();
        let captions = captions(&shown);
        let taken: BTreeSet<usize> = captions.iter().flatten().copied().collect();
        for (at, (index, block)) in shown.iter().enumerate() {
            if taken.contains(&at) {
                continue;
            }
            let caption = captions[at].and_then(|of| match &shown[of].1.body {
                Body::Caption { text } => Some((text, shown[of].0, of > at)),
                _ => None,
            });
            if let Some((text, of, false)) = caption {
                self.caption(text, of, true);
            }
            self.block(
                block,
                *index,
                page,
                caption.is_some_and(|(_, _, is_below)| is_below),
            );
            if let Some((text, of, true)) = caption {
                self.caption(text, of, false);
            }
        }
        self.page_footnotes(page, first_note);
    }

    /// Writes a block, `at` is its index on its page; its caption may follow.
    fn block(&mut self, block: &Block, at: usize, page: &Page, has_caption_below: bool) {
        match &block.body {
            Body::Empty | Body::Joined { .. } => {}
            Body::Text { paragraphs } => self.paragraphs(paragraphs, at, ""),
            Body::Heading { depth, text } => {
                let style = match depth.unwrap_or(UNKNOWN_DEPTH) {
                    0 => "Title".to_string(),
                    depth => format!("Heading{}", depth.min(MAX_DEPTH)),
                };
                let look = Look {
                    style: &style,
                    ..Look::default()
                };
                let place = Place {
                    block: at,
                    weight: Weight::OfStyle,
                };
                self.paragraph(text, "", look, place);
            }
            Body::List { items } => self.items(items, at, 0),
            Body::Contents { entries } => self.paragraphs(entries, at, "TOC1"),
            Body::Table { table, is_cut } => {
                self.table(table, block.markup);
                if *is_cut {
                    self.plain(
                        "The table is too large; its last cells are left out.",
                        "Running",
                    );
                }
                self.pictures_of_table(table, page);
            }
            Body::Code { text, .. } => self.plain(text.trim_end_matches('\n'), "Code"),
            Body::Formula { latex, number } => {
                let number = number.as_deref().map(|number| format!("\t{number}"));
                let text = format!("{}{}", latex.trim(), number.unwrap_or_default());
                self.plain(&text, "Formula");
            }
            Body::Picture { .. } => self.picture(block, at, page, has_caption_below),
            Body::Caption { text } => self.caption(text, at, false),
            Body::Footnote { mark, paragraphs } => {
                let start = self.texts.note_start(mark.as_deref(), 0);
                let note = self.note(start, paragraphs, at);
                self.push_paragraphs(&note);
            }
            Body::Running { paragraphs } => self.paragraphs(paragraphs, at, "Running"),
        }
    }

    fn paragraphs(&mut self, paragraphs: &[Paragraph], at: usize, style: &str) {
        for paragraph in paragraphs.iter().filter(|p| !is_blank(p)) {
            let look = Look {
                style,
                ..Look::default()
            };
            self.paragraph(paragraph, "", look, Place::of(at));
        }
    }

    fn paragraph(&mut self, text: &Paragraph, start: &str, look: Look, place: Place) {
        let look = Look {
            has_space: self.is_below_table && !has_own_space(look.style),
            ..look
        };
        let xml = self.texts.paragraph(text, start, &look, place);
        self.push_paragraphs(&xml);
    }

    fn plain(&mut self, text: &str, style: &str) {
        let look = Look {
            style,
            has_space: self.is_below_table && !has_own_space(style),
            ..Look::default()
        };
        self.push_paragraphs(&texts::paragraph(&look, false, &plain(text)));
    }

    fn push_paragraphs(&mut self, xml: &str) {
        self.stream.push(&[xml]);
        self.is_below_table = false;
    }

    /// Puts a paragraph below a table: Word joins tables with nothing between them, and a document ends with a paragraph.
    fn end_table(&mut self) {
        if self.is_below_table {
            self.push_paragraphs("<w:p><w:pPr><w:spacing w:after=\"0\"/></w:pPr></w:p>");
        }
    }

    fn caption(&mut self, text: &Paragraph, at: usize, is_above: bool) {
        let look = Look {
            style: "Caption",
            keeps_next: is_above,
            ..Look::default()
        };
        self.paragraph(text, "", look, Place::of(at));
    }

    fn items(&mut self, items: &[ListItem], at: usize, depth: usize) {
        let level = depth.min(LEVELS - 1);
        let (indent, hanging) = numbering::indent(level);
        for item in items {
            let mark = self.numbering.next(item.marker.as_deref(), level);
            let (list, start, first) = match mark {
                Mark::List(list) => (Some((list, level)), String::new(), None),
                Mark::Text(mark) => (None, plain(&format!("{mark}\t")), Some((indent, hanging))),
            };
            let look = Look {
                style: "ListParagraph",
                list,
                indent: first,
                ..Look::default()
            };
            let (first, others) = match item.paragraphs.split_first() {
                Some((first, others)) => (first.as_slice(), others),
                None => (&[][..], &[][..]),
            };
            self.paragraph(&first.to_vec(), &start, look, Place::of(at));
            for paragraph in others.iter().filter(|p| !is_blank(p)) {
                let look = Look {
                    style: "ListParagraph",
                    indent: Some((indent, 0)),
                    ..Look::default()
                };
                self.paragraph(paragraph, "", look, Place::of(at));
            }
            self.items(&item.items, at, depth + 1);
        }
    }

    fn table(&mut self, table: &Table, markup: Markup) {
        if table.rows == 0 || table.columns == 0 {
            return;
        }
        self.end_table();
        // Cells of recognizers have formulas; raised text lost its tags when they were read.
        let markup = Markup {
            formulas: markup.formulas,
            ..Markup::default()
        };
        let all = table.cells.iter().map(|cell| cell.text.as_str());
        let is_rtl = is_right_to_left(&all.collect::<String>());
        let texts = &mut self.texts;
        let width = self.paper.text_width();
        tables::write(table, width, is_rtl, &mut self.stream, &mut |cell, look| {
            let text = cell.map_or("", |cell| cell.text.as_str());
            let text = Inline::parse(text, markup, &TextRun::default());
            let weight = match cell.is_some_and(|cell| cell.header) {
                true => Weight::Bold,
                false => Weight::Own,
            };
            texts.paragraph(&text, "", look, Place { block: 0, weight })
        });
        self.is_below_table = true;
    }

    /// Pictures inside of a table stand below it.
    fn pictures_of_table(&mut self, table: &Table, page: &Page) {
        for path in table.cells.iter().flat_map(|cell| &cell.pictures) {
            if page.table_pictures.contains(path) {
                self.drawing(path, "", None, page, false);
            }
        }
    }

    fn picture(&mut self, block: &Block, at: usize, page: &Page, has_caption_below: bool) {
        let Body::Picture {
            path,
            alt,
            paragraphs,
        } = &block.body
        else {
            return;
        };
        if let Some(path) = path {
            // As large as on its page, but on a page that is larger than the paper.
            let width = f64::from(page.size_points.0).min(self.paper.width());
            let width = page_share(block, page).map(|share| share * width);
            let alt = alt.as_deref().unwrap_or_default();
            self.drawing(path, alt, width, page, has_caption_below);
        }
        if self.options.shows_text_of(block.label) {
            if block.label == Label::Chart && self.options.use_chart_recognition {
                self.table(&chart_table(paragraphs), block.markup);
            } else {
                self.paragraphs(paragraphs, at, "");
            }
        }
    }

    /// Writes a picture, or what it shows where its bytes are not there.
    fn drawing(
        &mut self,
        path: &str,
        alt: &str,
        width: Option<f64>,
        page: &Page,
        keeps_next: bool,
    ) {
        let pixels = page.width as f64 / f64::from(page.size_points.0);
        let size = Size {
            width,
            pixels: if pixels > 0.0 && pixels.is_finite() {
                pixels
            } else {
                2.0
            },
            most: self.paper.most(),
        };
        let look = Look {
            style: "Figure",
            keeps_next,
            ..Look::default()
        };
        match self.pictures.drawing(path, alt, size) {
            Ok(Some(drawing)) => self.push_paragraphs(&texts::paragraph(&look, false, &drawing)),
            Ok(None) if !alt.trim().is_empty() => self.plain(alt, "Figure"),
            Ok(None) => {}
            Err(error) => self.stream.fail(error),
        }
    }

    /// Footnotes that are referred to become Word's, others stay paragraphs.
    fn page_footnotes(&mut self, page: &Page, first: usize) {
        if self.options.is_left_out(Label::Footnote) {
            return;
        }
        let blocks = page.blocks.iter().enumerate();
        let notes = blocks.filter(|(_, block)| footnote(block).is_some());
        for (number, (at, block)) in (first..).zip(notes) {
            let Body::Footnote { mark, paragraphs } = &block.body else {
                continue;
            };
            let is_referred = self.texts.notes.is_referred(number);
            self.texts.is_in_note = is_referred;
            let start = self.texts.note_start(mark.as_deref(), number);
            let note = self.note(start, paragraphs, at);
            self.texts.is_in_note = false;
            if is_referred {
                let note = format!("<w:footnote w:id=\"{number}\">{note}</w:footnote>");
                self.footnotes.push_str(&note);
            } else {
                self.push_paragraphs(&note);
            }
        }
    }

    /// The paragraphs of a note, with what they begin with.
    fn note(&mut self, mut start: String, paragraphs: &[Paragraph], at: usize) -> String {
        let look = Look {
            style: "FootnoteText",
            ..Look::default()
        };
        let mut xml = String::new();
        for paragraph in paragraphs {
            let text = self
                .texts
                .paragraph(paragraph, &start, &look, Place::of(at));
            xml.push_str(&text);
            start.clear();
        }
        if xml.is_empty() {
            xml = texts::paragraph(&look, false, &start);
        }
        xml
    }
}

/// `true` for styles that have space above them.
fn has_own_space(style: &str) -> bool {
    matches!(style, "Title" | "Caption" | "Figure") || style.starts_with("Heading")
}

/// Width of a block as a part of its page's.
fn page_share(block: &Block, page: &Page) -> Option<f64> {
    let share = f64::from(block.bbox.width()) / page.width as f64;
    (share > 0.0 && share.is_finite()).then(|| share.min(1.0))
}
