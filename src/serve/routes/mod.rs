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
mod task_socket;

use super::openapi;
use super::state::Server;
use axum::Router;
use axum::routing::{get, post};
use std::sync::Arc;
pub(super) use task_socket::SocketQuery;

/// The route of a file of a result, which an address with a signature opens.
pub(super) const RESULT_FILE: &str = "/v1/jobs/{id}/result/{*name}";

/// The route of a task's WebSocket.
pub(super) const TASK_SOCKET: &str = "/v1/status/ws/{id}";

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
        .route(TASK_SOCKET, get(task_socket::status))
        .route("/v1/result/{id}", get(docling::result))
}

/// Routes of docling's service that are not here, and what there is instead.
const NOT_THERE: [(&str, &str); 2] = [
    (
        "/v1/chunk/",
        "this server makes no chunks: convert with `to_formats` json, and make chunks of `json_content`",
    ),
    (
        "/v1/convert/source/batch",
        "this server takes no batches: send all files in one request to /v1/convert/source",
    ),
];

/// What is told about a path that leads nowhere.
pub(super) fn why_not_there(path: &str) -> &'static str {
    let known = NOT_THERE.iter().find(|(start, _)| path.starts_with(start));
    known.map_or("Not Found", |(_, why)| why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::openapi::{ROUTES, fields_of};

    #[test]
    fn queries_are_described_as_they_are_read() {
        let described = |method: &str, path: &str| {
            let route = ROUTES
                .iter()
                .find(|route| route.method == method && route.path == path);
            let query = route.expect(path).query.iter();
            let mut names: Vec<&str> = query.map(|(name, _)| *name).collect();
            names.sort_unstable();
            names
        };
        let read = |mut names: Vec<&'static str>| {
            names.sort_unstable();
            names
        };
        let order = read(fields_of::<jobs::OrderQuery>());
        assert_eq!(described("post", "/v1/jobs"), order);
        let list = read(fields_of::<jobs::ListQuery>());
        assert_eq!(described("get", "/v1/jobs"), list);
        let both = [
            described("delete", "/v1/jobs/{id}"),
            described("get", "/v1/jobs/{id}"),
        ];
        assert_eq!(both.concat(), read(fields_of::<jobs::OneQuery>()));
        let pages = read(fields_of::<stream::PagesQuery>());
        assert_eq!(described("get", "/v1/jobs/{id}/pages"), pages);
        let socket = read(fields_of::<SocketQuery>());
        assert_eq!(described("get", TASK_SOCKET), socket);
        let poll = read(fields_of::<docling::PollQuery>());
        assert_eq!(described("get", "/v1/status/poll/{id}"), poll);
    }
}
