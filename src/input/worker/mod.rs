//! Worker processes, which read untrusted files: only they run pdfium and the image decoders.
//!
//! `pool` (main process) talks to `process` (hidden subcommand) in `protocol`. A hostile file costs only its
//! own pages: a worker is limited in memory and time, and replaced if it dies.

mod error;
pub mod pool;
pub mod process;
pub mod protocol;

pub use error::PoolError;
pub use pool::{DocumentHandle, PoolOptions, WorkerPool};
