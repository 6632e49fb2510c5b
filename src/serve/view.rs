//! A job as clients see it.

use super::spool::{FileProgress, JobState, JobStatus};
use super::state::Server;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A time for clients (RFC 3339, UTC).
fn time(ms: u64) -> Value {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    time.map_or(Value::Null, |time| time.to_string().into())
}

/// The media type of an output file.
pub(crate) fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "md" => "text/markdown; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "json" => "application/json",
        "csv" => "text/csv; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "pdf" => "application/pdf",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ => "application/octet-stream",
    }
}

/// The job object.
pub(crate) fn job(server: &Server, status: &JobStatus) -> Value {
    let JobStatus {
        record,
        state,
        progress,
        outcome,
    } = status;
    let waiting = FileProgress {
        // Those of a job that ended before any work have its state.
        state: *state,
        ..FileProgress::queued()
    };
    let progress_of = |index: usize| {
        let files = progress.as_ref().map(|progress| &progress.files);
        files.and_then(|files| files.get(index)).unwrap_or(&waiting)
    };
    let files: Vec<Value> = record
        .files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let progress = progress_of(index);
            // A file that nobody worked on ends with its job.
            let state_of_file = match outcome {
                Some(_) if !progress.state.is_final() => *state,
                _ => progress.state,
            };
            let outputs = progress.outputs.iter().map(
                |(name, size)| json!({"name": name, "size": size, "media_type": media_type(name)}),
            );
            json!({
                "index": index,
                "name": file.name,
                "size": file.size,
                "sha256": file.sha256,
                "state": state_of_file.name(),
                "page_count": progress.page_count,
                "pages_done": progress.pages_done,
                "errors": progress.errors,
                "outputs": outputs.collect::<Vec<_>>(),
            })
        })
        .collect();
    let counts: Vec<Option<usize>> = (0..record.files.len())
        .map(|index| progress_of(index).page_count)
        .collect();
    let done: usize = (0..record.files.len())
        .map(|index| progress_of(index).pages_done)
        .sum();
    let id = &record.id;
    let finished = outcome.as_ref().map(|outcome| outcome.finished_ms);
    let ttl = server.options.limits.result_ttl.saturating_mul(1000);
    let mut view = Map::new();
    let mut set = |name: &str, value: Value| drop(view.insert(name.into(), value));
    set("id", id.as_str().into());
    set("state", state.name().into());
    set("created", time(record.created_ms));
    set(
        "started",
        progress
            .as_ref()
            .map_or(Value::Null, |p| time(p.started_ms)),
    );
    set("finished", finished.map_or(Value::Null, time));
    set(
        "expires",
        finished.map_or(Value::Null, |ms| time(ms.saturating_add(ttl))),
    );
    set("pages_done", done.into());
    set(
        "page_count",
        counts.into_iter().sum::<Option<usize>>().into(),
    );
    set("formats", record.formats.clone().into());
    let mut settings = record.settings.clone();
    settings.remove("password"); // a secret stays one
    set("settings", settings.into());
    if let Some(pages) = &record.pages {
        set("pages", pages.as_str().into());
    }
    set("files", files.into());
    if let Some(error) = outcome.as_ref().and_then(|outcome| outcome.error.as_ref()) {
        set("error", json!(error));
    }
    let link = |end: &str| format!("/v1/jobs/{id}{end}");
    set(
        "links",
        json!({
            "self": link(""),
            "pages": link("/pages"),
            "events": link("/events"),
            "result": link("/result"),
        }),
    );
    view.into()
}

/// The files of a result, by their names.
pub(crate) fn outputs(status: &JobStatus) -> Vec<String> {
    let files = status.progress.iter().flat_map(|progress| &progress.files);
    let outputs = files.flat_map(|file| &file.outputs);
    outputs.map(|(name, _)| name.clone()).collect()
}

/// `true` if a job has a result.
pub(crate) fn has_result(state: JobState) -> bool {
    matches!(state, JobState::Done | JobState::Partial)
}
