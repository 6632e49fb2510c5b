//! A table as a grid of cells with spans, and its HTML form.
//!
//! The HTML is that of the reference (docs/reference.md, "OTSL tables to HTML"): `<table>`, `<tr>`, `<td>` with `rowspan`
//! and `colspan` where they exceed 1, no whitespace, cell text escaped.

use super::cell::{Cell, CellFacts, CellKind};
use super::html::{Tag, Token, Tokens};
use serde::Serialize;
use std::collections::HashMap;

/// A table: cells that tile a grid.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Table {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Cells ordered by row, then column.
    pub cells: Vec<Cell>,
}

/// Limit on spans; larger ones are mistakes or attacks.
const MAX_SPAN: usize = 1000;
/// Limit on grid positions covered by the cells of a table read from HTML. Later cells are dropped, and a
/// cell whose spans alone would exceed the limit covers a single position.
const MAX_PLACES: usize = 1_000_000;

impl Table {
    /// The table as HTML.
    pub fn to_html(&self) -> String {
        let mut html = String::from("<table>");
        // A stable sort: a table whose cells are in order keeps it.
        let mut cells: Vec<&Cell> = self.cells.iter().collect();
        cells.sort_by_key(|cell| cell.row);
        let mut cells = cells.into_iter().peekable();
        for row in 0..self.rows {
            html.push_str("<tr>");
            while let Some(cell) = cells.next_if(|cell| cell.row <= row) {
                html.push_str("<td");
                if cell.row_span > 1 {
                    html.push_str(&format!(" rowspan=\"{}\"", cell.row_span));
                }
                if cell.column_span > 1 {
                    html.push_str(&format!(" colspan=\"{}\"", cell.column_span));
                }
                html.push('>');
                html.push_str(&escape(&cell.text));
                html.push_str("</td>");
            }
            html.push_str("</tr>");
        }
        html.push_str("</table>");
        html
    }

    /// Number of rows, from the first one, in which all cells are headers.
    pub fn head_rows(&self) -> usize {
        let below = |cell: &&Cell| !cell.header;
        let first = self.cells.iter().filter(below).map(|cell| cell.row).min();
        first.unwrap_or(0)
    }

    /// What is known of its cells beside their text, by which [`Table::set_facts`] makes a table read from HTML whole.
    pub(crate) fn facts(&self) -> Vec<CellFacts> {
        let cells = self.cells.iter().map(|cell| CellFacts {
            row: cell.row,
            column: cell.column,
            header: cell.header,
            place: cell.place.clone(),
        });
        cells.collect()
    }

    /// Gives the cells what is known of those at the same positions, and all of them their kind.
    pub(crate) fn set_facts(&mut self, facts: Vec<CellFacts>) {
        let mut of: HashMap<(usize, usize), CellFacts> = HashMap::with_capacity(facts.len());
        of.extend(facts.into_iter().map(|own| ((own.row, own.column), own)));
        for cell in &mut self.cells {
            if let Some(own) = of.remove(&(cell.row, cell.column)) {
                cell.header |= own.header;
                cell.place = own.place;
            }
            cell.kind = CellKind::of(&cell.text, cell.header);
        }
    }

    /// Reads the first table of an HTML text; `None` if there is no table with cells.
    ///
    /// Accepts the HTML that recognizers write: tags in any case, unclosed cells and rows, `th`, entities,
    /// markup inside cells (dropped). Cells are placed as in browsers: in the first free column, spans
    /// honoured.
    pub fn from_html(html: &str) -> Option<Table> {
        Self::read_html(html).map(|(table, _)| table)
    }

    /// As [`Table::from_html`]; the flag is `true` if cells were dropped because the table is too large.
    pub fn read_html(html: &str) -> Option<(Table, bool)> {
        let mut reader = HtmlReader::default();
        for token in Tokens::mending(html) {
            match token {
                Token::Text(text) => reader.text(text),
                Token::Open(tag) => reader.open(&tag),
                Token::Close(name) if reader.close(&name) => break,
                Token::Close(_) | Token::Comment(_) | Token::Declaration(_) => {}
            }
        }
        let is_cut = reader.is_cut;
        reader.finish().map(|table| (table, is_cut))
    }
}

/// Escapes text for HTML as Python's `html.escape` does.
pub fn escape(text: &str) -> String {
    html_escape::encode_quoted_attribute(text).into_owned()
}

/// Undoes [`escape`] and decodes numeric entities.
pub fn unescape(text: &str) -> String {
    html_escape::decode_html_entities(text).into_owned()
}

#[derive(Default)]
struct HtmlReader {
    in_table: bool,
    row: Option<usize>,
    rows: usize,
    /// For each column, the first row that is free.
    free_from: Vec<usize>,
    /// First column that may be free in the current row.
    next_column: usize,
    /// Grid positions taken so far.
    places: usize,
    is_cut: bool,
    cells: Vec<Cell>,
    open: Option<Cell>,
}

impl HtmlReader {
    fn text(&mut self, text: &str) {
        if let Some(cell) = &mut self.open {
            cell.text.push_str(&unescape(text));
        }
    }

    fn open(&mut self, tag: &Tag) {
        match tag.name.as_str() {
            "table" => self.in_table = true,
            "tr" if self.in_table => {
                self.close_cell();
                self.row = Some(self.rows);
                self.rows += 1;
                self.next_column = 0;
            }
            "td" | "th" if self.in_table => self.open_cell(tag),
            "br" => self.text("\n"),
            "img" => self.picture(tag),
            _ => {}
        }
    }

    /// Takes the end of an element; `true` for that of the table.
    fn close(&mut self, name: &str) -> bool {
        match name {
            "table" => {
                self.close_cell();
                return self.in_table;
            }
            "td" | "th" | "tr" => self.close_cell(),
            _ => {}
        }
        false
    }

    fn open_cell(&mut self, tag: &Tag) {
        self.close_cell();
        let row = *self.row.get_or_insert_with(|| {
            self.rows += 1;
            self.rows - 1
        });
        let is_free =
            |free_from: &[usize], column: usize| free_from.get(column).is_none_or(|r| *r <= row);
        let mut column = self.next_column;
        while !is_free(&self.free_from, column) {
            column += 1;
        }
        // The span is shortened at a cell that reaches down from above: cells must not overlap.
        let free = (0..span(tag, "colspan"))
            .take_while(|c| is_free(&self.free_from, column + c))
            .count();
        let (mut row_span, mut column_span) = (span(tag, "rowspan"), free.max(1));
        if self.places + row_span * column_span > MAX_PLACES {
            self.is_cut = true;
            (row_span, column_span) = (1, 1);
        }
        if self.places >= MAX_PLACES {
            return;
        }
        self.places += row_span * column_span;
        self.next_column = column + column_span;
        self.free_from
            .resize(self.free_from.len().max(self.next_column), 0);
        self.free_from[column..self.next_column].fill(row + row_span);
        self.open = Some(Cell {
            row,
            column,
            row_span,
            column_span,
            header: tag.name == "th",
            ..Cell::default()
        });
    }

    fn picture(&mut self, tag: &Tag) {
        let source = tag.attributes.iter().find(|(key, _)| key == "src");
        if let Some((cell, (_, path))) = self.open.as_mut().zip(source) {
            cell.pictures.push(path.clone());
        }
    }

    fn close_cell(&mut self) {
        if let Some(mut cell) = self.open.take() {
            cell.text = cell.text.trim().to_string();
            self.cells.push(cell);
        }
    }

    fn finish(mut self) -> Option<Table> {
        self.close_cell();
        let columns = self.cells.iter().map(|c| c.column + c.column_span).max()?;
        // A span may reach below the last row.
        let rows = self.rows;
        for cell in &mut self.cells {
            cell.row_span = cell.row_span.min(rows - cell.row);
        }
        Some(Table {
            rows,
            columns,
            cells: self.cells,
        })
    }
}

fn span(tag: &Tag, name: &str) -> usize {
    // Of an attribute that comes twice the last one counts, as in merged tables.
    let value = tag.attributes.iter().rfind(|(key, _)| key == name);
    let value = value.map_or("", |(_, value)| value.trim());
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    match value[..digits].parse() {
        Ok(span) => usize::clamp(span, 1, MAX_SPAN),
        // No digits, or more than a number holds.
        Err(_) => 1,
    }
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

    #[test]
    fn html_leads_there_and_back() {
        let table = Table {
            rows: 2,
            columns: 3,
            cells: vec![
                cell(0, 0, 2, 1, "a & \"b\""),
                cell(0, 1, 1, 2, "<c>"),
                cell(1, 1, 1, 1, ""),
                cell(1, 2, 1, 1, "d"),
            ],
        };
        let html = table.to_html();
        assert_eq!(
            html,
            "<table><tr><td rowspan=\"2\">a &amp; &quot;b&quot;</td><td colspan=\"2\">&lt;c&gt;</td></tr>\
             <tr><td></td><td>d</td></tr></table>"
        );
        assert_eq!(Table::from_html(&html).unwrap(), table);
    }

    #[test]
    fn sloppy_html_is_read_as_browsers_do() {
        let table = Table::from_html(
            "<TABLE border=1><tr><th rowspan=3>x<td>1<br>2<tr><td>&#65;&nope;</TABLE>",
        )
        .unwrap();
        assert_eq!((table.rows, table.columns), (2, 2));
        assert_eq!((table.cells[0].row_span, table.cells[0].header), (2, true));
        assert_eq!(table.cells[1].text, "1\n2");
        assert_eq!(
            (table.cells[2].column, table.cells[2].text.as_str()),
            (1, "A&nope;")
        );
        assert_eq!(Table::from_html("no table <td>x"), None);
        assert_eq!(Table::from_html("<table></table>"), None);
    }

    #[test]
    fn a_quote_that_is_missing_swallows_no_cells() {
        let texts = |html: &str| {
            let table = Table::from_html(html).unwrap();
            let cells = table.cells.into_iter();
            cells
                .map(|cell| (cell.text, cell.column_span))
                .collect::<Vec<_>>()
        };
        let expected = [
            ("a".to_string(), 2),
            ("b".to_string(), 1),
            ("c".to_string(), 3),
        ];
        assert_eq!(
            texts(
                "<table><tr><td colspan=\"2>a</td><td>b</td></tr><tr><td colspan=\"3\">c</table>"
            ),
            expected
        );
        assert_eq!(
            texts("<table><tr><td colspan='2>a</td><td>b</td></tr><tr><td colspan=3>c</table>"),
            expected
        );
    }

    #[test]
    fn tables_without_end_are_cut_and_told() {
        // Each cell used to search its column from the first one on (quadratic time).
        let row: String = (0..200_000).map(|i| format!("<td>{i}")).collect();
        let (table, is_cut) = Table::read_html(&format!("<table><tr>{row}")).unwrap();
        assert_eq!(
            (table.columns, table.cells.len(), is_cut),
            (200_000, 200_000, false)
        );
        assert!(table.to_html().ends_with("<td>199999</td></tr></table>"));
        let huge = "<td rowspan=100000000 colspan=1000>x".repeat(3);
        let (table, is_cut) =
            Table::read_html(&format!("<table>{}", format!("<tr>{huge}").repeat(9))).unwrap();
        assert!(is_cut && is_well_formed(&table) && table.columns <= 3 * MAX_SPAN);
        // Ampersands only, without a semicolon.
        assert_eq!(unescape(&"&".repeat(300_000)).len(), 300_000);
    }

    /// `true` if no grid position is covered twice and all cells lie inside the grid.
    fn is_well_formed(table: &Table) -> bool {
        let mut seen = std::collections::HashSet::new();
        table.cells.iter().all(|c| {
            let inside =
                c.row + c.row_span <= table.rows && c.column + c.column_span <= table.columns;
            inside
                && (0..c.row_span)
                    .all(|r| (0..c.column_span).all(|k| seen.insert((c.row + r, c.column + k))))
        })
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_panic(html in "(<table>|<tr>|<td( (row|col)span=\"?[0-9]{1,4}\"?)?>|</t[dr]>|</table>|[a-z&<>;#0-9 ]){0,40}") {
            if let Some(table) = Table::from_html(&html) {
                proptest::prop_assert!(table.columns >= 1 && table.rows >= 1);
            }
        }

        #[test]
        fn cells_never_overlap(spans in proptest::collection::vec(proptest::collection::vec((1usize..4, 1usize..4), 1..5), 1..5)) {
            let rows = spans.iter().map(|row| {
                let cells: String = row.iter().map(|(r, c)| format!("<td rowspan={r} colspan={c}>x")).collect();
                format!("<tr>{cells}")
            });
            let html = format!("<table>{}</table>", rows.collect::<String>());
            let table = Table::from_html(&html).unwrap();
            proptest::prop_assert_eq!(table.cells.len(), spans.iter().map(Vec::len).sum::<usize>());
            proptest::prop_assert!(is_well_formed(&table), "{}", html);
        }

        #[test]
        fn escaping_is_undone(text in "\\PC*") {
            proptest::prop_assert_eq!(unescape(&escape(&text)), text);
        }
    }
}
