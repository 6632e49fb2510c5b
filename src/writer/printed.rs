//! Documents on standard output: [`PrintWriter`] takes the pages of jobs and prints each document once it is
//! complete, in input order.

use super::format::Format;
use super::kept::{Finished, KeptPictures};
use super::options::FormatOptions;
use super::stdout::{OrderedOutput, OutputOptions};
use super::written::{WriteObserver, WrittenDocument, new_document, page_warnings};
use crate::document::Document;
use crate::engine::{DocumentEnd, DocumentSink, FinishedPage, Job, OpenedDocument};
use crate::fault::Fault;
use crate::restructure::{self, FinishOptions};
use std::collections::BTreeMap;
use std::io;

/// Settings of the writer.
pub(crate) struct PrintOptions {
    /// The printed format.
    pub format: &'static dyn Format,
    /// Settings of formats.
    pub options: FormatOptions,
    /// Processing of a document before it is printed.
    pub finish: FinishOptions,
    /// `true` if a line with its name precedes each document.
    pub with_names: bool,
    /// `true` if standard output is a terminal, which must not interpret control characters of documents.
    pub to_terminal: bool,
}

impl PrintOptions {
    /// `true` if the format embeds pictures.
    fn embeds(&self) -> bool {
        let is_requested = self.options.json.markdown.form.embed_images;
        self.format.embeds_pictures().holds(is_requested)
    }
}

/// Takes pages and prints documents.
pub(crate) struct PrintWriter<'a> {
    options: PrintOptions,
    stdout: OrderedOutput<io::Stdout>,
    /// Positions of the documents in the output, by job id.
    positions: BTreeMap<usize, usize>,
    open: BTreeMap<usize, (Document, KeptPictures, WrittenDocument)>,
    observer: &'a mut dyn WriteObserver,
}

impl<'a> PrintWriter<'a> {
    /// A writer; documents are printed in the order of `jobs`.
    pub(crate) fn new(
        options: PrintOptions,
        jobs: &[Job],
        observer: &'a mut dyn WriteObserver,
    ) -> Self {
        let output = OutputOptions {
            with_names: options.with_names,
            to_terminal: options.to_terminal,
        };
        let positions = jobs.iter().enumerate().map(|(at, job)| (job.id, at));
        Self {
            options,
            stdout: OrderedOutput::new(io::stdout(), output),
            positions: positions.collect(),
            open: BTreeMap::new(),
            observer,
        }
    }

    fn position(&self, job: &Job) -> usize {
        self.positions.get(&job.id).copied().unwrap_or(job.id)
    }
}

impl DocumentSink for PrintWriter<'_> {
    fn begin(&mut self, job: &Job, opened: OpenedDocument) {
        let document = new_document(job, &opened);
        let written = WrittenDocument::default();
        let pictures = KeptPictures::default();
        self.open.insert(job.id, (document, pictures, written));
        self.observer.opened(job, opened.selected);
    }

    fn page(&mut self, job: &Job, mut finished: FinishedPage) -> Result<(), Fault> {
        let embeds = self.options.embeds();
        if let Some((document, pictures, written)) = self.open.get_mut(&job.id) {
            if embeds {
                let kept = pictures.keep(&finished.page);
                kept.map_err(|error| Fault::io("cannot keep pictures", &error))?;
            }
            finished.page.drop_pictures();
            written.count(&finished.page);
            self.observer.page(job, &finished.page);
            document.push(finished.page);
        }
        Ok(())
    }

    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, Fault> {
        let Some((mut document, pictures, mut written)) = self.open.remove(&job.id) else {
            return Ok(DocumentEnd::Whole);
        };
        restructure::finish(&mut document, &self.options.finish);
        written.warnings = page_warnings(&document.pages);
        let (position, options) = (self.position(job), &self.options);
        let finished = Finished {
            document: &document,
            kept: Some(&pictures),
        };
        let printed = self.stdout.finish(position, &job.file.given, |out| {
            options.format.write(finished, &options.options, out)
        });
        printed.map_err(|error| Fault::io("cannot write to standard output", &error))?;
        let end = written.end();
        self.observer.written(job, written);
        Ok(end)
    }

    fn failed(&mut self, job: &Job, fault: &Fault) {
        self.open.remove(&job.id);
        // Faults of standard output are reported with a document that has something to print.
        drop(self.stdout.give_up(self.position(job)));
        self.observer.failed(job, fault);
    }
}
