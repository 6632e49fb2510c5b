//! The tables of a document as a workbook: one sheet per table, after a sheet that lists them if there are several.
//!
//! Numbers, amounts, percentages and dates are values whose formats show them as they are printed ([`values`]); all else is
//! text, never a formula. Rows of headers are bold and stay in view. The first cell of a table has its page and title as a
//! note.

use super::format::Format;
use super::kept::Finished;
use super::listed::{self, Listed, has_table};
use super::options::FormatOptions;
use super::values::{self, Content, DecimalSigns, Value, header_rows};
use crate::document::{Cell, Document, Table};
use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format as CellFormat, FormatAlign, FormatBorder, Note,
    Url, Workbook, Worksheet, XlsxError, cell_autofit_width,
};
use std::collections::BTreeMap;
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
        has_table(document)
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
/// Pixels that a column is wide at most; longer texts are wrapped. A larger one leaves fewer columns on a screen.
const MAX_COLUMN_PIXELS: u32 = 480;
/// Bold texts are wider by this part of their width. A larger one breaks words of headers; a smaller one leaves room.
const BOLD_SHARE: u32 = 10;
/// Bytes of a title in a note. A larger one makes notes that cover the table.
const MAX_NOTE_BYTES: usize = 1000;

/// A table and its sheet.
struct Sheet<'a> {
    listed: Listed<'a>,
    name: String,
    /// The part of the table that its sheet lacks.
    lacks: Option<&'static str>,
}

/// Notes on Excel's limits.
const NO_SHEET: &str = "the table is larger than a sheet; it is in the other formats";
const CUT_TABLE: &str = "the table is too large; its last cells are left out";
const CUT_CELLS: &str = "texts longer than a cell holds are cut";

impl<'a> Sheet<'a> {
    fn of(listed: Listed<'a>) -> Self {
        let table = &listed.table;
        let is_cut = |text: &String| clipped(text).len() < text.len();
        let lacks = if table.rows > MAX_ROWS || table.columns > MAX_COLUMNS {
            Some(NO_SHEET)
        } else if listed.is_cut {
            Some(CUT_TABLE)
        } else {
            let is_any_cut = table.cells.iter().any(|cell| is_cut(&cell.text));
            is_any_cut.then_some(CUT_CELLS)
        };
        let name = format!("p{} t{}", listed.page, listed.number);
        Sheet {
            listed,
            name,
            lacks,
        }
    }

    fn exists(&self) -> bool {
        self.lacks != Some(NO_SHEET)
    }
}

/// The workbook's bytes; `None` if the document has no table.
pub(super) fn workbook(document: &Document) -> Result<Option<Vec<u8>>, XlsxError> {
    let sheets: Vec<Sheet> = listed::tables(document)
        .into_iter()
        .map(Sheet::of)
        .collect();
    if sheets.is_empty() {
        return Ok(None);
    }
    let mut workbook = Workbook::new();
    // The same document must give the same bytes, so the workbook must not contain its creation time.
    let date = ExcelDateTime::from_ymd(2000, 1, 1)?;
    workbook.set_properties(&DocProperties::new().set_creation_datetime(&date));
    if sheets.len() > 1 || sheets.iter().any(|sheet| sheet.lacks.is_some()) {
        list(workbook.add_worksheet(), &sheets)?;
    }
    let existing = || sheets.iter().filter(|sheet| sheet.exists());
    let signs = DecimalSigns::of(existing().map(|sheet| &sheet.listed.table));
    for Sheet { listed, name, .. } in existing() {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name)?;
        write_table(sheet, &listed.table, signs)?;
        let place = format!("Page {}", listed.page);
        let text = match listed.caption {
            Some(caption) => format!("{}\n{place}", noted(caption)),
            None => place,
        };
        sheet.insert_note(0, 0, &Note::new(text).add_author_prefix(false))?;
    }
    workbook.save_to_buffer().map(Some)
}

fn list(sheet: &mut Worksheet, sheets: &[Sheet]) -> Result<(), XlsxError> {
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
    for (index, entry) in sheets.iter().enumerate() {
        let row = index as u32 + 1;
        let listed = &entry.listed;
        if !entry.exists() {
            sheet.write(row, 0, &entry.name)?;
        } else {
            let link = Url::new(format!("internal:'{}'!A1", entry.name)).set_text(&entry.name);
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
        if let Some(note) = entry.lacks {
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

fn write_table(sheet: &mut Worksheet, table: &Table, signs: DecimalSigns) -> Result<(), XlsxError> {
    let headers = header_rows(table);
    let values = values::read(table, headers, signs);
    let body = CellFormat::new()
        .set_border(FormatBorder::Thin)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap();
    let head = header_format()
        .set_align(FormatAlign::Center)
        .set_align(FormatAlign::VerticalCenter)
        .set_text_wrap();
    for (cell, value) in table.cells.iter().zip(values) {
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
        let Some(Value {
            content,
            format: shown,
        }) = value
        else {
            sheet.write_string_with_format(row, column, clipped(&cell.text), format)?;
            continue;
        };
        // A number that is wrapped would be shown as hashes.
        let format = format.clone().set_num_format(shown).unset_text_wrap();
        match content {
            Content::Number(number) => {
                sheet.write_number_with_format(row, column, number, &format)?
            }
            Content::Date(year, month, day) => {
                let date = ExcelDateTime::from_ymd(year, month, day)?;
                sheet.write_datetime_with_format(row, column, &date, &format)?
            }
        };
    }
    if (1..table.rows).contains(&headers) {
        sheet.set_freeze_panes(headers as u32, 0)?;
    }
    for (column, pixels) in widths(table, headers) {
        sheet.set_column_autofit_width(column as u16, pixels)?;
    }
    Ok(())
}

/// Widths in pixels of the columns that have texts. What a cell over several columns lacks is added to the last of them.
fn widths(table: &Table, headers: usize) -> BTreeMap<usize, u32> {
    let wanted = |cell: &Cell| {
        let lines = clipped(&cell.text).lines();
        let widest = lines.map(cell_autofit_width).max().unwrap_or(0);
        let is_bold = cell.row < headers || cell.header;
        widest + if is_bold { widest / BOLD_SHARE } else { 0 }
    };
    let mut widths: BTreeMap<usize, u32> = BTreeMap::new();
    let mut cells: Vec<&Cell> = table
        .cells
        .iter()
        .filter(|cell| !cell.text.is_empty())
        .collect();
    cells.sort_by_key(|cell| cell.column_span);
    for cell in cells {
        let columns = cell.column..cell.column + cell.column_span;
        let spanned: u32 = columns
            .map(|column| widths.get(&column).copied().unwrap_or(0))
            .sum();
        let lacking = wanted(cell).saturating_sub(spanned);
        if lacking > 0 {
            let last = widths
                .entry(cell.column + cell.column_span - 1)
                .or_default();
            *last = last.saturating_add(lacking).min(MAX_COLUMN_PIXELS);
        }
    }
    widths
}

/// A caption in a note: a part of it, without characters that XML cannot have (the library writes them into texts only).
fn noted(caption: &str) -> String {
    let part = &caption[..caption.floor_char_boundary(MAX_NOTE_BYTES)];
    let is_bad = |c: char| c.is_control() && c != '\n' || matches!(c, '\u{fffe}' | '\u{ffff}');
    part.replace(is_bad, " ")
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

#[cfg(test)]
mod tests;
