//! Writers: one file for each output format ([`formats`] has their list), the files of documents below the save path
//! ([`files`]), and documents on standard output ([`printed`]).

pub mod compat;
mod document_files;
pub(crate) mod drawings;
pub mod files;
pub mod format;
pub mod formats;
pub mod json;
pub mod markdown;
mod options;
mod pictures;
pub mod printed;
pub(crate) mod python_json;
mod stdout;
pub mod tree;
mod vis;
pub(crate) mod written;
mod xlsx;

pub use document_files::Files;
pub use files::{FilesOptions, FilesWriter, Outputs};
pub use format::Format;
pub use formats::Formats;
pub use options::FormatOptions;
pub use printed::{PrintOptions, PrintWriter};
pub use tree::Tree;
pub use written::{DocumentError, PageWarning, WriteObserver, WrittenDocument};
