//! The trait of an output format; `formats` has the list of all of them.

use super::document_files::Files;
use super::kept::Finished;
use super::options::FormatOptions;
use crate::document::Document;
use crate::engine::FinishedPage;
use std::io::{self, Write};
use std::sync::Arc;

/// An output format. To add one, implement it in a file that `mod.rs` declares and list it in
/// [`FORMATS`](super::formats::FORMATS).
pub(crate) trait Format: Sync {
    /// Its name in `--formats`.
    fn name(&self) -> &'static str;

    /// Endings of a document's possible files, except pictures; those of an earlier run are replaced. The
    /// first is that of [`Format::write`].
    fn endings(&self) -> &'static [&'static str];

    /// What it needs besides the document.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// `true` if its file links to the pictures of the document: naming it brings them.
    fn links_to_pictures(&self) -> bool {
        false
    }

    /// `false` if it is written only where `--formats` names it.
    fn is_default(&self) -> bool {
        true
    }

    /// `true` if it has a flag of its own, and no name in `--formats`: it is for those who work on docparse.
    fn is_hidden(&self) -> bool {
        false
    }

    /// `false` if the document has no content for this format.
    fn has_file(&self, _document: &Document) -> bool {
        true
    }

    /// Whether its file holds the bytes of the pictures.
    fn embeds_pictures(&self) -> Embedding {
        Embedding::Never
    }

    /// Writes a finished document as one file. Errors are those of `out`; formats with their own
    /// [`Format::start`] write nothing here.
    fn write(
        &self,
        finished: Finished,
        options: &FormatOptions,
        out: &mut dyn Write,
    ) -> io::Result<()>;

    /// A page-by-page writer for one document, if the format makes other files than one per document.
    fn start(&self, _options: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        None
    }
}

/// Writes the files of one document as its pages arrive. Faults go to the [`Files`].
pub(crate) trait PageWriter {
    /// Takes the next page, in order; labels may still change until the document is finished.
    fn page(&mut self, page: &FinishedPage, files: &mut Files);

    /// Takes the finished document.
    fn finish(self: Box<Self>, document: &Document, files: &mut Files);
}

/// Whether a format's file holds the bytes of the document's pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Embedding {
    /// It never does.
    Never,
    /// Where the settings want it (`embed_images`); else it links to them.
    OnRequest,
    /// Always: it cannot link to files.
    Always,
}

impl Embedding {
    /// `true` if it does; `is_requested` tells what the settings want.
    pub(crate) fn holds(self, is_requested: bool) -> bool {
        match self {
            Embedding::Never => false,
            Embedding::OnRequest => is_requested,
            Embedding::Always => true,
        }
    }
}

/// What formats need besides the finished document; the rest is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Needs {
    /// Pages as JPEG, for drawings.
    pub page_pictures: bool,
    /// Crops of picture blocks as JPEG.
    pub block_pictures: bool,
    /// The pixels of pages.
    pub pixels: bool,
    /// What was considered while tables were looked for.
    pub table_traces: bool,
}

impl std::ops::BitOr for Needs {
    type Output = Needs;

    fn bitor(self, other: Needs) -> Needs {
        Needs {
            page_pictures: self.page_pictures || other.page_pictures,
            block_pictures: self.block_pictures || other.block_pictures,
            pixels: self.pixels || other.pixels,
            table_traces: self.table_traces || other.table_traces,
        }
    }
}
