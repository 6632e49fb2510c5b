//! The model of a `DoclingDocument`: items in flat lists that refer to each other by JSON pointers. Names and values are
//! those of docling-core's data model, of a version that all its readers since then take.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Version of the data model that is written.
pub(crate) const VERSION: &str = "1.3.0";

/// Where an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// The document itself.
    Body,
    /// A group.
    Group(usize),
    /// A text.
    Text(usize),
    /// A table.
    Table(usize),
    /// A picture.
    Picture(usize),
}

impl Place {
    /// Its JSON pointer.
    pub(crate) fn pointer(self) -> String {
        match self {
            Place::Body => "#/body".into(),
            Place::Group(at) => format!("#/groups/{at}"),
            Place::Text(at) => format!("#/texts/{at}"),
            Place::Table(at) => format!("#/tables/{at}"),
            Place::Picture(at) => format!("#/pictures/{at}"),
        }
    }
}

/// A reference to an item.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Pointer {
    #[serde(rename = "$ref")]
    target: String,
    #[serde(skip)]
    place: Place,
}

impl Pointer {
    /// A reference.
    pub(crate) fn to(place: Place) -> Pointer {
        Pointer {
            target: place.pointer(),
            place,
        }
    }

    /// Where it leads.
    pub(crate) fn place(&self) -> Place {
        self.place
    }
}

/// What all items have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Node {
    /// Its own pointer.
    pub self_ref: String,
    /// What it belongs to; nothing for the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<Pointer>,
    /// What belongs to it, in reading order.
    pub children: Vec<Pointer>,
    /// `body` or `furniture`.
    pub content_layer: &'static str,
}

/// A group: a list, or the body.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Group {
    /// What all items have.
    #[serde(flatten)]
    pub node: Node,
    /// Name.
    pub name: &'static str,
    /// Kind.
    pub label: &'static str,
}

/// A box on a page, in points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct BoundingBox {
    /// Left.
    pub l: f64,
    /// Top.
    pub t: f64,
    /// Right.
    pub r: f64,
    /// Bottom.
    pub b: f64,
    /// The corner that it counts from.
    pub coord_origin: &'static str,
}

/// A place on a page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Provenance {
    /// The page, from 1.
    pub page_no: usize,
    /// The box.
    pub bbox: BoundingBox,
    /// The part of the text that stands there, in characters.
    pub charspan: [usize; 2],
}

/// Look of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Formatting {
    /// Bold.
    pub bold: bool,
    /// Italic.
    pub italic: bool,
    /// Never known.
    pub underline: bool,
    /// Struck out.
    pub strikethrough: bool,
}

/// A text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Text {
    /// What all items have.
    #[serde(flatten)]
    pub node: Node,
    /// Kind.
    pub label: &'static str,
    /// Where it stands.
    pub prov: Vec<Provenance>,
    /// As it stands in the document.
    pub orig: String,
    /// As it is to be read.
    pub text: String,
    /// Look, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatting: Option<Formatting>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hyperlink: Option<String>,
    /// Level of a heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// An item with a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enumerated: Option<bool>,
    /// Bullet or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marker: Option<String>,
    /// Language of a listing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_language: Option<&'static str>,
}

/// What tables and pictures have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Float {
    /// What all items have.
    #[serde(flatten)]
    pub node: Node,
    /// Kind.
    pub label: &'static str,
    /// Where it stands.
    pub prov: Vec<Provenance>,
    /// Its captions.
    pub captions: Vec<Pointer>,
    /// Always empty.
    pub references: Vec<Pointer>,
    /// Always empty.
    pub footnotes: Vec<Pointer>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Table {
    /// What tables and pictures have.
    #[serde(flatten)]
    pub float: Float,
    /// Cells.
    pub data: TableData,
    /// Always empty.
    pub annotations: Vec<Value>,
}

/// Cells of a table.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(crate) struct TableData {
    /// Each cell once.
    pub table_cells: Vec<TableCell>,
    /// Rows.
    pub num_rows: usize,
    /// Columns.
    pub num_cols: usize,
    /// The cell at each position, row by row; readers make it of the cells where it is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grid: Vec<Vec<TableCell>>,
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub(crate) struct TableCell {
    /// Its box.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bbox: Option<BoundingBox>,
    /// Rows covered.
    pub row_span: usize,
    /// Columns covered.
    pub col_span: usize,
    /// First row.
    pub start_row_offset_idx: usize,
    /// The row after its last one.
    pub end_row_offset_idx: usize,
    /// First column.
    pub start_col_offset_idx: usize,
    /// The column after its last one.
    pub end_col_offset_idx: usize,
    /// Text.
    pub text: String,
    /// It heads columns.
    pub column_header: bool,
    /// It heads rows.
    pub row_header: bool,
    /// Never known.
    pub row_section: bool,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Picture {
    /// What tables and pictures have.
    #[serde(flatten)]
    pub float: Float,
    /// The picture itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageRef>,
    /// Descriptions.
    pub annotations: Vec<Value>,
}

/// A picture itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct ImageRef {
    /// Media type.
    pub mimetype: &'static str,
    /// Dots per inch.
    pub dpi: u32,
    /// Pixels.
    pub size: Size,
    /// Address.
    pub uri: String,
}

/// A size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Size {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct PageItem {
    /// Size in points.
    pub size: Size,
    /// Number, from 1.
    pub page_no: usize,
}

/// The file that a document was made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Origin {
    /// Media type.
    pub mimetype: &'static str,
    /// The last 64 bits of its SHA-256.
    pub binary_hash: u64,
    /// Name.
    pub filename: String,
}

/// The document.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct DoclingDocument {
    /// Always `DoclingDocument`.
    pub schema_name: &'static str,
    /// Version of the data model.
    pub version: &'static str,
    /// Name without ending.
    pub name: String,
    /// The file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Always empty: furniture is part of the body, in a layer of its own.
    pub furniture: Group,
    /// What stands at the top, in reading order.
    pub body: Group,
    /// Groups.
    pub groups: Vec<Group>,
    /// Texts.
    pub texts: Vec<Text>,
    /// Pictures.
    pub pictures: Vec<Picture>,
    /// Tables.
    pub tables: Vec<Table>,
    /// Always empty.
    pub key_value_items: Vec<Value>,
    /// Always empty.
    pub form_items: Vec<Value>,
    /// Pages by number.
    pub pages: BTreeMap<usize, PageItem>,
}

impl DoclingDocument {
    /// An empty one.
    pub(crate) fn new(name: String, origin: Option<Origin>) -> DoclingDocument {
        let root = |self_ref: &str, content_layer| Group {
            node: Node {
                self_ref: self_ref.into(),
                parent: None,
                children: Vec::new(),
                content_layer,
            },
            name: "_root_",
            label: "unspecified",
        };
        DoclingDocument {
            schema_name: "DoclingDocument",
            version: VERSION,
            name,
            origin,
            furniture: root("#/furniture", FURNITURE),
            body: root("#/body", BODY),
            groups: Vec::new(),
            texts: Vec::new(),
            pictures: Vec::new(),
            tables: Vec::new(),
            key_value_items: Vec::new(),
            form_items: Vec::new(),
            pages: BTreeMap::new(),
        }
    }

    /// The node of an item.
    pub(crate) fn node(&self, place: Place) -> &Node {
        match place {
            Place::Body => &self.body.node,
            Place::Group(at) => &self.groups[at].node,
            Place::Text(at) => &self.texts[at].node,
            Place::Table(at) => &self.tables[at].float.node,
            Place::Picture(at) => &self.pictures[at].float.node,
        }
    }

    fn node_mut(&mut self, place: Place) -> &mut Node {
        match place {
            Place::Body => &mut self.body.node,
            Place::Group(at) => &mut self.groups[at].node,
            Place::Text(at) => &mut self.texts[at].node,
            Place::Table(at) => &mut self.tables[at].float.node,
            Place::Picture(at) => &mut self.pictures[at].float.node,
        }
    }

    /// The node of a new item, which its parent knows from now on.
    pub(crate) fn child(
        &mut self,
        place: Place,
        parent: Place,
        content_layer: &'static str,
    ) -> Node {
        self.node_mut(parent).children.push(Pointer::to(place));
        Node {
            self_ref: place.pointer(),
            parent: Some(Pointer::to(parent)),
            children: Vec::new(),
            content_layer,
        }
    }

    /// Where an item stands; `None` for groups.
    pub(crate) fn provenance_mut(&mut self, place: Place) -> Option<&mut Vec<Provenance>> {
        match place {
            Place::Body | Place::Group(_) => None,
            Place::Text(at) => Some(&mut self.texts[at].prov),
            Place::Table(at) => Some(&mut self.tables[at].float.prov),
            Place::Picture(at) => Some(&mut self.pictures[at].float.prov),
        }
    }
}

/// The layer of contents.
pub(crate) const BODY: &str = "body";
/// The layer of running headers and footers.
pub(crate) const FURNITURE: &str = "furniture";
