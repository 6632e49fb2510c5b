//! Puts the links of a page on the words that they cover.

use super::super::page_text::Word;
use crate::geometry::Rect;
use crate::input::pdf::page::PdfPage;
use std::sync::Arc;

/// Most boxes of links that are looked up for each word.
const MOST_BOXES: usize = 4000;

/// The links of a page by their boxes, in page pixels.
pub(super) struct Links(Vec<(Rect, Arc<str>)>);

impl Links {
    /// The links of a page.
    pub(super) fn of(content: &PdfPage) -> Links {
        let boxes = content.links.iter().flat_map(|link| {
            let target: Arc<str> = link.target.as_str().into();
            let rect = |[x1, y1, x2, y2]: [f32; 4]| Rect { x1, y1, x2, y2 };
            let boxes = link.boxes.iter();
            boxes.map(move |bbox| (rect(*bbox), target.clone()))
        });
        Links(boxes.take(MOST_BOXES).collect())
    }

    /// Gives words whose middle a link covers its address.
    pub(super) fn put_on(&self, words: &mut [Word]) {
        for word in words {
            let (x, y) = (word.bbox.center_x(), word.bbox.center_y());
            let link = self.0.iter().find(|(bbox, _)| bbox.contains(x, y));
            word.style.link = link.map(|(_, target)| target.clone());
        }
    }
}
