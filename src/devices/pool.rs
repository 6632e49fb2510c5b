//! The processes of the devices: started, written to, listened to, ended when they hang, and replaced when they die.
//!
//! Each device has a thread that starts its process and reads its answers, and for each process one that writes, so that
//! nobody who asks waits for a pipe. One more thread looks for processes that hang.

use super::messages::{Abilities, FromDevice, MOST_BYTES, ToDevice, read_picture, send};
use super::state::{Answer, Order, Outcome, Request, State};
use crate::fault::{Fault, Reason};
use crate::input::worker::protocol::{read_message, write_message};
use crossbeam_channel::{Receiver, Sender};
use serde::Serialize;
use std::ffi::OsString;
use std::io::{self, BufReader, BufWriter};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Interval at which processes that hang are looked for.
const LOOK: Duration = Duration::from_millis(500);

/// How processes are started.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// The program.
    pub path: PathBuf,
    /// Its arguments: the hidden subcommand and its own.
    pub arguments: Vec<OsString>,
    /// Threads of each process for work on the CPU.
    pub threads: usize,
}

/// The devices of a run. Dropping it ends their processes.
pub(crate) struct DevicePool {
    shared: Arc<Shared>,
    /// The most that any of them can do.
    abilities: Abilities,
    count: usize,
}

struct Shared {
    state: Mutex<State>,
    /// Told when the run is over.
    over: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, unless the run is over before; `true` if it is.
    fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.lock();
        while !state.is_over() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.over.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl DevicePool {
    /// Starts a process for each order, a name of a device and what its process is to load, and waits until all are
    /// loaded. Fails with the reason of the first device that cannot be used.
    pub(crate) fn start<O: Serialize + Send + 'static>(
        program: &Program,
        orders: Vec<(String, O)>,
    ) -> Result<DevicePool, Fault> {
        let names: Vec<String> = orders.iter().map(|(name, _)| name.clone()).collect();
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(names.clone())),
            over: Condvar::new(),
        });
        let mut pool = DevicePool {
            shared: shared.clone(),
            abilities: Abilities {
                layout_batch: 0,
                blocks: 0,
            },
            count: names.len(),
        };
        let mut starting = Vec::new();
        for (number, (name, order)) in orders.into_iter().enumerate() {
            let (told, is_loaded) = crossbeam_channel::bounded(1);
            let keeper = Keeper {
                shared: shared.clone(),
                program: program.clone(),
                number,
                told: Some(told),
            };
            thread_of(&name, move || keeper.keep(&order))?;
            starting.push((name, is_loaded));
        }
        let watched = shared.clone();
        thread_of("devices", move || {
            while !watched.wait(LOOK) {
                let state = watched.lock();
                state.hanging(Instant::now()).into_iter().for_each(kill);
            }
        })?;
        for (name, is_loaded) in starting {
            let ended = || Err(Fault::internal("its thread ended"));
            let abilities = is_loaded.recv().unwrap_or_else(|_| ended());
            let abilities = abilities.map_err(|fault| fault.within(format!("device {name}")))?;
            let most = &mut pool.abilities;
            most.layout_batch = most.layout_batch.max(abilities.layout_batch);
            most.blocks = most.blocks.max(abilities.blocks);
        }
        Ok(pool)
    }

    /// Number of devices.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The most that any of them can do.
    pub(super) fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// Asks for something; the answer goes to `to` with the number that is returned.
    pub(super) fn ask(&self, request: Request, to: Sender<Answer>) -> u64 {
        self.shared.lock().ask(request, to)
    }

    /// `true` if a request is with no device yet.
    pub(super) fn is_waiting(&self, id: u64) -> bool {
        self.shared.lock().is_waiting(id)
    }

    /// Nobody waits for a request any more.
    pub(super) fn cancel(&self, id: u64) {
        self.shared.lock().cancel(id);
    }
}

impl Drop for DevicePool {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.end().into_iter().for_each(kill);
        drop(state);
        self.shared.over.notify_all();
    }
}

/// Ends a process at once. To be called with the state locked: a process that the state knows has not been waited for, so
/// its number is its own.
fn kill(process: u32) {
    // SAFETY: a plain call.
    unsafe { libc::kill(process as libc::pid_t, libc::SIGKILL) };
}

fn thread_of(name: &str, body: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
    let started = thread::Builder::new().name(name.into()).spawn(body);
    let failed = |error| Fault::io("no thread can be started", &error);
    started.map(drop).map_err(failed)
}

/// Keeps a device's process alive.
struct Keeper {
    shared: Arc<Shared>,
    program: Program,
    number: usize,
    /// Is told how the first start went.
    told: Option<Sender<Result<Abilities, Fault>>>,
}

impl Keeper {
    fn keep<O: Serialize>(mut self, order: &O) {
        loop {
            let fault = self.serve(order);
            // A device that cannot be used from the start is no accident.
            if let Some(told) = self.told.take() {
                drop(told.send(Err(fault)));
                return;
            }
            let pause = self.shared.lock().died(self.number, &fault);
            match pause {
                Some(pause) if !self.shared.wait(pause) => {}
                _ => return,
            }
        }
    }

    /// Starts a process and serves it until it ends; returns the reason of that.
    fn serve<O: Serialize>(&mut self, order: &O) -> Fault {
        let mut child = match self.spawn() {
            Ok(child) => child,
            Err(error) => return Fault::io("its process cannot be started", &error),
        };
        // With the lock: an end of the run comes before and prevents it, or after and knows of it.
        let mut state = self.shared.lock();
        let is_over = state.is_over();
        state.started(self.number, child.id());
        drop(state);
        let ended = match is_over {
            true => Err(io::Error::other("the run is over")),
            false => self.listen(&mut child, order),
        };
        // Killed without asking: it has ended, or it says what makes no sense.
        let mut state = self.shared.lock();
        let _ = child.kill();
        state.ended(self.number);
        drop(state);
        let status = child.wait();
        match (ended, status) {
            (Ok(fault), _) => fault,
            (Err(error), Ok(status)) if error.kind() == io::ErrorKind::UnexpectedEof => Fault::new(
                Reason::DeviceProcessDied,
                format!("its process died, {status}"),
            ),
            (Err(error), _) => Fault::new(Reason::DeviceProcessDied, error.to_string()),
        }
    }

    fn spawn(&self) -> io::Result<Child> {
        Command::new(&self.program.path)
            .args(&self.program.arguments)
            .env("RAYON_NUM_THREADS", self.program.threads.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // A process group of its own: an interrupt at the terminal is for the main process.
            .process_group(0)
            .spawn()
    }

    /// Reads what the process says until it ends. Returns the reason that it gives; fails if it gives none.
    fn listen<O: Serialize>(&mut self, child: &mut Child, order: &O) -> io::Result<Fault> {
        let no_pipe = || io::Error::other("there is no pipe");
        let mut input = child.stdin.take().ok_or_else(no_pipe)?;
        let mut output =
            BufReader::with_capacity(1 << 16, child.stdout.take().ok_or_else(no_pipe)?);
        let asked = write_message(&mut input, order);
        let mut input = Some(input);
        loop {
            match read_message(&mut output, MOST_BYTES) {
                Ok(FromDevice::Loaded(abilities)) => {
                    let Some(input) = input.take() else {
                        return Err(io::Error::other("it loaded twice"));
                    };
                    let (orders, to_write) = crossbeam_channel::unbounded();
                    thread_of("device-input", move || write(input, &to_write))
                        .map_err(io::Error::other)?;
                    self.shared.lock().loaded(self.number, abilities, orders);
                    if let Some(told) = self.told.take() {
                        drop(told.send(Ok(abilities)));
                    }
                }
                Ok(FromDevice::Done {
                    id,
                    result,
                    picture,
                }) => {
                    let most = self.shared.lock().most_pixels(self.number, id);
                    let picture = match picture {
                        None => None,
                        Some(size) => Some(read_picture(&mut output, size, most.unwrap_or(0))?),
                    };
                    let result = result.map(|output| Outcome { output, picture });
                    self.shared.lock().answered(self.number, id, result);
                }
                Ok(FromDevice::GoesOn) => self.shared.lock().goes_on(self.number),
                Ok(FromDevice::Ending(fault)) => return Ok(fault),
                // It died before it read its order, which says less than how it died.
                Err(error) => return asked.and(Err(error)),
            }
        }
    }
}

/// Writes requests until there are no more, or the process is gone: then that is seen where its answers are read.
fn write(input: ChildStdin, orders: &Receiver<Order>) {
    let mut input = BufWriter::with_capacity(1 << 16, input);
    for order in orders {
        let written = match order {
            Order::Cancel(id) => send(&mut input, &ToDevice::Cancel { id }, []),
            Order::Work(id, request) => {
                let pictures = request.pictures.iter();
                let message = ToDevice::Work {
                    id,
                    work: request.work.clone(),
                    pictures: pictures
                        .clone()
                        .map(|picture| (picture.width, picture.height))
                        .collect(),
                };
                send(&mut input, &message, pictures.map(|picture| &**picture))
            }
        };
        if written.is_err() {
            return;
        }
    }
}
