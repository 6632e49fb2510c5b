//! Inputs behind addresses: fetched a few at a time, ahead of the pages, into files that have no name.
//!
//! [`Fetcher::add`] hands out an [`InputFile`] at once; whoever opens it waits in [`Remote::wait`] until its bytes are there.
//! Downloads begin in the order in which they were added, [`AHEAD`] of them at once counted from the one that is waited for, so
//! a long list of addresses takes neither a long silence before the first page nor the whole disk.
//!
//! Bytes lie in an unlinked file ([`Spooled`]): whatever ends the process ends them.

use super::{InputError, InputFile};
use crate::net::{self, Capped, Patience, is_passing, is_too_long, reason, shown_address};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Time for a whole download where nothing is said.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(900);
/// Bytes of an input that is no file, where nothing is said.
pub const DEFAULT_MAX_INPUT: u64 = 4 << 30;
/// Downloads that are under way or wait to be opened, the one that is waited for included.
pub const AHEAD: usize = 4;
/// Time for connecting and for the first byte (specification, section 3.1), and without a byte later.
const PATIENCE: Patience = Patience { reach: Duration::from_secs(15), stall: Duration::from_secs(30) };
/// How often an interrupt is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// Attempts besides the first where a server says that it is busy, and the longest pause before one.
const RETRIES: u32 = 2;
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How inputs are fetched.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Time for a download, with its redirects.
    pub timeout: Duration,
    /// Bytes at most, as they are unpacked.
    pub max_bytes: u64,
    /// Set by an interrupt.
    pub cancel: Arc<AtomicBool>,
}

impl Default for FetchOptions {
    fn default() -> Self {
        FetchOptions {
            timeout: DEFAULT_TIMEOUT,
            max_bytes: DEFAULT_MAX_INPUT,
            cancel: Arc::new(AtomicBool::new(false)),
        }
    }
}

/// A temporary file without a name, in the system's temporary folder, or in memory where that cannot be written.
#[derive(Debug)]
pub struct Spooled {
    file: File,
    path: PathBuf,
}

impl Spooled {
    /// An empty one.
    pub fn new() -> io::Result<Spooled> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let file = tempfile::tempfile().or_else(|error| in_memory().map_err(|_| error))?;
        // Numbers of open files are used again, and a worker takes a document by its path: paths must never be.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let mut path = format!("/proc/{}/", std::process::id());
        for bit in (0..u64::BITS - count.leading_zeros()).rev() {
            path.push_str(if count >> bit & 1 == 1 { "fd/../" } else { "fdinfo/../" });
        }
        path.push_str(&format!("fd/{}", file.as_raw_fd()));
        Ok(Spooled { file, path: path.into() })
    }

    /// For writing.
    pub fn file_mut(&mut self) -> &mut File {
        &mut self.file
    }

    /// Where this process and its children can open it, as long as this value lives. No two have the same.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn in_memory() -> io::Result<File> {
    // SAFETY: a valid C string and flags.
    let fd = unsafe { libc::memfd_create(c"docparse".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just opened, and nobody else's.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// A file that was fetched.
#[derive(Debug)]
pub struct Fetched {
    spooled: Spooled,
    size: u64,
    sha256: [u8; 32],
}

impl Fetched {
    /// Where it can be opened, as long as this value lives.
    pub fn path(&self) -> &Path {
        self.spooled.path()
    }

    /// Its bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// SHA-256 of its bytes.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

/// Fetches inputs behind addresses. Clones share their queue.
#[derive(Clone)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

/// The place of one input in a [`Fetcher`].
#[derive(Clone)]
pub struct Remote {
    shared: Arc<Shared>,
    number: usize,
    address: Arc<str>,
}

struct Shared {
    options: FetchOptions,
    agent: ureq::Agent,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    items: Vec<(Arc<str>, State)>,
    /// Positions by address: one that is named twice is fetched once.
    numbers: HashMap<Arc<str>, usize>,
    /// How many were begun.
    begun: usize,
    /// The furthest that was waited for.
    front: usize,
}

enum State {
    Waiting,
    UnderWay,
    There(Arc<Fetched>),
    Failed(InputError),
    /// It was there, and was given back.
    Released,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins what may be under way now.
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
        *state = State::UnderWay;
        let work = move || {
            let result = download(&address, &shared.agent, &shared.options);
            let state = match result {
                Ok(fetched) => State::There(Arc::new(fetched)),
                Err(reason) => State::Failed(InputError::new(&shown_address(&address), reason)),
            };
            shared.lock().items[number].1 = state;
            shared.changed.notify_all();
        };
        if let Err(error) = std::thread::Builder::new().name("fetch".into()).spawn(work) {
            let (address, state) = &mut queue.items[number];
            let reason = format!("no thread can be started to fetch it: {error}");
            *state = State::Failed(InputError::new(&shown_address(address), reason));
        }
    }
}

impl Fetcher {
    /// Nothing is fetched yet.
    pub fn new(options: FetchOptions) -> Fetcher {
        let (agent, queue, changed) = (net::agent(PATIENCE), Mutex::default(), Condvar::new());
        Fetcher { shared: Arc::new(Shared { options, agent, queue, changed }) }
    }

    /// The file behind an address, which is fetched from now on.
    pub fn add(&self, address: &str) -> InputFile {
        let address: Arc<str> = address.into();
        let number = {
            let mut queue = self.shared.lock();
            let next = queue.items.len();
            let number = *queue.numbers.entry(address.clone()).or_insert(next);
            if number == next {
                queue.items.push((address.clone(), State::Waiting));
                self.shared.begin(&mut queue);
            }
            number
        };
        InputFile {
            given: shown_address(&address),
            path: PathBuf::new(),
            name: net::file_name_of(&address),
            mirror: PathBuf::new(),
            remote: Some(Remote { shared: self.shared.clone(), number, address }),
            _temporary: None,
        }
    }
}

impl Remote {
    /// Waits until the bytes are there. An interrupt ends the waiting.
    pub fn wait(&self) -> Result<Arc<Fetched>, InputError> {
        let mut queue = self.shared.lock();
        queue.front = queue.front.max(self.number);
        self.shared.begin(&mut queue);
        loop {
            match &queue.items[self.number].1 {
                State::There(fetched) => return Ok(fetched.clone()),
                State::Failed(error) => return Err(error.clone()),
                State::Released => self.shared.begin_one(&mut queue, self.number),
                State::Waiting | State::UnderWay => {}
            }
            if self.shared.options.cancel.load(Ordering::Relaxed) {
                return Err(InputError::new(&shown_address(&self.address), "cancelled".into()));
            }
            let waited = self.shared.changed.wait_timeout(queue, LOOK);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Gives the bytes back: the document is over. Who waits again has them fetched again.
    pub fn release(&self) {
        let state = &mut self.shared.lock().items[self.number].1;
        if matches!(state, State::There(_)) {
            *state = State::Released;
        }
    }

    /// What two inputs behind the same address have in common. It holds all of the address: not to be shown or stored.
    pub fn key(&self) -> &str {
        &self.address
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Remote({})", shown_address(&self.address))
    }
}

/// Why an attempt failed, and after how many seconds another one is worth it, where it is.
struct Fault(String, Option<Option<f64>>);

fn download(address: &str, agent: &ureq::Agent, options: &FetchOptions) -> Result<Fetched, String> {
    let until = Instant::now() + options.timeout;
    for attempt in 0.. {
        let Fault(reason, again) = match attempt_at(address, agent, options, until) {
            Ok(fetched) => return Ok(fetched),
            Err(fault) => fault,
        };
        let pause = again.filter(|_| attempt < RETRIES).and_then(|asked| net::pause(attempt, asked, 0.5));
        let left = until.saturating_duration_since(Instant::now());
        match pause.filter(|pause| *pause <= LONGEST_PAUSE && *pause < left) {
            Some(pause) => std::thread::sleep(pause),
            None => return Err(reason),
        }
        if options.cancel.load(Ordering::Relaxed) {
            return Err("cancelled".into());
        }
    }
    unreachable!("the loop returns")
}

fn attempt_at(
    address: &str,
    agent: &ureq::Agent,
    options: &FetchOptions,
    until: Instant,
) -> Result<Fetched, Fault> {
    let seconds = options.timeout.as_secs_f64();
    let late = || Fault(format!("it was not there after {seconds} seconds (--fetch-timeout)"), None);
    let is_late = || Instant::now() >= until;
    let mut answer = match net::get(agent, address, &[], None, Some(until)) {
        Ok(answer) => answer,
        Err(_) if is_late() => return Err(late()),
        Err(error) => return Err(Fault(format!("the download failed: {error}"), None)),
    };
    let status = answer.status().as_u16();
    if !(200..300).contains(&status) {
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let asked = net::asked(header, std::time::SystemTime::now());
        let again = matches!(status, 429 | 502 | 503).then_some(asked).filter(|_| is_passing(status));
        return Err(Fault(format!("the server answered with status {status}"), again));
    }
    let big = || {
        let most = options.max_bytes;
        Fault(format!("it is larger than the {most} bytes that an input may have (--max-input-size)"), None)
    };
    if answer.body().content_length().is_some_and(|length| length > options.max_bytes) {
        return Err(big());
    }
    let disk = |error: io::Error| Fault(format!("the download cannot be kept: {error}"), None);
    let mut spooled = Spooled::new().map_err(disk)?;
    let mut body = Capped::new(answer.body_mut().as_reader(), options.max_bytes);
    let (mut hash, mut size, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        if options.cancel.load(Ordering::Relaxed) {
            return Err(Fault("cancelled".into(), None));
        }
        let read = match body.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if is_too_long(&error) => return Err(big()),
            Err(_) if is_late() => return Err(late()),
            Err(error) => {
                let why = reason(&ureq::Error::from(error));
                return Err(Fault(format!("the download broke off after {size} bytes: {why}"), None));
            }
        };
        if is_late() {
            return Err(late());
        }
        spooled.file_mut().write_all(&buffer[..read]).map_err(disk)?;
        hash.update(&buffer[..read]);
        size += read as u64;
    }
    Ok(Fetched { spooled, size, sha256: hash.finalize().into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_spooled_files_open_and_never_repeat() {
        let mut seen = std::collections::HashSet::new();
        for number in 0..40u8 {
            // Closed each time: the number of the open file is the same again.
            let mut spooled = Spooled::new().unwrap();
            spooled.file_mut().write_all(&[number]).unwrap();
            assert_eq!(std::fs::read(spooled.path()).unwrap(), [number]);
            assert!(seen.insert(spooled.path().to_path_buf()), "{}", spooled.path().display());
        }
        let mut file = in_memory().unwrap();
        file.write_all(b"x").unwrap();
    }
}
