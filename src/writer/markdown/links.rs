//! Paths of pictures as links.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but RFC 3986's unreserved characters and the slash: no quote or bracket can end the link, no colon
/// makes a scheme, and `#`, `?` and `%` lose their meaning.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Link to a file below the document's folder; its path is written with `/`.
pub fn link(path: &str) -> String {
    let encoded = utf8_percent_encode(path, ENCODED);
    // `/x` and `//host` would point outside the folder.
    if path.starts_with('/') {
        format!(".{encoded}")
    } else {
        encoded.to_string()
    }
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
