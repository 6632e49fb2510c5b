//! Downloads of inputs: a few at a time, ahead of the pages, into unnamed files.
//!
//! [`Fetcher::add`] returns a [`Remote`] at once; [`Remote::wait`] waits until its bytes
//! are there. Downloads start in the order in which they were added, at most [`AHEAD`] at a time, counted
//! from the one that is waited for, so a long list of addresses neither delays the first page nor fills the
//! disk.
//!
//! The bytes lie in an unnamed file ([`Spooled`]), which disappears with the process.

use super::InputError;
use super::spool::{SpoolError, Spooled, Spooler};
use crate::deadline::Stopped;
use crate::fault::{Fault, Reason};
use crate::net::{self, Capped, Patience, is_passing, is_too_long, reason, shown_address};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Default time limit of a whole download.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(900);
/// Downloads that are running or waiting to be opened, including the one that is waited for.
pub(crate) const AHEAD: usize = 4;
/// Timeouts for connecting and the first byte (docs/reference.md, "Kinds of input"), and between later bytes.
const PATIENCE: Patience = Patience {
    reach: Duration::from_secs(15),
    stall: Duration::from_secs(30),
};
/// Interval of cancellation checks.
const LOOK: Duration = Duration::from_millis(50);
/// Retries if a server says that it is busy, and the longest pause before one.
const RETRIES: u32 = 2;
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// A file that was fetched.
#[derive(Debug)]
pub struct Fetched {
    spooled: Spooled,
    sha256: [u8; 32],
}

impl Fetched {
    /// Path by which it can be opened while this value lives.
    pub fn path(&self) -> &Path {
        self.spooled.path()
    }

    /// Size in bytes.
    pub fn size(&self) -> u64 {
        self.spooled.size()
    }

    /// SHA-256 of its content.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

/// Fetches inputs from their addresses. Clones share a queue.
#[derive(Clone)]
pub struct Fetcher {
    shared: Arc<Downloads>,
}

impl Default for Fetcher {
    fn default() -> Self {
        Fetcher::new(DEFAULT_TIMEOUT, Spooler::default())
    }
}

/// One input's place in the queue of a [`Fetcher`].
#[derive(Clone)]
pub struct Remote {
    shared: Arc<Downloads>,
    number: usize,
    address: Arc<str>,
}

struct Downloads {
    timeout: Duration,
    spooler: Spooler,
    agent: ureq::Agent,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    items: Vec<(Arc<str>, DownloadState)>,
    /// Indices by address: an address that is given twice is fetched once.
    numbers: HashMap<Arc<str>, usize>,
    /// Number of downloads started.
    begun: usize,
    /// Highest index that was waited for.
    front: usize,
}

enum DownloadState {
    Waiting,
    UnderWay,
    There(Arc<Fetched>),
    FailedAttempt(InputError),
    /// It was fetched and then released.
    Released,
}

impl Downloads {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the downloads that may run now.
    fn begin(self: &Arc<Self>, queue: &mut Queue) {
        while queue.begun < queue.items.len() && queue.begun < queue.front + AHEAD {
            let number = queue.begun;
            queue.begun += 1;
            self.begin_one(queue, number);
        }
    }

    fn begin_one(self: &Arc<Self>, queue: &mut Queue, number: usize) {
        let (address, state) = &mut queue.items[number];
        let (shared, address) = (self.clone(), address.clone());
        *state = DownloadState::UnderWay;
        let work = move || {
            let result = download(&address, &shared);
            let state = match result {
                Ok(fetched) => DownloadState::There(Arc::new(fetched)),
                Err(fault) => {
                    DownloadState::FailedAttempt(InputError::new(&shown_address(&address), fault))
                }
            };
            shared.lock().items[number].1 = state;
            shared.changed.notify_all();
        };
        if let Err(error) = std::thread::Builder::new().name("fetch".into()).spawn(work) {
            let (address, state) = &mut queue.items[number];
            let fault = Fault::io("no thread can be started to fetch it", &error);
            *state = DownloadState::FailedAttempt(InputError::new(&shown_address(address), fault));
        }
    }
}

impl Fetcher {
    /// A fetcher with an empty queue. A download, with its redirects, may take `timeout`; `spooler` stores
    /// the content, up to its limit after decompression, and cancels it on an interrupt.
    pub fn new(timeout: Duration, spooler: Spooler) -> Fetcher {
        let (agent, queue, changed) = (net::agent(PATIENCE), Mutex::default(), Condvar::new());
        Fetcher {
            shared: Arc::new(Downloads {
                timeout,
                spooler,
                agent,
                queue,
                changed,
            }),
        }
    }

    /// The spooler that stores downloads and streams.
    pub fn spooler(&self) -> &Spooler {
        &self.shared.spooler
    }

    /// The place of an address in the queue; its download is queued.
    pub fn add(&self, address: &str) -> Remote {
        let address: Arc<str> = address.into();
        let number = {
            let mut queue = self.shared.lock();
            let next = queue.items.len();
            let number = *queue.numbers.entry(address.clone()).or_insert(next);
            if number == next {
                queue.items.push((address.clone(), DownloadState::Waiting));
                self.shared.begin(&mut queue);
            }
            number
        };
        Remote {
            shared: self.shared.clone(),
            number,
            address,
        }
    }
}

impl Remote {
    /// Waits until the bytes are there or the run is interrupted.
    pub fn wait(&self) -> Result<Arc<Fetched>, InputError> {
        let mut queue = self.shared.lock();
        queue.front = queue.front.max(self.number);
        self.shared.begin(&mut queue);
        loop {
            match &queue.items[self.number].1 {
                DownloadState::There(fetched) => return Ok(fetched.clone()),
                DownloadState::FailedAttempt(error) => return Err(error.clone()),
                DownloadState::Released => self.shared.begin_one(&mut queue, self.number),
                DownloadState::Waiting | DownloadState::UnderWay => {}
            }
            if self.shared.spooler.is_cancelled() {
                let shown = shown_address(&self.address);
                return Err(InputError::new(&shown, Stopped::Cancelled));
            }
            let waited = self.shared.changed.wait_timeout(queue, LOOK);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The bytes, if they are there now.
    pub fn fetched(&self) -> Option<Arc<Fetched>> {
        match &self.shared.lock().items[self.number].1 {
            DownloadState::There(fetched) => Some(fetched.clone()),
            _ => None,
        }
    }

    /// Releases the bytes once the document is done. A later wait fetches them again.
    pub fn release(&self) {
        let state = &mut self.shared.lock().items[self.number].1;
        if matches!(state, DownloadState::There(_)) {
            *state = DownloadState::Released;
        }
    }

    /// Equal for two inputs with the same address. It contains the whole address: do not show or store it.
    pub fn key(&self) -> &str {
        &self.address
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({})", shown_address(&self.address))
    }
}

/// Reason why an attempt failed and, if a retry may help, the pause in seconds that the server asked for.
struct FailedAttempt {
    fault: Fault,
    again: Option<Option<f64>>,
}

impl From<Fault> for FailedAttempt {
    fn from(fault: Fault) -> FailedAttempt {
        FailedAttempt { fault, again: None }
    }
}

fn download(address: &str, shared: &Downloads) -> Result<Fetched, Fault> {
    let until = Instant::now() + shared.timeout;
    for attempt in 0.. {
        let FailedAttempt { fault, again } = match attempt_at(address, shared, until) {
            Ok(fetched) => return Ok(fetched),
            Err(failed) => failed,
        };
        let pause = again
            .filter(|_| attempt < RETRIES)
            .and_then(|asked| net::pause(attempt, asked, 0.5));
        let left = until.saturating_duration_since(Instant::now());
        match pause.filter(|pause| *pause <= LONGEST_PAUSE && *pause < left) {
            Some(pause) => std::thread::sleep(pause),
            None => return Err(fault),
        }
        if shared.spooler.is_cancelled() {
            return Err(Stopped::Cancelled.into());
        }
    }
    unreachable!("the loop returns")
}

/// Response body that is hashed while it is read, up to a point in time.
struct HashedBody<R> {
    body: R,
    hash: Sha256,
    size: u64,
    until: Instant,
}

impl<R: Read> Read for HashedBody<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buffer)?;
        if Instant::now() >= self.until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.hash.update(&buffer[..read]);
        self.size += read as u64;
        Ok(read)
    }
}

fn attempt_at(address: &str, shared: &Downloads, until: Instant) -> Result<Fetched, FailedAttempt> {
    let (agent, most) = (&shared.agent, shared.spooler.limit());
    let seconds = shared.timeout.as_secs_f64();
    let late = || {
        let message = format!("it was not there after {seconds} seconds (`fetch_timeout`)");
        FailedAttempt::from(Fault::new(Reason::TimeUp, message))
    };
    let is_late = || Instant::now() >= until;
    let mut answer = match net::get(agent, address, &[], None, Some(until)) {
        Ok(answer) => answer,
        Err(_) if is_late() => return Err(late()),
        Err(error) => {
            let message = format!("the download failed: {error}");
            return Err(Fault::new(Reason::Network, message).into());
        }
    };
    let status = answer.status().as_u16();
    if !(200..300).contains(&status) {
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let asked = net::asked(header, std::time::SystemTime::now());
        let again = matches!(status, 429 | 502 | 503)
            .then_some(asked)
            .filter(|_| is_passing(status));
        let reason = match status {
            404 | 410 => Reason::NotFound,
            _ => Reason::Network,
        };
        let fault = Fault::new(reason, format!("the server answered with status {status}"));
        return Err(FailedAttempt { fault, again });
    }
    let big = || {
        let message =
            format!("it is larger than the {most} bytes that an input may have (`max_input_size`)");
        FailedAttempt::from(Fault::new(Reason::TooLarge, message))
    };
    if answer
        .body()
        .content_length()
        .is_some_and(|length| length > most)
    {
        return Err(big());
    }
    let capped = Capped::new(answer.body_mut().as_reader(), most);
    let mut body = HashedBody {
        body: capped,
        hash: Sha256::new(),
        size: 0,
        until,
    };
    match shared.spooler.copy(&mut body) {
        Ok(spooled) => Ok(Fetched {
            spooled,
            sha256: body.hash.finalize().into(),
        }),
        Err(SpoolError::TooLarge { .. }) => Err(big()),
        Err(SpoolError::Cancelled) => Err(Fault::from(Stopped::Cancelled).into()),
        Err(SpoolError::Read(error)) if is_too_long(&error) => Err(big()),
        Err(SpoolError::Read(_)) if is_late() => Err(late()),
        Err(SpoolError::Read(error)) => {
            let why = reason(&ureq::Error::from(error));
            let message = format!("the download broke off after {} bytes: {why}", body.size);
            Err(Fault::new(Reason::Network, message).into())
        }
        Err(error) => Err(Fault::from(error)
            .within("the download cannot be kept")
            .into()),
    }
}
