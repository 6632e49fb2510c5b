//! Everything that proves the build against recorded outputs of the reference: recorded answers in place of networks and
//! recognizers ([`replay`]), what was decided and asked on the way as files ([`trace`]), comparing functions and whole
//! runs with the reference's recorded outputs ([`golden`]), and the networks with recorded tensors ([`parity`]).
//!
//! A parse without `--replay` and `--trace` uses nothing of it.

pub(crate) mod golden;
pub mod parity;
pub(crate) mod replay;
pub(crate) mod trace;
