//! Documents of which one would have the files of another one's page: the reference writes `a_0.md` for the first page of
//! `a.pdf`, and for the picture `a_0.png`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What is known of the pages of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pages {
    /// Most pages whose files have numbers, from 0.
    most: usize,
    /// Its files may have no number.
    may_be_single: bool,
}

impl Pages {
    /// A picture, whose files have no number.
    pub(crate) const SINGLE: Pages = Pages {
        most: 0,
        may_be_single: true,
    };
    /// It will be known only when the input has come.
    pub(crate) const UNKNOWN: Pages = Pages {
        most: usize::MAX,
        may_be_single: true,
    };

    /// Numbered pages; so many at most.
    pub(crate) const fn numbered(most: usize) -> Pages {
        Pages {
            most,
            may_be_single: false,
        }
    }
}

/// The document and the page, from 0, that a stem like `a_0` may be of.
fn page_of(stem: &OsStr) -> Option<(&OsStr, usize)> {
    let bytes = stem.as_bytes();
    let is_digit = |byte: &&u8| byte.is_ascii_digit();
    let digits = bytes.iter().rev().take_while(is_digit).count();
    let (document, number) = bytes.split_at(bytes.len() - digits);
    let document = document.strip_suffix(b"_")?;
    // Pages have no zeros in front.
    let is_number = number == b"0" || !number.starts_with(b"0");
    let page = str::from_utf8(number).ok()?.parse().ok()?;
    is_number.then_some((OsStr::from_bytes(document), page))
}

/// Indices of the stems of which one may be the page of another.
pub(crate) fn worth_a_look(stems: &[&OsStr]) -> BTreeSet<usize> {
    let mut by_stem: BTreeMap<&OsStr, Vec<usize>> = BTreeMap::new();
    for (index, stem) in stems.iter().enumerate() {
        by_stem.entry(*stem).or_default().push(index);
    }
    let mut found = BTreeSet::new();
    for (index, stem) in stems.iter().enumerate() {
        let documents = page_of(stem).and_then(|(document, _)| by_stem.get(document));
        if let Some(documents) = documents {
            found.extend(documents);
            found.insert(index);
        }
    }
    found
}

/// The documents of a run that have their names.
#[derive(Debug, Default)]
pub(crate) struct PageNames {
    /// By stem: as given, and their pages.
    documents: BTreeMap<OsString, (String, Pages)>,
    /// Pages that documents with such stems may be, by the stem without the number.
    pages: BTreeMap<OsString, BTreeSet<usize>>,
}

impl PageNames {
    /// Adds a document.
    pub(crate) fn add(&mut self, stem: &OsStr, given: &str, pages: Pages) {
        self.documents
            .insert(stem.to_os_string(), (given.to_string(), pages));
        if let (Some((document, page)), true) = (page_of(stem), pages.may_be_single) {
            let of_document = self.pages.entry(document.to_os_string()).or_default();
            of_document.insert(page);
        }
    }

    /// Why a document cannot have this stem beside those added; `None` if it can.
    pub(crate) fn clash(&self, stem: &OsStr, pages: Pages) -> Option<String> {
        let told = |stem: &OsStr, page: usize, given: &str| {
            let (stem, number) = (stem.to_string_lossy(), page + 1);
            format!("`{stem}` is the name of the files of page {number} of `{given}`, too")
        };
        if let Some((document, page)) = page_of(stem)
            && let Some((given, of)) = self.documents.get(document)
            && pages.may_be_single
            && page < of.most
        {
            return Some(told(stem, page, given));
        }
        let first = *self.pages.get(stem)?.first()?;
        let (mut name, number) = (stem.to_os_string(), format!("_{first}"));
        name.push(number);
        let (given, _) = self.documents.get(&name)?;
        let (shown, number) = (name.to_string_lossy(), first + 1);
        let told =
            || format!("the files of page {number} would have the name of `{given}`, `{shown}`");
        (first < pages.most).then(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PDF: Pages = Pages::numbered(3);

    /// Documents in order; those that are refused.
    #[track_caller]
    fn check(documents: &[(&str, Pages)], refused: &[&str]) {
        let mut names = PageNames::default();
        let mut found = Vec::new();
        for (stem, pages) in documents {
            match names.clash(OsStr::new(stem), *pages) {
                Some(_) => found.push(*stem),
                None => names.add(OsStr::new(stem), stem, *pages),
            }
        }
        assert_eq!(found, refused);
    }

    #[test]
    fn a_picture_is_refused_only_if_the_document_has_that_page() {
        check(&[("a", PDF), ("a_0", Pages::SINGLE)], &["a_0"]);
        check(&[("a_2", Pages::SINGLE), ("a", PDF)], &["a"]);
        check(&[("a", PDF), ("a_3", Pages::SINGLE)], &[]);
        check(&[("a_2024", Pages::SINGLE), ("a", PDF)], &[]);
        // The files of a PDF have a further number.
        check(&[("a", PDF), ("a_0", PDF)], &[]);
        check(&[("a", Pages::SINGLE), ("a_0", Pages::SINGLE)], &[]);
        check(
            &[("a", PDF), ("a_00", Pages::SINGLE), ("a_", Pages::SINGLE)],
            &[],
        );
        check(&[("a", Pages::UNKNOWN), ("a_7", Pages::UNKNOWN)], &["a_7"]);
    }

    #[test]
    fn few_inputs_are_worth_a_look() {
        let stems = ["b", "a_1", "a", "c_2", "a_x", "b_1_2"].map(OsStr::new);
        assert_eq!(worth_a_look(&stems), BTreeSet::from([1, 2]));
    }
}
