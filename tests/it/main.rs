//! All integration tests, one binary.
//!
//! `golden` compares with recorded outputs of the reference, `imageproc` with resampled pictures, `networks` with the tensors
//! of transformers; `recognizer` reads documents with a tiny recognizer, `servers` by one that misbehaves, `serve` runs servers of our own, `serve_dialects` asks them as clients of other services do,
//! `conform` with the exchanges that users have for other servers, `models`
//! fetches from such a hub; `network_safety` looks for what is written or sent and should not be; `compat` runs the
//! pipelines on recorded answers; `documents` and `cli` run the real program on real files, `shell` as people do at a
//! prompt, `reasons` looks for the words that programs are told, `interrupts` ends it at all times, `left` says what it may leave then; `save_path` looks after the files of others; `markdown_forms` asks for other looks of Markdown, `markdown_safety` gives hostile words, names and answers, `shapes`
//! pictures of all proportions; `scans` reads pictures with the real networks, `line_recognizers` with further recognizers, `kinds` files of many kinds, `mended` mends text layers, `doubted` settles doubts in them; `unseen` looks for text that nobody sees, `forms` for what a PDF holds beside its
//! text; `structure` compares documents with their known structure, `tables` their tables, `painted_tables` those drawn in unusual ways, `drawn_tables` the drawings of how they were found, `workbooks` what is written of them, `word` documents for Word; `tidy` and `circles` keep the house rules; `deploy` reads what installs it; `gpu` sets up a GPU and checks it, without one; `small_networks` leaves out the networks that look at pictures; `snapshots` compares whole outputs with kept ones. They need the
//! libraries that `scripts/setup.sh` fetches, and nothing from the network.

#![allow(missing_docs)]

mod bad_input;
mod circles;
mod cli;
mod compat;
mod conform;
mod deploy;
mod devices;
mod documents;
mod doubted;
mod drawn;
mod drawn_tables;
mod forms;
mod golden;
mod gpu;
mod http;
mod imageproc;
mod interrupts;
mod kinds;
mod left;
mod library;
mod line_recognizers;
mod markdown_forms;
mod markdown_safety;
mod memory;
mod mended;
mod models;
mod network_safety;
mod networks;
mod painted_tables;
mod reasons;
mod recognizer;
mod repeats;
mod save_path;
mod scans;
mod serve;
mod serve_dialects;
mod servers;
mod shapes;
mod shell;
mod small_networks;
mod snapshots;
mod structure;
mod support;
mod tables;
mod tidy;
mod type1;
mod unread;
mod unseen;
mod word;
mod workbooks;
mod workers;
