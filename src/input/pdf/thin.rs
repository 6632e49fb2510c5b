//! Pictures as thin as a line: whether they can be seen, as the rules that some programs write so, or are spacers.

use super::library::OpenPage;
use super::shapes::WHITE;
use std::ffi::c_void;

/// Most pixels of such a picture that is looked at.
const MOST_PIXELS: u32 = 4096;
/// Most pixels of it as it is drawn: the picture's matrix, a number out of the file, gives their number.
const MOST_DRAWN: f32 = 65_536.0;
/// `FPDFBitmap_BGRA`, four bytes per pixel: blue, green, red, opacity.
const BITMAP_BGRA: i32 = 4;
/// Opacity, 0 to 255, up to which a pixel cannot be seen.
const SEEN_OPACITY: u8 = 64;

/// `true` if a picture leaves a mark on white paper. Large ones are not looked at.
pub(super) fn shows_ink(page: &OpenPage<'_>, picture: *mut c_void) -> bool {
    let api = page.api();
    let (mut width, mut height) = (0u32, 0u32);
    // SAFETY: the picture is a valid page object, the targets are locals.
    let known =
        unsafe { api.FPDFImageObj_GetImagePixelSize(picture.cast(), &mut width, &mut height) != 0 };
    if !known || width.saturating_mul(height) > MOST_PIXELS {
        return false;
    }
    let mut m = [0f32; 6];
    // SAFETY: FS_MATRIX is six floats.
    unsafe { api.FPDFPageObj_GetMatrix(picture.cast(), m.as_mut_ptr().cast()) };
    let drawn = (m[0].hypot(m[2]).ceil() + 1.0) * (m[1].hypot(m[3]).ceil() + 1.0);
    if drawn.is_nan() || drawn > MOST_DRAWN {
        return false;
    }
    // SAFETY: document and page are open; the bitmap is destroyed below, and its buffer is read within its size.
    unsafe {
        let document = page.document.handle.cast();
        let bitmap =
            api.FPDFImageObj_GetRenderedBitmap(document, page.handle.cast(), picture.cast());
        if bitmap.is_null() {
            return false;
        }
        let stride = api.FPDFBitmap_GetStride(bitmap).max(0) as usize;
        let rows = api.FPDFBitmap_GetHeight(bitmap).max(0) as usize;
        let columns = api.FPDFBitmap_GetWidth(bitmap).max(0) as usize;
        let data: *const u8 = api.FPDFBitmap_GetBuffer(bitmap).cast_const().cast();
        let fits = columns * 4 <= stride && api.FPDFBitmap_GetFormat(bitmap) == BITMAP_BGRA;
        let is_seen = !data.is_null()
            && fits
            && (0..rows).any(|row| {
                let line = std::slice::from_raw_parts(data.add(row * stride), columns * 4);
                line.chunks_exact(4)
                    .any(|pixel| pixel[3] > SEEN_OPACITY && pixel[..3].iter().any(|v| *v <= WHITE))
            });
        api.FPDFBitmap_Destroy(bitmap);
        is_seen
    }
}
