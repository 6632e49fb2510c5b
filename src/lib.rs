//! docparse reads pages, finds their layout, recognizes each block and writes documents.
//!
//! `ARCHITECTURE.md` is the map. A module may use only modules above it in the list below.

pub mod geometry;
pub mod raster;
pub mod document;
pub mod input;
pub mod runtime;
pub mod onnx;
pub mod lines;
pub mod layout;
pub mod plan;
pub mod recognize;
pub mod restructure;
pub mod engine;
pub mod writer;
pub mod config;
pub mod cli;
