//! The library's door: a [`Parser`] loads once what documents are parsed with, and parses any number of them.
//!
//! Clients that want pages while they come, many documents at once, or other settings for each of them submit jobs to its
//! [`Engine`].

use crate::config::machine;
use crate::document::Document;
use crate::engine::{
    Engine, Event, Job, JobFault, JobSettings, PageSelection, StartError, Submission, SubmitError,
    events,
};
use crate::input::{self, InputFile, OpenOptions};
use crate::onnx::{Device, SessionOptions};
use crate::output::{OutputName, names};
use crate::pipeline::job::WantedPictures;
use crate::pipeline::resolve::resolve;
use crate::pipeline::stages::Loader;
use crate::pipeline::{RequestError, RunRequest, SetupError, memory, restructure_options};
use crate::recognize::server::Ends;
use crate::restructure::{self, FinishOptions};
use crate::runtime::{self, RuntimeDirs};
use crate::writer::json::{self, JsonOptions};
use crate::writer::markdown;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// The name of the program that reads files in processes of its own.
const PROGRAM: &str = "docparse";
/// Folders in which cargo puts examples and tests, below that of programs.
const BELOW_PROGRAMS: [&str; 2] = ["examples", "deps"];
/// How long nothing may come before it is looked whether the engine is still there.
const LOOK: Duration = Duration::from_millis(200);

/// What a parser is made of.
#[derive(Clone)]
pub struct ParserOptions {
    /// The pipeline and its settings; by default what the command line does without flags.
    pub request: RunRequest,
    /// The program `docparse` of the same version. Files are read in processes of it, with limits on memory and time, so that a
    /// hostile file costs its own pages only. `None`: it is looked for in the folder of the running program.
    pub worker: Option<PathBuf>,
    /// The folder of native libraries and line networks, as `scripts/setup.sh` makes it; `None`: beside the running program, and
    /// in the checkout that it was built in.
    pub runtime_dir: Option<PathBuf>,
    /// Where networks run.
    pub device: Device,
    /// Threads that read pages; `None`: as many as there are processors.
    pub threads: Option<usize>,
    /// Bytes that this process and its workers may take together for this parser; `None`: three quarters of what the machine has.
    pub memory_limit: Option<u64>,
    /// Passwords that encrypted PDFs are tried with.
    pub passwords: Vec<String>,
    /// Documents that may be under way at once; further ones are refused.
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

/// Why there is no parser.
#[derive(Debug, thiserror::Error)]
pub enum ParserError {
    /// The settings are wrong.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// A part cannot be loaded.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The program that reads files is not there.
    #[error("the program `{PROGRAM}`, which reads files in processes of its own, was not found at {}", shown(.0))]
    NoWorker(Vec<PathBuf>),
    /// The program that was found is the running one, which would be started by itself without end.
    #[error("`{}` is the running program, and not `{PROGRAM}`", .0.display())]
    WorkerIsSelf(PathBuf),
    /// The running program cannot be found, and so nothing beside it.
    #[error("the running program cannot be found ({0}); name the program `{PROGRAM}`")]
    NoProgram(String),
    /// The system refuses threads.
    #[error(transparent)]
    Start(#[from] StartError),
}

fn shown(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|path| format!("`{}`", path.display()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Why a document was not parsed. Pages that fail are no reason: they say so in their diagnostics.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// It was not taken.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// It was given up.
    #[error("`{file}`: {fault}")]
    GivenUp {
        /// The file.
        file: String,
        /// Why.
        fault: JobFault,
    },
}

/// Parses documents. May be shared by threads: documents that are parsed at the same time take turns.
pub struct Parser {
    engine: Engine,
    open: OpenOptions,
    settings: Arc<JobSettings>,
    finish: FinishOptions,
    json: JsonOptions,
    /// Numbers of jobs.
    jobs: AtomicUsize,
}

impl Parser {
    /// Loads what documents are parsed with. Line networks are loaded when a page first needs them.
    pub fn load(options: ParserOptions) -> Result<Parser, ParserError> {
        let worker = worker(options.worker)?;
        let mut resolved = resolve(&options.request)?;
        let cores = machine::cores();
        let threads = options.threads.unwrap_or(cores).clamp(1, 256);
        let limit = (options.memory_limit, "the memory limit");
        let memory = memory::plan(&mut resolved, limit, options.device, threads.min(cores))?;
        let dirs = RuntimeDirs::new(options.runtime_dir.as_deref(), None);
        let open = resolved.open_options(worker, options.passwords, &dirs, &memory);
        let page_memory = memory.shares.pages;
        let loader = Loader {
            dirs,
            session: SessionOptions::on(options.device, cores),
            quantized: None,
            no_lines: memory.no_lines,
            ends: &Ends::default(),
        };
        let stages = loader.load(&resolved)?;
        let mut limits = resolved.limits(threads, page_memory);
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

    /// Parses a file. Waits until all its pages are there.
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
        };
        loop {
            match receiver
                .receive(LOOK)
                .map(|delivery| delivery.map(|delivery| delivery.event))
            {
                Ok(Some(Event::Opened {
                    page_count,
                    is_paged,
                    ..
                })) => {
                    document.page_count = is_paged.then_some(page_count);
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

    /// Does what only a whole document tells, for clients of the engine: `document` has all the pages of a job that came.
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

    /// A job for a file with the parser's settings, for the engine. Its events go nowhere yet: put a sender of your own there, and
    /// receive what comes until the job has ended: it counts as one of those at once until then.
    pub fn submission(&self, path: &Path) -> Submission {
        let id = self.jobs.fetch_add(1, Ordering::Relaxed);
        let file = InputFile::from_path(path, PathBuf::new());
        // As the command line names them: of this document, and of no file outside.
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

/// A document that was parsed.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// Its pages and blocks.
    pub document: Document,
    json: JsonOptions,
    concatenate_pages: bool,
}

impl Parsed {
    /// The document as Markdown, as the command line writes it.
    pub fn to_markdown(&self) -> String {
        markdown::document(&self.document, &self.json.markdown)
    }

    /// Writes the document as JSON, as the command line does.
    pub fn write_json(&self, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(out, &self.document, &self.json, self.concatenate_pages)
    }

    /// The pictures that Markdown and JSON name: path and JPEG. Paths begin with the file's name without its ending: those of two
    /// files that differ only in their folder or ending are the same.
    pub fn pictures(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let pages = self.document.pages.iter();
        let pictures = pages.flat_map(|page| {
            page.blocks
                .iter()
                .filter_map(|block| block.picture.as_ref())
                .chain(&page.pictures)
        });
        pictures.filter_map(|picture| Some((picture.path.as_str(), picture.jpeg.as_deref()?)))
    }
}

/// The program whose processes read files.
fn worker(given: Option<PathBuf>) -> Result<PathBuf, ParserError> {
    let own = std::env::current_exe().and_then(|path| path.canonicalize());
    let looked = match (given, &own) {
        (Some(path), _) => vec![path],
        (None, Err(error)) => return Err(ParserError::NoProgram(error.to_string())),
        (None, Ok(own)) => {
            let folder = own.parent().unwrap_or(Path::new("/"));
            let is_below = BELOW_PROGRAMS.iter().any(|name| folder.ends_with(name));
            // In a folder of that name elsewhere anybody could have put something above.
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
    // As it is now, whatever the working folder will be.
    let found = looked
        .iter()
        .find_map(|path| path.canonicalize().ok().filter(|path| path.is_file()));
    match found {
        None => Err(ParserError::NoWorker(looked)),
        Some(found) if own.is_ok_and(|own| own == found) => Err(ParserError::WorkerIsSelf(found)),
        Some(found) => Ok(found),
    }
}
