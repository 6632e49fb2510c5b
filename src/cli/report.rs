//! Progress, messages and the report of a run.

use super::flags;
use super::logging::Record;
use crate::document::{Code, Page};
use crate::engine::{self, Job};
use crate::input::InputError;
use crate::shown;
use crate::writer::{WriteObserver, WrittenDocument};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tracing::Level;

/// Pages of a document whose errors, and whose warnings, are printed; the report lists all errors, the JSON
/// both.
const SHOWN_ERRORS: usize = 5;

/// Outcome of an input that was not finished when the run was interrupted.
const INTERRUPTED: &str = "interrupted";
/// File types listed in the note about files left out.
const SHOWN_KINDS: usize = 8;

/// Outcome of an input.
#[derive(Debug, Clone)]
struct InputRecord {
    path: String,
    outcome: &'static str,
    reason: Option<String>,
    selected: usize,
    written: WrittenDocument,
    /// The files written, with their SHA-256 in hexadecimal.
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
    /// Hash the files written, for the report.
    hashes: bool,
    records: BTreeMap<usize, InputRecord>,
    outside: Vec<Value>,
    /// Counts by outcome of inputs without a record.
    outside_counts: BTreeMap<&'static str, usize>,
    other_kinds: BTreeMap<String, usize>,
    /// Inputs that were found but could not be opened.
    failed_unopened: usize,
    stage_ms: BTreeMap<&'static str, f64>,
}

impl RunReporter {
    /// A reporter for this number of files; `show_bar` only on a terminal.
    pub fn new(total_files: usize, show_bar: bool) -> Self {
        let target = if show_bar {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let template =
            "{spinner} {prefix} {wide_bar} {pos}/{len} pages, {per_sec}, {eta} left  {msg}";
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
            outside_counts: BTreeMap::new(),
            other_kinds: BTreeMap::new(),
            failed_unopened: 0,
            stage_ms: BTreeMap::new(),
        }
    }

    /// Reports an input without a job: it was not found, or it was skipped.
    pub fn outside(&mut self, path: &str, outcome: &'static str, reason: &str) {
        self.bar.suspend(|| match outcome {
            "failed" => tracing::error!(code = Code::InputFailed.name(), file = path, "{reason}"),
            "cancelled" => {}
            _ => tracing::info!(code = Code::Skipped.name(), file = path, "{reason}"),
        });
        *self.outside_counts.entry(outcome).or_default() += 1;
        self.outside.push(unopened(path, outcome, reason));
    }

    /// Hashes files as they are written, for the report: after an interrupt there is no time for it.
    pub fn hash_outputs(&mut self) {
        self.hashes = true;
    }

    /// Reports what was found but not used: pipes and devices, and counts of files of other types.
    pub fn left_out(
        &mut self,
        passed_over: &[InputError],
        other_kinds: BTreeMap<String, usize>,
        quiet: bool,
    ) {
        for InputError { input, reason } in passed_over {
            self.bar
                .suspend(|| tracing::warn!(code = Code::LeftOut.name(), file = input, "{reason}"));
            self.outside.push(unopened(input, "left out", reason));
        }
        if let Some(note) = other_kinds_note(&other_kinds).filter(|_| !quiet) {
            self.bar
                .suspend(|| Record::new(Level::INFO, "left_out", &note).print());
        }
        self.other_kinds = other_kinds;
    }

    /// Prints the closing line: what was done, where the results are, and what was not done.
    pub fn close(&self, place: &str, interrupted: bool) {
        let (word, code) = (
            if interrupted { "interrupted" } else { "done" },
            Code::Summary.name(),
        );
        let message = self.sum(place);
        Record {
            word: Some(word),
            ..Record::new(Level::INFO, code, &message)
        }
        .print();
    }

    fn sum(&self, place: &str) -> String {
        let outside = |outcome: &str| {
            self.outside_counts
                .get(outcome)
                .copied()
                .unwrap_or_default()
        };
        let ended = |outcome: &str| {
            self.records
                .values()
                .filter(|r| r.outcome == outcome)
                .count()
        };
        let (partial, failed) = (ended("partial"), ended("failed") + outside("failed"));
        let written = self
            .records
            .values()
            .filter(|r| matches!(r.outcome, "done" | "partial"));
        let (documents, pages) =
            written.fold((0, 0), |(n, pages), r| (n + 1, pages + r.written.pages));
        let started = documents + ended("failed") + self.failed_unopened + outside("skipped");
        let parts = [
            (partial, "with errors"),
            (failed + self.failed_unopened, "failed"),
            (outside("skipped"), "skipped"),
            (
                self.total_files.saturating_sub(started) + outside("cancelled"),
                "not done",
            ),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, what)| format!("{n} {what}"))
            .collect();
        let rest = if parts.is_empty() {
            String::new()
        } else {
            format!("; {}", parts.join(", "))
        };
        format!(
            "{}, {} -> {place}{rest}",
            counted(documents, "document"),
            counted(pages, "page")
        )
    }

    /// Removes the progress bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn file_done(&mut self) {
        self.done_files += 1;
        self.bar
            .set_prefix(format!("{}/{} files", self.done_files, self.total_files));
    }

    /// The report as one JSON object.
    pub fn to_json(&self, pipeline: &str, exit_code: u8) -> Value {
        let inputs: Vec<Value> = self
            .records
            .values()
            .map(record_json)
            .chain(self.outside.iter().cloned())
            .collect();
        json!({
            "docparse": env!("CARGO_PKG_VERSION"),
            "pipeline": pipeline,
            "exit_code": exit_code,
            "seconds": round(self.started.elapsed().as_secs_f64()),
            "first_page_seconds": self.first_page.map(|d| round(d.as_secs_f64())),
            "stage_seconds": self.stage_ms.iter().map(|(k, ms)| (k.to_string(), json!(round(ms / 1000.0)))).collect::<serde_json::Map<_, _>>(),
            "inputs": inputs,
            "other_kinds": self.other_kinds,
        })
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `12 files of other kinds left out: .docx 10, .txt 2`, the most frequent first.
fn other_kinds_note(kinds: &BTreeMap<String, usize>) -> Option<String> {
    let total: usize = kinds.values().sum();
    let mut kinds: Vec<(&str, usize)> = kinds
        .iter()
        .map(|(kind, count)| (kind.as_str(), *count))
        .collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = kinds.len().saturating_sub(SHOWN_KINDS);
    let shown = kinds
        .iter()
        .take(SHOWN_KINDS)
        .map(|(kind, count)| match kind {
            &"" => format!("without extension {count}"),
            kind => format!(".{kind} {count}"),
        });
    let mut list = shown.collect::<Vec<_>>().join(", ");
    if more > 0 {
        list.push_str(&format!(" and {}", counted(more, "more kind")));
    }
    let (kind, files) = (
        if total == 1 {
            "another kind"
        } else {
            "other kinds"
        },
        counted(total, "file"),
    );
    (total > 0).then(|| format!("{files} of {kind} left out: {list}"))
}

/// First and last page of an error of a document, from 1 (the last only for a range of pages), and its
/// message.
fn pages_and_message(error: &str) -> (Option<u64>, Option<u64>, &str) {
    let parsed = || {
        let (pages, message) = error.strip_prefix("page")?.split_once(": ")?;
        let (first, last) = match pages.strip_prefix("s ") {
            Some(pages) => pages
                .split_once('-')
                .map(|(first, last)| (first, Some(last)))?,
            None => (pages.strip_prefix(' ')?, None),
        };
        let last = last.map(str::parse).transpose().ok()?;
        Some((Some(first.parse().ok()?), last, message))
    };
    parsed().unwrap_or((None, None, error))
}

/// An input without pages in the report.
fn unopened(path: &str, outcome: &str, reason: &str) -> Value {
    json!({"path": path, "outcome": outcome, "reason": flags::named(reason, Some(path))})
}

fn record_json(record: &InputRecord) -> Value {
    let written = &record.written;
    let said = |text: &String| flags::named(text, Some(&record.path)).into_owned();
    let outputs: Vec<Value> = record
        .outputs
        .iter()
        .map(|(path, sha256)| json!({"path": path, "sha256": sha256}))
        .collect();
    json!({
        "path": record.path,
        "outcome": record.outcome,
        "reason": record.reason.as_ref().map(said),
        "pages": record.selected,
        "errors": written.errors.iter().map(said).collect::<Vec<_>>(),
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
        self.first_page
            .get_or_insert_with(|| self.started.elapsed());
        self.bar.inc(page.stands_for() as u64);
        if let Some((stage, _)) = page.timings.iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
            self.bar.set_message(stage.to_string());
        }
        for (stage, ms) in &page.timings {
            *self.stage_ms.entry(stage).or_default() += ms;
        }
        let ms: f64 = page.timings.iter().map(|t| t.1).sum();
        tracing::debug!(
            code = Code::PageDone.name(),
            file = job.file.given,
            page = page.page_index as u64 + 1,
            text = page.text_decision.reason,
            blocks = page.blocks.len(),
            ms = ms.round(),
            "page done"
        );
    }

    fn written(&mut self, job: &Job, document: WrittenDocument) {
        self.bar.suspend(|| {
            let file = job.file.given.as_str();
            for error in document.errors.iter().take(SHOWN_ERRORS) {
                let (page, last_page, message) = pages_and_message(error);
                tracing::error!(
                    code = Code::PageFailed.name(),
                    file,
                    page,
                    last_page,
                    "{message}"
                );
            }
            if document.errors.len() > SHOWN_ERRORS {
                let more = document.errors.len() - SHOWN_ERRORS;
                tracing::error!(code = Code::PageFailed.name(), file, "{more} more errors");
            }
            for warning in document.warnings.iter().take(SHOWN_ERRORS) {
                let (code, message) = (warning.diagnostic.code.name(), &warning.diagnostic.message);
                let last_page = warning.last_page.map(|page| page as u64);
                tracing::warn!(
                    code,
                    file,
                    page = warning.page as u64,
                    last_page,
                    "{message}"
                );
            }
            if document.warnings.len() > SHOWN_ERRORS {
                let more = document.warnings.len() - SHOWN_ERRORS;
                tracing::warn!(file, "{}", counted(more, "more warning"));
            }
            tracing::info!(
                code = Code::DocumentDone.name(),
                file,
                "{} pages",
                document.pages
            );
        });
        let hashes = self.hashes;
        let hashed = |path: &PathBuf| (shown::name(path), hashes.then(|| sha256(path)).flatten());
        if let Some(record) = self.records.get_mut(&job.id) {
            record.outputs = document.files.iter().map(hashed).collect();
            record.outcome = if document.errors.is_empty() {
                "done"
            } else {
                "partial"
            };
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
            let file = job.file.given.as_str();
            self.bar
                .suspend(|| tracing::error!(code = Code::InputFailed.name(), file, "{reason}"));
        }
        match self.records.get_mut(&job.id) {
            Some(record) => {
                record.outcome = outcome;
                record.reason = Some(reason.to_string());
                record.seconds = record.started.elapsed().as_secs_f64();
            }
            None => {
                self.failed_unopened += usize::from(outcome == "failed");
                self.outside
                    .push(unopened(&job.file.given, outcome, reason));
            }
        }
        self.file_done();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::InputFile;
    use std::path::PathBuf;

    fn job(id: usize) -> Job {
        let file = InputFile::from_path(Path::new(&format!("{id}.pdf")), PathBuf::new());
        Job {
            id,
            file,
            picture_folder: String::new(),
        }
    }

    #[test]
    fn the_closing_line_counts_every_input_once() {
        let mut reporter = RunReporter::new(6, false);
        assert_eq!(
            reporter.sum("out"),
            "0 documents, 0 pages -> out; 6 not done"
        );
        for id in [0, 1, 4] {
            reporter.opened(&job(id), 3);
        }
        let written = |pages, errors| {
            let mut document = WrittenDocument::default();
            (document.pages, document.errors) = (pages, errors);
            document
        };
        reporter.written(&job(0), written(1, Vec::new()));
        assert_eq!(reporter.sum("out"), "1 document, 1 page -> out; 5 not done");
        let errors = vec!["page 2: bad".to_string()];
        reporter.written(&job(1), written(2, errors));
        reporter.failed(&job(2), "cannot be opened");
        reporter.outside("missing.pdf", "failed", "no such file or directory");
        reporter.outside("3.pdf", "skipped", "written before");
        reporter.failed(&job(4), "cancelled");
        reporter.failed(&job(5), "cancelled");
        let rest = "1 with errors, 2 failed, 1 skipped, 2 not done";
        assert_eq!(
            reporter.sum("out"),
            format!("2 documents, 3 pages -> out; {rest}")
        );
    }

    #[test]
    fn the_report_names_settings_by_their_flags() {
        let mut reporter = RunReporter::new(2, false);
        reporter.outside(
            "(`seed`).pdf",
            "failed",
            "`(`seed`).md` is taken; give another `save_path`",
        );
        reporter.opened(&job(0), 1);
        let mut document = WrittenDocument::default();
        document.errors = vec!["page 1: too large; raise `memory_limit`".to_string()];
        reporter.written(&job(0), document);
        let report = reporter.to_json("lite", 3);
        assert_eq!(
            report["inputs"][0]["errors"][0],
            "page 1: too large; raise --memory-limit"
        );
        let reason = "`(`seed`).md` is taken; give another --save-path";
        assert_eq!(report["inputs"][1]["reason"], reason);
        assert_eq!(report["inputs"][1]["path"], "(`seed`).pdf");
    }

    #[test]
    fn other_kinds_are_counted() {
        let kinds = |list: &[(&str, usize)]| {
            other_kinds_note(
                &list
                    .iter()
                    .map(|(kind, count)| (kind.to_string(), *count))
                    .collect(),
            )
        };
        assert_eq!(kinds(&[]), None);
        let note = kinds(&[("docx", 10), ("txt", 2), ("", 2)]).unwrap();
        assert_eq!(
            note,
            "14 files of other kinds left out: .docx 10, without extension 2, .txt 2"
        );
        let many: Vec<(String, usize)> = (0..10).map(|i| (format!("k{i}"), 1)).collect();
        let many: Vec<(&str, usize)> = many
            .iter()
            .map(|(kind, count)| (kind.as_str(), *count))
            .collect();
        assert!(kinds(&many).unwrap().ends_with(".k7 1 and 2 more kinds"));
        assert_eq!(
            kinds(&[("md", 1)]).unwrap(),
            "1 file of another kind left out: .md 1"
        );
    }

    #[test]
    fn errors_name_their_page() {
        assert_eq!(
            pages_and_message("page 12: page 3: bad"),
            (Some(12), None, "page 3: bad")
        );
        assert_eq!(
            pages_and_message("pages 1-3: bad"),
            (Some(1), Some(3), "bad")
        );
        for no_page in [
            "failed to write `page 3: a`",
            "page one: bad",
            "pages 1: bad",
            "pages: 1-2",
            "page",
        ] {
            assert_eq!(pages_and_message(no_page), (None, None, no_page));
        }
    }
}
