//! Paragraphs: runs of text, formulas and references to footnotes as one piece of Markdown.
//!
//! Emphasis is written with stars where CommonMark surely takes them as such, else with underscores, else as tags; what is
//! beside them decides. Blanks at its ends stay outside, and emphasis inside of emphasis has other characters, so no mark can pair
//! with that of another run. Struck words are written between tildes where blanks are around them, else as tags.

use super::super::escape::{
    Marked, is_word, marked_cell, marked_heading, marked_paragraph, without_control,
};
use super::super::formulas;
use super::super::links::{address, encoded};
use crate::document::inline::{Inline, Script, TextRun};
use std::ops::Range;

/// Where a paragraph stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// At the start of a block; its line ends stay.
    Block,
    /// At the start of a block, on one line.
    Line,
    /// In a heading, on one line; bold as it is.
    Heading,
    /// In a cell of a table between bars, on one line.
    Cell,
}

/// The label of the footnote that a mark refers to.
pub(super) type LabelOf<'a> = &'a dyn Fn(&str, Option<usize>) -> Option<String>;

/// A paragraph as Markdown; empty if it is blank.
pub(super) fn paragraph(paragraph: &[Inline], place: Place, label: LabelOf) -> String {
    let atoms = atoms(paragraph, place);
    let mut tokens = Vec::with_capacity(atoms.len());
    nest(&atoms, 0..atoms.len(), 0, &mut tokens);
    let mut writer = InlineWriter {
        atoms: &atoms,
        tokens: &tokens,
        place,
        label,
        out: Marked::default(),
        open: Vec::new(),
    };
    writer.write();
    match place {
        Place::Block | Place::Line => marked_paragraph(&writer.out),
        Place::Heading => marked_heading(&writer.out),
        Place::Cell => marked_cell(&writer.out),
    }
}

/// A character or a whole formula or reference, with its style.
#[derive(Debug, Clone, Copy)]
struct Atom<'a> {
    what: What<'a>,
    style: Style<'a>,
}

#[derive(Debug, Clone, Copy)]
enum What<'a> {
    Char(char),
    Formula { latex: &'a str, display: bool },
    Reference { mark: &'a str, page: Option<usize> },
}

/// A style as far as Markdown shows it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Style<'a> {
    link: Option<&'a str>,
    bold: bool,
    italic: bool,
    script: Option<Script>,
    code: bool,
    strike: bool,
}

impl Atom<'_> {
    fn is_space(&self) -> bool {
        matches!(self.what, What::Char(c) if c.is_whitespace())
    }

    /// `true` if it looks the same with and without emphasis.
    fn is_neutral(&self) -> bool {
        self.is_space() || !matches!(self.what, What::Char(_))
    }
}

/// The characters of a paragraph without blanks at the ends of its lines.
fn atoms(paragraph: &[Inline], place: Place) -> Vec<Atom<'_>> {
    let mut found: Vec<Atom> = Vec::new();
    for inline in paragraph {
        match inline {
            Inline::Text(run) => {
                let style = style(run, place);
                let text = run.text.replace("\r\n", "\n");
                let opens = style.link.is_some() || text.starts_with('[');
                if opens && ends_in_reference(&found) {
                    push(&mut found, ' ', Style::default());
                }
                for c in text.chars() {
                    let c = match c {
                        '\n' | '\r' if place == Place::Block && !style.code => '\n',
                        '\n' | '\r' => ' ',
                        c => without_control(c),
                    };
                    push(&mut found, c, style);
                }
            }
            Inline::Formula { latex, display } => {
                // An empty formula has no form, and two in a row would share their dollar signs.
                if latex.trim().is_empty() {
                    continue;
                }
                if let Some(What::Formula { .. }) = found.last().map(|atom| atom.what) {
                    push(&mut found, ' ', Style::default());
                }
                let (latex, display) = (latex.trim(), *display);
                found.push(Atom {
                    what: What::Formula { latex, display },
                    style: Style::default(),
                });
            }
            Inline::FootnoteReference { mark, page } => {
                if ends_in_reference(&found) {
                    push(&mut found, ' ', Style::default());
                }
                found.push(Atom {
                    what: What::Reference { mark, page: *page },
                    style: Style::default(),
                });
            }
        }
    }
    while found.last().is_some_and(Atom::is_space) {
        found.pop();
    }
    spread(&mut found);
    found
}

/// `true` if a reference ends here: behind it brackets would be part of it.
fn ends_in_reference(found: &[Atom]) -> bool {
    matches!(
        found.last().map(|atom| atom.what),
        Some(What::Reference { .. })
    )
}

fn style(run: &TextRun, place: Place) -> Style<'_> {
    Style {
        link: run.link.as_deref().and_then(address),
        bold: run.bold && place != Place::Heading,
        italic: run.italic,
        script: run.script,
        code: run.code,
        strike: run.strike,
    }
}

/// Adds a character, but no blank at the end or start of a line, and no empty line.
fn push<'a>(found: &mut Vec<Atom<'a>>, c: char, style: Style<'a>) {
    let is_space = c.is_whitespace();
    let starts_line = match found.last().map(|atom| atom.what) {
        None | Some(What::Char('\n')) => true,
        Some(_) => false,
    };
    if is_space && starts_line {
        return;
    }
    if c == '\n' {
        while found.last().is_some_and(Atom::is_space) {
            found.pop();
        }
    }
    found.push(Atom {
        what: What::Char(c),
        style,
    });
}

/// Gives blanks, formulas and references the emphasis that is on both sides of them.
fn spread(atoms: &mut [Atom]) {
    let mut start = 0;
    while start < atoms.len() {
        let end = atoms[start..]
            .iter()
            .position(|atom| !atom.is_neutral())
            .map_or(atoms.len(), |at| start + at);
        let before = start.checked_sub(1).map(|at| atoms[at].style);
        let after = atoms.get(end).map(|atom| atom.style);
        let both = |has: fn(&Style) -> bool| {
            let sides = [before, after];
            sides.iter().all(|side| side.as_ref().is_some_and(has))
        };
        let (bold, italic) = (both(|style| style.bold), both(|style| style.italic));
        let strike = both(|style| style.strike);
        for Atom { style, .. } in &mut atoms[start..end] {
            (style.bold, style.italic, style.strike) = (bold, italic, strike);
        }
        start = end + 1;
    }
}

/// What encloses a part of a paragraph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Link,
    Strike,
    Bold,
    Italic,
    Script,
    Code,
}

/// From the outermost to the innermost.
const FRAMES: [Frame; 6] = [
    Frame::Link,
    Frame::Strike,
    Frame::Bold,
    Frame::Italic,
    Frame::Script,
    Frame::Code,
];

impl Frame {
    /// `true` if both are enclosed, or not enclosed, by the same one.
    fn is_shared(self, a: &Style, b: &Style) -> bool {
        match self {
            Frame::Link => a.link == b.link,
            Frame::Strike => a.strike == b.strike,
            Frame::Bold => a.bold == b.bold,
            Frame::Italic => a.italic == b.italic,
            Frame::Script => a.script == b.script,
            Frame::Code => a.code == b.code,
        }
    }

    fn encloses(self, style: &Style) -> bool {
        match self {
            Frame::Link => style.link.is_some(),
            Frame::Strike => style.strike,
            Frame::Bold => style.bold,
            Frame::Italic => style.italic,
            Frame::Script => style.script.is_some(),
            Frame::Code => style.code,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Token {
    /// The atom with this index.
    Atom(usize),
    /// The start of a frame around these atoms, which begin and end with no blank.
    Open(Frame, usize, usize),
    Close(Frame),
}

/// Encloses a part of the atoms, from the frame with this index on.
fn nest(atoms: &[Atom], range: Range<usize>, level: usize, tokens: &mut Vec<Token>) {
    let Some(frame) = FRAMES.get(level).copied() else {
        tokens.extend(range.map(Token::Atom));
        return;
    };
    let mut start = range.start;
    while start < range.end {
        let style = &atoms[start].style;
        let more = atoms[start..range.end].iter();
        let end = start
            + more
                .take_while(|atom| frame.is_shared(style, &atom.style))
                .count();
        let part = &atoms[start..end];
        let blank = part.iter().take_while(|atom| atom.is_space()).count();
        let from = start + blank;
        let blank = part.iter().rev().take_while(|atom| atom.is_space()).count();
        let to = (end - blank).max(from);
        if frame.encloses(style) && from < to {
            tokens.extend((start..from).map(Token::Atom));
            tokens.push(Token::Open(frame, from, to));
            nest(atoms, from..to, level + 1, tokens);
            tokens.push(Token::Close(frame));
            tokens.extend((to..end).map(Token::Atom));
        } else {
            nest(atoms, start..end, level + 1, tokens);
        }
        start = end;
    }
}

/// What a character is to the rules of emphasis, in any version of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// A blank or the end of the text.
    Space,
    Punctuation,
    Word,
    /// Versions differ.
    Unsure,
}

impl Side {
    fn of(c: char) -> Side {
        match c {
            ' ' | '\n' | '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{3000}' => Side::Space,
            c if c.is_ascii_punctuation() => Side::Punctuation,
            c if is_word(c) => Side::Word,
            _ => Side::Unsure,
        }
    }

    fn is_apart(self) -> bool {
        matches!(self, Side::Space | Side::Punctuation)
    }
}

/// Writes the tokens of a paragraph.
struct InlineWriter<'a> {
    atoms: &'a [Atom<'a>],
    tokens: &'a [Token],
    place: Place,
    label: LabelOf<'a>,
    out: Marked,
    /// What closes the open frames.
    open: Vec<(Frame, String)>,
}

impl InlineWriter<'_> {
    fn write(&mut self) {
        let mut at = 0;
        while at < self.tokens.len() {
            at = match self.tokens[at] {
                Token::Atom(atom) => {
                    self.atom(atom);
                    at + 1
                }
                Token::Open(frame, from, to) => self.open(frame, from..to, at),
                Token::Close(frame) => {
                    if let Some((_, close)) = self.open.pop() {
                        match frame {
                            Frame::Bold | Frame::Italic | Frame::Strike => {
                                self.out.push_emphasis(&close)
                            }
                            _ => self.markup(&close),
                        }
                    }
                    at + 1
                }
            };
        }
    }

    fn markup(&mut self, text: &str) {
        self.out.push_markup(text.chars());
    }

    fn atom(&mut self, at: usize) {
        let in_link = self.open.iter().any(|(frame, _)| *frame == Frame::Link);
        match self.atoms[at].what {
            // Brackets inside of a link would have to be pairs.
            What::Char(c @ ('[' | ']')) if in_link => self.out.push_markup(['\\', c].into_iter()),
            What::Char(c) => self.out.push_text(c),
            What::Formula { latex, display } => self.formula(latex, display),
            What::Reference { mark, page } => match (self.label)(mark, page) {
                Some(label) => self.markup(&format!("[^{label}]")),
                None => {
                    self.markup("<sup>");
                    for c in mark.trim().chars() {
                        self.out.push_text(without_control(c));
                    }
                    self.markup("</sup>");
                }
            },
        }
    }

    fn formula(&mut self, latex: &str, display: bool) {
        let mark = if display { "$$" } else { "$" };
        // A backtick could pair with one outside; a bar would end the cell.
        let mut latex = latex.replace("\r\n", "\n").replace('`', "'");
        if self.place == Place::Cell {
            latex = latex.replace("\\|", "\\Vert ").replace('|', "\\vert ");
        }
        if self.place != Place::Block {
            latex = latex.replace(['\n', '\r'], " ");
        }
        let lines = latex.split(['\n', '\r']).map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        let lines: Vec<String> = lines
            .iter()
            .map(|line| line.chars().map(without_control).collect())
            .collect();
        let latex = formulas::safe(&lines.join("\n").chars().collect::<Vec<char>>());
        for part in [mark, latex.trim_start(), mark] {
            self.markup(part);
        }
    }

    /// Writes the start of a frame, or all of it; the next token.
    fn open(&mut self, frame: Frame, range: Range<usize>, at: usize) -> usize {
        let style = self.atoms[range.start].style;
        let text = || {
            let chars = self.atoms[range.clone()].iter();
            chars.filter_map(|atom| match atom.what {
                What::Char(c) => Some(c),
                _ => None,
            })
        };
        let after = at
            + 1
            + self.tokens[at + 1..]
                .iter()
                .take_while(is_inside(frame))
                .count();
        let (open, close) = match frame {
            Frame::Code => {
                let mut code: String = text().collect();
                if self.place == Place::Cell {
                    code = code.replace('|', "\\|");
                }
                self.out.push_code(&code);
                return after + 1;
            }
            Frame::Link => {
                let address = style.link.unwrap_or_default();
                if text().eq(address.chars()) && encoded(address) == address {
                    self.markup(&format!("<{address}>"));
                    return after + 1;
                }
                ("[".into(), format!("]({})", encoded(address)))
            }
            Frame::Script => match style.script {
                Some(Script::Sub) => ("<sub>".to_string(), "</sub>".to_string()),
                _ => ("<sup>".to_string(), "</sup>".to_string()),
            },
            Frame::Bold | Frame::Italic | Frame::Strike => {
                let (open, close) = match frame {
                    Frame::Strike => self.strike(at, after),
                    _ => self.emphasis(frame, at, after),
                };
                self.out.push_emphasis(&open);
                self.open.push((frame, close));
                return at + 1;
            }
        };
        self.markup(&open);
        self.open.push((frame, close));
        at + 1
    }

    /// The marks around emphasis that opens and closes at these tokens.
    fn emphasis(&self, frame: Frame, open: usize, close: usize) -> (String, String) {
        let before = self.side(open.checked_sub(1));
        let first = self.side(Some(open + 1));
        let last = self.side(close.checked_sub(1));
        let after = self.side(Some(close + 1));
        let mut outer = self.open.iter().filter(|(frame, _)| *frame == Frame::Bold);
        let outer = outer
            .next_back()
            .and_then(|(_, close)| close.chars().next());
        let beside = self.out.last();
        for mark in ['*', '_'] {
            let opens = before.is_apart() || (mark == '*' && first == Side::Word);
            let closes = after.is_apart() || (mark == '*' && last == Side::Word);
            if opens && closes && outer != Some(mark) && beside != Some(mark) {
                let marks = mark
                    .to_string()
                    .repeat(1 + usize::from(frame == Frame::Bold));
                return (marks.clone(), marks);
            }
        }
        let tag = if frame == Frame::Bold { "strong" } else { "em" };
        (format!("<{tag}>"), format!("</{tag}>"))
    }

    /// The marks around a struck part that opens and closes at these tokens: tildes between blanks, else tags.
    fn strike(&self, open: usize, close: usize) -> (String, String) {
        let is_blank = |token: Option<usize>| self.side(token) == Side::Space;
        let is_plain = !is_blank(Some(open + 1))
            && !is_blank(Some(close - 1))
            && !self.tokens[open..close].iter().any(|token| match token {
                Token::Atom(atom) => matches!(self.atoms[*atom].what, What::Char('~')),
                _ => false,
            });
        let is_apart = is_blank(open.checked_sub(1)) && is_blank(Some(close + 1));
        let marks = match is_plain && is_apart {
            true => ("~~", "~~"),
            false => ("<del>", "</del>"),
        };
        (marks.0.into(), marks.1.into())
    }

    fn side(&self, token: Option<usize>) -> Side {
        match token.and_then(|token| self.tokens.get(token)) {
            None => Side::Space,
            Some(Token::Atom(atom)) => match self.atoms[*atom].what {
                What::Char(c) => Side::of(c),
                _ => Side::Punctuation,
            },
            Some(_) => Side::Punctuation,
        }
    }
}

/// Tells the tokens before the end of a frame; a frame is never inside of one of its kind.
fn is_inside(frame: Frame) -> impl Fn(&&Token) -> bool {
    move |token| !matches!(token, Token::Close(of) if *of == frame)
}
