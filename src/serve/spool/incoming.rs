//! The bytes of a request while they come: a folder that becomes a job, or goes away.

use super::files::{self, random};
use super::record::JobFile;
use crate::output::names::hex;
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A folder that is filled. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Incoming {
    path: PathBuf,
    files: Vec<JobFile>,
    is_job: bool,
}

/// A file that is written.
#[derive(Debug)]
pub(crate) struct IncomingFile {
    file: File,
    hash: Sha256,
    size: u64,
}

impl IncomingFile {
    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }
}

impl Incoming {
    /// A new folder.
    pub(super) fn new(parent: &Path) -> io::Result<Incoming> {
        let path = parent.join(random());
        let mut builder = DirBuilder::new();
        builder.mode(0o700).create(&path)?;
        let incoming = Incoming {
            path,
            files: Vec::new(),
            is_job: false,
        };
        builder.create(incoming.path.join("input"))?;
        Ok(incoming)
    }

    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Begins the next file.
    pub(crate) fn begin(&self) -> io::Result<IncomingFile> {
        let path = self.file_path(self.files.len());
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(IncomingFile {
            file,
            hash: Sha256::new(),
            size: 0,
        })
    }

    /// Completes a file, under the client's name for it.
    pub(crate) fn end(&mut self, file: IncomingFile, name: String) -> io::Result<()> {
        file.file.sync_data()?;
        self.files.push(JobFile {
            name,
            size: file.size,
            sha256: hex(&file.hash.finalize()),
        });
        Ok(())
    }

    /// The files.
    pub(crate) fn files(&self) -> &[JobFile] {
        &self.files
    }

    /// Where the bytes of a file are.
    pub(crate) fn file_path(&self, index: usize) -> PathBuf {
        self.path.join("input").join(index.to_string())
    }

    /// Moves the folder to its place among the jobs.
    pub(super) fn become_job(mut self, folder: &Path) -> io::Result<()> {
        files::sync_folder(&self.path.join("input"));
        fs::rename(&self.path, folder)?;
        self.is_job = true;
        Ok(())
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.is_job {
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
