//! Documents as files below the save path: [`FilesWriter`] takes the pages of jobs and has the formats of a tree make its files.
//!
//! Files appear in the save path when the document is finished, complete. Pictures and page pictures are written while
//! pages come in, text when the whole document is known. A file that cannot be made costs itself, not the others. Writers
//! never change a document.

use super::format::{Format, FormatOptions, Formats, PageWriter};
use super::tree::Tree;
use super::written::{WriteObserver, WrittenDocument, new_document, page_warnings};
use crate::document::Document;
use crate::engine::{self, DocumentEnd, DocumentSink, FinishedPage, Job};
use crate::fault::{Fault, Reason};
use crate::output::plan::is_place_of;
use crate::output::{
    DocumentOutcome, DocumentOutput, Identity, OutputFile, OutputName, Published, SavePath,
};
use crate::restructure::{self, FinishOptions};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Faults with files of a document that are told, of those while its pages come; of many that are alike, as on a full
/// disk, the first ones are enough.
const MAX_FAULTS: usize = 8;

/// Where the files of documents go.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// The save path.
    pub path: Arc<SavePath>,
    /// Name and input of every document, by the id of its job.
    pub documents: BTreeMap<usize, (OutputName, Identity)>,
    /// Hash of all settings that the outputs depend on.
    pub settings: String,
}

impl Outputs {
    /// Starts the outputs of a document.
    fn begin(&self, job: &Job) -> Option<DocumentOutput> {
        let (name, input_of_plan) = self.documents.get(&job.id)?;
        // What lies behind an address is known now that it was opened.
        let fetched = job.file.remote.as_ref().and_then(|remote| remote.fetched());
        let input = fetched.map(|fetched| input_of_plan.fetched(fetched.size(), &fetched.sha256()));
        let input = input.as_ref().unwrap_or(input_of_plan);
        Some(self.path.begin(name, input, &self.settings))
    }

    /// Files in their places as they are shown.
    fn shown(&self, published: &Published) -> Vec<PathBuf> {
        let places = published.files.iter();
        places.map(|(place, _)| self.path.shown(place)).collect()
    }
}

/// The files of one document, for its formats: none is in its place before all are made, and what goes wrong is kept.
pub struct Files<'a> {
    output: &'a mut DocumentOutput,
    faults: &'a mut Vec<Fault>,
    most_faults: usize,
    input_name: &'a OsStr,
    is_paged: bool,
}

impl Files<'_> {
    /// The input's own name, without its folder.
    pub fn input_name(&self) -> &OsStr {
        self.input_name
    }

    /// `true` for kinds of input (PDF, TIFF) of which the reference numbers the pages.
    pub fn is_paged(&self) -> bool {
        self.is_paged
    }

    /// The place of the document's file with this ending.
    pub fn place(&self, ending: &str) -> PathBuf {
        self.output.name().file(ending)
    }

    /// The folder of the document's pictures.
    pub fn picture_folder(&self) -> PathBuf {
        self.output.name().picture_folder()
    }

    /// Makes a file for a place below the save path.
    pub fn write(&mut self, place: PathBuf, work: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if let Err(message) = self.output.write(place, |out| work(out)) {
            self.fault(Fault::new(Reason::Access, message));
        }
    }

    /// A file that is written over the time of many pages; [`Files::add`] gives it its place.
    pub fn create(&self) -> io::Result<OutputFile> {
        self.output.create()
    }

    /// Takes a file that was [created](Files::create), now complete, for the place with this ending.
    pub fn add(&mut self, file: OutputFile, ending: &str) -> io::Result<()> {
        let place = self.place(ending);
        self.output.add(file, place)
    }

    /// Keeps what went wrong with a file.
    pub fn fault(&mut self, fault: Fault) {
        if self.faults.len() < self.most_faults {
            self.faults.push(fault);
        }
    }

    /// Runs the work of a format, whose panic costs its own files.
    fn guard(&mut self, what: impl Display, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            let message = format!("internal error while writing {what}");
            self.fault(Fault::new(Reason::Internal, message));
        }
    }
}

/// Settings of the writer.
#[derive(Debug, Clone)]
pub struct FilesOptions {
    /// The formats that are wanted.
    pub formats: Formats,
    /// Settings of formats.
    pub format: FormatOptions,
    /// Work on a document before it is written.
    pub finish: FinishOptions,
}

/// A document of which pages are still to come.
struct InProgress {
    document: Document,
    output: DocumentOutput,
    /// Formats that take pages; `None` once one has panicked.
    writers: Vec<(&'static str, Option<Box<dyn PageWriter>>)>,
    faults: Vec<Fault>,
    written: WrittenDocument,
}

/// Takes pages and writes documents.
pub struct FilesWriter<'a> {
    tree: &'static Tree,
    options: FilesOptions,
    format_options: Arc<FormatOptions>,
    outputs: Outputs,
    open: BTreeMap<usize, InProgress>,
    observer: &'a mut dyn WriteObserver,
}

impl<'a> FilesWriter<'a> {
    /// A writer of a tree's files.
    pub fn new(
        tree: &'static Tree,
        options: FilesOptions,
        outputs: Outputs,
        observer: &'a mut dyn WriteObserver,
    ) -> Self {
        Self {
            tree,
            format_options: Arc::new(options.format.clone()),
            options,
            outputs,
            open: BTreeMap::new(),
            observer,
        }
    }

    fn formats(&self) -> impl DoubleEndedIterator<Item = &'static dyn Format> + use<> {
        self.tree.formats(self.options.formats)
    }

    fn add_page(&mut self, job: &Job, mut finished: FinishedPage) {
        let Some(open) = self.open.get_mut(&job.id) else {
            return;
        };
        let mut files = Files {
            output: &mut open.output,
            faults: &mut open.faults,
            most_faults: MAX_FAULTS,
            input_name: &job.file.name,
            is_paged: open.document.page_count.is_some(),
        };
        for (name, writer) in &mut open.writers {
            let Some(mut pages) = writer.take() else {
                continue;
            };
            files.guard(format_args!("`{name}`"), |files| {
                pages.page(&finished, files);
                *writer = Some(pages);
            });
        }
        let blocks = finished.page.blocks.iter_mut();
        let of_blocks = blocks.filter_map(|block| block.picture.as_mut());
        for picture in of_blocks.chain(&mut finished.page.pictures) {
            picture.jpeg = None;
        }
        open.written.count(&finished.page);
        self.observer.page(job, &finished.page);
        if self.tree.joins_failed_pages {
            open.document.push(finished.page);
        } else {
            open.document.pages.push(finished.page);
        }
    }

    /// Makes the files of all pages that came and puts them in their places; `given_up` where not all of them did.
    fn write_document(
        &self,
        job: &Job,
        open: InProgress,
        given_up: Option<DocumentOutcome>,
    ) -> Result<WrittenDocument, Fault> {
        let InProgress {
            mut document,
            mut output,
            mut writers,
            mut faults,
            mut written,
        } = open;
        restructure::finish(&mut document, &self.options.finish);
        written.warnings = page_warnings(&document.pages);
        let mut files = Files {
            output: &mut output,
            faults: &mut faults,
            most_faults: 2 * MAX_FAULTS,
            input_name: &job.file.name,
            is_paged: document.page_count.is_some(),
        };
        for format in self.formats().rev() {
            let started = writers.iter_mut().find(|(name, _)| *name == format.name());
            match (started, format.endings().first()) {
                (Some((name, writer)), _) => {
                    if let Some(writer) = writer.take() {
                        files.guard(format_args!("`{name}`"), |files| {
                            writer.finish(&document, files);
                        });
                    }
                }
                (None, Some(ending)) if format.has_file(&document) => {
                    files.guard(format_args!("the file `...{ending}`"), |files| {
                        let place = files.place(ending);
                        files.write(place, |out| {
                            format.write(&document, &self.format_options, out)
                        });
                    });
                }
                (None, _) => {}
            }
        }
        let is_partial = !faults.is_empty() || !written.errors.is_empty();
        let outcome = if is_partial {
            DocumentOutcome::Partial
        } else {
            DocumentOutcome::Done
        };
        let published = self.publish(output, given_up.unwrap_or(outcome));
        written.files = self.outputs.shown(&published);
        let published_faults = published.errors.into_iter();
        faults.extend(published_faults.map(|message| Fault::new(Reason::Access, message)));
        if let (true, Some(first)) = (written.files.is_empty(), faults.first()) {
            let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
            return Err(Fault::new(first.reason, messages.join("; ")));
        }
        written
            .errors
            .extend(faults.into_iter().map(|fault| fault.message));
        Ok(written)
    }

    fn publish(&self, output: DocumentOutput, outcome: DocumentOutcome) -> Published {
        if !self.tree.replaces_earlier {
            return output.publish(outcome, &|_| false);
        }
        let name = output.name().clone();
        let formats = self.options.formats;
        let endings = self.tree.endings(formats);
        let writes_pictures = formats.contains("images");
        let is_picture = |path: &Path| path.starts_with(name.picture_folder());
        output.publish(outcome, &|path| {
            is_place_of(&name, &endings, path) && (writes_pictures || !is_picture(path))
        })
    }
}

impl DocumentSink for FilesWriter<'_> {
    fn begin(&mut self, job: &Job, page_count: usize, selected: usize, is_paged: bool) {
        if let Some(output) = self.outputs.begin(job) {
            let writers = self.formats().filter_map(|format| {
                let writer = format.start(&self.format_options)?;
                Some((format.name(), Some(writer)))
            });
            let open = InProgress {
                document: new_document(job, page_count, is_paged),
                output,
                writers: writers.collect(),
                faults: Vec::new(),
                written: WrittenDocument::default(),
            };
            self.open.insert(job.id, open);
        }
        self.observer.opened(job, selected);
    }

    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), String> {
        self.add_page(job, page);
        Ok(())
    }

    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, String> {
        let Some(open) = self.open.remove(&job.id) else {
            return Ok(DocumentEnd::Whole);
        };
        let written = self
            .write_document(job, open, None)
            .map_err(|fault| fault.message)?;
        let end = if written.errors.is_empty() {
            DocumentEnd::Whole
        } else {
            DocumentEnd::Partial
        };
        self.observer.written(job, written);
        Ok(end)
    }

    fn failed(&mut self, job: &Job, reason: &str) {
        let open = self.open.remove(&job.id);
        let outcome = outcome_of_failure(reason);
        if self.tree.keeps_unfinished {
            if let Some(open) = open {
                // What fails with the files is no news of a document that failed before.
                let outcome = outcome.unwrap_or(DocumentOutcome::Failed);
                drop(self.write_document(job, open, Some(outcome)));
            }
        } else {
            // What could not even be opened is recorded as well.
            let output = open.map(|open| open.output);
            let output = output.or_else(|| self.outputs.begin(job));
            if let Some((output, outcome)) = output.zip(outcome) {
                output.give_up(outcome);
            }
        }
        self.observer.failed(job, reason);
    }
}

/// The record's word for a document that was given up; none for one that was not tried.
fn outcome_of_failure(reason: &str) -> Option<DocumentOutcome> {
    match reason {
        engine::CANCELLED => Some(DocumentOutcome::Interrupted),
        engine::NOT_TRIED => None,
        _ => Some(DocumentOutcome::Failed),
    }
}
