//! The tables of a document as a workbook: a first sheet that lists them, then one sheet per table.

use super::format::Format;
use super::kept::Finished;
use super::options::FormatOptions;
use crate::document::{Block, Body, Document, Label, Table};
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format as CellFormat, FormatAlign, FormatBorder, Url,
    Workbook, Worksheet, XlsxError,
};
use std::io::Write;

/// The format `xlsx`: the tables of a document, if it has any.
pub(super) struct Workbooks;

impl Format for Workbooks {
    fn name(&self) -> &'static str {
        "xlsx"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".xlsx"]
    }

    fn has_file(&self, document: &Document) -> bool {
        let mut blocks = document.pages.iter().flat_map(|page| &page.blocks);
        blocks.any(|block| matches!(block.body, Body::Table { .. }))
    }

    fn write(
        &self,
        finished: Finished,
        _: &FormatOptions,
        out: &mut dyn Write,
    ) -> std::io::Result<()> {
        let bytes = workbook(finished.document).map_err(std::io::Error::other)?;
        out.write_all(&bytes.unwrap_or_default())
    }
}

/// Excel's limit of characters per cell.
const MAX_CELL_CHARS: usize = 32_767;
/// Excel's limits of rows and columns per sheet.
const MAX_ROWS: usize = 1_048_576;
const MAX_COLUMNS: usize = 16_384;
/// Excel's precision: a number with more digits would change.
const MAX_DIGITS: usize = 15;

/// A table and its location.
struct Listed<'a> {
    table: Table,
    page: usize,
    block: &'a Block,
    caption: Option<&'a str>,
    sheet: String,
    /// The part of the table that its sheet lacks.
    note: Option<&'static str>,
}

/// Notes on Excel's limits.
const NO_SHEET: &str = "the table is larger than a sheet; it is in the other formats";
const CUT_TABLE: &str = "the table is too large; its last cells are left out";
const CUT_CELLS: &str = "texts longer than a cell holds are cut";

/// The workbook's bytes; `None` if the document has no table.
pub(super) fn workbook(document: &Document) -> Result<Option<Vec<u8>>, XlsxError> {
    let tables = tables(document);
    if tables.is_empty() {
        return Ok(None);
    }
    let mut workbook = Workbook::new();
    // The same document must give the same bytes, so the workbook must not contain its creation time.
    let date = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&date));
    list(workbook.add_worksheet(), &tables)?;
    for listed in tables.iter().filter(|listed| listed.note != Some(NO_SHEET)) {
        let sheet = workbook.add_worksheet();
        sheet.set_name(&listed.sheet)?;
        write_table(sheet, &listed.table)?;
    }
    workbook.save_to_buffer().map(Some)
}

fn tables(document: &Document) -> Vec<Listed<'_>> {
    let mut found = Vec::new();
    for page in &document.pages {
        let mut number = 0;
        for (index, block) in page.blocks.iter().enumerate() {
            if block.label != Label::Table {
                continue;
            }
            let Some((table, is_cut)) = Table::read_html(&block.content) else {
                continue;
            };
            let note = if table.rows > MAX_ROWS || table.columns > MAX_COLUMNS {
                Some(NO_SHEET)
            } else if is_cut {
                Some(CUT_TABLE)
            } else {
                table
                    .cells
                    .iter()
                    .any(|cell| clipped(&cell.text).len() < cell.text.len())
                    .then_some(CUT_CELLS)
            };
            number += 1;
            let before = index.checked_sub(1).and_then(|i| page.blocks.get(i));
            let caption = [before, page.blocks.get(index + 1)]
                .into_iter()
                .flatten()
                .find(|b| b.label == Label::FigureTitle)
                .map(|b| b.content.as_str());
            let sheet = format!("p{} t{number}", page.page_index + 1);
            found.push(Listed {
                table,
                page: page.page_index + 1,
                block,
                caption,
                sheet,
                note,
            });
        }
    }
    found
}

fn list(sheet: &mut Worksheet, tables: &[Listed]) -> Result<(), XlsxError> {
    sheet.set_name("Tables")?;
    let head = header_format();
    for (column, title) in [
        "Sheet",
        "Page",
        "Box (pixels)",
        "Rows",
        "Columns",
        "Caption",
    ]
    .iter()
    .enumerate()
    {
        sheet.write_with_format(0, column as u16, *title, &head)?;
    }
    for (index, listed) in tables.iter().enumerate() {
        let row = index as u32 + 1;
        if listed.note == Some(NO_SHEET) {
            sheet.write(row, 0, &listed.sheet)?;
        } else {
            let link = Url::new(format!("internal:'{}'!A1", listed.sheet)).set_text(&listed.sheet);
            sheet.write_url(row, 0, link)?;
        }
        sheet.write(row, 1, listed.page as u32)?;
        sheet.write(
            row,
            2,
            listed
                .block
                .bbox
                .to_pixels()
                .map(|v| v.to_string())
                .join(", "),
        )?;
        sheet.write(row, 3, listed.table.rows as u32)?;
        sheet.write(row, 4, listed.table.columns as u32)?;
        sheet.write_string(row, 5, clipped(listed.caption.unwrap_or_default()))?;
        if let Some(note) = listed.note {
            sheet.write_with_format(0, 6, "Note", &head)?;
            sheet.write(row, 6, note)?;
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.autofit();
    Ok(())
}

fn header_format() -> CellFormat {
    CellFormat::new()
        .set_bold()
        .set_background_color(Color::RGB(0xE8EDF3))
        .set_border(FormatBorder::Thin)
}

fn write_table(sheet: &mut Worksheet, table: &Table) -> Result<(), XlsxError> {
    let headers = header_rows(table);
    let body = CellFormat::new()
        .set_border(FormatBorder::Thin)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap();
    let head = header_format()
        .set_align(FormatAlign::Center)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap();
    for cell in &table.cells {
        let format = if cell.row < headers || cell.header {
            &head
        } else {
            &body
        };
        let (row, column) = (cell.row as u32, cell.column as u16);
        if cell.row_span > 1 || cell.column_span > 1 {
            let (last_row, last_column) = (
                row + cell.row_span as u32 - 1,
                column + cell.column_span as u16 - 1,
            );
            sheet.merge_range(row, column, last_row, last_column, "", format)?;
        }
        match number(&cell.text) {
            Some((value, None)) => sheet.write_number_with_format(row, column, value, format)?,
            Some((value, Some(pattern))) => sheet.write_number_with_format(
                row,
                column,
                value,
                &format.clone().set_num_format(pattern),
            )?,
            None => sheet.write_string_with_format(row, column, clipped(&cell.text), format)?,
        };
    }
    sheet.set_autofit_max_width(480).autofit();
    Ok(())
}

/// The part of a text that fits a cell; Excel counts UTF-16 units.
fn clipped(text: &str) -> &str {
    // A text never has more UTF-16 units than bytes.
    if text.len() <= MAX_CELL_CHARS {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > MAX_CELL_CHARS
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// Number of header rows: the first, or if cells in it span columns, at least two and as far as it reaches.
fn header_rows(table: &Table) -> usize {
    let first = table.cells.iter().filter(|c| c.row == 0);
    let spans_columns = first.clone().any(|c| c.column_span > 1);
    let reach = first.map(|c| c.row_span).max().unwrap_or(1);
    let rows = if spans_columns { reach.max(2) } else { 1 };
    rows.min(table.rows.saturating_sub(1)).max(1)
}

/// The number that a text denotes, and the Excel format that displays it unchanged.
///
/// Thousands separators, percent signs and brackets for negative amounts are recognized. Text that would be
/// displayed differently (leading zeros, more digits than Excel's precision) stays text.
fn number(text: &str) -> Option<(f64, Option<String>)> {
    let text = text.trim();
    let (negative, core) = match text.strip_prefix('(').and_then(|t| t.strip_suffix(')')) {
        Some(inner) => (true, inner),
        None => match text.strip_prefix(['-', '−', '–']) {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        },
    };
    let (core, percent) = match core.strip_suffix('%') {
        Some(rest) => (rest.trim_end(), true),
        None => (core, false),
    };
    let (whole, fraction) = core
        .split_once('.')
        .map_or((core, None), |(w, f)| (w, Some(f)));
    let groups: Vec<&str> = whole.split(',').collect();
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let grouped = groups.len() > 1;
    let well_grouped = groups[0].len() <= 3 && groups[1..].iter().all(|g| g.len() == 3);
    if !groups.iter().all(|g| digits(g))
        || (grouped && !well_grouped)
        || !fraction.is_none_or(digits)
    {
        return None;
    }
    let plain: String = groups.concat();
    if (plain.len() > 1 && plain.starts_with('0'))
        || plain.len() + fraction.map_or(0, str::len) > MAX_DIGITS
    {
        return None;
    }
    let decimals = fraction.map_or(0, str::len);
    let value: f64 = format!("{plain}.{}", fraction.unwrap_or("0"))
        .parse()
        .ok()?;
    let value = if negative { -value } else { value };
    let mut pattern = String::from(if grouped { "#,##0" } else { "0" });
    if decimals > 0 {
        pattern.push('.');
        pattern.extend(std::iter::repeat_n('0', decimals));
    }
    if percent {
        pattern.push('%');
    }
    let plain_shown = !grouped && !percent && decimals == 0;
    Some((
        if percent { value / 100.0 } else { value },
        (!plain_shown).then_some(pattern),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Page;
    use crate::fault::Fault;
    use crate::geometry::Rect;

    #[track_caller]
    fn check(text: &str, expected: Option<(f64, Option<&str>)>) {
        assert_eq!(
            number(text),
            expected.map(|(v, p)| (v, p.map(String::from))),
            "{text}"
        );
    }

    #[test]
    fn numbers_are_told_from_texts() {
        check("12", Some((12.0, None)));
        check("-3.50", Some((-3.5, Some("0.00"))));
        check("1,234,567", Some((1234567.0, Some("#,##0"))));
        check("12.5 %", Some((0.125, Some("0.0%"))));
        check("(40)", Some((-40.0, None)));
        for text in [
            "",
            "007",
            "1,23",
            "12 apples",
            "1.2.3",
            "12345678901234567",
            "1e5",
            ".",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn header_rows_reach_as_far_as_their_spans() {
        let rows = |html: &str| header_rows(&Table::from_html(html).unwrap());
        assert_eq!(rows("<table><tr><td>a<td>b<tr><td>1<td>2</table>"), 1);
        assert_eq!(
            rows(
                "<table><tr><td rowspan=2>a<td colspan=2>b<tr><td>c<td>d<tr><td>1<td>2<td>3</table>"
            ),
            2
        );
        assert_eq!(rows("<table><tr><td>a</table>"), 1);
    }

    /// The bytes of a workbook with one captioned table.
    fn workbook_of(html: &str, caption: &str) -> Vec<u8> {
        let mut page = Page::failed(0, Fault::internal(""));
        for (label, content) in [(Label::FigureTitle, caption), (Label::Table, html)] {
            let mut block = Block::new(label, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
            block.content = content.into();
            page.blocks.push(block);
        }
        let document = Document {
            input_path: "a".into(),
            pages: vec![page],
            page_count: None,
            info: Default::default(),
        };
        workbook(&document).unwrap().unwrap()
    }

    #[test]
    fn texts_that_look_like_formulas_are_texts() {
        // The library writes formulas only on request; the cells refer to shared strings.
        for text in [
            "=1+1",
            "+SUM(A1)",
            "-cmd|' /C calc'!A0",
            "@a",
            "\tx",
            "a\u{1}\u{0}b",
        ] {
            let escaped = crate::document::escape(text);
            workbook_of(&format!("<table><tr><td>{escaped}</td></tr></table>"), text);
            assert_eq!(number(text), None);
        }
    }

    #[test]
    fn texts_longer_than_a_cell_are_cut() {
        // Two UTF-16 units each, the first pair across the limit.
        let long = format!("a{}", "\u{1f600}".repeat(MAX_CELL_CHARS / 2 + 5));
        assert_eq!(clipped(&long).encode_utf16().count(), MAX_CELL_CHARS);
        workbook_of(&format!("<table><tr><td>{long}</td></tr></table>"), &long);
        let short = "b".repeat(MAX_CELL_CHARS);
        assert_eq!(clipped(&short), short);
    }

    #[test]
    fn tables_too_wide_for_a_sheet_are_listed() {
        let wide = format!(
            "<table><tr>{}</tr></table>",
            "<td>a</td>".repeat(MAX_COLUMNS + 1)
        );
        assert!(workbook_of(&wide, "a").starts_with(b"PK"));
    }

    #[test]
    fn a_document_without_tables_has_no_workbook() {
        let mut page = Page::failed(0, Fault::internal(""));
        let mut document = Document {
            input_path: "a".into(),
            pages: vec![page.clone()],
            page_count: None,
            info: Default::default(),
        };
        assert!(workbook(&document).unwrap().is_none());
        let mut block = Block::new(Label::Table, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
        block.content = "<table><tr><td rowspan=2>x<td>1<tr><td>2</table>".into();
        page.blocks.push(block);
        document.pages = vec![page];
        assert!(
            workbook(&document)
                .unwrap()
                .is_some_and(|bytes| bytes.starts_with(b"PK"))
        );
    }
}
