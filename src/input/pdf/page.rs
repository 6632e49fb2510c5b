//! What a PDF says about a page: characters, drawn lines, boxes of objects, structure.

use serde::{Deserialize, Serialize};

/// A page's content. All coordinates are page pixels at the scale asked for, rotation applied.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PdfPage {
    /// Size in points, rotation applied.
    pub size_points: (f32, f32),
    /// Characters in the order of the text layer.
    pub chars: Vec<PdfChar>,
    /// What characters have in common: one for each text object.
    pub runs: Vec<PdfRun>,
    /// Names of the fonts that runs refer to.
    pub fonts: Vec<String>,
    /// Horizontal and vertical lines that were drawn, `[x1, y1, x2, y2]`.
    pub rulings: Vec<[f32; 4]>,
    /// Boxes of filled areas, with their colour.
    pub fills: Vec<([f32; 4], [u8; 3])>,
    /// Boxes of drawn shapes that are neither rulings nor plain fills.
    pub drawings: Vec<[f32; 4]>,
    /// Boxes of raster images.
    pub images: Vec<[f32; 4]>,
    /// The structure tree of a tagged page, depth first.
    pub structure: Vec<StructNode>,
}

/// A character of the text layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PdfChar {
    /// Code point as the layer states it.
    pub code: u32,
    /// Box from ascent to descent and over the advance; all zero for made-up blanks.
    pub bbox: [f32; 4],
    /// Position of the run; `u32::MAX` for made-up blanks and line ends.
    pub run: u32,
    /// Whether the font has no mapping of this glyph to Unicode.
    pub unmapped: bool,
}

/// A run of characters shown by one operator.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PdfRun {
    /// Position in the list of fonts.
    pub font: u16,
    /// Height of an em in page pixels.
    pub size: f32,
    /// 100 to 900; 400 is regular.
    pub weight: u16,
    /// Whether the font leans.
    pub italic: bool,
    /// Whether all its glyphs are equally wide.
    pub fixed_pitch: bool,
    /// Fill colour.
    pub color: [u8; 3],
    /// Whether it is drawn at all (render mode 3 and clear colours are not).
    pub visible: bool,
    /// Direction of writing on the shown page, degrees clockwise, -180 to 180.
    pub angle: f32,
    /// Marked content it belongs to, -1 for none.
    pub mcid: i32,
}

/// An element of the structure tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StructNode {
    /// Standard type such as `H1`, `P`, `Table`.
    pub kind: String,
    /// Position of the parent in the list.
    pub parent: Option<usize>,
    /// Marked content on this page that belongs to it directly.
    pub mcids: Vec<i32>,
    /// Alternative text.
    pub alt: Option<String>,
    /// Rows and columns that a table cell fills; 1 and 1 for everything else.
    pub spans: [u16; 2],
}
