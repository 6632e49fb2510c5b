//! Web addresses: recognizing them, displaying them without secrets, and resolving redirects.

use percent_encoding::percent_decode_str;
use std::net::IpAddr;
use ureq::http::Uri;

/// File name for an address without one.
const NAMELESS: &str = "download";
/// Characters that end the authority (user, host and port) of an address.
const AFTER_HOST: [char; 4] = ['/', '?', '#', '\\'];

/// `true` if the word is an address that can be requested: `http` or `https`, in any case.
pub(crate) fn is_address(word: &str) -> bool {
    matches!(split(word), Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

/// `true` if the word looks like an address of any scheme, such as `ftp://...`; display it by
/// [`shown_address`] only.
pub(crate) fn has_scheme(word: &str) -> bool {
    split(word).is_some()
}

/// Scheme and rest of an address.
fn split(word: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = word.split_once("://")?;
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let is_word =
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(is_scheme);
    is_word.then_some((scheme, rest))
}

/// An address for display and storage: without user and password, query (it may hold a signature) and
/// fragment, and with control characters escaped. Other text is returned unchanged but for the same escapes.
pub(crate) fn shown_address(address: &str) -> String {
    let Some((scheme, rest)) = split(address) else {
        return escaped(address);
    };
    let end = rest.find(AFTER_HOST).unwrap_or(rest.len());
    let host = &rest[..end];
    let host = &host[host.rfind('@').map_or(0, |at| at + 1)..];
    if !is_host(host) {
        // For example, a password with a slash in it ends the authority too early: the secret part cannot be
        // located.
        return format!("{scheme}://...");
    }
    let path = &rest[end..];
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    escaped(&format!("{scheme}://{host}{path}"))
}

/// `true` if the text may be a host: not empty, and only digits after the last colon.
fn is_host(host: &str) -> bool {
    match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => {
            !name.is_empty() && !port.is_empty() && port.chars().all(|c| c.is_ascii_digit())
        }
        _ => !host.is_empty(),
    }
}

fn escaped(text: &str) -> String {
    let escape = |c: char| match super::capped::is_unseen(c) {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(escape).collect()
}

/// The file name of an address: the last segment of its path, percent-decoded.
///
/// Never empty; no leading dots or spaces; separators and control characters become `_`. A segment that does
/// not decode to UTF-8 is left encoded.
pub(crate) fn file_name_of(address: &str) -> String {
    let rest = split(address).map_or(address, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let Some((_, last)) = path.rsplit_once(['/', '\\']) else {
        return NAMELESS.to_string();
    };
    let decoded = percent_decode_str(last)
        .decode_utf8()
        .map_or_else(|_| last.to_string(), String::from);
    let safe = |c: char| {
        if matches!(c, '/' | '\\') || super::capped::is_unseen(c) {
            '_'
        } else {
            c
        }
    };
    let name: String = decoded.chars().map(safe).collect();
    // Leading dots would hide the file, or leave nothing of its name but the extension.
    match name.trim().trim_start_matches('.') {
        "" => NAMELESS.to_string(),
        name => name.to_string(),
    }
}

/// Scheme, host and port of an address: the scope of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    is_https: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an address; `None` if it is not an `http` or `https` address.
    pub(crate) fn of(address: &str) -> Option<Origin> {
        let uri: Uri = address.split('#').next()?.parse().ok()?;
        let is_https = match uri.scheme_str()? {
            scheme if scheme.eq_ignore_ascii_case("https") => true,
            scheme if scheme.eq_ignore_ascii_case("http") => false,
            _ => return None,
        };
        let host = uri.host()?.trim_end_matches('.').to_ascii_lowercase();
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        (!host.is_empty()).then_some(Origin {
            is_https,
            host,
            port,
        })
    }

    /// `true` for `https`.
    pub(crate) fn is_https(&self) -> bool {
        self.is_https
    }

    /// `true` if the host is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// `true` if nobody on the way can read what is sent: encrypted, or on this machine.
    pub(crate) fn keeps_secrets(&self) -> bool {
        self.is_https || self.is_loopback()
    }
}

/// The target of a redirect from `base` to `location` (RFC 3986, section 5.2, but dot segments are left to
/// the server).
pub(crate) fn resolved(base: &str, location: &str) -> Option<String> {
    let location = location.trim();
    if has_scheme(location) {
        return Some(location.to_string());
    }
    // A scheme without slashes is not an address that can be requested.
    let first = location.split(['/', '?', '#']).next().unwrap_or_default();
    if first.contains(':') {
        return None;
    }
    let (scheme, rest) = split(base)?;
    let host = &rest[..rest.find(AFTER_HOST).unwrap_or(rest.len())];
    // Credentials for the first server are not passed on to the next.
    let host = &host[host.rfind('@').map_or(0, |at| at + 1)..];
    let path = &rest[rest.find(AFTER_HOST).unwrap_or(rest.len())..];
    let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
    Some(match location.chars().next() {
        None => return None,
        Some('/') if location.starts_with("//") => format!("{scheme}:{location}"),
        Some('/') => format!("{scheme}://{host}{location}"),
        Some('?' | '#') => format!("{scheme}://{host}{path}{location}"),
        Some(_) => {
            let folder = &path[..path.rfind('/').map_or(0, |at| at + 1)];
            let folder = if folder.is_empty() { "/" } else { folder };
            format!("{scheme}://{host}{folder}{location}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_told_from_other_words() {
        assert!(is_address("http://a") && is_address("HTTPS://a/b"));
        for word in [
            "ftp://a",
            "file:///etc/passwd",
            "a.pdf",
            "http:/a",
            "",
            "dir/http://a",
        ] {
            assert!(!is_address(word), "{word}");
        }
        assert!(has_scheme("ftp://a") && !has_scheme("1x://a") && !has_scheme("a b://c"));
    }

    #[test]
    fn secrets_in_addresses_are_not_shown() {
        for (address, shown) in [
            ("http://me:secret@host:1/v1", "http://host:1/v1"),
            ("https://host/v1?a=b@c", "https://host/v1"),
            (
                "https://host/a.pdf?X-Signature=secret#secret",
                "https://host/a.pdf",
            ),
            ("https://secret@host", "https://host"),
            ("https://host?secret", "https://host"),
            ("https://me:se@cret@host/x", "https://host/x"),
            ("http://me:secret/secret@host/x", "http://..."),
            ("http://me:secret?secret@host/x?secret", "http://..."),
            ("http:///secret", "http://..."),
            ("http://[::1]:8/x", "http://[::1]:8/x"),
            ("http://[::1]/x@y", "http://[::1]/x@y"),
            ("ftp://me:secret@host/x", "ftp://host/x"),
            ("http://host/a\u{1b}[31mb\n", "http://host/a\\u{1b}[31mb\\n"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(shown_address(address), shown, "{address}");
        }
    }

    #[test]
    fn names_of_files_are_names() {
        for (address, name) in [
            ("http://h/a/report.pdf?x=/b", "report.pdf"),
            ("http://h/a%20b.pdf", "a b.pdf"),
            ("http://h/..", NAMELESS),
            ("http://h/a/%2e%2e%2f", "_"),
            ("http://h/..pdf", "pdf"),
            ("http://h/%2e%2e", NAMELESS),
            ("http://h/a%2Fb.pdf", "a_b.pdf"),
            ("http://h/a%00%1b.pdf", "a__.pdf"),
            ("http://h/%ff.pdf", "%ff.pdf"),
            ("http://h/%C3%A9.pdf", "\u{e9}.pdf"),
            ("http://h/", NAMELESS),
            ("http://h", NAMELESS),
            ("http://h?x=/y", NAMELESS),
        ] {
            assert_eq!(file_name_of(address), name, "{address}");
        }
    }

    #[test]
    fn redirects_lead_where_browsers_go() {
        let base = "https://me:pw@h:8/a/b?q=1#f";
        for (location, leads) in [
            ("http://x/y", Some("http://x/y")),
            ("//x/y", Some("https://x/y")),
            ("/y", Some("https://h:8/y")),
            ("y?z", Some("https://h:8/a/y?z")),
            ("?z", Some("https://h:8/a/b?z")),
            ("file:///etc/passwd", Some("file:///etc/passwd")),
            ("data:text", None),
            ("", None),
        ] {
            assert_eq!(resolved(base, location).as_deref(), leads, "{location}");
        }
    }

    #[test]
    fn origins_are_scheme_server_and_port() {
        let of = |address: &str| Origin::of(address).unwrap();
        assert_eq!(of("https://Hub.co/x"), of("https://me:pw@hub.co:443?y#z"));
        assert!(
            of("https://hub.co") != of("http://hub.co")
                && of("https://hub.co") != of("https://hub.co:8")
        );
        assert!(of("http://127.0.0.2:3/x").is_loopback() && of("http://[::1]").is_loopback());
        assert!(
            of("http://localhost").keeps_secrets()
                && !of("http://localhost.evil.com").keeps_secrets()
        );
        assert!(!of("http://evil.com//127.0.0.1").is_loopback());
        assert_eq!(Origin::of("ftp://h"), None);
    }

    proptest! {
        #[test]
        fn no_password_and_no_query_is_ever_shown(
            user in "[a-z]{0,4}:([a-z:/?#\\\\]{0,6}|[a-z:@]{0,6})", path in "[a-z/@.%]{0,8}", query in "[a-z/@?#=]{0,6}",
        ) {
            let address = format!("https://{user}SECRET@host/{path}?{query}SECRET#SECRET");
            let shown = shown_address(&address);
            prop_assert!(!shown.contains("SECRET"), "{} is shown as {}", address, shown);
        }

        #[test]
        fn any_address_gives_a_name(address in "(https?://)?[ -~\u{1}-\u{1f}\u{e0}-\u{e9}]{0,24}") {
            let name = file_name_of(&address);
            prop_assert!(!name.is_empty() && !name.starts_with('.'));
            let has_unsafe = name.contains(['/', '\\', '\0', '\n', '\x1b']);
            prop_assert!(!has_unsafe);
        }
    }
}
