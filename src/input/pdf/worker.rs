//! The worker process: reads requests on stdin, answers on stdout until stdin closes.
//!
//! Started by [`super::pool`] as a hidden subcommand of the same binary. It limits its own memory, so that a
//! hostile file ends this process and not the machine.

use super::library::{Library, OpenDocument};
use super::protocol::{PageRequest, PdfFailure, PdfPage, Reply, Request, read_message, write_message};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::fd::FromRawFd;
use std::path::Path;

/// Pages in a row that are not there, after which a document counts as over, whatever it says of itself.
const MISSING_PAGES: usize = 1000;

/// Limits of a worker.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of address space.
    pub address_space: u64,
    /// Seconds of work, over all documents.
    pub cpu_seconds: u64,
}

/// Runs the worker until its stdin closes; then it ends at once, whatever it is at.
///
/// Fails when pdfium cannot be loaded or the pipes break.
pub fn run(library: &Path, limits: Limits) -> io::Result<()> {
    limit(limits);
    end_with_parent()?;
    let mut output = BufWriter::with_capacity(1 << 16, take_stdout()?);
    let mut input = BufReader::new(io::stdin().lock());
    let library = Library::load(library).map_err(io::Error::other)?;
    let mut document: Option<OpenDocument> = None;
    loop {
        let request: Request = match read_message(&mut input) {
            Ok(request) => request,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let (reply, bitmap) = match request {
            Request::Open { path, passwords } => {
                document = None;
                match library.open(&path, &passwords) {
                    Ok(opened) => {
                        let page_count = opened.page_count();
                        let sizes = sizes(&opened, page_count);
                        document = Some(opened);
                        (Reply::Opened { page_count, sizes }, Vec::new())
                    }
                    Err(failure) => (Reply::Failed(failure), Vec::new()),
                }
            }
            Request::Page(request) => {
                match document.as_ref().ok_or(PdfFailure::Page).and_then(|d| read_page(d, request)) {
                    Ok((page, bitmap)) => (Reply::Page(Box::new(page)), bitmap),
                    Err(failure) => (Reply::Failed(failure), Vec::new()),
                }
            }
        };
        write_message(&mut output, &reply)?;
        output.write_all(&bitmap)?;
        output.flush()?;
    }
}

fn read_page(document: &OpenDocument, request: PageRequest) -> Result<(PdfPage, Vec<u8>), PdfFailure> {
    let page = document.page(request.page_index)?;
    let (width, height) = page.size();
    if width <= 0.0 || height <= 0.0 {
        return Err(PdfFailure::EmptyPage);
    }
    let mut content = if request.content {
        page.content(request.scale)
    } else {
        PdfPage { size_points: (width, height), ..PdfPage::default() }
    };
    let mut bitmap = Vec::new();
    if let Some(scale) = request.render_scale {
        let pixels = |points: f32| ((points as f64 * scale).ceil() as usize).max(1);
        let size = (pixels(width), pixels(height));
        bitmap = page.render(size.0, size.1)?;
        content.bitmap = Some(size);
    }
    Ok((content, bitmap))
}

/// Keeps the pipe for answers to itself: whatever else writes to stdout lands on stderr.
fn take_stdout() -> io::Result<File> {
    // SAFETY: plain descriptor calls; the new descriptor is owned by the file alone.
    unsafe {
        let pipe = libc::dup(1);
        if pipe < 0 || libc::dup2(2, 1) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(pipe))
    }
}

/// Sizes of the pages that are there. Those at the end that are not are left out: a file may say that it has any number.
/// One in the middle has no size, and fails when it is read.
fn sizes(document: &OpenDocument, page_count: usize) -> Vec<(f32, f32)> {
    let mut sizes = Vec::new();
    let mut last = 0;
    for index in 0..page_count {
        let size = document.page_size(index);
        if let Some(size) = size {
            sizes.resize(index, (0.0, 0.0));
            sizes.push(size);
            last = index;
        } else if index - last >= MISSING_PAGES {
            break;
        }
    }
    sizes
}

/// Ends this process as soon as nobody holds the other end of its stdin: the main process was killed. A thread looks, since
/// the library may compute for minutes.
fn end_with_parent() -> io::Result<()> {
    // The main process decides about interrupts, which reach all of a terminal's programs.
    // SAFETY: ignoring a signal needs no handler.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_IGN);
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
    }
    let watch = || {
        loop {
            // Nothing is asked for: only the end of the pipe is told.
            let mut stdin = libc::pollfd { fd: 0, events: 0, revents: 0 };
            // SAFETY: one valid descriptor.
            let told = unsafe { libc::poll(&mut stdin, 1, -1) };
            if told > 0 && stdin.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
                // SAFETY: ends the process; nothing of it is worth saving.
                unsafe { libc::_exit(0) };
            }
        }
    };
    std::thread::Builder::new().name("parent".into()).stack_size(64 << 10).spawn(watch).map(drop)
}

fn limit(limits: Limits) {
    let both = |value| libc::rlimit { rlim_cur: value, rlim_max: value };
    // SAFETY: plain calls. Where a limit cannot be set the worker runs without it.
    unsafe {
        libc::setrlimit(libc::RLIMIT_AS, &both(limits.address_space));
        libc::setrlimit(libc::RLIMIT_CPU, &both(limits.cpu_seconds));
        // No core file of somebody's document.
        libc::setrlimit(libc::RLIMIT_CORE, &both(0));
    }
}
