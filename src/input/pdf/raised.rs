//! Raised figures that are glyphs of their own: fonts have them for marks of footnotes, in the size of the text.
//!
//! They get a box and a size of their own, as if they were set smaller, so that they are superscripts to the rest.

use super::library::OpenPage;
use super::page::PdfRun;
use super::transform::{Transform, apply_box};
use std::ffi::c_void;

/// Height of a raised figure in ems, of its ink: other figures have two thirds, or, in old style, half and stand on the
/// baseline.
const HEIGHTS: std::ops::Range<f32> = 0.2..0.56;
/// Least distance in ems from the lower end of the ink to that of the line, which is the descent below the baseline.
const RISE: f32 = 0.38;
/// Font size of raised figures, relative to the text's: the usual one of superscripts.
const SIZE: f32 = 0.65;
/// Room around the ink in ems of the text.
const ROOM: f32 = 0.08;

impl PdfRun {
    /// The run of its raised figures.
    pub(super) fn as_raised(&self) -> PdfRun {
        PdfRun {
            size: self.size * SIZE,
            ..*self
        }
    }
}

impl OpenPage<'_> {
    /// The box of a character in page pixels, if its ink is that of a raised figure. `line` reaches from ascent to descent.
    pub(super) fn raised_box(
        &self,
        text: *mut c_void,
        index: i32,
        to_page: &Transform,
        line: &[f32; 4],
        run: &PdfRun,
    ) -> Option<[f32; 4]> {
        if run.angle.abs() > 1.0 || run.size < 1.0 {
            return None;
        }
        let (mut left, mut right, mut bottom, mut top) = (0f64, 0f64, 0f64, 0f64);
        // SAFETY: the text page is open and the targets are locals.
        let is_read = unsafe {
            let api = self.api();
            api.FPDFText_GetCharBox(
                text.cast(),
                index,
                &mut left,
                &mut right,
                &mut bottom,
                &mut top,
            )
        };
        if is_read == 0 {
            return None;
        }
        let ink = apply_box(
            to_page,
            [left as f32, bottom as f32, right as f32, top as f32],
        );
        let em = run.size;
        let is_raised = HEIGHTS.contains(&((ink[3] - ink[1]) / em)) && line[3] - ink[3] > RISE * em;
        is_raised.then(|| [line[0], ink[1] - ROOM * em, line[2], ink[3] + ROOM * em])
    }
}
