//! `/layout-parsing`, and what it shares with `/ocr`: a request becomes a job whose result is the answer.

use super::addresses;
use super::answers::failed;
use super::fields::{Fields, Parsing, Settings, invalid};
use super::layout;
use crate::config::parameters::{About, parameter};
use crate::fault::Reason;
use crate::serve::admission;
use crate::serve::body;
use crate::serve::error::ApiError;
use crate::serve::fetch::fetch;
use crate::serve::finished::{Finished, is_of_file};
use crate::serve::keys::Owner;
use crate::serve::order::{self, NOT_LOADED, Order};
use crate::serve::request::RequestId;
use crate::serve::routes::jobs::text_of;
use crate::serve::spool::{AnswerOptions, JobStatus};
use crate::serve::state::Server;
use crate::serve::upload::{self, Budget, JsonBody};
use crate::serve::wait;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::sync::Arc;
use tokio::task::block_in_place;

/// A file that is none of its kind.
const INVALID_FILE: &str = "Invalid input file";

/// Parses a file.
pub(crate) async fn layout_parsing(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    request: Request,
) -> Response {
    answered(&server, &owner, request, request_id, |fields, server| {
        let loaded = server.loaded.get();
        let as_recorded = loaded.is_some_and(|loaded| loaded.request.as_reference);
        layout::read(fields, as_recorded, server.options.visualize)
    })
    .await
}

/// How the fields of a route are read.
type ReadFields = for<'a> fn(&mut Fields<'a>, &Server) -> Parsing<'a>;

/// Answers a request with a file; its id is that of the client, if it gave one.
pub(super) async fn answered(
    server: &Arc<Server>,
    owner: &Owner,
    request: Request,
    request_id: String,
    read: ReadFields,
) -> Response {
    let mut log_id = request_id;
    match parsed(server, owner, request, &mut log_id, read).await {
        Ok(response) => response,
        Err(error) => failed(&log_id, error),
    }
}

async fn parsed(
    server: &Arc<Server>,
    owner: &Owner,
    request: Request,
    log_id: &mut String,
    read: ReadFields,
) -> Result<Response, ApiError> {
    admission::admit(server)?;
    let base = server.links.base(request.headers())?;
    let body = JsonBody::receive(server, request.into_body(), &[]).await?;
    let mut order = order_of(server, owner, &body, log_id, read).await?;
    if let Some(answer) = &mut order.answer {
        answer.as_files = base.is_some();
    }
    drop(body);
    let status = wait::ordered(server, order).await;
    let status = status.map_err(|error| match error.code {
        NOT_LOADED => not_loaded(),
        _ => error,
    })?;
    answer(server, status, base, log_id)
}

/// The answer of a job that has ended, or where it is.
///
/// `base` is what the addresses of its files begin with, where it has files.
fn answer(
    server: &Arc<Server>,
    status: JobStatus,
    base: Option<String>,
    log_id: &str,
) -> Result<Response, ApiError> {
    let id = &status.record.id;
    if !status.state.is_final() {
        let place = format!("/v1/jobs/{id}");
        let body = json!({
            "logId": log_id,
            "errorCode": StatusCode::ACCEPTED.as_u16(),
            "errorMsg": "The file is still being parsed: ask for the job",
            "job": place,
        });
        return Ok((StatusCode::ACCEPTED, [(LOCATION, place)], Json(body)).into_response());
    }
    let finished = Finished::of(server, &status);
    let written = finished.and_then(|finished| finished.open(0, crate::writer::answer::ENDING));
    let mut file = written.ok_or_else(|| why_not(&status))??;
    let start = format!("{{\"logId\":{},\"result\":", Value::from(log_id));
    let answering = server.clone();
    let body = body::written(move |out| {
        out.write_all(start.as_bytes())?;
        match base {
            Some(base) => {
                let mut text = Vec::new();
                file.read_to_end(&mut text)?;
                let address = |name: &str| answering.links.address(&base, &status, name);
                addresses::write(&text, out, &address)?;
            }
            None => drop(io::copy(&mut file, out)?),
        }
        out.write_all(b",\"errorCode\":0,\"errorMsg\":\"Success\"}")
    });
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// Why a job has no result.
fn why_not(status: &JobStatus) -> ApiError {
    let outcome = status.outcome.as_ref();
    let why = match outcome.and_then(|outcome| outcome.error.as_ref()) {
        Some(error) if error.code == Reason::TooLarge.name() => return invalid(&error.message),
        Some(error) if is_of_file(error) => return invalid(INVALID_FILE),
        Some(error) => error.message.clone(),
        None => format!("the job is {}", status.state.name()),
    };
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    ApiError::new(status, "internal", format!("Internal server error: {why}"))
}

/// The request asks for a step whose network this server has not loaded.
fn not_loaded() -> ApiError {
    let message = "the input params for model settings are invalid!";
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, NOT_LOADED, message)
}

/// What the ending of an address says of its file: `true` for a PDF, `false` for a picture.
fn kind_of(address: &str) -> Option<bool> {
    let name = crate::net::file_name_of(address).to_ascii_lowercase();
    match name.rsplit_once('.')?.1 {
        "pdf" => Some(true),
        "bmp" | "gif" | "jpe" | "jpeg" | "jpg" | "pbm" | "pgm" | "png" | "pnm" | "ppm" | "tif"
        | "tiff" | "webp" => Some(false),
        _ => None,
    }
}

async fn order_of(
    server: &Server,
    owner: &Owner,
    body: &JsonBody,
    log_id: &mut String,
    read: ReadFields,
) -> Result<Order, ApiError> {
    let mut fields = block_in_place(|| Fields::of(body.bytes()))?;
    if let Some(id) = fields.log_id() {
        *log_id = id;
    }
    let parsing = read(&mut fields, server);
    fields.checked()?;
    let Some(file) = parsing.file else {
        return Err(invalid(INVALID_FILE));
    };
    let file = text_of(file)?;
    let is_address = file.starts_with("http://") || file.starts_with("https://");
    let is_pdf = match (parsing.is_pdf, is_address) {
        (Some(is_pdf), _) => is_pdf,
        (None, true) => kind_of(&file).ok_or_else(|| invalid("Unsupported file type"))?,
        (None, false) => return Err(invalid("File type cannot be determined")),
    };
    let mut incoming = server.spool.incoming()?;
    let name = if is_pdf { "file.pdf" } else { "file" };
    if is_address {
        let mut budget = Budget::new(server);
        fetch(server, &mut incoming, &file, Some(name), &mut budget).await?;
    } else {
        let budget = &mut Budget::new(server);
        let decoded = block_in_place(|| upload::base64_file(budget, &mut incoming, &file, name));
        decoded.map_err(
            |error| match error.status == StatusCode::UNPROCESSABLE_ENTITY {
                true => invalid(INVALID_FILE),
                false => error,
            },
        )?;
    }
    if order::is_pdf(&incoming.file_path(0)) != is_pdf {
        return Err(invalid(INVALID_FILE));
    }
    Ok(Order {
        settings: taken(server, parsing.settings)?,
        answer: Some(AnswerOptions {
            is_pdf,
            ..parsing.answer
        }),
        ..Order::new(incoming, owner.clone())
    })
}

/// The settings without those for networks, where the pipeline has none: clients of the service send theirs whatever
/// serves. Preprocessing that was asked for is not left out in silence: it is refused as not loaded.
fn taken(server: &Server, mut settings: Settings) -> Result<Settings, ApiError> {
    let has_networks = server.loaded.get().is_none_or(|loaded| loaded.has_networks);
    if !has_networks {
        let is_asked_for = |name: &&str| settings.get(*name) == Some(&Value::Bool(true));
        if PREPROCESSING.iter().any(is_asked_for) {
            return Err(not_loaded());
        }
        settings.retain(|name, _| parameter(name).is_none_or(|p| p.about == About::Documents));
    }
    Ok(settings)
}

/// Settings that choose steps of preprocessing.
const PREPROCESSING: [&str; 2] = ["use_doc_orientation_classify", "use_doc_unwarping"];
