//! The pictures of documents, as files in their own folder.

use super::document_files::Files;
use super::format::{Format, Needs, PageWriter};
use super::options::FormatOptions;
use crate::document::Document;
use crate::engine::FinishedPage;
use std::io::{self, Write};
use std::sync::Arc;

/// The format `images`: crops of pages, as JPEG.
pub(super) struct Pictures;

impl Format for Pictures {
    fn name(&self) -> &'static str {
        "images"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[]
    }

    fn needs(&self) -> Needs {
        Needs {
            block_pictures: true,
            ..Needs::default()
        }
    }

    fn write(&self, _: &Document, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, _: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        Some(Box::new(PictureWriter {
            place: |path, files| {
                let name = path.rsplit('/').next().unwrap_or(path);
                files.picture_folder().join(name)
            },
        }))
    }
}

/// Writes the pictures of pages as they arrive.
pub(super) struct PictureWriter {
    /// Path below the save path of a picture, from its path in the document.
    pub(super) place: fn(path: &str, files: &Files) -> std::path::PathBuf,
}

impl PageWriter for PictureWriter {
    fn page(&mut self, page: &FinishedPage, files: &mut Files) {
        // The page's own pictures come last and win if paths are equal.
        let of_blocks = page.page.blocks.iter().filter_map(|b| b.picture.as_ref());
        for picture in of_blocks.chain(&page.page.pictures) {
            if let Some(jpeg) = &picture.jpeg {
                let place = (self.place)(&picture.path, files);
                files.write(place, |out| out.write_all(jpeg));
            }
        }
    }

    fn finish(self: Box<Self>, _: &Document, _: &mut Files) {}
}
