//! docparse reads pages, finds their layout, recognizes each block and writes documents.
//!
//! `ARCHITECTURE.md` is the map. A module may use only modules above it in the list below.

pub mod cli;
pub mod config;
pub mod content;
pub mod deadline;
pub mod document;
pub mod engine;
pub mod geometry;
pub mod golden;
pub mod input;
pub mod kernels;
pub mod layout;
pub mod lines;
pub mod net;
pub mod onnx;
pub mod output;
pub mod parity;
pub mod pipeline;
pub mod plan;
pub mod preprocess;
pub mod raster;
pub mod recognize;
pub mod replay;
pub mod restructure;
pub mod runtime;
pub mod shown;
pub mod store;
pub mod writer;
