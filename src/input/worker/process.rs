//! The worker process: reads requests on stdin and answers on stdout until stdin closes.
//!
//! Started by [`super::pool`] as a hidden subcommand of the same binary. It limits its own memory, so that a
//! hostile file ends this process and does not exhaust the machine.

use super::protocol::{
    MAX_MESSAGE, PageRequest, Reply, WorkerRequest, read_message, write_message,
};
use crate::input::decode::{
    self, Animation, DecodeError, DecodeOptions, FileKind, PictureOptions, TiffFrames,
};
use crate::input::failure::ReadFailure;
use crate::input::pdf::hidden::{self, Rendered};
use crate::input::pdf::library::{Library, OpenDocument};
use crate::input::pdf::pictures::{self, PictureMemory};
use crate::input::pdf::repeats;
use std::cell::{Cell, OnceCell};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::os::fd::FromRawFd;
use std::path::{Path, PathBuf};

/// Consecutive missing pages after which a document counts as ended, whatever page count it claims.
const MISSING_PAGES: usize = 1000;

/// Resource limits of a worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WorkerLimits {
    /// Bytes in addition to the program itself and the file being read.
    pub memory: u64,
    /// Seconds of CPU time, over all documents.
    pub cpu_seconds: u64,
}

/// An open document.
enum OpenFile<'a> {
    Pdf(Box<OpenDocument<'a>>),
    Tiff(Box<TiffFrames>),
    Animation(Box<Animation>),
    Picture {
        path: PathBuf,
        kind: FileKind,
        as_reference: bool,
    },
}

/// The PDF library, loaded when the first PDF is opened.
struct LazyLibrary<'a> {
    path: Option<&'a Path>,
    library: OnceCell<Library>,
}

impl LazyLibrary<'_> {
    fn get(&self) -> Result<&Library, ReadFailure> {
        if self.library.get().is_none() {
            let path = self
                .path
                .ok_or_else(|| ReadFailure::Library("it is not there".into()))?;
            let loaded = Library::load(path)?;
            return Ok(self.library.get_or_init(|| loaded));
        }
        self.library
            .get()
            .ok_or_else(|| ReadFailure::Library("it is not there".into()))
    }
}

/// Runs the worker until its stdin closes; then it ends at once, even in the middle of a request.
///
/// `library`: the PDF library, for PDFs. Fails if the pipes break.
pub(crate) fn run(library: Option<&Path>, limits: WorkerLimits) -> io::Result<()> {
    let room = MemoryBudget::new(limits);
    end_with_parent()?;
    let mut output = BufWriter::with_capacity(1 << 16, take_stdout()?);
    let mut input = BufReader::new(io::stdin().lock());
    let library = LazyLibrary {
        path: library,
        library: OnceCell::new(),
    };
    let mut document: Option<OpenFile> = None;
    loop {
        let request: WorkerRequest = match read_message(&mut input, MAX_MESSAGE) {
            Ok(request) => request,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let answer = match request {
            WorkerRequest::LoadLibrary => library.get().map(|_| (Reply::LibraryLoaded, Vec::new())),
            WorkerRequest::Open {
                path,
                kind,
                passwords,
                pictures,
                is_first,
            } => {
                document = None;
                open(
                    &library,
                    &path,
                    (kind, pictures),
                    &passwords,
                    is_first,
                    &room,
                )
                .map(|(opened, sizes)| {
                    let (repeats, info) = match &opened {
                        OpenFile::Pdf(document) if is_first => (
                            repeats(&library, &path, &passwords, &sizes, &room),
                            Some(Box::new(document.info())),
                        ),
                        _ => Default::default(),
                    };
                    let page_count = match &opened {
                        OpenFile::Pdf(document) => document.page_count(),
                        _ => sizes.len(),
                    };
                    document = Some(opened);
                    (
                        Reply::Opened {
                            page_count,
                            sizes,
                            repeats,
                            info,
                        },
                        Vec::new(),
                    )
                })
            }
            WorkerRequest::Page(request) => match &mut document {
                Some(document) => read_page(document, request, &room),
                None => Err(ReadFailure::Page),
            },
        };
        let (reply, bitmap) = answer.unwrap_or_else(|failure| (Reply::Failed(failure), Vec::new()));
        write_message(&mut output, &reply)?;
        output.write_all(&bitmap)?;
        output.flush()?;
    }
}

/// Opens a file; also returns the sizes of its pages, of an animation only if `is_first`.
fn open<'a>(
    library: &'a LazyLibrary<'_>,
    path: &Path,
    (kind, pictures): (FileKind, PictureOptions),
    passwords: &[String],
    is_first: bool,
    room: &MemoryBudget,
) -> Result<(OpenFile<'a>, Vec<(f32, f32)>), ReadFailure> {
    // A mapped file takes address space, but no memory that cannot be reclaimed.
    room.allow_file(match kind {
        FileKind::Pdf => file_bytes(path),
        _ => 0,
    });
    let options = DecodeOptions {
        memory: room.left(),
        as_reference: pictures.as_reference,
    };
    match kind {
        FileKind::Pdf => {
            let document = library.get()?.open(path, passwords)?;
            let sizes = sizes(&document, document.page_count());
            Ok((OpenFile::Pdf(Box::new(document)), sizes))
        }
        FileKind::Tiff => {
            let mut frames = TiffFrames::open(path, options).map_err(failure)?;
            let sizes = frame_sizes(frames.sizes());
            Ok((OpenFile::Tiff(Box::new(frames)), sizes))
        }
        kind => {
            let animation = match pictures.all_frames {
                true => Animation::open(path, kind, options).map_err(failure)?,
                false => None,
            };
            if let Some(mut animation) = animation {
                // Counting takes as long as decoding all frames.
                let sizes = if is_first {
                    animation.sizes()
                } else {
                    Vec::new()
                };
                return Ok((OpenFile::Animation(Box::new(animation)), frame_sizes(sizes)));
            }
            // An error in the header is reported when the page is read.
            let (width, height) = decode::picture_size(path, kind, room.left()).unwrap_or_default();
            let picture = OpenFile::Picture {
                path: path.to_path_buf(),
                kind,
                as_reference: pictures.as_reference,
            };
            Ok((picture, vec![(width as f32, height as f32)]))
        }
    }
}

fn frame_sizes(sizes: Vec<(u32, u32)>) -> Vec<(f32, f32)> {
    let sizes = sizes.into_iter();
    sizes
        .map(|(width, height)| (width as f32, height as f32))
        .collect()
}

/// Pages that are the same object as earlier ones, for a file with many pages relative to its size.
fn repeats(
    library: &LazyLibrary<'_>,
    path: &Path,
    passwords: &[String],
    sizes: &[(f32, f32)],
    room: &MemoryBudget,
) -> Vec<(u32, u32)> {
    let bytes = file_bytes(path);
    if !repeats::may_repeat(bytes, sizes.len()) {
        return Vec::new();
    }
    // The file is mapped a second time.
    room.allow_file(bytes.saturating_mul(2));
    let copy = library
        .get()
        .and_then(|library| library.open(path, passwords));
    let found = copy.map_or_else(|_| Vec::new(), |copy| repeats::repeats(&copy, sizes));
    room.allow_file(bytes);
    found
}

fn file_bytes(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

fn failure(error: DecodeError) -> ReadFailure {
    match error {
        DecodeError::Memory { .. } => ReadFailure::Memory,
        error => ReadFailure::Picture(error.into()),
    }
}

fn read_page(
    document: &mut OpenFile<'_>,
    request: PageRequest,
    room: &MemoryBudget,
) -> Result<(Reply, Vec<u8>), ReadFailure> {
    let decoded = match document {
        OpenFile::Pdf(document) => return read_pdf_page(document, request, room),
        OpenFile::Tiff(frames) => frames.frame(request.page_index),
        OpenFile::Animation(animation) => animation.frame(request.page_index),
        OpenFile::Picture {
            path,
            kind,
            as_reference,
        } => {
            let options = DecodeOptions {
                memory: room.left(),
                as_reference: *as_reference,
            };
            decode::decode_picture(path, *kind, options)
        }
    };
    let decoded = decoded.map_err(failure)?;
    let bitmap = Some((decoded.pixels.width, decoded.pixels.height));
    Ok((
        Reply::Page {
            content: None,
            bitmap,
            missing_rows: decoded.missing_rows,
        },
        decoded.pixels.data,
    ))
}

/// Bytes that rendering takes besides a large picture: a copy of its data, some rows, and fragmentation.
const BESIDE_PICTURE: u64 = 64 << 20;

fn read_pdf_page(
    document: &OpenDocument<'_>,
    request: PageRequest,
    room: &MemoryBudget,
) -> Result<(Reply, Vec<u8>), ReadFailure> {
    let page = document.page(request.page_index)?;
    let (width, height) = page.size();
    if width <= 0.0 || height <= 0.0 {
        return Err(ReadFailure::EmptyPage);
    }
    let (content, objects) = match request.content {
        true => {
            let (content, objects) = page.content(request.scale);
            if content.is_light() {
                page.keep_fonts();
            }
            (Some(Box::new(content)), objects)
        }
        false => (None, Vec::new()),
    };
    let mut reply = Reply::Page {
        content,
        bitmap: None,
        missing_rows: 0,
    };
    let Some(scale) = request.render_scale else {
        return Ok((reply, Vec::new()));
    };
    let pixels = |points: f32| ((points as f64 * scale).ceil() as usize).max(1);
    let (width, height) = (pixels(width), pixels(height));
    if (width as u64)
        .saturating_mul(height as u64)
        .saturating_mul(3)
        > room.left()
    {
        return Err(ReadFailure::Memory);
    }
    // The page's content, if requested, has been read already; without images there is nothing to estimate.
    let shows_pictures =
        !matches!(&reply, Reply::Page { content: Some(content), .. } if content.images.is_empty());
    let needs = if shows_pictures {
        pictures::memory(&page, (width, height))
    } else {
        PictureMemory::default()
    };
    let left = room.left().saturating_sub(BESIDE_PICTURE);
    if needs.jpeg > left {
        return Err(ReadFailure::Memory);
    }
    let picture = page.render(width, height)?;
    // A picture may be drawn smaller than the page and take less; only a blank page shows that it was left
    // out.
    let is_plain = || picture.windows(4).all(|bytes| bytes[0] == bytes[3]);
    if needs.jpeg_2000 > left && is_plain() {
        return Err(ReadFailure::Memory);
    }
    if let Reply::Page {
        content, bitmap, ..
    } = &mut reply
    {
        *bitmap = Some((width, height));
        if let Some(content) = content {
            let rendered = Rendered {
                data: &picture,
                width,
                height,
            };
            let scale = (request.scale, room.left().saturating_sub(BESIDE_PICTURE));
            hidden::mark(&page, content, &objects, scale, &rendered);
        }
    }
    Ok((reply, picture))
}

/// Keeps the response pipe to itself: anything else that writes to stdout goes to stderr.
pub(crate) fn take_stdout() -> io::Result<File> {
    // SAFETY: plain descriptor calls; the new descriptor is owned by the file alone.
    unsafe {
        let pipe = libc::dup(1);
        if pipe < 0 || libc::dup2(2, 1) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(pipe))
    }
}

/// Sizes of the existing pages. Missing pages at the end are left out, since a file may claim any number. A
/// missing page in the middle has size zero and fails when it is read.
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

/// Ends this process as soon as the other end of its stdin is closed: the main process is gone. A separate
/// thread watches, since the library may compute for minutes.
pub(crate) fn end_with_parent() -> io::Result<()> {
    // The main process decides about interrupts, which the terminal sends to all its programs.
    // SAFETY: ignoring a signal needs no handler.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_IGN);
        libc::signal(libc::SIGTERM, libc::SIG_IGN);
        // In a process group of its own it may be one of the background, which the terminal stops when it writes.
        libc::signal(libc::SIGTTOU, libc::SIG_IGN);
    }
    let watch = || {
        loop {
            // No events are requested: poll reports only the end of the pipe.
            let mut stdin = libc::pollfd {
                fd: 0,
                events: 0,
                revents: 0,
            };
            // SAFETY: one valid descriptor.
            let told = unsafe { libc::poll(&mut stdin, 1, -1) };
            if told > 0 && stdin.revents & (libc::POLLHUP | libc::POLLERR | libc::POLLNVAL) != 0 {
                // SAFETY: ends the process; nothing in it needs saving.
                unsafe { libc::_exit(0) };
            }
        }
    };
    std::thread::Builder::new()
        .name("parent".into())
        .stack_size(64 << 10)
        .spawn(watch)
        .map(drop)
}

/// Memory limit of this process.
struct MemoryBudget {
    /// Address space of the program at its start plus its allowance.
    address_space: u64,
    /// Size in bytes of the mapped file.
    file: Cell<u64>,
}

impl MemoryBudget {
    /// Applies the limits to this process; a limit that cannot be set is ignored.
    fn new(limits: WorkerLimits) -> MemoryBudget {
        // SAFETY: plain calls with valid structures.
        unsafe {
            libc::setrlimit(libc::RLIMIT_CPU, &both(limits.cpu_seconds));
            // No core file with the content of a document.
            libc::setrlimit(libc::RLIMIT_CORE, &both(0));
        }
        let address_space = address_space().saturating_add(limits.memory);
        let room = MemoryBudget {
            address_space,
            file: Cell::new(0),
        };
        room.allow_file(0);
        room
    }

    /// Allows address space to map a file of this size, instead of the file before.
    fn allow_file(&self, bytes: u64) {
        self.file.set(bytes);
        let mut limit = both(0);
        // SAFETY: plain calls with a local structure. The hard limit stays, since it could not be raised
        // again.
        unsafe {
            if libc::getrlimit(libc::RLIMIT_AS, &mut limit) == 0 {
                limit.rlim_cur = self.allowed().min(limit.rlim_max);
                libc::setrlimit(libc::RLIMIT_AS, &limit);
            }
        }
    }

    fn allowed(&self) -> u64 {
        self.address_space.saturating_add(self.file.get())
    }

    /// Bytes still available.
    fn left(&self) -> u64 {
        self.allowed().saturating_sub(address_space())
    }
}

fn both(value: u64) -> libc::rlimit {
    libc::rlimit {
        rlim_cur: value,
        rlim_max: value,
    }
}

/// Address space of this process in bytes; 0 if the system does not report it.
fn address_space() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages
        .and_then(|text| text.split(' ').next()?.parse::<u64>().ok())
        .unwrap_or(0);
    // SAFETY: a plain call.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    pages.saturating_mul(page.max(0) as u64)
}
