//! A server as recognizer: one HTTP request per block, many in flight.
//!
//! A fixed pool of threads takes requests, one in flight per thread; each encodes its crop, sends it, waits,
//! and retries where that may help. Waiting threads cost nothing. Requests not taken yet wait in the engine,
//! which reads no further pages meanwhile.

pub(crate) mod client;
pub(crate) mod protocol;

use super::{
    BlockAnswer, BlockRequest, Recognition, RecognizeError, Recognizer, cancelled, no_crop,
};
use crate::deadline;
use crate::document::{FinishReason, Generation};
use crate::fault::{Fault, Reason};
use crate::raster::RasterError;
use client::{Client, ClientOptions};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use protocol::{Arguments, Dialect};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Stack size of a thread: it only encodes pictures and waits.
const STACK: usize = 512 << 10;
/// Time after cancellation for answers in flight.
const GRACE: Duration = Duration::from_millis(500);
/// Interval at which cancellation is checked.
const LOOK: Duration = Duration::from_millis(100);

/// The backend.
pub struct ServerRecognizer {
    client: Arc<Client>,
    dialect: Dialect,
    requests_in_flight: usize,
    ends: StopSignals,
}

/// Conditions that end a run early.
#[derive(Debug, Clone, Default)]
pub struct StopSignals {
    /// Set by an interrupt.
    pub cancel: Arc<AtomicBool>,
    /// `true` if the first failed block ends the run.
    pub fail_fast: bool,
}

impl ServerRecognizer {
    /// A recognizer over servers with at most a number of requests in flight.
    ///
    /// Fails if no server can be reached; the error lists them all.
    pub fn new(
        options: ClientOptions,
        requests_in_flight: usize,
        ends: StopSignals,
    ) -> Result<ServerRecognizer, Fault> {
        let dialect = options.dialect;
        let client = Client::new(options);
        client.check()?;
        let requests_in_flight = requests_in_flight.max(1);
        Ok(ServerRecognizer {
            client: Arc::new(client),
            dialect,
            requests_in_flight,
            ends,
        })
    }
}

impl Recognizer for ServerRecognizer {
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError> {
        // A separate channel for the threads: one whose server is silent must not keep the run from ending.
        let (to_answers, results) = crossbeam_channel::unbounded();
        let has_failed = Arc::<AtomicBool>::default();
        for number in 0..self.requests_in_flight {
            let (requests, results, client) =
                (requests.clone(), to_answers.clone(), self.client.clone());
            let (dialect, ends, has_failed) = (self.dialect, self.ends.clone(), has_failed.clone());
            let work = move || {
                for request in requests {
                    let answer = match ends.fail_fast && has_failed.load(Ordering::Relaxed) {
                        _ if request.is_cancelled() => BlockAnswer {
                            ticket: request.ticket,
                            result: Err(cancelled()),
                        },
                        true => not_asked(&request),
                        false => answered(&request, &client, dialect, &ends.cancel),
                    };
                    // A cancelled block is no failure.
                    if answer.result.is_err() && !request.is_cancelled() {
                        has_failed.store(true, Ordering::Relaxed);
                    }
                    // The receiver is gone: the run is over.
                    if results.send(answer).is_err() {
                        break;
                    }
                }
            };
            let spawned = thread::Builder::new().stack_size(STACK).spawn(work);
            match spawned {
                Ok(_) => {}
                // Fewer threads suffice.
                Err(_) if number > 0 => break,
                Err(error) => {
                    return Err(RecognizeError::no_thread(error));
                }
            }
        }
        drop((requests, to_answers));
        let mut cancelled_at = None;
        loop {
            match results.recv_timeout(LOOK) {
                Ok(answer) => {
                    if answers.send(answer).is_err() {
                        return Ok(());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.ends.cancel.load(Ordering::Relaxed) || deadline::stopped().is_some() {
                let since = *cancelled_at.get_or_insert_with(Instant::now);
                if since.elapsed() > GRACE {
                    return Err(RecognizeError(cancelled()));
                }
            }
        }
    }
}

/// Answer to a block after another one has failed, under `--fail-fast`.
fn not_asked(request: &BlockRequest) -> BlockAnswer {
    let message = "it was not asked for, since another block failed (`fail_fast`)";
    BlockAnswer {
        ticket: request.ticket,
        result: Err(Fault::new(Reason::NotTried, message)),
    }
}

/// The fault of a crop that cannot be encoded; it is told without its causes.
fn not_encoded(error: RasterError) -> Fault {
    Fault::new(error.reason(), error.to_string())
}

/// Answers a block; a panic fails that block only.
fn answered(
    request: &BlockRequest,
    client: &Client,
    dialect: Dialect,
    cancel: &AtomicBool,
) -> BlockAnswer {
    let result = catch_unwind(AssertUnwindSafe(|| ask(request, client, dialect, cancel)));
    let panicked = || Fault::internal("internal error while asking the server");
    let result = result.unwrap_or_else(|_| Err(panicked()));
    BlockAnswer {
        ticket: request.ticket,
        result,
    }
}

fn ask(
    block: &BlockRequest,
    client: &Client,
    dialect: Dialect,
    cancel: &AtomicBool,
) -> Result<Recognition, Fault> {
    let started = Instant::now();
    let crop = block.crop.as_deref().ok_or_else(no_crop)?;
    let image_url = dialect.image_url(crop).map_err(not_encoded)?;
    let request = &block.request;
    let stop = || cancel.load(Ordering::Relaxed) || block.is_cancelled();
    let completion = client.complete(
        image_url,
        request.task.prompt(),
        &Arguments::of(request),
        block.document.trace_context.as_deref(),
        &stop,
    )?;
    let generation = completion.token_count.map(|token_count| Generation {
        token_count,
        mean_log_probability: None,
        min_log_probability: None,
        finish_reason: if completion.is_cut {
            FinishReason::Length
        } else {
            FinishReason::Eos
        },
        milliseconds: started.elapsed().as_secs_f64() * 1000.0,
        drafted_share: None,
    });
    let content = completion.content.unwrap_or_default();
    Ok(Recognition {
        content,
        is_raw: true,
        generation,
        ..Recognition::default()
    })
}
