//! Why files cannot be read, as workers tell it.

use serde::{Deserialize, Serialize};

/// Reason why a document or page could not be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ReadFailure {
    /// The file cannot be read.
    Unreadable(String),
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
    Picture(String),
    /// The page needs more memory than the process may use.
    Memory,
}
