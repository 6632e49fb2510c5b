//! The page for people, and the page of the routes: files that are part of the program.

use crate::serve::error::ApiError;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// What pages of this server may load: their own files, and pictures that their scripts have fetched.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// The files below `/static/`, by name.
        const FILES: &[(&str, &[u8])] = &[$(($name, include_bytes!(concat!("../page/", $name)))),*];
    };
}

files! {
    "addresses.js",
    "api.js",
    "app.css",
    "app.js",
    "docs.css",
    "docs.js",
    "dom.js",
    "errors.js",
    "formula.js",
    "icon.svg",
    "inline.js",
    "job.js",
    "jobs.js",
    "markdown.js",
    "outputs.js",
    "pages.css",
    "pages.js",
    "pairs.js",
    "pictures.js",
    "safe_html.js",
    "settings.js",
    "strings.js",
    "tags.js",
    "tex.js",
    "theme.js",
    "upload.js",
    "views.css",
}

const PAGE: &[u8] = include_bytes!("../page/index.html");
const DOCS: &[u8] = include_bytes!("../page/docs.html");

fn html(bytes: &'static [u8]) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, bytes).into_response()
}

/// The page for people.
pub(crate) fn page() -> Response {
    html(PAGE)
}

/// The page of the routes.
pub(crate) async fn docs() -> Response {
    html(DOCS)
}

/// A file of them.
pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, ApiError> {
    let found = FILES.iter().find(|(known, _)| *known == name);
    let (name, bytes) = found.ok_or_else(|| ApiError::not_found("Not Found"))?;
    let kind = match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "image/svg+xml",
    };
    let headers = [
        (CONTENT_TYPE, kind),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, *bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_of_the_pages_are_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/serve/page");
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.ends_with(".html"))
            .collect();
        names.sort();
        let served: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, served);
    }
}
