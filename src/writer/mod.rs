//! Writers: one file for each output format ([`format`] has their list), the files of documents below the save path
//! ([`files`]), and documents on standard output ([`printed`]).

pub mod compat;
mod drawings;
pub mod files;
pub mod format;
pub mod json;
pub mod markdown;
mod pictures;
pub mod printed;
mod python_json;
mod stdout;
pub mod trace;
pub mod tree;
mod vis;
mod written;
mod xlsx;

pub use files::{FilesOptions, FilesWriter, Outputs};
pub use format::{Format, FormatOptions, Formats};
pub use printed::{PrintOptions, PrintWriter};
pub use tree::Tree;
pub use written::{PageWarning, WriteObserver, WrittenDocument};
