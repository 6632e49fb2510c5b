//! Which webhooks are told, what they are signed with, and what is known of deliveries under way.

use super::address::Rules;
use crate::fault::Fault;
use crate::serve::error::ApiError;
use crate::serve::news::News;
use crate::serve::small_file;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Least and most bytes of a secret.
const SECRET: std::ops::RangeInclusive<usize> = 16..=4096;

/// Largest file in bytes; there may be white space around the secret.
const MOST_BYTES: u64 = 2 * *SECRET.end() as u64;

/// What this server knows of deliveries; all else lies in the spool.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// When jobs are worth a look, in milliseconds since 1970.
    pub later: HashMap<String, u64>,
    /// Deliveries under way, by host.
    pub busy: HashMap<String, usize>,
}

/// The webhooks of a server.
pub(crate) struct Webhooks {
    /// Whom they may be told.
    pub rules: Arc<Rules>,
    secret_file: Option<PathBuf>,
    secret: RwLock<Vec<u8>>,
    known: Mutex<Known>,
    /// Told when there may be something to deliver.
    pub news: News,
    /// One thread at a time chooses.
    pub choosing: Mutex<()>,
}

impl Webhooks {
    /// Fails if there are hosts to tell, but no secret.
    pub(super) fn new(rules: Rules, secret_file: Option<PathBuf>) -> Result<Webhooks, Fault> {
        let webhooks = Webhooks {
            rules: Arc::new(rules),
            secret_file,
            secret: RwLock::default(),
            known: Mutex::default(),
            news: News::default(),
            choosing: Mutex::default(),
        };
        webhooks.reload()?;
        Ok(webhooks)
    }

    /// Reads the secret again. If that fails, the one of before stays.
    pub(crate) fn reload(&self) -> Result<(), Fault> {
        let Some(path) = &self.secret_file else {
            return Ok(());
        };
        let fail = |error: std::io::Error| {
            let what = format!("the secret of webhooks `{}` cannot be read", path.display());
            Fault::io(what, &error)
        };
        let text = small_file::read(path, MOST_BYTES).map_err(fail)?;
        let secret = text.trim_ascii();
        if !SECRET.contains(&secret.len()) {
            let (least, most) = (SECRET.start(), SECRET.end());
            let what = format!("it must have {least} to {most} characters");
            let error = std::io::Error::new(std::io::ErrorKind::InvalidData, what);
            return Err(fail(error));
        }
        let mut now = self.secret.write().unwrap_or_else(PoisonError::into_inner);
        *now = secret.to_vec();
        Ok(())
    }

    /// `true` if there are hosts to tell.
    pub(crate) fn are_told(&self) -> bool {
        !self.rules.hosts.is_empty()
    }

    /// Refuses an address that would never be told.
    pub(crate) fn check(&self, address: &str) -> Result<(), ApiError> {
        if !self.are_told() {
            return Err(ApiError::not_allowed(
                "this server tells no webhooks (`webhook_hosts`)",
            ));
        }
        let refused = |refusal| ApiError::not_allowed(format!("`webhook` is refused: {refusal}"));
        self.rules.target(address).map(drop).map_err(refused)
    }

    /// What is known of deliveries.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job is not worth a look before this time.
    pub(crate) fn later(&self, job: &str, at: u64) {
        self.lock().later.insert(job.to_string(), at);
    }

    /// A job may have ended.
    pub(crate) fn wake(&self) {
        self.news.tell();
    }

    /// Deliveries under way.
    pub(crate) fn count(&self) -> usize {
        self.lock().busy.values().sum()
    }

    /// `t=SECONDS,v1=HEX`: the hash of the time, a dot and the body, keyed with the secret.
    pub(crate) fn signature(&self, seconds: u64, body: &[u8]) -> String {
        let secret = self.secret.read().unwrap_or_else(PoisonError::into_inner);
        let mut hash = Hmac::<Sha256>::new_from_slice(&secret).expect("a key may have any length");
        hash.update(format!("{seconds}.").as_bytes());
        hash.update(body);
        let hash = crate::output::names::hex(&hash.finalize().into_bytes());
        format!("t={seconds},v1={hash}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::outbound::address::is_public;

    fn rules(hosts: &[&str]) -> Rules {
        Rules {
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
            ports: vec![80, 443],
            is_reachable: is_public,
        }
    }

    #[test]
    fn signatures_are_those_of_rfc_4231() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "  sixteen letters.\n").unwrap();
        let path = Some(file.path().to_path_buf());
        let webhooks = Webhooks::new(rules(&[]), path).unwrap();
        assert_eq!(*webhooks.secret.read().unwrap(), b"sixteen letters.");
        // Its second case, cut where a time of 0 ends.
        *webhooks.secret.write().unwrap() = b"Jefe".to_vec();
        let mut hash = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        hash.update(b"what do ya want for nothing?");
        assert_eq!(
            crate::output::names::hex(&hash.finalize().into_bytes()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let mut hash = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        hash.update(b"7.{}");
        let hash = crate::output::names::hex(&hash.finalize().into_bytes());
        assert_eq!(webhooks.signature(7, b"{}"), format!("t=7,v1={hash}"));
        // A secret that is too short changes nothing.
        std::fs::write(file.path(), "short").unwrap();
        assert!(webhooks.reload().is_err());
        assert_eq!(webhooks.signature(7, b"{}"), format!("t=7,v1={hash}"));
    }

    #[test]
    fn webhooks_are_told_to_listed_hosts_only() {
        let none = Webhooks::new(rules(&[]), None).unwrap();
        assert_eq!(none.check("https://a.example/").unwrap_err().status, 403);
        let some = Webhooks::new(rules(&["a.example", "*.local"]), None).unwrap();
        assert!(some.check("https://a.example/x?y").is_ok());
        for address in [
            "https://b.example/",
            "https://a.example:8443/",
            "https://me@a.example/",
            "http://x.local/",
            "file:///a.example",
            "nothing",
        ] {
            let error = some.check(address).unwrap_err();
            assert_eq!(error.status, 403, "{address}");
        }
    }
}
