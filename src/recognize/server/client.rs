//! The client of one or several servers: selection of the server, retries, and giving up.

mod endpoint;
mod failed;

use super::protocol::{Arguments, Completion, Dialect, completion, error_message, models};
use crate::fault::{Fault, Reason};
use crate::net::{
    RetryRules, TraceContext, asked, clean_text, is_passing, pause, read_all, shown_address,
};
use endpoint::{Endpoint, EndpointState};
use failed::{FailedRequest, MOST_BYTES, broken_off, on_the_way, refused};
use serde_json::Value;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Timeout for connecting to a server, and for its list of models.
const REACH: Duration = Duration::from_secs(10);
/// Time to wait for a server's first answer before further requests are sent.
const PROOF: Duration = Duration::from_secs(3);
/// Interval at which a server is looked for again.
const AGAIN: Duration = Duration::from_millis(10);
/// Limit of characters of a server's message in our messages.
const MOST_SHOWN: usize = 300;

/// An API key. It is never displayed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key, or the one that the reference sends if there is none.
    pub fn new(key: Option<String>) -> ApiKey {
        ApiKey(key.unwrap_or_else(|| "null".into()))
    }

    /// Value of the `Authorization` header.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// A text with the key masked.
    fn hidden_in(&self, text: String) -> String {
        if self.0.len() < 4 || self.0 == "null" {
            text
        } else {
            text.replace(&self.0, "(hidden)")
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// The model to request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelName {
    /// The model of this name; if the server does not know it and has a single other one, that.
    Named(String),
    /// The first model that the server lists.
    First,
}

/// Options of the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientOptions {
    /// The servers' dialect.
    pub dialect: Dialect,
    /// Base URLs, without `/chat/completions`.
    pub urls: Vec<String>,
    /// The model.
    pub model: ModelName,
    /// The key.
    pub key: ApiKey,
    /// Additional headers.
    pub headers: Vec<(String, String)>,
    /// Time limit of an attempt.
    pub timeout: Duration,
    /// Time limit of a block, including retries and pauses.
    pub deadline: Option<Duration>,
    /// Rules for retries.
    pub rules: RetryRules,
    /// Connections kept open.
    pub connections: usize,
}

/// The client.
pub(crate) struct Client {
    options: ClientOptions,
    agent: ureq::Agent,
    endpoints: Vec<Endpoint>,
    /// State of the random generator for pauses.
    random: AtomicU64,
}

/// The server selected for an attempt.
enum ServerChoice {
    /// This server.
    Server(usize),
    /// None yet: a server has still to accept the key.
    Later,
    /// None: all refuse the key.
    None(Fault),
}

impl Client {
    /// A client; sends nothing yet.
    pub(crate) fn new(options: ClientOptions) -> Client {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(REACH))
            // Key and headers are for this server only, so redirects are not followed.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(options.connections)
            .max_idle_connections_per_host(options.connections)
            .build()
            .into();
        let name = match &options.model {
            ModelName::Named(name) => Some(name.clone()),
            ModelName::First => None,
        };
        let endpoint = |url: &String| Endpoint {
            url: url.trim_end_matches('/').to_string(),
            shown: shown_address(url.trim_end_matches('/')),
            state: Mutex::new(EndpointState {
                model: name.clone(),
                ..EndpointState::default()
            }),
        };
        let endpoints = options.urls.iter().map(endpoint).collect();
        Client {
            options,
            agent,
            endpoints,
            random: AtomicU64::new(0x9e37_79b9_7f4a_7c15),
        }
    }

    /// Checks that at least one server can be reached; the error lists them all.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        let mut reasons = Vec::new();
        for endpoint in &self.endpoints {
            match self.listed(endpoint) {
                Err(FailedRequest::Unreachable(reason) | FailedRequest::Broken(reason)) => {
                    endpoint.leave_out();
                    reasons.push(format!("`{}`: {reason}", endpoint.shown));
                }
                // Any response proves that it can be reached.
                _ => return Ok(()),
            }
        }
        Err(Fault::new(Reason::Network, reasons.join("; ")))
    }

    /// Sends a request about a crop, as a part of `trace`. `stop` returns `true` if no further attempts should be made.
    pub(crate) fn complete(
        &self,
        image_url: String,
        prompt: &str,
        arguments: &Arguments,
        trace: Option<&TraceContext>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Completion, Fault> {
        let started = Instant::now();
        let left = || match self.options.deadline {
            Some(deadline) => deadline
                .checked_sub(started.elapsed())
                .filter(|left| !left.is_zero()),
            None => Some(Duration::MAX),
        };
        let mut body = self.options.dialect.body("", image_url, prompt, arguments);
        let mut failed = 0;
        // Number of servers unreachable in this attempt, and the one that failed last.
        let mut missed = 0;
        let mut failing = None;
        loop {
            if failed > 0 && stop() {
                return Err(cancelled("cancelled while the server was asked again"));
            }
            let Some(time) = left() else {
                return Err(late(&self.options));
            };
            let number = match self.choose(failing) {
                ServerChoice::Server(number) => number,
                ServerChoice::Later => {
                    std::thread::sleep(AGAIN);
                    match stop() {
                        true => return Err(cancelled("cancelled before the server was asked")),
                        false => continue,
                    }
                }
                ServerChoice::None(fault) => return Err(fault),
            };
            let endpoint = &self.endpoints[number];
            failing = Some(number);
            let time = time.min(self.options.timeout);
            let result = self.attempt(endpoint, &mut body, trace, time);
            self.note(endpoint, &result);
            let (fault, wait) = match result {
                Ok(completion) => {
                    let mut state = endpoint.lock();
                    (state.unreachable, state.troubles, state.left_out_until) = (0, 0, None);
                    return Ok(completion);
                }
                // Another server may accept the key; if none does, the reason is the same for all.
                Err(FailedRequest::Unauthorized(_)) => continue,
                Err(FailedRequest::Final(fault)) => return Err(self.told(endpoint, fault)),
                Err(FailedRequest::Model(reason)) => {
                    match self.adopt_model(endpoint, &body["model"]) {
                        Ok(()) => continue,
                        Err(why) => {
                            return Err(self.told(endpoint, refused(format!("{reason}; {why}"))));
                        }
                    }
                }
                Err(FailedRequest::Key(key)) => {
                    endpoint.leave_key_out(key);
                    continue;
                }
                Err(failed @ FailedRequest::Unreachable(_)) => {
                    endpoint.leave_out();
                    missed += 1;
                    // Another server may be reachable at once.
                    if missed < self.endpoints.len() && self.endpoints.iter().any(Endpoint::is_in) {
                        continue;
                    }
                    missed = 0;
                    (failed.into(), None)
                }
                Err(FailedRequest::Passing(fault, wait)) => (fault, wait),
                Err(failed @ FailedRequest::Broken(_)) => (failed.into(), None),
            };
            let fault: Fault = fault;
            endpoint.note_trouble();
            if failed >= self.options.rules.retries {
                let attempts = failed + 1;
                return Err(self.told(endpoint, also(fault, &format!(" ({attempts} attempts)"))));
            }
            let Some(wait) = pause(failed, wait, self.chance()) else {
                let fault = also(fault, "; the server asks to wait too long");
                return Err(self.told(endpoint, fault));
            };
            if left().is_none_or(|left| wait >= left) {
                let late = late(&self.options);
                return Err(also(late, &format!(": {}", self.told(endpoint, fault))));
            }
            failed += 1;
            sleep(wait, stop);
        }
    }

    /// The server with the fewest requests in flight, preferring those neither excluded nor the last to fail;
    /// its count is incremented.
    ///
    /// A server that refused the key is not used again. Until one has answered otherwise it gets a single
    /// request, for at most [`PROOF`], so that a wrong key costs one request and not all that may be in
    /// flight.
    fn choose(&self, failing: Option<usize>) -> ServerChoice {
        let load = |(number, endpoint): (usize, &Endpoint)| {
            let is_out = !endpoint.is_in();
            let state = endpoint.lock();
            let is_unproven = !state.lets_in
                && state.in_flight > 0
                && state
                    .first_asked
                    .is_some_and(|asked| asked.elapsed() < PROOF);
            if state.refusal.is_some() || is_unproven {
                return None;
            }
            // An unreachable server gets a single request as a probe once its pause is over.
            let is_probed = state.unreachable > 0 && state.in_flight > 0;
            Some((
                (
                    is_out || is_probed,
                    failing == Some(number),
                    state.in_flight,
                ),
                number,
            ))
        };
        if let Some((_, number)) = self.endpoints.iter().enumerate().filter_map(load).min() {
            let mut state = self.endpoints[number].lock();
            // Another thread may have done this first.
            let is_proof_over = state
                .first_asked
                .is_some_and(|asked| asked.elapsed() >= PROOF);
            if state.refusal.is_none() && (state.lets_in || state.in_flight == 0 || is_proof_over) {
                state.in_flight += 1;
                state.first_asked.get_or_insert_with(Instant::now);
                return ServerChoice::Server(number);
            }
            return ServerChoice::Later;
        }
        let refusals: Vec<Fault> = self
            .endpoints
            .iter()
            .filter_map(|e| e.lock().refusal.clone())
            .collect();
        match refusals.len() == self.endpoints.len() {
            true => {
                let told: Vec<String> = refusals.into_iter().map(|fault| fault.message).collect();
                ServerChoice::None(refused(told.join("; ")))
            }
            false => ServerChoice::Later,
        }
    }

    /// Counts a request as finished, and records whether the server accepts the key.
    fn note(&self, endpoint: &Endpoint, result: &Result<Completion, FailedRequest>) {
        let mut state = endpoint.lock();
        state.in_flight -= 1;
        match result {
            Err(FailedRequest::Unauthorized(reason)) => {
                if state.refusal.is_none() {
                    let fault = refused(format!("{reason}; it is not asked again"));
                    let told = self.told(endpoint, fault);
                    tracing::error!("{told}");
                    state.refusal = Some(told);
                }
            }
            Err(FailedRequest::Unreachable(_) | FailedRequest::Broken(_)) => {}
            _ => state.lets_in = true,
        }
    }

    fn attempt(
        &self,
        endpoint: &Endpoint,
        body: &mut Value,
        trace: Option<&TraceContext>,
        timeout: Duration,
    ) -> Result<Completion, FailedRequest> {
        let known = endpoint.lock().model.clone();
        let model = match known {
            Some(model) => model,
            None => {
                let first = self.listed(endpoint)?.into_iter().next();
                let first =
                    first.ok_or_else(|| FailedRequest::Final(refused("it serves no model")))?;
                endpoint.lock().model.insert(first).clone()
            }
        };
        body["model"] = model.into();
        let unknown = endpoint.lock().unknown_keys.clone();
        let bytes = match (unknown.is_empty(), &*body) {
            (false, Value::Object(body)) => {
                let mut body = body.clone();
                body.retain(|key, _| !unknown.contains(&key.as_str()));
                serde_json::to_vec(&body)
            }
            _ => serde_json::to_vec(body),
        };
        let bytes = bytes.map_err(|e| FailedRequest::Final(Fault::internal(e.to_string())))?;
        let url = format!("{}/chat/completions", endpoint.url);
        let mut request = self
            .agent
            .post(&url)
            .header("Authorization", self.options.key.authorization());
        request = request.header("Content-Type", "application/json");
        for (name, value) in &self.options.headers {
            request = request.header(name, value);
        }
        for (name, value) in trace.iter().flat_map(|trace| trace.headers()) {
            // One of the settings goes first.
            let is_set = |(set, _): &(String, String)| set.eq_ignore_ascii_case(name);
            if !self.options.headers.iter().any(is_set) {
                request = request.header(name, value);
            }
        }
        let sent = request
            .config()
            .timeout_global(Some(timeout))
            .build()
            .send(bytes.as_slice());
        let mut response = sent.map_err(on_the_way)?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let wait = asked(header, SystemTime::now());
        let read = read_all(response.body_mut().as_reader(), MOST_BYTES);
        let sent_body = &*body;
        let body = read.map_err(broken_off)?;
        match status {
            200..300 => completion(&body).map_err(FailedRequest::Final),
            _ => {
                let reason = format!("status {status}: {}", error_message(&body));
                let lets_in = endpoint.lock().lets_in;
                Err(match status {
                    401 => FailedRequest::Unauthorized(reason),
                    // Once the key was accepted, it may be about the picture.
                    403 if !lets_in => FailedRequest::Unauthorized(reason),
                    300..400 => FailedRequest::Final(refused(format!(
                        "status {status}: it sends requests on to another address"
                    ))),
                    404 => FailedRequest::Model(reason),
                    400 | 422 => {
                        match dispensable(&reason, sent_body).filter(|key| !unknown.contains(key)) {
                            Some(key) => FailedRequest::Key(key),
                            None => FailedRequest::Final(refused(reason)),
                        }
                    }
                    _ if is_passing(status) => FailedRequest::Passing(refused(reason), wait),
                    _ => FailedRequest::Final(refused(reason)),
                })
            }
        }
    }

    /// Models listed by a server.
    fn listed(&self, endpoint: &Endpoint) -> Result<Vec<String>, FailedRequest> {
        let url = format!("{}/models", endpoint.url);
        let mut request = self
            .agent
            .get(&url)
            .header("Authorization", self.options.key.authorization());
        for (name, value) in &self.options.headers {
            request = request.header(name, value);
        }
        let mut response = request
            .config()
            .timeout_global(Some(REACH))
            .build()
            .call()
            .map_err(on_the_way)?;
        let status = response.status().as_u16();
        let body = read_all(response.body_mut().as_reader(), MOST_BYTES).map_err(broken_off)?;
        match status {
            200..300 => models(&body).map_err(FailedRequest::Final),
            _ => {
                let reason = format!(
                    "its models cannot be listed: status {status}: {}",
                    error_message(&body)
                );
                Err(if status == 401 {
                    FailedRequest::Unauthorized(reason)
                } else {
                    FailedRequest::Final(refused(reason))
                })
            }
        }
    }

    /// When a server does not know the requested model: adopts its only model, and logs that.
    fn adopt_model(&self, endpoint: &Endpoint, asked: &Value) -> Result<(), Fault> {
        // Another request may have adopted it meanwhile.
        if endpoint.lock().model.as_deref() != asked.as_str() {
            return Ok(());
        }
        let listed = self.listed(endpoint)?;
        let mut state = endpoint.lock();
        match listed.as_slice() {
            [only] if Some(only.as_str()) != asked.as_str() => {
                // Another request adopted it while the list was in transit.
                if state.model.as_ref() == Some(only) {
                    return Ok(());
                }
                let named = state.model.as_deref().unwrap_or_default();
                let told = format!(
                    "does not know the model `{named}`: using `{}`, the only one that it serves",
                    clean_text(only, MOST_SHOWN)
                );
                tracing::warn!("`{}` {}", endpoint.shown, self.options.key.hidden_in(told));
                state.model = Some(only.clone());
                Ok(())
            }
            _ if state
                .model
                .as_ref()
                .is_some_and(|model| listed.contains(model)) =>
            {
                Err(refused("though it lists that model"))
            }
            _ => {
                let served = clean_text(&listed.join(", "), MOST_SHOWN);
                Err(refused(format!(
                    "it serves {served}; name one with `vl_rec_api_model_name`"
                )))
            }
        }
    }

    /// A fault of a server, with the key masked.
    fn told(&self, endpoint: &Endpoint, fault: Fault) -> Fault {
        let fault = fault.within(format!("`{}`", endpoint.shown));
        Fault {
            message: self.options.key.hidden_in(fault.message),
            ..fault
        }
    }

    /// A random number from 0 to 1.
    fn chance(&self) -> f64 {
        let step = |state: u64| {
            Some(
                state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1),
            )
        };
        let state = self
            .random
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .unwrap_or_default();
        (state >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A key of the body that the server's refusal names and that can be omitted: servers skip special tokens
/// anyway, and have pixel limits of their own.
fn dispensable(reason: &str, body: &Value) -> Option<&'static str> {
    let is_default = body["skip_special_tokens"] == Value::Bool(true);
    let keys = [
        ("skip_special_tokens", is_default),
        (
            "mm_processor_kwargs",
            !body["mm_processor_kwargs"].is_null(),
        ),
    ];
    keys.into_iter()
        .find(|(key, may_go)| *may_go && reason.contains(key))
        .map(|(key, _)| key)
}

fn late(options: &ClientOptions) -> Fault {
    let seconds = options.deadline.unwrap_or_default().as_secs_f64();
    let message = format!("no answer within the {seconds} seconds that a block may take");
    Fault::new(Reason::TimeUp, message)
}

fn cancelled(message: &str) -> Fault {
    Fault::new(Reason::Cancelled, message)
}

/// The same fault with text appended to its message.
fn also(mut fault: Fault, more: &str) -> Fault {
    fault.message.push_str(more);
    fault
}

/// Sleeps until the time is over or `stop` returns `true`.
fn sleep(time: Duration, stop: &dyn Fn() -> bool) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now())
        && !stop()
    {
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
}
