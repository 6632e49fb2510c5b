//! A lenient HTML tree that parses and serializes like Python's `html.parser` under BeautifulSoup 4: merged
//! tables must have the same bytes as the reference's (docs/reference.md, "Merging tables across pages").

use crate::document::html::{Tag, Token, Tokens, decoded};
use std::collections::{BTreeMap, BTreeSet};

/// A node of the tree.
pub(super) type NodeId = usize;

enum Node {
    Element {
        name: String,
        attributes: BTreeMap<String, String>,
        children: Vec<NodeId>,
        parent: NodeId,
    },
    Text(String),
    /// A comment or declaration, written back unchanged.
    Verbatim(String),
}

/// A parsed text. Node 0 is its root.
pub(super) struct HtmlTree {
    nodes: Vec<Node>,
}

/// Limit of nested elements. A deeper tag becomes an element without content, with its text beside it, so
/// that walking all descendants or ancestors of every element stays linear.
const MAX_DEPTH: usize = 256;
/// State of the parser.
struct TreeState {
    /// The innermost open element and its depth.
    open: NodeId,
    depth: usize,
}

/// Void elements.
const VOID: &[&str] = &[
    "area", "base", "basefont", "bgsound", "br", "col", "command", "embed", "frame", "hr", "image",
    "img", "input", "isindex", "keygen", "link", "menuitem", "meta", "nextid", "param", "source",
    "spacer", "track", "wbr",
];

impl HtmlTree {
    /// Parses any text.
    pub(super) fn parse(text: &str) -> HtmlTree {
        let root = Node::Element {
            name: String::new(),
            attributes: BTreeMap::new(),
            children: Vec::new(),
            parent: 0,
        };
        let mut html = HtmlTree { nodes: vec![root] };
        let mut reading = TreeState { open: 0, depth: 0 };
        for token in Tokens::new(text) {
            match token {
                Token::Text(text) => html.add_text(reading.open, &decoded(text)),
                Token::Comment(comment) => {
                    html.add(reading.open, Node::Verbatim(comment.to_string()));
                }
                Token::Open(tag) => html.open_tag(tag, &mut reading),
                Token::Close(name) => html.close_tag(&name, &mut reading),
                Token::Declaration(_) => {}
            }
        }
        html
    }

    /// The root.
    pub(super) fn root(&self) -> NodeId {
        0
    }

    /// The parent of an element.
    pub(super) fn parent(&self, node: NodeId) -> NodeId {
        match &self.nodes[node] {
            Node::Element { parent, .. } => *parent,
            _ => 0,
        }
    }

    /// `true` if an element is a descendant of one of `others`.
    pub(super) fn is_inside(&self, node: NodeId, others: &BTreeSet<NodeId>) -> bool {
        let mut at = node;
        while at != 0 {
            at = self.parent(at);
            if others.contains(&at) {
                return true;
            }
        }
        false
    }

    /// All descendants of a node with these names, in document order.
    pub(super) fn elements(&self, below: NodeId, names: &[&str]) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut stack: Vec<NodeId> = self.children(below).iter().rev().copied().collect();
        while let Some(node) = stack.pop() {
            if let Node::Element { name, children, .. } = &self.nodes[node] {
                if names.contains(&name.as_str()) {
                    found.push(node);
                }
                stack.extend(children.iter().rev());
            }
        }
        found
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, node: NodeId, name: &str) -> Option<&str> {
        match &self.nodes[node] {
            Node::Element { attributes, .. } => attributes.get(name).map(String::as_str),
            _ => None,
        }
    }

    /// The text of all descendants of a node.
    pub(super) fn text(&self, node: NodeId) -> String {
        let mut out = String::new();
        let mut stack = vec![node];
        while let Some(node) = stack.pop() {
            match &self.nodes[node] {
                Node::Text(text) => out.push_str(text),
                Node::Element { children, .. } => stack.extend(children.iter().rev()),
                Node::Verbatim(_) => {}
            }
        }
        out
    }

    /// Appends a copy of an element of another tree.
    pub(super) fn append_copy(&mut self, home: NodeId, from: &HtmlTree, node: NodeId) {
        let mut stack = vec![(home, node)];
        while let Some((home, node)) = stack.pop() {
            match &from.nodes[node] {
                Node::Text(text) => drop(self.add(home, Node::Text(text.clone()))),
                Node::Verbatim(text) => drop(self.add(home, Node::Verbatim(text.clone()))),
                Node::Element {
                    name,
                    attributes,
                    children,
                    ..
                } => {
                    let (name, attributes) = (name.clone(), attributes.clone());
                    let copy = Node::Element {
                        name,
                        attributes,
                        children: Vec::new(),
                        parent: home,
                    };
                    let copy = self.add(home, copy);
                    stack.extend(children.iter().rev().map(|child| (copy, *child)));
                }
            }
        }
    }

    /// Serializes the tree: only `&`, `<` and `>` escaped, attributes sorted, everything closed.
    pub(super) fn to_html(&self) -> String {
        enum WriteStep<'a> {
            Open(NodeId),
            Close(&'a str),
        }
        let mut out = String::new();
        let mut stack: Vec<WriteStep> = self
            .children(0)
            .iter()
            .rev()
            .map(|c| WriteStep::Open(*c))
            .collect();
        while let Some(step) = stack.pop() {
            match step {
                WriteStep::Close(name) => out.push_str(&format!("</{name}>")),
                WriteStep::Open(node) => match &self.nodes[node] {
                    Node::Text(text) => out.push_str(&minimally_escaped(text)),
                    Node::Verbatim(text) => out.push_str(text),
                    Node::Element {
                        name,
                        attributes,
                        children,
                        ..
                    } => {
                        out.push_str(&format!("<{name}"));
                        for (key, value) in attributes {
                            out.push_str(&format!(" {key}={}", quoted(value)));
                        }
                        if VOID.contains(&name.as_str()) && children.is_empty() {
                            out.push_str("/>");
                        } else {
                            out.push('>');
                            stack.push(WriteStep::Close(name));
                            stack.extend(children.iter().rev().map(|c| WriteStep::Open(*c)));
                        }
                    }
                },
            }
        }
        out
    }

    fn children(&self, node: NodeId) -> &[NodeId] {
        match &self.nodes[node] {
            Node::Element { children, .. } => children,
            _ => &[],
        }
    }

    fn add(&mut self, home: NodeId, node: Node) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(node);
        if let Node::Element { children, .. } = &mut self.nodes[home] {
            children.push(id);
        }
        id
    }

    /// Adds text; appends it to a preceding text node if there is one.
    fn add_text(&mut self, home: NodeId, text: &str) {
        if text.is_empty() {
            return;
        }
        let last = self.children(home).last().copied();
        match last.map(|last| &mut self.nodes[last]) {
            Some(Node::Text(before)) => before.push_str(text),
            _ => drop(self.add(home, Node::Text(text.to_string()))),
        }
    }

    fn open_tag(&mut self, tag: Tag, reading: &mut TreeState) {
        let closed = tag.closed || VOID.contains(&tag.name.as_str());
        let (parent, children) = (reading.open, Vec::new());
        let element = Node::Element {
            name: tag.name,
            // If an attribute occurs twice, the last one counts.
            attributes: tag.attributes.into_iter().collect(),
            children,
            parent,
        };
        let id = self.add(parent, element);
        if !closed && reading.depth < MAX_DEPTH {
            reading.open = id;
            reading.depth += 1;
        }
    }

    /// Closes everything up to the innermost open element of the name; nothing if there is none.
    fn close_tag(&self, name: &str, reading: &mut TreeState) {
        let (mut at, mut left) = (reading.open, reading.depth);
        while at != 0 {
            left -= 1;
            match &self.nodes[at] {
                Node::Element {
                    name: own, parent, ..
                } if own == name => {
                    (reading.open, reading.depth) = (*parent, left);
                    return;
                }
                _ => at = self.parent(at),
            }
        }
    }
}

fn minimally_escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn quoted(value: &str) -> String {
    let value = minimally_escaped(value);
    match (value.contains('"'), value.contains('\'')) {
        (false, _) => format!("\"{value}\""),
        (true, false) => format!("'{value}'"),
        (true, true) => format!("\"{}\"", value.replace('"', "&quot;")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(HtmlTree::parse(html).to_html(), expected);
    }

    #[test]
    fn attributes_are_sorted_and_quoted() {
        check(
            "<td rowspan=2 colspan='3'>x</td>",
            "<td colspan=\"3\" rowspan=\"2\">x</td>",
        );
        check(
            "<img src=\"p.jpg\" alt=\"Image\"\" />",
            "<img \"=\"\" alt=\"Image\" src=\"p.jpg\"/>",
        );
    }

    #[test]
    fn only_three_characters_stay_escaped() {
        check(
            "<b>&lt;a&gt; &amp; &quot;b&quot; &#x27; &eacute; a & b</b>",
            "<b>&lt;a&gt; &amp; \"b\" ' é a &amp; b</b>",
        );
    }

    #[test]
    fn what_is_not_closed_is_closed_at_the_end() {
        check(
            "<table><tr><td>a<tr><td>b</table>c",
            "<table><tr><td>a<tr><td>b</td></tr></td></tr></table>c",
        );
        check("a < b </i> <br> <td/>x", "a &lt; b  <br/> <td></td>x");
    }

    #[test]
    fn what_never_ends_is_read_in_time() {
        let many = |piece: &str, times: usize| HtmlTree::parse(&piece.repeat(times));
        // Nested elements: the text of all is kept, and the depth stays within the limit.
        let deep = many("<div>a", 200_000);
        assert_eq!(deep.text(0).len(), 200_000);
        let depth = |html: &HtmlTree, mut node: NodeId| {
            let mut depth = 0;
            while node != 0 {
                (node, depth) = (html.parent(node), depth + 1);
            }
            depth
        };
        assert!(
            deep.elements(0, &["div"])
                .iter()
                .all(|div| depth(&deep, *div) <= MAX_DEPTH + 1)
        );
        // Comments, end tags and quotes that never end: each must not be searched to the end of the text.
        for piece in ["<!--", "</x ", "<!x", "<?x", "<a b "] {
            assert_eq!(many(piece, 200_000).text(0), piece.repeat(200_000));
        }
        let quoted = format!("{}b=\">", "<a ".repeat(200_000));
        assert_eq!(HtmlTree::parse(&quoted).text(0), quoted);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_and_read_again(text in "(<table>|<t[dr]( a=\"?[\"' ]?)?>|</t[dr]>|<br/?>|<!--|-->|&[a-z]{0,4};?|[a-z<>\"'=/ ]){0,30}") {
            let once = HtmlTree::parse(&text).to_html();
            let html = HtmlTree::parse(&once);
            proptest::prop_assert_eq!(html.elements(0, &["td"]).len(), HtmlTree::parse(&text).elements(0, &["td"]).len());
        }
    }
}
