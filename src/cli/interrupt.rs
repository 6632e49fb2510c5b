//! Interrupts. The first SIGINT or SIGTERM sets a cancellation flag, and the run ends by itself. If it does
//! not end in time, because it is starting up, is blocked in a read or is writing a long document, a thread
//! runs the last words (the final report) and ends the process. The second signal ends it at once.

use super::exit;
use super::report::RunReporter;
use crate::document::Page;
use crate::engine::Job;
use crate::fault::Fault;
use crate::writer::{WriteObserver, WrittenDocument};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// Time for the run to end by itself after a signal: the engine's grace period, and as long again to report
/// the outcome of everything.
const PATIENCE: Duration = Duration::from_millis(1600);
/// Time for a report that is already being written to finish.
const REPORT: Duration = Duration::from_millis(200);

/// Action before the process is ended from outside the run.
type LastWords = Box<dyn FnOnce() + Send>;

static LAST_WORDS: Mutex<Option<LastWords>> = Mutex::new(None);

/// The flag that the first interrupt sets.
pub(crate) fn flag() -> Arc<AtomicBool> {
    static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    FLAG.get_or_init(set_up).clone()
}

fn set_up() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // If a signal cannot be caught, it ends the process, as it would anyway.
        let _ = signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(exit::INTERRUPTED),
            flag.clone(),
        );
        let _ = signal_hook::flag::register(signal, flag.clone());
    }
    // Without the thread, the run still ends by itself if it can.
    if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
        let wait = move || {
            if signals.forever().next().is_some() {
                thread::sleep(PATIENCE);
                let last_words = words().take();
                match last_words {
                    Some(last_words) => last_words(),
                    // They are running already, or there are none.
                    None => thread::sleep(REPORT),
                }
                // Buffered standard output is not flushed: another thread may hold its lock for ever.
                end_now(exit::INTERRUPTED);
            }
        };
        let _ = thread::Builder::new()
            .name("interrupts".into())
            .stack_size(1 << 20)
            .spawn(wait);
    }
    flag
}

fn words() -> MutexGuard<'static, Option<LastWords>> {
    LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets the action for a run that does not end by itself.
pub(crate) fn set_last_words(last_words: impl FnOnce() + Send + 'static) {
    *words() = Some(Box::new(last_words));
}

/// Removes the last words: the run reports its end itself.
pub(crate) fn drop_last_words() {
    drop(words().take());
}

/// Runs the last words, if the run cannot report its end itself.
pub(crate) fn say_last_words() {
    let last_words = words().take();
    last_words.into_iter().for_each(|last_words| last_words());
}

/// Ends the process without its libraries' destructors: remaining threads may still be using those libraries.
pub(crate) fn end_now(code: u8) -> ! {
    // SAFETY: it does not return, and nothing of this process is used afterwards.
    unsafe { libc::_exit(i32::from(code)) }
}

/// The reporter of a run, shared with the last words.
#[derive(Clone)]
pub(crate) struct SharedReporter(Arc<Mutex<RunReporter>>);

impl SharedReporter {
    pub(crate) fn new(reporter: RunReporter) -> SharedReporter {
        SharedReporter(Arc::new(Mutex::new(reporter)))
    }

    /// The reporter.
    pub(crate) fn lock(&self) -> MutexGuard<'_, RunReporter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WriteObserver for SharedReporter {
    fn opened(&mut self, job: &Job, selected: usize) {
        self.lock().opened(job, selected);
    }

    fn page(&mut self, job: &Job, page: &Page) {
        self.lock().page(job, page);
    }

    fn written(&mut self, job: &Job, document: WrittenDocument) {
        self.lock().written(job, document);
    }

    fn failed(&mut self, job: &Job, fault: &Fault) {
        self.lock().failed(job, fault);
    }
}
