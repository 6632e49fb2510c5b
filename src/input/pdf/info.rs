//! What a PDF says about itself: its metadata and its bookmarks.

use super::library::OpenDocument;
use super::strings::clipped_utf16;
use crate::document::{DocumentInfo, OutlineEntry};
use std::cell::Cell;
use std::collections::HashSet;
use std::ffi::{c_ulong, c_void};

/// Longest entry of the metadata, in characters.
const MOST_META: usize = 10_000;
/// Most bookmarks that are read.
const MOST_BOOKMARKS: usize = 10_000;
/// Deepest level of bookmarks that is read.
const MOST_DEPTH: u8 = 32;
/// Longest title of a bookmark, in characters.
const MOST_TITLE: usize = 1000;
/// Type of an action that leads to a place in the document.
const GO_TO: c_ulong = 1;

impl OpenDocument<'_> {
    /// The document's metadata and bookmarks.
    pub(crate) fn info(&self) -> DocumentInfo {
        let api = &self.library.api;
        let is_cut = Cell::new(false);
        let meta = |tag: &str| {
            // SAFETY: the document is open; the buffer is as long as said.
            let found = clipped_utf16(MOST_META, &|buffer, bytes| unsafe {
                api.FPDF_GetMetaText(self.handle.cast(), tag, buffer.cast(), bytes as _) as usize
            });
            is_cut.set(is_cut.get() | found.is_cut);
            Some(one_line(&found.text)).filter(|text| !text.is_empty())
        };
        // SAFETY: as above.
        let language = clipped_utf16(MOST_META, &|buffer, bytes| unsafe {
            api.FPDFCatalog_GetLanguage(self.handle.cast(), buffer.cast(), bytes as _) as usize
        });
        let date = |tag: &str| meta(tag).map(|text| rfc3339(&text).unwrap_or(text));
        DocumentInfo {
            title: meta("Title"),
            author: meta("Author"),
            subject: meta("Subject"),
            keywords: meta("Keywords"),
            language: Some(one_line(&language.text)).filter(|text| !text.is_empty()),
            creator: meta("Creator"),
            producer: meta("Producer"),
            created: date("CreationDate"),
            modified: date("ModDate"),
            outline: self.outline(&is_cut),
            is_cut: is_cut.get(),
        }
    }

    fn outline(&self, is_cut: &Cell<bool>) -> Vec<OutlineEntry> {
        let api = &self.library.api;
        let (mut found, mut known) = (Vec::new(), HashSet::new());
        // SAFETY: the document is open, and bookmarks live as long; null stands for the root.
        let child = |bookmark: *mut c_void| -> *mut c_void {
            unsafe {
                api.FPDFBookmark_GetFirstChild(self.handle.cast(), bookmark.cast())
                    .cast()
            }
        };
        // SAFETY: as above.
        let sibling = |bookmark: *mut c_void| -> *mut c_void {
            unsafe {
                api.FPDFBookmark_GetNextSibling(self.handle.cast(), bookmark.cast())
                    .cast()
            }
        };
        let mut stack = vec![(child(std::ptr::null_mut()), 1u8)];
        let most = self.most_places();
        while let Some((bookmark, depth)) = stack.pop() {
            // One that was seen already closes a circle.
            if bookmark.is_null() || !known.insert(bookmark as usize) {
                continue;
            }
            if found.len() >= MOST_BOOKMARKS {
                is_cut.set(true);
                break;
            }
            // SAFETY: as above; the buffer is as long as said.
            let title = clipped_utf16(MOST_TITLE, &|buffer, bytes| unsafe {
                api.FPDFBookmark_GetTitle(bookmark.cast(), buffer.cast(), bytes as _) as usize
            });
            found.push(OutlineEntry {
                title: one_line(&title.text),
                // Beyond that only titles are read.
                page_index: if found.len() < most {
                    self.page_of(bookmark)
                } else {
                    None
                },
                depth,
            });
            stack.push((sibling(bookmark), depth));
            if depth < MOST_DEPTH {
                stack.push((child(bookmark), depth + 1));
            }
        }
        found
    }

    /// The page that a bookmark leads to.
    fn page_of(&self, bookmark: *mut c_void) -> Option<usize> {
        let api = &self.library.api;
        // SAFETY: the document is open, and the bookmark and what it holds live as long.
        unsafe {
            let mut place = api.FPDFBookmark_GetDest(self.handle.cast(), bookmark.cast());
            if place.is_null() {
                let action = api.FPDFBookmark_GetAction(bookmark.cast());
                if action.is_null() || api.FPDFAction_GetType(action) != GO_TO {
                    return None;
                }
                place = api.FPDFAction_GetDest(self.handle.cast(), action);
            }
            if place.is_null() {
                return None;
            }
            usize::try_from(api.FPDFDest_GetDestPageIndex(self.handle.cast(), place)).ok()
        }
    }
}

/// A text without control characters and runs of blanks.
fn one_line(text: &str) -> String {
    let is_blank = |c: char| c.is_whitespace() || c.is_control();
    let words = text.split(is_blank).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// A date of a PDF, such as `D:20240131120000+01'00'`, as in RFC 3339; a date without a time if the time is not
/// given. `None` if it is none.
fn rfc3339(text: &str) -> Option<String> {
    let rest = text.trim().strip_prefix("D:").unwrap_or(text.trim());
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, zone) = rest.split_at(digits);
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u32>().ok();
    let year = number(0..4)?;
    let (month, day) = (number(4..6).unwrap_or(1), number(6..8).unwrap_or(1));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let date = format!("{year:04}-{month:02}-{day:02}");
    let (Some(hour), Some(minute)) = (number(8..10), number(10..12)) else {
        return Some(date);
    };
    let second = number(12..14).unwrap_or(0);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let zone_digits: String = zone.chars().filter(char::is_ascii_digit).take(4).collect();
    let zone = match zone.chars().next() {
        Some(sign @ ('+' | '-')) if zone_digits.len() >= 2 => {
            let minutes = zone_digits.get(2..4).unwrap_or("00");
            format!("{sign}{}:{minutes}", &zone_digits[..2])
        }
        Some('Z') => "Z".to_string(),
        _ => String::new(),
    };
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_far_as_they_go() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(rfc3339(text).as_deref(), expected, "{text}");
        };
        check("D:20240131120501+01'30'", Some("2024-01-31T12:05:01+01:30"));
        check("D:20240131120501Z00'00'", Some("2024-01-31T12:05:01Z"));
        check("D:20240131120501", Some("2024-01-31T12:05:01"));
        check("D:2024", Some("2024-01-01"));
        check("20240131", Some("2024-01-31"));
        check("D:20241331", None);
        check("last week", None);
        assert_eq!(one_line(" a\u{0}b\r\n c "), "a b c");
    }
}
