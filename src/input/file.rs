//! A file to be parsed: where its bytes are, and how it is named.

use super::fetch::{Fetcher, Remote};
use super::spool::Spooled;
use crate::net::{file_name_of, shown_address};
use crate::output::InputOrigin;
use crate::shown;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// A file to be parsed.
#[derive(Debug, Clone)]
pub struct InputFile {
    /// The input as given, or its path below a given directory, for people and JSON: see `shown::name`.
    /// This is `input_path` in the results.
    pub given: String,
    /// File that holds its bytes; empty for an address.
    pub path: PathBuf,
    /// File name for the output plan, with its original bytes.
    pub name: OsString,
    /// Folder below the given directory, for mirroring.
    pub mirror: PathBuf,
    /// It was named explicitly, not found in a directory or by a pattern.
    pub is_named: bool,
    /// The download, if it has an address.
    pub remote: Option<Remote>,
    /// Keeps a temporary file alive.
    _temporary: Option<Spooled>,
}

impl InputFile {
    /// A file on disk.
    pub fn from_path(path: &Path, mirror: PathBuf) -> Self {
        let name = path.file_name().unwrap_or_default().to_os_string();
        let given = shown::name(path);
        Self {
            given,
            path: path.to_path_buf(),
            name,
            mirror,
            is_named: false,
            remote: None,
            _temporary: None,
        }
    }

    /// A file on disk that somebody else knows by another name.
    pub fn known_as(path: &Path, name: &str) -> Self {
        Self {
            given: name.to_string(),
            name: name.into(),
            is_named: true,
            ..Self::from_path(path, PathBuf::new())
        }
    }

    /// Source of the input.
    pub fn origin(&self) -> InputOrigin<'_> {
        match (&self.remote, &self._temporary) {
            (Some(remote), _) => InputOrigin::Address(remote.key()),
            (None, Some(_)) => InputOrigin::Stream,
            (None, None) => InputOrigin::File,
        }
    }

    /// The file behind an address; `fetcher` queues its download.
    pub fn fetched(address: &str, fetcher: &Fetcher) -> Self {
        Self {
            given: shown_address(address),
            path: PathBuf::new(),
            name: file_name_of(address).into(),
            mirror: PathBuf::new(),
            is_named: true,
            remote: Some(fetcher.add(address)),
            _temporary: None,
        }
    }

    /// An input that was copied into a temporary file, with the name under which it was given.
    pub fn spooled(given: String, name: OsString, spooled: Spooled) -> Self {
        let path = spooled.path().to_path_buf();
        Self {
            given,
            path,
            name,
            mirror: PathBuf::new(),
            is_named: true,
            remote: None,
            _temporary: Some(spooled),
        }
    }
}
