//! XML of the parts of a Word document: the one place that escapes text, and the stream that a part is written to.

use std::io::{self, Write};

/// Bytes of XML that are collected before they are handed on. A larger value takes more memory, a smaller one more calls.
const CHUNK: usize = 64 * 1024;

/// A character as it stands in the document: control characters that separate are blanks, others and those that XML cannot
/// have are left out.
fn clean(c: char) -> Option<char> {
    match c {
        '\t' | '\n' => Some(c),
        '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1f}' | '\u{85}' => Some(' '),
        '\u{fffe}' | '\u{ffff}' => None,
        c => Some(c).filter(|c| !c.is_control()),
    }
}

/// Text between tags or between quotes, on one line.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter_map(clean) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// The content of a run: its text, line ends and tabs as elements.
pub(super) fn run_content(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 40);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push_str("<w:br/>");
        }
        for (at, piece) in line.split('\t').enumerate() {
            if at > 0 {
                out.push_str("<w:tab/>");
            }
            if !piece.is_empty() {
                let piece = escaped(piece);
                out.extend(["<w:t xml:space=\"preserve\">", &piece, "</w:t>"]);
            }
        }
    }
    out
}

/// A part that is written as it comes: a long document never lies in memory whole.
pub(super) struct Stream<'a> {
    text: String,
    sink: &'a mut dyn Write,
    /// Why it could not be written further.
    error: Option<io::Error>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(sink: &'a mut dyn Write) -> Self {
        Stream {
            text: String::new(),
            sink,
            error: None,
        }
    }

    /// Writes pieces of XML.
    pub(super) fn push(&mut self, pieces: &[&str]) {
        self.text.extend(pieces.iter().copied());
        if self.text.len() > CHUNK {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        if self.error.is_none() {
            self.error = self.sink.write_all(self.text.as_bytes()).err();
        }
        self.text.clear();
    }

    /// Notes why the part cannot be whole.
    pub(super) fn fail(&mut self, error: io::Error) {
        self.error.get_or_insert(error);
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.hand_on();
        self.error.map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_xml_and_has_only_its_characters() {
        assert_eq!(
            escaped("a\u{0}\u{1b}\u{7f}\u{ffff}\u{c}<b a=\"'&\">\n]]>"),
            "a &lt;b a=&quot;'&amp;&quot;&gt; ]]&gt;"
        );
        assert_eq!(
            run_content("a \r\nb\tc\u{8}"),
            "<w:t xml:space=\"preserve\">a </w:t><w:br/><w:t xml:space=\"preserve\">b</w:t><w:tab/>\
             <w:t xml:space=\"preserve\">c</w:t>"
        );
        assert_eq!(run_content(""), "");
    }
}
