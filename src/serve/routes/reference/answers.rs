//! Answers of both routes.

use crate::serve::error::ApiError;
use crate::serve::request::RequestId;
use axum::response::{IntoResponse, Response};

/// An answer without a result, with the id that the client gave the request.
pub(super) fn failed(log_id: &str, error: ApiError) -> Response {
    let mut response = error.into_response();
    response.extensions_mut().insert(RequestId(log_id.into()));
    response
}
