//! The body of a block: its content by kind, for writers and programs that want structure rather than the reference's string.

use super::inline::{Inline, is_false};
use super::table::Table;
use serde::Serialize;

/// A paragraph: runs of text and formulas.
pub type Paragraph = Vec<Inline>;

/// The content of a block by kind. It is made from [`Block::content`](super::Block::content), which keeps the reference's string, when a
/// document is finished.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// Nothing was read, or the content went into another block.
    #[default]
    Empty,
    /// The text is part of the last paragraph of an earlier block, which goes on here.
    Joined {
        /// Position of that block's page, from 0.
        page: usize,
        /// Position of that block on its page, from 0.
        block: usize,
    },
    /// Running text.
    Text {
        /// Its paragraphs.
        paragraphs: Vec<Paragraph>,
    },
    /// A heading.
    Heading {
        /// 0 for the title of the document, 1 for the first level below it; `None` where it is not known.
        #[serde(skip_serializing_if = "Option::is_none")]
        depth: Option<u8>,
        /// Its text.
        text: Paragraph,
    },
    /// A list, or one item of it where the layout has a block for each.
    List {
        /// The items.
        items: Vec<ListItem>,
    },
    /// A table of contents.
    Contents {
        /// Its lines.
        entries: Vec<Paragraph>,
    },
    /// A table.
    Table {
        /// Its grid.
        #[serde(flatten)]
        table: Table,
        /// It was too large, and cells are left out.
        #[serde(skip_serializing_if = "is_false")]
        is_cut: bool,
    },
    /// Program code.
    Code {
        /// Its language, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        /// The code.
        text: String,
    },
    /// A formula on lines of its own.
    Formula {
        /// Its LaTeX, without dollar signs.
        latex: String,
        /// Its number on the page, with its brackets.
        #[serde(skip_serializing_if = "Option::is_none")]
        number: Option<String>,
    },
    /// A picture, chart or seal.
    Picture {
        /// Path of its file below the document's folder, where one is kept.
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<String>,
        /// Alternative text.
        #[serde(skip_serializing_if = "Option::is_none")]
        alt: Option<String>,
        /// Text that was read in it.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        paragraphs: Vec<Paragraph>,
    },
    /// Caption of a figure, table or chart.
    Caption {
        /// Its text.
        text: Paragraph,
    },
    /// A footnote, or a note below a figure or table.
    Footnote {
        /// The mark that refers to it, where it begins with one.
        #[serde(skip_serializing_if = "Option::is_none")]
        mark: Option<String>,
        /// Its paragraphs, the mark left out.
        paragraphs: Vec<Paragraph>,
    },
    /// Furniture of the page: running header or footer, page number, text beside the column.
    Running {
        /// Its paragraphs.
        paragraphs: Vec<Paragraph>,
    },
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ListItem {
    /// Bullet or number as it stands on the page, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// Its paragraphs.
    pub paragraphs: Vec<Paragraph>,
    /// Items below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ListItem>,
}

impl Body {
    /// Its paragraphs in order, those of lists and captions included; not the cells of tables.
    pub fn paragraphs(&self) -> Vec<&Paragraph> {
        match self {
            Body::Empty
            | Body::Joined { .. }
            | Body::Table { .. }
            | Body::Code { .. }
            | Body::Formula { .. } => Vec::new(),
            Body::Text { paragraphs }
            | Body::Contents {
                entries: paragraphs,
            }
            | Body::Picture { paragraphs, .. }
            | Body::Footnote { paragraphs, .. }
            | Body::Running { paragraphs } => paragraphs.iter().collect(),
            Body::Heading { text, .. } | Body::Caption { text } => vec![text],
            Body::List { items } => items.iter().flat_map(ListItem::all_paragraphs).collect(),
        }
    }

    /// As [`Body::paragraphs`], to change them.
    pub fn paragraphs_mut(&mut self) -> Vec<&mut Paragraph> {
        match self {
            Body::Empty
            | Body::Joined { .. }
            | Body::Table { .. }
            | Body::Code { .. }
            | Body::Formula { .. } => Vec::new(),
            Body::Text { paragraphs }
            | Body::Contents {
                entries: paragraphs,
            }
            | Body::Picture { paragraphs, .. }
            | Body::Footnote { paragraphs, .. }
            | Body::Running { paragraphs } => paragraphs.iter_mut().collect(),
            Body::Heading { text, .. } | Body::Caption { text } => vec![text],
            Body::List { items } => {
                let items = items.iter_mut();
                items.flat_map(ListItem::all_paragraphs_mut).collect()
            }
        }
    }
}

impl ListItem {
    fn all_paragraphs(&self) -> Vec<&Paragraph> {
        let below = self.items.iter().flat_map(ListItem::all_paragraphs);
        self.paragraphs.iter().chain(below).collect()
    }

    fn all_paragraphs_mut(&mut self) -> Vec<&mut Paragraph> {
        let below = self.items.iter_mut().flat_map(ListItem::all_paragraphs_mut);
        self.paragraphs.iter_mut().chain(below).collect()
    }
}
