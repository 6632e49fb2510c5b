//! The files of one document: written under random names, then moved into place, with a record.

use super::SavePath;
use crate::fault::Fault;
use crate::output::names::{self, OutputName, is_below, text_of};
use crate::output::record::{DocumentOutcome, DocumentRecord, Identity, OutputFacts, nanoseconds};
use crate::output::run::RunFolder;
use crate::output::{io_fault, random_name};
use cap_std::fs::{MetadataExt, OpenOptions};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file being written; its bytes are counted and hashed. Removed if dropped before it is added.
#[derive(Debug)]
pub(crate) struct OutputFile {
    out: BufWriter<Hashing>,
    run: Arc<RunFolder>,
    part: String,
    is_added: bool,
}

#[derive(Debug)]
struct Hashing {
    file: File,
    hash: Sha256,
    size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if !self.is_added {
            let _ = self.run.dir.remove_file(&self.part);
        }
    }
}

/// A complete file waiting to be moved into place.
#[derive(Debug)]
pub(super) struct Staged {
    pub part: String,
    pub place: PathBuf,
    pub facts: OutputFacts,
}

/// Outcome of publishing a document's files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Published {
    /// Published files, relative to the save path, in the order added.
    pub files: Vec<(PathBuf, String)>,
    /// Reasons why files could not be published.
    pub errors: Vec<Fault>,
}

/// The files of one document. If dropped without [`publish`](Self::publish), it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct DocumentOutput {
    pub(super) path: Arc<SavePath>,
    pub(super) name: OutputName,
    pub(super) input: Identity,
    pub(super) settings: String,
    pub(super) staged: Vec<Staged>,
}

impl Drop for DocumentOutput {
    fn drop(&mut self) {
        if let Some(run) = &self.path.run {
            for staged in &self.staged {
                let _ = run.dir.remove_file(&staged.part);
            }
        }
    }
}

impl DocumentOutput {
    /// The document's name.
    pub(crate) fn name(&self) -> &OutputName {
        &self.name
    }

    /// Creates a file under a random name.
    pub(crate) fn create(&self) -> io::Result<OutputFile> {
        let run = self.path.run.clone().ok_or(io::ErrorKind::NotFound)?;
        let part = random_name();
        let mut options = OpenOptions::new();
        let file = run
            .dir
            .open_with(&part, options.write(true).create_new(true))?
            .into_std();
        let out = BufWriter::new(Hashing {
            file,
            hash: Sha256::new(),
            size: 0,
        });
        Ok(OutputFile {
            out,
            run,
            part,
            is_added: false,
        })
    }

    /// Adds a complete file for `place`, below the save path; replaces an earlier one for the same path.
    pub(crate) fn add(&mut self, mut file: OutputFile, place: PathBuf) -> io::Result<()> {
        if !is_below(&place) || place.starts_with(names::RECORD_FOLDER) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a place below the save path",
            ));
        }
        file.out.flush()?;
        let inner = file.out.get_ref();
        let meta = file.run.dir.metadata(&file.part)?;
        let facts = OutputFacts {
            path: text_of(&place),
            size: inner.size,
            modified_ns: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            sha256: names::hex(&inner.hash.clone().finalize()),
        };
        file.is_added = true;
        let run = file.run.clone();
        self.staged.retain(|staged| {
            let stays = staged.place != place;
            if !stays {
                let _ = run.dir.remove_file(&staged.part);
            }
            stays
        });
        self.staged.push(Staged {
            part: file.part.clone(),
            place,
            facts,
        });
        Ok(())
    }

    /// Writes a whole file. Error messages name the path.
    pub(crate) fn write(
        &mut self,
        place: PathBuf,
        write: impl FnOnce(&mut OutputFile) -> io::Result<()>,
    ) -> Result<(), Fault> {
        let shown = self.path.shown(&place);
        let written = self.create().and_then(|mut file| {
            write(&mut file)?;
            self.add(file, place)
        });
        written.map_err(|error| io_fault(&shown, &error))
    }

    /// Moves all files into place and records the document. Obsolete files of its earlier runs are removed if
    /// `replaces` returns `true` for them.
    pub(crate) fn publish(
        mut self,
        outcome: DocumentOutcome,
        replaces: &dyn Fn(&Path) -> bool,
    ) -> Published {
        let path = self.path.clone();
        let record = &path.record;
        let _lock = record.lock(&self.input.key);
        let before = record.document(&self.input.key);
        let earlier: Vec<OutputFacts> = before
            .iter()
            .flat_map(|r| r.all_outputs().cloned())
            .collect();
        let mut facts = self.facts(outcome);
        facts.folders = before.map(|r| r.folders).unwrap_or_default();
        facts.earlier = earlier.clone();
        facts.outputs = self
            .staged
            .iter()
            .map(|staged| staged.facts.clone())
            .collect();
        let mut published = Published::default();
        // Before any file is placed, so that whoever finds the files later can tell whose they are.
        let recorded = record.set_document(&self.input.key, &facts);
        let recorded = recorded.and_then(|()| record.set_owner(&self.name, &self.input.key));
        if let Err(error) = recorded {
            let place = path.shown(Path::new(names::RECORD_FOLDER));
            published.errors.push(io_fault(&place, &error));
            return published;
        }
        let own = |place: &Path| path.is_own(place, &earlier);
        let staged = std::mem::take(&mut self.staged);
        if let Some(run) = &path.run {
            staged.par_iter().for_each(|staged| {
                // If the system cannot guarantee it, the file is still complete except after a power failure.
                let _ = run.dir.open(&staged.part).and_then(|file| file.sync_data());
            });
        }
        let mut places = BTreeSet::new();
        for staged in staged {
            match path.place(&staged, &own, &mut facts.folders) {
                Ok(()) => {
                    places.insert(staged.place.clone());
                    published.files.push((staged.place, staged.facts.sha256));
                }
                Err(fault) => {
                    facts.outputs.retain(|output| *output != staged.facts);
                    published.errors.push(fault);
                    if let Some(run) = &path.run {
                        let _ = run.dir.remove_file(&staged.part);
                    }
                }
            }
        }
        facts.earlier = path.remove_earlier(earlier, &places, replaces);
        path.remove_empty(&mut facts.folders);
        if !published.errors.is_empty() && outcome == DocumentOutcome::Done {
            facts.outcome = DocumentOutcome::Partial;
        }
        facts.is_complete = true;
        if let Err(error) = record.set_document(&self.input.key, &facts) {
            published.errors.push(io_fault(
                &path.shown(Path::new(names::RECORD_FOLDER)),
                &error,
            ));
        }
        published
    }

    /// Records that the document was given up. Files of its earlier runs remain.
    pub(crate) fn give_up(self, outcome: DocumentOutcome) {
        let record = &self.path.record;
        let _lock = record.lock(&self.input.key);
        let mut facts = self.facts(outcome);
        if let Some(before) = record.document(&self.input.key) {
            facts.earlier = before.all_outputs().cloned().collect();
            facts.folders = before.folders;
            (facts.folder, facts.stem, facts.pictures) =
                (before.folder, before.stem, before.pictures);
        }
        // An error loses nothing: without a record the document is parsed again.
        let _ = record.set_document(&self.input.key, &facts);
    }

    fn facts(&self, outcome: DocumentOutcome) -> DocumentRecord {
        let input = match outcome {
            DocumentOutcome::Done => self.input.with_hash(),
            _ => self.input.facts.clone(),
        };
        DocumentRecord {
            input,
            settings: self.settings.clone(),
            outcome,
            is_complete: false,
            folder: text_of(&self.name.folder),
            stem: text_of(Path::new(&self.name.stem)),
            pictures: self.name.pictures.clone(),
            outputs: Vec::new(),
            earlier: Vec::new(),
            folders: Vec::new(),
        }
    }
}
