//! Running text of lines, and the parts of it whose style differs from that of the block.

use crate::document::{BlockStyle, LINE_HYPHEN, Span, SpanStyle};
use crate::layout::join_line;
use crate::lines::{PageText, Segment, Word, is_hangul, words_text};

/// One line in so many ends with a space if a layer keeps them: half of all lines end with a word, and others end
/// with punctuation or a paragraph.
const SPACED_LINES: usize = 6;

/// Text with its spans.
#[derive(Debug, Default, PartialEq)]
pub(super) struct StyledText {
    /// The text.
    pub text: String,
    /// Parts whose style differs from that of the block.
    pub spans: Vec<Span>,
    /// It begins with a bullet, which is written as `- `.
    pub is_item: bool,
}

impl StyledText {
    /// The lines of a text as one, hyphenated words rejoined.
    pub(super) fn of(text: &PageText, lines: &[Vec<usize>], style: &BlockStyle) -> StyledText {
        let segments = |line: &Vec<usize>| -> Vec<&Segment> {
            line.iter().filter_map(|i| text.segments.get(*i)).collect()
        };
        let words = || lines.iter().flat_map(segments).flat_map(|s| &s.words);
        let codes = words().filter(|word| word.style.code).count();
        let base = SpanStyle {
            bold: style.bold,
            italic: style.italic,
            // A block set as code as a whole is not code within text.
            code: codes * 2 > words().count(),
            ..SpanStyle::default()
        };
        let mut out = StyledText::default();
        let mut cut = false;
        // Korean divides words at line ends; where there is a space, some layers keep it.
        let keeps_spaces = keeps_spaces(&text.segments);
        let mut is_divided = false;
        for line in lines {
            let segments = segments(line);
            let mut joined = String::new();
            let mut spans: Vec<Span> = Vec::new();
            for (at, segment) in segments.iter().enumerate() {
                if at > 0 {
                    joined.push(' ');
                }
                let start = joined.len();
                for (index, word) in segment.words.iter().enumerate() {
                    if word.space_before && joined.len() > start {
                        joined.push(' ');
                    }
                    let from = joined.len();
                    joined.push_str(&words_text(&segment.words[index..=index]));
                    add(&mut spans, from..joined.len(), word, &base, &joined);
                }
            }
            let is_hangul_at = |c: Option<char>| c.is_some_and(is_hangul);
            let ends = (out.text.chars().next_back(), joined.chars().next());
            if is_divided && is_hangul_at(ends.0) && is_hangul_at(ends.1) {
                out.text.push_str(&joined);
            } else {
                join_line(&mut out.text, &joined, cut);
            }
            let shift = out.text.len() - joined.len();
            for mut span in spans {
                span.range = span.range.start + shift..span.range.end + shift;
                push(&mut out.spans, span, &out.text);
            }
            cut = segments.last().is_some_and(|s| s.hyphenated);
            is_divided = keeps_spaces && segments.last().is_some_and(|s| !s.has_space_after);
        }
        if cut {
            out.text.push(LINE_HYPHEN);
        }
        out
    }

    /// The same with a bullet rewritten for Markdown.
    pub(super) fn into_list_item(mut self) -> StyledText {
        let mut chars = self.text.chars();
        let is_bullet = matches!(
            chars.next(),
            Some('•' | '◦' | '▪' | '▫' | '■' | '●' | '○' | '‣' | '⁃' | '➢' | '➤')
        );
        let rest = chars.as_str().trim_start();
        if !is_bullet || rest.trim().is_empty() {
            return self;
        }
        let cut = self.text.len() - rest.len();
        let moved = |at: usize| (at.max(cut) - cut) + 2;
        for span in &mut self.spans {
            span.range = moved(span.range.start)..moved(span.range.end);
        }
        self.spans.retain(|span| !span.range.is_empty());
        StyledText {
            text: format!("- {}", rest.trim_end()),
            spans: self.spans,
            is_item: true,
        }
    }
}

/// `true` if enough lines of Korean end with a space of the text layer, so that those without one divide a word.
fn keeps_spaces(segments: &[Segment]) -> bool {
    let is_korean = |s: &&Segment| {
        let last = s
            .words
            .last()
            .and_then(|word| word.text.chars().next_back());
        last.is_some_and(is_hangul)
    };
    let korean = segments.iter().filter(is_korean).count();
    let spaced = segments
        .iter()
        .filter(is_korean)
        .filter(|s| s.has_space_after)
        .count();
    spaced > 1 && spaced * SPACED_LINES > korean
}

/// Adds the span of a word, if its style is not `base`.
fn add(
    spans: &mut Vec<Span>,
    range: std::ops::Range<usize>,
    word: &Word,
    base: &SpanStyle,
    text: &str,
) {
    let mut style = word.style.clone();
    // Nothing is told of the style of blocks of code.
    style.code &= !base.code;
    let differs = style
        != SpanStyle {
            code: false,
            ..base.clone()
        };
    // Signs alone are set in any style.
    let is_sign = style.link.is_none() && !word.text.chars().any(char::is_alphanumeric);
    if differs && !is_sign && !range.is_empty() {
        push(spans, Span { range, style }, text);
    }
}

/// Adds a span, to the one before if only blanks are between.
fn push(spans: &mut Vec<Span>, span: Span, text: &str) {
    if let Some(last) = spans.last_mut()
        && last.style == span.style
        && text[last.range.end..span.range.start].trim().is_empty()
    {
        last.range.end = span.range.end;
        return;
    }
    spans.push(span);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::TextSource;
    use crate::geometry::Rect;

    fn word(text: &str, style: SpanStyle) -> Word {
        let bbox = Rect::new(0.0, 0.0, 10.0, 10.0);
        Word {
            space_before: true,
            style,
            ..Word::of(bbox, text)
        }
    }

    #[test]
    fn spans_run_over_lines_and_bullets_and_leave_out_the_style_of_the_block() {
        let bold = SpanStyle {
            bold: true,
            ..SpanStyle::default()
        };
        let link = SpanStyle {
            link: Some("#page=2".into()),
            ..SpanStyle::default()
        };
        let plain = SpanStyle::default;
        let lines = [
            vec![
                word("•", plain()),
                word("in", plain()),
                word("very", bold.clone()),
            ],
            vec![
                word("bold", bold.clone()),
                word("and", plain()),
                word("link", link),
            ],
        ];
        let text = PageText {
            source: TextSource::TextLayer,
            segments: lines.map(|words| Segment::of(words, 10.0)).into(),
        };
        let order = [vec![0], vec![1]];
        let read = StyledText::of(&text, &order, &BlockStyle::default()).into_list_item();
        assert_eq!(read.text, "- in very bold and link");
        let found: Vec<&str> = read
            .spans
            .iter()
            .map(|s| &read.text[s.range.clone()])
            .collect();
        assert_eq!(found, ["very bold", "link"]);
        let block = BlockStyle {
            bold: true,
            ..BlockStyle::default()
        };
        let read = StyledText::of(&text, &order, &block);
        let found: Vec<&str> = read
            .spans
            .iter()
            .map(|s| &read.text[s.range.clone()])
            .collect();
        assert_eq!(found, ["in", "and", "link"]);
    }
}
