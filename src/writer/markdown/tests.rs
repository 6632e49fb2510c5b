//! Parses written Markdown back with a parser of CommonMark and GitHub's extensions.

mod forms;

use super::*;
use crate::document::soft_newlines;
use crate::fault::Fault;
use crate::geometry::Rect;
use proptest::prelude::*;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use std::collections::BTreeSet;

/// Cases per property and test run; `PROPTEST_CASES` raises it.
const CASES: u32 = 2_000;

fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(CASES),
        ..ProptestConfig::default()
    }
}

/// Parser options that documents are likely to be read with.
fn readers() -> [Options; 3] {
    let github = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    let more =
        Options::ENABLE_MATH | Options::ENABLE_HEADING_ATTRIBUTES | Options::ENABLE_DEFINITION_LIST;
    [
        Options::empty(),
        github,
        github | more | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS,
    ]
}

/// Parsed Markdown: structure as words, and the text.
#[derive(Debug, Default, PartialEq)]
struct Found {
    structure: Vec<String>,
    text: String,
}

fn parse(markdown: &str, options: Options) -> Found {
    let mut found = Found::default();
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Text(text) => found.text.push_str(&text),
            Event::SoftBreak => found.text.push('\n'),
            Event::Start(Tag::Paragraph) => found.structure.push("p".into()),
            Event::Start(Tag::Heading { level, .. }) => {
                found.structure.push(format!("h{}", depth(level)))
            }
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_)) => found.text.push('\n'),
            Event::End(_) => {}
            Event::Html(html) => found.structure.push(format!("html {html}")),
            Event::InlineHtml(html) => found.structure.push(format!("inline {html}")),
            other => found.structure.push(format!("{other:?}")),
        }
    }
    found
}

fn depth(level: HeadingLevel) -> usize {
    level as usize
}

/// Text normalized for comparison: blanks collapsed, control characters replaced.
fn folded(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| {
            if c.is_control() && !c.is_whitespace() && !('\u{1c}'..='\u{1f}').contains(&c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn view<'a>(label: &'a str, content: &'a str, markup: Markup) -> MarkdownBlock<'a> {
    MarkdownBlock {
        label,
        width: 300.0,
        content,
        markup,
        image: None,
        alt: None,
        title_level: None,
    }
}

fn written(label: &str, content: &str, markup: Markup, pretty: bool) -> String {
    let options = MarkdownOptions {
        pretty,
        ignore_labels: BTreeSet::new(),
        ..MarkdownOptions::default()
    };
    let text = block(
        &view(label, content, markup),
        1000.0,
        &PictureSources::default(),
        &options,
    );
    text.unwrap_or_default().trim().to_string()
}

/// Labels whose text is written as plain paragraphs.
const PARAGRAPHS: [&str; 9] = [
    "text",
    "ocr",
    "vertical_text",
    "reference_content",
    "footnote",
    "header",
    "spotting",
    "table_title",
    "table",
];

#[track_caller]
fn comes_back(text: &str) {
    for options in readers() {
        for label in PARAGRAPHS {
            let markdown = written(label, text, Markup::default(), false);
            let found = parse(&markdown, options);
            assert!(
                found.structure.iter().all(|s| s == "p"),
                "{label} {text:?}\n{markdown}\n{found:?}"
            );
            assert_eq!(folded(&found.text), folded(text), "{label}\n{markdown}");
        }
        for (label, depth) in [("doc_title", "h1"), ("paragraph_title", "")] {
            let markdown = written(label, text, Markup::default(), false);
            let found = parse(&markdown, options);
            if folded(text).is_empty() {
                continue;
            }
            assert_eq!(
                found.structure.len(),
                1,
                "{label} {text:?}\n{markdown}\n{found:?}"
            );
            assert!(found.structure[0].starts_with('h') && !found.structure[0].starts_with("html"));
            assert!(found.structure[0].contains(depth));
            let expected = match label {
                "doc_title" => soft_newlines(&escape::normalized(text)).into_owned(),
                _ => soft_newlines(&reference::title_parts(text).1).into_owned(),
            };
            let without_blanks = |t: &str| folded(t).replace([' ', '-'], "");
            assert_eq!(
                without_blanks(&found.text),
                without_blanks(&expected),
                "{label}\n{markdown}"
            );
        }
    }
}

/// Lines known to have caused harm.
const NASTY: &[&str] = &[
    "# not a heading",
    "#not one",
    "####### seven",
    "1. not a list",
    "1) nor this",
    "2019. That year",
    "- dash",
    "+ plus",
    "* star",
    "-",
    "+",
    "*",
    "> quote",
    ">quote",
    "| a | b |\n|---|---|\n| c | d |",
    "a | b\n- | -\nc | d",
    "a\n:-\nb",
    "head\n===",
    "head\n---",
    "head\n-",
    "***",
    "- - -",
    "___",
    "______",
    "* * *",
    "    code",
    "\tcode",
    "a\n\n    code",
    "```\ncode\n```",
    "~~~\ncode",
    "`a` and `b`",
    "``a`",
    "``quoted'' text",
    "*a*",
    "**a**",
    "_a_",
    "__init__",
    "***a***",
    "a*b*c",
    "2*3*4",
    "3 * 4",
    "a_b_c",
    "~~a~~",
    "~a~",
    "<script>alert(1)</script>",
    "<!-- a",
    "<!-- a -->",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)",
    "</div>",
    "<?php",
    "<!DOCTYPE html>",
    "<![CDATA[a]]>",
    "<http://a.b>",
    "<a@b.c>",
    "a<b>c",
    "1 < 2 > 0",
    "a<b",
    "&lt;b&gt;",
    "&amp;",
    "&copy; &#65; &#x41;",
    "R&D",
    "AT&T;",
    "a & b",
    "[a](b)",
    "[a](javascript:alert(1))",
    "![a](b)",
    "[a][b]",
    "[a]",
    "[a]: http://b",
    "[a\nb]: http://c 'd'",
    "[^1]",
    "[^1]: note",
    "[ ] task",
    "[x] task",
    "a  \nb",
    "a\\\nb",
    "a\\",
    "\\",
    "\\*a\\*",
    "C:\\dir\\file",
    "\\\\server",
    "\\<b>",
    "\\&amp;",
    "costs $5 and $6",
    "$5",
    "$$a$$",
    "$a$",
    "a $$ b $$",
    "{#id .c}",
    "Title {#id}",
    "Title #",
    "Title ###",
    "#",
    "##",
    "\u{0}",
    "a\u{b}b",
    "a\rb",
    "a\r\nb",
    "\u{1b}[31mred",
    "---\na: b\n---",
    "+++\na\n+++",
    ": definition",
    "term\n: definition",
    "\u{a0}# a",
    "\u{3000}a",
    "\u{feff}# a",
    "a\u{2028}# b",
    "-a",
    "- ",
    "1.",
    "1)",
    "123456789. a",
    "1234567890. a",
    "=",
    "==",
    "a\n=",
    "&",
    "&#",
    "&#x",
    "&;",
    "<",
    "<a",
    "<a\n>",
    "a*",
    "*a",
    "**Note:** a",
    "a **b",
    "«*a*»",
    "a_\u{24b6}_b",
    "“_a_”",
    "`",
    "``",
    "a`b",
    "www.a.b http://a.b",
    ":smile:",
    "@a #1",
    "<sup>2</sup>",
    "x<sup>2",
    "- [ ] a",
    "* [x] a",
    "-\ta",
    "1.\ta",
    "#\ta",
    "> # a",
    "- # a",
    "a\n# b\n- c\n1. d\n> e\n***\n```",
    "|",
    "||",
    "|-|",
    "-|-",
    ":-:",
    "a\n:-:\nb",
    "a|b\n-|-",
    "a\n--",
    "\\|a|\n|-|",
    "a\n\\---",
    "\\# a",
    "1\\. a",
    "__",
    "**",
    "$`a`$",
    "`$a`$b$",
    "*a `b* c`",
    "[a`](b)`",
    "a](b)",
    "[a]\n(b)",
    "![",
    "!",
    "^a^",
    "H~2~O",
    "==a==",
    "%%",
    "\u{7f}",
    "a\tb",
];

#[test]
fn nasty_lines_come_back() {
    for text in NASTY {
        comes_back(text);
        comes_back(&format!("word {text}"));
        comes_back(&format!("{text} word"));
        comes_back(&format!("before\n{text}\nafter"));
        comes_back(&format!("{text}\n{text}"));
    }
}

#[test]
fn prose_stays_readable() {
    let same = [
        "3 * 4",
        "a_b",
        "snake_case_name",
        "R&D",
        "a & b",
        "C:\\Users",
        "2*3",
        "one * two * three",
        "[1] A. Author, 2020.",
        "[1, 2] and [3]",
        "-5 degrees",
        "3.14 is pi",
        "1.2 Scope",
        "(1) first",
        "a < 5 and b > 3",
        "well-known; e.g. this!",
        "costs $5",
        "``quoted'' text",
        "~5 and ~6",
        "http://a.b/c_d?e=f&g=h",
        "word*",
        "_",
        "100 %",
        "A|B",
        "#1".trim_start_matches('#'),
    ];
    for text in same {
        assert_eq!(written("text", text, Markup::default(), false), text);
    }
    let escaped = [
        ("# a", "\\# a"),
        ("1. a", "1\\. a"),
        ("<b>", "&lt;b>"),
        ("> a", "\\> a"),
        ("| a |", "\\| a |"),
        ("costs $5 and $6", "costs \\$5 and \\$6"),
        ("*a*", "\\*a\\*"),
        ("a_b_ _c_", "a_b\\_ \\_c\\_"),
        ("* a", "\\* a"),
        ("- a", "\\- a"),
        ("===", "\\==="),
        ("&lt;", "&amp;lt;"),
        ("[a](b)", "[a\\](b)"),
        ("[a]: b", "\\[a]: b"),
    ];
    for (text, expected) in escaped {
        assert_eq!(written("text", text, Markup::default(), false), expected);
    }
}

/// Text rich in Markdown syntax.
fn markup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[#*_`~<>|&$!\\[\\](){}\\\\:=+.)\n \t-]{1,4}",
        3 => "[a-zA-Z0-9 ]{1,4}",
        2 => proptest::sample::select(NASTY).prop_map(String::from),
        1 => proptest::sample::select(vec![
            "\n\n", "  \n", "<b>", "</b>", "<!--", "-->", "&lt;", "](", "$$", "```", "~~~", "---", "===", "1. ", "- ", "> ", "|---|",
            "http://a.b", "<div>", "[^1]", "]: ", "é", "、", "\u{a0}", "“", "😀", "\r",
        ]).prop_map(String::from),
        1 => "\\PC{1,3}",
    ];
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// `true` for events that no text may cause.
fn is_harm(event: &Event) -> bool {
    match event {
        Event::Html(_) => true,
        Event::InlineHtml(html) => !["<sup>", "</sup>", "<sub>", "</sub>"].contains(&html.as_ref()),
        Event::Start(tag) => matches!(
            tag,
            Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::CodeBlock(_)
                | Tag::Heading { .. }
                | Tag::Table(_)
                | Tag::List(_)
                | Tag::BlockQuote(_)
                | Tag::HtmlBlock
                | Tag::FootnoteDefinition(_)
                | Tag::MetadataBlock(_)
        ),
        Event::Code(_)
        | Event::Rule
        | Event::HardBreak
        | Event::FootnoteReference(_)
        | Event::TaskListMarker(_) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_comes_back(text in markup()) {
        comes_back(&text);
    }

    /// Formulas of recognizers may be read as formulas; the rest of their text stays text.
    #[test]
    fn what_recognizers_say_is_text_or_formulas(text in markup(), label in proptest::sample::select(vec![
        "text", "footnote", "display_formula", "inline_formula", "formula", "ocr", "abstract", "reference", "content",
    ])) {
        let markup = Markup { formulas: true, scripts: true, ..Markup::default() };
        let markdown = written(label, &text, markup, true);
        for options in readers() {
            let is_content = label == "content";
            let opens = matches!(label, "abstract" | "reference");
            let harm = Parser::new_ext(&markdown, options).find(|event| is_harm(event)
                && !(is_content && *event == Event::HardBreak)
                && !(opens && matches!(event, Event::Start(Tag::Heading { .. }))));
            prop_assert!(harm.is_none(), "{:?} in\n{}", harm, markdown);
        }
    }

    /// Captions, charts and tables are HTML; none of their text becomes a tag.
    #[test]
    fn html_holds_only_its_own_tags(text in markup(), rows in proptest::collection::vec(table_piece(), 0..20)) {
        for label in ["figure_title", "table_title"] {
            let html = written(label, &text, Markup::default(), true);
            prop_assert_eq!(tags(&html), ["div", "/div"], "{}", html);
            let inner = html.trim_start_matches("<div style=\"text-align: center;\">").trim_end_matches("</div>");
            let without_blanks = |t: &str| folded(t).replace([' ', '-'], "");
            prop_assert_eq!(without_blanks(&html_escape::decode_html_entities(inner)), without_blanks(&text));
        }
        let html = written("table", &format!("<table>{}", rows.concat()), Markup::default(), true);
        let harm = Parser::new_ext(&html, Options::empty()).find(|event| matches!(event, Event::InlineHtml(_)));
        prop_assert!(harm.is_none(), "{:?} in\n{}", harm, html);
        let markdown = html;
        let html: String = Parser::new_ext(&markdown, Options::empty()).filter_map(|event| match event {
            Event::Html(html) => Some(html.into_string()),
            _ => None,
        }).collect();
        let known = ["table", "thead", "tbody", "tr", "td", "th", "b", "i", "sup", "sub", "br", "br/", "s", "u", "em", "strong", "tfoot"];
        let mut open: Vec<String> = Vec::new();
        for tag in tags(&html) {
            prop_assert!(known.contains(&tag.trim_start_matches('/')), "{}", html);
            match tag.strip_prefix('/') {
                Some(name) => {
                    let innermost = open.pop();
                    prop_assert_eq!(innermost.as_deref(), Some(name), "{}", html);
                }
                None if tag.starts_with("br") => {}
                None => open.push(tag),
            }
        }
        prop_assert!(open.is_empty(), "{}", html);
        // Sanitizing twice changes nothing.
        let again = html.replace(" border=1 style='margin: auto; word-wrap: break-word;'", "").replace(" style='text-align: center; word-wrap: break-word;'", "");
        if !markdown.contains("\n\n") {
            prop_assert_eq!(&written("table", &again, Markup::default(), true), &markdown);
        }
    }

    /// Whole documents have the requested structure, whatever text their blocks have.
    #[test]
    fn documents_have_the_structure_that_was_asked_for(blocks in proptest::collection::vec((0usize..6, markup()), 0..8)) {
        let mut page = Page::failed(0, Fault::internal(""));
        (page.width, page.height) = (1000, 1400);
        let mut expected: Vec<&str> = Vec::new();
        for (kind, text) in &blocks {
            // One line, so that every block is one paragraph; never empty.
            let text = format!("w {}", folded(text));
            let (label, content, markup, structure) = match kind {
                0 => (Label::DocTitle, text, Markup::default(), "h1"),
                1 => (Label::ParagraphTitle, text, Markup::default(), "h2"),
                2 => (Label::Text, format!("- {text}"), Markup { list_item: true, ..Markup::default() }, "item"),
                3 => (Label::Algorithm, format!("{text}\n    {text}"), Markup::default(), "code"),
                4 => (Label::Table, format!("<table><tr><td>{text}</td></tr></table>"), Markup::default(), "html"),
                _ => (Label::Text, text, Markup::default(), "p"),
            };
            let mut block = Block::new(label, Rect::new(0.0, 0.0, 9.0, 9.0), 1.0);
            (block.content, block.markup, block.title_level) = (content, markup, Some(1));
            page.blocks.push(block);
            expected.push(structure);
        }
        let document = Document { input_path: "a.pdf".into(), pages: vec![page], page_count: Some(1), info: Default::default() };
        let mut options = MarkdownOptions::default();
        options.form.style = MarkdownStyle::Html;
        let markdown = super::document(&document, &options);
        for options in readers() {
            let mut found: Vec<&str> = Vec::new();
            let mut in_list = false;
            for event in Parser::new_ext(&markdown, options) {
                match event {
                    Event::Start(Tag::Heading { level, .. }) => found.push(if depth(level) == 1 { "h1" } else { "h2" }),
                    Event::Start(Tag::Item) => { in_list = true; found.push("item") }
                    Event::End(TagEnd::Item) => in_list = false,
                    Event::Start(Tag::CodeBlock(_)) => found.push("code"),
                    Event::Start(Tag::HtmlBlock) => found.push("html"),
                    Event::Start(Tag::Paragraph) if !in_list => found.push("p"),
                    _ => {}
                }
            }
            prop_assert_eq!(&found, &expected, "{}", markdown);
        }
    }
}

fn table_piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec![
            "<tr>", "</tr>", "<td>", "</td>", "<th>", "</th>", "</table>", "<table>", "<thead>", "</thead>", "<b>", "</b>", "<sup>",
            "<td rowspan=2>", "<td colspan=\"3\" onclick=\"a()\">", "<td colspan=100000000>", "<tr", "<td", "<br>", "<br/>", "<TD>",
            "<script>alert(1)</script>", "<!--", "<img src=x onerror=y>", "<img src=\"imgs/a.jpg\" alt=\"Image\"\" />", "<a href=b>",
            "<td title=\"a>b\">", "<style>", "</div>", "\n\n", "\n", "<", ">", "<html>", "</body>",
        ]).prop_map(String::from),
        1 => "[a-z &;<>\"'=/\n]{0,6}",
    ]
}

/// Names of the tags in HTML, in order; closing tags with their slash.
fn tags(html: &str) -> Vec<String> {
    html.split('<')
        .skip(1)
        .map(|t| t.split(['>', ' ']).next().unwrap_or("").to_string())
        .collect()
}
