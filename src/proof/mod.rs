//! Checks of the build against recorded outputs of the reference: recorded answers in place of networks and
//! recognizers ([`replay`]), decisions and requests written to files ([`trace`]), comparison of functions and
//! whole runs with the reference's outputs ([`golden`]), and of networks with recorded tensors ([`parity`]).
//!
//! Parsing without `--replay` and `--trace` uses none of it.

pub(crate) mod golden;
pub mod parity;
pub(crate) mod replay;
pub(crate) mod trace;
