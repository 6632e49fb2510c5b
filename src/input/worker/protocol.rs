//! Messages between the main process and a worker.
//!
//! Every message is a four-byte little-endian length followed by that many bytes of postcard. A
//! [`Reply::Page`] with `bitmap` is followed by the raw pixels: `width * height * 3` bytes, RGB, rows from
//! the top.

use crate::document::DocumentInfo;
use crate::input::decode::{FileKind, PictureOptions};
use crate::input::failure::ReadFailure;
use crate::input::pdf::page::PdfPage;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// Limit on the length of a message without pixels; a longer one means that the stream is out of sync.
pub const MAX_MESSAGE: usize = 512 << 20;

/// Error: a message exceeds its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {bytes} bytes, of which {most} are allowed")]
pub(crate) struct TooLong {
    /// Length of the message in bytes.
    pub bytes: usize,
    /// The limit in bytes.
    pub most: usize,
}

/// Request to a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum WorkerRequest {
    /// Load the PDF library, to check that it works.
    LoadLibrary,
    /// Open a document and close the previous one.
    Open {
        /// The file.
        path: PathBuf,
        /// File type.
        kind: FileKind,
        /// For PDFs: passwords tried in order after the empty one.
        passwords: Vec<String>,
        /// For pictures: what is read of them.
        pictures: PictureOptions,
        /// Count the frames of an animation; of PDFs, look for pages that are the same object, and read what the
        /// document says about itself.
        is_first: bool,
    },
    /// Read a page of the open document.
    Page(PageRequest),
}

/// Request for a page. A page of an image file has only its picture, in original size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PageRequest {
    /// Page index, from 0.
    pub page_index: usize,
    /// Scale of the coordinates in the answer, in pixels per PDF point.
    pub scale: f64,
    /// Read characters, rulings and object boxes.
    pub content: bool,
    /// Scale of the picture in pixels per PDF point; `None` for no picture.
    pub render_scale: Option<f64>,
}

impl PageRequest {
    /// The picture of a page of an image file, in its own pixels.
    pub fn picture(page_index: usize) -> Self {
        PageRequest {
            page_index,
            scale: 1.0,
            content: false,
            render_scale: Some(1.0),
        }
    }
}

/// Response of a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The PDF library is loaded.
    LibraryLoaded,
    /// The document is open.
    Opened {
        /// Number of pages.
        page_count: usize,
        /// Sizes of all pages: in points, rotation applied, for PDFs; else in pixels. Zero if unknown.
        sizes: Vec<(f32, f32)>,
        /// Pairs of a page and the first page that is the same object of the file, in order.
        repeats: Vec<(u32, u32)>,
        /// What a PDF says about itself, if that was asked for.
        info: Option<Box<DocumentInfo>>,
    },
    /// A page.
    Page {
        /// Content of a PDF page, if requested.
        content: Option<Box<PdfPage>>,
        /// Width and height of the pixels that follow the message.
        bitmap: Option<(usize, usize)>,
        /// Of a picture that is damaged or cut off: rows that are missing.
        missing_rows: usize,
    },
    /// The request failed.
    Failed(ReadFailure),
}

/// Writes one message.
pub(crate) fn write_message(out: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    let bytes = postcard::to_stdvec(message).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&bytes)
}

/// Reads one message of at most `most` bytes. Fails at the end of the stream, on invalid data, and, with
/// [`TooLong`] inside, on a longer message.
pub(crate) fn read_message<T: DeserializeOwned>(
    input: &mut impl Read,
    most: usize,
) -> io::Result<T> {
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
        let request = WorkerRequest::Open {
            path,
            kind: FileKind::Pdf,
            passwords: vec!["ü".into()],
            pictures: PictureOptions::default(),
            is_first: true,
        };
        let mut bytes = Vec::new();
        write_message(&mut bytes, &request).unwrap();
        assert_eq!(
            read_message::<WorkerRequest>(&mut bytes.as_slice(), MAX_MESSAGE).unwrap(),
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
