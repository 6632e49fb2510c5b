//! The pool of worker processes: started on demand, given one request at a time, killed and replaced if one
//! hangs or dies.

use super::error::PoolError;
use super::protocol::{PageRequest, Reply, TooLong, WorkerRequest, read_message, write_message};
use crate::deadline::{self, Stopped};
use crate::document::DocumentInfo;
use crate::input::decode::{FileKind, PictureOptions};
use crate::input::failure::ReadFailure;
use crate::input::pdf::page::PdfPage;
use crate::raster::Pixels;
use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// Time that a worker gets to end once its pipe is closed.
const LAST_MOMENT: Duration = Duration::from_secs(2);
/// Interval of cancellation checks while waiting for a worker.
const LOOK: Duration = Duration::from_millis(50);
/// Limit on a worker's CPU time in seconds, in case it outlives the main process; enough for many pages.
const CPU_SECONDS: u64 = 24 * 3600;

/// Command line and limits of workers.
#[derive(Debug, Clone)]
pub struct PoolOptions {
    /// The program to start with the hidden subcommand.
    pub program: PathBuf,
    /// The pdfium library, if it was found.
    pub library: Option<PathBuf>,
    /// Number of workers.
    pub workers: usize,
    /// Time limit for opening a document and for each page.
    pub timeout: Duration,
    /// Memory limit of one worker in bytes, besides the program itself.
    pub memory: u64,
    /// Name of the setting that gives a worker more memory, for messages.
    pub memory_setting: &'static str,
    /// Pixel limit of a page; larger pictures from a worker are rejected.
    pub max_pixels: u64,
    /// Limit in bytes on a worker's description of a page, without pixels.
    pub max_message: usize,
}

/// A set of workers shared by reader threads.
pub struct WorkerPool {
    options: PoolOptions,
    state: Mutex<PoolState>,
    free: Condvar,
}

#[derive(Default)]
struct PoolState {
    idle: Vec<Worker>,
    running: usize,
    /// Process ids of workers with a request.
    busy: Vec<u32>,
    /// The run is over: no worker is lent out any more.
    is_over: bool,
}

/// An open document, as the pool knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentHandle {
    /// Unique id; paths of open files are reused for others.
    pub id: u64,
    /// The file.
    pub path: PathBuf,
    /// File type.
    pub kind: FileKind,
    /// Passwords to try.
    pub passwords: Vec<String>,
    /// What is read of pictures.
    pub pictures: PictureOptions,
    /// Sizes of all pages: in points for PDFs, else in pixels. Zero if unknown.
    pub sizes: Vec<(f32, f32)>,
    /// Page count that the file claims; missing pages at its end are not in the lists.
    pub stated_pages: usize,
    /// Pairs of a page and the first page that is the same object of the file, in order.
    pub repeats: Vec<(u32, u32)>,
    /// What a PDF says about itself.
    pub info: DocumentInfo,
}

/// A page as a worker read it.
#[derive(Debug)]
pub struct ReadPage {
    /// Content of a PDF page, if requested.
    pub content: Option<PdfPage>,
    /// The picture, if requested.
    pub pixels: Option<Pixels>,
    /// Rows missing of a picture that is damaged or cut off.
    pub missing_rows: usize,
}

impl WorkerPool {
    /// A pool without workers yet.
    pub fn new(options: PoolOptions) -> Self {
        Self {
            options,
            state: Mutex::new(PoolState::default()),
            free: Condvar::new(),
        }
    }

    /// Opens a document in some worker and reads its page sizes. `pictures`: what is read of a picture.
    pub fn open(
        &self,
        path: &Path,
        kind: FileKind,
        passwords: &[String],
        pictures: PictureOptions,
    ) -> Result<DocumentHandle, PoolError> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        static DOCUMENTS: AtomicU64 = AtomicU64::new(0);
        let id = DOCUMENTS.fetch_add(1, Ordering::Relaxed);
        let passwords = passwords.to_vec();
        let mut handle = DocumentHandle {
            id,
            path,
            kind,
            passwords,
            pictures,
            sizes: Vec::new(),
            stated_pages: 0,
            repeats: Vec::new(),
            info: DocumentInfo::default(),
        };
        let open = |is_first| {
            self.with_worker(&handle, |worker, timeout| {
                worker.open(&handle, is_first, timeout)
            })
        };
        // As for a page, the previous document may have left the worker in a bad state. Or the search for
        // repeated pages or bookmarks was too expensive, which must not lose the document.
        let is_pdf = kind == FileKind::Pdf;
        let opened = match open(true) {
            Err(PoolError::Crashed(_)) if !is_cancelled() => open(!is_pdf),
            Err(PoolError::Timeout(_) | PoolError::Memory { .. }) if is_pdf && !is_cancelled() => {
                open(false)
            }
            other => other,
        };
        let (stated_pages, sizes, repeats, info) = opened?;
        (handle.stated_pages, handle.sizes, handle.repeats) = (stated_pages, sizes, repeats);
        handle.info = info.map(|info| *info).unwrap_or_default();
        Ok(handle)
    }

    /// Reads a page, with its picture if requested.
    ///
    /// If a worker dies, the page is retried once with a fresh one: the fault may have been left behind by an
    /// earlier page or have come from outside.
    pub fn page(
        &self,
        document: &DocumentHandle,
        request: PageRequest,
    ) -> Result<ReadPage, PoolError> {
        let read = || {
            self.with_worker(document, |worker, timeout| {
                worker.ensure_open(document, timeout)?;
                worker.page(request, timeout)
            })
        };
        match read() {
            Err(PoolError::Crashed(_)) if !is_cancelled() => read(),
            other => other,
        }
    }

    /// Starts a worker and has it load the PDF library.
    pub fn check(&self) -> Result<(), PoolError> {
        let mut worker = Worker::start(&self.options)?;
        match worker.ask(&WorkerRequest::LoadLibrary, self.options.timeout)? {
            Reply::LibraryLoaded => Ok(()),
            Reply::Failed(failure) => Err(worker.failed(failure)),
            _ => Err(PoolError::Crashed("it answered something else".into())),
        }
    }

    /// Kills all workers and lends out none any more; pending requests fail. Does not block.
    pub fn kill_all(&self) {
        let mut state = self
            .state
            .lock()
            .expect("no thread panics while it holds the pool");
        state.is_over = true;
        state.idle.clear();
        for worker in &state.busy {
            // SAFETY: a plain call; a listed process has not been waited for, so its id is not reused.
            unsafe { libc::kill(*worker as libc::pid_t, libc::SIGKILL) };
        }
        drop(state);
        self.free.notify_all();
    }

    /// Runs one exchange with a worker; a worker that failed to answer is not used again.
    fn with_worker<T>(
        &self,
        document: &DocumentHandle,
        exchange: impl FnOnce(&mut Worker, Duration) -> Result<T, PoolError>,
    ) -> Result<T, PoolError> {
        let mut worker = deadline::waiting(|| self.take(document.id))?;
        let id = worker.child.id();
        let mut state = self
            .state
            .lock()
            .expect("no thread panics while it holds the pool");
        if state.is_over {
            return Err(over());
        }
        state.busy.push(id);
        drop(state);
        let timeout =
            deadline::left().map_or(self.options.timeout, |left| left.min(self.options.timeout));
        let result = exchange(&mut worker, timeout);
        let usable = matches!(result, Ok(_) | Err(PoolError::Failed(_)));
        let mut state = self
            .state
            .lock()
            .expect("no thread panics while it holds the pool");
        state.busy.retain(|busy| *busy != id);
        if usable && !state.is_over {
            state.idle.push(worker);
        } else {
            state.running -= 1;
            drop(worker);
        }
        drop(state);
        self.free.notify_one();
        result
    }

    /// A free worker, if possible one that has the document open.
    fn take(&self, document: u64) -> Result<Worker, PoolError> {
        let mut state = self
            .state
            .lock()
            .expect("no thread panics while it holds the pool");
        loop {
            if state.is_over {
                return Err(over());
            }
            if is_cancelled() {
                return Err(PoolError::Stopped("cancelled"));
            }
            if let Some(at) = state
                .idle
                .iter()
                .position(|w| w.open_document == Some(document))
            {
                return Ok(state.idle.swap_remove(at));
            }
            if state.running < self.options.workers.max(1) {
                state.running += 1;
                drop(state);
                return Worker::start(&self.options).inspect_err(|_| {
                    self.state
                        .lock()
                        .expect("no thread panics while it holds the pool")
                        .running -= 1;
                    self.free.notify_one();
                });
            }
            if let Some(worker) = state.idle.pop() {
                return Ok(worker);
            }
            state = self
                .free
                .wait_timeout(state, LOOK)
                .expect("no thread panics while it holds the pool")
                .0;
        }
    }
}

/// The page count that a file claims, the sizes of existing pages, and the pages that repeat earlier ones.
type Opened = (
    usize,
    Vec<(f32, f32)>,
    Vec<(u32, u32)>,
    Option<Box<DocumentInfo>>,
);

/// `true` if this thread's work was cancelled.
fn is_cancelled() -> bool {
    deadline::stopped() == Some(Stopped::Cancelled)
}

fn over() -> PoolError {
    PoolError::Stopped("the run is over")
}

struct Worker {
    child: Child,
    input: ChildStdin,
    output: TimedReader,
    options: PoolOptions,
    open_document: Option<u64>,
}

impl Worker {
    fn start(options: &PoolOptions) -> Result<Worker, PoolError> {
        let start_error = |source| PoolError::Start {
            program: options.program.display().to_string(),
            source,
        };
        let mut child = Command::new(&options.program)
            .arg("worker")
            .args(
                options
                    .library
                    .iter()
                    .flat_map(|path| [OsStr::new("--pdfium"), path.as_os_str()]),
            )
            .arg("--memory")
            .arg(options.memory.to_string())
            .arg("--cpu-seconds")
            .arg(CPU_SECONDS.to_string())
            // One malloc arena: more of them only reserve address space.
            .env("MALLOC_ARENA_MAX", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A process group of its own: an interrupt at the terminal is for the main process, which lets
            // pages finish.
            .process_group(0)
            .spawn()
            .map_err(start_error)?;
        let missing = || start_error(io::Error::other("no pipe"));
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = child.stdout.take().ok_or_else(missing)?;
        Ok(Worker {
            child,
            input,
            output: TimedReader {
                pipe: output,
                deadline: Instant::now(),
            },
            options: options.clone(),
            open_document: None,
        })
    }

    fn open(
        &mut self,
        document: &DocumentHandle,
        is_first: bool,
        timeout: Duration,
    ) -> Result<Opened, PoolError> {
        self.open_document = None;
        let (path, passwords) = (document.path.clone(), document.passwords.clone());
        let request = WorkerRequest::Open {
            path,
            kind: document.kind,
            passwords,
            pictures: document.pictures,
            is_first,
        };
        match self.ask(&request, timeout)? {
            Reply::Opened {
                page_count,
                sizes,
                repeats,
                info,
            } => {
                self.open_document = Some(document.id);
                Ok((page_count, sizes, repeats, info))
            }
            Reply::Failed(failure) => Err(self.failed(failure)),
            _ => Err(PoolError::Crashed("it answered something else".into())),
        }
    }

    fn ensure_open(
        &mut self,
        document: &DocumentHandle,
        timeout: Duration,
    ) -> Result<(), PoolError> {
        if self.open_document == Some(document.id) {
            return Ok(());
        }
        self.open(document, false, timeout).map(|_| ())
    }

    fn page(&mut self, request: PageRequest, timeout: Duration) -> Result<ReadPage, PoolError> {
        let (content, bitmap, missing_rows) =
            match self.ask(&WorkerRequest::Page(request), timeout)? {
                Reply::Page {
                    content,
                    bitmap,
                    missing_rows,
                } => (content, bitmap, missing_rows),
                Reply::Failed(failure) => return Err(self.failed(failure)),
                _ => return Err(PoolError::Crashed("it answered something else".into())),
            };
        let mut page = ReadPage {
            content: content.map(|content| *content),
            pixels: None,
            missing_rows,
        };
        let Some((width, height)) = bitmap else {
            return Ok(page);
        };
        // The worker's sizes are not trusted: it has read an untrusted file.
        if (width as u64).saturating_mul(height as u64) > self.options.max_pixels {
            return Err(PoolError::Crashed(
                "it sent a picture that nobody asked for".into(),
            ));
        }
        let mut data = vec![0u8; width * height * 3];
        self.output
            .read_exact(&mut data)
            .map_err(|error| self.fault(error, timeout))?;
        page.pixels = Some(Pixels {
            width,
            height,
            data,
        });
        Ok(page)
    }

    fn failed(&self, failure: ReadFailure) -> PoolError {
        match failure {
            ReadFailure::Memory => self.out_of_memory(),
            failure => PoolError::Failed(failure),
        }
    }

    fn out_of_memory(&self) -> PoolError {
        PoolError::Memory {
            memory: self.options.memory,
            setting: self.options.memory_setting,
        }
    }

    fn ask(&mut self, request: &WorkerRequest, timeout: Duration) -> Result<Reply, PoolError> {
        self.output.deadline = Instant::now() + timeout;
        let sent = write_message(&mut self.input, request).and_then(|()| self.input.flush());
        let most = self.options.max_message;
        sent.and_then(|()| read_message(&mut self.output, most))
            .map_err(|error| self.fault(error, timeout))
    }

    /// The error behind a broken exchange; ends the worker.
    fn fault(&mut self, error: io::Error, timeout: Duration) -> PoolError {
        if error.kind() == io::ErrorKind::TimedOut {
            return PoolError::Timeout(timeout);
        }
        let inner = error.get_ref();
        if inner.is_some_and(|inner| inner.is::<Stopped>()) {
            return PoolError::Stopped("cancelled");
        }
        if let Some(TooLong { bytes, most }) =
            error.get_ref().and_then(|inner| inner.downcast_ref())
        {
            return PoolError::TooMuch {
                bytes: *bytes,
                most: *most,
            };
        }
        // A worker whose pipe is closed is ending, which takes a moment if it frees much memory; one that
        // merely sends invalid data is not waited for.
        let patience = if error.kind() == io::ErrorKind::UnexpectedEof {
            LAST_MOMENT
        } else {
            Duration::ZERO
        };
        let until = Instant::now() + patience;
        let mut most = most_memory(&self.child);
        while most.is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
            most = most_memory(&self.child);
        }
        let most = most.unwrap_or(0);
        match self.child.try_wait() {
            Ok(Some(status))
                if status.signal().is_some() && most > self.options.memory / 10 * 6 =>
            {
                self.out_of_memory()
            }
            // Out of memory, the library may crash in any way, which looks like its other faults.
            Ok(Some(status))
                if status
                    .signal()
                    .is_some_and(|signal| signal != libc::SIGKILL) =>
            {
                let (most, setting) = (self.options.memory >> 20, self.options.memory_setting);
                PoolError::Crashed(format!(
                    "{status}; if {most} MB of memory are too little for it, raise {setting}"
                ))
            }
            Ok(Some(status)) => PoolError::Crashed(status.to_string()),
            _ => PoolError::Crashed(error.to_string()),
        }
    }
}

/// Peak memory of a process in bytes, once it has ended; `None` before.
fn most_memory(child: &Child) -> Option<u64> {
    // SAFETY: plain structures that the call fills; the process can still be waited for (WNOWAIT).
    let (mut info, mut usage): (libc::siginfo_t, libc::rusage) = unsafe { std::mem::zeroed() };
    let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // libc's `waitid` lacks the last argument.
    // SAFETY: as above.
    let result = unsafe {
        libc::syscall(
            libc::SYS_waitid,
            libc::P_PID,
            child.id(),
            &mut info,
            flags,
            &mut usage,
        )
    };
    // SAFETY: the structure describes an ended process or is all zero.
    let has_ended = result == 0 && unsafe { info.si_pid() } != 0;
    has_ended.then(|| usage.ru_maxrss.max(0) as u64 * 1024)
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Killed without asking: it may hang, and it holds nothing worth saving.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads from a pipe up to a deadline.
struct TimedReader {
    pipe: ChildStdout,
    deadline: Instant,
}

impl Read for TimedReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if is_cancelled() {
                return Err(io::Error::other(Stopped::Cancelled));
            }
            let mut poll = libc::pollfd {
                fd: self.pipe.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            let wait = left.min(LOOK).as_millis().max(1) as i32;
            // SAFETY: one valid pollfd.
            match unsafe { libc::poll(&mut poll, 1, wait) } {
                0 => {}
                n if n < 0 => {
                    let error = io::Error::last_os_error();
                    if error.kind() != io::ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
                _ => return self.pipe.read(buffer),
            }
        }
    }
}
