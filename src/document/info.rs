//! What a file says about itself as a whole: title, author, language, dates, bookmarks.

use serde::{Deserialize, Serialize};

/// What a file says about itself. Nothing of it is checked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DocumentInfo {
    /// Title.
    pub title: Option<String>,
    /// Author.
    pub author: Option<String>,
    /// Subject.
    pub subject: Option<String>,
    /// Keywords, as one text.
    pub keywords: Option<String>,
    /// Language, such as `en-GB`.
    pub language: Option<String>,
    /// Program that the document was made with.
    pub creator: Option<String>,
    /// Program that wrote the PDF.
    pub producer: Option<String>,
    /// Date of creation, as in RFC 3339 where the file has a date that can be read.
    pub created: Option<String>,
    /// Date of the last change, likewise.
    pub modified: Option<String>,
    /// Bookmarks in the order of the file.
    pub outline: Vec<OutlineEntry>,
    /// Texts or bookmarks beyond what is read of them are left out.
    pub is_cut: bool,
}

/// A bookmark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OutlineEntry {
    /// Its text.
    pub title: String,
    /// Position of its page, from 0; null where it leads to no page.
    pub page_index: Option<usize>,
    /// Depth, 1 for the first level.
    pub depth: u8,
}
