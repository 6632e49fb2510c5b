//! Puts the styles of a block's spans on the runs that its content becomes.

use crate::document::inline::{Inline, TextRun};
use crate::document::{Paragraph, Span, SpanStyle};
use std::cell::Cell;

/// Characters of a content that may be missing from its runs in one place: tags, blanks, hyphens.
const MOST_SKIPPED: usize = 64;

/// A place in the content of a block, which moves on as paragraphs are made of it. Paragraphs have the characters of
/// the content in its order, with some left out; a line end may have become a blank.
pub(super) struct Styles<'a> {
    content: &'a str,
    spans: &'a [Span],
    /// Byte of the content up to which runs were made.
    at: Cell<usize>,
}

impl<'a> Styles<'a> {
    /// The styles of a content.
    pub(super) fn new(content: &'a str, spans: &'a [Span]) -> Styles<'a> {
        Styles {
            content,
            spans,
            at: Cell::new(0),
        }
    }

    /// The next paragraph of the content with its styles.
    pub(super) fn put_on(&self, paragraph: Paragraph) -> Paragraph {
        if self.spans.is_empty() {
            return paragraph;
        }
        let runs = paragraph.into_iter().flat_map(|inline| match inline {
            Inline::Text(run) => self.split(run),
            other => {
                for c in other.plain().chars() {
                    self.find(c);
                }
                vec![other]
            }
        });
        runs.collect()
    }

    /// A run as several, each of one style.
    fn split(&self, run: TextRun) -> Vec<Inline> {
        let mut pieces: Vec<(Option<&SpanStyle>, String)> = Vec::new();
        for c in run.text.chars() {
            let place = self.find(c);
            let style = place.and_then(|at| self.style_at(at));
            match pieces.last_mut() {
                Some((last, text)) if *last == style => text.push(c),
                _ => pieces.push((style, c.to_string())),
            }
        }
        let styled = pieces.into_iter().map(|(style, text)| {
            let mut piece = TextRun {
                text,
                ..run.clone()
            };
            if let Some(style) = style {
                (piece.bold, piece.italic) = (style.bold, style.italic);
                (piece.code, piece.strike) = (style.code, style.strike);
                piece.link = style.link.as_deref().map(String::from);
            }
            Inline::Text(piece)
        });
        styled.collect()
    }

    /// The byte of the next such character of the content; `None` if it is not near.
    fn find(&self, c: char) -> Option<usize> {
        let rest = self.content.get(self.at.get()..)?;
        let is_same = |other: char| other == c || (c.is_whitespace() && other.is_whitespace());
        let mut ahead = rest.char_indices().take(MOST_SKIPPED);
        let (offset, found) = ahead.find(|(_, other)| is_same(*other))?;
        let at = self.at.get() + offset;
        self.at.set(at + found.len_utf8());
        Some(at)
    }

    fn style_at(&self, at: usize) -> Option<&'a SpanStyle> {
        let next = self.spans.partition_point(|span| span.range.end <= at);
        let span = self.spans.get(next)?;
        span.range.contains(&at).then_some(&span.style)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Markup;

    #[test]
    fn runs_are_split_where_the_style_changes() {
        let content = "one two<sup>3</sup> four\nfive";
        let bold = SpanStyle {
            bold: true,
            ..SpanStyle::default()
        };
        let span = |text: &str| {
            let start = content.find(text).unwrap();
            let style = bold.clone();
            Span {
                range: start..start + text.len(),
                style,
            }
        };
        let spans = [span("two<sup>3</sup>"), span("five")];
        let styles = Styles::new(content, &spans);
        let markup = Markup {
            scripts: true,
            ..Markup::default()
        };
        let parse = |text: &str| Inline::parse(text, markup, &TextRun::default());
        let mut found = styles.put_on(parse("one two<sup>3</sup> four"));
        found.extend(styles.put_on(parse("five")));
        let found: Vec<(String, bool)> = found
            .iter()
            .map(|inline| match inline {
                Inline::Text(run) => (run.text.clone(), run.bold),
                other => panic!("{other:?}"),
            })
            .collect();
        let expected = [
            ("one ", false),
            ("two", true),
            ("3", true),
            (" four", false),
            ("five", true),
        ];
        assert_eq!(found, expected.map(|(text, bold)| (text.to_string(), bold)));
    }
}
