//! Recognizes a PDF whose header is missing or comes late, by an object near its beginning and its end.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};
use std::path::Path;

/// Bytes at the beginning of a file in which a late header or the first object must stand.
const HEAD: u64 = 64 << 10;
/// Bytes at the end of a file in which its end must be marked; there are files with some junk behind that.
const TAIL: u64 = 4 << 10;

/// `true` for a file that is a PDF in all but its header.
pub(super) fn is_bare_pdf(path: &Path) -> Result<bool> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    file.by_ref().take(HEAD).read_to_end(&mut head)?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    file.take(TAIL).read_to_end(&mut tail)?;
    Ok(starts_as_pdf(&head) && ends_as_pdf(&tail))
}

/// `true` if a line starts with a header, or with an object that is a dictionary.
fn starts_as_pdf(head: &[u8]) -> bool {
    let mut lines = head.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines
        .by_ref()
        .any(|line| line.starts_with(b"%PDF-") || is_object(line))
}

/// `true` for `12 0 obj`, alone or before `<<`.
fn is_object(line: &[u8]) -> bool {
    let mut words = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    let mut number = || {
        words
            .next()
            .is_some_and(|word| word.iter().all(u8::is_ascii_digit))
    };
    let numbers = number() && number();
    let object = words.next().and_then(|word| word.strip_prefix(b"obj"));
    let behind = object.map(|rest| {
        if rest.is_empty() {
            words.next().unwrap_or_default()
        } else {
            rest
        }
    });
    numbers && behind.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"<<"))
}

/// `true` if one of the marks of a PDF's end starts a line.
fn ends_as_pdf(tail: &[u8]) -> bool {
    let mut lines = tail.split(|byte| matches!(byte, b'\r' | b'\n'));
    lines.any(|line| line.starts_with(b"%%EOF") || line.starts_with(b"startxref"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_and_an_end_make_a_pdf() {
        for head in [
            "% made by x\n1 0 obj\n<<\n",
            "12 0 obj<< /A 1 >>",
            "junk\n%PDF-1.4\n",
            "7 0 obj << /A",
        ] {
            assert!(starts_as_pdf(head.as_bytes()), "{head}");
        }
        for head in [
            "",
            "an obj",
            "1 0 object",
            "see 1 0 obj",
            "1 0 obj 5",
            "1 obj",
            "a %PDF-1.4",
        ] {
            assert!(!starts_as_pdf(head.as_bytes()), "{head}");
        }
        assert!(ends_as_pdf(b"5\r\nstartxref\r\n99\r\n%%EOF\r\n"));
        assert!(!ends_as_pdf(b"the word startxref"));
    }
}
