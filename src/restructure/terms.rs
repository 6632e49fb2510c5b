//! Bold lines that head no section: terms of definition lists, at the margin of the text with their explanation set in below
//! them, and labels of notes and warnings.

use super::thresholds::terms::{INDENT, LEAST_LINES, NOTE_SIZE, SAME_LEFT, SIZE};
use crate::document::{Block, Label, Page};
use crate::layout::geometric::headings;
use std::collections::BTreeMap;

/// Words that head notes and warnings beside the text, in small letters.
const NOTES: &[&str] = &[
    "note",
    "important",
    "warning",
    "caution",
    "tip",
    "danger",
    "attention",
    "notice",
    "hinweis",
    "warnung",
    "achtung",
    "vorsicht",
    "wichtig",
    "tipp",
    "remarque",
    "avertissement",
    "astuce",
    "nota",
    "advertencia",
    "aviso",
    "importante",
    "atención",
    "atenção",
    "avvertenza",
    "attenzione",
    "opmerking",
    "waarschuwing",
    "notera",
    "varning",
    "obs",
    "viktigt",
    "bemærk",
    "advarsel",
    "merk",
    "uwaga",
    "ostrzeżenie",
    "poznámka",
    "varování",
    "примечание",
    "внимание",
    "注意",
    "备注",
    "警告",
    "提示",
];

/// `true` for a label such as `Warning:`.
fn is_note(text: &str) -> bool {
    let text = text.trim().trim_end_matches([':', '!', '.']).to_lowercase();
    NOTES.contains(&text.as_str())
}

/// Turns headings that are such terms into text; `body` is the font size of body text in pixels.
///
/// A heading of a section is followed by text at the margin, or is larger than text.
pub(super) fn demote(pages: &mut [Page], body: f32) {
    for page in pages {
        for block in &mut page.blocks {
            let is_small = block.style.font_size <= NOTE_SIZE * body;
            let is_untagged = block.style.tagged_level.is_none();
            if block.label == Label::ParagraphTitle
                && is_untagged
                && is_small
                && is_note(&block.content)
            {
                block.label = Label::Text;
            }
        }
        let Some(margin) = margin(&page.blocks) else {
            continue;
        };
        for at in 1..page.blocks.len() {
            let (term, text) = (&page.blocks[at - 1], &page.blocks[at]);
            let em = term.style.font_size.max(1.0);
            let is_term = term.label == Label::ParagraphTitle
                && term.style.tagged_level.is_none()
                && !headings::is_numbered(&term.content)
                && !headings::is_special(&term.content)
                && term.style.font_size <= SIZE * body
                && (term.bbox.x1 - margin).abs() < SAME_LEFT * em;
            let explains = text.label == Label::Text
                && !text.markup.list_item
                && text.style.line_count >= LEAST_LINES
                && text.bbox.x1 - term.bbox.x1 > INDENT * em
                && text.bbox.y1 > term.bbox.y1
                && text.bbox.x1 < term.bbox.x2;
            if is_term && explains {
                page.blocks[at - 1].label = Label::Text;
            }
        }
    }
}

/// The left edge of most of a page's text of several lines.
fn margin(blocks: &[Block]) -> Option<f32> {
    let mut edges: BTreeMap<i32, usize> = BTreeMap::new();
    let texts = blocks.iter().filter(|block| block.label == Label::Text);
    for block in texts.filter(|block| block.style.line_count >= LEAST_LINES) {
        *edges.entry(block.bbox.x1.round() as i32 / 4).or_default() += block.content.len();
    }
    let most = edges.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(edge, _)| edge as f32 * 4.0 + 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::BlockStyle;
    use crate::fault::Fault;
    use crate::geometry::Rect;

    /// Labels of blocks with a left edge, a font size and a number of lines; those of one line are headings.
    fn labels(blocks: &[(f32, f32, usize)]) -> Vec<Label> {
        let mut page = Page::failed(0, Fault::internal(""));
        for (at, (left, size, lines)) in blocks.iter().enumerate() {
            let label = match lines {
                1 => Label::ParagraphTitle,
                _ => Label::Text,
            };
            let y = at as f32 * 90.0;
            let mut block = Block::new(label, Rect::new(*left, y, 900.0, y + 80.0), 0.9);
            block.content = "Tides ".repeat(lines * 8);
            block.style = BlockStyle {
                font_size: *size,
                line_count: *lines,
                ..BlockStyle::default()
            };
            page.blocks.push(block);
        }
        let mut pages = [page];
        demote(&mut pages, 20.0);
        pages[0].blocks.iter().map(|block| block.label).collect()
    }

    #[test]
    fn labels_of_notes_are_text() {
        assert!(is_note("Warning:") && is_note("NOTERA") && is_note("Hinweis"));
        assert!(!is_note("Notes on tides") && !is_note("Warnings about tides"));
    }

    #[test]
    fn terms_with_an_explanation_set_in_are_text() {
        use Label::{ParagraphTitle, Text};
        let text = (100.0, 20.0, 9);
        let of = |term: (f32, f32, usize), next: (f32, f32, usize)| labels(&[text, term, next])[1];
        assert_eq!(of((100.0, 20.0, 1), (130.0, 20.0, 3)), Text);
        assert_eq!(
            of((100.0, 20.0, 1), (100.0, 20.0, 3)),
            ParagraphTitle,
            "text at the margin"
        );
        assert_eq!(
            of((100.0, 26.0, 1), (130.0, 20.0, 3)),
            ParagraphTitle,
            "larger"
        );
        assert_eq!(
            of((60.0, 20.0, 1), (100.0, 20.0, 3)),
            ParagraphTitle,
            "left of the text"
        );
    }
}
