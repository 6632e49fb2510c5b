//! What the main process and a PDF worker say to each other.
//!
//! Every message is a four-byte little-endian length and that many bytes of postcard. A [`Reply::Page`] with
//! `bitmap` is followed by the pixels themselves: `width * height * 3` bytes, RGB, rows from the top.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// No honest message without pixels is longer; a longer one means that the stream is out of step.
const MAX_MESSAGE: usize = 512 << 20;

/// What the worker is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Open a document; the one open before is closed.
    Open {
        /// The file.
        path: PathBuf,
        /// Tried in order after the empty password.
        passwords: Vec<String>,
    },
    /// Read a page of the open document.
    Page(PageRequest),
}

/// What is wanted of a page.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Position, from 0.
    pub page_index: usize,
    /// Pixels per PDF point of the coordinates in the answer.
    pub scale: f64,
    /// Whether characters, rulings and object boxes are wanted.
    pub content: bool,
    /// Pixels per PDF point of the picture; none: no picture.
    pub render_scale: Option<f64>,
}

/// What the worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The document is open.
    Opened {
        /// Number of pages.
        page_count: usize,
        /// Sizes in points, rotation applied, for every page.
        sizes: Vec<(f32, f32)>,
    },
    /// A page.
    Page(Box<PdfPage>),
    /// It did not work.
    Failed(PdfFailure),
}

/// Why a document or page could not be opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PdfFailure {
    /// The file cannot be read.
    Unreadable(String),
    /// It is no PDF, or damaged beyond repair.
    Damaged,
    /// It wants a password, or another one.
    Password,
    /// Its kind of encryption is not known.
    Encryption,
    /// The page cannot be loaded.
    Page,
    /// The page has no area.
    EmptyPage,
    /// Not enough memory for the picture.
    Memory,
}

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
    /// Width and height of the pixels that follow the message.
    pub bitmap: Option<(usize, usize)>,
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

/// Writes one message.
pub fn write_message(out: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&bytes)
}

/// Reads one message. Fails at the end of the stream and on anything that is no message.
pub fn read_message<T: DeserializeOwned>(input: &mut impl Read) -> io::Result<T> {
    let mut length = [0u8; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_MESSAGE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "message too long"));
    }
    let mut bytes = vec![0u8; length];
    input.read_exact(&mut bytes)?;
    postcard::from_bytes(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_way_there() {
        let request = Request::Open { path: "a b.pdf".into(), passwords: vec!["ü".into()] };
        let mut bytes = Vec::new();
        write_message(&mut bytes, &request).unwrap();
        assert_eq!(read_message::<Request>(&mut bytes.as_slice()).unwrap(), request);
    }

    #[test]
    fn a_cut_stream_is_an_error() {
        let mut bytes = Vec::new();
        write_message(&mut bytes, &Reply::Failed(PdfFailure::Damaged)).unwrap();
        bytes.pop();
        assert!(read_message::<Reply>(&mut bytes.as_slice()).is_err());
        assert!(read_message::<Reply>(&mut [255u8; 4].as_slice()).is_err());
    }
}
