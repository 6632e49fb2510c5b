//! The table of routes: one file for each dialect.

mod docling;
mod jobs;
mod pages;
mod parts;
mod ppocr;
mod probes;
mod reference;
mod results;
mod stream;

use super::openapi;
use super::state::Server;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;

/// The route of a file of a result, which an address with a signature opens.
pub(super) const RESULT_FILE: &str = "/v1/jobs/{id}/result/{*name}";

/// All routes.
pub(super) fn all() -> Router<Arc<Server>> {
    Router::new()
        .route("/openapi.json", get(openapi::openapi))
        .route("/docs", get(pages::docs))
        .route("/static/{name}", get(pages::file))
        .route("/livez", get(probes::livez))
        .route("/startupz", get(probes::readyz))
        .route("/readyz", get(probes::readyz))
        .route("/health", get(probes::health))
        .route("/version", get(probes::version))
        .route("/metrics", get(probes::metrics))
        .route("/layout-parsing", post(reference::layout_parsing))
        .route("/restructure-pages", post(reference::restructure_pages))
        .route("/v1/capabilities", get(probes::capabilities))
        .route("/v1/jobs", post(jobs::order).get(jobs::list))
        .route("/v1/jobs/{id}", get(jobs::one).delete(jobs::cancel))
        .route("/v1/jobs/{id}/pages", get(stream::pages))
        .route("/v1/jobs/{id}/events", get(stream::events))
        .route("/v1/jobs/{id}/result", get(results::all))
        .route(RESULT_FILE, get(results::one))
        .route("/", get(ppocr::root))
        .route("/system/info", get(ppocr::system_info))
        .route("/ocr", post(ppocr::text))
        .route("/ocr/json", post(ppocr::json))
        .route("/ocr/debug", post(ppocr::debug))
        .route("/ready", get(probes::ready))
        .route("/v1/convert/file", post(docling::file))
        .route("/v1/convert/file/async", post(docling::file_async))
        .route("/v1/convert/source", post(docling::source))
        .route("/v1/convert/source/async", post(docling::source_async))
        .route("/v1/status/poll/{id}", get(docling::poll))
        .route("/v1/result/{id}", get(docling::result))
}
