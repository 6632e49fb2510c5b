//! Decisions and requests of a run as JSON files: `stages.json`, `vlm_requests.json`, `markdown.json` and,
//! for documents of several pages, `restructured.json`, with crops and pages as PNG beside them.

use crate::document::{Block, Document, Label, Page};
use crate::engine::{DocumentEnd, DocumentSink, FinishedPage, Job, OpenedDocument, PageTrace};
use crate::fault::Fault;
use crate::layout::Region;
use crate::output::write_file;
use crate::plan::{FACTOR, PlannedBlock, Preparation, smart_resize};
use crate::raster::Pixels;
use crate::restructure::{RestructureOptions, drop_table_pictures, restructure_pages};
use crate::writer::json::{self, JsonOptions};
use crate::writer::markdown::{self, MarkdownOptions, VARIANTS};
use crate::writer::written::new_document;
use crate::writer::{drawings, python_json};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes the trace of every document into its folder, and forwards everything to another sink.
pub(crate) struct TraceWriter<'a> {
    folders: BTreeMap<usize, PathBuf>,
    options: JsonOptions,
    open: BTreeMap<usize, Traced>,
    inner: &'a mut dyn DocumentSink,
}

/// A document whose pages are still arriving.
struct Traced {
    document: Document,
    traces: Vec<PageTrace>,
}

impl<'a> TraceWriter<'a> {
    /// A writer into these folders, by job id.
    pub(crate) fn new(
        folders: BTreeMap<usize, PathBuf>,
        options: JsonOptions,
        inner: &'a mut dyn DocumentSink,
    ) -> Self {
        Self {
            folders,
            options,
            open: BTreeMap::new(),
            inner,
        }
    }

    fn write(&self, job: &Job, traced: Traced) -> Result<(), Fault> {
        let folder = &self.folders[&job.id];
        let Traced {
            mut document,
            traces,
        } = traced;
        let write = |name: &str, value: Value| {
            let text = format!("{}\n", python_json::to_string(&value));
            write_file(&folder.join(name), |out| out.write_all(text.as_bytes()))
        };
        drop_table_pictures(&mut document.pages);
        let whole = !self.options.markdown.use_layout_detection;
        let stages: Value = traces
            .iter()
            .zip(&document.pages)
            .map(|(t, p)| stage(t, p, whole))
            .collect();
        write("stages.json", json!({"pages": stages}))?;
        let mut requests = Vec::new();
        for (trace, page) in traces.iter().zip(&document.pages) {
            for (index, block) in trace.plan.blocks.iter().enumerate() {
                if let Some(value) = request(trace, index, block, page.page_index, folder)? {
                    requests.push(value);
                }
            }
        }
        write("vlm_requests.json", json!({"requests": requests}))?;
        let pages = traces
            .iter()
            .zip(&document.pages)
            .map(|(t, p)| self.markdown_page(t, p));
        write("markdown.json", json!({"pages": pages.collect::<Value>()}))?;
        if document.pages.len() > 1 {
            let stem = Path::new(&job.file.name)
                .file_stem()
                .map(|s| s.to_string_lossy().into_owned());
            write(
                "restructured.json",
                json!({"runs": self.restructured(&document, &stem.unwrap_or_default())}),
            )?;
        }
        Ok(())
    }

    fn markdown_page(&self, trace: &PageTrace, page: &Page) -> Value {
        let mut value = json!({"page": page.page_index});
        for (name, pretty, show_formula_number) in VARIANTS {
            let options = MarkdownOptions {
                pretty,
                show_formula_number,
                ..self.options.markdown.clone()
            };
            value[name] = markdown::reference(&page.blocks, page.width, &options).into();
        }
        // Pictures of removed blocks are dropped; those of the page stay.
        let belongs = |path: &str| {
            trace.plan.pictures.iter().any(|p| p.picture.path == path)
                || page
                    .blocks
                    .iter()
                    .any(|b| b.picture.as_ref().is_some_and(|p| p.path == path))
        };
        let pictures = trace.pictures.iter().filter(|(path, _)| belongs(path)).map(
            |(path, picture)| {
                let hash = &picture.rgb_sha256;
                (
                    path.clone(),
                    json!({"width": picture.width, "height": picture.height, "rgb_sha256": hash}),
                )
            },
        );
        value["images"] = Value::Object(pictures.collect());
        value
    }

    /// The document restructured with every combination of options, from results and from their saved form.
    fn restructured(&self, document: &Document, stem: &str) -> Vec<Value> {
        let switches = [true, false];
        let mut ways = Vec::new();
        for merge_tables in switches {
            for relevel_titles in switches {
                for concatenate_pages in switches {
                    ways.push(RestructureOptions {
                        merge_tables,
                        relevel_titles,
                        concatenate_pages,
                    });
                }
            }
        }
        let saved = Document {
            pages: document.pages.iter().map(|p| self.as_saved(p)).collect(),
            ..document.clone()
        };
        let from_results = ways
            .iter()
            .map(|way| self.run("results", document, way, stem));
        let from_saved = ways.iter().map(|way| self.run("json", &saved, way, stem));
        from_results.chain(from_saved).collect()
    }

    fn run(
        &self,
        source: &str,
        document: &Document,
        way: &RestructureOptions,
        stem: &str,
    ) -> Value {
        let mut pages = document.pages.clone();
        restructure_pages(&mut pages, way);
        let options = &self.options.markdown;
        let mut value = json!({
            "source": source,
            "merge_tables": way.merge_tables,
            "relevel_titles": way.relevel_titles,
            "concatenate_pages": way.concatenate_pages,
        });
        if way.concatenate_pages {
            let width = pages.first().map_or(0, |p| p.width);
            let blocks = pages.iter().flat_map(|p| &p.blocks);
            value["markdown"] = json!([markdown::reference(blocks, width, options)]);
            value["json"] = json::result_value(&pages, document, None, &self.options);
            value["page_count"] = pages.len().into();
            value["output_stem"] = stem.into();
        } else {
            let texts = pages
                .iter()
                .map(|p| markdown::reference(&p.blocks, p.width, options));
            value["markdown"] = texts.collect();
            value["blocks"] = pages
                .iter()
                .map(|p| p.blocks.iter().map(block_value).collect::<Value>())
                .collect();
        }
        value
    }

    /// A page as restored from its saved JSON: without heading levels, and with pictures only if their paths
    /// follow from labels and boxes (docs/reference.md, "Restructuring pages").
    fn as_saved(&self, page: &Page) -> Page {
        let mut page = page.clone();
        for block in &mut page.blocks {
            let marks = block.content.len() - block.content.trim_start_matches('#').len();
            let rest = &block.content[marks..];
            if marks > 0 && rest.starts_with(crate::document::is_space) {
                block.content = rest
                    .trim_start_matches(crate::document::is_space)
                    .to_string();
            }
            let restored = match block.label {
                Label::Image | Label::Seal => true,
                Label::Chart => !self.options.markdown.use_chart_recognition,
                _ => false,
            };
            block.picture = block.picture.take().filter(|_| restored);
        }
        page
    }
}

fn block_value(block: &Block) -> Value {
    json!({
        "label": block.label,
        "content": block.content,
        "title_level": block.title_level,
        "global_block_id": block.global_ids.map(|ids| ids.0),
        "global_group_id": block.global_ids.map(|ids| ids.1),
    })
}

/// A region as in the reference's traces and vectors.
pub(crate) fn region(region: &Region, is_whole_page: bool) -> Value {
    let mut value = json!({
        "cls_id": if is_whole_page { 0 } else { region.label.class_id() },
        "label": region.label,
        "score": region.score as f64,
        "coordinate": region.bbox.to_pixels(),
    });
    if !is_whole_page {
        value["order"] = json!(region.order);
    }
    if let Some(polygon) = &region.polygon {
        value["polygon_points"] = json!(json::points(polygon));
    }
    value
}

fn stage(trace: &PageTrace, page: &Page, is_whole_page: bool) -> Value {
    let detected = trace.plan.detected.iter().map(|d| {
        let mut found = Region::new(d.label, d.bbox, d.score);
        (found.order, found.polygon) = (d.order, d.polygon.clone());
        region(&found, is_whole_page)
    });
    let kept = trace.plan.kept.iter().map(|r| region(r, is_whole_page));
    let merged = trace.plan.blocks.iter().map(|block| {
        let mut value = json!({
            "label": block.region.label,
            "box": block.region.bbox.to_pixels(),
            "group_id": block.group_id,
            "has_image": block.crop.is_some(),
        });
        if let Some(crop) = &block.crop {
            let width = crop
                .areas
                .iter()
                .map(|a| a.bbox.width())
                .fold(0.0, f32::max);
            let height: f32 = crop.areas.iter().map(|a| a.bbox.height()).sum();
            value["image_size"] = json!([width as i64, height as i64]);
            if !crop.aligns.is_empty() {
                value["merge_aligns"] = crop.aligns.iter().map(|a| a.as_str()).collect();
            }
        }
        if let Some(polygon) = &block.region.polygon {
            value["polygon_points"] = json!(json::points(polygon));
        }
        value
    });
    json!({
        "page": page.page_index,
        "layout_boxes": detected.collect::<Value>(),
        "boxes_after_overlap_filter": kept.collect::<Value>(),
        "blocks_after_merge": merged.collect::<Value>(),
    })
}

/// The request about a block; its crop is saved as a picture unless it is the unchanged page.
fn request(
    trace: &PageTrace,
    index: usize,
    block: &PlannedBlock,
    page_index: usize,
    folder: &Path,
) -> Result<Option<Value>, Fault> {
    let Some((request, (crop, is_plain))) = block.request.as_ref().zip(trace.crops.get(&index))
    else {
        return Ok(None);
    };
    let figures = request.figures.iter().filter(|f| f.painted);
    let figures = figures.map(|f| (f.token.clone(), Value::from(f.path.clone())));
    let mut value = json!({
        "page": page_index,
        "block_index": index,
        "label": block.region.label,
        "bbox": block.region.bbox.to_pixels(),
        "prompt": request.task.prompt(),
        "width": crop.width,
        "height": crop.height,
        "rgb_sha256": crate::engine::TracedPicture::of(crop).rgb_sha256,
        "min_pixels": request.limits.min,
        "max_pixels": request.limits.max,
        "max_new_tokens": request.max_new_tokens,
        "skip_special_tokens": request.skip_special_tokens,
        "repetition_penalty": request.repetition_penalty,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "other_arguments": request.other_arguments,
        "figure_tokens": figures.collect::<serde_json::Map<_, _>>(),
        "response": trace.answers.get(&index),
        "is_plain_crop": is_plain,
        "pixel_exact": request.preparation != Preparation::Double && !request.figures.iter().any(|f| f.painted),
        "crop_file": null,
    });
    match smart_resize(crop.width, crop.height, FACTOR, request.limits, true) {
        Some(size) => value["vlm_input_size"] = json!([size.0, size.1]),
        None => value["vlm_input_error"] = "the crop is more than 200 times as long as wide".into(),
    }
    if !is_plain {
        let name = format!("crops/p{page_index}_b{index}.png");
        write_png(&folder.join(&name), crop)?;
        value["crop_file"] = name.into();
    }
    Ok(Some(value))
}

fn write_png(path: &Path, pixels: &Pixels) -> Result<(), Fault> {
    let bytes = drawings::encoded(pixels, "png").map_err(|fault| fault.within(path.display()))?;
    write_file(path, |out| out.write_all(&bytes))
}

impl DocumentSink for TraceWriter<'_> {
    fn begin(&mut self, job: &Job, opened: OpenedDocument) {
        let document = new_document(job, &opened);
        self.open.insert(
            job.id,
            Traced {
                document,
                traces: Vec::new(),
            },
        );
        self.inner.begin(job, opened);
    }

    fn page(&mut self, job: &Job, mut page: FinishedPage) -> Result<(), Fault> {
        if let (Some(traced), Some(trace)) = (self.open.get_mut(&job.id), page.trace.take()) {
            if let Some(pixels) = &page.pixels {
                write_png(
                    &self.folders[&job.id].join(format!("pages/p{}.png", page.page.page_index)),
                    pixels,
                )?;
            }
            let mut copy = page.page.clone();
            // Only the paths matter here.
            copy.blocks
                .iter_mut()
                .filter_map(|b| b.picture.as_mut())
                .for_each(|p| p.jpeg = None);
            copy.pictures.iter_mut().for_each(|p| p.jpeg = None);
            traced.document.pages.push(copy);
            traced.traces.push(*trace);
        }
        self.inner.page(job, page)
    }

    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, Fault> {
        if let Some(traced) = self.open.remove(&job.id) {
            self.write(job, traced)?;
        }
        self.inner.finish(job)
    }

    fn failed(&mut self, job: &Job, fault: &Fault) {
        self.open.remove(&job.id);
        self.inner.failed(job, fault);
    }
}
