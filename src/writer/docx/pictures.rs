//! Pictures inside of a Word document.

use super::parts::relationship;
use super::xml::escaped;
use crate::writer::kept::PictureBytes;
use image::{ImageFormat, ImageReader};
use std::collections::BTreeMap;
use std::io::{self, Cursor};

/// Units of drawings per point.
const UNITS: f64 = 12_700.0;
/// Sides of pictures in points are at least this: Word shows nothing smaller.
const LEAST_SIDE: f64 = 1.0;

/// The pictures of a document, and which of them its text shows.
pub(super) struct Pictures<'a> {
    bytes: PictureBytes<'a>,
    /// Paths of those shown, in order.
    shown: Vec<String>,
    by_path: BTreeMap<String, usize>,
    /// Number of drawings; a picture may be shown several times.
    drawings: usize,
}

/// How large a picture is, in points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// Its width; `None` if only its pixels are known.
    pub width: Option<f64>,
    /// Pixels per point of its page.
    pub pixels: f64,
    /// Limits of width and height.
    pub most: (f64, f64),
}

impl<'a> Pictures<'a> {
    pub(super) fn new(bytes: PictureBytes<'a>) -> Self {
        Pictures {
            bytes,
            shown: Vec::new(),
            by_path: BTreeMap::new(),
            drawings: 0,
        }
    }

    /// A run that shows a picture; `None` if its bytes are not there.
    pub(super) fn drawing(
        &mut self,
        path: &str,
        alt: &str,
        size: Size,
    ) -> io::Result<Option<String>> {
        let Some(jpeg) = self.bytes.read(path)? else {
            return Ok(None);
        };
        let reader = ImageReader::with_format(Cursor::new(jpeg), ImageFormat::Jpeg);
        let Ok((width, height)) = reader.into_dimensions() else {
            return Ok(None);
        };
        let (width, height) = fitted(width, height, size);
        let next = self.shown.len();
        let number = *self.by_path.entry(path.to_string()).or_insert(next);
        if number == next {
            self.shown.push(path.to_string());
        }
        self.drawings += 1;
        let (id, alt) = (self.drawings, escaped(alt));
        Ok(Some(format!(
            "<w:r><w:drawing><wp:inline distT=\"0\" distB=\"0\" distL=\"0\" distR=\"0\">\
             <wp:extent cx=\"{width}\" cy=\"{height}\"/>\
             <wp:docPr id=\"{id}\" name=\"Picture {id}\" descr=\"{alt}\"/>\
             <a:graphic xmlns:a=\"http://schemas.openxmlformats.org/drawingml/2006/main\">\
             <a:graphicData uri=\"http://schemas.openxmlformats.org/drawingml/2006/picture\">\
             <pic:pic xmlns:pic=\"http://schemas.openxmlformats.org/drawingml/2006/picture\">\
             <pic:nvPicPr><pic:cNvPr id=\"{id}\" name=\"Picture {id}\"/><pic:cNvPicPr/></pic:nvPicPr>\
             <pic:blipFill><a:blip r:embed=\"picture{number}\"/><a:stretch><a:fillRect/></a:stretch>\
             </pic:blipFill><pic:spPr><a:xfrm><a:off x=\"0\" y=\"0\"/>\
             <a:ext cx=\"{width}\" cy=\"{height}\"/></a:xfrm>\
             <a:prstGeom prst=\"rect\"><a:avLst/></a:prstGeom></pic:spPr></pic:pic>\
             </a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
        )))
    }

    /// The entries of the part that names the pictures' files.
    pub(super) fn relationships(&self) -> String {
        let numbers = 0..self.shown.len();
        let entries = numbers.map(|number| {
            let file = format!("media/image{}.jpg", number + 1);
            relationship(&format!("picture{number}"), "image", &file)
        });
        entries.collect()
    }

    /// Hands out the names and bytes of the pictures that are shown, one at a time.
    pub(super) fn each(
        &self,
        mut take: impl FnMut(&str, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        for (number, path) in self.shown.iter().enumerate() {
            let jpeg = self.bytes.read(path)?.unwrap_or_default();
            take(&format!("word/media/image{}.jpg", number + 1), &jpeg)?;
        }
        Ok(())
    }
}

/// Width and height in units of drawings of a picture with some pixels.
fn fitted(width: u32, height: u32, size: Size) -> (u64, u64) {
    let (columns, rows) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let width = size.width.unwrap_or(columns / size.pixels);
    let (most_width, most_height) = size.most;
    let width = width.min(most_width).min(most_height * columns / rows);
    let side = |points: f64| (points.max(LEAST_SIDE) * UNITS).round() as u64;
    (side(width), side(width * rows / columns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_fit_the_page_and_keep_their_shape() {
        let size = |width| Size {
            width,
            pixels: 2.0,
            most: (400.0, 600.0),
        };
        let points = |(w, h): (u64, u64)| (w / 12_700, h / 12_700);
        assert_eq!(points(fitted(200, 100, size(Some(100.0)))), (100, 50));
        assert_eq!(points(fitted(200, 100, size(None))), (100, 50));
        assert_eq!(points(fitted(2000, 1000, size(None))), (400, 200));
        assert_eq!(points(fitted(100, 1200, size(Some(300.0)))), (50, 600));
        assert_eq!(points(fitted(1, 9000, size(None))), (1, 600));
    }
}
