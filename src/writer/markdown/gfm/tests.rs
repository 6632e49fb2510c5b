//! Random documents, written and read back by another parser: what comes back has the same structure.

mod random;
mod reading;

use super::super::{MarkdownOptions, document};
use super::inline::{Place, paragraph};
use crate::document::inline::{Inline, Script, TextRun};
use crate::document::{Block, Body, Cell, Document, Label, ListItem, Page, Picture, Table};
use crate::fault::Fault;
use crate::geometry::Rect;
use proptest::prelude::*;
use random::{MARKS, inlines, pages};
use reading::{Sight, inline_lines, lines};
use std::collections::BTreeSet;

/// Cases per property and test run; `PROPTEST_CASES` raises it.
const CASES: u32 = 2_000;

fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|n| n.parse().ok()).unwrap_or(CASES),
        ..ProptestConfig::default()
    }
}

fn options() -> MarkdownOptions {
    MarkdownOptions {
        ignore_labels: BTreeSet::new(),
        ..MarkdownOptions::default()
    }
}

fn of_blocks(blocks: Vec<Block>) -> Page {
    Page {
        blocks,
        ..Page::failed(0, Fault::internal(""))
    }
}

fn of_pages(pages: Vec<Page>) -> Document {
    Document {
        input_path: "a.pdf".into(),
        pages,
        page_count: Some(1),
        info: Default::default(),
    }
}

fn block(label: Label, body: Body) -> Block {
    let mut block = Block::new(label, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
    block.body = body;
    block
}

fn text(text: &str) -> Inline {
    Inline::Text(TextRun {
        text: text.into(),
        ..TextRun::default()
    })
}

fn written(bodies: Vec<Body>) -> String {
    let blocks = bodies.into_iter();
    let blocks = blocks.map(|body| match &body {
        Body::Footnote { .. } => block(Label::Footnote, body),
        _ => block(Label::Text, body),
    });
    document(&of_pages(vec![of_blocks(blocks.collect())]), &options())
}

#[track_caller]
fn check(body: Body, expected: &str) {
    assert_eq!(written(vec![body]), format!("{expected}\n"));
}

fn styled(text: &str, change: impl Fn(&mut TextRun)) -> Inline {
    let mut run = TextRun {
        text: text.into(),
        ..TextRun::default()
    };
    change(&mut run);
    Inline::Text(run)
}

fn cell(row: usize, column: usize, text: &str) -> Cell {
    Cell {
        row,
        column,
        row_span: 1,
        column_span: 1,
        text: text.into(),
        ..Cell::default()
    }
}

fn table(rows: &[&[&str]]) -> Table {
    let cells = rows.iter().enumerate();
    let cells = cells.flat_map(|(row, texts)| {
        let texts = texts.iter().enumerate();
        texts.map(move |(column, text)| cell(row, column, text))
    });
    Table {
        rows: rows.len(),
        columns: rows.iter().map(|row| row.len()).max().unwrap_or(0),
        cells: cells.collect(),
    }
}

#[test]
fn emphasis_is_written_as_people_write_it() {
    let check = |inlines: Vec<Inline>, expected: &str| {
        check(
            Body::Text {
                paragraphs: vec![inlines],
            },
            expected,
        );
    };
    let bold = |text: &str| styled(text, |run| run.bold = true);
    let italic = |text: &str| styled(text, |run| run.italic = true);
    let both = |text: &str| styled(text, |run| (run.bold, run.italic) = (true, true));
    check(
        vec![
            text("a "),
            bold("bold "),
            text("and "),
            italic("b"),
            text("."),
        ],
        "a **bold** and *b*.",
    );
    check(vec![bold("a "), both("b"), bold(" c")], "**a _b_ c**");
    check(vec![both("b")], "**_b_**");
    check(vec![bold("a"), italic("b")], "**a**_b_");
    check(
        vec![text("in"), bold("side"), text("word")],
        "in**side**word",
    );
    check(
        vec![text("a"), bold("(b)"), text("c")],
        "a<strong>(b)</strong>c",
    );
    check(
        vec![bold("2 * 3 *"), text(" 4 * 5")],
        "**2 * 3 \\***  4 * 5".replace("  ", " ").as_str(),
    );
    check(
        vec![
            styled("a`b", |run| run.code = true),
            text(" or ` and "),
            styled("x[1]", |run| run.link = Some("https://a.b/(c)".into())),
            text("!"),
            styled("https://a.b", |run| run.link = Some("https://a.b".into())),
            styled("no", |run| run.link = Some("javascript:x".into())),
        ],
        "``a`b`` or &#96; and [x\\[1\\]](https://a.b/%28c%29)!<https://a.b>no",
    );
    check(
        vec![
            text("H"),
            styled("2", |run| run.script = Some(Script::Sub)),
            text("O costs $5, not "),
            Inline::Formula {
                latex: "x^2".into(),
                display: false,
            },
        ],
        "H<sub>2</sub>O costs \\$5, not $x^2$",
    );
    check(vec![text("$5 and "), bold("b")], "$5 and **b**");
}

#[test]
fn tables_without_spans_stand_between_bars() {
    let check = |table: Table, expected: &str| {
        check(
            Body::Table {
                table,
                is_cut: false,
            },
            expected,
        )
    };
    check(
        table(&[&["Year", "Sum | all"], &["2019", "1,200 $"], &["2020", ""]]),
        "| Year | Sum \\| all |\n| --- | --- |\n| 2019 | 1,200 $ |\n| 2020 | |",
    );
    check(
        table(&[&["Name", "of a person"], &["Place", "of birth"]]),
        "| | |\n| --- | --- |\n| Name | of a person |\n| Place | of birth |",
    );
    let mut marked = table(&[&["1", "2"], &["a"]]);
    marked.cells[0].header = true;
    marked.cells[1].header = true;
    check(marked, "| 1 | 2 |\n| --- | --- |\n| a |");
    let mut wide = table(&[&["a & b"], &["c\n\n<d>", "e"]]);
    wide.cells[0].column_span = 2;
    wide.cells[0].header = true;
    check(
        wide,
        "<table>\n<tr><th colspan=\"2\">a &amp; b</th></tr>\n<tr><td>c<br>&lt;d&gt;</td><td>e</td></tr>\n</table>",
    );
}

#[test]
fn pictures_of_tables_stand_in_their_cells() {
    let mut with_picture = table(&[&["a", "b"]]);
    with_picture.cells[1].pictures = vec!["imgs/a.jpg".into(), "http://elsewhere/b.jpg".into()];
    let table = Body::Table {
        table: with_picture,
        is_cut: false,
    };
    let page = Page {
        table_pictures: vec!["imgs/a.jpg".into()],
        ..of_blocks(vec![block(Label::Table, table)])
    };
    assert_eq!(
        document(&of_pages(vec![page]), &options()),
        "<table>\n<tr><td>a</td><td>b<img src=\"imgs/a.jpg\" alt=\"Image\"></td></tr>\n</table>\n"
    );
}

fn item(marker: &str, content: &str, items: Vec<ListItem>) -> ListItem {
    ListItem {
        marker: Some(marker.to_string()).filter(|marker| !marker.is_empty()),
        paragraphs: vec![vec![text(content)]],
        items,
    }
}

#[test]
fn items_keep_their_marks() {
    let items = vec![
        item(
            "\u{2022}",
            "a",
            vec![item("1.", "b\nc", vec![]), item("2.", "d", vec![])],
        ),
        item("\u{2611}", "done", vec![]),
        item("\u{2610}", "not", vec![]),
        item("(iv)", "other", vec![]),
        item("3)", "three", vec![]),
        item("5)", "five", vec![]),
        item("", "1. no number", vec![]),
    ];
    check(
        Body::List { items },
        "- a\n  1. b\n     c\n  2. d\n- [x] done\n- [ ] not\n- (iv) other\n3) three\n5. five\n- 1\\. no number",
    );
}

#[test]
fn lines_of_contents_lead_to_pages_with_one_sign() {
    let entry = |content: &str| vec![text(content)];
    let entries = vec![
        entry("1.2 Tides . . . . . . . . 7"),
        entry("Etc.... and so on"),
        entry("A.....9"),
    ];
    check(
        Body::Contents { entries },
        "- 1.2 Tides \u{2026} 7\n- Etc.... and so on\n- A \u{2026} 9",
    );
}

fn footnote(mark: &str, content: &str) -> Body {
    Body::Footnote {
        mark: Some(mark.to_string()).filter(|mark| !mark.is_empty()),
        paragraphs: vec![vec![text(content)]],
    }
}

fn refers(content: &str, mark: &str) -> Body {
    let reference = Inline::FootnoteReference {
        mark: mark.into(),
        page: None,
    };
    Body::Text {
        paragraphs: vec![vec![text(content), reference]],
    }
}

#[test]
fn footnotes_are_numbered_over_the_pages() {
    let page = |content: &str| {
        let notes = [
            footnote("1", "Note."),
            footnote("2", "Alone."),
            footnote("", "No mark."),
        ];
        let notes = notes.map(|body| block(Label::Footnote, body));
        let mut blocks = vec![block(Label::Text, refers(content, "1"))];
        blocks.extend(notes);
        of_blocks(blocks)
    };
    let one = document(&of_pages(vec![page("a")]), &MarkdownOptions::default());
    assert_eq!(
        one,
        "a[^1]\n\n<sup>2</sup> Alone.\n\nNo mark.\n\n[^1]: Note.\n"
    );
    let two = document(&of_pages(vec![page("a"), page("b")]), &options());
    assert!(two.contains("a[^1]\n") && two.contains("b[^2]\n") && two.ends_with("[^2]: Note.\n"));
    let mut asked = MarkdownOptions::default();
    asked.form.ignores_footnotes = true;
    let without = document(&of_pages(vec![page("a")]), &asked);
    assert_eq!(without, "a<sup>1</sup>\n");
}

#[test]
fn captions_describe_their_pictures_and_stay_text() {
    let picture = Body::Picture {
        path: Some("imgs/a b.jpg".into()),
        alt: None,
        paragraphs: vec![vec![text("not shown")]],
    };
    let caption = Body::Caption {
        text: vec![text("Figure 1: [a] "), styled("b", |run| run.bold = true)],
    };
    let mut blocks = vec![
        block(Label::Image, picture),
        block(Label::FigureTitle, caption),
    ];
    blocks[0].picture = Some(Picture {
        path: "imgs/a b.jpg".into(),
        jpeg: Some(vec![1, 2, 3].into()),
    });
    let document_of = of_pages(vec![of_blocks(blocks)]);
    assert_eq!(
        document(&document_of, &options()),
        "![Figure 1: \\[a\\] b](imgs/a%20b.jpg)\n\nFigure 1: [a] **b**\n"
    );
    let mut embedding = options();
    embedding.form.embed_images = true;
    assert!(
        document(&document_of, &embedding)
            .starts_with("![Figure 1: \\[a\\] b](data:image/jpeg;base64,AQID)\n")
    );
}

#[test]
fn formulas_keep_their_numbers() {
    let formula = |latex: &str, number: Option<&str>| Body::Formula {
        latex: latex.into(),
        number: number.map(String::from),
    };
    check(formula("a = b", None), "$$a = b$$");
    check(formula("a = b", Some("(2.1)")), "$$a = b \\tag{2.1}$$");
    check(
        formula("a\n\n= b", Some("[1_a]")),
        "$$a = b \\tag*{[1\\_a]}$$",
    );
    check(formula(" ", Some("(1)")), "(1)");
}

#[test]
fn pages_are_marked_as_asked() {
    let heading = Body::Heading {
        depth: Some(0),
        text: vec![text("A \"title\": b")],
    };
    let mut pages = vec![
        of_blocks(vec![block(Label::DocTitle, heading)]),
        of_blocks(Vec::new()),
        of_blocks(vec![block(
            Label::Text,
            Body::Text {
                paragraphs: vec![vec![text("b")]],
            },
        )]),
    ];
    for (index, page) in pages.iter_mut().enumerate() {
        page.page_index = index;
    }
    let document_of = of_pages(pages);
    let mut marked = options();
    marked.form.page_breaks = super::super::PageBreaks::Rule;
    marked.form.front_matter = true;
    assert_eq!(
        document(&document_of, &marked),
        "---\ntitle: \"A \\\"title\\\": b\"\nsource: \"a.pdf\"\npages: 1\n---\n\n# A \"title\": b\n\n---\n\nb\n"
    );
    marked.form.page_breaks = super::super::PageBreaks::Comment;
    marked.form.front_matter = false;
    assert_eq!(
        document(&document_of, &marked),
        "<!-- page 1 -->\n\n# A \"title\": b\n\n<!-- page 2 -->\n\n<!-- page 3 -->\n\nb\n"
    );
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn paragraphs_come_back(inlines in inlines()) {
        let markdown = paragraph(&inlines, Place::Block, &|mark, _| Some(mark.to_string()));
        let definitions: String = MARKS.iter().map(|mark| format!("\n\n[^{mark}]: note")).collect();
        let found = lines(&format!("{markdown}{definitions}"));
        let mut expected = inline_lines(&inlines);
        expected.retain(|line| line != "p ");
        let found: Vec<String> = found.into_iter().filter(|line| !line.starts_with("note ")).collect();
        prop_assert_eq!(found, expected, "{}", markdown);
    }

    #[test]
    fn documents_come_back(pages in pages()) {
        let document_of = of_pages(pages);
        let markdown = document(&document_of, &options());
        prop_assert_eq!(lines(&markdown), Sight::of(&document_of), "{}", markdown);
    }
}
