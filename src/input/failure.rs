//! Why files cannot be read, as workers tell it.

use crate::fault::{Fault, Reason};
use serde::{Deserialize, Serialize};

/// Reason why a document or page could not be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReadFailure {
    /// The file cannot be read.
    Unreadable(Fault),
    /// The PDF library cannot be loaded.
    Library(String),
    /// It is not a PDF, or damaged beyond repair.
    Damaged,
    /// It needs a password, and none given opens it.
    Password,
    /// Its encryption is not supported.
    Encryption,
    /// The page cannot be loaded.
    Page,
    /// The page has no area.
    EmptyPage,
    /// The page is too large to be rendered.
    TooLarge,
    /// The picture cannot be decoded, for this reason.
    Picture(Fault),
    /// The page needs more memory than the process may use.
    Memory,
}

impl ReadFailure {
    /// The reason for programs.
    pub fn reason(&self) -> Reason {
        match self {
            // A worker that was taken over must not have its file pass for one that was cancelled.
            ReadFailure::Unreadable(fault) | ReadFailure::Picture(fault) => match fault.reason {
                reason @ (Reason::Unsupported
                | Reason::TooLarge
                | Reason::OutOfMemory
                | Reason::NotFound
                | Reason::Access) => reason,
                _ => Reason::Damaged,
            },
            ReadFailure::Library(_) => Reason::Library,
            ReadFailure::Damaged | ReadFailure::Page | ReadFailure::EmptyPage => Reason::Damaged,
            ReadFailure::Password | ReadFailure::Encryption => Reason::Encrypted,
            ReadFailure::TooLarge => Reason::TooLarge,
            ReadFailure::Memory => Reason::OutOfMemory,
        }
    }
}
