//! Addresses of links, which stand in a part of their own beside the text.
//!
//! Word refuses a whole document for one address that is no URI, so only those become links that are: everything else stays
//! text.

use super::parts::external;
use crate::writer::markdown::address;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::collections::BTreeMap;

/// Characters that a path or query cannot have (RFC 3986); `%` is looked at apart.
const ENCODED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
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
/// Longest address in bytes: Word's limit is 2083 characters.
const MAX_LENGTH: usize = 2048;

/// The links of a part.
#[derive(Default)]
pub(super) struct Links {
    addresses: Vec<String>,
    by_address: BTreeMap<String, usize>,
}

impl Links {
    /// The name of a link for the text; `None` if it may not be followed.
    pub(super) fn id(&mut self, link: &str) -> Option<String> {
        let uri = uri(address(link)?)?;
        let next = self.addresses.len();
        let number = *self.by_address.entry(uri.clone()).or_insert(next);
        if number == next {
            self.addresses.push(uri);
        }
        Some(format!("link{number}"))
    }

    /// The entries of the part that has the addresses.
    pub(super) fn relationships(&self) -> String {
        let links = self.addresses.iter().enumerate();
        let links = links.map(|(number, uri)| external(&format!("link{number}"), "hyperlink", uri));
        links.collect()
    }
}

/// An address of the web or of mail as a URI.
fn uri(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once(':')?;
    let scheme = scheme.to_ascii_lowercase();
    let uri = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            let (authority, path) = rest.split_at(end);
            format!("{scheme}://{}{}", host(authority)?, encoded(path))
        }
        None => {
            let (receiver, _) = rest.split_once('?').unwrap_or((rest, ""));
            let has_one = receiver.matches('@').count() == 1;
            let is_whole = !receiver.starts_with('@') && !receiver.ends_with('@');
            (has_one && is_whole).then(|| format!("{scheme}:{}", encoded(rest)))?
        }
    };
    (uri.len() <= MAX_LENGTH).then_some(uri)
}

/// A host and its port. Names of users in addresses mislead people more often than they lead anywhere.
fn host(authority: &str) -> Option<&str> {
    let (name, port) = authority.split_once(':').unwrap_or((authority, "80"));
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_host = name.chars().all(is_name) && name.chars().any(char::is_alphanumeric);
    let is_port = port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    (is_host && is_port).then_some(authority)
}

/// What stands behind the host.
fn encoded(path: &str) -> String {
    let (path, fragment) = path
        .split_once('#')
        .map_or((path, None), |(p, f)| (p, Some(f)));
    let encode = |text: &str| {
        let text = utf8_percent_encode(text, ENCODED).to_string();
        let mut out = String::with_capacity(text.len());
        for (at, c) in text.char_indices() {
            let digits = text.as_bytes().get(at + 1..at + 3);
            let is_code = digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
            out.push(c);
            if c == '%' && !is_code {
                out.push_str("25");
            }
        }
        out
    };
    match fragment {
        Some(fragment) => format!("{}#{}", encode(path), encode(fragment)),
        None => encode(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: Option<&str>) {
        assert_eq!(uri(address).as_deref(), expected, "{address}");
    }

    #[test]
    fn only_uris_are_links() {
        check("HTTPS://example.org", Some("https://example.org"));
        check(
            "http://example.org:8080/a%20b?q={x}&p=100%#é#b",
            Some("http://example.org:8080/a%20b?q=%7Bx%7D&p=100%25#%C3%A9%23b"),
        );
        check("http://münchen.example/", Some("http://münchen.example/"));
        check("http://user:word@example.org/", None);
        check("http://[::1]/", None);
        check("http://example.org:99999/", None);
        check("http:///path", None);
        check("https://exa<mple>.org", None);
        check(
            "mailto:a@example.org?subject=\"x\"",
            Some("mailto:a@example.org?subject=%22x%22"),
        );
        check("mailto:a@b@c", None);
        check("mailto:", None);
        assert_eq!(
            uri(&format!("http://example.org/{}", "a".repeat(3000))),
            None
        );
    }

    #[test]
    fn one_address_is_one_entry() {
        let mut links = Links::default();
        assert_eq!(links.id("javascript:alert(1)"), None);
        assert_eq!(
            links.id("https://example.org/?a&b").as_deref(),
            Some("link0")
        );
        assert_eq!(
            links.id("https://example.org/?a&b").as_deref(),
            Some("link0")
        );
        let entries = links.relationships();
        assert_eq!(entries.matches("<Relationship ").count(), 1);
        assert!(
            entries.contains("Target=\"https://example.org/?a&amp;b\""),
            "{entries}"
        );
    }
}
