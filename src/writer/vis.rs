//! Visualization PDFs: every page with its detected regions, at the page's own size.
//!
//! One file per view: the layout (boxes, labels, scores), the reading order, and if pages were preprocessed,
//! their preprocessing. The page picture is encoded once and written to all files as it arrives; drawings
//! follow when the whole document is known ([`pdf`]).

use super::document_files::Files;
mod drawing;

use super::drawings;
use super::format::{Format, Needs, PageWriter};
use super::kept::Finished;
use super::options::FormatOptions;
use super::pdf::{self, Opacity, PdfFile, PlacedPicture};
use crate::document::{Document, Page};
use crate::engine::FinishedPage;
use crate::fault::{Fault, Reason};
use crate::output::OutputFile;
use crate::raster::JPEG_SIDE;
use drawing::Drawing;
use pdf_writer::Name;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// Contents of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// Boxes with labels and scores.
    Layout,
    /// Boxes with their position in the reading order.
    Order,
    /// The page before and after each step of document preprocessing, side by side.
    Preprocessed,
}

/// The views of a document and the endings of their files; the last one only if pages are preprocessed.
const VIEWS: [View; 3] = [View::Layout, View::Order, View::Preprocessed];
const ENDINGS: [&str; 3] = [
    "_layout_det_res.pdf",
    "_layout_order_res.pdf",
    "_preprocessed_img.pdf",
];
/// JPEG quality of comparisons, the same as for the other drawings.
const COMPARISON_QUALITY: u8 = 72;

/// The format `vis`: visualization PDFs.
pub(super) struct Drawings;

impl Format for Drawings {
    fn name(&self) -> &'static str {
        "vis"
    }

    fn endings(&self) -> &'static [&'static str] {
        &ENDINGS
    }

    fn needs(&self) -> Needs {
        Needs {
            page_pictures: true,
            ..Needs::default()
        }
    }

    fn write(&self, _: Finished, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, options: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        let views = if options.preprocesses { 3 } else { 2 };
        Some(Box::new(DrawingWriter {
            views: &VIEWS[..views],
            files: Vec::new(),
            is_lost: false,
        }))
    }
}

/// Writes the drawings of one document.
struct DrawingWriter {
    views: &'static [View],
    /// One file per view, created with the first page.
    files: Vec<VisFile<OutputFile>>,
    /// `true` after a fault, which affects the drawings only.
    is_lost: bool,
}

impl DrawingWriter {
    fn draw(&mut self, finished: &FinishedPage, files: &Files) -> Result<(), Fault> {
        let fail = |error: io::Error| Fault::io("failed to write a drawing", &error);
        if self.files.is_empty() {
            for view in self.views {
                let file = files
                    .create()
                    .and_then(|out| VisFile::new(out, *view))
                    .map_err(fail)?;
                self.files.push(file);
            }
        }
        let page = &finished.page;
        let picture = finished.picture.as_ref();
        let picture = picture.map(|(jpeg, width, height)| (jpeg.as_ref(), *width, *height));
        let steps = finished.steps.as_ref().zip(page.preprocessed);
        let comparison = steps.map(|(steps, done)| {
            let drawn = drawings::preprocessed(steps, &done);
            let shown = drawn.within(JPEG_SIDE);
            let jpeg = shown.to_jpeg_gray_if_colorless(COMPARISON_QUALITY);
            jpeg.map(|jpeg| (jpeg, shown.width, shown.height))
        });
        let comparison = comparison.transpose().map_err(|error| {
            let message = format!("failed to encode a comparison: {error}");
            Fault::new(Reason::Internal, message)
        })?;
        let comparison = comparison.as_ref();
        let comparison = comparison.map(|(jpeg, width, height)| (jpeg.as_slice(), *width, *height));
        for file in &mut self.files {
            let shown = match file.view {
                View::Preprocessed => comparison,
                _ => picture,
            };
            file.add_picture(shown, page.stands_for()).map_err(fail)?;
        }
        Ok(())
    }
}

impl PageWriter for DrawingWriter {
    fn page(&mut self, finished: &FinishedPage, files: &mut Files) {
        if self.is_lost {
            return;
        }
        if let Err(fault) = self.draw(finished, files) {
            self.is_lost = true;
            self.files.clear();
            files.fault(fault);
        }
    }

    fn finish(self: Box<Self>, document: &Document, files: &mut Files) {
        for (file, ending) in self.files.into_iter().zip(ENDINGS) {
            let added = file.finish(document).and_then(|out| files.add(out, ending));
            if let Err(error) = added {
                files.fault(Fault::io("failed to write a drawing", &error));
            }
        }
    }
}

/// Opacity of the boxes of blocks.
const TINT: Name = Name(b"T");
const OPACITIES: [Opacity; 1] = [(TINT, 0.1)];

/// A visualization PDF being written.
pub(super) struct VisFile<W> {
    pdf: PdfFile<W>,
    /// Pictures by the index of the added page.
    pictures: BTreeMap<usize, PlacedPicture>,
    /// Number of pages added.
    added: usize,
    view: View,
}

impl<W: Write> VisFile<W> {
    /// Starts a file that is written to `out`.
    pub(super) fn new(out: W, view: View) -> io::Result<Self> {
        Ok(Self {
            pdf: PdfFile::new(out, &OPACITIES)?,
            pictures: BTreeMap::new(),
            added: 0,
            view,
        })
    }

    /// Writes the picture of the next page, or of `pages` consecutive ones that share a drawing.
    pub(super) fn add_picture(
        &mut self,
        picture: Option<(&[u8], usize, usize)>,
        pages: usize,
    ) -> io::Result<()> {
        let number = self.added;
        self.added += pages;
        if let Some((jpeg, width, height)) = picture {
            let placed = self.pdf.add_picture(jpeg, width, height)?;
            self.pictures.insert(number, placed);
        }
        Ok(())
    }

    /// Writes the drawings of all pages and completes the file; returns the writer.
    pub(super) fn finish(mut self, document: &Document) -> io::Result<W> {
        let mut at = 0;
        for page in &document.pages {
            // Consecutive pages that count as one have no pictures, and share a drawing.
            if at >= self.added {
                break;
            }
            let picture = self.pictures.get(&at).copied();
            let size = self.page_size(page, picture.map(|(_, width, height)| (width, height)));
            let drawing = Drawing::new(page, size).draw(self.view, picture.is_some());
            self.pdf.add_page(size, picture, &drawing)?;
            at += page.stands_for();
        }
        self.pdf.finish()
    }

    /// Size in points: the page's own; for a comparison its picture's, at the page's pixel size.
    fn page_size(&self, page: &Page, picture: Option<(usize, usize)>) -> (f32, f32) {
        pdf::page_size(match (self.view, picture) {
            (View::Preprocessed, Some((width, height))) => {
                let scale = page.size_points.0 / page.width.max(1) as f32;
                (width as f32 * scale, height as f32 * scale)
            }
            _ => page.size_points,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Block, Label};
    use crate::fault::{Fault, Reason};
    use crate::geometry::Rect;

    #[test]
    fn the_table_of_objects_points_at_them() {
        let mut page = Page::failed(0, Fault::new(Reason::Damaged, "no picture"));
        (page.width, page.height) = (1224, 1584);
        page.blocks.push(Block::new(
            Label::Text,
            Rect::new(10.0, 10.0, 100.0, 50.0),
            0.9,
        ));
        let document = Document {
            input_path: "x".into(),
            pages: vec![page.clone(), page],
            page_count: Some(2),
            info: Default::default(),
        };
        let mut file = VisFile::new(Vec::new(), View::Layout).unwrap();
        let jpeg = crate::raster::Pixels::white(8, 8).to_jpeg(80).unwrap();
        file.add_picture(Some((&jpeg, 8, 8)), 1).unwrap();
        file.add_picture(None, 1).unwrap();
        let gray = crate::raster::Pixels::white(8, 8)
            .to_jpeg_gray_if_colorless(80)
            .unwrap();
        file.add_picture(Some((&gray, 8, 8)), 1).unwrap();
        let bytes = file.finish(&document).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("text 0.90"));
        let spaces = ["/DeviceRGB", "/DeviceGray"].map(|space| text.matches(space).count());
        assert_eq!(spaces, [1, 1]);
        // Offsets count bytes, so search the bytes.
        let find = |needle: &[u8]| {
            bytes
                .windows(needle.len())
                .rposition(|w| w == needle)
                .unwrap()
        };
        let xref = find(b"xref\n0 ");
        let table = std::str::from_utf8(&bytes[xref..]).unwrap();
        let offsets: Vec<usize> = table
            .lines()
            .filter(|l| l.ends_with(" n "))
            .map(|l| l[..10].parse().unwrap())
            .collect();
        assert_eq!(offsets.len(), 10);
        for (i, offset) in offsets.iter().enumerate() {
            let head = format!("{} 0 obj", i + 1);
            assert!(
                bytes[*offset..].starts_with(head.as_bytes()),
                "object {}",
                i + 1
            );
        }
    }
}
