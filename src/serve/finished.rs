//! What a finished job has written, read back by dialects whose answers are contents.

use super::error::ApiError;
use super::parsed::Parsed;
use super::spool::{FileProgress, JobError, JobStatus};
use super::state::Server;
use super::view;
use crate::fault::Reason;
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::PathBuf;

/// `true` if an error is that of the client's file, and not of the server.
pub(crate) fn is_of_file(error: &JobError) -> bool {
    let reasons = [
        Reason::Damaged,
        Reason::Unsupported,
        Reason::Encrypted,
        Reason::TooLarge,
        Reason::WorkerDied,
    ];
    reasons.iter().any(|reason| reason.name() == error.code)
}

/// The results of a job that has ended with some.
pub(crate) struct Finished<'a> {
    folder: PathBuf,
    files: &'a [FileProgress],
}

impl<'a> Finished<'a> {
    /// `None` if the job has no result.
    pub(crate) fn of(server: &Server, status: &'a JobStatus) -> Option<Finished<'a>> {
        let progress = status.progress.as_ref()?;
        let folder = server.spool.results(&status.record.id, progress.attempt)?;
        view::has_result(status.state).then_some(Finished {
            folder,
            files: &progress.files,
        })
    }

    /// The name of a file's output with this ending.
    pub(crate) fn name(&self, index: usize, ending: &str) -> Option<&'a str> {
        let outputs = &self.files.get(index)?.outputs;
        let mut names = outputs.iter().map(|(name, _)| name.as_str());
        // Pictures and tables lie in folders.
        names.find(|name| name.ends_with(ending) && !name.contains('/'))
    }

    /// Names of all outputs of a file.
    pub(crate) fn names(&self, index: usize) -> Vec<&'a str> {
        let file = self.files.get(index).into_iter();
        let outputs = file.flat_map(|file| &file.outputs);
        outputs.map(|(name, _)| name.as_str()).collect()
    }

    /// Reads an output. Only what the job has written itself is opened, by its own list.
    pub(crate) fn bytes(&self, index: usize, name: &str) -> io::Result<Vec<u8>> {
        match self.names(index).contains(&name) {
            true => fs::read(self.folder.join(name)),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// A text that was written for a file.
    pub(crate) fn text(&self, index: usize, ending: &str) -> Result<Option<String>, ApiError> {
        let Some(name) = self.name(index, ending) else {
            return Ok(None);
        };
        let text = String::from_utf8(self.bytes(index, name)?);
        Ok(Some(text.map_err(io::Error::other)?))
    }

    /// Opens the output of a file with this ending; `None` without one.
    pub(crate) fn open(&self, index: usize, ending: &str) -> Option<io::Result<File>> {
        let name = self.name(index, ending)?;
        Some(File::open(self.folder.join(name)))
    }

    /// The document that was parsed from a file; `None` if there is none.
    pub(crate) fn parsed(&self, index: usize) -> Result<Option<Parsed>, ApiError> {
        let Some(file) = self.open(index, ".json").transpose()? else {
            return Ok(None);
        };
        let parsed = serde_json::from_reader(BufReader::new(file));
        Ok(Some(parsed.map_err(io::Error::other)?))
    }
}
