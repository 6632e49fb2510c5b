//! Pictures as thin as a line: whether they can be seen, as the rules that some programs write so, or are spacers.

use super::library::OpenPage;
use std::ffi::c_void;

/// Most pixels of such a picture that is looked at.
const MOST_PIXELS: u32 = 4096;
/// Most bytes of it as it is drawn.
const MOST_BYTES: usize = 1 << 20;
/// Opacity, and value of a colour's parts, 0 to 255, from which a pixel cannot be told from paper.
const OPAQUE: u8 = 64;
const WHITE: u8 = 250;

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
        // It is drawn with four bytes a pixel: blue, green, red, opacity.
        let fits = columns * 4 <= stride && stride.saturating_mul(rows) <= MOST_BYTES;
        let is_seen = !data.is_null()
            && fits
            && (0..rows).any(|row| {
                let line = std::slice::from_raw_parts(data.add(row * stride), columns * 4);
                line.chunks_exact(4)
                    .any(|pixel| pixel[3] > OPAQUE && pixel[..3].iter().any(|v| *v <= WHITE))
            });
        api.FPDFBitmap_Destroy(bitmap);
        is_seen
    }
}
