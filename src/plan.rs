//! Decides for every region what becomes of it: its text is read, or it is kept as a picture.
//!
//! [`plan_page`] is the one place that decides; everything later only carries the plan out.

use crate::document::{DetectedRegion, Label, Picture};
use crate::geometry::Rect;
use crate::layout::Region;

/// What is done with a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Its text is read.
    Read,
    /// It is cut out of the page and kept as a picture.
    KeepPicture,
}

/// A region and what is done with it.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedBlock {
    /// The region.
    pub region: Region,
    /// What is done.
    pub action: Action,
}

/// The plan of a page: every region exactly once, in reading order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PagePlan {
    /// The blocks.
    pub blocks: Vec<PlannedBlock>,
    /// The regions as they were detected.
    pub detected: Vec<DetectedRegion>,
}

/// Space left around a picture that is cut out, in pixels: antialiased edges reach past their boxes.
const PICTURE_MARGIN: f32 = 3.0;
/// Space around a formula: accents and limits reach past the boxes of their characters.
const FORMULA_MARGIN: f32 = 8.0;

/// Decides about all regions of a page.
pub fn plan_page(regions: Vec<Region>) -> PagePlan {
    let detected =
        regions.iter().map(|r| DetectedRegion { label: r.label, bbox: r.bbox, score: r.score }).collect();
    let blocks = regions
        .into_iter()
        .map(|region| {
            let action = if is_picture(region.label) { Action::KeepPicture } else { Action::Read };
            PlannedBlock { region, action }
        })
        .collect();
    PagePlan { blocks, detected }
}

/// Whether blocks of the label are kept as pictures. Formulas are: without a formula recognizer their text would
/// be garbled.
pub fn is_picture(label: Label) -> bool {
    use Label::*;
    matches!(label, Image | Chart | Seal | HeaderImage | FooterImage | DisplayFormula)
}

/// The part of the page that is cut out for a picture.
pub fn picture_area(label: Label, bbox: &Rect) -> Rect {
    let margin = if label == Label::DisplayFormula { FORMULA_MARGIN } else { PICTURE_MARGIN };
    bbox.expanded(margin, margin)
}

/// Where a picture lies below the document's folder; unique over pages.
pub fn picture(folder: &str, page_index: usize, label: Label, bbox: &Rect) -> Picture {
    let [x1, y1, x2, y2] = bbox.to_pixels();
    let name = format!("p{:04}_{}_{x1}_{y1}_{x2}_{y2}.jpg", page_index + 1, label.as_str());
    Picture { path: format!("imgs/{folder}/{name}"), jpeg: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_region_is_planned_once() {
        let bbox = Rect::new(0.0, 0.0, 9.0, 9.0);
        let regions: Vec<Region> = Label::ALL.iter().map(|l| Region::new(*l, bbox, 0.5)).collect();
        let plan = plan_page(regions);
        assert_eq!(plan.blocks.len(), Label::ALL.len());
        assert_eq!(plan.detected.len(), Label::ALL.len());
        let action = |label| plan.blocks.iter().find(|b| b.region.label == label).unwrap().action;
        assert_eq!((action(Label::Text), action(Label::DisplayFormula)), (Action::Read, Action::KeepPicture));
    }

    #[test]
    fn pictures_of_two_pages_have_two_names() {
        let bbox = Rect::new(1.2, 2.0, 9.0, 9.5);
        let path = |page| picture("report", page, Label::Image, &bbox).path;
        assert_eq!(path(0), "imgs/report/p0001_image_1_2_9_10.jpg");
        assert_ne!(path(0), path(1));
    }
}
