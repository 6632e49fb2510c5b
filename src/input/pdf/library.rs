//! A thin, safe wrapper around pdfium for the worker process: open, read the text layer, walk objects,
//! render.
//!
//! It is not used in the main process: pdfium is neither thread-safe nor safe against hostile files, so a
//! fault in it may only cost the worker. The bindings' handle types are private to `pdfium-render`, so
//! handles are stored as plain pointers and cast where they are passed.

use super::mend::{self, Mender};
use super::packets::PacketFunctions;
use super::page::PdfPage;
use super::rescue;
use crate::fault::{Fault, Reason};
use crate::input::failure::ReadFailure;
use hayro_syntax::PdfData;
use pdfium_render::prelude::{Pdfium, PdfiumLibraryBindings};
use std::cell::{Cell, OnceCell};
use std::collections::BTreeMap;
use std::ffi::{CString, c_void};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// Most names that are compared for a page: about a second. Documents of 1,000 links and 10,000 names are within it.
const MOST_STEPS: usize = 10_000_000;
/// `FPDF_ANNOT`: draw annotations.
const RENDER_ANNOTATIONS: i32 = 0x01;
/// `FPDFBitmap_BGR`, three bytes per pixel.
const BITMAP_BGR: i32 = 2;

/// The loaded library.
pub(crate) struct Library {
    pub(super) api: Box<dyn PdfiumLibraryBindings>,
    /// Functions that the bindings do not have.
    pub(super) packets: Option<PacketFunctions>,
}

impl Library {
    /// Loads and initializes pdfium from a library file. Call once per process.
    pub(crate) fn load(path: &Path) -> Result<Library, ReadFailure> {
        let failure = |error| ReadFailure::Library(format!("{error:?}"));
        let api = Pdfium::bind_to_library(path).map_err(failure)?;
        // SAFETY: called once, before any other function of the library.
        unsafe { api.FPDF_InitLibrary() };
        let packets = open_again(path).and_then(PacketFunctions::of);
        Ok(Library { api, packets })
    }

    /// Opens a document, trying the empty password and then `passwords` in order. A file that pdfium refuses
    /// is opened as [`rescue`] writes it anew, if it can.
    pub(crate) fn open<'a>(
        &'a self,
        path: &Path,
        passwords: &[String],
    ) -> Result<OpenDocument<'a>, ReadFailure> {
        let file = PdfData::from(Arc::new(FileMap::new(path)?));
        let mut failure = ReadFailure::Damaged;
        let candidates = || std::iter::once("").chain(passwords.iter().map(String::as_str));
        for password in candidates() {
            match self.document(&file, password) {
                Ok(document) => return Ok(document),
                Err(reason) => failure = reason,
            }
            if failure != ReadFailure::Password {
                break;
            }
        }
        let rescued = candidates().find_map(|password| rescue::written_anew(&file, password));
        rescued
            .and_then(|bytes| self.document(&PdfData::from(bytes), "").ok())
            .ok_or(failure)
    }

    fn document<'a>(
        &'a self,
        data: &PdfData,
        password: &str,
    ) -> Result<OpenDocument<'a>, ReadFailure> {
        let given = (!password.is_empty()).then_some(password);
        // SAFETY: the bytes live as long as the document, see `OpenDocument`.
        let handle = unsafe { self.api.FPDF_LoadMemDocument64(data.as_ref(), given) };
        if !handle.is_null() {
            return Ok(OpenDocument::new(
                self,
                handle.cast(),
                data.clone(),
                password,
            ));
        }
        // SAFETY: plain query.
        Err(match unsafe { self.api.FPDF_GetLastError() } {
            4 => ReadFailure::Password,
            5 => ReadFailure::Encryption,
            _ => ReadFailure::Damaged,
        })
    }
}

/// The handle of a library that is loaded already.
fn open_again(path: &Path) -> Option<*mut c_void> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: a path that ends with zero; the library stays loaded until the process ends.
    let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) };
    (!handle.is_null()).then_some(handle)
}

/// A file mapped for reading.
struct FileMap {
    address: *mut c_void,
    length: usize,
}

impl FileMap {
    fn new(path: &Path) -> Result<FileMap, ReadFailure> {
        let unreadable = |error: std::io::Error| {
            ReadFailure::Unreadable(Fault::new(Reason::from(&error), error.to_string()))
        };
        let file = File::open(path).map_err(unreadable)?;
        let length = file.metadata().map_err(unreadable)?.len() as usize;
        if length == 0 {
            return Err(ReadFailure::Damaged);
        }
        // SAFETY: a private read-only mapping of an open file; checked below.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_PRIVATE,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(unreadable(std::io::Error::last_os_error()));
        }
        Ok(FileMap { address, length })
    }
}

// SAFETY: nobody writes to the mapping.
unsafe impl Send for FileMap {}
// SAFETY: as above.
unsafe impl Sync for FileMap {}

impl AsRef<[u8]> for FileMap {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: the mapping is `length` bytes long and lives until drop. If the file is truncated
        // meanwhile, reading past its end kills this worker, which the main process reports as a failed page.
        unsafe { std::slice::from_raw_parts(self.address.cast(), self.length) }
    }
}

impl Drop for FileMap {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length.
        unsafe { libc::munmap(self.address, self.length) };
    }
}

/// An open document with its form fields initialized.
pub(crate) struct OpenDocument<'a> {
    pub(super) library: &'a Library,
    pub(super) handle: *mut c_void,
    pub(super) form: *mut c_void,
    // pdfium keeps a pointer to it, so it must not move while a form is open: hence the box.
    _form_info: Box<[usize; 64]>,
    mender: OnceCell<Option<Box<Mender>>>,
    /// The last page, still loaded, if it takes little memory; else null.
    kept_page: Cell<*mut c_void>,
    /// Number of named places in the document.
    names: OnceCell<usize>,
    password: String,
    data: PdfData,
}

impl<'a> OpenDocument<'a> {
    fn new(library: &'a Library, handle: *mut c_void, data: PdfData, password: &str) -> Self {
        // FPDF_FORMFILLINFO is a version number followed by function pointers, about 40 words; no callback is
        // set. Builds with and without XFA accept version 2.
        let mut form_info = Box::new([0usize; 64]);
        form_info[0] = 2;
        // SAFETY: the document was just opened and the structure outlives the form handle.
        let form = unsafe {
            library
                .api
                .FPDFDOC_InitFormFillEnvironment(handle.cast(), form_info.as_mut_ptr().cast())
                .cast()
        };
        OpenDocument {
            library,
            handle,
            form,
            _form_info: form_info,
            mender: OnceCell::new(),
            kept_page: Cell::new(std::ptr::null_mut()),
            names: OnceCell::new(),
            password: password.to_string(),
            data,
        }
    }

    /// The document opened once more, to change it.
    pub(super) fn copy(&self) -> Option<OpenDocument<'a>> {
        self.library.document(&self.data, &self.password).ok()
    }

    /// Most places of the document that are looked up for a page or for its bookmarks: pdfium goes through all
    /// names for each.
    pub(super) fn most_places(&self) -> usize {
        let api = &self.library.api;
        // SAFETY: the document is open.
        let count = || unsafe { api.FPDF_CountNamedDests(self.handle.cast()) } as usize;
        MOST_STEPS / (*self.names.get_or_init(count)).max(1)
    }

    /// The second reader of this document; `None` if it cannot read it.
    pub(super) fn mender(&self) -> Option<&Mender> {
        let open = || {
            let mender = Mender::open(self.data.clone(), &self.password, self.page_count());
            mender.map(Box::new)
        };
        self.mender.get_or_init(open).as_deref()
    }

    /// Number of pages; 0 for a damaged page tree.
    pub(crate) fn page_count(&self) -> usize {
        // SAFETY: the handle is open.
        unsafe { self.library.api.FPDF_GetPageCount(self.handle.cast()) }.max(0) as usize
    }

    /// Width and height of a page in points, rotation applied; `None` if the page cannot be found.
    pub(crate) fn page_size(&self, index: usize) -> Option<(f32, f32)> {
        let mut size = [0f32; 2];
        // SAFETY: FS_SIZEF is two floats.
        let is_there = unsafe {
            self.library.api.FPDF_GetPageSizeByIndexF(
                self.handle.cast(),
                index as i32,
                size.as_mut_ptr().cast(),
            )
        };
        (is_there != 0).then_some((size[0], size[1]))
    }

    /// Changes the size of a page in memory, in points; `false` if the page cannot be loaded.
    pub(super) fn set_page_size(&self, index: usize, (width, height): (f32, f32)) -> bool {
        // SAFETY: the document is open; the page is closed before anybody else loads it.
        unsafe {
            let page = self
                .library
                .api
                .FPDF_LoadPage(self.handle.cast(), index as i32);
            if page.is_null() {
                return false;
            }
            self.library
                .api
                .FPDFPage_SetMediaBox(page, 0.0, 0.0, width, height);
            self.library
                .api
                .FPDFPage_SetCropBox(page, 0.0, 0.0, width, height);
            self.library.api.FPDF_ClosePage(page);
        }
        true
    }

    /// Loads a page.
    pub(crate) fn page(&self, index: usize) -> Result<OpenPage<'_>, ReadFailure> {
        // SAFETY: the handles are open and stay so while the page borrows the document.
        let page = unsafe {
            self.library
                .api
                .FPDF_LoadPage(self.handle.cast(), index as i32)
        };
        if page.is_null() {
            return Err(ReadFailure::Page);
        }
        if !self.form.is_null() {
            // SAFETY: as above.
            unsafe {
                self.library
                    .api
                    .FORM_OnAfterLoadPage(page, self.form.cast())
            };
        }
        Ok(OpenPage {
            document: self,
            index,
            handle: page.cast(),
            keeps_fonts: Cell::new(false),
        })
    }

    /// Keeps a page that is done with, or null for none, in place of the one kept before, which is closed.
    ///
    /// The library forgets fonts, their metrics and drawn glyphs with the last page that uses them, and making them anew for
    /// every page takes longer than anything else that it does for a page of text.
    fn keep(&self, page: *mut c_void) {
        let before = self.kept_page.replace(page);
        if !before.is_null() {
            // SAFETY: the page was loaded from this document, and nobody else has its handle.
            unsafe { self.library.api.FPDF_ClosePage(before.cast()) };
        }
    }
}

impl Drop for OpenDocument<'_> {
    fn drop(&mut self) {
        self.keep(std::ptr::null_mut());
        // SAFETY: closed once, the form first.
        unsafe {
            if !self.form.is_null() {
                self.library
                    .api
                    .FPDFDOC_ExitFormFillEnvironment(self.form.cast());
            }
            self.library.api.FPDF_CloseDocument(self.handle.cast());
        }
    }
}

/// A loaded page.
pub(crate) struct OpenPage<'a> {
    pub(super) document: &'a OpenDocument<'a>,
    /// Page index, from 0.
    pub(super) index: usize,
    pub(super) handle: *mut c_void,
    /// It takes little memory, so that it may stay for the sake of its fonts.
    keeps_fonts: Cell<bool>,
}

impl OpenPage<'_> {
    /// Says that the page takes little memory: its fonts then stay until the next page is done with.
    pub(crate) fn keep_fonts(&self) {
        self.keeps_fonts.set(true);
    }

    pub(super) fn api(&self) -> &dyn PdfiumLibraryBindings {
        self.document.library.api.as_ref()
    }

    /// Width and height in points, rotation applied.
    pub(crate) fn size(&self) -> (f32, f32) {
        // SAFETY: the page is loaded.
        unsafe {
            (
                self.api().FPDF_GetPageWidthF(self.handle.cast()),
                self.api().FPDF_GetPageHeightF(self.handle.cast()),
            )
        }
    }

    /// Mends the characters of this page. `fonts`: where the fonts with these handles are in the page's list.
    pub(super) fn mend(&self, fonts: &BTreeMap<usize, u16>, page: &mut PdfPage) {
        let data_of = |font: usize| self.font_data(fonts, font);
        mend::mend(page, self.index, || self.document.mender(), data_of);
    }

    /// The file of an embedded font of this page, by its index among these; `None` for others.
    fn font_data(&self, fonts: &BTreeMap<usize, u16>, index: usize) -> Option<Vec<u8>> {
        let api = self.api();
        let font = fonts.iter().find(|(_, of)| usize::from(**of) == index);
        let font = *font?.0 as *mut c_void;
        // SAFETY: the font belongs to the loaded page; the buffer has the length that it is said to have.
        unsafe {
            let mut length = 0usize;
            if api.FPDFFont_GetIsEmbedded(font.cast()) != 1
                || api.FPDFFont_GetFontData(font.cast(), std::ptr::null_mut(), 0, &mut length) == 0
            {
                return None;
            }
            let mut data = vec![0u8; length];
            let is_read =
                api.FPDFFont_GetFontData(font.cast(), data.as_mut_ptr(), length, &mut length);
            (is_read != 0).then_some(data)
        }
    }

    /// Renders the page with annotations and form fields on white, as the reference does.
    ///
    /// Returns `height * width * 3` bytes, RGB, rows from the top; fails if the bitmap cannot be created.
    pub(crate) fn render(&self, width: usize, height: usize) -> Result<Vec<u8>, ReadFailure> {
        self.render_part((width, height), [0, 0, width, height])
    }

    /// Renders the part `[left, top, width, height]` of the page's picture of `whole` (width, height) pixels,
    /// like [`OpenPage::render`].
    pub(super) fn render_part(
        &self,
        whole: (usize, usize),
        [left, top, width, height]: [usize; 4],
    ) -> Result<Vec<u8>, ReadFailure> {
        let (w, h) = (whole.0 as i32, whole.1 as i32);
        let (x, y) = (-(left as i32), -(top as i32));
        let stride = width * 3;
        let mut data = vec![255u8; stride * height];
        // SAFETY: the buffer is `stride * height` bytes and outlives the bitmap.
        unsafe {
            let api = self.api();
            let bitmap = api.FPDFBitmap_CreateEx(
                width as i32,
                height as i32,
                BITMAP_BGR,
                data.as_mut_ptr().cast(),
                stride as i32,
            );
            if bitmap.is_null() {
                return Err(ReadFailure::TooLarge);
            }
            let page = self.handle.cast();
            api.FPDF_RenderPageBitmap(bitmap, page, x, y, w, h, 0, RENDER_ANNOTATIONS);
            if !self.document.form.is_null() {
                let form = self.document.form.cast();
                api.FPDF_FFLDraw(form, bitmap, page, x, y, w, h, 0, RENDER_ANNOTATIONS);
            }
            api.FPDFBitmap_Destroy(bitmap);
        }
        for pixel in data.chunks_exact_mut(3) {
            pixel.swap(0, 2);
        }
        Ok(data)
    }
}

impl Drop for OpenPage<'_> {
    fn drop(&mut self) {
        if !self.document.form.is_null() {
            // SAFETY: the page is loaded, and its form fields are not used any more.
            unsafe {
                self.api()
                    .FORM_OnBeforeClosePage(self.handle.cast(), self.document.form.cast())
            };
        }
        self.document.keep(self.handle);
        if !self.keeps_fonts.get() {
            self.document.keep(std::ptr::null_mut());
        }
    }
}
