//! Worker processes, which read files: pdfium and the decoders of pictures run in them alone.
//!
//! `pool` (main process) speaks `protocol` with `process` (hidden subcommand). A file that is hostile costs its own pages: a
//! worker is limited in memory and time, and replaced when it dies.

pub mod pool;
pub mod process;
pub mod protocol;

pub use pool::{DocumentHandle, PoolError, PoolOptions, WorkerPool};
