//! `/v1/jobs/{id}/result`: a zip of all files of a result, or one of them.

use super::jobs::own_job;
use crate::serve::body::{self, BodyWriter, OnSent};
use crate::serve::error::ApiError;
use crate::serve::keys::Owner;
use crate::serve::spool::JobStatus;
use crate::serve::state::Server;
use crate::serve::view;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{
    CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use zip::write::{SimpleFileOptions, ZipWriter};

/// The folder of a finished job's results, and the names in it.
pub(super) fn results(
    server: &Server,
    status: &JobStatus,
) -> Result<(PathBuf, Vec<String>), ApiError> {
    let id = &status.record.id;
    if !status.state.is_final() {
        return Err(ApiError {
            retry_after: Some(1),
            ..ApiError::new(
                StatusCode::CONFLICT,
                "not_finished",
                "the job has not ended; wait with GET /v1/jobs/ID?wait=SECONDS",
            )
        });
    }
    let attempt = status.progress.as_ref().map(|progress| progress.attempt);
    let folder = attempt.and_then(|attempt| server.spool.results(id, attempt));
    let mut names = view::outputs(status);
    // Documents of a job of an earlier version may share a picture; a zip holds a name once.
    let mut seen = HashSet::new();
    names.retain(|name| seen.insert(name.clone()));
    match folder.filter(|_| view::has_result(status.state) && !names.is_empty()) {
        Some(folder) => Ok((folder, names)),
        None => Err(ApiError::not_found(format!(
            "the job has no result: it is {}",
            status.state.name()
        ))),
    }
}

/// A header that gives a file its name.
fn disposition(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let plain: String = last
        .chars()
        .map(|c| match c {
            ' '..='~' if !matches!(c, '"' | '\\') => c,
            _ => '_',
        })
        .collect();
    let encoded = utf8_percent_encode(last, NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// What happens to a job whose result was sent: with `single_use_results` it goes.
pub(super) fn removal(server: &Arc<Server>, id: &str) -> Option<OnSent> {
    let (removing, id) = (server.clone(), id.to_string());
    let remove = move || {
        if let Err(error) = removing.spool.remove(&id) {
            tracing::warn!("a job whose result was fetched cannot be removed: {error}");
        }
    };
    let is_wanted = server.options.single_use_results;
    is_wanted.then(|| Box::new(remove) as OnSent)
}

/// All files, as a zip that is written while it is sent.
pub(crate) async fn all(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let status = own_job(&server, &owner, &id).await?;
    let (folder, names) = results(&server, &status)?;
    let on_sent = removal(&server, &id);
    let write = move |out: &mut BodyWriter| {
        let mut zip = ZipWriter::new_stream(&mut *out);
        let options = SimpleFileOptions::default();
        for name in &names {
            let mut file = File::open(folder.join(name))?;
            let is_large = file.metadata()?.len() > u64::from(u32::MAX) / 2;
            zip.start_file(name.as_str(), options.large_file(is_large))?;
            io::copy(&mut file, &mut zip)?;
        }
        zip.finish()?;
        Ok(())
    };
    let body = body::written_then(write, on_sent);
    let name = format!("{}.zip", status.record.id);
    let headers = [
        (CONTENT_TYPE, "application/zip".to_string()),
        (CONTENT_DISPOSITION, disposition(&name)),
    ];
    Ok((headers, body).into_response())
}

/// One file, by a name that the job lists.
pub(crate) async fn one(
    State(server): State<Arc<Server>>,
    Extension(owner): Extension<Owner>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let status = own_job(&server, &owner, &id).await?;
    let (folder, names) = results(&server, &status)?;
    // Only what the job has written itself is opened, by its own list.
    let known = names.into_iter().find(|known| *known == name);
    let known = known.ok_or_else(|| ApiError::not_found("the job has no such output"))?;
    let mut file = File::open(folder.join(&known))?;
    let size = file.metadata()?.len();
    let headers = [
        (CONTENT_TYPE, view::media_type(&known).to_string()),
        (CONTENT_LENGTH, size.to_string()),
        (CONTENT_DISPOSITION, disposition(&known)),
        // A result is never a page of this server.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_string(),
        ),
    ];
    let body = body::written(move |out| io::copy(&mut file, out).map(drop));
    Ok((headers, body).into_response())
}
