//! Pictures and page breaks in the Markdown and HTML that docparse has written, as docling's clients expect them; and the
//! plain text of a document.

use super::document::Pictures;
use crate::serve::finished::Finished;
use crate::serve::parsed::{Body, Parsed};
use crate::serve::spool::PictureMode;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use std::collections::HashSet;
use std::io::Cursor;

/// In the place of a picture.
const IMAGE: &str = "<!-- image -->";
/// In the place of a formula that is a picture.
const FORMULA: &str = "<!-- formula-not-decoded -->";

/// How the pictures of a file are shown.
pub(crate) struct ShownPictures<'a> {
    finished: &'a Finished<'a>,
    index: usize,
    mode: PictureMode,
    known: HashSet<&'a str>,
    /// Those that are formulas.
    formulas: HashSet<String>,
}

impl<'a> ShownPictures<'a> {
    /// The pictures of a file of a job.
    pub(crate) fn new(
        finished: &'a Finished<'a>,
        index: usize,
        mode: PictureMode,
        parsed: &Parsed,
    ) -> ShownPictures<'a> {
        let mut formulas = HashSet::new();
        for page in &parsed.pages {
            for (block, facts) in page.blocks.iter().zip(&page.diagnostics.blocks) {
                if let (true, Some(path)) = (block.label.ends_with("formula"), &facts.image) {
                    formulas.insert(path.clone());
                }
            }
        }
        ShownPictures {
            finished,
            index,
            mode,
            known: finished.names(index).into_iter().collect(),
            formulas,
        }
    }

    fn embedded(&self, path: &str) -> Option<(String, Option<(u32, u32)>)> {
        // A picture that cannot be read is not shown; the text matters more.
        let bytes = self.finished.bytes(self.index, path).ok()?;
        let reader = image::ImageReader::new(Cursor::new(&bytes)).with_guessed_format();
        let size = reader.ok().and_then(|reader| reader.into_dimensions().ok());
        let address = format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(&bytes));
        Some((address, size))
    }

    /// What stands for the picture with this address; `None` if it is none of the file's, or stays.
    fn replaced(&self, address: &str) -> Option<Replaced> {
        let path = percent_decode_str(address).decode_utf8().ok()?;
        let path = path.strip_prefix("./").unwrap_or(&path);
        if !self.known.contains(path) {
            return None;
        }
        match self.mode {
            PictureMode::Referenced => None,
            PictureMode::Embedded => self.embedded(path).map(|(uri, _)| Replaced::Address(uri)),
            PictureMode::Placeholder => Some(Replaced::Whole(match self.formulas.contains(path) {
                true => FORMULA,
                false => IMAGE,
            })),
        }
    }
}

impl Pictures for ShownPictures<'_> {
    fn picture(&self, path: &str) -> Option<(String, Option<(u32, u32)>)> {
        match self.mode {
            _ if !self.known.contains(path) => None,
            PictureMode::Placeholder => None,
            PictureMode::Embedded => self.embedded(path),
            PictureMode::Referenced => Some((path.into(), None)),
        }
    }
}

/// What stands for a picture.
enum Replaced {
    /// This, instead of all of it.
    Whole(&'static str),
    /// This, instead of its address.
    Address(String),
}

/// A picture in a text: where all of it is, and where its address is, in bytes.
struct Found {
    whole: (usize, usize),
    address: (usize, usize),
}

/// The picture that begins at a position.
fn picture_at(text: &str, at: usize) -> Option<Found> {
    let rest = &text[at..];
    if let Some(description) = rest.strip_prefix("![") {
        let mut is_escaped = false;
        let end = description.char_indices().find_map(|(i, c)| {
            let ends = c == ']' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            ends.then_some(i + 2)
        })?;
        let address = rest[end + 1..].strip_prefix('(')?;
        let length = address.find([')', '\n'])?;
        let start = at + end + 2;
        return address[length..].starts_with(')').then_some(Found {
            whole: (at, start + length + 1),
            address: (start, start + length),
        });
    }
    let tag = &rest[..rest.starts_with("<img ").then(|| rest.find('>'))?? + 1];
    let start = tag.find(" src=\"")? + 6;
    let length = tag[start..].find('"')?;
    Some(Found {
        whole: (at, at + tag.len()),
        address: (at + start, at + start + length),
    })
}

fn with_pictures(text: &str, pictures: &ShownPictures<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    let mut at = 0;
    while let Some(next) = text[at..].find(['!', '<']).map(|next| at + next) {
        at = next + 1;
        let is_escaped = text[..next].ends_with('\\');
        let Some(found) = picture_at(text, next).filter(|_| !is_escaped) else {
            continue;
        };
        let (start, end) = found.address;
        match pictures.replaced(&text[start..end]) {
            None => continue,
            Some(Replaced::Whole(mark)) => {
                out.push_str(&text[done..found.whole.0]);
                out.push_str(mark);
                done = found.whole.1;
            }
            Some(Replaced::Address(address)) => {
                out.push_str(&text[done..start]);
                out.push_str(&address);
                done = end;
            }
        }
        at = found.whole.1;
    }
    out.push_str(&text[done..]);
    out
}

/// HTML with its pictures.
pub(crate) fn html(text: &str, pictures: &ShownPictures<'_>) -> String {
    with_pictures(text, pictures)
}

/// Markdown with its pictures, and with `page_break` between pages that have something on them. Pages are told apart by
/// the comments that docparse writes before them.
pub(crate) fn markdown(
    text: &str,
    page_break: Option<&str>,
    pictures: &ShownPictures<'_>,
) -> String {
    let text = match page_break {
        None => text.to_string(),
        Some(page_break) => {
            let pages = pages_of(text);
            pages.join(&format!("\n\n{page_break}\n\n")) + "\n"
        }
    };
    with_pictures(&text, pictures)
}

/// The last page of a comment before pages.
fn page_comment(line: &str) -> Option<usize> {
    let inner = line.strip_prefix("<!-- page")?.strip_suffix(" -->")?;
    let numbers = inner.strip_prefix(' ').or(inner.strip_prefix("s "))?;
    let last = numbers.rsplit('-').next()?;
    last.parse().ok()
}

/// The text of each page that has one.
fn pages_of(text: &str) -> Vec<&str> {
    let mut pages = Vec::new();
    let (mut start, mut at, mut number) = (0, 0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(page) = page_comment(line.trim_end()).filter(|page| *page > number) {
            pages.push(&text[start..at]);
            (start, number) = (at + line.len(), page);
        }
        at += line.len();
    }
    pages.push(&text[start..]);
    let pages = pages.into_iter().map(str::trim);
    pages.filter(|page| !page.is_empty()).collect()
}

/// The text of a document, without furniture: paragraphs with a blank line between them.
pub(crate) fn plain_text(parsed: &Parsed) -> String {
    let blocks = parsed.pages.iter().flat_map(|page| &page.blocks);
    let bodies = blocks.map(|block| &block.body);
    let contents = bodies.filter(|body| !matches!(body, Body::Running { .. }));
    let texts = contents.map(|body| {
        let between = match body {
            Body::List { .. } | Body::Table { .. } | Body::Contents { .. } => "\n",
            _ => "\n\n",
        };
        body.texts().join(between)
    });
    let texts: Vec<String> = texts.filter(|text| !text.trim().is_empty()).collect();
    texts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_apart_by_their_comments() {
        let text = "<!-- page 1 -->\n\na\n\n<!-- page 1 -->\n\n<!-- pages 2-4 -->\n\n<!-- page 5 -->\n\nb\n";
        assert_eq!(pages_of(text), ["a\n\n<!-- page 1 -->", "b"]);
        assert_eq!(pages_of("a\n"), ["a"]);
    }

    #[test]
    fn pictures_are_found_in_both_markups() {
        let address = |text: &str| {
            let at = text.find(['!', '<'])?;
            let found = picture_at(text, at)?;
            Some((
                text[found.whole.0..found.whole.1].to_string(),
                text[found.address.0..found.address.1].to_string(),
            ))
        };
        let found = |whole: &str, address: &str| Some((whole.to_string(), address.to_string()));
        assert_eq!(
            address(r"x ![a \] b](imgs/a%20b.jpg) y"),
            found(r"![a \] b](imgs/a%20b.jpg)", "imgs/a%20b.jpg")
        );
        assert_eq!(
            address(r#"<img src="a.jpg" alt="x">"#),
            found(r#"<img src="a.jpg" alt="x">"#, "a.jpg")
        );
        for none in ["![a] (b)", "![a](b", "! [a](b)", "<img alt=\"x\">", "<p>"] {
            assert_eq!(address(none), None, "{none}");
        }
    }
}
