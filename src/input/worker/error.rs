//! Errors of worker processes, as messages and as reasons.

use crate::fault::Reason;
use crate::input::failure::ReadFailure;
use std::io;
use std::time::Duration;

/// Reason why there is no result from a worker.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The worker reported a failure.
    #[error("{}", describe(.0))]
    Failed(ReadFailure),
    /// It exceeded the time limit and was killed.
    #[error("the page took longer than {} s and was given up", .0.as_secs())]
    Timeout(Duration),
    /// It exceeded its memory limit.
    #[error("it needs more memory than a worker process may take ({} MB); raise {setting}", .memory >> 20)]
    Memory {
        /// The limit in bytes.
        memory: u64,
        /// Name of the setting that raises the limit.
        setting: &'static str,
    },
    /// Its description of the page exceeded the size limit.
    #[error(
        "what stands on the page takes {} MB, more than there is memory for ({} MB); raise `memory_limit`",
        .bytes >> 20, .most >> 20
    )]
    TooMuch {
        /// Size of the message in bytes.
        bytes: usize,
        /// The limit in bytes.
        most: usize,
    },
    /// It crashed during a request.
    #[error("the process that reads it crashed ({0})")]
    Crashed(String),
    /// The request was not sent, or its answer not awaited: the run is over or its document was cancelled.
    #[error("the process that reads it crashed ({0})")]
    Stopped(&'static str),
    /// It could not be started.
    #[error("failed to start the worker process `{program}`")]
    Start {
        /// The program.
        program: String,
        /// The cause.
        source: io::Error,
    },
}

impl PoolError {
    /// The reason for programs.
    pub fn reason(&self) -> Reason {
        match self {
            PoolError::Failed(failure) => failure.reason(),
            PoolError::Timeout(_) => Reason::TimeUp,
            PoolError::Memory { .. } | PoolError::TooMuch { .. } => Reason::OutOfMemory,
            PoolError::Crashed(_) => Reason::WorkerDied,
            PoolError::Stopped(_) => Reason::Cancelled,
            PoolError::Start { source, .. } => source.into(),
        }
    }
}

fn describe(failure: &ReadFailure) -> String {
    match failure {
        ReadFailure::Unreadable(why) => format!("the file cannot be read: {why}"),
        ReadFailure::Damaged => "not a PDF, or damaged beyond repair".into(),
        ReadFailure::Password => "the PDF is encrypted and none of the passwords opens it".into(),
        ReadFailure::Encryption => "the PDF is encrypted in an unknown way".into(),
        ReadFailure::Page => "the page is damaged and cannot be loaded".into(),
        ReadFailure::EmptyPage => "the page has no area".into(),
        ReadFailure::TooLarge => "the page is too large to be drawn".into(),
        ReadFailure::Library(why) => format!("the PDF library cannot be loaded: {why}"),
        ReadFailure::Picture(why) => why.message.clone(),
        ReadFailure::Memory => "it needs more memory than there is".into(),
    }
}
