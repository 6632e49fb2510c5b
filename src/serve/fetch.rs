//! Files that clients name by their address: straight into the spool, in pieces.
//!
//! A thread asks and reads, since the client of HTTP blocks; the pieces pass through a channel to the request that
//! waits for them, which counts and writes them. If the request is given up, the thread ends at its next piece.

use super::error::ApiError;
use super::limits::seconds;
use super::names::clean_name;
use super::outbound::{Refusal, Rules, Target, file_name, refusal_of};
use super::request;
use super::spool::Incoming;
use super::state::Server;
use super::upload::Budget;
use crate::net::{TraceContext, file_name_of, reason, resolved, shown_address};
use axum::http::StatusCode;
use bytes::Bytes;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::{self, Sender};
use ureq::Body;
use ureq::http::header::{
    CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, LOCATION,
};
use ureq::http::{HeaderMap, Response};

/// Most redirects that are followed.
const MOST_HOPS: usize = 5;
/// Bytes of a piece.
const PIECE: usize = 64 << 10;
/// Pieces that wait to be written.
const AHEAD: usize = 4;
/// Seconds after which a client may try again when many files are fetched.
const BUSY: u64 = 5;

/// What was fetched, besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fetched {
    /// The file's name, as data.
    pub name: String,
    /// Its media type in lower case, without parameters; empty if the server tells none.
    pub content_type: String,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Refused(Refusal),
    #[error("it redirects to an address that is not asked: {0}")]
    RefusedHop(Refusal),
    #[error("it redirects to an address without encryption")]
    Downgrade,
    #[error("it redirects more than {MOST_HOPS} times")]
    TooManyHops,
    #[error("it redirects, but not to an address")]
    NoLocation,
    #[error("the server answered with status {0}")]
    Status(u16),
    #[error("its content is encoded in a way that was not asked for")]
    Encoded,
    #[error("it is larger than the request may be")]
    TooLarge,
    #[error("it did not come in time")]
    TimeUp,
    #[error("its server cannot be reached")]
    OutOfReach,
    #[error("{}", reason(.0))]
    Failed(ureq::Error),
    #[error("it broke off")]
    BrokeOff,
    #[error("many files are being fetched; try again later")]
    Busy,
}

impl Failure {
    /// Word for the metrics.
    fn name(&self) -> &'static str {
        match self {
            Failure::Refused(_) | Failure::RefusedHop(_) | Failure::Downgrade => "refused",
            Failure::TooLarge => "too_large",
            Failure::TimeUp | Failure::OutOfReach => "time_up",
            Failure::Busy => "busy",
            _ => "failed",
        }
    }

    fn told(&self, server: &Server, address: &str) -> ApiError {
        let shown = shown_address(address);
        let message = format!("`{shown}` cannot be fetched: {self}");
        let failed = |status| ApiError::new(status, "fetch_failed", message.clone());
        match self {
            Failure::Refused(Refusal::NoAddress) => ApiError::settings(message),
            Failure::Refused(_) | Failure::RefusedHop(_) | Failure::Downgrade => {
                ApiError::not_allowed(message)
            }
            Failure::TooLarge => {
                let what = format_args!("`{shown}` is too large");
                ApiError::too_large(&server.options.limits, "max_upload_size", what)
            }
            // The address is wrong, or leads nowhere: the client can mend that.
            Failure::Status(400..=499)
            | Failure::TooManyHops
            | Failure::NoLocation
            | Failure::Encoded => failed(StatusCode::UNPROCESSABLE_ENTITY),
            Failure::TimeUp => {
                let limit = server.options.limits.named("fetch_timeout");
                let flag = limit.map(|limit| format!(" ({})", limit.flag()));
                let message = message + &flag.unwrap_or_default();
                ApiError {
                    limit,
                    ..ApiError::new(StatusCode::GATEWAY_TIMEOUT, "fetch_failed", message)
                }
            }
            Failure::OutOfReach => failed(StatusCode::GATEWAY_TIMEOUT),
            Failure::Busy => ApiError {
                retry_after: Some(BUSY),
                ..ApiError::new(StatusCode::TOO_MANY_REQUESTS, "overloaded", message)
            },
            _ => failed(StatusCode::BAD_GATEWAY),
        }
    }
}

/// What comes out of the thread, in this order.
enum Piece {
    Head(Fetched),
    Bytes(Bytes),
    End,
}

type Pieces = Sender<Result<Piece, Failure>>;

/// Fetches a file into `incoming`, under `name` if it is given, else under the name that its server or its address
/// gives. The bytes count against `budget`.
pub(crate) async fn fetch(
    server: &Server,
    incoming: &mut Incoming,
    address: &str,
    name: Option<&str>,
    budget: &mut Budget<'_>,
) -> Result<Fetched, ApiError> {
    if !server.options.allow_url_fetch {
        return Err(ApiError::not_allowed(
            "this server fetches no addresses (`allow_url_fetch`): send the file itself",
        ));
    }
    let told = |failure: Failure| {
        server.metrics.fetched(failure.name());
        failure.told(server, address)
    };
    let began = Instant::now();
    let outbound = &server.outbound;
    let target = outbound.files.target(address);
    let target = target.map_err(|refusal| told(Failure::Refused(refusal)))?;
    let host = target.host.clone();
    let time = seconds(server.options.limits.fetch_timeout);
    let turn = tokio::time::timeout(time, outbound.turns.clone().acquire_owned());
    let Ok(Ok(turn)) = turn.await else {
        return Err(told(Failure::Busy));
    };
    let (sender, mut pieces) = mpsc::channel(AHEAD);
    let (rules, until, most) = (outbound.files.clone(), Instant::now() + time, budget.left());
    let trace = request::trace();
    let asked = trace.clone();
    tokio::task::spawn_blocking(move || {
        // Held for as long as the thread is busy, and not only as long as somebody waits.
        let _turn = turn;
        let agent = rules.agent();
        if let Err(failure) = download(
            &rules,
            &agent,
            target,
            asked.as_ref(),
            (until, most),
            &sender,
        ) {
            // Nobody waits any more.
            let _ = sender.blocking_send(Err(failure));
        }
    });
    let mut file = incoming.begin()?;
    let mut head = None;
    let mut size = 0;
    let fetched = loop {
        match pieces.recv().await {
            Some(Ok(Piece::Head(fetched))) => head = Some(fetched),
            Some(Ok(Piece::Bytes(bytes))) => {
                size += bytes.len();
                let written = budget.write(&mut file, &bytes);
                written.inspect_err(|error| {
                    server.metrics.fetched(match error.code {
                        "too_large" => "too_large",
                        _ => "failed",
                    });
                })?;
            }
            Some(Ok(Piece::End)) => break head,
            Some(Err(failure)) => return Err(told(failure)),
            None => break None,
        }
    };
    let mut fetched = fetched.ok_or_else(|| told(Failure::BrokeOff))?;
    if let Some(name) = name {
        fetched.name = clean_name(name);
    }
    incoming.end(file, fetched.name.clone())?;
    server.metrics.fetched("fetched");
    let ms = began.elapsed().as_millis() as u64;
    // The host, and not the path: that may hold names.
    let trace = trace.as_ref().map(TraceContext::parent);
    tracing::info!(host, trace, size, ms, "fetched");
    Ok(fetched)
}

/// Asks for a file along its redirects, and passes it on.
fn download(
    rules: &Arc<Rules>,
    agent: &ureq::Agent,
    target: Target,
    trace: Option<&TraceContext>,
    (until, most): (Instant, u64),
    pieces: &Pieces,
) -> Result<(), Failure> {
    let (response, last) = follow(rules, agent, target.clone(), trace, until)?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(Failure::Status(status));
    }
    let headers = response.headers();
    // What the client of HTTP can decode it has decoded, and no longer says so. Those bytes are counted.
    let encoding = headers.get(CONTENT_ENCODING);
    if encoding.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Failure::Encoded);
    }
    let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok());
    let length: Option<u64> = length.and_then(|length| length.trim().parse().ok());
    if length.is_some_and(|length| length > most) {
        return Err(Failure::TooLarge);
    }
    let fetched = Fetched {
        name: name_of(headers, &target.text, &last.text),
        content_type: media_type(headers),
    };
    let send = |piece: Piece| pieces.blocking_send(Ok(piece)).is_ok();
    if !send(Piece::Head(fetched)) {
        return Ok(());
    }
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; PIECE];
    loop {
        match body.read(&mut buffer) {
            Ok(0) => {
                send(Piece::End);
                return Ok(());
            }
            Ok(count) => {
                if Instant::now() >= until {
                    return Err(Failure::TimeUp);
                }
                if !send(Piece::Bytes(Bytes::copy_from_slice(&buffer[..count]))) {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) if Instant::now() >= until => return Err(Failure::TimeUp),
            Err(_) => return Err(Failure::BrokeOff),
        }
    }
}

/// The answer behind all redirects, and where it came from. Each address on the way is checked as the first was.
fn follow(
    rules: &Rules,
    agent: &ureq::Agent,
    target: Target,
    trace: Option<&TraceContext>,
    until: Instant,
) -> Result<(Response<Body>, Target), Failure> {
    let mut target = target;
    for hop in 0..=MOST_HOPS {
        let left = until.saturating_duration_since(Instant::now());
        let left = left.max(Duration::from_millis(1));
        let mut request = agent.get(target.uri.clone());
        for (name, value) in trace.iter().flat_map(|trace| trace.headers()) {
            request = request.header(name, value);
        }
        let request = request.config();
        let response = request.timeout_global(Some(left)).build().call();
        let response = response.map_err(|error| match (refusal_of(&error), error) {
            (Some(refusal), _) if hop == 0 => Failure::Refused(refusal),
            (Some(refusal), _) => Failure::RefusedHop(refusal),
            _ if Instant::now() >= until => Failure::TimeUp,
            (_, ureq::Error::Timeout(ureq::Timeout::Global)) => Failure::TimeUp,
            (_, ureq::Error::Timeout(_)) => Failure::OutOfReach,
            (_, error) => Failure::Failed(error),
        })?;
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok((response, target));
        }
        let location = response.headers().get(LOCATION);
        let location = location.ok_or(Failure::NoLocation)?.as_bytes();
        target = next_hop(rules, &target, &String::from_utf8_lossy(location))?;
    }
    Err(Failure::TooManyHops)
}

/// Where a redirect leads.
fn next_hop(rules: &Rules, from: &Target, location: &str) -> Result<Target, Failure> {
    let next = resolved(&from.text, location).ok_or(Failure::NoLocation)?;
    let next = rules.target(&next).map_err(Failure::RefusedHop)?;
    match from.is_https && !next.is_https {
        true => Err(Failure::Downgrade),
        false => Ok(next),
    }
}

fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next();
    kind.unwrap_or_default().trim().to_ascii_lowercase()
}

/// The name that the server gives a file, or that of its address. What stands in front of redirects is what people see;
/// it is no name of a file if it has no ending, and then that behind them may be one.
fn name_of(headers: &HeaderMap, asked: &str, last: &str) -> String {
    let told = headers.get(CONTENT_DISPOSITION);
    let told = told.and_then(|value| file_name(value.as_bytes()));
    let told = told.unwrap_or_else(|| {
        let (asked, last) = (file_name_of(asked), file_name_of(last));
        match !asked.contains('.') && last.contains('.') {
            true => last,
            false => asked,
        }
    });
    clean_name(&told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::outbound::FakeNames;
    use std::io::{BufRead, BufReader, Write};
    use std::net::{IpAddr, SocketAddr, TcpListener};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A server that says one thing, and counts who comes.
    fn server(number: &str, answer: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = TcpListener::bind((number, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::SeqCst);
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let _ = lines
                    .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                    .count();
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        (address, count)
    }

    /// The number that stands for the public network.
    fn is_second(number: IpAddr) -> bool {
        number == IpAddr::from([127, 0, 0, 2])
    }

    /// What a server gets at an address whose name leads to the next number each time that it is looked up, and how often it
    /// was.
    fn ask(address: &str, leads: &[SocketAddr]) -> (Result<Vec<u8>, Failure>, usize) {
        let rules = Arc::new(Rules {
            hosts: Vec::new(),
            ports: vec![0],
            is_reachable: is_second,
        });
        let names = FakeNames::new(leads.iter().map(|number| vec![*number]).collect());
        let agent = rules.agent_with(names.clone());
        let target = rules.target(address).unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        let (sender, mut receiver) = mpsc::channel(100);
        let done = download(&rules, &agent, target, None, (until, 1000), &sender);
        drop(sender);
        let mut bytes = Vec::new();
        while let Some(Ok(piece)) = receiver.blocking_recv() {
            if let Piece::Bytes(more) = piece {
                bytes.extend_from_slice(&more);
            }
        }
        (done.map(|()| bytes), names.lookups())
    }

    const HERE: &str = "HTTP/1.1 200 x\r\nContent-Length: 6\r\nConnection: close\r\n\r\npublic";
    const AGAIN: &str =
        "HTTP/1.1 302 x\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const INNER: &str = "HTTP/1.1 200 x\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret";

    #[test]
    fn redirects_are_checked_as_first_addresses_are() {
        let rules = Rules {
            hosts: Vec::new(),
            ports: vec![80, 443],
            is_reachable: crate::serve::outbound::is_public,
        };
        let from = |address: &str| rules.target(address).unwrap();
        let (open, closed) = (
            from("http://example.org/a?secret"),
            from("https://example.org/a?secret"),
        );
        let check = |from: &Target, location: &str| match next_hop(&rules, from, location) {
            Ok(next) => next.text,
            Err(failure) => failure.name().to_string(),
        };
        for (location, leads) in [
            ("https://example.net/b", "https://example.net/b"),
            ("//example.net/b", "https://example.net/b"),
            ("b", "https://example.org/b"),
            ("?b", "https://example.org/a?b"),
            ("http://example.org/b", "refused"),
            ("HTTP://example.net/", "refused"),
            ("file:///etc/passwd", "refused"),
            ("https://127.0.0.1/", "refused"),
            ("//169.254.169.254/latest", "refused"),
            ("//[::ffff:10.0.0.1]/", "refused"),
            ("https://localhost/", "refused"),
            ("https://me@example.net/", "refused"),
            ("https://example.net:22/", "refused"),
            ("data:text/plain,x", "failed"),
            ("", "failed"),
        ] {
            assert_eq!(check(&closed, location), leads, "{location}");
        }
        assert_eq!(check(&open, "https://a.example/"), "https://a.example/");
        assert_eq!(check(&open, "/b"), "http://example.org/b");
        assert_eq!(check(&open, "http://10.0.0.1/"), "refused");
    }

    #[test]
    fn names_come_from_servers_or_addresses() {
        let name = |told: Option<&[u8]>, asked: &str, last: &str| {
            let mut headers = HeaderMap::new();
            if let Some(told) = told {
                headers.insert(CONTENT_DISPOSITION, told.try_into().unwrap());
            }
            name_of(&headers, asked, last)
        };
        let told: &[u8] = b"attachment; filename=\"../../etc/x.pdf\"";
        assert_eq!(
            name(Some(told), "http://h/a.pdf", "http://h/b.pdf"),
            "x.pdf"
        );
        assert_eq!(name(None, "http://h/a.pdf?x", "http://h/b.pdf"), "a.pdf");
        assert_eq!(name(None, "http://h/get?id=1", "http://h/b.pdf"), "b.pdf");
        assert_eq!(name(None, "http://h/", "http://h/"), "download");
        assert_eq!(name(None, "http://h/%2e%2e%2fx.pdf", ""), "_x.pdf");
    }

    #[test]
    fn a_name_that_leads_elsewhere_the_second_time_reaches_nothing() {
        let (inner, visits) = server("127.0.0.1", INNER);
        let (outer, _) = server("127.0.0.2", AGAIN);
        let (got, lookups) = ask("http://rebind.example/", &[outer, inner]);
        assert!(
            matches!(got, Err(Failure::RefusedHop(Refusal::NotPublic))),
            "{got:?}"
        );
        assert_eq!((lookups, visits.load(Ordering::SeqCst)), (2, 0));
    }

    #[test]
    fn the_number_that_was_checked_is_the_one_that_is_asked() {
        let (inner, visits) = server("127.0.0.1", INNER);
        let (outer, _) = server("127.0.0.2", HERE);
        // Had anything looked the name up again, it would have come to the inner server.
        let (got, lookups) = ask("http://rebind.example/", &[outer, inner]);
        assert_eq!(got.unwrap(), b"public");
        assert_eq!((lookups, visits.load(Ordering::SeqCst)), (1, 0));
    }
}
