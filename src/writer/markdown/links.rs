//! Addresses of pictures and links.

use crate::document::Page;
use crate::writer::kept::{Finished, PictureBytes};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

/// All but RFC 3986's unreserved characters and the slash: no quote or bracket can end the link, no colon
/// makes a scheme, and `#`, `?` and `%` lose their meaning.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');
/// What would end an address in Markdown, or mean something else there.
const NOT_IN_ADDRESSES: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'$')
    .add(b'\'')
    .add(b'(')
    .add(b')')
    .add(b'*')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');
/// Schemes of addresses that become links.
const SCHEMES: [&str; 3] = ["http://", "https://", "mailto:"];
/// Times that a picture is embedded; after that it is linked. A table may name one any number of times.
const MOST_COPIES: usize = 4;

/// Link to a file below the document's folder; its path is written with `/`.
pub(super) fn link(path: &str) -> String {
    let encoded = utf8_percent_encode(path, ENCODED);
    // `/x` and `//host` would point outside the folder.
    if path.starts_with('/') {
        format!(".{encoded}")
    } else {
        encoded.to_string()
    }
}

/// The address of a link, if it may be followed.
pub(in crate::writer) fn address(link: &str) -> Option<&str> {
    let link = link.trim();
    let starts = |scheme: &&str| {
        let start = link.as_bytes().get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    };
    let is_whole = !link.contains(|c: char| c.is_control() || c.is_whitespace());
    (is_whole && SCHEMES.iter().any(starts)).then_some(link)
}

/// An address between the brackets of a link.
pub(super) fn encoded(address: &str) -> String {
    // An ampersand before a name and a semicolon would be a character.
    let encoded = utf8_percent_encode(address, NOT_IN_ADDRESSES).to_string();
    encoded.replace('&', "&amp;")
}

/// What the pictures of a document are shown by: links to their files, or their bytes.
#[derive(Default)]
pub struct PictureSources<'a> {
    /// Paths of the pictures inside of tables.
    in_tables: BTreeSet<&'a str>,
    /// The pictures that are embedded.
    embedded: Option<PictureBytes<'a>>,
    /// Times that each was embedded.
    copies: RefCell<BTreeMap<String, usize>>,
    /// Why the first one could not be read.
    error: RefCell<Option<io::Error>>,
}

impl<'a> PictureSources<'a> {
    /// Links to the pictures of some pages.
    pub fn of(pages: &'a [Page]) -> PictureSources<'a> {
        let in_tables = pages.iter().flat_map(|page| &page.table_pictures);
        PictureSources {
            in_tables: in_tables.map(String::as_str).collect(),
            ..PictureSources::default()
        }
    }

    /// The pictures of a document: their bytes, or links to them.
    pub(in crate::writer) fn new(finished: Finished<'a>, embeds: bool) -> PictureSources<'a> {
        PictureSources {
            embedded: embeds.then(|| PictureBytes::of(finished)),
            ..PictureSources::of(&finished.document.pages)
        }
    }

    /// The address of a picture.
    pub(in crate::writer) fn source(&self, path: &str) -> String {
        let Some(embedded) = &self.embedded else {
            return link(path);
        };
        let mut copies = self.copies.borrow_mut();
        let copies = copies.entry(path.to_string()).or_default();
        *copies += 1;
        if *copies > MOST_COPIES {
            return link(path);
        }
        match embedded.read(path) {
            Ok(Some(jpeg)) => data_address(&jpeg),
            Ok(None) => link(path),
            Err(error) => {
                self.error.borrow_mut().get_or_insert(error);
                link(path)
            }
        }
    }

    /// Fails if a picture could not be read.
    pub(in crate::writer) fn check(&self) -> io::Result<()> {
        self.error.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// `true` for a picture inside of a table.
    pub(in crate::writer) fn is_in_table(&self, path: &str) -> bool {
        self.in_tables.contains(path)
    }

    /// The known path at the start of a text, if `end` follows it.
    pub(in crate::writer) fn at_start(&self, text: &str, end: &str) -> Option<&'a str> {
        let is_here = |path: &&&str| {
            text.strip_prefix(**path)
                .is_some_and(|t| t.starts_with(end))
        };
        self.in_tables.iter().find(is_here).copied()
    }
}

fn data_address(jpeg: &[u8]) -> String {
    let mut address = String::from("data:image/jpeg;base64,");
    BASE64_STANDARD.encode_string(jpeg, &mut address);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(link(path), expected);
    }

    #[test]
    fn links_hold_names_of_any_kind() {
        check("imgs/report/p1_b2.jpg", "imgs/report/p1_b2.jpg");
        check("imgs/fig #1 50%/a.jpg", "imgs/fig%20%231%2050%25/a.jpg");
        check(
            "imgs/x\" onerror=\"alert(1)/a.jpg",
            "imgs/x%22%20onerror%3D%22alert%281%29/a.jpg",
        );
        check(
            "imgs/a\\b&<c>'\n/é.jpg",
            "imgs/a%5Cb%26%3Cc%3E%27%0A/%C3%A9.jpg",
        );
        check("javascript:alert(1)", "javascript%3Aalert%281%29");
        check("//host/a.jpg", ".//host/a.jpg");
    }
}
