//! Addresses of files of results, as answers give them to clients that fetch pictures instead of reading base64.
//!
//! ```text
//! BASE/v1/jobs/ID/result/NAME?expires=SECONDS&signature=HEX
//! ```
//!
//! The signature is the HMAC-SHA-256 of job, name and end. Its key lies in the spool, so servers that share one accept
//! each other's addresses. With API keys, such an address opens its file, and nothing else, without a key until it ends.
//! BASE is what whoever runs the server says (`public_url`), else what the request itself was sent to.

use super::error::ApiError;
use super::spool::{JobStatus, Spool, now_ms};
use crate::fault::Fault;
use axum::http::HeaderMap;
use axum::http::header::HOST;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::Sha256;

/// Where results of jobs are.
const JOBS: &str = "/v1/jobs/";
const RESULT: &str = "/result/";
/// What stands for itself in an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// Options of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LinkOptions {
    /// Answers of the reference's routes have addresses in place of base64.
    pub return_urls: bool,
    /// What addresses begin with, without a slash at the end; `None`: what the request was sent to.
    pub public_url: Option<String>,
    /// The server's own port speaks HTTPS.
    pub is_https: bool,
    /// Seconds until an address ends; `None`: it lives as long as the result.
    pub expires_in: Option<u64>,
}

/// Makes addresses, and checks them.
pub(crate) struct Links {
    options: LinkOptions,
    key: Vec<u8>,
    /// Seconds that results stay.
    result_ttl: u64,
}

/// A file that an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// The job.
    pub id: String,
    /// Name of the file in its result.
    pub name: String,
    /// The address is signed, and has not ended.
    pub is_signed: bool,
}

impl Links {
    /// Fails if the spool has no key and cannot get one.
    pub(crate) fn new(
        options: LinkOptions,
        spool: &Spool,
        result_ttl: u64,
    ) -> Result<Links, Fault> {
        Ok(Links {
            options,
            key: spool.link_key()?,
            result_ttl,
        })
    }

    /// What the addresses of an answer begin with; `None` if answers have none. Fails for a request that does not say
    /// where it was sent to.
    pub(crate) fn base(&self, headers: &HeaderMap) -> Result<Option<String>, ApiError> {
        if !self.options.return_urls {
            return Ok(None);
        }
        if let Some(url) = &self.options.public_url {
            return Ok(Some(url.clone()));
        }
        let text = |value: Option<&axum::http::HeaderValue>| {
            value
                .and_then(|v| v.to_str().ok())
                .unwrap_or_default()
                .to_string()
        };
        let host = text(headers.get(HOST));
        // Of several proxies, the first one is the client's.
        let scheme = text(headers.get("x-forwarded-proto"));
        let scheme = match scheme.split(',').next().unwrap_or_default().trim() {
            https if https.eq_ignore_ascii_case("https") => "https",
            http if http.eq_ignore_ascii_case("http") => "http",
            _ if self.options.is_https => "https",
            _ => "http",
        };
        match is_host(&host) {
            true => Ok(Some(format!("{scheme}://{host}"))),
            false => Err(ApiError::bad_request(
                "the request has no usable `Host`, so pictures would have no address; the server may have one set (`public_url`)",
            )),
        }
    }

    /// The address of a file of a job that has ended.
    pub(crate) fn address(&self, base: &str, status: &JobStatus, name: &str) -> String {
        let finished = status.outcome.as_ref().map_or(0, |end| end.finished_ms);
        let life = (finished / 1000).saturating_add(self.result_ttl);
        let end = match self.options.expires_in {
            Some(seconds) => life.min((now_ms() / 1000).saturating_add(seconds)),
            None => life,
        };
        let id = &status.record.id;
        let signature =
            crate::output::names::hex(&self.hash(id, name, end).finalize().into_bytes());
        let name = utf8_percent_encode(name, PLAIN);
        format!("{base}{JOBS}{id}{RESULT}{name}?expires={end}&signature={signature}")
    }

    fn hash(&self, id: &str, name: &str, end: u64) -> Hmac<Sha256> {
        let mut hash =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("a key may have any length");
        // An id has one length, so nothing can move from one part into the other.
        hash.update(format!("{end}.{id}.{name}").as_bytes());
        hash
    }

    /// The file that an address names, with or without its start; `None` if it names none, or has no signature.
    pub(crate) fn read(&self, address: &str) -> Option<Named> {
        let (path, query) = address.split_once('?')?;
        let path = match path.strip_prefix('/') {
            Some(_) => path,
            None => &path[path.find(JOBS)?..],
        };
        let (id, name) = path.strip_prefix(JOBS)?.split_once(RESULT)?;
        let name = percent_decode_str(name).decode_utf8().ok()?.into_owned();
        let value = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let signature = value("signature")?;
        let end = value("expires").and_then(|end| end.parse::<u64>().ok());
        let is_signed = Spool::is_id(id)
            && end.is_some_and(|end| {
                let given = bytes_of(signature);
                // Compared in constant time.
                let is_ours = self.hash(id, &name, end).verify_slice(&given).is_ok();
                is_ours && now_ms() / 1000 <= end
            });
        Some(Named {
            id: id.into(),
            name,
            is_signed,
        })
    }
}

/// Hexadecimal digits as bytes; none for another text.
fn bytes_of(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
    bytes.unwrap_or_default()
}

/// `true` for a name or number with or without a port, and nothing that could end the host of an address.
fn is_host(host: &str) -> bool {
    let is_plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'[' | b']');
    (1..=255).contains(&host.len()) && host.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::spool::{JobRecord, JobState, Outcome, new_id};
    use axum::http::HeaderValue;
    use std::sync::Arc;

    fn links(options: LinkOptions) -> (Links, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        (Links::new(options, &spool, 1000).unwrap(), folder)
    }

    fn ended(finished_ms: u64) -> JobStatus {
        let record = serde_json::json!({
            "id": new_id(), "owner": "", "created_ms": 0, "files": [], "formats": [], "page_estimate": 1,
        });
        let record: JobRecord = serde_json::from_value(record).unwrap();
        let outcome = Outcome {
            finished_ms,
            ..Outcome::without_result(JobState::Done, None)
        };
        JobStatus {
            record: Arc::new(record),
            state: JobState::Done,
            progress: None,
            outcome: Some(outcome),
        }
    }

    #[test]
    fn an_address_opens_its_file_until_it_ends() {
        let (links, folder) = links(LinkOptions::default());
        let status = ended(now_ms());
        let id = &status.record.id;
        let name = "file_answer/a b?&ä.jpg";
        let address = links.address("https://x.example/docs", &status, name);
        assert!(address.starts_with(&format!(
            "https://x.example/docs/v1/jobs/{id}/result/file_answer/a%20b%3F%26%C3%A4.jpg?expires="
        )));
        let named = links.read(&address).unwrap();
        assert_eq!((&named.id, named.name.as_str()), (id, name));
        assert!(named.is_signed);
        let path = &address["https://x.example/docs".len()..];
        assert!(links.read(path).unwrap().is_signed);
        // Another server of the same spool has the same key.
        let spool = Spool::open(folder.path()).unwrap();
        let other = Links::new(LinkOptions::default(), &spool, 1).unwrap();
        assert!(other.read(path).unwrap().is_signed);
        for (from, to) in [
            ("a%20b", "a%20c"),
            ("signature=", "signature=0"),
            ("signature=", "signature=é"),
            ("expires=", "expires=9"),
            ("expires=", "expires=x"),
            (id.as_str(), new_id().as_str()),
        ] {
            let changed = path.replacen(from, to, 1);
            assert!(!links.read(&changed).unwrap().is_signed, "{changed}");
        }
        assert_eq!(links.read(path.split('?').next().unwrap()), None);
        assert_eq!(links.read("aGVsbG8="), None);
        // The result's time is over.
        let old = links.address("", &ended(now_ms() - 1_002_000), name);
        assert!(!links.read(&old).unwrap().is_signed);
    }

    #[test]
    fn an_address_ends_with_its_own_time_or_that_of_the_result() {
        let options = LinkOptions {
            expires_in: Some(60),
            ..LinkOptions::default()
        };
        let (links, _folder) = links(options);
        let end = |status: &JobStatus| {
            let address = links.address("", status, "a");
            let end = address.split("expires=").nth(1).unwrap();
            end.split('&').next().unwrap().parse::<u64>().unwrap()
        };
        let now = now_ms() / 1000;
        assert!((now + 60..now + 70).contains(&end(&ended(now_ms()))));
        assert_eq!(end(&ended((now - 990) * 1000)), now + 10);
    }

    #[test]
    fn addresses_begin_with_what_is_set_or_what_was_asked() {
        let headers = |pairs: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, HeaderValue::from_str(value).unwrap());
            }
            headers
        };
        let on = LinkOptions {
            return_urls: true,
            ..LinkOptions::default()
        };
        let (off, _folder) = links(LinkOptions::default());
        assert_eq!(off.base(&HeaderMap::new()), Ok(None));
        let (asked, _folder) = links(on.clone());
        let base = |pairs: &[_]| asked.base(&headers(pairs)).map(Option::unwrap);
        assert_eq!(
            base(&[("host", "a.example:8080")]).unwrap(),
            "http://a.example:8080"
        );
        let forwarded = [("host", "[::1]:1"), ("x-forwarded-proto", "HTTPS, http")];
        assert_eq!(base(&forwarded).unwrap(), "https://[::1]:1");
        let odd = [("host", "a.example"), ("x-forwarded-proto", "javascript")];
        assert_eq!(base(&odd).unwrap(), "http://a.example");
        for host in ["", "a/b", "a@b", "a?b", "a b", "a\"b"] {
            assert_eq!(base(&[("host", host)]).unwrap_err().status, 400, "{host}");
        }
        assert!(base(&[]).is_err());
        let (own, _folder) = links(LinkOptions {
            is_https: true,
            ..on.clone()
        });
        for (proxy, scheme) in [("", "https"), ("http", "http")] {
            let asked = [("host", "a.example"), ("x-forwarded-proto", proxy)];
            let base = own.base(&headers(&asked)).unwrap().unwrap();
            assert_eq!(base, format!("{scheme}://a.example"));
        }
        let (set, _folder) = links(LinkOptions {
            public_url: Some("https://public.example/x".into()),
            ..on
        });
        assert_eq!(
            set.base(&headers(&[("host", "other")])).unwrap().unwrap(),
            "https://public.example/x"
        );
    }
}
