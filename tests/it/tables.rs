//! Tables of the documents in `tests/tables`, whose cells are known because `make.py` there typeset them from sources.
//!
//! The measure is that of table competitions: pairs of neighbouring cells, to the right and below, empty cells skipped.
//! `cargo test --test it tables -- --nocapture` prints it for each document.

use super::support::{Folder, pdf_names, root};
use docparse::document::{Cell, Table};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Mean of the pairs' F1 over all documents, and over those that nothing was tried on. What was found when this was
/// written, less a little; raise the floors when more is.
const FLOORS: (f64, f64) = (0.90, 0.82);
/// Most tables found on pages that only look as if they had some.
const MOST_FALSE: usize = 3;

/// Number of times that one text stands beside or above another; `true` for above.
type Pairs = BTreeMap<(String, String, bool), usize>;

/// Text as it is compared: without white space, hyphens and quotation marks of one kind.
fn plain(text: &str) -> String {
    let simple = |c: char| match c {
        '\u{2010}'..='\u{2014}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' => '\'',
        c => c,
    };
    let kept = |c: &char| !c.is_whitespace() && !matches!(c, '\u{ad}' | '*' | '\\');
    text.chars().map(simple).filter(kept).collect()
}

fn pairs(table: &Table) -> Pairs {
    let mut at: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let texts: Vec<String> = table.cells.iter().map(|cell| plain(&cell.text)).collect();
    for (i, cell) in table.cells.iter().enumerate() {
        for row in cell.row..cell.row + cell.row_span {
            for column in cell.column..cell.column + cell.column_span {
                at.entry((row, column)).or_insert(i);
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut out = Pairs::new();
    for (&(row, column), &i) in at.iter().filter(|(_, i)| !texts[**i].is_empty()) {
        let right = (column + 1..table.columns).filter_map(|c| at.get(&(row, c)));
        let below = (row + 1..table.rows).filter_map(|r| at.get(&(r, column)));
        let is_other = |j: &&usize| **j != i && !texts[**j].is_empty();
        for (next, is_below) in [
            (right.clone().find(is_other), false),
            (below.clone().find(is_other), true),
        ] {
            if let Some(&j) = next
                && seen.insert((i, j, is_below))
            {
                let key = (texts[i].clone(), texts[j].clone(), is_below);
                *out.entry(key).or_default() += 1;
            }
        }
    }
    out
}

fn all_pairs(tables: &[Table]) -> Pairs {
    let mut out = Pairs::new();
    for (key, count) in tables.iter().flat_map(pairs) {
        *out.entry(key).or_default() += count;
    }
    out
}

/// F1 of pairs.
fn score(truth: &[Table], found: &[Table]) -> f64 {
    let (truth, found) = (all_pairs(truth), all_pairs(found));
    let common = truth
        .iter()
        .map(|(key, count)| *count.min(found.get(key).unwrap_or(&0)));
    let sum = |pairs: &Pairs| pairs.values().sum::<usize>();
    2.0 * common.sum::<usize>() as f64 / (sum(&truth) + sum(&found)).max(1) as f64
}

/// The tables among the blocks of a document.
fn tables(document: &Value) -> Vec<Table> {
    let pages = document["pages"].as_array().unwrap().iter();
    let blocks = pages.flat_map(|page| page["parsing_res_list"].as_array().unwrap());
    let bodies = blocks.map(|block| &block["body"]);
    let number = |value: &Value, or: usize| value.as_u64().map_or(or, |n| n as usize);
    let cell = |cell: &Value| Cell {
        row: number(&cell["row"], 0),
        column: number(&cell["column"], 0),
        row_span: number(&cell["row_span"], 1),
        column_span: number(&cell["column_span"], 1),
        text: cell["text"].as_str().unwrap_or_default().to_string(),
        ..Cell::default()
    };
    bodies
        .filter(|body| body["type"] == "table")
        .map(|body| Table {
            rows: number(&body["rows"], 0),
            columns: number(&body["columns"], 0),
            cells: body["cells"].as_array().unwrap().iter().map(cell).collect(),
        })
        .collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "shown with --nocapture")]
fn typeset_tables_have_their_cells() {
    let folder = Folder::new();
    let truths = root().join("tests/tables");
    let pdfs = format!("{}/*.pdf", truths.display());
    folder
        .run(&["-i", &pdfs, "--save-path", "out", "--formats", "json", "-q"])
        .expect(0);
    let held_out = std::fs::read_to_string(truths.join("held_out.txt")).unwrap();
    let held_out: BTreeSet<&str> = held_out.split_whitespace().collect();
    let (mut scores, mut held, mut not_tables) = (Vec::new(), Vec::new(), 0);
    let mut report = String::new();
    for name in &pdf_names(&truths) {
        let html = std::fs::read_to_string(truths.join(format!("{name}.html"))).unwrap();
        let truth: Vec<Table> = html
            .split_inclusive("</table>")
            .filter_map(Table::from_html)
            .collect();
        let found = tables(&folder.json(&format!("out/{name}.json")));
        let is_held_out = held_out.contains(name.as_str());
        if truth.is_empty() {
            not_tables += found.len();
            report += &format!("{name:28} no table, {} found\n", found.len());
            continue;
        }
        let score = score(&truth, &found);
        scores.push(score);
        held.extend(is_held_out.then_some(score));
        let mark = if is_held_out { " held out" } else { "" };
        report += &format!(
            "{name:28} {score:.3}, {} of {}{mark}\n",
            found.len(),
            truth.len()
        );
    }
    let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
    let (all, held) = (mean(&scores), mean(&held));
    println!("{report}mean {all:.3}, held out {held:.3}, false {not_tables}");
    assert!(
        all >= FLOORS.0 && held >= FLOORS.1,
        "{all:.3} {held:.3}\n{report}"
    );
    assert!(not_tables <= MOST_FALSE, "{report}");
}

/// The cells of the first table of a page, each with its rectangle.
fn placed(document: &Value, page: usize) -> (Vec<f64>, Vec<(Value, Vec<f64>)>) {
    let numbers = |value: &Value| -> Vec<f64> {
        let all = value.as_array().unwrap().iter();
        all.map(|n| n.as_f64().unwrap()).collect()
    };
    let blocks = &document["pages"][page]["parsing_res_list"];
    let mut blocks = blocks.as_array().unwrap().iter();
    let table = blocks
        .find(|block| block["body"]["type"] == "table")
        .unwrap();
    let cells = table["body"]["cells"].as_array().unwrap().iter();
    let cells = cells.map(|cell| (cell.clone(), numbers(&cell["bbox"])));
    (numbers(&table["block_bbox"]), cells.collect())
}

#[test]
fn cells_tell_where_they_stand() {
    let folder = Folder::new();
    let inside = |inner: &[f64], outer: &[f64]| {
        let slack = 3.0;
        inner[0] >= outer[0] - slack
            && inner[1] >= outer[1] - slack
            && inner[2] <= outer[2] + slack
            && inner[3] <= outer[3] + slack
    };
    // Ruled, open, from right to left, and turned by a quarter.
    for name in [
        "office_price_groups",
        "latex_paper_cmidrule",
        "browser_arabic_invoice",
        "latex_sideways_yields",
    ] {
        let pdf = root().join(format!("tests/tables/{name}.pdf"));
        let pdf = pdf.to_str().unwrap();
        folder
            .run(&["-i", pdf, "--save-path", "out", "--formats", "json", "-q"])
            .expect(0);
        let (bbox, cells) = placed(&folder.json(&format!("out/{name}.json")), 0);
        for (at, (cell, own)) in cells.iter().enumerate() {
            assert!(inside(own, &bbox), "{name} {cell} outside {bbox:?}");
            let confidence = cell["confidence"].as_f64().unwrap();
            assert!((0.25..=1.0).contains(&confidence), "{name} {cell}");
            let lines = cell["lines"].as_array().unwrap();
            let is_empty = cell["text"] == "";
            assert_eq!(cell["kind"] == "empty", is_empty, "{name} {cell}");
            assert_eq!(lines.is_empty(), is_empty, "{name} {cell}");
            for line in lines {
                let line: Vec<f64> = line
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|n| n.as_f64().unwrap())
                    .collect();
                let middle = [(line[0] + line[2]) / 2.0, (line[1] + line[3]) / 2.0];
                let point = [middle[0], middle[1], middle[0], middle[1]];
                assert!(inside(&point, own), "{name}: {line:?} outside {cell}");
            }
            for (other, beside) in &cells[..at] {
                let width = own[2].min(beside[2]) - own[0].max(beside[0]);
                let height = own[3].min(beside[3]) - own[1].max(beside[1]);
                assert!(width < 4.0 || height < 4.0, "{name}: {cell} over {other}");
            }
        }
        let kinds: BTreeSet<&str> = cells
            .iter()
            .map(|(cell, _)| cell["kind"].as_str().unwrap())
            .collect();
        assert!(
            kinds.contains("number") && kinds.contains("header"),
            "{name} {kinds:?}"
        );
    }
}

#[test]
fn cells_of_a_table_that_goes_on_tell_their_page() {
    let folder = Folder::new();
    let pdf = root().join("tests/tables/office_two_pages.pdf");
    let pdf = pdf.to_str().unwrap();
    folder
        .run(&["-i", pdf, "--save-path", "out", "--formats", "json", "-q"])
        .expect(0);
    let (bbox, cells) = placed(&folder.json("out/office_two_pages.json"), 0);
    let (later, first): (Vec<_>, Vec<_>) =
        cells.iter().partition(|(cell, _)| cell["page_index"] == 1);
    assert!(
        !later.is_empty()
            && first
                .iter()
                .all(|(cell, own)| cell["page_index"].is_null() && own[3] <= bbox[3] + 3.0)
    );
    // The rows of the next page come after all of the first, and begin at its top again.
    let row = |(cell, _): &(Value, Vec<f64>)| cell["row"].as_u64().unwrap();
    let last = first.iter().map(|cell| row(cell)).max();
    assert!(later.iter().map(|cell| row(cell)).min() > last);
    assert!(later.iter().any(|(_, own)| own[1] < bbox[3] / 2.0));
    assert!(later.iter().all(|(cell, _)| cell["kind"] != "header"));
}

#[test]
fn lines_of_code_keep_what_stands_beside_a_gap() {
    let folder = Folder::new();
    let pdf = root().join("tests/tables/latex_code_none.pdf");
    let pdf = pdf.to_str().unwrap();
    folder
        .run(&["-i", pdf, "--save-path", "out", "--formats", "md", "-q"])
        .expect(0);
    let path = folder.path().join("out/latex_code_none.md");
    let markdown = std::fs::read_to_string(path).unwrap();
    let line = "#define REG_STATUS      0x00    /* busy, error          */";
    assert!(markdown.lines().any(|own| own == line), "{markdown}");
}
