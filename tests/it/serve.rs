//! `docparse serve`: real servers on real sockets.

mod jobs;
mod operations;
pub mod server;
