//! Tables as tables of Word: merged cells, rows of headers, widths of columns by their texts.

use super::texts::Look;
use super::xml::Stream;
use crate::document::{Cell, CellKind, Table};
use rust_xlsxwriter::cell_autofit_width;
use std::ops::Range;

/// Most columns of a table of Word: those beyond are a table of their own below it.
const MAX_COLUMNS: usize = 63;
/// Twentieths of a point for each pixel that a text is wide in Calibri of 11 points: tables have 10 points.
const TWIPS_PER_PIXEL: u32 = 14;
/// Pixels by which letters of double width, as in Chinese, are wider than the library knows.
const WIDE: u32 = 7;
/// Bold texts are wider by this part of their width.
const BOLD_SHARE: u32 = 10;
/// Space beside the text of a cell, on both sides together, and some for fonts that are wider.
const PADDING: u32 = 300;
/// The space beside texts in a table whose words do not fit.
const TIGHT: &str = "<w:tblCellMar><w:left w:w=\"28\" w:type=\"dxa\"/><w:right w:w=\"28\" w:type=\"dxa\"/></w:tblCellMar>";
/// Most of a word's width that a column keeps. A larger value breaks other columns where one has long addresses.
const MAX_WORD: u32 = 2400;

/// A cell with what continues it in the rows below.
#[derive(Clone, Copy)]
struct Merged {
    width: usize,
    rows: usize,
}

/// Writes a table that is at most `width` twentieths of a point wide; `paragraph` makes the text of a cell.
pub(super) fn write(
    table: &Table,
    width: u32,
    is_rtl: bool,
    stream: &mut Stream,
    paragraph: &mut dyn FnMut(Option<&Cell>, &Look) -> String,
) {
    let mut cells: Vec<&Cell> = table.cells.iter().collect();
    cells.sort_by_key(|cell| (cell.row, cell.column));
    for first in (0..table.columns).step_by(MAX_COLUMNS) {
        if first > 0 {
            // Tables with nothing between them are one.
            stream.push(&["<w:p/>"]);
        }
        let columns = first..table.columns.min(first + MAX_COLUMNS);
        let (widths, is_tight) = widths(&cells, columns.clone(), width);
        stream.push(&["<w:tbl><w:tblPr><w:tblStyle w:val=\"TableGrid\"/>"]);
        stream.push(&[if is_rtl { "<w:bidiVisual/>" } else { "" }]);
        let total: u32 = widths.iter().sum();
        let properties = format!(
            "<w:tblW w:w=\"{total}\" w:type=\"dxa\"/><w:jc w:val=\"center\"/>{}\
             <w:tblLook w:val=\"0420\" w:firstRow=\"1\" w:lastRow=\"0\" w:firstColumn=\"0\" \
             w:lastColumn=\"0\" w:noHBand=\"0\" w:noVBand=\"1\"/></w:tblPr><w:tblGrid>",
            if is_tight { TIGHT } else { "" }
        );
        stream.push(&[&properties]);
        for width in &widths {
            stream.push(&[&format!("<w:gridCol w:w=\"{width}\"/>")]);
        }
        stream.push(&["</w:tblGrid>"]);
        rows(table, &cells, columns, &widths, stream, paragraph);
        stream.push(&["</w:tbl>"]);
    }
}

fn rows(
    table: &Table,
    cells: &[&Cell],
    columns: Range<usize>,
    widths: &[u32],
    stream: &mut Stream,
    paragraph: &mut dyn FnMut(Option<&Cell>, &Look) -> String,
) {
    // A table of headers alone has nothing that they could stand above.
    let heads = Some(table.head_rows()).filter(|heads| *heads < table.rows);
    let mut cells = cells.iter().copied().peekable();
    let mut above: Vec<Option<Merged>> = vec![None; columns.len()];
    for row in 0..table.rows {
        let is_head = heads.is_some_and(|heads| row < heads);
        let head = if is_head { "<w:tblHeader/>" } else { "" };
        stream.push(&["<w:tr><w:trPr><w:cantSplit/>", head, "</w:trPr>"]);
        let mut own = Vec::new();
        while let Some(cell) = cells.next_if(|cell| cell.row <= row) {
            own.push(cell);
        }
        let mut own = own.into_iter().peekable();
        let mut at = 0;
        while at < columns.len() {
            let column = columns.start + at;
            // Of cells that begin further left, that part remains that is in these columns.
            while own
                .next_if(|c| c.column + c.column_span <= column)
                .is_some()
            {}
            let (cell, merged, merge) = match above[at] {
                Some(merged) => (None, merged, "<w:vMerge/>"),
                None => {
                    let cell = own.next_if(|cell| cell.column <= column);
                    let span = cell.map_or(1, |cell| cell.column + cell.column_span - column);
                    let free = above[at..].iter().take_while(|above| above.is_none());
                    let merged = Merged {
                        width: span.clamp(1, free.count()),
                        rows: cell.map_or(1, |cell| cell.row_span.max(1)),
                    };
                    let merge = match merged.rows {
                        1 => "",
                        _ => "<w:vMerge w:val=\"restart\"/>",
                    };
                    (cell, merged, merge)
                }
            };
            let end = at + merged.width;
            let width = widths[at..end].iter().sum();
            let is_start = cell.is_some_and(|cell| cell.column == column);
            let cell = cell.filter(|_| is_start);
            write_cell(cell, merged.width, width, merge, stream, paragraph);
            above[at] = (merged.rows > 1).then(|| Merged {
                rows: merged.rows - 1,
                ..merged
            });
            at = end;
        }
        stream.push(&["</w:tr>"]);
    }
}

fn write_cell(
    cell: Option<&Cell>,
    span: usize,
    width: u32,
    merge: &str,
    stream: &mut Stream,
    paragraph: &mut dyn FnMut(Option<&Cell>, &Look) -> String,
) {
    let is_header = cell.is_some_and(|cell| cell.header);
    let span = match span {
        1 => String::new(),
        span => format!("<w:gridSpan w:val=\"{span}\"/>"),
    };
    let shade = match is_header {
        true => "<w:shd w:val=\"clear\" w:color=\"auto\" w:fill=\"E8EDF3\"/>",
        false => "",
    };
    let look = Look {
        style: "TableText",
        at_end: cell.is_some_and(|cell| cell.kind == CellKind::Number),
        ..Look::default()
    };
    let width = format!("<w:tcW w:w=\"{width}\" w:type=\"dxa\"/>");
    stream.push(&["<w:tc><w:tcPr>", &width, &span, merge, shade, "</w:tcPr>"]);
    stream.push(&[&paragraph(cell, &look), "</w:tc>"]);
}

/// Widths of columns: what their texts want, and if that is too wide their words first, and the rest in proportion. The
/// flag is `true` if not even the words have room.
fn widths(cells: &[&Cell], columns: Range<usize>, width: u32) -> (Vec<u32>, bool) {
    let mut wanted = vec![0_u32; columns.len()];
    let mut words = vec![0_u32; columns.len()];
    for cell in cells.iter().filter(|cell| columns.contains(&cell.column)) {
        let pixels = |text: &str| {
            let wide = text.chars().filter(|c| is_wide(*c)).count();
            let wide = u32::try_from(wide).unwrap_or(u32::MAX).saturating_mul(WIDE);
            let pixels = cell_autofit_width(text).saturating_add(wide);
            let bold = if cell.header { pixels / BOLD_SHARE } else { 0 };
            pixels.saturating_add(bold).saturating_mul(TWIPS_PER_PIXEL)
        };
        let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(pixels).max().unwrap_or(0);
        let line = widest(&mut cell.text.lines()).min(width);
        let word = widest(&mut cell.text.split_whitespace()).min(MAX_WORD);
        let at = cell.column - columns.start;
        let end = columns.len().min(at + cell.column_span.max(1));
        // A cell over several columns wants the same of each.
        let share = u32::try_from(end - at).unwrap_or(1).max(1);
        for at in at..end {
            wanted[at] = wanted[at].max(line / share);
            words[at] = words[at].max(word / share);
        }
    }
    let padded =
        |widths: Vec<u32>| -> Vec<u32> { widths.iter().map(|width| width + PADDING).collect() };
    let (wanted, words) = (padded(wanted), padded(words));
    let sum = |widths: &[u32]| widths.iter().map(|width| u64::from(*width)).sum::<u64>();
    let (most, least, width) = (sum(&wanted), sum(&words), u64::from(width));
    if most <= width {
        return (wanted, false);
    }
    let shares = words.iter().zip(&wanted).map(|(word, wanted)| {
        let word = u64::from(*word);
        match least < width {
            true => word + (width - least) * (u64::from(*wanted) - word) / (most - least).max(1),
            false => word * width / least.max(1),
        }
    });
    let shares = shares.map(|share| u32::try_from(share).unwrap_or(0).max(1));
    (shares.collect(), least >= width)
}

/// `true` for a letter as wide as it is high.
fn is_wide(c: char) -> bool {
    matches!(c,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}'
        | '\u{ff01}'..='\u{ff60}' | '\u{20000}'..='\u{3fffd}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(row: usize, column: usize, row_span: usize, column_span: usize, text: &str) -> Cell {
        Cell {
            row,
            column,
            row_span,
            column_span,
            text: text.into(),
            ..Cell::default()
        }
    }

    fn xml(table: &Table) -> String {
        let mut out = Vec::new();
        let mut stream = Stream::new(&mut out);
        let mut text = |cell: Option<&Cell>, _: &Look| {
            format!("[{}]", cell.map_or("", |cell| cell.text.as_str()))
        };
        write(table, 9000, false, &mut stream, &mut text);
        stream.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The rows of a table: its texts, with `>` for each further column and `^` for what goes on from above.
    #[track_caller]
    fn check(table: &Table, expected: &[&str]) {
        let xml = xml(table);
        let rows = xml.split("<w:tr>").skip(1).map(|row| {
            let cells = row.split("<w:tc>").skip(1).map(|cell| {
                let text = cell.split(['[', ']']).nth(1).unwrap();
                let above = if cell.contains("<w:vMerge/>") {
                    "^"
                } else {
                    ""
                };
                let span = cell.split("<w:gridSpan w:val=\"").nth(1);
                let span = span.map_or(1, |rest| rest.split('"').next().unwrap().parse().unwrap());
                format!("{above}{text}{}", ">".repeat(span - 1))
            });
            cells.collect::<Vec<_>>().join("|")
        });
        assert_eq!(rows.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn merged_cells_cover_what_they_cover() {
        let table = Table {
            rows: 3,
            columns: 3,
            cells: vec![
                cell(0, 0, 2, 2, "a"),
                cell(0, 2, 1, 1, "b"),
                cell(1, 2, 2, 1, "c"),
                cell(2, 0, 1, 1, "d"),
            ],
        };
        check(&table, &["a>|b", "^>|c", "d||^"]);
    }

    #[test]
    fn tables_that_are_no_grid_keep_their_rows() {
        let table = Table {
            rows: 2,
            columns: 2,
            cells: vec![
                cell(0, 0, 9, 1, "a"),
                cell(0, 1, 1, 9, "b"),
                cell(5, 5, 1, 1, "x"),
            ],
        };
        check(&table, &["a|b", "^|"]);
    }

    #[test]
    fn many_columns_are_several_tables() {
        let mut cells: Vec<Cell> = (0..70).map(|column| cell(1, column, 1, 1, "x")).collect();
        cells.insert(0, cell(0, 60, 1, 8, "wide"));
        let table = Table {
            rows: 2,
            columns: 70,
            cells,
        };
        let xml = xml(&table);
        assert_eq!(xml.matches("<w:tbl>").count(), 2);
        assert_eq!(xml.matches("<w:gridCol").count(), 70);
        assert_eq!(xml.matches("[wide]").count(), 1);
        assert_eq!(xml.matches("[x]").count(), 70);
        assert!(
            xml.contains("<w:gridSpan w:val=\"5\"/>"),
            "the rest of the wide cell"
        );
    }

    #[test]
    fn widths_fit_the_page() {
        let long = "many words ".repeat(40);
        let cells = [cell(0, 0, 1, 1, "id"), cell(0, 1, 1, 1, &long)];
        let cells: Vec<&Cell> = cells.iter().collect();
        let (found, is_tight) = widths(&cells, 0..2, 9000);
        assert!(
            (8998..=9000).contains(&found.iter().sum::<u32>()),
            "{found:?}"
        );
        assert!(found[0] < 700 && !is_tight, "{found:?}");
        let (found, _) = widths(&cells[..1], 0..1, 9000);
        assert!(found[0] < 700, "{found:?}");
    }
}
