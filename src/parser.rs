//! The entry point of the library: a [`Parser`] loads a pipeline once and parses any number of documents with
//! it.
//!
//! Clients that want pages as they are finished, many documents at once, or different settings for each
//! submit jobs to its [`Engine`].

use crate::config::machine;
use crate::document::{Document, DocumentInfo, Page};
use crate::engine::{
    Engine, Event, Job, JobFault, JobSettings, PageSelection, StartError, Submission, SubmitError,
    events,
};
use crate::fault::Reason;
use crate::input::{self, InputFile, OpenOptions};
use crate::onnx::{Device, SessionOptions};
use crate::output::{OutputName, names};
use crate::pipeline::job::WantedPictures;
use crate::pipeline::resolve::resolve;
use crate::pipeline::stages::Loader;
use crate::pipeline::{RequestError, RunRequest, SetupError, memory, restructure_options};
use crate::recognize::server::StopSignals;
use crate::restructure::{self, FinishOptions};
use crate::runtime::{self, RuntimeDirs};
use crate::writer::docx;
use crate::writer::html::Html;
use crate::writer::json::{self, JsonOptions};
use crate::writer::markdown;
use crate::writer::{Finished, Format, FormatOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The program that runs as worker process and reads files.
const PROGRAM: &str = "docparse";
/// Folders into which cargo puts examples and tests, below that of programs.
const BELOW_PROGRAMS: [&str; 2] = ["examples", "deps"];
/// Interval of checks that the engine is still running while no event arrives.
const LOOK: Duration = Duration::from_millis(200);

/// Options of a parser.
#[derive(Clone)]
pub struct ParserOptions {
    /// The pipeline and its settings; the default is that of the command line without flags.
    pub request: RunRequest,
    /// The program `docparse` of the same version. It reads files in worker processes with limits on memory
    /// and time, so that a hostile file costs only its own pages. `None`: searched for in the folder of the
    /// running program.
    pub worker: Option<PathBuf>,
    /// The folder of native libraries and line networks, as created by `scripts/setup.sh`; `None`: beside the
    /// running program, and in the checkout that it was built in.
    pub runtime_dir: Option<PathBuf>,
    /// Device that networks run on.
    pub device: Device,
    /// Threads that read pages; `None`: as many as there are processors.
    pub threads: Option<usize>,
    /// Memory limit of this parser in bytes, its workers included; `None`: three quarters of the machine's
    /// memory.
    pub memory_limit: Option<u64>,
    /// Passwords to try on encrypted PDFs.
    pub passwords: Vec<String>,
    /// Limit on documents in progress at once; further ones are refused.
    pub documents_at_once: usize,
}

impl Default for ParserOptions {
    fn default() -> Self {
        ParserOptions {
            request: RunRequest::default(),
            worker: None,
            runtime_dir: None,
            device: Device::Auto,
            threads: None,
            memory_limit: None,
            passwords: Vec::new(),
            documents_at_once: 256,
        }
    }
}

/// Reason why a parser could not be created.
#[derive(Debug, thiserror::Error)]
pub enum ParserError {
    /// The settings are invalid.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A part cannot be loaded.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The worker program was not found.
    #[error("the program `{PROGRAM}`, which reads files in processes of its own, was not found at {}", shown(.0))]
    NoWorker(Vec<PathBuf>),
    /// The worker program is the running one, which would start itself without end.
    #[error("`{}` is the running program, and not `{PROGRAM}`", .0.display())]
    WorkerIsSelf(PathBuf),
    /// The path of the running program is unknown, so nothing can be searched for beside it.
    #[error("the running program cannot be found ({0}); name the program `{PROGRAM}`")]
    NoProgram(String),
    /// The system refuses to start threads.
    #[error(transparent)]
    Start(#[from] StartError),
}

impl ParserError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            ParserError::Request(_) | ParserError::WorkerIsSelf(_) => Reason::Settings,
            ParserError::Setup(error) => error.reason(),
            ParserError::NoWorker(_) | ParserError::NoProgram(_) => Reason::NotFound,
            ParserError::Start(error) => error.reason(),
        }
    }
}

fn shown(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Reason why a document was not parsed. Failed pages do not count: they are reported in their diagnostics.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// The engine refused the document.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The document was given up.
    #[error("`{file}`: {fault}")]
    GivenUp {
        /// The file.
        file: String,
        /// The cause.
        fault: JobFault,
    },
}

impl ParseError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            ParseError::Submit(error) => error.reason(),
            ParseError::GivenUp { fault, .. } => fault.reason(),
        }
    }
}

/// Parses documents. It may be shared by threads: documents parsed at the same time take turns.
pub struct Parser {
    engine: Engine,
    open: OpenOptions,
    settings: Arc<JobSettings>,
    finish: FinishOptions,
    json: JsonOptions,
    /// Id of the next job.
    jobs: AtomicUsize,
}

impl Parser {
    /// Loads a pipeline. Line networks are loaded when a page first needs them.
    pub fn load(options: ParserOptions) -> Result<Parser, ParserError> {
        let worker = worker(options.worker)?;
        let mut resolved = resolve(&options.request)?;
        let cores = machine::cores();
        let threads = options.threads.unwrap_or(cores).clamp(1, 256);
        let memory = memory::plan(
            &mut resolved,
            options.memory_limit,
            &[options.device],
            threads.min(cores),
        )?;
        let dirs = RuntimeDirs::new(options.runtime_dir.as_deref(), None);
        let open = resolved.open_options(worker, options.passwords, &dirs, &memory);
        let page_memory = memory.shares.pages;
        let loader = Loader {
            dirs,
            session: SessionOptions::on(options.device, cores),
            several: None,
            quantized: None,
            no_lines: memory.no_lines,
            ends: &StopSignals::default(),
        };
        let stages = loader.load(&resolved)?;
        let mut limits = resolved.limits(threads, page_memory, 1);
        limits.jobs = options.documents_at_once.max(1);
        let wanted = WantedPictures {
            blocks: true,
            ..WantedPictures::default()
        };
        let as_reference = options.request.as_reference;
        Ok(Parser {
            engine: Engine::start(stages, limits)?,
            open,
            settings: Arc::new(resolved.job_settings(wanted, as_reference)),
            finish: resolved.finish_options(restructure_options(
                &options.request.parameters,
                as_reference,
            )),
            json: resolved.json_options(as_reference),
            jobs: AtomicUsize::new(0),
        })
    }

    /// Parses a file; blocks until all its pages are done.
    pub fn parse(&self, path: impl AsRef<Path>) -> Result<Parsed, ParseError> {
        let (sender, receiver) = events();
        let submission = Submission {
            events: sender,
            ..self.submission(path.as_ref())
        };
        let file = submission.job.file.given.clone();
        let given_up = |fault| ParseError::GivenUp {
            file: file.clone(),
            fault,
        };
        self.engine.submit(submission)?;
        let mut document = Document {
            input_path: file.clone(),
            pages: Vec::new(),
            page_count: None,
            info: DocumentInfo::default(),
        };
        loop {
            match receiver
                .receive(LOOK)
                .map(|delivery| delivery.map(|delivery| delivery.event))
            {
                Ok(Some(Event::Opened(opened))) => {
                    document.page_count = opened.is_paged.then_some(opened.page_count);
                    document.info = opened.info;
                }
                Ok(Some(Event::Page { page, .. })) => document.push(page.page),
                Ok(Some(Event::AllStarted)) => {}
                Ok(Some(Event::Finished)) => break,
                Ok(Some(Event::GivenUp(fault))) => return Err(given_up(fault)),
                Ok(None) if !self.engine.has_ended() => {}
                Ok(None) | Err(_) => {
                    return Err(given_up(JobFault::Internal("the engine has ended".into())));
                }
            }
        }
        Ok(self.finish(document))
    }

    /// Runs the steps that need the whole document, for clients of the engine: `document` has all pages that
    /// a job delivered.
    pub fn finish(&self, mut document: Document) -> Parsed {
        restructure::finish(&mut document, &self.finish);
        let concatenate_pages = self.finish.restructure.is_some_and(|r| r.concatenate_pages);
        Parsed {
            document,
            json: self.json.clone(),
            concatenate_pages,
        }
    }

    /// The engine, for clients that submit jobs themselves.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// A job for a file with the parser's settings, for the engine. Its events are dropped until you set a
    /// sender of your own; receive events until the job has ended, since it counts against
    /// [`ParserOptions::documents_at_once`] until then.
    pub fn submission(&self, path: &Path) -> Submission {
        let id = self.jobs.fetch_add(1, Ordering::Relaxed);
        let file = InputFile::from_path(path, PathBuf::new());
        // Named as on the command line: derived from this document's name, and safe as a path component.
        let stem =
            names::safe_name(names::stem_of(path.file_name().unwrap_or_default())).into_owned();
        let picture_folder = OutputName::new(PathBuf::new(), stem).pictures;
        let job = Arc::new(Job {
            id,
            file,
            picture_folder,
        });
        let (open, opened) = (self.open.clone(), job.clone());
        Submission {
            job,
            source: Box::new(move || input::open(&opened.file, &open)),
            pages: PageSelection::default(),
            max_pages: None,
            settings: self.settings.clone(),
            cancel: Arc::<AtomicBool>::default(),
            stop: Arc::<AtomicBool>::default(),
            events: events().0,
        }
    }
}

/// A parsed document.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Its pages and blocks.
    pub document: Document,
    json: JsonOptions,
    concatenate_pages: bool,
}

impl Parsed {
    /// The document as Markdown, identical to the command line's.
    pub fn to_markdown(&self) -> String {
        markdown::document(&self.document, &self.json.markdown)
    }

    /// The document as one HTML file, as the command line writes it.
    pub fn to_html(&self) -> String {
        let options = FormatOptions {
            json: self.json.clone(),
            concatenate_pages: self.concatenate_pages,
            answer: None,
            preprocesses: false,
        };
        let mut html = Vec::new();
        // Memory takes all that is written.
        drop(Html.write(Finished::from(&self.document), &options, &mut html));
        String::from_utf8_lossy(&html).into_owned()
    }

    /// The document as a Word document (`.docx`), with its pictures, as the command line writes it.
    pub fn to_docx(&self) -> io::Result<Vec<u8>> {
        let finished = Finished::from(&self.document);
        docx::bytes(finished, &self.document.pages, &self.json.markdown)
    }

    /// Writes the document as JSON, identical to the command line's.
    pub fn write_json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(out, &self.document, &self.json, self.concatenate_pages)
    }

    /// The pictures that Markdown and JSON link to: path and JPEG. Paths start with the file's name without
    /// its extension, so they collide for two files that differ only in their folder or extension.
    pub fn pictures(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let pages = self.document.pages.iter();
        let pictures = pages.flat_map(Page::all_pictures);
        pictures.filter_map(|picture| Some((picture.path.as_str(), picture.jpeg.as_deref()?)))
    }
}

/// The worker program.
fn worker(given: Option<PathBuf>) -> Result<PathBuf, ParserError> {
    let own = std::env::current_exe().and_then(|path| path.canonicalize());
    let looked = match (given, &own) {
        (Some(path), _) => vec![path],
        (None, Err(error)) => return Err(ParserError::NoProgram(error.to_string())),
        (None, Ok(own)) => {
            let folder = own.parent().unwrap_or(Path::new("/"));
            let is_below = BELOW_PROGRAMS.iter().any(|name| folder.ends_with(name));
            // The parent folder is searched only if it is trusted: anybody could have put a program into
            // another one.
            let above = folder
                .parent()
                .filter(|above| is_below && runtime::is_trusted(above));
            [Some(folder), above]
                .into_iter()
                .flatten()
                .map(|folder| folder.join(PROGRAM))
                .collect()
        }
    };
    // Made absolute now, since the working directory may change.
    let found = looked
        .iter()
        .find_map(|path| path.canonicalize().ok().filter(|path| path.is_file()));
    match found {
        None => Err(ParserError::NoWorker(looked)),
        Some(found) if own.is_ok_and(|own| own == found) => Err(ParserError::WorkerIsSelf(found)),
        Some(found) => Ok(found),
    }
}
