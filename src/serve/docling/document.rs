//! A `DoclingDocument` of the JSON of a job: blocks become texts, tables and pictures in reading order, with their places
//! in points.
//!
//! * Items of a list, which the layout may have as a block each, come together in a group.
//! * A caption belongs to the table or picture beside it.
//! * Furniture is part of the body, in its layer.
//! * A block that goes on with an earlier one is a further place of that one's item.

use super::items::{
    BODY, BoundingBox, DoclingDocument, FURNITURE, Float, Formatting, Group, ImageRef, Origin,
    PageItem, Picture, Place, Pointer, Provenance, Size, Table, TableCell, TableData, Text,
};
use crate::serve::parsed::{
    BlockFacts, Body, Cell, Inline, Item, Paragraph, Parsed, ParsedBlock, ParsedPage, plain,
};
use serde_json::json;
use std::collections::HashMap;

/// Points per pixel of a page: pages are read at 144 dpi.
const POINTS: f64 = 0.5;
/// Positions of the largest table whose grid is written out.
const MOST_GRID: usize = 100_000;
/// Languages of listings by docling-core's names for them; other languages are unknown.
const LANGUAGES: [&str; 58] = [
    "Ada",
    "Awk",
    "Bash",
    "bc",
    "C",
    "C#",
    "C++",
    "CMake",
    "COBOL",
    "CSS",
    "Ceylon",
    "Clojure",
    "Crystal",
    "Cuda",
    "Cython",
    "D",
    "Dart",
    "dc",
    "Dockerfile",
    "Elixir",
    "Erlang",
    "FORTRAN",
    "Forth",
    "Go",
    "HTML",
    "Haskell",
    "Haxe",
    "Java",
    "JavaScript",
    "Julia",
    "Kotlin",
    "Lisp",
    "Lua",
    "Matlab",
    "MoonScript",
    "Nim",
    "OCaml",
    "ObjectiveC",
    "Octave",
    "PHP",
    "Pascal",
    "Perl",
    "Prolog",
    "Python",
    "Racket",
    "Ruby",
    "Rust",
    "SML",
    "SQL",
    "Scala",
    "Scheme",
    "Swift",
    "TypeScript",
    "unknown",
    "VisualBasic",
    "XML",
    "YAML",
    "JSON",
];

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

/// A page's way from pixels to points.
#[derive(Clone, Copy)]
struct Sheet {
    index: usize,
    scale: f64,
    width: f64,
    height: f64,
}

impl Sheet {
    fn new(page: &ParsedPage, index: usize, scale: f64) -> Sheet {
        Sheet {
            index,
            scale,
            width: page.width * scale,
            height: page.height * scale,
        }
    }

    /// A box that counts from the top, within the page.
    fn from_top(&self, pixels: [f64; 4]) -> BoundingBox {
        let [l, t, r, b] = pixels.map(|side| side * self.scale);
        BoundingBox {
            l: l.clamp(0.0, self.width),
            t: t.clamp(0.0, self.height),
            r: r.clamp(0.0, self.width),
            b: b.clamp(0.0, self.height),
            coord_origin: "TOPLEFT",
        }
    }

    /// A place; as docling has it, it counts from the bottom.
    fn place(&self, pixels: [f64; 4], length: usize) -> Provenance {
        let bbox = self.from_top(pixels);
        Provenance {
            page_no: self.index + 1,
            bbox: BoundingBox {
                t: self.height - bbox.t,
                b: self.height - bbox.b,
                coord_origin: "BOTTOMLEFT",
                ..bbox
            },
            charspan: [0, length],
        }
    }
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
            // In the order of the page.
            let mut own: Vec<usize> = captions
                .iter()
                .filter(|(_, target)| **target == index)
                .map(|(caption, _)| *caption)
                .collect();
            own.sort_unstable();
            for caption in own {
                let text = page.blocks[caption].body.texts().join("\n");
                let bbox = page.blocks[caption].bbox;
                let item = self.text(place, BODY, "caption", &text, bbox, sheet);
                self.places.insert((sheet.index, caption), item);
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

fn is_numbered(item: &Item) -> bool {
    let marker = item.marker.as_deref().unwrap_or_default();
    marker.chars().any(char::is_alphanumeric)
}

fn running_label(label: &str, bbox: [f64; 4], sheet: Sheet) -> &'static str {
    let [_, top, _, bottom] = bbox;
    let is_high = (top + bottom) * sheet.scale < sheet.height;
    match label {
        "header" | "header_image" => "page_header",
        "footer" | "footer_image" => "page_footer",
        "aside_text" => "text",
        _ if is_high => "page_header",
        _ => "page_footer",
    }
}

fn known_language(language: Option<&str>) -> &'static str {
    let known = LANGUAGES
        .into_iter()
        .find(|known| language.is_some_and(|language| known.eq_ignore_ascii_case(language)));
    known.unwrap_or("unknown")
}

fn table_data(size: (usize, usize), cells: &[Cell], sheet: Sheet) -> TableData {
    let (rows, columns) = size;
    // A row of headers heads columns; a header beside other cells heads its row.
    let mut heads = vec![true; rows];
    for cell in cells.iter().filter(|cell| !cell.header) {
        for row in heads.iter_mut().skip(cell.row).take(cell.row_span) {
            *row = false;
        }
    }
    let table_cells: Vec<TableCell> = cells
        .iter()
        .map(|cell| {
            let is_head = heads.get(cell.row).copied().unwrap_or(false);
            let is_here = cell.page_index.is_none_or(|page| page == sheet.index);
            TableCell {
                bbox: cell
                    .bbox
                    .filter(|_| is_here)
                    .map(|bbox| sheet.from_top(bbox)),
                row_span: cell.row_span,
                col_span: cell.column_span,
                start_row_offset_idx: cell.row,
                end_row_offset_idx: cell.row + cell.row_span,
                start_col_offset_idx: cell.column,
                end_col_offset_idx: cell.column + cell.column_span,
                text: cell.text.clone(),
                column_header: cell.header && is_head,
                row_header: cell.header && !is_head,
                row_section: false,
            }
        })
        .collect();
    let grid = match rows.saturating_mul(columns) <= MOST_GRID {
        true => grid(size, &table_cells),
        false => Vec::new(),
    };
    TableData {
        table_cells,
        num_rows: rows,
        num_cols: columns,
        grid,
    }
}

fn grid((rows, columns): (usize, usize), cells: &[TableCell]) -> Vec<Vec<TableCell>> {
    let nothing = |row: usize, column: usize| TableCell {
        row_span: 1,
        col_span: 1,
        start_row_offset_idx: row,
        end_row_offset_idx: row + 1,
        start_col_offset_idx: column,
        end_col_offset_idx: column + 1,
        ..TableCell::default()
    };
    let line = |row| (0..columns).map(|column| nothing(row, column)).collect();
    let mut grid: Vec<Vec<TableCell>> = (0..rows).map(line).collect();
    for cell in cells {
        let covered = cell.start_row_offset_idx..cell.end_row_offset_idx.min(rows);
        for row in covered {
            let covered = cell.start_col_offset_idx..cell.end_col_offset_idx.min(columns);
            for column in covered {
                grid[row][column] = cell.clone();
            }
        }
    }
    grid
}

/// The table or picture that each caption belongs to: the one beside it in reading order. Between two, a caption that
/// begins like those of tables belongs to the table, and others to what is nearer.
fn captions(blocks: &[ParsedBlock]) -> HashMap<usize, usize> {
    let is_float = |at: usize| {
        blocks.get(at).is_some_and(|block| {
            let is_formula = block.label.ends_with("formula");
            match block.body {
                Body::Table { .. } => true,
                Body::Picture { .. } => !is_formula,
                _ => false,
            }
        })
    };
    let is_table = |at: usize| matches!(blocks[at].body, Body::Table { .. });
    let mut found = HashMap::new();
    for (at, block) in blocks.iter().enumerate() {
        let Body::Caption { text } = &block.body else {
            continue;
        };
        let before = at.checked_sub(1).filter(|at| is_float(*at));
        let after = Some(at + 1).filter(|at| is_float(*at));
        let says_table = {
            let text = plain(text).to_lowercase();
            text.starts_with("tab") || text.starts_with('表')
        };
        let gap = |other: usize| {
            let ([_, top, _, bottom], [_, upper, _, lower]) = (block.bbox, blocks[other].bbox);
            (upper - bottom).max(top - lower).max(0.0)
        };
        let target = match (before, after) {
            (Some(before), Some(after)) if is_table(before) != is_table(after) => {
                Some(if is_table(before) == says_table {
                    before
                } else {
                    after
                })
            }
            (Some(before), Some(after)) => Some(if gap(after) < gap(before) {
                after
            } else {
                before
            }),
            (before, after) => before.or(after),
        };
        if let Some(target) = target {
            found.insert(at, target);
        }
    }
    found
}

#[cfg(test)]
mod tests;
