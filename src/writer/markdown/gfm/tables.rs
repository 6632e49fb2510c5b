//! Tables: between bars where GitHub's Markdown can hold them, else as HTML without styles.

use super::super::escape::html;
use super::super::links::PictureSources;
use super::inline::{Place, paragraph};
use crate::document::inline::{Inline, TextRun};
use crate::document::{Cell, Markup, Table, is_year};

/// Characters of a cell in a head that nobody marked; longer ones are text.
const LONGEST_HEAD: usize = 40;

/// A table as Markdown.
pub(super) fn table(table: &Table, markup: Markup, pictures: &PictureSources) -> String {
    // Cells of recognizers have formulas; raised text lost its tags when they were read.
    let markup = Markup {
        formulas: markup.formulas,
        ..Markup::default()
    };
    let writer = TableWriter { markup, pictures };
    let rows = rows(table);
    let head = head_rows(&rows);
    if head <= 1 && table.cells.iter().all(|cell| writer.is_plain(cell)) {
        writer.bars(&rows, table.columns, head == 1)
    } else {
        writer.html(&rows)
    }
}

/// The cells of each row that begin in it, in order.
fn rows(table: &Table) -> Vec<Vec<&Cell>> {
    let mut rows: Vec<Vec<&Cell>> = vec![Vec::new(); table.rows];
    for cell in &table.cells {
        if let Some(row) = rows.get_mut(cell.row) {
            row.push(cell);
        }
    }
    for row in &mut rows {
        row.sort_by_key(|cell| cell.column);
    }
    rows
}

/// Rows at the top of which all cells are headers.
fn head_rows(rows: &[Vec<&Cell>]) -> usize {
    let is_head = |row: &&Vec<&Cell>| !row.is_empty() && row.iter().all(|cell| cell.header);
    rows.iter().take_while(is_head).count()
}

/// `true` if the first row reads like a head although no cell is marked as one: short words in every column (the first may be empty,
/// above the names of the rows), and a number below one of them.
fn reads_like_head(rows: &[Vec<&Cell>], columns: usize) -> bool {
    let [first, rest @ ..] = rows else {
        return false;
    };
    let is_title = |cell: &&Cell| {
        let text = cell.text.trim();
        let length = text.chars().count();
        match text.is_empty() {
            true => cell.column == 0,
            false => length <= LONGEST_HEAD && !is_amount(text) && !text.ends_with(['.', ':', ';']),
        }
    };
    let has_amount = rest.iter().flatten().any(|cell| is_amount(&cell.text));
    first.len() == columns && first.iter().all(is_title) && has_amount
}

/// `true` for a number with its unit or sign, but not for a year, which stands in heads.
fn is_amount(text: &str) -> bool {
    let text = text.trim();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    digits > letters && !is_year(text)
}

struct TableWriter<'a> {
    markup: Markup,
    pictures: &'a PictureSources<'a>,
}

impl TableWriter<'_> {
    /// `true` if a cell fits between bars: it has no span, no line end and no picture.
    fn is_plain(&self, cell: &Cell) -> bool {
        let is_single = cell.row_span <= 1 && cell.column_span <= 1;
        let has_lines = cell.text.trim().contains(['\n', '\r']);
        let mut pictures = cell.pictures.iter();
        is_single && !has_lines && !pictures.any(|path| self.pictures.is_in_table(path))
    }

    /// A table between bars. The first row is its head if that is marked or reads like one; else the head is empty, since there must be
    /// one.
    fn bars(&self, rows: &[Vec<&Cell>], columns: usize, is_marked: bool) -> String {
        let has_head = is_marked || reads_like_head(rows, columns);
        let (head, body) = rows.split_at(usize::from(has_head));
        let mut out = String::new();
        // A head with fewer cells than a row below it would cut that off.
        self.row(head.first().map_or(&[], Vec::as_slice), columns, &mut out);
        out.push_str("\n|");
        out.push_str(&" --- |".repeat(columns));
        for row in body {
            out.push('\n');
            let columns = row.last().map_or(1, |cell| cell.column + 1);
            self.row(row, columns, &mut out);
        }
        out
    }

    fn row(&self, cells: &[&Cell], columns: usize, out: &mut String) {
        let mut cells = cells.iter().peekable();
        out.push('|');
        for column in 0..columns {
            let cell = cells.next_if(|cell| cell.column <= column);
            let text = cell.map_or_else(String::new, |cell| self.cell(cell));
            if !text.is_empty() {
                out.extend([" ", &text]);
            }
            out.push_str(" |");
        }
    }

    fn cell(&self, cell: &Cell) -> String {
        let inline = Inline::parse(&cell.text, self.markup, &TextRun::default());
        paragraph(&inline, Place::Cell, &|_, _| None)
    }

    fn html(&self, rows: &[Vec<&Cell>]) -> String {
        let mut out = String::from("<table>\n");
        for row in rows {
            out.push_str("<tr>");
            for cell in row {
                let name = if cell.header { "th" } else { "td" };
                out.extend(["<", name]);
                let spans = [("rowspan", cell.row_span), ("colspan", cell.column_span)];
                for (attribute, span) in spans.iter().filter(|(_, span)| *span > 1) {
                    out.push_str(&format!(" {attribute}=\"{span}\""));
                }
                out.push('>');
                let lines = cell.text.trim().split(['\n', '\r']).map(str::trim);
                let lines = lines.filter(|line| !line.is_empty());
                let lines: Vec<String> = lines.map(|line| html(line, Markup::default())).collect();
                out.push_str(&lines.join("<br>"));
                for path in cell
                    .pictures
                    .iter()
                    .filter(|path| self.pictures.is_in_table(path))
                {
                    let source = self.pictures.source(path);
                    out.extend(["<img src=\"", &source, "\" alt=\"Image\">"]);
                }
                out.extend(["</", name, ">"]);
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table>");
        out
    }
}
