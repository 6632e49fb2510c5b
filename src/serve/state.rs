//! What the parts of a server share.

use super::health::{Health, Phase};
use super::keys::Keys;
use super::limits::{Limits, seconds};
use super::links::{LinkOptions, Links};
use super::metrics::Metrics;
use super::news::News;
use super::notices::Notices;
use super::outbound::{Outbound, OutboundOptions};
use super::running::Work;
use super::spool::{Spool, random};
use super::tls::{Tls, TlsFiles};
use crate::engine::{self, Engine};
use crate::fault::Fault;
use crate::input::OpenOptions;
use crate::pipeline::RunRequest;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tokio::sync::{Notify, Semaphore};

/// Requests without a job that are worked on at once.
const LIGHT: usize = 2;

/// Options of a server.
#[derive(Debug, Clone)]
pub(crate) struct ServeOptions {
    /// Address that it listens at.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The folder of jobs.
    pub spool: PathBuf,
    /// The file of API keys.
    pub api_keys_file: Option<PathBuf>,
    /// Certificate and key of its port; without them it speaks plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Files may be named by their address.
    pub allow_url_fetch: bool,
    /// What other machines may be asked.
    pub outbound: OutboundOptions,
    /// Addresses of pictures in answers.
    pub links: LinkOptions,
    /// Answers of the reference's routes have drawings, unless a request says otherwise.
    pub visualize: bool,
    /// Results are removed once they were fetched whole.
    pub single_use_results: bool,
    /// Folder of models that the PP-OCR service shows; it is only shown.
    pub model_dir: String,
    /// Its folder for caches; likewise.
    pub cache_dir: String,
    /// GPUs of NVIDIA that the pipeline may use.
    pub gpu_count: usize,
    /// Limits.
    pub limits: Limits,
}

/// A loaded pipeline.
pub(crate) struct Loaded {
    /// The engine.
    pub engine: Engine,
    /// Its limits.
    pub limits: engine::Limits,
    /// How files are opened.
    pub open: OpenOptions,
    /// The settings of jobs that set none.
    pub request: RunRequest,
    /// Name of the pipeline.
    pub pipeline: &'static str,
    /// Its layout is detected by a network.
    pub has_networks: bool,
    /// Blocks are read by a recognizer whose answers nobody can know beforehand.
    pub has_recognizer: bool,
}

/// A server.
pub(crate) struct Server {
    /// Options.
    pub options: ServeOptions,
    /// The jobs.
    pub spool: Spool,
    /// Who waits for them.
    pub notices: Arc<Notices>,
    /// API keys.
    pub keys: Keys,
    /// Encryption of its port.
    pub tls: Option<Tls>,
    /// Told when its files are to be read again.
    pub renewal: News,
    /// Health.
    pub health: Health,
    /// Numbers.
    pub metrics: Metrics,
    /// The jobs under way.
    pub work: Work,
    /// What it asks of other machines.
    pub outbound: Outbound,
    /// Addresses of files of results.
    pub links: Links,
    /// The pipeline, once it is loaded.
    pub loaded: OnceLock<Arc<Loaded>>,
    /// What this server is known by in the spool.
    pub id: String,
    /// Jobs whose clients were told where to find them: they go on when nobody waits.
    pub kept: Mutex<HashSet<String>>,
    /// Requests that are worked on without a job.
    pub light: Arc<Semaphore>,
    /// It ends as a failure.
    has_failed: AtomicBool,
    /// Told when it has to end.
    ends: Notify,
}

impl Server {
    /// A server that starts.
    pub(crate) fn new(options: ServeOptions) -> Result<Server, Fault> {
        let spool = Spool::open(&options.spool)?;
        let links = Links::new(options.links.clone(), &spool, options.limits.result_ttl)?;
        Ok(Server {
            spool,
            links,
            notices: Arc::default(),
            keys: Keys::new(options.api_keys_file.as_deref())?,
            tls: options.tls.as_ref().map(Tls::new).transpose()?,
            renewal: News::default(),
            health: Health::new(seconds(options.limits.page_timeout)),
            metrics: Metrics::new(),
            work: Work::default(),
            outbound: Outbound::new(&options.outbound)?,
            loaded: OnceLock::new(),
            id: random(),
            kept: Mutex::default(),
            light: Arc::new(Semaphore::new(LIGHT)),
            has_failed: AtomicBool::new(false),
            ends: Notify::new(),
            options,
        })
    }

    /// Takes no new work, and ends.
    pub(crate) fn drain(&self) {
        self.health.set(Phase::Draining);
        self.ends.notify_one();
        self.work.wake();
        self.outbound.webhooks.wake();
    }

    /// Ends as a failure.
    pub(crate) fn fail(&self) {
        self.has_failed.store(true, Ordering::SeqCst);
        self.drain();
    }

    /// `true` if it ends as a failure.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }

    /// Returns when it has to end.
    pub(crate) async fn ended(&self) {
        self.ends.notified().await;
        // For those who wait, too.
        self.ends.notify_one();
    }

    /// Forgets which clients were told to come back for jobs that have ended since.
    pub(crate) fn forget_ended(&self) {
        // Locked while the queue is read: what is added afterwards is a job that waits or is worked on.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(open) = self.spool.open_jobs() {
            let open: HashSet<String> = open.into_iter().collect();
            kept.retain(|id| open.contains(id));
        }
    }

    /// Cancels a job, wherever it is worked on.
    pub(crate) fn cancel(&self, id: &str) -> std::io::Result<()> {
        self.spool.cancel(id)?;
        self.work.cancel(id);
        self.notices.tell(id);
        self.outbound.webhooks.wake();
        Ok(())
    }
}
