//! Sanitizes recognized tables: only rows, cells, simple inline tags and the document's pictures remain.
//!
//! The input is arbitrary text. Outside a table it is text for Markdown; inside, known tags open and close
//! elements in a valid order, all are closed at the end, only span attributes are kept, and unknown tags are
//! shown as text. Well-formed tables pass byte for byte.

use super::escape::paragraphs;
use super::links::PictureSources;
use super::reference::styled_table;
use crate::document::Markup;
use crate::document::html::Tag;

/// Larger spans are errors or attacks.
const MAX_SPAN: usize = 1000;
/// Limit of nested elements; further tags are treated as text.
const MAX_DEPTH: usize = 64;

/// Markdown of a table's content.
pub(super) fn table(
    content: &str,
    pictures: &PictureSources,
    pretty: bool,
    markup: Markup,
) -> String {
    let mut writer = TableWriter {
        pictures,
        out: String::new(),
        open: Vec::new(),
        pieces: Vec::new(),
    };
    writer.read(content);
    let pieces: Vec<String> = writer
        .pieces
        .into_iter()
        .flat_map(|piece| match piece {
            Piece::Text(text) => paragraphs(&text, markup),
            Piece::Table(html) if pretty => vec![styled_table(&html)],
            Piece::Table(html) => vec![html],
        })
        .collect();
    format!(
        "{}{}",
        if pretty { "\n" } else { "\n\n" },
        pieces.join("\n\n")
    )
}

enum Piece {
    /// Not yet escaped.
    Text(String),
    /// A whole table.
    Table(String),
}

/// An open element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HtmlElement {
    Table,
    Section(&'static str),
    Row,
    Cell(&'static str),
    /// An inline tag in a cell.
    Mark(&'static str),
}

impl HtmlElement {
    fn named(name: &str) -> Option<HtmlElement> {
        Some(match name {
            "table" => HtmlElement::Table,
            "thead" => HtmlElement::Section("thead"),
            "tbody" => HtmlElement::Section("tbody"),
            "tfoot" => HtmlElement::Section("tfoot"),
            "tr" => HtmlElement::Row,
            "td" => HtmlElement::Cell("td"),
            "th" => HtmlElement::Cell("th"),
            "b" => HtmlElement::Mark("b"),
            "i" => HtmlElement::Mark("i"),
            "em" => HtmlElement::Mark("em"),
            "strong" => HtmlElement::Mark("strong"),
            "sub" => HtmlElement::Mark("sub"),
            "sup" => HtmlElement::Mark("sup"),
            "u" => HtmlElement::Mark("u"),
            "s" => HtmlElement::Mark("s"),
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            HtmlElement::Table => "table",
            HtmlElement::Row => "tr",
            HtmlElement::Section(name) | HtmlElement::Cell(name) | HtmlElement::Mark(name) => name,
        }
    }
}

struct TableWriter<'a> {
    pictures: &'a PictureSources<'a>,
    /// The current table, or text outside tables.
    out: String,
    open: Vec<HtmlElement>,
    pieces: Vec<Piece>,
}

impl TableWriter<'_> {
    fn read(&mut self, content: &str) {
        let mut rest = content;
        while let Some(start) = rest.find('<') {
            self.text(&rest[..start]);
            rest = &rest[start..];
            if let Some(length) = self.picture(rest) {
                rest = &rest[length..];
                continue;
            }
            // Up to the next bracket, so that every character is scanned once.
            let end = rest[1..]
                .find(['<', '>'])
                .map(|at| at + 1)
                .filter(|at| rest[*at..].starts_with('>'));
            let is_taken = end.is_some_and(|end| match rest[1..end].strip_prefix('/') {
                Some(inside) => self.close_tag(inside),
                None => self.open_tag(&tag_of(&rest[1..=end])),
            });
            match end {
                Some(end) if is_taken => rest = &rest[end + 1..],
                _ => {
                    self.text("<");
                    rest = &rest[1..];
                }
            }
        }
        self.text(rest);
        self.close_down_to(0);
        self.end_piece();
    }

    fn in_table(&self) -> bool {
        !self.open.is_empty()
    }

    fn text(&mut self, text: &str) {
        if !self.in_table() {
            self.out.push_str(text);
            return;
        }
        for c in text.chars() {
            match c {
                '<' => self.out.push_str("&lt;"),
                // A blank line would end the HTML block for Markdown.
                '\n' | '\r' => {
                    let line = self.out.rfind('\n').map_or(0, |at| at + 1);
                    if self.out[line..].trim().is_empty() {
                        self.out.truncate(line);
                    } else {
                        self.out.push('\n');
                    }
                }
                '\t' => self.out.push(c),
                c if c.is_control() => self.out.push('\u{fffd}'),
                c => self.out.push(c),
            }
        }
    }

    /// Handles an opening tag; `false` if it has no meaning here.
    fn open_tag(&mut self, tag: &Tag) -> bool {
        match tag.name.as_str() {
            // Wrappers around a whole page carry no meaning.
            "html" | "body" => true,
            "br" if self.in_cell() => {
                self.out.push_str(if tag.closed { "<br/>" } else { "<br>" });
                true
            }
            name => HtmlElement::named(name).is_some_and(|element| self.start(element, tag)),
        }
    }

    /// Handles a closing tag by its name; `false` if it has no meaning here.
    fn close_tag(&mut self, inside: &str) -> bool {
        let name = inside.split_whitespace().next().unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "html" | "body" => true,
            name => HtmlElement::named(name).is_some_and(|element| self.end(element)),
        }
    }

    /// Position in `open` after the innermost table.
    fn inside(&self) -> usize {
        self.open
            .iter()
            .rposition(|e| *e == HtmlElement::Table)
            .map_or(0, |at| at + 1)
    }

    fn in_cell(&self) -> bool {
        self.open[self.inside()..]
            .iter()
            .any(|e| matches!(e, HtmlElement::Cell(_)))
    }

    fn start(&mut self, element: HtmlElement, tag: &Tag) -> bool {
        let inside = self.inside();
        // Leaves room for a row and a cell yet to be opened.
        if self.open.len() + 2 > MAX_DEPTH {
            return false;
        }
        match element {
            HtmlElement::Table if self.in_table() && !self.in_cell() => return false,
            HtmlElement::Table if !self.in_table() => self.end_piece(),
            HtmlElement::Table => {}
            _ if !self.in_table() => return false,
            HtmlElement::Section(_) => self.close_down_to(inside),
            HtmlElement::Row => {
                let section = matches!(self.open.get(inside), Some(HtmlElement::Section(_)));
                self.close_down_to(inside + usize::from(section));
            }
            HtmlElement::Cell(_) => match self.open[inside..]
                .iter()
                .position(|e| *e == HtmlElement::Row)
            {
                Some(row) => self.close_down_to(inside + row + 1),
                None => {
                    let section = matches!(self.open.get(inside), Some(HtmlElement::Section(_)));
                    self.close_down_to(inside + usize::from(section));
                    self.write_start(HtmlElement::Row, &[]);
                }
            },
            HtmlElement::Mark(_) if !self.in_cell() => return false,
            HtmlElement::Mark(_) => {}
        }
        self.write_start(element, &tag.attributes);
        true
    }

    fn write_start(&mut self, element: HtmlElement, attributes: &[(String, String)]) {
        self.out.extend(["<", element.name()]);
        if matches!(element, HtmlElement::Cell(_)) {
            for (name, span) in spans(attributes) {
                self.out.push_str(&format!(" {name}=\"{span}\""));
            }
        }
        self.out.push('>');
        self.open.push(element);
    }

    /// Closes an element and those nested in it; does nothing if it is not open.
    fn end(&mut self, element: HtmlElement) -> bool {
        if !self.in_table() {
            return false;
        }
        let inside = self.inside();
        if element == HtmlElement::Table {
            self.close_down_to(inside - 1);
        } else if let Some(at) = self.open[inside..].iter().rposition(|e| *e == element) {
            // An inline tag ends within its cell.
            let is_mark = matches!(element, HtmlElement::Mark(_));
            let crosses = self.open[inside + at..]
                .iter()
                .any(|e| matches!(e, HtmlElement::Cell(_)));
            if !(is_mark && crosses) {
                self.close_down_to(inside + at);
            }
        }
        if !self.in_table() {
            self.end_piece_as_table();
        }
        true
    }

    fn close_down_to(&mut self, length: usize) {
        let was_in_table = self.in_table();
        while self.open.len() > length {
            if let Some(element) = self.open.pop() {
                self.out.extend(["</", element.name(), ">"]);
            }
        }
        if length == 0 && was_in_table {
            self.end_piece_as_table();
        }
    }

    fn end_piece_as_table(&mut self) {
        if !self.out.is_empty() {
            self.pieces
                .push(Piece::Table(std::mem::take(&mut self.out)));
        }
    }

    fn end_piece(&mut self) {
        if !self.out.trim().is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.out)));
        }
        self.out.clear();
    }

    /// Writes a picture that was restored into the table; returns the length of its tag.
    fn picture(&mut self, text: &str) -> Option<usize> {
        if !self.in_cell() {
            return None;
        }
        // As written by figure restoration and by table merging.
        const FORMS: [(&str, &str); 2] = [
            ("<img src=\"", "\" alt=\"Image\"\" />"),
            ("<img \"=\"\" alt=\"Image\" src=\"", "\"/>"),
        ];
        for (before, after) in FORMS {
            if let Some(path) = text
                .strip_prefix(before)
                .and_then(|t| self.pictures.at_start(t, after))
            {
                let source = self.pictures.source(path);
                let img = format!("<img src=\"{source}\" alt=\"Image\" />");
                self.out.push_str(&img);
                return Some(before.len() + path.len() + after.len());
            }
        }
        None
    }
}

/// The tag that ends with the first `>` of a text; malformed attributes are dropped.
fn tag_of(text: &str) -> Tag {
    let name = || {
        let name = text.split(|c: char| c.is_whitespace() || matches!(c, '/' | '>'));
        name.into_iter().next().unwrap_or_default().to_lowercase()
    };
    let tag = Tag::read(text).map(|(tag, _)| tag);
    tag.unwrap_or_else(|| Tag {
        name: name(),
        attributes: Vec::new(),
        closed: false,
    })
}

/// The span attributes, in order, each once.
fn spans(attributes: &[(String, String)]) -> Vec<(&'static str, usize)> {
    let mut found: Vec<(&'static str, usize)> = Vec::new();
    for (key, value) in attributes {
        let name = match key.as_str() {
            "rowspan" => "rowspan",
            "colspan" => "colspan",
            _ => continue,
        };
        let digits = value.trim().trim_end_matches('/');
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        // A number too large to parse counts as the maximum.
        let span = if is_number {
            digits.parse().unwrap_or(MAX_SPAN).min(MAX_SPAN)
        } else {
            1
        };
        if span > 1 && found.iter().all(|(known, _)| *known != name) {
            found.push((name, span));
        }
    }
    found
}
