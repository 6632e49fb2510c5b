//! `/v1/convert`, `/v1/status` and `/v1/result`: docling's service. A task is a job; whoever asks without `/async` waits for
//! it, and is told its number where that takes too long.

#[cfg(test)]
mod tests;

use super::jobs::{self, text_of};
use super::parts;
use super::results::removal;
use crate::fault::Reason;
use crate::serve::admission;
use crate::serve::body::{self, BodyWriter};
use crate::serve::docling::{
    self, Given, ShownPictures, Source, Wishes, doctags, document, invalid, plain_text,
};
use crate::serve::error::ApiError;
use crate::serve::fetch::fetch;
use crate::serve::finished::{Finished, is_of_file};
use crate::serve::json_size;
use crate::serve::keys::Owner;
use crate::serve::order::Order;
use crate::serve::spool::{
    DoclingContent, DoclingOptions, FileProgress, JobError, JobState, JobStatus, PictureMode,
};
use crate::serve::state::Server;
use crate::serve::upload::{self, Budget, JsonBody};
use crate::serve::wait;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::sync::Arc;
use tokio::task::block_in_place;
use zip::write::{SimpleFileOptions, ZipWriter};

/// The part of the form that files are in.
const FILES: &str = "files";
/// The name of a zip of results.
const ZIP_NAME: &str = "attachment; filename=\"converted_docs.zip\"";

/// An order as JSON.
#[derive(Debug, Deserialize)]
struct JsonOrder<'a> {
    /// `options` and `sources` are left as they stand in the body, which may be long.
    #[serde(borrow, default)]
    options: Option<&'a RawValue>,
    #[serde(borrow, default)]
    sources: Option<&'a RawValue>,
    #[serde(default)]
    target: Option<Target>,
    #[serde(default)]
    callbacks: Vec<IgnoredAny>,
}

/// Where a result goes.
#[derive(Debug, Deserialize)]
struct Target {
    kind: String,
}

/// A file of an order.
#[derive(Debug, Deserialize)]
struct JsonSource<'a> {
    kind: Option<String>,
    filename: Option<String>,
    url: Option<String>,
    /// Left as it stands in the body, which may be long.
    #[serde(borrow)]
    base64_string: Option<&'a RawValue>,
}

/// A form whose sender waits.
pub(crate) async fn file(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    request: Request,
) -> Result<Response, ApiError> {
    let order = from_form(&server, &owner, request).await?;
    finish(&server, order).await
}

/// A form.
pub(crate) async fn file_async(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    request: Request,
) -> Result<Response, ApiError> {
    let order = from_form(&server, &owner, request).await?;
    start(&server, order).await
}

/// A JSON body whose sender waits.
pub(crate) async fn source(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    request: Request,
) -> Result<Response, ApiError> {
    let order = from_json(&server, &owner, request.into_body()).await?;
    finish(&server, order).await
}

/// A JSON body.
pub(crate) async fn source_async(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    request: Request,
) -> Result<Response, ApiError> {
    let order = from_json(&server, &owner, request.into_body()).await?;
    start(&server, order).await
}

async fn from_form(
    server: &Arc<Server>,
    owner: &Owner,
    request: Request,
) -> Result<Order, ApiError> {
    admission::admit(server)?;
    let mut order = jobs::empty(server, owner)?;
    let parts = parts::receive(server, &mut order, request, FILES, |_| Ok(())).await?;
    if order.incoming.files().is_empty() {
        let at = ["body", FILES];
        return Err(ApiError::field("missing", &at, "Field required", None));
    }
    if parts.has("callbacks") {
        return Err(no_callbacks());
    }
    let given = Given::of_form(parts.texts);
    let target = given.text("target_type")?;
    apply(&mut order, given.wishes(target)?)?;
    Ok(order)
}

async fn from_json(server: &Arc<Server>, owner: &Owner, body: Body) -> Result<Order, ApiError> {
    admission::admit(server)?;
    let mut order = jobs::empty(server, owner)?;
    let body = JsonBody::receive(server, body, &[]).await?;
    let wrong = |error: ApiError| ApiError::field("value_error", &["body"], &error.message, None);
    let given: JsonOrder = block_in_place(|| body.parse()).map_err(wrong)?;
    let at = ["body", "sources"];
    let Some(sources) = given.sources else {
        return Err(ApiError::field("missing", &at, "Field required", None));
    };
    let sources: Vec<JsonSource> =
        block_in_place(|| jobs::files_of(server, sources)).map_err(wrong)?;
    if sources.is_empty() {
        let message = "List should have at least 1 item after validation, not 0";
        return Err(ApiError::field("too_short", &at, message, None));
    }
    if !given.callbacks.is_empty() {
        return Err(no_callbacks());
    }
    let mut budget = Budget::new(server);
    for source in &sources {
        add_source(server, &mut order, source, &mut budget).await?;
    }
    let target = given.target.as_ref().map(|target| target.kind.as_str());
    let options = match given.options {
        Some(options) => json_size::object("options", options.get())?,
        None => Map::new(),
    };
    let options = Given::of_json(options);
    apply(&mut order, options.wishes(target)?)?;
    Ok(order)
}

async fn add_source(
    server: &Server,
    order: &mut Order,
    source: &JsonSource<'_>,
    budget: &mut Budget<'_>,
) -> Result<(), ApiError> {
    let missing = |name: &str| {
        let at = ["body", "sources", name];
        ApiError::field("missing", &at, "Field required", None)
    };
    jobs::one_more(server, &order.incoming)?;
    match (source.kind.as_deref(), &source.url) {
        (Some("file"), _) => {}
        (Some("http"), Some(url)) => {
            let fetched = fetch(server, &mut order.incoming, url, None, budget);
            return fetched.await.map(drop);
        }
        (Some("http"), None) => return Err(missing("url")),
        _ => {
            let message = "Input should be file or http";
            return Err(invalid(&["body", "sources"], "kind", message));
        }
    }
    let Some(content) = source.base64_string else {
        return Err(missing("base64_string"));
    };
    let Some(name) = &source.filename else {
        return Err(missing("filename"));
    };
    block_in_place(|| {
        let text = text_of(content)?;
        upload::base64_file(budget, &mut order.incoming, &text, name)
    })
}

fn no_callbacks() -> ApiError {
    ApiError::not_allowed("this server calls nobody back; poll the task's status")
}

fn apply(order: &mut Order, wishes: Wishes) -> Result<(), ApiError> {
    for file in order.incoming.files() {
        wishes.check(&file.name)?;
    }
    order.settings = wishes.settings;
    order.formats = wishes.formats;
    order.pages = wishes.pages;
    order.docling = Some(wishes.shown);
    Ok(())
}

/// Waits for the result of an order.
async fn finish(server: &Arc<Server>, order: Order) -> Result<Response, ApiError> {
    let status = wait::ordered(server, order).await?;
    if !status.state.is_final() {
        // The work is not lost: it has a number.
        let location = format!("/v1/status/poll/{}", status.record.id);
        let task = task(server, &status).await?;
        return Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(task)).into_response());
    }
    answer(server, status, false).await
}

/// Says where an order will be.
async fn start(server: &Arc<Server>, order: Order) -> Result<Response, ApiError> {
    let id = wait::placed(server, order).await?;
    let status = wait::status(server, &id).await?;
    let status = status.ok_or_else(no_task)?;
    Ok(Json(task(server, &status).await?).into_response())
}

fn no_task() -> ApiError {
    ApiError::not_found("Task not found.")
}

/// The query of a status.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PollQuery {
    #[serde(default)]
    wait: f64,
}

pub(super) async fn own_task(
    server: &Arc<Server>,
    owner: &Owner,
    id: &str,
) -> Result<JobStatus, ApiError> {
    jobs::own_job(server, owner, id)
        .await
        .map_err(|error| match error.status {
            StatusCode::NOT_FOUND => no_task(),
            _ => error,
        })
}

/// How far a task is.
pub(crate) async fn poll(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Path(id): Path<String>,
    Query(query): Query<PollQuery>,
) -> Result<Json<Value>, ApiError> {
    let mut status = own_task(&server, &owner, &id).await?;
    if query.wait > 0.0 && !status.state.is_final() {
        status = wait::as_asked(&server, &id, query.wait).await?;
    }
    Ok(Json(task(&server, &status).await?))
}

/// The result of a task.
pub(crate) async fn result(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let status = own_task(&server, &owner, &id).await?;
    if !status.state.is_final() {
        let message = "Task result not found. Please wait for a completion status.";
        return Err(ApiError::not_found(message));
    }
    let single_use = server.options.single_use_results;
    answer(&server, status, single_use).await
}

/// A job as a task.
pub(super) async fn task(server: &Arc<Server>, status: &JobStatus) -> Result<Value, ApiError> {
    let id = status.record.id.clone();
    let position = match status.state {
        JobState::Queued => {
            let (server, id) = (server.clone(), id.clone());
            wait::blocking(move || position(&server, &id)).await??
        }
        _ => None,
    };
    let name = match status.state {
        JobState::Queued => "pending",
        JobState::Running => "started",
        JobState::Done | JobState::Partial => "success",
        JobState::Failed | JobState::Canceled => "failure",
    };
    let none = Vec::new();
    let files = status.progress.as_ref().map_or(&none, |p| &p.files);
    let count = |states: &[JobState]| {
        let files = files.iter();
        files.filter(|file| states.contains(&file.state)).count()
    };
    let failed = [JobState::Failed, JobState::Canceled];
    let error = (name == "failure").then(|| why(status));
    Ok(json!({
        "task_id": id,
        "task_type": "convert",
        "task_status": name,
        "task_position": position,
        "task_meta": {
            "num_docs": status.record.files.len(),
            "num_processed": files.iter().filter(|file| file.state.is_final()).count(),
            "num_succeeded": count(&[JobState::Done]),
            "num_partially_succeeded": count(&[JobState::Partial]),
            "num_failed": count(&failed),
        },
        "error_message": error,
    }))
}

/// Position of a job among those that nobody works on, from 1.
fn position(server: &Server, id: &str) -> io::Result<Option<usize>> {
    let open = server.spool.open_jobs()?.into_iter();
    let mut waiting = open.filter(|open| !server.work.has(open));
    Ok(waiting.position(|open| open == id).map(|at| at + 1))
}

/// Why a job has no result.
fn why(status: &JobStatus) -> String {
    let error = status.outcome.as_ref().and_then(|end| end.error.as_ref());
    match (error, status.state) {
        (Some(error), _) => error.message.clone(),
        (None, JobState::Canceled) => "the task was cancelled".into(),
        (None, _) => "the task has no result".into(),
    }
}

/// The contents of a document.
#[derive(Debug, Default, Serialize)]
struct Document {
    filename: String,
    md_content: Option<String>,
    json_content: Option<Box<RawValue>>,
    html_content: Option<String>,
    text_content: Option<String>,
    doctags_content: Option<String>,
}

/// The answer of a task with one document.
#[derive(Debug, Serialize)]
struct Answer {
    document: Document,
    status: &'static str,
    errors: Vec<Value>,
    processing_time: f64,
    timings: Map<String, Value>,
}

/// The result of a job that has ended.
async fn answer(
    server: &Arc<Server>,
    status: JobStatus,
    removes: bool,
) -> Result<Response, ApiError> {
    // Jobs of other dialects can be asked for here, too.
    let shown = status.record.docling.clone().unwrap_or(DoclingOptions {
        contents: vec![DoclingContent::Md],
        pictures: PictureMode::Referenced,
        page_break: None,
        zip: false,
    });
    let has_result = Finished::of(server, &status).is_some();
    if has_result && (shown.zip || status.record.files.len() > 1) {
        return Ok(zipped(server.clone(), status, shown, removes));
    }
    let (answering, id) = (server.clone(), status.record.id.clone());
    let text = wait::blocking(move || -> Result<Vec<u8>, ApiError> {
        let answer = one(&answering, &status, &shown)?;
        Ok(serde_json::to_vec(&answer).map_err(io::Error::other)?)
    });
    let text = text.await??;
    let on_sent = removal(server, &id).filter(|_| removes);
    let body = body::written_then(move |out| out.write_all(&text), on_sent);
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

fn one(server: &Server, status: &JobStatus, shown: &DoclingOptions) -> Result<Answer, ApiError> {
    let files = status.progress.as_ref().map(|progress| &progress.files);
    let file = files.and_then(|files| files.first());
    let document = match Finished::of(server, status) {
        Some(finished) => contents(status, &finished, 0, shown)?,
        None => None,
    };
    let name = |status: &JobStatus| {
        let file = status.record.files.first();
        file.map(|file| file.name.clone()).unwrap_or_default()
    };
    let state = match (&document, file.map(|file| file.state)) {
        (Some(_), Some(JobState::Partial)) => "partial_success",
        (Some(_), _) => "success",
        (None, _) => "failure",
    };
    let mut errors = file.map(errors_of).unwrap_or_default();
    if document.is_none() && errors.is_empty() {
        errors.push(error_item("pipeline", &why(status), None));
    }
    let began = status.progress.as_ref().map(|p| p.started_ms);
    let ended = status.outcome.as_ref().map(|outcome| outcome.finished_ms);
    let ms = began.zip(ended).map(|(b, e)| e.saturating_sub(b));
    Ok(Answer {
        document: document.unwrap_or_else(|| Document {
            filename: name(status),
            ..Document::default()
        }),
        status: state,
        errors,
        processing_time: ms.unwrap_or(0) as f64 / 1000.0,
        timings: Map::new(),
    })
}

/// What is wrong with a file.
fn errors_of(file: &FileProgress) -> Vec<Value> {
    let item = |error: &JobError| {
        let is_of = |reasons: &[Reason]| reasons.iter().any(|reason| reason.name() == error.code);
        let component = if is_of_file(error) {
            "document_backend"
        } else if is_of(&[Reason::Model, Reason::Server, Reason::Device]) {
            "model"
        } else {
            "pipeline"
        };
        let message = match error.page {
            Some(page) => format!("page {page}: {}", error.message),
            None => error.message.clone(),
        };
        error_item(component, &message, error.page)
    };
    file.errors.iter().map(item).collect()
}

fn error_item(component: &str, message: &str, page: Option<usize>) -> Value {
    let mut item = json!({
        "component_type": component,
        "module_name": "docparse",
        "error_message": message,
    });
    if let Some(page) = page {
        item["page_no"] = page.into();
    }
    item
}

/// The contents made of a file; `None` if no page of it could be read.
fn contents(
    status: &JobStatus,
    finished: &Finished<'_>,
    index: usize,
    shown: &DoclingOptions,
) -> Result<Option<Document>, ApiError> {
    let (Some(parsed), Some(file)) = (finished.parsed(index)?, status.record.files.get(index))
    else {
        return Ok(None);
    };
    if !parsed.is_readable() {
        return Ok(None);
    }
    let pictures = ShownPictures::new(finished, index, shown.pictures, &parsed);
    let source = Source {
        name: &file.name,
        sha256: &file.sha256,
    };
    let mut contents = Document {
        filename: file.name.clone(),
        ..Document::default()
    };
    for content in &shown.contents {
        match content {
            DoclingContent::Md => {
                let text = finished.text(index, ".md")?;
                let page_break = shown.page_break.as_deref();
                let made = text.map(|text| docling::markdown(&text, page_break, &pictures));
                contents.md_content = made;
            }
            DoclingContent::Html => {
                let text = finished.text(index, ".html")?;
                contents.html_content = text.map(|text| docling::html(&text, &pictures));
            }
            DoclingContent::Text => contents.text_content = Some(plain_text(&parsed)),
            DoclingContent::Json => {
                let document = document(&parsed, &source, &pictures);
                let raw = to_raw_value(&document).map_err(io::Error::other)?;
                contents.json_content = Some(raw);
            }
            DoclingContent::Doctags => {
                let document = document(&parsed, &source, &pictures);
                contents.doctags_content = Some(doctags(&document));
            }
        }
    }
    Ok(Some(contents))
}

/// A zip with the contents of all files; what failed is listed in it.
fn zipped(
    server: Arc<Server>,
    status: JobStatus,
    shown: DoclingOptions,
    removes: bool,
) -> Response {
    let on_sent = removal(&server, &status.record.id).filter(|_| removes);
    let write = move |out: &mut BodyWriter| {
        let finished = Finished::of(&server, &status).ok_or(io::ErrorKind::NotFound)?;
        let mut zip = ZipWriter::new_stream(&mut *out);
        let options = SimpleFileOptions::default();
        let mut add = |name: &str, bytes: &[u8]| -> io::Result<()> {
            zip.start_file(name, options)?;
            zip.write_all(bytes)
        };
        let mut failed = Vec::new();
        let files = status.progress.iter().flat_map(|progress| &progress.files);
        for (index, file) in files.enumerate() {
            let made = contents(&status, &finished, index, &shown);
            let made = made.map_err(|error| io::Error::other(error.message))?;
            let errors = errors_of(file);
            if !errors.is_empty() || made.is_none() {
                let name = &status.record.files[index].name;
                failed.push(json!({"filename": name, "errors": errors}));
            }
            let Some(made) = made else {
                continue;
            };
            let stem = finished.name(index, ".json").unwrap_or("document.json");
            let stem = stem.strip_suffix(".json").unwrap_or(stem);
            let json = made.json_content.as_ref().map(|raw| raw.get());
            for (ending, text) in [
                ("md", made.md_content.as_deref()),
                ("json", json),
                ("html", made.html_content.as_deref()),
                ("txt", made.text_content.as_deref()),
                ("doctags", made.doctags_content.as_deref()),
            ] {
                if let Some(text) = text {
                    add(&format!("{stem}.{ending}"), text.as_bytes())?;
                }
            }
            if shown.pictures == PictureMode::Referenced {
                let names = finished.names(index).into_iter();
                for name in names.filter(|name| name.contains('/')) {
                    add(name, &finished.bytes(index, name)?)?;
                }
            }
        }
        if !failed.is_empty() {
            add("errors.json", &serde_json::to_vec_pretty(&failed)?)?;
        }
        zip.finish()?;
        Ok(())
    };
    let body = body::written_then(write, on_sent);
    let headers = [
        (CONTENT_TYPE, "application/zip"),
        (CONTENT_DISPOSITION, ZIP_NAME),
    ];
    (headers, body).into_response()
}
