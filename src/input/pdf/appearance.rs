//! Text that only the appearance of an annotation has: of stamps, buttons and signatures.
//!
//! pdfium reads the text of a page's content alone. So the document is opened a second time, the annotations of
//! the page are made part of its content there, and what stands in their boxes is taken from it.

use super::library::OpenPage;
use super::page::{PdfChar, PdfPage};
use super::transform::Transform;
use std::collections::HashSet;

/// `FLAT_NORMALDISPLAY`: as on a screen.
const AS_ON_SCREEN: i32 = 0;
/// `FLATTEN_SUCCESS`.
const DONE: i32 = 1;
/// Most characters that are taken from the appearances of a page.
const MOST_CHARS: usize = 50_000;
/// Squares in page pixels in which a character counts as standing in the same place.
const PLACE: f32 = 4.0;

impl OpenPage<'_> {
    /// Adds the characters that stand in these boxes, in page pixels, once the annotations are part of the page.
    pub(super) fn add_appearances(
        &self,
        boxes: &[[f32; 4]],
        to_page: &Transform,
        out: &mut PdfPage,
    ) {
        let Some(flat) = self.flattened(to_page) else {
            return;
        };
        let place = |c: &PdfChar| {
            let (x, y) = center(c);
            (
                (x / PLACE).round() as i32,
                (y / PLACE).round() as i32,
                c.code,
            )
        };
        let known: HashSet<_> = out.chars.iter().map(place).collect();
        let is_new = |c: &PdfChar| {
            let (x, y, code) = place(c);
            let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)));
            !around
                .into_iter()
                .any(|(dx, dy)| known.contains(&(x + dx, y + dy, code)))
        };
        let is_inside = |c: &PdfChar| {
            let (x, y) = center(c);
            boxes
                .iter()
                .any(|&[x1, y1, x2, y2]| x >= x1 && x <= x2 && y >= y1 && y <= y2)
        };
        let first_run = out.runs.len() as u32;
        let first_font = out.fonts.len().min(u16::MAX as usize) as u16;
        let mut taken = 0;
        for c in &flat.chars {
            let has_run = (c.run as usize) < flat.runs.len();
            let c = match has_run {
                true if taken < MOST_CHARS && is_inside(c) && is_new(c) => PdfChar {
                    run: c.run + first_run,
                    ..*c
                },
                // Blanks that pdfium adds, while they follow something.
                false
                    if out
                        .chars
                        .last()
                        .is_some_and(|last| last.run >= first_run && last.run != u32::MAX) =>
                {
                    *c
                }
                _ => continue,
            };
            taken += 1;
            out.chars.push(c);
        }
        if taken == 0 {
            return;
        }
        out.fonts.extend(flat.fonts);
        out.runs.extend(flat.runs.into_iter().map(|mut run| {
            run.font = run.font.saturating_add(first_font);
            run.mcid = -1;
            run
        }));
    }

    /// The characters of the page once its annotations are part of its content.
    fn flattened(&self, to_page: &Transform) -> Option<PdfPage> {
        let copy = self.document.copy()?;
        let page = copy.page(self.index).ok()?;
        // SAFETY: the page is loaded, and nobody else has this copy.
        let done = unsafe {
            page.api()
                .FPDFPage_Flatten(page.handle.cast(), AS_ON_SCREEN)
        };
        drop(page);
        if done != DONE {
            return None;
        }
        let mut flat = PdfPage::default();
        copy.page(self.index).ok()?.read_chars(to_page, &mut flat);
        Some(flat)
    }
}

fn center(c: &PdfChar) -> (f32, f32) {
    let [x1, y1, x2, y2] = c.bbox;
    ((x1 + x2) / 2.0, (y1 + y2) / 2.0)
}
