//! The network: what is an address and what of it may be shown ([`address`]), asking for one along its redirects (`get`),
//! reading an answer no further than wanted ([`capped`]), and when a request is tried again ([`retry`]).
//!
//! Three promises are kept here for everything that docparse fetches or asks: a secret goes to the origin that it is for and
//! nowhere else; what comes is counted as it is unpacked; and no message repeats a password or a signature.

pub mod address;
pub mod capped;
pub mod get;
pub mod retry;

pub use address::{Origin, file_name_of, has_scheme, is_address, shown_address};
pub use capped::{Capped, clean_text, is_too_long, read_all, reason};
pub use get::{GetError, Patience, agent, get};
pub use retry::{RetryRules, asked, is_passing, pause};
