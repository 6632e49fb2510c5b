//! Texts that pdfium writes into buffers: asked for their length first, then read, never more than a limit.

/// The text that `read` writes as UTF-16 into a buffer of so many bytes, returning the bytes needed with the
/// final zero; empty beyond `most` characters, which nobody wrote on a page.
pub(super) fn utf16(most: usize, read: &dyn Fn(*mut u16, usize) -> usize) -> String {
    let bytes = read(std::ptr::null_mut(), 0);
    if bytes <= 2 || bytes / 2 > most + 1 {
        return String::new();
    }
    let mut buffer = vec![0u16; bytes.div_ceil(2)];
    let read = read(buffer.as_mut_ptr(), buffer.len() * 2);
    buffer.truncate((read / 2).min(buffer.len()));
    let text = String::from_utf16_lossy(&buffer);
    text.trim_end_matches('\0').to_string()
}

/// The same for bytes, which are UTF-8 or are read as such.
pub(super) fn utf8(most: usize, read: &dyn Fn(*mut u8, usize) -> usize) -> String {
    let bytes = read(std::ptr::null_mut(), 0);
    if bytes <= 1 || bytes > most + 1 {
        return String::new();
    }
    let mut buffer = vec![0u8; bytes];
    let read = read(buffer.as_mut_ptr(), buffer.len());
    buffer.truncate(read.min(buffer.len()));
    let text = String::from_utf8_lossy(&buffer);
    text.trim_end_matches('\0').to_string()
}
