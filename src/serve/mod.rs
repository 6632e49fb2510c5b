//! `docparse serve`: the engine behind HTTP.
//!
//! ```text
//! socket -> http (id, key, log) -> routes -> upload -> order -> spool (jobs on disk)
//!                                     |                          |
//!                                     +- wait, stream, results <-+-> work (claims jobs) -> engine -> files
//! ```
//!
//! * Tokio holds sockets and nothing else: the engine keeps its threads, and what blocks runs on threads for that.
//! * Every order is a job in the spool before it is answered; a request that waits for its result waits for a job.
//! * The port opens first; the pipeline is loaded meanwhile.
//! * Nothing that a client sends becomes a path, and no file, key or query gets into a log.

mod admission;
mod body;
mod choice;
mod deliver;
mod docling;
mod engine_numbers;
mod error;
mod fetch;
mod finished;
mod health;
mod http;
mod json_size;
mod keys;
mod limits;
mod links;
mod metrics;
mod names;
mod news;
mod notices;
mod observe;
mod openapi;
mod order;
mod outbound;
mod parsed;
mod ppocr;
mod request;
mod routes;
mod running;
mod selftest;
mod settings;
mod small_file;
mod spool;
mod state;
mod steady;
mod tls;
mod upload;
mod view;
mod wait;
mod work;

pub(crate) use limits::Limits;
pub(crate) use links::LinkOptions;
pub(crate) use outbound::{HostPattern, OutboundOptions};
pub(crate) use state::{Loaded, ServeOptions};
pub(crate) use tls::TlsFiles;

use crate::fault::{Fault, Reason};
use health::Phase;
use news::Seen;
use state::Server;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tls::Tls;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Threads that hold sockets.
const SOCKET_THREADS: usize = 2;
/// Interval of looks at jobs that end.
const LOOK: Duration = Duration::from_millis(50);
/// Time for jobs to be given back once their time is over.
const LAST_MOMENT: Duration = Duration::from_secs(3);

/// Loads the pipeline.
pub(crate) type Load = Box<dyn FnOnce() -> Result<Loaded, Fault> + Send>;

/// Serves until it is told to end; fails if it cannot start, or its engine ends.
///
/// `told` gets the address once the port is open.
pub(crate) fn run(options: ServeOptions, load: Load, told: impl FnOnce(&str)) -> Result<(), Fault> {
    let server = Arc::new(Server::new(options)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(SOCKET_THREADS)
        .enable_all()
        .build()
        .map_err(|error| Fault::io("no thread can be started", &error))?;
    let address = (server.options.host.clone(), server.options.port);
    let shown = format!("{}:{}", address.0, address.1);
    let fail =
        |error: std::io::Error| Fault::io(format_args!("cannot listen at `{shown}`"), &error);
    let listener = runtime.block_on(TcpListener::bind(address)).map_err(fail)?;
    let local = listener.local_addr().map_err(fail)?;
    told(&local.to_string());
    let loading = server.clone();
    let started = thread::Builder::new().name("load".into()).spawn(move || {
        if let Err(fault) = make_ready(&loading, load) {
            tracing::error!(reason = fault.reason.name(), "{fault}");
            loading.fail();
        }
    });
    started.map_err(|error| Fault::io("no thread can be started", &error))?;
    let (renewing, seen) = (server.clone(), server.renewal.seen());
    let started = thread::Builder::new().name("files".into());
    let started = started.spawn(move || renew(&renewing, seen));
    started.map_err(|error| Fault::io("no thread can be started", &error))?;
    runtime.block_on(async {
        tokio::spawn(signals(server.clone()));
        let listening = tokio::spawn(http::listen(server.clone(), listener));
        server.ended().await;
        drain(&server).await;
        // Requests that still wait are told where their jobs are, or break off.
        let _ = tokio::time::timeout(LAST_MOMENT, listening).await;
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    match server.has_failed() {
        false => Ok(()),
        true => Err(Fault::new(
            Reason::Internal,
            "the server cannot go on; its log says why",
        )),
    }
}

/// Loads the pipeline, sends a page through it, and begins to work.
fn make_ready(server: &Arc<Server>, load: Load) -> Result<(), Fault> {
    let loaded = Arc::new(load()?);
    server
        .health
        .set(Phase::Starting("the self-test is under way".into()));
    selftest::run(&loaded)?;
    server.metrics.watch(loaded.engine.counters());
    let _ = server.loaded.set(loaded.clone());
    work::start(server, &loaded)
        .and_then(|()| deliver::start(server))
        .map_err(|error| Fault::io("no thread can be started", &error))?;
    server.health.set(Phase::Ready);
    tracing::info!("ready");
    Ok(())
}

/// Ends the server at SIGTERM or SIGINT, and reads its files again at SIGHUP.
async fn signals(server: Arc<Server>) {
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    ) else {
        tracing::warn!("signals cannot be caught");
        return;
    };
    loop {
        tokio::select! {
            _ = term.recv() => return server.drain(),
            _ = int.recv() => return server.drain(),
            _ = hup.recv() => server.renewal.tell(),
        }
    }
}

/// Reads the files again whenever it is told to, on a thread of its own: what stands in a file's place may block. They are
/// read in order, and once more if it is told in the middle, so that what is read last is what was there last.
fn renew(server: &Server, mut seen: Seen) {
    loop {
        server.renewal.wait(seen, Duration::MAX);
        seen = server.renewal.seen();
        reload(server);
    }
}

/// Reads the API keys, the secret of webhooks and the certificate again.
fn reload(server: &Server) {
    match server.keys.reload() {
        Ok(count) => tracing::info!("{count} API keys were read"),
        Err(fault) => tracing::error!("{fault}; the keys of before stay"),
    }
    if let Err(fault) = server.outbound.webhooks.reload() {
        tracing::error!("{fault}; the secret of before stays");
    }
    match server.tls.as_ref().map(Tls::reload) {
        Some(Ok(())) => tracing::info!("the certificate was read"),
        Some(Err(fault)) => tracing::error!("{fault}; the certificate of before stays"),
        None => {}
    }
}

/// Lets the jobs under way end within the time for it, and gives the others back to the queue.
async fn drain(server: &Arc<Server>) {
    let time = limits::seconds(server.options.limits.drain_timeout);
    let begun = tokio::time::Instant::now();
    let is_busy = || server.work.count() + server.outbound.webhooks.count() > 0;
    while is_busy() && begun.elapsed() < time {
        tokio::time::sleep(LOOK).await;
    }
    server.work.give_back_all();
    let begun = tokio::time::Instant::now();
    while server.work.count() > 0 && begun.elapsed() < LAST_MOMENT {
        tokio::time::sleep(LOOK).await;
    }
    server.notices.tell_all();
}
