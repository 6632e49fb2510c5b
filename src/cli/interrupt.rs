//! Interrupts. The first SIGINT or SIGTERM sets a flag at which the run ends by itself; where it does not within a moment,
//! because it starts up, reads what never comes, or writes a long document, a thread says its last words and ends the
//! process. The second signal ends it at once.

use super::exit;
use super::report::RunReporter;
use crate::document::Page;
use crate::engine::Job;
use crate::writer::{WriteObserver, WrittenDocument};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// After a signal, how long the run has to end by itself: the engine's grace, and as long again to tell what became of
/// everything.
const PATIENCE: Duration = Duration::from_millis(1600);
/// How long the report may take that is being written when patience ends.
const REPORT: Duration = Duration::from_millis(200);

/// What is done before the process is ended from outside.
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
        // Where a signal cannot be caught it ends the process, as it would anyway.
        let _ = signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(exit::INTERRUPTED),
            flag.clone(),
        );
        let _ = signal_hook::flag::register(signal, flag.clone());
    }
    // Without the thread the run still ends by itself, as far as it can.
    if let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) {
        let wait = move || {
            if signals.forever().next().is_some() {
                thread::sleep(PATIENCE);
                let last_words = words().take();
                match last_words {
                    Some(last_words) => last_words(),
                    // They are being said, or there is nothing to say.
                    None => thread::sleep(REPORT),
                }
                // What lies in the buffer of standard output stays there: somebody may hold it and never let go.
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

/// Sets what is done before the process is ended because the run did not end by itself.
pub(crate) fn set_last_words(last_words: impl FnOnce() + Send + 'static) {
    *words() = Some(Box::new(last_words));
}

/// The run says what there is to say itself.
pub(crate) fn drop_last_words() {
    drop(words().take());
}

/// Says the last words, where the run cannot go on to say its own.
pub(crate) fn say_last_words() {
    let last_words = words().take();
    last_words.into_iter().for_each(|last_words| last_words());
}

/// Ends the process without the destructors of its libraries: threads that were left behind may be in the middle of them.
pub(crate) fn end_now(code: u8) -> ! {
    // SAFETY: it does not return, and nothing of this process is used after it.
    unsafe { libc::_exit(i32::from(code)) }
}

/// The reporter of a run, also for last words.
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

    fn failed(&mut self, job: &Job, reason: &str) {
        self.lock().failed(job, reason);
    }
}
