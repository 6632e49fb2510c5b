//! The client: sends a request to a server and reads the whole answer.

use crate::net::{Origin, read_all, reason};
use std::time::Duration;
use ureq::http;

/// Longest answer in bytes.
const MOST_ANSWER: u64 = 64 << 20;

/// What is sent.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub method: String,
    /// With its query.
    pub path: String,
    /// Media type of the body.
    pub kind: String,
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    /// Media type of the body; empty if the server does not say.
    pub kind: String,
    pub body: Vec<u8>,
}

/// Sends a request to the server that is asked; fails if there is no answer.
pub(crate) type Exchange<'a> = dyn Fn(&Request) -> Result<Answer, String> + 'a;

/// A server, and how it is asked.
pub(crate) struct Client {
    agent: ureq::Agent,
    address: String,
    api_key: Option<String>,
}

impl Client {
    /// A client of the server at `address`; an exchange lasts at most `timeout`. Redirects are answers like all others,
    /// so the key goes nowhere else. A proxy of the environment is not asked for servers on this machine.
    pub(crate) fn new(address: &str, api_key: Option<String>, timeout: Option<Duration>) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(timeout);
        let is_here = Origin::of(address).is_some_and(|origin| origin.is_loopback());
        let config = match is_here {
            true => config.proxy(None),
            false => config,
        };
        Client {
            agent: config.build().new_agent(),
            address: address.trim_end_matches('/').to_string(),
            api_key,
        }
    }

    /// Sends a request.
    pub(crate) fn ask(&self, request: &Request) -> Result<Answer, String> {
        let mut head = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{}{}", self.address, request.path));
        if !request.kind.is_empty() {
            head = head.header("content-type", &request.kind);
        }
        // Services differ in where they look for it.
        if let Some(key) = &self.api_key {
            head = head.header("authorization", format!("Bearer {key}"));
            head = head.header("x-api-key", key);
        }
        let told = |error: ureq::Error| reason(&error);
        let answer = match request.method.as_str() {
            "GET" => {
                let request = head.body(()).map_err(|error| error.to_string())?;
                self.agent.run(request).map_err(told)?
            }
            _ => {
                let request = head.body(request.body.as_slice());
                let request = request.map_err(|error| error.to_string())?;
                self.agent.run(request).map_err(told)?
            }
        };
        let kind = answer.headers().get("content-type");
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let (status, kind) = (answer.status().as_u16(), kind.to_string());
        let body = read_all(answer.into_body().into_reader(), MOST_ANSWER);
        let body = body.map_err(|error| error.to_string())?;
        Ok(Answer { status, kind, body })
    }
}
