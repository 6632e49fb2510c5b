//! From paths, globs, URLs, PDFs and streams to numbered pages.
//!
//! [`discover`] lists files, [`open`] makes a [`PageSource`] of one, and a source delivers its pages one at a
//! time to any thread. Files are read in worker processes ([`worker`]), so a hostile one can only cost its
//! own pages.

pub(crate) mod decode;
mod discover;
mod failure;
pub(crate) mod fetch;
mod file;
mod list;
mod named;
mod pattern;
pub(crate) mod pdf;
pub(crate) mod spool;
pub(crate) mod worker;

pub(crate) use decode::PictureOptions;
pub(crate) use discover::{EXTENSIONS, discover};
pub use file::InputFile;
pub(crate) use list::read_list;

use crate::document::{Code, DocumentInfo};
use crate::fault::{Fault, Reason};
use crate::output::record::sha256_of;
use crate::raster::Pixels;
use decode::{DecodeError, DecodeOptions, FileKind, MAX_PICTURE_PIXELS, TiffFrames};
use failure::ReadFailure;
use fetch::{Fetched, Remote};
use pdf::page::PdfPage;
use spool::Spooled;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use worker::protocol::PageRequest;
use worker::{DocumentHandle, PoolError, WorkerPool};

/// Scale in pixels per point of the preview with which a text layer is checked: 36 dpi.
const PREVIEW_SCALE: f64 = 0.5;
/// Resolution assumed for image files, in dots per inch, so that drawings of them have a size; that of
/// rendered PDF pages.
const PICTURE_DPI: f32 = 144.0;

/// An input that cannot be read, with the reason.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{input}`: {fault}")]
pub struct InputError {
    /// The input as given.
    pub input: String,
    /// The cause, and what to do about it.
    pub fault: Fault,
}

impl InputError {
    /// An error about `input`.
    pub fn new(input: &str, fault: impl Into<Fault>) -> Self {
        Self {
            input: input.to_string(),
            fault: fault.into(),
        }
    }
}

/// A page that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The worker failed or reported a failure.
    #[error(transparent)]
    Worker(#[from] PoolError),
    /// The page would need too many pixels, or has no area.
    #[error("the page measures {width:.0} x {height:.0} points and cannot be drawn")]
    Size {
        /// Width in points.
        width: f32,
        /// Height in points.
        height: f32,
    },
    /// The picture takes more memory than a page may.
    #[error(
        "the picture has {width:.0}x{height:.0} pixels, more than there is memory for ({} million); raise `memory_limit`, or scale it down",
        .most / 1_000_000
    )]
    Memory {
        /// Width in pixels.
        width: f32,
        /// Height in pixels.
        height: f32,
        /// Pixel limit of a page.
        most: u64,
    },
}

impl PageError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            PageError::Worker(error) => error.reason(),
            PageError::Size { width, height } if *width > 0.0 && *height > 0.0 => Reason::TooLarge,
            PageError::Size { .. } => Reason::Damaged,
            PageError::Memory { .. } => Reason::OutOfMemory,
        }
    }
}

impl From<PageError> for Fault {
    fn from(error: PageError) -> Fault {
        Fault::of(error.reason(), &error)
    }
}

/// Pixels wanted with a page of a PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelsWanted {
    /// The whole page at full scale.
    Full,
    /// A small picture, enough to find inked areas.
    Preview,
}

/// A page as read from its file.
#[derive(Debug)]
pub struct SourcePage {
    /// Page index, from 0.
    pub page_index: usize,
    /// Width in page pixels.
    pub width: usize,
    /// Height in page pixels.
    pub height: usize,
    /// Size in points.
    pub size_points: (f32, f32),
    /// The picture at full scale, if requested; always present for image files.
    pub pixels: Option<Pixels>,
    /// A small picture of the page.
    pub preview: Option<Pixels>,
    /// Content of a PDF page.
    pub content: Option<PdfPage>,
    /// Rows missing of a picture that is damaged or cut off.
    pub missing_rows: usize,
}

/// Numbered pages that can be read from any thread.
pub trait PageSource: Send + Sync {
    /// Number of pages.
    fn page_count(&self) -> usize;
    /// Pixel count of a page at full scale; 0 if unknown.
    fn page_pixels(&self, page_index: usize) -> u64;
    /// The first page that is the same object of the file, if that is an earlier one. Most input types have
    /// none.
    fn repeats(&self, page_index: usize) -> Option<usize> {
        let _ = page_index;
        None
    }
    /// What the file says about itself. Most input types say nothing.
    fn info(&self) -> DocumentInfo {
        DocumentInfo::default()
    }
    /// Hash of the file's length and beginning, equal for equal files; 0 if the file cannot be read.
    fn fingerprint(&self) -> u64;
    /// `true` if the pages are numbered: as in the reference those of PDFs and TIFFs, and those of animations.
    fn is_paged(&self) -> bool;
    /// Reads a page.
    fn read_page(&self, page_index: usize, wanted: PixelsWanted) -> Result<SourcePage, PageError>;
    /// Renders or decodes a page at full scale, without its content.
    fn render_page(&self, page_index: usize) -> Result<Pixels, PageError>;
}

/// Options for opening inputs.
#[derive(Clone)]
pub struct OpenOptions {
    /// Passwords for encrypted PDFs.
    pub passwords: Vec<String>,
    /// Pixel limit of PDF pages; larger ones are rendered at a lower scale.
    pub max_page_pixels: u64,
    /// Pixel limit of image files; larger ones are refused.
    pub max_picture_pixels: u64,
    /// What is read of pictures.
    pub pictures: PictureOptions,
    /// The worker processes that read files.
    pub workers: Arc<WorkerPool>,
    /// The reason why PDFs cannot be read, if so.
    pub no_pdfs: Option<Fault>,
}

/// Opens a file; a download is waited for, and its bytes are released when the document is dropped.
pub fn open(file: &InputFile, options: &OpenOptions) -> Result<Arc<dyn PageSource>, InputError> {
    let Some(remote) = &file.remote else {
        return open_at(&file.path, file, options);
    };
    let fetched = remote.wait()?;
    let inner = open_at(fetched.path(), file, options);
    if inner.is_err() {
        remote.release();
    }
    Ok(Arc::new(RemoteSource {
        inner: inner?,
        remote: remote.clone(),
        _fetched: fetched,
    }))
}

/// A document whose bytes were fetched.
struct RemoteSource {
    inner: Arc<dyn PageSource>,
    remote: Remote,
    /// Keeps the bytes alive.
    _fetched: Arc<Fetched>,
}

impl Drop for RemoteSource {
    fn drop(&mut self) {
        self.remote.release();
    }
}

impl PageSource for RemoteSource {
    fn page_count(&self) -> usize {
        self.inner.page_count()
    }

    fn page_pixels(&self, page_index: usize) -> u64 {
        self.inner.page_pixels(page_index)
    }

    fn repeats(&self, page_index: usize) -> Option<usize> {
        self.inner.repeats(page_index)
    }

    fn info(&self) -> DocumentInfo {
        self.inner.info()
    }

    fn fingerprint(&self) -> u64 {
        self.inner.fingerprint()
    }

    fn is_paged(&self) -> bool {
        self.inner.is_paged()
    }

    fn read_page(&self, page_index: usize, wanted: PixelsWanted) -> Result<SourcePage, PageError> {
        self.inner.read_page(page_index, wanted)
    }

    fn render_page(&self, page_index: usize) -> Result<Pixels, PageError> {
        self.inner.render_page(page_index)
    }
}

/// Opens the file at `path`, which holds the content of `file`.
fn open_at(
    path: &Path,
    file: &InputFile,
    options: &OpenOptions,
) -> Result<Arc<dyn PageSource>, InputError> {
    let fail = |fault: Fault| InputError::new(&file.given, fault);
    let (held, path) = match path == file.path {
        true => {
            let held = named::hold(file)?;
            let path = held.path().to_path_buf();
            (Some(held), path)
        }
        false => (None, path.to_path_buf()), // held by what was fetched
    };
    let kind = decode::sniff(&path).map_err(|error| fail(error.into()))?;
    let is_pdf = kind == FileKind::Pdf;
    if let Some(fault) = options.no_pdfs.as_ref().filter(|_| is_pdf) {
        return Err(fail(fault.clone()));
    }
    let pool = options.workers.clone();
    let handle = pool
        .open(&path, kind, &options.passwords, options.pictures)
        .map_err(|error| fail(open_fault(&error)))?;
    if !is_pdf {
        let max_pixels = options.max_picture_pixels;
        return Ok(Arc::new(PictureSource {
            pool,
            handle,
            max_pixels,
            _held: held,
        }));
    }
    if handle.sizes.is_empty() {
        return Err(fail(Fault::new(Reason::Damaged, "the PDF has no pages")));
    }
    let (stated, there) = (handle.stated_pages, handle.sizes.len());
    if there < stated {
        let message = format!("it says that it has {stated} pages; {there} of them are there");
        tracing::warn!(
            code = Code::PageCount.name(),
            file = file.given,
            "{message}"
        );
    }
    if handle.info.is_cut {
        tracing::warn!(
            code = Code::PdfCut.name(),
            file = file.given,
            "its bookmarks or what it says about itself are longer than what is read of them; the rest is left out"
        );
    }
    Ok(Arc::new(PdfSource {
        pool,
        handle,
        max_pixels: options.max_page_pixels,
        _held: held,
    }))
}

fn open_fault(error: &PoolError) -> Fault {
    let mut fault = Fault::of(error.reason(), error);
    if let PoolError::Failed(ReadFailure::Password) = error {
        fault.message.push_str("; give one with `password`");
    }
    fault
}

/// Bytes of a file's beginning that its fingerprint covers.
const FINGERPRINT: u64 = 16 << 20;

/// Hash of a file's length and beginning.
fn fingerprint(path: &Path) -> std::io::Result<u64> {
    let file = std::fs::File::open(path)?;
    let length = file.metadata()?.len().to_le_bytes();
    let hash = sha256_of(length.chain(file.take(FINGERPRINT)))?;
    Ok(u64::from_str_radix(&hash[..16], 16).unwrap_or_default())
}

struct PdfSource {
    _held: Option<Spooled>,
    pool: Arc<WorkerPool>,
    handle: DocumentHandle,
    max_pixels: u64,
}

impl PdfSource {
    fn scale(&self, page_index: usize) -> Result<f64, PageError> {
        let (width, height) = self
            .handle
            .sizes
            .get(page_index)
            .copied()
            .unwrap_or((0.0, 0.0));
        pdf::render_scale(
            width.into(),
            height.into(),
            pdf::RENDER_SCALE,
            pdf::MIN_RENDER_SCALE / 10.0, // a page that the reference refuses is still read, coarsely
            self.max_pixels,
        )
        .ok_or(PageError::Size { width, height })
    }
}

impl PageSource for PdfSource {
    fn page_count(&self) -> usize {
        self.handle.sizes.len()
    }

    fn page_pixels(&self, page_index: usize) -> u64 {
        let Ok(scale) = self.scale(page_index) else {
            return 0;
        };
        let (width, height) = self.handle.sizes[page_index];
        let pixels = |points: f32| (points as f64 * scale).ceil() as u64;
        pixels(width).saturating_mul(pixels(height))
    }

    fn repeats(&self, page_index: usize) -> Option<usize> {
        let repeats = &self.handle.repeats;
        let at = repeats
            .binary_search_by_key(&page_index, |(page, _)| *page as usize)
            .ok()?;
        Some(repeats[at].1 as usize)
    }

    fn info(&self) -> DocumentInfo {
        self.handle.info.clone()
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&self.handle.path).unwrap_or_default()
    }

    fn is_paged(&self) -> bool {
        true
    }

    fn read_page(&self, page_index: usize, wanted: PixelsWanted) -> Result<SourcePage, PageError> {
        let scale = self.scale(page_index)?;
        let render_scale = match wanted {
            PixelsWanted::Full => scale,
            PixelsWanted::Preview => scale.min(PREVIEW_SCALE),
        };
        let request = PageRequest {
            page_index,
            scale,
            content: true,
            render_scale: Some(render_scale),
        };
        let read = self.pool.page(&self.handle, request)?;
        let no_content = || PoolError::Crashed("it sent no content".into());
        let (mut content, picture) = (read.content.ok_or_else(no_content)?, read.pixels);
        let outline = self.handle.info.outline.iter();
        content.bookmarks = outline
            .filter(|entry| entry.page_index == Some(page_index))
            .cloned()
            .collect();
        let (width, height) = content.size_points;
        let pixels = |points: f32| ((points as f64 * scale).ceil() as usize).max(1);
        let (pixels_full, preview) = match wanted {
            PixelsWanted::Full => (picture, None),
            PixelsWanted::Preview => (None, picture),
        };
        Ok(SourcePage {
            page_index,
            width: pixels(width),
            height: pixels(height),
            size_points: content.size_points,
            pixels: pixels_full,
            preview,
            content: Some(content),
            missing_rows: 0,
        })
    }

    fn render_page(&self, page_index: usize) -> Result<Pixels, PageError> {
        let scale = self.scale(page_index)?;
        let request = PageRequest {
            page_index,
            scale,
            content: false,
            render_scale: Some(scale),
        };
        let read = self.pool.page(&self.handle, request)?;
        read.pixels.ok_or_else(no_picture)
    }
}

fn no_picture() -> PageError {
    PageError::Worker(PoolError::Crashed("it sent no picture".into()))
}

/// An image file; each frame of a TIFF is a page, and if asked for, of an animation.
struct PictureSource {
    _held: Option<Spooled>,
    pool: Arc<WorkerPool>,
    handle: DocumentHandle,
    max_pixels: u64,
}

impl PictureSource {
    /// A page's picture, and how many of its rows are missing.
    fn decode(&self, page_index: usize) -> Result<(Pixels, usize), PageError> {
        let pixels = self.page_pixels(page_index);
        // Pictures beyond the decoder's own limit are reported by the decoder.
        if pixels > self.max_pixels && pixels <= MAX_PICTURE_PIXELS {
            let (width, height) = self.handle.sizes[page_index];
            return Err(PageError::Memory {
                width,
                height,
                most: self.max_pixels,
            });
        }
        let request = PageRequest::picture(page_index);
        let read = self.pool.page(&self.handle, request)?;
        let pixels = read.pixels.ok_or_else(no_picture)?;
        Ok((pixels, read.missing_rows))
    }
}

impl PageSource for PictureSource {
    fn page_count(&self) -> usize {
        self.handle.sizes.len()
    }

    fn page_pixels(&self, page_index: usize) -> u64 {
        let (width, height) = self
            .handle
            .sizes
            .get(page_index)
            .copied()
            .unwrap_or((0.0, 0.0));
        (width as u64).saturating_mul(height as u64)
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&self.handle.path).unwrap_or_default()
    }

    fn is_paged(&self) -> bool {
        self.handle.kind == FileKind::Tiff || self.handle.sizes.len() > 1
    }

    /// A page that consists of a picture only.
    fn read_page(&self, page_index: usize, _: PixelsWanted) -> Result<SourcePage, PageError> {
        let (pixels, missing_rows) = self.decode(page_index)?;
        let points = |n: usize| n as f32 * 72.0 / PICTURE_DPI;
        Ok(SourcePage {
            page_index,
            width: pixels.width,
            height: pixels.height,
            size_points: (points(pixels.width), points(pixels.height)),
            pixels: Some(pixels),
            preview: None,
            content: None,
            missing_rows,
        })
    }

    fn render_page(&self, page_index: usize) -> Result<Pixels, PageError> {
        Ok(self.decode(page_index)?.0)
    }
}

/// Decodes an image file as the reference does, a TIFF frame by frame, in this process and without limits; for
/// comparison with recorded pixels.
pub fn decode_all(path: &Path) -> Result<Vec<Pixels>, DecodeError> {
    let options = DecodeOptions {
        memory: u64::MAX,
        as_reference: true,
    };
    match decode::sniff(path)? {
        FileKind::Pdf => Err(DecodeError::UnknownKind("a PDF is not a picture".into())),
        FileKind::Tiff => {
            let mut frames = TiffFrames::open(path, options)?;
            (0..frames.sizes().len())
                .map(|index| Ok(frames.frame(index)?.pixels))
                .collect()
        }
        kind => Ok(vec![decode::decode_picture(path, kind, options)?.pixels]),
    }
}
