//! What the user sees of a run: progress, messages, and the report.

use crate::document::Page;
use crate::engine::{self, Job};
use crate::writer::{WriteObserver, WrittenDocument};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Pages of a document whose errors are printed; the report has all.
const SHOWN_ERRORS: usize = 5;

/// The outcome of an input that was not done when the run was interrupted.
const INTERRUPTED: &str = "interrupted";

/// How an input ended.
#[derive(Debug, Clone)]
struct InputRecord {
    path: String,
    outcome: &'static str,
    reason: Option<String>,
    selected: usize,
    written: WrittenDocument,
    /// The files written, with their SHA-256 in hexadecimal digits.
    outputs: Vec<(String, Option<String>)>,
    started: Instant,
    seconds: f64,
}

/// Shows progress and collects the report.
pub struct RunReporter {
    bar: ProgressBar,
    total_files: usize,
    done_files: usize,
    started: Instant,
    first_page: Option<Duration>,
    /// Whether the files written are hashed, for the report.
    hashes: bool,
    records: BTreeMap<usize, InputRecord>,
    outside: Vec<Value>,
    stage_ms: BTreeMap<&'static str, f64>,
}

impl RunReporter {
    /// A reporter for so many files; `show_bar` only where somebody looks at a terminal.
    pub fn new(total_files: usize, show_bar: bool) -> Self {
        let target = if show_bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let template = "{spinner} {prefix} {wide_bar} {pos}/{len} pages, {per_sec}, {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(format!("0/{total_files} files"));
        if show_bar {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self {
            bar,
            total_files,
            done_files: 0,
            started: Instant::now(),
            first_page: None,
            hashes: false,
            records: BTreeMap::new(),
            outside: Vec::new(),
            stage_ms: BTreeMap::new(),
        }
    }

    /// An input that was no file: it could not be found, or it was skipped.
    pub fn outside(&mut self, path: &str, outcome: &'static str, reason: &str) {
        match outcome {
            "failed" => self.bar.suspend(|| tracing::error!("{path}: {reason}")),
            _ => self.bar.suspend(|| tracing::info!("{path}: {reason}")),
        }
        self.outside.push(json!({"path": path, "outcome": outcome, "reason": reason}));
    }

    /// Files are hashed as they are written: there is a report, and an interrupt leaves no time for it.
    pub fn hash_outputs(&mut self) {
        self.hashes = true;
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn file_done(&mut self) {
        self.done_files += 1;
        self.bar.set_prefix(format!("{}/{} files", self.done_files, self.total_files));
    }

    /// The report as one JSON object.
    pub fn to_json(&self, pipeline: &str, exit_code: u8) -> Value {
        let inputs: Vec<Value> =
            self.records.values().map(record_json).chain(self.outside.iter().cloned()).collect();
        json!({
            "docparse": env!("CARGO_PKG_VERSION"),
            "pipeline": pipeline,
            "exit_code": exit_code,
            "seconds": round(self.started.elapsed().as_secs_f64()),
            "first_page_seconds": self.first_page.map(|d| round(d.as_secs_f64())),
            "stage_seconds": self.stage_ms.iter().map(|(k, ms)| (k.to_string(), json!(round(ms / 1000.0)))).collect::<serde_json::Map<_, _>>(),
            "inputs": inputs,
        })
    }
}

fn record_json(record: &InputRecord) -> Value {
    let written = &record.written;
    let outputs: Vec<Value> =
        record.outputs.iter().map(|(path, sha256)| json!({"path": path, "sha256": sha256})).collect();
    json!({
        "path": record.path,
        "outcome": record.outcome,
        "reason": record.reason,
        "pages": record.selected,
        "errors": written.errors,
        "seconds": round(record.seconds),
        "stage_seconds": written.stage_ms.iter().map(|(k, ms)| (k.to_string(), json!(round(ms / 1000.0)))).collect::<serde_json::Map<_, _>>(),
        "outputs": outputs,
    })
}

fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

fn sha256(path: &Path) -> Option<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut File::open(path).ok()?, &mut hash).ok()?;
    Some(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

impl WriteObserver for RunReporter {
    fn opened(&mut self, job: &Job, selected: usize) {
        self.bar.inc_length(selected as u64);
        let record = InputRecord {
            path: job.file.given.clone(),
            outcome: INTERRUPTED,
            reason: None,
            selected,
            written: WrittenDocument::default(),
            outputs: Vec::new(),
            started: Instant::now(),
            seconds: 0.0,
        };
        self.records.insert(job.id, record);
    }

    fn page(&mut self, job: &Job, page: &Page) {
        self.first_page.get_or_insert_with(|| self.started.elapsed());
        self.bar.inc(1);
        if let Some((stage, _)) = page.timings.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            self.bar.set_message(stage.to_string());
        }
        for (stage, ms) in &page.timings {
            *self.stage_ms.entry(stage).or_default() += ms;
        }
        let ms: f64 = page.timings.iter().map(|t| t.1).sum();
        tracing::debug!(
            file = job.file.given,
            page = page.page_index + 1,
            text = page.text_decision.reason,
            blocks = page.blocks.len(),
            ms = ms.round(),
            "page done"
        );
    }

    fn written(&mut self, job: &Job, document: WrittenDocument) {
        self.bar.suspend(|| {
            for message in document.errors.iter().take(SHOWN_ERRORS) {
                tracing::error!("{}: {message}", job.file.given);
            }
            if document.errors.len() > SHOWN_ERRORS {
                tracing::error!("{}: {} more errors", job.file.given, document.errors.len() - SHOWN_ERRORS);
            }
            tracing::info!("{}: {} pages", job.file.given, document.pages);
        });
        let hashes = self.hashes;
        let hashed = |path: &PathBuf| (path.display().to_string(), hashes.then(|| sha256(path)).flatten());
        if let Some(record) = self.records.get_mut(&job.id) {
            record.outputs = document.files.iter().map(hashed).collect();
            record.outcome = if document.errors.is_empty() { "done" } else { "partial" };
            record.seconds = record.started.elapsed().as_secs_f64();
            record.written = document;
        }
        self.file_done();
    }

    fn failed(&mut self, job: &Job, reason: &str) {
        let outcome = match reason {
            engine::CANCELLED => INTERRUPTED,
            engine::NOT_TRIED => "cancelled",
            _ => "failed",
        };
        if outcome == "failed" {
            self.bar.suspend(|| tracing::error!("{}: {reason}", job.file.given));
        }
        match self.records.get_mut(&job.id) {
            Some(record) => {
                record.outcome = outcome;
                record.reason = Some(reason.to_string());
                record.seconds = record.started.elapsed().as_secs_f64();
            }
            None => self.outside.push(json!({"path": job.file.given, "outcome": outcome, "reason": reason})),
        }
        self.file_done();
    }
}
