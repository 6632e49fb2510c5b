//! What the forms of a whole document have in common: its title, blank paragraphs, the captions of figures and tables, charts as
//! tables.

use crate::document::inline::Inline;
use crate::document::{Block, Body, Cell, Document, Paragraph, Table};
use crate::net::address::{file_name_of, is_address};

/// The title that stands in the document.
pub(super) fn own_title(document: &Document) -> Option<String> {
    let blocks = document.pages.iter().flat_map(|page| &page.blocks);
    let mut titles = blocks.filter_map(|block| match &block.body {
        Body::Heading {
            depth: Some(0),
            text,
        } => Some(Inline::plain_of(text)).filter(|text| !text.trim().is_empty()),
        _ => None,
    });
    titles.next()
}

/// The title of the document, else the name of its file.
pub(super) fn title(document: &Document) -> String {
    own_title(document).unwrap_or_else(|| {
        let path = &document.input_path;
        if is_address(path) {
            return file_name_of(path);
        }
        let name = path.trim_end_matches('/').rsplit('/').next();
        name.unwrap_or_default().to_string()
    })
}

/// For every block, the index of the caption that goes with it: each caption goes to the nearer one of its neighbours that
/// are a picture or a table.
pub(super) fn captions(blocks: &[(usize, &Block)]) -> Vec<Option<usize>> {
    let mut found = vec![None; blocks.len()];
    let takes = |found: &[Option<usize>], at: usize| {
        let body = blocks.get(at).map(|(_, block)| &block.body);
        matches!(body, Some(Body::Picture { .. } | Body::Table { .. })) && found[at].is_none()
    };
    let gap = |a: usize, b: usize| {
        let (a, b) = (blocks[a].1.bbox, blocks[b].1.bbox);
        (a.y1 - b.y2).max(b.y1 - a.y2)
    };
    for (at, (_, block)) in blocks.iter().enumerate() {
        if !matches!(block.body, Body::Caption { .. }) {
            continue;
        }
        let neighbours = [at.checked_sub(1), Some(at + 1)];
        let holders = neighbours.into_iter().flatten();
        let nearest = holders
            .filter(|holder| takes(&found, *holder))
            .min_by(|a, b| gap(*a, at).total_cmp(&gap(*b, at)));
        if let Some(holder) = nearest {
            found[holder] = Some(at);
        }
    }
    found
}

/// A chart that was read as lines of cells with `|` between them.
pub(super) fn chart_table(paragraphs: &[Paragraph]) -> Table {
    let text: Vec<String> = paragraphs
        .iter()
        .map(|paragraph| Inline::plain_of(paragraph))
        .collect();
    let text = text.join("\n");
    let mut table = Table::default();
    for line in text.lines() {
        for (column, cell) in line.split('|').enumerate() {
            table.columns = table.columns.max(column + 1);
            table.cells.push(Cell {
                row: table.rows,
                column,
                row_span: 1,
                column_span: 1,
                text: cell.trim().to_string(),
                header: table.rows == 0,
                ..Cell::default()
            });
        }
        table.rows += 1;
    }
    table
}

/// `true` if a paragraph shows nothing.
pub(super) fn is_blank(paragraph: &Paragraph) -> bool {
    let mut all = paragraph.iter();
    all.all(|inline| inline.plain().trim().is_empty())
}
