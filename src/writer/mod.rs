//! Writers: one file for each output format, and [`DocumentWriter`], which takes pages as they come and writes everything
//! of a document.
//!
//! Files appear in the save path when the document is finished, complete. Pictures and page pictures are written while
//! pages come in, text when the whole document is known. A file that cannot be made costs itself, not the others. Writers
//! never change a document.

pub mod compat;
mod drawings;
pub mod json;
pub mod markdown;
mod python_json;
pub mod stdout;
pub mod trace;
mod vis;
mod xlsx;

use crate::document::{Diagnostic, Document, Page, Severity};
use crate::engine::{self, DocumentEnd, DocumentSink, FinishedPage, Job};
use crate::output::plan::is_place_of;
use crate::output::{
    DocumentOutcome, DocumentOutput, Identity, OutputFile, OutputName, Published, SavePath,
};
use crate::preprocess::PreprocessSteps;
use crate::raster::JPEG_SIDE;
use crate::restructure::{self, FinishOptions};
use json::JsonOptions;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use stdout::{OrderedOutput, OutputOptions};
use vis::{View, VisFile};

/// Which files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// Markdown.
    pub md: bool,
    /// JSON.
    pub json: bool,
    /// A workbook of the tables.
    pub xlsx: bool,
    /// Pictures.
    pub images: bool,
    /// Visualization PDFs.
    pub vis: bool,
}

impl Formats {
    /// All of them.
    pub const ALL: Formats = Formats {
        md: true,
        json: true,
        xlsx: true,
        images: true,
        vis: true,
    };
    /// Their names on the command line.
    pub const NAMES: [&'static str; 5] = ["md", "json", "xlsx", "images", "vis"];

    /// The formats of these names; the name that is none, if there is one.
    ///
    /// Markdown brings the pictures that it shows. A minus before a name takes it away, from all if no other is named:
    /// Markdown without images shows none.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Formats, String> {
        let (taken_away, named): (Vec<&str>, Vec<&str>) = names
            .into_iter()
            .map(str::trim)
            .partition(|name| name.starts_with('-'));
        let none = Formats {
            md: false,
            json: false,
            xlsx: false,
            images: false,
            vis: false,
        };
        let mut formats = if named.is_empty() && !taken_away.is_empty() {
            Formats::ALL
        } else {
            none
        };
        for name in named {
            *formats.named(name)? = true;
            formats.images |= name == "md";
        }
        for name in taken_away {
            *formats.named(&name[1..]).map_err(|_| name.to_string())? = false;
        }
        Ok(formats)
    }

    /// Endings of the files that a document may get, pictures aside.
    pub fn suffixes(self) -> Vec<String> {
        let of = |wanted: bool, endings: &[&str]| {
            endings
                .iter()
                .filter(|_| wanted)
                .map(|e| e.to_string())
                .collect::<Vec<_>>()
        };
        let views = ALL_VIEWS.map(View::suffix);
        [
            of(self.md, &[".md"]),
            of(self.json, &[".json"]),
            of(self.xlsx, &[".xlsx"]),
            of(self.vis, &views),
        ]
        .concat()
    }

    fn named(&mut self, name: &str) -> Result<&mut bool, String> {
        match name {
            "md" => Ok(&mut self.md),
            "json" => Ok(&mut self.json),
            "xlsx" => Ok(&mut self.xlsx),
            "images" => Ok(&mut self.images),
            "vis" => Ok(&mut self.vis),
            other => Err(other.to_string()),
        }
    }
}

/// Where a finished document goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Files below the save path.
    Files,
    /// Markdown to standard output.
    StdoutMarkdown,
    /// JSON to standard output.
    StdoutJson,
}

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
        published
            .files
            .iter()
            .map(|(place, _)| self.path.shown(place))
            .collect()
    }
}

/// What a document counts as that was given up; nothing for one that was not tried.
fn outcome_of_failure(reason: &str) -> Option<DocumentOutcome> {
    match reason {
        engine::CANCELLED => Some(DocumentOutcome::Interrupted),
        engine::NOT_TRIED => None,
        _ => Some(DocumentOutcome::Failed),
    }
}

/// Settings of the writer.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Where documents go.
    pub target: Target,
    /// Which files.
    pub formats: Formats,
    /// Options of JSON and Markdown.
    pub json: JsonOptions,
    /// What is done to a document before it is written.
    pub finish: FinishOptions,
    /// Whether standard output is a terminal.
    pub to_terminal: bool,
    /// Whether document preprocessing runs, so that every document gets a comparison.
    pub preprocesses: bool,
}

/// The drawings of a document; the last one only where pages are preprocessed.
const ALL_VIEWS: [View; 3] = [View::Layout, View::Order, View::Preprocessed];
/// JPEG quality of comparisons, as that of the other drawings.
const COMPARISON_QUALITY: u8 = 72;

/// Faults with files of a document that are told.
const MAX_FAULTS: usize = 8;

/// What was written for a document.
#[derive(Debug, Clone, Default)]
pub struct WrittenDocument {
    /// Files, in the order in which they were written.
    pub files: Vec<PathBuf>,
    /// Messages of failed pages and blocks, `page 3: ...`; of pages in a row with the same one, `pages 3-7: ...`.
    pub errors: Vec<String>,
    /// What was noticed of whole pages; what was noticed of blocks stands in the JSON only.
    pub warnings: Vec<PageWarning>,
    /// Pages written.
    pub pages: usize,
    /// Milliseconds spent on each stage, over all pages.
    pub stage_ms: BTreeMap<&'static str, f64>,
    /// The pages, from 1, of the last message, where it is the only one of each.
    last: Option<(usize, usize)>,
}

impl WrittenDocument {
    /// Counts a page in: its time and its errors.
    fn count(&mut self, page: &Page) {
        self.pages += page.stands_for();
        for (stage, ms) in &page.timings {
            *self.stage_ms.entry(stage).or_default() += ms;
        }
        let number = page.page_index + 1;
        let errors: Vec<&str> = page
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| d.message.as_str())
            .collect();
        if let ([error], Some((first, last)), Some(message)) =
            (errors.as_slice(), self.last, self.errors.last_mut())
            && last + 1 == number
            && message
                .split_once(": ")
                .is_some_and(|(_, before)| before == *error)
        {
            *message = format!("pages {first}-{number}: {error}");
            self.last = Some((first, number));
            return;
        }
        self.last = (errors.len() == 1).then_some((number, number));
        self.errors
            .extend(errors.iter().map(|error| format!("page {number}: {error}")));
    }
}

/// A warning about a page, or pages in a row.
#[derive(Debug, Clone, PartialEq)]
pub struct PageWarning {
    /// The page, from 1.
    pub page: usize,
    /// The last of several pages.
    pub last_page: Option<usize>,
    /// What is told.
    pub diagnostic: Diagnostic,
}

/// What was noticed of whole pages.
fn page_warnings(pages: &[Page]) -> Vec<PageWarning> {
    let is_told = |d: &&Diagnostic| d.severity == Severity::Warning && d.block_id.is_none();
    let of_page = |page: &Page| {
        let told = page.diagnostics.iter().filter(is_told).cloned();
        let warning = |diagnostic| PageWarning {
            page: page.page_index + 1,
            last_page: page.through.map(|last| last + 1),
            diagnostic,
        };
        told.map(warning).collect::<Vec<_>>()
    };
    pages.iter().flat_map(of_page).collect()
}

/// A document of which no page has come yet.
fn new_document(job: &Job, page_count: usize, is_paged: bool) -> Document {
    let page_count = is_paged.then_some(page_count);
    Document {
        input_path: job.file.given.clone(),
        pages: Vec::new(),
        page_count,
    }
}

/// Hears of documents that are finished or given up.
pub trait WriteObserver {
    /// A document was opened.
    fn opened(&mut self, job: &Job, selected: usize);
    /// A page was handed over.
    fn page(&mut self, job: &Job, page: &Page);
    /// A document was written.
    fn written(&mut self, job: &Job, document: WrittenDocument);
    /// A document was given up.
    fn failed(&mut self, job: &Job, reason: &str);
}

/// A document of which pages are still to come.
struct InProgress {
    document: Document,
    output: Option<DocumentOutput>,
    vis: Vec<(VisFile<OutputFile>, View)>,
    /// Whether drawings can still be made.
    draws: bool,
    /// What went wrong with files.
    faults: Vec<String>,
    written: WrittenDocument,
}

impl InProgress {
    /// Notes what went wrong with a file; of many that are alike, as on a full disk, the first ones.
    fn fault(&mut self, reason: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(reason);
        }
    }

    /// Writes the pictures of a page, where they are wanted, and takes them out of it.
    fn add_pictures(&mut self, page: &mut Page, are_wanted: bool) {
        let mut faults = Vec::new();
        // The page's own pictures come later and win where paths are equal.
        let of_blocks = page.blocks.iter_mut().filter_map(|b| b.picture.as_mut());
        for picture in of_blocks.chain(&mut page.pictures) {
            let jpeg = picture.jpeg.take();
            if let (Some(jpeg), Some(output), true) = (jpeg, &mut self.output, are_wanted) {
                let name = picture.path.rsplit('/').next().unwrap_or(&picture.path);
                let place = output.name().picture_folder().join(name);
                faults.extend(output.write(place, |out| out.write_all(&jpeg)).err());
            }
        }
        faults.into_iter().for_each(|reason| self.fault(reason));
    }

    /// Adds a page to the drawings.
    fn draw(
        &mut self,
        views: &[View],
        page: &Page,
        picture: Option<&(Arc<[u8]>, usize, usize)>,
        steps: Option<PreprocessSteps>,
    ) -> Result<(), String> {
        let Some(output) = &self.output else {
            return Ok(());
        };
        let fail = |error: io::Error| format!("failed to write a drawing: {error}");
        if self.vis.is_empty() {
            for view in views {
                let file = output
                    .create()
                    .and_then(|out| VisFile::new(out, *view))
                    .map_err(fail)?;
                self.vis.push((file, *view));
            }
        }
        let picture = picture.map(|(jpeg, width, height)| (jpeg.as_ref(), *width, *height));
        let comparison = steps
            .zip(page.preprocessed)
            .map(|(steps, done)| drawings::preprocessed(&steps, &done));
        let comparison = comparison.map(|drawn| {
            let shown = drawn.within(JPEG_SIDE);
            shown
                .to_jpeg(COMPARISON_QUALITY)
                .map(|jpeg| (jpeg, shown.width, shown.height))
        });
        let comparison = comparison
            .transpose()
            .map_err(|e| format!("failed to encode a comparison: {e}"))?;
        let comparison = comparison
            .as_ref()
            .map(|(jpeg, width, height)| (jpeg.as_slice(), *width, *height));
        for (file, view) in &mut self.vis {
            let picture = if *view == View::Preprocessed {
                comparison
            } else {
                picture
            };
            file.add_picture(picture, page.stands_for()).map_err(fail)?;
        }
        Ok(())
    }
}

/// Takes pages and writes documents.
pub struct DocumentWriter<'a> {
    options: WriterOptions,
    /// `None` where documents go to standard output.
    outputs: Option<Outputs>,
    open: BTreeMap<usize, InProgress>,
    observer: &'a mut dyn WriteObserver,
    /// Not used for files.
    stdout: OrderedOutput<io::Stdout>,
    /// Numbers of the documents in the order in which they are printed, by the ids of their jobs.
    numbers: BTreeMap<usize, usize>,
}

impl<'a> DocumentWriter<'a> {
    /// A writer; `outputs` where the target is files. Documents are printed in the order of `jobs`.
    pub fn new(
        options: WriterOptions,
        outputs: Option<Outputs>,
        jobs: &[Job],
        observer: &'a mut dyn WriteObserver,
    ) -> Self {
        let with_names = options.target == Target::StdoutMarkdown && jobs.len() > 1;
        let output = OutputOptions {
            with_names,
            to_terminal: options.to_terminal,
        };
        let stdout = OrderedOutput::new(io::stdout(), output);
        let numbers = jobs
            .iter()
            .enumerate()
            .map(|(number, job)| (job.id, number))
            .collect();
        Self {
            options,
            outputs,
            open: BTreeMap::new(),
            observer,
            stdout,
            numbers,
        }
    }

    /// The drawings that every document gets.
    fn views(&self) -> &'static [View] {
        if self.options.preprocesses {
            &ALL_VIEWS
        } else {
            &ALL_VIEWS[..2]
        }
    }

    fn add_page(&mut self, job: &Job, finished: FinishedPage) -> Result<(), String> {
        let (formats, views) = (self.options.formats, self.views());
        let Some(open) = self.open.get_mut(&job.id) else {
            return Ok(());
        };
        let FinishedPage {
            mut page,
            picture,
            steps,
            ..
        } = finished;
        open.add_pictures(&mut page, formats.images);
        if formats.vis && open.draws {
            let drawn = open.draw(views, &page, picture.as_ref(), steps);
            if let Err(reason) = drawn {
                // The drawings are lost, and nothing else.
                open.draws = false;
                open.vis.clear();
                open.fault(reason);
            }
        }
        open.written.count(&page);
        self.observer.page(job, &page);
        open.document.push(page);
        Ok(())
    }

    fn finish_document(&mut self, job: &Job) -> Result<DocumentEnd, String> {
        let Some(mut open) = self.open.remove(&job.id) else {
            return Ok(DocumentEnd::Whole);
        };
        restructure::finish(&mut open.document, &self.options.finish);
        open.written.warnings = page_warnings(&open.document.pages);
        match (&self.outputs, open.output.take()) {
            (Some(outputs), Some(mut output)) => {
                let vis = std::mem::take(&mut open.vis);
                let mut errors = std::mem::take(&mut open.faults);
                errors.extend(self.write_files(&open.document, &mut output, vis));
                let is_partial = !errors.is_empty() || !open.written.errors.is_empty();
                let outcome = if is_partial {
                    DocumentOutcome::Partial
                } else {
                    DocumentOutcome::Done
                };
                let name = output.name().clone();
                let (formats, suffixes) = (self.options.formats, self.options.formats.suffixes());
                let is_picture = |path: &std::path::Path| path.starts_with(name.picture_folder());
                let published = output.publish(outcome, &|path| {
                    is_place_of(&name, &suffixes, path) && (formats.images || !is_picture(path))
                });
                open.written.files = outputs.shown(&published);
                errors.extend(published.errors);
                if open.written.files.is_empty() && !errors.is_empty() {
                    return Err(errors.join("; "));
                }
                open.written.errors.extend(errors);
            }
            _ => self.print(job, &open.document)?,
        }
        let end = if open.written.errors.is_empty() {
            DocumentEnd::Whole
        } else {
            DocumentEnd::Partial
        };
        self.observer.written(job, open.written);
        Ok(end)
    }

    fn write_json(&self, out: &mut dyn Write, document: &Document) -> io::Result<()> {
        json::write(
            out,
            document,
            &self.options.json,
            self.options.finish.restructure.concatenate_pages,
        )
    }

    fn number(&self, job: &Job) -> usize {
        self.numbers.get(&job.id).copied().unwrap_or(job.id)
    }

    fn print(&mut self, job: &Job, document: &Document) -> Result<(), String> {
        let (number, json) = (self.number(job), &self.options.json);
        let concatenate = self.options.finish.restructure.concatenate_pages;
        let target = self.options.target;
        let written = self
            .stdout
            .finish(number, &job.file.given, |out| match target {
                Target::StdoutJson => json::write(out, document, json, concatenate),
                _ => out.write_all(markdown::document(document, &json.markdown).as_bytes()),
            });
        written.map_err(stdout_message)
    }

    /// Makes every file of a document; returns what went wrong, file by file.
    fn write_files(
        &self,
        document: &Document,
        output: &mut DocumentOutput,
        vis: Vec<(VisFile<OutputFile>, View)>,
    ) -> Vec<String> {
        let mut errors = Vec::new();
        let name = output.name().clone();
        let mut each = |suffix: &str, work: &mut dyn FnMut(PathBuf) -> Result<(), String>| {
            let done = catch_unwind(AssertUnwindSafe(|| work(name.file(suffix))));
            match done {
                Ok(Ok(())) => {}
                Ok(Err(reason)) => errors.push(reason),
                Err(_) => errors.push(format!(
                    "internal error while writing the file `...{suffix}`"
                )),
            }
        };
        for (file, view) in vis {
            let mut file = Some(file);
            each(view.suffix(), &mut |place| {
                let Some(file) = file.take() else {
                    return Ok(());
                };
                let added = file.finish(document).and_then(|out| output.add(out, place));
                added.map_err(|error| format!("failed to write a drawing: {error}"))
            });
        }
        let formats = self.options.formats;
        if formats.xlsx {
            each(".xlsx", &mut |place| match xlsx::workbook(document)
                .map_err(|e| format!("failed to make the workbook: {e}"))?
            {
                Some(bytes) => output.write(place, |out| out.write_all(&bytes)),
                None => Ok(()),
            });
        }
        if formats.json {
            each(".json", &mut |place| {
                output.write(place, |out| self.write_json(out, document))
            });
        }
        if formats.md {
            each(".md", &mut |place| {
                let text = markdown::document(document, &self.options.json.markdown);
                output.write(place, |out| out.write_all(text.as_bytes()))
            });
        }
        errors
    }
}

impl DocumentSink for DocumentWriter<'_> {
    fn begin(&mut self, job: &Job, page_count: usize, selected: usize, is_paged: bool) {
        let document = new_document(job, page_count, is_paged);
        let output = self.outputs.as_ref().and_then(|outputs| outputs.begin(job));
        let open = InProgress {
            document,
            output,
            vis: Vec::new(),
            draws: true,
            faults: Vec::new(),
            written: WrittenDocument::default(),
        };
        self.open.insert(job.id, open);
        self.observer.opened(job, selected);
    }

    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), String> {
        self.add_page(job, page)
    }

    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, String> {
        self.finish_document(job)
    }

    fn failed(&mut self, job: &Job, reason: &str) {
        let open = self.open.remove(&job.id).and_then(|open| open.output);
        // What is amiss with the output is told of a document that has something to write.
        let _ = self.stdout.give_up(self.number(job));
        // What could not even be opened is recorded as well.
        let output = open.or_else(|| self.outputs.as_ref().and_then(|outputs| outputs.begin(job)));
        if let Some((output, outcome)) = output.zip(outcome_of_failure(reason)) {
            output.give_up(outcome);
        }
        self.observer.failed(job, reason);
    }
}

fn stdout_message(error: io::Error) -> String {
    format!("cannot write to standard output: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_brings_its_pictures_unless_they_are_taken_away() {
        let formats = |names: &str| {
            Formats::from_names(names.split(',')).map(|f| [f.md, f.json, f.images, f.vis])
        };
        assert_eq!(formats("md"), Ok([true, false, true, false]));
        assert_eq!(formats("json"), Ok([false, true, false, false]));
        for names in ["md,-images", "-images,md", "md, images, -images"] {
            assert_eq!(formats(names), Ok([true, false, false, false]), "{names}");
        }
        assert_eq!(formats("-vis"), Ok([true, true, true, false]));
        assert_eq!(formats("md,-docx"), Err("-docx".into()));
        assert_eq!(formats("--md"), Err("--md".into()));
    }

    #[test]
    fn pages_in_a_row_with_the_same_error_are_one_message() {
        let mut written = WrittenDocument::default();
        let failed = |index: usize, reason: &str| Page::failed(index, reason.into());
        for (index, reason) in [
            (0, "a: b"),
            (2, "a: b"),
            (3, "a: b"),
            (4, "a: b"),
            (5, "c"),
            (6, "c"),
            (9, "c"),
        ] {
            written.count(&failed(index, reason));
        }
        let mut two = failed(10, "c");
        two.diagnostics.push(failed(10, "d").diagnostics.remove(0));
        written.count(&two);
        written.count(&failed(11, "d"));
        let expected = [
            "page 1: a: b",
            "pages 3-5: a: b",
            "pages 6-7: c",
            "page 10: c",
            "page 11: c",
            "page 11: d",
            "page 12: d",
        ];
        assert_eq!(
            (written.errors.as_slice(), written.pages),
            (&expected.map(String::from)[..], 9)
        );
    }
}
