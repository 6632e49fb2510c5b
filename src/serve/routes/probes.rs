//! Probes and information. None of them waits for work.

use super::ppocr;
use crate::input::EXTENSIONS;
use crate::serve::admission;
use crate::serve::health::Phase;
use crate::serve::request::RequestId;
use crate::serve::settings::OF_JOBS;
use crate::serve::state::Server;
use crate::serve::wait::blocking;
use crate::writer::Formats;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};
use std::sync::Arc;

/// Whether the engine moves, or has nothing to do.
pub(crate) async fn livez(State(server): State<Arc<Server>>) -> Response {
    match server.health.pulse.is_alive() {
        true => Json(json!({"status": "alive"})).into_response(),
        false => {
            let body =
                json!({"status": "stuck", "detail": "no page of any job has moved for long"});
            (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
        }
    }
}

/// Whether work is taken.
pub(crate) async fn readyz(State(server): State<Arc<Server>>) -> Response {
    let status = match server.health.phase() {
        Phase::Ready => return Json(json!({"status": "ready"})).into_response(),
        Phase::Starting(_) => "starting",
        Phase::Draining => "draining",
    };
    let detail = server.health.not_ready();
    let body = Json(json!({"status": status, "detail": detail}));
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], body).into_response()
}

/// The same in the words of docling's service.
pub(crate) async fn ready(State(server): State<Arc<Server>>) -> Response {
    match server.health.not_ready() {
        None => Json(json!({"status": "ok"})).into_response(),
        Some(_) => readyz(State(server)).await,
    }
}

/// One object with the keys of both services that have this route: the reference's, and the PP-OCR service's.
pub(crate) async fn health(
    State(server): State<Arc<Server>>,
    Extension(id): Extension<RequestId>,
) -> Response {
    let RequestId(id) = id;
    if let Some(why) = server.health.not_ready() {
        let body = json!({
            "logId": id,
            "errorCode": StatusCode::SERVICE_UNAVAILABLE.as_u16(),
            "errorMsg": format!("Not ready: {why}"),
            "detail": "OCR service not ready",
        });
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            [(RETRY_AFTER, "1")],
            Json(body),
        )
            .into_response();
    }
    let mut body = json!({
        "logId": id,
        "errorCode": 0,
        "errorMsg": "Healthy",
        "status": "healthy",
        "ocr_ready": true,
        "version": env!("CARGO_PKG_VERSION"),
    });
    if let (Some(body), Value::Object(facts)) = (body.as_object_mut(), ppocr::health_facts(&server))
    {
        body.extend(facts);
    }
    Json(body).into_response()
}

/// The version.
pub(crate) async fn version() -> Json<Value> {
    Json(json!({"docparse": env!("CARGO_PKG_VERSION")}))
}

/// Numbers for Prometheus.
pub(crate) async fn metrics(State(server): State<Arc<Server>>) -> Response {
    let text = blocking(move || {
        admission::gauge(&server);
        server.metrics.text()
    });
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, kind)], text.await.unwrap_or_default()).into_response()
}

/// Limits, formats, the pipeline, and what jobs may set.
pub(crate) async fn capabilities(State(server): State<Arc<Server>>) -> Json<Value> {
    let loaded = server.loaded.get();
    let limits = server.options.limits.all().into_iter();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pipeline": loaded.map(|loaded| loaded.pipeline),
        "ready": server.health.not_ready().is_none(),
        "formats": Formats::names(),
        "default_formats": Formats::by_default().chosen_names(),
        "inputs": EXTENSIONS,
        "url_fetch": server.options.allow_url_fetch,
        "return_urls": server.options.links.return_urls,
        "webhooks": server.outbound.webhooks.are_told(),
        "keys": server.keys.are_needed(),
        "limits": limits.map(|limit| limit.to_json()).collect::<Vec<_>>(),
        "parameters": OF_JOBS,
    }))
}
