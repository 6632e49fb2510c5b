//! Asking for an address, along its redirects.
//!
//! Redirects are followed here and not by the HTTP client, so that each hop is judged: only `http` and `https`, never from an
//! encrypted address to one that is not, no more than `MOST_HOPS`, and a secret goes to the address that was asked for and
//! along no redirect, wherever that leads: what a hub keeps elsewhere is signed.

use super::address::{Origin, is_address, resolved, shown_address};
use super::capped::reason;
use std::time::{Duration, Instant};
use ureq::Body;
use ureq::http::Response;

/// Redirects that are followed.
const MOST_HOPS: usize = 10;

/// How long is waited for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To reach a server, and for it to begin to answer.
    pub reach: Duration,
    /// Without a byte, once it answers.
    pub stall: Duration,
}

/// A client for [`get`]: no redirects of its own, statuses are answers, and what comes shall come as it is: bytes on the way are
/// then those that are counted. (A server that packs its answer all the same is unpacked.)
pub fn agent(patience: Patience) -> ureq::Agent {
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

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// It, or where it leads, is not asked.
    #[error("{0}")]
    Refused(String),
    /// It could not be asked.
    #[error("{}", reason(.0))]
    Failed(ureq::Error),
}

impl GetError {
    /// Whether another attempt may fare better.
    pub fn is_passing(&self) -> bool {
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

/// Asks for an address and where it redirects to. `headers` go to every hop, `token` (the value of `Authorization`) to the address
/// itself, where that is of the token's origin; `until` is when all of it must be there, the body included.
pub fn get(
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
