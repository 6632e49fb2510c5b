//! Tests of Word documents: they are unpacked and read back.

use super::*;
use crate::document::inline::{Inline, Script, TextRun};
use crate::document::{Block, Body, Cell, Document, Label, ListItem, Paragraph, Picture, Table};
use crate::fault::Fault;
use crate::geometry::Rect;
use crate::raster::Pixels;
use proptest::prelude::*;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;
use zip::ZipArchive;

fn document_of(blocks: Vec<Block>) -> Document {
    let mut page = Page::failed(0, Fault::internal(""));
    (page.width, page.height) = (1224, 1584);
    page.blocks = blocks;
    Document {
        input_path: "a/b.pdf".into(),
        pages: vec![page],
        page_count: Some(1),
        info: Default::default(),
    }
}

/// The parts of a document by name; all that are XML are whole.
fn parts_of(document: &Document, options: &MarkdownOptions) -> BTreeMap<String, Vec<u8>> {
    let bytes = bytes(document.into(), &document.pages, options).unwrap();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut parts = BTreeMap::new();
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        assert_eq!(part.last_modified(), Some(DateTime::default()));
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        parts.insert(part.name().unwrap().to_string(), bytes);
    }
    for (name, bytes) in &parts {
        if !name.ends_with(".jpg") {
            events(std::str::from_utf8(bytes).unwrap(), |_| {});
        }
    }
    parts
}

fn text_part(parts: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(parts[name].clone()).unwrap()
}

/// The text of a document with a page of these blocks.
fn xml_of(blocks: Vec<Block>) -> String {
    let parts = parts_of(&document_of(blocks), &MarkdownOptions::default());
    text_part(&parts, "word/document.xml")
}

/// Reads XML to its end, which must come.
fn events(xml: &str, mut take: impl FnMut(&Event)) {
    let mut reader = Reader::from_str(xml);
    let mut open = 0;
    loop {
        let event = reader.read_event().unwrap();
        match &event {
            Event::Start(_) => open += 1,
            Event::End(_) => open -= 1,
            Event::Eof => break,
            _ => {}
        }
        take(&event);
    }
    assert_eq!(open, 0, "{xml}");
}

fn value(tag: &BytesStart, name: &str) -> String {
    let attributes = tag.attributes().flatten();
    let mut found = attributes.filter(|attribute| attribute.key.into_inner() == name);
    found
        .next()
        .map_or(String::new(), |found| found.value.to_string())
}

/// The paragraphs of a part: style, colon, text.
fn paragraphs(xml: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut style, mut text, mut is_text) = (String::new(), String::new(), false);
    events(xml, |event| match event {
        Event::Start(tag) | Event::Empty(tag) => match tag.name().into_inner() {
            "w:pStyle" => style = value(tag, "w:val"),
            "w:br" => text.push('\n'),
            "w:tab" => text.push('\t'),
            name => is_text = name == "w:t",
        },
        Event::Text(piece) if is_text => text.push_str(piece),
        Event::GeneralRef(name) => text.push(match &**name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            other => panic!("{other}"),
        }),
        Event::End(tag) if tag.name().into_inner() == "w:t" => is_text = false,
        Event::End(tag) if tag.name().into_inner() == "w:p" => {
            let (style, text) = (std::mem::take(&mut style), std::mem::take(&mut text));
            found.push(format!("{style}:{text}"));
        }
        _ => {}
    });
    found
}

fn block(label: Label, body: Body) -> Block {
    let mut block = Block::new(label, Rect::new(100.0, 0.0, 712.0, 9.0), 1.0);
    block.body = body;
    block
}

fn run(text: &str) -> Inline {
    Inline::Text(TextRun {
        text: text.into(),
        ..TextRun::default()
    })
}

fn text_of(paragraph: Paragraph) -> Block {
    let paragraphs = vec![paragraph];
    block(Label::Text, Body::Text { paragraphs })
}

fn heading(depth: Option<u8>, text: &str) -> Block {
    let text = vec![run(text)];
    block(Label::ParagraphTitle, Body::Heading { depth, text })
}

fn item(marker: &str, text: &str, items: Vec<ListItem>) -> ListItem {
    ListItem {
        marker: Some(marker.into()),
        paragraphs: vec![vec![run(text)]],
        items,
    }
}

fn cell(place: (usize, usize), spans: (usize, usize), text: &str) -> Cell {
    Cell {
        row: place.0,
        column: place.1,
        row_span: spans.0,
        column_span: spans.1,
        text: text.into(),
        header: place.0 == 0,
        ..Cell::default()
    }
}

fn table_of(rows: usize, columns: usize, cells: Vec<Cell>) -> Block {
    let table = Table {
        rows,
        columns,
        cells,
    };
    let is_cut = false;
    block(Label::Table, Body::Table { table, is_cut })
}

fn caption(text: &str) -> Block {
    let text = vec![run(text)];
    block(Label::FigureTitle, Body::Caption { text })
}

fn picture(path: &str, alt: &str, jpeg: Option<&[u8]>) -> Block {
    let body = Body::Picture {
        path: Some(path.into()),
        alt: Some(alt.into()),
        paragraphs: Vec::new(),
    };
    let mut block = block(Label::Image, body);
    block.picture = Some(Picture {
        path: path.into(),
        jpeg: jpeg.map(Arc::from),
    });
    block
}

fn jpeg(width: usize, height: usize) -> Vec<u8> {
    Pixels::white(width, height).to_jpeg(80).unwrap()
}

fn note(mark: &str, text: &str) -> Block {
    let body = Body::Footnote {
        mark: Some(mark.into()),
        paragraphs: vec![vec![run(text)]],
    };
    block(Label::Footnote, body)
}

fn reference(mark: &str) -> Inline {
    Inline::FootnoteReference {
        mark: mark.into(),
        page: None,
    }
}

#[test]
fn headings_are_words_headings() {
    let blocks = vec![
        heading(Some(0), "Name"),
        heading(Some(1), "One"),
        heading(Some(9), "Deep"),
        heading(None, "Any"),
        text_of(vec![run("a\nb")]),
    ];
    let found = paragraphs(&xml_of(blocks));
    let expected = [
        "Title:Name",
        "Heading1:One",
        "Heading6:Deep",
        "Heading1:Any",
        ":a\nb",
    ];
    assert_eq!(found, expected);
}

#[test]
fn runs_have_their_styles() {
    let styled = |change: fn(&mut TextRun)| {
        let mut run = TextRun {
            text: "x".into(),
            ..TextRun::default()
        };
        change(&mut run);
        xml_of(vec![text_of(vec![Inline::Text(run)])])
    };
    assert!(styled(|run| run.bold = true).contains("<w:b/><w:bCs/>"));
    assert!(styled(|run| run.italic = true).contains("<w:i/><w:iCs/>"));
    assert!(styled(|run| run.strike = true).contains("<w:strike/>"));
    assert!(styled(|run| run.code = true).contains("<w:rStyle w:val=\"CodeText\"/>"));
    let raised = styled(|run| run.script = Some(Script::Sup));
    assert!(
        raised.contains("<w:vertAlign w:val=\"superscript\"/>"),
        "{raised}"
    );
    let link = styled(|run| run.link = Some("https://example.org/a b".into()));
    assert!(!link.contains("hyperlink"), "{link}");
    let link = styled(|run| run.link = Some("#page=1".into()));
    assert!(link.contains("<w:hyperlink w:anchor=\"page_1\""), "{link}");
    assert!(link.contains("w:name=\"page_1\""), "{link}");
    let link = styled(|run| run.link = Some("#page=7".into()));
    assert!(!link.contains("hyperlink"), "{link}");
}

#[test]
fn addresses_stand_beside_the_text() {
    let link = |address: &str| {
        Inline::Text(TextRun {
            text: "x".into(),
            link: Some(address.into()),
            ..TextRun::default()
        })
    };
    let blocks = vec![text_of(vec![
        link("https://example.org/?a=\"&b=<>"),
        link("javascript:alert(1)"),
        link("file:///etc/passwd"),
        link("\\\\host\\share"),
    ])];
    let parts = parts_of(&document_of(blocks), &MarkdownOptions::default());
    let links = text_part(&parts, "word/_rels/document.xml.rels");
    assert_eq!(
        links.matches("TargetMode=\"External\"").count(),
        1,
        "{links}"
    );
    assert!(
        links.contains("Target=\"https://example.org/?a=%22&amp;b=%3C%3E\""),
        "{links}"
    );
    let text = text_part(&parts, "word/document.xml");
    assert_eq!(text.matches("<w:hyperlink ").count(), 1);
    assert!(text.contains("<w:hyperlink r:id=\"link0\""), "{text}");
}

#[test]
fn lists_have_levels_and_keep_their_marks() {
    let below = vec![item("-", "below", Vec::new())];
    let items = vec![
        item("3)", "three", below),
        item("4)", "four", Vec::new()),
        item("\u{2610}", "open", Vec::new()),
    ];
    let parts = parts_of(
        &document_of(vec![block(Label::Text, Body::List { items })]),
        &MarkdownOptions::default(),
    );
    let xml = text_part(&parts, "word/document.xml");
    let found = paragraphs(&xml);
    let all = ["three", "below", "four", "\u{2610}\topen"];
    assert_eq!(found, all.map(|text| format!("ListParagraph:{text}")));
    let list = |level: u8, number: u8| {
        format!("<w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{number}\"/></w:numPr>")
    };
    assert_eq!(xml.matches(&list(0, 2)).count(), 2, "{xml}");
    assert_eq!(xml.matches(&list(1, 1)).count(), 1, "{xml}");
    let lists = text_part(&parts, "word/numbering.xml");
    assert!(lists.contains("<w:startOverride w:val=\"3\"/>"), "{lists}");
    assert!(lists.contains("<w:lvlText w:val=\"%1)\"/>"), "{lists}");
}

#[test]
fn tables_have_merged_cells_headers_and_captions() {
    let cells = vec![
        cell((0, 0), (1, 2), "Head"),
        cell((1, 0), (2, 1), "tall"),
        cell((1, 1), (1, 1), "1"),
        cell((2, 1), (1, 1), "2"),
    ];
    let again = vec![cell((0, 0), (1, 1), "x")];
    let xml = xml_of(vec![
        caption("Table 1"),
        table_of(3, 2, cells),
        table_of(1, 1, again),
    ]);
    let found = paragraphs(&xml);
    let expected = [
        "Caption:Table 1",
        "TableText:Head",
        "TableText:tall",
        "TableText:1",
        "TableText:",
        "TableText:2",
        ":",
        "TableText:x",
        ":",
    ];
    assert_eq!(
        found, expected,
        "tables are apart, and a paragraph is the end"
    );
    assert_eq!(xml.matches("<w:gridSpan w:val=\"2\"/>").count(), 1);
    assert_eq!(xml.matches("<w:vMerge w:val=\"restart\"/>").count(), 1);
    assert_eq!(xml.matches("<w:vMerge/>").count(), 1);
    assert_eq!(xml.matches("<w:tblHeader/>").count(), 1);
    let below = xml_of(vec![
        table_of(1, 1, vec![cell((0, 0), (1, 1), "x")]),
        heading(Some(1), "a"),
        table_of(1, 1, vec![cell((0, 0), (1, 1), "x")]),
        text_of(vec![run("b")]),
    ]);
    assert_eq!(below.matches("<w:spacing w:before=").count(), 1, "{below}");
    assert!(
        xml.contains("<w:keepNext/>"),
        "the caption stays with its table"
    );
}

#[test]
fn pictures_are_in_the_document() {
    let (wide, tall) = (jpeg(40, 20), jpeg(10, 30));
    let blocks = vec![
        picture("imgs/b/one.jpg", "A \"<chart>\"", Some(&wide)),
        caption("Figure 1"),
        picture("imgs/b/two.jpg", "", Some(&tall)),
        picture("imgs/b/one.jpg", "", Some(&wide)),
        picture("imgs/b/lost.jpg", "Lost", None),
        picture("imgs/b/bad.jpg", "Bad", Some(b"no picture")),
    ];
    let parts = parts_of(&document_of(blocks), &MarkdownOptions::default());
    assert_eq!(parts["word/media/image1.jpg"], wide);
    assert_eq!(parts["word/media/image2.jpg"], tall);
    assert_eq!(
        parts.keys().filter(|name| name.ends_with(".jpg")).count(),
        2
    );
    let xml = text_part(&parts, "word/document.xml");
    for (name, count) in [("picture0", 2), ("picture1", 1)] {
        assert_eq!(xml.matches(&format!("r:embed=\"{name}\"")).count(), count);
    }
    // Half of a page that is 612 points wide.
    assert!(
        xml.contains("<wp:extent cx=\"3886200\" cy=\"1943100\"/>"),
        "{xml}"
    );
    assert!(
        xml.contains("descr=\"A &quot;&lt;chart&gt;&quot;\""),
        "{xml}"
    );
    let names = text_part(&parts, "word/_rels/document.xml.rels");
    assert!(names.contains("Id=\"picture1\"") && names.contains("Target=\"media/image2.jpg\""));
    let found = paragraphs(&xml);
    let expected = [
        "Figure:",
        "Caption:Figure 1",
        "Figure:",
        "Figure:",
        "Figure:Lost",
        "Figure:Bad",
    ];
    assert_eq!(found, expected);
}

#[test]
fn footnotes_are_words_footnotes() {
    let blocks = vec![
        text_of(vec![
            run("a"),
            reference("1"),
            reference("*"),
            reference("1"),
            reference("9"),
        ]),
        note("1", "counted"),
        note("*", "marked"),
        note("2", "alone"),
    ];
    let document = document_of(blocks);
    let parts = parts_of(&document, &MarkdownOptions::default());
    let xml = text_part(&parts, "word/document.xml");
    assert!(xml.contains("<w:footnoteReference w:id=\"1\"/>"), "{xml}");
    assert!(
        xml.contains("<w:footnoteReference w:customMarkFollows=\"1\" w:id=\"2\"/>"),
        "{xml}"
    );
    assert_eq!(paragraphs(&xml), [":a*19", "FootnoteText:2 alone"]);
    let notes = paragraphs(&text_part(&parts, "word/footnotes.xml"));
    assert_eq!(
        notes,
        [":", ":", "FootnoteText: counted", "FootnoteText:* marked"]
    );
    let mut without = MarkdownOptions::default();
    without.form.ignores_footnotes = true;
    let parts = parts_of(&document, &without);
    assert_eq!(
        paragraphs(&text_part(&parts, "word/document.xml")),
        [":a1*19"]
    );
}

#[test]
fn text_from_right_to_left_is_marked() {
    let cells = vec![cell((0, 0), (1, 1), "פריט"), cell((0, 1), (1, 1), "מחיר")];
    let xml = xml_of(vec![
        text_of(vec![run("שלום Word 12")]),
        table_of(1, 2, cells),
    ]);
    let expected = "<w:pPr><w:bidi/></w:pPr>\
        <w:r><w:rPr><w:rtl/></w:rPr><w:t xml:space=\"preserve\">שלום </w:t></w:r>\
        <w:r><w:t xml:space=\"preserve\">Word</w:t></w:r>\
        <w:r><w:rPr><w:rtl/></w:rPr><w:t xml:space=\"preserve\"> 12</w:t></w:r>";
    assert!(xml.contains(expected), "{xml}");
    assert!(xml.contains("<w:bidiVisual/>"), "{xml}");
    let xml = xml_of(vec![text_of(vec![run("the word שלום.")])]);
    assert!(!xml.contains("<w:bidi/>"), "{xml}");
    assert_eq!(xml.matches("<w:rtl/>").count(), 1, "{xml}");
}

#[test]
fn labels_out_of_the_reading_order_and_unseen_text_are_left_out() {
    let running = |label: Label| {
        let paragraphs = vec![vec![run("running")]];
        block(label, Body::Running { paragraphs })
    };
    let mut unseen = text_of(vec![run("unseen")]);
    unseen.hidden = Some(crate::document::HiddenReason::Tiny);
    let blocks = vec![
        running(Label::Header),
        text_of(vec![run("text")]),
        running(Label::Number),
        unseen,
    ];
    assert_eq!(paragraphs(&xml_of(blocks)), [":text"]);
}

#[test]
fn properties_and_language_are_those_of_the_file() {
    let mut document = document_of(vec![heading(Some(0), "In the text")]);
    document.info.author = Some("A & B\u{0}".into());
    document.info.language = Some("de-CH".into());
    let parts = parts_of(&document, &MarkdownOptions::default());
    let properties = text_part(&parts, "docProps/core.xml");
    assert!(
        properties.contains("<dc:title>In the text</dc:title>"),
        "{properties}"
    );
    assert!(
        properties.contains("<dc:creator>A &amp; B</dc:creator>"),
        "{properties}"
    );
    assert!(text_part(&parts, "word/styles.xml").contains("<w:lang w:val=\"de-CH\"/>"));
    document.info.title = Some("Of the file".into());
    document.info.language = Some("\"/><x".into());
    let parts = parts_of(&document, &MarkdownOptions::default());
    let properties = text_part(&parts, "docProps/core.xml");
    assert!(
        properties.contains("<dc:title>Of the file</dc:title>"),
        "{properties}"
    );
    assert!(!text_part(&parts, "word/styles.xml").contains("w:lang "));
}

#[test]
fn the_same_pages_give_the_same_bytes_and_some_may_be_chosen() {
    let mut document = document_of(vec![text_of(vec![run("first")])]);
    let mut second = document.pages[0].clone();
    second.page_index = 1;
    second.blocks = vec![text_of(vec![run("second"), reference("1")])];
    document.pages.push(second);
    let options = MarkdownOptions::default();
    let of = |pages: &[Page]| bytes((&document).into(), pages, &options).unwrap();
    assert_eq!(of(&document.pages), of(&document.pages));
    let mut archive = ZipArchive::new(Cursor::new(of(&document.pages[1..]))).unwrap();
    let mut xml = String::new();
    let mut part = archive.by_name("word/document.xml").unwrap();
    part.read_to_string(&mut xml).unwrap();
    assert_eq!(paragraphs(&xml), [":second1"]);
    let written = |document: &Document| {
        let options = FormatOptions {
            answer: None,
            json: crate::writer::options::JsonOptions::page_text("lite", options.clone()),
            concatenate_pages: false,
            preprocesses: false,
        };
        let mut out = Vec::new();
        Docx.write(document.into(), &options, &mut out).unwrap();
        out
    };
    assert_eq!(written(&document), of(&document.pages));
}

/// A block of each kind with a text.
fn all_kinds(text: &str) -> Vec<Block> {
    let paragraph = || vec![run(text)];
    let paragraphs = || vec![paragraph()];
    let formula = Body::Formula {
        latex: text.into(),
        number: Some(text.into()),
    };
    let code = Body::Code {
        language: Some(text.into()),
        text: text.into(),
    };
    let inline = Inline::Formula {
        latex: text.into(),
        display: false,
    };
    let link = Inline::Text(TextRun {
        link: Some(format!("https://example.org/{text}")),
        bold: true,
        ..TextRun {
            text: text.into(),
            ..TextRun::default()
        }
    });
    let items = vec![item(text, text, vec![item(text, text, Vec::new())])];
    vec![
        heading(Some(1), text),
        block(Label::Text, Body::List { items }),
        block(
            Label::Content,
            Body::Contents {
                entries: paragraphs(),
            },
        ),
        table_of(1, 1, vec![cell((0, 0), (1, 1), text)]),
        block(Label::Algorithm, code),
        block(Label::DisplayFormula, formula),
        picture("imgs/a.jpg", text, Some(&jpeg(2, 2))),
        caption(text),
        text_of(vec![inline, link, reference(text)]),
        note(text, text),
    ]
}

proptest! {
    #[test]
    fn any_text_stays_text(
        content in "(</?w:(p|t|r|body)>|<!--|-->|]]>|&(lt|#60|amp);?|[<>&\"'=/%#{}\\\\ \r\n\t]|\\PC|\\p{Cc}|[\u{fffe}\u{ffff}שم]){0,30}"
    ) {
        // Blank paragraphs are left out.
        let content = format!("x{content}");
        let mut document = document_of(all_kinds(&content));
        document.info.title = Some(content.clone());
        document.info.keywords = Some(content.clone());
        let options = MarkdownOptions::default();
        let parts = parts_of(&document, &options);
        let plain = parts_of(&document_of(all_kinds("x")), &options);
        let count = |parts: &BTreeMap<String, Vec<u8>>| {
            paragraphs(&text_part(parts, "word/document.xml")).len()
        };
        prop_assert_eq!(count(&parts), count(&plain));
        let clean: String = content.replace("\r\n", "\n").chars().filter_map(|c| match c {
            '\r' => Some('\n'),
            '\n' | '\t' => Some(c),
            '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1f}' | '\u{85}' => Some(' '),
            '\u{fffe}' | '\u{ffff}' => None,
            c => Some(c).filter(|c| !c.is_control()),
        }).collect();
        let one = paragraphs(&text_part(&parts, "word/document.xml")).swap_remove(0);
        prop_assert_eq!(one, format!("Heading1:{clean}"));
    }
}
