//! GET requests that follow redirects.
//!
//! Redirects are followed here and not by the HTTP client, so that each hop is checked: only `http` and
//! `https`, never from an encrypted address to an unencrypted one, at most `MOST_HOPS`. The token is sent to
//! the requested address only and along no redirect: the storage that a hub redirects to uses signed
//! addresses.

use super::address::{Origin, is_address, resolved, shown_address};
use super::capped::reason;
use std::time::{Duration, Instant};
use ureq::Body;
use ureq::http::Response;

/// Most redirects followed.
const MOST_HOPS: usize = 10;

/// Timeouts of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Patience {
    /// Connecting to a server, and waiting for the start of its response.
    pub reach: Duration,
    /// Longest pause between bytes of a response.
    pub stall: Duration,
}

/// A client for [`get`]: it follows no redirects, returns error statuses as responses, and asks for
/// uncompressed bodies, so that the bytes counted are those transferred. (A response that is compressed all
/// the same is decompressed.)
pub(crate) fn agent(patience: Patience) -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .accept_encoding("identity")
        .timeout_connect(Some(patience.reach))
        .timeout_recv_response(Some(patience.reach))
        .timeout_per_read(Some(patience.stall))
        .build()
        .into()
}

/// Reason why there is no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GetError {
    /// The address, or one it redirects to, is not allowed.
    #[error("{0}")]
    Refused(String),
    /// The request failed.
    #[error("{}", reason(.0))]
    Failed(ureq::Error),
}

impl GetError {
    /// `true` if a retry may succeed.
    pub(crate) fn is_passing(&self) -> bool {
        let GetError::Failed(error) = self else {
            return false;
        };
        !matches!(
            error,
            ureq::Error::HostNotFound
                | ureq::Error::BadUri(_)
                | ureq::Error::Http(_)
                | ureq::Error::Tls(_)
                | ureq::Error::InvalidProxyUrl
        )
    }
}

/// Requests an address and follows its redirects. `headers` go to every hop; `token` (the value of
/// `Authorization`) goes to the address itself only, if that has the token's origin; the whole response,
/// including its body, must arrive before `until`.
pub(crate) fn get(
    agent: &ureq::Agent,
    address: &str,
    headers: &[(&str, &str)],
    token: Option<(&Origin, &str)>,
    until: Option<Instant>,
) -> Result<Response<Body>, GetError> {
    let mut at = address.split('#').next().unwrap_or_default().to_string();
    let mut token = token;
    for _ in 0..=MOST_HOPS {
        let Some(origin) = Origin::of(&at).filter(|_| is_address(&at)) else {
            return Err(GetError::Refused(
                "it is no address that can be asked".into(),
            ));
        };
        let mut request = agent.get(&at);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some((_, token)) = token
            .take()
            .filter(|(own, _)| **own == origin && origin.keeps_secrets())
        {
            request = request.header("Authorization", token);
        }
        if let Some(until) = until {
            let left = until
                .saturating_duration_since(Instant::now())
                .max(Duration::from_millis(1));
            request = request.config().timeout_global(Some(left)).build();
        }
        let answer = request.call().map_err(GetError::Failed)?;
        if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(answer);
        }
        let location = answer
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok());
        let next = location.and_then(|location| resolved(&at, location));
        let Some(next) = next else {
            return Err(GetError::Refused(
                "it redirects, but not to an address".into(),
            ));
        };
        let next = next.split('#').next().unwrap_or_default().to_string();
        if !is_address(&next) {
            let shown = shown_address(&next);
            return Err(GetError::Refused(format!(
                "it redirects to `{shown}`, which is neither http nor https"
            )));
        }
        if origin.is_https() && !Origin::of(&next).is_some_and(|origin| origin.is_https()) {
            let shown = shown_address(&next);
            return Err(GetError::Refused(format!(
                "it redirects to `{shown}`, which is not encrypted"
            )));
        }
        at = next;
    }
    Err(GetError::Refused(format!(
        "it redirects more than {MOST_HOPS} times"
    )))
}
