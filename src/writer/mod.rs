//! Writers: one file for each output format, the plan of output paths, and [`DocumentWriter`], which takes pages
//! as they come and writes everything of a document.
//!
//! Files appear by write-then-rename: one that exists is complete. Pictures and page pictures are written while
//! pages come in, text when the whole document is known. Writers never change a document.

pub mod compat;
mod drawings;
pub mod json;
pub mod markdown;
pub mod paths;
mod python_json;
pub mod trace;
mod vis;
mod xlsx;

use crate::document::{Document, Page, Severity};
use crate::engine::{DocumentSink, FinishedPage, Job};
use crate::restructure::{self, RestructureOptions};
use json::JsonOptions;
use paths::OutputStem;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
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
    pub const ALL: Formats = Formats { md: true, json: true, xlsx: true, images: true, vis: true };
    /// Their names on the command line.
    pub const NAMES: [&'static str; 5] = ["md", "json", "xlsx", "images", "vis"];

    /// The formats of these names; the name that is none, if there is one.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Formats, String> {
        let mut formats = Formats { md: false, json: false, xlsx: false, images: false, vis: false };
        for name in names {
            match name.trim() {
                "md" => formats.md = true,
                "json" => formats.json = true,
                "xlsx" => formats.xlsx = true,
                "images" => formats.images = true,
                "vis" => formats.vis = true,
                other => return Err(other.to_string()),
            }
        }
        Ok(formats)
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

/// Settings of the writer.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// The save path; not used for standard output.
    pub root: PathBuf,
    /// Where documents go.
    pub target: Target,
    /// Which files.
    pub formats: Formats,
    /// Options of JSON and Markdown.
    pub json: JsonOptions,
    /// What is put together over pages.
    pub restructure: RestructureOptions,
    /// Whether regions were found in the text, so that the whole document has still to be asked what they are.
    pub regions_from_text: bool,
    /// Whether document preprocessing runs, so that every document gets a comparison.
    pub preprocesses: bool,
}

/// The drawings of a document; the last one only where pages are preprocessed.
const ALL_VIEWS: [View; 3] = [View::Layout, View::Order, View::Preprocessed];
/// JPEG quality of comparisons, as that of the other drawings.
const COMPARISON_QUALITY: u8 = 72;

/// What was written for a document.
#[derive(Debug, Clone, Default)]
pub struct WrittenDocument {
    /// Files, in the order in which they were written.
    pub files: Vec<PathBuf>,
    /// Messages of failed pages and blocks, `page 3: ...`; of pages in a row with the same one, `pages 3-7: ...`.
    pub errors: Vec<String>,
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
        self.pages += 1;
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
            && message.split_once(": ").is_some_and(|(_, before)| before == *error)
        {
            *message = format!("pages {first}-{number}: {error}");
            self.last = Some((first, number));
            return;
        }
        self.last = (errors.len() == 1).then_some((number, number));
        self.errors.extend(errors.iter().map(|error| format!("page {number}: {error}")));
    }
}

/// A document of which no page has come yet.
fn new_document(job: &Job, page_count: usize, is_paged: bool) -> Document {
    let page_count = is_paged.then_some(page_count);
    Document { input_path: job.file.given.clone(), pages: Vec::new(), page_count }
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
    pictures: Option<PathBuf>,
    vis: Vec<(VisFile, PathBuf, View)>,
    written: WrittenDocument,
}

/// Takes pages and writes documents.
pub struct DocumentWriter<'a> {
    options: WriterOptions,
    stems: Vec<OutputStem>,
    open: BTreeMap<usize, InProgress>,
    observer: &'a mut dyn WriteObserver,
}

impl<'a> DocumentWriter<'a> {
    /// A writer for jobs whose ids are positions in `stems`.
    pub fn new(options: WriterOptions, stems: Vec<OutputStem>, observer: &'a mut dyn WriteObserver) -> Self {
        Self { options, stems, open: BTreeMap::new(), observer }
    }

    fn to_files(&self) -> bool {
        self.options.target == Target::Files
    }

    /// The drawings that every document gets.
    fn views(&self) -> &'static [View] {
        if self.options.preprocesses { &ALL_VIEWS } else { &ALL_VIEWS[..2] }
    }

    fn path(&self, job: &Job, suffix: &str) -> PathBuf {
        self.stems[job.id].file(&self.options.root, suffix)
    }

    /// The folder of a document's pictures, and where they lie until the document is finished.
    fn picture_folders(&self, job: &Job) -> (PathBuf, PathBuf) {
        let base = self.options.root.join(&self.stems[job.id].folder).join("imgs");
        let stem = &self.stems[job.id].stem;
        (base.join(stem), base.join(format!(".{stem}.part")))
    }

    fn add_page(&mut self, job: &Job, finished: FinishedPage) -> Result<(), String> {
        let (_, part) = self.picture_folders(job);
        let images = self.options.formats.images && self.to_files();
        let vis_paths: Vec<_> =
            self.views().iter().map(|view| (part_path(&self.path(job, view.suffix())), *view)).collect();
        let wants_vis = self.options.formats.vis && self.to_files();
        let Some(open) = self.open.get_mut(&job.id) else { return Ok(()) };
        let FinishedPage { mut page, picture, steps, .. } = finished;
        // The page's own pictures come later and win where paths are equal.
        let of_blocks = page.blocks.iter_mut().filter_map(|b| b.picture.as_mut());
        for picture in of_blocks.chain(&mut page.pictures) {
            let jpeg = picture.jpeg.take();
            if let (Some(jpeg), true) = (jpeg, images) {
                let name = picture.path.rsplit('/').next().unwrap_or(&picture.path);
                if open.pictures.is_none() {
                    let _ = fs::remove_dir_all(&part);
                    fs::create_dir_all(&part).map_err(|e| io_message(&part, &e))?;
                    open.pictures = Some(part.clone());
                }
                let path = part.join(name);
                fs::write(&path, &jpeg).map_err(|e| io_message(&path, &e))?;
            }
        }
        if wants_vis {
            if open.vis.is_empty() {
                for (path, view) in vis_paths {
                    make_parent(&path)?;
                    let file = VisFile::create(&path, view).map_err(|e| io_message(&path, &e))?;
                    open.vis.push((file, path, view));
                }
            }
            let picture = picture.as_ref().map(|(jpeg, width, height)| (jpeg.as_ref(), *width, *height));
            let comparison =
                steps.zip(page.preprocessed).map(|(steps, done)| drawings::preprocessed(&steps, &done));
            let comparison = comparison
                .map(|drawn| drawn.to_jpeg(COMPARISON_QUALITY).map(|jpeg| (jpeg, drawn.width, drawn.height)));
            let comparison =
                comparison.transpose().map_err(|e| format!("failed to encode a comparison: {e}"))?;
            let comparison =
                comparison.as_ref().map(|(jpeg, width, height)| (jpeg.as_slice(), *width, *height));
            for (file, path, view) in &mut open.vis {
                let picture = if *view == View::Preprocessed { comparison } else { picture };
                file.add_picture(picture).map_err(|e| io_message(path, &e))?;
            }
        }
        open.written.count(&page);
        self.observer.page(job, &page);
        open.document.push(page);
        Ok(())
    }

    /// Asks the whole document what single pages cannot tell.
    fn restructure(&self, document: &mut Document) {
        restructure::drop_table_pictures(&mut document.pages);
        let mut options = self.options.restructure;
        if self.options.regions_from_text {
            restructure::text::restructure(document, options.relevel_titles);
            options.relevel_titles = false;
        }
        restructure::restructure_pages(&mut document.pages, &options);
    }

    fn finish_document(&mut self, job: &Job) -> Result<(), String> {
        let Some(mut open) = self.open.remove(&job.id) else { return Ok(()) };
        self.restructure(&mut open.document);
        let document = &open.document;
        let json = &self.options.json;
        let write_json = |out: &mut dyn Write| {
            json::write(out, document, json, self.options.restructure.concatenate_pages)
        };
        let formats = self.options.formats;
        match self.options.target {
            Target::StdoutMarkdown => {
                to_stdout(|out| out.write_all(markdown::document(document, &json.markdown).as_bytes()))?
            }
            Target::StdoutJson => to_stdout(|out| write_json(out))?,
            Target::Files => {
                let (final_folder, _) = self.picture_folders(job);
                if formats.images && final_folder.exists() {
                    // Pictures of an earlier run: their names say nothing about this one.
                    fs::remove_dir_all(&final_folder).map_err(|e| io_message(&final_folder, &e))?;
                }
                if let Some(part) = open.pictures.take() {
                    fs::rename(&part, &final_folder).map_err(|e| io_message(&final_folder, &e))?;
                    open.written.files.extend(files_in(&final_folder));
                }
                for (file, part, view) in std::mem::take(&mut open.vis) {
                    let path = self.path(job, view.suffix());
                    file.finish(document).map_err(|e| io_message(&path, &e))?;
                    fs::rename(&part, &path).map_err(|e| io_message(&path, &e))?;
                    open.written.files.push(path);
                }
                if formats.xlsx {
                    let path = self.path(job, ".xlsx");
                    match xlsx::workbook(document).map_err(|e| format!("failed to make the workbook: {e}"))? {
                        Some(bytes) => {
                            write_file(&path, |out| out.write_all(&bytes))?;
                            open.written.files.push(path);
                        }
                        None => drop(fs::remove_file(&path)), // one of an earlier run would be a lie
                    }
                }
                if formats.json {
                    let path = self.path(job, ".json");
                    write_file(&path, |out| write_json(out))?;
                    open.written.files.push(path);
                }
                if formats.md {
                    let path = self.path(job, ".md");
                    let text = markdown::document(document, &json.markdown);
                    write_file(&path, |out| out.write_all(text.as_bytes()))?;
                    open.written.files.push(path);
                }
            }
        }
        self.observer.written(job, open.written);
        Ok(())
    }
}

impl DocumentSink for DocumentWriter<'_> {
    fn begin(&mut self, job: &Job, page_count: usize, selected: usize, is_paged: bool) {
        let document = new_document(job, page_count, is_paged);
        let open =
            InProgress { document, pictures: None, vis: Vec::new(), written: WrittenDocument::default() };
        self.open.insert(job.id, open);
        self.observer.opened(job, selected);
    }

    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), String> {
        self.add_page(job, page)
    }

    fn finish(&mut self, job: &Job) -> Result<(), String> {
        self.finish_document(job)
    }

    fn failed(&mut self, job: &Job, reason: &str) {
        self.open.remove(&job.id);
        if self.to_files() {
            // Parts of files that will not be finished.
            let _ = fs::remove_dir_all(self.picture_folders(job).1);
            for view in ALL_VIEWS {
                let _ = fs::remove_file(part_path(&self.path(job, view.suffix())));
            }
        }
        self.observer.failed(job, reason);
    }
}

/// The text files by which `--skip-existing` tells that a document was written before.
pub fn is_written(root: &Path, stem: &OutputStem, formats: Formats) -> bool {
    // A document without tables has no workbook and one without pictures no folder: they tell nothing, unless
    // nothing else was asked for.
    let mut expected = Vec::new();
    if formats.md {
        expected.push(stem.file(root, ".md"));
    }
    if formats.json {
        expected.push(stem.file(root, ".json"));
    }
    if formats.vis {
        expected.extend([View::Layout, View::Order].map(|view| stem.file(root, view.suffix())));
    }
    if expected.is_empty() && formats.xlsx {
        expected.push(stem.file(root, ".xlsx"));
    }
    if expected.is_empty() {
        expected.push(root.join(&stem.folder).join("imgs").join(&stem.stem));
    }
    expected.iter().all(|path| path.exists())
}

/// Checks that the save path can be written to, making it if needed. Before any work is done.
pub fn check_writable(root: &Path) -> Result<(), String> {
    fs::create_dir_all(root).map_err(|e| io_message(root, &e))?;
    let probe = tempfile::Builder::new().prefix(".docparse-").tempfile_in(root);
    probe.map(drop).map_err(|e| io_message(root, &e))
}

fn io_message(path: &Path, error: &io::Error) -> String {
    format!("cannot write `{}`: {error}", path.display())
}

fn make_parent(path: &Path) -> Result<(), String> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|e| io_message(parent, &e)),
        None => Ok(()),
    }
}

/// The name a file has until it is complete.
fn part_path(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.part"))
}

/// Writes a file under another name, then renames it.
fn write_file(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), String> {
    make_parent(path)?;
    let part = part_path(path);
    let written = File::create(&part).and_then(|file| {
        let mut out = BufWriter::new(file);
        write(&mut out)?;
        out.flush()
    });
    written.and_then(|()| fs::rename(&part, path)).map_err(|error| {
        let _ = fs::remove_file(&part);
        io_message(path, &error)
    })
}

/// Writes to standard output; a reader that has gone is no error.
fn to_stdout(write: impl FnOnce(&mut dyn WriteSized) -> io::Result<()>) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(|error| format!("cannot write to standard output: {error}")),
    }
}

/// A writer behind a reference, for functions that take `impl Write`.
trait WriteSized: Write {}
impl<T: Write> WriteSized for T {}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_in_a_row_with_the_same_error_are_one_message() {
        let mut written = WrittenDocument::default();
        let failed = |index: usize, reason: &str| Page::failed(index, reason.into());
        for (index, reason) in
            [(0, "a: b"), (2, "a: b"), (3, "a: b"), (4, "a: b"), (5, "c"), (6, "c"), (9, "c")]
        {
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
        assert_eq!((written.errors.as_slice(), written.pages), (&expected.map(String::from)[..], 9));
    }
}
