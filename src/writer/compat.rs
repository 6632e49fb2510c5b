//! The files of the reference, as `--compat` asks for them (specification, section 1.5): everything flat in one
//! folder, one result and one Markdown file a page, pictures by the reference's names.

use super::json::{self, JsonOptions};
use super::{
    Formats, Outputs, WriteObserver, WrittenDocument, drawings, markdown, new_document,
    outcome_of_failure, page_warnings, python_json,
};
use crate::document::{Document, Page};
use crate::engine::{DocumentEnd, DocumentSink, FinishedPage, Job};
use crate::output::{DocumentOutcome, DocumentOutput};
use crate::raster::Pixels;
use crate::restructure::{RestructureOptions, drop_table_pictures, restructure_pages};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// Settings of the writer.
#[derive(Debug, Clone)]
pub struct CompatOptions {
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
    outputs: Outputs,
    open: BTreeMap<usize, InProgress>,
    observer: &'a mut dyn WriteObserver,
}

/// A document of which pages are still to come.
struct InProgress {
    document: Document,
    output: DocumentOutput,
    written: WrittenDocument,
}

/// What stands after the stem in a page's files, where pages are counted.
fn numbered(page_index: Option<usize>) -> String {
    page_index.map_or_else(String::new, |index| format!("_{index}"))
}

/// The ending of drawings: that of the input if it is a picture, else `png`.
fn drawing_extension(file_name: &str) -> &str {
    let extension = file_name.rsplit_once('.').map_or("", |(_, e)| e);
    if drawings::can_encode(extension) {
        extension
    } else {
        "png"
    }
}

impl<'a> CompatWriter<'a> {
    /// A writer.
    pub fn new(
        options: CompatOptions,
        outputs: Outputs,
        observer: &'a mut dyn WriteObserver,
    ) -> Self {
        Self {
            options,
            outputs,
            open: BTreeMap::new(),
            observer,
        }
    }

    fn joins_pages(&self) -> bool {
        self.options
            .restructure
            .is_some_and(|r| r.concatenate_pages)
    }

    fn add_page(&mut self, job: &Job, finished: FinishedPage) -> Result<(), String> {
        let joined = self.joins_pages();
        let Some(open) = self.open.get_mut(&job.id) else {
            return Ok(());
        };
        let file_name = job.file.name.to_string_lossy();
        let FinishedPage {
            mut page,
            pixels,
            steps,
            ..
        } = finished;
        let index = open.document.page_count.map(|_| page.page_index);
        let output = &mut open.output;
        let of_document = output.name().clone();
        let mut write =
            |place: PathBuf, bytes: &[u8]| output.write(place, |out| out.write_all(bytes));
        if self.options.formats.images {
            // The page's own pictures come later and win where names are equal (section 9.5).
            let of_blocks = page.blocks.iter().filter_map(|b| b.picture.as_ref());
            for picture in of_blocks.chain(&page.pictures) {
                if let Some(jpeg) = &picture.jpeg {
                    write(PathBuf::from(&picture.path), jpeg)?;
                }
            }
        }
        page.blocks
            .iter_mut()
            .filter_map(|b| b.picture.as_mut())
            .for_each(|p| p.jpeg = None);
        page.pictures.iter_mut().for_each(|p| p.jpeg = None);
        if let (Some(pixels), true) = (&pixels, self.options.formats.vis) {
            let extension = drawing_extension(&file_name);
            let mut draw = |name: &str, picture: Pixels| {
                // Joined pages share a stem: the number comes last.
                let file = match index {
                    Some(index) if joined => format!("_{name}_{index}.{extension}"),
                    index => format!("{}_{name}.{extension}", numbered(index)),
                };
                write(
                    of_document.file(&file),
                    &drawings::encoded(&picture, extension)?,
                )
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

    fn finish_document(&mut self, job: &Job) -> Result<DocumentEnd, String> {
        let Some(open) = self.open.remove(&job.id) else {
            return Ok(DocumentEnd::Whole);
        };
        let written = self.write_results(open, None)?;
        let end = if written.errors.is_empty() {
            DocumentEnd::Whole
        } else {
            DocumentEnd::Partial
        };
        self.observer.written(job, written);
        Ok(end)
    }

    /// Writes what was read of a document; `failure` where not all of it was.
    fn write_results(
        &self,
        open: InProgress,
        failure: Option<DocumentOutcome>,
    ) -> Result<WrittenDocument, String> {
        let InProgress {
            mut document,
            mut output,
            mut written,
        } = open;
        drop_table_pictures(&mut document.pages);
        let mut pages = std::mem::take(&mut document.pages);
        if let Some(options) = &self.options.restructure {
            restructure_pages(&mut pages, options);
        }
        written.warnings = page_warnings(&pages);
        let mut errors = Vec::new();
        if self.joins_pages() {
            errors.extend(self.write_result((None, &pages), &document, &mut output));
        } else {
            for page in &pages {
                let index = document.page_count.map(|_| page.page_index);
                let part = std::slice::from_ref(page);
                errors.extend(self.write_result((index, part), &document, &mut output));
            }
        }
        let is_partial = !errors.is_empty() || !written.errors.is_empty();
        let outcome = if is_partial {
            DocumentOutcome::Partial
        } else {
            DocumentOutcome::Done
        };
        // The reference removes nothing.
        let published = output.publish(failure.unwrap_or(outcome), &|_| false);
        written.files = self.outputs.shown(&published);
        errors.extend(published.errors);
        if written.files.is_empty() && !errors.is_empty() {
            return Err(errors.join("; "));
        }
        written.errors.extend(errors);
        Ok(written)
    }

    /// Makes the result and the Markdown of these pages; returns what went wrong.
    fn write_result(
        &self,
        (page_index, pages): (Option<usize>, &[Page]),
        document: &Document,
        output: &mut DocumentOutput,
    ) -> Vec<String> {
        let CompatOptions { formats, json, .. } = &self.options;
        let width = pages.first().map_or(0, |p| p.width);
        let mut errors = Vec::new();
        let (name, number) = (output.name().clone(), numbered(page_index));
        let mut write = |ending: &str, text: String| {
            let place = name.file(&format!("{number}{ending}"));
            errors.extend(
                output
                    .write(place, |out| out.write_all(text.as_bytes()))
                    .err(),
            );
        };
        if formats.json {
            let value = json::result_value(pages, document, page_index, json);
            write("_res.json", python_json::to_string(&value));
        }
        if formats.md {
            let blocks = pages.iter().flat_map(|p| &p.blocks);
            write(".md", markdown::reference(blocks, width, &json.markdown));
        }
        errors
    }
}

impl DocumentSink for CompatWriter<'_> {
    fn begin(&mut self, job: &Job, page_count: usize, selected: usize, is_paged: bool) {
        let document = new_document(job, page_count, is_paged);
        if let Some(output) = self.outputs.begin(job) {
            self.open.insert(
                job.id,
                InProgress {
                    document,
                    output,
                    written: WrittenDocument::default(),
                },
            );
        }
        self.observer.opened(job, selected);
    }

    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), String> {
        self.add_page(job, page)
    }

    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, String> {
        self.finish_document(job)
    }

    fn failed(&mut self, job: &Job, reason: &str) {
        // Pages that were read before keep their files, as the reference's do; what fails now failed before.
        if let Some(open) = self.open.remove(&job.id) {
            let _ = self.write_results(
                open,
                outcome_of_failure(reason).or(Some(DocumentOutcome::Failed)),
            );
        }
        self.observer.failed(job, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_reference() {
        assert_eq!(
            (numbered(Some(1)), numbered(None)),
            ("_1".to_string(), String::new())
        );
        assert_eq!(
            (drawing_extension("a.pdf"), drawing_extension("a.TIFF")),
            ("png", "TIFF")
        );
    }
}
