//! Documents as files below the save path: [`FilesWriter`] takes pages and has the formats write the files.
//!
//! Files appear in the save path complete, when the document is finished. Pictures and page pictures are
//! written as pages arrive, text when the whole document is known. A file that fails does not affect the
//! others. Writers never change a document.

use super::document_files::Files;
use super::format::{Format, PageWriter};
use super::formats::Formats;
use super::kept::{Finished, KeptPictures};
use super::options::FormatOptions;
use super::tree::Tree;
use super::written::{DocumentError, WriteObserver, WrittenDocument, new_document, page_warnings};
use crate::document::Document;
use crate::engine::{DocumentEnd, DocumentSink, FinishedPage, Job, OpenedDocument};
use crate::fault::{Fault, Reason};
use crate::output::plan::is_place_of;
use crate::output::{DocumentOutcome, DocumentOutput, Identity, OutputName, Published, SavePath};
use crate::restructure::{self, FinishOptions};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Limit of file faults reported while a document's pages arrive: similar faults, as on a full disk, would
/// only repeat themselves.
const MAX_FAULTS: usize = 8;

/// Output locations of documents.
#[derive(Debug, Clone)]
pub(crate) struct Outputs {
    /// The save path.
    pub path: Arc<SavePath>,
    /// Name and input identity of every document, by job id.
    pub documents: BTreeMap<usize, (OutputName, Identity)>,
    /// Hash of all settings that affect the outputs.
    pub settings: String,
}

impl Outputs {
    /// Starts the output of a document.
    fn begin(&self, job: &Job) -> Option<DocumentOutput> {
        let (name, input_of_plan) = self.documents.get(&job.id)?;
        // The content behind a URL is known only now, after it was fetched.
        let fetched = job.file.remote.as_ref().and_then(|remote| remote.fetched());
        let input = fetched.map(|fetched| input_of_plan.fetched(fetched.size(), &fetched.sha256()));
        let input = input.as_ref().unwrap_or(input_of_plan);
        Some(self.path.begin(name, input, &self.settings))
    }

    /// Paths of published files, as displayed.
    fn shown(&self, published: &Published) -> Vec<PathBuf> {
        let places = published.files.iter();
        places.map(|(place, _)| self.path.shown(place)).collect()
    }
}

/// Settings of the writer.
#[derive(Debug, Clone)]
pub(crate) struct FilesOptions {
    /// The requested formats.
    pub formats: Formats,
    /// Settings of formats.
    pub format: FormatOptions,
    /// Processing of a document before it is written.
    pub finish: FinishOptions,
}

/// A document whose pages are still arriving.
struct InProgress {
    document: Document,
    /// The pictures that formats embed.
    pictures: KeptPictures,
    output: DocumentOutput,
    /// Formats that take pages; `None` after a panic.
    writers: Vec<(&'static str, Option<Box<dyn PageWriter>>)>,
    faults: Vec<Fault>,
    written: WrittenDocument,
}

/// Takes pages and writes documents.
pub(crate) struct FilesWriter<'a> {
    tree: &'static Tree,
    options: FilesOptions,
    /// Formats embed pictures.
    embeds: bool,
    format_options: Arc<FormatOptions>,
    outputs: Outputs,
    open: BTreeMap<usize, InProgress>,
    observer: &'a mut dyn WriteObserver,
}

impl<'a> FilesWriter<'a> {
    /// A writer of a tree's files.
    pub(crate) fn new(
        tree: &'static Tree,
        options: FilesOptions,
        outputs: Outputs,
        observer: &'a mut dyn WriteObserver,
    ) -> Self {
        Self {
            tree,
            embeds: tree.embeds(options.formats, &options.format),
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

    fn add_page(&mut self, job: &Job, mut finished: FinishedPage) -> Result<(), Fault> {
        let Some(open) = self.open.get_mut(&job.id) else {
            return Ok(());
        };
        let mut files = Files {
            output: &mut open.output,
            faults: &mut open.faults,
            most_faults: MAX_FAULTS,
            input_name: &job.file.name,
            is_paged: open.document.page_count.is_some(),
        };
        if self.embeds
            && let Err(error) = open.pictures.keep(&finished.page)
        {
            files.fault(Fault::io("cannot keep pictures", &error));
        }
        for (name, writer) in &mut open.writers {
            let Some(mut pages) = writer.take() else {
                continue;
            };
            files.guard(format_args!("`{name}`"), |files| {
                pages.page(&finished, files);
                *writer = Some(pages);
            });
        }
        finished.page.drop_pictures();
        open.written.count(&finished.page);
        self.observer.page(job, &finished.page);
        if self.tree.joins_failed_pages {
            open.document.push(finished.page);
        } else {
            open.document.pages.push(finished.page);
        }
        match open.faults.first() {
            Some(fault) if self.tree.ends_at_fault => Err(fault.clone()),
            _ => Ok(()),
        }
    }

    /// Writes the files from the pages received and publishes them; `given_up` if pages are missing.
    fn write_document(
        &mut self,
        job: &Job,
        open: InProgress,
        given_up: Option<DocumentOutcome>,
    ) -> Result<WrittenDocument, Fault> {
        let InProgress {
            mut document,
            pictures,
            mut output,
            mut writers,
            mut faults,
            mut written,
        } = open;
        restructure::finish(&mut document, &self.options.finish);
        self.observer.finished(job, &document);
        written.warnings = page_warnings(&document.pages);
        let finished = Finished {
            document: &document,
            kept: Some(&pictures),
        };
        let mut files = Files {
            output: &mut output,
            faults: &mut faults,
            most_faults: usize::MAX,
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
                (None, Some(ending)) => {
                    files.guard(format_args!("the file `...{ending}`"), |files| {
                        if format.has_file(&document) {
                            let place = files.place(ending);
                            files.write(place, |out| {
                                format.write(finished, &self.format_options, out)
                            });
                        }
                    });
                }
                (None, None) => {}
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
        faults.extend(published.errors);
        if let (true, Some(first)) = (written.files.is_empty(), faults.first()) {
            let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
            return Err(Fault::new(first.reason, messages.join("; ")));
        }
        written
            .errors
            .extend(faults.into_iter().map(DocumentError::of_file));
        Ok(written)
    }

    fn publish(&self, output: DocumentOutput, outcome: DocumentOutcome) -> Published {
        if !self.tree.replaces_earlier {
            return output.publish(outcome, &|_| false);
        }
        let name = output.name().clone();
        let formats = self.options.formats;
        let endings = self.tree.endings(formats);
        // Files of formats that this run does not write stay.
        let stay = |format: &str, folder: PathBuf| (!formats.contains(format)).then_some(folder);
        let pictures = stay("images", name.picture_folder());
        let tables = stay("csv", name.table_folder());
        let pages = stay("page_images", name.page_folder());
        output.publish(outcome, &|path| {
            let mut stay = [&pictures, &tables, &pages].into_iter().flatten();
            is_place_of(&name, &endings, path) && !stay.any(|folder| path.starts_with(folder))
        })
    }
}

impl DocumentSink for FilesWriter<'_> {
    fn begin(&mut self, job: &Job, opened: OpenedDocument) {
        if let Some(output) = self.outputs.begin(job) {
            let writers = self.formats().filter_map(|format| {
                let writer = format.start(&self.format_options)?;
                Some((format.name(), Some(writer)))
            });
            let open = InProgress {
                document: new_document(job, &opened),
                pictures: KeptPictures::default(),
                output,
                writers: writers.collect(),
                faults: Vec::new(),
                written: WrittenDocument::default(),
            };
            self.open.insert(job.id, open);
        }
        self.observer.opened(job, opened.selected);
    }

    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), Fault> {
        self.add_page(job, page)
    }

    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, Fault> {
        let Some(open) = self.open.remove(&job.id) else {
            return Ok(DocumentEnd::Whole);
        };
        let written = self.write_document(job, open, None)?;
        let end = written.end();
        self.observer.written(job, written);
        Ok(end)
    }

    fn failed(&mut self, job: &Job, fault: &Fault) {
        let open = self.open.remove(&job.id);
        let outcome = outcome_of_failure(fault);
        if self.tree.keeps_unfinished {
            if let Some(open) = open {
                // Further faults with files of a document that failed already are not reported.
                let outcome = outcome.unwrap_or(DocumentOutcome::Failed);
                drop(self.write_document(job, open, Some(outcome)));
            }
        } else {
            // Documents that could not even be opened are recorded as well.
            let output = open.map(|open| open.output);
            let output = output.or_else(|| self.outputs.begin(job));
            if let Some((output, outcome)) = output.zip(outcome) {
                output.give_up(outcome);
            }
        }
        self.observer.failed(job, fault);
    }
}

/// The outcome recorded for a document that was given up; `None` if it was never tried.
fn outcome_of_failure(fault: &Fault) -> Option<DocumentOutcome> {
    match fault.reason {
        Reason::Cancelled => Some(DocumentOutcome::Interrupted),
        Reason::NotTried => None,
        _ => Some(DocumentOutcome::Failed),
    }
}
