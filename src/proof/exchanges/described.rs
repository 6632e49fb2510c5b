//! Exchanges that are described in a file: what is sent, and what comes back, with the placeholders of [`pattern`].

use super::client::{Answer, Exchange, Request};
use super::files::Files;
use super::form::{Part, form};
use super::pattern;
use crate::proof::compare::{Checked, exactly};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Cursor;
use std::time::Duration;
use zip::ZipArchive;

/// Pause before something is asked again.
const PAUSE: Duration = Duration::from_millis(100);
/// Most times that something is asked again.
const MOST_AGAIN: usize = 600;

/// An exchange.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Described {
    pub name: String,
    pub method: String,
    /// `{NAME}` stands for a value kept from an earlier answer.
    pub path: String,
    /// The body is a form.
    form: Option<Vec<DescribedPart>>,
    /// The body is JSON; files are named as in recordings.
    json: Option<Value>,
    pub status: u16,
    /// Media type of the answer.
    kind: Option<String>,
    /// Body of the answer, if it is compared.
    #[serde(default)]
    body: Value,
    /// Endings of the files in a zip, which the body is.
    #[serde(default)]
    zip_of: Vec<String>,
    /// Keys of the answer that later paths need, by the names that they have there.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
    /// It is asked again as long as a key of the answer has one of these values.
    #[serde(default)]
    again_while: BTreeMap<String, Vec<String>>,
}

/// A part of a form: a text, or a file by its name and the name of its content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribedPart {
    name: String,
    text: Option<String>,
    file_name: Option<String>,
    content: Option<String>,
}

/// Values of earlier answers.
pub(super) type Kept = BTreeMap<String, String>;

/// Reads a file of exchanges.
pub(super) fn read(file: &str) -> Result<Vec<Described>, String> {
    #[derive(Deserialize)]
    struct Exchanges {
        exchanges: Vec<Described>,
    }
    let read: Exchanges = serde_json::from_str(file).map_err(|error| error.to_string())?;
    Ok(read.exchanges)
}

impl Described {
    /// The path with what was kept; `None` if an answer that it needs has not come.
    pub(super) fn full_path(&self, kept: &Kept) -> Option<String> {
        let mut path = self.path.clone();
        for (name, value) in kept {
            path = path.replace(&format!("{{{name}}}"), value);
        }
        (!path.contains('{')).then_some(path)
    }

    /// What is sent.
    pub(super) fn request(&self, path: String, files: &Files) -> Result<Request, String> {
        let mut request = Request {
            method: self.method.clone(),
            path,
            ..Request::default()
        };
        if let Some(json) = &self.json {
            let mut json = json.clone();
            files.fill(&mut json)?;
            request.kind = "application/json".into();
            request.body = json.to_string().into_bytes();
        }
        if let Some(parts) = &self.form {
            let parts: Result<Vec<Part>, String> = parts
                .iter()
                .map(|part| {
                    let text = part.text.as_ref().map(|text| text.clone().into_bytes());
                    let content = match text {
                        Some(text) => text,
                        None => files.named(part.content.as_deref().unwrap_or_default())?,
                    };
                    Ok(Part {
                        name: part.name.clone(),
                        file_name: part.file_name.clone(),
                        content,
                    })
                })
                .collect();
            (request.kind, request.body) = form(&parts?);
        }
        Ok(request)
    }

    /// Asks, if need be again and again.
    pub(super) fn ask(&self, request: &Request, ask: &Exchange) -> Result<Answer, String> {
        for _ in 0..MOST_AGAIN {
            let answer = ask(request)?;
            let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            let has = |(key, values): (&String, &Vec<String>)| {
                value[key]
                    .as_str()
                    .is_some_and(|value| values.iter().any(|one| one == value))
            };
            if !self.again_while.iter().any(has) {
                return Ok(answer);
            }
            std::thread::sleep(PAUSE);
        }
        Err("it does not end".into())
    }

    /// The first difference of an answer; keeps what later paths need.
    pub(super) fn check(&self, answer: &Answer, kept: &mut Kept) -> Checked {
        let text = String::from_utf8_lossy(&answer.body);
        exactly("status", &self.status.into(), answer.status)
            .map_err(|error| format!("{error}: {text}"))?;
        let kind = answer.kind.split(';').next().unwrap_or_default().trim();
        if let Some(expected) = &self.kind {
            exactly("content-type", &expected.as_str().into(), kind)?;
        }
        if !self.zip_of.is_empty() {
            return holds(&answer.body, &self.zip_of);
        }
        if self.body.is_null() && self.keep.is_empty() {
            return Ok(());
        }
        let got: Value = match kind {
            "text/plain" => text.into(),
            _ => serde_json::from_str(&text).map_err(|error| format!("no JSON: {error}"))?,
        };
        for (name, key) in &self.keep {
            if let Some(value) = got[key].as_str().filter(|value| is_plain(value)) {
                kept.insert(name.clone(), value.into());
            }
        }
        pattern::same("body", &self.body, &got)
    }
}

/// Whether a value of a server may stand in a path.
fn is_plain(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    !value.is_empty() && value.chars().all(is_plain)
}

/// Checks that a zip holds a file of each ending.
fn holds(bytes: &[u8], endings: &[String]) -> Checked {
    let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| format!("no zip: {error}"))?;
    let names: Vec<String> = zip
        .file_names()
        .filter_map(|name| name.ok().map(|name| name.into_owned()))
        .collect();
    let is_there = |ending: &&String| names.iter().any(|name| name.ends_with(*ending));
    match endings.iter().find(|ending| !is_there(ending)) {
        None => Ok(()),
        Some(ending) => Err(format!("no `{ending}` among {names:?}")),
    }
}
