//! Content of a PDF page: characters, drawn lines, object boxes, structure.

use crate::document::{HiddenReason, OutlineEntry};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is added to the number of a glyph of which nothing else is known: codes of a plane for private use.
const NUMBERED: u32 = 0xF0000;

/// Most characters of a page that takes little memory, some 100 bytes each.
const LIGHT_CHARS: usize = 20_000;
/// Most shapes of one.
const LIGHT_SHAPES: usize = 2000;

/// A page's content. All coordinates are page pixels at the requested scale, rotation applied.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct PdfPage {
    /// Size in points, rotation applied.
    pub size_points: (f32, f32),
    /// Characters in the order of the text layer.
    pub chars: Vec<PdfChar>,
    /// Properties shared by characters: one run for each text object.
    pub runs: Vec<PdfRun>,
    /// Names of the fonts that runs refer to.
    pub fonts: Vec<String>,
    /// For each of them, whether its glyphs are in the file and pdfium finds them; others are drawn with what it has.
    pub embedded: Vec<bool>,
    /// Keys of fonts with doubtful letters, which are equal for the same font of other pages; 0 for others.
    pub font_keys: Vec<u64>,
    /// Drawn horizontal and vertical lines, `[x1, y1, x2, y2]`.
    pub rulings: Vec<[f32; 4]>,
    /// Bounding boxes of filled areas, with their RGB colour.
    pub fills: Vec<([f32; 4], [u8; 3])>,
    /// Bounding boxes of drawn shapes that are neither rulings nor plain fills.
    pub drawings: Vec<[f32; 4]>,
    /// Shapes as small as letters, in the order in which they are drawn: bullets and check boxes.
    pub small_shapes: Vec<SmallShape>,
    /// Bounding boxes of raster images.
    pub images: Vec<[f32; 4]>,
    /// The structure tree of a tagged page, depth first.
    pub structure: Vec<StructNode>,
    /// Bookmarks that lead to the page.
    pub bookmarks: Vec<OutlineEntry>,
    /// Links, in the order of the file.
    pub links: Vec<PdfLink>,
    /// Values of a form that is drawn nowhere, each with its label.
    pub form_values: Vec<(String, String)>,
    /// Boxes of text that is struck out by notes.
    pub struck: Vec<[f32; 4]>,
    /// Number of notes and form fields that are left out because there are too many, or too much text in them.
    pub left_out: usize,
    /// Number of texts of a page without characters: pdfium finds none in them.
    pub unread_texts: usize,
    /// Encodings of fonts that nothing is known about: their texts are drawn wrong as well.
    pub unknown_encodings: Vec<String>,
    /// The document is an XFA form and the page its first, which does not show it.
    pub is_xfa: bool,
}

impl PdfPage {
    /// `true` if the page takes little memory while it is loaded: some megabytes.
    pub fn is_light(&self) -> bool {
        self.images.is_empty()
            && self.chars.len() <= LIGHT_CHARS
            && self.drawings.len() + self.fills.len() + self.rulings.len() <= LIGHT_SHAPES
    }

    /// `true` if a reader of the page sees the character, as far as known, or it stands for what he sees.
    pub fn is_seen(&self, c: &PdfChar) -> bool {
        let run = self.runs.get(c.run as usize);
        run.is_none_or(|run| run.hidden.is_none())
    }

    /// Puts texts in the place of the characters with these indices; several letters share the box of one.
    pub fn replace_chars(&mut self, mut texts: BTreeMap<usize, String>) {
        if texts.is_empty() {
            return;
        }
        let mut chars = Vec::with_capacity(self.chars.len() + texts.len());
        for (at, c) in std::mem::take(&mut self.chars).into_iter().enumerate() {
            let Some(text) = texts.remove(&at) else {
                chars.push(c);
                continue;
            };
            let angle = self.runs.get(c.run as usize).map_or(0.0, |run| run.angle);
            let count = text.chars().count();
            for (part, letter) in text.chars().enumerate() {
                let bbox = part_of(c.bbox, angle, part, count);
                chars.push(PdfChar {
                    code: letter as u32,
                    bbox,
                    unmapped: false,
                    ..c
                });
            }
        }
        self.chars = chars;
    }
}

/// One of `count` equal parts of a box along the direction of writing, `angle` in degrees clockwise.
pub(super) fn part_of(
    [x1, y1, x2, y2]: [f32; 4],
    angle: f32,
    part: usize,
    count: usize,
) -> [f32; 4] {
    let quarters = (angle / 90.0).round().rem_euclid(4.0) as usize;
    // Text that runs to the left or up has its first letter at the far end.
    let part = if quarters >= 2 {
        count - 1 - part
    } else {
        part
    };
    let (from, to) = (part as f32 / count as f32, (part + 1) as f32 / count as f32);
    let (width, height) = (x2 - x1, y2 - y1);
    match quarters % 2 {
        0 => [x1 + from * width, y1, x1 + to * width, y2],
        _ => [x1, y1 + from * height, x2, y1 + to * height],
    }
}

/// A link of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PdfLink {
    /// Boxes of what it covers.
    pub boxes: Vec<[f32; 4]>,
    /// Its address: of the web or of mail, or `#page=N` for a page of the document, counted from 1.
    pub target: String,
}

/// A drawn shape as small as a letter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SmallShape {
    /// Bounding box.
    pub bbox: [f32; 4],
    /// Number of segments of its path.
    pub segments: u32,
    /// RGB colour that it is filled with; `None` if only its outline is drawn.
    pub fill: Option<[u8; 3]>,
}

/// A character of the text layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PdfChar {
    /// Unicode code point according to the text layer.
    pub code: u32,
    /// Box from descent to ascent and over the advance; all zero for generated spaces.
    pub bbox: [f32; 4],
    /// Index of the run; `u32::MAX` for generated spaces and line ends.
    pub run: u32,
    /// The font does not map this glyph to Unicode.
    pub unmapped: bool,
}

/// `true` for code points without meaning: the replacement character, and those for private use.
pub(crate) fn has_no_meaning(code: u32) -> bool {
    matches!(code, 0xFFFD | 0xE000..=0xF8FF | 0xF0000..=0x10FFFF)
}

impl PdfChar {
    /// The code of a glyph of which only its number in the font is known, at most 65535.
    pub fn numbered(glyph: u32) -> Option<u32> {
        (glyph <= 0xFFFF).then_some(NUMBERED + glyph)
    }

    /// The character that it is; the replacement character for a glyph of which only a number is known.
    pub fn letter(&self) -> char {
        let is_number = self.unmapped && self.code >= NUMBERED;
        let known = char::from_u32(self.code).filter(|_| !is_number);
        known.unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    /// `true` if it leaves a mark on the page.
    pub fn is_mark(&self) -> bool {
        self.run != u32::MAX
            && char::from_u32(self.code).is_none_or(|c| !c.is_whitespace() && !c.is_control())
    }

    /// `true` if it has no meaning in Unicode.
    pub fn is_meaningless(&self) -> bool {
        self.unmapped || has_no_meaning(self.code)
    }
}

/// A run of characters shown by one operator.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PdfRun {
    /// Index in the list of fonts.
    pub font: u16,
    /// Font size (height of an em) in page pixels.
    pub size: f32,
    /// Font weight, 100 to 900; 400 is regular.
    pub weight: u16,
    /// The font is italic.
    pub italic: bool,
    /// The font is monospaced.
    pub fixed_pitch: bool,
    /// Fill colour, RGB.
    pub color: [u8; 3],
    /// It is visible: neither render mode 3 nor a transparent colour.
    pub visible: bool,
    /// Why a reader does not see it; `None` also for invisible text over a picture of the same words.
    pub hidden: Option<HiddenReason>,
    /// Writing direction on the displayed page, in degrees clockwise, -180 to 180.
    pub angle: f32,
    /// Id of the marked content that it belongs to; -1 for none.
    pub mcid: i32,
}

impl PdfRun {
    /// Regular black text of ten pixels that is seen, in the first font.
    pub const PLAIN: PdfRun = PdfRun {
        font: 0,
        size: 10.0,
        weight: 400,
        italic: false,
        fixed_pitch: false,
        color: [0; 3],
        visible: true,
        hidden: None,
        angle: 0.0,
        mcid: -1,
    };
}

/// An element of the structure tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StructNode {
    /// Standard type such as `H1`, `P`, `Table`.
    pub kind: String,
    /// Index of the parent in the list.
    pub parent: Option<usize>,
    /// Ids of marked content on this page that belongs to it directly.
    pub mcids: Vec<i32>,
    /// Alternative text.
    pub alt: Option<String>,
    /// Rows and columns that a table cell spans; 1 and 1 for other elements.
    pub spans: [u16; 2],
}
