//! Display of untrusted names and texts (file names, messages): nothing in the output can move the cursor,
//! start a new line or change the writing direction.
//!
//! Control characters, escape codes and bidirectional marks are written as `\x1b` or `\u{202e}`, bytes that
//! are not valid UTF-8 as `\xE9`. [`name`] is for file names wherever they become text (messages, JSON);
//! [`text`] is for whole messages, and the log and the progress bar pass all their output through it. Apart
//! from control characters, `text` leaves the result of `name` unchanged, and two different names are never
//! shown alike.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write;

/// A file name, path or argument as text. Valid UTF-8 stays as it is; other bytes become `\xE9`.
///
/// Backslashes are doubled where the name could be mistaken for one with an escape, so different names stay
/// different, also after [`text`].
pub(crate) fn name(name: impl AsRef<OsStr>) -> String {
    let bytes = name.as_ref().as_encoded_bytes();
    if let Ok(valid) = std::str::from_utf8(bytes)
        && !needs_doubling(valid)
    {
        return valid.to_string();
    }
    let mut out = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        out.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            write!(out, "\\x{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    out
}

/// `true` if a UTF-8 name could be mistaken for an escaped one.
fn needs_doubling(name: &str) -> bool {
    name.contains('\\')
        && (["\\x", "\\u", "\\\\"]
            .iter()
            .any(|start| name.contains(start))
            || name.contains(is_hidden))
}

/// A message with all control and invisible characters escaped.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        push(&mut out, c);
    }
    Cow::Owned(out)
}

/// Text of several lines for a terminal: line breaks and tabs stay, the rest is escaped as in [`text`].
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    let stays = |c: char| matches!(c, '\n' | '\t');
    if !text.contains(|c| is_hidden(c) && !stays(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if stays(c) {
            out.push(c)
        } else {
            push(&mut out, c)
        }
    }
    Cow::Owned(out)
}

fn push(out: &mut String, c: char) {
    let written = match c {
        c if !is_hidden(c) => {
            out.push(c);
            Ok(())
        }
        c if c.is_ascii() => write!(out, "\\x{:02x}", c as u32),
        c => write!(out, "\\u{{{:x}}}", c as u32),
    };
    written.expect("writing to a string cannot fail");
}

/// Control characters (C0, C1, DEL), line separators, bidirectional marks, byte order marks and Unicode tags.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;

    #[track_caller]
    fn check(bytes: &[u8], expected_name: &str, expected_text: &str) {
        let shown = name(OsStr::from_bytes(bytes));
        assert_eq!(shown, expected_name);
        assert_eq!(text(&shown), expected_text);
        assert_eq!(text(expected_text), expected_text, "what is escaped stays");
    }

    #[test]
    fn honest_names_stay() {
        check(
            "Übersicht 50% #1.pdf".as_bytes(),
            "Übersicht 50% #1.pdf",
            "Übersicht 50% #1.pdf",
        );
        check("عربي.pdf".as_bytes(), "عربي.pdf", "عربي.pdf");
        check(br"a\b.pdf", r"a\b.pdf", r"a\b.pdf");
    }

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        check(b"a\x1b[31m", "a\x1b[31m", r"a\x1b[31m");
        check(b"a\nerror: b", "a\nerror: b", r"a\x0aerror: b");
        check("a\u{9b}31m".as_bytes(), "a\u{9b}31m", r"a\u{9b}31m");
        check(
            "a\u{202e}fdp.exe".as_bytes(),
            "a\u{202e}fdp.exe",
            r"a\u{202e}fdp.exe",
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        check(b"raw-\xe9.pdf", r"raw-\xE9.pdf", r"raw-\xE9.pdf");
        check(br"raw-\xE9.pdf", r"raw-\\xE9.pdf", r"raw-\\xE9.pdf");
    }

    #[test]
    fn different_names_are_shown_differently() {
        // All names of up to five of these pieces.
        let pieces: [&[u8]; 8] = [
            b"\\",
            b"x1b",
            b"\x1b",
            b"\xe9",
            b"xE9",
            b"u{9b}",
            "\u{9b}".as_bytes(),
            b"a",
        ];
        let mut names: Vec<Vec<u8>> = vec![Vec::new()];
        let mut last = names.clone();
        for _ in 0..5 {
            last = last
                .iter()
                .flat_map(|n| pieces.iter().map(|p| [n, *p].concat()))
                .collect();
            names.extend(last.clone());
        }
        names.sort();
        names.dedup();
        let mut shown = std::collections::BTreeMap::new();
        for bytes in names {
            let once = text(&name(OsStr::from_bytes(&bytes))).into_owned();
            if let Some(other) = shown.insert(once.clone(), bytes.clone()) {
                panic!("{other:?} and {bytes:?} are both shown as {once}");
            }
        }
    }

    #[test]
    fn lines_keep_their_ends() {
        assert_eq!(lines("a\n\tb\x1b[0m"), "a\n\tb\\x1b[0m");
    }
}
