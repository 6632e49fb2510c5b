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

/// Runs the worker until its stdin closes.
///
/// `memory_limit` is in bytes of address space. Fails when pdfium cannot be loaded or the pipes break.
pub fn run(library: &Path, memory_limit: u64) -> io::Result<()> {
    limit_memory(memory_limit);
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
                        let sizes = (0..page_count).map(|i| opened.page_size(i)).collect();
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

fn limit_memory(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: plain calls. Where the limit cannot be set the worker runs without one.
    unsafe {
        libc::setrlimit(libc::RLIMIT_AS, &limit);
        // No core file of somebody's document.
        libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
    }
}
