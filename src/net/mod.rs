//! The network: recognizing and displaying addresses ([`address`]), requests along redirects (`get`), size
//! limits on responses ([`capped`]), retries ([`retry`]), and traces that are passed on ([`trace`]).
//!
//! Three guarantees for everything that docparse fetches or asks: a secret is sent to its own origin and
//! nowhere else; responses are counted after decompression; and no message repeats a password or a signature.

pub(crate) mod address;
pub(crate) mod capped;
pub(crate) mod get;
pub(crate) mod retry;
pub(crate) mod trace;

pub(crate) use address::{Origin, file_name_of, has_scheme, is_address, resolved, shown_address};
pub(crate) use capped::{Capped, clean_text, is_too_long, read_all, reason};
pub(crate) use get::{Patience, agent, get};
pub use retry::RetryRules;
pub(crate) use retry::{asked, is_passing, pause};
pub use trace::TraceContext;
pub(crate) use trace::{TRACEPARENT, TRACESTATE};
