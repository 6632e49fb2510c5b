//! Tables that continue on the next page (docs/reference.md, "Merging tables across pages").

use super::html::{HtmlTree, NodeId};
use crate::document::{Block, CellFacts, Label, is_space};
use std::collections::BTreeSet;

/// Difference of widths, relative to the smaller, from which two tables are not the same.
const SAME_WIDTH: f32 = 0.1;
/// Maximum number of rows of a repeated header.
const MAX_HEADER_ROWS: usize = 5;
/// Larger spans count as this: they would only cost memory.
const MAX_SPAN: usize = 1000;
/// Maximum number of columns, spans included, of tables that are compared; wider ones are not merged.
const MAX_COLUMNS: usize = 20_000;
/// Limit in bytes of HTML for merged tables: a table of 200 full pages. Beyond it the table stays split.
const MAX_MERGED_BYTES: usize = 2_000_000;

/// Merges tables across pages, the last pair of pages first. `places` are the positions of the pages in their document.
///
/// Returns, in order, the indices of the pages whose first table was left unmerged because the two tables are
/// too large to compare or merge.
pub(super) fn merge_tables(
    pages: &mut [&mut [Block]],
    places: &[usize],
) -> Vec<(usize, MergeLimit)> {
    let mut apart = Vec::new();
    for at in (1..pages.len()).rev() {
        let (before, after) = pages.split_at_mut(at);
        apart.extend(
            merge_pair(before[at - 1], after[0], places[at])
                .err()
                .map(|why| (at, why)),
        );
    }
    apart.reverse();
    let mut groups: Vec<usize> = pages
        .iter()
        .flat_map(|p| p.iter())
        .map(|b| b.global_ids.map_or(0, |ids| ids.1))
        .collect();
    for i in 0..groups.len() {
        groups[i] = groups.get(groups[i]).copied().unwrap_or(i);
    }
    for (block, group) in pages.iter_mut().flat_map(|p| p.iter_mut()).zip(groups) {
        if let Some(ids) = &mut block.global_ids {
            ids.1 = group;
        }
    }
    apart
}

/// Limit because of which tables are not compared or not merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum MergeLimit {
    /// [`MAX_MERGED_BYTES`].
    #[error("together they take more than {MAX_MERGED_BYTES} bytes")]
    Bytes,
    /// [`MAX_COLUMNS`].
    #[error("one of them has more than {MAX_COLUMNS} columns")]
    Columns,
}

/// Merges the first table of a page into the last of the previous page, if it continues it. `page` is the position of
/// the later page.
fn merge_pair(before: &mut [Block], after: &mut [Block], page: usize) -> Result<(), MergeLimit> {
    use Label::*;
    let is_table = |b: &Block| b.label == Table;
    let (Some(first), Some(second)) = (
        before.iter().rposition(is_table),
        after.iter().position(is_table),
    ) else {
        return Ok(());
    };
    let may_follow = [Footer, VisionFootnote, Number, Footnote, FooterImage, Seal];
    let may_precede = [Header, HeaderImage, Number, Seal];
    if !before[first + 1..]
        .iter()
        .all(|b| may_follow.contains(&b.label))
        || !after[..second]
            .iter()
            .all(|b| may_precede.contains(&b.label))
    {
        return Ok(());
    }
    let (a, b) = (&mut before[first], &mut after[second]);
    let (wide, narrow) = (
        a.bbox.width().max(b.bbox.width()),
        a.bbox.width().min(b.bbox.width()),
    );
    if narrow <= 0.0
        || (wide - narrow) / narrow >= SAME_WIDTH
        || a.content.is_empty()
        || b.content.is_empty()
    {
        return Ok(());
    }
    if let Some(whole) = merged(&a.content, &b.content)? {
        a.content = whole.html;
        b.content.clear();
        let cells = std::mem::take(&mut b.cells);
        let rest = cells.into_iter().filter(|cell| cell.row >= whole.header);
        a.cells.extend(rest.map(|cell| CellFacts {
            row: cell.row - whole.header + whole.rows,
            // The head of a table is at its beginning.
            header: false,
            place: cell.place.map(|mut place| {
                place.page.get_or_insert(page);
                place
            }),
            ..cell
        }));
        if let (Some(a), Some(b)) = (a.global_ids, &mut b.global_ids) {
            b.1 = a.0;
        }
    }
    Ok(())
}

/// Two tables as one.
#[derive(Debug, PartialEq)]
struct Merged {
    html: String,
    /// Rows of the first one.
    rows: usize,
    /// Rows of the second one that repeat the first one's header and are left out.
    header: usize,
}

/// The merged table; `None` if the second does not continue the first.
fn merged(first: &str, second: &str) -> Result<Option<Merged>, MergeLimit> {
    if first.len() + second.len() > MAX_MERGED_BYTES {
        return Err(MergeLimit::Bytes);
    }
    let (mut a, b) = (HtmlTree::parse(first), HtmlTree::parse(second));
    let (rows_a, rows_b) = (a.elements(a.root(), &["tr"]), b.elements(b.root(), &["tr"]));
    let header = repeated_header(&a, &rows_a, &b, &rows_b);
    let rest = &rows_b[header..];
    let whole = |html: String| Merged {
        html,
        rows: rows_a.len(),
        header,
    };
    let Some(last) = rows_a.last().copied() else {
        // Two tables without rows merge into one.
        return Ok(rows_b.is_empty().then(|| whole(a.to_html())));
    };
    let rows_agree = rest.first().is_some_and(|row| {
        let (x, y) = (cells(&a, last), cells(&b, *row));
        let spans = |html: &HtmlTree, cells: &[NodeId]| {
            cells
                .iter()
                .map(|c| span(html, *c, "colspan"))
                .sum::<usize>()
        };
        spans(&a, &x) == spans(&b, &y) || x.len() == y.len()
    });
    let (columns_a, columns_b) = (columns(&a, &rows_a), columns(&b, &rows_b));
    if columns_a.max(columns_b) > MAX_COLUMNS {
        return Err(MergeLimit::Columns);
    }
    if columns_a != columns_b && !rows_agree {
        return Ok(None);
    }
    let home = a.parent(last);
    let moving: BTreeSet<NodeId> = rest.iter().copied().collect();
    for row in rest {
        // A row inside a cell of a moved row has moved with it.
        if !b.is_inside(*row, &moving) {
            a.append_copy(home, &b, *row);
        }
    }
    Ok(Some(whole(a.to_html())))
}

fn cells(html: &HtmlTree, row: NodeId) -> Vec<NodeId> {
    html.elements(row, &["td", "th"])
}

fn span(html: &HtmlTree, cell: NodeId, name: &str) -> usize {
    html.attribute(cell, name)
        .and_then(|v| v.trim().parse::<usize>().ok())
        .unwrap_or(1)
        .min(MAX_SPAN)
}

/// Number of columns of a table, spans counted; for one that is too wide, more than [`MAX_COLUMNS`].
fn columns(html: &HtmlTree, rows: &[NodeId]) -> usize {
    // For every column, the first row in which it is free. Cells may overlap, as the reference places them.
    let mut free_from: Vec<usize> = Vec::new();
    let mut most = 0;
    for (r, row) in rows.iter().enumerate() {
        let mut column = 0;
        for cell in cells(html, *row) {
            while free_from.get(column).is_some_and(|free| *free > r) {
                column += 1;
            }
            let (width, height) = (span(html, cell, "colspan"), span(html, cell, "rowspan"));
            let end = column + width;
            free_from.resize(free_from.len().max(end), 0);
            for free in &mut free_from[column..end] {
                *free = (*free).max(r + height);
            }
            column = end;
            most = most.max(column);
            if most > MAX_COLUMNS {
                return most;
            }
        }
    }
    most
}

/// Number of equal rows at the start of both tables.
fn repeated_header(a: &HtmlTree, rows_a: &[NodeId], b: &HtmlTree, rows_b: &[NodeId]) -> usize {
    let same = |(x, y): &(&NodeId, &NodeId)| {
        let (x, y) = (cells(a, **x), cells(b, **y));
        x.len() == y.len()
            && x.iter().zip(&y).all(|(x, y)| {
                comparable(&a.text(*x)) == comparable(&b.text(*y))
                    && span(a, *x, "colspan") == span(b, *y, "colspan")
            })
    };
    rows_a
        .iter()
        .zip(rows_b)
        .take(MAX_HEADER_ROWS)
        .take_while(same)
        .count()
}

/// Text without white space, full-width ASCII made half-width.
fn comparable(text: &str) -> String {
    let half = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    };
    text.chars().map(half).filter(|c| !is_space(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_header_goes_and_all_other_rows_stay() {
        let a = "<table><tr><td>N</td><td>V</td></tr><tr><td>1</td><td>a</td></tr></table>";
        let b = "<table><tr><td> Ｎ</td><td>V</td></tr><tr><td>2</td><td>&quot;</td></tr></table>";
        assert_eq!(
            merged(a, b).unwrap().unwrap().html,
            "<table><tr><td>N</td><td>V</td></tr><tr><td>1</td><td>a</td></tr><tr><td>2</td><td>\"</td></tr></table>"
        );
    }

    #[test]
    fn tables_of_other_shapes_stay_apart() {
        let a = "<table><tr><td>1</td><td>a</td></tr></table>";
        let b = "<table><tr><td>1</td><td>a</td><td>x</td></tr></table>";
        assert_eq!(merged(a, b), Ok(None));
        assert_eq!(merged("no", b), Ok(None));
        let html = merged("no", "rows").map(|found| found.map(|whole| whole.html));
        assert_eq!(html, Ok(Some("no".into())));
        assert_eq!(merged(a, "words"), Ok(None));
    }

    #[test]
    fn hostile_tables_stay_apart_or_are_merged_in_time() {
        // Nested rows, because nothing is closed.
        let open = format!("<table>{}", "<tr><td>a".repeat(50_000));
        assert_eq!(merged(&open, &open), Err(MergeLimit::Columns));
        let spans = format!(
            "<table>{}",
            format!("<tr>{}", "<td rowspan=1000 colspan=1000>x</td>".repeat(30)).repeat(500)
        );
        assert_eq!(merged(&spans, &spans), Err(MergeLimit::Columns));
        let long = format!(
            "<table><tr><td>{}</td></tr></table>",
            "a".repeat(MAX_MERGED_BYTES)
        );
        assert_eq!(
            merged(&long, "<table><tr><td>b</td></tr></table>"),
            Err(MergeLimit::Bytes)
        );
    }

    proptest::proptest! {
        /// No merge loses the text of a cell, except that of a repeated header.
        #[test]
        fn merged_tables_keep_every_text(a in rows(), b in rows()) {
            let html = |rows: &[Vec<String>]| {
                let row = |cells: &Vec<String>| format!("<tr>{}</tr>", cells.iter().map(|c| format!("<td>{c}</td>")).collect::<String>());
                format!("<table>{}</table>", rows.iter().map(row).collect::<String>())
            };
            if let Ok(Some(whole)) = merged(&html(&a), &html(&b)) {
                let header = a.iter().zip(&b).take(MAX_HEADER_ROWS).take_while(|(x, y)| x == y).count();
                let expected: String = a.iter().chain(&b[header..]).flatten().map(String::as_str).collect();
                let parsed = HtmlTree::parse(&whole.html);
                proptest::prop_assert_eq!(parsed.text(parsed.root()), expected);
            }
        }
    }

    fn rows() -> impl proptest::strategy::Strategy<Value = Vec<Vec<String>>> {
        proptest::collection::vec(proptest::collection::vec("[a-c]{0,2}", 1..3), 0..4)
    }
}
