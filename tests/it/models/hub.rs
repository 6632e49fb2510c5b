//! A hub of models in the test's own process, which misbehaves as it is told.

use super::super::http::{Request, say, serve};
use super::super::networks::fixture;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub(super) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Misbehaviour of the hub in place of the right answer, for the nth request of a file.
pub(super) type Mischief =
    Box<dyn Fn(usize, &Request, &[u8], &mut TcpStream) -> Option<bool> + Send + Sync>;

/// Repositories by name, each with its files.
pub(super) type Repositories = BTreeMap<String, Vec<(String, Vec<u8>)>>;

pub(super) struct Hub {
    pub(super) url: String,
    pub(super) requests: Arc<Mutex<Vec<Request>>>,
}

impl Hub {
    pub(super) fn start(repositories: Repositories, mischief: Mischief) -> Hub {
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let (record, count) = (requests.clone(), AtomicUsize::default());
        let address = serve(move |request, stream| {
            record.lock().unwrap().push(request.clone());
            let path = request.path.split('?').next().unwrap().to_string();
            if let Some(rest) = path.strip_prefix("/api/models/") {
                let found = rest
                    .split_once("/revision/")
                    .and_then(|(name, _)| repositories.get(name));
                match found {
                    Some(files) => say(stream, 200, "", hugging_face(files).as_bytes()),
                    None => say(stream, 404, "", b"{}"),
                }
                return true;
            }
            if let Some(rest) = path.strip_prefix("/api/v1/models/") {
                let found = rest
                    .strip_suffix("/repo/files")
                    .and_then(|name| repositories.get(name));
                match found {
                    Some(files) => say(stream, 200, "", model_scope(files).as_bytes()),
                    None => say(stream, 404, "", b"{}"),
                }
                return true;
            }
            // As the hub does it, large files lie elsewhere.
            let path = path.trim_start_matches("/models");
            if let Some((_, rest)) = path
                .split_once("/resolve/")
                .filter(|_| !path.starts_with("/elsewhere"))
                && rest.ends_with("model.safetensors")
            {
                say(stream, 302, &format!("Location: /elsewhere{path}\r\n"), b"");
                return true;
            }
            let path = path.trim_start_matches("/elsewhere");
            let (name, file) = match path.trim_start_matches('/').split_once("/resolve/") {
                Some((name, rest)) => (name, rest.split_once('/').map_or("", |(_, file)| file)),
                None => path
                    .trim_start_matches('/')
                    .rsplit_once('/')
                    .unwrap_or_default(),
            };
            let of = |files: &Vec<(String, Vec<u8>)>| {
                files.iter().find(|(path, _)| path == file).cloned()
            };
            let folder =
                |(repository, _): &(&String, _)| repository.rsplit('/').next() == Some(name);
            let files = repositories
                .get(name)
                .or_else(|| repositories.iter().find(folder).map(|(_, files)| files));
            let Some((_, bytes)) = files.and_then(of) else {
                say(stream, 404, "", b"");
                return true;
            };
            if let Some(goes_on) = mischief(
                count.fetch_add(1, Ordering::SeqCst),
                request,
                &bytes,
                stream,
            ) {
                return goes_on;
            }
            send(request, &bytes, stream);
            true
        });
        Hub {
            url: format!("http://{address}"),
            requests,
        }
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// The whole, or the range that is asked for.
pub(super) fn send(request: &Request, bytes: &[u8], stream: &mut TcpStream) {
    let start = request
        .header("range")
        .strip_prefix("bytes=")
        .and_then(|range| range.strip_suffix('-'));
    match start.and_then(|start| start.parse::<usize>().ok()) {
        Some(start) if start < bytes.len() => {
            let range = format!(
                "Content-Range: bytes {start}-{}/{}\r\n",
                bytes.len() - 1,
                bytes.len()
            );
            say(stream, 206, &range, &bytes[start..]);
        }
        Some(_) => say(stream, 416, "", b""),
        None => say(stream, 200, "", bytes),
    }
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

pub(super) fn hugging_face(files: &[(String, Vec<u8>)]) -> String {
    let file = |(path, bytes): &(String, Vec<u8>)| {
        let mut file = json!({"rfilename": path, "size": bytes.len()});
        if path == "model.safetensors" {
            file["lfs"] = json!({"sha256": sha256(bytes), "size": bytes.len(), "pointerSize": 134});
        }
        file
    };
    json!({"sha": COMMIT, "siblings": files.iter().map(file).collect::<Vec<_>>()}).to_string()
}

pub(super) fn model_scope(files: &[(String, Vec<u8>)]) -> String {
    let file = |(path, bytes): &(String, Vec<u8>)| json!({"Path": path, "Size": bytes.len(), "Sha256": sha256(bytes), "Type": "blob", "Revision": "abc"});
    json!({"Code": 200, "Data": {"Files": files.iter().map(file).collect::<Vec<_>>()}}).to_string()
}

pub(super) fn no_mischief() -> Mischief {
    Box::new(|_, _, _, _| None)
}

/// A repository of the files of a fixture.
pub(super) fn files_of(name: &str) -> Vec<(String, Vec<u8>)> {
    let names = std::fs::read_dir(fixture(name))
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_file());
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names
        .map(|file| {
            (
                file.clone(),
                std::fs::read(fixture(name).join(file)).unwrap(),
            )
        })
        .collect()
}

pub(super) fn small() -> Repositories {
    let weights: Vec<u8> = (0..300_000u32).map(|i| (i * 7 % 251) as u8).collect();
    let files = vec![
        ("config.json".to_string(), b"{}".to_vec()),
        ("README.md".to_string(), b"not wanted".to_vec()),
        ("model.safetensors".to_string(), weights),
    ];
    [("PaddlePaddle/UVDoc_safetensors".to_string(), files)].into()
}
