//! What the engine's work on a job leaves on disk while it goes on: the progress, and a line for every page.

use super::health::Pulse;
use super::metrics::Metrics;
use super::notices::Notices;
use super::spool::{FileProgress, JobError, JobState, Progress, Spool};
use crate::document::{Diagnostic, Document, DocumentInfo, Page};
use crate::engine::Job;
use crate::fault::{Fault, Reason};
use crate::restructure::{self, FinishOptions};
use crate::writer::markdown::{self, MarkdownOptions};
use crate::writer::{WriteObserver, WrittenDocument};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Most often that the progress is written.
const OFTEN: Duration = Duration::from_millis(200);

/// Where an observer writes.
pub(crate) struct Places<'a> {
    /// The jobs.
    pub spool: &'a Spool,
    /// Who is told of changes.
    pub notices: &'a Notices,
    /// Counters.
    pub metrics: &'a Metrics,
    /// Tells that work goes on.
    pub pulse: &'a Pulse,
}

/// Watches a job.
pub(crate) struct JobObserver<'a> {
    places: Places<'a>,
    id: &'a str,
    progress: Progress,
    written: Instant,
    lines: Option<BufWriter<File>>,
    markdown: MarkdownOptions,
    finish: FinishOptions,
    /// The folder of results, below which files are named.
    results: PathBuf,
}

impl<'a> JobObserver<'a> {
    /// An observer of a job that begins.
    pub(crate) fn new(
        places: Places<'a>,
        id: &'a str,
        progress: Progress,
        markdown: MarkdownOptions,
        finish: FinishOptions,
    ) -> std::io::Result<JobObserver<'a>> {
        let attempt = progress.attempt;
        let absent = std::io::ErrorKind::NotFound;
        let lines = File::create(places.spool.pages(id, attempt).ok_or(absent)?)?;
        let results = places.spool.results(id, attempt).ok_or(absent)?;
        let mut observer = JobObserver {
            places,
            id,
            progress,
            written: Instant::now(),
            lines: Some(BufWriter::new(lines)),
            markdown,
            finish,
            results,
        };
        observer.tell(true);
        Ok(observer)
    }

    /// How far the job is.
    pub(crate) fn into_progress(self) -> Progress {
        self.progress
    }

    fn file(&mut self, job: &Job) -> Option<&mut FileProgress> {
        self.progress.files.get_mut(job.id)
    }

    /// Writes the progress, if it is time.
    fn tell(&mut self, now: bool) {
        self.places.pulse.beat();
        if now || self.written.elapsed() >= OFTEN {
            self.written = Instant::now();
            // The next one may work; the outcome has it all the same.
            if let Err(error) = self.places.spool.set_progress(self.id, &self.progress) {
                tracing::warn!("the progress of a job cannot be written: {error}");
            }
        }
        self.places.notices.tell(self.id);
    }

    /// Adds a line. A file that cannot be written is given up: results do not depend on it.
    fn line(&mut self, line: &Value) {
        if let Some(lines) = &mut self.lines {
            let written = serde_json::to_writer(&mut *lines, line)
                .map_err(std::io::Error::from)
                .and_then(|()| lines.write_all(b"\n"))
                .and_then(|()| lines.flush());
            if let Err(error) = written {
                tracing::warn!("the pages of a job cannot be written: {error}");
                self.lines = None;
            }
        }
    }
}

/// The line of a page.
fn page_line(
    file: usize,
    page: &Page,
    markdown: &str,
    left_out: &BTreeSet<String>,
    provisional: bool,
) -> Value {
    let mut order = 0;
    let blocks: Vec<Value> = page
        .blocks
        .iter()
        .enumerate()
        .map(|(number, block)| {
            let bbox = block.bbox;
            let bbox = [bbox.x1, bbox.y1, bbox.x2, bbox.y2].map(|v| v.round() as i64);
            let label = block.label.as_str();
            // Numbered as in the result object.
            let is_ordered = !block.label.is_unordered() && !left_out.contains(label);
            order += usize::from(is_ordered);
            json!({
                "block_id": number,
                "block_label": label,
                "block_content": block.content,
                "block_bbox": bbox,
                "block_order": is_ordered.then_some(order),
                "score": block.score,
                "confidence": block.confidence,
            })
        })
        .collect();
    json!({
        "file": file,
        "page": page.page_index + 1,
        "last_page": page.through.map(|last| last + 1),
        "provisional": provisional,
        "width": page.width,
        "height": page.height,
        "markdown": markdown,
        "blocks": blocks,
        "diagnostics": page.diagnostics.iter().map(message).collect::<Vec<_>>(),
    })
}

fn message(told: &Diagnostic) -> Value {
    json!({
        "severity": told.severity,
        "code": told.code,
        "reason": told.reason,
        "block_id": told.block_id,
        "message": told.message,
    })
}

impl WriteObserver for JobObserver<'_> {
    fn opened(&mut self, job: &Job, selected: usize) {
        if let Some(file) = self.file(job) {
            file.state = JobState::Running;
            file.page_count = Some(selected);
        }
        self.tell(true);
    }

    fn page(&mut self, job: &Job, page: &Page) {
        // As if the document were this page: what others tell of it is not known yet.
        let mut alone = Document {
            input_path: String::new(),
            pages: vec![page.clone()],
            page_count: None,
            info: DocumentInfo::default(),
        };
        restructure::finish(&mut alone, &self.finish);
        let mut line = Value::Null;
        let options = &self.markdown;
        markdown::each_page(&alone, options, |page, text| {
            line = page_line(job.id, page, &text, &options.ignore_labels, true);
        });
        self.line(&line);
        let pages = page.stands_for();
        if let Some(file) = self.file(job) {
            file.pages_done += pages;
        }
        self.places.metrics.page(page);
        self.tell(false);
    }

    fn finished(&mut self, job: &Job, document: &Document) {
        let options = self.markdown.clone();
        markdown::each_page(document, &options, |page, text| {
            let line = page_line(job.id, page, &text, &options.ignore_labels, false);
            self.line(&line);
        });
        self.tell(false);
    }

    fn written(&mut self, job: &Job, document: WrittenDocument) {
        let results = self.results.clone();
        let outputs = document.files.iter().filter_map(|path| {
            let name = path.strip_prefix(&results).ok()?.to_str()?;
            Some((name.to_string(), fs::metadata(path).ok()?.len()))
        });
        let outputs = outputs.collect();
        let errors: Vec<JobError> = document
            .errors
            .iter()
            .map(|error| JobError {
                page: error.pages.map(|(first, _)| first),
                last_page: error.pages.map(|(_, last)| last),
                ..JobError::from(&error.fault)
            })
            .collect();
        if let Some(file) = self.file(job) {
            file.state = match errors.is_empty() {
                true => JobState::Done,
                false => JobState::Partial,
            };
            (file.outputs, file.errors) = (outputs, errors);
        }
        self.tell(true);
    }

    fn failed(&mut self, job: &Job, fault: &Fault) {
        if let Some(file) = self.file(job) {
            file.state = match fault.reason {
                Reason::Cancelled | Reason::NotTried => JobState::Canceled,
                _ => JobState::Failed,
            };
            file.errors.push(JobError::from(fault));
        }
        self.tell(true);
    }
}
