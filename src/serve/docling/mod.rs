//! What docling's service shows of a document: its options, a `DoclingDocument`, and the texts beside it.
//!
//! `options` reads what a client asks for, `items` is the model of a `DoclingDocument`, `document` makes one of the JSON of
//! a job with `pieces`, `markup` puts pictures and page breaks into Markdown and HTML, `doctags` writes DocTags.

mod doctags;
mod document;
mod items;
mod markup;
mod options;
mod pieces;

pub(crate) use doctags::write as doctags;
pub(crate) use document::{Source, document};
pub(crate) use markup::{ShownPictures, html, markdown, plain_text};
pub(crate) use options::{Given, Wishes, invalid};
