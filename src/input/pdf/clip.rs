//! What the clip of an object leaves of it: some programs draw a shaded cell by filling the whole page through a clip.

use super::transform::{Transform, apply};
use pdfium_render::prelude::PdfiumLibraryBindings;
use std::ffi::c_void;

/// Most paths of a clip that are looked at, and most segments of one: those of rectangles in rectangles.
const MOST_PATHS: i32 = 8;
const MOST_SEGMENTS: i32 = 32;

/// A clip that leaves everything.
pub(super) const NO_CLIP: [f32; 4] = [f32::MIN, f32::MIN, f32::MAX, f32::MAX];

/// What two boxes have in common; `None` without an area.
pub(super) fn intersection(a: &[f32; 4], b: &[f32; 4]) -> Option<[f32; 4]> {
    let [x1, y1] = [a[0].max(b[0]), a[1].max(b[1])];
    let [x2, y2] = [a[2].min(b[2]), a[3].min(b[3])];
    (x1 < x2 && y1 < y2).then_some([x1, y1, x2, y2])
}

/// The part of `bounds`, in pixels, that the clip of a page object may leave; `None` if it leaves nothing.
pub(super) fn clipped(
    api: &dyn PdfiumLibraryBindings,
    object: *mut c_void,
    to_page: &Transform,
    bounds: [f32; 4],
) -> Option<[f32; 4]> {
    // SAFETY: the object is valid; an object without a clip has none, or one of no paths.
    let (clip, paths) = unsafe {
        let clip = api.FPDFPageObj_GetClipPath(object.cast());
        match clip.is_null() {
            true => return Some(bounds),
            false => (clip, api.FPDFClipPath_CountPaths(clip)),
        }
    };
    let mut left = bounds;
    for path in 0..paths.clamp(0, MOST_PATHS) {
        // SAFETY: the index is below the count.
        let segments = unsafe { api.FPDFClipPath_CountPathSegments(clip, path) };
        if !(1..=MOST_SEGMENTS).contains(&segments) {
            continue;
        }
        let mut own = [
            f32::INFINITY,
            f32::INFINITY,
            f32::NEG_INFINITY,
            f32::NEG_INFINITY,
        ];
        for at in 0..segments {
            let (mut x, mut y) = (0f32, 0f32);
            // SAFETY: the indices are below their counts, the targets are locals.
            unsafe {
                let segment = api.FPDFClipPath_GetPathSegment(clip, path, at);
                api.FPDFPathSegment_GetPoint(segment, &mut x, &mut y);
            }
            // Clips are kept as they lie on the page.
            let (x, y) = apply(to_page, x, y);
            own = [own[0].min(x), own[1].min(y), own[2].max(x), own[3].max(y)];
        }
        left = intersection(&left, &own)?;
    }
    Some(left)
}
