//! `/v1/jobs`: orders, the list of them, one of them, and cancelling.

use crate::serve::admission;
use crate::serve::error::ApiError;
use crate::serve::fetch::fetch;
use crate::serve::json_size;
use crate::serve::keys::Owner;
use crate::serve::names::clean_name;
use crate::serve::openapi;
use crate::serve::order::Order;
use crate::serve::spool::{Incoming, JobState, JobStatus, Spool};
use crate::serve::state::Server;
use crate::serve::steady;
use crate::serve::upload::{self, Budget, JsonBody};
use crate::serve::view;
use crate::serve::wait;
use axum::body::Body;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Path, Query, Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::sync::Arc;
use tokio::task::block_in_place;

/// Most jobs of a list.
const MOST_LISTED: usize = 200;
/// Jobs of a list without `limit`.
const LISTED: usize = 50;

/// The query of an order.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OrderQuery {
    /// Seconds to wait for the end.
    wait: Option<f64>,
    /// Name of the file, where the body is one.
    name: Option<String>,
    formats: Option<String>,
    pages: Option<String>,
    /// A JSON object.
    settings: Option<String>,
    webhook: Option<String>,
}

/// An order as JSON.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonOrder<'a> {
    #[serde(borrow)]
    files: &'a RawValue,
    #[serde(default)]
    formats: Vec<String>,
    pages: Option<String>,
    /// `settings` and `files` are left as they stand in the body, which may be long.
    #[serde(borrow)]
    settings: Option<&'a RawValue>,
    webhook: Option<String>,
}

/// A file of it: its content, or its address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonFile<'a> {
    name: Option<String>,
    /// Left as it stands in the body, which may be long.
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    url: Option<String>,
}

/// The text of a JSON string; it is copied only if it has escapes.
pub(super) fn text_of(raw: &RawValue) -> Result<Cow<'_, str>, ApiError> {
    let text = raw.get();
    let inner = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains('\\') => Ok(Cow::Borrowed(inner)),
        _ => serde_json::from_str::<String>(text)
            .map(Cow::Owned)
            .map_err(|_| ApiError::settings("the content of a file must be a text in base64")),
    }
}

/// An order of nothing yet.
pub(super) fn empty(server: &Server, owner: &Owner) -> Result<Order, ApiError> {
    Ok(Order::new(server.spool.incoming()?, owner.clone()))
}

/// Names in a list such as `md,json`.
pub(super) fn list_of(text: &str) -> Vec<String> {
    let names = text
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty());
    names.map(String::from).collect()
}

fn object_of(text: &str) -> Result<Map<String, Value>, ApiError> {
    json_size::object("settings", text)
}

/// The entries of a list of files: one more than are taken, if there are so many.
pub(super) fn files_of<'a, T: Deserialize<'a>>(
    server: &Server,
    list: &'a RawValue,
) -> Result<Vec<T>, ApiError> {
    let most = usize::try_from(server.options.limits.max_files).unwrap_or(usize::MAX);
    let first = json_size::first_of(list, most.saturating_add(1));
    let files = first.and_then(|first| {
        let files = first.iter().map(|file| serde_json::from_str(file.get()));
        files.collect()
    });
    files.map_err(|error| upload::unexpected(&error))
}

/// Refuses a file too many.
pub(super) fn one_more(server: &Server, incoming: &Incoming) -> Result<(), ApiError> {
    let count = incoming.files().len() as u64;
    match count >= server.options.limits.max_files {
        false => Ok(()),
        true => Err(ApiError::too_large(
            &server.options.limits,
            "max_files",
            format_args!("the request holds too many files"),
        )),
    }
}

/// An order.
pub(crate) async fn order(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Query(query): Query<OrderQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    admission::admit(&server)?;
    let headers = request.headers().clone();
    let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let kind = kind
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let mut order = empty(&server, &owner)?;
    match kind.trim().to_ascii_lowercase().as_str() {
        "multipart/form-data" => from_form(&server, &mut order, request).await?,
        "application/json" => from_json(&server, &mut order, request.into_body()).await?,
        _ => {
            let name = query.name.clone().or_else(|| name_of(&headers));
            let name = name.unwrap_or_default();
            upload::raw(&server, &mut order.incoming, request.into_body(), &name).await?;
        }
    }
    if let Some(formats) = &query.formats {
        order.formats = list_of(formats);
    }
    if let Some(settings) = &query.settings {
        order.settings.extend(object_of(settings)?);
    }
    order.pages = order.pages.or(query.pages);
    order.webhook = order.webhook.or(query.webhook);
    if let Some(webhook) = &order.webhook {
        server.outbound.webhooks.check(webhook)?;
    }
    order.key = idempotency_key(&headers)?;
    let id = wait::placed(&server, order).await?;
    let status = wait::as_asked(&server, &id, query.wait.unwrap_or(0.0)).await?;
    let code = match status.state.is_final() {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    let location = format!("/v1/jobs/{id}");
    Ok((
        code,
        [(LOCATION, location)],
        Json(view::job(&server, &status)),
    )
        .into_response())
}

/// The `Idempotency-Key` of an order. One that cannot be used is told: an order whose key is dropped is placed again when it
/// is repeated.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    if keys.next().is_some() {
        return Err(ApiError::bad_request(
            "`Idempotency-Key` is given more than once",
        ));
    }
    let text = key.to_str().map_err(|_| {
        ApiError::bad_request(
            "`Idempotency-Key` may have printable ASCII characters only; encode others",
        )
    })?;
    Ok(Some(text.into()))
}

/// The file's name in `Content-Disposition`.
fn name_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_DISPOSITION)?.to_str().ok()?;
    let name = value
        .split(';')
        .find_map(|part| part.trim().strip_prefix("filename="))?;
    Some(name.trim_matches('"').to_string())
}

async fn from_form(
    server: &Arc<Server>,
    order: &mut Order,
    request: Request,
) -> Result<(), ApiError> {
    let mut budget = Budget::new(server);
    let mut form = form(&budget, server, request).await?;
    while let Some(mut field) = next_field(&mut budget, server, &mut form).await? {
        let name = field.name().unwrap_or_default().to_string();
        let file_name = field.file_name().map(clean_name);
        if let Some(file_name) = file_name {
            one_more(server, &order.incoming)?;
            let mut file = order.incoming.begin()?;
            while let Some(piece) = next_chunk(&budget, server, &mut field).await? {
                budget.write(&mut file, &piece)?;
            }
            order.incoming.end(file, file_name)?;
            continue;
        }
        let text = text_field(&mut budget, server, &mut field).await?;
        set_text(order, &name, text)?;
    }
    Ok(())
}

/// Sets what a field of a form says that is no file. Fields are those that are described.
fn set_text(order: &mut Order, name: &str, text: String) -> Result<(), ApiError> {
    match name {
        "formats" => order.formats.extend(list_of(&text)),
        "pages" => order.pages = Some(text).filter(|text| !text.is_empty()),
        "settings" => order.settings.extend(object_of(&text)?),
        "webhook" => order.webhook = Some(text).filter(|text| !text.is_empty()),
        other => {
            let known = openapi::names(openapi::ORDER_FORM).join(", ");
            let what = format!("`{other}` is no field of an order: {known} are");
            return Err(ApiError::settings(what));
        }
    }
    Ok(())
}

/// Begins to read a form.
pub(super) async fn form(
    budget: &Budget<'_>,
    server: &Arc<Server>,
    request: Request,
) -> Result<Multipart, ApiError> {
    let request = request.map(|body| steady::of_form(body, &budget.untaken));
    Multipart::from_request(request, server)
        .await
        .map_err(|error| ApiError::bad_request(error.body_text()))
}

/// What is wrong with a form.
fn refused(server: &Server, error: &MultipartError) -> ApiError {
    match steady::is_slow(error) {
        true => upload::stalled(server),
        false => ApiError::bad_request(error.body_text()),
    }
}

/// The next field of a form.
pub(super) async fn next_field<'a>(
    budget: &mut Budget<'_>,
    server: &Server,
    form: &'a mut Multipart,
) -> Result<Option<Field<'a>>, ApiError> {
    let next = tokio::time::timeout(budget.patience(), form.next_field());
    let next = next.await.map_err(|_| upload::stalled(server))?;
    budget.part()?;
    next.map_err(|error| refused(server, &error))
}

/// The next piece of a field.
pub(super) async fn next_chunk(
    budget: &Budget<'_>,
    server: &Server,
    field: &mut Field<'_>,
) -> Result<Option<Bytes>, ApiError> {
    let next = tokio::time::timeout(budget.patience(), field.chunk());
    let next = next.await.map_err(|_| upload::stalled(server))?;
    let piece = next.map_err(|error| refused(server, &error))?;
    budget.untaken.take(piece.as_ref().map_or(0, Bytes::len));
    Ok(piece)
}

/// A field that is a text.
pub(super) async fn text_field(
    budget: &mut Budget<'_>,
    server: &Server,
    field: &mut Field<'_>,
) -> Result<String, ApiError> {
    let mut text = Vec::new();
    while let Some(piece) = next_chunk(budget, server, field).await? {
        budget.text(piece.len())?;
        text.extend_from_slice(&piece);
    }
    String::from_utf8(text).map_err(|_| ApiError::bad_request("a field of the form is not UTF-8"))
}

async fn from_json(server: &Arc<Server>, order: &mut Order, body: Body) -> Result<(), ApiError> {
    let body = JsonBody::receive(server, body, &[]).await?;
    let given: JsonOrder = block_in_place(|| body.parse())?;
    let files: Vec<JsonFile> = block_in_place(|| files_of(server, given.files))?;
    if let Some(settings) = given.settings {
        order.settings = object_of(settings.get())?;
    }
    let mut budget = Budget::new(server);
    for file in &files {
        one_more(server, &order.incoming)?;
        let name = file.name.as_deref().filter(|name| !name.is_empty());
        match (file.content, &file.url) {
            (Some(content), None) => block_in_place(|| {
                let text = text_of(content)?;
                let name = name.unwrap_or_default();
                upload::base64_file(&mut budget, &mut order.incoming, &text, name)
            })?,
            (None, Some(address)) => {
                fetch(server, &mut order.incoming, address, name, &mut budget).await?;
            }
            _ => {
                let what = "a file has either `content` (base64) or `url`";
                return Err(ApiError::bad_request(what));
            }
        }
    }
    order.formats = given.formats;
    order.pages = given.pages;
    order.webhook = given.webhook;
    Ok(())
}

/// The query of a list.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ListQuery {
    state: Option<String>,
    limit: Option<usize>,
}

/// The jobs of a key, newest first.
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Value>, ApiError> {
    let listing = wait::blocking(move || -> Result<Vec<Value>, ApiError> {
        let limit = query.limit.unwrap_or(LISTED).min(MOST_LISTED);
        let mut jobs = Vec::new();
        for id in server.spool.jobs()?.iter().rev() {
            if jobs.len() >= limit {
                break;
            }
            let is_own = server
                .spool
                .record(id)
                .is_ok_and(|record| record.is_some_and(|record| record.owner == owner.0));
            if !is_own {
                continue;
            }
            let Ok(Some(status)) = server.spool.status(id) else {
                continue;
            };
            let is_wanted = query
                .state
                .as_ref()
                .is_none_or(|state| status.state.name() == state);
            if is_wanted {
                jobs.push(view::job(&server, &status));
            }
        }
        Ok(jobs)
    });
    Ok(Json(json!({"jobs": listing.await??})))
}

/// A job of this key.
pub(super) async fn own_job(
    server: &Arc<Server>,
    owner: &Owner,
    id: &str,
) -> Result<JobStatus, ApiError> {
    let none = || ApiError::not_found("there is no such job");
    if !Spool::is_id(id) {
        return Err(none());
    }
    let status = wait::status(server, id).await?.ok_or_else(none)?;
    match status.record.owner == owner.0 {
        true => Ok(status),
        false => Err(none()),
    }
}

/// The query of one job.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct OneQuery {
    wait: Option<f64>,
    #[serde(default)]
    purge: bool,
}

/// One job.
pub(crate) async fn one(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Path(id): Path<String>,
    Query(query): Query<OneQuery>,
) -> Result<Json<Value>, ApiError> {
    let mut status = own_job(&server, &owner, &id).await?;
    if let Some(time) = query.wait {
        status = wait::as_asked(&server, &id, time).await?;
    }
    Ok(Json(view::job(&server, &status)))
}

/// Cancels a job; with `purge` it is removed, with its results.
pub(crate) async fn cancel(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Path(id): Path<String>,
    Query(query): Query<OneQuery>,
) -> Result<Json<Value>, ApiError> {
    let status = own_job(&server, &owner, &id).await?;
    if !status.state.is_final() {
        let (cancelling, id) = (server.clone(), id.clone());
        wait::blocking(move || cancelling.cancel(&id)).await??;
    }
    // Work that ends at its next check is worth a moment.
    let mut status = wait::as_asked(&server, &id, CANCEL_WAIT).await?;
    if query.purge {
        let (removing, id) = (server.clone(), id.clone());
        wait::blocking(move || removing.spool.remove(&id)).await??;
        if !status.state.is_final() {
            status.state = JobState::Canceled;
        }
    }
    Ok(Json(view::job(&server, &status)))
}

/// Seconds until a cancelled job has normally ended.
const CANCEL_WAIT: f64 = 5.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::openapi::fields_of;

    #[test]
    fn what_is_read_is_what_is_described() {
        assert_eq!(fields_of::<JsonOrder>(), openapi::names(openapi::ORDER));
        assert_eq!(fields_of::<JsonFile>(), openapi::names(openapi::ORDER_FILE));
        let folder = tempfile::tempdir().unwrap();
        let incoming = Spool::open(folder.path()).unwrap().incoming().unwrap();
        let mut order = Order::new(incoming, Owner(String::new()));
        let described = openapi::names(openapi::ORDER_FORM);
        // The same as in JSON, but that files are parts.
        assert_eq!(described[1..], fields_of::<JsonOrder>()[1..]);
        for name in &described[1..] {
            set_text(&mut order, name, "{}".into()).unwrap();
        }
        for other in ["file", "files", "", "wait"] {
            assert!(set_text(&mut order, other, "{}".into()).is_err(), "{other}");
        }
    }
}
