//! Kinds of the objects of a page.

use super::library::OpenPage;
use std::ffi::c_void;

/// Nesting depth of form objects that is followed.
pub(super) const MAX_FORM_DEPTH: usize = 12;

/// Kinds of page objects.
pub(super) enum Object {
    Text,
    Path,
    Picture,
    Shading,
    Form,
    Other,
}

impl Object {
    /// The kind of an object of a loaded page.
    pub(super) fn of(page: &OpenPage<'_>, object: *mut c_void) -> Object {
        // SAFETY: the object belongs to the loaded page.
        match unsafe { page.api().FPDFPageObj_GetType(object.cast()) } {
            1 => Object::Text,
            2 => Object::Path,
            3 => Object::Picture,
            4 => Object::Shading,
            5 => Object::Form,
            _ => Object::Other,
        }
    }
}
