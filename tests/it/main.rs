//! All integration tests, one binary.
//!
//! `golden` compares with recorded outputs of the reference, `imageproc` with resampled pictures, `networks` with the tensors
//! of transformers; `recognizer` reads documents with a tiny recognizer, `servers` by one that misbehaves, `models` fetches from such a hub; `compat` runs the pipelines on recorded answers; `documents` and `cli` run the real program on real
//! files; `scans` reads pictures with the real networks, `shapes` such of any proportions; `tidy` keeps the house rules. They need the libraries
//! that `scripts/setup.sh` fetches, and nothing from the network.

#![allow(missing_docs)]

mod bad_input;
mod cli;
mod compat;
mod documents;
mod drawn;
mod golden;
mod http;
mod imageproc;
mod models;
mod networks;
mod recognizer;
mod scans;
mod servers;
mod shapes;
mod support;
mod tidy;
