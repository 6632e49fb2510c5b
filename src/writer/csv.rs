//! Each table of a document as a CSV file of its own, in the document's folder of tables: `p0001_t1.csv`.
//!
//! RFC 4180: lines end with CR and LF, fields with a comma, a quote or a line break stand in quotes. Texts are as they are
//! printed; that of a cell with spans is in its first place, the others are empty. The file begins with the mark of UTF-8
//! (U+FEFF), without which Excel takes it for the encoding of its system. No field is a formula (see [`defused`]).

use super::document_files::Files;
use super::format::{Format, PageWriter};
use super::kept::Finished;
use super::listed;
use super::options::FormatOptions;
use crate::document::{Document, Table};
use crate::engine::FinishedPage;
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

/// The format `csv`.
pub(super) struct TableFiles;

impl Format for TableFiles {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_default(&self) -> bool {
        false
    }

    fn write(&self, _: Finished, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, _: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        Some(Box::new(TableWriter))
    }
}

/// Writes the tables of a document when it is finished: some go on over pages.
struct TableWriter;

impl PageWriter for TableWriter {
    fn page(&mut self, _: &FinishedPage, _: &mut Files) {}

    fn finish(self: Box<Self>, document: &Document, files: &mut Files) {
        for listed in listed::tables(document) {
            let name = format!("p{:04}_t{}.csv", listed.page, listed.number);
            let place = files.table_folder().join(name);
            files.write(place, |out| write_table(&listed.table, out));
        }
    }
}

/// Writes a table. Places beyond the last cell of a row have empty fields, unless the table is so large that they would be
/// most of the file.
fn write_table(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    out.write_all("\u{feff}".as_bytes())?;
    let is_filled = table.rows.saturating_mul(table.columns) <= MAX_FILLED;
    let mut cells: Vec<_> = table.cells.iter().collect();
    cells.sort_by_key(|cell| (cell.row, cell.column));
    let mut cells = cells.into_iter().peekable();
    for row in 0..table.rows {
        let mut column = 0;
        while let Some(cell) = cells.next_if(|cell| cell.row == row) {
            while column < cell.column {
                out.write_all(b",")?;
                column += 1;
            }
            out.write_all(field(&cell.text).as_bytes())?;
        }
        while is_filled && column + 1 < table.columns {
            out.write_all(b",")?;
            column += 1;
        }
        out.write_all(b"\r\n")?;
    }
    Ok(())
}

/// Positions of a table up to which all lines have the same number of fields. With a larger one, a table of one long row
/// and many short ones becomes a file of commas.
const MAX_FILLED: usize = 1_000_000;

/// A text as a field.
fn field(text: &str) -> Cow<'_, str> {
    let text = defused(text);
    // Signs that separate fields or texts in other dialects are quoted as well.
    let is_quoted = text.contains(['"', ',', '\r', '\n', ';', '\t'])
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace);
    match is_quoted {
        true => Cow::Owned(format!("\"{}\"", text.replace('"', "\"\""))),
        false => text,
    }
}

/// The text with an apostrophe before each part that a spreadsheet program could take for a formula: one that begins with
/// `=`, `+`, `-` or `@` (also of full width), or with a tab or a carriage return, before which spaces and quotes do not count.
///
/// Parts begin at the text's start, and after line breaks, tabs and semicolons, at which programs of some languages divide
/// lines even within quotes. Signed numbers and lines of dashes stay as they are.
fn defused(text: &str) -> Cow<'_, str> {
    let is_end = |c: char| matches!(c, ';' | '\t' | '\r' | '\n');
    let mut safe = String::new();
    let mut rest = text;
    let mut is_first = true;
    loop {
        let end = rest.find(is_end);
        let part = end.map_or(rest, |end| &rest[..end]);
        let is_control = is_first && rest.starts_with(['\t', '\r']);
        if is_control || may_be_formula(part) {
            safe.push('\'');
        }
        is_first = false;
        let Some(end) = end else {
            safe.push_str(part);
            break;
        };
        safe.push_str(&rest[..=end]);
        rest = &rest[end + 1..];
    }
    match safe.len() == text.len() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(safe),
    }
}

fn may_be_formula(part: &str) -> bool {
    let is_skipped = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\u{feff}');
    let part = part.trim_start_matches(is_skipped);
    let mut chars = part.chars();
    match chars.next() {
        Some('=' | '@' | '＝' | '＋' | '－' | '＠') => true,
        Some('+' | '-') => !is_signed_number(chars.as_str()) && !part.chars().all(is_dash),
        _ => false,
    }
}

/// `true` for what follows the sign of a number: digits with their separators, or a percent sign, but no second sign.
fn is_signed_number(unsigned: &str) -> bool {
    let is_of_number = |c: char| {
        c.is_ascii_digit()
            || matches!(
                c,
                ' ' | '\u{a0}' | '\u{202f}' | '.' | ',' | '%' | '€' | '$' | '£' | '¥'
            )
    };
    unsigned.contains(|c: char| c.is_ascii_digit()) && unsigned.chars().all(is_of_number)
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '+' | '/' | ' ' | '.' | '\u{2013}' | '\u{2014}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn csv(html: &str) -> String {
        let mut bytes = Vec::new();
        write_table(&Table::from_html(html).unwrap(), &mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// The fields of a file, by the rules of RFC 4180.
    fn fields(csv: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut field, mut is_quoted) = (vec![], vec![], String::new(), false);
        let mut chars = csv.strip_prefix('\u{feff}').unwrap().chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '"' if is_quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => row.push(std::mem::take(&mut field)),
                '\r' if !is_quoted => {
                    assert_eq!(chars.next(), Some('\n'));
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                c => field.push(c),
            }
        }
        rows
    }

    #[test]
    fn texts_of_spans_stand_in_their_first_place() {
        let html =
            "<table><tr><td rowspan=2>a<td colspan=2>b, c<tr><td>\"d\"<td>1<br>2<tr><td>e</table>";
        let expected = "\u{feff}a,\"b, c\",\r\n,\"\"\"d\"\"\",\"1\n2\"\r\ne,,\r\n";
        assert_eq!(csv(html), expected);
        assert_eq!(fields(expected)[1], ["", "\"d\"", "1\n2"]);
    }

    #[test]
    fn no_field_is_a_formula() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+SUM(A1)", "'+SUM(A1)"),
            ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
            ("@a", "'@a"),
            ("＝1", "'＝1"),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            (" \"=1", "\"' \"\"=1\""),
            ("a;=1", "\"a;'=1\""),
            ("a\n-b", "\"a\n'-b\""),
            ("-1-2", "'-1-2"),
            ("-12", "-12"),
            ("-12,5 %", "\"-12,5 %\""),
            ("+49 30 12", "+49 30 12"),
            ("-", "-"),
            ("+/-", "+/-"),
            ("a=b", "a=b"),
            ("−12", "−12"),
        ] {
            assert_eq!(field(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_row_of_many_cells_makes_no_file_of_commas() {
        let wide = "<td>a".repeat(2000);
        let html = format!("<table><tr>{wide}{}</table>", "<tr><td>b".repeat(2000));
        assert!(csv(&html).len() < 50_000);
    }

    proptest! {
        #[test]
        fn texts_come_back(texts in proptest::collection::vec("[a-z0-9 ,;\"\r\n\t=+@.-]{0,12}", 1..6)) {
            let cells = texts.iter().enumerate().map(|(column, text)| crate::document::Cell {
                column,
                row_span: 1,
                column_span: 1,
                text: text.clone(),
                ..Default::default()
            });
            let table = Table { rows: 1, columns: texts.len(), cells: cells.collect() };
            let mut bytes = Vec::new();
            write_table(&table, &mut bytes).unwrap();
            let read = fields(std::str::from_utf8(&bytes).unwrap());
            prop_assert_eq!(read.len(), 1);
            for (read, text) in read[0].iter().zip(&texts) {
                prop_assert_eq!(read, &defused(text).into_owned());
                prop_assert_eq!(read.replace('\'', ""), text.as_str());
            }
        }
    }
}
