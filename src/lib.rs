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
//! each with settings and events of its own. What these need is in [`parser`], [`engine`], [`document`], [`fault`], [`pipeline`] and
//! [`config::parameters`]; the other modules are public for the benchmarks and tests of this project, and change without notice. `ARCHITECTURE.md` is the map: a module may use only those before it.

pub mod cli;
pub mod config;
pub mod content;
pub mod deadline;
pub mod document;
pub mod engine;
pub mod fault;
pub mod geometry;
pub mod input;
pub mod kernels;
pub mod layout;
pub mod lines;
pub mod net;
pub mod onnx;
pub mod output;
pub mod parser;
pub mod pipeline;
pub mod plan;
pub mod preprocess;
pub mod proof;
pub mod raster;
pub mod recognize;
pub mod restructure;
pub mod runtime;
pub mod shown;
pub mod store;
pub mod writer;

pub use document::Document;
pub use engine::Engine;
pub use fault::{Fault, Reason};
pub use onnx::{Device, forbid_telemetry};
pub use parser::{ParseError, Parsed, Parser, ParserError, ParserOptions};
pub use pipeline::RunRequest;
