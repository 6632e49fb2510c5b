//! Causes of a failed attempt, and whether a retry may help.

use crate::fault::{Fault, Reason};
use crate::net::{is_too_long, reason};

/// Limit in bytes of a response: 8192 tokens take far less.
pub(super) const MOST_BYTES: u64 = 16 << 20;

/// Cause of a failed attempt.
pub(super) enum FailedRequest {
    /// The server could not be reached.
    Unreachable(String),
    /// The connection broke.
    Broken(String),
    /// A transient error; optionally with the delay that the server asked for.
    Passing(Fault, Option<f64>),
    /// It refuses the API key.
    Unauthorized(String),
    /// It does not know the model.
    Model(String),
    /// It rejects an optional key of the request.
    Key(&'static str),
    /// A permanent error.
    Final(Fault),
}

impl From<FailedRequest> for Fault {
    fn from(failed: FailedRequest) -> Fault {
        match failed {
            FailedRequest::Unreachable(message) | FailedRequest::Broken(message) => {
                Fault::new(Reason::Network, message)
            }
            FailedRequest::Unauthorized(message) | FailedRequest::Model(message) => {
                refused(message)
            }
            FailedRequest::Key(key) => refused(key),
            FailedRequest::Passing(fault, _) | FailedRequest::Final(fault) => fault,
        }
    }
}

/// The fault of a server that refuses a request.
pub(super) fn refused(message: impl Into<String>) -> Fault {
    Fault::new(Reason::Server, message)
}

/// Classifies an error of sending a request.
pub(super) fn on_the_way(error: ureq::Error) -> FailedRequest {
    let reason = reason(&error);
    match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Tls(_)
        | ureq::Error::Rustls(_)
        | ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
            FailedRequest::Unreachable(format!("it cannot be reached: {reason}"))
        }
        ureq::Error::Io(error) if is_refusal(&error) => {
            FailedRequest::Unreachable(format!("it cannot be reached: {reason}"))
        }
        ureq::Error::Io(_) | ureq::Error::Protocol(_) => FailedRequest::Broken(reason),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::InvalidProxyUrl => {
            FailedRequest::Final(Fault::new(Reason::Settings, reason))
        }
        _ => FailedRequest::Passing(Fault::new(Reason::Network, reason), None),
    }
}

/// Classifies an error of reading a response.
pub(super) fn broken_off(error: std::io::Error) -> FailedRequest {
    if is_too_long(&error) {
        let most = MOST_BYTES >> 20;
        return FailedRequest::Final(refused(format!("its answer is longer than {most} MB")));
    }
    match on_the_way(ureq::Error::from(error)) {
        FailedRequest::Broken(reason) | FailedRequest::Unreachable(reason) => {
            FailedRequest::Broken(format!("its answer broke off: {reason}"))
        }
        other => other,
    }
}

/// `true` if no connection was made: refused, or with a TLS error.
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
