//! Model hubs: listings of repositories, and their files.
//!
//! Hugging Face and ModelScope have an API each; any other address is taken for a folder with a subfolder per
//! repository, for which there is no listing.

use super::StoreError;
use super::catalog::{Hubs, ModelEntry};
use crate::fault::{Fault, Reason};
use crate::net::{
    self, Capped, Origin, Patience, asked, is_address, is_passing, is_too_long, pause, read_all,
    reason, shown_address,
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::time::{Duration, SystemTime};

/// Size limit of a listing, in bytes.
const MOST_LISTED: u64 = 16 << 20;
/// Size limit of a file in bytes, whatever its hub claims: ten times the largest known.
const MOST_OF_A_FILE: u64 = 64 << 30;
/// Timeouts: for reaching a hub, and between bytes before a download is interrupted and resumed.
const PATIENCE: Patience = Patience {
    reach: Duration::from_secs(30),
    stall: Duration::from_secs(60),
};
/// Retries of every request; bytes fetched before are kept.
const RETRIES: u32 = 5;

/// A source of models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Hugging Face, at this address.
    HuggingFace(String),
    /// ModelScope, at this address.
    ModelScope(String),
    /// A folder of repositories at this address.
    Folders(String),
}

impl Source {
    /// Source for the value of a flag: `huggingface`, `modelscope`, or an address. `variable` reads the
    /// environment.
    pub(crate) fn named(
        word: &str,
        hubs: &Hubs,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Source, Fault> {
        let address = |name: &str, default: &str| {
            let given = variable(name).filter(|address| !address.is_empty());
            given
                .unwrap_or_else(|| default.to_string())
                .trim_end_matches('/')
                .to_string()
        };
        match word {
            "huggingface" => Ok(Source::HuggingFace(address(
                "HF_ENDPOINT",
                &hubs.huggingface,
            ))),
            "modelscope" => Ok(Source::ModelScope(address(
                "MODELSCOPE_ENDPOINT",
                &hubs.modelscope,
            ))),
            url if is_address(url) => Ok(Source::Folders(url.trim_end_matches('/').to_string())),
            other => {
                let other = shown_address(other);
                let message =
                    format!("`{other}` is neither huggingface, modelscope nor an address");
                Err(Fault::new(Reason::Settings, message))
            }
        }
    }

    /// Name in records and messages.
    pub(crate) fn name(&self) -> String {
        match self {
            Source::HuggingFace(_) => "huggingface".into(),
            Source::ModelScope(_) => "modelscope".into(),
            Source::Folders(url) => shown_address(url),
        }
    }
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteFile {
    /// Path within the repository.
    pub path: String,
    /// Size in bytes, if the hub reports it.
    pub size: Option<u64>,
    /// SHA-256 in hexadecimal, if the hub reports it.
    pub sha256: Option<String>,
}

/// Files of a repository at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing {
    /// The commit, or another name of the state for hubs without commits.
    pub commit: String,
    /// Its files.
    pub files: Vec<RemoteFile>,
}

/// Receives bytes of a file; the flag is `true` if they start at the beginning of the file.
pub(crate) type Write<'a> = dyn FnMut(&[u8], bool) -> Result<(), StoreError> + 'a;

/// Client of a hub.
pub(crate) struct Hub {
    source: Source,
    /// The value of `Authorization`, and the origin that it may be sent to.
    token: Option<(String, Origin)>,
    agent: ureq::Agent,
}

#[derive(Deserialize)]
struct HfModel {
    sha: String,
    siblings: Vec<HfFile>,
}

#[derive(Deserialize)]
struct HfFile {
    rfilename: String,
    size: Option<u64>,
    lfs: Option<HfLarge>,
}

#[derive(Deserialize)]
struct HfLarge {
    sha256: Option<String>,
    oid: Option<String>,
    size: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MsAnswer {
    data: MsData,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MsData {
    files: Vec<MsFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MsFile {
    path: String,
    size: Option<u64>,
    sha256: Option<String>,
    #[serde(rename = "Type")]
    kind: String,
}

impl Hub {
    /// A client; no request is sent yet. `token` is that of Hugging Face: it is sent only to that hub, at the
    /// source's own address and not along redirects, and only encrypted, unless the address is this machine.
    pub(crate) fn new(source: Source, token: Option<String>) -> Hub {
        let token = token
            .map(|token| token.trim().to_string())
            .filter(|token| !token.is_empty());
        let token = match &source {
            Source::HuggingFace(url) => token.zip(Origin::of(url)).filter(|(_, origin)| {
                if !origin.keeps_secrets() {
                    let shown = shown_address(url);
                    tracing::warn!(
                        "HF_TOKEN is not sent to `{shown}`: the way there is not encrypted"
                    );
                }
                origin.keeps_secrets()
            }),
            Source::ModelScope(_) | Source::Folders(_) => None,
        };
        let token = token.map(|(token, origin)| (format!("Bearer {token}"), origin));
        Hub {
            source,
            token,
            agent: net::agent(PATIENCE),
        }
    }

    /// The source.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Files of a model's repository at a revision, which is resolved to a commit.
    pub(crate) fn list(
        &self,
        model: &ModelEntry,
        revision: Option<&str>,
    ) -> Result<Listing, StoreError> {
        let repository = &model.repository;
        match &self.source {
            Source::HuggingFace(url) => {
                let revision = revision.unwrap_or("main");
                let address =
                    format!("{url}/api/models/{repository}/revision/{revision}?blobs=true");
                let listed: HfModel = self.json(&address, repository)?;
                let file = |file: HfFile| {
                    let hash = file
                        .lfs
                        .as_ref()
                        .and_then(|large| large.sha256.clone().or(large.oid.clone()));
                    let size = file.lfs.and_then(|large| large.size).or(file.size);
                    RemoteFile {
                        path: file.rfilename,
                        size,
                        sha256: hash,
                    }
                };
                Ok(Listing {
                    commit: listed.sha,
                    files: listed.siblings.into_iter().map(file).collect(),
                })
            }
            Source::ModelScope(url) => {
                let revision = revision.unwrap_or("master");
                let address = format!(
                    "{url}/api/v1/models/{repository}/repo/files?Revision={revision}&Recursive=true"
                );
                let listed: MsAnswer = self.json(&address, repository)?;
                let blobs: Vec<MsFile> = listed
                    .data
                    .files
                    .into_iter()
                    .filter(|f| f.kind == "blob")
                    .collect();
                // ModelScope names a commit per file, but none for the repository: the files' hashes stand
                // for it.
                let mut state = Sha256::new();
                for file in &blobs {
                    state.update(format!(
                        "{}\0{}\n",
                        file.path,
                        file.sha256.as_deref().unwrap_or_default()
                    ));
                }
                let commit = format!("{revision}@{}", &super::hex(&state.finalize())[..16]);
                let file = |file: MsFile| RemoteFile {
                    path: file.path,
                    size: file.size,
                    sha256: file.sha256.filter(|hash| !hash.is_empty()),
                };
                Ok(Listing {
                    commit,
                    files: blobs.into_iter().map(file).collect(),
                })
            }
            Source::Folders(_) => {
                let paths = model.files.iter().chain(&model.optional);
                let file = |path: &String| RemoteFile {
                    path: path.clone(),
                    size: None,
                    sha256: None,
                };
                let commit = revision.unwrap_or("as found").to_string();
                Ok(Listing {
                    commit,
                    files: paths.map(file).collect(),
                })
            }
        }
    }

    /// Address of a file.
    fn address(
        &self,
        model: &ModelEntry,
        commit: &str,
        revision: Option<&str>,
        path: &str,
    ) -> String {
        let repository = &model.repository;
        match &self.source {
            Source::HuggingFace(url) => format!("{url}/{repository}/resolve/{commit}/{path}"),
            Source::ModelScope(url) => {
                format!(
                    "{url}/models/{repository}/resolve/{}/{path}",
                    revision.unwrap_or("master")
                )
            }
            Source::Folders(url) => format!("{url}/{}/{path}", model.folder()),
        }
    }

    /// Fetches a file from byte `start` on. `write` receives the bytes and a flag that is `true` if they
    /// start at the beginning of the file after all; `None` if the file does not exist. An interrupted
    /// download is resumed.
    pub(crate) fn fetch(
        &self,
        model: &ModelEntry,
        commit: &str,
        revision: Option<&str>,
        file: &RemoteFile,
        start: u64,
        write: &mut Write<'_>,
    ) -> Result<Option<()>, StoreError> {
        let address = self.address(model, commit, revision, &file.path);
        let mut have = start;
        let mut failed = 0;
        loop {
            let before = have;
            let fault = match self.fetch_once(&address, &mut have, file.size, write) {
                Ok(found) => return Ok(found.then_some(())),
                Err(fault) => fault,
            };
            // Retries are counted anew as long as bytes arrive.
            failed = if have > before { 1 } else { failed + 1 };
            let (error, wait) = match fault {
                FailedFetch::Passing(error, wait) => (error, wait),
                FailedFetch::Final(error) => return Err(error),
            };
            match pause(failed - 1, wait, 0.5).filter(|_| failed <= RETRIES) {
                Some(wait) => std::thread::sleep(wait),
                None => return Err(error),
            }
        }
    }

    fn fetch_once(
        &self,
        address: &str,
        have: &mut u64,
        size: Option<u64>,
        write: &mut Write<'_>,
    ) -> Result<bool, FailedFetch> {
        if size == Some(*have) {
            return Ok(true);
        }
        let range = (*have > 0).then(|| format!("bytes={have}-"));
        let mut response = self.get(address, range.as_deref())?;
        let status = response.status().as_u16();
        let mut anew = match status {
            206 => false,
            200..300 => {
                *have = 0;
                true
            }
            404 => return Ok(false),
            // The partial file is already complete or belongs to another file: start anew.
            416 if *have > 0 => {
                *have = 0;
                write(&[], true).map_err(FailedFetch::Final)?;
                return Err(FailedFetch::Passing(
                    self.status_error(address, status),
                    None,
                ));
            }
            _ => return Err(self.refusal(address, &response)),
        };
        let left = size
            .unwrap_or(MOST_OF_A_FILE)
            .min(MOST_OF_A_FILE)
            .saturating_sub(*have);
        let mut body = Capped::new(response.body_mut().as_reader(), left);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if is_too_long(&error) => {
                    // The beginning of another file must not be resumed.
                    write(&[], true).map_err(FailedFetch::Final)?;
                    let said = size.map_or("may have", |_| "says");
                    let most = size.unwrap_or(MOST_OF_A_FILE).min(MOST_OF_A_FILE);
                    let reason = format!("more comes than the {most} bytes that the hub {said}");
                    return Err(FailedFetch::Final(broken(address, &reason)));
                }
                Err(error) => {
                    let reason = reason(&ureq::Error::from(error));
                    return Err(FailedFetch::Passing(broken(address, &reason), None));
                }
            };
            write(&buffer[..read], anew).map_err(FailedFetch::Final)?;
            anew = false;
            *have += read as u64;
        }
        match size {
            Some(size) if *have < size => Err(FailedFetch::Passing(
                broken(address, "it ends too early"),
                None,
            )),
            _ => Ok(true),
        }
    }

    fn json<T: for<'a> Deserialize<'a>>(
        &self,
        address: &str,
        repository: &str,
    ) -> Result<T, StoreError> {
        let mut failed = 0;
        loop {
            let fault = match self.json_once(address) {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            let (error, wait) = match fault {
                FailedFetch::Passing(error, wait) => (error, wait),
                FailedFetch::Final(StoreError::Status {
                    status: 401 | 403 | 404,
                    ..
                }) => {
                    return Err(StoreError::NoRepository {
                        repository: repository.into(),
                        hub: self.source.name(),
                        takes_token: matches!(self.source, Source::HuggingFace(_)),
                    });
                }
                FailedFetch::Final(error) => return Err(error),
            };
            failed += 1;
            match pause(failed - 1, wait, 0.5).filter(|_| failed <= RETRIES) {
                Some(wait) => std::thread::sleep(wait),
                None => return Err(error),
            }
        }
    }

    fn json_once<T: for<'a> Deserialize<'a>>(&self, address: &str) -> Result<T, FailedFetch> {
        let mut response = self.get(address, None)?;
        if !response.status().is_success() {
            return Err(self.refusal(address, &response));
        }
        let body = read_all(response.body_mut().as_reader(), MOST_LISTED).map_err(|error| {
            match is_too_long(&error) {
                true => FailedFetch::Final(broken(address, &format!("its list of files: {error}"))),
                false => {
                    FailedFetch::Passing(broken(address, &reason(&ureq::Error::from(error))), None)
                }
            }
        })?;
        serde_json::from_slice(&body)
            .map_err(|e| FailedFetch::Final(broken(address, &format!("no such list: {e}"))))
    }

    fn get(
        &self,
        address: &str,
        range: Option<&str>,
    ) -> Result<ureq::http::Response<ureq::Body>, FailedFetch> {
        let headers: Vec<(&str, &str)> = range.map(|range| ("Range", range)).into_iter().collect();
        let token = self
            .token
            .as_ref()
            .map(|(token, origin)| (origin, token.as_str()));
        net::get(&self.agent, address, &headers, token, None).map_err(|error| {
            let broken = broken(address, &error.to_string());
            match error.is_passing() {
                true => FailedFetch::Passing(broken, None),
                false => FailedFetch::Final(broken),
            }
        })
    }

    fn refusal(&self, address: &str, response: &ureq::http::Response<ureq::Body>) -> FailedFetch {
        let status = response.status().as_u16();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let wait = asked(header, SystemTime::now());
        let error = self.status_error(address, status);
        if is_passing(status) {
            FailedFetch::Passing(error, wait)
        } else {
            FailedFetch::Final(error)
        }
    }

    fn status_error(&self, address: &str, status: u16) -> StoreError {
        let takes_token = matches!(self.source, Source::HuggingFace(_));
        StoreError::Status {
            address: shown_address(address),
            status,
            takes_token,
        }
    }
}

enum FailedFetch {
    Passing(StoreError, Option<f64>),
    Final(StoreError),
}

fn broken(address: &str, reason: &str) -> StoreError {
    StoreError::Network {
        address: shown_address(address),
        reason: reason.into(),
    }
}
