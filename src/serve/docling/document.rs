//! A `DoclingDocument` of the JSON of a job: blocks become texts, tables and pictures in reading order, with their places
//! in points.
//!
//! * Items of a list, which the layout may have as a block each, come together in a group.
//! * A caption belongs to the table or picture beside it.
//! * Furniture is part of the body, in its layer.
//! * A block that goes on with an earlier one is a further place of that one's item.

use super::items::{
    BODY, DoclingDocument, FURNITURE, Float, Formatting, Group, ImageRef, Origin, PageItem,
    Picture, Place, Pointer, Size, Table, Text,
};
use super::pieces::{Sheet, captions, is_numbered, known_language, running_label, table_data};
use crate::serve::parsed::{
    BlockFacts, Body, Cell, Inline, Item, Paragraph, Parsed, ParsedBlock, ParsedPage, plain,
};
use serde_json::json;
use std::collections::HashMap;

/// Points per pixel of a page: pages are read at 144 dpi.
const POINTS: f64 = 0.5;
/// What is known of the file.
pub(crate) struct Source<'a> {
    /// Its name.
    pub name: &'a str,
    /// SHA-256 in hexadecimal.
    pub sha256: &'a str,
}

impl Source<'_> {
    fn extension(&self) -> String {
        let ending = self.name.rsplit_once('.').map(|(_, ending)| ending);
        ending.unwrap_or_default().to_lowercase()
    }

    fn stem(&self) -> &str {
        let stem = self.name.rsplit_once('.').map(|(stem, _)| stem);
        stem.filter(|stem| !stem.is_empty()).unwrap_or(self.name)
    }

    /// `None` for files whose media type some readers of the data model do not know.
    fn origin(&self) -> Option<Origin> {
        let mimetype = match self.extension().as_str() {
            "pdf" => "application/pdf",
            "png" => "image/png",
            "jpg" | "jpeg" => "image/jpeg",
            "tif" | "tiff" => "image/tiff",
            "bmp" => "image/bmp",
            "gif" => "image/gif",
            _ => return None,
        };
        let last = self.sha256.get(self.sha256.len().saturating_sub(16)..);
        Some(Origin {
            mimetype,
            binary_hash: u64::from_str_radix(last?, 16).ok()?,
            filename: self.name.into(),
        })
    }
}

/// Gives the pictures themselves.
pub(crate) trait Pictures {
    /// A picture by its path below the result's folder, with its size in pixels if that is known.
    fn picture(&self, path: &str) -> Option<(String, Option<(u32, u32)>)>;
}

/// Makes the document.
pub(crate) fn document(
    parsed: &Parsed,
    source: &Source<'_>,
    pictures: &dyn Pictures,
) -> DoclingDocument {
    let is_picture = !matches!(source.extension().as_str(), "pdf" | "");
    let mut builder = Builder {
        document: DoclingDocument::new(source.stem().into(), source.origin()),
        places: HashMap::new(),
        open_list: None,
        pictures,
    };
    for (at, page) in parsed.pages.iter().enumerate() {
        // A page that could not be read, or several, have no size.
        if page.width > 0.0 && page.height > 0.0 {
            let scale = match is_picture || page.page_index.is_none() {
                true => 1.0,
                false => POINTS,
            };
            let index = page.page_index.unwrap_or(at);
            builder.page(page, Sheet::new(page, index, scale));
        }
    }
    builder.document
}

/// A list that the next block may go on with.
struct OpenList {
    group: usize,
    is_numbered: bool,
}

struct Builder<'a> {
    document: DoclingDocument,
    /// The item that a block was made into, by page and block.
    places: HashMap<(usize, usize), Place>,
    open_list: Option<OpenList>,
    pictures: &'a dyn Pictures,
}

impl Builder<'_> {
    fn page(&mut self, page: &ParsedPage, sheet: Sheet) {
        let size = Size {
            width: sheet.width,
            height: sheet.height,
        };
        let page_no = sheet.index + 1;
        let item = PageItem { size, page_no };
        self.document.pages.insert(page_no, item);
        let captions = captions(&page.blocks);
        let none = BlockFacts::default();
        for (index, block) in page.blocks.iter().enumerate() {
            if captions.contains_key(&index) {
                continue;
            }
            let facts = page.diagnostics.blocks.get(index).unwrap_or(&none);
            let Some(place) = self.block(block, facts, sheet) else {
                continue;
            };
            self.places.insert((sheet.index, index), place);
            let own = captions.iter().filter(|(_, target)| **target == index);
            for (caption, _) in own {
                let text = page.blocks[*caption].body.texts().join("\n");
                let bbox = page.blocks[*caption].bbox;
                let item = self.text(place, BODY, "caption", &text, bbox, sheet);
                self.places.insert((sheet.index, *caption), item);
                self.add_caption(place, item);
            }
        }
    }

    fn add_caption(&mut self, place: Place, caption: Place) {
        let captions = match place {
            Place::Table(at) => &mut self.document.tables[at].float.captions,
            Place::Picture(at) => &mut self.document.pictures[at].float.captions,
            _ => return,
        };
        captions.push(Pointer::to(caption));
    }

    /// Adds a block; returns its last item.
    fn block(&mut self, block: &ParsedBlock, facts: &BlockFacts, sheet: Sheet) -> Option<Place> {
        let bbox = block.bbox;
        let is_formula = matches!(
            block.label.as_str(),
            "display_formula" | "inline_formula" | "formula"
        );
        match &block.body {
            Body::Empty => None,
            Body::Joined { page, block } => {
                let target = *self.places.get(&(*page, *block))?;
                let place = sheet.place(bbox, 0);
                self.document.provenance_mut(target)?.push(place);
                Some(target)
            }
            Body::Running { paragraphs } => {
                let label = running_label(&block.label, bbox, sheet);
                let texts: Vec<String> = paragraphs.iter().map(|p| plain(p)).collect();
                Some(self.text(
                    Place::Body,
                    FURNITURE,
                    label,
                    &texts.join("\n"),
                    bbox,
                    sheet,
                ))
            }
            Body::List { items } => self.list_block(items, bbox, sheet),
            body => {
                self.open_list = None;
                match body {
                    Body::Text { paragraphs } => self.paragraphs(paragraphs, bbox, sheet),
                    Body::Heading { depth, text } => Some(self.heading(*depth, text, bbox, sheet)),
                    Body::Contents { entries } => Some(self.contents(entries, bbox, sheet)),
                    Body::Table {
                        rows,
                        columns,
                        cells,
                    } => Some(self.table((*rows, *columns), cells, bbox, sheet)),
                    Body::Code { language, text } => {
                        let item = self.text(Place::Body, BODY, "code", text, bbox, sheet);
                        self.last_text().code_language = Some(known_language(language.as_deref()));
                        Some(item)
                    }
                    Body::Formula { latex, .. } => {
                        let item = self.text(Place::Body, BODY, "formula", latex, bbox, sheet);
                        self.last_text().orig = body.texts().join("\n");
                        Some(item)
                    }
                    Body::Picture { .. } if is_formula => {
                        // Nobody read it: no text that is meant, only what stands there.
                        let item = self.text(Place::Body, BODY, "formula", "", bbox, sheet);
                        self.last_text().orig = body.texts().join("\n");
                        Some(item)
                    }
                    Body::Picture { alt, paragraphs } => {
                        let path = facts.image.as_deref();
                        Some(self.picture(path, alt.as_deref(), paragraphs, bbox, sheet))
                    }
                    Body::Footnote { .. } => {
                        let text = body.texts().join("\n");
                        Some(self.text(Place::Body, BODY, "footnote", &text, bbox, sheet))
                    }
                    Body::Caption { text } => {
                        let text = plain(text);
                        Some(self.text(Place::Body, BODY, "caption", &text, bbox, sheet))
                    }
                    _ => None,
                }
            }
        }
    }

    fn last_text(&mut self) -> &mut Text {
        let texts = &mut self.document.texts;
        texts.last_mut().expect("a text was just added")
    }

    fn text(
        &mut self,
        parent: Place,
        layer: &'static str,
        label: &'static str,
        text: &str,
        bbox: [f64; 4],
        sheet: Sheet,
    ) -> Place {
        let place = Place::Text(self.document.texts.len());
        let node = self.document.child(place, parent, layer);
        self.document.texts.push(Text {
            node,
            label,
            prov: vec![sheet.place(bbox, text.chars().count())],
            orig: text.into(),
            text: text.into(),
            formatting: None,
            hyperlink: None,
            level: None,
            enumerated: None,
            marker: None,
            code_language: None,
        });
        place
    }

    fn paragraphs(
        &mut self,
        paragraphs: &[Paragraph],
        bbox: [f64; 4],
        sheet: Sheet,
    ) -> Option<Place> {
        let mut last = None;
        for paragraph in paragraphs {
            let text = plain(paragraph);
            last = Some(self.text(Place::Body, BODY, "text", &text, bbox, sheet));
            self.style_of(paragraph);
        }
        last
    }

    /// Gives the last text the look and address of its paragraph, if that has one of each.
    fn style_of(&mut self, paragraph: &Paragraph) {
        if let [Inline::Text(run)] = paragraph.as_slice() {
            let formatting = Formatting {
                bold: run.bold,
                italic: run.italic,
                underline: false,
                strikethrough: run.strike,
            };
            let has_look = run.bold || run.italic || run.strike;
            let link = run.link.clone().filter(|link| !link.starts_with('#'));
            let text = self.last_text();
            text.formatting = has_look.then_some(formatting);
            text.hyperlink = link;
        }
    }

    fn heading(
        &mut self,
        depth: Option<u8>,
        text: &Paragraph,
        bbox: [f64; 4],
        sheet: Sheet,
    ) -> Place {
        let label = match depth {
            Some(0) => "title",
            _ => "section_header",
        };
        let item = self.text(Place::Body, BODY, label, &plain(text), bbox, sheet);
        if label == "section_header" {
            self.last_text().level = Some(depth.unwrap_or(1).max(1));
        }
        item
    }

    fn group(&mut self, parent: Place) -> usize {
        let at = self.document.groups.len();
        let node = self.document.child(Place::Group(at), parent, BODY);
        self.document.groups.push(Group {
            node,
            name: "list",
            label: "list",
        });
        at
    }

    fn list_block(&mut self, items: &[Item], bbox: [f64; 4], sheet: Sheet) -> Option<Place> {
        let is_numbered = items.first().is_some_and(is_numbered);
        let group = match self.open_list.take() {
            Some(open) if open.is_numbered == is_numbered => open.group,
            _ => self.group(Place::Body),
        };
        self.open_list = Some(OpenList { group, is_numbered });
        self.items(items, group, bbox, sheet)
    }

    fn items(
        &mut self,
        items: &[Item],
        group: usize,
        bbox: [f64; 4],
        sheet: Sheet,
    ) -> Option<Place> {
        let mut last = None;
        for item in items {
            let texts: Vec<String> = item.paragraphs.iter().map(|p| plain(p)).collect();
            let parent = Place::Group(group);
            let place = self.text(parent, BODY, "list_item", &texts.join("\n"), bbox, sheet);
            if let [paragraph] = item.paragraphs.as_slice() {
                self.style_of(paragraph);
            }
            let text = self.last_text();
            text.enumerated = Some(is_numbered(item));
            text.marker = Some(item.marker.clone().unwrap_or_else(|| "-".into()));
            last = Some(place);
            if !item.items.is_empty() {
                let below = self.group(place);
                last = self.items(&item.items, below, bbox, sheet).or(last);
            }
        }
        last
    }

    fn float(&mut self, place: Place, label: &'static str, bbox: [f64; 4], sheet: Sheet) -> Float {
        Float {
            node: self.document.child(place, Place::Body, BODY),
            label,
            prov: vec![sheet.place(bbox, 0)],
            captions: Vec::new(),
            references: Vec::new(),
            footnotes: Vec::new(),
        }
    }

    fn table(
        &mut self,
        size: (usize, usize),
        cells: &[Cell],
        bbox: [f64; 4],
        sheet: Sheet,
    ) -> Place {
        let place = Place::Table(self.document.tables.len());
        let float = self.float(place, "table", bbox, sheet);
        let data = table_data(size, cells, sheet);
        self.document.tables.push(Table {
            float,
            data,
            annotations: Vec::new(),
        });
        place
    }

    /// A table of contents is a table in docling, too.
    fn contents(&mut self, entries: &[Paragraph], bbox: [f64; 4], sheet: Sheet) -> Place {
        let cells: Vec<Cell> = entries
            .iter()
            .enumerate()
            .map(|(row, entry)| Cell {
                row,
                column: 0,
                row_span: 1,
                column_span: 1,
                text: plain(entry),
                header: false,
                page_index: None,
                bbox: None,
            })
            .collect();
        let place = self.table((cells.len(), 1), &cells, bbox, sheet);
        if let Some(table) = self.document.tables.last_mut() {
            table.float.label = "document_index";
        }
        place
    }

    fn picture(
        &mut self,
        path: Option<&str>,
        alt: Option<&str>,
        paragraphs: &[Paragraph],
        bbox: [f64; 4],
        sheet: Sheet,
    ) -> Place {
        let place = Place::Picture(self.document.pictures.len());
        let float = self.float(place, "picture", bbox, sheet);
        let given = path.and_then(|path| self.pictures.picture(path));
        let image = given.map(|(uri, size)| {
            let [left, top, right, bottom] = bbox;
            let (width, height) = size.map_or((right - left, bottom - top), |(width, height)| {
                (f64::from(width), f64::from(height))
            });
            ImageRef {
                mimetype: "image/jpeg",
                dpi: (72.0 / sheet.scale) as u32,
                size: Size { width, height },
                uri,
            }
        });
        let annotations = alt.map(|alt| {
            let provenance = "docparse";
            json!({"kind": "description", "text": alt, "provenance": provenance})
        });
        self.document.pictures.push(Picture {
            float,
            image,
            annotations: annotations.into_iter().collect(),
        });
        for paragraph in paragraphs {
            self.text(place, BODY, "text", &plain(paragraph), bbox, sheet);
        }
        place
    }
}

#[cfg(test)]
mod tests;
