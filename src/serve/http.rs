//! Sockets: connections, and what all requests have in common: an id, a key, a line in the log, a number in the
//! metrics, and an answer in the shape of their dialect if they fail.

use super::error::ApiError;
use super::keys::Owner;
use super::limits::seconds;
use super::links::Named;
use super::request::{self, Place, RequestId, is_json};
use super::routes;
use super::state::Server;
use super::steady::{self, SteadyStream};
use super::wait;
use crate::net::{TRACEPARENT, TraceContext};
use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Query, Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, HOST, HeaderName, RETRY_AFTER, UPGRADE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1::UpgradeableConnection;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tower_http::catch_panic::CatchPanicLayer;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Time for the head of a request to come.
const HEAD: Duration = Duration::from_secs(20);
/// Time for a client to agree on encryption.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections for probes besides the others.
const RESERVE: usize = 32;
/// Time for each of the two on a connection of the reserve, where silent clients would otherwise leave no room for probes.
const HASTE: Duration = Duration::from_secs(1);
/// Pause after a connection could not be taken, for want of descriptors.
const REST: Duration = Duration::from_millis(50);

/// The dialects, by the shape of their errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// Ours.
    Own,
    /// The reference's: `logId`, `errorCode`, `errorMsg`.
    Reference,
    /// Those that say `detail`.
    Detail,
}

impl Dialect {
    /// That of a path; `is_json`: of a request with a JSON body.
    fn of(path: &str, is_json: bool) -> Dialect {
        let is_below = |root: &str| path == root || path.starts_with(&format!("{root}/"));
        if is_below("/v1/jobs") || is_below("/v1/capabilities") || is_below("/metrics") {
            Dialect::Own
        } else if path == "/ocr" && is_json {
            // Two services have this path.
            Dialect::Reference
        } else if ["/v1", "/ocr", "/system"].iter().any(|root| is_below(root)) {
            Dialect::Detail
        } else {
            Dialect::Reference
        }
    }
}

impl IntoResponse for ApiError {
    /// An empty answer that carries the error; the shape is put around it where the request is known.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// All routes of a server.
pub(crate) fn router(server: &Arc<Server>) -> Router {
    routes::all()
        .fallback(|uri: Uri| async move { ApiError::not_found(routes::why_not_there(uri.path())) })
        // Bodies are counted where they are received.
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(
            |_: Box<dyn std::any::Any + Send>| {
                ApiError::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "a fault of docparse itself; its log says more",
                )
                .into_response()
            },
        ))
        .layer(middleware::from_fn_with_state(server.clone(), around))
        .with_state(server.clone())
}

/// What goes around every request.
async fn around(State(server): State<Arc<Server>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request
        .headers()
        .get(&REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| is_plain_id(id))
        .map_or_else(uuid, String::from);
    let trace = request::trace_of(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_string());
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("(none)", MatchedPath::as_str).to_string();
    let dialect = Dialect::of(&path, is_json(request.headers()));
    let link = link_of(&server, &request, &route);
    let owner = match has_one_host(request.headers()) {
        true => owner_of(&server, owner_of_key(&server, &request, &route), link).await,
        false => Err(ApiError::bad_request(
            "the request has more than one `Host`, so it is not clear where it was sent to",
        )),
    };
    request.extensions_mut().insert(RequestId(id.clone()));
    let response = match owner {
        Err(error) => error.into_response(),
        Ok(None) if needs_key(&path) => ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "an API key is needed: `Authorization: Bearer KEY` or `X-API-Key: KEY`",
        )
        .into_response(),
        Ok(owner) => {
            let owner = owner.unwrap_or(Owner(String::new()));
            request.extensions_mut().insert(owner);
            let patience = seconds(server.options.limits.read_timeout);
            let request = request.map(|body| steady::paced(body, patience));
            request::traced(trace.clone(), next.run(request)).await
        }
    };
    let error = response
        .extensions()
        .get::<ApiError>()
        .map(|error| error.code);
    let mut response = shaped(response, dialect, &id);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    let trace = trace.as_ref().map(TraceContext::parent);
    if let Some(Ok(value)) = trace.map(HeaderValue::from_str) {
        headers.insert(TRACEPARENT, value);
    }
    headers.insert(
        "x-content-type-options",
        HeaderValue::from_static("nosniff"),
    );
    let (status, time) = (response.status().as_u16(), began.elapsed());
    server.metrics.answered(&route, (status, error), time);
    let (method, ms) = (method.as_str(), time.as_millis() as u64);
    // The route, and not the path: that may hold names. Never the query. Probes are asked for all the time.
    if needs_key(&path) {
        tracing::info!(
            request_id = id,
            trace,
            method,
            route,
            status,
            error,
            ms,
            "request"
        );
    } else {
        tracing::debug!(
            request_id = id,
            trace,
            method,
            route,
            status,
            error,
            ms,
            "request"
        );
    }
    response
}

/// `false` for what RFC 9112, 3.2 has servers refuse: a proxy in front may have looked at another `Host` than we do.
fn has_one_host(headers: &HeaderMap) -> bool {
    headers.get_all(HOST).iter().nth(1).is_none()
}

/// The file of a result that is asked for by an address with a signature.
fn link_of(server: &Server, request: &Request, route: &str) -> Option<Named> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let target = request.uri().path_and_query()?.as_str();
    match is_read && route == routes::RESULT_FILE {
        true => server.links.read(target),
        false => None,
    }
}

/// The owner of a request's key, which a WebSocket may have in its query.
fn owner_of_key(server: &Server, request: &Request, route: &str) -> Option<Owner> {
    let of_headers = server.keys.owner(request.headers());
    if of_headers.is_some() || route != routes::TASK_SOCKET {
        return of_headers;
    }
    let query = Query::<routes::SocketQuery>::try_from_uri(request.uri());
    server.keys.owner_of(&query.ok()?.0.api_key?)
}

/// Who sends a request: the owner of its key, or, with a signature, of the file that it opens. `None` without either.
///
/// A signature counts for exactly its job and file, so whoever has one is the owner for that one request. One that is wrong
/// or has ended is told as such, unless a key decides.
async fn owner_of(
    server: &Arc<Server>,
    owner: Option<Owner>,
    link: Option<Named>,
) -> Result<Option<Owner>, ApiError> {
    match link {
        Some(named) if named.is_signed => {
            let (server, id) = (server.clone(), named.id);
            let record = wait::blocking(move || server.spool.record(&id)).await??;
            let owner = record.map(|record| Owner(record.owner.clone()));
            owner
                .map(Some)
                .ok_or_else(|| ApiError::not_found("the job and its result are gone"))
        }
        Some(_) if owner.is_none() || !server.keys.are_needed() => Err(ApiError::not_allowed(
            "this address is not valid, or its time is over; ask for the result again",
        )),
        _ => Ok(owner),
    }
}

/// A random UUID, as the reference names requests.
fn uuid() -> String {
    let mut digits = super::spool::random();
    // Version 4, variant 1.
    digits.replace_range(12..13, "4");
    digits.replace_range(16..17, "a");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| &digits[part]);
    parts.join("-")
}

/// Everything that touches documents needs a key.
fn needs_key(path: &str) -> bool {
    let is_page = path.starts_with("/static/") || matches!(path, "/" | "/docs" | "/openapi.json");
    let is_probe = matches!(
        path,
        "/health" | "/livez" | "/readyz" | "/ready" | "/startupz" | "/metrics" | "/version"
    );
    !(is_page || is_probe)
}

fn is_plain_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Puts the shape of the dialect around an error.
fn shaped(mut response: Response, dialect: Dialect, id: &str) -> Response {
    let error = response.extensions_mut().remove::<ApiError>();
    let log_id = response.extensions_mut().remove::<RequestId>();
    let error = error.or_else(|| {
        (response.status() == StatusCode::METHOD_NOT_ALLOWED).then(|| {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            ApiError::new(status, "method_not_allowed", "Method Not Allowed")
        })
    });
    // What the framework refuses by itself is told in words of its own.
    let is_foreign = error.is_none()
        && response.status() == StatusCode::BAD_REQUEST
        && response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let unreadable =
        || ApiError::bad_request("the path or the query of the request cannot be read");
    let Some(error) = error.or_else(|| is_foreign.then(unreadable)) else {
        return response;
    };
    let body = match dialect {
        Dialect::Own => error.to_json(id),
        Dialect::Reference => json!({
            "logId": log_id.as_ref().map_or(id, |RequestId(id)| id),
            "errorCode": error.status.as_u16(),
            "errorMsg": error.message,
        }),
        Dialect::Detail => match error.detail {
            Some(detail) => json!({"detail": detail}),
            None => json!({"detail": error.message}),
        },
    };
    let allow = response.headers().get(ALLOW).cloned();
    let mut response = (error.status, Json(body)).into_response();
    let headers = response.headers_mut();
    if let Some(seconds) = error.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = allow {
        headers.insert(ALLOW, allow);
    }
    if error.status == StatusCode::UPGRADE_REQUIRED {
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    response
}

/// Takes connections until the server ends, and then waits for requests under way.
pub(crate) async fn listen(server: Arc<Server>, listener: TcpListener) -> io::Result<()> {
    let router = router(&server);
    let most = server.options.limits.max_connections.clamp(1, 1 << 20);
    let room = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(1)));
    let reserve = Arc::new(Semaphore::new(RESERVE));
    let patience = seconds(server.options.limits.read_timeout);
    // Closed once all connections are.
    let (open, mut all_closed) = mpsc::channel::<()>(1);
    loop {
        // When there is no room, a few more connections are taken for probes. Further ones wait in the system's queue.
        let (place, is_full) = match room.clone().try_acquire_owned() {
            Ok(place) => (place, false),
            Err(_) => match reserve.clone().acquire_owned().await {
                Ok(place) => (place, true),
                Err(_) => break,
            },
        };
        let taken = tokio::select! {
            taken = listener.accept() => taken,
            () = server.ended() => break,
        };
        let stream = match taken {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!("a connection cannot be taken: {error}");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (router, full) = (router.clone(), is_full.then(|| server.clone()));
        let place = Place(Arc::new(place));
        let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
            let (router, full) = (router.clone(), full.clone());
            request.extensions_mut().insert(place.clone());
            async move {
                if let Some(server) = full.filter(|_| needs_key(request.uri().path())) {
                    let error = ApiError::overloaded(&server.options.limits, "max_connections");
                    let dialect = Dialect::of(request.uri().path(), is_json(request.headers()));
                    return Ok(shaped(error.into_response(), dialect, &uuid()));
                }
                let answered = tower::ServiceExt::oneshot(router, request.map(Body::new)).await;
                Ok::<_, std::convert::Infallible>(answered.unwrap_or_else(|never| match never {}))
            }
        });
        let (head, handshake) = match is_full {
            false => (HEAD, HANDSHAKE),
            true => (HASTE, HASTE),
        };
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            // One request for each connection of the reserve.
            .keep_alive(!is_full);
        let stream = SteadyStream::new(stream, patience);
        let (server, open) = (server.clone(), open.clone());
        tokio::spawn(async move {
            // A client that breaks off is nothing to tell.
            let _ = match &server.tls {
                None => {
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    served(connection.with_upgrades(), &server).await
                }
                // Here, and not where connections are taken: a client that is slow to agree holds up nobody.
                Some(tls) => {
                    let agreed = tokio::select! {
                        agreed = tls.accept(stream, handshake) => agreed,
                        // Nothing was asked yet that the end could wait for.
                        () = server.ended() => return,
                    };
                    match agreed {
                        Ok(stream) => {
                            let connection =
                                builder.serve_connection(TokioIo::new(stream), service);
                            served(connection.with_upgrades(), &server).await
                        }
                        Err(error) => {
                            tracing::debug!("a connection was not encrypted: {error}");
                            Ok(())
                        }
                    }
                }
            };
            drop(open);
        });
    }
    drop((listener, open));
    all_closed.recv().await;
    Ok(())
}

/// Answers the requests of a connection. Once the server ends, the one under way is the last.
async fn served<I, S, B>(
    connection: UpgradeableConnection<I, S>,
    server: &Server,
) -> hyper::Result<()>
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return done,
        () = server.ended() => {}
    }
    connection.as_mut().graceful_shutdown();
    connection.await
}
