//! Names that clients give files: data, and never paths.

/// Longest name of a file that is kept, in bytes.
const MOST_NAME: usize = 200;

/// A client's name for a file, as data: its last component, without control characters.
pub(crate) fn clean_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let mut name: String = last.chars().filter(|c| !c.is_control()).collect();
    name.truncate(name.floor_char_boundary(MOST_NAME));
    match name.trim_matches(['.', ' ']).is_empty() {
        true => "document".into(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::clean_name;

    #[test]
    fn names_of_clients_are_no_paths() {
        for (given, name) in [
            ("a.pdf", "a.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\x\\b.pdf", "b.pdf"),
            ("", "document"),
            ("..", "document"),
            ("x/..", "document"),
            ("a\nb\u{0}.pdf", "ab.pdf"),
        ] {
            assert_eq!(clean_name(given), name);
        }
        assert_eq!(clean_name(&"ä".repeat(300)).len(), 200);
    }
}
