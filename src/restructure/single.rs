//! The line at the foot of a letter: address, register and accounts of the sender.
//!
//! Where a document has one page nothing repeats. Only a line that is sure to be none of the text is a footer then: at the
//! very bottom, apart from what is above it, smaller than the text, and made of particulars in a row.

use super::thresholds::{running, single::*};
use crate::document::{Block, Label, Page};

/// Labels the footer of a document of one page; `body` is the body size in pixels.
pub(super) fn find(pages: &mut [Page], body: f32) {
    let [page] = pages else { return };
    let height = page.height.max(1) as f32;
    let lowest = |blocks: &[Block]| {
        let texts = (0..blocks.len()).filter(|i| blocks[*i].hidden.is_none());
        texts.max_by(|&a, &b| blocks[a].bbox.y2.total_cmp(&blocks[b].bbox.y2))
    };
    let Some(at) = lowest(&page.blocks) else {
        return;
    };
    let block = &page.blocks[at];
    let above = page.blocks.iter().enumerate().filter(|(i, _)| *i != at);
    let bottom = above.map(|(_, other)| other.bbox.y2).fold(0.0, f32::max);
    if block.label == Label::Text
        && block.style.line_count <= running::MAX_LINES
        && block.style.font_size < running::SURE_SIZE * body
        && block.bbox.y1 > (1.0 - running::OUTER) * height
        && block.bbox.y1 - bottom > ROOM * body
        && has_particulars(&block.content)
    {
        page.blocks[at].label = Label::Footer;
    }
}

/// `true` for particulars with signs between them and numbers among them: `Mill & Co. · Mill Yard 4 · HRB 4711`.
fn has_particulars(text: &str) -> bool {
    let parts = text.split(['\u{b7}', '|', '\u{2022}', '\u{2013}', '\u{2014}']);
    let parts: Vec<&str> = parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let with_numbers = parts
        .iter()
        .filter(|part| part.contains(|c: char| c.is_ascii_digit() || c == '@'))
        .count();
    parts.len() >= LEAST_PARTS && with_numbers > 0 && !text.trim_end().ends_with(['.', '!', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::geometry::Rect;

    /// The label of a line at `y` of a page of 1000 pixels, below a paragraph that ends at 700.
    fn label(y: f32, size: f32, content: &str) -> Label {
        let block = |y: f32, size: f32, content: &str| {
            let mut block = Block::new(Label::Text, Rect::new(100.0, y, 500.0, y + size), 0.9);
            block.content = content.into();
            block.style.font_size = size;
            block.style.line_count = 1;
            block
        };
        let mut pages = [Page {
            blocks: vec![
                block(680.0, 20.0, "With kind regards"),
                block(y, size, content),
            ],
            height: 1000,
            ..Page::failed(0, Fault::internal(""))
        }];
        find(&mut pages, 20.0);
        pages[0].blocks[1].label
    }

    #[test]
    fn particulars_of_the_sender_are_a_footer() {
        let line = "Mill & Co. \u{b7} Mill Yard 4 \u{b7} HRB 4711";
        assert_eq!(label(950.0, 16.0, line), Label::Footer);
        assert_eq!(label(750.0, 16.0, line), Label::Text);
        assert_eq!(label(950.0, 20.0, line), Label::Text);
        assert_eq!(label(950.0, 16.0, "Enclosed: 2 drawings"), Label::Text);
    }
}
