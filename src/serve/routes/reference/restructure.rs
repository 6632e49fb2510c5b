//! `/restructure-pages`: tables over pages, levels of headings and one joined result, from results of before.

use super::addresses::Pictures;
use super::answers::failed;
use super::fields::Fields;
use crate::document::{Block, Document, DocumentInfo, Label, Page, Picture};
use crate::fault::Fault;
use crate::geometry::Rect;
use crate::restructure::{self, FinishOptions, RestructureOptions};
use crate::serve::admission;
use crate::serve::error::ApiError;
use crate::serve::json_size;
use crate::serve::limits::Limits;
use crate::serve::request::RequestId;
use crate::serve::state::Server;
use crate::serve::upload::JsonBody;
use crate::serve::wait::{self, Wanted};
use crate::writer::answer::{exports, prune, word_document};
use crate::writer::markdown::{self, MarkdownOptions};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Most values of a page. A page with a thousand lines and their boxes has a tenth of them.
const MOST_VALUES: usize = 500_000;
/// Bytes in memory of what is made of a block: itself, its picture, its copy for a Word document and its new members.
const BLOCK: usize = 1536;
/// The part of the memory limit that the pages of a request may take when they are read: what is made of them takes as
/// much again, the engine needs its own, and there are several requests.
const SHARE: u64 = 8;

/// Restructures pages.
pub(crate) async fn restructure_pages(
    State(server): State<Arc<Server>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
) -> Response {
    let received = async {
        admission::admit(&server)?;
        JsonBody::receive(&server, request.into_body(), &["pages"]).await
    };
    let body = match received.await {
        Ok(body) => body,
        Err(error) => return failed(&request_id, error),
    };
    // It is no job: so many at once, and the others wait.
    let turn = server.light.clone().acquire_owned().await;
    let most = server.options.limits.max_document_pages;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let id = request_id.clone();
    let done = wait::blocking_while_wanted(move |wanted| {
        let mut log_id = id;
        let _turn = turn;
        let result = restructured(&server, &body, most, wanted, &mut log_id);
        (result, log_id)
    });
    match done.await {
        Ok((Ok(result), log_id)) => Json(json!({
            "logId": log_id,
            "result": {"layoutParsingResults": result},
            "errorCode": 0,
            "errorMsg": "Success",
        }))
        .into_response(),
        Ok((Err(error), log_id)) => failed(&log_id, error),
        Err(error) => failed(&request_id, ApiError::io(&error)),
    }
}

/// A page of before.
struct Given {
    result: Value,
    images: Map<String, Value>,
}

/// A request.
struct Asked {
    given: Vec<Given>,
    options: RestructureOptions,
    pretty: bool,
    show_formula_number: bool,
    returns_images: bool,
    docx: bool,
}

/// Reads all fields of a request with at most so many pages.
fn read(fields: &mut Fields, most: usize) -> Asked {
    let given = pages(fields, most);
    let mut on = |field: &str, default: bool| fields.bool(field).unwrap_or(default);
    let asked = Asked {
        given,
        options: RestructureOptions {
            merge_tables: on("mergeTables", true),
            relevel_titles: on("relevelTitles", true),
            concatenate_pages: on("concatenatePages", false),
        },
        pretty: on("prettifyMarkdown", true),
        show_formula_number: on("showFormulaNumber", false),
        returns_images: on("returnMarkdownImages", true),
        docx: fields.docx(),
    };
    fields.check_log_id();
    asked
}

fn restructured(
    server: &Server,
    body: &JsonBody,
    most: usize,
    wanted: &Wanted,
    log_id: &mut String,
) -> Result<Vec<Value>, ApiError> {
    let mut fields = Fields::of(body.bytes())?;
    if let Some(id) = fields.log_id() {
        *log_id = id;
    }
    let limits = &server.options.limits;
    let memory = fields
        .raw("pages")
        .map(|pages| json_size::memory(pages.get()).0);
    let memory = memory.unwrap_or(0);
    check_memory(memory, limits)?;
    let asked = read(&mut fields, most);
    fields.checked()?;
    let lists = asked
        .given
        .iter()
        .map(|given| &given.result["parsing_res_list"]);
    let blocks: usize = lists.filter_map(Value::as_array).map(Vec::len).sum();
    check_memory(memory + blocks * BLOCK, limits)?;
    wanted.check()?;
    let Asked {
        given,
        options,
        pretty,
        show_formula_number,
        returns_images,
        docx,
    } = asked;
    let mut document = Document {
        input_path: String::new(),
        pages: given
            .iter()
            .enumerate()
            .map(|(i, given)| page(i, given))
            .collect(),
        page_count: None,
        info: DocumentInfo::default(),
    };
    wanted.check()?;
    let finish = FinishOptions {
        restructure: Some(options),
        regions_from_text: false,
    };
    restructure::finish(&mut document, &finish);
    let markdown_options = |index: usize| MarkdownOptions {
        pretty,
        show_formula_number,
        ..markdown_of(&given[index].result["model_settings"])
    };
    let settings: Vec<MarkdownOptions> = (0..given.len()).map(markdown_options).collect();
    let concatenates = options.concatenate_pages;
    let count = given.len();
    let mut pictures = Pictures::new(server);
    let mut answer = |result: Value,
                      pages: &[Page],
                      options: &MarkdownOptions,
                      images: Map<String, Value>|
     -> Result<Value, ApiError> {
        let blocks = pages.iter().flat_map(|page| &page.blocks);
        let width = pages.first().map_or(0, |page| page.width);
        wanted.check()?;
        let mut written = json!({"text": markdown::reference(blocks, width, options)});
        let exported = docx.then(|| -> Result<Value, ApiError> {
            let name = match concatenates {
                true => ".docx".to_string(),
                false => format!("_{}.docx", pages.first().map_or(0, |page| page.page_index)),
            };
            let mut pages = pages.to_vec();
            pictures.put_into(&mut pages, &images)?;
            let bytes = word_document(pages, &document.info, options)?;
            Ok(exports(STANDARD.encode(bytes).into(), &name))
        });
        if returns_images {
            written["images"] = images.into();
        }
        let mut answer = json!({"prunedResult": result, "markdown": written});
        if let Some(exported) = exported {
            answer["exports"] = exported?;
        }
        Ok(answer)
    };
    let mut results = Vec::new();
    let mut joined: Option<(Value, Map<String, Value>)> = None;
    for (index, given) in given.into_iter().enumerate() {
        let Given { mut result, images } = given;
        update(&mut result, &document.pages[index]);
        match (&mut joined, concatenates) {
            (_, false) => {
                let pages = std::slice::from_ref(&document.pages[index]);
                results.push(answer(result, pages, &settings[index], images)?);
            }
            (None, true) => {
                let mut first = result;
                for key in LISTS {
                    if let Some(value) = first.get_mut(key) {
                        *value = json!([value.take()]);
                    }
                }
                joined = Some((first, images));
            }
            (Some((all, of_all)), true) => {
                join(all, result);
                of_all.extend(images);
            }
        }
    }
    if let Some((mut all, images)) = joined {
        all["page_count"] = count.into();
        number(&mut all);
        results.push(answer(all, &document.pages, &settings[0], images)?);
    }
    Ok(results)
}

/// Keys whose values are a list in a joined result, one for each page.
const LISTS: [&str; 2] = ["doc_preprocessor_res", "layout_det_res"];

/// Refuses pages that would take too much memory, in bytes, before it is taken.
fn check_memory(memory: usize, limits: &Limits) -> Result<(), ApiError> {
    if memory as u64 <= limits.memory_limit / SHARE {
        return Ok(());
    }
    let what = format_args!(
        "`pages` would take up to {memory} bytes of memory, of which a request may have one part in {SHARE}"
    );
    Err(ApiError::too_large(limits, "memory_limit", what))
}

/// The pages of a request, of which there may be so many.
fn pages(fields: &mut Fields, most: usize) -> Vec<Given> {
    let Some(raw) = fields.raw("pages") else {
        fields.wrong("missing", "pages", "Field required");
        return Vec::new();
    };
    let Ok(list) = json_size::first_of(raw, most.saturating_add(1)) else {
        fields.wrong("list_type", "pages", "Input should be a valid list");
        return Vec::new();
    };
    if list.len() > most {
        let message = format!("List should have at most {most} items after validation");
        fields.wrong("too_long", "pages", message);
        return Vec::new();
    }
    let mut pages = Vec::new();
    for (index, raw) in list.into_iter().enumerate() {
        if json_size::memory(raw.get()).1 > MOST_VALUES {
            let loc = format!("pages[{index}]");
            let message = format!("Input should have at most {MOST_VALUES} values");
            fields.wrong("too_long", &loc, message);
            continue;
        }
        let Ok(page) = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()) else {
            let loc = format!("pages[{index}]");
            let message = "Input should be a valid dictionary or object to extract fields from";
            fields.wrong("model_attributes_type", &loc, message);
            continue;
        };
        let loc = format!("pages[{index}].prunedResult");
        let result = match page.get("prunedResult") {
            None => {
                fields.wrong("missing", &loc, "Field required");
                continue;
            }
            Some(result) => serde_json::from_str::<Value>(result.get()).unwrap_or_default(),
        };
        if !result.is_object() {
            fields.wrong("dict_type", &loc, "Input should be a valid dictionary");
            continue;
        }
        let images = page.get("markdownImages").map(|images| images.get());
        let images = match images.map(serde_json::from_str::<Option<Map<String, Value>>>) {
            Some(Err(_)) => {
                let loc = format!("pages[{index}].markdownImages");
                fields.wrong("dict_type", &loc, "Input should be a valid dictionary");
                Map::new()
            }
            Some(Ok(images)) => images.unwrap_or_default(),
            None => Map::new(),
        };
        pages.push(Given { result, images });
    }
    pages
}

/// The page that a result is of, as far as the steps look at it.
fn page(index: usize, given: &Given) -> Page {
    let mut page = Page::failed(index, Fault::internal(""));
    page.diagnostics.clear();
    let size = |key: &str| given.result[key].as_u64().unwrap_or(0) as usize;
    (page.width, page.height) = (size("width"), size("height"));
    let blocks = given.result["parsing_res_list"].as_array();
    // Of pictures with one box, the first counts.
    let mut images = HashMap::new();
    for path in given.images.keys() {
        if let Some(ending) = box_ending(path) {
            images.entry(ending).or_insert(path.as_str());
        }
    }
    page.blocks = blocks
        .into_iter()
        .flatten()
        .map(|value| block(value, &images))
        .collect();
    page
}

/// The end of a picture's path that tells its box: `_X1_Y1_X2_Y2.jpg`.
fn box_ending(path: &str) -> Option<&str> {
    let (at, _) = path.strip_suffix(".jpg")?.rmatch_indices('_').nth(3)?;
    Some(&path[at..])
}

/// A block of a page whose pictures have these paths, by the ends that tell their boxes.
fn block(value: &Value, images: &HashMap<&str, &str>) -> Block {
    let name = value["block_label"].as_str().unwrap_or_default();
    // Labels that no pipeline has are treated as text.
    let label = Label::from_name(name).unwrap_or(Label::Text);
    let side = |i: usize| value["block_bbox"][i].as_f64().unwrap_or(0.0) as f32;
    let bbox = Rect {
        x1: side(0),
        y1: side(1),
        x2: side(2),
        y2: side(3),
    };
    let mut block = Block::new(label, bbox, 1.0);
    block.content = value["block_content"].as_str().unwrap_or_default().into();
    let [x1, y1, x2, y2] = bbox.to_pixels();
    // Results hold no paths of pictures: those of the page are found by the box, others have the reference's name.
    let end = format!("_{x1}_{y1}_{x2}_{y2}.jpg");
    let path = match images.get(end.as_str()) {
        Some(known) => known.to_string(),
        None => format!("imgs/img_in_{name}_box{end}"),
    };
    block.picture = Some(Picture { path, jpeg: None });
    block
}

/// Options of Markdown, from the settings that a result tells.
fn markdown_of(settings: &Value) -> MarkdownOptions {
    let default = MarkdownOptions::default();
    let on = |key: &str, default: bool| settings[key].as_bool().unwrap_or(default);
    let ignored = settings["markdown_ignore_labels"].as_array();
    MarkdownOptions {
        ignore_labels: match ignored {
            Some(labels) => labels
                .iter()
                .filter_map(|l| l.as_str().map(String::from))
                .collect(),
            None => default.ignore_labels.clone(),
        },
        use_layout_detection: on("use_layout_detection", true),
        use_chart_recognition: on("use_chart_recognition", false),
        use_seal_recognition: on("use_seal_recognition", false),
        use_ocr_for_image_block: on("use_ocr_for_image_block", false),
        ..default
    }
}

/// Puts what the steps have changed into a result.
fn update(result: &mut Value, page: &Page) {
    prune(result);
    let written = result.get_mut("parsing_res_list");
    let written = written.and_then(Value::as_array_mut);
    for (value, block) in written.into_iter().flatten().zip(&page.blocks) {
        if !value.is_object() {
            continue;
        }
        value["block_content"] = block.content.as_str().into();
        if let Some((id, group)) = block.global_ids {
            value["global_block_id"] = id.into();
            value["global_group_id"] = group.into();
        }
    }
}

/// Adds a page to a joined result.
fn join(all: &mut Value, mut page: Value) {
    for key in ["parsing_res_list", LISTS[0], LISTS[1]] {
        let list = all.get_mut(key).and_then(Value::as_array_mut);
        let Some((list, value)) = list.zip(page.get_mut(key)) else {
            continue;
        };
        match (key, value) {
            ("parsing_res_list", Value::Array(blocks)) => list.append(blocks),
            (_, value) => list.push(value.take()),
        }
    }
}

/// Numbers the blocks of a joined result.
fn number(all: &mut Value) {
    let mut order = 0;
    let blocks = all
        .get_mut("parsing_res_list")
        .and_then(Value::as_array_mut);
    for (id, block) in blocks.into_iter().flatten().enumerate() {
        if !block.is_object() {
            continue;
        }
        block["block_id"] = id.into();
        if !block["block_order"].is_null() {
            order += 1;
            block["block_order"] = order.into();
        }
    }
}

/// A text about what is wrong with pages, for tests.
#[cfg(test)]
fn told(body: &str) -> String {
    let mut fields = Fields::of(body.as_bytes()).unwrap();
    pages(&mut fields, 10);
    fields
        .checked()
        .err()
        .map_or_else(String::new, |error: ApiError| error.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::openapi;

    #[test]
    fn what_is_read_is_what_is_described() {
        let mut fields = Fields::of(b"{}").unwrap();
        read(&mut fields, 1);
        let mut described = openapi::names(openapi::RESTRUCTURE_PAGES);
        described.sort_unstable();
        assert_eq!(fields.asked(), described);
    }

    #[test]
    fn pictures_are_found_by_the_box_at_the_end_of_their_path() {
        let images = [
            "a_1_2_3_4.jpg",
            "b_1_2_3_4.jpg",
            "c.jpg",
            "d_11_2_3_4.jpg",
            "_-5_0_7_8.jpg",
        ];
        let given = Given {
            result: json!({"parsing_res_list": [
                {"block_bbox": [1, 2, 3, 4]}, {"block_bbox": [11, 2, 3, 4]}, {"block_bbox": [-5, 0, 7, 8]},
                {"block_label": "image", "block_bbox": [9, 2, 3, 4]},
            ]}),
            images: images
                .map(|path| (path.into(), json!("")))
                .into_iter()
                .collect(),
        };
        let page = page(0, &given);
        let paths = page
            .blocks
            .iter()
            .map(|block| block.picture.as_ref().unwrap().path.as_str());
        let expected = [
            images[0],
            images[3],
            images[4],
            "imgs/img_in_image_box_9_2_3_4.jpg",
        ];
        assert_eq!(paths.collect::<Vec<_>>(), expected);
        assert_eq!(
            box_ending("imgs/img_in_image_box_1_2_3_4.jpg"),
            Some("_1_2_3_4.jpg")
        );
        assert_eq!(box_ending("1_2_3.jpg"), None);
        assert_eq!(box_ending("_1_2_3_4.png"), None);
    }

    #[test]
    fn pages_of_too_many_values_are_refused() {
        let page = |values: usize| {
            let list = "0,".repeat(values);
            format!(r#"{{"pages": [{{"prunedResult": {{"parsing_res_list": [{list}0]}}}}]}}"#)
        };
        assert_eq!(told(&page(1000)), "");
        let refused = told(&page(MOST_VALUES));
        assert!(
            refused.contains("too_long") && refused.contains("body.pages[0]"),
            "{refused}"
        );
    }

    #[test]
    fn what_is_no_page_is_told_with_its_place() {
        assert!(told("{}").contains("body.pages\""));
        assert!(told(r#"{"pages": 1}"#).contains("list_type"));
        assert!(
            told(r#"{"pages": [{"markdownImages": {}}]}"#).contains("body.pages[0].prunedResult")
        );
        assert!(
            told(r#"{"pages": [{"prunedResult": {}, "markdownImages": []}]}"#)
                .contains("markdownImages")
        );
        assert_eq!(told(r#"{"pages": [{"prunedResult": {}}]}"#), "");
    }
}
