//! Table tokens to HTML (docs/reference.md, "OTSL tables to HTML").
//!
//! A recognizer writes tables in OTSL: `<fcel>` a cell with text, `<ecel>` an empty cell, `<lcel>` a
//! continuation of the cell to the left, `<ucel>` of the one above, `<xcel>` of both, `<nl>` the end of a
//! row.

use super::bounds::MAX_TABLE_PLACES;
use crate::document::{escape, strip};

/// An OTSL tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OtslTag {
    Full,
    Empty,
    Left,
    Up,
    Cross,
    NewLine,
}

impl OtslTag {
    const ALL: [OtslTag; 6] = [
        OtslTag::Full,
        OtslTag::Empty,
        OtslTag::Left,
        OtslTag::Up,
        OtslTag::Cross,
        OtslTag::NewLine,
    ];

    fn as_str(self) -> &'static str {
        match self {
            OtslTag::Full => "<fcel>",
            OtslTag::Empty => "<ecel>",
            OtslTag::Left => "<lcel>",
            OtslTag::Up => "<ucel>",
            OtslTag::Cross => "<xcel>",
            OtslTag::NewLine => "<nl>",
        }
    }
}

/// A tag, or the text between two tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OtslPiece<'a> {
    OtslTag(OtslTag),
    Text(&'a str),
}

impl<'a> OtslPiece<'a> {
    fn as_str(self) -> &'a str {
        match self {
            OtslPiece::OtslTag(tag) => tag.as_str(),
            OtslPiece::Text(text) => text,
        }
    }
}

fn pieces(text: &str) -> Vec<OtslPiece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut from) = (text, 0);
    while let Some(open) = rest[from..].find('<').map(|at| at + from) {
        match OtslTag::ALL
            .into_iter()
            .find(|tag| rest[open..].starts_with(tag.as_str()))
        {
            Some(tag) => {
                if open > 0 {
                    pieces.push(OtslPiece::Text(&rest[..open]));
                }
                pieces.push(OtslPiece::OtslTag(tag));
                rest = &rest[open + tag.as_str().len()..];
                from = 0;
            }
            None => from = open + 1,
        }
    }
    if !rest.is_empty() {
        pieces.push(OtslPiece::Text(rest));
    }
    pieces
}

/// A table with more than [`MAX_TABLE_PLACES`] cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a table of {rows} x {columns} cells is too large; its tokens are kept as text (limit: {MAX_TABLE_PLACES} cells)"
)]
pub struct TooLarge {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
}

impl TooLarge {
    fn check(rows: usize, columns: usize) -> Result<(), TooLarge> {
        if rows.saturating_mul(columns) > MAX_TABLE_PLACES {
            Err(TooLarge { rows, columns })
        } else {
            Ok(())
        }
    }
}

/// The table as HTML; empty if the text has no cell or is too large.
pub fn to_html(otsl: &str) -> String {
    read(otsl).unwrap_or_default()
}

/// The table as HTML; empty if the text has no cell.
pub fn read(otsl: &str) -> Result<String, TooLarge> {
    let squared = squared(otsl)?;
    let pieces: Vec<OtslPiece> = pieces(&squared)
        .into_iter()
        .filter(|p| !strip(p.as_str()).is_empty())
        .collect();
    let rows = rows(&pieces)?;
    let aligned = aligned(&pieces, &rows);
    Ok(write_grid(
        &cells(&aligned, &rows),
        rows.len(),
        rows.first().map_or(0, Vec::len),
    ))
}

/// The text with rows of equal length, chosen to change the fewest cells. Empty if the table is too large.
pub fn square(otsl: &str) -> String {
    squared(otsl).unwrap_or_default()
}

fn squared(otsl: &str) -> Result<String, TooLarge> {
    let otsl = strip(otsl);
    if !otsl.contains(OtslTag::NewLine.as_str()) {
        return Ok(format!("{otsl}{}", OtslTag::NewLine.as_str()));
    }
    let lines: Vec<Vec<(OtslTag, String)>> = otsl
        .split(OtslTag::NewLine.as_str())
        .map(line_cells)
        .filter(|cells| !cells.is_empty())
        .collect();
    let need = |line: &Vec<(OtslTag, String)>| {
        line.iter()
            .rposition(|(t, _)| *t == OtslTag::Full)
            .map_or(0, |i| i + 1)
    };
    let least = lines.iter().map(need).max().unwrap_or(0);
    let most = lines.iter().map(Vec::len).max().unwrap_or(0).max(least);
    let width = cheapest_width(lines.iter().map(Vec::len).collect(), least, most);
    TooLarge::check(lines.len(), width)?;
    let mut out = String::with_capacity(otsl.len());
    for line in &lines {
        for i in 0..width {
            match line.get(i) {
                Some((tag, text)) => {
                    out.push_str(tag.as_str());
                    out.push_str(text);
                }
                None => out.push_str(OtslTag::Empty.as_str()),
            }
        }
        out.push_str(OtslTag::NewLine.as_str());
    }
    if out.is_empty() {
        out.push_str(OtslTag::NewLine.as_str());
    }
    Ok(out)
}

/// The smallest width between two limits that cuts off or adds the fewest cells.
fn cheapest_width(mut lengths: Vec<usize>, least: usize, most: usize) -> usize {
    lengths.sort_unstable();
    // The sum of distances falls up to the lower median and never falls after it.
    let median = lengths
        .len()
        .checked_sub(1)
        .map_or(0, |last| lengths[last / 2]);
    median.clamp(least, most)
}

/// The cells of a line with their texts; text before the first cell is dropped.
fn line_cells(line: &str) -> Vec<(OtslTag, String)> {
    let mut cells: Vec<(OtslTag, String)> = Vec::new();
    // One line break before the end of the row is dropped, as `$` in Python's patterns matches before it.
    for piece in pieces(line.strip_suffix('\n').unwrap_or(line)) {
        match (piece, cells.last_mut()) {
            (OtslPiece::OtslTag(tag), _) => cells.push((tag, String::new())),
            (OtslPiece::Text(text), Some(cell)) => cell.1.push_str(text),
            (OtslPiece::Text(_), None) => {}
        }
    }
    cells
}

/// The tags row by row, all rows padded to the longest.
fn rows(pieces: &[OtslPiece]) -> Result<Vec<Vec<OtslTag>>, TooLarge> {
    let tags = pieces.iter().filter_map(|p| match p {
        OtslPiece::OtslTag(tag) => Some(*tag),
        OtslPiece::Text(_) => None,
    });
    let tags: Vec<OtslTag> = tags.collect();
    let lines = tags
        .split(|t| *t == OtslTag::NewLine)
        .filter(|row| !row.is_empty());
    let mut rows: Vec<Vec<OtslTag>> = lines.map(<[OtslTag]>::to_vec).collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    TooLarge::check(rows.len(), width)?;
    rows.iter_mut()
        .for_each(|row| row.resize(width, OtslTag::Empty));
    Ok(rows)
}

/// The pieces realigned to the padded rows. Where the two disagree, later texts are lost.
fn aligned<'a>(pieces: &[OtslPiece<'a>], rows: &[Vec<OtslTag>]) -> Vec<OtslPiece<'a>> {
    let mut out = Vec::with_capacity(pieces.len());
    let mut unread = pieces.iter().copied().peekable();
    for row in rows {
        for tag in row {
            out.push(OtslPiece::OtslTag(*tag));
            if unread.next_if_eq(&OtslPiece::OtslTag(*tag)).is_some() {
                out.extend(unread.next_if(|piece| matches!(piece, OtslPiece::Text(_))));
            }
        }
        out.push(OtslPiece::OtslTag(OtslTag::NewLine));
        unread.next_if_eq(&OtslPiece::OtslTag(OtslTag::NewLine));
    }
    out
}

/// A cell and the rectangle that it spans.
struct SpannedCell<'a> {
    row: usize,
    column: usize,
    row_span: usize,
    column_span: usize,
    text: &'a str,
}

fn cells<'a>(pieces: &[OtslPiece<'a>], rows: &[Vec<OtslTag>]) -> Vec<SpannedCell<'a>> {
    let mut cells = Vec::new();
    let (mut row, mut column) = (0, 0);
    let across = [OtslTag::Left, OtslTag::Cross];
    let down = [OtslTag::Up, OtslTag::Cross];
    for (i, piece) in pieces.iter().enumerate() {
        let OtslPiece::OtslTag(tag) = *piece else {
            continue;
        };
        if tag == OtslTag::NewLine {
            (row, column) = (row + 1, 0);
            continue;
        }
        if matches!(tag, OtslTag::Full | OtslTag::Empty) {
            // The next piece is the text, even if it is a tag (docs/reference.md, "OTSL tables to HTML").
            let text = if tag == OtslTag::Full {
                pieces.get(i + 1).map_or("", |p| p.as_str())
            } else {
                ""
            };
            let next = pieces.get(i + if tag == OtslTag::Full { 2 } else { 1 });
            let joined = matches!(next, Some(OtslPiece::OtslTag(t)) if across.contains(t));
            let tag_at = |r: usize, c: usize| rows.get(r).and_then(|row: &Vec<OtslTag>| row.get(c));
            let run = |tags: &mut dyn Iterator<Item = Option<&OtslTag>>, which: [OtslTag; 2]| {
                tags.take_while(|t| t.is_some_and(|t| which.contains(t)))
                    .count()
            };
            let right = run(&mut (column + 1..).map(|c| tag_at(row, c)), across);
            let below = run(&mut (row + 1..).map(|r| tag_at(r, column)), down);
            cells.push(SpannedCell {
                row,
                column,
                row_span: 1 + below,
                column_span: 1 + if joined { right } else { 0 },
                text: strip(text),
            });
        }
        column += 1;
    }
    cells
}

/// Writes the grid; a cell is written unless a later cell covers its top left corner.
fn write_grid(cells: &[SpannedCell], rows: usize, columns: usize) -> String {
    if cells.is_empty() {
        return String::new();
    }
    let mut grid: Vec<Option<usize>> = vec![None; rows * columns];
    for (i, cell) in cells.iter().enumerate() {
        for r in cell.row..(cell.row + cell.row_span).min(rows) {
            for c in cell.column..(cell.column + cell.column_span).min(columns) {
                grid[r * columns + c] = Some(i);
            }
        }
    }
    let mut html = String::from("<table>");
    for r in 0..rows {
        html.push_str("<tr>");
        for c in 0..columns {
            let Some(cell) = grid[r * columns + c].map(|i| &cells[i]) else {
                html.push_str("<td></td>");
                continue;
            };
            if (cell.row, cell.column) != (r, c) {
                continue;
            }
            html.push_str("<td");
            for (name, span) in [("rowspan", cell.row_span), ("colspan", cell.column_span)] {
                if span > 1 {
                    html.push_str(&format!(" {name}=\"{span}\""));
                }
            }
            html.push_str(&format!(">{}</td>", escape(cell.text)));
        }
        html.push_str("</tr>");
    }
    html.push_str("</table>");
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Table;

    #[track_caller]
    fn check(otsl: &str, expected: &str) {
        assert_eq!(to_html(otsl), expected);
    }

    #[test]
    fn spans_run_right_and_down() {
        check(
            "<fcel>a<lcel><fcel>b<nl><ucel><xcel><fcel>c<nl>",
            "<table><tr><td rowspan=\"2\" colspan=\"2\">a</td><td>b</td></tr><tr><td>c</td></tr></table>",
        );
    }

    #[test]
    fn rows_get_the_width_that_most_have() {
        assert_eq!(
            square("<fcel>a<fcel>b<nl><fcel>c<nl>"),
            "<fcel>a<fcel>b<nl><fcel>c<ecel><nl>"
        );
        assert_eq!(
            square("<fcel>a<ecel><nl><fcel>b<nl><fcel>c<nl>"),
            "<fcel>a<nl><fcel>b<nl><fcel>c<nl>"
        );
        assert_eq!(square(" x "), "x<nl>");
    }

    proptest::proptest! {
        /// The width by brute force, from the rule's definition.
        #[test]
        fn the_width_is_the_cheapest(lengths in proptest::collection::vec(0usize..12, 0..9), least in 0usize..12) {
            let most = lengths.iter().copied().max().unwrap_or(0).max(least);
            let cost = |width: &usize| lengths.iter().map(|length| length.abs_diff(*width)).sum::<usize>();
            let expected = (least..=most).min_by_key(cost).unwrap();
            proptest::prop_assert_eq!(cheapest_width(lengths.clone(), least, most), expected);
        }
    }

    #[test]
    fn tables_beyond_the_limit_are_refused() {
        let row = format!("{}<nl>", "<ecel>".repeat(1_000));
        assert!(read(&row.repeat(100)).is_ok());
        assert_eq!(
            read(&row.repeat(101)),
            Err(TooLarge {
                rows: 101,
                columns: 1_000
            })
        );
        assert_eq!(to_html(&row.repeat(101)), "");
    }

    #[test]
    fn a_full_cell_without_text_shows_the_next_tag() {
        check(
            "<fcel><fcel>b<nl>",
            "<table><tr><td>&lt;fcel&gt;</td><td>b</td></tr></table>",
        );
    }

    #[test]
    fn texts_without_cells_are_no_table() {
        check("", "");
        check("words <nl> more", "");
    }

    proptest::proptest! {
        /// Any text gives well-formed HTML; parsed as a browser does, its spans tile a grid.
        #[test]
        fn any_text_gives_a_table_or_nothing(otsl in "(<[fellux]cel>|<nl>|<|[a-z<>&\" ]{1,4}){0,40}") {
            let html = to_html(&otsl);
            if html.is_empty() {
                return Ok(());
            }
            let tags = |tag: &str| html.matches(tag).count();
            for (open, close) in [("<table", "</table>"), ("<tr", "</tr>"), ("<td", "</td>")] {
                proptest::prop_assert_eq!(tags(open), tags(close));
            }
            let table = Table::from_html(&html).unwrap();
            let mut seen = std::collections::BTreeSet::new();
            for cell in &table.cells {
                proptest::prop_assert!(cell.row + cell.row_span <= table.rows);
                for r in 0..cell.row_span {
                    for c in 0..cell.column_span {
                        proptest::prop_assert!(seen.insert((cell.row + r, cell.column + c)));
                    }
                }
            }
        }
    }
}
