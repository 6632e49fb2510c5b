//! The model store: locating models on this machine, and fetching them.
//!
//! A model lies in a folder of its own below the store, with a record of its origin and the sizes and hashes
//! of its files. It appears by one rename once all files are checked: no other process sees half a model. The
//! folders of other programs, PaddleX and the Hugging Face hub, are used in place.

pub(crate) mod catalog;
pub(crate) mod hub;
mod pull;

pub(crate) use pull::{Progress, Pulled, pull};

use crate::fault::{Fault, Reason};
use catalog::{Catalog, ModelEntry};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// File name of a model's record.
const RECORD: &str = "docparse.json";

/// Errors of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A hub or its files cannot be reached.
    #[error("`{address}`: {reason}")]
    Network {
        /// Requested address.
        address: String,
        /// The cause.
        reason: String,
    },
    /// A hub refuses the request.
    #[error("`{address}` answers with status {status}{}", match .status { 401 | 403 if *.takes_token => ": it asks for a token; set HF_TOKEN", _ => "" })]
    Status {
        /// Requested address.
        address: String,
        /// HTTP status of the response.
        status: u16,
        /// The hub accepts a token.
        takes_token: bool,
    },
    /// The repository does not exist or is not public.
    #[error(
        "{hub} has no repository `{repository}` of that revision{}",
        if *.takes_token { ", or shows it only to those with a token (HF_TOKEN)" } else { ", or does not show it" }
    )]
    NoRepository {
        /// The repository.
        repository: String,
        /// The hub.
        hub: String,
        /// The hub accepts a token.
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
    /// A file is not the one that the hub listed.
    #[error("`{file}` of {model} is not what its hub says: {reason}")]
    Wrong {
        /// The file.
        file: String,
        /// The model.
        model: String,
        /// The difference.
        reason: String,
    },
    /// The store cannot be read or written.
    #[error("`{path}`: {reason}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        reason: io::Error,
    },
}

impl StoreError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            StoreError::Network { .. } | StoreError::Status { .. } => Reason::Network,
            StoreError::NoRepository { .. } | StoreError::NoFile { .. } => Reason::NotFound,
            StoreError::Wrong { .. } => Reason::Model,
            StoreError::Io { reason, .. } => reason.into(),
        }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_path_buf();
        |reason| StoreError::Io { path, reason }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault::new(error.reason(), error.to_string())
    }
}

/// Origin and files of a stored model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredModel {
    /// The model.
    pub model: String,
    /// Its repository.
    pub repository: String,
    /// Name of the hub.
    pub source: String,
    /// The commit.
    pub commit: String,
    /// Its files.
    pub files: Vec<RecordedFile>,
}

/// A file of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedFile {
    /// Path within the model's folder.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// Location of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ModelLocation {
    /// In the store.
    Store(PathBuf),
    /// In PaddleX's folder of models.
    PaddleX(PathBuf),
    /// In the cache of the Hugging Face hub.
    HubCache(PathBuf),
}

impl ModelLocation {
    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        match self {
            ModelLocation::Store(path)
            | ModelLocation::PaddleX(path)
            | ModelLocation::HubCache(path) => path,
        }
    }

    /// Program that owns the folder.
    pub(crate) fn owner(&self) -> &'static str {
        match self {
            ModelLocation::Store(_) => "docparse",
            ModelLocation::PaddleX(_) => "PaddleX",
            ModelLocation::HubCache(_) => "Hugging Face cache",
        }
    }
}

/// The folders that may hold models.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    /// All known models.
    pub catalog: Catalog,
    /// Folder of the store.
    root: PathBuf,
    paddlex: Option<PathBuf>,
    hub_cache: Option<PathBuf>,
}

impl Store {
    /// The store below a data folder. `variable` reads the environment.
    pub(crate) fn new(
        data_home: &Path,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Store, Fault> {
        let set = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let home = set("HOME");
        let in_home = |rest: &str| home.as_ref().map(|home| home.join(rest));
        // The second is how images of PaddleOCR-VL services call it.
        let paddlex = set("PADDLE_PDX_CACHE_HOME")
            .or_else(|| set("PADDLEX_HOME"))
            .or_else(|| in_home(".paddlex"));
        let hub_home = set("HF_HOME").or_else(|| in_home(".cache/huggingface"));
        Ok(Store {
            catalog: Catalog::embedded()?,
            root: data_home.join("docparse").join("models"),
            paddlex: paddlex.map(|folder| folder.join("official_models")),
            hub_cache: set("HF_HUB_CACHE").or(hub_home.map(|folder| folder.join("hub"))),
        })
    }

    /// The folder of the store.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Location of a model, if all its required files are there.
    pub(crate) fn find(&self, model: &ModelEntry) -> Option<ModelLocation> {
        let is_whole =
            |folder: &PathBuf| model.files.iter().all(|file| folder.join(file).is_file());
        let own = self.root.join(&model.name);
        if is_whole(&own) {
            return Some(ModelLocation::Store(own));
        }
        // PaddleX names folders after the model or its repository.
        let paddlex = self.paddlex.iter().flat_map(|folder| {
            let names = [model.name.as_str(), model.folder()];
            names.map(|name| folder.join(name))
        });
        if let Some(folder) = paddlex.into_iter().find(is_whole) {
            return Some(ModelLocation::PaddleX(folder));
        }
        self.in_hub_cache(model)
            .filter(is_whole)
            .map(ModelLocation::HubCache)
    }

    /// The snapshot of a repository that the hub's cache has as `main`, or its only one.
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
    pub(crate) fn record(&self, model: &ModelEntry) -> Option<StoredModel> {
        let text = std::fs::read(self.root.join(&model.name).join(RECORD)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Reads all files of a model in the store and compares them with its record; `progress` receives the
    /// number of bytes read.
    ///
    /// Fails at the first file that differs.
    pub(crate) fn verify(
        &self,
        model: &ModelEntry,
        progress: &mut dyn FnMut(u64),
    ) -> Result<StoredModel, StoreError> {
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

    /// Removes a model from the store; `false` if it was not there. Folders of other programs are left alone.
    pub(crate) fn remove(&self, model: &ModelEntry) -> Result<bool, StoreError> {
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

/// Compares size and SHA-256 of a file, found and expected.
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
