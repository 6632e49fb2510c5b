//! The pictures of documents, as files in their own folder.

use super::document_files::Files;
use super::format::{Format, Needs, PageWriter};
use super::kept::Finished;
use super::options::FormatOptions;
use crate::document::Document;
use crate::engine::FinishedPage;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

/// The format `images`: crops of pages, as JPEG.
pub(super) struct Pictures {
    /// Path below the save path of a picture, from its path in the document.
    place: fn(path: &str, files: &Files) -> PathBuf,
}

/// In the folder of the document's pictures.
pub(super) const IN_FOLDER: Pictures = Pictures {
    place: |path, files| {
        let name = path.rsplit('/').next().unwrap_or(path);
        files.picture_folder().join(name)
    },
};

/// Beside the other files, under the names that the reference's result gives them.
pub(super) const FLAT: Pictures = Pictures {
    place: |path, _| PathBuf::from(path),
};

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

    fn write(&self, _: Finished, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, _: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        Some(Box::new(PictureWriter { place: self.place }))
    }
}

/// Writes the pictures of pages as they arrive.
struct PictureWriter {
    place: fn(path: &str, files: &Files) -> PathBuf,
}

impl PageWriter for PictureWriter {
    fn page(&mut self, page: &FinishedPage, files: &mut Files) {
        // The page's own pictures come last and win if paths are equal.
        for picture in page.page.all_pictures() {
            if let Some(jpeg) = &picture.jpeg {
                let place = (self.place)(&picture.path, files);
                files.write(place, |out| out.write_all(jpeg));
            }
        }
    }

    fn finish(self: Box<Self>, _: &Document, _: &mut Files) {}
}
