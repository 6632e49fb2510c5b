//! DocTags: the items of a document as tags in reading order, each with its place as numbers from 0 to 500.

use super::items::{DoclingDocument, Float, Place, Provenance, TableCell, TableData, Text};
use std::fmt::Write;

/// Steps that a page has in each direction.
const STEPS: f64 = 500.0;

/// Writes the document.
pub(crate) fn write(document: &DoclingDocument) -> String {
    let mut writer = Writer {
        document,
        out: String::from("<doctag>"),
        page: None,
    };
    for child in &document.body.node.children {
        writer.item(child.place());
    }
    writer.out.push_str("</doctag>");
    writer.out
}

struct Writer<'a> {
    document: &'a DoclingDocument,
    out: String,
    page: Option<usize>,
}

impl Writer<'_> {
    fn item(&mut self, place: Place) {
        match place {
            Place::Body => {}
            Place::Group(_) => self.list(place),
            Place::Text(at) => {
                let text = &self.document.texts[at];
                self.break_before(&text.prov);
                self.text(text);
                self.out.push('\n');
            }
            Place::Table(at) => {
                let table = &self.document.tables[at];
                self.break_before(&table.float.prov);
                self.out.push_str("<otsl>");
                self.location(&table.float.prov);
                cells(&table.data, &mut self.out);
                self.captions(&table.float);
                self.out.push_str("</otsl>\n");
            }
            Place::Picture(at) => {
                let picture = &self.document.pictures[at];
                self.break_before(&picture.float.prov);
                self.out.push_str("<picture>");
                self.location(&picture.float.prov);
                self.captions(&picture.float);
                self.out.push_str("</picture>\n");
            }
        }
    }

    fn break_before(&mut self, places: &[Provenance]) {
        let page = places.first().map(|place| place.page_no);
        if let (Some(last), Some(page)) = (self.page, page)
            && last != page
        {
            self.out.push_str("<page_break>\n");
        }
        self.page = page.or(self.page);
    }

    /// The places of an item, from the top left.
    fn location(&mut self, places: &[Provenance]) {
        for place in places {
            self.location_of(place);
        }
    }

    fn location_of(&mut self, place: &Provenance) {
        let Some(page) = self.document.pages.get(&place.page_no) else {
            return;
        };
        let step = |at: f64, size: f64| (at / size * STEPS).round_ties_even().clamp(0.0, STEPS);
        let (width, height) = (page.size.width, page.size.height);
        let bbox = place.bbox;
        for number in [
            step(bbox.l, width),
            step(height - bbox.t, height),
            step(bbox.r, width),
            step(height - bbox.b, height),
        ] {
            let _ = write!(self.out, "<loc_{number}>");
        }
    }

    fn text(&mut self, text: &Text) {
        let tag = match (text.label, text.level) {
            (label, Some(level)) => format!("{label}_level_{level}"),
            (label, None) => label.to_string(),
        };
        let _ = write!(self.out, "<{tag}>");
        self.location(&text.prov);
        if let Some(language) = text.code_language {
            let _ = write!(self.out, "<_{language}_>");
        }
        self.out.push_str(text.text.trim());
        let _ = write!(self.out, "</{tag}>");
    }

    fn captions(&mut self, float: &Float) {
        for caption in &float.captions {
            if let Place::Text(at) = caption.place() {
                self.text(&self.document.texts[at]);
            }
        }
    }

    fn list(&mut self, place: Place) {
        let children = &self.document.node(place).children;
        let is_numbered = children.first().is_some_and(|child| match child.place() {
            Place::Text(at) => self.document.texts[at].enumerated == Some(true),
            _ => false,
        });
        let tag = match is_numbered {
            true => "ordered_list",
            false => "unordered_list",
        };
        if let Some(Place::Text(at)) = children.first().map(|child| child.place()) {
            self.break_before(&self.document.texts[at].prov);
        }
        let _ = write!(self.out, "<{tag}>");
        for child in children {
            self.item(child.place());
            for below in &self.document.node(child.place()).children {
                self.out.push_str("<list_item>");
                self.item(below.place());
                // Within the item.
                self.out.truncate(self.out.trim_end().len());
                self.out.push_str("</list_item>\n");
            }
        }
        let _ = writeln!(self.out, "</{tag}>");
    }
}

/// Cells as tokens: full, empty, heads, and what goes on from the left, from above or from both.
fn cells(data: &TableData, out: &mut String) {
    for (row, line) in data.grid.iter().enumerate() {
        for (column, cell) in line.iter().enumerate() {
            token(cell, row, column, out);
        }
        out.push_str("<nl>");
    }
}

fn token(cell: &TableCell, row: usize, column: usize, out: &mut String) {
    let text = cell.text.trim();
    let is_first = (
        cell.start_row_offset_idx == row,
        cell.start_col_offset_idx == column,
    );
    match is_first {
        (true, true) if text.is_empty() => out.push_str("<ecel>"),
        (true, true) => {
            let tag = match (cell.column_header, cell.row_header) {
                (true, _) => "<ched>",
                (_, true) => "<rhed>",
                _ => "<fcel>",
            };
            out.push_str(tag);
            out.push_str(text);
        }
        (true, false) => out.push_str("<lcel>"),
        (false, true) => out.push_str("<ucel>"),
        (false, false) => out.push_str("<xcel>"),
    }
}
