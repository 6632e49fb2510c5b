//! Progress, messages and the report of a run.

use super::flags;
use super::logging::LogRecord;
use crate::document::{Code, Page};
use crate::engine::Job;
use crate::fault::{Fault, Reason};
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
    fault: Option<Fault>,
    selected: usize,
    written: WrittenDocument,
    /// The files written, with their SHA-256 in hexadecimal.
    outputs: Vec<(String, Option<String>)>,
    started: Instant,
    seconds: f64,
}

/// Shows progress and collects the report.
pub(super) struct RunReporter {
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
    pub(super) fn new(total_files: usize, show_bar: bool) -> Self {
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

    /// Reports an input that is skipped because it was done before, or was written by docparse.
    pub(super) fn skipped(&mut self, path: &str, message: &str) {
        self.bar
            .suspend(|| tracing::info!(code = Code::Skipped.name(), file = path, "{message}"));
        self.add_outside(path, "skipped", None, message);
    }

    /// Reports an input for which there is no file to parse.
    pub(super) fn missing(&mut self, path: &str, fault: &Fault) {
        let outcome = match fault.reason {
            Reason::Cancelled => "cancelled",
            _ => "failed",
        };
        if outcome == "failed" {
            self.bar.suspend(|| tell_failed(path, fault));
        }
        self.add_outside(path, outcome, Some(fault.reason), &fault.message);
    }

    fn add_outside(
        &mut self,
        path: &str,
        outcome: &'static str,
        reason: Option<Reason>,
        message: &str,
    ) {
        *self.outside_counts.entry(outcome).or_default() += 1;
        self.outside
            .push(outside_json(path, outcome, reason, message));
    }

    /// `true` if a document of the run has a warning with this code.
    pub(super) fn has_warned(&self, code: Code) -> bool {
        let mut documents = self.records.values();
        documents.any(|record| {
            let warnings = record.written.warnings.iter();
            warnings
                .map(|warning| warning.diagnostic.code)
                .any(|is| is == code)
        })
    }

    /// Hashes files as they are written, for the report: after an interrupt there is no time for it.
    pub(super) fn hash_outputs(&mut self) {
        self.hashes = true;
    }

    /// Reports what was found but not used: pipes and devices, and counts of files of other types.
    pub(super) fn left_out(
        &mut self,
        passed_over: &[InputError],
        other_kinds: BTreeMap<String, usize>,
        quiet: bool,
    ) {
        for InputError { input, fault } in passed_over {
            let (code, fault_reason) = (Code::LeftOut.name(), fault.reason.name());
            self.bar
                .suspend(|| tracing::warn!(code, fault_reason, file = input, "{fault}"));
            self.outside.push(outside_json(
                input,
                "left out",
                Some(fault.reason),
                &fault.message,
            ));
        }
        if let Some(note) = other_kinds_note(&other_kinds).filter(|_| !quiet) {
            self.bar
                .suspend(|| LogRecord::new(Level::INFO, "left_out", &note).print());
        }
        self.other_kinds = other_kinds;
    }

    /// Prints the closing line: counts of documents, location of the results, and what was not done.
    pub(super) fn close(&self, place: &str, interrupted: bool) {
        let (word, code) = (
            if interrupted { "interrupted" } else { "done" },
            Code::Summary.name(),
        );
        let message = self.sum(place);
        LogRecord {
            word: Some(word),
            ..LogRecord::new(Level::INFO, code, &message)
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
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn file_done(&mut self) {
        self.done_files += 1;
        self.bar
            .set_prefix(format!("{}/{} files", self.done_files, self.total_files));
    }

    /// The report as one JSON object.
    pub(super) fn to_json(&self, pipeline: &str, exit_code: u8) -> Value {
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

fn record_json(record: &InputRecord) -> Value {
    let written = &record.written;
    let said = |text: &str| flags::named(text, Some(&record.path)).into_owned();
    let outputs: Vec<Value> = record
        .outputs
        .iter()
        .map(|(path, sha256)| json!({"path": path, "sha256": sha256}))
        .collect();
    json!({
        "path": record.path,
        "outcome": record.outcome,
        "reason": record.fault.as_ref().map(|fault| fault.reason),
        "message": record.fault.as_ref().map(|fault| said(&fault.message)),
        "pages": record.selected,
        "errors": written.errors.iter().map(|error| said(&error.to_string())).collect::<Vec<_>>(),
        "seconds": round(record.seconds),
        "stage_seconds": written.stage_ms.iter().map(|(k, ms)| (k.to_string(), json!(round(ms / 1000.0)))).collect::<serde_json::Map<_, _>>(),
        "outputs": outputs,
    })
}

/// An input without a record of its own.
fn outside_json(path: &str, outcome: &str, reason: Option<Reason>, message: &str) -> Value {
    let message = flags::named(message, Some(path));
    json!({"path": path, "outcome": outcome, "reason": reason, "message": message})
}

/// Outcome of an input that was given up.
fn outcome_of(fault: &Fault) -> &'static str {
    match fault.reason {
        Reason::Cancelled => INTERRUPTED,
        Reason::NotTried => "cancelled",
        _ => "failed",
    }
}

/// Reports that an input failed.
pub(super) fn tell_failed(file: &str, fault: &Fault) {
    let (code, fault_reason) = (Code::InputFailed.name(), fault.reason.name());
    tracing::error!(code, fault_reason, file, "{fault}");
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
            fault: None,
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
                let (code, fault_reason) = (Code::PageFailed.name(), error.fault.reason.name());
                let page = error.pages.map(|(first, _)| first as u64);
                let last_page = error.pages.filter(|(first, last)| last > first);
                let last_page = last_page.map(|(_, last)| last as u64);
                tracing::error!(code, fault_reason, file, page, last_page, "{}", error.fault);
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

    fn failed(&mut self, job: &Job, fault: &Fault) {
        let outcome = outcome_of(fault);
        let file = job.file.given.as_str();
        if outcome == "failed" {
            self.bar.suspend(|| tell_failed(file, fault));
        }
        match self.records.get_mut(&job.id) {
            Some(record) => {
                record.outcome = outcome;
                record.fault = Some(fault.clone());
                record.seconds = record.started.elapsed().as_secs_f64();
            }
            None => {
                self.failed_unopened += usize::from(outcome == "failed");
                let (reason, message) = (Some(fault.reason), &fault.message);
                self.outside
                    .push(outside_json(file, outcome, reason, message));
            }
        }
        self.file_done();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::InputFile;
    use crate::writer::DocumentError;
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
        let errors = vec![DocumentError {
            pages: Some((2, 2)),
            fault: Fault::internal("bad"),
        }];
        reporter.written(&job(1), written(2, errors));
        let fault = |reason: Reason| Fault::new(reason, reason.name());
        reporter.failed(&job(2), &fault(Reason::Damaged));
        reporter.missing("missing.pdf", &fault(Reason::NotFound));
        reporter.skipped("3.pdf", "written before");
        reporter.failed(&job(4), &fault(Reason::Cancelled));
        reporter.failed(&job(5), &fault(Reason::Cancelled));
        let rest = "1 with errors, 2 failed, 1 skipped, 2 not done";
        assert_eq!(
            reporter.sum("out"),
            format!("2 documents, 3 pages -> out; {rest}")
        );
    }

    #[test]
    fn the_report_names_settings_by_their_flags() {
        let mut reporter = RunReporter::new(2, false);
        let message = "`(`seed`).md` is taken; give another `save_path`";
        reporter.missing("(`seed`).pdf", &Fault::new(Reason::Settings, message));
        reporter.opened(&job(0), 1);
        let mut document = WrittenDocument::default();
        document.errors = vec![DocumentError {
            pages: Some((1, 1)),
            fault: Fault::new(Reason::OutOfMemory, "too large; raise `memory_limit`"),
        }];
        reporter.written(&job(0), document);
        let report = reporter.to_json("lite", 3);
        assert_eq!(
            report["inputs"][0]["errors"][0],
            "page 1: too large; raise --memory-limit"
        );
        let message = "`(`seed`).md` is taken; give another --save-path";
        assert_eq!(report["inputs"][1]["message"], message);
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
}
