//! API keys: a file with one key a line, read again when the server is told to.

use super::small_file;
use crate::fault::Fault;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use subtle::{Choice, ConstantTimeEq};

/// Largest file of keys in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// The keys of a server.
#[derive(Debug)]
pub(crate) struct Keys {
    /// `None`: everybody may use the server.
    path: Option<PathBuf>,
    /// Hashes of the keys: comparing those tells nothing of lengths.
    hashes: RwLock<Vec<[u8; 32]>>,
}

/// Who sends a request: a hash of the key; empty without keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Owner(pub String);

impl Keys {
    /// Reads the keys.
    pub(crate) fn new(path: Option<&Path>) -> Result<Keys, Fault> {
        let keys = Keys {
            path: path.map(Path::to_path_buf),
            hashes: RwLock::default(),
        };
        keys.reload()?;
        Ok(keys)
    }

    /// Reads the file again. If that fails, the keys of before stay.
    pub(crate) fn reload(&self) -> Result<usize, Fault> {
        let Some(path) = &self.path else {
            return Ok(0);
        };
        let fail = |error: io::Error| {
            let what = format!("the file of API keys `{}` cannot be read", path.display());
            Fault::io(what, &error)
        };
        let wrong = |what: String| fail(io::Error::new(io::ErrorKind::InvalidData, what));
        let text = small_file::read(path, MOST_BYTES).map_err(fail)?;
        let mut hashes: Vec<[u8; 32]> = Vec::new();
        for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let key = line.trim_ascii();
            if key.is_empty() || key.starts_with(b"#") {
                continue;
            }
            // Never the key itself, nor a part of it.
            if !key.iter().all(|byte| matches!(byte, b' '..=b'~')) {
                return Err(wrong(format!(
                    "line {}: a key may have printable ASCII characters only, since others cannot be sent in a \
                     header; a byte order mark at the start of the file is none",
                    number + 1
                )));
            }
            hashes.push(Sha256::digest(key).into());
        }
        if hashes.is_empty() {
            return Err(wrong("it holds no key".into()));
        }
        let count = hashes.len();
        *self.hashes.write().unwrap_or_else(PoisonError::into_inner) = hashes;
        Ok(count)
    }

    /// Number of keys; 0 if everybody may use the server.
    pub(crate) fn count(&self) -> usize {
        self.hashes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// `true` if requests need a key.
    pub(crate) fn are_needed(&self) -> bool {
        self.path.is_some()
    }

    /// Who sends a request; `None` if it needs a key and has none that is valid.
    pub(crate) fn owner(&self, headers: &HeaderMap) -> Option<Owner> {
        if !self.are_needed() {
            return Some(Owner(String::new()));
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok());
        let bearer = bearer.and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
        });
        self.owner_of(bearer.or_else(|| text("x-api-key"))?)
    }

    /// Whose key this is; `None` if it is not valid.
    pub(crate) fn owner_of(&self, key: &str) -> Option<Owner> {
        let hash: [u8; 32] = Sha256::digest(key).into();
        let hashes = self.hashes.read().unwrap_or_else(PoisonError::into_inner);
        // All of them are compared, whichever it is.
        let is_known = hashes
            .iter()
            .fold(Choice::from(0), |known, key| known | key.ct_eq(&hash));
        bool::from(is_known).then(|| {
            // Not the hash that the key is recognized by.
            let mut named = Sha256::new();
            named.update(b"owner");
            named.update(hash);
            Owner(crate::output::names::hex(&named.finalize()[..8]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use std::fs;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        headers
    }

    #[test]
    fn a_key_is_taken_from_either_header_and_read_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "# people\nfirst\n\n second \n").unwrap();
        let keys = Keys::new(Some(file.path())).unwrap();
        let first = keys.owner(&headers("authorization", "Bearer first"));
        assert!(first.is_some());
        assert_eq!(keys.owner(&headers("x-api-key", "first")), first);
        assert_eq!(
            (keys.owner_of("first"), keys.owner_of("fir")),
            (first.clone(), None)
        );
        let second = keys.owner(&headers("x-api-key", "second"));
        assert!(second.is_some() && second != first);
        for wrong in ["", "# people", "firs", "first2"] {
            assert_eq!(keys.owner(&headers("x-api-key", wrong)), None, "{wrong}");
        }
        assert_eq!(keys.owner(&headers("authorization", "Basic first")), None);
        assert_eq!(keys.owner(&HeaderMap::new()), None);
        fs::write(file.path(), "second\n").unwrap();
        keys.reload().unwrap();
        assert_eq!(keys.owner(&headers("x-api-key", "first")), None);
        assert_eq!(keys.owner(&headers("x-api-key", "second")), second);
        // A file that was emptied by accident opens no door, and closes none.
        fs::write(file.path(), "\n").unwrap();
        assert!(keys.reload().is_err());
        assert_eq!(keys.owner(&headers("x-api-key", "second")), second);
    }

    #[test]
    fn a_key_that_can_never_match_is_refused_by_its_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, line) in [
            ("plain\nschl\u{fc}ssel-one\n".as_bytes(), 2),
            (b"plain\r\n\r\n# a comm\xe4nt\r\nlatin\xe9\r\n", 4),
            ("\u{feff}first\n".as_bytes(), 1),
            (b"\xff\xfef\0i\0r\0s\0t\0", 1),
            (b"two\twords", 1),
        ] {
            fs::write(file.path(), text).unwrap();
            let fault = Keys::new(Some(file.path())).unwrap_err().to_string();
            assert!(fault.contains(&format!("line {line}: ")), "{fault}");
            for secret in ["ssel", "latin", "first", "words"] {
                assert!(!fault.contains(secret), "{fault}");
            }
        }
        // Comments are for people.
        fs::write(file.path(), "# Schl\u{fc}ssel\nplain\n").unwrap();
        let keys = Keys::new(Some(file.path())).unwrap();
        assert!(keys.owner(&headers("x-api-key", "plain")).is_some());
        fs::write(file.path(), vec![b'k'; MOST_BYTES as usize + 1]).unwrap();
        assert!(keys.reload().is_err());
    }

    #[test]
    fn without_a_file_everybody_is_the_same() {
        let keys = Keys::new(None).unwrap();
        assert_eq!(keys.owner(&HeaderMap::new()), Some(Owner(String::new())));
    }
}
