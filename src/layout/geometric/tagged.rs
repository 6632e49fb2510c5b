//! Structure of tagged PDFs: the element of each marked content, headings, and reading order. Used only if
//! the tags cover the page and are plausible.

use super::thresholds::tags::{MAX_HEADING_SHARE, MIN_AGREEMENT, MIN_COVER};
use crate::document::Label;
use crate::input::pdf::page::StructNode;
use crate::layout::Region;
use crate::lines::Segment;
use std::collections::HashMap;

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

/// Trusted tags of a page.
pub(super) struct Tags {
    element_of: HashMap<i32, (usize, Option<u8>)>,
}

impl Tags {
    /// Reads the structure of a page; `None` if it cannot be trusted.
    pub(super) fn new(nodes: &[StructNode], segments: &[Segment]) -> Option<Tags> {
        let mut element_of = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            let block = block_of(nodes, index);
            for mcid in &node.mcids {
                element_of.insert(*mcid, (block, heading_level(&nodes[block].kind)));
            }
        }
        let total: usize = segments.iter().map(Segment::char_count).sum();
        let covered: usize = segments
            .iter()
            .filter(|s| element_of.contains_key(&s.mcid))
            .map(Segment::char_count)
            .sum();
        if total == 0 || (covered as f32) < MIN_COVER * total as f32 {
            return None;
        }
        let mut elements: Vec<usize> = element_of.values().map(|e| e.0).collect();
        elements.sort_unstable();
        elements.dedup();
        let headings = elements
            .iter()
            .filter(|e| heading_level(&nodes[**e].kind).is_some())
            .count();
        let sane = elements.len() >= 2
            && headings as f32 <= MAX_HEADING_SHARE * elements.len() as f32 + 1.0;
        sane.then_some(Tags { element_of })
    }

    /// The element of a marked content, and its level if it is a heading.
    pub(super) fn element(&self, mcid: i32) -> Option<(usize, Option<u8>)> {
        self.element_of.get(&mcid).copied()
    }
}

/// The nearest block element that contains `index`.
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
        _ => kind
            .strip_prefix('H')?
            .parse()
            .ok()
            .filter(|level| (1..=6).contains(level)),
    }
}

/// Sorts regions by the order of the tags if that agrees mostly with their positions.
///
/// Regions outside the text flow (running headers, notes) keep their places.
pub(super) fn reorder(regions: Vec<Region>, tags: &Tags, segments: &[Segment]) -> Vec<Region> {
    let outside = |r: &Region| {
        use Label::*;
        matches!(
            r.label,
            Header | Footer | Number | Footnote | AsideText | HeaderImage | FooterImage
        )
    };
    let key = |r: &Region| {
        let mcids = r
            .lines
            .iter()
            .flatten()
            .filter_map(|i| segments.get(*i))
            .map(|s| s.mcid);
        mcids
            .filter_map(|mcid| tags.element(mcid))
            .map(|(element, _)| element)
            .min()
    };
    // A figure has no text: it stays behind its predecessor.
    let mut keys: Vec<usize> = Vec::with_capacity(regions.len());
    for region in &regions {
        keys.push(key(region).or(keys.last().copied()).unwrap_or(0));
    }
    // Programs differ in whether a float or its caption comes first: the two move together, in page order.
    let is_float = |r: &Region| matches!(r.label, Label::Table | Label::Image | Label::Chart);
    for i in (0..regions.len()).filter(|&i| regions[i].label == Label::FigureTitle) {
        let beside = [i.wrapping_sub(1), i + 1]
            .into_iter()
            .find(|&j| regions.get(j).is_some_and(is_float));
        if let Some(j) = beside {
            let first = keys[i].min(keys[j]);
            (keys[i], keys[j]) = (first, first);
        }
    }
    let flow: Vec<usize> = (0..regions.len())
        .filter(|&i| !outside(&regions[i]))
        .collect();
    let agreeing = flow
        .windows(2)
        .filter(|pair| keys[pair[0]] <= keys[pair[1]])
        .count();
    if flow.len() < 2
        || agreeing == flow.len() - 1
        || (agreeing as f32) < MIN_AGREEMENT * (flow.len() - 1) as f32
    {
        return regions;
    }
    let mut sorted = flow.clone();
    sorted.sort_by_key(|i| keys[*i]);
    let mut order: Vec<usize> = (0..regions.len()).collect();
    for (place, from) in flow.iter().zip(sorted) {
        order[*place] = from;
    }
    let mut regions: Vec<Option<Region>> = regions.into_iter().map(Some).collect();
    order
        .into_iter()
        .filter_map(|i| regions[i].take())
        .collect()
}

/// Alternative texts of figures, in tree order.
pub(super) fn alternative_texts(nodes: &[StructNode]) -> Vec<String> {
    nodes
        .iter()
        .filter(|n| n.kind == "Figure")
        .filter_map(|n| n.alt.clone())
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::geometry::Rect;

    pub(in super::super) fn node(kind: &str, parent: Option<usize>, mcids: &[i32]) -> StructNode {
        StructNode {
            kind: kind.into(),
            parent,
            mcids: mcids.to_vec(),
            alt: None,
            spans: [1; 2],
        }
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

    pub(in super::super) fn segment(mcid: i32, x: f32, y: f32, text: &str) -> Segment {
        use crate::lines::Word;
        let bbox = Rect::new(x, y, x + 50.0, y + 20.0);
        Segment {
            mcid,
            ..Segment::of(
                vec![Word {
                    mcid,
                    ..Word::of(bbox, text)
                }],
                20.0,
            )
        }
    }

    #[test]
    fn regions_follow_the_tags() {
        let nodes: Vec<StructNode> = (0..4).map(|i| node("P", None, &[i])).collect();
        let segments: Vec<Segment> = (0..4)
            .map(|i| segment(i, 0.0, i as f32 * 30.0, "words"))
            .collect();
        let tags = Tags::new(&nodes, &segments).unwrap();
        let region = |i: usize| {
            let mut region = Region::new(Label::Text, segments[i].bbox, 1.0);
            region.lines = vec![vec![i]];
            region
        };
        let order = |given: [usize; 4]| -> Vec<usize> {
            reorder(given.map(region).to_vec(), &tags, &segments)
                .iter()
                .map(|r| r.lines[0][0])
                .collect()
        };
        assert_eq!(order([0, 2, 1, 3]), [0, 1, 2, 3]);
        // Tags that contradict the whole page are ignored.
        assert_eq!(order([3, 2, 1, 0]), [3, 2, 1, 0]);
    }

    #[test]
    fn heading_types_have_a_depth() {
        assert_eq!(heading_level("H3"), Some(3));
        assert_eq!(heading_level("H9"), None);
        assert_eq!(heading_level("P"), None);
    }
}
