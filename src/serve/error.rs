//! What a client is told when something goes wrong: a status, a stable code, a sentence, and the limit it ran into.
//! Each dialect has its own shape for it; [`ApiError::to_json`] is ours.

use super::limits::{Limit, Limits};
use crate::fault::{Fault, Reason};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::fmt;
use std::io;

/// Seconds after which a client may try again when the server is full.
const FULL: u64 = 2;
/// Seconds after which a client may try again when the server is starting or ending.
const SOON: u64 = 1;
/// Seconds after which a client may try again when memory is short.
const SHORT: u64 = 5;

/// An error of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    /// Status.
    pub status: StatusCode,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong, and what to do.
    pub message: String,
    /// What dialects that say `detail` have there instead of the message.
    pub detail: Option<Box<Value>>,
    /// The limit that it ran into.
    pub limit: Option<Limit>,
    /// Seconds after which it may work.
    pub retry_after: Option<u64>,
}

impl ApiError {
    /// An error.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        ApiError {
            status,
            code,
            message: message.into(),
            detail: None,
            limit: None,
            retry_after: None,
        }
    }

    /// The request makes no sense.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// A field of the request is wrong: `at` is its place, as dialects that say `detail` list it.
    pub(crate) fn field(kind: &str, at: &[&str], message: &str, input: Option<Value>) -> Self {
        let mut item = json!({"type": kind, "loc": at, "msg": message});
        if let Some(input) = input {
            item["input"] = input;
        }
        let named = at.last().copied().unwrap_or_default();
        let error = Self::settings(format!("`{named}`: {message}"));
        ApiError {
            detail: Some(Box::new(json!([item]))),
            ..error
        }
    }

    /// A setting is wrong.
    pub(crate) fn settings(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_settings", message)
    }

    /// There is nothing there.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// The server does not do that.
    pub(crate) fn not_allowed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "not_allowed", message)
    }

    /// More than a limit allows.
    pub(crate) fn too_large(limits: &Limits, limit: &str, what: fmt::Arguments) -> Self {
        let limit = limits.named(limit);
        let most = limit.map(|limit| format!("; the limit is {} ({})", limit.value, limit.flag()));
        let message = format!("{what}{}", most.unwrap_or_default());
        ApiError {
            limit,
            ..Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        }
    }

    /// The queue is full.
    pub(crate) fn overloaded(limits: &Limits, limit: &str) -> Self {
        let limit = limits.named(limit);
        let flag = limit.map(Limit::flag).unwrap_or_default();
        let message = format!("the server has as much to do as it takes ({flag}); try again later");
        ApiError {
            limit,
            retry_after: Some(FULL),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", message)
        }
    }

    /// Memory is short.
    pub(crate) fn out_of_memory(limits: &Limits) -> Self {
        ApiError {
            limit: limits.named("memory_limit"),
            retry_after: Some(SHORT),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "out_of_memory",
                "the server's memory is nearly used up; try again later",
            )
        }
    }

    /// The server is starting or ending.
    pub(crate) fn not_ready(detail: &str) -> Self {
        ApiError {
            retry_after: Some(SOON),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_ready",
                format!("the server takes no work now: {detail}"),
            )
        }
    }

    /// The spool cannot be used.
    pub(crate) fn io(error: &io::Error) -> Self {
        tracing::error!("the spool folder cannot be used: {error}");
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "storage_full",
                "the server's disk is full",
            ),
            _ => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the server cannot use its spool folder; its log says why",
            ),
        }
    }

    /// In our own form.
    pub(crate) fn to_json(&self, request_id: &str) -> Value {
        json!({"error": {
            "code": self.code,
            "message": self.message,
            "page": null,
            "request_id": request_id,
            "limit": self.limit.map(Limit::to_json),
        }})
    }
}

impl From<io::Error> for ApiError {
    fn from(error: io::Error) -> Self {
        ApiError::io(&error)
    }
}

impl From<&Fault> for ApiError {
    fn from(fault: &Fault) -> Self {
        let (status, code) = match fault.reason {
            Reason::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Reason::Settings => (StatusCode::UNPROCESSABLE_ENTITY, "bad_settings"),
            Reason::Overloaded => (StatusCode::TOO_MANY_REQUESTS, "overloaded"),
            Reason::TimeUp => (StatusCode::GATEWAY_TIMEOUT, "time_up"),
            Reason::Damaged | Reason::Unsupported | Reason::Encrypted => {
                (StatusCode::UNPROCESSABLE_ENTITY, fault.reason.name())
            }
            reason => (StatusCode::INTERNAL_SERVER_ERROR, reason.name()),
        };
        ApiError::new(status, code, fault.message.clone())
    }
}
