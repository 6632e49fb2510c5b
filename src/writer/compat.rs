//! The files of the reference, as `--compat` asks for them (specification, section 1.5): everything flat in one
//! folder, one result and one Markdown file a page, pictures by the reference's names.

use super::json::{self, JsonOptions};
use super::{
    Formats, WriteObserver, WrittenDocument, drawings, markdown, new_document, python_json, write_file,
};
use crate::document::{Document, Page};
use crate::engine::{DocumentSink, FinishedPage, Job};
use crate::raster::Pixels;
use crate::restructure::{RestructureOptions, drop_table_pictures, restructure_pages};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Settings of the writer.
#[derive(Debug, Clone)]
pub struct CompatOptions {
    /// The save path.
    pub root: PathBuf,
    /// Which files; workbooks are none of the reference's.
    pub formats: Formats,
    /// Options of JSON and Markdown.
    pub json: JsonOptions,
    /// What is put together over pages; the reference's command puts nothing together.
    pub restructure: Option<RestructureOptions>,
}

/// Takes pages and writes the reference's files.
pub struct CompatWriter<'a> {
    options: CompatOptions,
    open: BTreeMap<usize, InProgress>,
    observer: &'a mut dyn WriteObserver,
}

/// A document of which pages are still to come.
struct InProgress {
    document: Document,
    written: WrittenDocument,
}

/// The stem of a document's files, and of a page's: with its number where pages are counted.
pub fn stem(file_name: &str, page_index: Option<usize>) -> String {
    let stem = Path::new(file_name).file_stem().map_or(file_name.into(), |s| s.to_string_lossy());
    page_index.map_or(stem.to_string(), |index| format!("{stem}_{index}"))
}

/// The ending of drawings: that of the input if it is a picture, else `png`.
fn drawing_extension(file_name: &str) -> &str {
    let extension = file_name.rsplit_once('.').map_or("", |(_, e)| e);
    if drawings::can_encode(extension) { extension } else { "png" }
}

impl<'a> CompatWriter<'a> {
    /// A writer.
    pub fn new(options: CompatOptions, observer: &'a mut dyn WriteObserver) -> Self {
        Self { options, open: BTreeMap::new(), observer }
    }

    /// Whether a document was written before.
    pub fn is_written(root: &Path, file_name: &str) -> bool {
        let result = |index| root.join(format!("{}_res.json", stem(file_name, index)));
        result(None).exists() || result(Some(0)).exists()
    }

    fn joins_pages(&self) -> bool {
        self.options.restructure.is_some_and(|r| r.concatenate_pages)
    }

    fn add_page(&mut self, job: &Job, finished: FinishedPage) -> Result<(), String> {
        let joined = self.joins_pages();
        let Some(open) = self.open.get_mut(&job.id) else { return Ok(()) };
        let file_name = job.file.name.to_string_lossy();
        let FinishedPage { mut page, pixels, steps, .. } = finished;
        let index = open.document.page_count.map(|_| page.page_index);
        let root = &self.options.root;
        let written = &mut open.written;
        let mut write = |path: PathBuf, bytes: &[u8]| {
            write_file(&path, |out| out.write_all(bytes))?;
            written.files.push(path);
            Ok::<(), String>(())
        };
        if self.options.formats.images {
            // The page's own pictures come later and win where names are equal (section 9.5).
            let of_blocks = page.blocks.iter().filter_map(|b| b.picture.as_ref());
            for picture in of_blocks.chain(&page.pictures) {
                if let Some(jpeg) = &picture.jpeg {
                    write(root.join(&picture.path), jpeg)?;
                }
            }
        }
        page.blocks.iter_mut().filter_map(|b| b.picture.as_mut()).for_each(|p| p.jpeg = None);
        page.pictures.iter_mut().for_each(|p| p.jpeg = None);
        if let (Some(pixels), true) = (&pixels, self.options.formats.vis) {
            let extension = drawing_extension(&file_name);
            let mut draw = |name: &str, picture: Pixels| {
                // Joined pages share a stem: the number comes last.
                let file = match index {
                    Some(index) if joined => {
                        format!("{}_{name}_{index}.{extension}", stem(&file_name, None))
                    }
                    index => format!("{}_{name}.{extension}", stem(&file_name, index)),
                };
                write(root.join(file), &drawings::encoded(&picture, extension)?)
            };
            if self.options.json.markdown.use_layout_detection {
                draw("layout_det_res", drawings::layout(pixels, &page))?;
            }
            if let Some((steps, done)) = steps.as_ref().zip(page.preprocessed) {
                draw("preprocessed_img", drawings::preprocessed(steps, &done))?;
            }
            if let Some(found) = &page.spotting {
                draw("spotting_res_img", drawings::spotting(pixels, found))?;
            }
        }
        open.written.count(&page);
        self.observer.page(job, &page);
        open.document.pages.push(page);
        Ok(())
    }

    fn finish_document(&mut self, job: &Job) -> Result<(), String> {
        let Some(open) = self.open.remove(&job.id) else { return Ok(()) };
        let written = self.write_results(job, open)?;
        self.observer.written(job, written);
        Ok(())
    }

    /// Writes what was read of a document.
    fn write_results(&self, job: &Job, open: InProgress) -> Result<WrittenDocument, String> {
        let InProgress { mut document, mut written } = open;
        let file_name = job.file.name.to_string_lossy();
        drop_table_pictures(&mut document.pages);
        let mut pages = std::mem::take(&mut document.pages);
        if let Some(options) = &self.options.restructure {
            restructure_pages(&mut pages, options);
        }
        if self.joins_pages() {
            self.write_result(&stem(&file_name, None), &pages, &document, None, &mut written)?;
        } else {
            for page in &pages {
                let index = document.page_count.map(|_| page.page_index);
                let part = std::slice::from_ref(page);
                self.write_result(&stem(&file_name, index), part, &document, index, &mut written)?;
            }
        }
        // Pictures of several pages can share a name.
        let mut seen = BTreeSet::new();
        written.files.retain(|file| seen.insert(file.clone()));
        Ok(written)
    }

    fn write_result(
        &self,
        stem: &str,
        pages: &[Page],
        document: &Document,
        page_index: Option<usize>,
        written: &mut WrittenDocument,
    ) -> Result<(), String> {
        let CompatOptions { root, formats, json, .. } = &self.options;
        let width = pages.first().map_or(0, |p| p.width);
        let mut write = |name: String, text: String| {
            let path = root.join(name);
            write_file(&path, |out| out.write_all(text.as_bytes()))?;
            written.files.push(path);
            Ok::<(), String>(())
        };
        if formats.json {
            let value = json::result_value(pages, document, page_index, json);
            write(format!("{stem}_res.json"), python_json::to_string(&value))?;
        }
        if formats.md {
            let blocks = pages.iter().flat_map(|p| &p.blocks);
            write(format!("{stem}.md"), markdown::reference(blocks, width, &json.markdown))?;
        }
        Ok(())
    }
}

impl DocumentSink for CompatWriter<'_> {
    fn begin(&mut self, job: &Job, page_count: usize, selected: usize, is_paged: bool) {
        let document = new_document(job, page_count, is_paged);
        self.open.insert(job.id, InProgress { document, written: WrittenDocument::default() });
        self.observer.opened(job, selected);
    }

    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), String> {
        self.add_page(job, page)
    }

    fn finish(&mut self, job: &Job) -> Result<(), String> {
        self.finish_document(job)
    }

    fn failed(&mut self, job: &Job, reason: &str) {
        // Pages that were read before keep their files, as the reference's do; what fails now failed before.
        if let Some(open) = self.open.remove(&job.id) {
            let _ = self.write_results(job, open);
        }
        self.observer.failed(job, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_reference() {
        assert_eq!(stem("a.b.pdf", Some(1)), "a.b_1");
        assert_eq!(stem("scan.png", None), "scan");
        assert_eq!((drawing_extension("a.pdf"), drawing_extension("a.TIFF")), ("png", "TIFF"));
    }
}
