//! Paragraphs of the document as paragraphs of Word: runs with their styles, links, references to footnotes.

use super::direction::{directions, is_right_to_left};
use super::links::Links;
use super::xml::run_content;
use crate::document::inline::{Inline, Script, TextRun};
use crate::writer::notes::Notes;
use std::collections::BTreeSet;

/// What a paragraph looks like.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look<'a> {
    /// Its style; empty for that of running text.
    pub style: &'a str,
    /// It stays on the page of the next one.
    pub keeps_next: bool,
    /// Number of its list, and its level there.
    pub list: Option<(usize, usize)>,
    /// Indent on the left, and by how much less the first line has, in twentieths of a point.
    pub indent: Option<(usize, usize)>,
    /// There is space above it: it follows a table, which has none.
    pub has_space: bool,
    /// It is aligned at the end of its lines.
    pub at_end: bool,
}

/// Boldness of a paragraph's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Their own.
    Own,
    /// That of the style, as in headings.
    OfStyle,
    /// All are bold.
    Bold,
}

/// Where a text stands in the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Index of its block on its page.
    pub block: usize,
    /// Boldness of its runs.
    pub weight: Weight,
}

impl Place {
    /// A text of a block.
    pub(super) fn of(block: usize) -> Place {
        Place {
            block,
            weight: Weight::Own,
        }
    }
}

/// Properties of a run.
#[derive(Debug, Clone, Copy, Default)]
struct Run<'a> {
    style: &'a str,
    bold: bool,
    italic: bool,
    strike: bool,
    script: Option<Script>,
    is_code: bool,
    is_rtl: bool,
}

impl Run<'_> {
    /// The run with a text. Word asks for this order of the properties.
    fn xml(&self, text: &str) -> String {
        let mut properties = String::new();
        if !self.style.is_empty() {
            properties.extend(["<w:rStyle w:val=\"", self.style, "\"/>"]);
        }
        let script = match self.script {
            Some(Script::Sup) => "<w:vertAlign w:val=\"superscript\"/>",
            Some(Script::Sub) => "<w:vertAlign w:val=\"subscript\"/>",
            None => "",
        };
        let given = [
            (self.is_code, MONOSPACE),
            (self.bold, "<w:b/><w:bCs/>"),
            (self.italic, "<w:i/><w:iCs/>"),
            (self.strike, "<w:strike/>"),
            (true, script),
            (self.is_rtl, "<w:rtl/>"),
        ];
        properties.extend(given.iter().filter(|(is, _)| *is).map(|(_, xml)| *xml));
        if !properties.is_empty() {
            properties = format!("<w:rPr>{properties}</w:rPr>");
        }
        format!("<w:r>{properties}{}</w:r>", run_content(text))
    }
}

/// The font of code.
const MONOSPACE: &str =
    "<w:rFonts w:ascii=\"Courier New\" w:hAnsi=\"Courier New\" w:cs=\"Courier New\"/>";

/// Properties of the mark of a footnote.
const REFERENCE: &str = "<w:rPr><w:rStyle w:val=\"FootnoteReference\"/></w:rPr>";

/// Makes paragraphs.
pub(super) struct Texts<'a> {
    /// The footnotes.
    pub notes: Notes<'a>,
    /// The links of the text.
    pub links: Links,
    /// The links of footnotes.
    pub note_links: Links,
    /// A footnote is written, which can refer to none.
    pub is_in_note: bool,
    /// Numbers of the footnotes that Word counts.
    counted: BTreeSet<usize>,
}

impl<'a> Texts<'a> {
    /// With the footnotes of the document, those left out excepted.
    pub(super) fn new(notes: Notes<'a>) -> Self {
        Texts {
            notes,
            links: Links::default(),
            note_links: Links::default(),
            is_in_note: false,
            counted: BTreeSet::new(),
        }
    }

    /// A paragraph; `start` is XML of runs that stand before its own.
    pub(super) fn paragraph(
        &mut self,
        inlines: &[Inline],
        start: &str,
        look: &Look,
        place: Place,
    ) -> String {
        let text = Inline::plain_of(inlines);
        let is_rtl = is_right_to_left(&text);
        let runs = self.runs(inlines, &directions(&text, is_rtl), place);
        paragraph(look, is_rtl, &format!("{start}{runs}"))
    }

    fn runs(&mut self, inlines: &[Inline], directions: &[bool], place: Place) -> String {
        let mut xml = String::new();
        let mut at = 0;
        for inline in inlines {
            let length = inline.plain().chars().count();
            match inline {
                Inline::Text(run) => {
                    let directions = directions.get(at..at + length).unwrap_or_default();
                    xml.push_str(&self.text(run, directions, place.weight));
                }
                Inline::Formula { latex, .. } => {
                    let style = "FormulaText";
                    let bold = place.weight == Weight::Bold;
                    xml.push_str(
                        &Run {
                            style,
                            bold,
                            ..Run::default()
                        }
                        .xml(latex),
                    );
                }
                Inline::FootnoteReference { mark, page } => {
                    xml.push_str(&self.reference(mark, place.block, *page));
                }
            }
            at += length;
        }
        xml
    }

    fn text(&mut self, text: &TextRun, directions: &[bool], weight: Weight) -> String {
        let target = text.link.as_deref().and_then(|link| self.target(link));
        let style = match (&target, text.code) {
            (Some(_), _) => "Hyperlink",
            (None, true) => "CodeText",
            (None, false) => "",
        };
        let mut run = Run {
            style,
            bold: match weight {
                Weight::Own => text.bold,
                Weight::OfStyle => false,
                Weight::Bold => true,
            },
            italic: text.italic,
            strike: text.strike,
            script: text.script,
            is_code: text.code && target.is_some(),
            is_rtl: false,
        };
        let mut xml = String::new();
        if directions.is_empty() {
            xml.push_str(&run.xml(&text.text));
        }
        let chars: Vec<char> = text.text.chars().collect();
        let mut rest = chars.as_slice();
        for piece in directions.chunk_by(|a, b| a == b) {
            let (own, after) = rest.split_at(piece.len());
            run.is_rtl = piece[0];
            xml.push_str(&run.xml(&own.iter().collect::<String>()));
            rest = after;
        }
        match target {
            Some(target) => format!("<w:hyperlink {target} w:history=\"1\">{xml}</w:hyperlink>"),
            None => xml,
        }
    }

    /// Where a link leads, as an attribute: a page of the document or an address.
    fn target(&mut self, link: &str) -> Option<String> {
        if let Some(number) = link.strip_prefix("#page=") {
            let number = number.parse::<usize>().ok()?;
            let page = number.checked_sub(1)?;
            let is_here = self.notes.has_page(page);
            return is_here.then(|| format!("w:anchor=\"{}\"", page_name(page)));
        }
        let links = match self.is_in_note {
            true => &mut self.note_links,
            false => &mut self.links,
        };
        Some(format!("r:id=\"{}\"", links.id(link)?))
    }

    /// A reference to a footnote. Word counts it where that gives the mark that it has on the page; else the mark is text.
    /// Word's footnotes have one reference.
    fn reference(&mut self, mark: &str, block: usize, page: Option<usize>) -> String {
        let number = match self.is_in_note {
            true => None,
            false => self.notes.number(mark, block, page),
        };
        let Some(number) = number.filter(|number| self.notes.refer(*number)) else {
            return raised(mark);
        };
        let content = if mark == (self.counted.len() + 1).to_string() {
            self.counted.insert(number);
            format!("<w:footnoteReference w:id=\"{number}\"/>")
        } else {
            let mark = run_content(mark);
            format!("<w:footnoteReference w:customMarkFollows=\"1\" w:id=\"{number}\"/>{mark}")
        };
        format!("<w:r>{REFERENCE}{content}</w:r>")
    }

    /// The start of a footnote: its mark, which Word writes where it counts.
    pub(super) fn note_start(&self, mark: Option<&str>, number: usize) -> String {
        let mark = match mark {
            _ if self.counted.contains(&number) => {
                format!("<w:r>{REFERENCE}<w:footnoteRef/></w:r>")
            }
            Some(mark) => raised(mark),
            None => return String::new(),
        };
        mark + &plain(" ")
    }
}

/// The name of a page, for links that lead to it.
pub(super) fn page_name(page: usize) -> String {
    format!("page_{}", page + 1)
}

/// The mark of a footnote, as text.
fn raised(mark: &str) -> String {
    format!("<w:r>{REFERENCE}{}</w:r>", run_content(mark))
}

/// Text without any style.
pub(super) fn plain(text: &str) -> String {
    Run::default().xml(text)
}

/// A paragraph of runs. Word asks for this order of the properties.
pub(super) fn paragraph(look: &Look, is_rtl: bool, runs: &str) -> String {
    let mut properties = String::new();
    if !look.style.is_empty() {
        properties.extend(["<w:pStyle w:val=\"", look.style, "\"/>"]);
    }
    if look.keeps_next {
        properties.push_str("<w:keepNext/>");
    }
    if let Some((list, level)) = look.list {
        properties.push_str(&format!(
            "<w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{list}\"/></w:numPr>"
        ));
    }
    if is_rtl {
        properties.push_str("<w:bidi/>");
    }
    if look.has_space {
        properties.push_str("<w:spacing w:before=\"160\"/>");
    }
    if let Some((left, hanging)) = look.indent {
        properties.push_str(&format!(
            "<w:ind w:left=\"{left}\" w:hanging=\"{hanging}\"/>"
        ));
    }
    if look.at_end {
        // In paragraphs from right to left `right` is the other side.
        properties.push_str("<w:jc w:val=\"right\"/>");
    }
    if !properties.is_empty() {
        properties = format!("<w:pPr>{properties}</w:pPr>");
    }
    format!("<w:p>{properties}{runs}</w:p>")
}
