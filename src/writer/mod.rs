//! Writers: one file for each output format ([`formats`] lists them), the files of documents below the save
//! path ([`files`]), and documents on standard output ([`printed`]).

pub(crate) mod answer;
pub(crate) mod compat;
mod csv;
mod document_files;
pub(crate) mod docx;
pub(crate) mod drawings;
mod figures;
pub(crate) mod files;
pub(crate) mod format;
pub(crate) mod formats;
pub(crate) mod html;
pub(crate) mod json;
mod kept;
mod listed;
pub mod markdown;
mod notes;
pub(crate) mod options;
mod page_images;
mod pdf;
mod pictures;
pub(crate) mod printed;
pub(crate) mod python_json;
pub(crate) mod sample_pages;
mod stdout;
mod table_drawings;
pub(crate) mod tree;
mod values;
mod vis;
pub(crate) mod written;
mod xlsx;

pub(crate) use files::{FilesOptions, FilesWriter, Outputs};
pub(crate) use format::Format;
pub(crate) use formats::Formats;
pub(crate) use kept::Finished;
pub(crate) use options::FormatOptions;
pub(crate) use printed::{PrintOptions, PrintWriter};
pub(crate) use tree::Tree;
#[cfg(test)]
pub(crate) use written::DocumentError;
pub(crate) use written::{WriteObserver, WrittenDocument};
