//! What the main process and a worker say to each other.
//!
//! Every message is a four-byte little-endian length and that many bytes of postcard. A [`Reply::Page`] with
//! `bitmap` is followed by the pixels themselves: `width * height * 3` bytes, RGB, rows from the top.

use crate::input::decode::FileKind;
use crate::input::pdf::page::PdfPage;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// No honest message without pixels is longer; a longer one means that the stream is out of step.
pub const MAX_MESSAGE: usize = 512 << 20;

/// A message is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {bytes} bytes, of which {most} are allowed")]
pub struct TooLong {
    /// Its length.
    pub bytes: usize,
    /// What is allowed.
    pub most: usize,
}

/// What the worker is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Load the PDF library, to see whether it can be.
    LoadLibrary,
    /// Open a document; the one open before is closed.
    Open {
        /// The file.
        path: PathBuf,
        /// What it holds.
        kind: FileKind,
        /// For PDFs: tried in order after the empty password.
        passwords: Vec<String>,
        /// For PDFs: whether pages that are the same object are looked for.
        finds_repeats: bool,
    },
    /// Read a page of the open document.
    Page(PageRequest),
}

/// What is wanted of a page. Of a picture there is its picture only, as it is.
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

impl PageRequest {
    /// The picture of a page, in its own pixels.
    pub fn picture(page_index: usize) -> Self {
        PageRequest {
            page_index,
            scale: 1.0,
            content: false,
            render_scale: Some(1.0),
        }
    }
}

/// What the worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The PDF library is loaded.
    LibraryLoaded,
    /// The document is open.
    Opened {
        /// Number of pages.
        page_count: usize,
        /// Sizes of all pages: in points, rotation applied, for PDFs; else in pixels. Zero where it is not known.
        sizes: Vec<(f32, f32)>,
        /// Pages that are the same object of the file as an earlier one, with the first of those; in order.
        repeats: Vec<(u32, u32)>,
    },
    /// A page.
    Page {
        /// What a PDF says about it, where that was asked for.
        content: Option<Box<PdfPage>>,
        /// Width and height of the pixels that follow the message.
        bitmap: Option<(usize, usize)>,
    },
    /// It did not work.
    Failed(ReadFailure),
}

/// Why a document or page could not be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReadFailure {
    /// The file cannot be read.
    Unreadable(String),
    /// The PDF library cannot be loaded.
    Library(String),
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
    /// The page is too large to be drawn.
    TooLarge,
    /// The picture cannot be decoded, with the reason.
    Picture(String),
    /// The picture takes more memory than the process may.
    Memory,
}

/// Writes one message.
pub fn write_message(out: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&bytes)
}

/// Reads one message of `most` bytes at most. Fails at the end of the stream and on anything that is no message; with
/// [`TooLong`] inside on one that is longer.
pub fn read_message<T: DeserializeOwned>(input: &mut impl Read, most: usize) -> io::Result<T> {
    let mut length = [0u8; 4];
    input.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            TooLong {
                bytes: length,
                most,
            },
        ));
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
        let path = "a b.pdf".into();
        let request = Request::Open {
            path,
            kind: FileKind::Pdf,
            passwords: vec!["ü".into()],
            finds_repeats: true,
        };
        let mut bytes = Vec::new();
        write_message(&mut bytes, &request).unwrap();
        assert_eq!(
            read_message::<Request>(&mut bytes.as_slice(), MAX_MESSAGE).unwrap(),
            request
        );
    }

    #[test]
    fn a_cut_stream_is_an_error() {
        let mut bytes = Vec::new();
        write_message(&mut bytes, &Reply::Failed(ReadFailure::Damaged)).unwrap();
        bytes.pop();
        assert!(read_message::<Reply>(&mut bytes.as_slice(), MAX_MESSAGE).is_err());
        assert!(read_message::<Reply>(&mut [255u8; 4].as_slice(), MAX_MESSAGE).is_err());
    }
}
