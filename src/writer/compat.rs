//! The reference's files, written with `--compat` (docs/reference.md, "Output files"): one flat folder with a
//! result and a Markdown file per page, and pictures under the reference's names.

use super::answer::Answer;
use super::document_files::Files;
use super::format::{Format, Needs, PageWriter};
use super::kept::Finished;
use super::options::FormatOptions;
use super::{drawings, json, markdown, pictures, python_json};
use crate::document::{Document, Page};
use crate::engine::FinishedPage;
use crate::raster::Pixels;
use std::io::{self, Write};
use std::sync::Arc;

/// The reference's formats that are written, and the answer of its service; workbooks are not among them.
pub(super) const FORMATS: &[&dyn Format] = &[
    &PageMarkdown,
    &PageResults,
    &pictures::FLAT,
    &PageDrawings,
    &Answer,
];

/// Suffix of the stem in the names of a page's files, if pages are numbered.
fn numbered(page_index: Option<usize>) -> String {
    page_index.map_or_else(String::new, |index| format!("_{index}"))
}

/// File extension of drawings: the input's if it is a picture, else `png`.
fn drawing_extension(file_name: &str) -> &str {
    let extension = file_name.rsplit_once('.').map_or("", |(_, e)| e);
    if drawings::can_encode(extension) {
        extension
    } else {
        "png"
    }
}

/// The pages of each file, with the number in its name.
fn parts<'a>(document: &'a Document, options: &FormatOptions) -> Vec<(Option<usize>, &'a [Page])> {
    if options.concatenate_pages {
        return vec![(None, &document.pages)];
    }
    let pages = document.pages.iter();
    pages
        .map(|page| {
            let number = document.page_count.map(|_| page.page_index);
            (number, std::slice::from_ref(page))
        })
        .collect()
}

/// Makes the text of a file from its pages: a single page with its number, or all pages joined.
type MakeText = fn((Option<usize>, &[Page]), &Document, &FormatOptions) -> String;

/// One text file per page, or one for all.
struct PageTexts {
    ending: &'static str,
    options: Arc<FormatOptions>,
    text: MakeText,
}

impl PageWriter for PageTexts {
    fn page(&mut self, _: &FinishedPage, _: &mut Files) {}

    fn finish(self: Box<Self>, document: &Document, files: &mut Files) {
        for part in parts(document, &self.options) {
            let place = files.place(&format!("{}{}", numbered(part.0), self.ending));
            let text = (self.text)(part, document, &self.options);
            files.write(place, |out| out.write_all(text.as_bytes()));
        }
    }
}

/// Markdown, one file per page.
struct PageMarkdown;

impl Format for PageMarkdown {
    fn name(&self) -> &'static str {
        "md"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".md", "_0.md"]
    }

    fn write(&self, _: Finished, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, options: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        Some(Box::new(PageTexts {
            ending: ".md",
            options: options.clone(),
            text: |(_, pages), _, options| {
                let width = pages.first().map_or(0, |page| page.width);
                let blocks = pages.iter().flat_map(|page| &page.blocks);
                markdown::reference(blocks, width, &options.json.markdown)
            },
        }))
    }
}

/// Results, one file per page.
struct PageResults;

impl Format for PageResults {
    fn name(&self) -> &'static str {
        "json"
    }

    fn endings(&self) -> &'static [&'static str] {
        &["_res.json", "_0_res.json"]
    }

    fn write(&self, _: Finished, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, options: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        Some(Box::new(PageTexts {
            ending: "_res.json",
            options: options.clone(),
            text: |(page_index, pages), document, options| {
                let value = json::result_value(pages, document, page_index, &options.json);
                python_json::to_string(&value)
            },
        }))
    }
}

/// Pages with their detected regions drawn in, as pictures.
struct PageDrawings;

impl Format for PageDrawings {
    fn name(&self) -> &'static str {
        "vis"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[]
    }

    fn needs(&self) -> Needs {
        Needs {
            pixels: true,
            ..Needs::default()
        }
    }

    fn write(&self, _: Finished, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, options: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        Some(Box::new(PageDrawingWriter {
            options: options.clone(),
        }))
    }
}

struct PageDrawingWriter {
    options: Arc<FormatOptions>,
}

impl PageWriter for PageDrawingWriter {
    fn page(&mut self, finished: &FinishedPage, files: &mut Files) {
        let Some(pixels) = &finished.pixels else {
            return;
        };
        let page = &finished.page;
        let input_name = files.input_name().to_string_lossy().into_owned();
        let extension = drawing_extension(&input_name);
        let number = files.is_paged().then_some(page.page_index);
        let mut draw = |name: &str, picture: Pixels| {
            // Joined pages share a stem, so the number comes last.
            let ending = match number {
                Some(index) if self.options.concatenate_pages => {
                    format!("_{name}_{index}.{extension}")
                }
                number => format!("{}_{name}.{extension}", numbered(number)),
            };
            match drawings::encoded(&picture, extension) {
                Ok(bytes) => {
                    let place = files.place(&ending);
                    files.write(place, |out| out.write_all(&bytes));
                }
                Err(fault) => files.fault(fault),
            }
        };
        if self.options.json.markdown.use_layout_detection {
            draw("layout_det_res", drawings::layout(pixels, page));
        }
        if let Some((steps, done)) = finished.steps.as_ref().zip(page.preprocessed) {
            draw("preprocessed_img", drawings::preprocessed(steps, &done));
        }
        if let Some(found) = &page.spotting {
            draw("spotting_res_img", drawings::spotting(pixels, found));
        }
    }

    fn finish(self: Box<Self>, _: &Document, _: &mut Files) {}
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
