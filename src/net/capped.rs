//! Reading responses up to a limit, and quoting them in messages.

use std::fmt;
use std::io::{self, Read};

/// Error: the response is longer than the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ResponseTooLong {
    cap: u64,
}

impl fmt::Display for ResponseTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is longer than {} bytes", self.cap)
    }
}

impl std::error::Error for ResponseTooLong {}

/// Passes on at most `cap` bytes; one more is an error. It is placed behind any decompression, so that a
/// small response that expands to a huge one is stopped too.
pub(crate) struct Capped<R> {
    inner: R,
    left: u64,
    cap: u64,
}

impl<R: Read> Capped<R> {
    /// Reads from `inner`, up to `cap` bytes.
    pub(crate) fn new(inner: R, cap: u64) -> Capped<R> {
        Capped {
            inner,
            left: cap,
            cap,
        }
    }
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            // The end is detected by asking for one more byte.
            return match self.inner.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(io::Error::other(ResponseTooLong { cap: self.cap })),
            };
        }
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = self.inner.read(&mut buffer[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// `true` if an error of [`Capped`] says that the response exceeds the limit.
pub(crate) fn is_too_long(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<ResponseTooLong>())
}

/// Reads a whole response, up to `cap` bytes after decompression; more is an error.
pub(crate) fn read_all(answer: impl Read, cap: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Capped::new(answer, cap).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The cause of an error, without the address: some errors repeat it, including passwords and signatures.
pub(crate) fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::BadUri(_) => "it is no address that can be asked".into(),
        ureq::Error::RequireHttpsOnly(_) => "it is not encrypted".into(),
        ureq::Error::ConnectProxyFailed(_) => "the proxy refuses the connection".into(),
        ureq::Error::InvalidProxyUrl => "the address of the proxy is none".into(),
        other => clean_text(&other.to_string(), 300),
    }
}

/// Text from a server, made safe for one line of a message: at most `most` characters; runs of spaces,
/// control characters and bidirectional marks become one space.
pub(crate) fn clean_text(text: &str, most: usize) -> String {
    let mut clean = String::new();
    let mut count = 0;
    for c in text.trim().chars() {
        let c = if is_unseen(c) { ' ' } else { c };
        if c == ' ' && clean.ends_with(' ') {
            continue;
        }
        if count == most {
            clean.push_str(" ...");
            break;
        }
        clean.push(c);
        count += 1;
    }
    clean.trim_end().to_string()
}

/// `true` for characters that control a terminal or the layout of text and are not text themselves.
pub(super) fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_wanted() {
        assert_eq!(read_all(&b"abcd"[..], 4).unwrap(), b"abcd");
        let error = read_all(&b"abcde"[..], 4).unwrap_err();
        assert!(
            is_too_long(&error) && error.to_string().contains("longer than 4 bytes"),
            "{error}"
        );
        // An endless response, too.
        assert!(is_too_long(&read_all(io::repeat(7), 1 << 20).unwrap_err()));
        assert!(read_all(io::empty(), 0).unwrap().is_empty());
        assert!(!is_too_long(&io::Error::other("x")));
    }

    #[test]
    fn texts_of_others_are_one_clean_line() {
        assert_eq!(
            clean_text(" a\u{1b}]0;b\u{7}\r\n\tc\u{202e}d ", 99),
            "a ]0;b c d"
        );
        assert_eq!(clean_text("abcdef", 3), "abc ...");
        assert_eq!(clean_text("abc", 3), "abc");
        let secret = ureq::Error::BadUri("http://me:secret@h".into());
        assert!(!reason(&secret).contains("secret"));
    }
}
