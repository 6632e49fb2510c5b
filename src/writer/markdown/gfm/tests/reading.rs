//! What a reader sees of a document and of its Markdown: a line for each paragraph, heading, item, row and so on, with the style of
//! every character.

use super::super::super::links::{address, encoded, link};
use super::super::notes::Marks;
use crate::document::inline::{Inline, Script, TextRun};
use crate::document::{Body, Document, ListItem, Page, Paragraph, Table};
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::collections::BTreeMap;

/// Characters with their styles; a whole formula or reference is one.
type Bits = Vec<(String, String)>;

/// Bits as text: blanks are folded, and styles stand where they change.
fn shown(bits: &Bits) -> String {
    let mut out = String::new();
    let (mut last, mut space) = (String::new(), false);
    for (piece, style) in bits {
        // A mark without footnote may take on the emphasis around it.
        let is_raised = style.ends_with("sup");
        let style = match is_raised && !style.contains(':') {
            true => "sup",
            false => style,
        };
        if piece.chars().all(char::is_whitespace) {
            space = !out.is_empty();
            continue;
        }
        if space {
            out.push(' ');
            space = false;
        }
        if style != last {
            out.push_str(&format!("\u{ab}{style}\u{bb}"));
            last = style.to_string();
        }
        out.push_str(piece);
    }
    out
}

/// A character as Markdown can show it.
fn visible(c: char) -> char {
    match c {
        '\u{7}' => '\u{fffd}',
        c => c,
    }
}

fn formula(latex: &str, display: bool) -> String {
    let latex: String = latex.split_whitespace().collect();
    // Bars have other names in cells.
    let latex = latex.replace("\\|", "\\Vert").replace("\\vert", "|");
    format!("{}{latex}", if display { "$$" } else { "$" })
}

fn address_of(run: &TextRun) -> Option<&str> {
    run.link.as_deref().and_then(address)
}

/// What is seen of a document.
pub(super) struct Sight<'a> {
    page: Option<&'a Page>,
    lines: Vec<String>,
}

impl<'a> Sight<'a> {
    pub(super) fn of(document: &'a Document) -> Vec<String> {
        let mut sight = Sight {
            page: None,
            lines: Vec::new(),
        };
        for page in &document.pages {
            sight.page = Some(page);
            sight.page(page);
        }
        sight.lines
    }

    /// The text of the footnote that a mark refers to.
    fn note(&self, mark: &str, block: usize) -> Option<String> {
        let Some(page) = self.page else {
            return Some("p note".into());
        };
        let place = Marks::of(page).place(mark, block)?;
        match &page.blocks[place].body {
            Body::Footnote { paragraphs, .. } => Some(self.note_text(paragraphs)),
            _ => None,
        }
    }

    fn note_text(&self, paragraphs: &[Paragraph]) -> String {
        let texts = paragraphs.iter().map(|p| self.plain_marks(p));
        let texts = texts
            .map(|bits| shown(&bits))
            .filter(|text| !text.is_empty());
        texts
            .map(|text| format!("p {text}"))
            .collect::<Vec<_>>()
            .join(" / ")
    }

    /// A paragraph in which no mark refers to anything.
    fn plain_marks(&self, paragraph: &Paragraph) -> Bits {
        self.bits(paragraph, usize::MAX, false)
    }

    fn bits(&self, paragraph: &Paragraph, block: usize, light: bool) -> Bits {
        let mut bits = Bits::new();
        for (at, inline) in paragraph.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| &paragraph[before]);
            let is_linked = matches!(inline, Inline::Text(run) if address_of(run).is_some() || run.text.starts_with('['));
            let is_reference = |inline: &Inline| matches!(inline, Inline::FootnoteReference { .. });
            if before.is_some_and(is_reference) && (is_linked || is_reference(inline)) {
                bits.push((" ".into(), String::new()));
            }
            match inline {
                Inline::Text(run) => {
                    let mut styles = Vec::new();
                    let link = address_of(run);
                    if let Some(link) = link {
                        styles.push(encoded(link).replace("&amp;", "&"));
                    }
                    let flags = [
                        (run.strike, "del"),
                        (run.bold && !light, "b"),
                        (run.italic, "i"),
                        (run.script == Some(Script::Sub), "sub"),
                        (run.script == Some(Script::Sup), "sup"),
                        (run.code, "c"),
                    ];
                    let flags = flags.iter().filter(|(is_set, _)| *is_set);
                    styles.extend(flags.map(|(_, name)| name.to_string()));
                    let style = styles.join(" ");
                    bits.extend(
                        run.text
                            .chars()
                            .map(|c| (visible(c).to_string(), style.clone())),
                    );
                }
                Inline::Formula { latex, display } => {
                    if bits
                        .last()
                        .is_some_and(|(piece, _)| piece.starts_with('$') && piece.len() > 1)
                    {
                        bits.push((" ".into(), String::new()));
                    }
                    bits.push((formula(latex, *display), String::new()));
                }
                Inline::FootnoteReference { mark, .. } => {
                    let note = match block {
                        usize::MAX => None,
                        block => self.note(mark, block),
                    };
                    bits.extend(match note {
                        Some(note) => vec![
                            (format!("[ref {note}]"), String::new()),
                            (" ".into(), String::new()),
                        ],
                        None => mark
                            .chars()
                            .map(|c| (c.to_string(), "sup".to_string()))
                            .collect(),
                    });
                }
            }
        }
        bits
    }

    fn push(&mut self, prefix: &str, paragraph: &Paragraph, block: usize, light: bool) {
        let text = shown(&self.bits(paragraph, block, light));
        if !text.is_empty() {
            self.lines.push(format!("{prefix}{text}"));
        }
    }

    fn page(&mut self, page: &'a Page) {
        let mut notes = Vec::new();
        let mut referred = Vec::new();
        let marks = Marks::of(page);
        for (at, block) in page.blocks.iter().enumerate() {
            let is_text = !matches!(block.body, Body::Footnote { .. } | Body::Picture { .. });
            for inline in block
                .body
                .paragraphs()
                .into_iter()
                .flatten()
                .filter(|_| is_text)
            {
                if let Inline::FootnoteReference { mark, .. } = inline {
                    referred.extend(marks.place(mark, at));
                }
            }
        }
        for (at, block) in page.blocks.iter().enumerate() {
            match &block.body {
                Body::Text { paragraphs } => {
                    for paragraph in paragraphs {
                        self.push("p ", paragraph, at, false);
                    }
                }
                Body::Heading { depth, text } => {
                    let level = (depth.unwrap() + 1).min(6);
                    self.push(&format!("h{level} "), text, at, true);
                }
                Body::Caption { text } => self.push("p ", text, at, false),
                Body::List { items } => self.items(items, at, 0),
                Body::Contents { entries } => {
                    for entry in entries {
                        let text = shown(&self.bits(entry, at, false));
                        if !text.is_empty() {
                            self.lines.push("item -".into());
                            self.lines.push(format!("  p {text}"));
                        }
                    }
                }
                Body::Table { table, .. } => self.lines.push(table_line(table)),
                Body::Code { language, text } => {
                    let text = text.replace("\r\n", "\n");
                    let text: String = text.chars().map(visible).collect();
                    if !text.trim().is_empty() {
                        let language = language.as_deref().unwrap_or_default();
                        self.lines
                            .push(format!("code {language} {}", text.trim_matches('\n')));
                    }
                }
                Body::Formula { latex, number } => {
                    let tag = if number.is_some() { "\\tag{1}" } else { "" };
                    self.lines
                        .push(format!("p {}", formula(&format!("{latex}{tag}"), true)));
                }
                Body::Picture { path: None, .. } => {}
                Body::Picture {
                    path: Some(path),
                    alt,
                    ..
                } => {
                    let alt = alt.as_deref().unwrap_or_default();
                    let words = alt.split_whitespace().collect::<Vec<_>>().join(" ");
                    let words: String = words.chars().map(visible).collect();
                    let words = if words.is_empty() {
                        "Image".into()
                    } else {
                        words
                    };
                    self.lines.push(format!("p ![{words}]({})", link(path)));
                }
                Body::Footnote { paragraphs, .. } if referred.contains(&at) => {
                    notes.push(format!("note {}", self.note_text(paragraphs)));
                }
                Body::Footnote { mark, paragraphs } => {
                    let mut bits: Bits = Vec::new();
                    for c in mark.as_deref().unwrap_or_default().chars() {
                        bits.push((c.to_string(), "sup".into()));
                    }
                    bits.push((" ".into(), String::new()));
                    let mut paragraphs = paragraphs.iter();
                    if let Some(first) = paragraphs.next() {
                        bits.extend(self.plain_marks(first));
                    }
                    self.lines.push(format!("p {}", shown(&bits)));
                    for paragraph in paragraphs {
                        let text = shown(&self.plain_marks(paragraph));
                        if !text.is_empty() {
                            self.lines.push(format!("p {text}"));
                        }
                    }
                }
                _ => {}
            }
        }
        self.lines.extend(notes);
    }

    fn items(&mut self, items: &[ListItem], at: usize, depth: usize) {
        let indent = "  ".repeat(depth);
        for item in items {
            let marker = item.marker.as_deref().unwrap_or("-");
            let (kind, before) = match marker {
                "-" | "\u{2022}" => ("-".to_string(), String::new()),
                "\u{2610}" => ("[ ]".to_string(), String::new()),
                "[x]" => ("[x]".to_string(), String::new()),
                "(a)" | "iv." => ("-".to_string(), format!("{marker} ")),
                number => (
                    number.trim_end_matches(['.', ')']).to_string(),
                    String::new(),
                ),
            };
            self.lines.push(format!("{indent}item {kind}"));
            let mut texts: Vec<Bits> = item
                .paragraphs
                .iter()
                .map(|p| self.bits(p, at, false))
                .collect();
            if !before.is_empty() {
                if texts.is_empty() {
                    texts.push(Bits::new());
                }
                let before = before.chars().map(|c| (c.to_string(), String::new()));
                texts[0].splice(0..0, before);
            }
            let texts = texts.iter().map(shown).filter(|text| !text.is_empty());
            let texts: Vec<String> = texts.map(|text| format!("{indent}  p {text}")).collect();
            self.lines.extend(texts);
            self.items(&item.items, at, depth + 1);
        }
    }
}

/// A paragraph whose marks all refer to something.
pub(super) fn inline_lines(paragraph: &Paragraph) -> Vec<String> {
    let sight = Sight {
        page: None,
        lines: Vec::new(),
    };
    vec![format!("p {}", shown(&sight.bits(paragraph, 0, false)))]
}

fn folded(text: &str) -> String {
    let text: String = text.chars().map(visible).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn table_line(table: &Table) -> String {
    let mut rows = vec![Vec::new(); table.rows];
    for cell in &table.cells {
        let span = cell.column_span;
        rows[cell.row].push(format!("{span}:{}", folded(&cell.text)));
    }
    table_of(rows)
}

/// The rows of a table; a head may be empty.
fn table_of(rows: Vec<Vec<String>>) -> String {
    let rows: Vec<String> = rows.iter().map(|row| row.join(" | ")).collect();
    let rows = rows.iter().map(|row| without_empty_end(row));
    let rows: Vec<&str> = rows.skip_while(|row| row.is_empty()).collect();
    format!("table {}", rows.join(" / "))
}

/// A row without the empty cells at its end: between bars they may be left out.
fn without_empty_end(row: &str) -> &str {
    let mut row = row;
    while let Some(shorter) = row.strip_suffix("1:") {
        row = shorter.strip_suffix(" | ").unwrap_or(shorter);
    }
    row
}

/// What is seen of a Markdown text.
pub(super) fn lines(markdown: &str) -> Vec<String> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut reader = Reader::default();
    for event in Parser::new_ext(markdown, options) {
        reader.take(event);
    }
    reader.end_line("p ");
    let notes = reader.notes;
    let lines = reader.lines.into_iter().map(|line| {
        let mut line = line;
        for (label, note) in &notes {
            line = line.replace(
                &format!("[ref \u{1}{label}\u{1}]"),
                &format!("[ref {note}]"),
            );
            line = line.replace(&format!("note \u{1}{label}\u{1}"), &format!("note {note}"));
        }
        line
    });
    lines.collect()
}

#[derive(Default)]
struct Reader {
    lines: Vec<String>,
    bits: Bits,
    styles: Vec<String>,
    /// The lists that are open: the next number of each.
    lists: Vec<Option<u64>>,
    code: Option<String>,
    html: Option<String>,
    rows: Vec<Vec<String>>,
    notes: BTreeMap<String, String>,
    /// The footnote that is open, and the lines before it.
    note: Option<(String, Vec<String>)>,
    picture: Option<(String, Bits)>,
}

impl Reader {
    fn line(&mut self, text: String) {
        let indent = "  ".repeat(self.lists.len());
        self.lines.push(format!("{indent}{text}"));
    }

    fn end_line(&mut self, prefix: &str) {
        let text = shown(&std::mem::take(&mut self.bits));
        if !text.is_empty() {
            self.line(format!("{prefix}{text}"));
        }
    }

    fn text(&mut self, text: &str, more: &str) {
        let mut styles = self.styles.clone();
        styles.extend((!more.is_empty()).then(|| more.to_string()));
        let order = ["del", "b", "i", "sub", "sup", "c"];
        styles.sort_by_key(|style| order.iter().position(|o| o == style).map_or(0, |at| at + 1));
        let style = styles.join(" ");
        self.bits
            .extend(text.chars().map(|c| (c.to_string(), style.clone())));
    }

    fn close(&mut self, style: &str) {
        let at = self.styles.iter().rposition(|open| open == style);
        let at = at.unwrap_or_else(|| panic!("{style} was not open"));
        self.styles.remove(at);
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Text(text) if self.code.is_some() => self.code.as_mut().unwrap().push_str(&text),
            Event::Text(text) => self.text(&text, ""),
            Event::Code(text) => self.text(&text, "c"),
            Event::SoftBreak => self.text(" ", ""),
            Event::InlineMath(latex) => self.bits.push((formula(&latex, false), String::new())),
            Event::DisplayMath(latex) => self.bits.push((formula(&latex, true), String::new())),
            Event::FootnoteReference(label) => {
                self.bits
                    .push((format!("[ref \u{1}{label}\u{1}]"), String::new()));
                self.bits.push((" ".into(), String::new()));
            }
            Event::InlineHtml(tag) => {
                let name = tag.trim_matches(['<', '>', '/']);
                let style = match name {
                    "strong" => "b",
                    "em" => "i",
                    name => name,
                };
                match tag.starts_with("</") {
                    true => self.close(style),
                    false => self.styles.push(style.to_string()),
                }
            }
            Event::Html(html) => self.html.get_or_insert_default().push_str(&html),
            Event::TaskListMarker(is_checked) => {
                let last = self.lines.last_mut().unwrap();
                let start = last.rfind("item ").unwrap();
                last.replace_range(start.., if is_checked { "item [x]" } else { "item [ ]" });
            }
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            other => self.line(format!("{other:?}")),
        }
    }

    fn start(&mut self, tag: Tag) {
        match tag {
            Tag::Strong => return self.styles.push("b".into()),
            Tag::Emphasis => return self.styles.push("i".into()),
            Tag::Strikethrough => return self.styles.push("del".into()),
            Tag::Link { dest_url, .. } => return self.styles.push(dest_url.to_string()),
            Tag::Image { dest_url, .. } => {
                self.picture = Some((dest_url.to_string(), std::mem::take(&mut self.bits)));
                return;
            }
            _ => self.end_line("p "),
        }
        match tag {
            Tag::Paragraph | Tag::Heading { .. } | Tag::TableCell | Tag::HtmlBlock => {}
            Tag::TableHead => self.rows.push(Vec::new()),
            Tag::List(start) => self.lists.push(start),
            Tag::Item => {
                let number = self.lists.last_mut().unwrap();
                let kind = number.map_or("-".to_string(), |number| number.to_string());
                *number = number.map(|number| number + 1);
                let indent = "  ".repeat(self.lists.len() - 1);
                self.lines.push(format!("{indent}item {kind}"));
            }
            Tag::CodeBlock(kind) => {
                self.code = Some(match kind {
                    CodeBlockKind::Fenced(language) => format!("code {language} "),
                    CodeBlockKind::Indented => "indented ".into(),
                });
            }
            Tag::Table(_) => self.rows.clear(),
            Tag::TableRow => self.rows.push(Vec::new()),
            Tag::FootnoteDefinition(label) => {
                self.note = Some((label.to_string(), std::mem::take(&mut self.lines)));
            }
            other => self.line(format!("{other:?}")),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.close("b"),
            TagEnd::Emphasis => self.close("i"),
            TagEnd::Strikethrough => self.close("del"),
            TagEnd::Link => {
                let at = self.styles.iter().rposition(|style| style.contains(':'));
                self.styles.remove(at.unwrap());
            }
            TagEnd::Image => {
                let (address, before) = self.picture.take().unwrap();
                let alt = shown(&std::mem::replace(&mut self.bits, before));
                self.bits
                    .push((format!("![{alt}]({address})"), String::new()));
            }
            TagEnd::Heading(level) => self.end_line(&format!("h{} ", level as usize)),
            TagEnd::Paragraph | TagEnd::Item => self.end_line("p "),
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap();
                self.line(code.trim_end_matches('\n').to_string());
            }
            TagEnd::TableCell => {
                let text = shown(&std::mem::take(&mut self.bits));
                self.rows.last_mut().unwrap().push(format!("1:{text}"));
            }
            TagEnd::Table => {
                let rows = std::mem::take(&mut self.rows);
                self.line(table_of(rows));
            }
            TagEnd::HtmlBlock => {
                let html = self.html.take().unwrap_or_default();
                match Table::from_html(&html) {
                    Some(table) => self.line(table_line(&table)),
                    None => self.line(html),
                }
            }
            TagEnd::FootnoteDefinition => {
                self.end_line("p ");
                let (label, before) = self.note.take().unwrap();
                let lines = std::mem::replace(&mut self.lines, before);
                self.notes.insert(label.clone(), lines.join(" / "));
                self.lines.push(format!("note \u{1}{label}\u{1}"));
            }
            _ => {}
        }
    }
}
