//! The `result` object of the reference's service (docs/reference.md, "HTTP service"): each page with its result,
//! its Markdown, and its pictures in base64. It is written for the service alone.
//!
//! Pictures are encoded as pages come and kept in a temporary file: those of a long document would fill the memory. Where the
//! service gives addresses (`as_files`), they are files beside the answer, which has their names.

mod ocr;

use super::document_files::Files;
use super::format::{Format, Needs, PageWriter};
use super::kept::Finished;
use super::options::{AnswerForm, FormatOptions, MarkdownOptions, OcrForm};
use super::{docx, drawings, json, markdown};
use crate::document::{Document, DocumentInfo, Page};
use crate::engine::FinishedPage;
use crate::fault::Fault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Ending of the file.
pub(crate) const ENDING: &str = "_answer.json";
/// Longest side of a picture in pixels (docs/reference.md, "HTTP service").
const MOST_SIDE: usize = 2000;
/// Folder of the files whose names an answer has, after the stem.
const FOLDER: &str = "_answer";
/// Name of the format.
pub(crate) const NAME: &str = "answer";

/// The format of the service.
pub(super) struct Answer;

impl Format for Answer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn endings(&self) -> &'static [&'static str] {
        &[ENDING]
    }

    /// The service asks for pixels where they are drawn.
    fn needs(&self) -> Needs {
        Needs {
            block_pictures: true,
            ..Needs::default()
        }
    }

    fn is_default(&self) -> bool {
        false
    }

    fn is_hidden(&self) -> bool {
        true
    }

    fn write(&self, _: Finished, _: &FormatOptions, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    fn start(&self, options: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        Some(Box::new(AnswerWriter {
            form: options.answer.unwrap_or_default(),
            options: options.clone(),
            pictures: None,
            pages: BTreeMap::new(),
            fault: None,
        }))
    }
}

struct AnswerWriter {
    form: AnswerForm,
    options: Arc<FormatOptions>,
    pictures: Option<File>,
    /// Place and length in it of each page's object `{"images", "outputImages", "inputImage"}`, by the page's index.
    pages: BTreeMap<usize, (u64, usize)>,
    fault: Option<Fault>,
}

/// A picture as the service sends it.
fn encoded(pixels: &crate::raster::Pixels) -> Result<Vec<u8>, Fault> {
    drawings::encoded(&pixels.within(MOST_SIDE), "jpg")
}

impl AnswerWriter {
    /// What stands in the answer for a file: its bytes in base64, or its name below the save path.
    fn given(&self, files: &mut Files, name: &str, bytes: &[u8]) -> Value {
        if !self.form.as_files {
            return STANDARD.encode(bytes).into();
        }
        let place = files.place(&format!("{FOLDER}/{name}"));
        let shown = place.to_string_lossy().into_owned();
        files.write(place, |out| out.write_all(bytes));
        shown.into()
    }

    /// The pictures of a page: `images` as the answer has them, `bytes` in base64 for Word documents, and the drawings.
    fn pictures_of(&self, finished: &FinishedPage, files: &mut Files) -> Result<Value, Fault> {
        let page = &finished.page;
        let index = page.page_index;
        let (mut images, mut bytes) = (Map::new(), Map::new());
        for picture in page.all_pictures() {
            let Some(jpeg) = &picture.jpeg else {
                continue;
            };
            let path = &picture.path;
            if self.form.images {
                let name = format!("markdown_{index}/{path}");
                images.insert(path.clone(), self.given(files, &name, jpeg));
            }
            if self.form.docx.is_some() {
                bytes.insert(path.clone(), STANDARD.encode(jpeg).into());
            }
        }
        let mut drawn = Map::new();
        let mut input = Value::Null;
        let (is_ocr, has_layout) = (
            self.form.ocr.is_some(),
            self.form.ocr.is_none() && self.options.json.markdown.use_layout_detection,
        );
        if let Some(pixels) = finished.pixels.as_ref().filter(|_| self.form.visualize) {
            let mut draw = |name: &str, drawing: &crate::raster::Pixels| -> Result<(), Fault> {
                let given = self.given(files, &format!("{name}_{index}.jpg"), &encoded(drawing)?);
                drawn.insert(name.into(), given);
                Ok(())
            };
            if has_layout {
                draw("layout_det_res", &drawings::layout(pixels, page))?;
            }
            if let Some((steps, done)) = finished.steps.as_ref().zip(page.preprocessed) {
                draw("preprocessed_img", &drawings::preprocessed(steps, &done))?;
            }
            if let Some(form) = &self.form.ocr {
                draw(
                    "ocr_res_img",
                    &drawings::spotting(pixels, &ocr::drawn(page, form)),
                )?;
            }
            if let Some(found) = page.spotting.as_ref().filter(|_| !is_ocr) {
                draw("spotting_res_img", &drawings::spotting(pixels, found))?;
            }
            let name = format!("input_img_{index}.jpg");
            input = self.given(files, &name, &encoded(pixels)?);
        }
        Ok(json!({"images": images, "bytes": bytes, "outputImages": drawn, "inputImage": input}))
    }

    fn keep(&mut self, pictures: &Value) -> io::Result<(u64, usize)> {
        let file = match &mut self.pictures {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let place = file.seek(SeekFrom::End(0))?;
        let bytes = serde_json::to_vec(pictures)?;
        file.write_all(&bytes)?;
        Ok((place, bytes.len()))
    }

    /// The pictures of a page.
    fn kept(&self, index: usize) -> io::Result<Value> {
        let Some((file, (place, length))) = self.pictures.as_ref().zip(self.pages.get(&index))
        else {
            return Ok(Value::Null);
        };
        let mut bytes = vec![0; *length];
        file.read_exact_at(&mut bytes, *place)?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    fn page_result(
        &self,
        index: usize,
        page: &Page,
        document: &Document,
        files: &mut Files,
    ) -> io::Result<Value> {
        let mut pictures = self.kept(index)?;
        if let Some(form) = &self.form.ocr {
            return Ok(self.ocr_result(page, document, form, pictures));
        }
        let mut result = Map::new();
        result.insert("prunedResult".into(), pruned(page, document, &self.options));
        let blocks = page.blocks.iter();
        let text = markdown::reference(blocks, page.width, &self.options.json.markdown);
        let mut written = json!({"text": text});
        let exported = self.form.docx.map(|seconds| -> io::Result<Value> {
            let name = format!("{seconds}_{:04}.docx", index % 10_000);
            let none = Map::new();
            let bytes = pictures["bytes"].as_object().unwrap_or(&none);
            let pages = vec![with_pictures(page.clone(), bytes)];
            let bytes = word_document(pages, &document.info, &self.options.json.markdown)?;
            let content = self.given(files, &name, &bytes);
            Ok(exports(content, &name))
        });
        if self.form.images {
            let images = pictures["images"].take();
            written["images"] = if images.is_null() { json!({}) } else { images };
        }
        result.insert("markdown".into(), written);
        if self.form.visualize {
            result.insert("outputImages".into(), pictures["outputImages"].take());
            result.insert("inputImage".into(), pictures["inputImage"].take());
        }
        if let Some(exported) = exported {
            result.insert("exports".into(), exported?);
        }
        Ok(result.into())
    }
}

impl AnswerWriter {
    /// The result of a page that is answered as lines.
    fn ocr_result(
        &self,
        page: &Page,
        document: &Document,
        form: &OcrForm,
        mut pictures: Value,
    ) -> Value {
        let preprocessed = page
            .preprocessed
            .map(|_| pruned(page, document, &self.options)["doc_preprocessor_res"].take());
        let mut result = json!({"prunedResult": ocr::pruned(page, form, preprocessed)});
        let drawings = [
            ("ocrImage", "/outputImages/ocr_res_img"),
            ("docPreprocessingImage", "/outputImages/preprocessed_img"),
            ("inputImage", "/inputImage"),
        ];
        for (field, place) in drawings {
            if let Some(picture) = pictures.pointer_mut(place).filter(|value| !value.is_null()) {
                result[field] = picture.take();
            }
        }
        result
    }
}

/// A page with the bytes of its pictures, which are in base64.
fn with_pictures(mut page: Page, images: &Map<String, Value>) -> Page {
    let of_blocks = page
        .blocks
        .iter_mut()
        .filter_map(|block| block.picture.as_mut());
    for picture in of_blocks.chain(&mut page.pictures) {
        let encoded = images.get(&picture.path).and_then(Value::as_str);
        picture.jpeg = encoded.and_then(|encoded| Some(STANDARD.decode(encoded).ok()?.into()));
    }
    page
}

/// Pages, with their pictures, as a Word document.
pub(crate) fn word_document(
    pages: Vec<Page>,
    info: &DocumentInfo,
    options: &MarkdownOptions,
) -> io::Result<Vec<u8>> {
    let document = Document {
        input_path: String::new(),
        pages,
        page_count: None,
        info: info.clone(),
    };
    docx::bytes(Finished::from(&document), &document.pages, options)
}

/// The exports of an answer: a Word document, in base64 or by the name of its file.
pub(crate) fn exports(content: Value, name: &str) -> Value {
    json!({"docx": {"content": content, "fileName": name}})
}

/// The result of a page without the keys that name its file, at every depth.
fn pruned(page: &Page, document: &Document, options: &FormatOptions) -> Value {
    let mut json = options.json.clone();
    // Numbers and contents as the reference has them.
    json.compat = true;
    let pages = std::slice::from_ref(page);
    let mut value = json::result_value(pages, document, Some(page.page_index), &json);
    // Pages reach the reference's pipeline as pictures, which have no number.
    value["page_count"] = Value::Null;
    prune(&mut value);
    value
}

/// Removes `input_path` and `page_index` at every depth.
pub(crate) fn prune(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, _| !matches!(key.as_str(), "input_path" | "page_index"));
            map.values_mut().for_each(prune);
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        _ => {}
    }
}

impl AnswerWriter {
    fn write(&self, document: &Document, files: &mut Files, out: &mut dyn Write) -> io::Result<()> {
        let list = match self.form.ocr {
            Some(_) => "ocrResults",
            None => "layoutParsingResults",
        };
        write!(out, "{{\"{list}\":[")?;
        for (at, (index, page)) in each_page(document).enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            let result = self.page_result(index, page, document, files)?;
            serde_json::to_writer(&mut *out, &result)?;
        }
        out.write_all(b"],\"dataInfo\":")?;
        serde_json::to_writer(&mut *out, &data_info(document, self.form))?;
        let failed = failures(document);
        if !failed.is_empty() {
            out.write_all(b",\"errors\":")?;
            serde_json::to_writer(&mut *out, &failed)?;
        }
        out.write_all(b"}")
    }
}

impl PageWriter for AnswerWriter {
    fn page(&mut self, page: &FinishedPage, files: &mut Files) {
        let kept = self.pictures_of(page, files).and_then(|pictures| {
            let kept = self.keep(&pictures);
            kept.map_err(|error| Fault::io("cannot keep pictures", &error))
        });
        match kept {
            Ok(kept) => drop(self.pages.insert(page.page.page_index, kept)),
            Err(fault) => {
                self.fault.get_or_insert_with(|| fault.clone());
                files.fault(fault);
            }
        }
    }

    fn finish(self: Box<Self>, document: &Document, files: &mut Files) {
        if self.fault.is_some() {
            return; // told already
        }
        // Not by `Files::write`: writing pages may write further files.
        let written = files.create().and_then(|mut out| {
            self.write(document, files, &mut out)?;
            files.add(out, ENDING)
        });
        if let Err(error) = written {
            files.fault(Fault::io("the answer cannot be written", &error));
        }
    }
}

/// The pages with their indices: one that stands for several comes several times.
fn each_page(document: &Document) -> impl Iterator<Item = (usize, &Page)> {
    let pages = document.pages.iter();
    pages.flat_map(|page| (0..page.stands_for()).map(move |i| (page.page_index + i, page)))
}

/// Sizes of the pages.
fn data_info(document: &Document, form: AnswerForm) -> Value {
    let size = |page: &Page| json!({"width": page.width, "height": page.height});
    match document.page_count {
        Some(_) => json!({
            "numPages": each_page(document).count(),
            "pages": each_page(document).map(|(_, page)| size(page)).collect::<Vec<_>>(),
            "type": if form.is_pdf { "pdf" } else { "tiff" },
        }),
        None => {
            let mut info = document.pages.first().map_or(json!({}), size);
            info["type"] = "image".into();
            info
        }
    }
}

/// Pages and blocks that failed. The reference gives no answer then; ours has the others.
fn failures(document: &Document) -> Vec<Value> {
    let of_page = |page: &Page| {
        let errors = page.diagnostics.iter();
        let errors = errors.filter(|told| told.severity == crate::document::Severity::Error);
        let error = |told: &crate::document::Diagnostic| {
            json!({
                "page": page.page_index + 1,
                "code": told.code,
                "reason": told.reason,
                "message": told.message,
            })
        };
        errors.map(error).collect::<Vec<_>>()
    };
    document.pages.iter().flat_map(of_page).collect()
}
