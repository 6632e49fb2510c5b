//! Models on this machine: where they lie, and how they get there.
//!
//! A model lies in a folder of its own below the store, with a record of where it came from and the sizes and hashes of its
//! files. It gets there by one rename when all of it is right: no other process sees half of one. Folders that other programs
//! keep, PaddleX's and the Hugging Face hub's, are used where they are.

pub mod catalog;
pub mod hub;
mod pull;

pub use pull::{Progress, Pulled, pull};

use catalog::{Catalog, ModelEntry};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// File in which a model's record lies.
const RECORD: &str = "docparse.json";

/// What can go wrong with models.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A hub or its files cannot be reached.
    #[error("`{address}`: {reason}")]
    Network {
        /// What was asked for.
        address: String,
        /// Why not.
        reason: String,
    },
    /// A hub refuses.
    #[error("`{address}` answers with status {status}{}", match .status { 401 | 403 if *.takes_token => ": it asks for a token; set HF_TOKEN", _ => "" })]
    Status {
        /// What was asked for.
        address: String,
        /// The answer.
        status: u16,
        /// Whether it is a hub that a token is sent to.
        takes_token: bool,
    },
    /// There is no such repository, or it is not shown.
    #[error(
        "{hub} has no repository `{repository}` of that revision{}",
        if *.takes_token { ", or shows it only to those with a token (HF_TOKEN)" } else { ", or does not show it" }
    )]
    NoRepository {
        /// The repository.
        repository: String,
        /// The hub.
        hub: String,
        /// Whether it is a hub that a token is sent to.
        takes_token: bool,
    },
    /// A repository lacks a file.
    #[error("`{repository}` has no `{file}`, which {model} cannot do without")]
    NoFile {
        /// The repository.
        repository: String,
        /// The file.
        file: String,
        /// The model.
        model: String,
    },
    /// What came is not what the hub has.
    #[error("`{file}` of {model} is not what its hub says: {reason}")]
    Wrong {
        /// The file.
        file: String,
        /// The model.
        model: String,
        /// What differs.
        reason: String,
    },
    /// The store cannot be read or written.
    #[error("`{path}`: {reason}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
}

impl StoreError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_path_buf();
        |reason| StoreError::Io { path, reason }
    }
}

/// Where a model came from and what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The model.
    pub model: String,
    /// Its repository.
    pub repository: String,
    /// The hub.
    pub source: String,
    /// The commit.
    pub commit: String,
    /// Its files.
    pub files: Vec<RecordedFile>,
}

/// A file of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedFile {
    /// Its path.
    pub path: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// Where a model lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the store.
    Store(PathBuf),
    /// In a folder of PaddleX.
    PaddleX(PathBuf),
    /// In the cache of the Hugging Face hub.
    HubCache(PathBuf),
}

impl Place {
    /// The folder.
    pub fn path(&self) -> &Path {
        match self {
            Place::Store(path) | Place::PaddleX(path) | Place::HubCache(path) => path,
        }
    }

    /// Whose it is.
    pub fn owner(&self) -> &'static str {
        match self {
            Place::Store(_) => "docparse",
            Place::PaddleX(_) => "PaddleX",
            Place::HubCache(_) => "Hugging Face cache",
        }
    }
}

/// The folders in which models may lie.
#[derive(Debug, Clone)]
pub struct Store {
    /// What there is to have.
    pub catalog: Catalog,
    /// The store itself.
    root: PathBuf,
    paddlex: Option<PathBuf>,
    hub_cache: Option<PathBuf>,
}

impl Store {
    /// The store below a folder for data. `variable` reads the environment.
    pub fn new(
        data_home: &Path,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Store, String> {
        let set = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let home = set("HOME");
        let in_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
        let paddlex = set("PADDLE_PDX_CACHE_HOME").or_else(|| in_home(".paddlex"));
        let hub_home = set("HF_HOME").or_else(|| in_home(".cache/huggingface"));
        Ok(Store {
            catalog: Catalog::embedded()?,
            root: data_home.join("docparse").join("models"),
            paddlex: paddlex.map(|folder| folder.join("official_models")),
            hub_cache: set("HF_HUB_CACHE").or(hub_home.map(|folder| folder.join("hub"))),
        })
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where a model lies, if all files that it needs are there.
    pub fn find(&self, model: &ModelEntry) -> Option<Place> {
        let is_whole =
            |folder: &PathBuf| model.files.iter().all(|file| folder.join(file).is_file());
        let own = self.root.join(&model.name);
        if is_whole(&own) {
            return Some(Place::Store(own));
        }
        // PaddleX names folders as the models, or as their repositories.
        let paddlex = self.paddlex.iter().flat_map(|folder| {
            let names = [model.name.as_str(), model.folder()];
            names.map(|name| folder.join(name))
        });
        if let Some(folder) = paddlex.into_iter().find(is_whole) {
            return Some(Place::PaddleX(folder));
        }
        self.in_hub_cache(model)
            .filter(is_whole)
            .map(Place::HubCache)
    }

    /// The snapshot of a repository that the hub's cache takes for `main`, or its only one.
    fn in_hub_cache(&self, model: &ModelEntry) -> Option<PathBuf> {
        let folder = self
            .hub_cache
            .as_ref()?
            .join(format!("models--{}", model.repository.replace('/', "--")));
        let snapshots = folder.join("snapshots");
        let main = std::fs::read_to_string(folder.join("refs").join("main")).ok();
        if let Some(commit) = main.map(|commit| commit.trim().to_string())
            && !commit.is_empty()
            && !commit.contains(['/', '.'])
        {
            return Some(snapshots.join(commit));
        }
        let mut found = std::fs::read_dir(snapshots)
            .ok()?
            .flatten()
            .map(|entry| entry.path());
        let only = found.next();
        if found.next().is_none() { only } else { None }
    }

    /// The record of a model in the store.
    pub fn record(&self, model: &ModelEntry) -> Option<Record> {
        let text = std::fs::read(self.root.join(&model.name).join(RECORD)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Reads all files of a model in the store and compares them with its record; `progress` is told of the bytes read.
    ///
    /// Fails with the first file that differs.
    pub fn verify(
        &self,
        model: &ModelEntry,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Record, StoreError> {
        let folder = self.root.join(&model.name);
        let record = self.record(model).ok_or_else(|| StoreError::Io {
            path: folder.join(RECORD),
            reason: io::Error::new(
                io::ErrorKind::NotFound,
                "there is no record of where the model came from",
            ),
        })?;
        for file in &record.files {
            let path = folder.join(&file.path);
            let (size, hash) = hashed(&path, progress).map_err(StoreError::io(&path))?;
            check(
                model,
                &file.path,
                [(size, hash.as_str()), (file.size, file.sha256.as_str())],
            )?;
        }
        Ok(record)
    }

    /// Removes a model from the store; whether it was there. Folders of other programs are left alone.
    pub fn remove(&self, model: &ModelEntry) -> Result<bool, StoreError> {
        let folder = self.root.join(&model.name);
        if !folder.exists() {
            return Ok(false);
        }
        std::fs::remove_dir_all(&folder).map_err(StoreError::io(&folder))?;
        Ok(true)
    }
}

/// Size and SHA-256 of a file.
fn hashed(path: &Path, progress: &mut dyn FnMut(u64)) -> io::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((size, hex(&hash.finalize())));
        }
        hash.update(&buffer[..read]);
        size += read as u64;
        progress(read as u64);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a file is what it should be: sizes and hashes, found and expected.
fn check(
    model: &ModelEntry,
    file: &str,
    [found, expected]: [(u64, &str); 2],
) -> Result<(), StoreError> {
    let reason = match (found.0 == expected.0, found.1 == expected.1) {
        (true, true) => return Ok(()),
        (false, _) => format!("it has {} bytes instead of {}", found.0, expected.0),
        (true, false) => format!("its SHA-256 is {} instead of {}", found.1, expected.1),
    };
    Err(StoreError::Wrong {
        file: file.into(),
        model: model.name.clone(),
        reason,
    })
}
