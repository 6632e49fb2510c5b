//! The record of a save path: for every document its input, settings, outcome and output files.
//!
//! A folder with one file per document (`documents/`, named by the hash of the input's key), one per output
//! name with its owner (`names/`), locks (`locks/`), and work in progress (`runs/`): a folder per run, and
//! record files that are being written. Everything is found by name: a run over one file among a million
//! reads two small files. The record is untrusted input: paths are accepted only if they lie below the save
//! path.

use super::names::{self, OutputName, key_of};
use super::random_name;
use cap_std::fs::{Dir, MetadataExt, OpenOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Size limit of record files in bytes; docparse writes none that are larger.
const MAX_RECORD_BYTES: u64 = 64 << 20;
/// Longer files are not hashed and so never proven unchanged; the end of a run does not depend on the size
/// that a file claims.
const MOST_HASHED: u64 = 16 << 30;
/// Resolution to expect of file times, in nanoseconds: a file changed more recently than this before it was
/// examined may change again without a new time.
const CLOCK_STEP: i64 = 2_000_000_000;

/// Outcome of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DocumentOutcome {
    /// No error.
    Done,
    /// Some pages, blocks or files failed.
    Partial,
    /// The document was given up.
    Failed,
    /// The run was interrupted before the document was finished.
    Interrupted,
}

/// Identity of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Key that tells inputs apart, independent of content for files and addresses: derived from the file's
    /// location, the address, or the stream's content.
    pub key: String,
    /// Its file; empty for an address, a temporary file for a stream.
    pub path: PathBuf,
    /// Facts for the record.
    pub facts: InputFacts,
}

/// Facts about an input that are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputFacts {
    /// The input as given.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Modification time (mtime), nanoseconds since 1970.
    pub modified_ns: i64,
    /// Status change time (ctime), nanoseconds since 1970; `None` if it proves nothing.
    pub changed_ns: Option<i64>,
    /// Inode number.
    pub inode: u64,
    /// SHA-256 of the content in hexadecimal; `None` until it was read whole.
    pub sha256: Option<String>,
}

/// Source of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputOrigin<'a> {
    /// A file.
    File,
    /// An address.
    Address(&'a str),
    /// Standard input or a pipe: identified by its content alone.
    Stream,
}

impl Identity {
    /// Examines an input's file. Fails if its metadata or, for a stream, its content cannot be read.
    pub(crate) fn of(given: &str, path: &Path, origin: InputOrigin) -> io::Result<Identity> {
        if let InputOrigin::Address(address) = origin {
            let key = key_of(&[b"address", address.as_bytes()]);
            return Ok(Identity {
                key,
                path: PathBuf::new(),
                facts: InputFacts::unknown(given),
            });
        }
        let facts = InputFacts::of(given, path)?;
        let (key, facts) = match origin {
            InputOrigin::File => {
                let whole = fs::canonicalize(path)?;
                (key_of(&[b"file", whole.as_os_str().as_bytes()]), facts)
            }
            InputOrigin::Address(_) | InputOrigin::Stream => {
                let sha256 = Some(sha256_of(File::open(path)?)?);
                let key = key_of(&[b"stream", sha256.as_deref().unwrap_or_default().as_bytes()]);
                (
                    key,
                    InputFacts {
                        sha256,
                        changed_ns: None,
                        ..facts
                    },
                )
            }
        };
        Ok(Identity {
            key,
            path: path.to_path_buf(),
            facts,
        })
    }

    /// The same input, now that its content was fetched.
    pub(crate) fn fetched(&self, size: u64, sha256: &[u8]) -> Identity {
        let facts = InputFacts {
            size,
            sha256: Some(names::hex(sha256)),
            ..self.facts.clone()
        };
        Identity {
            facts,
            ..self.clone()
        }
    }

    /// `true` if the input is still the one recorded. Its content is read only if the file times leave it
    /// open.
    pub(crate) fn is_same_as(&self, recorded: &InputFacts) -> bool {
        let (now, then) = (&self.facts, recorded);
        let Some(then_hash) = &then.sha256 else {
            return false;
        };
        if now.size != then.size {
            return false;
        }
        let untouched = now.changed_ns.is_some()
            && (now.changed_ns, now.modified_ns, now.inode)
                == (then.changed_ns, then.modified_ns, then.inode);
        untouched
            || self
                .hash()
                .is_ok_and(|hash| hash.as_ref() == Some(then_hash))
    }

    /// The facts with the hash of the content; without it if the file has changed since the run first
    /// examined it, so that they prove nothing.
    pub(crate) fn with_hash(&self) -> InputFacts {
        let mut facts = self.facts.clone();
        if facts.sha256.is_none() {
            facts.sha256 = self.hash().ok().flatten();
        }
        facts
    }

    /// The hash of the file, if it is the same file before and after. A pipe without a writer or an endless
    /// device may have taken its place.
    fn hash(&self) -> io::Result<Option<String>> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = fs::OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&self.path)?;
        let facts = &self.facts;
        let is_the_same = |meta: &fs::Metadata| {
            let now = InputFacts::of_metadata(&facts.path, meta);
            meta.is_file()
                && (now.size, now.modified_ns, now.inode)
                    == (facts.size, facts.modified_ns, facts.inode)
        };
        if !is_the_same(&file.metadata()?) || facts.size > MOST_HASHED {
            return Ok(None);
        }
        // A file that keeps growing has no end either.
        let hash = sha256_of(file.try_clone()?.take(facts.size))?;
        Ok(
            (is_the_same(&file.metadata()?) && is_the_same(&fs::metadata(&self.path)?))
                .then_some(hash),
        )
    }
}

impl InputFacts {
    /// Facts of an input that was not fetched yet.
    fn unknown(given: &str) -> InputFacts {
        InputFacts {
            path: given.to_string(),
            size: 0,
            modified_ns: 0,
            changed_ns: None,
            inode: 0,
            sha256: None,
        }
    }

    fn of(given: &str, path: &Path) -> io::Result<InputFacts> {
        Ok(InputFacts::of_metadata(given, &fs::metadata(path)?))
    }

    fn of_metadata(given: &str, meta: &fs::Metadata) -> InputFacts {
        use std::os::unix::fs::MetadataExt;
        let changed = nanoseconds(meta.ctime(), meta.ctime_nsec());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| {
            nanoseconds(d.as_secs() as i64, d.subsec_nanos().into())
        });
        InputFacts {
            path: given.to_string(),
            size: meta.len(),
            modified_ns: nanoseconds(meta.mtime(), meta.mtime_nsec()),
            changed_ns: (now - changed > CLOCK_STEP).then_some(changed),
            inode: meta.ino(),
            sha256: None,
        }
    }
}

/// A file time in nanoseconds since 1970, saturating.
pub(super) fn nanoseconds(seconds: i64, part: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(part)
}

/// SHA-256 of a stream in hexadecimal.
pub(crate) fn sha256_of(mut stream: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut stream, &mut hash)?;
    Ok(names::hex(&hash.finalize()))
}

/// A file that docparse wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutputFacts {
    /// Path below the save path, encoded by [`names::text_of`].
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Modification time, nanoseconds since 1970.
    pub modified_ns: i64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

impl OutputFacts {
    /// Its path; `None` if that would not lie below the save path.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        Some(names::path_of(&self.path)).filter(|path| names::is_below(path))
    }

    /// `true` if the file is still there with its size; with `exactly` also unmodified, by its time or else
    /// its content. A symbolic link never counts.
    pub(crate) fn is_there(&self, root: &Dir, exactly: bool) -> bool {
        let Some(path) = self.path() else {
            return false;
        };
        let Ok(meta) = root.symlink_metadata(&path) else {
            return false;
        };
        if !meta.is_file() || meta.len() != self.size {
            return false;
        }
        let modified = nanoseconds(meta.mtime(), meta.mtime_nsec());
        if !exactly || modified == self.modified_ns {
            return true;
        }
        root.open(&path)
            .and_then(sha256_of)
            .is_ok_and(|hash| hash == self.sha256)
    }
}

/// The record of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DocumentRecord {
    /// The input.
    pub input: InputFacts,
    /// Hash of all settings that the outputs depend on.
    pub settings: String,
    /// Its outcome.
    pub outcome: DocumentOutcome,
    /// All outputs are in place; `false` while they are being placed.
    pub is_complete: bool,
    /// Folder of its outputs below the save path, encoded by [`names::text_of`].
    pub folder: String,
    /// Stem of its outputs, encoded likewise.
    pub stem: String,
    /// Folder of its pictures below `imgs/`.
    pub pictures: String,
    /// Its output files.
    pub outputs: Vec<OutputFacts>,
    /// Files of earlier runs that may still be there.
    pub earlier: Vec<OutputFacts>,
    /// Folders that were created for its files.
    pub folders: Vec<String>,
}

impl DocumentRecord {
    /// Name of its outputs; `None` if docparse cannot have written the record.
    pub(crate) fn name(&self) -> Option<OutputName> {
        let folder = names::path_of(&self.folder);
        let stem = names::path_of(&self.stem);
        let is_folder = self.folder.is_empty() || names::is_below(&folder);
        let one = |path: &Path| names::is_below(path) && path.components().count() == 1;
        let name = OutputName {
            folder,
            stem: stem.clone().into(),
            pictures: self.pictures.clone(),
        };
        (is_folder && one(&stem) && one(Path::new(&self.pictures))).then_some(name)
    }

    /// All files that docparse has written for it.
    pub(crate) fn all_outputs(&self) -> impl Iterator<Item = &OutputFacts> {
        self.outputs.iter().chain(&self.earlier)
    }

    /// `Ok` if the document need not be parsed again, else the reason why it must be.
    pub(crate) fn proves(
        &self,
        input: &Identity,
        settings: &str,
        root: &Dir,
    ) -> Result<(), &'static str> {
        match self.outcome {
            DocumentOutcome::Done => {}
            DocumentOutcome::Partial => return Err("its result is partial"),
            DocumentOutcome::Failed => return Err("it failed before"),
            DocumentOutcome::Interrupted => return Err("it was interrupted before"),
        }
        if self.settings != settings {
            return Err("the settings are others");
        }
        // If the run was killed while it placed the files, their times or contents are compared too.
        if !self
            .outputs
            .iter()
            .all(|output| output.is_there(root, !self.is_complete))
        {
            return Err("an output is missing or was changed");
        }
        if input.path.as_os_str().is_empty() {
            return Err("what lies behind an address may be new");
        }
        if !input.is_same_as(&self.input) {
            return Err("the input was changed");
        }
        Ok(())
    }
}

/// Writes a record file by way of `runs/`, where the next run sweeps what a killed one left; the part file is
/// locked while it is being written.
fn write_whole(dir: &Dir, name: &str, bytes: &[u8]) -> io::Result<()> {
    let part = format!("runs/{}", random_name());
    let mut options = OpenOptions::new();
    let written = dir
        .open_with(&part, options.write(true).create_new(true))
        .and_then(|file| {
            let mut file = file.into_std();
            // On file systems without locks, nothing is swept either.
            let _ = file.lock();
            file.write_all(bytes)?;
            file.sync_data()?;
            dir.rename(&part, dir, name)
        });
    written.inspect_err(|_| drop(dir.remove_file(&part)))
}

/// The record of a save path.
#[derive(Debug)]
pub(crate) struct Record {
    /// The folder; `None` if it does not exist and must not be created.
    dir: Option<Dir>,
}

impl Record {
    /// Opens the record in a folder and creates its missing subfolders.
    pub(crate) fn open(dir: Dir) -> io::Result<Record> {
        for part in ["documents", "names", "locks", "runs"] {
            dir.create_dir_all(part)?;
        }
        Ok(Record { dir: Some(dir) })
    }

    /// The record in a folder, for reading only.
    pub(crate) fn look(dir: Option<Dir>) -> Record {
        Record { dir }
    }

    /// The folder of the record.
    pub(super) fn dir(&self) -> Option<&Dir> {
        self.dir.as_ref()
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = self.dir.as_ref()?.open(name).ok()?;
        file.take(MAX_RECORD_BYTES).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let Some(dir) = &self.dir else { return Ok(()) };
        match write_whole(dir, name, bytes) {
            // A run that just started swept the part file before it was locked.
            Err(error) if error.kind() == io::ErrorKind::NotFound => write_whole(dir, name, bytes),
            written => written,
        }
    }

    /// The record of a document; `None` if there is none or it is unreadable.
    pub(crate) fn document(&self, key: &str) -> Option<DocumentRecord> {
        serde_json::from_slice(&self.read(&format!("documents/{key}.json"))?).ok()
    }

    /// Records a document.
    pub(crate) fn set_document(&self, key: &str, record: &DocumentRecord) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(record)?;
        text.push(b'\n');
        self.write(&format!("documents/{key}.json"), &text)
    }

    /// Key of the document that owns a name, while its record still claims it.
    pub(crate) fn owner(&self, name: &OutputName) -> Option<String> {
        let key = String::from_utf8(self.read(&format!("names/{}", name.key()))?).ok()?;
        let key = key.trim();
        let is_owner = |record: DocumentRecord| record.name().as_ref() == Some(name);
        self.document(key)
            .is_some_and(is_owner)
            .then(|| key.to_string())
    }

    /// Records the owner of a name.
    pub(crate) fn set_owner(&self, name: &OutputName, key: &str) -> io::Result<()> {
        let file = format!("names/{}", name.key());
        match self
            .read(&file)
            .is_some_and(|owner| owner == key.as_bytes())
        {
            true => Ok(()),
            false => self.write(&file, key.as_bytes()),
        }
    }

    /// Waits for the lock of this name and holds it until the returned file is dropped or the process ends.
    /// `None` if the file system does not support locks.
    pub(crate) fn lock(&self, name: &str) -> Option<File> {
        let dir = self.dir.as_ref()?;
        let mut options = OpenOptions::new();
        let file = dir
            .open_with(format!("locks/{name}"), options.write(true).create(true))
            .ok()?
            .into_std();
        file.lock().ok()?;
        Some(file)
    }

    /// All files that docparse has written below the save path. Reads the whole record.
    pub(crate) fn outputs(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let entries = self
            .dir
            .as_ref()
            .and_then(|dir| dir.read_dir("documents").ok());
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name();
            let key = name.to_str().and_then(|name| name.strip_suffix(".json"));
            if let Some(record) = key.and_then(|key| self.document(key)) {
                found.extend(record.all_outputs().filter_map(OutputFacts::path));
            }
        }
        found
    }
}
