//! Files in the save path: written to a folder of the run, then moved into place.
//!
//! ```text
//! SavePath::open -> plan -> DocumentOutput: create, add, ... -> publish
//! ```
//!
//! Publishing a document: its record lists all files to be placed, each file is renamed to its path, obsolete
//! files of earlier runs are removed, and the record is marked complete. A run killed at any point leaves
//! complete files, and a record that identifies them as docparse's own.

mod document;

pub(crate) use document::{DocumentOutput, OutputFile, Published};

use super::names::{OutputName, is_below, text_of};
use super::record::{Identity, OutputFacts, Record};
use super::rename::{make_folders, rename};
use super::run::{RunFolder, clear, clear_file, lives};
use super::{io_fault, names, random_name};
use crate::fault::Fault;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt};
use document::Staged;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Prefix of run folders in a save path whose record is elsewhere.
const RUN_PREFIX: &str = ".docparse-run-";

/// Location of a save path's record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum RecordPlace {
    /// In the save path itself.
    #[default]
    SavePath,
    /// In a subfolder of this one, one per save path.
    State(PathBuf),
    /// None: earlier runs are unknown.
    Nowhere,
}

/// Options for opening a save path.
#[derive(Debug, Clone, Default)]
pub(crate) struct SavePathOptions {
    /// Location of the record.
    pub record: RecordPlace,
    /// `true` if files not written by docparse may be replaced.
    pub overwrite: bool,
    /// `true` if documents may replace each other's pictures, for which the reference's tree has common names.
    pub shares_names: bool,
}

/// A save path open for writing.
#[derive(Debug)]
pub(crate) struct SavePath {
    /// The path as given, for messages.
    root: PathBuf,
    pub(super) dir: Option<Dir>,
    pub(super) record: Record,
    run: Option<Arc<RunFolder>>,
    pub(super) overwrite: bool,
    shares_names: bool,
}

impl SavePath {
    /// Opens a save path for writing, creating it if needed, and removes leftovers of killed runs.
    ///
    /// Fails if it is not writable, with a message that names it.
    pub(crate) fn open(root: &Path, options: &SavePathOptions) -> Result<SavePath, Fault> {
        let fail = |error: io::Error| io_fault(root, &error);
        fs::create_dir_all(root).map_err(fail)?;
        let dir = Dir::open_ambient_dir(root, ambient_authority()).map_err(fail)?;
        let record = match &options.record {
            RecordPlace::SavePath => {
                let open = || {
                    dir.create_dir_all(names::RECORD_FOLDER)?;
                    Record::open(dir.open_dir(names::RECORD_FOLDER)?)
                };
                open().map_err(|error| io_fault(&root.join(names::RECORD_FOLDER), &error))?
            }
            RecordPlace::Nowhere => Record::look(None),
            RecordPlace::State(state) => {
                let folder = state_folder(root, state);
                let open = || {
                    fs::create_dir_all(&folder)?;
                    Record::open(Dir::open_ambient_dir(&folder, ambient_authority())?)
                };
                open().map_err(|error| io_fault(&folder, &error))?
            }
        };
        let mut path = SavePath {
            root: root.into(),
            dir: Some(dir),
            record,
            run: None,
            overwrite: options.overwrite,
            shares_names: options.shares_names,
        };
        let _planning = path.record.lock("planning");
        path.sweep();
        path.run = Some(Arc::new(
            path.start_run(options.record == RecordPlace::SavePath)
                .map_err(fail)?,
        ));
        Ok(path)
    }

    /// Opens a save path for reading only.
    pub(crate) fn look(root: &Path, options: &SavePathOptions) -> SavePath {
        let open = |path: &Path| Dir::open_ambient_dir(path, ambient_authority()).ok();
        let record = match &options.record {
            RecordPlace::SavePath => open(&root.join(names::RECORD_FOLDER)),
            RecordPlace::State(state) => open(&state_folder(root, state)),
            RecordPlace::Nowhere => None,
        };
        SavePath {
            root: root.into(),
            dir: open(root),
            record: Record::look(record),
            run: None,
            overwrite: options.overwrite,
            shares_names: options.shares_names,
        }
    }

    /// The save path as given.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Removes incomplete files; for a process that ends without running destructors.
    pub(crate) fn abandon(&self) {
        if let Some(run) = &self.run {
            run.remove();
        }
    }

    /// Creates and locks the folder of this run, under the planning lock.
    fn start_run(&self, is_inside: bool) -> io::Result<RunFolder> {
        let runs = self
            .record
            .dir()
            .map(|record| record.open_dir("runs"))
            .transpose()?;
        let (parent, name, mark) = match runs {
            Some(runs) if is_inside => (runs, random_name(), None),
            runs => {
                let name = format!("{RUN_PREFIX}{}", random_name());
                if let Some(runs) = &runs {
                    runs.create(&name)?;
                }
                let mark = runs.map(|runs| (runs, name.clone()));
                (self.opened()?.try_clone()?, name, mark)
            }
        };
        // Documents may be confidential: others must not read them before they are in place.
        let mut private = DirBuilder::new();
        private.mode(0o700);
        parent.create_dir_with(&name, &private)?;
        let dir = parent.open_dir(&name)?;
        let lock = dir.create("lock")?.into_std();
        lock.lock().ok();
        Ok(RunFolder {
            dir,
            parent,
            name,
            mark,
            _lock: lock,
        })
    }

    fn opened(&self) -> io::Result<&Dir> {
        self.dir
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Removes the folders of dead runs, and the incomplete record files that they left.
    fn sweep(&self) {
        let (Ok(root), Some(record)) = (self.opened(), self.record.dir()) else {
            return;
        };
        let Ok(runs) = record.open_dir("runs") else {
            return;
        };
        for entry in runs.entries().into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            // A file marks a run folder in the save path itself.
            let is_mark = name.starts_with(RUN_PREFIX);
            let parent = if is_mark { root } else { &runs };
            if lives(parent, name) {
                continue;
            }
            clear(parent, name);
            if is_mark {
                let _ = runs.remove_file(name);
            } else {
                clear_file(parent, name);
            }
        }
    }

    /// Names that other active runs have planned, with their documents.
    pub(super) fn claims(&self) -> BTreeMap<String, String> {
        let mut claims = BTreeMap::new();
        let (Ok(root), Some(record)) = (self.opened(), self.record.dir()) else {
            return claims;
        };
        let Ok(runs) = record.open_dir("runs") else {
            return claims;
        };
        for entry in runs.entries().into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let parent = if name.starts_with(RUN_PREFIX) {
                root
            } else {
                &runs
            };
            let is_own = self.run.as_ref().is_some_and(|run| run.name == name);
            if !is_own && lives(parent, name) {
                let text = parent
                    .open_dir(name)
                    .and_then(|dir| dir.read("claims"))
                    .unwrap_or_default();
                let of_run: BTreeMap<String, String> =
                    serde_json::from_slice(&text).unwrap_or_default();
                claims.extend(of_run);
            }
        }
        claims
    }

    /// Records the names that this run has planned.
    pub(super) fn claim(&self, claims: &BTreeMap<String, String>) -> io::Result<()> {
        let Some(run) = &self.run else { return Ok(()) };
        let text = serde_json::to_vec(claims)?;
        run.dir.write("claims.part", text)?;
        run.dir.rename("claims.part", &run.dir, "claims")
    }

    /// Starts the output of a document.
    pub(crate) fn begin(
        self: &Arc<Self>,
        name: &OutputName,
        input: &Identity,
        settings: &str,
    ) -> DocumentOutput {
        DocumentOutput {
            path: self.clone(),
            name: name.clone(),
            input: input.clone(),
            settings: settings.to_string(),
            staged: Vec::new(),
        }
    }

    /// A path below the save path as displayed to users.
    pub(crate) fn shown(&self, path: &Path) -> PathBuf {
        if self.root == Path::new(".") {
            path.to_path_buf()
        } else {
            self.root.join(path)
        }
    }
}

/// Folder of a save path's record in the user's state directory.
fn state_folder(root: &Path, state: &Path) -> PathBuf {
    let whole = fs::canonicalize(root)
        .or_else(|_| std::path::absolute(root))
        .unwrap_or_else(|_| root.into());
    state.join(names::key_of(&[whole.as_os_str().as_bytes()]))
}

impl SavePath {
    /// `true` if the file at a path is one of these, unmodified.
    pub(super) fn is_own(&self, place: &Path, outputs: &[OutputFacts]) -> bool {
        let Some(root) = &self.dir else { return false };
        let text = text_of(place);
        outputs
            .iter()
            .any(|output| output.path == text && output.is_there(root, true))
    }

    /// Renames a file to its path, replacing nothing but docparse's own files.
    fn place(
        &self,
        staged: &Staged,
        own: &dyn Fn(&Path) -> bool,
        folders: &mut Vec<String>,
    ) -> Result<(), Fault> {
        let shown = self.shown(&staged.place);
        let fail = |error: io::Error| io_fault(&shown, &error);
        let root = self.opened().map_err(fail)?;
        let run = self
            .run
            .as_ref()
            .ok_or_else(|| fail(io::ErrorKind::NotFound.into()))?;
        let parent = staged.place.parent().unwrap_or(Path::new(""));
        make_folders(root, parent, folders).map_err(fail)?;
        let parent = match parent.as_os_str().is_empty() {
            true => root.try_clone().map_err(fail)?,
            false => root.open_dir(parent).map_err(fail)?,
        };
        let name = Path::new(staged.place.file_name().unwrap_or_default());
        let is_of_another = || self.record.outputs().contains(&staged.place);
        let foreign = || {
            let reason = match is_of_another() {
                true => "it is the file of another document; `overwrite` replaces files",
                false => {
                    "something that docparse did not write is there; `overwrite` replaces files"
                }
            };
            fail(io::Error::new(io::ErrorKind::AlreadyExists, reason))
        };
        let is_shared = self.shares_names && staged.place.starts_with(names::PICTURES);
        // Another run may have been faster, perhaps with the same document: checked again on a conflict.
        let may_replace = || {
            own(&staged.place)
                || self.is_own(&staged.place, std::slice::from_ref(&staged.facts))
                || (is_shared && is_of_another())
        };
        let meta = parent.symlink_metadata(name);
        let replaces = match &meta {
            Err(_) => false,
            Ok(meta) if meta.is_dir() => return Err(foreign()),
            Ok(_) if self.overwrite || may_replace() => true,
            Ok(_) => return Err(foreign()),
        };
        match rename(&run.dir, &staged.part, &parent, name, replaces) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match may_replace() {
                true => rename(&run.dir, &staged.part, &parent, name, true).map_err(fail),
                false => Err(foreign()),
            },
            other => other.map_err(fail),
        }
    }

    /// Removes unmodified obsolete files of earlier runs; returns those that remain.
    fn remove_earlier(
        &self,
        earlier: Vec<OutputFacts>,
        places: &BTreeSet<PathBuf>,
        replaces: &dyn Fn(&Path) -> bool,
    ) -> Vec<OutputFacts> {
        let Some(root) = &self.dir else {
            return earlier;
        };
        let mut stay = Vec::new();
        for output in earlier {
            let Some(path) = output.path().filter(|path| !places.contains(path)) else {
                continue;
            };
            if !output.is_there(root, true) {
                continue; // gone, or changed by somebody: no longer docparse's own
            }
            if !replaces(&path) || root.remove_file(&path).is_err() {
                stay.push(output);
            }
        }
        stay
    }

    /// Removes folders that were created for files and are now empty, deepest first.
    fn remove_empty(&self, folders: &mut Vec<String>) {
        let Some(root) = &self.dir else { return };
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.matches('/').count()));
        folders.dedup();
        folders.retain(|folder| {
            let path = names::path_of(folder);
            is_below(&path) && root.remove_dir(&path).is_err() && root.is_dir(&path)
        });
    }
}
