//! Texts without width, which pdfium leaves out of a page's text: those of glyphs that it cannot draw, if they run
//! down the page or are single. While the text is read they have a stroke, which gives them width.

use super::library::OpenPage;
use super::objects::{MAX_FORM_DEPTH, Object};
use super::transform::IDENTITY;
use std::collections::BTreeSet;
use std::ffi::c_void;

/// Width in points that pdfium wants a text to have (`CPDF_TextPage`).
const LEAST_WIDTH: f32 = 0.01;
/// The stroke that a text without one is given: too little to move a character.
const STROKE: f32 = 0.05;
/// Height in points from which a text runs down the page.
const LEAST_HEIGHT: f32 = 1.0;
/// `FPDF_TEXTRENDERMODE_FILL_STROKE`.
const FILL_STROKE: i32 = 2;
/// Most objects of a page that are looked at.
const MAX_OBJECTS: usize = 50_000;

/// The texts of a page.
pub(super) struct Texts {
    /// Addresses of the objects that take up room.
    objects: BTreeSet<usize>,
    /// Those without width that may be more than a space.
    flat: Vec<*mut c_void>,
    /// The others without width: of a font in the file they are spaces, or what nobody sees.
    spaces: Vec<*mut c_void>,
}

impl Texts {
    /// Finds the texts of a page.
    pub(super) fn of(page: &OpenPage<'_>) -> Texts {
        let mut texts = Texts {
            objects: BTreeSet::new(),
            flat: Vec::new(),
            spaces: Vec::new(),
        };
        let (api, mut room) = (page.api(), MAX_OBJECTS);
        // SAFETY: the page is loaded; an index below the count is valid.
        unsafe {
            for index in 0..api.FPDFPage_CountObjects(page.handle.cast()).max(0) {
                let object = api.FPDFPage_GetObject(page.handle.cast(), index);
                texts.add(page, object.cast(), 0, &mut room);
            }
        }
        texts
    }

    fn add(&mut self, page: &OpenPage<'_>, object: *mut c_void, depth: usize, room: &mut usize) {
        if object.is_null() || depth > MAX_FORM_DEPTH || *room == 0 {
            return;
        }
        *room -= 1;
        let api = page.api();
        match Object::of(page, object) {
            // SAFETY: the object is a form; an index below the count is valid.
            Object::Form => unsafe {
                for index in 0..api.FPDFFormObj_CountObjects(object.cast()).max(0) {
                    let child = api.FPDFFormObj_GetObject(object.cast(), index as _);
                    self.add(page, child.cast(), depth + 1, room);
                }
            },
            Object::Text => self.add_text(page, object),
            _ => {}
        }
    }

    fn add_text(&mut self, page: &OpenPage<'_>, object: *mut c_void) {
        let api = page.api();
        let (mut left, mut bottom, mut right, mut top) = (0f32, 0f32, 0f32, 0f32);
        // SAFETY: the object is a valid text, the targets are locals.
        unsafe {
            let has_bounds = api.FPDFPageObj_GetBounds(
                object.cast(),
                &mut left,
                &mut bottom,
                &mut right,
                &mut top,
            );
            // Nothing is known about its width.
            if has_bounds == 0 {
                return;
            }
            let is_flat = right - left < LEAST_WIDTH;
            let is_tall = top - bottom >= LEAST_HEIGHT;
            let is_wanted = || {
                let font = api.FPDFTextObj_GetFont(object.cast());
                is_tall || api.FPDFFont_GetIsEmbedded(font) == 0
            };
            if !is_flat || is_tall {
                self.objects.insert(object as usize);
            }
            if is_flat {
                match is_wanted() {
                    true => self.flat.push(object),
                    false => self.spaces.push(object),
                }
            }
        }
    }

    /// Loads the text of the page, as pdfium's handle, which may be null. The caller closes it.
    pub(super) fn load(&self, page: &OpenPage<'_>) -> *mut c_void {
        let text = load(page, &self.flat);
        // SAFETY: the text is loaded if it is not null.
        let is_empty =
            !text.is_null() && unsafe { page.api().FPDFText_CountChars(text.cast()) } <= 0;
        if !is_empty || self.spaces.is_empty() {
            return text;
        }
        close(page, text);
        load(page, &[&self.flat[..], &self.spaces[..]].concat())
    }

    /// Number of texts that take up room and are none of `read`.
    pub(super) fn unread(&self, read: impl Fn(usize) -> bool) -> usize {
        self.objects.iter().filter(|object| !read(**object)).count()
    }
}

/// Loads the text of a page with a stroke around `flat`, unless these are spaces.
fn load(page: &OpenPage<'_>, flat: &[*mut c_void]) -> *mut c_void {
    let plain = || {
        // SAFETY: the page is loaded.
        let text = unsafe { page.api().FPDFText_LoadPage(page.handle.cast()) };
        text.cast::<c_void>()
    };
    let with_stroke = |object: &*mut c_void| Some((*object, stroke(page, *object)?));
    let before: Vec<(*mut c_void, (i32, f32))> = flat.iter().filter_map(with_stroke).collect();
    if before.is_empty() {
        return plain();
    }
    for (object, _) in &before {
        set_stroke(page, *object, (FILL_STROKE, STROKE));
    }
    let text = plain();
    for (object, stroke) in before {
        set_stroke(page, object, stroke);
    }
    if text.is_null() || has_letters(page, text, flat) {
        return text;
    }
    // Spaces of their own change how pdfium divides words.
    close(page, text);
    plain()
}

fn close(page: &OpenPage<'_>, text: *mut c_void) {
    // SAFETY: the text is loaded, and not used any more.
    unsafe { page.api().FPDFText_ClosePage(text.cast()) };
}

/// `true` if a text shows more than spaces for objects without width.
fn has_letters(page: &OpenPage<'_>, text: *mut c_void, flat: &[*mut c_void]) -> bool {
    let api = page.api();
    let flat: BTreeSet<usize> = flat.iter().map(|o| *o as usize).collect();
    // SAFETY: the text is loaded; an index below the count is valid.
    unsafe {
        (0..api.FPDFText_CountChars(text.cast()).max(0)).any(|index| {
            let code = api.FPDFText_GetUnicode(text.cast(), index);
            let is_space =
                char::from_u32(code).is_some_and(|c| c.is_whitespace() || c.is_control());
            let object = api.FPDFText_GetTextObject(text.cast(), index) as usize;
            (!is_space || code == 0) && flat.contains(&object)
        })
    }
}

/// How a text is drawn, and the width of its stroke in points; `None` where pdfium cannot tell, as it could not be set
/// back then.
fn stroke(page: &OpenPage<'_>, object: *mut c_void) -> Option<(i32, f32)> {
    let mut width = 0f32;
    // SAFETY: the object is a valid text, the target is a local.
    let (has_width, mode) = unsafe {
        let api = page.api();
        (
            api.FPDFPageObj_GetStrokeWidth(object.cast(), &mut width) != 0,
            api.FPDFTextObj_GetTextRenderMode(object.cast()),
        )
    };
    (has_width && mode >= 0).then_some((mode, width))
}

fn set_stroke(page: &OpenPage<'_>, object: *mut c_void, (mode, width): (i32, f32)) {
    let mut matrix = IDENTITY;
    // SAFETY: the object is a valid text; FS_MATRIX is six floats. Setting the matrix has the extent computed anew.
    unsafe {
        let api = page.api();
        api.FPDFTextObj_SetTextRenderMode(object.cast(), mode);
        api.FPDFPageObj_SetStrokeWidth(object.cast(), width);
        if api.FPDFPageObj_GetMatrix(object.cast(), matrix.as_mut_ptr().cast()) != 0 {
            api.FPDFPageObj_SetMatrix(object.cast(), matrix.as_ptr().cast());
        }
    }
}
