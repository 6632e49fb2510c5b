//! The decision about every input, before any work is done: parse it under a free name, skip it because the
//! record proves it done, or refuse it.

use super::folder::SavePath;
use super::names::{self, NamedInput, OutputName, first_free, is_below, text_of};
use super::page_names::{PageNames, Pages};
use super::record::{DocumentRecord, Identity, InputOrigin, OutputFacts, Record};
use crate::fault::{Fault, Reason};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// An input for which outputs are planned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate<'a> {
    /// The input as given.
    pub given: &'a str,
    /// File that holds its bytes.
    pub path: &'a Path,
    /// File name that the outputs are named after.
    pub name: &'a OsStr,
    /// Folder below the given directory.
    pub mirror: &'a Path,
    /// Source of the input.
    pub origin: InputOrigin<'a>,
    /// Its pages, where the names of others could be those of their files.
    pub pages: Pages,
}

/// Planning rules of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlanRules {
    /// Suffixes of the files that a document may get.
    pub suffixes: Vec<String>,
    /// The document may get pictures.
    pub pictures: bool,
    /// The document may get a file for each table.
    pub tables: bool,
    /// Hash of all settings that the outputs depend on.
    pub settings: String,
    /// Skip documents that the record proves done.
    pub skip_existing: bool,
    /// Use the reference's names, all in one folder; a document that cannot have its name is refused.
    pub reference_names: bool,
}

/// Decision about an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Parsed.
    Parse {
        /// Name of its outputs.
        name: OutputName,
        /// Identity of the input.
        input: Box<Identity>,
        /// A note for the user.
        note: Option<String>,
    },
    /// Skipped, for this reason.
    Skip(String),
    /// Refused, for this reason.
    Refuse(Fault),
}

/// State of planning.
struct Planning<'a> {
    path: &'a SavePath,
    rules: &'a PlanRules,
    /// Keys of names claimed by running runs, including this one, with their documents.
    claims: BTreeMap<String, String>,
    /// Folders that this run creates.
    folders: BTreeSet<PathBuf>,
}

impl SavePath {
    /// Decides about all inputs in order, under the planning lock.
    pub(crate) fn plan(&self, inputs: &[Candidate], rules: &PlanRules) -> Vec<Decision> {
        let _planning = self.record.lock("planning");
        let parents: Vec<PathBuf> = inputs.iter().map(parent_of).collect();
        let named: Vec<NamedInput> = inputs
            .iter()
            .zip(&parents)
            .map(|(input, parent)| NamedInput {
                name: input.name,
                mirror: input.mirror,
                parent,
            })
            .collect();
        let wanted = match rules.reference_names {
            true => named
                .iter()
                .map(|input| reference_name(input.name))
                .collect(),
            false => names::plan(&named),
        };
        let mut planning = Planning {
            path: self,
            rules,
            claims: self.claims(),
            folders: wanted
                .iter()
                .flat_map(|n| n.folder.ancestors().map(Path::to_path_buf))
                .collect(),
        };
        let mut own = BTreeMap::new();
        let mut page_names = PageNames::default();
        let mut decisions = Vec::with_capacity(inputs.len());
        for (input, wanted) in inputs.iter().zip(&wanted) {
            let clash = page_names.clash(&wanted.stem, input.pages);
            let decision = match clash.filter(|_| rules.reference_names) {
                Some(clash) => {
                    let message = format!(
                        "{clash}; rename one of both, parse it into another `save_path`, or leave `compat` out"
                    );
                    Decision::Refuse(Fault::new(Reason::Settings, message))
                }
                None => planning.decide(input, wanted, &own),
            };
            if !matches!(decision, Decision::Refuse(_)) {
                page_names.add(&wanted.stem, input.given, input.pages);
            }
            if let Decision::Parse { name, input, .. } = &decision {
                own.insert(input.key.clone(), ());
                planning.claims.insert(name.key(), input.key.clone());
            }
            decisions.push(decision);
        }
        let of_this_run = planning
            .claims
            .into_iter()
            .filter(|(_, key)| own.contains_key(key))
            .collect::<BTreeMap<_, _>>();
        // If this fails, two runs that start together may choose the same name; exclusive renaming then still
        // keeps them apart.
        let _ = self.claim(&of_this_run);
        decisions
    }
}

impl Planning<'_> {
    fn decide(
        &self,
        input: &Candidate,
        wanted: &OutputName,
        own: &BTreeMap<String, ()>,
    ) -> Decision {
        let mut identity = match Identity::of(input.given, input.path, input.origin) {
            Ok(identity) => identity,
            Err(error) => return Decision::Refuse(Fault::io("cannot be read", &error)),
        };
        // The same stream twice in one run.
        if own.contains_key(&identity.key) {
            identity.key = names::key_of(&[
                identity.key.as_bytes(),
                input.path.as_os_str().as_encoded_bytes(),
            ]);
        }
        let before = self.path.record.document(&identity.key);
        let mut again = None;
        if let (true, Some(before), Some(root)) =
            (self.rules.skip_existing, &before, &self.path.dir)
        {
            match before.proves(&identity, &self.rules.settings, root) {
                Ok(()) => return Decision::Skip("written before".into()),
                Err(reason) => again = Some(format!("done again: {reason}")),
            }
        }
        match self.name_for(wanted, &identity.key, before.as_ref()) {
            Ok((name, other)) => {
                let notes: Vec<String> = again.into_iter().chain(other).collect();
                let note = (!notes.is_empty()).then(|| notes.join("; "));
                Decision::Parse {
                    name,
                    input: Box::new(identity),
                    note,
                }
            }
            Err(fault) => Decision::Refuse(fault),
        }
    }

    /// A free name for a document, if possible the one it had before, and a note for the user.
    fn name_for(
        &self,
        wanted: &OutputName,
        key: &str,
        before: Option<&DocumentRecord>,
    ) -> Result<(OutputName, Option<String>), Fault> {
        let outputs: Vec<OutputFacts> = before
            .iter()
            .flat_map(|r| r.all_outputs().cloned())
            .collect();
        let taken = |name: &OutputName| self.taken(name, key, &outputs);
        if self.rules.reference_names {
            if names::is_unsafe_name(&wanted.stem) {
                let shown = text_of(Path::new(&wanted.stem));
                let message = format!(
                    "`{shown}` cannot be the name of files; rename it, or leave `compat` out"
                );
                return Err(Fault::new(Reason::Settings, message));
            }
            return match taken(wanted) {
                Some(taken) => {
                    let message = format!("{taken}; give another `save_path`");
                    Err(Fault::new(Reason::Settings, message))
                }
                None => Ok((wanted.clone(), None)),
            };
        }
        let had = before
            .and_then(DocumentRecord::name)
            .filter(|name| name.folder == wanted.folder);
        // With overwriting, the name that belongs to the input is preferred.
        let had = had.filter(|had| !self.path.overwrite || had == wanted);
        if let Some(had) = had.filter(|had| taken(had).is_none()) {
            return Ok((had, None));
        }
        let mut reason = None;
        let name = first_free(wanted, |name| match taken(name) {
            None => true,
            Some(why) => {
                reason.get_or_insert(why);
                false
            }
        });
        let told = reason.map(|reason| {
            let shown = self.path.shown(&name.file(""));
            format!("{reason}; written as `{}`", text_of(&shown))
        });
        Ok((name, told))
    }

    /// The reason why a document cannot have a name; `None` if it can.
    fn taken(&self, name: &OutputName, key: &str, outputs: &[OutputFacts]) -> Option<String> {
        let shown = |path: &Path| text_of(&self.path.shown(path));
        let base = name.file("");
        if self
            .claims
            .get(&name.key())
            .is_some_and(|other| other != key)
        {
            return Some(format!(
                "`{}` is being written for another document",
                shown(&base)
            ));
        }
        if let Some(other) = self.path.record.owner(name).filter(|other| other != key) {
            let of = self
                .path
                .record
                .document(&other)
                .map(|record| record.input.path)
                .unwrap_or_default();
            return Some(format!("`{}` belongs to `{of}`", shown(&base)));
        }
        let root = self.path.dir.as_ref()?;
        let files = self.rules.suffixes.iter().map(|suffix| name.file(suffix));
        for file in files {
            if self.folders.contains(&file) {
                return Some(format!("`{}` is a folder", shown(&file)));
            }
            let Ok(meta) = root.symlink_metadata(&file) else {
                continue;
            };
            let may = !meta.is_dir() && (self.path.overwrite || self.path.is_own(&file, outputs));
            if !may {
                return Some(format!("`{}` is not docparse's own", shown(&file)));
            }
        }
        let foreign = |is_wanted: bool, folder: PathBuf, is_named: fn(&Path) -> bool| {
            let is_checked = is_wanted && !self.path.overwrite;
            let foreign = is_checked.then(|| self.foreign(root, folder, is_named, outputs));
            foreign.flatten()
        };
        foreign(self.rules.pictures, name.picture_folder(), is_picture_name)
            .or_else(|| foreign(self.rules.tables, name.table_folder(), is_table_name))
            .map(|path| format!("`{}` is not docparse's own", shown(&path)))
    }

    /// A file in a folder of the document that is named like docparse's but is not its own. Other files may lie there;
    /// they stay.
    fn foreign(
        &self,
        root: &Dir,
        folder: PathBuf,
        is_named: fn(&Path) -> bool,
        outputs: &[OutputFacts],
    ) -> Option<PathBuf> {
        let meta = root.symlink_metadata(&folder).ok()?;
        if !meta.is_dir() {
            return Some(folder);
        }
        let entries = root.read_dir(&folder).ok()?.flatten();
        let files = entries
            .map(|entry| folder.join(entry.file_name()))
            .filter(|path| is_named(path));
        files
            .into_iter()
            .find(|path| !self.path.is_own(path, outputs))
    }
}

/// `p0012_image_....jpg`.
fn is_picture_name(path: &Path) -> bool {
    is_of_page(path, ".jpg")
}

/// `p0012_t1.csv`.
fn is_table_name(path: &Path) -> bool {
    is_of_page(path, ".csv")
}

/// `true` for names that begin with a page and have this ending.
fn is_of_page(path: &Path, ending: &str) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.len() > 6
        && name[0] == b'p'
        && name[1..5].iter().all(u8::is_ascii_digit)
        && name.ends_with(ending.as_bytes())
}

/// The reference's name: all outputs in one folder.
fn reference_name(name: &OsStr) -> OutputName {
    OutputName::new(PathBuf::new(), names::stem_of(name).to_os_string())
}

/// The folder of an input's file, with links resolved.
fn parent_of(input: &Candidate) -> PathBuf {
    if input.origin != InputOrigin::File {
        return PathBuf::new();
    }
    let whole = fs::canonicalize(input.path).or_else(|_| std::path::absolute(input.path));
    whole
        .ok()
        .and_then(|path| path.parent().map(Path::to_path_buf))
        .unwrap_or_default()
}

/// Recognizes files that docparse wrote itself, by the records of the folders that they lie in.
#[derive(Debug, Default)]
pub(crate) struct OwnOutputs {
    /// Outputs by the folder that holds their record.
    known: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    /// Records stored elsewhere: save path and outputs.
    elsewhere: Vec<(PathBuf, BTreeSet<PathBuf>)>,
}

impl OwnOutputs {
    /// Also knows the outputs of this save path, whose record may lie elsewhere.
    pub(crate) fn of(path: Option<&SavePath>) -> Self {
        let mut own = Self::default();
        if let Some((path, root)) =
            path.and_then(|path| Some((path, fs::canonicalize(path.root()).ok()?)))
        {
            own.elsewhere.push((root, path.record.outputs()));
        }
        own
    }

    /// `true` if the file is an output of docparse.
    pub(crate) fn contains(&mut self, path: &Path) -> bool {
        let Ok(whole) = fs::canonicalize(path) else {
            return false;
        };
        let is_in = |folder: &Path, outputs: &BTreeSet<PathBuf>| {
            whole
                .strip_prefix(folder)
                .is_ok_and(|below| outputs.contains(below))
        };
        if self
            .elsewhere
            .iter()
            .any(|(folder, outputs)| is_in(folder, outputs))
        {
            return true;
        }
        whole.ancestors().skip(1).any(|folder| {
            let outputs = self.known.entry(folder.to_path_buf()).or_insert_with(|| {
                let record = folder.join(names::RECORD_FOLDER);
                let dir = Dir::open_ambient_dir(record, ambient_authority()).ok();
                Record::look(dir).outputs()
            });
            is_in(folder, outputs)
        })
    }
}

/// `true` if a path below the save path may be an output of the document: one of its files, a picture in its folder, or a
/// table in its folder.
pub(crate) fn is_place_of(name: &OutputName, suffixes: &[String], path: &Path) -> bool {
    let is_in = |folder: PathBuf| path.parent() == Some(folder.as_path());
    let is_picture = is_picture_name(path) && is_in(name.picture_folder());
    let is_table = is_table_name(path) && is_in(name.table_folder());
    let is_file = || suffixes.iter().any(|suffix| name.file(suffix) == path);
    let is_page = is_picture_name(path) && is_in(name.page_folder());
    is_below(path) && (is_picture || is_table || is_page || is_file())
}
