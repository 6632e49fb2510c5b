//! Cuts all needed pictures out of a page, so that its pixels can be freed.

use super::{JobSettings, PageTrace, TracedPicture};
use crate::deadline;
use crate::document::Picture;
use crate::fault::Fault;
use crate::input::PageSource;
use crate::lines::PreparedPage;
use crate::plan::{self, CropArea, PagePlan, crop};
use crate::raster::{JPEG_SIDE, Pixels};
use std::collections::BTreeMap;
use std::sync::Arc;

/// JPEG quality of page pictures in drawings: readable at 144 dpi.
const PAGE_QUALITY: u8 = 72;
/// JPEG quality of pictures that are cut out (docs/reference.md, "Output files": OpenCV's default).
const BLOCK_QUALITY: u8 = 95;

/// A JPEG with its width and height in pixels.
pub(crate) type PageJpeg = (Arc<[u8]>, usize, usize);

/// Pictures cut out of a page.
#[derive(Default)]
pub(super) struct Illustrations {
    /// Pictures of blocks, with their block's index.
    pub pictures: Vec<(usize, Picture)>,
    /// Pictures that belong to the page.
    pub page_pictures: Vec<Picture>,
    /// Indices of blocks whose picture would be uniform.
    pub blank: Vec<usize>,
    /// Crops for the recognizer, by block index.
    pub crops: BTreeMap<usize, Arc<Pixels>>,
    /// The picture of the whole page.
    pub page_picture: Option<PageJpeg>,
    /// The pixels of the whole page.
    pub pixels: Option<Arc<Pixels>>,
    /// Record of the plan and the pictures.
    pub trace: Option<Box<PageTrace>>,
}

/// Cuts out and encodes all pictures of a page, then frees its pixels unless they are to be kept.
pub(super) fn illustrate(
    prepared: &mut PreparedPage,
    plan: &PagePlan,
    source: &dyn PageSource,
    options: &JobSettings,
) -> Result<Illustrations, Fault> {
    let wanted = options.block_pictures && plan.blocks.iter().any(|b| b.picture.is_some());
    if wanted && prepared.pixels.is_none() {
        let pixels = source
            .render_page(prepared.page_index)
            .map_err(Fault::from)?;
        prepared.pixels = Some(match prepared.rotation_quarters % 4 {
            0 => pixels,
            quarters => pixels.rotate_quarters(4 - quarters),
        });
    }
    let Some(pixels) = prepared.pixels.take() else {
        return Ok(Illustrations::default());
    };
    let mut out = Illustrations::default();
    for (i, block) in plan.blocks.iter().enumerate() {
        deadline::check();
        if let Some(crop) = crop::recognizer_crop(&pixels, block) {
            out.crops.insert(i, Arc::new(crop));
        }
    }
    if options.block_pictures {
        cut_pictures(&pixels, plan, &mut out)?;
    }
    if options.trace {
        out.trace = Some(Box::new(trace(&pixels, plan, &out)));
    }
    if options.page_pictures {
        let shown = pixels.within(JPEG_SIDE);
        let jpeg = shown
            .to_jpeg_gray_if_colorless(PAGE_QUALITY)
            .map_err(Fault::from)?;
        out.page_picture = Some((jpeg.into(), shown.width, shown.height));
    }
    out.pixels = options.keep_pixels.then(|| Arc::new(pixels));
    Ok(out)
}

/// The pixels of a block's picture: its own box, even if merged; `None` if they are uniform or off the page.
fn block_picture(pixels: &Pixels, block: &plan::PlannedBlock) -> Option<Pixels> {
    let region = &block.region;
    match &block.crop {
        Some(crop) => crop::cut_area(pixels, &crop.areas[0]),
        // The region was found in the text, so it may be visually empty.
        None => {
            let crop = pixels.crop(&plan::picture_area(region.label, &region.bbox))?;
            (!crop.is_plain()).then_some(crop)
        }
    }
}

fn cut_pictures(pixels: &Pixels, plan: &PagePlan, out: &mut Illustrations) -> Result<(), Fault> {
    let encoded = |path: &str, crop: &Pixels| -> Result<Picture, Fault> {
        let jpeg = crop
            .within(JPEG_SIDE)
            .to_jpeg(BLOCK_QUALITY)
            .map_err(Fault::from)?;
        Ok(Picture {
            path: path.to_string(),
            jpeg: Some(jpeg.into()),
        })
    };
    for (i, block) in plan.blocks.iter().enumerate() {
        deadline::check();
        let Some(picture) = &block.picture else {
            continue;
        };
        match block_picture(pixels, block) {
            Some(crop) => out.pictures.push((i, encoded(&picture.path, &crop)?)),
            None => out.blank.push(i),
        }
    }
    for page_picture in &plan.pictures {
        let area = CropArea {
            bbox: page_picture.bbox,
            polygon: None,
        };
        if let Some(crop) = crop::cut_area(pixels, &area) {
            out.page_pictures
                .push(encoded(&page_picture.picture.path, &crop)?);
        }
    }
    Ok(())
}

fn trace(pixels: &Pixels, plan: &PagePlan, cut: &Illustrations) -> PageTrace {
    // The page's own pictures come later and win if paths are equal (docs/reference.md, "Images referenced by
    // the Markdown").
    let mut pictures: BTreeMap<String, TracedPicture> = BTreeMap::new();
    let mut add = |path: &str, crop: Option<Pixels>| {
        if let Some(crop) = crop {
            pictures.insert(path.to_string(), TracedPicture::of(&crop));
        }
    };
    for block in &plan.blocks {
        if let Some(picture) = &block.picture {
            add(&picture.path, block_picture(pixels, block));
        }
    }
    for picture in &plan.pictures {
        let area = CropArea {
            bbox: picture.bbox,
            polygon: None,
        };
        add(&picture.picture.path, crop::cut_area(pixels, &area));
    }
    let plain = |i: usize| {
        let crop = plan.blocks[i].crop.as_ref()?;
        crop::cut_area(
            pixels,
            &CropArea {
                bbox: crop.areas[0].bbox,
                polygon: None,
            },
        )
    };
    let crops = cut.crops.iter().map(|(i, crop)| {
        let is_plain = plain(*i).is_some_and(|plain| plain == **crop);
        (*i, (crop.clone(), is_plain))
    });
    PageTrace {
        plan: plan.clone(),
        crops: crops.collect(),
        pictures,
        answers: BTreeMap::new(),
    }
}
