//! Tables that continue on the next page (docs/reference.md, "Merging tables across pages").

use super::html::{HtmlTree, NodeId};
use crate::document::{Block, CellFacts, Label, is_space};
use std::collections::{BTreeSet, VecDeque};

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

/// Merges tables across pages, the last pair of pages first. `page_indices` are the positions of the
/// pages in their document.
///
/// Returns, in order, the indices of the pages whose first table was left unmerged because the two tables are
/// too large to compare or merge.
pub(super) fn merge_tables(
    pages: &mut [&mut [Block]],
    page_indices: &[usize],
) -> Vec<(usize, MergeLimit)> {
    let mut apart = Vec::new();
    let mut open = None;
    for at in (1..pages.len()).rev() {
        let (before, after) = pages.split_at_mut(at);
        let (before, after) = (&mut *before[at - 1], &mut *after[0]);
        let found = merge_pair(before, after, page_indices[at], &mut open);
        apart.extend(found.err().map(|why| (at, why)));
    }
    if let (Some(open), Some(page)) = (open, pages.first_mut()) {
        open.close(page);
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

/// Merges the first table of a page into the last of the previous page, if it continues it. `page_index` is the position
/// of the later page, `open` the table of it that goes on after it; it is then that of the earlier page.
fn merge_pair(
    before: &mut [Block],
    after: &mut [Block],
    page_index: usize,
    open: &mut Option<Open>,
) -> Result<(), MergeLimit> {
    let Some((first, second)) = neighbours(before, after) else {
        if let Some(open) = open.take() {
            open.close(after);
        }
        return Ok(());
    };
    let mut chain = None;
    if let Some(own) = open.take() {
        match own.block == second {
            true => chain = Some(own.chain),
            false => own.close(after),
        }
    }
    let (a, b) = (&mut before[first], &mut after[second]);
    let chain = chain.or_else(|| Chain::of(&b.content));
    let rows = match chain {
        // Plain tables, as nearly all are: the rows of what is merged are not read again for each page before.
        Some(mut chain) => match chain.continue_from(&a.content) {
            Ok(Continued::Rows(rows)) => {
                *open = Some(Open {
                    block: first,
                    chain,
                });
                Some(rows)
            }
            other => {
                b.content = chain.to_html();
                if other? == Continued::Apart {
                    return Ok(());
                }
                None
            }
        },
        None => None,
    };
    let rows = match rows {
        Some(rows) => rows,
        None => {
            let Some(whole) = merged(&a.content, &b.content)? else {
                return Ok(());
            };
            a.content = whole.html;
            whole.rows
        }
    };
    b.content.clear();
    take_cells(a, b, page_index, rows);
    if let (Some(a), Some(b)) = (a.global_ids, &mut b.global_ids) {
        b.1 = a.0;
    }
    Ok(())
}

/// The last table of a page and the first one of the next, if nothing else stands between them and they are of one width.
fn neighbours(before: &[Block], after: &[Block]) -> Option<(usize, usize)> {
    use Label::*;
    let is_table = |b: &Block| b.label == Table;
    let first = before.iter().rposition(is_table)?;
    let second = after.iter().position(is_table)?;
    let may_follow = [Footer, VisionFootnote, Number, Footnote, FooterImage, Seal];
    let may_precede = [Header, HeaderImage, Number, Seal];
    let mut below = before[first + 1..].iter();
    let mut above = after[..second].iter();
    if !below.all(|b| may_follow.contains(&b.label))
        || !above.all(|b| may_precede.contains(&b.label))
    {
        return None;
    }
    let (a, b) = (&before[first], &after[second]);
    let (wide, narrow) = (
        a.bbox.width().max(b.bbox.width()),
        a.bbox.width().min(b.bbox.width()),
    );
    let is_alike = narrow > 0.0 && (wide - narrow) / narrow < SAME_WIDTH;
    (is_alike && !a.content.is_empty() && !b.content.is_empty()).then_some((first, second))
}

/// Moves what is known of the cells of a table that goes on to those of its beginning.
fn take_cells(a: &mut Block, b: &mut Block, page_index: usize, rows: JoinedRows) {
    let cells = std::mem::take(&mut b.cells);
    let rest = cells.into_iter().filter(|cell| cell.row >= rows.header);
    a.cells.extend(rest.map(|cell| CellFacts {
        row: cell.row - rows.header + rows.first,
        // The head of a table is at its beginning.
        header: false,
        place: cell.place.map(|mut place| {
            place.page_index.get_or_insert(page_index);
            place
        }),
        ..cell
    }));
}

/// Rows of two tables as one.
#[derive(Debug, Clone, Copy, PartialEq)]
struct JoinedRows {
    /// Rows of the first one.
    first: usize,
    /// Rows of the second one that repeat the first one's header and are left out.
    header: usize,
}

/// A table that begins on a page, while those before it are looked at.
#[derive(Debug)]
struct Open {
    /// Its block on that page.
    block: usize,
    chain: Chain,
}

impl Open {
    /// Gives the block the whole table.
    fn close(self, page: &mut [Block]) {
        if let Some(block) = page.get_mut(self.block) {
            block.content = self.chain.to_html();
        }
    }
}

/// The rows of a plain table, each as HTML.
#[derive(Debug)]
struct Chain {
    rows: VecDeque<String>,
    /// Columns, spans counted.
    columns: usize,
    /// Length of its HTML.
    bytes: usize,
}

impl Chain {
    const START: &'static str = "<table>";
    const END: &'static str = "</table>";

    /// `None` unless the HTML is as it would be written again, has rows without attributes and no tables in cells, and no
    /// cell that reaches below the last row.
    fn of(html: &str) -> Option<Chain> {
        let inner = html.strip_prefix(Self::START)?.strip_suffix(Self::END)?;
        if html.len() > MAX_MERGED_BYTES || inner.contains("<table") {
            return None;
        }
        let tree = HtmlTree::parse(html);
        let rows = tree.elements(tree.root(), &["tr"]);
        let texts: VecDeque<String> = inner.split_inclusive("</tr>").map(str::to_string).collect();
        let is_row = |text: &String| text.starts_with("<tr>") && text.matches("<tr").count() == 1;
        let reaches = |(at, row): (usize, &NodeId)| {
            let mut own = cells(&tree, *row).into_iter();
            own.any(|cell| at + span(&tree, cell, "rowspan") > rows.len())
        };
        let is_plain = texts.len() == rows.len() && texts.iter().all(is_row);
        if !is_plain || tree.to_html() != html || rows.iter().enumerate().any(reaches) {
            return None;
        }
        Some(Chain {
            columns: columns(&tree, &rows),
            rows: texts,
            bytes: html.len(),
        })
    }

    fn to_html(&self) -> String {
        let mut html = String::with_capacity(self.bytes);
        html.push_str(Self::START);
        html.extend(self.rows.iter().map(String::as_str));
        html.push_str(Self::END);
        html
    }

    /// Its first rows, the header and the row after it: all that is compared.
    fn beginning(&self) -> HtmlTree {
        let first = self.rows.iter().take(MAX_HEADER_ROWS + 1);
        let first: String = first.map(String::as_str).collect();
        HtmlTree::parse(&[Self::START, &first, Self::END].concat())
    }

    /// Puts the rows of another table before these, as [`merged`] does. Whatever else comes of it leaves it as it was.
    fn continue_from(&mut self, html: &str) -> Result<Continued, MergeLimit> {
        let Some(own) = Chain::of(html) else {
            return Ok(Continued::Unsure);
        };
        if own.bytes + self.bytes > MAX_MERGED_BYTES {
            return Err(MergeLimit::Bytes);
        }
        let (a, b) = (HtmlTree::parse(html), self.beginning());
        let (rows_a, rows_b) = (a.elements(a.root(), &["tr"]), b.elements(b.root(), &["tr"]));
        let header = repeated_header(&a, &rows_a, &b, &rows_b);
        let reaches = |(at, row): (usize, &NodeId)| {
            let mut own = cells(&b, *row).into_iter();
            own.any(|cell| at + span(&b, cell, "rowspan") > header)
        };
        if rows_b[..header].iter().enumerate().any(reaches) {
            return Ok(Continued::Unsure);
        }
        let next = rows_b.get(header).map(|row| (&b, *row));
        if !continues(&a, &rows_a, next, own.columns, self.columns)? {
            return Ok(Continued::Apart);
        }
        for text in self.rows.drain(..header) {
            self.bytes -= text.len();
        }
        self.columns = self.columns.max(own.columns);
        self.bytes += own.bytes - Self::START.len() - Self::END.len();
        for text in own.rows.into_iter().rev() {
            self.rows.push_front(text);
        }
        Ok(Continued::Rows(JoinedRows {
            first: rows_a.len(),
            header,
        }))
    }
}

/// What comes of putting the rows of another table before those of a chain.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Continued {
    /// They are one table.
    Rows(JoinedRows),
    /// The chain does not continue the other table.
    Apart,
    /// The other table is not plain, or a cell of the header that the chain would lose reaches into the rows that stay:
    /// only the trees tell.
    Unsure,
}

/// Whether a table goes on with a row, the `next` of another one behind the repeated header: as many columns, or rows that
/// agree.
fn continues(
    a: &HtmlTree,
    rows_a: &[NodeId],
    next: Option<(&HtmlTree, NodeId)>,
    columns_a: usize,
    columns_b: usize,
) -> Result<bool, MergeLimit> {
    let rows_agree = rows_a.last().zip(next).is_some_and(|(last, (b, row))| {
        let (x, y) = (cells(a, *last), cells(b, row));
        let spans = |html: &HtmlTree, cells: &[NodeId]| {
            cells
                .iter()
                .map(|c| span(html, *c, "colspan"))
                .sum::<usize>()
        };
        spans(a, &x) == spans(b, &y) || x.len() == y.len()
    });
    if columns_a.max(columns_b) > MAX_COLUMNS {
        return Err(MergeLimit::Columns);
    }
    Ok(columns_a == columns_b || rows_agree)
}

/// Two tables as one.
#[derive(Debug, PartialEq)]
struct Merged {
    html: String,
    rows: JoinedRows,
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
        rows: JoinedRows {
            first: rows_a.len(),
            header,
        },
    };
    let Some(last) = rows_a.last().copied() else {
        // Two tables without rows merge into one.
        return Ok(rows_b.is_empty().then(|| whole(a.to_html())));
    };
    let next = rest.first().map(|row| (&b, *row));
    let (columns_a, columns_b) = (columns(&a, &rows_a), columns(&b, &rows_b));
    if !continues(&a, &rows_a, next, columns_a, columns_b)? {
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

    proptest::proptest! {
        /// Plain tables are merged as any are, pages after pages.
        #[test]
        fn chains_are_merged_like_trees(pages in proptest::collection::vec(spanned(), 2..5)) {
            let mut slow = pages[pages.len() - 1].clone();
            let mut chain = Chain::of(&slow);
            for page in pages[..pages.len() - 1].iter().rev() {
                let whole = merged(page, &slow).unwrap();
                let fast = chain.as_mut().map(|chain| chain.continue_from(page).unwrap());
                match fast {
                    Some(Continued::Rows(rows)) => {
                        proptest::prop_assert_eq!(Some(rows), whole.as_ref().map(|whole| whole.rows));
                    }
                    Some(Continued::Apart) => {
                        proptest::prop_assert!(whole.is_none());
                        chain = Chain::of(page);
                    }
                    Some(Continued::Unsure) | None => {
                        chain = whole.as_ref().map_or(Chain::of(page), |whole| Chain::of(&whole.html));
                    }
                }
                slow = whole.map_or(page.clone(), |whole| whole.html);
                if let Some(chain) = &chain {
                    proptest::prop_assert_eq!(chain.to_html(), slow.clone());
                    proptest::prop_assert_eq!(chain.bytes, slow.len());
                }
            }
        }
    }

    /// Tables with spans.
    fn spanned() -> impl proptest::strategy::Strategy<Value = String> {
        use proptest::strategy::Strategy;
        let cell = ("[ab]{0,1}", 1..3usize, 1..3usize).prop_map(|(text, columns, rows)| {
            let span = |name: &str, n: usize| match n {
                1 => String::new(),
                n => format!(" {name}=\"{n}\""),
            };
            format!(
                "<td{}{}>{text}</td>",
                span("colspan", columns),
                span("rowspan", rows)
            )
        });
        let row = proptest::collection::vec(cell, 1..3)
            .prop_map(|cells| format!("<tr>{}</tr>", cells.concat()));
        proptest::collection::vec(row, 1..4)
            .prop_map(|rows| format!("<table>{}</table>", rows.concat()))
    }

    fn rows() -> impl proptest::strategy::Strategy<Value = Vec<Vec<String>>> {
        proptest::collection::vec(proptest::collection::vec("[a-c]{0,2}", 1..3), 0..4)
    }
}
