//! All integration tests, one binary.
//!
//! `golden` compares with recorded outputs of the reference, `imageproc` with resampled pictures, `networks` with the tensors
//! of transformers; `recognizer` reads documents with a tiny recognizer, `servers` by one that misbehaves, `models` fetches from such a hub; `compat` runs the pipelines on recorded answers; `documents` and `cli` run the real program on real
//! files; `interrupts` ends the real program at all times; `scans` reads pictures with the real networks; `tidy` keeps the house rules. They need the libraries
//! that `scripts/setup.sh` fetches, and nothing from the network.

#![allow(missing_docs)]

mod bad_input;
mod cli;
mod compat;
mod documents;
mod golden;
mod http;
mod imageproc;
mod interrupts;
mod models;
mod networks;
mod recognizer;
mod scans;
mod servers;
mod support;
mod tidy;
