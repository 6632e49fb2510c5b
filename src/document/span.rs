//! Styles of parts of a block's content: emphasis, code, links.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Range;
use std::sync::Arc;

/// The style of a piece of text, whatever that of the text around it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SpanStyle {
    /// Set in bold.
    pub bold: bool,
    /// Set in italic.
    pub italic: bool,
    /// Set as code.
    pub code: bool,
    /// Struck out.
    pub strike: bool,
    /// Address of the link that it is: of the web or of mail, or `#page=N` for a page of the document, counted
    /// from 1.
    #[serde(serialize_with = "write_link", deserialize_with = "read_link")]
    pub link: Option<Arc<str>>,
}

fn write_link<S: Serializer>(link: &Option<Arc<str>>, out: S) -> Result<S::Ok, S::Error> {
    link.as_deref().serialize(out)
}

fn read_link<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Arc<str>>, D::Error> {
    Ok(Option::<String>::deserialize(input)?.map(Arc::from))
}

/// A part of a block's content whose style differs from that of the block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Its bytes in the content. Spans do not overlap and are in order.
    pub range: Range<usize>,
    /// Its style.
    pub style: SpanStyle,
}
