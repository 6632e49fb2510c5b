//! Layout detection: a prepared page in, regions in reading order out.
//!
//! [`LayoutDetector`] is the seam: [`geometric`] works on characters, lines and ruling lines and needs no
//! network; [`network`] shows pictures to one of the layout networks ([`pp_doclayout`], [`exported`]). A detector that knows which pieces of text or which table grid a region
//! was made of says so in the [`Region`], so that nothing has to be guessed a second time from boxes.

pub mod exported;
pub mod geometric;
pub mod network;
mod over_text;
pub mod polygons;
pub mod postprocess;
pub mod pp_doclayout;
mod table;

pub use table::join_line;

use crate::document::{BlockStyle, Label, Table};
use crate::geometry::{Point, Rect};
use crate::lines::PreparedPage;
use crate::raster::Pixels;
use postprocess::LayoutOptions;

/// What the detector returns.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// What it is.
    pub label: Label,
    /// Where it is.
    pub bbox: Rect,
    /// Confidence, 0 to 1.
    pub score: f32,
    /// Positions in `PreparedPage.text.segments` of the text it was made of, line by line; empty when the
    /// detector did not look at text.
    pub lines: Vec<Vec<usize>>,
    /// The grid, where the detector found one.
    pub table: Option<Table>,
    /// Typographic facts.
    pub style: BlockStyle,
    /// Alternative text of a tagged picture.
    pub alt: Option<String>,
    /// Its outline, where the detector sees shapes.
    pub polygon: Option<Vec<Point>>,
    /// Its number in the reading order, from 1, where its label has one.
    pub order: Option<usize>,
}

/// Regions with a shorter side than this, in pixels, are specks (docs/reference.md, "Overlapping regions").
pub(crate) const MIN_SHAPE_SIDE: f32 = 6.0;

impl Region {
    /// A region of which only the place is known.
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

/// The region that a page is when no layout is detected.
pub fn whole_page(label: Label, width: usize, height: usize) -> Region {
    Region::new(label, Rect::new(0.0, 0.0, width as f32, height as f32), 1.0)
}

/// Side in pixels of the picture that layout networks see.
pub const NETWORK_SIDE: usize = 800;

/// What layout networks are shown of a page: `[3, height, width]`, channels R, G, B, values 0 to 1; bicubic,
/// the aspect ratio not kept (docs/reference.md, "Input and output of the layout networks").
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

/// Why pages have no layout.
#[derive(Debug, thiserror::Error)]
#[error("layout detection failed: {0}")]
pub struct LayoutError(pub String);

/// Finds the regions of pages.
pub trait LayoutDetector: Send {
    /// As many pages as it wants at once.
    fn batch_size(&self) -> usize {
        1
    }

    /// The regions of each page in reading order, for one page or more.
    ///
    /// An error is one of all these pages together: the caller tries them in smaller batches, at last alone.
    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        options: &LayoutOptions,
    ) -> Result<Vec<Vec<Region>>, LayoutError>;

    /// Starts it again after a fault that may be its own; false where nothing would be different.
    fn restart(&mut self) -> Result<bool, LayoutError> {
        Ok(false)
    }
}
