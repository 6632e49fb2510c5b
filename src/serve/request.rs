//! What handlers know of a request besides its route.

use crate::net::{TRACEPARENT, TRACESTATE, TraceContext};
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// The id of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub String);

/// The place of the connection that a request came on. Who goes on with the connection keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Place(
    // Held, and never looked at.
    #[expect(dead_code)] pub Arc<OwnedSemaphorePermit>,
);

/// `true` if a request's body is JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

tokio::task_local! {
    /// The trace of the request that a task handles.
    static TRACE: Option<TraceContext>;
}

/// Handles a request as a part of its trace.
pub(crate) async fn traced<F: Future>(trace: Option<TraceContext>, handled: F) -> F::Output {
    TRACE.scope(trace, handled).await
}

/// The trace of the request that this task handles; `None` on other threads.
pub(crate) fn trace() -> Option<TraceContext> {
    TRACE.try_with(Clone::clone).ok().flatten()
}

/// The trace that a request belongs to. Two of them are none.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all(TRACEPARENT).iter();
    let parent = parents.next().filter(|_| parents.next().is_none())?;
    let states = headers.get_all(TRACESTATE).iter();
    let states: Option<Vec<&str>> = states.map(|state| state.to_str().ok()).collect();
    TraceContext::new(
        parent.to_str().ok()?,
        Some(&states.unwrap_or_default().join(",")),
    )
}

/// `true` if the client asks for this media type by name.
pub(crate) fn asks_for(headers: &HeaderMap, media: &str) -> bool {
    let accept = headers.get_all(ACCEPT).iter();
    accept
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.split(';').next().unwrap_or_default().trim() == media)
}
