//! Exchanges over HTTP with services whose clients docparse understands, said to a server and compared with what those
//! services answer: recordings of the reference's service ([`recorded`]), and exchanges described by hand for the PP-OCR
//! service and docling's ([`described`], `ppocr.json`, `docling.json`).
//!
//! `docparse golden` compares the recordings exactly, against a server with stand-ins for its networks; `docparse conform`
//! says all exchanges to any server. [`pattern`] has the placeholders of both, [`files`] the documents that are sent.

mod client;
mod conform;
mod described;
mod files;
mod form;
mod pattern;
pub(crate) mod recorded;

pub(crate) use client::{Client, Exchange, Request};
pub(crate) use conform::{Dialect, Outcome, Row, run};
pub(crate) use files::Files;
