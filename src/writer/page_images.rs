//! The format `page_images`: every page as a JPEG, for those who show results beside the page.

use super::document_files::Files;
use super::format::{Format, Needs, PageWriter};
use super::kept::Finished;
use super::options::FormatOptions;
use crate::document::Document;
use crate::engine::FinishedPage;
use std::io::{self, Write};
use std::sync::Arc;

/// The format.
pub(super) struct PageImages;

impl Format for PageImages {
    fn name(&self) -> &'static str {
        "page_images"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[]
    }

    fn needs(&self) -> Needs {
        Needs {
            page_pictures: true,
            ..Needs::default()
        }
    }

    fn is_default(&self) -> bool {
        false
    }

    fn write(&self, _: Finished, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, _: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        Some(Box::new(PageImageWriter))
    }
}

/// Writes the pictures as pages come. A page that could not be read has none.
struct PageImageWriter;

impl PageWriter for PageImageWriter {
    fn page(&mut self, page: &FinishedPage, files: &mut Files) {
        if let Some((jpeg, _, _)) = &page.picture {
            let name = format!("p{:04}.jpg", page.page.page_index + 1);
            let place = files.page_folder().join(name);
            files.write(place, |out| out.write_all(jpeg));
        }
    }

    fn finish(self: Box<Self>, _: &Document, _: &mut Files) {}
}
