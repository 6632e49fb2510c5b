//! Tests of HTML: it is read back as tags and text.

use super::*;
use crate::document::html::{Tag, Token, Tokens};
use crate::document::inline::Script;
use crate::document::{Document, Picture, unescape};
use crate::fault::Fault;
use crate::geometry::Rect;
use crate::writer::markdown::address;
use crate::writer::options::JsonOptions;
use proptest::prelude::*;

fn options(markdown: MarkdownOptions) -> FormatOptions {
    FormatOptions {
        json: JsonOptions::page_text("lite", markdown),
        concatenate_pages: false,
        answer: None,
        preprocesses: false,
    }
}

/// HTML of a document with a page of these blocks.
fn html_of(blocks: Vec<Block>) -> String {
    html_with(blocks, MarkdownOptions::default())
}

fn html_with(blocks: Vec<Block>, markdown: MarkdownOptions) -> String {
    let mut page = Page::failed(0, Fault::internal(""));
    page.blocks = blocks;
    let document = Document {
        input_path: "a/<b>.pdf".into(),
        pages: vec![page],
        page_count: Some(1),
        info: Default::default(),
    };
    written(&document, markdown)
}

fn written(document: &Document, markdown: MarkdownOptions) -> String {
    let mut out = Vec::new();
    Html.write(document.into(), &options(markdown), &mut out)
        .unwrap();
    String::from_utf8(out).unwrap()
}

/// What lies between the tags of the page.
fn page_of(html: &str) -> &str {
    let (_, rest) = html
        .split_once("<section id=\"page-1\" data-page=\"1\">\n")
        .unwrap();
    rest.strip_suffix("</section>\n</body>\n</html>\n").unwrap()
}

fn block(label: Label, body: Body) -> Block {
    let mut block = Block::new(label, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
    block.body = body;
    block
}

fn run(text: &str) -> Inline {
    Inline::Text(TextRun {
        text: text.into(),
        ..TextRun::default()
    })
}

fn text_of(content: &str) -> Block {
    let paragraphs = vec![vec![run(content)]];
    block(Label::Text, Body::Text { paragraphs })
}

fn caption(content: &str, top: f32) -> Block {
    let text = vec![run(content)];
    let mut block = block(Label::FigureTitle, Body::Caption { text });
    block.bbox = Rect::new(0.0, top, 9.0, top + 1.0);
    block
}

fn picture(path: &str, alt: Option<&str>) -> Block {
    let body = Body::Picture {
        path: Some(path.into()),
        alt: alt.map(String::from),
        paragraphs: vec![vec![run("read")]],
    };
    let mut block = block(Label::Image, body);
    block.picture = Some(Picture {
        path: path.into(),
        jpeg: None,
    });
    block
}

fn footnote_of(mark: &str, content: &str) -> Block {
    let body = Body::Footnote {
        mark: Some(mark.into()),
        paragraphs: vec![vec![run(content)]],
    };
    block(Label::Footnote, body)
}

fn reference_to(mark: &str) -> Block {
    let reference = Inline::FootnoteReference {
        mark: mark.into(),
        page: None,
    };
    let paragraphs = vec![vec![run("see"), reference]];
    block(Label::Text, Body::Text { paragraphs })
}

fn cell(row: usize, column: usize, row_span: usize, column_span: usize, text: &str) -> Cell {
    Cell {
        row,
        column,
        row_span,
        column_span,
        text: text.into(),
        header: row == 0,
        ..Cell::default()
    }
}

fn tags(html: &str) -> Vec<Tag> {
    let tags = Tokens::new(html).filter_map(|token| match token {
        Token::Open(tag) => Some(tag),
        _ => None,
    });
    tags.collect()
}

fn values(html: &str, attribute: &str) -> Vec<String> {
    let attributes = tags(html).into_iter().flat_map(|tag| tag.attributes);
    let of_name = attributes.filter(|(name, _)| name == attribute);
    of_name.map(|(_, value)| value).collect()
}

#[test]
fn text_is_never_markup() {
    let html = html_of(vec![text_of(
        "</p><script>a & 'b' \"c\"</script>\u{1}\u{0}\u{9b}\r\nd\u{b}e",
    )]);
    assert_eq!(
        page_of(&html),
        "<p>&lt;/p&gt;&lt;script&gt;a &amp; &#x27;b&#x27; &quot;c&quot;&lt;/script&gt;\u{fffd}\u{fffd}\u{fffd}<br>\nd e</p>\n"
    );
    assert!(html.contains("<title>&lt;b&gt;.pdf</title>"), "{html}");
}

#[test]
fn only_addresses_of_the_web_and_of_mail_are_links() {
    #[track_caller]
    fn check(link: &str, expected: Option<&str>) {
        assert_eq!(address(link), expected, "{link}");
        let run = TextRun {
            text: "a".into(),
            link: Some(link.into()),
            bold: true,
            ..TextRun::default()
        };
        let html = text_run(&run, &|_| false);
        let links = expected.map(String::from).into_iter().collect::<Vec<_>>();
        assert_eq!(values(&html, "href"), links);
        assert_eq!(tags(&html).len(), 1 + links.len());
    }
    check("https://a.b/?c=d&e=f", Some("https://a.b/?c=d&e=f"));
    check(" HTTP://a.b", Some("HTTP://a.b"));
    check("mailto:a@b.c", Some("mailto:a@b.c"));
    check(
        "https://a\"onclick=\"b><b>",
        Some("https://a\"onclick=\"b><b>"),
    );
    for link in [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "\u{1}javascript:alert(1)",
        "data:text/html,a",
        "file:///etc/passwd",
        "//a.b",
        "https://a\nb",
        "a",
        "ä",
        "",
    ] {
        check(link, None);
    }
}

#[test]
fn styles_lie_in_each_other() {
    let run = TextRun {
        text: "2".into(),
        bold: true,
        italic: true,
        strike: false,
        code: true,
        script: Some(Script::Sub),
        link: Some("https://a.b".into()),
    };
    let html = text_run(&run, &|_| false);
    assert_eq!(
        html,
        "<a href=\"https://a.b\"><sub><strong><em><code>2</code></em></strong></sub></a>"
    );
}

#[test]
fn references_lead_to_footnotes_and_back() {
    // Two footnotes of one mark, as pages that were joined have them.
    let html = html_of(vec![
        reference_to("1"),
        footnote_of("1", "first"),
        reference_to("1"),
        reference_to("1"),
        footnote_of("1", "second"),
        reference_to("9"),
        footnote_of("*", "nobody's"),
    ]);
    let (ids, links) = (values(&html, "id"), values(&html, "href"));
    assert_eq!(
        ids,
        ["page-1", "ref-1", "ref-2", "note-1", "note-2", "note-3"]
    );
    assert_eq!(links, ["#note-1", "#note-2", "#note-2", "#ref-1", "#ref-2"]);
    assert!(html.contains(
        "<div class=\"footnote\" id=\"note-2\">\n<p><sup>1</sup> second <a href=\"#ref-2\">\u{21a9}</a></p>\n"
    ));
    assert!(html.contains("see<sup>9</sup>"));
}

#[test]
fn references_and_links_lead_to_other_pages() {
    let mark = |mark: &str, page| Inline::FootnoteReference {
        mark: mark.into(),
        page,
    };
    let link = |page: usize| {
        Inline::Text(TextRun {
            text: "there".into(),
            link: Some(format!("#page={page}")),
            ..TextRun::default()
        })
    };
    let paragraph = vec![
        mark("1", Some(1)),
        mark("1", None),
        mark("1", Some(7)),
        link(2),
        link(3),
        link(0),
    ];
    let text = Body::Text {
        paragraphs: vec![paragraph],
    };
    let page = |index: usize, blocks: Vec<Block>| {
        let failed = Page::failed(index, Fault::internal(""));
        Page { blocks, ..failed }
    };
    let first = page(0, vec![block(Label::Text, text), footnote_of("1", "here")]);
    let document = Document {
        input_path: "a.pdf".into(),
        pages: vec![first, page(1, vec![footnote_of("1", "there")])],
        page_count: Some(2),
        info: Default::default(),
    };
    let html = written(&document, MarkdownOptions::default());
    assert_eq!(
        values(&html, "id"),
        ["page-1", "ref-2", "ref-1", "note-1", "page-2", "note-2"]
    );
    assert_eq!(
        values(&html, "href"),
        ["#note-2", "#note-1", "#page-2", "#ref-1", "#ref-2"]
    );
}

#[test]
fn tables_have_spans_headers_and_captions() {
    let table = Table {
        rows: 2,
        columns: 3,
        cells: vec![
            cell(0, 0, 2, 1, "<a>"),
            cell(0, 1, 1, 2, "b"),
            cell(1, 1, 1, 1, "c $x^2$"),
            cell(1, 2, 1, 1, ""),
        ],
    };
    let body = Body::Table {
        table,
        is_cut: false,
    };
    let mut table = block(Label::Table, body);
    table.markup.formulas = true;
    let html = html_of(vec![caption("Table 1", 0.0), table]);
    assert_eq!(
        page_of(&html),
        "<table>\n<caption>Table 1</caption>\n\
         <tr><th rowspan=\"2\">&lt;a&gt;</th><th colspan=\"2\">b</th></tr>\n\
         <tr><td>c <span class=\"math\">x^2</span></td><td></td></tr>\n</table>\n"
    );
}

#[test]
fn captions_go_to_the_nearer_neighbour() {
    let mut below = picture("imgs/b.jpg", None);
    below.bbox = Rect::new(0.0, 30.0, 9.0, 40.0);
    let html = html_of(vec![
        picture("imgs/a #1\".jpg", Some("\"<a>")),
        caption("of b", 28.0),
        below,
        caption("alone", 60.0),
        caption("alone as well", 61.0),
    ]);
    let images = ["imgs/a%20%231%22.jpg", "imgs/b.jpg"];
    assert_eq!(values(&html, "src"), images);
    assert_eq!(values(&html, "alt"), ["\"<a>", "Image"]);
    let page = page_of(&html);
    assert!(page.contains("<figcaption>of b</figcaption>\n<img src=\"imgs/b.jpg\""));
    assert!(page.contains("<p class=\"caption\">alone</p>\n"));
    assert!(page.ends_with("<p class=\"caption\">alone as well</p>\n"));
    assert!(
        !page.contains("read"),
        "text in pictures is not shown unless asked for"
    );
}

#[test]
fn furniture_is_left_out_unless_it_is_wanted() {
    let header = || {
        let paragraphs = vec![vec![run("header")]];
        vec![block(Label::Header, Body::Running { paragraphs })]
    };
    assert_eq!(page_of(&html_of(header())), "");
    let wanted = MarkdownOptions {
        ignore_labels: BTreeSet::new(),
        ..MarkdownOptions::default()
    };
    assert_eq!(
        page_of(&html_with(header(), wanted)),
        "<aside class=\"running\">\n<p>header</p>\n</aside>\n"
    );
}

#[test]
fn items_in_a_row_are_one_list() {
    let item = |content: &str, marker: Option<&str>| {
        let item = ListItem {
            marker: marker.map(String::from),
            paragraphs: vec![vec![run(content)]],
            items: Vec::new(),
        };
        block(Label::Text, Body::List { items: vec![item] })
    };
    let html = html_of(vec![item("a", None), item("b", Some("2.")), text_of("c")]);
    assert_eq!(
        page_of(&html),
        "<ul>\n<li>a</li>\n<li class=\"marked\">2. b</li>\n</ul>\n<p>c</p>\n"
    );
}

#[test]
fn headings_are_as_deep_as_they_are() {
    let heading = |depth: Option<u8>| {
        let text = vec![Inline::Text(TextRun {
            text: "a & b".into(),
            bold: true,
            ..TextRun::default()
        })];
        block(Label::ParagraphTitle, Body::Heading { depth, text })
    };
    let depths = [Some(0), Some(1), None, Some(255)];
    let html = html_of(depths.into_iter().map(heading).collect());
    let names: Vec<String> = tags(page_of(&html)).into_iter().map(|t| t.name).collect();
    assert_eq!(names, ["h1", "h2", "h2", "h6"]);
    assert!(html.contains("<title>a &amp; b</title>"));
}

/// A block of every kind with the text in all its places.
fn all_kinds(content: &str) -> Vec<Block> {
    let paragraph = || {
        let styled = Inline::Text(TextRun {
            text: content.into(),
            italic: true,
            link: Some(format!("javascript:{content}")),
            ..TextRun::default()
        });
        let formula = Inline::Formula {
            latex: content.into(),
            display: false,
        };
        let mark = content.into();
        vec![
            styled,
            formula,
            Inline::FootnoteReference { mark, page: None },
        ]
    };
    let paragraphs = || vec![paragraph()];
    let item = ListItem {
        marker: Some(content.into()),
        paragraphs: paragraphs(),
        items: Vec::new(),
    };
    let table = Table {
        rows: 1,
        columns: 1,
        cells: vec![cell(0, 0, 1, 1, content)],
    };
    let body = |body: Body| block(Label::Text, body);
    let text = paragraph();
    let depth = Some(0);
    vec![
        body(Body::Heading { depth, text }),
        body(Body::Text {
            paragraphs: paragraphs(),
        }),
        body(Body::List { items: vec![item] }),
        body(Body::Contents {
            entries: paragraphs(),
        }),
        body(Body::Table {
            table,
            is_cut: true,
        }),
        body(Body::Code {
            language: Some(content.into()),
            text: content.into(),
        }),
        body(Body::Formula {
            latex: content.into(),
            number: Some(content.into()),
        }),
        picture(content, Some(content)),
        caption(content, 0.0),
        caption(content, 0.0),
        body(Body::Footnote {
            mark: Some(content.into()),
            paragraphs: paragraphs(),
        }),
        body(Body::Running {
            paragraphs: paragraphs(),
        }),
        footnote_of(content, content),
    ]
}

/// Names of tags and of their attributes, in order, without line ends.
fn structure(html: &str) -> Vec<String> {
    let names = Tokens::new(html).filter_map(|token| match token {
        Token::Open(tag) if tag.name == "br" => None,
        Token::Open(tag) => {
            let attributes: Vec<String> =
                tag.attributes.into_iter().map(|(name, _)| name).collect();
            Some(format!("{} {}", tag.name, attributes.join(" ")))
        }
        Token::Close(name) => Some(format!("/{name}")),
        Token::Comment(_) => Some("comment".into()),
        Token::Declaration(_) => Some("declaration".into()),
        Token::Text(_) => None,
    });
    names.collect()
}

/// All text, as a browser shows it.
fn shown(html: &str) -> String {
    let texts = Tokens::new(html).filter_map(|token| match token {
        Token::Text(text) => Some(unescape(text)),
        _ => None,
    });
    texts.collect()
}

proptest! {
    #[test]
    fn any_text_stays_text(
        content in "(</?(p|script|section|style|title|td|a)( href=\"x\")?>|<!--|-->|&(lt|#60|amp);?|[<>&\"'=/$`\\\\ \r\n\t]|\\PC|\\p{Cc}|src=\"){0,30}"
    ) {
        // Blank paragraphs are left out.
        let content = format!("x{content}");
        let all = MarkdownOptions { ignore_labels: BTreeSet::new(), ..MarkdownOptions::default() };
        let html = html_with(all_kinds(&content), all.clone());
        let plain = html_with(all_kinds("x"), all);
        prop_assert_eq!(structure(&html), structure(&plain));
        let one = shown(page_of(&html_of(vec![text_of(&content)])));
        let clean: String = content.replace("\r\n", "\n").chars().map(|c| match c {
            '\r' => '\n',
            '\n' | '\t' => c,
            '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1f}' | '\u{85}' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        }).collect();
        prop_assert_eq!(one, format!("{clean}\n"));
    }
}
