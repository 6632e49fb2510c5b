//! TLS of the server's own port: certificate and key come from PEM files, and are read again when the server is told to.

use super::small_file;
use crate::fault::Fault;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error as TlsError, ServerConfig};
use tokio_rustls::server::TlsStream;

/// Largest file in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Where certificate and key lie, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The certificate, and those between it and one that clients trust.
    pub cert: PathBuf,
    /// Its private key, without a passphrase.
    pub key: PathBuf,
}

/// TLS of a server.
pub(crate) struct Tls {
    files: TlsFiles,
    config: RwLock<Arc<ServerConfig>>,
}

impl Tls {
    /// Fails if the files cannot be used.
    pub(crate) fn new(files: &TlsFiles) -> Result<Tls, Fault> {
        Ok(Tls {
            files: files.clone(),
            config: RwLock::new(Arc::new(config(files)?)),
        })
    }

    /// Reads the files again, for connections that come later. If that fails, certificate and key of before stay.
    pub(crate) fn reload(&self) -> Result<(), Fault> {
        let config = Arc::new(config(&self.files)?);
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    fn config(&self) -> Arc<ServerConfig> {
        let config = self.config.read();
        config.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Agrees with a client on encryption. Fails if it cannot, or takes longer than `patience`.
    pub(crate) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        patience: Duration,
    ) -> io::Result<TlsStream<S>> {
        let agreed = TlsAcceptor::from(self.config()).accept(stream);
        let in_time = tokio::time::timeout(patience, agreed).await;
        in_time.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

fn wrong(what: &str, path: &Path, why: impl Display) -> Fault {
    let error = io::Error::new(io::ErrorKind::InvalidData, why.to_string());
    Fault::io(
        format_args!("{what} `{}` cannot be used", path.display()),
        &error,
    )
}

fn read(what: &str, path: &Path) -> Result<Vec<u8>, Fault> {
    small_file::read(path, MOST_BYTES).map_err(|error| {
        let what = format_args!("{what} `{}` cannot be read", path.display());
        Fault::io(what, &error)
    })
}

fn config(files: &TlsFiles) -> Result<ServerConfig, Fault> {
    let (cert, key) = ("the certificate", "the private key");
    let bytes = read(cert, &files.cert)?;
    let certs = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, _>>();
    let certs = certs.map_err(|error| wrong(cert, &files.cert, error))?;
    if certs.is_empty() {
        let why = "it holds no certificate in PEM (`-----BEGIN CERTIFICATE-----`)";
        return Err(wrong(cert, &files.cert, why));
    }
    let bytes = read(key, &files.key)?;
    let secret = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        _ if bytes.windows(9).any(|word| word == b"ENCRYPTED") => wrong(
            key,
            &files.key,
            "it is encrypted; give it without a passphrase",
        ),
        pem::Error::NoItemsFound => {
            let why = "it holds no private key in PEM (`-----BEGIN PRIVATE KEY-----`)";
            wrong(key, &files.key, why)
        }
        // Its text may quote the file.
        _ => wrong(key, &files.key, "it is no PEM file, or a damaged one"),
    })?;
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()));
    let built = builder
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(certs, secret)
        });
    let mut config = built.map_err(|error| match error {
        TlsError::InvalidCertificate(why) => wrong(cert, &files.cert, format!("{why:?}")),
        TlsError::InconsistentKeys(_) => {
            let why = format!(
                "it is not that of the certificate `{}`",
                files.cert.display()
            );
            wrong(key, &files.key, why)
        }
        error => wrong(key, &files.key, error),
    })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> PathBuf {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        root.join("tests/fixtures/tls").join(name)
    }

    #[track_caller]
    fn fails(cert: &Path, key: &Path, parts: [&str; 2]) {
        let (cert, key) = (cert.into(), key.into());
        let fault = config(&TlsFiles { cert, key }).unwrap_err().to_string();
        assert!(parts.iter().all(|part| fault.contains(part)), "{fault}");
    }

    #[test]
    fn files_that_cannot_be_used_are_told_by_name_and_reason() {
        let folder = tempfile::tempdir().unwrap();
        let written = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (cert, key) = (fixture("one.crt"), fixture("one.key"));
        let (empty, none) = (written("empty", ""), folder.path().join("none"));
        fails(&none, &key, ["the certificate `", "none` cannot be read"]);
        fails(&empty, &key, ["empty` cannot be used", "no certificate"]);
        fails(&key, &cert, ["the certificate", "no certificate"]);
        fails(&cert, &none, ["the private key", "cannot be read"]);
        fails(&cert, &empty, ["the private key", "no private key"]);
        fails(&cert, &cert, ["the private key", "no private key"]);
        fails(
            &cert,
            &fixture("two.key"),
            ["two.key` cannot be used", "not that of the certificate"],
        );
        let locked =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        fails(&cert, &written("locked", locked), ["locked", "encrypted"]);
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        fails(&written("cut", cut), &key, ["cut", "the certificate"]);
        let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        fails(
            &written("odd", odd),
            &key,
            ["the certificate", "odd` cannot be used"],
        );
        assert!(config(&TlsFiles { cert, key }).is_ok());
    }
}
