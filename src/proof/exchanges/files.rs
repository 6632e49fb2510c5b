//! The documents that requests contain, in place of the words that name them: one page as picture and as PDF.

use crate::raster::Pixels;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pdf_writer::{Pdf, Rect, Ref};
use serde_json::Value;
use std::io::Cursor;
use tiff::encoder::colortype::RGB8;

/// A page with two lines of text.
const TEXT_PNG: &[u8] = include_bytes!("page.png");
/// The same as a PDF with a text layer; the server reads it in its self-test, too.
const TEXT_PDF: &[u8] = include_bytes!("../../serve/selftest/page.pdf");
/// What is neither a picture nor a PDF.
const GARBAGE: &[u8] = b"neither a picture nor a PDF";
/// Quality of the JPEG.
const QUALITY: u8 = 90;

/// A page, from which all files are made.
pub(crate) struct Files {
    page: Pixels,
    /// Pages of documents with several.
    pages: usize,
    pdf: Vec<u8>,
}

impl Files {
    /// White pages of a size in pixels; those of the PDF are rendered at two pixels a point.
    pub(crate) fn white(width: usize, height: usize, pages: usize) -> Files {
        Files {
            page: Pixels::white(width, height),
            pages,
            pdf: white_pdf(width, height, pages),
        }
    }

    /// A page with text.
    pub(crate) fn with_text() -> Result<Files, String> {
        let picture = image::load_from_memory(TEXT_PNG).map_err(|error| error.to_string())?;
        let picture = picture.into_rgb8();
        let mut page = Pixels::white(picture.width() as usize, picture.height() as usize);
        page.data = picture.into_raw();
        Ok(Files {
            page,
            pages: 1,
            pdf: TEXT_PDF.to_vec(),
        })
    }

    /// The file of a name: `PNG`, `JPEG`, `TIFF`, `PDF`, `white PNG`, `garbage` or `empty`.
    pub(super) fn named(&self, name: &str) -> Result<Vec<u8>, String> {
        let (width, height) = (self.page.width, self.page.height);
        let made = match name {
            "PNG" => self.page.to_png(),
            "white PNG" => Pixels::white(width, height).to_png(),
            "JPEG" => self.page.to_jpeg(QUALITY),
            "TIFF" => return self.tiff().map_err(|error| error.to_string()),
            "PDF" => return Ok(self.pdf.clone()),
            "garbage" => return Ok(GARBAGE.to_vec()),
            "empty" => return Ok(Vec::new()),
            _ => return Err(format!("no file is called `{name}`")),
        };
        made.map_err(|error| error.to_string())
    }

    /// Puts files into the places of a request that only name them, as in `<base64 of PNG>`; `<base64 of bytes>` is a
    /// document with several pages, of the kind that the request says.
    pub(super) fn fill(&self, request: &mut Value) -> Result<(), String> {
        let document = match request["fileType"] == 0 {
            true => "PDF",
            false => "TIFF",
        };
        self.fill_in(request, document)
    }

    fn fill_in(&self, value: &mut Value, document: &str) -> Result<(), String> {
        let fill = |value| self.fill_in(value, document);
        match value {
            Value::Object(map) => map.values_mut().try_for_each(fill),
            Value::Array(list) => list.iter_mut().try_for_each(fill),
            Value::String(word) => {
                let name = word.strip_prefix("<base64 of ");
                let Some(name) = name.and_then(|name| name.strip_suffix('>')) else {
                    return Ok(());
                };
                let name = match name {
                    "bytes" => document,
                    name => name,
                };
                *word = STANDARD.encode(self.named(name)?);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tiff(&self) -> Result<Vec<u8>, tiff::TiffError> {
        let mut bytes = Cursor::new(Vec::new());
        let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes)?;
        for _ in 0..self.pages {
            let (width, height) = (self.page.width as u32, self.page.height as u32);
            encoder.write_image::<RGB8>(width, height, &self.page.data)?;
        }
        Ok(bytes.into_inner())
    }
}

/// A PDF with empty pages.
fn white_pdf(width: usize, height: usize, pages: usize) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree) = (Ref::new(1), Ref::new(2));
    let kids: Vec<Ref> = (0..pages as i32).map(|i| Ref::new(3 + i)).collect();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree)
        .kids(kids.iter().copied())
        .count(pages as i32);
    for page in kids {
        let size = Rect::new(0.0, 0.0, width as f32 / 2.0, height as f32 / 2.0);
        pdf.page(page).parent(tree).media_box(size);
    }
    pdf.finish()
}
