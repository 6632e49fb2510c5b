//! All integration tests, one binary.
//!
//! `parity` compares with recorded outputs of the reference; `documents` and `cli` run the real program on real
//! files; `scans` reads pictures with the real networks; `tidy` keeps the house rules. They need the libraries
//! that `scripts/setup.sh` fetches, and nothing from the network.

#![allow(missing_docs)]

mod bad_input;
mod cli;
mod documents;
mod parity;
mod scans;
mod support;
mod tidy;
