//! What a tagged PDF says: which element a marked content belongs to, which are headings, and in which order
//! they are read. Used only where the tags cover the page and make sense.

use crate::input::pdf::protocol::StructNode;
use crate::lines::Segment;
use std::collections::HashMap;

/// Share of text that must carry tags.
const MIN_COVER: f32 = 0.85;
/// Types of elements that make a block of their own.
const BLOCKS: &[&str] = &[
    "P",
    "H",
    "H1",
    "H2",
    "H3",
    "H4",
    "H5",
    "H6",
    "Title",
    "LI",
    "LBody",
    "Lbl",
    "TD",
    "TH",
    "Caption",
    "Note",
    "FENote",
    "BlockQuote",
    "Code",
    "TOCI",
    "Figure",
    "Formula",
    "Aside",
];
/// More headings among the elements than this share: somebody used headings for looks.
const MAX_HEADING_SHARE: f32 = 0.5;

/// The tags of a page that can be trusted.
pub struct Tags {
    element_of: HashMap<i32, (usize, Option<u8>)>,
}

impl Tags {
    /// Reads the structure of a page; `None` where it cannot be trusted.
    pub fn new(nodes: &[StructNode], segments: &[Segment]) -> Option<Tags> {
        let mut element_of = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            let block = block_of(nodes, index);
            for mcid in &node.mcids {
                element_of.insert(*mcid, (block, heading_level(&nodes[block].kind)));
            }
        }
        let total: usize = segments.iter().map(Segment::char_count).sum();
        let covered: usize =
            segments.iter().filter(|s| element_of.contains_key(&s.mcid)).map(Segment::char_count).sum();
        if total == 0 || (covered as f32) < MIN_COVER * total as f32 {
            return None;
        }
        let mut elements: Vec<usize> = element_of.values().map(|e| e.0).collect();
        elements.sort_unstable();
        elements.dedup();
        let headings = elements.iter().filter(|e| heading_level(&nodes[**e].kind).is_some()).count();
        let sane = elements.len() >= 2 && headings as f32 <= MAX_HEADING_SHARE * elements.len() as f32 + 1.0;
        sane.then_some(Tags { element_of })
    }

    /// The element that a marked content belongs to, and its depth if it is a heading.
    pub fn element(&self, mcid: i32) -> Option<(usize, Option<u8>)> {
        self.element_of.get(&mcid).copied()
    }
}

/// The nearest element around `index` that is a block.
fn block_of(nodes: &[StructNode], index: usize) -> usize {
    let mut at = index;
    while !BLOCKS.contains(&nodes[at].kind.as_str()) {
        match nodes[at].parent {
            Some(parent) => at = parent,
            None => return index,
        }
    }
    // A paragraph inside a list item or a cell belongs to it.
    let mut outer = nodes[at].parent;
    while let Some(parent) = outer {
        if matches!(nodes[parent].kind.as_str(), "LI" | "TD" | "TH" | "Caption") {
            at = parent;
        }
        outer = nodes[parent].parent;
    }
    at
}

fn heading_level(kind: &str) -> Option<u8> {
    match kind {
        "Title" => Some(1),
        "H" => Some(2),
        _ => kind.strip_prefix('H')?.parse().ok().filter(|level| (1..=6).contains(level)),
    }
}

/// Alternative texts of figures, in the order of the tree.
pub fn alternative_texts(nodes: &[StructNode]) -> Vec<String> {
    nodes.iter().filter(|n| n.kind == "Figure").filter_map(|n| n.alt.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(kind: &str, parent: Option<usize>, mcids: &[i32]) -> StructNode {
        StructNode { kind: kind.into(), parent, mcids: mcids.to_vec(), alt: None }
    }

    #[test]
    fn marked_contents_belong_to_the_nearest_block() {
        let nodes = [
            node("Document", None, &[]),
            node("L", Some(0), &[]),
            node("LI", Some(1), &[]),
            node("LBody", Some(2), &[]),
            node("P", Some(3), &[]),
            node("Span", Some(4), &[7]),
        ];
        assert_eq!(block_of(&nodes, 5), 2);
        assert_eq!(block_of(&nodes, 0), 0);
    }

    #[test]
    fn heading_types_have_a_depth() {
        assert_eq!(heading_level("H3"), Some(3));
        assert_eq!(heading_level("H9"), None);
        assert_eq!(heading_level("P"), None);
    }
}
