//! `/`, `/system/info`, `/ocr`, `/ocr/json` and `/ocr/debug`: the PP-OCR service. Its requests are jobs like all others,
//! and those who ask wait for them.

use super::pages;
use super::{jobs, parts, reference};
use crate::serve::admission;
use crate::serve::error::ApiError;
use crate::serve::finished::{Finished, is_of_file};
use crate::serve::keys::Owner;
use crate::serve::names::clean_name;
use crate::serve::parsed::Parsed;
use crate::serve::ppocr::{self, EXTENSIONS, extension, rounded};
use crate::serve::request::{RequestId, asks_for, is_json};
use crate::serve::spool::{JobState, JobStatus};
use crate::serve::state::Server;
use crate::serve::wait;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

/// The part of the form that is the file.
const FILE: &str = "file";
/// The text of a document without one.
const NOTHING: &str = "未识别到文本内容";
/// The folder that the service's containers work in.
const BASE_DIR: &str = "/app";
/// A version of something that is no part of docparse.
const UNKNOWN: &str = "unknown";

/// The answers of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Text,
    Json,
    Debug,
}

impl Answer {
    /// Refuses a kind of file in the service's words.
    fn check(self, name: &str) -> Result<(), ApiError> {
        let extension = extension(name);
        let is_known = EXTENSIONS.contains(&extension.as_str());
        let message = match self {
            Answer::Debug if !is_known || extension == "pdf" => "调试模式仅支持图片文件".into(),
            Answer::Text if !is_known => {
                let all = EXTENSIONS.join(", ");
                format!("不支持的文件格式: {extension},支持的格式: {all}")
            }
            Answer::Json if !is_known => format!("不支持的文件格式: {extension}"),
            _ => return Ok(()),
        };
        Err(ApiError::bad_request(message))
    }
}

/// What the service is, for programs.
pub(crate) async fn root(State(server): State<Arc<Server>>, headers: HeaderMap) -> Response {
    if asks_for(&headers, "text/html") {
        return pages::page();
    }
    Json(json!({
        "status": "ok",
        "message": "PaddleOCR API v2.0 is running",
        "model_dir": server.options.model_dir,
        "cache_dir": server.options.cache_dir,
        "version": env!("CARGO_PKG_VERSION"),
    }))
    .into_response()
}

/// What the service's `/health` says besides that it is well.
pub(super) fn health_facts(server: &Server) -> Value {
    let pictures: Vec<&str> = EXTENSIONS
        .into_iter()
        .filter(|name| *name != "pdf")
        .collect();
    json!({
        "cuda_available": server.options.gpu_count > 0,
        "gpu_count": server.options.gpu_count,
        "model_dir": server.options.model_dir,
        "cache_dir": server.options.cache_dir,
        "supported_formats": {
            "图片格式": pictures.join(", "),
            "文档格式": "pdf (支持图片PDF和可编辑PDF)",
        },
        "endpoints": {
            "/ocr": "返回纯文本识别结果",
            "/ocr/json": "返回JSON格式结果(包含元数据)",
            "/ocr/debug": "调试接口(详细识别信息)",
            "/system/info": "系统信息",
        },
    })
}

/// Facts about the system; answers before the server is ready, too.
pub(crate) async fn system_info(State(server): State<Arc<Server>>) -> Json<Value> {
    let is_ready = server.health.not_ready().is_none();
    // Detection, recognition and direction are loaded together.
    let has_models = server.loaded.get().is_some();
    Json(json!({
        "system": {
            "python_version": UNKNOWN,
            "paddle_version": UNKNOWN,
            "paddleocr_version": UNKNOWN,
            "opencv_version": UNKNOWN,
        },
        "cuda": {
            "available": server.options.gpu_count > 0,
            "gpu_count": server.options.gpu_count,
        },
        "paths": {
            "base_dir": BASE_DIR,
            "model_dir": server.options.model_dir,
            "cache_dir": server.options.cache_dir,
        },
        "models": {
            "det_model": has_models,
            "rec_model": has_models,
            "cls_model": has_models,
        },
        "ocr_ready": is_ready,
    }))
}

/// The text; of a JSON body, the lines as the reference's OCR pipeline answers them.
pub(crate) async fn text(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    if is_json(request.headers()) {
        return Ok(reference::ocr(&server, &owner, id, request).await);
    }
    answer(&server, &owner, request, Answer::Text).await
}

/// The text, and facts about it.
pub(crate) async fn json(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    request: Request,
) -> Result<Response, ApiError> {
    answer(&server, &owner, request, Answer::Json).await
}

/// What was read, line by line.
pub(crate) async fn debug(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    request: Request,
) -> Result<Response, ApiError> {
    answer(&server, &owner, request, Answer::Debug).await
}

async fn answer(
    server: &Arc<Server>,
    owner: &Owner,
    request: Request,
    form: Answer,
) -> Result<Response, ApiError> {
    if let Some(why) = server.health.not_ready() {
        return Err(ApiError {
            message: "OCR服务未就绪".into(),
            ..ApiError::not_ready(&why)
        });
    }
    admission::admit(server)?;
    let mut order = jobs::empty(server, owner)?;
    let mut name = None;
    let take = |given: &str| match name {
        Some(_) => Err(ApiError::bad_request("the form has several files")),
        None => {
            name = Some(given.to_string());
            form.check(given)
        }
    };
    let parts = parts::receive(server, &mut order, request, FILE, take).await?;
    let Some(name) = name else {
        return Err(missing(&parts));
    };
    let began = Instant::now();
    order.formats = vec!["json".into()];
    order
        .settings
        .insert("concatenate_pages".into(), false.into());
    let status = wait::ordered(server, order).await?;
    if !status.state.is_final() {
        return Ok(later(&status.record.id));
    }
    let reading = server.clone();
    let parsed = wait::blocking(move || result(&reading, &status, form)).await??;
    let name = clean_name(&name);
    Ok(shown(&parsed, &name, form, began))
}

/// The form has no file.
fn missing(parts: &parts::Parts) -> ApiError {
    let at = ["body", FILE];
    match parts.has(FILE) {
        true => {
            let message = "Value error, Expected UploadFile, received: <class 'str'>";
            let texts = parts.texts.iter().find(|(known, _)| known == FILE);
            let given = texts.map(|(_, text)| Value::from(text.as_str()));
            ApiError::field("value_error", &at, message, given)
        }
        false => ApiError::field("missing", &at, "Field required", Some(Value::Null)),
    }
}

/// Where the result will be.
fn later(id: &str) -> Response {
    let job = format!("/v1/jobs/{id}");
    let detail = "the document takes longer than a request waits; its job goes on";
    let body = Json(json!({"detail": detail, "job": job}));
    (StatusCode::ACCEPTED, [(LOCATION, job.clone())], body).into_response()
}

/// The parsed document of a job that has ended, or why there is none, in the service's words.
fn result(server: &Server, status: &JobStatus, form: Answer) -> Result<Parsed, ApiError> {
    let parsed = match Finished::of(server, status) {
        Some(finished) => finished.parsed(0)?,
        None => None,
    };
    if let Some(parsed) = parsed.filter(Parsed::is_readable) {
        return Ok(parsed);
    }
    let files = status.progress.iter().flat_map(|progress| &progress.files);
    let of_pages = || files.flat_map(|file| &file.errors).next();
    let error = status.outcome.as_ref().and_then(|end| end.error.as_ref());
    let error = error.or_else(of_pages);
    let why = match (error, status.state) {
        (Some(error), _) => error.message.clone(),
        (None, JobState::Canceled) => "the job was cancelled".into(),
        (None, _) => "the document has no result".into(),
    };
    let is_of_file = error.is_some_and(is_of_file);
    let files = &status.record.files;
    let is_pdf = files
        .first()
        .is_some_and(|file| extension(&file.name) == "pdf");
    let (code, word, what) = match (form, is_of_file, is_pdf) {
        (Answer::Debug, _, _) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "调试处理失败",
        ),
        (_, true, true) => (StatusCode::BAD_REQUEST, "bad_request", "PDF处理失败"),
        (_, true, false) => (StatusCode::BAD_REQUEST, "bad_request", "图片处理失败"),
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "内部服务器错误",
        ),
    };
    Err(ApiError::new(code, word, format!("{what}: {why}")))
}

/// The answer to a request.
fn shown(parsed: &Parsed, name: &str, form: Answer, began: Instant) -> Response {
    let extension = extension(name);
    let text = match extension.as_str() {
        "pdf" => ppocr::pdf_text(parsed),
        _ => ppocr::picture_text(parsed),
    };
    let time = began.elapsed().as_secs_f64();
    match form {
        Answer::Text => {
            let text = if text.is_empty() {
                NOTHING.into()
            } else {
                text
            };
            ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
        }
        Answer::Json => Json(json!({
            "success": true,
            "filename": name,
            "file_type": extension,
            "text": text,
            "text_length": text.chars().count(),
            "processing_time": rounded(time),
            "has_content": !text.is_empty(),
        }))
        .into_response(),
        Answer::Debug => Json(ppocr::debug(parsed, name, time)).into_response(),
    }
}
