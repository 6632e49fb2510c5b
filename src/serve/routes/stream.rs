//! `/v1/jobs/{id}/pages` and `/events`: what happens to a job, while it happens.

use super::jobs::own_job;
use crate::serve::body;
use crate::serve::error::ApiError;
use crate::serve::keys::Owner;
use crate::serve::request::asks_for;
use crate::serve::state::Server;
use crate::serve::{view, wait};
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most bytes that are read at once.
const PIECE: u64 = 256 << 10;
/// Longest silence of a stream: what stands between would close it.
const SILENCE: Duration = Duration::from_secs(10);

/// The query of a stream of pages.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PagesQuery {
    format: Option<String>,
    /// Only pages that nothing changes any more.
    #[serde(default, rename = "final")]
    only_final: bool,
}

/// What lines of pages are sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    markdown: bool,
    only_final: bool,
}

impl Form {
    /// What is sent for a line.
    fn of(self, line: &[u8]) -> Vec<u8> {
        let as_they_are = [line, b"\n"].concat();
        if !self.markdown && !self.only_final {
            return as_they_are;
        }
        let Ok(page) = serde_json::from_slice::<Value>(line) else {
            return Vec::new();
        };
        let is_provisional = page["provisional"] == true;
        match self.markdown {
            _ if is_provisional && self.only_final => Vec::new(),
            // Pages come twice: as Markdown only the first time, unless the final ones are asked for.
            true if is_provisional != self.only_final => {
                format!("{}\n\n", page["markdown"].as_str().unwrap_or_default()).into_bytes()
            }
            true => Vec::new(),
            false => as_they_are,
        }
    }
}

/// The file of lines, read as it grows.
struct Tail {
    path: PathBuf,
    at: u64,
    /// The start of a line whose end is not there yet.
    rest: Vec<u8>,
}

impl Tail {
    /// The whole lines that have come, and whether there may be more at once.
    fn next(&mut self) -> io::Result<(Vec<Vec<u8>>, bool)> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Vec::new(), false));
            }
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(self.at))?;
        let mut bytes = Vec::new();
        let count = file.take(PIECE).read_to_end(&mut bytes)? as u64;
        self.at += count;
        self.rest.extend_from_slice(&bytes);
        let mut lines = Vec::new();
        while let Some(end) = self.rest.iter().position(|b| *b == b'\n') {
            let rest = self.rest.split_off(end + 1);
            let mut line = std::mem::replace(&mut self.rest, rest);
            line.pop();
            lines.push(line);
        }
        Ok((lines, count == PIECE))
    }
}

/// Pages as they are finished.
pub(crate) async fn pages(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Path(id): Path<String>,
    Query(query): Query<PagesQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    own_job(&server, &owner, &id).await?;
    let markdown = match query.format.as_deref() {
        Some("md") => true,
        Some("json" | "ndjson") => false,
        Some(other) => {
            let what = format!("`{other}` is no form of pages; use ndjson or md");
            return Err(ApiError::bad_request(what));
        }
        None => asks_for(&headers, "text/markdown"),
    };
    let form = Form {
        markdown,
        only_final: query.only_final,
    };
    let (sender, body) = body::channel();
    tokio::spawn(async move {
        if let Err(error) = send_pages(&server, &id, form, &sender).await {
            // The body breaks off, so that the client sees that it is not whole.
            drop(sender.send(Err(error)).await);
        }
    });
    let kind = match markdown {
        true => "text/markdown; charset=utf-8",
        false => "application/x-ndjson",
    };
    Ok(streamed(kind, body))
}

fn streamed(kind: &'static str, body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE.as_str(), kind),
        (CACHE_CONTROL.as_str(), "no-store"),
        // Proxies that collect answers before they pass them on.
        ("x-accel-buffering", "no"),
    ];
    (headers, body).into_response()
}

type Pieces = tokio::sync::mpsc::Sender<io::Result<Bytes>>;

async fn send_pages(server: &Arc<Server>, id: &str, form: Form, sender: &Pieces) -> io::Result<()> {
    let mut waiter = server.notices.wait(id);
    let mut tail: Option<(u32, Tail)> = None;
    loop {
        // The state first: what was written before it became final is then read.
        let Some(status) = wait::status(server, id).await? else {
            return Ok(());
        };
        let attempt = status.progress.as_ref().map(|progress| progress.attempt);
        if let Some(attempt) = attempt.filter(|a| tail.as_ref().is_none_or(|(of, _)| of != a)) {
            let path = server
                .spool
                .pages(id, attempt)
                .ok_or(io::ErrorKind::NotFound)?;
            if tail.is_some() && !form.markdown {
                // Another server has taken the job up, from the start.
                for file in 0..status.record.files.len() {
                    let line = format!("{}\n", json!({"file": file, "restarted": true}));
                    if sender.send(Ok(line.into())).await.is_err() {
                        return Ok(());
                    }
                }
            }
            let rest = Vec::new();
            tail = Some((attempt, Tail { path, at: 0, rest }));
        }
        let mut has_more = false;
        if let Some((attempt, mut reading)) = tail.take() {
            let (read, lines) = wait::blocking(move || {
                let lines = reading.next();
                (reading, lines)
            })
            .await?;
            let (lines, more) = lines?;
            has_more = more;
            tail = Some((attempt, read));
            let bytes: Vec<u8> = lines.iter().flat_map(|line| form.of(line)).collect();
            if !bytes.is_empty() && sender.send(Ok(bytes.into())).await.is_err() {
                return Ok(());
            }
        }
        match (has_more, status.state.is_final()) {
            (true, _) => {}
            (false, true) => return Ok(()),
            (false, false) => {
                if sender.is_closed() {
                    return Ok(());
                }
                wait::change(&mut waiter).await;
            }
        }
    }
}

/// Every change of a job, as Server-Sent Events.
pub(crate) async fn events(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    own_job(&server, &owner, &id).await?;
    let (sender, body) = body::channel();
    tokio::spawn(async move {
        if let Err(error) = send_events(&server, &id, &sender).await {
            drop(sender.send(Err(error)).await);
        }
    });
    Ok(streamed("text/event-stream", body))
}

async fn send_events(server: &Arc<Server>, id: &str, sender: &Pieces) -> io::Result<()> {
    let mut waiter = server.notices.wait(id);
    let mut last = Value::Null;
    let mut sent = Instant::now();
    loop {
        let Some(status) = wait::status(server, id).await? else {
            return Ok(());
        };
        let view = view::job(server, &status);
        let mut text = String::new();
        if view != last {
            text.push_str(&format!("event: job\ndata: {view}\n\n"));
        }
        if status.state.is_final() {
            text.push_str(&format!("event: end\ndata: {view}\n\n"));
        } else if text.is_empty() && sent.elapsed() > SILENCE {
            text.push_str(": still there\n\n");
        }
        if !text.is_empty() {
            sent = Instant::now();
            if sender.send(Ok(text.into())).await.is_err() {
                return Ok(());
            }
        }
        if status.state.is_final() || sender.is_closed() {
            return Ok(());
        }
        last = view;
        wait::change(&mut waiter).await;
    }
}
