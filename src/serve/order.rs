//! Orders: from what a client sent to a job in the queue.

use super::admission;
use super::error::ApiError;
use super::keys::Owner;
use super::request;
use super::settings;
use super::spool::{
    AnswerOptions, DoclingOptions, Incoming, JobRecord, JobStatus, Ordered, new_id, now_ms,
};
use super::state::{Loaded, Server};
use crate::input::{self, InputFile};
use crate::net::TraceContext;
use crate::output::names::key_of;
use crate::pipeline::job::WantedPictures;
use axum::http::StatusCode;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Code of an order that asks for something that was not loaded.
pub(crate) const NOT_LOADED: &str = "not_loaded";
/// Longest `Idempotency-Key`.
const MOST_KEY: usize = 256;

/// Milliseconds that the result of an equal order must have left to be the answer to another one.
const LEAST_LIFE_MS: u64 = 60_000;

/// What a client orders.
pub(crate) struct Order {
    /// The files.
    pub incoming: Incoming,
    /// Who orders it.
    pub owner: Owner,
    /// Settings, as given.
    pub settings: Map<String, Value>,
    /// Formats; none for the default.
    pub formats: Vec<String>,
    /// Selected pages.
    pub pages: Option<String>,
    /// The result has the form of the reference's.
    pub answer: Option<AnswerOptions>,
    /// The result is shown as docling's service does.
    pub docling: Option<DoclingOptions>,
    /// Address that is told of the end.
    pub webhook: Option<String>,
    /// The trace that its request belongs to.
    pub trace: Option<TraceContext>,
    /// `Idempotency-Key`.
    pub key: Option<String>,
    /// The client waits for the result: the job is cancelled if all who wait are gone.
    pub is_waited_for: bool,
}

impl Order {
    /// Files without any wishes, ordered by the request that this task handles.
    pub(crate) fn new(incoming: Incoming, owner: Owner) -> Order {
        Order {
            incoming,
            owner,
            settings: Map::new(),
            formats: Vec::new(),
            pages: None,
            answer: None,
            docling: None,
            webhook: None,
            trace: request::trace(),
            key: None,
            is_waited_for: false,
        }
    }
}

/// `true` if a result stays long enough to be fetched: its client may come for it, and for the files that it names, a
/// while after the answer.
fn lives_on(finished_ms: u64, ttl_seconds: u64) -> bool {
    let ttl = ttl_seconds.saturating_mul(1000);
    now_ms().saturating_add(LEAST_LIFE_MS.min(ttl / 2)) <= finished_ms.saturating_add(ttl)
}

/// Places an order. Blocks.
pub(crate) fn place(server: &Server, order: Order) -> Result<Ordered, ApiError> {
    let loaded = server.loaded.get();
    let loaded = loaded.ok_or_else(|| ApiError::not_ready("loading the pipeline"))?;
    if order.incoming.files().is_empty() {
        return Err(ApiError::bad_request("the request holds no file"));
    }
    let refused = |error: settings::SettingError| ApiError::settings(error.to_string());
    let settings = settings::checked(&order.settings).map_err(refused)?;
    let (_, resolved) = settings::resolved(&loaded.request, &settings).map_err(refused)?;
    let job_settings = resolved.job_settings(WantedPictures::default(), false);
    if let Err(error) = loaded.engine.check(&job_settings) {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(ApiError::new(status, NOT_LOADED, error.to_string()));
    }
    let embeds = resolved.config.markdown.form.embed_images;
    settings::formats(&order.formats, embeds).map_err(refused)?;
    let selected = settings::pages(order.pages.as_deref()).map_err(refused)?;
    let mut pages = 0;
    for (index, file) in order.incoming.files().iter().enumerate() {
        let count = page_count(loaded, &order.incoming.file_path(index));
        let wanted = selected.of(count).len();
        if wanted as u64 > server.options.limits.max_document_pages {
            return Err(ApiError::too_large(
                &server.options.limits,
                "max_document_pages",
                format_args!("`{}` has {wanted} pages to parse", file.name),
            ));
        }
        pages += wanted;
    }
    let bytes = order.incoming.files().iter().map(|file| file.size).sum();
    admission::admit_order(server, pages, bytes)?;
    let record = JobRecord {
        id: new_id(),
        key: String::new(),
        owner: order.owner.0.clone(),
        created_ms: now_ms(),
        files: order.incoming.files().to_vec(),
        settings,
        formats: order.formats,
        pages: order.pages,
        answer: order.answer,
        docling: order.docling,
        webhook: order.webhook,
        trace: order.trace.clone(),
        page_estimate: pages,
        waited_at: order.is_waited_for.then(|| server.id.clone()),
    };
    let key = match &order.key {
        Some(key) if key.len() > MOST_KEY || key.is_empty() => {
            return Err(ApiError::bad_request(format!(
                "`Idempotency-Key` must have 1 to {MOST_KEY} characters"
            )));
        }
        Some(key) => key_of(&[b"key", record.owner.as_bytes(), key.as_bytes()]),
        None => content_key(&record),
    };
    // Jobs that end with those who wait at another server are of no use to those who wait here.
    let fits = |status: &JobStatus| {
        let waited_at = &status.record.waited_at;
        match &status.outcome {
            Some(outcome) => lives_on(outcome.finished_ms, server.options.limits.result_ttl),
            None => waited_at.as_ref().is_none_or(|at| *at == server.id),
        }
    };
    let wanted = content_key(&record);
    let ordered = server.spool.order(order.incoming, record, &key, &fits)?;
    if let (Ordered::Known(id), true) = (&ordered, order.key.is_some())
        && let Some(known) = server.spool.record(id)?
        && content_key(&known) != wanted
    {
        return Err(ApiError::new(
            StatusCode::CONFLICT,
            "conflict",
            "this `Idempotency-Key` was used for another order",
        ));
    }
    let (Ordered::New(id) | Ordered::Known(id)) = &ordered;
    let trace = order.trace.as_ref().map(TraceContext::parent);
    let is_new = matches!(ordered, Ordered::New(_));
    tracing::info!(job = id, trace, is_new, "ordered");
    server.metrics.ordered(is_new);
    server.work.wake();
    Ok(ordered)
}

/// What makes two orders equal.
fn content_key(record: &JobRecord) -> String {
    let files: Vec<(&str, &str)> = record
        .files
        .iter()
        .map(|file| (file.name.as_str(), file.sha256.as_str()))
        .collect();
    let what = (&files, &record.settings, &record.formats, &record.pages);
    let shown = (&record.answer, &record.docling);
    let more = (shown, &record.webhook, record.waited_at.is_some());
    let text = serde_json::to_vec(&(env!("CARGO_PKG_VERSION"), what, more)).unwrap_or_default();
    key_of(&[b"content", record.owner.as_bytes(), &text])
}

/// `true` if a file begins as a PDF.
pub(crate) fn is_pdf(path: &Path) -> bool {
    begins_as_pdf(&start(path))
}

fn begins_as_pdf(start: &[u8]) -> bool {
    start.windows(5).any(|bytes| bytes == b"%PDF-")
}

/// The first bytes of a file; few, if it is short.
fn start(path: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    // One that cannot be read begins with nothing.
    let _ = File::open(path).and_then(|file| file.take(1024).read_to_end(&mut start));
    start
}

/// Pages of a file, as far as it is worth asking: those of a PDF or TIFF that can be opened, else 1.
fn page_count(loaded: &Arc<Loaded>, path: &Path) -> usize {
    let start = start(path);
    let is_tiff = start.starts_with(b"II*\0") || start.starts_with(b"MM\0*");
    if !is_tiff && !begins_as_pdf(&start) {
        return 1;
    }
    let file = InputFile::from_path(path, PathBuf::new());
    input::open(&file, &loaded.open).map_or(1, |source| source.page_count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_that_are_about_to_go_answer_no_other_order() {
        let ago = |seconds: u64| now_ms() - seconds * 1000;
        let hour = 3600;
        assert!(lives_on(ago(0), hour));
        assert!(lives_on(ago(hour - 100), hour));
        assert!(!lives_on(ago(hour - 50), hour));
        assert!(!lives_on(ago(hour + 1), hour));
        // A short life has an end, too.
        assert!(lives_on(ago(2), 10));
        assert!(!lives_on(ago(8), 10));
        assert!(lives_on(ago(0), u64::MAX));
    }
}
