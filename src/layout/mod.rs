//! Layout detection: a prepared page in, regions in reading order out.
//!
//! [`LayoutDetector`] is the seam: [`geometric`] works on characters, lines and ruling lines and needs no
//! network; networks see the picture. A detector that knows which pieces of text or which table grid a region
//! was made of says so in the [`Region`], so that nothing has to be guessed a second time from boxes.

pub mod geometric;
mod table;

pub use table::join_line;

use crate::document::{BlockStyle, Label, Table};
use crate::geometry::Rect;
use crate::lines::PreparedPage;

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
}

impl Region {
    /// A region of which only the place is known.
    pub fn new(label: Label, bbox: Rect, score: f32) -> Self {
        Self { label, bbox, score, lines: Vec::new(), table: None, style: BlockStyle::default(), alt: None }
    }
}

/// Why a page has no layout.
#[derive(Debug, thiserror::Error)]
#[error("layout detection failed: {0}")]
pub struct LayoutError(pub String);

/// Finds the regions of pages.
pub trait LayoutDetector: Send {
    /// The regions of a page in reading order.
    fn detect(&mut self, page: &PreparedPage) -> Result<Vec<Region>, LayoutError>;
}
