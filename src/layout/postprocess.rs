//! Post-processing of a layout network's output: filtering, merging, order, polygons (docs/reference.md,
//! "Layout post-processing").
//!
//! [`postprocess`] runs the steps in order; each step is a function below it. Arithmetic is in single
//! precision where the reference's is, so that boxes close to a threshold fall on the same side of it.

use super::polygons::{ShapeMode, polygons};
use super::{MIN_SHAPE_SIDE, Region};
use crate::document::Label;
use crate::geometry::Rect;
use crate::geometry::contour::Mask;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A row of a layout network's output, in page pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RawBox {
    /// Class id; negative for no class.
    pub class_id: i64,
    /// Confidence.
    pub score: f32,
    /// `[x1, y1, x2, y2]`.
    pub bbox: [f32; 4],
    /// Position in the reading order, if the network predicts one.
    pub order: Option<f32>,
    /// Votes for that position: of equal positions the one with more votes comes first.
    pub votes: Option<f32>,
}

/// A layout network's output for a page.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawLayout {
    /// Boxes.
    pub boxes: Vec<RawBox>,
    /// Masks of the boxes, each over the whole page, if the network predicts them.
    pub masks: Option<Vec<Mask>>,
}

/// Scores above which boxes are kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Threshold {
    /// All boxes are kept, whatever their score.
    #[default]
    Off,
    /// The same for all classes.
    All(f32),
    /// By class id; 0.5 for classes left out.
    ByClass(BTreeMap<usize, f32>),
}

impl Threshold {
    /// `true` if a row is kept.
    pub fn keeps(&self, row: &RawBox) -> bool {
        match self {
            Threshold::Off => true,
            Threshold::All(t) => row.score > *t && row.class_id > -1,
            Threshold::ByClass(table) => {
                let class = usize::try_from(row.class_id).unwrap_or(usize::MAX);
                row.score > *table.get(&class).unwrap_or(&DEFAULT_THRESHOLD)
            }
        }
    }
}

/// Treatment of boxes that lie in other boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MergeMode {
    /// Both boxes stay.
    Union,
    /// The outer box stays.
    Large,
    /// The inner box stays.
    Small,
}

/// Merge modes of all classes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum MergeModes {
    /// Nothing is merged.
    #[default]
    Off,
    /// The same mode for all classes.
    All(MergeMode),
    /// By class id.
    ByClass(BTreeMap<usize, MergeMode>),
}

/// Factors by which the width and height of boxes grow about their centres.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Unclip {
    /// Boxes are unchanged.
    #[default]
    Off,
    /// The same factors for all classes.
    All([f32; 2]),
    /// By class id; others are unchanged.
    ByClass(BTreeMap<usize, [f32; 2]>),
}

/// Options of layout detection, named like the reference's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LayoutOptions {
    /// `layout_threshold`.
    pub threshold: Threshold,
    /// `layout_nms`.
    pub nms: bool,
    /// `layout_unclip_ratio`.
    pub unclip_ratio: Unclip,
    /// `layout_merge_bboxes_mode`.
    pub merge_bboxes_mode: MergeModes,
    /// `layout_shape_mode`.
    pub shape_mode: ShapeMode,
}

/// Threshold of classes that a table of thresholds leaves out (reference: `threshold.get(class, 0.5)`).
const DEFAULT_THRESHOLD: f32 = 0.5;
/// Overlaps (with pixels counted inclusively) from which the box with the lower score is dropped.
const NMS_SAME_CLASS: f32 = 0.6;
const NMS_OTHER_CLASS: f32 = 0.98;
/// Share of a landscape and of a portrait page above which a picture is taken for the page itself.
const FULL_PAGE_LANDSCAPE: f32 = 0.82;
const FULL_PAGE_PORTRAIT: f32 = 0.93;
/// Share of a box that must lie in another for it to count as contained.
const CONTAINED: f32 = 0.9;

/// The regions of a page of `width` x `height` pixels, in reading order.
pub fn postprocess(
    raw: &RawLayout,
    width: usize,
    height: usize,
    options: &LayoutOptions,
) -> Vec<Region> {
    let masks = raw
        .masks
        .as_ref()
        .filter(|m| options.shape_mode != ShapeMode::Rect && m.len() == raw.boxes.len());
    let boxes: Vec<RawBox> = raw.boxes.iter().map(rounded).collect();
    let mut kept = above_threshold(&boxes, &options.threshold);
    if options.nms {
        let keep = nms(&pick(&boxes, &kept));
        kept = keep.into_iter().map(|i| kept[i]).collect();
    }
    let keep = without_full_page_pictures(&pick(&boxes, &kept), width, height);
    kept = keep.into_iter().map(|i| kept[i]).collect();
    let keep = merged(&pick(&boxes, &kept), &options.merge_bboxes_mode);
    kept = keep.into_iter().map(|i| kept[i]).collect();
    sort_by_order(&boxes, &mut kept);
    let mut sorted = pick(&boxes, &kept);
    let mut shapes = masks.map(|masks| {
        let masks: Vec<&Mask> = kept.iter().map(|i| &masks[*i]).collect();
        let areas: Vec<[f32; 4]> = sorted.iter().map(|b| b.bbox).collect();
        polygons(&areas, &masks, width, height, options.shape_mode)
    });
    sorted
        .iter_mut()
        .for_each(|b| unclip(b, &options.unclip_ratio));
    let mut regions = Vec::with_capacity(sorted.len());
    let mut order = 0;
    for (i, found) in sorted.iter().enumerate() {
        let Some((label, bbox)) = labelled(found).zip(on_page(found.bbox, width, height)) else {
            continue;
        };
        let mut region = Region::new(label, bbox, found.score);
        region.polygon = shapes.as_mut().map(|shapes| std::mem::take(&mut shapes[i]));
        if !label.is_unordered() {
            order += 1;
            region.order = Some(order);
        }
        regions.push(region);
    }
    regions
}

fn pick(boxes: &[RawBox], kept: &[usize]) -> Vec<RawBox> {
    kept.iter().map(|i| boxes[*i]).collect()
}

/// Rounds coordinates to integers, ties to even.
fn rounded(raw: &RawBox) -> RawBox {
    // NaN or infinity would break every later comparison.
    let whole = |v: f32| {
        if v.is_finite() {
            v.round_ties_even()
        } else {
            0.0
        }
    };
    RawBox {
        bbox: raw.bbox.map(whole),
        ..*raw
    }
}

fn labelled(raw: &RawBox) -> Option<Label> {
    usize::try_from(raw.class_id)
        .ok()
        .and_then(|id| Label::CLASSES.get(id).copied())
}

/// Indices of the boxes above their threshold; with a table of thresholds they are grouped by class.
fn above_threshold(boxes: &[RawBox], threshold: &Threshold) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..boxes.len())
        .filter(|i| threshold.keeps(&boxes[*i]))
        .collect();
    if matches!(threshold, Threshold::ByClass(_)) {
        kept.sort_by_key(|i| boxes[*i].class_id);
    }
    kept
}

/// Indices of the boxes that survive non-maximum suppression, best score first.
pub(crate) fn nms(boxes: &[RawBox]) -> Vec<usize> {
    let mut waiting: Vec<usize> = (0..boxes.len()).collect();
    // Ties in score go to the later row, as in the reference, which sorts ascending and reverses.
    waiting.sort_by(|&a, &b| boxes[b].score.total_cmp(&boxes[a].score).then(b.cmp(&a)));
    let mut kept = Vec::new();
    let mut dropped = vec![false; boxes.len()];
    for (at, &best) in waiting.iter().enumerate() {
        if dropped[best] {
            continue;
        }
        kept.push(best);
        for &other in &waiting[at + 1..] {
            let same = boxes[best].class_id == boxes[other].class_id;
            let limit = if same {
                NMS_SAME_CLASS
            } else {
                NMS_OTHER_CLASS
            };
            dropped[other] |= inclusive_iou(&boxes[best].bbox, &boxes[other].bbox) >= limit;
        }
    }
    kept
}

/// Intersection over union, with the pixels of both edges counted as inside.
fn inclusive_iou(a: &[f32; 4], b: &[f32; 4]) -> f32 {
    let area = |r: &[f32; 4]| (r[2] - r[0] + 1.0) * (r[3] - r[1] + 1.0);
    let width = (a[2].min(b[2]) - a[0].max(b[0]) + 1.0).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1]) + 1.0).max(0.0);
    let common = width * height;
    common / (area(a) + area(b) - common)
}

/// Indices of the boxes without pictures that fill the page; all of them if no other box is left.
fn without_full_page_pictures(boxes: &[RawBox], width: usize, height: usize) -> Vec<usize> {
    let (width_f, height_f) = (width as f32, height as f32);
    let limit = if width > height {
        FULL_PAGE_LANDSCAPE
    } else {
        FULL_PAGE_PORTRAIT
    } * width_f
        * height_f;
    let fills_page = |b: &RawBox| {
        let [x1, y1, x2, y2] = b.bbox;
        let area = (x2.min(width_f) - x1.max(0.0)) * (y2.min(height_f) - y1.max(0.0));
        labelled(b) == Some(Label::Image) && area > limit
    };
    let all: Vec<usize> = (0..boxes.len()).collect();
    let kept: Vec<usize> = all
        .iter()
        .copied()
        .filter(|i| !fills_page(&boxes[*i]))
        .collect();
    if boxes.len() <= 1 || kept.is_empty() {
        all
    } else {
        kept
    }
}

/// `true` if most of `inner` lies in `outer`.
fn lies_in(inner: &[f32; 4], outer: &[f32; 4]) -> bool {
    let area = (inner[2] - inner[0]) * (inner[3] - inner[1]);
    let width = (inner[2].min(outer[2]) - inner[0].max(outer[0])).max(0.0);
    let height = (inner[3].min(outer[3]) - inner[1].max(outer[1])).max(0.0);
    area > 0.0 && width * height / area >= CONTAINED
}

/// For every box, `true` if it contains another, and `true` if it is contained in one, over the pairs (inner,
/// outer) that count.
pub(crate) fn containment(
    boxes: &[RawBox],
    counts: impl Fn(&RawBox, &RawBox) -> bool,
) -> (Vec<bool>, Vec<bool>) {
    let (mut contains, mut contained) = (vec![false; boxes.len()], vec![false; boxes.len()]);
    for (i, inner) in boxes.iter().enumerate() {
        for (j, outer) in boxes.iter().enumerate() {
            if i != j && counts(inner, outer) && lies_in(&inner.bbox, &outer.bbox) {
                contained[i] = true;
                contains[j] = true;
            }
        }
    }
    (contains, contained)
}

/// Indices of the boxes that stay when boxes that contain each other are merged.
fn merged(boxes: &[RawBox], modes: &MergeModes) -> Vec<usize> {
    let mut keep = vec![true; boxes.len()];
    let mut apply = |mode: MergeMode, class: Option<usize>| {
        let is_class = |b: &RawBox| class.is_none_or(|c| b.class_id == c as i64);
        let (contains, contained) = match mode {
            MergeMode::Union => return,
            MergeMode::Large => containment(boxes, |_, outer| is_class(outer)),
            MergeMode::Small => containment(boxes, |inner, _| is_class(inner)),
        };
        for (i, keep) in keep.iter_mut().enumerate() {
            *keep &= match mode {
                MergeMode::Large => !contained[i],
                _ => !contains[i] || contained[i],
            };
        }
    };
    match modes {
        MergeModes::Off => {}
        MergeModes::All(mode) => apply(*mode, None),
        MergeModes::ByClass(table) => table
            .iter()
            .for_each(|(class, mode)| apply(*mode, Some(*class))),
    }
    (0..boxes.len()).filter(|i| keep[*i]).collect()
}

/// Sorts by the reading order, if the network predicts one; ties go to the box with more votes.
fn sort_by_order(boxes: &[RawBox], kept: &mut [usize]) {
    kept.sort_by(|&a, &b| {
        let (a, b) = (&boxes[a], &boxes[b]);
        let key = |b: &RawBox| b.order.unwrap_or(0.0);
        let votes = |b: &RawBox| b.votes.unwrap_or(0.0);
        key(a)
            .total_cmp(&key(b))
            .then(votes(b).total_cmp(&votes(a)))
    });
}

/// Grows a box about its centre.
fn unclip(found: &mut RawBox, ratios: &Unclip) {
    let ratio = match ratios {
        Unclip::Off => None,
        Unclip::All(ratio) => Some(*ratio),
        Unclip::ByClass(table) => usize::try_from(found.class_id)
            .ok()
            .and_then(|c| table.get(&c).copied()),
    };
    let Some([rx, ry]) = ratio else { return };
    let [x1, y1, x2, y2] = found.bbox;
    let (width, height) = (x2 - x1, y2 - y1);
    let (cx, cy) = (x1 + width / 2.0, y1 + height / 2.0);
    let (new_width, new_height) = (width * rx, height * ry);
    found.bbox = [
        cx - new_width / 2.0,
        cy - new_height / 2.0,
        cx + new_width / 2.0,
        cy + new_height / 2.0,
    ];
}

/// The box clipped to the page, in integer pixels; `None` if nothing is left.
fn on_page([x1, y1, x2, y2]: [f32; 4], width: usize, height: usize) -> Option<Rect> {
    let low = |v: f32| v.max(0.0).trunc();
    let high = |v: f32, limit: usize| v.min(limit as f32).trunc();
    let bbox = Rect {
        x1: low(x1),
        y1: low(y1),
        x2: high(x2, width),
        y2: high(y2, height),
    };
    (bbox.x2 > bbox.x1 && bbox.y2 > bbox.y1).then_some(bbox)
}

/// Overlaps of polygons below which both boxes stay, and of boxes above which one goes.
const POLYGONS_OVERLAP: f64 = 0.7;
const BOXES_OVERLAP: f32 = 0.7;
/// The same for formulas inside lines.
const INLINE_OVERLAP: f32 = 0.5;

/// The regions without duplicates (docs/reference.md, "Overlapping regions"), in the same order.
pub(crate) fn without_overlaps(regions: &[Region], shape_mode: ShapeMode) -> Vec<Region> {
    let regions: Vec<&Region> = regions
        .iter()
        .filter(|r| r.label != Label::Reference)
        .collect();
    let mut dropped = vec![false; regions.len()];
    for i in 0..regions.len() {
        if regions[i].bbox.width() < MIN_SHAPE_SIDE || regions[i].bbox.height() < MIN_SHAPE_SIDE {
            dropped[i] = true;
        }
        for j in i + 1..regions.len() {
            if dropped[i] || dropped[j] {
                continue;
            }
            let (drop_i, drop_j) = rivals(regions[i], regions[j], shape_mode);
            dropped[i] |= drop_i;
            dropped[j] |= drop_j;
        }
    }
    regions
        .iter()
        .zip(dropped)
        .filter(|(_, dropped)| !dropped)
        .map(|(r, _)| (*r).clone())
        .collect()
}

/// Decides for two regions if the first and if the second is dropped.
fn rivals(a: &Region, b: &Region, shape_mode: ShapeMode) -> (bool, bool) {
    let smaller = a.bbox.area().min(b.bbox.area());
    let common = a.bbox.intersection(&b.bbox).area();
    let overlap = if smaller > 0.0 { common / smaller } else { 0.0 };
    let inline = |r: &Region| r.label == Label::InlineFormula;
    if (inline(a) || inline(b)) && overlap > INLINE_OVERLAP {
        return (inline(a), inline(b));
    }
    if overlap <= BOXES_OVERLAP || shapes_differ(a, b, shape_mode) || may_lie_over(a.label, b.label)
    {
        return (false, false);
    }
    if a.bbox.area() >= b.bbox.area() {
        (false, true)
    } else {
        (true, false)
    }
}

fn shapes_differ(a: &Region, b: &Region, shape_mode: ShapeMode) -> bool {
    let (Some(a), Some(b)) = (&a.polygon, &b.polygon) else {
        return false;
    };
    shape_mode != ShapeMode::Rect
        && crate::geometry::polygon::Overlap::of(a, b).of_smaller() < POLYGONS_OVERLAP
}

/// `true` if regions of the two labels may overlap: text over pictures, but not text over tables.
fn may_lie_over(a: Label, b: Label) -> bool {
    let visual = |l: Label| matches!(l, Label::Image | Label::Table | Label::Seal | Label::Chart);
    if a == b || !(visual(a) || visual(b)) {
        return false;
    }
    let over_table = |table: Label, other: Label| table == Label::Table && !visual(other);
    !(over_table(a, b) || over_table(b, a))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(class_id: i64, score: f32, bbox: [f32; 4]) -> RawBox {
        RawBox {
            class_id,
            score,
            bbox,
            order: None,
            votes: None,
        }
    }

    fn options() -> LayoutOptions {
        LayoutOptions {
            threshold: Threshold::All(0.3),
            nms: true,
            unclip_ratio: Unclip::Off,
            merge_bboxes_mode: MergeModes::Off,
            shape_mode: ShapeMode::Auto,
        }
    }

    fn labels(boxes: Vec<RawBox>, options: &LayoutOptions) -> Vec<Label> {
        let raw = RawLayout { boxes, masks: None };
        postprocess(&raw, 100, 200, options)
            .iter()
            .map(|r| r.label)
            .collect()
    }

    #[test]
    fn a_score_must_be_above_the_threshold() {
        let boxes = vec![
            raw(22, 0.3, [0.0, 0.0, 9.0, 9.0]),
            raw(6, 0.31, [0.0, 20.0, 9.0, 29.0]),
        ];
        assert_eq!(labels(boxes.clone(), &options()), [Label::DocTitle]);
        let off = LayoutOptions {
            threshold: Threshold::Off,
            ..options()
        };
        assert_eq!(labels(boxes, &off).len(), 2);
    }

    #[test]
    fn boxes_that_leave_the_page_are_cut_or_dropped() {
        let boxes = vec![
            raw(22, 0.9, [-5.0, -5.0, 10.4, 10.6]),
            raw(21, 0.9, [150.0, 0.0, 160.0, 9.0]),
        ];
        let regions = postprocess(&RawLayout { boxes, masks: None }, 100, 200, &options());
        assert_eq!(regions.len(), 1);
        assert_eq!(regions[0].bbox, Rect::new(0.0, 0.0, 10.0, 11.0));
        assert_eq!(regions[0].order, Some(1));
    }

    #[test]
    fn the_large_mode_of_a_class_swallows_all_classes() {
        let modes = MergeModes::ByClass([(21, MergeMode::Large)].into());
        let boxes = vec![
            raw(21, 0.9, [0.0, 0.0, 90.0, 90.0]),
            raw(22, 0.8, [10.0, 10.0, 50.0, 20.0]),
        ];
        assert_eq!(
            labels(
                boxes,
                &LayoutOptions {
                    merge_bboxes_mode: modes,
                    ..options()
                }
            ),
            [Label::Table]
        );
    }

    #[test]
    fn text_over_a_picture_stays_and_over_a_table_goes() {
        let text = Region::new(Label::Text, Rect::new(10.0, 10.0, 50.0, 20.0), 0.9);
        let under = |label| Region::new(label, Rect::new(0.0, 0.0, 90.0, 90.0), 0.9);
        let left = |label| without_overlaps(&[under(label), text.clone()], ShapeMode::Auto).len();
        assert_eq!(
            (left(Label::Image), left(Label::Table), left(Label::Text)),
            (2, 1, 1)
        );
    }

    #[test]
    fn numbers_that_are_none_are_no_panic() {
        let boxes = vec![
            raw(22, f32::NAN, [f32::NAN; 4]),
            raw(99, 0.9, [f32::INFINITY, 0.0, -9.0, 5.0]),
        ];
        assert!(labels(boxes, &options()).is_empty());
    }
}
