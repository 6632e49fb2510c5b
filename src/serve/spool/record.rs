//! What a job's folder says in its small JSON files: the order (`request.json`), how far it is (`progress.N.json`), and
//! how it ended (`outcome.json`).

use super::files::now_ms;
use crate::fault::Fault;
use crate::net::TraceContext;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An order. It never changes once the job exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct JobRecord {
    /// The job.
    pub id: String,
    /// The key that leads to it.
    #[serde(default)]
    pub key: String,
    /// Who ordered it: a hash of the API key, empty without keys.
    pub owner: String,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    /// Its files, in order; their bytes are `input/0`, `input/1`, ...
    pub files: Vec<JobFile>,
    /// Settings that differ from the server's, by the name of the parameter.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Formats to write.
    pub formats: Vec<String>,
    /// Selected pages, such as `1-3,7`.
    #[serde(default)]
    pub pages: Option<String>,
    /// The result has the form of the reference's (`/layout-parsing`).
    #[serde(default)]
    pub answer: Option<AnswerOptions>,
    /// The result is shown as docling's service does.
    #[serde(default)]
    pub docling: Option<DoclingOptions>,
    /// Address that is told when the job has ended.
    #[serde(default)]
    pub webhook: Option<String>,
    /// The trace of the request that ordered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceContext>,
    /// Pages of all files together, as far as known when it was ordered.
    pub page_estimate: usize,
    /// The server whose clients wait for it: it is cancelled when the last of them is gone.
    #[serde(default)]
    pub waited_at: Option<String>,
}

impl JobRecord {
    /// Bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// A file of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobFile {
    /// The client's name for it. It is data: no path is made of it.
    pub name: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes in hexadecimal.
    pub sha256: String,
}

/// Options of the reference's answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct AnswerOptions {
    /// Drawings and the page's picture are part of it.
    pub visualize: bool,
    /// Pictures of Markdown are part of it.
    pub return_markdown_images: bool,
    /// Whole-document steps, as `mergeTables` and `relevelTitles`; `None` without them.
    pub restructure: Option<(bool, bool)>,
    /// A Word document of each page is part of it.
    pub docx: bool,
    /// The file is a PDF, and no picture.
    pub is_pdf: bool,
    /// `prettifyMarkdown`.
    pub pretty: bool,
    /// `showFormulaNumber`.
    pub show_formula_number: bool,
    /// Pictures are files of the result, and their names stand in place of base64.
    #[serde(default)]
    pub as_files: bool,
    /// The answer is that of the reference's OCR pipeline (`/ocr`), with lines of at least this score, 0 to 1.
    #[serde(default)]
    pub ocr: Option<f32>,
}

/// What a client of docling's service sees of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DoclingOptions {
    /// Contents of the answer.
    pub contents: Vec<DoclingContent>,
    /// How pictures are shown.
    pub pictures: PictureMode,
    /// What stands between pages in the Markdown.
    pub page_break: Option<String>,
    /// The result is a zip.
    pub zip: bool,
}

/// A content of docling's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DoclingContent {
    /// Markdown.
    Md,
    /// A `DoclingDocument`.
    Json,
    /// HTML.
    Html,
    /// Plain text.
    Text,
    /// DocTags.
    Doctags,
}

/// How pictures are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PictureMode {
    /// By a comment in their place.
    Placeholder,
    /// By themselves.
    Embedded,
    /// By links to files of the result.
    Referenced,
}

/// State of a job or of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobState {
    /// It waits.
    Queued,
    /// Some server works on it.
    Running,
    /// Everything is there.
    Done,
    /// There is a result, but pages, blocks or files of it failed.
    Partial,
    /// There is no result.
    Failed,
    /// It was cancelled.
    Canceled,
}

impl JobState {
    /// `true` if nothing more will happen.
    pub(crate) fn is_final(self) -> bool {
        !matches!(self, JobState::Queued | JobState::Running)
    }

    /// The word in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Partial => "partial",
            JobState::Failed => "failed",
            JobState::Canceled => "canceled",
        }
    }
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobError {
    /// A reason of `docs/errors.md`.
    pub code: String,
    /// For people.
    pub message: String,
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<usize>,
    /// The last of several pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_page: Option<usize>,
}

impl From<&Fault> for JobError {
    fn from(fault: &Fault) -> JobError {
        JobError {
            code: fault.reason.name().into(),
            message: fault.message.clone(),
            page: None,
            last_page: None,
        }
    }
}

/// How far a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileProgress {
    /// Its state.
    pub state: JobState,
    /// Pages that are parsed; unknown until it is open.
    pub page_count: Option<usize>,
    /// Pages that are finished.
    pub pages_done: usize,
    /// What went wrong.
    #[serde(default)]
    pub errors: Vec<JobError>,
    /// Written files, by their path below the result's folder, with sizes in bytes.
    #[serde(default)]
    pub outputs: Vec<(String, u64)>,
}

impl FileProgress {
    /// Of a file that waits.
    pub(crate) fn queued() -> FileProgress {
        FileProgress {
            state: JobState::Queued,
            page_count: None,
            pages_done: 0,
            errors: Vec::new(),
            outputs: Vec::new(),
        }
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Number of the lease that the work is done under: names the folder of results and the file of pages.
    pub attempt: u32,
    /// When that work began, in milliseconds since 1970.
    pub started_ms: u64,
    /// The files, in order.
    pub files: Vec<FileProgress>,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// A final state.
    pub state: JobState,
    /// When, in milliseconds since 1970.
    pub finished_ms: u64,
    /// Why, where it has failed as a whole.
    #[serde(default)]
    pub error: Option<JobError>,
    /// Its files; `None` if no work was done.
    #[serde(default)]
    pub progress: Option<Progress>,
}

impl Outcome {
    /// A job that ends without a result.
    pub(crate) fn without_result(state: JobState, error: Option<JobError>) -> Outcome {
        Outcome {
            state,
            finished_ms: now_ms(),
            error,
            progress: None,
        }
    }

    /// Bytes of the results.
    pub(crate) fn bytes(&self) -> u64 {
        let files = self.progress.iter().flat_map(|progress| &progress.files);
        files
            .flat_map(|file| &file.outputs)
            .map(|(_, size)| size)
            .sum()
    }
}
