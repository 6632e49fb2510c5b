//! Regions that are parts of one: of a formula, of a table of contents, of a listing.

use super::thresholds::{joined, listings};
use crate::document::Label;
use crate::layout::Region;

/// `true` if one of two regions is a listing and the other a line of it that says nothing of itself: after an empty line
/// or before one.
fn is_listing_line(a: &Region, b: &Region, gap: f32) -> bool {
    let is_plain = |r: &Region| {
        r.label == Label::Text && r.style.fixed_pitch && r.style.line_count <= listings::PLAIN_LINES
    };
    let are_parts =
        a.label == Label::Algorithm && is_plain(b) || b.label == Label::Algorithm && is_plain(a);
    let size = a.style.font_size.max(b.style.font_size);
    are_parts && a.bbox.overlap_x(&b.bbox) > 0.0 && gap < joined::LISTING_GAP * size
}

/// Joins regions that are parts of one formula (numerators, limits, brackets), of one table of contents or of
/// one listing.
pub(super) fn join(regions: &mut Vec<Region>) {
    let mut i = 0;
    while i + 1 < regions.len() {
        // The number of a formula may lie between its parts.
        let next = if regions[i + 1].label == Label::FormulaNumber {
            i + 2
        } else {
            i + 1
        };
        let Some(b) = regions.get(next) else { break };
        let a = &regions[i];
        let size = a
            .style
            .font_size
            .max(b.style.font_size)
            .max(joined::MIN_SIZE);
        let gap = (b.bbox.y1 - a.bbox.y2).max(a.bbox.y1 - b.bbox.y2);
        let same =
            |label: Label, reach: f32| a.label == label && b.label == label && gap < reach * size;
        if same(Label::DisplayFormula, joined::FORMULA_GAP)
            || same(Label::Content, joined::CONTENTS_GAP)
            || same(Label::Algorithm, joined::LISTING_GAP)
            || is_listing_line(a, b, gap)
        {
            let b = regions.remove(next);
            if b.label == Label::Algorithm {
                regions[i].label = b.label;
            }
            regions[i].bbox = regions[i].bbox.union(&b.bbox);
            regions[i].lines.extend(b.lines);
        } else {
            i += 1;
        }
    }
}
