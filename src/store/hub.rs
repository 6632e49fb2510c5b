//! What hubs say of a repository, and its files.
//!
//! Hugging Face and ModelScope each have an interface of their own; any other address is taken for a folder of folders, each
//! named as the repository, which can say nothing of itself.

use super::StoreError;
use super::catalog::{Hubs, ModelEntry};
use crate::net::{asked, is_address, is_passing, pause};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::io::Read;
use std::time::{Duration, SystemTime};

/// Bytes of a list of files.
const MOST_LISTED: u64 = 16 << 20;
/// Time to reach a hub, and for it to begin to answer.
const REACH: Duration = Duration::from_secs(30);
/// Time without a byte after which a download is broken off and taken up again.
const STALLED: Duration = Duration::from_secs(60);
/// Attempts besides the first, for every request; what was fetched before is kept.
const RETRIES: u32 = 5;

/// Where models come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Hugging Face, at an address.
    HuggingFace(String),
    /// ModelScope, at an address.
    ModelScope(String),
    /// Folders at an address.
    Folders(String),
}

impl Source {
    /// By the word of a flag: `huggingface`, `modelscope`, or an address. `variable` reads the environment.
    pub fn named(
        word: &str,
        hubs: &Hubs,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Source, String> {
        let address = |name: &str, default: &str| {
            let given = variable(name).filter(|address| !address.is_empty());
            given.unwrap_or_else(|| default.to_string()).trim_end_matches('/').to_string()
        };
        match word {
            "huggingface" => Ok(Source::HuggingFace(address("HF_ENDPOINT", &hubs.huggingface))),
            "modelscope" => Ok(Source::ModelScope(address("MODELSCOPE_ENDPOINT", &hubs.modelscope))),
            url if is_address(url) => Ok(Source::Folders(url.trim_end_matches('/').to_string())),
            other => Err(format!("`{other}` is neither huggingface, modelscope nor an address")),
        }
    }

    /// Its name in records.
    pub fn name(&self) -> &str {
        match self {
            Source::HuggingFace(_) => "huggingface",
            Source::ModelScope(_) => "modelscope",
            Source::Folders(url) => url,
        }
    }
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its path.
    pub path: String,
    /// Its bytes, where the hub says so.
    pub size: Option<u64>,
    /// Its SHA-256, where the hub says so.
    pub sha256: Option<String>,
}

/// A repository at a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The commit; what names the state where there are none.
    pub commit: String,
    /// Its files.
    pub files: Vec<RemoteFile>,
}

/// Takes the bytes of a file, and whether they begin at its beginning.
pub type Write<'a> = dyn FnMut(&[u8], bool) -> Result<(), StoreError> + 'a;

/// A client of a hub.
pub struct Hub {
    source: Source,
    token: Option<String>,
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
    /// A client; nothing is sent yet. The token goes to the hub's own address only.
    pub fn new(source: Source, token: Option<String>) -> Hub {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(REACH))
            .timeout_recv_response(Some(REACH))
            .timeout_per_read(Some(STALLED))
            .build()
            .into();
        Hub { source, token: token.filter(|token| !token.is_empty()), agent }
    }

    /// Where it is.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The files of a model's repository at a revision, which is resolved to a commit.
    pub fn list(&self, model: &ModelEntry, revision: Option<&str>) -> Result<Listing, StoreError> {
        let repository = &model.repository;
        match &self.source {
            Source::HuggingFace(url) => {
                let revision = revision.unwrap_or("main");
                let address = format!("{url}/api/models/{repository}/revision/{revision}?blobs=true");
                let listed: HfModel = self.json(&address, repository)?;
                let file = |file: HfFile| {
                    let hash = file.lfs.as_ref().and_then(|large| large.sha256.clone().or(large.oid.clone()));
                    let size = file.lfs.and_then(|large| large.size).or(file.size);
                    RemoteFile { path: file.rfilename, size, sha256: hash }
                };
                Ok(Listing { commit: listed.sha, files: listed.siblings.into_iter().map(file).collect() })
            }
            Source::ModelScope(url) => {
                let revision = revision.unwrap_or("master");
                let address =
                    format!("{url}/api/v1/models/{repository}/repo/files?Revision={revision}&Recursive=true");
                let listed: MsAnswer = self.json(&address, repository)?;
                let blobs: Vec<MsFile> = listed.data.files.into_iter().filter(|f| f.kind == "blob").collect();
                // It names the commit of each file, and none of all: their hashes stand for one.
                let mut state = Sha256::new();
                for file in &blobs {
                    state.update(format!("{}\0{}\n", file.path, file.sha256.as_deref().unwrap_or_default()));
                }
                let commit = format!("{revision}@{}", &super::hex(&state.finalize())[..16]);
                let file = |file: MsFile| RemoteFile {
                    path: file.path,
                    size: file.size,
                    sha256: file.sha256.filter(|hash| !hash.is_empty()),
                };
                Ok(Listing { commit, files: blobs.into_iter().map(file).collect() })
            }
            Source::Folders(_) => {
                let paths = model.files.iter().chain(&model.optional);
                let file = |path: &String| RemoteFile { path: path.clone(), size: None, sha256: None };
                let commit = revision.unwrap_or("as found").to_string();
                Ok(Listing { commit, files: paths.map(file).collect() })
            }
        }
    }

    /// The address of a file.
    fn address(&self, model: &ModelEntry, commit: &str, revision: Option<&str>, path: &str) -> String {
        let repository = &model.repository;
        match &self.source {
            Source::HuggingFace(url) => format!("{url}/{repository}/resolve/{commit}/{path}"),
            Source::ModelScope(url) => {
                format!("{url}/models/{repository}/resolve/{}/{path}", revision.unwrap_or("master"))
            }
            Source::Folders(url) => format!("{url}/{}/{path}", model.folder()),
        }
    }

    /// Fetches a file from byte `start` on. `write` gets the bytes, and whether they begin at the file's beginning after
    /// all; `None` where there is no such file. What breaks off is taken up again where it did.
    pub fn fetch(
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
            // As long as something comes it goes on.
            failed = if have > before { 1 } else { failed + 1 };
            let (error, wait) = match fault {
                Fault::Passing(error, wait) => (error, wait),
                Fault::Final(error) => return Err(error),
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
    ) -> Result<bool, Fault> {
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
            // All of it is there, or something else is: it begins anew.
            416 if *have > 0 => {
                *have = 0;
                write(&[], true).map_err(Fault::Final)?;
                return Err(Fault::Passing(status_error(address, status), None));
            }
            _ => return Err(refusal(address, &response)),
        };
        let mut body = response.body_mut().as_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read =
                body.read(&mut buffer).map_err(|e| Fault::Passing(broken(address, &e.to_string()), None))?;
            if read == 0 {
                break;
            }
            write(&buffer[..read], anew).map_err(Fault::Final)?;
            anew = false;
            *have += read as u64;
        }
        match size {
            Some(size) if *have < size => Err(Fault::Passing(broken(address, "it ends too early"), None)),
            _ => Ok(true),
        }
    }

    fn json<T: for<'a> Deserialize<'a>>(&self, address: &str, repository: &str) -> Result<T, StoreError> {
        let mut failed = 0;
        loop {
            let fault = match self.json_once(address) {
                Ok(value) => return Ok(value),
                Err(fault) => fault,
            };
            let (error, wait) = match fault {
                Fault::Passing(error, wait) => (error, wait),
                Fault::Final(StoreError::Status { status: 401 | 403 | 404, .. }) => {
                    return Err(StoreError::NoRepository {
                        repository: repository.into(),
                        hub: self.source.name().into(),
                    });
                }
                Fault::Final(error) => return Err(error),
            };
            failed += 1;
            match pause(failed - 1, wait, 0.5).filter(|_| failed <= RETRIES) {
                Some(wait) => std::thread::sleep(wait),
                None => return Err(error),
            }
        }
    }

    fn json_once<T: for<'a> Deserialize<'a>>(&self, address: &str) -> Result<T, Fault> {
        let mut response = self.get(address, None)?;
        if !response.status().is_success() {
            return Err(refusal(address, &response));
        }
        let body = response.body_mut().with_config().limit(MOST_LISTED).read_to_vec();
        let body = body.map_err(|e| Fault::Passing(broken(address, &e.to_string()), None))?;
        serde_json::from_slice(&body)
            .map_err(|e| Fault::Final(broken(address, &format!("no such list: {e}"))))
    }

    fn get(&self, address: &str, range: Option<&str>) -> Result<ureq::http::Response<ureq::Body>, Fault> {
        let mut request = self.agent.get(address);
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        if let Some(range) = range {
            request = request.header("Range", range);
        }
        request.call().map_err(|error| {
            let broken = broken(address, &error.to_string());
            match error {
                ureq::Error::HostNotFound | ureq::Error::BadUri(_) | ureq::Error::Tls(_) => {
                    Fault::Final(broken)
                }
                _ => Fault::Passing(broken, None),
            }
        })
    }
}

enum Fault {
    Passing(StoreError, Option<f64>),
    Final(StoreError),
}

fn broken(address: &str, reason: &str) -> StoreError {
    StoreError::Network { address: address.into(), reason: reason.into() }
}

fn status_error(address: &str, status: u16) -> StoreError {
    StoreError::Status { address: address.into(), status }
}

fn refusal(address: &str, response: &ureq::http::Response<ureq::Body>) -> Fault {
    let status = response.status().as_u16();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let wait = asked(header, SystemTime::now());
    let error = status_error(address, status);
    if is_passing(status) { Fault::Passing(error, wait) } else { Fault::Final(error) }
}
