//! Why an attempt failed, and whether another one may come out better.

use crate::fault::{Fault, Reason};
use crate::net::{is_too_long, reason};

/// Bytes of an answer: 8192 tokens are far below.
pub(super) const MOST_BYTES: u64 = 16 << 20;

/// Why an attempt failed.
pub(super) enum Failed {
    /// The server could not be reached.
    Unreachable(String),
    /// The connection broke.
    Broken(String),
    /// It may pass; the server may have said when.
    Passing(Fault, Option<f64>),
    /// It does not take the key.
    Unauthorized(String),
    /// It does not know the model.
    Model(String),
    /// It does not know a key that it can do without.
    Key(&'static str),
    /// It will not pass.
    Final(Fault),
}

impl From<Failed> for Fault {
    fn from(failed: Failed) -> Fault {
        match failed {
            Failed::Unreachable(message) | Failed::Broken(message) => {
                Fault::new(Reason::Network, message)
            }
            Failed::Unauthorized(message) | Failed::Model(message) => refused(message),
            Failed::Key(key) => refused(key),
            Failed::Passing(fault, _) | Failed::Final(fault) => fault,
        }
    }
}

/// The fault of a server that does not do what it is asked.
pub(super) fn refused(message: impl Into<String>) -> Fault {
    Fault::new(Reason::Server, message)
}

/// Sorts what went wrong on the way.
pub(super) fn on_the_way(error: ureq::Error) -> Failed {
    let reason = reason(&error);
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            Failed::Unreachable(format!("it cannot be reached: {reason}"))
        }
        ureq::Error::Io(error) if is_refusal(&error) => {
            Failed::Unreachable(format!("it cannot be reached: {reason}"))
        }
        ureq::Error::Io(_) | ureq::Error::Protocol(_) => Failed::Broken(reason),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::InvalidProxyUrl => {
            Failed::Final(Fault::new(Reason::Settings, reason))
        }
        _ => Failed::Passing(Fault::new(Reason::Network, reason), None),
    }
}

/// Sorts what went wrong while an answer came.
pub(super) fn broken_off(error: std::io::Error) -> Failed {
    if is_too_long(&error) {
        let most = MOST_BYTES >> 20;
        return Failed::Final(refused(format!("its answer is longer than {most} MB")));
    }
    match on_the_way(ureq::Error::from(error)) {
        Failed::Broken(reason) | Failed::Unreachable(reason) => {
            Failed::Broken(format!("its answer broke off: {reason}"))
        }
        other => other,
    }
}

/// Whether a connection was never made: refused, or not encrypted as it should be.
fn is_refusal(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    let kinds = [
        ErrorKind::ConnectionRefused,
        ErrorKind::HostUnreachable,
        ErrorKind::NetworkUnreachable,
        ErrorKind::AddrNotAvailable,
        ErrorKind::InvalidData,
    ];
    kinds.contains(&error.kind())
}
