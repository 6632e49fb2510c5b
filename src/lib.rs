//! docparse reads pages, finds their layout, recognizes each block and writes documents.
//!
//! ```
//! use docparse::{Parser, ParserOptions};
//!
//! # let target = std::env::var("CARGO_TARGET_DIR").unwrap_or("target".into());
//! # let built = [format!("{target}/release/docparse"), format!("{target}/debug/docparse")];
//! # let program = built.iter().find(|path| std::path::Path::new(path).is_file());
//! // Before there are threads: it is a variable of the environment.
//! docparse::forbid_telemetry();
//! // The program `docparse` reads files in processes of its own; it is looked for beside the one that runs.
//! let worker = None;
//! # let worker = program.map(|path| path.into()).or(worker);
//! let parser = Parser::load(ParserOptions { worker, ..ParserOptions::default() })?;
//! let parsed = parser.parse("examples/documents/report.pdf")?;
//! println!("{}", parsed.to_markdown());
//! for page in &parsed.document.pages {
//!     println!("page {}: {} blocks", page.page_index + 1, page.blocks.len());
//! }
//! # assert!(parsed.to_markdown().contains("Tidal Observations at Twelve Harbours"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Parser`] is for one document after the other, or several threads with one each. Services submit jobs to its [`Engine`],
//! each with settings and events of its own ([`engine`]). Results are in [`document`], what fails has a [`fault`]. All else is private;
//! `ARCHITECTURE.md` is its map: a module may use only those before it.

#![warn(unreachable_pub)]
// Some of what the benchmarks and tests call is called by nobody else.
#![cfg_attr(not(feature = "internals"), allow(dead_code, unreachable_pub))]

mod cli;
mod config;
mod content;
mod deadline;
mod devices;
pub mod document;
pub mod engine;
pub mod fault;
mod geometry;
mod input;
#[cfg(feature = "internals")]
pub mod internals;
mod kernels;
mod layout;
mod lines;
mod net;
mod onnx;
mod output;
mod parser;
mod pipeline;
mod plan;
mod preprocess;
mod proof;
mod raster;
mod recognize;
mod restructure;
mod runtime;
mod serve;
mod shown;
mod store;
mod writer;

#[doc(hidden)]
pub use cli::main as program;
pub use config::parameters::Parameters;
pub use config::{Pipeline, Settings};
pub use document::Document;
pub use engine::Engine;
pub use geometry::{Point, Rect};
pub use onnx::{Device, forbid_telemetry};
pub use parser::{ParseError, Parsed, Parser, ParserError, ParserOptions};
pub use pipeline::{RequestError, RunRequest, SetupError};
pub use raster::Pixels;
