//! Layout detection: a prepared page in, regions in reading order out.
//!
//! [`LayoutDetector`] is the seam: [`geometric`] works on characters, lines and ruling lines and needs no
//! network, but takes what the networks of [`picture`] see as evidence; [`network`] runs one of the layout networks ([`pp_doclayout`], [`exported`]) on page pictures. A
//! detector that knows which segments of text or which table grid a region was made from records it in the
//! [`Region`], so that later stages need not guess it from boxes.

mod captions;
pub(crate) mod exported;
pub(crate) mod geometric;
pub(crate) mod network;
pub(crate) mod over_text;
pub(crate) mod picture;
pub(crate) mod polygons;
pub(crate) mod postprocess;
pub(crate) mod pp_doclayout;
mod table;

pub(crate) use table::{Considered, TableTrace, join_line};
#[cfg(test)]
pub(crate) use table::{Origin, Reason};

use crate::document::{BlockStyle, Label, Table};
use crate::fault::Fault;
use crate::geometry::{Point, Rect};
use crate::lines::PreparedPage;
use crate::raster::Pixels;
use postprocess::LayoutOptions;

/// A region of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Label.
    pub label: Label,
    /// Bounding box in page pixels.
    pub bbox: Rect,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Indices into `PreparedPage.text.segments` of the text it was made from, line by line; empty if the
    /// detector did not look at text.
    pub lines: Vec<Vec<usize>>,
    /// The table grid, if the detector found one.
    pub table: Option<Table>,
    /// Typographic properties.
    pub style: BlockStyle,
    /// Alternative text of a tagged picture.
    pub alt: Option<String>,
    /// Outline, if the detector finds shapes.
    pub polygon: Option<Vec<Point>>,
    /// Number in the reading order, from 1, if its label has one.
    pub order: Option<usize>,
}

/// Regions with a shorter side than this, in pixels, are specks (docs/reference.md, "Overlapping regions").
pub(crate) const MIN_SHAPE_SIDE: f32 = 6.0;

impl Region {
    /// A region with a label, a box and a score only.
    pub fn new(label: Label, bbox: Rect, score: f32) -> Self {
        Self {
            label,
            bbox,
            score,
            lines: Vec::new(),
            table: None,
            style: BlockStyle::default(),
            alt: None,
            polygon: None,
            order: None,
        }
    }
}

/// The region that covers the whole page, for runs without layout detection.
pub(crate) fn whole_page(label: Label, width: usize, height: usize) -> Region {
    Region::new(label, Rect::new(0.0, 0.0, width as f32, height as f32), 1.0)
}

/// Side in pixels of the picture that layout networks see.
pub(crate) const NETWORK_SIDE: usize = 800;

/// Input of a layout network: `[3, height, width]`, channels R, G, B, values 0 to 1; bicubic, aspect ratio
/// not kept (docs/reference.md, "Input and output of the layout networks").
pub fn pixel_values(page: &Pixels, width: usize, height: usize) -> Vec<f32> {
    let small = page.resize_bicubic(width, height);
    let levels: [f32; 256] = std::array::from_fn(|v| v as f32 * (1.0 / 255.0));
    (0..3)
        .flat_map(|c| {
            small
                .data
                .iter()
                .skip(c)
                .step_by(3)
                .map(|v| levels[usize::from(*v)])
        })
        .collect()
}

/// Layout detection failed.
#[derive(Debug, thiserror::Error)]
#[error("layout detection failed: {0}")]
pub struct LayoutError(pub Fault);

impl From<LayoutError> for Fault {
    fn from(error: LayoutError) -> Fault {
        Fault::new(error.0.reason, error.to_string())
    }
}

/// Detects the regions of pages.
pub trait LayoutDetector: Send {
    /// Most pages per call.
    fn batch_size(&self) -> usize {
        1
    }

    /// The regions of one or more pages, each page's in reading order.
    ///
    /// An error concerns all pages of the call: the caller retries them in smaller batches, finally one by
    /// one.
    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        options: &LayoutOptions,
    ) -> Result<Vec<Vec<Region>>, LayoutError>;

    /// Restarts the detector after an error that it may have caused; `false` if that would change nothing.
    fn restart(&mut self) -> Result<bool, LayoutError> {
        Ok(false)
    }
}
