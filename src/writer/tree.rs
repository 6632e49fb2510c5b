//! The two trees of files that docparse writes below the save path: its own, and the reference's.

use super::compat;
use super::format::{Format, Needs};
use super::formats::{FORMATS, Formats};

/// A tree of files: the formats that it has, and its ways where they differ.
pub(crate) struct Tree {
    /// Its formats; those of a name that [`Formats`] has and the tree has not are left out.
    formats: &'static [&'static dyn Format],
    /// Files of an earlier run of the document that are none of this one's are removed.
    pub(super) replaces_earlier: bool,
    /// A document that is given up keeps the pages that came before.
    pub(super) keeps_unfinished: bool,
    /// Many pages in a row that failed alike are one entry of the result.
    pub(super) joins_failed_pages: bool,
}

/// Markdown, JSON and drawings of a whole document in one file each, its pictures in a folder of their own.
pub(crate) static OWN: Tree = Tree {
    formats: FORMATS,
    replaces_earlier: true,
    keeps_unfinished: false,
    joins_failed_pages: true,
};

/// `--compat`: the reference's files, a result and a Markdown file for every page, all flat in one folder.
pub(crate) static REFERENCE: Tree = Tree {
    formats: compat::FORMATS,
    replaces_earlier: false,
    keeps_unfinished: true,
    joins_failed_pages: false,
};

impl Tree {
    /// The tree that is written with or without `--compat`.
    pub(crate) fn of(compat: bool) -> &'static Tree {
        if compat { &REFERENCE } else { &OWN }
    }

    /// The formats of the tree that were chosen.
    pub(crate) fn formats(
        &self,
        chosen: Formats,
    ) -> impl DoubleEndedIterator<Item = &'static dyn Format> {
        let formats = self.formats.iter().copied();
        formats.filter(move |format| chosen.contains(format.name()))
    }

    /// Endings of the files that every document may get, pictures aside.
    pub(crate) fn endings(&self, chosen: Formats) -> Vec<String> {
        self.formats(chosen)
            .flat_map(|format| format.endings())
            .map(|ending| ending.to_string())
            .collect()
    }

    /// Pictures that the formats need beside the finished document.
    pub(crate) fn needs(&self, chosen: Formats) -> Needs {
        self.formats(chosen)
            .fold(Needs::default(), |needs, format| needs | format.needs())
    }
}
