//! Texts that pdfium writes into buffers: asked for their length first, then read, never more than a limit.

/// Most bytes that are read to keep the start of a text that is too long.
const MOST_READ: usize = 8 << 20;

/// A text of at most so many characters.
pub(super) struct Clipped {
    /// The text or its start.
    pub text: String,
    /// It was longer.
    pub is_cut: bool,
}

/// The text that `read` writes as UTF-16 into a buffer of so many bytes, returning the bytes needed with the
/// final zero; empty beyond `most` characters, which nobody wrote on a page.
pub(super) fn utf16(most: usize, read: &dyn Fn(*mut u16, usize) -> usize) -> String {
    let bytes = read(std::ptr::null_mut(), 0);
    if bytes <= 2 || bytes / 2 > most + 1 {
        return String::new();
    }
    utf16_of(bytes, read)
}

/// The same, but the first `most` characters of a longer text; nothing of one of many megabytes.
pub(super) fn clipped_utf16(most: usize, read: &dyn Fn(*mut u16, usize) -> usize) -> Clipped {
    let bytes = read(std::ptr::null_mut(), 0);
    let mut text = match bytes {
        3..=MOST_READ => utf16_of(bytes, read),
        _ => String::new(),
    };
    let end = text.char_indices().nth(most).map(|(at, _)| at);
    text.truncate(end.unwrap_or(text.len()));
    let is_cut = end.is_some() || bytes > MOST_READ;
    Clipped { text, is_cut }
}

fn utf16_of(bytes: usize, read: &dyn Fn(*mut u16, usize) -> usize) -> String {
    let mut buffer = vec![0u16; bytes.div_ceil(2)];
    let read = read(buffer.as_mut_ptr(), buffer.len() * 2);
    buffer.truncate((read / 2).min(buffer.len()));
    let text = String::from_utf16_lossy(&buffer);
    text.trim_end_matches('\0').to_string()
}

/// The same as [`utf16`] for bytes, which are UTF-8 or are read as such.
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a text like pdfium: nothing into a buffer that is too small.
    fn writer(text: &str) -> impl Fn(*mut u16, usize) -> usize {
        let units: Vec<u16> = text.encode_utf16().chain([0]).collect();
        move |buffer, bytes| {
            if bytes >= units.len() * 2 {
                // SAFETY: the buffer is as long as said.
                unsafe { std::ptr::copy_nonoverlapping(units.as_ptr(), buffer, units.len()) };
            }
            units.len() * 2
        }
    }

    #[test]
    fn long_texts_are_clipped_between_characters() {
        let clip = |text: &str, most: usize| clipped_utf16(most, &writer(text));
        let whole = clip("Gezeiten", 8);
        assert!(whole.text == "Gezeiten" && !whole.is_cut);
        let cut = clip("\u{1f30a}\u{1f319} tides", 1);
        assert!(cut.text == "\u{1f30a}" && cut.is_cut);
        let huge = clip(&"a".repeat(MOST_READ), 5);
        assert!(huge.text.is_empty() && huge.is_cut);
        assert!(clip("", 5).text.is_empty() && !clip("", 5).is_cut);
        assert_eq!(utf16(5, &writer("tides")), "tides");
        assert_eq!(utf16(4, &writer("tides")), "");
    }
}
