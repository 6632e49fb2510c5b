//! Drawings of how the tables of a document were found, for those who work on it (`--draw-tables`, docs/tables.md).
//!
//! One PDF per document, a page for each of its pages: the page's picture, lightened, with the evidence, the areas that
//! were considered with what became of them, and the grids of the tables that were chosen ([`page`]).

mod labels;
mod page;

use super::document_files::Files;
use super::format::{Format, Needs, PageWriter};
use super::kept::Finished;
use super::options::FormatOptions;
use super::pdf::PdfFile;
use crate::document::Document;
use crate::engine::FinishedPage;
use crate::fault::Fault;
use crate::output::OutputFile;
use page::{OPACITIES, PageDrawing};
use std::io::{self, Write};
use std::sync::Arc;

/// Ending of the file.
const ENDING: &str = "_tables.pdf";

/// The format of `--draw-tables`.
pub(super) struct TableDrawings;

impl Format for TableDrawings {
    fn name(&self) -> &'static str {
        "draw_tables"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[ENDING]
    }

    fn needs(&self) -> Needs {
        Needs {
            page_pictures: true,
            table_traces: true,
            ..Needs::default()
        }
    }

    fn is_hidden(&self) -> bool {
        true
    }

    fn is_default(&self) -> bool {
        false
    }

    fn write(&self, _: Finished, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, _: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        Some(Box::new(TableWriter::default()))
    }
}

/// Writes the drawings of one document.
#[derive(Default)]
struct TableWriter {
    /// Created with the first page.
    file: Option<PdfFile<OutputFile>>,
    /// `true` after a fault, which affects the drawings only.
    is_lost: bool,
}

impl TableWriter {
    fn draw(&mut self, finished: &FinishedPage, files: &Files) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(PdfFile::new(files.create()?, &OPACITIES)?),
        };
        let picture = match &finished.picture {
            Some((jpeg, width, height)) => Some(file.add_picture(jpeg, *width, *height)?),
            None => None,
        };
        let drawing = PageDrawing::new(&finished.page, finished.tables.as_deref());
        let size = drawing.size();
        file.add_page(size, picture, &drawing.draw(picture.is_some()))
    }
}

/// The fault of a drawing that cannot be written.
fn fault(error: &io::Error) -> Fault {
    Fault::io("failed to write a drawing of tables", error)
}

impl PageWriter for TableWriter {
    fn page(&mut self, finished: &FinishedPage, files: &mut Files) {
        if self.is_lost {
            return;
        }
        if let Err(error) = self.draw(finished, files) {
            self.is_lost = true;
            self.file = None;
            files.fault(fault(&error));
        }
    }

    fn finish(self: Box<Self>, _: &Document, files: &mut Files) {
        let Some(file) = self.file else { return };
        let added = file.finish().and_then(|out| files.add(out, ENDING));
        if let Err(error) = added {
            files.fault(fault(&error));
        }
    }
}
