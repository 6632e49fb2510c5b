//! Pieces that a `DoclingDocument` is made of: places, cells, and what belongs to what.

use super::items::{BoundingBox, Provenance, TableCell, TableData};
use crate::serve::parsed::{Body, Cell, Item, ParsedBlock, ParsedPage, plain};
use std::collections::BTreeMap;

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

/// A page's way from pixels to points.
#[derive(Clone, Copy)]
pub(super) struct Sheet {
    /// Position of the page, from 0.
    pub index: usize,
    /// Points per pixel.
    pub scale: f64,
    /// Width in points.
    pub width: f64,
    /// Height in points.
    pub height: f64,
}

impl Sheet {
    /// That of a page.
    pub(super) fn new(page: &ParsedPage, index: usize, scale: f64) -> Sheet {
        Sheet {
            index,
            scale,
            width: page.width * scale,
            height: page.height * scale,
        }
    }

    /// A box that counts from the top, within the page.
    pub(super) fn on_page(&self, pixels: [f64; 4]) -> BoundingBox {
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
    pub(super) fn place(&self, pixels: [f64; 4], length: usize) -> Provenance {
        let bbox = self.on_page(pixels);
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

/// `true` for an item whose marker is a number or letter.
pub(super) fn is_numbered(item: &Item) -> bool {
    let marker = item.marker.as_deref().unwrap_or_default();
    marker.chars().any(char::is_alphanumeric)
}

/// The kind of a piece of furniture; a page number is part of what it stands in.
pub(super) fn running_label(label: &str, bbox: [f64; 4], sheet: Sheet) -> &'static str {
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

/// docling-core's name of a language.
pub(super) fn known_language(language: Option<&str>) -> &'static str {
    let known = LANGUAGES
        .into_iter()
        .find(|known| language.is_some_and(|language| known.eq_ignore_ascii_case(language)));
    known.unwrap_or("unknown")
}

/// The cells of a table.
pub(super) fn table_data(size: (usize, usize), cells: &[Cell], sheet: Sheet) -> TableData {
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
                    .map(|bbox| sheet.on_page(bbox)),
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
pub(super) fn captions(blocks: &[ParsedBlock]) -> BTreeMap<usize, usize> {
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
    let mut found = BTreeMap::new();
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
