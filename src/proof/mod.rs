//! Checks of the build against recorded outputs of the reference: recorded answers in place of networks and
//! recognizers ([`replay`]), decisions and requests written to files ([`trace`]), comparison of functions and
//! whole runs with the reference's outputs ([`golden`]), of networks with recorded tensors ([`parity`]), and of servers with
//! recorded exchanges ([`exchanges`]), and of a device with the CPU ([`gpu`]).
//!
//! Parsing without `--replay` and `--trace` uses none of it.

mod compare;
pub(crate) mod exchanges;
pub(crate) mod golden;
pub(crate) mod gpu;
pub mod parity;
pub(crate) mod replay;
pub(crate) mod trace;
