//! Worker processes, which read untrusted files: only they run pdfium and the image decoders.
//!
//! `pool` (main process) talks to `process` (hidden subcommand) in `protocol`. A hostile file costs only its
//! own pages: a worker is limited in memory and time, and replaced if it dies.

mod error;
pub(crate) mod pool;
pub(crate) mod process;
pub(crate) mod protocol;

pub(crate) use error::PoolError;
pub(crate) use pool::DocumentHandle;
pub use pool::PoolOptions;
pub use pool::WorkerPool;
