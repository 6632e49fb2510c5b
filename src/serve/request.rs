//! What handlers know of a request besides its route.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The id of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub String);

/// `true` if the client asks for this media type by name.
pub(crate) fn asks_for(headers: &HeaderMap, media: &str) -> bool {
    let accept = headers.get_all(ACCEPT).iter();
    accept
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.split(';').next().unwrap_or_default().trim() == media)
}
