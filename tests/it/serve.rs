//! `docparse serve`: real servers on real sockets.

mod abuse;
mod described;
mod jobs;
mod links;
mod metrics;
mod operations;
mod orders;
mod outbound;
pub mod server;
mod tls;
mod traces;
mod webhooks;
