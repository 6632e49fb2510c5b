//! Plans each region: the request to the recognizer, if any, and the picture that is kept, if any.
//!
//! [`plan_page`] makes all decisions without looking at pixels; [`crop`] then cuts the page's picture. For
//! the PaddleOCR-VL pipelines it follows docs/reference.md, "From regions to requests", in order: overlapping
//! regions are dropped, pictures of the page are noted, neighbouring blocks are merged, requests are made,
//! pictures inside tables get tokens.

pub(crate) mod crop;
mod figures;
mod merge;
pub(crate) mod own_text;
mod request;

pub(crate) use figures::{PythonRandom, TableFigure, figure_tokens};
pub(crate) use merge::{Align, MergedBlock, merge_blocks};
pub use request::FACTOR;
pub use request::PixelLimits;
pub use request::Request;
pub use request::RequestOptions;
pub use request::smart_resize;
pub(crate) use request::{MAX_NEW_TOKENS, Preparation, Task};

use crate::document::{DetectedRegion, Label, Picture};
use crate::geometry::{Point, Rect};
use crate::layout::Region;
use crate::layout::polygons::ShapeMode;
use crate::layout::postprocess::without_overlaps;

/// Rules by which pages are planned.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanOptions {
    /// Text comes from the page's text; what cannot be read stays a picture.
    PageText,
    /// The rules of the PaddleOCR-VL pipelines.
    Vl(Box<VlOptions>),
}

/// Options of the PaddleOCR-VL pipelines, named like the reference's.
#[derive(Debug, Clone, PartialEq)]
pub struct VlOptions {
    /// `use_layout_detection`; `false`: the whole page is one region.
    pub use_layout_detection: bool,
    /// `merge_layout_blocks`.
    pub merge_layout_blocks: bool,
    /// `use_chart_recognition`.
    pub use_chart_recognition: bool,
    /// `use_seal_recognition`.
    pub use_seal_recognition: bool,
    /// `use_ocr_for_image_block`.
    pub use_ocr_for_image_block: bool,
    /// `layout_shape_mode`.
    pub shape_mode: ShapeMode,
    /// Options of every request.
    pub request: RequestOptions,
    /// Names of pictures.
    pub picture_names: PictureNames,
}

/// How pictures are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureNames {
    /// In a folder of the document, with the page: no two are equal.
    Own,
    /// As the reference names them, so that those of different pages and documents can collide.
    Reference,
    /// As the reference names them, in a folder of the document: those of different documents stay apart.
    ReferenceInFolders,
}

impl VlOptions {
    /// `true` if blocks of the label are pictures only (docs/reference.md, "Prompts and generation
    /// parameters").
    pub fn is_picture_only(&self, label: Label) -> bool {
        match label {
            Label::Image | Label::HeaderImage | Label::FooterImage => !self.use_ocr_for_image_block,
            Label::Chart => !self.use_chart_recognition,
            Label::Seal => !self.use_seal_recognition,
            _ => false,
        }
    }

    /// `true` if blocks of the label carry a picture (docs/reference.md, "Images cut out of a page").
    pub fn carries_picture(&self, label: Label) -> bool {
        match label {
            Label::Image | Label::HeaderImage | Label::FooterImage | Label::Seal => true,
            Label::Chart => !self.use_chart_recognition,
            _ => false,
        }
    }
}

/// Part of the page to cut out: a box, and a polygon outside of which it becomes white.
#[derive(Debug, Clone, PartialEq)]
pub struct CropArea {
    /// The box.
    pub bbox: Rect,
    /// The polygon, in page pixels.
    pub polygon: Option<Vec<Point>>,
}

/// Crop of a block: areas stacked from top to bottom.
#[derive(Debug, Clone, PartialEq)]
pub struct CropPlan {
    /// The areas; one unless blocks are merged.
    pub areas: Vec<CropArea>,
    /// Alignment of each area after the first with the stack above it.
    pub aligns: Vec<Align>,
}

/// A region and its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedBlock {
    /// The region.
    pub region: Region,
    /// The request to the recognizer, if it gets one.
    pub request: Option<Request>,
    /// The crop for the recognizer; `None` if the text is read together with another block's.
    pub crop: Option<CropPlan>,
    /// The picture that the block carries, without pixels yet.
    pub picture: Option<Picture>,
    /// The group of blocks that are read together.
    pub group_id: Option<usize>,
}

/// A picture of the page that belongs to the document whatever becomes of its region.
#[derive(Debug, Clone, PartialEq)]
pub struct PagePicture {
    /// The picture, without pixels yet.
    pub picture: Picture,
    /// Position on the page.
    pub bbox: Rect,
}

/// Plan of a page: every remaining region exactly once, in reading order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PagePlan {
    /// The blocks.
    pub blocks: Vec<PlannedBlock>,
    /// The regions as detected.
    pub detected: Vec<DetectedRegion>,
    /// The regions after dropping overlapping ones, before merging.
    pub kept: Vec<Region>,
    /// Pictures of the page.
    pub pictures: Vec<PagePicture>,
}

/// Identity of the page within picture names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PageName<'a> {
    /// Folder of the document's pictures below `imgs/`.
    pub folder: &'a str,
    /// Index of the page, from 0.
    pub page_index: usize,
}

/// Margin around a picture that is cut out, in pixels: antialiased edges extend beyond their boxes.
const PICTURE_MARGIN: f32 = 3.0;
/// Margin around a formula in pixels: accents and limits extend beyond the boxes of their characters.
const FORMULA_MARGIN: f32 = 8.0;

/// Plans all regions of a page.
pub fn plan_page(regions: Vec<Region>, name: PageName, options: &PlanOptions) -> PagePlan {
    let detected = regions
        .iter()
        .map(|r| DetectedRegion {
            label: r.label,
            bbox: r.bbox,
            score: r.score,
            order: r.order,
            polygon: r.polygon.clone(),
        })
        .collect();
    match options {
        PlanOptions::PageText => {
            let blocks = regions
                .into_iter()
                .map(|region| plan_page_text(region, name))
                .collect();
            PagePlan {
                blocks,
                detected,
                ..PagePlan::default()
            }
        }
        PlanOptions::Vl(options) => PagePlan {
            detected,
            ..plan_vl(regions, name, options)
        },
    }
}

fn plan_page_text(region: Region, name: PageName) -> PlannedBlock {
    let is_picture = is_picture(region.label);
    let path = own_picture_path(name, region.label, &region.bbox);
    PlannedBlock {
        // The labels of a figure are read as well: they are searched for.
        request: (!is_picture || !region.lines.is_empty()).then(Request::page_text),
        picture: is_picture.then_some(Picture { path, jpeg: None }),
        crop: None,
        group_id: None,
        region,
    }
}

/// Plans a page for a PaddleOCR-VL pipeline, in the order of docs/reference.md, "From regions to requests".
fn plan_vl(regions: Vec<Region>, name: PageName, options: &VlOptions) -> PagePlan {
    let kept = match options.use_layout_detection {
        true => without_overlaps(&regions, options.shape_mode),
        false => regions.clone(),
    };
    let path = |region: &Region| {
        let (label, bbox) = (region.label, &region.bbox);
        match options.picture_names {
            PictureNames::Own => own_picture_path(name, label, bbox),
            PictureNames::Reference => format!("imgs/{}", reference_picture_name(label, bbox)),
            PictureNames::ReferenceInFolders => {
                format!(
                    "imgs/{}/{}",
                    name.folder,
                    reference_picture_name(label, bbox)
                )
            }
        }
    };
    let pictures: Vec<PagePicture> = regions
        .iter()
        .filter(|r| options.use_layout_detection && matches!(r.label, Label::Image | Label::Seal))
        .map(|r| PagePicture {
            picture: Picture {
                path: path(r),
                jpeg: None,
            },
            bbox: r.bbox,
        })
        .collect();
    let stays_alone = |label: Label| label == Label::Table || options.is_picture_only(label);
    let merged = match options.merge_layout_blocks {
        true => merge_blocks(&kept, &stays_alone),
        false => (0..kept.len()).map(MergedBlock::alone).collect(),
    };
    let area = |i: &usize| CropArea {
        bbox: kept[*i].bbox,
        polygon: kept[*i]
            .polygon
            .clone()
            .filter(|_| options.shape_mode != ShapeMode::Rect),
    };
    let blocks = merged
        .into_iter()
        .map(|block| {
            let region = kept[block.index].clone();
            let has_crop = !block.members.is_empty();
            let asked = has_crop && !options.is_picture_only(region.label);
            let mut request = asked.then(|| Request::of(region.label, &options.request));
            if let Some(request) = request.as_mut().filter(|_| region.label == Label::Table) {
                request.figures = figures::inside(&region.bbox, &pictures);
            }
            let picture = options.carries_picture(region.label);
            let crop = CropPlan {
                areas: block.members.iter().map(area).collect(),
                aligns: block.aligns,
            };
            PlannedBlock {
                request,
                crop: has_crop.then_some(crop),
                picture: picture.then(|| Picture {
                    path: path(&region),
                    jpeg: None,
                }),
                group_id: block.group_id,
                region,
            }
        })
        .collect();
    PagePlan {
        blocks,
        detected: Vec::new(),
        kept,
        pictures,
    }
}

/// `true` if blocks of the label are kept as pictures by pipelines without a recognizer for pixels. Formulas
/// are: without a formula recognizer their text would be garbled.
pub(crate) fn is_picture(label: Label) -> bool {
    use Label::*;
    matches!(
        label,
        Image | Chart | Seal | HeaderImage | FooterImage | DisplayFormula
    )
}

/// Area cut out for a picture when regions are found in the text.
pub(crate) fn picture_area(label: Label, bbox: &Rect) -> Rect {
    let margin = if label == Label::DisplayFormula {
        FORMULA_MARGIN
    } else {
        PICTURE_MARGIN
    };
    bbox.expanded(margin, margin)
}

/// Path of a picture below the document's folder; unique across pages.
fn own_picture_path(name: PageName, label: Label, bbox: &Rect) -> String {
    let [x1, y1, x2, y2] = bbox.to_pixels();
    let file = format!(
        "p{:04}_{}_{x1}_{y1}_{x2}_{y2}.jpg",
        name.page_index + 1,
        label.as_str()
    );
    format!("imgs/{}/{file}", name.folder)
}

/// The reference's name of a picture; those of different pages can collide (docs/reference.md, "Images cut out of a
/// page").
fn reference_picture_name(label: Label, bbox: &Rect) -> String {
    let [x1, y1, x2, y2] = bbox.to_pixels();
    format!("img_in_{}_box_{x1}_{y1}_{x2}_{y2}.jpg", label.as_str())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const NAME: PageName = PageName {
        folder: "report",
        page_index: 0,
    };

    /// The default options.
    pub(crate) fn vl() -> VlOptions {
        VlOptions {
            use_layout_detection: true,
            merge_layout_blocks: true,
            use_chart_recognition: false,
            use_seal_recognition: false,
            use_ocr_for_image_block: false,
            shape_mode: ShapeMode::Auto,
            request: RequestOptions::default(),
            picture_names: PictureNames::Own,
        }
    }

    fn one_of_each() -> Vec<Region> {
        let bbox = |i: usize| Rect::new(0.0, 50.0 * i as f32, 90.0, 50.0 * i as f32 + 30.0);
        Label::CLASSES
            .iter()
            .enumerate()
            .map(|(i, l)| Region::new(*l, bbox(i), 0.5))
            .collect()
    }

    #[test]
    fn every_region_is_planned_once() {
        let plan = plan_page(one_of_each(), NAME, &PlanOptions::PageText);
        assert_eq!((plan.blocks.len(), plan.detected.len()), (25, 25));
        let of = |label| {
            plan.blocks
                .iter()
                .find(|b| b.region.label == label)
                .unwrap()
        };
        assert!(of(Label::Text).request.is_some() && of(Label::Text).picture.is_none());
        assert!(
            of(Label::DisplayFormula).request.is_none()
                && of(Label::DisplayFormula).picture.is_some()
        );
    }

    #[test]
    fn what_is_asked_follows_from_the_label() {
        let plan = plan_page(one_of_each(), NAME, &PlanOptions::Vl(Box::new(vl())));
        // `reference` regions only frame their entries.
        assert_eq!((plan.blocks.len(), plan.detected.len()), (24, 25));
        let of = |label| {
            plan.blocks
                .iter()
                .find(|b| b.region.label == label)
                .unwrap()
        };
        assert_eq!(of(Label::Table).request.as_ref().unwrap().task, Task::Table);
        assert_eq!(
            of(Label::FormulaNumber).request.as_ref().unwrap().task,
            Task::Ocr
        );
        assert!(of(Label::Chart).request.is_none() && of(Label::Chart).picture.is_some());
        assert_eq!(plan.pictures.len(), 2);
        let both = VlOptions {
            use_seal_recognition: true,
            ..vl()
        };
        let plan = plan_page(one_of_each(), NAME, &PlanOptions::Vl(Box::new(both)));
        let seal = plan
            .blocks
            .iter()
            .find(|b| b.region.label == Label::Seal)
            .unwrap();
        assert!(seal.request.is_some() && seal.picture.is_some());
    }

    #[test]
    fn pictures_of_two_pages_have_two_names() {
        let bbox = Rect::new(1.2, 2.0, 9.0, 9.5);
        let path =
            |page_index| own_picture_path(PageName { page_index, ..NAME }, Label::Image, &bbox);
        assert_eq!(path(0), "imgs/report/p0001_image_1_2_9_10.jpg");
        assert_ne!(path(0), path(1));
        assert_eq!(
            reference_picture_name(Label::Image, &bbox),
            "img_in_image_box_1_2_9_10.jpg"
        );
    }

    proptest::proptest! {
        /// Every remaining region is planned once, and every crop is shown to the recognizer once.
        #[test]
        fn plans_lose_nothing(boxes in proptest::collection::vec((0usize..25, 0u16..300, 0u16..300, 1u16..200, 1u16..200), 0..20), merge in proptest::bool::ANY) {
            let regions: Vec<Region> = boxes.iter().map(|&(label, x, y, w, h)| {
                let bbox = Rect::new(x as f32, y as f32, (x + w) as f32, (y + h) as f32);
                Region::new(Label::CLASSES[label], bbox, 0.5)
            }).collect();
            let options = VlOptions { merge_layout_blocks: merge, ..vl() };
            let plan = plan_page(regions, NAME, &PlanOptions::Vl(Box::new(options)));
            proptest::prop_assert_eq!(plan.blocks.len(), plan.kept.len());
            let areas: usize = plan.blocks.iter().filter_map(|b| b.crop.as_ref()).map(|c| c.areas.len()).sum();
            proptest::prop_assert_eq!(areas, plan.kept.len());
            for block in &plan.blocks {
                proptest::prop_assert!(block.request.is_none() || block.crop.is_some());
            }
        }
    }
}
